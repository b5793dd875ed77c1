//! One row per rejection and way to it, in both schemes, with the rejection's exact content.

use std::collections::BTreeSet;

use ledger_core::codes::{Evidence, Ground, OutcomeKind, Partner};
use ledger_core::event::{Event, Text, TrainingReviewed};
use ledger_core::ids::{Digest, PurchaseId, Wave};
use ledger_core::rejection::Class;
use ledger_core::scheme::{MonthDay, Scheme};
use ledger_core::time::Timestamp;
use ledger_core::{Command, Rejection};
use ledger_tests::given::Ledger;
use ledger_tests::words::{
    Ask, P, approve_run, close_period, close_wave, day, demand, enact, exception, found_by, funds, link, open, outcome,
    plan_run, programme, purchase, report, resolve, rp, run,
};

use crate::setting::{ANI, BUDI, CITRA, Setting, both, with};

struct Row {
    what: &'static str,
    given: Vec<Ask>,
    when: Ask,
    then: Rejection,
}

fn row(what: &'static str, given: Vec<Ask>, when: Ask, then: Rejection) -> Row {
    Row { what, given, when, then }
}

const fn invalid(field: &'static str, rule: &'static str) -> Rejection {
    Rejection::InvalidField { field, rule }
}

fn fields(s: &Setting) -> Vec<Row> {
    let review = |rating| ANI.sends(TrainingReviewed { purchase: purchase(1), rating }, "2020-05-01");
    let repayment = "must be above zero and at most 10,000,000,000";
    let years = "must be 2020 to 2100";
    let appropriation = "must not be zero, nor beyond 1,000,000,000,000,000 either way";
    let settled = |o| report(Partner::Gopay, OutcomeKind::Settled, o, "2020-05-01");
    let mut manual = found_by(Evidence::Manual, outcome(9, 600_000, "tx"));
    manual.evidence_reason = Text::Borrowed("");
    let rows = [
        ("no star", review(0), invalid("rating", "must be 1 to 5")),
        ("six stars", review(6), invalid("rating", "must be 1 to 5")),
        ("a demand of nothing", ANI.owe(1, 0, "2020-05-01"), invalid("amount_rupiah", repayment)),
        ("a demand beyond reason", ANI.owe(1, 10_000_000_001, "2020-05-01"), invalid("amount_rupiah", repayment)),
        ("a repayment below zero", ANI.repay(1, "r", -1, "2020-05-01"), invalid("amount_rupiah", repayment)),
        ("wave 0", open(0, s.name, 2020, 1, "2020-05-01"), invalid("wave", "must be 1 or more")),
        ("a wave for nobody", open(2, s.name, 2020, 0, "2020-05-01"), invalid("quota", "must be 1 or more")),
        ("a wave too early", open(2, s.name, 2019, 1, "2020-05-01"), invalid("year", years)),
        ("a wave too late", open(2, s.name, 2101, 1, "2020-05-01"), invalid("year", years)),
        ("a period too early", close_period(2019, "2020-05-01"), invalid("year", years)),
        ("funds of no year", funds("d", 2101, 1, "2020-05-01"), invalid("fiscal_year", years)),
        ("no funds", funds("d", 2020, 0, "2020-05-01"), invalid("amount_rupiah", appropriation)),
        ("endless funds", funds("d", 2020, i64::MIN, "2020-05-01"), invalid("amount_rupiah", appropriation)),
        (
            "nobody's survey",
            programme(ANI.survey(1, "2020-05-01").event(), "2020-05-01"),
            invalid("participant_id", "is needed: this event is a participant's"),
        ),
        (
            "money moved without a reference",
            settled(outcome(9, 600_000, "")),
            invalid("transaction_reference", "is needed where money moved: settled and returned"),
        ),
        (
            "somebody plays the expiry job",
            settled(found_by(Evidence::Expiry, outcome(9, 600_000, "tx"))),
            invalid("evidence", "expiry is the ledger's own job's"),
        ),
        (
            "a person decides without a reason",
            settled(manual),
            invalid("evidence_reason", "is needed where a person decides"),
        ),
    ];
    rows.into_iter().map(|(what, when, then)| row(what, s.completed(), when, then)).collect()
}

