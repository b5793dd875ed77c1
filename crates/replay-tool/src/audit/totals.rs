//! The answers to D1 to D10 (DOMAIN section 8), as numbers about a history that may be rule-abiding. Field names are those of
//! `audit --json`; amounts are rupiah as strings, dates ISO 8601.

mod sums;

use std::collections::BTreeMap;
use std::fmt;

use ledger_core::event::{StatementReconciled, Total};
use ledger_core::time::Date;
use serde::{Serialize, Serializer};

use super::tally::Area;

/// Rupiah, wide enough for any sum; a string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub i128);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

fn iso<S: Serializer>(date: &Date, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(date)
}

fn iso_or_null<S: Serializer>(date: &Option<Date>, s: S) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => s.collect_str(date),
        None => s.serialize_none(),
    }
}

/// How many, how much, and the first records behind it: `participant` shows their lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// Rupiah.
    pub amount: Amount,
    /// The first few records that were counted.
    pub first: Vec<Source>,
}

/// A record that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its position.
    pub position: u64,
    /// Whose it is.
    pub participant: Option<String>,
}

/// One account over all participants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountTotal {
    /// As in `trial-balance`.
    pub account: String,
    /// Rupiah.
    pub amount: Amount,
}

/// D1 and D2 at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CutOff {
    /// The day.
    #[serde(serialize_with = "iso")]
    pub date: Date,
    /// D1: purchases that platforms were paid for and that were not completed.
    pub unfinished_purchases: i64,
    /// D1: what platforms were paid for them (`platform-unearned`).
    pub unfinished: Amount,
    /// What platforms were paid, finished or not.
    pub to_platforms: Amount,
    /// D2: incentives that left the treasury: ordered and not come back.
    pub left_treasury: Amount,
    /// D2: incentives received by persons.
    pub received: Amount,
    /// D2: the difference, on its way.
    pub on_the_way: Amount,
    /// Back in the treasury: forfeited, lapsed, returned.
    pub back_in_treasury: Amount,
}

/// D3: those with an open ineligibility finding, and what they had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ineligible {
    /// How many participants.
    pub participants: u64,
    /// Incentives that they received, gross.
    pub received: Amount,
    /// What was bought for them.
    pub spent: Amount,
    /// The first records behind it.
    pub first: Vec<Source>,
}

/// D4: participants found in one agency's records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FoundBy {
    /// The agency.
    pub source: String,
    /// Participants that were found there, later withdrawn or not.
    pub found: u64,
    /// Of those, withdrawn.
    pub withdrawn: u64,
    /// Of those that stand: incentives received, gross.
    pub received: Amount,
    /// Of those that stand: what was bought.
    pub spent: Amount,
    /// The first records behind it.
    pub first: Vec<Source>,
}

/// D5. Both are zero where the rules were kept; the findings name them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Memberships of an identity that had one.
    pub second_memberships: u64,
    /// Participants beyond what one family card may have.
    pub beyond_family_card: u64,
}

/// D6. Both are zero where the rules were kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Premature {
    /// Certificates before completion; the amount is the trainings' price.
    pub certificates: Counted,
    /// Incentives ordered before completion, certificate and review.
    pub incentives: Counted,
}

/// D7: payments by days between due date and settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lateness {
    /// `training` or `survey`.
    pub kind: &'static str,
    /// From so many days late; 0 for on time or early, which are one class.
    pub days_from: i32,
    /// To so many; `None`: any more.
    pub days_to: Option<i32>,
    /// The payments.
    pub payments: Counted,
}

/// D8: due and unpaid entitlements of finished trainings at the end of a day, by reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldDay {
    /// The day.
    #[serde(serialize_with = "iso")]
    pub date: Date,
    /// How many, by reason; reasons that hold nothing are left out.
    pub held: BTreeMap<&'static str, i64>,
    /// Rupiah, by reason.
    pub amount: BTreeMap<&'static str, Amount>,
}

/// What runs could not instruct for want of funds, by their closings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HeldForFunds {
    /// Items.
    pub count: u64,
    /// Rupiah.
    pub amount: Amount,
}

/// D9: money that moved where it should not have. Each is a notice too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Irregular {
    /// Entitlements settled more than once.
    pub settled_twice: Counted,
    /// Settled after the instruction was rejected.
    pub settled_after_rejection: Counted,
    /// Settled after the membership was revoked.
    pub settled_after_revocation: Counted,
    /// In doubt for more days than [`super::LONG_IN_DOUBT_DAYS`] and without an outcome.
    pub long_in_doubt: Counted,
}

/// A number of payments and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Payments {
    /// How many.
    pub count: u64,
    /// Rupiah.
    pub amount: Amount,
}

impl From<Total> for Payments {
    fn from(total: Total) -> Self {
        Self { count: total.count, amount: Amount(total.amount.get().into()) }
    }
}

/// D10: one partner's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Position of its record.
    pub position: u64,
    /// Whose statement.
    pub partner: &'static str,
    /// SHA-256 of the file.
    pub file_digest: String,
    /// Its first day.
    #[serde(serialize_with = "iso")]
    pub from: Date,
    /// Its last day.
    #[serde(serialize_with = "iso")]
    pub to: Date,
    /// The same in both.
    pub matched: Payments,
    /// In the ledger only.
    pub missing: Payments,
    /// In the statement only.
    pub extra: Payments,
    /// In both, with other amounts.
    pub other_amount: Payments,
    /// In both, on other days.
    pub other_day: Payments,
}

