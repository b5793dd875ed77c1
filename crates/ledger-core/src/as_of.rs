//! Two clocks in every question (DOMAIN section 4): what was known at K, as of D. All records up to K are folded in
//! order; of them, facts and postings dated up to D count. Decisions are not run again.

use std::collections::HashMap;

use crate::account::Balances;
use crate::event::{Event, Record};
use crate::fold::FoldError;
use crate::ids::ParticipantId;
use crate::postings::{self, Posting};
use crate::state::{Place, State};
use crate::time::Date;
use crate::view::{self, ParticipantView};

/// The records so far, seen as of a date.
pub struct AsOf {
    date: Date,
    /// Everything known.
    known: State,
    /// The facts dated up to `date`.
    dated: State,
    balances: HashMap<ParticipantId, Balances>,
    totals: Balances,
}

impl AsOf {
    /// Nothing known yet, to be seen as of `date`.
    #[must_use]
    pub fn new(date: Date) -> Self {
        Self { date, known: State::new(), dated: State::new(), balances: HashMap::new(), totals: Balances::default() }
    }

    /// Takes the next record of the whole log.
    ///
    /// # Errors
    ///
    /// The record cannot follow those before it.
    pub fn apply(&mut self, record: &Record<'_>) -> Result<(), FoldError> {
        let postings = self.closing(record);
        let postings = self.follow(postings, |known, sink| known.apply(record, sink))?;
        self.see(record, &postings);
        Ok(())
    }

    /// Takes the next record of a subset of the log: the programme's records and whole participants' chains.
    ///
    /// # Errors
    ///
    /// The record cannot follow those before it.
    pub fn apply_of_subset(&mut self, record: &Record<'_>) -> Result<(), FoldError> {
        let postings = self.closing(record);
        let postings = self.follow(postings, |known, sink| known.apply_of_subset(record, sink))?;
        self.see(record, &postings);
        Ok(())
    }

    /// Each participant's share in a closing, which the state folds as one sum.
    fn closing(&self, record: &Record<'_>) -> Option<Vec<Posting>> {
        if !matches!(record.event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_)) {
            return None;
        }
        let mut postings = Vec::new();
        for place in 0..self.known.participants().len() {
            postings::closing(&self.known, record, place, &mut |posting| postings.push(posting));
        }
        Some(postings)
    }

    /// Folds into what is known; gives the postings, a closing's where there are.
    fn follow(
        &mut self,
        closing: Option<Vec<Posting>>,
        apply: impl FnOnce(&mut State, &mut dyn FnMut(Posting)) -> Result<(), FoldError>,
    ) -> Result<Vec<Posting>, FoldError> {
        let mut postings = Vec::new();
        apply(&mut self.known, &mut |posting| postings.push(posting))?;
        Ok(closing.unwrap_or(postings))
    }

    fn see(&mut self, record: &Record<'_>, postings: &[Posting]) {
        let counts = record.occurred_at.wib_date() <= self.date;
        if counts {
            postings.iter().for_each(|posting| self.count(*posting));
        }
        // Schemes and waves are rules, not facts of a date: a participant may be selected before its wave's opening
        // is dated. Any other fact rests on facts that are not dated after it, so that it can follow them; one that
        // cannot has nothing to be seen with.
        if counts || matches!(record.event, Event::SchemeEnacted(_) | Event::WaveOpened(_)) {
            let _ = self.dated.apply_of_subset(record, &mut |_| {});
        }
    }

    fn count(&mut self, posting: Posting) {
        self.totals.add(posting.account, posting.amount);
        let participant = posting.participant.and_then(|place| self.known.participants().get(place));
        if let Some(participant) = participant {
            self.balances.entry(participant.id).or_default().add(posting.account, posting.amount);
        }
    }

    /// The date.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Everything known, whenever it happened.
    #[must_use]
    pub const fn known(&self) -> &State {
        &self.known
    }

    /// The facts dated up to the date.
    #[must_use]
    pub const fn dated(&self) -> &State {
        &self.dated
    }

    /// The trial balance, rupiah.
    #[must_use]
    pub const fn totals(&self) -> &Balances {
        &self.totals
    }

    /// Every account of one participant, rupiah.
    #[must_use]
    pub fn balances(&self, participant: ParticipantId) -> Balances {
        self.balances.get(&participant).copied().unwrap_or_default()
    }

    /// A participant; `None` where it was selected after the date.
    #[must_use]
    pub fn participant(&self, participant: ParticipantId) -> Option<ParticipantView> {
        let place: Place = self.dated.place(participant)?;
        view::participant(&self.dated, place, self.date)
    }
}
