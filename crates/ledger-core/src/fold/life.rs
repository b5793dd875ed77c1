//! What an event does to its participant: money and status, and one entry of the life.

use super::Named;
use crate::codes::OutcomeKind;
use crate::event::{Event, TrainingBought};
use crate::state::{Fact, More, Participant, Status, Tag, day16, mark};

impl Participant {
    /// Each event adds one entry to the participant's life, whatever it is.
    pub(super) fn change(&mut self, event: &Event<'_>, named: &Named, fact: Fact, period_closed: bool) {
        let about = |tag| (tag, named.index(), More::Nothing);
        let mut entry = about(Tag::Other);
        match event {
            Event::PayoutAccountLinked(e) => entry = (Tag::Linked, e.partner.number(), More::Link(e.link.0)),
            Event::PayoutAccountUnlinked(_) => entry = about(Tag::Unlinked),
            Event::TrainingBought(e) => entry = self.buy(e),
            Event::PurchaseCancelled(_) => {
                self.cancel(named, period_closed);
                entry = about(Tag::Cancelled);
            }
            Event::TrainingCompleted(_) => entry = about(Tag::Completed),
            Event::CompletionWithdrawn(_) => entry = about(Tag::Withdrawn),
            Event::CertificateIssued(_) => entry = about(Tag::Certified),
            Event::TrainingReviewed(_) => entry = about(Tag::Reviewed),
            Event::SurveyFilled(e) => entry = (Tag::Survey, e.number, More::Nothing),
            Event::MembershipRevoked(e) => {
                self.status = Status::Revoked(e.ground);
                self.status_since = day16(fact.date());
                self.forfeited = self.forfeited.saturating_add(std::mem::take(&mut self.training_balance));
            }
            Event::MembershipReinstated(e) => {
                self.status = Status::Live;
                self.status_since = day16(fact.date());
                self.first_purchase_deadline = e.first_purchase_deadline.map_or(self.first_purchase_deadline, day16);
                if !period_closed {
                    self.training_balance = self.training_balance.saturating_add(std::mem::take(&mut self.forfeited));
                }
            }
            Event::IneligibilityFound(_) => self.open_findings = self.open_findings.saturating_add(1),
            Event::IneligibilityWithdrawn(_) => self.open_findings = self.open_findings.saturating_sub(1),
            Event::InstructionRecalled(_) => entry = about(Tag::Recalled),
            event => {
                if let Some((kind, outcome)) = event.as_outcome() {
                    entry = about(outcome_tag(kind, outcome.account_fault));
                    if kind == OutcomeKind::Settled {
                        entry.2 = More::Mark(mark(&outcome.transaction_reference));
                    }
                }
            }
        }
        let (tag, value, more) = entry;
        self.push(tag, value, fact, more);
    }

    fn buy(&mut self, e: &TrainingBought<'_>) -> (Tag, u8, More) {
        let price = u32::try_from(e.price.get()).unwrap_or(0);
        self.training_balance = self.training_balance.saturating_sub(price);
        (Tag::Bought, e.platform.number(), More::Purchase(e.purchase.0, price))
    }

    /// The price of a cancelled purchase goes home (DOMAIN section 7).
    const fn cancel(&mut self, named: &Named, period_closed: bool) {
        let Named::Purchase(_, purchase) = named else { return };
        let home = match (period_closed, self.status) {
            (true, _) => &mut self.lapsed,
            (false, Status::Live) => &mut self.training_balance,
            (false, Status::Revoked(_)) => &mut self.forfeited,
        };
        *home = home.saturating_add(purchase.price);
    }
}

const fn outcome_tag(kind: OutcomeKind, account_fault: bool) -> Tag {
    match (kind, account_fault) {
        (OutcomeKind::Accepted, _) => Tag::Accepted,
        (OutcomeKind::InDoubt, _) => Tag::InDoubt,
        (OutcomeKind::Settled, _) => Tag::Settled,
        (OutcomeKind::Rejected, false) => Tag::Rejected,
        (OutcomeKind::Rejected, true) => Tag::RejectedAtFault,
        (OutcomeKind::Returned, false) => Tag::Returned,
        (OutcomeKind::Returned, true) => Tag::ReturnedAtFault,
    }
}
