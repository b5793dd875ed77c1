//! `verify`: the auditor's pass over sealed segments, beside what no checker can do without: the Merkle tree of the same
//! records, in memory, on the same core. Then two cores beside one.

use std::path::Path;
use std::time::{Duration, Instant};

use ledger_log::{Frontier, leaf_hash};
use serde::Deserialize;

use crate::child::{Program, on_one_core, processor_time_of_children};
use crate::measure::{Bar, Failed, Report, interleaved, rate, timed};
use crate::{Common, history};

const EVENTS: u64 = 2_000_000;
/// Records of the yardstick: of a larger log its first ones.
const HASHED: usize = 4_000_000;
/// Share of the bare tree's speed. The goal is 0.5.
const BAR: f64 = 0.25;
/// Two cores, times one.
const CORES: f64 = 1.5;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let archive = history::sealed(common, common.events.unwrap_or(EVENTS))?;
    let by = |threads| verify("--archive", &archive.dir, threads).map(|done| rate(done.records, done.took));
    let records = archive.first(HASHED)?;
    let (subject, yardstick) =
        interleaved(common.pairs, || on_one_core(|| by(1)), || on_one_core(|| Ok(hash(&records))))?;
    drop(records);
    let case = "segments, one core; goal 0.5";
    report.line(("verify", case, "records/s"), subject, Some(yardstick), Bar::Ratio(BAR))?;
    let (two, one) = interleaved(common.pairs, || by(2), || on_one_core(|| by(1)))?;
    report.line(("verify", "two cores against one", "records/s"), two, Some(one), Bar::Ratio(CORES))
}

/// A clean pass of the tool.
pub(crate) struct Verified {
    pub(crate) records: u64,
    /// From the tool's start to its end.
    pub(crate) took: Duration,
    /// Of processors: where other work has the core too, they are apart.
    pub(crate) of_core: Duration,
}

/// Runs the tool on a `source` (`--data`, `--archive`).
pub(crate) fn verify(source: &str, dir: &Path, threads: u32) -> Result<Verified, Failed> {
    #[derive(Deserialize)]
    struct Said {
        size: u64,
    }
    let before = processor_time_of_children()?;
    let mut tool = Program::Replay.command()?;
    tool.args(["verify", "--json", "--threads", &threads.to_string(), source]).arg(dir);
    let (output, took) = timed(|| Ok(tool.output()?))?;
    if !output.status.success() {
        return Err(format!("verify: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let said: Said = serde_json::from_slice(&output.stdout)?;
    let of_core = processor_time_of_children()?.saturating_sub(before);
    Ok(Verified { records: said.size, took, of_core })
}

/// RFC 6962 over the records, in memory, a second: nothing that reads a log can be faster.
pub(crate) fn hash(records: &[Vec<u8>]) -> f64 {
    let start = Instant::now();
    let mut frontier = Frontier::default();
    records.iter().for_each(|record| frontier.append(leaf_hash(record)));
    std::hint::black_box(frontier.root());
    rate(records.len() as u64, start.elapsed())
}
