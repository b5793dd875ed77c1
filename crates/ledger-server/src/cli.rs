//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Flags, Log, Settings};
use crate::{Config, Failure, backup, demo, dev_certs, keygen, load, logging, output, pain001, reconcile, run};

/// "File size limit exceeded", on Linux.
const SIGXFSZ: i32 = 25;

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
    Serve(Box<Serve>),
    /// Make the key that signs checkpoints, and the one that verifies them.
    #[command(after_help = "Example:\n  ledger-server keygen --out ledger.key --name prakerja.ledger/pusat")]
    Keygen(keygen::Keygen),
    /// Make a CA, a server's certificate and one for each role, to try the port with TLS.
    #[command(after_help = "Example:\n  ledger-server dev-certs --dir ./certs")]
    DevCerts(dev_certs::DevCerts),
    /// Send requests from a file, one JSON document a line, to a server.
    #[command(after_help = "Examples:\n  ledger-server load year.jsonl --to http://127.0.0.1:50051\n  \
        cohort-sim --participants 1000 --seed 7 --scheme normal --scenario year --out - --format jsonl \\\n    \
        | ledger-server load - --to http://127.0.0.1:50051")]
    Load(load::Load),
    /// Load a real-looking cohort (Kota Binjai's wave 1, 135 participants of 2020) through the API and serve it.
    #[command(after_help = "Example:\n  ledger-server demo --once")]
    Demo(demo::Demo),
    /// Bring an archive of a running server's log up to date.
    #[command(after_help = "Example:\n  ledger-server backup --from http://127.0.0.1:50051 --to ./backup")]
    Backup(backup::Backup),
    /// Build a log folder from an archive, every record checked.
    #[command(after_help = "Example:\n  ledger-server restore --from ./backup --data ./data/ledger \\\n    \
        --checkpoint july.checkpoint --key ledger.vkey")]
    Restore(backup::Restore),
    /// Compare a partner's statement with the ledger and record the totals.
    #[command(
        after_help = "Examples:\n  ledger-server reconcile --partner gopay may.csv --to http://127.0.0.1:50051\n  \
        ledger-server reconcile --partner bank camt.053.xml --to http://127.0.0.1:50051 --json\n\n\
        Exits 0 where all is the same, 1 with differences, 2 where it could not compare."
    )]
    Reconcile(reconcile::Reconcile),
    /// Write what a run orders a bank to pay as an ISO 20022 pain.001.001.09 file.
    #[command(
        after_help = "Example:\n  ledger-server pain001 --run 93ca78ea-9a41-404e-9d94-94ec6cf0a6ce --partner bank --to http://127.0.0.1:50051 \\\n    \
        --account 0012345678 --bic BNINIDJA --out run.xml\n\n\
        What was recalled or has its outcome is left out. Exits 0 where a file was written, 1 where nothing is left to pay, 2 where it could not."
    )]
    Pain001(pain001::Pain001),
}

