//! Whole rupiah, checked.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// A whole number of rupiah, possibly negative (a posting's credit side, a budget cut).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rupiah(i64);

/// Why a number is no amount in rupiah.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRupiah {
    /// The decimal has a fraction: the rupiah has no smaller unit in use.
    #[error("not a whole number of rupiah")]
    Fraction,
    /// Beyond what 64 bits hold.
    #[error("too large for an amount in rupiah")]
    TooLarge,
}

impl Rupiah {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// `amount` rupiah.
    #[must_use]
    pub const fn new(amount: i64) -> Self {
        Self(amount)
    }

    /// The amount as a number of rupiah.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where 64 bits do not hold it.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The amount with the other sign; the most negative amount becomes the most positive one.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// The sum of many, or `None` where 64 bits do not hold it.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<Decimal> for Rupiah {
    type Error = NotRupiah;

    /// Partners' files carry decimal strings: `50000.00` is fifty thousand rupiah, `50000.50` is refused.
    fn try_from(value: Decimal) -> Result<Self, NotRupiah> {
        if !value.fract().is_zero() {
            return Err(NotRupiah::Fraction);
        }
        value.to_i64().map(Self).ok_or(NotRupiah::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_whole_or_refused() {
        let rows = [
            ("50000", Ok(Rupiah(50_000))),
            ("50000.00", Ok(Rupiah(50_000))),
            ("-1.0", Ok(Rupiah(-1))),
            ("50000.50", Err(NotRupiah::Fraction)),
            ("9223372036854775808", Err(NotRupiah::TooLarge)),
        ];
        for (text, expected) in rows {
            assert_eq!(Rupiah::try_from(text.parse::<Decimal>().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn sums_are_checked() {
        assert_eq!(Rupiah(i64::MAX).checked_add(Rupiah(1)), None);
        assert_eq!(Rupiah::checked_sum([Rupiah(1), Rupiah(2)]), Some(Rupiah(3)));
    }
}
