//! The command line of `cohort-sim`. Exit codes: 0 written, 2 wrong usage or not writable.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind as Misused;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::archive;
use crate::cohort::Cohort;
use crate::parameters::{Parameters, Scenario, SchemeName};
use crate::partner;

const EXAMPLES: &str = "\
Examples:
  A year of 5,000 participants of 2020, to a file for `ledger-server load`:
    cohort-sim --participants 5000 --seed 7 --out cohort.jsonl
  The published wave 1 of 2020, selected and nothing more:
    cohort-sim --participants 168111 --scenario selected --out wave-1.jsonl
  The scheme of 2023, to standard output:
    cohort-sim --participants 100 --scheme normal --out - | head
  A large year, already recorded, for `replay-tool verify --archive` and `ledger-server restore`:
    cohort-sim --participants 1000000 --format archive --out ./year

The same arguments give the same bytes.";

/// Generates the history of a cohort of participants, as lines for `ledger-server load`.
#[derive(Debug, Parser)]
#[command(name = "cohort-sim", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// How many participants
    #[arg(long, value_name = "N", required = true, value_parser = clap::value_parser!(u32).range(1..=i64::from(Parameters::MOST_PARTICIPANTS)))]
    participants: Option<u32>,
    /// Seed of everything that is left to chance
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Scheme under which the cohort lives
    #[arg(long, value_enum, default_value = "semi-bansos")]
    scheme: SchemeName,
    /// What happens to the cohort
    #[arg(long, value_enum, default_value = "year")]
    scenario: Scenario,
    /// End the history with the step that reaches this many records; whole without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,
    /// File to write, replaced if it is there; - is standard output. Of an archive, a folder that holds nothing yet
    #[arg(long, value_name = "PATH", default_value = "-")]
    out: PathBuf,
    /// Form of the output
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Plays a payment partner by a script, against a running server
    #[command(after_help = PARTNER_EXAMPLES)]
    Partner(partner::Partner),
}

const PARTNER_EXAMPLES: &str = "\
Examples:
  Everything that can go wrong with a partner, on the demo's server:
    cohort-sim partner --script partner-kit/scripts/troubled.toml --book /tmp/gopay.book --to http://127.0.0.1:50051
  What its book has, compared with the ledger:
    cohort-sim partner --script partner-kit/scripts/troubled.toml --book /tmp/gopay.book --statement /tmp/gopay.csv
    ledger-server reconcile --partner gopay /tmp/gopay.csv --to http://127.0.0.1:50051

Exits 0 where all is done, 1 where ledger and book contradict each other, 2 where it could not go on, 9 where the script says
that it dies: start it again with the same book.";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON document per line: a request and who sends it
    Jsonl,
    /// The records of a log that was given these lines, as an archive
    Archive,
}

/// Runs the command with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Other::Partner(partner)) = &arguments.other {
        return partner::command(partner);
    }
    let Arguments { participants, seed, scheme, scenario, records, ref out, format, .. } = arguments;
    // Never without: clap requires it where there is no other command.
    let participants = participants.unwrap_or(1);
    let most = records.unwrap_or(u64::MAX);
    let parameters = Parameters::new(participants, seed, scheme, scenario);
    match (format, out == Path::new("-")) {
        (Format::Archive, true) => {
            let usage =
                Arguments::command().error(Misused::InvalidValue, "an archive is a folder: name one with --out");
            usage.exit()
        }
        (Format::Archive, false) => sealed(parameters, most, out),
        (Format::Jsonl, true) => told(out, jsonl(parameters, most, io::stdout().lock())),
        (Format::Jsonl, false) => told(out, File::create(out).and_then(|file| jsonl(parameters, most, file))),
    }
}

fn told(out: &Path, written: io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads no further wants no more.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "cohort-sim: cannot write {}: {error}", out.display());
            ExitCode::from(2)
        }
    }
}

fn sealed(parameters: Parameters, most: u64, to: &Path) -> ExitCode {
    match archive::write(&parameters, most, to) {
        Ok((_, head)) => {
            let _ = writeln!(io::stderr(), "{} records in the archive {}", head.size, to.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            let _ = writeln!(io::stderr(), "cohort-sim: cannot write {}: {error}{source}", to.display());
            ExitCode::from(2)
        }
    }
}

fn jsonl(parameters: Parameters, most: u64, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(1 << 20, to);
    let mut cohort = Cohort::new(parameters).until(most);
    for line in cohort.by_ref() {
        serde_json::to_writer(&mut to, &line)?;
        to.write_all(b"\n")?;
    }
    to.flush()?;
    let summary = cohort.summary();
    // Where nobody reads it, nobody misses it.
    let _ = writeln!(io::stderr(), "{} lines, {} records in an empty ledger", summary.lines, summary.records);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_is_not_offered_is_a_usage_error_that_names_what_is() {
        let rows: [(&[&str], &str); 4] = [
            (&["--participants", "5", "--format", "csv"], "[possible values: jsonl, archive]"),
            (&["--participants", "5", "--scheme", "bansos"], "[possible values: semi-bansos, normal]"),
            (&["--participants", "0"], "0 is not in 1..=20000000"),
            (&[], "--participants"),
        ];
        for (arguments, expected) in rows {
            let error = Arguments::try_parse_from(["cohort-sim"].iter().chain(arguments)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
