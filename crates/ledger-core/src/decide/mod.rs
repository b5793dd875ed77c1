//! May this happen? Pure: the state and the command in, new events or a rejection out.
//!
//! Precedence, the same for every command: a field outside its range; a repeat (rule 1); something unknown (rule 2); a
//! time ahead of the clock (section 4); a missing second person; the rules 3 to 12 in their order; the order of dates.

mod outcome;
mod participant;
mod programme;
mod repeat;

use crate::command::{Command, Meta};
use crate::event::{Event, InstructionRecalled, Record, Text};
use crate::fold::MOST_OF_A_KIND;
use crate::ids::ParticipantId;
use crate::rejection::Rejection;
use crate::state::{FactKind, InstructionStatus, Participant, Place, State};
use crate::time::{Date, Timestamp};

/// An event that a decision lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent<'a> {
    /// Whose event it is; `None` for programme events.
    pub participant: Option<ParticipantId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// What happened.
    pub event: Event<'a>,
}

impl<'a> NewEvent<'a> {
    /// The record by which this event follows on a state.
    #[must_use]
    pub fn next_record<'r>(self, state: &State, meta: &'r Meta<'_>) -> Record<'r>
    where
        'a: 'r,
    {
        self.next_record_near(state, None, meta)
    }

    /// The same, where [`State::foresee`] said where the participant probably stands.
    #[must_use]
    pub fn next_record_near<'r>(self, state: &State, guess: Option<Place>, meta: &'r Meta<'_>) -> Record<'r>
    where
        'a: 'r,
    {
        let last = |place| state.participants.get(place).map(Participant::last_position);
        let previous = match self.participant {
            Some(id) => state.place_near(guess, id).and_then(last),
            None => state.last_programme_position(),
        };
        Record {
            position: state.size(),
            previous,
            participant: self.participant,
            occurred_at: self.occurred_at,
            recorded_at: meta.recorded_at,
            actor: Text::Borrowed(&meta.actor),
            auth: meta.auth,
            approved_by: meta.approved_by.as_deref().map(Text::Borrowed),
            source_reference: Text::Borrowed(&meta.source_reference),
            event: self.event,
        }
    }
}

/// What a command leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// New events, at least one, recorded together or not at all.
    Record(Vec<NewEvent<'a>>),
    /// Something of the same identity was recorded before: nothing is recorded again. The state does not know what it
    /// said; whether the same, the record tells: see [`compare`].
    Repeat {
        /// Position of the first one.
        position: u64,
    },
}

/// Decides a command.
///
/// # Errors
///
/// The first rule that the command breaks.
pub fn decide<'a>(state: &State, meta: &Meta<'a>, command: Command<'a>) -> Result<Decision<'a>, Rejection> {
    decide_beside(state, meta, command, Beside::default())
}

/// What is known beside a command.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'b> {
    /// Positions of settlements that it was compared with and is none of, see [`Comparison::Apart`].
    pub apart: &'b [u64],
    /// Where its participant probably stands, see [`State::foresee`]. No guess is trusted.
    pub guess: Option<Place>,
}

/// Decides a command of which something is known beside.
///
/// # Errors
///
/// The first rule that the command breaks.
pub fn decide_beside<'a>(
    state: &State,
    meta: &Meta<'a>,
    command: Command<'a>,
    beside: Beside<'_>,
) -> Result<Decision<'a>, Rejection> {
    let Beside { apart, guess } = beside;
    match command {
        Command::Record { participant: Some(participant), event } => {
            participant::decide(state, meta, (participant, guess), event)
        }
        Command::Record { participant: None, event } => programme::decide(state, meta, event),
        Command::ReportOutcome { partner, instruction, kind, outcome } => {
            outcome::decide(state, meta, outcome::Report { partner, instruction, kind, outcome }, apart)
        }
        Command::KeepDifference(exception) => outcome::keep_difference(state, meta, exception),
        Command::PlanRun { run, as_of } => programme::plan_run(state, meta, run, as_of),
        Command::ApproveRun { run, items_digest } => programme::approve_run(state, meta, run, items_digest),
    }
}

pub use programme::{check_plan, planned};
pub use repeat::{Comparison, compare};

/// The recalls that a revocation brings: partners are asked not to pay what they have not paid yet.
pub(crate) fn recalls(
    participant: &Participant,
    revoked_at: Timestamp,
) -> impl Iterator<Item = NewEvent<'static>> + '_ {
    let recallable = |status| matches!(status, InstructionStatus::Instructed | InstructionStatus::Accepted);
    let recalled = |index| participant.fact(FactKind::Recalled, index).is_some();
    let open = participant.instructions().zip(0u16..).filter(move |(i, _)| recallable(i.status));
    // Recalled once: a second revocation does not ask again.
    open.filter(move |(_, index)| !recalled(*index)).map(move |(i, _)| NewEvent {
        participant: Some(participant.id),
        // A revocation may be dated before an instruction that it recalls; the recall is not.
        occurred_at: revoked_at.max(i.instructed_on().midnight()),
        event: InstructionRecalled { instruction: i.position() }.into(),
    })
}

/// Section 4: not more than five minutes ahead of the clock.
fn not_ahead(meta: &Meta<'_>) -> Result<(), Rejection> {
    if meta.occurred_at.is_ahead_of(meta.recorded_at) {
        return Err(Rejection::OccurredInFuture { occurred_at: meta.occurred_at, clock: meta.recorded_at });
    }
    Ok(())
}

/// Section 3: a second person approved, who is not the actor.
fn four_eyes(meta: &Meta<'_>) -> Result<(), Rejection> {
    match &meta.approved_by {
        None => Err(Rejection::ApproverMissing),
        Some(approver) if *approver == meta.actor => Err(Rejection::SamePerson { person: approver.to_string() }),
        Some(_) => Ok(()),
    }
}

/// Section 4: a fact is not dated before what it rests on.
fn not_before(date: Date, what: &'static str, earliest: Date) -> Result<(), Rejection> {
    if date < earliest { Err(Rejection::DatedBefore { what, earliest }) } else { Ok(()) }
}

/// A bound that no real history reaches, so that the state's dense counters cannot overflow.
fn room_for_one(len: usize) -> Result<(), Rejection> {
    if len < MOST_OF_A_KIND { Ok(()) } else { Err(Rejection::HistoryFull { most: MOST_OF_A_KIND as u32 }) }
}
