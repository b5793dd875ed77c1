//! The disk fails under the real server: who waits hears it, the process ends with exit 5 and says what failed, and a
//! restart goes on with everything that was answered.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use ledger_faults::cut::Cutter;
use ledger_faults::cuts::{Promise, ROOM, judge, scratch};
use ledger_faults::disk::{Disk, Op, Refusal};
use ledger_faults::fault::{Fault, What};
use ledger_faults::mount::{Mounted, available};
use ledger_faults::rng::Rng;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_tests::life::{Programme, person, receipt, selected};
use ledger_tests::server::{Server, from};
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::PROGRAMS;
use crate::operations::Answered;

const SENDERS: u64 = 4;
/// Events of one request.
const BATCH: u64 = 20;
/// Between two requests of a sender, so that the wave's quota outlasts the second after which the head is synced.
const PAUSE: Duration = Duration::from_millis(5);
/// Answers before something goes wrong.
const BEFORE: usize = 1_000;

/// The first person of a sender's request.
fn first(sender: u64, request: u64) -> u64 {
    (sender * 1_000 + request) * BATCH
}

/// Records a request's people; gives each one's receipt.
async fn record(channel: &Channel, first: u64) -> Result<Vec<(v1::Receipt, String)>, Status> {
    let events = (first..first + BATCH).map(selected).collect();
    let mut client = EventServiceClient::new(channel.clone());
    let answer = client.record_events(from("selection/test", v1::RecordEventsRequest { events })).await?;
    let results = answer.into_inner().results;
    Ok(results.iter().zip(first..).map(|(result, number)| (receipt(result).clone(), person(number))).collect())
}

/// Sends request after request until one fails; says how.
async fn send(channel: Channel, sender: u64, answers: mpsc::UnboundedSender<Vec<(v1::Receipt, String)>>) -> Status {
    for request in 0.. {
        match record(&channel, first(sender, request)).await {
            Ok(results) => answers.send(results).expect("the test listens"),
            Err(status) => return status,
        }
        tokio::time::sleep(PAUSE).await;
    }
    unreachable!("the numbers do not end")
}

/// A server on a mounted disk. The server goes before its disk when both are dropped.
struct Case {
    server: Option<Server>,
    disk: Mounted,
    answered: Answered,
}

impl Drop for Case {
    fn drop(&mut self) {
        // A process whose sync hangs cannot be killed, and the server is waited for.
        self.disk.disk().set_fault(None);
        self.disk.let_go();
    }
}

impl Case {
    async fn start(arguments: &[&str]) -> Self {
        let disk = Mounted::new(Disk::new(ROOM)).expect("mounted");
        let mut case = Self { server: None, disk, answered: Answered::default() };
        case.restart(arguments);
        Programme::begin(case.server().channel().await).await;
        case
    }

    fn data(&self) -> PathBuf {
        self.disk.path().join("data")
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("a server")
    }

    fn restart(&mut self, arguments: &[&str]) {
        let started = Server::try_start(&PROGRAMS, &self.data(), arguments);
        self.server = Some(started.unwrap_or_else(|(status, stderr)| panic!("{status}: {stderr}")));
    }

    /// Senders work until every one of them was refused; `wrong` happens while they do. Gives the refusals.
    async fn while_sending(&mut self, wrong: impl FnOnce(&Mounted)) -> Vec<Status> {
        let (answers, mut answered) = mpsc::unbounded_channel();
        let mut senders = tokio::task::JoinSet::new();
        for number in 0..SENDERS {
            senders.spawn(send(self.server().channel().await, number, answers.clone()));
        }
        drop(answers);
        while self.answered.results.len() < BEFORE {
            self.answered.results.extend(answered.recv().await.expect("answers"));
        }
        wrong(&self.disk);
        while let Some(more) = answered.recv().await {
            self.answered.results.extend(more);
        }
        senders.join_all().await
    }

