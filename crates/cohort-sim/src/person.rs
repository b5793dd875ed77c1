//! Who a participant is, and the ids of what is theirs: functions of the seed and the participant's number alone.

use ledger_core::ids::{Digest, ParticipantId};

use crate::rng::{Key, Stream};

/// Kinds of ids, each with streams of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Id {
    Participant,
    Identity,
    Family,
    Link,
    Purchase,
    Case,
    Demand,
    Run,
}

/// Kinds of decisions in a life, each with streams of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dice {
    Wave,
    Person,
    Plans,
    Wanted,
    Link,
    Unlink,
    Buy,
    Cancel,
    Complete,
    Review,
    Survey,
    Revoke,
    Reinstate,
    Resume,
    Find,
    Demand,
    Payout,
    Answer,
    Mend,
    Withdraw,
}

/// One in how many second members of a possible pair shares the family card of the first.
const SHARES_CARD: f64 = 0.12;

/// The source of all draws and ids of one cohort.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    ids: Key,
    lives: Key,
}

/// Number of a participant (25 bits), of a kind (8) and an ordinal (16) in one.
const fn index(who: u32, kind: u8, ordinal: u16) -> u64 {
    (who as u64) << 24 | (kind as u64) << 16 | ordinal as u64
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { ids: Key::new(seed, "ids"), lives: Key::new(seed, "lives") }
    }

    /// The draws of one decision of one participant.
    pub(crate) fn dice(&self, who: u32, what: Dice, ordinal: u16) -> Stream {
        self.lives.stream(index(who, what as u8, ordinal))
    }

    /// 16 bytes in the form of a random UUID.
    pub(crate) fn id(&self, who: u32, what: Id, ordinal: u16) -> [u8; 16] {
        let bytes = self.ids.stream(index(who, what as u8, ordinal)).bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes()
    }

    fn digest(&self, who: u32, what: Id) -> Digest {
        Digest(self.ids.stream(index(who, what as u8, 0)).bytes())
    }

    pub(crate) fn participant(&self, who: u32) -> ParticipantId {
        ParticipantId(self.id(who, Id::Participant, 0))
    }

    /// Stands for the HMAC of the national identity number.
    pub(crate) fn identity(&self, who: u32) -> Digest {
        self.digest(who, Id::Identity)
    }

    /// Stands for the HMAC of the family-card number. Participants 2 and 3, 4 and 5, and so on may share one: never more
    /// than two, as the rules want.
    pub(crate) fn family_card(&self, who: u32, dice: &mut Stream) -> Digest {
        let shares = dice.chance(SHARES_CARD);
        let holder = if shares && who % 2 == 1 && who > 1 { who - 1 } else { who };
        self.digest(holder, Id::Family)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn at_most_two_share_a_family_card_and_some_do() {
        let chance = Chance::new(1);
        let mut cards = HashMap::<_, u32>::new();
        for who in 1..=10_000 {
            *cards.entry(chance.family_card(who, &mut chance.dice(who, Dice::Person, 0))).or_default() += 1;
        }
        assert_eq!(cards.values().max(), Some(&2));
        let shared = cards.values().filter(|count| **count == 2).count();
        assert!((400..800).contains(&shared), "{shared}");
    }

    #[test]
    fn ids_are_random_uuids_and_differ() {
        let chance = Chance::new(1);
        let id = chance.participant(7);
        assert_eq!((id.0[6] >> 4, id.0[8] >> 6), (4, 2));
        assert_ne!(chance.id(7, Id::Link, 0), chance.id(7, Id::Link, 1));
        assert_ne!(chance.id(7, Id::Link, 0), chance.id(8, Id::Link, 0));
        assert_ne!(chance.id(7, Id::Link, 0), chance.id(7, Id::Purchase, 0));
    }
}
