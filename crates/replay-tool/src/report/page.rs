//! The report as one page of HTML: every section a drawing and the table that it was drawn from. All text is escaped by
//! [`maud`]; the page loads nothing, and its own policy forbids it to.

use ledger_core::account::{Account, Balances};
use ledger_core::codes::{Partner, Platform};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Report;
use super::answers;
use super::charts::{self, Bar, Target, Tile};
use super::overdue::{Sum, Wait};
use super::people::{CLASSES, Group, LATENESS};
use super::provinces::{self, PROVINCES};
use super::rules;
use super::table::{Cell, Table};
use super::words::{self, Lang, Word};
use crate::audit::Audit;
use crate::finding::Finding;

/// Findings that are shown one by one.
const MOST_FINDINGS: usize = 500;
/// The sums of the columns that people look at first.
type Sums = [i64; 6];

/// The page of a report; `commands` compute its tables again.
#[must_use]
pub fn page(report: &Report, lang: Lang, commands: &[String]) -> String {
    let page = Page { report, lang };
    let title = page.word(Word::Title);
    let day = report.as_of.map_or_else(String::new, |day| format!(", {} {day}", page.word(Word::AsOf)));
    let markup = html! {
        (DOCTYPE)
        html lang=(lang.code()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) (day) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                h1 { (title) (day) }
                p.note { (page.word(Word::Everything)) }
                (page.origin())
                (page.summary())
                (page.flow())
                (page.months())
                (page.waves())
                (page.regions())
                (page.partners())
                (page.schedule())
                (page.held())
                (page.forfeits())
                (page.answers())
                (page.findings())
                (page.again(commands))
            }
        }
    };
    markup.into_string()
}

struct Page<'r> {
    report: &'r Report,
    lang: Lang,
}

