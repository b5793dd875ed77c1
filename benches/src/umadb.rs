//! `umadb`: recording beside an event store of the same kind. UmaDB gets the same events in the same batches from the same
//! client stack, each with its participant as the tag that its history is found by; it keeps no rules and no balances.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger_proto::v1;
use prost::Message;
use rustix::process::Signal;
use tonic::transport::Channel;

use crate::calls::{self, connect};
use crate::measure::{Bar, Failed, Report, interleaved, rate};
use crate::peer::{self, Peer};
use crate::ready::{self, Ready};
use crate::{Common, lives};

const EVENTS: u64 = 300_000;
/// Batches in flight, and the bar: times the events that UmaDB records.
const CASES: [(usize, Bar); 2] = [(1, Bar::None), (8, Bar::Ratio(2.0))];

/// What of `umadb.v1` an append needs, by the package's own contract.
#[derive(Clone, PartialEq, Message)]
struct AppendRequest {
    #[prost(message, repeated, tag = "1")]
    events: Vec<Event>,
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(string, tag = "1")]
    event_type: String,
    #[prost(string, repeated, tag = "2")]
    tags: Vec<String>,
    #[prost(bytes = "vec", tag = "3")]
    data: Vec<u8>,
    #[prost(string, tag = "4")]
    uuid: String,
}

#[derive(Clone, PartialEq, Message)]
struct AppendResponse {
    #[prost(uint64, tag = "1")]
    position: u64,
}

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let program = peer::python("umadb")?;
    let people = common.events.unwrap_or(EVENTS) / lives::EVENTS;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for (callers, bar) in CASES {
        let subject = || calls::ingested(common, &runtime, people, callers);
        let yardstick = || {
            let dir = common.folder()?;
            let address = peer::free_address()?;
            let mut command = Command::new(&program);
            command.args(["--listen", &address.to_string(), "--db-path"]).arg(dir.path()).stdout(Stdio::null());
            let mut server = Peer::start(command, Signal::TERM)?;
            server.wait_until(|| peer::listens(address))?;
            let work = work(people);
            let events = people * lives::EVENTS;
            runtime
                .block_on(async { append(connect(&format!("http://{address}")).await?, work, events, callers).await })
        };
        let (subject, yardstick) = interleaved(common.pairs, subject, yardstick)?;
        let case = format!("UmaDB {}, batches of 1,000, {callers} in flight", peer::version("umadb"));
        report.line(("umadb", &case, "events/s"), subject, Some(yardstick), bar)?;
    }
    Ok(())
}

fn work(people: u64) -> VecDeque<Vec<Ready>> {
    let request = |batch: Vec<v1::EventInput>| AppendRequest { events: batch.into_iter().map(event).collect() };
    let ready = |batch| Ready::new("selection/bench", &request(batch));
    lives::chains(people).into_iter().map(|chain| chain.into_iter().map(ready).collect()).collect()
}

fn event(input: v1::EventInput) -> Event {
    Event {
        event_type: lives::kind(&input).0.to_owned(),
        tags: vec![input.participant_id.clone()],
        data: input.encode_to_vec(),
        uuid: String::new(),
    }
}

/// Sends all batches, so many at once; events a second.
async fn append(channel: Channel, work: VecDeque<Vec<Ready>>, events: u64, in_flight: usize) -> Result<f64, Failed> {
    let last = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&last);
    let check = move |answer: &AppendResponse| {
        seen.fetch_max(answer.position, Ordering::Relaxed);
        Ok(())
    };
    let took = ready::send(channel, work, in_flight, "/umadb.v1.DCB/Append", check).await?;
    match last.load(Ordering::Relaxed) {
        last if last < events => Err(format!("{last} events instead of {events}").into()),
        _ => Ok(rate(events, took)),
    }
}
