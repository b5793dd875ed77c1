//! A disk that forgets, fails and hangs, mounted as a file system, and power cuts of the log on it.
//!
//! Reading order: [`disk`] (what is on it, and every operation that made it so), [`cut`] (what a power cut leaves),
//! [`fault`] (what goes wrong while it runs), [`mount`] (the disk as a folder, by FUSE), [`cuts`] (the log played on it,
//! cut at thousands of moments, opened again and judged).
//!
//! Cheap, since one run of the log is cut many times: all operations are kept, and what a cut at any of them leaves is
//! worked out afterwards.

pub mod cut;
pub mod cuts;
pub mod disk;
pub mod fault;
pub mod image;
pub mod mount;
pub mod rng;
