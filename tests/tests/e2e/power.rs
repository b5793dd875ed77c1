//! The power goes under the real server. What its clients were answered is the measure: receipts and checkpoints.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ledger_faults::cut::Cutter;
use ledger_faults::cuts::{Promise, ROOM, judge, scratch};
use ledger_faults::disk::Disk;
use ledger_faults::mount::{Mounted, available};
use ledger_faults::rng::Rng;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_tests::life::{Programme, receipt, selections};
use ledger_tests::server::{Server, from};
use tonic::transport::Channel;

use crate::PROGRAMS;

const CLIENTS: u64 = 3;
/// People of one request; each has six events.
const PEOPLE: u64 = 8;
/// Requests of a client in one life of the server.
const REQUESTS: u64 = 12;
/// Cuts of the whole story, and how many of them a real server takes up.
const CUTS: usize = 60;
const TAKEN_UP: usize = 4;

/// Everything that clients were told, each with the number of operations the disk had seen by then.
type Told = Arc<Mutex<Vec<(usize, Promise)>>>;

fn request(first: u64) -> Vec<v1::EventInput> {
    (first..first + PEOPLE).flat_map(selections).collect()
}

/// The first persons of a client's requests in a life of the server.
fn requests(life: u64, client: u64) -> impl Iterator<Item = u64> {
    (0..REQUESTS).map(move |number| 1 + ((life * CLIENTS + client) * REQUESTS + number) * PEOPLE)
}

/// Sends until all is sent or the server is gone; now and then asks for a checkpoint.
async fn client(channel: Channel, disk: Arc<Mounted>, told: Told, requests: impl Iterator<Item = u64>) {
    let mut sender = EventServiceClient::new(channel.clone());
    let mut auditor = AuditServiceClient::new(channel);
    for (number, first) in requests.enumerate() {
        let events = request(first);
        let Ok(answer) = sender.record_events(from("selection/test", v1::RecordEventsRequest { events })).await else {
            return;
        };
        let results = answer.into_inner().results;
        let receipts = results.iter().map(receipt).map(|receipt| Promise::Receipt {
            position: receipt.position,
            leaf: receipt.leaf_hash.as_ref().try_into().expect("a hash"),
        });
        let now = disk.now();
        told.lock().expect("a list").extend(receipts.map(|receipt| (now, receipt)));
        if number % 4 == 3 {
            let ask = from("auditor/test", v1::GetCheckpointRequest { size: None });
            let Ok(answer) = auditor.get_checkpoint(ask).await else { return };
            let v1::GetCheckpointResponse { note, size, .. } = answer.into_inner();
            let now = disk.now();
            told.lock().expect("a list").push((now, Promise::Note { size, text: note }));
        }
    }
}

fn start(data: &Path) -> Server {
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/checkpoint.key");
    let key = key.to_str().expect("text");
    let started = Server::try_start(&PROGRAMS, data, &["--checkpoint-key", key, "--checkpoint-every", "1"]);
    started.unwrap_or_else(|(status, stderr)| panic!("{status}: {stderr}"))
}

/// Sends every request of the whole story again: each event is there once, each known receipt is answered again.
async fn everything_again(server: &Server, receipts: &BTreeMap<u64, ledger_log::Hash>) {
    let mut sender = EventServiceClient::new(server.channel().await);
    let mut positions = BTreeMap::new();
    for first in (0..3).flat_map(|life| (0..CLIENTS).flat_map(move |client| requests(life, client))) {
        let events = request(first);
        let answer = sender.record_events(from("selection/test", v1::RecordEventsRequest { events })).await;
        for result in &answer.expect("an answer").into_inner().results {
            let receipt = receipt(result);
            assert!(positions.insert(receipt.position, ()).is_none(), "position {} twice", receipt.position);
        }
    }
    let events = 3 * CLIENTS * REQUESTS * PEOPLE * 6;
    assert_eq!(positions.len() as u64, events);
    assert!(receipts.keys().all(|position| positions.contains_key(position)), "a receipt's position has another event");
    let mut auditor = AuditServiceClient::new(server.channel().await);
    let head = auditor.get_head(from("auditor/test", v1::GetHeadRequest::default())).await.expect("a head");
    // Three records of the programme, then each event once.
    assert_eq!(head.into_inner().size, 3 + events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_were_told_survives_cuts_and_nothing_is_doubled() {
    if !available() {
        return;
    }
    let disk = Arc::new(Mounted::new(Disk::new(ROOM)).expect("mounted"));
    let data = disk.path().join("data");
    let told = Told::default();
    let server = start(&data);
    Programme::begin(server.channel().await).await;
    let begun = disk.now();
    let mut server = Some(server);
    // Three lives: one ends in good order, one is killed under load, one is where the cuts end.
    for life in 0..3 {
        let server = server.take().unwrap_or_else(|| start(&data));
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..CLIENTS {
            let channel = server.channel().await;
            clients.spawn(client(channel, Arc::clone(&disk), Arc::clone(&told), requests(life, number)));
        }
        if life == 1 {
            clients.join_next().await.expect("a client").expect("it sent everything");
            server.kill();
            clients.join_all().await;
        } else {
            clients.join_all().await;
            assert_eq!(server.terminate().code(), Some(0));
        }
    }
    let told = Arc::into_inner(told).expect("clients are gone").into_inner().expect("a list");
    let ops = disk.disk().ops().to_vec();
    drop(disk);
    let mut rng = Rng::new(5);
    let mut moments: Vec<usize> = (0..CUTS).map(|_| begun + rng.below((ops.len() - begun) as u64) as usize).collect();
    moments.sort_unstable();
    let mut cutter = Cutter::new(&ops);
    let (mut promised, mut noted) = (0, 0);
    for (index, moment) in moments.into_iter().enumerate() {
        cutter.advance_to(moment);
        let image = cutter.image(&mut rng);
        let folder = || {
            let dir = tempfile::tempdir_in(scratch()).expect("a folder");
            image.write_to(dir.path()).expect("written");
            dir
        };
        let promises: Vec<&Promise> = told.iter().filter(|(at, _)| *at <= moment).map(|(_, told)| told).collect();
        let dir = folder();
        let kept = judge(&dir.path().join("data"), &promises, None, true);
        kept.unwrap_or_else(|broken| panic!("cut at {moment} of {}: {broken}", ops.len()));
        promised += promises.len();
        noted += promises.iter().filter(|promise| matches!(promise, Promise::Note { .. })).count();
        if index % (CUTS / TAKEN_UP) == 0 {
            let dir = folder();
            let server = start(&dir.path().join("data"));
            let receipts = promises.iter().filter_map(|promise| match promise {
                Promise::Receipt { position, leaf } => Some((*position, *leaf)),
                _ => None,
            });
            everything_again(&server, &receipts.collect()).await;
            assert_eq!(server.terminate().code(), Some(0));
            let data = dir.path().join("data");
            judge(&data, &promises, None, false).expect("what was told is still there");
        }
    }
    assert!(promised > CUTS * 100 && noted > CUTS, "{promised} {noted}");
}
