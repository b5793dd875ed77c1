//! Arguments and exit codes: 0 clean, 1 findings, 2 could not check. A reader that goes away is no error.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ledger_core::ids::ParticipantId;
use ledger_core::time::Date;

use crate::commands;
use crate::error::Error;
use crate::known::{KnownAt, Window};
use crate::output::Format;
use crate::source::Source;

const CLEAN: u8 = 0;
const FINDINGS: u8 = 1;
const COULD_NOT: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  replay-tool verify --data ./data/demo
  replay-tool verify --from http://127.0.0.1:50051 --json
  replay-tool trial-balance --data ./data/demo --as-of 2020-12-31
  replay-tool balances --data ./data/demo --known-at 2020-07-01T17:00:00Z --json
  replay-tool participant 0190b2c4-6f1e-7abc-8def-0123456789ab --data ./data/demo

Exit codes: 0 clean, 1 findings, 2 could not check (locked, unreadable, usage).";

/// Checks a disbursement ledger and computes it again, from its log alone. The log is never written to.
#[derive(Debug, Parser)]
#[command(name = "replay-tool", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the log's integrity and the ledger's invariants at every position
    ///
    /// Always looks at the whole log. Says on stderr how many records a second were checked.
    Verify {
        #[command(flatten)]
        source: SourceArgs,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Every account over all participants
    TrialBalance {
        #[command(flatten)]
        question: Question,
    },
    /// Every participant with its accounts and entitlements, in order of selection
    Balances {
        #[command(flatten)]
        question: Question,
    },
    /// One participant: money, what is due, paid or held and why, and everything recorded
    Participant {
        /// The participant's id, a UUID
        id: ParticipantId,
        #[command(flatten)]
        question: Question,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct SourceArgs {
    /// The folder of a log that no server works on; it is never written to
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A server's address, such as http://127.0.0.1:50051
    #[arg(long, value_name = "URL")]
    from: Option<String>,
}

#[derive(Debug, Args)]
struct Question {
    #[command(flatten)]
    source: SourceArgs,
    /// Count facts and postings dated up to this day, in WIB
    ///
    /// Without it everything known counts; as_of in the answer is then the latest day on which anything known
    /// happened or was recorded, and asking for that day gives the same answer.
    #[arg(long, value_name = "DATE", value_parser = date)]
    as_of: Option<Date>,
    /// Know only part of the log: a position, or a time in RFC 3339
    ///
    /// With a position, the records up to and including it; with a time, those recorded at or before it. known_at in
    /// the answer is the number of records that were known.
    #[arg(long, value_name = "POSITION|RFC3339")]
    known_at: Option<KnownAt>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl SourceArgs {
    fn source(self) -> Option<Source> {
        self.data.map(Source::Data).or(self.from.map(Source::From))
    }
}

impl Question {
    fn parts(self) -> Option<(Source, Window, Format)> {
        let window = Window { as_of: self.as_of, known_at: self.known_at.unwrap_or_default() };
        Some((self.source.source()?, window, format(self.json)))
    }
}

fn date(text: &str) -> Result<Date, &'static str> {
    text.parse().map_err(|_| "not a date, such as 2020-12-31")
}

const fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Text }
}

/// The whole program: arguments, output and exit code of this process.
#[must_use]
pub fn main() -> ExitCode {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    ExitCode::from(run(std::env::args_os(), &mut out, &mut io::stderr().lock()))
}

/// The program with its arguments (the first is its name) and outputs; gives the exit code.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            // Plain text, whatever the terminal; a closed pipe is nobody's error.
            let _ = if usage { write!(err, "{error}") } else { write!(out, "{error}").and_then(|()| out.flush()) };
            return if usage { COULD_NOT } else { CLEAN };
        }
    };
    match answer(cli.command, out, err) {
        Ok(code) => code,
        Err(error) if error.is_broken_pipe() => CLEAN,
        Err(error) => {
            let _ = writeln!(err, "replay-tool: {}", error.in_words());
            COULD_NOT
        }
    }
}

fn answer(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    match command {
        Command::Verify { source, json } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            let clean = commands::verify::run(&source, format(json), out, err)?;
            return Ok(if clean { CLEAN } else { FINDINGS });
        }
        Command::TrialBalance { question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::trial_balance::run(&source, &window, format, out)?;
        }
        Command::Balances { question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::balances::run(&source, &window, format, out)?;
        }
        Command::Participant { id, question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::participant::run(&source, id, &window, format, out)?;
        }
    }
    Ok(CLEAN)
}