impl Page<'_> {
    const fn word(&self, word: Word) -> &'static str {
        word.in_lang(self.lang)
    }

    fn number(&self, number: i64) -> String {
        self.lang.number(number)
    }

    fn rupiah(&self, amount: i64) -> String {
        format!("Rp{}", self.number(amount))
    }

    fn named(&self, code: &str) -> Cell {
        Cell::Named(words::account(code, self.lang), code.to_owned())
    }

    fn total(&self) -> Cell {
        Cell::Named(self.word(Word::Total).to_owned(), "sum".to_owned())
    }

    fn section(&self, word: Word, inside: &Markup) -> Markup {
        html! { section { h2 { (self.word(word)) } (inside) } }
    }

    fn note(&self, word: Word) -> Markup {
        html! { p.note { (self.word(word)) } }
    }

    /// A part of a bar: its length, and what it says when it is pointed at.
    fn part(&self, name: &str, amount: i64) -> (i64, String) {
        (amount, format!("{name}: {}", self.number(amount)))
    }

    fn origin(&self) -> Markup {
        let log = &self.report.log;
        let rows = [
            (Word::SourceRead, self.report.source.clone()),
            (Word::LogSize, self.number(i64::try_from(log.size).unwrap_or(i64::MAX))),
            (Word::LogRoot, hex::encode(log.root)),
            (Word::KnownRecords, self.number(i64::try_from(self.report.known_at).unwrap_or(i64::MAX))),
            (Word::Tool, concat!("replay-tool ", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        html! { dl.facts { @for (word, value) in rows { dt { (self.word(word)) } dd { (value) } } } }
    }

    fn summary(&self) -> Markup {
        let people = &self.report.people.all;
        let waiting = sum(&self.report.people.waiting);
        let [_, bought, _, transit, received, treasury] = sums(&self.report.totals);
        let budget = self.report.totals.get(Account::Budget).get();
        let row = |word: Word, code: &str, number: Cell| {
            vec![Cell::Named(self.word(word).to_owned(), code.to_owned()), number]
        };
        let rows = vec![
            row(Word::Participants, "participants", people.participants.into()),
            row(Word::Live, "live", (people.participants - people.revoked).into()),
            row(Word::Revoked, "revoked", people.revoked.into()),
            row(Word::Unlocked, "unlocked", people.unlocked.into()),
            row(Word::Entitled, "entitled", budget.saturating_neg().into()),
            row(Word::Spent, "spent", bought.into()),
            row(Word::Received, "received", received.into()),
            row(Word::InTransit, "in-transit", transit.into()),
            row(Word::Treasury, "treasury", treasury.into()),
            row(Word::DueUnpaid, "due-unpaid", waiting.amount.into()),
            row(Word::Findings, "findings", (self.report.audit.findings.len() as u64).into()),
        ];
        let heads = vec!["", ""];
        let caption = self.word(Word::Summary);
        let table = Table { id: "summary", caption, heads, rows, foot: None };
        self.section(Word::Summary, &table.markup(self.lang))
    }

    fn flow(&self) -> Markup {
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

    fn funds(&self) -> Markup {
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

    fn months(&self) -> Markup {
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

    fn waves(&self) -> Markup {
        let of = |wave: u32| self.report.people.waves.get(&wave).cloned().unwrap_or_default();
        let name =
            |line: &super::WaveLine| Cell::Named(format!("{} ({})", line.wave, line.year), line.wave.to_string());
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

    fn regions(&self) -> Markup {
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

    fn partners(&self) -> Markup {
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

    fn schedule(&self) -> Markup {
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

    fn held(&self) -> Markup {
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

    fn forfeits(&self) -> Markup {
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
        let count = |of: fn(&super::Lost) -> u64| Cell::from(lost.values().map(of).sum::<u64>());
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

    fn answers(&self) -> Markup {
        self.section(
            Word::Answers,
            &html! { (self.note(Word::AnswersNote)) (answers::tables(&self.report.audit.totals, self.lang)) },
        )
    }

    fn findings(&self) -> Markup {
        let Audit { findings, notices, left_out, .. } = &self.report.audit;
        html! {
            (self.section(Word::Findings, &self.listed(["rules", "findings"], findings)))
            @if !notices.is_empty() {
                (self.section(Word::Notices, &html! {
                    (self.note(Word::NoticesNote))
                    (self.listed(["notice-rules", "notices"], notices))
                }))
            }
            @if *left_out > 0 { p { (left_out) " " (self.word(Word::MoreFindings)) } }
        }
    }

    /// Findings by rule, and one by one as far as a page can bear.
    fn listed(&self, [of_rules, of_each]: [&str; 2], findings: &[Finding]) -> Markup {
        if findings.is_empty() {
            return html! { p id=(format!("no-{of_each}")) { (self.word(Word::NoFindings)) } };
        }
        let mut by_rule = std::collections::BTreeMap::<_, Sum>::new();
        for finding in findings {
            let sum = by_rule.entry(finding.rule).or_default();
            *sum = sum.and(Sum { count: 1, amount: finding.amount.map_or(0, ledger_core::Rupiah::get) });
        }
        let rows = by_rule.iter().map(|(rule, sum)| {
            let name = Cell::Named(rule.code().to_owned(), rule.code().to_owned());
            vec![name, sum.count.into(), sum.amount.into(), rules::next(*rule, self.lang).to_owned().into()]
        });
        let by_rule = Table {
            id: of_rules,
            caption: self.word(Word::Rule),
            heads: [Word::Rule, Word::Count, Word::Amount, Word::Next].map(|word| self.word(word)).into(),
            rows: rows.collect(),
            foot: None,
        };
        let rows = findings.iter().take(MOST_FINDINGS).map(|finding| {
            let positions = finding.positions.iter().map(|position| format!("#{position}"));
            let place = finding.participant.map(|id| id.to_string()).into_iter().chain(positions);
            let [expected, found] = rules::texts(finding, self.lang);
            vec![
                Cell::Named(finding.rule.code().to_owned(), finding.id.clone()),
                place.collect::<Vec<_>>().join(" ").into(),
                expected.into(),
                found.into(),
                finding.amount.map_or_else(|| Cell::Text("-".to_owned()), |amount| amount.get().into()),
            ]
        });
        let heads = [Word::Rule, Word::Where, Word::Expected, Word::Found, Word::Amount];
        let each = Table {
            id: of_each,
            caption: self.word(Word::Findings),
            heads: heads.map(|word| self.word(word)).into(),
            rows: rows.collect(),
            foot: None,
        };
        let more = findings.len().saturating_sub(MOST_FINDINGS);
        html! {
            (by_rule.markup(self.lang))
            (each.markup(self.lang))
            @if more > 0 { p { (more) " " (self.word(Word::MoreFindings)) } }
        }
    }

    fn again(&self, commands: &[String]) -> Markup {
        self.section(
            Word::Again,
            &html! {
                (self.note(Word::AgainNote))
                pre { (commands.join("\n")) }
                h2 { (self.word(Word::Signature)) }
                div.signature {
                    div { (self.word(Word::Auditor)) }
                    div { (self.word(Word::SignedOn)) }
                    div { (self.word(Word::Signature)) }
                }
            },
        )
    }
}

/// What people look at first, as numbers.
fn sums(balances: &Balances) -> Sums {
    crate::output::person::columns(balances).map(ledger_core::Rupiah::get)
}

fn sum(sums: &[Sum]) -> Sum {
    sums.iter().fold(Sum::default(), |all, sum| all.and(*sum))
}

/// `2020-12` of `2020-12-31`.
fn month(day: &str) -> String {
    day.get(..7).unwrap_or(day).to_owned()
}
