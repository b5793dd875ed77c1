//! What the lives of money share: Ani with one instruction, what may become of it, and her accounts checked twice.

use std::collections::BTreeMap;

use ledger_core::NewEvent;
use ledger_core::codes::{Evidence, Ground, OutcomeKind, Partner};
use ledger_tests::given::{Ledger, named};
use ledger_tests::oracle::Oracle;
use ledger_tests::words::{Ask, Moment, day, found_by, outcome, report};

use crate::setting::{ANI, Setting};

pub(crate) const TRAINING: i64 = 600_000;

pub(crate) const GOPAY: Partner = Partner::Gopay;

/// The accounts of Ani are exactly these; zeros may be listed.
#[track_caller]
pub(crate) fn accounts(ledger: &Ledger, expected: &[(&str, i64)]) {
    let expected: BTreeMap<_, _> =
        expected.iter().filter(|(_, sum)| *sum != 0).map(|(name, sum)| ((*name).to_owned(), *sum)).collect();
    assert_eq!(ledger.accounts(ANI.id()), expected);
    let mut oracle = Oracle::default();
    ledger.records().iter().for_each(|record| oracle.observe(record));
    let mut told = oracle.accounts(ANI.id());
    told.remove("budget");
    assert_eq!(told, expected, "by the oracle");
    let mut totals = oracle.totals();
    totals.remove("budget");
    assert_eq!(named(ledger.state().totals()), totals, "totals, by the oracle");
}

pub(crate) fn settled(position: u64, reference: &'static str, when: impl Moment) -> Ask {
    report(GOPAY, OutcomeKind::Settled, outcome(position, TRAINING, reference), when)
}

pub(crate) fn rejected(position: u64, when: impl Moment) -> Ask {
    report(GOPAY, OutcomeKind::Rejected, outcome(position, TRAINING, ""), when)
}

pub(crate) fn returned(position: u64, reference: &'static str, when: impl Moment) -> Ask {
    report(GOPAY, OutcomeKind::Returned, outcome(position, TRAINING, reference), when)
}

pub(crate) fn revoke(when: impl Moment) -> Ask {
    ANI.revoke(90, Ground::FalseData, when)
}

/// Incentives of Ani's scheme, rupiah.
pub(crate) fn incentives(s: &Setting) -> i64 {
    s.scheme.incentives().get()
}

/// Unlocked, and the first training incentive instructed on 28 April; gives the instruction.
pub(crate) fn instructed(s: &Setting) -> (Ledger, u64) {
    let mut ledger = Ledger::given(s.unlocked());
    let position = ledger.pay(1, day("2020-04-27"), "2020-04-28").one();
    (ledger, position)
}

pub(crate) fn doubt(position: u64) -> Ask {
    report(GOPAY, OutcomeKind::InDoubt, outcome(position, TRAINING, ""), "2020-05-01")
}

pub(crate) fn not_paid(position: u64, evidence: Evidence) -> Ask {
    report(GOPAY, OutcomeKind::Rejected, found_by(evidence, outcome(position, TRAINING, "")), "2020-05-02")
}

/// The same records in another ledger.
pub(crate) fn replay(from: &Ledger, into: &mut Ledger) {
    for record in from.records() {
        let new =
            NewEvent { participant: record.participant, occurred_at: record.occurred_at, event: record.event.clone() };
        let meta = ledger_core::Meta {
            occurred_at: record.occurred_at,
            recorded_at: record.recorded_at,
            actor: record.actor.clone(),
            auth: record.auth,
            approved_by: record.approved_by.clone(),
            source_reference: record.source_reference.clone(),
        };
        into.record(new, &meta);
    }
}
