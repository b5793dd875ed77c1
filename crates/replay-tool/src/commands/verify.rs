//! `verify`: is the log whole, and does it keep the ledger's invariants?

use std::io::{self, Write};
use std::time::Instant;

use serde::Serialize;

use crate::checks::{self, Report};
use crate::error::Error;
use crate::finding::Finding;
use crate::output::{self, Format, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    size: u64,
    root: String,
    first_bad_position: Option<u64>,
    findings: &'a [Finding],
}

/// Checks the log and writes what was found; says on `err` how fast. Gives whether nothing was found.
///
/// # Errors
///
/// The log could not be read, or the answer not be written.
pub fn run(source: &Source, format: Format, out: &mut dyn Write, err: &mut dyn Write) -> Result<bool, Error> {
    let started = Instant::now();
    let report = checks::verify(source)?;
    let seconds = started.elapsed().as_secs_f64();
    // Diagnostics that nobody can read are no reason to fail.
    let rate = if seconds > 0.0 { report.size as f64 / seconds } else { 0.0 };
    let _ = writeln!(err, "{} records in {seconds:.2} s, {rate:.0}/s", report.size);
    for note in &report.notes {
        let _ = writeln!(err, "note: {note}");
    }
    if report.left_out > 0 {
        let _ = writeln!(err, "{} more findings are not shown", report.left_out);
    }
    let written = match format {
        Format::Json => output::json(
            out,
            &Document {
                ok: report.ok(),
                size: report.size,
                root: hex::encode(report.root),
                first_bad_position: report.first_bad_position,
                findings: &report.findings,
            },
        ),
        Format::Text => table(source, &report, out),
    };
    match written.and_then(|()| out.flush()) {
        // What was found counts, whoever stopped reading.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report.ok()),
    }
}

fn table(source: &Source, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "log      {source}")?;
    writeln!(out, "records  {}", text::count(report.size))?;
    writeln!(out, "root     {}", hex::encode(report.root))?;
    if report.ok() {
        return writeln!(out, "result   clean: the log is whole, and the money adds up at every position");
    }
    let findings = report.findings.len() as u64 + report.left_out;
    writeln!(out, "result   {} findings", text::count(findings))?;
    if let Some(position) = report.first_bad_position {
        writeln!(out, "         first bad position: {position}")?;
    }
    for (number, finding) in (1..).zip(&report.findings) {
        writeln!(out, "\n{number}. {}", finding.at())?;
        writeln!(out, "   expected  {}", finding.expected)?;
        writeln!(out, "   found     {}", finding.found)?;
        if let Some(amount) = finding.amount {
            writeln!(out, "   amount    Rp{}", text::rupiah(amount))?;
        }
        writeln!(out, "   next      {}", finding.next)?;
    }
    Ok(())
}
