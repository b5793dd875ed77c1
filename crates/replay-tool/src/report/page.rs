//! The report as one page of HTML: every section a drawing and the table that it was drawn from. All text is escaped by
//! [`maud`]; the page loads nothing, and its own policy forbids it to.

mod findings;
mod flow;
mod groups;
mod payments;

use ledger_core::account::{Account, Balances};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Report;
use super::overdue::Sum;
use super::table::{Cell, Table};
use super::words::{self, Lang, Word};

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
