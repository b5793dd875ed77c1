//! The yardstick of calls: a tonic server that takes the same messages and answers with receipts of the same size, and does
//! nothing else.

use std::process::ExitCode;

use ledger_proto::v1;
use ledger_rpc::v1::event_service_server::{EventService, EventServiceServer};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::measure::Failed;

struct Echo;

#[tonic::async_trait]
impl EventService for Echo {
    type RecordEventStreamStream = BoxStream<v1::RecordEventStreamResponse>;

    async fn record_event_stream(
        &self,
        request: Request<Streaming<v1::RecordEventStreamRequest>>,
    ) -> Result<Response<Self::RecordEventStreamStream>, Status> {
        let answers = request.into_inner().map(|batch| {
            let v1::RecordEventStreamRequest { sequence, events } = batch?;
            Ok(v1::RecordEventStreamResponse { sequence, results: receipts(&events), refusal: None })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn record_events(
        &self,
        request: Request<v1::RecordEventsRequest>,
    ) -> Result<Response<v1::RecordEventsResponse>, Status> {
        Ok(Response::new(v1::RecordEventsResponse { results: receipts(&request.into_inner().events) }))
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

/// Serves until it is killed.
pub(crate) fn main() -> ExitCode {
    let served = || -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("listening on {}", listener.local_addr()?);
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let service = EventServiceServer::new(Echo).max_decoding_message_size(16 << 20);
            Ok(Server::builder().add_service(service).serve_with_incoming(incoming).await?)
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
