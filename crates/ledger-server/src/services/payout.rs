//! `PayoutService`: partners pull instructions and report what became of them.

use std::time::{Duration, Instant};

use ledger_core::codes::Partner;
use ledger_core::event::Event;
use ledger_core::ids::Position;
use ledger_core::state::{AHEAD as NEAR, InstructionStatus, State};
use ledger_log::{Nearby, Reader, record};
use ledger_proto::v1;
use ledger_rpc::v1::payout_service_server::PayoutService;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::participant::of_one;
use super::tails::Page;
use super::{AHEAD, Answers, Ledger, bounded, history, instruction_unknown, pages};
use crate::access::{Caller, instructions_scope, partner_scope};
use crate::engine::Engine;
use crate::reasons::{STOPPING, UNREADABLE_RECORD};
use crate::status::{Invalid, refused, unreadable};
use crate::{from_proto, to_proto};

/// Instructions of one message.
pub(super) const PAGE: usize = 500;
type Instructions = Answers<v1::StreamInstructionsResponse>;

#[tonic::async_trait]
impl PayoutService for Ledger {
    type StreamInstructionsStream = Instructions;
    type ReconcileStatementStream = Answers<v1::ReconcileStatementResponse>;

    async fn stream_instructions(
        &self,
        request: Request<v1::StreamInstructionsRequest>,
    ) -> Result<Response<Instructions>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        partner_scope(&caller, request.partner)?;
        let partner = from_proto::partner(request.partner).map_err(|invalid| invalid.status())?;
        let from = match request.from_instruction.as_str() {
            "" => Position(0),
            reference => Position::from_reference(reference)
                .ok_or_else(|| Invalid::field("from_instruction", "must be 20 digits, or empty").status())?,
        };
        let (messages, stream) = mpsc::channel(AHEAD);
        let ledger = self.clone();
        tokio::spawn(async move {
            if let Err(status) = ledger.send_instructions(partner, from, request.follow, &messages).await {
                drop(messages.send(Err(status)).await);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn list_outstanding_instructions(
        &self,
        request: Request<v1::ListOutstandingInstructionsRequest>,
    ) -> Result<Response<v1::ListOutstandingInstructionsResponse>, Status> {
        partner_scope(&Caller::of(&request)?, request.get_ref().partner)?;
        self.outstanding(request.get_ref()).await.map(Response::new)
    }

    async fn get_instruction(
        &self,
        request: Request<v1::GetInstructionRequest>,
    ) -> Result<Response<v1::GetInstructionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let parsed = from_proto::instruction(&request.get_ref().instruction);
        let position = parsed.map_err(|invalid| invalid.status())?;
        let find = move |state: &State| {
            let place = state.place_by_instruction(position)?;
            let last = state.participants().get(place)?.last_position();
            Some(((entry(state, position, place)?, last), last + 1))
        };
        let (found, _) = self.engine.read(move |state| of_one(find(state))).await?;
        let (entry, last) = found.ok_or_else(|| instruction_unknown(position))?;
        instructions_scope(&caller, entry.partner)?;
        let reader = self.engine.reader();
        let response = tokio::task::block_in_place(|| {
            Ok::<_, Status>(v1::GetInstructionResponse {
                instruction: instructions(reader, &[entry])?.pop(),
                history: history::of_instruction(reader, last, position)?,
            })
        });
        response.map(Response::new)
    }

    async fn report_outcomes(
        &self,
        request: Request<v1::ReportOutcomesRequest>,
    ) -> Result<Response<v1::ReportOutcomesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let outcomes = request.into_inner().outcomes;
        bounded("outcomes", outcomes.len())?;
        let results = self.record_outcomes(caller, &outcomes).await?;
        Ok(Response::new(v1::ReportOutcomesResponse { results }))
    }

    async fn list_exceptions(
        &self,
        request: Request<v1::ListExceptionsRequest>,
    ) -> Result<Response<v1::ListExceptionsResponse>, Status> {
        partner_scope(&Caller::of(&request)?, request.get_ref().partner)?;
        self.exceptions(request.get_ref()).await.map(Response::new)
    }

    async fn reconcile_statement(
        &self,
        request: Request<Streaming<v1::ReconcileStatementRequest>>,
    ) -> Result<Response<Self::ReconcileStatementStream>, Status> {
        let caller = Caller::of(&request)?;
        let answers = self.reconcile(&caller, request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(answers))))
    }
}

type Messages = mpsc::Sender<Result<v1::StreamInstructionsResponse, Status>>;

