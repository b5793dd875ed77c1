//! Records of a server, up to the head that it names first; the root is computed here and compared with its.

use std::ops::ControlFlow;
use std::time::Duration;

use ledger_core::state::AHEAD;
use ledger_log::{Frontier, Head, leaf_hash};
use ledger_proto::v1::{GetHeadRequest, GetHeadResponse, StreamRecordsRequest};
use ledger_rpc::client::{Named, endpoint};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::{Pass, Server, VisitBatch, VisitBytes};
use crate::error::Error;
use crate::finding::{Finding, Rule};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest message taken from a server, bytes.
const MAX_MESSAGE: usize = 64 << 20;

pub(super) type Client = AuditServiceClient<InterceptedService<Channel, Named>>;

pub(super) fn pass(url: &Server, visit: &mut VisitBytes<'_>) -> Result<Pass, Error> {
    let mut all = |some: &[(u64, &[u8])]| {
        some.iter().for_each(|(position, bytes)| visit(*position, bytes));
        ControlFlow::Continue(())
    };
    Ok(pass_while(url, &mut all)?.expect("what never breaks comes to its end"))
}

/// Like [`pass`], until `visit` breaks; `None` where it did.
pub(super) fn pass_while(url: &Server, visit: &mut VisitBatch<'_>) -> Result<Option<Pass>, Error> {
    let failed = |action, status: Status| Error::server(url, action, said(&status));
    ask(url, async |mut client| {
        let head = client.get_head(GetHeadRequest {}).await;
        let head = head.map_err(|status| failed("ask for the head", status))?.into_inner();
        let mut stream = stream(&mut client, 0).await.map_err(|status| failed("stream records", status))?;

        let mut frontier = Frontier::default();
        let mut findings = Vec::new();
        while frontier.size() < head.size {
            let message = stream.message().await.map_err(|status| failed("stream records", status))?;
            let Some(message) = message else { break };
            let next = frontier.size();
            if message.first_position != next {
                let (expected, found) = (format!("records from {next} on"), message.first_position);
                let finding = Finding::new(Rule::Position, expected, format!("records from {found} on"));
                findings.push(finding.at_position(next));
                break;
            }
            // The log may have grown since: what was not asked for is not looked at.
            let records: Vec<_> = (next..head.size).zip(message.records.iter().map(|bytes| &bytes[..])).collect();
            for some in records.chunks(AHEAD) {
                some.iter().for_each(|(_, bytes)| frontier.append(leaf_hash(bytes)));
                if visit(some).is_break() {
                    return Ok(None);
                }
            }
        }
        findings.extend(against_head(&frontier, &head));
        let (size, root) = (frontier.size(), frontier.root());
        Ok(Some(Pass { size, root, findings, notes: Vec::new(), first_bad_position: None }))
    })
}

pub(super) fn head(url: &Server) -> Result<Head, Error> {
    let action = "ask for the head";
    ask(url, async |mut client| {
        let head = client.get_head(GetHeadRequest {}).await;
        let head = head.map_err(|status| Error::server(url, action, said(&status)))?.into_inner();
        let root = head.root_hash[..].try_into();
        let root = root.map_err(|_| Error::server(url, action, "its root has not 32 bytes".to_owned()))?;
        Ok(Head { size: head.size, root })
    })
}

pub(super) fn records(
    url: &Server,
    from: u64,
    to: u64,
    visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |reason| Error::server(url, "stream records", reason);
    ask(url, async |mut client| {
        let mut stream = stream(&mut client, from).await.map_err(|status| failed(said(&status)))?;
        let mut next = from;
        while next < to {
            let message = stream.message().await.map_err(|status| failed(said(&status)))?;
            let message = message.ok_or_else(|| failed(format!("it ended at {next}, before {to}")))?;
            if message.first_position != next {
                return Err(failed(format!("records from {} on, instead of {next}", message.first_position)));
            }
            for bytes in message.records.iter().take(usize::try_from(to - next).unwrap_or(usize::MAX)) {
                visit(bytes)?;
                next += 1;
            }
        }
        Ok(())
    })
}

/// Connects, and runs what is to be asked to its end.
pub(super) fn ask<T>(url: &Server, questions: impl AsyncFnOnce(Client) -> Result<T, Error>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::server(url, "start a runtime", error.to_string()))?;
    runtime.block_on(async {
        let client = connect(url).await.map_err(|reason| Error::server(url, "connect", reason))?;
        questions(client).await
    })
}

async fn connect(url: &Server) -> Result<Client, String> {
    let endpoint = endpoint(&url.url, url.tls.as_ref()).map_err(|error| chain(&error))?;
    let channel = endpoint.connect_timeout(CONNECT_TIMEOUT).connect().await.map_err(|error| chain(&error))?;
    let named = Named::unless(url.tls.as_ref(), "auditor/replay-tool");
    let client = AuditServiceClient::with_interceptor(channel, named);
    Ok(client.max_decoding_message_size(MAX_MESSAGE))
}

async fn stream(
    client: &mut Client,
    from_position: u64,
) -> Result<tonic::Streaming<ledger_proto::v1::StreamRecordsResponse>, Status> {
    let request = StreamRecordsRequest { from_position, follow: false };
    Ok(client.stream_records(request).await?.into_inner())
}

fn against_head(frontier: &Frontier, head: &GetHeadResponse) -> Option<Finding> {
    if frontier.size() < head.size {
        let (expected, found) = (format!("{} records, as head says", head.size), format!("{}", frontier.size()));
        return Some(Finding::new(Rule::Head, expected, found).at_position(frontier.size()));
    }
    if frontier.root()[..] != head.root_hash[..] {
        let expected = format!("root {}, as head says for {} records", hex::encode(&head.root_hash), head.size);
        let finding = Finding::new(Rule::Head, expected, hex::encode(frontier.root()));
        // Each record is whole, yet together they are not those of the head; which one is not known.
        return Some(finding.at_position(0));
    }
    None
}

pub(super) fn said(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Some layers repeat the one below.
        if !text.ends_with(&error.to_string()) {
            text = format!("{text}: {error}");
        }
        source = error.source();
    }
    text
}
