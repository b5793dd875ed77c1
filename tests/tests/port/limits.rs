//! What the port stands up to: bytes that are no HTTP/2, connections by the thousand that say nothing, sizes beyond reason,
//! callers who ask for too much; and the deadline that a caller sets.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_server::reasons::{DEADLINE_PASSED, MESSAGE_TOO_LARGE, TOO_MANY_CALLS};
use ledger_tests::dynamic::{call_raw, reason};
use ledger_tests::server::{Server, from};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tonic::Code;
use tonic_types::StatusExt;

use crate::server;

/// Somebody else is served.
async fn serves(server: &Server) {
    let mut client = AuditServiceClient::new(server.channel().await);
    client.get_head(from("auditor/bpk", v1::GetHeadRequest {})).await.expect("the server goes on");
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").expect("a URL")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream
}

/// The same bytes for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(length).collect()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_end_their_connection_and_nothing_else() {
    let (_folder, server) = server();
    for seed in 0..100 {
        let mut stream = connect(&server);
        // Every other one begins as HTTP/2 does, so that the frames are noise.
        let sent = if seed % 2 == 0 { noise(seed, 4_000) } else { [PREFACE, &noise(seed, 4_000)].concat() };
        match stream.write_all(&sent).and_then(|()| stream.read_to_end(&mut Vec::new()).map(drop)) {
            Ok(()) => {}
            Err(error) => {
                let ended = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];
                // A frame that claims to go on for long is waited for: the idle limit ends it later.
                let waits = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                assert!(ended.contains(&error.kind()) || waits.contains(&error.kind()), "{seed}: {error}");
            }
        }
    }
    serves(&server).await;
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_nobody_out() {
    const SILENT: usize = 3_000;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("room for files");
    let (_folder, server) = server();
    let mut silent: Vec<_> = (0..SILENT).map(|_| connect(&server)).collect();
    serves(&server).await;
    // The oldest gave way.
    assert_eq!(silent[0].read(&mut [0]).unwrap_or(0), 0, "closed");
    silent.truncate(1);
    serves(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_the_limit_is_refused_by_name() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let large = Bytes::from(vec![0; (16 << 20) + 1]);
    for call in ["RecordEvents", "RecordEventStream"] {
        let path = format!("/prakerja.ledger.v1.EventService/{call}");
        let refused = call_raw(&channel, &path, Some("selection/test"), vec![large.clone()]).await.expect_err("large");
        let found = (refused.code(), reason(&refused));
        assert_eq!(found, (Code::ResourceExhausted, MESSAGE_TOO_LARGE.name.to_owned()), "{call}: {refused:?}");
    }
    serves(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_a_stream_too() {
    let (_folder, server) = server();
    let mut client = AuditServiceClient::new(server.channel().await);
    let mut follow = from("auditor/bpk", v1::StreamRecordsRequest { from_position: 0, follow: true });
    follow.metadata_mut().insert("grpc-timeout", "300m".parse().expect("a timeout"));
    let mut stream = client.stream_records(follow).await.expect("a stream").into_inner();
    let ended = stream.message().await.expect_err("the deadline");
    assert_eq!((ended.code(), reason(&ended)), (Code::DeadlineExceeded, DEADLINE_PASSED.name.to_owned()), "{ended:?}");
    serves(&server).await;
    // What was cut no longer holds the server up.
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_has_only_so_many_calls_at_a_time() {
    let (_folder, server) = server();
    let mut streams = Vec::new();
    let mut refused = None;
    'all: for _ in 0..4 {
        let mut client = AuditServiceClient::new(server.channel().await);
        for _ in 0..400 {
            let follow = from("auditor/bpk", v1::StreamRecordsRequest { from_position: 0, follow: true });
            match client.stream_records(follow).await {
                Ok(stream) => streams.push(stream.into_inner()),
                Err(status) => {
                    refused = Some(status);
                    break 'all;
                }
            }
        }
    }
    let refused = refused.expect("a limit");
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, TOO_MANY_CALLS.name.to_owned()));
    let wait = refused.get_details_retry_info().and_then(|info| info.retry_delay).expect("RetryInfo");
    assert!(wait > Duration::ZERO);
    assert_eq!(streams.len(), 1_024);
    let mut other = AuditServiceClient::new(server.channel().await);
    other.get_head(from("auditor/kpk", v1::GetHeadRequest {})).await.expect("others are served");
    drop(streams);
    // Their ends take a moment to arrive.
    for attempt in 0.. {
        let again = other.get_head(from("auditor/bpk", v1::GetHeadRequest {})).await;
        match again {
            Ok(_) => break,
            Err(status) => assert!(attempt < 600, "{status:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
