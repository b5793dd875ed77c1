//! The thread that owns the state.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ledger_core::codes::{ExceptionCause, Platform};
use ledger_core::decide::{Beside, decide_beside};
use ledger_core::event::{Event, Text};
use ledger_core::state::{AHEAD, Outlook, Place};
use ledger_core::time::Timestamp;
use ledger_core::{Command, Decision, Meta, NewEvent, Rejection, State};
use ledger_log::{
    Batch, Checkpoints, Log, OpenError, Opening, Options, Reader, Recovery, VisitError, Window, Writer, record,
};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::committer::{Pending, Reply};
use super::deadlines::Job;
use super::runs::Runs;
use super::scan::{Scan, changes_everybody};
use super::snapshot::{self, Known, Snapshots};
use super::{Actor, Answer, Commands, Engine, Every, Incoming, QUEUE, Request, Said, Unavailable, now};
use crate::Failure;

/// A started engine.
pub struct Start {
    /// The handle.
    pub engine: Engine,
    /// What opening the log found.
    pub recovery: Recovery,
    /// What was signed of the log.
    pub checkpoints: Checkpoints,
    /// Resolves with the failure when a write or sync failed, with `Ok` when the log is closed in good order.
    pub ended: oneshot::Receiver<Result<(), Failure>>,
    /// The deciding thread; it ends by [`Engine::stop`], or when every handle is gone.
    pub thread: JoinHandle<()>,
}

impl Engine {
    /// Opens the log in `dir`, folds it, from the last snapshot on where there is one, and starts the two threads; `every`
    /// says when snapshots are written.
    ///
    /// # Errors
    ///
    /// The folder is locked, damaged or unusable, or the clock is behind the log's last record.
    pub fn start(dir: &Path, min_free: u64, every: Every) -> Result<Start, Failure> {
        let (state, (writer, reader, mut recovery), known) = open(dir).map_err(Failure::Open)?;
        let kept = std::mem::take(&mut recovery.kept);
        let checkpoints = Checkpoints::open(dir, kept).map_err(|error| Failure::Open(error.into()))?;
        if let Some(last) = state.last_recorded_at()
            && last.is_ahead_of(now())
        {
            // Nothing was written, so the log is closed as it was found; that it is not is only a slower next start.
            drop(writer.close());
            return Err(Failure::ClockBehind { last });
        }
        let (requests, queue) = mpsc::channel(QUEUE);
        let (ended_sender, ended) = oneshot::channel();
        let (pending, durable) = Pending::new(recovery.head.size);
        let snapshots = Snapshots::new(dir, min_free, every, known, reader.clone(), durable.clone());
        let pending = Arc::new(pending);
        let (for_writer, on_fault) = (Arc::clone(&pending), FailOnPanic(Arc::clone(&pending)));
        let writing = std::thread::Builder::new().name("ledger-writer".to_owned()).spawn(move || {
            let on_fault = on_fault;
            drop(ended_sender.send(for_writer.commit_all(writer)));
            drop(on_fault);
        });
        let writing = writing.map_err(Failure::Thread)?;
        let runs = Runs::new(&state, reader.clone(), requests.downgrade());
        let halted = Arc::new(AtomicBool::new(false));
        let decider = Decider {
            queue,
            arrived: VecDeque::new(),
            state,
            dir: dir.to_owned(),
            min_free,
            pending: Arc::clone(&pending),
            halted: Arc::clone(&halted),
            scratch: Batch::new(),
            runs,
            snapshots,
            scans: VecDeque::new(),
            jobs: VecDeque::new(),
            waiting: VecDeque::new(),
            turn: 0,
        };
        let on_fault = FailOnPanic(Arc::clone(&pending));
        let thread = std::thread::Builder::new().name("ledger-engine".to_owned()).spawn(move || {
            let on_fault = on_fault;
            decider.work();
            drop(on_fault);
            drop(writing.join());
        });
        let thread = thread.map_err(Failure::Thread)?;
        let engine = Engine { requests, reader, durable, pending, halted };
        Ok(Start { engine, recovery, checkpoints, ended, thread })
    }
}

type Opened = (Writer, Reader, Recovery);

/// Opens the log and folds it; gives the state, the log, and how many records a snapshot stood for.
fn open(dir: &Path) -> Result<(State, Opened, u64), OpenError> {
    let options = Options::default();
    let opening = Log::begin(dir, &options)?;
    if let Some(Known { mut state, head }) = snapshot::load(dir) {
        let opened = opening.open(Some(head), &mut fold(&mut state));
        match opened {
            Ok(opened) => return Ok((state, opened, head.size)),
            Err(error @ OpenError::NotKnown { .. }) => snapshot::not_used(dir, &error),
            Err(error) => return Err(error),
        }
        return open_all(Log::begin(dir, &options)?);
    }
    open_all(opening)
}

