//! What a disk may do instead of what it is asked.

use crate::disk::Refusal;

/// One way in which requests go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Writes fail.
    WriteFails(Refusal),
    /// Each write takes half of what it is given.
    ShortWrites,
    /// Syncs fail as a device does (EIO).
    SyncFails,
    /// Syncs do not come back before they are let go.
    SyncHangs,
    /// Syncs succeed and nothing is durable, as on a drive that ignores the flush of its cache.
    SyncLies,
}

impl What {
    pub(crate) const fn is_write(&self) -> bool {
        matches!(self, Self::WriteFails(_) | Self::ShortWrites)
    }

    pub(crate) const fn is_sync(&self) -> bool {
        !self.is_write()
    }
}

/// A fault of the files of one name.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) what: What,
    pub(crate) file: String,
    /// How often it was met.
    pub(crate) met: u64,
}

impl Fault {
    /// A fault that every file of this name meets, in whatever folder.
    #[must_use]
    pub fn new(what: What, file: &str) -> Self {
        Self { what, file: file.to_owned(), met: 0 }
    }
}
