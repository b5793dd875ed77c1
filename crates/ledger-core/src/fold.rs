//! The fold: what each record does to the state. Total and without rules: what [`crate::decide`] let through is applied,
//! whatever it is; a record that names what is not there is an error, never a panic.

mod life;
mod named;

use crate::account::Account;
use crate::event::{Event, Outcome, OutcomeException, PayoutInstructed, Record, Selected, WaveOpened};
use crate::ids::{self, Position};
use crate::money::Rupiah;
use crate::postings::{self, Posting};
use crate::state::{
    ExceptionEntry, ExceptionKey, Fact, FactKind, Identity, More, Order, Participant, Place, RareKey, RareKind, Run,
    State, Tag, Wave, day16, hash_of, identity_of, instructed,
};
use crate::time::Timestamp;

pub(crate) use named::Named;

/// A record that cannot follow the records before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Not the next position.
    #[error("position {found} where {expected} was expected")]
    Position {
        /// The next position.
        expected: u64,
        /// The record's.
        found: u64,
    },
    /// The back-pointer is not the previous record of the participant, or of the programme.
    #[error("previous position {found:?} where {expected:?} was expected")]
    Previous {
        /// The last record's position.
        expected: Option<u64>,
        /// The record's back-pointer.
        found: Option<u64>,
    },
    /// `recorded_at` went back.
    #[error("recorded_at goes back")]
    RecordedAt,
    /// It names something that no record before it brought.
    #[error("names an unknown {0}")]
    Unknown(&'static str),
    /// It brings something that was there before.
    #[error("brings a second {0}")]
    Second(&'static str),
    /// A bound of the state is reached.
    #[error("too many of one kind")]
    Full,
}

/// The last position that the state's dense counters hold: a million million records.
const LAST_POSITION: u64 = (1 << 40) - 1;

/// The most purchases, links or instructions one participant may have.
pub const MOST_OF_A_KIND: usize = 250;

impl State {
    /// Applies the next record and gives its postings to `sink`, a closing's as sums over waves.
    ///
    /// # Errors
    ///
    /// The record cannot follow; the state is as before.
    pub fn apply(&mut self, record: &Record<'_>, sink: &mut dyn FnMut(Posting)) -> Result<(), FoldError> {
        self.apply_foreseen(record, None, sink)
    }

    /// The same, where [`Self::foresee`] said where the participant probably stands. No guess is trusted.
    ///
    /// # Errors
    ///
    /// The record cannot follow; the state is as before.
    pub fn apply_foreseen(
        &mut self,
        record: &Record<'_>,
        guess: Option<Place>,
        sink: &mut dyn FnMut(Posting),
    ) -> Result<(), FoldError> {
        if record.position != self.size {
            return Err(FoldError::Position { expected: self.size, found: record.position });
        }
        self.apply_of_part(record, guess, sink)
    }

    /// Applies a record of a part of the log that has whole chains of participants, and the programme's: positions may have
    /// gaps, back-pointers may not. `guess` is as in [`Self::apply_foreseen`].
    ///
    /// # Errors
    ///
    /// The record cannot follow; the state is as before.
    pub fn apply_of_part(
        &mut self,
        record: &Record<'_>,
        guess: Option<Place>,
        sink: &mut dyn FnMut(Posting),
    ) -> Result<(), FoldError> {
        if record.position < self.size || record.position > LAST_POSITION {
            return Err(FoldError::Position { expected: self.size, found: record.position });
        }
        if self.last_recorded_at.is_some_and(|last| record.recorded_at < last) {
            return Err(FoldError::RecordedAt);
        }
        let place = record.participant.and_then(|id| self.place_near(guess, id));
        let last = match record.participant {
            None => self.last_programme_position,
            Some(_) => place.and_then(|p| self.participants.get(p)).map(Participant::last_position),
        };
        if record.previous != last {
            return Err(FoldError::Previous { expected: last, found: record.previous });
        }
        self.apply_at(place, record, sink)?;
        self.size = record.position + 1;
        Ok(())
    }

    /// Applies a record of a subset of the log, such as one participant's chain and the programme's events: positions
    /// may have gaps, and back-pointers are not looked at.
    ///
    /// # Errors
    ///
    /// The record cannot follow; the state is as before.
    pub fn apply_of_subset(&mut self, record: &Record<'_>, sink: &mut dyn FnMut(Posting)) -> Result<(), FoldError> {
        if record.position < self.size || record.position > LAST_POSITION {
            return Err(FoldError::Position { expected: self.size, found: record.position });
        }
        let place = record.participant.and_then(|id| self.place(id));
        self.apply_at(place, record, sink)?;
        self.size = record.position + 1;
        Ok(())
    }

    fn apply_at(
        &mut self,
        place: Option<Place>,
        record: &Record<'_>,
        sink: &mut dyn FnMut(Posting),
    ) -> Result<(), FoldError> {
        if record.participant.is_some() && place.is_none() && !matches!(record.event, Event::Selected(_)) {
            return Err(FoldError::Unknown("participant"));
        }
        let named = self.check(record, place)?;

        // Postings are those of the state before.
        let funds = funds_change(self, record, place, &named);
        let mut post = std::mem::take(&mut self.post);
        post.clear();
        postings::of_named(self, record, place, &named, &mut |posting| {
            post.push(posting);
            sink(posting);
        });
        let changed = self.change(record, place, &named);
        if changed.is_ok() {
            post.iter().for_each(|posting| self.post(*posting));
        }
        self.post = post;
        changed?;
        if let Some((year, amount)) = funds {
            let entry = self.years.of(year);
            entry.used = Rupiah::new(entry.used.get().saturating_add(amount));
            entry.funds_since = record.position + 1;
        }
        self.last_recorded_at = Some(record.recorded_at);
        if record.participant.is_none() {
            self.last_programme_position = Some(record.position);
        }
        Ok(())
    }

    fn post(&mut self, posting: Posting) {
        self.totals.add(posting.account, posting.amount);
        let wave = match posting.item {
            postings::Item::Wave(wave) => Some(wave),
            _ => posting.participant.and_then(|p| self.participants.get(p)).map(|p| p.wave),
        };
        if let Some(wave) = wave.and_then(|wave| self.waves.get_mut(wave)) {
            let share = match posting.account {
                Account::TrainingBalance => &mut wave.training_balance,
                Account::IncentivesCommitted => &mut wave.committed,
                _ => return,
            };
            *share = share.saturating_add(posting.amount.get());
        }
    }

    /// What the record names, where all of it is there: after this, nothing can fail.
    fn check(&self, record: &Record<'_>, place: Option<Place>) -> Result<Named, FoldError> {
        let participant = place.and_then(|p| self.participants.get(p));
        let known = |is: bool, what| if is { Ok(Named::Nothing) } else { Err(FoldError::Unknown(what)) };
        let first = |is: bool, what| if is { Ok(Named::Nothing) } else { Err(FoldError::Second(what)) };
        let room = |is: bool| if is { Ok(Named::Nothing) } else { Err(FoldError::Full) };
        match &record.event {
            Event::Selected(e) => {
                known(record.participant.is_some(), "participant")?;
                first(place.is_none(), "selection")?;
                known(self.waves.get(e.wave).is_some(), "wave")
            }
            Event::SchemeEnacted(e) => first(self.scheme(&e.scheme.scheme).is_none(), "scheme"),
            Event::WaveOpened(e) => {
                first(self.waves.get(e.wave).is_none(), "opening of the wave")?;
                known(self.scheme(&e.scheme).is_some(), "scheme")
            }
            Event::WaveClosed(e) => {
                let wave = self.waves.get(e.wave).ok_or(FoldError::Unknown("wave"))?;
                first(wave.closed.is_none(), "closing of the wave")
            }
            Event::BalancePeriodClosed(e) => first(self.year(e.year).closed.is_none(), "closing of the period"),
            Event::DisbursementRunPlanned(e) => {
                first(self.run(e.run).is_none(), "plan of the run")?;
                room(self.runs.len() < usize::from(u16::MAX))
            }
            Event::DisbursementRunApproved(e) => known(self.run(e.run).is_some(), "run"),
            Event::DisbursementRunClosed(e) => known(self.run(e.run).is_some(), "run"),
            Event::FundsAppropriated(_)
            | Event::StatementReconciled(_)
            | Event::ExceptionResolved(_)
            | Event::OutcomeException(_) => Ok(Named::Nothing),
            event => {
                let participant = participant.ok_or(FoldError::Unknown("participant"))?;
                let has_room = |kind| participant.has_fewer(kind, MOST_OF_A_KIND);
                match event {
                    Event::PayoutAccountLinked(e) => {
                        first(participant.link_index(e.link).is_none(), "link")?;
                        room(has_room(FactKind::Linked))
                    }
                    Event::TrainingBought(e) => {
                        first(participant.purchase_index(e.purchase).is_none(), "purchase")?;
                        room(has_room(FactKind::Bought))
                    }
                    Event::PayoutInstructed(e) => {
                        let named = Named::of(participant, event)?;
                        known(self.run(e.run).is_some(), "run")?;
                        room(has_room(FactKind::Instructed))?;
                        Ok(named)
                    }
                    event => Named::of(participant, event),
                }
            }
        }
    }

    fn change(&mut self, record: &Record<'_>, place: Option<Place>, named: &Named) -> Result<(), FoldError> {
        let date = record.occurred_at.wib_date();
        let fact = Fact::new(record.position, date);
        match &record.event {
            Event::Selected(e) => return self.select(record, e, fact),
            Event::SchemeEnacted(e) => self.schemes.push((e.scheme.clone().into_owned(), fact)),
            Event::WaveOpened(e) => return self.open_wave(e, fact),
            Event::WaveClosed(e) => {
                if let Some(wave) = self.waves.get_mut(e.wave) {
                    wave.closed = Some(fact);
                }
            }
            Event::FundsAppropriated(e) => {
                let year = self.years.of(e.fiscal_year);
                year.appropriated = Rupiah::new(year.appropriated.get().saturating_add(e.amount.get()));
                year.funds_since = record.position + 1;
                self.add_rare(RareKind::Funds, None, identity_of(&e.document_number), fact);
            }
            Event::BalancePeriodClosed(e) => self.years.of(e.year).closed = Some(fact),
            Event::DisbursementRunPlanned(e) => {
                let mut planned_items = crate::event::Total::default();
                for entry in &e.totals {
                    planned_items.count = planned_items.count.saturating_add(entry.total.count);
                    planned_items.amount =
                        planned_items.amount.checked_add(entry.total.amount).unwrap_or(planned_items.amount);
                }
                self.runs.push(Run {
                    id: e.run,
                    as_of: e.as_of,
                    known_at: e.known_at,
                    items_digest: e.items_digest,
                    planned_items,
                    planned_by: record.actor.clone().into_owned(),
                    planned: fact,
                    approved: None,
                    approved_at: record.occurred_at,
                    closed: None,
                    instructed: crate::event::Total::default(),
                    held: crate::event::Total::default(),
                    last_instructed: None,
                });
            }
            Event::DisbursementRunApproved(e) => {
                if let Some(run) = self.run_mut(e.run) {
                    run.approved = Some(fact);
                    run.approved_at = record.occurred_at;
                }
            }
            Event::DisbursementRunClosed(e) => {
                if let Some(run) = self.run_mut(e.run) {
                    run.closed = Some(fact);
                    run.held = e.held;
                }
            }
            Event::StatementReconciled(e) => {
                self.add_rare(RareKind::Statement, None, identity_of(&(e.partner, e.file_digest)), fact);
            }
            Event::OutcomeException(e) => {
                let key = ExceptionKey::of(e);
                let content = exception_content(e, record.occurred_at);
                self.exceptions.entry(key).or_insert(ExceptionEntry { recorded: fact, content, resolved: None });
            }
            Event::ExceptionResolved(e) => {
                let key = exception_key(e.partner, &e.transaction_reference, &e.transaction_reference, e.kind);
                if let Some(entry) = self.exceptions.get_mut(&key) {
                    entry.resolved.get_or_insert(fact);
                }
            }
            _ => {
                let Some(place) = place else { return Err(FoldError::Unknown("participant")) };
                self.change_participant(record, place, named, fact);
                return Ok(());
            }
        }
        // What only concerns a participant, such as an exception, is a record of its chain all the same.
        if let Some(participant) = place.and_then(|place| self.participants.get_mut(place)) {
            participant.push(Tag::Other, 0, fact, More::Nothing);
        }
        Ok(())
    }

    fn run_mut(&mut self, id: ids::RunId) -> Option<&mut Run> {
        self.runs.iter_mut().rfind(|run| run.id == id)
    }

    fn add_rare(&mut self, kind: RareKind, participant: Option<Place>, id: u128, fact: Fact) {
        self.rare.entry(RareKey::new(kind, participant, id)).or_insert(fact);
    }

    fn select(&mut self, record: &Record<'_>, e: &Selected<'_>, fact: Fact) -> Result<(), FoldError> {
        let Some(id) = record.participant else { return Err(FoldError::Unknown("participant")) };
        let participant = Participant::selected(id, e, fact);
        let identity = participant.identity.key();
        let place = self.participants.push(participant).ok_or(FoldError::Full)?;
        self.by_id.insert(hash_of(&id), place);
        self.by_identity.insert(identity, place);
        self.families.add_one(Identity::of(&e.family_card_digest).key());
        if let Some(wave) = self.waves.get_mut(e.wave) {
            wave.selected = wave.selected.saturating_add(1);
            let aid = self.schemes.get(wave.scheme).map_or(Rupiah::ZERO, |(scheme, _)| scheme.training_aid);
            if let Some(participant) = self.participants.get_mut(place) {
                participant.training_balance = u32::try_from(aid.get()).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }

    fn open_wave(&mut self, e: &WaveOpened<'_>, fact: Fact) -> Result<(), FoldError> {
        let found = self.schemes.iter().position(|(scheme, _)| scheme.scheme == e.scheme);
        let scheme = found.ok_or(FoldError::Unknown("scheme"))?;
        let rules = &self.schemes[scheme].0;
        let day = |month_day: crate::scheme::MonthDay| month_day.in_year(e.year).ok_or(FoldError::Unknown("day"));
        let wave = Wave {
            scheme,
            year: e.year,
            quota: e.quota,
            selected: 0,
            balance_last_day: day(rules.balance_last_day)?,
            complete_by: day(rules.complete_by)?,
            opened: fact,
            closed: None,
            training_balance: 0,
            committed: 0,
        };
        self.waves.set(e.wave, wave);
        Ok(())
    }

    fn change_participant(&mut self, record: &Record<'_>, place: Place, named: &Named, fact: Fact) {
        let period_closed = self.participants.get(place).is_some_and(|p| self.period_closed(p));
        match &record.event {
            Event::PayoutInstructed(e) => return self.instruct(record, e, place, named, fact),
            Event::TrainingBought(e) => self.by_purchase.insert(hash_of(&e.purchase), place),
            Event::PayoutAccountLinked(e) => self.by_link.insert(hash_of(&e.link), place),
            Event::CompletionWithdrawn(e) => {
                self.add_rare(RareKind::Withdrawn, Some(place), identity_of(&e.case), fact);
            }
            Event::MembershipRevoked(e) => self.add_rare(RareKind::Revoked, Some(place), identity_of(&e.case), fact),
            Event::MembershipReinstated(e) => {
                self.add_rare(RareKind::Reinstated, Some(place), identity_of(&e.case), fact);
            }
            Event::IneligibilityFound(e) => {
                let id = identity_of(&(&e.source, &e.case_number));
                self.add_rare(RareKind::Found, Some(place), id, fact);
            }
            Event::IneligibilityWithdrawn(e) => {
                let id = identity_of(&(&e.source, &e.case_number));
                self.add_rare(RareKind::FindingWithdrawn, Some(place), id, fact);
            }
            Event::RepaymentDemanded(e) => {
                self.add_rare(RareKind::Demand, Some(place), identity_of(&e.demand), fact);
            }
            Event::RepaymentReceived(e) => {
                let id = identity_of(&e.receipt_number);
                self.add_rare(RareKind::Receipt, None, id, fact);
                self.add_rare(RareKind::Receipt, Some(place), id, fact);
                let repaid = self.repaid.entry(place).or_default();
                *repaid = repaid.checked_add(e.amount).unwrap_or(*repaid);
            }
            Event::PayoutReturned(e) => {
                let id = identity_of(&(e.outcome.instruction, &e.outcome.transaction_reference));
                self.add_rare(RareKind::Returned, Some(place), id, fact);
            }
            _ => {}
        }
        let Some(participant) = self.participants.get_mut(place) else { return };
        if period_closed {
            participant.lapsed = participant.lapsed.saturating_add(std::mem::take(&mut participant.training_balance));
        }
        participant.change(&record.event, named, fact, period_closed);
    }

    fn instruct(&mut self, record: &Record<'_>, e: &PayoutInstructed, place: Place, named: &Named, fact: Fact) {
        let number = match self.run(e.run) {
            Some((number, _)) => number,
            None => return,
        };
        if let Some(run) = self.runs.get_mut(usize::from(number)) {
            run.instructed.add(e.amount);
            run.last_instructed = record.participant.map(|id| (e.due, id, e.entitlement));
        }
        self.instructions[usize::from(e.partner.number()) - 1].push(record.position, place);
        let Some(participant) = self.participants.get_mut(place) else { return };
        let Named::Index(link) = *named else { return };
        let order = Order {
            attempt: e.attempt,
            link,
            partner: e.partner.number(),
            run: number,
            due: day16(e.due),
            expires_on: day16(e.expires_on),
        };
        participant.push(instructed(e.entitlement.kind), e.entitlement.number, fact, More::Order(order));
    }
}

/// The key of an exception; one without a transaction reference goes by its instruction reference.
pub(crate) fn exception_key(
    partner: crate::codes::Partner,
    transaction_reference: &str,
    instruction: &str,
    kind: crate::codes::OutcomeKind,
) -> ExceptionKey {
    let reference = if transaction_reference.is_empty() { instruction } else { transaction_reference };
    ExceptionKey { partner, reference: reference.to_owned(), kind }
}

impl ExceptionKey {
    /// The identity of a recorded exception.
    #[must_use]
    pub fn of(e: &OutcomeException<'_>) -> Self {
        exception_key(e.partner, &e.outcome.transaction_reference, &e.instruction, e.kind)
    }
}

/// What an exception said, and when: its cause is the ledger's own, and so is the position that its reference names.
pub(crate) fn exception_content(e: &OutcomeException<'_>, occurred_at: Timestamp) -> u128 {
    let outcome = Outcome { instruction: Position(0), ..e.outcome.clone() };
    identity_of(&(e.partner, &e.instruction, e.kind, outcome, occurred_at))
}

/// What a record does to a year's funds (rule 14).
fn funds_change(state: &State, record: &Record<'_>, place: Option<Place>, named: &Named) -> Option<(i16, i64)> {
    let participant = place.and_then(|p| state.participants.get(p));
    let payout = || {
        let Named::Instruction(_, instruction, _) = named else { return None };
        let run = state.runs.get(usize::from(instruction.run()))?;
        let amount = state.scheme_of(participant?)?.amount(instruction.entitlement())?;
        Some((instruction, run.as_of.year(), amount.get()))
    };
    match &record.event {
        Event::TrainingBought(e) => Some((record.occurred_at.wib_date().year(), e.price.get())),
        Event::PurchaseCancelled(_) => {
            let Named::Purchase(index, purchase) = named else { return None };
            let bought = participant?.fact(FactKind::Bought, (*index).into())?.date();
            Some((bought.year(), -i64::from(purchase.price)))
        }
        Event::PayoutInstructed(e) => {
            let (_, run) = state.run(e.run)?;
            Some((run.as_of.year(), e.amount.get()))
        }
        Event::PayoutSettled(_) => {
            let (instruction, year, amount) = payout()?;
            (!instruction.is_open()).then_some((year, amount))
        }
        Event::PayoutRejected(_) => payout().map(|(_, year, amount)| (year, -amount)),
        Event::PayoutReturned(_) => payout().map(|(_, year, amount)| (year, -amount)),
        _ => None,
    }
}
