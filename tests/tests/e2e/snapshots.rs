//! Snapshots under the real server: a start from one is a whole replay, whatever became of the file; what the start did not
//! read is read afterwards; kills in the middle of writing one leave nothing that counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ledger_core::state::snapshot::{REDUCER_VERSION, whole};
use ledger_log::{Head, Log, Options, Snapshot, SnapshotWriter};
use ledger_proto::v1;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_server::engine::{Engine, Every};
use ledger_tests::fixtures::copy;
use ledger_tests::life::{Programme, outcome, person, ready, receipt, selections};
use ledger_tests::server::{Server, from};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::PROGRAMS;

const PEOPLE: u64 = 150;

/// A new log whose segments are as small as can be.
fn small_segments(data: &Path) {
    let small = Options { segment_level: 8, ..Options::default() };
    let (writer, ..) = Log::open(data, &small).expect("a new log");
    writer.close().expect("closed");
}

fn start(data: &Path, every: &str) -> Server {
    Server::try_start(&PROGRAMS, data, &["--snapshot-every", every]).unwrap_or_else(|(_, stderr)| panic!("{stderr}"))
}

/// Ends it in good order; gives what it logged.
fn stopped(server: Server) -> String {
    server.signal(Signal::TERM);
    let (status, stderr) = server.ended();
    assert_eq!(status.code(), Some(0), "{stderr}");
    stderr
}

async fn record(server: &Server, people: std::ops::Range<u64>) -> Vec<v1::Receipt> {
    let results = Programme::again(server.channel().await).record(people.flat_map(ready).collect()).await;
    results.iter().map(|result| receipt(result).clone()).collect()
}

/// Whatever a start must answer as before; what is sent again is a repeat, with the receipt of the first.
type Answers = (Vec<v1::GetParticipantResponse>, v1::GetTrialBalanceResponse, v1::ListRunsResponse, Vec<v1::Receipt>);

async fn answers(server: &Server) -> Answers {
    let mut people = ParticipantServiceClient::new(server.channel().await);
    let mut participants = Vec::new();
    for number in (0..PEOPLE).step_by(7) {
        let ask = v1::GetParticipantRequest { participant_id: person(number), ..Default::default() };
        let answer = people.get_participant(from("officer/test", ask)).await.expect("a participant");
        participants.push(answer.into_inner());
    }
    let mut programme = ProgrammeServiceClient::new(server.channel().await);
    let ask = from("officer/test", v1::GetTrialBalanceRequest::default());
    let balance = programme.get_trial_balance(ask).await.expect("a balance").into_inner();
    let mut runs = DisbursementServiceClient::new(server.channel().await);
    let ask = from("officer/test", v1::ListRunsRequest::default());
    let runs = runs.list_runs(ask).await.expect("runs").into_inner();
    let receipts = record(server, 0..40).await;
    assert!(receipts.iter().all(|receipt| receipt.repeated));
    (participants, balance, runs, receipts)
}

/// A closed log with a snapshot in a sealed segment, sealed and live records behind it.
struct Past {
    folder: TempDir,
}

impl Past {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The same again.
    fn copy(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        copy(&self.data(), &data);
        (folder, data)
    }

    fn snapshot(&self) -> PathBuf {
        self.data().join("snapshot")
    }
}

async fn past() -> Past {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    small_segments(&data);
    // Written at this stop, and not again.
    let server = start(&data, "100");
    let programme = Programme::begin(server.channel().await).await;
    record(&server, 0..PEOPLE).await;
    programme.run(1, 11, 20).await;
    stopped(server);
    let server = start(&data, "0");
    let programme = Programme::again(server.channel().await);
    let instructions = programme.instructions().await;
    let settled = instructions.iter().take(60).map(|i| outcome(i, v1::OutcomeKind::Settled, 11, 22)).collect();
    programme.report(settled).await;
    record(&server, PEOPLE..2 * PEOPLE).await;
    stopped(server);
    let size = PROGRAMS.replayed(&["verify"], &data)["size"].as_u64().expect("a size");
    let known = Snapshot::open(&data).expect("whole").expect("there").head().size;
    assert!(known > 512 && !known.is_multiple_of(256) && size > known + 512, "{known} of {size}");
    Past { folder }
}

