//! From an identifier to a participant's place, in 8 bytes an entry: the identifier itself stands with the participant.

use hashbrown::HashTable;

const SHARDS: usize = 64;

#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    place: u32,
}

/// A multimap from a 64-bit hash to places. Sharded, so that growing never doubles the whole.
pub struct Index {
    shards: [HashTable<Entry>; SHARDS],
}

impl Default for Index {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| HashTable::new()) }
    }
}

/// Spreads the kept half of a hash over 64 bits again.
const fn spread(hash: u32) -> u64 {
    (hash as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

const fn low(hash: u64) -> u32 {
    (hash & 0xFFFF_FFFF) as u32
}

const fn shard(hash: u64) -> usize {
    (hash >> 58) as usize
}

impl Index {
    /// The place whose identifier hashes to `hash` and that `is_it` confirms.
    pub fn get(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let kept = low(hash);
        let found = self.shards[shard(hash)].find(spread(kept), |e| e.hash == kept && is_it(e.place));
        found.map(|entry| entry.place)
    }

    pub(crate) fn insert(&mut self, hash: u64, place: u32) {
        let entry = Entry { hash: low(hash), place };
        self.shards[shard(hash)].insert_unique(spread(entry.hash), entry, |e| spread(e.hash));
    }
}

/// How often each key was counted, up to 255, in 8 bytes a key: its hash's upper 56 bits and the count. Two keys with the
/// same 56 bits count as one, which among 17 million is two by chance once in 500 programmes; nothing rests on the keys
/// themselves.
pub struct Counts {
    shards: [HashTable<u64>; SHARDS],
}

impl Default for Counts {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| HashTable::new()) }
    }
}

const COUNT: u64 = 0xFF;

const fn key(entry: u64) -> u64 {
    (entry >> 8).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Counts {
    /// How often the key with that hash was counted.
    pub fn get(&self, hash: u64) -> u8 {
        let found = self.shards[shard(hash)].find(key(hash), |entry| entry & !COUNT == hash & !COUNT);
        found.map_or(0, |entry| (entry & COUNT) as u8)
    }

    pub(crate) fn add_one(&mut self, hash: u64) {
        let shard = &mut self.shards[shard(hash)];
        match shard.find_mut(key(hash), |entry| *entry & !COUNT == hash & !COUNT) {
            Some(entry) if *entry & COUNT < COUNT => *entry += 1,
            Some(_) => {}
            None => drop(shard.insert_unique(key(hash), hash & !COUNT | 1, |entry| key(*entry))),
        }
    }
}
