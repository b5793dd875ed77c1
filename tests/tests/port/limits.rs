//! What the port stands up to: bytes that are no HTTP/2, connections by the thousand that say nothing, sizes beyond reason,
//! callers who ask for too much, readers who do not read; and the deadline that a caller sets.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use ledger_proto::v1;
use ledger_rpc::client::ClientTls;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_server::reasons::{DEADLINE_PASSED, MESSAGE_TOO_LARGE, TOO_MANY_CALLS, TOO_MANY_CONNECTIONS};
use ledger_tests::certs::{self, Secure};
use ledger_tests::dynamic::{call_raw, reason};
use ledger_tests::server::{Server, from, text};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower_service::Service;

use crate::{PROGRAMS, server};

/// Somebody else is served.
async fn serves(server: &Server) {
    let mut client = AuditServiceClient::new(server.channel().await);
    client.get_head(from("auditor/bpk", v1::GetHeadRequest {})).await.expect("the server goes on");
}

fn connect(server: &Server) -> TcpStream {
    let (_, address) = server.url.split_once("://").expect("a URL");
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream
}

/// Bytes without a meaning, the same for the same seed.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut noise = Noise::new(seed);
    std::iter::repeat_with(|| noise.byte()).take(length).collect()
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
    let (_folder, plain) = server();
    let mut silent: Vec<_> = (0..SILENT).map(|_| connect(&plain)).collect();
    serves(&plain).await;
    // The oldest gave way.
    assert_eq!(silent[0].read(&mut [0]).unwrap_or(0), 0, "closed");
    silent.clear();
    serves(&plain).await;

    // Half of a handshake is no better.
    let secure = Secure::start(&PROGRAMS, &[]);
    let client = secure.client("auditor/bpk");
    let half: Vec<_> = (0..SILENT)
        .map(|_| {
            let mut stream = connect(&secure.server);
            // A handshake record of 512 bytes, of which the first four come.
            stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).expect("sent");
            stream
        })
        .collect();
    let channel = certs::connect(&secure.server.url, &client).await.expect("a connection");
    AuditServiceClient::new(channel).get_head(v1::GetHeadRequest {}).await.expect("served beside them");
    drop(half);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_has_only_so_many_connections() {
    let secure = Secure::start(&PROGRAMS, &[]);
    let open = RefCell::new(Vec::new());
    // Each over a connection of its own, which stays open.
    let head = async |tls: &ClientTls| {
        let channel = certs::connect(&secure.server.url, tls).await.map_err(Status::unavailable)?;
        open.borrow_mut().push(channel.clone());
        AuditServiceClient::new(channel).get_head(v1::GetHeadRequest {}).await
    };
    let bpk = secure.client("auditor/bpk");
    for _ in 0..128 {
        head(&bpk).await.expect("room");
    }
    for _ in 0..16 {
        let refused = head(&bpk).await.expect_err("one too many");
        let told = (refused.code(), reason(&refused));
        assert_eq!(told, (Code::ResourceExhausted, TOO_MANY_CONNECTIONS.name.to_owned()), "{refused:?}");
        refused.get_details_retry_info().and_then(|info| info.retry_delay).expect("RetryInfo");
    }
    let closed = head(&bpk).await.expect_err("far too many");
    assert!(closed.get_details_error_info().is_none(), "closed without a word: {closed:?}");
    head(&secure.client("auditor/kpk")).await.expect("others are served");
    open.borrow_mut().clear();
    for attempt in 0.. {
        if head(&bpk).await.is_ok() {
            break;
        }
        assert!(attempt < 600, "there is room again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
async fn sizes_beyond_reason_are_not_made_room_for() {
    let (_folder, server) = server();
    let post = |header: (&str, String), body: &str| {
        http::Request::post("/prakerja.ledger.v1.EventService/RecordEvents")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("x-ledger-actor", "selection/test")
            .header(header.0, header.1)
            .body(tonic::body::Body::new(body.to_owned()))
            .expect("a request")
    };
    let send = async |request| {
        let mut channel = server.channel().await;
        std::future::poll_fn(|context| channel.poll_ready(context)).await.expect("ready");
        channel.call(request).await
    };
    // A message that says that two gigabytes follow.
    let claimed = send(post(("x-nothing", String::new()), "\0\u{7f}\u{7f}\u{7f}\u{7f}abc")).await.expect("an answer");
    let status = Status::from_header_map(claimed.headers()).expect("a status");
    let told = (status.code(), reason(&status));
    assert_eq!(told, (Code::ResourceExhausted, MESSAGE_TOO_LARGE.name.to_owned()), "{status:?}");
    // Headers beyond the limit.
    let large = send(post(("x-large", "x".repeat(64 << 10)), "")).await;
    assert!(large.is_err() || large.is_ok_and(|answer| !answer.status().is_success()), "refused below the calls");
    serves(&server).await;
}

/// Memory that the server has at its hands, bytes.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_do_not_read_cost_a_bounded_amount_of_memory() {
    const STALLED: usize = 40;
    const RECORDS: u64 = 150_000;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).output().expect("the program");
        assert!(done.status.success(), "{}", text(&done.stderr));
    };
    let (archive, data, records) = (path("archive"), path("data"), RECORDS.to_string());
    let life = ["--participants", "12000", "--seed", "7", "--scheme", "semi-bansos", "--scenario", "year"];
    let whole = ["--records", &records, "--format", "archive", "--out", &archive];
    run(PROGRAMS.sim, &[&life[..], &whole].concat());
    run(PROGRAMS.server, &["restore", "--from", &archive, "--data", &data]);
    let server = Server::start(&PROGRAMS, data.as_ref());
    let everything = || from("auditor/bpk", v1::StreamRecordsRequest { from_position: 0, follow: true });
    let read = async || {
        let mut client = AuditServiceClient::new(server.channel().await);
        let mut stream = client.stream_records(everything()).await.expect("a stream").into_inner();
        let (mut count, mut bytes) = (0, 0);
        while count < RECORDS {
            let message = stream.message().await.expect("a message").expect("more");
            count += message.records.len() as u64;
            bytes += message.records.iter().map(Bytes::len).sum::<usize>();
        }
        bytes as u64
    };
    let log = read().await;
    let before = resident(&server);
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut client = AuditServiceClient::new(server.channel().await);
        stalled.push((client.stream_records(everything()).await.expect("a stream").into_inner(), client));
    }
    // While they stand still others read to the end; each of them could have been sent as much by then.
    for _ in 0..3 {
        assert_eq!(read().await, log);
    }
    let each = resident(&server).saturating_sub(before) / STALLED as u64;
    assert!(each < log / 6, "each of them costs {each} bytes; the log has {log}");
    // They are not forgotten: what they read is whole.
    let (mut one, _client) = stalled.swap_remove(0);
    let mut next = 0;
    while next < RECORDS {
        let message = one.message().await.expect("a message").expect("more");
        assert_eq!(message.first_position, next);
        next += message.records.len() as u64;
    }
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
