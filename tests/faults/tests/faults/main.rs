//! The disk itself, and the log on it when the power goes.

mod failing;
mod model;
mod mounted;
mod power;
