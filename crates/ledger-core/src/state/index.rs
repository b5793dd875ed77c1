//! From an identifier to a participant's place, in 8 bytes an entry: the identifier itself stands with the participant.

use prefetch_index::prefetch_index;
use thin_vec::ThinVec;

use super::Segmented;

/// Entries by the upper half of their 64 bits, which is a hash. Linear hashing: buckets are short lists, and whenever
/// they hold [`FULL`] each on average, one more of them is split, so that growing never stops anybody for long and never
/// doubles anything. The lowest bits of the hash choose the bucket, in which entries are sorted: where an entry stands
/// is guessed from the highest, and missed by a few places.
#[derive(Default)]
struct Buckets {
    buckets: Segmented<ThinVec<u64>>,
    len: u64,
}

/// Entries a bucket, on average at most.
const FULL: u64 = 40;
/// A bucket grows by so many: with its header, and the allocator's own 8 bytes, to what the allocator gives in any case.
const STEP: usize = 4;
/// The header of a bucket, which stands before its entries, is as long as so many of them.
const HEADER: usize = 2;

impl Buckets {
    /// The bucket of an entry, where there are so many.
    pub(super) const fn bucket(buckets: u32, entry: u64) -> u32 {
        let hash = (entry >> 32) as u32;
        let buckets = if buckets == 0 { 1 } else { buckets };
        // One bit more than the number needs: buckets behind its end have not been split off yet.
        let low = hash & (u32::MAX >> buckets.leading_zeros());
        if low < buckets { low } else { low & (u32::MAX >> 1 >> buckets.leading_zeros()) }
    }

    /// Holds these entries, as if they had been put in one after another; each bucket is allocated once.
    fn with(entries: &[u64]) -> Self {
        let count = u32::try_from((entries.len() as u64).div_ceil(FULL)).unwrap_or(u32::MAX);
        // A counting sort: where each bucket ends, filled from its end.
        let mut ends = vec![0usize; count as usize];
        for entry in entries {
            ends[Self::bucket(count, *entry) as usize] += 1;
        }
        let mut end = 0;
        for bucket in &mut ends {
            end += *bucket;
            *bucket = end;
        }
        let mut sorted = vec![0; entries.len()];
        for entry in entries {
            let at = &mut ends[Self::bucket(count, *entry) as usize];
            *at -= 1;
            sorted[*at] = *entry;
        }
        // Now each stands where its bucket begins.
        let mut buckets = Segmented::default();
        let nexts = ends.iter().skip(1).copied().chain([sorted.len()]);
        for (begin, next) in ends.iter().zip(nexts) {
            let its = &sorted[*begin..next];
            let mut bucket = with_room(its.len());
            bucket.extend_from_slice(its);
            bucket.sort_unstable();
            buckets.push(bucket);
        }
        Self { buckets, len: entries.len() as u64 }
    }

    fn of(&self, entry: u64) -> &[u64] {
        self.buckets.get(Self::bucket(self.buckets.len(), entry)).map_or(&[], |bucket| bucket)
    }

    fn of_mut(&mut self, entry: u64) -> &mut [u64] {
        let at = Self::bucket(self.buckets.len(), entry);
        self.buckets.get_mut(at).map_or(&mut [], |bucket| bucket)
    }

    fn insert(&mut self, entry: u64) {
        if self.is_full() {
            self.split();
        }
        self.len += 1;
        let at = Self::bucket(self.buckets.len(), entry);
        if let Some(bucket) = self.buckets.get_mut(at) {
            add(bucket, entry);
        }
    }

    /// Begins to fetch the length of the bucket of an entry with that hash.
    fn near_list(&self, hash: u64) {
        prefetch_index(self.of(hash), 0usize.wrapping_sub(HEADER));
    }

    /// Begins to fetch what stands around where it would be.
    fn near_entries(&self, hash: u64) {
        let bucket = self.of(hash);
        let guess = guess(bucket, hash);
        prefetch_index(bucket, guess.saturating_sub(NEAR));
        prefetch_index(bucket, guess + NEAR);
    }

    /// Whether the next entry brings a split.
    fn is_full(&self) -> bool {
        self.len >= u64::from(self.buckets.len()) * FULL
    }

