//! What the rules 3 to 12 refuse, and the order of dates.

use ledger_core::Rejection;
use ledger_core::codes::{Ground, OutcomeKind, Partner};
use ledger_core::event::Event;
use ledger_core::ids::{Digest, PurchaseId, Wave};
use ledger_tests::given::Ledger;
use ledger_tests::words::{
    P, approve_run, close_period, close_wave, day, funds, link, open, outcome, plan_run, purchase, report, rp, run,
};

use super::{Row, row};
use crate::setting::{ANI, BUDI, CITRA, Setting, with};

pub(super) fn membership(s: &Setting) -> Vec<Row> {
    let live = s.bought();
    let since = Rejection::MembershipRevoked { since: day("2020-05-20") };
    let revoked = || with(s.unlocked(), [ANI.revoke(1, Ground::FalseData, "2020-05-20")]);
    let closed = || with(s.unlocked(), [close_wave(1, "2020-05-20")]);
    let wave = Rejection::WaveClosed { wave: Wave(1) };
    let family = [BUDI.select_as(1, BUDI.identity(), ANI.0, "2020-04-10")];
    let full = [BUDI.select(1, "2020-04-10"), CITRA.select(1, "2020-04-10")];
    let mut rows = vec![
        row(
            "the identity again",
            s.selected(),
            BUDI.select_as(1, ANI.identity(), 9, "2020-04-11"),
            Rejection::IdentityTaken { participant: ANI.id() },
        ),
        row(
            "the identity of a revoked one",
            revoked(),
            BUDI.select_as(1, ANI.identity(), 9, "2020-06-01"),
            Rejection::IdentityTaken { participant: ANI.id() },
        ),
        row(
            "a third on a family card",
            with(s.selected(), family),
            CITRA.select_as(1, CITRA.identity(), ANI.0, "2020-04-11"),
            Rejection::FamilyCardFull { max: 2 },
        ),
        row(
            "a fourth in a wave of three",
            with(s.selected(), full),
            P(4).select(1, "2020-04-11"),
            Rejection::QuotaReached { wave: Wave(1), quota: 3 },
        ),
        row("selected after the wave's end", closed(), BUDI.select(1, "2020-04-11"), wave.clone()),
        row(
            "selected after the period's end",
            with(s.opened(), [close_period(2020, "2020-12-16")]),
            BUDI.select(1, "2020-12-16"),
            Rejection::BalancePeriodClosed { year: 2020 },
        ),
        row(
            "a wave for a period that ended",
            with(s.opened(), [close_period(2020, "2020-12-16")]),
            open(2, s.name, 2020, 1, "2020-12-16"),
            Rejection::BalancePeriodClosed { year: 2020 },
        ),
        row("a live one reinstated", live, ANI.reinstate(1, None, "2020-05-20"), Rejection::MembershipLive),
    ];
    let refused_after_revocation = [
        ANI.link(2, Partner::Bank, "2020-06-01"),
        ANI.unlink(1, "2020-06-01"),
        ANI.buy(2, 1_000, "2020-06-01"),
        ANI.withdraw(1, 9, "2020-06-01"),
        ANI.survey(1, "2020-06-01"),
        ANI.revoke(2, Ground::ProxyUse, "2020-06-01"),
    ];
    for ask in refused_after_revocation {
        rows.push(row("after revocation", revoked(), ask.clone(), since.clone()));
        rows.push(row("after the wave's end", closed(), ask, wave.clone()));
    }
    let certified_late = || with(s.completed(), [ANI.revoke(1, Ground::FalseData, "2020-05-20")]);
    for ask in [ANI.certify(1, "2020-06-01"), ANI.review(1, "2020-06-01")] {
        rows.push(row("after revocation", certified_late(), ask.clone(), since.clone()));
        rows.push(row("after the wave's end", with(s.completed(), [close_wave(1, "2020-05-20")]), ask, wave.clone()));
    }
    let bought = |more| with(with(s.bought(), more), [close_wave(1, "2020-05-20")]);
    rows.extend([
        row("cancelled after the wave's end", bought(vec![]), ANI.cancel(1, "2020-06-01"), wave.clone()),
        row("completed after the wave's end", bought(vec![]), ANI.complete(1, "2020-06-01"), wave.clone()),
        row(
            "reinstated after the wave's end",
            bought(vec![ANI.revoke(1, Ground::FalseData, "2020-05-20")]),
            ANI.reinstate(2, None, "2020-06-01"),
            wave,
        ),
    ]);
    rows
}

