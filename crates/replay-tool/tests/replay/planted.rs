//! Faults planted in honest years, one in each, everything else made to fit: an audit finds each by name, at its record, and
//! nothing in the honest years.

use std::collections::BTreeSet;

use cohort_sim::faults::{self, Fault, History};
use cohort_sim::{Parameters, Scenario, SchemeName};
use replay_tool::Source;
use replay_tool::audit::{self, Audit};
use replay_tool::finding::Rule;
use replay_tool::known::Window;

/// About 20,000 events of the year of 2020.
const PARTICIPANTS: u32 = 800;

fn year(scheme: SchemeName, seed: u64) -> History {
    let history = History::honest(Parameters::new(PARTICIPANTS, seed, scheme, Scenario::Year), u64::MAX);
    assert!(history.len() > 13_000, "{}", history.len());
    history
}

fn audited(history: History, threads: usize) -> (Audit, cohort_sim::faults::Forged) {
    let forged = history.fit();
    let dir = tempfile::tempdir().expect("a folder");
    forged.archive(dir.path()).expect("written");
    let audit = audit::run(&Source::Archive(dir.path().to_owned()), &Window::default(), threads);
    (audit.expect("audited"), forged)
}

/// Rules that reading the log alone would show broken.
const INTEGRITY: [&str; 5] = ["stored-log", "position", "back-pointer", "recorded-at", "decodable"];

/// What is wrong with how an audit took a fault; nothing where it found it.
fn missed(fault: &Fault, honest: &History) -> Option<String> {
    let mut history = honest.clone();
    let Some(mark) = (fault.plant)(&mut history) else { return Some("no room for it".to_owned()) };
    let (audit, forged) = audited(history, 2);
    let position = forged.position(mark);
    let all = || audit.findings.iter().chain(&audit.notices);
    let found =
        all().any(|finding| finding.rule.code() == fault.rule && finding.positions.first().copied() == position);
    if !found {
        let first: Vec<_> = all().take(6).map(|finding| finding.id.as_str()).collect();
        return Some(format!("no {} at {position:?}; found {first:?}", fault.rule));
    }
    let given_away = all().find(|f| INTEGRITY.contains(&f.rule.code()) && !INTEGRITY.contains(&fault.rule));
    given_away.map(|finding| format!("given away by {}", finding.id))
}

#[test]
fn every_kind_of_fault_is_found_by_name_at_its_record() {
    let kinds = faults::all();
    let names: BTreeSet<_> = kinds.iter().map(|fault| fault.name).collect();
    assert_eq!(names.len(), kinds.len(), "names are distinct");
    assert!(kinds.len() >= 80, "{}", kinds.len());
    for fault in &kinds {
        assert!(Rule::from_code(fault.rule).is_some(), "{}: no rule {}", fault.name, fault.rule);
    }
    let honest = year(SchemeName::SemiBansos, 7);
    let missed: Vec<_> =
        kinds.iter().filter_map(|fault| Some(format!("{}: {}", fault.name, missed(fault, &honest)?))).collect();
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), kinds.len(), missed.join("\n"));
}

#[test]
fn an_honest_year_has_no_findings() {
    for scheme in [SchemeName::SemiBansos, SchemeName::Normal] {
        for seed in [7, 11] {
            let (audit, _) = audited(year(scheme, seed), 2);
            assert_eq!(audit.findings, [], "{scheme:?} {seed}");
        }
    }
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let mut history = year(SchemeName::SemiBansos, 7);
    let planted = faults::all().iter().filter_map(|fault| (fault.plant)(&mut history)).count();
    assert!(planted > 40, "{planted}");
    let forged = history.fit();
    let dir = tempfile::tempdir().expect("a folder");
    forged.archive(dir.path()).expect("written");
    let source = Source::Archive(dir.path().to_owned());
    let told = |threads| {
        let audit = audit::run(&source, &Window::default(), threads).expect("audited");
        (audit.findings, audit.notices, audit.totals, audit.left_out)
    };
    let one = told(1);
    assert!(one.0.len() > 40);
    for threads in [2, 3, 7] {
        assert_eq!(told(threads), one, "{threads}");
    }
}