    /// Splits the next bucket: half of its entries go to a new one at the end.
    fn split(&mut self) {
        let new = self.buckets.len();
        if self.buckets.push(ThinVec::new()).is_none() || new == 0 {
            return;
        }
        let source = new & (u32::MAX >> 1 >> new.leading_zeros());
        let Some(bucket) = self.buckets.get_mut(source) else { return };
        let goes = |entry: &&u64| Self::bucket(new + 1, **entry) == new;
        let going = bucket.iter().filter(goes).count();
        let (mut stay, mut go) = (with_room(bucket.len() - going), with_room(going));
        for entry in &std::mem::take(bucket) {
            if goes(&entry) { &mut go } else { &mut stay }.push(*entry);
        }
        *bucket = stay;
        if let Some(bucket) = self.buckets.get_mut(new) {
            *bucket = go;
        }
    }
}

/// An empty bucket that takes so many entries without growing.
fn with_room(entries: usize) -> ThinVec<u64> {
    let mut bucket = ThinVec::new();
    // As many as if each had been added by itself.
    bucket.reserve_exact((entries + STEP - 1).next_multiple_of(STEP) - (STEP - 1));
    bucket
}

fn add(bucket: &mut ThinVec<u64>, entry: u64) {
    if bucket.len() == bucket.capacity() {
        bucket.reserve_exact(STEP - (bucket.len() + STEP - 1) % STEP);
    }
    let at = first(bucket, entry, 0);
    bucket.insert(at, entry);
}

/// How far a guess is off, mostly at most: half an eight-entry line of the processor's cache.
const NEAR: usize = 4;

/// Where an entry with that hash stands, about.
fn guess(bucket: &[u64], hash: u64) -> usize {
    (((hash >> 32) * bucket.len() as u64) >> 32) as usize
}

/// The first entry that is not before `entry`, where both lose their lowest `shift` bits.
#[inline]
fn first(bucket: &[u64], entry: u64, shift: u32) -> usize {
    // Mostly it is among these, of which all are counted: none is a branch.
    let from = guess(bucket, entry).saturating_sub(2 * NEAR).min(bucket.len().saturating_sub(4 * NEAR));
    if let Some(near) = bucket.get(from..from + 4 * NEAR) {
        let before = near.iter().filter(|other| **other >> shift < entry >> shift).count();
        if before > 0 && before < near.len() {
            return from + before;
        }
    }
    let before = |at: usize| bucket.get(at).is_some_and(|other| other >> shift < entry >> shift);
    let mut at = guess(bucket, entry);
    while before(at) {
        at += 1;
    }
    while at > 0 && !before(at - 1) {
        at -= 1;
    }
    at
}

/// A multimap from a hash to places.
#[derive(Default)]
pub struct Index(Buckets);

const PLACE: u64 = 0xFFFF_FFFF;
const PLACE_BITS: u32 = PLACE.count_ones();

impl Index {
    /// Begins to fetch the length of the list in which [`Self::get`] would look.
    pub(super) fn near_list(&self, hash: u64) {
        self.0.near_list(hash);
    }

    /// Begins to fetch what of it [`Self::get`] would look at.
    pub(super) fn near_entries(&self, hash: u64) {
        self.0.near_entries(hash);
    }

    /// The index of these entries, see [`Index::entry`].
    pub(super) fn with(entries: &[u64]) -> Self {
        Self(Buckets::with(entries))
    }

    /// What stands for a place in the index.
    pub(super) fn entry(hash: u64, place: u32) -> u64 {
        hash & !PLACE | u64::from(place)
    }

    /// The place whose identifier hashes to `hash` and that `is_it` confirms.
    pub fn get(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let bucket = self.0.of(hash);
        let from = bucket.get(first(bucket, hash, PLACE_BITS)..).unwrap_or_default();
        let alike = from.iter().take_while(|entry| (**entry ^ hash) & !PLACE == 0);
        alike.map(|entry| (entry & PLACE) as u32).find(|place| is_it(*place))
    }

    pub(crate) fn insert(&mut self, hash: u64, place: u32) {
        self.0.insert(Self::entry(hash, place));
    }
}

/// How often each key was counted, up to 255, in 8 bytes a key: its hash's upper 56 bits and the count. Two keys with the
/// same 56 bits count as one, which among 17 million is two by chance once in 500 programmes; nothing rests on the keys
/// themselves.
#[derive(Default)]
pub struct Counts(Buckets);

const COUNT: u64 = 0xFF;
const COUNT_BITS: u32 = COUNT.count_ones();

