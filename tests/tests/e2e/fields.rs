//! Each field's shape, checked at the door: one row a field and fault, and the refusal names the field.

use ledger_proto::v1::event_input::Event;
use ledger_proto::{Date, Timestamp, v1};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{Programme, at, bought, event, linked, outcome, person, selected, semi_bansos, uuid};
use ledger_tests::server::from;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::api::{as_status, reason, rejection, server};

#[track_caller]
fn names(status: &Status, field: &str) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"), "{field}");
    let violations = status.get_details_bad_request().expect("BadRequest").field_violations;
    let named: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(named, [field], "{}", status.message());
}

/// Changes that each break one field of a message.
macro_rules! rows {
    ($type:ty; $($field:literal: $change:expr;)+) => {{
        let rows: Vec<(&str, Box<dyn Fn(&mut $type) + Send>)> = vec![$(($field, Box::new($change)),)+];
        rows
    }};
}

/// Calls with each change of a good request; every one is refused by the field's name.
macro_rules! refuses {
    ($client:ident . $call:ident, $good:expr, $type:ty; $($rows:tt)+) => {{
        for (field, change) in rows!($type; $($rows)+) {
            let mut request = $good;
            change(&mut request);
            let refused = $client.$call(from("officer/budi", request)).await.err().unwrap_or_else(|| {
                panic!("{} took a bad {field}", stringify!($call))
            });
            names(&refused, field);
        }
    }};
}

const fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

