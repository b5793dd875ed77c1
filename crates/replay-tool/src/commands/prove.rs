//! `prove`: a proof as a file that an auditor keeps.

use std::io::Write;
use std::path::Path;

use crate::error::Error;
use crate::files;
use crate::output::text;
use crate::proof::Proof;
use crate::source::Source;

/// What is to be proven, of the log as it is or as it was at a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The record at a position is in the log.
    Inclusion(u64),
    /// The log begins with its first records, this many.
    Consistency(u64),
}

/// Writes the proof to a new file and says what it is.
///
/// # Errors
///
/// The log could not be read, is damaged or not that long; the file exists.
pub fn run(source: &Source, claim: Claim, size: Option<u64>, file: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let proof = match claim {
        Claim::Inclusion(position) => Proof::Inclusion(source.inclusion(position, size)?),
        Claim::Consistency(old) => Proof::Consistency(source.consistency(old, size)?),
    };
    files::keep(file, &proof.text()?)?;
    match &proof {
        Proof::Inclusion(proof) => {
            writeln!(out, "record     {}", text::count(proof.position))?;
            writeln!(out, "leaf hash  {}", hex::encode(proof.leaf_hash))?;
        }
        Proof::Consistency(proof) => {
            writeln!(out, "records    the first {}", text::count(proof.old_size))?;
            writeln!(out, "root       {}", hex::encode(proof.old_root))?;
        }
    }
    let (size, file) = (text::count(proof.size()), file.display());
    writeln!(out, "in         the log of {size} records")?;
    writeln!(out, "kept in    {file}; check it against a signed checkpoint of that size: replay-tool check-proof")?;
    Ok(out.flush()?)
}
