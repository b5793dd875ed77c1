//! Questions over all participants, answered of one state although it changes meanwhile: a slice at a time, and whoever
//! is about to change before the scan came by is looked at first.

use std::collections::HashSet;
use std::time::Instant;

use ledger_core::Command;
use ledger_core::event::Event;
use ledger_core::state::{Place, State};

use super::decider::Decider;
use super::{Incoming, SLICE};

/// Participants between two looks at the clock.
const STEP: u32 = 64;

/// What is asked of each participant in turn.
pub(super) trait Question: Send {
    /// Looks at one participant. Each is shown once, as it was when the scan began.
    fn see(&mut self, state: &State, place: Place);
    /// Everybody was shown. What to do with the answer.
    fn end(self: Box<Self>, decider: &mut Decider) -> bool;
}

/// A question at work.
pub(super) struct Scan {
    question: Box<dyn Question>,
    next: Place,
    end: Place,
    /// Shown before their turn.
    early: HashSet<Place>,
}

impl Scan {
    /// A scan of everybody selected so far.
    pub(super) fn new(state: &State, question: Box<dyn Question>) -> Self {
        Self { question, next: 0, end: state.participants().len(), early: HashSet::new() }
    }

    /// A participant is about to change.
    pub(super) fn before_change(&mut self, state: &State, place: Place) {
        if (self.next..self.end).contains(&place) && self.early.insert(place) {
            self.question.see(state, place);
        }
    }

    /// Goes on until the slice is over; `true` at the end.
    fn slice(&mut self, state: &State) -> bool {
        let start = Instant::now();
        while self.next < self.end {
            let until = self.end.min(self.next.saturating_add(STEP));
            for place in self.next..until {
                if self.early.is_empty() || !self.early.remove(&place) {
                    self.question.see(state, place);
                }
            }
            self.next = until;
            if start.elapsed() >= SLICE {
                break;
            }
        }
        self.next >= self.end
    }
}

/// Whether a command changes many participants at once: it waits while a scan is at work.
pub(super) fn changes_everybody(commands: &[Incoming<'_>]) -> bool {
    let closing = |command: &Command<'_>| match command {
        Command::Record { event, .. } => matches!(event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_)),
        Command::ReportOutcome { .. }
        | Command::KeepDifference(_)
        | Command::PlanRun { .. }
        | Command::ApproveRun { .. } => false,
    };
    commands.iter().any(|incoming| closing(&incoming.command))
}

impl Decider {
    /// A slice of the scan at the front; another one is next. `false` once nothing more can be recorded.
    pub(super) fn scan_slice(&mut self) -> bool {
        let Some(mut scan) = self.scans.pop_front() else { return true };
        if !scan.slice(&self.state) {
            self.scans.push_back(scan);
            return true;
        }
        scan.question.end(self)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Notes who was shown.
    struct Shown(Arc<Mutex<Vec<Place>>>);

    impl Question for Shown {
        fn see(&mut self, _: &State, place: Place) {
            self.0.lock().unwrap().push(place);
        }

        fn end(self: Box<Self>, _: &mut Decider) -> bool {
            true
        }
    }

    #[test]
    fn everybody_is_shown_once_changed_or_not() {
        let (state, shown) = (State::new(), Arc::new(Mutex::new(Vec::new())));
        let question = Box::new(Shown(Arc::clone(&shown)));
        let mut scan = Scan { question, next: 0, end: 1_000, early: HashSet::new() };
        for place in [700, 3, 700, 1_000, 2_000] {
            scan.before_change(&state, place);
        }
        assert_eq!(*shown.lock().unwrap(), [700, 3], "before their change, once, and nobody selected later");
        while !scan.slice(&state) {}
        scan.before_change(&state, 5);
        let mut all = shown.lock().unwrap().clone();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    }
}
