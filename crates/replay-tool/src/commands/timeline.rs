//! `timeline ID`: one participant's life along the time: facts with the money that they moved and the balances after each,
//! what is due, ordered and paid when, and what is held and why.

use std::io::{self, Write};

use ledger_core::Record;
use ledger_core::account::Balances;
use ledger_core::codes::OutcomeKind;
use ledger_core::event::Event;
use ledger_core::ids::{ParticipantId, Position};
use ledger_core::scheme::Entitlement;
use ledger_core::time::Date;
use ledger_core::view::ParticipantView;
use serde::Serialize;

use super::participant;
use super::trial_balance::heading;
use crate::error::Error;
use crate::known::{Known, Window};
use crate::output::axis::{Axis, Lane};
use crate::output::life::Entry;
use crate::output::person::{Accounts, COLUMNS, Person, columns};
use crate::output::{self, Format, style, text};
use crate::source::Source;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    person: Person<'a>,
    as_of: Option<String>,
    known_at: u64,
    ground: Option<&'static str>,
    steps: Vec<StepJson<'a>>,
    orders: Vec<OrderJson<'a>>,
}

#[derive(Serialize)]
struct StepJson<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    /// After it.
    balances: Accounts<'a>,
}

#[derive(Serialize)]
struct OrderJson<'a> {
    entitlement: String,
    instruction: String,
    attempt: u8,
    partner: &'static str,
    due: String,
    instructed_on: String,
    outcomes: Vec<OutcomeJson<'a>>,
}

#[derive(Serialize)]
struct OutcomeJson<'a> {
    outcome: &'static str,
    on: String,
    position: u64,
    reason: Option<&'a str>,
}

/// One instruction and what became of it.
struct Order {
    instruction: Position,
    entitlement: Entitlement,
    attempt: u8,
    partner: &'static str,
    due: Date,
    on: Date,
    outcomes: Vec<Outcome>,
}

struct Outcome {
    kind: OutcomeKind,
    on: Date,
    position: u64,
    reason: Option<&'static str>,
}

/// Everything of one participant, in order of recording.
#[derive(Default)]
struct Life {
    steps: Vec<(Entry, Balances)>,
    orders: Vec<Order>,
}

impl Life {
    fn add(&mut self, record: &Record<'_>, entry: Entry) {
        let mut balances = self.steps.last().map(|(_, balances)| *balances).unwrap_or_default();
        entry.postings().for_each(|posting| balances.add(posting.account, posting.amount));
        self.steps.push((entry, balances));
        let on = record.occurred_at.wib_date();
        if let Event::PayoutInstructed(e) = &record.event {
            self.orders.push(Order {
                instruction: Position(record.position),
                entitlement: e.entitlement,
                attempt: e.attempt,
                partner: e.partner.code(),
                due: e.due,
                on,
                outcomes: Vec::new(),
            });
        }
        if let Some((kind, said)) = record.event.as_outcome()
            && let Some(order) = self.orders.iter_mut().find(|order| order.instruction == said.instruction)
        {
            let reason = said.reason.map(ledger_core::codes::Reason::code);
            order.outcomes.push(Outcome { kind, on, position: record.position, reason });
        }
    }
}

/// Writes one participant's life.
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
    let mut life = Life::default();
    let known = Known::read(source, window, &mut |state, record| {
        if window.as_of.is_none_or(|date| record.occurred_at.wib_date() <= date)
            && let Some(entry) = participant::entry(state, record, id)
        {
            life.add(record, entry);
        }
    })?;
    let (view, balances) = known.participant(id)?;
    match format {
        Format::Json => {
            let document = Document {
                person: Person::new(&view, &balances),
                as_of: known.as_of().map(|date| date.to_string()),
                known_at: known.size(),
                ground: view.revoked.map(ledger_core::codes::Ground::code),
                steps: life.steps.iter().map(|(entry, b)| StepJson { entry, balances: Accounts(b) }).collect(),
                orders: life.orders.iter().map(OrderJson::new).collect(),
            };
            output::json(out, &document)?;
        }
        Format::Text => {
            let title = heading(&format!("Participant {id}"), known.as_of(), known.size());
            writeln!(out, "{}\n", style::heading(title))?;
            participant::facts(out, &view)?;
            draw(out, &life, &view, known.as_of().unwrap_or_default())?;
            steps(out, &life)?;
            participant::entitlements(out, &view)?;
        }
    }
    Ok(out.flush()?)
}

impl<'a> OrderJson<'a> {
    fn new(order: &'a Order) -> Self {
        let outcome = |outcome: &Outcome| OutcomeJson {
            outcome: outcome.kind.code(),
            on: outcome.on.to_string(),
            position: outcome.position,
            reason: outcome.reason,
        };
        Self {
            entitlement: order.entitlement.to_string(),
            instruction: order.instruction.reference(),
            attempt: order.attempt,
            partner: order.partner,
            due: order.due.to_string(),
            instructed_on: order.on.to_string(),
            outcomes: order.outcomes.iter().map(outcome).collect(),
        }
    }
}

