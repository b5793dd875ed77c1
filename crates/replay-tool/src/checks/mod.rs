//! The checker, a library: what a log must keep, found out from its records alone.

mod books;
mod verify;

pub use verify::{Report, Verifier, verify};
