//! Every table and column: its name, what it holds and says, and where the value comes from.

use std::borrow::Cow;
use std::fmt::Display;

use ledger_core::Record;
use ledger_core::account::{Account, Balances};
use ledger_core::codes::{OutcomeKind, Partner, Platform};
use ledger_core::event::{Event, PayoutInstructed, TrainingBought};
use ledger_core::ids::{ParticipantId, PurchaseId};
use ledger_core::postings::{Item, Posting};
use ledger_core::view::{EntitlementView, LinkView, ParticipantView, PurchaseStatus, PurchaseView};
use ledger_log::leaf_hash;

use super::{Cell, Column, Kind, Table};
use crate::output::fields::{self, Fields, Value};
use crate::output::life::item;
use crate::output::person::{held, status};

/// `Kind` alone: every row has a value; `Kind maybe`: a row may have none.
macro_rules! tables {
    ($($(#[doc = $about:literal])+ $which:ident $name:ident ($row:ident: $type:ty) {
        $($column:ident: $kind:ident $($maybe:ident)? = $value:expr, $says:literal;)+
    })+) => {
        /// A table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each table says what it is")]
        pub enum Which { $($which,)+ }

        impl Which {
            /// Every table.
            pub const ALL: &[Self] = &[$(Self::$which,)+];

            /// Its name and columns.
            #[must_use]
            pub const fn table(self) -> &'static Table {
                match self {
                    $(Self::$which => {
                        const TABLE: Table = Table {
                            name: stringify!($name),
                            about: concat!($($about, "\n"),+),
                            columns: &[$(Column {
                                name: stringify!($column),
                                kind: Kind::$kind,
                                optional: { const MAYBE: &[&str] = &[$(stringify!($maybe))?]; !MAYBE.is_empty() },
                                about: $says,
                            },)+],
                        };
                        &TABLE
                    })+
                }
            }
        }

        $(pub(super) fn $name<'r>($row: &'r $type) -> [Cell<'r>; [$(stringify!($column)),+].len()] {
            [$(Cell::$kind(Into::into($value)),)+]
        })+
    };
}

