//! Participant events: rules 1 to 9 and 12 of DOMAIN section 5.

use super::{Decision, NewEvent, four_eyes, not_ahead, not_before, recalls, repeat, room_for_one};
use crate::codes::Ground;
use crate::command::Meta;
use crate::event::{
    Event, MembershipReinstated, MembershipRevoked, PayoutAccountLinked, Selected, SurveyFilled, TrainingBought,
};
use crate::ids::{LinkId, ParticipantId, PurchaseId};
use crate::money::Rupiah;
use crate::rejection::Rejection;
use crate::scheme::Scheme;
use crate::state::{Fact, FactKind, Participant, Place, Purchase, RareKind, State, Status, Wave, identity_of};
use crate::time::Date;

/// The most that one repayment or demand may be, rupiah: a thousand whole entitlements.
const MOST_REPAYMENT: i64 = 10_000_000_000;

pub(super) fn decide<'a>(
    state: &State,
    meta: &Meta<'a>,
    (id, guess): (ParticipantId, Option<Place>),
    event: Event<'a>,
) -> Result<Decision<'a>, Rejection> {
    fields(&event)?;
    let place = state.place_near(guess, id);
    if let Some(earlier) = repeat::earlier(state, place, &event) {
        if earlier.place.is_none() || earlier.place != place {
            return Err(Rejection::AlreadyExists { position: earlier.fact.position() });
        }
        return Ok(Decision::Repeat { position: earlier.fact.position() });
    }
    let date = meta.occurred_at.wib_date();
    let mut events = Vec::with_capacity(1);
    if let Event::Selected(selected) = &event {
        let wave = state.wave(selected.wave).ok_or(Rejection::WaveUnknown { wave: selected.wave })?;
        not_ahead(meta)?;
        select(state, wave, selected)?;
    } else {
        let place = place.ok_or(Rejection::ParticipantUnknown { participant: id })?;
        let subject = Subject::new(state, place).ok_or(Rejection::ParticipantUnknown { participant: id })?;
        let purchase = subject.known(&event)?;
        not_ahead(meta)?;
        if matches!(event, Event::CompletionWithdrawn(_) | Event::MembershipReinstated(_)) {
            four_eyes(meta)?;
        }
        subject.may_still(&event)?;
        subject.rules(&event, date, purchase.as_ref())?;
        not_before(date, "selection", subject.participant.selected_on())?;
        subject.room(&event)?;
        if matches!(event, Event::MembershipRevoked(_)) {
            for recall in recalls(subject.participant, meta.occurred_at) {
                events.push(recall);
            }
        }
    }
    // What was asked comes first, what it brings with it after.
    events.insert(0, NewEvent { participant: Some(id), occurred_at: meta.occurred_at, event });
    Ok(Decision::Record(events))
}

/// Ranges that hold in every state.
fn fields(event: &Event<'_>) -> Result<(), Rejection> {
    let refuse = |field, rule| Err(Rejection::InvalidField { field, rule });
    match event {
        Event::TrainingReviewed(e) if !(1..=5).contains(&e.rating) => refuse("rating", "must be 1 to 5"),
        Event::RepaymentDemanded(e) if !repayment(e.amount) => {
            refuse("amount_rupiah", "must be above zero and at most 10,000,000,000")
        }
        Event::RepaymentReceived(e) if !repayment(e.amount) => {
            refuse("amount_rupiah", "must be above zero and at most 10,000,000,000")
        }
        Event::PayoutInstructed(_)
        | Event::PayoutAccepted(_)
        | Event::PayoutSettled(_)
        | Event::PayoutRejected(_)
        | Event::PayoutReturned(_)
        | Event::PayoutInDoubt(_)
        | Event::InstructionRecalled(_)
        | Event::OutcomeException(_)
        | Event::ExceptionResolved(_)
        | Event::SchemeEnacted(_)
        | Event::WaveOpened(_)
        | Event::WaveClosed(_)
        | Event::FundsAppropriated(_)
        | Event::BalancePeriodClosed(_)
        | Event::DisbursementRunPlanned(_)
        | Event::DisbursementRunApproved(_)
        | Event::DisbursementRunClosed(_)
        | Event::StatementReconciled(_) => Err(Rejection::OwnCall { event: event.name() }),
        _ => Ok(()),
    }
}

