//! The port of the real server: certificates on both sides, limits, and the metrics beside it.

mod limits;
mod metrics;
mod nonsense;
mod tls;

use ledger_tests::server::{Programs, Server};
use tempfile::TempDir;

const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_test-ledger-server"),
    replay: env!("CARGO_BIN_EXE_test-replay-tool"),
    sim: env!("CARGO_BIN_EXE_test-cohort-sim"),
};

fn server() -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    (folder, server)
}
