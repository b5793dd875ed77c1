//! Programme events: schemes, waves, funds, closings, runs, cleared exceptions (DOMAIN sections 3 and 5, rules 3, 11, 14).

use super::{Decision, NewEvent, four_eyes, not_ahead, not_before};
use crate::command::Meta;
use crate::event::{
    BalancePeriodClosed, DisbursementRunApproved, DisbursementRunPlanned, Event, ExceptionResolved, FundsAppropriated,
    WaveOpened,
};
use crate::fold::exception_key;
use crate::ids::{Digest, RunId};
use crate::money::Rupiah;
use crate::rejection::Rejection;
use crate::run::{self, Plan};
use crate::scheme::{MonthDay, Scheme};
use crate::state::{ExceptionKey, Fact, RareKind, State, identity_of};
use crate::time::Date;

/// The most that one amount of a scheme may be, rupiah.
const MOST_AMOUNT: i64 = 1_000_000_000;
/// The most that one appropriation may be, rupiah: a thousand trillion.
const MOST_APPROPRIATION: i64 = 1_000_000_000_000_000;
/// Years in which the programme can run.
const YEARS: std::ops::RangeInclusive<i16> = 2020..=2100;

pub(super) fn decide<'a>(state: &State, meta: &Meta<'a>, event: Event<'a>) -> Result<Decision<'a>, Rejection> {
    fields(&event)?;
    if let Some(earlier) = earlier(state, &event) {
        return Ok(Decision::Repeat { position: earlier.position() });
    }
    known(state, &event)?;
    not_ahead(meta)?;
    if !matches!(event, Event::WaveOpened(_) | Event::StatementReconciled(_)) {
        four_eyes(meta)?;
    }
    let date = meta.occurred_at.wib_date();
    match &event {
        Event::WaveOpened(e) if state.year(e.year).closed.is_some() => {
            return Err(Rejection::BalancePeriodClosed { year: e.year });
        }
        Event::WaveClosed(e) => {
            let opened = state.wave(e.wave).map(|wave| wave.opened.date()).unwrap_or_default();
            not_before(date, "wave's opening", opened)?;
        }
        Event::FundsAppropriated(e) => {
            let appropriated = state.year(e.fiscal_year).appropriated;
            if appropriated.checked_add(e.amount).is_none_or(|sum| sum < Rupiah::ZERO) {
                return Err(Rejection::AppropriationBelowZero { year: e.fiscal_year, appropriated });
            }
        }
        Event::BalancePeriodClosed(e) => {
            let last_day = last_day(state, e.year).unwrap_or_default();
            if date <= last_day {
                return Err(Rejection::PeriodNotOver { last_day });
            }
        }
        _ => {}
    }
    Ok(Decision::Record(vec![NewEvent { participant: None, occurred_at: meta.occurred_at, event }]))
}

fn fields(event: &Event<'_>) -> Result<(), Rejection> {
    let refuse = |field, rule| Err(Rejection::InvalidField { field, rule });
    match event {
        Event::SchemeEnacted(e) => scheme_fields(&e.scheme),
        Event::WaveOpened(WaveOpened { wave, .. }) if wave.0 == 0 => refuse("wave", "must be 1 or more"),
        Event::WaveOpened(WaveOpened { quota: 0, .. }) => refuse("quota", "must be 1 or more"),
        Event::WaveOpened(WaveOpened { year, .. }) if !YEARS.contains(year) => refuse("year", "must be 2020 to 2100"),
        Event::BalancePeriodClosed(BalancePeriodClosed { year }) if !YEARS.contains(year) => {
            refuse("year", "must be 2020 to 2100")
        }
        Event::FundsAppropriated(FundsAppropriated { fiscal_year, .. }) if !YEARS.contains(fiscal_year) => {
            refuse("fiscal_year", "must be 2020 to 2100")
        }
        Event::FundsAppropriated(FundsAppropriated { amount, .. })
            if amount.get() == 0 || amount.get().unsigned_abs() > MOST_APPROPRIATION.unsigned_abs() =>
        {
            refuse("amount_rupiah", "must not be zero, nor beyond 1,000,000,000,000,000 either way")
        }
        Event::WaveOpened(_)
        | Event::WaveClosed(_)
        | Event::BalancePeriodClosed(_)
        | Event::FundsAppropriated(_)
        | Event::ExceptionResolved(_)
        | Event::StatementReconciled(_) => Ok(()),
        Event::DisbursementRunPlanned(_)
        | Event::DisbursementRunApproved(_)
        | Event::DisbursementRunClosed(_)
        | Event::OutcomeException(_) => Err(Rejection::OwnCall { event: event.name() }),
        _ => refuse("participant_id", "is needed: this event is a participant's"),
    }
}

