//! Looking ahead: whoever has many records at hand can have the memory that they will touch fetched before it is needed.
//!
//! A participant, its life and the index that leads there lie anywhere in gigabytes. One record after the other waits for
//! each of them in turn; of some records together, the loads of one round do not wait for each other.

use std::hint::black_box;

use super::{Index, Place, State, hash_of};
use crate::event::Event;
use crate::ids::{LinkId, ParticipantId, PurchaseId};

/// How many records are looked ahead at once: what they touch is still near when the last of them is applied.
pub const AHEAD: usize = 32;

impl State {
    /// Fetches what the next events of these participants will look at, decided or applied, and guesses where each stands: by
    /// its hash alone, to be confirmed by whoever uses it. Of more than [`AHEAD`], the rest is left out.
    #[must_use]
    pub fn foresee<'r>(
        &self,
        next: impl Iterator<Item = (Option<ParticipantId>, Option<&'r Event<'r>>)>,
    ) -> [Option<Place>; AHEAD] {
        let mut hashes = [None; AHEAD];
        let mut others = [None; AHEAD];
        let mut guesses = [None; AHEAD];
        // A round ends before the next begins, and what decides how far a round goes was fetched in one before: a branch on
        // what is not there yet would hold up all loads behind it.
        let mut touched = 0;
        for ((hash, other), (id, event)) in hashes.iter_mut().zip(&mut others).zip(next) {
            *hash = id.as_ref().map(hash_of);
            *other = event.and_then(|event| self.named(event));
            touched ^= hash.map_or(0, |hash| self.by_id.touch(hash));
            touched ^= other.map_or(0, |(index, hash)| index.touch(hash));
        }
        touched ^= hashes.iter().flatten().fold(0, |sum, hash| sum ^ self.by_id.touch_near(*hash));
        touched ^= others.iter().flatten().fold(0, |sum, (index, hash)| sum ^ index.touch_near(*hash));
        for (guess, hash) in guesses.iter_mut().zip(hashes) {
            *guess = hash.and_then(|hash| self.by_id.get(hash, |_| true));
        }
        black_box(touched);
        self.fetch(guesses.iter().flatten().copied());
        guesses
    }

    /// Where an event's own identifier is looked up, and under which hash.
    fn named(&self, event: &Event<'_>) -> Option<(&Index, u64)> {
        let purchase = |id: &PurchaseId| Some((&self.by_purchase, hash_of(id)));
        let link = |id: &LinkId| Some((&self.by_link, hash_of(id)));
        match event {
            Event::PayoutAccountLinked(e) => link(&e.link),
            Event::PayoutAccountUnlinked(e) => link(&e.link),
            Event::TrainingBought(e) => purchase(&e.purchase),
            Event::PurchaseCancelled(e) => purchase(&e.purchase),
            Event::TrainingCompleted(e) => purchase(&e.purchase),
            Event::CertificateIssued(e) => purchase(&e.purchase),
            Event::TrainingReviewed(e) => purchase(&e.purchase),
            _ => None,
        }
    }

    /// Fetches the participants at these places with their lives, for who looks at one after the other.
    pub fn fetch(&self, places: impl Iterator<Item = Place> + Clone) {
        let there = || places.clone().filter_map(|place| self.participants.get(place));
        let mut touched = there().fold(0, |sum, participant| sum ^ participant.touch());
        touched ^= there().fold(0, |sum, participant| sum ^ participant.touch_life());
        black_box(touched);
    }

    /// The place of a participant: the guessed one, if it stands there, or the one that is looked up.
    #[must_use]
    pub fn place_near(&self, guess: Option<Place>, id: ParticipantId) -> Option<Place> {
        let stands = |place: &Place| self.participants.get(*place).is_some_and(|participant| participant.id == id);
        guess.filter(stands).or_else(|| self.place(id))
    }
}
