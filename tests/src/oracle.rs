//! The oracle: every participant's money computed a second time, from the plain list of events.
//!
//! It shares no rule with the ledger: it keeps no balances and posts nothing. It gathers what was said of each
//! participant, then answers by cases: which purchases stand, what became of each instruction, was the membership live,
//! were wave and period closed, and in what order. Written from DOMAIN sections 2 and 5 to 7.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::codes::{EntitlementKind, Partner, Platform};
use ledger_core::event::{Event, Record};
use ledger_core::ids::{ParticipantId, PurchaseId, RunId, Wave};
use ledger_core::scheme::{Entitlement, Scheme};
use ledger_core::time::Date;

/// Everything that was observed, in order.
#[derive(Default)]
pub struct Oracle {
    schemes: BTreeMap<String, Scheme<'static>>,
    /// Scheme and year of each wave.
    waves: BTreeMap<Wave, (String, i16)>,
    waves_closed: BTreeMap<Wave, u64>,
    periods_closed: BTreeMap<i16, u64>,
    runs: BTreeMap<RunId, Date>,
    people: BTreeMap<ParticipantId, Vec<Seen>>,
}

/// One event of one participant.
struct Seen {
    position: u64,
    date: Date,
    event: Event<'static>,
}

/// A bought course and what became of it.
struct Course {
    price: i64,
    platform: Platform,
    bought: Date,
    cancelled: Option<u64>,
    completed: Option<(u64, Date)>,
    withdrawn: bool,
    certified: Option<Date>,
    reviewed: Option<Date>,
}

/// An instruction and what became of it.
struct Order {
    entitlement: Entitlement,
    partner: Partner,
    year: i16,
    amount: i64,
    rejected: bool,
    settled: i64,
    returned: i64,
    /// Settlements that found no money of this instruction in transit.
    beside_transit: i64,
}

impl Order {
    const fn in_transit(&self) -> bool {
        !self.rejected && self.settled == 0
    }

    const fn with_person(&self) -> i64 {
        self.settled - self.returned
    }
}

impl Oracle {
    /// Takes the next record of the log.
    pub fn observe(&mut self, record: &Record<'_>) {
        if let Some(id) = record.participant {
            let event = record.event.clone().into_owned();
            let seen = Seen { position: record.position, date: record.occurred_at.wib_date(), event };
            self.people.entry(id).or_default().push(seen);
            return;
        }
        match &record.event {
            Event::SchemeEnacted(e) => {
                self.schemes.insert(e.scheme.scheme.to_string(), e.scheme.clone().into_owned());
            }
            Event::WaveOpened(e) => {
                self.waves.insert(e.wave, (e.scheme.to_string(), e.year));
            }
            Event::WaveClosed(e) => {
                self.waves_closed.insert(e.wave, record.position);
            }
            Event::BalancePeriodClosed(e) => {
                self.periods_closed.insert(e.year, record.position);
            }
            Event::DisbursementRunPlanned(e) => {
                self.runs.insert(e.run, e.as_of);
            }
            _ => {}
        }
    }

