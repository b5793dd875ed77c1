//! Many at once, and ends without warning: exactly once, whatever happens in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use ledger_core::{State, run};
use ledger_log::{leaf_hash, record};
use ledger_proto::{Date, v1};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{Programme, at, event, person, ready, receipt, selected, selections, sender, uuid};
use ledger_tests::server::{Server, from};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::PROGRAMS;
use crate::api::{reason, server};

/// Every record's bytes; positions are gapless.
async fn records(channel: Channel) -> Vec<Bytes> {
    let mut client = AuditServiceClient::new(channel);
    let ask = v1::StreamRecordsRequest { from_position: 0, follow: false };
    let mut stream = client.stream_records(from("auditor/bpk", ask)).await.expect("a stream").into_inner();
    let mut records = Vec::new();
    while let Some(message) = stream.message().await.expect("a message") {
        assert_eq!(message.first_position, records.len() as u64);
        records.extend(message.records);
    }
    records
}

/// Sends a batch until it is answered; every third try is cut off at a moment of its own.
async fn insist(url: &str, seed: u64, events: &[v1::EventInput]) -> Vec<v1::RecordResult> {
    for attempt in 0u64.. {
        let channel = Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a connection");
        let mut client = EventServiceClient::new(channel);
        let request = from(&sender(&events[0]), v1::RecordEventsRequest { events: events.to_vec() });
        let cut = if attempt.is_multiple_of(3) { (seed * 997 + attempt * 131) % 4_000 } else { 30_000_000 };
        // Dropping the call resets its stream; dropping the client closes the connection.
        if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_micros(cut), client.record_events(request)).await {
            return answer.into_inner().results;
        }
    }
    unreachable!("attempts do not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_with_disconnects_record_each_event_once() {
    const CLIENTS: u64 = 64;
    const PEOPLE: u64 = 12;
    let (_folder, server) = server();
    let channel = server.channel().await;
    let programme = Programme::begin(channel.clone()).await;
    drop(programme);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let url = server.url.clone();
        clients.spawn(async move {
            let mut receipts = Vec::new();
            // Two clients send the same people's events: repeats race with originals.
            for number in (client / 2 * PEOPLE + 1..).take(PEOPLE as usize) {
                for (index, event) in ready(number).into_iter().enumerate() {
                    let results = insist(&url, client * 1_000 + number, &[event]).await;
                    receipts.push(((number, index), receipt(&results[0]).clone()));
                }
            }
            receipts
        });
    }
    let mut positions: BTreeMap<(u64, usize), u64> = BTreeMap::new();
    let mut truths = Vec::new();
    while let Some(receipts) = clients.join_next().await {
        for (event, receipt) in receipts.expect("a client") {
            let first = *positions.entry(event).or_insert(receipt.position);
            assert_eq!(first, receipt.position, "{event:?} has one position, whoever asks");
            truths.push(receipt);
        }
    }
    let records = records(channel).await;
    let events = (CLIENTS / 2 * PEOPLE * 6) as usize;
    assert_eq!(positions.values().collect::<BTreeSet<_>>().len(), events, "each event has a position of its own");
    assert_eq!(records.len(), 3 + events, "and nothing else is there");
    for receipt in truths {
        let stored = &records[usize::try_from(receipt.position).expect("small")];
        assert_eq!(receipt.leaf_hash.as_ref(), leaf_hash(stored).as_slice(), "position {}", receipt.position);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_answers_each_batch_in_order() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    Programme::begin(channel.clone()).await;
    let batch = |sequence, events| v1::RecordEventStreamRequest { sequence, events };
    let mut batches: Vec<_> = (1..=50).map(|number| batch(1_000 - number, selections(number))).collect();
    batches.insert(20, batch(7, Vec::new()));
    batches.push(batch(8, selections(1)));
    let sequences: Vec<_> = batches.iter().map(|batch| batch.sequence).collect();
    let mut client = EventServiceClient::new(channel);
    let request = from("selection/test", tokio_stream::iter(batches));
    let mut answers = client.record_event_stream(request).await.expect("a stream").into_inner();
    let (mut answered, mut next) = (Vec::new(), 3);
    while let Some(answer) = answers.message().await.expect("an answer") {
        answered.push(answer.sequence);
        match answer.sequence {
            7 => assert_eq!(answer.refusal.expect("a refusal").code, i32::from(Code::InvalidArgument)),
            8 => assert!(answer.results.iter().all(|result| receipt(result).repeated)),
            _ => {
                for result in &answer.results {
                    assert_eq!(receipt(result).position, next);
                    next += 1;
                }
            }
        }
    }
    assert_eq!(answered, sequences);
    assert_eq!(next, 3 + 300);

    let nobody = tonic::Request::new(tokio_stream::iter(Vec::new()));
    let refused = client.record_event_stream(nobody).await.expect_err("nobody");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "ACTOR_MISSING"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_not_read_from() {
    const BATCHES: u64 = 300;
    let (_folder, server) = server();
    let channel = server.channel().await;
    Programme::begin(channel.clone()).await;
    let events: Vec<_> = (1..=1_000).map(selected).collect();
    let (sender, receiver) = mpsc::channel(1);
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = sent.clone();
    tokio::spawn(async move {
        for sequence in 0..BATCHES {
            let batch = v1::RecordEventStreamRequest { sequence, events: events.clone() };
            sender.send(batch).await.expect("a reader");
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    let mut client = EventServiceClient::new(channel);
    let request = from("selection/test", ReceiverStream::new(receiver));
    let mut answers = client.record_event_stream(request).await.expect("a stream").into_inner();
    let mut before = u64::MAX;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = sent.load(std::sync::atomic::Ordering::SeqCst);
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before < BATCHES / 2, "{before} batches were taken from a client that reads no answer");
    for sequence in 0..BATCHES {
        let answer = answers.message().await.expect("an answer").expect("one");
        assert_eq!((answer.sequence, answer.results.len()), (sequence, 1_000));
    }
    assert!(answers.message().await.expect("the end").is_none());
}

/// A ledger with people whose incentives are due, whose run is planned for 31 August: four items each.
async fn due(server: &Server, people: u64) -> v1::PlanRunResponse {
    let programme = Programme::begin(server.channel().await).await;
    for first in (1..=people).step_by(1_000) {
        programme.record((first..first + 1_000).flat_map(ready).collect()).await;
    }
    let mut client = DisbursementServiceClient::new(server.channel().await);
    client.plan_run(from("officer/budi", plan(1))).await.expect("a plan").into_inner()
}

fn plan(number: u64) -> v1::PlanRunRequest {
    v1::PlanRunRequest {
        occurred_at: Some(at(8, 31)),
        run_id: uuid(9, number),
        as_of: Some(Date { year: 2020, month: 8, day: 31 }),
        ..Default::default()
    }
}

async fn get_run(channel: Channel) -> Result<v1::Run, Status> {
    let mut client = DisbursementServiceClient::new(channel);
    let run = client.get_run(from("auditor/bpk", v1::GetRunRequest { run_id: uuid(9, 1) })).await?;
    Ok(run.into_inner().run.expect("a run"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_goes_on_and_pays_each_item_once() {
    const PEOPLE: u64 = 3_000;
    let mut caught = false;
    for _ in 0..5 {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let server = Server::start(&PROGRAMS, &data);
        let items_sha256 = due(&server, PEOPLE).await.plan.expect("a plan").items_sha256;
        let approve = v1::ApproveRunRequest {
            occurred_at: Some(at(8, 31)),
            run_id: uuid(9, 1),
            items_sha256,
            ..Default::default()
        };
        let mut client = DisbursementServiceClient::new(server.channel().await);
        let request = from("approver/siti", approve.clone());
        let approving = tokio::spawn(async move { client.approve_run(request).await });
        let channel = server.channel().await;
        let at_work = loop {
            let run = get_run(channel.clone()).await.expect("a run");
            if run.instructed_count > 0 {
                break run;
            }
        };
        server.kill();
        caught |= at_work.closed_position.is_none();
        drop(approving.await);

        let server = Server::start(&PROGRAMS, &data);
        let channel = server.channel().await;
        let closed = loop {
            let run = get_run(channel.clone()).await.expect("a run");
            assert!(run.instructed_count >= at_work.instructed_count, "what was seen is durable");
            if run.state() == v1::RunState::Closed {
                break run;
            }
        };
        assert_eq!((closed.instructed_count, closed.held_count), (4 * PEOPLE, 0));
        let mut client = DisbursementServiceClient::new(channel.clone());
        let again = client.approve_run(from("approver/siti", approve)).await.expect("a repeat").into_inner();
        assert_eq!((again.instructed_count, again.approved.map(|r| r.repeated)), (4 * PEOPLE, Some(true)));
        let (mut paid, mut closings) = (BTreeSet::new(), 0);
        for bytes in records(channel).await {
            let record = record::decode(&bytes).expect("a record");
            match record.event {
                ledger_core::Event::PayoutInstructed(e) => {
                    let item = (record.participant.map(|id| id.0), e.entitlement);
                    assert!(paid.insert(item), "{item:?} is instructed twice");
                }
                ledger_core::Event::DisbursementRunClosed(_) => closings += 1,
                _ => {}
            }
        }
        assert_eq!((paid.len() as u64, closings), (4 * PEOPLE, 1));
        assert_eq!(server.terminate().code(), Some(0));
        if caught {
            return;
        }
    }
    panic!("no kill came in the middle of a run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_of_one_state_whatever_changes_meanwhile() {
    const PEOPLE: u64 = 3_000;
    let (_folder, server) = server();
    let first = due(&server, PEOPLE).await;
    assert_eq!(first.plan.expect("a plan").totals[0].count, 4 * PEOPLE);
    let channel = server.channel().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let channel = channel.clone();
        writers.spawn(async move {
            let mut client = EventServiceClient::new(channel);
            // From the end, so that many change before a scan has come to them.
            for number in (1..=PEOPLE).rev().filter(|number| number % 8 == writer) {
                let unlinked = v1::PayoutAccountUnlinked { link_id: uuid(2, number) };
                let unlinked = event(number, at(5, 20), v1::event_input::Event::PayoutAccountUnlinked(unlinked));
                let request = from("account/test", v1::RecordEventsRequest { events: vec![unlinked] });
                client.record_events(request).await.expect("an answer");
            }
        });
    }
    let mut client = DisbursementServiceClient::new(channel.clone());
    let (mut plans, mut written) = (Vec::new(), 0);
    while written < 8 {
        let number = 2 + plans.len() as u64;
        let planned = client.plan_run(from("officer/budi", plan(number))).await.expect("a plan").into_inner();
        plans.push((planned.plan.expect("a plan"), planned.receipt.expect("a receipt").position));
        while writers.try_join_next().is_some_and(|writer| writer.is_ok()) {
            written += 1;
        }
    }
    let records = records(channel).await;
    let (mut then, mut between) = (State::new(), 0);
    for (planned, position) in &plans {
        let (from, to) = (then.size(), planned.known_at);
        for bytes in &records[usize::try_from(from).expect("small")..usize::try_from(to).expect("small")] {
            then.apply(&record::decode(bytes).expect("a record"), &mut |_| {}).expect("it folds");
        }
        let plan = run::plan(&then, "2020-08-31".parse().expect("a date"));
        assert_eq!(planned.items_sha256.as_ref(), plan.digest.0, "the plan of the state at {}", planned.known_at);
        between += position - planned.known_at;
    }
    assert!(between > 0, "nothing changed while a plan was made: this test saw nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_serves_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let first = Server::start(&PROGRAMS, &data);
    let planned = due(&first, 1_000).await;
    assert_eq!(first.terminate().code(), Some(0));
    let server = Server::try_start(&PROGRAMS, &data, &["--min-free", "9000000000000000000"]).expect("a server");
    let channel = server.channel().await;
    let full = |what: &str, status: Status| {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "DISK_FULL"), "{what}");
    };
    let mut events = EventServiceClient::new(channel.clone());
    let batch = v1::RecordEventsRequest { events: vec![selected(5_000)] };
    full("events", events.record_events(from("selection/test", batch.clone())).await.expect_err("full"));
    let stream = tokio_stream::iter(
        [1, 2].map(|sequence| v1::RecordEventStreamRequest { sequence, events: batch.events.clone() }),
    );
    let mut answers = events.record_event_stream(from("selection/test", stream)).await.expect("a stream").into_inner();
    for sequence in [1, 2] {
        let answer = answers.message().await.expect("an answer").expect("one");
        assert_eq!(answer.sequence, sequence);
        assert_eq!(answer.refusal.expect("a refusal").code, i32::from(Code::ResourceExhausted));
    }
    let mut runs = DisbursementServiceClient::new(channel.clone());
    full("plan", runs.plan_run(from("officer/budi", plan(2))).await.expect_err("full"));
    let approve = v1::ApproveRunRequest {
        occurred_at: Some(at(8, 31)),
        run_id: uuid(9, 1),
        items_sha256: planned.plan.expect("a plan").items_sha256,
        ..Default::default()
    };
    full("approve", runs.approve_run(from("approver/siti", approve)).await.expect_err("full"));
    let mut programme = ProgrammeServiceClient::new(channel.clone());
    let job = v1::RunDeadlinesRequest { as_of: Some(Date { year: 2020, month: 8, day: 1 }), ..Default::default() };
    full("job", programme.run_deadlines(from("officer/cron", job)).await.expect_err("full"));

    let mut people = ParticipantServiceClient::new(channel.clone());
    let one = v1::GetParticipantRequest { participant_id: person(1), ..Default::default() };
    people.get_participant(from("officer/budi", one)).await.expect("reads go on");
    let all = v1::ListParticipantsRequest { page_size: 1_000, ..Default::default() };
    let page = people.list_participants(from("officer/budi", all)).await.expect("reads go on").into_inner();
    assert!(!page.participants.is_empty());
    programme.get_wave_summary(from("officer/budi", v1::GetWaveSummaryRequest { wave: 1 })).await.expect("reads go on");
    assert_eq!(get_run(channel).await.expect("reads go on").state(), v1::RunState::Planned);
}
