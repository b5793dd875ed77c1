//! `memory`: what one participant's whole life takes in the state.
//!
//! A process of its own folds the records of a cohort's year, as the server does at its start, and says how much its
//! resident memory grew, allocator and all. The log's own cache is not in it: it follows the live volume, not the people.

use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{ExitCode, Stdio};

use cohort_sim::{Parameters, Scenario, SchemeName};
use ledger_core::State;
use ledger_log::record;

use crate::child::{Program, resident};
use crate::measure::{Bar, Failed, Report};
use crate::{Common, history};

/// Bytes a participant.
const BAR: f64 = 450.0;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    for (case, scheme) in [("year, normal", SchemeName::Normal), ("year, semi-bansos", SchemeName::SemiBansos)] {
        let (bytes, records) = measure(common.participants, scheme)?;
        let each = f64::from(common.participants);
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory, far below 2^52")]
        let (bytes, records) = (bytes as f64 / each, records as f64 / each);
        eprintln!("{case}: {} participants, {records:.1} records each", common.participants);
        report.line(("memory", case, "bytes a participant"), bytes, None, Bar::AtMost(BAR))?;
    }
    Ok(())
}

/// Growth of resident memory in bytes, and the number of records.
fn measure(participants: u32, scheme: SchemeName) -> Result<(u64, u64), Failed> {
    let mut child = Program::Fold.command()?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut to = BufWriter::with_capacity(1 << 20, child.stdin.take().ok_or("no stdin")?);
    let mut records = 0;
    history::for_each_record(Parameters::new(participants, 20_200_411, scheme, Scenario::Year), |record| {
        records += 1;
        to.write_all(&u16::try_from(record.len())?.to_le_bytes())?;
        Ok(to.write_all(record)?)
    })?;
    to.flush()?;
    drop(to);
    let output = child.wait_with_output()?;
    let text = String::from_utf8(output.stdout)?;
    let bytes = text.trim().parse().map_err(|_| format!("the folding process ended with {}: {text}", output.status))?;
    Ok((bytes, records))
}

/// Folds records from standard input, each after its length in 16 bits; prints the growth of resident memory, bytes.
pub(crate) fn fold() -> ExitCode {
    match fold_all() {
        Ok(bytes) => {
            println!("{bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ledger-bench: {error}");
            ExitCode::from(2)
        }
    }
}

fn fold_all() -> Result<u64, Failed> {
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut length = [0; 2];
    let mut bytes = vec![0; usize::from(u16::MAX)];
    let before = resident("self")?;
    let mut state = State::new();
    while input.read(&mut length[..1])? == 1 {
        input.read_exact(&mut length[1..])?;
        let bytes = &mut bytes[..usize::from(u16::from_le_bytes(length))];
        input.read_exact(bytes)?;
        state.apply(&record::decode(bytes)?, &mut |_| {})?;
    }
    let after = resident("self")?;
    std::hint::black_box(&state);
    Ok(after.saturating_sub(before))
}
