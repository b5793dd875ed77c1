//! Disbursement runs beside other traffic: planned on one state, executed a slice at a time, taken up again after a
//! restart. Sorting, hashing and folding an old state are done on threads of their own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use ledger_core::codes::Auth;
use ledger_core::ids::{Digest, RunId};
use ledger_core::run::{Execution, Item, Plan, Progress, items_of, plan};
use ledger_core::state::Place;
use ledger_core::time::Date;
use ledger_core::{Command, Decision, NewEvent, Rejection, State, decide};
use ledger_log::{Reader, record};
use tokio::sync::{mpsc, oneshot};

use super::decider::Decider;
use super::scan::{Question, Scan};
use super::{Actor, Answer, ApproveReply, Closed, PlanReply, Planned, Request, SLICE, Said};

/// Items between two looks at the clock.
const STEP: usize = 32;
/// Items of one piece of a plan in the making: growing never copies more than this.
const PIECE: usize = 4_096;
/// Plans kept that nobody approved yet; older ones are computed again from the log.
const KEPT: usize = 2;

pub(super) struct Runs {
    reader: Reader,
    /// To the engine itself, for what other threads worked out.
    back: mpsc::WeakSender<Request>,
    /// Plans that a run at work or an approval to come needs, in order of computing.
    plans: VecDeque<(RunId, Arc<Plan>)>,
    /// Runs in planning, and who asked for the same run again.
    planning: HashMap<RunId, Vec<PlanAsked>>,
    /// Runs whose plan is being computed again.
    recalled: HashSet<RunId>,
    /// Approved runs in order of approval, the first one at work.
    queue: VecDeque<Active>,
}

struct Active {
    run: RunId,
    actor: Actor,
    execution: Option<Execution>,
    waiting: Vec<oneshot::Sender<ApproveReply>>,
}

/// A plan that is asked for.
pub(super) struct PlanAsked {
    pub(super) actor: Actor,
    pub(super) run: RunId,
    pub(super) as_of: Date,
    pub(super) said: Said<'static>,
    pub(super) reply: oneshot::Sender<PlanReply>,
}

/// A plan that was worked out and is to be recorded.
pub(super) struct WorkedOut {
    asked: PlanAsked,
    known_at: u64,
    plan: Arc<Plan>,
}

impl Runs {
    /// The runs that a restart takes up again: approved, not closed.
    pub(super) fn new(state: &State, reader: Reader, back: mpsc::WeakSender<Request>) -> Self {
        let open = state.runs().iter().filter(|run| run.approved.is_some() && run.closed.is_none());
        let queue = open.map(|run| Active {
            run: run.id,
            actor: Actor { name: "job/run".to_owned(), auth: Auth::Internal },
            execution: None,
            waiting: Vec::new(),
        });
        Self {
            queue: queue.collect(),
            reader,
            back,
            plans: VecDeque::new(),
            planning: HashMap::new(),
            recalled: HashSet::new(),
        }
    }

    /// Whether there is something to do now: a run that waits for its plan has nothing.
    pub(super) fn at_work(&self) -> bool {
        self.queue.front().is_some_and(|active| !self.recalled.contains(&active.run))
    }

    fn plan_of(&self, run: RunId) -> Option<Arc<Plan>> {
        self.plans.iter().find(|(id, _)| *id == run).map(|(_, plan)| Arc::clone(plan))
    }

    fn keep(&mut self, run: RunId, plan: Arc<Plan>) {
        self.plans.push_back((run, plan));
        let queue = &self.queue;
        let needed = |id: RunId| queue.iter().any(|active| active.run == id);
        while self.plans.iter().filter(|(id, _)| !needed(*id)).count() > KEPT {
            let Some(oldest) = self.plans.iter().position(|(id, _)| !needed(*id)) else { break };
            drop(self.plans.remove(oldest));
        }
    }

    /// Computes a plan again from the log as it was then, on another thread.
    fn recall(&mut self, state: &State, run: RunId) -> bool {
        let Some((_, entry)) = state.run(run) else { return false };
        let (reader, back) = (self.reader.clone(), self.back.clone());
        let (known_at, as_of, digest) = (entry.known_at, entry.as_of, entry.items_digest);
        self.recalled.insert(run);
        beside("ledger-plan", move || {
            let plan = plan_then(&reader, known_at, as_of).filter(|plan| plan.digest == digest).map(Arc::new);
            send_back(&back, Request::PlanRecalled { run, plan });
        })
    }
}

