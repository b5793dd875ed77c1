//! One reader of records, whatever they come from: positions, hashes and the head are checked here, once.

mod at_rest;
mod evidence;
mod remote;

pub(crate) use at_rest::{damaged, notes};

use std::ops::ControlFlow;
use std::path::PathBuf;

use ledger_core::Record;
use ledger_log::{AtRest, Hash, Head, is_archive, record};
use ledger_rpc::client::ClientTls;

use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::proof::{Consistency, Inclusion};

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder of a log that no server works on. Never written to.
    Data(PathBuf),
    /// The folder of an archive. Never written to.
    Archive(PathBuf),
    /// A running server.
    From(Server),
}

/// A server, and the certificate to show there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its gRPC address, such as `http://127.0.0.1:50051`.
    pub url: String,
    /// The files of a certificate; `None`: plain HTTP/2.
    pub tls: Option<ClientTls>,
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.url.fmt(f)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(dir) | Self::Archive(dir) => dir.display().fmt(f),
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

/// What the bytes of each whole record are shown to, whether they can be read as a record or not.
pub type VisitBytes<'v> = dyn FnMut(u64, &[u8]) + 'v;

/// What records are shown to; it ends its part by a break, and the pass goes on without it.
pub type Visit<'v> = dyn FnMut(&Record<'_>) -> ControlFlow<()> + 'v;

/// Is shown some consecutive records, as many as [`AHEAD`](ledger_core::state::AHEAD) at most, with their bytes.
pub type VisitSome<'v> = dyn FnMut(&[(&[u8], Record<'_>)]) -> Next + 'v;

/// Is shown the bytes of some consecutive records with their positions.
type VisitBatch<'v> = dyn FnMut(&[(u64, &[u8])]) -> ControlFlow<()> + 'v;

/// What a visitor that may stop a pass wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next record.
    More,
    /// No more records; what is left is only checked.
    Enough,
    /// Nothing more: the rest is not even read.
    Stop,
}

