//! What happened to a participant: rules 3 to 9 and 12 of DOMAIN section 5, as an auditor checks them.

use ledger_core::account::Account;
use ledger_core::codes::Ground;
use ledger_core::event::{
    CompletionWithdrawn, Event, IneligibilityFound, IneligibilityWithdrawn, MembershipReinstated, MembershipRevoked,
    PayoutAccountLinked, RepaymentDemanded, RepaymentReceived, TrainingBought, TrainingReviewed,
};
use ledger_core::ids::{LinkId, PurchaseId};

use super::case::{Case, RareKind};
use super::part::hash;
use super::person::{Day, Link, Purchase, Said, add};
use crate::finding::Rule;

impl Case<'_> {
    /// A fact: everything but instructions and outcomes.
    pub(super) fn fact(&mut self) {
        self.may_still();
        self.not_before("selection", self.person.selected.on, self.person.selected.at);
        match &self.record.event {
            Event::PayoutAccountLinked(e) => self.link(e),
            Event::PayoutAccountUnlinked(e) => self.unlink(e.link),
            Event::TrainingBought(e) => self.buy(e),
            Event::PurchaseCancelled(e) => self.cancel(e.purchase),
            Event::TrainingCompleted(e) => self.complete(e.purchase),
            Event::CompletionWithdrawn(e) => self.withdraw(e),
            Event::CertificateIssued(e) => self.certify(e.purchase),
            Event::TrainingReviewed(e) => self.review(e),
            Event::SurveyFilled(e) => self.survey(e.number),
            Event::MembershipRevoked(e) => self.revoke(e),
            Event::MembershipReinstated(e) => self.reinstate(e),
            Event::IneligibilityFound(e) => self.find_ineligible(e),
            Event::IneligibilityWithdrawn(e) => self.withdraw_finding(e),
            Event::RepaymentDemanded(e) => self.demand(e),
            Event::RepaymentReceived(e) => self.repay(e),
            _ => {}
        }
    }

    /// Rule 4.
    fn may_still(&mut self) {
        let event = &self.record.event;
        let always = matches!(
            event,
            Event::IneligibilityFound(_)
                | Event::IneligibilityWithdrawn(_)
                | Event::RepaymentDemanded(_)
                | Event::RepaymentReceived(_)
        );
        if always {
            return;
        }
        let name = event.name();
        let though_revoked =
            matches!(event, Event::PurchaseCancelled(_) | Event::TrainingCompleted(_) | Event::MembershipReinstated(_));
        if let Some(revoked) = self.person.revoked.filter(|_| !though_revoked) {
            self.broken(Rule::AfterRevocation, &[&name, &revoked.at], &[revoked.at], None);
        }
        let closed = self.wave().closed;
        if closed.is() {
            self.broken(Rule::AfterWaveClosed, &[&name, &closed.at], &[closed.at], None);
        }
    }

    /// Rule 8.
    fn link(&mut self, e: &PayoutAccountLinked<'_>) {
        if let Some(earlier) = self.person.link_index(e.link) {
            return self.twice("link", self.person.links[earlier].linked.at);
        }
        if e.holder_identity_digest.0[..16] != self.person.identity {
            self.broken(Rule::AccountOfAnother, &[], &[self.person.selected.at], None);
        }
        add(&mut self.person.links, Link { id: e.link, partner: e.partner, linked: self.said, unlinked: false });
        self.person.link = u8::try_from(self.person.links.len() - 1).ok();
    }

    fn unlink(&mut self, link: LinkId) {
        let Some(index) = self.person.link_index(link) else { return self.unknown("link", &link) };
        let Link { linked, unlinked, .. } = self.person.links[index];
        if unlinked {
            return self.twice("unlinking", linked.at);
        }
        if self.person.link.map(usize::from) != Some(index) {
            self.broken(Rule::LinkNotInForce, &[], &[linked.at], None);
        } else {
            self.person.link = None;
        }
        self.person.links[index].unlinked = true;
        self.not_before("link", linked.on, linked.at);
    }

    /// Rule 5.
    fn buy(&mut self, e: &TrainingBought<'_>) {
        if let Some(earlier) = self.person.purchase(e.purchase) {
            return self.twice("purchase", self.person.purchases[earlier].bought.at);
        }
        let (date, price) = (self.date(), e.price.get());
        let (last_day, year) = (self.wave().last_day, self.wave().year);
        let period = self.programme.period(year);
        let balance = self.person.balance;
        if price <= 0 || price > balance && period.is_none() {
            self.broken(Rule::PurchaseOverBalance, &[&balance, &price], &[], Some(price.max(balance) - balance));
        }
        let open = self.person.purchases.iter().find(|purchase| purchase.is_open()).map(|purchase| purchase.bought.at);
        if let Some(open) = open {
            self.broken(Rule::SecondOpenPurchase, &[&open], &[open], Some(price));
        }
        if date > last_day {
            self.broken(Rule::PurchaseAfterLastDay, &[&last_day, &date], &[], Some(price));
        }
        if let Some(period) = period {
            self.broken(Rule::PurchaseAfterPeriod, &[&period.at], &[period.at], Some(price));
        }
        if self.person.purchases.is_empty() {
            let person = &self.person;
            let deadline = self.programme.first_deadline(person.wave, person.selected.on, person.first_deadline);
            if date > deadline {
                let selected = self.person.selected.at;
                self.broken(Rule::FirstPurchaseLate, &[&deadline, &date], &[selected], Some(price));
            }
            self.area(|area| area.bought += 1);
        }
        let purchase = Purchase {
            id: e.purchase,
            price: u32::try_from(price).unwrap_or(0),
            platform: e.platform,
            withdrawn: false,
            bought: self.said,
            completed: Said::default(),
            cancelled: Said::default(),
            certified: Day::default(),
            has_certificate: false,
            reviewed: Day::default(),
            has_review: false,
        };
        self.person.balance -= i64::from(purchase.price);
        self.moves(purchase.price.into(), Account::TrainingBalance, Account::PlatformUnearned(e.platform));
        self.area(|area| area.spent += price);
        self.flow(date.year(), price);
        add(&mut self.person.purchases, purchase);
    }

    /// A purchase by its id; what it names must be there.
    fn purchase(&mut self, id: PurchaseId) -> Option<(usize, Purchase)> {
        let Some(index) = self.person.purchase(id) else {
            self.unknown("purchase", &id);
            return None;
        };
        Some((index, self.person.purchases[index].clone()))
    }

    /// Rule 6: what is cancelled or completed is done with. Says whether it may go on.
    fn still_open(&mut self, purchase: &Purchase, same: &str) -> bool {
        let name = self.record.event.name();
        let (cancelled, completed) = (purchase.cancelled.at, purchase.completed.at);
        if purchase.is_cancelled() {
            if same == "cancellation" {
                self.twice(same, cancelled);
            } else {
                self.broken(
                    Rule::PurchaseWasCancelled,
                    &[&name, &cancelled],
                    &[cancelled],
                    Some(purchase.price.into()),
                );
            }
            return false;
        }
        if same == "completion" && purchase.completed.is() {
            self.twice(same, completed);
            return false;
        }
        if purchase.is_completed() {
            self.broken(Rule::PurchaseWasCompleted, &[&name, &completed], &[completed], Some(purchase.price.into()));
            return false;
        }
        self.not_before("purchase", purchase.bought.on, purchase.bought.at);
        if purchase.completed.is() {
            self.not_before("completion", purchase.completed.on, completed);
        }
        true
    }

    fn cancel(&mut self, id: PurchaseId) {
        let Some((index, purchase)) = self.purchase(id) else { return };
        if !self.still_open(&purchase, "cancellation") {
            return;
        }
        let (price, year) = (i64::from(purchase.price), self.wave().year);
        let home = if self.programme.period(year).is_some() {
            Account::Lapsed
        } else if self.person.revoked.is_some() {
            self.person.forfeited += price;
            Account::Forfeited
        } else {
            self.person.balance += price;
            Account::TrainingBalance
        };
        self.person.purchases[index].cancelled = self.said;
        self.moves(price, Account::PlatformUnearned(purchase.platform), home);
        self.area(|area| area.spent -= price);
        self.flow(purchase.bought.on.date().year(), -price);
    }

    fn complete(&mut self, id: PurchaseId) {
        let Some((index, purchase)) = self.purchase(id) else { return };
        if !self.still_open(&purchase, "completion") {
            return;
        }
        let first = !self.person.purchases.iter().any(|purchase| purchase.completed.is());
        self.person.purchases[index].completed = self.said;
        let platform = purchase.platform;
        self.moves(purchase.price.into(), Account::PlatformUnearned(platform), Account::PlatformEarned(platform));
        if first {
            self.area(|area| area.completed += 1);
        }
    }

    fn withdraw(&mut self, e: &CompletionWithdrawn<'_>) {
        self.four_eyes();
        if !self.first(RareKind::Withdrawal, "case", hash(&e.case)) {
            return;
        }
        let Some((index, purchase)) = self.purchase(e.purchase) else { return };
        if !purchase.is_completed() || purchase.is_cancelled() {
            return self.broken(Rule::WithdrawalWithoutCompletion, &[], &[purchase.bought.at], None);
        }
        self.not_before("completion", purchase.completed.on, purchase.completed.at);
        self.person.purchases[index].withdrawn = true;
        let platform = purchase.platform;
        self.moves(purchase.price.into(), Account::PlatformEarned(platform), Account::PlatformUnearned(platform));
    }

    fn certify(&mut self, id: PurchaseId) {
        let Some((index, purchase)) = self.purchase(id) else { return };
        if purchase.has_certificate {
            return self.twice("certificate", purchase.completed.at);
        }
        if !self.after_completion(&purchase, Rule::CertificateBeforeCompletion) {
            let (at, on, participant) = (self.said.at, self.said.on, self.person.id);
            if self.counts.counts(on) {
                self.counts.certificates_early.add(at, Some(participant), purchase.price.into());
            }
        }
        let was = self.person.unlocked();
        (self.person.purchases[index].certified, self.person.purchases[index].has_certificate) = (self.said.on, true);
        self.unlocked(was);
    }

    fn review(&mut self, e: &TrainingReviewed) {
        let Some((index, purchase)) = self.purchase(e.purchase) else { return };
        if purchase.has_review {
            return self.twice("review", purchase.completed.at);
        }
        self.after_completion(&purchase, Rule::ReviewBeforeCompletion);
        let was = self.person.unlocked();
        (self.person.purchases[index].reviewed, self.person.purchases[index].has_review) = (self.said.on, true);
        self.unlocked(was);
    }

    fn unlocked(&mut self, was: Option<Day>) {
        if was.is_none() && self.person.unlocked().is_some() {
            self.area(|area| area.unlocked += 1);
        }
    }

    /// Rule 6: says whether it came after the completion.
    fn after_completion(&mut self, purchase: &Purchase, rule: Rule) -> bool {
        let name = self.record.event.name();
        if purchase.is_cancelled() {
            let cancelled = purchase.cancelled.at;
            self.broken(Rule::PurchaseWasCancelled, &[&name, &cancelled], &[cancelled], Some(purchase.price.into()));
            return true;
        }
        let date = self.date();
        let found = if !purchase.is_completed() {
            "the training is not completed".to_owned()
        } else if date < purchase.completed.on.date() {
            format!("dated {date}, completed {}", purchase.completed.on.date())
        } else {
            return true;
        };
        self.broken(rule, &[&found], &[purchase.bought.at, purchase.completed.at], None);
        false
    }

    /// Rule 7.
    fn survey(&mut self, number: u8) {
        let surveys = self.scheme().survey_incentives.len();
        let index = usize::from(number).wrapping_sub(1);
        if index >= surveys {
            return self.unknown("survey", &number);
        }
        if let Some(earlier) = self.person.survey(number) {
            return self.twice("survey", earlier.at);
        }
        if number > 1 {
            match self.person.survey(number - 1) {
                None => self.broken(Rule::SurveyOutOfOrder, &[&(number - 1), &number], &[], None),
                Some(before) => self.not_before("survey before", before.on, before.at),
            }
        }
        match self.person.unlocked() {
            None => self.broken(Rule::SurveyWithoutUnlock, &[&number], &[], None),
            Some(unlocked) => {
                let days = self.scheme().survey_opening_days.get(index).copied().unwrap_or(0);
                let opens = unlocked.date().plus_days(days.into());
                let date = self.date();
                if date < opens {
                    self.broken(Rule::SurveyBeforeOpening, &[&number, &opens, &date], &[], None);
                }
            }
        }
        while self.person.surveys.len() <= index {
            add(&mut self.person.surveys, Said::default());
        }
        self.person.surveys[index] = self.said;
    }

    /// Rule 12.
    fn revoke(&mut self, e: &MembershipRevoked) {
        if !self.first(RareKind::Revocation, "case", hash(&e.case)) {
            return;
        }
        let date = self.date();
        let person = &self.person;
        let missed = match e.ground {
            Ground::NoFirstPurchase => {
                let deadline = self.programme.first_deadline(person.wave, person.selected.on, person.first_deadline);
                let bought = person.purchases.first().map(|purchase| purchase.bought.at);
                Some((deadline, bought, "bought"))
            }
            Ground::TrainingNotCompleted => {
                let completed = person.first_completed().map(|purchase| purchase.completed.at);
                Some((self.wave().complete_by, completed, "completed"))
            }
            _ => None,
        };
        match missed {
            Some((_, Some(done), what)) => {
                let found = format!("something was {what} at position {done}");
                self.broken(Rule::RevokedWithoutGround, &[&e.ground, &found], &[done], None);
            }
            Some((deadline, None, _)) if deadline >= date => {
                let found = format!("{date}, and the deadline is {deadline}");
                self.broken(Rule::RevokedWithoutGround, &[&e.ground, &found], &[], None);
            }
            _ => {}
        }
        if self.person.reinstated > Day::default() {
            self.not_before("reinstatement", self.person.reinstated, 0);
        }
        if self.person.revoked.is_some() {
            return;
        }
        let (balance, incentives) = (std::mem::take(&mut self.person.balance), self.at_home());
        self.moves(balance, Account::TrainingBalance, Account::Forfeited);
        if self.incentive_home() == Account::IncentivesCommitted {
            self.moves(incentives, Account::IncentivesCommitted, Account::TreasuryReturned);
        }
        self.person.forfeited += balance;
        self.person.revoked = Some(self.said);
        self.area(|area| area.revoked += 1);
        if self.counts.counts(self.said.on) {
            let ground = usize::from(e.ground.number()) - 1;
            self.counts.grounds[ground].add(self.said.at, Some(self.person.id), balance + incentives);
        }
    }

    /// Rule 12.
    fn reinstate(&mut self, e: &MembershipReinstated<'_>) {
        self.four_eyes();
        if !self.first(RareKind::Reinstatement, "case", hash(&e.case)) {
            return;
        }
        let Some(revoked) = self.person.revoked else { return self.broken(Rule::ReinstatedLive, &[], &[], None) };
        let last_day = self.wave().last_day;
        match e.first_purchase_deadline {
            None if self.person.purchases.is_empty() => {
                self.broken(Rule::ReinstatementDeadline, &[&last_day, &"none"], &[revoked.at], None);
            }
            Some(deadline) if deadline > last_day => {
                self.broken(Rule::ReinstatementDeadline, &[&last_day, &deadline], &[revoked.at], None);
            }
            _ => {}
        }
        self.not_before("revocation", revoked.on, revoked.at);
        let year = self.wave().year;
        if self.programme.period(year).is_none() {
            let forfeited = std::mem::take(&mut self.person.forfeited);
            self.person.balance += forfeited;
            self.moves(forfeited, Account::Forfeited, Account::TrainingBalance);
        }
        if !self.wave().closed.is() {
            let incentives = self.at_home();
            self.moves(incentives, Account::TreasuryReturned, Account::IncentivesCommitted);
        }
        self.person.revoked = None;
        self.person.reinstated = self.said.on;
        self.person.first_deadline = e.first_purchase_deadline.map_or(self.person.first_deadline, |d| Some(d.into()));
        self.area(|area| area.revoked -= 1);
    }

    fn find_ineligible(&mut self, e: &IneligibilityFound<'_>) {
        if self.first(RareKind::Found, "finding", hash(&(&e.source, &e.case_number))) {
            self.person.open_findings = self.person.open_findings.saturating_add(1);
            self.person.ever_found = true;
        }
    }

    fn withdraw_finding(&mut self, e: &IneligibilityWithdrawn<'_>) {
        let id = hash(&(&e.source, &e.case_number));
        let Some(found) = self.rare.get(&(RareKind::Found, self.place, id)).copied() else {
            return self.unknown("ineligibility finding", &e.case_number);
        };
        if self.first(RareKind::FindingWithdrawn, "withdrawal of a finding", id) {
            self.not_before("finding", found.on, found.at);
            self.person.open_findings = self.person.open_findings.saturating_sub(1);
        }
    }

    fn demand(&mut self, e: &RepaymentDemanded) {
        if self.first(RareKind::Demand, "demand", hash(&e.demand)) && self.counts.counts(self.said.on) {
            self.counts.demanded.add(self.said.at, Some(self.person.id), e.amount.get());
        }
    }

    fn repay(&mut self, e: &RepaymentReceived<'_>) {
        match self.rare.get(&(RareKind::Demand, self.place, hash(&e.demand))).copied() {
            None => self.unknown("demand", &e.demand),
            Some(demand) => self.not_before("demand", demand.on, demand.at),
        }
        self.moves(e.amount.get(), Account::Repaid, Account::Repayments);
        if self.counts.counts(self.said.on) {
            self.counts.repaid.add(self.said.at, Some(self.person.id), e.amount.get());
        }
    }
}
