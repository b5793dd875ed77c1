//! Staff on the far side of a network that breaks: every call is made again until the ledger has answered.

use std::time::{Duration, Instant};

use ledger_proto::v1;
use ledger_proto::v1::event_input::Event;
use ledger_proto::{Date, Timestamp};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::event_service_client::EventServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::life::{at, event, uuid};
use crate::server::from;

/// No server is away this long.
const FOR_EVER: Duration = Duration::from_secs(90);

/// Officer, approver and account service.
#[derive(Clone)]
pub(super) struct Staff {
    pub(super) url: String,
}

/// What may be made again: the server was not there, or its answer was lost.
fn passes(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal | Code::DeadlineExceeded
    )
}

impl Staff {
    /// Calls until there is an answer.
    async fn call<T>(&self, call: impl AsyncFn(Channel) -> Result<Response<T>, Status>) -> T {
        let start = Instant::now();
        loop {
            let channel = Channel::from_shared(self.url.clone()).expect("a URL").connect().await;
            let answered = match channel {
                Ok(channel) => call(channel).await,
                Err(error) => Err(Status::unavailable(error.to_string())),
            };
            match answered {
                Ok(answer) => return answer.into_inner(),
                Err(status) => {
                    assert!(passes(&status) && start.elapsed() < FOR_EVER, "{status:?}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// Plans a run and approves it.
    pub(super) async fn run(&self, number: u64, month: i32, day: i32) {
        let plan = v1::PlanRunRequest {
            occurred_at: Some(at(month, day)),
            run_id: uuid(9, number),
            as_of: Some(Date { year: 2020, month, day }),
            ..Default::default()
        };
        let planned = self
            .call(async |channel| {
                DisbursementServiceClient::new(channel).plan_run(from("officer/budi", plan.clone())).await
            })
            .await;
        let approve = v1::ApproveRunRequest {
            occurred_at: Some(at(month, day)),
            run_id: uuid(9, number),
            items_sha256: planned.plan.expect("a plan").items_sha256,
            ..Default::default()
        };
        self.call(async |channel| {
            DisbursementServiceClient::new(channel).approve_run(from("approver/siti", approve.clone())).await
        })
        .await;
    }

    /// Runs the deadline and expiry jobs.
    pub(super) async fn deadlines(&self, month: i32, day: i32) {
        let as_of = Some(Date { year: 2020, month, day });
        let request = v1::RunDeadlinesRequest { as_of, source_reference: "nightly".to_owned() };
        self.call(async |channel| {
            ProgrammeServiceClient::new(channel).run_deadlines(from("officer/cron", request.clone())).await
        })
        .await;
    }

    /// Revokes a membership for false data.
    pub(super) async fn revoke(&self, person: u64, when: Timestamp) {
        let ground = v1::RevocationGround::FalseData.into();
        let revoked = v1::MembershipRevoked { case_id: uuid(5, person), ground };
        self.record("officer/budi", vec![event(person, when, Event::MembershipRevoked(revoked))]).await;
    }

    /// Links another account of these people.
    pub(super) async fn relink(&self, people: &[(u64, v1::PayoutAccountLinked)], when: Timestamp) {
        let linked = |(number, link): &(u64, v1::PayoutAccountLinked)| {
            event(*number, when, Event::PayoutAccountLinked(link.clone()))
        };
        let events = people.iter().map(linked).collect();
        self.record("account/test", events).await;
    }

    async fn record(&self, actor: &str, events: Vec<v1::EventInput>) {
        let request = v1::RecordEventsRequest { events };
        let answer = self
            .call(async |channel| EventServiceClient::new(channel).record_events(from(actor, request.clone())).await)
            .await;
        for result in &answer.results {
            let _ = crate::life::receipt(result);
        }
    }

    /// All of GoPay's instructions without a final outcome, in that state.
    pub(super) async fn outstanding(&self, status: v1::InstructionStatus) -> Vec<v1::Instruction> {
        let request = v1::ListOutstandingInstructionsRequest {
            partner: v1::Partner::Gopay.into(),
            status: status.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let page = self
            .call(async |channel| {
                PayoutServiceClient::new(channel)
                    .list_outstanding_instructions(from("officer/budi", request.clone()))
                    .await
            })
            .await;
        assert_eq!(page.next_page_token, "", "fewer than a page");
        page.instructions
    }

    /// Ends a doubt by two people's finding in the partner's book.
    pub(super) async fn resolve(&self, request: v1::ResolveInDoubtRequest) {
        self.call(async |channel| {
            DisbursementServiceClient::new(channel).resolve_in_doubt(from("officer/budi", request.clone())).await
        })
        .await;
    }

    /// Clears up all exceptions of GoPay; gives how many there were.
    pub(super) async fn clear_exceptions(&self, when: Timestamp) -> usize {
        let kept = self.exceptions().await;
        for exception in &kept {
            let Some(v1::history_event::Event::OutcomeException(said)) =
                exception.exception.as_ref().and_then(|event| event.event.as_ref())
            else {
                panic!("no exception: {exception:?}")
            };
            let outcome = said.outcome.clone().unwrap_or_default();
            let reference = match outcome.transaction_reference.as_str() {
                "" => said.instruction_reference.clone(),
                reference => reference.to_owned(),
            };
            let request = v1::ResolveExceptionRequest {
                occurred_at: Some(when),
                approved_by: "approver/siti".to_owned(),
                partner: v1::Partner::Gopay.into(),
                transaction_reference: reference,
                kind: said.kind,
                resolution: "seen in the partner's book".to_owned(),
                ..Default::default()
            };
            self.call(async |channel| {
                DisbursementServiceClient::new(channel).resolve_exception(from("officer/budi", request.clone())).await
            })
            .await;
        }
        assert_eq!(self.exceptions().await, [], "all are cleared up");
        kept.len()
    }

    async fn exceptions(&self) -> Vec<v1::KeptException> {
        let request =
            v1::ListExceptionsRequest { partner: v1::Partner::Gopay.into(), page_size: 1_000, ..Default::default() };
        self.call(async |channel| {
            PayoutServiceClient::new(channel).list_exceptions(from("officer/budi", request.clone())).await
        })
        .await
        .exceptions
    }
}
