//! `export-log`: a log as an archive to take home. An archive of its beginning is continued.

use std::io::Write;
use std::path::Path;

use ledger_log::{ArchiveWriter, Frontier, Head, OpenError, keep_notes, kept_notes, leaf_hash};

use crate::commands::mirror;
use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::output::{Archived, Format};
use crate::source::Source;

/// Segments of an archive have `2^SEGMENT_LEVEL` records, like a log's.
pub(super) const SEGMENT_LEVEL: u32 = 20;

/// Adds to the archive in `to` what it does not have of the log. Gives whether nothing was found: otherwise the archive
/// stays as it was.
///
/// # Errors
///
/// The log could not be read, or the archive not be written.
pub fn run(source: &Source, to: &Path, format: Format, out: &mut dyn Write) -> Result<bool, Error> {
    let from = match source {
        Source::From(url) => return mirror::run(url, to, None, format, out),
        Source::Data(dir) | Source::Archive(dir) => dir,
    };
    let mut archive = ArchiveWriter::open(to, SEGMENT_LEVEL)?;
    let before = archive.head();
    let mut frontier = Frontier::default();
    let mut continues = before.size == 0;
    let mut failed: Option<OpenError> = None;
    let pass = source.bytes(&mut |position, bytes| {
        if position < before.size {
            frontier.append(leaf_hash(bytes));
            continues = frontier.size() == before.size && frontier.root() == before.root;
        } else if continues && failed.is_none() {
            failed = archive.push(bytes).err();
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mut findings = pass.findings;
    if findings.is_empty() && !continues {
        findings.push(does_not_continue(&before, pass.size));
    }
    if !findings.is_empty() {
        return Archived { before, head: before, findings }.write(format, out);
    }
    let head = archive.finish()?;
    // The archive's notes are the first of the log's; or those of another copy, which are as good.
    let (notes, kept) = (kept_notes(from)?, kept_notes(to)?);
    if let Some(new) = notes.strip_prefix(&kept).filter(|new| !new.is_empty()) {
        keep_notes(to, new)?;
    }
    Archived { before, head, findings }.write(format, out)
}

/// Why a log of `size` records cannot be added to an archive.
pub(super) fn does_not_continue(archive: &Head, size: u64) -> Finding {
    let expected = format!("a log that begins with the {} records of the archive", archive.size);
    match size < archive.size {
        true => Finding::new(Rule::Behind, expected, format!("{size} records")).at_position(size),
        false => Finding::new(Rule::Forked, expected, "other records").at_position(0),
    }
}
