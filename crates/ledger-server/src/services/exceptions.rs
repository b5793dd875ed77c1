//! What partners reported that fits nothing, as a list.

use std::time::{Duration, Instant};

use ledger_core::Record;
use ledger_core::codes::Partner;
use ledger_core::event::Event;
use ledger_core::state::{ExceptionKey, State};
use ledger_log::{Reader, record};
use ledger_proto::v1;
use tonic::Status;

use super::{Ledger, pages};
use crate::status::unreadable;
use crate::{from_proto, to_proto};

/// How long one look at a list may take.
const SLICE: Duration = Duration::from_micros(500);

/// Positions of an exception and of its resolution.
type Kept = (u64, Option<u64>);

/// Up to `most` exceptions from one on, as far as a slice gets; and the position of the next, `None` at the end.
fn look(
    state: &State,
    (partner, resolved_too): (Partner, bool),
    from: Option<ExceptionKey>,
    most: usize,
) -> (Vec<Kept>, Option<u64>) {
    let (start, mut found) = (Instant::now(), Vec::new());
    for (index, (_, entry)) in state.exceptions_of(partner, from).enumerate() {
        let position = entry.recorded.position();
        if found.len() == most || (index % 64 == 63 && start.elapsed() >= SLICE) {
            return (found, Some(position));
        }
        if resolved_too || entry.resolved.is_none() {
            found.push((position, entry.resolved.map(|fact| fact.position())));
        }
    }
    (found, None)
}

impl Ledger {
    pub(super) async fn exceptions(
        &self,
        request: &v1::ListExceptionsRequest,
    ) -> Result<v1::ListExceptionsResponse, Status> {
        let filter =
            (from_proto::partner(request.partner).map_err(|invalid| invalid.status())?, request.include_resolved);
        let list = format!("exceptions {filter:?}");
        let page = pages::page(&list, request.page_size, &request.page_token)?;
        // The place is the record's; where the list goes on is what the record says.
        let from = page.from.map(|place| identity(self.engine.reader(), place)).transpose()?.flatten();
        let most = page.size;
        let (found, next) = self.engine.query(move |state| look(state, filter, from, most)).await?;
        let reader = self.engine.reader();
        let exceptions = tokio::task::block_in_place(|| {
            found.iter().map(|kept| kept_exception(reader, *kept)).collect::<Result<Vec<_>, _>>()
        })?;
        let next_page_token = next.map(|position| pages::token(&list, position)).unwrap_or_default();
        Ok(v1::ListExceptionsResponse { exceptions, next_page_token })
    }
}

fn kept_exception(reader: &Reader, (position, resolution): Kept) -> Result<v1::KeptException, Status> {
    let mut kept = read(reader, position, |record| v1::KeptException {
        exception: Some(to_proto::history_event(record)),
        participant_id: record.participant.map(|id| id.to_string()).unwrap_or_default(),
        resolution: None,
    })?;
    if let Some(position) = resolution {
        kept.resolution = read(reader, position, |record| match &record.event {
            Event::ExceptionResolved(e) => Some(v1::ExceptionResolution {
                position,
                occurred_at: Some(to_proto::timestamp(record.occurred_at)),
                actor: record.actor.to_string(),
                approved_by: record.approved_by.as_deref().unwrap_or_default().to_owned(),
                resolution: e.resolution.to_string(),
            }),
            _ => None,
        })?;
    }
    Ok(kept)
}

/// The identity of the exception at a position.
fn identity(reader: &Reader, position: u64) -> Result<Option<ExceptionKey>, Status> {
    read(reader, position, |record| match &record.event {
        Event::OutcomeException(e) => Some(ExceptionKey::of(e)),
        _ => None,
    })
}

fn read<T>(reader: &Reader, position: u64, told: impl Fn(&Record<'_>) -> T) -> Result<T, Status> {
    let stored = reader.get(position).map_err(|e| unreadable(position, &e))?;
    let record = record::decode(stored.bytes()).map_err(|e| unreadable(position, &e))?;
    Ok(told(&record))
}
