//! The programme's published figures, to the rupiah.

use cohort_sim::{Extent, Parameters, Scenario, SchemeName, demo};
use ledger_core::account::Account;
use ledger_core::codes::Ground;
use ledger_core::ids::{Region, Wave};
use ledger_core::state::Status;

use crate::{balance, lived};

#[test]
fn selected_commits_the_whole_entitlement_of_everybody() {
    let rows = [
        (SchemeName::SemiBansos, 1, 3_550_000),
        (SchemeName::Normal, 7, 29_400_000),
        // Wave 1 of 2020.
        (SchemeName::SemiBansos, 168_111, 596_794_050_000),
    ];
    for (scheme, participants, amount) in rows {
        let cohort = lived(Parameters::new(participants, 1, scheme, Scenario::Selected));
        assert_eq!(balance(&cohort, Account::Budget), -amount);
        assert_eq!(balance(&cohort, Account::TrainingBalance) + balance(&cohort, Account::IncentivesCommitted), amount);
        assert!(cohort.summary().refused.is_empty());
        assert_eq!(cohort.state().participants().len(), participants);
    }
}

#[test]
fn no_purchase_returns_the_whole_entitlement_of_everybody() {
    let rows = [
        (SchemeName::SemiBansos, 3, 3_000_000, 7_650_000),
        (SchemeName::Normal, 2, 7_000_000, 1_400_000),
        // One batch of 2020: 123,351,850,000.
        (SchemeName::SemiBansos, 34_747, 34_747_000_000, 88_604_850_000),
        // All revoked until 25 September 2020: 672,497,800,000.
        (SchemeName::SemiBansos, 189_436, 189_436_000_000, 483_061_800_000),
    ];
    for (scheme, participants, forfeited, returned) in rows {
        let cohort = lived(Parameters::new(participants, 1, scheme, Scenario::NoPurchase));
        assert_eq!(balance(&cohort, Account::Forfeited), forfeited);
        assert_eq!(balance(&cohort, Account::TreasuryReturned), returned);
        assert_eq!(cohort.state().totals().treasury_total().get(), forfeited + returned);
        assert!(cohort.summary().refused.is_empty());
        let revoked = |p: &ledger_core::state::Participant| p.status == Status::Revoked(Ground::NoFirstPurchase);
        assert!(cohort.state().participants().iter().all(revoked));
    }
}

#[test]
fn the_demo_is_wave_1_of_kota_binjai_until_the_end_of_2020() {
    assert_eq!(demo().extent, Extent::FirstWave);
    let cohort = lived(demo());
    let state = cohort.state();
    assert_eq!(state.participants().len(), 135);
    assert!(state.participants().iter().all(|p| p.region == Region(1275) && p.wave == Wave(1)));
    let months: Vec<_> = state.runs().iter().map(|run| run.as_of.ymd().1).collect();
    assert_eq!(months, [4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert!(state.runs().iter().all(|run| run.closed.is_some()));
    assert!(state.year(2020).closed.is_some());
    assert!(cohort.summary().refused.is_empty(), "{:?}", cohort.summary().refused);
    assert_eq!(state.totals().sum().get(), 0);
    // Nothing is under way at the end, and a table of it has something to show.
    for (account, amount) in state.totals().iter() {
        match account {
            Account::InTransit(_) => assert_eq!(amount.get(), 0, "{account}"),
            Account::IncentivesCommitted
            | Account::Received
            | Account::Forfeited
            | Account::Lapsed
            | Account::TreasuryReturned => assert!(amount.get() > 0, "{account}"),
            _ => {}
        }
    }
}