    /// Every participant.
    pub fn participants(&self) -> impl Iterator<Item = ParticipantId> + '_ {
        self.people.keys().copied()
    }

    /// A participant's non-zero accounts by name, rupiah.
    #[must_use]
    pub fn accounts(&self, id: ParticipantId) -> BTreeMap<String, i64> {
        let mut accounts = BTreeMap::new();
        let Some((seen, wave, scheme)) = self.person(id) else { return accounts };
        let training = scheme.training_aid.get();
        let incentives = scheme.training_incentives.iter().chain(&scheme.survey_incentives);
        let mut put = |name: String, amount: i64| *accounts.entry(name).or_insert(0) += amount;
        put("budget".into(), -training - incentives.map(|amount| amount.get()).sum::<i64>());

        // Training money: what stands with platforms; the rest never left.
        let courses = courses(seen);
        let mut rest = training;
        for course in courses.values().filter(|course| course.cancelled.is_none()) {
            rest -= course.price;
            let side = if course.completed.is_some() && !course.withdrawn { "earned" } else { "unearned" };
            put(format!("platform-{side}:{}", course.platform.code()), course.price);
        }
        match self.periods_closed.get(&self.year(wave)) {
            None if live(seen, u64::MAX) => put("training-balance".into(), rest),
            None => put("forfeited".into(), rest),
            Some(closed) => {
                // Refunds after the closing lapse; the rest lapsed with it, or had been forfeited before it for good.
                let refunded: i64 = courses
                    .values()
                    .filter(|course| course.cancelled.is_some_and(|at| at > *closed))
                    .map(|course| course.price)
                    .sum();
                put("lapsed".into(), refunded);
                let fate = if live(seen, *closed) { "lapsed" } else { "forfeited" };
                put(fate.into(), rest - refunded);
            }
        }

        // Incentives: each entitlement's accounts sum to its amount, so what is paid beyond it is overpaid.
        let home = if live(seen, u64::MAX) && !self.waves_closed.contains_key(&wave) {
            "incentives-committed"
        } else {
            "treasury-returned"
        };
        let orders = self.orders(seen);
        for (entitlement, amount) in entitlements(scheme) {
            let mut out = 0;
            for order in orders.values().filter(|order| order.entitlement == entitlement) {
                if order.in_transit() {
                    put(format!("in-transit:{}", order.partner.code()), amount);
                    out += 1;
                }
                put("received".into(), order.with_person() * amount);
                out += order.with_person();
            }
            if out == 0 {
                put(home.into(), amount);
            } else {
                put("overpaid".into(), (1 - out) * amount);
            }
        }

        // Repayments stand beside.
        let repaid: i64 = seen
            .iter()
            .map(|seen| match &seen.event {
                Event::RepaymentReceived(e) => e.amount.get(),
                _ => 0,
            })
            .sum();
        put("repaid".into(), -repaid);
        put("repayments".into(), repaid);
        accounts.retain(|_, amount| *amount != 0);
        accounts
    }

    /// The trial balance: every account's non-zero sum over all participants, rupiah.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<String, i64> {
        let mut totals = BTreeMap::new();
        for id in self.participants() {
            for (account, amount) in self.accounts(id) {
                *totals.entry(account).or_insert(0) += amount;
            }
        }
        totals.retain(|_, amount| *amount != 0);
        totals
    }

    /// The day on which a participant's incentives unlocked (DOMAIN section 5, rule 9).
    #[must_use]
    pub fn unlocked(&self, id: ParticipantId) -> Option<Date> {
        let (seen, ..) = self.person(id)?;
        let courses = courses(seen);
        let standing = courses.values().filter(|course| course.cancelled.is_none() && !course.withdrawn);
        let first = standing.filter(|course| course.completed.is_some()).min_by_key(|course| course.completed)?;
        let (_, completed) = first.completed?;
        [completed, first.certified?, first.reviewed?].into_iter().max()
    }

    /// When an entitlement is due, once earned (DOMAIN section 2).
    #[must_use]
    pub fn entitlement_due(&self, id: ParticipantId, entitlement: Entitlement) -> Option<Date> {
        let (seen, _, scheme) = self.person(id)?;
        let unlocked = self.unlocked(id)?;
        if !entitlements(scheme).any(|(known, _)| known == entitlement) {
            return None;
        }
        match entitlement.kind {
            EntitlementKind::Training => {
                let first = unlocked.days() + i32::from(scheme.first_incentive_days);
                Some(months_later(first, i32::from(entitlement.number) - 1))
            }
            EntitlementKind::Survey => seen.iter().find_map(|seen| match &seen.event {
                Event::SurveyFilled(e) if e.number == entitlement.number => {
                    Some(Date::from_days(seen.date.days() + i32::from(scheme.survey_due_days)))
                }
                _ => None,
            }),
        }
    }

    /// What was used of a year's funds, rupiah (DOMAIN section 5, rule 14).
    #[must_use]
    pub fn funds_used(&self, year: i16) -> i64 {
        let mut used = 0;
        for seen in self.people.values() {
            let bought = courses(seen).into_values().filter(|c| c.cancelled.is_none() && year_of(c.bought) == year);
            used += bought.map(|course| course.price).sum::<i64>();
            for order in self.orders(seen).values().filter(|order| order.year == year) {
                let back = i64::from(order.rejected) + order.returned;
                used += (1 - back + order.beside_transit) * order.amount;
            }
        }
        used
    }

    fn person(&self, id: ParticipantId) -> Option<(&[Seen], Wave, &Scheme<'static>)> {
        let seen = self.people.get(&id)?;
        let wave = seen.iter().find_map(|seen| match &seen.event {
            Event::Selected(e) => Some(e.wave),
            _ => None,
        })?;
        let (scheme, _) = self.waves.get(&wave)?;
        Some((seen, wave, self.schemes.get(scheme)?))
    }

    fn year(&self, wave: Wave) -> i16 {
        self.waves.get(&wave).map_or(0, |(_, year)| *year)
    }

    fn orders(&self, seen: &[Seen]) -> BTreeMap<u64, Order> {
        let mut orders = BTreeMap::new();
        for Seen { position, event, .. } in seen {
            if let Event::PayoutInstructed(e) = event {
                let order = Order {
                    entitlement: e.entitlement,
                    partner: e.partner,
                    year: self.runs.get(&e.run).map_or(0, |as_of| year_of(*as_of)),
                    amount: e.amount.get(),
                    rejected: false,
                    settled: 0,
                    returned: 0,
                    beside_transit: 0,
                };
                orders.insert(*position, order);
            }
            let (said, what) = match event {
                Event::PayoutSettled(e) => (&e.outcome, "settled"),
                Event::PayoutRejected(e) => (&e.outcome, "rejected"),
                Event::PayoutReturned(e) => (&e.outcome, "returned"),
                _ => continue,
            };
            let Some(order) = orders.get_mut(&said.instruction.0) else { continue };
            match what {
                "settled" => {
                    order.beside_transit += i64::from(!order.in_transit());
                    order.settled += 1;
                }
                "rejected" => order.rejected = true,
                _ => order.returned += 1,
            }
        }
        orders
    }
}

