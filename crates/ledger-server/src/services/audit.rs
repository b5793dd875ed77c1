//! `AuditService`: the records themselves, and the head they add up to.

use bytes::Bytes;
use ledger_log::{Hash, ReadError, Reader, leaf_hash};
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_server::AuditService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::payout::stopped;
use super::{AHEAD, Answers, Ledger};
use crate::notary::Unsigned;
use crate::reasons::{BEYOND_LOG, NO_CHECKPOINT_KEY, NO_CHECKPOINT_YET, STOPPING};
use crate::status::{refused, unreadable};

/// Records of one message.
const PAGE: u64 = 1_000;
type Records = Answers<v1::StreamRecordsResponse>;

#[tonic::async_trait]
impl AuditService for Ledger {
    type StreamRecordsStream = Records;

    async fn stream_records(&self, request: Request<v1::StreamRecordsRequest>) -> Result<Response<Records>, Status> {
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

    async fn get_head(&self, _: Request<v1::GetHeadRequest>) -> Result<Response<v1::GetHeadResponse>, Status> {
        let head = self.engine.reader().head();
        Ok(Response::new(v1::GetHeadResponse { size: head.size, root_hash: head.root.to_vec().into() }))
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let size = request.into_inner().size;
        let notary = &self.notary;
        let signed = tokio::task::block_in_place(|| match size {
            None => notary.sign(),
            Some(size) => notary.at_or_after(size),
        });
        let (size, note) = signed.map_err(|error| unsigned(&error))?;
        Ok(Response::new(v1::GetCheckpointResponse { note, size }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        let v1::GetInclusionProofRequest { position, size } = request.into_inner();
        let reader = self.engine.reader();
        let size = size.unwrap_or_else(|| reader.head().size);
        let proof =
            tokio::task::block_in_place(|| Ok((reader.inclusion_proof(position, size)?, reader.get(position)?)));
        let (path, record) = proof.map_err(|error| unproven(position, &error))?;
        Ok(Response::new(v1::GetInclusionProofResponse {
            size,
            leaf_hash: bytes(&leaf_hash(&record)),
            record: Bytes::copy_from_slice(&record),
            path: path.iter().map(bytes).collect(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let v1::GetConsistencyProofRequest { old_size, new_size } = request.into_inner();
        let reader = self.engine.reader();
        let new_size = new_size.unwrap_or_else(|| reader.head().size);
        let proof = tokio::task::block_in_place(|| {
            Ok((reader.consistency_proof(old_size, new_size)?, reader.root_at(old_size)?))
        });
        let (path, old_root) = proof.map_err(|error| unproven(old_size, &error))?;
        Ok(Response::new(v1::GetConsistencyProofResponse {
            new_size,
            old_root_hash: bytes(&old_root),
            path: path.iter().map(bytes).collect(),
        }))
    }
}

fn bytes(hash: &Hash) -> Bytes {
    Bytes::copy_from_slice(hash)
}

/// Why there is no checkpoint.
fn unsigned(error: &Unsigned) -> Status {
    let reason = match error {
        Unsigned::NoKey => &NO_CHECKPOINT_KEY,
        Unsigned::NoneYet(_) => &NO_CHECKPOINT_YET,
        Unsigned::NotKept(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "no checkpoint was signed");
            &STOPPING
        }
        Unsigned::Stopping => return stopped(),
    };
    refused(reason, error.to_string())
}

/// Why there is no proof: the log is not that long, or it cannot be read.
fn unproven(position: u64, error: &ReadError) -> Status {
    match error {
        ReadError::PastEnd { position, size } => {
            let text = format!("{position} is not within the {size} records that were asked for or are there");
            refused(&BEYOND_LOG, text)
        }
        ReadError::Damaged(_) | ReadError::File(_) => unreadable(position, error),
        ReadError::Closed => stopped(),
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
