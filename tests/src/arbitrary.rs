//! Arbitrary events and commands: every field anything that its type holds, identifiers from a small pool so that some
//! of them exist. Most of it is nonsense; nothing of it may bring the rules or the fold down.

use ledger_core::Command;
use ledger_core::codes::{
    CodeSystem, Component, EntitlementKind, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner, Platform,
    Reason,
};
use ledger_core::event::{
    BalancePeriodClosed, CertificateIssued, CompletionWithdrawn, DisbursementRunApproved, DisbursementRunClosed,
    DisbursementRunPlanned, Event, ExceptionResolved, FundsAppropriated, HeldTotal, IneligibilityFound,
    IneligibilityWithdrawn, InstructionRecalled, MembershipReinstated, MembershipRevoked, Outcome, OutcomeException,
    PartnerTotal, PayoutAccountLinked, PayoutAccountUnlinked, PayoutInstructed, PurchaseCancelled, RepaymentDemanded,
    RepaymentReceived, SchemeEnacted, Selected, StatementReconciled, SurveyFilled, Text, Total, TrainingBought,
    TrainingCompleted, TrainingReviewed, WaveClosed, WaveOpened,
};
use ledger_core::ids::{Digest, ParticipantId, Position, Region, Wave};
use ledger_core::money::Rupiah;
use ledger_core::scheme::{Entitlement, MonthDay, Scheme};
use ledger_core::time::{Date, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use crate::words::{case, demand, link, purchase, run};

macro_rules! of {
    ($name:ident { $($field:ident: $strategy:expr),+ $(,)? }) => {
        ($($strategy,)+).prop_map(|($($field,)+)| $name { $($field),+ })
    };
}

fn small() -> impl Strategy<Value = u8> {
    prop_oneof![8 => 0..12u8, 1 => any::<u8>()]
}

fn text() -> impl Strategy<Value = Text<'static>> {
    const KNOWN: &[&str] = &["", "tx-1", "tx-same", "dipa-a", "case-a", "semi-bansos", "normal", "receipt-3", "é\u{0}"];
    prop_oneof![select(KNOWN).prop_map(Text::Borrowed), ".{0,8}".prop_map(Text::Owned)]
}

fn money() -> impl Strategy<Value = Rupiah> {
    prop_oneof![
        3 => select(&[50_000, 600_000, 600_001, 1, 0, -1, 1_000_000, i64::MAX, i64::MIN][..]),
        1 => any::<i64>(),
    ]
    .prop_map(Rupiah::new)
}

fn date() -> impl Strategy<Value = Date> {
    prop_oneof![4 => 18_300..18_900i32, 1 => any::<i32>()].prop_map(Date::from_days)
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![4 => date().prop_map(Date::midnight), 1 => any::<i64>().prop_map(Timestamp::from_nanos)]
}

fn year() -> impl Strategy<Value = i16> {
    prop_oneof![4 => 2019..2023i16, 1 => any::<i16>()]
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![6 => 0..160u64, 1 => any::<u64>()].prop_map(Position)
}

fn digest() -> impl Strategy<Value = Digest> {
    small().prop_map(|n| Digest([n; 32]))
}

fn wave() -> impl Strategy<Value = Wave> {
    prop_oneof![6 => 0..5u32, 1 => any::<u32>()].prop_map(Wave)
}

fn code<T: Copy + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

fn entitlement() -> impl Strategy<Value = Entitlement> {
    of!(Entitlement { kind: code(EntitlementKind::ALL), number: small() })
}

fn total() -> impl Strategy<Value = Total> {
    of!(Total { count: any::<u64>(), amount: money() })
}

fn outcome() -> impl Strategy<Value = Outcome<'static>> {
    of!(Outcome {
        instruction: position(),
        amount: money(),
        transaction_reference: text(),
        raw_code: text(),
        code_system: option::of(code(CodeSystem::ALL)),
        reason: option::of(code(Reason::ALL)),
        account_fault: any::<bool>(),
        evidence: code(Evidence::ALL),
        evidence_reason: text(),
    })
}

fn scheme() -> impl Strategy<Value = Scheme<'static>> {
    let month_day = || of!(MonthDay { month: 0..15u8, day: 0..35u8 });
    of!(Scheme {
        scheme: text(),
        training_aid: money(),
        training_incentives: vec(money(), 0..30),
        survey_incentives: vec(money(), 0..4),
        first_purchase_days: any::<u16>(),
        balance_last_day: month_day(),
        complete_by: month_day(),
        first_incentive_days: any::<u16>(),
        survey_opening_days: vec(any::<u16>(), 0..4),
        survey_due_days: any::<u16>(),
        instruction_expiry_days: any::<u16>(),
        max_participants_per_family_card: any::<u8>(),
    })
}

