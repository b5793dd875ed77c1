//! `umadb`: recording beside an event store of the same kind. UmaDB gets the same events in the same batches from the same
//! client stack, each with its participant as the tag that its history is found by; it keeps no rules and no balances.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ledger_proto::v1;
use prost::Message;
use rustix::process::Signal;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use crate::calls::{self, connect};
use crate::measure::{Bar, Failed, Report, interleaved, rate};
use crate::peer::{self, Peer};
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
            runtime.block_on(async { append(connect(&format!("http://{address}")).await?, work, callers).await })
        };
        let (subject, yardstick) = interleaved(common.pairs, subject, yardstick)?;
        let case = format!("UmaDB {}, batches of 1,000, {callers} in flight", peer::version("umadb"));
        report.line(("umadb", &case, "events/s"), subject, Some(yardstick), bar)?;
    }
    Ok(())
}

fn work(people: u64) -> VecDeque<Vec<AppendRequest>> {
    let request = |batch: Vec<v1::EventInput>| AppendRequest { events: batch.into_iter().map(event).collect() };
    lives::chains(people).into_iter().map(|chain| chain.into_iter().map(request).collect()).collect()
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
async fn append(channel: Channel, work: VecDeque<Vec<AppendRequest>>, in_flight: usize) -> Result<f64, Failed> {
    let count = work.iter().flatten().map(|request| request.events.len() as u64).sum::<u64>();
    let work = Arc::new(Mutex::new(work));
    let mut senders = JoinSet::new();
    let start = Instant::now();
    for _ in 0..in_flight {
        let (channel, work) = (channel.clone(), Arc::clone(&work));
        senders.spawn(async move {
            let mut client = Grpc::new(channel);
            let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let mut last = 0;
            // The batches of a chain wait for each other, as with the ledger.
            for request in std::iter::from_fn(next).flatten() {
                client.ready().await?;
                let method = PathAndQuery::from_static("/umadb.v1.DCB/Append");
                let codec = ProstCodec::<AppendRequest, AppendResponse>::default();
                last = last.max(client.unary(tonic::Request::new(request), method, codec).await?.get_ref().position);
            }
            Ok::<u64, Failed>(last)
        });
    }
    let mut last = 0;
    while let Some(sent) = senders.join_next().await {
        last = last.max(sent??);
    }
    let took = start.elapsed();
    if last < count { Err(format!("{last} events instead of {count}").into()) } else { Ok(rate(count, took)) }
}
