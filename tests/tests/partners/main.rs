//! A partner and the ledger, both of them real processes, with everything between them breaking.

use ledger_tests::partners::{Met, run_seeds};
use ledger_tests::server::Programs;

const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_test-ledger-server"),
    replay: env!("CARGO_BIN_EXE_test-replay-tool"),
    sim: env!("CARGO_BIN_EXE_test-cohort-sim"),
};

#[test]
fn twenty_five_seeds_of_everything_breaking_pay_each_entitlement_once() {
    let found = run_seeds(&PROGRAMS, 1..=25, 3);
    let failed: Vec<_> = found.iter().filter_map(|(seed, met)| Some((seed, met.as_ref().err()?))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let met: Vec<Met> = found.into_iter().filter_map(|(_, met)| met.ok()).collect();
    let sum = |count: fn(&Met) -> u64| met.iter().map(count).sum::<u64>();
    assert_eq!(sum(|met| met.kills), 250, "one in each tenth of each run");
    // That the trouble came: mostly in the middle of things, and of every sort.
    assert!(sum(|met| met.amid) > 125, "{met:#?}");
    assert_eq!(sum(|met| met.deaths), 100, "four of each partner");
    let rows = [
        sum(|met| met.partner_kills),
        sum(|met| met.cuts),
        sum(|met| met.doubts as u64),
        sum(|met| met.exceptions as u64),
    ];
    assert!(rows.iter().all(|count| *count > 25), "{met:#?}");
    assert!(met.iter().all(|met| met.instructions >= 60), "{met:#?}");
}
