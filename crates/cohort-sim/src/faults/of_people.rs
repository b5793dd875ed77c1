//! Faults in what people did, and in what was done to them.

use ledger_core::Rupiah;
use ledger_core::codes::Ground;
use ledger_core::event::{
    CertificateIssued, Event, IneligibilityFound, MembershipReinstated, MembershipRevoked, PurchaseCancelled,
    RepaymentDemanded, RepaymentReceived, SurveyFilled, Text, TrainingBought, TrainingReviewed,
};
use ledger_core::ids::{CaseId, DemandId, Digest, LinkId, ParticipantId, PurchaseId};

use super::Fault;
use super::history::{History, Mark, date, shifted};

/// Random enough to be nobody else's.
pub(super) fn id_like(id: ParticipantId, salt: u8) -> [u8; 16] {
    let mut bytes = id.0;
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5A ^ salt);
    bytes
}

pub(super) fn revoked(id: ParticipantId) -> MembershipRevoked {
    MembershipRevoked { case: CaseId(id_like(id, 1)), ground: Ground::FalseData }
}

pub(super) fn found(salt: u8) -> IneligibilityFound<'static> {
    let today = ledger_core::time::Date::new(2020, 4, 20).unwrap_or_default();
    IneligibilityFound {
        source: Text::Borrowed("bpk-audit"),
        case_number: Text::Owned(format!("inserted-{salt}")),
        evidence_date: today,
        effective_date: today,
    }
}

fn bought(event: &Event<'_>) -> bool {
    matches!(event, Event::TrainingBought(_))
}

fn completed(event: &Event<'_>) -> bool {
    matches!(event, Event::TrainingCompleted(_))
}

fn survey(number: u8) -> impl Fn(&Event<'_>) -> bool {
    move |event| matches!(event, Event::SurveyFilled(e) if e.number == number)
}

/// A first purchase of somebody who completes it; gives purchase, completion and whose.
fn finished(h: &mut History) -> Option<(usize, usize, ParticipantId)> {
    let (at, id) = h.take(|h, at, record| {
        let id = record.participant.unwrap_or(ParticipantId([0; 16]));
        let Event::TrainingBought(e) = &record.event else { return false };
        let done = |event: &Event<'_>| matches!(event, Event::TrainingCompleted(c) if c.purchase == e.purchase);
        h.before(at, id, bought).is_none() && h.after(at, id, done).is_some()
    })?;
    Some((at, h.after(at, id, completed)?, id))
}

/// A completion whose next record is its certificate; both are the first of their person.
fn certified(h: &mut History) -> Option<(usize, usize, ParticipantId)> {
    let (at, id) = h.take(|h, at, record| {
        let id = record.participant.unwrap_or(ParticipantId([0; 16]));
        completed(&record.event)
            && h.before(at, id, completed).is_none()
            && h.after(at, id, |_| true).is_some_and(|next| matches!(h.at(next).event, Event::CertificateIssued(_)))
    })?;
    Some((at, h.after(at, id, |_| true)?, id))
}

fn purchase_of(event: &Event<'_>) -> Option<PurchaseId> {
    match event {
        Event::TrainingBought(e) => Some(e.purchase),
        Event::TrainingCompleted(e) => Some(e.purchase),
        Event::CertificateIssued(e) => Some(e.purchase),
        _ => None,
    }
}

/// Selections that no fault touched.
fn selections(h: &mut History, count: usize) -> Option<Vec<(usize, ParticipantId)>> {
    (0..count).map(|_| h.take(|_, _, record| matches!(record.event, Event::Selected(_)))).collect()
}

fn with_family(h: &mut History, at: usize, family: Digest) {
    if let Event::Selected(e) = &mut h.change(at).event {
        e.family_card_digest = family;
    }
}

fn filled(h: &mut History, number: u8) -> Option<(usize, ParticipantId)> {
    h.take(|_, _, record| survey(number)(&record.event))
}

