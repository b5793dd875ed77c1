//! `check-proof`: is what a proof says true of the log whose checkpoint was signed? From the files alone.

use std::io::{self, Write};

use ledger_log::{Checkpoint, record};
use serde::Serialize;

use crate::checks::proven;
use crate::error::Error;
use crate::finding::Finding;
use crate::output::{self, Format, text};
use crate::proof::Proof;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    origin: &'a str,
    size: u64,
    root: String,
    findings: &'a [Finding],
}

/// Checks the proof and writes what it proves. Gives whether it does.
///
/// # Errors
///
/// The proof is for other sizes than the checkpoints, or the answer could not be written.
pub fn run(
    proof: &Proof,
    checkpoint: &Checkpoint,
    earlier: Option<&Checkpoint>,
    format: Format,
    out: &mut dyn Write,
) -> Result<bool, Error> {
    let Checkpoint { origin, head } = checkpoint;
    let finding = match proof {
        Proof::Inclusion(_) if earlier.is_some() => return Err(Error::NoEarlier),
        Proof::Inclusion(proof) => proven::inclusion(proof, head)?,
        Proof::Consistency(proof) => proven::consistency(proof, head, earlier.map(|earlier| &earlier.head))?,
    };
    let ok = finding.is_none();
    let findings: Vec<_> = finding.into_iter().collect();
    let written = match format {
        Format::Json => {
            let root = hex::encode(head.root);
            output::json(out, &Document { ok, origin, size: head.size, root, findings: &findings })
        }
        Format::Text => table(proof, checkpoint, &findings, out),
    };
    match written.and_then(|()| out.flush()) {
        // What was found counts, whoever stopped reading.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ok),
    }
}

fn table(proof: &Proof, checkpoint: &Checkpoint, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let Checkpoint { origin, head } = checkpoint;
    writeln!(out, "log     {origin}, {} records, root {}", text::count(head.size), hex::encode(head.root))?;
    match proof {
        Proof::Inclusion(proof) => {
            let said = record::decode(&proof.record).map_or_else(
                |_| "cannot be read by this tool".to_owned(),
                |record| match record.participant {
                    Some(participant) => format!("{} of participant {participant}", record.event.name()),
                    None => record.event.name().to_owned(),
                },
            );
            writeln!(out, "claim   its record {} is the one in the proof: {said}", text::count(proof.position))?;
        }
        Proof::Consistency(proof) => {
            let (size, root) = (text::count(proof.old_size), hex::encode(proof.old_root));
            writeln!(out, "claim   it begins with the log of {size} records, root {root}")?;
        }
    }
    if findings.is_empty() {
        return writeln!(out, "result  proven");
    }
    writeln!(out, "result  not proven")?;
    text::findings(findings, out)
}
