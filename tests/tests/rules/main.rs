//! The rules of the ledger: tables, lives of money, properties and the oracle.

mod boundaries;
mod histories;
mod jobs;
mod lives;
mod money;
mod nonsense;
mod outcomes;
mod precedence;
mod rejections;
mod runs;
mod setting;
mod snapshots;
