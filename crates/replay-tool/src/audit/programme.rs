//! What every participant's rules rest on: schemes, waves, years and runs, as the programme's records said.

use std::collections::{BTreeMap, HashMap};

use ledger_core::event::{DisbursementRunClosed, DisbursementRunPlanned, Total};
use ledger_core::ids::{RunId, Wave as WaveNumber};
use ledger_core::scheme::{MonthDay, Scheme};
use ledger_core::time::{Date, Timestamp};

use super::person::{Day, Said};
use super::plan::Planned;

/// A wave.
#[derive(Clone, Debug)]
pub(super) struct Wave {
    pub(super) number: WaveNumber,
    /// Index of its scheme.
    pub(super) scheme: usize,
    pub(super) year: i16,
    pub(super) quota: u32,
    pub(super) opened: Said,
    pub(super) last_day: Date,
    pub(super) complete_by: Date,
    pub(super) closed: Said,
}

/// A run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) plan: DisbursementRunPlanned,
    pub(super) planned: Said,
    pub(super) planned_by: String,
    pub(super) approved: Said,
    pub(super) approved_at: Timestamp,
    pub(super) closed: Said,
    pub(super) closing: Option<DisbursementRunClosed>,
    /// What was instructed of the participants that this part sees.
    pub(super) instructed: Total,
    /// The items of these participants, worked out again; `None` where that could not be done.
    pub(super) items: Option<Planned>,
}

/// All of it. Each part of the work has its own, since each sees all of the programme's records.
#[derive(Debug, Default)]
pub(super) struct Programme {
    pub(super) schemes: Vec<(Scheme<'static>, Said)>,
    pub(super) waves: Vec<Wave>,
    pub(super) runs: Vec<Run>,
    /// Closed balance periods.
    pub(super) periods: Vec<(i16, Said)>,
    /// Budget documents and statements, hashed, with their first positions.
    pub(super) documents: HashMap<u64, u64>,
    /// By fiscal year, rupiah.
    pub(super) appropriated: BTreeMap<i16, i128>,
    /// Position of the last programme record.
    pub(super) last: Option<u64>,
}

/// A day of the year. One that a year does not have falls on the day after.
fn in_year(day: MonthDay, year: i16) -> Date {
    let next = || Date::new(year, 3, 1).unwrap_or_default();
    day.in_year(year).unwrap_or_else(next)
}

impl Programme {
    pub(super) fn scheme(&self, name: &str) -> Option<usize> {
        self.schemes.iter().position(|(scheme, _)| scheme.scheme == name)
    }

    pub(super) fn wave(&self, number: WaveNumber) -> Option<usize> {
        self.waves.iter().position(|wave| wave.number == number)
    }

    pub(super) fn run(&self, id: RunId) -> Option<usize> {
        self.runs.iter().rposition(|run| run.id == id)
    }

    pub(super) fn of_wave(&self, wave: u16) -> (&Wave, &Scheme<'static>) {
        let wave = &self.waves[usize::from(wave)];
        (wave, &self.schemes[wave.scheme].0)
    }

    pub(super) fn period(&self, year: i16) -> Option<Said> {
        self.periods.iter().find(|(closed, _)| *closed == year).map(|(_, said)| *said)
    }

    pub(super) fn open_wave(&mut self, number: WaveNumber, scheme: usize, year: i16, quota: u32, opened: Said) {
        let rules = &self.schemes[scheme].0;
        let (last_day, complete_by) = (in_year(rules.balance_last_day, year), in_year(rules.complete_by, year));
        let closed = Said::default();
        self.waves.push(Wave { number, scheme, year, quota, opened, last_day, complete_by, closed });
    }

    /// The last day of the training balances of a year's waves.
    pub(super) fn last_day(&self, year: i16) -> Option<Date> {
        self.waves.iter().filter(|wave| wave.year == year).map(|wave| wave.last_day).max()
    }

    /// The latest as-of date of approved runs.
    pub(super) fn last_run(&self) -> Option<Date> {
        self.runs.iter().filter(|run| run.approved.is()).map(|run| run.plan.as_of).max()
    }

    /// The first-purchase deadline of somebody selected on a day.
    pub(super) fn first_deadline(&self, wave: u16, selected: Day, renewed: Option<Day>) -> Date {
        let (_, scheme) = self.of_wave(wave);
        renewed.map_or_else(|| selected.date().plus_days(scheme.first_purchase_days.into()), Day::date)
    }
}
