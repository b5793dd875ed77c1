//! `balances`: every participant with its accounts and entitlements, in order of selection.

use std::io::Write;

use ledger_core::account::Balances;
use ledger_core::view::ParticipantView;

use super::trial_balance::heading;
use crate::error::Error;
use crate::known::{Known, Window};
use crate::output::person::{COLUMNS, Person, columns, status};
use crate::output::{self, Format, text};
use crate::source::Source;

/// Writes all participants, one after the other.
///
/// # Errors
///
/// The log could not be read, or the answer not be written.
pub fn run(source: &Source, window: &Window, format: Format, out: &mut dyn Write) -> Result<(), Error> {
    let known = Known::read(source, window, &mut |_, _| {})?;
    match format {
        Format::Json => {
            let as_of = known.as_of().map(|date| date.to_string());
            write!(out, "{{\"as_of\":")?;
            output::json_part(out, &as_of)?;
            write!(out, ",\"known_at\":{},\"participants\":[", known.size())?;
            for (place, (view, balances)) in known.participants().enumerate() {
                out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
                output::json_part(out, &Person::new(&view, &balances))?;
            }
            writeln!(out, "\n]}}")?;
        }
        Format::Text => {
            writeln!(out, "{}\n", heading("Balances in rupiah", known.as_of(), known.size()))?;
            write!(out, "{:<36} {:>4}  {:<7}", "participant", "wave", "status")?;
            COLUMNS.iter().try_for_each(|name| write!(out, " {name:>11}"))?;
            writeln!(out)?;
            for (view, balances) in known.participants() {
                line(out, &view, &balances)?;
            }
        }
    }
    Ok(out.flush()?)
}

fn line(out: &mut dyn Write, view: &ParticipantView, balances: &Balances) -> std::io::Result<()> {
    write!(out, "{:<36} {:>4}  {:<7}", view.id.to_string(), view.wave.0, status(view))?;
    columns(balances).iter().try_for_each(|amount| write!(out, " {:>11}", text::rupiah(*amount)))?;
    writeln!(out)
}
