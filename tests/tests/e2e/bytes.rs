//! What no honest client sends: bytes that are no message, texts that are no text; and fields of a later version of the
//! contract, which are tolerated.

use bytes::Bytes;
use ledger_proto::v1;
use ledger_server::reasons::MALFORMED_REQUEST;
use ledger_server::status::DOMAIN;
use ledger_tests::contract::{self, Method};
use ledger_tests::dynamic::{call_raw, exchange_raw, items, reason};
use ledger_tests::life::{Programme, selected};
use ledger_tests::server::Server;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tonic::Status;
use tonic_types::StatusExt;

use crate::PROGRAMS;

/// Field 1 with a length of 4 GiB, and nothing behind it.
const GARBAGE: &[u8] = &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f];
/// Field 1, two bytes that are no UTF-8.
const NOT_UTF8: &[u8] = &[0x0a, 0x02, 0xff, 0xfe];
/// Field 1,000, the number 7.
const UNKNOWN: &[u8] = &[0xc0, 0x3e, 0x07];

fn method(name: &str) -> Method {
    contract::methods().into_iter().find(|method| method.name == name).expect(name)
}

/// Holds a refusal to be for bytes that are no request; gives the fields that it names.
fn malformed(refused: &Status, what: &str) -> Vec<String> {
    let found = (refused.code(), reason(refused));
    assert_eq!(found, (MALFORMED_REQUEST.code, MALFORMED_REQUEST.name.to_owned()), "{what}: {refused:?}");
    assert_eq!(refused.get_details_error_info().expect("an ErrorInfo").domain, DOMAIN, "{what}");
    let violations = refused.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    assert!(violations.iter().all(|v| !v.description.is_empty()), "{what}: {violations:?}");
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_refused_for_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let channel = server.channel().await;
    let refused = async |method: &Method, message: &[u8]| {
        let message = vec![Bytes::copy_from_slice(message)];
        call_raw(&channel, &method.path(), Some(&method.caller()), message).await.expect_err(&method.name)
    };
    for method in contract::methods() {
        malformed(&refused(&method, GARBAGE).await, &method.name);
    }
    let batch = v1::RecordEventsRequest { events: vec![selected(1)] }.encode_to_vec();
    let no_text = |text: &str| {
        let at = batch.windows(text.len()).position(|bytes| bytes == text.as_bytes()).expect(text);
        let mut bytes = batch.clone();
        bytes[at] = 0xff;
        bytes
    };
    let rows: [(&str, &str, Vec<u8>, &[&str]); 6] = [
        ("no UTF-8", "ParticipantService.GetParticipant", NOT_UTF8.to_vec(), &["participant_id"]),
        ("a number for a text", "ParticipantService.GetParticipant", vec![0x08, 1], &["participant_id"]),
        ("a field of number 0", "ParticipantService.GetParticipant", vec![0x00, 1], &[]),
        ("no UTF-8 in an event", "EventService.RecordEvents", no_text("test 1"), &["events.source_reference"]),
        // The oneof stands for the event that is set in it.
        ("no UTF-8 deeper", "EventService.RecordEvents", no_text("key-1"), &["events.event.identity_key_id"]),
        ("cut short", "EventService.RecordEvents", batch[..batch.len() - 1].to_vec(), &["events"]),
    ];
    for (what, name, bytes, fields) in rows {
        assert_eq!(malformed(&refused(&method(name), &bytes).await, what), fields, "{what}");
    }
    let head =
        call_raw(&channel, &method("AuditService.GetHead").path(), Some("auditor/bpk"), vec![Bytes::new()]).await;
    assert_eq!(head.expect("the server goes on").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_bytes_that_are_no_batch_after_the_answers_before_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let channel = server.channel().await;
    Programme::begin(channel.clone()).await;
    let batch = |sequence| v1::RecordEventStreamRequest { sequence, events: vec![selected(sequence)] };
    let messages = vec![batch(1).encode_to_vec().into(), GARBAGE.into(), batch(2).encode_to_vec().into()];
    let path = method("EventService.RecordEventStream").path();
    let (answers, end) = exchange_raw(&channel, &path, Some("selection/test"), messages).await;
    malformed(&end.expect_err("no batch"), "a stream");
    let [answer] = &answers[..] else { panic!("{} answers", answers.len()) };
    let answer = v1::RecordEventStreamResponse::decode(answer.clone()).expect("an answer");
    assert_eq!((answer.sequence, ledger_tests::life::receipt(&answer.results[0]).position), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_tolerated() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    let record = method("EventService.RecordEvents");
    let event = [selected(1).encode_to_vec().as_slice(), UNKNOWN].concat();
    let mut request = vec![0x0a];
    prost::encoding::encode_varint(event.len() as u64, &mut request);
    request.extend([event.as_slice(), UNKNOWN].concat());
    let sent =
        call_raw(&channel, &record.path(), Some("selection/test"), vec![request.into()]).await.expect("an answer");
    let answer = DynamicMessage::decode(record.descriptor.output(), sent[0].clone()).expect("an answer");
    assert_eq!(items(&answer), ["OK"]);
    // What is not known is no part of the fact: without it, the fact is a repeat.
    let again = programme.record(vec![selected(1)]).await;
    assert!(ledger_tests::life::receipt(&again[0]).repeated);
}
