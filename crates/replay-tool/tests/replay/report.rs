//! The report's page, looked at in Chromium: nothing is loaded, nothing complains, and every table has the figures of the other
//! commands' JSON.

use std::collections::BTreeMap;
use std::path::Path;

use ledger_core::codes::{Auth, OutcomeKind};
use ledger_core::event::{IneligibilityFound, SurveyFilled, Text};
use ledger_core::{Meta, NewEvent};
use serde_json::Value;

use crate::browser::look;
use crate::support::*;

/// A year of a small cohort, with runs, outcomes, revocations and closings, as an archive.
fn year(folder: &Path) -> String {
    let parameters =
        cohort_sim::Parameters::new(300, 11, cohort_sim::SchemeName::SemiBansos, cohort_sim::Scenario::Year);
    let archive = folder.join("archive");
    cohort_sim::archive::write(&parameters, u64::MAX, &archive).expect("written");
    archive.to_str().expect("UTF-8").to_owned()
}

fn number(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.parse().unwrap_or_else(|_| panic!("{text} is no number")),
        Value::Number(number) => number.as_i64().expect("whole"),
        other => panic!("{other} is no number"),
    }
}

/// A table as rows of figures by the code of the row; the foot is the row `sum`.
fn figures(seen: &Value, table: &str) -> BTreeMap<String, Vec<i64>> {
    let table = &seen["tables"][table];
    let row = |row: &Value| {
        let cells = row.as_array().expect("cells");
        let numbers = cells.iter().filter(|cell| cell["n"].is_string()).map(|cell| number(&cell["n"])).collect();
        (cells[0]["key"].as_str().expect("a code").to_owned(), numbers)
    };
    let rows = table["rows"].as_array().unwrap_or_else(|| panic!("no table in {table}"));
    rows.iter().map(row).chain(table["foot"].is_array().then(|| row(&table["foot"]))).collect()
}

fn json(archive: &str, args: &[&str]) -> Value {
    tool(&[args, &["--archive", archive, "--json"]].concat()).json()
}

