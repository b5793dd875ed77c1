//! The programme's part of the state: waves, years, runs, instruction lists, exceptions.

use crate::codes::{OutcomeKind, Partner};
use crate::event::Total;
use crate::ids::{Digest, Position, RunId};
use crate::money::Rupiah;
use crate::state::{Fact, Place};
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

/// The instructions of one partner in order of position, 9 bytes each.
#[derive(Clone, Debug, Default)]
pub struct InstructionList {
    entries: Vec<[u8; 9]>,
}

impl InstructionList {
    pub(crate) fn push(&mut self, position: u64, place: Place) {
        let (p, q) = (position.to_be_bytes(), place.to_be_bytes());
        self.entries.push([p[3], p[4], p[5], p[6], p[7], q[0], q[1], q[2], q[3]]);
    }

    fn entry(entry: &[u8; 9]) -> (Position, Place) {
        let [a, b, c, d, e, w, x, y, z] = *entry;
        (Position(u64::from_be_bytes([0, 0, 0, a, b, c, d, e])), u32::from_be_bytes([w, x, y, z]))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The participant of an instruction.
    #[must_use]
    pub fn place(&self, position: Position) -> Option<Place> {
        let found = self.entries.binary_search_by(|entry| Self::entry(entry).0.cmp(&position)).ok()?;
        self.entries.get(found).map(|entry| Self::entry(entry).1)
    }

    /// The instructions from a position on, with their participants.
    pub fn from(&self, position: Position) -> impl Iterator<Item = (Position, Place)> + '_ {
        let start = self.entries.partition_point(|entry| Self::entry(entry).0 < position);
        self.entries.iter().skip(start).map(Self::entry)
    }
}

/// Identity of an exception: partner, transaction reference, kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// Its resolution.
    pub resolved: Option<Fact>,
}
