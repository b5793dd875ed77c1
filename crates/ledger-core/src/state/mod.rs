//! What the events add up to. Built by [`crate::fold`] alone; everybody else reads.
//!
//! Dense: 17 million participants live in memory together, so a participant is a small struct with one packed string of
//! bytes, what is rare stands in tables aside, and what can be derived is not stored. What a record said is not kept
//! either: whether a repeat says the same, the record itself tells, see [`crate::decide::compare`].

mod ahead;
mod fact;
mod few;
mod index;
mod instruction;
mod life;
mod packed;
mod participant;
mod programme;
mod segmented;
pub mod snapshot;

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use sha2::{Digest as _, Sha256};

pub use ahead::{AHEAD, Outlook, Round};
pub(crate) use fact::day16;
pub use fact::{Fact, FactKind};
pub use index::{Counts, Index};
pub(crate) use instruction::instructed;
pub use instruction::{Instruction, InstructionStatus};
pub(crate) use life::{More, Order, Tag};
pub(crate) use participant::Identity;
pub use participant::mark;
pub use participant::{Completion, Link, Participant, Payout, Purchase, Status};
pub use programme::{ExceptionEntry, ExceptionKey, InstructionList, Run, Wave, Year};
pub use segmented::Segmented;

use self::few::Few;
use crate::account::{Account, Balances};
use crate::codes::{EntitlementKind, OutcomeKind, Partner};
use crate::ids::{self, Digest, LinkId, ParticipantId, Position, PurchaseId, RunId};
use crate::money::Rupiah;
use crate::postings::Posting;
use crate::scheme::{Entitlement, Scheme};
use crate::time::{Date, Timestamp};

/// Place of a participant in the state, in order of selection.
pub type Place = u32;

/// The state after all records so far.
#[derive(Default)]
pub struct State {
    pub(crate) size: u64,
    pub(crate) last_recorded_at: Option<Timestamp>,
    pub(crate) last_programme_position: Option<u64>,
    pub(crate) participants: Segmented<Participant>,
    pub(crate) by_id: Index,
    pub(crate) by_identity: Index,
    pub(crate) families: Counts,
    pub(crate) by_purchase: Index,
    pub(crate) by_link: Index,
    pub(crate) schemes: Vec<(Scheme<'static>, Fact)>,
    pub(crate) waves: Few<ids::Wave, Wave>,
    pub(crate) years: Few<i16, Year>,
    pub(crate) runs: Vec<Run>,
    pub(crate) instructions: [InstructionList; Partner::ALL.len()],
    // Ordered: a snapshot walks over them in slices, and they grow without ever being copied.
    pub(crate) exceptions: BTreeMap<ExceptionKey, ExceptionEntry>,
    pub(crate) rare: BTreeMap<RareKey, Fact>,
    pub(crate) repaid: HashMap<Place, Rupiah>,
    pub(crate) totals: Balances,
    /// The postings of the record at hand; kept for its memory.
    pub(crate) post: Vec<Posting>,
}

/// Identity of a rare fact: its kind, whose it is (`None`: of the whole programme), and what stands for the rest. 21 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RareKey {
    kind: RareKind,
    participant: [u8; 4],
    id: [u8; 16],
}

impl RareKey {
    pub(crate) fn new(kind: RareKind, participant: Option<Place>, id: u128) -> Self {
        // There is no such place: the table of participants ends before it.
        let participant = participant.unwrap_or(Place::MAX).to_be_bytes();
        Self { kind, participant, id: id.to_be_bytes() }
    }
}

/// Kinds of facts that few participants have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum RareKind {
    Withdrawn = 1,
    Revoked,
    Reinstated,
    Found,
    FindingWithdrawn,
    Demand,
    Receipt,
    Funds,
    Statement,
    Returned,
}

impl RareKind {
    const ALL: [Self; 10] = [
        Self::Withdrawn,
        Self::Revoked,
        Self::Reinstated,
        Self::Found,
        Self::FindingWithdrawn,
        Self::Demand,
        Self::Receipt,
        Self::Funds,
        Self::Statement,
        Self::Returned,
    ];
}

