//! `audit`: every question of DOMAIN section 8, and every rule of sections 3 to 7, answered from the log alone.
//!
//! The rules are written here a second time, from the domain's text and for auditing: nothing of `ledger_core`'s decisions,
//! state or schedule is called, only its plain types. So a ledger whose rules are wrong, or whose keeper is dishonest, does
//! not vouch for itself. What is recorded is taken as recorded, whatever is wrong with it, and looked at on: one broken rule
//! does not hide the next.
//!
//! Three kinds of answers are kept apart. A **finding** is a broken rule, of the log's integrity or of the programme: exit
//! code 1. A **notice** is something that breaks no rule and needs a person all the same (D9: the money moved, and the ledger
//! must record it). **Totals** answer D1 to D10 as numbers about a history that may be rule-abiding.
//!
//! One pass: [`pass`] sorts windows of records by participant, and each thread's [`part`] looks at its people ([`person`],
//! [`case`], [`facts`], [`payouts`], [`plan`]) and at all of the [`programme`]'s records ([`decree`]); [`between`] puts together
//! what holds over everybody; [`tally`] and [`money`] count, [`totals`] tells. The answer is the same for any number of
//! threads.

mod between;
mod case;
mod decree;
mod facts;
mod money;
mod part;
mod pass;
mod payouts;
mod person;
mod plan;
mod programme;
mod tally;
mod totals;

use ledger_log::Hash;

pub use totals::*;

use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::known::Window;
use crate::source::Source as Log;
use between::{Between, gather};
use tally::{Counts, Tally};

/// An instruction in doubt for more days than this is a notice, and counts in D9.
pub const LONG_IN_DOUBT_DAYS: i32 = 30;

/// What an audit came to.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Broken rules, by position.
    pub findings: Vec<Finding>,
    /// What breaks no rule and needs a person all the same (D9), by position.
    pub notices: Vec<Finding>,
    /// Findings and notices beyond those that are kept.
    pub left_out: u64,
    /// The answers to D1 to D10.
    pub totals: Totals,
    /// Number of records whose bytes are intact.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// How many threads shared the work.
    pub threads: usize,
}

impl Audit {
    /// Whether no rule was broken.
    #[must_use]
    pub const fn ok(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Audits a log: all of its integrity, and of the rest what the window takes. With so many threads; the answer is the same
/// for any number.
///
/// Rules are judged on everything known at K; `as_of` limits the totals and the notices to facts dated up to it.
///
/// # Errors
///
/// What kept the log from being read, or it does not reach the position asked for.
pub fn run(source: &Log, window: &Window, threads: usize) -> Result<Audit, Error> {
    let mut passed = pass::read(source, window, threads)?;
    let everybody = Between::all(&passed.parts);
    let mut counts = Counts::new(window.as_of);
    for part in &mut passed.parts {
        counts.merge(std::mem::replace(&mut part.counts, Counts::new(window.as_of)));
    }
    let long = long_in_doubt(&passed, &mut counts);
    let mut more = std::mem::take(&mut passed.log.findings);
    more.append(&mut passed.between.findings);
    more.extend(everybody);
    let duplicates = |rule| more.iter().filter(|finding| finding.rule == rule).count() as u64;
    let d5 = Duplicates {
        second_memberships: duplicates(Rule::SecondMembership),
        beyond_family_card: duplicates(Rule::FamilyCardFull),
    };
    gather(&mut counts, more, passed.between.left_out);
    let totals = Totals { d5_duplicates: d5, ..Totals::of(&passed, &counts, &long) };
    let mut notes = passed.log.notes;
    let old = passed.parts.first().map(|part| part.not_replanned.clone()).unwrap_or_default();
    notes.extend(old.iter().map(|at| {
        format!(
            "the plan at position {at} rests on a log more than {} records before it, and was not worked out again",
            part::JOURNAL
        )
    }));
    Ok(Audit {
        findings: counts.findings,
        notices: counts.notices,
        left_out: counts.left_out,
        totals,
        size: passed.log.size,
        root: passed.log.root,
        notes,
        threads: passed.threads,
    })
}

/// D9: what is in doubt, and has been for long.
fn long_in_doubt(passed: &pass::Passed, counts: &mut Counts) -> Tally {
    let mut all = Vec::new();
    let Some(as_of) = passed.as_of else { return Tally::default() };
    for part in &passed.parts {
        for person in part.people.iter() {
            let (_, scheme) = part.programme.of_wave(person.wave);
            for order in person.orders.iter().filter(|order| order.standing == person::Standing::InDoubt) {
                let since = order.since.on.date();
                if since.plus_days(LONG_IN_DOUBT_DAYS) >= as_of {
                    continue;
                }
                let amount = person::amount(scheme, order.entitlement());
                all.push((order.since.at, person.id, amount));
                let values = [LONG_IN_DOUBT_DAYS.to_string(), since.to_string(), as_of.to_string()];
                let notice =
                    Finding::told(Rule::LongInDoubt, values.to_vec()).at_position(order.since.at).of(person.id);
                counts.notice(notice.with(order.at).worth(ledger_core::Rupiah::new(amount)));
            }
        }
    }
    all.sort();
    let mut tally = Tally::default();
    all.into_iter().for_each(|(at, participant, amount)| tally.add(at, Some(participant), amount));
    tally
}
