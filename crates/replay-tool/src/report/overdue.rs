//! What was due and not paid on each day, and why, as it was known at the end of that day.
//!
//! A participant's entitlements are looked at again after each record that can change why they wait. What waits for one
//! reason from its due date, or from the day on which the reason was recorded, until another reason or the payment takes its
//! place is added to the sums of the first day and taken off those of the last: memory is a few bytes an entitlement, and the days.

use std::collections::BTreeMap;

use ledger_core::codes::Held;
use ledger_core::event::Event;
use ledger_core::schedule::payable;
use ledger_core::state::{FactKind, Participant, Place};
use ledger_core::time::Date;
use ledger_core::{Record, Rupiah, State};

use crate::known::Fold;

/// Why something due is not paid; the code that tables and scripts know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// Nothing holds it but the next run, or the year's funds.
    Payable,
    /// Ordered, outcome unknown.
    InTransit,
    /// Ordered, and nobody knows whether it was paid.
    InDoubt,
    /// No payout account is linked.
    NoAccount,
    /// The account was at fault.
    AccountFault,
    /// An ineligibility finding is open.
    Ineligible,
    /// The membership is revoked.
    MembershipRevoked,
    /// The wave is closed.
    WaveClosed,
}

impl Wait {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Payable,
        Self::InTransit,
        Self::InDoubt,
        Self::NoAccount,
        Self::AccountFault,
        Self::Ineligible,
        Self::MembershipRevoked,
        Self::WaveClosed,
    ];

    /// The code: the reason's own, `payable` where there is none.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Payable => "payable",
            Self::InTransit => Held::InTransit.code(),
            Self::InDoubt => Held::InDoubt.code(),
            Self::NoAccount => Held::NoAccount.code(),
            Self::AccountFault => Held::AccountFault.code(),
            Self::Ineligible => Held::Ineligible.code(),
            Self::MembershipRevoked => Held::MembershipRevoked.code(),
            Self::WaveClosed => Held::WaveClosed.code(),
        }
    }

    /// The reason for which something that is due waits; `None` where it is paid, or not due at all.
    #[must_use]
    pub const fn of(held: Option<Held>) -> Option<Self> {
        match held {
            None | Some(Held::Funds | Held::OtherAccount) => Some(Self::Payable),
            Some(Held::InTransit) => Some(Self::InTransit),
            Some(Held::InDoubt) => Some(Self::InDoubt),
            Some(Held::NoAccount) => Some(Self::NoAccount),
            Some(Held::AccountFault) => Some(Self::AccountFault),
            Some(Held::Ineligible) => Some(Self::Ineligible),
            Some(Held::MembershipRevoked) => Some(Self::MembershipRevoked),
            Some(Held::WaveClosed) => Some(Self::WaveClosed),
            Some(Held::Settled | Held::NotEarned | Held::NotDue) => None,
        }
    }
}

/// A number of items and their sum; both may fall from one day to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// Rupiah.
    pub amount: i64,
}

/// By reason, in the order of [`Wait::ALL`].
pub type ByReason = [Sum; Wait::ALL.len()];

/// One entitlement that waits, or will from its due date on. 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    /// Which of the scheme's entitlements.
    entitlement: u8,
    wait: Wait,
    /// Days since 1970-01-01.
    due: u16,
}

/// The sums of all days so far.
pub(super) struct Overdue {
    /// What is due later never counts.
    last: Option<Date>,
    waiting: Vec<Box<[Slot]>>,
    changes: BTreeMap<i32, ByReason>,
}

/// As of this day everything earned is due, and every account is linked.
const EVER: Date = Date::from_days(i32::MAX);

impl Overdue {
    pub(super) fn new(last: Option<Date>) -> Self {
        Self { last, waiting: Vec::new(), changes: BTreeMap::new() }
    }

    /// Takes a record that was folded.
    pub(super) fn after(&mut self, fold: &Fold, record: &Record<'_>) {
        if !fold.counts(record.occurred_at.wib_date()) || !bears_on_payment(&record.event) {
            return;
        }
        let (state, day) = (fold.counted(), record.recorded_at.wib_date());
        match (&record.event, record.participant) {
            (Event::WaveClosed(e), _) => {
                for place in 0..state.participants().len() {
                    if state.participants().get(place).is_some_and(|participant| participant.wave == e.wave) {
                        self.look(state, place, day);
                    }
                }
            }
            (_, Some(id)) => {
                if let Some(place) = state.place(id) {
                    self.look(state, place, day);
                }
            }
            _ => {}
        }
    }