/// The plan on the log's first records; `None` where they cannot be read.
fn plan_then(reader: &Reader, known_at: u64, as_of: Date) -> Option<Plan> {
    let mut then = State::new();
    for stored in reader.read(0, known_at) {
        let stored = stored.ok()?;
        then.apply(&record::decode(stored.bytes()).ok()?, &mut |_| {}).ok()?;
    }
    Some(plan(&then, as_of))
}

/// Works on a thread of its own; `false` where there can be none.
fn beside(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    started.inspect_err(|error| tracing::error!(%error, "no thread")).is_ok()
}

/// Gives the engine what was worked out for it; nobody wants it where the engine has ended.
fn send_back(back: &mpsc::WeakSender<Request>, request: Request) {
    if let Some(engine) = back.upgrade() {
        let _ = engine.blocking_send(request);
    }
}

/// A plan in the making.
struct Planning {
    asked: PlanAsked,
    known_at: u64,
    pieces: Vec<Vec<Item>>,
}

impl Question for Planning {
    fn see(&mut self, state: &State, place: Place) {
        let Some(participant) = state.participants().get(place) else { return };
        for item in items_of(state, participant, self.asked.as_of) {
            match self.pieces.last_mut() {
                Some(piece) if piece.len() < PIECE => piece.push(item),
                _ => {
                    let mut piece = Vec::with_capacity(PIECE);
                    piece.push(item);
                    self.pieces.push(piece);
                }
            }
        }
    }

    fn end(self: Box<Self>, decider: &mut Decider) -> bool {
        let Self { asked, known_at, pieces } = *self;
        let back = decider.runs.back.clone();
        beside("ledger-plan", move || {
            let plan = Arc::new(Plan::of(pieces.concat()));
            drop(pieces);
            send_back(&back, Request::Planned(WorkedOut { asked, known_at, plan }));
        })
    }
}

impl Decider {
    /// Begins to plan a run, or says why not.
    pub(super) fn plan_run(&mut self, asked: PlanAsked) -> bool {
        if let Some(waiting) = self.runs.planning.get_mut(&asked.run) {
            // The same run again: decided when the plan is recorded.
            waiting.push(asked);
            return true;
        }
        if let Err(full) = self.room() {
            return self.answer(Box::new(move |_| drop(asked.reply.send(Err(full)))));
        }
        let meta = self.meta(&asked.actor, asked.said.clone());
        match ledger_core::decide::check_plan(&self.state, &meta, asked.run, asked.as_of) {
            Err(rejection) => self.answer(Box::new(move |_| drop(asked.reply.send(Ok(Err(rejection)))))),
            Ok(Some(Decision::Repeat { position })) => {
                let planned =
                    Planned { answer: Answer::Repeated { position, occurred_at: meta.occurred_at }, plan: None };
                self.answer(Box::new(move |_| drop(asked.reply.send(Ok(Ok(planned))))))
            }
            Ok(_) => {
                self.runs.planning.insert(asked.run, Vec::new());
                let planning = Planning { asked, known_at: self.state.size(), pieces: Vec::new() };
                self.scans.push_back(Scan::new(&self.state, Box::new(planning)));
                true
            }
        }
    }

    /// Records a plan that was worked out, if it still may be.
    pub(super) fn record_plan(&mut self, worked_out: WorkedOut) -> bool {
        let WorkedOut { asked: PlanAsked { actor, run, as_of, said, reply }, known_at, plan } = worked_out;
        let waiting = self.runs.planning.remove(&run).unwrap_or_default();
        let meta = self.meta(&actor, said);
        let recorded = ledger_core::decide::check_plan(&self.state, &meta, run, as_of).and_then(|_| {
            let event = ledger_core::decide::planned(run, as_of, known_at, &plan);
            self.fold(&meta, vec![NewEvent { participant: None, occurred_at: meta.occurred_at, event }])
        });
        let goes_on = match recorded {
            Err(rejection) => self.answer(Box::new(move |_| drop(reply.send(Ok(Err(rejection)))))),
            Ok((position, _)) => {
                self.runs.keep(run, Arc::clone(&plan));
                self.commit(Box::new(move |committed| {
                    let answer =
                        Answer::Recorded { position, leaf_hash: committed.leaf_hash(position), exception: None };
                    drop(reply.send(Ok(Ok(Planned { answer, plan: Some(plan) }))));
                }))
            }
        };
        goes_on && waiting.into_iter().all(|asked| self.plan_run(asked))
    }

