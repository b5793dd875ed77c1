//! What is measured on: the history of a generated cohort, as lines for `load` and as records.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cohort_sim::{Cohort, Parameters, Scenario, SchemeName};
use ledger_log::{AtRest, record};
use tempfile::TempDir;

use crate::Common;
use crate::measure::Failed;

/// Lines that one participant's year has, about; to turn a number of events into one of participants.
const LINES_EACH: u64 = 16;

/// A cohort whose year has about so many lines.
pub(crate) fn year(events: u64, scheme: SchemeName) -> Parameters {
    let participants = u32::try_from(events / LINES_EACH).unwrap_or(u32::MAX).max(1);
    Parameters::new(participants, 20_200_411, scheme, Scenario::Year)
}

/// Writes a cohort's lines to a file; gives how many.
pub(crate) fn write_lines(parameters: Parameters, path: &Path) -> Result<u64, Failed> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut cohort = Cohort::new(parameters);
    for line in cohort.by_ref() {
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(cohort.summary().lines)
}

/// Gives each record of a cohort's history, as the log stores it, to `sink`, in order.
pub(crate) fn for_each_record(
    parameters: Parameters,
    mut sink: impl FnMut(&[u8]) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let encoded = Arc::new(Mutex::new(Encoded::default()));
    let fill = Arc::clone(&encoded);
    let mut cohort = Cohort::new(parameters).records_only().watched(move |new| {
        let mut encoded = fill.lock().unwrap_or_else(PoisonError::into_inner);
        let Encoded { bytes, ends } = &mut *encoded;
        record::encode(new, bytes);
        ends.push(bytes.len());
    });
    while cohort.step() {
        let mut encoded = encoded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut start = 0;
        for end in &encoded.ends {
            sink(&encoded.bytes[start..*end])?;
            start = *end;
        }
        encoded.bytes.clear();
        encoded.ends.clear();
    }
    Ok(())
}

#[derive(Default)]
struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// The first records of a year, about so many.
pub(crate) fn records(events: u64, scheme: SchemeName) -> Result<Vec<Vec<u8>>, Failed> {
    let mut records = Vec::new();
    for_each_record(year(events, scheme), |record| {
        records.push(record.to_vec());
        Ok(())
    })?;
    Ok(records)
}

/// A history in segments.
pub(crate) struct Sealed {
    pub(crate) dir: PathBuf,
    /// Where it was made for this run, it goes with it.
    _made: Option<TempDir>,
}

/// The archive that was named, or one of a year of about so many events.
pub(crate) fn sealed(common: &Common, events: u64) -> Result<Sealed, Failed> {
    if let Some(dir) = &common.archive {
        return Ok(Sealed { dir: dir.clone(), _made: None });
    }
    let made = common.folder()?;
    let dir = made.path().join("archive");
    let (_, head) = cohort_sim::archive::write(&year(events, SchemeName::Normal), u64::MAX, &dir)?;
    eprintln!("an archive of {} records", head.size);
    Ok(Sealed { dir, _made: Some(made) })
}

impl Sealed {
    /// Gives every record to `sink`, in order.
    pub(crate) fn for_each(&self, mut sink: impl FnMut(&[u8]) -> Result<(), Failed>) -> Result<(), Failed> {
        let examined = AtRest::archive(&self.dir)?.examine(|_, bytes| sink(bytes))?;
        if examined.findings.is_empty() { Ok(()) } else { Err("the archive is damaged".into()) }
    }

    /// The first records, at most so many.
    pub(crate) fn first(&self, most: usize) -> Result<Vec<Vec<u8>>, Failed> {
        let mut records = Vec::new();
        let read = self.for_each(|bytes| {
            if records.len() == most {
                return Err("enough".into());
            }
            records.push(bytes.to_vec());
            Ok(())
        });
        // Who has enough reads no further.
        if records.len() < most { read.map(|()| records) } else { Ok(records) }
    }
}
