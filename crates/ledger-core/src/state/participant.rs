//! One participant's part of the state.

use sha2::{Digest as _, Sha256};

use super::EntitlementMoney;
use super::ahead::near;
use super::fact::{Fact, FactKind};
use super::instruction::{Instruction, instructed};
use super::life::{Entries, Entry, Life, More, SHORTEST, Tag};
use crate::codes::{Ground, Partner, Platform};
use crate::event::Selected;
use crate::ids::{Digest, LinkId, ParticipantId, Position, PurchaseId, Region, Wave};
use crate::scheme::Entitlement;
use crate::time::Date;

/// Whether the membership is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Live.
    Live,
    /// Revoked, and why.
    Revoked(Ground),
}

/// A bought course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The purchase.
    pub id: PurchaseId,
    /// Rupiah.
    pub price: u32,
    /// Who sold it.
    pub platform: Platform,
    /// Undone.
    pub cancelled: bool,
    /// Completed, and not withdrawn since.
    pub completed: bool,
}

impl Purchase {
    /// A purchase, with what the entries after it say of it.
    fn of<'b>(entry: &Entry<'_>, after: impl IntoIterator<Item = Entry<'b>>) -> Option<Self> {
        if entry.tag != Tag::Bought {
            return None;
        }
        let (id, price) = entry.purchase()?;
        let platform = Platform::from_number(entry.value)?;
        let mut purchase = Self { id: PurchaseId(id), price, platform, cancelled: false, completed: false };
        let its_own = after.into_iter().filter(|later| later.index == entry.index);
        its_own.for_each(|later| purchase.becomes(later.tag));
        Some(purchase)
    }

    /// What becomes of it with an entry that is about it.
    const fn becomes(&mut self, tag: Tag) {
        match tag {
            Tag::Cancelled => self.cancelled = true,
            Tag::Completed => self.completed = true,
            Tag::Withdrawn => self.completed = false,
            _ => {}
        }
    }
}

/// A registered payout account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The registration.
    pub id: LinkId,
    /// Who pays into it.
    pub partner: Partner,
}

impl Link {
    fn of(entry: &Entry<'_>) -> Option<Self> {
        if entry.tag != Tag::Linked {
            return None;
        }
        Some(Self { id: LinkId(entry.id()?), partner: Partner::from_number(entry.value)? })
    }
}

/// A completed training, and what came after its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Which purchase.
    pub index: u16,
    /// Its first completion.
    pub completed: Fact,
    /// Its first certificate.
    pub certified: Option<Fact>,
    /// Its first review.
    pub reviewed: Option<Fact>,
}

/// An instruction, the account it goes to, and whether it was recalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// The instruction.
    pub instruction: Instruction,
    /// When its account was linked.
    pub linked: Fact,
    /// Whether it was recalled.
    pub recalled: bool,
}

/// What is kept of a settlement's transaction reference, for where an instruction is settled twice: half of its CRC-32C.
/// Two references may have the same mark: the record tells them apart.
#[must_use]
pub fn mark(reference: &str) -> [u8; 2] {
    let [low, high, ..] = crc32c::crc32c(reference.as_bytes()).to_le_bytes();
    [low, high]
}

/// What is kept of an identity digest to compare others with: the first half of its SHA-256. To find another digest that
/// is taken for it takes 2^128 tries, and among 17 million people two are alike by chance once in 10^24.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(pub(super) [u8; 16]);

impl Identity {
    pub(crate) fn of(digest: &Digest) -> Self {
        let hash = Sha256::digest(digest.0);
        Self(std::array::from_fn(|i| hash[i]))
    }

    /// Its place in the tables: the same in every build.
    pub(crate) fn key(self) -> u64 {
        self.0.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
    }
}

/// One person's membership: what changes with nearly every event, and the packed life from which the rest follows.
pub struct Participant {
    /// The participant.
    pub id: ParticipantId,
    pub(crate) identity: Identity,
    pub(super) life: Life,
    /// The last record.
    pub(super) last: Fact,
    /// Set by a reinstatement; 0 where there was none.
    pub(crate) first_purchase_deadline: u16,
    pub(crate) status_since: u16,
    /// Kabupaten or kota.
    pub region: Region,
    /// The wave.
    pub wave: Wave,
    pub(crate) training_balance: u32,
    pub(crate) forfeited: u32,
    pub(crate) lapsed: u32,
    /// Whether the membership is live.
    pub status: Status,
    /// Open ineligibility findings.
    pub open_findings: u8,
    /// Bytes of the life's last entry, where it only says where the last record is.
    pub(super) passing: u8,
}

