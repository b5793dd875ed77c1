//! `ledger-server load`: a line for every call that records, and what its documentation shows.

use std::collections::BTreeSet;

use ledger_proto::v1::load_line::Request as Line;
use ledger_proto::{Date, v1};
use ledger_tests::contract;
use ledger_tests::life::{at, ready, selected, semi_bansos, sender, uuid};
use ledger_tests::server::{Server, root};
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::Value;

use crate::PROGRAMS;

fn load_line() -> MessageDescriptor {
    contract::pool().get_message_by_name("prakerja.ledger.v1.LoadLine").expect("LoadLine")
}

/// Names of the requests that a line can carry.
fn requests() -> BTreeSet<String> {
    let oneof = load_line().oneofs().find(|oneof| oneof.name() == "request").expect("a oneof");
    oneof.fields().map(|field| field.name().to_owned()).collect()
}

#[test]
fn every_call_that_records_has_a_line() {
    let oneof = load_line().oneofs().find(|oneof| oneof.name() == "request").expect("a oneof");
    let of_line: BTreeSet<_> =
        oneof.fields().filter_map(|field| Some(field.kind().as_message()?.full_name().to_owned())).collect();
    // What records can find the disk full, and nothing else can.
    let full = |reasons: &[String]| reasons.iter().any(|reason| reason == "DISK_FULL");
    let mut found = 0;
    for method in contract::methods().iter().filter(|m| full(&m.errors) || full(&m.item_errors)) {
        found += 1;
        // A statement is a file by itself, and `reconcile` sends it.
        if method.name == "PayoutService.ReconcileStatement" {
            continue;
        }
        let input = method.descriptor.input();
        // A line is a whole request, or one item of a batch.
        let items = input.fields().filter(|field| field.is_list());
        let items = items.filter_map(|field| match field.kind() {
            Kind::Message(item) => Some(item.full_name().to_owned()),
            _ => None,
        });
        let mut sent = items.chain([input.full_name().to_owned()]);
        assert!(sent.any(|name| of_line.contains(&name)), "{} has no line", method.name);
    }
    assert!(found >= 12, "{found} calls that record");
}

