//! Two rules broken at once: the first of them answers, and once that is mended, the second.

use ledger_core::codes::{Ground, Partner};
use ledger_core::event::TrainingReviewed;
use ledger_core::ids::Digest;
use ledger_core::time::Timestamp;
use ledger_core::{Decision, Rejection};
use ledger_tests::given::Ledger;
use ledger_tests::words::{
    Ask, Moment, P, approve_run, close_period, close_wave, day, funds, plan_run, purchase, resolve,
};

use crate::setting::{ANI, BUDI, CITRA, Setting, both, with};

struct Pair {
    first: &'static str,
    second: &'static str,
    given: Vec<Ask>,
    broken: Ask,
    mended: (Vec<Ask>, Ask),
}

/// Mended by asking otherwise.
fn asked(first: &'static str, second: &'static str, given: Vec<Ask>, broken: Ask, mended: Ask) -> Pair {
    Pair { first, second, given: given.clone(), broken, mended: (given, mended) }
}

impl Pair {
    /// Mended by asking that, on the same history.
    fn by(mut self, ask: Ask) -> Self {
        self.mended.1 = ask;
        self
    }

    /// Mended by that history.
    fn after(mut self, given: Vec<Ask>) -> Self {
        self.mended.0 = given;
        self
    }
}

/// Mended by another history.
fn stood(first: &'static str, second: &'static str, given: Vec<Ask>, ask: Ask, mended: Vec<Ask>) -> Pair {
    Pair { first, second, given, broken: ask.clone(), mended: (mended, ask) }
}

fn ahead(ask: Ask) -> Ask {
    let clock = ask.occurred_at;
    let late = Timestamp::from_nanos(clock.nanos() + Timestamp::FUTURE_TOLERANCE_NANOS + 1);
    ask.at(late).clock(clock)
}

fn before_rules(s: &Setting) -> Vec<Pair> {
    let review = |rating| ANI.sends(TrainingReviewed { purchase: purchase(1), rating }, "2020-05-01");
    let wave_event = |who: P| who.sends(close_wave(1, "2020-05-01").event(), "2020-05-01");
    let resolved = resolve(Partner::Bank, "tx", ledger_core::codes::OutcomeKind::Settled, "", "2020-05-01");
    let revoked = || with(s.unlocked(), [ANI.revoke(1, Ground::FalseData, "2020-05-01")]);
    vec![
        asked("INVALID_FIELD", "ALREADY_EXISTS", s.unlocked(), review(0), review(4)),
        asked("OWN_CALL", "PARTICIPANT_UNKNOWN", s.opened(), wave_event(ANI), ANI.buy(1, 1, "2020-05-01")),
        asked(
            "ALREADY_EXISTS",
            "WAVE_UNKNOWN",
            s.selected(),
            ANI.select(2, "2020-05-01"),
            BUDI.select(2, "2020-05-01"),
        ),
        asked(
            "ALREADY_EXISTS",
            "APPROVER_MISSING",
            s.opened(),
            funds("dipa", 2020, 1, "2020-05-01").alone(),
            funds("other", 2020, 1, "2020-05-01").alone(),
        ),
        stood(
            "ALREADY_EXISTS",
            "MEMBERSHIP_REVOKED",
            revoked(),
            ANI.certify(1, "2020-05-02"),
            with(s.completed(), [ANI.revoke(1, Ground::FalseData, "2020-05-01")]),
        ),
        asked(
            "PARTICIPANT_UNKNOWN",
            "OCCURRED_IN_FUTURE",
            s.selected(),
            ahead(BUDI.buy(1, 1, "2020-04-12")),
            ahead(ANI.buy(1, 1, "2020-04-12")),
        ),
        asked(
            "PURCHASE_UNKNOWN",
            "OCCURRED_IN_FUTURE",
            s.bought(),
            ahead(ANI.complete(2, "2020-05-12")),
            ahead(ANI.complete(1, "2020-05-12")),
        ),
        stood("SURVEY_UNKNOWN", "MEMBERSHIP_REVOKED", revoked(), ANI.survey(9, "2020-05-02"), revoked())
            .by(ANI.survey(1, "2020-05-02")),
        asked(
            "EXCEPTION_UNKNOWN",
            "APPROVER_MISSING",
            s.opened(),
            resolved.alone(),
            close_wave(1, "2020-05-01").alone(),
        ),
        asked(
            "OCCURRED_IN_FUTURE",
            "APPROVER_MISSING",
            s.opened(),
            ahead(funds("d", 2020, 1, "2020-05-01")).alone(),
            funds("d", 2020, 1, "2020-05-01").alone(),
        ),
        asked(
            "OCCURRED_IN_FUTURE",
            "PRICE_OUT_OF_RANGE",
            s.selected(),
            ahead(ANI.buy(1, 0, "2020-04-12")),
            ANI.buy(1, 0, "2020-04-12"),
        ),
        asked(
            "APPROVER_MISSING",
            "MEMBERSHIP_LIVE",
            s.selected(),
            ANI.reinstate(1, None, "2020-05-01").alone(),
            ANI.reinstate(1, None, "2020-05-01"),
        ),
        asked(
            "SAME_PERSON",
            "PURCHASE_NOT_COMPLETED",
            s.bought(),
            ANI.withdraw(1, 1, "2020-05-01").by("staff/second"),
            ANI.withdraw(1, 1, "2020-05-01"),
        ),
        asked(
            "APPROVER_MISSING",
            "PERIOD_NOT_OVER",
            s.opened(),
            close_period(2020, "2020-12-15").alone(),
            close_period(2020, "2020-12-15"),
        ),
        asked(
            "APPROVER_MISSING",
            "APPROPRIATION_BELOW_ZERO",
            s.opened(),
            funds("d", 2020, -2_000_000_000, "2020-05-01").alone(),
            funds("d", 2020, -2_000_000_000, "2020-05-01"),
        ),
        asked(
            "YEAR_UNKNOWN",
            "PERIOD_NOT_OVER",
            s.opened(),
            close_period(2021, "2020-05-01"),
            close_period(2020, "2020-05-01"),
        ),
    ]
}

