//! What partners, inquiries and people report of an instruction (DOMAIN section 6, rule 13).
//!
//! Nothing that a partner says is lost: what fits no instruction, amount or transition is kept as an exception.

use super::{Decision, NewEvent, four_eyes, not_ahead, not_before, room_for_one};
use crate::codes::{Evidence, ExceptionCause, OutcomeKind, Partner};
use crate::command::Meta;
use crate::event::{Event, Outcome, OutcomeException, Text};
use crate::fold::{exception_content, exception_key};
use crate::ids::Position;
use crate::rejection::Rejection;
use crate::state::{
    ExceptionKey, Fact, FactKind, Instruction, InstructionStatus, Participant, Place, RareKind, State, identity_of,
};

/// An outcome as reported.
pub(super) struct Report<'a> {
    pub(super) partner: Partner,
    pub(super) instruction: Text<'a>,
    pub(super) kind: OutcomeKind,
    pub(super) outcome: Outcome<'a>,
}

/// The instruction that a report is about.
struct Subject<'s> {
    place: Place,
    participant: &'s Participant,
    index: u16,
    instruction: Instruction,
}

pub(super) fn decide<'a>(
    state: &State,
    meta: &Meta<'a>,
    mut report: Report<'a>,
    apart: &[u64],
) -> Result<Decision<'a>, Rejection> {
    fields(&report)?;
    let subject = find(state, report.partner, &report.instruction);
    report.outcome.instruction = subject.as_ref().map_or(Position(0), |s| s.instruction.position());
    let exception = |cause| OutcomeException {
        partner: report.partner,
        instruction: report.instruction.clone(),
        kind: report.kind,
        outcome: report.outcome.clone(),
        cause,
    };
    let reference = &report.outcome.transaction_reference;
    let key = exception_key(report.partner, reference, &report.instruction, report.kind);
    let kept = state.exceptions.get(&key);
    let content = || exception_content(&exception(ExceptionCause::UnknownInstruction), meta.occurred_at);
    // First what was kept aside: the doubt that another amount brings is a fact of its own, with other content.
    if let Some(kept) = kept.filter(|kept| kept.content == content()) {
        return Ok(Decision::Repeat { position: kept.recorded.position() });
    }
    let earlier = subject.as_ref().and_then(|subject| earlier(state, subject, &report, apart));
    if let Some(fact) = earlier {
        return Ok(Decision::Repeat { position: fact.position() });
    }
    not_ahead(meta)?;
    if report.outcome.evidence == Evidence::Manual {
        four_eyes(meta)?;
    }
    let new = |participant: Option<&Participant>, event| NewEvent {
        participant: participant.map(|p| p.id),
        occurred_at: meta.occurred_at,
        event,
    };
    let cause = match &subject {
        None => ExceptionCause::UnknownInstruction,
        Some(subject) => {
            let amount = state.scheme_of(subject.participant).and_then(|s| s.amount(subject.instruction.entitlement()));
            if amount != Some(report.outcome.amount) {
                ExceptionCause::OtherAmount
            } else if !allowed(&subject.instruction, report.kind, report.outcome.evidence) {
                ExceptionCause::NotAllowedInState
            } else {
                not_before(meta.occurred_at.wib_date(), "instruction", subject.instruction.instructed_on())?;
                room_for_one(subject.instruction.settled.max(subject.instruction.returned).into())?;
                let event = Event::outcome(report.kind, report.outcome);
                return Ok(Decision::Record(vec![new(Some(subject.participant), event)]));
            }
        }
    };
    // An exception under the same reference but with other content is a clash; what fits is recorded all the same.
    if let Some(kept) = kept {
        return Err(Rejection::AlreadyExists { position: kept.recorded.position() });
    }
    let participant = subject.as_ref().map(|s| s.participant);
    let mut events = vec![new(participant, exception(cause).into())];
    if let (ExceptionCause::OtherAmount, Some(subject)) = (cause, &subject) {
        events.extend(in_doubt(state, meta, subject, &report));
    }
    Ok(Decision::Record(events))
}

