//! `verify`: integrity of the log, and the invariants of DOMAIN section 7 at every position.
//!
//! At a position only the accounts that its record touched are looked at: the others are as they were. What needs a
//! walk over all participants is looked at once, at the end.

use std::ops::ControlFlow;

use ledger_core::account::{Account, Balances};
use ledger_core::event::{DisbursementRunClosed, Event, Total};
use ledger_core::fold::FoldError;
use ledger_core::postings::{self, Posting};
use ledger_core::state::{Outlook, Place, Round};
use ledger_core::{Record, Rupiah, State};
use ledger_log::{Checkpoint, Hash};

use super::Witness;
use super::books::{Books, Component, Entry, Totals};
use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::source::Source;

/// More findings than this are counted and not kept.
const MOST_FINDINGS: usize = 1000;

/// How many participants ahead their lives are fetched, where they are looked at one after the other.
const NEXT: Place = 8;

/// So many participants are not freed while somebody waits.
const MANY: Place = 10_000;

/// What `verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of records whose bytes are intact.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// The first position that cannot be vouched for.
    pub first_bad_position: Option<u64>,
    /// What is wrong, integrity first.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub left_out: u64,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// How many threads shared the work in the end.
    pub threads: usize,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn ok(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks a whole log, and that it is the log of a checkpoint, grown or not, where there is one. With so many threads, where
/// it is in a folder; the report is the same for any number.
///
/// # Errors
///
/// What kept it from being read.
pub fn verify(source: &Source, checkpoint: Option<&Checkpoint>, threads: usize) -> Result<Report, Error> {
    if let Some(report) = super::in_parts::clean(source, checkpoint, threads)? {
        return Ok(report);
    }
    let mut verifier = Verifier::new();
    let mut witness = checkpoint.map(Witness::new);
    let mut watch = |_, bytes: &[u8]| {
        if let Some(witness) = &mut witness {
            witness.record(bytes);
        }
    };
    let pass = source.for_each_watched(&mut watch, &mut |record| verifier.record(record))?;
    let (mut findings, left_out) = verifier.finish();
    findings.splice(0..0, witness.and_then(Witness::finish));
    findings.splice(0..0, pass.findings);
    let first_bad_position = findings.iter().filter_map(|f| f.positions.first().copied()).min();
    Ok(Report {
        size: pass.size,
        root: pass.root,
        first_bad_position,
        findings,
        left_out,
        notes: pass.notes,
        threads: 1,
    })
}

impl Closing {
    /// A closing against what its run planned and instructed. Of a run that a restart interrupted, reasons are known of a
    /// part of what was held.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let Self { event: e, planned, instructed, .. } = self;
        let (planned, instructed) = (*planned, *instructed);
        let sum = |totals: &mut dyn Iterator<Item = Total>| {
            totals.fold((0, 0), |(n, sum), t| (n + i128::from(t.count), sum + i128::from(t.amount.get())))
        };
        let of = |total: Total| sum(&mut [total].into_iter());
        let by_reason = sum(&mut e.held_by.iter().map(|held| held.total));
        let (held, both) = (of(e.held), sum(&mut [e.instructed, e.held].into_iter()));
        let checks = [
            ("instructed", of(instructed), of(e.instructed), e.instructed == instructed),
            ("planned", of(planned), both, both == of(planned)),
            ("held-by-reason", held, by_reason, by_reason.0 <= held.0 && by_reason.1 <= held.1),
        ];
        let wrong = checks.into_iter().filter(|(.., right)| !right);
        let told = |(count, amount)| format!("{count} payments, {amount} rupiah");
        let finding = |(what, expected, found, _): (&str, _, _, _)| {
            Finding::new(Rule::RunClosing, told(expected), told(found)).about(what).at_position(self.at)
        };
        wrong.map(finding).collect()
    }
}

/// Checks records one by one.
pub struct Verifier {
    state: State,
    books: Books,
    findings: Vec<Finding>,
    left_out: u64,
    postings: Vec<Posting>,
    /// The trial balance so far: what is wrong is told once, where it went wrong.
    balance: Rupiah,
    /// Whether no account, and no posting, was ever so large that a sum over all accounts could be beyond 64 bits.
    small: bool,
    /// The participants' shares in a closing, which is one record for all of them.
    shares: Vec<Posting>,
    /// What runs instructed when they closed, where this is one of several that share the participants.
    closings: Option<Vec<Closing>>,
}

