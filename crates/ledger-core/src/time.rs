//! Instants in UTC and civil dates in WIB (UTC+7), the calendar of every deadline and due date (DOMAIN section 1).

use std::fmt;

use jiff::civil;
use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const WIB_OFFSET_SECONDS: i64 = 7 * 3_600;

/// An instant: nanoseconds since the Unix epoch, UTC. Reaches from 1677 to 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A civil date in WIB: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Date(i32);

impl Timestamp {
    /// How far ahead of the ledger's clock an `occurred_at` may be (DOMAIN section 4).
    pub const FUTURE_TOLERANCE_NANOS: i64 = 300 * NANOS_PER_SECOND;

    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The WIB date on which this instant falls.
    #[must_use]
    pub const fn wib_date(self) -> Date {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND) + WIB_OFFSET_SECONDS;
        // 64-bit nanoseconds reach 106,752 days from the epoch: far inside 32 bits.
        #[allow(clippy::cast_possible_truncation)]
        Date(seconds.div_euclid(SECONDS_PER_DAY) as i32)
    }

    /// Whether this lies more than five minutes after `clock`.
    #[must_use]
    pub const fn is_ahead_of(self, clock: Self) -> bool {
        self.0 > clock.0.saturating_add(Self::FUTURE_TOLERANCE_NANOS)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(t) => t.fmt(f),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

impl Date {
    /// From days since 1970-01-01.
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// From year, month, day; `None` where there is no such day.
    #[must_use]
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        civil::Date::new(year, month, day).ok().map(Self::from_civil)
    }

    /// `n` days later (earlier where negative).
    #[must_use]
    pub const fn plus_days(self, n: i32) -> Self {
        Self(self.0.saturating_add(n))
    }

    /// `n` months later on the same day of the month, clamped to that month's last day. The same day where the
    /// calendar ends before that.
    #[must_use]
    pub fn plus_months(self, n: u32) -> Self {
        let later = jiff::Span::new().try_months(i64::from(n)).and_then(|months| self.civil().checked_add(months));
        later.map_or(self, Self::from_civil)
    }

    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.civil().year()
    }

    /// Year, month, day.
    #[must_use]
    pub fn ymd(self) -> (i16, i8, i8) {
        let d = self.civil();
        (d.year(), d.month(), d.day())
    }

    /// 00:00 WIB of this day. Days that 64-bit nanoseconds do not reach are clamped.
    #[must_use]
    pub const fn midnight(self) -> Timestamp {
        let seconds = self.0 as i64 * SECONDS_PER_DAY - WIB_OFFSET_SECONDS;
        Timestamp(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    fn from_civil(date: civil::Date) -> Self {
        let days = date.duration_since(civil::Date::constant(1970, 1, 1)).as_secs() / SECONDS_PER_DAY;
        #[allow(clippy::cast_possible_truncation)] // jiff's years end at 9999
        Self(days as i32)
    }

    fn civil(self) -> civil::Date {
        let span = jiff::SignedDuration::from_secs(i64::from(self.0) * SECONDS_PER_DAY);
        civil::Date::constant(1970, 1, 1).saturating_add(span)
    }
}

impl fmt::Display for Date {
    /// ISO 8601.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.civil().fmt(f)
    }
}

impl std::str::FromStr for Date {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Self::from_civil)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn instant(text: &str) -> Timestamp {
        let t: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_nanos(i64::try_from(t.as_nanosecond()).unwrap())
    }

    #[test]
    fn wib_midnight_divides_days() {
        assert_eq!(instant("2020-04-30T16:59:59.999999999Z").wib_date(), date("2020-04-30"));
        assert_eq!(instant("2020-04-30T17:00:00Z").wib_date(), date("2020-05-01"));
        assert_eq!(date("2020-05-01").midnight(), instant("2020-04-30T17:00:00Z"));
        assert_eq!(instant("1969-12-31T16:59:59Z").wib_date(), date("1969-12-31"));
    }

    #[test]
    fn months_clamp_from_the_first_day() {
        let first = date("2020-08-31");
        let rows = [(1, "2020-09-30"), (2, "2020-10-31"), (3, "2020-11-30"), (6, "2021-02-28")];
        for (n, expected) in rows {
            assert_eq!(first.plus_months(n), date(expected));
        }
    }

    #[test]
    fn no_date_panics() {
        for days in [i32::MIN, -800_000, 0, 2_932_896, i32::MAX] {
            let d = Date::from_days(days);
            let _ = (d.year(), d.to_string(), d.plus_months(u32::MAX), d.plus_days(i32::MAX), d.midnight());
        }
        for nanos in [i64::MIN, i64::MAX] {
            let t = Timestamp::from_nanos(nanos);
            let _ = (t.wib_date(), t.to_string(), t.is_ahead_of(t));
        }
    }
}