pub(super) fn purchases(s: &Setting) -> Vec<Row> {
    let price = |price, balance| Rejection::PriceOutOfRange { price: rp(price), balance: rp(balance) };
    let open_one = || Rejection::PurchaseStillOpen { purchase: purchase(1) };
    let lapsed = Rejection::BalanceLapsed { last_day: day("2020-12-15") };
    let cancelled = || with(s.bought(), [ANI.cancel(1, "2020-04-20")]);
    let withdrawn = || with(s.unlocked(), [ANI.withdraw(1, 1, "2020-05-01")]);
    let period = || with(s.unlocked(), [close_period(2020, "2020-12-16")]);
    let is = |rejection: fn(PurchaseId) -> Rejection| rejection(purchase(1));
    let done = || is(|purchase| Rejection::PurchaseCompleted { purchase });
    let undone = || is(|purchase| Rejection::PurchaseNotCompleted { purchase });
    let gone = || is(|purchase| Rejection::PurchaseCancelled { purchase });
    let day_after = s.first_purchase.plus_days(1);
    let deadline = s.first_purchase;
    vec![
        row("for nothing", s.selected(), ANI.buy(1, 0, "2020-04-12"), price(0, s.aid)),
        row("for less than nothing", s.selected(), ANI.buy(1, -1, "2020-04-12"), price(-1, s.aid)),
        row("for too much", s.selected(), ANI.buy(1, s.aid + 1, "2020-04-12"), price(s.aid + 1, s.aid)),
        row(
            "for more than what is left",
            s.unlocked(),
            ANI.buy(2, s.aid - 499_999, "2020-05-01"),
            price(s.aid - 499_999, s.aid - 500_000),
        ),
        row("beside an open one", s.bought(), ANI.buy(2, 1, "2020-04-13"), open_one()),
        row("beside an unreviewed one", s.completed(), ANI.buy(2, 1, "2020-04-21"), open_one()),
        row("beside a withdrawn one", withdrawn(), ANI.buy(2, 1, "2020-05-02"), open_one()),
        row("after the last day", s.unlocked(), ANI.buy(2, 1, "2020-12-16"), lapsed),
        row(
            "after the period's end",
            period(),
            ANI.buy(2, 1, "2020-12-01"),
            Rejection::BalancePeriodClosed { year: 2020 },
        ),
        row(
            "after the period's end, once it lapsed by another event",
            with(period(), [ANI.link(2, Partner::Dana, "2020-12-17")]),
            ANI.buy(2, 1, "2020-12-01"),
            Rejection::BalancePeriodClosed { year: 2020 },
        ),
        row(
            "the first, too late",
            s.selected(),
            ANI.buy(1, 1, day_after),
            Rejection::FirstPurchaseTooLate { deadline },
        ),
        row("cancelled twice", cancelled(), ANI.cancel(1, "2020-04-21"), Rejection::AlreadyExists { position: 6 }),
        row("completed when cancelled", cancelled(), ANI.complete(1, "2020-04-21"), gone()),
        row("certified when cancelled", cancelled(), ANI.certify(1, "2020-04-21"), gone()),
        row("cancelled when completed", s.completed(), ANI.cancel(1, "2020-04-21"), done()),
        row("certified before completion", s.bought(), ANI.certify(1, "2020-04-21"), undone()),
        row("reviewed before completion", s.bought(), ANI.review(1, "2020-04-21"), undone()),
        row("withdrawn before completion", s.bought(), ANI.withdraw(1, 1, "2020-04-21"), undone()),
        row("withdrawn twice", withdrawn(), ANI.withdraw(1, 2, "2020-05-02"), undone()),
    ]
}

