//! One part of the work: the participants that fall to it, and all of the programme's records, in order of position.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::hint::black_box;

use ledger_core::Record;
use ledger_core::account::Account;
use ledger_core::codes::OutcomeKind;
use ledger_core::event::{Event, Selected, Total};
use ledger_core::ids::ParticipantId;
use ledger_core::time::Date;
use ledger_log::record;
use rapidhash::quality::RapidHasher;
use thin_vec::ThinVec;

use super::case::{Case, Rare, RareKind, about, at_home, change};
use super::payouts::outcome_of;
use super::person::{Day, Person, Said};
use super::plan::{Holds, Payee, Planned};
use super::programme::Programme;
use super::tally::Counts;
use crate::finding::{Finding, Rule};

/// Records that are looked at together, so that what they touch is fetched together.
const AHEAD: usize = 32;
/// People of a block: it is never moved, so that growing never doubles anything.
const BLOCK: usize = 1 << 12;
/// How many records a plan may be older than its own record, to be worked out again.
pub(super) const JOURNAL: u64 = 1 << 18;

/// A hash that is never stored.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = RapidHasher::default_const();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Evidence that somebody was not eligible (D3, D4).
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) place: u32,
    pub(super) identity: u64,
    pub(super) source: String,
    pub(super) said: Said,
    pub(super) withdrawn: Option<Said>,
}

/// A state receipt, which is one whoever it is counted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    pub(super) number: u64,
    pub(super) at: u64,
    pub(super) participant: ParticipantId,
}

/// What could be paid to somebody before a record changed it; nothing where nothing was unlocked.
#[derive(Debug)]
struct Before {
    at: u64,
    place: u32,
    payee: Option<Payee>,
}

/// A plan may be computed some records before its own is recorded: until then, what could be paid is kept.
fn keep(journal: &mut VecDeque<Before>, at: u64, place: u32, payee: Option<Payee>) {
    while journal.front().is_some_and(|before| before.at + JOURNAL < at) {
        journal.pop_front();
    }
    journal.push_back(Before { at, place, payee });
}

/// Whether an event can change what is payable to its participant.
const fn matters(event: &Event<'_>) -> bool {
    !matches!(
        event,
        Event::TrainingBought(_)
            | Event::PayoutAccepted(_)
            | Event::InstructionRecalled(_)
            | Event::OutcomeException(_)
            | Event::RepaymentDemanded(_)
            | Event::RepaymentReceived(_)
    )
}

/// People in blocks.
#[derive(Debug, Default)]
pub(super) struct People(Vec<Vec<Person>>);

impl People {
    fn push(&mut self, person: Person) -> u32 {
        if self.0.last().is_none_or(|block| block.len() == BLOCK) {
            self.0.push(Vec::with_capacity(BLOCK));
        }
        if let Some(block) = self.0.last_mut() {
            block.push(person);
        }
        u32::try_from(self.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * BLOCK + last.len())
    }

    pub(super) fn get(&self, place: u32) -> Option<&Person> {
        self.0.get(place as usize / BLOCK)?.get(place as usize % BLOCK)
    }

    fn get_mut(&mut self, place: u32) -> Option<&mut Person> {
        self.0.get_mut(place as usize / BLOCK)?.get_mut(place as usize % BLOCK)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.iter().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Person> {
        self.0.iter_mut().flatten()
    }
}

/// One part of the work.
#[derive(Debug)]
pub(super) struct Part {
    /// All parts see the programme's records; one tells what is wrong with them.
    pub(super) chief: bool,
    index: HashMap<ParticipantId, u32, BuildHasherDefault<RapidHasher<'static>>>,
    pub(super) people: People,
    pub(super) programme: Programme,
    pub(super) rare: Rare,
    pub(super) counts: Counts,
    journal: VecDeque<Before>,
    pub(super) found: Vec<Found>,
    pub(super) receipts: Vec<Receipt>,
    /// Exceptions by identity, and the first resolution of each.
    pub(super) exceptions: HashMap<u64, u64>,
    pub(super) resolved: Vec<(u64, Finding)>,
    /// Of this window: plans, by number of run.
    pub(super) plans: Vec<usize>,
    /// Of this window: closings, by number of run, and what was instructed of this part's participants.
    pub(super) closings: Vec<(usize, Total)>,
    pub(super) statements: Vec<super::totals::Statement>,
    /// Plans that were too old to be worked out again, by position.
    pub(super) not_replanned: Vec<u64>,
    /// The latest day on which anything happened.
    pub(super) latest: Day,
}

impl Part {
    pub(super) fn new(chief: bool, as_of: Option<Date>) -> Self {
        Self {
            chief,
            index: HashMap::default(),
            people: People::default(),
            programme: Programme::default(),
            rare: Rare::new(),
            counts: Counts::new(as_of),
            journal: VecDeque::new(),
            found: Vec::new(),
            receipts: Vec::new(),
            exceptions: HashMap::new(),
            resolved: Vec::new(),
            plans: Vec::new(),
            closings: Vec::new(),
            statements: Vec::new(),
            not_replanned: Vec::new(),
            latest: Day::default(),
        }
    }

