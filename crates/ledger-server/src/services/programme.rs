//! `ProgrammeService`: schemes, waves, funds, closings, the deadline job, and the programme in numbers.

use ledger_core::{Rejection, State};
use ledger_proto::v1;
use ledger_rpc::v1::programme_service_server::ProgrammeService;
use tonic::{Request, Response, Status};

use super::Ledger;
use super::summary::{Forecast, WaveSummary, revoked};
use crate::access::Caller;
use crate::engine::now;
use crate::reasons::USE_REPLAY_TOOL;
use crate::status::{Invalid, refused, rejected};
use crate::{from_proto, to_proto};

/// A command that needs a second person.
macro_rules! recorded {
    ($self:ident, $request:ident, $parse:path, $response:ident) => {{
        let caller = Caller::of(&$request)?;
        let message = $request.into_inner();
        let incoming = $parse(&message).map_err(|invalid: Invalid| invalid.status())?;
        let receipt = $self.record_seconded(&caller, &message, incoming).await?;
        Ok(Response::new(v1::$response { receipt: Some(receipt) }))
    }};
}

#[tonic::async_trait]
impl ProgrammeService for Ledger {
    async fn enact_scheme(
        &self,
        request: Request<v1::EnactSchemeRequest>,
    ) -> Result<Response<v1::EnactSchemeResponse>, Status> {
        recorded!(self, request, from_proto::enact_scheme, EnactSchemeResponse)
    }

    async fn open_wave(&self, request: Request<v1::OpenWaveRequest>) -> Result<Response<v1::OpenWaveResponse>, Status> {
        let actor = Caller::of(&request)?.actor();
        let incoming = from_proto::open_wave(request.get_ref()).map_err(|invalid| invalid.status())?;
        let receipt = self.record_one(actor, incoming).await?;
        Ok(Response::new(v1::OpenWaveResponse { receipt: Some(receipt) }))
    }

    async fn close_wave(
        &self,
        request: Request<v1::CloseWaveRequest>,
    ) -> Result<Response<v1::CloseWaveResponse>, Status> {
        recorded!(self, request, from_proto::close_wave, CloseWaveResponse)
    }

    async fn appropriate_funds(
        &self,
        request: Request<v1::AppropriateFundsRequest>,
    ) -> Result<Response<v1::AppropriateFundsResponse>, Status> {
        recorded!(self, request, from_proto::appropriate_funds, AppropriateFundsResponse)
    }

    async fn close_balance_period(
        &self,
        request: Request<v1::CloseBalancePeriodRequest>,
    ) -> Result<Response<v1::CloseBalancePeriodResponse>, Status> {
        recorded!(self, request, from_proto::close_balance_period, CloseBalancePeriodResponse)
    }

    async fn run_deadlines(
        &self,
        request: Request<v1::RunDeadlinesRequest>,
    ) -> Result<Response<v1::RunDeadlinesResponse>, Status> {
        let actor = Caller::of(&request)?.actor();
        let (as_of, said) = from_proto::run_deadlines(request.get_ref()).map_err(|invalid| invalid.status())?;
        let passed = self.engine.run_deadlines(actor, as_of, said).await?.map_err(|rejection| rejected(&rejection))?;
        Ok(Response::new(v1::RunDeadlinesResponse {
            as_of: to_proto::date(as_of),
            revoked: revoked(&passed.revoked),
            in_doubt: passed.in_doubt,
            recalled: passed.recalled,
            participants: passed.participants,
        }))
    }

    async fn get_wave_summary(
        &self,
        request: Request<v1::GetWaveSummaryRequest>,
    ) -> Result<Response<v1::GetWaveSummaryResponse>, Status> {
        let wave = from_proto::wave_summary(request.get_ref()).map_err(|invalid| invalid.status())?;
        let today = now().wib_date();
        let scan = self.engine.scan(move |state| WaveSummary::begin(state, wave, today), WaveSummary::see);
        let (summary, known_at) = scan.await?.map_err(|rejection| rejected(&rejection))?;
        Ok(Response::new(summary.message(known_at)))
    }

    async fn get_due_forecast(
        &self,
        request: Request<v1::GetDueForecastRequest>,
    ) -> Result<Response<v1::GetDueForecastResponse>, Status> {
        let (from, to) = from_proto::forecast(request.get_ref()).map_err(|invalid| invalid.status())?;
        let begin = move |_: &State| Ok::<_, Rejection>(Forecast::new(from, to));
        let scan = self.engine.scan(begin, Forecast::see);
        let (forecast, known_at) = scan.await?.map_err(|rejection| rejected(&rejection))?;
        Ok(Response::new(forecast.message(known_at)))
    }

    async fn get_trial_balance(
        &self,
        request: Request<v1::GetTrialBalanceRequest>,
    ) -> Result<Response<v1::GetTrialBalanceResponse>, Status> {
        if request.into_inner().as_of.is_some() {
            let text = "the server keeps the trial balance at the head only: replay-tool trial-balance --as-of answers";
            return Err(refused(&USE_REPLAY_TOOL, text));
        }
        let (totals, size, last) =
            self.engine.query(|state| (*state.totals(), state.size(), state.last_recorded_at())).await?;
        Ok(Response::new(v1::GetTrialBalanceResponse {
            as_of: last.and_then(|last| to_proto::date(last.wib_date())),
            known_at: size,
            accounts: to_proto::account_list(&totals),
            sum_rupiah: totals.sum().get(),
        }))
    }
}
