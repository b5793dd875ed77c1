//! Arguments and exit codes: 0 clean, 1 findings, 2 could not check. A reader that goes away is no error.

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use ledger_core::ids::ParticipantId;
use ledger_core::time::Date;
use ledger_log::Checkpoint;
use ledger_rpc::client::TlsArgs;

use crate::commands;
use crate::commands::prove::Claim;
use crate::error::Error;
use crate::examples;
use crate::export::{self, How, To};
use crate::known::{KnownAt, Window};
use crate::note;
use crate::output::{Format, style};
use crate::progress::Progress;
use crate::proof::Proof;
use crate::report::words::Lang;
use crate::source::{Server, Source};

const CLEAN: u8 = 0;
const FINDINGS: u8 = 1;
const COULD_NOT: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  replay-tool verify --data ./data/demo
  replay-tool audit --archive ./archive
  replay-tool trial-balance --from http://127.0.0.1:50051 --as-of 2020-12-31
  replay-tool report --html report.html --archive ./archive --lang en
Each command's --help has its own.

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
        /// A signed checkpoint that was kept: the log must begin with its records, unchanged
        #[arg(long, value_name = "F", requires = "key")]
        checkpoint: Option<PathBuf>,
        /// The key that signed it: its text, name+id+base64, or a file that holds it
        #[arg(long, value_name = "VKEY", requires = "checkpoint")]
        key: Option<String>,
        /// How many threads work on it; as many as there are cores, by default. The answer is the same for any number
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        threads: Option<u16>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Size and root of the log as the text of a checkpoint; with --from the note that the server signed
    ///
    /// A server's note is printed as it comes, and nothing about it is checked.
    Checkpoint {
        #[command(flatten)]
        source: SourceArgs,
        /// The log's name in the text
        #[arg(long, value_name = "NAME", conflicts_with = "from", default_value = ledger_log::DEFAULT_ORIGIN)]
        origin: String,
        /// Keep it in this file, which must not exist
        #[arg(long, value_name = "F")]
        out: Option<PathBuf>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// A proof that a record is in the log, or that the log begins with its first records, as a file to be kept
    Prove {
        /// The record's position
        #[arg(required_unless_present = "consistency", conflicts_with = "consistency", value_name = "N")]
        position: Option<u64>,
        /// Prove that the log begins with its first records, this many
        #[arg(long, value_name = "OLD")]
        consistency: Option<u64>,
        #[command(flatten)]
        source: SourceArgs,
        /// Prove it for the log of this many records, those of a checkpoint; otherwise for all of it
        #[arg(long, value_name = "S")]
        size: Option<u64>,
        /// The file to keep the proof in, which must not exist
        #[arg(long, value_name = "F")]
        out: PathBuf,
    },
    /// Check a kept proof against a signed checkpoint, without the log
    CheckProof {
        /// The proof
        proof: PathBuf,
        /// The signed checkpoint of the log that it is for
        #[arg(long, value_name = "F")]
        checkpoint: PathBuf,
        /// The key that signed it: its text, name+id+base64, or a file that holds it
        #[arg(long, value_name = "VKEY")]
        key: String,
        /// The signed checkpoint of the shorter log of a proof of consistency
        #[arg(long, value_name = "F")]
        old_checkpoint: Option<PathBuf>,
        /// The key that signed the old checkpoint, where it is another one
        #[arg(long, value_name = "VKEY", requires = "old_checkpoint")]
        old_key: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Two copies of a log: the same, one going on from the other, or forked
    Compare {
        /// The folder of an archive or of a log that no server works on, or a server's address
        a: Source,
        /// The other copy, a folder or an address
        b: Source,
        #[command(flatten)]
        tls: TlsArgs,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// A log as an archive to take home: the records, their tree, the signed checkpoints
    ///
    /// An archive that is there is continued. It must be of the same log: a log that does not begin with the archive's
    /// records is a finding, and the archive stays as it was.
    ExportLog {
        #[command(flatten)]
        source: SourceArgs,
        /// The folder of the archive
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Keep an archive of a running server's log, up to date each time
    ///
    /// The server must prove that its log goes on from what the archive holds, and the archive keeps the checkpoint that
    /// it was brought up to. A mirror never follows a fork.
    Mirror {
        /// The server's address, such as http://127.0.0.1:50051
        #[arg(long, value_name = "URL")]
        from: String,
        #[command(flatten)]
        tls: TlsArgs,
        /// The folder of the archive
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// The key that signs the server's checkpoints: its text, name+id+base64, or a file that holds it
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Every rule of the programme and every question of an audit, from the log alone
    ///
    /// Findings are broken rules: of the log's integrity, or of the programme's rules, which are checked by code written for
    /// auditing. Notices break no rule and need a person all the same: an entitlement settled twice, after a rejection or
    /// after a revocation (a ledger must record money that moved), or in doubt for more than 30 days. Totals answer D1 to D10
    /// about a history that may be rule-abiding; --as-of limits them and the notices, not the findings.
    Audit {
        #[command(flatten)]
        question: Question,
        /// How many threads work on it; as many as there are cores, by default. The answer is the same for any number
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        threads: Option<u16>,
    },
    /// The log in a format of other software: journals, tables, records as lines
    ///
    /// docs/exports.md says what stands in each. What is named must not exist; it is there when it is whole.
    Export {
        /// What is written
        #[arg(long, value_enum)]
        format: export::Format,
        /// The file, or the folder of tables; - is standard output, for what is one file of text
        #[arg(long, value_name = "PATH")]
        to: PathBuf,
        #[command(flatten)]
        source: SourceArgs,
        #[command(flatten)]
        clocks: Clocks,
        /// How many threads read and hash; as many as there are cores, by default. The output is the same for any number
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        threads: Option<u16>,
    },
    /// The records behind a finding or notice of `audit`, in words
    Explain {
        /// The finding's id, such as over-entitlement@4711@0190b2c4-6f1e-7abc-8def-0123456789ab
        finding: String,
        #[command(flatten)]
        question: Question,
        /// How many threads work on it; as many as there are cores, by default
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        threads: Option<u16>,
    },
    /// A random sample of participants with their dossiers; the same seed draws the same sample
    ///
    /// A participant's rank is the SHA-256 of the seed (8 bytes, big-endian) and the id (16 bytes); the first ranks are drawn.
    Sample {
        /// How many participants
        #[arg(long, value_name = "N")]
        n: usize,
        /// Where chance begins
        #[arg(long, value_name = "S")]
        seed: u64,
        /// Draw from each of these in proportion to its people
        #[arg(long, value_name = "wave,region", value_delimiter = ',')]
        stratify: Vec<commands::sample::By>,
        #[command(flatten)]
        question: Question,
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
    /// One page to hand in: drawings, the tables beside them, findings; nothing is loaded from elsewhere
    ///
    /// Every figure is that of another command; the page names those that compute it again.
    Report {
        /// The file to write, which must not exist
        #[arg(long, value_name = "FILE")]
        html: PathBuf,
        #[command(flatten)]
        clocks: Clocks,
        #[command(flatten)]
        source: SourceArgs,
        /// The language of its text
        #[arg(long, value_enum, default_value = "id")]
        lang: Lang,
        /// How many threads work on it; as many as there are cores, by default. The answer is the same for any number
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
        threads: Option<u16>,
    },
    /// What changed between two states of knowledge, and which records did it
    ///
    /// Both are seen as of the same day, so that only knowledge differs. Listed are participants with records between the
    /// two; those whose money only a closing moved are counted with the closing. Funds stand by year: that they hold a
    /// payment is no change of the participant.
    Diff {
        #[command(flatten)]
        source: SourceArgs,
        /// The earlier state: the records up to and including a position, or recorded at or before a time
        #[arg(long, value_name = "POSITION|RFC3339")]
        known_at: KnownAt,
        /// The later state, in the same way
        #[arg(long, value_name = "POSITION|RFC3339")]
        and: KnownAt,
        /// Count facts and postings dated up to this day, in WIB; the latest day known in the later state without it
        #[arg(long, value_name = "DATE", value_parser = date)]
        as_of: Option<Date>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// One participant's life along the time: facts, balances after each, what was due, ordered and paid when
    Timeline {
        /// The participant's id, a UUID
        id: ParticipantId,
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
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Man pages: one for the tool and one for each command
    Man {
        /// The folder to write them into
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

#[derive(Debug, Args)]
struct SourceArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    tls: TlsArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The folder of a log that no server works on; it is never written to
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of an archive; it is never written to
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// A server's address, such as http://127.0.0.1:50051
    #[arg(long, value_name = "URL")]
    from: Option<String>,
}

fn server(url: String, tls: &TlsArgs) -> Server {
    Server { url, tls: tls.files() }
}

impl Source {
    /// The same, a server asked with this certificate.
    fn with(self, tls: &TlsArgs) -> Self {
        match self {
            Self::From(Server { url, .. }) => Self::From(server(url, tls)),
            folder => folder,
        }
    }
}

#[derive(Debug, Args)]
struct Question {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    clocks: Clocks,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The two clocks of a question.
#[derive(Debug, Args)]
struct Clocks {
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
}

impl SourceArgs {
    fn source(self) -> Option<Source> {
        let Place { data, archive, from } = self.place;
        let from = from.map(|url| Source::From(server(url, &self.tls)));
        data.map(Source::Data).or(archive.map(Source::Archive)).or(from)
    }
}

impl Clocks {
    fn window(self) -> Window {
        Window { as_of: self.as_of, known_at: self.known_at.unwrap_or_default() }
    }
}

impl Question {
    fn parts(self) -> Option<(Source, Window, Format)> {
        Some((self.source.source()?, self.clocks.window(), format(self.json)))
    }
}

fn date(text: &str) -> Result<Date, &'static str> {
    text.parse().map_err(|_| "not a date, such as 2020-12-31")
}

const fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Text }
}

const fn code(clean: bool) -> u8 {
    if clean { CLEAN } else { FINDINGS }
}

/// As many threads as were asked for, or as there are cores.
fn cores(threads: Option<u16>) -> usize {
    threads.map_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get), usize::from)
}

/// A checkpoint that was kept, signed by the key.
fn kept(file: &Path, key: &str) -> Result<Checkpoint, Error> {
    note::checkpoint(file, &note::key(key)?)
}

/// The arguments that there are, with the examples of each command.
pub(crate) fn arguments() -> clap::Command {
    Cli::command().mut_subcommands(|command| match examples::of(command.get_name()) {
        Some(examples) => command.after_help(examples),
        None => command,
    })
}

/// The whole program: arguments, output and exit code of this process.
#[must_use]
pub fn main() -> ExitCode {
    style::decide();
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    ExitCode::from(run(std::env::args_os(), &mut out, &mut io::stderr().lock()))
}

/// The program with its arguments (the first is its name) and outputs; gives the exit code.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let understood = arguments().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match understood {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            // A closed pipe is nobody's error.
            let _ = match usage {
                true => write!(err, "{error}"),
                false if style::painted() => write!(out, "{}", error.render().ansi()).and_then(|()| out.flush()),
                false => write!(out, "{error}").and_then(|()| out.flush()),
            };
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
        Command::Verify { source, checkpoint, key, threads, json } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            let checkpoint = checkpoint.zip(key).map(|(file, key)| kept(&file, &key)).transpose()?;
            let threads = cores(threads);
            return commands::verify::run(&source, checkpoint.as_ref(), threads, format(json), out, err).map(code);
        }
        Command::Checkpoint { source, origin, out: keep, json } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            commands::checkpoint::run(&source, &origin, keep.as_deref(), format(json), out, err)?;
        }
        Command::Prove { position, consistency, source, size, out: file } => {
            let claim = position.map(Claim::Inclusion).or(consistency.map(Claim::Consistency));
            let (Some(source), Some(claim)) = (source.source(), claim) else { return Ok(COULD_NOT) };
            commands::prove::run(&source, claim, size, &file, out)?;
        }
        Command::CheckProof { proof, checkpoint, key, old_checkpoint, old_key, json } => {
            let checkpoint = kept(&checkpoint, &key)?;
            let old = old_checkpoint.map(|file| kept(&file, old_key.as_deref().unwrap_or(&key))).transpose()?;
            let proof = Proof::read(&proof)?;
            return commands::check_proof::run(&proof, &checkpoint, old.as_ref(), format(json), out).map(code);
        }
        Command::Compare { a, b, tls, json } => {
            let [a, b] = [a, b].map(|source| source.with(&tls));
            return commands::compare::run(&a, &b, format(json), out).map(code);
        }
        Command::ExportLog { source, to, json } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            return commands::export_log::run(&source, &to, format(json), out).map(code);
        }
        Command::Mirror { from, tls, to, key, json } => {
            let key = key.as_deref().map(note::key).transpose()?;
            return commands::mirror::run(&server(from, &tls), &to, key.as_ref(), format(json), out).map(code);
        }
        Command::Audit { question, threads } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            return commands::audit::run(&source, &window, cores(threads), format, out, err).map(code);
        }
        Command::Export { format, to, source, clocks, threads } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            let progress = Progress::new(err, io::stderr().is_terminal());
            let how = How { window: clocks.window(), threads: cores(threads), progress };
            let to = if to.as_os_str() == "-" { To::Out } else { To::Path(&to) };
            export::run(&source, format, to, how, out)?;
        }
        Command::Explain { finding, question, threads } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::explain::run(&source, &finding, &window, cores(threads), format, out)?;
        }
        Command::Sample { n, seed, stratify, question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::sample::run(&source, (n, seed, &stratify), &window, format, out)?;
        }
        Command::TrialBalance { question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::trial_balance::run(&source, &window, format, out)?;
        }
        Command::Balances { question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::balances::run(&source, &window, format, out)?;
        }
        Command::Report { html, clocks, source, lang, threads } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            let mut progress = Progress::new(err, io::stderr().is_terminal());
            let (window, threads) = (clocks.window(), cores(threads));
            return commands::report::run(&source, &window, threads, lang, &html, &mut progress, out).map(code);
        }
        Command::Diff { source, known_at, and, as_of, json } => {
            let Some(source) = source.source() else { return Ok(COULD_NOT) };
            commands::diff::run(&source, as_of, [known_at, and], format(json), out)?;
        }
        Command::Timeline { id, question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::timeline::run(&source, id, &window, format, out)?;
        }
        Command::Participant { id, question } => {
            let Some((source, window, format)) = question.parts() else { return Ok(COULD_NOT) };
            commands::participant::run(&source, id, &window, format, out)?;
        }
        Command::Completions { shell } => commands::man::completions(arguments(), shell, out)?,
        Command::Man { to } => commands::man::pages(arguments(), &to, out)?,
    }
    Ok(CLEAN)
}
