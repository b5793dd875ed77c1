//! given / when / then: a ledger in memory that decides, records and folds, and checks every invariant of DOMAIN
//! section 7 after every record.

use std::collections::BTreeMap;

use ledger_core::account::{Account, Balances};
use ledger_core::codes::{Auth, EntitlementKind};
use ledger_core::deadlines::passed;
use ledger_core::decide::{Beside, Comparison, compare, decide_beside};
use ledger_core::event::{Event, HeldTotal, Text};
use ledger_core::ids::ParticipantId;
use ledger_core::postings::{Item as About, Posting, closing};
use ledger_core::run::{self, Execution, Plan};
use ledger_core::schedule::Held;
use ledger_core::state::Place;
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Decision, Meta, NewEvent, Record, Rejection, Rupiah, State};

use crate::words::{Ask, Moment, approve_run, plan_run, run};

/// A state with the records that made it.
#[derive(Default)]
pub struct Ledger {
    state: State,
    records: Vec<Record<'static>>,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Positions of the instructions.
    pub instructed: Vec<u64>,
    /// What was held, by reason.
    pub held: Vec<HeldTotal>,
}

impl Paid {
    /// Position of the only instruction.
    ///
    /// # Panics
    ///
    /// Where there is not exactly one.
    #[must_use]
    pub fn one(&self) -> u64 {
        let [position] = self.instructed[..] else { panic!("not exactly one instruction: {self:?}") };
        position
    }

    /// How many items each reason holds.
    #[must_use]
    pub fn reasons(&self) -> Vec<(Held, u64)> {
        self.held.iter().map(|held| (held.reason, held.total.count)).collect()
    }
}

impl Ledger {
    /// A ledger after these requests.
    #[must_use]
    pub fn given(asks: impl IntoIterator<Item = Ask>) -> Self {
        let mut ledger = Self::default();
        ledger.and(asks);
        ledger
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Every record so far.
    #[must_use]
    pub fn records(&self) -> &[Record<'static>] {
        &self.records
    }

    /// Requests that must all be recorded.
    ///
    /// # Panics
    ///
    /// Where one is not.
    pub fn and(&mut self, asks: impl IntoIterator<Item = Ask>) -> &mut Self {
        for ask in asks {
            match self.ask(&ask) {
                Ok(Decision::Record(_)) => {}
                other => panic!("given {ask:?}: {other:?}"),
            }
        }
        self
    }

    /// The decision, without recording anything; what was recorded before under the same identity is compared with its
    /// record.
    ///
    /// # Errors
    ///
    /// The rejection.
    pub fn decide(&self, ask: &Ask) -> Result<Decision<'static>, Rejection> {
        let meta = ask.meta(&self.state);
        let mut apart = Vec::new();
        loop {
            // Whatever is guessed of where the participant stands, the decision is the same.
            let [decision, guessed] = [None, Some(0)]
                .map(|guess| decide_beside(&self.state, &meta, ask.command.clone(), Beside { apart: &apart, guess }));
            assert_eq!(decision, guessed, "{ask:?}");
            let decision = decision?;
            let Decision::Repeat { position } = decision else { return Ok(decision) };
            match compare(&self.records[position as usize], &ask.command, meta.occurred_at) {
                Comparison::Same => return Ok(decision),
                Comparison::Differs => return Err(Rejection::AlreadyExists { position }),
                Comparison::Apart => apart.push(position),
            }
        }
    }

