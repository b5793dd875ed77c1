//! Arbitrary histories. A step is abstract ("this person's next thing", "a report of that instruction") and finds its
//! ids in the state when it is played, so that most of what is asked can be recorded and shrinking keeps sense.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::codes::{Component, Evidence, Ground, OutcomeKind, Partner, Platform};
use ledger_core::event::{Event, RepaymentDemanded, Text, TrainingReviewed};
use ledger_core::ids::Position;
use ledger_core::scheme::Scheme;
use ledger_core::state::{FactKind, Instruction, Participant, Status};
use ledger_core::time::Date;
use ledger_core::{Decision, Rejection, State};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::given::Ledger;
use crate::words::{
    Ask, P, account_fault, approve_run, close_period, close_wave, day, enact, found_by, funds, open, outcome, plan_run,
    report, resolve, rp, statement,
};

/// How many people a history is about.
pub const PEOPLE: u8 = 6;

/// One step of a history.
#[derive(Clone, Debug)]
pub struct Step {
    /// Days that pass before it.
    pub days: u8,
    /// How many days ago it happened.
    pub late: u8,
    /// Whom it is about.
    pub who: u8,
    /// Chooses among what is possible.
    pub pick: u8,
    /// What happens.
    pub what: What,
}

/// What happens in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum What {
    Next,
    Link,
    Unlink,
    Buy,
    Cancel,
    Complete,
    Withdraw,
    Certify,
    Review,
    Survey,
    Revoke,
    Reinstate,
    Find,
    Clear,
    Owe,
    Repay,
    Settle,
    Report,
    Wrong,
    Pay,
    PayPartly,
    Jobs,
    Funds,
    CloseWave,
    ClosePeriod,
    Resolve,
    Statement,
    Again,
    Clash,
}

const WEIGHTS: [(u32, What); 29] = [
    (60, What::Next),
    (3, What::Link),
    (1, What::Unlink),
    (3, What::Buy),
    (3, What::Cancel),
    (3, What::Complete),
    (2, What::Withdraw),
    (2, What::Certify),
    (2, What::Review),
    (4, What::Survey),
    (3, What::Revoke),
    (3, What::Reinstate),
    (1, What::Find),
    (2, What::Clear),
    (1, What::Owe),
    (2, What::Repay),
    (8, What::Settle),
    (12, What::Report),
    (4, What::Wrong),
    (12, What::Pay),
    (3, What::PayPartly),
    (2, What::Jobs),
    (1, What::Funds),
    (1, What::CloseWave),
    (2, What::ClosePeriod),
    (1, What::Resolve),
    (1, What::Statement),
    (2, What::Again),
    (1, What::Clash),
];

/// One step.
pub fn step() -> impl Strategy<Value = Step> {
    let what = prop::strategy::Union::new_weighted(WEIGHTS.map(|(weight, what)| (weight, Just(what))).to_vec());
    let days = prop_oneof![14 => 0..3u8, 2 => 3..12u8, 1 => 12..35u8];
    let late = prop_oneof![9 => Just(0u8), 1 => 0..20u8];
    (days, late, 1..=PEOPLE, any::<u8>(), what).prop_map(|(days, late, who, pick, what)| Step {
        days,
        late,
        who,
        pick,
        what,
    })
}

/// A history of up to so many steps.
pub fn history(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..most)
}

/// A ledger while a history is played.
pub struct World {
    /// The ledger.
    pub ledger: Ledger,
    /// Every request that was recorded, with its first position.
    pub recorded: Vec<(Ask, u64)>,
    /// How many requests were made.
    pub asked: u64,
    /// The reasons of all rejections, and how often.
    pub refused: BTreeMap<&'static str, u64>,
    today: Date,
    ids: u8,
}

impl World {
    /// Both schemes, three waves and funds.
    #[must_use]
    pub fn new() -> Self {
        let start = day("2020-03-20");
        let mut world = Self {
            ledger: Ledger::default(),
            recorded: Vec::new(),
            asked: 0,
            refused: BTreeMap::new(),
            today: start,
            ids: 0,
        };
        for ask in [
            enact(Scheme::semi_bansos(), start),
            enact(Scheme::normal(), start),
            open(1, "semi-bansos", 2020, 3, start),
            open(2, "normal", 2020, 4, start),
            open(3, "semi-bansos", 2021, 5, start),
            funds("dipa-2020", 2020, 12_000_000, start),
            funds("dipa-2021", 2021, 9_000_000, start),
        ] {
            let _ = world.ask(ask);
        }
        world.asked = 0;
        world
    }

