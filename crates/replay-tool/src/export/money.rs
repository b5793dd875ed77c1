//! The postings of a record with whose money each moves. A closing is one record of the whole programme; here it moves each
//! participant's share.

use ledger_core::event::Event;
use ledger_core::ids::ParticipantId;
use ledger_core::postings::{self, Posting};
use ledger_core::{Record, State};

/// Gives the postings of a record on the state before it. Nothing is gathered: a closing may have millions.
pub(super) fn of(state: &State, record: &Record<'_>, sink: &mut dyn FnMut(ParticipantId, &Posting)) {
    if matches!(record.event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_)) {
        for place in 0..state.participants().len() {
            let Some(participant) = state.participants().get(place) else { continue };
            postings::closing(state, record, place, &mut |posting| sink(participant.id, &posting));
        }
    } else if let Some(id) = record.participant {
        postings::of(state, record, &mut |posting| sink(id, &posting));
    }
}