    /// Its exit code and stderr.
    async fn ended(&mut self) -> (Option<i32>, String) {
        let server = self.server.take().expect("a server");
        let (status, stderr) = tokio::task::spawn_blocking(move || server.ended()).await.expect("it ended");
        (status.code(), stderr)
    }

    /// The disk works again: a restart has everything that was answered, everything that is sent again is there once.
    async fn goes_on(&mut self) {
        self.restart(&[]);
        self.answered.hold(self.server()).await;
        let channel = self.server().channel().await;
        // Everything that was answered, and what may have been under way.
        let requests = self.answered.results.len() as u64 / BATCH + 1;
        for (sender, request) in (0..SENDERS).flat_map(|sender| (0..requests).map(move |request| (sender, request))) {
            self.answered.results.extend(record(&channel, first(sender, request)).await.expect("it records"));
        }
        let people: BTreeSet<&String> = self.answered.results.iter().map(|(_, person)| person).collect();
        // Three records of the programme, then one of each person.
        assert_eq!(size(self.server()).await, 3 + people.len() as u64);
        self.answered.results.retain(|(receipt, _)| !receipt.leaf_hash.is_empty());
        self.answered.hold(self.server()).await;
        assert_eq!(self.server.take().expect("a server").terminate().code(), Some(0));
        assert_eq!(PROGRAMS.replayed(&["verify"], &self.data())["ok"], true);
    }

    /// The power goes right after the failure: what was answered is there all the same.
    fn survives_a_cut(&self) {
        let receipts: Vec<Promise> = self
            .answered
            .results
            .iter()
            .map(|(receipt, _)| {
                let leaf = receipt.leaf_hash.as_ref().try_into().expect("a hash");
                Promise::Receipt { position: receipt.position, leaf }
            })
            .collect();
        let ops = self.disk.disk().ops().to_vec();
        let mut cutter = Cutter::new(&ops);
        cutter.advance_to(ops.len());
        for seed in 0..8 {
            let dir = tempfile::tempdir_in(scratch()).expect("a folder");
            cutter.image(&mut Rng::new(seed)).write_to(dir.path()).expect("written");
            judge(&dir.path().join("data"), &receipts.iter().collect::<Vec<_>>(), None, true).expect("kept");
        }
    }
}

async fn size(server: &Server) -> u64 {
    let mut auditor = AuditServiceClient::new(server.channel().await);
    auditor.get_head(from("auditor/test", v1::GetHeadRequest::default())).await.expect("a head").into_inner().size
}