    /// A world after a history.
    #[must_use]
    pub fn after(history: &[Step]) -> Self {
        let mut world = Self::new();
        history.iter().for_each(|step| world.play(step));
        world
    }

    fn ask(&mut self, ask: Ask) -> Result<Decision<'static>, Rejection> {
        let position = self.ledger.state().size();
        let decision = self.ledger.ask(&ask);
        self.asked += 1;
        match &decision {
            Ok(Decision::Record(_)) => self.recorded.push((ask, position)),
            Ok(Decision::Repeat { .. }) => {}
            Err(rejection) => {
                *self.refused.entry(rejection.reason()).or_insert(0) += 1;
            }
        }
        decision
    }

    fn id(&mut self) -> u8 {
        self.ids = self.ids.wrapping_add(1);
        self.ids
    }

    /// Plays one step.
    pub fn play(&mut self, step: &Step) {
        self.today = self.today.plus_days(step.days.into());
        let (who, pick) = (P(step.who), step.pick);
        let when = self.today.plus_days(-i32::from(step.late));
        let clock = self.today;
        let ask = match step.what {
            What::Pay | What::PayPartly => return self.pay(step),
            What::Jobs => {
                self.ledger.jobs(self.today);
                return;
            }
            What::Again | What::Clash => return self.again(step),
            What::Funds => funds_of(pick, when),
            What::CloseWave if self.today > day("2020-12-20") || pick.is_multiple_of(16) => {
                close_wave(1 + u32::from(pick % 3), when)
            }
            What::ClosePeriod if self.today > day("2020-12-10") => {
                close_period(if pick.is_multiple_of(4) { 2021 } else { 2020 }, when)
            }
            What::Statement => statement(partner(pick), pick % 16, when),
            What::Resolve if self.ledger.state().exceptions().next().is_some() || pick.is_multiple_of(8) => {
                self.resolve(pick, when)
            }
            what => self.about(who, what, pick, when),
        };
        let _ = self.ask(ask.clock(clock));
    }

    /// What happens to one person; the natural next thing where nothing else is possible.
    fn about(&mut self, who: P, what: What, pick: u8, when: Date) -> Ask {
        let Some(participant) = self.ledger.state().participant(who.id()) else {
            let wave = 1 + u32::from(pick % 3);
            return who.select_as(wave, who.identity(), who.0.div_ceil(2), when);
        };
        let known = Known::of(self.ledger.state(), participant, when);
        let wave = self.ledger.state().wave(participant.wave);
        let last_day = wave.map_or(when, |wave| wave.balance_last_day);
        let recorded = |name| recorded_names_of(&self.ledger, who).any(|recorded| recorded == name);
        let possible = match what {
            What::Cancel | What::Complete => !known.uncompleted.is_empty(),
            What::Withdraw | What::Certify | What::Review => !known.completed.is_empty() && !known.revoked,
            What::Unlink => !known.links.is_empty() && !known.revoked,
            What::Reinstate => known.revoked,
            What::Repay => recorded("RepaymentDemanded"),
            What::Clear => recorded("IneligibilityFound"),
            What::Buy => when <= last_day && known.uncompleted.is_empty() && !known.revoked,
            What::Survey | What::Link => !known.revoked,
            _ => true,
        };
        match what {
            _ if !possible && !pick.is_multiple_of(8) => self.next(who, &known, pick, when, last_day),
            What::Link => {
                let holder = if pick.is_multiple_of(16) { P(99).identity() } else { who.identity() };
                who.link_of(self.id(), partner(pick), holder, when)
            }
            What::Unlink => who.unlink(any_of(&known.links, pick), when),
            What::Buy => who.buy_from(platform(pick), self.id(), i64::from(pick) * 10_000, when),
            What::Cancel => who.cancel(any_of(&known.uncompleted, pick), when),
            What::Complete => who.complete(any_of(&known.uncompleted, pick), when),
            What::Withdraw => who.withdraw(any_of(&known.completed, pick), self.id(), when),
            What::Certify => who.certify(any_of(&known.completed, pick), when),
            What::Review => {
                let purchase = crate::words::purchase(any_of(&known.completed, pick));
                who.sends(TrainingReviewed { purchase, rating: 1 + pick % 5 }, when)
            }
            What::Survey => who.survey(known.surveys + 1, when),
            What::Revoke => who.revoke(self.id(), ground(pick), when),
            What::Reinstate => {
                let later = when.plus_days(i32::from(pick % 30));
                let deadline = (!pick.is_multiple_of(4)).then(|| last_day.min(later));
                who.reinstate(self.id(), deadline, when)
            }
            What::Find => who.find(CASES[usize::from(pick) % CASES.len()], when),
            What::Clear => who.clear(CASES[usize::from(pick) % CASES.len()], when),
            What::Owe => {
                let component = Component::ALL[usize::from(pick) % Component::ALL.len()];
                let amount = rp(i64::from(pick) * 10_000);
                who.sends(RepaymentDemanded { demand: crate::words::demand(who.0), component, amount }, when)
            }
            What::Repay => {
                let receipt = format!("receipt-{}", self.id());
                who.repay(who.0, receipt, 1 + i64::from(pick) * 7_000, when)
            }
            What::Settle | What::Report | What::Wrong => match known.instructions.is_empty() {
                true => self.next(who, &known, pick, when, last_day),
                false => self.report(&known, what, pick, when),
            },
            _ => self.next(who, &known, pick, when, last_day),
        }
    }

    fn next(&mut self, who: P, known: &Known, pick: u8, when: Date, last_day: Date) -> Ask {
        if known.revoked {
            return who.reinstate(self.id(), Some(last_day.min(when.plus_days(10))), when);
        }
        if known.links.is_empty() || known.unlinked {
            return who.link(self.id(), partner(pick), when);
        }
        if let Some(n) = known.uncompleted.last() {
            return who.complete(*n, when);
        }
        if let Some(n) = known.uncertified.last() {
            return who.certify(*n, when);
        }
        if let Some(n) = known.unreviewed.last() {
            return who.review(*n, when);
        }
        if known.instructions.iter().any(Instruction::is_open) {
            return self.report(known, What::Settle, pick, when);
        }
        if known.late {
            return who.revoke(self.id(), Ground::NoFirstPurchase, when);
        }
        if when <= last_day && (known.completed.is_empty() || pick.is_multiple_of(4)) {
            return who.buy_from(platform(pick), self.id(), 50_000 + i64::from(pick) * 1_000, when);
        }
        if !known.unlocked || known.surveys == known.surveys_in_all {
            return who.link(self.id(), partner(pick), when);
        }
        who.survey(known.surveys + 1, when)
    }

    /// A report of one of a person's instructions: fitting, odd, or plainly wrong.
    fn report(&mut self, known: &Known, what: What, pick: u8, when: Date) -> Ask {
        let open: Vec<_> = known.instructions.iter().filter(|i| i.is_open()).collect();
        let (kind, instruction) = match (what, open.last()) {
            (What::Settle, Some(open)) => (OutcomeKind::Settled, *open),
            _ => {
                let kind = OutcomeKind::ALL[usize::from(pick) % OutcomeKind::ALL.len()];
                (kind, &known.instructions[usize::from(pick / 5) % known.instructions.len()])
            }
        };
        let position = instruction.position().0;
        let amount = if instruction.entitlement().kind.number() == 1 { 600_000 } else { 50_000 };
        let reference = format!("tx-{}", self.id());
        let mut said = outcome(position, amount, reference);
        if pick.is_multiple_of(7) {
            said = account_fault(said);
        }
        if pick.is_multiple_of(3) {
            let evidence = if pick.is_multiple_of(2) { Evidence::Inquiry } else { Evidence::Manual };
            said = found_by(evidence, said);
        }
        let mut from = instruction.partner;
        if what == What::Wrong {
            match pick % 4 {
                0 => said.amount = rp(amount + 1),
                1 => said.instruction = Position(position + 1),
                2 => from = partner(pick),
                _ => said.transaction_reference = Text::Borrowed("tx-same"),
            }
        }
        report(from, kind, said, when)
    }

    fn resolve(&self, pick: u8, when: Date) -> Ask {
        let mut keys: Vec<_> = self.ledger.state().exceptions().map(|(key, _)| key.clone()).collect();
        keys.sort_by_key(|key| (key.partner, key.reference.clone(), key.kind));
        match keys.get(usize::from(pick) % keys.len().max(1)) {
            Some(key) => resolve(key.partner, key.reference.clone(), key.kind, "cleared", when),
            None => resolve(Partner::Bank, "tx-none", OutcomeKind::Settled, "cleared", when),
        }
    }

    fn pay(&mut self, step: &Step) {
        let n = self.id();
        let as_of = self.today.plus_days(-i32::from(step.late));
        let plan = ledger_core::run::plan(self.ledger.state(), as_of);
        if self.ask(plan_run(n, as_of, self.today)).is_err() {
            return;
        }
        if step.what == What::PayPartly {
            // Something happens between plan and approval, and the run stops once.
            let other = Step { days: 0, what: WEIGHTS[usize::from(step.pick) % 19].1, ..step.clone() };
            self.play(&other);
        }
        if self.ask(approve_run(n, plan.digest, self.today)).is_err() {
            return;
        }
        if step.what == What::PayPartly {
            let first = self.ledger.work_off(n, &plan, usize::from(step.pick % 3));
            if first.instructed.len() < usize::from(step.pick % 3) {
                return;
            }
        }
        self.ledger.work_off(n, &plan, usize::MAX);
    }

    /// A recorded request once more: as it was, or with other content.
    fn again(&mut self, step: &Step) {
        let Some((ask, first)) = self.recorded.get(usize::from(step.pick) % self.recorded.len().max(1)) else { return };
        let (first, ask) = (*first, ask.clone().clock(self.today));
        if step.what == What::Again {
            assert_eq!(self.ask(ask.clone()), Ok(Decision::Repeat { position: first }), "{ask:?}");
            return;
        }
        let later = ledger_core::time::Timestamp::from_nanos(ask.occurred_at.nanos() + 1);
        let other = ask.at(later);
        let answer = self.ask(other.clone());
        if let ledger_core::Command::Record { .. } = other.command {
            assert_eq!(answer, Err(Rejection::AlreadyExists { position: first }), "{other:?}");
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

const CASES: [&str; 2] = ["case-a", "case-b"];

fn partner(pick: u8) -> Partner {
    Partner::ALL[usize::from(pick) % Partner::ALL.len()]
}

fn platform(pick: u8) -> Platform {
    Platform::ALL[usize::from(pick) % Platform::ALL.len()]
}

fn ground(pick: u8) -> Ground {
    Ground::ALL[usize::from(pick) % Ground::ALL.len()]
}

fn funds_of(pick: u8, when: Date) -> Ask {
    const DOCUMENTS: [&str; 8] = ["dipa-a", "dipa-b", "dipa-c", "dipa-d", "dipa-e", "dipa-f", "dipa-g", "dipa-h"];
    let amount = (i64::from(pick) - 100) * 50_000;
    funds(DOCUMENTS[usize::from(pick) % DOCUMENTS.len()], 2020 + i16::from(pick % 2), amount, when)
}

fn any_of(ids: &[u8], pick: u8) -> u8 {
    ids.get(usize::from(pick) % ids.len().max(1)).copied().unwrap_or(pick)
}

/// What a step may choose from.
struct Known {
    late: bool,
    unlocked: bool,
    surveys_in_all: u8,
    revoked: bool,
    links: Vec<u8>,
    unlinked: bool,
    uncompleted: Vec<u8>,
    completed: Vec<u8>,
    uncertified: Vec<u8>,
    unreviewed: Vec<u8>,
    surveys: u8,
    instructions: Vec<Instruction>,
}

impl Known {
    fn of(state: &State, participant: &Participant, when: Date) -> Self {
        let purchases: Vec<_> = participant.purchases().zip(0u16..).filter(|(p, _)| !p.cancelled).collect();
        let ids = |wanted: &dyn Fn(bool, u16) -> bool| {
            purchases.iter().filter(|(p, index)| wanted(p.completed, *index)).map(|(p, _)| p.id.0[0]).collect()
        };
        let has = |kind, index| participant.fact(kind, index).is_some();
        let deadline = state.first_purchase_deadline(participant);
        Self {
            late: !participant.has_bought() && deadline.is_some_and(|deadline| when > deadline),
            unlocked: participant.unlock().is_some(),
            surveys_in_all: state.scheme_of(participant).map_or(0, |scheme| scheme.survey_incentives.len() as u8),
            revoked: participant.status != Status::Live,
            links: participant.links().map(|link| link.id.0[0]).collect(),
            unlinked: participant.link().is_none(),
            uncompleted: ids(&|completed, _| !completed),
            completed: ids(&|completed, _| completed),
            uncertified: ids(&|completed, index| completed && !has(FactKind::Certified, index)),
            unreviewed: ids(&|completed, index| completed && !has(FactKind::Reviewed, index)),
            surveys: (1..=9).take_while(|number| participant.survey_filled_on(*number).is_some()).count() as u8,
            instructions: participant.instructions().collect(),
        }
    }
}

fn recorded_names_of(ledger: &Ledger, who: P) -> impl Iterator<Item = &'static str> + '_ {
    let own = ledger.records().iter().filter(move |record| record.participant == Some(who.id()));
    own.map(|record| record.event.name())
}

/// The names of all recorded events.
#[must_use]
pub fn recorded_names(ledger: &Ledger) -> BTreeSet<&'static str> {
    ledger.records().iter().map(|record| Event::name(&record.event)).collect()
}
