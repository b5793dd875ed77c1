//! Protobuf JSON, as `ledger-server load` reads it.

use std::collections::BTreeSet;

use ledger_proto::v1::{LoadLine, StoredRecord, event_input, load_line, stored_record};
use prost::Message as _;
use serde_json::{Value, json};

const DIGEST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ID: &str = "0b5e3f6a-7d53-4a3e-9a55-0d1f2c3b4a59";

/// Every request of a line but the events: its name and content.
fn requests() -> Vec<(&'static str, Value)> {
    let date = json!({"year": 2020, "month": 6, "day": 30});
    vec![
        (
            "enactScheme",
            json!({"approvedBy": "staff/budi", "scheme": {
                "schemeId": "semi-bansos", "trainingAidRupiah": "1000000",
                "trainingIncentivesRupiah": ["600000", "600000", "600000", "600000"],
                "surveyIncentivesRupiah": ["50000", "50000", "50000"], "firstPurchaseDays": 30,
                "balanceLastDay": {"month": 12, "day": 15}, "completeBy": {"month": 12, "day": 31},
                "firstIncentiveDueDays": 5, "surveyOpeningDays": [30, 60, 90], "surveyDueDays": 14,
                "instructionExpiryDays": 7, "maxParticipantsPerFamilyCard": 2}}),
        ),
        ("openWave", json!({"wave": 1, "schemeId": "semi-bansos", "year": 2020, "quota": 200_000})),
        ("closeWave", json!({"approvedBy": "staff/budi", "wave": 1})),
        (
            "appropriateFunds",
            json!({"approvedBy": "staff/budi", "documentNumber": "DIPA-1", "fiscalYear": 2020, "amountRupiah": "-5000000"}),
        ),
        ("closeBalancePeriod", json!({"approvedBy": "staff/budi", "year": 2020})),
        ("planRun", json!({"runId": ID, "asOf": date})),
        ("approveRun", json!({"runId": ID, "itemsSha256": DIGEST})),
        (
            "outcome",
            json!({"partner": "PARTNER_GOPAY", "instruction": "00000000000000000042", "kind": "OUTCOME_KIND_REJECTED",
                "amountRupiah": "600000", "transactionReference": "T-1", "rawCode": "AC04",
                "codeSystem": "CODE_SYSTEM_ISO20022", "reason": "OUTCOME_REASON_ACCOUNT_CLOSED", "accountFault": true,
                "evidence": "EVIDENCE_PARTNER"}),
        ),
        ("runDeadlines", json!({"asOf": date})),
        (
            "resolveInDoubt",
            json!({"approvedBy": "staff/budi", "instruction": "00000000000000000017", "kind": "OUTCOME_KIND_SETTLED",
                "transactionReference": "T-1", "evidenceReason": "seen in the partner's books"}),
        ),
        (
            "resolveException",
            json!({"approvedBy": "staff/budi", "partner": "PARTNER_OVO", "transactionReference": "T-1",
                "kind": "OUTCOME_KIND_SETTLED", "resolution": "the partner's mistake"}),
        ),
    ]
}

/// Every event: its name and content.
fn events() -> Vec<(&'static str, Value)> {
    let date = json!({"year": 2020, "month": 6, "day": 30});
    vec![
        (
            "selected",
            json!({"wave": 1, "identityDigest": DIGEST, "identityKeyId": "k1", "familyCardDigest": DIGEST, "region": "12.75"}),
        ),
        (
            "payoutAccountLinked",
            json!({"linkId": ID, "partner": "PARTNER_OVO", "accountToken": "tok-1", "holderIdentityDigest": DIGEST}),
        ),
        ("payoutAccountUnlinked", json!({"linkId": ID})),
        (
            "trainingBought",
            json!({"purchaseId": ID, "course": "C-7", "platform": "PLATFORM_SEKOLAH_MU", "provider": "LP Maju", "priceRupiah": "750000"}),
        ),
        ("purchaseCancelled", json!({"purchaseId": ID, "reason": "full", "refundReference": "R-1"})),
        ("trainingCompleted", json!({"purchaseId": ID})),
        ("completionWithdrawn", json!({"purchaseId": ID, "caseId": ID, "reason": "not attended"})),
        ("certificateIssued", json!({"purchaseId": ID, "certificateNumber": "S-9"})),
        ("trainingReviewed", json!({"purchaseId": ID, "rating": 5})),
        ("surveyFilled", json!({"surveyNumber": 1})),
        ("membershipRevoked", json!({"caseId": ID, "ground": "REVOCATION_GROUND_NO_FIRST_PURCHASE"})),
        ("membershipReinstated", json!({"caseId": ID, "reason": "late data", "firstPurchaseDeadline": date})),
        (
            "ineligibilityFound",
            json!({"source": "wages", "caseNumber": "W-3", "evidenceDate": date, "effectiveDate": date}),
        ),
        ("ineligibilityWithdrawn", json!({"source": "wages", "caseNumber": "W-3"})),
        (
            "repaymentDemanded",
            json!({"demandId": ID, "component": "MONEY_COMPONENT_TRAINING_INCENTIVE", "amountRupiah": "600000"}),
        ),
        ("repaymentReceived", json!({"demandId": ID, "stateReceiptNumber": "NTPN-1", "amountRupiah": "600000"})),
    ]
}

