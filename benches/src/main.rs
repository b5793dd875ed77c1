//! `ledger-bench`: measures of the ledger, each beside its yardstick in the same run.
//!
//! Reading order: [`measure`] (what is printed, medians of interleaved pairs), [`history`] (what is measured on), [`child`]
//! (the real programs as processes of their own), then a file per measure: [`append`], [`load`], [`verify`], [`audit`], [`faults`],
//! [`fold`], [`memory`], [`disk`], [`calls`], [`service`], [`startup`], [`reads`], [`proofs`], [`cuts`], [`reconcile`],
//! [`streams`], [`partners`]; beside other systems ([`peer`]):
//! [`postgres`], [`umadb`], [`duckdb`], [`hledger`]; everything at once: [`programme`], [`suite`].
//!
//! The programs are this one under other names: started as `ledger-server` it is the server. So one build is all there is
//! to measure.

mod append;
mod audit;
mod calls;
mod child;
mod cuts;
mod disk;
mod duckdb;
mod echo;
mod faults;
mod fold;
mod history;
mod hledger;
mod lives;
mod load;
mod measure;
mod memory;
mod partners;
mod peer;
mod postgres;
mod programme;
mod proofs;
mod reads;
mod ready;
mod reconcile;
mod service;
mod startup;
mod streams;
mod suite;
mod umadb;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use measure::{Failed, Report};

const EXAMPLES: &str = "\
Examples:
  cargo run --release -p ledger-bench -- append --pairs 7
  cargo run --release -p ledger-bench -- load --events 1000000 --pairs 3 --check
  cargo run --release -p ledger-bench -- memory --participants 1000000
  cargo run --release -p ledger-bench -- programme --participants 17000000 --events 200000000
  cargo run --release -p ledger-bench -- all > all.jsonl

Prints JSON lines. With --check it exits 1 where a bar is missed; it exits 2 where it could not measure.";

/// Measures of the ledger, each beside its yardstick in one run.
#[derive(Parser)]
#[command(name = "ledger-bench", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
    #[command(flatten)]
    common: Common,
}

