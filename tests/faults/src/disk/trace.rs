//! What is done to a disk, one operation at a time.

use std::sync::Arc;

/// The number of a file or folder; never used again.
pub type Ino = u64;

/// The topmost folder.
pub const ROOT: Ino = 1;

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new file or folder with its name.
    Create {
        /// The folder that holds the name.
        parent: Ino,
        /// The name.
        name: String,
        /// The new number.
        ino: Ino,
        /// Whether it is a folder.
        folder: bool,
    },
    /// A name goes.
    Remove {
        /// The folder that holds the name.
        parent: Ino,
        /// The name.
        name: String,
    },
    /// A name changes, in one step; what had the new name loses it.
    Rename {
        /// The folder that holds both names.
        parent: Ino,
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Bytes of a file, which grows where they lie beyond its end.
    Write {
        /// The file.
        ino: Ino,
        /// Where.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// A file is cut, or filled up with zeroes.
    SetLength {
        /// The file.
        ino: Ino,
        /// Its new length.
        length: u64,
    },
    /// fsync or fdatasync of a file: its bytes and its length are durable. Its name is not.
    SyncFile {
        /// The file.
        ino: Ino,
    },
    /// fsync of a folder: the names in it are durable. What they name is not.
    SyncFolder {
        /// The folder.
        ino: Ino,
    },
}

pub(crate) fn write(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = from.saturating_add(bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    file[from..end].copy_from_slice(bytes);
}

pub(crate) fn set_length(file: &mut Vec<u8>, length: u64) {
    file.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
}
