//! What a command prints, and how it tells an error. Who reads no further wants no more: a closed pipe is nobody's error.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Data, to stdout.
///
/// # Errors
///
/// In words: it cannot be written, other than because nobody reads it.
pub(crate) fn data(text: impl Display) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

/// A line of diagnostics, to stderr. Where that fails there is nobody to be told.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error with everything behind it, in one line.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
