//! Closed lists: each value has a stored number and a code that people read.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident { $($(#[$vdoc:meta])+ $variant:ident = $number:literal, $code:literal;)+ })+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])+ $variant = $number,)+ }

        impl $name {
            /// Every value, in the order of their stored numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code that people read and scripts match.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The stored number.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The value with that stored number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The value with that code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.code())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.code())
            }
        }
    )+};
}

codes! {
    /// A platform that sells courses (DOMAIN section 1).
    Platform {
        /// Tokopedia.
        Tokopedia = 1, "tokopedia";
        /// Bukalapak.
        Bukalapak = 2, "bukalapak";
        /// Skill Academy by Ruangguru.
        SkillAcademy = 3, "skill-academy";
        /// The Ministry of Manpower's platform.
        Kemnaker = 4, "kemnaker";
        /// Pintaria.
        Pintaria = 5, "pintaria";
        /// Pijar Mahir.
        Pijar = 6, "pijar";
        /// Sekolah.mu.
        SekolahMu = 7, "sekolah-mu";
        /// MauBelajarApa.
        MauBelajarApa = 8, "mau-belajar-apa";
    }
    /// A payment partner: who pays an instruction (DOMAIN section 1).
    Partner {
        /// The bank.
        Bank = 1, "bank";
        /// LinkAja, a wallet.
        LinkAja = 2, "linkaja";
        /// OVO, a wallet.
        Ovo = 3, "ovo";
        /// GoPay, a wallet.
        Gopay = 4, "gopay";
        /// DANA, a wallet.
        Dana = 5, "dana";
    }
    /// Why a membership was revoked (DOMAIN section 3).
    Ground {
        /// No first purchase by the deadline.
        NoFirstPurchase = 1, "no-first-purchase";
        /// No training completed by the scheme's date.
        TrainingNotCompleted = 2, "training-not-completed";
        /// False data given at registration.
        FalseData = 3, "false-data";
        /// The identity does not match its registry.
        IdentityMismatch = 4, "identity-mismatch";
        /// Not eligible.
        Ineligible = 5, "ineligible";
        /// Manipulation of courses, reviews or payouts.
        Manipulation = 6, "manipulation";
        /// Another person used the membership.
        ProxyUse = 7, "proxy-use";
        /// Any other breach of the terms.
        BreachOfTerms = 8, "breach-of-terms";
    }
    /// What a partner says became of an instruction (DOMAIN section 6).
    OutcomeKind {
        /// Taken on, not yet paid.
        Accepted = 1, "accepted";
        /// Paid.
        Settled = 2, "settled";
        /// Will not be paid.
        Rejected = 3, "rejected";
        /// Paid, and the money came back.
        Returned = 4, "returned";
        /// Nobody knows yet.
        InDoubt = 5, "in-doubt";
    }
    /// The ledger's own reason behind an outcome, whatever the partner's code system.
    Reason {
        /// There is no such account.
        AccountNotFound = 1, "account-not-found";
        /// The account is closed.
        AccountClosed = 2, "account-closed";
        /// The account is blocked.
        AccountBlocked = 3, "account-blocked";
        /// The account's holder is not the participant.
        IdentityMismatch = 4, "identity-mismatch";
        /// Over the account's limit.
        LimitExceeded = 5, "limit-exceeded";
        /// The paying account lacks funds.
        InsufficientFunds = 6, "insufficient-funds";
        /// The partner takes it for a duplicate.
        Duplicate = 7, "duplicate";
        /// The partner could not work.
        PartnerUnavailable = 8, "partner-unavailable";
        /// No answer in time.
        Timeout = 9, "timeout";
        /// The holder sent the money back.
        ReturnedByHolder = 10, "returned-by-holder";
        /// None of these.
        Other = 11, "other";
    }
    /// Whose code the raw code is.
    CodeSystem {
        /// ISO 20022 external codes.
        Iso20022 = 1, "iso20022";
        /// Bank Indonesia's SNAP response codes.
        Snap = 2, "snap";
        /// The partner's own.
        Partner = 3, "partner";
    }
    /// What an outcome rests on (DOMAIN section 3).
    Evidence {
        /// The partner's report.
        Partner = 1, "partner";
        /// An inquiry with the partner.
        Inquiry = 2, "inquiry";
        /// A person's finding, with a reason and an approver.
        Manual = 3, "manual";
        /// The expiry job: no outcome by the instruction's expiry.
        Expiry = 4, "expiry";
        /// A partner's statement, compared by the ledger.
        Statement = 5, "statement";
    }
    /// Why an outcome was kept aside (DOMAIN section 6), or how a statement differs (section 8, D10).
    ExceptionCause {
        /// No instruction of this partner has that reference.
        UnknownInstruction = 1, "unknown-instruction";
        /// The amount is not the instruction's.
        OtherAmount = 2, "other-amount";
        /// The instruction's state does not allow it.
        NotAllowedInState = 3, "not-allowed-in-state";
        /// The statement has it, the ledger does not.
        StatementExtra = 4, "statement-extra";
        /// The ledger has it, the statement does not.
        StatementMissing = 5, "statement-missing";
        /// Both have it, with other amounts.
        StatementOtherAmount = 6, "statement-other-amount";
        /// Both have it, on other days.
        StatementOtherDay = 7, "statement-other-day";
    }
    /// What kind of entitlement (DOMAIN section 1).
    EntitlementKind {
        /// A training incentive.
        Training = 1, "training";
        /// A survey incentive.
        Survey = 2, "survey";
    }
    /// Why an entitlement is not payable; of several reasons, [`crate::schedule::payable`] gives the first.
    Held {
        /// Earned, and due later.
        NotDue = 1, "not-due";
        /// The membership is revoked.
        MembershipRevoked = 2, "membership-revoked";
        /// The wave is closed.
        WaveClosed = 3, "wave-closed";
        /// No payout account is linked.
        NoAccount = 4, "no-account";
        /// The account was at fault, and no account was linked since.
        AccountFault = 5, "account-fault";
        /// An ineligibility finding is open.
        Ineligible = 6, "ineligible";
        /// Ordered, outcome unknown.
        InTransit = 7, "in-transit";
        /// Ordered, and nobody knows whether it was paid.
        InDoubt = 8, "in-doubt";
        /// Paid.
        Settled = 9, "settled";
        /// The year's funds do not cover it.
        Funds = 10, "funds";
        /// Incentives are not unlocked, or the survey is not filled.
        NotEarned = 11, "not-earned";
        /// The account in force is not the planned one.
        OtherAccount = 12, "other-account";
    }
    /// What a repayment is for.
    Component {
        /// The training balance.
        TrainingAid = 1, "training-aid";
        /// Training incentives.
        TrainingIncentive = 2, "training-incentive";
        /// Survey incentives.
        SurveyIncentive = 3, "survey-incentive";
    }
    /// How an actor was authenticated.
    Auth {
        /// Not at all: plain HTTP/2 on loopback.
        Insecure = 1, "insecure";
        /// By a client certificate.
        MutualTls = 2, "mutual-tls";
        /// The server's own job.
        Internal = 3, "internal";
    }
}
