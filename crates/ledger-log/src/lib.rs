//! The append-only event log: sled, chunks, Merkle root, head.
//!
//! Records are bytes to this crate. They get positions 0, 1, 2, .. without gaps, never change, and are hashed as they
//! were first written. What [`Writer::append`] answered `Ok` to is on disk.
//!
//! A log is a folder:
//!
//! | name | what |
//! |---|---|
//! | `segments/` | records that are done with, in plain files, and their list (see `segment`, `manifest`) |
//! | `live/` | sled volumes of the records since: chunks of them (see `volumes`, `chunk`) |
//! | `head` | size and root, outside of sled, two slots (see `head`) |
//! | `subtrees` | roots of subtrees of 256 records and more, for proofs (see `subtrees`) |
//! | `checkpoints/notes` | what was signed of it, where anything was (see `checkpoints`) |
//! | `snapshot` | what the records up to a position add up to, to start sooner; no part of the log (see `snapshot`) |
//! | `closed` | after a close in good order: what every byte was (see `closed`) |
//! | `LOCK` | held by whoever works on the folder (see `lock`) |
//! | `recovering/`, `replaced/` | only while the log is being opened (see `recovery`) |
//!
//! This crate never decides, never folds, and knows no clock; sled is used here and nowhere else.

mod archive;
mod at_rest;
mod batch;
mod blocks;
mod checkpoint;
mod checkpoints;
mod chunk;
mod closed;
mod error;
mod files;
mod head;
mod lock;
mod manifest;
mod merkle;
mod notes;
mod proof;
mod quiet;
mod reader;
mod real_sync;
pub mod record;
mod recovery;
mod restore;
mod scan;
mod sealer;
mod segment;
mod snapshot;
mod store;
mod subtrees;
mod unread;
mod volume;
mod volumes;
mod waker;
mod window;
mod writer;

pub use archive::{ArchiveWriter, is_archive, keep_notes, kept_notes};
pub use at_rest::{AtRest, AtRestReader, Examined};
pub use batch::{Batch, MAX_RECORD_BYTES};
pub use checkpoint::{Checkpoint, DEFAULT_ORIGIN, NoteError, NoteSigner, NoteVerifier};
pub use checkpoints::{Checkpoints, Kept};
pub use chunk::MAX_CHUNK_BYTES;
pub use error::{AppendError, Damage, FileError, OpenError, ReadError, TooLarge, VisitError};
pub use files::free_bytes;
pub use head::Head;
pub use merkle::{Frontier, Hash, empty_root, leaf_hash, node_hash};
pub use reader::{Nearby, Reader, Record, Records};
pub use recovery::{Log, Opening, Options, Recovery};
pub use restore::{restore, restore_linked};
pub use scan::TornTail;
pub use snapshot::{Snapshot, SnapshotWriter, Unusable};
pub use subtrees::BLOCK_LEVEL;
pub use window::Window;
pub use writer::Writer;
