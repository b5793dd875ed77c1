//! `load`: sends requests from a file, one protobuf-JSON `LoadLine` a line, and may be run again without fear.
//!
//! What one participant's lines rest on are lines of the same participant and of the programme before them: so those of
//! different participants go out together (see `window`), and a line of the programme waits for all before it, as all after
//! it wait for it.

mod window;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use ledger_proto::v1;
use ledger_proto::v1::load_line::Request as Line;
use ledger_rpc::client::{ACTOR, ClientError, ClientTls, TlsArgs, connect};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use self::window::{Group, Item, Items, Window};
use crate::cli::usage;
use crate::output;
use crate::services::MOST_ITEMS;

/// Arguments of `load`.
#[derive(clap::Args)]
pub struct Load {
    /// File of requests, one JSON document a line; `-` is standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
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
    Connect(#[from] ClientError),
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
    let loaded =
        load(&args.to, args.tls.files().as_ref(), queue, usize::try_from(args.batch).unwrap_or(MOST_ITEMS)).await;
    let read = reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let summary = match (loaded, read) {
        (Ok(summary), Ok(())) => summary,
        (_, Err(error)) => return usage(&format!("{}: {error}", args.file.display())),
        (Err(error), _) => return usage(&format!("{}: {}", args.to, output::in_words(&error))),
    };
    if !args.json {
        output::note(format_args!("{} of {} lines are in", summary.recorded + summary.repeated, summary.read));
    }
    if let Err(reason) = output::data(serde_json::to_string(&summary).unwrap_or_default() + "\n") {
        return usage(&reason);
    }
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
pub async fn load(
    to: &str,
    tls: Option<&ClientTls>,
    mut lines: mpsc::Receiver<Vec<Numbered>>,
    batch: usize,
) -> Result<Summary, LoadError> {
    let channel = connect(to, tls).await?;
    let mut loader = Loader::new(channel, batch);
    while let Some(chunk) = lines.recv().await {
        for (number, line) in chunk {
            loader.take(number, line).await?;
        }
    }
    loader.send().await?;
    Ok(loader.summary)
}

/// Lines that wait for each other at most. More make calls larger, and what is kept in memory.
const WINDOW: usize = 32 * 1024;

struct Loader {
    channel: Channel,
    batch: usize,
    summary: Summary,
    window: Window,
    /// Digests of the plans that this load was answered with.
    plans: HashMap<String, bytes::Bytes>,
}

type Done<T> = Result<T, LoadError>;

/// What became of a line.
enum Verdict {
    /// Recorded, now or before; where an outcome was kept aside, its position.
    In {
        repeated: bool,
        exception: Option<u64>,
    },
    Refused {
        reason: String,
        text: String,
    },
}

impl Loader {
    fn new(channel: Channel, batch: usize) -> Self {
        Self { channel, batch, summary: Summary::default(), window: Window::default(), plans: HashMap::new() }
    }

    async fn take(&mut self, number: u64, line: Result<v1::LoadLine, String>) -> Done<()> {
        self.summary.read += 1;
        let v1::LoadLine { actor, participant_id, request } = match line {
            Ok(line) => line,
            Err(text) => {
                self.count(number, Verdict::Refused { reason: "INVALID_LINE".to_owned(), text });
                return Ok(());
            }
        };
        match request {
            None => {
                let text = "names no request".to_owned();
                self.count(number, Verdict::Refused { reason: "INVALID_LINE".to_owned(), text });
            }
            Some(Line::Event(event)) => {
                let participant = event.participant_id.clone();
                self.window.add(number, actor, &participant, Item::Event(event));
            }
            Some(Line::Outcome(outcome)) if participant_id.is_empty() => {
                // Whose it is is not said: it waits for everything before it.
                self.send().await?;
                self.window.add(number, actor, "", Item::Outcome(outcome));
                self.send().await?;
            }
            Some(Line::Outcome(outcome)) => self.window.add(number, actor, &participant_id, Item::Outcome(outcome)),
            Some(request) => {
                self.send().await?;
                let verdict = self.programme(&actor, request).await?;
                self.count(number, verdict);
            }
        }
        if self.window.len() >= WINDOW { self.send().await } else { Ok(()) }
    }

    /// Sends what waits.
    async fn send(&mut self) -> Done<()> {
        let mut verdicts = Vec::new();
        for level in std::mem::take(&mut self.window).into_levels() {
            let mut calls = JoinSet::new();
            for group in level {
                calls.spawn(send_group(self.channel.clone(), group, self.batch));
            }
            while let Some(sent) = calls.join_next().await {
                let sent = sent.map_err(|error| LoadError::Read(std::io::Error::other(error)))?;
                verdicts.extend(sent?);
            }
        }
        verdicts.sort_by_key(|(number, _)| *number);
        verdicts.into_iter().for_each(|(number, verdict)| self.count(number, verdict));
        Ok(())
    }

    async fn programme(&mut self, actor: &str, request: Line) -> Done<Verdict> {
        let Some(actor) = metadata(actor) else { return Ok(no_actor()) };
        macro_rules! call {
            ($client:ident, $method:ident, $message:expr) => {
                $client::new(self.channel.clone()).$method(of(&actor, $message)).await.map(tonic::Response::into_inner)
            };
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
            Line::ResolveInDoubt(m) => call!(DisbursementServiceClient, resolve_in_doubt, m).map(|r| r.receipt),
            Line::ResolveException(m) => call!(DisbursementServiceClient, resolve_exception, m).map(|r| r.receipt),
            Line::RunDeadlines(m) => {
                // A job has no receipt: it was there before where it found nothing to record.
                let done = call!(ProgrammeServiceClient, run_deadlines, m);
                let nothing = |r: &v1::RunDeadlinesResponse| r.revoked.is_empty() && r.in_doubt + r.recalled == 0;
                done.map(|r| Some(v1::Receipt { repeated: nothing(&r), ..v1::Receipt::default() }))
            }
            Line::Event(_) | Line::Outcome(_) => Ok(None),
        };
        match receipt {
            Ok(receipt) => {
                Ok(Verdict::In { repeated: receipt.is_some_and(|receipt| receipt.repeated), exception: None })
            }
            Err(status) => refused(&status),
        }
    }

    fn count(&mut self, number: u64, verdict: Verdict) {
        match verdict {
            Verdict::In { repeated, exception } => {
                if let Some(position) = exception {
                    output::note(format_args!("line {number}: kept as an exception at position {position}"));
                }
                *(if repeated { &mut self.summary.repeated } else { &mut self.summary.recorded }) += 1;
            }
            Verdict::Refused { reason, text } => {
                output::note(format_args!("line {number}: {reason}: {text}"));
                self.summary.rejected += 1;
            }
        }
    }
}

/// Sends one actor's items, at most `batch` in a call, one call after the other.
async fn send_group(channel: Channel, group: Group, batch: usize) -> Done<Vec<(u64, Verdict)>> {
    let Group { actor, numbers, mut items } = group;
    let Some(actor) = metadata(&actor) else {
        return Ok(numbers.into_iter().map(|number| (number, no_actor())).collect());
    };
    let mut verdicts = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(batch) {
        let answered = match &mut items {
            Items::Events(events) => {
                let request = v1::RecordEventsRequest { events: front(events, numbers.len()) };
                let mut client = EventServiceClient::new(channel.clone());
                client.record_events(of(&actor, request)).await.map(|answer| answer.into_inner().results)
            }
            Items::Outcomes(outcomes) => {
                let request = v1::ReportOutcomesRequest { outcomes: front(outcomes, numbers.len()) };
                let mut client = PayoutServiceClient::new(channel.clone());
                client.report_outcomes(of(&actor, request)).await.map(|answer| answer.into_inner().results)
            }
        };
        match answered {
            Ok(results) => {
                let mut results = results.into_iter();
                let none = || v1::RecordResult { result: None, exception_cause: 0 };
                verdicts.extend(numbers.iter().map(|n| (*n, verdict(results.next().unwrap_or_else(none)))));
            }
            Err(status) => {
                for number in numbers {
                    verdicts.push((*number, refused(&status)?));
                }
            }
        }
    }
    Ok(verdicts)
}

/// Takes the first items away.
fn front<T>(items: &mut Vec<T>, count: usize) -> Vec<T> {
    let rest = items.split_off(count.min(items.len()));
    std::mem::replace(items, rest)
}

/// An actor as metadata names it; `None` where its name cannot stand there.
fn metadata(actor: &str) -> Option<MetadataValue<Ascii>> {
    actor.parse().ok()
}

/// A request of an actor.
fn of<T>(actor: &MetadataValue<Ascii>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(ACTOR, actor.clone());
    request
}

fn no_actor() -> Verdict {
    Verdict::Refused { reason: "ACTOR_MISSING".to_owned(), text: "actor must be role/name in plain text".to_owned() }
}

fn verdict(result: v1::RecordResult) -> Verdict {
    use v1::record_result::Result as R;
    match result.result {
        Some(R::Receipt(receipt)) => {
            let exception = (result.exception_cause != 0).then_some(receipt.position);
            Verdict::In { repeated: receipt.repeated, exception }
        }
        Some(R::Rejection(status)) => {
            let status = Status::with_details(
                Code::from_i32(status.code),
                status.message.clone(),
                prost::Message::encode_to_vec(&status).into(),
            );
            Verdict::Refused { reason: reason(&status), text: status.message().to_owned() }
        }
        None => Verdict::Refused { reason: "NO_ANSWER".to_owned(), text: "the server gave no result".to_owned() },
    }
}

/// A refused call: the line's fault, or the end of the load.
fn refused(status: &Status) -> Done<Verdict> {
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Unimplemented => {
            Err(LoadError::Server(Box::new(status.clone())))
        }
        _ => Ok(Verdict::Refused { reason: reason(status), text: status.message().to_owned() }),
    }
}

/// The reason in UPPER_SNAKE that a status carries.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map_or_else(|| format!("{:?}", status.code()).to_uppercase(), |info| info.reason)
}
