//! What is printed, and how it is arrived at.

use std::time::{Duration, Instant};

use serde::Serialize;

/// Why something could not be measured.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What a bar stands on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bar {
    /// The ratio is at least this.
    Ratio(f64),
    /// The ratio is at most this: where the yardstick is what is needed at least.
    RatioAtMost(f64),
    /// The subject is at least this.
    AtLeast(f64),
    /// The subject is at most this.
    AtMost(f64),
    /// Reported only.
    None,
}

#[derive(Serialize)]
struct Line<'a> {
    bench: &'a str,
    case: &'a str,
    unit: &'a str,
    subject: f64,
    yardstick: Option<f64>,
    ratio: Option<f64>,
    bar: Option<f64>,
    /// What the bar stands on.
    bar_on: &'a str,
    pass: Option<bool>,
}

/// The lines of one run.
#[derive(Default)]
pub(crate) struct Report {
    missed: bool,
}

impl Report {
    /// Prints one measure; `yardstick` is what it is compared with, where there is one.
    pub(crate) fn line(
        &mut self,
        (bench, case, unit): (&str, &str, &str),
        subject: f64,
        yardstick: Option<f64>,
        bar: Bar,
    ) -> Result<(), Failed> {
        let ratio = yardstick.filter(|yardstick| *yardstick > 0.0).map(|yardstick| subject / yardstick);
        let (value, bar_on, pass) = match bar {
            Bar::Ratio(bar) => (Some(bar), "ratio, at least", ratio.map(|ratio| ratio >= bar)),
            Bar::RatioAtMost(bar) => (Some(bar), "ratio, at most", ratio.map(|ratio| ratio <= bar)),
            Bar::AtLeast(bar) => (Some(bar), "subject, at least", Some(subject >= bar)),
            Bar::AtMost(bar) => (Some(bar), "subject, at most", Some(subject <= bar)),
            Bar::None => (None, "reported only", None),
        };
        self.missed |= pass == Some(false);
        let (subject, yardstick, ratio) = (rounded(subject), yardstick.map(rounded), ratio.map(rounded));
        let line = Line { bench, case, unit, subject, yardstick, ratio, bar: value, bar_on, pass };
        println!("{}", serde_json::to_string(&line)?);
        Ok(())
    }

    /// Whether a bar was missed.
    pub(crate) const fn missed(&self) -> bool {
        self.missed
    }
}

/// Three decimals below 100, none above: a measure is not more exact than that.
fn rounded(value: f64) -> f64 {
    if value.abs() < 100.0 { (value * 1000.0).round() / 1000.0 } else { value.round() }
}

/// Measures subject and yardstick in turn; gives the medians of what each gave. What the machine does besides falls on
/// both alike.
pub(crate) fn interleaved(
    pairs: u32,
    mut subject: impl FnMut() -> Result<f64, Failed>,
    mut yardstick: impl FnMut() -> Result<f64, Failed>,
) -> Result<(f64, f64), Failed> {
    let (mut subjects, mut yardsticks) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        // Neither always comes first.
        if pair % 2 == 0 {
            subjects.push(subject()?);
            yardsticks.push(yardstick()?);
        } else {
            yardsticks.push(yardstick()?);
            subjects.push(subject()?);
        }
    }
    Ok((median(&mut subjects), median(&mut yardsticks)))
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// How many a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::EPSILON)
}

/// How long something takes.
pub(crate) fn timed<T>(what: impl FnOnce() -> Result<T, Failed>) -> Result<(T, Duration), Failed> {
    let start = Instant::now();
    let done = what()?;
    Ok((done, start.elapsed()))
}

/// The value below which that share of the durations lies, milliseconds.
pub(crate) fn percentile(durations: &mut [Duration], share: f64) -> f64 {
    durations.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = (durations.len() as f64 * share).ceil() as usize;
    let found = durations.get(index.saturating_sub(1).min(durations.len().saturating_sub(1)));
    found.map_or(f64::NAN, |duration| duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_missed_on_its_own_side_only() {
        let rows = [
            (Bar::Ratio(0.5), 50.0, false),
            (Bar::Ratio(0.5), 49.0, true),
            (Bar::RatioAtMost(1.3), 130.0, false),
            (Bar::RatioAtMost(1.3), 131.0, true),
            (Bar::AtLeast(10.0), 10.0, false),
            (Bar::AtLeast(10.0), 9.0, true),
            (Bar::AtMost(10.0), 10.0, false),
            (Bar::AtMost(10.0), 11.0, true),
            (Bar::None, 0.0, false),
        ];
        for (bar, subject, missed) in rows {
            let mut report = Report::default();
            report.line(("test", "case", "unit"), subject, Some(100.0), bar).expect("printed");
            assert_eq!(report.missed(), missed, "{bar:?} {subject}");
        }
    }

    #[test]
    fn pairs_are_interleaved_and_their_medians_given() {
        let order = std::cell::RefCell::new(String::new());
        let measured = |name, values: [f64; 3]| {
            let (mut next, order) = (values.into_iter(), &order);
            move || {
                order.borrow_mut().push(name);
                next.next().ok_or_else(|| "more than three".into())
            }
        };
        let found = interleaved(3, measured('s', [9.0, 1.0, 2.0]), measured('y', [5.0, 7.0, 6.0]));
        assert_eq!(found.expect("measured"), (2.0, 6.0));
        assert_eq!(order.into_inner(), "syyssy");
    }
}
