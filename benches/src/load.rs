//! `load` and `verify`: a cohort's year through the real client and server, then checked by the real tool: on one core, from
//! the log and from an archive of it, and from the archive by two threads.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use cohort_sim::SchemeName;
use ledger_log::{AtRest, Frontier, leaf_hash};
use ledger_proto::v1::LoadLine;
use prost::Message;

use crate::child::{Listening, Program, on_one_core, processor_time_of_children};
use crate::measure::{Bar, Failed, Report, interleaved, median, rate, timed};
use crate::{Common, history};

const LOAD_BAR: f64 = 50_000.0;
const VERIFY_BAR: f64 = 400_000.0;
/// Of bare hashing on the same core.
const SEGMENTS_BAR: f64 = 0.25;
/// Of one thread.
const TWO_THREADS_BAR: f64 = 1.5;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let lines = dir.path().join("year.jsonl");
    let count =
        history::write_lines(history::year(common.events.unwrap_or(1_000_000), SchemeName::SemiBansos), &lines)?;
    eprintln!("{count} lines");
    let log = dir.path().join("log");
    let subject = || {
        if log.exists() {
            std::fs::remove_dir_all(&log)?;
        }
        load(&lines, &log, count)
    };
    let (subject, yardstick) = interleaved(common.pairs, subject, || parse(&lines, count))?;
    report.line(("load", "lines, durable", "events/s"), subject, Some(yardstick), Bar::AtLeast(LOAD_BAR))?;

    let records = records(&log)?;
    let count = records.len() as u64;
    let mut spent = Vec::new();
    let subject = || {
        let (rate, of_core) = on_one_core(|| verify("--data", &log, 1, count))?;
        spent.push(of_core);
        Ok(rate)
    };
    let bare = || on_one_core(|| Ok(hash(&records)));
    let (subject, yardstick) = interleaved(common.pairs, subject, bare)?;
    report.line(("verify", "one core", "records/s"), subject, Some(yardstick), Bar::AtLeast(VERIFY_BAR))?;
    let of_core = median(&mut spent);
    report.line(("verify", "by processor time", "records/s"), of_core, Some(yardstick), Bar::None)?;

    let archive = dir.path().join("archive");
    let mut export = Program::Replay.command()?;
    let exported = export.arg("export-log").arg("--data").arg(&log).arg("--to").arg(&archive).output()?;
    if !exported.status.success() {
        return Err(format!("export-log: {}", String::from_utf8_lossy(&exported.stderr)).into());
    }
    let by = |threads| Ok(verify("--archive", &archive, threads, count)?.0);
    let (subject, yardstick) = interleaved(common.pairs, || on_one_core(|| by(1)), bare)?;
    report.line(("verify", "segments, one core", "records/s"), subject, Some(yardstick), Bar::Ratio(SEGMENTS_BAR))?;
    let (subject, yardstick) = interleaved(common.pairs, || by(2), || by(1))?;
    let case = "segments, two threads, beside one";
    report.line(("verify", case, "records/s"), subject, Some(yardstick), Bar::Ratio(TWO_THREADS_BAR))
}

/// Lines a second, from the client's start to its end.
fn load(lines: &Path, log: &Path, count: u64) -> Result<f64, Failed> {
    let server = Listening::server(log)?;
    let mut client = Program::Server.command()?;
    client.arg("load").arg(lines).args(["--json", "--to", &server.url]);
    let (output, took) = timed(|| Ok(client.output()?))?;
    if !output.status.success() {
        return Err(format!("load: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    server.terminate()?;
    Ok(rate(count, took))
}

/// The same lines read, parsed and encoded as they go over the wire, and nothing more.
fn parse(lines: &Path, count: u64) -> Result<f64, Failed> {
    let mut input = BufReader::with_capacity(1 << 20, std::fs::File::open(lines)?);
    let (mut text, mut wire) = (Vec::new(), Vec::new());
    let ((), took) = timed(|| {
        loop {
            text.clear();
            if input.read_until(b'\n', &mut text)? == 0 {
                return Ok(());
            }
            let line: LoadLine = serde_json::from_slice(&text)?;
            wire.clear();
            line.encode(&mut wire)?;
        }
    })?;
    Ok(rate(count, took))
}

/// Records a second, from the tool's start to its end, and by the processor time that it took: where other work has the
/// core too, they are apart.
fn verify(kind: &str, log: &Path, threads: u32, count: u64) -> Result<(f64, f64), Failed> {
    let before = processor_time_of_children()?;
    let mut tool = Program::Replay.command()?;
    tool.args(["verify", "--threads", &threads.to_string(), kind]).arg(log);
    tool.stdout(Stdio::null()).stderr(Stdio::piped());
    let (output, took) = timed(|| Ok(tool.output()?))?;
    if !output.status.success() {
        return Err(format!("verify: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok((rate(count, took), rate(count, processor_time_of_children()?.saturating_sub(before))))
}

fn records(log: &Path) -> Result<Vec<Vec<u8>>, Failed> {
    let mut records = Vec::new();
    let examined = AtRest::open(log)?.examine(|_, bytes| {
        records.push(bytes.to_vec());
        Ok(())
    })?;
    if examined.findings.is_empty() { Ok(records) } else { Err("the log is damaged".into()) }
}

/// RFC 6962 over the records, in memory: nothing that reads a log can be faster.
fn hash(records: &[Vec<u8>]) -> f64 {
    let start = std::time::Instant::now();
    let mut frontier = Frontier::default();
    records.iter().for_each(|record| frontier.append(leaf_hash(record)));
    std::hint::black_box(frontier.root());
    rate(records.len() as u64, start.elapsed())
}
