//! The rules of the disbursement ledger, pure: no IO, clock, randomness, threads or wire format.
//!
//! Reading order: [`money`], [`time`], [`ids`], [`codes`] (the words), [`scheme`] and [`event`] (what is recorded),
//! [`state`] (what the events add up to), [`schedule`] (when money is due), [`decide`] (may this happen?),
//! [`fold`] and [`postings`] (what it does to state and money), [`run`] and [`deadlines`] (the two jobs),
//! [`view`] and [`as_of`] (what people ask), [`statement`] (what a partner says it paid), [`rejection`] (why not).

pub mod account;
pub mod as_of;
pub mod codes;
pub mod command;
pub mod deadlines;
pub mod decide;
pub mod event;
pub mod fold;
pub mod ids;
pub mod money;
pub mod postings;
pub mod rejection;
pub mod run;
pub mod schedule;
pub mod scheme;
pub mod state;
pub mod statement;
pub mod time;
pub mod view;

pub use command::{Command, Meta};
pub use decide::{Decision, NewEvent, decide};
pub use event::{Event, Record, Text};
pub use money::Rupiah;
pub use rejection::Rejection;
pub use state::State;
