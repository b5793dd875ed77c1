//! The tool on small logs whose every figure was worked out by hand.

mod archives;
mod audits;
mod browser;
mod clocks;
mod copies;
mod evidence;
mod exports;
mod fields;
mod guide;
mod honest;
mod outputs;
mod planted;
mod proofs;
mod refusals;
mod remote;
mod report;
mod software;
mod support;
mod tampered;
mod travel;
