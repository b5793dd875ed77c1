//! `proofs`: what evidence costs on a log of full size: time and records read for a proof, bytes on disk, and a start that
//! compares every kept checkpoint with the log.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cohort_sim::SchemeName;
use ledger_log::{Batch, Checkpoints, Frontier, Log, NoteSigner, Options, ReadError, Reader, Writer, leaf_hash};

use crate::measure::{Bar, Failed, Report, interleaved, percentile, rate, timed};
use crate::{Common, history};

/// Records of the log, unless told.
const RECORDS: u64 = 10_000_000;
/// Records of one commit: the most that the server makes.
const COMMIT: usize = 8_190;
/// Different records; a longer log has them again and again. What they say is nothing to a tree.
const DIFFERENT: u64 = 200_000;
/// Proofs of each kind.
const PROOFS: u64 = 20_000;
/// Proofs that are asked for again, the slowest of each kind.
const ASKED_AGAIN: usize = 100;
/// No proof takes longer, milliseconds.
const SLOWEST: f64 = 10.0;
/// No proof reads more records.
const MOST_READ: f64 = 512.0;
/// Bytes kept for proofs, share of the records' bytes.
const MOST_KEPT: f64 = 0.01;

/// Log and kept checkpoints of the start that is measured; about what a day of signing every 5 seconds keeps.
const STARTED: u64 = 1_000_000;
const CHECKPOINTS: u64 = 20_000;
/// A start with them is at least this share as fast as one without.
const START: f64 = 0.8;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let records = history::records(DIFFERENT, SchemeName::SemiBansos)?;
    on_a_long_log(common, &records, report)?;
    start(common, &records, report)
}

fn on_a_long_log(common: &Common, records: &[Vec<u8>], report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let size = common.events.unwrap_or(RECORDS);
    let (writer, took) = timed(|| build(dir.path(), records, size, |_| {}))?;
    writer.close()?;
    eprintln!("{size} records appended at {:.0}/s", rate(size, took));
    // As a server has it: opened, every record read once.
    let ((writer, reader, _), took) = timed(|| Ok(Log::open(dir.path(), &Options::default())?))?;
    eprintln!("opened at {:.0}/s", rate(size, took));

    let mut random = Random(20_200_411);
    measure("inclusion", &reader, report, || {
        let size = 1 + random.below(size);
        let position = random.below(size);
        move |reader: &Reader| reader.inclusion_proof(position, size)
    })?;
    measure("consistency", &reader, report, || {
        let new = 1 + random.below(size);
        let old = random.below(new + 1);
        move |reader: &Reader| reader.consistency_proof(old, new)
    })?;
    drop(writer);

    let kept = std::fs::metadata(dir.path().join("subtrees"))?.len();
    let lengths: Vec<u64> = records.iter().map(|record| record.len() as u64).collect();
    let bytes: u64 = (0..size).map(|number| lengths[(number % lengths.len() as u64) as usize]).sum();
    eprintln!("{kept} bytes kept for proofs, {bytes} bytes of records");
    #[expect(clippy::cast_precision_loss, reason = "bytes on a disk, far below 2^52")]
    let share = kept as f64 / bytes as f64;
    report.line(("proofs", "on disk", "share of the records' bytes"), share, None, Bar::AtMost(MOST_KEPT))
}

/// Times proofs that `ask` makes up, and counts the records that they read.
///
/// One of 20,000 meets another process's time slice, or the kernel taking memory back. So the slowest are asked for again: what a
/// proof costs is the least that it took.
fn measure<P, F>(kind: &str, reader: &Reader, report: &mut Report, mut ask: F) -> Result<(), Failed>
where
    F: FnMut() -> P,
    P: Fn(&Reader) -> Result<Vec<ledger_log::Hash>, ReadError>,
{
    let once = |proof: &P| -> Result<Duration, Failed> {
        let start = Instant::now();
        std::hint::black_box(proof(reader)?);
        Ok(start.elapsed())
    };
    let (mut asked, mut most_read) = (Vec::new(), 0);
    for _ in 0..PROOFS {
        let (proof, before) = (ask(), reader.read_for_proofs());
        asked.push((once(&proof)?, proof));
        most_read = most_read.max(reader.read_for_proofs() - before);
    }
    let mut took: Vec<Duration> = asked.iter().map(|(took, _)| *took).collect();
    asked.sort_unstable_by_key(|(took, _)| std::cmp::Reverse(*took));
    let mut own = Vec::new();
    for (first, proof) in asked.iter().take(ASKED_AGAIN) {
        own.push([*first, once(proof)?, once(proof)?, once(proof)?].into_iter().min().unwrap_or(*first));
    }
    for (name, value, bar) in [
        ("p50", percentile(&mut took, 0.5), Bar::None),
        ("p99", percentile(&mut took, 0.99), Bar::None),
        ("longest wait", percentile(&mut took, 1.0), Bar::None),
        ("slowest", percentile(&mut own, 1.0), Bar::AtMost(SLOWEST)),
    ] {
        report.line(("proofs", &format!("{kind}, {name}"), "ms"), value, None, bar)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let most_read = most_read as f64;
    report.line(("proofs", &format!("{kind}, most records read"), "records"), most_read, None, Bar::AtMost(MOST_READ))
}

/// Opening a log, as a server does, with checkpoints and without.
fn start(common: &Common, records: &[Vec<u8>], report: &mut Report) -> Result<(), Failed> {
    let (signed, unsigned) = (common.folder()?, common.folder()?);
    let size = common.events.unwrap_or(STARTED).min(STARTED);
    let every = (size / CHECKPOINTS).max(1);
    let signer = NoteSigner::new("prakerja.ledger/bench", &[7; 32])?;
    let (mut notes, mut frontier) = (String::new(), Frontier::default());
    let writer = build(signed.path(), records, size, |record| {
        frontier.append(leaf_hash(record));
        if frontier.size() % every == 0 {
            let head = ledger_log::Head { size: frontier.size(), root: frontier.root() };
            let _ = writeln!(notes, "{}", signer.checkpoint(head));
        }
    })?;
    std::fs::create_dir(signed.path().join("checkpoints"))?;
    std::fs::write(signed.path().join("checkpoints/notes"), &notes)?;
    writer.close()?;
    build(unsigned.path(), records, size, |_| {})?.close()?;
    let (subject, yardstick) = interleaved(common.pairs, || open(signed.path(), size), || open(unsigned.path(), size))?;
    let case = format!("start, {} checkpoints kept", size / every);
    report.line(("proofs", &case, "records/s"), subject, Some(yardstick), Bar::Ratio(START))
}

/// Records a second.
fn open(dir: &Path, size: u64) -> Result<f64, Failed> {
    let (writer, took) = timed(|| {
        let (writer, _, recovery) = Log::open(dir, &Options::default())?;
        Checkpoints::open(dir, recovery.kept)?;
        Ok(writer)
    })?;
    writer.close()?;
    Ok(rate(size, took))
}

fn build(dir: &Path, records: &[Vec<u8>], size: u64, mut watch: impl FnMut(&[u8])) -> Result<Writer, Failed> {
    let (mut writer, _, _) = Log::open(dir, &Options::default())?;
    let mut batch = Batch::new();
    let mut source = records.iter().cycle();
    while writer.head().size < size {
        batch.clear();
        let left = usize::try_from(size - writer.head().size)?;
        for record in source.by_ref().take(left.min(COMMIT)) {
            watch(record);
            batch.push(record)?;
        }
        writer.append(writer.head().size, &batch)?;
    }
    Ok(writer)
}

/// A sequence that is the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % end
    }
}
