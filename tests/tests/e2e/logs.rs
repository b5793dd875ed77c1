//! What the server's log says, and what it must never say.

use ledger_proto::v1::event_input::Event;
use ledger_proto::v1::{self};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_tests::life::{Programme, at, bought, linked, person, selected};
use ledger_tests::server::{Server, from};
use rustix::process::Signal;
use serde_json::Value;
use tonic::Request;

use crate::PROGRAMS;

const NIK: &str = "1275010101900001";
const TOKEN: &str = "account-token-6281234567890";
const NAME: &str = "Siti Rahayu binti Ahmad";
const DIGEST: [u8; 32] = *b"digest-of-1275010101900001-diges";

/// Ways in which bytes end up in a log.
fn renderings(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = bytes[..8].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    vec![hex[..16].to_owned(), list, String::from_utf8_lossy(&bytes[..12]).into_owned(), "ZGlnZXN0LW9m".to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_logged_without_what_they_carry() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--log-format", "json", "--log-level", "trace"];
    let server = Server::try_start(&PROGRAMS, &folder.path().join("data"), &more).expect("it serves");
    let programme = Programme::begin(server.channel().await).await;

    let mut person_1 = selected(1);
    person_1.source_reference = NIK.to_owned();
    if let Some(Event::Selected(e)) = &mut person_1.event {
        e.identity_digest = DIGEST.to_vec().into();
        e.family_card_digest = DIGEST.to_vec().into();
    }
    let mut account = linked(1);
    if let Some(Event::PayoutAccountLinked(e)) = &mut account.event {
        e.account_token = TOKEN.to_owned();
        e.holder_identity_digest = DIGEST.to_vec().into();
    }
    let mut course = bought(1);
    if let Some(Event::TrainingBought(e)) = &mut course.event {
        e.provider = NAME.to_owned();
    }
    let mut other_course = course.clone();
    if let Some(Event::TrainingBought(e)) = &mut other_course.event {
        e.course = NAME.to_owned();
    }
    let mut misshapen = selected(2);
    misshapen.participant_id = NIK.to_owned();
    let mut nobody = bought(77);
    nobody.occurred_at = Some(at(4, 21));
    programme.record(vec![person_1, account, course, other_course, misshapen.clone(), misshapen, nobody]).await;

    let mut auditor = AuditServiceClient::new(server.channel().await);
    auditor.get_head(Request::new(v1::GetHeadRequest::default())).await.expect_err("nobody");
    auditor.get_head(from(&format!("{NAME}/{NIK}"), v1::GetHeadRequest::default())).await.expect_err("no role");
    let mut events = EventServiceClient::new(server.channel().await);
    events.record_events(from("selection/empty", v1::RecordEventsRequest::default())).await.expect_err("no events");
    let batches = [1, 2].map(|sequence| {
        let mut events = vec![selected(70 + sequence), bought(78)];
        events[0].source_reference = NIK.to_owned();
        v1::RecordEventStreamRequest { sequence, events }
    });
    let answers = events.record_event_stream(from("selection/stream", tokio_stream::iter(batches))).await;
    let mut answers = answers.expect("a stream").into_inner();
    while answers.message().await.expect("an answer").is_some() {}
    let mut stream = auditor
        .stream_records(from("auditor/bpk", v1::StreamRecordsRequest::default()))
        .await
        .expect("ok")
        .into_inner();
    while stream.message().await.expect("a message").is_some() {}
    let mut anything = tonic::client::Grpc::new(server.channel().await);
    anything.ready().await.expect("ready");
    let path = http::uri::PathAndQuery::try_from(format!("/{NIK}/{NIK}")).expect("a path");
    let codec = tonic_prost::ProstCodec::<v1::GetHeadRequest, v1::GetHeadResponse>::default();
    anything.unary(from("auditor/bpk", v1::GetHeadRequest::default()), path, codec).await.expect_err("no method");

    server.signal(Signal::TERM);
    let (status, stderr) = server.ended();
    assert_eq!(status.code(), Some(0), "{stderr}");
    let mut secrets = vec![NIK.to_owned(), TOKEN.to_owned(), NAME.to_owned(), "Siti".to_owned(), person(1), person(77)];
    secrets.extend(renderings(&DIGEST));
    for secret in secrets {
        assert!(!stderr.contains(&secret), "{secret} is in the log: {stderr}");
    }

    let lines: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let calls: Vec<_> = lines.iter().filter(|line| line["message"] == "call").collect();
    let call = |method: &str, actor: &str| {
        let found = calls
            .iter()
            .find(|line| line["method"].as_str().is_some_and(|name| name.ends_with(method)) && line["actor"] == actor);
        *found.unwrap_or_else(|| panic!("no call of {method} by {actor} in {stderr}"))
    };
    let batch = call("EventService/RecordEvents", "selection/test");
    assert_eq!((&batch["level"], &batch["code"]), (&Value::from("INFO"), &Value::from("Ok")));
    assert_eq!((&batch["items"], &batch["rejected"]), (&Value::from(3), &Value::from(2)));
    assert_eq!(batch["rejections"], "INVALID_FIELD=2");
    assert!(batch["milliseconds"].is_u64(), "{batch}");
    let empty = call("EventService/RecordEvents", "selection/empty");
    assert_eq!((&empty["code"], &empty["reason"]), (&Value::from("InvalidArgument"), &Value::from("INVALID_FIELD")));
    let whole = call("EventService/RecordEventStream", "selection/stream");
    assert_eq!((&whole["code"], &whole["rejections"]), (&Value::from("Ok"), &Value::from("ITEM_NOT_ALLOWED=2")));
    let batches: Vec<_> = lines.iter().filter(|line| line["message"] == "batch").collect();
    assert_eq!(batches.len(), 2, "{stderr}");
    assert_eq!((&batches[0]["actor"], &batches[0]["items"]), (&Value::from("selection/stream"), &Value::from(2)));
    assert_eq!(batches[0]["rejections"], "ITEM_NOT_ALLOWED=1");
    let nobody = call("AuditService/GetHead", "-");
    assert_eq!((&nobody["code"], &nobody["reason"]), (&Value::from("Unauthenticated"), &Value::from("ACTOR_MISSING")));
    assert_eq!(call("AuditService/StreamRecords", "auditor/bpk")["code"], "Ok");
    assert_eq!(call("-", "auditor/bpk")["code"], "Unimplemented");
    assert_eq!(call("ProgrammeService/EnactScheme", "officer/budi")["code"], "Ok");
}
