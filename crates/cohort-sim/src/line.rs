//! A command as a line of the load file.

use ledger_core::codes::OutcomeKind;
use ledger_core::event::{Event, Outcome};
use ledger_core::ids::ParticipantId;
use ledger_core::scheme::{MonthDay, Scheme};
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Command, Meta};
use ledger_proto::v1::event_input::Event as Fact;
use ledger_proto::v1::load_line::Request;
use ledger_proto::v1::{self, LoadLine};

/// The line for a command; `None` for what has no line of its own (instructions, recalls, run closings and what differs on
/// statements are the ledger's).
pub(crate) fn load_line(meta: &Meta<'_>, command: &Command<'_>) -> Option<LoadLine> {
    let request = match command {
        Command::Record { participant: Some(participant), event } => fact(meta, *participant, event)?,
        Command::Record { participant: None, event } => programme(meta, event)?,
        Command::ReportOutcome { partner, instruction, kind, outcome } => Request::Outcome(v1::OutcomeInput {
            partner: partner.number().into(),
            instruction: instruction.to_string(),
            ..outcome_input(meta, *kind, outcome)
        }),
        Command::KeepDifference(_) => return None,
        Command::PlanRun { run, as_of } => Request::PlanRun(v1::PlanRunRequest {
            occurred_at: time(meta.occurred_at),
            source_reference: meta.source_reference.to_string(),
            run_id: run.to_string(),
            as_of: date(*as_of),
        }),
        Command::ApproveRun { run, items_digest } => Request::ApproveRun(v1::ApproveRunRequest {
            occurred_at: time(meta.occurred_at),
            source_reference: meta.source_reference.to_string(),
            run_id: run.to_string(),
            items_sha256: items_digest.0.to_vec().into(),
        }),
    };
    Some(LoadLine { actor: meta.actor.to_string(), participant_id: String::new(), request: Some(request) })
}

fn time(at: Timestamp) -> Option<ledger_proto::Timestamp> {
    Some(ledger_proto::Timestamp::from_unix_nanos(at.nanos()))
}

fn date(date: Date) -> Option<ledger_proto::Date> {
    ledger_proto::Date::from_unix_days(date.days())
}

fn approver(meta: &Meta<'_>) -> String {
    meta.approved_by.as_deref().unwrap_or_default().to_owned()
}

fn fact(meta: &Meta<'_>, participant: ParticipantId, event: &Event<'_>) -> Option<Request> {
    let event = match event {
        Event::Selected(e) => Fact::Selected(v1::Selected {
            wave: e.wave.0,
            identity_digest: e.identity_digest.0.to_vec().into(),
            identity_key_id: e.identity_key_id.to_string(),
            family_card_digest: e.family_card_digest.0.to_vec().into(),
            region: e.region.to_string(),
        }),
        Event::PayoutAccountLinked(e) => Fact::PayoutAccountLinked(v1::PayoutAccountLinked {
            link_id: e.link.to_string(),
            partner: e.partner.number().into(),
            account_token: e.account_token.to_string(),
            holder_identity_digest: e.holder_identity_digest.0.to_vec().into(),
        }),
        Event::PayoutAccountUnlinked(e) => {
            Fact::PayoutAccountUnlinked(v1::PayoutAccountUnlinked { link_id: e.link.to_string() })
        }
        Event::TrainingBought(e) => Fact::TrainingBought(v1::TrainingBought {
            purchase_id: e.purchase.to_string(),
            course: e.course.to_string(),
            platform: e.platform.number().into(),
            provider: e.provider.to_string(),
            price_rupiah: e.price.get(),
        }),
        Event::PurchaseCancelled(e) => Fact::PurchaseCancelled(v1::PurchaseCancelled {
            purchase_id: e.purchase.to_string(),
            reason: e.reason.to_string(),
            refund_reference: e.refund_reference.to_string(),
        }),
        Event::TrainingCompleted(e) => {
            Fact::TrainingCompleted(v1::TrainingCompleted { purchase_id: e.purchase.to_string() })
        }
        Event::CompletionWithdrawn(e) => Fact::CompletionWithdrawn(v1::CompletionWithdrawn {
            purchase_id: e.purchase.to_string(),
            case_id: e.case.to_string(),
            reason: e.reason.to_string(),
        }),
        Event::CertificateIssued(e) => Fact::CertificateIssued(v1::CertificateIssued {
            purchase_id: e.purchase.to_string(),
            certificate_number: e.certificate_number.to_string(),
        }),
        Event::TrainingReviewed(e) => Fact::TrainingReviewed(v1::TrainingReviewed {
            purchase_id: e.purchase.to_string(),
            rating: e.rating.into(),
        }),
        Event::SurveyFilled(e) => Fact::SurveyFilled(v1::SurveyFilled { survey_number: e.number.into() }),
        Event::MembershipRevoked(e) => Fact::MembershipRevoked(v1::MembershipRevoked {
            case_id: e.case.to_string(),
            ground: e.ground.number().into(),
        }),
        Event::MembershipReinstated(e) => Fact::MembershipReinstated(v1::MembershipReinstated {
            case_id: e.case.to_string(),
            reason: e.reason.to_string(),
            first_purchase_deadline: e.first_purchase_deadline.and_then(date),
        }),
        Event::IneligibilityFound(e) => Fact::IneligibilityFound(v1::IneligibilityFound {
            source: e.source.to_string(),
            case_number: e.case_number.to_string(),
            evidence_date: date(e.evidence_date),
            effective_date: date(e.effective_date),
        }),
        Event::IneligibilityWithdrawn(e) => Fact::IneligibilityWithdrawn(v1::IneligibilityWithdrawn {
            source: e.source.to_string(),
            case_number: e.case_number.to_string(),
        }),
        Event::RepaymentDemanded(e) => Fact::RepaymentDemanded(v1::RepaymentDemanded {
            demand_id: e.demand.to_string(),
            component: e.component.number().into(),
            amount_rupiah: e.amount.get(),
        }),
        Event::RepaymentReceived(e) => Fact::RepaymentReceived(v1::RepaymentReceived {
            demand_id: e.demand.to_string(),
            state_receipt_number: e.receipt_number.to_string(),
            amount_rupiah: e.amount.get(),
        }),
        _ => return None,
    };
    Some(Request::Event(v1::EventInput {
        participant_id: participant.to_string(),
        occurred_at: time(meta.occurred_at),
        source_reference: meta.source_reference.to_string(),
        approved_by: approver(meta),
        event: Some(event),
    }))
}

