//! The deadline and expiry jobs, and the recalls that a revocation brings.

use ledger_core::codes::{Evidence, Ground};
use ledger_core::deadlines::ground;
use ledger_core::event::Event;
use ledger_tests::given::Ledger;
use ledger_tests::words::day;

use crate::money::{instructed, revoke, settled};
use crate::setting::{ANI, both};

#[test]
fn an_instruction_without_an_outcome_is_in_doubt_after_its_expiry() {
    for s in both() {
        let (mut ledger, position) = instructed(&s);
        // Instructed on 28 April, with seven days for an outcome.
        assert_eq!(ledger.jobs(day("2020-05-05")), vec![]);
        let [Event::PayoutInDoubt(e)] = &ledger.jobs(day("2020-05-20"))[..] else { panic!("in doubt") };
        assert_eq!((e.outcome.instruction.0, e.outcome.evidence), (position, Evidence::Expiry));
        let record = ledger.records().last().expect("a record");
        assert_eq!(record.occurred_at, day("2020-05-06").midnight());
        assert_eq!(ledger.jobs(day("2020-05-20")), vec![]);
    }
}

#[test]
fn the_deadline_job_revokes_once() {
    for s in both() {
        let mut ledger = Ledger::given(s.selected());
        let ground = |as_of| ground(ledger.state(), ledger.state().participant(ANI.id()).expect("Ani"), as_of);
        assert_eq!(ground(s.first_purchase), None);
        assert_eq!(ground(s.first_purchase.plus_days(1)), Some((Ground::NoFirstPurchase, s.first_purchase)));
        assert_eq!(ledger.jobs(s.first_purchase), vec![]);
        let after = s.first_purchase.plus_days(1);
        let events = ledger.jobs(after.plus_days(9));
        assert!(matches!(&events[..], [Event::MembershipRevoked(e)] if e.ground == Ground::NoFirstPurchase));
        assert_eq!(ledger.records().last().map(|record| record.occurred_at), Some(after.midnight()));
        assert_eq!(ledger.jobs(after.plus_days(9)), vec![]);

        // Reinstated with a new deadline, it watches that one; the revocation is not dated before the reinstatement.
        let rows = [
            ("2020-08-01", Some("2020-08-15"), "2020-09-01", Some("2020-08-16")),
            ("2020-09-10", Some("2020-06-30"), "2020-09-20", Some("2020-09-10")),
            ("2020-09-30", Some("2020-06-30"), "2020-12-31", None),
        ];
        for ((when, deadline, as_of, revoked), n) in rows.into_iter().zip(50..) {
            ledger.and([ANI.reinstate(n, deadline.map(day), when)]);
            let events = ledger.jobs(day(as_of));
            assert_eq!(events.len(), usize::from(revoked.is_some()), "{when}: {events:?}");
            if let Some(revoked) = revoked {
                assert_eq!(ledger.records().last().map(|r| r.occurred_at), Some(day(revoked).midnight()));
            }
            assert_eq!(ledger.jobs(day(as_of)), vec![]);
        }
    }
}

#[test]
fn the_deadline_job_knows_what_was_completed() {
    for s in both() {
        let rows = [("bought", s.bought(), 1), ("completed", s.completed(), 0)];
        for (what, given, expected) in rows {
            let mut ledger = Ledger::given(given);
            assert_eq!(ledger.jobs(day("2020-12-31")), vec![], "{what}");
            assert_eq!(ledger.jobs(day("2021-01-01")).len(), expected, "{what}");
            assert_eq!(ledger.jobs(day("2021-01-01")), vec![], "{what}");
        }
    }
}

#[test]
fn a_revocation_recalls_what_is_not_paid_yet_once() {
    for s in both() {
        let (mut ledger, position) = instructed(&s);
        let recalls = |ledger: &Ledger| {
            let recall = |r: &&ledger_core::Record<'_>| matches!(r.event, Event::InstructionRecalled(_));
            ledger.records().iter().filter(recall).map(|r| r.occurred_at).collect::<Vec<_>>()
        };
        // The revocation is dated before the instruction, its recall is not.
        ledger.and([revoke("2020-04-23")]);
        assert_eq!(recalls(&ledger), [day("2020-04-28").midnight()]);
        ledger.and([ANI.reinstate(91, None, "2020-05-01"), ANI.revoke(92, Ground::ProxyUse, "2020-05-02")]);
        assert_eq!(recalls(&ledger).len(), 1);
        ledger.and([settled(position, "a", "2020-05-03")]);
    }
}
