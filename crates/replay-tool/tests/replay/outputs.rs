//! The shapes of the answers, exactly, and the text that people read.

use serde_json::{Value, json};

use crate::support::*;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_trial_balance_names_every_account() {
    let log = story_log();
    let said = on(log.path(), &["trial-balance", "--json"]);
    let document = said.json();
    assert!(said.out.starts_with(
        "{\"as_of\":\"2021-01-05\",\"known_at\":28,\"accounts\":[{\"account\":\"budget\",\"amount\":\"-10650000\"},"
    ));
    assert!(said.out.ends_with("],\"sum\":\"0\"}\n"));
    assert_eq!(document["accounts"].as_array().map(Vec::len), Some(ledger_core::account::Account::COUNT));
    let said = on(log.path(), &["trial-balance"]);
    assert!(said.out.contains("treasury-returned            7.050.000\n"), "{}", said.out);
    assert!(said.out.contains("Rp9.150.000\n"), "{}", said.out);
}

#[test]
fn balances_are_in_order_of_selection_and_in_this_shape() {
    let log = story_log();
    let document = on(log.path(), &["balances", "--json"]).json();
    let people = document["participants"].as_array().expect("a list");
    let ids: Vec<_> = people.iter().map(|person| person["participant"].as_str().expect("an id")).collect();
    assert_eq!(ids, [ANI, BUDI, CITRA].map(|id| id.to_string()));
    let budi = json!({
        "participant": BUDI.to_string(),
        "wave": 1,
        "status": "revoked",
        "accounts": {"budget": "-3550000", "forfeited": "1000000", "treasury-returned": "2550000"},
        "entitlements": people[1]["entitlements"],
    });
    assert_eq!(people[1], budi);
    let names: Vec<_> = people[0]["entitlements"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entitlement| entitlement["entitlement"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["training-1", "training-2", "training-3", "training-4", "survey-1", "survey-2", "survey-3"]);
    assert_eq!(
        people[0]["entitlements"][0],
        json!({
            "entitlement": "training-1", "amount": "600000", "status": "settled", "due": "2020-05-08", "held": null,
            "release": null, "attempts": 1, "instruction": "00000000000000000014", "settled_on": "2020-05-09",
        })
    );
    assert_eq!(
        people[0]["entitlements"][1],
        json!({
            "entitlement": "training-2", "amount": "600000", "status": "held", "due": "2020-06-08",
            "held": "wave-closed", "release": "nothing: it returned to the treasury", "attempts": 1,
            "instruction": "00000000000000000020", "settled_on": null,
        })
    );
    let text = on(log.path(), &["balances"]).out;
    assert_eq!(text.lines().count(), 6, "{text}");
    assert!(text.contains("revoked"), "{text}");
}

#[test]
fn a_participant_comes_with_its_whole_history() {
    let log = story_log();
    let document = on(log.path(), &["participant", &ANI.to_string(), "--json"]).json();
    let mut expected = vec!["accounts", "as_of", "entitlements", "ground", "history", "known_at", "participant"];
    expected.extend(["region", "scheme", "status", "wave"]);
    assert_eq!(keys(&document), expected);
    assert_eq!((&document["region"], &document["scheme"]), (&json!("12.75"), &json!("semi-bansos")));

    let history = document["history"].as_array().expect("a list");
    let positions: Vec<_> = history.iter().map(|entry| entry["position"].as_u64().expect("a position")).collect();
    // Her own records, then the closings that moved her money.
    assert_eq!(positions, [3, 6, 7, 9, 10, 11, 14, 16, 20, 22, 26, 27]);
    let mut instructed = history[6].clone();
    let fields = instructed["fields"].take();
    let expected = json!({
        "position": 14, "event": "PayoutInstructed", "occurred_at": "2020-05-08T03:00:00Z",
        "recorded_at": "2020-05-08T03:00:00Z", "actor": "approver/fajar", "auth": "mutual-tls", "approved_by": null,
        "source_reference": "", "fields": null,
        "postings": [
            {"account": "incentives-committed", "amount": "-600000", "item": "training-1"},
            {"account": "in-transit:gopay", "amount": "600000", "item": "training-1"},
        ],
    });
    assert_eq!(instructed, expected);
    let expected = json!({
        "entitlement": "training-1", "attempt": 1, "due": "2020-05-08", "amount": "600000", "partner": "gopay",
        "link": "01010101-0101-0101-0101-010101010101", "run": "01010101-0101-0101-0101-010101010101",
        "expires_on": "2020-05-15",
    });
    assert_eq!(fields, expected);
    assert_eq!(
        history[10]["postings"],
        json!([
            {"account": "training-balance", "amount": "-500000", "item": "training-aid"},
            {"account": "lapsed", "amount": "500000", "item": "training-aid"},
        ])
    );

    // Her accounts are the sum of her postings.
    let mut sums = std::collections::BTreeMap::new();
    for posting in history.iter().flat_map(|entry| entry["postings"].as_array().expect("a list")) {
        let amount: i64 = posting["amount"].as_str().and_then(|text| text.parse().ok()).expect("rupiah");
        *sums.entry(posting["account"].as_str().expect("an account").to_owned()).or_insert(0) += amount;
    }
    sums.retain(|_, amount| *amount != 0);
    let accounts: std::collections::BTreeMap<_, _> = document["accounts"]
        .as_object()
        .expect("accounts")
        .iter()
        .map(|(account, amount)| (account.clone(), amount.as_str().and_then(|t| t.parse().ok()).expect("rupiah")))
        .collect();
    assert_eq!(sums, accounts);
}

#[test]
fn what_is_dated_later_is_not_in_the_history_of_a_day() {
    let log = story_log();
    let id = CITRA.to_string();
    let positions = |args: &[&str]| -> Vec<u64> {
        let document = on(log.path(), &[&["participant", &id, "--json"], args].concat()).json();
        let history = document["history"].as_array().expect("a list").clone();
        history.iter().map(|entry| entry["position"].as_u64().expect("a position")).collect()
    };
    assert_eq!(positions(&[]), [5, 8, 23, 24, 25, 26, 27]);
    assert_eq!(positions(&["--as-of", "2020-06-01"]), [5, 8, 23]);
    assert_eq!(positions(&["--as-of", "2020-06-01", "--known-at", "22"]), [5, 8]);
}

#[test]
fn an_officer_can_read_a_life() {
    let log = story_log();
    let text = on(log.path(), &["participant", &ANI.to_string()]).out;
    let lines = [
        "status      live\n",
        "scheme      semi-bansos, wave 1 (closed)\n",
        "unlocked    2020-05-03\n",
        "received                      600.000\n",
        "training-1   600.000  settled  2020-05-08  2020-05-09      1  -             -\n",
        "2020-04-15  TrainingBought         #7\n",
        "price Rp500.000\n",
        "Rp: training-balance -500.000, platform-unearned:tokopedia +500.000\n",
        "BalancePeriodClosed    #26  (whole programme)\n",
        "by programme/dewi, approved by programme/eko\n",
    ];
    for line in lines {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    assert!(text.lines().all(|line| line.trim_end() == line), "no space at a line's end");
}
