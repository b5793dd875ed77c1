//! The provinces, and where each stands on the grid of tiles: `data/provinces.csv`, with its source beside it.

use std::sync::LazyLock;

/// A province.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Province {
    /// The first two digits of its regions' codes.
    pub(super) code: u16,
    pub(super) name: &'static str,
    /// Two letters for its tile.
    pub(super) short: &'static str,
    pub(super) row: u16,
    pub(super) column: u16,
}

/// Every province, by code.
pub(super) static PROVINCES: LazyLock<Vec<Province>> = LazyLock::new(|| {
    let lines = include_str!("../../data/provinces.csv").lines().skip(1);
    lines.filter_map(line).collect()
});

fn line(line: &'static str) -> Option<Province> {
    let mut cells = line.split(',');
    Some(Province {
        code: cells.next()?.parse().ok()?,
        name: cells.next()?,
        short: cells.next()?,
        row: cells.next()?.parse().ok()?,
        column: cells.next()?.parse().ok()?,
    })
}

/// A province's name; its code where there is none.
pub(super) fn name(code: u16) -> String {
    let found = PROVINCES.iter().find(|province| province.code == code);
    found.map_or_else(|| format!("{code:02}"), |province| province.name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_province_has_a_place_and_letters_of_its_own() {
        // 34 of 2020, and the four that Papua was divided into.
        assert_eq!(PROVINCES.len(), 38);
        let places: BTreeSet<_> = PROVINCES.iter().map(|province| (province.row, province.column)).collect();
        let letters: BTreeSet<_> = PROVINCES.iter().map(|province| province.short).collect();
        let codes: BTreeSet<_> = PROVINCES.iter().map(|province| province.code).collect();
        assert_eq!((places.len(), letters.len(), codes.len()), (38, 38, 38));
        assert_eq!((name(12), name(99)), ("Sumatera Utara".to_owned(), "99".to_owned()));
    }

    #[test]
    fn names_are_those_of_the_generator() {
        let theirs = include_str!("../../../cohort-sim/data/provinces.csv").lines().skip(1);
        for line in theirs {
            let (code, rest) = line.split_once(',').expect("a code");
            let (theirs, _) = rest.split_once(',').expect("a name");
            assert_eq!(name(code.parse().expect("a number")), theirs);
        }
    }
}