fn scheme_fields(scheme: &Scheme<'_>) -> Result<(), Rejection> {
    let refuse = |field, rule| Err(Rejection::InvalidField { field, rule });
    let slug = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if scheme.scheme.is_empty() || scheme.scheme.len() > 32 || !scheme.scheme.bytes().all(slug) {
        return refuse("scheme_id", "must be 1 to 32 of a-z, 0-9 and -");
    }
    let amount = |amount: &Rupiah| (1..=MOST_AMOUNT).contains(&amount.get());
    if !amount(&scheme.training_aid) {
        return refuse("training_aid_rupiah", "must be 1 to 1,000,000,000");
    }
    let list = |amounts: &[Rupiah]| amounts.len() <= Scheme::MAX_INCENTIVES && amounts.iter().all(amount);
    if scheme.training_incentives.is_empty() || !list(&scheme.training_incentives) {
        return refuse("training_incentives_rupiah", "must be 1 to 24 amounts of 1 to 1,000,000,000");
    }
    if !list(&scheme.survey_incentives) {
        return refuse("survey_incentives_rupiah", "must be up to 24 amounts of 1 to 1,000,000,000");
    }
    if scheme.survey_opening_days.len() != scheme.survey_incentives.len() {
        return refuse("survey_opening_days", "must have one number of days per survey incentive");
    }
    // A year without a 29th of February: a scheme's days exist in every year.
    let exists = |day: MonthDay| day.in_year(2021).is_some();
    if !exists(scheme.balance_last_day) {
        return refuse("balance_last_day", "must be a day of every year");
    }
    if !exists(scheme.complete_by) {
        return refuse("complete_by", "must be a day of every year");
    }
    if scheme.max_participants_per_family_card == 0 {
        return refuse("max_participants_per_family_card", "must be 1 or more");
    }
    Ok(())
}

/// Rule 1.
fn earlier(state: &State, event: &Event<'_>) -> Option<Fact> {
    match event {
        Event::SchemeEnacted(e) => {
            state.schemes.iter().find(|(scheme, _)| scheme.scheme == e.scheme.scheme).map(|(_, fact)| *fact)
        }
        Event::WaveOpened(e) => state.wave(e.wave).map(|wave| wave.opened),
        Event::WaveClosed(e) => state.wave(e.wave).and_then(|wave| wave.closed),
        Event::FundsAppropriated(e) => state.rare(RareKind::Funds, None, identity_of(&e.document_number)),
        Event::BalancePeriodClosed(e) => state.year(e.year).closed,
        Event::ExceptionResolved(e) => state.exceptions.get(&exception_key_of(e)).and_then(|entry| entry.resolved),
        Event::StatementReconciled(e) => {
            state.rare(RareKind::Statement, None, identity_of(&(e.partner, e.file_digest)))
        }
        _ => None,
    }
}

/// Rule 2.
fn known(state: &State, event: &Event<'_>) -> Result<(), Rejection> {
    match event {
        Event::WaveOpened(e) if state.scheme(&e.scheme).is_none() => {
            Err(Rejection::SchemeUnknown { scheme: e.scheme.to_string() })
        }
        Event::WaveClosed(e) if state.wave(e.wave).is_none() => Err(Rejection::WaveUnknown { wave: e.wave }),
        Event::BalancePeriodClosed(e) if last_day(state, e.year).is_none() => {
            Err(Rejection::YearUnknown { year: e.year })
        }
        Event::ExceptionResolved(e) if !state.exceptions.contains_key(&exception_key_of(e)) => {
            Err(Rejection::ExceptionUnknown)
        }
        _ => Ok(()),
    }
}