/// A hash for the tables in memory. Never stored: it may differ between builds, and a loaded state computes it anew.
pub(crate) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = rapidhash::quality::RapidHasher::default_const();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What stands for an identity of several parts, or for a content: half of their SHA-256.
pub(crate) fn identity_of(value: &impl Hash) -> u128 {
    let mut hasher = Sha(Sha256::new());
    value.hash(&mut hasher);
    let hash: [u8; 32] = hasher.0.finalize().into();
    hash[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: [`identity_of`] takes the whole.
    fn finish(&self) -> u64 {
        0
    }
}

impl State {
    /// The state before any record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of records folded; the next record's position.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The last record's `recorded_at`.
    #[must_use]
    pub const fn last_recorded_at(&self) -> Option<Timestamp> {
        self.last_recorded_at
    }

    /// Position of the last record without a participant.
    #[must_use]
    pub const fn last_programme_position(&self) -> Option<u64> {
        self.last_programme_position
    }

    /// The trial balance at the head: every account over all participants, rupiah.
    #[must_use]
    pub const fn totals(&self) -> &Balances {
        &self.totals
    }

    /// All participants in order of selection.
    #[must_use]
    pub const fn participants(&self) -> &Segmented<Participant> {
        &self.participants
    }

    /// The place of a participant.
    #[must_use]
    pub fn place(&self, id: ParticipantId) -> Option<Place> {
        self.by_id.get(hash_of(&id), |place| self.participants.get(place).is_some_and(|p| p.id == id))
    }

    /// A participant.
    #[must_use]
    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get(self.place(id)?)
    }

    /// The participant with that identity digest.
    #[must_use]
    pub fn place_by_identity(&self, digest: &Digest) -> Option<Place> {
        let identity = Identity::of(digest);
        self.by_identity
            .get(identity.key(), |place| self.participants.get(place).is_some_and(|p| p.identity == identity))
    }

    /// How many participants one family card has.
    #[must_use]
    pub fn family_size(&self, digest: &Digest) -> u8 {
        self.families.get(Identity::of(digest).key())
    }

    /// Whose purchase it is.
    pub(crate) fn place_by_purchase(&self, id: PurchaseId) -> Option<Place> {
        self.by_purchase
            .get(hash_of(&id), |place| self.participants.get(place).is_some_and(|p| p.purchase_index(id).is_some()))
    }

    /// Whose payout account link it is.
    pub(crate) fn place_by_link(&self, id: LinkId) -> Option<Place> {
        self.by_link.get(hash_of(&id), |place| self.participants.get(place).is_some_and(|p| p.link_index(id).is_some()))
    }

    /// A scheme by name.
    #[must_use]
    pub fn scheme(&self, name: &str) -> Option<&Scheme<'static>> {
        self.schemes.iter().map(|(scheme, _)| scheme).find(|scheme| scheme.scheme == name)
    }

    /// Every enacted scheme.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme<'static>> {
        self.schemes.iter().map(|(scheme, _)| scheme)
    }

    /// A wave.
    #[must_use]
    pub fn wave(&self, wave: ids::Wave) -> Option<&Wave> {
        self.waves.get(wave)
    }

    /// Every wave, by number.
    pub fn waves(&self) -> impl Iterator<Item = (ids::Wave, &Wave)> {
        self.waves.iter()
    }

    /// A fiscal year's funds and closing.
    #[must_use]
    pub fn year(&self, year: i16) -> Year {
        self.years.get(year).copied().unwrap_or_default()
    }

    /// Every year with funds or a closing.
    pub fn years(&self) -> impl Iterator<Item = (i16, &Year)> {
        self.years.iter()
    }

    /// Every run, in order of planning.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// A run by id, with its number.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<(u16, &Run)> {
        // Mostly it is the last.
        let place = self.runs.iter().rposition(|run| run.id == id)?;
        Some((u16::try_from(place).ok()?, self.runs.get(place)?))
    }

    /// The instructions of one partner, in order of position.
    #[must_use]
    pub const fn instructions(&self, partner: Partner) -> &InstructionList {
        &self.instructions[partner.number() as usize - 1]
    }

    /// The participant of an instruction, whoever pays it.
    #[must_use]
    pub fn place_by_instruction(&self, position: Position) -> Option<Place> {
        self.instructions.iter().find_map(|list| list.place(position))
    }

    /// What partners said that fits no instruction, amount or transition.
    pub fn exceptions(&self) -> impl Iterator<Item = (&ExceptionKey, &ExceptionEntry)> {
        self.exceptions.iter()
    }

    /// The same of one partner, in the order of references and kinds: from an exception's identity on, or all.
    pub fn exceptions_of(
        &self,
        partner: Partner,
        from: Option<ExceptionKey>,
    ) -> impl Iterator<Item = (&ExceptionKey, &ExceptionEntry)> {
        let first = || ExceptionKey { partner, reference: String::new(), kind: OutcomeKind::ALL[0] };
        let rest = self.exceptions.range(from.unwrap_or_else(first)..);
        rest.take_while(move |(key, _)| key.partner == partner)
    }

    /// The scheme under which a participant was selected. A record of a participant is folded only after its wave's.
    #[must_use]
    pub fn scheme_of(&self, participant: &Participant) -> Option<&Scheme<'static>> {
        self.waves.get(participant.wave).and_then(|wave| self.schemes.get(wave.scheme)).map(|(scheme, _)| scheme)
    }

    /// The scheme of a wave.
    #[must_use]
    pub fn scheme_of_wave(&self, wave: ids::Wave) -> Option<&Scheme<'static>> {
        self.waves.get(wave).and_then(|wave| self.schemes.get(wave.scheme)).map(|(scheme, _)| scheme)
    }

    /// Whether the training balances of a participant's wave have lapsed.
    #[must_use]
    pub fn period_closed(&self, participant: &Participant) -> bool {
        self.waves.get(participant.wave).is_some_and(|wave| self.year(wave.year).closed.is_some())
    }

    /// Whether incentive money at home is committed: the membership is live and the wave open (DOMAIN section 7).
    #[must_use]
    pub fn incentives_live(&self, participant: &Participant) -> bool {
        participant.status == Status::Live && self.waves.get(participant.wave).is_some_and(|w| w.closed.is_none())
    }

    /// Home of a participant's incentive money (DOMAIN section 7).
    #[must_use]
    pub fn incentive_home(&self, participant: &Participant) -> Account {
        if self.incentives_live(participant) { Account::IncentivesCommitted } else { Account::TreasuryReturned }
    }

    /// Home of a participant's training money (DOMAIN section 7).
    #[must_use]
    pub fn training_home(&self, participant: &Participant) -> Account {
        match (self.period_closed(participant), participant.status) {
            (true, _) => Account::Lapsed,
            (false, Status::Live) => Account::TrainingBalance,
            (false, Status::Revoked(_)) => Account::Forfeited,
        }
    }

    /// What a participant may still spend on courses, rupiah.
    #[must_use]
    pub fn training_balance(&self, participant: &Participant) -> Rupiah {
        if self.period_closed(participant) { Rupiah::ZERO } else { Rupiah::new(participant.training_balance.into()) }
    }

    /// The last day of a participant's training balance (DOMAIN section 2).
    #[must_use]
    pub fn balance_last_day(&self, participant: &Participant) -> Option<Date> {
        self.waves.get(participant.wave).map(|wave| wave.balance_last_day)
    }

    /// The last day of a participant's first purchase: the scheme's, or the reinstatement's.
    #[must_use]
    pub fn first_purchase_deadline(&self, participant: &Participant) -> Option<Date> {
        if participant.first_purchase_deadline > 0 {
            return Some(Date::from_days(participant.first_purchase_deadline.into()));
        }
        let scheme = self.scheme_of(participant)?;
        Some(participant.selected_on().plus_days(scheme.first_purchase_days.into()))
    }

    /// Every account of one participant, rupiah.
    #[must_use]
    pub fn balances(&self, place: Place) -> Balances {
        let mut balances = Balances::default();
        let Some(participant) = self.participants.get(place) else { return balances };
        let Some(scheme) = self.scheme_of(participant) else { return balances };
        balances.add(Account::Budget, scheme.whole().negated());
        let (mut training, mut lapsed) = (participant.training_balance, participant.lapsed);
        if self.period_closed(participant) {
            lapsed = lapsed.saturating_add(training);
            training = 0;
        }
        balances.add(Account::TrainingBalance, Rupiah::new(training.into()));
        balances.add(Account::Forfeited, Rupiah::new(participant.forfeited.into()));
        balances.add(Account::Lapsed, Rupiah::new(lapsed.into()));
        let (purchases, instructions) = participant.purchases_and_instructions();
        for purchase in purchases.iter().filter(|purchase| !purchase.cancelled) {
            let account = if purchase.completed {
                Account::PlatformEarned(purchase.platform)
            } else {
                Account::PlatformUnearned(purchase.platform)
            };
            balances.add(account, Rupiah::new(purchase.price.into()));
        }
        let home = self.incentive_home(participant);
        for (entitlement, amount) in scheme.entitlements() {
            let money = EntitlementMoney::among(&instructions, entitlement);
            if money.at_home() {
                balances.add(home, amount);
            }
            if let Some(partner) = money.in_transit {
                balances.add(Account::InTransit(partner), amount);
            }
            let times = |n: i64| Rupiah::new(amount.get().saturating_mul(n));
            balances.add(Account::Received, times(money.settled.into()));
            balances.add(Account::Overpaid, times(-i64::from(money.overpaid())));
        }
        if let Some(repaid) = self.repaid.get(&place) {
            balances.add(Account::Repaid, repaid.negated());
            balances.add(Account::Repayments, *repaid);
        }
        balances
    }

    pub(crate) fn rare(&self, kind: RareKind, participant: Option<Place>, id: u128) -> Option<Fact> {
        self.rare.get(&RareKey::new(kind, participant, id)).copied()
    }
}

