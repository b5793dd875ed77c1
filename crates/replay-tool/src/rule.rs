//! The rules that a log must keep, each with its name and its texts: one table, so that a translation is another one.
//!
//! The first ones are those of integrity and of the double entry (`verify`); the others are the programme's, as the auditor
//! reads them in DOMAIN. Their texts have places `{0}`, `{1}` for a finding's values.

use serde::{Serialize, Serializer};

macro_rules! rules {
    ($($(#[$doc:meta])+ $name:ident, $code:literal, $next:literal $(, $expected:literal, $found:literal)?;)+) => {
        /// A rule that a log must keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])+ $name,)+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name that people cite and scripts match.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What to do where it is broken.
            #[must_use]
            pub const fn next(self) -> &'static str {
                match self { $(Self::$name => $next,)+ }
            }

            /// What is expected and what was found, with places for values; `None` where each finding has words of its own.
            #[must_use]
            pub const fn texts(self) -> Option<(&'static str, &'static str)> {
                match self { $(Self::$name => rules!(@texts $($expected, $found)?),)+ }
            }
        }
    };
    (@texts) => { None };
    (@texts $expected:literal, $found:literal) => { Some(($expected, $found)) };
}

rules! {
    /// The stored bytes are as they were written.
    StoredLog, "stored-log", "restore the log folder from a backup, or ask whoever keeps a mirror";
    /// The records hash to the root that the head names.
    Head, "head", "ask the keeper of the ledger for a signed checkpoint, and compare with an earlier copy of the log";
    /// The log is at least as long as the checkpoint.
    Behind, "behind", "restore the missing records from a mirror or a backup; if the keeper denies them, keep the checkpoint as evidence";
    /// The log begins with the records of the checkpoint.
    Forked, "forked", "keep both logs and the signed checkpoint as evidence, and find where they part: replay-tool compare with a mirror or a backup";
    /// A record is where its proof says it is.
    Inclusion, "inclusion", "ask the keeper of the ledger for a new proof; if none is given, keep receipt and checkpoint as evidence";
    /// A log begins with the shorter one that its proof names.
    Consistency, "consistency", "ask the keeper of the ledger for a new proof; if none is given, keep both checkpoints as evidence";
    /// Positions are gapless from 0.
    Position, "position", "compare the log with an earlier copy or a mirror at this position";
    /// Every record can be read.
    Decodable, "decodable", "use a tool as new as the ledger; if it is, compare the record with a mirror's";
    /// Each record names the one before it of the same participant.
    BackPointer, "back-pointer", "compare the log with an earlier copy or a mirror: a record was dropped, inserted or swapped";
    /// `recorded_at` never goes back.
    RecordedAt, "recorded-at", "compare the log with an earlier copy or a mirror: records were swapped, or a clock was set back";
    /// Each record can follow those before it.
    Follows, "follows", "compare the log with an earlier copy or a mirror: what this record names was never recorded";
    /// Each record's postings sum to zero, and so does the trial balance.
    TrialBalance, "trial-balance", "report it to the keeper of the ledger: no rule of the programme makes or loses money";
    /// Only budget, overpaid and repaid are below zero.
    BelowZero, "below-zero", "look at the participant's history: money left an account that did not have it";
    /// The participants' shares of a closing add up to what was recorded.
    ClosingShares, "closing-shares", "report it to the keeper of the ledger: the closing moved other money than the participants had";
    /// A run's closing tells what it instructed, and instructed and held are what was planned.
    RunClosing, "run-closing", "plan the run again from the log up to its known_at, and compare its items with the run's instructions";
    /// A participant's accounts without budget sum to the scheme's whole entitlement.
    WholeEntitlement, "whole-entitlement", "look at the participant's history: money came from nowhere, or went there";
    /// Received and overpaid are at most the entitlement, per component.
    ReceivedAtMost, "received-at-most", "look at the participant's history: more was paid than the scheme gives";
    /// A participant's postings add up to the balances that follow from its facts.
    FactsAndPostings, "facts-and-postings", "report it to the keeper of the ledger: two ways of counting differ";
    /// All participants together are the trial balance.
    SumOfParticipants, "sum-of-participants", "report it to the keeper of the ledger: the totals are not those of the participants";

    // The programme's rules, from here on (DOMAIN sections 3 to 7).

    /// Rule 2: what a record names was brought by a record before it.
    NamesUnknown, "names-unknown", "compare the log with an earlier copy or a mirror: what this record names was never recorded",
        "a {0} that an earlier record brought", "{0} {1}, which none brought";
    /// Rule 1: an identity is recorded once.
    RecordedTwice, "recorded-twice", "ask the keeper of the ledger why a repeat was recorded: it must be answered with the first one's position",
        "one record of the same {0}", "a second one; the first is at position {1}";
    /// Section 4: nothing happens more than five minutes after it is recorded.
    OccurredAhead, "occurred-ahead", "ask the sender when it happened, and the keeper of the ledger how it passed",
        "occurred_at at most five minutes after recorded_at {0}", "{1}";
    /// Section 4: a fact is not dated before what it rests on.
    DatedBefore, "dated-before", "ask the sender when it happened",
        "a date not before the {0} on {1}", "{2}";
    /// Section 3: a second person approves, who is not the actor.
    FourEyes, "four-eyes", "ask who approved this, and for the approval itself",
        "approved by a second person, not by {0}", "approved by {1}";
    /// Rule 3: one membership per identity, ever.
    SecondMembership, "second-membership", "stop payments to the second membership, and ask selection how one identity passed twice",
        "one membership of an identity", "a second one; the first is of participant {0}, at position {1}";
    /// Rule 3: as many participants of one family card as the scheme allows.
    FamilyCardFull, "family-card-full", "stop payments to the last membership, and ask selection how the family passed",
        "at most {0} participants of one family card", "participant number {1} of the same card";
    /// Rule 3: a wave takes no more than its quota.
    QuotaExceeded, "quota-exceeded", "ask selection who decided on more than the quota",
        "at most {0} participants of wave {1}", "participant number {2}";
    /// Rule 3: nobody is selected in a closed wave, or for a closed balance period.
    SelectedInClosedWave, "selected-in-closed-wave", "stop payments to this membership, and ask selection how it came to be",
        "a selection before wave {0} closed at position {1}", "one after it";
    /// Rule 4: after a revocation only what that rule names.
    AfterRevocation, "after-revocation", "look at the participant's history: the membership had ended",
        "no {0} after the membership was revoked at position {1}", "{0}";
    /// Rule 4: after a wave's closing only what that rule names.
    AfterWaveClosed, "after-wave-closed", "look at the participant's history: the wave had closed",
        "no {0} after the wave closed at position {1}", "{0}";
    /// Rule 5: a price is above zero and at most the balance.
    PurchaseOverBalance, "purchase-over-balance", "claim the difference from the platform, and ask how the sale passed",
        "a price of 1 to {0} rupiah, what was left", "{1}";
    /// Rule 5: one purchase at a time.
    SecondOpenPurchase, "second-open-purchase", "look at the participant's purchases: the one before was not reviewed yet",
        "no purchase before the one at position {0} is completed and reviewed", "a second open purchase";
    /// Rule 5: not after the training balance's last day.
    PurchaseAfterLastDay, "purchase-after-last-day", "claim the price from the platform: the balance could not be spent any more",
        "a purchase by {0}, the balance's last day", "{1}";
    /// Rule 5: not after the closing of the balance period.
    PurchaseAfterPeriod, "purchase-after-period", "claim the price from the platform: the balance had lapsed",
        "no purchase after the balance period closed at position {0}", "one after it";
    /// Rule 5: the first purchase meets its deadline.
    FirstPurchaseLate, "first-purchase-late", "look at the participant's history: the membership was to be revoked",
        "a first purchase by {0}", "{1}";
    /// Rule 6: nothing more happens to a purchase that was cancelled.
    PurchaseWasCancelled, "purchase-was-cancelled", "claim what was paid for this purchase from the platform",
        "no {0} of a purchase cancelled at position {1}", "{0}";
    /// Rule 6: what is completed is neither cancelled nor completed again.
    PurchaseWasCompleted, "purchase-was-completed", "ask the platform which of the two is true",
        "no {0} of a purchase completed at position {1}", "{0}";
    /// Rule 6: a certificate needs a completion before it.
    CertificateBeforeCompletion, "certificate-before-completion", "ask the provider for the attendance behind the certificate",
        "a certificate on or after the completion", "{0}";
    /// Rule 6: a review needs a completion before it.
    ReviewBeforeCompletion, "review-before-completion", "ask the platform who wrote the review",
        "a review on or after the completion", "{0}";
    /// Rule 9: only what is completed is withdrawn.
    WithdrawalWithoutCompletion, "withdrawal-without-completion", "look at the case behind the withdrawal",
        "the withdrawal of a completion", "one of a purchase that is not completed";
    /// Rule 7: surveys in their order.
    SurveyOutOfOrder, "survey-out-of-order", "ask the survey service for the answers",
        "survey {0} filled before survey {1}", "survey {1} first";
    /// Rule 7: a survey needs the unlock.
    SurveyWithoutUnlock, "survey-without-unlock", "ask the survey service why it was open",
        "a survey after a first training was completed, certified and reviewed", "survey {0} before that";
    /// Rule 7: a survey opens on its day.
    SurveyBeforeOpening, "survey-before-opening", "ask the survey service why it was open",
        "survey {0} not before {1}", "{2}";
    /// Rule 8: a payout account is the participant's own.
    AccountOfAnother, "account-of-another", "have the partner confirm whose account it is, and stop payments into it",
        "an account of the participant's own identity", "one of another identity";
    /// Rule 8: only the account in force is taken away.
    LinkNotInForce, "link-not-in-force", "look at the participant's accounts",
        "the account in force", "another one";
    /// Rule 10: paid only after the training was completed, certified and reviewed.
    PaymentBeforeCompletion, "payment-before-completion", "claim the payment back, and ask how the run came to order it",
        "{0} ordered after a first training was completed, certified and reviewed", "ordered before that";
    /// Rule 10: a survey's incentive is paid after it was filled.
    PaymentBeforeSurvey, "payment-before-survey", "claim the payment back, and ask how the run came to order it",
        "{0} ordered after the survey was filled in", "ordered before that";
    /// Rule 10: each entitlement is paid once, and only what the scheme gives.
    OverEntitlement, "over-entitlement", "claim the payment back, and ask how the run came to order it",
        "{0} ordered only while it is in the scheme and unpaid", "{1}";
    /// Rule 10: nothing is ordered again while it is on its way.
    InstructedInTransit, "instructed-in-transit", "ask the partner for both outcomes: it may be paid twice",
        "{0} ordered once while the order at position {1} has no outcome", "a second order";
    /// Section 6: never a new instruction while one is in doubt.
    InstructedInDoubt, "instructed-in-doubt", "inquire with the partner: it may be paid twice",
        "{0} not ordered while the order at position {1} is in doubt", "a second order";
    /// Rule 10: nothing is paid while an ineligibility finding is open.
    InstructedIneligible, "instructed-ineligible", "hold or claim back the payment until the finding is decided",
        "{0} not ordered while an ineligibility finding is open", "{1} open";
    /// Rule 4 and 10: nothing is paid after a revocation.
    PaymentAfterRevocation, "payment-after-revocation", "recall or claim back the payment",
        "{0} not ordered after the membership was revoked at position {1}", "ordered";
    /// Rule 10: nothing is paid after the wave closed.
    PaymentAfterWaveClosed, "payment-after-wave-closed", "recall or claim back the payment: the money had returned to the treasury",
        "{0} not ordered after the wave closed at position {1}", "ordered";
    /// Rule 10: nothing is paid before it is due.
    InstructedBeforeDue, "instructed-before-due", "ask how the run came to order it",
        "{0}, due {1}, ordered by a run as of that date or later", "by a run as of {2}";
    /// Section 2: the due date follows from unlock or survey.
    WrongDueDate, "wrong-due-date", "work the due date out from the participant's history",
        "{0} due {1}", "{2}";
    /// Section 2: the amount is the scheme's.
    WrongAmount, "wrong-amount", "claim the difference, or pay it",
        "{0} of {1} rupiah, as in the scheme", "{2}";
    /// Rule 8: the account's own partner pays.
    WrongPartner, "wrong-partner", "ask the partner that was ordered into which account it paid",
        "an order to {0}, who holds the account", "to {1}";
    /// Section 3: tries are counted from 1.
    WrongAttempt, "wrong-attempt", "look for an order of the same entitlement that is missing or was added",
        "attempt {0} of {1}", "{2}";
    /// Section 2: an instruction expires on its day.
    WrongExpiry, "wrong-expiry", "work the expiry out from the scheme",
        "an expiry on {0}", "{1}";
    /// Rule 10: paid into the account in force.
    AccountNotInForce, "account-not-in-force", "ask the partner whose account was paid",
        "an order to the account in force on the run's date", "{0}";
    /// Rule 10: after an account fault only into an account linked later.
    AccountAtFault, "account-at-fault", "ask the partner whose account was paid",
        "an order to an account linked after the fault at position {0}", "one linked before it";
    /// Rule 11: a run instructs after its approval, and before it closes.
    RunNotApproved, "run-not-approved", "stop the payments of this run: nobody approved it",
        "an approved run that is not closed", "run {0} {1}";
    /// Rule 11: one plans, another approves.
    ApprovedByPlanner, "approved-by-planner", "ask for a second person's approval of this run",
        "an approval by another than {0}, who planned the run", "approved by {0}";
    /// Rule 11: the approver names the plan's digest.
    ApprovedOtherDigest, "approved-other-digest", "ask the approver which list was approved",
        "an approval of the plan's digest {0}", "{1}";
    /// Rule 11: a plan is what was payable.
    PlanDiffers, "plan-differs", "plan the run again from the log up to its known_at, and compare with the run's instructions",
        "a plan of {0} items, {1} rupiah, digest {2}", "{3} items, {4} rupiah, digest {5}";
    /// Rule 11: only planned items are instructed.
    NotPlanned, "not-planned", "ask how an item that was not payable when the run was planned came to be paid",
        "an item of the run's plan", "{0}, which was not payable when the run was planned";
    /// Rule 11: an item is paid to the planned account, or held.
    OtherAccountThanPlanned, "other-account-than-planned", "ask who changed the account after the plan, and whose it is",
        "{0} to the account that was planned, or held", "to another account";
    /// Rule 11: items in order of due date, then participant.
    RunOutOfOrder, "run-out-of-order", "look for a record of this run that was moved",
        "items in order of due date, participant and entitlement", "an item that belongs before the one at position {0}";
    /// Rule 11: an instruction is dated by its run's approval.
    NotAtApproval, "not-at-approval", "ask when the money was ordered",
        "an order dated {0}, when its run was approved", "{1}";
    /// Rule 11: a run's as-of date is not after today, nor before the last approved run's.
    RunAsOf, "run-as-of", "ask why the run was planned for this date",
        "an as-of date from {0} to {1}", "{2}";
    /// Rule 14: funds cover each instruction.
    FundsExceeded, "funds-exceeded", "ask who authorised payments beyond the appropriation",
        "at most {0} rupiah of {1} used, what was appropriated", "{2}";
    /// Rule 14: no year's appropriations add up to less than zero.
    AppropriationBelowZero, "appropriation-below-zero", "ask for the budget documents of the year",
        "appropriations of {0} that add up to zero or more", "{1}";
    /// Rule 12: a ground holds when a membership is revoked.
    RevokedWithoutGround, "revoked-without-ground", "look at the participant's history: reinstate the membership if the ground does not hold",
        "a revocation for {0} only where it holds", "{1}";
    /// Rule 12: only a revoked membership is reinstated.
    ReinstatedLive, "reinstated-live", "look at the case behind the reinstatement",
        "the reinstatement of a revoked membership", "one of a live membership";
    /// Rule 12: a reinstatement's new deadline.
    ReinstatementDeadline, "reinstatement-deadline", "look at the case behind the reinstatement",
        "a new first-purchase deadline by {0} where nothing was bought", "{1}";
    /// Section 6: an outcome is about an instruction's own amount.
    OutcomeAmount, "outcome-amount", "ask the partner for its record of the payment",
        "an outcome of {0} rupiah, the instruction's", "{1}";
    /// Section 6: the transitions that there are.
    OutcomeTransition, "outcome-transition", "ask the partner for its record of the payment",
        "no {0} of an instruction that is {1}", "{0}";
    /// Section 6: money comes back only where it was paid.
    ReturnedWithoutSettlement, "returned-without-settlement", "ask the partner for its record of the payment",
        "a return of money that was settled", "one of an instruction that is {0}";
    /// Section 6: a doubt ends by an inquiry or by a person.
    DoubtEndedByPartner, "doubt-ended-by-partner", "ask for the inquiry that ended the doubt",
        "a doubt ended by an inquiry, or by a person with an approver", "ended by the partner's own word";
    /// Section 6: an instruction expires on its day, not before.
    ExpiredEarly, "expired-early", "look at the instruction's expiry",
        "no expiry before the day after {0}", "{1}";
    /// Rule 5: a balance period closes after its waves' last day.
    PeriodClosedEarly, "period-closed-early", "ask who closed the period: balances lapsed that could still be spent",
        "a closing after {0}, the last day of the year's waves", "{1}";
    /// Section 3: a scheme does not change: a new one has a new name.
    SchemeChanged, "scheme-changed", "ask for the decree behind the scheme: amounts and dates rest on it",
        "one enactment of scheme {0}, at position {1}", "another one, {2}";

    // What happened and breaks no rule, and needs a person all the same: notices of D9.

    /// D9: an entitlement was settled more than once.
    SettledTwice, "settled-twice", "claim the second payment back from the partner or the participant",
        "{0} settled once", "settled again; before that at position {1}";
    /// D9: settled after it was rejected.
    SettledAfterRejection, "settled-after-rejection", "ask the partner which of the two is true, and see that it is not paid again",
        "no settlement after the rejection at position {0}", "settled";
    /// D9: settled after the membership was revoked.
    SettledAfterRevocation, "settled-after-revocation", "decide whether to claim the payment back",
        "no settlement after the revocation at position {0}", "settled";
    /// D9: in doubt for long.
    LongInDoubt, "long-in-doubt", "inquire with the partner",
        "an outcome within {0} days of {1}, when it came into doubt", "none by {2}";
}

impl Rule {
    /// The rule with that name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.code() == code)
    }
}

/// A text with its values in their places.
#[must_use]
pub fn filled(text: &str, values: &[String]) -> String {
    let mut filled = text.to_owned();
    for (place, value) in values.iter().enumerate() {
        filled = filled.replace(&format!("{{{place}}}"), value);
    }
    filled
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.code())
    }
}
