//! `disk`: what sealed segments take on the disk, beside the bytes of their records.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::measure::{Bar, Failed, Report};
use crate::{Common, history};

const EVENTS: u64 = 2_000_000;
/// Bytes on the disk a byte of a record.
const BAR: f64 = 1.3;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let archive = history::sealed(common, common.events.unwrap_or(EVENTS))?;
    let (mut records, mut bytes) = (0u64, 0u64);
    archive.for_each(|record| {
        records += 1;
        bytes += record.len() as u64;
        Ok(())
    })?;
    eprintln!("{records} records, {:.1} bytes each", bytes as f64 / records as f64);
    for (case, part) in [("segments", "segments"), ("the whole archive", "")] {
        let taken = taken(&archive.dir.join(part))?;
        let bar = if part.is_empty() { Bar::None } else { Bar::RatioAtMost(BAR) };
        report.line(("disk", case, "bytes"), taken as f64, Some(bytes as f64), bar)?;
    }
    Ok(())
}

/// Bytes that the blocks of all files in a folder take.
pub(crate) fn taken(folder: &Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        bytes += if about.is_dir() { taken(&path)? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}
