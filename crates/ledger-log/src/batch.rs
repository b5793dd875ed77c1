//! Records on their way into the log: one buffer and the ends of the records in it.

use crate::error::TooLarge;

/// The longest record, bytes. With the header of its chunk it stays under [`MAX_CHUNK_BYTES`](crate::MAX_CHUNK_BYTES),
/// which the store needs (see `volume`).
pub const MAX_RECORD_BYTES: usize = 6 * 1024;

/// Records to append in one commit: all of them become durable, or none.
///
/// A batch is meant to be cleared and filled again: records are written into one buffer that keeps its memory.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one record. On [`TooLarge`] the batch is as before.
    pub fn push(&mut self, record: &[u8]) -> Result<(), TooLarge> {
        self.push_with(|buffer| buffer.extend_from_slice(record))
    }

    /// Adds one record that `encode` appends to the given buffer; it must only append. On [`TooLarge`] the batch is
    /// as before.
    pub fn push_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), TooLarge> {
        let start = self.bytes.len();
        encode(&mut self.bytes);
        let bytes = self.bytes.len().saturating_sub(start);
        if bytes > MAX_RECORD_BYTES {
            self.bytes.truncate(start);
            return Err(TooLarge { bytes });
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// Adds all records of another batch.
    pub fn append(&mut self, other: &Batch) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| start + end));
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Sum of the records' lengths, bytes.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Forgets the records from index `len` on; used when a command is refused after it began to write.
    pub fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// The records in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.ends.iter().enumerate().map(|(index, &end)| {
            let start = if index == 0 { 0 } else { self.ends[index - 1] };
            &self.bytes[start..end]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_records_in_order_and_forgets_from_the_end() {
        let mut batch = Batch::new();
        for record in [&b"one"[..], b"", b"three"] {
            batch.push(record).expect("short enough");
        }
        assert_eq!(batch.records().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert_eq!((batch.len(), batch.byte_len()), (3, 8));
        batch.truncate(1);
        assert_eq!(batch.records().collect::<Vec<_>>(), [b"one"]);
        let mut more = Batch::new();
        more.push(b"more").expect("short enough");
        more.append(&batch);
        assert_eq!(more.records().collect::<Vec<_>>(), [&b"more"[..], b"one"]);
        batch.clear();
        assert!(batch.is_empty());
    }

    #[test]
    fn refuses_a_record_over_the_limit_and_keeps_the_others() {
        let mut batch = Batch::new();
        batch.push(&[1; MAX_RECORD_BYTES]).expect("exactly the limit");
        assert_eq!(batch.push(&[2; MAX_RECORD_BYTES + 1]), Err(TooLarge { bytes: MAX_RECORD_BYTES + 1 }));
        assert_eq!((batch.len(), batch.byte_len()), (1, MAX_RECORD_BYTES));
    }
}
