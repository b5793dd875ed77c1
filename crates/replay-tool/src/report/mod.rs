//! The report: one page that an auditor can hand in, and every figure in it can be asked for with another command.
//!
//! The audit is one pass; a second one folds the log and gathers what happens along the time ([`overdue`], the months); then all participants are
//! looked at once ([`people`]). Memory is the state and these sums. [`page`] writes it as HTML.

mod answers;
mod charts;
mod overdue;
mod page;
mod people;
mod provinces;
mod rules;
mod table;
pub mod words;

use std::collections::BTreeMap;

use ledger_core::Record;
use ledger_core::account::{Account, Balances};
use ledger_core::time::Date;
use ledger_log::Head;

pub use overdue::{ByReason, Sum, Wait};
pub use page::page;
pub use people::{CLASSES, Group, LATENESS, Lost, Orders, People};

use crate::audit::{self, Audit};
use crate::difference::moved;
use crate::error::Error;
use crate::known::{Fold, Known, KnownAt, Watch, Window};
use crate::progress::Progress;
use crate::source::Source;
use overdue::Overdue;

/// What the report tells.
pub struct Report {
    /// Where the records came from.
    pub source: String,
    /// Size and root of the whole log.
    pub log: Head,
    /// Number of records that were known.
    pub known_at: u64,
    /// What counts is dated up to this day; `None` of an empty log.
    pub as_of: Option<Date>,
    /// The trial balance.
    pub totals: Balances,
    /// At the end of each month, and of the last day: the trial balance as of then.
    pub months: Vec<(Date, Balances)>,
    /// At the end of the same days: what was due and not paid, and why, as it was known then.
    pub overdue: Vec<(Date, ByReason)>,
    /// Sums over all participants.
    pub people: People,
    /// Every wave.
    pub waves: Vec<WaveLine>,
    /// Funds of each year.
    pub funds: Vec<FundsLine>,
    /// What an audit found, and its answers.
    pub audit: Audit,
}

/// A wave as it was opened.
#[derive(Clone, Copy, Debug)]
pub struct WaveLine {
    /// Its number.
    pub wave: u32,
    /// Its year.
    pub year: i16,
    /// How many it takes.
    pub quota: u32,
    /// When it closed.
    pub closed: Option<Date>,
}

/// A year's funds, rupiah.
#[derive(Clone, Copy, Debug)]
pub struct FundsLine {
    /// Which.
    pub year: i16,
    /// Appropriated.
    pub appropriated: i64,
    /// Used.
    pub used: i64,
}

impl Report {
    /// Audits the log, then folds it and counts everybody, each by so many threads.
    ///
    /// # Errors
    ///
    /// The log cannot be read, is damaged, does not fold, or does not reach the position asked for.
    pub fn read(source: &Source, window: &Window, threads: usize, progress: &mut Progress<'_>) -> Result<Self, Error> {
        let audit = audit::run(source, window, threads)?;
        // A server's log may have grown since: the same records are looked at again.
        let last = audit.totals.known_at.checked_sub(1).map(KnownAt::Position);
        let window = &Window { known_at: last.unwrap_or(window.known_at), ..*window };
        let mut along = Along::new(window.as_of, progress);
        let known = Known::watched(source, window, &mut along)?;
        along.progress.end();
        let people = People::count(&known, threads);
        let state = known.fold().counted();
        let days = along.days(known.as_of());
        Ok(Self {
            source: source.to_string(),
            log: *known.log(),
            known_at: known.size(),
            as_of: known.as_of(),
            totals: *known.totals(),
            months: along.totals_on(&days),
            overdue: along.overdue.on(&days),
            people,
            waves: state
                .waves()
                .map(|(wave, entry)| WaveLine {
                    wave: wave.0,
                    year: entry.year,
                    quota: entry.quota,
                    closed: entry.closed.map(ledger_core::state::Fact::date),
                })
                .collect(),
            funds: state
                .years()
                .map(|(year, entry)| FundsLine { year, appropriated: entry.appropriated.get(), used: entry.used.get() })
                .collect(),
            audit,
        })
    }
}

/// What is gathered while the log is folded.
struct Along<'p, 'e> {
    progress: &'p mut Progress<'e>,
    overdue: Overdue,
    /// Before the record at hand.
    totals: Balances,
    /// By day on which it happened, what moved; as days since 1970-01-01.
    moved: BTreeMap<i32, Vec<(Account, i64)>>,
}

impl<'p, 'e> Along<'p, 'e> {
    fn new(as_of: Option<Date>, progress: &'p mut Progress<'e>) -> Self {
        Self { progress, overdue: Overdue::new(as_of), totals: Balances::default(), moved: BTreeMap::new() }
    }

    /// The ends of the months from the first movement of money to the last day, and that day.
    fn days(&self, last: Option<Date>) -> Vec<Date> {
        let (Some(last), Some((first, _))) = (last, self.moved.first_key_value()) else { return Vec::new() };
        let (year, month, _) = Date::from_days(*first).ymd();
        let begin = Date::new(year, month, 1).unwrap_or_default();
        let ends = (1..=MOST_MONTHS).map(|n| begin.plus_months(n).plus_days(-1));
        let mut days: Vec<_> = ends.take_while(|end| *end < last).collect();
        days.push(last);
        days
    }

    fn totals_on(&self, days: &[Date]) -> Vec<(Date, Balances)> {
        let mut moved = self.moved.iter().peekable();
        let mut totals = Balances::default();
        let mut at_end_of = |day: &Date| {
            while let Some((_, sums)) = moved.next_if(|(moved, _)| **moved <= day.days()) {
                sums.iter().for_each(|(account, sum)| totals.add(*account, ledger_core::Rupiah::new(*sum)));
            }
            (*day, totals)
        };
        days.iter().map(&mut at_end_of).collect()
    }
}

/// Months that a report shows one by one: fifty years.
const MOST_MONTHS: u32 = 600;

impl Watch for Along<'_, '_> {
    fn after(&mut self, fold: &Fold, record: &Record<'_>) {
        self.progress.records(record.position);
        self.overdue.after(fold, record);
        if *fold.totals() == self.totals {
            return;
        }
        let sums = self.moved.entry(record.occurred_at.wib_date().days()).or_default();
        for (account, change) in moved(&self.totals, fold.totals()) {
            match sums.iter_mut().find(|(other, _)| *other == account) {
                Some((_, sum)) => *sum = sum.saturating_add(change.get()),
                None => sums.push((account, change.get())),
            }
        }
        self.totals = *fold.totals();
    }
}