pub(super) fn surveys_accounts_and_cases(s: &Setting) -> Vec<Row> {
    let opens = s.survey_opens;
    let revoked = || with(s.selected(), [ANI.revoke(1, Ground::FalseData, "2020-04-20")]);
    let last = Rejection::NewDeadlineTooLate { last_day: day("2020-12-15") };
    let not_passed = |deadline| Rejection::DeadlineNotPassed { deadline };
    let mut rows = vec![
        row(
            "survey 2 first",
            s.unlocked(),
            ANI.survey(2, "2020-09-01"),
            Rejection::PreviousSurveyMissing { previous: 1 },
        ),
        row("before the review", s.completed(), ANI.survey(1, "2020-09-01"), Rejection::NotUnlocked),
        row(
            "after the withdrawal",
            with(s.unlocked(), [ANI.withdraw(1, 1, "2020-05-01")]),
            ANI.survey(1, "2020-09-01"),
            Rejection::NotUnlocked,
        ),
        row("before it opens", s.unlocked(), ANI.survey(1, opens.plus_days(-1)), Rejection::SurveyNotOpen { opens }),
        row(
            "somebody else's account",
            s.selected(),
            ANI.link_of(1, Partner::Bank, BUDI.identity(), "2020-04-11"),
            Rejection::HolderMismatch,
        ),
        row(
            "a replaced link",
            with(s.bought(), [ANI.link(2, Partner::Bank, "2020-04-20")]),
            ANI.unlink(1, "2020-04-21"),
            Rejection::LinkNotLive { link: link(1) },
        ),
        row(
            "no first purchase, too early",
            s.selected(),
            ANI.revoke(1, Ground::NoFirstPurchase, s.first_purchase),
            not_passed(s.first_purchase),
        ),
        row(
            "no first purchase, but one",
            with(s.bought(), [ANI.cancel(1, "2020-04-20")]),
            ANI.revoke(1, Ground::NoFirstPurchase, "2020-06-01"),
            Rejection::SomethingBought,
        ),
        row(
            "not completed, too early",
            s.bought(),
            ANI.revoke(1, Ground::TrainingNotCompleted, "2020-12-31"),
            not_passed(day("2020-12-31")),
        ),
        row(
            "not completed, but one",
            s.completed(),
            ANI.revoke(1, Ground::TrainingNotCompleted, "2021-01-01"),
            Rejection::SomethingCompleted,
        ),
        row("no new deadline", revoked(), ANI.reinstate(2, None, "2020-05-01"), Rejection::NewDeadlineMissing),
        row("too late a deadline", revoked(), ANI.reinstate(2, Some(day("2020-12-16")), "2020-05-01"), last),
        row(
            "the period too early",
            s.opened(),
            close_period(2020, "2020-12-15"),
            Rejection::PeriodNotOver { last_day: day("2020-12-15") },
        ),
        row(
            "too deep a cut",
            s.opened(),
            funds("cut", 2020, -1_000_000_001, "2020-05-01"),
            Rejection::AppropriationBelowZero { year: 2020, appropriated: rp(1_000_000_000) },
        ),
    ];
    let run_of = |as_of| plan_run(2, day(as_of), "2020-06-01");
    let mut approved = Ledger::given(s.unlocked());
    let plan = approved.plan(1, day("2020-05-01"), "2020-05-01");
    let digest = plan.digest;
    let one = with(s.unlocked(), [plan_run(1, day("2020-05-01"), "2020-05-01"), approve_run(1, digest, "2020-05-01")]);
    let two = with(
        s.unlocked(),
        [
            plan_run(1, day("2020-04-27"), "2020-05-01"),
            plan_run(2, day("2020-05-01"), "2020-05-01"),
            approve_run(2, digest, "2020-05-01"),
        ],
    );
    rows.extend([
        row(
            "another plan's digest",
            with(s.unlocked(), [plan_run(1, day("2020-05-01"), "2020-05-01")]),
            approve_run(1, Digest([0; 32]), "2020-05-01"),
            Rejection::PlanDigestMismatch { planned: digest },
        ),
        row(
            "planned behind the last run",
            one,
            run_of("2020-04-30"),
            Rejection::AsOfBeforeLastRun { last: day("2020-05-01") },
        ),
        row(
            "approved behind the last run",
            two,
            approve_run(1, digest, "2020-05-01"),
            Rejection::AsOfBeforeLastRun { last: day("2020-05-01") },
        ),
    ]);
    rows
}

