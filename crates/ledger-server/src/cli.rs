//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::{Config, Failure, demo, load, run};

/// The disbursement ledger of Kartu Prakerja: an append-only log of every participant's events, served over gRPC.
#[derive(Parser)]
#[command(name = "ledger-server", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a log over gRPC.
    #[command(after_help = "Example:\n  ledger-server serve --data ./data/ledger --listen 127.0.0.1:50051 --insecure")]
    Serve(Serve),
    /// Send requests from a file, one JSON document a line, to a server.
    #[command(after_help = "Examples:\n  ledger-server load year.jsonl --to http://127.0.0.1:50051\n  \
        cohort-sim --participants 1000 --seed 7 --scheme normal --scenario year --out - --format jsonl \\\n    \
        | ledger-server load - --to http://127.0.0.1:50051")]
    Load(load::Load),
    /// Load a real-looking cohort (Kota Binjai's wave 1, 135 participants of 2020) through the API and serve it.
    #[command(after_help = "Example:\n  ledger-server demo --once")]
    Demo(demo::Demo),
}

#[derive(clap::Args)]
struct Serve {
    /// Folder of the log; created where missing.
    #[arg(long, value_name = "DIR", env = "LEDGER_DATA")]
    data: PathBuf,
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", env = "LEDGER_LISTEN", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Free space below which nothing is recorded while reads go on, bytes.
    #[arg(long, value_name = "BYTES", env = "LEDGER_MIN_FREE", default_value_t = 256 << 20)]
    min_free: u64,
    /// Plain HTTP/2, loopback addresses only; the caller is whoever the metadata x-ledger-actor says.
    #[arg(long, required = true)]
    insecure: bool,
}

/// Runs the command line; see `--help`.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("LEDGER_LOG");
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter.unwrap_or_else(|_| "warn".into()))
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&format!("no threads: {error}")),
    };
    runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve(args).await,
            Command::Load(args) => load::command(args).await,
            Command::Demo(args) => demo::command(args).await,
        }
    })
}

async fn serve(args: Serve) -> ExitCode {
    if !args.listen.ip().is_loopback() {
        return usage(&format!("--insecure listens on loopback addresses only, not on {}", args.listen));
    }
    let listener = match TcpListener::bind(args.listen).await {
        Ok(listener) => listener,
        Err(source) => return failed(&Failure::Bind { address: args.listen.to_string(), source }),
    };
    let address = listener.local_addr().unwrap_or(args.listen);
    let config = Config { data: args.data, min_free: args.min_free };
    let served = run(config, listener, || println!("listening on {address}"), terminated()).await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

/// Resolves on SIGTERM or SIGINT.
pub(crate) async fn terminated() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Says why on stderr, source after source, and gives the failure's exit code.
pub(crate) fn failed(failure: &Failure) -> ExitCode {
    let mut text = failure.to_string();
    let mut source = std::error::Error::source(failure);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    eprintln!("ledger-server: {text}");
    if let Some(position) = failure.first_bad_position() {
        eprintln!("first bad position: {position}");
    }
    ExitCode::from(failure.exit_code())
}

/// A usage error.
pub(crate) fn usage(text: &str) -> ExitCode {
    eprintln!("ledger-server: {text}");
    ExitCode::from(2)
}
