//! Faults in what was paid: orders of runs, and what partners said of them.

use ledger_core::codes::{EntitlementKind, Evidence, Partner};
use ledger_core::event::{
    Event, InstructionRecalled, Outcome, PayoutAccountLinked, PayoutInDoubt, PayoutInstructed, PayoutRejected,
    PayoutReturned, PayoutSettled, Text,
};
use ledger_core::ids::{LinkId, ParticipantId};
use ledger_core::scheme::Entitlement;
use ledger_core::{Record, Rupiah};

use super::Fault;
use super::history::{History, Mark};
use super::of_people::{found, id_like, revoked};

fn instructed(event: &Event<'_>) -> bool {
    matches!(event, Event::PayoutInstructed(_))
}

/// The first order of somebody, which is settled; gives order and settlement.
fn paid(h: &mut History) -> Option<(usize, usize, ParticipantId)> {
    let (at, id) = h.take(|h, at, record| {
        let id = record.participant.unwrap_or(ParticipantId([0; 16]));
        let next =
            h.after(at, id, |event| instructed(event) || settled(event) || matches!(event, Event::PayoutRejected(_)));
        instructed(&record.event)
            && h.before(at, id, instructed).is_none()
            && next.is_some_and(|next| settled(&h.at(next).event))
    })?;
    Some((at, h.after(at, id, settled)?, id))
}

fn settled(event: &Event<'_>) -> bool {
    matches!(event, Event::PayoutSettled(_))
}

fn order(h: &mut History, at: usize) -> Option<&mut PayoutInstructed> {
    match &mut h.change(at).event {
        Event::PayoutInstructed(e) => Some(e),
        _ => None,
    }
}

fn outcome(h: &History, at: usize) -> Option<Outcome<'static>> {
    match &h.at(at).event {
        Event::PayoutSettled(e) => Some(e.outcome.clone()),
        _ => None,
    }
}

/// Changes an order.
fn changed(h: &mut History, change: impl Fn(&mut PayoutInstructed)) -> Option<Mark> {
    let (at, ..) = paid(h)?;
    change(order(h, at)?);
    Some(h.mark(at))
}

/// Another order by the same run, right after one.
fn also(h: &mut History, at: usize, id: ParticipantId, change: impl Fn(&mut PayoutInstructed)) -> Option<Mark> {
    let mut record = Record { participant: Some(id), ..h.at(at).clone() };
    match &mut record.event {
        Event::PayoutInstructed(e) => change(e),
        _ => return None,
    }
    Some(h.insert(at + 1, record))
}

/// Something that happened to the payee just before the order, or after it.
fn before_order(h: &mut History, event: impl Fn(ParticipantId) -> Event<'static>) -> Option<Mark> {
    let (at, _, id) = paid(h)?;
    let mark = h.mark(at);
    h.happens(at, id, event(id));
    Some(mark)
}

