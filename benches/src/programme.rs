//! `programme`: the whole programme at once. Its history is written as an archive, checked by the auditor's tool with two
//! threads, restored, and served. Bars are those of 17 million participants; fewer are reported only.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::child::{Listening, Program, peak};
use crate::disk::taken;
use crate::measure::{Bar, Failed, Report, median, timed};
use crate::{Common, reads};

/// What the bars stand on.
const EVERYBODY: u32 = 17_000_000;
/// Seconds, and bytes of memory, of the check.
const CHECKED_IN: f64 = 300.0;
const CHECKED_WITHIN: f64 = 10.0 * 1024.0 * 1024.0 * 1024.0;
/// Bytes on the disk that a participant's records take, at most.
const EACH: u64 = 2_500;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let participants = common.participants;
    let needed = common.events.map_or(u64::from(participants) * EACH, |records| records * 150);
    let free = ledger_log::free_bytes(dir.path())?;
    if free < needed {
        return Err(format!("{} has {free} bytes free, {needed} may be needed", dir.path().display()).into());
    }
    let bar = |bar| if participants >= EVERYBODY { bar } else { Bar::None };
    let (archive, data) = (dir.path().join("archive"), dir.path().join("data"));

    let mut write = Program::Cohort.command()?;
    write.args(["--participants", &participants.to_string(), "--scheme", "normal", "--format", "archive", "--out"]);
    write.arg(&archive).args(common.events.map(|records| format!("--records={records}")));
    let (took, memory) = ended(write)?;
    let mut told = |case: &str, unit, value, bar| report.line(("programme", case, unit), value, None, bar);
    told("history written", "s", took.as_secs_f64(), Bar::None)?;
    told("history written, memory", "bytes", memory, Bar::None)?;
    told("archive", "bytes", taken(&archive)? as f64, Bar::None)?;

    let (mut times, mut memories) = (Vec::new(), Vec::new());
    // A pass over everything is its own repetition: once is enough where it takes minutes.
    for _ in 0..if participants >= EVERYBODY { 1 } else { common.pairs } {
        let mut verify = Program::Replay.command()?;
        verify.args(["verify", "--threads", "2", "--archive"]).arg(&archive);
        let (took, memory) = ended(verify)?;
        times.push(took.as_secs_f64());
        memories.push(memory);
    }
    told("verify, two threads", "s", median(&mut times), bar(Bar::AtMost(CHECKED_IN)))?;
    told("verify, two threads, memory", "bytes", median(&mut memories), bar(Bar::AtMost(CHECKED_WITHIN)))?;

    let ((), took) = timed(|| reads::restore(&archive, &data))?;
    told("restore", "s", took.as_secs_f64(), Bar::None)?;
    let (server, took) = timed(|| Listening::server(&data))?;
    told("server start", "s", took.as_secs_f64(), Bar::None)?;
    told("server, memory", "bytes", server.resident()? as f64, Bar::None)?;
    reads::measure(&server, "programme", report)?;
    server.terminate()
}

/// Runs a program to its end, which must be a good one: how long it took, and the most memory it had, in bytes.
fn ended(mut command: Command) -> Result<(Duration, f64), Failed> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let mut most = 0;
    let status = loop {
        // The system keeps the mark; only what is added in the last moments goes unseen.
        most = peak(&child.id().to_string()).unwrap_or(most);
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let took = start.elapsed();
    if status.success() { Ok((took, most as f64)) } else { Err(format!("{command:?} ended with {status}").into()) }
}
