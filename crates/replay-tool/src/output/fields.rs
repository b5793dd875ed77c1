//! The fields of each event, by name: for JSON (rupiah as strings, dates in ISO 8601) and for people.

use std::fmt;

use ledger_core::Rupiah;
use ledger_core::event::{Event, HeldTotal, Outcome, Total};
use ledger_core::scheme::Scheme;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Named values in the order of the event's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Value)>);

/// A field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Not given.
    None,
    /// Text, an id, a date, a digest.
    Text(String),
    /// A count, a number, a year.
    Number(i64),
    /// Rupiah.
    Rupiah(Rupiah),
    /// Yes or no.
    Flag(bool),
    /// Several.
    List(Vec<Value>),
    /// Named values.
    Fields(Fields),
}

impl Fields {
    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }

    fn text(self, name: &'static str, text: impl fmt::Display) -> Self {
        self.with(name, Value::Text(text.to_string()))
    }

    /// Text that may be missing or empty.
    fn maybe(self, name: &'static str, text: Option<impl fmt::Display>) -> Self {
        let text = text.map(|text| text.to_string()).filter(|text| !text.is_empty());
        self.with(name, text.map_or(Value::None, Value::Text))
    }

    fn number(self, name: &'static str, number: impl Into<i64>) -> Self {
        self.with(name, Value::Number(number.into()))
    }

    fn rupiah(self, name: &'static str, amount: Rupiah) -> Self {
        self.with(name, Value::Rupiah(amount))
    }

    fn total(self, name: &'static str, total: &Total) -> Self {
        self.with(name, Value::Fields(Fields::default().count("count", total.count).rupiah("amount", total.amount)))
    }

    fn count(self, name: &'static str, count: u64) -> Self {
        self.number(name, i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The same in the order of their names, at every depth.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by_key(|(name, _)| *name);
        self.0.iter_mut().for_each(|(_, value)| value.sort());
        self
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// The fields of an event.
#[must_use]
pub fn of(event: &Event<'_>) -> Fields {
    let f = Fields::default();
    match event {
        Event::Selected(e) => f
            .number("wave", e.wave.0)
            .text("identity_digest", e.identity_digest)
            .text("identity_key_id", &e.identity_key_id)
            .text("family_card_digest", e.family_card_digest)
            .text("region", e.region),
        Event::PayoutAccountLinked(e) => f
            .text("link", e.link)
            .text("partner", e.partner)
            .text("account_token", &e.account_token)
            .text("holder_identity_digest", e.holder_identity_digest),
        Event::PayoutAccountUnlinked(e) => f.text("link", e.link),
        Event::TrainingBought(e) => f
            .text("purchase", e.purchase)
            .text("course", &e.course)
            .text("platform", e.platform)
            .text("provider", &e.provider)
            .rupiah("price", e.price),
        Event::PurchaseCancelled(e) => f
            .text("purchase", e.purchase)
            .maybe("reason", Some(&e.reason))
            .maybe("refund_reference", Some(&e.refund_reference)),
        Event::TrainingCompleted(e) => f.text("purchase", e.purchase),
        Event::CompletionWithdrawn(e) => {
            f.text("purchase", e.purchase).text("case", e.case).maybe("reason", Some(&e.reason))
        }
        Event::CertificateIssued(e) => f.text("purchase", e.purchase).text("certificate_number", &e.certificate_number),
        Event::TrainingReviewed(e) => f.text("purchase", e.purchase).number("rating", e.rating),
        Event::SurveyFilled(e) => f.number("number", e.number),
        Event::MembershipRevoked(e) => f.text("case", e.case).text("ground", e.ground),
        Event::MembershipReinstated(e) => f
            .text("case", e.case)
            .maybe("reason", Some(&e.reason))
            .maybe("first_purchase_deadline", e.first_purchase_deadline),
        Event::PayoutInstructed(e) => f
            .text("entitlement", e.entitlement)
            .number("attempt", e.attempt)
            .text("due", e.due)
            .rupiah("amount", e.amount)
            .text("partner", e.partner)
            .text("link", e.link)
            .text("run", e.run)
            .text("expires_on", e.expires_on),
        Event::PayoutAccepted(e) => outcome(f, &e.outcome),
        Event::PayoutSettled(e) => outcome(f, &e.outcome),
        Event::PayoutRejected(e) => outcome(f, &e.outcome),
        Event::PayoutReturned(e) => outcome(f, &e.outcome),
        Event::PayoutInDoubt(e) => outcome(f, &e.outcome),
        Event::InstructionRecalled(e) => f.text("instruction", e.instruction.reference()),
        Event::OutcomeException(e) => f
            .text("partner", e.partner)
            .maybe("instruction", Some(&e.instruction))
            .text("kind", e.kind)
            .with("outcome", Value::Fields(outcome(Fields::default(), &e.outcome)))
            .text("cause", e.cause),
        Event::ExceptionResolved(e) => f
            .text("partner", e.partner)
            .maybe("transaction_reference", Some(&e.transaction_reference))
            .text("kind", e.kind)
            .text("resolution", &e.resolution),
        Event::IneligibilityFound(e) => f
            .text("source", &e.source)
            .text("case_number", &e.case_number)
            .text("evidence_date", e.evidence_date)
            .text("effective_date", e.effective_date),
        Event::IneligibilityWithdrawn(e) => f.text("source", &e.source).text("case_number", &e.case_number),
        Event::RepaymentDemanded(e) => {
            f.text("demand", e.demand).text("component", e.component).rupiah("amount", e.amount)
        }
        Event::RepaymentReceived(e) => {
            f.text("demand", e.demand).text("receipt_number", &e.receipt_number).rupiah("amount", e.amount)
        }
        Event::SchemeEnacted(e) => scheme(f, &e.scheme),
        Event::WaveOpened(e) => {
            f.number("wave", e.wave.0).text("scheme", &e.scheme).number("year", e.year).number("quota", e.quota)
        }
        Event::WaveClosed(e) => f.number("wave", e.wave.0),
        Event::FundsAppropriated(e) => f
            .text("document_number", &e.document_number)
            .number("fiscal_year", e.fiscal_year)
            .rupiah("amount", e.amount),
        Event::BalancePeriodClosed(e) => f.number("year", e.year),
        Event::DisbursementRunPlanned(e) => {
            let total = |t: &ledger_core::event::PartnerTotal| {
                let f = Fields::default().text("partner", t.partner).count("count", t.total.count);
                Value::Fields(f.rupiah("amount", t.total.amount))
            };
            f.text("run", e.run)
                .text("as_of", e.as_of)
                .count("known_at", e.known_at)
                .with("totals", Value::List(e.totals.iter().map(total).collect()))
                .text("items_digest", e.items_digest)
        }
        Event::DisbursementRunApproved(e) => f.text("run", e.run).text("items_digest", e.items_digest),
        Event::DisbursementRunClosed(e) => {
            let total = |t: &HeldTotal| {
                let f = Fields::default().text("reason", t.reason).count("count", t.total.count);
                Value::Fields(f.rupiah("amount", t.total.amount))
            };
            f.text("run", e.run)
                .total("instructed", &e.instructed)
                .total("held", &e.held)
                .with("held_by", Value::List(e.held_by.iter().map(total).collect()))
        }
        Event::StatementReconciled(e) => f
            .text("partner", e.partner)
            .text("file_digest", e.file_digest)
            .text("period_from", e.period_from)
            .text("period_to", e.period_to)
            .total("matched", &e.matched)
            .total("missing", &e.missing)
            .total("extra", &e.extra)
            .total("other_amount", &e.other_amount)
            .total("other_day", &e.other_day),
    }
}

fn outcome(fields: Fields, e: &Outcome<'_>) -> Fields {
    fields
        .text("instruction", e.instruction.reference())
        .rupiah("amount", e.amount)
        .maybe("transaction_reference", Some(&e.transaction_reference))
        .maybe("raw_code", Some(&e.raw_code))
        .maybe("code_system", e.code_system)
        .maybe("reason", e.reason)
        .with("account_fault", Value::Flag(e.account_fault))
        .text("evidence", e.evidence)
        .maybe("evidence_reason", Some(&e.evidence_reason))
}

fn scheme(fields: Fields, e: &Scheme<'_>) -> Fields {
    let amounts = |list: &[Rupiah]| Value::List(list.iter().map(|amount| Value::Rupiah(*amount)).collect());
    let days = |list: &[u16]| Value::List(list.iter().map(|days| Value::Number((*days).into())).collect());
    let day = |d: ledger_core::scheme::MonthDay| format!("--{:02}-{:02}", d.month, d.day);
    fields
        .text("scheme", &e.scheme)
        .rupiah("training_aid", e.training_aid)
        .with("training_incentives", amounts(&e.training_incentives))
        .with("survey_incentives", amounts(&e.survey_incentives))
        .number("first_purchase_days", e.first_purchase_days)
        .text("balance_last_day", day(e.balance_last_day))
        .text("complete_by", day(e.complete_by))
        .number("first_incentive_days", e.first_incentive_days)
        .with("survey_opening_days", days(&e.survey_opening_days))
        .number("survey_due_days", e.survey_due_days)
        .number("instruction_expiry_days", e.instruction_expiry_days)
        .number("max_participants_per_family_card", e.max_participants_per_family_card)
}

impl Value {
    fn sort(&mut self) {
        match self {
            Self::List(values) => values.iter_mut().for_each(Self::sort),
            Self::Fields(fields) => *fields = std::mem::take(fields).sorted(),
            Self::None | Self::Text(_) | Self::Number(_) | Self::Rupiah(_) | Self::Flag(_) => {}
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => s.serialize_none(),
            Self::Text(text) => s.serialize_str(text),
            Self::Number(number) => s.serialize_i64(*number),
            Self::Rupiah(amount) => s.collect_str(amount),
            Self::Flag(flag) => s.serialize_bool(*flag),
            Self::List(values) => {
                let mut list = s.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Fields(fields) => fields.serialize(s),
        }
    }
}

impl fmt::Display for Value {
    /// For people: rupiah with dots, digests cut after 8 digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("-"),
            Self::Text(text) if is_digest(text) => write!(f, "{}..", &text[..8]),
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Rupiah(amount) => write!(f, "Rp{}", super::text::rupiah(*amount)),
            Self::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Self::List(values) => {
                for (place, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if place == 0 { "" } else { " + " })?;
                }
                Ok(())
            }
            Self::Fields(fields) => fields.fmt(f),
        }
    }
}

impl fmt::Display for Fields {
    /// `name value, name value`, without what is not given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.0.iter().filter(|(_, value)| !matches!(value, Value::None | Value::Flag(false)));
        for (place, (name, value)) in given.enumerate() {
            write!(f, "{}{} {value}", if place == 0 { "" } else { ", " }, name.replace('_', " "))?;
        }
        Ok(())
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
