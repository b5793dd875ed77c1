//! A state from a snapshot's pieces. Reading a piece and building an index are work for as many threads as there are;
//! whoever loads runs them.

use super::super::programme::{BLOCK, Block};
use super::super::{
    Counts, ExceptionEntry, ExceptionKey, Fact, Index, Participant, Place, RareKey, Segmented, State, hash_of,
};
use super::code::{self, Following, Rest};
use super::{Kind, NotAState};
use crate::money::Rupiah;

/// Indexes by identifier, purchase, link and identity.
const INDEXES: usize = 4;

/// A piece that was read.
pub struct Part(Inside);

enum Inside {
    Programme(Box<(State, Following)>),
    Families(Vec<u64>),
    Rare(Vec<(RareKey, Fact)>),
    Exceptions(Vec<(ExceptionKey, ExceptionEntry)>),
    Instructions(Vec<(usize, Block, usize)>),
    Participants { people: Vec<(Place, Participant, Option<Rupiah>)>, entries: [Vec<u64>; INDEXES] },
}

impl Part {
    /// Reads a piece.
    ///
    /// # Errors
    ///
    /// It is none of this version.
    pub fn read(piece: &[u8]) -> Result<Self, NotAState> {
        Self::of(piece).map(Self).ok_or(NotAState)
    }

    fn of(piece: &[u8]) -> Option<Inside> {
        let (kind, mut rest) = piece.split_first()?;
        Some(match Kind::ALL.get(usize::from(*kind).checked_sub(1)?)? {
            Kind::Programme => {
                let programme = code::take_programme(&mut rest)?;
                rest.is_empty().then(|| Inside::Programme(programme.into()))?
            }
            Kind::Families => {
                let (entries, rest) = rest.as_chunks();
                rest.is_empty().then(|| Inside::Families(entries.iter().map(|e| u64::from_le_bytes(*e)).collect()))?
            }
            Kind::Rare => Inside::Rare(all(rest, code::take_rare)?),
            Kind::Exceptions => Inside::Exceptions(all(rest, code::take_exception)?),
            Kind::Instructions => Inside::Instructions(all(rest, code::take_block)?),
            Kind::Participants => {
                let people = all(rest, code::take_participant)?;
                let mut entries = [const { Vec::new() }; INDEXES];
                let [ids, purchases, links, identities] = &mut entries;
                for (place, participant, _) in &people {
                    ids.push(Index::entry(hash_of(&participant.id), *place));
                    identities.push(Index::entry(participant.identity.key(), *place));
                    participant.each_id(
                        |purchase| purchases.push(Index::entry(hash_of(&purchase), *place)),
                        |link| links.push(Index::entry(hash_of(&link), *place)),
                    );
                }
                Inside::Participants { people, entries }
            }
        })
    }
}

fn all<T>(mut rest: Rest<'_>, take: impl Fn(&mut Rest<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        entries.push(take(&mut rest)?);
    }
    Some(entries)
}

/// An index that only has to be built.
pub struct IndexInTheMaking {
    entries: Vec<u64>,
    index: Index,
}

impl IndexInTheMaking {
    /// Builds it.
    pub fn build(&mut self) {
        self.index = Index::with(&std::mem::take(&mut self.entries));
    }
}

/// Places of a segment of participants, as the state will have them.
const SEGMENT: usize = Segmented::<Participant>::SEGMENT;

/// A state of which some pieces were added.
#[derive(Default)]
pub struct Loading {
    /// The programme's part comes first.
    state: Option<(State, Following)>,
    slots: Vec<Vec<Option<Participant>>>,
    added: u32,
    families: Vec<u64>,
    entries: [Vec<u64>; INDEXES],
}

impl Loading {
    /// Adds the next piece.
    ///
    /// # Errors
    ///
    /// It does not follow.
    pub fn add(&mut self, part: Part) -> Result<(), NotAState> {
        self.take(part.0).ok_or(NotAState)
    }

    fn take(&mut self, part: Inside) -> Option<()> {
        let Some((state, following)) = &mut self.state else {
            let Inside::Programme(programme) = part else { return None };
            let places = programme.1.participants as usize;
            let segments = (0..places).step_by(SEGMENT).map(|first| SEGMENT.min(places - first));
            self.slots = segments.map(|places| std::iter::repeat_with(|| None).take(places).collect()).collect();
            self.state = Some(*programme);
            return Some(());
        };
        match part {
            Inside::Programme(_) => return None,
            Inside::Families(entries) => self.families.extend(entries),
            Inside::Rare(facts) => state.rare.extend(facts),
            Inside::Exceptions(exceptions) => state.exceptions.extend(exceptions),
            Inside::Instructions(blocks) => {
                blocks.into_iter().try_for_each(|block| add_block(state, *following, block))?;
            }
            Inside::Participants { people, entries } => {
                for (place, participant, repaid) in people {
                    let slot = self.slots.get_mut(place as usize / SEGMENT)?.get_mut(place as usize % SEGMENT)?;
                    slot.is_none().then(|| *slot = Some(participant))?;
                    self.added += 1;
                    state.repaid.extend(repaid.map(|repaid| (place, repaid)));
                }
                self.entries.iter_mut().zip(entries).for_each(|(all, more)| all.extend(more));
            }
        }
        Some(())
    }

    /// The state. `side_by_side` builds every index that it is given, on as many threads as it likes.
    ///
    /// # Errors
    ///
    /// Something is missing.
    pub fn finish(self, side_by_side: impl FnOnce(&mut [IndexInTheMaking])) -> Result<State, NotAState> {
        let Self { state: Some((mut state, following)), slots, added, families, entries } = self else {
            return Err(NotAState);
        };
        let instructions = state.instructions.iter().zip(following.instructions);
        let mut lists = instructions.map(|(list, len)| list.len() == len);
        if added != following.participants || !lists.all(|whole| whole) {
            return Err(NotAState);
        }
        let segments = slots.into_iter().map(|segment| segment.into_iter().collect::<Option<Vec<_>>>());
        state.participants = segments.collect::<Option<Vec<_>>>().and_then(Segmented::of).ok_or(NotAState)?;
        state.families = Counts::with(&families);
        drop(families);
        let mut indexes = entries.map(|entries| IndexInTheMaking { entries, index: Index::default() });
        side_by_side(&mut indexes);
        [state.by_id, state.by_purchase, state.by_link, state.by_identity] = indexes.map(|made| made.index);
        Ok(state)
    }
}

fn add_block(state: &mut State, following: Following, (partner, block, count): (usize, Block, usize)) -> Option<()> {
    let list = state.instructions.get_mut(partner)?;
    // All but the last are full, and none reaches behind the end.
    let whole = list.len.is_multiple_of(BLOCK) && (1..=BLOCK).contains(&count);
    (whole && list.len + count <= following.instructions[partner]).then_some(())?;
    list.len += count;
    list.blocks.push(block).map(drop)
}
