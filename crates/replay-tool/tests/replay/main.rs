//! The tool on small logs whose every figure was worked out by hand.

mod clocks;
mod honest;
mod outputs;
mod rate;
mod refusals;
mod remote;
mod support;
mod tampered;
