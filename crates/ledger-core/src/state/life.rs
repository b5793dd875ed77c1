//! A participant's life, packed: one string of bytes, an entry a record, in order of position.
//!
//! Days and positions stand as differences to the entry before, and what can be counted is not stored: a purchase, a link
//! or an instruction is known by how many came before it. An entry is 5 or 6 bytes long, a purchase or link has its
//! identifier beside that, an instruction four or five bytes more. Entries are never changed and never taken away: where
//! a purchase or an instruction stands follows from the entries after it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | tag, times 8, and a value up to 6; with 7 the value is the next byte |
//! | 1 to 3 | days since the entry before, zigzag |
//! | 1 to 6 | position, less that of the entry before |
//! | | of a link: its 16 bytes. Of a purchase: its 16 bytes, its price |
//! | | of an instruction: attempt, link and partner in one number; run; due date and expiry less its own day, zigzag |
//! | | of a settlement: two bytes of the CRC-32C of its transaction reference |

use prefetch_index::prefetch_index;

use super::fact::{Fact, FactKind};
use super::packed::{byte, put_varint, two_varints, varint, varints};
use crate::ids::Position;

/// What an entry is, with what its value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Selected = 1,
    /// The partner.
    Linked,
    /// The link's index.
    Unlinked,
    /// The platform.
    Bought,
    /// The purchase's index, here and below.
    Cancelled,
    Completed,
    Withdrawn,
    Certified,
    Reviewed,
    /// The survey's number.
    Survey,
    /// The incentive's number.
    TrainingInstructed,
    SurveyInstructed,
    /// The instruction's index, here and below.
    Accepted,
    Settled,
    Rejected,
    RejectedAtFault,
    Returned,
    ReturnedAtFault,
    InDoubt,
    Recalled,
    /// Anything else: known by its position only, and only as long as it is the last.
    Other,
}

impl Tag {
    const ALL: [Self; 21] = [
        Self::Selected,
        Self::Linked,
        Self::Unlinked,
        Self::Bought,
        Self::Cancelled,
        Self::Completed,
        Self::Withdrawn,
        Self::Certified,
        Self::Reviewed,
        Self::Survey,
        Self::TrainingInstructed,
        Self::SurveyInstructed,
        Self::Accepted,
        Self::Settled,
        Self::Rejected,
        Self::RejectedAtFault,
        Self::Returned,
        Self::ReturnedAtFault,
        Self::InDoubt,
        Self::Recalled,
        Self::Other,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    pub(super) const fn kind(self) -> FactKind {
        match self {
            Self::Selected => FactKind::Selected,
            Self::Linked => FactKind::Linked,
            Self::Unlinked => FactKind::Unlinked,
            Self::Bought => FactKind::Bought,
            Self::Cancelled => FactKind::Cancelled,
            Self::Completed => FactKind::Completed,
            Self::Withdrawn => FactKind::Withdrawn,
            Self::Certified => FactKind::Certified,
            Self::Reviewed => FactKind::Reviewed,
            Self::Survey => FactKind::Survey,
            Self::TrainingInstructed | Self::SurveyInstructed => FactKind::Instructed,
            Self::Accepted => FactKind::Accepted,
            Self::Settled => FactKind::Settled,
            Self::Rejected | Self::RejectedAtFault => FactKind::Rejected,
            Self::Returned | Self::ReturnedAtFault => FactKind::Returned,
            Self::InDoubt => FactKind::InDoubt,
            Self::Recalled => FactKind::Recalled,
            Self::Other => FactKind::Other,
        }
    }
}

/// An entry as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'b> {
    pub(super) tag: Tag,
    /// Which purchase, link, survey or instruction it is about.
    pub(super) index: u16,
    /// See [`Tag`].
    pub(super) value: u8,
    day: u16,
    position: u64,
    /// What only its kind has.
    pub(super) more: &'b [u8],
}

/// What an instruction's entry has beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) attempt: u8,
    pub(crate) link: u8,
    pub(crate) partner: u8,
    pub(crate) run: u16,
    pub(crate) due: u16,
    pub(crate) expires_on: u16,
}

/// What an entry has beside tag, value, day and position.
#[derive(Clone, Copy, Debug)]
pub(crate) enum More {
    Nothing,
    Link([u8; 16]),
    Purchase([u8; 16], u32),
    Order(Order),
    Mark([u8; 2]),
}

