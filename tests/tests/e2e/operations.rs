//! What an operator relies on: configuration refused by name, exit codes, and a stop that loses nothing.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ledger_log::leaf_hash;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_tests::life::{Programme, person, receipt, selected};
use ledger_tests::server::{Server, from};
use rustix::process::Signal;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower_service::Service;

use crate::PROGRAMS;

/// A server's refusal to start: its exit code and stderr.
fn refused(command: Command) -> (Option<i32>, String) {
    match Server::try_spawn(command) {
        Err((status, stderr)) => (status.code(), stderr),
        Ok(server) => panic!("it serves: {}", server.url),
    }
}

fn serve(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAMS.server);
    command.arg("serve").args(args);
    command
}

#[test]
fn what_is_configured_wrongly_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("text");
    let file = folder.path().join("ledger.toml");
    std::fs::write(&file, "insecure = true\nmin_fre = 1\n").expect("a file");
    let file = file.to_str().expect("text");
    let with = |name: &str, value: &str| {
        let mut command = serve(&["--insecure", "--data", data]);
        command.env(name, value);
        command
    };
    let rows = [
        (serve(&["--data", data, "--config", file]), vec!["\"min_fre\"", file, "did you mean \"min_free\"?"]),
        (serve(&["--data", data, "--config", "nowhere.toml"]), vec!["nowhere.toml"]),
        (with("LEDGER_MINFREE", "1"), vec!["LEDGER_MINFREE", "did you mean \"LEDGER_MIN_FREE\"?"]),
        (with("LEDGER_MIN_FREE", "1 GB"), vec!["min_free", "LEDGER_MIN_FREE", "\"1 GB\""]),
        (with("LEDGER_JOBS_DEADLINES", "1 am"), vec!["jobs.deadlines", "LEDGER_JOBS_DEADLINES", "\"1 am\""]),
        (serve(&["--insecure", "--data", data, "--log-level", "loud"]), vec!["log.level", "--log-level", "\"loud\""]),
        (serve(&["--insecure"]), vec!["data is not set", "--data", "LEDGER_DATA"]),
        (serve(&["--data", data]), vec!["--insecure"]),
        (serve(&["--insecure", "--data", data, "--listen", "0.0.0.0:0"]), vec!["loopback", "0.0.0.0:0"]),
        (serve(&["--insecure", "--data", data, "--min-fre", "1"]), vec!["--min-fre"]),
    ];
    for (command, said) in rows {
        let (code, stderr) = refused(command);
        assert_eq!(code, Some(2), "{stderr}");
        for words in said {
            assert!(stderr.contains(words), "{words} is not in: {stderr}");
        }
    }
    assert!(!Path::new(data).exists(), "nothing is touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_alone_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ledger.toml");
    let data = folder.path().join("data");
    let text = format!("data = {data:?}\nlisten = \"127.0.0.1:0\"\ninsecure = true\n[log]\nformat = \"json\"\n");
    std::fs::write(&file, text).expect("a file");
    let server = Server::try_spawn(serve(&["--config", file.to_str().expect("text")])).expect("it serves");
    Programme::begin(server.channel().await).await;
    server.signal(Signal::TERM);
    let (status, stderr) = server.ended();
    assert_eq!(status.code(), Some(0));
    assert!(data.join("LOCK").exists());
    let closed: Vec<serde_json::Value> = stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(closed.last().expect("lines")["message"], "log closed");
}

/// Every event that was answered, by position.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) results: Vec<(v1::Receipt, String)>,
}

impl Answered {
    /// Holds the answers against a server's records.
    pub(crate) async fn hold(&self, server: &Server) {
        let mut client = AuditServiceClient::new(server.channel().await);
        let stream = client.stream_records(from("auditor/test", v1::StreamRecordsRequest::default())).await;
        let mut stream = stream.expect("a stream").into_inner();
        let mut records = Vec::new();
        while let Some(message) = stream.message().await.expect("a message") {
            records.extend(message.records);
        }
        for (receipt, participant) in &self.results {
            let at = usize::try_from(receipt.position).expect("a position");
            let bytes = records.get(at).unwrap_or_else(|| panic!("position {at} was answered for, and is gone"));
            assert_eq!(leaf_hash(bytes).as_slice(), receipt.leaf_hash.as_ref(), "position {at}");
            let record = ledger_log::record::decode(bytes).expect("a record");
            assert_eq!(record.participant.map(|id| id.to_string()).as_ref(), Some(participant));
        }
    }
}

/// How many events a batch of the tests below has.
const BATCH: u64 = 1_000;

