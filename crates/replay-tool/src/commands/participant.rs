//! `participant ID`: one participant, its money, what is due, paid or held and why, and everything that was recorded.

use std::io::{self, Write};

use ledger_core::account::Balances;
use ledger_core::event::Event;
use ledger_core::ids::ParticipantId;
use ledger_core::postings;
use ledger_core::view::ParticipantView;
use ledger_core::{Record, State};
use serde::Serialize;

use super::trial_balance::heading;
use crate::error::Error;
use crate::known::{Known, Window};
use crate::output::life::Entry;
use crate::output::person::{Person, held, not_zero, release, status};
use crate::output::{self, Format, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    person: Person<'a>,
    as_of: Option<String>,
    known_at: u64,
    scheme: &'a str,
    region: String,
    /// Why the membership is revoked.
    ground: Option<&'static str>,
    history: &'a [Entry],
}

/// Writes one participant.
///
/// # Errors
///
/// The log could not be read, does not know the participant, or the answer could not be written.
pub fn run(
    source: &Source,
    id: ParticipantId,
    window: &Window,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut history = Vec::new();
    let known = Known::read(source, window, &mut |state, record| {
        if window.as_of.is_none_or(|date| record.occurred_at.wib_date() <= date) {
            history.extend(entry(state, record, id));
        }
    })?;
    let (view, balances) = known.participant(id)?;
    let dossier = Dossier { view: &view, balances: &balances, known: &known, history: &history };
    match format {
        Format::Json => {
            dossier.json(out)?;
            writeln!(out)?;
        }
        Format::Text => dossier.text(out)?,
    }
    Ok(out.flush()?)
}

/// Everything that is known of one participant.
pub(super) struct Dossier<'a> {
    pub(super) view: &'a ParticipantView,
    pub(super) balances: &'a Balances,
    pub(super) known: &'a Known,
    pub(super) history: &'a [Entry],
}

impl Dossier<'_> {
    pub(super) fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { view, balances, known, history } = self;
        let document = Document {
            person: Person::new(view, balances),
            as_of: known.as_of().map(|date| date.to_string()),
            known_at: known.size(),
            scheme: &view.scheme,
            region: view.region.to_string(),
            ground: view.revoked.map(ledger_core::codes::Ground::code),
            history,
        };
        output::json_part(out, &document)
    }

    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { view, balances, known, history } = self;
        writeln!(out, "{}\n", heading(&format!("Participant {}", view.id), known.as_of(), known.size()))?;
        facts(out, view)?;
        money(out, balances)?;
        entitlements(out, view)?;
        writeln!(out, "\nLife, in order of recording")?;
        history.iter().try_for_each(|entry| out.write_all(entry.in_words().as_bytes()))
    }
}

/// The record as a part of the participant's life, if it is one; `state` is what was known before it.
pub(super) fn entry(state: &State, record: &Record<'_>, id: ParticipantId) -> Option<Entry> {
    let mut postings = Vec::new();
    if record.participant == Some(id) {
        postings::of(state, record, &mut |posting| postings.push(posting));
        return Some(Entry::new(record, &postings));
    }
    // A closing is the participant's if it moved its money.
    if matches!(record.event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_)) {
        postings::closing(state, record, state.place(id)?, &mut |posting| postings.push(posting));
    }
    (!postings.is_empty()).then(|| Entry::new(record, &postings))
}

pub(super) fn facts(out: &mut dyn Write, view: &ParticipantView) -> io::Result<()> {
    let ground = view.revoked.map_or_else(String::new, |ground| format!(": {ground}"));
    writeln!(out, "status      {}{ground}", status(view))?;
    writeln!(
        out,
        "scheme      {}, wave {}{}",
        view.scheme,
        view.wave,
        if view.wave_closed { " (closed)" } else { "" }
    )?;
    writeln!(out, "region      {}", view.region)?;
    writeln!(out, "selected    {}", view.selected_on)?;
    writeln!(out, "first buy   by {}", text::or_dash(view.first_purchase_deadline))?;
    writeln!(out, "unlocked    {}", text::or_dash(view.unlocked_on))?;
    if view.ineligible {
        writeln!(out, "ineligible  an ineligibility finding is open")?;
    }
    Ok(())
}

fn money(out: &mut dyn Write, balances: &Balances) -> io::Result<()> {
    let mut rows = vec![["account".to_owned(), "rupiah".to_owned()]];
    rows.extend(not_zero(balances).map(|(account, amount)| [account.to_string(), text::rupiah(amount)]));
    write!(out, "\nMoney\n{}", text::table(&rows, [false, true]))
}

pub(super) fn entitlements(out: &mut dyn Write, view: &ParticipantView) -> io::Result<()> {
    let heads = ["entitlement", "rupiah", "status", "due", "paid", "tries", "held because", "what would release it"];
    let mut rows = vec![heads.map(str::to_owned)];
    for entitlement in &view.entitlements {
        rows.push([
            entitlement.entitlement.to_string(),
            text::rupiah(entitlement.amount),
            entitlement.status().code().to_owned(),
            text::or_dash(entitlement.due),
            text::or_dash(entitlement.settled_on),
            entitlement.attempts.to_string(),
            text::or_dash(held(entitlement)),
            text::or_dash(release(entitlement)),
        ]);
    }
    let table = text::table(&rows, [false, true, false, false, false, true, false, false]);
    write!(out, "\nEntitlements\n{table}")
}
