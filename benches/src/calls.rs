//! `unary` and `ingest`: recording over the wire, beside a bare tonic server that takes the same messages from the same
//! client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ledger_proto::v1;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::child::Listening;
use crate::measure::{Bar, Failed, Report, interleaved, rate};
use crate::ready::{self, Ready};
use crate::{Common, lives};

const IN_FLIGHT: usize = 256;
const BATCHES_IN_FLIGHT: usize = 8;

pub(crate) fn unary(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let people = common.events.unwrap_or(60_000) / lives::EVENTS;
    // A life is one event after the other; the lives go side by side.
    let work = || (0..people).map(|n| lives::ready(n).into_iter().map(|event| vec![event]).collect()).collect();
    let (subject, yardstick) = beside(common, IN_FLIGHT, work)?;
    report.line(("unary", "256 in flight", "events/s"), subject, Some(yardstick), Bar::Ratio(0.5))
}

pub(crate) fn ingest(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let people = common.events.unwrap_or(600_000) / lives::EVENTS;
    let work = || lives::chains(people);
    let (subject, yardstick) = beside(common, BATCHES_IN_FLIGHT, work)?;
    report.line(("ingest", "batches of 1,000, 8 in flight", "events/s"), subject, Some(yardstick), Bar::Ratio(0.2))
}

/// Calls that wait for each other.
pub(crate) type Chain = Vec<Vec<v1::EventInput>>;

/// Events a second of the ledger's server on a new log, and of the bare one.
fn beside(common: &Common, in_flight: usize, work: impl Fn() -> VecDeque<Chain>) -> Result<(f64, f64), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let subject = || {
        let work = work();
        new_server(common, &runtime, async |channel| send(channel, work, in_flight).await)
    };
    let yardstick = || {
        let server = Listening::echo()?;
        runtime.block_on(async { send(connect(&server.url).await?, work(), in_flight).await })
    };
    interleaved(common.pairs, subject, yardstick)
}

/// What is measured of the ledger's server on a new log.
fn new_server(
    common: &Common,
    runtime: &Runtime,
    measure: impl AsyncFnOnce(Channel) -> Result<f64, Failed>,
) -> Result<f64, Failed> {
    let dir = common.folder()?;
    let server = Listening::server(dir.path())?;
    let rate = runtime.block_on(async {
        let channel = connect(&server.url).await?;
        lives::begin(channel.clone()).await?;
        measure(channel).await
    })?;
    server.terminate()?;
    Ok(rate)
}

/// Events a second of the ledger's server, in batches of a thousand that are encoded before.
pub(crate) fn ingested(common: &Common, runtime: &Runtime, people: u64, callers: usize) -> Result<f64, Failed> {
    const METHOD: &str = "/prakerja.ledger.v1.EventService/RecordEvents";
    let ready =
        |events: Vec<v1::EventInput>| Ok(Ready::new(lives::sender(&events)?, &v1::RecordEventsRequest { events }));
    let chain = |chain: Chain| chain.into_iter().map(ready).collect::<Result<Vec<_>, Failed>>();
    let work = lives::chains(people).into_iter().map(chain).collect::<Result<VecDeque<_>, _>>()?;
    new_server(common, runtime, async |channel| {
        Ok(rate(people * lives::EVENTS, ready::send(channel, work, callers, METHOD, lives::all_in).await?))
    })
}

pub(crate) async fn connect(url: &str) -> Result<Channel, Failed> {
    Ok(Channel::from_shared(url.to_owned())?.connect().await?)
}

/// Sends all chains, so many at once; events a second.
pub(crate) async fn send(channel: Channel, work: VecDeque<Chain>, in_flight: usize) -> Result<f64, Failed> {
    let count = work.iter().flatten().map(Vec::len).sum::<usize>() as u64;
    let took = send_all(channel, work, in_flight).await?;
    Ok(rate(count, took))
}

async fn send_all(channel: Channel, work: VecDeque<Chain>, in_flight: usize) -> Result<Duration, Failed> {
    let work = Arc::new(Mutex::new(work));
    let mut senders = JoinSet::new();
    let start = std::time::Instant::now();
    for _ in 0..in_flight {
        let (channel, work) = (channel.clone(), Arc::clone(&work));
        senders.spawn(async move {
            let mut client = EventServiceClient::new(channel).max_decoding_message_size(16 << 20);
            let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(chain) = next() {
                for events in chain {
                    let request = lives::from(lives::sender(&events)?, v1::RecordEventsRequest { events })?;
                    lives::all_in(client.record_events(request).await?.get_ref())?;
                }
            }
            Ok::<(), Failed>(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    Ok(start.elapsed())
}
