//! What staff and other agencies do to a participant: deadlines, revocations, appeals, findings, repayments.

use ledger_core::codes::{Component, EntitlementKind, Ground};
use ledger_core::deadlines;
use ledger_core::event::{
    CompletionWithdrawn, IneligibilityFound, IneligibilityWithdrawn, MembershipReinstated, MembershipRevoked,
    RepaymentDemanded, RepaymentReceived, Text,
};
use ledger_core::ids::{CaseId, DemandId};
use ledger_core::money::Rupiah;
use ledger_core::state::{Participant, Status};
use ledger_core::time::Date;

use crate::agenda::{Cause, Repayment, Step};
use crate::cohort::{Cohort, Now, approved, sender};
use crate::person::{Dice, Id};
use crate::rates;

const DESK: &str = "officer/deadline-desk";
const CASE_OFFICER: &str = "officer/cases";
const APPEALS: &str = "officer/appeals";
const APPEALS_CHAIR: &str = "approver/appeals";
const QUALITY: &str = "officer/quality";
const QUALITY_CHAIR: &str = "approver/quality";
const AUDIT: &str = "officer/audit-liaison";
const COLLECTIONS: &str = "officer/collections";

/// Grounds of cases of their own, with how many of a hundred.
const GROUNDS: [Ground; 5] =
    [Ground::FalseData, Ground::IdentityMismatch, Ground::Manipulation, Ground::ProxyUse, Ground::BreachOfTerms];
const GROUND_WEIGHTS: [u32; 5] = [40, 25, 15, 12, 8];

/// Whose data show that somebody was not eligible: source, prefix of its case numbers.
const SOURCES: [(&str, &str); 3] =
    [("bpjs-ketenagakerjaan", "BPJSTK"), ("bpk-audit", "LHP"), ("civil-service-register", "ASN")];
const SOURCE_WEIGHTS: [u32; 3] = [70, 20, 10];

/// Days that a reinstated participant has for the first purchase.
const NEW_DEADLINE_DAYS: i32 = 14;

/// Ordinals of case ids: a revocation's is its day, a reinstatement's its day from here on.
const REINSTATEMENTS: u16 = 1 << 15;
/// And a withdrawn completion's its purchase's place from here on: days reach this only in 2126.
const WITHDRAWALS: u16 = 0xE000;

fn day_number(date: Date) -> u16 {
    u16::try_from(date.days()).unwrap_or(0) % REINSTATEMENTS
}

impl Cohort {
    fn case(&self, now: Now, ordinal: u16) -> CaseId {
        CaseId(self.chance.id(now.who, Id::Case, ordinal))
    }

    /// Revokes where a deadline has passed.
    pub(crate) fn look_at_deadlines(&mut self, now: Now) {
        let ground = deadlines::ground(&self.book.state, self.participant(now), now.date());
        if let Some((ground, _)) = ground {
            self.revoke(now, DESK, ground);
        }
    }

    pub(crate) fn revoke_for(&mut self, now: Now, cause: Cause) {
        let mut dice = self.chance.dice(now.who, Dice::Revoke, 0);
        let own = GROUNDS[dice.weighted(&GROUND_WEIGHTS).unwrap_or(0)];
        match cause {
            Cause::Case => self.revoke(now, CASE_OFFICER, own),
            Cause::Finding => self.revoke(now, CASE_OFFICER, Ground::Ineligible),
        }
    }

    fn revoke(&mut self, now: Now, actor: &'static str, ground: Ground) {
        let day = day_number(now.date());
        let participant = self.participant(now);
        let id = participant.id;
        let open = participant.purchases().zip(0u8..).find(|(p, _)| !p.cancelled && !p.completed);
        let open = open.map(|(_, ordinal)| ordinal);
        let event = MembershipRevoked { case: self.case(now, day), ground };
        let reference = format!("revoke-{}-{day}", now.who);
        if !self.book.send_event(&sender(now.at, actor, reference), Some(id), event) {
            return;
        }
        let mut dice = self.chance.dice(now.who, Dice::Revoke, day);
        let rate = if ground == Ground::NoFirstPurchase { rates::REINSTATED_NO_PURCHASE } else { rates::REINSTATED };
        let (reinstated, days, second) = (dice.chance(rate), dice.range(3..=35) as u32, dice.second_of_day());
        if reinstated && self.parameters.scenario == crate::Scenario::Year {
            self.later(now, days, second, Step::Reinstate);
        }
        let (cancelled, days, second) =
            (dice.chance(rates::CANCELLED_AFTER_REVOCATION), dice.range(2..=25) as u32, dice.second_of_day());
        if let Some(ordinal) = open.filter(|_| cancelled) {
            self.later(now, days, second, Step::Cancel(ordinal));
        }
    }