fn selection(s: &Setting) -> Vec<Pair> {
    let on_card = |who: P| who.select_as(1, who.identity(), 1, "2020-04-11");
    let two = || with(s.selected(), [on_card(BUDI)]);
    let full = || with(two(), [CITRA.select(1, "2020-04-11")]);
    let dewi = P(4);
    let over = || with(full(), [close_wave(1, "2020-12-16")]);
    let wave_over = || with(s.selected(), [close_wave(1, "2020-12-16"), close_period(2020, "2020-12-16")]);
    vec![
        asked(
            "IDENTITY_TAKEN",
            "FAMILY_CARD_FULL",
            two(),
            dewi.select_as(1, ANI.identity(), 1, "2020-04-11"),
            on_card(dewi),
        ),
        asked("FAMILY_CARD_FULL", "QUOTA_REACHED", full(), on_card(dewi), dewi.select(1, "2020-04-11")),
        stood(
            "QUOTA_REACHED",
            "WAVE_CLOSED",
            over(),
            dewi.select(1, "2020-04-11"),
            with(two(), [close_wave(1, "2020-12-16")]),
        ),
        stood(
            "WAVE_CLOSED",
            "BALANCE_PERIOD_CLOSED",
            wave_over(),
            BUDI.select(1, "2020-04-11"),
            with(s.selected(), [close_period(2020, "2020-12-16")]),
        ),
    ]
}

