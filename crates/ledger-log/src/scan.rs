//! One pass over every record of a log: checked, hashed, compared with manifest and head, shown to a visitor.
//!
//! Sealed records were whole and durable before they were sealed; they are read and hashed by several threads. Of the live
//! ones, records are shown only when their whole commit was read, so a visitor never sees a record that is cut afterwards.
//!
//! What may be cut is decided by two witnesses, since the head may be older than the log (see `head`): the head itself,
//! and each whole chunk, whose commit was only begun when all earlier commits were durable. A fault at or after both
//! is the remains of a commit that nobody was answered for; before either of them it is damage.

use std::path::Path;
use std::thread::ScopedJoinHandle;

use crate::chunk::Chunk;
use crate::error::{Damage, FileError, OpenError, ReadError};
use crate::head::Head;
use crate::manifest::Sealed;
use crate::merkle::{Frontier, Hash, leaf_hash};
use crate::segment::{self, Segment};
use crate::store::Value;
use crate::volume::Stored;
use crate::volumes::Volumes;
use crate::window::{Visitor, Window};
use crate::{checkpoints, subtrees};

/// Chunks read from the store in one go: 3.5 MB at most.
const READ_AHEAD: usize = 256;

/// Why what is known cannot be gone on from where stored subtrees end before it.
pub(crate) const MISSING: &str = "roots of its subtrees are missing";

/// No subtree is as large as this.
pub(crate) const NO_LEVEL: u32 = u32::MAX;

/// Blocks that threads read, hash and hand over together: 65,536 records, about 8 MB.
const WINDOW: usize = 256;
/// The same where there is one thread, which shares nothing: what it hashed is still near when it is shown.
const WINDOW_ALONE: usize = 16;

/// The end of a commit that was never answered for, found in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Position of the first record of the torn commit: the log's size once it is cut.
    pub from: u64,
    /// Position at which the first fault lies.
    pub first_fault: u64,
    /// What was found there.
    pub found: String,
}

impl TornTail {
    /// What a torn tail is where nothing was interrupted.
    pub(crate) fn in_a_closed_log(self) -> Damage {
        Damage::new(self.first_fault, "live", "whole commits, since the log was closed", self.found)
    }
}

/// The result of a pass that found no damage.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// Number of whole records.
    pub(crate) size: u64,
    pub(crate) torn: Option<TornTail>,
    pub(crate) subtrees: subtrees::Compared,
    /// Nodes of `subtrees` from the first difference on.
    pub(crate) subtrees_anew: Vec<u8>,
    pub(crate) kept: checkpoints::Kept,
}

/// What lies beside the records and is compared with them in the same pass.
#[derive(Debug)]
pub(crate) struct Beside {
    subtrees: subtrees::Check,
    checkpoints: checkpoints::Check,
    /// Records that were folded before: these, and no others.
    known: Option<Head>,
}

