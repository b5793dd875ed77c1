//! Has this identity been recorded before, and did it say the same? (DOMAIN section 3, *identity*; section 5, rule 1.)
//!
//! The first is asked of the state, the second of the record: nothing of what a record said is kept in memory but what
//! the rules need.

use crate::command::Command;
use crate::event::{Event, Outcome, Record};
use crate::state::{ExceptionKey, Fact, FactKind, Participant, Place, RareKind, State, identity_of};
use crate::time::Timestamp;

/// What a command that was taken for a repeat is beside the earlier record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same content: the earlier record is the answer.
    Same,
    /// Other content: [`Rejection::AlreadyExists`](crate::Rejection::AlreadyExists).
    Differs,
    /// Another settlement, under another transaction reference, that was only taken for the earlier one: the command is
    /// decided again, apart from that one.
    Apart,
}

/// Compares a command with the record that [`Decision::Repeat`](super::Decision::Repeat) names. Content is the event's
/// fields and `occurred_at`; what the ledger itself adds is not: the cause of an exception, the position behind a
/// reference, a run's plan.
#[must_use]
pub fn compare(earlier: &Record<'_>, command: &Command<'_>, occurred_at: Timestamp) -> Comparison {
    let same = |is: bool| if is { Comparison::Same } else { Comparison::Differs };
    match command {
        Command::Record { participant, event } => {
            same(earlier.participant == *participant && earlier.event == *event && earlier.occurred_at == occurred_at)
        }
        // Kept under this identity is what counts: the statement may say it on another day than the partner's report did.
        Command::KeepDifference(exception) => same(matches!(
            &earlier.event,
            Event::OutcomeException(e) if ExceptionKey::of(e) == ExceptionKey::of(exception)
        )),
        Command::PlanRun { run, as_of } => {
            same(matches!(&earlier.event, Event::DisbursementRunPlanned(e) if e.run == *run && e.as_of == *as_of))
        }
        Command::ApproveRun { run, items_digest } => same(matches!(
            &earlier.event,
            Event::DisbursementRunApproved(e) if e.run == *run && e.items_digest == *items_digest
        )),
        Command::ReportOutcome { partner, instruction, kind, outcome } => {
            let said = |recorded: &Outcome<'_>| {
                let asked = Outcome { instruction: recorded.instruction, ..outcome.clone() };
                *recorded == asked && earlier.occurred_at == occurred_at
            };
            match (&earlier.event, earlier.event.as_outcome()) {
                (Event::OutcomeException(e), _) => {
                    let of_same = (e.partner, &e.instruction, e.kind) == (*partner, instruction, *kind);
                    same(of_same && said(&e.outcome))
                }
                (Event::PayoutSettled(e), _) if e.outcome.transaction_reference != outcome.transaction_reference => {
                    Comparison::Apart
                }
                (_, Some((recorded_kind, recorded))) => same(recorded_kind == *kind && said(recorded)),
                _ => Comparison::Differs,
            }
        }
    }
}

/// An earlier fact of the same identity.
pub(super) struct Earlier {
    pub(super) fact: Fact,
    /// Whose it is, `None` for somebody else; the repeat of another participant's fact has other content.
    pub(super) place: Option<Place>,
}

/// The fact of the same identity as `event`, whoever it belongs to. `place` is the participant that the event names,
/// where known.
pub(super) fn earlier(state: &State, place: Option<Place>, event: &Event<'_>) -> Option<Earlier> {
    let at = |place: Place, kind, index: fn(&Participant, &Event<'_>) -> Option<u16>| {
        let participant = state.participants.get(place)?;
        Some(Earlier { fact: participant.fact(kind, index(participant, event)?)?, place: Some(place) })
    };
    let rare = |kind, id| {
        let place = place?;
        Some(Earlier { fact: state.rare(kind, Some(place), id)?, place: Some(place) })
    };
    match event {
        Event::Selected(_) => at(place?, FactKind::Selected, |_, _| Some(0)),
        Event::PayoutAccountLinked(e) => at(state.place_by_link(e.link)?, FactKind::Linked, link),
        Event::PayoutAccountUnlinked(e) => at(state.place_by_link(e.link)?, FactKind::Unlinked, link),
        Event::TrainingBought(e) => at(state.place_by_purchase(e.purchase)?, FactKind::Bought, purchase),
        Event::PurchaseCancelled(e) => at(state.place_by_purchase(e.purchase)?, FactKind::Cancelled, purchase),
        Event::TrainingCompleted(e) => at(state.place_by_purchase(e.purchase)?, FactKind::Completed, purchase),
        Event::CertificateIssued(e) => at(state.place_by_purchase(e.purchase)?, FactKind::Certified, purchase),
        Event::TrainingReviewed(e) => at(state.place_by_purchase(e.purchase)?, FactKind::Reviewed, purchase),
        Event::SurveyFilled(_) => at(place?, FactKind::Survey, |_, event| match event {
            Event::SurveyFilled(e) => Some(e.number.into()),
            _ => None,
        }),
        Event::CompletionWithdrawn(e) => rare(RareKind::Withdrawn, identity_of(&e.case)),
        Event::MembershipRevoked(e) => rare(RareKind::Revoked, identity_of(&e.case)),
        Event::MembershipReinstated(e) => rare(RareKind::Reinstated, identity_of(&e.case)),
        Event::IneligibilityFound(e) => rare(RareKind::Found, identity_of(&(&e.source, &e.case_number))),
        Event::IneligibilityWithdrawn(e) => rare(RareKind::FindingWithdrawn, identity_of(&(&e.source, &e.case_number))),
        Event::RepaymentDemanded(e) => rare(RareKind::Demand, identity_of(&e.demand)),
        Event::RepaymentReceived(e) => {
            // A state receipt is one, whoever it is counted for.
            let id = identity_of(&e.receipt_number);
            let fact = state.rare(RareKind::Receipt, None, id)?;
            let own = place.filter(|place| state.rare(RareKind::Receipt, Some(*place), id).is_some());
            Some(Earlier { fact, place: own })
        }
        _ => None,
    }
}

fn purchase(participant: &Participant, event: &Event<'_>) -> Option<u16> {
    let id = match event {
        Event::TrainingBought(e) => e.purchase,
        Event::PurchaseCancelled(e) => e.purchase,
        Event::TrainingCompleted(e) => e.purchase,
        Event::CertificateIssued(e) => e.purchase,
        Event::TrainingReviewed(e) => e.purchase,
        _ => return None,
    };
    participant.purchase_index(id)
}

fn link(participant: &Participant, event: &Event<'_>) -> Option<u16> {
    let id = match event {
        Event::PayoutAccountLinked(e) => e.link,
        Event::PayoutAccountUnlinked(e) => e.link,
        _ => return None,
    };
    participant.link_index(id)
}