fn membership_and_purchases(s: &Setting) -> Vec<Pair> {
    let revoke = || ANI.revoke(1, Ground::FalseData, "2020-05-01");
    let end = || close_wave(1, "2020-12-20");
    let period = || close_period(2020, "2020-12-16");
    let withdrawn = || with(s.unlocked(), [ANI.withdraw(1, 1, "2020-05-01")]);
    let foreign = |n, when: &str| ANI.link_of(n, Partner::Bank, BUDI.identity(), when.instant());
    let too_late = s.first_purchase.plus_days(1);
    vec![
        stood(
            "MEMBERSHIP_REVOKED",
            "WAVE_CLOSED",
            with(s.bought(), [revoke(), end()]),
            ANI.link(2, Partner::Bank, "2020-12-21"),
            with(s.bought(), [end()]),
        ),
        stood(
            "MEMBERSHIP_REVOKED",
            "PRICE_OUT_OF_RANGE",
            with(s.selected(), [revoke()]),
            ANI.buy(1, 0, "2020-04-12"),
            s.selected(),
        ),
        stood("WAVE_CLOSED", "HOLDER_MISMATCH", with(s.bought(), [end()]), foreign(2, "2020-05-01"), s.bought()),
        asked(
            "PRICE_OUT_OF_RANGE",
            "PURCHASE_STILL_OPEN",
            s.bought(),
            ANI.buy(2, s.aid, "2020-04-13"),
            ANI.buy(2, 1, "2020-04-13"),
        ),
        stood("PURCHASE_STILL_OPEN", "BALANCE_LAPSED", s.bought(), ANI.buy(2, 1, "2020-12-16"), s.unlocked()),
        asked(
            "BALANCE_LAPSED",
            "BALANCE_PERIOD_CLOSED",
            with(s.unlocked(), [period()]),
            ANI.buy(2, 1, "2020-12-16"),
            ANI.buy(2, 1, "2020-12-15"),
        ),
        stood(
            "BALANCE_PERIOD_CLOSED",
            "FIRST_PURCHASE_TOO_LATE",
            with(s.selected(), [period()]),
            ANI.buy(1, 1, too_late),
            s.selected(),
        ),
        stood(
            "PURCHASE_CANCELLED",
            "PURCHASE_NOT_COMPLETED",
            with(s.bought(), [ANI.cancel(1, "2020-04-13")]),
            ANI.certify(1, "2020-05-01"),
            s.bought(),
        ),
        stood("PURCHASE_COMPLETED", "DATED_BEFORE", s.completed(), ANI.cancel(1, "2020-04-11"), s.bought()),
        stood("PURCHASE_NOT_COMPLETED", "DATED_BEFORE", s.bought(), ANI.review(1, "2020-04-09"), s.completed()),
        stood("PREVIOUS_SURVEY_MISSING", "NOT_UNLOCKED", withdrawn(), ANI.survey(2, "2020-09-01"), withdrawn())
            .by(ANI.survey(1, "2020-09-01")),
        asked(
            "PREVIOUS_SURVEY_MISSING",
            "SURVEY_NOT_OPEN",
            s.unlocked(),
            ANI.survey(2, "2020-04-21"),
            ANI.survey(1, "2020-04-21"),
        ),
        asked(
            "HOLDER_MISMATCH",
            "DATED_BEFORE",
            s.selected(),
            foreign(1, "2020-04-09"),
            ANI.link(1, Partner::Bank, "2020-04-09"),
        ),
        stood(
            "LINK_NOT_LIVE",
            "DATED_BEFORE",
            with(s.bought(), [ANI.link(2, Partner::Bank, "2020-04-20")]),
            ANI.unlink(1, "2020-04-10"),
            s.bought(),
        ),
        stood(
            "DATED_BEFORE",
            "HISTORY_FULL",
            with(s.selected(), (0..250).map(|n| ANI.link(n as u8, Partner::Bank, "2020-04-11"))),
            ANI.link(250, Partner::Bank, "2020-04-09"),
            with(s.selected(), (0..250).map(|n| ANI.link(n as u8, Partner::Bank, "2020-04-11"))),
        )
        .by(ANI.link(250, Partner::Bank, "2020-04-11")),
    ]
}

