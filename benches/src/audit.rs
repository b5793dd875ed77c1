//! `audit`: the auditor's one pass over sealed segments, beside bare `verify` of the same log, both on all cores.

use crate::child::Program;
use crate::measure::{Bar, Failed, Report, interleaved, rate, timed};
use crate::verify::verify;
use crate::{Common, history};

const EVENTS: u64 = 2_000_000;
/// Share of `verify`'s speed. The goal is 0.8.
const BAR: f64 = 0.5;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let archive = history::sealed(common, common.events.unwrap_or(EVENTS))?;
    let threads = u32::try_from(std::thread::available_parallelism()?.get())?;
    let audit = || {
        let mut tool = Program::Replay.command()?;
        tool.args(["audit", "--json", "--threads", &threads.to_string(), "--archive"]).arg(&archive.dir);
        let (output, took) = timed(|| Ok(tool.output()?))?;
        if !output.status.success() {
            return Err(format!("audit: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(rate(said["size"].as_u64().ok_or("no size")?, took))
    };
    let verify = || verify("--archive", &archive.dir, threads).map(|done| rate(done.records, done.took));
    let (subject, yardstick) = interleaved(common.pairs, audit, verify)?;
    report.line(("audit", "segments, all cores; goal 0.8", "records/s"), subject, Some(yardstick), Bar::Ratio(BAR))
}
