//! `balances`: every participant with its accounts and entitlements, in order of selection.

use std::io::{self, Write};
use std::num::NonZero;
use std::sync::mpsc;
use std::thread;

use ledger_core::account::Balances;
use ledger_core::state::Place;
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
            each_in_order(&known, out, &|text, place, view, balances| {
                text.write_all(if place == 0 { b"\n" } else { b",\n" })?;
                output::json_part(text, &Person::new(view, balances))
            })?;
            writeln!(out, "\n]}}")?;
        }
        Format::Text => {
            writeln!(out, "{}\n", heading("Balances in rupiah", known.as_of(), known.size()))?;
            write!(out, "{:<36} {:>4}  {:<7}", "participant", "wave", "status")?;
            COLUMNS.iter().try_for_each(|name| write!(out, " {name:>11}"))?;
            writeln!(out)?;
            each_in_order(&known, out, &|text, _, view, balances| line(text, view, balances))?;
        }
    }
    Ok(out.flush()?)
}

/// Participants whose texts are made in one go.
const SOME: Place = 1_024;
/// Such texts that wait to be written, by thread.
const AHEAD: usize = 2;

/// How a participant, by its place in the order of selection, is written.
type Each<'e> = dyn Fn(&mut Vec<u8>, Place, &ParticipantView, &Balances) -> io::Result<()> + Sync + 'e;

/// Writes every participant: each thread makes the texts of some of them in turn, and they are written in order.
fn each_in_order(known: &Known, out: &mut dyn Write, each: &Each<'_>) -> io::Result<()> {
    let (threads, people) = (std::thread::available_parallelism().map_or(1, NonZero::get), known.count());
    let text_of = |first: Place| {
        let mut text = Vec::new();
        for place in first..people.min(first.saturating_add(SOME)) {
            if let Some((view, balances)) = known.person(place) {
                each(&mut text, place, &view, &balances)?;
            }
        }
        Ok::<_, io::Error>(text)
    };
    thread::scope(|scope| {
        let texts: Vec<_> = (0..threads)
            .map(|thread| {
                let (made, texts) = mpsc::sync_channel(AHEAD);
                // Once nobody takes texts, none are made.
                let mut turns = (0..people).step_by(SOME as usize).skip(thread).step_by(threads);
                scope.spawn(move || turns.all(|first| made.send(text_of(first)).is_ok()));
                texts
            })
            .collect();
        texts.iter().cycle().map_while(|texts| texts.recv().ok()).try_for_each(|text| out.write_all(&text?))
    })
}

fn line(out: &mut dyn Write, view: &ParticipantView, balances: &Balances) -> std::io::Result<()> {
    write!(out, "{:<36} {:>4}  {:<7}", view.id.to_string(), view.wave.0, status(view))?;
    columns(balances).iter().try_for_each(|amount| write!(out, " {:>11}", text::rupiah(*amount)))?;
    writeln!(out)
}
