//! Records as people read them. Digests of identities and account tokens stay where they are: in the log.

use ledger_core::Record;
use ledger_core::event::{Event, Outcome};
use ledger_core::ids::Position;
use ledger_proto::v1;
use ledger_proto::v1::history_event::Event as Told;

use super::{date, entitlement_ref, timestamp};

/// A record of a participant; without an event where the record is the programme's.
pub(crate) fn history_event(record: &Record<'_>) -> v1::HistoryEvent {
    v1::HistoryEvent {
        position: record.position,
        occurred_at: Some(timestamp(record.occurred_at)),
        recorded_at: Some(timestamp(record.recorded_at)),
        actor: record.actor.to_string(),
        auth: record.auth.number().into(),
        approved_by: record.approved_by.as_deref().unwrap_or_default().to_owned(),
        source_reference: record.source_reference.to_string(),
        event: told(record),
    }
}

fn told(record: &Record<'_>) -> Option<Told> {
    Some(match &record.event {
        Event::Selected(e) => Told::Selected(v1::Selected {
            wave: e.wave.0,
            identity_key_id: e.identity_key_id.to_string(),
            region: e.region.to_string(),
            ..Default::default()
        }),
        Event::PayoutAccountLinked(e) => Told::PayoutAccountLinked(v1::PayoutAccountLinked {
            link_id: e.link.to_string(),
            partner: e.partner.number().into(),
            ..Default::default()
        }),
        Event::PayoutAccountUnlinked(e) => {
            Told::PayoutAccountUnlinked(v1::PayoutAccountUnlinked { link_id: e.link.to_string() })
        }
        Event::TrainingBought(e) => Told::TrainingBought(v1::TrainingBought {
            purchase_id: e.purchase.to_string(),
            course: e.course.to_string(),
            platform: e.platform.number().into(),
            provider: e.provider.to_string(),
            price_rupiah: e.price.get(),
        }),
        Event::PurchaseCancelled(e) => Told::PurchaseCancelled(v1::PurchaseCancelled {
            purchase_id: e.purchase.to_string(),
            reason: e.reason.to_string(),
            refund_reference: e.refund_reference.to_string(),
        }),
        Event::TrainingCompleted(e) => {
            Told::TrainingCompleted(v1::TrainingCompleted { purchase_id: e.purchase.to_string() })
        }
        Event::CompletionWithdrawn(e) => Told::CompletionWithdrawn(v1::CompletionWithdrawn {
            purchase_id: e.purchase.to_string(),
            case_id: e.case.to_string(),
            reason: e.reason.to_string(),
        }),
        Event::CertificateIssued(e) => Told::CertificateIssued(v1::CertificateIssued {
            purchase_id: e.purchase.to_string(),
            certificate_number: e.certificate_number.to_string(),
        }),
        Event::TrainingReviewed(e) => Told::TrainingReviewed(v1::TrainingReviewed {
            purchase_id: e.purchase.to_string(),
            rating: e.rating.into(),
        }),
        Event::SurveyFilled(e) => Told::SurveyFilled(v1::SurveyFilled { survey_number: e.number.into() }),
        Event::MembershipRevoked(e) => Told::MembershipRevoked(v1::MembershipRevoked {
            case_id: e.case.to_string(),
            ground: e.ground.number().into(),
        }),
        Event::MembershipReinstated(e) => Told::MembershipReinstated(v1::MembershipReinstated {
            case_id: e.case.to_string(),
            reason: e.reason.to_string(),
            first_purchase_deadline: e.first_purchase_deadline.and_then(date),
        }),
        Event::PayoutInstructed(e) => Told::PayoutInstructed(v1::PayoutInstructed {
            instruction: Position(record.position).reference(),
            entitlement: Some(entitlement_ref(e.entitlement)),
            attempt: e.attempt.into(),
            due: date(e.due),
            amount_rupiah: e.amount.get(),
            partner: e.partner.number().into(),
            link_id: e.link.to_string(),
            run_id: e.run.to_string(),
            expires_on: date(e.expires_on),
        }),
        Event::PayoutAccepted(e) => Told::PayoutAccepted(outcome(&e.outcome)),
        Event::PayoutSettled(e) => Told::PayoutSettled(outcome(&e.outcome)),
        Event::PayoutRejected(e) => Told::PayoutRejected(outcome(&e.outcome)),
        Event::PayoutReturned(e) => Told::PayoutReturned(outcome(&e.outcome)),
        Event::PayoutInDoubt(e) => Told::PayoutInDoubt(outcome(&e.outcome)),
        Event::InstructionRecalled(e) => {
            Told::InstructionRecalled(v1::InstructionRecalled { instruction: e.instruction.reference() })
        }
        Event::OutcomeException(e) => Told::OutcomeException(v1::OutcomeException {
            partner: e.partner.number().into(),
            kind: e.kind.number().into(),
            instruction_reference: e.instruction.to_string(),
            outcome: Some(outcome(&e.outcome)),
            cause: e.cause.number().into(),
        }),
        Event::IneligibilityFound(e) => Told::IneligibilityFound(v1::IneligibilityFound {
            source: e.source.to_string(),
            case_number: e.case_number.to_string(),
            evidence_date: date(e.evidence_date),
            effective_date: date(e.effective_date),
        }),
        Event::IneligibilityWithdrawn(e) => Told::IneligibilityWithdrawn(v1::IneligibilityWithdrawn {
            source: e.source.to_string(),
            case_number: e.case_number.to_string(),
        }),
        Event::RepaymentDemanded(e) => Told::RepaymentDemanded(v1::RepaymentDemanded {
            demand_id: e.demand.to_string(),
            component: e.component.number().into(),
            amount_rupiah: e.amount.get(),
        }),
        Event::RepaymentReceived(e) => Told::RepaymentReceived(v1::RepaymentReceived {
            demand_id: e.demand.to_string(),
            state_receipt_number: e.receipt_number.to_string(),
            amount_rupiah: e.amount.get(),
        }),
        Event::ExceptionResolved(_)
        | Event::SchemeEnacted(_)
        | Event::WaveOpened(_)
        | Event::WaveClosed(_)
        | Event::FundsAppropriated(_)
        | Event::BalancePeriodClosed(_)
        | Event::DisbursementRunPlanned(_)
        | Event::DisbursementRunApproved(_)
        | Event::DisbursementRunClosed(_)
        | Event::StatementReconciled(_) => return None,
    })
}

fn outcome(outcome: &Outcome<'_>) -> v1::PayoutOutcome {
    v1::PayoutOutcome {
        instruction: outcome.instruction.reference(),
        amount_rupiah: outcome.amount.get(),
        transaction_reference: outcome.transaction_reference.to_string(),
        raw_code: outcome.raw_code.to_string(),
        code_system: outcome.code_system.map_or(0, |system| system.number().into()),
        reason: outcome.reason.map_or(0, |reason| reason.number().into()),
        account_fault: outcome.account_fault,
        evidence: outcome.evidence.number().into(),
        evidence_reason: outcome.evidence_reason.to_string(),
    }
}