pub(super) fn order_of_dates(s: &Setting) -> Vec<Row> {
    let before = |what, earliest| Rejection::DatedBefore { what, earliest: day(earliest) };
    let revoked = || with(s.bought(), [ANI.revoke(1, Ground::FalseData, "2020-05-01")]);
    let reinstated = || with(revoked(), [ANI.reinstate(2, None, "2020-05-10")]);
    let found = || with(s.selected(), [ANI.find("case-a", "2020-05-01")]);
    let owed = || with(s.selected(), [ANI.owe(1, 1, "2020-05-01")]);
    let withdrawn = || with(s.completed(), [ANI.withdraw(1, 1, "2020-05-01")]);
    let surveyed = || with(s.unlocked(), [ANI.survey(1, "2020-08-01")]);
    let mut paid = Ledger::given(s.unlocked());
    let position = paid.pay(1, day("2020-04-27"), "2020-04-28").one();
    let digest = paid.state().run(run(1)).map(|(_, run)| run.items_digest).unwrap_or(Digest([0; 32]));
    let planned = with(s.unlocked(), [plan_run(1, day("2020-04-27"), "2020-04-28")]);
    let rows = vec![
        row("bought before selection", s.selected(), ANI.buy(1, 1, "2020-04-09"), before("selection", "2020-04-10")),
        row(
            "linked before selection",
            s.selected(),
            ANI.link(1, Partner::Ovo, "2020-04-09"),
            before("selection", "2020-04-10"),
        ),
        row("unlinked before the link", s.bought(), ANI.unlink(1, "2020-04-10"), before("link", "2020-04-11")),
        row("cancelled before the purchase", s.bought(), ANI.cancel(1, "2020-04-11"), before("purchase", "2020-04-12")),
        row(
            "completed before the purchase",
            s.bought(),
            ANI.complete(1, "2020-04-11"),
            before("purchase", "2020-04-12"),
        ),
        row(
            "certified before completion",
            s.completed(),
            ANI.certify(1, "2020-04-19"),
            before("completion", "2020-04-20"),
        ),
        row(
            "reviewed before completion",
            s.completed(),
            ANI.review(1, "2020-04-19"),
            before("completion", "2020-04-20"),
        ),
        row(
            "withdrawn before completion",
            s.completed(),
            ANI.withdraw(1, 1, "2020-04-19"),
            before("completion", "2020-04-20"),
        ),
        row(
            "cancelled before the withdrawn completion",
            withdrawn(),
            ANI.cancel(1, "2020-04-19"),
            before("completion", "2020-04-20"),
        ),
        row("survey 2 before survey 1", surveyed(), ANI.survey(2, "2020-07-31"), before("survey before", "2020-08-01")),
        row(
            "revoked before selection",
            s.selected(),
            ANI.revoke(1, Ground::ProxyUse, "2020-04-09"),
            before("selection", "2020-04-10"),
        ),
        row(
            "reinstated before revocation",
            revoked(),
            ANI.reinstate(2, None, "2020-04-30"),
            before("revocation", "2020-05-01"),
        ),
        row(
            "revoked again before reinstatement",
            reinstated(),
            ANI.revoke(3, Ground::ProxyUse, "2020-05-09"),
            before("reinstatement", "2020-05-10"),
        ),
        row("cleared before the finding", found(), ANI.clear("case-a", "2020-04-30"), before("finding", "2020-05-01")),
        row("repaid before the demand", owed(), ANI.repay(1, "ntpn", 1, "2020-04-30"), before("demand", "2020-05-01")),
        row(
            "the wave ends before it opens",
            s.opened(),
            close_wave(1, "2020-03-31"),
            before("wave's opening", "2020-04-01"),
        ),
        row(
            "planned before its date",
            s.selected(),
            plan_run(1, day("2020-05-01"), "2020-04-30").clock("2020-05-01"),
            before("as_of date", "2020-05-01"),
        ),
        row("approved before the plan", planned, approve_run(1, digest, "2020-04-27"), before("plan", "2020-04-28")),
    ];
    for kind in [OutcomeKind::Accepted, OutcomeKind::Settled, OutcomeKind::Rejected, OutcomeKind::InDoubt] {
        let said = report(Partner::Gopay, kind, outcome(position, 600_000, "tx"), "2020-04-27");
        assert_eq!(paid.decide(&said), Err(before("instruction", "2020-04-28")), "{kind} before the instruction");
    }
    rows
}

pub(super) fn full_histories(s: &Setting) -> Vec<Row> {
    let full = Rejection::HistoryFull { most: 250 };
    let links = with(s.selected(), (0..250).map(|n| ANI.link(n as u8, Partner::Bank, "2020-04-11")));
    let found = with(s.selected(), (0..250u32).map(|n| ANI.sends(finding(n), "2020-04-11")));
    let mut purchases = s.selected();
    for n in 0..250u32 {
        purchases.extend([ANI.buy(n as u8, 1, "2020-04-11"), ANI.cancel(n as u8, "2020-04-11")]);
    }
    vec![
        row("too many links", links, ANI.link(250, Partner::Bank, "2020-04-11"), full.clone()),
        row("too many purchases", purchases, ANI.buy(250, 1, "2020-04-11"), full.clone()),
        row("too many open findings", found, ANI.sends(finding(250), "2020-04-11"), full),
    ]
}

fn finding(n: u32) -> Event<'static> {
    let mut event = ANI.find("case", "2020-04-11").event();
    if let Event::IneligibilityFound(e) = &mut event {
        e.case_number = n.to_string().into();
    }
    event
}
