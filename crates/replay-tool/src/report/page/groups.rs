//! Who they are: waves, regions, partners.

use ledger_core::account::Account;
use ledger_core::codes::Partner;
use maud::{Markup, html};

use super::super::charts::{self, Bar, Tile};
use super::super::overdue::Sum;
use super::super::people::Group;
use super::super::provinces::{self, PROVINCES};
use super::super::table::{Cell, Table};
use super::super::words::{self, Word};
use super::{Page, sums};

impl Page<'_> {
    /// How many people, and who they are.
    fn people(group: &Group) -> [Cell; 3] {
        [group.participants, group.revoked, group.unlocked].map(Cell::from)
    }

    const PEOPLE: [Word; 3] = [Word::Participants, Word::Revoked, Word::Unlocked];

    /// Where their money is.
    fn money(group: &Group) -> [Cell; 6] {
        sums(&group.balances).map(Cell::Number)
    }

    const MONEY: [Word; 6] =
        [Word::TrainingLeft, Word::Spent, Word::Committed, Word::InTransit, Word::Received, Word::Treasury];

    /// A table of people, and one of money: both together are wider than a sheet of paper.
    fn both(&self, ids: [&str; 2], captions: [Word; 2], heads: [&[Word]; 2], rows: [Vec<Vec<Cell>>; 2]) -> Markup {
        let [people, money] = rows;
        html! {
            @for (n, rows) in [people, money].into_iter().enumerate() {
                @let caption = format!("{}: {}", self.word(captions[0]), self.word([captions[1], Word::Amount][n]));
                @let heads = heads[n].iter().map(|word| self.word(*word)).collect();
                (Table { id: ids[n], caption: &caption, heads, rows, foot: None }.markup(self.lang))
            }
        }
    }

    pub(super) fn waves(&self) -> Markup {
        let of = |wave: u32| self.report.people.waves.get(&wave).cloned().unwrap_or_default();
        let name = |line: &super::super::WaveLine| {
            Cell::Named(format!("{} ({})", line.wave, line.year), line.wave.to_string())
        };
        let people = self.report.waves.iter().map(|line| {
            let closed = Cell::Text(line.closed.map_or_else(|| "-".to_owned(), |day| day.to_string()));
            let quota = Cell::from(u64::from(line.quota));
            [name(line), closed, quota].into_iter().chain(Self::people(&of(line.wave))).collect()
        });
        let money = self.report.waves.iter();
        let money = money.map(|line| std::iter::once(name(line)).chain(Self::money(&of(line.wave))).collect());
        let tables = self.both(
            ["waves", "waves-money"],
            [Word::Waves, Word::Participants],
            [
                &[&[Word::Wave, Word::ClosedOn, Word::Quota][..], &Self::PEOPLE].concat(),
                &[&[Word::Wave][..], &Self::MONEY].concat(),
            ],
            [people.collect(), money.collect()],
        );
        let series = Self::MONEY.map(|word| self.word(word));
        let bars: Vec<_> = self
            .report
            .waves
            .iter()
            .map(|line| {
                let group = of(line.wave);
                let parts = series.iter().zip(sums(&group.balances)).map(|(name, amount)| self.part(name, amount));
                Bar {
                    name: format!("{} {} ({})", self.word(Word::Wave), line.wave, line.year),
                    parts: parts.collect(),
                    total: self.rupiah(group.balances.get(Account::Budget).get().saturating_neg()),
                }
            })
            .collect();
        self.section(Word::Waves, &html! { (charts::bars(self.word(Word::Waves), &bars, &series)) (tables) })
    }

    pub(super) fn regions(&self) -> Markup {
        let provinces = &self.report.people.provinces;
        let name = |code: &u16| Cell::Named(provinces::name(*code), format!("{code:02}"));
        let all = &self.report.people.all;
        let people = provinces.iter().map(|(code, group)| (name(code), group)).chain([(self.total(), all)]);
        let money = provinces.iter().map(|(code, group)| (name(code), group)).chain([(self.total(), all)]);
        let tables = self.both(
            ["provinces", "provinces-money"],
            [Word::Regions, Word::Participants],
            [&[&[Word::Province][..], &Self::PEOPLE].concat(), &[&[Word::Province][..], &Self::MONEY].concat()],
            [
                people.map(|(name, group)| std::iter::once(name).chain(Self::people(group)).collect()).collect(),
                money.map(|(name, group)| std::iter::once(name).chain(Self::money(group)).collect()).collect(),
            ],
        );
        // What 2022 divided is drawn only where somebody is from there.
        let shown = PROVINCES.iter().filter(|province| province.code <= 92 || provinces.contains_key(&province.code));
        let tiles: Vec<_> = shown
            .map(|province| {
                let group = provinces.get(&province.code).cloned().unwrap_or_default();
                let received = group.balances.get(Account::Received).get();
                let people = i64::try_from(group.participants).unwrap_or(i64::MAX);
                Tile {
                    row: province.row,
                    column: province.column,
                    short: province.short,
                    amount: received,
                    label: self.number(people),
                    title: format!(
                        "{}: {} {}, {}",
                        province.name,
                        self.number(people),
                        self.word(Word::Participants),
                        self.rupiah(received)
                    ),
                }
            })
            .collect();
        self.section(
            Word::Regions,
            &html! {
                (self.note(Word::RegionsNote))
                (charts::tiles(self.word(Word::Regions), &tiles))
                (tables)
            },
        )
    }

    pub(super) fn partners(&self) -> Markup {
        let columns = [Word::Instructed, Word::Settled, Word::Open, Word::InDoubt, Word::Rejected, Word::Returned];
        let of = |partner: &Partner| {
            let orders = &self.report.people.partners[usize::from(partner.number()) - 1];
            [orders.instructed, orders.settled, orders.open, orders.in_doubt, orders.rejected, orders.returned]
        };
        let all = Partner::ALL
            .iter()
            .map(of)
            .fold([Sum::default(); 6], |all, one| std::array::from_fn(|n| all[n].and(one[n])));
        let rows = |cell: fn(Sum) -> i64| {
            let named = Partner::ALL.iter().map(|partner| (self.named(partner.code()), of(partner)));
            let lines = named.chain([(self.total(), all)]);
            lines.map(|(name, sums)| std::iter::once(name).chain(sums.map(cell).map(Cell::Number)).collect()).collect()
        };
        let heads = [&[Word::Partner][..], &columns].concat();
        let tables = self.both(
            ["partners", "partners-money"],
            [Word::Partners, Word::Count],
            [&heads, &heads],
            [rows(|sum| sum.count), rows(|sum| sum.amount)],
        );
        let series: Vec<_> = columns.iter().skip(1).map(|word| self.word(*word)).collect();
        let bars: Vec<_> = Partner::ALL
            .iter()
            .map(|partner| {
                let [instructed, parts @ ..] = of(partner);
                Bar {
                    name: words::name(partner.code(), self.lang).to_owned(),
                    parts: series.iter().zip(parts).map(|(name, sum)| self.part(name, sum.amount)).collect(),
                    total: self.rupiah(instructed.amount),
                }
            })
            .collect();
        self.section(Word::Partners, &html! { (charts::bars(self.word(Word::Partners), &bars, &series)) (tables) })
    }
}
