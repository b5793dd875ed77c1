//! One participant as people and programs see it: dates, statuses, and why money is held.

use crate::codes::{EntitlementKind, Ground, Partner, Platform};
use crate::ids::{LinkId, ParticipantId, Position, PurchaseId, Region, Wave};
use crate::money::Rupiah;
use crate::schedule::{Held, Payable, payable, payable_beside, survey_opens_after};
use crate::scheme::{Entitlement, Scheme};
use crate::state::{Fact, FactKind, Instruction, InstructionStatus, Participant, Place, State, Status};
use crate::time::Date;

/// A participant as of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ParticipantView {
    pub id: ParticipantId,
    pub wave: Wave,
    pub scheme: String,
    pub region: Region,
    /// The ground where the membership is revoked.
    pub revoked: Option<Ground>,
    pub selected_on: Date,
    pub first_purchase_deadline: Option<Date>,
    pub balance_last_day: Option<Date>,
    /// The day on which incentives unlocked.
    pub unlocked_on: Option<Date>,
    pub wave_closed: bool,
    /// An ineligibility finding is open.
    pub ineligible: bool,
    pub purchases: Vec<PurchaseView>,
    pub links: Vec<LinkView>,
    pub entitlements: Vec<EntitlementView>,
}

/// A purchase; course and provider stand in the record at `position`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PurchaseView {
    pub id: PurchaseId,
    /// Position of `TrainingBought`.
    pub position: u64,
    pub platform: Platform,
    pub price: Rupiah,
    pub status: PurchaseStatus,
    pub bought_on: Date,
    pub cancelled_on: Option<Date>,
    pub completed_on: Option<Date>,
    pub certified_on: Option<Date>,
    pub reviewed_on: Option<Date>,
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PurchaseStatus {
    Open,
    Cancelled,
    Completed,
}

/// A payout account link; the account token stands in the record at `position`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LinkView {
    pub id: LinkId,
    /// Position of `PayoutAccountLinked`.
    pub position: u64,
    pub partner: Partner,
    pub linked_on: Date,
    /// When it was unlinked or replaced.
    pub ended_on: Option<Date>,
    /// A fault was found after it was linked.
    pub fault: bool,
}

/// One entitlement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct EntitlementView {
    pub entitlement: Entitlement,
    pub amount: Rupiah,
    /// Its due date, once earned.
    pub due: Option<Date>,
    /// Why it is not payable; `None` where it is.
    pub held: Option<Held>,
    pub attempts: u8,
    /// The last instruction.
    pub instruction: Option<Position>,
    pub instruction_status: Option<InstructionStatus>,
    pub settled_on: Option<Date>,
    pub survey_opens_on: Option<Date>,
    pub survey_filled_on: Option<Date>,
}

/// Where an entitlement stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EntitlementStatus {
    /// Not earned yet, or due later.
    Locked,
    Payable,
    Held,
    InTransit,
    InDoubt,
    Settled,
}

impl EntitlementView {
    /// Where it stands, in one word.
    #[must_use]
    pub const fn status(&self) -> EntitlementStatus {
        match self.held {
            None => EntitlementStatus::Payable,
            Some(Held::Settled) => EntitlementStatus::Settled,
            Some(Held::InTransit) => EntitlementStatus::InTransit,
            Some(Held::InDoubt) => EntitlementStatus::InDoubt,
            Some(Held::NotEarned | Held::NotDue) => EntitlementStatus::Locked,
            Some(
                Held::MembershipRevoked
                | Held::WaveClosed
                | Held::Ineligible
                | Held::NoAccount
                | Held::AccountFault
                | Held::Funds
                | Held::OtherAccount,
            ) => EntitlementStatus::Held,
        }
    }
}

impl EntitlementStatus {
    /// The code that people read and scripts match.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Payable => "payable",
            Self::Held => "held",
            Self::InTransit => "in-transit",
            Self::InDoubt => "in-doubt",
            Self::Settled => "settled",
        }
    }
}

/// The participant at a place, as of a date; funds for its year are looked at last.
#[must_use]
pub fn participant(state: &State, place: Place, as_of: Date) -> Option<ParticipantView> {
    let participant = state.participants().get(place)?;
    let scheme = state.scheme_of(participant)?;
    let wave = state.wave(participant.wave)?;
    Some(ParticipantView {
        id: participant.id,
        wave: participant.wave,
        scheme: scheme.scheme.to_string(),
        region: participant.region,
        revoked: match participant.status {
            Status::Live => None,
            Status::Revoked(ground) => Some(ground),
        },
        selected_on: participant.selected_on(),
        first_purchase_deadline: state.first_purchase_deadline(participant),
        balance_last_day: state.balance_last_day(participant),
        unlocked_on: participant.unlock(),
        wave_closed: wave.closed.is_some(),
        ineligible: participant.open_findings > 0,
        purchases: purchases(participant),
        links: links(participant),
        entitlements: entitlements(state, participant, scheme, as_of),
    })
}