impl Entry<'_> {
    pub(super) const fn fact(&self) -> Fact {
        Fact::of_parts(self.position, self.day)
    }

    pub(super) fn is(&self, kind: FactKind, index: u16) -> bool {
        self.tag.kind() == kind && self.index == index
    }

    /// Whether it is the instruction at a position.
    pub(super) fn is_instruction(&self, position: Position) -> bool {
        self.position == position.0 && self.tag.kind() == FactKind::Instructed
    }

    /// The identifier of a link or a purchase.
    pub(super) fn id(&self) -> Option<[u8; 16]> {
        self.more.first_chunk().copied()
    }

    /// What a purchase has beside.
    pub(super) fn purchase(&self) -> Option<([u8; 16], u32)> {
        let (id, mut rest) = self.more.split_first_chunk()?;
        Some((*id, u32::try_from(varint(&mut rest)?).ok()?))
    }

    /// What an instruction has beside.
    pub(super) fn order(&self) -> Option<Order> {
        let mut rest = self.more;
        let packed = varint(&mut rest)?;
        let run = varint(&mut rest)?;
        Some(Order {
            attempt: ((packed >> 11) as u8).wrapping_add(1),
            link: (packed >> 3 & 0xFF) as u8,
            partner: (packed & 7) as u8,
            run: u16::try_from(run).ok()?,
            due: later(self.day, varint(&mut rest)?),
            expires_on: later(self.day, varint(&mut rest)?),
        })
    }

    /// Whether a settlement's reference has that mark.
    pub(super) fn has_mark(&self, mark: [u8; 2]) -> bool {
        self.more == mark
    }
}

/// The entries from some point on.
#[derive(Clone)]
pub(super) struct Entries<'b> {
    rest: &'b [u8],
    position: u64,
    day: u16,
    /// How many links, purchases and instructions came before.
    counts: [u8; 3],
}

impl<'b> Entries<'b> {
    const fn of(bytes: &'b [u8]) -> Self {
        Self { rest: bytes, position: 0, day: 0, counts: [0; 3] }
    }
}

impl<'b> Iterator for Entries<'b> {
    type Item = Entry<'b>;

    // A few instructions for each entry, of which every caller needs others.
    #[inline(always)]
    fn next(&mut self) -> Option<Entry<'b>> {
        let (first, mut rest) = self.rest.split_first()?;
        let tag = Tag::of(first >> 3)?;
        let value = if first & 7 == LONG { byte(&mut rest)? } else { first & 7 };
        let (days, gap) = two_varints(&mut rest)?;
        self.day = later(self.day, days);
        self.position = self.position.wrapping_add(gap);
        let (counted, more) = match tag {
            Tag::Linked => (Some(0), 16),
            Tag::Bought => (Some(1), 16 + varints(rest.get(16..)?, 1)?),
            Tag::TrainingInstructed | Tag::SurveyInstructed => (Some(2), varints(rest, 4)?),
            Tag::Settled => (None, 2),
            _ => (None, 0),
        };
        let (more, others) = rest.split_at_checked(more)?;
        self.rest = others;
        let index = match counted.and_then(|counted: usize| self.counts.get_mut(counted)) {
            Some(count) => std::mem::replace(count, count.wrapping_add(1)),
            None => value,
        };
        Some(Entry { tag, index: index.into(), value, day: self.day, position: self.position, more })
    }
}

/// Bytes of the shortest entry: tag, day and position.
pub(super) const SHORTEST: usize = 3;
/// Bytes of a line of the processor's cache, mostly.
const LINE: usize = 64;
/// In the part of the first byte that holds the value: it follows in the next.
const LONG: u8 = 7;
/// A string grows to what the allocator gives in any case, 8 bytes of which are its own, in two of its steps at a time: half as
/// often as in one, for 8 to 12 bytes a participant.
const STEP: usize = 32;

/// The packed entries. The last byte of the allocation says how many of its bytes are not used, itself among them: so
/// neither length nor capacity is kept beside.
#[derive(Default)]
pub(super) struct Life(Box<[u8]>);

