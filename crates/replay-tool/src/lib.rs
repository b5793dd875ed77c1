//! The auditor's tool: reads a ledger's log, checks it, and computes every balance again from the records alone. It
//! never imports the server and never writes to a log.
//!
//! Reading order: [`source`] (records from a folder or a server, the log's integrity), [`finding`] (what a check says),
//! [`proof`] and [`note`] (what an auditor keeps: proofs, signed checkpoints), [`checks`] (the checker, a library), [`known`]
//! (what was known at K, as of D), [`difference`] (between two of them), [`audit`] (the rules a second time), [`report`] (the page to
//! hand in), [`commands`] (one file each), [`export`] (the formats of other software), [`output`] (tables and JSON), [`cli`]
//! (arguments and exit codes).

pub mod audit;
pub mod checks;
pub mod cli;
pub mod commands;
pub mod difference;
pub mod error;
mod examples;
pub mod export;
pub mod files;
pub mod finding;
pub mod known;
pub mod note;
pub mod output;
pub mod progress;
pub mod proof;
pub mod report;
pub mod rule;
pub mod source;

pub use error::Error;
pub use finding::Finding;
pub use source::Source;
