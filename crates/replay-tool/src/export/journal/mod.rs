//! The double entry as a journal of plain text accounting: each record that moves money is a transaction, and balance
//! assertions at the end of each year and of the journal say what it must come to.
//!
//! Accounts are those of the ledger, over all participants; whose money it is and what for stands beside each posting, where
//! both tools can ask for it. A journal is in the order of the log, dates may go back: both tools sort.

mod beancount;
mod hledger;

use std::collections::BTreeMap;
use std::io::{self, Write};

use ledger_core::account::{Account, Balances};
use ledger_core::ids::ParticipantId;
use ledger_core::postings::Posting;
use ledger_core::time::Date;
use ledger_core::{Record, Rupiah, State};

pub(super) use beancount::Beancount;
pub(super) use hledger::Hledger;

use super::{Sink, money};
use crate::known::Known;
use crate::source::Pass;

/// The name of an account in both tools: one of the five roots that accountants sort accounts by, and the ledger's own name
/// with capitals, which Beancount asks for. In lower case and without its root it is the ledger's name again.
#[must_use]
pub fn account(account: Account) -> String {
    let root = match account {
        Account::Budget | Account::Forfeited | Account::Lapsed | Account::TreasuryReturned => "Equity",
        Account::TrainingBalance
        | Account::IncentivesCommitted
        | Account::PlatformUnearned(_)
        | Account::InTransit(_)
        | Account::Repayments => "Assets",
        Account::PlatformEarned(_) | Account::Received => "Expenses",
        Account::Overpaid => "Liabilities",
        Account::Repaid => "Income",
    };
    let mut name = format!("{root}:");
    let mut starts = true;
    for letter in account.to_string().chars() {
        name.push(if starts { letter.to_ascii_uppercase() } else { letter });
        starts = matches!(letter, ':' | '-');
    }
    name
}

/// How a tool writes it.
pub(super) trait Dialect {
    /// What stands first.
    fn begin(&self, out: &mut dyn Write) -> io::Result<()>;

    /// A record that moves money; its postings follow.
    fn transaction(&self, out: &mut dyn Write, date: Date, record: &Record<'_>) -> io::Result<()>;

    /// A posting of `participant`, who is named where the record does not.
    fn posting(
        &self,
        out: &mut dyn Write,
        name: &str,
        posting: &Posting,
        participant: Option<ParticipantId>,
    ) -> io::Result<()>;

    /// What was left to say of the accounts, each with the first day on which it moved.
    fn accounts(&self, out: &mut dyn Write, accounts: &[(&str, Date)]) -> io::Result<()>;

    /// What the accounts hold at the end of a day.
    fn balances(&self, out: &mut dyn Write, day: Date, balances: &[(&str, Rupiah)]) -> io::Result<()>;

    /// A remark.
    fn remark(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        writeln!(out, "\n; {text}")
    }
}

/// A journal as it is written.
pub(super) struct Journal<'w, D> {
    dialect: D,
    out: &'w mut dyn Write,
    /// The tool's names, by [`Account::index`].
    names: Vec<String>,
    /// The first day on which each account moved.
    since: [Option<Date>; Account::COUNT],
    /// What moved in each year.
    years: BTreeMap<i16, Balances>,
    last: Option<Date>,
}

impl<'w, D: Dialect> Journal<'w, D> {
    pub(super) fn new(dialect: D, out: &'w mut dyn Write) -> io::Result<Self> {
        dialect.begin(out)?;
        let names = Account::all().map(account).collect();
        let since = [None; Account::COUNT];
        Ok(Self { dialect, out, names, since, years: BTreeMap::new(), last: None })
    }

    fn posting(
        &mut self,
        date: Date,
        record: &Record<'_>,
        id: ParticipantId,
        posting: &Posting,
        first: bool,
    ) -> io::Result<()> {
        let Self { dialect, out, names, since, years, last } = self;
        if first {
            dialect.transaction(out, date, record)?;
            *last = (*last).max(Some(date));
        }
        let since = &mut since[posting.account.index()];
        *since = Some(since.map_or(date, |since| since.min(date)));
        years.entry(date.year()).or_default().add(posting.account, posting.amount);
        let named = record.participant.is_none().then_some(id);
        dialect.posting(out, &names[posting.account.index()], posting, named)
    }

    /// The accounts that moved by the end of a day, with what they hold.
    fn balances(&mut self, day: Date, held: &Balances) -> io::Result<()> {
        let moved = held.iter().zip(&self.since).filter(|(_, since)| since.is_some_and(|since| since <= day));
        let balances: Vec<_> =
            moved.map(|((account, amount), _)| (self.names[account.index()].as_str(), amount)).collect();
        self.dialect.balances(self.out, day, &balances)
    }
}

impl<D: Dialect> Sink for Journal<'_, D> {
    fn record(&mut self, state: &State, record: &Record<'_>, _: &[u8]) -> io::Result<()> {
        let (date, mut written, mut first) = (record.occurred_at.wib_date(), Ok(()), true);
        money::of(state, record, &mut |id, posting| {
            if written.is_ok() {
                written = self.posting(date, record, id, posting, first);
                first = false;
            }
        });
        written
    }

    fn end(&mut self, known: &Known, pass: &Pass, until: Option<Date>) -> io::Result<()> {
        let moved = self.names.iter().zip(self.since);
        let moved: Vec<_> = moved.filter_map(|(name, since)| Some((name.as_str(), since?))).collect();
        self.dialect.accounts(self.out, &moved)?;
        if let Some(last) = until.or(self.last) {
            let mut held = Balances::default();
            for (year, moved) in std::mem::take(&mut self.years) {
                held.merge(&moved);
                if let Some(end) = Date::new(year, 12, 31).filter(|end| *end < last) {
                    self.balances(end, &held)?;
                }
            }
            // Of everything known the state has sums of its own, a closing's among them as one sum: the tool compares them
            // with the shares above.
            let held = if until.is_none() { *known.totals() } else { held };
            self.balances(last, &held)?;
        }
        let of =
            format!("{} records known, of a log of {} with root {}", known.size(), pass.size, hex::encode(pass.root));
        self.dialect.remark(self.out, &of)?;
        self.out.flush()
    }
}

/// What stands beside a transaction: name and text, none that is empty.
fn beside(record: &Record<'_>) -> impl Iterator<Item = (&'static str, String)> {
    let instruction = record.event.as_outcome().map(|(_, outcome)| outcome.instruction.reference());
    let all = [
        ("participant", record.participant.map(|id| id.to_string())),
        ("instruction", instruction),
        ("actor", Some(record.actor.to_string())),
        ("approved_by", record.approved_by.as_ref().map(ToString::to_string)),
        ("recorded_at", Some(record.recorded_at.to_string())),
        ("source_reference", Some(record.source_reference.to_string())),
    ];
    all.into_iter().filter_map(|(name, text)| Some((name, text.filter(|text| !text.is_empty())?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_lead_back_to_the_accounts() {
        let mut names = BTreeSet::new();
        for each in Account::all() {
            let name = account(each);
            let (_, own) = name.split_once(':').expect("a root");
            assert_eq!(own.to_lowercase(), each.to_string());
            assert!(names.insert(name));
        }
        assert!(names.contains("Assets:Platform-Unearned:Skill-Academy"), "{names:?}");
    }
}
