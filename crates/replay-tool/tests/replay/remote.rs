//! The same answers from a server, and a server that does not tell the truth.

use ledger_log::{Frontier, leaf_hash};
use ledger_proto::v1::{
    GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest, GetConsistencyProofResponse,
    GetHeadRequest, GetHeadResponse, GetInclusionProofRequest, GetInclusionProofResponse, StreamRecordsRequest,
    StreamRecordsResponse,
};
use ledger_rpc::v1::audit_service_server::{AuditService, AuditServiceServer};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::support::*;

/// A server of fixed answers.
pub(crate) struct Fixed {
    pub(crate) head: GetHeadResponse,
    pub(crate) batches: Vec<StreamRecordsResponse>,
    /// Checkpoint and proofs; without them the calls are refused.
    pub(crate) note: Option<String>,
    pub(crate) inclusion: Option<GetInclusionProofResponse>,
    pub(crate) consistency: Option<GetConsistencyProofResponse>,
}

#[tonic::async_trait]
impl AuditService for Fixed {
    type StreamRecordsStream = tokio_stream::Iter<std::vec::IntoIter<Result<StreamRecordsResponse, Status>>>;

    async fn stream_records(
        &self,
        request: Request<StreamRecordsRequest>,
    ) -> Result<Response<Self::StreamRecordsStream>, Status> {
        assert_eq!(request.into_inner(), StreamRecordsRequest { from_position: 0, follow: false });
        let batches: Vec<_> = self.batches.iter().cloned().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(batches)))
    }

    async fn get_head(&self, _: Request<GetHeadRequest>) -> Result<Response<GetHeadResponse>, Status> {
        Ok(Response::new(self.head.clone()))
    }

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        assert_eq!(request.into_inner(), GetCheckpointRequest { size: None });
        let note = self.note.clone().ok_or_else(|| Status::failed_precondition("no key"))?;
        Ok(Response::new(GetCheckpointResponse { note, size: self.head.size }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        assert_eq!(request.metadata().get("x-ledger-actor").expect("named"), "auditor/replay-tool");
        self.inclusion.clone().map(Response::new).ok_or_else(|| Status::out_of_range("beyond"))
    }

    async fn get_consistency_proof(
        &self,
        _: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        self.consistency.clone().map(Response::new).ok_or_else(|| Status::out_of_range("beyond"))
    }
}

impl Fixed {
    pub(crate) fn new(records: &[Vec<u8>]) -> Self {
        let mut frontier = Frontier::default();
        records.iter().for_each(|bytes| frontier.append(leaf_hash(bytes)));
        let head = GetHeadResponse { size: frontier.size(), root_hash: frontier.root().to_vec().into() };
        let batch = |(number, records): (usize, &[Vec<u8>])| StreamRecordsResponse {
            first_position: number as u64 * 10,
            records: records.iter().map(|bytes| bytes.clone().into()).collect(),
        };
        let batches = records.chunks(10).enumerate().map(batch).collect();
        Self { head, batches, note: None, inclusion: None, consistency: None }
    }

    /// Serves until the process ends; gives the address.
    pub(crate) fn serve(self) -> String {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                sender.send(listener.local_addr().expect("an address")).expect("waited for");
                let service = AuditServiceServer::new(self);
                let serving = tonic::transport::Server::builder().add_service(service);
                serving.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("serves");
            });
        });
        format!("http://{}", receiver.recv().expect("an address"))
    }
}

#[test]
fn a_server_gives_the_same_answers_as_its_folder() {
    let records = encoded(&story().records);
    let log = log_of(&records);
    let url = Fixed::new(&records).serve();
    let ani = ANI.to_string();
    let commands: [&[&str]; 8] = [
        &["verify", "--json"],
        &["trial-balance", "--json"],
        &["trial-balance", "--json", "--as-of", "2020-06-10", "--known-at", "22"],
        &["balances", "--json"],
        &["participant", &ani, "--json"],
        &["audit", "--json"],
        &["audit", "--json", "--as-of", "2020-06-10", "--known-at", "22"],
        &["sample", "--n", "2", "--seed", "5", "--json"],
    ];
    for args in commands {
        let remote = tool(&[args, &["--from", &url]].concat());
        assert_eq!(remote.code, 0, "{args:?}: {remote:?}");
        assert_eq!(remote.out, on(log.path(), args).out, "{args:?}");
    }
}

#[test]
fn a_log_that_grew_meanwhile_is_read_to_the_head_that_was_named() {
    let records = encoded(&story().records);
    let head = Fixed::new(&records[..15]).head;
    let url = Fixed { head, ..Fixed::new(&records) }.serve();
    let said = tool(&["verify", "--json", "--from", &url]);
    assert_eq!((said.code, said.json()["size"].as_u64()), (0, Some(15)), "{said:?}");
}

#[test]
fn a_server_that_does_not_tell_the_truth_is_found_out() {
    let records = encoded(&story().records);
    let mut other = records.clone();
    other[3] = other[4].clone();
    let honest = || Fixed::new(&records);
    let mut gap = honest();
    gap.batches.remove(1);
    let mut short = honest();
    short.batches.pop();
    let rows = [
        ("another record", Fixed { head: honest().head, ..Fixed::new(&other) }, "head", 0),
        ("a gap", gap, "position", 10),
        ("an early end", short, "head", 20),
    ];
    for (name, server, rule, position) in rows {
        let url = server.serve();
        let said = tool(&["verify", "--json", "--from", &url]);
        assert_eq!(said.code, 1, "{name}: {said:?}");
        let document = said.json();
        assert_eq!(document["first_bad_position"].as_u64(), Some(position), "{name}: {said:?}");
        let rules: Vec<_> = document["findings"].as_array().expect("a list").iter().map(|f| &f["rule"]).collect();
        assert!(rules.contains(&&rule.into()), "{name}: {rules:?}");
        assert_eq!(tool(&["balances", "--from", &url]).code, 2, "{name}");
        let audit = tool(&["audit", "--json", "--from", &url]).json();
        let audited: Vec<_> = audit["findings"].as_array().expect("a list").iter().map(|f| &f["rule"]).collect();
        assert!(audited.contains(&&rule.into()), "{name}: {audited:?}");
    }
}

#[test]
fn a_server_that_is_not_there_could_not_be_asked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let said = tool(&["verify", "--from", &url]);
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains(&format!("{url}: could not connect: ")), "{}", said.err);
    let said = tool(&["verify", "--from", "not an address"]);
    assert!(said.code == 2 && said.err.contains("not an address: could not connect: "), "{said:?}");
}
