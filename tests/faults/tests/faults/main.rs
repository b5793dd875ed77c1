//! The disk itself, and the log on it when the power goes.

mod model;
mod mounted;
mod power;
