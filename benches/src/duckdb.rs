//! `duckdb`: everybody's balances from the log, beside an analytical database that is given the postings ready made, as CSV, on
//! the same two cores. It gets what the ledger has to find out: no record is decoded, no rule known, nothing checked, nothing
//! written. So the bar is a share of its speed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ledger_core::State;
use ledger_core::event::Event;
use ledger_core::postings::{self, Posting};
use ledger_log::record;
use serde::Deserialize;

use crate::child::Program;
use crate::measure::{Bar, Failed, Report, interleaved, rate, timed};
use crate::{Common, history, peer, verify};

const EVENTS: u64 = 2_000_000;
/// Share of DuckDB's speed. The goal is 1.
const BAR: f64 = 0.3;
const SCRIPT: &str = include_str!("../python/duckdb_balances.py");

/// What the postings come to.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
struct Sums {
    people: u64,
    /// By account.
    totals: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(flatten)]
    sums: Sums,
    seconds: f64,
}

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let python = peer::python("python")?;
    let archive = history::sealed(common, common.events.unwrap_or(EVENTS))?;
    let dir = common.folder()?;
    let csv = dir.path().join("postings.csv");
    let (records, sums) = write_postings(&archive, &csv)?;
    eprintln!("{records} records, {} bytes of postings", csv.metadata()?.len());
    let yardstick = || {
        let mut script = Command::new(&python);
        let output = peer::checked(script.args(["-c", SCRIPT]).arg(&csv), "DuckDB")?;
        let said: Said = serde_json::from_slice(&output.stdout)?;
        if said.sums != sums {
            return Err(format!("DuckDB comes to {:?} instead of {sums:?}", said.sums).into());
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        Ok(records as f64 / said.seconds)
    };
    let balances = || {
        let mut tool = Program::Replay.command()?;
        tool.args(["balances", "--json", "--archive"]).arg(&archive.dir).stdout(Stdio::null());
        let (status, took) = timed(|| Ok(tool.status()?))?;
        if status.success() { Ok(rate(records, took)) } else { Err(format!("balances: {status}").into()) }
    };
    let version = peer::version("duckdb");
    let (subject, beside) = interleaved(common.pairs, balances, yardstick)?;
    let case = format!("balances written as JSON, DuckDB {version}; goal 1");
    report.line(("duckdb", &case, "records/s"), subject, Some(beside), Bar::Ratio(BAR))?;
    let verified = || verify::verify("--archive", &archive.dir, 2).map(|done| rate(done.records, done.took));
    let (subject, beside) = interleaved(common.pairs, verified, yardstick)?;
    let case = format!("verify with two threads, DuckDB {version}");
    report.line(("duckdb", &case, "records/s"), subject, Some(beside), Bar::Ratio(BAR))
}

/// Writes every participant's postings; gives the number of records and what they come to.
fn write_postings(archive: &history::Sealed, to: &Path) -> Result<(u64, Sums), Failed> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    out.write_all(b"participant,account,amount\n")?;
    let (mut state, mut records, mut found, mut sums) = (State::new(), 0, Vec::<Posting>::new(), Sums::default());
    archive.for_each(|bytes| {
        let record = record::decode(bytes)?;
        records += 1;
        found.clear();
        // A closing is one sum for all; here everybody's own share is wanted.
        let closing = matches!(record.event, Event::WaveClosed(_) | Event::BalancePeriodClosed(_));
        if closing {
            for place in 0..state.participants().len() {
                postings::closing(&state, &record, place, &mut |posting| found.push(posting));
            }
        }
        state.apply(&record, &mut |posting| {
            if !closing {
                found.push(posting)
            }
        })?;
        for posting in &found {
            let Some(person) = posting.participant.and_then(|place| state.participants().get(place)) else { continue };
            writeln!(out, "{},{},{}", person.id, posting.account, posting.amount.get())?;
            *sums.totals.entry(posting.account.to_string()).or_default() += posting.amount.get();
        }
        Ok(())
    })?;
    out.flush()?;
    sums.people = state.participants().len().into();
    Ok((records, sums))
}
