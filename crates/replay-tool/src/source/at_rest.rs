//! Records of a folder, and proofs from it.

use ledger_core::state::AHEAD;
use ledger_log::{AtRest, AtRestReader, Damage, Examined, OpenError, leaf_hash};

use super::{Pass, VisitBatch, VisitBytes};
use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::proof::{Consistency, Inclusion};

pub(super) fn pass(log: &AtRest, visit: &mut VisitBytes<'_>) -> Result<Pass, Error> {
    let examined = log.examine(|position, bytes| {
        visit(position, bytes);
        Ok(())
    })?;
    Ok(found(&examined))
}

/// Like [`pass`] by several threads, until `visit` breaks; `None` where it did.
pub(super) fn pass_while(log: &AtRest, threads: usize, visit: &mut VisitBatch<'_>) -> Result<Option<Pass>, Error> {
    let mut stopped = false;
    let examined = log.examine_ahead(threads, |window| {
        let (mut records, mut some) = (window.records(), Vec::with_capacity(AHEAD));
        loop {
            some.clear();
            some.extend(records.by_ref().take(AHEAD));
            let Some(&(position, _)) = some.first() else { return Ok(()) };
            if visit(&some).is_break() {
                stopped = true;
                return Err(OpenError::Record { position, source: "the pass was stopped here".into() });
            }
        }
    });
    if stopped { Ok(None) } else { Ok(Some(found(&examined?))) }
}

fn found(examined: &Examined) -> Pass {
    Pass {
        size: examined.head.size,
        root: examined.head.root,
        findings: examined.findings.iter().map(damaged).collect(),
        notes: notes(examined),
        first_bad_position: None,
    }
}

/// What is worth knowing of a log and not wrong.
pub(crate) fn notes(examined: &Examined) -> Vec<String> {
    let mut notes = Vec::new();
    if !examined.clean {
        notes.push("the log was not closed in good order: a server was killed, or the power went".to_owned());
    }
    if examined.beyond_head > 0 {
        notes.push(format!("{} records beyond the stored head, whole and durable", examined.beyond_head));
    }
    if let Some(torn) = &examined.torn {
        notes.push(format!(
            "pieces of a commit from position {} on that nobody was answered for: {}",
            torn.from, torn.found
        ));
    }
    if !examined.leftovers.is_empty() {
        let names = examined.leftovers.join(", ");
        notes.push(format!("left over from an interrupted start or stop of a server, and of no consequence: {names}"));
    }
    notes
}

/// The proof of a record in the log as it is, or as it was at a size.
pub(super) fn inclusion(log: AtRest, position: u64, size: Option<u64>) -> Result<Inclusion, Error> {
    let reader = whole(log)?;
    let size = size.unwrap_or(reader.head().size);
    let path = reader.inclusion_proof(position, size)?;
    let record = reader.get(position)?.to_vec();
    Ok(Inclusion { position, size, leaf_hash: leaf_hash(&record), record, path })
}

/// The proof that the log, as it is or as it was at a size, begins with its first `old` records.
pub(super) fn consistency(log: AtRest, old: u64, new: Option<u64>) -> Result<Consistency, Error> {
    let reader = whole(log)?;
    let new_size = new.unwrap_or(reader.head().size);
    let path = reader.consistency_proof(old, new_size)?;
    Ok(Consistency { old_size: old, new_size, old_root: reader.root_at(old)?, path })
}

/// A reader of a log that has no findings.
fn whole(log: AtRest) -> Result<AtRestReader, Error> {
    let (examined, reader) = log.into_reader()?;
    if let Some(damage) = examined.findings.first() {
        return Err(Error::Damaged(Box::new(damaged(damage))));
    }
    reader.ok_or_else(|| Error::EmptyLog)
}

/// Damage as a finding.
pub(crate) fn damaged(damage: &Damage) -> Finding {
    let found = format!("{}: {}", damage.place, damage.found);
    let finding = Finding::new(Rule::StoredLog, damage.expected.as_str(), found);
    Finding { next: damage.next, ..finding.at_position(damage.first_bad_position) }
}