#[derive(clap::Args)]
struct Serve {
    /// Configuration file (TOML); flags and variables of the environment come before it. [env: LEDGER_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the log; created where missing. [env: LEDGER_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address to listen on. [env: LEDGER_LISTEN] [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The server's certificate, PEM. [env: LEDGER_TLS_CERT]
    #[arg(long, value_name = "F")]
    tls_cert: Option<String>,
    /// Its key, PEM. [env: LEDGER_TLS_KEY]
    #[arg(long, value_name = "F")]
    tls_key: Option<String>,
    /// The CA that signs clients' certificates, PEM. [env: LEDGER_CLIENT_CA]
    #[arg(long, value_name = "F")]
    client_ca: Option<String>,
    /// Which client certificate is whose, TOML; without it their URIs say it: ledger:role/name. [env: LEDGER_CLIENTS]
    #[arg(long, value_name = "F")]
    clients: Option<String>,
    /// Most connections at a time. [env: LEDGER_CONNECTIONS] [default: 1000]
    #[arg(long, value_name = "N")]
    connections: Option<String>,
    /// Address of the metrics, GET /metrics. [env: LEDGER_METRICS] [default: none]
    #[arg(long, value_name = "ADDR")]
    metrics: Option<String>,
    /// Free space below which nothing is recorded while reads go on, bytes. [env: LEDGER_MIN_FREE] [default: 268435456]
    #[arg(long, value_name = "BYTES")]
    min_free: Option<String>,
    /// How long calls in flight may take at a stop. [env: LEDGER_STOP_GRACE_SECONDS] [default: 5]
    #[arg(long, value_name = "SECONDS")]
    stop_grace_seconds: Option<String>,
    /// How long one commit may take before the disk counts as failed; 0: no limit. [env: LEDGER_COMMIT_LIMIT_SECONDS]
    /// [default: 60]
    #[arg(long, value_name = "SECONDS")]
    commit_limit_seconds: Option<String>,
    /// Log lines as text or json. [env: LEDGER_LOG_FORMAT] [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug or trace. [env: LEDGER_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// WIB time of day of the deadline job, HH:MM; empty: off. [env: LEDGER_JOBS_DEADLINES] [default: off]
    #[arg(long, value_name = "HH:MM")]
    jobs_deadlines: Option<String>,
    /// File of the key that signs checkpoints, as keygen writes it; without one nothing is signed.
    /// [env: LEDGER_CHECKPOINT_KEY]
    #[arg(long, value_name = "F")]
    checkpoint_key: Option<String>,
    /// How often a growing log is signed; 0: at each run's close and on request only. [env: LEDGER_CHECKPOINT_EVERY]
    /// [default: 10]
    #[arg(long, value_name = "SECONDS")]
    checkpoint_every: Option<String>,
    /// Records between two snapshots of the state, by which the next start reads less; 0: none is written; empty: as the
    /// log's size makes it worthwhile. [env: LEDGER_SNAPSHOT_EVERY]
    #[arg(long, value_name = "RECORDS")]
    snapshot_every: Option<String>,
    /// Plain HTTP/2, loopback addresses only; the caller is whoever the metadata x-ledger-actor says.
    /// [env: LEDGER_INSECURE]
    #[arg(long)]
    insecure: bool,
}

impl Serve {
    fn flags(&self) -> Flags {
        let insecure = self.insecure.then(|| "true".to_owned());
        let pairs = [
            ("data", &self.data),
            ("listen", &self.listen),
            ("insecure", &insecure),
            ("tls_cert", &self.tls_cert),
            ("tls_key", &self.tls_key),
            ("client_ca", &self.client_ca),
            ("clients", &self.clients),
            ("connections", &self.connections),
            ("metrics", &self.metrics),
            ("min_free", &self.min_free),
            ("stop_grace_seconds", &self.stop_grace_seconds),
            ("commit_limit_seconds", &self.commit_limit_seconds),
            ("log.format", &self.log_format),
            ("log.level", &self.log_level),
            ("jobs.deadlines", &self.jobs_deadlines),
            ("checkpoint_key", &self.checkpoint_key),
            ("checkpoint_every", &self.checkpoint_every),
            ("snapshot_every", &self.snapshot_every),
        ];
        pairs.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

/// How long threads that still work may hold up the process after its last word.
const LAST: Duration = Duration::from_millis(200);

/// Runs the command line; see `--help`.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&format!("no threads: {error}")),
    };
    let code = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve(*args).await,
            Command::Keygen(args) => keygen::command(&args),
            Command::DevCerts(args) => dev_certs::command(&args),
            Command::Load(args) => {
                logging::start(Log::default());
                load::command(args).await
            }
            Command::Demo(args) => {
                logging::start(Log::default());
                demo::command(args).await
            }
            Command::Backup(args) => backup::backup(args).await,
            Command::Restore(args) => backup::restore(&args),
            Command::Reconcile(args) => reconcile::command(args).await,
            Command::Pain001(args) => pain001::command(args).await,
        }
    });
    runtime.shutdown_timeout(LAST);
    code
}

