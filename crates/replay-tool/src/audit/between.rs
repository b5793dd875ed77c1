//! What holds between participants: order and funds of runs, plans and their sums, and identities that are one over all.
//!
//! Parts see their own people only. Window by window this puts together what they saw, in order of position; identities
//! are compared once, when all were seen.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ledger_core::Rupiah;

use super::part::{Part, hash};
use super::pass::each;
use super::person::Person;
use super::plan::Sum;
use super::tally::{Counts, InRun};
use crate::checks::Closing;
use crate::finding::{Finding, Rule};

/// A year's funds (rule 14).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Funds {
    pub(super) appropriated: i128,
    pub(super) used: i128,
}

/// What goes on over all participants.
#[derive(Debug, Default)]
pub(super) struct Between {
    pub(super) years: BTreeMap<i16, Funds>,
    /// By run, its last instruction.
    last: HashMap<u16, (InRun, u64)>,
    /// Runs that went beyond the funds: told once.
    beyond: BTreeSet<u16>,
    /// Runs that instructed without approval, or after their closing: told once.
    forbidden: BTreeSet<(u16, &'static str)>,
    pub(super) findings: Vec<Finding>,
    pub(super) left_out: u64,
}

impl Between {
    /// Takes what the parts saw in a window.
    pub(super) fn window(&mut self, parts: &mut [Part]) {
        let mut flows: Vec<_> = parts.iter().flat_map(|part| &part.counts.flows).copied().collect();
        // Sorted heaps, one of each part: a merge.
        flows.sort_by_key(|flow| flow.at);
        for flow in flows {
            let funds = self.years.entry(flow.year).or_default();
            funds.appropriated += i128::from(flow.appropriated);
            funds.used += i128::from(flow.used);
            let funds = *funds;
            let Some((run, place)) = flow.order else { continue };
            if funds.used > funds.appropriated && self.beyond.insert(run) {
                let values = [&funds.appropriated as &dyn std::fmt::Display, &flow.year, &funds.used];
                let finding = Finding::told(Rule::FundsExceeded, values.map(ToString::to_string).to_vec());
                let finding = finding.at_position(flow.at).of(place.participant);
                self.find(finding.worth(rupiah(funds.used - funds.appropriated)));
            }
            if let Some((why, behind)) = flow.forbidden
                && self.forbidden.insert((run, why))
            {
                let id = parts.first().and_then(|part| part.programme.runs.get(usize::from(run))).map(|run| run.id);
                let id = id.map_or_else(String::new, |id| id.to_string());
                let finding = Finding::told(Rule::RunNotApproved, vec![id, why.to_owned()]).at_position(flow.at);
                self.find(finding.of(place.participant).with(behind));
            }
            if let Some((before, at)) = self.last.insert(run, (place, flow.at))
                && place < before
            {
                let finding = Finding::told(Rule::RunOutOfOrder, vec![at.to_string()]).at_position(flow.at);
                self.find(finding.of(place.participant).with(at));
            }
        }
        for index in parts.first().map(|part| part.plans.clone()).unwrap_or_default() {
            self.plan(parts, index);
        }
        for (place, (index, _)) in
            parts.first().map(|part| part.closings.clone()).unwrap_or_default().iter().enumerate()
        {
            self.closing(parts, place, *index);
        }
        parts.iter_mut().for_each(Part::end_window);
    }

    fn plan(&mut self, parts: &[Part], index: usize) {
        let run = |part: &Part| part.programme.runs[index].items.as_ref().map(|items| items.0.clone());
        let items: Option<Vec<_>> = parts.iter().map(run).collect();
        let (Some(items), Some(first)) = (items, parts.first()) else { return };
        let sum = Sum::of(items.into_iter().flatten().map(|(_, item)| item).collect());
        let run = &first.programme.runs[index];
        if sum.is(&run.plan) {
            return;
        }
        let (count, amount) = run.plan.totals.iter().fold((0, 0), |(count, amount), entry| {
            (count + u128::from(entry.total.count), amount + i128::from(entry.total.amount.get()))
        });
        let values: [&dyn std::fmt::Display; 6] =
            [&sum.total.count, &sum.total.amount, &sum.digest, &count, &amount, &run.plan.items_digest];
        let finding = Finding::told(Rule::PlanDiffers, values.map(ToString::to_string).to_vec());
        let worth = rupiah((amount - i128::from(sum.total.amount.get())).abs());
        self.find(finding.at_position(run.planned.at).worth(worth));
    }

