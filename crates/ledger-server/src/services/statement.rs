//! A partner's statement compared with the ledger: lines in, differences out, each kept as an exception, the totals
//! recorded.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::Command;
use ledger_core::codes::{Evidence, ExceptionCause, OutcomeKind, Partner};
use ledger_core::event::{Event, Outcome, OutcomeException, StatementReconciled, Total};
use ledger_core::ids::{Digest, Position};
use ledger_core::state::State;
use ledger_core::statement::{Compared, Difference, Line, Payment, compare, payments};
use ledger_core::time::Date;
use ledger_proto::v1;
use ledger_proto::v1::reconcile_statement_request::Part as Sent;
use ledger_proto::v1::reconcile_statement_response::Part as Answered;
use tonic::{Status, Streaming};

use super::payout::stopped;
use super::{Ledger, bounded};
use crate::access::{Caller, partner_scope};
use crate::engine::Incoming;
use crate::from_proto::{self, Header};
use crate::status::Invalid;
use crate::to_proto;

/// Most lines of one statement: what is kept in memory until all are there.
const MOST_LINES: usize = 1_000_000;
/// Differences of one message.
const CHUNK: usize = 1_000;
/// How long one look at a partner's instructions may take.
const SLICE: Duration = Duration::from_micros(500);

/// A statement as it was sent.
struct Statement {
    header: Header,
    /// As sent, to be told again, and as compared.
    lines: Vec<(v1::StatementLine, Line)>,
}

type Answers = Vec<Result<v1::ReconcileStatementResponse, Status>>;

impl Ledger {
    pub(super) async fn reconcile(
        &self,
        caller: &Caller,
        parts: Streaming<v1::ReconcileStatementRequest>,
    ) -> Result<Answers, Status> {
        let Statement { header, lines } = self.read_statement(caller, parts).await?;
        let Header { partner, file_digest, period, said } = header;
        let named = lines.iter().filter_map(|(_, line)| line.instruction).collect();
        let (payments, known_at) = self.payments(partner, period, Arc::new(named)).await?;
        let compared = tokio::task::block_in_place(|| {
            let lines: Vec<_> = lines.iter().map(|(_, line)| *line).collect();
            compare(&lines, payments, period)
        });
        let Compared { matched, missing, extra, other_amount, other_day, .. } = compared;
        // The totals are recorded last: where they stand, every difference does.
        for chunk in compared.differences.chunks(CHUNK) {
            let kept = chunk.iter().map(|difference| {
                let exception = exception(partner, &file_digest, difference, &lines);
                Incoming::new(said.clone(), Command::KeepDifference(exception))
            });
            for answer in self.engine.record(caller.actor(), kept.collect()).await? {
                self.receipt(&answer, || None)?;
            }
        }
        let event = Event::from(StatementReconciled {
            partner,
            file_digest,
            period_from: period.0,
            period_to: period.1,
            matched,
            missing,
            extra,
            other_amount,
            other_day,
        });
        let incoming = Incoming::new(said, Command::Record { participant: None, event });
        let recorded = self.engine.record(caller.actor(), vec![incoming]).await?;
        let recorded = recorded.into_iter().next().ok_or_else(|| Status::internal("no answer"))?;
        // Of the same file the first record stands: what the ledger has may have changed since, and so the totals.
        let receipt = self.receipt(&recorded, || None)?;
        let mut answers: Answers = compared
            .differences
            .chunks(CHUNK)
            .map(|chunk| {
                let differences = chunk.iter().map(|difference| told(difference, &lines)).collect();
                Ok(answer(Answered::Differences(v1::StatementDifferences { differences })))
            })
            .collect();
        answers.push(Ok(answer(Answered::Result(v1::StatementResult {
            receipt: Some(receipt),
            known_at,
            matched: Some(total(matched)),
            missing: Some(total(missing)),
            extra: Some(total(extra)),
            other_amount: Some(total(other_amount)),
            other_day: Some(total(other_day)),
        }))));
        Ok(answers)
    }

    async fn read_statement(
        &self,
        caller: &Caller,
        mut parts: Streaming<v1::ReconcileStatementRequest>,
    ) -> Result<Statement, Status> {
        let refuse = |field: &str, rule: &str| Err(Invalid::field(field, rule).status());
        let mut stopping = self.stopping.clone();
        let mut statement: Option<Statement> = None;
        loop {
            let part = tokio::select! {
                part = parts.message() => part?,
                _ = stopping.wait_for(|stopping| *stopping) => return Err(stopped()),
            };
            match (part.map(|part| part.part), &mut statement) {
                (None, None) | (Some(Some(Sent::Lines(_))), None) => return refuse("header", "must be sent first"),
                (None, Some(_)) => return statement.ok_or_else(|| Status::internal("no statement")),
                (Some(None), _) => return refuse("part", "must be set"),
                (Some(Some(Sent::Header(_))), Some(_)) => return refuse("header", "must be sent once"),
                (Some(Some(Sent::Header(header))), None) => {
                    partner_scope(caller, header.partner)?;
                    let header = from_proto::statement_header(&header).map_err(|invalid| invalid.status())?;
                    statement = Some(Statement { header, lines: Vec::new() });
                }
                (Some(Some(Sent::Lines(batch))), Some(statement)) => {
                    bounded("lines", batch.lines.len())?;
                    if statement.lines.len() + batch.lines.len() > MOST_LINES {
                        return refuse("lines", "must be at most 1,000,000 of one statement");
                    }
                    let period = statement.header.period;
                    for line in batch.lines {
                        let parsed = from_proto::statement_line(&line, period).map_err(|invalid| invalid.status())?;
                        statement.lines.push((line, parsed));
                    }
                }
            }
        }
    }