/// Changes size and root, version or blocks of a snapshot.
type Change = dyn Fn(&mut Head, &mut u32, &mut Vec<Vec<u8>>);

/// Opens the log as the server does; gives the state's bytes, and how many records were not read.
async fn opened(data: &Path) -> (Vec<Vec<u8>>, u64) {
    let start = Engine::start(data, 0, Every::Never).expect("an engine");
    let state = start.engine.query(whole).await.expect("durable");
    let unread = start.recovery.unread;
    start.engine.stop().await;
    start.ended.await.expect("an end").expect("in good order");
    start.thread.join().expect("ended");
    (state, unread)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_from_a_snapshot_answers_as_a_whole_replay() {
    let past = past().await;
    let (_kept, without) = past.copy();
    Snapshot::remove(&without).expect("removed");
    let mut answered = Vec::new();
    for data in [past.data(), without] {
        let server = start(&data, "0");
        let before = answers(&server).await;
        // A run goes on from what the last one paid.
        let run = Programme::again(server.channel().await).run(2, 11, 25).await;
        assert!(run.instructed_count > 0);
        answered.push((before, run.instructed_count, run.instructed_total_rupiah));
        let stderr = stopped(server);
        let from_snapshot = data == past.data();
        assert_eq!(stderr.contains("snapshot read"), from_snapshot, "{stderr}");
        assert_eq!(!stderr.contains("unread=0"), from_snapshot, "{stderr}");
        assert_eq!(PROGRAMS.replayed(&["verify"], &data)["ok"], true);
    }
    assert!(answered[0] == answered[1], "the same answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_of_no_use_is_dropped() {
    let past = past().await;
    let (_kept, without) = past.copy();
    Snapshot::remove(&without).expect("removed");
    let (state, unread) = opened(&without).await;
    assert_eq!(unread, 0);
    let (_kept, with) = past.copy();
    let (same, unread) = opened(&with).await;
    assert!(same == state && unread > 256, "{unread} were not read");

    let bytes = fs::read(past.snapshot()).expect("readable");
    let snapshot = Snapshot::open(&past.data()).expect("whole").expect("there");
    let rewritten = |change: &Change| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut blocks: Vec<_> = (0..snapshot.blocks()).map(|block| snapshot.block(block).expect("whole")).collect();
        let (mut head, mut rules) = (snapshot.head(), snapshot.rules());
        change(&mut head, &mut rules, &mut blocks);
        let mut writer = SnapshotWriter::create(folder.path()).expect("created");
        blocks.iter().for_each(|block| writer.block(block).expect("written"));
        writer.finish(head, rules).expect("written");
        fs::read(folder.path().join("snapshot")).expect("readable")
    };
    assert!(rewritten(&|_, _, _| {}) == bytes, "what is rewritten is the same");
    let mut useless: Vec<(String, Vec<u8>)> = vec![
        ("nothing".to_owned(), Vec::new()),
        ("of an older version".to_owned(), rewritten(&|_, rules, _| *rules = REDUCER_VERSION - 1)),
        ("of another log".to_owned(), rewritten(&|head, _, _| head.root[7] ^= 1)),
        ("of a size that its state has not".to_owned(), rewritten(&|head, _, _| head.size += 1)),
        ("without a block".to_owned(), rewritten(&|_, _, blocks| drop(blocks.pop()))),
        ("of other blocks".to_owned(), rewritten(&|_, _, blocks| blocks[0].truncate(90))),
    ];
    for at in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        useless.push((format!("byte {at}"), changed));
    }
    for at in (0..bytes.len()).step_by(1 + bytes.len() / 9) {
        useless.push((format!("cut at {at}"), bytes[..at].to_vec()));
    }
    assert!(useless.len() > 40, "{} bytes", bytes.len());
    let (_kept, base) = past.copy();
    for (name, bytes) in useless {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        copy(&base, &data);
        fs::write(data.join("snapshot"), bytes).expect("written");
        let (same, unread) = opened(&data).await;
        assert!(same == state && unread == 0, "{name}: {unread} were not read");
        assert!(!data.join("snapshot").exists(), "{name}: it is gone");
    }

    // An older copy of the log, and the snapshot of a newer one.
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    small_segments(&data);
    let server = start(&data, "0");
    Programme::begin(server.channel().await).await;
    stopped(server);
    let (older, _) = opened(&data).await;
    fs::copy(past.snapshot(), data.join("snapshot")).expect("copied");
    let (same, unread) = opened(&data).await;
    assert!(same == older && unread == 0 && !data.join("snapshot").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_what_the_start_did_not_read_ends_the_server() {
    let past = past().await;
    let first = "segments/00000000000000000000.segment";
    for (file, at, position) in [(first, 9_000, Some(0)), ("segments/00000000000000000256.segment", 12_000, Some(256))]
    {
        let (_kept, data) = past.copy();
        let mut bytes = fs::read(data.join(file)).expect("readable");
        bytes[at] ^= 0x10;
        fs::write(data.join(file), bytes).expect("written");
        // It may be found before the port listens.
        let started = Server::try_start(&PROGRAMS, &data, &["--snapshot-every", "0"]);
        let (status, stderr) = started.map_or_else(|ended| ended, Server::ended);
        let said = format!("first bad position: {}", position.expect("one"));
        assert!(status.code() == Some(3) && stderr.contains(&said), "{status}: {stderr}");
        assert!(stderr.contains("snapshot read") && !data.join("snapshot").exists(), "{stderr}");
        // Without the snapshot the start itself finds it.
        let (status, stderr) = Server::try_start(&PROGRAMS, &data, &[]).err().expect("it is refused");
        assert!(status.code() == Some(3) && stderr.contains(&said), "{status}: {stderr}");
    }
    // All is well: said once it is known.
    let mut stderr = String::new();
    for seconds in [1, 4, 20] {
        let server = start(&past.data(), "0");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stderr = stopped(server);
        if stderr.contains("records that the start did not read are whole") {
            return;
        }
    }
    panic!("{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered_while_snapshots_are_written_and_kills_leave_none_that_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    small_segments(&data);
    let server = start(&data, "40");
    Programme::begin(server.channel().await).await;
    let (mut next, mut from_snapshots, mut last) = (0, 0, Some(server));
    for round in 0..12u64 {
        let server = last.take().unwrap_or_else(|| start(&data, "40"));
        let mut client = EventServiceClient::new(server.channel().await);
        let sender = tokio::spawn(async move {
            let mut answered = next;
            while let Ok(answer) = {
                let events = (answered..answered + 5).flat_map(selections).collect();
                client.record_events(from("selection/test", v1::RecordEventsRequest { events })).await
            } {
                answer.into_inner().results.iter().for_each(|result| drop(receipt(result).clone()));
                answered += 5;
            }
            answered
        });
        tokio::time::sleep(Duration::from_millis(30 + round * 37 % 110)).await;
        server.kill();
        next = sender.await.expect("a client");
        let (_kept, copy_of) = {
            let folder = tempfile::tempdir().expect("a folder");
            let to = folder.path().join("data");
            copy(&data, &to);
            (folder, to)
        };
        let (state, unread) = opened(&copy_of).await;
        from_snapshots += u64::from(unread > 0);
        Snapshot::remove(&copy_of).expect("removed");
        let (all, none) = opened(&copy_of).await;
        assert!(state == all && none == 0, "round {round}: {unread} were not read");
    }
    assert!(next > 100, "{next} people");
    assert!(from_snapshots > 3, "{from_snapshots} starts from a snapshot");
    assert_eq!(PROGRAMS.replayed(&["verify"], &data)["ok"], true);
}
