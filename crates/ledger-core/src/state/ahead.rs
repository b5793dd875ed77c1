//! Looking ahead: whoever has many records at hand can have the memory that they will touch fetched before it is needed.
//!
//! A participant, its life and the index that leads there lie anywhere in gigabytes. One record after the other waits for
//! each of them in turn. What a record will touch is found in [`Round`]s, each of which only reads what the one before
//! fetched: done for records that are still far from their turn, none of them waits.

use prefetch_index::prefetch_index;

use super::{Participant, Place, State, hash_of};
use crate::event::{Event, Record};
use crate::ids::{LinkId, ParticipantId, PurchaseId};

/// How many records are looked ahead at most: what they touch is still near when the last of them is applied.
pub const AHEAD: usize = 32;

/// Begins to fetch what a value begins with.
pub(super) fn near<T>(value: &T) {
    prefetch_index(std::slice::from_ref(value), 0);
}

/// What a record or command will look at, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outlook {
    participant: Option<u64>,
    named: Option<(Named, u64)>,
    /// Where the participant probably stands, known after [`Round::Participant`]: by a hash alone, to be confirmed by
    /// whoever uses it.
    pub place: Option<Place>,
}

/// The index of an identifier that an event brings or names.
#[derive(Clone, Copy, Debug)]
enum Named {
    Purchase,
    Link,
}

impl Outlook {
    /// Of a record to be folded: an index is only looked at to add to it.
    #[must_use]
    pub fn of_record(record: &Record<'_>) -> Self {
        let named = match &record.event {
            Event::TrainingBought(e) => Some((Named::Purchase, hash_of(&e.purchase))),
            Event::PayoutAccountLinked(e) => Some((Named::Link, hash_of(&e.link))),
            _ => None,
        };
        Self { participant: record.participant.as_ref().map(hash_of), named, place: None }
    }

    /// Of an event to be decided on.
    #[must_use]
    pub fn of_event(participant: Option<ParticipantId>, event: Option<&Event<'_>>) -> Self {
        let purchase = |id: &PurchaseId| Some((Named::Purchase, hash_of(id)));
        let link = |id: &LinkId| Some((Named::Link, hash_of(id)));
        let named = event.and_then(|event| match event {
            Event::PayoutAccountLinked(e) => link(&e.link),
            Event::PayoutAccountUnlinked(e) => link(&e.link),
            Event::TrainingBought(e) => purchase(&e.purchase),
            Event::PurchaseCancelled(e) => purchase(&e.purchase),
            Event::TrainingCompleted(e) => purchase(&e.purchase),
            Event::CertificateIssued(e) => purchase(&e.purchase),
            Event::TrainingReviewed(e) => purchase(&e.purchase),
            _ => None,
        });
        Self { participant: participant.as_ref().map(hash_of), named, place: None }
    }
}

/// A round of fetching, see [`State::look`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// How long the lists are in which identifiers are looked up.
    Lists,
    /// Where the identifiers stand in them.
    Entries,
    /// The participant.
    Participant,
    /// The participant's life.
    Life,
}

impl Round {
    /// In their order.
    pub const ALL: [Self; 4] = [Self::Lists, Self::Entries, Self::Participant, Self::Life];
}

impl State {
    /// Begins to fetch what an outlook leads to. Nothing is wrong where a round is left out, or comes too early: the next
    /// ones wait, or whoever needs it.
    #[inline]
    pub fn look(&self, outlook: &mut Outlook, round: Round) {
        let indexes = outlook.participant.map(|hash| (&self.by_id, hash)).into_iter().chain(outlook.named.map(
            |(named, hash)| match named {
                Named::Purchase => (&self.by_purchase, hash),
                Named::Link => (&self.by_link, hash),
            },
        ));
        let there = |place| self.participants.get(place);
        match round {
            Round::Lists => indexes.for_each(|(index, hash)| index.near_list(hash)),
            Round::Entries => indexes.for_each(|(index, hash)| index.near_entries(hash)),
            Round::Participant => {
                outlook.place = outlook.participant.and_then(|hash| self.by_id.get(hash, |_| true));
                outlook.place.and_then(there).into_iter().for_each(Participant::near);
            }
            Round::Life => outlook.place.and_then(there).into_iter().for_each(Participant::near_life),
        }
    }

    /// All rounds for some records or commands at once; gives where their participants probably stand. Of more than
    /// [`AHEAD`], the rest is left out.
    #[must_use]
    pub fn foresee(&self, next: impl Iterator<Item = Outlook>) -> [Option<Place>; AHEAD] {
        let mut outlooks = [Outlook::default(); AHEAD];
        outlooks.iter_mut().zip(next).for_each(|(outlook, next)| *outlook = next);
        for round in Round::ALL {
            outlooks.iter_mut().for_each(|outlook| self.look(outlook, round));
        }
        outlooks.map(|outlook| outlook.place)
    }

    /// Begins to fetch the participants at these places with their lives, for whoever looks at one after the other.
    pub fn fetch(&self, places: impl Iterator<Item = Place> + Clone) {
        let there = || places.clone().filter_map(|place| self.participants.get(place));
        there().for_each(Participant::near);
        there().for_each(Participant::near_life);
    }

    /// The place of a participant: the guessed one, if it stands there, or the one that is looked up.
    #[must_use]
    pub fn place_near(&self, guess: Option<Place>, id: ParticipantId) -> Option<Place> {
        let stands = |place: &Place| self.participants.get(*place).is_some_and(|participant| participant.id == id);
        guess.filter(stands).or_else(|| self.place(id))
    }
}
