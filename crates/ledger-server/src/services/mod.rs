//! The calls. Each checks shapes, asks the engine, and turns its answer into a message; no rule lives here.

mod audit;
mod disbursement;
mod event;
mod exceptions;
mod history;
mod list;
mod pages;
mod participant;
mod payout;
mod programme;
mod runs;
mod statement;
mod summary;
mod tails;

use std::pin::Pin;
use std::sync::Arc;

use ledger_core::decide::{Comparison, compare};
use ledger_core::event::Event;
use ledger_core::ids::Position;
use ledger_core::{Command, Rejection};
use ledger_log::{Hash, leaf_hash, record};
use ledger_proto::v1;
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::Status;

use crate::access::{Approvals, Caller, Seconded};
use crate::engine::{Actor, Answer, Engine, Incoming};
use crate::metrics::Metrics;
use crate::notary::Notary;
use crate::reasons::{INSTRUCTION_UNKNOWN, OUT_OF_SCOPE};
use crate::status::{already_exists, refused, rejected, unreadable};

use tails::Tails;

/// Most items of one request.
pub(crate) const MOST_ITEMS: usize = 8_190;
/// Messages of a stream that wait for a slow reader; then the stream waits.
const AHEAD: usize = 4;

/// What a stream answers.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What every service has.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) engine: Engine,
    /// Signs checkpoints.
    pub(crate) notary: Notary,
    /// Where partners' streams wait.
    pub(crate) tails: Arc<Tails>,
    /// What waits for a second person.
    pub(crate) approvals: Approvals,
    pub(crate) metrics: Metrics,
    /// Becomes true when the server stops: streams end then.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The refusal of what names an instruction that is not there.
fn instruction_unknown(instruction: Position) -> Status {
    let text = format!("there is no instruction {}", instruction.reference());
    refused(&INSTRUCTION_UNKNOWN, text)
}

impl Ledger {
    /// Records one command whose answer is a receipt.
    async fn record_one(&self, actor: Actor, incoming: Incoming<'_>) -> Result<v1::Receipt, Status> {
        let incoming = incoming.into_owned();
        let command = incoming.command.clone();
        let answers = self.engine.record(actor, vec![incoming]).await?;
        let answer = answers.into_iter().next().ok_or_else(|| Status::internal("no answer"))?;
        self.receipt(&answer, || Some(command.clone()))
    }

    /// Records one command that needs a second person.
    async fn record_seconded(
        &self,
        caller: &Caller,
        message: &impl Seconded,
        incoming: Incoming<'_>,
    ) -> Result<v1::Receipt, Status> {
        let (actor, said) = self.approvals.second(caller, message, incoming.said)?;
        self.record_one(actor, Incoming { said, ..incoming }).await
    }

    /// The receipt of what is recorded, now or before; the status of what is refused. `command` gives what was asked,
    /// to compare it with what was recorded under the same identity; where there is none, it was compared.
    fn receipt<'c>(&self, answer: &Answer, command: impl Fn() -> Option<Command<'c>>) -> Result<v1::Receipt, Status> {
        match self.compared(answer, command)? {
            Compared::Receipt(receipt) => Ok(receipt),
            Compared::Apart(position) => Err(already_exists(position, "transaction_reference")),
        }
    }

    /// The same for what may be another settlement of an instruction: it is to be decided apart from the one that it was
    /// taken for.
    fn compared<'c>(&self, answer: &Answer, command: impl Fn() -> Option<Command<'c>>) -> Result<Compared, Status> {
        match answer {
            Answer::Recorded { position, leaf_hash, .. } => Ok(Compared::Receipt(receipt(*position, leaf_hash, false))),
            Answer::Repeated { position, occurred_at } => {
                let stored = self.engine.reader().get(*position).map_err(|e| unreadable(*position, &e))?;
                if let Some(command) = command() {
                    let earlier = record::decode(stored.bytes()).map_err(|e| unreadable(*position, &e))?;
                    match compare(&earlier, &command, *occurred_at) {
                        Comparison::Same => {}
                        Comparison::Differs => return Err(differs(*position, &earlier, &command)),
                        Comparison::Apart => return Ok(Compared::Apart(*position)),
                    }
                }
                Ok(Compared::Receipt(receipt(*position, &leaf_hash(stored.bytes()), true)))
            }
            Answer::Rejected(Rejection::AlreadyExists { position }) => {
                let stored = self.engine.reader().get(*position).map_err(|e| unreadable(*position, &e))?;
                let earlier = record::decode(stored.bytes()).map_err(|e| unreadable(*position, &e))?;
                Err(match command() {
                    Some(command) => differs(*position, &earlier, &command),
                    None => already_exists(*position, "occurred_at"),
                })
            }
            Answer::Rejected(rejection) => Err(rejected(rejection)),
            Answer::OutOfScope => Err(refused(&OUT_OF_SCOPE, "the purchase is another platform's")),
        }
    }
}

