//! The generator: takes step after step from the agenda, on the state as it is then.

use std::collections::HashMap;

use ledger_core::event::Text;
use ledger_core::run::Plan;
use ledger_core::scheme::Scheme;
use ledger_core::state::{Participant, Place, Status};
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Record, State};
use ledger_proto::v1::LoadLine;

use crate::agenda::{Agenda, Due, Step};
use crate::book::{Book, Sender, Summary};
use crate::calendar::{Calendar, at};
use crate::parameters::Parameters;
use crate::person::{Chance, Dice};
use crate::rng::weighted;

/// A cohort's history as lines, in order, computed as they are taken.
///
/// Lines, their order and their content are a function of the [`Parameters`]. What a participant does on their own does
/// not depend on how many others there are; positions, and so the references in outcomes, do.
pub struct Cohort {
    pub(crate) parameters: Parameters,
    pub(crate) calendar: Calendar,
    pub(crate) rules: Scheme<'static>,
    pub(crate) chance: Chance,
    pub(crate) agenda: Agenda,
    pub(crate) book: Book,
    /// By participant's number from 1: its wave's place in the calendar.
    pub(crate) wave_of: Vec<u8>,
    /// By participant's number from 1: its place in the state, once selected.
    pub(crate) place_of: Vec<Place>,
    /// By place in the state: the participant's number.
    pub(crate) who_of: Vec<u32>,
    /// What those who are revoked would have done, should they be reinstated.
    pub(crate) put_off: HashMap<u32, Vec<Step>>,
    /// The run between plan and approval.
    pub(crate) planned: Option<Plan>,
    /// Records after which no step is taken.
    most: u64,
}

/// A participant at the time of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) at: Timestamp,
    pub(crate) who: u32,
    pub(crate) place: Place,
}

impl Now {
    pub(crate) const fn date(&self) -> Date {
        self.at.wib_date()
    }
}

impl Iterator for Cohort {
    type Item = LoadLine;

    fn next(&mut self) -> Option<LoadLine> {
        loop {
            if let Some(line) = self.book.lines.pop_front() {
                return Some(line);
            }
            if !self.step() {
                return None;
            }
        }
    }
}

/// Generates a whole cohort, giving each line to `sink`; memory is bounded by the ledger's state.
pub fn generate(parameters: &Parameters, sink: impl FnMut(LoadLine)) -> Summary {
    let mut cohort = Cohort::new(*parameters);
    cohort.by_ref().for_each(sink);
    cohort.book.summary
}

