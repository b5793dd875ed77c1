//! `audit`, `explain` and `sample` on the story, whose figures were worked out by hand.

use ledger_core::codes::{Auth, Partner};
use ledger_core::event::{DisbursementRunPlanned, Event, PayoutAccountLinked, PayoutAccountUnlinked, Text, WaveClosed};
use ledger_core::ids::{Digest, LinkId, ParticipantId, RunId, Wave};
use ledger_core::{Meta, NewEvent, decide, run};
use replay_tool::rule::Rule;
use serde_json::{Value, json};

use crate::support::*;

fn audit(dir: &std::path::Path, more: &[&str]) -> Value {
    let said = on(dir, &[&["audit", "--json"], more].concat());
    assert_eq!(said.code, 0, "{said:?}");
    said.json()
}

#[test]
fn the_story_breaks_no_rule_and_its_totals_are_those_worked_out() {
    let log = story_log();
    let document = audit(log.path(), &[]);
    assert_eq!((&document["findings"], &document["notices"]), (&json!([]), &json!([])));
    let totals = &document["totals"];
    assert_eq!(
        (&totals["participants"], &totals["known_at"], &totals["as_of"]),
        (&3.into(), &28.into(), &"2021-01-05".into())
    );

    // Ani has 600,000; of Budi 3,550,000 went back at once, of Ani and Citra 1,100,000 when the period closed, and 4,500,000
    // with the wave.
    let cut = |place: usize| {
        let cut = &totals["d1_d2_cut_offs"][place];
        let of = |key: &str| cut[key].as_str().unwrap_or_else(|| panic!("{key} in {cut}")).to_owned();
        ["date", "unfinished", "to_platforms", "left_treasury", "received", "on_the_way", "back_in_treasury"].map(of)
    };
    assert_eq!(cut(0), ["2020-12-31", "0", "900000", "600000", "600000", "0", "4650000"]);
    assert_eq!(cut(1), ["2021-01-05", "0", "900000", "600000", "600000", "0", "9150000"]);

    // Due on 8 May, paid on 9 May.
    let late = totals["d7_lateness"].as_array().expect("classes");
    let paid: Vec<_> = late.iter().filter(|class| class["payments"]["count"] != 0).collect();
    assert_eq!(paid.len(), 1);
    assert_eq!(
        (&paid[0]["kind"], &paid[0]["days_from"], &paid[0]["days_to"]),
        (&"training".into(), &1.into(), &3.into())
    );
    assert_eq!(paid[0]["payments"]["first"], json!([{ "position": 16, "participant": ANI.to_string() }]));
    assert_eq!(totals["d7_latest_days"], 1);

    // Ani's second incentive waits for another account from 9 June on, Citra's first for any from 26 June on.
    let held = |date: &str| {
        let days = totals["d8_held"].as_array().expect("days");
        days.iter().find(|day| day["date"] == date).map(|day| day["held"].clone()).unwrap_or_default()
    };
    assert_eq!(held("2020-05-08"), json!({ "in-transit": 1 }));
    assert_eq!(held("2020-05-09"), json!({}));
    assert_eq!(held("2020-06-08"), json!({ "in-transit": 1 }));
    assert_eq!(held("2020-06-25"), json!({ "account-fault": 1 }));
    assert_eq!(held("2020-06-26"), json!({ "account-fault": 1, "no-account": 1 }));
    assert_eq!(held("2020-07-08"), json!({ "account-fault": 2, "no-account": 1 }));
    assert_eq!(held("2021-01-05"), json!({ "wave-closed": 7 }));

    assert_eq!(totals["forfeits"][0]["revocations"]["amount"], "3550000");
    assert_eq!(totals["waves"][0]["back_in_treasury"], "9150000");
    assert_eq!(totals["waves"][0]["revoked"], 1);
    assert_eq!(totals["regions"][0]["region"], "12.75");
    assert_eq!(totals["funds"], json!([{ "year": 2020, "appropriated": "100000000", "used": "1500000" }]));
    assert_eq!(totals["runs"][1]["instructed"], json!({ "count": 1, "amount": "600000" }));
}

