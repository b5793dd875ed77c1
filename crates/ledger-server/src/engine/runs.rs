//! Disbursement runs beside other traffic: planned on one state, executed a slice at a time, taken up again after a
//! restart.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::codes::Auth;
use ledger_core::ids::{Digest, RunId};
use ledger_core::run::{Execution, Plan, plan};
use ledger_core::time::Date;
use ledger_core::{Command, Decision, NewEvent, Rejection, State, decide};
use ledger_log::{Reader, record};
use tokio::sync::oneshot;

use super::decider::Decider;
use super::{Actor, Answer, ApproveReply, Closed, PlanReply, Planned, Said};

/// How long a run may keep other callers waiting at a time.
const SLICE: Duration = Duration::from_millis(1);
/// Instructions between two looks at the clock.
const STEP: usize = 32;

pub(super) struct Runs {
    reader: Reader,
    /// Plans computed and not closed yet.
    plans: HashMap<RunId, Arc<Plan>>,
    /// Approved runs in order of approval, the first one at work.
    queue: VecDeque<Active>,
    /// What was held, by reason, of the runs closed since the start.
    held_by: HashMap<RunId, Vec<(ledger_core::schedule::Held, ledger_core::event::Total)>>,
}

struct Active {
    run: RunId,
    actor: Actor,
    execution: Option<Execution>,
    waiting: Vec<oneshot::Sender<ApproveReply>>,
}

impl Runs {
    /// The runs that a restart takes up again: approved, not closed.
    pub(super) fn new(state: &State, reader: Reader) -> Self {
        let open = state.runs().iter().filter(|run| run.approved.is_some() && run.closed.is_none());
        let queue = open.map(|run| Active {
            run: run.id,
            actor: Actor { name: "job/run".to_owned(), auth: Auth::Internal },
            execution: None,
            waiting: Vec::new(),
        });
        Self { queue: queue.collect(), reader, plans: HashMap::new(), held_by: HashMap::new() }
    }

    pub(super) fn at_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The plan of a run: kept since it was planned, or computed again from the log as it was then.
    fn plan(&mut self, state: &State, run: RunId) -> Option<Arc<Plan>> {
        if let Some(plan) = self.plans.get(&run) {
            return Some(Arc::clone(plan));
        }
        let (_, entry) = state.run(run)?;
        let mut then = State::new();
        for stored in self.reader.read(0, entry.known_at) {
            let stored = stored.ok()?;
            then.apply(&record::decode(stored.bytes()).ok()?, &mut |_| {}).ok()?;
        }
        let plan = Arc::new(plan(&then, entry.as_of));
        if plan.digest != entry.items_digest {
            tracing::error!(%run, "the log does not lead to the plan that was recorded");
            return None;
        }
        self.plans.insert(run, Arc::clone(&plan));
        Some(plan)
    }
}

impl Decider {
    pub(super) fn plan_run(
        &mut self,
        actor: &Actor,
        run: RunId,
        as_of: Date,
        said: Said,
        reply: oneshot::Sender<PlanReply>,
    ) -> bool {
        if let Err(full) = self.room() {
            return self.answer(Box::new(move |_| drop(reply.send(Err(full)))));
        }
        let meta = self.meta(actor, said);
        let checked = ledger_core::decide::check_plan(&self.state, &meta, run, as_of);
        let (answer, known_at, plan) = match checked {
            Err(rejection) => return self.answer(Box::new(move |_| drop(reply.send(Ok(Err(rejection)))))),
            Ok(Some(Decision::Repeat { position })) => {
                let known_at = self.state.run(run).map_or(0, |(_, entry)| entry.known_at);
                let Some(plan) = self.runs.plan(&self.state, run) else { return false };
                (Answer::Repeated { position }, known_at, plan)
            }
            Ok(_) => {
                let known_at = self.state.size();
                let plan = Arc::new(plan(&self.state, as_of));
                let event = ledger_core::decide::planned(run, as_of, known_at, &plan);
                let new = NewEvent { participant: None, occurred_at: meta.occurred_at, event };
                let position = match self.fold(&meta, vec![new]) {
                    Ok((position, _)) => position,
                    Err(rejection) => return self.answer(Box::new(move |_| drop(reply.send(Ok(Err(rejection)))))),
                };
                self.runs.plans.insert(run, Arc::clone(&plan));
                (Answer::Recorded { position, leaf_hash: Default::default(), exception: None }, known_at, plan)
            }
        };
        self.commit(Box::new(move |_| drop(reply.send(Ok(Ok(Planned { answer, as_of, known_at, plan }))))))
    }

    pub(super) fn approve_run(
        &mut self,
        actor: &Actor,
        run: RunId,
        digest: Digest,
        said: Said,
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
            held_by: self.runs.held_by.get(&run).cloned().unwrap_or_default(),
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
            None => match self.runs.plan(&self.state, active.run) {
                Some(plan) => Execution::new(&self.state, active.run, (*plan).clone()),
                None => return false,
            },
        };
        let said = Said { source_reference: active.run.to_string(), ..Said::default() };
        let start = Instant::now();
        let mut done = false;
        while !done && start.elapsed() < SLICE {
            let meta = self.meta(&active.actor, said.clone());
            for _ in 0..STEP {
                let Some(new) = execution.step(&self.state) else {
                    done = true;
                    break;
                };
                if self.fold(&meta, vec![new]).is_err() {
                    return false;
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
        self.runs.plans.remove(&active.run);
        self.runs.held_by.insert(active.run, execution.held_by_reason().collect());
        let closed = self.closed(active.run, false);
        self.commit(Box::new(move |_| {
            for (index, waiting) in active.waiting.into_iter().enumerate() {
                let closed = closed.clone().map(|closed| Closed { repeated: index > 0, ..closed });
                drop(waiting.send(Ok(closed.ok_or(Rejection::RunUnknown { run: active.run }))));
            }
        }))
    }
}
