//! What was paid late, what is held, what was forfeited.

use ledger_core::account::Account;
use maud::{Markup, html};

use super::super::charts::{self, Bar};
use super::super::overdue::Wait;
use super::super::people::{CLASSES, LATENESS};
use super::super::table::{Cell, Table};
use super::super::words::{self, Word};
use super::{Page, month, sum};

impl Page<'_> {
    /// A class of lateness in words, and its code: `..-1`, `0`, `1..3`, `91..`.
    fn class(n: usize) -> (String, String) {
        let first = n.checked_sub(1).and_then(|before| LATENESS.get(before)).map(|last| last + 1);
        match (first, LATENESS.get(n)) {
            (None, last) => ("< 0".to_owned(), format!("..{}", last.map_or_else(String::new, ToString::to_string))),
            (Some(first), Some(last)) if first == *last => (first.to_string(), first.to_string()),
            (Some(first), Some(last)) => (format!("{first}-{last}"), format!("{first}..{last}")),
            (Some(first), None) => (format!("> {}", first - 1), format!("{first}..")),
        }
    }

    pub(super) fn schedule(&self) -> Markup {
        let people = &self.report.people;
        let rows = (0..CLASSES).map(|n| {
            let (name, code) = Self::class(n);
            let (paid, unpaid) = (people.paid[n], people.unpaid[n]);
            let numbers = [paid.count, paid.amount, unpaid.count, unpaid.amount].map(Cell::Number);
            std::iter::once(Cell::Named(name, code)).chain(numbers).collect()
        });
        let (paid, unpaid) = (sum(&people.paid), sum(&people.unpaid));
        let foot = [paid.count, paid.amount, unpaid.count, unpaid.amount].map(Cell::Number);
        let heads = [Word::Days, Word::Paid, Word::Amount, Word::Unpaid, Word::Amount].map(|word| self.word(word));
        let table = Table {
            id: "lateness",
            caption: self.word(Word::Schedule),
            heads: heads.into(),
            rows: rows.collect(),
            foot: Some(std::iter::once(self.total()).chain(foot).collect()),
        };
        let series = [self.word(Word::Paid), self.word(Word::Unpaid)];
        let bars: Vec<_> = (0..CLASSES)
            .map(|n| {
                let (paid, unpaid) = (people.paid[n].count, people.unpaid[n].count);
                Bar {
                    name: Self::class(n).0,
                    parts: vec![self.part(series[0], paid), self.part(series[1], unpaid)],
                    total: self.number(paid.saturating_add(unpaid)),
                }
            })
            .collect();
        self.section(
            Word::Schedule,
            &html! {
                (self.note(Word::ScheduleNote))
                (charts::columns(self.word(Word::Schedule), &bars, &series))
                (table.markup(self.lang))
            },
        )
    }

    pub(super) fn held(&self) -> Markup {
        let names: Vec<_> = Wait::ALL.iter().map(|wait| words::name(wait.code(), self.lang)).collect();
        let rows = self.report.overdue.iter().map(|(day, sums)| {
            let day = Cell::Named(day.to_string(), day.to_string());
            let numbers = sums.iter().map(|sum| sum.count).chain([sum(sums).count, sum(sums).amount]);
            std::iter::once(day).chain(numbers.map(Cell::Number)).collect()
        });
        let heads = std::iter::once(self.word(Word::Day)).chain(names.iter().copied());
        let along = Table {
            id: "held",
            caption: self.word(Word::Held),
            heads: heads.chain([self.word(Word::Total), self.word(Word::Amount)]).collect(),
            rows: rows.collect(),
            foot: None,
        };
        let waiting = &self.report.people.waiting;
        let rows = Wait::ALL
            .iter()
            .zip(waiting)
            .map(|(wait, sum)| vec![self.named(wait.code()), sum.count.into(), sum.amount.into()]);
        let now = Table {
            id: "held-now",
            caption: self.word(Word::HeldNow),
            heads: vec![self.word(Word::Reason), self.word(Word::Count), self.word(Word::Amount)],
            rows: rows.collect(),
            foot: Some(vec![self.total(), sum(waiting).count.into(), sum(waiting).amount.into()]),
        };
        let bars: Vec<_> = self
            .report
            .overdue
            .iter()
            .map(|(day, sums)| Bar {
                name: month(&day.to_string()),
                parts: names.iter().zip(sums).map(|(name, sum)| self.part(name, sum.count)).collect(),
                total: self.number(sum(sums).count),
            })
            .collect();
        self.section(
            Word::Held,
            &html! {
                (self.note(Word::HeldNote))
                (charts::columns(self.word(Word::Held), &bars, &names))
                (along.markup(self.lang))
                (now.markup(self.lang))
            },
        )
    }

    pub(super) fn forfeits(&self) -> Markup {
        let lost = &self.report.people.lost;
        let columns = [Word::Forfeited, Word::Lapsed, Word::TreasuryReturned];
        let line = |ground: &Option<ledger_core::codes::Ground>| match ground {
            Some(ground) => (words::name(ground.code(), self.lang).to_owned(), ground.code()),
            None => (self.word(Word::NotRevoked).to_owned(), "live"),
        };
        let rows = lost.iter().map(|(ground, lost)| {
            let (name, code) = line(ground);
            let counts = [lost.participants, lost.losers].map(Cell::from);
            let money = [lost.forfeited, lost.lapsed, lost.returned].map(Cell::Number);
            std::iter::once(Cell::Named(name, code.to_owned())).chain(counts).chain(money).collect()
        });
        let totals = &self.report.totals;
        let count = |of: fn(&super::super::Lost) -> u64| Cell::from(lost.values().map(of).sum::<u64>());
        let money = [Account::Forfeited, Account::Lapsed, Account::TreasuryReturned].map(|a| totals.get(a).get());
        let foot = [self.total(), count(|lost| lost.participants), count(|lost| lost.losers)];
        let heads = [Word::Ground, Word::Participants, Word::Losers].into_iter().chain(columns);
        let table = Table {
            id: "forfeits",
            caption: self.word(Word::Forfeits),
            heads: heads.map(|word| self.word(word)).collect(),
            rows: rows.collect(),
            foot: Some(foot.into_iter().chain(money.map(Cell::Number)).collect()),
        };
        let series = columns.map(|word| self.word(word));
        let bars: Vec<_> = lost
            .iter()
            .map(|(ground, lost)| {
                let amounts = [lost.forfeited, lost.lapsed, lost.returned];
                Bar {
                    name: line(ground).0,
                    parts: series.iter().zip(amounts).map(|(name, amount)| self.part(name, amount)).collect(),
                    total: self.rupiah(amounts.into_iter().fold(0, i64::saturating_add)),
                }
            })
            .collect();
        self.section(
            Word::Forfeits,
            &html! {
                (self.note(Word::ForfeitsNote))
                (charts::bars(self.word(Word::Forfeits), &bars, &series))
                (table.markup(self.lang))
            },
        )
    }
}
