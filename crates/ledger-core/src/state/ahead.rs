//! Looking ahead: whoever has many records at hand can have the memory that they will touch fetched before it is needed.
//!
//! A participant, its life and the index that leads there lie anywhere in gigabytes. One record after the other waits for
//! each of them in turn; of some records together, the loads of one round do not wait for each other.

use std::hint::black_box;

use super::{Place, State, hash_of};
use crate::ids::ParticipantId;

/// How many records are looked ahead at once: what they touch is still near when the last of them is applied.
pub const AHEAD: usize = 32;

impl State {
    /// Fetches what the next records of these participants will look at, and guesses where each stands: by its hash alone,
    /// to be confirmed by [`State::apply_foreseen`]. Of more than [`AHEAD`], the rest is left out.
    #[must_use]
    pub fn foresee(&self, participants: impl Iterator<Item = Option<ParticipantId>>) -> [Option<Place>; AHEAD] {
        let mut hashes = [None; AHEAD];
        let mut guesses = [None; AHEAD];
        // A round ends before the next begins, and what decides how far a round goes was fetched in one before: a branch on
        // what is not there yet would hold up all loads behind it.
        let mut touched = 0;
        for (hash, id) in hashes.iter_mut().zip(participants) {
            *hash = id.as_ref().map(hash_of);
            touched ^= hash.map_or(0, |hash| self.by_id.touch(hash));
        }
        touched ^= hashes.iter().flatten().fold(0, |sum, hash| sum ^ self.by_id.touch_all(*hash));
        for (guess, hash) in guesses.iter_mut().zip(hashes) {
            *guess = hash.and_then(|hash| self.by_id.get(hash, |_| true));
        }
        black_box(touched);
        self.fetch(guesses.iter().flatten().copied());
        guesses
    }

    /// Fetches the participants at these places with their lives, for who looks at one after the other.
    pub fn fetch(&self, places: impl Iterator<Item = Place> + Clone) {
        let there = || places.clone().filter_map(|place| self.participants.get(place));
        let mut touched = there().fold(0, |sum, participant| sum ^ participant.touch());
        touched ^= there().fold(0, |sum, participant| sum ^ participant.touch_life());
        black_box(touched);
    }

    /// A guessed place, if the participant stands there.
    pub(crate) fn confirmed(&self, guess: Option<Place>, id: ParticipantId) -> Option<Place> {
        guess.filter(|place| self.participants.get(*place).is_some_and(|participant| participant.id == id))
    }
}