/// Sends batch after batch until a call fails; gives the answers over and says how it ended.
async fn send(channel: Channel, sender: u64, answers: mpsc::UnboundedSender<Vec<(v1::Receipt, String)>>) -> Status {
    let mut client = EventServiceClient::new(channel);
    for batch in 0.. {
        let first = (sender * 1_000 + batch) * BATCH;
        let events: Vec<_> = (first..first + BATCH).map(selected).collect();
        match client.record_events(from("selection/test", v1::RecordEventsRequest { events })).await {
            Ok(answer) => {
                let results = answer.into_inner().results;
                let receipts = results.iter().zip(first..).map(|(result, n)| (receipt(result).clone(), person(n)));
                answers.send(receipts.collect()).expect("the test listens");
            }
            Err(status) => return status,
        }
    }
    unreachable!("the numbers do not end")
}

/// A wave with room for everybody.
async fn begin(server: &Server) {
    let channel = server.channel().await;
    Programme::begin(channel.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_finishes_what_is_in_flight_and_waits_for_nobody_idle() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::try_start(&PROGRAMS, &data, &["--stop-grace-seconds", "60"]).expect("it serves");
    begin(&server).await;
    let idle = server.channel().await;
    let address = server.url.strip_prefix("http://").expect("a URL").to_owned();
    let silent = TcpStream::connect(&address).expect("a connection that says nothing");
    let mut auditor = AuditServiceClient::new(server.channel().await);
    let follow = v1::StreamRecordsRequest { from_position: 0, follow: true };
    let mut stream = auditor.stream_records(from("auditor/test", follow)).await.expect("a stream").into_inner();

    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut senders = Vec::new();
    for number in 0..16 {
        senders.push(tokio::spawn(send(server.channel().await, number, answers.clone())));
    }
    drop(answers);
    let mut results = Vec::new();
    while results.len() < 20_000 {
        results.extend(answered.recv().await.expect("answers"));
    }
    let start = Instant::now();
    server.signal(Signal::TERM);
    while let Some(more) = answered.recv().await {
        results.extend(more);
    }
    for sender in senders {
        let status = sender.await.expect("it ended");
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    let last = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without a reason"),
            Err(status) => break status,
        }
    };
    let reason = last.get_details_error_info().map(|info| info.reason);
    assert_eq!((last.code(), reason.as_deref()), (Code::Unavailable, Some("STOPPING")), "{last:?}");
    let (status, stderr) = server.ended();
    let took = start.elapsed();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(took < Duration::from_secs(20), "two idle connections held up the stop for {took:?}");
    drop((idle, silent));
    // Whoever was let in was served: the log names every call and how it ended.
    let cut: Vec<_> =
        stderr.lines().filter(|line| line.contains("RecordEvents") && line.contains("Cancelled")).collect();
    assert!(cut.is_empty(), "{cut:?}");

    let server = Server::start(&PROGRAMS, &data);
    Answered { results }.hold(&server).await;
    assert_eq!(server.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_longer_than_its_grace() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::try_start(&PROGRAMS, &data, &["--stop-grace-seconds", "1"]).expect("it serves");
    begin(&server).await;
    // A call whose request never ends.
    let mut client = EventServiceClient::new(server.channel().await);
    let hanging = tokio::spawn(hang(server.channel().await));
    client
        .record_events(from("selection/test", v1::RecordEventsRequest { events: vec![selected(1)] }))
        .await
        .expect("in");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    server.signal(Signal::TERM);
    let (status, stderr) = server.ended();
    let took = start.elapsed();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(took >= Duration::from_secs(1), "the call in flight had {took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(stderr.contains("calls were cut"), "{stderr}");
    hanging.abort();
}

/// A call that sends headers and then nothing.
async fn hang(mut channel: Channel) {
    let request = http::Request::post("/prakerja.ledger.v1.EventService/RecordEvents")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("x-ledger-actor", "selection/slow")
        .body(tonic::body::Body::new(Endless))
        .expect("a request");
    std::future::poll_fn(|context| channel.poll_ready(context)).await.expect("ready");
    let _ = channel.call(request).await;
}

/// A body that never ends.
struct Endless;

impl http_body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, Status>>> {
        Poll::Pending
    }
}

fn largest_file(dir: &Path) -> PathBuf {
    let mut folders = vec![dir.to_owned()];
    let mut largest = (0, PathBuf::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("metadata");
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                largest = largest.max((metadata.len(), entry.path()));
            }
        }
    }
    largest.1
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_3_names_the_first_bad_position() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&PROGRAMS, &data);
    let programme = Programme::begin(server.channel().await).await;
    programme.record((1..=500).map(selected).collect()).await;
    assert_eq!(server.terminate().code(), Some(0));
    let file = largest_file(&data);
    let mut bytes = std::fs::read(&file).expect("a file");
    let needle = person(400);
    let id: Vec<u8> = uuid_bytes(&needle);
    let at = bytes.windows(16).position(|window| window == id).expect("the record");
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).expect("a file");
    let (status, stderr) = Server::try_start(&PROGRAMS, &data, &[]).err().expect("damaged");
    assert_eq!(status.code(), Some(3), "{stderr}");
    let position = stderr.lines().find_map(|line| line.strip_prefix("first bad position: ")).expect("the line");
    let position: u64 = position.parse().expect("a position");
    assert!(position <= 402, "person 400 is at position 402, {position} is after it");
}

