//! The postings of each event (DOMAIN section 7): they sum to zero, and each names whose money it is and what for.

use crate::account::Account;
use crate::event::{Event, Record};
use crate::fold::Named;
use crate::ids::{self, PurchaseId};
use crate::money::Rupiah;
use crate::scheme::Entitlement;
use crate::state::{EntitlementMoney, Instruction, Participant, Place, State};

/// What a posting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The training aid as a whole.
    Aid,
    /// One purchase.
    Purchase(PurchaseId),
    /// One entitlement.
    Entitlement(Entitlement),
    /// A repayment.
    Repayment,
    /// A closing, the sum over a whole wave: see [`closing`] for each participant's share.
    Wave(ids::Wave),
}

/// One side of a movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Whose money; `None` for a closing's sum over a wave.
    pub participant: Option<Place>,
    /// What it is about.
    pub item: Item,
    /// The account.
    pub account: Account,
    /// Rupiah: positive into the account, negative out of it.
    pub amount: Rupiah,
}

/// Gives the postings of `record` on the state before it. A record that names what is not there has none:
/// [`State::apply`] refuses it.
pub fn of(state: &State, record: &Record<'_>, sink: &mut impl FnMut(Posting)) {
    let place = record.participant.and_then(|id| state.place(id));
    let participant = place.and_then(|place| state.participants.get(place));
    let named = participant.map_or(Ok(Named::Nothing), |participant| Named::of(participant, &record.event));
    if let Ok(named) = named {
        of_named(state, record, place, &named, sink);
    }
}

/// The same where it is known whose record it is and what it names.
pub(crate) fn of_named(
    state: &State,
    record: &Record<'_>,
    place: Option<Place>,
    named: &Named,
    sink: &mut impl FnMut(Posting),
) {
    match &record.event {
        Event::WaveClosed(e) => {
            if let Some(wave) = state.wave(e.wave) {
                let of_wave = Whole { participant: None, item: Item::Wave(e.wave) };
                let amount = Rupiah::new(wave.committed);
                of_wave.moves(amount, Account::IncentivesCommitted, Account::TreasuryReturned, sink);
            }
        }
        Event::BalancePeriodClosed(e) => {
            for (number, wave) in state.waves().filter(|(_, wave)| wave.year == e.year) {
                let of_wave = Whole { participant: None, item: Item::Wave(number) };
                of_wave.moves(Rupiah::new(wave.training_balance), Account::TrainingBalance, Account::Lapsed, sink);
            }
        }
        Event::Selected(e) => {
            let Some(wave) = state.wave(e.wave) else { return };
            let Some((scheme, _)) = state.schemes.get(wave.scheme) else { return };
            // The participant takes the next place.
            let participant = Some(state.participants.len());
            let aid = Whole { participant, item: Item::Aid };
            aid.moves(scheme.training_aid, Account::Budget, Account::TrainingBalance, sink);
            for (entitlement, amount) in scheme.entitlements() {
                let incentive = Whole { participant, item: Item::Entitlement(entitlement) };
                incentive.moves(amount, Account::Budget, Account::IncentivesCommitted, sink);
            }
        }
        event => {
            if let Some((place, participant)) = place.and_then(|p| state.participants.get(p).map(|q| (p, q))) {
                Moves { state, place, participant }.of(event, named, sink);
            }
        }
    }
}

/// The share of one participant in a closing, on the state before it.
pub fn closing(state: &State, record: &Record<'_>, place: Place, sink: &mut impl FnMut(Posting)) {
    let Some(participant) = state.participants.get(place) else { return };
    let moves = Moves { state, place, participant };
    match &record.event {
        Event::WaveClosed(e) if e.wave == participant.wave && state.incentives_live(participant) => {
            moves.incentives_at_home(Account::IncentivesCommitted, Account::TreasuryReturned, sink);
        }
        Event::BalancePeriodClosed(e) if state.wave(participant.wave).is_some_and(|w| w.year == e.year) => {
            let amount = state.training_balance(participant);
            moves.whole(Item::Aid).moves(amount, Account::TrainingBalance, Account::Lapsed, sink);
        }
        _ => {}
    }
}

/// Whose money, and what for.
struct Whole {
    participant: Option<Place>,
    item: Item,
}

impl Whole {
    fn moves(&self, amount: Rupiah, from: Account, to: Account, sink: &mut impl FnMut(Posting)) {
        if amount == Rupiah::ZERO || from == to {
            return;
        }
        let &Self { participant, item } = self;
        sink(Posting { participant, item, account: from, amount: amount.negated() });
        sink(Posting { participant, item, account: to, amount });
    }
}

struct Moves<'s> {
    state: &'s State,
    place: Place,
    participant: &'s Participant,
}

