//! The edges: the last second of a deadline and the first after it in WIB, month ends, ranges, and what late facts may.

use ledger_core::Decision;
use ledger_core::codes::{EntitlementKind, Ground, OutcomeKind, Partner};
use ledger_core::ids::ParticipantId;
use ledger_core::run;
use ledger_core::scheme::Entitlement;
use ledger_core::time::{Date, Timestamp};
use ledger_tests::given::Ledger;
use ledger_tests::oracle::Oracle;
use ledger_tests::words::{Ask, Moment, close_period, day, funds, outcome, plan_run, report};

use crate::setting::{ANI, BUDI, CITRA, Setting, both, with};

/// 23:59:59 WIB.
fn end(day: Date) -> Timestamp {
    Timestamp::from_nanos(day.plus_days(1).midnight().nanos() - 1_000_000_000)
}

/// 00:00:00 WIB.
fn start(day: Date) -> Timestamp {
    day.midnight()
}

struct Edge {
    what: &'static str,
    given: Vec<Ask>,
    accepted: Ask,
    refused: Ask,
    reason: &'static str,
}

fn edges(s: &Setting) -> Vec<Edge> {
    let last = day("2020-12-15");
    let year_end = day("2020-12-31");
    let next = |day: Date| start(day.plus_days(1));
    let revoked = || with(s.selected(), [ANI.revoke(1, Ground::FalseData, "2020-05-20")]);
    let reinstated = || with(revoked(), [ANI.reinstate(2, Some(day("2020-07-31")), "2020-06-01")]);
    let edge = |what, given, accepted, refused, reason| Edge { what, given, accepted, refused, reason };
    let buy_1 = |when: Timestamp| ANI.buy(1, 1, when);
    let buy_2 = |when: Timestamp| ANI.buy(2, 1, when);
    let job = |ground| move |when: Timestamp| ANI.revoke(1, ground, when);
    let bought_not = job(Ground::NoFirstPurchase);
    let completed_not = job(Ground::TrainingNotCompleted);
    let clock = "2020-04-12".instant();
    let ahead = |nanos| Timestamp::from_nanos(clock.nanos() + nanos);
    let five_minutes = Timestamp::FUTURE_TOLERANCE_NANOS;
    vec![
        edge(
            "the first purchase",
            s.selected(),
            buy_1(end(s.first_purchase)),
            buy_1(next(s.first_purchase)),
            "FIRST_PURCHASE_TOO_LATE",
        ),
        edge(
            "the first purchase after reinstatement",
            reinstated(),
            buy_1(end(day("2020-07-31"))),
            buy_1(next(day("2020-07-31"))),
            "FIRST_PURCHASE_TOO_LATE",
        ),
        edge("the balance's last day", s.unlocked(), buy_2(end(last)), buy_2(next(last)), "BALANCE_LAPSED"),
        edge(
            "the period's end",
            s.selected(),
            close_period(2020, next(last)),
            close_period(2020, end(last)),
            "PERIOD_NOT_OVER",
        ),
        edge(
            "nothing bought",
            s.selected(),
            bought_not(next(s.first_purchase)),
            bought_not(end(s.first_purchase)),
            "DEADLINE_NOT_PASSED",
        ),
        edge(
            "nothing bought after reinstatement",
            reinstated(),
            ANI.revoke(3, Ground::NoFirstPurchase, next(day("2020-07-31"))),
            ANI.revoke(3, Ground::NoFirstPurchase, end(day("2020-07-31"))),
            "DEADLINE_NOT_PASSED",
        ),
        edge(
            "nothing completed",
            s.bought(),
            completed_not(next(year_end)),
            completed_not(end(year_end)),
            "DEADLINE_NOT_PASSED",
        ),
        edge(
            "a new deadline",
            revoked(),
            ANI.reinstate(2, Some(last), "2020-06-01"),
            ANI.reinstate(2, Some(last.plus_days(1)), "2020-06-01"),
            "NEW_DEADLINE_TOO_LATE",
        ),
        edge(
            "the first survey",
            s.unlocked(),
            ANI.survey(1, start(s.survey_opens)),
            ANI.survey(1, end(s.survey_opens.plus_days(-1))),
            "SURVEY_NOT_OPEN",
        ),
        edge("the price", s.selected(), ANI.buy(1, s.aid, clock), ANI.buy(1, s.aid + 1, clock), "PRICE_OUT_OF_RANGE"),
        edge("the least price", s.selected(), ANI.buy(1, 1, clock), ANI.buy(1, 0, clock), "PRICE_OUT_OF_RANGE"),
        edge(
            "the clock",
            s.selected(),
            ANI.buy(1, 1, ahead(five_minutes)).clock(clock),
            ANI.buy(1, 1, ahead(five_minutes + 1)).clock(clock),
            "OCCURRED_IN_FUTURE",
        ),
        edge(
            "before selection",
            s.selected(),
            ANI.buy(1, 1, start(day("2020-04-10"))),
            ANI.buy(1, 1, end(day("2020-04-09"))),
            "DATED_BEFORE",
        ),
        edge(
            "the family card",
            with(s.selected(), []),
            BUDI.select_as(1, BUDI.identity(), ANI.0, clock),
            BUDI.select_as(1, ANI.identity(), ANI.0, clock),
            "IDENTITY_TAKEN",
        ),
        edge(
            "a repayment",
            s.selected(),
            ANI.owe(1, 10_000_000_000, clock),
            ANI.owe(1, 10_000_000_001, clock),
            "INVALID_FIELD",
        ),
        edge(
            "a cut",
            s.opened(),
            funds("cut", 2020, -1_000_000_000, clock),
            funds("cut", 2020, -1_000_000_001, clock),
            "APPROPRIATION_BELOW_ZERO",
        ),
        edge(
            "a run of today",
            s.selected(),
            plan_run(1, day("2020-05-01"), start(day("2020-05-01"))),
            plan_run(1, day("2020-05-01"), end(day("2020-04-30"))),
            "AS_OF_IN_FUTURE",
        ),
    ]
}

