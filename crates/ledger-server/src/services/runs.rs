//! Runs as people see them: what the state adds up, and what stands only in their records.

use ledger_core::Record;
use ledger_core::event::Event;
use ledger_core::state::Run;
use ledger_log::record;
use ledger_proto::v1;
use tonic::Status;

use super::Ledger;
use super::pages::{page, token};
use crate::reasons::UNREADABLE_RECORD;
use crate::status::{refused, unreadable};
use crate::{from_proto, to_proto};

impl Ledger {
    /// The plan in the record at a position, and who planned when.
    pub(super) fn run_plan(&self, position: u64) -> Result<(v1::RunPlan, Said), Status> {
        self.at(position, |record| {
            let Event::DisbursementRunPlanned(e) = &record.event else { return None };
            let plan = v1::RunPlan {
                run_id: e.run.to_string(),
                as_of: to_proto::date(e.as_of),
                known_at: e.known_at,
                items_sha256: e.items_digest.0.to_vec().into(),
                totals: e.totals.iter().map(to_proto::partner_total).collect(),
            };
            Some((plan, Said::of(record)))
        })
    }

    /// What the run held by reason that closed at a position.
    pub(super) fn held_by(&self, position: u64) -> Result<Vec<v1::HeldTotal>, Status> {
        self.at(position, |record| {
            let Event::DisbursementRunClosed(e) = &record.event else { return None };
            Some(e.held_by.iter().map(to_proto::held_total).collect())
        })
    }

    /// What `see` finds in the record at a position, which the state says is there.
    fn at<T>(&self, position: u64, see: impl FnOnce(&Record<'_>) -> Option<T>) -> Result<T, Status> {
        let stored = self.engine.reader().get(position).map_err(|e| unreadable(position, &e))?;
        let record = record::decode(stored.bytes()).map_err(|e| unreadable(position, &e))?;
        let other = || refused(&UNREADABLE_RECORD, format!("position {position} is a {}", record.event.name()));
        see(&record).ok_or_else(other)
    }

    /// A run with what its records say.
    pub(super) fn run_message(&self, run: &Run) -> Result<v1::Run, Status> {
        let (plan, planned) = self.run_plan(run.planned.position())?;
        let approved =
            run.approved.map(|fact| self.at(fact.position(), |record| Some(Said::of(record)))).transpose()?;
        let held = run.closed.map(|fact| self.held_by(fact.position())).transpose()?;
        let (approved_by, approved_at) = approved.map(|said| (said.actor, said.at)).unwrap_or_default();
        Ok(v1::Run {
            plan: Some(plan),
            state: state(run).into(),
            planned_by: planned.actor,
            planned_position: run.planned.position(),
            planned_at: planned.at,
            approved_by,
            approved_position: run.approved.map(ledger_core::state::Fact::position),
            approved_at,
            closed_position: run.closed.map(ledger_core::state::Fact::position),
            instructed_count: run.instructed.count,
            instructed_total_rupiah: run.instructed.amount.get(),
            held_count: run.held.count,
            held_total_rupiah: run.held.amount.get(),
            held: held.unwrap_or_default(),
        })
    }

    pub(super) async fn runs(&self, request: &v1::ListRunsRequest) -> Result<v1::ListRunsResponse, Status> {
        let wanted = from_proto::run_state(request.state).map_err(|invalid| invalid.status())?;
        let list = format!("runs {wanted:?}");
        let page = page(&list, request.page_size, &request.page_token)?;
        let from = page.from.map_or(0, |from| usize::try_from(from).unwrap_or(usize::MAX));
        let found = self.engine.query(move |ledger| {
            // At most 65,535 runs ever: a look at all of them is short.
            let runs = ledger.runs().iter().enumerate().skip(from);
            let passing = runs.filter(|(_, run)| wanted == v1::RunState::Unspecified || state(run) == wanted);
            passing.take(page.size + 1).map(|(number, run)| (number as u64, run.clone())).collect::<Vec<_>>()
        });
        let mut found = found.await?;
        let next = found.get(page.size).map(|(number, _)| *number);
        found.truncate(page.size);
        let runs = tokio::task::block_in_place(|| {
            found.iter().map(|(_, run)| self.run_message(run)).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(v1::ListRunsResponse { runs, next_page_token: next.map(|n| token(&list, n)).unwrap_or_default() })
    }
}

const fn state(run: &Run) -> v1::RunState {
    match (run.approved.is_some(), run.closed.is_some()) {
        (_, true) => v1::RunState::Closed,
        (true, false) => v1::RunState::Approved,
        (false, false) => v1::RunState::Planned,
    }
}

/// Who recorded something, and when it happened.
#[derive(Default)]
pub(super) struct Said {
    actor: String,
    at: Option<ledger_proto::Timestamp>,
}

impl Said {
    fn of(record: &Record<'_>) -> Self {
        Self { actor: record.actor.to_string(), at: Some(to_proto::timestamp(record.occurred_at)) }
    }
}
