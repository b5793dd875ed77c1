//! `service`: what callers feel while the server is at work: reads beside 50,000 events/s, and writes beside a run over
//! everybody.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger_proto::{Date, v1};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::calls::{connect, send};
use crate::child::Listening;
use crate::measure::{Bar, Failed, Report, percentile, rate};
use crate::{Common, lives};

/// Events a second in the background.
const BACKGROUND: u64 = 50_000;
const BATCH: u64 = 1_000;
/// How long reads are measured.
const READS: Duration = Duration::from_secs(15);

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let server = Listening::server(dir.path())?;
    let people = u64::from(common.participants);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let channel = connect(&server.url).await?;
        lives::begin(channel.clone()).await?;
        fill(channel.clone(), people).await?;
        eprintln!("{people} participants; the server holds {} MiB", server.resident()? >> 20);
        reads(&server.url, people, report).await?;
        a_run(&server.url, people, report).await
    })?;
    server.terminate()
}

/// Brings everybody to the first due incentive.
async fn fill(channel: Channel, people: u64) -> Result<(), Failed> {
    let mut rates = Vec::new();
    let mut first = 0;
    while first < people {
        // What is sent is kept in memory: a part at a time.
        let last = people.min(first + 50_000);
        let numbers: Vec<u64> = (first..last).collect();
        let work: VecDeque<_> = numbers.chunks(BATCH as usize).map(lives::stages).collect();
        rates.push(send(channel.clone(), work, 8).await?);
        first = last;
    }
    eprintln!("recorded at {:.0} events/s", rates.iter().sum::<f64>() / rates.len().max(1) as f64);
    Ok(())
}