tables! {
    /// Every record of the log, in order.
    Records records(row: Fact<'_>) {
        position: Number = number(row.record.position), "place in the log, from 0";
        event: Text = text(row.record.event.name()), "what happened, as in docs/domain.md section 3";
        date: Date = row.record.occurred_at.wib_date(), "the day on which it happened";
        occurred_at: Time = row.record.occurred_at, "when it happened, as the sender says";
        recorded_at: Time = row.record.recorded_at, "when it was recorded, by the server's clock";
        participant: Text maybe = row.record.participant.map(shown), "whose event it is; none for the programme's";
        previous: Number maybe = row.record.previous.map(number), "the position before it of the same participant, or of the programme";
        actor: Text = text(&row.record.actor), "who sent it, role/name";
        auth: Text = text(row.record.auth.code()), "how the sender was known";
        approved_by: Text maybe = row.record.approved_by.as_deref().map(text), "the second person, where one is needed";
        source_reference: Text = text(&row.record.source_reference), "the sender's own reference";
        fields: Text = row.json(), "the event's fields, as JSON with sorted names";
        leaf_hash: Text = Cow::<str>::Owned(hex::encode(leaf_hash(row.bytes))), "RFC 6962 hash of the record's bytes";
    }
    /// Every posting of the double entry. Those of one record sum to zero; a closing has each participant's share.
    Postings postings(row: Posted<'_>) {
        position: Number = number(row.record.position), "the record that moved the money";
        date: Date = row.record.occurred_at.wib_date(), "the day that it counts for";
        event: Text = text(row.record.event.name()), "the record's event";
        participant: Text = shown(row.participant), "whose money";
        account: Text = shown(row.posting.account), "the account, as in `trial-balance`";
        amount: Rupiah = row.posting.amount.get(), "into the account; negative out of it";
        item: Text = row.item(), "what for: training-aid, purchase, repayment, or the entitlement";
        purchase: Text maybe = row.purchase().map(shown), "which purchase";
    }
    /// Every participant as it stands at the end, in order of selection.
    Participants participants(row: Person<'_>) {
        participant: Text = shown(row.view.id), "a UUID";
        wave: Number = i64::from(row.view.wave.0), "the wave's number";
        scheme: Text = text(&row.view.scheme), "the rule set of its wave";
        region: Text = shown(row.view.region), "kabupaten or kota";
        status: Text = text(status(row.view)), "live or revoked";
        ground: Text maybe = row.view.revoked.map(|ground| text(ground.code())), "why it was revoked";
        selected_on: Date = row.view.selected_on, "the day of selection";
        first_purchase_deadline: Date maybe = row.view.first_purchase_deadline, "the last day of a first purchase";
        unlocked_on: Date maybe = row.view.unlocked_on, "the day on which incentives unlocked";
        ineligible: Flag = row.view.ineligible, "an ineligibility finding is open";
        budget: Rupiah = row.sum(&[Account::Budget]), "what was committed, below zero";
        training_balance: Rupiah = row.sum(&[Account::TrainingBalance]), "what may still be spent";
        incentives_committed: Rupiah = row.sum(&[Account::IncentivesCommitted]), "incentives not yet ordered";
        platform_unearned: Rupiah = row.each(Platform::ALL, Account::PlatformUnearned), "with platforms, for trainings not completed";
        platform_earned: Rupiah = row.each(Platform::ALL, Account::PlatformEarned), "with platforms, for completed trainings";
        in_transit: Rupiah = row.each(Partner::ALL, Account::InTransit), "ordered, outcome unknown";
        received: Rupiah = row.sum(&[Account::Received]), "received by the person";
        overpaid: Rupiah = row.sum(&[Account::Overpaid]), "paid too much, below zero";
        forfeited: Rupiah = row.sum(&[Account::Forfeited]), "training balance lost by revocation";
        lapsed: Rupiah = row.sum(&[Account::Lapsed]), "training balance left when its period closed";
        treasury_returned: Rupiah = row.sum(&[Account::TreasuryReturned]), "incentives that went back";
        repaid: Rupiah = row.sum(&[Account::Repaid]), "paid back by the person, below zero";
        repayments: Rupiah = row.sum(&[Account::Repayments]), "received back by the state";
    }
    /// Every entitlement of every participant as it stands at the end.
    Entitlements entitlements(row: Entitled<'_>) {
        participant: Text = shown(row.id), "whose it is";
        entitlement: Text = shown(row.entitlement.entitlement), "training-1, survey-2";
        amount: Rupiah = row.entitlement.amount.get(), "what it is worth";
        status: Text = text(row.entitlement.status().code()), "locked, payable, held, in-transit, in-doubt or settled";
        due: Date maybe = row.entitlement.due, "when it is due, once earned";
        held: Text maybe = held(row.entitlement).map(|held| text(held.code())), "why it is not payable";
        attempts: Number = i64::from(row.entitlement.attempts), "how often it was ordered";
        instruction: Number maybe = row.entitlement.instruction.map(|position| number(position.0)), "the last order, its position";
        settled_on: Date maybe = row.entitlement.settled_on, "when it was paid";
    }
    /// Every purchase as it stands at the end.
    Purchases purchases(row: (ParticipantId, &PurchaseView)) {
        purchase: Text = shown(row.1.id), "a UUID";
        participant: Text = shown(row.0), "who bought";
        position: Number = number(row.1.position), "the record of the purchase";
        platform: Text = text(row.1.platform.code()), "who sold it";
        price: Rupiah = row.1.price.get(), "its price";
        status: Text = text(standing(row.1.status)), "open, cancelled or completed";
        bought_on: Date = row.1.bought_on, "when it was bought";
        cancelled_on: Date maybe = row.1.cancelled_on, "when it was undone";
        completed_on: Date maybe = row.1.completed_on, "when the training was completed";
        certified_on: Date maybe = row.1.certified_on, "when the certificate was issued";
        reviewed_on: Date maybe = row.1.reviewed_on, "when it was reviewed";
    }
    /// The course of every purchase, as it was bought.
    Courses courses(row: Purchased<'_>) {
        purchase: Text = shown(row.bought.purchase), "a UUID";
        position: Number = number(row.record.position), "the record of the purchase";
        course: Text = text(&row.bought.course), "the course";
        provider: Text = text(&row.bought.provider), "who gives it";
    }
    /// Every payout account that was linked, as it stands at the end.
    PayoutAccounts payout_accounts(row: Linked<'_>) {
        link: Text = shown(row.link.id), "a UUID";
        participant: Text = shown(row.id), "whose it is";
        position: Number = number(row.link.position), "the record of the link";
        partner: Text = text(row.link.partner.code()), "who pays into it";
        linked_on: Date = row.link.linked_on, "since when";
        ended_on: Date maybe = row.link.ended_on, "when it was unlinked or replaced";
        fault: Flag = row.link.fault, "a partner found fault with it";
    }
    /// Every order to a partner to pay an entitlement.
    Instructions instructions(row: Ordered<'_>) {
        instruction: Number = number(row.record.position), "its position, which is its reference to the partner";
        date: Date = row.record.occurred_at.wib_date(), "when it was ordered";
        participant: Text maybe = row.record.participant.map(shown), "who is paid";
        entitlement: Text = shown(row.order.entitlement), "what is paid";
        attempt: Number = i64::from(row.order.attempt), "1 for the first try";
        due: Date = row.order.due, "when it was due";
        amount: Rupiah = row.order.amount.get(), "how much";
        partner: Text = text(row.order.partner.code()), "who pays";
        link: Text = shown(row.order.link), "into which account";
        run: Text = shown(row.order.run), "the run that ordered it";
        expires_on: Date = row.order.expires_on, "in doubt without an outcome by the end of this day";
    }
    /// What became of instructions, as it was reported.
    Outcomes outcomes(row: Outcome<'_>) {
        position: Number = number(row.record.position), "the report's record";
        date: Date = row.record.occurred_at.wib_date(), "when it happened";
        participant: Text maybe = row.record.participant.map(shown), "whose payment";
        instruction: Number = number(row.outcome.instruction.0), "the order that it is about";
        kind: Text = text(row.kind.code()), "accepted, settled, rejected, returned or in-doubt";
        amount: Rupiah = row.outcome.amount.get(), "the amount that was reported";
        transaction_reference: Text maybe = given(&row.outcome.transaction_reference), "the partner's";
        raw_code: Text maybe = given(&row.outcome.raw_code), "the partner's code as it gave it";
        code_system: Text maybe = row.outcome.code_system.map(|system| text(system.code())), "whose code that is";
        reason: Text maybe = row.outcome.reason.map(|reason| text(reason.code())), "the ledger's own reason";
        account_fault: Flag = row.outcome.account_fault, "the account is at fault";
        evidence: Text = text(row.outcome.evidence.code()), "what it rests on";
        evidence_reason: Text maybe = given(&row.outcome.evidence_reason), "why a person found so";
    }
    /// What was found and decided about single participants: revocations, reinstatements, withdrawn completions, ineligibility,
    /// repayments, exceptions.
    Cases cases(row: Case<'_>) {
        position: Number = number(row.record.position), "its record";
        date: Date = row.record.occurred_at.wib_date(), "when it happened";
        event: Text = text(row.record.event.name()), "what happened";
        participant: Text maybe = row.record.participant.map(shown), "to whom";
        case: Text maybe = row.case.clone(), "the case, demand or transaction reference";
        reason: Text maybe = row.reason.clone(), "ground, reason or cause";
        source: Text maybe = row.source.clone(), "who says so";
        amount: Rupiah maybe = row.amount, "what is asked for, received or reported";
    }
    /// The programme's own records.
    Programme programme(row: Fact<'_>) {
        position: Number = number(row.record.position), "its record";
        date: Date = row.record.occurred_at.wib_date(), "when it happened";
        event: Text = text(row.record.event.name()), "what happened";
        wave: Number maybe = row.number("wave"), "which wave";
        scheme: Text maybe = row.text("scheme"), "which scheme";
        year: Number maybe = row.number("year").or_else(|| row.number("fiscal_year")), "which year";
        run: Text maybe = row.text("run"), "which run";
        partner: Text maybe = row.text("partner"), "which partner";
        amount: Rupiah maybe = row.rupiah("amount"), "what was appropriated; negative where it was cut";
        actor: Text = text(&row.record.actor), "who sent it";
        approved_by: Text maybe = row.record.approved_by.as_deref().map(text), "the second person";
        fields: Text = row.json(), "all fields, as JSON with sorted names";
    }
}

