//! Two copies of a log side by side.

use crate::remote::Fixed;
use crate::support::*;

/// How two logs stand to each other, exit code, and where they part.
type Row<'r> = (&'r str, &'r [Vec<u8>], &'r [Vec<u8>], u8, Option<u64>);

#[test]
fn copies_are_the_same_or_go_on_from_each_other_or_are_forked() {
    let records = encoded(&story().records);
    let mut forked = records.clone();
    forked.swap(17, 18);
    let last = [&records[..27], &records[3..4]].concat();
    let rows: &[Row<'_>] = &[
        ("same", &records, &records, 0, None),
        ("same", &[], &[], 0, None),
        ("a-extends-b", &records, &records[..20], 0, None),
        ("b-extends-a", &records[..20], &records, 0, None),
        ("b-extends-a", &[], &records, 0, None),
        ("forked", &records, &forked, 1, Some(17)),
        ("forked", &forked, &records[..18], 1, Some(17)),
        ("a-extends-b", &forked, &records[..17], 0, None),
        ("forked", &records, &last, 1, Some(27)),
        ("forked", &records[1..], &records, 1, Some(0)),
    ];
    for (relation, a, b, code, position) in rows {
        let (log_a, log_b, url_b) = (log_of(a), log_of(b), Fixed::new(b).serve());
        let path = |log: &tempfile::TempDir| log.path().to_str().expect("UTF-8").to_owned();
        for b in [path(&log_b), url_b] {
            let said = tool(&["compare", &path(&log_a), &b, "--json"]);
            let document = said.json();
            assert_eq!((said.code, &document["relation"]), (*code, &(*relation).into()), "{said:?}");
            assert_eq!(document["first_difference"].as_u64(), *position, "{said:?}");
            assert_eq!(document["a"]["size"], a.len() as u64, "{said:?}");
            assert_eq!(document["b"]["source"], b, "{said:?}");
            let said = tool(&["compare", &path(&log_a), &b]);
            assert!(said.code == *code && said.out.contains("result  "), "{said:?}");
        }
    }
}

#[test]
fn a_long_fork_is_found_where_it_begins() {
    let long: Vec<_> = (0..30_000u32).map(|number| number.to_be_bytes().to_vec()).collect();
    let mut forked = long.clone();
    forked[12_345] = b"another".to_vec();
    let (a, b) = (log_of(&long), log_of(&forked));
    let said = tool(&["compare", a.path().to_str().expect("UTF-8"), b.path().to_str().expect("UTF-8"), "--json"]);
    assert_eq!((said.code, said.json()["first_difference"].as_u64()), (1, Some(12_345)), "{said:?}");
}

#[test]
fn a_damaged_copy_is_not_compared() {
    let (whole, damaged) = (story_log(), story_log());
    let db = damaged.path().join("live/00000000000000000000/db");
    let mut bytes = std::fs::read(&db).expect("readable");
    let needle = &encoded(&story().records)[17];
    let at = (0..bytes.len()).find(|at| bytes[*at..].starts_with(needle)).expect("stored");
    bytes[at + 5] ^= 1;
    std::fs::write(&db, bytes).expect("written");
    let paths = [whole.path().to_str().expect("UTF-8"), damaged.path().to_str().expect("UTF-8")];
    for [a, b] in [[paths[0], paths[1]], [paths[1], paths[0]]] {
        let said = tool(&["compare", a, b]);
        assert!(said.code == 2 && said.err.contains("stored-log at position"), "{said:?}");
    }
    let said = tool(&["compare", paths[0], "/nowhere"]);
    assert!(said.code == 2 && said.err.contains("holds no log"), "{said:?}");
}
