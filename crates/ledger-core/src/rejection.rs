//! Why something is refused: one variant per rule, with what a user needs to mend it.
//!
//! The order here is the order of precedence (DOMAIN section 5, with the time rules of section 4 placed where a user
//! is helped most: a wrong clock before any rule, a wrong order of dates after them all).

use crate::ids::{DemandId, Digest, LinkId, ParticipantId, PurchaseId, RunId, Wave};
use crate::money::Rupiah;
use crate::time::{Date, Timestamp};

/// What a caller can do about a rejection, in the terms of gRPC's canonical codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same thing was recorded before, differently.
    AlreadyExists,
    /// Something it names is not there.
    NotFound,
    /// Wrong whatever the state.
    InvalidArgument,
    /// Wrong in the present state.
    FailedPrecondition,
    /// Not this person.
    PermissionDenied,
    /// A bound is reached.
    ResourceExhausted,
}

/// A rejection as a catalogue lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stable name, UPPER_SNAKE.
    pub reason: &'static str,
    /// What a caller can do about it.
    pub class: Class,
    /// The text, its values in braces.
    pub text: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! rejections {
    ($($reason:literal, $class:ident, $text:literal, $meaning:literal, $name:ident $({ $($field:ident: $ty:ty),+ })?;)+) => {
        /// Why the ledger refuses a command. Fields carry what the text says.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[allow(missing_docs)]
        pub enum Rejection {
            $(#[doc = $meaning] #[error($text)] $name $({ $($field: $ty),+ })?,)+
        }

        impl Rejection {
            /// Every rejection, in the order of precedence.
            pub const CATALOGUE: &[Entry] = &[
                $(Entry { reason: $reason, class: Class::$class, text: $text, meaning: $meaning },)+
            ];

            const fn entry(&self) -> Entry {
                match self {
                    $(Self::$name $({ $($field: _),+ })? =>
                        Entry { reason: $reason, class: Class::$class, text: $text, meaning: $meaning },)+
                }
            }

            /// The stable name of the rejection, in UPPER_SNAKE, that scripts match.
            #[must_use]
            pub const fn reason(&self) -> &'static str {
                self.entry().reason
            }

            /// What a caller can do about it.
            #[must_use]
            pub const fn class(&self) -> Class {
                self.entry().class
            }
        }
    };
}

