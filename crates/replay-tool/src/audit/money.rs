//! Money by account and by day: the auditor's own double entry, as sums.

use ledger_core::account::Account;
use ledger_core::time::Date;

use super::person::Day;

/// Something that is added up day by day, in the order of days whatever the order of records.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// By day since 1970-01-01, from `first` on.
    days: Vec<i64>,
    first: usize,
}

fn place(day: Day) -> usize {
    usize::try_from(day.date().days()).unwrap_or(0)
}

impl Series {
    pub(super) fn add(&mut self, day: Day, amount: i64) {
        let place = place(day);
        if self.days.is_empty() {
            self.first = place;
        }
        if place < self.first {
            self.days.splice(0..0, std::iter::repeat_n(0, self.first - place));
            self.first = place;
        }
        let index = place - self.first;
        if index >= self.days.len() {
            self.days.resize(index + 1, 0);
        }
        self.days[index] += amount;
    }

    /// The sum of all days up to and including this one; of all where `None`.
    pub(super) fn until(&self, date: Option<Date>) -> i128 {
        let count = date.map_or(self.days.len(), |date| (place(date.into()) + 1).saturating_sub(self.first));
        self.days.iter().take(count).copied().map(i128::from).sum()
    }

    /// What was added on one day.
    pub(super) fn of(&self, date: Date) -> i64 {
        let index = place(date.into()).checked_sub(self.first);
        index.and_then(|index| self.days.get(index)).copied().unwrap_or(0)
    }

    /// The first and last day on which anything was added.
    pub(super) fn span(&self) -> Option<(Date, Date)> {
        let day = |place: usize| Date::from_days(i32::try_from(place).unwrap_or(i32::MAX));
        (!self.days.is_empty()).then(|| (day(self.first), day(self.first + self.days.len() - 1)))
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let Some((first, _)) = other.span() else { return };
        for (days, amount) in (0..).zip(&other.days).filter(|(_, amount)| **amount != 0) {
            self.add(first.plus_days(days).into(), *amount);
        }
    }
}

/// A number of things and their money, day by day.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) count: Series,
    pub(super) amount: Series,
}

impl Counted {
    pub(super) fn add(&mut self, day: Day, count: i64, amount: i64) {
        self.count.add(day, count);
        self.amount.add(day, amount);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count.merge(&other.count);
        self.amount.merge(&other.amount);
    }
}

/// The accounts of DOMAIN section 7, and what of them is asked for at any date.
#[derive(Clone, Debug)]
pub(super) struct Money {
    /// Postings dated up to this day are counted.
    as_of: Option<Date>,
    accounts: [i128; Account::COUNT],
    /// Paid to platforms for trainings not completed: purchases and rupiah.
    pub(super) unearned: Counted,
    /// Paid to platforms, completed or not.
    pub(super) to_platforms: Series,
    /// Incentives ordered or paid, and not come back.
    pub(super) left: Series,
    /// Incentives received by persons.
    pub(super) received: Series,
    /// Back to the treasury: forfeited, lapsed, treasury-returned.
    pub(super) treasury: Series,
}

impl Money {
    pub(super) fn new(as_of: Option<Date>) -> Self {
        Self {
            as_of,
            accounts: [0; Account::COUNT],
            unearned: Counted::default(),
            to_platforms: Series::default(),
            left: Series::default(),
            received: Series::default(),
            treasury: Series::default(),
        }
    }

    /// Moves rupiah from one account to another on a day.
    pub(super) fn moves(&mut self, on: Day, amount: i64, from: Account, to: Account) {
        if amount == 0 || from == to {
            return;
        }
        for (account, amount) in [(from, -amount), (to, amount)] {
            if self.as_of.is_none_or(|as_of| on.date() <= as_of) {
                self.accounts[account.index()] += i128::from(amount);
            }
            match account {
                Account::PlatformUnearned(_) => {
                    self.unearned.add(on, amount.signum(), amount);
                    self.to_platforms.add(on, amount);
                }
                Account::PlatformEarned(_) => self.to_platforms.add(on, amount),
                Account::InTransit(_) => self.left.add(on, amount),
                Account::Received => {
                    self.left.add(on, amount);
                    self.received.add(on, amount);
                }
                Account::Forfeited | Account::Lapsed | Account::TreasuryReturned => self.treasury.add(on, amount),
                Account::Budget
                | Account::TrainingBalance
                | Account::IncentivesCommitted
                | Account::Overpaid
                | Account::Repaid
                | Account::Repayments => {}
            }
        }
    }

    pub(super) const fn of(&self, account: Account) -> i128 {
        self.accounts[account.index()]
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.accounts.iter_mut().zip(other.accounts).for_each(|(sum, amount)| *sum += amount);
        self.unearned.merge(&other.unearned);
        self.to_platforms.merge(&other.to_platforms);
        self.left.merge(&other.left);
        self.received.merge(&other.received);
        self.treasury.merge(&other.treasury);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_takes_days_in_any_order_and_parts_add_up() {
        let day = |text: &str| -> Date { text.parse().unwrap() };
        let (mut one, mut other) = (Series::default(), Series::default());
        one.add(day("2020-05-02").into(), 5);
        one.add(day("2020-04-01").into(), 7);
        other.add(day("2020-06-01").into(), -2);
        one.merge(&other);
        let rows = [("2020-03-31", 0), ("2020-04-01", 7), ("2020-05-01", 7), ("2020-05-02", 12), ("2021-01-01", 10)];
        for (date, expected) in rows {
            assert_eq!(one.until(Some(day(date))), expected, "{date}");
        }
        assert_eq!(one.until(None), 10);
        assert_eq!(one.span(), Some((day("2020-04-01"), day("2020-06-01"))));
    }
}
