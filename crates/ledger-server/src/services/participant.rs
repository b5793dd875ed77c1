//! `ParticipantService`: one person, everything.

use std::collections::BTreeSet;

use ledger_core::as_of::AsOf;
use ledger_core::event::Event;
use ledger_core::ids::ParticipantId;
use ledger_core::time::{Date, Timestamp};
use ledger_core::view::{self, ParticipantView};
use ledger_core::{Rejection, State, account};
use ledger_log::{Reader, record};
use ledger_proto::v1;
use ledger_rpc::v1::participant_service_server::ParticipantService;
use tonic::{Request, Response, Status};

use super::history::walk_back;
use super::list::summary;
use super::pages::{page, token};
use super::{Ledger, history};
use crate::engine::now;
use crate::reasons::IDENTITY_UNKNOWN;
use crate::status::{Invalid, refused, rejected, unreadable};
use crate::{from_proto, to_proto};

/// Up to where the log is known.
#[derive(Clone, Copy)]
enum KnownAt {
    Position(u64),
    RecordedAt(Timestamp),
}

#[tonic::async_trait]
impl ParticipantService for Ledger {
    async fn get_participant(
        &self,
        request: Request<v1::GetParticipantRequest>,
    ) -> Result<Response<v1::GetParticipantResponse>, Status> {
        let request = request.into_inner();
        let invalid = |invalid: Invalid| invalid.status();
        let id = from_proto::id::<ParticipantId>("participant_id", &request.participant_id).map_err(invalid)?;
        let as_of = request.as_of.as_ref().map(|date| from_proto::date("as_of", Some(date)));
        let as_of = as_of.transpose().map_err(invalid)?;
        let known_at = known_at(request.known_at.as_ref()).map_err(invalid)?;
        let today = now().wib_date();
        let found = self.engine.read(move |state| {
            let place = state.place(id);
            of_one(place.and_then(|place| {
                let participant = state.participants().get(place)?;
                let view = view::participant(state, place, today)?;
                let last = (participant.last_position(), state.last_programme_position());
                Some(((view, state.balances(place), last), view::unchanged_since(state, participant, today)))
            }))
        });
        let unknown = || rejected(&Rejection::ParticipantUnknown { participant: id });
        let (found, size) = found.await?;
        let (view, balances, last) = found.ok_or_else(unknown)?;
        let reader = self.engine.reader().clone();
        let include_history = request.include_history;
        let work = move || {
            let told = if as_of.is_none() && known_at.is_none() {
                Told { view, balances, size, history: None }
            } else {
                let chains = (last.0, last.1);
                then(&reader, id, chains, size, as_of.unwrap_or(today), known_at)?.ok_or_else(unknown)?
            };
            let mut participant = to_proto::participant(&told.view, &told.balances);
            fill_texts(&reader, &told.view, &mut participant)?;
            if include_history {
                participant.history = match told.history {
                    Some(history) => history,
                    None => chain(&reader, Some(last.0))?.into_iter().collect(),
                };
            }
            Ok(v1::GetParticipantResponse { participant: Some(participant), known_at: told.size })
        };
        let response: Result<_, Status> = tokio::task::block_in_place(work);
        response.map(Response::new)
    }

    async fn list_participants(
        &self,
        request: Request<v1::ListParticipantsRequest>,
    ) -> Result<Response<v1::ListParticipantsResponse>, Status> {
        self.participants(request.get_ref()).await.map(Response::new)
    }

    async fn find_by_identity_digest(
        &self,
        request: Request<v1::FindByIdentityDigestRequest>,
    ) -> Result<Response<v1::FindByIdentityDigestResponse>, Status> {
        let digest = from_proto::identity_digest(request.get_ref()).map_err(|invalid| invalid.status())?;
        let today = now().wib_date();
        let found = self.engine.read(move |state| {
            let participant = state.place_by_identity(&digest).and_then(|place| state.participants().get(place));
            of_one(participant.map(|p| (summary(state, p, today), view::unchanged_since(state, p, today))))
        });
        // The digest itself stays out of the text: it stands for a person.
        let unknown = || refused(&IDENTITY_UNKNOWN, "no participant has this identity digest");
        let participant = found.await?.0.ok_or_else(unknown)?.message();
        Ok(Response::new(v1::FindByIdentityDigestResponse { participant: Some(participant) }))
    }

