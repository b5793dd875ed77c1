//! One file for each command: it asks, and writes the answer.

pub mod audit;
pub mod balances;
pub mod check_proof;
pub mod checkpoint;
pub mod compare;
pub mod diff;
pub mod explain;
pub mod export_log;
pub mod man;
pub mod mirror;
pub mod participant;
pub mod prove;
pub mod report;
pub mod sample;
pub mod timeline;
pub mod trial_balance;
pub mod verify;