/// Where the money of one entitlement is, derived from its instructions. One amount is at home, in transit or
/// received; whatever was received beyond it is overpaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntitlementMoney {
    /// How many settlements have not been returned.
    pub settled: u16,
    /// The partner that holds it in transit.
    pub in_transit: Option<Partner>,
}

impl EntitlementMoney {
    /// Where it is after these instructions, all that there are of the entitlement.
    pub(crate) fn of<I: std::borrow::Borrow<Instruction>>(instructions: impl IntoIterator<Item = I>) -> Self {
        let mut money = Self::default();
        for instruction in instructions {
            let instruction = instruction.borrow();
            money.settled = money.settled.saturating_add(instruction.net_settled());
            if instruction.is_open() {
                money.in_transit = Some(instruction.partner);
            }
        }
        money
    }

    /// Where the money of one entitlement is, of a participant with these instructions.
    pub(crate) fn among(instructions: &[Instruction], entitlement: Entitlement) -> Self {
        Self::of(instructions.iter().filter(|instruction| instruction.entitlement() == entitlement))
    }

    /// How many amounts more were received, or are on their way, than the entitlement has.
    #[must_use]
    pub const fn overpaid(self) -> u16 {
        (self.settled + self.in_transit.is_some() as u16).saturating_sub(1)
    }

    /// Whether the amount is at home: committed, or returned to the treasury.
    #[must_use]
    pub const fn at_home(self) -> bool {
        self.settled == 0 && self.in_transit.is_none()
    }
}

impl Participant {
    /// Where the money of one entitlement is.
    #[must_use]
    pub fn money(&self, entitlement: Entitlement) -> EntitlementMoney {
        EntitlementMoney::of(self.instructions_of(entitlement).map(|(_, instruction)| instruction))
    }

    /// The date on which a survey was filled.
    #[must_use]
    pub fn survey_filled_on(&self, number: u8) -> Option<Date> {
        self.fact(FactKind::Survey, number.into()).map(Fact::date)
    }

    /// The entitlement of a survey.
    #[must_use]
    pub const fn survey(number: u8) -> Entitlement {
        Entitlement { kind: EntitlementKind::Survey, number }
    }
}