    pub(crate) fn reinstate(&mut self, now: Now) {
        let participant = self.participant(now);
        let (id, nothing_bought) = (participant.id, !participant.has_bought());
        let last_day = self.book.state.balance_last_day(participant).unwrap_or_default();
        if participant.status == Status::Live || nothing_bought && now.date() > last_day {
            return;
        }
        let day = day_number(now.date());
        let deadline = nothing_bought.then(|| now.date().plus_days(NEW_DEADLINE_DAYS).min(last_day));
        let event = MembershipReinstated {
            case: self.case(now, REINSTATEMENTS + day),
            reason: "the appeal was upheld".into(),
            first_purchase_deadline: deadline,
        };
        let sender = approved(now.at, APPEALS, APPEALS_CHAIR, format!("appeal-{}-{day}", now.who));
        if !self.book.send_event(&sender, Some(id), event) {
            return;
        }
        let mut dice = self.chance.dice(now.who, Dice::Reinstate, day);
        let (buys, days, second) =
            (dice.chance(rates::BUYS_AFTER_REINSTATEMENT), dice.range(0..=10) as u32, dice.second_of_day());
        if let Some(deadline) = deadline {
            if buys {
                self.later(now, days, second, Step::Buy);
            }
            self.plan(now.who, deadline.plus_days(1).midnight(), Step::Deadline);
        }
        for (ordinal, step) in (0..).zip(self.put_off.remove(&now.who).unwrap_or_default()) {
            let mut dice = self.chance.dice(now.who, Dice::Resume, ordinal);
            let (days, second) = (dice.range(0..=14) as u32, dice.second_of_day());
            self.later(now, days, second, step);
        }
    }

    pub(crate) fn withdraw_completion(&mut self, now: Now, ordinal: u8) {
        let participant = self.participant(now);
        let purchase = self.purchase(now, ordinal);
        if purchase.cancelled || !purchase.completed {
            return;
        }
        let (id, purchase) = (participant.id, purchase.id);
        let event = CompletionWithdrawn {
            purchase,
            case: self.case(now, WITHDRAWALS + u16::from(ordinal)),
            reason: "completed by another person".into(),
        };
        let sender = approved(now.at, QUALITY, QUALITY_CHAIR, format!("withdraw-{}-{ordinal}", now.who));
        self.book.send_event(&sender, Some(id), event);
        let mut dice = self.chance.dice(now.who, Dice::Withdraw, ordinal.into());
        let (cancelled, days, second) =
            (dice.chance(rates::CANCELLED_AFTER_WITHDRAWAL), dice.range(1..=20) as u32, dice.second_of_day());
        if cancelled {
            self.later(now, days, second, Step::Cancel(ordinal));
        }
    }

    fn finding(&self, now: Now, source: u8) -> (Text<'static>, Text<'static>) {
        let (name, prefix) = SOURCES[usize::from(source)];
        (name.into(), format!("{prefix}/{}/{:08}", self.calendar.year, now.who).into())
    }

