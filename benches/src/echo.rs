//! The yardstick of calls: a tonic server that takes the same messages and answers with receipts of the same size, or streams
//! instructions of the same size, and does nothing else.

use std::process::ExitCode;

use ledger_proto::{Date, v1};
use ledger_rpc::batch::{RecordEventStreamRequest, RecordEventsRequest};
use ledger_rpc::v1::event_service_server::{EventService, EventServiceServer};
use ledger_rpc::v1::payout_service_server::{PayoutService, PayoutServiceServer};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::lives;
use crate::measure::Failed;

struct Echo;

#[tonic::async_trait]
impl EventService for Echo {
    type RecordEventStreamStream = BoxStream<v1::RecordEventStreamResponse>;

    async fn record_event_stream(
        &self,
        request: Request<Streaming<RecordEventStreamRequest>>,
    ) -> Result<Response<Self::RecordEventStreamStream>, Status> {
        let answers = request.into_inner().map(|batch| {
            let v1::RecordEventStreamRequest { sequence, events } = batch?.message()?;
            Ok(v1::RecordEventStreamResponse { sequence, results: receipts(&events), refusal: None })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<v1::RecordEventsResponse>, Status> {
        let v1::RecordEventsRequest { events } = request.get_ref().message()?;
        Ok(Response::new(v1::RecordEventsResponse { results: receipts(&events) }))
    }
}

fn receipts(events: &[v1::EventInput]) -> Vec<v1::RecordResult> {
    let receipt = |position| v1::RecordResult {
        result: Some(v1::record_result::Result::Receipt(v1::Receipt {
            position,
            leaf_hash: bytes::Bytes::from_static(&[7; 32]),
            repeated: false,
        })),
        exception_cause: 0,
    };
    (1_000_000..).zip(events).map(|(position, _)| receipt(position)).collect()
}

/// Instructions of one message, as the ledger sends them.
const PAGE: usize = 500;
/// Messages of a stream: a caller stops when it has enough.
const PAGES: usize = 2_000;

#[tonic::async_trait]
impl PayoutService for Echo {
    type StreamInstructionsStream = BoxStream<v1::StreamInstructionsResponse>;
    type ReconcileStatementStream = BoxStream<v1::ReconcileStatementResponse>;

    async fn stream_instructions(
        &self,
        request: Request<v1::StreamInstructionsRequest>,
    ) -> Result<Response<Self::StreamInstructionsStream>, Status> {
        let partner = request.get_ref().partner;
        let instructions = (1_000_000..).take(PAGE).map(|position| instruction(position, partner)).collect();
        let page = v1::StreamInstructionsResponse { instructions, next_instruction: format!("{:020}", 1_000_500) };
        let pages = tokio_stream::iter(std::iter::repeat_n(page, PAGES)).map(Ok);
        Ok(Response::new(Box::pin(pages)))
    }

    async fn list_outstanding_instructions(
        &self,
        _: Request<v1::ListOutstandingInstructionsRequest>,
    ) -> Result<Response<v1::ListOutstandingInstructionsResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }

    async fn get_instruction(
        &self,
        _: Request<v1::GetInstructionRequest>,
    ) -> Result<Response<v1::GetInstructionResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }

    async fn report_outcomes(
        &self,
        _: Request<v1::ReportOutcomesRequest>,
    ) -> Result<Response<v1::ReportOutcomesResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }

    async fn list_exceptions(
        &self,
        _: Request<v1::ListExceptionsRequest>,
    ) -> Result<Response<v1::ListExceptionsResponse>, Status> {
        Err(Status::unimplemented("streams only"))
    }

    async fn reconcile_statement(
        &self,
        _: Request<Streaming<v1::ReconcileStatementRequest>>,
    ) -> Result<Response<Self::ReconcileStatementStream>, Status> {
        Err(Status::unimplemented("streams only"))
    }
}

/// As long as the ledger's own in the same measure.
fn instruction(position: u64, partner: i32) -> v1::Instruction {
    let day = |day| Some(Date { year: 2020, month: 5, day });
    v1::Instruction {
        instruction: format!("{position:020}"),
        participant_id: lives::person(position),
        entitlement: Some(v1::EntitlementRef { kind: v1::EntitlementKind::Training.into(), number: 1 }),
        attempt: 1,
        due: day(6),
        amount_rupiah: 600_000,
        partner,
        link_id: lives::uuid(2, position),
        account_token: format!("token-{}", position / 10),
        run_id: lives::uuid(9, 1),
        expires_on: day(13),
        occurred_at: Some(lives::at(5, 6)),
        status: v1::InstructionStatus::Instructed.into(),
        recalled: false,
    }
}

/// Serves until it is killed.
pub(crate) fn main() -> ExitCode {
    let served = || -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("listening on {}", listener.local_addr()?);
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let service = EventServiceServer::new(Echo).max_decoding_message_size(16 << 20);
            let payouts = PayoutServiceServer::new(Echo).max_encoding_message_size(16 << 20);
            Ok(Server::builder().add_service(service).add_service(payouts).serve_with_incoming(incoming).await?)
        })
    };
    match served() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ledger-bench: {error}");
            ExitCode::from(2)
        }
    }
}
