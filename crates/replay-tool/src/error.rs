//! Why a question could not be answered: exit code 2, and never confused with a finding.

use std::path::PathBuf;

use ledger_core::fold::FoldError;
use ledger_core::ids::ParticipantId;
use ledger_core::time::Date;
use ledger_log::{FileError, OpenError, ReadError};

use crate::finding::Finding;
use crate::source::Server;

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log at rest could not be opened: locked, absent, unreadable.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The server could not be asked.
    #[error("{url}: could not {action}: {reason}")]
    Server {
        /// Where it was looked for.
        url: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// The log has findings, so that no figure can be computed from it.
    #[error("{}: expected {}, found {} (replay-tool verify shows all that is wrong)", .0.at(), .0.expected, .0.found)]
    Damaged(Box<Finding>),
    /// A record cannot follow those before it.
    #[error("the record at position {position} cannot follow those before it: {source}")]
    Fold {
        /// Its position.
        position: u64,
        /// Why not.
        source: FoldError,
    },
    /// `--known-at` names a position that the log does not have.
    #[error("--known-at {position}: the log has {size} records{}", last(*size))]
    BeyondLog {
        /// The position asked for.
        position: u64,
        /// Number of records.
        size: u64,
    },
    /// `--and` names an earlier state than `--known-at`.
    #[error("--and: {after} records were known then, fewer than the {before} of --known-at")]
    Backwards {
        /// Records known at `--known-at`.
        before: u64,
        /// Records known at `--and`.
        after: u64,
    },
    /// Nothing is known of this participant.
    #[error("participant {participant} is not in the {size} records that were looked at")]
    UnknownParticipant {
        /// Who was asked for.
        participant: ParticipantId,
        /// Number of records folded.
        size: u64,
    },
    /// The participant is known, and was selected later.
    #[error("participant {participant} was selected on {selected_on}, after --as-of {as_of}")]
    NotYetSelected {
        /// Who was asked for.
        participant: ParticipantId,
        /// The day of selection.
        selected_on: Date,
        /// The date asked for.
        as_of: Date,
    },
    /// An audit of this log, known this far, has no such finding.
    #[error("no finding {id}: replay-tool audit lists them{}", beyond(*left_out))]
    UnknownFinding {
        /// The id asked for.
        id: String,
        /// Findings that the audit had beyond those it keeps.
        left_out: u64,
    },
    /// The log cannot be read where a proof needs it.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing can be proven of a log without records.
    #[error("the log has no records")]
    EmptyLog,
    /// A file of evidence could not be read or written.
    #[error("{}: could not {action} it: {source}", file.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A file is not the evidence it is given as.
    #[error("{}: {reason}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `--key` is neither a key nor a file.
    #[error("--key {text}: neither a key, name+id+base64, nor a file that holds one")]
    NotAKey {
        /// What was given.
        text: String,
    },
    /// `--old-checkpoint` with a proof that speaks of one log only.
    #[error("--old-checkpoint: only a proof of consistency has an earlier checkpoint")]
    NoEarlier,
    /// A proof and a checkpoint are of logs of different sizes, so that one says nothing of the other.
    #[error(
        "the proof is for the log of {proof} records, the checkpoint of {checkpoint}: neither proven nor disproven"
    )]
    OtherSize {
        /// Records of the proof's log.
        proof: u64,
        /// Records of the checkpoint's log.
        checkpoint: u64,
    },
    /// What is a folder, or written from both ends, does not go to standard output.
    #[error("--to -: only a journal or lines of JSON go to standard output; name a path")]
    NeedsPath,
    /// The answer could not be written.
    #[error("write the answer: {0}")]
    Output(#[from] std::io::Error),
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Open(error.into())
    }
}

impl Error {
    pub(crate) fn server(server: &Server, action: &'static str, reason: String) -> Self {
        Self::Server { url: server.url.clone(), action, reason }
    }

    /// Whether the reader of the output went away, which is no error to anyone.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The error with everything behind it, in one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = self.to_string();
        let mut source = match self {
            // Transparent, or already said.
            Self::Open(error) => std::error::Error::source(error),
            Self::Read(error) => std::error::Error::source(error),
            _ => None,
        };
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    }
}

fn beyond(left_out: u64) -> String {
    if left_out == 0 { String::new() } else { format!("; {left_out} more are not kept") }
}

fn last(size: u64) -> String {
    size.checked_sub(1).map_or_else(String::new, |last| format!(", the last at position {last}"))
}