async fn serve(args: Serve) -> ExitCode {
    let environment: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = match Settings::read(&args.flags(), &environment, args.config.as_deref()) {
        Ok(settings) => settings,
        Err(wrong) => return usage(&wrong.to_string()),
    };
    logging::start(settings.log);
    match (settings.insecure, &settings.tls) {
        (false, None) => {
            return usage(
                "give --tls-cert, --tls-key and --client-ca, or say --insecure: plain HTTP/2 on a loopback address",
            );
        }
        (true, Some(_)) => return usage("--insecure and certificates exclude each other"),
        _ => {}
    }
    if settings.insecure && !settings.listen.ip().is_loopback() {
        return usage(&format!("--insecure listens on loopback addresses only, not on {}", settings.listen));
    }
    let signer = match settings.checkpoint_key.as_deref().map(keygen::read).transpose() {
        Ok(signer) => signer.map(Arc::new),
        Err(reason) => return usage(&reason),
    };
    // A limit on the size of files would kill the process; with a handler the write fails instead, and is answered for.
    let _file_size = signal(SignalKind::from_raw(SIGXFSZ));
    // Each connection is a file: the system's first offer is often 1,024.
    let files = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
    let listener = match TcpListener::bind(settings.listen).await {
        Ok(listener) => listener,
        Err(source) => return failed(&Failure::Bind { address: settings.listen.to_string(), source }),
    };
    let address = listener.local_addr().unwrap_or(settings.listen);
    let Settings {
        data,
        tls,
        connections,
        metrics,
        min_free,
        stop_grace,
        commit_limit,
        deadlines,
        checkpoint_every,
        snapshot_every,
        ..
    } = settings;
    let config = Config {
        tls,
        connections,
        metrics,
        min_free,
        stop_grace,
        commit_limit,
        deadlines,
        signer,
        checkpoint_every,
        snapshot_every,
        ..Config::new(data)
    };
    let served = run(config, listener, || listening(address), terminated()).await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

/// Says on stdout that calls are answered; a server whose stdout nobody reads serves all the same.
fn listening(address: std::net::SocketAddr) {
    let _ = output::data(format_args!("listening on {address}\n"));
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
    output::note(format_args!("ledger-server: {}", output::in_words(failure)));
    if let Some(position) = failure.first_bad_position() {
        output::note(format_args!("first bad position: {position}"));
    }
    ExitCode::from(failure.exit_code())
}

/// A usage error.
pub(crate) fn usage(text: &str) -> ExitCode {
    output::note(format_args!("ledger-server: {text}"));
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};
    use crate::config::OPTIONS;

    #[test]
    fn every_option_has_its_flag_and_says_its_variable_and_default() {
        let cli = Cli::command();
        let serve = cli.find_subcommand("serve").expect("serve");
        for option in OPTIONS {
            let flag =
                serve.get_arguments().find(|arg| arg.get_long().map(|l| format!("--{l}")) == Some(option.flag()));
            let help = flag.and_then(clap::Arg::get_help).unwrap_or_else(|| panic!("{} is missing", option.flag()));
            assert!(help.to_string().contains(&format!("[env: {}]", option.variable())), "{help}");
            if let Some(default) = option.default.filter(|default| !["", "false"].contains(default)) {
                assert!(help.to_string().contains(&format!("[default: {default}]")), "{help}");
            }
            let value = if option.key == "insecure" { None } else { Some("x") };
            let args = ["ledger-server".to_owned(), "serve".to_owned(), option.flag()];
            let parsed = Cli::try_parse_from(args.into_iter().chain(value.map(str::to_owned))).expect("parses");
            let Command::Serve(args) = parsed.command else { panic!("serve") };
            assert_eq!(args.flags(), [(option.key, value.unwrap_or("true").to_owned())]);
        }
    }
}