impl Moves<'_> {
    const fn whole(&self, item: Item) -> Whole {
        Whole { participant: Some(self.place), item }
    }

    fn of(&self, event: &Event<'_>, named: &Named, sink: &mut impl FnMut(Posting)) {
        let (state, participant) = (self.state, self.participant);
        match event {
            Event::TrainingBought(e) => {
                let to = Account::PlatformUnearned(e.platform);
                self.whole(Item::Purchase(e.purchase)).moves(e.price, Account::TrainingBalance, to, sink);
            }
            Event::PurchaseCancelled(_) => {
                self.purchase(named, sink, |platform| {
                    (Account::PlatformUnearned(platform), state.training_home(participant))
                });
            }
            Event::TrainingCompleted(_) => {
                self.purchase(named, sink, |p| (Account::PlatformUnearned(p), Account::PlatformEarned(p)));
            }
            Event::CompletionWithdrawn(_) => {
                self.purchase(named, sink, |p| (Account::PlatformEarned(p), Account::PlatformUnearned(p)));
            }
            Event::MembershipRevoked(_) => {
                let amount = state.training_balance(participant);
                self.whole(Item::Aid).moves(amount, Account::TrainingBalance, Account::Forfeited, sink);
                if state.incentives_live(participant) {
                    self.incentives_at_home(Account::IncentivesCommitted, Account::TreasuryReturned, sink);
                }
            }
            Event::MembershipReinstated(_) => {
                // What was forfeited stays so once the balance period closed: it cannot be spent any more.
                if !state.period_closed(participant) {
                    let amount = Rupiah::new(participant.forfeited.into());
                    self.whole(Item::Aid).moves(amount, Account::Forfeited, Account::TrainingBalance, sink);
                }
                if state.wave(participant.wave).is_some_and(|wave| wave.closed.is_none()) {
                    self.incentives_at_home(Account::TreasuryReturned, Account::IncentivesCommitted, sink);
                }
            }
            Event::PayoutInstructed(e) => {
                let to = Account::InTransit(e.partner);
                self.whole(Item::Entitlement(e.entitlement)).moves(
                    e.amount,
                    state.incentive_home(participant),
                    to,
                    sink,
                );
            }
            Event::PayoutSettled(_) => self.payout(named, sink, |instruction, money| {
                let from = if instruction.is_open() {
                    Account::InTransit(instruction.partner)
                } else if money.at_home() {
                    state.incentive_home(participant)
                } else {
                    Account::Overpaid
                };
                (from, Account::Received)
            }),
            Event::PayoutRejected(_) => self.payout(named, sink, |instruction, money| {
                (Account::InTransit(instruction.partner), self.taken_back(money))
            }),
            Event::PayoutReturned(_) => {
                self.payout(named, sink, |_, money| (Account::Received, self.taken_back(money)));
            }
            Event::RepaymentReceived(e) => {
                self.whole(Item::Repayment).moves(e.amount, Account::Repaid, Account::Repayments, sink);
            }
            _ => {}
        }
    }

    fn purchase(
        &self,
        named: &Named,
        sink: &mut impl FnMut(Posting),
        accounts: impl Fn(crate::codes::Platform) -> (Account, Account),
    ) {
        let Named::Purchase(_, purchase) = named else { return };
        let (from, to) = accounts(purchase.platform);
        self.whole(Item::Purchase(purchase.id)).moves(Rupiah::new(purchase.price.into()), from, to, sink);
    }

    fn payout(
        &self,
        named: &Named,
        sink: &mut impl FnMut(Posting),
        accounts: impl Fn(&Instruction, EntitlementMoney) -> (Account, Account),
    ) {
        let Named::Instruction(_, instruction, money) = named else { return };
        let Some(scheme) = self.state.scheme_of(self.participant) else { return };
        let entitlement = instruction.entitlement();
        let Some(amount) = scheme.amount(entitlement) else { return };
        let (from, to) = accounts(instruction, *money);
        self.whole(Item::Entitlement(entitlement)).moves(amount, from, to, sink);
    }

    /// Where money goes that is not paid after all: it mends an overpayment first.
    fn taken_back(&self, money: EntitlementMoney) -> Account {
        if money.overpaid() > 0 { Account::Overpaid } else { self.state.incentive_home(self.participant) }
    }

    fn incentives_at_home(&self, from: Account, to: Account, sink: &mut impl FnMut(Posting)) {
        let Some(scheme) = self.state.scheme_of(self.participant) else { return };
        let instructions = self.participant.all_instructions();
        for (entitlement, amount) in scheme.entitlements() {
            if EntitlementMoney::among(&instructions, entitlement).at_home() {
                self.whole(Item::Entitlement(entitlement)).moves(amount, from, to, sink);
            }
        }
    }
}