    /// Takes the next records of this part; of a record that cannot be read, nothing but that.
    pub(super) fn take<'b>(&mut self, records: impl Iterator<Item = (u64, &'b [u8])>) {
        let mut batch: Vec<Record<'_>> = Vec::with_capacity(AHEAD);
        for (position, bytes) in records {
            match record::decode(bytes) {
                Ok(record) => batch.push(Record { position, ..record }),
                Err(error) => {
                    self.tell(Finding::new(Rule::Decodable, "a record", error.to_string()).at_position(position));
                }
            }
            if batch.len() == AHEAD {
                self.batch(&batch);
                batch.clear();
            }
        }
        self.batch(&batch);
    }

    /// What some records touch is fetched together, then they are looked at one by one.
    fn batch(&mut self, records: &[Record<'_>]) {
        let mut places = [None; AHEAD];
        for (place, record) in places.iter_mut().zip(records) {
            *place = record.participant.and_then(|id| self.index.get(&id)).copied();
        }
        let people = || places.iter().flatten().filter_map(|place| self.people.get(*place));
        let near =
            people().fold(0, |sum, person| sum ^ person.last ^ u64::from(person.region) ^ person.open_findings as u64);
        let lists = people().fold(0, |sum, person| {
            let (orders, purchases) = (person.orders.first(), person.purchases.first());
            sum ^ orders.map_or(0, |order| order.at) ^ purchases.map_or(0, |purchase| purchase.bought.at)
        });
        black_box(near ^ lists);
        records.iter().zip(places).for_each(|(record, place)| self.record(record, place));
    }

    /// A finding of a programme's record, or of what cannot be read.
    pub(super) fn tell(&mut self, finding: Finding) {
        if self.chief {
            self.counts.find(finding);
        }
    }

    fn record(&mut self, record: &Record<'_>, place: Option<u32>) {
        let said = Said { at: record.position, on: record.occurred_at.wib_date().into() };
        if self.counts.counts(said.on) {
            self.latest = self.latest.max(said.on);
        }
        let ahead = record.occurred_at.is_ahead_of(record.recorded_at);
        match (record.participant, &record.event) {
            (None, _) => {
                if ahead {
                    self.tell(about(Rule::OccurredAhead, record, &[&record.recorded_at, &record.occurred_at]));
                }
                self.follows(record, self.programme.last);
                self.programme.last = Some(record.position);
                self.of_programme(record, said);
            }
            (Some(id), event) => {
                if ahead {
                    self.counts.find(about(Rule::OccurredAhead, record, &[&record.recorded_at, &record.occurred_at]));
                }
                // Who was just selected has a place since.
                match (place.or_else(|| self.index.get(&id).copied()), event) {
                    (None, Event::Selected(e)) => self.select(record, id, e, said),
                    (None, _) => self.counts.find(about(Rule::NamesUnknown, record, &[&"participant", &id])),
                    (Some(place), _) => self.of_person(record, place, said),
                }
            }
        }
    }

    /// Each record names the one before it.
    fn follows(&mut self, record: &Record<'_>, last: Option<u64>) {
        if record.previous == last {
            return;
        }
        let or_none = |position: Option<u64>| position.map_or_else(|| "none".to_owned(), |p| p.to_string());
        let expected = format!("previous position {}", or_none(last));
        let finding = Finding::new(Rule::BackPointer, expected, or_none(record.previous)).at_position(record.position);
        match record.participant {
            None => self.tell(finding),
            Some(participant) => self.counts.find(finding.of(participant)),
        }
    }

    /// Rule 3; what holds between participants is looked at when all were seen.
    fn select(&mut self, record: &Record<'_>, id: ParticipantId, e: &Selected<'_>, said: Said) {
        self.follows(record, None);
        let Some(wave) = self.programme.wave(e.wave) else {
            return self.counts.find(about(Rule::NamesUnknown, record, &[&"wave", &e.wave]));
        };
        let index = u16::try_from(wave).unwrap_or(u16::MAX);
        let closed = [Some(self.programme.waves[wave].closed), self.programme.period(self.programme.waves[wave].year)];
        if let Some(closed) = closed.into_iter().flatten().find(|closed| closed.is()) {
            let finding = about(Rule::SelectedInClosedWave, record, &[&e.wave, &closed.at]);
            self.counts.find(finding.with(closed.at));
        }
        let (_, scheme) = self.programme.of_wave(index);
        let (aid, incentives) = (scheme.training_aid.get(), incentives(scheme));
        self.counts.money.moves(said.on, aid, Account::Budget, Account::TrainingBalance);
        self.counts.money.moves(said.on, incentives, Account::Budget, Account::IncentivesCommitted);
        self.counts.area(index, e.region.0, said.on, |area| {
            area.selected += 1;
            area.entitled += aid + incentives;
        });
        let half = |digest: &[u8; 32]| digest.first_chunk().copied().unwrap_or_default();
        let person = Person {
            id,
            identity: half(&e.identity_digest.0),
            family: e.family_card_digest.0.first_chunk().copied().unwrap_or_default(),
            selected: said,
            last: record.position,
            latest: said.on,
            wave: index,
            region: e.region.0,
            balance: aid,
            forfeited: 0,
            revoked: None,
            reinstated: Day::default(),
            first_deadline: None,
            open_findings: 0,
            ever_found: false,
            link: None,
            fault: Said::default(),
            fault_reason: None,
            surveys: ThinVec::new(),
            purchases: ThinVec::new(),
            links: ThinVec::new(),
            orders: ThinVec::new(),
        };
        let place = self.people.push(person);
        self.index.insert(id, place);
    }

    fn of_person(&mut self, record: &Record<'_>, place: u32, said: Said) {
        let Some(last) = self.people.get(place).map(|person| person.last) else { return };
        self.follows(record, Some(last));
        let Some(person) = self.people.get_mut(place) else { return };
        let (wave, scheme) = self.programme.of_wave(person.wave);
        let wave_closed = wave.closed.is();
        // Of the other events, none changes what is payable.
        let matters = matters(&record.event);
        let before = if matters { Holds::of(person, scheme, wave_closed) } else { None };
        if matters {
            keep(&mut self.journal, record.position, place, Payee::of(person, before));
        }
        let mut case = Case {
            programme: &self.programme,
            person,
            place,
            rare: &mut self.rare,
            counts: &mut self.counts,
            record,
            said,
        };
        match &record.event {
            Event::Selected(_) => {
                let first = case.person.selected.at;
                case.twice("selection", first);
            }
            Event::PayoutInstructed(e) => case.instruct(e),
            Event::InstructionRecalled(e) => case.recall(e),
            Event::OutcomeException(e) => case.exception(e),
            event => match outcome_of(event) {
                Some((kind, outcome)) => case.outcome(kind, outcome),
                None => case.fact(),
            },
        }
        let person = case.person;
        (person.last, person.latest) = (record.position, person.latest.max(said.on));
        if matters {
            let after = Holds::of(person, scheme, wave_closed);
            change(before.as_ref(), after.as_ref(), scheme, person.latest, &mut self.counts);
        }
        self.aside(record, place, said);
    }

    /// What is kept beside the participant.
    fn aside(&mut self, record: &Record<'_>, place: u32, said: Said) {
        match &record.event {
            Event::PayoutInstructed(e) => {
                if let Some(run) = self.programme.run(e.run) {
                    self.programme.runs[run].instructed.add(e.amount);
                }
            }
            Event::IneligibilityFound(e) => {
                let (identity, source) = (hash(&(&e.source, &e.case_number)), e.source.clone().into_owned());
                if self.rare.get(&(RareKind::Found, place, identity)).is_some_and(|first| first.at == said.at) {
                    self.found.push(Found { place, identity, source, said, withdrawn: None });
                }
            }
            Event::IneligibilityWithdrawn(e) => {
                let identity = hash(&(&e.source, &e.case_number));
                let own = self.found.iter_mut().find(|found| (found.place, found.identity) == (place, identity));
                if let Some(found) = own {
                    found.withdrawn.get_or_insert(said);
                }
            }
            Event::RepaymentReceived(e) => {
                let participant = record.participant.unwrap_or(ParticipantId([0; 16]));
                self.receipts.push(Receipt { number: hash(&e.receipt_number), at: record.position, participant });
            }
            Event::OutcomeException(e) => {
                let key = exception_key(e.partner.number(), e.kind, &e.outcome.transaction_reference, &e.instruction);
                self.exceptions.entry(key).or_insert(said.at);
            }
            _ => {}
        }
    }

    /// The items of this part's participants on a date, as the first `known_at` records have them.
    pub(super) fn plan(&self, as_of: Date, known_at: u64) -> Planned {
        let mut changed: HashMap<u32, Option<&Payee>> = HashMap::new();
        for before in self.journal.iter().rev().take_while(|before| before.at >= known_at) {
            changed.insert(before.place, before.payee.as_ref());
        }
        let mut items = Vec::new();
        for (place, person) in (0..).zip(self.people.iter()) {
            let earlier = if changed.is_empty() { None } else { changed.get(&place) };
            let now = || {
                let (wave, scheme) = self.programme.of_wave(person.wave);
                Payee::of(person, Holds::of(person, scheme, wave.closed.is()))
            };
            let payee = earlier.map_or_else(now, |payee| payee.copied());
            let Some(payee) = payee else { continue };
            items.extend(payee.items(&self.programme, as_of).map(|item| (place, item)));
        }
        Planned(items)
    }

    /// The wave's incentives return to the treasury: those of its live members that are at home.
    pub(super) fn close_wave(&mut self, wave: usize, said: Said) {
        let scheme = &self.programme.schemes[self.programme.waves[wave].scheme].0;
        let counts = &mut self.counts;
        for (place, person) in (0..).zip(self.people.iter()).filter(|(_, person)| usize::from(person.wave) == wave) {
            if person.revoked.is_none() {
                let amount = at_home(person, scheme);
                counts.money.moves(said.on, amount, Account::IncentivesCommitted, Account::TreasuryReturned);
                counts.area(person.wave, person.region, said.on, |area| area.treasury += amount);
            }
            let Some(before) = Holds::of(person, scheme, false) else { continue };
            let after = Holds::of(person, scheme, true);
            change(Some(&before), after.as_ref(), scheme, person.latest.max(said.on), counts);
            keep(&mut self.journal, said.at, place, Payee::of(person, Some(before)));
        }
        self.programme.waves[wave].closed = said;
    }

    /// The training balances of the year's waves lapse.
    pub(super) fn close_period(&mut self, year: i16, said: Said) {
        let counts = &mut self.counts;
        for person in self.people.iter_mut() {
            if self.programme.waves[usize::from(person.wave)].year == year {
                let amount = std::mem::take(&mut person.balance);
                counts.money.moves(said.on, amount, Account::TrainingBalance, Account::Lapsed);
                counts.area(person.wave, person.region, said.on, |area| area.treasury += amount);
            }
        }
        self.programme.periods.push((year, said));
    }

    /// Ends a window: what was for it alone goes.
    pub(super) fn end_window(&mut self) {
        self.counts.flows.clear();
        self.plans.clear();
        self.closings.clear();
        self.programme.runs.iter_mut().filter(|run| run.closed.is()).for_each(|run| run.items = None);
    }
}

/// All incentives of a scheme, rupiah.
pub(super) fn incentives(scheme: &ledger_core::scheme::Scheme<'_>) -> i64 {
    scheme.training_incentives.iter().chain(&scheme.survey_incentives).map(|amount| amount.get()).sum()
}

/// The identity of an exception: partner, transaction reference (or the instruction's, where there is none), kind.
pub(super) fn exception_key(partner: u8, kind: OutcomeKind, transaction: &str, instruction: &str) -> u64 {
    hash(&(partner, kind, if transaction.is_empty() { instruction } else { transaction }))
}