impl Beside {
    /// What lies beside the records of the log in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Beside, FileError> {
        let subtrees = subtrees::Check::open(&dir.join(subtrees::NAME))?;
        let mut checkpoints = checkpoints::Check::open(dir, 0)?;
        checkpoints.reached(&Frontier::default())?;
        Ok(Beside { subtrees, checkpoints, known: None })
    }

    /// What lies beside the records behind `frontier`. The log must be found to begin with the records that are `known`.
    pub(crate) fn open_behind(dir: &Path, frontier: &Frontier, known: Head) -> Result<Beside, OpenError> {
        let size = frontier.size();
        let subtrees = subtrees::Check::open_at(&dir.join(subtrees::NAME), size)?;
        if !subtrees.goes_on_from(size) {
            return Err(OpenError::NotKnown { size: known.size, why: MISSING });
        }
        let checkpoints = checkpoints::Check::open(dir, size)?;
        let mut beside = Beside { subtrees, checkpoints, known: Some(known) };
        beside.reached(frontier)?;
        Ok(beside)
    }

    /// Compares what is of this size. To be called at every size.
    #[inline]
    fn reached(&mut self, frontier: &Frontier) -> Result<(), OpenError> {
        if let Some(known) = self.known
            && known.size == frontier.size()
            && known.root != frontier.root()
        {
            return Err(OpenError::NotKnown { size: known.size, why: "its root is another" });
        }
        Ok(self.checkpoints.reached(frontier)?)
    }

    /// Whether anything is of a size after `from` and before `to`.
    fn any_between(&self, from: u64, to: u64) -> bool {
        self.known.is_some_and(|known| from < known.size && known.size < to) || self.checkpoints.any_between(from, to)
    }

    /// What is wrong so far with what lies beside the first `size` records.
    pub(crate) fn so_far(&self, size: u64) -> Result<(), Damage> {
        if let Some(at) = self.subtrees.so_far().differs_at {
            return Err(Damage::new(at, subtrees::NAME, subtrees::EXPECTED, "another, or none"));
        }
        self.checkpoints.so_far(size)
    }

    /// Adds one leaf, and gives the subtree of `2^level` leaves that it completes, if it does.
    fn append(&mut self, frontier: &mut Frontier, leaf: Hash, level: u32) -> Result<Option<Hash>, OpenError> {
        let completed = self.subtrees.append(frontier, leaf, level);
        self.reached(frontier)?;
        Ok(completed)
    }

    /// Adds a block; gives the subtree of `2^level` leaves that it completes, if it does.
    fn append_block(&mut self, frontier: &mut Frontier, block: &Block, level: u32) -> Result<Option<Hash>, OpenError> {
        let from = frontier.size();
        if let Some(root) = block.root.filter(|_| !self.any_between(from, from + segment::BLOCK)) {
            let completed = self.subtrees.append_block(frontier, root, level);
            self.reached(frontier)?;
            return Ok(completed);
        }
        let mut completed = None;
        for leaf in &block.leaves {
            completed = self.append(frontier, *leaf, level)?.or(completed);
        }
        Ok(completed)
    }

    /// Ends the comparison after the last record.
    fn finish(self, size: u64, torn: Option<TornTail>) -> Result<Scanned, OpenError> {
        if let Some(Head { size: known, .. }) = self.known.filter(|known| known.size > size) {
            return Err(OpenError::NotKnown { size: known, why: "it has fewer" });
        }
        let (subtrees, subtrees_anew) = self.subtrees.finish();
        Ok(Scanned { size, torn, subtrees, subtrees_anew, kept: self.checkpoints.finish(size)? })
    }
}

/// A block of a segment, read and hashed.
struct Block {
    chunk: (Chunk, Value),
    leaves: Vec<Hash>,
    /// Root of a block that is full, and so a perfect subtree.
    root: Option<Hash>,
}

/// The window of a segment that begins at `first`, by so many threads: its blocks up to the first that is bad, and why.
fn window(segment: &Segment, first: u64, threads: usize) -> (Vec<Block>, Result<(), ReadError>) {
    let read = |position| -> Result<Block, ReadError> {
        let (chunk, bytes) = segment.block(position)?;
        let leaves: Vec<Hash> = chunk.records(&bytes).map(|(_, record)| leaf_hash(record)).collect();
        let mut alone = Frontier::default();
        let full = chunk.count == segment::BLOCK;
        leaves.iter().filter(|_| full).for_each(|leaf| alone.append(*leaf));
        Ok(Block { chunk: (chunk, Value::Sealed(bytes)), leaves, root: full.then(|| alone.root()) })
    };
    let end = segment.contents().end();
    let blocks = if threads > 1 { WINDOW } else { WINDOW_ALONE };
    let positions: Vec<u64> = (first..end).step_by(segment::BLOCK as usize).take(blocks).collect();
    let part = positions.len().div_ceil(threads.max(1)).max(1);
    let read_part = |part: &[u64]| part.iter().map(|position| read(*position)).collect::<Vec<_>>();
    let read: Vec<Result<Block, ReadError>> = std::thread::scope(|scope| {
        let mut parts = positions.chunks(part);
        let own = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|part| scope.spawn(move || read_part(part))).collect();
        let mut read = read_part(own);
        for other in others {
            read.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        read
    });
    let mut blocks = Vec::with_capacity(read.len());
    for block in read {
        match block {
            Ok(block) => blocks.push(block),
            Err(error) => return (blocks, Err(error)),
        }
    }
    (blocks, Ok(()))
}

struct Fault {
    at: u64,
    expected: String,
    found: String,
}

/// How many threads read and hash what is sealed, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Readers {
    /// Before the visitor looks at a window, for it may share its work among threads of its own.
    InTurn(usize),
    /// Also while it looks at the window before: it works alone.
    Ahead(usize),
}

impl Readers {
    const fn count(self) -> usize {
        match self {
            Self::InTurn(count) | Self::Ahead(count) => count,
        }
    }

    const fn go_ahead(self) -> bool {
        matches!(self, Self::Ahead(2..))
    }
}

/// A pass under way. The frontier covers the records that were found good, also when the result is damage.
pub(crate) struct Scan<'a> {
    /// What the head file says.
    pub(crate) head: Head,
    pub(crate) beside: Beside,
    pub(crate) frontier: &'a mut Frontier,
    pub(crate) readers: Readers,
    pub(crate) visit: &'a mut Visitor<'a>,
}

