//! Log lines, on stderr.
//!
//! The level holds for this program's own crates. What a library says is written from `warn` on only: at `debug` an HTTP
//! library prints headers and frames, and with them what must not be in a log.

use tracing_subscriber::EnvFilter;

use crate::config::Log;

const OWN: [&str; 4] = ["ledger_server", "ledger_log", "ledger_core", "cohort_sim"];

/// Starts logging; the first call counts.
pub(crate) fn start(log: Log) {
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter(log));
    // A second start in one process: the first one's lines go on.
    let _ = if log.json { builder.json().flatten_event(true).try_init() } else { builder.with_ansi(false).try_init() };
}

fn filter(log: Log) -> EnvFilter {
    let level = log.level.to_string().to_lowercase();
    let others = if log.level == tracing::Level::ERROR { "error" } else { "warn" };
    let mut directives = others.to_owned();
    for own in OWN {
        directives.push_str(&format!(",{own}={level}"));
    }
    EnvFilter::new(directives)
}