/// The last day of the training balances of a year's waves: the latest of their schemes'.
fn last_day(state: &State, year: i16) -> Option<Date> {
    state.waves().filter(|(_, wave)| wave.year == year).map(|(_, wave)| wave.balance_last_day).max()
}

fn exception_key_of(e: &ExceptionResolved<'_>) -> ExceptionKey {
    exception_key(e.partner, &e.transaction_reference, "", e.kind)
}

pub(super) fn plan_run<'a>(state: &State, meta: &Meta<'a>, run: RunId, as_of: Date) -> Result<Decision<'a>, Rejection> {
    if let Some(repeat) = check_plan(state, meta, run, as_of)? {
        return Ok(repeat);
    }
    let event = planned(run, as_of, state.size(), &run::plan(state, as_of));
    Ok(Decision::Record(vec![NewEvent { participant: None, occurred_at: meta.occurred_at, event }]))
}

/// Whether a run may be planned (rule 11): `Some` where it was planned before.
///
/// # Errors
///
/// The first rule that the plan breaks.
pub fn check_plan<'a>(
    state: &State,
    meta: &Meta<'_>,
    run: RunId,
    as_of: Date,
) -> Result<Option<Decision<'a>>, Rejection> {
    if let Some((_, earlier)) = state.run(run) {
        let position = earlier.planned.position();
        let same = earlier.as_of == as_of;
        return if same { Ok(Some(Decision::Repeat { position })) } else { Err(Rejection::AlreadyExists { position }) };
    }
    not_ahead(meta)?;
    let today = meta.recorded_at.wib_date();
    if as_of > today {
        return Err(Rejection::AsOfInFuture { as_of, today });
    }
    not_back(state, as_of)?;
    not_before(meta.occurred_at.wib_date(), "as_of date", as_of)?;
    Ok(None)
}

/// As-of dates do not go back behind the last approved run's.
fn not_back(state: &State, as_of: Date) -> Result<(), Rejection> {
    let last = state.runs().iter().filter(|run| run.approved.is_some()).map(|run| run.as_of).max();
    match last {
        Some(last) if as_of < last => Err(Rejection::AsOfBeforeLastRun { last }),
        _ => Ok(()),
    }
}

/// The event of a computed plan.
#[must_use]
pub fn planned<'a>(run: RunId, as_of: Date, known_at: u64, plan: &Plan) -> Event<'a> {
    let totals = plan.totals.clone();
    DisbursementRunPlanned { run, as_of, known_at, totals, items_digest: plan.digest }.into()
}

pub(super) fn approve_run<'a>(
    state: &State,
    meta: &Meta<'a>,
    run: RunId,
    items_digest: Digest,
) -> Result<Decision<'a>, Rejection> {
    let event = Event::from(DisbursementRunApproved { run, items_digest });
    let (_, planned) = state.run(run).ok_or(Rejection::RunUnknown { run })?;
    if let Some(approved) = planned.approved {
        let position = approved.position();
        // What was approved is what was planned.
        let same = planned.items_digest == items_digest;
        return if same { Ok(Decision::Repeat { position }) } else { Err(Rejection::AlreadyExists { position }) };
    }
    not_ahead(meta)?;
    if planned.planned_by == meta.actor {
        return Err(Rejection::SamePerson { person: planned.planned_by.clone() });
    }
    if planned.items_digest != items_digest {
        return Err(Rejection::PlanDigestMismatch { planned: planned.items_digest });
    }
    not_back(state, planned.as_of)?;
    not_before(meta.occurred_at.wib_date(), "plan", planned.planned.date())?;
    Ok(Decision::Record(vec![NewEvent { participant: None, occurred_at: meta.occurred_at, event }]))
}
