//! `verify`: is the log whole, and does it keep the ledger's invariants?

use std::io::{self, Write};
use std::time::Instant;

use ledger_log::Checkpoint;
use serde::Serialize;

use crate::checks::{self, Report};
use crate::error::Error;
use crate::finding::Finding;
use crate::output::{self, Format, style, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    size: u64,
    root: String,
    first_bad_position: Option<u64>,
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Signed<'a>>,
}

/// The checkpoint that the log was held against.
#[derive(Serialize)]
struct Signed<'a> {
    origin: &'a str,
    size: u64,
    root: String,
}

/// Checks the log, against a checkpoint where there is one, and writes what was found; says on `err` how fast. Gives
/// whether nothing was found.
///
/// # Errors
///
/// The log could not be read, or the answer not be written.
pub fn run(
    source: &Source,
    checkpoint: Option<&Checkpoint>,
    threads: usize,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<bool, Error> {
    let started = Instant::now();
    let report = checks::verify(source, checkpoint, threads)?;
    text::pace(err, (report.size, report.threads), started.elapsed(), &report.notes);
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
                checkpoint: checkpoint.map(|Checkpoint { origin, head }| Signed {
                    origin,
                    size: head.size,
                    root: hex::encode(head.root),
                }),
            },
        ),
        Format::Text => table(source, checkpoint, &report, out),
    };
    match written.and_then(|()| out.flush()) {
        // What was found counts, whoever stopped reading.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report.ok()),
    }
}

fn table(source: &Source, checkpoint: Option<&Checkpoint>, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "log      {source}")?;
    writeln!(out, "records  {}", text::count(report.size))?;
    writeln!(out, "root     {}", hex::encode(report.root))?;
    if let Some(Checkpoint { origin, head }) = checkpoint {
        writeln!(out, "against  the checkpoint of {origin} over {} records", text::count(head.size))?;
    }
    if report.ok() {
        if checkpoint.is_some() {
            writeln!(out, "         the log begins with these records, unchanged")?;
        }
        let clean = style::good("clean");
        return writeln!(out, "result   {clean}: the log is whole, and the money adds up at every position");
    }
    let findings = report.findings.len() as u64 + report.left_out;
    writeln!(out, "result   {}", style::bad(format!("{} findings", text::count(findings))))?;
    if let Some(position) = report.first_bad_position {
        writeln!(out, "         first bad position: {position}")?;
    }
    text::findings(&report.findings, out)
}
