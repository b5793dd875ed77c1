//! `cuts`: power cuts of the log, by the thousand. A promise that is broken is named on stderr.

use ledger_faults::cuts::cut_lives;
use ledger_faults::mount::available;

use crate::Common;
use crate::measure::{Bar, Failed, Report};

/// Cuts of one life of the log.
const OF_A_LIFE: u64 = 200;
/// Other lives than those of the tests.
const FIRST_SEED: u64 = 1_000_000;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    if !available() {
        return Err("cuts need /dev/fuse, and root".into());
    }
    let tally = cut_lives(FIRST_SEED, common.cuts, OF_A_LIFE)?;
    for broken in &tally.broken {
        eprintln!("{broken}");
    }
    let mut line = |case: &str, count: u64, bar| report.line(("cuts", case, "cuts"), count as f64, None, bar);
    line(
        "with an answered record lost, a record doubled, or a log that is refused",
        tally.broken.len() as u64,
        Bar::AtMost(0.0),
    )?;
    line("judged", tally.cuts, Bar::AtLeast(common.cuts as f64))?;
    line("of these after another cut", tally.after_a_cut, Bar::None)?;
    line("of these after a kill", tally.after_a_kill, Bar::None)?;
    line("with something not yet synced", tally.with_pending, Bar::None)?;
    line("that kept the commit under way", tally.under_way, Bar::None)?;
    line("that left records beyond the head file", tally.beyond_head, Bar::None)?;
    report.line(("cuts", "found again, over all cuts", "records"), tally.records as f64, None, Bar::None)
}