/// The log size from which on [`participant`] and the balances are as they are now: what followed was about other people.
/// Only its own records, the programme's, and the funds of the date's year bear on a participant.
#[must_use]
pub fn unchanged_since(state: &State, participant: &Participant, as_of: Date) -> u64 {
    let own = participant.last_position() + 1;
    let programme = state.last_programme_position().map_or(0, |last| last + 1);
    own.max(programme).max(state.year(as_of.year()).funds_since)
}

/// Whether an entitlement can be paid as of a date out of these funds.
///
/// # Errors
///
/// The first reason that holds it; funds come last.
pub fn covered(
    state: &State,
    participant: &Participant,
    entitlement: Entitlement,
    as_of: Date,
    funds: Rupiah,
) -> Result<Payable, Held> {
    within(payable(state, participant, entitlement, as_of)?, funds)
}

fn within(payable: Payable, funds: Rupiah) -> Result<Payable, Held> {
    if payable.amount > funds { Err(Held::Funds) } else { Ok(payable) }
}

fn purchases(participant: &Participant) -> Vec<PurchaseView> {
    let view = |(purchase, index): (crate::state::Purchase, u16)| {
        let on = |kind| participant.fact(kind, index).map(Fact::date);
        let bought = participant.fact(FactKind::Bought, index)?;
        Some(PurchaseView {
            id: purchase.id,
            position: bought.position(),
            platform: purchase.platform,
            price: Rupiah::new(purchase.price.into()),
            status: match (purchase.cancelled, purchase.completed) {
                (true, _) => PurchaseStatus::Cancelled,
                (false, true) => PurchaseStatus::Completed,
                (false, false) => PurchaseStatus::Open,
            },
            bought_on: bought.date(),
            cancelled_on: on(FactKind::Cancelled),
            completed_on: if purchase.completed { on(FactKind::Completed) } else { None },
            certified_on: on(FactKind::Certified),
            reviewed_on: on(FactKind::Reviewed),
        })
    };
    participant.purchases().zip(0u16..).filter_map(view).collect()
}

fn links(participant: &Participant) -> Vec<LinkView> {
    let linked = |index| participant.fact(FactKind::Linked, index);
    let fault = participant.account_fault();
    let view = |(link, index): (crate::state::Link, u16)| {
        let fact = linked(index)?;
        let unlinked = participant.fact(FactKind::Unlinked, index).map(Fact::date);
        Some(LinkView {
            id: link.id,
            position: fact.position(),
            partner: link.partner,
            linked_on: fact.date(),
            ended_on: unlinked.or_else(|| linked(index + 1).map(Fact::date)),
            fault: fault.is_some_and(|fault| fact.position() < fault),
        })
    };
    participant.links().zip(0u16..).filter_map(view).collect()
}

fn entitlements(state: &State, participant: &Participant, scheme: &Scheme<'_>, as_of: Date) -> Vec<EntitlementView> {
    let (instructions, unlock) = (participant.all_instructions(), participant.unlock());
    let view = |(entitlement, amount): (Entitlement, Rupiah)| {
        let its_own = (0u16..).zip(&instructions).filter(|(_, order)| order.entitlement() == entitlement);
        let (indexes, orders): (Vec<u16>, Vec<Instruction>) =
            its_own.map(|(index, order)| (index, order.clone())).unzip();
        let settled = indexes.iter().zip(&orders).rev().find(|(_, order)| order.net_settled() > 0);
        let survey = entitlement.kind == EntitlementKind::Survey;
        let funds = state.year(as_of.year()).available();
        let held =
            payable_beside(&orders, state, participant, entitlement, as_of).and_then(|it| within(it, funds)).err();
        let last = orders.last();
        // What was ordered keeps the due date that it was ordered with.
        let ordered = last.filter(|_| matches!(held, Some(Held::Settled | Held::InTransit | Held::InDoubt)));
        let due = ordered.map(Instruction::due);
        EntitlementView {
            entitlement,
            amount,
            due: due.or_else(|| participant.due(scheme, entitlement)),
            held,
            attempts: last.map_or(0, |i| i.attempt),
            instruction: last.map(Instruction::position),
            instruction_status: last.map(|i| i.status),
            settled_on: settled.and_then(|(index, _)| participant.fact(FactKind::Settled, *index)).map(Fact::date),
            survey_opens_on: unlock
                .filter(|_| survey)
                .and_then(|unlock| survey_opens_after(unlock, scheme, entitlement.number)),
            survey_filled_on: if survey { participant.survey_filled_on(entitlement.number) } else { None },
        }
    };
    scheme.entitlements().map(view).collect()
}