/// An answer that was compared with the record of the same identity.
enum Compared {
    Receipt(v1::Receipt),
    /// Another settlement than the one at that position.
    Apart(u64),
}

/// The refusal of what differs from the record of the same identity.
fn differs(position: u64, earlier: &ledger_core::Record<'_>, command: &Command<'_>) -> Status {
    already_exists(position, difference(earlier, command).as_deref().unwrap_or("occurred_at"))
}

fn receipt(position: u64, leaf_hash: &Hash, repeated: bool) -> v1::Receipt {
    v1::Receipt { position, leaf_hash: leaf_hash.to_vec().into(), repeated }
}

/// The first field in which a command differs from the record of the same identity; `None` where only the date does.
fn difference(stored: &ledger_core::Record<'_>, command: &Command<'_>) -> Option<String> {
    let (asked, participant) = match command {
        Command::Record { participant, event } => (event.clone(), *participant),
        Command::ReportOutcome { kind, outcome, .. } => {
            let stored_outcome = match &stored.event {
                Event::OutcomeException(e) => &e.outcome,
                event => event.as_outcome()?.1,
            };
            let outcome = ledger_core::event::Outcome { instruction: stored_outcome.instruction, ..outcome.clone() };
            (Event::outcome(*kind, outcome), stored.participant)
        }
        Command::KeepDifference(_) => return None,
        Command::PlanRun { .. } => return Some("as_of".to_owned()),
        Command::ApproveRun { .. } => return Some("items_sha256".to_owned()),
    };
    if participant != stored.participant {
        return Some("participant_id".to_owned());
    }
    let fields = |event: &Event<'_>| {
        let value = serde_json::to_value(event).ok()?;
        flatten(value.as_object()?.values().next()?.clone())
    };
    let (stored, asked) = (fields(&stored.event)?, fields(&asked)?);
    stored
        .iter()
        .find(|(name, value)| asked.get(*name).is_some_and(|other| other != *value))
        .map(|(name, _)| name.clone())
}

/// The fields of an event, those of a nested outcome or scheme among them.
fn flatten(value: serde_json::Value) -> Option<serde_json::Map<String, serde_json::Value>> {
    let serde_json::Value::Object(fields) = value else { return None };
    let mut flat = serde_json::Map::new();
    for (name, value) in fields {
        match value {
            serde_json::Value::Object(nested) if name == "outcome" || name == "scheme" => flat.extend(nested),
            value => {
                flat.insert(name, value);
            }
        }
    }
    Some(flat)
}

/// A batch within its bounds.
fn bounded(field: &str, items: usize) -> Result<(), Status> {
    if (1..=MOST_ITEMS).contains(&items) {
        return Ok(());
    }
    let rule = format!("must have 1 to {MOST_ITEMS} items, has {items}");
    Err(crate::status::Invalid::field(field, rule).status())
}
