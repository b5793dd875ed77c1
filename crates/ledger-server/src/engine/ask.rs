//! The handle by which services ask the engine.
//!
//! A read is answered by the deciding thread at once, and waits here until all that it says is durable: where it is
//! already, it does not wait at all. In general that is the whole log that the deciding thread saw. What is asked of one
//! participant mostly rests on older records: on each state between the log size from which on the answer is the same
//! and the one that was looked at, it is that answer. So it is true of the durable log as soon as that has the first of
//! these sizes; that it was worked out on a longer one, part of which may yet vanish, makes no difference to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ledger_core::State;
use ledger_core::ids::{Digest, Position, RunId};
use ledger_core::state::Place;
use ledger_core::time::Date;
use ledger_log::Reader;
use tokio::sync::{mpsc, oneshot, watch};

use super::committer::Pending;
use super::decider::Decider;
use super::resolve::{Finding, Resolution, Resolve};
use super::runs::PlanAsked;
use super::scan::Question;
use super::{Actor, Answer, ApproveReply, Commands, DeadlinesReply, Incoming, PlanReply, Request, Said, Unavailable};
use crate::metrics::Times;

/// A handle to the engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) reader: Reader,
    pub(super) durable: watch::Receiver<u64>,
    pub(super) pending: Arc<Pending>,
    pub(super) halted: Arc<AtomicBool>,
}

/// What waits until it is durable.
pub(crate) struct Durable<T>(oneshot::Receiver<Result<T, Unavailable>>);

impl<T> Durable<T> {
    /// The answer, when it is durable.
    pub(crate) async fn wait(self) -> Result<T, Unavailable> {
        self.0.await.map_err(|_| Unavailable::Stopping)?
    }
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
    pub async fn record(&self, actor: Actor, commands: Vec<Incoming<'static>>) -> Result<Vec<Answer>, Unavailable> {
        self.submit(actor, Commands::owned(commands)).await?.wait().await
    }

