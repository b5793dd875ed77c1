//! `explain FINDING`: the records behind a finding, in words.

use std::io::Write;
use std::ops::ControlFlow;

use serde::Serialize;

use super::trial_balance::heading;
use crate::audit;
use crate::error::Error;
use crate::finding::Finding;
use crate::known::Window;
use crate::output::life::Entry;
use crate::output::{self, Format, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document<'a> {
    finding: &'a Finding,
    records: &'a [Entry],
}

/// Audits the log again, and writes the finding or notice of that id with every record that it cites.
///
/// # Errors
///
/// The log could not be read, has no such finding, or the answer could not be written.
pub fn run(
    source: &Source,
    id: &str,
    window: &Window,
    threads: usize,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let audit = audit::run(source, window, threads)?;
    let finding = audit.findings.iter().chain(&audit.notices).find(|finding| finding.id == id);
    let finding = finding.ok_or_else(|| Error::UnknownFinding { id: id.to_owned(), left_out: audit.left_out })?;
    let mut records = Vec::new();
    let last = finding.positions.iter().max().copied();
    source.for_each(&mut |record| {
        if finding.positions.contains(&record.position) {
            records.push(Entry::new(record, &[]));
        }
        if Some(record.position) >= last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    match format {
        Format::Json => output::json(out, &Document { finding, records: &records })?,
        Format::Text => {
            writeln!(out, "{}", heading(&format!("Finding {id}"), audit.totals.as_of, audit.totals.known_at))?;
            text::findings(std::slice::from_ref(finding), out)?;
            writeln!(out, "\nRecords behind it, in order of recording")?;
            for record in &records {
                out.write_all(record.in_words().as_bytes())?;
            }
            if let Some(participant) = finding.participant {
                writeln!(out, "\nThe whole life: replay-tool participant {participant}")?;
            }
        }
    }
    Ok(out.flush()?)
}
