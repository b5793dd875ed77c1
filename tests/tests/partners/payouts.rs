//! An instruction's life at the API: streams that resume and mark recalls, outcomes in any order, doubts and their end, accounts
//! at fault, funds.

use std::collections::{BTreeMap, BTreeSet};

use cohort_sim::rng::Stream;
use ledger_proto::Date;
use ledger_proto::v1;
use ledger_proto::v1::InstructionStatus as Status;
use ledger_proto::v1::OutcomeKind as Kind;
use ledger_proto::v1::event_input::Event;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{Programme, at, event, linked, outcome, person, ready, receipt, uuid};
use ledger_tests::server::{Server, from};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::PROGRAMS;

/// A server, people up to their first due incentive, and the run of 10 May.
async fn instructed(people: u64) -> (TempDir, Server, Programme) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let programme = Programme::begin(server.channel().await).await;
    programme.record((1..=people).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    (folder, server, programme)
}

fn revoked(number: u64) -> v1::EventInput {
    let ground = v1::RevocationGround::FalseData.into();
    event(number, at(5, 10), Event::MembershipRevoked(v1::MembershipRevoked { case_id: uuid(5, number), ground }))
}

async fn stream(channel: Channel, from_instruction: &str) -> tonic::Streaming<v1::StreamInstructionsResponse> {
    let ask = v1::StreamInstructionsRequest {
        from_instruction: from_instruction.to_owned(),
        partner: v1::Partner::Gopay.into(),
        follow: false,
    };
    PayoutServiceClient::new(channel)
        .stream_instructions(from("partner/gopay", ask))
        .await
        .expect("a stream")
        .into_inner()
}

async fn get(channel: Channel, instruction: &str) -> v1::GetInstructionResponse {
    let ask = v1::GetInstructionRequest { instruction: instruction.to_owned() };
    PayoutServiceClient::new(channel).get_instruction(from("partner/gopay", ask)).await.expect("one").into_inner()
}