    /// The decision; new events are recorded.
    ///
    /// # Errors
    ///
    /// The rejection.
    pub fn ask(&mut self, ask: &Ask) -> Result<Decision<'static>, Rejection> {
        let decision = self.decide(ask)?;
        if let Decision::Record(events) = &decision {
            assert!(!events.is_empty(), "a decision records something: {ask:?}");
            let meta = ask.meta(&self.state);
            for event in events {
                self.record(event.clone(), &meta);
            }
        }
        Ok(decision)
    }

    /// Records one event and checks all invariants; gives its position.
    ///
    /// # Panics
    ///
    /// Where the fold refuses the event or an invariant is broken.
    pub fn record(&mut self, new: NewEvent<'static>, meta: &Meta<'static>) -> u64 {
        let record = new.next_record(&self.state, meta).into_owned();
        let before = Books::of(&self.state);
        let shares = closing_shares(&self.state, &record);
        let mut postings = Vec::new();
        if let Err(refused) = self.state.apply(&record, &mut |posting| postings.push(posting)) {
            panic!("what was decided cannot be folded: {refused} {record:?}");
        }
        before.check(&self.state, &record, &postings, &shares);
        self.records.push(record);
        self.state.size() - 1
    }

    /// Records an event of the ledger's own jobs at that clock.
    pub fn record_own(&mut self, new: NewEvent<'static>, clock: Timestamp) -> u64 {
        let meta = Meta {
            occurred_at: new.occurred_at,
            recorded_at: clock.max(self.state.last_recorded_at().unwrap_or(clock)),
            actor: Text::Borrowed("job/ledger"),
            auth: Auth::Internal,
            approved_by: None,
            source_reference: Text::Borrowed(""),
        };
        self.record(new, &meta)
    }

    /// Plans a run and gives its plan.
    pub fn plan(&mut self, n: u8, as_of: Date, when: impl Moment) -> Plan {
        let plan = run::plan(&self.state, as_of);
        self.and([plan_run(n, as_of, when)]);
        plan
    }

    /// Approves a planned run.
    pub fn approve(&mut self, n: u8, plan: &Plan, when: impl Moment) {
        self.and([approve_run(n, plan.digest, when)]);
    }

    /// Works an approved run off from where it stands, as after a restart; stops after so many instructions, or else
    /// closes it.
    ///
    /// # Panics
    ///
    /// Where the run cannot be closed.
    pub fn work_off(&mut self, n: u8, plan: &Plan, at_most: usize) -> Paid {
        let mut execution = Execution::new(&self.state, run(n), plan.clone());
        let mut paid = Paid::default();
        while paid.instructed.len() < at_most {
            let Some(new) = execution.step(&self.state) else {
                let closed = execution.close(&self.state).expect("a run that can be closed");
                self.record_own(closed, Timestamp::default());
                break;
            };
            paid.instructed.push(self.record_own(new, Timestamp::default()));
        }
        paid.held = execution.held_by_reason().collect();
        paid
    }

    /// A whole run: planned, approved, instructed, closed.
    pub fn pay(&mut self, n: u8, as_of: Date, when: impl Moment) -> Paid {
        let when = when.instant();
        let plan = self.plan(n, as_of, when);
        self.approve(n, &plan, when);
        self.work_off(n, &plan, usize::MAX)
    }

    /// The deadline and expiry jobs as of a date; gives what they recorded.
    pub fn jobs(&mut self, as_of: Date) -> Vec<Event<'static>> {
        let mut recorded = Vec::new();
        for place in 0..self.state.participants().len() {
            let events = self.state.participants().get(place).map(|p| passed(&self.state, p, as_of));
            for new in events.into_iter().flatten() {
                recorded.push(new.event.clone());
                self.record_own(new, as_of.instant());
            }
        }
        recorded
    }

    /// A participant's non-zero accounts without the budget.
    ///
    /// # Panics
    ///
    /// Where there is no such participant.
    #[must_use]
    pub fn accounts(&self, id: ParticipantId) -> BTreeMap<String, i64> {
        let place = self.state.place(id).expect("a participant");
        named(&self.state.balances(place))
    }
}

/// Non-zero balances by account name, without the budget.
#[must_use]
pub fn named(balances: &Balances) -> BTreeMap<String, i64> {
    let open = balances.iter().filter(|(account, sum)| *account != Account::Budget && *sum != Rupiah::ZERO);
    open.map(|(account, sum)| (account.to_string(), sum.get())).collect()
}

/// Balances of everybody before a record.
struct Books {
    totals: Balances,
    each: Vec<Balances>,
}

