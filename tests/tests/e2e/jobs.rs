//! Jobs and runs as staff see them: deadlines, doubts, exceptions, and what is outstanding.

use ledger_proto::{Date, v1};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{Programme, at, event, outcome, person, ready, receipt, selected, uuid};
use ledger_tests::server::{Server, from};
use tonic::Code;
use tonic::transport::Channel;

use crate::PROGRAMS;
use crate::api::{reason, server};

async fn deadlines(channel: &Channel, month: i32, day: i32) -> v1::RunDeadlinesResponse {
    let mut client = ProgrammeServiceClient::new(channel.clone());
    let as_of = Some(Date { year: 2020, month, day });
    let request = v1::RunDeadlinesRequest { as_of, source_reference: "nightly".to_owned() };
    client.run_deadlines(from("officer/cron", request)).await.expect("a job").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_records_what_passed_once() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record([ready(1), (2..=200).map(selected).collect()].concat()).await;
    programme.run(1, 5, 10).await;
    let early = deadlines(&channel, 5, 10).await;
    assert_eq!((early.revoked.len(), early.in_doubt, early.participants), (0, 0, 200), "the last day is not over");
    let (a, b) = tokio::join!(deadlines(&channel, 5, 18), deadlines(&channel, 5, 18));
    let ground = v1::RevocationGround::NoFirstPurchase;
    let revoked = |job: &v1::RunDeadlinesResponse| {
        assert!(job.revoked.iter().all(|r| r.ground() == ground));
        job.revoked.iter().map(|r| r.count).sum::<u64>()
    };
    assert_eq!((revoked(&a) + revoked(&b), a.in_doubt + b.in_doubt), (199, 1), "two at once record once");
    let again = deadlines(&channel, 5, 18).await;
    assert_eq!((revoked(&again), again.in_doubt, again.recalled), (0, 0, 0));
    let late = deadlines(&channel, 12, 1).await;
    assert_eq!((revoked(&late), late.in_doubt), (0, 0));

    let mut client = ProgrammeServiceClient::new(channel);
    let ahead = v1::RunDeadlinesRequest { as_of: Some(Date { year: 2100, month: 1, day: 1 }), ..Default::default() };
    let refused = client.run_deadlines(from("officer/cron", ahead)).await.expect_err("ahead");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "AS_OF_IN_FUTURE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_as_they_go() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record([ready(1), ready(2)].concat()).await;
    programme.run(1, 5, 10).await;
    let mut client = DisbursementServiceClient::new(channel);
    let plan = v1::PlanRunRequest {
        occurred_at: Some(at(6, 10)),
        run_id: uuid(9, 2),
        as_of: Some(Date { year: 2020, month: 6, day: 10 }),
        ..Default::default()
    };
    let planned = client.plan_run(from("officer/budi", plan.clone())).await.expect("a plan").into_inner();
    let repeated = client.plan_run(from("officer/budi", plan)).await.expect("the same").into_inner();
    assert!(repeated.receipt.as_ref().is_some_and(|receipt| receipt.repeated));
    assert_eq!(repeated.plan, planned.plan);
    let (plan, receipt) = (planned.plan.expect("a plan"), planned.receipt.expect("a receipt"));
    assert!(plan.known_at <= receipt.position);

    let get = async |run: u64| {
        let mut client = client.clone();
        let request = from("auditor/bpk", v1::GetRunRequest { run_id: uuid(9, run) });
        client.get_run(request).await.map(|r| r.into_inner().run.expect("a run"))
    };
    let first = get(1).await.expect("a run");
    assert_eq!((first.state(), first.instructed_count, first.held_count), (v1::RunState::Closed, 2, 0));
    assert_eq!(
        (first.planned_by.as_str(), first.approved_by.as_str()),
        ("insecure:officer/budi", "insecure:approver/siti")
    );
    assert!(first.closed_position > first.approved_position);
    let second = get(2).await.expect("a run");
    assert_eq!((second.state(), second.plan.expect("a plan")), (v1::RunState::Planned, plan));
    assert_eq!((second.approved_position, second.approved_at), (None, None));
    assert_eq!(reason(&get(3).await.expect_err("no run 3")), "RUN_UNKNOWN");

    let mut list = async |state: v1::RunState, page_token: String| {
        let request = v1::ListRunsRequest { state: state.into(), page_size: 1, page_token };
        client.list_runs(from("auditor/bpk", request)).await.expect("a page").into_inner()
    };
    let page = list(v1::RunState::Unspecified, String::new()).await;
    assert_eq!(page.runs[0].state(), v1::RunState::Closed);
    let page = list(v1::RunState::Unspecified, page.next_page_token).await;
    assert_eq!((page.runs[0].state(), page.next_page_token.as_str()), (v1::RunState::Planned, ""));
    assert_eq!(list(v1::RunState::Approved, String::new()).await.runs.len(), 0);
    assert_eq!(list(v1::RunState::Planned, String::new()).await.runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_held_and_why_is_told_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, folder.path());
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record((1..=4).flat_map(ready).collect()).await;
    let mut client = DisbursementServiceClient::new(channel);
    let plan = v1::PlanRunRequest {
        occurred_at: Some(at(5, 10)),
        run_id: uuid(9, 1),
        as_of: Some(Date { year: 2020, month: 5, day: 10 }),
        ..Default::default()
    };
    let planned = client.plan_run(from("officer/budi", plan)).await.expect("a plan").into_inner();
    let unlink = |number| {
        let unlinked = v1::PayoutAccountUnlinked { link_id: uuid(2, number) };
        event(number, at(5, 10), v1::event_input::Event::PayoutAccountUnlinked(unlinked))
    };
    let ground = v1::RevocationGround::FalseData.into();
    let revoked = v1::MembershipRevoked { case_id: uuid(5, 3), ground };
    let revoke = event(3, at(5, 10), v1::event_input::Event::MembershipRevoked(revoked));
    let recorded = programme.record(vec![unlink(1), unlink(2), revoke]).await;
    assert!(recorded.iter().all(|result| !receipt(result).repeated));
    let approve = v1::ApproveRunRequest {
        occurred_at: Some(at(5, 10)),
        run_id: uuid(9, 1),
        items_sha256: planned.plan.expect("a plan").items_sha256,
        ..Default::default()
    };
    let closed = client.approve_run(from("approver/siti", approve.clone())).await.expect("closed").into_inner();
    let total = |reason: v1::HeldReason, count: u64| v1::HeldTotal {
        reason: reason.into(),
        count,
        total_rupiah: i64::try_from(count).expect("small") * 600_000,
    };
    let held = vec![total(v1::HeldReason::MembershipRevoked, 1), total(v1::HeldReason::NoAccount, 2)];
    assert_eq!((closed.instructed_count, closed.held_count, &closed.held), (1, 3, &held));
    assert_eq!(server.terminate().code(), Some(0));

    let server = Server::start(&PROGRAMS, folder.path());
    let mut client = DisbursementServiceClient::new(server.channel().await);
    let again = client.approve_run(from("approver/siti", approve)).await.expect("a repeat").into_inner();
    assert_eq!((again.held_count, &again.held), (3, &held));
    let ask = v1::GetRunRequest { run_id: uuid(9, 1) };
    let told = client.get_run(from("auditor/bpk", ask)).await.expect("a run").into_inner().run.expect("a run");
    assert_eq!((told.held_count, &told.held), (3, &held));
    let listed =
        client.list_runs(from("auditor/bpk", v1::ListRunsRequest::default())).await.expect("runs").into_inner();
    assert_eq!(listed.runs, [told]);
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(PROGRAMS.replayed(&["verify"], folder.path())["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_ended_by_two_people() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record((1..=2).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    programme.report(vec![outcome(&instructions[1], v1::OutcomeKind::Accepted, 5, 11)]).await;
    let mut client = DisbursementServiceClient::new(channel.clone());
    let finding = |instruction: &str, approved_by: &str| v1::ResolveInDoubtRequest {
        occurred_at: Some(at(5, 20)),
        approved_by: approved_by.to_owned(),
        instruction: instruction.to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        transaction_reference: "statement line 7".to_owned(),
        evidence_reason: "seen on the partner's statement".to_owned(),
        ..Default::default()
    };
    let id = &instructions[0].instruction;
    let early =
        client.resolve_in_doubt(from("officer/budi", finding(id, "approver/siti"))).await.expect_err("no doubt");
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "NOT_IN_DOUBT"));
    assert_eq!(deadlines(&channel, 5, 18).await.in_doubt, 2);
    let rows = [
        (finding(id, ""), "APPROVER_MISSING"),
        (finding(id, "officer/budi"), "SAME_PERSON"),
        (finding("00000000000000000001", "approver/siti"), "INSTRUCTION_UNKNOWN"),
    ];
    for (request, expected) in rows {
        let refused = client.resolve_in_doubt(from("officer/budi", request)).await.expect_err(expected);
        assert_eq!(reason(&refused), expected);
    }
    let mut resolve = async |request| client.resolve_in_doubt(from("officer/budi", request)).await;
    let first = resolve(finding(id, "approver/siti")).await.expect("resolved").into_inner().receipt.expect("a receipt");
    let again = resolve(finding(id, "approver/siti")).await.expect("a repeat").into_inner().receipt.expect("a receipt");
    assert!(!first.repeated && again.repeated);
    assert_eq!((first.position, &first.leaf_hash), (again.position, &again.leaf_hash));
    let other = v1::ResolveInDoubtRequest { evidence_reason: "else".to_owned(), ..finding(id, "approver/siti") };
    assert_eq!(reason(&resolve(other).await.expect_err("other content")), "ALREADY_EXISTS");

    let mut partner = PayoutServiceClient::new(channel);
    let ask = v1::GetInstructionRequest { instruction: id.clone() };
    let told = partner.get_instruction(from("partner/gopay", ask)).await.expect("one").into_inner();
    assert_eq!(told.instruction.expect("one").status(), v1::InstructionStatus::Settled);
    assert_eq!(told.history.len(), 3, "instructed, in doubt, settled");
    assert!(told.history.is_sorted_by_key(|event| event.position));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_is_cleared_up_by_two_people() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record(ready(1)).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    let mut wrong = outcome(&instructions[0], v1::OutcomeKind::Settled, 5, 12);
    wrong.amount_rupiah = 1;
    let results = programme.report(vec![wrong.clone()]).await;
    assert_eq!(results[0].exception_cause(), v1::ExceptionCause::OtherAmount);
    let resolve = |reference: &str, approved_by: &str| v1::ResolveExceptionRequest {
        occurred_at: Some(at(5, 20)),
        approved_by: approved_by.to_owned(),
        partner: v1::Partner::Gopay.into(),
        transaction_reference: reference.to_owned(),
        kind: v1::OutcomeKind::Settled.into(),
        resolution: "the partner sent a corrected report".to_owned(),
        ..Default::default()
    };
    let reference = &wrong.transaction_reference;
    let mut client = DisbursementServiceClient::new(channel);
    let rows = [
        (resolve("no such", "approver/siti"), "EXCEPTION_UNKNOWN"),
        (resolve(reference, ""), "APPROVER_MISSING"),
        (resolve(reference, "officer/budi"), "SAME_PERSON"),
    ];
    for (request, expected) in rows {
        let refused = client.resolve_exception(from("officer/budi", request)).await.expect_err(expected);
        assert_eq!(reason(&refused), expected);
    }
    for repeated in [false, true] {
        let request = from("officer/budi", resolve(reference, "approver/siti"));
        let answer = client.resolve_exception(request).await.expect("resolved").into_inner();
        assert_eq!(answer.receipt.expect("a receipt").repeated, repeated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outstanding_instructions_and_everything_about_one() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record((1..=5).flat_map(ready).collect()).await;
    programme.run(1, 5, 10).await;
    let all = programme.instructions().await;
    let reports =
        vec![outcome(&all[0], v1::OutcomeKind::Settled, 5, 12), outcome(&all[1], v1::OutcomeKind::Accepted, 5, 12)];
    assert!(programme.report(reports).await.iter().all(|result| !receipt(result).repeated));
    let mut client = PayoutServiceClient::new(channel);
    let mut list = async |partner: v1::Partner, status: v1::InstructionStatus| {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListOutstandingInstructionsRequest {
                partner: partner.into(),
                status: status.into(),
                page_size: 2,
                page_token,
            };
            let page = client.list_outstanding_instructions(from("auditor/bpk", request)).await.expect("a page");
            let page = page.into_inner();
            found.extend(page.instructions.into_iter().map(|i| i.participant_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return found;
            }
        }
    };
    use v1::InstructionStatus as S;
    let gopay = v1::Partner::Gopay;
    assert_eq!(list(gopay, S::Unspecified).await, [person(2), person(3), person(4), person(5)]);
    assert_eq!(list(gopay, S::Accepted).await, [person(2)]);
    assert_eq!(list(gopay, S::InDoubt).await, Vec::<String>::new());
    assert_eq!(list(v1::Partner::Ovo, S::Unspecified).await, Vec::<String>::new());

    let ask = |instruction: &str| v1::GetInstructionRequest { instruction: instruction.to_owned() };
    let one = client.get_instruction(from("partner/gopay", ask(&all[0].instruction))).await.expect("one").into_inner();
    assert_eq!(one.instruction.expect("one").account_token, "token-1");
    use v1::history_event::Event as Told;
    assert!(matches!(one.history[0].event, Some(Told::PayoutInstructed(_))));
    assert!(matches!(one.history[1].event, Some(Told::PayoutSettled(_))));
    let unknown = client.get_instruction(from("partner/gopay", ask("00000000000000000001"))).await.expect_err("none");
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "INSTRUCTION_UNKNOWN"));
}
