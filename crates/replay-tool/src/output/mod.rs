//! How answers look: JSON for programs, tables for people.

mod archived;
pub mod axis;
pub mod fields;
pub mod life;
pub mod person;
pub mod style;
pub mod text;

use std::io::{self, Write};

pub use archived::Archived;

use serde::Serialize;

/// Whether programs or people read the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON document.
    Json,
    /// Text for people.
    Text,
}

/// Writes one JSON document and a line end.
///
/// # Errors
///
/// The output cannot be written; its kind is kept, so that a closed pipe is known as one.
pub fn json(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    json_part(out, document)?;
    writeln!(out)
}

/// Writes one JSON value, a part of a document.
///
/// # Errors
///
/// The output cannot be written.
pub fn json_part(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}
