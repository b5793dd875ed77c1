//! A history as an archive: the records that its lines lead to, byte by byte, and the same bytes every time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cohort_sim::{Cohort, Parameters, Scenario, SchemeName, archive};
use ledger_log::{AtRest, OpenError, record};

use crate::{SCHEMES, year};

const WHOLE: u64 = u64::MAX;

/// Name and content of every file.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
    // Who holds the folder is none of its content.
    found.remove("LOCK");
    found
}

fn records(folder: &Path) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let examined = AtRest::archive(folder).expect("an archive").examine(|_, bytes| {
        records.push(bytes.to_vec());
        Ok(())
    });
    assert_eq!(examined.expect("readable").findings, []);
    records
}

/// What an empty ledger stores of the cohort's lines.
fn of_lines(parameters: Parameters) -> Vec<Vec<u8>> {
    let records = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&records);
    let cohort = Cohort::new(parameters).watched(move |new| {
        let mut bytes = Vec::new();
        record::encode(new, &mut bytes);
        seen.lock().expect("one thread").push(bytes);
    });
    assert!(cohort.count() > 0);
    std::mem::take(&mut *records.lock().expect("one thread"))
}

#[test]
fn an_archive_holds_the_records_of_the_lines_and_the_same_bytes_every_time() {
    let desk = tempfile::tempdir().expect("a folder");
    // More than two batches, so that the writing thread has waiting ones.
    for (number, scheme) in SCHEMES.into_iter().enumerate() {
        let parameters = year(1_200, 3, scheme);
        let (first, second) = (desk.path().join(format!("a{number}")), desk.path().join(format!("b{number}")));
        let (summary, head) = archive::write(&parameters, WHOLE, &first).expect("written");
        assert!(head.size > 2 * 8192, "{head:?}");
        assert_eq!((summary.records, summary.refused.is_empty()), (head.size, true));
        assert_eq!(archive::write(&parameters, WHOLE, &second).expect("written"), (summary, head));
        assert_eq!(files(&first), files(&second));
        assert!(records(&first) == of_lines(parameters), "{scheme:?}: other records");
    }
}

#[test]
fn a_history_ends_with_the_step_that_reaches_the_number_of_records() {
    let desk = tempfile::tempdir().expect("a folder");
    let parameters = year(50, 3, SchemeName::Normal);
    let (whole, part) = (of_lines(parameters), desk.path().join("part"));
    let (_, head) = archive::write(&parameters, 300, &part).expect("written");
    assert!((300..400).contains(&head.size), "{head:?}");
    assert_eq!(records(&part), whole[..usize::try_from(head.size).expect("few")]);
    let lines = Cohort::new(parameters).until(300);
    assert!(lines.count() < Cohort::new(parameters).count());
}

#[test]
fn what_stands_in_the_folder_stays_and_what_was_interrupted_goes() {
    let desk = tempfile::tempdir().expect("a folder");
    let to = desk.path().join("archive");
    let parameters = Parameters::new(20, 1, SchemeName::SemiBansos, Scenario::Selected);
    archive::write(&parameters, WHOLE, &to).expect("written");
    let before = files(&to);
    assert!(matches!(archive::write(&parameters, WHOLE, &to), Err(OpenError::InTheWay { .. })));
    assert_eq!(files(&to), before);

    let other = desk.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    std::fs::write(other.join("letter"), "mine").expect("a file");
    assert!(matches!(archive::write(&parameters, WHOLE, &other), Err(OpenError::NotAnArchive { .. })));
    assert_eq!(std::fs::read(other.join("letter")).expect("there"), b"mine");

    // Begun and never finished: a segment without its name, which no manifest knows.
    let again = desk.path().join("again");
    drop(ledger_log::ArchiveWriter::open(&again, 20).expect("begun"));
    let name = before.keys().find(|name| name.ends_with(".segment")).expect("a segment");
    std::fs::write(again.join(name), b"half").expect("a leftover");
    archive::write(&parameters, WHOLE, &again).expect("written");
    assert_eq!(files(&again), before);
}