fn programme(meta: &Meta<'_>, event: &Event<'_>) -> Option<Request> {
    let occurred_at = time(meta.occurred_at);
    let source_reference = meta.source_reference.to_string();
    let approved_by = approver(meta);
    Some(match event {
        Event::SchemeEnacted(e) => Request::EnactScheme(v1::EnactSchemeRequest {
            occurred_at,
            source_reference,
            approved_by,
            scheme: Some(scheme(&e.scheme)),
        }),
        Event::WaveOpened(e) => Request::OpenWave(v1::OpenWaveRequest {
            occurred_at,
            source_reference,
            wave: e.wave.0,
            scheme_id: e.scheme.to_string(),
            year: year(e.year),
            quota: e.quota,
        }),
        Event::WaveClosed(e) => {
            Request::CloseWave(v1::CloseWaveRequest { occurred_at, source_reference, approved_by, wave: e.wave.0 })
        }
        Event::FundsAppropriated(e) => Request::AppropriateFunds(v1::AppropriateFundsRequest {
            occurred_at,
            source_reference,
            approved_by,
            document_number: e.document_number.to_string(),
            fiscal_year: year(e.fiscal_year),
            amount_rupiah: e.amount.get(),
        }),
        Event::BalancePeriodClosed(e) => Request::CloseBalancePeriod(v1::CloseBalancePeriodRequest {
            occurred_at,
            source_reference,
            approved_by,
            year: year(e.year),
        }),
        _ => return None,
    })
}

fn year(year: i16) -> u32 {
    u32::try_from(year).unwrap_or_default()
}

fn scheme(rules: &Scheme<'_>) -> v1::Scheme {
    let month_day = |day: MonthDay| Some(v1::MonthDay { month: day.month.into(), day: day.day.into() });
    v1::Scheme {
        scheme_id: rules.scheme.to_string(),
        training_aid_rupiah: rules.training_aid.get(),
        training_incentives_rupiah: rules.training_incentives.iter().map(|amount| amount.get()).collect(),
        survey_incentives_rupiah: rules.survey_incentives.iter().map(|amount| amount.get()).collect(),
        first_purchase_days: rules.first_purchase_days.into(),
        balance_last_day: month_day(rules.balance_last_day),
        complete_by: month_day(rules.complete_by),
        first_incentive_due_days: rules.first_incentive_days.into(),
        survey_opening_days: rules.survey_opening_days.iter().map(|days| u32::from(*days)).collect(),
        survey_due_days: rules.survey_due_days.into(),
        instruction_expiry_days: rules.instruction_expiry_days.into(),
        max_participants_per_family_card: rules.max_participants_per_family_card.into(),
    }
}

fn outcome_input(meta: &Meta<'_>, kind: OutcomeKind, outcome: &Outcome<'_>) -> v1::OutcomeInput {
    v1::OutcomeInput {
        occurred_at: time(meta.occurred_at),
        source_reference: meta.source_reference.to_string(),
        approved_by: approver(meta),
        kind: kind.number().into(),
        amount_rupiah: outcome.amount.get(),
        transaction_reference: outcome.transaction_reference.to_string(),
        raw_code: outcome.raw_code.to_string(),
        code_system: outcome.code_system.map_or(0, |system| system.number().into()),
        reason: outcome.reason.map_or(0, |reason| reason.number().into()),
        account_fault: outcome.account_fault,
        evidence: outcome.evidence.number().into(),
        evidence_reason: outcome.evidence_reason.to_string(),
        ..v1::OutcomeInput::default()
    }
}

#[cfg(test)]
mod tests {
    use ledger_core::codes::{CodeSystem, Component, Evidence, Ground, Partner, Platform, Reason};

    use super::*;

    #[test]
    fn stored_numbers_are_those_of_the_contract() {
        let same = |code: &str, prefix: &str, name: Option<&str>| {
            let expected = format!("{prefix}_{}", code.to_uppercase().replace('-', "_"));
            assert_eq!(name, Some(expected.as_str()));
        };
        macro_rules! check {
            ($core:ident, $proto:ty, $prefix:literal) => {
                for value in $core::ALL {
                    let name = <$proto>::try_from(i32::from(value.number())).ok();
                    same(value.code(), $prefix, name.map(|name| name.as_str_name()));
                }
            };
        }
        check!(Platform, v1::Platform, "PLATFORM");
        check!(Partner, v1::Partner, "PARTNER");
        check!(Ground, v1::RevocationGround, "REVOCATION_GROUND");
        check!(OutcomeKind, v1::OutcomeKind, "OUTCOME_KIND");
        check!(Reason, v1::OutcomeReason, "OUTCOME_REASON");
        check!(CodeSystem, v1::CodeSystem, "CODE_SYSTEM");
        check!(Evidence, v1::Evidence, "EVIDENCE");
        check!(Component, v1::MoneyComponent, "MONEY_COMPONENT");
    }
}
