//! `AuditService`: the records themselves, and the head they add up to.

use std::pin::Pin;

use bytes::Bytes;
use ledger_log::Reader;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_server::AuditService;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::payout::stopped;
use super::{Ledger, actor};
use crate::status::unreadable;

/// Records of one message.
const PAGE: u64 = 1_000;
/// Messages that wait for a slow reader; then the stream waits.
const AHEAD: usize = 4;

type Records = Pin<Box<dyn Stream<Item = Result<v1::StreamRecordsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AuditService for Ledger {
    type StreamRecordsStream = Records;

    async fn stream_records(&self, request: Request<v1::StreamRecordsRequest>) -> Result<Response<Records>, Status> {
        actor(&request)?;
        let v1::StreamRecordsRequest { from_position, follow } = request.into_inner();
        let (messages, stream) = mpsc::channel(AHEAD);
        let ledger = self.clone();
        tokio::spawn(async move {
            if let Err(status) = ledger.send_records(from_position, follow, &messages).await {
                drop(messages.send(Err(status)).await);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_head(&self, request: Request<v1::GetHeadRequest>) -> Result<Response<v1::GetHeadResponse>, Status> {
        actor(&request)?;
        let head = self.engine.reader().head();
        Ok(Response::new(v1::GetHeadResponse { size: head.size, root_hash: head.root.to_vec().into() }))
    }
}

type Messages = mpsc::Sender<Result<v1::StreamRecordsResponse, Status>>;

impl Ledger {
    async fn send_records(&self, mut from: u64, follow: bool, messages: &Messages) -> Result<(), Status> {
        let mut durable = self.engine.durable();
        let mut stopping = self.stopping.clone();
        loop {
            durable.mark_unchanged();
            let reader = self.engine.reader();
            let records = tokio::task::block_in_place(|| page(reader, from))?;
            if records.is_empty() {
                if !follow {
                    return Ok(());
                }
                tokio::select! {
                    changed = durable.changed() => if changed.is_err() { return Err(stopped()) },
                    _ = stopping.wait_for(|stopping| *stopping) => return Err(stopped()),
                    () = messages.closed() => return Ok(()),
                }
                continue;
            }
            let first_position = from;
            from += records.len() as u64;
            if messages.send(Ok(v1::StreamRecordsResponse { first_position, records })).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn page(reader: &Reader, from: u64) -> Result<Vec<Bytes>, Status> {
    let stored = reader.read(from, from.saturating_add(PAGE));
    let copied = stored.map(|record| {
        record.map(|record| Bytes::copy_from_slice(record.bytes())).map_err(|error| unreadable(from, &error))
    });
    copied.collect()
}
