//! `report --html FILE`: one page that can be handed in, with all its drawings and tables inside.

use std::io::Write;
use std::path::Path;

use crate::error::Error;
use crate::files;
use crate::known::Window;
use crate::output::text;
use crate::progress::Progress;
use crate::report::words::Lang;
use crate::report::{Report, page};
use crate::source::Source;

/// Writes the report into a new file; says how far it is where a person waits. Gives whether nothing was found.
///
/// # Errors
///
/// The log could not be read, the file exists or could not be written.
pub fn run(
    source: &Source,
    window: &Window,
    threads: usize,
    lang: Lang,
    file: &Path,
    progress: &mut Progress<'_>,
    out: &mut dyn Write,
) -> Result<bool, Error> {
    // Better now than after minutes.
    files::must_not_exist(file)?;
    let report = Report::read(source, window, threads, progress)?;
    files::keep(file, &page(&report, lang, &commands(source, &report)))?;
    writeln!(
        out,
        "{}: {} records, {} findings",
        file.display(),
        text::count(report.known_at),
        text::count(report.audit.findings.len() as u64)
    )?;
    out.flush()?;
    Ok(report.audit.findings.is_empty())
}

/// The commands whose answers are the report's figures.
fn commands(source: &Source, report: &Report) -> Vec<String> {
    let from = match source {
        Source::Data(dir) => format!("--data {}", dir.display()),
        Source::Archive(dir) => format!("--archive {}", dir.display()),
        Source::From(url) => format!("--from {url}"),
    };
    // The log may grow: the same records are asked for.
    let known = report.known_at.checked_sub(1).map_or_else(String::new, |last| format!(" --known-at {last}"));
    let day = report.as_of.map_or_else(String::new, |day| format!(" --as-of {day}"));
    let ask = |command: &str| format!("replay-tool {command} {from}{known}{day} --json");
    vec![format!("replay-tool verify {from} --json"), ask("audit"), ask("trial-balance"), ask("balances")]
}
