//! Lives of money: what happens to a participant, and the exact accounts after it, by the ledger and by the oracle.

use ledger_core::codes::{Evidence, OutcomeKind, Platform};
use ledger_core::event::Event;
use ledger_core::state::Status;
use ledger_tests::given::Ledger;
use ledger_tests::words::{Ask, Moment, close_period, close_wave, day, outcome, report};

use crate::money::{
    GOPAY, TRAINING, accounts, doubt, incentives, instructed, not_paid, rejected, replay, returned, revoke, settled,
};
use crate::setting::{ANI, Setting, both, with};

#[test]
fn a_full_life() {
    // Incentives: four and three, one and two.
    let expected = [(1_000_000, 2_400_000 + 150_000, 3_550_000), (3_500_000, 600_000 + 100_000, 4_200_000)];
    for (s, (aid, all, whole)) in both().iter().zip(expected) {
        let mut ledger = Ledger::given(s.selected());
        accounts(&ledger, &[("training-balance", aid), ("incentives-committed", all)]);
        ledger.and([
            ANI.link(1, GOPAY, "2020-04-11"),
            ANI.buy_from(Platform::Pijar, 1, 500_000, "2020-04-12"),
            ANI.complete(1, "2020-04-20"),
            ANI.certify(1, "2020-04-21"),
            ANI.review(1, "2020-04-22"),
            ANI.buy_from(Platform::SekolahMu, 2, 300_000, "2020-05-01"),
        ]);
        for number in 1..=s.surveys {
            let opens = day("2020-04-22").plus_days(s.scheme.survey_opening_days[usize::from(number) - 1].into());
            ledger.and([ANI.survey(number, opens)]);
        }
        let mut paid = 0;
        for (month, as_of) in (1u8..).zip(["2020-04-27", "2020-05-27", "2020-06-27", "2020-07-27", "2020-08-27"]) {
            for position in ledger.pay(month, day(as_of), "2020-09-01").instructed {
                let Event::PayoutInstructed(e) = &ledger.records()[position as usize].event else {
                    panic!("{position}")
                };
                let amount = e.amount.get();
                paid += amount;
                ledger.and([
                    report(GOPAY, OutcomeKind::Accepted, outcome(position, amount, ""), "2020-09-01"),
                    report(GOPAY, OutcomeKind::Settled, outcome(position, amount, "tx"), "2020-09-02"),
                ]);
            }
        }
        assert_eq!(paid, all);
        ledger.and([ANI.complete(2, "2020-11-01"), close_period(2020, "2020-12-16"), close_wave(1, "2021-01-31")]);
        accounts(
            &ledger,
            &[
                ("platform-earned:pijar", 500_000),
                ("platform-earned:sekolah-mu", 300_000),
                ("received", all),
                ("lapsed", aid - 800_000),
            ],
        );
        assert_eq!(ledger.accounts(ANI.id()).values().sum::<i64>(), whole);
        assert_eq!(ledger.jobs(day("2021-06-01")), vec![]);
    }
}