impl Cohort {
    /// The cohort before its first line.
    ///
    /// # Panics
    /// Where the participants are none, or more than [`Parameters::MOST_PARTICIPANTS`].
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let Parameters { participants, seed, .. } = parameters;
        assert!((1..=Parameters::MOST_PARTICIPANTS).contains(&participants), "1 to 20,000,000 participants");
        let (calendar, chance) = (Calendar::of(&parameters), Chance::new(seed));
        let weights = calendar.waves.iter().map(|wave| u64::from(wave.weight));
        let wave_of = (1..=participants).map(|who| {
            let wave = weighted(chance.dice(who, Dice::Wave, 0).draw(), weights.clone());
            wave.and_then(|place| u8::try_from(place).ok()).expect("waves have weights and are few")
        });
        let wave_of = wave_of.collect();
        let mut cohort = Self {
            parameters,
            rules: parameters.scheme.rules(),
            chance,
            agenda: Agenda::default(),
            book: Book::default(),
            wave_of,
            place_of: vec![Place::MAX; participants as usize],
            who_of: Vec::with_capacity(participants as usize),
            put_off: HashMap::new(),
            planned: None,
            most: u64::MAX,
            calendar,
        };
        cohort.plan_programme();
        cohort
    }

    /// Shows every record to `watcher` as well: what an empty ledger stores of these lines, with the cohort's own clock and
    /// actors. For tools that write or fold a history without a server.
    #[must_use]
    pub fn watched(mut self, watcher: impl FnMut(&Record<'_>) + Send + 'static) -> Self {
        self.book.watcher = Some(Box::new(watcher));
        self
    }

    /// Ends the history with the step that reaches this many records.
    #[must_use]
    pub const fn until(mut self, records: u64) -> Self {
        self.most = records;
        self
    }

    /// Gives no lines, which take longer than all else: for [`Cohort::step`] and a watcher.
    #[must_use]
    pub const fn records_only(mut self) -> Self {
        self.book.records_only = true;
        self
    }

    /// Takes the next step of the history: none, one or more records, and their lines. Says whether there was one.
    pub fn step(&mut self) -> bool {
        let next = if self.book.summary.records < self.most { self.agenda.next() } else { None };
        next.map(|due| self.take(due)).is_some()
    }

    /// The ledger after the lines taken so far and what they bring with them; up to one step further.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.book.state
    }

    /// What was generated so far.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.book.summary
    }

    fn take(&mut self, due: Due) {
        let place = due.who.checked_sub(1).and_then(|index| self.place_of.get(index as usize).copied());
        match (due.step, place) {
            (Step::Select(wave), _) => self.select(due.at, due.who, wave),
            (step, None) => self.programme(due.at, step),
            (step, Some(place)) => {
                let now = Now { at: due.at, who: due.who, place };
                if self.may_still(now, step) {
                    self.live(now, step);
                }
            }
        }
    }

    fn live(&mut self, now: Now, step: Step) {
        match step {
            Step::Link => self.link(now),
            Step::Unlink => self.unlink(now),
            Step::Buy => self.buy(now),
            Step::Cancel(purchase) => self.cancel(now, purchase),
            Step::Complete(training) => self.complete(now, training),
            Step::Certify(training) => self.certify(now, training),
            Step::Review(purchase) => self.review(now, purchase),
            Step::Survey(number) => self.fill_survey(now, number),
            Step::Deadline => self.look_at_deadlines(now),
            Step::Revoke(cause) => self.revoke_for(now, cause),
            Step::Reinstate => self.reinstate(now),
            Step::Withdraw(purchase) => self.withdraw_completion(now, purchase),
            Step::Find => self.find_ineligible(now),
            Step::WithdrawFinding(source) => self.withdraw_finding(now, source),
            Step::Demand => self.demand(now),
            Step::Repay(repayment) => self.repay(now, repayment),
            Step::Answer(instruction, answer) => self.answer(now, instruction, answer),
            Step::Enact
            | Step::Funds(_)
            | Step::OpenWave(_)
            | Step::Determine(_)
            | Step::CloseWave
            | Step::ClosePeriod
            | Step::YearEnd
            | Step::Plan(_)
            | Step::Approve(_)
            | Step::Select(_) => unreachable!("not a step of a selected participant: {step:?}"),
        }
    }

    /// Rule 4 of DOMAIN section 5: what the revoked would do is put off, after the wave's closing nothing is done.
    fn may_still(&mut self, now: Now, step: Step) -> bool {
        let always =
            matches!(step, Step::Answer(..) | Step::Find | Step::WithdrawFinding(_) | Step::Demand | Step::Repay(_));
        if always {
            return true;
        }
        let participant = self.participant(now);
        if self.book.state.wave(participant.wave).is_none_or(|wave| wave.closed.is_some()) {
            return false;
        }
        if participant.status == Status::Live || matches!(step, Step::Cancel(_) | Step::Complete(_) | Step::Reinstate) {
            return true;
        }
        if !matches!(step, Step::Deadline | Step::Revoke(_)) {
            self.put_off.entry(now.who).or_default().push(step);
        }
        false
    }

    pub(crate) fn participant(&self, now: Now) -> &Participant {
        self.book.state.participants().get(now.place).expect("a selected participant has a place")
    }

    /// Plans a participant's step some days later, at that second of the day or a little after now. What would come after
    /// the end of lives does not come; answers of partners do.
    pub(crate) fn later(&mut self, now: Now, days: u32, second: u32, step: Step) {
        let then = at(now.date().plus_days(days.cast_signed()), second);
        let soon = Timestamp::from_nanos(now.at.nanos() + (60 + i64::from(second % 7_200)) * 1_000_000_000);
        self.plan(now.who, then.max(soon), step);
    }

    /// Plans a participant's step.
    pub(crate) fn plan(&mut self, who: u32, at: Timestamp, step: Step) {
        if at.wib_date() <= self.calendar.lives_end || matches!(step, Step::Answer(..)) {
            self.agenda.plan(at, who, step);
        }
    }
}

/// A sender without a second person.
pub(crate) fn sender(at: Timestamp, actor: impl Into<Text<'static>>, reference: String) -> Sender {
    Sender { at, actor: actor.into(), approved_by: None, reference }
}

/// A sender with a second person's approval.
pub(crate) fn approved(
    at: Timestamp,
    actor: impl Into<Text<'static>>,
    approver: &'static str,
    reference: String,
) -> Sender {
    Sender { at, actor: actor.into(), approved_by: Some(approver), reference }
}