impl Scan<'_> {
    /// Reads the sealed records behind the frontier, which stands at the beginning of a block; comes first.
    pub(crate) fn sealed(&mut self, sealed: &Sealed) -> Result<(), OpenError> {
        if self.head.size < sealed.end() {
            let expected = format!("{} records or more, as many as are sealed", sealed.end());
            let found = format!("{} records", self.head.size);
            return Err(Damage::new(self.head.size, "head", expected, found).into());
        }
        let behind = self.frontier.size();
        for segment in sealed.segments.iter().filter(|segment| segment.contents().end() > behind) {
            let contents = segment.contents();
            let mut root = None;
            std::thread::scope(|scope| {
                let mut ahead = None;
                while self.frontier.size() < contents.end() {
                    let (first, threads) = (self.frontier.size(), self.readers.count());
                    let read = ahead.take().map(|ahead: ScopedJoinHandle<'_, _>| {
                        ahead.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    });
                    let (blocks, found) = read.unwrap_or_else(|| window(segment, first, threads));
                    let next = blocks.last().map_or(first, |block| block.chunk.0.end());
                    if self.readers.go_ahead() && found.is_ok() && next < contents.end() {
                        ahead = Some(scope.spawn(move || window(segment, next, threads)));
                    }
                    for block in &blocks {
                        root = self.beside.append_block(self.frontier, block, sealed.level)?.or(root);
                    }
                    let chunks: Vec<_> = blocks.into_iter().map(|block| block.chunk).collect();
                    (self.visit)(Window::of(&chunks))?;
                    found?;
                }
                Ok::<(), OpenError>(())
            })?;
            if contents.count < 1 << sealed.level {
                root = Some(self.frontier.root_since(contents.first));
            }
            if root != Some(contents.root) {
                let (place, expected) = (segment::place(segment.path()), "the records whose root the segment names");
                return Err(Damage::new(contents.first, place, expected, "another root").into());
            }
        }
        Ok(())
    }

    /// Ends the pass behind the sealed records.
    pub(crate) fn end(self) -> Result<Scanned, OpenError> {
        self.beside.finish(self.frontier.size(), None)
    }

    /// Reads the live records, which follow the sealed ones, and ends the pass.
    pub(crate) fn live(mut self, volumes: &Volumes) -> Result<Scanned, OpenError> {
        let Scan { head, .. } = self;
        let sealed = self.frontier.size();
        let mut commit: Vec<(Chunk, Value)> = Vec::new();
        let mut whole: Vec<(Chunk, Value)> = Vec::new();
        let mut next = sealed;
        let root_at_head = |frontier: &Frontier| match frontier.size() == head.size && frontier.root() != head.root {
            // The records before are intact one by one, yet not those that were acknowledged; which one is not known.
            true => Err(Damage::new(0, "live", "the root that head names for its size", "records with another root")),
            false => Ok(()),
        };
        root_at_head(self.frontier)?;
        let fault = 'pass: loop {
            let block = match volumes.chunks_from(next, READ_AHEAD) {
                Ok(block) => block,
                Err(error) => {
                    break Some(Fault { at: next, expected: "a readable volume".to_owned(), found: error.to_string() });
                }
            };
            if block.is_empty() {
                break None;
            }
            for (position, value) in block {
                let chunk = match take(next, sealed, commit.first().map(|(chunk, _)| chunk), (position, &value)) {
                    Ok(chunk) => chunk,
                    Err(fault) => break 'pass Some(fault),
                };
                next = chunk.end();
                let ends = next == chunk.commit_end;
                commit.push((chunk, Value::Live(value)));
                if !ends {
                    continue;
                }
                for (_, record) in Window::of(&commit).records() {
                    self.beside.append(self.frontier, leaf_hash(record), NO_LEVEL)?;
                }
                whole.append(&mut commit);
                if self.frontier.size() > head.size && chunk.commit_first < head.size {
                    return Err(Damage::new(
                        chunk.commit_first,
                        "head",
                        "a size at the end of a commit",
                        format!("{} inside the commit {}..{}", head.size, chunk.commit_first, chunk.commit_end),
                    )
                    .into());
                }
                root_at_head(self.frontier)?;
            }
            (self.visit)(Window::of(&whole))?;
            whole.clear();
        };
        (self.visit)(Window::of(&whole))?;

        let fault = fault.or_else(|| {
            (!commit.is_empty()).then(|| Fault {
                at: next,
                expected: "the rest of the commit".to_owned(),
                found: "the end of the volume".to_owned(),
            })
        });
        let torn = match fault {
            None => None,
            Some(fault) => Some(judge(volumes, head, self.frontier.size(), fault)?),
        };
        if self.frontier.size() < head.size {
            let size = self.frontier.size();
            let expected = format!("{} records, as head says", head.size);
            return Err(Damage::new(size, "live", expected, format!("{size} records")).into());
        }
        self.beside.finish(self.frontier.size(), torn)
    }
}