    /// A run's closing against its plan and its instructions.
    fn closing(&mut self, parts: &[Part], place: usize, index: usize) {
        let mut instructed = ledger_core::event::Total::default();
        for (_, total) in parts.iter().filter_map(|part| part.closings.get(place)) {
            instructed.count += total.count;
            instructed.amount = Rupiah::new(instructed.amount.get().saturating_add(total.amount.get()));
        }
        let Some(run) = parts.first().map(|part| &part.programme.runs[index]) else { return };
        let Some(event) = run.closing.clone() else { return };
        let mut planned = ledger_core::event::Total::default();
        for entry in &run.plan.totals {
            planned.count = planned.count.saturating_add(entry.total.count);
            planned.amount = Rupiah::new(planned.amount.get().saturating_add(entry.total.amount.get()));
        }
        let closing = Closing { at: run.closed.at, event, planned, instructed };
        closing.findings().into_iter().for_each(|finding| self.find(finding));
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < super::tally::MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    /// What is wrong between all participants, when all were seen.
    pub(super) fn all(parts: &[Part]) -> Vec<Finding> {
        let mut findings = Vec::new();
        identities(parts, &mut findings);
        families(parts, &mut findings);
        quotas(parts, &mut findings);
        let purchases = |person: &Person, keys: &mut Vec<u64>| {
            keys.extend(person.purchases.iter().map(|purchase| hash(&purchase.id)));
        };
        shared(
            parts,
            "purchase",
            &purchases,
            &|person, key| {
                person.purchases.iter().find(|purchase| hash(&purchase.id) == key).map(|purchase| purchase.bought.at)
            },
            &mut findings,
        );
        let links = |person: &Person, keys: &mut Vec<u64>| keys.extend(person.links.iter().map(|link| hash(&link.id)));
        shared(
            parts,
            "link",
            &links,
            &|person, key| person.links.iter().find(|link| hash(&link.id) == key).map(|link| link.linked.at),
            &mut findings,
        );
        receipts(parts, &mut findings);
        exceptions(parts, &mut findings);
        findings
    }
}

/// Keys that more than so many have.
fn frequent(parts: &[Part], keys: &(impl Fn(&Person, &mut Vec<u64>) + Sync), most: usize) -> HashSet<u64> {
    let shards = parts.len() as u64;
    let of_shard = |shard: u64| {
        let (mut all, mut own) = (Vec::new(), Vec::new());
        for person in parts.iter().flat_map(|part| part.people.iter()) {
            own.clear();
            keys(person, &mut own);
            all.extend(own.iter().copied().filter(|key| key % shards == shard));
        }
        all.sort_unstable();
        let frequent = all.chunk_by(|a, b| a == b).filter(|same| same.len() > most);
        frequent.filter_map(|same| same.first().copied()).collect::<Vec<_>>()
    };
    each(parts.len() > 1, 0..shards, of_shard).into_iter().flatten().collect()
}

/// Who has one of these keys, in order of selection.
fn who<'p>(
    parts: &'p [Part],
    keys: &HashSet<u64>,
    key: impl Fn(&Person) -> u64,
) -> BTreeMap<u64, Vec<(&'p Part, &'p Person)>> {
    let mut who: BTreeMap<u64, Vec<(&Part, &Person)>> = BTreeMap::new();
    if keys.is_empty() {
        return who;
    }
    for part in parts {
        for person in part.people.iter().filter(|person| keys.contains(&key(person))) {
            who.entry(key(person)).or_default().push((part, person));
        }
    }
    who.values_mut().for_each(|people| people.sort_by_key(|(_, person)| person.selected.at));
    who
}

fn first_bytes(bytes: &[u8]) -> u64 {
    bytes.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

fn told(rule: Rule, values: &[&dyn std::fmt::Display], person: &Person) -> Finding {
    let values = values.iter().map(ToString::to_string).collect();
    Finding::told(rule, values).at_position(person.selected.at).of(person.id)
}

/// Rule 3: one membership per identity.
fn identities(parts: &[Part], findings: &mut Vec<Finding>) {
    let key = |person: &Person| first_bytes(&person.identity);
    let twice = frequent(parts, &|person: &Person, keys: &mut Vec<u64>| keys.push(key(person)), 1);
    for people in who(parts, &twice, key).values() {
        for (place, (_, person)) in people.iter().enumerate() {
            let first = people[..place].iter().find(|(_, other)| other.identity == person.identity);
            if let Some((_, first)) = first {
                let finding = told(Rule::SecondMembership, &[&first.id, &first.selected.at], person);
                findings.push(finding.with(first.selected.at));
            }
        }
    }
}

/// Rule 3: a family card has as many participants as the scheme allows. All count, also those revoked since.
fn families(parts: &[Part], findings: &mut Vec<Finding>) {
    let key = |person: &Person| first_bytes(&person.family);
    let Some(first) = parts.first() else { return };
    let most = first.programme.schemes.iter().map(|(scheme, _)| scheme.max_participants_per_family_card).min();
    let many =
        frequent(parts, &|person: &Person, keys: &mut Vec<u64>| keys.push(key(person)), most.unwrap_or(0).into());
    for people in who(parts, &many, key).values() {
        for (place, (part, person)) in people.iter().enumerate() {
            let most = part.programme.of_wave(person.wave).1.max_participants_per_family_card;
            if place >= usize::from(most) {
                let others = people[..place].iter().map(|(_, other)| other.selected.at);
                let finding = told(Rule::FamilyCardFull, &[&most, &(place + 1)], person);
                findings.push(others.fold(finding, Finding::with));
            }
        }
    }
}

/// Rule 3: a wave's quota.
fn quotas(parts: &[Part], findings: &mut Vec<Finding>) {
    let Some(first) = parts.first() else { return };
    let mut counts = vec![0u64; first.programme.waves.len()];
    for person in parts.iter().flat_map(|part| part.people.iter()) {
        counts[usize::from(person.wave)] += 1;
    }
    for (index, (wave, count)) in first.programme.waves.iter().zip(counts).enumerate() {
        if count <= u64::from(wave.quota) {
            continue;
        }
        let people = parts.iter().flat_map(|part| part.people.iter());
        let mut people: Vec<_> = people.filter(|person| usize::from(person.wave) == index).collect();
        people.sort_by_key(|person| person.selected.at);
        for (place, person) in people.iter().enumerate().skip(wave.quota as usize) {
            let finding = told(Rule::QuotaExceeded, &[&wave.quota, &wave.number, &(place + 1)], person);
            findings.push(finding.with(wave.opened.at));
        }
    }
}

/// Rule 1, for identities that are one over all participants.
fn shared(
    parts: &[Part],
    what: &str,
    keys: &(impl Fn(&Person, &mut Vec<u64>) + Sync),
    position: &impl Fn(&Person, u64) -> Option<u64>,
    findings: &mut Vec<Finding>,
) {
    let mut many: Vec<_> = frequent(parts, keys, 1).into_iter().collect();
    many.sort_unstable();
    for key in many {
        let people = parts.iter().flat_map(|part| part.people.iter());
        let mut people: Vec<_> = people.filter_map(|person| Some((position(person, key)?, person))).collect();
        people.sort_by_key(|(at, _)| *at);
        let Some(((first, _), others)) = people.split_first() else { continue };
        for (at, person) in others {
            let finding = Finding::told(Rule::RecordedTwice, vec![what.to_owned(), first.to_string()]);
            findings.push(finding.at_position(*at).of(person.id).with(*first));
        }
    }
}

/// Rule 1: a state receipt is counted once.
fn receipts(parts: &[Part], findings: &mut Vec<Finding>) {
    let mut all: Vec<_> = parts.iter().flat_map(|part| &part.receipts).collect();
    all.sort_by_key(|receipt| (receipt.number, receipt.at));
    for same in all.chunk_by(|a, b| a.number == b.number) {
        for receipt in &same[1..] {
            let first = same[0].at;
            let finding = Finding::told(Rule::RecordedTwice, vec!["state receipt".to_owned(), first.to_string()]);
            findings.push(finding.at_position(receipt.at).of(receipt.participant).with(first));
        }
    }
}

/// Rule 2: what is cleared up was there.
fn exceptions(parts: &[Part], findings: &mut Vec<Finding>) {
    let known = |key| parts.iter().filter_map(|part| part.exceptions.get(&key)).min().copied();
    for (key, unknown) in parts.iter().flat_map(|part| &part.resolved) {
        let at = unknown.positions.first().copied().unwrap_or(0);
        if known(*key).is_none_or(|first| first > at) {
            findings.push(unknown.clone());
        }
    }
}

/// Adds what was found, and keeps as many as are shown, the first by position.
pub(super) fn gather(counts: &mut Counts, more: Vec<Finding>, left_out: u64) {
    counts.findings.extend(more);
    counts.left_out += left_out;
    for list in [&mut counts.findings, &mut counts.notices] {
        list.sort_by(|a, b| (a.positions.first(), &a.id).cmp(&(b.positions.first(), &b.id)));
        list.dedup_by(|a, b| a.id == b.id);
        let beyond = list.len().saturating_sub(super::tally::MOST_FINDINGS);
        counts.left_out += beyond as u64;
        list.truncate(super::tally::MOST_FINDINGS);
    }
}

fn rupiah(amount: i128) -> Rupiah {
    Rupiah::new(i64::try_from(amount).unwrap_or(i64::MAX))
}
