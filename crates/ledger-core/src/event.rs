//! The events and the record that carries one (DOMAIN section 3).
//!
//! Text is [`Cow`]: borrowed from the log's bytes when replaying, owned when it came with a request.

use std::borrow::Cow;

use serde::Serialize;

use crate::codes::{
    Auth, CodeSystem, Component, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner, Platform, Reason,
};
use crate::ids::{CaseId, DemandId, Digest, LinkId, ParticipantId, Position, PurchaseId, Region, RunId, Wave};
use crate::money::Rupiah;
use crate::scheme::{Entitlement, Scheme};
use crate::time::{Date, Timestamp};

/// Text of an event.
pub type Text<'a> = Cow<'a, str>;

/// One immutable entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record<'a> {
    /// Place in the log, gapless, from 0.
    pub position: u64,
    /// The previous record of the same participant; of the programme where it has no participant.
    pub previous: Option<u64>,
    /// Whose event it is; `None` for programme events.
    pub participant: Option<ParticipantId>,
    /// When it happened, as the source says.
    pub occurred_at: Timestamp,
    /// The server's clock when it was recorded; never goes back.
    pub recorded_at: Timestamp,
    /// Who sent it: `role/name`.
    pub actor: Text<'a>,
    /// How the actor was authenticated.
    pub auth: Auth,
    /// The second person, where four eyes are required.
    pub approved_by: Option<Text<'a>>,
    /// The sender's own reference.
    pub source_reference: Text<'a>,
    /// What happened.
    pub event: Event<'a>,
}

