//! `partners`: years in which everything between a partner and the ledger breaks, seed after seed, as the tests live through a
//! few of them (`ledger_tests::partners`). There is nothing to be fast about: every year must end in order.

use std::os::unix::fs::symlink;
use std::path::Path;

use ledger_tests::partners::{Met, run_seeds};
use ledger_tests::server::Programs;

use crate::Common;
use crate::measure::{Bar, Failed, Report};

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let programs = Programs {
        server: named(dir.path(), "ledger-server")?,
        replay: named(dir.path(), "replay-tool")?,
        sim: named(dir.path(), "cohort-sim")?,
    };
    // Four fifths of a year are waiting: for a disk, for a process to come up.
    let at_once = 7 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let found = run_seeds(&programs, 1..=common.seeds, at_once);
    for (seed, why) in found.iter().filter_map(|(seed, met)| Some((seed, met.as_ref().err()?))) {
        eprintln!("seed {seed}: {why}");
    }
    let met: Vec<Met> = found.into_iter().filter_map(|(_, met)| met.ok()).collect();
    let sum = |count: fn(&Met) -> u64| met.iter().map(count).sum::<u64>();
    eprintln!(
        "{} kills of the server, {} of them amid traffic, {} of the partner, {} of its own deaths, {} connections cut, {} instructions, {} doubts \
         and {} exceptions that people cleared up",
        sum(|met| met.kills),
        sum(|met| met.amid),
        sum(|met| met.partner_kills),
        sum(|met| met.deaths),
        sum(|met| met.cuts),
        sum(|met| met.instructions as u64),
        sum(|met| met.doubts as u64),
        sum(|met| met.exceptions as u64),
    );
    let case = "years with a kill of the server in each tenth, everything paid once and the books equal";
    report.line(("partners", case, "years"), met.len() as f64, None, Bar::AtLeast(common.seeds as f64))
}

/// This program under another name: a path, since that is how programs are told.
fn named(dir: &Path, name: &str) -> Result<&'static str, Failed> {
    let link = dir.join(name);
    symlink(std::env::current_exe()?, &link)?;
    Ok(link.into_os_string().into_string().map_err(|_| "a folder whose name is no text")?.leak())
}