    async fn list_participant_events(
        &self,
        request: Request<v1::ListParticipantEventsRequest>,
    ) -> Result<Response<v1::ListParticipantEventsResponse>, Status> {
        let request = request.into_inner();
        let invalid = |invalid: Invalid| invalid.status();
        let id = from_proto::id::<ParticipantId>("participant_id", &request.participant_id).map_err(invalid)?;
        let newest = from_proto::newest_first(request.order).map_err(invalid)?;
        let list = format!("events of {id}, newest first: {newest}");
        let page = page(&list, request.page_size, &request.page_token)?;
        let places = move |state: &State| {
            let participant = state.participant(id)?;
            let last = participant.last_position();
            Some(((last, participant.positions().collect::<Vec<_>>()), last + 1))
        };
        let (found, known_at) = self.engine.read(move |state| of_one(places(state))).await?;
        let (last, mut positions) =
            found.ok_or_else(|| rejected(&Rejection::ParticipantUnknown { participant: id }))?;
        let from = page.from.unwrap_or(if newest { last } else { 0 });
        let reader = self.engine.reader();
        let (events, next) = tokio::task::block_in_place(|| {
            // Each record names the one before it, but a disk is faster where it knows of all that will be read.
            positions.retain(|position| if newest { *position <= from } else { *position >= from });
            let older = if newest { positions.len().saturating_sub(page.size) } else { 0 };
            reader.will_need(positions.drain(older..));
            if newest {
                history::newest_first(reader, from, page.size)
            } else {
                history::oldest_first(reader, last, from, page.size)
            }
        })?;
        let next_page_token = next.map(|place| token(&list, place)).unwrap_or_default();
        Ok(Response::new(v1::ListParticipantEventsResponse { events, next_page_token, known_at }))
    }
}

/// What is said of one participant, and since when. Who is not there never was: that rests on no record.
pub(super) fn of_one<T>(found: Option<(T, u64)>) -> (Option<T>, u64) {
    found.map_or((None, 0), |(found, since)| (Some(found), since))
}

struct Told {
    view: ParticipantView,
    balances: account::Balances,
    size: u64,
    history: Option<Vec<u64>>,
}

fn known_at(known_at: Option<&v1::KnownAt>) -> Result<Option<KnownAt>, Invalid> {
    match known_at.map(|known_at| known_at.point.as_ref()) {
        None => Ok(None),
        Some(None) => Err(Invalid::field("known_at", "must have a position or a time")),
        Some(Some(v1::known_at::Point::Position(position))) => Ok(Some(KnownAt::Position(*position))),
        Some(Some(v1::known_at::Point::RecordedAt(time))) => {
            let nanos = time.unix_nanos().ok_or_else(|| Invalid::field("known_at.recorded_at", "must be a time"))?;
            Ok(Some(KnownAt::RecordedAt(Timestamp::from_nanos(nanos))))
        }
    }
}

/// Positions of a chain of back-pointers that ends at `last`.
fn chain(reader: &Reader, last: Option<u64>) -> Result<BTreeSet<u64>, Status> {
    let mut positions = BTreeSet::new();
    walk_back(reader, last, |record| positions.insert(record.position))?;
    Ok(positions)
}

/// The participant as of a date and as known at a point: its chain and the programme's, folded again.
fn then(
    reader: &Reader,
    id: ParticipantId,
    (last, last_programme): (u64, Option<u64>),
    size: u64,
    as_of: Date,
    known_at: Option<KnownAt>,
) -> Result<Option<Told>, Status> {
    let mut positions = chain(reader, Some(last))?;
    positions.extend(chain(reader, last_programme)?);
    let mut seen = AsOf::new(as_of);
    let mut history = Vec::new();
    let mut known_size = size;
    for position in positions {
        if matches!(known_at, Some(KnownAt::Position(known)) if position > known) {
            break;
        }
        let stored = reader.get(position).map_err(|e| unreadable(position, &e))?;
        let record = record::decode(stored.bytes()).map_err(|e| unreadable(position, &e))?;
        if matches!(known_at, Some(KnownAt::RecordedAt(known)) if record.recorded_at > known) {
            known_size = known_size.min(position);
            break;
        }
        seen.apply_of_subset(&record).map_err(|e| unreadable(position, &e))?;
        if record.participant == Some(id) {
            history.push(position);
        }
    }
    if let Some(KnownAt::Position(known)) = known_at {
        known_size = size.min(known.saturating_add(1));
    }
    let Some(view) = seen.participant(id) else { return Ok(None) };
    Ok(Some(Told { view, balances: seen.balances(id), size: known_size, history: Some(history) }))
}

/// Fills in what stands only in the records: course and provider.
fn fill_texts(reader: &Reader, view: &ParticipantView, participant: &mut v1::Participant) -> Result<(), Status> {
    for (purchase, message) in view.purchases.iter().zip(&mut participant.purchases) {
        let stored = reader.get(purchase.position).map_err(|e| unreadable(purchase.position, &e))?;
        let record = record::decode(stored.bytes()).map_err(|e| unreadable(purchase.position, &e))?;
        if let Event::TrainingBought(bought) = record.event {
            message.course = bought.course.into_owned();
            message.provider = bought.provider.into_owned();
        }
    }
    Ok(())
}
