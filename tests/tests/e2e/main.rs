//! End to end: the real server, the real log, real clients, and the replay that must agree.

mod access;
mod api;
mod backups;
mod bytes;
mod cohorts;
mod crash;
mod crowd;
mod damage;
mod demo;
mod disk;
mod docs;
mod every_method;
mod fields;
mod fixtures;
mod format;
mod jobs;
mod leftovers;
mod load;
mod logs;
mod operations;
mod peers;
mod pipes;
mod power;
mod proofs;
mod repeats;
mod sealed;
mod snapshots;
mod staff;
mod statements;
mod workspace;

use ledger_tests::server::Programs;

const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_test-ledger-server"),
    replay: env!("CARGO_BIN_EXE_test-replay-tool"),
    sim: env!("CARGO_BIN_EXE_test-cohort-sim"),
};
