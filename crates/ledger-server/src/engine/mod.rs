//! The one writer. A thread owns the state: it takes requests from a queue, decides each on the state, encodes what is
//! to be recorded and folds it at once; a second thread makes the records durable, a group of requests in one commit,
//! while the first decides the next group. Every answer, a read's too, leaves only when all that it says is durable: so
//! nobody sees what may vanish, and a retry that meets its original in flight waits for that commit.
//!
//! Requests are taken in the order in which they came. Only a question about one participant overtakes: it is answered
//! between two slices of a batch (`decider`), and does not wait for the commit of other people's records (`ask`).

mod ask;
mod committer;
mod deadlines;
mod decider;
mod resolve;
mod runs;
mod scan;
mod snapshot;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ledger_core::codes::{Auth, ExceptionCause, Platform};
use ledger_core::event::{Text, Total};
use ledger_core::ids::{Digest, RunId};
use ledger_core::run::Plan;
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Command, Rejection, State};
use ledger_log::Hash;
use tokio::sync::oneshot;

pub(crate) use ask::Durable;
pub use ask::Engine;
pub use deadlines::Passed;
pub use decider::Start;
pub use resolve::{Finding, Resolution};
pub use snapshot::Every;

use deadlines::DeadlinesReply;
use resolve::Resolve;
use runs::{PlanAsked, WorkedOut};
use scan::Question;

/// How long a piece of long work may keep callers waiting at a time.
const SLICE: Duration = Duration::from_millis(1);
/// Requests that may wait for the engine; callers beyond them wait themselves.
const QUEUE: usize = 1024;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// As recorded.
    pub name: String,
    /// How it was authenticated.
    pub auth: Auth,
}

/// What a sender says of a command.
#[derive(Clone, Debug, Default)]
pub struct Said<'a> {
    /// When it happened; `None`: now.
    pub occurred_at: Option<Timestamp>,
    /// The second person.
    pub approved_by: Option<String>,
    /// The sender's own reference.
    pub source_reference: Text<'a>,
}

impl Said<'_> {
    /// The same, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Said<'static> {
        Said { source_reference: Text::Owned(self.source_reference.into_owned()), ..self }
    }
}

/// A command with what its sender says of it.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// What its sender says of it.
    pub said: Said<'a>,
    /// What is asked.
    pub command: Command<'a>,
    /// Settlements that were compared with it in full: it is none of them.
    pub apart: Vec<u64>,
    /// Who did it, where who asks only approves it.
    pub by: Option<Actor>,
    /// The purchase must be one of this platform's.
    pub only: Option<Platform>,
}

impl<'a> Incoming<'a> {
    /// A command as it came.
    #[must_use]
    pub const fn new(said: Said<'a>, command: Command<'a>) -> Self {
        Self { said, command, apart: Vec::new(), by: None, only: None }
    }

    /// The same, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Incoming<'static> {
        Incoming { said: self.said.into_owned(), command: self.command.into_owned(), ..self }
    }
}

self_cell::self_cell! {
    /// Commands on their way to the engine, with the bytes in which their texts stand.
    pub struct Commands {
        owner: Bytes,
        #[covariant]
        dependent: Batch,
    }
}

type Batch<'a> = Vec<Incoming<'a>>;

impl Commands {
    /// Commands that have their texts.
    #[must_use]
    pub fn owned(commands: Vec<Incoming<'static>>) -> Self {
        Self::new(Bytes::new(), |_| commands)
    }

    /// What the commands are.
    #[must_use]
    pub fn all(&self) -> &[Incoming<'_>] {
        self.borrow_dependent()
    }
}

/// What became of one command, durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Recorded now.
    Recorded {
        /// Position of its first record.
        position: u64,
        /// Leaf hash of that record.
        leaf_hash: Hash,
        /// Why an outcome was kept aside, where it was.
        exception: Option<ExceptionCause>,
    },
    /// Something of the same identity was recorded before; what it said, the record tells.
    Repeated {
        /// Position of the first one.
        position: u64,
        /// When the command says that it happened.
        occurred_at: Timestamp,
    },
    /// Refused.
    Rejected(Rejection),
    /// The purchase is another platform's.
    OutOfScope,
}

/// A planned run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its record.
    pub answer: Answer,
    /// The plan, where it was worked out now.
    pub plan: Option<Arc<Plan>>,
}

/// A closed run.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Position of the approval.
    pub approved: u64,
    /// Whether the approval was there before.
    pub repeated: bool,
    /// Position of the closing.
    pub closed: u64,
    /// What was instructed.
    pub instructed: Total,
    /// What was held.
    pub held: Total,
}

/// Why the engine does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It stops, or a write failed; whether what was asked is recorded is not known.
    #[error("the ledger is stopping; what was sent may or may not be recorded: send it again")]
    Stopping,
    /// Too little room on the disk; nothing was recorded.
    #[error("the disk has less free space than --min-free; nothing was recorded, reads go on")]
    DiskFull,
}

type Query = Box<dyn FnOnce(&State) + Send>;
type Begin = Box<dyn FnOnce(&State) -> Option<Box<dyn Question>> + Send>;

enum Request {
    Stop,
    Record {
        actor: Actor,
        commands: Commands,
        reply: oneshot::Sender<Result<Vec<Answer>, Unavailable>>,
    },
    /// About one participant: overtakes.
    Read(Query),
    Query(Query),
    Scan(Begin),
    RunDeadlines {
        actor: Actor,
        as_of: Date,
        said: Said<'static>,
        reply: oneshot::Sender<DeadlinesReply>,
    },
    Resolve(Resolve),
    PlanRun(PlanAsked),
    Planned(WorkedOut),
    PlanRecalled {
        run: RunId,
        plan: Option<Arc<Plan>>,
    },
    ApproveRun {
        actor: Actor,
        run: RunId,
        digest: Digest,
        said: Said<'static>,
        reply: oneshot::Sender<ApproveReply>,
    },
}

type PlanReply = Result<Result<Planned, Rejection>, Unavailable>;
pub(crate) type ApproveReply = Result<Result<Closed, Rejection>, Unavailable>;

/// The clock.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Timestamp::from_nanos(i64::try_from(since).unwrap_or(i64::MAX))
}