/// What a statement says and the ledger does not have, or has otherwise (section 8, D10).
pub(super) fn keep_difference<'a>(
    state: &State,
    meta: &Meta<'a>,
    exception: OutcomeException<'a>,
) -> Result<Decision<'a>, Rejection> {
    if let Some(kept) = state.exceptions.get(&ExceptionKey::of(&exception)) {
        return Ok(Decision::Repeat { position: kept.recorded.position() });
    }
    not_ahead(meta)?;
    let subject = find(state, exception.partner, &exception.instruction);
    let instruction = subject.as_ref().map_or(Position(0), |s| s.instruction.position());
    let outcome = Outcome { instruction, ..exception.outcome };
    Ok(Decision::Record(vec![NewEvent {
        participant: subject.map(|s| s.participant.id),
        occurred_at: meta.occurred_at,
        event: OutcomeException { outcome, ..exception }.into(),
    }]))
}

fn fields(report: &Report<'_>) -> Result<(), Rejection> {
    let refuse = |field, rule| Err(Rejection::InvalidField { field, rule });
    let outcome = &report.outcome;
    let moved = matches!(report.kind, OutcomeKind::Settled | OutcomeKind::Returned);
    if moved && outcome.transaction_reference.is_empty() {
        return refuse("transaction_reference", "is needed where money moved: settled and returned");
    }
    match outcome.evidence {
        Evidence::Expiry => refuse("evidence", "expiry is the ledger's own job's"),
        Evidence::Statement => refuse("evidence", "a statement is compared by ReconcileStatement"),
        Evidence::Manual if outcome.evidence_reason.is_empty() => {
            refuse("evidence_reason", "is needed where a person decides")
        }
        Evidence::Manual | Evidence::Partner | Evidence::Inquiry => Ok(()),
    }
}

fn find<'s>(state: &'s State, partner: Partner, reference: &str) -> Option<Subject<'s>> {
    let position = Position::from_reference(reference)?;
    let place = state.instructions(partner).place(position)?;
    let participant = state.participants.get(place)?;
    let (index, instruction) = participant.instruction(position)?;
    Some(Subject { place, participant, index, instruction })
}

/// The fact of the same identity: instruction and kind, for moved money also the transaction reference.
fn earlier(state: &State, subject: &Subject<'_>, report: &Report<'_>, apart: &[u64]) -> Option<Fact> {
    let reference = &report.outcome.transaction_reference;
    match report.kind {
        OutcomeKind::Settled => subject.participant.settlement(subject.index, reference, apart),
        OutcomeKind::Returned => {
            let id = identity_of(&(subject.instruction.position(), reference));
            state.rare(RareKind::Returned, Some(subject.place), id)
        }
        OutcomeKind::Accepted => subject.participant.fact(FactKind::Accepted, subject.index),
        OutcomeKind::Rejected => subject.participant.fact(FactKind::Rejected, subject.index),
        OutcomeKind::InDoubt => subject.participant.fact(FactKind::InDoubt, subject.index),
    }
}

/// The transitions of DOMAIN section 6. A settlement is always recorded: the money moved.
fn allowed(instruction: &Instruction, kind: OutcomeKind, evidence: Evidence) -> bool {
    use InstructionStatus::{Accepted, InDoubt, Instructed};
    match kind {
        OutcomeKind::Settled => true,
        OutcomeKind::Accepted => instruction.status == Instructed,
        OutcomeKind::InDoubt => matches!(instruction.status, Instructed | Accepted),
        // A doubt ends by an inquiry or by a person, never by the partner's word alone.
        OutcomeKind::Rejected => match instruction.status {
            Instructed | Accepted => true,
            InDoubt => evidence != Evidence::Partner,
            InstructionStatus::Settled | InstructionStatus::Rejected | InstructionStatus::Returned => false,
        },
        OutcomeKind::Returned => instruction.net_settled() > 0,
    }
}

/// Another amount leaves an open instruction in doubt.
fn in_doubt<'a>(state: &State, meta: &Meta<'a>, subject: &Subject<'_>, report: &Report<'a>) -> Option<NewEvent<'a>> {
    if !allowed(&subject.instruction, OutcomeKind::InDoubt, report.outcome.evidence) {
        return None;
    }
    let amount = state.scheme_of(subject.participant)?.amount(subject.instruction.entitlement())?;
    let outcome = Outcome { amount, reason: None, account_fault: false, ..report.outcome.clone() };
    Some(NewEvent {
        participant: Some(subject.participant.id),
        occurred_at: meta.occurred_at.max(subject.instruction.instructed_on().midnight()),
        event: Event::outcome(OutcomeKind::InDoubt, outcome),
    })
}
