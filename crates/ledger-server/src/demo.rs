//! `demo`: Kota Binjai's wave 1 of 2020, loaded through the server's own API, and the table of a programme officer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use ledger_proto::v1;
use ledger_rpc::client::ACTOR;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::cli::{failed, terminated, usage};
use crate::load::{self, Summary};
use crate::{Config, Failure, output, run};

/// Arguments of `demo`.
#[derive(clap::Args)]
pub struct Demo {
    /// Folder of the log; created where missing.
    #[arg(long, value_name = "DIR", default_value = "./data/demo")]
    data: PathBuf,
    /// Address to serve on (loopback: the demo is insecure).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// End after the table.
    #[arg(long)]
    once: bool,
    /// Print the figures as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs `demo`.
pub async fn command(args: Demo) -> ExitCode {
    if !args.listen.ip().is_loopback() {
        return usage(&format!("the demo listens on loopback addresses only, not on {}", args.listen));
    }
    let listener = match TcpListener::bind(args.listen).await {
        Ok(listener) => listener,
        Err(source) => return failed(&Failure::Bind { address: args.listen.to_string(), source }),
    };
    let address = listener.local_addr().unwrap_or(args.listen);
    let (ready, opened) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let config = Config { min_free: 0, ..Config::new(args.data.clone()) };
    let server = tokio::spawn(run(config, listener, || ready.send(()).unwrap_or(()), async {
        drop(stopped.await);
    }));
    let told = if opened.await.is_ok() { Some(tell(&args, address).await) } else { None };
    let told = match told {
        Some(Ok(())) if !args.once => {
            let told = output::data(format_args!("\nserving on {address} until you press Ctrl-C\n"));
            if told.is_ok() {
                terminated().await;
            }
            told
        }
        Some(told) => told,
        None => Ok(()),
    };
    let _ = stop.send(());
    match (server.await, told) {
        (Ok(Err(failure)), _) => failed(&failure),
        (Ok(Ok(())), Ok(())) => ExitCode::SUCCESS,
        (_, Err(text)) => usage(&text),
        (Err(error), _) => usage(&error.to_string()),
    }
}

async fn tell(args: &Demo, address: SocketAddr) -> Result<(), String> {
    let url = format!("http://{address}");
    let (lines, queue) = mpsc::channel(8);
    let generating = tokio::task::spawn_blocking(move || {
        let mut number = 0;
        let mut chunk = Vec::new();
        let mut participants = Vec::new();
        cohort_sim::generate(&cohort_sim::demo(), |line| {
            number += 1;
            if let Some(v1::load_line::Request::Event(event)) = &line.request
                && let Some(v1::event_input::Event::Selected(_)) = &event.event
            {
                participants.push(event.participant_id.clone());
            }
            chunk.push((number, Ok(line)));
            if chunk.len() == 1_000 {
                drop(lines.blocking_send(std::mem::take(&mut chunk)));
            }
        });
        drop(lines.blocking_send(chunk));
        participants
    });
    let loaded = load::load(&url, None, queue, 1_000).await.map_err(|error| error.to_string())?;
    let participants = generating.await.map_err(|error| error.to_string())?;
    let figures = Figures::ask(&url, loaded, participants).await.map_err(|status| status.message().to_owned())?;
    if args.json {
        output::data(serde_json::to_string_pretty(&figures).unwrap_or_default() + "\n")
    } else {
        output::data(figures.table() + &next_steps(&args.data, address, &figures))
    }
}

/// Rupiah by some key.
type Sums = BTreeMap<String, Sum>;

/// A count and a sum.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Sum {
    count: u64,
    #[serde(serialize_with = "as_text")]
    rupiah: i64,
}

impl Sum {
    fn add(&mut self, rupiah: i64) {
        self.count += 1;
        self.rupiah += rupiah;
    }
}

