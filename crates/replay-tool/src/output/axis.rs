//! A time axis in text: lanes of marks, one under the other, with months above.

use ledger_core::time::Date;

/// Columns of the axis.
const WIDTH: usize = 72;
/// Marks of one column that are shown.
const BESIDE: usize = 5;
/// Columns that a month's name needs: `2020-04` and a space.
const LABEL: usize = 8;

/// The days from the first to the last, as columns.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    first: Date,
    last: Date,
}

/// One line: its name, what happened in it, and a stretch that is drawn through.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Stands before the line.
    pub name: String,
    /// A letter for each thing that happened.
    pub marks: Vec<(Date, char)>,
    /// From and to, where something was open.
    pub stretch: Option<(Date, Date)>,
}

impl Axis {
    /// From one day to another, which is at least the next.
    #[must_use]
    pub fn new(first: Date, last: Date) -> Self {
        Self { first, last: last.max(first.plus_days(1)) }
    }

    fn days(self) -> usize {
        usize::try_from(self.last.days() - self.first.days()).unwrap_or(1)
    }

    fn width(self) -> usize {
        self.days().min(WIDTH - 1) + 1
    }

    /// The column of a day, if it is on the axis.
    fn column(self, day: Date) -> Option<usize> {
        let after = usize::try_from(day.days().checked_sub(self.first.days())?).ok()?;
        (after <= self.days()).then(|| after * (self.width() - 1) / self.days())
    }

    /// The months, each where it begins, as far as there is room for their names.
    #[must_use]
    pub fn months(self) -> String {
        let mut line = String::new();
        let (year, month, _) = self.first.ymd();
        let first = Date::new(year, month, 1).unwrap_or(self.first);
        let months = (0..).map(|n| first.plus_months(n)).take_while(|month| *month <= self.last);
        for month in months.take(self.days() + 1) {
            let at = self.column(month.max(self.first)).unwrap_or_default();
            let next = if line.is_empty() { 0 } else { line.len() + 1 };
            if at >= next && at + LABEL <= self.width().max(LABEL) {
                line.push_str(&" ".repeat(at - line.len()));
                line.push_str(month.to_string().get(..LABEL - 1).unwrap_or_default());
            }
        }
        line
    }

    /// A lane's line. Marks that share a column stand beside each other, up to [`BESIDE`]; then a `+` stands for them.
    #[must_use]
    pub fn line(self, lane: &Lane) -> String {
        let mut line = vec![' '; self.width()];
        if let Some((from, to)) = lane.stretch
            && let (Some(from), Some(to)) = (self.column(from), self.column(to))
        {
            line.iter_mut().take(to + 1).skip(from).for_each(|column| *column = '-');
        }
        let mut marks = lane.marks.clone();
        marks.sort_by_key(|(day, _)| *day);
        for (day, mark) in marks {
            let Some(at) = self.column(day) else { continue };
            let free = (at..at + BESIDE).find(|at| line.get(*at).is_none_or(|column| matches!(column, ' ' | '-')));
            match free {
                Some(at) if at < line.len() => line[at] = mark,
                Some(at) => line.resize(at + 1, mark),
                None => line[at + BESIDE - 1] = '+',
            }
        }
        line.into_iter().collect::<String>().trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    #[test]
    fn a_short_time_has_a_column_for_each_day() {
        let axis = Axis::new(date("2020-04-28"), date("2020-05-12"));
        assert_eq!(axis.months(), "2020-04");
        let marks = vec![(date("2020-04-28"), 'D'), (date("2020-05-02"), 'P'), (date("2020-05-13"), 'X')];
        let lane = Lane { name: String::new(), marks, stretch: Some((date("2020-04-28"), date("2020-05-02"))) };
        assert_eq!(axis.line(&lane), "D---P");
    }

    #[test]
    fn a_long_time_is_pressed_into_the_width_and_marks_of_a_column_stand_beside_each_other() {
        let axis = Axis::new(date("2020-01-01"), date("2021-12-31"));
        let months = axis.months();
        assert!(months.starts_with("2020-01 2020-04 ") && months.len() <= WIDTH, "{months}");
        let marks = vec![(date("2020-01-02"), 'P'), (date("2020-01-01"), 'D'), (date("2021-12-31"), 'X')];
        let line = axis.line(&Lane { name: String::new(), marks, stretch: None });
        assert_eq!((line.len(), &line[..3], &line[WIDTH - 1..]), (WIDTH, "DP ", "X"));
        let marks = "ABCDEFG".chars().map(|mark| (date("2021-12-31"), mark)).collect();
        let line = axis.line(&Lane { name: String::new(), marks, stretch: None });
        assert_eq!((line.len(), &line[WIDTH - 1..]), (WIDTH + BESIDE - 1, "ABCD+"));
    }

    #[test]
    fn one_day_is_an_axis_too() {
        let day = date("2020-02-29");
        let axis = Axis::new(day, day);
        let lane = Lane { name: String::new(), marks: vec![(day, 'S')], stretch: Some((day, date("2030-01-01"))) };
        assert_eq!((axis.line(&lane).as_str(), axis.months().as_str()), ("S", "2020-02"));
    }
}
