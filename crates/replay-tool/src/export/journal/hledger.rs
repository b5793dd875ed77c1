//! The syntax of hledger, since 1.19.

use std::io::{self, Write};

use ledger_core::account::Account;
use ledger_core::ids::ParticipantId;
use ledger_core::postings::Posting;
use ledger_core::time::Date;
use ledger_core::{Record, Rupiah};

use super::{Dialect, account, beside};
use crate::output::life::item;

pub(crate) struct Hledger;

impl Dialect for Hledger {
    fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "; Disbursement ledger, double entry. Amounts are whole rupiah.\n\ncommodity 1000. IDR\n")?;
        Account::all().try_for_each(|each| writeln!(out, "account {}", account(each)))
    }

    fn transaction(&self, out: &mut dyn Write, date: Date, record: &Record<'_>) -> io::Result<()> {
        write!(out, "\n{date} * ({}) {}", record.position, record.event.name())?;
        for (place, (name, text)) in beside(record).enumerate() {
            write!(out, "{}{name}: {}", if place == 0 { "  ; " } else { ", " }, plain(&text))?;
        }
        writeln!(out)
    }

    fn posting(
        &self,
        out: &mut dyn Write,
        name: &str,
        posting: &Posting,
        participant: Option<ParticipantId>,
    ) -> io::Result<()> {
        write!(out, "    {name}  {} IDR  ; item: {}", posting.amount, item(&posting.item))?;
        match participant {
            Some(id) => writeln!(out, ", participant: {id}"),
            None => writeln!(out),
        }
    }

    /// They are declared in the beginning, in the order in which reports shall show them.
    fn accounts(&self, _: &mut dyn Write, _: &[(&str, Date)]) -> io::Result<()> {
        Ok(())
    }

    fn balances(&self, out: &mut dyn Write, day: Date, balances: &[(&str, Rupiah)]) -> io::Result<()> {
        writeln!(out, "\n{day} * Balance assertions")?;
        balances.iter().try_for_each(|(name, amount)| writeln!(out, "    {name}  0 IDR = {amount} IDR"))
    }
}

/// Text as the value of a tag: a comma would end it, a line end the comment.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter == ',' || letter.is_control() { ' ' } else { letter }).collect()
}
