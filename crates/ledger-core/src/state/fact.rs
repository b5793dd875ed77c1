//! What a life says of a record: that it is there.

use crate::time::Date;

/// That something was recorded: where, and when it happened. 7 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    pub(super) position: [u8; 5],
    pub(super) day: [u8; 2],
}

impl Fact {
    pub(crate) fn new(position: u64, date: Date) -> Self {
        // Dates fill 16 bits until 2149; later ones are clamped, which no rule of a live scheme can meet.
        Self::of_parts(position, day16(date))
    }

    pub(super) const fn of_parts(position: u64, day: u16) -> Self {
        let [a, b, c, d, e, ..] = position.to_le_bytes();
        Self { position: [a, b, c, d, e], day: day.to_le_bytes() }
    }

    /// Position of the record.
    #[must_use]
    pub const fn position(self) -> u64 {
        let [a, b, c, d, e] = self.position;
        u64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }

    /// WIB date of its `occurred_at`.
    #[must_use]
    pub const fn date(self) -> Date {
        Date::from_days(self.day() as i32)
    }

    pub(super) const fn day(self) -> u16 {
        u16::from_le_bytes(self.day)
    }
}

impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fact({} on {})", self.position(), self.date())
    }
}

/// What a fact is about; its index says which purchase, link, survey or instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FactKind {
    Selected,
    Linked,
    Unlinked,
    Bought,
    Cancelled,
    Completed,
    /// A completion that was withdrawn.
    Withdrawn,
    Certified,
    Reviewed,
    Survey,
    Instructed,
    Accepted,
    Settled,
    Rejected,
    Returned,
    InDoubt,
    Recalled,
    /// Of the membership or a case: [`State`](super::State) knows it by its case.
    Other,
}

pub(crate) fn day16(date: Date) -> u16 {
    u16::try_from(date.days().max(0)).unwrap_or(u16::MAX)
}
