//! The year's dates: waves, runs, funds, closings. Dates and sizes of 2020 follow the press; those of 2023 are assumed.

use ledger_core::scheme::MonthDay;
use ledger_core::time::{Date, Timestamp};

use crate::parameters::{Extent, Parameters, Scenario, SchemeName};

/// One wave of the year.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaveDates {
    pub(crate) number: u32,
    pub(crate) opened: Date,
    pub(crate) selected: Date,
    /// Its share of the year's participants is in proportion to this.
    pub(crate) weight: u32,
}

/// When everything that the programme itself does happens.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) year: i16,
    pub(crate) waves: Vec<WaveDates>,
    /// Days on which a run is planned and approved.
    pub(crate) runs: Vec<Date>,
    /// Nothing of a participant's own doing is dated after this day.
    pub(crate) lives_end: Date,
    /// The day after the training balance's last day.
    pub(crate) period_closed: Date,
    /// The day after the last day for completing a training.
    pub(crate) year_end: Date,
    /// When the first wave closes.
    pub(crate) first_wave_closed: Option<Date>,
}

/// Seconds of a day, WIB.
pub(crate) const fn clock(hour: u32, minute: u32) -> u32 {
    3600 * hour + 60 * minute
}

/// When a run is planned, on its day.
pub(crate) const PLANNED: u32 = clock(9, 0);
/// When somebody who minds payday changes an account: between plan and approval.
pub(crate) const PAYDAY_CHANGE: u32 = clock(11, 20);
/// When a run is approved, on its day.
pub(crate) const APPROVED: u32 = clock(13, 30);
/// When the case board sits, on a run's day: what was just instructed is recalled.
pub(crate) const BOARD: u32 = clock(15, 0);

/// An instant, by WIB date and second of the day.
pub(crate) const fn at(date: Date, second: u32) -> Timestamp {
    Timestamp::from_nanos(date.midnight().nanos() + second as i64 * 1_000_000_000)
}

/// A day that is there.
pub(crate) fn day(year: i16, month: i8, day: i8) -> Date {
    Date::new(year, month, day).expect("the calendar's days exist")
}

/// A wave's number, opening, selection (month and day each), weight.
type Row = (u32, (i8, i8), (i8, i8), u32);

/// Sizes of waves 1 to 3 and 10 are published, those of 4 to 9
/// fill up to the published 5,590,000 of waves 1 to 10.
const WAVES_2020: [Row; 11] = [
    (1, (4, 11), (4, 17), 168_111),
    (2, (4, 20), (4, 27), 288_000),
    (3, (4, 28), (5, 4), 224_000),
    (4, (8, 8), (8, 14), 798_938),
    (5, (8, 15), (8, 21), 798_938),
    (6, (8, 27), (9, 1), 798_938),
    (7, (9, 3), (9, 8), 798_938),
    (8, (9, 10), (9, 15), 798_938),
    (9, (9, 17), (9, 22), 798_938),
    (10, (9, 26), (9, 30), 116_261),
    (11, (11, 2), (11, 6), 383_000),
];

const WAVES_2023: [Row; 15] = [
    (48, (2, 17), (2, 23), 10),
    (49, (3, 3), (3, 9), 25),
    (50, (3, 15), (3, 21), 40),
    (51, (4, 6), (4, 12), 60),
    (52, (5, 5), (5, 11), 75),
    (53, (5, 26), (6, 2), 75),
    (54, (6, 9), (6, 15), 80),
    (55, (6, 23), (6, 30), 80),
    (56, (7, 14), (7, 20), 85),
    (57, (7, 28), (8, 3), 85),
    (58, (8, 11), (8, 18), 85),
    (59, (8, 25), (8, 31), 80),
    (60, (9, 8), (9, 14), 80),
    (61, (9, 22), (9, 29), 70),
    (62, (10, 13), (10, 19), 70),
];

/// Runs are on this day of the month.
const RUN_DAY: i8 = 28;

impl Calendar {
    pub(crate) fn of(parameters: &Parameters) -> Self {
        let (year, waves) = match parameters.scheme {
            SchemeName::SemiBansos => (2020, &WAVES_2020[..]),
            SchemeName::Normal => (2023, &WAVES_2023[..]),
        };
        let mut waves: Vec<_> = waves
            .iter()
            .map(|&(number, opened, selected, weight)| WaveDates {
                number,
                opened: day(year, opened.0, opened.1),
                selected: day(year, selected.0, selected.1),
                weight,
            })
            .collect();
        let whole = parameters.extent == Extent::WholeYear && parameters.scenario == Scenario::Year;
        if !whole {
            waves.truncate(1);
        }
        let first_month = waves[0].selected.ymd().1;
        let mut runs = Vec::new();
        if parameters.scenario == Scenario::Year {
            runs.extend((first_month..=12).map(|month| day(year, month, RUN_DAY)));
            runs.extend(whole.then(|| day(year + 1, 1, RUN_DAY)));
        }
        let rules = parameters.scheme.rules();
        let after = |last: MonthDay| last.in_year(year).map(|day| day.plus_days(1)).expect("a scheme's days exist");
        Self {
            year,
            waves,
            runs,
            lives_end: if whole { day(year + 1, 1, 30) } else { day(year, 12, 31) },
            period_closed: after(rules.balance_last_day),
            year_end: after(rules.complete_by),
            first_wave_closed: whole.then(|| day(year + 1, 1, 31)),
        }
    }

    /// The first run's day not before `date`.
    pub(crate) fn run_from(&self, date: Date) -> Option<Date> {
        self.runs.iter().copied().find(|run| *run >= date)
    }
}
