//! The contract as others see it: its comments, its names, its JSON.

mod comments;
mod json;
mod shape;

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// The contract's own files, without what they import.
fn contract() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(ledger_proto::FILE_DESCRIPTOR_SET).expect("the descriptor set decodes");
    let files: Vec<_> = set.file.into_iter().filter(|file| file.package() == "prakerja.ledger.v1").collect();
    assert_eq!(files.len(), 11, "files of the contract");
    files
}
