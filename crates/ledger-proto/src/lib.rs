//! Generated messages of prakerja.ledger.v1, their descriptor set and protobuf JSON.
//!
//! - [`v1`]: the contract of `proto/prakerja/ledger/v1`. Messages named `Stored...` are the log's, all others the API's.
//! - [`google`]: what the contract uses of `google.protobuf`, `google.rpc` and `google.type`.
//! - [`view`]: batches of facts, read where their bytes lie.
//! - Every message is `serde::Serialize` and `Deserialize` as protobuf JSON: names in camel case (snake case is also read),
//!   64-bit integers as strings, times in RFC 3339, `bytes` in base64, defaults left out, unknown fields refused.

mod generated;
mod time;
pub mod view;

pub use generated::google;
pub use generated::prakerja::ledger::v1;
pub use google::protobuf::Timestamp;
pub use google::r#type::Date;

/// Encoded `google.protobuf.FileDescriptorSet` of the contract with imports and comments, for reflection and documentation.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
