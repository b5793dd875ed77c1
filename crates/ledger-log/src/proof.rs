//! Proofs of RFC 6962 (sections 2.1.1 and 2.1.2): that a record is in the tree of a size, and that the tree of one size
//! begins with the tree of a smaller one.
//!
//! The hash of any range of leaves that a proof asks for is put together from stored roots of perfect subtrees (256 leaves
//! and more) and from the records of at most two blocks of 256: the one around the leaf, and the unfinished one at the
//! right edge. So a proof reads at most 512 records of a log of any size.

use std::ops::ControlFlow;

use crate::error::ReadError;
use crate::merkle::{Hash, empty_root, leaf_hash, node_hash};
use crate::reader::Reader;
use crate::subtrees::BLOCK_LEVEL;

const BLOCK: u64 = 1 << BLOCK_LEVEL;

impl Reader {
    /// Root of the first `size` records, which must be durable.
    ///
    /// # Errors
    ///
    /// `size` is beyond the log, or the log cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Hash, ReadError> {
        self.durable(size)?;
        if size == 0 { Ok(empty_root()) } else { Leaves::of(self).hash(0, size) }
    }

    /// Audit path of the record at `position` in the tree over the first `size` records, from the leaf's sibling up
    /// (RFC 6962 section 2.1.1).
    ///
    /// # Errors
    ///
    /// `size` is beyond the log, `position` is not below `size`, or the log cannot be read.
    pub fn inclusion_proof(&self, position: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        self.durable(size)?;
        if position >= size {
            return Err(ReadError::PastEnd { position, size });
        }
        let mut leaves = Leaves::of(self);
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        // From the root down, the sibling of the half that holds the leaf; from the leaf up it is read backwards.
        while end - start > 1 {
            let middle = start + split(end - start);
            if position < middle {
                path.push(leaves.hash(middle, end)?);
                end = middle;
            } else {
                path.push(leaves.hash(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// Proof that the tree over the first `new` records begins with the tree over the first `old` ones (RFC 6962
    /// section 2.1.2). Empty where `old` is 0 or `new`.
    ///
    /// # Errors
    ///
    /// `new` is beyond the log, `old` is above `new`, or the log cannot be read.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        self.durable(new)?;
        if old > new {
            return Err(ReadError::PastEnd { position: old, size: new });
        }
        let mut path = Vec::new();
        if old == 0 || old == new {
            return Ok(path);
        }
        let mut leaves = Leaves::of(self);
        let (mut start, mut end) = (0, new);
        // As long as the old tree ends inside of the range, it shares one half whole.
        while old != end {
            let middle = start + split(end - start);
            if old <= middle {
                path.push(leaves.hash(middle, end)?);
                end = middle;
            } else {
                path.push(leaves.hash(start, middle)?);
                start = middle;
            }
        }
        // The old tree's own root is known to whoever asks, a part of it is not.
        if start > 0 {
            path.push(leaves.hash(start, end)?);
        }
        path.reverse();
        Ok(path)
    }

    fn durable(&self, size: u64) -> Result<(), ReadError> {
        let durable = self.head().size;
        if size > durable { Err(ReadError::PastEnd { position: size, size: durable }) } else { Ok(()) }
    }
}

/// The largest power of two below `leaves` (which is 2 or more).
const fn split(leaves: u64) -> u64 {
    1 << (63 - (leaves - 1).leading_zeros())
}

/// Hashes of ranges of leaves, with the leaf hashes of the blocks read so far.
struct Leaves<'r> {
    reader: &'r Reader,
    blocks: Vec<(u64, Vec<Hash>)>,
}

impl<'r> Leaves<'r> {
    const fn of(reader: &'r Reader) -> Self {
        Self { reader, blocks: Vec::new() }
    }

    /// Merkle tree hash of the leaves from `start` to before `end`, as the recursion of RFC 6962 meets them: `start` is
    /// a multiple of the power of two that covers the range.
    fn hash(&mut self, start: u64, end: u64) -> Result<Hash, ReadError> {
        let leaves = end - start;
        if leaves >= BLOCK && leaves.is_power_of_two() && start.is_multiple_of(leaves) {
            let level = leaves.trailing_zeros();
            return self.reader.subtree_root(level, start >> level);
        }
        if leaves == 1 {
            return self.leaf(start);
        }
        let middle = start + split(leaves);
        Ok(node_hash(&self.hash(start, middle)?, &self.hash(middle, end)?))
    }

    fn leaf(&mut self, position: u64) -> Result<Hash, ReadError> {
        let first = position / BLOCK * BLOCK;
        if !self.blocks.iter().any(|(start, _)| *start == first) {
            let mut hashes = Vec::with_capacity(BLOCK as usize);
            self.reader.visit(first, first + BLOCK, |_, bytes| {
                hashes.push(leaf_hash(bytes));
                ControlFlow::Continue(())
            })?;
            self.reader.count_for_proofs(hashes.len() as u64);
            self.blocks.push((first, hashes));
        }
        let block = self.blocks.iter().find(|(start, _)| *start == first);
        let leaf = block.and_then(|(_, hashes)| hashes.get((position - first) as usize)).copied();
        leaf.ok_or(ReadError::PastEnd { position, size: self.reader.head().size })
    }
}
