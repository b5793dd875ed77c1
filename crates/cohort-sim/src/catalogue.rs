//! What a participant buys and is paid through: platforms, courses with prices, and payment partners.
//!
//! Platforms and partners are the programme's own. Courses, providers, prices and all shares are inventions shaped like
//! the real market; `data/SOURCES.md` says which is which. Amounts are whole rupiah.

use std::sync::LazyLock;

use crate::regions::{number, rows};
use crate::rng::weighted;

const PLATFORMS: &str = include_str!("../data/platforms.csv");
const PARTNERS: &str = include_str!("../data/partners.csv");
const PROVIDERS: &str = include_str!("../data/providers.csv");
const COURSES: &str = include_str!("../data/courses.csv");

/// All platforms, courses and partners, parsed once.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::parse);
    &CATALOGUE
}

/// Which scheme's prices apply (DOMAIN section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceList {
    /// 2020-2022: a training balance of 1,000,000 rupiah.
    SemiBansos,
    /// From 2023: a training balance of 3,500,000 rupiah.
    Normal,
}

/// A platform that sells courses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Id as it appears in events, as `skill-academy`.
    pub id: &'static str,
    /// Name for people, as `Skill Academy`.
    pub name: &'static str,
    /// Purchases of a thousand that are made here.
    pub share_permille: u32,
}

/// A training institution (lembaga pelatihan).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Id as it appears in events.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
}

/// A course and its price in each scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Id as it appears in events, as `KNT-01`.
    pub id: &'static str,
    /// Title, in Indonesian.
    pub title: &'static str,
    /// Category, in Indonesian.
    pub category: &'static str,
    /// Who gives it.
    pub provider: Provider,
    /// Ids of the platforms that sell it.
    pub platforms: Vec<&'static str>,
    price_semi_bansos: Option<u64>,
    price_normal: Option<u64>,
    weight: u64,
}

impl Course {
    /// Its price in rupiah; `None` where it is not offered under that scheme.
    #[must_use]
    pub const fn price(&self, prices: PriceList) -> Option<u64> {
        match prices {
            PriceList::SemiBansos => self.price_semi_bansos,
            PriceList::Normal => self.price_normal,
        }
    }
}

/// Kind of payout account a partner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartnerKind {
    /// An e-wallet.
    Wallet,
    /// A bank.
    Bank,
}

/// A payment partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Id as it appears in events, as `gopay`.
    pub id: &'static str,
    /// Name for people, as `GoPay`.
    pub name: &'static str,
    /// Bank or e-wallet.
    pub kind: PartnerKind,
    share_permille_2020: u32,
    share_permille_2021: u32,
}

impl Partner {
    /// Participants of a thousand who are paid here in that year; 0 before the partner joined.
    #[must_use]
    pub const fn share_permille(&self, year: i16) -> u32 {
        if year <= 2020 { self.share_permille_2020 } else { self.share_permille_2021 }
    }
}

/// The whole market of the simulation.
#[derive(Debug)]
pub struct Catalogue {
    platforms: Vec<Platform>,
    partners: Vec<Partner>,
    providers: Vec<Provider>,
    courses: Vec<Course>,
}

impl Catalogue {
    /// The eight platforms (DOMAIN section 1).
    #[must_use]
    pub fn platforms(&self) -> &[Platform] {
        &self.platforms
    }

    /// All payment partners, also those who joined later.
    #[must_use]
    pub fn partners(&self) -> &[Partner] {
        &self.partners
    }

