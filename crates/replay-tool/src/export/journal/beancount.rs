//! The syntax of Beancount 2 and 3.

use std::io::{self, Write};

use ledger_core::ids::ParticipantId;
use ledger_core::postings::Posting;
use ledger_core::time::Date;
use ledger_core::{Record, Rupiah};

use super::{Dialect, beside};
use crate::output::life::item;

pub(crate) struct Beancount;

impl Dialect for Beancount {
    fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "; Disbursement ledger, double entry. Amounts are whole rupiah. Accounts are opened at the end.\n"
        )?;
        writeln!(out, "option \"title\" \"Disbursement ledger\"\noption \"operating_currency\" \"IDR\"")
    }

    fn transaction(&self, out: &mut dyn Write, date: Date, record: &Record<'_>) -> io::Result<()> {
        writeln!(out, "\n{date} * \"{}\"\n  position: {}", record.event.name(), record.position)?;
        beside(record).try_for_each(|(name, text)| writeln!(out, "  {name}: \"{}\"", quoted(&text)))
    }

    fn posting(
        &self,
        out: &mut dyn Write,
        name: &str,
        posting: &Posting,
        participant: Option<ParticipantId>,
    ) -> io::Result<()> {
        writeln!(out, "  {name}  {} IDR\n    item: \"{}\"", posting.amount, item(&posting.item))?;
        participant.map_or(Ok(()), |id| writeln!(out, "    participant: \"{id}\""))
    }

    /// An account is open from the first day on which it moved, which is known last.
    fn accounts(&self, out: &mut dyn Write, accounts: &[(&str, Date)]) -> io::Result<()> {
        writeln!(out)?;
        accounts.iter().try_for_each(|(name, since)| writeln!(out, "{since} open {name} IDR"))
    }

    /// An assertion speaks of the beginning of its day.
    fn balances(&self, out: &mut dyn Write, day: Date, balances: &[(&str, Rupiah)]) -> io::Result<()> {
        let next = day.plus_days(1);
        writeln!(out)?;
        balances.iter().try_for_each(|(name, amount)| writeln!(out, "{next} balance {name}  {amount} IDR"))
    }
}

/// Text between quotation marks, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
