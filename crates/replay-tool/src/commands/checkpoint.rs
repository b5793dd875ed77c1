//! `checkpoint`: the size and root of a log, as the text that a keeper signs; from a server, the note that it signed.

use std::io::Write;
use std::path::Path;

use ledger_log::{Checkpoint, Head};
use serde::Serialize;

use crate::error::Error;
use crate::files;
use crate::output::{self, Format};
use crate::source::{self, Source};

#[derive(Serialize)]
struct Document<'a> {
    origin: &'a str,
    size: u64,
    root: String,
    /// What the server signed, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// Writes the checkpoint, and keeps it in a new file where one is named.
///
/// # Errors
///
/// The log could not be read, is damaged, or signs nothing; the file exists; the answer could not be written.
pub fn run(
    source: &Source,
    origin: &str,
    keep: Option<&Path>,
    format: Format,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    let (text, checkpoint, note) = match source {
        Source::From(url) => {
            let note = source::signed_checkpoint(url)?;
            let text = note.split_once("\n\n").map_or(note.as_str(), |(text, _)| text);
            let odd = |error: ledger_log::NoteError| Error::server(url, "read its checkpoint", error.to_string());
            let checkpoint = Checkpoint::parse(text).map_err(odd)?;
            // Diagnostics that nobody can read are no reason to fail.
            let _ = writeln!(err, "note: nothing was checked: verify --checkpoint F --key VKEY does that");
            (note.clone(), checkpoint, Some(note))
        }
        Source::Data(_) | Source::Archive(_) => {
            let pass = source.bytes(&mut |_, _| {})?;
            if let Some(finding) = pass.findings.into_iter().next() {
                return Err(Error::Damaged(Box::new(finding)));
            }
            let head = Head { size: pass.size, root: pass.root };
            let checkpoint = Checkpoint { origin: origin.to_owned(), head };
            let _ = writeln!(err, "note: unsigned: it is evidence only once the keeper of the ledger signs it");
            (checkpoint.text(), checkpoint, None)
        }
    };
    if let Some(file) = keep {
        files::keep(file, &text)?;
    }
    match format {
        Format::Json => {
            let Checkpoint { origin, head } = &checkpoint;
            let root = hex::encode(head.root);
            output::json(out, &Document { origin, size: head.size, root, note: note.as_deref() })?;
        }
        Format::Text => out.write_all(text.as_bytes())?,
    }
    Ok(out.flush()?)
}