    fn look(&mut self, state: &State, place: Place, day: Date) {
        let Some(participant) = state.participants().get(place) else { return };
        let Some(scheme) = state.scheme_of(participant) else { return };
        let slots: Vec<Slot> = slots(state, participant).collect();
        let at = place as usize;
        if self.waiting.len() <= at {
            if slots.is_empty() {
                return;
            }
            self.waiting.resize_with(at + 1, Box::default);
        }
        let before = std::mem::take(&mut self.waiting[at]);
        let amounts: Vec<Rupiah> = scheme.entitlements().map(|(_, amount)| amount).collect();
        let amount = |slot: &Slot| amounts.get(usize::from(slot.entitlement)).map_or(0, |amount| amount.get());
        for slot in before.iter().filter(|slot| !slots.contains(slot)) {
            self.change(slot, day, -1, -amount(slot));
        }
        for slot in slots.iter().filter(|slot| !before.contains(slot)) {
            self.change(slot, day, 1, amount(slot));
        }
        self.waiting[at] = slots.into_boxed_slice();
    }

    fn change(&mut self, slot: &Slot, day: Date, count: i64, amount: i64) {
        let due = Date::from_days(slot.due.into());
        if self.last.is_some_and(|last| due > last) {
            return;
        }
        let sums = self.changes.entry(day.max(due).days()).or_default();
        if let Some(sum) = sums.get_mut(slot.wait as usize) {
            sum.count = sum.count.saturating_add(count);
            sum.amount = sum.amount.saturating_add(amount);
        }
    }

    /// What waited at the end of each of these days, which are in order.
    pub(super) fn on(&self, days: &[Date]) -> Vec<(Date, ByReason)> {
        let mut changes = self.changes.iter().peekable();
        let mut sums = ByReason::default();
        let mut at_end_of = |day: &Date| {
            while let Some((_, change)) = changes.next_if(|(changed, _)| **changed <= day.days()) {
                for (sum, change) in sums.iter_mut().zip(change) {
                    sum.count = sum.count.saturating_add(change.count);
                    sum.amount = sum.amount.saturating_add(change.amount);
                }
            }
            (*day, sums)
        };
        days.iter().map(&mut at_end_of).collect()
    }
}

/// Whether a record can change what is due, or why it is not paid.
const fn bears_on_payment(event: &Event<'_>) -> bool {
    !matches!(
        event,
        Event::Selected(_)
            | Event::TrainingBought(_)
            | Event::PurchaseCancelled(_)
            | Event::PayoutAccepted(_)
            | Event::InstructionRecalled(_)
            | Event::OutcomeException(_)
            | Event::ExceptionResolved(_)
            | Event::RepaymentDemanded(_)
            | Event::RepaymentReceived(_)
    )
}

/// The earned entitlements that are not paid.
fn slots(state: &State, participant: &Participant) -> impl Iterator<Item = Slot> {
    let waits = participant.first_completed().is_some() || participant.count(FactKind::Instructed) > 0;
    let scheme = state.scheme_of(participant).filter(|_| waits);
    let entitlements = scheme.into_iter().flat_map(|scheme| scheme.entitlements().map(move |(e, _)| (scheme, e)));
    (0u8..).zip(entitlements).filter_map(|(number, (scheme, entitlement))| {
        let wait = Wait::of(payable(state, participant, entitlement, EVER).err())?;
        // What was ordered keeps the due date that it was ordered with.
        let ordered = matches!(wait, Wait::InTransit | Wait::InDoubt)
            .then(|| participant.instructions_of(entitlement).last().map(|(_, instruction)| instruction.due()))
            .flatten();
        let due = ordered.or_else(|| participant.due(scheme, entitlement))?;
        Some(Slot { entitlement: number, wait, due: u16::try_from(due.days()).ok()? })
    })
}
