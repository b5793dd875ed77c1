//! Runs: what they pay, where they stop, and how they are taken up again.

use ledger_core::codes::Partner;
use ledger_core::event::Event;
use ledger_core::schedule::Held;
use ledger_core::time::Date;
use ledger_tests::given::Ledger;
use ledger_tests::words::{Ask, day, funds};

use crate::money::{GOPAY, TRAINING, rejected, revoke};
use crate::setting::{ANI, Setting, both, with};

#[test]
fn a_run_pays_only_what_is_still_payable_to_the_same_account() {
    let between: [(&str, Vec<Ask>, Option<Held>); 6] = [
        ("nothing", vec![], None),
        ("revoked", vec![revoke("2020-04-29")], Some(Held::MembershipRevoked)),
        ("relinked after the run's day", vec![ANI.link(2, Partner::Dana, "2020-04-29")], Some(Held::NoAccount)),
        ("relinked in time", vec![ANI.link(2, GOPAY, "2020-04-26")], Some(Held::OtherAccount)),
        ("found ineligible", vec![ANI.find("case-a", "2020-04-29")], Some(Held::Ineligible)),
        ("withdrawn", vec![ANI.withdraw(1, 1, "2020-04-29")], Some(Held::NotEarned)),
    ];
    for s in both() {
        for (what, asks, why) in &between {
            let mut ledger = Ledger::given(s.unlocked());
            let plan = ledger.plan(1, day("2020-04-27"), "2020-04-28");
            assert_eq!(plan.items.len(), 1);
            ledger.and(asks.clone());
            ledger.approve(1, &plan, "2020-04-30");
            let paid = ledger.work_off(1, &plan, usize::MAX);
            assert_eq!(paid.instructed.len(), usize::from(why.is_none()), "{what}");
            assert_eq!(paid.reasons(), why.map(|why| (why, 1)).into_iter().collect::<Vec<_>>(), "{what}");
            let Some(Event::DisbursementRunClosed(e)) = ledger.records().last().map(|r| r.event.clone()) else {
                panic!("closed")
            };
            assert_eq!(e.held_by, paid.held, "{what}");
            assert_eq!(
                (e.instructed.count + e.held.count, e.instructed.amount.get() + e.held.amount.get()),
                (1, TRAINING)
            );
        }
    }
}

/// Four people unlocked on four days, each with an incentive of 600,000.
fn four(s: &Setting, appropriated: i64) -> Ledger {
    let mut ledger = Ledger::given([
        ledger_tests::words::enact(s.scheme.clone(), "2020-03-20"),
        ledger_tests::words::open(1, s.name, 2020, 10, "2020-04-01"),
        funds("dipa", 2020, appropriated, "2020-04-01"),
    ]);
    for n in 1..=4 {
        let who = ledger_tests::words::P(n);
        ledger.and([
            who.select(1, "2020-04-10"),
            who.link(n, GOPAY, "2020-04-11"),
            who.buy(n, 100_000, "2020-04-12"),
            who.complete(n, "2020-04-20"),
            who.certify(n, "2020-04-21"),
            who.review(n, day("2020-04-21").plus_days(n.into())),
        ]);
    }
    ledger
}

#[test]
fn a_run_stops_where_funds_do() {
    for s in both() {
        // Purchases count: 400,000 of them leave room for two incentives, and almost for a third.
        for (appropriated, paid) in [(400_000 + 3 * TRAINING - 1, 2), (400_000 + 3 * TRAINING, 3), (400_000, 0), (1, 0)]
        {
            let mut ledger = four(&s, appropriated);
            let run = ledger.pay(1, day("2020-05-20"), "2020-05-20");
            assert_eq!(run.instructed.len(), paid, "of {appropriated}");
            assert_eq!(run.reasons(), [(Held::Funds, 4 - paid as u64)]);

            // More money, and the next run pays the rest.
            ledger.and([funds("more", 2020, 10_000_000, "2020-05-21")]);
            assert_eq!(ledger.pay(2, day("2020-05-21"), "2020-05-21").instructed.len(), 4 - paid);
        }
    }
}

