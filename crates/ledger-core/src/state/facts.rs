//! A participant's facts, packed: most of what the state keeps of a life.
//!
//! One string of bytes, an entry a fact in order of recording. Days and positions stand as differences to the entry before,
//! so an entry is about 14 bytes long: 1 for kind and index, 1 for the day, 3 or 4 for the position, 8 for the content. A
//! settlement has 4 more for the partner's transaction reference. Entries are never changed and never taken away.

use thin_vec::ThinVec;

use super::participant::{Fact, FactKind};

/// Facts by kind and index.
#[derive(Default)]
pub(crate) struct Facts(ThinVec<u8>);

/// In the half of the first byte that holds the index: it follows in two bytes.
const LONG_INDEX: u8 = 15;

/// A fact as it is packed.
#[derive(Clone, Copy)]
struct Entry {
    kind: u8,
    index: u16,
    position: u64,
    day: u16,
    content: u64,
    /// Of a settlement.
    reference: u32,
}

impl Entry {
    const fn fact(&self) -> Fact {
        Fact::of_parts(self.position, self.content, self.day)
    }
}

impl Facts {
    /// The first fact of that kind and index.
    pub(crate) fn get(&self, kind: FactKind, index: u16) -> Option<Fact> {
        self.iter().find(|entry| entry.kind == kind as u8 && entry.index == index).map(|entry| entry.fact())
    }

    /// The settlement of an instruction under one transaction reference.
    pub(crate) fn settlement(&self, index: u16, reference: u64) -> Option<Fact> {
        let is_it = |entry: &Entry| {
            entry.kind == FactKind::Settled as u8 && entry.index == index && entry.reference == half(reference)
        };
        self.iter().find(is_it).map(|entry| entry.fact())
    }

    /// Adds a fact; `reference` counts for settlements.
    pub(crate) fn push(&mut self, kind: FactKind, index: u16, fact: Fact, reference: u64) {
        let (position, day) = self.iter().last().map_or((0, 0), |last| (last.position, last.day));
        let mut bytes = [0; 32];
        let mut to = Packer { bytes: &mut bytes, len: 0 };
        match u8::try_from(index) {
            Ok(short) if short < LONG_INDEX => to.put(&[(kind as u8) << 4 | short]),
            _ => {
                to.put(&[(kind as u8) << 4 | LONG_INDEX]);
                to.put(&index.to_le_bytes());
            }
        }
        // Later facts may have happened earlier.
        let days = i32::from(fact.day()) - i32::from(day);
        to.put_varint(u64::from((days << 1 ^ days >> 31).cast_unsigned()));
        to.put_varint(fact.position().wrapping_sub(position));
        to.put(&fact.content().to_le_bytes());
        if kind == FactKind::Settled {
            to.put(&half(reference).to_le_bytes());
        }
        let len = to.len;
        self.reserve(len);
        self.0.extend_from_slice(bytes.get(..len).unwrap_or_default());
    }

    /// Grows to what the allocator gives in any case: steps of 16 bytes, 8 of a step its own, 16 the list's header.
    fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            self.0.reserve_exact((needed + 8).next_multiple_of(16) - 8 - self.0.len());
        }
    }

    fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut rest = &self.0[..];
        let (mut position, mut day) = (0u64, 0i32);
        std::iter::from_fn(move || {
            let first = take::<1>(&mut rest)?[0];
            let (kind, short) = (first >> 4, first & 15);
            let index = if short == LONG_INDEX { u16::from_le_bytes(take(&mut rest)?) } else { u16::from(short) };
            let days = u32::try_from(varint(&mut rest)?).ok()?;
            day += (days >> 1).cast_signed() ^ -(days & 1).cast_signed();
            position = position.wrapping_add(varint(&mut rest)?);
            let content = u64::from_le_bytes(take(&mut rest)?);
            let reference = if kind == FactKind::Settled as u8 { u32::from_le_bytes(take(&mut rest)?) } else { 0 };
            Some(Entry { kind, index, position, day: u16::try_from(day).ok()?, content, reference })
        })
    }
}

/// Half of a reference's hash: an instruction is settled once, hardly ever twice, and the content decides what a second
/// report is.
const fn half(reference: u64) -> u32 {
    (reference >> 32) as u32
}

struct Packer<'b> {
    bytes: &'b mut [u8; 32],
    len: usize,
}

impl Packer<'_> {
    /// The longest entry has 29 bytes.
    fn put(&mut self, bytes: &[u8]) {
        if let Some(to) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            to.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put(&[(value & 0x7F) as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[(value & 0x7F) as u8]);
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take::<1>(rest)?[0];
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Date;

    const KINDS: [FactKind; 4] = [FactKind::Selected, FactKind::Settled, FactKind::Survey, FactKind::Recalled];

    proptest! {
        #[test]
        fn what_is_packed_is_found(
            facts in prop::collection::vec((0..4usize, 0..300u16, 1..1u64 << 36, any::<u64>(), 0..=u16::MAX, any::<u64>()), 0..40),
        ) {
            let mut packed = Facts::default();
            let (mut plain, mut position) = (Vec::new(), 0);
            for (kind, index, gap, content, day, reference) in facts {
                position = (position + gap) & ((1 << 40) - 1);
                let (kind, fact) = (KINDS[kind], Fact::new(position, content, Date::from_days(day.into())));
                packed.push(kind, index, fact, reference);
                plain.push((kind, index, fact, reference));
            }
            for (kind, index, _, reference) in &plain {
                let first = plain.iter().find(|(k, i, ..)| (k, i) == (kind, index)).map(|found| found.2);
                prop_assert_eq!(packed.get(*kind, *index), first);
                if *kind == FactKind::Settled {
                    let of_reference = |(k, i, _, r): &&(FactKind, u16, Fact, u64)| {
                        (k, i, half(*r)) == (kind, index, half(*reference))
                    };
                    prop_assert_eq!(packed.settlement(*index, *reference), plain.iter().find(of_reference).map(|f| f.2));
                }
            }
            prop_assert_eq!(packed.get(FactKind::Bought, 0), None);
        }
    }
}