/// Writes a report and looks at it.
fn report(archive: &str, desk: &Path, more: &[&str]) -> Value {
    let file = desk.join(format!("{}.html", more.join("").replace(['-', ':'], "")));
    let path = file.to_str().expect("UTF-8");
    let said = tool(&[&["report", "--html", path, "--archive", archive], more].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    look(&file, desk)
}

/// The sums of the columns that tables show of accounts: training, bought, committed, in transit, received, treasury.
fn columns(accounts: &BTreeMap<String, i64>) -> Vec<i64> {
    let sum = |names: &[&str]| {
        let named = |account: &str| names.iter().any(|name| account.split(':').next() == Some(name));
        accounts.iter().filter(|(account, _)| named(account)).map(|(_, amount)| amount).sum()
    };
    vec![
        sum(&["training-balance"]),
        sum(&["platform-unearned", "platform-earned"]),
        sum(&["incentives-committed"]),
        sum(&["in-transit"]),
        sum(&["received"]),
        sum(&["forfeited", "lapsed", "treasury-returned"]),
    ]
}

/// The accounts of a trial balance, or of a participant.
fn amounts(accounts: &Value) -> BTreeMap<String, i64> {
    match accounts {
        Value::Array(lines) => lines
            .iter()
            .map(|line| (line["account"].as_str().expect("a name").to_owned(), number(&line["amount"])))
            .collect(),
        Value::Object(map) => map.iter().map(|(account, amount)| (account.clone(), number(amount))).collect(),
        other => panic!("{other}"),
    }
}

fn day(date: &str) -> i64 {
    let date: ledger_core::time::Date = date.parse().expect("a date");
    date.days().into()
}

/// What is due by a day and not paid, by reason: count and rupiah.
fn waiting(people: &Value, as_of: &str) -> BTreeMap<String, (i64, i64)> {
    let mut sums = BTreeMap::new();
    for entitlement in people["participants"].as_array().expect("a list").iter().flat_map(entitlements) {
        let due = entitlement["due"].as_str().is_some_and(|due| day(due) <= day(as_of));
        let reason = match (entitlement["status"].as_str().expect("a status"), entitlement["held"].as_str()) {
            ("payable", _) | ("held", Some("funds")) => "payable",
            ("held", Some(reason)) => reason,
            (status @ ("in-transit" | "in-doubt"), _) => status,
            _ => continue,
        };
        if due {
            let sum: &mut (i64, i64) = sums.entry(reason.to_owned()).or_default();
            *sum = (sum.0 + 1, sum.1 + number(&entitlement["amount"]));
        }
    }
    sums
}

fn entitlements(person: &Value) -> impl Iterator<Item = &Value> {
    person["entitlements"].as_array().expect("a list").iter()
}

#[test]
fn the_page_shows_what_the_other_commands_say() {
    let desk = tempfile::tempdir().expect("a folder");
    let archive = year(desk.path());
    let seen = report(&archive, desk.path(), &["--lang", "en"]);
    nothing_complains(&seen);

    let trial_balance = json(&archive, &["trial-balance"]);
    let as_of = trial_balance["as_of"].as_str().expect("a day").to_owned();
    let totals = amounts(&trial_balance["accounts"]);
    let mut accounts: BTreeMap<_, _> = totals.iter().map(|(account, sum)| (account.clone(), vec![*sum])).collect();
    accounts.insert("sum".to_owned(), vec![0]);
    assert_eq!(figures(&seen, "accounts"), accounts);

    let people = json(&archive, &["balances"]);
    let list = people["participants"].as_array().expect("a list");
    let mut waves: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let mut lost: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for person in list {
        let accounts = amounts(&person["accounts"]);
        let wave = waves.entry(person["wave"].to_string()).or_default();
        accounts.iter().for_each(|(account, amount)| *wave.entry(account.clone()).or_default() += amount);
        let status = lost.entry(person["status"].as_str().expect("a status")).or_insert_with(|| vec![0; 3]);
        for (sum, account) in status.iter_mut().zip(["forfeited", "lapsed", "treasury-returned"]) {
            *sum += accounts.get(account).copied().unwrap_or_default();
        }
    }
    for (wave, numbers) in figures(&seen, "waves") {
        let of_wave = list.iter().filter(|person| number(&person["wave"]).to_string() == wave);
        assert_eq!(numbers[1], i64::try_from(of_wave.count()).expect("few"), "wave {wave}");
        assert_eq!(figures(&seen, "waves-money")[&wave], columns(&waves[&wave]), "wave {wave}");
    }
    let forfeits = figures(&seen, "forfeits");
    assert!(forfeits.len() > 3, "several grounds: {forfeits:?}");
    assert_eq!(forfeits["live"][2..], lost["live"]);
    assert_eq!(forfeits["sum"][2..], ["forfeited", "lapsed", "treasury-returned"].map(|account| totals[account]));

    let provinces = figures(&seen, "provinces");
    assert_eq!(figures(&seen, "provinces-money")["sum"], columns(&totals));
    for table in ["provinces", "provinces-money"] {
        let shown = figures(&seen, table);
        let parts = shown.iter().filter(|(code, _)| *code != "sum").map(|(_, row)| row);
        let sum = parts.fold(vec![0; 6], |sum, row| sum.iter().zip(row).map(|(a, b)| a + b).collect());
        assert_eq!(sum, shown["sum"], "{table}: the provinces are everybody");
    }

    // A partner's money without an outcome is what is in transit there; what all paid is what people received.
    let partners = figures(&seen, "partners-money");
    for (partner, row) in partners.iter().filter(|(partner, _)| *partner != "sum") {
        assert_eq!(row[2] + row[3], totals[&format!("in-transit:{partner}")], "{partner}");
        assert_eq!(row[0], row[1..].iter().sum::<i64>(), "{partner}: every instruction is somewhere");
    }
    assert_eq!(partners["sum"][1], totals["received"]);

    let mut lateness = vec![vec![0; 2]; 9];
    for entitlement in list.iter().flat_map(entitlements) {
        if let (Some(due), Some(paid)) = (entitlement["due"].as_str(), entitlement["settled_on"].as_str()) {
            let class =
                [-1, 0, 3, 7, 14, 30, 60, 90].iter().position(|last| day(paid) - day(due) <= *last).unwrap_or(8);
            lateness[class][0] += 1;
            lateness[class][1] += number(&entitlement["amount"]);
        }
    }
    let classes = ["..-1", "0", "1..3", "4..7", "8..14", "15..30", "31..60", "61..90", "91.."];
    let shown = figures(&seen, "lateness");
    assert!(lateness.iter().filter(|class| class[0] > 0).count() > 1, "{lateness:?}");
    for (class, expected) in classes.iter().zip(&lateness) {
        assert_eq!(shown[*class][..2], **expected, "{class}");
    }

    let mut now: BTreeMap<_, _> = figures(&seen, "held-now");
    let sum = now.remove("sum").expect("a foot");
    now.retain(|_, row| row[0] != 0);
    let expected = waiting(&people, &as_of);
    assert_eq!(now, expected.iter().map(|(reason, (count, sum))| (reason.clone(), vec![*count, *sum])).collect());
    assert_eq!(sum[0], shown["sum"][2], "what waits has waited for some days");
    // The audit counts by rules of its own, and comes to the same.
    let audit = json(&archive, &["audit"]);
    let (mine, theirs) = (figures(&seen, "waves"), audit["totals"]["waves"].as_array().expect("waves"));
    for wave in theirs {
        let numbers = ["quota", "selected", "revoked", "unlocked"].map(|key| number(&wave[key]));
        assert_eq!(mine[&wave["wave"].to_string()], numbers, "{wave}");
    }
    let cut_offs = figures(&seen, "cut-offs");
    let theirs = audit["totals"]["d1_d2_cut_offs"].as_array().expect("cut-offs");
    assert_eq!(cut_offs.len(), theirs.len());
    for at in theirs {
        let keys =
            ["unfinished_purchases", "unfinished", "left_treasury", "received", "on_the_way", "back_in_treasury"];
        assert_eq!(cut_offs[at["date"].as_str().expect("a day")], keys.map(|key| number(&at[key])));
    }
    let d9 = &audit["totals"]["d9_irregular"]["settled_twice"];
    assert_eq!(
        figures(&seen, "answers")["d9_irregular.settled_twice"],
        ["count", "amount"].map(|key| number(&d9[key]))
    );
    let unlocked = figures(&seen, "summary")["unlocked"][0];
    assert!(unlocked > 0 && unlocked == provinces["sum"][2], "{provinces:?}");
}

#[test]
fn each_day_of_the_page_is_what_was_asked_for_that_day() {
    let desk = tempfile::tempdir().expect("a folder");
    let archive = year(desk.path());
    let seen = report(&archive, desk.path(), &["--lang", "id"]);
    nothing_complains(&seen);
    let (months, held) = (figures(&seen, "months"), figures(&seen, "held"));
    assert!(months.len() > 8 && months.len() == held.len(), "{months:?}");
    let mut reasons = 0;
    for (day, shown) in &months {
        let totals = amounts(&json(&archive, &["trial-balance", "--as-of", day])["accounts"]);
        let columns = columns(&totals);
        assert_eq!(*shown, [columns[1], columns[3], columns[4], columns[5]], "{day}");

        let known_at = format!("{day}T23:59:59.999999999+07:00");
        let people = json(&archive, &["balances", "--as-of", day, "--known-at", &known_at]);
        let expected = waiting(&people, day);
        let codes = ["payable", "in-transit", "in-doubt", "no-account", "account-fault", "ineligible"];
        let codes = codes.into_iter().chain(["membership-revoked", "wave-closed"]);
        let counts: Vec<_> = codes.map(|code| expected.get(code).map_or(0, |(count, _)| *count)).collect();
        assert_eq!(held[day][..8], counts, "{day}");
        let all: (i64, i64) = expected.values().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        assert_eq!(held[day][8..], [all.0, all.1], "{day}");
        reasons = reasons.max(expected.len());
    }
    assert!(reasons > 2, "several reasons on one day");
}

#[test]
fn a_report_of_a_day_as_known_on_another_is_of_both_clocks() {
    let desk = tempfile::tempdir().expect("a folder");
    let archive = year(desk.path());
    let clocks = ["--as-of", "2020-08-15", "--known-at", "2020-09-30T17:00:00Z"];
    let seen = report(&archive, desk.path(), &[&clocks[..], &["--lang", "id"]].concat());
    nothing_complains(&seen);
    let totals = amounts(&json(&archive, &[&["trial-balance"], &clocks[..]].concat())["accounts"]);
    let mut shown = figures(&seen, "accounts");
    shown.remove("sum");
    assert_eq!(shown, totals.into_iter().map(|(account, sum)| (account, vec![sum])).collect());
    let expected = waiting(&json(&archive, &[&["balances"], &clocks[..]].concat()), "2020-08-15");
    let mut now = figures(&seen, "held-now");
    now.retain(|code, row| code != "sum" && row[0] != 0);
    assert_eq!(now, expected.iter().map(|(reason, (count, sum))| (reason.clone(), vec![*count, *sum])).collect());
    // The same with any number of threads.
    let one = report(&archive, desk.path(), &[&clocks[..], &["--lang", "id", "--threads", "5"]].concat());
    assert_eq!(one["tables"], seen["tables"]);
}

/// A ledger whose keeper let pass what must not pass.
fn faulty() -> Ledger {
    let mut ledger = story();
    // Paid a second time: the money moved, so it had to be recorded.
    ledger.outcome("2021-01-06", 14, OutcomeKind::Settled, "T-2");
    let found = IneligibilityFound {
        source: Text::Borrowed("<script>alert(1)</script>&\"BPJS\""),
        case_number: Text::Borrowed("K-1"),
        evidence_date: instant("2020-11-01").wib_date(),
        effective_date: instant("2020-04-01").wib_date(),
    };
    ledger.event("2021-01-07", ANI, found);
    let meta = Meta {
        occurred_at: instant("2021-01-08"),
        recorded_at: instant("2021-01-08"),
        actor: Text::Borrowed("programme/dewi"),
        auth: Auth::MutualTls,
        approved_by: None,
        source_reference: Text::Borrowed(""),
    };
    // A survey of somebody whose membership is revoked, and who never finished anything.
    let event = SurveyFilled { number: 1 }.into();
    let new = NewEvent { participant: Some(BUDI), occurred_at: meta.occurred_at, event };
    ledger.record(&meta, new);
    ledger
}

#[test]
fn what_an_audit_found_stands_on_the_page_in_its_language() {
    let desk = tempfile::tempdir().expect("a folder");
    let log = log_of(&encoded(&faulty().records));
    let data = log.path().to_str().expect("UTF-8");
    let audit = tool(&["audit", "--data", data, "--json"]).json();
    let ids = |list: &str| -> Vec<String> {
        let found = audit[list].as_array().expect("a list");
        found.iter().map(|finding| finding["id"].as_str().expect("an id").to_owned()).collect()
    };
    let (findings, notices) = (ids("findings"), ids("notices"));
    assert!(findings.len() > 1 && notices.len() == 1, "{audit}");
    for (lang, says) in [("id", "dibayar sekali"), ("en", "settled once")] {
        let file = desk.path().join(format!("{lang}.html"));
        let said = tool(&["report", "--html", file.to_str().expect("UTF-8"), "--data", data, "--lang", lang]);
        assert_eq!(said.code, 1, "{said:?}");
        let seen = look(&file, desk.path());
        assert_eq!((&seen["complaints"], &seen["elements"]), (&serde_json::json!([]), &Value::from(0)));
        let shown = |table: &str| -> Vec<String> {
            let rows = seen["tables"][table]["rows"].as_array().expect("rows");
            rows.iter().map(|row| row[0]["key"].as_str().expect("an id").to_owned()).collect()
        };
        assert_eq!((shown("findings"), shown("notices")), (findings.clone(), notices.clone()), "{lang}");
        let expected = seen["tables"]["notices"]["rows"][0][2]["text"].as_str().expect("text");
        assert!(expected.contains(says), "{lang}: {expected}");
        assert_eq!(figures(&seen, "summary")["findings"], [i64::try_from(findings.len()).expect("few")]);
        let d4 = &figures(&seen, "answers")["d4_found_by.<script>alert(1)</script>&\"BPJS\""];
        assert_eq!(d4[..], [1, number(&audit["totals"]["d4_found_by"][0]["received"])]);
    }
}

/// Nothing is asked for but the page itself, nothing is blank or cut off, on the screen and on paper.
fn nothing_complains(seen: &Value) {
    assert_eq!(seen["complaints"], serde_json::json!([]));
    assert_eq!(seen["requests"].as_array().map(Vec::len), Some(1), "{}", seen["requests"]);
    assert_eq!(seen["elements"], 0, "scripts, links and pictures");
    assert!(seen["screen"]["inked"].as_f64() > Some(0.02) && seen["screen"]["colours"].as_u64() > Some(20));
    let charts = seen["charts"].as_array().expect("charts");
    assert_eq!(charts.len(), 8, "one for each section but the findings");
    for chart in charts {
        assert!(chart["inked"].as_f64() > Some(0.005) && chart["colours"].as_u64() > Some(3), "blank: {chart}");
        assert_eq!(chart["outside"], serde_json::json!([]), "cut off: {chart}");
    }
    for (name, table) in seen["tables"].as_object().expect("tables") {
        assert!(table["inside"] == true, "{name} is wider than the page");
        assert!(table["rows"].as_array().is_some_and(|rows| !rows.is_empty()), "{name} is empty");
    }
    assert!(seen["printed"]["pages"].as_u64() > Some(2), "{}", seen["printed"]);
}

#[test]
fn the_page_speaks_the_language_asked_for() {
    let desk = tempfile::tempdir().expect("a folder");
    let log = story_log();
    let data = log.path().to_str().expect("UTF-8");
    let page = |lang: &[&str]| {
        let file = desk.path().join(format!("page{}.html", lang.join("")));
        let path = file.to_str().expect("UTF-8");
        let said = tool(&[&["report", "--html", path, "--data", data], lang].concat());
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(said.out, format!("{path}: 28 records, 0 findings\n"));
        std::fs::read_to_string(file).expect("a page")
    };
    let (default, id, en) = (page(&[]), page(&["--lang", "id"]), page(&["--lang", "en"]));
    assert_eq!(default, id);
    assert!(id.contains("<html lang=\"id\">") && id.contains("Gelombang") && id.contains("Rp9.150.000"));
    assert!(en.contains("<html lang=\"en\">") && en.contains("Waves") && en.contains("Rp9,150,000"));
    assert!(id.contains("diterima peserta") && !id.contains("received by participants"));
}

#[test]
fn a_name_cannot_become_a_part_of_the_page() {
    let desk = tempfile::tempdir().expect("a folder");
    let odd = desk.path().join("<script>alert(1)<img src=x>&\"");
    std::fs::create_dir(&odd).expect("a folder");
    open_log(&odd, &encoded(&story().records)).close().expect("closed");
    let file = desk.path().join("page.html");
    let (path, data) = (file.to_str().expect("UTF-8"), odd.to_str().expect("UTF-8"));
    assert_eq!(tool(&["report", "--html", path, "--data", data]).code, 0);
    let seen = look(&file, desk.path());
    assert_eq!((&seen["source"], &seen["elements"]), (&Value::from(data), &Value::from(0)));
    assert_eq!(seen["complaints"], serde_json::json!([]));
}

#[test]
fn an_empty_log_has_a_report_too() {
    let desk = tempfile::tempdir().expect("a folder");
    let log = log_of(&[]);
    let file = desk.path().join("page.html");
    let said =
        tool(&["report", "--html", file.to_str().expect("UTF-8"), "--data", log.path().to_str().expect("UTF-8")]);
    assert_eq!(said.code, 0, "{said:?}");
    let seen = look(&file, desk.path());
    assert_eq!((&seen["complaints"], &seen["elements"]), (&serde_json::json!([]), &Value::from(0)));
}

#[test]
fn a_report_that_cannot_be_written_names_the_file() {
    let desk = tempfile::tempdir().expect("a folder");
    let log = story_log();
    let there = desk.path().join("there.html");
    std::fs::write(&there, "mine").expect("written");
    let nowhere = desk.path().join("no/such/folder.html");
    for (file, expected) in [(&there, "could not write it: "), (&nowhere, "could not write it: No such file")] {
        let path = file.to_str().expect("UTF-8");
        let said = on(log.path(), &["report", "--html", path]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(path) && said.err.contains(expected), "{}", said.err);
    }
    assert_eq!(std::fs::read_to_string(&there).expect("there"), "mine");
}