impl Life {
    /// A life as [`Life::bytes`] gives it.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut life = Self::default();
        life.append(bytes);
        life
    }

    /// A whole life, wherever it is kept.
    pub(super) fn bytes(&self) -> &[u8] {
        let spare = self.0.last().copied().unwrap_or_default();
        self.0.get(..self.0.len().saturating_sub(spare.into())).unwrap_or_default()
    }

    /// Begins to fetch all of it.
    pub(super) fn near(&self) {
        (0..self.0.len()).step_by(LINE).for_each(|at| prefetch_index(&self.0, at));
        prefetch_index(&self.0, self.0.len().wrapping_sub(1));
    }

    pub(super) fn entries(&self) -> Entries<'_> {
        Entries::of(self.bytes())
    }

    /// Takes back the last entry, `last`, which has so many bytes; gives the one before.
    pub(super) fn take_back(&mut self, len: u8, last: Fact) -> Fact {
        let used = self.bytes().len().saturating_sub(len.into());
        let mut rest = self.bytes().get(used + 1..).unwrap_or_default();
        let (days, gap) = (varint(&mut rest).unwrap_or_default(), varint(&mut rest).unwrap_or_default());
        self.set_used(used);
        Fact::of_parts(last.position().wrapping_sub(gap), sooner(last.day(), days))
    }

    fn set_used(&mut self, used: usize) {
        // Two steps at most.
        let spare = (self.0.len() - used) as u8;
        if let Some(last) = self.0.last_mut() {
            *last = spare;
        }
    }

    /// Adds an entry behind the one `before`; gives how many bytes it has.
    pub(super) fn push(&mut self, before: Fact, (tag, value): (Tag, u8), fact: Fact, more: More) -> u8 {
        let mut to = Packer::default();
        if value < LONG {
            to.put(&[(tag as u8) << 3 | value]);
        } else {
            to.put(&[(tag as u8) << 3 | LONG, value]);
        }
        to.put_varint(between(before.day(), fact.day()));
        to.put_varint(fact.position().wrapping_sub(before.position()));
        match more {
            More::Nothing => {}
            More::Link(id) => to.put(&id),
            More::Purchase(id, price) => {
                to.put(&id);
                to.put_varint(price.into());
            }
            More::Order(order) => {
                let attempt = u64::from(order.attempt.wrapping_sub(1));
                to.put_varint(attempt << 11 | u64::from(order.link) << 3 | u64::from(order.partner & 7));
                to.put_varint(order.run.into());
                to.put_varint(between(fact.day(), order.due));
                to.put_varint(between(fact.day(), order.expires_on));
            }
            More::Mark(mark) => to.put(&mark),
        }
        self.append(to.bytes.get(..to.len).unwrap_or_default());
        to.len as u8
    }

    fn append(&mut self, more: &[u8]) {
        let used = self.bytes().len();
        let needed = used + more.len();
        if needed >= self.0.len() {
            let mut bytes = std::mem::take(&mut self.0).into_vec();
            let full = (needed + 1 + 8).next_multiple_of(STEP) - 8;
            bytes.reserve_exact(full - bytes.len());
            bytes.resize(full, 0);
            self.0 = bytes.into_boxed_slice();
        }
        if let Some(to) = self.0.get_mut(used..needed) {
            to.copy_from_slice(more);
        }
        self.set_used(needed);
    }
}

/// Bytes of one entry in the making.
struct Packer {
    bytes: [u8; 48],
    len: usize,
}

impl Default for Packer {
    fn default() -> Self {
        Self { bytes: [0; 48], len: 0 }
    }
}

