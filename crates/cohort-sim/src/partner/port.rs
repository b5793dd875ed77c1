//! The calls of a partner, and which of their failures pass.

use std::time::Duration;

use ledger_core::codes::Partner;
use ledger_proto::v1;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(60);
/// How often an idle connection is tried, so that a dead one is noticed.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Largest message of the ledger.
const LARGEST: usize = 16 << 20;

/// A connection to the ledger.
pub(super) struct Port {
    client: PayoutServiceClient<Channel>,
    partner: Partner,
    actor: MetadataValue<Ascii>,
}

/// Whether a call that failed so may be made again: what the ledger itself refuses, it would refuse again.
pub(super) fn passes(status: &Status) -> bool {
    !matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated
            | Code::DataLoss
    )
}

impl Port {
    pub(super) async fn connect(endpoint: &Endpoint, partner: Partner) -> Result<Self, Status> {
        let endpoint = endpoint.clone().keep_alive_while_idle(true).http2_keep_alive_interval(KEEPALIVE);
        let channel = endpoint.connect().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let actor = MetadataValue::try_from(format!("partner/{partner}"))
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Self { client: PayoutServiceClient::new(channel).max_decoding_message_size(LARGEST), partner, actor })
    }

    fn of<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-ledger-actor", self.actor.clone());
        request
    }

    /// Instructions from a reference on. A stream that follows has no deadline.
    pub(super) async fn stream(
        &mut self,
        from_instruction: String,
        follow: bool,
    ) -> Result<Streaming<v1::StreamInstructionsResponse>, Status> {
        let partner = self.partner.number().into();
        let request = self.of(v1::StreamInstructionsRequest { from_instruction, partner, follow });
        timely(self.client.stream_instructions(request)).await
    }

    /// An instruction as it stands now.
    pub(super) async fn look(&mut self, instruction: String) -> Result<v1::Instruction, Status> {
        let request = self.of(v1::GetInstructionRequest { instruction });
        let answer = timely(self.client.get_instruction(request)).await?;
        answer.instruction.ok_or_else(|| Status::internal("an answer without its instruction"))
    }

    /// What became of instructions.
    pub(super) async fn report(&mut self, outcomes: Vec<v1::OutcomeInput>) -> Result<Vec<v1::RecordResult>, Status> {
        let asked = outcomes.len();
        let request = self.of(v1::ReportOutcomesRequest { outcomes });
        let results = timely(self.client.report_outcomes(request)).await?.results;
        if results.len() == asked { Ok(results) } else { Err(Status::internal("not an answer for each outcome")) }
    }
}

/// A call with a deadline: a network that swallows answers must not hold a partner up for ever.
async fn timely<T>(call: impl Future<Output = Result<tonic::Response<T>, Status>>) -> Result<T, Status> {
    let answered = tokio::time::timeout(CALL, call).await;
    Ok(answered.map_err(|_| Status::deadline_exceeded("no answer"))??.into_inner())
}
