//! The tables, read by DuckDB and by a reader of spreadsheets.

use std::collections::BTreeMap;
use std::path::Path;

use cohort_sim::SchemeName;
use ledger_tests::python::script;
use ledger_tests::server::text;
use replay_tool::export::tables::{Kind, Which};
use replay_tool::export::{How, workbook};
use replay_tool::known::Window;
use replay_tool::progress::Progress;
use replay_tool::source::Source;
use serde_json::Value;

use crate::history::{Accounts, History};
use crate::journals::{by_beancount, by_hledger, renamed};

#[derive(serde::Deserialize)]
struct Found {
    tables: BTreeMap<String, Table>,
    accounts: Accounts,
    participants: BTreeMap<String, Accounts>,
    differ: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Table {
    columns: Vec<(String, String)>,
    rows: u64,
}

fn read(kind: &str, path: &Path) -> Found {
    let output = script("read_tables.py", &[kind, path.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut found: Found = serde_json::from_slice(&output.stdout).expect("JSON");
    let not_zero = |accounts: &mut Accounts| accounts.retain(|_, amount| *amount != 0);
    not_zero(&mut found.accounts);
    found.participants.values_mut().for_each(not_zero);
    found
}

/// The CSV beside the Parquet, where the reader looks for it.
fn both(history: &History, clocks: &[&str]) -> (Found, Found) {
    let (csv, parquet) = (history.export("csv", clocks), history.export("parquet", clocks));
    let beside = csv.with_file_name(format!("{}-parquet", csv.file_name().expect("a name").to_string_lossy()));
    std::fs::rename(&parquet, &beside).expect("renamed");
    (read("csv", &csv), read("parquet", &beside))
}

fn people(history: &History) -> BTreeMap<String, Accounts> {
    let oracle = history.oracle();
    oracle.participants().map(|id| (id.to_string(), oracle.accounts(id))).collect()
}

/// hledger, Beancount, DuckDB, the reader of spreadsheets, the tool and the oracle.
#[test]
fn all_come_to_the_same_totals_to_the_rupiah() {
    for (participants, scheme) in [(150, SchemeName::SemiBansos), (90, SchemeName::Normal)] {
        let year = History::of_year(participants, scheme);
        let (oracle, people) = (year.oracle().totals(), people(&year));
        assert!(oracle.len() > 10, "{oracle:?}");
        assert_eq!(year.trial_balance(&[]), oracle, "replay-tool");
        assert_eq!(by_hledger(&year.export("hledger", &[]), &[]), oracle, "hledger");
        assert_eq!(renamed(&by_beancount(&year.export("beancount", &[])).accounts), oracle, "beancount");
        let (csv, parquet) = both(&year, &[]);
        let xlsx = read("xlsx", &year.export("xlsx", &[]));
        for (name, found) in [("csv", csv), ("parquet", parquet), ("xlsx", xlsx)] {
            assert_eq!(found.accounts, oracle, "{name}");
            assert_eq!(found.participants, people, "{name}");
            assert_eq!(found.tables["records"].rows, year.records, "{name}");
            assert_eq!(found.tables["participants"].rows, u64::from(participants), "{name}");
            assert!(found.differ.is_empty(), "{name}: {:?}", found.differ);
        }
    }
}

#[test]
fn tables_have_the_columns_that_the_code_says_and_none_is_empty() {
    let year = History::of_year(200, SchemeName::SemiBansos);
    let (csv, parquet) = both(&year, &[]);
    let xlsx = read("xlsx", &year.export("xlsx", &[]));
    for found in [&csv, &parquet, &xlsx] {
        assert_eq!(found.tables.len(), Which::ALL.len());
        for table in Which::ALL.iter().map(|which| which.table()) {
            let columns = &found.tables[table.name].columns;
            let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, table.columns.iter().map(|column| column.name).collect::<Vec<_>>(), "{}", table.name);
            assert!(found.tables[table.name].rows > 0, "{}: no test sees a row", table.name);
            assert_eq!(found.tables[table.name].rows, parquet.tables[table.name].rows, "{}", table.name);
        }
    }
    for table in Which::ALL.iter().map(|which| which.table()) {
        for (column, (_, found)) in table.columns.iter().zip(&parquet.tables[table.name].columns) {
            let expected = match column.kind {
                Kind::Text => "VARCHAR",
                Kind::Number | Kind::Rupiah => "BIGINT",
                Kind::Date => "DATE",
                Kind::Time => "TIMESTAMP WITH TIME ZONE",
                Kind::Flag => "BOOLEAN",
            };
            assert_eq!(found, expected, "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn tables_are_those_of_the_clocks() {
    let year = History::of_year(60, SchemeName::SemiBansos);
    let clocks = &["--as-of", "2020-09-30", "--known-at", "2020-12-01T00:00:00Z"];
    let (csv, parquet) = both(&year, clocks);
    assert_eq!(parquet.accounts, year.trial_balance(clocks));
    assert_ne!(parquet.accounts, year.trial_balance(&[]));
    assert_eq!((csv.accounts, csv.differ), (parquet.accounts, Vec::new()));
}

/// What was written for the state at the end agrees with what was written record by record.
#[test]
fn participants_columns_are_the_sums_of_their_postings() {
    let year = History::of_year(60, SchemeName::Normal);
    let folder = year.export("csv", &[]);
    let rows = |name: &str| -> Vec<BTreeMap<String, String>> {
        let text = std::fs::read_to_string(folder.join(name)).expect("a table");
        let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
        let heading: Vec<_> = lines.next().expect("a heading").split(',').map(str::to_owned).collect();
        lines.map(|line| heading.iter().cloned().zip(line.split(',').map(str::to_owned)).collect()).collect()
    };
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    for row in rows("postings.csv") {
        let account = row["account"].split(':').next().expect("a name").replace('-', "_");
        *sums.entry((row["participant"].clone(), account)).or_default() +=
            row["amount"].parse::<i64>().expect("rupiah");
    }
    sums.retain(|_, sum| *sum != 0);
    let mut standing = BTreeMap::new();
    for row in rows("participants.csv") {
        for name in AMOUNTS {
            standing.insert((row["participant"].clone(), name.to_owned()), row[name].parse::<i64>().expect("rupiah"));
        }
    }
    standing.retain(|_, amount| *amount != 0);
    assert_eq!(standing, sums);
}

const AMOUNTS: [&str; 13] = [
    "budget",
    "training_balance",
    "incentives_committed",
    "platform_unearned",
    "platform_earned",
    "in_transit",
    "received",
    "overpaid",
    "forfeited",
    "lapsed",
    "treasury_returned",
    "repaid",
    "repayments",
];

#[test]
fn a_table_that_is_longer_than_a_sheet_goes_on_in_the_next() {
    let year = History::of_year(12, SchemeName::Normal);
    let to = year.path("sheets.xlsx");
    let mut err = Vec::new();
    let how = How { window: Window::default(), threads: 1, progress: Progress::new(&mut err, false) };
    let known = workbook(&Source::Archive(year.path("archive")), &to, 101, how).expect("written");
    assert_eq!(known, year.records);
    let found = read("xlsx", &to);
    let sheets: Vec<_> = found.tables.iter().filter(|(name, _)| name.split(' ').next() == Some("postings")).collect();
    assert!(sheets.len() == 3, "{sheets:?}");
    assert!(found.tables["postings"].rows == 100 && found.tables["postings (2)"].rows == 100, "{sheets:?}");
    assert_eq!(found.accounts, year.oracle().totals());
}

/// A cell that begins like a formula is text.
#[test]
fn texts_are_never_formulas() {
    let year = History::of_year(3, SchemeName::Normal);
    let odd = year.changed(|record| record.actor = ledger_core::event::Text::Borrowed("=1+1,\"\n"));
    let (csv, parquet) = both(&odd, &[]);
    assert_eq!((csv.differ, csv.accounts), (Vec::new(), parquet.accounts));
    let output = std::process::Command::new(ledger_tests::python::interpreter())
        .args(["-c", "import openpyxl,sys,json;s=openpyxl.load_workbook(sys.argv[1])['records'];print(json.dumps([s['H2'].data_type,s['H2'].value]))"])
        .arg(odd.export("xlsx", &[]))
        .output()
        .expect("python");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_eq!(found, serde_json::json!(["s", "=1+1,\"\n"]));
}
