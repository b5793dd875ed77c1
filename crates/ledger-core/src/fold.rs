//! The fold: what each record does to the state. Total and without rules: what [`crate::decide`] let through is applied,
//! whatever it is; a record that names what is not there is an error, never a panic.

use crate::account::Account;
use crate::event::{Event, Outcome, PayoutInstructed, Record, Selected, Text, TrainingBought, WaveOpened};
use crate::ids::{self, Position, PurchaseId};
use crate::money::Rupiah;
use crate::postings::{self, Posting};
use crate::state::{
    ExceptionEntry, ExceptionKey, Fact, FactKind, Instruction, InstructionStatus, Link, Participant, Place, Purchase,
    RareKey, RareKind, Run, State, Status, Wave, content_hash, day16, hash_of, identity_of, reserve_one,
};

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
        if record.position != self.size {
            return Err(FoldError::Position { expected: self.size, found: record.position });
        }
        self.apply_of_part(record, sink)
    }

    /// Applies a record of a part of the log that has whole chains of participants, and the programme's: positions may have
    /// gaps, back-pointers may not.
    ///
    /// # Errors
    ///
    /// The record cannot follow; the state is as before.
    pub fn apply_of_part(&mut self, record: &Record<'_>, sink: &mut dyn FnMut(Posting)) -> Result<(), FoldError> {
        if record.position < self.size || record.position > LAST_POSITION {
            return Err(FoldError::Position { expected: self.size, found: record.position });
        }
        if self.last_recorded_at.is_some_and(|last| record.recorded_at < last) {
            return Err(FoldError::RecordedAt);
        }
        let place = record.participant.and_then(|id| self.place(id));
        let last = match record.participant {
            None => self.last_programme_position,
            Some(_) => place.and_then(|p| self.participants.get(p)).map(|p| p.last_position),
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
        self.check(record, place)?;

        // Postings are those of the state before.
        let funds = funds_change(self, record, place);
        let mut post = std::mem::take(&mut self.post);
        post.clear();
        postings::of(self, record, &mut |posting| {
            post.push(posting);
            sink(posting);
        });
        let changed = self.change(record, place);
        if changed.is_ok() {
            post.iter().for_each(|posting| self.post(*posting));
        }
        self.post = post;
        changed?;
        if let Some((year, amount)) = funds {
            let entry = self.years.entry(year).or_default();
            entry.used = Rupiah::new(entry.used.get().saturating_add(amount));
            entry.funds_since = record.position + 1;
        }
        self.last_recorded_at = Some(record.recorded_at);
        match place.or_else(|| record.participant.and_then(|id| self.place(id))) {
            Some(place) => {
                if let Some(participant) = self.participants.get_mut(place) {
                    participant.last_position = record.position;
                }
            }
            None => self.last_programme_position = Some(record.position),
        }
        Ok(())
    }

    fn post(&mut self, posting: Posting) {
        self.totals.add(posting.account, posting.amount);
        let wave = match posting.item {
            postings::Item::Wave(wave) => Some(wave),
            _ => posting.participant.and_then(|p| self.participants.get(p)).map(|p| p.wave),
        };
        if let Some(wave) = wave.and_then(|wave| self.waves.get_mut(&wave)) {
            let share = match posting.account {
                Account::TrainingBalance => &mut wave.training_balance,
                Account::IncentivesCommitted => &mut wave.committed,
                _ => return,
            };
            *share = share.saturating_add(posting.amount.get());
        }
    }

    /// Whether everything is there that the record names: after this, nothing can fail.
    fn check(&self, record: &Record<'_>, place: Option<Place>) -> Result<(), FoldError> {
        let participant = place.and_then(|p| self.participants.get(p));
        let known = |is: bool, what| if is { Ok(()) } else { Err(FoldError::Unknown(what)) };
        let first = |is: bool, what| if is { Ok(()) } else { Err(FoldError::Second(what)) };
        let room = |len: usize| if len < MOST_OF_A_KIND { Ok(()) } else { Err(FoldError::Full) };
        match &record.event {
            Event::Selected(e) => {
                known(record.participant.is_some(), "participant")?;
                first(place.is_none(), "selection")?;
                known(self.waves.contains_key(&e.wave), "wave")
            }
            Event::SchemeEnacted(e) => first(self.scheme(&e.scheme.scheme).is_none(), "scheme"),
            Event::WaveOpened(e) => {
                first(!self.waves.contains_key(&e.wave), "opening of the wave")?;
                known(self.scheme(&e.scheme).is_some(), "scheme")
            }
            Event::WaveClosed(e) => {
                let wave = self.waves.get(&e.wave).ok_or(FoldError::Unknown("wave"))?;
                first(wave.closed.is_none(), "closing of the wave")
            }
            Event::BalancePeriodClosed(e) => first(self.year(e.year).closed.is_none(), "closing of the period"),
            Event::DisbursementRunPlanned(e) => {
                first(self.run(e.run).is_none(), "plan of the run")?;
                if self.runs.len() < usize::from(u16::MAX) { Ok(()) } else { Err(FoldError::Full) }
            }
            Event::DisbursementRunApproved(e) => known(self.run(e.run).is_some(), "run"),
            Event::DisbursementRunClosed(e) => known(self.run(e.run).is_some(), "run"),
            Event::FundsAppropriated(_) | Event::StatementReconciled(_) | Event::ExceptionResolved(_) => Ok(()),
            Event::OutcomeException(_) => Ok(()),
            event => {
                let participant = participant.ok_or(FoldError::Unknown("participant"))?;
                let purchase = |id| participant.purchase_index(id).is_some();
                let instruction = |position| participant.instruction_index(position).is_some();
                match event {
                    Event::PayoutAccountLinked(e) => {
                        first(participant.link_index(e.link).is_none(), "link")?;
                        room(participant.links.len())
                    }
                    Event::PayoutAccountUnlinked(e) => known(participant.link_index(e.link).is_some(), "link"),
                    Event::TrainingBought(e) => {
                        first(!purchase(e.purchase), "purchase")?;
                        room(participant.purchases.len())
                    }
                    Event::PurchaseCancelled(e) => known(purchase(e.purchase), "purchase"),
                    Event::TrainingCompleted(e) => known(purchase(e.purchase), "purchase"),
                    Event::CompletionWithdrawn(e) => known(purchase(e.purchase), "purchase"),
                    Event::CertificateIssued(e) => known(purchase(e.purchase), "purchase"),
                    Event::TrainingReviewed(e) => known(purchase(e.purchase), "purchase"),
                    Event::PayoutInstructed(e) => {
                        known(participant.link_index(e.link).is_some(), "link")?;
                        known(self.run(e.run).is_some(), "run")?;
                        room(participant.instructions.len())
                    }
                    Event::InstructionRecalled(e) => known(instruction(e.instruction), "instruction"),
                    event => match event.as_outcome() {
                        Some((_, outcome)) => known(instruction(outcome.instruction), "instruction"),
                        None => Ok(()),
                    },
                }
            }
        }
    }

    fn change(&mut self, record: &Record<'_>, place: Option<Place>) -> Result<(), FoldError> {
        let date = record.occurred_at.wib_date();
        let fact = Fact::new(record.position, content_hash(&record.event, record.occurred_at), date);
        match &record.event {
            Event::Selected(e) => return self.select(record, e, fact),
            Event::SchemeEnacted(e) => self.schemes.push((e.scheme.clone().into_owned(), fact)),
            Event::WaveOpened(e) => return self.open_wave(e, fact),
            Event::WaveClosed(e) => {
                if let Some(wave) = self.waves.get_mut(&e.wave) {
                    wave.closed = Some(fact);
                }
            }
            Event::FundsAppropriated(e) => {
                let year = self.years.entry(e.fiscal_year).or_default();
                year.appropriated = Rupiah::new(year.appropriated.get().saturating_add(e.amount.get()));
                year.funds_since = record.position + 1;
                self.add_rare(RareKind::Funds, None, identity_of(&e.document_number), fact);
            }
            Event::BalancePeriodClosed(e) => self.years.entry(e.year).or_default().closed = Some(fact),
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
                let key = exception_key(e.partner, &e.outcome.transaction_reference, &e.instruction, e.kind);
                self.exceptions.entry(key).or_insert(ExceptionEntry { recorded: fact, resolved: None });
            }
            Event::ExceptionResolved(e) => {
                let key = exception_key(e.partner, &e.transaction_reference, &e.transaction_reference, e.kind);
                if let Some(entry) = self.exceptions.get_mut(&key) {
                    entry.resolved = Some(fact);
                }
            }
            event => {
                let Some(place) = place else { return Err(FoldError::Unknown("participant")) };
                self.change_participant(record, event, place, fact);
            }
        }
        Ok(())
    }

    fn run_mut(&mut self, id: ids::RunId) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    fn add_rare(&mut self, kind: RareKind, participant: Option<Place>, id: u128, fact: Fact) {
        self.rare.entry(RareKey { kind, participant, id }).or_insert(fact);
    }

    fn select(&mut self, record: &Record<'_>, e: &Selected<'_>, fact: Fact) -> Result<(), FoldError> {
        let Some(id) = record.participant else { return Err(FoldError::Unknown("participant")) };
        let mut participant = Participant::selected(id, e, record.position);
        participant.add_fact(FactKind::Selected, 0, fact);
        let place = self.participants.push(participant).ok_or(FoldError::Full)?;
        self.by_id.insert(hash_of(&id), place);
        self.by_identity.insert(hash_of(&e.identity_digest), place);
        self.families.add_one(hash_of(&e.family_card_digest));
        if let Some(wave) = self.waves.get_mut(&e.wave) {
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
        self.waves.insert(e.wave, wave);
        Ok(())
    }

    fn change_participant(&mut self, record: &Record<'_>, event: &Event<'_>, place: Place, fact: Fact) {
        let date = record.occurred_at.wib_date();
        let period_closed = self.participants.get(place).is_some_and(|p| self.period_closed(p));
        match event {
            Event::PayoutInstructed(e) => return self.instruct(record, e, place),
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
        participant.change(event, fact, date, period_closed);
    }

    fn instruct(&mut self, record: &Record<'_>, e: &PayoutInstructed, place: Place) {
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
        let position = record.position.to_le_bytes();
        let link = participant.link_index(e.link).and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX);
        reserve_one(&mut participant.instructions);
        participant.instructions.push(Instruction {
            position: [position[0], position[1], position[2], position[3], position[4]],
            kind: e.entitlement.kind,
            number: e.entitlement.number,
            attempt: e.attempt,
            partner: e.partner,
            status: InstructionStatus::Instructed,
            link,
            settled: 0,
            returned: 0,
            run: number,
            due: day16(e.due),
            instructed_on: day16(record.occurred_at.wib_date()),
            expires_on: day16(e.expires_on),
        });
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

impl Participant {
    fn change(&mut self, event: &Event<'_>, fact: Fact, date: crate::time::Date, period_closed: bool) {
        match event {
            Event::PayoutAccountLinked(e) => {
                self.add_fact(FactKind::Linked, count(self.links.len()), fact);
                reserve_one(&mut self.links);
                self.links.push(Link { id: e.link, partner: e.partner });
                self.unlinked = false;
            }
            Event::PayoutAccountUnlinked(e) => {
                let Some(index) = self.link_index(e.link) else { return };
                self.add_fact(FactKind::Unlinked, index, fact);
                self.unlinked |= usize::from(index) + 1 == self.links.len();
            }
            Event::TrainingBought(e) => self.buy(e, fact),
            Event::PurchaseCancelled(e) => self.cancel(e.purchase, fact, period_closed),
            Event::TrainingCompleted(e) => {
                self.purchase_fact(e.purchase, FactKind::Completed, fact, |purchase| purchase.completed = true);
            }
            Event::CompletionWithdrawn(e) => {
                if let Some(purchase) = self.purchases.iter_mut().find(|p| p.id == e.purchase) {
                    purchase.completed = false;
                }
            }
            Event::CertificateIssued(e) => self.purchase_fact(e.purchase, FactKind::Certified, fact, |_| {}),
            Event::TrainingReviewed(e) => self.purchase_fact(e.purchase, FactKind::Reviewed, fact, |_| {}),
            Event::SurveyFilled(e) => self.add_fact(FactKind::Survey, e.number.into(), fact),
            Event::MembershipRevoked(e) => {
                self.status = Status::Revoked(e.ground);
                self.status_since = day16(date);
                self.forfeited = self.forfeited.saturating_add(std::mem::take(&mut self.training_balance));
            }
            Event::MembershipReinstated(e) => {
                self.status = Status::Live;
                self.status_since = day16(date);
                self.first_purchase_deadline = e.first_purchase_deadline.map_or(self.first_purchase_deadline, day16);
                if !period_closed {
                    self.training_balance = self.training_balance.saturating_add(std::mem::take(&mut self.forfeited));
                }
            }
            Event::IneligibilityFound(_) => self.open_findings = self.open_findings.saturating_add(1),
            Event::IneligibilityWithdrawn(_) => self.open_findings = self.open_findings.saturating_sub(1),
            Event::InstructionRecalled(e) => {
                if let Some(index) = self.instruction_index(e.instruction) {
                    self.add_fact(FactKind::Recalled, index, fact);
                }
            }
            event => {
                if let Some((kind, outcome)) = event.as_outcome() {
                    self.outcome(kind, outcome, fact);
                }
            }
        }
    }

    fn buy(&mut self, e: &TrainingBought<'_>, fact: Fact) {
        let price = u32::try_from(e.price.get()).unwrap_or(0);
        self.training_balance = self.training_balance.saturating_sub(price);
        self.add_fact(FactKind::Bought, count(self.purchases.len()), fact);
        reserve_one(&mut self.purchases);
        self.purchases.push(Purchase {
            id: e.purchase,
            price,
            platform: e.platform,
            cancelled: false,
            completed: false,
        });
    }

    fn cancel(&mut self, id: PurchaseId, fact: Fact, period_closed: bool) {
        let Some(index) = self.purchase_index(id) else { return };
        let Some(purchase) = self.purchases.get_mut(usize::from(index)) else { return };
        purchase.cancelled = true;
        let price = purchase.price;
        let home = match (period_closed, self.status) {
            (true, _) => &mut self.lapsed,
            (false, Status::Live) => &mut self.training_balance,
            (false, Status::Revoked(_)) => &mut self.forfeited,
        };
        *home = home.saturating_add(price);
        self.add_fact(FactKind::Cancelled, index, fact);
    }

    fn purchase_fact(&mut self, id: PurchaseId, kind: FactKind, fact: Fact, change: impl Fn(&mut Purchase)) {
        let Some(index) = self.purchase_index(id) else { return };
        if let Some(purchase) = self.purchases.get_mut(usize::from(index)) {
            change(purchase);
        }
        self.add_fact(kind, index, fact);
    }

    fn outcome(&mut self, kind: crate::codes::OutcomeKind, outcome: &Outcome<'_>, fact: Fact) {
        use crate::codes::OutcomeKind as Kind;
        let Some(index) = self.instruction_index(outcome.instruction) else { return };
        let Some(instruction) = self.instructions.get_mut(usize::from(index)) else { return };
        match kind {
            Kind::Accepted => instruction.status = InstructionStatus::Accepted,
            Kind::InDoubt => instruction.status = InstructionStatus::InDoubt,
            Kind::Rejected => instruction.status = InstructionStatus::Rejected,
            Kind::Settled => {
                instruction.settled = instruction.settled.saturating_add(1);
                instruction.status = InstructionStatus::Settled;
            }
            Kind::Returned => {
                instruction.returned = instruction.returned.saturating_add(1);
                if instruction.net_settled() == 0 {
                    instruction.status = InstructionStatus::Returned;
                }
            }
        }
        if outcome.account_fault && matches!(kind, Kind::Rejected | Kind::Returned) {
            self.account_fault = fact.position() + 1;
        }
        match kind {
            Kind::Settled => self.add_settlement(index, settlement_reference(&outcome.transaction_reference), fact),
            Kind::Accepted => self.add_fact(FactKind::Accepted, index, fact),
            Kind::Rejected => self.add_fact(FactKind::Rejected, index, fact),
            Kind::InDoubt => self.add_fact(FactKind::InDoubt, index, fact),
            Kind::Returned => self.add_fact(FactKind::Returned, index, fact),
        }
    }
}

/// What a settlement's transaction reference is kept as.
pub(crate) fn settlement_reference(reference: &Text<'_>) -> u64 {
    hash_of(reference)
}

fn count(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// What a record does to a year's funds (rule 14).
fn funds_change(state: &State, record: &Record<'_>, place: Option<Place>) -> Option<(i16, i64)> {
    let participant = place.and_then(|p| state.participants.get(p));
    let payout = |position: Position| {
        let participant = participant?;
        let instruction = participant.instructions.iter().find(|i| i.position() == position)?;
        let run = state.runs.get(usize::from(instruction.run))?;
        let amount = state.scheme_of(participant)?.amount(instruction.entitlement())?;
        Some((instruction, run.as_of.year(), amount.get()))
    };
    match &record.event {
        Event::TrainingBought(e) => Some((record.occurred_at.wib_date().year(), e.price.get())),
        Event::PurchaseCancelled(e) => {
            let participant = participant?;
            let index = participant.purchase_index(e.purchase)?;
            let bought = participant.fact(FactKind::Bought, index)?.date();
            let price = participant.purchases.get(usize::from(index))?.price;
            Some((bought.year(), -i64::from(price)))
        }
        Event::PayoutInstructed(e) => {
            let (_, run) = state.run(e.run)?;
            Some((run.as_of.year(), e.amount.get()))
        }
        Event::PayoutSettled(e) => {
            let (instruction, year, amount) = payout(e.outcome.instruction)?;
            (!instruction.is_open()).then_some((year, amount))
        }
        Event::PayoutRejected(e) => payout(e.outcome.instruction).map(|(_, year, amount)| (year, -amount)),
        Event::PayoutReturned(e) => payout(e.outcome.instruction).map(|(_, year, amount)| (year, -amount)),
        _ => None,
    }
}