impl Statement {
    pub(super) fn of(position: u64, e: &StatementReconciled) -> Self {
        Self {
            position,
            partner: e.partner.code(),
            file_digest: e.file_digest.to_string(),
            from: e.period_from,
            to: e.period_to,
            matched: e.matched.into(),
            missing: e.missing.into(),
            extra: e.extra.into(),
            other_amount: e.other_amount.into(),
            other_day: e.other_day.into(),
        }
    }
}

/// What partners said that fits nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceptionTotal {
    /// Why it was kept aside.
    pub cause: &'static str,
    /// How many, and what they spoke of.
    pub said: Counted,
}

/// D10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Every statement that was compared.
    pub statements: Vec<Statement>,
    /// What partners said that fits no instruction, amount or transition.
    pub exceptions: Vec<ExceptionTotal>,
    /// How many of these were cleared up.
    pub resolved: u64,
}

/// People and money of a wave or a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AreaTotal {
    /// Selected.
    pub selected: i64,
    /// Revoked and not reinstated.
    pub revoked: i64,
    /// Bought at least once.
    pub bought: i64,
    /// Completed at least one training.
    pub completed: i64,
    /// Unlocked their incentives.
    pub unlocked: i64,
    /// The whole entitlement of everybody selected.
    pub entitled: Amount,
    /// What was bought and not cancelled.
    pub spent: Amount,
    /// Incentives received, gross.
    pub received: Amount,
    /// Back in the treasury.
    pub back_in_treasury: Amount,
}

impl From<&Area> for AreaTotal {
    fn from(area: &Area) -> Self {
        let amount = |amount: i64| Amount(amount.into());
        Self {
            selected: area.selected,
            revoked: area.revoked,
            bought: area.bought,
            completed: area.completed,
            unlocked: area.unlocked,
            entitled: amount(area.entitled),
            spent: amount(area.spent),
            received: amount(area.received),
            back_in_treasury: amount(area.treasury),
        }
    }
}

/// A wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaveTotal {
    /// Its number.
    pub wave: u32,
    /// Its scheme.
    pub scheme: String,
    /// Its year.
    pub year: i16,
    /// Its quota.
    pub quota: u32,
    /// When it closed.
    #[serde(serialize_with = "iso_or_null")]
    pub closed_on: Option<Date>,
    /// Its people and money.
    #[serde(flatten)]
    pub total: AreaTotal,
}

/// A region: kabupaten or kota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegionTotal {
    /// Its code, such as 12.75; the first two digits are the province's.
    pub region: String,
    /// Its people and money.
    #[serde(flatten)]
    pub total: AreaTotal,
}

/// A payment partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartnerTotal {
    /// Who.
    pub partner: &'static str,
    /// Instructions.
    pub instructed: Counted,
    /// Settlements.
    pub settled: Counted,
    /// Rejections.
    pub rejected: Counted,
    /// Returns.
    pub returned: Counted,
    /// Instructions that came into doubt, ended or not.
    pub in_doubt: Counted,
    /// What it said that fits nothing.
    pub exceptions: Counted,
}

/// Revocations on one ground; the amount is what the participants lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forfeit {
    /// The ground.
    pub ground: &'static str,
    /// Revocations, reinstated later or not.
    pub revocations: Counted,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunTotal {
    /// Its id.
    pub run: String,
    /// Position of its plan.
    pub position: u64,
    /// Items due by this date.
    #[serde(serialize_with = "iso")]
    pub as_of: Date,
    /// What was planned.
    pub planned: Payments,
    /// What was instructed.
    pub instructed: Payments,
    /// What was held, by its closing; zero where it is not closed.
    pub held: Payments,
}

/// A year's funds (rule 14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct YearTotal {
    /// The fiscal year.
    pub year: i16,
    /// Appropriated.
    pub appropriated: Amount,
    /// Used.
    pub used: Amount,
}

/// Every number that an audit asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Facts dated up to this day count.
    #[serde(serialize_with = "iso_or_null")]
    pub as_of: Option<Date>,
    /// Number of records that were known.
    pub known_at: u64,
    /// Participants that were known.
    pub participants: u64,
    /// The trial balance.
    pub accounts: Vec<AccountTotal>,
    /// D1 and D2 at the end of each year, and of the date asked for.
    pub d1_d2_cut_offs: Vec<CutOff>,
    /// D3.
    pub d3_ineligible: Ineligible,
    /// D4.
    pub d4_found_by: Vec<FoundBy>,
    /// D5.
    pub d5_duplicates: Duplicates,
    /// D6.
    pub d6_premature: Premature,
    /// D7.
    pub d7_lateness: Vec<Lateness>,
    /// D7: the most days that a payment was late.
    pub d7_latest_days: i32,
    /// D8, day by day.
    pub d8_held: Vec<HeldDay>,
    /// D8: what runs held for want of funds.
    pub d8_held_for_funds: HeldForFunds,
    /// D9.
    pub d9_irregular: Irregular,
    /// D10.
    pub d10_reconciled: Reconciled,
    /// By wave.
    pub waves: Vec<WaveTotal>,
    /// By region.
    pub regions: Vec<RegionTotal>,
    /// By payment partner.
    pub partners: Vec<PartnerTotal>,
    /// By ground of revocation.
    pub forfeits: Vec<Forfeit>,
    /// Every run.
    pub runs: Vec<RunTotal>,
    /// By fiscal year. Of everything known: a run's funds are of its year, whenever it is looked at.
    pub funds: Vec<YearTotal>,
    /// Repayments demanded.
    pub demanded: Counted,
    /// Repayments received by the state.
    pub repaid: Counted,
}