fn with(mut content: Value, key: &str, value: Value) -> Value {
    content.as_object_mut().expect("an object").insert(key.to_owned(), value);
    content
}

/// A line of each kind, as text.
fn lines() -> Vec<Value> {
    let envelope =
        |content| with(with(content, "occurredAt", json!("2020-04-11T02:00:00Z")), "sourceReference", json!("ref-1"));
    let line = |name: &str, content| json!({"actor": "staff/ani", name: content});
    let events = events().into_iter().map(|(name, content)| {
        line("event", envelope(json!({"participantId": ID, "approvedBy": "staff/budi", name: content})))
    });
    let requests = requests().into_iter().map(|(name, content)| match name {
        // A job happens when it runs.
        "runDeadlines" => line(name, with(content, "sourceReference", json!("ref-1"))),
        name => line(name, envelope(content)),
    });
    events.chain(requests).collect()
}

#[test]
fn a_line_of_each_kind_comes_back_the_same() {
    for written in lines() {
        let line: LoadLine = serde_json::from_str(&written.to_string()).unwrap_or_else(|e| panic!("{e}: {written}"));
        assert_eq!(serde_json::to_value(&line).expect("JSON"), written);
        assert_eq!(LoadLine::decode(line.encode_to_vec().as_slice()).expect("protobuf"), line);
    }
}

#[test]
fn the_lines_are_of_every_kind() {
    let camel = |message: &str| -> BTreeSet<String> {
        let messages = crate::contract().into_iter().flat_map(|file| file.message_type);
        let message = messages.into_iter().find(|m| m.name() == message).expect("the message");
        message.field.into_iter().filter(|f| f.oneof_index.is_some()).map(|f| f.json_name().to_owned()).collect()
    };
    let names = |samples: Vec<(&'static str, Value)>| samples.into_iter().map(|(name, _)| name.to_owned());
    assert_eq!(names(events()).collect::<BTreeSet<_>>(), camel("EventInput"));
    assert_eq!(names(requests()).chain(["event".to_owned()]).collect::<BTreeSet<_>>(), camel("LoadLine"));
}

#[test]
fn a_line_can_be_written_by_hand() {
    let text = format!(
        r#"{{"actor": "platform/pijar", "event": {{"participant_id": "{ID}", "occurred_at": "2020-04-11T09:00:00+07:00",
        "training_completed": {{"purchase_id": "{ID}"}}}}}}"#
    );
    let line: LoadLine = serde_json::from_str(&text).expect("snake case and an offset");
    let Some(load_line::Request::Event(event)) = line.request else { panic!("not an event") };
    assert_eq!(event.occurred_at.and_then(|time| time.unix_nanos()), Some(1_586_570_400_000_000_000));
    assert!(matches!(event.event, Some(event_input::Event::TrainingCompleted(_))), "{:?}", event.event);
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let wrong = [
        (r#"{"actor": "a/b", "evnt": {}}"#, "unknown field `evnt`"),
        (r#"{"outcome": {"partner": "PARTNER_DOKU"}}"#, "unknown variant `PARTNER_DOKU`"),
        (r#"{"event": {"occurredAt": "yesterday"}}"#, "failed to parse"),
        (r#"{"appropriateFunds": {"amountRupiah": "1.5"}}"#, "invalid digit"),
    ];
    for (text, expected) in wrong {
        let error = serde_json::from_str::<LoadLine>(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_stored_record_has_json_too() {
    let record = StoredRecord {
        position: 7,
        previous_position: Some(0),
        participant: vec![1; 16].into(),
        occurred_at: -1,
        event: Some(stored_record::Event::SurveyFilled(ledger_proto::v1::StoredSurveyFilled { survey_number: 2 })),
        ..Default::default()
    };
    let written = serde_json::to_value(&record).expect("JSON");
    let expected = json!({"position": "7", "previousPosition": "0", "participant": "AQEBAQEBAQEBAQEBAQEBAQ==", "occurredAt": "-1",
        "surveyFilled": {"surveyNumber": 2}});
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_value::<StoredRecord>(written).expect("a record"), record);
}