impl Pass {
    /// With one more thing that was found.
    fn with(mut self, finding: Option<Finding>) -> Self {
        self.findings.extend(finding);
        self.findings.sort_by_key(|finding| finding.positions.first().copied());
        self.first_bad_position = first_bad(&self.findings);
        self
    }
}

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
        self.for_each_watched(&mut |_, _| {}, visit)
    }

    /// Like [`Self::for_each`]; `watch` is shown the bytes of every record, also of those that `visit` does not get.
    ///
    /// # Errors
    ///
    /// What kept the log from being read to its end.
    pub fn for_each_watched(&self, watch: &mut VisitBytes<'_>, visit: &mut Visit<'_>) -> Result<Pass, Error> {
        let mut show = Show::new(visit);
        let pass = self.bytes(&mut |position, bytes| {
            watch(position, bytes);
            show.record(position, bytes);
        })?;
        Ok(pass.with(show.undecodable))
    }

    /// Like [`Self::for_each`], some consecutive records at a time, with their bytes, and so many threads that read and hash;
    /// `None` where the visitor had the pass stopped.
    ///
    /// # Errors
    ///
    /// What kept the log from being read to its end.
    pub fn for_each_while(&self, threads: usize, visit: &mut VisitSome<'_>) -> Result<Option<Pass>, Error> {
        let (mut ended, mut undecodable) = (false, None);
        let pass = self.bytes_while(threads, &mut |some| {
            if ended {
                return ControlFlow::Continue(());
            }
            let (mut records, mut bad) = (Vec::with_capacity(some.len()), None);
            for (position, bytes) in some {
                match record::decode(bytes) {
                    Ok(record) => records.push((*bytes, record)),
                    Err(error) => {
                        bad = Some(not_a_record(*position, &error));
                        break;
                    }
                }
            }
            let next = visit(&records);
            // What comes after the last that was wanted is nobody's concern.
            undecodable = bad.filter(|_| next == Next::More);
            ended = next != Next::More || undecodable.is_some();
            if next == Next::Stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(pass.map(|pass| pass.with(undecodable)))
    }

    /// Reads every record from position 0 to the head and checks the log's integrity; what the records say is not
    /// looked at.
    ///
    /// # Errors
    ///
    /// What kept the log from being read to its end.
    pub fn bytes(&self, visit: &mut VisitBytes<'_>) -> Result<Pass, Error> {
        let mut pass = match self {
            Self::Data(dir) => at_rest::pass(&AtRest::open(dir)?, visit)?,
            Self::Archive(dir) => at_rest::pass(&AtRest::archive(dir)?, visit)?,
            Self::From(url) => remote::pass(url, visit)?,
        };
        pass.first_bad_position = first_bad(&pass.findings);
        Ok(pass)
    }

    /// The same by several threads, until `visit` breaks; `None` where it did.
    fn bytes_while(&self, threads: usize, visit: &mut VisitBatch<'_>) -> Result<Option<Pass>, Error> {
        match self {
            Self::Data(dir) => at_rest::pass_while(&AtRest::open(dir)?, threads, visit),
            Self::Archive(dir) => at_rest::pass_while(&AtRest::archive(dir)?, threads, visit),
            Self::From(url) => remote::pass_while(url, visit),
        }
    }

    /// A proof that the record at `position` is in the log: as it is, or as it was when it had `size` records. A server's
    /// is taken as it comes: it proves nothing until it is checked against a checkpoint.
    ///
    /// # Errors
    ///
    /// The log is not that long, is damaged, or cannot be read.
    pub fn inclusion(&self, position: u64, size: Option<u64>) -> Result<Inclusion, Error> {
        match self {
            Self::Data(dir) => at_rest::inclusion(AtRest::open(dir)?, position, size),
            Self::Archive(dir) => at_rest::inclusion(AtRest::archive(dir)?, position, size),
            Self::From(url) => evidence::inclusion(url, position, size),
        }
    }

    /// A proof that the log, as it is or as it was when it had `new` records, begins with the log of `old` records. A
    /// server's is taken as it comes.
    ///
    /// # Errors
    ///
    /// The log is not that long, is damaged, or cannot be read.
    pub fn consistency(&self, old: u64, new: Option<u64>) -> Result<Consistency, Error> {
        match self {
            Self::Data(dir) => at_rest::consistency(AtRest::open(dir)?, old, new),
            Self::Archive(dir) => at_rest::consistency(AtRest::archive(dir)?, old, new),
            Self::From(url) => evidence::consistency(url, old, new),
        }
    }
}

/// What a server says that its log is now; nothing about it is checked.
///
/// # Errors
///
/// The server cannot be asked.
pub fn head(url: &Server) -> Result<Head, Error> {
    remote::head(url)
}

/// A server's records from one position to before another, shown to `visit` as they come; only their positions are
/// checked.
///
/// # Errors
///
/// The server cannot be asked, sends other positions or fewer records, or `visit` fails.
pub fn records(
    url: &Server,
    from: u64,
    to: u64,
    visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    remote::records(url, from, to, visit)
}

/// A server's newest checkpoint, as the note that it signed; nothing about it is checked.
///
/// # Errors
///
/// The server cannot be asked, or signs nothing.
pub fn signed_checkpoint(url: &Server) -> Result<String, Error> {
    evidence::checkpoint(url)
}

impl std::str::FromStr for Source {
    type Err = std::convert::Infallible;

    /// A text with `://` is an address, any other a folder: of an archive, or of a log.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            _ if text.contains("://") => Self::From(Server { url: text.to_owned(), tls: None }),
            // What cannot be looked at is said when it is opened.
            _ if is_archive(text.as_ref()).unwrap_or(false) => Self::Archive(text.into()),
            _ => Self::Data(text.into()),
        })
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
                self.undecodable = Some(not_a_record(position, &error));
            }
        }
    }
}

fn not_a_record(position: u64, error: &dyn std::error::Error) -> Finding {
    Finding::new(Rule::Decodable, "a record", error.to_string()).at_position(position)
}

fn first_bad(findings: &[Finding]) -> Option<u64> {
    findings.iter().filter_map(|finding| finding.positions.first().copied()).min()
}
