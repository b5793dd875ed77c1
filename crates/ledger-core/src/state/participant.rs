//! One participant's part of the state.

use sha2::{Digest as _, Sha256};
use thin_vec::ThinVec;

use super::facts::Facts;
use crate::codes::{EntitlementKind, Ground, Partner, Platform};
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

/// That something was recorded: where, when it happened, and a hash of its content. 15 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    position: [u8; 5],
    content: [u8; 8],
    day: [u8; 2],
}

impl Fact {
    pub(crate) fn new(position: u64, content: u64, date: Date) -> Self {
        // Dates fill 16 bits until 2149; later ones are clamped, which no rule of a live scheme can meet.
        Self::of_parts(position, content, day16(date))
    }

    pub(super) const fn of_parts(position: u64, content: u64, day: u16) -> Self {
        let bytes = position.to_le_bytes();
        Self {
            position: [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]],
            content: content.to_le_bytes(),
            day: day.to_le_bytes(),
        }
    }

    /// Position of the record.
    #[must_use]
    pub const fn position(self) -> u64 {
        let p = self.position;
        u64::from_le_bytes([p[0], p[1], p[2], p[3], p[4], 0, 0, 0])
    }

    /// WIB date of its `occurred_at`.
    #[must_use]
    pub const fn date(self) -> Date {
        Date::from_days(u16::from_le_bytes(self.day) as i32)
    }

    pub(super) const fn day(self) -> u16 {
        u16::from_le_bytes(self.day)
    }

    pub(crate) const fn content(self) -> u64 {
        u64::from_le_bytes(self.content)
    }
}

impl std::fmt::Debug for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fact({} on {})", self.position(), self.date())
    }
}

/// What a fact is about; its index says which purchase, link, survey or instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FactKind {
    Selected,
    Linked,
    Unlinked,
    Bought,
    Cancelled,
    Completed,
    Certified,
    Reviewed,
    Survey,
    Accepted,
    Settled,
    Rejected,
    Returned,
    InDoubt,
    Recalled,
}

/// A bought course.
#[derive(Clone, Debug)]
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

/// A registered payout account.
#[derive(Clone, Debug)]
pub struct Link {
    /// The registration.
    pub id: LinkId,
    /// Who pays into it.
    pub partner: Partner,
}

/// Where an instruction stands (DOMAIN section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum InstructionStatus {
    Instructed,
    Accepted,
    InDoubt,
    Settled,
    Rejected,
    Returned,
}

/// One order to one partner.
#[derive(Clone, Debug)]
pub struct Instruction {
    pub(crate) position: [u8; 5],
    pub(crate) kind: EntitlementKind,
    pub(crate) number: u8,
    /// 1 for the first try.
    pub attempt: u8,
    /// Who pays.
    pub partner: Partner,
    /// Where it stands.
    pub status: InstructionStatus,
    pub(crate) link: u8,
    pub(crate) settled: u8,
    pub(crate) returned: u8,
    pub(crate) run: u16,
    pub(crate) due: u16,
    pub(crate) instructed_on: u16,
    pub(crate) expires_on: u16,
}

pub(crate) fn day16(date: Date) -> u16 {
    u16::try_from(date.days().max(0)).unwrap_or(u16::MAX)
}

impl Instruction {
    /// Its position, the reference that the partner knows it by.
    #[must_use]
    pub const fn position(&self) -> Position {
        let p = self.position;
        Position(u64::from_le_bytes([p[0], p[1], p[2], p[3], p[4], 0, 0, 0]))
    }

    /// What it pays.
    #[must_use]
    pub const fn entitlement(&self) -> Entitlement {
        Entitlement { kind: self.kind, number: self.number }
    }

    /// Number of the run that ordered it, see [`super::State::runs`].
    #[must_use]
    pub const fn run(&self) -> u16 {
        self.run
    }

    /// The entitlement's due date when it was ordered.
    #[must_use]
    pub const fn due(&self) -> Date {
        Date::from_days(self.due as i32)
    }

    /// WIB date of the instruction.
    #[must_use]
    pub const fn instructed_on(&self) -> Date {
        Date::from_days(self.instructed_on as i32)
    }

    /// Last day for an outcome.
    #[must_use]
    pub const fn expires_on(&self) -> Date {
        Date::from_days(self.expires_on as i32)
    }

    /// Whether its money is in transit: no final outcome yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.status, InstructionStatus::Instructed | InstructionStatus::Accepted | InstructionStatus::InDoubt)
    }

    /// How many of its settlements have not been returned.
    #[must_use]
    pub const fn net_settled(&self) -> u16 {
        self.settled.saturating_sub(self.returned) as u16
    }
}