/// Somebody with an account and nothing completed when a run pays others; gives an order of that run, and whose account.
fn unearned(h: &mut History) -> Option<(usize, ParticipantId, PayoutAccountLinked<'static>)> {
    let (at, id) = h.take(|h, at, record| {
        let id = record.participant.unwrap_or(ParticipantId([0; 16]));
        let earned = |event: &Event<'_>| matches!(event, Event::CertificateIssued(_) | Event::MembershipRevoked(_));
        let run = h.find(at, instructed);
        matches!(record.event, Event::PayoutAccountLinked(_))
            && run.is_some_and(|run| h.before(run, id, earned).is_none() && h.after(run, id, earned).is_some())
    })?;
    let Event::PayoutAccountLinked(link) = h.at(at).event.clone() else { return None };
    Some((h.find(at, instructed)?, id, link))
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "a payment before the completion",
        rule: "payment-before-completion",
        plant: |h| {
            let (run, id, link) = unearned(h)?;
            also(h, run, id, |e| (e.link, e.partner) = (link.link, link.partner))
        },
    },
    Fault {
        name: "an item that was not payable when it was planned",
        rule: "not-planned",
        plant: |h| {
            let (run, id, link) = unearned(h)?;
            also(h, run, id, |e| (e.link, e.partner) = (link.link, link.partner))
        },
    },
    Fault {
        name: "a payment of a survey that was not filled",
        rule: "payment-before-survey",
        plant: |h| {
            let (at, _, id) = paid(h)?;
            let last = h.at(at).clone();
            let Event::PayoutInstructed(e) = &last.event else { return None };
            let surveys = if e.entitlement.kind == EntitlementKind::Training { 1..=3 } else { 2..=3 };
            let number = surveys.rev().find(|number| {
                h.before(at, id, |event| matches!(event, Event::SurveyFilled(s) if s.number == *number)).is_none()
            })?;
            // The normal scheme has two.
            let number = if h
                .find(0, |e| matches!(e, Event::SchemeEnacted(s) if s.scheme.survey_incentives.len() < 3))
                .is_some()
            {
                2
            } else {
                number
            };
            also(h, at, id, |e| {
                e.entitlement = Entitlement { kind: EntitlementKind::Survey, number };
                e.amount = Rupiah::new(50_000);
            })
        },
    },
    Fault {
        name: "a payment of what was paid",
        rule: "over-entitlement",
        plant: |h| {
            let (at, paid, id) = paid(h)?;
            let next = h.find(paid, instructed)?;
            let same = h.at(at).event.clone();
            let Event::PayoutInstructed(first) = same else { return None };
            also(h, next, id, |e| {
                let run = e.run;
                *e = PayoutInstructed { run, attempt: 2, ..first.clone() };
            })
        },
    },
    Fault {
        name: "a payment of more incentives than the scheme has",
        rule: "over-entitlement",
        plant: |h| {
            let (at, _, id) = paid(h)?;
            also(h, at, id, |e| e.entitlement = Entitlement { kind: EntitlementKind::Training, number: 5 })
        },
    },
    Fault {
        name: "a second order while the first is on its way",
        rule: "instructed-in-transit",
        plant: |h| {
            let (at, _, id) = paid(h)?;
            also(h, at, id, |e| e.attempt = 2)
        },
    },
    Fault {
        name: "a second order while the first is in doubt",
        rule: "instructed-in-doubt",
        plant: |h| {
            let (at, paid, id) = paid(h)?;
            let doubt = PayoutInDoubt { outcome: outcome(h, paid)? };
            let mark = also(h, at, id, |e| e.attempt = 2)?;
            h.happens(at + 1, id, doubt);
            Some(mark)
        },
    },
    Fault {
        name: "a payment while a finding is open",
        rule: "instructed-ineligible",
        plant: |h| before_order(h, |_| found(1).into()),
    },
    Fault {
        name: "a payment after the revocation",
        rule: "payment-after-revocation",
        plant: |h| before_order(h, |id| revoked(id).into()),
    },
    Fault {
        name: "a payment before it is due",
        rule: "instructed-before-due",
        plant: |h| {
            let (at, paid, id) = paid(h)?;
            let Event::PayoutInstructed(first) = h.at(at).event.clone() else { return None };
            let _ = paid;
            also(h, at, id, |e| {
                e.entitlement = Entitlement { kind: EntitlementKind::Training, number: 4 };
                e.due = first.due.plus_months(3);
            })
        },
    },
    Fault {
        name: "a wrong amount",
        rule: "wrong-amount",
        plant: |h| changed(h, |e| e.amount = Rupiah::new(e.amount.get() + 50_000)),
    },
    Fault {
        name: "a wrong partner",
        rule: "wrong-partner",
        plant: |h| changed(h, |e| e.partner = if e.partner == Partner::Dana { Partner::Ovo } else { Partner::Dana }),
    },
    Fault { name: "a wrong attempt number", rule: "wrong-attempt", plant: |h| changed(h, |e| e.attempt = 3) },
    Fault { name: "a wrong due date", rule: "wrong-due-date", plant: |h| changed(h, |e| e.due = e.due.plus_days(-1)) },
    Fault {
        name: "a wrong expiry",
        rule: "wrong-expiry",
        plant: |h| changed(h, |e| e.expires_on = e.expires_on.plus_days(30)),
    },
    Fault {
        name: "a payment to another account than was planned",
        rule: "other-account-than-planned",
        plant: |h| {
            let (at, _, id) = paid(h)?;
            let link = h.before(at, id, |event| matches!(event, Event::PayoutAccountLinked(_)))?;
            let Event::PayoutAccountLinked(old) = h.at(link).event.clone() else { return None };
            let mark = h.mark(at);
            let new = LinkId(id_like(id, 9));
            order(h, at)?.link = new;
            // Linked after the plan, in the morning of the run.
            h.happens(at, id, PayoutAccountLinked { link: new, ..old });
            Some(mark)
        },
    },
    Fault {
        name: "a payment to an account that was replaced",
        rule: "account-not-in-force",
        plant: |h| {
            let (at, _, id) = paid(h)?;
            let link = h.before(at, id, |event| matches!(event, Event::PayoutAccountLinked(_)))?;
            let Event::PayoutAccountLinked(old) = h.at(link).event.clone() else { return None };
            let mark = h.mark(at);
            h.happens(at, id, PayoutAccountLinked { link: LinkId(id_like(id, 9)), ..old });
            Some(mark)
        },
    },
    Fault {
        name: "a payment to an account at fault",
        rule: "account-at-fault",
        plant: |h| {
            let (first, paid, id) = paid(h)?;
            let fault = Outcome { account_fault: true, transaction_reference: Text::Borrowed(""), ..outcome(h, paid)? };
            let mark = also(h, first, id, |e| e.attempt = 2)?;
            h.happens(first + 1, id, PayoutRejected { outcome: fault });
            Some(mark)
        },
    },
    Fault {
        name: "a settlement of another amount",
        rule: "outcome-amount",
        plant: |h| {
            let (_, at, _) = paid(h)?;
            if let Event::PayoutSettled(e) = &mut h.change(at).event {
                e.outcome.amount = Rupiah::new(e.outcome.amount.get() * 2);
            }
            Some(h.mark(at))
        },
    },
    Fault {
        name: "the same settlement recorded twice",
        rule: "recorded-twice",
        plant: |h| {
            let (_, at, _) = paid(h)?;
            Some(h.insert(at + 1, h.at(at).clone()))
        },
    },
    Fault {
        name: "settled twice",
        rule: "settled-twice",
        plant: |h| {
            let (_, at, id) = paid(h)?;
            let again = Outcome { transaction_reference: Text::Borrowed("again"), ..outcome(h, at)? };
            Some(h.happens(at + 1, id, PayoutSettled { outcome: again }))
        },
    },
    Fault {
        name: "settled after it was rejected",
        rule: "settled-after-rejection",
        plant: |h| {
            let (_, at, id) = paid(h)?;
            let mark = h.mark(at);
            let outcome = Outcome { transaction_reference: Text::Borrowed(""), ..outcome(h, at)? };
            h.happens(at, id, PayoutRejected { outcome });
            Some(mark)
        },
    },
    Fault {
        name: "settled after the revocation",
        rule: "settled-after-revocation",
        plant: |h| {
            let (_, at, id) = paid(h)?;
            let mark = h.mark(at);
            h.happens(at, id, revoked(id));
            Some(mark)
        },
    },
    Fault {
        name: "returned without a settlement",
        rule: "returned-without-settlement",
        plant: |h| {
            let (_, at, _) = paid(h)?;
            let outcome = outcome(h, at)?;
            h.change(at).event = PayoutReturned { outcome }.into();
            Some(h.mark(at))
        },
    },
    Fault {
        name: "rejected after it was settled",
        rule: "outcome-transition",
        plant: |h| {
            let (_, at, id) = paid(h)?;
            let outcome = Outcome { transaction_reference: Text::Borrowed(""), ..outcome(h, at)? };
            Some(h.happens(at + 1, id, PayoutRejected { outcome }))
        },
    },
    Fault {
        name: "a doubt ended by the partner's word",
        rule: "doubt-ended-by-partner",
        plant: |h| {
            let (_, at, id) = paid(h)?;
            let outcome = outcome(h, at)?;
            h.change(at).event = PayoutRejected { outcome: outcome.clone() }.into();
            let mark = h.mark(at);
            h.happens(at, id, PayoutInDoubt { outcome });
            Some(mark)
        },
    },
    Fault {
        name: "an expiry before its day",
        rule: "expired-early",
        plant: |h| {
            let (at, paid, id) = paid(h)?;
            let outcome = Outcome { evidence: Evidence::Expiry, ..outcome(h, paid)? };
            Some(h.happens(at + 1, id, PayoutInDoubt { outcome }))
        },
    },
    Fault {
        name: "an outcome of no instruction",
        rule: "names-unknown",
        plant: |h| {
            let (at, paid, id) = paid(h)?;
            let _ = at;
            let outcome = outcome(h, paid)?;
            let unknown = Outcome { instruction: ledger_core::ids::Position(1), ..outcome };
            Some(h.happens(paid + 1, id, PayoutSettled { outcome: unknown }))
        },
    },
    Fault {
        name: "a recall of no instruction",
        rule: "names-unknown",
        plant: |h| {
            let (at, _, id) = paid(h)?;
            Some(h.happens(at + 1, id, InstructionRecalled { instruction: ledger_core::ids::Position(1) }))
        },
    },
    Fault {
        name: "an order that is not dated by its approval",
        rule: "not-at-approval",
        plant: |h| {
            let (at, ..) = paid(h)?;
            let record = h.change(at);
            record.occurred_at = super::history::shifted(record.occurred_at, -1);
            Some(h.mark(at))
        },
    },
];
