//! What happens next: steps in order of time, then participant, then as they were planned.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use ledger_core::time::Timestamp;

/// Something that may happen to a participant, or that the programme does. Whether it does happen is decided when its time
/// comes, on the state then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The scheme is enacted.
    Enact,
    /// A budget document, by its number in [`crate::programme`].
    Funds(u8),
    /// A wave opens, by its place in the calendar.
    OpenWave(u8),
    /// A wave's participants are about to be determined.
    Determine(u8),
    /// The first wave closes.
    CloseWave,
    /// The balance period closes.
    ClosePeriod,
    /// The last day for completing a training has passed.
    YearEnd,
    /// A run is planned, by its place in the calendar.
    Plan(u8),
    /// A run is approved.
    Approve(u8),

    /// Determined as a recipient in the wave at that place of the calendar.
    Select(u8),
    /// Links a payout account.
    Link,
    /// Takes the payout account away.
    Unlink,
    /// Buys a training.
    Buy,
    /// Cancels the purchase of that place.
    Cancel(u8),
    /// Completes it.
    Complete(Training),
    /// Gets its certificate.
    Certify(Training),
    /// Reviews it.
    Review(u8),
    /// Fills a survey.
    Survey(u8),

    /// The deadline desk looks.
    Deadline,
    /// Revoked by staff.
    Revoke(Cause),
    /// Given back on appeal.
    Reinstate,
    /// A completion is withdrawn.
    Withdraw(u8),
    /// Found ineligible.
    Find,
    /// The finding of that source is taken back.
    WithdrawFinding(u8),
    /// Asked to pay back.
    Demand,
    /// Pays back.
    Repay(Repayment),

    /// The partner answers an instruction, by its place among the participant's.
    Answer(u8, Answer),
}

/// A purchase by its place among the participant's, with its course's place in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Training {
    pub(crate) purchase: u8,
    pub(crate) course: u8,
}

/// Why staff revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A case of its own.
    Case,
    /// A finding of ineligibility.
    Finding,
}

/// One payment towards a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repayment {
    /// Number of the demand's component.
    pub(crate) component: u8,
    /// From 0, of this demand.
    pub(crate) payment: u8,
    /// Rupiah.
    pub(crate) amount: u32,
}

/// What a partner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Taken on; what follows is said then.
    Accepted(Fate),
    /// The end, or the doubt.
    Final(Fate),
    /// Paid money came back.
    Returned,
    /// An inquiry, or a person, ends a doubt.
    DoubtEnds,
    /// Paid after all, though it was rejected.
    PaidAfterAll,
}

/// What becomes of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Settled,
    Rejected,
    SettledAndReturned,
    InDoubt,
}

impl Fate {
    pub(crate) const ALL: [Self; 4] = [Self::Settled, Self::Rejected, Self::SettledAndReturned, Self::InDoubt];
}

/// A step with its time and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    /// A participant's number from 1; 0 is the programme.
    pub(crate) who: u32,
    sequence: u32,
    pub(crate) step: Step,
}

impl Due {
    /// Time, then participant, then order of planning, as one number.
    const fn key(&self) -> u128 {
        // Times after 1970 are not negative.
        (self.at.nanos().cast_unsigned() as u128) << 64 | (self.who as u128) << 32 | self.sequence as u128
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// All steps that are still to come. Those of the next quarter of an hour stand in a heap that fits a processor's cache;
/// later ones wait by quarter, in no order: most of a country's year is far away most of the time.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    /// Steps of the quarter `now` and before.
    soon: BinaryHeap<Reverse<Due>>,
    now: i64,
    later: BTreeMap<i64, Vec<Due>>,
    planned: u32,
}

/// The quarter of an hour, about, that an instant is in.
const fn quarter(at: Timestamp) -> i64 {
    at.nanos() >> 40
}

impl Agenda {
    /// The number of the programme among participants.
    pub(crate) const PROGRAMME: u32 = 0;

    pub(crate) fn plan(&mut self, at: Timestamp, who: u32, step: Step) {
        // Wraps after four billion steps: only ties of one participant within one second are told apart by it.
        self.planned = self.planned.wrapping_add(1);
        let due = Due { at, who, sequence: self.planned, step };
        if quarter(at) <= self.now {
            self.soon.push(Reverse(due));
        } else {
            self.later.entry(quarter(at)).or_default().push(due);
        }
    }

    pub(crate) fn next(&mut self) -> Option<Due> {
        if self.soon.is_empty() {
            let (quarter, steps) = self.later.pop_first()?;
            self.now = quarter;
            self.soon = steps.into_iter().map(Reverse).collect();
        }
        self.soon.pop().map(|Reverse(due)| due)
    }
}
