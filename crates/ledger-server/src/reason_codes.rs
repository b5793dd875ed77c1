//! What partners' codes mean in the ledger's vocabulary: one table of ISO 20022 external codes and of Bank Indonesia's
//! SNAP response codes, `docs/data/reason-codes.csv`. The raw code is recorded beside what it means.
//!
//! A SNAP response code has seven digits: HTTP status, service, case. The service says which call was answered, not why,
//! so the table goes by status and case. Rows are added, never changed: what was reported once must say the same again.

use std::collections::HashMap;
use std::sync::LazyLock;

use ledger_core::codes::{CodeSystem, Reason};

/// The table as it stands in the documentation.
const TABLE: &str = include_str!("../../../docs/data/reason-codes.csv");

/// What a code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The ledger's own reason.
    pub reason: Reason,
    /// Whether the fault lies with the account.
    pub account_fault: bool,
}

static MEANINGS: LazyLock<HashMap<(CodeSystem, &str), Meaning>> =
    LazyLock::new(|| TABLE.lines().skip(1).filter_map(row).collect());

fn row(line: &'static str) -> Option<((CodeSystem, &'static str), Meaning)> {
    let mut cells = line.splitn(5, ',');
    let mut cell = || cells.next();
    let key = (CodeSystem::from_code(cell()?)?, cell()?);
    Some((key, Meaning { reason: Reason::from_code(cell()?)?, account_fault: cell()?.parse().ok()? }))
}

/// What a code of a system means; `None` where the table does not say.
#[must_use]
pub fn meaning(system: CodeSystem, raw_code: &str) -> Option<Meaning> {
    match system {
        CodeSystem::Iso20022 => MEANINGS.get(&(system, raw_code)).copied(),
        CodeSystem::Snap => {
            let digits = raw_code.len() == 7 && raw_code.bytes().all(|byte| byte.is_ascii_digit());
            let code = digits.then(|| format!("{}-{}", &raw_code[..3], &raw_code[5..]))?;
            MEANINGS.get(&(system, code.as_str())).copied()
        }
        CodeSystem::Partner => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_says_one_thing() {
        let rows: Vec<_> = TABLE.lines().skip(1).collect();
        for line in &rows {
            let ((system, code), meaning) = row(line).unwrap_or_else(|| panic!("not read: {line}"));
            assert_eq!(line.splitn(5, ',').count(), 5, "{line}");
            let shape = match system {
                CodeSystem::Iso20022 => {
                    code.len() == 4 && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                }
                CodeSystem::Snap => code.len() == 6 && code.as_bytes()[3] == b'-',
                CodeSystem::Partner => false,
            };
            assert!(shape, "{line}");
            let raw = match system {
                CodeSystem::Snap => vec![code.replace('-', "17"), code.replace('-', "38")],
                _ => vec![code.to_owned()],
            };
            for raw in raw {
                assert_eq!(super::meaning(system, &raw), Some(meaning), "{line}");
                assert_eq!(super::meaning(CodeSystem::Partner, &raw), None, "a partner's own {raw} is no other's");
            }
        }
        assert_eq!(MEANINGS.len(), rows.len(), "no code twice");
    }

    #[test]
    fn each_reason_has_a_code_of_each_system_where_the_system_knows_it() {
        for reason in Reason::ALL {
            let known = |system| MEANINGS.iter().any(|((of, _), meaning)| *of == system && meaning.reason == *reason);
            assert!(known(CodeSystem::Iso20022), "{reason}");
            // A SNAP answer comes before money moved, and names no holder: it tells of neither.
            let beyond = [Reason::IdentityMismatch, Reason::ReturnedByHolder].contains(reason);
            assert_eq!(known(CodeSystem::Snap), !beyond, "{reason}");
        }
    }

    #[test]
    fn codes_that_the_table_does_not_have_say_nothing() {
        let rows = [
            (CodeSystem::Iso20022, "ac01"),
            (CodeSystem::Iso20022, "ZZ99"),
            (CodeSystem::Iso20022, ""),
            (CodeSystem::Iso20022, "404-11"),
            (CodeSystem::Snap, "404-11"),
            (CodeSystem::Snap, "404111"),
            (CodeSystem::Snap, "40418110"),
            (CodeSystem::Snap, "4é4811"),
            (CodeSystem::Snap, "2001800"),
            (CodeSystem::Snap, "AC01"),
        ];
        for (system, code) in rows {
            assert_eq!(meaning(system, code), None, "{system} {code:?}");
        }
    }
}
