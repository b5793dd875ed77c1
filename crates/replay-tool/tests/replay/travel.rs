//! Time travel: what changed between two states of knowledge, and one life along the time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::*;

fn strings(document: &Value, list: &str, key: &str) -> Vec<String> {
    let items = document[list].as_array().expect("a list");
    items.iter().map(|item| item[key].as_str().expect("text").to_owned()).collect()
}

#[test]
fn late_evidence_changes_what_was_known_about_june_and_names_the_records() {
    let log = story_log();
    // On 10 June nobody knew that Citra had completed on 20 May; the platform told on 20 June.
    let args = ["diff", "--known-at", "2020-06-10T17:00:00Z", "--and", "2020-06-30T17:00:00Z", "--as-of", "2020-06-10"];
    let document = on(log.path(), &[&args[..], &["--json"]].concat()).json();
    assert_eq!(
        document,
        json!({
            "as_of": "2020-06-10",
            "known_at": {"before": 23, "after": 26},
            "accounts": [
                {"account": "platform-unearned:bukalapak", "before": "400000", "after": "0"},
                {"account": "platform-earned:bukalapak", "before": "0", "after": "400000"},
            ],
            "funds": [],
            "programme": [],
            "touched": 1,
            "participants": [{
                "participant": CITRA.to_string(), "wave": 1, "positions": [23],
                "accounts": [
                    {"account": "platform-unearned:bukalapak", "before": "400000", "after": "0"},
                    {"account": "platform-earned:bukalapak", "before": "0", "after": "400000"},
                ],
                "entitlements": [],
            }],
        })
    );
    let text = on(log.path(), &args).out;
    for line in [
        "What changed as of 2020-06-10, from 23 records to 26\n",
        "platform-earned:bukalapak          0  400.000  +400.000\n",
        &format!("{CITRA}  wave 1, by #23\n"),
        "  platform-unearned:bukalapak    400.000 -> 0\n",
        "1 participants changed\n",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
}

#[test]
fn a_closing_is_one_record_with_the_money_of_all_that_it_moved() {
    let log = story_log();
    let document = on(log.path(), &["diff", "--known-at", "25", "--and", "27", "--json"]).json();
    assert_eq!(
        document["programme"],
        json!([
            {"position": 26, "event": "BalancePeriodClosed", "occurred_at": "2020-12-16T03:00:00Z", "participants": 2,
             "moved": [{"account": "training-balance", "amount": "-1100000"}, {"account": "lapsed", "amount": "1100000"}]},
            {"position": 27, "event": "WaveClosed", "occurred_at": "2021-01-05T03:00:00Z", "participants": 2,
             "moved": [{"account": "incentives-committed", "amount": "-4500000"},
                       {"account": "treasury-returned", "amount": "4500000"}]},
        ])
    );
    assert_eq!((&document["touched"], &document["participants"]), (&json!(0), &json!([])));
    // As of a day before both, neither did anything.
    let before = ["diff", "--known-at", "25", "--and", "27", "--as-of", "2020-12-01", "--json"];
    let document = on(log.path(), &before).json();
    assert_eq!((&document["programme"], &document["accounts"]), (&json!([]), &json!([])));
}

#[test]
fn statuses_entitlements_and_funds_stand_beside_the_money() {
    let log = story_log();
    let document = on(log.path(), &["diff", "--known-at", "13", "--and", "17", "--json"]).json();
    assert_eq!(document["as_of"], "2020-05-12");
    assert_eq!(strings(&document, "participants", "participant"), [ANI, BUDI].map(|id| id.to_string()));
    let people = document["participants"].as_array().expect("a list");
    assert_eq!((&people[0]["positions"], &people[1]["positions"]), (&json!([14, 16]), &json!([17])));
    let stand = |status, attempts, settled: Value| json!({"status": status, "held": null, "due": "2020-05-08", "attempts": attempts, "settled_on": settled});
    assert_eq!(
        people[0]["entitlements"],
        json!([{"entitlement": "training-1", "before": stand("payable", 0, Value::Null),
                "after": stand("settled", 1, json!("2020-05-09"))}])
    );
    assert_eq!(people[1]["status"], json!({"before": "live", "after": "revoked: no-first-purchase"}));
    assert_eq!(
        document["funds"],
        json!([{"year": 2020, "appropriated": {"before": "100000000", "after": "100000000"},
                "used": {"before": "900000", "after": "1500000"}}])
    );
}

/// A participant in `balances`, without what `diff` leaves out: the words for release, the last instruction.
fn standing(person: &Value) -> Value {
    let entitlements: Vec<_> = person["entitlements"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| json!([e["entitlement"], e["status"], e["held"], e["due"], e["attempts"], e["settled_on"]]))
        .collect();
    json!([person["status"], person["accounts"], entitlements])
}

#[test]
fn the_difference_is_that_of_the_two_answers() {
    let log = story_log();
    for as_of in ["2020-06-10", "2021-01-05"] {
        let states: Vec<BTreeMap<String, Value>> = [5, 9, 16, 25]
            .into_iter()
            .map(|known_at: u64| {
                let args = ["balances", "--as-of", as_of, "--known-at", &known_at.to_string(), "--json"];
                let document = on(log.path(), &args).json();
                let people = document["participants"].as_array().expect("a list").clone();
                people.iter().map(|p| (p["participant"].as_str().expect("an id").to_owned(), standing(p))).collect()
            })
            .collect();
        for (before, a) in states.iter().enumerate() {
            for (after, b) in states.iter().enumerate().skip(before) {
                let [a_at, b_at] = [before, after].map(|state| [5, 9, 16, 25][state].to_string());
                let args = ["diff", "--known-at", &a_at, "--and", &b_at, "--as-of", as_of, "--json"];
                let mut said = strings(&on(log.path(), &args).json(), "participants", "participant");
                said.sort();
                let changed: Vec<_> = b.keys().filter(|id| a.get(*id) != b.get(*id)).cloned().collect();
                assert_eq!(said, changed, "{as_of}: {a_at} to {b_at}");
            }
        }
    }
}

#[test]
fn the_day_in_the_answer_gives_the_same_answer() {
    let log = story_log();
    for (a, b) in [("0", "27"), ("8", "20"), ("16", "16")] {
        let args = ["diff", "--known-at", a, "--and", b, "--json"];
        let document = on(log.path(), &args).json();
        let day = document["as_of"].as_str().expect("a day").to_owned();
        assert_eq!(on(log.path(), &[&args[..], &["--as-of", &day]].concat()).json(), document, "{a} to {b}");
    }
    let same = on(log.path(), &["diff", "--known-at", "16", "--and", "16"]).out;
    assert!(same.contains("No account changed\n") && same.ends_with("0 participants changed\n"), "{same}");
}

#[test]
fn a_life_has_the_balances_after_each_record() {
    let log = story_log();
    let document = on(log.path(), &["timeline", &ANI.to_string(), "--json"]).json();
    let steps = document["steps"].as_array().expect("a list");
    let received: Vec<_> = steps.iter().map(|step| step["balances"]["received"].as_str().unwrap_or("0")).collect();
    assert_eq!(received, ["0", "0", "0", "0", "0", "0", "0", "600000", "600000", "600000", "600000", "600000"]);
    for (place, step) in steps.iter().enumerate() {
        let sum: i64 = step["balances"].as_object().expect("accounts").values().map(rupiah).sum();
        assert_eq!(sum, 0, "after record {place}");
    }
    assert_eq!(steps.last().expect("a step")["balances"], document["accounts"]);
    assert_eq!(
        document["orders"],
        json!([
            {"entitlement": "training-1", "instruction": "00000000000000000014", "attempt": 1, "partner": "gopay",
             "due": "2020-05-08", "instructed_on": "2020-05-08",
             "outcomes": [{"outcome": "settled", "on": "2020-05-09", "position": 16, "reason": null}]},
            {"entitlement": "training-2", "instruction": "00000000000000000020", "attempt": 1, "partner": "gopay",
             "due": "2020-06-08", "instructed_on": "2020-06-08",
             "outcomes": [{"outcome": "rejected", "on": "2020-06-09", "position": 22, "reason": "account-closed"}]},
        ])
    );
    // As of a day, the last balances are those of the day.
    let document = on(log.path(), &["timeline", &ANI.to_string(), "--as-of", "2020-05-08", "--json"]).json();
    let last = document["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!((&last["position"], &last["balances"]), (&json!(14), &document["accounts"]));
}

fn rupiah(amount: &Value) -> i64 {
    amount.as_str().and_then(|text| text.parse().ok()).expect("rupiah")
}

#[test]
fn a_life_is_drawn_along_the_time() {
    let log = story_log();
    let text = on(log.path(), &["timeline", &ANI.to_string()]).out;
    let lane = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{text}"));
        line.to_owned()
    };
    assert!(lane("            2020-04").contains("2020-10"), "{text}");
    assert!(lane("facts").starts_with("facts       SLB") && lane("facts").contains("CZR"), "{text}");
    assert!(lane("training-1").trim_end().ends_with("DIP"), "{text}");
    assert!(lane("training-2").contains("DIx-----") && lane("training-3").ends_with("--"), "{text}");
    let no_survey = text.split("Balances in rupiah").next().is_some_and(|drawn| !drawn.contains("survey-1"));
    assert!(no_survey, "what was not earned has no lane:\n{text}");
    for line in [
        "S selected, L account linked, B bought, C completed, ",
        "            Rp: in-transit:gopay -600.000, received +600.000\n",
        "    #27  WaveClosed             ",
        "training-2   600.000  held",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    assert!(text.lines().all(|line| line.trim_end() == line), "no space at a line's end");
}

#[test]
fn what_cannot_be_compared_says_why() {
    let log = story_log();
    let rows: [(&[&str], &str); 4] = [
        (&["--known-at", "20", "--and", "10"], "--and: 11 records were known then, fewer than the 21 of --known-at"),
        (&["--known-at", "20", "--and", "28"], "the log has 28 records, the last at position 27"),
        (&["--known-at", "20"], "--and <POSITION|RFC3339>"),
        (&["--known-at", "soon", "--and", "28"], "neither a position"),
    ];
    for (args, expected) in rows {
        let said = on(log.path(), &[&["diff"], args].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}: {said:?}");
        assert!(said.err.contains(expected), "{args:?}: {}", said.err);
    }
    // Both before the first record: nothing is known, and nothing changed.
    let nothing = ["diff", "--known-at", "2019-01-01T00:00:00Z", "--and", "2019-02-01T00:00:00Z", "--json"];
    let document = on(log.path(), &nothing).json();
    assert_eq!((&document["as_of"], &document["known_at"]), (&Value::Null, &json!({"before": 0, "after": 0})));
}
