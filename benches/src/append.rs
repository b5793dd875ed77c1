//! `append`: how much of the disk's own speed is left once a record is hashed, chunked, and durable in the log.

use std::fs::OpenOptions;
use std::io::Write;

use cohort_sim::SchemeName;
use ledger_log::{Batch, Log, Options};

use crate::measure::{Bar, Failed, Report, interleaved, rate, timed};
use crate::{Common, history};

/// Records a commit, commits of one measurement, and the bar: the share of the plain file's speed.
const CASES: [(usize, usize, f64); 4] = [(1, 400, 0.35), (100, 300, 0.45), (1_000, 100, 0.33), (8_190, 30, 0.18)];

/// Each case on its own log and its own file, both new for each pair.
pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let records = history::records(common.events.unwrap_or(300_000), SchemeName::SemiBansos)?;
    let bytes: usize = records.iter().map(Vec::len).sum();
    eprintln!("{} records of a year, {} bytes each", records.len(), bytes / records.len().max(1));
    for (size, commits, bar) in CASES {
        let commits = commits.min(records.len() / size).max(1);
        let batches: Vec<&[Vec<u8>]> = records.chunks_exact(size).take(commits).collect();
        let count = (batches.len() * size) as u64;
        let subject = || log(common, &batches).map(|took| rate(count, took));
        let yardstick = || file(common, &batches).map(|took| rate(count, took));
        let (subject, yardstick) = interleaved(common.pairs, subject, yardstick)?;
        let case = format!("{size} a commit");
        report.line(("append", &case, "events/s"), subject, Some(yardstick), Bar::Ratio(bar))?;
    }
    Ok(())
}

fn log(common: &Common, batches: &[&[Vec<u8>]]) -> Result<std::time::Duration, Failed> {
    let dir = common.folder()?;
    let (mut writer, _, _) = Log::open(dir.path(), &Options::default())?;
    let mut batch = Batch::new();
    let ((), took) = timed(|| {
        for records in batches {
            batch.clear();
            for record in *records {
                batch.push(record)?;
            }
            writer.append(writer.head().size, &batch)?;
        }
        Ok(())
    })?;
    Ok(took)
}

fn file(common: &Common, batches: &[&[Vec<u8>]]) -> Result<std::time::Duration, Failed> {
    let dir = common.folder()?;
    let mut file = OpenOptions::new().create(true).append(true).open(dir.path().join("plain"))?;
    let mut bytes = Vec::new();
    let ((), took) = timed(|| {
        for records in batches {
            bytes.clear();
            records.iter().for_each(|record| bytes.extend_from_slice(record));
            file.write_all(&bytes)?;
            file.sync_data()?;
        }
        Ok(())
    })?;
    Ok(took)
}