const _: () = assert!(size_of::<Participant>() == 80, "17 million of them: each byte counts");

impl Participant {
    pub(crate) fn selected(id: ParticipantId, e: &Selected<'_>, fact: Fact) -> Self {
        let mut participant = Self {
            id,
            identity: Identity::of(&e.identity_digest),
            life: Life::default(),
            last: Fact::of_parts(0, 0),
            first_purchase_deadline: 0,
            status_since: 0,
            region: e.region,
            wave: e.wave,
            training_balance: 0,
            forfeited: 0,
            lapsed: 0,
            status: Status::Live,
            open_findings: 0,
            passing: 0,
        };
        participant.push(Tag::Selected, 0, fact, More::Nothing);
        participant
    }

    /// Whether this is the person with that identity digest.
    #[must_use]
    pub fn is_person(&self, digest: &Digest) -> bool {
        self.identity == Identity::of(digest)
    }

    /// Position of the participant's last record.
    #[must_use]
    pub const fn last_position(&self) -> u64 {
        self.last.position()
    }

    /// Positions of the records that the life tells of, in their order; the last record may be another.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.life.entries().map(|entry| entry.fact().position())
    }

    /// The packed life: what a participant has beside its few plain fields, the same in every build.
    #[must_use]
    pub fn life(&self) -> &[u8] {
        self.life.bytes()
    }

    /// Begins to fetch both ends of this.
    pub(super) fn near(&self) {
        near(self);
        near(&self.passing);
    }

    /// Begins to fetch the whole life.
    pub(super) fn near_life(&self) {
        self.life.near();
    }

    /// Adds the entry of a record. One of which nothing but the position is known gives way to the next: however many
    /// exceptions a partner reports, a life does not grow.
    pub(crate) fn push(&mut self, tag: Tag, value: u8, fact: Fact, more: More) {
        let before = if self.passing > 0 { self.life.take_back(self.passing, self.last) } else { self.last };
        let added = self.life.push(before, (tag, value), fact, more);
        self.passing = if tag == Tag::Other { added } else { 0 };
        self.last = fact;
    }

    /// The first fact of that kind and index.
    #[must_use]
    pub fn fact(&self, kind: FactKind, index: u16) -> Option<Fact> {
        self.life.entries().find(|entry| entry.is(kind, index)).map(|entry| entry.fact())
    }

    /// The first settlement of an instruction whose reference has that mark and that is none of those `apart`.
    pub(crate) fn settlement(&self, index: u16, reference: &str, apart: &[u64]) -> Option<Fact> {
        let mark = mark(reference);
        let alike = |entry: &Entry<'_>| {
            entry.is(FactKind::Settled, index) && entry.has_mark(mark) && !apart.contains(&entry.fact().position())
        };
        self.life.entries().find(alike).map(|entry| entry.fact())
    }

    /// Each settlement of an instruction, and each return of one, in order of recording; an instruction by its index.
    pub fn payments(&self, index: u16) -> impl Iterator<Item = (FactKind, Fact)> {
        let moved = move |entry: &Entry<'_>| entry.is(FactKind::Settled, index) || entry.is(FactKind::Returned, index);
        self.life.entries().filter(moved).map(|entry| (entry.tag.kind(), entry.fact()))
    }

    /// WIB date of the determination.
    #[must_use]
    pub fn selected_on(&self) -> Date {
        self.life.entries().next().map_or(Date::default(), |entry| entry.fact().date())
    }

    /// WIB date since which the membership has its status, where it changed.
    #[must_use]
    pub const fn status_since(&self) -> Date {
        Date::from_days(self.status_since as i32)
    }

    /// Entries of some kind, each with what comes after it.
    fn each<'p>(&'p self, which: impl Fn(&Entry<'p>) -> bool) -> impl Iterator<Item = (Entry<'p>, Entries<'p>)> {
        let mut entries = self.life.entries();
        std::iter::from_fn(move || {
            let found = entries.find(|entry| which(entry))?;
            Some((found, entries.clone()))
        })
    }

    /// The purchases, in order of recording.
    pub fn purchases(&self) -> impl Iterator<Item = Purchase> {
        self.each(|entry| entry.tag == Tag::Bought).filter_map(|(entry, after)| Purchase::of(&entry, after))
    }

    /// Whether anything was ever bought, cancelled or not.
    #[must_use]
    pub fn has_bought(&self) -> bool {
        self.life.entries().any(|entry| entry.tag == Tag::Bought)
    }

    /// The links, in order of recording; the last is in force unless unlinked.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.life.entries().filter_map(|entry| Link::of(&entry))
    }

    /// The instructions, in order of recording.
    pub fn instructions(&self) -> impl Iterator<Item = Instruction> {
        let instructed = self.each(|entry| entry.tag.kind() == FactKind::Instructed);
        instructed.filter_map(|(entry, after)| Instruction::of(&entry, after))
    }

    /// The instructions of one entitlement, with their indexes.
    pub fn instructions_of(&self, entitlement: Entitlement) -> impl Iterator<Item = (u16, Instruction)> {
        let tag = instructed(entitlement.kind);
        let its = self.each(move |entry| entry.tag == tag && entry.value == entitlement.number);
        its.filter_map(|(entry, after)| Some((entry.index, Instruction::of(&entry, after)?)))
    }

    /// A purchase, with its index.
    #[must_use]
    pub fn purchase(&self, id: PurchaseId) -> Option<(u16, Purchase)> {
        let (entry, after) = self.each(|entry| entry.tag == Tag::Bought && entry.id() == Some(id.0)).next()?;
        Some((entry.index, Purchase::of(&entry, after)?))
    }

    /// The first completed training: first by the position of its completion, for position alone orders; one whose
    /// completion was withdrawn, or that was cancelled, is none.
    #[must_use]
    pub fn first_completed(&self) -> Option<Completion> {
        let mut completed = self.life.entries().filter(|entry| entry.tag == Tag::Completed);
        completed.find_map(|entry| self.completion(entry.index))
    }

    /// The completion of a purchase, where it stands.
    fn completion(&self, index: u16) -> Option<Completion> {
        let (mut stands, mut completed, mut certified, mut reviewed) = (false, None, None, None);
        for entry in self.life.entries().filter(|entry| entry.index == index) {
            match entry.tag {
                Tag::Cancelled => return None,
                Tag::Completed => {
                    stands = true;
                    completed = completed.or(Some(entry.fact()));
                }
                Tag::Withdrawn => stands = false,
                Tag::Certified => certified = certified.or(Some(entry.fact())),
                Tag::Reviewed => reviewed = reviewed.or(Some(entry.fact())),
                _ => {}
            }
        }
        let completed = completed.filter(|_| stands)?;
        Some(Completion { index, completed, certified, reviewed })
    }

    /// Index of a purchase.
    #[must_use]
    pub fn purchase_index(&self, id: PurchaseId) -> Option<u16> {
        self.index(Tag::Bought, id.0)
    }

    /// Index of a link.
    #[must_use]
    pub fn link_index(&self, id: LinkId) -> Option<u16> {
        self.index(Tag::Linked, id.0)
    }

    fn index(&self, tag: Tag, id: [u8; 16]) -> Option<u16> {
        let is_it = |entry: &Entry<'_>| entry.tag == tag && entry.id() == Some(id);
        self.life.entries().find(is_it).map(|entry| entry.index)
    }

    /// Shows the identifiers of all purchases and links.
    pub(super) fn each_id(&self, mut purchase: impl FnMut(PurchaseId), mut link: impl FnMut(LinkId)) {
        for entry in self.life.entries() {
            match (entry.tag, entry.id()) {
                (Tag::Bought, Some(id)) => purchase(PurchaseId(id)),
                (Tag::Linked, Some(id)) => link(LinkId(id)),
                _ => {}
            }
        }
    }

    /// An instruction, with its index.
    #[must_use]
    pub fn instruction(&self, position: Position) -> Option<(u16, Instruction)> {
        let (entry, after) = self.each(|entry| entry.is_instruction(position)).next()?;
        Some((entry.index, Instruction::of(&entry, after)?))
    }

    /// An instruction with what its partner needs to know, read in one pass.
    #[must_use]
    pub fn payout(&self, position: Position) -> Option<Payout> {
        let (mut entries, mut linked) = (self.life.entries(), None);
        let entry = entries.find(|entry| {
            if entry.tag == Tag::Linked {
                linked = Some(*entry);
            }
            entry.is_instruction(position)
        })?;
        let mut recalled = false;
        let after = entries.inspect(|later| recalled |= later.is(FactKind::Recalled, entry.index));
        let instruction = Instruction::of(&entry, after)?;
        // The last link before it, mostly.
        let its_own = |linked: &Entry<'_>| linked.is(FactKind::Linked, instruction.link.into());
        let linked = linked.filter(its_own).or_else(|| self.life.entries().find(its_own))?.fact();
        Some(Payout { instruction, linked, recalled })
    }

    /// An instruction, with its index and where the money of what it pays is.
    #[must_use]
    pub(crate) fn instruction_and_money(&self, position: Position) -> Option<(u16, Instruction, EntitlementMoney)> {
        let mut entries = self.life.entries();
        // What was instructed before, a bit each: few entitlements share one, and then all of it is read again.
        let bit = |entry: &Entry<'_>| 1u64 << (entry.value & 31) << (u8::from(entry.tag == Tag::SurveyInstructed) * 32);
        let mut before = 0;
        let entry = entries.find(|entry| {
            if entry.tag.kind() != FactKind::Instructed {
                return false;
            }
            let is_it = entry.is_instruction(position);
            before |= if is_it { 0 } else { bit(entry) };
            is_it
        })?;
        let mut alone = before & bit(&entry) == 0;
        let after = entries.inspect(|later| alone &= (later.tag, later.value) != (entry.tag, entry.value));
        let instruction = Instruction::of(&entry, after)?;
        let money = if alone { EntitlementMoney::of([&instruction]) } else { self.money(instruction.entitlement()) };
        Some((entry.index, instruction, money))
    }

    /// Every purchase and every instruction, read in one pass, in order of recording.
    #[must_use]
    pub fn purchases_and_instructions(&self) -> (Vec<Purchase>, Vec<Instruction>) {
        let (mut purchases, mut instructions) = (Vec::new(), Vec::with_capacity(8));
        for entry in self.life.entries() {
            let index = usize::from(entry.index);
            match entry.tag {
                Tag::Bought => {
                    let Some(purchase) = Purchase::of(&entry, []) else { break };
                    purchases.push(purchase);
                }
                Tag::TrainingInstructed | Tag::SurveyInstructed => {
                    let Some(instruction) = Instruction::of(&entry, []) else { break };
                    instructions.push(instruction);
                }
                tag @ (Tag::Cancelled | Tag::Completed | Tag::Withdrawn) => {
                    purchases.get_mut(index).into_iter().for_each(|purchase| purchase.becomes(tag));
                }
                tag => instructions.get_mut(index).into_iter().for_each(|paid| paid.becomes(tag.kind())),
            }
        }
        (purchases, instructions)
    }

    /// Every instruction, read in one pass, in order of recording.
    #[must_use]
    pub fn all_instructions(&self) -> Vec<Instruction> {
        self.purchases_and_instructions().1
    }

    /// Index of an instruction.
    #[must_use]
    pub fn instruction_index(&self, position: Position) -> Option<u16> {
        self.life.entries().find(|entry| entry.is_instruction(position)).map(|entry| entry.index)
    }

    /// The link in force, with its index and when it was linked.
    #[must_use]
    pub fn link(&self) -> Option<(u16, Link, Fact)> {
        let mut in_force = None;
        for entry in self.life.entries() {
            match entry.tag {
                Tag::Linked => in_force = Link::of(&entry).map(|link| (entry.index, link, entry.fact())),
                Tag::Unlinked if in_force.as_ref().is_some_and(|(index, ..)| *index == entry.index) => in_force = None,
                _ => {}
            }
        }
        in_force
    }

    /// The link that an instruction pays into, with when it was linked.
    #[must_use]
    pub fn link_of(&self, instruction: &Instruction) -> Option<(Link, Fact)> {
        let linked = self.life.entries().find(|entry| entry.is(FactKind::Linked, instruction.link.into()))?;
        Some((Link::of(&linked)?, linked.fact()))
    }

    /// Position of the last account fault.
    pub(crate) fn account_fault(&self) -> Option<u64> {
        let at_fault = |entry: &Entry<'_>| matches!(entry.tag, Tag::RejectedAtFault | Tag::ReturnedAtFault);
        self.life.entries().filter(at_fault).last().map(|entry| entry.fact().position())
    }

    /// Whether there are fewer facts of a kind than so many.
    pub(crate) fn has_fewer(&self, kind: FactKind, than: usize) -> bool {
        // Mostly the whole life is too short for that many.
        self.life.bytes().len() < than * SHORTEST || self.count(kind) < than
    }

    /// How many facts of a kind there are.
    #[must_use]
    pub fn count(&self, kind: FactKind) -> usize {
        self.life.entries().filter(|entry| entry.tag.kind() == kind).count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Order;
    use super::*;
    use crate::ids;

    fn selected() -> Participant {
        let event = Selected {
            wave: ids::Wave(1),
            identity_digest: Digest([1; 32]),
            identity_key_id: "key".into(),
            family_card_digest: Digest([2; 32]),
            region: Region(1275),
        };
        Participant::selected(ParticipantId([7; 16]), &event, Fact::of_parts(1, 18_000))
    }

    /// An instruction of some entitlement, an outcome of one of the instructions before, a link, a purchase, or
    /// what became of one.
    fn entry() -> impl Strategy<Value = (Tag, u8)> {
        let outcomes = [Tag::Accepted, Tag::Settled, Tag::Rejected, Tag::ReturnedAtFault, Tag::InDoubt, Tag::Recalled];
        let of_purchases = [Tag::Completed, Tag::Withdrawn, Tag::Cancelled, Tag::Certified, Tag::Reviewed];
        prop_oneof![
            prop::sample::select(&[Tag::TrainingInstructed, Tag::SurveyInstructed][..]).prop_flat_map(|tag| {
                // Two that differ by 32, where nothing but the whole number tells them apart.
                prop::sample::select(&[1u8, 2, 33][..]).prop_map(move |number| (tag, number))
            }),
            (prop::sample::select(outcomes.to_vec()), 0..6u8),
            (Just(Tag::Linked), 1..6u8),
            (Just(Tag::Bought), 1..6u8),
            (prop::sample::select(of_purchases.to_vec()), 0..3u8),
        ]
    }

    proptest! {
        #[test]
        fn one_pass_says_what_several_say(entries in prop::collection::vec(entry(), 0..24)) {
            let mut participant = selected();
            for ((tag, value), position) in entries.into_iter().zip(10u64..) {
                let about = match tag {
                    Tag::Recalled => FactKind::Instructed,
                    Tag::Completed | Tag::Withdrawn | Tag::Cancelled | Tag::Certified | Tag::Reviewed => FactKind::Bought,
                    _ => FactKind::Selected,
                };
                if about != FactKind::Selected && usize::from(value) >= participant.count(about) {
                    // Only what was instructed is recalled, and only what was bought completed.
                    continue;
                }
                let link = (position % 3) as u8;
                let order = Order { attempt: 1, link, partner: 4, run: 0, due: 18_100, expires_on: 18_107 };
                let more = match tag {
                    Tag::TrainingInstructed | Tag::SurveyInstructed => More::Order(order),
                    Tag::Settled => More::Mark([1, 2]),
                    Tag::Linked => More::Link([value; 16]),
                    Tag::Bought => More::Purchase([value; 16], 100),
                    _ => More::Nothing,
                };
                participant.push(tag, value, Fact::of_parts(position, 18_050), more);
            }
            let completed = (0u16..).zip(participant.purchases()).filter(|(_, p)| p.completed && !p.cancelled);
            let when = |index| participant.fact(FactKind::Completed, index);
            let first = completed.min_by_key(|(index, _)| when(*index).map(Fact::position)).and_then(|(index, _)| {
                let of = |kind| participant.fact(kind, index);
                let (certified, reviewed) = (of(FactKind::Certified), of(FactKind::Reviewed));
                Some(Completion { index, completed: when(index)?, certified, reviewed })
            });
            prop_assert_eq!(participant.first_completed(), first);
            let instructions: Vec<_> = participant.instructions().collect();
            let purchases = participant.purchases().collect();
            prop_assert_eq!(&participant.purchases_and_instructions(), &(purchases, instructions.clone()));
            for position in (0..40).map(Position) {
                let several = participant.instruction(position).map(|(index, instruction)| {
                    let money = participant.money(instruction.entitlement());
                    (index, instruction, money)
                });
                if let Some((_, instruction, money)) = &several {
                    prop_assert_eq!(EntitlementMoney::among(&instructions, instruction.entitlement()), *money);
                }
                let payout = several.as_ref().and_then(|(index, instruction, _)| {
                    let (_, linked) = participant.link_of(instruction)?;
                    let recalled = participant.fact(FactKind::Recalled, *index).is_some();
                    Some(Payout { instruction: instruction.clone(), linked, recalled })
                });
                prop_assert_eq!(participant.payout(position), payout);
                prop_assert_eq!(participant.instruction_and_money(position), several);
            }
            for kind in [FactKind::Instructed, FactKind::Settled] {
                for than in 0..26 {
                    prop_assert_eq!(participant.has_fewer(kind, than), participant.count(kind) < than);
                }
            }
        }
    }
}
