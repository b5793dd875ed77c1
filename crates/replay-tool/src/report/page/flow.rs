//! Where the money went: the flow, the funds, month by month.

use ledger_core::account::{Account, Balances};
use ledger_core::codes::Platform;
use maud::{Markup, html};

use super::super::charts::{self, Target};
use super::super::table::{Cell, Table};
use super::super::words::{self, Word};
use super::{Page, month, sums};

impl Page<'_> {
    pub(super) fn flow(&self) -> Markup {
        let totals = &self.report.totals;
        let rows = totals.iter().map(|(account, amount)| vec![self.named(&account.to_string()), amount.get().into()]);
        let table = Table {
            id: "accounts",
            caption: self.word(Word::Flow),
            heads: vec![self.word(Word::Account), self.word(Word::Amount)],
            rows: rows.collect(),
            foot: Some(vec![self.total(), totals.sum().get().into()]),
        };
        let platforms = |account: fn(Platform) -> Account| {
            Platform::ALL.iter().map(|platform| totals.get(account(*platform)).get()).fold(0, i64::saturating_add)
        };
        let [.., transit, _, _] = sums(totals);
        let one = |account: Account| (account.to_string(), totals.get(account).get());
        let ends = [
            (0, one(Account::TrainingBalance)),
            (0, ("platform-unearned".to_owned(), platforms(Account::PlatformUnearned))),
            (0, ("platform-earned".to_owned(), platforms(Account::PlatformEarned))),
            (0, one(Account::Forfeited)),
            (0, one(Account::Lapsed)),
            (1, one(Account::IncentivesCommitted)),
            (1, ("in-transit".to_owned(), transit)),
            (1, one(Account::Received)),
            (1, one(Account::TreasuryReturned)),
        ];
        let targets: Vec<_> = ends
            .into_iter()
            .map(|(source, (code, amount))| Target {
                source,
                name: words::account(&code, self.lang),
                amount,
                label: self.rupiah(amount),
            })
            .collect();
        let of = |source: usize| {
            targets.iter().filter(|target| target.source == source).map(|t| t.amount).fold(0, i64::saturating_add)
        };
        let sources = [(Word::Aid, 0), (Word::Incentives, 1)]
            .map(|(word, source)| (self.word(word).to_owned(), self.rupiah(of(source))));
        self.section(
            Word::Flow,
            &html! {
                (self.note(Word::FlowNote))
                (charts::flow(self.word(Word::Flow), &sources, &targets))
                (table.markup(self.lang))
                (self.funds())
            },
        )
    }

    pub(super) fn funds(&self) -> Markup {
        let rows = self.report.funds.iter().map(|funds| {
            let year = Cell::Named(funds.year.to_string(), funds.year.to_string());
            vec![year, funds.appropriated.into(), funds.used.into()]
        });
        let table = Table {
            id: "funds",
            caption: self.word(Word::Funds),
            heads: vec![self.word(Word::Year), self.word(Word::Appropriated), self.word(Word::Used)],
            rows: rows.collect(),
            foot: None,
        };
        table.markup(self.lang)
    }

    pub(super) fn months(&self) -> Markup {
        let columns = [Word::Spent, Word::InTransit, Word::Received, Word::Treasury];
        let of = |balances: &Balances| {
            let [_, bought, _, transit, received, treasury] = sums(balances);
            [bought, transit, received, treasury]
        };
        let months = &self.report.months;
        let series: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(n, word)| (self.word(*word), months.iter().map(|(_, balances)| of(balances)[n]).collect::<Vec<_>>()))
            .collect();
        let most = series.iter().flat_map(|(_, values)| values).copied().max().unwrap_or_default();
        let days: Vec<_> = months.iter().map(|(day, _)| month(&day.to_string())).collect();
        let rows = months.iter().map(|(day, balances)| {
            let day = Cell::Named(day.to_string(), day.to_string());
            std::iter::once(day).chain(of(balances).map(Cell::Number)).collect()
        });
        let table = Table {
            id: "months",
            caption: self.word(Word::Months),
            heads: std::iter::once(Word::Day).chain(columns).map(|word| self.word(word)).collect(),
            rows: rows.collect(),
            foot: None,
        };
        self.section(
            Word::Months,
            &html! {
                (self.note(Word::MonthsNote))
                (charts::lines(self.word(Word::Months), &days, &series, &self.rupiah(most)))
                (table.markup(self.lang))
            },
        )
    }
}
