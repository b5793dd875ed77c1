//! What a check says: always the same shape, so that it can be cited, sorted and explained.

use ledger_core::Rupiah;
use ledger_core::ids::ParticipantId;
use serde::{Serialize, Serializer};

pub use crate::rule::Rule;
use crate::rule::filled;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule and where it was broken: the same log gives the same ids.
    pub id: String,
    /// The rule.
    pub rule: Rule,
    /// Whose money or record it is.
    #[serde(serialize_with = "text_or_null")]
    pub participant: Option<ParticipantId>,
    /// Positions of the records behind it; empty where no single record is to blame.
    pub positions: Vec<u64>,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// The money at stake, rupiah.
    #[serde(serialize_with = "text_or_null")]
    pub amount: Option<Rupiah>,
    /// What a person should do next.
    pub next: &'static str,
    /// The values in the texts of [`Rule::texts`], for who tells them in another language; empty where a finding has words
    /// of its own.
    #[serde(skip)]
    pub values: Vec<String>,
}

impl Finding {
    /// A finding about the log as a whole.
    #[must_use]
    pub fn new(rule: Rule, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            id: rule.code().to_owned(),
            rule,
            participant: None,
            positions: Vec::new(),
            expected: expected.into(),
            found: found.into(),
            amount: None,
            next: rule.next(),
            values: Vec::new(),
        }
    }

    /// A finding in the words of its rule's texts.
    #[must_use]
    pub fn told(rule: Rule, values: Vec<String>) -> Self {
        let (expected, found) = rule.texts().unwrap_or_default();
        Self { values: values.clone(), ..Self::new(rule, filled(expected, &values), filled(found, &values)) }
    }

    /// The same finding with a further record behind it; the id stays.
    #[must_use]
    pub fn with(mut self, position: u64) -> Self {
        if !self.positions.contains(&position) {
            self.positions.push(position);
        }
        self
    }

    /// The same finding about one of several things that can be wrong at the same place; goes into the id.
    #[must_use]
    pub fn about(mut self, what: impl std::fmt::Display) -> Self {
        self.id = format!("{}/{what}", self.id);
        self
    }

    /// The same finding about the record at a position.
    #[must_use]
    pub fn at_position(mut self, position: u64) -> Self {
        self.positions.push(position);
        self.id = format!("{}@{position}", self.id);
        self
    }

    /// The same finding about a participant.
    #[must_use]
    pub fn of(mut self, participant: ParticipantId) -> Self {
        self.participant = Some(participant);
        self.id = format!("{}@{participant}", self.id);
        self
    }

    /// The same finding with the money at stake, rupiah.
    #[must_use]
    pub fn worth(mut self, amount: Rupiah) -> Self {
        self.amount = Some(amount);
        self
    }

    /// What is looked at, in words: rule, position, participant.
    #[must_use]
    pub fn at(&self) -> String {
        let mut text = self.rule.to_string();
        if let Some(position) = self.positions.first() {
            text.push_str(&format!(" at position {position}"));
        }
        if let Some(participant) = self.participant {
            text.push_str(&format!(", participant {participant}"));
        }
        text
    }
}

fn text_or_null<S: Serializer>(value: &Option<impl std::fmt::Display>, s: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => s.collect_str(value),
        None => s.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_every_rule_says_what_to_do() {
        let mut codes: Vec<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Rule::ALL.len());
        assert!(Rule::ALL.iter().all(|rule| !rule.next().is_empty()));
    }

    #[test]
    fn json_has_the_published_shape() {
        let participant = "00000000-0000-0000-0000-000000000001".parse().expect("an id");
        let finding = Finding::new(Rule::BelowZero, "0 or more", "-5").at_position(7).of(participant);
        let json = serde_json::to_value(finding.worth(Rupiah::new(5))).expect("serializable");
        let expected = serde_json::json!({
            "id": "below-zero@7@00000000-0000-0000-0000-000000000001",
            "rule": "below-zero",
            "participant": "00000000-0000-0000-0000-000000000001",
            "positions": [7],
            "expected": "0 or more",
            "found": "-5",
            "amount": "5",
            "next": Rule::BelowZero.next(),
        });
        assert_eq!(json, expected);
    }
}
