//! Arbitrary records of every event, for property tests.
//!
//! They have a stored form but need make no sense: any text, dates, amounts and codes, with a liking for edges.

use std::ops::RangeInclusive;

use ledger_core::codes::{
    Auth, CodeSystem, Component, EntitlementKind, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner,
    Platform, Reason,
};
use ledger_core::event::*;
use ledger_core::ids::{CaseId, DemandId, Digest, LinkId, ParticipantId, Position, PurchaseId, Region, RunId, Wave};
use ledger_core::money::Rupiah;
use ledger_core::scheme::{Entitlement, MonthDay, Scheme};
use ledger_core::time::{Date, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A strategy for a struct from one strategy per field.
macro_rules! of {
    ($core:ident { $($field:ident: $strategy:expr),+ $(,)? }) => {
        ($($strategy,)+).prop_map(|($($field,)+)| $core { $($field),+ })
    };
}

/// A record with any event.
pub(crate) fn record() -> impl Strategy<Value = Record<'static>> {
    record_with(event())
}

/// A record with an event of that strategy.
pub(crate) fn record_with(event: impl Strategy<Value = Event<'static>>) -> impl Strategy<Value = Record<'static>> {
    of!(Record {
        position: u64s(),
        previous: option::of(u64s()),
        participant: option::of(any::<[u8; 16]>().prop_map(ParticipantId)),
        occurred_at: timestamp(),
        recorded_at: timestamp(),
        actor: text(),
        auth: select(Auth::ALL),
        approved_by: option::of(text().prop_filter("no stored form", |text| !text.is_empty())),
        source_reference: text(),
        event: event,
    })
}

/// Any event, each kind as likely as the others.
pub(crate) fn event() -> impl Strategy<Value = Event<'static>> {
    proptest::strategy::Union::new(kinds())
}

/// One strategy per kind of event.
pub(crate) fn kinds() -> Vec<BoxedStrategy<Event<'static>>> {
    fn event<E: Into<Event<'static>> + std::fmt::Debug + 'static>(
        strategy: impl Strategy<Value = E> + 'static,
    ) -> BoxedStrategy<Event<'static>> {
        strategy.prop_map(Into::into).boxed()
    }
    let mut kinds = vec![
        event(of!(Selected {
            wave: wave(),
            identity_digest: digest(),
            identity_key_id: text(),
            family_card_digest: digest(),
            region: any::<u16>().prop_map(Region),
        })),
        event(of!(PayoutAccountLinked {
            link: link(),
            partner: partner(),
            account_token: text(),
            holder_identity_digest: digest(),
        })),
        event(of!(PayoutAccountUnlinked { link: link() })),
        event(of!(TrainingBought {
            purchase: purchase(),
            course: text(),
            platform: select(Platform::ALL),
            provider: text(),
            price: rupiah(),
        })),
        event(of!(PurchaseCancelled { purchase: purchase(), reason: text(), refund_reference: text() })),
        event(of!(TrainingCompleted { purchase: purchase() })),
        event(of!(CompletionWithdrawn { purchase: purchase(), case: case(), reason: text() })),
        event(of!(CertificateIssued { purchase: purchase(), certificate_number: text() })),
        event(of!(TrainingReviewed { purchase: purchase(), rating: any::<u8>() })),
        event(of!(SurveyFilled { number: any::<u8>() })),
        event(of!(MembershipRevoked { case: case(), ground: select(Ground::ALL) })),
        event(of!(MembershipReinstated { case: case(), reason: text(), first_purchase_deadline: option::of(date()) })),
        event(of!(PayoutInstructed {
            entitlement: of!(Entitlement { kind: select(EntitlementKind::ALL), number: any::<u8>() }),
            attempt: any::<u8>(),
            due: date(),
            amount: rupiah(),
            partner: partner(),
            link: link(),
            run: run(),
            expires_on: date(),
        })),
        event(of!(InstructionRecalled { instruction: u64s().prop_map(Position) })),
        event(of!(OutcomeException {
            partner: partner(),
            instruction: text(),
            kind: select(OutcomeKind::ALL),
            outcome: outcome(),
            cause: select(ExceptionCause::ALL),
        })),
        event(of!(ExceptionResolved {
            partner: partner(),
            transaction_reference: text(),
            kind: select(OutcomeKind::ALL),
            resolution: text(),
        })),
        event(of!(IneligibilityFound {
            source: text(),
            case_number: text(),
            evidence_date: date(),
            effective_date: date(),
        })),
        event(of!(IneligibilityWithdrawn { source: text(), case_number: text() })),
        event(of!(RepaymentDemanded { demand: demand(), component: select(Component::ALL), amount: rupiah() })),
        event(of!(RepaymentReceived { demand: demand(), receipt_number: text(), amount: rupiah() })),
        event(of!(SchemeEnacted { scheme: scheme() })),
        event(of!(WaveOpened { wave: wave(), scheme: text(), year: year(), quota: any::<u32>() })),
        event(of!(WaveClosed { wave: wave() })),
        event(of!(FundsAppropriated { document_number: text(), fiscal_year: year(), amount: rupiah() })),
        event(of!(BalancePeriodClosed { year: year() })),
        event(of!(DisbursementRunPlanned {
            run: run(),
            as_of: date(),
            known_at: u64s(),
            totals: vec(of!(PartnerTotal { partner: partner(), total: total() }), 0..6),
            items_digest: digest(),
        })),
        event(of!(DisbursementRunApproved { run: run(), items_digest: digest() })),
        event(of!(DisbursementRunClosed {
            run: run(),
            instructed: total(),
            held: total(),
            held_by: vec(of!(HeldTotal { reason: select(Held::ALL), total: total() }), 0..6),
        })),
        event(of!(StatementReconciled {
            partner: partner(),
            file_digest: digest(),
            period_from: date(),
            period_to: date(),
            matched: total(),
            missing: total(),
            extra: total(),
            other_amount: total(),
            other_day: total(),
        })),
    ];
    kinds.extend(OutcomeKind::ALL.iter().map(|&kind| outcome().prop_map(move |o| Event::outcome(kind, o)).boxed()));
    kinds
}