/// A run's closing, with what was planned, and what was instructed of the participants that were seen.
#[derive(Clone, Debug)]
pub(crate) struct Closing {
    pub(crate) at: u64,
    pub(crate) event: DisbursementRunClosed,
    pub(crate) planned: Total,
    pub(crate) instructed: Total,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::new(),
            books: Books::default(),
            findings: Vec::new(),
            left_out: 0,
            postings: Vec::new(),
            balance: Rupiah::ZERO,
            small: true,
            shares: Vec::new(),
            closings: None,
        }
    }

    /// One of several that share the participants: each sees all records of its own, and all of the programme's.
    pub(super) fn of_part() -> Self {
        Self { closings: Some(Vec::new()), ..Self::new() }
    }

    /// Takes the next record. Breaks where it cannot follow those before it: then nothing after it can be judged.
    pub fn record(&mut self, record: &Record<'_>) -> ControlFlow<()> {
        self.foreseen(record, None)
    }

    /// Begins to fetch what a record will look at, as [`State::look`] does.
    pub(super) fn look(&self, outlook: &mut Outlook, round: Round) {
        self.state.look(outlook, round);
        if round == Round::Participant {
            self.books.near(outlook.place);
        }
    }

    /// Takes the next record, whose participant probably stands at `place`; breaks like [`Self::record`].
    pub(super) fn foreseen(&mut self, record: &Record<'_>, place: Option<Place>) -> ControlFlow<()> {
        self.postings.clear();
        self.shares.clear();
        let closing = matches!(record.event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_));
        if closing {
            for place in 0..self.state.participants().len() {
                postings::closing(&self.state, record, place, &mut |posting| self.shares.push(posting));
            }
        }
        let postings = &mut self.postings;
        let mut sink = |posting| postings.push(posting);
        let applied = match self.closings {
            None => self.state.apply_foreseen(record, place, &mut sink),
            Some(_) => self.state.apply_of_part(record, place, &mut sink),
        };
        if let Err(error) = applied {
            self.add(does_not_follow(record, error));
            return ControlFlow::Break(());
        }
        if !self.postings.is_empty() || closing {
            self.money(record, closing);
        }
        if let Event::DisbursementRunClosed(e) = &record.event {
            self.run_closing(record.position, e);
        }
        ControlFlow::Continue(())
    }

    /// The invariants at this position.
    fn money(&mut self, record: &Record<'_>, closing: bool) {
        let at = record.position;
        let postings = std::mem::take(&mut self.postings);
        let shares = std::mem::take(&mut self.shares);
        let of_people = if closing { &shares } else { &postings };
        let (mut sum, mut below) = (0, false);
        for posting in &postings {
            below |= self.books.total(posting) < 0 && !posting.account.may_be_negative();
            sum += i128::from(posting.amount.get());
        }
        if sum != 0 {
            let finding = Finding::new(Rule::TrialBalance, "postings that sum to 0", sum.to_string());
            self.add(finding.about("postings").at_position(at));
        }
        self.trial_balance(at, &postings, sum);
        if closing && totals_of(&postings) != totals_of(&shares) {
            let (expected, found) = differing(&totals_of(&postings), &totals_of(&shares));
            self.add(Finding::new(Rule::ClosingShares, expected, found).at_position(at));
        }
        for posting in postings.iter().filter(|p| below && !p.account.may_be_negative()) {
            let total = self.books.totals()[posting.account.index()];
            if total < 0 && total >= moved(&postings, |other| other.account == posting.account) {
                let found = format!("{} {total} over all participants", posting.account);
                self.add(Finding::new(Rule::BelowZero, "0 or more", found).about(posting.account).at_position(at));
            }
        }
        // An account is looked at once all is posted: that no posting left it below zero on the way is enough for most.
        let mut look = false;
        for posting in of_people {
            let after = self.books.post(posting);
            look |= after < 0 && !posting.account.may_be_negative();
            look |= matches!(posting.account, Account::Received | Account::Overpaid);
        }
        for posting in of_people.iter().filter(|_| look) {
            self.account(at, posting, of_people);
        }
        (self.postings, self.shares) = (postings, shares);
    }

    /// The trial balance of the state after a record whose postings sum to `sum`.
    fn trial_balance(&mut self, at: u64, postings: &[Posting], sum: i128) {
        // All accounts do not reach 64 bits together, while each is that small: the balance moved by the sum.
        const SMALL: u64 = 1 << 56;
        const { assert!(Account::COUNT as u64 <= i64::MAX as u64 / SMALL) };
        let small = |amount: Rupiah| amount.get().unsigned_abs() < SMALL;
        let totals = self.state.totals();
        self.small &= postings.iter().all(|posting| small(posting.amount) && small(totals.get(posting.account)));
        if self.small && sum == 0 {
            return;
        }
        let balance = totals.sum();
        if balance != self.balance {
            let finding = Finding::new(Rule::TrialBalance, "a trial balance of 0", balance.to_string());
            self.add(finding.about("totals").at_position(at));
        }
        self.balance = balance;
    }

    /// The account that a posting touched, after the whole record.
    fn account(&mut self, at: u64, posting: &Posting, record: &[Posting]) {
        let (Some(place), account) = (posting.participant, posting.account) else { return };
        let Some((component, amount)) = self.books.after(posting) else { return };
        let same =
            |other: &Posting| (other.participant, other.account) == (Some(place), account) && component.covers(other);
        // Once below zero it stays a finding of where it fell below.
        let fell = || i128::from(amount) >= moved(record, same);
        if amount < 0 && !account.may_be_negative() && fell() {
            let found = format!("{account} {amount} of the {}", component.name());
            let finding = Finding::new(Rule::BelowZero, "0 or more", found).about(account).at_position(at);
            self.add_of(place, finding.worth(Rupiah::new(amount.saturating_neg())));
        }
        if matches!(account, Account::Received | Account::Overpaid) {
            let received = self.books.received(place, component);
            let most = self.entitlement(place, component);
            if received > most {
                let expected = format!("at most {most} of the {}, received and overpaid", component.name());
                let finding = Finding::new(Rule::ReceivedAtMost, expected, received.to_string());
                let finding = finding.about(component.code()).at_position(at);
                self.add_of(place, finding.worth(rupiah(received - most)));
            }
        }
    }

    fn run_closing(&mut self, at: u64, e: &DisbursementRunClosed) {
        let Some((_, run)) = self.state.run(e.run) else { return };
        let closing = Closing { at, event: e.clone(), planned: run.planned_items, instructed: run.instructed };
        match &mut self.closings {
            None => closing.findings().into_iter().for_each(|finding| self.add(finding)),
            Some(closings) => closings.push(closing),
        }
    }

    /// The closings that were seen, and all findings.
    pub(super) fn finish_part(mut self) -> (Vec<Closing>, Vec<Finding>) {
        let closings = self.closings.take().unwrap_or_default();
        (closings, self.finish().0)
    }

    /// The last checks, over all participants; gives all findings, and how many more there were.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Finding>, u64) {
        for place in 0..self.state.participants().len() {
            self.state.fetch(std::iter::once(place.saturating_add(NEXT)));
            self.participant(place);
        }
        let (people, totals) = (self.books.people_totals(), *self.books.totals());
        if people != totals {
            let (expected, found) = differing(&totals, &people);
            self.add(Finding::new(Rule::SumOfParticipants, expected, found));
        }
        let folded = totals_in(self.state.totals());
        if folded != totals {
            let (expected, found) = differing(&totals, &folded);
            self.add(Finding::new(Rule::FactsAndPostings, expected, found));
        }
        let Self { state, books, findings, left_out, .. } = self;
        if state.participants().len() >= MANY {
            // Millions of lives are freed one by one. Nobody needs to wait for it, least of all a process that then ends.
            drop(std::thread::Builder::new().spawn(move || drop((state, books))));
        }
        (findings, left_out)
    }

    fn participant(&mut self, place: Place) {
        let mut posted = [0i64; Account::COUNT];
        let mut without_budget = [0; Component::ALL.len()];
        for Entry { account, component, amount } in self.books.of(place) {
            posted[account] = posted[account].saturating_add(amount);
            if account != Account::Budget.index() {
                without_budget[component as usize] += i128::from(amount);
            }
        }
        for (component, found) in Component::ALL.into_iter().zip(without_budget) {
            let whole = self.entitlement(place, component);
            if found != whole {
                let expected = format!("{whole} of the {} in all accounts without budget", component.name());
                let finding = Finding::new(Rule::WholeEntitlement, expected, found.to_string()).about(component.code());
                self.add_of(place, finding.worth(rupiah((found - whole).abs())));
            }
        }
        let derived = self.state.balances(place);
        if derived != posted {
            let (posted, derived) = (posted.map(i128::from), totals_in(&derived));
            let (expected, found) = differing(&posted, &derived);
            let finding = Finding::new(
                Rule::FactsAndPostings,
                format!("by its postings {expected}"),
                format!("by its facts {found}"),
            );
            let apart = |(a, b): (&i128, &i128)| (a - b).abs();
            self.add_of(place, finding.worth(rupiah(posted.iter().zip(&derived).map(apart).max().unwrap_or(0))));
        }
    }

    fn entitlement(&self, place: Place, component: Component) -> i128 {
        let scheme = self.state.participants().get(place).and_then(|p| self.state.scheme_of(p));
        scheme.map_or(0, |scheme| component.entitlement(scheme))
    }

    fn add_of(&mut self, place: Place, finding: Finding) {
        let participant = self.state.participants().get(place).map(|p| p.id);
        self.add(match participant {
            Some(participant) => finding.of(participant),
            None => finding,
        });
    }

    fn add(&mut self, finding: Finding) {
        if self.findings.iter().any(|earlier| earlier.id == finding.id) {
            return;
        }
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.left_out += 1;
        }
    }
}

