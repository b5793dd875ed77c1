//! The totals, out of what was counted.

use std::collections::{BTreeMap, BTreeSet};

use ledger_core::account::Account;
use ledger_core::codes::{EntitlementKind, ExceptionCause, Ground, Held, Partner};
use ledger_core::time::Date;

use super::super::between::Between;
use super::super::part::Part;
use super::super::pass::Passed;
use super::super::tally::{Area, CITED, Cited, Counts, Hold, LATENESS, Tally};
use super::*;

fn source(cited: &Cited) -> Source {
    Source { position: cited.position, participant: cited.participant.map(|id| id.to_string()) }
}

impl From<&Tally> for Counted {
    fn from(tally: &Tally) -> Self {
        let mut first: Vec<_> = tally.first.iter().collect();
        first.sort();
        Self { count: tally.count, amount: Amount(tally.amount), first: first.into_iter().map(source).collect() }
    }
}

impl Totals {
    /// All of them, from what the parts saw.
    pub(in crate::audit) fn of(passed: &Passed, counts: &Counts, long_in_doubt: &Tally) -> Self {
        let (parts, as_of) = (&passed.parts, passed.as_of);
        let counted = Counted::from;
        let accounts = Account::all()
            .map(|account| AccountTotal { account: account.to_string(), amount: Amount(counts.money.of(account)) });
        let (d3_ineligible, d4_found_by) = found(parts, counts);
        let partners = Partner::ALL.iter().zip(&counts.partners).map(|(partner, of)| PartnerTotal {
            partner: partner.code(),
            instructed: counted(&of.instructed),
            settled: counted(&of.settled),
            rejected: counted(&of.rejected),
            returned: counted(&of.returned),
            in_doubt: counted(&of.in_doubt),
            exceptions: counted(&of.exceptions),
        });
        let forfeits = Ground::ALL.iter().zip(&counts.grounds);
        let regions = (0..).zip(&counts.regions).filter(|(_, area)| **area != Area::default());
        let regions = regions.map(|(region, area)| RegionTotal {
            region: ledger_core::ids::Region(region).to_string(),
            total: area.into(),
        });
        Self {
            as_of,
            known_at: passed.known_at,
            participants: parts.iter().map(|part| part.people.len() as u64).sum(),
            accounts: accounts.collect(),
            d1_d2_cut_offs: cut_offs(counts, as_of),
            d3_ineligible,
            d4_found_by,
            d5_duplicates: Duplicates::default(),
            d6_premature: Premature {
                certificates: counted(&counts.certificates_early),
                incentives: counted(&counts.payments_early),
            },
            d7_lateness: lateness(counts),
            d7_latest_days: counts.latest_days,
            d8_held: held(counts, as_of),
            d8_held_for_funds: held_for_funds(parts, counts),
            d9_irregular: Irregular {
                settled_twice: counted(&counts.settled_twice),
                settled_after_rejection: counted(&counts.settled_after_rejection),
                settled_after_revocation: counted(&counts.settled_after_revocation),
                long_in_doubt: counted(long_in_doubt),
            },
            d10_reconciled: reconciled(parts, counts),
            waves: waves(parts, counts),
            regions: regions.collect(),
            partners: partners.collect(),
            forfeits: forfeits
                .map(|(ground, tally)| Forfeit { ground: ground.code(), revocations: counted(tally) })
                .collect(),
            runs: runs(parts, counts),
            funds: funds(&passed.between),
            demanded: counted(&counts.demanded),
            repaid: counted(&counts.repaid),
        }
    }
}