fn cases_and_runs(s: &Setting) -> Vec<Pair> {
    let revoked = |asks| with(asks, [ANI.revoke(1, Ground::FalseData, "2020-05-01")]);
    let late = Some(day("2020-12-16"));
    let planned = || with(s.unlocked(), [plan_run(1, day("2020-04-27"), "2020-05-02")]);
    let mut ledger = Ledger::given(s.unlocked());
    let digest = ledger.plan(1, day("2020-04-27"), "2020-04-28").digest;
    let passed =
        || with(planned(), [plan_run(2, day("2020-05-01"), "2020-05-02"), approve_run(2, digest, "2020-05-02")]);
    let none = Digest([0; 32]);
    vec![
        stood(
            "DEADLINE_NOT_PASSED",
            "SOMETHING_BOUGHT",
            s.bought(),
            ANI.revoke(1, Ground::NoFirstPurchase, s.first_purchase),
            s.bought(),
        )
        .by(ANI.revoke(1, Ground::NoFirstPurchase, s.first_purchase.plus_days(1))),
        asked(
            "MEMBERSHIP_LIVE",
            "NEW_DEADLINE_TOO_LATE",
            s.selected(),
            ANI.reinstate(2, late, "2020-05-02"),
            ANI.reinstate(2, late, "2020-05-02"),
        )
        .after(revoked(s.selected())),
        asked(
            "NEW_DEADLINE_MISSING",
            "DATED_BEFORE",
            revoked(s.selected()),
            ANI.reinstate(2, None, "2020-04-30"),
            ANI.reinstate(2, Some(day("2020-06-01")), "2020-04-30"),
        ),
        asked(
            "NEW_DEADLINE_TOO_LATE",
            "DATED_BEFORE",
            revoked(s.selected()),
            ANI.reinstate(2, late, "2020-04-30"),
            ANI.reinstate(2, Some(day("2020-06-01")), "2020-04-30"),
        ),
        asked(
            "RUN_UNKNOWN",
            "OCCURRED_IN_FUTURE",
            planned(),
            ahead(approve_run(2, none, "2020-05-02")),
            ahead(approve_run(1, none, "2020-05-02")),
        ),
        asked(
            "OCCURRED_IN_FUTURE",
            "AS_OF_IN_FUTURE",
            s.selected(),
            ahead(plan_run(1, day("2020-05-02"), "2020-05-01")),
            plan_run(1, day("2020-05-02"), "2020-05-01"),
        ),
        asked(
            "AS_OF_IN_FUTURE",
            "DATED_BEFORE",
            s.selected(),
            plan_run(1, day("2020-05-02"), "2020-05-01"),
            plan_run(1, day("2020-05-02"), "2020-05-01").clock("2020-05-02"),
        ),
        asked(
            "AS_OF_BEFORE_LAST_RUN",
            "DATED_BEFORE",
            passed(),
            plan_run(3, day("2020-04-30"), "2020-04-29"),
            plan_run(3, day("2020-05-02"), "2020-04-29"),
        ),
        asked(
            "SAME_PERSON",
            "PLAN_DIGEST_MISMATCH",
            planned(),
            approve_run(1, none, "2020-05-02").by("staff/planner"),
            approve_run(1, none, "2020-05-02"),
        ),
        asked(
            "PLAN_DIGEST_MISMATCH",
            "AS_OF_BEFORE_LAST_RUN",
            passed(),
            approve_run(1, none, "2020-05-02"),
            approve_run(1, digest, "2020-05-02"),
        ),
        stood("AS_OF_BEFORE_LAST_RUN", "DATED_BEFORE", passed(), approve_run(1, digest, "2020-05-01"), planned()),
    ]
}

fn place(reason: &str) -> usize {
    let found = Rejection::CATALOGUE.iter().position(|entry| entry.reason == reason);
    found.unwrap_or_else(|| panic!("{reason} is not in the catalogue"))
}

#[test]
fn the_first_broken_rule_answers() {
    for setting in both() {
        let tables = [before_rules, selection, membership_and_purchases, cases_and_runs];
        for Pair { first, second, given, broken, mended } in tables.iter().flat_map(|table| table(&setting)) {
            let answer = Ledger::given(given).decide(&broken);
            assert_eq!(answer.map_err(|e| e.reason()), Err(first), "before {second}, {}: {broken:?}", setting.name);
            let answer = Ledger::given(mended.0).decide(&mended.1);
            assert_eq!(answer.map_err(|e| e.reason()), Err(second), "after {first}, {}: {:?}", setting.name, mended.1);
        }
    }
}

#[test]
fn the_catalogue_stands_in_the_order_of_precedence() {
    let [setting, _] = both();
    let tables = [before_rules, selection, membership_and_purchases, cases_and_runs];
    for Pair { first, second, .. } in tables.iter().flat_map(|table| table(&setting)) {
        assert!(place(first) < place(second), "{first} comes before {second}");
    }
}

#[test]
fn a_repeat_comes_before_the_clock_and_the_second_person() {
    for setting in both() {
        let ledger = Ledger::given(with(setting.unlocked(), [close_wave(1, "2020-12-31")]));
        for (ask, position) in setting.unlocked().into_iter().zip(0u64..) {
            let early = Ask { approved_by: None, ..ask.by("other/person").clock("2020-01-01") };
            let repeat = Ok(Decision::Repeat { position });
            assert_eq!(ledger.decide(&early), repeat, "{early:?}");
        }
    }
}
