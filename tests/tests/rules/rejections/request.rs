//! What is wrong with the request itself: its fields, what it repeats, what it names, its time and its people.

use ledger_core::codes::{Evidence, Ground, OutcomeKind, Partner};
use ledger_core::event::{Event, Text, TrainingReviewed};
use ledger_core::ids::{Digest, Wave};
use ledger_core::scheme::{MonthDay, Scheme};
use ledger_core::time::Timestamp;
use ledger_core::{Command, Rejection};
use ledger_tests::words::{
    Ask, approve_run, close_period, close_wave, day, demand, enact, exception, found_by, funds, link, open, outcome,
    plan_run, programme, purchase, report, resolve, rp, run,
};

use super::{Row, row};
use crate::setting::{ANI, BUDI, CITRA, Setting, with};

const fn invalid(field: &'static str, rule: &'static str) -> Rejection {
    Rejection::InvalidField { field, rule }
}

pub(super) fn fields(s: &Setting) -> Vec<Row> {
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

pub(super) fn schemes(s: &Setting) -> Vec<Row> {
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

pub(super) fn identity(s: &Setting) -> Vec<Row> {
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

pub(super) fn unknown(s: &Setting) -> Vec<Row> {
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

pub(super) fn time_and_people(s: &Setting) -> Vec<Row> {
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