const fn seconds(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

const YEAR_2019: i64 = 1_577_000_000;
const YEAR_2200: i64 = 7_270_000_000;

fn long(length: usize) -> String {
    "x".repeat(length)
}

#[tokio::test(flavor = "multi_thread")]
async fn events() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let mut table: Vec<(String, v1::EventInput)> = Vec::new();
    let common = rows! { v1::EventInput;
        "participant_id": |e| e.participant_id.clear();
        "participant_id": |e| e.participant_id = "1".to_owned();
        "participant_id": |e| e.participant_id = person(1).replace('-', "");
        "occurred_at": |e| e.occurred_at = None;
        "occurred_at": |e| e.occurred_at = seconds(YEAR_2019);
        "occurred_at": |e| e.occurred_at = seconds(YEAR_2200);
        "occurred_at": |e| e.occurred_at = seconds(i64::MAX);
        "occurred_at": |e| e.occurred_at = Some(Timestamp { seconds: 1_600_000_000, nanos: -1 });
        "occurred_at": |e| e.occurred_at = Some(Timestamp { seconds: 1_600_000_000, nanos: 1_000_000_000 });
        "source_reference": |e| e.source_reference = long(101);
        "source_reference": |e| e.source_reference = "a\nb".to_owned();
        "approved_by": |e| e.approved_by = "siti".to_owned();
        "approved_by": |e| e.approved_by = "/siti".to_owned();
        "event": |e| e.event = None;
    };
    for (field, change) in common {
        let mut event = selected(1);
        change(&mut event);
        table.push((field.to_owned(), event));
    }
    macro_rules! of {
        ($prefix:literal, $kind:ident, $good:expr; $($field:literal: $change:expr;)+) => {
            for (field, change) in rows!(v1::$kind; $($field: $change;)+) {
                let mut good: v1::$kind = $good;
                change(&mut good);
                table.push((format!("{}.{field}", $prefix), event(1, at(4, 20), Event::$kind(good))));
            }
        };
    }
    let Some(Event::Selected(good)) = selected(1).event else { panic!("a selection") };
    of! { "selected", Selected, good.clone();
        "identity_digest": |e| e.identity_digest = vec![1; 31].into();
        "identity_digest": |e| e.identity_digest.clear();
        "identity_key_id": |e| e.identity_key_id.clear();
        "identity_key_id": |e| e.identity_key_id = long(101);
        "family_card_digest": |e| e.family_card_digest = vec![1; 33].into();
        "region": |e| e.region.clear();
        "region": |e| e.region = "1275".to_owned();
    }
    let Some(Event::PayoutAccountLinked(good)) = linked(1).event else { panic!("a link") };
    of! { "payout_account_linked", PayoutAccountLinked, good.clone();
        "link_id": |e| e.link_id.clear();
        "partner": |e| e.partner = 0;
        "partner": |e| e.partner = 6;
        "partner": |e| e.partner = -1;
        "partner": |e| e.partner = 257;
        "account_token": |e| e.account_token.clear();
        "account_token": |e| e.account_token = long(101);
        "holder_identity_digest": |e| e.holder_identity_digest.clear();
    }
    of! { "payout_account_unlinked", PayoutAccountUnlinked, v1::PayoutAccountUnlinked::default();
        "link_id": |_| {};
    }
    let Some(Event::TrainingBought(good)) = bought(1).event else { panic!("a purchase") };
    of! { "training_bought", TrainingBought, good.clone();
        "purchase_id": |e| e.purchase_id = "x".to_owned();
        "course": |e| e.course.clear();
        "course": |e| e.course = long(101);
        "platform": |e| e.platform = 0;
        "platform": |e| e.platform = 9;
        "provider": |e| e.provider.clear();
        "price_rupiah": |e| e.price_rupiah = 0;
        "price_rupiah": |e| e.price_rupiah = -1;
        "price_rupiah": |e| e.price_rupiah = i64::MAX;
    }
    let id = || uuid(3, 1);
    let cancelled =
        || v1::PurchaseCancelled { purchase_id: id(), reason: "r".to_owned(), refund_reference: "f".to_owned() };
    of! { "purchase_cancelled", PurchaseCancelled, cancelled();
        "purchase_id": |e| e.purchase_id.clear();
        "reason": |e| e.reason = long(401);
        "refund_reference": |e| e.refund_reference.clear();
    }
    of! { "training_completed", TrainingCompleted, v1::TrainingCompleted::default(); "purchase_id": |_| {}; }
    let withdrawn = || v1::CompletionWithdrawn { purchase_id: id(), case_id: id(), reason: "r".to_owned() };
    of! { "completion_withdrawn", CompletionWithdrawn, withdrawn();
        "purchase_id": |e| e.purchase_id.clear();
        "case_id": |e| e.case_id.clear();
        "reason": |e| e.reason.clear();
    }
    let certificate = || v1::CertificateIssued { purchase_id: id(), certificate_number: "c".to_owned() };
    of! { "certificate_issued", CertificateIssued, certificate();
        "purchase_id": |e| e.purchase_id.clear();
        "certificate_number": |e| e.certificate_number.clear();
    }
    of! { "training_reviewed", TrainingReviewed, v1::TrainingReviewed { purchase_id: id(), rating: 5 };
        "purchase_id": |e| e.purchase_id.clear();
        "rating": |e| e.rating = 256;
    }
    of! { "survey_filled", SurveyFilled, v1::SurveyFilled { survey_number: 1 };
        "survey_number": |e| e.survey_number = 256;
    }
    of! { "membership_revoked", MembershipRevoked, v1::MembershipRevoked { case_id: id(), ground: 3 };
        "case_id": |e| e.case_id.clear();
        "ground": |e| e.ground = 0;
        "ground": |e| e.ground = 9;
    }
    let reinstated =
        || v1::MembershipReinstated { case_id: id(), reason: "r".to_owned(), first_purchase_deadline: None };
    of! { "membership_reinstated", MembershipReinstated, reinstated();
        "case_id": |e| e.case_id.clear();
        "reason": |e| e.reason.clear();
        "first_purchase_deadline": |e| e.first_purchase_deadline = date(2019, 12, 31);
        "first_purchase_deadline": |e| e.first_purchase_deadline = date(2020, 2, 30);
    }
    let found = || v1::IneligibilityFound {
        source: "BPJS".to_owned(),
        case_number: "1".to_owned(),
        evidence_date: date(2020, 5, 1),
        effective_date: date(2020, 5, 1),
    };
    of! { "ineligibility_found", IneligibilityFound, found();
        "source": |e| e.source.clear();
        "case_number": |e| e.case_number.clear();
        "evidence_date": |e| e.evidence_date = None;
        "effective_date": |e| e.effective_date = date(2101, 1, 1);
    }
    let finding = || v1::IneligibilityWithdrawn { source: "BPJS".to_owned(), case_number: "1".to_owned() };
    of! { "ineligibility_withdrawn", IneligibilityWithdrawn, finding();
        "source": |e| e.source.clear();
        "case_number": |e| e.case_number.clear();
    }
    of! { "repayment_demanded", RepaymentDemanded,
        v1::RepaymentDemanded { demand_id: id(), component: 1, amount_rupiah: 1 };
        "demand_id": |e| e.demand_id.clear();
        "component": |e| e.component = 4;
        "amount_rupiah": |e| e.amount_rupiah = 0;
        "amount_rupiah": |e| e.amount_rupiah = 1_000_000_000_001;
    }
    of! { "repayment_received", RepaymentReceived,
        v1::RepaymentReceived { demand_id: id(), state_receipt_number: "n".to_owned(), amount_rupiah: 1 };
        "demand_id": |e| e.demand_id.clear();
        "state_receipt_number": |e| e.state_receipt_number.clear();
        "amount_rupiah": |e| e.amount_rupiah = -1;
    }
    let results = programme.record(table.iter().map(|(_, event)| event.clone()).collect()).await;
    assert_eq!(results.len(), table.len());
    for ((field, _), result) in table.iter().zip(&results) {
        names(&as_status(rejection(result)), field);
    }
    let mut wave = selected(1);
    if let Some(Event::Selected(e)) = &mut wave.event {
        e.wave = 10_000;
    }
    names(&as_status(rejection(&programme.record(vec![wave]).await[0])), "wave");
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let instruction = v1::Instruction { instruction: "00000000000000000009".to_owned(), ..Default::default() };
    let table = rows! { v1::OutcomeInput;
        "occurred_at": |o| o.occurred_at = None;
        "occurred_at": |o| o.occurred_at = seconds(YEAR_2019);
        "source_reference": |o| o.source_reference = long(101);
        "approved_by": |o| o.approved_by = "siti".to_owned();
        "partner": |o| o.partner = 0;
        "partner": |o| o.partner = 77;
        "instruction": |o| o.instruction.clear();
        "instruction": |o| o.instruction = long(101);
        "kind": |o| o.kind = 0;
        "kind": |o| o.kind = 6;
        "amount_rupiah": |o| o.amount_rupiah = -1;
        "amount_rupiah": |o| o.amount_rupiah = i64::MAX;
        "transaction_reference": |o| o.transaction_reference = long(101);
        "raw_code": |o| o.raw_code = "a\tb".to_owned();
        "code_system": |o| o.code_system = 4;
        "reason": |o| o.reason = 12;
        "evidence": |o| o.evidence = 5;
        "evidence_reason": |o| o.evidence_reason = long(401);
        "transaction_reference": |o| o.transaction_reference.clear();
    };
    for (field, change) in table {
        let mut report = outcome(&instruction, v1::OutcomeKind::Settled, 5, 12);
        change(&mut report);
        names(&as_status(rejection(&programme.report(vec![report]).await[0])), field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programme_commands_and_questions() {
    let (_folder, server) = server();
    let mut client = ProgrammeServiceClient::new(server.channel().await);
    let good = || v1::EnactSchemeRequest {
        occurred_at: Some(at(4, 1)),
        approved_by: "approver/siti".to_owned(),
        scheme: Some(semi_bansos()),
        ..Default::default()
    };
    fn scheme(r: &mut v1::EnactSchemeRequest) -> &mut v1::Scheme {
        r.scheme.as_mut().expect("a scheme")
    }
    refuses! { client.enact_scheme, good(), v1::EnactSchemeRequest;
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2200);
        "source_reference": |r| r.source_reference = long(101);
        "approved_by": |r| r.approved_by = "approver/".to_owned();
        "scheme": |r| r.scheme = None;
        "scheme.scheme_id": |r| scheme(r).scheme_id.clear();
        "scheme_id": |r| scheme(r).scheme_id = "Semi Bansos".to_owned();
        "training_aid_rupiah": |r| scheme(r).training_aid_rupiah = -1;
        "training_incentives_rupiah": |r| scheme(r).training_incentives_rupiah.clear();
        "training_incentives_rupiah": |r| scheme(r).training_incentives_rupiah = vec![1; 25];
        "survey_incentives_rupiah": |r| scheme(r).survey_incentives_rupiah[0] = i64::MAX;
        "scheme.first_purchase_days": |r| scheme(r).first_purchase_days = 65_536;
        "scheme.balance_last_day": |r| scheme(r).balance_last_day = None;
        "balance_last_day": |r| scheme(r).balance_last_day = Some(v1::MonthDay { month: 2, day: 29 });
        "scheme.complete_by": |r| scheme(r).complete_by = None;
        "complete_by": |r| scheme(r).complete_by = Some(v1::MonthDay { month: 13, day: 1 });
        "scheme.first_incentive_due_days": |r| scheme(r).first_incentive_due_days = u32::MAX;
        "scheme.survey_opening_days": |r| scheme(r).survey_opening_days[0] = u32::MAX;
        "survey_opening_days": |r| scheme(r).survey_opening_days.clear();
        "scheme.survey_due_days": |r| scheme(r).survey_due_days = u32::MAX;
        "scheme.instruction_expiry_days": |r| scheme(r).instruction_expiry_days = u32::MAX;
        "scheme.max_participants_per_family_card": |r| scheme(r).max_participants_per_family_card = 256;
        "max_participants_per_family_card": |r| scheme(r).max_participants_per_family_card = 0;
    }
    let good = || v1::OpenWaveRequest {
        occurred_at: Some(at(4, 2)),
        wave: 1,
        scheme_id: "semi-bansos".to_owned(),
        year: 2020,
        quota: 1,
        ..Default::default()
    };
    refuses! { client.open_wave, good(), v1::OpenWaveRequest;
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
        "wave": |r| r.wave = 0;
        "wave": |r| r.wave = 10_000;
        "scheme_id": |r| r.scheme_id.clear();
        "year": |r| r.year = 2019;
        "year": |r| r.year = 70_000;
        "quota": |r| r.quota = 0;
    }
    let good = || v1::CloseWaveRequest { wave: 1, approved_by: "approver/siti".to_owned(), ..Default::default() };
    refuses! { client.close_wave, good(), v1::CloseWaveRequest;
        "wave": |r| r.wave = 0;
        "approved_by": |r| r.approved_by = "x".to_owned();
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
    }
    let good = || v1::AppropriateFundsRequest {
        approved_by: "approver/siti".to_owned(),
        document_number: "DIPA".to_owned(),
        fiscal_year: 2020,
        amount_rupiah: 1,
        ..Default::default()
    };
    refuses! { client.appropriate_funds, good(), v1::AppropriateFundsRequest;
        "document_number": |r| r.document_number.clear();
        "document_number": |r| r.document_number = long(101);
        "fiscal_year": |r| r.fiscal_year = 1;
        "fiscal_year": |r| r.fiscal_year = u32::MAX;
        "amount_rupiah": |r| r.amount_rupiah = 0;
        "amount_rupiah": |r| r.amount_rupiah = i64::MIN;
    }
    let good = || v1::CloseBalancePeriodRequest { year: 2020, ..Default::default() };
    refuses! { client.close_balance_period, good(), v1::CloseBalancePeriodRequest;
        "year": |r| r.year = 0;
        "year": |r| r.year = u32::MAX;
        "source_reference": |r| r.source_reference = "\u{7}".to_owned();
    }
    let good = || v1::RunDeadlinesRequest { as_of: date(2020, 5, 1), ..Default::default() };
    refuses! { client.run_deadlines, good(), v1::RunDeadlinesRequest;
        "as_of": |r| r.as_of = None;
        "as_of": |r| r.as_of = date(2019, 5, 1);
        "as_of": |r| r.as_of = date(2020, 13, 1);
        "source_reference": |r| r.source_reference = long(101);
    }
    refuses! { client.get_wave_summary, v1::GetWaveSummaryRequest { wave: 1 }, v1::GetWaveSummaryRequest;
        "wave": |r| r.wave = 0;
    }
    let good = || v1::GetDueForecastRequest { from: date(2020, 5, 1), to: date(2020, 5, 31) };
    refuses! { client.get_due_forecast, good(), v1::GetDueForecastRequest;
        "from": |r| r.from = None;
        "from": |r| r.from = date(2000, 1, 1);
        "to": |r| r.to = None;
        "to": |r| r.to = date(2021, 5, 3);
        "to": |r| r.to = date(2020, 4, 30);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn disbursements() {
    let (_folder, server) = server();
    let mut client = DisbursementServiceClient::new(server.channel().await);
    let good = || v1::PlanRunRequest { run_id: uuid(9, 1), as_of: date(2020, 5, 1), ..Default::default() };
    refuses! { client.plan_run, good(), v1::PlanRunRequest;
        "run_id": |r| r.run_id.clear();
        "as_of": |r| r.as_of = None;
        "as_of": |r| r.as_of = date(2101, 1, 1);
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
        "source_reference": |r| r.source_reference = long(101);
    }
    let good = || v1::ApproveRunRequest { run_id: uuid(9, 1), items_sha256: vec![1; 32].into(), ..Default::default() };
    refuses! { client.approve_run, good(), v1::ApproveRunRequest;
        "run_id": |r| r.run_id = "9".to_owned();
        "items_sha256": |r| r.items_sha256.clear();
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2200);
    }
    refuses! { client.get_run, v1::GetRunRequest::default(), v1::GetRunRequest; "run_id": |_| {}; }
    refuses! { client.list_runs, v1::ListRunsRequest::default(), v1::ListRunsRequest;
        "state": |r| r.state = 4;
        "page_size": |r| r.page_size = -1;
        "page_size": |r| r.page_size = 1_001;
        "page_token": |r| r.page_token = "x".to_owned();
    }
    let good = || v1::ResolveInDoubtRequest {
        occurred_at: Some(at(5, 1)),
        approved_by: "approver/siti".to_owned(),
        instruction: "00000000000000000009".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        transaction_reference: "t".to_owned(),
        evidence_reason: "seen".to_owned(),
        ..Default::default()
    };
    refuses! { client.resolve_in_doubt, good(), v1::ResolveInDoubtRequest;
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
        "approved_by": |r| r.approved_by = "siti".to_owned();
        "instruction": |r| r.instruction.clear();
        "instruction": |r| r.instruction = "9".to_owned();
        "kind": |r| r.kind = 0;
        "kind": |r| r.kind = v1::OutcomeKind::Accepted.into();
        "transaction_reference": |r| r.transaction_reference.clear();
        "reason": |r| r.reason = 1;
        "reason": |r| r.reason = 99;
        "account_fault": |r| r.account_fault = true;
        "evidence_reason": |r| r.evidence_reason.clear();
        "evidence_reason": |r| r.evidence_reason = long(401);
    }
    let good = || v1::ResolveExceptionRequest {
        partner: v1::Partner::Ovo.into(),
        transaction_reference: "t".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        resolution: "done".to_owned(),
        approved_by: "approver/siti".to_owned(),
        ..Default::default()
    };
    refuses! { client.resolve_exception, good(), v1::ResolveExceptionRequest;
        "partner": |r| r.partner = 0;
        "transaction_reference": |r| r.transaction_reference.clear();
        "kind": |r| r.kind = 9;
        "resolution": |r| r.resolution.clear();
        "approved_by": |r| r.approved_by = long(101);
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn participants_and_payouts() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let mut client = ParticipantServiceClient::new(channel.clone());
    let good = || v1::GetParticipantRequest { participant_id: person(1), ..Default::default() };
    refuses! { client.get_participant, good(), v1::GetParticipantRequest;
        "participant_id": |r| r.participant_id.clear();
        "as_of": |r| r.as_of = date(2020, 2, 30);
        "known_at": |r| r.known_at = Some(v1::KnownAt::default());
        "known_at.recorded_at": |r| r.known_at = Some(v1::KnownAt {
            point: Some(v1::known_at::Point::RecordedAt(Timestamp { seconds: 0, nanos: -1 })),
        });
    }
    refuses! { client.list_participants, v1::ListParticipantsRequest::default(), v1::ListParticipantsRequest;
        "wave": |r| r.wave = 10_000;
        "region": |r| r.region = "1.2".to_owned();
        "status": |r| r.status = 3;
        "held_reason": |r| r.held_reason = 13;
        "held_reason": |r| r.held_reason = -1;
        "page_size": |r| r.page_size = 1_001;
        "page_token": |r| r.page_token = "0".repeat(32);
    }
    let nobody = v1::FindByIdentityDigestRequest::default;
    refuses! { client.find_by_identity_digest, nobody(), v1::FindByIdentityDigestRequest;
        "identity_digest": |_| {};
        "identity_digest": |r| r.identity_digest = vec![1; 33].into();
    }
    let good = || v1::ListParticipantEventsRequest { participant_id: person(1), ..Default::default() };
    refuses! { client.list_participant_events, good(), v1::ListParticipantEventsRequest;
        "participant_id": |r| r.participant_id = "p".to_owned();
        "order": |r| r.order = 3;
        "page_size": |r| r.page_size = -5;
        "page_token": |r| r.page_token = "next".to_owned();
    }
    let mut client = PayoutServiceClient::new(channel.clone());
    let good = || v1::ListOutstandingInstructionsRequest { partner: 1, ..Default::default() };
    refuses! { client.list_outstanding_instructions, good(), v1::ListOutstandingInstructionsRequest;
        "partner": |r| r.partner = 0;
        "partner": |r| r.partner = 6;
        "status": |r| r.status = 7;
        "status": |r| r.status = v1::InstructionStatus::Settled.into();
        "page_size": |r| r.page_size = 1_001;
        "page_token": |r| r.page_token = "next".to_owned();
    }
    refuses! { client.get_instruction, v1::GetInstructionRequest::default(), v1::GetInstructionRequest;
        "instruction": |_| {};
        "instruction": |r| r.instruction = "0000000000000000000x".to_owned();
    }
    let good = || v1::StreamInstructionsRequest { partner: 1, ..Default::default() };
    refuses! { client.stream_instructions, good(), v1::StreamInstructionsRequest;
        "partner": |r| r.partner = 0;
        "from_instruction": |r| r.from_instruction = "7".to_owned();
    }
    refuses! { client.report_outcomes, v1::ReportOutcomesRequest::default(), v1::ReportOutcomesRequest;
        "outcomes": |_| {};
        "outcomes": |r| r.outcomes = vec![v1::OutcomeInput::default(); 8_191];
    }
    // A field that this server does not know is passed over.
    let mut client = AuditServiceClient::new(channel);
    let head = client.get_head(from("auditor/bpk", v1::GetHeadRequest::default())).await.expect("a head");
    assert_eq!(head.into_inner().size, 0);
}
