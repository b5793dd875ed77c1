//! From core's record to the generated message, field by field: written a second time, without the codec's table.

use ledger_core::Record;
use ledger_core::event::{self, Event, Total};
use ledger_core::scheme::MonthDay;
use ledger_proto::v1::stored_record::Event as Stored;
use ledger_proto::v1::*;

pub(super) fn stored(record: &Record<'_>) -> StoredRecord {
    StoredRecord {
        position: record.position,
        previous_position: record.previous,
        participant: record.participant.map(|id| bytes(&id.0)).unwrap_or_default(),
        occurred_at: record.occurred_at.nanos(),
        recorded_at: record.recorded_at.nanos(),
        actor: record.actor.to_string(),
        auth: record.auth.number().into(),
        approved_by: record.approved_by.as_deref().unwrap_or_default().to_owned(),
        source_reference: record.source_reference.to_string(),
        event: Some(stored_event(&record.event)),
    }
}

fn bytes<B: From<Vec<u8>>>(bytes: &[u8]) -> B {
    bytes.to_vec().into()
}

fn stored_event(event: &Event<'_>) -> Stored {
    match event {
        Event::Selected(e) => Stored::Selected(StoredSelected {
            wave: e.wave.0,
            identity_digest: bytes(&e.identity_digest.0),
            identity_key_id: e.identity_key_id.to_string(),
            family_card_digest: bytes(&e.family_card_digest.0),
            region: e.region.0.into(),
        }),
        Event::PayoutAccountLinked(e) => Stored::PayoutAccountLinked(StoredPayoutAccountLinked {
            link: bytes(&e.link.0),
            partner: e.partner.number().into(),
            account_token: e.account_token.to_string(),
            holder_identity_digest: bytes(&e.holder_identity_digest.0),
        }),
        Event::PayoutAccountUnlinked(e) => {
            Stored::PayoutAccountUnlinked(StoredPayoutAccountUnlinked { link: bytes(&e.link.0) })
        }
        Event::TrainingBought(e) => Stored::TrainingBought(StoredTrainingBought {
            purchase: bytes(&e.purchase.0),
            course: e.course.to_string(),
            platform: e.platform.number().into(),
            provider: e.provider.to_string(),
            price: e.price.get(),
        }),
        Event::PurchaseCancelled(e) => Stored::PurchaseCancelled(StoredPurchaseCancelled {
            purchase: bytes(&e.purchase.0),
            reason: e.reason.to_string(),
            refund_reference: e.refund_reference.to_string(),
        }),
        Event::TrainingCompleted(e) => {
            Stored::TrainingCompleted(StoredTrainingCompleted { purchase: bytes(&e.purchase.0) })
        }
        Event::CompletionWithdrawn(e) => Stored::CompletionWithdrawn(StoredCompletionWithdrawn {
            purchase: bytes(&e.purchase.0),
            case: bytes(&e.case.0),
            reason: e.reason.to_string(),
        }),
        Event::CertificateIssued(e) => Stored::CertificateIssued(StoredCertificateIssued {
            purchase: bytes(&e.purchase.0),
            certificate_number: e.certificate_number.to_string(),
        }),
        Event::TrainingReviewed(e) => {
            Stored::TrainingReviewed(StoredTrainingReviewed { purchase: bytes(&e.purchase.0), rating: e.rating.into() })
        }
        Event::SurveyFilled(e) => Stored::SurveyFilled(StoredSurveyFilled { survey_number: e.number.into() }),
        Event::MembershipRevoked(e) => Stored::MembershipRevoked(StoredMembershipRevoked {
            case: bytes(&e.case.0),
            ground: e.ground.number().into(),
        }),
        Event::MembershipReinstated(e) => Stored::MembershipReinstated(StoredMembershipReinstated {
            case: bytes(&e.case.0),
            reason: e.reason.to_string(),
            first_purchase_deadline: e.first_purchase_deadline.map(|date| date.days()),
        }),
        Event::PayoutInstructed(e) => Stored::PayoutInstructed(StoredPayoutInstructed {
            entitlement_kind: e.entitlement.kind.number().into(),
            entitlement_number: e.entitlement.number.into(),
            attempt: e.attempt.into(),
            due: e.due.days(),
            amount: e.amount.get(),
            partner: e.partner.number().into(),
            link: bytes(&e.link.0),
            run: bytes(&e.run.0),
            expires_on: e.expires_on.days(),
        }),
        Event::PayoutAccepted(e) => Stored::PayoutAccepted(outcome(&e.outcome)),
        Event::PayoutSettled(e) => Stored::PayoutSettled(outcome(&e.outcome)),
        Event::PayoutRejected(e) => Stored::PayoutRejected(outcome(&e.outcome)),
        Event::PayoutReturned(e) => Stored::PayoutReturned(outcome(&e.outcome)),
        Event::PayoutInDoubt(e) => Stored::PayoutInDoubt(outcome(&e.outcome)),
        Event::InstructionRecalled(e) => {
            Stored::InstructionRecalled(StoredInstructionRecalled { instruction: e.instruction.0 })
        }
        Event::OutcomeException(e) => Stored::OutcomeException(StoredOutcomeException {
            partner: e.partner.number().into(),
            instruction_reference: e.instruction.to_string(),
            kind: e.kind.number().into(),
            outcome: Some(outcome(&e.outcome)),
            cause: e.cause.number().into(),
        }),
        Event::ExceptionResolved(e) => Stored::ExceptionResolved(StoredExceptionResolved {
            partner: e.partner.number().into(),
            transaction_reference: e.transaction_reference.to_string(),
            kind: e.kind.number().into(),
            resolution: e.resolution.to_string(),
        }),
        Event::IneligibilityFound(e) => Stored::IneligibilityFound(StoredIneligibilityFound {
            source: e.source.to_string(),
            case_number: e.case_number.to_string(),
            evidence_date: e.evidence_date.days(),
            effective_date: e.effective_date.days(),
        }),
        Event::IneligibilityWithdrawn(e) => Stored::IneligibilityWithdrawn(StoredIneligibilityWithdrawn {
            source: e.source.to_string(),
            case_number: e.case_number.to_string(),
        }),
        Event::RepaymentDemanded(e) => Stored::RepaymentDemanded(StoredRepaymentDemanded {
            demand: bytes(&e.demand.0),
            component: e.component.number().into(),
            amount: e.amount.get(),
        }),
        Event::RepaymentReceived(e) => Stored::RepaymentReceived(StoredRepaymentReceived {
            demand: bytes(&e.demand.0),
            state_receipt_number: e.receipt_number.to_string(),
            amount: e.amount.get(),
        }),
        Event::SchemeEnacted(e) => {
            let s = &e.scheme;
            Stored::SchemeEnacted(StoredSchemeEnacted {
                scheme_id: s.scheme.to_string(),
                training_aid: s.training_aid.get(),
                training_incentives: s.training_incentives.iter().map(|amount| amount.get()).collect(),
                survey_incentives: s.survey_incentives.iter().map(|amount| amount.get()).collect(),
                first_purchase_days: s.first_purchase_days.into(),
                balance_last_day: Some(month_day(s.balance_last_day)),
                complete_by: Some(month_day(s.complete_by)),
                first_incentive_due_days: s.first_incentive_days.into(),
                survey_opening_days: s.survey_opening_days.iter().map(|&days| days.into()).collect(),
                survey_due_days: s.survey_due_days.into(),
                instruction_expiry_days: s.instruction_expiry_days.into(),
                max_participants_per_family_card: s.max_participants_per_family_card.into(),
            })
        }
        Event::WaveOpened(e) => Stored::WaveOpened(StoredWaveOpened {
            wave: e.wave.0,
            scheme_id: e.scheme.to_string(),
            year: year(e.year),
            quota: e.quota,
        }),
        Event::WaveClosed(e) => Stored::WaveClosed(StoredWaveClosed { wave: e.wave.0 }),
        Event::FundsAppropriated(e) => Stored::FundsAppropriated(StoredFundsAppropriated {
            document_number: e.document_number.to_string(),
            fiscal_year: year(e.fiscal_year),
            amount: e.amount.get(),
        }),
        Event::BalancePeriodClosed(e) => Stored::BalancePeriodClosed(StoredBalancePeriodClosed { year: year(e.year) }),
        Event::DisbursementRunPlanned(e) => Stored::DisbursementRunPlanned(StoredDisbursementRunPlanned {
            run: bytes(&e.run.0),
            as_of: e.as_of.days(),
            known_at: e.known_at,
            totals: e
                .totals
                .iter()
                .map(|t| StoredPartnerTotal {
                    partner: t.partner.number().into(),
                    count: t.total.count,
                    total: t.total.amount.get(),
                })
                .collect(),
            items_sha256: bytes(&e.items_digest.0),
        }),
        Event::DisbursementRunApproved(e) => Stored::DisbursementRunApproved(StoredDisbursementRunApproved {
            run: bytes(&e.run.0),
            items_sha256: bytes(&e.items_digest.0),
        }),
        Event::DisbursementRunClosed(e) => Stored::DisbursementRunClosed(StoredDisbursementRunClosed {
            run: bytes(&e.run.0),
            instructed_count: e.instructed.count,
            instructed_total: e.instructed.amount.get(),
            held_count: e.held.count,
            held_total: e.held.amount.get(),
            held_by: e
                .held_by
                .iter()
                .map(|t| StoredHeldTotal {
                    reason: t.reason.number().into(),
                    count: t.total.count,
                    total: t.total.amount.get(),
                })
                .collect(),
        }),
        Event::StatementReconciled(e) => Stored::StatementReconciled(StoredStatementReconciled {
            partner: e.partner.number().into(),
            file_sha256: bytes(&e.file_digest.0),
            period_from: e.period_from.days(),
            period_to: e.period_to.days(),
            matched: Some(count_total(e.matched)),
            missing: Some(count_total(e.missing)),
            extra: Some(count_total(e.extra)),
            other_amount: Some(count_total(e.other_amount)),
            other_day: Some(count_total(e.other_day)),
        }),
    }
}

fn outcome(o: &event::Outcome<'_>) -> StoredPayoutOutcome {
    StoredPayoutOutcome {
        instruction: o.instruction.0,
        amount: o.amount.get(),
        transaction_reference: o.transaction_reference.to_string(),
        raw_code: o.raw_code.to_string(),
        code_system: o.code_system.map_or(0, |code| code.number().into()),
        reason: o.reason.map_or(0, |code| code.number().into()),
        account_fault: o.account_fault,
        evidence: o.evidence.number().into(),
        evidence_reason: o.evidence_reason.to_string(),
    }
}

fn count_total(total: Total) -> StoredCountTotal {
    StoredCountTotal { count: total.count, total: total.amount.get() }
}

fn month_day(day: MonthDay) -> StoredMonthDay {
    StoredMonthDay { month: day.month.into(), day: day.day.into() }
}

fn year(year: i16) -> u32 {
    u32::try_from(year).unwrap()
}
