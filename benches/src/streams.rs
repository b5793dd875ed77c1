//! `streams`: partners' streams of instructions. Two hundred that wait at the end of the log, one of which never reads, while
//! 20,000 instructions a second are made; then one from the beginning, beside a bare server that streams the same messages.

use std::time::{Duration, Instant};

use ledger_proto::v1::event_input::Event;
use ledger_proto::{Date, v1};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Streaming;

use crate::calls::{connect, send};
use crate::child::Listening;
use crate::measure::{Bar, Failed, Report, interleaved, percentile, rate};
use crate::{Common, lives};

/// Streams that wait at the end; the last one never reads.
const STREAMS: usize = 200;
/// Whose they are, in turn.
const PARTNERS: [(v1::Partner, &str); 5] = [
    (v1::Partner::Bank, "partner/bank"),
    (v1::Partner::Linkaja, "partner/linkaja"),
    (v1::Partner::Ovo, "partner/ovo"),
    (v1::Partner::Gopay, "partner/gopay"),
    (v1::Partner::Dana, "partner/dana"),
];
/// Instructions of a run; there is a run a second.
const EACH: u64 = 20_000;
/// Runs: the payments of each fall due a day after those of the one before.
const RUNS: u64 = 10;
/// How often the log's size is looked at.
const GLANCE: Duration = Duration::from_millis(5);

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let (server, bare) = (Listening::server(dir.path())?, Listening::echo()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        lives::begin(connect(&server.url).await?).await?;
        fill(&server.url).await?;
        tails(&server, report).await
    })?;
    let count = RUNS * EACH / PARTNERS.len() as u64;
    let one = |url: &str| runtime.block_on(from_the_beginning(url, count));
    let (subject, yardstick) = interleaved(common.pairs, || one(&server.url), || one(&bare.url))?;
    report.line(
        ("streams", "one stream from the beginning", "instructions/s"),
        subject,
        Some(yardstick),
        Bar::Ratio(0.3),
    )?;
    server.terminate()
}

/// A participant's life: whose account it is goes round, what is due on which day comes in order.
fn life(number: u64) -> Vec<v1::EventInput> {
    let day = 1 + i32::try_from(number / EACH).unwrap_or_default();
    let mut events = lives::ready(number).to_vec();
    for input in &mut events {
        match &mut input.event {
            Some(Event::PayoutAccountLinked(link)) => link.partner = partner_of(number).0.into(),
            Some(Event::TrainingCompleted(_) | Event::CertificateIssued(_) | Event::TrainingReviewed(_)) => {
                input.occurred_at = Some(lives::at(5, day));
            }
            _ => {}
        }
    }
    events
}

fn partner_of(number: u64) -> (v1::Partner, &'static str) {
    PARTNERS[usize::try_from(number).unwrap_or_default() % PARTNERS.len()]
}

async fn fill(url: &str) -> Result<(), Failed> {
    let people: Vec<u64> = (0..RUNS * EACH).collect();
    for part in people.chunks(50_000) {
        let chains = part.chunks(1_000).map(|numbers| {
            let lives: Vec<_> = numbers.iter().map(|number| life(*number)).collect();
            let stage = |event: usize| lives.iter().map(|life| life[event].clone()).collect();
            (0..usize::try_from(lives::EVENTS).unwrap_or_default()).map(stage).collect()
        });
        send(connect(url).await?, chains.collect(), 8).await?;
    }
    Ok(())
}

/// What a stream got: the first position of each message, and when.
type Got = Vec<(u64, Instant)>;