macro_rules! events {
    ($($(#[$doc:meta])+ $name:ident $(<$lt:lifetime>)? { $($(#[$fdoc:meta])+ $field:ident: $ty:ty,)+ })+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
            pub struct $name$(<$lt>)? { $($(#[$fdoc])+ pub $field: $ty,)+ }
        )+

        /// What happened.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[allow(clippy::large_enum_variant)]
        pub enum Event<'a> { $($(#[$doc])+ $name($name$(<$lt>)?),)+ }

        impl Event<'_> {
            /// The event's name, as in DOMAIN section 3.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)+ }
            }
        }

        $(impl<'a> From<$name$(<$lt>)?> for Event<'a> {
            fn from(event: $name$(<$lt>)?) -> Self {
                Self::$name(event)
            }
        })+
    };
}

events! {
    /// The participant was determined as a recipient in a wave; the membership begins.
    Selected<'a> {
        /// The wave.
        wave: Wave,
        /// HMAC-SHA-256 of the national identity number.
        identity_digest: Digest,
        /// The id of the key behind both digests.
        identity_key_id: Text<'a>,
        /// HMAC-SHA-256 of the family-card number.
        family_card_digest: Digest,
        /// Kabupaten or kota.
        region: Region,
    }
    /// A payout account was registered; it replaces the one before.
    PayoutAccountLinked<'a> {
        /// This registration.
        link: LinkId,
        /// Who pays into it.
        partner: Partner,
        /// Opaque; the partner resolves it.
        account_token: Text<'a>,
        /// The holder's identity digest, under the participant's key.
        holder_identity_digest: Digest,
    }
    /// The payout account was taken away; what is in transit stays.
    PayoutAccountUnlinked {
        /// The registration.
        link: LinkId,
    }
    /// A course was bought with the training balance.
    TrainingBought<'a> {
        /// The purchase.
        purchase: PurchaseId,
        /// The course.
        course: Text<'a>,
        /// Who sold it.
        platform: Platform,
        /// Who gives it.
        provider: Text<'a>,
        /// Price, rupiah.
        price: Rupiah,
    }
    /// A purchase was undone before its completion.
    PurchaseCancelled<'a> {
        /// The purchase.
        purchase: PurchaseId,
        /// Why.
        reason: Text<'a>,
        /// The platform's reference of the refund.
        refund_reference: Text<'a>,
    }
    /// The bought training was completed.
    TrainingCompleted {
        /// The purchase.
        purchase: PurchaseId,
    }
    /// A completion was found wrong and taken back.
    CompletionWithdrawn<'a> {
        /// The purchase.
        purchase: PurchaseId,
        /// The case.
        case: CaseId,
        /// Why.
        reason: Text<'a>,
    }
    /// The provider issued a certificate.
    CertificateIssued<'a> {
        /// The purchase.
        purchase: PurchaseId,
        /// The certificate's number.
        certificate_number: Text<'a>,
    }
    /// The participant rated and reviewed a finished course.
    TrainingReviewed {
        /// The purchase.
        purchase: PurchaseId,
        /// 1 to 5.
        rating: u8,
    }
    /// A survey was filled in.
    SurveyFilled {
        /// Survey number, from 1.
        number: u8,
    }
    /// The membership was revoked.
    MembershipRevoked {
        /// The case.
        case: CaseId,
        /// Why.
        ground: Ground,
    }
    /// A revoked membership was given back.
    MembershipReinstated<'a> {
        /// The case.
        case: CaseId,
        /// Why.
        reason: Text<'a>,
        /// New last day of the first purchase; needed if nothing was ever bought.
        first_purchase_deadline: Option<Date>,
    }
    /// One order to one partner to pay one entitlement.
    PayoutInstructed {
        /// What is paid.
        entitlement: Entitlement,
        /// 1 for the first try.
        attempt: u8,
        /// The entitlement's due date.
        due: Date,
        /// Amount, rupiah.
        amount: Rupiah,
        /// Who pays.
        partner: Partner,
        /// Into which account.
        link: LinkId,
        /// The run that ordered it.
        run: RunId,
        /// Without an outcome by the end of this day it is in doubt.
        expires_on: Date,
    }
    /// The partner took the instruction on.
    PayoutAccepted<'a> {
        /// What the partner said.
        outcome: Outcome<'a>,
    }
    /// The partner paid.
    PayoutSettled<'a> {
        /// What the partner said.
        outcome: Outcome<'a>,
    }
    /// The partner will not pay.
    PayoutRejected<'a> {
        /// What the partner said.
        outcome: Outcome<'a>,
    }
    /// Paid money came back.
    PayoutReturned<'a> {
        /// What the partner said.
        outcome: Outcome<'a>,
    }
    /// Nobody knows whether the money moved.
    PayoutInDoubt<'a> {
        /// What is known.
        outcome: Outcome<'a>,
    }
    /// The ledger asks the partner not to pay.
    InstructionRecalled {
        /// The instruction.
        instruction: Position,
    }
    /// What a partner said that fits no instruction, amount or transition; moves no money.
    OutcomeException<'a> {
        /// Who said it.
        partner: Partner,
        /// The reference as the partner gave it.
        instruction: Text<'a>,
        /// What it said.
        kind: OutcomeKind,
        /// The rest of what it said; the instruction is its position, 0 where unknown.
        outcome: Outcome<'a>,
        /// Why it was kept aside.
        cause: ExceptionCause,
    }
    /// An exception was cleared up by people.
    ExceptionResolved<'a> {
        /// Who said it.
        partner: Partner,
        /// The exception's transaction reference.
        transaction_reference: Text<'a>,
        /// The exception's kind.
        kind: OutcomeKind,
        /// How it was cleared up.
        resolution: Text<'a>,
    }
    /// Evidence that the participant was not eligible.
    IneligibilityFound<'a> {
        /// Whose evidence.
        source: Text<'a>,
        /// The source's case number.
        case_number: Text<'a>,
        /// When the evidence is from.
        evidence_date: Date,
        /// From when it counts.
        effective_date: Date,
    }
    /// The evidence was found wrong.
    IneligibilityWithdrawn<'a> {
        /// Whose evidence.
        source: Text<'a>,
        /// The source's case number.
        case_number: Text<'a>,
    }
    /// The state asks for money back.
    RepaymentDemanded {
        /// The demand.
        demand: DemandId,
        /// What for.
        component: Component,
        /// Amount, rupiah.
        amount: Rupiah,
    }
    /// The participant paid money back to the state.
    RepaymentReceived<'a> {
        /// The demand.
        demand: DemandId,
        /// The state receipt's number.
        receipt_number: Text<'a>,
        /// Amount, rupiah.
        amount: Rupiah,
    }
    /// A scheme takes effect.
    SchemeEnacted<'a> {
        /// The rule set.
        scheme: Scheme<'a>,
    }
    /// A wave opens for selection.
    WaveOpened<'a> {
        /// The wave.
        wave: Wave,
        /// Its scheme.
        scheme: Text<'a>,
        /// Its year: of the training balance's last day.
        year: i16,
        /// How many participants it takes.
        quota: u32,
    }
    /// A wave closes: what is not yet paid returns to the treasury.
    WaveClosed {
        /// The wave.
        wave: Wave,
    }
    /// Money was made available, or cut.
    FundsAppropriated<'a> {
        /// The budget document's number.
        document_number: Text<'a>,
        /// For which year.
        fiscal_year: i16,
        /// Signed amount, rupiah.
        amount: Rupiah,
    }
    /// The training balances of a year's waves lapse.
    BalancePeriodClosed {
        /// The year.
        year: i16,
    }
    /// A run was planned.
    DisbursementRunPlanned {
        /// The run.
        run: RunId,
        /// Items due by this date.
        as_of: Date,
        /// Log size on which the plan was computed.
        known_at: u64,
        /// Count and total by partner; partners without items are left out.
        totals: Vec<PartnerTotal>,
        /// SHA-256 of the sorted items, see [`crate::run`].
        items_digest: Digest,
    }
    /// A planned run was approved by a second person.
    DisbursementRunApproved {
        /// The run.
        run: RunId,
        /// The digest of the plan that was approved.
        items_digest: Digest,
    }
    /// Every item of an approved run was instructed or held.
    DisbursementRunClosed {
        /// The run.
        run: RunId,
        /// Instructed items.
        instructed: Total,
        /// Held items.
        held: Total,
        /// Held items by reason, in the order of the reasons' numbers. What a restart interrupted lacks those held
        /// before it: their reasons were not recorded.
        held_by: Vec<HeldTotal>,
    }
    /// A partner's statement was compared with the ledger.
    StatementReconciled {
        /// Whose statement.
        partner: Partner,
        /// SHA-256 of the file.
        file_digest: Digest,
        /// First day of the statement.
        period_from: Date,
        /// Last day of the statement.
        period_to: Date,
        /// Lines that match.
        matched: Total,
        /// In the ledger, not in the statement.
        missing: Total,
        /// In the statement, not in the ledger.
        extra: Total,
        /// Same reference, other amount.
        other_amount: Total,
        /// Same reference and amount, other day.
        other_day: Total,
    }
}

