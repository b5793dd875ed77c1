//! What is stored under which number: the one place that follows `record.proto`, and from which both directions are made.
//!
//! An entry names core's type, the message, and the message's fields with the core type of each; [`super::fields`] says
//! how each type is stored. Where core nests or names things differently, the entry ends with core's shape: it is both the
//! pattern that takes a value apart for writing and the expression that builds one from what was read, so that neither
//! direction can forget a field.

use ledger_core::Record;
use ledger_core::codes::{
    Auth, CodeSystem, Component, EntitlementKind, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner,
    Platform, Reason,
};
use ledger_core::event::*;
use ledger_core::ids::{CaseId, DemandId, Digest, LinkId, ParticipantId, Position, PurchaseId, Region, RunId, Wave};
use ledger_core::money::Rupiah;
use ledger_core::scheme::{Entitlement, MonthDay, Scheme};
use ledger_core::time::{Date, Timestamp};

use super::DecodeError;
use super::fields::{Field, Kind, Message};
use super::wire::{Input, put_delimited, wire_type};

/// Core's struct, as a pattern or as an expression.
macro_rules! shape {
    ($core:ident { $($field:ident)+ }) => { $core { $($field),+ } };
    ($core:ident { $($field:ident)+ } { $($shape:tt)+ }) => { $core { $($shape)+ } };
}

/// The highest of a message's field numbers.
const fn max(numbers: &[u32]) -> u32 {
    match numbers {
        [] => 0,
        [first, rest @ ..] => {
            let rest = max(rest);
            if *first > rest { *first } else { rest }
        }
    }
}

