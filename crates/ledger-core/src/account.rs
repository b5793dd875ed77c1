//! The accounts of the double entry (DOMAIN section 7).

use std::fmt;

use crate::codes::{Partner, Platform};
use crate::money::Rupiah;

/// An account that money moves between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Where all money comes from; below zero by what was committed.
    Budget,
    /// What a participant may still spend on courses.
    TrainingBalance,
    /// Incentives counted up front and not yet instructed.
    IncentivesCommitted,
    /// Paid to a platform for a training not yet completed.
    PlatformUnearned(Platform),
    /// Paid to a platform for a completed training.
    PlatformEarned(Platform),
    /// Ordered from a partner, outcome unknown.
    InTransit(Partner),
    /// Received by the person, gross of repayments.
    Received,
    /// Paid twice; below zero by what was paid too much.
    Overpaid,
    /// Training balance lost by revocation.
    Forfeited,
    /// Training balance left when its period closed.
    Lapsed,
    /// Incentives lost by revocation or by the wave's end.
    TreasuryReturned,
    /// Money that a participant paid back; below zero by that.
    Repaid,
    /// Repayments that the state received.
    Repayments,
}

impl Account {
    /// How many accounts there are.
    pub const COUNT: usize = 13 + 2 * (Platform::ALL.len() - 1) + Partner::ALL.len() - 1;

    /// Every account, in the order of the money's way.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Budget, Self::TrainingBalance, Self::IncentivesCommitted]
            .into_iter()
            .chain(Platform::ALL.iter().map(|p| Self::PlatformUnearned(*p)))
            .chain(Platform::ALL.iter().map(|p| Self::PlatformEarned(*p)))
            .chain(Partner::ALL.iter().map(|p| Self::InTransit(*p)))
            .chain([Self::Received, Self::Overpaid, Self::Forfeited, Self::Lapsed])
            .chain([Self::TreasuryReturned, Self::Repaid, Self::Repayments])
    }

    /// The account's place in [`Self::all`].
    #[must_use]
    pub const fn index(self) -> usize {
        const PLATFORMS: usize = Platform::ALL.len();
        const TRANSIT: usize = 3 + 2 * PLATFORMS;
        const AFTER: usize = TRANSIT + Partner::ALL.len();
        match self {
            Self::Budget => 0,
            Self::TrainingBalance => 1,
            Self::IncentivesCommitted => 2,
            Self::PlatformUnearned(p) => 2 + p.number() as usize,
            Self::PlatformEarned(p) => 2 + PLATFORMS + p.number() as usize,
            Self::InTransit(p) => TRANSIT - 1 + p.number() as usize,
            Self::Received => AFTER,
            Self::Overpaid => AFTER + 1,
            Self::Forfeited => AFTER + 2,
            Self::Lapsed => AFTER + 3,
            Self::TreasuryReturned => AFTER + 4,
            Self::Repaid => AFTER + 5,
            Self::Repayments => AFTER + 6,
        }
    }

    /// Whether the account may be below zero (DOMAIN section 7, invariants).
    #[must_use]
    pub const fn may_be_negative(self) -> bool {
        matches!(self, Self::Budget | Self::Overpaid | Self::Repaid)
    }
}

impl fmt::Display for Account {
    /// `training-balance`, `platform-unearned:tokopedia`, `in-transit:gopay`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget => f.write_str("budget"),
            Self::TrainingBalance => f.write_str("training-balance"),
            Self::IncentivesCommitted => f.write_str("incentives-committed"),
            Self::PlatformUnearned(p) => write!(f, "platform-unearned:{p}"),
            Self::PlatformEarned(p) => write!(f, "platform-earned:{p}"),
            Self::InTransit(p) => write!(f, "in-transit:{p}"),
            Self::Received => f.write_str("received"),
            Self::Overpaid => f.write_str("overpaid"),
            Self::Forfeited => f.write_str("forfeited"),
            Self::Lapsed => f.write_str("lapsed"),
            Self::TreasuryReturned => f.write_str("treasury-returned"),
            Self::Repaid => f.write_str("repaid"),
            Self::Repayments => f.write_str("repayments"),
        }
    }
}

/// The sum of each account's postings, rupiah: a participant's, or everybody's (the trial balance).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balances([i64; Account::COUNT]);

impl Default for Balances {
    fn default() -> Self {
        Self([0; Account::COUNT])
    }
}

impl PartialEq<[i64; Account::COUNT]> for Balances {
    /// Whether these are the balances, by [`Account::index`].
    fn eq(&self, other: &[i64; Account::COUNT]) -> bool {
        self.0 == *other
    }
}

impl Balances {
    /// The account's balance, rupiah.
    #[must_use]
    pub const fn get(&self, account: Account) -> Rupiah {
        Rupiah::new(self.0[account.index()])
    }

    /// Adds an amount. The sum saturates at what 64 bits hold, 2,600 times the money of the whole programme at its
    /// planned size: it cannot be reached by rules that bound each amount.
    pub const fn add(&mut self, account: Account, amount: Rupiah) {
        let balance = &mut self.0[account.index()];
        *balance = balance.saturating_add(amount.get());
    }

    /// Adds every balance of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// The sum over all accounts: zero, or a posting was lost.
    #[must_use]
    pub fn sum(&self) -> Rupiah {
        Rupiah::new(self.0.iter().fold(0, |sum, balance| sum.saturating_add(*balance)))
    }

    /// Every account with its balance, rupiah.
    pub fn iter(&self) -> impl Iterator<Item = (Account, Rupiah)> + '_ {
        Account::all().zip(self.0).map(|(account, balance)| (account, Rupiah::new(balance)))
    }

    /// What returned to the treasury: forfeited + lapsed + treasury-returned (DOMAIN section 7).
    #[must_use]
    pub fn treasury_total(&self) -> Rupiah {
        let parts = [Account::Forfeited, Account::Lapsed, Account::TreasuryReturned];
        Rupiah::new(parts.iter().map(|account| self.0[account.index()]).fold(0, i64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_has_its_own_place() {
        let all: Vec<_> = Account::all().collect();
        assert_eq!(all.len(), Account::COUNT);
        for (place, account) in all.into_iter().enumerate() {
            assert_eq!(account.index(), place, "{account}");
        }
    }
}
