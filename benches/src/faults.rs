//! `faults`: every kind of fault planted in one large log, and the audit that must find each by name, at its record.

use cohort_sim::faults::{self, Fault, History, Mark};
use cohort_sim::{Parameters, Scenario, SchemeName};
use replay_tool::Source;
use replay_tool::audit;
use replay_tool::known::Window;

use crate::Common;
use crate::measure::{Bar, Failed, Report};

/// Events, unless told.
const EVENTS: u64 = 1_000_000;
/// Events of one participant's year, about.
const EACH: u64 = 25;
/// So many kinds at least.
const KINDS: f64 = 40.0;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let events = common.events.unwrap_or(EVENTS);
    let participants = u32::try_from(events / EACH)?.max(1);
    let parameters = Parameters::new(participants, 7, SchemeName::SemiBansos, Scenario::Year);
    let mut history = History::honest(parameters, u64::MAX);
    let mut planted: Vec<(&Fault, Mark)> = Vec::new();
    for fault in faults::all() {
        let mark = (fault.plant)(&mut history).ok_or_else(|| format!("no room for {}", fault.name))?;
        planted.push((fault, mark));
    }
    let forged = history.fit();
    let dir = common.folder()?;
    forged.archive(dir.path())?;
    let threads = std::thread::available_parallelism()?.get();
    let audit = audit::run(&Source::Archive(dir.path().to_owned()), &Window::default(), threads)?;
    let mut found = 0u32;
    for (fault, mark) in &planted {
        let position = forged.position(*mark);
        let mut all = audit.findings.iter().chain(&audit.notices);
        let is = all.any(|f| f.rule.code() == fault.rule && f.positions.first().copied() == position);
        found += u32::from(is);
        if !is {
            eprintln!("not found: {}, {} at {position:?}", fault.name, fault.rule);
        }
    }
    let case = format!("{} kinds in one log of {} records", planted.len(), forged.records.len());
    report.line(("faults", &case, "found"), f64::from(found), Some(planted.len() as f64), Bar::Ratio(1.0))?;
    report.line(("faults", "kinds", "planted"), planted.len() as f64, None, Bar::AtLeast(KINDS))
}
