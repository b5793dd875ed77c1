//! What a check says: always the same shape, so that it can be cited, sorted and explained.

use ledger_core::Rupiah;
use ledger_core::ids::ParticipantId;
use serde::{Serialize, Serializer};

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
}

macro_rules! rules {
    ($($(#[$doc:meta])+ $name:ident, $code:literal, $next:literal;)+) => {
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
        }
    };
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
        }
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
