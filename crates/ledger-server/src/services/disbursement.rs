//! `DisbursementService`: runs, planned by one person and approved by another.

use ledger_core::Command;
use ledger_proto::v1;
use ledger_rpc::v1::disbursement_service_server::DisbursementService;
use tonic::{Request, Response, Status};

use super::{Ledger, actor};
use crate::engine::{Answer, Closed, Planned};
use crate::status::Invalid;
use crate::{from_proto, to_proto};

#[tonic::async_trait]
impl DisbursementService for Ledger {
    async fn plan_run(&self, request: Request<v1::PlanRunRequest>) -> Result<Response<v1::PlanRunResponse>, Status> {
        let actor = actor(&request)?;
        let parsed = from_proto::plan_run(&request.into_inner());
        let (run, as_of, said) = parsed.map_err(|invalid: Invalid| invalid.status())?;
        let command = || Some(Command::PlanRun { run, as_of });
        let planned = self.engine.plan_run(actor, run, as_of, said).await?;
        let planned = match planned {
            Ok(planned) => planned,
            Err(rejection) => return Err(self.refusal(Answer::Rejected(rejection), command)),
        };
        let receipt = self.receipt(&planned.answer, command)?;
        let Planned { as_of, known_at, plan, .. } = planned;
        let plan = v1::RunPlan {
            run_id: run.to_string(),
            as_of: to_proto::date(as_of),
            known_at,
            items_sha256: plan.digest.0.to_vec().into(),
            totals: plan.totals.iter().map(to_proto::partner_total).collect(),
        };
        Ok(Response::new(v1::PlanRunResponse { receipt: Some(receipt), plan: Some(plan) }))
    }

    async fn approve_run(
        &self,
        request: Request<v1::ApproveRunRequest>,
    ) -> Result<Response<v1::ApproveRunResponse>, Status> {
        let actor = actor(&request)?;
        let parsed = from_proto::approve_run(&request.into_inner());
        let (run, items_digest, said) = parsed.map_err(|invalid: Invalid| invalid.status())?;
        let command = || Some(Command::ApproveRun { run, items_digest });
        let closed = match self.engine.approve_run(actor, run, items_digest, said).await? {
            Ok(closed) => closed,
            Err(rejection) => return Err(self.refusal(Answer::Rejected(rejection), command)),
        };
        let Closed { approved, repeated, closed, instructed, held, held_by } = closed;
        let receipt = |position| {
            let receipt = self.receipt(&Answer::Repeated { position }, || None)?;
            Ok::<_, Status>(v1::Receipt { repeated, ..receipt })
        };
        Ok(Response::new(v1::ApproveRunResponse {
            approved: Some(receipt(approved)?),
            closed: Some(receipt(closed)?),
            instructed_count: instructed.count,
            instructed_total_rupiah: instructed.amount.get(),
            held_count: held.count,
            held_total_rupiah: held.amount.get(),
            held: held_by.iter().map(to_proto::held_total).collect(),
        }))
    }
}

impl Ledger {
    fn refusal(&self, answer: Answer, command: impl Fn() -> Option<Command<'static>>) -> Status {
        match self.receipt(&answer, command) {
            Err(status) => status,
            Ok(_) => Status::internal("a refusal without a reason"),
        }
    }
}
