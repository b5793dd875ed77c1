//! `DisbursementService`: runs, planned by one person and approved by another.

use ledger_core::ids::{Digest, RunId};
use ledger_core::time::Timestamp;
use ledger_core::{Command, Rejection};
use ledger_proto::v1;
use ledger_rpc::v1::disbursement_service_server::DisbursementService;
use tonic::{Request, Response, Status};

use super::{Compared, Ledger, instruction_unknown};
use crate::access::Caller;
use crate::engine::{Actor, Answer, ApproveReply, Closed, Resolution, Said, Unavailable};
use crate::reasons::NOT_IN_DOUBT;
use crate::status::{Invalid, refused, rejected};
use crate::{from_proto, to_proto};

#[tonic::async_trait]
impl DisbursementService for Ledger {
    async fn plan_run(&self, request: Request<v1::PlanRunRequest>) -> Result<Response<v1::PlanRunResponse>, Status> {
        let actor = Caller::of(&request)?.actor();
        let parsed = from_proto::plan_run(&request.into_inner());
        let (run, as_of, said) = parsed.map_err(|invalid: Invalid| invalid.status())?;
        let command = || Some(Command::PlanRun { run, as_of });
        let planned = match self.engine.plan_run(actor, run, as_of, said).await? {
            Ok(planned) => planned,
            Err(rejection) => return Err(self.refusal(Answer::Rejected(rejection), command)),
        };
        let receipt = self.receipt(&planned.answer, command)?;
        let (plan, _) = self.run_plan(receipt.position)?;
        Ok(Response::new(v1::PlanRunResponse { receipt: Some(receipt), plan: Some(plan) }))
    }

    async fn get_run(&self, request: Request<v1::GetRunRequest>) -> Result<Response<v1::GetRunResponse>, Status> {
        let run = from_proto::id::<RunId>("run_id", &request.get_ref().run_id).map_err(|invalid| invalid.status())?;
        let found = self.engine.query(move |state| state.run(run).map(|(_, entry)| entry.clone())).await?;
        let entry = found.ok_or_else(|| rejected(&Rejection::RunUnknown { run }))?;
        let run = tokio::task::block_in_place(|| self.run_message(&entry))?;
        Ok(Response::new(v1::GetRunResponse { run: Some(run) }))
    }

    async fn list_runs(&self, request: Request<v1::ListRunsRequest>) -> Result<Response<v1::ListRunsResponse>, Status> {
        self.runs(request.get_ref()).await.map(Response::new)
    }

    async fn resolve_in_doubt(
        &self,
        request: Request<v1::ResolveInDoubtRequest>,
    ) -> Result<Response<v1::ResolveInDoubtResponse>, Status> {
        let caller = Caller::of(&request)?;
        let parsed = from_proto::resolve_in_doubt(request.get_ref());
        let (instruction, finding, said) = parsed.map_err(|invalid| invalid.status())?;
        let (actor, said) = self.approvals.second(&caller, request.get_ref(), said)?;
        let mut apart = Vec::new();
        loop {
            let (said, finding) = (said.clone(), finding.clone());
            match self.engine.resolve_in_doubt(actor.clone(), said, instruction, finding, apart.clone()).await? {
                Resolution::Decided(answer, command) => match self.compared(&answer, || Some((*command).clone()))? {
                    Compared::Receipt(receipt) => {
                        return Ok(Response::new(v1::ResolveInDoubtResponse { receipt: Some(receipt) }));
                    }
                    Compared::Apart(position) => apart.push(position),
                },
                Resolution::Unknown => return Err(instruction_unknown(instruction)),
                Resolution::NotInDoubt(status) => {
                    let status = to_proto::instruction_status(status).as_str_name();
                    let text = format!("the instruction is not in doubt but {status}: there is nothing to resolve");
                    return Err(refused(&NOT_IN_DOUBT, text));
                }
            }
        }
    }

    async fn resolve_exception(
        &self,
        request: Request<v1::ResolveExceptionRequest>,
    ) -> Result<Response<v1::ResolveExceptionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let incoming = from_proto::resolve_exception(request.get_ref()).map_err(|invalid| invalid.status())?;
        let receipt = self.record_seconded(&caller, request.get_ref(), incoming).await?;
        Ok(Response::new(v1::ResolveExceptionResponse { receipt: Some(receipt) }))
    }

    async fn approve_run(
        &self,
        request: Request<v1::ApproveRunRequest>,
    ) -> Result<Response<v1::ApproveRunResponse>, Status> {
        let actor = Caller::of(&request)?.actor();
        let parsed = from_proto::approve_run(&request.into_inner());
        let (run, items_digest, said) = parsed.map_err(|invalid: Invalid| invalid.status())?;
        let command = || Some(Command::ApproveRun { run, items_digest });
        let closed = match self.approve_and_sign(actor, run, items_digest, said).await? {
            Ok(closed) => closed,
            Err(rejection) => return Err(self.refusal(Answer::Rejected(rejection), command)),
        };
        let Closed { approved, repeated, closed, instructed, held } = closed;
        let receipt = |position| {
            let recorded = Answer::Repeated { position, occurred_at: Timestamp::default() };
            let receipt = self.receipt(&recorded, || None)?;
            Ok::<_, Status>(v1::Receipt { repeated, ..receipt })
        };
        Ok(Response::new(v1::ApproveRunResponse {
            approved: Some(receipt(approved)?),
            closed: Some(receipt(closed)?),
            instructed_count: instructed.count,
            instructed_total_rupiah: instructed.amount.get(),
            held_count: held.count,
            held_total_rupiah: held.amount.get(),
            held: tokio::task::block_in_place(|| self.held_by(closed))?,
        }))
    }
}

impl Ledger {
    /// Approves a run, and signs the log when it is closed, also where the caller goes away meanwhile.
    async fn approve_and_sign(&self, actor: Actor, run: RunId, digest: Digest, said: Said<'static>) -> ApproveReply {
        let ledger = self.clone();
        let approved = tokio::spawn(async move {
            let closed = ledger.engine.approve_run(actor, run, digest, said).await;
            if matches!(closed, Ok(Ok(_))) {
                tokio::task::block_in_place(|| ledger.notary.sign_if_possible());
            }
            closed
        });
        approved.await.map_err(|_| Unavailable::Stopping)?
    }

    fn refusal(&self, answer: Answer, command: impl Fn() -> Option<Command<'static>>) -> Status {
        match self.receipt(&answer, command) {
            Err(status) => status,
            Ok(_) => Status::internal("a refusal without a reason"),
        }
    }
}
