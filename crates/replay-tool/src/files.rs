//! The small files that an auditor keeps: checkpoints, keys, proofs.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::Error;

/// The text of a file of at most `most` bytes.
///
/// # Errors
///
/// It cannot be read, is longer, or is no text.
pub fn read(file: &Path, most: u64) -> Result<String, Error> {
    let failed = |source| Error::File { action: "read", file: file.to_owned(), source };
    let mut text = String::new();
    let opened = File::open(file).map_err(failed)?;
    opened.take(most + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > most {
        let reason = format!("longer than {most} bytes, and so not what is looked for");
        return Err(Error::Unusable { file: file.to_owned(), reason });
    }
    Ok(text)
}

/// Fails where a file is that is to be written.
///
/// # Errors
///
/// It is there.
pub fn must_not_exist(file: &Path) -> Result<(), Error> {
    match file.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => {
            let source = std::io::ErrorKind::AlreadyExists.into();
            Err(Error::File { action: "write", file: file.to_owned(), source })
        }
        Err(source) => Err(Error::File { action: "write", file: file.to_owned(), source }),
    }
}

/// Writes a new file and syncs it. What is there is evidence: it is never written over.
///
/// # Errors
///
/// It exists, or cannot be written.
pub fn keep(file: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File { action: "write", file: file.to_owned(), source };
    let mut opened = OpenOptions::new().write(true).create_new(true).open(file).map_err(failed)?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)
}