/// How far streams lag behind the log.
async fn tails(server: &Listening, report: &mut Report) -> Result<(), Failed> {
    let before = server.resident()?;
    let (done, is_done) = watch::channel(false);
    let mut tails = JoinSet::new();
    for number in 0..STREAMS - 1 {
        let stream = open(&server.url, partner_of(number as u64), true).await?;
        tails.spawn(tail(stream, RUNS * EACH / PARTNERS.len() as u64));
    }
    let stalled = open(&server.url, partner_of(STREAMS as u64 - 1), true).await?;
    let sizes = tokio::spawn(sizes(server.url.clone(), is_done));
    let start = Instant::now();
    for run in 0..RUNS {
        tokio::time::sleep_until((start + Duration::from_secs(run)).into()).await;
        disburse(&server.url, run).await?;
    }
    let made = rate(RUNS * EACH, start.elapsed().max(Duration::from_secs(RUNS)));
    let mut got = Vec::new();
    while let Some(tail) = tails.join_next().await {
        got.push(tail??);
    }
    let took = start.elapsed();
    let grown = server.resident()?.saturating_sub(before);
    done.send(true)?;
    let sizes = sizes.await??;
    drop(stalled);
    let mut lags: Vec<_> = got.iter().flatten().map(|(position, at)| lag(&sizes, *position, *at)).collect();
    let messages = got.iter().map(Vec::len).sum::<usize>();
    eprintln!("{messages} messages in {took:.1?}; the server grew by {} MiB", grown >> 20);
    report.line(("streams", "instructions made", "instructions/s"), made, None, Bar::AtLeast(0.95 * EACH as f64))?;
    report.line(
        ("streams", "lag of 199 beside a stalled one, p50", "ms"),
        percentile(&mut lags, 0.5),
        None,
        Bar::None,
    )?;
    report.line(("streams", "the same, longest", "ms"), percentile(&mut lags, 1.0), None, Bar::AtMost(1_000.0))?;
    report.line(
        ("streams", "memory that the server took meanwhile", "MiB"),
        (grown >> 20) as f64,
        None,
        Bar::AtMost(256.0),
    )
}

async fn open(
    url: &str,
    (partner, actor): (v1::Partner, &str),
    follow: bool,
) -> Result<Streaming<v1::StreamInstructionsResponse>, Failed> {
    let mut client = PayoutServiceClient::new(connect(url).await?).max_decoding_message_size(16 << 20);
    let ask = v1::StreamInstructionsRequest { partner: partner.into(), follow, ..Default::default() };
    Ok(client.stream_instructions(lives::from(actor, ask)?).await?.into_inner())
}

async fn tail(mut stream: Streaming<v1::StreamInstructionsResponse>, count: u64) -> Result<Got, Failed> {
    let (mut got, mut seen) = (Got::new(), 0);
    while seen < count {
        let message = stream.message().await?.ok_or("a stream ended")?;
        let first = message.instructions.first().ok_or("an empty message")?;
        got.push((first.instruction.parse()?, Instant::now()));
        seen += message.instructions.len() as u64;
    }
    Ok(got)
}

/// The log's durable size as time goes by.
async fn sizes(url: String, mut done: watch::Receiver<bool>) -> Result<Vec<(u64, Instant)>, Failed> {
    let mut client = AuditServiceClient::new(connect(&url).await?);
    let mut sizes = Vec::new();
    while !*done.borrow_and_update() {
        let head = client.get_head(lives::from("auditor/bench", v1::GetHeadRequest {})?).await?.into_inner();
        sizes.push((head.size, Instant::now()));
        tokio::time::sleep(GLANCE).await;
    }
    Ok(sizes)
}

/// Since when the log was seen to have that position; nothing where it came before that was seen.
fn lag(sizes: &[(u64, Instant)], position: u64, at: Instant) -> Duration {
    let seen = sizes.partition_point(|(size, _)| *size <= position);
    sizes.get(seen).map_or(Duration::ZERO, |(_, since)| at.saturating_duration_since(*since))
}

/// Plans and approves what is due on the run's day.
async fn disburse(url: &str, run: u64) -> Result<(), Failed> {
    let mut client = DisbursementServiceClient::new(connect(url).await?);
    let day = 6 + i32::try_from(run)?;
    let (occurred_at, run_id) = (Some(lives::at(5, day)), lives::uuid(9, run));
    let as_of = Some(Date { year: 2020, month: 5, day });
    let plan = v1::PlanRunRequest { occurred_at, run_id: run_id.clone(), as_of, ..Default::default() };
    let planned = client.plan_run(lives::from("officer/budi", plan)?).await?.into_inner();
    let items_sha256 = planned.plan.ok_or("no plan")?.items_sha256;
    let approve = v1::ApproveRunRequest { occurred_at, run_id, items_sha256, ..Default::default() };
    let closed = client.approve_run(lives::from("approver/siti", approve)?).await?.into_inner();
    if closed.instructed_count != EACH {
        return Err(format!("{} instructions instead of {EACH}", closed.instructed_count).into());
    }
    Ok(())
}

/// All instructions of one partner.
async fn from_the_beginning(url: &str, count: u64) -> Result<f64, Failed> {
    const TIMES: u64 = 5;
    let start = Instant::now();
    for _ in 0..TIMES {
        let mut stream = open(url, PARTNERS[3], false).await?;
        let mut seen = 0;
        while seen < count {
            seen += stream.message().await?.ok_or("a stream ended")?.instructions.len() as u64;
        }
    }
    Ok(rate(TIMES * count, start.elapsed()))
}