fn closing_shares(state: &State, record: &Record<'_>) -> Vec<Posting> {
    let mut shares = Vec::new();
    for place in 0..state.participants().len() {
        closing(state, record, place, &mut |posting| shares.push(posting));
    }
    shares
}

fn change(before: &Balances, after: &Balances) -> BTreeMap<String, i64> {
    let changes = before.iter().zip(after.iter()).map(|((account, old), (_, new))| (account, new.get() - old.get()));
    changes.filter(|(_, change)| *change != 0).map(|(account, change)| (account.to_string(), change)).collect()
}

fn sums<'p>(postings: impl IntoIterator<Item = &'p Posting>) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for posting in postings {
        *sums.entry(posting.account.to_string()).or_insert(0) += posting.amount.get();
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

impl Books {
    fn of(state: &State) -> Self {
        Self { totals: *state.totals(), each: (0..state.participants().len()).map(|p| state.balances(p)).collect() }
    }

    /// Every invariant of DOMAIN section 7.
    fn check(&self, state: &State, record: &Record<'_>, postings: &[Posting], shares: &[Posting]) {
        let at = format!("{} at {}", record.event.name(), record.position);
        assert_eq!(state.totals().sum(), Rupiah::ZERO, "the trial balance after {at}");
        not_below_zero(state.totals(), &at);
        assert_eq!(postings.iter().map(|p| p.amount.get()).sum::<i64>(), 0, "the sum of the postings of {at}");
        assert_eq!(sums(postings), change(&self.totals, state.totals()), "postings and the change of totals of {at}");

        let mut all = Balances::default();
        for place in 0..state.participants().len() {
            let balances = state.balances(place);
            all.merge(&balances);
            let before = self.each.get(place as usize).copied().unwrap_or_default();
            let own: Vec<_> = postings.iter().chain(shares).filter(|p| p.participant == Some(place)).collect();
            assert_eq!(sums(own), change(&before, &balances), "a participant's postings and balances of {at}");
            participant(state, place, &balances, &at);
        }
        assert_eq!(named(&all), named(state.totals()), "totals are the sum of the participants' after {at}");
        assert_eq!(all, *state.totals(), "totals are the sum of the participants' after {at}");

        let of_waves = postings.iter().filter(|p| matches!(p.item, About::Wave(_)));
        assert_eq!(sums(of_waves), sums(shares), "a closing's sum and the participants' shares of {at}");
        assert!(postings.iter().all(|p| p.participant.is_some() || matches!(p.item, About::Wave(_))), "{at}");
    }
}

fn not_below_zero(balances: &Balances, at: &str) {
    for (account, sum) in balances.iter() {
        assert!(account.may_be_negative() || sum >= Rupiah::ZERO, "{account} is {sum} after {at}");
    }
}

fn participant(state: &State, place: Place, balances: &Balances, at: &str) {
    let participant = state.participants().get(place).expect("a participant");
    let scheme = state.scheme_of(participant).expect("a scheme");
    not_below_zero(balances, at);
    assert_eq!(balances.sum(), Rupiah::ZERO, "a participant's trial balance after {at}");
    let without_budget: i64 = named(balances).values().sum();
    assert_eq!(without_budget, scheme.whole().get(), "a participant's accounts without the budget after {at}");

    let (mut received, mut overpaid) = (0, 0);
    for component in [EntitlementKind::Training, EntitlementKind::Survey] {
        let (mut paid, mut due) = (0, 0);
        for (entitlement, amount) in scheme.entitlements().filter(|(e, _)| e.kind == component) {
            let money = participant.money(entitlement);
            due += amount.get();
            received += amount.get() * i64::from(money.settled);
            overpaid -= amount.get() * i64::from(money.overpaid());
            paid += amount.get() * (i64::from(money.settled) - i64::from(money.overpaid()));
        }
        assert!(paid <= due, "received + overpaid of {component} is {paid} of {due} after {at}");
    }
    assert_eq!(balances.get(Account::Received).get(), received, "received after {at}");
    assert_eq!(balances.get(Account::Overpaid).get(), overpaid, "overpaid after {at}");
}
