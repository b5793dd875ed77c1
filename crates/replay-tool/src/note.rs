//! Signed checkpoints that an auditor kept, and the keys that they are verified with.

use std::path::Path;

use ledger_log::{Checkpoint, NoteVerifier};

use crate::error::Error;
use crate::files;

/// A checkpoint and a key are a few hundred bytes; witnesses may add signatures.
const MOST_BYTES: u64 = 1 << 16;

/// The key of `--key`: its text, or the file that holds it.
///
/// # Errors
///
/// It is neither.
pub fn key(text: &str) -> Result<NoteVerifier, Error> {
    if let Ok(key) = NoteVerifier::parse(text) {
        return Ok(key);
    }
    let file = Path::new(text);
    if !file.exists() {
        return Err(Error::NotAKey { text: text.to_owned() });
    }
    let text = files::read(file, MOST_BYTES)?;
    NoteVerifier::parse(&text).map_err(|error| Error::Unusable { file: file.to_owned(), reason: error.to_string() })
}

/// The checkpoint in a file, which the key must have signed.
///
/// # Errors
///
/// The file cannot be read, or is no checkpoint signed by this key.
pub fn checkpoint(file: &Path, key: &NoteVerifier) -> Result<Checkpoint, Error> {
    let note = files::read(file, MOST_BYTES)?;
    key.checkpoint(&note).map_err(|error| Error::Unusable { file: file.to_owned(), reason: error.to_string() })
}