    pub(crate) fn find_ineligible(&mut self, now: Now) {
        let mut dice = self.chance.dice(now.who, Dice::Find, 0);
        let chosen = dice.weighted(&SOURCE_WEIGHTS).unwrap_or(0) as u8;
        let (source, case_number) = self.finding(now, chosen);
        let participant = self.participant(now);
        let (id, selected) = (participant.id, participant.selected_on());
        let age = dice.range(5..=40) as i32;
        let event = IneligibilityFound {
            source,
            case_number,
            evidence_date: now.date().plus_days(-age),
            effective_date: selected,
        };
        self.book.send_event(&sender(now.at, AUDIT, format!("finding-{}", now.who)), Some(id), event);

        let withdrawn = dice.chance(rates::FINDING_WITHDRAWN);
        let (days, second) = (dice.range(8..=45) as u32, dice.second_of_day());
        let (demanded, revoked) = (dice.chance(rates::DEMANDED), dice.chance(rates::REVOKED_AS_INELIGIBLE));
        let (demand_days, revoke_days) = (dice.range(4..=25) as u32, dice.range(1..=20) as u32);
        if withdrawn {
            self.later(now, days, second, Step::WithdrawFinding(chosen));
            return;
        }
        if demanded {
            self.later(now, demand_days, second, Step::Demand);
        }
        if revoked {
            self.later(now, revoke_days, second, Step::Revoke(Cause::Finding));
        }
    }

    pub(crate) fn withdraw_finding(&mut self, now: Now, source: u8) {
        let (source, case_number) = self.finding(now, source);
        let id = self.participant(now).id;
        let event = IneligibilityWithdrawn { source, case_number };
        self.book.send_event(&sender(now.at, AUDIT, format!("finding-withdrawn-{}", now.who)), Some(id), event);
    }

    /// Asks back what was spent and received, one demand for each component.
    pub(crate) fn demand(&mut self, now: Now) {
        let participant = self.participant(now);
        let id = participant.id;
        for (component, amount) in self.had(participant).into_iter().filter(|(_, amount)| *amount > 0) {
            let number = component.number();
            let event = RepaymentDemanded {
                demand: self.demand_id(now, number),
                component,
                amount: Rupiah::new(amount.into()),
            };
            let reference = format!("demand-{}-{number}", now.who);
            if self.book.send_event(&sender(now.at, COLLECTIONS, reference), Some(id), event) {
                self.expect_repayment(now, number, amount);
            }
        }
    }

    /// What a participant had from the state, rupiah.
    fn had(&self, participant: &Participant) -> [(Component, u32); 3] {
        let spent = participant.purchases().filter(|p| !p.cancelled).map(|p| p.price).sum();
        let received = |kind| {
            let of_kind = self.rules.entitlements().filter(|(entitlement, _)| entitlement.kind == kind);
            let sum = of_kind.map(|(e, amount)| i64::from(participant.money(e).settled) * amount.get()).sum::<i64>();
            u32::try_from(sum).unwrap_or(u32::MAX)
        };
        [
            (Component::TrainingAid, spent),
            (Component::TrainingIncentive, received(EntitlementKind::Training)),
            (Component::SurveyIncentive, received(EntitlementKind::Survey)),
        ]
    }

    fn demand_id(&self, now: Now, component: u8) -> DemandId {
        DemandId(self.chance.id(now.who, Id::Demand, component.into()))
    }

    fn expect_repayment(&mut self, now: Now, component: u8, amount: u32) {
        let mut dice = self.chance.dice(now.who, Dice::Demand, component.into());
        let half = amount / 2;
        let payments = match dice.weighted(&rates::REPAID) {
            Some(0) => vec![amount],
            Some(1) => vec![half, amount - half],
            Some(2) => vec![half],
            Some(3) => vec![amount + 50_000],
            _ => vec![],
        };
        for (payment, amount) in (0u8..).zip(payments) {
            let (days, second) = (dice.range(3..=20) as u32, dice.second_of_day());
            let days = days + 20 * u32::from(payment);
            self.later(now, days, second, Step::Repay(Repayment { component, payment, amount }));
        }
    }

    pub(crate) fn repay(&mut self, now: Now, repayment: Repayment) {
        let Repayment { component, payment, amount } = repayment;
        let id = self.participant(now).id;
        let receipt_number = format!("NTPN-{}-{component}{payment}", now.who);
        let event = RepaymentReceived {
            demand: self.demand_id(now, component),
            receipt_number: receipt_number.clone().into(),
            amount: Rupiah::new(amount.into()),
        };
        self.book.send_event(&sender(now.at, COLLECTIONS, receipt_number), Some(id), event);
    }
}
