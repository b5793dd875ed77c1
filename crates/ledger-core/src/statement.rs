//! A partner's statement beside the ledger: which payments are in both, and how the others differ (DOMAIN section 8, D10).
//!
//! A line and a payment belong together by instruction and kind. Among those, what is alike is put together first: equal
//! amount and day, then equal amount, then what is left. So one wrong line never makes a right one look wrong.

use std::collections::{BTreeMap, HashMap};

use crate::codes::{OutcomeKind, Partner};
use crate::event::Total;
use crate::ids::Position;
use crate::money::Rupiah;
use crate::state::{FactKind, Place, State};
use crate::time::Date;

/// One line of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The instruction; `None` where the line's reference can be none's.
    pub instruction: Option<Position>,
    /// Settled or returned.
    pub kind: OutcomeKind,
    /// Amount, rupiah.
    pub amount: Rupiah,
    /// WIB date.
    pub date: Date,
}

/// One payment, or its return, in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The instruction.
    pub instruction: Position,
    /// Settled or returned.
    pub kind: OutcomeKind,
    /// Amount, rupiah.
    pub amount: Rupiah,
    /// WIB date.
    pub date: Date,
    /// Position of its record.
    pub position: u64,
}

/// How a line and a payment differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In the ledger only.
    Missing(Payment),
    /// In the statement only: the line's index.
    Extra(usize),
    /// Both, with other amounts.
    OtherAmount(usize, Payment),
    /// Both, with the same amount on other days.
    OtherDay(usize, Payment),
}

impl Difference {
    /// The line's index, where there is a line.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::Missing(_) => None,
            Self::Extra(line) | Self::OtherAmount(line, _) | Self::OtherDay(line, _) => Some(*line),
        }
    }
}

/// What a comparison came to. Totals with a line are the line's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The same in both.
    pub matched: Total,
    /// In the ledger only.
    pub missing: Total,
    /// In the statement only.
    pub extra: Total,
    /// In both, with other amounts.
    pub other_amount: Total,
    /// In both, on other days.
    pub other_day: Total,
    /// Each difference: those of lines in their order, then what is missing in the order of the log.
    pub differences: Vec<Difference>,
}

/// What was paid on an instruction, and what came back, as the first `known_at` records have it.
pub fn payments(
    state: &State,
    (partner, place): (Partner, Place),
    position: Position,
    known_at: u64,
) -> impl Iterator<Item = Payment> {
    let participant = state.participants().get(place);
    let found = participant.and_then(|participant| {
        let (index, instruction) = participant.instruction(position).filter(|(_, found)| found.partner == partner)?;
        let amount = state.scheme_of(participant)?.amount(instruction.entitlement())?;
        Some((participant, index, amount))
    });
    found.into_iter().flat_map(move |(participant, index, amount)| {
        let known = participant.payments(index).filter(move |(_, fact)| fact.position() < known_at);
        known.map(move |(kind, fact)| Payment {
            instruction: position,
            kind: if kind == FactKind::Returned { OutcomeKind::Returned } else { OutcomeKind::Settled },
            amount,
            date: fact.date(),
            position: fact.position(),
        })
    })
}

/// Compares lines with payments: all that are dated in the period, and all of the instructions that lines name.
#[must_use]
pub fn compare(lines: &[Line], payments: impl IntoIterator<Item = Payment>, (from, to): (Date, Date)) -> Compared {
    let mut groups: HashMap<(Position, OutcomeKind), Vec<Payment>> = HashMap::new();
    for payment in payments {
        groups.entry((payment.instruction, payment.kind)).or_default().push(payment);
    }
    let mut named: BTreeMap<(Position, u8), Vec<usize>> = BTreeMap::new();
    let mut compared = Compared::default();
    for (index, line) in lines.iter().enumerate() {
        match line.instruction {
            Some(instruction) => named.entry((instruction, line.kind.number())).or_default().push(index),
            None => compared.extra(lines, index),
        }
    }
    for ((instruction, _), mut open) in named {
        let kind = open.first().and_then(|index| lines.get(*index)).map_or(OutcomeKind::Settled, |line| line.kind);
        let mut none = Vec::new();
        let theirs = groups.get_mut(&(instruction, kind)).unwrap_or(&mut none);
        let same_amount = |line: &Line, payment: &Payment| line.amount == payment.amount;
        let same = |line: &Line, payment: &Payment| same_amount(line, payment) && line.date == payment.date;
        for (line, _, _) in pairs(lines, &mut open, theirs, same) {
            compared.matched.add(line.amount);
        }
        for (line, index, payment) in pairs(lines, &mut open, theirs, same_amount) {
            compared.other_day.add(line.amount);
            compared.differences.push(Difference::OtherDay(index, payment));
        }
        for (line, index, payment) in pairs(lines, &mut open, theirs, |_, _| true) {
            compared.other_amount.add(line.amount);
            compared.differences.push(Difference::OtherAmount(index, payment));
        }
        open.into_iter().for_each(|index| compared.extra(lines, index));
    }
    compared.differences.sort_by_key(Difference::line);
    let mut missing: Vec<_> = groups.into_values().flatten().filter(|p| (from..=to).contains(&p.date)).collect();
    missing.sort_by_key(|payment| payment.position);
    missing.iter().for_each(|payment| compared.missing.add(payment.amount));
    compared.differences.extend(missing.into_iter().map(Difference::Missing));
    compared
}