#[test]
fn wib_days_end_at_17_utc() {
    // 2020-12-15T17:00:00Z.
    let midnight = Timestamp::from_nanos(1_608_051_600_000_000_000);
    assert_eq!(midnight, start(day("2020-12-16")));
    for s in both() {
        let ledger = Ledger::given(s.unlocked());
        assert!(ledger.decide(&ANI.buy(2, 1, Timestamp::from_nanos(midnight.nanos() - 1))).is_ok());
        assert_eq!(ledger.decide(&ANI.buy(2, 1, midnight)).map_err(|e| e.reason()), Err("BALANCE_LAPSED"));
    }
}

#[test]
fn an_edge_is_where_it_says() {
    for s in both() {
        for Edge { what, given, accepted, refused, reason } in edges(&s) {
            let mut ledger = Ledger::given(given);
            assert_eq!(ledger.decide(&refused).map_err(|e| e.reason()), Err(reason), "{what}, {}", s.name);
            let decision = ledger.ask(&accepted);
            assert!(matches!(decision, Ok(Decision::Record(_))), "{what}, {}: {decision:?}", s.name);
        }
    }
}

const fn incentive(number: u8) -> Entitlement {
    Entitlement { kind: EntitlementKind::Training, number }
}

/// Ani's due dates of training incentives, by the ledger and by the oracle.
fn due(ledger: &Ledger, id: ParticipantId) -> Vec<String> {
    let state = ledger.state();
    let participant = state.participant(id).expect("a participant");
    let scheme = state.scheme_of(participant).expect("a scheme");
    let mut oracle = Oracle::default();
    ledger.records().iter().for_each(|record| oracle.observe(record));
    let numbers = 1..=scheme.training_incentives.len() as u8;
    let dates = numbers.filter_map(|number| {
        let due = participant.due(scheme, incentive(number));
        assert_eq!(due, oracle.entitlement_due(id, incentive(number)), "the oracle on {number}");
        due
    });
    dates.map(|date| date.to_string()).collect()
}

