//! What is sent again is compared in full with the record of the same identity: the same is a receipt, anything else is
//! refused by the name of the field, and a settlement that only looks like an earlier one is recorded.

use ledger_core::state::mark;
use ledger_proto::v1::event_input::Event;
use ledger_proto::v1::{self, OutcomeKind};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_tests::life::{Programme, at, outcome, ready, receipt};
use ledger_tests::server::from;
use tonic_types::StatusExt;

use crate::api::{as_status, reason, rejection, server};

#[track_caller]
fn clashes(result: &v1::RecordResult, position: u64, field: &str) {
    let status = as_status(rejection(result));
    assert_eq!(reason(&status), "ALREADY_EXISTS", "{field}");
    let metadata = status.get_details_error_info().expect("ErrorInfo").metadata;
    assert_eq!((metadata["position"].as_str(), metadata["field"].as_str()), (position.to_string().as_str(), field));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_repeat_is_compared() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let life = ready(1);
    let first: Vec<_> = programme.record(life.clone()).await.iter().map(|result| receipt(result).clone()).collect();
    for (result, first) in programme.record(life.clone()).await.iter().zip(&first) {
        let again = receipt(result);
        assert!(again.repeated);
        assert_eq!((again.position, &again.leaf_hash), (first.position, &first.leaf_hash));
    }
    let mut changed = 0;
    for (event, first) in life.iter().zip(&first) {
        let mut others = vec![("occurred_at", v1::EventInput { occurred_at: Some(at(11, 30)), ..event.clone() })];
        let mut other = |field, change: &dyn Fn(&mut Event)| {
            let mut input = event.clone();
            change(input.event.as_mut().expect("an event"));
            others.push((field, input));
        };
        macro_rules! fields {
            ($kind:ident: $($name:literal $field:ident = $value:expr),+) => {{
                $(other($name, &|event| {
                    let Event::$kind(e) = event else { panic!("another event") };
                    e.$field = $value;
                });)+
            }};
        }
        match event.event.as_ref().expect("an event") {
            Event::Selected(_) => {
                fields!(Selected: "wave" wave = 2, "identity_digest" identity_digest = vec![7; 32].into(),
                "identity_key_id" identity_key_id = "key-2".to_owned(),
                "family_card_digest" family_card_digest = vec![7; 32].into(), "region" region = "11.01".to_owned())
            }
            Event::PayoutAccountLinked(_) => fields!(PayoutAccountLinked: "partner" partner = v1::Partner::Dana.into(),
                "account_token" account_token = "token".to_owned(),
                "holder_identity_digest" holder_identity_digest = vec![7; 32].into()),
            Event::TrainingBought(_) => fields!(TrainingBought: "course" course = "another".to_owned(),
                "platform" platform = v1::Platform::Pijar.into(), "provider" provider = "another".to_owned(),
                "price" price_rupiah = 399_999),
            Event::CertificateIssued(_) => {
                fields!(CertificateIssued: "certificate_number" certificate_number = "C".to_owned())
            }
            Event::TrainingReviewed(_) => fields!(TrainingReviewed: "rating" rating = 1),
            _ => {}
        }
        for (field, input) in others {
            clashes(&programme.record(vec![input]).await[0], first.position, field);
            changed += 1;
        }
    }
    assert_eq!(changed, life.len() + 14, "every row of the table was sent");
}

/// Two references more whose settlements the state takes for that of the first.
fn alike(first: &str) -> [String; 2] {
    let mut found = (0u32..).map(|n| format!("gp-other-{n}")).filter(|other| mark(other) == mark(first));
    [found.next().expect("one of 65,536"), found.next().expect("another")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_only_looks_like_the_first_is_recorded() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record(ready(1)).await;
    programme.run(1, 5, 10).await;
    let instruction = programme.instructions().await.remove(0);
    let a = outcome(&instruction, OutcomeKind::Settled, 5, 12);
    let [b, c] = alike(&a.transaction_reference)
        .map(|transaction_reference| v1::OutcomeInput { transaction_reference, ..a.clone() });

    // The second while the first is in flight; then all, in another order; then all once more.
    let both = programme.report(vec![a.clone(), b.clone()]).await;
    let (first, second) = (receipt(&both[0]).clone(), receipt(&both[1]).clone());
    assert_eq!((first.repeated, second.repeated, second.position), (false, false, first.position + 1));
    let all = programme.report(vec![c.clone(), b.clone(), a.clone()]).await;
    let third = receipt(&all[0]).clone();
    assert_eq!((third.repeated, third.position), (false, first.position + 2));
    for _ in 0..2 {
        let all = programme.report(vec![c.clone(), b.clone(), a.clone()]).await;
        for (result, recorded) in all.iter().zip([&third, &second, &first]) {
            assert_eq!(receipt(result), &v1::Receipt { repeated: true, ..recorded.clone() });
        }
    }

    // Under a reference that was recorded, other content is a clash with that very record.
    for (report, position) in [(&a, first.position), (&b, second.position), (&c, third.position)] {
        let other_day = v1::OutcomeInput { occurred_at: Some(at(5, 13)), ..report.clone() };
        let other_code = v1::OutcomeInput { raw_code: "00".to_owned(), ..report.clone() };
        let other_amount = v1::OutcomeInput { amount_rupiah: 1, ..report.clone() };
        let results = programme.report(vec![other_day, other_code, other_amount]).await;
        for (result, field) in results.iter().zip(["occurred_at", "raw_code", "amount"]) {
            clashes(result, position, field);
        }
    }

    // What people found out is no repeat either: the instruction is not in doubt.
    let mut client = DisbursementServiceClient::new(channel);
    let found = v1::ResolveInDoubtRequest {
        occurred_at: Some(at(5, 20)),
        approved_by: "approver/siti".to_owned(),
        instruction: instruction.instruction.clone(),
        kind: OutcomeKind::Settled.into(),
        transaction_reference: {
            let mut found = (0u32..).map(|n| format!("found-{n}"));
            found.find(|other| mark(other) == mark(&a.transaction_reference)).expect("one of 65,536")
        },
        evidence_reason: "the partner's ledger".to_owned(),
        ..Default::default()
    };
    let refused = client.resolve_in_doubt(from("officer/budi", found)).await.expect_err("not in doubt");
    assert_eq!(reason(&refused), "NOT_IN_DOUBT");
}