#[test]
fn nothing_overtakes_an_item_that_funds_do_not_cover() {
    for s in both() {
        // Left: enough for a survey incentive, not for the training incentive due before it.
        let mut asks = with(s.unlocked(), [ANI.survey(1, s.survey_opens)]);
        asks.push(funds("cut", 2020, -1_000_000_000 + 500_000 + 100_000, "2020-04-23"));
        let run = Ledger::given(asks).pay(1, s.survey_opens.plus_days(14), "2020-06-30");
        let items = if s.name == "normal" { 2 } else { 3 };
        assert_eq!((run.instructed.len(), run.reasons()), (0, vec![(Held::Funds, items)]), "{}", s.name);
    }
}

#[test]
fn a_run_is_taken_up_where_it_stopped() {
    for s in both() {
        let mut at_once = four(&s, 100_000_000);
        let whole = at_once.pay(1, day("2020-05-20"), "2020-05-20");
        assert_eq!(whole.instructed.len(), 4);
        for stops in [vec![0], vec![1], vec![2, 1], vec![1, 1, 1, 1], vec![4]] {
            let mut ledger = four(&s, 100_000_000);
            let plan = ledger.plan(1, day("2020-05-20"), "2020-05-20");
            ledger.approve(1, &plan, "2020-05-20");
            let mut instructed = Vec::new();
            for stop in &stops {
                instructed.extend(ledger.work_off(1, &plan, *stop).instructed);
            }
            instructed.extend(ledger.work_off(1, &plan, usize::MAX).instructed);
            assert_eq!(instructed, whole.instructed, "{stops:?}");
            assert_eq!(ledger.records(), at_once.records(), "{stops:?}");
        }
    }
}

#[test]
fn a_resumed_run_still_holds_what_it_held() {
    for s in both() {
        let mut ledger = four(&s, 100_000_000);
        let plan = ledger.plan(1, day("2020-05-20"), "2020-05-20");
        ledger.and([revoke("2020-05-20")]);
        ledger.approve(1, &plan, "2020-05-20");
        ledger.work_off(1, &plan, 2);
        // Reinstated while the run stands still: its item was held, and stays so.
        ledger.and([ANI.reinstate(91, None, "2020-05-20")]);
        assert_eq!(ledger.work_off(1, &plan, usize::MAX).instructed.len(), 1);
        let Some(Event::DisbursementRunClosed(e)) = ledger.records().last().map(|r| r.event.clone()) else {
            panic!("closed")
        };
        assert_eq!((e.instructed.count, e.held.count, e.held.amount.get()), (3, 1, TRAINING));
        assert_eq!(e.held_by, [], "the reason was known to the server that stopped");
    }
}

#[test]
fn only_an_approved_run_works_and_closes_once() {
    let [s, _] = both();
    let mut ledger = four(&s, 100_000_000);
    let plan = ledger.plan(1, day("2020-05-20"), "2020-05-20");
    let run = ledger_tests::words::run(1);
    let closing = |ledger: &Ledger| ledger_core::run::close(ledger.state(), run, Default::default(), Vec::new());
    let first = |ledger: &Ledger| ledger_core::run::instruct(ledger.state(), run, &plan.items[0]);
    assert_eq!((first(&ledger), closing(&ledger)), (Err(Held::NotDue), None));
    ledger.approve(1, &plan, "2020-05-20");
    assert!(first(&ledger).is_ok());
    ledger.work_off(1, &plan, usize::MAX);
    assert_eq!((first(&ledger), closing(&ledger)), (Err(Held::NotDue), None));
}

#[test]
fn after_250_tries_nobody_tries_again() {
    let [s, _] = both();
    let mut ledger = Ledger::given(s.unlocked());
    let on = day("2020-04-27");
    for n in 0..=250u8 {
        let paid = ledger.pay(n, on, on);
        if n == 250 {
            assert_eq!((paid.instructed.len(), paid.reasons()), (0, vec![(Held::AccountFault, 1)]));
        } else {
            ledger.and([rejected(paid.one(), on)]);
        }
    }
}

#[test]
fn a_plans_digest_is_of_its_items_alone() {
    for s in both() {
        let ledger = Ledger::given(s.unlocked());
        let plan = |as_of: Date| ledger_core::run::plan(ledger.state(), as_of);
        assert_eq!(plan(day("2020-04-27")), plan(day("2020-05-26")), "the same items");
        let empty = plan(day("2020-04-26"));
        let sha256_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((empty.items.len(), empty.totals.len()), (0, 0));
        assert_eq!(empty.digest.to_string(), sha256_of_nothing);
        assert_ne!(plan(day("2020-04-27")).digest, empty.digest);
    }
}