/// Somebody who is paid something later on, at their second purchase or survey: live and under way.
fn linked(h: &mut History) -> Option<(usize, ParticipantId)> {
    h.take(|h, at, record| {
        let id = record.participant.unwrap_or(ParticipantId([0; 16]));
        matches!(record.event, Event::PayoutAccountLinked(_)) && h.after(at, id, survey(1)).is_some()
    })
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "a record dropped",
        rule: "names-unknown",
        plant: |h| {
            let (bought, completed, _) = finished(h)?;
            let mark = h.mark(completed);
            h.remove(bought);
            Some(mark)
        },
    },
    Fault {
        name: "a record inserted",
        rule: "recorded-twice",
        plant: |h| {
            let (_, completed, _) = finished(h)?;
            Some(h.insert(completed + 1, h.at(completed).clone()))
        },
    },
    Fault {
        name: "two records swapped",
        rule: "certificate-before-completion",
        plant: |h| {
            let (completed, certificate, _) = certified(h)?;
            let mark = h.mark(certificate);
            h.exchange(completed, certificate);
            Some(mark)
        },
    },
    Fault {
        name: "a back-pointer to another record",
        rule: "back-pointer",
        plant: |h| {
            let (at, _) = filled(h, 1)?;
            Some(h.spoil(at, |record| record.previous = record.previous.map(|previous| previous - 1)))
        },
    },
    Fault {
        name: "a position that is another's",
        rule: "position",
        plant: |h| {
            let (at, _) = filled(h, 1)?;
            Some(h.spoil(at, |record| record.position += 1))
        },
    },
    Fault {
        name: "a clock set back",
        rule: "recorded-at",
        plant: |h| {
            let (at, _) = filled(h, 1)?;
            Some(h.spoil(at, |record| record.recorded_at = shifted(record.recorded_at, -30)))
        },
    },
    Fault {
        name: "a fact of the future",
        rule: "occurred-ahead",
        plant: |h| {
            let (at, _) = filled(h, 1)?;
            let record = h.change(at);
            record.occurred_at = shifted(record.recorded_at, 1);
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a fact dated before the selection",
        rule: "dated-before",
        plant: |h| {
            let (at, _) = linked(h)?;
            let record = h.change(at);
            record.occurred_at = shifted(record.occurred_at, -60);
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a second membership of one person",
        rule: "second-membership",
        plant: |h| {
            let pair = selections(h, 2)?;
            let Event::Selected(first) = h.at(pair[0].0).event.clone() else { return None };
            let mut at = Some(pair[1].0);
            while let Some(index) = at {
                match &mut h.change(index).event {
                    Event::Selected(e) => e.identity_digest = first.identity_digest,
                    Event::PayoutAccountLinked(e) => e.holder_identity_digest = first.identity_digest,
                    _ => {}
                }
                at = h.after(index, pair[1].1, |_| true);
            }
            Some(h.mark(pair[1].0))
        },
    },
    Fault {
        name: "a third participant of a family card",
        rule: "family-card-full",
        plant: |h| {
            let three = selections(h, 3)?;
            three.iter().for_each(|(at, _)| with_family(h, *at, Digest([0xFA; 32])));
            Some(h.mark(three[2].0))
        },
    },
    Fault {
        name: "an account of another identity",
        rule: "account-of-another",
        plant: |h| {
            let (at, _) = linked(h)?;
            if let Event::PayoutAccountLinked(e) = &mut h.change(at).event {
                e.holder_identity_digest = Digest([0xAC; 32]);
            }
            Some(h.mark(at))
        },
    },
    Fault {
        name: "one account link of two people",
        rule: "recorded-twice",
        plant: |h| {
            let ((first, _), (second, id)) = (linked(h)?, linked(h)?);
            let Event::PayoutAccountLinked(other) = h.at(first).event.clone() else { return None };
            let Event::PayoutAccountLinked(own) = h.at(second).event.clone() else { return None };
            let mut at = Some(second);
            while let Some(index) = at {
                match &mut h.change(index).event {
                    Event::PayoutAccountLinked(e) if e.link == own.link => e.link = other.link,
                    Event::PayoutInstructed(e) if e.link == own.link => e.link = other.link,
                    _ => {}
                }
                at = h.after(index, id, |_| true);
            }
            Some(h.mark(second))
        },
    },
    Fault {
        name: "the unlinking of an account that is not in force",
        rule: "link-not-in-force",
        plant: |h| {
            let (at, id) = linked(h)?;
            let Event::PayoutAccountLinked(old) = h.at(at).event.clone() else { return None };
            let new = ledger_core::event::PayoutAccountLinked { link: LinkId(id_like(id, 3)), ..old.clone() };
            h.happens(at + 1, id, new);
            Some(h.happens(at + 2, id, ledger_core::event::PayoutAccountUnlinked { link: old.link }))
        },
    },
    Fault {
        name: "a purchase over the balance",
        rule: "purchase-over-balance",
        plant: |h| {
            let (at, _, _) = finished(h)?;
            if let Event::TrainingBought(e) = &mut h.change(at).event {
                e.price = Rupiah::new(3_500_001);
            }
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a purchase for nothing",
        rule: "purchase-over-balance",
        plant: |h| {
            let (at, _, _) = finished(h)?;
            if let Event::TrainingBought(e) = &mut h.change(at).event {
                e.price = Rupiah::new(0);
            }
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a second open purchase",
        rule: "second-open-purchase",
        plant: |h| {
            let (at, _, id) = finished(h)?;
            let Event::TrainingBought(e) = h.at(at).event.clone() else { return None };
            Some(h.happens(
                at + 1,
                id,
                TrainingBought { purchase: PurchaseId(id_like(id, 2)), price: Rupiah::new(1), ..e },
            ))
        },
    },
    Fault {
        name: "one purchase of two people",
        rule: "recorded-twice",
        plant: |h| {
            let ((first, ..), (second, _, id)) = (finished(h)?, finished(h)?);
            let shared = purchase_of(&h.at(first).event)?;
            let own = purchase_of(&h.at(second).event)?;
            let (later, mut at) = (first.max(second), Some(second));
            while let Some(index) = at {
                match &mut h.change(index).event {
                    Event::TrainingBought(e) if e.purchase == own => e.purchase = shared,
                    Event::PurchaseCancelled(e) if e.purchase == own => e.purchase = shared,
                    Event::TrainingCompleted(e) if e.purchase == own => e.purchase = shared,
                    Event::CertificateIssued(e) if e.purchase == own => e.purchase = shared,
                    Event::TrainingReviewed(e) if e.purchase == own => e.purchase = shared,
                    Event::CompletionWithdrawn(e) if e.purchase == own => e.purchase = shared,
                    _ => {}
                }
                at = h.after(index, id, |_| true);
            }
            Some(h.mark(later))
        },
    },
    Fault {
        name: "a purchase after the balance's last day",
        rule: "purchase-after-last-day",
        plant: |h| {
            let closing = h.find(0, |event| matches!(event, Event::BalancePeriodClosed(_)))?;
            let (at, _, id) = finished(h)?;
            let Event::TrainingBought(e) = h.at(at).event.clone() else { return None };
            let late = h.at(closing).recorded_at;
            let mark = h.happens(
                closing,
                id,
                TrainingBought { purchase: PurchaseId(id_like(id, 2)), price: Rupiah::new(1), ..e },
            );
            let record = h.change(closing);
            (record.occurred_at, record.recorded_at) = (late, late);
            Some(mark)
        },
    },
    Fault {
        name: "a purchase after the balance period closed",
        rule: "purchase-after-period",
        plant: |h| {
            let closing = h.find(0, |event| matches!(event, Event::BalancePeriodClosed(_)))?;
            let (at, _, id) = finished(h)?;
            let Event::TrainingBought(e) = h.at(at).event.clone() else { return None };
            let mark = h.happens(
                closing + 1,
                id,
                TrainingBought { purchase: PurchaseId(id_like(id, 2)), price: Rupiah::new(1), ..e },
            );
            let late = h.change(closing + 1);
            late.occurred_at = shifted(late.occurred_at, -5);
            Some(mark)
        },
    },
    Fault {
        name: "a first purchase after its deadline",
        rule: "first-purchase-late",
        plant: |h| {
            let (at, _, id) = finished(h)?;
            let selected = h.before(at, id, |event| matches!(event, Event::Selected(_)))?;
            let record = h.change(selected);
            record.occurred_at = shifted(record.occurred_at, -60);
            Some(h.mark(at))
        },
    },
    Fault {
        name: "the completion of a cancelled purchase",
        rule: "purchase-was-cancelled",
        plant: |h| {
            let (_, at, id) = finished(h)?;
            let purchase = purchase_of(&h.at(at).event)?;
            let mark = h.mark(at);
            let (reason, refund_reference) = (Text::Borrowed("inserted"), Text::Borrowed("R-1"));
            h.happens(at, id, PurchaseCancelled { purchase, reason, refund_reference });
            Some(mark)
        },
    },
    Fault {
        name: "the cancellation of a completed purchase",
        rule: "purchase-was-completed",
        plant: |h| {
            let (_, at, id) = finished(h)?;
            let purchase = purchase_of(&h.at(at).event)?;
            let (reason, refund_reference) = (Text::Borrowed("inserted"), Text::Borrowed("R-2"));
            Some(h.happens(at + 1, id, PurchaseCancelled { purchase, reason, refund_reference }))
        },
    },
    Fault {
        name: "a certificate dated before the completion",
        rule: "certificate-before-completion",
        plant: |h| {
            let (_, certificate, _) = certified(h)?;
            let record = h.change(certificate);
            record.occurred_at = shifted(record.occurred_at, -45);
            Some(h.mark(certificate))
        },
    },
    Fault {
        name: "a certificate without completion",
        rule: "certificate-before-completion",
        plant: |h| {
            let (at, _, id) = finished(h)?;
            let purchase = purchase_of(&h.at(at).event)?;
            Some(h.happens(at + 1, id, CertificateIssued { purchase, certificate_number: Text::Borrowed("C-0") }))
        },
    },
    Fault {
        name: "a review before the completion",
        rule: "review-before-completion",
        plant: |h| {
            let (at, _, id) = finished(h)?;
            let purchase = purchase_of(&h.at(at).event)?;
            Some(h.happens(at + 1, id, TrainingReviewed { purchase, rating: 5 }))
        },
    },
    Fault {
        name: "a withdrawal of no completion",
        rule: "withdrawal-without-completion",
        plant: |h| {
            let (at, _, id) = finished(h)?;
            let (purchase, case) = (purchase_of(&h.at(at).event)?, CaseId(id_like(id, 4)));
            Some(h.happens(
                at + 1,
                id,
                ledger_core::event::CompletionWithdrawn { purchase, case, reason: Text::Borrowed("inserted") },
            ))
        },
    },
    Fault {
        name: "a survey before its opening",
        rule: "survey-before-opening",
        plant: |h| {
            let (at, _) = filled(h, 2)?;
            let record = h.change(at);
            record.occurred_at = shifted(record.occurred_at, -90);
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a survey without unlock",
        rule: "survey-without-unlock",
        plant: |h| {
            let (at, id) = linked(h)?;
            Some(h.happens(at + 1, id, SurveyFilled { number: 1 }))
        },
    },
    Fault {
        name: "a survey out of order",
        rule: "survey-out-of-order",
        plant: |h| {
            let (at, _) = h.take(|h, at, record| {
                let id = record.participant.unwrap_or(ParticipantId([0; 16]));
                survey(1)(&record.event) && h.after(at, id, survey(2)).is_none()
            })?;
            if let Event::SurveyFilled(e) = &mut h.change(at).event {
                e.number = 2;
            }
            Some(h.mark(at))
        },
    },
    Fault {
        name: "a revocation before the deadline",
        rule: "revoked-without-ground",
        plant: |h| {
            let (at, id) = h.take(|_, _, record| matches!(record.event, Event::Selected(_)))?;
            let event = MembershipRevoked { ground: Ground::NoFirstPurchase, ..revoked(id) };
            Some(h.happens(at + 1, id, event))
        },
    },
    Fault {
        name: "a revocation for no purchase of somebody who bought",
        rule: "revoked-without-ground",
        plant: |h| {
            let (_, completed, id) = finished(h)?;
            let event = MembershipRevoked { ground: Ground::NoFirstPurchase, ..revoked(id) };
            Some(h.happens(completed + 1, id, event))
        },
    },
    Fault {
        name: "a fact after the revocation",
        rule: "after-revocation",
        plant: |h| {
            let (at, id) = filled(h, 1)?;
            let mark = h.mark(at);
            h.happens(at, id, revoked(id));
            Some(mark)
        },
    },
    Fault {
        name: "the reinstatement of a live member",
        rule: "reinstated-live",
        plant: |h| {
            let (at, id) = filled(h, 1)?;
            let event = MembershipReinstated {
                case: CaseId(id_like(id, 5)),
                reason: Text::Borrowed("inserted"),
                first_purchase_deadline: None,
            };
            Some(h.happens(at + 1, id, event))
        },
    },
    Fault {
        name: "a reinstatement without an approver",
        rule: "four-eyes",
        plant: |h| {
            let (at, id) = filled(h, 1)?;
            h.happens(at + 1, id, revoked(id));
            let event = MembershipReinstated {
                case: CaseId(id_like(id, 5)),
                reason: Text::Borrowed("inserted"),
                first_purchase_deadline: None,
            };
            let mark = h.happens(at + 2, id, event);
            h.change(at + 2).approved_by = None;
            Some(mark)
        },
    },
    Fault {
        name: "a reinstatement with a deadline after the last day",
        rule: "reinstatement-deadline",
        plant: |h| {
            let (at, id) = filled(h, 1)?;
            h.happens(at + 1, id, revoked(id));
            let late = ledger_core::time::Date::new(date(h.at(at)).year(), 12, 31);
            let event = MembershipReinstated {
                case: CaseId(id_like(id, 5)),
                reason: Text::Borrowed("inserted"),
                first_purchase_deadline: late,
            };
            Some(h.happens(at + 2, id, event))
        },
    },
    Fault {
        name: "a state receipt counted for two people",
        rule: "recorded-twice",
        plant: |h| {
            let ((first, a), (second, b)) = (filled(h, 1)?, filled(h, 1)?);
            let mut receive = |at: usize, id: ParticipantId| -> Mark {
                let (demand, amount) = (DemandId(id_like(id, 6)), Rupiah::new(50_000));
                let component = ledger_core::codes::Component::SurveyIncentive;
                h.happens(at + 1, id, RepaymentDemanded { demand, component, amount });
                h.happens(
                    at + 2,
                    id,
                    RepaymentReceived { demand, receipt_number: Text::Borrowed("NTPN-twice"), amount },
                )
            };
            let later = receive(second.max(first), if second > first { b } else { a });
            receive(first.min(second), if second > first { a } else { b });
            Some(later)
        },
    },
    Fault {
        name: "a repayment that nobody demanded",
        rule: "names-unknown",
        plant: |h| {
            let (at, id) = filled(h, 1)?;
            let (demand, amount) = (DemandId(id_like(id, 6)), Rupiah::new(50_000));
            Some(h.happens(
                at + 1,
                id,
                RepaymentReceived { demand, receipt_number: Text::Borrowed("NTPN-undemanded"), amount },
            ))
        },
    },
];
