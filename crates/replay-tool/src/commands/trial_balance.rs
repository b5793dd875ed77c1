//! `trial-balance`: every account over all participants.

use std::io::Write;

use ledger_core::time::Date;
use serde::Serialize;

use crate::error::Error;
use crate::known::{Known, Window};
use crate::output::person::not_zero;
use crate::output::{self, Format, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document {
    as_of: Option<String>,
    known_at: u64,
    accounts: Vec<Line>,
    sum: String,
}

#[derive(Serialize)]
struct Line {
    account: String,
    amount: String,
}

/// Writes the trial balance.
///
/// # Errors
///
/// The log could not be read, or the answer not be written.
pub fn run(source: &Source, window: &Window, format: Format, out: &mut dyn Write) -> Result<(), Error> {
    let known = Known::read(source, window, &mut |_, _| {})?;
    let totals = known.totals();
    match format {
        Format::Json => {
            let line = |(account, amount): (ledger_core::account::Account, ledger_core::Rupiah)| Line {
                account: account.to_string(),
                amount: amount.to_string(),
            };
            let document = Document {
                as_of: known.as_of().map(|date| date.to_string()),
                known_at: known.size(),
                accounts: totals.iter().map(line).collect(),
                sum: totals.sum().to_string(),
            };
            output::json(out, &document)?;
        }
        Format::Text => {
            writeln!(out, "{}\n", heading("Trial balance", known.as_of(), known.size()))?;
            let mut rows = vec![["account".to_owned(), "rupiah".to_owned()]];
            rows.extend(not_zero(totals).map(|(account, amount)| [account.to_string(), text::rupiah(amount)]));
            rows.push(["sum".to_owned(), text::rupiah(totals.sum())]);
            out.write_all(text::table(&rows, [false, true]).as_bytes())?;
            let treasury = text::rupiah(totals.treasury_total());
            writeln!(out, "\nBack to the treasury (forfeited + lapsed + treasury-returned): Rp{treasury}")?;
        }
    }
    Ok(out.flush()?)
}

/// A title with its two clocks.
pub(super) fn heading(title: &str, as_of: Option<Date>, known_at: u64) -> String {
    let as_of = as_of.map_or_else(String::new, |date| format!(" as of {date},"));
    format!("{title}{as_of} from {} records", text::count(known_at))
}
