//! `startup`: how long the server takes from its start to `listening on`, with a snapshot of the state, and what callers feel
//! while one is written.
//!
//! The log holds whole lives and its segments. With `--data DIR` it is built there once and used again. Yardstick: reading the
//! bytes that such a start must read, the snapshot and the records behind it, and doing nothing with them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cohort_sim::SchemeName;
use ledger_log::{Batch, Log, Options, Snapshot};
use ledger_proto::v1;
use ledger_proto::v1::event_input::Event;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use tonic::transport::Channel;

use crate::calls::connect;
use crate::child::Listening;
use crate::measure::{Bar, Failed, Report, interleaved, percentile, rate, timed};
use crate::{Common, history, lives};

const EVENTS: u64 = 10_000_000;
/// Records of one commit while the log is built.
const COMMIT: usize = 8_190;
/// Records of a segment.
const SEGMENT: u64 = 1 << 20;
/// The wave of those who are selected while it is measured; no cohort has so many.
const WAVE: u32 = 9_000;
/// Numbers of people from which on another caller takes them.
const OTHERS: u64 = 1_000_000_000;
/// People of a call that only fills the log.
const FILL: u64 = 1_000;
/// How long callers are measured without a snapshot.
const ALONE: Duration = Duration::from_secs(5);
/// A start's bar for a log of up to twice [`EVENTS`], and for a longer one, seconds.
const BARS: [f64; 2] = [2.0, 10.0];
/// Most that a commit may take, p99, while a snapshot is written, milliseconds.
const BESIDE: f64 = 50.0;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let folder = common.folder()?;
    let data = common.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let events = common.events.unwrap_or(EVENTS);
    if !data.join("head").exists() {
        let (size, took) = timed(|| build(&data, events))?;
        eprintln!("{size} records built at {:.0}/s", rate(size, took));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let commits = runtime.block_on(commits(&data, report))?;
    eprintln!("{commits} commits were measured");
    let bar = Bar::AtMost(if events <= 2 * EVENTS { BARS[0] } else { BARS[1] });
    start("short tail", &data, common, bar, report)?;
    runtime.block_on(longest_tail(&data))?;
    start("longest tail", &data, common, bar, report)
}

/// A log of about so many records of whole lives, in segments.
fn build(data: &Path, events: u64) -> Result<u64, Failed> {
    let (mut writer, _, _) = Log::open(data, &Options::default())?;
    let mut batch = Batch::new();
    history::for_each_record(history::year(events, SchemeName::SemiBansos), |record| {
        batch.push(record)?;
        if batch.len() == COMMIT {
            writer.append(writer.head().size, &batch)?;
            batch.clear();
        }
        Ok(())
    })?;
    writer.append(writer.head().size, &batch)?;
    Ok(writer.close()?.size)
}

/// A server that writes a snapshot after so many records.
fn server(data: &Path, every: u64) -> Result<Listening, Failed> {
    Listening::server_with(data, &["--snapshot-every", &every.to_string()])
}

/// Single events, one caller: without a snapshot being written, then beside one and the sealing of a segment.
async fn commits(data: &Path, report: &mut Report) -> Result<usize, Failed> {
    Snapshot::remove(data)?;
    let alone = server(data, 0)?;
    let channel = connect(&alone.url).await?;
    let mut next = begin(channel.clone()).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let caller = tokio::spawn(single(channel.clone(), next, Arc::clone(&stop)));
    tokio::time::sleep(ALONE).await;
    stop.store(true, Ordering::Relaxed);
    let mut before = caller.await??;
    next += before.len() as u64;
    // Up to the end of a segment, so that the next callers fill it.
    let room = |size: u64| SEGMENT - size % SEGMENT;
    while room(size(channel.clone()).await?) > FILL * lives::EVENTS {
        fill(channel.clone(), next, FILL).await?;
        next += FILL;
    }
    alone.terminate()?;

    let beside = Listening::server_with(data, &[])?;
    let channel = connect(&beside.url).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let caller = tokio::spawn(single(channel.clone(), next, Arc::clone(&stop)));
    let segment = size(channel.clone()).await? / SEGMENT;
    let mut filling = OTHERS + next;
    // A snapshot was due at the start. The segment is filled beside it, by another caller.
    while !data.join("snapshot").exists() || size(channel.clone()).await? / SEGMENT == segment {
        fill(channel.clone(), filling, 20).await?;
        filling += 20;
        if started.elapsed() > Duration::from_secs(600) {
            return Err("no snapshot after ten minutes".into());
        }
    }
    let took = started.elapsed();
    stop.store(true, Ordering::Relaxed);
    let mut during = caller.await??;
    beside.terminate()?;
    let bytes = Snapshot::open(data)?.ok_or("no snapshot")?.bytes();
    eprintln!("a snapshot of {} MiB was written in {took:.1?}, beside {} calls", bytes >> 20, during.len());
    for (case, share, bar) in [("p50", 0.5, Bar::None), ("p99", 0.99, Bar::AtMost(BESIDE)), ("max", 1.0, Bar::None)] {
        let (with, without) = (percentile(&mut during, share), percentile(&mut before, share));
        let case = format!("commit beside a snapshot, {case}");
        report.line(("startup", &case, "ms"), with, Some(without), bar)?;
    }
    Ok(before.len() + during.len())
}