/// An entry: both directions for one message.
macro_rules! message {
    (
        $core:ident $(<$lt:lifetime>)? as $stored:ident { $($number:literal $field:ident: $ty:ty,)+ }
        $(= { $($shape:tt)+ })?
    ) => {
        impl<'a> Message<'a> for $core $(<$lt>)? {
            #[cfg(test)]
            const FIELDS: &'static [(&'static str, u32, &'static str, Kind)] = &[
                $((stringify!($stored), $number, stringify!($field), <$ty as Field<'a>>::KIND)),+
            ];

            #[inline]
            fn write_fields(&self, out: &mut Vec<u8>) {
                let shape!($core { $($field)+ } $({ $($shape)+ })?) = self;
                $(<$ty as Field<'_>>::write($field, $number, out);)+
            }

            #[inline]
            fn read_fields(mut input: Input<'a>) -> Result<Self, DecodeError> {
                const { assert!(max(&[$($number),+]) < 16, "keys are read as one byte") };
                $(let mut $field = <$ty as Field<'a>>::Slot::default();)+
                while !input.is_empty() {
                    let before = input.len();
                    // One round reads all fields that are in order.
                    $(
                        let name = concat!(stringify!($stored), ".", stringify!($field));
                        <$ty as Field<'a>>::take(&mut input, $number, name, &mut $field)?;
                    )+
                    if input.len() == before {
                        let known = [$(($number, concat!(stringify!($stored), ".", stringify!($field)))),+];
                        input.skip(stringify!($stored), &known)?;
                    }
                }
                $(
                    let name = concat!(stringify!($stored), ".", stringify!($field));
                    let $field = <$ty as Field<'a>>::value($field, name)?;
                )+
                Ok(shape!($core { $($field)+ } $({ $($shape)+ })?))
            }
        }
    };
}

/// The entries of [`Event`]: each has its number and name in the oneof `StoredRecord.event`. The events that report an
/// outcome share a message.
macro_rules! events {
    (
        $(
            $number:literal $name:ident: $core:ident $(<$lt:lifetime>)? as $stored:ident { $($fields:tt)+ }
            $(= { $($shape:tt)+ })?
        )+
        outcomes { $($outcome_number:literal $outcome_name:ident: $outcome:ident,)+ }
    ) => {
        $(message! { $core $(<$lt>)? as $stored { $($fields)+ } $(= { $($shape)+ })? })+

        impl<'a> Field<'a> for Event<'a> {
            const KIND: Kind = Kind::Message;
            /// Number and bytes of the event.
            type Slot = Option<(u32, &'a [u8])>;

            #[inline]
            fn write(&self, _: u32, out: &mut Vec<u8>) {
                match self {
                    $(Event::$core(event) => put_delimited($number, out, |out| event.write_fields(out)),)+
                    $(Event::$outcome($outcome { outcome }) => outcome.write($outcome_number, out),)+
                }
            }

            #[inline(always)]
            fn take(
                input: &mut Input<'a>,
                _: u32,
                _: &'static str,
                slot: &mut Self::Slot,
            ) -> Result<(), DecodeError> {
                let Some((number, wire_type)) = input.peek_long_key() else { return Ok(()) };
                let field = match number {
                    $($number => concat!("StoredRecord.", stringify!($name)),)+
                    $($outcome_number => concat!("StoredRecord.", stringify!($outcome_name)),)+
                    _ => return Ok(()),
                };
                if wire_type != wire_type::DELIMITED {
                    return Err(DecodeError::WireType { field });
                }
                input.take_long_key();
                if slot.is_some() {
                    return Err(DecodeError::Repeated { field });
                }
                *slot = Some((number, input.delimited(field)?));
                Ok(())
            }

            /// Never called: [`Self::take`] reads, since one of many keys may come.
            #[inline]
            fn read(_: &mut Input<'a>, _: &'static str, _: &mut Self::Slot) -> Result<(), DecodeError> {
                Ok(())
            }

            #[inline]
            fn value(slot: Self::Slot, _: &'static str) -> Result<Self, DecodeError> {
                let (number, bytes) = slot.ok_or(DecodeError::NoEvent)?;
                let input = Input::new(bytes);
                match number {
                    $($number => $core::read_fields(input).map(Event::$core),)+
                    $($outcome_number => {
                        Outcome::read_fields(input).map(|outcome| Event::$outcome($outcome { outcome }))
                    },)+
                    _ => Err(DecodeError::NoEvent),
                }
            }
        }

        /// Number, name and fields of each event.
        #[cfg(test)]
        pub(super) const EVENTS: &[(u32, &str, &[(&str, u32, &str, Kind)])] = &[
            $(($number, stringify!($name), <$core as Message>::FIELDS),)+
            $(($outcome_number, stringify!($outcome_name), <Outcome as Message>::FIELDS),)+
        ];
    };
}

message! {
    Record<'a> as StoredRecord {
        1 position: u64,
        2 previous_position: Option<u64>,
        3 participant: Option<ParticipantId>,
        4 occurred_at: Timestamp,
        5 recorded_at: Timestamp,
        6 actor: Text<'a>,
        7 auth: Auth,
        8 approved_by: Option<Text<'a>>,
        9 source_reference: Text<'a>,
        // Not a field but the oneof: it has the numbers of the entries below, all of them above 9.
        0 event: Event<'a>,
    } = {
        position, previous: previous_position, participant, occurred_at, recorded_at, actor, auth, approved_by,
        source_reference, event
    }
}

events! {
    20 selected: Selected<'a> as StoredSelected {
        1 wave: Wave,
        2 identity_digest: Digest,
        3 identity_key_id: Text<'a>,
        4 family_card_digest: Digest,
        5 region: Region,
    }
    21 payout_account_linked: PayoutAccountLinked<'a> as StoredPayoutAccountLinked {
        1 link: LinkId,
        2 partner: Partner,
        3 account_token: Text<'a>,
        4 holder_identity_digest: Digest,
    }
    22 payout_account_unlinked: PayoutAccountUnlinked as StoredPayoutAccountUnlinked {
        1 link: LinkId,
    }
    23 training_bought: TrainingBought<'a> as StoredTrainingBought {
        1 purchase: PurchaseId,
        2 course: Text<'a>,
        3 platform: Platform,
        4 provider: Text<'a>,
        5 price: Rupiah,
    }
    24 purchase_cancelled: PurchaseCancelled<'a> as StoredPurchaseCancelled {
        1 purchase: PurchaseId,
        2 reason: Text<'a>,
        3 refund_reference: Text<'a>,
    }
    25 training_completed: TrainingCompleted as StoredTrainingCompleted {
        1 purchase: PurchaseId,
    }
    26 completion_withdrawn: CompletionWithdrawn<'a> as StoredCompletionWithdrawn {
        1 purchase: PurchaseId,
        2 case: CaseId,
        3 reason: Text<'a>,
    }
    27 certificate_issued: CertificateIssued<'a> as StoredCertificateIssued {
        1 purchase: PurchaseId,
        2 certificate_number: Text<'a>,
    }
    28 training_reviewed: TrainingReviewed as StoredTrainingReviewed {
        1 purchase: PurchaseId,
        2 rating: u8,
    }
    29 survey_filled: SurveyFilled as StoredSurveyFilled {
        1 survey_number: u8,
    } = { number: survey_number }
    30 membership_revoked: MembershipRevoked as StoredMembershipRevoked {
        1 case: CaseId,
        2 ground: Ground,
    }
    31 membership_reinstated: MembershipReinstated<'a> as StoredMembershipReinstated {
        1 case: CaseId,
        2 reason: Text<'a>,
        3 first_purchase_deadline: Option<Date>,
    }
    32 payout_instructed: PayoutInstructed as StoredPayoutInstructed {
        1 entitlement_kind: EntitlementKind,
        2 entitlement_number: u8,
        3 attempt: u8,
        4 due: Date,
        5 amount: Rupiah,
        6 partner: Partner,
        7 link: LinkId,
        8 run: RunId,
        9 expires_on: Date,
    } = {
        entitlement: Entitlement { kind: entitlement_kind, number: entitlement_number },
        attempt, due, amount, partner, link, run, expires_on
    }
    38 instruction_recalled: InstructionRecalled as StoredInstructionRecalled {
        1 instruction: Position,
    }
    39 outcome_exception: OutcomeException<'a> as StoredOutcomeException {
        1 partner: Partner,
        2 instruction_reference: Text<'a>,
        3 kind: OutcomeKind,
        4 outcome: Outcome<'a>,
        5 cause: ExceptionCause,
    } = { partner, instruction: instruction_reference, kind, outcome, cause }
    40 exception_resolved: ExceptionResolved<'a> as StoredExceptionResolved {
        1 partner: Partner,
        2 transaction_reference: Text<'a>,
        3 kind: OutcomeKind,
        4 resolution: Text<'a>,
    }
    41 ineligibility_found: IneligibilityFound<'a> as StoredIneligibilityFound {
        1 source: Text<'a>,
        2 case_number: Text<'a>,
        3 evidence_date: Date,
        4 effective_date: Date,
    }
    42 ineligibility_withdrawn: IneligibilityWithdrawn<'a> as StoredIneligibilityWithdrawn {
        1 source: Text<'a>,
        2 case_number: Text<'a>,
    }
    43 repayment_demanded: RepaymentDemanded as StoredRepaymentDemanded {
        1 demand: DemandId,
        2 component: Component,
        3 amount: Rupiah,
    }
    44 repayment_received: RepaymentReceived<'a> as StoredRepaymentReceived {
        1 demand: DemandId,
        2 state_receipt_number: Text<'a>,
        3 amount: Rupiah,
    } = { demand, receipt_number: state_receipt_number, amount }
    60 scheme_enacted: SchemeEnacted<'a> as StoredSchemeEnacted {
        1 scheme_id: Text<'a>,
        2 training_aid: Rupiah,
        3 training_incentives: Vec<Rupiah>,
        4 survey_incentives: Vec<Rupiah>,
        5 first_purchase_days: u16,
        6 balance_last_day: MonthDay,
        7 complete_by: MonthDay,
        8 first_incentive_due_days: u16,
        9 survey_opening_days: Vec<u16>,
        10 survey_due_days: u16,
        11 instruction_expiry_days: u16,
        12 max_participants_per_family_card: u8,
    } = {
        scheme: Scheme {
            scheme: scheme_id, training_aid, training_incentives, survey_incentives, first_purchase_days,
            balance_last_day, complete_by, first_incentive_days: first_incentive_due_days, survey_opening_days,
            survey_due_days, instruction_expiry_days, max_participants_per_family_card
        }
    }
    61 wave_opened: WaveOpened<'a> as StoredWaveOpened {
        1 wave: Wave,
        2 scheme_id: Text<'a>,
        3 year: i16,
        4 quota: u32,
    } = { wave, scheme: scheme_id, year, quota }
    62 wave_closed: WaveClosed as StoredWaveClosed {
        1 wave: Wave,
    }
    63 funds_appropriated: FundsAppropriated<'a> as StoredFundsAppropriated {
        1 document_number: Text<'a>,
        2 fiscal_year: i16,
        3 amount: Rupiah,
    }
    64 balance_period_closed: BalancePeriodClosed as StoredBalancePeriodClosed {
        1 year: i16,
    }
    65 disbursement_run_planned: DisbursementRunPlanned as StoredDisbursementRunPlanned {
        1 run: RunId,
        2 as_of: Date,
        3 known_at: u64,
        4 totals: Vec<PartnerTotal>,
        5 items_sha256: Digest,
    } = { run, as_of, known_at, totals, items_digest: items_sha256 }
    66 disbursement_run_approved: DisbursementRunApproved as StoredDisbursementRunApproved {
        1 run: RunId,
        2 items_sha256: Digest,
    } = { run, items_digest: items_sha256 }
    67 disbursement_run_closed: DisbursementRunClosed as StoredDisbursementRunClosed {
        1 run: RunId,
        2 instructed_count: u64,
        3 instructed_total: Rupiah,
        4 held_count: u64,
        5 held_total: Rupiah,
        6 held_by: Vec<HeldTotal>,
    } = {
        run,
        instructed: Total { count: instructed_count, amount: instructed_total },
        held: Total { count: held_count, amount: held_total },
        held_by
    }
    68 statement_reconciled: StatementReconciled as StoredStatementReconciled {
        1 partner: Partner,
        2 file_sha256: Digest,
        3 period_from: Date,
        4 period_to: Date,
        5 matched: Total,
        6 missing: Total,
        7 extra: Total,
        8 other_amount: Total,
        9 other_day: Total,
    } = {
        partner, file_digest: file_sha256, period_from, period_to, matched, missing, extra, other_amount, other_day
    }
    outcomes {
        33 payout_accepted: PayoutAccepted,
        34 payout_settled: PayoutSettled,
        35 payout_rejected: PayoutRejected,
        36 payout_returned: PayoutReturned,
        37 payout_in_doubt: PayoutInDoubt,
    }
}

message! {
    Outcome<'a> as StoredPayoutOutcome {
        1 instruction: Position,
        2 amount: Rupiah,
        3 transaction_reference: Text<'a>,
        4 raw_code: Text<'a>,
        5 code_system: Option<CodeSystem>,
        6 reason: Option<Reason>,
        7 account_fault: bool,
        8 evidence: Evidence,
        9 evidence_reason: Text<'a>,
    }
}

message! {
    MonthDay as StoredMonthDay {
        1 month: u8,
        2 day: u8,
    }
}

message! {
    PartnerTotal as StoredPartnerTotal {
        1 partner: Partner,
        2 count: u64,
        3 total: Rupiah,
    } = { partner, total: Total { count, amount: total } }
}

message! {
    HeldTotal as StoredHeldTotal {
        1 reason: Held,
        2 count: u64,
        3 total: Rupiah,
    } = { reason, total: Total { count, amount: total } }
}

message! {
    Total as StoredCountTotal {
        1 count: u64,
        2 total: Rupiah,
    } = { count, amount: total }
}
