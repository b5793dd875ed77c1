//! The generated cohorts, seen from outside.

mod archive;
mod bytes;
mod figures;
mod independence;
mod year;

use cohort_sim::{Cohort, Parameters, Scenario, SchemeName};
use ledger_core::account::Account;

const SCHEMES: [SchemeName; 2] = [SchemeName::SemiBansos, SchemeName::Normal];

/// The cohort after its last line.
fn lived(parameters: Parameters) -> Cohort {
    let mut cohort = Cohort::new(parameters);
    let lines = cohort.by_ref().count();
    assert_eq!(cohort.summary().lines, lines as u64);
    assert_eq!(cohort.summary().records, cohort.state().size());
    cohort
}

fn year(participants: u32, seed: u64, scheme: SchemeName) -> Parameters {
    Parameters::new(participants, seed, scheme, Scenario::Year)
}

fn balance(cohort: &Cohort, account: Account) -> i64 {
    cohort.state().totals().get(account).get()
}
