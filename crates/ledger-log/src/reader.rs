//! Reading durable records, from any number of threads, while the writer goes on.

use std::ops::{ControlFlow, Deref, Range};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::chunk::{Chunk, Walk};
use crate::error::ReadError;
use crate::head::Head;
use crate::merkle::Hash;
use crate::store::{Shared, Value, missing};
use crate::subtrees::BLOCK_LEVEL;

/// Chunks fetched in one go: enough to make a scan fast, few enough that history reads stay small.
const FETCH: usize = 64;

/// Reads durable records. Clones share the log; they end with [`ReadError::Closed`] when the writer closes it.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Reader { shared }
    }

    /// Size and root of the durable log.
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// Position after the last record that lies in a sealed segment; from there on they lie in the live volume.
    pub fn sealed(&self) -> Result<u64, ReadError> {
        Ok(self.shared.store().ok_or(ReadError::Closed)?.sealed.end())
    }

    /// The record at a position below [`Reader::head`]'s size.
    pub fn get(&self, position: u64) -> Result<Record, ReadError> {
        self.nearby().get(position)
    }

    /// For single records that often lie close together.
    pub fn nearby(&self) -> Nearby<'_> {
        Nearby { reader: self, size: 0, last: None }
    }

    /// Has the disk fetch the records at these positions all at once, for who will read one after the other.
    pub fn will_need(&self, positions: impl IntoIterator<Item = u64>) {
        let Some(store) = self.shared.store() else { return };
        for position in positions {
            if let Some(segment) = store.sealed.at(position) {
                segment.will_need(position);
            }
        }
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

    /// Some consecutive chunks, the first of which holds the record at `position`, none of which begins at `to` or later: a
    /// proof that needs one block of records fetches no more.
    fn fetch(&self, position: u64, to: u64) -> Result<Vec<(Chunk, Value)>, ReadError> {
        self.shared.store().ok_or(ReadError::Closed)?.fetch(position, to, FETCH)
    }
}

/// Reads single records like [`Reader::get`], and looks for each in the chunk of the one before first.
#[derive(Debug)]
pub struct Nearby<'a> {
    reader: &'a Reader,
    /// The durable log's, when it was last looked at.
    size: u64,
    /// The chunk, and a walk that stands behind the record that was read last.
    last: Option<(Chunk, Value, Walk)>,
}

impl Nearby<'_> {
    /// The record at a position below [`Reader::head`]'s size.
    pub fn get(&mut self, position: u64) -> Result<Record, ReadError> {
        if position >= self.size {
            self.size = self.reader.head().size;
            if position >= self.size {
                return Err(ReadError::PastEnd { position, size: self.size });
            }
        }
        let last = self.last.take().filter(|(chunk, ..)| (chunk.first..chunk.end()).contains(&position));
        let (chunk, value, mut walk) = match last {
            Some((chunk, value, walk)) if walk.position() <= position => (chunk, value, walk),
            Some((chunk, value, _)) => (chunk, value, chunk.walk()),
            None => {
                let (chunk, value) = self.reader.shared.chunk_of(position).ok_or(ReadError::Closed)??;
                (chunk, value, chunk.walk())
            }
        };
        while let Some((at, range)) = walk.step(&value) {
            if at == position {
                self.last = Some((chunk, value.clone(), walk));
                return Ok(Record { position, chunk: value, range });
            }
        }
        Err(missing(position))
    }
}

/// One stored record. It dereferences to its bytes and keeps the chunk it lies in alive.
#[derive(Clone)]
pub struct Record {
    position: u64,
    chunk: Value,
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
    fetched: std::vec::IntoIter<(Chunk, Value)>,
    current: Option<(Walk, Value)>,
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