impl Ledger {
    async fn send_instructions(
        &self,
        partner: Partner,
        mut from: Position,
        follow: bool,
        messages: &Messages,
    ) -> Result<(), Status> {
        let mut durable = self.engine.durable();
        let mut stopping = self.stopping.clone();
        let lag = self.metrics.lags.open(partner, from.0);
        // What there is already each stream reads for itself; those that wait at the end have the same pages.
        let mut made = self.pages(partner, from);
        while let Some(page) = made.recv().await {
            let page = page.await.map_err(|_| stopped())??;
            let reached = page.reached();
            from = page.next;
            if !page.message.instructions.is_empty() && messages.send(Ok(page.message)).await.is_err() {
                return Ok(());
            }
            lag.reached(reached);
        }
        loop {
            let size = *durable.borrow_and_update();
            if let Some(page) = self.tails.next(self, partner, from, size).await? {
                from = page.next;
                if messages.send(Ok(page.message.clone())).await.is_err() {
                    return Ok(());
                }
                lag.reached(page.reached());
                continue;
            }
            lag.reached(size);
            if !follow {
                return Ok(());
            }
            tokio::select! {
                changed = durable.changed() => if changed.is_err() { return Err(stopped()) },
                _ = stopping.wait_for(|stopping| *stopping) => return Err(stopped()),
                () = messages.closed() => return Ok(()),
            }
        }
    }

    /// A partner's instructions from a position on, page by page up to one that is not full. While the records of one page
    /// are read, the state is asked what the next one has, and that one is begun.
    fn pages(&self, partner: Partner, mut from: Position) -> mpsc::Receiver<JoinHandle<Result<Page, Status>>> {
        let (pages, made) = mpsc::channel(1);
        let ledger = self.clone();
        tokio::spawn(async move {
            loop {
                let looked = look_at_page(&ledger.engine, partner, from).await;
                let next = looked.as_ref().ok().filter(|looked| looked.entries.len() == PAGE).map(|it| it.next(from));
                let reader = ledger.clone();
                let page = tokio::task::spawn_blocking(move || reader.page_of(from, &looked?));
                if pages.send(page).await.is_err() {
                    return;
                }
                let Some(next) = next else { return };
                from = next;
            }
        });
        made
    }

    /// A partner's instructions from a position on, as they stand.
    pub(super) async fn page_of_instructions(&self, partner: Partner, from: Position) -> Result<Page, Status> {
        let looked = look_at_page(&self.engine, partner, from).await?;
        tokio::task::block_in_place(|| self.page_of(from, &looked))
    }

    fn page_of(&self, from: Position, looked: &Looked) -> Result<Page, Status> {
        let next = looked.next(from);
        let instructions = instructions(self.engine.reader(), &looked.entries)?;
        let message = v1::StreamInstructionsResponse { instructions, next_instruction: next.reference() };
        Ok(Page { from, next, size: looked.size, made: looked.at, message })
    }
}

/// What the state says of some of a partner's instructions.
struct Looked {
    entries: Vec<Entry>,
    /// Size of the log of which it is true; that much is durable.
    size: u64,
    at: Instant,
}

impl Looked {
    /// Where to go on.
    fn next(&self, from: Position) -> Position {
        self.entries.last().map_or(from, |last| Position(last.position.0 + 1))
    }
}

async fn look_at_page(engine: &Engine, partner: Partner, from: Position) -> Result<Looked, Status> {
    let (entries, size) = engine.look(move |state| page(state, partner, from)).await?;
    engine.until_durable(size).await?;
    Ok(Looked { entries, size, at: Instant::now() })
}

/// How long one look at a list of instructions may take.
const SLICE: Duration = Duration::from_micros(500);
/// How long a page may be looked for; then it is short, and has a token.
const BUDGET: Duration = Duration::from_millis(8);

/// Up to `most` outstanding instructions from a position on, as far as a slice gets; and the position from which to go
/// on, `None` at the end.
fn look(
    state: &State,
    (partner, status): (Partner, Option<InstructionStatus>),
    from: Position,
    most: usize,
) -> (Vec<Entry>, Option<Position>) {
    let (start, mut found) = (Instant::now(), Vec::new());
    for (index, (position, place)) in state.instructions(partner).from(from).enumerate() {
        if found.len() == most || (index % 32 == 31 && start.elapsed() >= SLICE) {
            return (found, Some(position));
        }
        let open = |entry: &Entry| match status {
            Some(status) => entry.status == status,
            None => matches!(
                entry.status,
                InstructionStatus::Instructed | InstructionStatus::Accepted | InstructionStatus::InDoubt
            ),
        };
        found.extend(entry(state, position, place).filter(open));
    }
    (found, None)
}