fn outcome() -> impl Strategy<Value = Outcome<'static>> {
    of!(Outcome {
        instruction: u64s().prop_map(Position),
        amount: rupiah(),
        transaction_reference: text(),
        raw_code: text(),
        code_system: option::of(select(CodeSystem::ALL)),
        reason: option::of(select(Reason::ALL)),
        account_fault: any::<bool>(),
        evidence: select(Evidence::ALL),
        evidence_reason: text(),
    })
}

fn scheme() -> impl Strategy<Value = Scheme<'static>> {
    let month_day = || of!(MonthDay { month: any::<u8>(), day: any::<u8>() });
    of!(Scheme {
        scheme: text(),
        training_aid: rupiah(),
        training_incentives: vec(rupiah(), 0..25),
        survey_incentives: vec(rupiah(), 0..25),
        first_purchase_days: any::<u16>(),
        balance_last_day: month_day(),
        complete_by: month_day(),
        first_incentive_days: any::<u16>(),
        survey_opening_days: vec(any::<u16>(), 0..25),
        survey_due_days: any::<u16>(),
        instruction_expiry_days: any::<u16>(),
        max_participants_per_family_card: any::<u8>(),
    })
}

fn total() -> impl Strategy<Value = Total> {
    of!(Total { count: u64s(), amount: rupiah() })
}

/// Short text for the most part, but also none, any characters, and lengths around 127, where a length takes a byte more.
fn text() -> impl Strategy<Value = Text<'static>> {
    prop_oneof![Just(String::new()), "[a-z0-9/-]{1,20}", any::<String>(), "[ -~]{100,140}"].prop_map(Text::Owned)
}

/// Every length of a varint is as likely as the others.
fn u64s() -> impl Strategy<Value = u64> {
    prop_oneof![1 => 0u64..2, 8 => (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)]
}

fn rupiah() -> impl Strategy<Value = Rupiah> {
    u64s().prop_map(|value| Rupiah::new(value.cast_signed()))
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    u64s().prop_map(|value| Timestamp::from_nanos(value.cast_signed()))
}

fn date() -> impl Strategy<Value = Date> {
    prop_oneof![-1i32..2, 18_000i32..20_000, any::<i32>()].prop_map(Date::from_days)
}

/// Years have no stored form below 0.
fn year() -> RangeInclusive<i16> {
    0..=i16::MAX
}

fn wave() -> impl Strategy<Value = Wave> {
    any::<u32>().prop_map(Wave)
}

fn partner() -> impl Strategy<Value = Partner> {
    select(Partner::ALL)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn link() -> impl Strategy<Value = LinkId> {
    any::<[u8; 16]>().prop_map(LinkId)
}

fn purchase() -> impl Strategy<Value = PurchaseId> {
    any::<[u8; 16]>().prop_map(PurchaseId)
}

fn case() -> impl Strategy<Value = CaseId> {
    any::<[u8; 16]>().prop_map(CaseId)
}

fn run() -> impl Strategy<Value = RunId> {
    any::<[u8; 16]>().prop_map(RunId)
}

fn demand() -> impl Strategy<Value = DemandId> {
    any::<[u8; 16]>().prop_map(DemandId)
}