fn schemes(s: &Setting) -> Vec<Row> {
    let slug = invalid("scheme_id", "must be 1 to 32 of a-z, 0-9 and -");
    let training = invalid("training_incentives_rupiah", "must be 1 to 24 amounts of 1 to 1,000,000,000");
    let survey = invalid("survey_incentives_rupiah", "must be up to 24 amounts of 1 to 1,000,000,000");
    let aid = invalid("training_aid_rupiah", "must be 1 to 1,000,000,000");
    type Change = fn(&mut Scheme<'static>);
    let rows: [(&'static str, Change, Rejection); 14] = [
        ("no name", |s| s.scheme = "".into(), slug.clone()),
        ("a shouted name", |s| s.scheme = "Normal".into(), slug.clone()),
        ("a long name", |s| s.scheme = "a-name-of-33-characters-is-too-lo".into(), slug),
        ("no aid", |s| s.training_aid = rp(0), aid.clone()),
        ("too much aid", |s| s.training_aid = rp(1_000_000_001), aid),
        ("no training incentive", |s| s.training_incentives.clear(), training.clone()),
        ("25 training incentives", |s| s.training_incentives = vec![rp(1); 25], training.clone()),
        ("a training incentive of nothing", |s| s.training_incentives[0] = rp(0), training),
        ("25 survey incentives", |s| s.survey_incentives = vec![rp(1); 25], survey.clone()),
        ("a survey incentive below zero", |s| s.survey_incentives[0] = rp(-1), survey),
        (
            "a survey that never opens",
            |s| s.survey_opening_days.clear(),
            invalid("survey_opening_days", "must have one number of days per survey incentive"),
        ),
        (
            "29 February",
            |s| s.balance_last_day = MonthDay { month: 2, day: 29 },
            invalid("balance_last_day", "must be a day of every year"),
        ),
        (
            "31 November",
            |s| s.complete_by = MonthDay { month: 11, day: 31 },
            invalid("complete_by", "must be a day of every year"),
        ),
        (
            "no participant on a card",
            |s| s.max_participants_per_family_card = 0,
            invalid("max_participants_per_family_card", "must be 1 or more"),
        ),
    ];
    let rows = rows.into_iter().map(|(what, change, then)| {
        let mut scheme = Scheme { scheme: "other".into(), ..s.scheme.clone() };
        change(&mut scheme);
        row(what, s.opened(), enact(scheme, "2020-04-02"), then)
    });
    rows.collect()
}

fn identity(s: &Setting) -> Vec<Row> {
    let at = |position| Rejection::AlreadyExists { position };
    let bought = s.bought();
    let two = with(s.bought(), [BUDI.select(1, "2020-04-10"), BUDI.link(2, Partner::Bank, "2020-04-11")]);
    let paid = with(
        two.clone(),
        [ANI.owe(1, 100, "2020-05-01"), BUDI.owe(1, 100, "2020-05-01"), ANI.repay(1, "ntpn", 100, "2020-05-02")],
    );
    vec![
        row("another scheme of that name", s.opened(), enact(changed(&s.scheme), "2020-03-20"), at(0)),
        row("the wave with another quota", s.opened(), open(1, s.name, 2020, 4, "2020-04-01"), at(1)),
        row("the document with another amount", s.opened(), funds("dipa", 2020, 1, "2020-04-01"), at(2)),
        row("selected on another day", s.selected(), ANI.select(1, "2020-04-11"), at(3)),
        row("selected in a wave that is not there", s.selected(), ANI.select(2, "2020-04-10"), at(3)),
        row("the link with another partner", bought.clone(), ANI.link(1, Partner::Bank, "2020-04-11"), at(4)),
        row("the link of somebody else", two.clone(), BUDI.link(1, Partner::Gopay, "2020-04-11"), at(4)),
        row("the purchase at another price", bought.clone(), ANI.buy(1, 500_001, "2020-04-12"), at(5)),
        row("the purchase of somebody else", two, BUDI.buy(1, 500_000, "2020-04-12"), at(5)),
        row("the purchase, by nobody known", bought, CITRA.buy(1, 500_000, "2020-04-12"), at(5)),
        row("completed a second later", s.completed(), ANI.complete(1, "2020-04-20 12:00:01"), at(6)),
        row("certified with another number", s.unlocked(), other_certificate(), at(7)),
        row("the receipt for another amount", paid.clone(), ANI.repay(1, "ntpn", 99, "2020-05-02"), at(10)),
        row("the receipt for somebody else", paid, BUDI.repay(1, "ntpn", 100, "2020-05-02"), at(10)),
    ]
}

fn changed(scheme: &Scheme<'static>) -> Scheme<'static> {
    Scheme { survey_due_days: 15, ..scheme.clone() }
}

fn other_certificate() -> Ask {
    let mut ask = ANI.certify(1, "2020-04-21");
    if let Command::Record { event: Event::CertificateIssued(e), .. } = &mut ask.command {
        e.certificate_number = "other".into();
    }
    ask
}

fn unknown(s: &Setting) -> Vec<Row> {
    let (selected, bought) = (s.selected(), s.bought());
    let two = || with(s.bought(), [BUDI.select(1, "2020-04-10")]);
    let no_purchase = |n| Rejection::PurchaseUnknown { purchase: purchase(n) };
    vec![
        row(
            "a wave of no scheme",
            s.opened(),
            open(2, "other", 2020, 1, "2020-05-01"),
            Rejection::SchemeUnknown { scheme: "other".into() },
        ),
        row("selected in no wave", s.opened(), ANI.select(2, "2020-05-01"), Rejection::WaveUnknown { wave: Wave(2) }),
        row("no wave closes", s.opened(), close_wave(2, "2020-05-01"), Rejection::WaveUnknown { wave: Wave(2) }),
        row(
            "a year without waves",
            s.opened(),
            close_period(2021, "2021-12-31"),
            Rejection::YearUnknown { year: 2021 },
        ),
        row(
            "nobody buys",
            s.opened(),
            ANI.buy(1, 1, "2020-05-01"),
            Rejection::ParticipantUnknown { participant: ANI.id() },
        ),
        row("no purchase to cancel", selected.clone(), ANI.cancel(1, "2020-05-01"), no_purchase(1)),
        row("no purchase to complete", bought.clone(), ANI.complete(2, "2020-05-01"), no_purchase(2)),
        row("no purchase to withdraw", bought.clone(), ANI.withdraw(2, 1, "2020-05-01"), no_purchase(2)),
        row("no purchase to certify", bought.clone(), ANI.certify(2, "2020-05-01"), no_purchase(2)),
        row("no purchase to review", bought, ANI.review(2, "2020-05-01"), no_purchase(2)),
        row("somebody else's purchase", two(), BUDI.complete(1, "2020-05-01"), no_purchase(1)),
        row("no link", selected.clone(), ANI.unlink(1, "2020-05-01"), Rejection::LinkUnknown { link: link(1) }),
        row("somebody else's link", two(), BUDI.unlink(1, "2020-05-01"), Rejection::LinkUnknown { link: link(1) }),
        row(
            "no run",
            selected.clone(),
            approve_run(1, Digest([0; 32]), "2020-05-01"),
            Rejection::RunUnknown { run: run(1) },
        ),
        row(
            "survey 0",
            s.unlocked(),
            ANI.survey(0, "2020-09-01"),
            Rejection::SurveyUnknown { number: 0, surveys: s.surveys },
        ),
        row(
            "one survey too many",
            s.unlocked(),
            ANI.survey(s.surveys + 1, "2020-09-01"),
            Rejection::SurveyUnknown { number: s.surveys + 1, surveys: s.surveys },
        ),
        row("no finding", selected.clone(), ANI.clear("case-a", "2020-05-01"), Rejection::FindingUnknown),
        row(
            "no demand",
            selected.clone(),
            ANI.repay(1, "ntpn", 1, "2020-05-01"),
            Rejection::DemandUnknown { demand: demand(1) },
        ),
        row(
            "no exception",
            selected,
            resolve(Partner::Bank, "tx", OutcomeKind::Settled, "cleared", "2020-05-01"),
            Rejection::ExceptionUnknown,
        ),
    ]
}

fn time_and_people(s: &Setting) -> Vec<Row> {
    let ahead = |ask: Ask| {
        let clock = ask.occurred_at;
        let occurred_at = Timestamp::from_nanos(clock.nanos() + Timestamp::FUTURE_TOLERANCE_NANOS + 1);
        (ask.at(occurred_at).clock(clock), Rejection::OccurredInFuture { occurred_at, clock })
    };
    let mut rows = Vec::new();
    let manual = found_by(Evidence::Manual, outcome(99, 600_000, "tx"));
    let manual = report(Partner::Bank, OutcomeKind::Settled, manual, "2020-05-01");
    let revoked = || with(s.bought(), [ANI.revoke(1, Ground::FalseData, "2020-04-20")]);
    let kept = report(Partner::Bank, OutcomeKind::Settled, outcome(99, 600_000, "tx"), "2020-05-01");
    let odd = || with(s.bought(), [kept.clone()]);
    let resolved = resolve(Partner::Bank, "tx", OutcomeKind::Settled, "cleared", "2020-05-01");
    let planned = || with(s.unlocked(), [plan_run(1, day("2020-04-27"), "2020-04-27")]);
    for (what, given, ask) in [
        ("a purchase", s.selected(), ANI.buy(1, 1, "2020-04-12")),
        ("a selection", s.opened(), ANI.select(1, "2020-04-12")),
        ("funds", s.opened(), funds("d", 2020, 1, "2020-04-12")),
        ("an outcome", s.selected(), kept.clone()),
        ("a plan", s.selected(), plan_run(1, day("2020-04-12"), "2020-04-12")),
        ("an approval", planned(), approve_run(1, Digest([0; 32]), "2020-04-28")),
    ] {
        let (when, then) = ahead(ask);
        rows.push(row(what, given, when, then));
    }
    let four_eyes = [
        ("a scheme", s.opened(), enact(Scheme { scheme: "other".into(), ..s.scheme.clone() }, "2020-05-01")),
        ("funds", s.opened(), funds("d", 2020, 1, "2020-05-01")),
        ("a wave's end", s.opened(), close_wave(1, "2020-05-01")),
        ("a period's end", s.opened(), close_period(2020, "2020-12-16")),
        ("a cleared exception", odd(), resolved),
        ("a withdrawn completion", s.completed(), ANI.withdraw(1, 1, "2020-05-01")),
        ("a reinstatement", revoked(), ANI.reinstate(2, None, "2020-05-01")),
        ("a manual outcome", s.bought(), manual),
    ];
    for (what, given, ask) in four_eyes {
        let same = ask.clone().by("staff/one").approved_by("staff/one");
        rows.push(row(what, given.clone(), ask.alone(), Rejection::ApproverMissing));
        rows.push(row(what, given, same, Rejection::SamePerson { person: "staff/one".into() }));
    }
    let own = |event| Rejection::OwnCall { event };
    let said = outcome(9, 600_000, "tx");
    let odd_event = exception(
        Partner::Bank,
        OutcomeKind::Settled,
        said.clone(),
        ledger_core::codes::ExceptionCause::UnknownInstruction,
    );
    let settled = Event::outcome(OutcomeKind::Settled, said);
    rows.extend([
        row("a settlement as an event", s.selected(), ANI.sends(settled, "2020-05-01"), own("PayoutSettled")),
        row(
            "an exception as an event",
            s.selected(),
            ANI.sends(odd_event.clone(), "2020-05-01"),
            own("OutcomeException"),
        ),
        row("the same of nobody", s.selected(), programme(odd_event, "2020-05-01"), own("OutcomeException")),
        row(
            "a person's wave",
            s.selected(),
            ANI.sends(close_wave(1, "2020-05-01").event(), "2020-05-01"),
            own("WaveClosed"),
        ),
        row(
            "the planner approves",
            planned(),
            approve_run(1, Digest([0; 32]), "2020-04-28").by("staff/planner"),
            Rejection::SamePerson { person: "staff/planner".into() },
        ),
        row(
            "a run of tomorrow",
            s.selected(),
            plan_run(1, day("2020-05-02"), "2020-05-01"),
            Rejection::AsOfInFuture { as_of: day("2020-05-02"), today: day("2020-05-01") },
        ),
    ]);
    rows
}

fn membership(s: &Setting) -> Vec<Row> {
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

fn purchases(s: &Setting) -> Vec<Row> {
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

fn surveys_accounts_and_cases(s: &Setting) -> Vec<Row> {
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

fn order_of_dates(s: &Setting) -> Vec<Row> {
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

fn full_histories(s: &Setting) -> Vec<Row> {
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

fn rows(s: &Setting) -> Vec<Row> {
    [
        fields,
        schemes,
        identity,
        unknown,
        time_and_people,
        membership,
        purchases,
        surveys_accounts_and_cases,
        order_of_dates,
        full_histories,
    ]
    .iter()
    .flat_map(|table| table(s))
    .collect()
}

#[test]
fn every_row_is_refused_as_it_says() {
    for setting in both() {
        for Row { what, given, when, then } in rows(&setting) {
            let mut ledger = Ledger::given(given);
            let size = ledger.state().size();
            assert_eq!(ledger.ask(&when), Err(then), "{what}, {}", setting.name);
            assert_eq!(ledger.state().size(), size);
        }
    }
}

#[test]
fn every_rejection_of_the_catalogue_has_a_row() {
    for setting in both() {
        let produced: BTreeSet<_> = rows(&setting).iter().map(|row| row.then.reason()).collect();
        let listed: BTreeSet<_> = Rejection::CATALOGUE.iter().map(|entry| entry.reason).collect();
        assert_eq!(produced, listed, "{}", setting.name);
    }
}

#[test]
fn the_catalogue_tells_each_rejection_as_it_is_told() {
    let reasons: BTreeSet<_> = Rejection::CATALOGUE.iter().map(|entry| entry.reason).collect();
    assert_eq!(reasons.len(), Rejection::CATALOGUE.len(), "a reason twice");
    let [setting, _] = both();
    for Row { then, .. } in rows(&setting) {
        let entry = Rejection::CATALOGUE.iter().find(|entry| entry.reason == then.reason()).expect("an entry");
        assert_eq!(entry.class, then.class(), "{then:?}");
        // The text is the entry's with values in place of braces.
        let mut rest = &*then.to_string();
        for part in entry.text.split(['{', '}']).step_by(2) {
            let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not in {then}"));
            rest = &rest[at + part.len()..];
        }
        let unknown = entry.reason.ends_with("_UNKNOWN");
        assert_eq!(unknown, entry.class == Class::NotFound, "{}", entry.reason);
    }
}
