//! Lists of participants: the state in the order of selection, a slice of the engine's time at a time.

use std::time::{Duration, Instant};

use ledger_core::State;
use ledger_core::event::Total;
use ledger_core::ids::{ParticipantId, Region, Wave};
use ledger_core::money::Rupiah;
use ledger_core::schedule::HeldTotals;
use ledger_core::scheme::Scheme;
use ledger_core::state::{Participant, Place, Status as Membership};
use ledger_core::time::Date;
use ledger_core::view::covered;
use ledger_proto::v1;
use tonic::Status;

use super::Ledger;
use super::pages::{page, token};
use crate::engine::now;
use crate::from_proto::{self, Filter};
use crate::to_proto;

/// How long one look at the state may take.
const SLICE: Duration = Duration::from_micros(500);
/// How long a page may be looked for; then it is short, and has a token.
const BUDGET: Duration = Duration::from_millis(8);
/// Participants between two looks at the clock.
const STEP: u32 = 32;

/// What a list says of one participant.
pub(super) struct Summary {
    id: ParticipantId,
    wave: Wave,
    region: Region,
    status: Membership,
    selected_on: Date,
    unlocked_on: Option<Date>,
    held: HeldTotals,
    payable: Rupiah,
}

/// What a list says of a participant as of a date.
pub(super) fn summary(state: &State, participant: &Participant, today: Date) -> Summary {
    let funds = state.year(today.year()).available();
    let (mut held, mut payable) = (HeldTotals::default(), Total::default());
    for (entitlement, amount) in state.scheme_of(participant).into_iter().flat_map(Scheme::entitlements) {
        match covered(state, participant, entitlement, today, funds) {
            Ok(_) => payable.add(amount),
            Err(reason) => held.add(reason, amount),
        }
    }
    Summary {
        id: participant.id,
        wave: participant.wave,
        region: participant.region,
        status: participant.status,
        selected_on: participant.selected_on(),
        unlocked_on: participant.unlock(),
        held,
        payable: payable.amount,
    }
}

impl Summary {
    pub(super) fn message(&self) -> v1::ParticipantSummary {
        let (status, ground) = match self.status {
            Membership::Live => (v1::MembershipStatus::Live, 0),
            Membership::Revoked(ground) => (v1::MembershipStatus::Revoked, ground.number().into()),
        };
        v1::ParticipantSummary {
            participant_id: self.id.to_string(),
            wave: self.wave.0,
            region: self.region.to_string(),
            status: status.into(),
            revocation_ground: ground,
            selected_on: to_proto::date(self.selected_on),
            unlocked_on: self.unlocked_on.and_then(to_proto::date),
            held: to_proto::held_totals(&self.held),
            payable_rupiah: self.payable.get(),
        }
    }
}

/// Up to `most` participants that pass, from a place on, as far as a slice gets; and the place after the last one
/// looked at, `None` at the end.
fn look(state: &State, filter: Filter, from: Place, most: usize, today: Date) -> (Vec<Summary>, Option<Place>) {
    let (start, end) = (Instant::now(), state.participants().len());
    let (mut found, mut next) = (Vec::new(), from);
    while next < end && found.len() < most {
        if (next - from).is_multiple_of(STEP) && start.elapsed() >= SLICE {
            break;
        }
        if let Some(participant) = state.participants().get(next).filter(|p| filter.passes(p)) {
            let summary = summary(state, participant, today);
            if filter.held.is_none_or(|held| summary.held.of(held).count > 0) {
                found.push(summary);
            }
        }
        next += 1;
    }
    (found, (next < end).then_some(next))
}

impl Ledger {
    pub(super) async fn participants(
        &self,
        request: &v1::ListParticipantsRequest,
    ) -> Result<v1::ListParticipantsResponse, Status> {
        let filter = from_proto::filter(request).map_err(|invalid| invalid.status())?;
        let list = format!("participants {filter:?}");
        let page = page(&list, request.page_size, &request.page_token)?;
        let today = now().wib_date();
        let start = Instant::now();
        let mut from = page.from.map_or(0, |place| Place::try_from(place).unwrap_or(Place::MAX));
        let mut found = Vec::new();
        let (next, known_at) = loop {
            let most = page.size - found.len();
            let looked = self.engine.look(move |state| look(state, filter, from, most, today));
            let ((more, next), size) = looked.await?;
            found.extend(more);
            match next {
                Some(next) if found.len() < page.size && start.elapsed() < BUDGET => from = next,
                next => break (next, size),
            }
        };
        self.engine.until_durable(known_at).await?;
        Ok(v1::ListParticipantsResponse {
            participants: found.iter().map(Summary::message).collect(),
            next_page_token: next.map(|place| token(&list, place.into())).unwrap_or_default(),
            known_at,
        })
    }
}