impl Compared {
    fn extra(&mut self, lines: &[Line], index: usize) {
        if let Some(line) = lines.get(index) {
            self.extra.add(line.amount);
            self.differences.push(Difference::Extra(index));
        }
    }
}

/// Takes each line away with the first payment that is alike.
fn pairs(
    lines: &[Line],
    open: &mut Vec<usize>,
    payments: &mut Vec<Payment>,
    alike: impl Fn(&Line, &Payment) -> bool,
) -> Vec<(Line, usize, Payment)> {
    let mut pairs = Vec::new();
    open.retain(|index| {
        let Some(line) = lines.get(*index) else { return false };
        let Some(found) = payments.iter().position(|payment| alike(line, payment)) else { return true };
        pairs.push((*line, *index, payments.remove(found)));
        false
    });
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it shows, the statement, the ledger's payments, the differences, the number of those that match.
    type Row = (&'static str, Vec<Line>, Vec<Payment>, Vec<Difference>, u64);

    const SETTLED: OutcomeKind = OutcomeKind::Settled;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn line(instruction: u64, kind: OutcomeKind, amount: i64, date: &str) -> Line {
        let instruction = (instruction > 0).then_some(Position(instruction));
        Line { instruction, kind, amount: Rupiah::new(amount), date: day(date) }
    }

    fn payment(instruction: u64, kind: OutcomeKind, date: &str, position: u64) -> Payment {
        Payment { instruction: Position(instruction), kind, amount: Rupiah::new(600_000), date: day(date), position }
    }

    const MAY: (&str, &str) = ("2020-05-01", "2020-05-31");

    fn compared(lines: &[Line], payments: &[Payment]) -> Compared {
        compare(lines, payments.iter().copied(), (day(MAY.0), day(MAY.1)))
    }

    #[test]
    fn each_way_to_differ() {
        let paid = payment(7, SETTLED, "2020-05-12", 20);
        let back = payment(7, OutcomeKind::Returned, "2020-05-14", 21);
        let before = payment(7, SETTLED, "2020-04-30", 19);
        let good = line(7, SETTLED, 600_000, "2020-05-12");
        use Difference::{Extra, Missing, OtherAmount, OtherDay};
        let rows: Vec<Row> = vec![
            ("both", vec![good], vec![paid], vec![], 1),
            ("neither", vec![], vec![], vec![], 0),
            ("missing", vec![], vec![paid], vec![Missing(paid)], 0),
            ("extra", vec![good], vec![], vec![Extra(0)], 0),
            (
                "no reference",
                vec![line(0, SETTLED, 600_000, "2020-05-12")],
                vec![paid],
                vec![Extra(0), Missing(paid)],
                0,
            ),
            ("other amount", vec![line(7, SETTLED, 1, "2020-05-12")], vec![paid], vec![OtherAmount(0, paid)], 0),
            ("other day", vec![line(7, SETTLED, 600_000, "2020-05-13")], vec![paid], vec![OtherDay(0, paid)], 0),
            (
                "other amount and day",
                vec![line(7, SETTLED, 1, "2020-05-13")],
                vec![paid],
                vec![OtherAmount(0, paid)],
                0,
            ),
            ("twice in the statement", vec![good, good], vec![paid], vec![Extra(1)], 1),
            (
                "twice in the ledger",
                vec![good],
                vec![paid, Payment { position: 22, ..paid }],
                vec![Missing(Payment { position: 22, ..paid })],
                1,
            ),
            ("a return is no payment", vec![good], vec![back], vec![Extra(0), Missing(back)], 0),
            (
                "paid and returned",
                vec![line(7, OutcomeKind::Returned, 600_000, "2020-05-14"), good],
                vec![paid, back],
                vec![],
                2,
            ),
            ("outside of the period", vec![], vec![before], vec![], 0),
            (
                "the ledger has it before the period",
                vec![line(7, SETTLED, 600_000, "2020-05-01")],
                vec![before],
                vec![OtherDay(0, before)],
                0,
            ),
            // The wrong line comes first, and still takes nothing from the right one.
            (
                "a wrong line beside the right one",
                vec![line(7, SETTLED, 1, "2020-05-12"), good],
                vec![paid],
                vec![Extra(0)],
                1,
            ),
        ];
        for (what, lines, payments, differences, matched) in rows {
            let found = compared(&lines, &payments);
            assert_eq!(found.differences, differences, "{what}");
            assert_eq!(found.matched.count, matched, "{what}");
        }
    }

    #[test]
    fn nothing_is_counted_twice_or_left_out() {
        let lines: Vec<_> =
            (0..200).map(|n| line(n % 13, SETTLED, 600_000 + i64::from(n % 7 == 0), "2020-05-12")).collect();
        let payments: Vec<_> = (0..150)
            .map(|n| payment(n % 11, SETTLED, if n % 5 == 0 { "2020-05-13" } else { "2020-05-12" }, 1_000 + n))
            .collect();
        let found = compared(&lines, &payments);
        let with_line = found.matched.count + found.extra.count + found.other_amount.count + found.other_day.count;
        assert_eq!(with_line, 200, "{found:?}");
        let with_payment = found.matched.count + found.missing.count + found.other_amount.count + found.other_day.count;
        assert_eq!(with_payment, 150, "{found:?}");
        assert_eq!(found.differences.len() as u64, 200 - found.matched.count + found.missing.count);
        assert!(found.other_amount.count > 0 && found.other_day.count > 0 && found.extra.count > 0);
    }
}
