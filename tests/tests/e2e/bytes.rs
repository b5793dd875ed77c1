//! What no honest client sends: bytes that are no message, texts that are no text; and fields of a later version of the
//! contract, which are tolerated.

use bytes::Bytes;
use ledger_tests::contract::{self, Method};
use ledger_tests::dynamic::{call_raw, items};
use ledger_tests::life::{Programme, selected};
use ledger_tests::server::Server;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tonic::Code;

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

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_get_a_status_that_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let channel = server.channel().await;
    let actor = Some("officer/budi");
    for method in contract::methods() {
        let refused = call_raw(&channel, &method.path(), actor, vec![GARBAGE.into()]).await.expect_err(&method.name);
        // gRPC's own code for a request that cannot be parsed.
        assert_eq!(refused.code(), Code::Internal, "{}: {refused:?}", method.name);
        assert!(refused.message().contains("failed to decode Protobuf message"), "{}: {refused:?}", method.name);
    }
    let path = method("ParticipantService.GetParticipant").path();
    let refused = call_raw(&channel, &path, actor, vec![NOT_UTF8.into()]).await.expect_err("no text");
    for part in ["participant_id", "UTF-8"] {
        assert!(refused.message().contains(part), "{part} is not named: {refused:?}");
    }
    let head = call_raw(&channel, &method("AuditService.GetHead").path(), actor, vec![Bytes::new()]).await;
    assert_eq!(head.expect("the server goes on").len(), 1);
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