impl Counts {
    /// The counts of these entries, as [`Counts::bucket`] gives them.
    pub(super) fn with(entries: &[u64]) -> Self {
        Self(Buckets::with(entries))
    }

    pub(super) const fn buckets(&self) -> u32 {
        self.0.buckets.len()
    }

    /// The entries of one bucket.
    pub(super) fn bucket(&self, bucket: u32) -> &[u64] {
        self.0.buckets.get(bucket).map_or(&[], |bucket| bucket)
    }

    /// The buckets from which the next [`Counts::add_one`] of that hash changes or takes anything.
    pub(super) fn touched(&self, hash: u64) -> [u32; 2] {
        let buckets = self.0.buckets.len();
        let own = Buckets::bucket(buckets, hash);
        // The bucket that would be split, whether it comes to that or not.
        let split = if buckets == 0 { 0 } else { buckets & (u32::MAX >> 1 >> buckets.leading_zeros()) };
        [own, if self.0.is_full() { split } else { own }]
    }

    /// How often the key with that hash was counted.
    pub fn get(&self, hash: u64) -> u8 {
        let bucket = self.0.of(hash);
        let found = bucket.get(first(bucket, hash, COUNT_BITS)).filter(|entry| (**entry ^ hash) & !COUNT == 0);
        found.map_or(0, |entry| (entry & COUNT) as u8)
    }

    pub(crate) fn add_one(&mut self, hash: u64) {
        let bucket = self.0.of_mut(hash);
        let at = first(bucket, hash, COUNT_BITS);
        match bucket.get_mut(at).filter(|entry| (**entry ^ hash) & !COUNT == 0) {
            Some(entry) if *entry & COUNT < COUNT => *entry += 1,
            Some(_) => {}
            None => self.0.insert(hash & !COUNT | 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Hashes of which many are alike, in the bits that choose a bucket and in all that is kept.
    fn hash() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), (0..64u64).prop_map(|hash| hash << 32), (0..9u64).prop_map(|hash| hash << 61 | 7)]
    }

    proptest! {
        #[test]
        fn what_is_put_in_is_found(hashes in prop::collection::vec(hash(), 0..2_000), other in hash()) {
            let mut index = Index::default();
            for (hash, place) in hashes.iter().zip(0u32..) {
                index.insert(*hash, place);
            }
            for (hash, place) in hashes.iter().zip(0u32..) {
                prop_assert_eq!(index.get(*hash, |found| found == place), Some(place));
            }
            let entries: Vec<_> = hashes.iter().zip(0u32..).map(|(hash, place)| Index::entry(*hash, place)).collect();
            let at_once = Index::with(&entries);
            prop_assert_eq!(at_once.0.buckets.len(), index.0.buckets.len());
            for (mine, theirs) in at_once.0.buckets.iter().zip(index.0.buckets.iter()) {
                let (mut mine, mut theirs) = (mine.to_vec(), theirs.to_vec());
                mine.sort_unstable();
                theirs.sort_unstable();
                prop_assert_eq!(mine, theirs);
            }
            let alike = hashes.iter().any(|hash| hash >> 32 == other >> 32);
            prop_assert_eq!(index.get(other, |_| true).is_some(), alike);
        }

        #[test]
        fn what_is_counted_is_known(hashes in prop::collection::vec(hash(), 0..2_000)) {
            let (mut counts, mut plain) = (Counts::default(), HashMap::new());
            for hash in hashes {
                counts.add_one(hash);
                let count = plain.entry(hash >> 8).or_insert(0u32);
                *count += 1;
                prop_assert_eq!(u32::from(counts.get(hash)), (*count).min(255));
            }
            for (hash, count) in plain {
                prop_assert_eq!(u32::from(counts.get(hash << 8)), count.min(255));
            }
        }
    }

    #[test]
    fn buckets_stay_short() {
        let mut index = Index::default();
        for place in 0..100_000u32 {
            index.insert(crate::state::hash_of(&place), place);
        }
        let buckets = &index.0.buckets;
        let longest = buckets.iter().map(|bucket| bucket.len()).max().unwrap_or_default();
        assert!(longest < 128, "{longest} entries in one of {} buckets", buckets.len());
        assert_eq!(buckets.iter().map(|bucket| bucket.len()).sum::<usize>(), 100_000);
    }
}