    /// Like [`Self::record`], but comes back as soon as the engine's queue has it: what is submitted one after another is
    /// decided in that order.
    pub(crate) async fn submit(&self, actor: Actor, commands: Commands) -> Result<Durable<Vec<Answer>>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Record { actor, commands, reply }).await?;
        Ok(Durable(answer))
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
        let (answer, size) = self.look(query).await?;
        self.until_durable(size).await?;
        Ok(answer)
    }

    /// Reads the state, with the log size that it saw: no caller may be told of it before [`Self::until_durable`].
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        query: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<(T, u64), Unavailable> {
        self.ask(|reply| {
            Request::Query(Box::new(move |state| {
                // Nobody may wait for it any more.
                let _ = reply.send((query(state), state.size()));
            }))
        })
        .await
    }

    /// Reads what the state says of one participant, before what waits in the queue. With its answer `read` gives the log
    /// size from which on the answer is the same; the answer leaves when that much is durable. With it comes a durable
    /// log size of which it is true.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State) -> (T, u64) + Send + 'static,
    ) -> Result<(T, u64), Unavailable> {
        let seen = self.ask(|reply| {
            Request::Read(Box::new(move |state| {
                let _ = reply.send((read(state), state.size()));
            }))
        });
        let ((answer, since), size) = seen.await?;
        let durable = self.until_durable(since).await?;
        Ok((answer, durable.min(size)))
    }

    /// Waits until so many records are durable; gives how many are.
    pub(crate) async fn until_durable(&self, size: u64) -> Result<u64, Unavailable> {
        let mut durable = self.durable.clone();
        durable.wait_for(|durable| *durable >= size).await.map(|durable| *durable).map_err(|_| Unavailable::Stopping)
    }

    /// Shows every participant to `see`, as the state was when the scan began, with that state's size; a slice at a time.
    /// `begin` prepares the answer, or refuses.
    ///
    /// # Errors
    ///
    /// The engine stops.
    pub async fn scan<T: Send + 'static, E: Send + 'static>(
        &self,
        begin: impl FnOnce(&State) -> Result<T, E> + Send + 'static,
        see: impl FnMut(&mut T, &State, Place) + Send + 'static,
    ) -> Result<Result<(T, u64), E>, Unavailable> {
        let answer = self.ask(|reply| {
            Request::Scan(Box::new(move |state| match begin(state) {
                Ok(answer) => Some(Box::new(Asked { answer, see, size: state.size(), reply }) as Box<dyn Question>),
                Err(error) => {
                    let _ = reply.send((Err(error), state.size()));
                    None
                }
            }))
        });
        let (answer, size) = answer.await?;
        self.until_durable(size).await?;
        Ok(answer)
    }

    /// Records what deadlines brought by a date; see [`super::Passed`].
    ///
    /// # Errors
    ///
    /// The engine stops, the disk is full, or the date is after today.
    pub async fn run_deadlines(&self, actor: Actor, as_of: Date, said: Said<'static>) -> DeadlinesReply {
        self.ask(|reply| Request::RunDeadlines { actor, as_of, said, reply }).await?
    }

    /// Ends the doubt about an instruction by people's finding.
    ///
    /// # Errors
    ///
    /// The engine stops, or the disk is full.
    pub async fn resolve_in_doubt(
        &self,
        actor: Actor,
        said: Said<'static>,
        instruction: Position,
        finding: Finding,
        apart: Vec<u64>,
    ) -> Result<Resolution, Unavailable> {
        self.ask(|reply| Request::Resolve(Resolve { actor, said, instruction, finding, apart, reply })).await?
    }

    /// Plans a run.
    ///
    /// # Errors
    ///
    /// The engine stops, the disk is full, or a rule refuses the plan.
    pub async fn plan_run(&self, actor: Actor, run: RunId, as_of: Date, said: Said<'static>) -> PlanReply {
        self.ask(|reply| Request::PlanRun(PlanAsked { actor, run, as_of, said, reply })).await?
    }

    /// Approves a run and answers when it is closed. The run goes on if the caller goes away.
    ///
    /// # Errors
    ///
    /// The engine stops, the disk is full, or a rule refuses the approval.
    pub async fn approve_run(&self, actor: Actor, run: RunId, digest: Digest, said: Said<'static>) -> ApproveReply {
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

    /// Gives up on the log: nothing more is recorded, and everybody who waits hears that the engine is unavailable.
    pub(crate) fn fail(&self) {
        self.pending.fail();
    }

    /// How long the commit at work has taken so far; `None` where there is none.
    #[must_use]
    pub fn commit_age(&self) -> Option<Duration> {
        self.pending.commit_age()
    }

    /// How long commits take.
    pub(crate) fn times(&self) -> &Times {
        &self.pending.times
    }

    /// Requests that wait.
    pub(crate) fn queued(&self) -> usize {
        self.requests.max_capacity() - self.requests.capacity()
    }

    /// Records that wait for the disk.
    pub(crate) fn backlog(&self) -> usize {
        self.pending.backlog()
    }

    pub(super) async fn send(&self, request: Request) -> Result<(), Unavailable> {
        self.requests.send(request).await.map_err(|_| Unavailable::Stopping)
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply)).await?;
        answer.await.map_err(|_| Unavailable::Stopping)
    }
}

/// A caller's question over all participants.
struct Asked<T, E, S> {
    answer: T,
    see: S,
    size: u64,
    reply: oneshot::Sender<Seen<T, E>>,
}

/// A scan's answer, and the log size that must be durable before anyone is told.
type Seen<T, E> = (Result<(T, u64), E>, u64);

impl<T: Send, E: Send, S: FnMut(&mut T, &State, Place) + Send> Question for Asked<T, E, S> {
    fn see(&mut self, state: &State, place: Place) {
        (self.see)(&mut self.answer, state, place);
    }

    fn end(self: Box<Self>, _: &mut Decider) -> bool {
        // What the scan saw is older than the state: durable soon, or already.
        let _ = self.reply.send((Ok((self.answer, self.size)), self.size));
        true
    }
}