/// What happens, and the accounts after it: of training money and of incentives, the rest is where it began.
struct Life {
    what: &'static str,
    given: Vec<Ask>,
    then: fn(&Setting) -> Vec<(&'static str, i64)>,
}

fn training_lives(s: &Setting) -> Vec<Life> {
    let life = |what, given, then| Life { what, given, then };
    let period = |when: &str| close_period(2020, when.instant());
    let wave = |when: &str| close_wave(1, when.instant());
    let back = |when: &str| ANI.reinstate(91, Some(day("2020-12-15")), when.instant());
    vec![
        life("revoked before a purchase", with(s.selected(), [revoke("2020-06-01")]), |s| {
            vec![("forfeited", s.aid), ("treasury-returned", incentives(s))]
        }),
        life("revoked after a purchase", with(s.bought(), [revoke("2020-06-01")]), |s| {
            vec![
                ("forfeited", s.aid - 500_000),
                ("platform-unearned:tokopedia", 500_000),
                ("treasury-returned", incentives(s)),
            ]
        }),
        life(
            "revoked after a purchase, completed then",
            with(s.bought(), [revoke("2020-06-01"), ANI.complete(1, "2020-06-02")]),
            |s| {
                vec![
                    ("forfeited", s.aid - 500_000),
                    ("platform-earned:tokopedia", 500_000),
                    ("treasury-returned", incentives(s)),
                ]
            },
        ),
        life("cancelled", with(s.bought(), [ANI.cancel(1, "2020-05-01")]), |s| {
            vec![("training-balance", s.aid), ("incentives-committed", incentives(s))]
        }),
        life(
            "cancelled after revocation",
            with(s.bought(), [revoke("2020-06-01"), ANI.cancel(1, "2020-06-02")]),
            |s| vec![("forfeited", s.aid), ("treasury-returned", incentives(s))],
        ),
        life(
            "cancelled after the period's end",
            with(s.bought(), [period("2020-12-16"), ANI.cancel(1, "2020-12-17")]),
            |s| vec![("lapsed", s.aid), ("incentives-committed", incentives(s))],
        ),
        life(
            "revoked, and cancelled after the period's end",
            with(s.bought(), [revoke("2020-06-01"), period("2020-12-16"), ANI.cancel(1, "2020-12-17")]),
            |s| vec![("forfeited", s.aid - 500_000), ("lapsed", 500_000), ("treasury-returned", incentives(s))],
        ),
        life("completion withdrawn", with(s.completed(), [ANI.withdraw(1, 1, "2020-05-01")]), |s| {
            vec![
                ("training-balance", s.aid - 500_000),
                ("platform-unearned:tokopedia", 500_000),
                ("incentives-committed", incentives(s)),
            ]
        }),
        life(
            "completion withdrawn, then cancelled",
            with(s.completed(), [ANI.withdraw(1, 1, "2020-05-01"), ANI.cancel(1, "2020-05-02")]),
            |s| vec![("training-balance", s.aid), ("incentives-committed", incentives(s))],
        ),
        life("reinstated", with(s.bought(), [revoke("2020-06-01"), back("2020-07-01")]), |s| {
            vec![
                ("training-balance", s.aid - 500_000),
                ("platform-unearned:tokopedia", 500_000),
                ("incentives-committed", incentives(s)),
            ]
        }),
        life(
            "cancelled after revocation, then reinstated",
            with(s.bought(), [revoke("2020-06-01"), ANI.cancel(1, "2020-06-02"), back("2020-07-01")]),
            |s| vec![("training-balance", s.aid), ("incentives-committed", incentives(s))],
        ),
        life(
            "reinstated after the period's end: what was forfeited stays so",
            with(s.selected(), [revoke("2020-06-01"), period("2020-12-16"), back("2020-12-17")]),
            |s| vec![("forfeited", s.aid), ("incentives-committed", incentives(s))],
        ),
        life(
            "revoked after the period's end, then reinstated",
            with(s.selected(), [period("2020-12-16"), revoke("2020-12-17"), back("2020-12-18")]),
            |s| vec![("lapsed", s.aid), ("incentives-committed", incentives(s))],
        ),
        life("the wave's end alone", with(s.selected(), [wave("2021-01-31")]), |s| {
            vec![("training-balance", s.aid), ("treasury-returned", incentives(s))]
        }),
        life("the period's end alone", with(s.bought(), [period("2020-12-16")]), |s| {
            vec![
                ("lapsed", s.aid - 500_000),
                ("platform-unearned:tokopedia", 500_000),
                ("incentives-committed", incentives(s)),
            ]
        }),
        life(
            "both ends after revocation",
            with(s.selected(), [revoke("2020-06-01"), period("2020-12-16"), wave("2021-01-31")]),
            |s| vec![("forfeited", s.aid), ("treasury-returned", incentives(s))],
        ),
        life(
            "repaid under the demand",
            with(s.selected(), [ANI.owe(1, 600_000, "2020-06-01"), ANI.repay(1, "a", 100_000, "2020-06-02")]),
            |s| {
                vec![
                    ("training-balance", s.aid),
                    ("incentives-committed", incentives(s)),
                    ("repaid", -100_000),
                    ("repayments", 100_000),
                ]
            },
        ),
        life(
            "repaid over the demand, in two, after revocation",
            with(
                s.selected(),
                [
                    ANI.owe(1, 600_000, "2020-06-01"),
                    revoke("2020-06-02"),
                    ANI.repay(1, "a", 600_000, "2020-06-03"),
                    ANI.repay(1, "b", 600_000, "2020-06-04"),
                ],
            ),
            |s| {
                vec![
                    ("forfeited", s.aid),
                    ("treasury-returned", incentives(s)),
                    ("repaid", -1_200_000),
                    ("repayments", 1_200_000),
                ]
            },
        ),
    ]
}

#[test]
fn training_money() {
    for s in both() {
        for Life { what, given, then } in training_lives(&s) {
            eprintln!("{what}, {}", s.name);
            accounts(&Ledger::given(given), &then(&s));
        }
    }
}

/// What becomes of one instruction, and where its 600,000 are then: in-transit:gopay, received, overpaid, at home.
struct Fate {
    what: &'static str,
    asks: fn(u64) -> Vec<Ask>,
    transit: i64,
    received: i64,
    overpaid: i64,
    home: &'static str,
}

const fn fate(what: &'static str, asks: fn(u64) -> Vec<Ask>, money: [i64; 3], home: &'static str) -> Fate {
    Fate { what, asks, transit: money[0], received: money[1], overpaid: money[2], home }
}

const COMMITTED: &str = "incentives-committed";

const TREASURY: &str = "treasury-returned";

fn fates() -> Vec<Fate> {
    vec![
        fate("instructed", |_| vec![], [TRAINING, 0, 0], COMMITTED),
        fate("settled", |i| vec![settled(i, "a", "2020-04-29")], [0, TRAINING, 0], COMMITTED),
        fate("rejected", |i| vec![rejected(i, "2020-04-29")], [0, 0, 0], COMMITTED),
        fate(
            "settled, then returned",
            |i| vec![settled(i, "a", "2020-04-29"), returned(i, "r", "2020-04-30")],
            [0, 0, 0],
            COMMITTED,
        ),
        fate(
            "rejected, then settled: from home",
            |i| vec![rejected(i, "2020-04-29"), settled(i, "a", "2020-04-30")],
            [0, TRAINING, 0],
            COMMITTED,
        ),
        fate(
            "settled twice",
            |i| vec![settled(i, "a", "2020-04-29"), settled(i, "b", "2020-04-30")],
            [0, 2 * TRAINING, -TRAINING],
            COMMITTED,
        ),
        fate(
            "settled twice, then one returned",
            |i| vec![settled(i, "a", "2020-04-29"), settled(i, "b", "2020-04-30"), returned(i, "r", "2020-05-01")],
            [0, TRAINING, 0],
            COMMITTED,
        ),
        fate(
            "settled twice, then both returned",
            |i| {
                vec![
                    settled(i, "a", "2020-04-29"),
                    settled(i, "b", "2020-04-30"),
                    returned(i, "r", "2020-05-01"),
                    returned(i, "s", "2020-05-01"),
                ]
            },
            [0, 0, 0],
            COMMITTED,
        ),
        fate("revoked in transit", |_| vec![revoke("2020-05-01")], [TRAINING, 0, 0], TREASURY),
        fate(
            "revoked in transit, then settled",
            |i| vec![revoke("2020-05-01"), settled(i, "a", "2020-05-02")],
            [0, TRAINING, 0],
            TREASURY,
        ),
        fate(
            "revoked in transit, then rejected",
            |i| vec![revoke("2020-05-01"), rejected(i, "2020-05-02")],
            [0, 0, 0],
            TREASURY,
        ),
        fate(
            "revoked in transit, then settled, then returned",
            |i| vec![revoke("2020-05-01"), settled(i, "a", "2020-05-02"), returned(i, "r", "2020-05-03")],
            [0, 0, 0],
            TREASURY,
        ),
        fate(
            "rejected, revoked, then settled: from the treasury",
            |i| vec![rejected(i, "2020-04-29"), revoke("2020-05-01"), settled(i, "a", "2020-05-02")],
            [0, TRAINING, 0],
            TREASURY,
        ),
        fate(
            "settled, revoked, then settled again: overpaid, not from the treasury",
            |i| vec![settled(i, "a", "2020-04-29"), revoke("2020-05-01"), settled(i, "b", "2020-05-02")],
            [0, 2 * TRAINING, -TRAINING],
            TREASURY,
        ),
        fate(
            "revoked in transit, reinstated, rejected",
            |i| {
                let back = ANI.reinstate(91, None, "2020-05-02");
                vec![revoke("2020-05-01"), back, rejected(i, "2020-05-03")]
            },
            [0, 0, 0],
            COMMITTED,
        ),
        fate(
            "revoked, settled, reinstated: what was received is not given back to the commitment",
            |i| {
                let back = ANI.reinstate(91, None, "2020-05-03");
                vec![revoke("2020-05-01"), settled(i, "a", "2020-05-02"), back]
            },
            [0, TRAINING, 0],
            COMMITTED,
        ),
        fate(
            "in transit at the wave's end, then rejected",
            |i| vec![close_wave(1, "2020-05-01"), rejected(i, "2020-05-02")],
            [0, 0, 0],
            TREASURY,
        ),
        fate(
            "in transit at the wave's end, then settled and returned",
            |i| vec![close_wave(1, "2020-05-01"), settled(i, "a", "2020-05-02"), returned(i, "r", "2020-05-03")],
            [0, 0, 0],
            TREASURY,
        ),
        fate(
            "in doubt, settled by the partner's word",
            |i| vec![doubt(i), settled(i, "a", "2020-05-02")],
            [0, TRAINING, 0],
            COMMITTED,
        ),
        fate("in doubt", |i| vec![doubt(i)], [TRAINING, 0, 0], COMMITTED),
        fate(
            "in doubt, rejected by the partner's word: kept aside",
            |i| vec![doubt(i), rejected(i, "2020-05-02")],
            [TRAINING, 0, 0],
            COMMITTED,
        ),
        fate("in doubt, rejected by inquiry", |i| vec![doubt(i), not_paid(i, Evidence::Inquiry)], [0, 0, 0], COMMITTED),
        fate("in doubt, rejected by a person", |i| vec![doubt(i), not_paid(i, Evidence::Manual)], [0, 0, 0], COMMITTED),
        fate(
            "another amount, kept aside",
            |i| vec![report(GOPAY, OutcomeKind::Settled, outcome(i, TRAINING - 1, "a"), "2020-04-29")],
            [TRAINING, 0, 0],
            COMMITTED,
        ),
        fate(
            "settled, then rejected: kept aside",
            |i| vec![settled(i, "a", "2020-04-29"), rejected(i, "2020-04-30")],
            [0, TRAINING, 0],
            COMMITTED,
        ),
        fate(
            "returned before it was settled: kept aside",
            |i| vec![returned(i, "r", "2020-04-29")],
            [TRAINING, 0, 0],
            COMMITTED,
        ),
    ]
}

#[test]
fn one_instructions_money() {
    for s in both() {
        for Fate { what, asks, transit, received, overpaid, home } in fates() {
            eprintln!("{what}, {}", s.name);
            let (mut ledger, position) = instructed(&s);
            ledger.and(asks(position));
            let revoked = ledger.state().participant(ANI.id()).is_some_and(|p| p.status != Status::Live);
            accounts(
                &ledger,
                &[
                    (if revoked { "forfeited" } else { "training-balance" }, s.aid - 500_000),
                    ("platform-earned:tokopedia", 500_000),
                    ("in-transit:gopay", transit),
                    ("received", received),
                    ("overpaid", overpaid),
                    (home, incentives(&s) - transit - received - overpaid),
                ],
            );
        }
    }
}

fn of_incentives(ledger: &Ledger) -> [i64; 4] {
    let accounts = ledger.accounts(ANI.id());
    ["incentives-committed", "in-transit:gopay", "received", "overpaid"]
        .map(|name| accounts.get(name).copied().unwrap_or(0))
}

#[test]
fn rejected_paid_again_and_the_first_settled_after_all() {
    for s in both() {
        let all = incentives(&s);
        let (mut ledger, first) = instructed(&s);
        ledger.and([rejected(first, "2020-04-29")]);
        let second = ledger.pay(2, day("2020-04-30"), "2020-04-30").one();
        let Event::PayoutInstructed(e) = &ledger.records()[second as usize].event else { panic!("{second}") };
        assert_eq!((e.attempt, e.due), (2, day("2020-04-27")));
        ledger.and([settled(first, "late", "2020-05-01")]);
        assert_eq!(of_incentives(&ledger), [all - TRAINING, TRAINING, TRAINING, -TRAINING]);

        // The second is rejected: that mends the overpayment. Or it is settled too, and one comes back.
        let mut other = Ledger::default();
        replay(&ledger, &mut other);
        ledger.and([rejected(second, "2020-05-02")]);
        assert_eq!(of_incentives(&ledger), [all - TRAINING, 0, TRAINING, 0]);
        assert_eq!(ledger.pay(3, day("2020-05-03"), "2020-05-03").instructed, Vec::<u64>::new(), "it is paid");

        other.and([settled(second, "too", "2020-05-02")]);
        assert_eq!(of_incentives(&other), [all - TRAINING, 0, 2 * TRAINING, -TRAINING]);
        other.and([returned(first, "back", "2020-05-03")]);
        assert_eq!(of_incentives(&other), [all - TRAINING, 0, TRAINING, 0]);
        other.and([returned(second, "back", "2020-05-04")]);
        assert_eq!(of_incentives(&other), [all, 0, 0, 0]);
    }
}

#[test]
fn returned_and_paid_again() {
    for s in both() {
        let all = incentives(&s);
        let (mut ledger, first) = instructed(&s);
        ledger.and([settled(first, "a", "2020-04-29"), returned(first, "r", "2020-05-02")]);
        assert_eq!(of_incentives(&ledger), [all, 0, 0, 0]);
        let second = ledger.pay(2, day("2020-05-02"), "2020-05-02").one();
        assert_eq!(of_incentives(&ledger), [all - TRAINING, TRAINING, 0, 0]);
        ledger.and([settled(second, "b", "2020-05-03")]);
        assert_eq!(of_incentives(&ledger), [all - TRAINING, 0, TRAINING, 0]);
        assert_eq!(ledger.state().year(2020).used.get(), 500_000 + TRAINING, "funds count what is out");
    }
}

#[test]
fn published_totals_in_small() {
    // 2020: 3,550,000 each, forfeited 1,000,000 and returned 2,550,000 where nothing was bought.
    let [s, _] = both();
    let mut ledger = Ledger::given(s.selected());
    ledger.jobs(day("2020-07-01"));
    let totals = ledger.state().totals();
    assert_eq!(totals.treasury_total().get(), 3_550_000);
    accounts(
        &ledger,
        &[("forfeited", 672_497_800_000 / 189_436 - 2_550_000), ("treasury-returned", 483_061_800_000 / 189_436)],
    );
}
