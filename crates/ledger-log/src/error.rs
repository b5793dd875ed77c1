//! Every way the log can refuse, and the one shape of a finding.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::batch::MAX_RECORD_BYTES;

/// Something in the stored log is not what it must be.
///
/// `Display` gives one line: where, expected, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Position of the first record that cannot be vouched for; all before it were read and verified. It equals the
    /// number of records when every record is intact and only what surrounds them (head, proof data) is damaged.
    pub first_bad_position: u64,
    /// What was looked at: a file of the log folder, or a part of it.
    pub place: String,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// What a person should do next.
    pub next: &'static str,
}

/// What to do about damage that only a copy can mend.
pub(crate) const RESTORE: &str = "restore the log folder from a backup, or ask whoever keeps a mirror";

impl Damage {
    pub(crate) fn new(
        first_bad_position: u64,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Damage {
            first_bad_position,
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
            next: RESTORE,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { first_bad_position, place, expected, found, .. } = self;
        write!(f, "{place}: expected {expected}, found {found} (first bad position {first_bad_position})")
    }
}

impl std::error::Error for Damage {}

/// A failed operation on a file, with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct FileError {
    /// What was tried, as a verb: "read", "sync".
    pub action: &'static str,
    /// The file or folder it was tried on.
    pub path: PathBuf,
    /// The system's own words.
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn at<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
        move |source| FileError { action, path: path.to_owned(), source }
    }
}

/// What a visitor of records may answer to stop an opening: a boxed error of its own.
pub type VisitError = Box<dyn std::error::Error + Send + Sync>;

/// Why a log could not be opened, for writing or at rest.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works on this folder.
    #[error("the log folder {} is in use by {holder}", dir.display())]
    Locked {
        /// The log folder.
        dir: PathBuf,
        /// Who holds it, as far as it says: "process 1234", or "an unknown process".
        holder: String,
    },
    /// The folder holds no log (only said by tools, which create none).
    #[error("{} holds no log", dir.display())]
    NotALog {
        /// The folder looked at.
        dir: PathBuf,
    },
    /// The folder holds no archive; none is begun where something else is.
    #[error("{} holds no archive", dir.display())]
    NotAnArchive {
        /// The folder looked at.
        dir: PathBuf,
    },
    /// A log is restored into an empty folder only.
    #[error("{} is not empty", dir.display())]
    InTheWay {
        /// The folder.
        dir: PathBuf,
    },
    /// The stored log is damaged. Nothing was repaired.
    #[error("the log is damaged")]
    Damaged(#[source] Damage),
    /// The visitor refused a record whose bytes are intact.
    #[error("the record at position {position} was refused")]
    Record {
        /// Position of the record.
        position: u64,
        /// The visitor's reason.
        source: VisitError,
    },
    /// There is no room for the copy that this opening needs.
    #[error("{} has {free} bytes free, {needed} are needed", dir.display())]
    NoRoom {
        /// Where the copy should go.
        dir: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The log does not begin with the records that were said to be known already; nothing was changed.
    #[error("the log does not begin with the {size} records that are known: {why}")]
    NotKnown {
        /// How many were said to be known.
        size: u64,
        /// What says otherwise.
        why: &'static str,
    },
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store could not be opened, for a reason that is not damage.
    #[error("the live volume could not be opened: {0}")]
    Store(String),
}

impl OpenError {
    /// The first bad position, when this is damage or a refused record.
    pub fn first_bad_position(&self) -> Option<u64> {
        match self {
            OpenError::Damaged(damage) => Some(damage.first_bad_position),
            OpenError::Record { position, .. } => Some(*position),
            OpenError::Locked { .. }
            | OpenError::NotALog { .. }
            | OpenError::NotAnArchive { .. }
            | OpenError::InTheWay { .. }
            | OpenError::NoRoom { .. }
            | OpenError::NotKnown { .. }
            | OpenError::File(_)
            | OpenError::Store(_) => None,
        }
    }
}

impl From<Damage> for OpenError {
    fn from(damage: Damage) -> Self {
        OpenError::Damaged(damage)
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged(damage) => damage.into(),
            ReadError::File(error) => error.into(),
            error @ (ReadError::PastEnd { .. } | ReadError::Closed) => OpenError::Store(error.to_string()),
        }
    }
}

/// A record longer than [`MAX_RECORD_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of {bytes} bytes is over the limit of {MAX_RECORD_BYTES}")]
pub struct TooLarge {
    /// Length of the refused record, bytes.
    pub bytes: usize,
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The caller decided on another size of the log than it has. Nothing was written; the writer goes on.
    #[error("the log has {actual} records, not the {expected} this append was decided on")]
    WrongHead {
        /// The size the caller named.
        expected: u64,
        /// The size the log has.
        actual: u64,
    },
    /// Writing or syncing failed: whether the batch will be found after a restart is not known. The writer refuses
    /// everything from now on.
    #[error("the write failed and the writer stops: {0}")]
    Failed(String),
    /// An earlier write or sync failed; only opening the log anew tells what is durable.
    #[error("an earlier write failed; the log must be opened anew")]
    Poisoned,
}

/// Why durable records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The position is not below the durable size.
    #[error("position {position} is past the durable end {size}")]
    PastEnd {
        /// The position asked for.
        position: u64,
        /// Number of durable records.
        size: u64,
    },
    /// What is stored there is damaged.
    #[error("the log is damaged")]
    Damaged(#[source] Damage),
    /// A file beside the volume could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The writer closed the log.
    #[error("the log is closed")]
    Closed,
}