fn uuid_bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    digits.chunks(2).map(pair).collect()
}

#[test]
fn exit_4_says_who_holds_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, folder.path());
    let (status, stderr) = Server::try_start(&PROGRAMS, folder.path(), &[]).err().expect("locked");
    assert_eq!(status.code(), Some(4), "{stderr}");
    assert!(stderr.contains(&format!("process {}", server.id())), "{stderr}");
    assert_eq!(server.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_5_when_a_write_fails_and_what_was_answered_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // No file may grow over 8 MiB (blocks of 512 bytes): the log's own writes fail, as on a broken disk.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 16384; exec \"$0\" \"$@\"", PROGRAMS.server, "serve", "--insecure"]);
    limited.args(["--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let server = Server::try_spawn(limited).expect("it serves");
    begin(&server).await;
    let (answers, mut answered) = mpsc::unbounded_channel();
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..4 {
        senders.spawn(send(server.channel().await, number, answers.clone()));
    }
    drop(answers);
    let first = senders.join_next().await.expect("a sender").expect("it ended");
    assert_eq!(first.code(), Code::Unavailable, "{first:?}");
    let (status, stderr) = tokio::task::spawn_blocking(move || server.ended()).await.expect("it ended");
    assert_eq!(status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("a write to the log failed"), "{stderr}");
    while let Some(sender) = senders.join_next().await {
        let status = sender.expect("it ended");
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    let mut results = Vec::new();
    while let Some(more) = answered.recv().await {
        results.extend(more);
    }
    assert!(results.len() > 1_000, "{} answers", results.len());

    let server = Server::start(&PROGRAMS, &data);
    Answered { results }.hold(&server).await;
    assert_eq!(server.terminate().code(), Some(0));
}

/// Size of the log, and who recorded its last record.
async fn last_record(server: &Server) -> (u64, String, Option<String>) {
    let mut client = AuditServiceClient::new(server.channel().await);
    let head = client.get_head(from("auditor/test", v1::GetHeadRequest::default())).await.expect("a head").into_inner();
    let ask = v1::StreamRecordsRequest { from_position: head.size - 1, follow: false };
    let mut stream = client.stream_records(from("auditor/test", ask)).await.expect("a stream").into_inner();
    let message = stream.message().await.expect("a message").expect("a record");
    let record = ledger_log::record::decode(&message.records[0]).expect("a record");
    assert_eq!(record.auth == ledger_core::codes::Auth::Internal, record.actor == "job/deadlines");
    (head.size, record.actor.to_string(), record.participant.map(|id| id.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_job_is_made_up_at_the_start_and_repeats_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Server::start(&PROGRAMS, &data);
    let programme = Programme::begin(server.channel().await).await;
    // Selected in 2020, nothing bought since: revoked by the next job.
    programme.record(vec![selected(1)]).await;
    let (before, actor, _) = last_record(&server).await;
    assert_eq!(actor, "insecure:selection/test");
    assert_eq!(server.terminate().code(), Some(0));

    let mut sizes = Vec::new();
    for revoked in [1, 0] {
        let server = Server::try_start(&PROGRAMS, &data, &["--jobs-deadlines", "00:00"]).expect("it serves");
        let deadline = Instant::now() + Duration::from_secs(10);
        while last_record(&server).await.0 == before && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (size, actor, participant) = last_record(&server).await;
        assert_eq!((actor.as_str(), participant), ("job/deadlines", Some(person(1))));
        sizes.push(size);
        server.signal(Signal::TERM);
        let (status, stderr) = server.ended();
        assert_eq!(status.code(), Some(0));
        let done: Vec<_> = stderr.lines().filter(|line| line.contains("deadline job done")).collect();
        assert_eq!(done.len(), 1, "{stderr}");
        assert!(done[0].contains(&format!("participants=1 revoked={revoked} ")), "{}", done[0]);
    }
    assert_eq!(sizes[0], sizes[1]);
}
