//! The programme's part of the state: waves, years, runs, instruction lists, exceptions.

use crate::codes::{OutcomeKind, Partner};
use crate::event::Total;
use crate::ids::{Digest, Position, RunId};
use crate::money::Rupiah;
use crate::state::{Fact, Place, Segmented, packed};
use crate::time::Date;

/// A cohort selected together.
#[derive(Clone, Debug)]
pub struct Wave {
    /// Index of its scheme in the order of enactment.
    pub(crate) scheme: usize,
    /// Its year.
    pub year: i16,
    /// How many participants it takes.
    pub quota: u32,
    /// How many were selected, revoked ones too.
    pub selected: u32,
    /// The training balance's last day.
    pub balance_last_day: Date,
    /// Trainings are completed by this day.
    pub complete_by: Date,
    pub(crate) opened: Fact,
    /// Its closing.
    pub closed: Option<Fact>,
    /// The wave's share of `training-balance`, for the closing of the period, rupiah.
    pub(crate) training_balance: i64,
    /// The wave's share of `incentives-committed`, for its closing, rupiah.
    pub(crate) committed: i64,
}

/// A fiscal year: funds, and whether its balance period closed (DOMAIN section 5, rule 14).
#[derive(Clone, Copy, Debug, Default)]
pub struct Year {
    /// Appropriated, rupiah.
    pub appropriated: Rupiah,
    /// Used, rupiah.
    pub used: Rupiah,
    /// The closing of the balance period of the year's waves.
    pub closed: Option<Fact>,
    /// Log size from which on `appropriated` and `used` are as they are.
    pub(crate) funds_since: u64,
}

impl Year {
    /// What may still be instructed, rupiah; below zero where purchases exceed the funds.
    #[must_use]
    pub const fn available(&self) -> Rupiah {
        Rupiah::new(self.appropriated.get().saturating_sub(self.used.get()))
    }
}

/// A disbursement run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run.
    pub id: RunId,
    /// Items due by this date.
    pub as_of: Date,
    /// Log size on which the plan was computed.
    pub known_at: u64,
    /// Digest of the plan's items.
    pub items_digest: Digest,
    /// What was planned.
    pub planned_items: Total,
    /// Who planned it.
    pub planned_by: String,
    /// The plan.
    pub planned: Fact,
    /// The approval.
    pub approved: Option<Fact>,
    /// WIB date of the approval.
    pub approved_at: crate::time::Timestamp,
    /// The closing.
    pub closed: Option<Fact>,
    /// What was instructed so far.
    pub instructed: Total,
    /// What was held, known once closed.
    pub held: Total,
    /// Due date, participant and entitlement of the last instructed item, after which a run resumes.
    pub(crate) last_instructed: Option<(Date, crate::ids::ParticipantId, crate::scheme::Entitlement)>,
}

/// The instructions of one partner in order of position, five or six bytes each: blocks in which positions stand as
/// differences to the one before.
#[derive(Default)]
pub struct InstructionList {
    pub(super) blocks: Segmented<Block>,
    pub(super) len: usize,
}

/// Instructions of a block: what a look at one of them reads at most.
pub(super) const BLOCK: usize = 64;

pub(super) struct Block {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) bytes: Vec<u8>,
}

impl Block {
    /// The position of the last of the first `count` entries, and how many bytes those have.
    pub(super) fn up_to(&self, count: usize) -> (u64, usize) {
        let (mut rest, mut last) = (&self.bytes[..], self.first);
        for _ in 0..count {
            let Some(gap) = packed::varint(&mut rest) else { break };
            last = last.wrapping_add(gap);
            rest = rest.get(size_of::<Place>()..).unwrap_or_default();
        }
        (last, self.bytes.len() - rest.len())
    }

    /// The first entry's difference is 0.
    fn entries(&self) -> impl Iterator<Item = (Position, Place)> + '_ {
        let (mut rest, mut position) = (&self.bytes[..], self.first);
        std::iter::from_fn(move || {
            position = position.wrapping_add(packed::varint(&mut rest)?);
            let (place, others) = rest.split_first_chunk()?;
            rest = others;
            Some((Position(position), Place::from_le_bytes(*place)))
        })
    }
}

impl InstructionList {
    pub(crate) fn push(&mut self, position: u64, place: Place) {
        if self.len.is_multiple_of(BLOCK) {
            // Full: it keeps what it needs.
            if let Some(full) = self.blocks.last_mut() {
                full.bytes.shrink_to_fit();
            }
            let block = Block { first: position, last: position, bytes: Vec::with_capacity(BLOCK * 6) };
            if self.blocks.push(block).is_none() {
                return;
            }
        }
        let Some(block) = self.blocks.last_mut() else { return };
        packed::put_varint(position.wrapping_sub(block.last), |byte| block.bytes.push(byte));
        block.bytes.extend_from_slice(&place.to_le_bytes());
        block.last = position;
        self.len += 1;
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The participant of an instruction.
    #[must_use]
    pub fn place(&self, position: Position) -> Option<Place> {
        self.from(position).next().filter(|(found, _)| *found == position).map(|(_, place)| place)
    }

    /// The instructions from a position on, with their participants.
    pub fn from(&self, position: Position) -> impl Iterator<Item = (Position, Place)> + '_ {
        let start = self.blocks.partition_point(|block| block.last < position.0);
        let blocks = (start..self.blocks.len()).filter_map(|at| self.blocks.get(at));
        blocks.flat_map(Block::entries).skip_while(move |(found, _)| *found < position)
    }
}

/// Identity of an exception: partner, transaction reference, kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExceptionKey {
    /// Who said it.
    pub partner: Partner,
    /// The partner's transaction reference; the instruction reference where it gave none.
    pub reference: String,
    /// What it said.
    pub kind: OutcomeKind,
}

/// An exception and whether people cleared it up.
#[derive(Clone, Debug)]
pub struct ExceptionEntry {
    /// The exception.
    pub recorded: Fact,
    /// What it said, see [`identity_of`](super::identity_of): what says something else may be recorded beside it.
    pub(crate) content: u128,
    /// Its resolution.
    pub resolved: Option<Fact>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn instructions_are_found_by_position(
            start in 0..1u64 << 34, gaps in prop::collection::vec((1..3_000u64, any::<u32>()), 0..400), from in 0..400usize,
        ) {
            let (mut list, mut plain, mut position) = (InstructionList::default(), Vec::new(), start);
            for (gap, place) in gaps {
                position += gap;
                list.push(position, place);
                plain.push((Position(position), place));
            }
            prop_assert_eq!((list.len(), list.is_empty()), (plain.len(), plain.is_empty()));
            for (position, place) in &plain {
                prop_assert_eq!(list.place(*position), Some(*place));
                let next = Position(position.0 + 1);
                prop_assert_eq!(list.place(next), plain.iter().find(|(other, _)| *other == next).map(|(_, place)| *place));
            }
            let from = plain.get(from).map_or(Position(position + 1), |(position, _)| *position);
            for from in [from, Position(from.0.saturating_sub(1)), Position(0)] {
                let rest: Vec<_> = plain.iter().filter(|(position, _)| *position >= from).copied().collect();
                prop_assert_eq!(list.from(from).collect::<Vec<_>>(), rest);
            }
        }
    }
}
