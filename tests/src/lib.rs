//! End-to-end tests of the ledger, and what they share: the words of a test, the given / when / then harness, the
//! generator of arbitrary histories, and the oracle.

pub mod arbitrary;
pub mod certs;
pub mod contract;
pub mod docs;
pub mod dynamic;
pub mod fixtures;
pub mod given;
pub mod hledger;
pub mod kit;
pub mod life;
pub mod oracle;
pub mod partners;
pub mod python;
pub mod script;
pub mod server;
pub mod strategy;
pub mod words;