impl Packer {
    /// The longest entry, a purchase's, has 36 bytes.
    fn put(&mut self, bytes: &[u8]) {
        if let Some(to) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            to.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    fn put_varint(&mut self, value: u64) {
        put_varint(value, |byte| self.put(&[byte]));
    }
}

/// From one day to another, zigzag.
fn between(from: u16, to: u16) -> u64 {
    let days = i32::from(to) - i32::from(from);
    u64::from((days << 1 ^ days >> 31).cast_unsigned())
}

/// So many days, zigzag.
const fn days(zigzag: u64) -> u16 {
    let zigzag = zigzag as u32;
    (zigzag >> 1 ^ (zigzag & 1).wrapping_neg()) as u16
}

/// The day so many days, zigzag, after another.
const fn later(from: u16, zigzag: u64) -> u16 {
    from.wrapping_add(days(zigzag))
}

/// The day so many days, zigzag, before another.
const fn sooner(to: u16, zigzag: u64) -> u16 {
    to.wrapping_sub(days(zigzag))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn order() -> impl Strategy<Value = Order> {
        (any::<u8>(), any::<u8>(), 1..=5u8, any::<u16>(), any::<u16>(), any::<u16>()).prop_map(
            |(attempt, link, partner, run, due, expires_on)| Order { attempt, link, partner, run, due, expires_on },
        )
    }

    /// An entry's tag and what goes with it.
    fn kind() -> impl Strategy<Value = (Tag, More)> {
        prop_oneof![
            any::<[u8; 16]>().prop_map(|id| (Tag::Linked, More::Link(id))),
            (any::<[u8; 16]>(), any::<u32>()).prop_map(|(id, price)| (Tag::Bought, More::Purchase(id, price))),
            order().prop_map(|order| (Tag::TrainingInstructed, More::Order(order))),
            order().prop_map(|order| (Tag::SurveyInstructed, More::Order(order))),
            any::<[u8; 2]>().prop_map(|mark| (Tag::Settled, More::Mark(mark))),
            prop::sample::select(&Tag::ALL[..]).prop_filter_map("has more", |tag| {
                let has_more =
                    matches!(tag, Tag::Linked | Tag::Bought | Tag::Settled) || tag.kind() == FactKind::Instructed;
                (!has_more).then_some((tag, More::Nothing))
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_is_found(
            entries in vec((kind(), any::<u8>(), 1..1u64 << 37, any::<u16>()), 0..60),
        ) {
            let (mut life, mut before, mut position) = (Life::default(), Fact::of_parts(0, 0), 0);
            let mut plain = Vec::new();
            for ((tag, more), value, gap, day) in entries {
                position = (position + gap).min((1 << 40) - 1);
                let fact = Fact::of_parts(position, day);
                life.push(before, (tag, value), fact, more);
                before = fact;
                plain.push((tag, value, fact, more));
            }
            prop_assert_eq!(life.entries().count(), plain.len());
            let mut counts = std::collections::HashMap::new();
            for (entry, (tag, value, fact, more)) in life.entries().zip(plain) {
                prop_assert_eq!((entry.tag, entry.value, entry.fact()), (tag, value, fact));
                let count = counts.entry(tag.kind() as u8).or_insert(0u16);
                let counted = matches!(tag.kind(), FactKind::Linked | FactKind::Bought | FactKind::Instructed);
                prop_assert_eq!(entry.index, if counted { *count } else { value.into() });
                *count += 1;
                match more {
                    More::Nothing => prop_assert_eq!(entry.more.len(), 0),
                    More::Link(id) => prop_assert_eq!(entry.id(), Some(id)),
                    More::Purchase(id, price) => prop_assert_eq!(entry.purchase(), Some((id, price))),
                    More::Order(order) => prop_assert_eq!(entry.order(), Some(order)),
                    More::Mark(mark) => prop_assert!(entry.has_mark(mark) && !entry.has_mark([mark[0], !mark[1]])),
                }
            }
            prop_assert!(life.0.len() <= life.bytes().len() + STEP, "what is not used is less than a step");
        }

        #[test]
        fn any_bytes_are_entries_or_none(bytes in vec(any::<u8>(), 0..100)) {
            for entry in Entries::of(&bytes) {
                let _ = (entry.id(), entry.purchase(), entry.order());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_back_was_never_there(
            start in 0..1u64 << 39, kept in vec((1..1u64 << 30, any::<u16>()), 1..8), gap in 1..1u64 << 37, day in any::<u16>(),
        ) {
            let (mut life, mut before, mut position) = (Life::default(), Fact::of_parts(0, 0), start);
            for (gap, day) in kept {
                let fact = Fact::of_parts(position, day);
                life.push(before, (Tag::Survey, 1), fact, More::Nothing);
                (before, position) = (fact, position + gap);
            }
            let bytes = life.bytes().to_vec();
            let passing = Fact::of_parts(before.position() + gap, day);
            let len = life.push(before, (Tag::Other, 0), passing, More::Nothing);
            prop_assert_eq!(life.bytes().len(), bytes.len() + usize::from(len));
            prop_assert_eq!(life.take_back(len, passing), before);
            prop_assert_eq!(life.bytes(), bytes);
        }
    }

    #[test]
    fn every_tag_has_its_number() {
        for tag in Tag::ALL {
            assert_eq!(Tag::of(tag as u8), Some(tag));
        }
        assert_eq!((Tag::of(0), Tag::of(Tag::ALL.len() as u8 + 1)), (None, None));
    }
}
