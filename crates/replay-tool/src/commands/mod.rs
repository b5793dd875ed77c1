//! One file for each command: it asks, and writes the answer.

pub mod balances;
pub mod participant;
pub mod trial_balance;
pub mod verify;
