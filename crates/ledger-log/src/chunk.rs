//! A chunk: a run of consecutive records as one value of the store.
//!
//! Key: position of the first record, u64 big-endian, so that the store's order is the log's order.
//!
//! Value, in this order:
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | format version, 1 |
//! | 1 | codec: 0 = records as they are |
//! | varint | number of records in this chunk, at least 1 |
//! | varint | position of the chunk in its commit: records of the commit before this chunk |
//! | varint | number of records of the whole commit |
//! | varint each | length of each record |
//! | .. | the records' bytes |
//! | 4 | CRC-32C, little-endian, over the key's 8 bytes and everything above |
//!
//! Varints are LEB128, as in protocol buffers. Each chunk says which commit it belongs to, so that after a crash a
//! commit is whole or recognisably torn, and so that a later commit vouches for all earlier ones: it was only written
//! after they had become durable.

/// The longest chunk value, bytes. The store moves longer values into files that it never syncs.
pub const MAX_CHUNK_BYTES: usize = 14 * 1024;

const VERSION: u8 = 1;
const CODEC_PLAIN: u8 = 0;
/// Version, codec, three varints of at most ten bytes, CRC.
const FIXED_BYTES: usize = 2 + 3 * 10 + 4;

/// The store's key of the chunk whose first record is at `position`.
pub(crate) fn key(position: u64) -> [u8; 8] {
    position.to_be_bytes()
}

/// The position that a key names, or `None` when it has not eight bytes.
pub(crate) fn position_of_key(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

/// How many of the records, whose lengths are given, go into the next chunk, of `limit` bytes at most. At least one.
pub(crate) fn fill(lengths: impl Iterator<Item = usize>, limit: usize) -> usize {
    let mut room = limit - FIXED_BYTES;
    let mut count = 0;
    for length in lengths {
        let needed = length + varint_len(length as u64);
        if needed > room {
            break;
        }
        room -= needed;
        count += 1;
    }
    count.max(1)
}

/// Writes the chunk of these records into `out`, which is cleared first.
///
/// `first` is the position of the first record, `commit_first` that of the first record of the commit, `commit_count`
/// the number of records of the commit.
pub(crate) fn encode(out: &mut Vec<u8>, first: u64, commit_first: u64, commit_count: u64, records: &[&[u8]]) {
    out.clear();
    out.push(VERSION);
    out.push(CODEC_PLAIN);
    put_varint(out, records.len() as u64);
    put_varint(out, first - commit_first);
    put_varint(out, commit_count);
    for record in records {
        put_varint(out, record.len() as u64);
    }
    for record in records {
        out.extend_from_slice(record);
    }
    let crc = checksum(first, out);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Why bytes are not the chunk of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkFault {
    #[error("a chunk cut short")]
    Short,
    #[error("a chunk whose checksum does not match")]
    Checksum,
    #[error("a chunk of unknown format version {0}")]
    Version(u8),
    #[error("a chunk of unknown codec {0}")]
    Codec(u8),
    #[error("a chunk whose counts or lengths do not add up")]
    Lengths,
}

/// A checked chunk: where its parts are. It borrows nothing, so it can lie beside the value it describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Position of the first record.
    pub(crate) first: u64,
    /// Number of records.
    pub(crate) count: u64,
    /// Position of the first record of its commit.
    pub(crate) commit_first: u64,
    /// Position after the last record of its commit.
    pub(crate) commit_end: u64,
    lengths_at: usize,
    records_at: usize,
}

impl Chunk {
    /// Checks a value against its key's position.
    pub(crate) fn parse(first: u64, value: &[u8]) -> Result<Chunk, ChunkFault> {
        let (body, crc) = value.split_last_chunk::<4>().ok_or(ChunkFault::Short)?;
        if checksum(first, body) != u32::from_le_bytes(*crc) {
            return Err(ChunkFault::Checksum);
        }
        let (&[version, codec], _) = body.split_first_chunk::<2>().ok_or(ChunkFault::Short)?;
        if version != VERSION {
            return Err(ChunkFault::Version(version));
        }
        if codec != CODEC_PLAIN {
            return Err(ChunkFault::Codec(codec));
        }
        let mut at = 2;
        let count = get_varint(body, &mut at).ok_or(ChunkFault::Short)?;
        let before = get_varint(body, &mut at).ok_or(ChunkFault::Short)?;
        let commit_count = get_varint(body, &mut at).ok_or(ChunkFault::Short)?;
        let commit_first = first.checked_sub(before).ok_or(ChunkFault::Lengths)?;
        let commit_end = commit_first.checked_add(commit_count).ok_or(ChunkFault::Lengths)?;
        let end = first.checked_add(count).ok_or(ChunkFault::Lengths)?;
        if count == 0 || end > commit_end {
            return Err(ChunkFault::Lengths);
        }
        let lengths_at = at;
        let mut total = 0u64;
        for _ in 0..count {
            let length = get_varint(body, &mut at).ok_or(ChunkFault::Short)?;
            total = total.checked_add(length).ok_or(ChunkFault::Lengths)?;
        }
        if total != (body.len() - at) as u64 {
            return Err(ChunkFault::Lengths);
        }
        Ok(Chunk { first, count, commit_first, commit_end, lengths_at, records_at: at })
    }

    /// Position after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.count
    }

    /// A walk over the records; give it the value that was parsed.
    pub(crate) fn walk(&self) -> Walk {
        Walk { next: self.first, end: self.end(), lengths_at: self.lengths_at, records_at: self.records_at }
    }

    /// The records with their positions; `value` is the value that was parsed.
    pub(crate) fn records<'a>(&self, value: &'a [u8]) -> impl Iterator<Item = (u64, &'a [u8])> {
        let mut walk = self.walk();
        std::iter::from_fn(move || walk.step(value).map(|(position, range)| (position, &value[range])))
    }
}

