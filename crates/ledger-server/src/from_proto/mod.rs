//! From the wire to the core: shapes are checked here, at the door, each field by its own rule; the core sees only what
//! has the right shape.

mod questions;
mod statement;

use std::str::FromStr;

use ledger_core::Command;
use ledger_core::codes::{self, Evidence, OutcomeKind, Partner};
use ledger_core::event::{self, Event, Outcome, Text};
use ledger_core::ids::{Digest, ParticipantId, Position, Region, RunId, Wave};
use ledger_core::money::Rupiah;
use ledger_core::scheme::{MonthDay, Scheme};
use ledger_core::time::{Date, Timestamp};
use ledger_proto::{v1, view};

use crate::engine::{Incoming, Said};
use crate::reason_codes;
use crate::status::Invalid;

pub(crate) use questions::*;
pub(crate) use statement::{Header, statement_header, statement_line};

/// Most characters of an identifier-like text: references, numbers, names.
const SHORT: usize = 100;
/// Most characters of an explaining text: reasons, resolutions.
const LONG: usize = 400;

/// The most that one amount may be, rupiah: beyond any budget, and far from overflow.
const MOST_RUPIAH: i64 = 1_000_000_000_000;

type Checked<T> = Result<T, Invalid>;

fn text<'a>(field: &str, value: &'a str, most: usize) -> Checked<Text<'a>> {
    if value.is_empty() {
        return Err(Invalid::field(field, "must not be empty"));
    }
    optional_text(field, value, most)
}

fn optional_text<'a>(field: &str, value: &'a str, most: usize) -> Checked<Text<'a>> {
    // There are no more characters than bytes.
    if value.len() > most && (value.chars().count() > most || value.len() > 2 * most) {
        return Err(Invalid::field(field, format!("must have at most {most} characters")));
    }
    let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !plain && value.chars().any(char::is_control) {
        return Err(Invalid::field(field, "must not have control characters"));
    }
    Ok(Text::Borrowed(value))
}

/// An identifier in its text form.
pub(crate) fn id<T: FromStr<Err: std::fmt::Display>>(field: &str, value: &str) -> Checked<T> {
    if value.is_empty() {
        return Err(Invalid::field(field, "must not be empty"));
    }
    value.parse().map_err(|error: T::Err| Invalid::field(field, error.to_string()))
}

fn digest(field: &str, value: &[u8]) -> Checked<Digest> {
    <[u8; 32]>::try_from(value).map(Digest).map_err(|_| Invalid::field(field, "must be 32 bytes"))
}

fn number<T: TryFrom<u32>>(field: &str, value: u32) -> Checked<T> {
    T::try_from(value).map_err(|_| Invalid::field(field, "is too large"))
}

fn code<T>(field: &str, value: i32, from_number: fn(u8) -> Option<T>) -> Checked<T> {
    let found = u8::try_from(value).ok().and_then(from_number);
    found.ok_or_else(|| Invalid::field(field, if value == 0 { "must be set" } else { "is no known value" }))
}

fn optional_code<T>(field: &str, value: i32, from_number: fn(u8) -> Option<T>) -> Checked<Option<T>> {
    if value == 0 { Ok(None) } else { code(field, value, from_number).map(Some) }
}

/// An amount within what no real one exceeds.
fn amount(field: &str, value: i64, least: i64) -> Checked<Rupiah> {
    if (least..=MOST_RUPIAH).contains(&value) {
        return Ok(Rupiah::new(value));
    }
    Err(Invalid::field(field, format!("must be {least} to {MOST_RUPIAH} rupiah")))
}

/// A civil date; the programme began in 2020.
pub(crate) fn date(field: &str, value: Option<&ledger_proto::Date>) -> Checked<Date> {
    let value = value.ok_or_else(|| Invalid::field(field, "must be set"))?;
    let days =
        value.unix_days().ok_or_else(|| Invalid::field(field, "must be a day of the calendar: year, month, day"))?;
    let date = Date::from_days(days);
    if (2020..=2100).contains(&date.year()) { Ok(date) } else { Err(Invalid::field(field, "must be in 2020 to 2100")) }
}

fn timestamp(field: &str, value: &ledger_proto::Timestamp) -> Checked<Timestamp> {
    let nanos =
        value.unix_nanos().ok_or_else(|| Invalid::field(field, "must be a time with nanos of 0 to 999,999,999"))?;
    let instant = Timestamp::from_nanos(nanos);
    let year = instant.wib_date().year();
    if (2020..=2100).contains(&year) { Ok(instant) } else { Err(Invalid::field(field, "must be in 2020 to 2100")) }
}

