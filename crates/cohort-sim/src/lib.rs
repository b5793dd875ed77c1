//! Seeded generator of realistic cohort histories: what `ledger-server load` sends, as lines in order.
//!
//! A [`Cohort`] holds its own ledger state and decides every step by the ledger's own rules before it writes the line, so
//! an empty ledger accepts every line in order, and positions (the references of instructions) and digests of runs are
//! known exactly. The same [`Parameters`] give the same bytes.
//!
//! Reading order: [`parameters`] (what can be asked), `calendar` (the year's dates), `rates` (how often), `agenda` (what
//! happens next), `book` (the state and the lines), then the lives: `programme`, `life`, `cases`, `payouts`. [`cli`] is the
//! command line; [`archive`] writes the records without the lines; [`faults`] plants what an audit must find; [`regions`],
//! [`catalogue`] and [`rng`] are the world that lives draw from. [`partner`] is apart from all this: it plays a payment partner
//! against a running server.

mod agenda;
pub mod archive;
mod book;
mod calendar;
mod cases;
pub mod catalogue;
pub mod cli;
mod cohort;
pub mod faults;
mod life;
mod line;
pub mod parameters;
pub mod partner;
mod payouts;
mod person;
mod programme;
mod rates;
pub mod regions;
pub mod rng;

pub use book::Summary;
pub use cohort::{Cohort, generate};
pub use parameters::{Extent, Parameters, Scenario, SchemeName, demo};