rejections! {
    // Whatever the state.
    "OWN_CALL", InvalidArgument, "{event} is not sent as an event: it has its own call",
        "An event that has its own call.", OwnCall { event: &'static str };
    "INVALID_FIELD", InvalidArgument, "{field}: {rule}",
        "A field outside its range.", InvalidField { field: &'static str, rule: &'static str };
    // Rule 1: identity.
    "ALREADY_EXISTS", AlreadyExists, "already recorded at position {position} with other content",
        "Same identity, other content. The field that differs is named by comparing with the record at `position`.", AlreadyExists { position: u64 };
    // Rule 2: what the event rests on must be known.
    "SCHEME_UNKNOWN", NotFound, "no scheme {scheme} was enacted; enact it first",
        "No such scheme.", SchemeUnknown { scheme: String };
    "WAVE_UNKNOWN", NotFound, "no wave {wave} was opened; open it first",
        "No such wave.", WaveUnknown { wave: Wave };
    "YEAR_UNKNOWN", NotFound, "no wave of the year {year} was opened",
        "No wave of that year.", YearUnknown { year: i16 };
    "PARTICIPANT_UNKNOWN", NotFound, "no participant {participant} was selected",
        "No such participant.", ParticipantUnknown { participant: ParticipantId };
    "PURCHASE_UNKNOWN", NotFound, "the participant has no purchase {purchase}",
        "No such purchase of this participant.", PurchaseUnknown { purchase: PurchaseId };
    "LINK_UNKNOWN", NotFound, "the participant has no payout account link {link}",
        "No such link of this participant.", LinkUnknown { link: LinkId };
    "RUN_UNKNOWN", NotFound, "no run {run} was planned",
        "No such run.", RunUnknown { run: RunId };
    "SURVEY_UNKNOWN", NotFound, "there is no survey {number}: the participant's scheme has {surveys}",
        "No such survey in the participant's scheme.", SurveyUnknown { number: u8, surveys: u8 };
    "FINDING_UNKNOWN", NotFound, "no open ineligibility finding has this source and case number",
        "No such open finding.", FindingUnknown;
    "DEMAND_UNKNOWN", NotFound, "the participant has no demand {demand}",
        "No such demand of this participant.", DemandUnknown { demand: DemandId };
    "EXCEPTION_UNKNOWN", NotFound, "no exception has this partner, transaction reference and kind",
        "No such exception.", ExceptionUnknown;
    // Section 4: time.
    "OCCURRED_IN_FUTURE", InvalidArgument, "occurred_at {occurred_at} is more than 5 minutes after the ledger's clock {clock}",
        "Dated ahead of the ledger's clock.", OccurredInFuture { occurred_at: Timestamp, clock: Timestamp };
    "AS_OF_IN_FUTURE", InvalidArgument, "as_of {as_of} is after today, {today}",
        "A job's date is after today.", AsOfInFuture { as_of: Date, today: Date };
    // Four eyes.
    "APPROVER_MISSING", InvalidArgument, "approved_by is missing: this needs a second person",
        "A second person is needed.", ApproverMissing;
    "SAME_PERSON", PermissionDenied, "{person} cannot approve what {person} did: a second person is needed",
        "The approver is the actor.", SamePerson { person: String };
    // Rule 3: selection.
    "IDENTITY_TAKEN", FailedPrecondition, "this identity digest already has the membership of participant {participant}: one membership each, ever",
        "The identity has a membership already.", IdentityTaken { participant: ParticipantId };
    "FAMILY_CARD_FULL", FailedPrecondition, "this family card already has {max} participants, the most it may have",
        "The family card has its participants already.", FamilyCardFull { max: u8 };
    "QUOTA_REACHED", FailedPrecondition, "wave {wave} has reached its quota of {quota}",
        "The wave is full.", QuotaReached { wave: Wave, quota: u32 };
    // Rule 4: membership and wave.
    "MEMBERSHIP_REVOKED", FailedPrecondition, "the membership is revoked since {since}; reinstate it first",
        "The membership is revoked.", MembershipRevoked { since: Date };
    "WAVE_CLOSED", FailedPrecondition, "wave {wave} is closed",
        "The wave is closed.", WaveClosed { wave: Wave };
    "MEMBERSHIP_LIVE", FailedPrecondition, "the membership is live: there is nothing to reinstate",
        "The membership is not revoked.", MembershipLive;
    // Rule 5: purchase.
    "PRICE_OUT_OF_RANGE", FailedPrecondition, "price {price} is not above zero and within the training balance of {balance} rupiah",
        "Not 0 < price <= training balance.", PriceOutOfRange { price: Rupiah, balance: Rupiah };
    "PURCHASE_STILL_OPEN", FailedPrecondition, "purchase {purchase} is not completed and reviewed yet",
        "Another purchase is open, or completed but unreviewed.", PurchaseStillOpen { purchase: PurchaseId };
    "BALANCE_LAPSED", FailedPrecondition, "the training balance's last day was {last_day}",
        "Dated after the training balance's last day.", BalanceLapsed { last_day: Date };
    "BALANCE_PERIOD_CLOSED", FailedPrecondition, "the balance period of {year} is closed",
        "The balance period is closed.", BalancePeriodClosed { year: i16 };
    "FIRST_PURCHASE_TOO_LATE", FailedPrecondition, "the first purchase had to be made by {deadline}",
        "The first purchase misses its deadline.", FirstPurchaseTooLate { deadline: Date };
    // Rule 6: purchase's life.
    "PURCHASE_CANCELLED", FailedPrecondition, "purchase {purchase} is cancelled",
        "The purchase is cancelled.", PurchaseCancelled { purchase: PurchaseId };
    "PURCHASE_COMPLETED", FailedPrecondition, "purchase {purchase} is completed",
        "The purchase is completed.", PurchaseCompleted { purchase: PurchaseId };
    "PURCHASE_NOT_COMPLETED", FailedPrecondition, "purchase {purchase} is not completed",
        "The purchase is not completed.", PurchaseNotCompleted { purchase: PurchaseId };
    // Rule 7: surveys.
    "PREVIOUS_SURVEY_MISSING", FailedPrecondition, "survey {previous} must be filled first",
        "The survey before is not filled.", PreviousSurveyMissing { previous: u8 };
    "NOT_UNLOCKED", FailedPrecondition, "incentives are not unlocked: a first training completed, its certificate issued and reviewed",
        "Incentives are not unlocked.", NotUnlocked;
    "SURVEY_NOT_OPEN", FailedPrecondition, "the survey opens on {opens}",
        "The survey is not open yet.", SurveyNotOpen { opens: Date };
    // Rule 8: payout account.
    "HOLDER_MISMATCH", FailedPrecondition, "the account's holder is not the participant: identity digests differ",
        "The account is another person's.", HolderMismatch;
    "LINK_NOT_LIVE", FailedPrecondition, "payout account link {link} is not the one in force",
        "The link was replaced or unlinked before.", LinkNotLive { link: LinkId };
    // Rule 11: runs.
    "PLAN_DIGEST_MISMATCH", FailedPrecondition, "the plan's digest is {planned}: approve what was planned",
        "The approval names another plan.", PlanDigestMismatch { planned: Digest };
    "AS_OF_BEFORE_LAST_RUN", FailedPrecondition, "as_of is before the last approved run's, {last}",
        "A run would go back in time.", AsOfBeforeLastRun { last: Date };
    // Rule 12: revocation and reinstatement.
    "DEADLINE_NOT_PASSED", FailedPrecondition, "the deadline {deadline} has not passed",
        "The ground's deadline has not passed.", DeadlineNotPassed { deadline: Date };
    "SOMETHING_BOUGHT", FailedPrecondition, "the participant bought a training: this ground does not hold",
        "The ground says nothing was bought.", SomethingBought;
    "SOMETHING_COMPLETED", FailedPrecondition, "the participant completed a training: this ground does not hold",
        "The ground says nothing was completed.", SomethingCompleted;
    "NEW_DEADLINE_MISSING", InvalidArgument, "first_purchase_deadline is missing: nothing was ever bought",
        "A new first-purchase deadline is needed.", NewDeadlineMissing;
    "NEW_DEADLINE_TOO_LATE", FailedPrecondition, "first_purchase_deadline is after the training balance's last day, {last_day}",
        "The new deadline is after the balance's last day.", NewDeadlineTooLate { last_day: Date };
    // Programme.
    "PERIOD_NOT_OVER", FailedPrecondition, "the balance period can close from the day after {last_day}",
        "The balance period is not over.", PeriodNotOver { last_day: Date };
    "APPROPRIATION_BELOW_ZERO", FailedPrecondition, "a cut beyond the {appropriated} rupiah appropriated for {year}",
        "The cut exceeds what was appropriated.", AppropriationBelowZero { year: i16, appropriated: Rupiah };
    // Section 4: order of dates.
    "DATED_BEFORE", FailedPrecondition, "dated before the {what} of {earliest} that it rests on",
        "Dated before what it rests on.", DatedBefore { what: &'static str, earliest: Date };
    "HISTORY_FULL", ResourceExhausted, "this participant's history is full: at most {most} of a kind",
        "A bound that no real history reaches.", HistoryFull { most: u32 };
}