/// What a programme officer asks of a cohort.
#[derive(Debug, Serialize)]
struct Figures {
    loaded: Summary,
    records: u64,
    participants: u64,
    revoked: u64,
    /// The whole entitlement of everybody.
    #[serde(serialize_with = "as_text")]
    committed: i64,
    #[serde(serialize_with = "as_text")]
    spent_on_training: i64,
    paid_by_partner: Sums,
    in_transit: Sums,
    held: Sums,
    #[serde(serialize_with = "as_text")]
    forfeited: i64,
    #[serde(serialize_with = "as_text")]
    lapsed: i64,
    #[serde(serialize_with = "as_text")]
    returned_to_treasury: i64,
    #[serde(serialize_with = "as_text")]
    treasury_total: i64,
    #[serde(serialize_with = "as_text")]
    trial_balance: i64,
    /// A participant to look at.
    example: String,
}

fn as_text<S: serde::Serializer>(rupiah: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rupiah)
}

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(ACTOR, tonic::metadata::MetadataValue::from_static("officer/demo"));
    request
}

/// The day as of which the demo's table is told: the day of its last event, when the deadline of 31 December has passed.
const AS_OF: ledger_proto::Date = ledger_proto::Date { year: 2021, month: 1, day: 1 };

impl Figures {
    async fn ask(url: &str, loaded: Summary, participants: Vec<String>) -> Result<Self, Status> {
        let channel = Channel::from_shared(url.to_owned()).map_err(|error| Status::internal(error.to_string()))?;
        let channel = channel.connect().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let balance = ProgrammeServiceClient::new(channel.clone())
            .get_trial_balance(request(v1::GetTrialBalanceRequest::default()))
            .await?
            .into_inner();
        let of = |name: &str| {
            let named = balance.accounts.iter().filter(|a| a.account.split(':').next() == Some(name));
            named.map(|a| a.amount_rupiah).sum::<i64>()
        };
        let mut figures = Self {
            loaded,
            records: balance.known_at,
            participants: 0,
            revoked: 0,
            committed: -of("budget"),
            spent_on_training: of("platform-earned") + of("platform-unearned"),
            paid_by_partner: Sums::new(),
            in_transit: Sums::new(),
            held: Sums::new(),
            forfeited: of("forfeited"),
            lapsed: of("lapsed"),
            returned_to_treasury: of("treasury-returned"),
            treasury_total: of("forfeited") + of("lapsed") + of("treasury-returned"),
            trial_balance: balance.sum_rupiah,
            example: String::new(),
        };
        figures.paid(channel.clone()).await?;
        figures.people(channel, participants).await?;
        Ok(figures)
    }

    /// What each partner paid, or still has in hand.
    async fn paid(&mut self, channel: Channel) -> Result<(), Status> {
        let mut client = PayoutServiceClient::new(channel);
        for partner in ledger_core::codes::Partner::ALL {
            let from_start = v1::StreamInstructionsRequest { partner: partner.number().into(), ..Default::default() };
            let mut stream = client.stream_instructions(request(from_start)).await?.into_inner();
            while let Some(message) = stream.message().await? {
                for instruction in message.instructions {
                    let sums = match instruction.status() {
                        v1::InstructionStatus::Settled => &mut self.paid_by_partner,
                        v1::InstructionStatus::Instructed
                        | v1::InstructionStatus::Accepted
                        | v1::InstructionStatus::InDoubt => &mut self.in_transit,
                        v1::InstructionStatus::Rejected
                        | v1::InstructionStatus::Returned
                        | v1::InstructionStatus::Unspecified => continue,
                    };
                    sums.entry(partner.code().to_owned()).or_default().add(instruction.amount_rupiah);
                }
            }
        }
        Ok(())
    }

    /// Who there is, and what is held and why.
    async fn people(&mut self, channel: Channel, participants: Vec<String>) -> Result<(), Status> {
        let mut client = ParticipantServiceClient::new(channel);
        for participant_id in participants {
            let ask = v1::GetParticipantRequest { participant_id, as_of: Some(AS_OF), ..Default::default() };
            let participant = client.get_participant(request(ask)).await?.into_inner().participant.unwrap_or_default();
            self.participants += 1;
            self.revoked += u64::from(participant.status() == v1::MembershipStatus::Revoked);
            let mut paid = 0;
            for entitlement in &participant.entitlements {
                match entitlement.status() {
                    v1::EntitlementStatus::Held | v1::EntitlementStatus::Locked | v1::EntitlementStatus::Payable => {
                        let reason = held_text(entitlement.held_reason());
                        self.held.entry(reason.to_owned()).or_default().add(entitlement.amount_rupiah);
                    }
                    v1::EntitlementStatus::Settled => paid += 1,
                    v1::EntitlementStatus::InTransit
                    | v1::EntitlementStatus::InDoubt
                    | v1::EntitlementStatus::Unspecified => {}
                }
            }
            if self.example.is_empty() && paid > 2 {
                self.example = participant.participant_id;
            }
        }
        Ok(())
    }

