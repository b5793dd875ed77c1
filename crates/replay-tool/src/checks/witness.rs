//! A log against a checkpoint that an auditor kept: is it the same log, grown or not?

use ledger_log::{Checkpoint, Frontier, Hash, leaf_hash};

use crate::finding::{Finding, Rule};

/// Hashes the records that a checkpoint stands for, and no others.
pub struct Witness<'c> {
    checkpoint: &'c Checkpoint,
    frontier: Frontier,
}

impl<'c> Witness<'c> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(checkpoint: &'c Checkpoint) -> Self {
        Self { checkpoint, frontier: Frontier::default() }
    }

    /// Takes the bytes of the next record.
    pub fn record(&mut self, bytes: &[u8]) {
        if self.frontier.size() < self.checkpoint.head.size {
            self.frontier.append(leaf_hash(bytes));
        }
    }

    /// What is wrong with a log that showed these records.
    #[must_use]
    pub fn finish(self) -> Option<Finding> {
        let Checkpoint { origin, head } = self.checkpoint;
        let (size, root) = (self.frontier.size(), self.frontier.root());
        if size < head.size {
            let expected = format!("{} records or more, as the checkpoint of {origin} says", head.size);
            return Some(Finding::new(Rule::Behind, expected, size.to_string()).at_position(size));
        }
        if root != head.root {
            let expected =
                format!("root {} over the first {} records, as the checkpoint of {origin} says", hex(&head.root), size);
            // Which of the records differs is not known; that the log is forked or rewritten is.
            return Some(Finding::new(Rule::Forked, expected, hex(&root)).at_position(0));
        }
        None
    }
}

fn hex(hash: &Hash) -> String {
    hex::encode(hash)
}
