//! Exports, read by the software that they are for: hledger, Beancount, DuckDB, a reader of spreadsheets. All must come to what
//! the tool says, and the oracle.

mod history;
mod journals;
mod tables;
