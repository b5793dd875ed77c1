//! Sums over all participants, taken by several threads: by wave, by province, by partner, by lateness, by what was lost.

use std::collections::BTreeMap;

use ledger_core::account::{Account, Balances};
use ledger_core::codes::{Ground, Partner};
use ledger_core::state::{InstructionStatus, Place};
use ledger_core::time::Date;
use ledger_core::view::ParticipantView;

use super::overdue::{ByReason, Sum, Wait};
use crate::known::{Fold, Known};

/// Participants of one wave or province.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Everybody selected.
    pub participants: u64,
    /// Those whose membership is revoked.
    pub revoked: u64,
    /// Those whose incentives are unlocked: a first training completed, certified and reviewed.
    pub unlocked: u64,
    /// Their accounts.
    pub balances: Balances,
}

/// What one partner was ordered to pay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orders {
    /// All instructions.
    pub instructed: Sum,
    /// No outcome yet, or accepted only.
    pub open: Sum,
    /// Nobody knows whether they were paid.
    pub in_doubt: Sum,
    /// Paid: settlements that were not returned, each counted.
    pub settled: Sum,
    /// Not paid, the partner says.
    pub rejected: Sum,
    /// Paid, and the money came back.
    pub returned: Sum,
}

/// What was lost by participants of one status.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lost {
    /// Participants.
    pub participants: u64,
    /// Of them, those who lost something.
    pub losers: u64,
    /// Rupiah in `forfeited`.
    pub forfeited: i64,
    /// Rupiah in `lapsed`.
    pub lapsed: i64,
    /// Rupiah in `treasury-returned`.
    pub returned: i64,
}

/// Days between the due date and the payment: the last day of each class but the last, which has no end.
pub const LATENESS: [i32; 8] = [-1, 0, 3, 7, 14, 30, 60, 90];
/// Classes of lateness.
pub const CLASSES: usize = LATENESS.len() + 1;

/// Everybody.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// All together.
    pub all: Group,
    /// By wave.
    pub waves: BTreeMap<u32, Group>,
    /// By province: the first two digits of the region.
    pub provinces: BTreeMap<u16, Group>,
    /// By partner, in the order of [`Partner::ALL`].
    pub partners: [Orders; Partner::ALL.len()],
    /// Paid entitlements by days after the due date, in the classes of [`LATENESS`].
    pub paid: [Sum; CLASSES],
    /// Due and unpaid entitlements by days since the due date.
    pub unpaid: [Sum; CLASSES],
    /// Due and unpaid entitlements by reason.
    pub waiting: ByReason,
    /// What was lost, by ground of revocation; without one where the membership is live.
    pub lost: BTreeMap<Option<Ground>, Lost>,
}

impl Sum {
    fn add(&mut self, count: i64, amount: i64) {
        self.count = self.count.saturating_add(count);
        self.amount = self.amount.saturating_add(amount);
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), amount: self.amount.saturating_add(other.amount) }
    }
}

impl Group {
    fn add(&mut self, view: &ParticipantView, balances: &Balances) {
        self.participants += 1;
        self.revoked += u64::from(view.revoked.is_some());
        self.unlocked += u64::from(view.unlocked_on.is_some());
        self.balances.merge(balances);
    }

    fn merge(&mut self, other: &Self) {
        self.participants += other.participants;
        self.revoked += other.revoked;
        self.unlocked += other.unlocked;
        self.balances.merge(&other.balances);
    }
}

/// The class of so many days.
fn class(days: i32) -> usize {
    LATENESS.partition_point(|last| *last < days)
}