fn does_not_follow(record: &Record<'_>, error: FoldError) -> Finding {
    let or_none = |position: Option<u64>| position.map_or_else(|| "none".to_owned(), |p| p.to_string());
    let finding = match error {
        FoldError::Position { expected, found } => {
            Finding::new(Rule::Position, expected.to_string(), found.to_string()).at_position(expected)
        }
        FoldError::Previous { expected, found } => {
            let expected = format!("previous position {}", or_none(expected));
            Finding::new(Rule::BackPointer, expected, or_none(found)).at_position(record.position)
        }
        FoldError::RecordedAt => {
            let found = format!("recorded_at {}", record.recorded_at);
            Finding::new(Rule::RecordedAt, "a time not before the record before it", found).at_position(record.position)
        }
        FoldError::Unknown(_) | FoldError::Second(_) | FoldError::Full => {
            let expected = format!("{} that can follow", record.event.name());
            Finding::new(Rule::Follows, expected, error.to_string()).at_position(record.position)
        }
    };
    match record.participant {
        Some(participant) => finding.of(participant),
        None => finding,
    }
}

/// The sum of some postings, rupiah.
fn moved(postings: &[Posting], which: impl Fn(&Posting) -> bool) -> i128 {
    postings.iter().filter(|posting| which(posting)).map(|posting| i128::from(posting.amount.get())).sum()
}

fn totals_of(postings: &[Posting]) -> Totals {
    let mut totals = [0; Account::COUNT];
    postings.iter().for_each(|posting| totals[posting.account.index()] += i128::from(posting.amount.get()));
    totals
}

fn totals_in(balances: &Balances) -> Totals {
    let mut totals = [0; Account::COUNT];
    balances.iter().for_each(|(account, amount)| totals[account.index()] = amount.get().into());
    totals
}

/// The accounts that differ, as they should be and as they are.
fn differing(expected: &Totals, found: &Totals) -> (String, String) {
    let differ = || Account::all().filter(|a| expected[a.index()] != found[a.index()]);
    let list = |totals: &Totals| {
        let each = differ().map(|account| format!("{account} {}", totals[account.index()]));
        each.collect::<Vec<_>>().join(", ")
    };
    (list(expected), list(found))
}

fn rupiah(amount: i128) -> Rupiah {
    Rupiah::new(i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX }))
}
