//! Why money is held, and what partners say that fits nothing.

use ledger_core::codes::{Evidence, ExceptionCause, OutcomeKind, Partner};
use ledger_core::event::{Event, Outcome};
use ledger_core::schedule::Held;
use ledger_core::state::FactKind;
use ledger_core::{Decision, NewEvent};
use ledger_tests::given::{Ledger, named};
use ledger_tests::words::{Ask, Moment, account_fault, close_wave, day, exception, outcome, report, resolve};

use crate::money::{GOPAY, TRAINING, doubt, instructed, not_paid, rejected, replay, revoke, settled};
use crate::setting::{ANI, both, with};

/// Why the first training incentive is held on a day.
#[track_caller]
fn held(ledger: &Ledger, on: &str) -> Option<Held> {
    let state = ledger.state();
    let participant = state.participant(ANI.id()).expect("a participant");
    let (first, _) = state.scheme_of(participant).and_then(|s| s.entitlements().next()).expect("an entitlement");
    ledger_core::schedule::payable(state, participant, first, day(on)).err()
}

#[test]
fn an_entitlement_tells_why_it_is_held() {
    for s in both() {
        let (at_work, position) = instructed(&s);
        let after = |asks: Vec<Ask>| {
            let mut ledger = Ledger::default();
            replay(&at_work, &mut ledger);
            ledger.and(asks);
            ledger
        };
        let fault =
            || report(GOPAY, OutcomeKind::Rejected, account_fault(outcome(position, TRAINING, "")), "2020-04-29");
        let unlocked = |more: Vec<Ask>| Ledger::given(with(s.unlocked(), more));
        let link = |n, when: &str| ANI.link(n, Partner::Bank, when.instant());
        let rows = [
            ("payable", unlocked(vec![]), None),
            ("before completion", Ledger::given(s.bought()), Some(Held::NotEarned)),
            ("before the review", Ledger::given(s.completed()), Some(Held::NotEarned)),
            ("completion withdrawn", unlocked(vec![ANI.withdraw(1, 1, "2020-04-23")]), Some(Held::NotEarned)),
            ("revoked", unlocked(vec![revoke("2020-04-23")]), Some(Held::MembershipRevoked)),
            ("the wave's end", unlocked(vec![close_wave(1, "2020-04-23")]), Some(Held::WaveClosed)),
            ("a finding", unlocked(vec![ANI.find("case-a", "2020-04-23")]), Some(Held::Ineligible)),
            (
                "two findings, one withdrawn",
                unlocked(vec![
                    ANI.find("case-a", "2020-04-23"),
                    ANI.find("case-b", "2020-04-23"),
                    ANI.clear("case-a", "2020-04-24"),
                ]),
                Some(Held::Ineligible),
            ),
            (
                "a finding withdrawn",
                unlocked(vec![ANI.find("case-a", "2020-04-23"), ANI.clear("case-a", "2020-04-24")]),
                None,
            ),
            ("unlinked", unlocked(vec![ANI.unlink(1, "2020-04-23")]), Some(Held::NoAccount)),
            ("linked again", unlocked(vec![ANI.unlink(1, "2020-04-23"), link(2, "2020-04-24")]), None),
            (
                "linked after the day",
                unlocked(vec![ANI.unlink(1, "2020-04-23"), link(2, "2020-06-02")]),
                Some(Held::NoAccount),
            ),
            ("in transit", after(vec![]), Some(Held::InTransit)),
            (
                "accepted",
                after(vec![report(GOPAY, OutcomeKind::Accepted, outcome(position, TRAINING, ""), "2020-04-29")]),
                Some(Held::InTransit),
            ),
            ("in doubt", after(vec![doubt(position)]), Some(Held::InDoubt)),
            ("settled", after(vec![settled(position, "a", "2020-04-29")]), Some(Held::Settled)),
            ("rejected", after(vec![rejected(position, "2020-04-29")]), None),
            ("account fault", after(vec![fault()]), Some(Held::AccountFault)),
            (
                "account fault, though another account was linked before it",
                after(vec![link(2, "2020-04-28"), fault()]),
                Some(Held::AccountFault),
            ),
            ("account fault, then a new account", after(vec![fault(), link(2, "2020-04-30")]), None),
            (
                "returned for a fault, then a new account",
                after(vec![
                    settled(position, "a", "2020-04-29"),
                    report(GOPAY, OutcomeKind::Returned, account_fault(outcome(position, TRAINING, "r")), "2020-04-30"),
                    link(2, "2020-05-01"),
                ]),
                None,
            ),
        ];
        for (what, ledger, expected) in rows {
            assert_eq!(held(&ledger, "2020-06-01"), expected, "{what}, {}", s.name);
        }
        assert_eq!(held(&unlocked(vec![]), "2020-04-26"), Some(Held::NotDue));
    }
}