impl People {
    /// Counts everybody, by so many threads.
    pub(super) fn count(known: &Known, threads: usize) -> Self {
        let (fold, day) = (known.fold(), known.as_of().unwrap_or_default());
        let all = fold.counted().participants().len();
        let threads = u32::try_from(threads).unwrap_or(1).clamp(1, all.max(1));
        let each = all.div_ceil(threads);
        let part = move |n: u32| (n * each).min(all)..((n + 1) * each).min(all);
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|n| scope.spawn(move || Self::of(fold, part(n), day))).collect();
            let mut people = Self::of(fold, part(0), day);
            for other in others {
                people.merge(&other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            people
        })
    }

    fn of(fold: &Fold, places: std::ops::Range<Place>, day: Date) -> Self {
        let mut people = Self::default();
        for place in places {
            if let Some((view, balances)) = fold.person(place, day) {
                people.add(&view, &balances, day);
                people.orders(fold, place);
            }
        }
        people
    }

    fn add(&mut self, view: &ParticipantView, balances: &Balances, day: Date) {
        self.all.add(view, balances);
        self.waves.entry(view.wave.0).or_default().add(view, balances);
        self.provinces.entry(view.region.0 / 100).or_default().add(view, balances);
        for entitlement in &view.entitlements {
            let amount = entitlement.amount.get();
            let Some(due) = entitlement.due else { continue };
            if let Some(paid) = entitlement.settled_on {
                self.paid[class(paid.days().saturating_sub(due.days()))].add(1, amount);
            } else if due <= day
                && let Some(wait) = Wait::of(entitlement.held)
            {
                self.unpaid[class(day.days().saturating_sub(due.days()))].add(1, amount);
                self.waiting[wait as usize].add(1, amount);
            }
        }
        let [forfeited, lapsed, returned] =
            [Account::Forfeited, Account::Lapsed, Account::TreasuryReturned].map(|a| balances.get(a).get());
        let lost = self.lost.entry(view.revoked).or_default();
        lost.participants += 1;
        lost.losers += u64::from(forfeited != 0 || lapsed != 0 || returned != 0);
        lost.forfeited = lost.forfeited.saturating_add(forfeited);
        lost.lapsed = lost.lapsed.saturating_add(lapsed);
        lost.returned = lost.returned.saturating_add(returned);
    }

    fn orders(&mut self, fold: &Fold, place: Place) {
        let state = fold.counted();
        let Some(participant) = state.participants().get(place) else { return };
        let Some(scheme) = state.scheme_of(participant) else { return };
        for instruction in participant.all_instructions() {
            let amount = scheme.amount(instruction.entitlement()).map_or(0, |amount| amount.get());
            let orders = &mut self.partners[usize::from(instruction.partner.number()) - 1];
            orders.instructed.add(1, amount);
            let paid = i64::from(instruction.net_settled());
            orders.settled.add(paid, amount.saturating_mul(paid));
            match instruction.status {
                InstructionStatus::Instructed | InstructionStatus::Accepted => orders.open.add(1, amount),
                InstructionStatus::InDoubt => orders.in_doubt.add(1, amount),
                InstructionStatus::Rejected => orders.rejected.add(1, amount),
                InstructionStatus::Returned => orders.returned.add(1, amount),
                InstructionStatus::Settled => {}
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        let sums = |mine: &mut [Sum], theirs: &[Sum]| {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = mine.and(*theirs));
        };
        self.all.merge(&other.all);
        other.waves.iter().for_each(|(wave, group)| self.waves.entry(*wave).or_default().merge(group));
        other.provinces.iter().for_each(|(code, group)| self.provinces.entry(*code).or_default().merge(group));
        sums(&mut self.paid, &other.paid);
        sums(&mut self.unpaid, &other.unpaid);
        sums(&mut self.waiting, &other.waiting);
        for (mine, theirs) in self.partners.iter_mut().zip(&other.partners) {
            *mine = Orders {
                instructed: mine.instructed.and(theirs.instructed),
                open: mine.open.and(theirs.open),
                in_doubt: mine.in_doubt.and(theirs.in_doubt),
                settled: mine.settled.and(theirs.settled),
                rejected: mine.rejected.and(theirs.rejected),
                returned: mine.returned.and(theirs.returned),
            };
        }
        for (ground, theirs) in &other.lost {
            let mine = self.lost.entry(*ground).or_default();
            mine.participants += theirs.participants;
            mine.losers += theirs.losers;
            mine.forfeited = mine.forfeited.saturating_add(theirs.forfeited);
            mine.lapsed = mine.lapsed.saturating_add(theirs.lapsed);
            mine.returned = mine.returned.saturating_add(theirs.returned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_days_has_its_class() {
        let rows = [(i32::MIN, 0), (-1, 0), (0, 1), (1, 2), (3, 2), (4, 3), (90, 7), (91, 8), (i32::MAX, 8)];
        for (days, expected) in rows {
            assert_eq!(class(days), expected, "{days} days");
        }
    }
}