/// Opens a wave for those who are selected while it is measured; gives the first of them who is not there yet.
async fn begin(channel: Channel) -> Result<u64, Failed> {
    let mut client = ProgrammeServiceClient::new(channel.clone());
    let open = v1::OpenWaveRequest {
        occurred_at: Some(lives::at(4, 2)),
        wave: WAVE,
        scheme_id: "semi-bansos".to_owned(),
        // The cohort's own year is over.
        year: 2021,
        quota: 100_000_000,
        ..Default::default()
    };
    client.open_wave(lives::from("officer/budi", open)?).await?;
    // Numbers grow with the log: those of an earlier run are not used again.
    Ok(2 * size(channel).await?)
}

async fn size(channel: Channel) -> Result<u64, Failed> {
    let ask = lives::from("auditor/bench", v1::GetHeadRequest::default())?;
    Ok(AuditServiceClient::new(channel).get_head(ask).await?.into_inner().size)
}

fn ready(number: u64) -> [v1::EventInput; lives::EVENTS as usize] {
    let mut events = lives::ready(number);
    if let Some(Event::Selected(selected)) = &mut events[0].event {
        selected.wave = WAVE;
    }
    events
}

/// Whole chains of so many people, a call for each event of theirs: each has its own sender.
async fn fill(channel: Channel, first: u64, people: u64) -> Result<(), Failed> {
    let mut stages = vec![Vec::new(); lives::EVENTS as usize];
    for number in first..first + people {
        ready(number).into_iter().zip(&mut stages).for_each(|(event, stage)| stage.push(event));
    }
    let mut client = EventServiceClient::new(channel);
    for events in stages {
        let request = lives::from(lives::sender(&events)?, v1::RecordEventsRequest { events })?;
        lives::all_in(client.record_events(request).await?.get_ref())?;
    }
    Ok(())
}

/// One event after the other.
async fn single(channel: Channel, first: u64, stop: Arc<AtomicBool>) -> Result<Vec<Duration>, Failed> {
    let mut client = EventServiceClient::new(channel);
    let mut took = Vec::new();
    for event in (first..).flat_map(ready) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let events = vec![event];
        let request = lives::from(lives::sender(&events)?, v1::RecordEventsRequest { events })?;
        let sent = Instant::now();
        lives::all_in(client.record_events(request).await?.get_ref())?;
        took.push(sent.elapsed());
    }
    Ok(took)
}

/// Records as many behind the snapshot as there may be.
async fn longest_tail(data: &Path) -> Result<(), Failed> {
    let server = server(data, 0)?;
    let channel = connect(&server.url).await?;
    let known = Snapshot::open(data)?.ok_or("no snapshot")?.head().size;
    let mut next = 2 * OTHERS + 2 * size(channel.clone()).await?;
    while size(channel.clone()).await? < known + SEGMENT.max(known / 64) {
        fill(channel.clone(), next, FILL).await?;
        next += FILL;
    }
    server.terminate()
}

/// The start, beside reading what it must read.
fn start(tail: &str, data: &Path, common: &Common, bar: Bar, report: &mut Report) -> Result<(), Failed> {
    let subject = || {
        let (server, took) = timed(|| server(data, 0))?;
        server.terminate()?;
        Ok(took.as_secs_f64())
    };
    let yardstick = || {
        let (bytes, took) = timed(|| read(data))?;
        eprintln!("{} MiB read in {took:.1?}", bytes >> 20);
        Ok(took.as_secs_f64())
    };
    let (took, read) = interleaved(common.pairs, subject, yardstick)?;
    report.line(("startup", &format!("start, {tail}"), "s"), took, Some(read), bar)
}

/// Reads the snapshot, the segments behind it and the live volumes; gives how many bytes.
fn read(data: &Path) -> Result<u64, Failed> {
    let known = Snapshot::open(data)?.ok_or("no snapshot")?.head().size;
    let mut files = vec![data.join("snapshot")];
    let names = |folder: &Path| -> Result<Vec<PathBuf>, Failed> {
        Ok(fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
    };
    for path in names(&data.join("segments"))? {
        let first = path.file_stem().and_then(|name| name.to_str()?.parse::<u64>().ok());
        files.extend(first.filter(|first| first + SEGMENT > known).map(|_| path));
    }
    for volume in names(&data.join("live"))? {
        files.push(volume.join("db"));
    }
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 20]);
    for path in files {
        let mut file = File::open(path)?;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => bytes += read as u64,
            }
        }
    }
    Ok(bytes)
}