/// A walk over the records of one chunk, apart from the bytes so that both can be owned by one iterator.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    next: u64,
    end: u64,
    lengths_at: usize,
    records_at: usize,
}

impl Walk {
    /// The position of the record that comes next.
    pub(crate) fn position(&self) -> u64 {
        self.next
    }

    /// The next record's position and its range in `value`.
    pub(crate) fn step(&mut self, value: &[u8]) -> Option<(u64, std::ops::Range<usize>)> {
        if self.next == self.end {
            return None;
        }
        // Parsing read the same lengths, so this ends here only when another value is given.
        let length = usize::try_from(get_varint(value, &mut self.lengths_at)?).ok()?;
        let range = self.records_at..self.records_at.checked_add(length).filter(|&end| end <= value.len())?;
        let position = self.next;
        self.records_at = range.end;
        self.next += 1;
        Some((position, range))
    }
}

fn checksum(first: u64, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&key(first)), body)
}

fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn get_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    // Most lengths fill two bytes.
    if let Some(&[low, high]) = bytes.get(*at..).and_then(|rest| rest.first_chunk())
        && low >= 0x80
        && high < 0x80
    {
        *at += 2;
        return Some(u64::from(low & 0x7f) | u64::from(high) << 7);
    }
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if shift == 63 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::MAX_RECORD_BYTES;
    use proptest::prelude::*;

    fn encoded(first: u64, commit_first: u64, commit_count: u64, records: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, first, commit_first, commit_count, records);
        out
    }

    fn with_crc(first: u64, mut body: Vec<u8>) -> Vec<u8> {
        let crc = checksum(first, &body);
        body.extend_from_slice(&crc.to_le_bytes());
        body
    }

    #[test]
    fn layout_is_the_documented_one() {
        let value = encoded(0x0102, 0x0100, 5, &[b"ab", b"c"]);
        assert_eq!(value[..10], [1, 0, 2, 2, 5, 2, 1, b'a', b'b', b'c']);
        assert_eq!(value.len(), 14);
        let mut covered = key(0x0102).to_vec();
        covered.extend_from_slice(&value[..10]);
        assert_eq!(value[10..], crc32c::crc32c(&covered).to_le_bytes());
    }

    #[test]
    fn faults_are_told_apart() {
        let good = encoded(7, 7, 2, &[b"ab", b"c"]);
        let table: [(&str, u64, Vec<u8>, ChunkFault); 11] = [
            ("empty", 7, vec![], ChunkFault::Short),
            ("cut", 7, good[..good.len() - 1].to_vec(), ChunkFault::Checksum),
            ("another key", 8, good.clone(), ChunkFault::Checksum),
            ("no header", 7, with_crc(7, vec![]), ChunkFault::Short),
            ("version", 7, with_crc(7, vec![2, 0, 1, 0, 1, 0]), ChunkFault::Version(2)),
            ("codec", 7, with_crc(7, vec![1, 9, 1, 0, 1, 0]), ChunkFault::Codec(9)),
            ("no records", 7, with_crc(7, vec![1, 0, 0, 0, 0]), ChunkFault::Lengths),
            ("more records than lengths", 7, with_crc(7, vec![1, 0, 3, 0, 3, 0]), ChunkFault::Short),
            ("bytes left over", 7, with_crc(7, vec![1, 0, 1, 0, 1, 0, 9]), ChunkFault::Lengths),
            ("past its commit", 7, with_crc(7, vec![1, 0, 2, 1, 2, 0, 0]), ChunkFault::Lengths),
            ("commit before the log", 7, with_crc(7, vec![1, 0, 1, 8, 9, 0]), ChunkFault::Lengths),
        ];
        assert!(Chunk::parse(7, &good).is_ok());
        for (name, first, value, fault) in table {
            assert_eq!(Chunk::parse(first, &value), Err(fault), "{name}");
        }
    }

    #[test]
    fn the_longest_record_fits() {
        let record = [0u8; MAX_RECORD_BYTES];
        assert_eq!(fill([record.len()].into_iter(), MAX_CHUNK_BYTES / 2), 1);
        assert!(encoded(u64::MAX - 1, 0, u64::MAX, &[&record]).len() <= MAX_CHUNK_BYTES / 2);
    }

    #[test]
    fn varints_of_every_length_round_trip() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, u64::MAX >> shift] {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                assert_eq!(out.len(), varint_len(value));
                let mut at = 0;
                assert_eq!((get_varint(&out, &mut at), at), (Some(value), out.len()));
            }
        }
        assert_eq!(get_varint(&[0xff; 10], &mut 0), None, "over 64 bits");
    }

    proptest! {
        #[test]
        fn records_round_trip_within_the_limit(
            first in 0u64..1 << 60,
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 1..40),
        ) {
            let mut rest: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            let mut position = first;
            let mut seen = Vec::new();
            while !rest.is_empty() {
                let count = fill(rest.iter().map(|record| record.len()), MAX_CHUNK_BYTES);
                let value = encoded(position, first, records.len() as u64, &rest[..count]);
                prop_assert!(value.len() <= MAX_CHUNK_BYTES);
                let chunk = Chunk::parse(position, &value).expect("what was encoded");
                prop_assert_eq!((chunk.commit_first, chunk.commit_end), (first, first + records.len() as u64));
                seen.extend(chunk.records(&value).map(|(at, record)| (at, record.to_vec())));
                position = chunk.end();
                rest.drain(..count);
            }
            let expected: Vec<_> = (first..).zip(records).collect();
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn every_flipped_bit_is_found(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..6),
            at in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let refs: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            let mut value = encoded(5, 5, refs.len() as u64, &refs);
            let at = at.index(value.len());
            value[at] ^= 1 << bit;
            prop_assert_eq!(Chunk::parse(5, &value), Err(ChunkFault::Checksum));
        }

        #[test]
        fn no_bytes_make_it_panic(mut body in prop::collection::vec(any::<u8>(), 0..60), plain in any::<bool>()) {
            if plain && body.len() > 2 {
                body[..2].copy_from_slice(&[VERSION, CODEC_PLAIN]);
            }
            let value = with_crc(3, body);
            if let Ok(chunk) = Chunk::parse(3, &value) {
                prop_assert_eq!(chunk.records(&value).count() as u64, chunk.count);
            }
        }
    }
}
