//! `load`: sends requests from a file, one protobuf-JSON `LoadLine` a line, and may be run again without fear.
//!
//! Neighbouring lines of one actor and one kind go in one call. A call waits for the one before it: what a line rests on
//! was recorded before.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use ledger_proto::v1;
use ledger_proto::v1::load_line::Request as Line;
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use serde::Serialize;
use tokio::sync::mpsc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::cli::usage;
use crate::services::{ACTOR, MOST_ITEMS};

/// Arguments of `load`.
#[derive(clap::Args)]
pub struct Load {
    /// File of requests, one JSON document a line; `-` is standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Most events in one call.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=MOST_ITEMS as u64))]
    batch: u64,
    /// Only the closing JSON document on stdout (it is printed either way).
    #[arg(long)]
    json: bool,
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines read.
    pub read: u64,
    /// Recorded now.
    pub recorded: u64,
    /// Recorded before.
    pub repeated: u64,
    /// Refused.
    pub rejected: u64,
}

/// Why a load could not go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The server cannot be reached, or stopped.
    #[error("the server does not answer")]
    Server(#[source] Box<Status>),
    /// The address is none.
    #[error("the server cannot be reached")]
    Connect(#[from] tonic::transport::Error),
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Read(#[from] std::io::Error),
}

/// A line with its number, from 1; `Err` where it is no request.
pub type Numbered = (u64, Result<v1::LoadLine, String>);

/// Runs `load`.
pub async fn command(args: Load) -> ExitCode {
    let (lines, queue) = mpsc::channel(8);
    let file = args.file.clone();
    let reading = tokio::task::spawn_blocking(move || read(&file, &lines));
    let loaded = load(&args.to, queue, usize::try_from(args.batch).unwrap_or(MOST_ITEMS)).await;
    let read = reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let summary = match (loaded, read) {
        (Ok(summary), Ok(())) => summary,
        (_, Err(error)) => return usage(&format!("{}: {error}", args.file.display())),
        (Err(error), _) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            return usage(&format!("{}: {error}{source}", args.to));
        }
    };
    if !args.json {
        eprintln!("{} of {} lines are in", summary.recorded + summary.repeated, summary.read);
    }
    println!("{}", serde_json::to_string(&summary).unwrap_or_default());
    if summary.rejected > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// Lines handed over at a time.
const CHUNK: usize = 4_096;

fn read(file: &std::path::Path, lines: &mpsc::Sender<Vec<Numbered>>) -> std::io::Result<()> {
    let input: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(std::io::stdin()) } else { Box::new(std::fs::File::open(file)?) };
    let mut input = BufReader::with_capacity(1 << 20, input);
    let mut text = Vec::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    for number in 1.. {
        text.clear();
        if input.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        if !text.trim_ascii().is_empty() {
            chunk.push((number, serde_json::from_slice(&text).map_err(|error| error.to_string())));
        }
        if chunk.len() == CHUNK && lines.blocking_send(std::mem::take(&mut chunk)).is_err() {
            return Ok(());
        }
    }
    drop(lines.blocking_send(chunk));
    Ok(())
}

/// Sends numbered lines to a server; refusals go to stderr.
///
/// # Errors
///
/// The server cannot be reached or stops answering: what was sent may be sent again.
pub async fn load(to: &str, mut lines: mpsc::Receiver<Vec<Numbered>>, batch: usize) -> Result<Summary, LoadError> {
    let channel = Channel::from_shared(to.to_owned())
        .map_err(|error| LoadError::Server(Box::new(Status::invalid_argument(error.to_string()))))?
        .connect()
        .await?;
    let mut loader = Loader::new(channel, batch);
    while let Some(chunk) = lines.recv().await {
        for (number, line) in chunk {
            loader.take(number, line).await?;
        }
    }
    loader.send().await?;
    Ok(loader.summary)
}

#[derive(Default)]
enum Group {
    #[default]
    Empty,
    Events(Vec<v1::EventInput>),
    Outcomes(Vec<v1::OutcomeInput>),
}

struct Loader {
    channel: Channel,
    batch: usize,
    summary: Summary,
    group: Group,
    /// The actor and the line numbers of the group.
    actor: String,
    numbers: Vec<u64>,
    /// Digests of the plans that this load was answered with.
    plans: HashMap<String, bytes::Bytes>,
}

type Done<T> = Result<T, LoadError>;

impl Loader {
    fn new(channel: Channel, batch: usize) -> Self {
        let summary = Summary::default();
        Self {
            channel,
            batch,
            summary,
            group: Group::Empty,
            actor: String::new(),
            numbers: Vec::new(),
            plans: HashMap::new(),
        }
    }

    async fn take(&mut self, number: u64, line: Result<v1::LoadLine, String>) -> Done<()> {
        self.summary.read += 1;
        let line = match line {
            Ok(line) => line,
            Err(text) => {
                self.refuse(number, "INVALID_LINE", &text);
                return Ok(());
            }
        };
        let Some(request) = line.request else {
            self.refuse(number, "INVALID_LINE", "names no request");
            return Ok(());
        };
        if line.actor != self.actor || self.numbers.len() >= self.batch {
            self.send().await?;
            self.actor.clone_from(&line.actor);
        }
        match request {
            Line::Event(event) => {
                if let Group::Events(events) = &mut self.group {
                    events.push(event);
                } else {
                    self.send().await?;
                    self.group = Group::Events(vec![event]);
                }
                self.numbers.push(number);
            }
            Line::Outcome(outcome) => {
                if let Group::Outcomes(outcomes) = &mut self.group {
                    outcomes.push(outcome);
                } else {
                    self.send().await?;
                    self.group = Group::Outcomes(vec![outcome]);
                }
                self.numbers.push(number);
            }
            request => {
                self.send().await?;
                self.programme(number, request).await?;
            }
        }
        Ok(())
    }

    /// Sends the group.
    async fn send(&mut self) -> Done<()> {
        let numbers = std::mem::take(&mut self.numbers);
        let answered = match std::mem::take(&mut self.group) {
            Group::Empty => return Ok(()),
            Group::Events(events) => {
                let Some(request) = self.request(v1::RecordEventsRequest { events }) else {
                    return self.refuse_all(&numbers);
                };
                let mut client = EventServiceClient::new(self.channel.clone());
                client.record_events(request).await.map(|answer| answer.into_inner().results)
            }
            Group::Outcomes(outcomes) => {
                let Some(request) = self.request(v1::ReportOutcomesRequest { outcomes }) else {
                    return self.refuse_all(&numbers);
                };
                let mut client = PayoutServiceClient::new(self.channel.clone());
                client.report_outcomes(request).await.map(|answer| answer.into_inner().results)
            }
        };
        match answered {
            Ok(results) => {
                for (number, result) in numbers.into_iter().zip(results) {
                    self.count(number, result);
                }
                Ok(())
            }
            Err(status) => {
                for number in numbers {
                    self.refused(number, &status)?;
                }
                Ok(())
            }
        }
    }

    async fn programme(&mut self, number: u64, request: Line) -> Done<()> {
        macro_rules! call {
            ($client:ident, $method:ident, $message:expr) => {{
                let Some(request) = self.request($message) else { return self.refuse_all(&[number]) };
                $client::new(self.channel.clone()).$method(request).await.map(tonic::Response::into_inner)
            }};
        }
        let receipt = match request {
            Line::EnactScheme(m) => call!(ProgrammeServiceClient, enact_scheme, m).map(|r| r.receipt),
            Line::OpenWave(m) => call!(ProgrammeServiceClient, open_wave, m).map(|r| r.receipt),
            Line::CloseWave(m) => call!(ProgrammeServiceClient, close_wave, m).map(|r| r.receipt),
            Line::AppropriateFunds(m) => call!(ProgrammeServiceClient, appropriate_funds, m).map(|r| r.receipt),
            Line::CloseBalancePeriod(m) => call!(ProgrammeServiceClient, close_balance_period, m).map(|r| r.receipt),
            Line::PlanRun(m) => {
                let run = m.run_id.clone();
                let planned = call!(DisbursementServiceClient, plan_run, m);
                planned.map(|r| {
                    self.plans.insert(run, r.plan.map(|plan| plan.items_sha256).unwrap_or_default());
                    r.receipt
                })
            }
            Line::ApproveRun(mut m) => {
                if m.items_sha256.is_empty() {
                    m.items_sha256 = self.plans.get(&m.run_id).cloned().unwrap_or_default();
                }
                call!(DisbursementServiceClient, approve_run, m).map(|r| r.approved)
            }
            Line::Event(_) | Line::Outcome(_) => return Ok(()),
        };
        match receipt {
            Ok(receipt) => self.receipt(receipt.is_some_and(|receipt| receipt.repeated)),
            Err(status) => self.refused(number, &status)?,
        }
        Ok(())
    }

    /// A request of the present actor; `None` where its name cannot stand in metadata.
    fn request<T>(&self, message: T) -> Option<Request<T>> {
        let mut request = Request::new(message);
        let actor: MetadataValue<Ascii> = self.actor.parse().ok()?;
        request.metadata_mut().insert(ACTOR, actor);
        Some(request)
    }

    fn refuse_all(&mut self, numbers: &[u64]) -> Done<()> {
        for number in numbers {
            self.refuse(*number, "ACTOR_MISSING", "actor must be role/name in plain text");
        }
        Ok(())
    }

    fn count(&mut self, number: u64, result: v1::RecordResult) {
        use v1::record_result::Result as R;
        match result.result {
            Some(R::Receipt(receipt)) => {
                if result.exception_cause != 0 {
                    eprintln!("line {number}: kept as an exception at position {}", receipt.position);
                }
                self.receipt(receipt.repeated);
            }
            Some(R::Rejection(status)) => {
                let status = Status::with_details(
                    Code::from_i32(status.code),
                    status.message.clone(),
                    prost::Message::encode_to_vec(&status).into(),
                );
                self.refuse(number, &reason(&status), status.message());
            }
            None => self.refuse(number, "NO_ANSWER", "the server gave no result"),
        }
    }

    fn receipt(&mut self, repeated: bool) {
        *(if repeated { &mut self.summary.repeated } else { &mut self.summary.recorded }) += 1;
    }

    /// A refused call: the line's fault, or the end of the load.
    fn refused(&mut self, number: u64, status: &Status) -> Done<()> {
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Unimplemented => {
                Err(LoadError::Server(Box::new(status.clone())))
            }
            _ => {
                self.refuse(number, &reason(status), status.message());
                Ok(())
            }
        }
    }

    fn refuse(&mut self, number: u64, reason: &str, text: &str) {
        eprintln!("line {number}: {reason}: {text}");
        self.summary.rejected += 1;
    }
}

/// The reason in UPPER_SNAKE that a status carries.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map_or_else(|| format!("{:?}", status.code()).to_uppercase(), |info| info.reason)
}
