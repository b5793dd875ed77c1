//! The tool on small logs whose every figure was worked out by hand.

mod clocks;
mod fields;
mod honest;
mod outputs;
mod refusals;
mod remote;
mod support;
mod tampered;
