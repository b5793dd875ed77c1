//! `load` and `verify`: a cohort's year through the real client and server, then checked on one core by the real tool.

use std::io::{BufRead, BufReader};
use std::path::Path;

use cohort_sim::SchemeName;
use ledger_log::AtRest;
use ledger_proto::v1::LoadLine;
use prost::Message;

use crate::child::{Listening, Program, on_one_core};
use crate::measure::{Bar, Failed, Report, interleaved, median, rate, timed};
use crate::verify::{Verified, hash, verify};
use crate::{Common, history};

const LOAD_BAR: f64 = 50_000.0;
const VERIFY_BAR: f64 = 400_000.0;

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
    let mut spent = Vec::new();
    let subject = || {
        let Verified { records, took, of_core } = on_one_core(|| verify("--data", &log, 1))?;
        spent.push(rate(records, of_core));
        Ok(rate(records, took))
    };
    let yardstick = || on_one_core(|| Ok(hash(&records)));
    let (subject, yardstick) = interleaved(common.pairs, subject, yardstick)?;
    report.line(("verify", "one core", "records/s"), subject, Some(yardstick), Bar::AtLeast(VERIFY_BAR))?;
    let of_core = median(&mut spent);
    report.line(("verify", "by processor time", "records/s"), of_core, Some(yardstick), Bar::None)
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

fn records(log: &Path) -> Result<Vec<Vec<u8>>, Failed> {
    let mut records = Vec::new();
    let examined = AtRest::open(log)?.examine(|_, bytes| {
        records.push(bytes.to_vec());
        Ok(())
    })?;
    if examined.findings.is_empty() { Ok(records) } else { Err("the log is damaged".into()) }
}
