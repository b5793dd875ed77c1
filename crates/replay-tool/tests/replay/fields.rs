//! Every field of every event is shown, under its own name.

use ledger_core::Rupiah;
use ledger_core::codes::{Component, Evidence, ExceptionCause, Held, OutcomeKind, Partner};
use ledger_core::event::*;
use ledger_core::ids::{CaseId, DemandId, Digest, LinkId, Position, PurchaseId, RunId};
use ledger_core::time::Date;
use replay_tool::output::fields;
use serde_json::Value;

use crate::support::*;

fn text(text: &'static str) -> Text<'static> {
    Text::Borrowed(text)
}

/// One of each that the story does not have.
fn others() -> Vec<Event<'static>> {
    let (purchase, case, demand) = (PurchaseId([5; 16]), CaseId([6; 16]), DemandId([7; 16]));
    let (date, amount, total) = (Date::from_days(18_000), Rupiah::new(-5), Total::default());
    let (partner, file_digest) = (Partner::Dana, Digest([8; 32]));
    let outcome = Outcome {
        instruction: Position(9),
        amount,
        transaction_reference: text("T"),
        raw_code: text("4040011"),
        code_system: None,
        reason: None,
        account_fault: true,
        evidence: Evidence::Manual,
        evidence_reason: text("seen"),
    };
    let (kind, cause, instruction) = (OutcomeKind::Returned, ExceptionCause::OtherAmount, text("9"));
    let first_purchase_deadline = Some(date);
    let (source, case_number) = (text("BPJS"), text("17"));
    let held_by = vec![HeldTotal { reason: Held::NoAccount, total }];
    let (matched, missing, extra, other_amount, other_day) = (total, total, total, total, total);
    vec![
        PayoutAccountUnlinked { link: LinkId([4; 16]) }.into(),
        PurchaseCancelled { purchase, reason: text("full"), refund_reference: text("R-1") }.into(),
        CompletionWithdrawn { purchase, case, reason: text("not attended") }.into(),
        MembershipReinstated { case, reason: text("error"), first_purchase_deadline }.into(),
        PayoutAccepted { outcome: outcome.clone() }.into(),
        PayoutReturned { outcome: outcome.clone() }.into(),
        PayoutInDoubt { outcome: outcome.clone() }.into(),
        SurveyFilled { number: 1 }.into(),
        InstructionRecalled { instruction: Position(9) }.into(),
        OutcomeException { partner, instruction, kind, outcome, cause }.into(),
        ExceptionResolved { partner, transaction_reference: text("T"), kind, resolution: text("paid") }.into(),
        IneligibilityFound {
            source: source.clone(),
            case_number: case_number.clone(),
            evidence_date: date,
            effective_date: date,
        }
        .into(),
        IneligibilityWithdrawn { source, case_number }.into(),
        RepaymentDemanded { demand, component: Component::TrainingAid, amount }.into(),
        RepaymentReceived { demand, receipt_number: text("NTPN"), amount }.into(),
        DisbursementRunClosed { run: RunId([1; 16]), instructed: total, held: total, held_by }.into(),
        StatementReconciled {
            partner,
            file_digest,
            period_from: date,
            period_to: date,
            matched,
            missing,
            extra,
            other_amount,
            other_day,
        }
        .into(),
    ]
}

#[test]
fn every_field_of_every_event_is_shown_by_name() {
    let mut events: Vec<_> = story().records.into_iter().map(|record| record.event).collect();
    events.extend(others());
    let mut names: Vec<_> = events.iter().map(Event::name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 34, "one of each: {names:?}");

    for event in &events {
        // As the core names them; what carries one outcome, or one scheme, shows its fields.
        let Value::Object(variant) = serde_json::to_value(event).expect("serializable") else { panic!("{event:?}") };
        let mut expected = variant[event.name()].as_object().expect("fields").clone();
        for inner in ["outcome", "scheme"] {
            if let (1, Some(Value::Object(fields))) = (expected.len(), expected.get(inner)) {
                expected = fields.clone();
            }
        }
        let shown = serde_json::to_value(fields::of(event)).expect("serializable");
        let shown = shown.as_object().expect("fields");
        let names = |map: &serde_json::Map<_, _>| map.keys().cloned().collect::<Vec<String>>();
        assert_eq!(names(shown), names(&expected), "{}", event.name());
    }
}

#[test]
fn money_is_text_and_dates_are_iso_8601() {
    let shown = |event: &Event<'_>| serde_json::to_value(fields::of(event)).expect("serializable");
    let all = others();
    let reinstated = shown(&all[3]);
    assert_eq!(reinstated["first_purchase_deadline"], "2019-04-14");
    let exception = shown(&all[9]);
    assert_eq!(exception["outcome"]["amount"], "-5");
    assert_eq!(exception["outcome"]["instruction"], "00000000000000000009");
    assert_eq!(exception["outcome"]["reason"], Value::Null);
    assert_eq!(shown(&all[15])["held"], serde_json::json!({"count": 0, "amount": "0"}));
    let by_reason = serde_json::json!([{"reason": "no-account", "count": 0, "amount": "0"}]);
    assert_eq!(shown(&all[15])["held_by"], by_reason);
    assert_eq!(
        fields::of(&all[14]).to_string(),
        format!("demand {}, receipt number NTPN, amount Rp-5", DemandId([7; 16]))
    );
}
