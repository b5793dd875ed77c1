//! What was added to an archive, or why nothing was.

use std::io::{self, Write};

use ledger_log::Head;
use serde::Serialize;

use super::{Format, json, text};
use crate::error::Error;
use crate::finding::Finding;

/// An archive before and after something was to be added.
#[derive(Clone, Debug)]
pub struct Archived {
    /// What it held before.
    pub before: Head,
    /// What it holds.
    pub head: Head,
    /// Why it stayed as it was.
    pub findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    size: u64,
    root: String,
    added: u64,
    findings: &'a [Finding],
}

impl Archived {
    /// Writes it; gives whether nothing was found.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> Result<bool, Error> {
        let Self { before, head, findings } = self;
        let (root, added) = (hex::encode(head.root), head.size - before.size);
        let ok = findings.is_empty();
        let written = match format {
            Format::Json => json(out, &Document { ok, size: head.size, root, added, findings }),
            Format::Text => self.text(&root, added, out),
        };
        match written.and_then(|()| out.flush()) {
            // What was done counts, whoever stopped reading.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(ok),
        }
    }

    fn text(&self, root: &str, added: u64, out: &mut dyn Write) -> io::Result<()> {
        let size = text::count(self.head.size);
        if self.findings.is_empty() {
            return writeln!(out, "{} records added; the archive holds {size}, root {root}", text::count(added));
        }
        writeln!(out, "nothing added; the archive holds {size} records, root {root}")?;
        text::findings(&self.findings, out)
    }
}