fn required_timestamp(field: &str, value: Option<&ledger_proto::Timestamp>) -> Checked<Timestamp> {
    timestamp(field, value.ok_or_else(|| Invalid::field(field, "must be set"))?)
}

/// What a sender says of a programme command; without `occurred_at` it happens now.
fn said(
    occurred_at: Option<&ledger_proto::Timestamp>,
    source_reference: &str,
    approved_by: &str,
) -> Checked<Said<'static>> {
    Ok(Said {
        occurred_at: occurred_at.map(|value| timestamp("occurred_at", value)).transpose()?,
        approved_by: approver(approved_by)?,
        source_reference: Text::Owned(optional_text("source_reference", source_reference, SHORT)?.into_owned()),
    })
}

fn approver(approved_by: &str) -> Checked<Option<String>> {
    if approved_by.is_empty() {
        return Ok(None);
    }
    optional_text("approved_by", approved_by, SHORT)?;
    match approved_by.split_once('/') {
        Some((role, name)) if !role.is_empty() && !name.is_empty() => Ok(Some(approved_by.to_owned())),
        _ => Err(Invalid::field("approved_by", "must be role/name")),
    }
}

/// A participant's event.
pub(crate) fn event<'a>(input: &view::EventInput<'a>) -> Checked<Incoming<'a>> {
    let participant = id::<ParticipantId>("participant_id", input.participant_id)?;
    let occurred_at = required_timestamp("occurred_at", input.occurred_at.as_ref())?;
    let event = input.event.as_ref().ok_or_else(|| Invalid::field("event", "must be set"))?;
    let said = Said {
        occurred_at: Some(occurred_at),
        approved_by: approver(input.approved_by)?,
        source_reference: optional_text("source_reference", input.source_reference, SHORT)?,
    };
    Ok(Incoming::new(said, Command::Record { participant: Some(participant), event: payload(event)? }))
}