fn repayment(amount: Rupiah) -> bool {
    (1..=MOST_REPAYMENT).contains(&amount.get())
}

/// Rule 3. Every `Selected` counts, also of participants revoked since.
fn select(state: &State, wave: &Wave, e: &Selected<'_>) -> Result<(), Rejection> {
    if let Some(other) = state.place_by_identity(&e.identity_digest).and_then(|p| state.participants.get(p)) {
        return Err(Rejection::IdentityTaken { participant: other.id });
    }
    let max = state.schemes.get(wave.scheme).map_or(0, |(scheme, _)| scheme.max_participants_per_family_card);
    if state.family_size(&e.family_card_digest) >= max {
        return Err(Rejection::FamilyCardFull { max });
    }
    if wave.selected >= wave.quota {
        return Err(Rejection::QuotaReached { wave: e.wave, quota: wave.quota });
    }
    if wave.closed.is_some() {
        return Err(Rejection::WaveClosed { wave: e.wave });
    }
    if state.year(wave.year).closed.is_some() {
        return Err(Rejection::BalancePeriodClosed { year: wave.year });
    }
    Ok(())
}

/// The participant that an event is about, with what its rules look at.
struct Subject<'s> {
    state: &'s State,
    place: Place,
    participant: &'s Participant,
    scheme: &'s Scheme<'static>,
    wave: &'s Wave,
}

impl<'s> Subject<'s> {
    fn new(state: &'s State, place: Place) -> Option<Self> {
        let participant = state.participants.get(place)?;
        let (scheme, wave) = (state.scheme_of(participant)?, state.wave(participant.wave)?);
        Some(Self { state, place, participant, scheme, wave })
    }

    fn purchase(&self, purchase: PurchaseId) -> Result<Option<(u16, Purchase)>, Rejection> {
        self.participant.purchase(purchase).map(Some).ok_or(Rejection::PurchaseUnknown { purchase })
    }

    fn link(&self, link: LinkId) -> Result<u16, Rejection> {
        self.participant.link_index(link).ok_or(Rejection::LinkUnknown { link })
    }

    fn finding(&self, source: &str, case_number: &str) -> Result<Fact, Rejection> {
        let id = identity_of(&(source, case_number));
        self.state.rare(RareKind::Found, Some(self.place), id).ok_or(Rejection::FindingUnknown)
    }

    /// Rule 2; gives the purchase that an event is about, with its index.
    fn known(&self, event: &Event<'_>) -> Result<Option<(u16, Purchase)>, Rejection> {
        match event {
            Event::PayoutAccountUnlinked(e) => {
                self.link(e.link)?;
            }
            Event::PurchaseCancelled(e) => return self.purchase(e.purchase),
            Event::TrainingCompleted(e) => return self.purchase(e.purchase),
            Event::CompletionWithdrawn(e) => return self.purchase(e.purchase),
            Event::CertificateIssued(e) => return self.purchase(e.purchase),
            Event::TrainingReviewed(e) => return self.purchase(e.purchase),
            Event::SurveyFilled(e) => {
                let surveys = u8::try_from(self.scheme.survey_incentives.len()).unwrap_or(u8::MAX);
                if !(1..=surveys).contains(&e.number) {
                    return Err(Rejection::SurveyUnknown { number: e.number, surveys });
                }
            }
            Event::IneligibilityWithdrawn(e) => {
                self.finding(&e.source, &e.case_number)?;
            }
            Event::RepaymentReceived(e) => {
                let known = self.state.rare(RareKind::Demand, Some(self.place), identity_of(&e.demand));
                known.ok_or(Rejection::DemandUnknown { demand: e.demand })?;
            }
            _ => {}
        }
        Ok(None)
    }

