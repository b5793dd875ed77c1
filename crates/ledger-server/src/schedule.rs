//! Jobs at a time of day in WIB. Only what needs one actor runs by itself, the deadlines and expiries: a disbursement
//! run is planned by one person and approved by another, so no clock starts it.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use ledger_core::time::{Date, Timestamp};

const MINUTE_NANOS: i64 = 60 * 1_000_000_000;
/// A clock that is set, or a machine that slept, is noticed this soon.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A job that could not run is tried again after this.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// A time of day in WIB, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    minutes: u16,
}

/// Not a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is HH:MM, from 00:00 to 23:59")]
pub struct NoTimeOfDay;

impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    fn from_str(text: &str) -> Result<Self, NoTimeOfDay> {
        let two_digits = |part: &str, end: u16| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|number| digits && *number < end).ok_or(NoTimeOfDay)
        };
        let (hours, minutes) = text.split_once(':').ok_or(NoTimeOfDay)?;
        Ok(Self { minutes: two_digits(hours, 24)? * 60 + two_digits(minutes, 60)? })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl TimeOfDay {
    /// This time on a WIB date.
    #[must_use]
    pub const fn on(self, date: Date) -> Timestamp {
        Timestamp::from_nanos(date.midnight().nanos().saturating_add(self.minutes as i64 * MINUTE_NANOS))
    }

    /// The last date on which this time has come by `now`.
    #[must_use]
    pub fn last(self, now: Timestamp) -> Date {
        let today = now.wib_date();
        if self.on(today) <= now { today } else { today.plus_days(-1) }
    }

    /// The first such instant after `now`.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Timestamp {
        self.on(self.last(now).plus_days(1))
    }
}

/// The date for which a job is to run now: today's, once its time has come and it has not run. A server that starts
/// late makes today up; earlier days need no run of their own, since a job takes all that has passed as of its date.
#[must_use]
pub fn due(at: TimeOfDay, now: Timestamp, done: Option<Date>) -> Option<Date> {
    let today = now.wib_date();
    (at.on(today) <= now && done.is_none_or(|done| done < today)).then_some(today)
}

/// Runs `job` once a day, given the day's date; one that says `false` could not run and is tried again. Time passes
/// as `clock` and `sleep` say; it ends when `sleep` says `false`.
pub async fn daily<F: Future<Output = bool>, S: Future<Output = bool>>(
    at: TimeOfDay,
    clock: impl Fn() -> Timestamp,
    sleep: impl Fn(Duration) -> S,
    job: impl Fn(Date) -> F,
) {
    let mut done = None;
    loop {
        let now = clock();
        let wait = match due(at, now, done) {
            Some(date) if job(date).await => {
                done = Some(date);
                continue;
            }
            Some(_) => TRY_AGAIN,
            None => Duration::from_nanos(at.next(now).nanos().saturating_sub(now.nanos()).unsigned_abs()),
        };
        if !sleep(wait.min(LOOK_AGAIN)).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    fn at(text: &str) -> TimeOfDay {
        text.parse().expect("a time of day")
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    /// A WIB date and time.
    fn wib(day: &str, time: &str) -> Timestamp {
        at(time).on(date(day))
    }

    #[test]
    fn a_time_of_day_is_four_digits() {
        for text in ["00:00", "01:00", "23:59"] {
            assert_eq!(at(text).to_string(), text);
        }
        for text in ["", "1:00", "01:0", "24:00", "01:60", "0100", "01:00:00", "+1:00", "01.00"] {
            assert_eq!(text.parse::<TimeOfDay>(), Err(NoTimeOfDay), "{text}");
        }
    }

    #[test]
    fn the_next_time_is_counted_in_wib() {
        let rows = [
            ("01:00", ("2020-05-01", "00:59"), ("2020-05-01", "01:00")),
            ("01:00", ("2020-05-01", "01:00"), ("2020-05-02", "01:00")),
            ("00:00", ("2020-12-31", "23:59"), ("2021-01-01", "00:00")),
            ("06:59", ("2020-02-28", "07:00"), ("2020-02-29", "06:59")),
        ];
        for (time, (day, now), (next_day, next)) in rows {
            assert_eq!(at(time).next(wib(day, now)), wib(next_day, next), "{time} after {day} {now}");
        }
        // 18:00 UTC is 01:00 WIB of the next day.
        assert_eq!(wib("2020-05-02", "01:00"), Timestamp::from_nanos(1_588_356_000 * 1_000_000_000));
    }

    #[test]
    fn today_is_made_up_once() {
        let (one, day) = (at("01:00"), date("2020-05-01"));
        assert_eq!(due(one, wib("2020-05-01", "00:59"), None), None, "its time has not come");
        assert_eq!(due(one, wib("2020-05-01", "09:00"), None), Some(day), "a late start makes it up");
        assert_eq!(due(one, wib("2020-05-01", "09:00"), Some(day)), None, "once");
        assert_eq!(due(one, wib("2020-05-02", "00:59"), Some(day)), None);
        assert_eq!(due(one, wib("2020-05-02", "01:00"), Some(day)), Some(date("2020-05-02")));
        assert_eq!(due(one, wib("2020-04-30", "01:00"), Some(day)), None, "a clock that was set back repeats nothing");
    }

    #[tokio::test]
    async fn a_job_runs_each_day_and_again_after_it_could_not() {
        let now = Cell::new(wib("2020-05-01", "00:30"));
        let sleep = |duration: Duration| {
            let nanos = i64::try_from(duration.as_nanos()).expect("not that long");
            now.set(Timestamp::from_nanos(now.get().nanos() + nanos));
            std::future::ready(now.get() < wib("2020-05-04", "00:30"))
        };
        let (ran, full) = (RefCell::new(Vec::new()), Cell::new(true));
        let job = |date: Date| {
            let minute = (now.get().nanos() - date.midnight().nanos()) / MINUTE_NANOS;
            ran.borrow_mut().push((date.to_string(), minute));
            std::future::ready(!full.replace(false))
        };
        daily(at("01:00"), || now.get(), sleep, job).await;
        let expected = [("2020-05-01", 60), ("2020-05-01", 61), ("2020-05-02", 60), ("2020-05-03", 60)];
        assert_eq!(*ran.borrow(), expected.map(|(day, minute)| (day.to_owned(), minute)));
    }
}