    /// All training institutions.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// All courses.
    #[must_use]
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }

    /// The course with this id.
    #[must_use]
    pub fn course(&self, id: &str) -> Option<&Course> {
        self.courses.iter().find(|c| c.id == id)
    }

    /// Where one purchase is made, by a uniform draw and the platforms' shares.
    #[must_use]
    pub fn pick_platform(&self, draw: u64) -> &Platform {
        let shares = self.platforms.iter().map(|p| u64::from(p.share_permille));
        &self.platforms[weighted(draw, shares).expect("platforms have shares")]
    }

    /// A course that the platform sells for at most `budget` rupiah, by a uniform draw and the courses' popularity;
    /// `None` where it sells none.
    #[must_use]
    pub fn pick_course(&self, platform: &str, prices: PriceList, budget: u64, draw: u64) -> Option<&Course> {
        let weights = self.courses.iter().map(|course| {
            let affordable = course.price(prices).is_some_and(|price| price <= budget);
            if affordable && course.platforms.contains(&platform) { course.weight } else { 0 }
        });
        weighted(draw, weights).map(|i| &self.courses[i])
    }

    /// Through whom one participant is paid in that year, by a uniform draw: three of four by wallet.
    #[must_use]
    pub fn pick_partner(&self, year: i16, draw: u64) -> &Partner {
        let shares = self.partners.iter().map(|p| u64::from(p.share_permille(year)));
        &self.partners[weighted(draw, shares).expect("partners have shares")]
    }

    fn parse() -> Self {
        let platforms = rows(PLATFORMS)
            .map(|[id, name, share]| Platform { id, name, share_permille: number(share) })
            .collect::<Vec<_>>();
        let partners = rows(PARTNERS)
            .map(|[id, name, kind, share_2020, share_2021]| Partner {
                id,
                name,
                kind: match kind {
                    "wallet" => PartnerKind::Wallet,
                    "bank" => PartnerKind::Bank,
                    other => panic!("not a kind of partner: {other}"),
                },
                share_permille_2020: number(share_2020),
                share_permille_2021: number(share_2021),
            })
            .collect();
        let providers = rows(PROVIDERS).map(|[id, name]| Provider { id, name }).collect::<Vec<_>>();
        let price = |field: &str| (!field.is_empty()).then(|| number(field));
        let courses = rows(COURSES)
            .map(|[id, title, category, provider, sold_by, semi_bansos, normal, weight]| Course {
                id,
                title,
                category,
                provider: *providers.iter().find(|p| p.id == provider).expect("a course names a provider"),
                platforms: sold_by.split(' ').collect(),
                price_semi_bansos: price(semi_bansos),
                price_normal: price(normal),
                weight: number(weight),
            })
            .collect();
        Self { platforms, partners, providers, courses }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::rng::Stream;

    const BOTH: [(PriceList, u64); 2] = [(PriceList::SemiBansos, 1_000_000), (PriceList::Normal, 3_500_000)];

    #[test]
    fn the_eight_platforms_share_all_purchases() {
        let names: BTreeSet<_> = catalogue().platforms().iter().map(|p| p.name).collect();
        let expected =
            ["Tokopedia", "Bukalapak", "Skill Academy", "Kemnaker", "Pintaria", "Pijar", "Sekolah.mu", "MauBelajarApa"];
        assert_eq!(names, BTreeSet::from(expected));
        assert_eq!(catalogue().platforms().iter().map(|p| p.share_permille).sum::<u32>(), 1000);
    }

    #[test]
    fn ids_are_unique_and_references_exist() {
        let courses = catalogue().courses();
        assert!(courses.len() >= 40);
        assert_eq!(courses.iter().map(|c| c.id).collect::<BTreeSet<_>>().len(), courses.len());
        assert_eq!(courses.iter().map(|c| c.title).collect::<BTreeSet<_>>().len(), courses.len());
        let platforms: BTreeSet<_> = catalogue().platforms().iter().map(|p| p.id).collect();
        for course in courses {
            assert!(course.platforms.iter().all(|p| platforms.contains(p)), "{}", course.id);
            assert_eq!(catalogue().course(course.id), Some(course));
        }
        let used: BTreeSet<_> = courses.iter().map(|c| c.provider.id).collect();
        assert_eq!(used, catalogue().providers().iter().map(|p| p.id).collect());
        assert_eq!(catalogue().course("XXX-99"), None);
    }

    #[test]
    fn prices_fit_the_training_balance_in_steps_of_5000() {
        for (prices, balance) in BOTH {
            let offered: Vec<_> = catalogue().courses().iter().filter_map(|c| c.price(prices)).collect();
            assert!(offered.len() >= 40);
            for price in &offered {
                assert!((100_000..=balance).contains(price) && price % 5_000 == 0, "{prices:?} {price}");
            }
            // Someone can spend the whole balance at once.
            assert!(offered.contains(&balance), "{prices:?}");
        }
    }

    #[test]
    fn every_platform_sells_a_choice_under_both_schemes() {
        for platform in catalogue().platforms() {
            for (prices, balance) in BOTH {
                let picked: BTreeSet<_> = (0..1_000_u64)
                    .filter_map(|i| catalogue().pick_course(platform.id, prices, balance, i << 54))
                    .map(|c| c.id)
                    .collect();
                assert!(picked.len() >= 5, "{} {prices:?}: {picked:?}", platform.id);
            }
        }
    }

    #[test]
    fn a_picked_course_is_sold_there_and_is_affordable() {
        let mut stream = Stream::new(1, "courses", 0);
        for _ in 0..20_000 {
            let platform = catalogue().pick_platform(stream.draw());
            let (prices, balance) = BOTH[stream.below(2) as usize];
            let budget = stream.below(balance + 1);
            if let Some(course) = catalogue().pick_course(platform.id, prices, budget, stream.draw()) {
                assert!(course.platforms.contains(&platform.id), "{} at {}", course.id, platform.id);
                assert!(course.price(prices).is_some_and(|price| price <= budget), "{} for {budget}", course.id);
            }
        }
        assert_eq!(catalogue().pick_course("tokopedia", PriceList::SemiBansos, 99_999, 0), None);
        assert_eq!(catalogue().pick_course("warung", PriceList::Normal, 3_500_000, 0), None);
    }

    #[test]
    fn three_of_four_are_paid_by_wallet_and_dana_only_from_2021() {
        for (year, dana) in [(2020, 0), (2021, 180), (2023, 180)] {
            let partners = catalogue().partners();
            let wallets: u32 =
                partners.iter().filter(|p| p.kind == PartnerKind::Wallet).map(|p| p.share_permille(year)).sum();
            assert_eq!((wallets, partners.iter().map(|p| p.share_permille(year)).sum::<u32>()), (750, 1000), "{year}");
            let found = partners.iter().find(|p| p.id == "dana").map(|p| p.share_permille(year));
            assert_eq!(found, Some(dana), "{year}");
        }
    }

    #[test]
    fn picks_follow_the_shares() {
        const N: u64 = 100_000;
        let mut stream = Stream::new(2, "shares", 0);
        let (mut platforms, mut partners) = (BTreeMap::<_, u64>::new(), BTreeMap::<_, u64>::new());
        for _ in 0..N {
            *platforms.entry(catalogue().pick_platform(stream.draw()).id).or_default() += 1;
            *partners.entry(catalogue().pick_partner(2020, stream.draw()).id).or_default() += 1;
        }
        for platform in catalogue().platforms() {
            let expected = N * u64::from(platform.share_permille) / 1000;
            assert!(platforms[platform.id].abs_diff(expected) < 700, "{platforms:?}");
        }
        for partner in catalogue().partners() {
            let (seen, expected) =
                (partners.get(partner.id).copied(), N * u64::from(partner.share_permille(2020)) / 1000);
            assert!(seen.unwrap_or(0).abs_diff(expected) < 700, "{partners:?}");
        }
        assert!(!partners.contains_key("dana"));
    }
}
