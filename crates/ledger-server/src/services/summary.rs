//! Numbers over all participants, of one moment: a wave's, and what falls due.

use std::collections::BTreeMap;

use ledger_core::account::Account;
use ledger_core::codes::{Ground, Partner};
use ledger_core::event::{PartnerTotal, Total};
use ledger_core::ids::{Region, Wave};
use ledger_core::money::Rupiah;
use ledger_core::schedule::{Held, HeldTotals, payable};
use ledger_core::scheme::Scheme;
use ledger_core::state::{FactKind, Participant, Place, Status as Membership};
use ledger_core::time::Date;
use ledger_core::view::covered;
use ledger_core::{Rejection, State};
use ledger_proto::v1;

use crate::to_proto;

/// Numbers of a part of a wave.
#[derive(Clone, Copy, Default)]
struct Counts {
    selected: u64,
    active: u64,
    completed: u64,
    certified: u64,
    paid: u64,
    forfeited: u64,
    revoked: [u64; Ground::ALL.len()],
    money: Money,
}

#[derive(Clone, Copy, Default)]
struct Money {
    received: i64,
    forfeited: i64,
    lapsed: i64,
    treasury_returned: i64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.selected += other.selected;
        self.active += other.active;
        self.completed += other.completed;
        self.certified += other.certified;
        self.paid += other.paid;
        self.forfeited += other.forfeited;
        for (mine, theirs) in self.revoked.iter_mut().zip(other.revoked) {
            *mine += theirs;
        }
        self.money.received += other.money.received;
        self.money.forfeited += other.money.forfeited;
        self.money.lapsed += other.money.lapsed;
        self.money.treasury_returned += other.money.treasury_returned;
    }

    fn of(state: &State, place: Place, participant: &Participant) -> Self {
        let balances = state.balances(place);
        let money = Money {
            received: balances.get(Account::Received).get(),
            forfeited: balances.get(Account::Forfeited).get(),
            lapsed: balances.get(Account::Lapsed).get(),
            treasury_returned: balances.get(Account::TreasuryReturned).get(),
        };
        let mut counts = Self {
            selected: 1,
            completed: participant.first_completed().is_some().into(),
            certified: (participant.count(FactKind::Certified) > 0).into(),
            paid: (money.received > 0).into(),
            money,
            ..Self::default()
        };
        match participant.status {
            Membership::Live => counts.active = 1,
            Membership::Revoked(ground) => {
                counts.forfeited = (money.forfeited + money.treasury_returned > 0).into();
                counts.revoked[usize::from(ground.number()) - 1] = 1;
            }
        }
        counts
    }

    fn message(&self) -> v1::WaveCounts {
        v1::WaveCounts {
            selected: self.selected,
            active: self.active,
            completed: self.completed,
            certified: self.certified,
            paid: self.paid,
            forfeited: self.forfeited,
            revoked: revoked(&self.revoked),
            received_rupiah: self.money.received,
            forfeited_rupiah: self.money.forfeited,
            lapsed_rupiah: self.money.lapsed,
            treasury_returned_rupiah: self.money.treasury_returned,
        }
    }
}

/// Revocations by ground, those without any left out.
pub(super) fn revoked(counts: &[u64; Ground::ALL.len()]) -> Vec<v1::RevokedCount> {
    let all = Ground::ALL.iter().zip(counts).filter(|(_, count)| **count > 0);
    all.map(|(ground, count)| v1::RevokedCount { ground: ground.number().into(), count: *count }).collect()
}

/// Totals of items by partner.
#[derive(Clone, Copy, Default)]
struct ByPartner([Total; Partner::ALL.len()]);

impl ByPartner {
    fn add(&mut self, partner: Partner, amount: Rupiah) {
        if let Some(total) = self.0.get_mut(usize::from(partner.number()) - 1) {
            total.add(amount);
        }
    }

    fn totals(&self) -> impl Iterator<Item = PartnerTotal> + '_ {
        let all = Partner::ALL.iter().zip(self.0).filter(|(_, total)| total.count > 0);
        all.map(|(partner, total)| PartnerTotal { partner: *partner, total })
    }
}

/// A wave's numbers in the making.
pub(super) struct WaveSummary {
    wave: Wave,
    today: Date,
    /// The year's funds when the scan began.
    funds: Rupiah,
    scheme: String,
    year: i16,
    quota: u32,
    closed_on: Option<Date>,
    regions: BTreeMap<Region, Counts>,
    held: HeldTotals,
    payable: ByPartner,
}

