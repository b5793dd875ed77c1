//! One reader of records, whatever they come from: positions, hashes and the head are checked here, once.

mod at_rest;
mod remote;

use std::ops::ControlFlow;
use std::path::PathBuf;

use ledger_core::Record;
use ledger_log::{Hash, record};

use crate::error::Error;
use crate::finding::{Finding, Rule};

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder of a log that no server works on. Never written to.
    Data(PathBuf),
    /// A server's gRPC address, such as `http://127.0.0.1:50051`.
    From(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(dir) => dir.display().fmt(f),
            Self::From(url) => url.fmt(f),
        }
    }
}

/// What one pass over all records found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Number of records whose bytes are intact.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// What is wrong with the log as stored or sent, by position.
    pub findings: Vec<Finding>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// The first position that cannot be vouched for.
    pub first_bad_position: Option<u64>,
}

/// What records are shown to; it ends its part by a break, and the pass goes on without it.
pub type Visit<'v> = dyn FnMut(&Record<'_>) -> ControlFlow<()> + 'v;

impl Source {
    /// Reads every record from position 0 to the head, checks the log's integrity, and shows each record that can be
    /// read to `visit`, in order, up to the first that cannot.
    ///
    /// Damage is no error: it is in the findings.
    ///
    /// # Errors
    ///
    /// What kept the log from being read to its end.
    pub fn for_each(&self, visit: &mut Visit<'_>) -> Result<Pass, Error> {
        match self {
            Self::Data(dir) => at_rest::pass(dir, visit),
            Self::From(url) => remote::pass(url, visit),
        }
    }
}

/// Shows records to a visitor until one cannot be read.
struct Show<'s, 'v> {
    visit: &'s mut Visit<'v>,
    ended: bool,
    undecodable: Option<Finding>,
}

impl<'s, 'v> Show<'s, 'v> {
    fn new(visit: &'s mut Visit<'v>) -> Self {
        Self { visit, ended: false, undecodable: None }
    }

    fn record(&mut self, position: u64, bytes: &[u8]) {
        if self.ended {
            return;
        }
        match record::decode(bytes) {
            Ok(record) => self.ended = (self.visit)(&record).is_break(),
            Err(error) => {
                self.ended = true;
                let finding = Finding::new(Rule::Decodable, "a record", error.to_string());
                self.undecodable = Some(finding.at_position(position));
            }
        }
    }
}

fn first_bad(findings: &[Finding]) -> Option<u64> {
    findings.iter().filter_map(|finding| finding.positions.first().copied()).min()
}