#[test]
fn what_fits_nothing_is_kept_aside() {
    for s in both() {
        let (ledger, position) = instructed(&s);
        let said = |kind, outcome| report(GOPAY, kind, outcome, "2020-05-01");
        let kept = |partner, kind, outcome, cause| vec![exception(partner, kind, outcome, cause)];
        let good = outcome(position, TRAINING, "tx");
        let other = outcome(position, TRAINING + 1, "tx");
        let gone = outcome(position + 1_000, TRAINING, "tx");
        let (accepted, settled_, returned_) = (OutcomeKind::Accepted, OutcomeKind::Settled, OutcomeKind::Returned);
        let doubted = Event::outcome(OutcomeKind::InDoubt, good.clone());
        let unknown = ExceptionCause::UnknownInstruction;

        // An unknown instruction has no position: the reference says what the partner said.
        let Ok(Decision::Record(events)) = ledger.decide(&said(settled_, gone)) else { panic!("an exception") };
        let [NewEvent { participant: None, event: Event::OutcomeException(e), .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!((e.cause, e.outcome.instruction.0, e.instruction.len()), (unknown, 0, 20));

        let elsewhere = report(Partner::Ovo, settled_, good.clone(), "2020-05-01");
        let Ok(Decision::Record(events)) = ledger.decide(&elsewhere) else { panic!("an exception") };
        assert!(matches!(&events[..], [NewEvent { participant: None, event: Event::OutcomeException(e), .. }]
            if e.cause == unknown && e.partner == Partner::Ovo));

        let with_doubt = |mut events: Vec<Event<'static>>| {
            events.push(doubted.clone());
            events
        };
        let other_amount = |kind| with_doubt(kept(GOPAY, kind, other.clone(), ExceptionCause::OtherAmount));
        let not_allowed = |kind, o| kept(GOPAY, kind, o, ExceptionCause::NotAllowedInState);
        let rows: Vec<(&str, Vec<Ask>, Ask, Vec<Event<'static>>)> = vec![
            ("another amount settled", vec![], said(settled_, other.clone()), other_amount(settled_)),
            ("another amount accepted", vec![], said(accepted, other.clone()), other_amount(accepted)),
            (
                "another amount in doubt",
                vec![],
                said(OutcomeKind::InDoubt, other.clone()),
                other_amount(OutcomeKind::InDoubt),
            ),
            (
                "another amount, in doubt already",
                vec![doubt(position)],
                said(settled_, other.clone()),
                kept(GOPAY, settled_, other.clone(), ExceptionCause::OtherAmount),
            ),
            (
                "another amount, settled already",
                vec![settled(position, "a", "2020-04-29")],
                said(settled_, other.clone()),
                kept(GOPAY, settled_, other, ExceptionCause::OtherAmount),
            ),
            (
                "accepted late",
                vec![settled(position, "a", "2020-04-29")],
                said(accepted, good.clone()),
                not_allowed(accepted, good.clone()),
            ),
            ("returned early", vec![], said(returned_, good.clone()), not_allowed(returned_, good.clone())),
            (
                "rejected when settled",
                vec![settled(position, "a", "2020-04-29")],
                said(OutcomeKind::Rejected, good.clone()),
                not_allowed(OutcomeKind::Rejected, good.clone()),
            ),
            (
                "in doubt when rejected",
                vec![rejected(position, "2020-04-29")],
                said(OutcomeKind::InDoubt, good.clone()),
                not_allowed(OutcomeKind::InDoubt, good.clone()),
            ),
            (
                "rejected by the partner when in doubt",
                vec![doubt(position)],
                said(OutcomeKind::Rejected, good.clone()),
                not_allowed(OutcomeKind::Rejected, good.clone()),
            ),
        ];
        for (what, given, ask, expected) in rows {
            let mut after = Ledger::default();
            replay(&ledger, &mut after);
            after.and(given);
            let before = named(after.state().totals());
            let first = after.state().size();
            let Ok(Decision::Record(events)) = after.ask(&ask) else { panic!("{what}: {:?}", after.decide(&ask)) };
            assert!(events.iter().all(|new| new.participant == Some(ANI.id())), "{what}");
            assert_eq!(events.into_iter().map(|new| new.event).collect::<Vec<_>>(), expected, "{what}");
            assert_eq!(named(after.state().totals()), before, "{what} moves no money");
            assert_eq!(after.decide(&ask), Ok(Decision::Repeat { position: first }), "{what}, told again");

            // People clear it up once.
            let resolved = resolve(GOPAY, "tx", expected_kind(&expected), "cleared", "2020-05-02");
            let position = after.state().size();
            after.and([resolved.clone()]);
            assert_eq!(after.decide(&resolved), Ok(Decision::Repeat { position }), "{what}");
            let otherwise = resolve(GOPAY, "tx", expected_kind(&expected), "otherwise", "2020-05-02");
            let clash = ledger_core::Rejection::AlreadyExists { position };
            assert_eq!(after.decide(&otherwise), Err(clash), "{what}");
        }
    }
}

#[test]
fn however_much_is_kept_aside_the_participant_is_as_before() {
    for s in both() {
        let (mut ledger, position) = instructed(&s);
        let life = |ledger: &Ledger| {
            let participant = ledger.state().participant(ANI.id()).expect("a participant");
            (participant.life().len(), participant.last_position())
        };
        let (before, _) = life(&ledger);
        for n in 0..300 {
            let said = Outcome { transaction_reference: format!("tx-{n}").into(), ..outcome(position, TRAINING, "tx") };
            ledger.and([report(GOPAY, OutcomeKind::Returned, said, "2020-05-01")]);
            let (bytes, last) = life(&ledger);
            assert!(bytes <= before + 8, "{bytes} bytes after {n} exceptions, {before} before");
            assert_eq!(last + 1, ledger.state().size());
        }
        ledger.and([settled(position, "tx", "2020-05-02")]);
        let participant = ledger.state().participant(ANI.id()).expect("a participant");
        let settled_at = participant.fact(FactKind::Settled, 0).expect("a settlement");
        assert_eq!((settled_at.position(), settled_at.date()), (ledger.state().size() - 1, day("2020-05-02")));
        assert_eq!(participant.instructions().next().map(|i| i.position().0), Some(position));
    }
}

fn expected_kind(events: &[Event<'_>]) -> OutcomeKind {
    let Some(Event::OutcomeException(e)) = events.first() else { panic!("an exception") };
    e.kind
}

#[test]
fn a_doubt_ends_by_inquiry_or_by_two_people() {
    for s in both() {
        let (mut ledger, position) = instructed(&s);
        ledger.and([doubt(position)]);
        let manual = not_paid(position, Evidence::Manual);
        assert_eq!(ledger.decide(&manual.clone().alone()).map_err(|e| e.reason()), Err("APPROVER_MISSING"));
        assert_eq!(ledger.decide(&manual.clone().by("staff/second")).map_err(|e| e.reason()), Err("SAME_PERSON"));
        assert_eq!(ledger.pay(2, day("2020-05-02"), "2020-05-02"), ledger_tests::given::Paid::default());
        ledger.and([manual]);
        assert_eq!(held(&ledger, "2020-05-03"), None, "it is payable again");
    }
}
