//! Blocks of segments that single records were read from lately. Whoever reads a partner's instructions with their account
//! links, or one participant's history after the other, comes back to the same blocks: read and checked once, they are kept as
//! they are. A walk over many records passes by without a trace.

use std::sync::{Arc, Mutex, PoisonError};

use crate::chunk::Chunk;
use crate::error::ReadError;
use crate::segment::{BLOCK, Segment};

/// Blocks kept, each at most once: some 35 MB of records of 130 bytes.
const SLOTS: usize = 1_024;

type Kept = (u64, Chunk, Arc<Vec<u8>>);

/// A block has one slot that it can be in, by its number in the log.
#[derive(Debug)]
pub(crate) struct Blocks(Box<[Mutex<Option<Kept>>]>);

impl Blocks {
    pub(crate) fn new() -> Blocks {
        Blocks((0..SLOTS).map(|_| Mutex::new(None)).collect())
    }

    /// The block of the segment that holds the record at `position`.
    pub(crate) fn block(&self, segment: &Segment, position: u64) -> Result<(Chunk, Arc<Vec<u8>>), ReadError> {
        let number = position / BLOCK;
        let slot = &self.0[(number % SLOTS as u64) as usize];
        let kept = || slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, chunk, bytes)) = kept().as_ref().filter(|(which, ..)| *which == number) {
            return Ok((*chunk, Arc::clone(bytes)));
        }
        let (chunk, bytes) = segment.block(position)?;
        *kept() = Some((number, chunk, Arc::clone(&bytes)));
        Ok((chunk, bytes))
    }
}
