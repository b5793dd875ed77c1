//! `compare`: two copies of a log, and whether one goes on from the other.

use std::io::{self, Write};

use serde::Serialize;

use crate::checks::{self, Comparison};
use crate::error::Error;
use crate::output::{self, Format, text};
use crate::source::{Pass, Source};

#[derive(Serialize)]
struct Document {
    relation: Relation,
    first_difference: Option<u64>,
    a: Copy,
    b: Copy,
}

#[derive(Serialize)]
struct Copy {
    source: String,
    size: u64,
    root: String,
}

/// How two copies stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Relation {
    Same,
    AExtendsB,
    BExtendsA,
    Forked,
}

/// Compares two copies and writes how they stand to each other. Gives whether they agree as far as both go.
///
/// # Errors
///
/// A copy could not be read or is damaged, or the answer could not be written.
pub fn run(a: &Source, b: &Source, format: Format, out: &mut dyn Write) -> Result<bool, Error> {
    let Comparison { a: in_a, b: in_b, first_difference } = checks::compare(a, b)?;
    let relation = match first_difference {
        Some(_) => Relation::Forked,
        None if in_a.size > in_b.size => Relation::AExtendsB,
        None if in_a.size < in_b.size => Relation::BExtendsA,
        None => Relation::Same,
    };
    let written = match format {
        Format::Json => {
            let copy = |source: &Source, pass: &Pass| Copy {
                source: source.to_string(),
                size: pass.size,
                root: hex::encode(pass.root),
            };
            output::json(out, &Document { relation, first_difference, a: copy(a, &in_a), b: copy(b, &in_b) })
        }
        Format::Text => table([("A", a, &in_a), ("B", b, &in_b)], relation, first_difference, out),
    };
    match written.and_then(|()| out.flush()) {
        // What was found counts, whoever stopped reading.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(relation != Relation::Forked),
    }
}

fn table(
    copies: [(&str, &Source, &Pass); 2],
    relation: Relation,
    first_difference: Option<u64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (name, source, pass) in copies {
        let (size, root) = (text::count(pass.size), hex::encode(pass.root));
        writeln!(out, "{name}       {source}: {size} records, root {root}")?;
    }
    let said = match (relation, first_difference) {
        (Relation::AExtendsB, _) => "A goes on from B: B has its first records, unchanged".to_owned(),
        (Relation::BExtendsA, _) => "B goes on from A: A has its first records, unchanged".to_owned(),
        (Relation::Forked, Some(position)) => format!("forked: the records at position {position} differ"),
        (Relation::Forked | Relation::Same, _) => "the same log".to_owned(),
    };
    writeln!(out, "result  {said}")
}