fn open_all(opening: Opening) -> Result<(State, Opened, u64), OpenError> {
    let mut state = State::new();
    let opened = opening.open(None, &mut fold(&mut state))?;
    Ok((state, opened, 0))
}

fn fold(state: &mut State) -> impl FnMut(Window<'_>) -> Result<(), OpenError> + '_ {
    |window| {
        let mut records = window.records();
        let mut some = Vec::with_capacity(AHEAD);
        loop {
            for (position, bytes) in records.by_ref().take(AHEAD) {
                some.push(record::decode(bytes).map_err(|source| refused(position, source))?);
            }
            if some.is_empty() {
                return Ok(());
            }
            let guesses = state.foresee(some.iter().map(Outlook::of_record));
            for (record, guess) in some.iter().zip(guesses) {
                let applied = state.apply_foreseen(record, guess, &mut |_| {});
                applied.map_err(|source| refused(record.position, source))?;
            }
            some.clear();
        }
    }
}

fn refused(position: u64, source: impl Into<VisitError>) -> OpenError {
    OpenError::Record { position, source: source.into() }
}

/// Ends the engine when one of its threads panics: a server without its state or its log must not stay, and who waits for
/// either hears that it is unavailable.
struct FailOnPanic(Arc<Pending>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

pub(super) struct Decider {
    queue: mpsc::Receiver<Request>,
    /// What was taken from the queue to look for reads behind it; comes before the queue.
    arrived: VecDeque<Request>,
    pub(super) state: State,
    dir: PathBuf,
    min_free: u64,
    pending: Arc<Pending>,
    /// Nothing more is taken from the queue.
    halted: Arc<AtomicBool>,
    scratch: Batch,
    pub(super) runs: Runs,
    snapshots: Snapshots,
    /// Questions over all participants.
    pub(super) scans: VecDeque<Scan>,
    /// Deadline jobs.
    pub(super) jobs: VecDeque<Job>,
    /// Closings, and the scans behind them, that wait until the scans at work are done.
    waiting: VecDeque<Request>,
    /// Which long work is next.
    turn: usize,
}

/// Commands of a batch between two looks for reads: some fifty microseconds. What they look at is fetched together.
pub(super) const READS_EVERY: usize = AHEAD;
/// Most requests looked at for reads at a time: reads do not hold a batch up for long.
pub(super) const MOST_READS: usize = 32;
/// How long callers are served between two slices of long work, at most.
const SERVE: Duration = Duration::from_millis(4);
/// Records that wait for the disk beyond which long work adds none: a caller's commit stays small.
const MOST_BACKLOG: usize = 4_096;
/// How long long work waits for the disk before it looks again.
const PAUSE: Duration = Duration::from_micros(200);

impl Decider {
    fn work(mut self) {
        while self.serve() && self.slice() && self.resume_waiting() {}
        self.snapshots.end(&self.state);
        self.pending.end();
    }

    fn busy(&self) -> bool {
        self.runs.at_work() || !self.scans.is_empty() || !self.jobs.is_empty() || self.snapshots.at_work()
    }

    /// Serves callers; comes back where there is long work to do, once no caller waits or their time is over. `false` at
    /// the end, also when the last handle is gone: long work then waits for the next start.
    fn serve(&mut self) -> bool {
        let start = Instant::now();
        loop {
            self.serve_reads();
            self.snapshots.begin_when_due(&self.state);
            let request = match self.arrived.pop_front() {
                Some(request) => request,
                None if self.busy() => match self.queue.try_recv() {
                    Ok(request) => request,
                    Err(TryRecvError::Empty) => return true,
                    Err(TryRecvError::Disconnected) => return false,
                },
                None => match self.queue.blocking_recv() {
                    Some(request) => request,
                    None => return false,
                },
            };
            if self.halted.load(Ordering::Relaxed) || !self.take(request) {
                return false;
            }
            if self.busy() && start.elapsed() >= SERVE {
                return true;
            }
        }
    }

    /// Answers reads that wait, on the state as it is. All else keeps its order, and no more of it is taken than the queue
    /// itself holds.
    fn serve_reads(&mut self) {
        for _ in 0..MOST_READS {
            if self.arrived.len() >= QUEUE || self.halted.load(Ordering::Relaxed) {
                return;
            }
            match self.queue.try_recv() {
                Ok(Request::Read(read)) => read(&self.state),
                Ok(request) => self.arrived.push_back(request),
                // The last handle's end is seen where the next request is taken.
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// One slice of long work, each kind in its turn. `false` once nothing more can be recorded.
    fn slice(&mut self) -> bool {
        let may_record = self.pending.backlog() <= MOST_BACKLOG;
        for _ in 0..4 {
            self.turn = (self.turn + 1) % 4;
            match self.turn {
                0 if !self.scans.is_empty() => return self.scan_slice(),
                1 if self.runs.at_work() && may_record => return self.run_slice(),
                2 if !self.jobs.is_empty() && may_record => return self.job_slice(),
                // It waits for the disk where it has nothing to do.
                3 if self.snapshots.slice(&self.state) => return true,
                _ => {}
            }
        }
        if self.busy() {
            std::thread::sleep(PAUSE);
        }
        true
    }

    /// Takes up what waited for the scans to end.
    fn resume_waiting(&mut self) -> bool {
        while self.scans.is_empty() {
            let Some(request) = self.waiting.pop_front() else { break };
            if !self.take_now(request) {
                return false;
            }
        }
        true
    }

    /// `false` once nothing more can be recorded.
    fn take(&mut self, request: Request) -> bool {
        // A scan shows one state: closings wait for it, and what scans anew waits behind them.
        let waits = match &request {
            Request::Record { commands, .. } => !self.scans.is_empty() && changes_everybody(commands.all()),
            Request::Scan(_) | Request::PlanRun(_) => !self.waiting.is_empty(),
            _ => false,
        };
        if waits {
            self.waiting.push_back(request);
            return true;
        }
        self.take_now(request)
    }

    fn take_now(&mut self, request: Request) -> bool {
        match request {
            Request::Stop => false,
            Request::Record { actor, commands, reply } => self.record(&actor, commands, reply),
            Request::Read(query) | Request::Query(query) => {
                query(&self.state);
                true
            }
            Request::Scan(begin) => {
                if let Some(question) = begin(&self.state) {
                    self.scans.push_back(Scan::new(&self.state, question));
                }
                true
            }
            Request::RunDeadlines { actor, as_of, said, reply } => self.run_deadlines(actor, as_of, said, reply),
            Request::Resolve(resolve) => self.resolve(resolve),
            Request::PlanRun(asked) => self.plan_run(asked),
            Request::Planned(worked_out) => self.record_plan(worked_out),
            Request::PlanRecalled { run, plan } => self.recalled_plan(run, plan),
            Request::ApproveRun { actor, run, digest, said, reply } => {
                self.approve_run(&actor, run, digest, said, reply)
            }
        }
    }

    fn record(
        &mut self,
        actor: &Actor,
        mut commands: Commands,
        reply: oneshot::Sender<Result<Vec<Answer>, Unavailable>>,
    ) -> bool {
        if let Err(full) = self.room() {
            return self.answer(Box::new(move |_| drop(reply.send(Err(full)))));
        }
        let mut answers = Vec::with_capacity(commands.all().len());
        commands.with_dependent_mut(|_, commands| {
            let mut commands = std::mem::take(commands).into_iter();
            loop {
                let next = commands.as_slice().iter().take(READS_EVERY);
                let guesses = self.state.foresee(next.map(|incoming| incoming.command.outlook()));
                let clock = now();
                for (incoming, guess) in commands.by_ref().take(READS_EVERY).zip(guesses) {
                    answers.push(self.decide_near(actor, incoming, guess, clock));
                }
                if commands.as_slice().is_empty() {
                    break;
                }
                self.serve_reads();
            }
        });
        self.commit(Box::new(move |committed| {
            for answer in &mut answers {
                if let Answer::Recorded { position, leaf_hash, .. } = answer {
                    *leaf_hash = committed.leaf_hash(*position);
                }
            }
            drop(reply.send(Ok(answers)));
        }))
    }

    /// Decides one command and folds what it leads to; its records wait in the scratch batch for [`Self::commit`].
    pub(super) fn decide(&mut self, actor: &Actor, incoming: Incoming<'_>) -> Answer {
        self.decide_near(actor, incoming, None, now())
    }

    /// The same, where it was guessed where its participant stands and the clock was looked at a moment ago.
    fn decide_near(&mut self, actor: &Actor, incoming: Incoming<'_>, guess: Option<Place>, clock: Timestamp) -> Answer {
        let Incoming { said, command, apart, by, only } = incoming;
        if only.is_some_and(|platform| !self.is_of(platform, &command, guess)) {
            return Answer::OutOfScope;
        }
        let meta = self.meta_at(clock, by.as_ref().unwrap_or(actor), said);
        match decide_beside(&self.state, &meta, command, Beside { apart: &apart, guess }) {
            Ok(Decision::Repeat { position }) => Answer::Repeated { position, occurred_at: meta.occurred_at },
            Ok(Decision::Record(events)) => match self.fold_near(&meta, events, guess) {
                Ok((position, exception)) => Answer::Recorded { position, leaf_hash: Default::default(), exception },
                Err(rejection) => Answer::Rejected(rejection),
            },
            Err(rejection) => Answer::Rejected(rejection),
        }
    }

    /// Whether a command is about no other platform's purchase. One that is not there is for the rules to refuse.
    fn is_of(&self, platform: Platform, command: &Command<'_>, guess: Option<Place>) -> bool {
        let Command::Record { participant: Some(participant), event } = command else { return true };
        let purchase = match event {
            Event::PurchaseCancelled(e) => e.purchase,
            Event::TrainingCompleted(e) => e.purchase,
            Event::TrainingReviewed(e) => e.purchase,
            _ => return true,
        };
        let place = self.state.place_near(guess, *participant);
        let known = place.and_then(|place| self.state.participants().get(place));
        let found = known.and_then(|known| known.purchase(purchase));
        found.is_none_or(|(_, purchase)| purchase.platform == platform)
    }

    pub(super) fn meta<'a>(&self, actor: &'a Actor, said: Said<'a>) -> Meta<'a> {
        self.meta_at(now(), actor, said)
    }

    fn meta_at<'a>(&self, clock: Timestamp, actor: &'a Actor, said: Said<'a>) -> Meta<'a> {
        let clock = clock.max(self.state.last_recorded_at().unwrap_or_default());
        Meta {
            occurred_at: said.occurred_at.unwrap_or(clock),
            recorded_at: clock,
            actor: Text::Borrowed(&actor.name),
            auth: actor.auth,
            approved_by: said.approved_by.map(Into::into),
            source_reference: said.source_reference,
        }
    }

    /// Encodes and folds the events of one decision, all or none; gives the first one's position.
    pub(super) fn fold(
        &mut self,
        meta: &Meta<'_>,
        events: Vec<NewEvent<'_>>,
    ) -> Result<(u64, Option<ExceptionCause>), Rejection> {
        self.fold_near(meta, events, None)
    }

    fn fold_near(
        &mut self,
        meta: &Meta<'_>,
        events: Vec<NewEvent<'_>>,
        guess: Option<Place>,
    ) -> Result<(u64, Option<ExceptionCause>), Rejection> {
        let first = self.state.size();
        let start = self.scratch.len();
        let mut exception = None;
        for new in events {
            if let Event::OutcomeException(e) = &new.event {
                exception = Some(e.cause);
            }
            let record = new.next_record_near(&self.state, guess, meta);
            let encoded = self.scratch.push_with(|bytes| record::encode(&record, bytes));
            let too_large = Rejection::InvalidField { field: "event", rule: "its texts are too long together" };
            // Only the first event of a decision carries a caller's texts, so nothing is folded yet when it is too large.
            encoded.map_err(|_| {
                self.scratch.truncate(start);
                too_large
            })?;
            if let Some(place) =
                record.participant.filter(|_| !self.scans.is_empty()).and_then(|id| self.state.place(id))
            {
                for scan in &mut self.scans {
                    scan.before_change(&self.state, place);
                }
            }
            self.snapshots.before(&self.state, &record);
            if let Err(error) = self.state.apply_foreseen(&record, guess, &mut |_| {}) {
                // A fault of this program. What is folded is not taken back: the engine ends, as after a failed write,
                // with nothing answered that is not durable.
                tracing::error!(%error, position = record.position, event = record.event.name(), "decided, not folded");
                std::panic::resume_unwind(Box::new("decided, not folded"));
            }
        }
        Ok((first, exception))
    }

    /// Hands the scratch batch on, with the answer that waits for it. `false` once the writer failed.
    pub(super) fn commit(&mut self, reply: Reply) -> bool {
        let goes_on = self.pending.add(&self.scratch, Some(reply));
        self.scratch.clear();
        goes_on
    }

    /// Hands the scratch batch on without an answer.
    pub(super) fn commit_silently(&mut self) -> bool {
        let goes_on = self.pending.add(&self.scratch, None);
        self.scratch.clear();
        goes_on
    }

    pub(super) fn answer(&self, reply: Reply) -> bool {
        self.pending.add(&Batch::new(), Some(reply))
    }

    /// Whether there is room to record, before the log is touched.
    pub(super) fn room(&self) -> Result<(), Unavailable> {
        if self.min_free == 0 {
            return Ok(());
        }
        match ledger_log::free_bytes(&self.dir) {
            Ok(free) if free < self.min_free => Err(Unavailable::DiskFull),
            // An unreadable figure is no reason to refuse: the write itself will tell.
            _ => Ok(()),
        }
    }
}
