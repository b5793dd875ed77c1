//! The log at work on a mounted disk, with a note of everything it promised and when.

use std::path::{Path, PathBuf};

use ledger_log::{Batch, Checkpoints, Hash, Log, NoteSigner, Options, SnapshotWriter, Writer, leaf_hash};

use super::Failed;
use crate::mount::Mounted;
use crate::rng::Rng;

/// Where the log lies on its disk; neither folder is there at first.
const FOLDER: &str = "ledger/log";

/// The log's folder below the topmost folder of its disk.
#[must_use]
pub fn folder(top: &Path) -> PathBuf {
    top.join(FOLDER)
}

/// Something that must be true for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// So many records were answered for.
    Size(u64),
    /// A record was answered for, with its leaf hash.
    Receipt {
        /// Its position.
        position: u64,
        /// Its leaf hash.
        leaf: Hash,
    },
    /// A snapshot of so many records was written.
    Snapshot(u64),
    /// A signed checkpoint was given away.
    Note {
        /// The size that it signs.
        size: u64,
        /// Its text.
        text: String,
    },
}

/// What was handed to the log, answered or not.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Leaf hashes by position.
    pub(super) leaves: Vec<Hash>,
    /// The sizes at which commits ended.
    ends: Vec<u64>,
}

impl Written {
    fn commit(&mut self, leaves: impl Iterator<Item = Hash>) {
        self.leaves.extend(leaves);
        self.ends.push(self.leaves.len() as u64);
    }

    /// What an opening found is what there is; the rest was never answered for and is gone.
    fn go_on_from(&mut self, size: u64) {
        self.leaves.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        self.ends.retain(|end| *end <= size);
    }

    /// The size with the commit that was under way when `size` records were answered for.
    pub(super) fn with_commit_under_way(&self, size: u64) -> Option<u64> {
        self.ends.iter().copied().find(|end| *end > size)
    }
}

/// A life of the log: its promises, each with the number of operations that the disk had seen when it was given.
#[derive(Clone, Debug)]
pub struct Story {
    promises: Vec<(usize, Promise)>,
    /// What was written, as it stood from so many operations on.
    written: Vec<(usize, Written)>,
}

impl Default for Story {
    fn default() -> Self {
        Self { promises: vec![(0, Promise::Size(0))], written: vec![(0, Written::default())] }
    }
}

impl Story {
    /// What holds when power goes after so many operations.
    #[must_use]
    pub fn promised(&self, operations: usize) -> Vec<&Promise> {
        self.promises.iter().filter(|(at, _)| *at <= operations).map(|(_, promise)| promise).collect()
    }

    /// What had been written, or was under way, after so many operations.
    #[must_use]
    pub fn written(&self, operations: usize) -> &Written {
        let before = self.written.iter().rev().find(|(at, _)| *at <= operations);
        &before.unwrap_or(&self.written[0]).1
    }

    /// The story up to a cut, told on a disk that holds what the cut left.
    #[must_use]
    pub fn up_to(&self, operations: usize) -> Self {
        let promises = self.promised(operations).into_iter().map(|promise| (0, promise.clone())).collect();
        Self { promises, written: vec![(0, self.written(operations).clone())] }
    }

    /// After how many operations the log was open for the last time.
    pub(super) fn last_opening(&self) -> usize {
        self.written.last().map_or(0, |(at, _)| *at)
    }

    fn promise(&mut self, disk: &Mounted, promise: Promise) {
        self.promises.push((disk.now(), promise));
    }

    fn now_written(&mut self) -> &mut Written {
        let last = self.written.len() - 1;
        &mut self.written[last].1
    }

    /// Opens the log, works with it for a while, and leaves it, closed or not; so many times.
    ///
    /// # Errors
    ///
    /// The log does not do what it should although nothing was taken from its disk.
    pub fn go_on(&mut self, disk: &Mounted, sessions: u32, rng: &mut Rng) -> Result<(), Failed> {
        let dir = folder(&disk.path());
        for _ in 0..sessions {
            self.session(disk, &dir, rng)?;
        }
        Ok(())
    }

    fn session(&mut self, disk: &Mounted, dir: &Path, rng: &mut Rng) -> Result<(), Failed> {
        // Every third log has segments so small that they are sealed, and their volumes go, all the time.
        let mut own = rng.clone();
        let segment_level = if own.percent(33) { 8 + own.below(4) as u32 } else { Options::default().segment_level };
        let snapshots = own.percent(30);
        let (mut writer, _, recovery) = Log::open(dir, &Options { segment_level, ..Options::default() })?;
        let size = recovery.head.size;
        let mut written = self.now_written().clone();
        written.go_on_from(size);
        self.written.push((disk.now(), written));
        self.promise(disk, Promise::Size(size));
        let signer = NoteSigner::new("prakerja.ledger/test", &[7; 32])?;
        let mut notes = Checkpoints::open(dir, recovery.kept)?;
        // Some sessions are long enough for the store to use its segments again.
        let (steps, longest) = if rng.percent(10) { (60 + rng.below(120), 400) } else { (4 + rng.below(10), u64::MAX) };
        for _ in 0..steps {
            match rng.below(10) {
                0 => drop(writer.checkpoint()?),
                1 if notes.latest().is_none_or(|latest| latest < writer.head().size) && writer.head().size > 0 => {
                    let head = writer.head();
                    let text = signer.checkpoint(head);
                    notes.keep(head.size, &text)?;
                    self.promise(disk, Promise::Note { size: head.size, text });
                }
                _ => self.append(disk, &mut writer, commit_size(rng).min(longest), rng)?,
            }
            if snapshots && own.percent(25) {
                let mut snapshot = SnapshotWriter::create(dir)?;
                (0..own.below(4))
                    .try_for_each(|block| snapshot.block(&vec![block as u8; own.below(9_000) as usize]))?;
                // Some are given up.
                if own.percent(80) {
                    snapshot.finish(writer.head(), 1)?;
                    self.promise(disk, Promise::Snapshot(writer.head().size));
                }
            }
        }
        drop(notes);
        if rng.percent(50) {
            writer.close()?;
        }
        Ok(())
    }

    fn append(&mut self, disk: &Mounted, writer: &mut Writer, count: u64, rng: &mut Rng) -> Result<(), Failed> {
        let first = writer.head().size;
        let life = rng.any();
        let mut batch = Batch::new();
        for position in first..first + count {
            batch.push(&record(position, life, rng))?;
        }
        self.now_written().commit(batch.records().map(leaf_hash));
        let head = writer.append(first, &batch)?;
        self.promise(disk, Promise::Size(head.size));
        Ok(())
    }
}

/// Mostly what single callers give; sometimes several segments of the store.
fn commit_size(rng: &mut Rng) -> u64 {
    match rng.below(100) {
        0..50 => 1 + rng.below(3),
        50..80 => 4 + rng.below(60),
        80..96 => 100 + rng.below(900),
        _ => 3_000 + rng.below(9_000),
    }
}

/// A record that no other commit has, not even one at the same position in a life that was cut short.
fn record(position: u64, life: u64, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = [position.to_be_bytes(), life.to_be_bytes()].concat();
    let length = if rng.percent(1) { 3_000 } else { 60 + rng.below(120) };
    bytes.resize(length as usize, position as u8);
    bytes
}
