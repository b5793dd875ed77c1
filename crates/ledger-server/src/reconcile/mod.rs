//! `reconcile`: a partner's statement, a CSV file or an ISO 20022 camt.053, compared with a running ledger.

mod camt;
mod csv_file;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger_core::codes::Partner;
use ledger_core::time::Date;
use ledger_core::{Rupiah, ids::Digest};
use ledger_proto::v1;
use ledger_proto::v1::reconcile_statement_request::Part as Sent;
use ledger_proto::v1::reconcile_statement_response::Part as Answered;
use ledger_rpc::client::{ClientError, Named, TlsArgs, connect};
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::cli::usage;
use crate::{output, to_proto};

/// Lines of one message.
const CHUNK: usize = 1_000;

/// Arguments of `reconcile`.
#[derive(clap::Args)]
pub struct Reconcile {
    /// The partner whose statement it is: bank, linkaja, ovo, gopay or dana.
    #[arg(long, value_name = "P")]
    partner: String,
    /// The statement: CSV, or camt.053 (what begins with `<`).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// A statement as a file has it.
#[derive(Debug, PartialEq)]
pub(crate) struct Statement {
    period: (Date, Date),
    lines: Vec<v1::StatementLine>,
    /// Money that came in and is no return of an instruction, such as the treasury's funding: not compared.
    passed_over: u64,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0} is no partner: one of {known}", known = Partner::ALL.iter().map(|p| p.code()).collect::<Vec<_>>().join(", "))]
    Partner(String),
    #[error("{}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{}: {}", .0.display(), .1)]
    Statement(PathBuf, String),
    #[error("the server cannot be reached")]
    Connect(#[from] ClientError),
    #[error("the server's answer")]
    Server(#[from] Box<Status>),
    #[error("the server's answer ends without a result")]
    NoResult,
}

/// Runs `reconcile`: exit code 0 where all is the same, 1 with differences.
pub async fn command(args: Reconcile) -> ExitCode {
    let compared = match compare(&args).await {
        Ok(compared) => compared,
        Err(refused) => return usage(&output::in_words(&refused)),
    };
    if compared.statement.passed_over > 0 {
        let (count, file) = (compared.statement.passed_over, args.file.display());
        output::note(format_args!("{file}: {count} credits that return no instruction were not compared"));
    }
    let text = if args.json { compared.json().to_string() + "\n" } else { compared.text() };
    if let Err(reason) = output::data(text) {
        return usage(&reason);
    }
    if compared.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

struct Compared {
    partner: Partner,
    digest: Digest,
    statement: Statement,
    differences: Vec<v1::StatementDifference>,
    result: v1::StatementResult,
}

async fn compare(args: &Reconcile) -> Result<Compared, Refused> {
    let partner = Partner::from_code(&args.partner).ok_or_else(|| Refused::Partner(args.partner.clone()))?;
    let bytes = std::fs::read(&args.file).map_err(|source| Refused::Read(args.file.clone(), source))?;
    let statement = read(&bytes).map_err(|text| Refused::Statement(args.file.clone(), text))?;
    let digest = Digest(Sha256::digest(&bytes).into());
    let header = v1::StatementHeader {
        occurred_at: None,
        source_reference: name(&args.file),
        partner: partner.number().into(),
        file_sha256: digest.0.to_vec().into(),
        period_from: to_proto::date(statement.period.0),
        period_to: to_proto::date(statement.period.1),
    };
    let mut parts = vec![Sent::Header(header)];
    parts.extend(statement.lines.chunks(CHUNK).map(|lines| Sent::Lines(v1::StatementLines { lines: lines.to_vec() })));
    let parts = parts.into_iter().map(|part| v1::ReconcileStatementRequest { part: Some(part) });
    let tls = args.tls.files();
    let channel = connect(&args.to, tls.as_ref()).await?;
    let mut client = PayoutServiceClient::with_interceptor(channel, Named::unless(tls.as_ref(), "officer/reconcile"));
    let answers = client.reconcile_statement(tokio_stream::iter(parts)).await.map_err(Box::new)?;
    let (mut answers, mut differences, mut result) = (answers.into_inner(), Vec::new(), None);
    while let Some(answer) = answers.message().await.map_err(Box::new)? {
        match answer.part {
            Some(Answered::Differences(more)) => differences.extend(more.differences),
            Some(Answered::Result(last)) => result = Some(last),
            None => {}
        }
    }
    let result = result.ok_or(Refused::NoResult)?;
    Ok(Compared { partner, digest, statement, differences, result })
}

/// The file's name, as far as it may be a reference.
fn name(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(50).collect()
}

/// A statement in either format.
pub(crate) fn read(bytes: &[u8]) -> Result<Statement, String> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"<") { camt::read(text) } else { csv_file::read(text) }
}

/// An amount in whole rupiah, as partners write it: `600000` or `600000.00`.
fn rupiah(text: &str) -> Result<Rupiah, String> {
    let decimal: Decimal = text.trim().parse().map_err(|_| format!("{text:?} is no amount"))?;
    Rupiah::try_from(decimal).map_err(|error| format!("{text:?}: {error}"))
}

/// A civil date.
fn date(text: &str) -> Result<Date, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is no date: YYYY-MM-DD"))
}