#[test]
fn incentives_are_due_by_the_month_from_the_first_ones_day() {
    // The moment of the review, and the due dates of all incentives.
    let rows: &[(&str, &[&str])] = &[
        ("2020-04-22", &["2020-04-27", "2020-05-27", "2020-06-27", "2020-07-27"]),
        ("2020-08-26", &["2020-08-31", "2020-09-30", "2020-10-31", "2020-11-30"]),
        ("2020-08-26 00:00:00", &["2020-08-31", "2020-09-30", "2020-10-31", "2020-11-30"]),
        ("2020-08-26 23:59:59", &["2020-08-31", "2020-09-30", "2020-10-31", "2020-11-30"]),
        ("2020-08-27 00:00:00", &["2020-09-01", "2020-10-01", "2020-11-01", "2020-12-01"]),
        ("2020-11-25", &["2020-11-30", "2020-12-30", "2021-01-30", "2021-02-28"]),
        ("2021-01-24", &["2021-01-29", "2021-02-28", "2021-03-29", "2021-04-29"]),
        ("2021-01-26", &["2021-01-31", "2021-02-28", "2021-03-31", "2021-04-30"]),
        ("2024-01-26", &["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2020-12-27", &["2021-01-01", "2021-02-01", "2021-03-01", "2021-04-01"]),
    ];
    for s in both() {
        for (reviewed, expected) in rows {
            let given = with(s.completed(), [ANI.certify(1, "2020-04-20"), ANI.review(1, *reviewed)]);
            let ledger = Ledger::given(given);
            let many = s.scheme.training_incentives.len();
            assert_eq!(due(&ledger, ANI.id()), expected[..many], "reviewed {reviewed}, {}", s.name);
        }
    }
}

#[test]
fn the_last_of_completion_certificate_and_review_unlocks() {
    // When each happened; records come in this order, whatever their dates.
    let rows = [
        (["2020-04-20", "2020-04-21", "2020-04-22"], "2020-04-22"),
        (["2020-04-20", "2020-04-22", "2020-04-21"], "2020-04-22"),
        (["2020-04-20", "2020-04-20", "2020-04-20"], "2020-04-20"),
        (["2020-04-20", "2020-06-30 23:59:59", "2020-04-20"], "2020-06-30"),
    ];
    for s in both() {
        for ([completed, certified, reviewed], unlocked) in rows {
            let asks = [ANI.complete(1, completed), ANI.certify(1, certified), ANI.review(1, reviewed)];
            let ledger = Ledger::given(with(s.bought(), asks));
            let participant = ledger.state().participant(ANI.id()).expect("a participant");
            assert_eq!(participant.unlock(), Some(day(unlocked)), "{completed} {certified} {reviewed}");
        }
        let ledger = Ledger::given(with(s.bought(), [ANI.complete(1, "2020-04-20"), ANI.review(1, "2020-04-20")]));
        assert_eq!(ledger.state().participant(ANI.id()).and_then(|p| p.unlock()), None, "without a certificate");
    }
}

#[test]
fn only_the_first_completed_training_unlocks() {
    let [s, _] = both();
    let second = [
        ANI.review(1, "2020-04-21"),
        ANI.buy(2, 100_000, "2020-04-22"),
        ANI.complete(2, "2020-04-23"),
        ANI.certify(2, "2020-04-24"),
        ANI.review(2, "2020-04-25"),
    ];
    let mut ledger = Ledger::given(with(s.completed(), second));
    let unlock = |ledger: &Ledger| ledger.state().participant(ANI.id()).and_then(|p| p.unlock());
    assert_eq!(unlock(&ledger), None, "the first one's certificate is missing");
    ledger.and([ANI.certify(1, "2020-05-05")]);
    assert_eq!(unlock(&ledger), Some(day("2020-05-05")));
    // The withdrawn one does not count: the second is the first then.
    ledger.and([ANI.withdraw(1, 1, "2020-05-06")]);
    assert_eq!(unlock(&ledger), Some(day("2020-04-25")));
}

#[test]
fn an_item_is_planned_from_its_due_date_on() {
    for s in both() {
        let ledger = Ledger::given(with(s.unlocked(), [ANI.survey(1, s.survey_opens)]));
        let planned = |as_of: Date| -> Vec<String> {
            run::plan(ledger.state(), as_of).items.iter().map(|item| item.entitlement.to_string()).collect()
        };
        let survey = s.survey_opens.plus_days(14);
        assert_eq!(planned(day("2020-04-26")), Vec::<String>::new());
        assert_eq!(planned(day("2020-04-27")), ["training-1"]);
        assert!(!planned(survey.plus_days(-1)).contains(&"survey-1".to_owned()), "{}", s.name);
        assert!(planned(survey).contains(&"survey-1".to_owned()), "{}", s.name);
    }
}

#[test]
fn items_stand_by_due_date_then_participant() {
    let [s, _] = both();
    let later = |who: ledger_tests::words::P, n, reviewed| {
        [
            who.select(1, "2020-04-10"),
            who.link(n, Partner::Bank, "2020-04-11"),
            who.buy(n, 1, "2020-04-12"),
            who.complete(n, "2020-04-13"),
            who.certify(n, "2020-04-13"),
            who.review(n, reviewed),
        ]
    };
    let mut asks = with(s.unlocked(), later(CITRA, 3, "2020-04-21"));
    asks.extend(later(BUDI, 2, "2020-04-22"));
    let ledger = Ledger::given(asks);
    let items = run::plan(ledger.state(), day("2020-05-26")).items;
    let order: Vec<_> = items.iter().map(|item| (item.due.to_string(), item.participant.0[0])).collect();
    let expected = [("2020-04-26", 3), ("2020-04-27", 1), ("2020-04-27", 2), ("2020-05-26", 3)];
    assert_eq!(order, expected.map(|(due, who)| (due.to_owned(), who)));
}

#[test]
fn a_timely_purchase_that_arrives_after_revocation_waits_for_reinstatement() {
    for s in both() {
        let mut ledger = Ledger::given(with(s.selected(), [ANI.revoke(1, Ground::NoFirstPurchase, "2020-06-01")]));
        let timely = ANI.buy(1, 500_000, "2020-04-12").clock("2020-06-02");
        assert_eq!(ledger.decide(&timely).map_err(|e| e.reason()), Err("MEMBERSHIP_REVOKED"));
        ledger.and([ANI.reinstate(2, Some(day("2020-07-01")), "2020-06-03"), timely]);
        assert_eq!(ledger.accounts(ANI.id())["platform-unearned:tokopedia"], 500_000);

        let closed = [close_period(2020, "2020-12-16"), ANI.revoke(3, Ground::ProxyUse, "2020-12-17")];
        let again = ANI.reinstate(4, Some(day("2020-07-01")), "2020-12-18");
        let mut never = Ledger::given(with(s.selected(), closed));
        never.and([again]);
        let timely = ANI.buy(1, 500_000, "2020-04-12").clock("2020-12-19");
        assert_eq!(never.decide(&timely).map_err(|e| e.reason()), Err("BALANCE_PERIOD_CLOSED"));
    }
}

#[test]
fn after_the_waves_end_outcomes_findings_and_repayments_are_still_taken() {
    for s in both() {
        let mut ledger = Ledger::given(s.unlocked());
        let position = ledger.pay(1, day("2020-04-27"), "2020-04-28").one();
        ledger.and([
            ledger_tests::words::close_wave(1, "2021-02-01"),
            ANI.find("case-a", "2021-02-02"),
            ANI.owe(1, 100, "2021-02-03"),
            ANI.repay(1, "ntpn", 100, "2021-02-04"),
            ANI.clear("case-a", "2021-02-05"),
            report(Partner::Gopay, OutcomeKind::Settled, outcome(position, 600_000, "tx"), "2021-02-06"),
            report(Partner::Gopay, OutcomeKind::Returned, outcome(position, 600_000, "tx-r"), "2021-02-07"),
        ]);
        assert!(ledger.accounts(ANI.id())["treasury-returned"] > 0);
    }
}

#[test]
fn after_revocation_cancellation_completion_and_findings_are_still_taken() {
    for s in both() {
        for (last, spent) in [(ANI.cancel(1, "2020-06-02"), 0), (ANI.complete(1, "2020-06-02"), 500_000)] {
            let revoked = ANI.revoke(1, Ground::FalseData, "2020-06-01");
            let found = ANI.find("case-a", "2020-06-03");
            let ledger = Ledger::given(with(s.bought(), [revoked, last, found, ANI.reinstate(2, None, "2020-06-04")]));
            assert_eq!(ledger.accounts(ANI.id())["training-balance"], s.aid - spent);
        }
    }
}
