//! `EventService`: participants' events, in batches.

use ledger_proto::v1;
use ledger_rpc::v1::event_service_server::EventService;
use tonic::{Request, Response, Status};

use super::{Ledger, actor, as_known, bounded};
use crate::calls::Tally;
use crate::engine::{Actor, Answer, Incoming};
use crate::from_proto;
use crate::status::{Invalid, as_result};

#[tonic::async_trait]
impl EventService for Ledger {
    async fn record_events(
        &self,
        request: Request<v1::RecordEventsRequest>,
    ) -> Result<Response<v1::RecordEventsResponse>, Status> {
        let actor = actor(&request)?;
        let events = request.into_inner().events;
        bounded("events", events.len())?;
        let results = self.record_batch(actor, &events, from_proto::event).await?;
        Ok(Response::new(v1::RecordEventsResponse { results }))
    }
}

impl Ledger {
    /// Records what has the right shape of a batch; gives each item's result in order.
    pub(super) async fn record_batch<T: Sync>(
        &self,
        actor: Actor,
        items: &[T],
        parse: impl Fn(&T) -> Result<Incoming, Invalid>,
    ) -> Result<Vec<v1::RecordResult>, Status> {
        let mut well_shaped = Vec::with_capacity(items.len());
        let mut misshapen = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match parse(item) {
                Ok(incoming) => well_shaped.push(as_known(incoming)),
                Err(invalid) => misshapen.push((index, invalid)),
            }
        }
        let answers = if well_shaped.is_empty() { Vec::new() } else { self.engine.record(actor, well_shaped).await? };
        let mut answers = answers.into_iter();
        let mut misshapen = misshapen.into_iter().peekable();
        let mut results = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let Some((_, invalid)) = misshapen.next_if(|(at, _)| *at == index) {
                results.push(refusal(&invalid.status()));
                continue;
            }
            let answer = answers.next().ok_or_else(|| Status::internal("fewer answers than events"))?;
            let command = || parse(item).ok().map(|incoming| incoming.command);
            results.push(match self.receipt(&answer, command) {
                Ok(receipt) => v1::RecordResult {
                    result: Some(v1::record_result::Result::Receipt(receipt)),
                    exception_cause: exception_cause(&answer),
                },
                Err(status) => refusal(&status),
            });
        }
        Tally::current().count(&results);
        Ok(results)
    }
}

fn exception_cause(answer: &Answer) -> i32 {
    match answer {
        Answer::Recorded { exception: Some(cause), .. } => cause.number().into(),
        _ => 0,
    }
}

fn refusal(status: &Status) -> v1::RecordResult {
    let rejection = v1::record_result::Result::Rejection(as_result(status));
    v1::RecordResult { result: Some(rejection), exception_cause: 0 }
}
