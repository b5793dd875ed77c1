//! `hledger`: the trial balance of 100,000 events, beside hledger that adds up the journal which the tool exports of them. Whole
//! processes, from start to end. hledger gets the postings ready made and leaves out the records without any; the tool hashes
//! every record, knows the rules and finds the postings itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::child::Program;
use crate::measure::{Bar, Failed, Report, interleaved, rate, timed};
use crate::{Common, history, peer};

const EVENTS: u64 = 100_000;
/// Times the events that hledger adds up. The goal is 150.
const BAR: f64 = 40.0;
/// How hledger comes here, as in the tests.
const FETCH: &str = include_str!("../../tests/tools/hledger.sh");

/// What accounts hold that are not zero, by the ledger's names.
type Totals = BTreeMap<String, i64>;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let hledger = program()?;
    let archive = history::sealed(common, common.events.unwrap_or(EVENTS))?;
    let dir = common.folder()?;
    let journal = dir.path().join("ledger.journal");
    let mut tool = Program::Replay.command()?;
    tool.args(["export", "--format", "hledger", "--archive"]).arg(&archive.dir).arg("--to").arg(&journal);
    peer::checked(&mut tool, "export")?;
    let (mut records, mut transactions) = (0u64, 0u64);
    archive.for_each(|_| {
        records += 1;
        Ok(())
    })?;
    for line in std::fs::read_to_string(&journal)?.lines() {
        transactions += u64::from(line.starts_with("20"));
    }
    eprintln!("{records} records, {transactions} transactions, {} bytes of journal", journal.metadata()?.len());

    let (expected, _) = by_tool(&archive.dir)?;
    let subject = || {
        let (totals, took) = by_tool(&archive.dir)?;
        same(&totals, &expected).map(|()| rate(records, took))
    };
    let yardstick = || {
        let (totals, took) = by_hledger(&hledger, &journal)?;
        same(&totals, &expected).map(|()| rate(records, took))
    };
    let (subject, beside) = interleaved(common.pairs, subject, yardstick)?;
    let said = peer::checked(Command::new(&hledger).arg("--version"), "hledger")?;
    let said = String::from_utf8_lossy(&said.stdout);
    let version = said.split([' ', ',']).nth(1).unwrap_or_default();
    let case = format!("trial-balance of {records} events, hledger {version} bal; goal 150");
    report.line(("hledger", &case, "events/s"), subject, Some(beside), Bar::Ratio(BAR))
}

/// This machine's hledger, or one that is fetched beside the build's output.
fn program() -> Result<PathBuf, Failed> {
    let built = std::env::current_exe()?;
    let folder = built.ancestors().nth(2).ok_or("no build folder")?.join("bench-hledger");
    let output = peer::checked(Command::new("sh").args(["-c", FETCH, "sh"]).arg(folder), "hledger")?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

fn by_tool(archive: &Path) -> Result<(Totals, std::time::Duration), Failed> {
    #[derive(Deserialize)]
    struct Said {
        accounts: Vec<Account>,
    }
    #[derive(Deserialize)]
    struct Account {
        account: String,
        amount: String,
    }
    let mut tool = Program::Replay.command()?;
    tool.args(["trial-balance", "--json", "--archive"]).arg(archive);
    let (output, took) = timed(|| peer::checked(&mut tool, "trial-balance"))?;
    let said: Said = serde_json::from_slice(&output.stdout)?;
    let pairs = said.accounts.into_iter().map(|line| Ok((line.account, line.amount.parse()?)));
    let totals = pairs.collect::<Result<Totals, std::num::ParseIntError>>()?;
    Ok((totals.into_iter().filter(|(_, amount)| *amount != 0).collect(), took))
}

fn by_hledger(hledger: &Path, journal: &Path) -> Result<(Totals, std::time::Duration), Failed> {
    let mut command = Command::new(hledger);
    command.arg("-f").arg(journal).args(["balance", "--flat", "-N", "-O", "csv"]);
    let (output, took) = timed(|| peer::checked(&mut command, "hledger"))?;
    let mut totals = Totals::new();
    for line in String::from_utf8(output.stdout)?.lines().skip(1) {
        let (name, amount) = line.split_once(',').ok_or("not two columns")?;
        let name = name.trim_matches('"').split_once(':').ok_or("an account without a root")?.1;
        totals.insert(name.to_lowercase(), amount.trim_matches('"').trim_end_matches(" IDR").parse()?);
    }
    Ok((totals, took))
}

fn same(found: &Totals, expected: &Totals) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}").into()) }
}