fn payload<'a>(event: &view::Event<'a>) -> Checked<Event<'a>> {
    use view::Event as Input;
    Ok(match event {
        Input::Selected(e) => event::Selected {
            wave: wave(e.wave)?,
            identity_digest: digest("selected.identity_digest", e.identity_digest)?,
            identity_key_id: text("selected.identity_key_id", e.identity_key_id, SHORT)?,
            family_card_digest: digest("selected.family_card_digest", e.family_card_digest)?,
            region: id::<Region>("selected.region", e.region)?,
        }
        .into(),
        Input::PayoutAccountLinked(e) => event::PayoutAccountLinked {
            link: id("payout_account_linked.link_id", e.link_id)?,
            partner: code("payout_account_linked.partner", e.partner, Partner::from_number)?,
            account_token: text("payout_account_linked.account_token", e.account_token, SHORT)?,
            holder_identity_digest: digest("payout_account_linked.holder_identity_digest", e.holder_identity_digest)?,
        }
        .into(),
        Input::PayoutAccountUnlinked(e) => {
            event::PayoutAccountUnlinked { link: id("payout_account_unlinked.link_id", e.link_id)? }.into()
        }
        Input::TrainingBought(e) => event::TrainingBought {
            purchase: id("training_bought.purchase_id", e.purchase_id)?,
            course: text("training_bought.course", e.course, SHORT)?,
            platform: code("training_bought.platform", e.platform, codes::Platform::from_number)?,
            provider: text("training_bought.provider", e.provider, SHORT)?,
            price: amount("training_bought.price_rupiah", e.price_rupiah, 1)?,
        }
        .into(),
        Input::PurchaseCancelled(e) => event::PurchaseCancelled {
            purchase: id("purchase_cancelled.purchase_id", e.purchase_id)?,
            reason: text("purchase_cancelled.reason", e.reason, LONG)?,
            refund_reference: text("purchase_cancelled.refund_reference", e.refund_reference, SHORT)?,
        }
        .into(),
        Input::TrainingCompleted(e) => {
            event::TrainingCompleted { purchase: id("training_completed.purchase_id", e.purchase_id)? }.into()
        }
        Input::CompletionWithdrawn(e) => event::CompletionWithdrawn {
            purchase: id("completion_withdrawn.purchase_id", e.purchase_id)?,
            case: id("completion_withdrawn.case_id", e.case_id)?,
            reason: text("completion_withdrawn.reason", e.reason, LONG)?,
        }
        .into(),
        Input::CertificateIssued(e) => event::CertificateIssued {
            purchase: id("certificate_issued.purchase_id", e.purchase_id)?,
            certificate_number: text("certificate_issued.certificate_number", e.certificate_number, SHORT)?,
        }
        .into(),
        Input::TrainingReviewed(e) => event::TrainingReviewed {
            purchase: id("training_reviewed.purchase_id", e.purchase_id)?,
            rating: number("training_reviewed.rating", e.rating)?,
        }
        .into(),
        Input::SurveyFilled(e) => {
            event::SurveyFilled { number: number("survey_filled.survey_number", e.survey_number)? }.into()
        }
        Input::MembershipRevoked(e) => event::MembershipRevoked {
            case: id("membership_revoked.case_id", e.case_id)?,
            ground: code("membership_revoked.ground", e.ground, codes::Ground::from_number)?,
        }
        .into(),
        Input::MembershipReinstated(e) => {
            let deadline = e.first_purchase_deadline.as_ref();
            event::MembershipReinstated {
                case: id("membership_reinstated.case_id", e.case_id)?,
                reason: text("membership_reinstated.reason", e.reason, LONG)?,
                first_purchase_deadline: deadline
                    .map(|day| date("membership_reinstated.first_purchase_deadline", Some(day)))
                    .transpose()?,
            }
            .into()
        }
        Input::IneligibilityFound(e) => event::IneligibilityFound {
            source: text("ineligibility_found.source", e.source, SHORT)?,
            case_number: text("ineligibility_found.case_number", e.case_number, SHORT)?,
            evidence_date: date("ineligibility_found.evidence_date", e.evidence_date.as_ref())?,
            effective_date: date("ineligibility_found.effective_date", e.effective_date.as_ref())?,
        }
        .into(),
        Input::IneligibilityWithdrawn(e) => event::IneligibilityWithdrawn {
            source: text("ineligibility_withdrawn.source", e.source, SHORT)?,
            case_number: text("ineligibility_withdrawn.case_number", e.case_number, SHORT)?,
        }
        .into(),
        Input::RepaymentDemanded(e) => event::RepaymentDemanded {
            demand: id("repayment_demanded.demand_id", e.demand_id)?,
            component: code("repayment_demanded.component", e.component, codes::Component::from_number)?,
            amount: amount("repayment_demanded.amount_rupiah", e.amount_rupiah, 1)?,
        }
        .into(),
        Input::RepaymentReceived(e) => event::RepaymentReceived {
            demand: id("repayment_received.demand_id", e.demand_id)?,
            receipt_number: text("repayment_received.state_receipt_number", e.state_receipt_number, SHORT)?,
            amount: amount("repayment_received.amount_rupiah", e.amount_rupiah, 1)?,
        }
        .into(),
    })
}

fn wave(number: u32) -> Checked<Wave> {
    if (1..=9_999).contains(&number) { Ok(Wave(number)) } else { Err(Invalid::field("wave", "must be 1 to 9,999")) }
}

fn programme<'a>(said: Said<'a>, event: impl Into<Event<'a>>) -> Incoming<'a> {
    Incoming::new(said, Command::Record { participant: None, event: event.into() })
}

pub(crate) fn enact_scheme(r: &v1::EnactSchemeRequest) -> Checked<Incoming<'_>> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, &r.approved_by)?;
    let scheme = r.scheme.as_ref().ok_or_else(|| Invalid::field("scheme", "must be set"))?;
    let days = |field: &str, days: u32| number::<u16>(field, days);
    let month_day = |field: &str, day: Option<&v1::MonthDay>| {
        let day = day.ok_or_else(|| Invalid::field(field, "must be set"))?;
        Ok(MonthDay { month: number(field, day.month)?, day: number(field, day.day)? })
    };
    let amounts = |amounts: &[i64]| amounts.iter().map(|amount| Rupiah::new(*amount)).collect();
    let opening = scheme.survey_opening_days.iter().map(|d| days("scheme.survey_opening_days", *d));
    let scheme = Scheme {
        scheme: text("scheme.scheme_id", &scheme.scheme_id, SHORT)?,
        training_aid: Rupiah::new(scheme.training_aid_rupiah),
        training_incentives: amounts(&scheme.training_incentives_rupiah),
        survey_incentives: amounts(&scheme.survey_incentives_rupiah),
        first_purchase_days: days("scheme.first_purchase_days", scheme.first_purchase_days)?,
        balance_last_day: month_day("scheme.balance_last_day", scheme.balance_last_day.as_ref())?,
        complete_by: month_day("scheme.complete_by", scheme.complete_by.as_ref())?,
        first_incentive_days: days("scheme.first_incentive_due_days", scheme.first_incentive_due_days)?,
        survey_opening_days: opening.collect::<Checked<_>>()?,
        survey_due_days: days("scheme.survey_due_days", scheme.survey_due_days)?,
        instruction_expiry_days: days("scheme.instruction_expiry_days", scheme.instruction_expiry_days)?,
        max_participants_per_family_card: number(
            "scheme.max_participants_per_family_card",
            scheme.max_participants_per_family_card,
        )?,
    };
    Ok(programme(said, event::SchemeEnacted { scheme }))
}