/// The days from the first line's to the last one's.
fn spanned(lines: &[v1::StatementLine]) -> Result<(Date, Date), String> {
    let days = || lines.iter().filter_map(|line| line.date?.unix_days()).map(Date::from_days);
    days().min().zip(days().max()).ok_or_else(|| "has no payments, and says no period".to_owned())
}

impl Compared {
    fn totals(&self) -> [(&'static str, v1::StatementTotal); 5] {
        let total = |total: &Option<v1::StatementTotal>| total.unwrap_or_default();
        let r = &self.result;
        [
            ("matched", total(&r.matched)),
            ("missing", total(&r.missing)),
            ("extra", total(&r.extra)),
            ("other_amount", total(&r.other_amount)),
            ("other_day", total(&r.other_day)),
        ]
    }

    fn text(&self) -> String {
        let (from, to) = self.statement.period;
        let receipt = self.result.receipt.clone().unwrap_or_default();
        let before = if receipt.repeated { ", compared before" } else { "" };
        let mut text = format!(
            "{} {from} to {to}: {} lines, the ledger's first {} records; recorded at position {}{before}\n",
            self.partner,
            self.statement.lines.len(),
            self.result.known_at,
            receipt.position
        );
        for (name, total) in self.totals() {
            let _ = writeln!(text, "{:13} {:>9} {:>20}", name.replace('_', " "), total.count, total.total_rupiah);
        }
        for difference in &self.differences {
            let said = |instruction: &str, amount: i64, day: Option<ledger_proto::Date>| {
                let day = day.and_then(|day| day.unix_days()).map(Date::from_days).unwrap_or_default();
                format!("{instruction} {amount} on {day}")
            };
            let line = difference.line.as_ref().map(|l| said(&l.instruction, l.amount_rupiah, l.date));
            let payment = difference.payment.as_ref().map(|p| said(&p.instruction, p.amount_rupiah, p.date));
            let place = difference.line_number.map(|number| format!(" (payment {number})")).unwrap_or_default();
            let none = || "nothing".to_owned();
            let (line, payment) = (line.unwrap_or_else(none), payment.unwrap_or_else(none));
            let _ = writeln!(text, "{}: statement {line}{place}; ledger {payment}", kind(difference).replace('_', " "));
        }
        text
    }

    fn json(&self) -> Value {
        let mut document = json!({
            "partner": self.partner,
            "file_sha256": self.digest.to_string(),
            "period_from": self.statement.period.0.to_string(),
            "period_to": self.statement.period.1.to_string(),
            "known_at": self.result.known_at,
            "position": self.result.receipt.as_ref().map(|receipt| receipt.position),
            "repeated": self.result.receipt.as_ref().is_some_and(|receipt| receipt.repeated),
            "passed_over": self.statement.passed_over,
        });
        for (name, total) in self.totals() {
            document[name] = json!({ "count": total.count, "total": total.total_rupiah.to_string() });
        }
        document["differences"] = self.differences.iter().map(difference_json).collect();
        document
    }
}

const fn kind(difference: &v1::StatementDifference) -> &'static str {
    match difference.kind {
        1 => "missing",
        2 => "extra",
        3 => "other_amount",
        4 => "other_day",
        _ => "unknown",
    }
}

fn difference_json(difference: &v1::StatementDifference) -> Value {
    let day = |day: Option<ledger_proto::Date>| {
        day.and_then(|day| day.unix_days()).map(|days| Date::from_days(days).to_string())
    };
    let kind_of = |kind: i32| u8::try_from(kind).ok().and_then(ledger_core::codes::OutcomeKind::from_number);
    json!({
        "kind": kind(difference),
        "line": difference.line_number,
        "statement": difference.line.as_ref().map(|line| json!({
            "instruction": line.instruction,
            "transaction_reference": line.transaction_reference,
            "kind": kind_of(line.kind),
            "amount": line.amount_rupiah.to_string(),
            "date": day(line.date),
        })),
        "ledger": difference.payment.as_ref().map(|payment| json!({
            "instruction": payment.instruction,
            "kind": kind_of(payment.kind),
            "amount": payment.amount_rupiah.to_string(),
            "date": day(payment.date),
            "position": payment.position,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_rupiah_and_civil_dates_only() {
        assert_eq!(rupiah(" 600000.00"), Ok(Rupiah::new(600_000)));
        for text in ["600000.50", "six", "", "1,000", "99999999999999999999"] {
            assert!(rupiah(text).is_err(), "{text}");
        }
        assert_eq!(date("2020-05-12").map(|day| day.to_string()), Ok("2020-05-12".to_owned()));
        for text in ["2020-02-30", "12/05/2020", ""] {
            assert!(date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_format_is_known_by_the_first_character() {
        let csv = b"instruction,date,amount\n00000000000000000007,2020-05-12,1\n";
        assert_eq!(read(csv).map(|s| s.lines.len()), Ok(1));
        let marked = [&b"\xEF\xBB\xBF"[..], csv].concat();
        assert_eq!(read(&marked).map(|s| s.lines.len()), Ok(1), "a byte order mark is none of it");
        assert!(read(b" \n<Document/>").unwrap_err().contains("camt.053"));
        assert!(read(b"").is_err());
    }
}