/// A line for each kind of request, in an order in which all of them are recorded. Positions follow from the order.
fn lines() -> Vec<v1::LoadLine> {
    let line = |actor: &str, request| v1::LoadLine {
        actor: actor.to_owned(),
        participant_id: String::new(),
        request: Some(request),
    };
    let officer = |request| line("officer/budi", request);
    let siti = || "approver/siti".to_owned();
    let facts = |events: Vec<v1::EventInput>| events.into_iter().map(|e| line(&sender(&e), Line::Event(e)));
    let outcome = v1::OutcomeInput {
        occurred_at: Some(at(5, 11)),
        partner: v1::Partner::Gopay.into(),
        instruction: "00000000000000000012".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        // Not what was instructed: kept aside, and the instruction is in doubt.
        amount_rupiah: 1,
        transaction_reference: "gp-1".to_owned(),
        ..Default::default()
    };
    let enact = v1::EnactSchemeRequest {
        occurred_at: Some(at(4, 1)),
        approved_by: siti(),
        scheme: Some(semi_bansos()),
        ..Default::default()
    };
    let open = v1::OpenWaveRequest {
        occurred_at: Some(at(4, 2)),
        wave: 1,
        scheme_id: "semi-bansos".to_owned(),
        year: 2020,
        quota: 10,
        ..Default::default()
    };
    let funds = v1::AppropriateFundsRequest {
        occurred_at: Some(at(4, 2)),
        approved_by: siti(),
        document_number: "DIPA-1".to_owned(),
        fiscal_year: 2020,
        amount_rupiah: 10_000_000,
        ..Default::default()
    };
    let (month, day) = (5, 10);
    let plan = v1::PlanRunRequest {
        occurred_at: Some(at(month, day)),
        run_id: uuid(9, 1),
        as_of: Some(Date { year: 2020, month, day }),
        ..Default::default()
    };
    // It names the digest that the plan was answered with.
    let approve = v1::ApproveRunRequest { occurred_at: Some(at(month, day)), run_id: uuid(9, 1), ..Default::default() };
    let exception = v1::ResolveExceptionRequest {
        occurred_at: Some(at(5, 12)),
        approved_by: siti(),
        partner: v1::Partner::Gopay.into(),
        transaction_reference: "gp-1".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        resolution: "the partner corrected itself".to_owned(),
        ..Default::default()
    };
    let doubt = v1::ResolveInDoubtRequest {
        occurred_at: Some(at(5, 13)),
        approved_by: siti(),
        instruction: "00000000000000000012".to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        transaction_reference: "statement line 7".to_owned(),
        evidence_reason: "seen on the partner's statement".to_owned(),
        ..Default::default()
    };
    let deadlines =
        v1::RunDeadlinesRequest { as_of: Some(Date { year: 2020, month: 6, day: 1 }), ..Default::default() };
    let period = v1::CloseBalancePeriodRequest {
        occurred_at: Some(at(12, 16)),
        approved_by: siti(),
        year: 2020,
        ..Default::default()
    };
    let wave =
        v1::CloseWaveRequest { occurred_at: Some(at(12, 31)), approved_by: siti(), wave: 1, ..Default::default() };
    let mut lines =
        vec![officer(Line::EnactScheme(enact)), officer(Line::OpenWave(open)), officer(Line::AppropriateFunds(funds))];
    lines.extend(facts(ready(1)));
    // Selected, and nothing bought: the deadline job revokes her.
    lines.extend(facts(vec![selected(2)]));
    lines.extend([
        officer(Line::PlanRun(plan)),
        line("approver/siti", Line::ApproveRun(approve)),
        line("partner/gopay", Line::Outcome(outcome)),
        officer(Line::ResolveException(exception)),
        officer(Line::ResolveInDoubt(doubt)),
        line("officer/cron", Line::RunDeadlines(deadlines)),
        officer(Line::CloseBalancePeriod(period)),
        officer(Line::CloseWave(wave)),
    ]);
    lines
}

#[test]
fn every_kind_of_line_is_recorded_and_then_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let documents: Vec<Value> = lines().iter().map(|line| serde_json::to_value(line).expect("protobuf JSON")).collect();
    let kinds: BTreeSet<_> = documents
        .iter()
        .flat_map(|document| document.as_object().expect("an object").keys().cloned().collect::<Vec<_>>())
        .filter(|key| key != "actor")
        .collect();
    let fields = load_line();
    let json = |name: &String| fields.get_field_by_name(name).expect("a field").json_name().to_owned();
    assert_eq!(kinds, requests().iter().map(json).collect(), "a line for each kind");
    let file = folder.path().join("lines.jsonl");
    std::fs::write(&file, documents.iter().map(|document| format!("{document}\n")).collect::<String>())
        .expect("written");
    let count = documents.len() as u64;
    let first = PROGRAMS.load(&file, &server);
    assert_eq!((first["read"].as_u64(), first["recorded"].as_u64()), (Some(count), Some(count)), "{first}");
    let second = PROGRAMS.load(&file, &server);
    assert_eq!((second["repeated"].as_u64(), second["rejected"].as_u64()), (Some(count), Some(0)), "{second}");
}

#[test]
fn the_documented_lines_are_lines() {
    let operations = std::fs::read_to_string(root().join("docs/operations.md")).expect("docs/operations.md");
    let section = operations.split("\n## ").find(|section| section.starts_with("Load a file\n")).expect("a section");
    let block = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("lines");
    for line in block.lines() {
        let parsed: v1::LoadLine = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(parsed.request.is_some(), "{line}");
    }
    for name in requests() {
        let json = load_line().get_field_by_name(&name).expect("a field").json_name().to_owned();
        assert!(section.contains(&format!("`{json}`")), "{json} is not documented");
    }
}
