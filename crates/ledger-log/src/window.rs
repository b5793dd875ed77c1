//! What a pass over a log shows: records that were found good, some thousands at a time.

use crate::chunk::Chunk;
use crate::error::{OpenError, VisitError};
use crate::store::Value;

/// Some consecutive records that were found good. Any number of threads may walk over the same window.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    chunks: &'a [(Chunk, Value)],
    /// Records before this position are left out.
    from: u64,
}

impl<'a> Window<'a> {
    pub(crate) fn of(chunks: &'a [(Chunk, Value)]) -> Self {
        Self { chunks, from: 0 }
    }

    /// The records with their positions, in order.
    pub fn records(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let Self { chunks, from } = *self;
        let records = chunks.iter().flat_map(|(chunk, value)| chunk.records(value));
        records.skip_while(move |(position, _)| *position < from)
    }

    /// The same records as so many windows of about the same size, in order; those that would be empty are left out.
    pub fn parts(self, parts: usize) -> impl Iterator<Item = Window<'a>> {
        let chunks = self.chunks.len().div_ceil(parts.max(1)).max(1);
        self.chunks.chunks(chunks).map(move |chunks| Window { chunks, ..self })
    }

    /// Number of records.
    pub fn count(&self) -> u64 {
        self.chunks.iter().map(|(chunk, _)| chunk.end().saturating_sub(self.from.max(chunk.first))).sum()
    }

    /// The same without the records before this position.
    pub(crate) fn behind(self, from: u64) -> Self {
        Self { from, ..self }
    }
}

/// What a pass shows its records to, window by window, in order.
pub(crate) type Visitor<'a> = dyn FnMut(Window<'_>) -> Result<(), OpenError> + 'a;

/// A visitor of single records.
pub(crate) fn one_by_one<'v>(
    visit: &'v mut impl FnMut(u64, &[u8]) -> Result<(), VisitError>,
) -> impl FnMut(Window<'_>) -> Result<(), OpenError> + 'v {
    |window| {
        window.records().try_for_each(|(position, record)| {
            visit(position, record).map_err(|source| OpenError::Record { position, source })
        })
    }
}
