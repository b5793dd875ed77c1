//! The deadline and expiry jobs (DOMAIN sections 4 and 5, rules 10 and 12): what has passed without the event that was
//! to come. A job's event occurs at 00:00 WIB of the day after the deadline, or of a later day that it rests on, so
//! running it late or twice changes nothing.

use sha2::{Digest as _, Sha256};

use crate::codes::{Evidence, Ground, Reason};
use crate::decide::NewEvent;
use crate::event::{MembershipRevoked, Outcome, PayoutInDoubt, Text};
use crate::ids::CaseId;
use crate::ids::ParticipantId;
use crate::state::{InstructionStatus, Participant, RareKind, State, Status, identity_of};
use crate::time::Date;

/// What the jobs record of one participant as of a date: instructions past their expiry become in doubt, memberships
/// past a deadline are revoked (with the recalls that a revocation brings).
#[must_use]
pub fn passed(state: &State, participant: &Participant, as_of: Date) -> Vec<NewEvent<'static>> {
    let mut events = expired(state, participant, as_of);
    if let Some((ground, deadline)) = ground(state, participant, as_of) {
        let case = job_case(participant.id, ground, deadline);
        // Not before what it rests on: the selection, or the reinstatement.
        let day = deadline.plus_days(1).max(participant.selected_on()).max(participant.status_since());
        let recorded =
            state.place(participant.id).and_then(|p| state.rare(RareKind::Revoked, Some(p), identity_of(&case)));
        // People reinstated what this very case revoked: the job does not repeat itself.
        if recorded.is_some() || day > as_of {
            return events;
        }
        let occurred_at = day.midnight();
        let revoked = MembershipRevoked { case, ground };
        events.push(NewEvent { participant: Some(participant.id), occurred_at, event: revoked.into() });
        // An instruction that has just become in doubt is not recalled.
        let expired =
            events.iter().filter_map(|e| e.event.as_outcome().map(|(_, o)| o.instruction)).collect::<Vec<_>>();
        let recalls = crate::decide::recalls(participant, occurred_at);
        events.extend(recalls.filter(|e| match &e.event {
            crate::Event::InstructionRecalled(recall) => !expired.contains(&recall.instruction),
            _ => true,
        }));
    }
    events
}

fn expired(state: &State, participant: &Participant, as_of: Date) -> Vec<NewEvent<'static>> {
    let open = |status| matches!(status, InstructionStatus::Instructed | InstructionStatus::Accepted);
    let past = participant.instructions().filter(|i| open(i.status) && i.expires_on() < as_of);
    past.filter_map(|i| {
        let outcome = Outcome {
            instruction: i.position(),
            amount: state.scheme_of(participant)?.amount(i.entitlement())?,
            transaction_reference: Text::Borrowed(""),
            raw_code: Text::Borrowed(""),
            code_system: None,
            reason: Some(Reason::Timeout),
            account_fault: false,
            evidence: Evidence::Expiry,
            evidence_reason: Text::Borrowed(""),
        };
        let occurred_at = i.expires_on().plus_days(1).midnight();
        Some(NewEvent { participant: Some(participant.id), occurred_at, event: PayoutInDoubt { outcome }.into() })
    })
    .collect()
}

/// The ground on which a membership is revoked as of a date, and the deadline that passed.
#[must_use]
pub fn ground(state: &State, participant: &Participant, as_of: Date) -> Option<(Ground, Date)> {
    let wave = state.wave(participant.wave)?;
    if participant.status != Status::Live || wave.closed.is_some() {
        return None;
    }
    let first_purchase = state.first_purchase_deadline(participant)?;
    if !participant.has_bought() && first_purchase < as_of {
        return Some((Ground::NoFirstPurchase, first_purchase));
    }
    if participant.first_completed().is_none() && wave.complete_by < as_of {
        return Some((Ground::TrainingNotCompleted, wave.complete_by));
    }
    None
}

/// The case of a job's revocation: the same for the same participant, ground and deadline, so that a job run twice
/// repeats itself. The first 16 bytes of a SHA-256.
fn job_case(participant: ParticipantId, ground: Ground, deadline: Date) -> CaseId {
    let mut hasher = Sha256::new();
    hasher.update(b"deadline job");
    hasher.update(participant.0);
    hasher.update([ground.number()]);
    hasher.update(deadline.days().to_be_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize()[..16]);
    CaseId(id)
}
