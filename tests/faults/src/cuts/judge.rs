//! What a power cut left, opened by the log itself and held against everything it had promised.

use std::path::Path;

use ledger_log::{
    AtRest, Batch, Checkpoints, Frontier, Hash, Head, Log, OpenError, Options, Recovery, Snapshot, Unusable, Window,
    leaf_hash,
};

use super::story::{Promise, Written};

/// What a cut left, where all promises are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Records that were found.
    pub size: u64,
    /// A commit that nobody was answered for was there, whole.
    pub under_way: bool,
    /// Pieces of one were there, and were cut.
    pub pieces: bool,
    /// Records beyond the head file were there.
    pub beyond_head: bool,
    /// The log had been closed in good order.
    pub closed: bool,
}

/// Opens a log of which these records are known, reading the others; gives what the opening said, and all leaf hashes.
fn opened(dir: &Path, mut leaves: Vec<Hash>) -> Result<(ledger_log::Writer, Recovery, Vec<Hash>), OpenError> {
    let known = (!leaves.is_empty()).then(|| head_of(&leaves));
    let mut visit = |window: Window<'_>| {
        leaves.extend(window.records().map(|(_, bytes)| leaf_hash(bytes)));
        Ok(())
    };
    let (writer, _, recovery) = Log::begin(dir, &Options::default())?.open(known, &mut visit)?;
    Ok((writer, recovery, leaves))
}

fn head_of(leaves: &[Hash]) -> Head {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    Head { size: leaves.len() as u64, root: frontier.root() }
}

/// How many records the snapshot stands for: it is whole, of this log, and no older than what was promised.
fn snapshot(dir: &Path, promises: &[&Promise], leaves: &[Hash]) -> Result<usize, String> {
    let promised = promises.iter().filter_map(|promise| match promise {
        Promise::Snapshot(size) => Some(*size),
        _ => None,
    });
    let (promised, damaged) =
        (promised.max().unwrap_or(0), |error: &Unusable| format!("the snapshot: {}", chain(error)));
    let Some(snapshot) = Snapshot::open(dir).map_err(|error| damaged(&error))? else {
        return if promised == 0 { Ok(0) } else { Err(format!("the snapshot of {promised} records is gone")) };
    };
    (0..snapshot.blocks()).try_for_each(|block| snapshot.block(block).map(drop)).map_err(|error| damaged(&error))?;
    let Head { size, root } = snapshot.head();
    let known = leaves.get(..size as usize).ok_or_else(|| format!("the snapshot stands for {size} records"))?;
    if size < promised || head_of(known).root != root {
        return Err(format!("the snapshot stands for {size} other records, {promised} were promised"));
    }
    Ok(known.len())
}

/// Holds the log in `dir` against what it promised. `written`: all that was handed to it, where that is known. `look`:
/// also the auditor's way of reading it, which changes nothing.
///
/// # Errors
///
/// A promise is broken; in words.
pub fn judge(dir: &Path, promises: &[&Promise], written: Option<&Written>, look: bool) -> Result<Kept, String> {
    let looked = if look { examined(dir)? } else { None };
    let (mut writer, recovery, leaves) =
        opened(dir, Vec::new()).map_err(|error| format!("refused: {}", chain(&error)))?;
    let head = recovery.head;
    if head != head_of(&leaves) {
        return Err(format!("{} records were read, the opening says {}", leaves.len(), head.size));
    }
    if let Some(looked) = looked.filter(|looked| *looked != head) {
        return Err(format!("at rest it had {} records, the opening says {}", looked.size, head.size));
    }
    let notes =
        Checkpoints::open(dir, recovery.kept).map_err(|error| format!("checkpoints refused: {}", chain(&error)))?;
    let answered = held(promises, &leaves, &notes)?;
    let known = snapshot(dir, promises, &leaves)?;
    let mut kept = Kept {
        size: head.size,
        under_way: false,
        pieces: recovery.torn.is_some(),
        beyond_head: recovery.beyond_head > 0,
        closed: recovery.clean,
    };
    if let Some(written) = written {
        kept.under_way = head.size > answered;
        if kept.under_way && written.with_commit_under_way(answered) != Some(head.size) {
            return Err(format!("{} records, of which {answered} were answered for", head.size));
        }
        let differs = leaves.iter().zip(&written.leaves).position(|(found, written)| found != written);
        if differs.is_some() || leaves.len() > written.leaves.len() {
            return Err(format!("record {} is not the one that was written", differs.unwrap_or(written.leaves.len())));
        }
    }
    // Life goes on, and nothing is left to be put in order.
    let mut batch = Batch::new();
    for number in 0..3 {
        batch.push(&[number; 40]).map_err(|error| error.to_string())?;
    }
    let grown = writer.append(head.size, &batch).map_err(|error| format!("nothing can be appended: {error}"))?;
    drop(notes);
    writer.close().map_err(|error| format!("it cannot be closed: {error}"))?;
    let known = leaves[..known].to_vec();
    let (_writer, recovery, again) = opened(dir, known).map_err(|error| format!("then refused: {}", chain(&error)))?;
    let whole = Recovery {
        head: grown,
        clean: true,
        beyond_head: 0,
        torn: None,
        torn_head: false,
        subtrees_rebuilt: 0,
        kept: recovery.kept.clone(),
        leftovers: Vec::new(),
        unread: recovery.unread,
    };
    if recovery != whole || again[..leaves.len()] != leaves {
        return Err(format!("the second opening found {recovery:?} instead of {whole:?}"));
    }
    let notes = Checkpoints::open(dir, recovery.kept);
    let notes = notes.map_err(|error| format!("then checkpoints refused: {}", chain(&error)))?;
    held(promises, &again, &notes)?;
    Ok(kept)
}

/// Whether every promise is kept; gives how many records were answered for.
fn held(promises: &[&Promise], leaves: &[Hash], notes: &Checkpoints) -> Result<u64, String> {
    let mut answered = 0;
    for promise in promises {
        match promise {
            Promise::Size(size) => answered = answered.max(*size),
            Promise::Snapshot(_) => {}
            Promise::Receipt { position, leaf } => {
                if leaves.get(*position as usize) != Some(leaf) {
                    return Err(format!("the record of the receipt at position {position} is not there"));
                }
            }
            Promise::Note { size, text } => match notes.at_or_after(*size) {
                Ok(Some((found, note))) if found == *size && note == *text => {}
                other => return Err(format!("of the checkpoint of {size} records there is {other:?}")),
            },
        }
    }
    if (leaves.len() as u64) < answered {
        return Err(format!("LOST: {} records, {answered} were answered for", leaves.len()));
    }
    Ok(answered)
}

/// What the auditor's tool finds; `None` where there is no log yet.
fn examined(dir: &Path) -> Result<Option<Head>, String> {
    let log = match AtRest::open(dir) {
        Err(OpenError::NotALog { .. }) => return Ok(None),
        log => log.map_err(|error| format!("not examined: {}", chain(&error)))?,
    };
    let examined = log.examine(|_, _| Ok(())).map_err(|error| format!("not examined: {}", chain(&error)))?;
    match examined.findings.first() {
        Some(finding) => Err(format!("at rest: {finding}")),
        None => Ok(Some(examined.head)),
    }
}

/// An error with everything behind it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}