/// A record with its bytes.
pub(super) struct Fact<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) bytes: &'a [u8],
}

/// A posting of a record.
pub(super) struct Posted<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) participant: ParticipantId,
    pub(super) posting: &'a Posting,
}

/// A participant with its money.
pub(super) struct Person<'a> {
    pub(super) view: &'a ParticipantView,
    pub(super) balances: &'a Balances,
}

/// A participant's entitlement.
pub(super) struct Entitled<'a> {
    pub(super) id: ParticipantId,
    pub(super) entitlement: &'a EntitlementView,
}

/// A participant's payout account.
pub(super) struct Linked<'a> {
    pub(super) id: ParticipantId,
    pub(super) link: &'a LinkView,
}

/// A purchase as it was recorded.
pub(super) struct Purchased<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) bought: &'a TrainingBought<'a>,
}

/// An instruction as it was recorded.
pub(super) struct Ordered<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) order: &'a PayoutInstructed,
}

/// A reported outcome.
pub(super) struct Outcome<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) kind: OutcomeKind,
    pub(super) outcome: &'a ledger_core::event::Outcome<'a>,
}

/// What was found or decided about one participant, or about what a partner said.
pub(super) struct Case<'a> {
    pub(super) record: &'a Record<'a>,
    case: Option<Cow<'a, str>>,
    reason: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    amount: Option<i64>,
}

