//! The one table: which roles may make each call, in what scope, and where a second person is needed; and for the calls that
//! carry facts or outcomes, who may send which. What is not here is refused.
//!
//! A test walks the descriptors of everything that is served and fails on a call without an entry; another tries every role on
//! every call.

use ledger_core::codes::Evidence;
use ledger_proto::v1::event_input::Event;
use ledger_proto::view;

use super::Role::{
    self, Account, Approver, Auditor, Officer, Operator, Partner, Platform, Provider, Selection, Survey,
};

/// How far a role's permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// A platform's own purchases, a partner's own instructions.
    Own,
    /// What another person proposed, by sending the same; nothing else.
    Approval,
}

/// Where a second person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FourEyes {
    /// Nowhere.
    No,
    /// Always.
    Yes,
    /// For the items of which [`FACTS`] or [`EVIDENCE`] says so.
    SomeItems,
    /// The call is itself the second person's: it approves what an earlier call recorded.
    IsApproval,
}

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever reaches the port, also without a name; on a port with TLS that takes a certificate.
    Anyone,
    /// These roles.
    Roles(&'static [(Role, Scope)]),
}

/// What the table says of a call.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Who may make it.
    pub who: Who,
    /// Whether it needs a second person.
    pub four_eyes: FourEyes,
}

/// Size, root and their signature name nobody: whoever sends to the ledger may keep them as evidence.
const EVERY_ROLE: Who = Who::Roles(&[
    (Selection, Scope::All),
    (Platform, Scope::All),
    (Provider, Scope::All),
    (Survey, Scope::All),
    (Account, Scope::All),
    (Partner, Scope::All),
    (Auditor, Scope::All),
    (Officer, Scope::All),
    (Approver, Scope::All),
    (Operator, Scope::All),
]);
/// Each with the facts that [`FACTS`] gives it.
const SENDERS: Who = Who::Roles(&[
    (Selection, Scope::All),
    (Platform, Scope::Own),
    (Provider, Scope::All),
    (Survey, Scope::All),
    (Account, Scope::All),
    (Auditor, Scope::All),
    (Officer, Scope::All),
    (Approver, Scope::Approval),
]);
const READERS: Who = Who::Roles(&[(Auditor, Scope::All), (Officer, Scope::All), (Approver, Scope::All)]);
const PAYMENTS: Who =
    Who::Roles(&[(Partner, Scope::Own), (Auditor, Scope::All), (Officer, Scope::All), (Approver, Scope::All)]);
const REPORTERS: Who = Who::Roles(&[(Partner, Scope::Own), (Officer, Scope::All), (Approver, Scope::Approval)]);
const STATEMENTS: Who = Who::Roles(&[(Partner, Scope::Own), (Officer, Scope::All)]);
const OFFICER: Who = Who::Roles(&[(Officer, Scope::All)]);
const OFFICER_AND_APPROVER: Who = Who::Roles(&[(Officer, Scope::All), (Approver, Scope::Approval)]);
const APPROVER: Who = Who::Roles(&[(Approver, Scope::All)]);
const COPIES: Who = Who::Roles(&[(Auditor, Scope::All), (Operator, Scope::All)]);

const fn call(path: &'static str, who: Who, four_eyes: FourEyes) -> Entry {
    Entry { path, who, four_eyes }
}

