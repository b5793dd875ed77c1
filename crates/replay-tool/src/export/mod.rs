//! A log in the formats of other software: the double entry for accountants' tools, tables for databases and spreadsheets,
//! records as lines. One pass over the log; what is held of it is its state, and a piece of the output.
//!
//! Reading order: [`target`] (the output, which gets its name when it is whole), [`money`] (whose each posting is),
//! [`journal`] (hledger, beancount), [`json_lines`], [`tables`] (csv, parquet, xlsx).

pub mod journal;
mod json_lines;
mod money;
pub mod tables;
mod target;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use clap::ValueEnum;
use ledger_core::time::Date;
use ledger_core::{Record, State};

use crate::error::Error;
use crate::known::{Before, Known, Window};
use crate::progress::Progress;
use crate::source::{Pass, Source};
use journal::{Beancount, Hledger, Journal};
use json_lines::JsonLines;
use tables::{Csv, Parquet, Xlsx};
use target::Target;

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A journal for hledger
    Hledger,
    /// A journal for Beancount
    Beancount,
    /// Tables as comma-separated values, in a folder
    Csv,
    /// Tables for databases, in a folder
    Parquet,
    /// Tables as the sheets of one workbook
    Xlsx,
    /// Records as lines of JSON
    Jsonl,
}

/// Where an export goes.
#[derive(Clone, Copy)]
pub enum To<'p> {
    /// A file, or a folder of tables, which must not exist. It is there when it is whole.
    Path(&'p Path),
    /// Standard output, as it comes.
    Out,
}

/// What a pass is made with.
pub struct How<'p> {
    /// Which part of the log.
    pub window: Window,
    /// How many threads read and hash.
    pub threads: usize,
    /// Who is told how far it is.
    pub progress: Progress<'p>,
}

/// Writes the export of a log; gives the number of records that were known.
///
/// # Errors
///
/// The log could not be read or is damaged, what is named exists already, or it could not be written.
pub fn run(source: &Source, format: Format, to: To<'_>, how: How<'_>, out: &mut dyn Write) -> Result<u64, Error> {
    let path = match to {
        To::Out => return text(source, format, how, out),
        To::Path(path) => path,
    };
    whole(path, |target| match format {
        Format::Hledger | Format::Beancount | Format::Jsonl => text(source, format, how, &mut target.file()?),
        Format::Csv => tables::write(source, how, Csv::begin(&target.growing())?),
        Format::Parquet => tables::write(source, how, Parquet::begin(&target.growing())?),
        Format::Xlsx => sheets(source, target, tables::SHEET_ROWS, how),
    })
}

/// Writes a workbook whose sheets have at most so many rows, the heading among them.
///
/// # Errors
///
/// As [`run`].
pub fn workbook(source: &Source, path: &Path, sheet_rows: u32, how: How<'_>) -> Result<u64, Error> {
    whole(path, |target| sheets(source, target, sheet_rows, how))
}

fn sheets(source: &Source, target: &Target, sheet_rows: u32, how: How<'_>) -> Result<u64, Error> {
    tables::write(source, how, Xlsx::begin(&target.growing(), target.hidden(), sheet_rows)?)
}

/// What is written has its name when all of it is.
fn whole(path: &Path, write: impl FnOnce(&Target) -> Result<u64, Error>) -> Result<u64, Error> {
    let target = Target::begin(path)?;
    let known = write(&target).map_err(|error| target.names(error))?;
    target.keep()?;
    Ok(known)
}

/// The formats that are one text, written from its beginning to its end.
fn text(source: &Source, format: Format, how: How<'_>, out: &mut dyn Write) -> Result<u64, Error> {
    match format {
        Format::Hledger => stream(source, how, &mut Journal::new(Hledger, out)?),
        Format::Beancount => stream(source, how, &mut Journal::new(Beancount, out)?),
        Format::Jsonl => stream(source, how, &mut JsonLines::new(out)),
        Format::Csv | Format::Parquet | Format::Xlsx => Err(Error::NeedsPath),
    }
}

/// What records are written to, one by one.
trait Sink {
    /// A record that counts, on the state before it.
    fn record(&mut self, state: &State, record: &Record<'_>, bytes: &[u8]) -> io::Result<()>;

    /// Everything was shown. `until` is the day that was asked for.
    fn end(&mut self, known: &Known, pass: &Pass, until: Option<Date>) -> io::Result<()>;
}

/// Shows the records of the window to a sink. No second state is kept for a date: a posting's date is its record's.
fn stream(source: &Source, how: How<'_>, sink: &mut dyn Sink) -> Result<u64, Error> {
    let How { window: Window { as_of, known_at }, threads, mut progress } = how;
    let mut failed = None;
    let mut show = Before(|state: &State, record: &Record<'_>, bytes: &[u8]| {
        progress.records(record.position + 1);
        if as_of.is_some_and(|date| record.occurred_at.wib_date() > date) {
            return ControlFlow::Continue(());
        }
        failed = sink.record(state, record, bytes).err();
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let read = Known::read_while(source, &Window { as_of: None, known_at }, (threads, None), &mut show);
    progress.end();
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (known, pass) = read?.expect("only a failure stops the pass");
    sink.end(&known, &pass, as_of)?;
    Ok(known.size())
}