pub(crate) fn open_wave(r: &v1::OpenWaveRequest) -> Checked<Incoming<'_>> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, "")?;
    let scheme = text("scheme_id", &r.scheme_id, SHORT)?;
    Ok(programme(
        said,
        event::WaveOpened { wave: wave(r.wave)?, scheme, year: number("year", r.year)?, quota: r.quota },
    ))
}

pub(crate) fn close_wave(r: &v1::CloseWaveRequest) -> Checked<Incoming<'_>> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, &r.approved_by)?;
    Ok(programme(said, event::WaveClosed { wave: wave(r.wave)? }))
}

pub(crate) fn appropriate_funds(r: &v1::AppropriateFundsRequest) -> Checked<Incoming<'_>> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, &r.approved_by)?;
    let funds = event::FundsAppropriated {
        document_number: text("document_number", &r.document_number, SHORT)?,
        fiscal_year: number("fiscal_year", r.fiscal_year)?,
        amount: Rupiah::new(r.amount_rupiah),
    };
    Ok(programme(said, funds))
}

pub(crate) fn close_balance_period(r: &v1::CloseBalancePeriodRequest) -> Checked<Incoming<'_>> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, &r.approved_by)?;
    Ok(programme(said, event::BalancePeriodClosed { year: number("year", r.year)? }))
}

pub(crate) fn plan_run(r: &v1::PlanRunRequest) -> Checked<(RunId, Date, Said<'static>)> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, "")?;
    Ok((id("run_id", &r.run_id)?, date("as_of", r.as_of.as_ref())?, said))
}

pub(crate) fn approve_run(r: &v1::ApproveRunRequest) -> Checked<(RunId, Digest, Said<'static>)> {
    let said = said(r.occurred_at.as_ref(), &r.source_reference, "")?;
    Ok((id("run_id", &r.run_id)?, digest("items_sha256", &r.items_sha256)?, said))
}

/// What became of an instruction.
pub(crate) fn outcome(input: &v1::OutcomeInput) -> Checked<Incoming<'_>> {
    let occurred_at = required_timestamp("occurred_at", input.occurred_at.as_ref())?;
    let kind = code("kind", input.kind, OutcomeKind::from_number)?;
    let mut outcome = Outcome {
        instruction: Position(0),
        amount: amount("amount_rupiah", input.amount_rupiah, 0)?,
        transaction_reference: optional_text("transaction_reference", &input.transaction_reference, SHORT)?,
        raw_code: optional_text("raw_code", &input.raw_code, SHORT)?,
        code_system: optional_code("code_system", input.code_system, codes::CodeSystem::from_number)?,
        reason: optional_code("reason", input.reason, codes::Reason::from_number)?,
        account_fault: input.account_fault,
        evidence: optional_code("evidence", input.evidence, Evidence::from_number)?.unwrap_or(Evidence::Partner),
        evidence_reason: optional_text("evidence_reason", &input.evidence_reason, LONG)?,
    };
    // Only why money did not stay is looked up: a code beside a settlement moves nothing.
    if let (OutcomeKind::Rejected | OutcomeKind::Returned, None, Some(system)) =
        (kind, outcome.reason, outcome.code_system)
        && let Some(meaning) = reason_codes::meaning(system, &outcome.raw_code)
    {
        outcome.reason = Some(meaning.reason);
        outcome.account_fault |= meaning.account_fault;
    }
    let said = Said {
        occurred_at: Some(occurred_at),
        approved_by: approver(&input.approved_by)?,
        source_reference: optional_text("source_reference", &input.source_reference, SHORT)?,
    };
    let command = Command::ReportOutcome {
        partner: partner(input.partner)?,
        instruction: text("instruction", &input.instruction, SHORT)?,
        kind,
        outcome,
    };
    Ok(Incoming::new(said, command))
}

/// A partner.
pub(crate) fn partner(value: i32) -> Checked<Partner> {
    code("partner", value, Partner::from_number)
}
