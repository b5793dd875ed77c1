//! A script: who a played partner is, what becomes of its instructions and where it dies. A TOML file; nothing in it is
//! left to the machine or the hour.

use ledger_core::codes::Partner;
use ledger_proto::v1;
use serde::{Deserialize, Deserializer, de};

/// Most outcomes of one report, as the ledger takes them.
const MOST_ITEMS: usize = 8_190;

/// A partner's part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Who is played.
    #[serde(deserialize_with = "partner")]
    pub partner: Partner,
    /// Seed of everything that is drawn; the same script and seed do the same to the same instruction.
    #[serde(default = "one")]
    pub seed: u64,
    /// Outcomes of one report, at most.
    #[serde(default = "hundred")]
    pub batch: usize,
    /// Whether the outcomes of a report are shuffled.
    #[serde(default)]
    pub out_of_order: bool,
    /// Share of the reports that are sent again after their answer came, and of the outcomes that stand in a report twice.
    #[serde(default)]
    pub twice: f64,
    /// What becomes of instructions: one is drawn for each, in proportion to the weights.
    #[serde(rename = "fate")]
    pub fates: Vec<Fate>,
    /// Where the process ends itself, each once in the life of a book, one after the other.
    #[serde(rename = "death", default)]
    pub deaths: Vec<Death>,
}

/// What becomes of an instruction.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fate {
    /// How often, beside the other fates' weights.
    pub weight: u32,
    /// What the partner does.
    #[serde(rename = "do")]
    pub deed: Deed,
    /// Days from the instruction to the money's move, or to the decision that it will not move: from, to.
    #[serde(default = "next_day")]
    pub days: [u32; 2],
    /// Codes that a rejection or return gives, one is drawn: ISO 20022, or seven digits of SNAP.
    #[serde(default)]
    pub codes: Vec<String>,
}

/// What a partner does with an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Pays and says so.
    Pay,
    /// Says that it will, then pays and says so.
    AcceptThenPay,
    /// Never pays, and says why.
    Reject,
    /// Takes it on at once, is silent, and pays after `days`: past the expiry, if they are that many.
    PayLate,
    /// Takes it on at once, says the next day that it does not know, and that it paid after `days`.
    DoubtThenPay,
    /// Takes it on at once, says the next day that it does not know, and that it did not pay after `days`.
    DoubtThenReject,
    /// Pays and says so; after `days` more the money comes back.
    PayThenReturn,
    /// Pays, says so with a wrong amount, then with the right one.
    MisreportThenPay,
    /// Pays and says so, and only then that it will.
    AcceptAfterPay,
    /// Pays and never says so.
    PaySilently,
}

/// Where the process ends itself.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Death {
    /// The moment.
    pub at: Moment,
    /// How many such moments pass by before, counted from the start of the process.
    #[serde(default)]
    pub after: u64,
}

/// A moment at which to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// A message's instructions are in the book, nothing else was done.
    Taken,
    /// Money moved, nobody was told.
    Paid,
    /// The ledger answered a report, the book does not know.
    Told,
    /// In the middle of a line of the book.
    Writing,
}

const fn one() -> u64 {
    1
}

const fn hundred() -> usize {
    100
}

const fn next_day() -> [u32; 2] {
    [0, 1]
}

fn partner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Partner, D::Error> {
    let code = String::deserialize(deserializer)?;
    let known = || Partner::ALL.iter().map(|partner| partner.code()).collect::<Vec<_>>().join(", ");
    Partner::from_code(&code)
        .ok_or_else(|| de::Error::custom(format_args!("{code:?} is no partner: one of {}", known())))
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// It is none; the text says where and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let script: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if script.fates.iter().all(|fate| fate.weight == 0) {
            return Err("has no fate with a weight".to_owned());
        }
        if !(1..=MOST_ITEMS).contains(&script.batch) {
            return Err(format!("batch is {}, not 1 to {MOST_ITEMS}", script.batch));
        }
        for fate in &script.fates {
            if fate.days[0] > fate.days[1] {
                return Err(format!("{:?}: days are from, to", fate.deed));
            }
            let why = matches!(fate.deed, Deed::Reject | Deed::DoubtThenReject);
            if why && fate.codes.is_empty() {
                return Err(format!("{:?}: needs codes", fate.deed));
            }
        }
        Ok(script)
    }
}

/// Whose a code is: SNAP's are seven digits.
#[must_use]
pub fn system_of(code: &str) -> v1::CodeSystem {
    let digits = code.len() == 7 && code.bytes().all(|byte| byte.is_ascii_digit());
    if digits { v1::CodeSystem::Snap } else { v1::CodeSystem::Iso20022 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_is_none_is_refused_with_its_reason() {
        let rows = [
            ("partner = \"gopey\"\nfate = []", "\"gopey\" is no partner: one of bank, linkaja"),
            ("partner = \"gopay\"\nfate = []", "no fate"),
            ("partner = \"gopay\"\n[[fate]]\nweight = 0\ndo = \"pay\"", "no fate with a weight"),
            ("partner = \"gopay\"\n[[fate]]\nweight = 1\ndo = \"reject\"", "needs codes"),
            ("partner = \"gopay\"\n[[fate]]\nweight = 1\ndo = \"forget\"", "unknown variant `forget`"),
            ("partner = \"gopay\"\n[[fate]]\nweight = 1\ndo = \"pay\"\ndays = [2, 1]", "from, to"),
            ("partner = \"gopay\"\nbatch = 0\n[[fate]]\nweight = 1\ndo = \"pay\"", "batch is 0"),
            ("partner = \"gopay\"\nspeed = 1\n[[fate]]\nweight = 1\ndo = \"pay\"", "unknown field `speed`"),
        ];
        for (text, expected) in rows {
            let refused = Script::parse(text).expect_err(expected);
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[test]
    fn seven_digits_are_snap() {
        assert_eq!(system_of("4041811"), v1::CodeSystem::Snap);
        assert_eq!((system_of("AC04"), system_of("404181")), (v1::CodeSystem::Iso20022, v1::CodeSystem::Iso20022));
    }
}
