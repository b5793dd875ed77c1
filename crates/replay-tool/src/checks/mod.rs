//! The checker, a library: what a log must keep, found out from its records alone, and what proofs and checkpoints say of
//! it.

mod books;
mod compare;
mod in_parts;
mod line;
pub mod proven;
mod verify;
mod witness;

pub use compare::{Comparison, compare};
pub(crate) use verify::Closing;
pub use verify::{Report, Verifier, verify};
pub use witness::Witness;
