//! The journals, read by hledger and Beancount themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use cohort_sim::SchemeName;
use ledger_core::codes::Auth;
use ledger_core::event::Text;
use ledger_tests::hledger::hledger;
use ledger_tests::python::script;
use ledger_tests::server::text;

use crate::history::{Accounts, History, own_names};

/// Some 20,000 events.
static YEAR: LazyLock<History> = LazyLock::new(|| History::of_year(1_100, SchemeName::SemiBansos));

/// The clocks of a question: all, a day, what was known, and both.
const CLOCKS: [&[&str]; 4] = [
    &[],
    &["--as-of", "2020-10-31"],
    &["--known-at", "2020-09-01T00:00:00Z"],
    &["--as-of", "2020-12-31", "--known-at", "18000"],
];

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What hledger finds in a journal, strictly: every account declared, every assertion held.
pub(crate) fn by_hledger(journal: &Path, query: &[&str]) -> Accounts {
    let csv = good(&hledger(journal, &[&["balance", "-s", "--flat", "-N", "-O", "csv"], query].concat()));
    let rows = csv.lines().skip(1).map(|line| {
        let (name, amount) = line.split_once(',').expect("two columns");
        let amount = amount.trim_matches('"').trim_end_matches(" IDR");
        (name.trim_matches('"'), amount.parse().expect("whole rupiah"))
    });
    own_names(rows)
}

#[derive(serde::Deserialize)]
pub(crate) struct Said {
    pub(crate) accounts: BTreeMap<String, i64>,
    participants: BTreeMap<String, BTreeMap<String, i64>>,
}

pub(crate) fn by_beancount(journal: &Path) -> Said {
    let said = good(&script("beancount_balances.py", &[journal.to_str().expect("UTF-8")]));
    serde_json::from_str(&said).expect("JSON")
}

pub(crate) fn renamed(accounts: &BTreeMap<String, i64>) -> Accounts {
    own_names(accounts.iter().map(|(name, amount)| (name.as_str(), *amount)))
}

#[test]
fn hledger_and_beancount_come_to_the_tools_trial_balance_at_every_clock() {
    assert!(YEAR.records > 18_000, "{}", YEAR.records);
    for clocks in CLOCKS {
        let expected = YEAR.trial_balance(clocks);
        assert!(expected.len() > 10, "{expected:?}");
        assert_eq!(by_hledger(&YEAR.export("hledger", clocks), &[]), expected, "hledger {clocks:?}");
        assert_eq!(
            renamed(&by_beancount(&YEAR.export("beancount", clocks)).accounts),
            expected,
            "beancount {clocks:?}"
        );
    }
}

#[test]
fn both_find_each_participants_money_where_the_oracle_does() {
    let year = History::of_year(60, SchemeName::Normal);
    let oracle = year.oracle();
    let (journal, beancount) = (year.export("hledger", &[]), by_beancount(&year.export("beancount", &[])));
    assert_eq!(renamed(&beancount.accounts), oracle.totals());
    let mut asked = 0;
    for id in oracle.participants() {
        let (name, expected) = (id.to_string(), oracle.accounts(id));
        assert_eq!(renamed(&beancount.participants[&name]), expected, "{name}");
        if asked < 5 {
            assert_eq!(by_hledger(&journal, &[&format!("tag:participant={name}")]), expected, "{name}");
            asked += 1;
        }
    }
    assert_eq!(beancount.participants.len(), 60);
}

/// Each account moved by one rupiah, so that the transaction still balances: only an assertion can tell.
#[test]
fn a_journal_that_was_changed_afterwards_fails_its_assertions() {
    let year = History::of_year(20, SchemeName::SemiBansos);
    for format in ["hledger", "beancount"] {
        let journal = year.export(format, &[]);
        let honest = std::fs::read_to_string(&journal).expect("text");
        let changed = honest.replacen(" -1000000 IDR", " -1000001 IDR", 1).replacen(" 1000000 IDR", " 1000001 IDR", 1);
        assert_ne!(honest, changed);
        std::fs::write(&journal, changed).expect("written");
        let said = match format {
            "hledger" => hledger(&journal, &["check"]),
            _ => script("beancount_balances.py", &[journal.to_str().expect("UTF-8")]),
        };
        let what = text(&said.stderr).to_lowercase();
        assert!(!said.status.success() && what.contains("balance"), "{format}: {what}");
    }
}

/// Whatever people wrote, a journal stays one.
#[test]
fn texts_that_mean_something_to_the_tools_do_no_harm() {
    let year = History::of_year(10, SchemeName::Normal);
    let odd = year.changed(|record| {
        record.actor = Text::Borrowed("programme/a, item: b; \"c\\\n2020-01-01 open Assets:X  ; é");
        record.approved_by = Some(Text::Borrowed("\u{0}|@ = 5 IDR"));
        record.source_reference = Text::Borrowed("\\");
        record.auth = Auth::Insecure;
    });
    let expected = year.trial_balance(&[]);
    assert_eq!(by_hledger(&odd.export("hledger", &[]), &[]), expected);
    assert_eq!(renamed(&by_beancount(&odd.export("beancount", &[])).accounts), expected);
}

#[test]
fn bean_check_accepts_it() {
    let year = History::of_year(20, SchemeName::SemiBansos);
    let journal = year.export("beancount", &[]);
    let check = ledger_tests::python::interpreter().with_file_name("bean-check");
    let said = std::process::Command::new(check).arg(&journal).output().expect("bean-check");
    assert_eq!((good(&said), text(&said.stderr)), (String::new(), String::new()));
}
