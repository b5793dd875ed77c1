//! Orders to partners and what became of them: rules 10, 11, 13 and 14, and section 6, as an auditor checks them.

use ledger_core::account::Account;
use ledger_core::codes::{EntitlementKind, Evidence, OutcomeKind};
use ledger_core::event::{Event, InstructionRecalled, Outcome, OutcomeException, PayoutInstructed};
use ledger_core::scheme::Entitlement;
use ledger_core::time::Date;

use super::case::{Case, RareKind};
use super::part::hash;
use super::person::{Order, Said, Standing, add};
use super::programme::Run;
use super::tally::{Flow, InRun, LATENESS};
use crate::finding::Rule;

impl Case<'_> {
    /// What a record does to a year's funds (rule 14).
    pub(super) fn flow(&mut self, year: i16, used: i64) {
        self.counts.flows.push(Flow { at: self.said.at, year, used, appropriated: 0, order: None, forbidden: None });
    }

    /// An instruction (rules 10 and 11). The money moves, whatever is wrong with it.
    pub(super) fn instruct(&mut self, e: &PayoutInstructed) {
        let programme = self.programme;
        let run = programme.run(e.run).map(|index| (index, &programme.runs[index]));
        match run {
            None => self.unknown("run", &e.run),
            Some((_, run)) => self.of_run(e, run),
        }
        // Told once for a run, over everybody.
        let forbidden = run.and_then(|(_, run)| match (run.approved.is(), run.closed.is()) {
            (false, _) => Some(("has no approval", run.planned.at)),
            (true, true) => Some(("is closed", run.closed.at)),
            (true, false) => None,
        });
        self.payable(e, run.map_or_else(|| self.date(), |(_, run)| run.plan.as_of));
        self.account_of(e, run.map(|(_, run)| run.plan.as_of));
        self.terms(e);

        let year = run.map_or_else(|| self.date().year(), |(_, run)| run.plan.as_of.year());
        let (at, due) = (self.said.at, e.due.into());
        // Items stand where the plan put them, though a due date may have moved since: a completion was withdrawn.
        let items = run.and_then(|(_, run)| run.items.as_ref());
        let planned = items.and_then(|items| items.item(self.place, e.entitlement)).map(|item| item.due.into());
        let place = InRun { due: planned.unwrap_or(due), participant: self.person.id, entitlement: e.entitlement };
        let order = run.map(|(index, _)| (u16::try_from(index).unwrap_or(u16::MAX), place));
        self.counts.flows.push(Flow { at, year, used: e.amount.get(), appropriated: 0, order, forbidden });
        let home = self.incentive_home();
        self.moves(self.amount(e.entitlement), home, Account::InTransit(e.partner));
        if self.counts.counts(self.said.on) {
            let id = self.person.id;
            self.counts.partner(e.partner).instructed.add(at, Some(id), e.amount.get());
        }
        let order = Order {
            at,
            since: self.said,
            instructed: self.said.on,
            due,
            expires: e.expires_on.into(),
            run: run.map_or(u16::MAX, |(index, _)| u16::try_from(index).unwrap_or(u16::MAX)),
            kind: e.entitlement.kind,
            number: e.entitlement.number,
            partner: e.partner,
            standing: Standing::Instructed,
            settled: 0,
            returned: 0,
            recalled: false,
            paid: Said::default(),
            reference: 0,
        };
        add(&mut self.person.orders, order);
    }

    /// Rule 11.
    fn of_run(&mut self, e: &PayoutInstructed, run: &Run) {
        let worth = Some(e.amount.get());
        if run.approved.is() && self.record.occurred_at != run.approved_at {
            let (expected, found) = (run.approved_at, self.record.occurred_at);
            self.broken(Rule::NotAtApproval, &[&expected, &found], &[run.approved.at], None);
        }
        let Some(items) = &run.items else { return };
        match items.item(self.place, e.entitlement) {
            None => self.broken(Rule::NotPlanned, &[&e.entitlement], &[run.planned.at], worth),
            Some(item) if item.link != e.link => {
                let linked = |link| self.person.link_index(link).map_or(0, |index| self.person.links[index].linked.at);
                let (planned, paid) = (linked(item.link), linked(e.link));
                let behind = [run.planned.at, planned, paid];
                self.broken(Rule::OtherAccountThanPlanned, &[&e.entitlement], &behind, worth);
            }
            Some(_) => {}
        }
    }

    /// Rule 10.
    fn payable(&mut self, e: &PayoutInstructed, as_of: Date) {
        let (entitlement, worth) = (e.entitlement, Some(e.amount.get()));
        if self.amount(entitlement) == 0 {
            return self.broken(
                Rule::OverEntitlement,
                &[&entitlement, &"the scheme has no such entitlement"],
                &[],
                worth,
            );
        }
        let paid = self.person.orders_of(entitlement).find(|order| order.net_settled() > 0).map(|order| order.paid.at);
        let open = self.person.orders_of(entitlement).find(|order| order.standing.is_open());
        let open = open.map(|order| (order.at, order.standing));
        if let Some(paid) = paid.filter(|_| self.person.net_settled(entitlement) > 0) {
            let found = format!("paid at position {paid}");
            self.broken(Rule::OverEntitlement, &[&entitlement, &found], &[paid], worth);
        }
        if let Some((at, standing)) = open {
            let rule = if standing == Standing::InDoubt { Rule::InstructedInDoubt } else { Rule::InstructedInTransit };
            self.broken(rule, &[&entitlement, &at], &[at], worth);
        }
        if let Some(revoked) = self.person.revoked {
            let at = revoked.at;
            self.broken(Rule::PaymentAfterRevocation, &[&entitlement, &at], &[at], worth);
        }
        let closed = self.wave().closed;
        if closed.is() {
            self.broken(Rule::PaymentAfterWaveClosed, &[&entitlement, &closed.at], &[closed.at], worth);
        }
        if self.person.open_findings > 0 {
            let open = self.person.open_findings;
            self.broken(Rule::InstructedIneligible, &[&entitlement, &open], &[], worth);
        }
        let due = self.person.due(self.scheme(), entitlement);
        match due {
            None if self.person.unlocked().is_none() => {
                self.broken(Rule::PaymentBeforeCompletion, &[&entitlement], &[], worth);
                if self.counts.counts(self.said.on) {
                    self.counts.payments_early.add(self.said.at, Some(self.person.id), e.amount.get());
                }
            }
            None => self.broken(Rule::PaymentBeforeSurvey, &[&entitlement], &[], worth),
            Some(due) => {
                if due != e.due {
                    self.broken(Rule::WrongDueDate, &[&entitlement, &due, &e.due], &[], worth);
                }
                if due > as_of {
                    self.broken(Rule::InstructedBeforeDue, &[&entitlement, &due, &as_of], &[], worth);
                }
            }
        }
    }

    /// Into the account in force, which is not at fault (rules 8 and 10).
    fn account_of(&mut self, e: &PayoutInstructed, as_of: Option<Date>) {
        let Some(index) = self.person.link_index(e.link) else { return self.unknown("link", &e.link) };
        let link = self.person.links[index].clone();
        let (at, worth) = (link.linked.at, Some(e.amount.get()));
        if self.person.link.map(usize::from) != Some(index) {
            self.broken(Rule::AccountNotInForce, &[&"to one that was replaced or taken away"], &[at], worth);
        } else if as_of.is_some_and(|as_of| link.linked.on.date() > as_of) {
            let found = format!("linked on {}", link.linked.on.date());
            self.broken(Rule::AccountNotInForce, &[&found], &[at], worth);
        }
        if self.person.is_at_fault(&link) {
            let fault = self.person.fault.at;
            self.broken(Rule::AccountAtFault, &[&fault], &[fault, at], worth);
        }
        if link.partner != e.partner {
            self.broken(Rule::WrongPartner, &[&link.partner, &e.partner], &[at], worth);
        }
    }

    /// Amount, attempt and expiry (section 2).
    fn terms(&mut self, e: &PayoutInstructed) {
        let entitlement = e.entitlement;
        let amount = self.amount(entitlement);
        if amount != e.amount.get() && amount != 0 {
            let worth = Some((e.amount.get() - amount).abs());
            self.broken(Rule::WrongAmount, &[&entitlement, &amount, &e.amount], &[], worth);
        }
        let attempt = self.person.orders_of(entitlement).count() + 1;
        if attempt != usize::from(e.attempt) {
            self.broken(Rule::WrongAttempt, &[&attempt, &entitlement, &e.attempt], &[], None);
        }
        let expires = self.date().plus_days(self.scheme().instruction_expiry_days.into());
        if expires != e.expires_on {
            self.broken(Rule::WrongExpiry, &[&expires, &e.expires_on], &[], None);
        }
    }

    /// What became of an instruction (section 6).
    pub(super) fn outcome(&mut self, kind: OutcomeKind, e: &Outcome<'_>) {
        let Some(index) = self.person.order(e.instruction.0) else {
            return self.unknown("instruction", &e.instruction);
        };
        let order = self.person.orders[index].clone();
        let entitlement = order.entitlement();
        let amount = self.amount(entitlement);
        if amount != e.amount.get() {
            let worth = Some((e.amount.get() - amount).abs());
            self.broken(Rule::OutcomeAmount, &[&amount, &e.amount], &[order.at], worth);
        }
        self.not_before("instruction", order.instructed, order.at);
        if e.evidence == Evidence::Manual {
            self.four_eyes();
        }
        if e.evidence == Evidence::Expiry && self.said.on <= order.expires {
            let (expires, date) = (order.expires.date(), self.date());
            self.broken(Rule::ExpiredEarly, &[&expires, &date], &[order.at], None);
        }
        match kind {
            OutcomeKind::Settled => self.settle(index, &order, e, amount),
            OutcomeKind::Returned => self.give_back(index, &order, e, amount),
            OutcomeKind::Rejected => self.reject(index, &order, e, amount),
            OutcomeKind::Accepted => {
                if order.standing == Standing::Instructed {
                    self.stands(index, Standing::Accepted);
                } else {
                    self.transition("acceptance", &order);
                }
            }
            OutcomeKind::InDoubt => {
                if matches!(order.standing, Standing::Instructed | Standing::Accepted) {
                    self.stands(index, Standing::InDoubt);
                    self.of_partner(&order, amount, |partner| &mut partner.in_doubt);
                } else {
                    self.transition("doubt", &order);
                }
            }
        }
    }

    fn transition(&mut self, what: &str, order: &Order) {
        let standing = order.standing.name();
        self.broken(Rule::OutcomeTransition, &[&what, &standing], &[order.at, order.since.at], None);
    }

    fn stands(&mut self, index: usize, standing: Standing) {
        let order = &mut self.person.orders[index];
        (order.standing, order.since) = (standing, self.said);
    }

    fn of_partner(
        &mut self,
        order: &Order,
        amount: i64,
        tally: impl Fn(&mut super::tally::OfPartner) -> &mut super::tally::Tally,
    ) {
        if self.counts.counts(self.said.on) {
            tally(self.counts.partner(order.partner)).add(self.said.at, Some(self.person.id), amount);
        }
    }

    fn year_of(&self, order: &Order) -> i16 {
        let run = self.programme.runs.get(usize::from(order.run));
        run.map_or_else(|| order.instructed.date().year(), |run| run.plan.as_of.year())
    }

    /// Always recorded: the money moved (rule 13).
    fn settle(&mut self, index: usize, order: &Order, e: &Outcome<'_>, amount: i64) {
        let entitlement = order.entitlement();
        let reference = hash(&e.transaction_reference) as u32;
        if order.settled > 0 && order.reference == reference {
            return self.twice("settlement", order.paid.at);
        }
        let (claims, before) = (self.person.claims(entitlement), self.person.net_settled(entitlement));
        let from = match (order.standing.is_open(), claims) {
            (true, _) => Account::InTransit(order.partner),
            (false, 0) => self.incentive_home(),
            (false, _) => Account::Overpaid,
        };
        if !order.standing.is_open() {
            self.flow(self.year_of(order), amount);
        }
        self.moves(amount, from, Account::Received);
        self.area(|area| area.received += amount);
        self.of_partner(order, amount, |partner| &mut partner.settled);
        self.d9(order, entitlement, before, amount);
        if before <= 0 {
            self.lateness(order.due.date(), entitlement, amount);
        }
        let (said, order) = (self.said, &mut self.person.orders[index]);
        order.settled = order.settled.saturating_add(1);
        (order.standing, order.since, order.paid, order.reference) = (Standing::Settled, said, said, reference);
    }

    /// What needs a person though no rule is broken: the money moved where it should not have.
    fn d9(&mut self, order: &Order, entitlement: Entitlement, before: i32, amount: i64) {
        let (at, id, counted) = (self.said.at, self.person.id, self.counts.counts(self.said.on));
        let worth = ledger_core::Rupiah::new(amount);
        let notice = |rule, values: &[&dyn std::fmt::Display], behind: u64| {
            let finding = super::case::about(rule, self.record, values).worth(worth).with(order.at);
            if behind > 0 { finding.with(behind) } else { finding }
        };
        let (mut notices, mut tallies) = (Vec::new(), [false; 3]);
        if before > 0 {
            let paid = self.person.orders_of(entitlement).map(|order| order.paid.at).max().unwrap_or(0);
            notices.push(notice(Rule::SettledTwice, &[&entitlement, &paid], paid));
            tallies[0] = true;
        }
        if order.standing == Standing::Rejected {
            notices.push(notice(Rule::SettledAfterRejection, &[&order.since.at], order.since.at));
            tallies[1] = true;
        }
        if let Some(revoked) = self.person.revoked {
            notices.push(notice(Rule::SettledAfterRevocation, &[&revoked.at], revoked.at));
            tallies[2] = true;
        }
        if !counted {
            return;
        }
        notices.into_iter().for_each(|finding| self.counts.notice(finding));
        let of = [
            &mut self.counts.settled_twice,
            &mut self.counts.settled_after_rejection,
            &mut self.counts.settled_after_revocation,
        ];
        for (tally, _) in of.into_iter().zip(tallies).filter(|(_, is)| *is) {
            tally.add(at, Some(id), amount);
        }
    }

    /// D7.
    fn lateness(&mut self, due: Date, entitlement: Entitlement, amount: i64) {
        if !self.counts.counts(self.said.on) {
            return;
        }
        let days = self.date().days() - due.days();
        let class = LATENESS.iter().position(|bound| days < *bound).unwrap_or(LATENESS.len());
        let kind = if entitlement.kind == EntitlementKind::Training { 0 } else { 1 };
        self.counts.lateness[kind][class].add(self.said.at, Some(self.person.id), amount);
        self.counts.latest_days = self.counts.latest_days.max(days);
    }

    fn reject(&mut self, index: usize, order: &Order, e: &Outcome<'_>, amount: i64) {
        if !order.standing.is_open() {
            return self.transition("rejection", order);
        }
        if order.standing == Standing::InDoubt && e.evidence == Evidence::Partner {
            self.broken(Rule::DoubtEndedByPartner, &[], &[order.at, order.since.at], Some(amount));
        }
        let home = self.taken_back(order);
        self.moves(amount, Account::InTransit(order.partner), home);
        self.flow(self.year_of(order), -amount);
        self.of_partner(order, amount, |partner| &mut partner.rejected);
        self.stands(index, Standing::Rejected);
        self.fault(e);
    }

    fn give_back(&mut self, index: usize, order: &Order, e: &Outcome<'_>, amount: i64) {
        if !self.first(RareKind::Return, "return", hash(&(order.at, &e.transaction_reference))) {
            return;
        }
        if order.net_settled() <= 0 {
            let standing = order.standing.name();
            return self.broken(Rule::ReturnedWithoutSettlement, &[&standing], &[order.at], Some(amount));
        }
        let home = self.taken_back(order);
        self.moves(amount, Account::Received, home);
        self.area(|area| area.received -= amount);
        self.flow(self.year_of(order), -amount);
        self.of_partner(order, amount, |partner| &mut partner.returned);
        self.person.orders[index].returned = order.returned.saturating_add(1);
        if order.net_settled() == 1 {
            self.stands(index, Standing::Returned);
        }
        self.fault(e);
    }

    /// Money that is not paid after all mends an overpayment first (section 7).
    fn taken_back(&self, order: &Order) -> Account {
        if self.person.claims(order.entitlement()) > 1 { Account::Overpaid } else { self.incentive_home() }
    }

    fn fault(&mut self, e: &Outcome<'_>) {
        if e.account_fault {
            (self.person.fault, self.person.fault_reason) = (self.said, e.reason);
        }
    }

    pub(super) fn recall(&mut self, e: &InstructionRecalled) {
        let Some(index) = self.person.order(e.instruction.0) else {
            return self.unknown("instruction", &e.instruction);
        };
        let order = self.person.orders[index].clone();
        if order.recalled {
            return self.twice("recall", order.at);
        }
        self.not_before("instruction", order.instructed, order.at);
        self.person.orders[index].recalled = true;
    }

    /// D10: what a partner said that fits nothing.
    pub(super) fn exception(&mut self, e: &OutcomeException<'_>) {
        exception(self.counts, self.said, Some(self.person.id), e);
    }
}

/// Counts an exception, whoever it is about.
pub(super) fn exception(
    counts: &mut super::tally::Counts,
    said: Said,
    participant: Option<ledger_core::ids::ParticipantId>,
    e: &OutcomeException<'_>,
) {
    if counts.counts(said.on) {
        let amount = e.outcome.amount.get();
        counts.exceptions[usize::from(e.cause.number()) - 1].add(said.at, participant, amount);
        counts.partner(e.partner).exceptions.add(said.at, participant, amount);
    }
}

/// The outcome that an event is.
pub(super) fn outcome_of<'e, 'a>(event: &'e Event<'a>) -> Option<(OutcomeKind, &'e Outcome<'a>)> {
    match event {
        Event::PayoutAccepted(e) => Some((OutcomeKind::Accepted, &e.outcome)),
        Event::PayoutSettled(e) => Some((OutcomeKind::Settled, &e.outcome)),
        Event::PayoutRejected(e) => Some((OutcomeKind::Rejected, &e.outcome)),
        Event::PayoutReturned(e) => Some((OutcomeKind::Returned, &e.outcome)),
        Event::PayoutInDoubt(e) => Some((OutcomeKind::InDoubt, &e.outcome)),
        _ => None,
    }
}
