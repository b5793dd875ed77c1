//! The shape of a year.

use cohort_sim::{Cohort, SchemeName};
use ledger_core::account::{Account, Balances};
use ledger_core::codes::{Ground, Partner};
use ledger_core::money::Rupiah;
use ledger_core::state::{Participant, Status};

use crate::{SCHEMES, lived, year};

fn count(cohort: &Cohort, event: &str) -> u64 {
    cohort.summary().events.get(event).copied().unwrap_or(0)
}

fn permille(part: u64, whole: u64) -> u64 {
    1_000 * part / whole
}

#[test]
fn five_thousand_live_through_everything() {
    const EVENTS: [&str; 31] = [
        "SchemeEnacted",
        "FundsAppropriated",
        "WaveOpened",
        "WaveClosed",
        "BalancePeriodClosed",
        "DisbursementRunPlanned",
        "DisbursementRunApproved",
        "DisbursementRunClosed",
        "Selected",
        "PayoutAccountLinked",
        "PayoutAccountUnlinked",
        "TrainingBought",
        "PurchaseCancelled",
        "TrainingCompleted",
        "CompletionWithdrawn",
        "CertificateIssued",
        "TrainingReviewed",
        "SurveyFilled",
        "MembershipRevoked",
        "MembershipReinstated",
        "IneligibilityFound",
        "IneligibilityWithdrawn",
        "RepaymentDemanded",
        "RepaymentReceived",
        "PayoutInstructed",
        "PayoutAccepted",
        "PayoutSettled",
        "PayoutRejected",
        "PayoutReturned",
        "PayoutInDoubt",
        "InstructionRecalled",
    ];
    for scheme in SCHEMES {
        let cohort = lived(year(5_000, 1, scheme));
        for event in EVENTS {
            assert!(count(&cohort, event) > 0, "{scheme:?}: no {event}");
        }
        let state = cohort.state();
        for ground in Ground::ALL {
            let revoked = state.participants().iter().filter(|p| p.status == Status::Revoked(*ground)).count();
            assert!(revoked > 0, "{scheme:?}: {ground}");
        }
        assert!(state.runs().iter().all(|run| run.closed.is_some()));
        assert!(state.runs().iter().any(|run| run.held.count > 0));
        assert!(state.participants().iter().any(|p| p.instructions().any(|i| i.attempt > 1)));
    }
}

#[test]
fn shares_are_those_of_a_real_year() {
    for scheme in SCHEMES {
        let cohort = lived(year(5_000, 2, scheme));
        let state = cohort.state();
        let instructed = |partner| state.instructions(partner).len() as u64;
        let all = count(&cohort, "PayoutInstructed");
        let wallets = all - instructed(Partner::Bank);
        assert!((720..=780).contains(&permille(wallets, all)), "{scheme:?}: {wallets} of {all} by wallet");
        assert_eq!(instructed(Partner::Dana) > 0, scheme == SchemeName::Normal, "DANA joined in 2021");
        let failed = 10_000 * count(&cohort, "PayoutRejected") / all;
        assert!((20..=80).contains(&failed), "{scheme:?}: {failed} of ten thousand failed");
        let unused = state.participants().iter().filter(|p| !p.has_bought()).count() as u64;
        assert!((30..=50).contains(&permille(unused, 5_000)), "{scheme:?}: {unused} bought nothing");
        let unlocked = state.participants().iter().filter(|p| p.unlock().is_some()).count() as u64;
        assert!((860..=940).contains(&permille(unlocked, 5_000)), "{scheme:?}: {unlocked} unlocked");
        let waves: Vec<_> = state.waves().map(|(number, wave)| (number.0, wave.selected, wave.quota)).collect();
        let first = if scheme == SchemeName::SemiBansos { 1 } else { 48 };
        assert!(waves.iter().zip(first..).all(|((number, selected, quota), expected)| {
            *number == expected && selected == quota && *selected > 0
        }));
    }
}

/// What the generator plans never meets a rule: it looks before each step, whatever the seed.
#[test]
fn nothing_is_refused_and_the_money_is_in_order() {
    for seed in 0..10 {
        for scheme in SCHEMES {
            let cohort = lived(year(600, seed, scheme));
            assert!(cohort.summary().refused.is_empty(), "{scheme:?} {seed}: {:?}", cohort.summary().refused);
            let (state, mut sum) = (cohort.state(), Balances::default());
            for (place, participant) in (0..).zip(state.participants().iter()) {
                let balances = state.balances(place);
                assert_eq!(balances.sum(), Rupiah::ZERO);
                let below =
                    |(account, amount): &(Account, Rupiah)| *amount < Rupiah::ZERO && !account.may_be_negative();
                assert_eq!(balances.iter().find(below), None, "{}", participant.id);
                sum.merge(&balances);
            }
            assert_eq!(sum, *state.totals());
            assert!(Partner::ALL.iter().all(|partner| sum.get(Account::InTransit(*partner)) == Rupiah::ZERO));
        }
    }
}

#[test]
fn every_planned_item_is_instructed_or_held() {
    let cohort = lived(year(300, 5, SchemeName::SemiBansos));
    let state = cohort.state();
    for run in state.runs() {
        let items = |participant: &Participant| {
            participant.instructions().filter(|i| state.runs()[usize::from(i.run())].id == run.id).count() as u64
        };
        let instructed: u64 = state.participants().iter().map(items).sum();
        assert_eq!(run.instructed.count, instructed);
        assert_eq!(run.instructed.count + run.held.count, run.planned_items.count);
    }
}
