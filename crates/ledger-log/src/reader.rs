//! Reading durable records, from any number of threads, while the writer goes on.

use std::ops::{ControlFlow, Deref, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use sled::IVec;

use crate::chunk::{Chunk, Walk};
use crate::error::{Damage, ReadError};
use crate::head::Head;
use crate::merkle::Hash;
use crate::subtrees::{BLOCK_LEVEL, SubtreesReader};
use crate::volume::{Volume, VolumeError};

/// Chunks fetched in one go: enough to make a scan fast, few enough that history reads stay small.
const FETCH: usize = 64;

/// What the writer and its readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Taken out when the log is closed.
    volume: RwLock<Option<Volume>>,
    head: RwLock<Head>,
    subtrees: SubtreesReader,
    /// Records that were read for proofs.
    read_for_proofs: AtomicU64,
}

impl Shared {
    pub(crate) fn new(volume: Volume, head: Head, subtrees: SubtreesReader) -> Arc<Shared> {
        let read_for_proofs = AtomicU64::new(0);
        Arc::new(Shared { volume: RwLock::new(Some(volume)), head: RwLock::new(head), subtrees, read_for_proofs })
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets readers see the log up to here. Only for what is durable.
    pub(crate) fn publish(&self, head: Head) {
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
    }

    pub(crate) fn with_volume<T>(&self, work: impl FnOnce(&Volume) -> T) -> Option<T> {
        self.volume.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(work)
    }

    pub(crate) fn take_volume(&self) -> Option<Volume> {
        self.volume.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Reads durable records. Clones share the log; they end with [`ReadError::Closed`] when the writer closes it.
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Reader { shared }
    }

    /// Size and root of the durable log.
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// The record at a position below [`Reader::head`]'s size.
    pub fn get(&self, position: u64) -> Result<Record, ReadError> {
        let size = self.head().size;
        if position >= size {
            return Err(ReadError::PastEnd { position, size });
        }
        let (chunk, value) = self.chunk_of(position)?;
        let mut walk = chunk.walk();
        while let Some((at, range)) = walk.step(&value) {
            if at == position {
                return Ok(Record { position, chunk: value, range });
            }
        }
        Err(missing(position))
    }

    /// The durable records from `from` on, before `to`; `to` past the end means the end at the time of the call.
    ///
    /// The records come a few chunks at a time, so a long walk holds neither memory nor locks.
    pub fn read(&self, from: u64, to: u64) -> Records {
        let to = to.min(self.head().size);
        Records { reader: self.clone(), next: from, to, fetched: Vec::new().into_iter(), current: None }
    }

    /// Shows the durable records from `from` on, before `to`, to `visit` until it breaks; the fastest way to read many.
    ///
    /// Returns the position after the last record shown.
    pub fn visit(
        &self,
        from: u64,
        to: u64,
        mut visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<u64, ReadError> {
        let to = to.min(self.head().size);
        let mut next = from;
        while next < to {
            for (chunk, value) in self.fetch(next, to)? {
                for (position, record) in chunk.records(&value) {
                    if position < next {
                        continue;
                    }
                    if position >= to {
                        return Ok(next);
                    }
                    next = position + 1;
                    if visit(position, record).is_break() {
                        return Ok(next);
                    }
                }
            }
        }
        Ok(next)
    }

    /// Stored root of the subtree over the `2^level` records from `index * 2^level` on, all of which must be durable;
    /// `level` is [`BLOCK_LEVEL`] or more. Smaller subtrees are hashed from their records.
    pub fn subtree_root(&self, level: u32, index: u64) -> Result<Hash, ReadError> {
        let size = self.head().size;
        let end = index.checked_add(1).and_then(|after| after.checked_mul(1u64.checked_shl(level)?));
        if level < BLOCK_LEVEL || end.is_none_or(|end| end > size) {
            return Err(ReadError::PastEnd { position: end.unwrap_or(u64::MAX), size });
        }
        Ok(self.shared.subtrees.node(level, index)?)
    }

    /// How many records were read for proofs and roots since the log was opened: a proof reads at most two blocks of 256.
    pub fn read_for_proofs(&self) -> u64 {
        self.shared.read_for_proofs.load(Ordering::Relaxed)
    }

    pub(crate) fn count_for_proofs(&self, records: u64) {
        self.shared.read_for_proofs.fetch_add(records, Ordering::Relaxed);
    }

    fn chunk_of(&self, position: u64) -> Result<(Chunk, IVec), ReadError> {
        let stored = self.volume(position, |volume| volume.chunk_at_or_before(position))?;
        let (first, value) = stored.ok_or_else(|| missing(position))?;
        let chunk = checked(first, &value)?;
        if chunk.end() <= position {
            return Err(missing(position));
        }
        Ok((chunk, value))
    }

    /// Some consecutive chunks, the first of which holds the record at `position`, none of which begins at `to` or later: a
    /// proof that needs one block of records fetches no more.
    fn fetch(&self, position: u64, to: u64) -> Result<Vec<(Chunk, IVec)>, ReadError> {
        let (chunk, value) = self.chunk_of(position)?;
        let mut next = chunk.end();
        let mut chunks = vec![(chunk, value)];
        for (first, value) in self.volume(next, |volume| volume.chunks_between(next, to, FETCH))? {
            // The writer may be adding; what is not durable yet is never shown, so its gaps are no matter.
            if first != next {
                break;
            }
            let Ok(chunk) = checked(first, &value) else { break };
            next = chunk.end();
            chunks.push((chunk, value));
        }
        Ok(chunks)
    }

    fn volume<T>(&self, position: u64, work: impl FnOnce(&Volume) -> Result<T, VolumeError>) -> Result<T, ReadError> {
        let result = self.shared.with_volume(work).ok_or(ReadError::Closed)?;
        result
            .map_err(|error| ReadError::Damaged(Damage::new(position, "live", "a readable volume", error.to_string())))
    }
}

fn checked(first: u64, value: &[u8]) -> Result<Chunk, ReadError> {
    Chunk::parse(first, value)
        .map_err(|fault| ReadError::Damaged(Damage::new(first, "live", "a whole chunk", fault.to_string())))
}

fn missing(position: u64) -> ReadError {
    let expected = format!("a chunk with position {position}");
    ReadError::Damaged(Damage::new(position, "live", expected, "none"))
}

/// One stored record. It dereferences to its bytes and keeps the chunk it lies in alive.
#[derive(Clone)]
pub struct Record {
    position: u64,
    chunk: IVec,
    range: Range<usize>,
}

impl Record {
    /// The record's position in the log.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The record's bytes, as first written.
    pub fn bytes(&self) -> &[u8] {
        &self.chunk[self.range.clone()]
    }
}

impl Deref for Record {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the bytes: what a record says about a person does not belong in a request log.
        f.debug_struct("Record").field("position", &self.position).field("len", &self.range.len()).finish()
    }
}

/// Durable records in order; ends after the first error.
#[derive(Debug)]
pub struct Records {
    reader: Reader,
    next: u64,
    to: u64,
    fetched: std::vec::IntoIter<(Chunk, IVec)>,
    current: Option<(Walk, IVec)>,
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.to {
            if let Some((walk, value)) = &mut self.current {
                while let Some((position, range)) = walk.step(value) {
                    if position >= self.next {
                        self.next = position + 1;
                        return Some(Ok(Record { position, chunk: value.clone(), range }));
                    }
                }
            }
            if let Some((chunk, value)) = self.fetched.next() {
                self.current = Some((chunk.walk(), value));
                continue;
            }
            match self.reader.fetch(self.next, self.to) {
                Ok(chunks) => self.fetched = chunks.into_iter(),
                Err(error) => {
                    self.next = self.to;
                    return Some(Err(error));
                }
            }
            self.current = None;
        }
        None
    }
}
