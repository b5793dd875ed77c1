//! The state as bytes: taken in small steps while the fold goes on, and read back.
//!
//! A snapshot shows the state at one position, its beginning, although records are folded while it is taken. What a
//! record is about to change and the walk has not reached yet is taken first ([`Taking::before`]): a participant, a
//! bucket of family cards. Everything else only grows, and each entry names the record that brought it, so what came later
//! is left out; and the programme's few things are taken at once.
//!
//! The bytes come in pieces of a quarter of a megabyte, each of one kind and readable by itself. Indexes are not in them:
//! they are built while the pieces are read, which takes less time than reading them would, and makes the bytes the same
//! in every build.
//!
//! | piece | entries |
//! |---|---|
//! | programme, the first | size, clocks, totals, schemes, waves, years, runs; how many participants, instructions and family cards follow |
//! | families | 8 bytes a family card, see [`Counts`](super::Counts) |
//! | rare | kind, whose, what; position and day |
//! | exceptions | partner, reference, kind; position and day; content; resolution |
//! | instructions | a block of a partner's list, as it stands in memory |
//! | participants | place, plain fields, the packed life as it stands in memory |

mod code;
mod load;

use std::collections::{HashSet, VecDeque};
use std::ops::Bound;

pub use load::{IndexInTheMaking, Loading, Part};

use super::programme::BLOCK;
use super::{ExceptionKey, Identity, Place, RareKey, State};
use crate::codes::Partner;
use crate::event::{Event, Record};

/// Names the meaning of a snapshot's bytes. It is raised whenever the fold, what the state keeps, or these bytes change,
/// so that a state folded by other rules is never gone on from. A test pins the bytes of a frozen log's state.
pub const REDUCER_VERSION: u32 = 2;

/// Bytes of a piece, about.
const PIECE: usize = 256 << 10;
/// Entries of a step, at most: some microseconds.
const STEP: usize = 64;
const PARTNERS: usize = Partner::ALL.len();

/// What a piece holds; its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Programme = 1,
    Families,
    Rare,
    Exceptions,
    Instructions,
    Participants,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Programme, Self::Families, Self::Rare, Self::Exceptions, Self::Instructions, Self::Participants];
}

/// Bytes that are no snapshot of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of this version")]
pub struct NotAState;

/// A walk over some numbers, of which some are seen before their turn.
#[derive(Debug, Default)]
struct Walk {
    next: u32,
    end: u32,
    early: HashSet<u32>,
}

impl Walk {
    fn to(end: u32) -> Self {
        Self { end, ..Self::default() }
    }

    /// Whether it is to be seen now, before its turn.
    fn early(&mut self, at: u32) -> bool {
        (self.next..self.end).contains(&at) && self.early.insert(at)
    }

    /// The next number up to the end, and whether it was not seen yet.
    fn step(&mut self) -> Option<(u32, bool)> {
        let at = self.next;
        self.next = at.checked_add(1).filter(|next| *next <= self.end)?;
        Some((at, self.early.is_empty() || !self.early.remove(&at)))
    }
}

/// Where the walk over what only grows stands.
#[derive(Debug)]
enum Stage {
    Families,
    Rare(Option<RareKey>),
    Exceptions(Option<ExceptionKey>),
    /// A partner's number in the list, and the next block.
    Instructions(usize, u32),
    Participants,
    Ended,
}

/// A snapshot in the making.
#[derive(Debug)]
pub struct Taking {
    size: u64,
    stage: Stage,
    families: Walk,
    participants: Walk,
    /// Instructions of each partner.
    instructions: [usize; PARTNERS],
    /// The piece of each kind that is being filled.
    filling: [Vec<u8>; Kind::ALL.len()],
    full: VecDeque<Vec<u8>>,
    /// Bytes of the full pieces.
    waiting: usize,
}

impl Taking {
    /// Begins with the state as it is.
    #[must_use]
    pub fn begin(state: &State) -> Self {
        let mut taking = Self {
            size: state.size,
            stage: Stage::Families,
            families: Walk::to(state.families.buckets()),
            participants: Walk::to(state.participants.len()),
            instructions: std::array::from_fn(|partner| state.instructions[partner].len()),
            filling: Kind::ALL.map(|_| Vec::new()),
            full: VecDeque::new(),
            waiting: 0,
        };
        code::put_programme(taking.piece_of(Kind::Programme), state);
        taking.flush(Kind::Programme);
        taking
    }

    /// The position of the first record that is not in it.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// To be called before `record` is folded into `state`: what it changes is taken first.
    pub fn before(&mut self, state: &State, record: &Record<'_>) {
        if let Event::Selected(e) = &record.event {
            for bucket in state.families.touched(Identity::of(&e.family_card_digest).key()) {
                if self.families.early(bucket) {
                    self.take_families(state, bucket);
                }
            }
        } else if let Some(place) = record.participant.and_then(|id| state.place(id))
            && self.participants.early(place)
        {
            self.take_participant(state, place);
        }
    }