    /// Takes a plan that was computed again. `false` where the log does not lead to it.
    pub(super) fn recalled_plan(&mut self, run: RunId, plan: Option<Arc<Plan>>) -> bool {
        self.runs.recalled.remove(&run);
        let Some(plan) = plan else {
            tracing::error!(%run, "the log does not lead to the plan that was recorded");
            return false;
        };
        self.runs.keep(run, plan);
        true
    }

    pub(super) fn approve_run(
        &mut self,
        actor: &Actor,
        run: RunId,
        digest: Digest,
        said: Said<'static>,
        reply: oneshot::Sender<ApproveReply>,
    ) -> bool {
        if let Err(full) = self.room() {
            return self.answer(Box::new(move |_| drop(reply.send(Err(full)))));
        }
        let meta = self.meta(actor, said);
        let refuse = |rejection: Rejection| ApproveReply::Ok(Err(rejection));
        match decide(&self.state, &meta, Command::ApproveRun { run, items_digest: digest }) {
            Err(rejection) => return self.answer(Box::new(move |_| drop(reply.send(refuse(rejection))))),
            Ok(Decision::Repeat { .. }) => {
                if let Some(active) = self.runs.queue.iter_mut().find(|active| active.run == run) {
                    active.waiting.push(reply);
                    return true;
                }
                let closed = self.closed(run, true).ok_or(Rejection::RunUnknown { run });
                return self.answer(Box::new(move |_| drop(reply.send(Ok(closed)))));
            }
            Ok(Decision::Record(events)) => {
                if let Err(rejection) = self.fold(&meta, events) {
                    return self.answer(Box::new(move |_| drop(reply.send(refuse(rejection)))));
                }
            }
        }
        self.runs.queue.push_back(Active { run, actor: actor.clone(), execution: None, waiting: vec![reply] });
        self.commit_silently()
    }

    fn closed(&self, run: RunId, repeated: bool) -> Option<Closed> {
        let (_, entry) = self.state.run(run)?;
        Some(Closed {
            approved: entry.approved?.position(),
            repeated,
            closed: entry.closed?.position(),
            instructed: entry.instructed,
            held: entry.held,
        })
    }

    /// A slice of the first run in the queue. `false` once nothing more can be recorded.
    pub(super) fn run_slice(&mut self) -> bool {
        let Some(mut active) = self.runs.queue.pop_front() else { return true };
        if self.room().is_err() {
            // It goes on when there is room again; meanwhile other callers are served.
            self.runs.queue.push_front(active);
            std::thread::sleep(SLICE);
            return true;
        }
        let mut execution = match active.execution.take() {
            Some(execution) => execution,
            None => match self.runs.plan_of(active.run) {
                Some(plan) => Execution::new(&self.state, active.run, plan),
                None => {
                    let run = active.run;
                    self.runs.queue.push_front(active);
                    return self.runs.recall(&self.state, run);
                }
            },
        };
        let said = Said { source_reference: active.run.to_string().into(), ..Said::default() };
        let start = Instant::now();
        let mut done = false;
        while !done && start.elapsed() < SLICE {
            let meta = self.meta(&active.actor, said.clone());
            for _ in 0..STEP {
                match execution.advance(&self.state) {
                    Progress::Passed => {}
                    Progress::Done => {
                        done = true;
                        break;
                    }
                    Progress::Instruct(new) => {
                        if self.fold(&meta, vec![new]).is_err() {
                            return false;
                        }
                    }
                }
            }
        }
        if !done {
            active.execution = Some(execution);
            self.runs.queue.push_front(active);
            return self.commit_silently();
        }
        let meta = self.meta(&active.actor, said.clone());
        let Some(closing) = execution.close(&self.state) else { return false };
        if self.fold(&meta, vec![closing]).is_err() {
            return false;
        }
        self.runs.plans.retain(|(id, _)| *id != active.run);
        let closed = self.closed(active.run, false);
        self.commit(Box::new(move |_| {
            for (index, waiting) in active.waiting.into_iter().enumerate() {
                let closed = closed.clone().map(|closed| Closed { repeated: index > 0, ..closed });
                drop(waiting.send(Ok(closed.ok_or(Rejection::RunUnknown { run: active.run }))));
            }
        }))
    }
}