/// What is known of one instruction's fate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Outcome<'a> {
    /// The instruction.
    pub instruction: Position,
    /// Amount, rupiah.
    pub amount: Rupiah,
    /// The partner's transaction reference; empty where it gave none.
    pub transaction_reference: Text<'a>,
    /// The partner's code as it gave it; empty where it gave none.
    pub raw_code: Text<'a>,
    /// Whose code that is.
    pub code_system: Option<CodeSystem>,
    /// The ledger's own reason.
    pub reason: Option<Reason>,
    /// The account is at fault: nothing more is paid into it.
    pub account_fault: bool,
    /// What the outcome rests on.
    pub evidence: Evidence,
    /// Why a person found so, or where on which statement it is; empty for other evidence.
    pub evidence_reason: Text<'a>,
}

/// A number of items and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Their sum, rupiah.
    pub amount: Rupiah,
}

impl Total {
    /// One more item.
    pub fn add(&mut self, amount: Rupiah) {
        self.count += 1;
        self.amount = self.amount.checked_add(amount).unwrap_or(self.amount);
    }
}

/// A partner's share of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PartnerTotal {
    /// The partner.
    pub partner: Partner,
    /// Its items.
    pub total: Total,
}

/// What is held for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct HeldTotal {
    /// Why.
    pub reason: Held,
    /// The items.
    pub total: Total,
}

pub(crate) fn own(text: Text<'_>) -> Text<'static> {
    Text::Owned(text.into_owned())
}

impl Outcome<'_> {
    /// The same outcome, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Outcome<'static> {
        Outcome {
            transaction_reference: own(self.transaction_reference),
            raw_code: own(self.raw_code),
            evidence_reason: own(self.evidence_reason),
            ..self
        }
    }
}

impl OutcomeException<'_> {
    /// The same exception, owning its text.
    #[must_use]
    pub fn into_owned(self) -> OutcomeException<'static> {
        OutcomeException { instruction: own(self.instruction), outcome: self.outcome.into_owned(), ..self }
    }
}

impl<'a> Event<'a> {
    /// The event for an outcome of that kind.
    #[must_use]
    pub fn outcome(kind: OutcomeKind, outcome: Outcome<'a>) -> Self {
        match kind {
            OutcomeKind::Accepted => PayoutAccepted { outcome }.into(),
            OutcomeKind::Settled => PayoutSettled { outcome }.into(),
            OutcomeKind::Rejected => PayoutRejected { outcome }.into(),
            OutcomeKind::Returned => PayoutReturned { outcome }.into(),
            OutcomeKind::InDoubt => PayoutInDoubt { outcome }.into(),
        }
    }