    fn table(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        let mut row = |name: &str, count: String, rupiah: i64| {
            let _ = writeln!(text, "  {name:<44}{count:>6}  {:>20}", grouped(rupiah));
        };
        row("Kota Binjai, wave 1 of 2020: committed", format!("{}", self.participants), self.committed);
        row("spent on training", String::new(), self.spent_on_training);
        for (partner, sum) in &self.paid_by_partner {
            row(&format!("paid by {partner}"), sum.count.to_string(), sum.rupiah);
        }
        for (partner, sum) in &self.in_transit {
            row(&format!("on its way through {partner}"), sum.count.to_string(), sum.rupiah);
        }
        for (reason, sum) in &self.held {
            row(&format!("not paid: {reason}"), sum.count.to_string(), sum.rupiah);
        }
        row("training balances forfeited by revocation", self.revoked.to_string(), self.forfeited);
        row("training balances lapsed with their period", String::new(), self.lapsed);
        row("incentives returned to the treasury", String::new(), self.returned_to_treasury);
        row("back with the treasury in all", String::new(), self.treasury_total);
        row("trial balance (must be zero)", String::new(), self.trial_balance);
        let Summary { recorded, repeated, .. } = self.loaded;
        let head = format!("{:<46}{:>6}  {:>20}\n", "", "items", "rupiah");
        format!(
            "{} records in the log ({recorded} recorded now, {repeated} there before)\n\n{head}{text}",
            self.records
        )
    }
}

/// Why money is not paid, in an officer's words.
const fn held_text(reason: v1::HeldReason) -> &'static str {
    match reason {
        v1::HeldReason::Unspecified => "payable in the next run",
        v1::HeldReason::NotDue => "earned, due later",
        v1::HeldReason::MembershipRevoked => "membership revoked",
        v1::HeldReason::WaveClosed => "wave closed",
        v1::HeldReason::NoAccount => "no payout account",
        v1::HeldReason::AccountFault => "account at fault, no new one yet",
        v1::HeldReason::Ineligible => "found ineligible",
        v1::HeldReason::InTransit => "on its way",
        v1::HeldReason::InDoubt => "in doubt",
        v1::HeldReason::Settled => "paid",
        v1::HeldReason::Funds => "the year's funds do not cover it",
        v1::HeldReason::NotEarned => "not earned yet",
        v1::HeldReason::OtherAccount => "account changed since the plan",
    }
}

/// 1234567 as 1.234.567, the Indonesian way.
fn grouped(rupiah: i64) -> String {
    let digits = rupiah.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    if rupiah < 0 { format!("-{text}") } else { text }
}

fn next_steps(data: &std::path::Path, address: SocketAddr, figures: &Figures) -> String {
    let data = data.display();
    let id = &figures.example;
    format!(
        "\nTry next, in another terminal:\n\
         1. one participant's life, from the running server's records alone:\n   \
            cargo run --release --bin replay-tool -- participant {id} --from http://{address}\n\
         2. the same totals, recomputed and proven from the log (stop the server first):\n   \
            cargo run --release --bin replay-tool -- verify --data {data}\n\
         3. any call, by reflection:\n   \
            grpcurl -plaintext -H '{ACTOR}: officer/me' -d '{{\"participantId\":\"{id}\"}}' \\\n     \
            {address} prakerja.ledger.v1.ParticipantService/GetParticipant\n"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn rupiah_are_grouped_by_three() {
        let rows = [(0, "0"), (999, "999"), (1_000, "1.000"), (-1_234_567, "-1.234.567")];
        for (rupiah, text) in rows {
            assert_eq!(super::grouped(rupiah), text);
        }
    }
}