/// Every call that is served.
pub const CALLS: &[Entry] = &[
    call("/prakerja.ledger.v1.EventService/RecordEvents", SENDERS, FourEyes::SomeItems),
    call("/prakerja.ledger.v1.EventService/RecordEventStream", SENDERS, FourEyes::SomeItems),
    //
    call("/prakerja.ledger.v1.ParticipantService/GetParticipant", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.ParticipantService/ListParticipants", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.ParticipantService/FindByIdentityDigest", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.ParticipantService/ListParticipantEvents", READERS, FourEyes::No),
    //
    call("/prakerja.ledger.v1.ProgrammeService/EnactScheme", OFFICER_AND_APPROVER, FourEyes::Yes),
    call("/prakerja.ledger.v1.ProgrammeService/OpenWave", OFFICER, FourEyes::No),
    call("/prakerja.ledger.v1.ProgrammeService/CloseWave", OFFICER_AND_APPROVER, FourEyes::Yes),
    call("/prakerja.ledger.v1.ProgrammeService/AppropriateFunds", OFFICER_AND_APPROVER, FourEyes::Yes),
    call("/prakerja.ledger.v1.ProgrammeService/CloseBalancePeriod", OFFICER_AND_APPROVER, FourEyes::Yes),
    call("/prakerja.ledger.v1.ProgrammeService/RunDeadlines", OFFICER, FourEyes::No),
    call("/prakerja.ledger.v1.ProgrammeService/GetWaveSummary", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.ProgrammeService/GetDueForecast", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.ProgrammeService/GetTrialBalance", READERS, FourEyes::No),
    //
    call("/prakerja.ledger.v1.DisbursementService/PlanRun", OFFICER, FourEyes::No),
    call("/prakerja.ledger.v1.DisbursementService/ApproveRun", APPROVER, FourEyes::IsApproval),
    call("/prakerja.ledger.v1.DisbursementService/GetRun", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.DisbursementService/ListRuns", READERS, FourEyes::No),
    call("/prakerja.ledger.v1.DisbursementService/ResolveInDoubt", OFFICER_AND_APPROVER, FourEyes::Yes),
    call("/prakerja.ledger.v1.DisbursementService/ResolveException", OFFICER_AND_APPROVER, FourEyes::Yes),
    //
    call("/prakerja.ledger.v1.PayoutService/StreamInstructions", PAYMENTS, FourEyes::No),
    call("/prakerja.ledger.v1.PayoutService/ListOutstandingInstructions", PAYMENTS, FourEyes::No),
    call("/prakerja.ledger.v1.PayoutService/GetInstruction", PAYMENTS, FourEyes::No),
    call("/prakerja.ledger.v1.PayoutService/ReportOutcomes", REPORTERS, FourEyes::SomeItems),
    call("/prakerja.ledger.v1.PayoutService/ListExceptions", PAYMENTS, FourEyes::No),
    call("/prakerja.ledger.v1.PayoutService/ReconcileStatement", STATEMENTS, FourEyes::No),
    //
    call("/prakerja.ledger.v1.AuditService/StreamRecords", COPIES, FourEyes::No),
    call("/prakerja.ledger.v1.AuditService/GetInclusionProof", COPIES, FourEyes::No),
    call("/prakerja.ledger.v1.AuditService/GetHead", EVERY_ROLE, FourEyes::No),
    call("/prakerja.ledger.v1.AuditService/GetCheckpoint", EVERY_ROLE, FourEyes::No),
    call("/prakerja.ledger.v1.AuditService/GetConsistencyProof", EVERY_ROLE, FourEyes::No),
    //
    call("/grpc.health.v1.Health/Check", Who::Anyone, FourEyes::No),
    call("/grpc.health.v1.Health/Watch", Who::Anyone, FourEyes::No),
    call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Who::Anyone, FourEyes::No),
    call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Who::Anyone, FourEyes::No),
];

/// Who may send a kind of fact (DOMAIN section 3, "sent by"; staff are officers).
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The event's name.
    pub name: &'static str,
    /// The roles; a platform for its own purchases.
    pub by: &'static [Role],
    /// Whether it needs a second person.
    pub four_eyes: bool,
}

macro_rules! facts {
    ($($event:ident: $by:expr, $four_eyes:literal;)+) => {
        /// Every kind of fact, in the order of the contract.
        pub const FACTS: &[Fact] =
            &[$(Fact { name: stringify!($event), by: &$by, four_eyes: $four_eyes },)+];

        /// What the table says of a fact.
        #[must_use]
        pub const fn fact(event: &Event) -> Fact {
            match event {
                $(Event::$event(_) => Fact { name: stringify!($event), by: &$by, four_eyes: $four_eyes },)+
            }
        }

        /// The same of one that is read where it lies.
        pub(crate) const fn fact_in(event: &view::Event<'_>) -> Fact {
            match event {
                $(view::Event::$event(_) => Fact { name: stringify!($event), by: &$by, four_eyes: $four_eyes },)+
            }
        }
    };
}

facts! {
    Selected: [Selection], false;
    PayoutAccountLinked: [Account], false;
    PayoutAccountUnlinked: [Account], false;
    TrainingBought: [Platform], false;
    PurchaseCancelled: [Platform], false;
    TrainingCompleted: [Platform], false;
    CompletionWithdrawn: [Officer], true;
    CertificateIssued: [Provider], false;
    TrainingReviewed: [Platform], false;
    SurveyFilled: [Survey], false;
    MembershipRevoked: [Officer], false;
    MembershipReinstated: [Officer], true;
    IneligibilityFound: [Auditor, Officer], false;
    IneligibilityWithdrawn: [Auditor, Officer], false;
    RepaymentDemanded: [Officer], false;
    RepaymentReceived: [Officer], false;
}

/// Who may report an outcome on which evidence, and whether that needs a second person. Expiry is the ledger's own finding.
pub const EVIDENCE: &[(Evidence, &[Role], bool)] = &[
    (Evidence::Partner, &[Partner], false),
    (Evidence::Inquiry, &[Partner, Officer], false),
    (Evidence::Manual, &[Officer], true),
    (Evidence::Expiry, &[], false),
    (Evidence::Statement, &[], false),
];

/// What the table says of a call.
#[must_use]
pub fn entry(path: &str) -> Option<&'static Entry> {
    CALLS.iter().find(|entry| entry.path == path)
}

impl Entry {
    /// How far a role may go; `None`: not at all.
    #[must_use]
    pub fn scope(&self, role: Role) -> Option<Scope> {
        match self.who {
            Who::Anyone => Some(Scope::All),
            Who::Roles(roles) => roles.iter().find(|(may, _)| *may == role).map(|(_, scope)| *scope),
        }
    }
}