    /// Goes on by a few entries.
    pub fn step(&mut self, state: &State) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Families => match self.families.step() {
                Some((bucket, is_new)) => {
                    if is_new {
                        self.take_families(state, bucket);
                    }
                    Stage::Families
                }
                None => Stage::Rare(None),
            },
            Stage::Rare(after) => self.take_rare(state, after),
            Stage::Exceptions(after) => self.take_exceptions(state, after),
            Stage::Instructions(partner, block) => self.take_instructions(state, partner, block),
            Stage::Participants => self.take_participants(state),
            Stage::Ended => Stage::Ended,
        };
    }

    /// Whether everything was taken; the last pieces may still wait.
    #[must_use]
    pub const fn ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// The next whole piece, where there is one.
    pub fn piece(&mut self) -> Option<Vec<u8>> {
        let piece = self.full.pop_front()?;
        self.waiting -= piece.len();
        Some(piece)
    }

    /// Bytes of whole pieces that nobody has asked for yet.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// The piece of a kind that is being filled; it begins with its kind.
    fn piece_of(&mut self, kind: Kind) -> &mut Vec<u8> {
        let piece = &mut self.filling[kind as usize - 1];
        if piece.is_empty() {
            piece.push(kind as u8);
        }
        piece
    }

    /// Hands the piece on once it is full.
    fn filled(&mut self, kind: Kind) {
        if self.filling[kind as usize - 1].len() >= PIECE {
            self.flush(kind);
        }
    }

    fn flush(&mut self, kind: Kind) {
        let piece = std::mem::take(&mut self.filling[kind as usize - 1]);
        if !piece.is_empty() {
            self.waiting += piece.len();
            self.full.push_back(piece);
        }
    }

    fn take_families(&mut self, state: &State, bucket: u32) {
        // In an order that does not depend on how the bucket was filled: one state has one form.
        let mut entries = state.families.bucket(bucket).to_vec();
        entries.sort_unstable();
        let piece = self.piece_of(Kind::Families);
        entries.iter().for_each(|entry| piece.extend_from_slice(&entry.to_le_bytes()));
        self.filled(Kind::Families);
    }

    fn take_rare(&mut self, state: &State, after: Option<RareKey>) -> Stage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (size, piece) = (self.size, self.piece_of(Kind::Rare));
        let mut last = None;
        for (key, fact) in state.rare.range((from, Bound::Unbounded)).take(STEP) {
            if fact.position() < size {
                code::put_rare(piece, key, *fact);
            }
            last = Some(*key);
        }
        self.filled(Kind::Rare);
        last.map_or(Stage::Exceptions(None), |last| Stage::Rare(Some(last)))
    }

    fn take_exceptions(&mut self, state: &State, after: Option<ExceptionKey>) -> Stage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (size, piece) = (self.size, self.piece_of(Kind::Exceptions));
        let mut last = None;
        for (key, entry) in state.exceptions.range((from, Bound::Unbounded)).take(STEP) {
            if entry.recorded.position() < size {
                code::put_exception(piece, key, entry, size);
            }
            last = Some(key);
        }
        let last = last.cloned();
        self.filled(Kind::Exceptions);
        last.map_or(Stage::Instructions(0, 0), |last| Stage::Exceptions(Some(last)))
    }

    fn take_instructions(&mut self, state: &State, partner: usize, block: u32) -> Stage {
        let Some(len) = self.instructions.get(partner).copied() else { return Stage::Participants };
        let left = len.saturating_sub(block as usize * BLOCK);
        let Some(entries) = state.instructions[partner].blocks.get(block).filter(|_| left > 0) else {
            return Stage::Instructions(partner + 1, 0);
        };
        code::put_block(self.piece_of(Kind::Instructions), partner, entries, left.min(BLOCK));
        self.filled(Kind::Instructions);
        Stage::Instructions(partner, block + 1)
    }

    fn take_participants(&mut self, state: &State) -> Stage {
        for _ in 0..STEP {
            match self.participants.step() {
                Some((place, true)) => self.take_participant(state, place),
                Some((_, false)) => {}
                None => {
                    Kind::ALL.into_iter().for_each(|kind| self.flush(kind));
                    return Stage::Ended;
                }
            }
        }
        Stage::Participants
    }

    fn take_participant(&mut self, state: &State, place: Place) {
        let Some(participant) = state.participants.get(place) else { return };
        let repaid = state.repaid.get(&place).copied().unwrap_or_default();
        code::put_participant(self.piece_of(Kind::Participants), place, participant, repaid);
        self.filled(Kind::Participants);
    }
}

/// The pieces of a state that does not change meanwhile: the same for the same state.
#[must_use]
pub fn whole(state: &State) -> Vec<Vec<u8>> {
    let mut taking = Taking::begin(state);
    while !taking.ended() {
        taking.step(state);
    }
    std::iter::from_fn(|| taking.piece()).collect()
}