#[test]
fn two_clocks_hold_for_totals() {
    let log = story_log();
    let unfinished = |more: &[&str]| audit(log.path(), more)["totals"]["d1_d2_cut_offs"][0]["unfinished"].clone();
    // On 20 June the platform told that Citra had completed on 20 May.
    assert_eq!(unfinished(&["--as-of", "2020-05-19"]), "400000");
    assert_eq!(unfinished(&["--as-of", "2020-06-01"]), "0");
    assert_eq!(unfinished(&["--as-of", "2020-06-01", "--known-at", "22"]), "400000");
    let said = on(log.path(), &["audit", "--known-at", "28"]);
    assert_eq!(said.code, 2, "{said:?}");
}

#[test]
fn the_trial_balance_is_that_of_the_other_way_of_counting() {
    let log = story_log();
    for more in
        [&[][..], &["--as-of", "2020-06-08"], &["--known-at", "20"], &["--as-of", "2020-12-20", "--known-at", "26"]]
    {
        let other = on(log.path(), &[&["trial-balance", "--json"], more].concat()).json();
        assert_eq!(audit(log.path(), more)["totals"]["accounts"], other["accounts"], "{more:?}");
    }
}

/// A run of two people, whose plan is recorded after what happened since it was computed: one's account is taken away, and
/// the wave closes. `change` is what a keeper does to the plan.
fn planned_before(change: impl Fn(&mut DisbursementRunPlanned)) -> Vec<Vec<u8>> {
    let mut ledger = Ledger::default();
    for record in story().records.into_iter().take(26) {
        ledger.state.apply(&record, &mut |_| {}).expect("follows");
        ledger.records.push(record);
    }
    let link = |id: ParticipantId, number: u8| PayoutAccountLinked {
        link: LinkId([number; 16]),
        partner: Partner::Gopay,
        account_token: Text::Borrowed("tok-2"),
        holder_identity_digest: Digest([id.0[0]; 32]),
    };
    ledger.event("2020-06-22", ANI, link(ANI, 7)); // 26
    ledger.event("2020-06-22", CITRA, link(CITRA, 8)); // 27
    let (run, as_of) = (RunId([9; 16]), instant("2020-07-30").wib_date());
    let (plan, known_at) = (run::plan(&ledger.state, as_of), ledger.state.size());
    assert_eq!(plan.items.len(), 4, "two of each are due and unpaid: {plan:?}");
    ledger.event("2020-07-30", ANI, PayoutAccountUnlinked { link: LinkId([7; 16]) }); // 28
    ledger.programme("2020-07-30", WaveClosed { wave: Wave(1) }); // 29
    let Event::DisbursementRunPlanned(mut planned) = decide::planned(run, as_of, known_at, &plan) else {
        panic!("a plan")
    };
    change(&mut planned);
    let meta = Meta {
        occurred_at: instant("2020-07-30"),
        recorded_at: instant("2020-07-30"),
        actor: Text::Borrowed("officer/gita"),
        auth: Auth::MutualTls,
        approved_by: None,
        source_reference: Text::Borrowed(""),
    };
    let occurred_at = meta.occurred_at;
    ledger.record(&meta, NewEvent { participant: None, occurred_at, event: planned.into() }); // 30
    encoded(&ledger.records)
}

#[test]
fn a_plan_is_worked_out_as_it_was_known() {
    let honest = log_of(&planned_before(|_| {}));
    assert_eq!(audit(honest.path(), &[])["findings"], json!([]));
    // As it is when it is recorded, nobody could be paid.
    let later = log_of(&planned_before(|plan| plan.known_at = 30));
    let said = on(later.path(), &["audit", "--json"]);
    let finding = &said.json()["findings"][0];
    assert_eq!((said.code, &finding["id"]), (1, &"plan-differs@30".into()), "{said:?}");
    assert!(
        finding["expected"].as_str().is_some_and(|text| text.starts_with("a plan of 0 items, 0 rupiah")),
        "{finding}"
    );
}