/// The stored chunk, if it is the one that must follow. The first live commit may have begun before the live records do.
fn take(next: u64, sealed: u64, commit: Option<&Chunk>, (position, value): (u64, &sled::IVec)) -> Result<Chunk, Fault> {
    if position != next {
        let (expected, found) = (format!("a chunk at position {next}"), format!("the next one at {position}"));
        return Err(Fault { at: next, expected, found });
    }
    let chunk = Chunk::parse(position, value).map_err(|fault| Fault {
        at: next,
        expected: "a whole chunk".to_owned(),
        found: fault.to_string(),
    })?;
    let begins = if next == sealed { chunk.commit_first.min(next) } else { next };
    let (commit_first, commit_end) = commit.map_or((begins, chunk.commit_end), |c| (c.commit_first, c.commit_end));
    if (chunk.commit_first, chunk.commit_end) != (commit_first, commit_end) {
        let found = format!("a chunk of the commit {}..{}", chunk.commit_first, chunk.commit_end);
        return Err(Fault { at: next, expected: format!("a chunk of the commit from {commit_first}"), found });
    }
    Ok(chunk)
}

/// Damage, or the remains of a commit that was never answered for? `good`: records in whole commits before the fault.
fn judge(volumes: &Volumes, head: Head, good: u64, fault: Fault) -> Result<TornTail, Damage> {
    let damage = |Fault { at, expected, found }: Fault| Damage::new(at, "live", expected, found);
    if good < head.size {
        return Err(damage(fault));
    }
    let mut from = fault.at;
    loop {
        let block = match volumes.chunks_from(from, READ_AHEAD) {
            Ok(block) => block,
            Err(error) => return Err(damage(Fault { found: format!("{}; then {error}", fault.found), ..fault })),
        };
        let Some((last, _)) = block.last() else {
            return Ok(TornTail { from: good, first_fault: fault.at, found: fault.found });
        };
        let after = last.checked_add(1);
        let later_commit =
            |(position, value): &Stored| Chunk::parse(*position, value).is_ok_and(|chunk| chunk.commit_first > good);
        if block.iter().any(later_commit) {
            return Err(damage(fault));
        }
        let Some(after) = after else {
            return Ok(TornTail { from: good, first_fault: fault.at, found: fault.found });
        };
        from = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Volume;
    use crate::{AtRest, Batch, Log, Options, chunk, volumes};
    use std::path::Path;
    use std::time::Duration;

    /// Commits of this many records of 1,000 bytes; 14 of them make a chunk.
    const COMMIT: u64 = 60;

    fn record(position: u64) -> [u8; 1000] {
        [position as u8; 1000]
    }

    /// A log of `commits` commits that was killed, with a head file that says only `known` of them.
    fn killed_log(dir: &Path, known: u64, commits: u64) {
        let options = Options::default();
        let (mut writer, _, _) = Log::open(dir, &options).expect("a new log");
        let mut stale = Vec::new();
        for commit in 0..commits {
            if commit == known {
                stale = std::fs::read(dir.join("head")).expect("readable");
            }
            let mut batch = Batch::new();
            (0..COMMIT).for_each(|i| batch.push(&record(commit * COMMIT + i)).expect("short"));
            writer.append(commit * COMMIT, &batch).expect("appended");
        }
        drop(writer);
        if known < commits {
            std::fs::write(dir.join("head"), stale).expect("written");
        }
    }

    fn change(dir: &Path, change: impl FnOnce(&Volume, &mut sled::Batch)) {
        let volume =
            Volume::open(&dir.join("live").join(volumes::name(0)), 1 << 20, Duration::from_secs(5)).expect("free");
        let mut batch = sled::Batch::default();
        change(&volume, &mut batch);
        volume.apply(batch).expect("changed");
    }

    /// The first position of the chunk with this index in a commit.
    fn chunk_of(volume: &Volume, commit: u64, index: usize) -> (u64, Vec<u8>) {
        let chunks = volume.chunks_from(commit * COMMIT, 100).expect("readable");
        (chunks[index].0, chunks[index].1.to_vec())
    }

    fn remove(commit: u64, index: usize) -> impl FnOnce(&Volume, &mut sled::Batch) {
        move |volume, batch| batch.remove(&chunk::key(chunk_of(volume, commit, index).0))
    }

    fn garble(commit: u64, index: usize) -> impl FnOnce(&Volume, &mut sled::Batch) {
        move |volume, batch| {
            let (position, mut value) = chunk_of(volume, commit, index);
            value[300] ^= 1;
            batch.insert(&chunk::key(position), value);
        }
    }

    fn opened(dir: &Path) -> Result<(u64, Option<TornTail>), u64> {
        let examined = AtRest::open(dir).expect("free").examine(|_, _| Ok(())).expect("examined");
        match Log::open(dir, &Options::default()) {
            Ok((writer, reader, recovery)) => {
                let size = writer.head().size;
                for read in reader.read(0, size) {
                    let read = read.expect("readable");
                    assert_eq!(read.bytes(), record(read.position()));
                }
                assert_eq!((examined.findings, &examined.torn), (vec![], &recovery.torn));
                assert_eq!(examined.head, recovery.head);
                Ok((size, recovery.torn))
            }
            Err(error) => {
                let position = error.first_bad_position().expect("damage");
                assert_eq!(examined.first_bad_position(), Some(position));
                Err(position)
            }
        }
    }

    #[test]
    fn pieces_of_a_last_commit_beyond_the_head_are_cut() {
        type Damaged = fn(&Path);
        // What is done to the last of three commits, of which the head knows two.
        let table: [(&str, Damaged, u64); 4] = [
            ("its first chunk is missing", |dir| change(dir, remove(2, 0)), 120),
            ("a chunk in it is missing", |dir| change(dir, remove(2, 2)), 148),
            ("its last chunk is missing", |dir| change(dir, remove(2, 4)), 176),
            ("a chunk in it is garbled", |dir| change(dir, garble(2, 1)), 134),
        ];
        for (name, damage, first_fault) in table {
            let dir = tempfile::tempdir().expect("a folder");
            killed_log(dir.path(), 2, 3);
            damage(dir.path());
            let (size, torn) = opened(dir.path()).expect(name);
            let torn = torn.expect(name);
            assert_eq!((size, torn.from, torn.first_fault), (120, 120, first_fault), "{name}");
            // Cut is cut: the next opening finds nothing left, and the log goes on.
            assert_eq!(opened(dir.path()), Ok((120, None)), "{name}");
            let (mut writer, _, _) = Log::open(dir.path(), &Options::default()).expect(name);
            let mut batch = Batch::new();
            (120..150).for_each(|position| batch.push(&record(position)).expect("short"));
            writer.append(120, &batch).expect(name);
            drop(writer);
            assert_eq!(opened(dir.path()), Ok((150, None)), "{name}");
        }
    }

    #[test]
    fn a_fault_before_the_head_or_before_a_later_commit_is_damage() {
        // The head knows this many of three commits; chunk 1 of a commit is damaged.
        for (known, commit) in [(3, 2), (3, 0), (2, 1), (0, 1), (1, 1), (0, 0)] {
            for garbled in [true, false] {
                let dir = tempfile::tempdir().expect("a folder");
                killed_log(dir.path(), known, 3);
                match garbled {
                    true => change(dir.path(), garble(commit, 1)),
                    false => change(dir.path(), remove(commit, 1)),
                }
                assert_eq!(opened(dir.path()), Err(commit * COMMIT + 14), "{known} known, commit {commit}");
            }
        }
    }

    #[test]
    fn chunks_of_another_commit_or_a_head_inside_a_commit_are_damage() {
        let dir = tempfile::tempdir().expect("a folder");
        killed_log(dir.path(), 2, 2);
        change(dir.path(), |volume, batch| {
            let (position, value) = chunk_of(volume, 1, 2);
            let chunk = Chunk::parse(position, &value).expect("whole");
            let records: Vec<&[u8]> = chunk.records(&value).map(|(_, record)| record).collect();
            let mut own = Vec::new();
            chunk::encode(&mut own, position, position, records.len() as u64, &records);
            batch.insert(&chunk::key(position), own);
        });
        assert_eq!(opened(dir.path()), Err(60 + 28));

        let dir = tempfile::tempdir().expect("a folder");
        killed_log(dir.path(), 2, 2);
        let mut frontier = Frontier::default();
        (0..70).for_each(|position| frontier.append(leaf_hash(&record(position))));
        let stored = crate::head::read(&dir.path().join("head")).expect("readable").expect("valid");
        let mut file = crate::head::HeadFile::open(&dir.path().join("head"), &stored).expect("there");
        file.write(Head { size: 70, root: frontier.root() }).expect("written");
        assert_eq!(opened(dir.path()), Err(60));
    }
}