/// What every measure takes.
#[derive(Args)]
struct Common {
    /// How often subject and yardstick are measured, one after the other; medians are reported
    #[arg(long, global = true, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Events, about; each measure has its own default
    #[arg(long, global = true, value_parser = clap::value_parser!(u64).range(1000..))]
    events: Option<u64>,
    /// Participants, for measures whose size is that; a million by default
    #[arg(long, global = true, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..=20_000_000))]
    participants: u32,
    /// An archive to measure on, for measures of sealed segments; otherwise one is made and goes
    #[arg(long, global = true, value_name = "ARCHIVE")]
    archive: Option<PathBuf>,
    /// A log folder to serve, for `history` and `startup`: a server opens it and writes to it; `startup` builds it where it is missing
    #[arg(long, global = true, value_name = "DATA", conflicts_with = "archive")]
    data: Option<PathBuf>,
    /// Cuts, for the measure of that name
    #[arg(long, global = true, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..))]
    cuts: u64,
    /// Seeds, for `partners`
    #[arg(long, global = true, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Exit 1 where a bar is missed
    #[arg(long, global = true)]
    check: bool,
    /// Folder on the disk to be measured; the system's folder for temporary files by default
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Common {
    /// A folder that goes when it is dropped.
    fn folder(&self) -> Result<tempfile::TempDir, Failed> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("ledger-bench-");
        Ok(match &self.dir {
            Some(dir) => builder.tempdir_in(dir)?,
            None => builder.tempdir()?,
        })
    }
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Bench {
    /// Durable append, hashing included, beside a plain file's append and fdatasync of the same bytes
    Append,
    /// A cohort's year through `ledger-server load`, beside bare parsing of the same lines; then `replay-tool verify` on
    /// one core, beside bare Merkle hashing of the same records
    Load,
    /// `replay-tool verify` of segments on one core, beside bare Merkle hashing of the same records; then on two cores
    Verify,
    /// `replay-tool audit` of segments, beside bare `verify` of the same log
    Audit,
    /// Every kind of fault planted in one log of 1,000,000 events, and an audit that finds each by name, at its record
    Faults,
    /// The fold of decoded records, beside an ideal one that adds them to a flat array
    Fold,
    /// Unary `RecordEvents`, 256 in flight, beside a bare tonic server for the same messages
    Unary,
    /// `RecordEvents` in batches of 1,000, several in flight, beside a bare tonic server for the same messages
    Ingest,
    /// Reads, and other callers' writes, while 50,000 events/s are recorded and while a run goes over everybody
    Service,
    /// One participant's money and history out of a large log, by the real server
    History,
    /// Start of the server from a snapshot, beside reading the bytes that it must read; commits while a snapshot is written,
    /// beside commits without
    Startup,
    /// Resident memory of the state, by participant
    Memory,
    /// Bytes on the disk of sealed segments, beside the bytes of their records
    Disk,
    /// Time, records read and bytes kept for proofs on a log of 10 million records; a start with 20,000 kept checkpoints,
    /// beside one without
    Proofs,
    /// Power cuts of the log on a disk of our own (FUSE, as root): what was answered must be there. Exits 1 where it is not,
    /// also without --check
    Cuts,
    /// A partner's statement of 100,000 payments with 7 planted errors, as CSV and camt.053, through `ledger-server reconcile`
    Reconcile,
    /// 200 partners' streams at the end of the log, one of which never reads, while 20,000 instructions a second are made; one stream
    /// from the beginning, beside a bare tonic server's of the same messages
    Streams,
    /// Years of a partner in which server, partner and network break: each entitlement is paid once, and the books agree
    Partners,
    /// `RecordEvents`, beside PostgreSQL that keeps the same events and balance rows
    Postgres,
    /// `RecordEvents`, beside UmaDB that keeps the same events
    Umadb,
    /// `replay-tool balances` and `verify`, beside DuckDB that sums the same postings
    Duckdb,
    /// `replay-tool trial-balance` of 100,000 events, beside hledger that adds up their journal
    Hledger,
    /// The whole programme: its history written, checked, restored and served
    Programme,
    /// Every measure, one after the other
    All,
}

impl Bench {
    /// All of them, in the order in which `all` takes them.
    const EACH: [Self; 23] = [
        Self::Append,
        Self::Load,
        Self::Verify,
        Self::Audit,
        Self::Faults,
        Self::Fold,
        Self::Unary,
        Self::Ingest,
        Self::Service,
        Self::Startup,
        Self::History,
        Self::Memory,
        Self::Disk,
        Self::Proofs,
        Self::Reconcile,
        Self::Streams,
        Self::Partners,
        Self::Postgres,
        Self::Umadb,
        Self::Duckdb,
        Self::Hledger,
        Self::Programme,
        Self::Cuts,
    ];

    fn run(self, common: &Common, report: &mut Report) -> Result<(), Failed> {
        match self {
            Self::Append => append::run(common, report),
            Self::Load => load::run(common, report),
            Self::Verify => verify::run(common, report),
            Self::Audit => audit::run(common, report),
            Self::Faults => faults::run(common, report),
            Self::Fold => fold::run(common, report),
            Self::Unary => calls::unary(common, report),
            Self::Ingest => calls::ingest(common, report),
            Self::Service => service::run(common, report),
            Self::Startup => startup::run(common, report),
            Self::History => reads::run(common, report),
            Self::Memory => memory::run(common, report),
            Self::Disk => disk::run(common, report),
            Self::Proofs => proofs::run(common, report),
            Self::Reconcile => reconcile::run(common, report),
            Self::Streams => streams::run(common, report),
            Self::Partners => partners::run(common, report),
            Self::Cuts => cuts::run(common, report),
            Self::Postgres => postgres::run(common, report),
            Self::Umadb => umadb::run(common, report),
            Self::Duckdb => duckdb::run(common, report),
            Self::Hledger => hledger::run(common, report),
            Self::Programme => programme::run(common, report),
            Self::All => suite::run(common, report),
        }
    }
}

fn main() -> ExitCode {
    if let Some(code) = child::as_program() {
        return code;
    }
    let cli = Cli::parse();
    let mut report = Report::default();
    let measured = cli.bench.run(&cli.common, &mut report);
    match measured {
        Err(error) => {
            eprintln!("ledger-bench: {error}");
            ExitCode::from(2)
        }
        Ok(()) if report.missed() && (cli.common.check || matches!(cli.bench, Bench::Cuts)) => ExitCode::from(1),
        Ok(()) => ExitCode::SUCCESS,
    }
}