/// Any event with any content.
pub fn event() -> impl Strategy<Value = Event<'static>> {
    macro_rules! events {
        ($($name:ident { $($field:ident: $strategy:expr),+ $(,)? })+) => {
            vec![$(of!($name { $($field: $strategy,)+ }).prop_map(Event::from).boxed(),)+]
        };
    }
    let mut all = events! {
        Selected {
            wave: wave(), identity_digest: digest(), identity_key_id: text(), family_card_digest: digest(),
            region: any::<u16>().prop_map(Region),
        }
        PayoutAccountLinked {
            link: small().prop_map(link), partner: code(Partner::ALL), account_token: text(),
            holder_identity_digest: digest(),
        }
        PayoutAccountUnlinked { link: small().prop_map(link), }
        TrainingBought {
            purchase: small().prop_map(purchase), course: text(), platform: code(Platform::ALL), provider: text(),
            price: money(),
        }
        PurchaseCancelled { purchase: small().prop_map(purchase), reason: text(), refund_reference: text(), }
        TrainingCompleted { purchase: small().prop_map(purchase), }
        CompletionWithdrawn { purchase: small().prop_map(purchase), case: small().prop_map(case), reason: text(), }
        CertificateIssued { purchase: small().prop_map(purchase), certificate_number: text(), }
        TrainingReviewed { purchase: small().prop_map(purchase), rating: any::<u8>(), }
        SurveyFilled { number: small(), }
        MembershipRevoked { case: small().prop_map(case), ground: code(Ground::ALL), }
        MembershipReinstated {
            case: small().prop_map(case), reason: text(), first_purchase_deadline: option::of(date()),
        }
        PayoutInstructed {
            entitlement: entitlement(), attempt: any::<u8>(), due: date(), amount: money(),
            partner: code(Partner::ALL), link: small().prop_map(link), run: small().prop_map(run), expires_on: date(),
        }
        InstructionRecalled { instruction: position(), }
        OutcomeException {
            partner: code(Partner::ALL), instruction: text(), kind: code(OutcomeKind::ALL), outcome: outcome(),
            cause: code(ExceptionCause::ALL),
        }
        ExceptionResolved {
            partner: code(Partner::ALL), transaction_reference: text(), kind: code(OutcomeKind::ALL),
            resolution: text(),
        }
        IneligibilityFound { source: text(), case_number: text(), evidence_date: date(), effective_date: date(), }
        IneligibilityWithdrawn { source: text(), case_number: text(), }
        RepaymentDemanded { demand: small().prop_map(demand), component: code(Component::ALL), amount: money(), }
        RepaymentReceived { demand: small().prop_map(demand), receipt_number: text(), amount: money(), }
        SchemeEnacted { scheme: scheme(), }
        WaveOpened { wave: wave(), scheme: text(), year: year(), quota: any::<u32>(), }
        WaveClosed { wave: wave(), }
        FundsAppropriated { document_number: text(), fiscal_year: year(), amount: money(), }
        BalancePeriodClosed { year: year(), }
        DisbursementRunPlanned {
            run: small().prop_map(run), as_of: date(), known_at: any::<u64>(),
            totals: vec(of!(PartnerTotal { partner: code(Partner::ALL), total: total(), }), 0..4),
            items_digest: digest(),
        }
        DisbursementRunApproved { run: small().prop_map(run), items_digest: digest(), }
        DisbursementRunClosed {
            run: small().prop_map(run), instructed: total(), held: total(),
            held_by: vec(of!(HeldTotal { reason: code(Held::ALL), total: total(), }), 0..4),
        }
        StatementReconciled {
            partner: code(Partner::ALL), file_digest: digest(), period_from: date(), period_to: date(),
            matched: total(), missing: total(), extra: total(), other_amount: total(), other_day: total(),
        }
    };
    for kind in OutcomeKind::ALL {
        all.push(outcome().prop_map(|outcome| Event::outcome(*kind, outcome)).boxed());
    }
    Union::new(all)
}

/// Any participant, mostly one of the histories'.
pub fn participant() -> impl Strategy<Value = Option<ParticipantId>> {
    option::weighted(0.7, (0..9u8).prop_map(|n| ParticipantId([n; 16])))
}

/// When it is said to happen.
pub fn moment() -> impl Strategy<Value = Timestamp> {
    instant()
}

/// A date of a job or a query.
pub fn any_date() -> impl Strategy<Value = Date> {
    date()
}

/// Any command with any content.
pub fn command() -> impl Strategy<Value = Command<'static>> {
    let reference = prop_oneof![4 => position().prop_map(|p| Text::Owned(p.reference())), 1 => text()];
    let said = (code(Partner::ALL), reference, code(OutcomeKind::ALL), outcome());
    prop_oneof![
        8 => (participant(), event()).prop_map(|(participant, event)| Command::Record { participant, event }),
        4 => said.prop_map(|(partner, instruction, kind, outcome)| {
            Command::ReportOutcome { partner, instruction, kind, outcome }
        }),
        1 => (small(), date()).prop_map(|(n, as_of)| Command::PlanRun { run: run(n), as_of }),
        1 => (small(), digest()).prop_map(|(n, items_digest)| Command::ApproveRun { run: run(n), items_digest }),
    ]
}
