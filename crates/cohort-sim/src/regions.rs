//! The provinces and kabupaten/kota of 2020, and how many participants come from each.
//!
//! Codes are those of the Ministry of Home Affairs (Kemendagri) before the Papua provinces of 2022: 34 provinces,
//! 514 kabupaten and kota. Sources and licence: `data/SOURCES.md`.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::rng::scale;

const PROVINCES: &str = include_str!("../data/provinces.csv");
const REGIONS: &str = include_str!("../data/regions.csv");

/// All provinces and kabupaten/kota of 2020, parsed once.
#[must_use]
pub fn regions() -> &'static Regions {
    static REGIONS: LazyLock<Regions> = LazyLock::new(Regions::parse);
    &REGIONS
}

/// A kabupaten or kota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Kemendagri code without its dot: 1275 is 12.75.
    pub code: u16,
    /// Name with its kind: `Kota Binjai`, `Kabupaten Langkat`.
    pub name: &'static str,
    /// Name of its province.
    pub province: &'static str,
    population: u64,
}

impl Region {
    /// Code of its province: the first two digits of its own.
    #[must_use]
    pub const fn province_code(&self) -> u16 {
        self.code / 100
    }

    /// Whether it is a kota; else it is a kabupaten.
    #[must_use]
    pub const fn is_kota(&self) -> bool {
        self.code % 100 >= 71
    }
}

/// The official form: `12.75 Kota Binjai, Sumatera Utara`.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02} {}, {}", self.code / 100, self.code % 100, self.name, self.province)
    }
}

/// A province of 2020.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Province {
    /// Kemendagri code, two digits.
    pub code: u16,
    /// Name, as `Sumatera Utara`.
    pub name: &'static str,
    /// People counted by the census of September 2020.
    pub population_2020: u64,
    /// Where its regions are in [`Regions::all`].
    first: usize,
    end: usize,
}

/// The set of all regions, ordered by code.
#[derive(Debug)]
pub struct Regions {
    provinces: Vec<Province>,
    all: Vec<Region>,
    by_name: HashMap<String, usize>,
}

impl Regions {
    /// All 514 kabupaten and kota, by code.
    #[must_use]
    pub fn all(&self) -> &[Region] {
        &self.all
    }

    /// All 34 provinces, by code.
    #[must_use]
    pub fn provinces(&self) -> &[Province] {
        &self.provinces
    }

    /// The kabupaten and kota of a province, by code; empty for an unknown province code.
    #[must_use]
    pub fn of_province(&self, code: u16) -> &[Region] {
        match self.provinces.binary_search_by_key(&code, |p| p.code) {
            Ok(i) => &self.all[self.provinces[i].first..self.provinces[i].end],
            Err(_) => &[],
        }
    }

    /// The region with this code (1275 for 12.75).
    #[must_use]
    pub fn by_code(&self, code: u16) -> Option<&Region> {
        self.all.binary_search_by_key(&code, |r| r.code).ok().map(|i| &self.all[i])
    }

    /// The region with this full name (`Kota Binjai`), in any case.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Region> {
        self.by_name.get(&name.to_lowercase()).map(|i| &self.all[*i])
    }

    /// Where one person of the country lives, by a uniform draw: provinces in proportion to the census of 2020, a
    /// province's regions in proportion to their registered population.
    #[must_use]
    pub fn pick(&self, draw: u64) -> &Region {
        let country = self.provinces.iter().map(|p| p.population_2020).sum();
        let (province, person) = nth(&self.provinces, scale(draw, country), |p| p.population_2020);
        let inside = &self.all[province.first..province.end];
        let registered: u64 = inside.iter().map(|r| r.population).sum();
        // Both populations are below 2^32, so the product fits.
        nth(inside, person * registered / province.population_2020, |r| r.population).0
    }

    fn parse() -> Self {
        let mut all = Vec::new();
        let mut provinces = Vec::new();
        let mut remaining = rows::<3>(REGIONS).peekable();
        for [code, province, population] in rows(PROVINCES) {
            let first = all.len();
            while let Some([dotted, name, population]) = remaining.next_if(|[dotted, ..]| dotted.starts_with(code)) {
                let (_, own) = dotted.split_once('.').expect("a region's code is NN.NN");
                let code = 100 * number::<u16>(code) + number::<u16>(own);
                all.push(Region { code, name, province, population: number(population) });
            }
            provinces.push(Province {
                code: number(code),
                name: province,
                population_2020: number(population),
                first,
                end: all.len(),
            });
        }
        assert!(remaining.next().is_none(), "a region of no province, or out of order");
        let by_name = all.iter().enumerate().map(|(i, r): (_, &Region)| (r.name.to_lowercase(), i)).collect();
        Self { provinces, all, by_name }
    }
}

/// The item that holds the n-th unit of weight, and how far into it that is.
fn nth<T>(items: &[T], mut n: u64, weight: impl Fn(&T) -> u64) -> (&T, u64) {
    let (last, others) = items.split_last().expect("the embedded data has no empty list");
    for item in others {
        if n < weight(item) {
            return (item, n);
        }
        n -= weight(item);
    }
    (last, n)
}

// Embedded data that does not parse is a broken build: the tests read all of it.

