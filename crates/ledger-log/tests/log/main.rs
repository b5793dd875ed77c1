//! The log through its public face: appending, reading, opening again, and damage.

mod archive;
mod checkpoints;
mod damage;
mod known;
mod nonsense;
mod proofs;
mod round_trip;
mod segments;
mod support;
mod vectors;
