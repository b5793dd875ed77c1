//! Times and dates between the contract, plain numbers and JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::{Date, Timestamp};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The time that many nanoseconds after the Unix epoch, UTC.
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Self { seconds: nanos.div_euclid(NANOS_PER_SECOND), nanos: nanos.rem_euclid(NANOS_PER_SECOND) as i32 }
    }

    /// Nanoseconds since the Unix epoch, UTC; `None` if the fields are no valid time or the count does not fit.
    pub fn unix_nanos(&self) -> Option<i64> {
        if !(0..NANOS_PER_SECOND).contains(&i64::from(self.nanos)) {
            return None;
        }
        let nanos = i128::from(self.seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos);
        i64::try_from(nanos).ok()
    }
}

/// RFC 3339 in UTC with "Z" and 0, 3, 6 or 9 digits of the second's fraction, as protobuf JSON wants it.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !(0..NANOS_PER_SECOND).contains(&i64::from(self.nanos)) {
            return Err(ser::Error::custom("timestamp: nanos out of range"));
        }
        let time = jiff::Timestamp::new(self.seconds, self.nanos).map_err(ser::Error::custom)?;
        match self.nanos {
            0 => serializer.collect_str(&format_args!("{time:.0}")),
            nanos if nanos % 1_000_000 == 0 => serializer.collect_str(&format_args!("{time:.3}")),
            nanos if nanos % 1_000 == 0 => serializer.collect_str(&format_args!("{time:.6}")),
            _ => serializer.collect_str(&format_args!("{time:.9}")),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Rfc3339)
    }
}

struct Rfc3339;

impl de::Visitor<'_> for Rfc3339 {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time in RFC 3339, such as \"2020-04-11T02:00:00Z\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        let time: jiff::Timestamp = text.parse().map_err(E::custom)?;
        let nanos = time.as_nanosecond();
        let per_second = i128::from(NANOS_PER_SECOND);
        Ok(Timestamp { seconds: nanos.div_euclid(per_second) as i64, nanos: nanos.rem_euclid(per_second) as i32 })
    }
}

impl Date {
    /// The date that many days after 1970-01-01; `None` outside the years 1 to 9999.
    pub fn from_unix_days(days: i32) -> Option<Self> {
        let date = EPOCH.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        (date.year() >= 1).then(|| Self {
            year: date.year().into(),
            month: date.month().into(),
            day: date.day().into(),
        })
    }

    /// Days since 1970-01-01; `None` if it is no full date of the calendar.
    pub fn unix_days(&self) -> Option<i32> {
        let (year, month, day) = (self.year.try_into().ok()?, self.month.try_into().ok()?, self.day.try_into().ok()?);
        let date = jiff::civil::Date::new(year, month, day).ok().filter(|date| date.year() >= 1)?;
        Some(EPOCH.until(date).ok()?.get_days())
    }
}

const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_come_back_the_same() {
        for nanos in [0, 1, -1, 999_999_999, -1_000_000_000, i64::MIN, i64::MAX] {
            assert_eq!(Timestamp::from_unix_nanos(nanos).unix_nanos(), Some(nanos));
        }
    }

    #[test]
    fn times_that_are_none_have_no_nanoseconds() {
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0), (9_223_372_037, 0)] {
            assert_eq!(Timestamp { seconds, nanos }.unix_nanos(), None, "{seconds} s {nanos} ns");
        }
    }

    #[test]
    fn json_is_canonical() {
        let table = [
            (0, 0, "\"1970-01-01T00:00:00Z\""),
            (1_586_570_400, 500_000_000, "\"2020-04-11T02:00:00.500Z\""),
            (1_586_570_400, 1_000, "\"2020-04-11T02:00:00.000001Z\""),
            (1_586_570_400, 1, "\"2020-04-11T02:00:00.000000001Z\""),
            (-1, 999_000_000, "\"1969-12-31T23:59:59.999Z\""),
        ];
        for (seconds, nanos, text) in table {
            let time = Timestamp { seconds, nanos };
            assert_eq!(serde_json::to_string(&time).expect("in range"), text);
            assert_eq!(serde_json::from_str::<Timestamp>(text).expect("RFC 3339"), time);
        }
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0)] {
            assert!(serde_json::to_string(&Timestamp { seconds, nanos }).is_err(), "{seconds} s {nanos} ns");
        }
    }

    #[test]
    fn days_come_back_the_same() {
        for (days, year, month, day) in
            [(0, 1970, 1, 1), (18_363, 2020, 4, 11), (-1, 1969, 12, 31), (18_321, 2020, 2, 29)]
        {
            assert_eq!(Date::from_unix_days(days), Some(Date { year, month, day }));
            assert_eq!(Date { year, month, day }.unix_days(), Some(days));
        }
    }

    #[test]
    fn dates_that_are_none_have_no_days() {
        for (year, month, day) in [(2021, 2, 29), (2020, 0, 1), (0, 1, 1), (2020, 4, 0), (2020, 13, 1), (70_000, 1, 1)]
        {
            assert_eq!(Date { year, month, day }.unix_days(), None, "{year}-{month}-{day}");
        }
        assert_eq!(Date::from_unix_days(i32::MAX), None);
        assert_eq!(Date::from_unix_days(-719_163), None);
    }
}