#[test]
fn what_can_be_read_of_a_damaged_log_is_audited() {
    let mut records = encoded(&story().records);
    records[22] = b"no record".to_vec();
    let log = log_of(&records);
    let said = on(log.path(), &["audit", "--json"]);
    assert_eq!(said.code, 1, "{said:?}");
    let document = said.json();
    assert_eq!(document["findings"][0]["rule"], "decodable");
    assert_eq!(document["findings"][0]["positions"], json!([22]));
    assert_eq!(document["totals"]["waves"][0]["completed"], 2, "what stands behind it counts");
}

/// The story with Ani's second order made one of the first incentive, which is paid.
fn forged() -> tempfile::TempDir {
    let mut records = story().records;
    if let Event::PayoutInstructed(e) = &mut records[20].event {
        e.entitlement.number = 1;
    }
    log_of(&encoded(&records))
}

#[test]
fn a_finding_is_explained_by_its_records() {
    let log = forged();
    let said = on(log.path(), &["audit", "--json"]);
    assert_eq!(said.code, 1, "{said:?}");
    let document = said.json();
    let id = format!("over-entitlement@20@{ANI}");
    let finding = document["findings"].as_array().and_then(|all| all.iter().find(|finding| finding["id"] == *id));
    let finding = finding.unwrap_or_else(|| panic!("no {id} in {document}"));
    assert_eq!((&finding["positions"], &finding["amount"]), (&json!([20, 16]), &"600000".into()));

    let explained = on(log.path(), &["explain", &id, "--json"]).json();
    assert_eq!(explained["finding"], *finding);
    let records = explained["records"].as_array().expect("records");
    let events: Vec<_> = records.iter().map(|record| (&record["position"], &record["event"])).collect();
    assert_eq!(events, [(&16.into(), &"PayoutSettled".into()), (&20.into(), &"PayoutInstructed".into())]);
    let text = on(log.path(), &["explain", &id]);
    assert_eq!(text.code, 0, "{text:?}");
    for part in ["paid at position 16", "PayoutSettled", "#16", "#20", &format!("replay-tool participant {ANI}")] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
    let unknown = on(log.path(), &["explain", "over-entitlement@3"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no finding over-entitlement@3"), "{}", unknown.err);
}

#[test]
fn a_sample_is_drawn_again_and_holds_the_dossiers() {
    let log = story_log();
    let args = ["sample", "--n", "2", "--seed", "7", "--stratify", "wave,region", "--json"];
    let first = on(log.path(), &args);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(on(log.path(), &args).out, first.out);
    let document = first.json();
    assert_eq!(document["strata"], json!([{ "wave": 1, "region": "12.75", "participants": 3, "sampled": 2 }]));
    let people = document["participants"].as_array().expect("people");
    assert_eq!(people.len(), 2);
    for person in people {
        let id = person["participant"].as_str().expect("an id");
        assert_eq!(on(log.path(), &["participant", id, "--json"]).json(), *person);
    }
    let seeds: std::collections::BTreeSet<_> = (0..20)
        .map(|seed| on(log.path(), &["sample", "--n", "1", "--seed", &seed.to_string(), "--json"]).json())
        .map(|document| document["participants"][0]["participant"].to_string())
        .collect();
    assert_eq!(seeds.len(), 3, "another seed draws others");
    let text = on(log.path(), &["sample", "--n", "5", "--seed", "7", "--as-of", "2020-05-10"]);
    assert_eq!(text.out.matches("Life, in order of recording").count(), 3, "{}", text.out);
}

#[test]
fn every_rule_stands_in_the_documentation() {
    let text = include_str!("../../../../docs/audit.md");
    for rule in Rule::ALL.iter().filter(|rule| rule.texts().is_some()) {
        assert!(text.contains(&format!("`{}`", rule.code())), "{rule}");
    }
    let document = audit(story_log().path(), &[]);
    for field in document["totals"].as_object().expect("fields").keys() {
        assert!(text.contains(&format!("`{field}`")), "{field}");
    }
}
