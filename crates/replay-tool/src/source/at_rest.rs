//! Records of a folder.

use std::path::Path;

use ledger_log::{AtRest, Damage};

use super::{Pass, Show, Visit, first_bad};
use crate::error::Error;
use crate::finding::{Finding, Rule};

pub(super) fn pass(dir: &Path, visit: &mut Visit<'_>) -> Result<Pass, Error> {
    let log = AtRest::open(dir)?;
    let mut show = Show::new(visit);
    let examined = log.examine(|position, bytes| {
        show.record(position, bytes);
        Ok(())
    })?;
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
    let mut findings: Vec<_> = examined.findings.iter().map(damaged).collect();
    findings.extend(show.undecodable);
    Ok(Pass {
        size: examined.head.size,
        root: examined.head.root,
        first_bad_position: first_bad(&findings),
        findings,
        notes,
    })
}

fn damaged(damage: &Damage) -> Finding {
    let found = format!("{}: {}", damage.place, damage.found);
    let finding = Finding::new(Rule::StoredLog, damage.expected.as_str(), found);
    Finding { next: damage.next, ..finding.at_position(damage.first_bad_position) }
}
