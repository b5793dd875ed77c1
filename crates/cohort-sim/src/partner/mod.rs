//! `cohort-sim partner`: plays a payment partner by a script against a real server.
//!
//! Reading order: [`script`] (what can be asked), `plan` (the steps of one instruction), [`book`] (what it really paid),
//! `port` (its calls), [`play`] (the loop).

pub mod book;
mod plan;
pub mod play;
mod port;
pub mod script;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use ledger_core::time::Date;
use serde_json::json;
use tonic::transport::Endpoint;

use self::book::Book;
use self::play::{Extent, Player, Stopped};
use self::script::Script;

/// Died as the script says.
const DIED: u8 = 9;

/// Arguments of `partner`.
#[derive(Debug, clap::Args)]
pub(crate) struct Partner {
    /// What the partner does, a TOML file
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// Its book of what it paid; made where it is missing, gone on with where it is there. Without one: SCRIPT with the
    /// ending `.book`
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// The server
    #[arg(long, value_name = "URL", required_unless_present = "statement")]
    to: Option<String>,
    /// Seed, instead of the script's
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The partner's calendar ends with this WIB date; what would happen later waits for a later start. Without one it
    /// lives by the clock
    #[arg(long, value_name = "DATE", conflicts_with = "follow", value_parser = |text: &str| text.parse::<Date>().map_err(|error| error.to_string()))]
    as_of: Option<Date>,
    /// Stay and wait for more instructions, until it is ended
    #[arg(long)]
    follow: bool,
    /// How long the server may be away before the partner gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Only write what the book has as paid and returned, as CSV for `ledger-server reconcile`; - is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "follow", "as_of"])]
    statement: Option<PathBuf>,
}

/// Runs `partner`: 0 all is done, 1 ledger and book contradict each other, 2 could not go on, 9 died as the script says.
pub(crate) fn command(args: &Partner) -> ExitCode {
    let said = |text: &str| {
        let _ = writeln!(io::stderr(), "cohort-sim: {text}");
    };
    let prepared = prepare(args);
    let (mut player, endpoint) = match prepared {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return ExitCode::SUCCESS,
        Err(text) => {
            said(&text);
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            said(&format!("no thread: {error}"));
            return ExitCode::from(2);
        }
    };
    let played = runtime.block_on(player.play(&endpoint));
    let _ = writeln!(io::stdout(), "{}", summary(&player.book));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(stopped) => {
            said(&stopped.to_string());
            match stopped {
                Stopped::Died(_) => ExitCode::from(DIED),
                Stopped::Contradiction { .. } => ExitCode::from(1),
                Stopped::Book(_) | Stopped::Ledger(_) => ExitCode::from(2),
            }
        }
    }
}

/// Everything before the first call; `None`: a statement was all that was asked for.
fn prepare(args: &Partner) -> Result<Option<(Player, Endpoint)>, String> {
    let at = |text: String| format!("{}: {text}", args.script.display());
    let text = std::fs::read_to_string(&args.script).map_err(|error| at(error.to_string()))?;
    let mut script = Script::parse(&text).map_err(at)?;
    script.seed = args.seed.unwrap_or(script.seed);
    let path = args.book.clone().unwrap_or_else(|| args.script.with_extension("book"));
    let book = Book::open(&path).map_err(|error| in_words(&path, &error))?;
    if let Some(to) = &args.statement {
        let written = if to == Path::new("-") {
            io::stdout().write_all(book.statement().as_bytes())
        } else {
            std::fs::write(to, book.statement())
        };
        return match written {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(error) => Err(format!("{}: {error}", to.display())),
        };
    }
    let to = args.to.clone().unwrap_or_default();
    let endpoint = Endpoint::from_shared(to.clone()).map_err(|error| format!("{to}: {error}"))?;
    let patience = Duration::from_secs(args.patience);
    let extent = Extent { as_of: args.as_of, follow: args.follow, patience };
    Ok(Some((Player::new(script, book, extent), endpoint)))
}

fn in_words(path: &Path, error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{}: {error}{source}", path.display())
}

/// What the book came to, one JSON document.
fn summary(book: &Book) -> serde_json::Value {
    let entries = || book.entries.values();
    let count = |what: fn(&book::Entry) -> bool| entries().filter(|entry| what(entry)).count();
    let rupiah: i64 = entries().filter(|e| e.paid.is_some() && e.returned.is_none()).map(|e| e.taken.amount).sum();
    json!({
        "taken": book.entries.len(),
        "paid": count(|entry| entry.paid.is_some()),
        "returned": count(|entry| entry.returned.is_some()),
        "refused": count(|entry| entry.refused),
        "kept": entries().map(|entry| entry.kept).sum::<u64>(),
        "rupiah": rupiah.to_string(),
    })
}
