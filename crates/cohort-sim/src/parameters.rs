//! What a cohort is generated from.

use clap::ValueEnum;
use ledger_core::scheme::Scheme;

/// The scheme under which a cohort lives (DOMAIN section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemeName {
    /// 2020, training balance 1,000,000, four training and three survey incentives.
    SemiBansos,
    /// 2023, training balance 3,500,000, one training and two survey incentives.
    Normal,
}

impl SchemeName {
    /// The rules.
    #[must_use]
    pub fn rules(self) -> Scheme<'static> {
        match self {
            Self::SemiBansos => Scheme::semi_bansos(),
            Self::Normal => Scheme::normal(),
        }
    }
}

/// What happens to the cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// A year from the first selection to the last payout, with everything that goes well and wrong.
    Year,
    /// One wave is selected, and nothing more.
    Selected,
    /// One wave is selected, nobody buys, all are revoked after the first-purchase deadline.
    NoPurchase,
}

/// How much of a year the scenario `year` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All waves of the year; lives, runs and the first wave's closing in the January after.
    WholeYear,
    /// The first wave alone; lives and runs until 31 December.
    FirstWave,
}

/// Everything that the bytes of a cohort depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How many participants, at least 1.
    pub participants: u32,
    /// The seed.
    pub seed: u64,
    /// The scheme.
    pub scheme: SchemeName,
    /// What happens.
    pub scenario: Scenario,
    /// How much of the year, for the scenario `year`.
    pub extent: Extent,
    /// The kabupaten or kota of everybody, its code without the dot; `None`: the whole country.
    pub region: Option<u16>,
}

impl Parameters {
    /// The most participants of one cohort: places, quotas and step numbers hold them.
    pub const MOST_PARTICIPANTS: u32 = 20_000_000;

    /// A cohort of the whole country, over all waves of the year where the scenario is `year`.
    #[must_use]
    pub const fn new(participants: u32, seed: u64, scheme: SchemeName, scenario: Scenario) -> Self {
        Self { participants, seed, scheme, scenario, extent: Extent::WholeYear, region: None }
    }
}

/// Kota Binjai in wave 1 of 2020: 135 participants (a published figure), from selection in April to the end of the year.
/// The seed is one with which so few see most of what can happen.
#[must_use]
pub const fn demo() -> Parameters {
    Parameters {
        participants: 135,
        seed: 2632,
        scheme: SchemeName::SemiBansos,
        scenario: Scenario::Year,
        extent: Extent::FirstWave,
        region: Some(1275),
    }
}
