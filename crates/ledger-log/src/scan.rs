//! One pass over every record of a volume: checked, hashed, compared with the head, shown to a visitor.
//!
//! Records are shown only when their whole commit was read, so a visitor never sees a record that is cut afterwards.
//!
//! What may be cut is decided by two witnesses, since the head may be older than the log (see `head`): the head itself,
//! and each whole chunk, whose commit was only begun when all earlier commits were durable. A fault at or after both
//! is the remains of a commit that nobody was answered for; before either of them it is damage.

use crate::chunk::Chunk;
use crate::error::{Damage, OpenError, VisitError};
use crate::head::Head;
use crate::merkle::{Frontier, leaf_hash};
use crate::subtrees;
use crate::volume::{Stored, Volume};

/// Chunks read from the store in one go: about 2 MB.
const READ_AHEAD: usize = 256;

/// What a visitor is called with: position and bytes of each record, in order.
pub(crate) type Visitor<'a> = dyn FnMut(u64, &[u8]) -> Result<(), VisitError> + 'a;

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

/// The result of a pass that found no damage.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) torn: Option<TornTail>,
    pub(crate) subtrees: subtrees::Compared,
    /// Nodes of `subtrees` from the first difference on.
    pub(crate) subtrees_anew: Vec<u8>,
}

struct Fault {
    at: u64,
    expected: String,
    found: String,
}

/// Reads the whole volume. `head` is what the head file says; `frontier` starts empty and covers the records that were
/// found good, also when the result is damage.
pub(crate) fn scan(
    volume: &Volume,
    head: Head,
    mut check: subtrees::Check,
    frontier: &mut Frontier,
    visit: &mut Visitor<'_>,
) -> Result<Scanned, OpenError> {
    let mut commit: Vec<(Chunk, sled::IVec)> = Vec::new();
    let mut next = 0;
    let root_at_head = |frontier: &Frontier| match frontier.size() == head.size && frontier.root() != head.root {
        // The records before are intact one by one, yet not those that were acknowledged; which one is not known.
        true => Err(Damage::new(0, "live", "the root that head names for its size", "records with another root")),
        false => Ok(()),
    };
    root_at_head(frontier)?;
    let fault = 'pass: loop {
        let block = match volume.chunks_from(next, READ_AHEAD) {
            Ok(block) => block,
            Err(error) => {
                break Some(Fault { at: next, expected: "a readable volume".to_owned(), found: error.to_string() });
            }
        };
        if block.is_empty() {
            break None;
        }
        for (position, value) in block {
            let chunk = match take(next, commit.first().map(|(chunk, _)| chunk), (position, &value)) {
                Ok(chunk) => chunk,
                Err(fault) => break 'pass Some(fault),
            };
            next = chunk.end();
            let whole = next == chunk.commit_end;
            commit.push((chunk, value));
            if !whole {
                continue;
            }
            for (chunk, value) in commit.drain(..) {
                for (position, record) in chunk.records(&value) {
                    check.append(frontier, leaf_hash(record));
                    visit(position, record).map_err(|source| OpenError::Record { position, source })?;
                }
            }
            if frontier.size() > head.size && chunk.commit_first < head.size {
                return Err(Damage::new(
                    chunk.commit_first,
                    "head",
                    "a size at the end of a commit",
                    format!("{} inside the commit {}..{}", head.size, chunk.commit_first, chunk.commit_end),
                )
                .into());
            }
            root_at_head(frontier)?;
        }
    };

    let fault = fault.or_else(|| {
        (!commit.is_empty()).then(|| Fault {
            at: next,
            expected: "the rest of the commit".to_owned(),
            found: "the end of the volume".to_owned(),
        })
    });
    let torn = match fault {
        None => None,
        Some(fault) => Some(judge(volume, head, frontier.size(), fault)?),
    };
    if frontier.size() < head.size {
        let size = frontier.size();
        let expected = format!("{} records, as head says", head.size);
        return Err(Damage::new(size, "live", expected, format!("{size} records")).into());
    }
    let (subtrees, subtrees_anew) = check.finish();
    Ok(Scanned { torn, subtrees, subtrees_anew })
}

/// The stored chunk, if it is the one that must follow.
fn take(next: u64, commit: Option<&Chunk>, (position, value): (u64, &sled::IVec)) -> Result<Chunk, Fault> {
    if position != next {
        let (expected, found) = (format!("a chunk at position {next}"), format!("the next one at {position}"));
        return Err(Fault { at: next, expected, found });
    }
    let chunk = Chunk::parse(position, value).map_err(|fault| Fault {
        at: next,
        expected: "a whole chunk".to_owned(),
        found: fault.to_string(),
    })?;
    let (commit_first, commit_end) = commit.map_or((next, chunk.commit_end), |c| (c.commit_first, c.commit_end));
    if (chunk.commit_first, chunk.commit_end) != (commit_first, commit_end) {
        let found = format!("a chunk of the commit {}..{}", chunk.commit_first, chunk.commit_end);
        return Err(Fault { at: next, expected: format!("a chunk of the commit from {commit_first}"), found });
    }
    Ok(chunk)
}

/// Damage, or the remains of a commit that was never answered for? `good`: records in whole commits before the fault.
fn judge(volume: &Volume, head: Head, good: u64, fault: Fault) -> Result<TornTail, Damage> {
    let damage = |Fault { at, expected, found }: Fault| Damage::new(at, "live", expected, found);
    if good < head.size {
        return Err(damage(fault));
    }
    let mut from = fault.at;
    loop {
        let block = match volume.chunks_from(from, READ_AHEAD) {
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