impl WaveSummary {
    /// Nobody counted yet.
    pub(super) fn begin(state: &State, wave: Wave, today: Date) -> Result<Self, Rejection> {
        let entry = state.wave(wave).ok_or(Rejection::WaveUnknown { wave })?;
        Ok(Self {
            wave,
            today,
            funds: state.year(today.year()).available(),
            scheme: state.scheme_of_wave(wave).map(|scheme| scheme.scheme.to_string()).unwrap_or_default(),
            year: entry.year,
            quota: entry.quota,
            closed_on: entry.closed.map(ledger_core::state::Fact::date),
            regions: BTreeMap::new(),
            held: HeldTotals::default(),
            payable: ByPartner::default(),
        })
    }

    pub(super) fn see(&mut self, state: &State, place: Place) {
        let Some(participant) = state.participants().get(place).filter(|p| p.wave == self.wave) else { return };
        self.regions.entry(participant.region).or_default().add(&Counts::of(state, place, participant));
        for (entitlement, amount) in state.scheme_of(participant).into_iter().flat_map(Scheme::entitlements) {
            match covered(state, participant, entitlement, self.today, self.funds) {
                Ok(payable) => self.payable.add(payable.partner, amount),
                Err(reason) => self.held.add(reason, amount),
            }
        }
    }

    pub(super) fn message(&self, known_at: u64) -> v1::GetWaveSummaryResponse {
        let mut total = Counts::default();
        self.regions.values().for_each(|counts| total.add(counts));
        let region = |(region, counts): (&Region, &Counts)| v1::RegionCounts {
            region: region.to_string(),
            counts: Some(counts.message()),
        };
        v1::GetWaveSummaryResponse {
            wave: self.wave.0,
            scheme_id: self.scheme.clone(),
            year: u32::try_from(self.year).unwrap_or_default(),
            quota: self.quota,
            closed_on: self.closed_on.and_then(to_proto::date),
            total: Some(total.message()),
            regions: self.regions.iter().map(region).collect(),
            held: to_proto::held_totals(&self.held),
            payable: self.payable.totals().map(|entry| to_proto::partner_total(&entry)).collect(),
            as_of: to_proto::date(self.today),
            known_at,
        }
    }
}

/// Items that fall due, by partner; those without an account apart.
#[derive(Clone, Copy, Default)]
struct Due {
    by_partner: ByPartner,
    without_account: Total,
}

impl Due {
    fn add(&mut self, partner: Option<Partner>, amount: Rupiah) {
        match partner {
            Some(partner) => self.by_partner.add(partner, amount),
            None => self.without_account.add(amount),
        }
    }

    fn message(&self) -> Vec<v1::DueTotal> {
        let due =
            |partner: i32, total: Total| v1::DueTotal { partner, count: total.count, total_rupiah: total.amount.get() };
        let mut all: Vec<_> =
            self.by_partner.totals().map(|entry| due(entry.partner.number().into(), entry.total)).collect();
        if self.without_account.count > 0 {
            all.push(due(0, self.without_account));
        }
        all
    }
}

/// What falls due in the making.
pub(super) struct Forecast {
    from: Date,
    to: Date,
    due: Due,
    overdue: Due,
    held: HeldTotals,
}

impl Forecast {
    /// Nobody counted yet.
    pub(super) fn new(from: Date, to: Date) -> Self {
        Self { from, to, due: Due::default(), overdue: Due::default(), held: HeldTotals::default() }
    }

    pub(super) fn see(&mut self, state: &State, place: Place) {
        let Some(participant) = state.participants().get(place) else { return };
        // Nothing is due before something was completed.
        let scheme = participant.first_completed().and_then(|_| state.scheme_of(participant));
        for (entitlement, amount) in scheme.into_iter().flat_map(Scheme::entitlements) {
            let held = match payable(state, participant, entitlement, self.to) {
                Ok(_) => None,
                Err(held @ (Held::Ineligible | Held::NoAccount | Held::AccountFault)) => Some(held),
                // Paid, ordered, not earned, due later, or never to be paid.
                Err(_) => continue,
            };
            let Some(due) = scheme.and_then(|scheme| participant.due(scheme, entitlement)) else { continue };
            let when = if due < self.from { &mut self.overdue } else { &mut self.due };
            when.add(participant.link().map(|(_, link, _)| link.partner), amount);
            if let Some(held) = held {
                self.held.add(held, amount);
            }
        }
    }

    pub(super) fn message(&self, known_at: u64) -> v1::GetDueForecastResponse {
        v1::GetDueForecastResponse {
            due: self.due.message(),
            overdue: self.overdue.message(),
            held: to_proto::held_totals(&self.held),
            known_at,
        }
    }
}