/// What is kept of an identity digest to compare others with: the first half of its SHA-256. To find another digest that
/// is taken for it takes 2^128 tries, and among 17 million people two are alike by chance once in 10^24.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity([u8; 16]);

impl Identity {
    fn of(digest: &Digest) -> Self {
        let hash = Sha256::digest(digest.0);
        Self(std::array::from_fn(|i| hash[i]))
    }
}

/// One person's membership.
pub struct Participant {
    /// The participant.
    pub id: ParticipantId,
    identity: Identity,
    /// Position of the participant's last record.
    pub last_position: u64,
    /// Position of the last account fault, plus one; 0 where there was none.
    pub(crate) account_fault: u64,
    facts: Facts,
    /// In order of recording.
    pub purchases: ThinVec<Purchase>,
    /// In order of recording; the last is in force unless unlinked.
    pub links: ThinVec<Link>,
    /// In order of recording.
    pub instructions: ThinVec<Instruction>,
    /// The wave.
    pub wave: Wave,
    pub(crate) training_balance: u32,
    pub(crate) forfeited: u32,
    pub(crate) lapsed: u32,
    /// Set by a reinstatement; 0 where there was none.
    pub(crate) first_purchase_deadline: u16,
    pub(crate) status_since: u16,
    /// Kabupaten or kota.
    pub region: Region,
    /// Whether the membership is live.
    pub status: Status,
    /// Open ineligibility findings.
    pub open_findings: u8,
    /// Whether the last link was taken away.
    pub(crate) unlinked: bool,
}

impl Participant {
    pub(crate) fn selected(id: ParticipantId, e: &Selected<'_>, position: u64) -> Self {
        Self {
            id,
            identity: Identity::of(&e.identity_digest),
            last_position: position,
            account_fault: 0,
            facts: Facts::default(),
            purchases: ThinVec::new(),
            links: ThinVec::new(),
            instructions: ThinVec::new(),
            wave: e.wave,
            training_balance: 0,
            forfeited: 0,
            lapsed: 0,
            first_purchase_deadline: 0,
            status_since: 0,
            region: e.region,
            status: Status::Live,
            open_findings: 0,
            unlinked: false,
        }
    }

    /// Whether this is the person with that identity digest.
    #[must_use]
    pub fn is_person(&self, digest: &Digest) -> bool {
        self.identity == Identity::of(digest)
    }

    /// The fact of that kind and index.
    #[must_use]
    pub fn fact(&self, kind: FactKind, index: u16) -> Option<Fact> {
        self.facts.get(kind, index)
    }

    pub(crate) fn add_fact(&mut self, kind: FactKind, index: u16, fact: Fact) {
        self.facts.push(kind, index, fact, 0);
    }

    /// The settlement of an instruction under one transaction reference.
    pub(crate) fn settlement(&self, index: u16, reference: u64) -> Option<Fact> {
        self.facts.settlement(index, reference)
    }

    pub(crate) fn add_settlement(&mut self, index: u16, reference: u64, fact: Fact) {
        self.facts.push(FactKind::Settled, index, fact, reference);
    }

    /// WIB date of the determination.
    #[must_use]
    pub fn selected_on(&self) -> Date {
        self.fact(FactKind::Selected, 0).map_or(Date::default(), Fact::date)
    }

    /// WIB date since which the membership has its status, where it changed.
    #[must_use]
    pub const fn status_since(&self) -> Date {
        Date::from_days(self.status_since as i32)
    }

    /// Index of a purchase.
    #[must_use]
    pub fn purchase_index(&self, id: PurchaseId) -> Option<u16> {
        self.purchases.iter().zip(0u16..).find(|(p, _)| p.id == id).map(|(_, index)| index)
    }

    /// Index of a link.
    #[must_use]
    pub fn link_index(&self, id: LinkId) -> Option<u16> {
        self.links.iter().zip(0u16..).find(|(l, _)| l.id == id).map(|(_, index)| index)
    }

    /// Index of an instruction.
    #[must_use]
    pub fn instruction_index(&self, position: Position) -> Option<u16> {
        self.instructions.iter().zip(0u16..).find(|(i, _)| i.position() == position).map(|(_, index)| index)
    }

    /// The link in force, with its index.
    #[must_use]
    pub fn link(&self) -> Option<(u16, &Link)> {
        if self.unlinked {
            return None;
        }
        let index = u16::try_from(self.links.len().checked_sub(1)?).ok()?;
        self.links.last().map(|link| (index, link))
    }

    /// The link that an instruction pays into.
    #[must_use]
    pub fn link_of(&self, instruction: &Instruction) -> Option<&Link> {
        self.links.get(usize::from(instruction.link))
    }
}

/// Grows a list by one place: lives have few of a kind, and the allocator's own steps leave room enough.
pub(crate) fn reserve_one<T>(list: &mut ThinVec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(1);
    }
}
