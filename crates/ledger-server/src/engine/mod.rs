//! The one writer. A thread owns the state: it takes requests from a queue, decides each on the state, encodes what is
//! to be recorded and folds it at once; a second thread makes the records durable, a group of requests in one commit,
//! while the first decides the next group. Every answer, a read's too, leaves only when the log on which it was decided
//! is durable: so nobody sees what may vanish, and a retry that meets its original in flight waits for that commit.

mod committer;
mod decider;
mod runs;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ledger_core::codes::{Auth, ExceptionCause};
use ledger_core::event::Total;
use ledger_core::ids::{Digest, RunId};
use ledger_core::run::Plan;
use ledger_core::schedule::Held;
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Command, Rejection, State};
use ledger_log::{Hash, Reader};
use tokio::sync::{mpsc, oneshot, watch};

pub use decider::Start;

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
pub struct Said {
    /// When it happened; `None`: now.
    pub occurred_at: Option<Timestamp>,
    /// The second person.
    pub approved_by: Option<String>,
    /// The sender's own reference.
    pub source_reference: String,
}

/// A command with what its sender says of it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What its sender says of it.
    pub said: Said,
    /// What is asked.
    pub command: Command<'static>,
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
    /// Recorded before.
    Repeated {
        /// Position of the first one.
        position: u64,
    },
    /// Refused.
    Rejected(Rejection),
}

/// A planned run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its record.
    pub answer: Answer,
    /// Items due by this date.
    pub as_of: Date,
    /// Log size on which it was computed.
    pub known_at: u64,
    /// The plan.
    pub plan: Arc<Plan>,
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
    /// What was held, by reason; empty for a run that closed before this server started.
    pub held_by: Vec<(Held, Total)>,
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

type Query = Box<dyn FnOnce(&State) -> committer::Reply + Send>;

enum Request {
    Stop,
    Record { actor: Actor, commands: Vec<Incoming>, reply: oneshot::Sender<Result<Vec<Answer>, Unavailable>> },
    Query(Query),
    PlanRun { actor: Actor, run: RunId, as_of: Date, said: Said, reply: oneshot::Sender<PlanReply> },
    ApproveRun { actor: Actor, run: RunId, digest: Digest, said: Said, reply: oneshot::Sender<ApproveReply> },
}

type PlanReply = Result<Result<Planned, Rejection>, Unavailable>;
type ApproveReply = Result<Result<Closed, Rejection>, Unavailable>;

/// A handle to the engine.
#[derive(Clone)]
pub struct Engine {
    requests: mpsc::Sender<Request>,
    reader: Reader,
    durable: watch::Receiver<u64>,
    pending: Arc<committer::Pending>,
    halted: Arc<AtomicBool>,
}

impl Engine {
    /// The durable log.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The durable size, as it grows.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.durable.clone()
    }

    /// Records what the commands lead to, each on its own, and answers when all of it is durable.
    ///
    /// # Errors
    ///
    /// The engine stops, or the disk is full.
    pub async fn record(&self, actor: Actor, commands: Vec<Incoming>) -> Result<Vec<Answer>, Unavailable> {
        self.ask(|reply| Request::Record { actor, commands, reply }).await?
    }

    /// Reads the state; the answer leaves when what it saw is durable.
    ///
    /// # Errors
    ///
    /// The engine stops.
    pub async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.ask(|reply| {
            Request::Query(Box::new(move |state| {
                let answer = query(state);
                Box::new(move |_| drop(reply.send(answer)))
            }))
        })
        .await
    }

    /// Plans a run.
    ///
    /// # Errors
    ///
    /// The engine stops, the disk is full, or a rule refuses the plan.
    pub async fn plan_run(&self, actor: Actor, run: RunId, as_of: Date, said: Said) -> PlanReply {
        self.ask(|reply| Request::PlanRun { actor, run, as_of, said, reply }).await?
    }

    /// Approves a run and answers when it is closed. The run goes on if the caller goes away.
    ///
    /// # Errors
    ///
    /// The engine stops, the disk is full, or a rule refuses the approval.
    pub async fn approve_run(&self, actor: Actor, run: RunId, digest: Digest, said: Said) -> ApproveReply {
        self.ask(|reply| Request::ApproveRun { actor, run, digest, said, reply }).await?
    }

    /// Ends the engine: what was asked before is answered, everything after is refused.
    pub async fn stop(&self) {
        // It has ended already where it takes nothing any more.
        let _ = self.requests.send(Request::Stop).await;
    }

    /// Ends the engine without what still waits in its queue: that is refused, as is everything after.
    pub async fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
        self.stop().await;
    }

    /// How long the commit at work has taken so far; `None` where there is none.
    #[must_use]
    pub fn commit_age(&self) -> Option<Duration> {
        self.pending.commit_age()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| Unavailable::Stopping)?;
        answer.await.map_err(|_| Unavailable::Stopping)
    }
}

/// The clock.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Timestamp::from_nanos(i64::try_from(since).unwrap_or(i64::MAX))
}
