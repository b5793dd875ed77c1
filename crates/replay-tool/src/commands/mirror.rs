//! `mirror`: an archive of a running server's log, brought up to date each time. A mirror never follows a fork: what it
//! holds, and every segment that it adds, must be proven to be a beginning of the log that the server signs now.

use std::io::Write;
use std::path::Path;

use ledger_log::{ArchiveWriter, Checkpoint, Head, NoteVerifier, keep_notes, kept_notes};

use crate::checks::proven;
use crate::commands::export_log::{SEGMENT_LEVEL, does_not_continue};
use crate::error::Error;
use crate::finding::Finding;
use crate::output::{Archived, Format};
use crate::source::{self, Server, Source};

/// Brings the archive in `to` up to the server's newest checkpoint, which `key` must have signed where one is given, or to
/// its head where it signs nothing. Gives whether nothing was found: otherwise the archive holds what was proven.
///
/// # Errors
///
/// The server could not be asked, gave no checkpoint that the key signed, or the archive not be written.
pub fn run(
    url: &Server,
    to: &Path,
    key: Option<&NoteVerifier>,
    format: Format,
    out: &mut dyn Write,
) -> Result<bool, Error> {
    let mut archive = ArchiveWriter::open(to, SEGMENT_LEVEL)?;
    let before = archive.head();
    let (target, note) = target(url, key)?;
    let mut held = before;
    let mut finding = unproven(url, &before, &target)?;
    while finding.is_none() && archive.head().size < target.size {
        // Up to the end of a segment, which is then kept.
        let from = archive.head().size;
        let to = target.size.min(((from >> SEGMENT_LEVEL) + 1) << SEGMENT_LEVEL);
        source::records(url, from, to, &mut |record| Ok(archive.push(record).map(drop)?))?;
        finding = unproven(url, &archive.head(), &target)?;
        if finding.is_none() {
            archive.keep()?;
            held = archive.head();
        }
    }
    if let Some(finding) = finding {
        return Archived { before, head: held, findings: vec![finding] }.write(format, out);
    }
    let head = archive.finish()?;
    if let Some(note) = note.map(|note| note + "\n").filter(|_| head.size > 0)
        && !kept_notes(to)?.ends_with(&note)
    {
        keep_notes(to, &note)?;
    }
    Archived { before, head, findings: Vec::new() }.write(format, out)
}

/// What the mirror shall hold, and the note that says so.
fn target(url: &Server, key: Option<&NoteVerifier>) -> Result<(Head, Option<String>), Error> {
    let odd = |error: ledger_log::NoteError| Error::server(url, "read its checkpoint", error.to_string());
    match (source::signed_checkpoint(url), key) {
        (Ok(note), Some(key)) => Ok((key.checkpoint(&note).map_err(odd)?.head, Some(note))),
        (Ok(note), None) => {
            let text = note.split_once("\n\n").map_or(note.as_str(), |(text, _)| text);
            Ok((Checkpoint::parse(text).map_err(odd)?.head, Some(note)))
        }
        (Err(error), Some(_)) => Err(error),
        // It may sign nothing; whether it can be asked at all is seen next.
        (Err(_), None) => Ok((source::head(url)?, None)),
    }
}

/// Why these records are not the beginning of the server's log, if they are not.
fn unproven(url: &Server, held: &Head, target: &Head) -> Result<Option<Finding>, Error> {
    if held.size > target.size {
        return Ok(Some(does_not_continue(held, target.size)));
    }
    if held.size == target.size || held.size == 0 {
        let same = held.size == 0 || held.root == target.root;
        return Ok((!same).then(|| does_not_continue(held, target.size)));
    }
    let proof = Source::From(url.clone()).consistency(held.size, Some(target.size))?;
    let finding = proven::consistency(&proof, target, Some(held))?;
    Ok(finding.map(|found| Finding { found: found.found, ..does_not_continue(held, target.size) }))
}