/// `GetParticipant` while surveys are recorded.
async fn reads(url: &str, people: u64, report: &mut Report) -> Result<(), Failed> {
    let stop = Arc::new(AtomicBool::new(false));
    let recorded = Arc::new(AtomicU64::new(0));
    let background = tokio::spawn(record(connect(url).await?, people, Arc::clone(&stop), Arc::clone(&recorded)));
    let start = Instant::now();
    let mut readers = JoinSet::new();
    for reader in 0..4u64 {
        let channel = connect(url).await?;
        readers.spawn(async move {
            let mut client = ParticipantServiceClient::new(channel);
            let mut took = Vec::new();
            let mut number = reader;
            while start.elapsed() < READS {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let asked = v1::GetParticipantRequest {
                    participant_id: lives::person((number >> 33) % people),
                    ..Default::default()
                };
                let request = lives::from("auditor/bench", asked)?;
                let sent = Instant::now();
                client.get_participant(request).await?;
                took.push(sent.elapsed());
                // Staff ask now and then, not as fast as they can.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok::<_, Failed>(took)
        });
    }
    let mut pages = pages(connect(url).await?, start).await?;
    let mut took = Vec::new();
    while let Some(read) = readers.join_next().await {
        took.extend(read??);
    }
    stop.store(true, Ordering::Relaxed);
    let events = rate(recorded.load(Ordering::Relaxed), start.elapsed());
    background.await??;
    report.line(
        ("service", "recorded beside the reads", "events/s"),
        events,
        None,
        Bar::AtLeast(0.95 * BACKGROUND as f64),
    )?;
    report.line(("service", "GetParticipant p50", "ms"), percentile(&mut took, 0.5), None, Bar::None)?;
    report.line(("service", "GetParticipant p99", "ms"), percentile(&mut took, 0.99), None, Bar::AtMost(5.0))?;
    report.line(("service", "ListParticipants page p99", "ms"), percentile(&mut pages, 0.99), None, Bar::AtMost(20.0))
}

/// `ListParticipants`, page after page: everybody, a region where nobody is, those without an account.
async fn pages(channel: Channel, start: Instant) -> Result<Vec<Duration>, Failed> {
    let mut client = ParticipantServiceClient::new(channel).max_decoding_message_size(16 << 20);
    let filters = [
        v1::ListParticipantsRequest::default(),
        v1::ListParticipantsRequest { region: "11.01".to_owned(), ..Default::default() },
        v1::ListParticipantsRequest { held_reason: v1::HeldReason::NoAccount.into(), ..Default::default() },
    ];
    let mut tokens = [const { String::new() }; 3];
    let mut took = Vec::new();
    while start.elapsed() < READS {
        for (filter, token) in filters.iter().zip(&mut tokens) {
            let asked = v1::ListParticipantsRequest { page_token: token.clone(), ..filter.clone() };
            let request = lives::from("auditor/bench", asked)?;
            let sent = Instant::now();
            let page = client.list_participants(request).await?.into_inner();
            took.push(sent.elapsed());
            *token = page.next_page_token;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(took)
}

/// Surveys of one participant after the other, at the background's pace.
async fn record(channel: Channel, people: u64, stop: Arc<AtomicBool>, recorded: Arc<AtomicU64>) -> Result<(), Failed> {
    let start = Instant::now();
    let mut next = 0;
    let mut calls = JoinSet::new();
    while !stop.load(Ordering::Relaxed) && next + BATCH <= 3 * people {
        let due = start + Duration::from_secs(1).mul_f64(next as f64 / BACKGROUND as f64);
        tokio::time::sleep_until(due.into()).await;
        if calls.len() >= 8
            && let Some(call) = calls.join_next().await
        {
            call??;
        }
        let one = |n: u64| lives::survey(n % people, u32::try_from(n / people).unwrap_or(2) + 1);
        let request =
            lives::from("survey/bench", v1::RecordEventsRequest { events: (next..next + BATCH).map(one).collect() })?;
        let (mut client, recorded) = (EventServiceClient::new(channel.clone()), Arc::clone(&recorded));
        calls.spawn(async move {
            lives::all_in(client.record_events(request).await?.get_ref())?;
            recorded.fetch_add(BATCH, Ordering::Relaxed);
            Ok::<(), Failed>(())
        });
        next += BATCH;
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    Ok(())
}

/// Another caller's single events, without and beside a run over everybody.
async fn a_run(url: &str, people: u64, report: &mut Report) -> Result<(), Failed> {
    let alone = Arc::new(AtomicBool::new(false));
    let beside = Arc::new(AtomicBool::new(false));
    let caller = tokio::spawn(single(connect(url).await?, people, Arc::clone(&alone)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    alone.store(true, Ordering::Relaxed);
    let mut before = caller.await??;
    let caller = tokio::spawn(single(connect(url).await?, people + 1_000_000, Arc::clone(&beside)));
    let start = Instant::now();
    let mut client = DisbursementServiceClient::new(connect(url).await?).max_decoding_message_size(16 << 20);
    let as_of = Some(Date { year: 2020, month: 11, day: 20 });
    let plan = v1::PlanRunRequest {
        occurred_at: Some(lives::at(11, 20)),
        run_id: lives::uuid(9, 1),
        as_of,
        ..Default::default()
    };
    let planned = client.plan_run(lives::from("officer/budi", plan)?).await?.into_inner();
    let planning = start.elapsed();
    let approve = v1::ApproveRunRequest {
        occurred_at: Some(lives::at(11, 20)),
        run_id: lives::uuid(9, 1),
        items_sha256: planned.plan.ok_or("no plan")?.items_sha256,
        ..Default::default()
    };
    client.approve_run(lives::from("approver/siti", approve)?).await?;
    let whole = start.elapsed();
    beside.store(true, Ordering::Relaxed);
    let mut during = caller.await??;
    let most = during.iter().max().copied().unwrap_or_default();
    eprintln!("planned in {planning:.1?}, planned and paid in {whole:.1?}; longest wait beside it {most:.1?}");
    let (before, during) = (percentile(&mut before, 0.99), percentile(&mut during, 0.99));
    report.line(("service", "RecordEvents p99 beside a run", "ms"), during, Some(before), Bar::None)?;
    report.line(("service", "what the run adds to it", "ms"), during - before, None, Bar::AtMost(50.0))
}

/// One event after the other, each of a new participant.
async fn single(channel: Channel, first: u64, stop: Arc<AtomicBool>) -> Result<Vec<Duration>, Failed> {
    let mut client = EventServiceClient::new(channel);
    let mut took = Vec::new();
    let mut number = first;
    while !stop.load(Ordering::Relaxed) {
        let events = lives::ready(number).into_iter().take(1).collect();
        let request = lives::from("selection/bench", v1::RecordEventsRequest { events })?;
        let sent = Instant::now();
        lives::all_in(client.record_events(request).await?.get_ref())?;
        took.push(sent.elapsed());
        number += 1;
    }
    Ok(took)
}