/// At the end of each year that is over, and of the date itself.
fn cut_offs(counts: &Counts, as_of: Option<Date>) -> Vec<CutOff> {
    let (Some(as_of), money) = (as_of, &counts.money) else { return Vec::new() };
    let first = money.to_platforms.span().map_or(as_of, |(first, _)| first);
    let ends = (first.year()..as_of.year()).filter_map(|year| Date::new(year, 12, 31));
    let dates: BTreeSet<Date> = ends.chain([as_of]).collect();
    let cut_off = |date: Date| {
        let at = Some(date);
        let (left, received) = (money.left.until(at), money.received.until(at));
        CutOff {
            date,
            unfinished_purchases: i64::try_from(money.unearned.count.until(at)).unwrap_or(i64::MAX),
            unfinished: Amount(money.unearned.amount.until(at)),
            to_platforms: Amount(money.to_platforms.until(at)),
            left_treasury: Amount(left),
            received: Amount(received),
            on_the_way: Amount(left - received),
            back_in_treasury: Amount(money.treasury.until(at)),
        }
    };
    dates.into_iter().map(cut_off).collect()
}

/// D3 and D4.
fn found(parts: &[Part], counts: &Counts) -> (Ineligible, Vec<FoundBy>) {
    let mut all = Ineligible::default();
    let mut by_source: BTreeMap<String, (FoundBy, Vec<Cited>)> = BTreeMap::new();
    let mut first = Vec::new();
    for part in parts {
        // A participant counts once, and once for each source; what it had counts for the first.
        let (mut of_all, mut of_source) = (BTreeSet::new(), BTreeSet::new());
        for found in part.found.iter().filter(|found| counts.counts(found.said.on)) {
            let Some(person) = part.people.get(found.place) else { continue };
            let (_, scheme) = part.programme.of_wave(person.wave);
            let cited = Cited { position: found.said.at, participant: Some(person.id) };
            let stands = found.withdrawn.is_none_or(|withdrawn| !counts.counts(withdrawn.on));
            let received = Amount(person.received(scheme, counts.as_of).into());
            let spent = Amount(person.spent(counts.as_of).into());
            let (source, cites) = by_source.entry(found.source.clone()).or_default();
            if of_source.insert((found.place, found.source.as_str())) {
                source.found += 1;
                cites.push(cited.clone());
                if stands {
                    source.received.0 += received.0;
                    source.spent.0 += spent.0;
                } else {
                    source.withdrawn += 1;
                }
            }
            if stands && of_all.insert(found.place) {
                all.participants += 1;
                all.received.0 += received.0;
                all.spent.0 += spent.0;
                first.push(cited);
            }
        }
    }
    let sources = |mut cites: Vec<Cited>| {
        cites.sort();
        cites.iter().take(CITED).map(source).collect()
    };
    all.first = sources(first);
    let by_source = by_source.into_iter();
    let by_source = by_source.map(|(name, (of, cites))| FoundBy { source: name, first: sources(cites), ..of });
    (all, by_source.collect())
}

fn lateness(counts: &Counts) -> Vec<Lateness> {
    let mut classes = Vec::new();
    for (kind, tallies) in EntitlementKind::ALL.iter().zip(&counts.lateness) {
        for (class, tally) in tallies.iter().take(LATENESS.len()).enumerate() {
            let days_from = class.checked_sub(1).map_or(0, |before| LATENESS[before]);
            let bound = LATENESS[class];
            let days_to = (bound < i32::MAX).then_some(bound - 1);
            classes.push(Lateness { kind: kind.code(), days_from, days_to, payments: tally.into() });
        }
    }
    classes
}

/// D8, from the first day on which anything was held to the date, or the last day of any change.
fn held(counts: &Counts, as_of: Option<Date>) -> Vec<HeldDay> {
    let spans = counts.holds.iter().filter_map(|held| held.count.span());
    let span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (Some((first, last)), Some(as_of)) = (span, as_of) else { return Vec::new() };
    let last = last.min(as_of);
    let mut running = [(0i64, 0i64); Hold::ALL.len()];
    let mut days = Vec::new();
    for day in first.days()..=last.days() {
        let date = Date::from_days(day);
        let (mut held, mut amount) = (BTreeMap::new(), BTreeMap::new());
        for ((hold, series), sum) in Hold::ALL.iter().zip(&counts.holds).zip(&mut running) {
            sum.0 += series.count.of(date);
            sum.1 += series.amount.of(date);
            if sum.0 != 0 {
                held.insert(hold.code(), sum.0);
                amount.insert(hold.code(), Amount(sum.1.into()));
            }
        }
        days.push(HeldDay { date, held, amount });
    }
    days
}