async fn deadlines(channel: Channel, month: i32, day: i32) -> v1::RunDeadlinesResponse {
    let as_of = Some(Date { year: 2020, month, day });
    let request = v1::RunDeadlinesRequest { as_of, source_reference: "nightly".to_owned() };
    ProgrammeServiceClient::new(channel).run_deadlines(from("officer/cron", request)).await.expect("a job").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_after_a_kill_and_marks_what_was_recalled() {
    let (folder, server, programme) = instructed(1_200).await;
    let mut first = stream(server.channel().await, "").await;
    let before = first.message().await.expect("a message").expect("instructions");
    assert_eq!((before.instructions.len(), before.instructions.iter().any(|i| i.recalled)), (500, false));
    let (sent, unsent) = (&before.instructions[7], 1_100);
    let person_of = |i: &v1::Instruction| (1..=1_200).find(|n| person(*n) == i.participant_id).expect("one of them");
    programme.record(vec![revoked(person_of(sent)), revoked(unsent)]).await;
    server.kill();
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let mut rest = stream(server.channel().await, &before.next_instruction).await;
    let mut after = Vec::new();
    while let Some(message) = rest.message().await.expect("a message") {
        after.extend(message.instructions);
    }
    let all: Vec<_> = before.instructions.iter().chain(&after).map(|i| &i.instruction).collect();
    assert!(
        all.is_sorted() && all.iter().collect::<BTreeSet<_>>().len() == 1_200,
        "each once, in the order of the log"
    );
    let marked: Vec<_> = after.iter().filter(|i| i.recalled).map(|i| i.participant_id.clone()).collect();
    assert_eq!(marked, [person(unsent)], "what was recalled before it was sent comes marked");
    // What was sent before it was recalled does not come again: a look before paying tells.
    let told = get(server.channel().await, &sent.instruction).await;
    assert!(told.instruction.expect("one").recalled);
    let is_recall = |e: &v1::HistoryEvent| matches!(e.event, Some(v1::history_event::Event::InstructionRecalled(_)));
    assert_eq!(told.history.iter().map(is_recall).collect::<Vec<_>>(), [false, true]);
    let ask = v1::ListOutstandingInstructionsRequest {
        partner: v1::Partner::Gopay.into(),
        page_size: 500,
        ..Default::default()
    };
    let mut client = PayoutServiceClient::new(server.channel().await);
    let page = client.list_outstanding_instructions(from("partner/gopay", ask)).await.expect("a page").into_inner();
    let marked: Vec<_> = page.instructions.iter().filter(|i| i.recalled).map(|i| &i.instruction).collect();
    assert_eq!(marked, [&sent.instruction]);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_come_in_any_order_and_again_and_are_recorded_once() {
    let (_folder, server, programme) = instructed(60).await;
    let instructions = programme.instructions().await;
    let kinds = [Kind::Settled, Kind::Rejected, Kind::Accepted, Kind::InDoubt];
    let said: Vec<_> = instructions
        .iter()
        .zip(kinds.into_iter().cycle())
        .map(|(instruction, kind)| v1::OutcomeInput {
            raw_code: if kind == Kind::Rejected { "MS03" } else { "" }.to_owned(),
            code_system: if kind == Kind::Rejected { 1 } else { 0 },
            ..outcome(instruction, kind, 5, 12)
        })
        .collect();
    let mut dice = Stream::new(1, "any order", 0);
    let mut positions = BTreeMap::new();
    for round in 0..6 {
        let mut order: Vec<_> = (0..said.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, dice.below(last as u64 + 1) as usize);
        }
        // The first round leaves some out, which come later among repeats.
        order.truncate(if round == 0 { 20 } else { said.len() });
        for batch in order.chunks(7) {
            let results = programme.report(batch.iter().map(|index| said[*index].clone()).collect()).await;
            for (index, result) in batch.iter().zip(&results) {
                let known = positions.insert(*index, receipt(result).position);
                assert_eq!(receipt(result).repeated, known.is_some(), "{index} in round {round}");
                assert!(known.is_none_or(|known| known == receipt(result).position), "{index}: one record");
            }
        }
    }
    assert_eq!(positions.values().collect::<BTreeSet<_>>().len(), 60);
    let ends = [Status::Settled, Status::Rejected, Status::Accepted, Status::InDoubt];
    for (instruction, expected) in programme.instructions().await.iter().zip(ends.into_iter().cycle()) {
        assert_eq!(instruction.status(), expected);
        let told = get(server.channel().await, &instruction.instruction).await;
        assert_eq!(told.history.len(), 2, "instructed, and one outcome");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_instruction_is_in_doubt_until_an_inquiry_and_only_then_ordered_again() {
    let (_folder, server, programme) = instructed(3).await;
    let channel = server.channel().await;
    let first = programme.instructions().await;
    assert_eq!(deadlines(channel.clone(), 5, 17).await.in_doubt, 0, "the last day is not over");
    assert_eq!(deadlines(channel.clone(), 5, 18).await.in_doubt, 3);
    let entitlements = |all: &[v1::Instruction]| {
        let of = |i: &v1::Instruction| (i.participant_id.clone(), i.entitlement.unwrap_or_default().number, i.attempt);
        all.iter().map(of).collect::<BTreeSet<_>>()
    };
    programme.run(2, 6, 10).await;
    let second = programme.instructions().await;
    assert_eq!(
        entitlements(&second[3..]),
        (1..=3).map(|n| (person(n), 2, 1)).collect(),
        "what is in doubt is not ordered"
    );
    let rejected = outcome(&first[0], Kind::Rejected, 6, 11);
    let word = programme.report(vec![rejected.clone()]).await;
    assert_eq!(
        word[0].exception_cause(),
        v1::ExceptionCause::NotAllowedInState,
        "a partner's word does not end a doubt"
    );
    let inquiry = |o: v1::OutcomeInput| v1::OutcomeInput { evidence: v1::Evidence::Inquiry.into(), ..o };
    let found = programme.report(vec![inquiry(rejected), inquiry(outcome(&first[1], Kind::Settled, 5, 16))]).await;
    assert!(found.iter().all(|result| result.exception_cause == 0 && !receipt(result).repeated), "{found:?}");
    programme.run(3, 7, 10).await;
    let third = programme.instructions().await;
    let again = (1..=3).map(|n| (person(n), 3, 1)).chain([(first[0].participant_id.clone(), 1, 2)]).collect();
    assert_eq!(entitlements(&third[6..]), again, "only what the inquiry found unpaid is ordered again");
    let statuses: Vec<_> = third[..3].iter().map(v1::Instruction::status).collect();
    assert_eq!(statuses, [Status::Rejected, Status::Settled, Status::InDoubt]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_at_fault_is_held_until_another_is_linked() {
    let (_folder, _server, programme) = instructed(2).await;
    let first = programme.instructions().await;
    let fault = v1::OutcomeInput {
        raw_code: "AC04".to_owned(),
        code_system: v1::CodeSystem::Iso20022.into(),
        ..outcome(&first[0], Kind::Rejected, 5, 12)
    };
    let no_fault = v1::OutcomeInput {
        raw_code: "4031814".to_owned(),
        code_system: v1::CodeSystem::Snap.into(),
        ..outcome(&first[1], Kind::Rejected, 5, 12)
    };
    programme.report(vec![fault, no_fault]).await.iter().for_each(|result| _ = receipt(result));
    let held = programme.run(2, 6, 10).await;
    assert_eq!(held.instructed_count, 2, "both incentives of the other one");
    let number = if first[0].participant_id == person(1) { 1 } else { 2 };
    let Some(Event::PayoutAccountLinked(link)) = linked(number).event else { panic!("a link") };
    let other = v1::PayoutAccountLinked { link_id: uuid(2, 100), account_token: "another".to_owned(), ..link };
    let recorded = programme.record(vec![event(number, at(6, 12), Event::PayoutAccountLinked(other))]).await;
    assert!(!receipt(&recorded[0]).repeated);
    programme.run(3, 7, 10).await;
    let all = programme.instructions().await;
    let paid: BTreeSet<_> = all[4..]
        .iter()
        .filter(|i| i.participant_id == first[0].participant_id)
        .map(|i| (i.entitlement.unwrap_or_default().number, i.attempt, i.link_id.clone(), i.account_token.clone()))
        .collect();
    let to = |number, attempt| (number, attempt, uuid(2, 100), "another".to_owned());
    assert_eq!(paid, [to(1, 2), to(2, 1), to(3, 1)].into(), "all that was held goes to the other account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_where_the_funds_end_and_the_next_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record((1..=5).flat_map(ready).collect()).await;
    let funds = async |document: &str, amount_rupiah: i64| {
        let request = v1::AppropriateFundsRequest {
            occurred_at: Some(at(5, 2)),
            approved_by: "approver/siti".to_owned(),
            document_number: document.to_owned(),
            fiscal_year: 2020,
            amount_rupiah,
            ..Default::default()
        };
        let mut client = ProgrammeServiceClient::new(channel.clone());
        client.appropriate_funds(from("officer/budi", request)).await.expect("funds");
    };
    // Five courses of 400,000 and three incentives of 600,000, one rupiah short of a fourth.
    funds("DIPA-1 rev. 1", 2_000_000 + 4 * 600_000 - 1 - 10_000_000_000).await;
    let first = programme.run(1, 5, 10).await;
    assert_eq!((first.instructed_count, first.held_count), (3, 2));
    let held = v1::HeldTotal { reason: v1::HeldReason::Funds.into(), count: 2, total_rupiah: 1_200_000 };
    assert_eq!(first.held, [held]);
    funds("DIPA-1 rev. 2", 600_001).await;
    let second = programme.run(2, 5, 11).await;
    assert_eq!((second.instructed_count, second.held_count), (2, 0));
    let people: BTreeSet<_> = programme.instructions().await.into_iter().map(|i| i.participant_id).collect();
    assert_eq!(people, (1..=5).map(person).collect());
}
