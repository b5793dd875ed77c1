//! The calls that the demo needs, as each user makes them: what they answer, what they refuse and how they say so.

use ledger_log::{Frontier, leaf_hash};
use ledger_proto::v1::{self, record_result::Result as R};
use ledger_proto::{Date, Timestamp, google};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{Programme, at, bought, linked, outcome, person, ready, receipt, selected, uuid};
use ledger_tests::server::{Server, from};
use tempfile::TempDir;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::PROGRAMS;

pub(crate) fn server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    (folder, server)
}

pub(crate) fn rejection(result: &v1::RecordResult) -> &google::rpc::Status {
    match &result.result {
        Some(R::Rejection(status)) => status,
        other => panic!("no rejection: {other:?}"),
    }
}

pub(crate) fn as_status(status: &google::rpc::Status) -> Status {
    let bytes = prost::Message::encode_to_vec(status);
    Status::with_details(Code::from_i32(status.code), status.message.clone(), bytes.into())
}

pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().expect("ErrorInfo");
    assert_eq!(info.domain, "ledger.prakerja");
    info.reason
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_does_not_stop_the_others() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let mut misshapen = bought(1);
    misshapen.participant_id = "not-an-id".to_owned();
    let too_dear = {
        let mut event = bought(1);
        if let Some(v1::event_input::Event::TrainingBought(e)) = &mut event.event {
            e.purchase_id = uuid(3, 99);
            e.price_rupiah = 1_000_001;
        }
        event
    };
    let results = programme.record(vec![selected(1), misshapen, too_dear, bought(1), selected(1)]).await;
    assert_eq!(receipt(&results[0]).position, 3);
    let shape = as_status(rejection(&results[1]));
    assert_eq!((shape.code(), reason(&shape).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
    let fields = shape.get_details_bad_request().expect("BadRequest").field_violations;
    assert_eq!(fields[0].field, "participant_id");
    let dear = as_status(rejection(&results[2]));
    assert_eq!((dear.code(), reason(&dear).as_str()), (Code::FailedPrecondition, "PRICE_OUT_OF_RANGE"));
    assert!(dear.message().contains("1000000"), "{}", dear.message());
    assert_eq!(receipt(&results[3]).position, 4);
    let again = receipt(&results[4]);
    assert!(again.repeated);
    assert_eq!((again.position, &again.leaf_hash), (3, &receipt(&results[0]).leaf_hash));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_identity_with_other_content_names_the_field() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    programme.record(vec![selected(1), selected(2), linked(1), bought(1)]).await;
    let mut other_price = bought(1);
    if let Some(v1::event_input::Event::TrainingBought(e)) = &mut other_price.event {
        e.price_rupiah = 1;
    }
    let mut other_day = bought(1);
    other_day.occurred_at = Some(at(4, 21));
    let mut other_person = bought(1);
    other_person.participant_id = person(2);
    let rows = [(other_price, "price"), (other_day, "occurred_at"), (other_person, "participant_id")];
    for (event, field) in rows {
        let results = programme.record(vec![event]).await;
        let status = as_status(rejection(&results[0]));
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "ALREADY_EXISTS"));
        let metadata = status.get_details_error_info().expect("ErrorInfo").metadata;
        assert_eq!(metadata.get("field").map(String::as_str), Some(field));
        assert_eq!(metadata.get("position").map(String::as_str), Some("6"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_say_who_they_are() {
    let (_folder, server) = server();
    let mut client = AuditServiceClient::new(server.channel().await);
    let nobody = client.get_head(Request::new(v1::GetHeadRequest::default())).await.expect_err("nobody");
    assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::Unauthenticated, "ACTOR_MISSING"));
    for actor in ["budi", "king/budi", "officer/"] {
        let refused = client.get_head(from(actor, v1::GetHeadRequest::default())).await.expect_err(actor);
        assert_eq!(refused.code(), Code::Unauthenticated, "{actor}");
    }
    client.get_head(from("auditor/bpk", v1::GetHeadRequest::default())).await.expect("a head");
}

#[tokio::test(flavor = "multi_thread")]
async fn four_eyes_are_two_people() {
    let (_folder, server) = server();
    let mut client = ProgrammeServiceClient::new(server.channel().await);
    let enact = |approved_by: &str| v1::EnactSchemeRequest {
        occurred_at: Some(at(4, 1)),
        approved_by: approved_by.to_owned(),
        scheme: Some(ledger_tests::life::semi_bansos()),
        ..Default::default()
    };
    let alone = client.enact_scheme(from("officer/budi", enact(""))).await.expect_err("alone");
    assert_eq!(reason(&alone), "APPROVER_MISSING");
    let same = client.enact_scheme(from("officer/budi", enact("officer/budi"))).await.expect_err("the same");
    assert_eq!((same.code(), reason(&same).as_str()), (Code::PermissionDenied, "SAME_PERSON"));
    client.enact_scheme(from("officer/budi", enact("approver/siti"))).await.expect("two people");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_pays_once_and_a_partner_reports_without_fear() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    programme.record((1..=3).flat_map(ready).collect()).await;
    let closed = programme.run(1, 5, 10).await;
    assert_eq!((closed.instructed_count, closed.instructed_total_rupiah), (3, 1_800_000));
    let instructions = programme.instructions().await;
    assert_eq!(instructions.len(), 3);
    assert_eq!(instructions[0].instruction.len(), 20);
    assert!(instructions[0].account_token.starts_with("token-"));

    let settled: Vec<_> = instructions.iter().map(|i| outcome(i, v1::OutcomeKind::Settled, 5, 12)).collect();
    let mut unknown = settled[0].clone();
    unknown.instruction = "00000000000000009999".to_owned();
    let mut other_amount = outcome(&instructions[0], v1::OutcomeKind::Returned, 5, 13);
    other_amount.amount_rupiah = 1;
    let first = programme.report([settled.clone(), vec![unknown, other_amount]].concat()).await;
    assert!(first[..3].iter().all(|result| !receipt(result).repeated && result.exception_cause == 0));
    assert_eq!(first[3].exception_cause(), v1::ExceptionCause::UnknownInstruction);
    assert_eq!(first[4].exception_cause(), v1::ExceptionCause::OtherAmount);
    let again = programme.report(settled).await;
    assert!(again.iter().all(|result| receipt(result).repeated));

    let second = programme.run(2, 5, 11).await;
    assert_eq!((second.instructed_count, second.held_count), (0, 0), "what is settled is not planned again");
    let repeated = programme.run(1, 5, 10).await;
    assert!(repeated.approved.expect("a receipt").repeated);
    assert_eq!(programme.instructions().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_approvals_are_checked() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record(ready(1)).await;
    let mut client = DisbursementServiceClient::new(channel);
    let plan = |run, day| v1::PlanRunRequest {
        occurred_at: Some(at(5, 20)),
        run_id: uuid(9, run),
        as_of: Some(Date { year: 2020, month: 5, day }),
        ..Default::default()
    };
    let planned = client.plan_run(from("officer/budi", plan(1, 20))).await.expect("a plan").into_inner();
    let approve = |run, items_sha256| v1::ApproveRunRequest {
        occurred_at: Some(at(5, 20)),
        run_id: uuid(9, run),
        items_sha256,
        ..Default::default()
    };
    let digest = planned.plan.expect("a plan").items_sha256;
    let rows = [
        ("officer/budi", approve(1, digest.clone()), "ROLE_NOT_ALLOWED"),
        ("approver/siti", approve(1, vec![7; 32].into()), "PLAN_DIGEST_MISMATCH"),
        ("approver/siti", approve(2, digest.clone()), "RUN_UNKNOWN"),
        ("approver/siti", approve(1, vec![7; 3].into()), "INVALID_FIELD"),
    ];
    for (actor, request, expected) in rows {
        let refused = client.approve_run(from(actor, request)).await.expect_err(expected);
        assert_eq!(reason(&refused), expected);
    }
    client.approve_run(from("approver/siti", approve(1, digest))).await.expect("an approval");
    let back = client.plan_run(from("officer/budi", plan(3, 19))).await.expect_err("back in time");
    assert_eq!(reason(&back), "AS_OF_BEFORE_LAST_RUN");
    let clash = client.plan_run(from("officer/budi", plan(1, 19))).await.expect_err("another as_of");
    assert_eq!(reason(&clash), "ALREADY_EXISTS");
    assert_eq!(clash.get_details_error_info().expect("ErrorInfo").metadata["field"], "as_of");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_stream_goes_on_and_ends_with_a_reason() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    let mut client = PayoutServiceClient::new(channel);
    let ask = v1::StreamInstructionsRequest { partner: v1::Partner::Gopay.into(), follow: true, ..Default::default() };
    let mut stream = client.stream_instructions(from("partner/gopay", ask)).await.expect("a stream").into_inner();
    programme.record(ready(1)).await;
    programme.run(1, 5, 10).await;
    let first = stream.message().await.expect("a message").expect("an instruction");
    assert_eq!(first.instructions.len(), 1);
    programme.record(ready(2)).await;
    programme.run(2, 5, 11).await;
    let second = stream.message().await.expect("a message").expect("an instruction");
    assert_eq!(second.instructions[0].participant_id, person(2));

    let resumed = v1::StreamInstructionsRequest {
        partner: v1::Partner::Gopay.into(),
        from_instruction: first.next_instruction,
        follow: false,
    };
    let mut resumed = client.stream_instructions(from("partner/gopay", resumed)).await.expect("a stream").into_inner();
    let rest = resumed.message().await.expect("a message").expect("an instruction");
    assert_eq!(rest.instructions.iter().map(|i| &i.participant_id).collect::<Vec<_>>(), [&person(2)]);

    let ending = tokio::task::spawn_blocking(move || server.terminate());
    let end = stream.message().await.expect_err("the end");
    assert_eq!((end.code(), reason(&end).as_str()), (Code::Unavailable, "STOPPING"));
    assert_eq!(ending.await.expect("an end").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_records_adds_up_to_the_head() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    let results = programme.record((1..=200).flat_map(ready).collect()).await;
    let mut client = AuditServiceClient::new(channel);
    let head = client.get_head(from("auditor/bpk", v1::GetHeadRequest::default())).await.expect("a head").into_inner();
    let ask = v1::StreamRecordsRequest { from_position: 0, follow: false };
    let mut stream = client.stream_records(from("auditor/bpk", ask)).await.expect("a stream").into_inner();
    let (mut tree, mut hashes) = (Frontier::default(), Vec::new());
    while let Some(message) = stream.message().await.expect("a message") {
        assert_eq!(message.first_position, tree.size());
        for bytes in message.records {
            hashes.push(leaf_hash(&bytes));
            tree.append(leaf_hash(&bytes));
        }
    }
    assert_eq!((head.size, head.root_hash.as_ref()), (tree.size(), tree.root().as_slice()));
    for result in &results {
        let receipt = receipt(result);
        assert_eq!(receipt.leaf_hash.as_ref(), hashes[usize::try_from(receipt.position).expect("small")].as_slice());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_as_of_a_date_and_as_known_at_a_point() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    programme.record(ready(1)).await;
    programme.run(1, 5, 10).await;
    let instructions = programme.instructions().await;
    programme.report(vec![outcome(&instructions[0], v1::OutcomeKind::Settled, 5, 12)]).await;
    let mut client = ParticipantServiceClient::new(channel);
    let mut ask = async |as_of: Option<(i32, i32)>, known_at: Option<u64>| {
        let request = v1::GetParticipantRequest {
            participant_id: person(1),
            as_of: as_of.map(|(month, day)| Date { year: 2020, month, day }),
            known_at: known_at.map(|p| v1::KnownAt { point: Some(v1::known_at::Point::Position(p)) }),
            include_history: true,
        };
        client.get_participant(from("officer/budi", request)).await.map(|r| r.into_inner().participant.expect("one"))
    };
    let now = ask(None, None).await.expect("a participant");
    assert_eq!(now.accounts["received"], 600_000);
    assert_eq!(now.purchases[0].course, "Dasar-Dasar Akuntansi");
    assert_eq!(now.entitlements[0].status(), v1::EntitlementStatus::Settled);
    assert_eq!(now.history.len(), 8);
    let before_payment = ask(Some((5, 11)), None).await.expect("a participant");
    assert_eq!(before_payment.accounts["in-transit:gopay"], 600_000);
    assert_eq!(before_payment.accounts.get("received"), None);
    let before_purchase = ask(Some((4, 15)), None).await.expect("a participant");
    assert_eq!(before_purchase.accounts["training-balance"], 1_000_000);
    let known_early = ask(None, Some(now.history[2])).await.expect("a participant");
    assert_eq!(known_early.accounts["platform-unearned:tokopedia"], 400_000);
    assert_eq!(known_early.history, now.history[..3]);
    let unknown_then = ask(Some((4, 1)), None).await.expect_err("not selected yet");
    assert_eq!((unknown_then.code(), reason(&unknown_then).as_str()), (Code::NotFound, "PARTICIPANT_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_beyond_the_clock_and_batches_beyond_the_bound_are_refused() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let mut ahead = selected(1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs();
    ahead.occurred_at = Some(Timestamp { seconds: i64::try_from(now).expect("small") + 600, nanos: 0 });
    let results = programme.record(vec![ahead]).await;
    assert_eq!(reason(&as_status(rejection(&results[0]))), "OCCURRED_IN_FUTURE");
    let mut client = EventServiceClient::new(server.channel().await);
    for events in [Vec::new(), vec![v1::EventInput::default(); 8_191]] {
        let refused = client.record_events(from("selection/test", v1::RecordEventsRequest { events })).await;
        let refused = refused.expect_err("a bound");
        assert_eq!(refused.get_details_bad_request().expect("BadRequest").field_violations[0].field, "events");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_both_reflections_answer() {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    use tonic_reflection::pb::{v1 as r1, v1alpha as r1alpha};
    let (_folder, server) = server();
    let channel = server.channel().await;
    let mut health = HealthClient::new(channel.clone());
    for service in ["", "prakerja.ledger.v1.EventService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(Request::new(request)).await.expect("health").into_inner();
        assert_eq!(answer.status, 1, "{service}");
    }
    macro_rules! services {
        ($module:ident) => {{
            let mut client = $module::server_reflection_client::ServerReflectionClient::new(channel.clone());
            let list = $module::server_reflection_request::MessageRequest::ListServices(String::new());
            let request = $module::ServerReflectionRequest { host: String::new(), message_request: Some(list) };
            let answers = client.server_reflection_info(tokio_stream::once(request)).await.expect("an answer");
            let answer = answers.into_inner().message().await.expect("a message").expect("one");
            format!("{answer:?}")
        }};
    }
    for listed in [services!(r1), services!(r1alpha)] {
        for service in ["EventService", "ProgrammeService", "PayoutService", "ParticipantService", "AuditService"] {
            assert!(listed.contains(service), "{service} is missing");
        }
    }
}

#[test]
fn exit_codes_say_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&PROGRAMS, &data);
    let (status, stderr) = Server::try_start(&PROGRAMS, &data, &[]).err().expect("locked");
    assert_eq!(status.code(), Some(4), "{stderr}");
    assert!(stderr.contains(&server.id().to_string()), "says who holds it: {stderr}");
    assert_eq!(server.terminate().code(), Some(0));
    let (status, stderr) = Server::try_start(&PROGRAMS, &data, &["--no-such-flag"]).err().expect("a usage error");
    assert_eq!(status.code(), Some(2), "{stderr}");
    let output = std::process::Command::new(PROGRAMS.server)
        .args(["serve", "--insecure", "--listen", "0.0.0.0:0", "--data"])
        .arg(&data)
        .output()
        .expect("the server's program");
    assert_eq!(output.status.code(), Some(2));

    let head = data.join("head");
    let mut bytes = std::fs::read(&head).expect("a head");
    let last = bytes.len() - 1;
    for at in [20, last.min(4_096 + 20)] {
        bytes[at] ^= 1;
    }
    std::fs::write(&head, bytes).expect("a head");
    let (status, stderr) = Server::try_start(&PROGRAMS, &data, &[]).err().expect("damaged");
    assert_eq!(status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("first bad position: "), "{stderr}");
}
