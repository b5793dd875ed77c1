//! The tool on small logs whose every figure was worked out by hand.

mod archives;
mod clocks;
mod copies;
mod evidence;
mod exports;
mod fields;
mod honest;
mod outputs;
mod proofs;
mod refusals;
mod remote;
mod support;
mod tampered;