    /// Rule 4: what may still happen after revocation, and after the wave closed.
    fn may_still(&self, event: &Event<'_>) -> Result<(), Rejection> {
        let always = matches!(
            event,
            Event::IneligibilityFound(_)
                | Event::IneligibilityWithdrawn(_)
                | Event::RepaymentDemanded(_)
                | Event::RepaymentReceived(_)
        );
        let after_revocation =
            matches!(event, Event::PurchaseCancelled(_) | Event::TrainingCompleted(_) | Event::MembershipReinstated(_));
        if always {
            return Ok(());
        }
        if self.participant.status != Status::Live && !after_revocation {
            return Err(Rejection::MembershipRevoked { since: self.participant.status_since() });
        }
        if self.wave.closed.is_some() {
            return Err(Rejection::WaveClosed { wave: self.participant.wave });
        }
        Ok(())
    }

    /// Rules 5 to 8 and 12, then the order of dates; `purchase` is what [`Self::known`] gave.
    fn rules(&self, event: &Event<'_>, date: Date, purchase: Option<&(u16, Purchase)>) -> Result<(), Rejection> {
        let known = |id| purchase.ok_or(Rejection::PurchaseUnknown { purchase: id });
        match event {
            Event::PayoutAccountLinked(e) => self.link_account(e),
            Event::PayoutAccountUnlinked(e) => self.unlink(e.link, date),
            Event::TrainingBought(e) => self.buy(e, date),
            Event::PurchaseCancelled(e) => self.live_uncompleted(known(e.purchase)?, date),
            Event::TrainingCompleted(e) => self.live_uncompleted(known(e.purchase)?, date),
            Event::CompletionWithdrawn(e) => self.after_completion(known(e.purchase)?, date),
            Event::CertificateIssued(e) => self.after_completion(known(e.purchase)?, date),
            Event::TrainingReviewed(e) => self.after_completion(known(e.purchase)?, date),
            Event::SurveyFilled(e) => self.fill_survey(e, date),
            Event::MembershipRevoked(e) => self.revoke(e, date),
            Event::MembershipReinstated(e) => self.reinstate(e, date),
            Event::IneligibilityWithdrawn(e) => {
                not_before(date, "finding", self.finding(&e.source, &e.case_number)?.date())
            }
            Event::RepaymentReceived(e) => {
                let demand = self.state.rare(RareKind::Demand, Some(self.place), identity_of(&e.demand));
                demand.map_or(Ok(()), |demand| not_before(date, "demand", demand.date()))
            }
            _ => Ok(()),
        }
    }

    /// Rule 8.
    fn link_account(&self, e: &PayoutAccountLinked<'_>) -> Result<(), Rejection> {
        if !self.participant.is_person(&e.holder_identity_digest) {
            return Err(Rejection::HolderMismatch);
        }
        Ok(())
    }

    fn unlink(&self, link: LinkId, date: Date) -> Result<(), Rejection> {
        let index = self.link(link)?;
        if self.participant.link().map(|(in_force, ..)| in_force) != Some(index) {
            return Err(Rejection::LinkNotLive { link });
        }
        self.after(FactKind::Linked, index, "link", date)
    }

    /// Rule 5.
    fn buy(&self, e: &TrainingBought<'_>, date: Date) -> Result<(), Rejection> {
        let participant = self.participant;
        let balance = Rupiah::new(participant.training_balance.into());
        // What lapsed is refused below, by its own name.
        let period_closed = self.state.period_closed(participant);
        if e.price <= Rupiah::ZERO || (e.price > balance && !period_closed) {
            return Err(Rejection::PriceOutOfRange { price: e.price, balance });
        }
        let open = |(purchase, index): &(Purchase, u16)| {
            let done = purchase.completed && participant.fact(FactKind::Reviewed, *index).is_some();
            !(purchase.cancelled || done)
        };
        if let Some((purchase, _)) = participant.purchases().zip(0u16..).find(open) {
            return Err(Rejection::PurchaseStillOpen { purchase: purchase.id });
        }
        if date > self.wave.balance_last_day {
            return Err(Rejection::BalanceLapsed { last_day: self.wave.balance_last_day });
        }
        if period_closed {
            return Err(Rejection::BalancePeriodClosed { year: self.wave.year });
        }
        if !participant.has_bought() {
            let deadline = self.state.first_purchase_deadline(participant).unwrap_or_default();
            if date > deadline {
                return Err(Rejection::FirstPurchaseTooLate { deadline });
            }
        }
        Ok(())
    }