fn all_unavailable(refusals: &[Status]) {
    assert_eq!(refusals.len() as u64, SENDERS);
    assert!(refusals.iter().all(|status| status.code() == Code::Unavailable), "{refusals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_or_sync_ends_the_server_and_a_restart_goes_on() {
    if !available() {
        return;
    }
    let rows: [(What, &str, [&str; 2]); 5] = [
        (What::WriteFails(Refusal::Device), "db", ["the store", "Input/output error"]),
        (What::WriteFails(Refusal::NoSpace), "db", ["the store", "No space left on device"]),
        (What::SyncFails, "db", ["the store", "Input/output error"]),
        (What::WriteFails(Refusal::Device), "head", ["head", "Input/output error"]),
        (What::SyncFails, "head", ["head", "Input/output error"]),
    ];
    for (what, file, said) in rows {
        let mut case = Case::start(&[]).await;
        let refusals = case.while_sending(|disk| disk.disk().set_fault(Some(Fault::new(what, file)))).await;
        let name = format!("{what:?} of {file}");
        all_unavailable(&refusals);
        let (code, stderr) = case.ended().await;
        assert_eq!(code, Some(5), "{name}: {stderr}");
        for words in ["a write to the log failed"].iter().chain(&said) {
            assert!(stderr.contains(words), "{name}: {words} is not in: {stderr}");
        }
        assert!(case.disk.disk().faults_met() > 0, "{name}");
        case.disk.disk().set_fault(None);
        case.survives_a_cut();
        case.goes_on().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_ends_the_server_and_with_space_it_goes_on() {
    if !available() {
        return;
    }
    let mut case = Case::start(&["--min-free", "0"]).await;
    // Not a whole number of anything: the last write is cut short, and the next one finds no room.
    let full = |disk: &Mounted| {
        let mut disk = disk.disk();
        let used = disk.used();
        disk.set_capacity(used + 100_003);
    };
    let refusals = case.while_sending(full).await;
    all_unavailable(&refusals);
    let (code, stderr) = case.ended().await;
    assert_eq!(code, Some(5), "{stderr}");
    assert!(stderr.contains("No space left on device"), "{stderr}");
    case.survives_a_cut();
    // A start needs room for its copy, and says so; nothing is changed by that.
    let (status, stderr) = Server::try_start(&PROGRAMS, &case.data(), &[]).err().expect("no room");
    assert!(status.code() == Some(2) && stderr.contains("are needed"), "{status}: {stderr}");
    case.disk.disk().set_capacity(ROOM);
    case.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_answer_counts_as_failed() {
    if !available() {
        return;
    }
    let mut case = Case::start(&["--commit-limit-seconds", "1"]).await;
    let refusals = case.while_sending(|disk| disk.disk().set_fault(Some(Fault::new(What::SyncHangs, "db")))).await;
    all_unavailable(&refusals);
    assert!(case.disk.hanging() > 0, "they heard it while the disk was still silent");
    // The kernel keeps a process until the disk lets go of it; its end is decided before.
    case.disk.disk().set_fault(None);
    case.disk.let_go();
    let (code, stderr) = case.ended().await;
    assert_eq!(code, Some(5), "{stderr}");
    assert!(stderr.contains("a commit has not ended after 1 seconds"), "{stderr}");
    case.survives_a_cut();
    case.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_take_half_are_finished() {
    if !available() {
        return;
    }
    let mut case = Case::start(&[]).await;
    case.disk.disk().set_fault(Some(Fault::new(What::ShortWrites, "db")));
    let channel = case.server().channel().await;
    for request in 0..20 {
        case.answered.results.extend(record(&channel, first(0, request)).await.expect("it records"));
    }
    assert!(case.disk.disk().faults_met() > 20, "every write was short, many times over");
    case.survives_a_cut();
    case.answered.hold(case.server()).await;
    assert_eq!(case.server.take().expect("a server").terminate().code(), Some(0));
    case.disk.disk().set_fault(None);
    case.goes_on().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn little_room_refuses_writes_before_the_log_is_touched_and_reads_go_on() {
    if !available() {
        return;
    }
    const MIN_FREE: u64 = 1 << 20;
    let mut case = Case::start(&["--min-free", &MIN_FREE.to_string()]).await;
    let channel = case.server().channel().await;
    record(&channel, first(0, 0)).await.expect("there is room");
    let free = |bytes: u64| {
        let mut disk = case.disk.disk();
        let used = disk.used();
        disk.set_capacity(used + bytes);
    };
    let written = || {
        let disk = case.disk.disk();
        let bytes = disk.ops().iter().map(|op| if let Op::Write { bytes, .. } = op { bytes.len() } else { 0 });
        bytes.sum::<usize>()
    };
    for round in 1..4 {
        free(MIN_FREE - 512);
        let (before, size_before) = (written(), size(case.server()).await);
        let refused = record(&channel, first(0, round)).await.expect_err("no room");
        let reason = refused.get_details_error_info().map(|info| info.reason);
        assert_eq!((refused.code(), reason.as_deref()), (Code::ResourceExhausted, Some("DISK_FULL")), "{refused:?}");
        assert_eq!((size(case.server()).await, written()), (size_before, before), "nothing was touched, reads go on");
        free(MIN_FREE + (1 << 20));
        record(&channel, first(0, round)).await.expect("there is room again");
        assert_eq!(size(case.server()).await, size_before + BATCH);
    }
    assert_eq!(case.server.take().expect("a server").terminate().code(), Some(0));
    case.disk.disk().set_capacity(ROOM);
    case.restart(&[]);
    assert_eq!(size(case.server()).await, 3 + 4 * BATCH);
}