    /// The outcome that this event reports of an instruction, with its kind.
    #[must_use]
    pub fn as_outcome(&self) -> Option<(OutcomeKind, &Outcome<'a>)> {
        match self {
            Self::PayoutAccepted(e) => Some((OutcomeKind::Accepted, &e.outcome)),
            Self::PayoutSettled(e) => Some((OutcomeKind::Settled, &e.outcome)),
            Self::PayoutRejected(e) => Some((OutcomeKind::Rejected, &e.outcome)),
            Self::PayoutReturned(e) => Some((OutcomeKind::Returned, &e.outcome)),
            Self::PayoutInDoubt(e) => Some((OutcomeKind::InDoubt, &e.outcome)),
            _ => None,
        }
    }

    /// The same event, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Self::Selected(e) => Selected { identity_key_id: own(e.identity_key_id), ..e }.into(),
            Self::PayoutAccountLinked(e) => PayoutAccountLinked { account_token: own(e.account_token), ..e }.into(),
            Self::PayoutAccountUnlinked(e) => e.into(),
            Self::TrainingBought(e) => TrainingBought { course: own(e.course), provider: own(e.provider), ..e }.into(),
            Self::PurchaseCancelled(e) => {
                PurchaseCancelled { reason: own(e.reason), refund_reference: own(e.refund_reference), ..e }.into()
            }
            Self::TrainingCompleted(e) => e.into(),
            Self::CompletionWithdrawn(e) => CompletionWithdrawn { reason: own(e.reason), ..e }.into(),
            Self::CertificateIssued(e) => {
                CertificateIssued { certificate_number: own(e.certificate_number), ..e }.into()
            }
            Self::TrainingReviewed(e) => e.into(),
            Self::SurveyFilled(e) => e.into(),
            Self::MembershipRevoked(e) => e.into(),
            Self::MembershipReinstated(e) => MembershipReinstated { reason: own(e.reason), ..e }.into(),
            Self::PayoutInstructed(e) => e.into(),
            Self::PayoutAccepted(e) => PayoutAccepted { outcome: e.outcome.into_owned() }.into(),
            Self::PayoutSettled(e) => PayoutSettled { outcome: e.outcome.into_owned() }.into(),
            Self::PayoutRejected(e) => PayoutRejected { outcome: e.outcome.into_owned() }.into(),
            Self::PayoutReturned(e) => PayoutReturned { outcome: e.outcome.into_owned() }.into(),
            Self::PayoutInDoubt(e) => PayoutInDoubt { outcome: e.outcome.into_owned() }.into(),
            Self::InstructionRecalled(e) => e.into(),
            Self::OutcomeException(e) => e.into_owned().into(),
            Self::ExceptionResolved(e) => ExceptionResolved {
                transaction_reference: own(e.transaction_reference),
                resolution: own(e.resolution),
                ..e
            }
            .into(),
            Self::IneligibilityFound(e) => {
                IneligibilityFound { source: own(e.source), case_number: own(e.case_number), ..e }.into()
            }
            Self::IneligibilityWithdrawn(e) => {
                IneligibilityWithdrawn { source: own(e.source), case_number: own(e.case_number) }.into()
            }
            Self::RepaymentDemanded(e) => e.into(),
            Self::RepaymentReceived(e) => RepaymentReceived { receipt_number: own(e.receipt_number), ..e }.into(),
            Self::SchemeEnacted(e) => SchemeEnacted { scheme: e.scheme.into_owned() }.into(),
            Self::WaveOpened(e) => WaveOpened { scheme: own(e.scheme), ..e }.into(),
            Self::WaveClosed(e) => e.into(),
            Self::FundsAppropriated(e) => FundsAppropriated { document_number: own(e.document_number), ..e }.into(),
            Self::BalancePeriodClosed(e) => e.into(),
            Self::DisbursementRunPlanned(e) => e.into(),
            Self::DisbursementRunApproved(e) => e.into(),
            Self::DisbursementRunClosed(e) => e.into(),
            Self::StatementReconciled(e) => e.into(),
        }
    }
}

impl Record<'_> {
    /// The same record, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        Record {
            actor: own(self.actor),
            approved_by: self.approved_by.map(own),
            source_reference: own(self.source_reference),
            event: self.event.into_owned(),
            ..self
        }
    }
}