/// Whether the membership was live just before a position: revoked as often as reinstated.
fn live(seen: &[Seen], before: u64) -> bool {
    let count = |wanted: fn(&Event<'_>) -> bool| {
        seen.iter().filter(|seen| seen.position < before && wanted(&seen.event)).count()
    };
    count(|e| matches!(e, Event::MembershipRevoked(_))) == count(|e| matches!(e, Event::MembershipReinstated(_)))
}

fn courses(seen: &[Seen]) -> BTreeMap<PurchaseId, Course> {
    let mut courses = BTreeMap::new();
    let mut missed = BTreeSet::new();
    for Seen { position, date, event } in seen {
        let id = match event {
            Event::TrainingBought(e) => {
                let course = Course {
                    price: e.price.get(),
                    platform: e.platform,
                    bought: *date,
                    cancelled: None,
                    completed: None,
                    withdrawn: false,
                    certified: None,
                    reviewed: None,
                };
                courses.insert(e.purchase, course);
                continue;
            }
            Event::PurchaseCancelled(e) => e.purchase,
            Event::TrainingCompleted(e) => e.purchase,
            Event::CompletionWithdrawn(e) => e.purchase,
            Event::CertificateIssued(e) => e.purchase,
            Event::TrainingReviewed(e) => e.purchase,
            _ => continue,
        };
        let Some(course) = courses.get_mut(&id) else {
            missed.insert(id);
            continue;
        };
        match event {
            Event::PurchaseCancelled(_) => course.cancelled = Some(*position),
            Event::TrainingCompleted(_) => course.completed = Some((*position, *date)),
            Event::CompletionWithdrawn(_) => course.withdrawn = true,
            Event::CertificateIssued(_) => course.certified = Some(*date),
            _ => course.reviewed = Some(*date),
        }
    }
    assert!(missed.is_empty(), "events of purchases that were never made: {missed:?}");
    courses
}

fn entitlements<'s>(scheme: &'s Scheme<'_>) -> impl Iterator<Item = (Entitlement, i64)> + 's {
    let lists = [
        (EntitlementKind::Training, &scheme.training_incentives),
        (EntitlementKind::Survey, &scheme.survey_incentives),
    ];
    lists.into_iter().flat_map(|(kind, amounts)| {
        (1u8..).zip(amounts).map(move |(number, amount)| (Entitlement { kind, number }, amount.get()))
    })
}

const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day, counted up from 1970-01-01.
fn calendar(mut days: i32) -> (i32, i32, i32) {
    assert!(days >= 0, "the programme began in 2020");
    let mut year = 1970;
    while days >= 365 + i32::from(is_leap(year)) {
        days -= 365 + i32::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn year_of(date: Date) -> i16 {
    i16::try_from(calendar(date.days()).0).unwrap_or(i16::MAX)
}

/// The same day of a later month, or that month's last day: walks month by month.
fn months_later(days: i32, months: i32) -> Date {
    let (mut year, mut month, day) = calendar(days);
    let mut first_of_month = days - day + 1;
    for _ in 0..months {
        first_of_month += days_in(year, month);
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    Date::from_days(first_of_month + day.min(days_in(year, month)) - 1)
}
