//! The log as tables, for databases and spreadsheets. [`columns`] is the only place that says which tables and columns there
//! are: what is written, and `docs/exports.md`, follow from it.
//!
//! Facts are written as their records come by; how participants stand is written at the end, from the state.

mod columns;
mod csv;
mod parquet;
mod xlsx;

use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use ledger_core::event::Event;
use ledger_core::ids::ParticipantId;
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Record, State};

pub use columns::Which;
pub(super) use csv::Csv;
pub(super) use parquet::Parquet;
pub(super) use xlsx::{SHEET_ROWS, Xlsx};

use super::{How, money};
use crate::error::Error;
use crate::known::{Before, Known};
use crate::source::Source;
use columns::{Case, Entitled, Fact, Linked, Ordered, Outcome, Person, Posted, Purchased};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, an identifier, a code.
    Text,
    /// A whole number.
    Number,
    /// Whole rupiah.
    Rupiah,
    /// A civil date in WIB.
    Date,
    /// An instant, UTC.
    Time,
    /// Yes or no.
    Flag,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row may have nothing there.
    pub optional: bool,
    /// What it says.
    pub about: &'static str,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, that of the file or sheet.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

/// What a row has in one column; of the column's [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'r> {
    Text(Option<Cow<'r, str>>),
    Number(Option<i64>),
    Rupiah(Option<i64>),
    Date(Option<Date>),
    Time(Option<Timestamp>),
    Flag(Option<bool>),
}

/// What rows are written to. Rows of different tables come in any order.
pub(super) trait Sink {
    /// A row, its cells in the order of the table's columns.
    fn row(&mut self, table: Which, cells: &[Cell<'_>]) -> io::Result<()>;

    /// There are no more rows.
    fn end(self) -> io::Result<()>;
}

/// Writes every table; gives the number of records that were known.
pub(super) fn write(source: &Source, how: How<'_>, sink: impl Sink) -> Result<u64, Error> {
    let How { window, threads, mut progress } = how;
    let mut rows = Rows { sink, failed: None };
    let mut show = Before(|state: &State, record: &Record<'_>, bytes: &[u8]| {
        progress.records(record.position + 1);
        if window.as_of.is_none_or(|date| record.occurred_at.wib_date() <= date) {
            rows.record(state, record, bytes);
        }
        if rows.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let read = Known::read_while(source, &window, (threads, None), &mut show);
    progress.end();
    if let Some(error) = rows.failed {
        return Err(error.into());
    }
    let (known, _) = read?.expect("only a failure stops the pass");
    rows.participants(&known);
    match rows.failed {
        Some(error) => Err(error.into()),
        None => rows.sink.end().map(|()| known.size()).map_err(Error::Output),
    }
}

/// Rows on their way to the sink, up to the first that cannot be written.
struct Rows<S> {
    sink: S,
    failed: Option<io::Error>,
}

impl<S: Sink> Rows<S> {
    fn put(&mut self, table: Which, cells: &[Cell<'_>]) {
        if self.failed.is_none() {
            self.failed = self.sink.row(table, cells).err();
        }
    }

    /// The rows of one record, on the state before it.
    fn record(&mut self, state: &State, record: &Record<'_>, bytes: &[u8]) {
        let fact = Fact { record, bytes };
        self.put(Which::Records, &columns::records(&fact));
        money::of(state, record, &mut |participant: ParticipantId, posting| {
            self.put(Which::Postings, &columns::postings(&Posted { record, participant, posting }));
        });
        if let Some((kind, outcome)) = record.event.as_outcome() {
            self.put(Which::Outcomes, &columns::outcomes(&Outcome { record, kind, outcome }));
        }
        match &record.event {
            Event::TrainingBought(e) => self.put(Which::Courses, &columns::courses(&Purchased { record, bought: e })),
            Event::PayoutInstructed(e) => {
                self.put(Which::Instructions, &columns::instructions(&Ordered { record, order: e }));
            }
            event => {
                if let Some(case) = Case::of(record, event) {
                    self.put(Which::Cases, &columns::cases(&case));
                } else if record.participant.is_none() {
                    self.put(Which::Programme, &columns::programme(&fact));
                }
            }
        }
    }

    /// How everybody stands at the end.
    fn participants(&mut self, known: &Known) {
        for (view, balances) in known.participants() {
            let person = Person { view: &view, balances: &balances };
            self.put(Which::Participants, &columns::participants(&person));
            for purchase in &view.purchases {
                self.put(Which::Purchases, &columns::purchases(&(view.id, purchase)));
            }
            for link in &view.links {
                self.put(Which::PayoutAccounts, &columns::payout_accounts(&Linked { id: view.id, link }));
            }
            for entitlement in &view.entitlements {
                self.put(Which::Entitlements, &columns::entitlements(&Entitled { id: view.id, entitlement }));
            }
            if self.failed.is_some() {
                return;
            }
        }
    }
}

/// The path of a table's file.
fn file(folder: &Path, table: &Table, extension: &str) -> std::path::PathBuf {
    folder.join(table.name).with_extension(extension)
}