    /// Rule 6, cancellation and completion.
    fn live_uncompleted(&self, (index, purchase): &(u16, Purchase), date: Date) -> Result<(), Rejection> {
        if purchase.cancelled {
            return Err(Rejection::PurchaseCancelled { purchase: purchase.id });
        }
        if purchase.completed {
            return Err(Rejection::PurchaseCompleted { purchase: purchase.id });
        }
        self.after(FactKind::Bought, *index, "purchase", date)?;
        // A cancellation after a withdrawn completion is not dated before that completion.
        self.after(FactKind::Completed, *index, "completion", date)
    }

    /// Rule 6, certificate and review; and the withdrawal of a completion.
    fn after_completion(&self, (index, purchase): &(u16, Purchase), date: Date) -> Result<(), Rejection> {
        if purchase.cancelled {
            return Err(Rejection::PurchaseCancelled { purchase: purchase.id });
        }
        if !purchase.completed {
            return Err(Rejection::PurchaseNotCompleted { purchase: purchase.id });
        }
        self.after(FactKind::Completed, *index, "completion", date)
    }

    /// Rule 7.
    fn fill_survey(&self, e: &SurveyFilled, date: Date) -> Result<(), Rejection> {
        let previous = e.number.saturating_sub(1);
        if previous > 0 && self.participant.survey_filled_on(previous).is_none() {
            return Err(Rejection::PreviousSurveyMissing { previous });
        }
        let opens = self.participant.survey_opens(self.scheme, e.number).ok_or(Rejection::NotUnlocked)?;
        if date < opens {
            return Err(Rejection::SurveyNotOpen { opens });
        }
        self.after(FactKind::Survey, previous.into(), "survey before", date)
    }

    /// Rule 12, revocation.
    fn revoke(&self, e: &MembershipRevoked, date: Date) -> Result<(), Rejection> {
        let passed =
            |deadline: Date| if deadline < date { Ok(()) } else { Err(Rejection::DeadlineNotPassed { deadline }) };
        match e.ground {
            Ground::NoFirstPurchase => {
                passed(self.state.first_purchase_deadline(self.participant).unwrap_or_default())?;
                if self.participant.has_bought() { Err(Rejection::SomethingBought) } else { Ok(()) }
            }
            Ground::TrainingNotCompleted => {
                passed(self.wave.complete_by)?;
                let completed = self.participant.first_completed().is_some();
                if completed { Err(Rejection::SomethingCompleted) } else { Ok(()) }
            }
            Ground::FalseData
            | Ground::IdentityMismatch
            | Ground::Ineligible
            | Ground::Manipulation
            | Ground::ProxyUse
            | Ground::BreachOfTerms => Ok(()),
        }?;
        // 1970-01-01 where it was never reinstated.
        not_before(date, "reinstatement", self.participant.status_since())
    }

    /// Rule 12, reinstatement.
    fn reinstate(&self, e: &MembershipReinstated<'_>, date: Date) -> Result<(), Rejection> {
        if self.participant.status == Status::Live {
            return Err(Rejection::MembershipLive);
        }
        match e.first_purchase_deadline {
            None if !self.participant.has_bought() => return Err(Rejection::NewDeadlineMissing),
            Some(deadline) if deadline > self.wave.balance_last_day => {
                return Err(Rejection::NewDeadlineTooLate { last_day: self.wave.balance_last_day });
            }
            _ => {}
        }
        not_before(date, "revocation", self.participant.status_since())
    }

    fn room(&self, event: &Event<'_>) -> Result<(), Rejection> {
        let participant = self.participant;
        match event {
            Event::PayoutAccountLinked(_) => room_for_one(participant.count(FactKind::Linked)),
            Event::TrainingBought(_) => room_for_one(participant.count(FactKind::Bought)),
            Event::IneligibilityFound(_) => room_for_one(participant.open_findings.into()),
            _ => Ok(()),
        }
    }

    fn after(&self, kind: FactKind, index: u16, what: &'static str, date: Date) -> Result<(), Rejection> {
        match self.participant.fact(kind, index) {
            Some(fact) => not_before(date, what, fact.date()),
            None => Ok(()),
        }
    }
}