/// The letter that stands for an event on the axis, and what it means.
const fn letter(event: &str) -> Option<(char, &'static str)> {
    Some(match event.as_bytes() {
        b"Selected" => ('S', "selected"),
        b"PayoutAccountLinked" => ('L', "account linked"),
        b"PayoutAccountUnlinked" => ('U', "account unlinked"),
        b"TrainingBought" => ('B', "bought"),
        b"PurchaseCancelled" => ('X', "cancelled"),
        b"TrainingCompleted" => ('C', "completed"),
        b"CompletionWithdrawn" => ('W', "completion withdrawn"),
        b"CertificateIssued" => ('Z', "certificate"),
        b"TrainingReviewed" => ('R', "reviewed"),
        b"SurveyFilled" => ('Q', "survey filled"),
        b"MembershipRevoked" => ('!', "revoked"),
        b"MembershipReinstated" => ('A', "reinstated"),
        b"IneligibilityFound" => ('F', "found ineligible"),
        b"IneligibilityWithdrawn" => ('f', "finding withdrawn"),
        b"RepaymentDemanded" => ('M', "repayment demanded"),
        b"RepaymentReceived" => ('m', "repayment received"),
        b"BalancePeriodClosed" | b"WaveClosed" => ('E', "closing"),
        _ => return None,
    })
}

const fn outcome_letter(kind: OutcomeKind) -> (char, &'static str) {
    match kind {
        OutcomeKind::Accepted => ('a', "accepted"),
        OutcomeKind::Settled => ('P', "paid"),
        OutcomeKind::Rejected => ('x', "rejected"),
        OutcomeKind::Returned => ('r', "returned"),
        OutcomeKind::InDoubt => ('?', "in doubt"),
    }
}

const DUE: (char, &str) = ('D', "due");
const ORDERED: (char, &str) = ('I', "instructed");

/// A lane of facts, and one for each entitlement that was earned: due, ordered, paid; a line from the due date to the payment, or to the
/// end where there is none.
fn draw(out: &mut dyn Write, life: &Life, view: &ParticipantView, end: Date) -> io::Result<()> {
    let axis = Axis::new(view.selected_on, end);
    let mut used: Vec<(char, &str)> = Vec::new();
    let mut mark = |lane: &mut Lane, day: Date, (letter, meaning): (char, &'static str)| {
        lane.marks.push((day, letter));
        if day <= end && !used.contains(&(letter, meaning)) {
            used.push((letter, meaning));
        }
    };
    let mut facts = Lane { name: "facts".to_owned(), marks: Vec::new(), stretch: None };
    for (entry, _) in &life.steps {
        if let Some(letter) = letter(entry.event()) {
            mark(&mut facts, entry.date(), letter);
        }
    }
    let mut lanes = vec![facts];
    for entitlement in &view.entitlements {
        let orders = || life.orders.iter().filter(|order| order.entitlement == entitlement.entitlement);
        let Some(due) = entitlement.due.or_else(|| orders().next().map(|order| order.due)) else { continue };
        let paid = entitlement.settled_on.unwrap_or(end);
        let stretch = (due <= paid).then_some((due, paid));
        let mut lane = Lane { name: entitlement.entitlement.to_string(), marks: Vec::new(), stretch };
        mark(&mut lane, due, DUE);
        for order in orders() {
            mark(&mut lane, order.on, ORDERED);
            order.outcomes.iter().for_each(|outcome| mark(&mut lane, outcome.on, outcome_letter(outcome.kind)));
        }
        lanes.push(lane);
    }
    writeln!(out, "\n{:<12}{}", "", axis.months())?;
    for lane in &lanes {
        writeln!(out, "{}", format!("{:<12}{}", lane.name, axis.line(lane)).trim_end())?;
    }
    let legend: Vec<_> = used.iter().map(|(letter, meaning)| format!("{letter} {meaning}")).collect();
    writeln!(out, "{:<12}{}", "", legend.join(", "))
}

fn steps(out: &mut dyn Write, life: &Life) -> io::Result<()> {
    writeln!(out, "\nBalances in rupiah after each record that moved money; others by name")?;
    let heads = ["date", "record", "event"].into_iter().chain(COLUMNS).map(str::to_owned).collect::<Vec<_>>();
    let mut rows: Vec<[String; 9]> = vec![heads.try_into().unwrap_or_default()];
    let mut notes = vec![String::new()];
    for (entry, balances) in &life.steps {
        let moves = entry.moves();
        let amounts = columns(balances).map(text::rupiah);
        let mut row: [String; 9] = Default::default();
        row[0] = entry.date().to_string();
        row[1] = format!("#{}", entry.position());
        row[2] = entry.event().to_owned();
        if !moves.is_empty() {
            row.iter_mut().skip(3).zip(amounts).for_each(|(cell, amount)| *cell = amount);
        }
        rows.push(row);
        notes.push(moves);
    }
    let right = [false, true, false, true, true, true, true, true, true];
    for (line, moves) in text::table(&rows, right).lines().zip(notes) {
        writeln!(out, "{line}")?;
        if !moves.is_empty() {
            writeln!(out, "            Rp: {moves}")?;
        }
    }
    Ok(())
}