impl<'a> Case<'a> {
    /// `None` where the event is of another kind.
    pub(super) fn of(record: &'a Record<'a>, event: &'a Event<'a>) -> Option<Self> {
        let (case, reason, source, amount) = match event {
            Event::MembershipRevoked(e) => (Some(shown(e.case)), Some(text(e.ground.code())), None, None),
            Event::MembershipReinstated(e) => (Some(shown(e.case)), given(&e.reason), None, None),
            Event::CompletionWithdrawn(e) => (Some(shown(e.case)), given(&e.reason), None, None),
            Event::IneligibilityFound(e) => (given(&e.case_number), None, given(&e.source), None),
            Event::IneligibilityWithdrawn(e) => (given(&e.case_number), None, given(&e.source), None),
            Event::RepaymentDemanded(e) => {
                (Some(shown(e.demand)), Some(text(e.component.code())), None, Some(e.amount.get()))
            }
            Event::RepaymentReceived(e) => {
                (Some(shown(e.demand)), given(&e.receipt_number), None, Some(e.amount.get()))
            }
            Event::OutcomeException(e) => (
                given(&e.outcome.transaction_reference),
                Some(text(e.cause.code())),
                Some(text(e.partner.code())),
                Some(e.outcome.amount.get()),
            ),
            Event::ExceptionResolved(e) => {
                (given(&e.transaction_reference), given(&e.resolution), Some(text(e.partner.code())), None)
            }
            _ => return None,
        };
        Some(Self { record, case, reason, source, amount })
    }
}

impl Fact<'_> {
    fn fields(&self) -> Fields {
        fields::of(&self.record.event)
    }

    fn json(&self) -> Cow<'static, str> {
        // Names and plain values: nothing in them can fail.
        Cow::Owned(serde_json::to_string(&self.fields().sorted()).unwrap_or_default())
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone())
    }

    fn text(&self, name: &str) -> Option<Cow<'static, str>> {
        match self.field(name)? {
            Value::Text(text) => Some(text.into()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        match self.field(name)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    fn rupiah(&self, name: &str) -> Option<i64> {
        match self.field(name)? {
            Value::Rupiah(amount) => Some(amount.get()),
            _ => None,
        }
    }
}

impl Posted<'_> {
    fn item(&self) -> Cow<'static, str> {
        match self.posting.item {
            Item::Purchase(_) => Cow::Borrowed("purchase"),
            other => Cow::Owned(item(&other)),
        }
    }

    const fn purchase(&self) -> Option<PurchaseId> {
        match self.posting.item {
            Item::Purchase(purchase) => Some(purchase),
            _ => None,
        }
    }
}

impl Person<'_> {
    fn sum(&self, accounts: &[Account]) -> i64 {
        accounts.iter().fold(0, |sum, account| sum.saturating_add(self.balances.get(*account).get()))
    }

    fn each<T: Copy>(&self, all: &[T], account: fn(T) -> Account) -> i64 {
        all.iter().fold(0, |sum, each| sum.saturating_add(self.sum(&[account(*each)])))
    }
}

fn number(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Text that may be empty, which is none.
fn given(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

fn shown(value: impl Display) -> Cow<'static, str> {
    Cow::Owned(value.to_string())
}

const fn standing(status: PurchaseStatus) -> &'static str {
    match status {
        PurchaseStatus::Open => "open",
        PurchaseStatus::Cancelled => "cancelled",
        PurchaseStatus::Completed => "completed",
    }
}
