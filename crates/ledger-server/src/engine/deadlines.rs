//! The deadline and expiry jobs on demand: everybody in turn, a slice at a time, beside other traffic. What a job
//! records of a participant it decides on the state of that moment, so running it again, or two at once, records nothing
//! twice, and after an interruption it is simply run again.

use std::time::Instant;

use ledger_core::codes::Ground;
use ledger_core::deadlines::passed;
use ledger_core::event::Event;
use ledger_core::state::Place;
use ledger_core::time::Date;
use ledger_core::{NewEvent, Rejection};
use tokio::sync::oneshot;

use super::decider::Decider;
use super::{Actor, SLICE, Said, Unavailable, now};

/// Participants between two looks at the clock.
const STEP: u32 = 32;

/// What a job recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Memberships revoked, by ground in the order of [`Ground::ALL`].
    pub revoked: [u64; Ground::ALL.len()],
    /// Instructions now in doubt.
    pub in_doubt: u64,
    /// Instructions recalled.
    pub recalled: u64,
    /// Participants looked at.
    pub participants: u64,
}

impl Passed {
    fn count(&mut self, events: &[NewEvent<'_>]) {
        for new in events {
            match &new.event {
                Event::MembershipRevoked(e) => {
                    if let Some(count) = self.revoked.get_mut(usize::from(e.ground.number()) - 1) {
                        *count += 1;
                    }
                }
                Event::PayoutInDoubt(_) => self.in_doubt += 1,
                Event::InstructionRecalled(_) => self.recalled += 1,
                // The jobs record nothing else.
                _ => {}
            }
        }
    }
}

pub(super) type DeadlinesReply = Result<Result<Passed, Rejection>, Unavailable>;

/// A job at work.
pub(super) struct Job {
    actor: Actor,
    said: Said<'static>,
    as_of: Date,
    next: Place,
    end: Place,
    passed: Passed,
    reply: oneshot::Sender<DeadlinesReply>,
}

impl Decider {
    pub(super) fn run_deadlines(
        &mut self,
        actor: Actor,
        as_of: Date,
        said: Said<'static>,
        reply: oneshot::Sender<DeadlinesReply>,
    ) -> bool {
        let today = now().max(self.state.last_recorded_at().unwrap_or_default()).wib_date();
        if as_of > today {
            let _ = reply.send(Ok(Err(Rejection::AsOfInFuture { as_of, today })));
            return true;
        }
        let end = self.state.participants().len();
        self.jobs.push_back(Job { actor, said, as_of, next: 0, end, passed: Passed::default(), reply });
        true
    }

    /// A slice of the first job. `false` once nothing more can be recorded.
    pub(super) fn job_slice(&mut self) -> bool {
        let Some(mut job) = self.jobs.pop_front() else { return true };
        if let Err(full) = self.room() {
            return self.answer(Box::new(move |_| drop(job.reply.send(Err(full)))));
        }
        let start = Instant::now();
        while job.next < job.end && start.elapsed() < SLICE {
            let until = job.end.min(job.next.saturating_add(STEP));
            let meta = self.meta(&job.actor, job.said.clone());
            for place in job.next..until {
                let Some(participant) = self.state.participants().get(place) else { continue };
                let events = passed(&self.state, participant, job.as_of);
                if events.is_empty() {
                    continue;
                }
                job.passed.count(&events);
                if let Err(rejection) = self.fold(&meta, events) {
                    // Nothing that a job records is too large.
                    tracing::error!(%rejection, "a deadline was not recorded");
                    return false;
                }
            }
            job.passed.participants += u64::from(until - job.next);
            job.next = until;
        }
        if job.next < job.end {
            self.jobs.push_front(job);
            return self.commit_silently();
        }
        let Job { passed, reply, .. } = job;
        self.commit(Box::new(move |_| drop(reply.send(Ok(Ok(passed))))))
    }
}