impl Ledger {
    async fn outstanding(
        &self,
        request: &v1::ListOutstandingInstructionsRequest,
    ) -> Result<v1::ListOutstandingInstructionsResponse, Status> {
        let filter = from_proto::outstanding(request).map_err(|invalid| invalid.status())?;
        let list = format!("outstanding instructions {filter:?}");
        let page = pages::page(&list, request.page_size, &request.page_token)?;
        let start = Instant::now();
        let (mut from, mut found) = (Position(page.from.unwrap_or(0)), Vec::new());
        let (next, size) = loop {
            let most = page.size - found.len();
            let ((more, next), size) = self.engine.look(move |state| look(state, filter, from, most)).await?;
            found.extend(more);
            match next {
                Some(next) if found.len() < page.size && start.elapsed() < BUDGET => from = next,
                next => break (next, size),
            }
        };
        self.engine.until_durable(size).await?;
        let reader = self.engine.reader();
        let instructions = tokio::task::block_in_place(|| instructions(reader, &found))?;
        let next_page_token = next.map(|position| pages::token(&list, position.0)).unwrap_or_default();
        Ok(v1::ListOutstandingInstructionsResponse { instructions, next_page_token })
    }
}

/// How a stream ends when the server stops.
pub(super) fn stopped() -> Status {
    refused(&STOPPING, "the server stops; connect again and resume where the stream ended")
}

/// What the state says of an instruction.
struct Entry {
    position: Position,
    partner: Partner,
    link_position: u64,
    status: InstructionStatus,
    recalled: bool,
}

fn page(state: &State, partner: Partner, from: Position) -> Vec<Entry> {
    let (mut list, mut entries) = (Vec::with_capacity(PAGE), Vec::with_capacity(PAGE));
    list.extend(state.instructions(partner).from(from).take(PAGE));
    for some in list.chunks(NEAR) {
        state.fetch(some.iter().map(|(_, place)| *place));
        entries.extend(some.iter().filter_map(|(position, place)| entry(state, *position, *place)));
    }
    entries
}

fn entry(state: &State, position: Position, place: u32) -> Option<Entry> {
    let payout = state.participants().get(place)?.payout(position)?;
    Some(Entry {
        position,
        partner: payout.instruction.partner,
        link_position: payout.linked.position(),
        status: payout.instruction.status,
        recalled: payout.recalled,
    })
}

/// The instructions in full, as their records and those of their accounts have them: both lie close together, those of one run
/// at least.
fn instructions(reader: &Reader, entries: &[Entry]) -> Result<Vec<v1::Instruction>, Status> {
    let (mut records, mut links) = (reader.nearby(), reader.nearby());
    let mut instructions = Vec::with_capacity(entries.len());
    for entry in entries {
        instructions.push(instruction(&mut records, &mut links, entry)?);
    }
    Ok(instructions)
}

fn instruction(records: &mut Nearby<'_>, links: &mut Nearby<'_>, entry: &Entry) -> Result<v1::Instruction, Status> {
    let position = entry.position.0;
    let stored = records.get(position).map_err(|e| unreadable(position, &e))?;
    let record = record::decode(stored.bytes()).map_err(|e| unreadable(position, &e))?;
    let linked = links.get(entry.link_position).map_err(|e| unreadable(entry.link_position, &e))?;
    let linked = record::decode(linked.bytes()).map_err(|e| unreadable(entry.link_position, &e))?;
    let (Event::PayoutInstructed(e), Event::PayoutAccountLinked(account)) = (&record.event, &linked.event) else {
        return Err(refused(&UNREADABLE_RECORD, format!("position {position} is no instruction")));
    };
    Ok(v1::Instruction {
        instruction: entry.position.reference(),
        participant_id: record.participant.map(String::from).unwrap_or_default(),
        entitlement: Some(to_proto::entitlement_ref(e.entitlement)),
        attempt: e.attempt.into(),
        due: to_proto::date(e.due),
        amount_rupiah: e.amount.get(),
        partner: e.partner.number().into(),
        link_id: e.link.into(),
        account_token: account.account_token.to_string(),
        run_id: e.run.into(),
        expires_on: to_proto::date(e.expires_on),
        occurred_at: Some(to_proto::timestamp(record.occurred_at)),
        status: to_proto::instruction_status(entry.status).into(),
        recalled: entry.recalled,
    })
}