    /// A partner's payments in the period and of the named instructions, as of one log size, which is given too.
    async fn payments(
        &self,
        partner: Partner,
        period: (Date, Date),
        named: Arc<HashSet<Position>>,
    ) -> Result<(Vec<Payment>, u64), Status> {
        let ((), known_at) = self.engine.look(|_| ()).await?;
        let (mut from, mut found) = (Some(Position(0)), Vec::new());
        while let Some(next) = from {
            let named = Arc::clone(&named);
            let wanted = move |payment: &Payment| {
                (period.0..=period.1).contains(&payment.date) || named.contains(&payment.instruction)
            };
            let ((more, next), _) =
                self.engine.look(move |state| slice(state, partner, next, known_at, wanted)).await?;
            found.extend(more);
            from = next;
        }
        self.engine.until_durable(known_at).await?;
        Ok((found, known_at))
    }
}

/// The wanted payments of instructions from a position on, as far as a slice gets; and where to go on.
fn slice(
    state: &State,
    partner: Partner,
    from: Position,
    known_at: u64,
    wanted: impl Fn(&Payment) -> bool,
) -> (Vec<Payment>, Option<Position>) {
    let (start, mut found) = (Instant::now(), Vec::new());
    for (index, (position, place)) in state.instructions(partner).from(from).enumerate() {
        if position.0 >= known_at {
            break;
        }
        if index % 32 == 31 && start.elapsed() >= SLICE {
            return (found, Some(position));
        }
        found.extend(payments(state, (partner, place), position, known_at).filter(&wanted));
    }
    (found, None)
}

/// A difference as it is kept. What the partner calls it is its transaction reference; a line that has none goes by the
/// instruction, one that has neither by its place in the file.
fn exception(
    partner: Partner,
    file: &Digest,
    difference: &Difference,
    lines: &[(v1::StatementLine, Line)],
) -> OutcomeException<'static> {
    let cause = match difference {
        Difference::Missing(_) => ExceptionCause::StatementMissing,
        Difference::Extra(_) => ExceptionCause::StatementExtra,
        Difference::OtherAmount(..) => ExceptionCause::StatementOtherAmount,
        Difference::OtherDay(..) => ExceptionCause::StatementOtherDay,
    };
    let file = file.to_string();
    let (instruction, kind, amount, mut reference, place) = match *difference {
        Difference::Missing(p) => (p.instruction.reference(), p.kind, p.amount, String::new(), "not on".to_owned()),
        Difference::Extra(index) | Difference::OtherAmount(index, _) | Difference::OtherDay(index, _) => {
            let (said, line) = &lines[index];
            let reference = said.transaction_reference.clone();
            (said.instruction.clone(), line.kind, line.amount, reference, format!("line {} of", index + 1))
        }
    };
    if instruction.is_empty() && reference.is_empty() {
        reference = format!("{place} {}", &file[..16]);
    }
    let outcome = Outcome {
        instruction: Position(0),
        amount,
        transaction_reference: reference.into(),
        raw_code: "".into(),
        code_system: None,
        reason: None,
        account_fault: false,
        evidence: Evidence::Statement,
        evidence_reason: format!("{place} the statement with SHA-256 {file}").into(),
    };
    OutcomeException { partner, instruction: instruction.into(), kind, outcome, cause }
}

const fn answer(part: Answered) -> v1::ReconcileStatementResponse {
    v1::ReconcileStatementResponse { part: Some(part) }
}

const fn total(total: Total) -> v1::StatementTotal {
    v1::StatementTotal { count: total.count, total_rupiah: total.amount.get() }
}

fn told(difference: &Difference, lines: &[(v1::StatementLine, Line)]) -> v1::StatementDifference {
    let (kind, payment) = match difference {
        Difference::Missing(payment) => (v1::DifferenceKind::Missing, Some(payment)),
        Difference::Extra(_) => (v1::DifferenceKind::Extra, None),
        Difference::OtherAmount(_, payment) => (v1::DifferenceKind::OtherAmount, Some(payment)),
        Difference::OtherDay(_, payment) => (v1::DifferenceKind::OtherDay, Some(payment)),
    };
    v1::StatementDifference {
        kind: kind.into(),
        line_number: difference.line().map(|index| index as u64 + 1),
        line: difference.line().and_then(|index| lines.get(index)).map(|(line, _)| line.clone()),
        payment: payment.map(ledger_payment),
    }
}

fn ledger_payment(payment: &Payment) -> v1::LedgerPayment {
    let kind: OutcomeKind = payment.kind;
    v1::LedgerPayment {
        instruction: payment.instruction.reference(),
        kind: kind.number().into(),
        amount_rupiah: payment.amount.get(),
        date: to_proto::date(payment.date),
        position: payment.position,
    }
}
