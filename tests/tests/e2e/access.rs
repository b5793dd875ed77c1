//! Who may do what: every call has its entry in the table, and every role on every call, with every fact, is answered as the
//! table says.

use std::collections::BTreeSet;

use ledger_core::codes::Evidence;
use ledger_proto::v1::event_input::Event;
use ledger_proto::v1::{self, record_result};
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_server::access::Role;
use ledger_server::access::table::{CALLS, EVIDENCE, FACTS, FourEyes, Scope, Who, fact};
use ledger_server::reasons::{ITEM_NOT_ALLOWED, ROLE_NOT_ALLOWED};
use ledger_tests::dynamic::{call_raw, reason};
use ledger_tests::life::{Programme, bought, ready, receipt, uuid};
use ledger_tests::server::from;
use prost_reflect::DescriptorPool;
use tonic::Code;

use crate::api::{as_status, rejection, server};

/// Everything that the server serves, by its descriptors.
fn served() -> BTreeSet<String> {
    let sets = [
        ledger_proto::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let mut paths = BTreeSet::new();
    for set in sets {
        let pool = DescriptorPool::decode(set).expect("a descriptor set");
        for service in pool.services() {
            paths.extend(service.methods().map(|method| format!("/{}/{}", service.full_name(), method.name())));
        }
    }
    paths
}

#[test]
fn every_call_has_one_entry() {
    let entries: BTreeSet<_> = CALLS.iter().map(|entry| entry.path.to_owned()).collect();
    assert_eq!(entries.len(), CALLS.len(), "a call stands twice");
    assert_eq!(entries, served());
}

/// An actor of a role that has something of its own.
fn actor(role: Role) -> String {
    let name = match role {
        Role::Platform => "tokopedia",
        Role::Partner => "gopay",
        _ => "test",
    };
    format!("{}/{name}", role.name())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_on_every_call_is_answered_as_the_table_says() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let mut tried = 0;
    for entry in CALLS.iter().filter(|entry| entry.who != Who::Anyone) {
        for role in Role::ALL {
            let answered = call_raw(&channel, entry.path, Some(&actor(role)), vec![bytes::Bytes::new()]).await;
            let refused = answered.err().filter(|status| reason(status) == ROLE_NOT_ALLOWED.name);
            assert_eq!(refused.is_none(), entry.scope(role).is_some(), "{} by {}", entry.path, role.name());
            assert!(refused.is_none_or(|status| status.code() == Code::PermissionDenied), "{}", entry.path);
            tried += 1;
        }
    }
    assert_eq!(tried, 10 * (CALLS.len() - 4));
}

/// A fact of each kind, without content.
fn facts() -> Vec<Event> {
    vec![
        Event::Selected(v1::Selected::default()),
        Event::PayoutAccountLinked(v1::PayoutAccountLinked::default()),
        Event::PayoutAccountUnlinked(v1::PayoutAccountUnlinked::default()),
        Event::TrainingBought(v1::TrainingBought::default()),
        Event::PurchaseCancelled(v1::PurchaseCancelled::default()),
        Event::TrainingCompleted(v1::TrainingCompleted::default()),
        Event::CompletionWithdrawn(v1::CompletionWithdrawn::default()),
        Event::CertificateIssued(v1::CertificateIssued::default()),
        Event::TrainingReviewed(v1::TrainingReviewed::default()),
        Event::SurveyFilled(v1::SurveyFilled::default()),
        Event::MembershipRevoked(v1::MembershipRevoked::default()),
        Event::MembershipReinstated(v1::MembershipReinstated::default()),
        Event::IneligibilityFound(v1::IneligibilityFound::default()),
        Event::IneligibilityWithdrawn(v1::IneligibilityWithdrawn::default()),
        Event::RepaymentDemanded(v1::RepaymentDemanded::default()),
        Event::RepaymentReceived(v1::RepaymentReceived::default()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_with_every_fact_is_answered_as_the_table_says() {
    let (_folder, server) = server();
    let mut client = EventServiceClient::new(server.channel().await);
    let senders = CALLS.iter().find(|entry| entry.path.ends_with("/RecordEvents")).expect("an entry");
    let kinds = facts();
    let names: Vec<_> = kinds.iter().map(|event| fact(event).name).collect();
    assert_eq!(names, FACTS.iter().map(|fact| fact.name).collect::<Vec<_>>());
    for role in Role::ALL.into_iter().filter(|role| senders.scope(*role).is_some()) {
        let events = kinds.iter().map(|event| v1::EventInput { event: Some(event.clone()), ..Default::default() });
        let request = from(&actor(role), v1::RecordEventsRequest { events: events.collect() });
        let results = client.record_events(request).await.expect("an answer").into_inner().results;
        for (fact, result) in FACTS.iter().zip(&results) {
            let status = as_status(rejection(result));
            let may = fact.by.contains(&role) || (fact.four_eyes && role == Role::Approver);
            let expected = if may { "INVALID_FIELD" } else { ITEM_NOT_ALLOWED.name };
            assert_eq!(reason(&status), expected, "{} by {}", fact.name, role.name());
        }
    }
    for fact in FACTS {
        let may = fact.by.iter().all(|role| senders.scope(*role).is_some());
        assert!(may && !fact.by.is_empty(), "{} cannot be sent", fact.name);
        let approved = !fact.four_eyes || senders.scope(Role::Approver) == Some(Scope::Approval);
        assert!(approved && senders.four_eyes == FourEyes::SomeItems, "nobody can approve {}", fact.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_with_every_evidence_is_answered_as_the_table_says() {
    let (_folder, server) = server();
    let mut client = PayoutServiceClient::new(server.channel().await);
    let reporters = CALLS.iter().find(|entry| entry.path.ends_with("/ReportOutcomes")).expect("an entry");
    assert_eq!(EVIDENCE.iter().map(|(evidence, ..)| *evidence).collect::<Vec<_>>(), Evidence::ALL);
    for role in Role::ALL.into_iter().filter(|role| reporters.scope(*role).is_some()) {
        let outcomes = EVIDENCE.iter().map(|(evidence, ..)| v1::OutcomeInput {
            partner: v1::Partner::Gopay.into(),
            evidence: evidence.number().into(),
            ..Default::default()
        });
        let request = from(&actor(role), v1::ReportOutcomesRequest { outcomes: outcomes.collect() });
        let results = client.report_outcomes(request).await.expect("an answer").into_inner().results;
        for ((evidence, by, four_eyes), result) in EVIDENCE.iter().zip(&results) {
            let may = by.contains(&role) || (*four_eyes && role == Role::Approver);
            let expected = if may { "INVALID_FIELD" } else { ITEM_NOT_ALLOWED.name };
            assert_eq!(reason(&as_status(rejection(result))), expected, "{evidence} by {}", role.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_sends_facts_of_its_own_purchases_only() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let recorded = programme.record(ready(1)).await.iter().map(|result| receipt(result).clone()).collect::<Vec<_>>();
    let mut client = EventServiceClient::new(server.channel().await);
    let mut send = async |actor: &str, events: Vec<v1::EventInput>| {
        let request = from(actor, v1::RecordEventsRequest { events });
        let results = client.record_events(request).await.expect("an answer").into_inner().results;
        let told = |result: &v1::RecordResult| match &result.result {
            Some(record_result::Result::Rejection(status)) => reason(&as_status(status)),
            _ => format!("repeated {}", receipt(result).repeated),
        };
        results.iter().map(told).collect::<Vec<_>>()
    };
    let cancelled = v1::PurchaseCancelled {
        purchase_id: uuid(3, 1),
        reason: "changed their mind".to_owned(),
        refund_reference: "r-1".to_owned(),
    };
    let mut its_own = vec![bought(1), ready(1)[3].clone(), ready(1)[5].clone()];
    its_own.push(v1::EventInput { event: Some(Event::PurchaseCancelled(cancelled)), ..bought(1) });
    let others = send("platform/pijar", its_own.clone()).await;
    assert_eq!(others, ["OUT_OF_SCOPE"; 4], "also where the fact was recorded before");
    let nobody = send("platform/unheard-of", its_own.clone()).await;
    assert_eq!(nobody, ["OUT_OF_SCOPE"; 4], "a platform that the programme does not know has no purchases");
    let own = send("platform/tokopedia", its_own).await;
    assert_eq!(own, ["repeated true", "repeated true", "repeated true", "PURCHASE_COMPLETED"]);
    assert_eq!(send("platform/pijar", vec![ready(9)[3].clone()]).await, ["PARTICIPANT_UNKNOWN"]);
    assert_eq!(recorded.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_approves_only_what_was_proposed() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    Programme::begin(channel.clone()).await;
    let mut client = ledger_rpc::v1::programme_service_client::ProgrammeServiceClient::new(channel);
    let close = v1::CloseWaveRequest {
        occurred_at: Some(ledger_tests::life::at(5, 1)),
        wave: 1,
        approved_by: "approver/rina".to_owned(),
        ..Default::default()
    };
    let refused = client.close_wave(from("approver/siti", close)).await.expect_err("not proposed");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NOT_PROPOSED"));
}
