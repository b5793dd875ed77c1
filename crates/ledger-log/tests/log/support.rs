//! Small logs with records that say their own position.

use std::path::Path;
use std::time::Duration;

use ledger_log::{Batch, Frontier, Head, Log, OpenError, Options, Reader, Recovery, Writer, leaf_hash};

/// The record stored at a position: its length varies, its content names it.
pub(crate) fn record(position: u64) -> Vec<u8> {
    let mut bytes = position.to_be_bytes().to_vec();
    bytes.resize(8 + (position % 97) as usize, position as u8);
    bytes
}

/// Size and root of a log of `size` such records, by hashing them here.
pub(crate) fn expected_head(size: u64) -> Head {
    let mut frontier = Frontier::default();
    (0..size).for_each(|position| frontier.append(leaf_hash(&record(position))));
    Head { size, root: frontier.root() }
}

pub(crate) fn impatient() -> Options {
    Options { lock_wait: Duration::from_millis(300), ..Options::default() }
}

pub(crate) fn open(dir: &Path) -> Result<(Writer, Reader, Recovery), OpenError> {
    Log::open(dir, &impatient())
}

/// Appends `count` records as one commit.
pub(crate) fn append(writer: &mut Writer, count: u64) -> Head {
    let first = writer.head().size;
    let mut batch = Batch::new();
    (first..first + count).for_each(|position| batch.push(&record(position)).expect("short"));
    writer.append(first, &batch).expect("appended")
}

/// A closed log with commits of these sizes.
pub(crate) fn closed_log(dir: &Path, commits: &[u64]) -> Head {
    let (mut writer, _, _) = open(dir).expect("a new log");
    for &count in commits {
        append(&mut writer, count);
    }
    writer.close().expect("closed")
}

/// Leaves a closed log as a kill would have: nothing says that it was closed.
pub(crate) fn as_after_a_kill(dir: &Path) {
    std::fs::remove_file(dir.join("closed")).expect("there");
    std::fs::write(dir.join("LOCK"), format!("{:<15}\n", 4711)).expect("written");
}

/// All positions and records a reader gives.
pub(crate) fn all(reader: &Reader) -> Vec<(u64, Vec<u8>)> {
    reader
        .read(0, u64::MAX)
        .map(|record| record.map(|record| (record.position(), record.to_vec())).expect("readable"))
        .collect()
}

pub(crate) fn expected(range: std::ops::Range<u64>) -> Vec<(u64, Vec<u8>)> {
    range.map(|position| (position, record(position))).collect()
}

/// Every file below `dir` with its bytes.
pub(crate) fn contents(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            out.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).expect("readable");
            out.push((path, bytes));
        }
    }
    out.sort();
    out
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for (path, bytes) in contents(from) {
        let target = to.join(path.strip_prefix(from).expect("below"));
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("created");
        std::fs::write(target, bytes).expect("written");
    }
}