fn held_for_funds(parts: &[Part], counts: &Counts) -> HeldForFunds {
    let mut sum = HeldForFunds::default();
    let runs = parts.first().into_iter().flat_map(|part| &part.programme.runs);
    let closings = runs.filter(|run| counts.counts(run.closed.on)).filter_map(|run| run.closing.as_ref());
    for held in closings.flat_map(|closing| &closing.held_by).filter(|held| held.reason == Held::Funds) {
        sum.count += held.total.count;
        sum.amount.0 += i128::from(held.total.amount.get());
    }
    sum
}

fn reconciled(parts: &[Part], counts: &Counts) -> Reconciled {
    let exceptions = ExceptionCause::ALL.iter().zip(&counts.exceptions);
    let resolved: BTreeSet<u64> = parts.iter().flat_map(|part| &part.resolved).map(|(key, _)| *key).collect();
    let known = |key: &u64| parts.iter().any(|part| part.exceptions.contains_key(key));
    Reconciled {
        statements: parts.first().map(|part| part.statements.clone()).unwrap_or_default(),
        exceptions: exceptions
            .map(|(cause, tally)| ExceptionTotal { cause: cause.code(), said: tally.into() })
            .collect(),
        resolved: resolved.iter().filter(|key| known(key)).count() as u64,
    }
}

fn waves(parts: &[Part], counts: &Counts) -> Vec<WaveTotal> {
    let Some(programme) = parts.first().map(|part| &part.programme) else { return Vec::new() };
    let nothing = Area::default();
    let wave = |(index, wave): (usize, &super::super::programme::Wave)| WaveTotal {
        wave: wave.number.0,
        scheme: programme.schemes[wave.scheme].0.scheme.to_string(),
        year: wave.year,
        quota: wave.quota,
        closed_on: (wave.closed.is() && counts.counts(wave.closed.on)).then(|| wave.closed.on.date()),
        total: counts.waves.get(index).unwrap_or(&nothing).into(),
    };
    let mut waves: Vec<_> = programme.waves.iter().enumerate().map(wave).collect();
    waves.sort_by_key(|wave| wave.wave);
    waves
}

fn runs(parts: &[Part], counts: &Counts) -> Vec<RunTotal> {
    let Some(programme) = parts.first().map(|part| &part.programme) else { return Vec::new() };
    let runs = programme.runs.iter().enumerate().filter(|(_, run)| counts.counts(run.planned.on));
    let run = |(index, run): (usize, &super::super::programme::Run)| {
        let mut planned = Payments::default();
        for entry in &run.plan.totals {
            planned.count += entry.total.count;
            planned.amount.0 += i128::from(entry.total.amount.get());
        }
        let mut instructed = Payments::default();
        for part in parts {
            let total = part.programme.runs[index].instructed;
            instructed.count += total.count;
            instructed.amount.0 += i128::from(total.amount.get());
        }
        RunTotal {
            run: run.id.to_string(),
            position: run.planned.at,
            as_of: run.plan.as_of,
            planned,
            instructed,
            held: run.closing.as_ref().map(|closing| closing.held.into()).unwrap_or_default(),
        }
    };
    runs.map(run).collect()
}

fn funds(between: &Between) -> Vec<YearTotal> {
    let year = |(year, funds): (&i16, &super::super::between::Funds)| YearTotal {
        year: *year,
        appropriated: Amount(funds.appropriated),
        used: Amount(funds.used),
    };
    between.years.iter().map(year).collect()
}