/// The rows of an embedded table without its heading.
pub(crate) fn rows<const N: usize>(csv: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    csv.lines().skip(1).map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        fields.try_into().unwrap_or_else(|_| panic!("not {N} fields: {line}"))
    })
}

/// A number of an embedded table.
pub(crate) fn number<T: std::str::FromStr>(field: &str) -> T {
    field.parse().unwrap_or_else(|_| panic!("not a number: {field}"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::rng::Stream;

    #[test]
    fn the_country_of_2020_is_complete() {
        let all = regions().all();
        assert_eq!((regions().provinces().len(), all.len()), (34, 514));
        assert_eq!(all.iter().filter(|r| r.is_kota()).count(), 98);
        for region in all {
            let kind = if region.is_kota() { "Kota " } else { "Kabupaten " };
            assert!(region.name.starts_with(kind), "{region}");
        }
    }

    #[test]
    fn codes_and_names_are_unique_and_in_order() {
        let all = regions().all();
        assert!(all.is_sorted_by(|a, b| a.code < b.code));
        assert!(regions().provinces().is_sorted_by(|a, b| a.code < b.code));
        assert_eq!(all.iter().map(|r| r.name.to_lowercase()).collect::<BTreeSet<_>>().len(), 514);
        for region in all {
            assert_eq!(regions().by_code(region.code), Some(region));
            assert_eq!(regions().by_name(region.name), Some(region));
        }
    }

    /// Regions of each province in 2020; the last two are undivided Papua and Papua Barat.
    #[test]
    fn every_province_has_its_regions() {
        let expected = [
            (11, 23),
            (12, 33),
            (13, 19),
            (14, 12),
            (15, 11),
            (16, 17),
            (17, 10),
            (18, 15),
            (19, 7),
            (21, 7),
            (31, 6),
            (32, 27),
            (33, 35),
            (34, 5),
            (35, 38),
            (36, 8),
            (51, 9),
            (52, 10),
            (53, 22),
            (61, 14),
            (62, 14),
            (63, 13),
            (64, 10),
            (65, 5),
            (71, 15),
            (72, 13),
            (73, 24),
            (74, 17),
            (75, 6),
            (76, 6),
            (81, 11),
            (82, 10),
            (91, 29),
            (92, 13),
        ];
        let found: Vec<_> =
            regions().provinces().iter().map(|p| (p.code, regions().of_province(p.code).len())).collect();
        assert_eq!(found, expected);
        for province in regions().provinces() {
            for region in regions().of_province(province.code) {
                assert_eq!((region.province_code(), region.province), (province.code, province.name));
            }
        }
        assert!(regions().of_province(93).is_empty());
    }

    #[test]
    fn binjai_is_12_75_in_sumatera_utara() {
        let binjai = regions().by_name("kota binjai").expect("Kota Binjai is a region");
        assert_eq!((binjai.code, binjai.name, binjai.province), (1275, "Kota Binjai", "Sumatera Utara"));
        assert_eq!(binjai.to_string(), "12.75 Kota Binjai, Sumatera Utara");
        assert_eq!(regions().by_name("Binjai"), None);
    }

    #[test]
    fn papua_has_the_codes_of_before_its_division() {
        for (code, name, province) in [
            (9101, "Kabupaten Merauke", "Papua"),
            (9104, "Kabupaten Nabire", "Papua"),
            (9128, "Kabupaten Deiyai", "Papua"),
            (9171, "Kota Jayapura", "Papua"),
            (9201, "Kabupaten Sorong", "Papua Barat"),
            (9271, "Kota Sorong", "Papua Barat"),
        ] {
            let region = regions().by_code(code).expect("the code exists");
            assert_eq!((region.name, region.province), (name, province));
        }
    }

    #[test]
    fn the_census_adds_up() {
        assert_eq!(regions().provinces().iter().map(|p| p.population_2020).sum::<u64>(), 270_203_917);
    }

    #[test]
    fn picks_follow_the_population() {
        const N: u64 = 200_000;
        let mut stream = Stream::new(1, "regions", 0);
        let mut provinces = BTreeMap::<u16, u64>::new();
        let mut medan = 0_u64;
        for _ in 0..N {
            let region = regions().pick(stream.draw());
            *provinces.entry(region.province_code()).or_default() += 1;
            medan += u64::from(region.code == 1271);
        }
        for province in regions().provinces() {
            let (seen, expected) = (provinces[&province.code], N * province.population_2020 / 270_203_917);
            assert!(seen.abs_diff(expected) <= 30 + expected / 10, "{}: {seen}, not {expected}", province.name);
        }
        // 2,546,452 of the 15,640,905 people registered in Sumatera Utara.
        let expected = N * 14_799_361 / 270_203_917 * 2_546_452 / 15_640_905;
        assert!(medan.abs_diff(expected) < 200, "{medan}, not {expected}");
    }

    #[test]
    fn picks_reach_every_region_and_both_ends() {
        let picked: BTreeSet<_> = (0..=u16::MAX).map(|i| regions().pick(u64::from(i) << 48).code).collect();
        assert_eq!(picked.len(), 514);
        assert_eq!((regions().pick(0).code, regions().pick(u64::MAX).code), (1101, 9271));
    }
}
