//! The one pass: windows of records, shared by participant among threads.

use ledger_core::ids::ParticipantId;
use ledger_core::time::{Date, Timestamp};
use ledger_log::AtRest;
use ledger_log::record;

use super::between::Between;
use super::part::Part;
use super::person::Day;
use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::known::{KnownAt, Window};
use crate::source::{self, Pass, Source, damaged};

/// Fewer records than this are not worth starting threads for.
const WORTHWHILE: usize = 4096;
/// Records of a server that are looked at together.
const HEAP: usize = 1 << 16;

/// What a pass came to.
pub(super) struct Passed {
    /// What the log itself is like; its findings too.
    pub(super) log: Pass,
    /// Number of records that were known.
    pub(super) known_at: u64,
    /// The date asked for, or the latest day on which anything known happened or was recorded.
    pub(super) as_of: Option<Date>,
    pub(super) parts: Vec<Part>,
    pub(super) between: Between,
    pub(super) threads: usize,
}

/// Does some work for each item, all at once or one after the other.
pub(super) fn each<T: Send, R: Send>(
    at_once: bool,
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let mut items = items.into_iter();
    if !at_once {
        return items.map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let own = items.next();
        let others: Vec<_> = items.map(|item| scope.spawn(move || work(item))).collect();
        let own = own.map(work);
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        own.into_iter().chain(others).collect()
    })
}

/// Reads the whole log, checks it, and has the parts look at what the window takes of it.
pub(super) fn read(source: &Source, window: &Window, threads: usize) -> Result<Passed, Error> {
    let threads = threads.max(1);
    let mut auditors = Auditors::new(window, threads);
    let log = match source {
        Source::Data(dir) => auditors.at_rest(&AtRest::open(dir)?, threads)?,
        Source::Archive(dir) => auditors.at_rest(&AtRest::archive(dir)?, threads)?,
        Source::From(_) => {
            let mut heap: Vec<(u64, Vec<u8>)> = Vec::with_capacity(HEAP);
            let pass = source.bytes(&mut |position, bytes| {
                heap.push((position, bytes.to_vec()));
                if heap.len() == HEAP {
                    auditors.heap(&heap);
                    heap.clear();
                }
            })?;
            auditors.heap(&heap);
            pass
        }
    };
    auditors.finish(log, window, threads)
}

/// The parts at work, and what holds between records of all of them.
struct Auditors {
    known_at: KnownAt,
    parts: Vec<Part>,
    between: Between,
    /// Number of records that were known, and whether there are more.
    size: u64,
    ended: bool,
    last_recorded: Option<Timestamp>,
    findings: Vec<Finding>,
}

impl Auditors {
    fn new(window: &Window, threads: usize) -> Self {
        Self {
            known_at: window.known_at,
            parts: (0..threads).map(|part| Part::new(part == 0, window.as_of)).collect(),
            between: Between::default(),
            size: 0,
            ended: false,
            last_recorded: None,
            findings: Vec::new(),
        }
    }

    fn at_rest(&mut self, log: &AtRest, threads: usize) -> Result<Pass, Error> {
        let examined = log.examine_windows(threads, |window| {
            self.window(window.parts(threads).map(|part| part.records()), window.count() as usize);
            Ok(())
        })?;
        Ok(Pass {
            size: examined.head.size,
            root: examined.head.root,
            findings: examined.findings.iter().map(damaged).collect(),
            notes: source::notes(&examined),
            first_bad_position: None,
        })
    }

    fn heap(&mut self, heap: &[(u64, Vec<u8>)]) {
        let pieces = heap.chunks(heap.len().div_ceil(self.parts.len()).max(1));
        let pieces = pieces.map(|piece| piece.iter().map(|(position, bytes)| (*position, bytes.as_slice())));
        self.window(pieces, heap.len());
    }

    /// Some consecutive records, in pieces that follow each other: first they are sorted by part, then looked at.
    fn window<'w, R>(&mut self, pieces: impl Iterator<Item = R>, count: usize)
    where
        R: Iterator<Item = (u64, &'w [u8])> + Send,
    {
        if self.ended {
            return;
        }
        let (share, parts, known_at) = (count >= WORTHWHILE && self.parts.len() > 1, self.parts.len(), self.known_at);
        let sorted = each(share, pieces, |records| Sorted::of(records, parts, count, known_at));
        let mut good = Vec::with_capacity(sorted.len());
        for piece in sorted {
            self.follows(&piece);
            self.ended = piece.ended;
            good.push(piece);
            if self.ended {
                break;
            }
        }
        each(share, self.parts.iter_mut().enumerate(), |(number, part)| {
            part.take(good.iter().flat_map(|piece| piece.parts[number].iter().copied()));
        });
        self.between.window(&mut self.parts);
    }

    /// What holds between records of all parts.
    fn follows(&mut self, piece: &Sorted<'_>) {
        if let (Some(last), Some((at, first))) = (self.last_recorded, piece.first)
            && first < last
        {
            self.findings.push(goes_back(at, first));
        }
        self.last_recorded = piece.last.or(self.last_recorded);
        self.findings.extend(piece.findings.iter().cloned());
        self.size += piece.size;
    }

    fn finish(self, mut log: Pass, window: &Window, threads: usize) -> Result<Passed, Error> {
        if let KnownAt::Position(position) = window.known_at
            && position >= log.size
        {
            return Err(Error::BeyondLog { position, size: log.size });
        }
        log.findings.extend(self.findings);
        log.findings.sort_by_key(|finding| finding.positions.first().copied());
        log.first_bad_position = log.findings.first().and_then(|finding| finding.positions.first().copied());
        let happened = self.parts.iter().map(|part| part.latest).max().unwrap_or_default();
        let recorded = self.last_recorded.map(Timestamp::wib_date);
        let happened = (happened > Day::default()).then(|| happened.date());
        let as_of = window.as_of.or(happened.max(recorded));
        let Self { parts, between, size, .. } = self;
        Ok(Passed { log, known_at: size, as_of, parts, between, threads })
    }
}

fn goes_back(at: u64, recorded: Timestamp) -> Finding {
    let found = format!("recorded_at {recorded}");
    Finding::new(Rule::RecordedAt, "a time not before the record before it", found).at_position(at)
}

/// Identifiers are random, or begin with a time and end with random bytes.
fn part_of(id: ParticipantId, parts: usize) -> usize {
    let last = id.0.last_chunk().copied().unwrap_or_default();
    (u64::from_be_bytes(last) % parts as u64) as usize
}

/// Consecutive records by the part that they fall to; the programme's fall to all.
struct Sorted<'w> {
    parts: Vec<Vec<(u64, &'w [u8])>>,
    /// The first record's position and time, and the last one's time.
    first: Option<(u64, Timestamp)>,
    last: Option<Timestamp>,
    size: u64,
    /// What follows is not known.
    ended: bool,
    findings: Vec<Finding>,
}

impl<'w> Sorted<'w> {
    fn of(records: impl Iterator<Item = (u64, &'w [u8])>, parts: usize, count: usize, known_at: KnownAt) -> Self {
        let each = count / parts / parts * 9 / 8;
        let lists = (0..parts).map(|_| Vec::with_capacity(each)).collect();
        let mut sorted = Self { parts: lists, first: None, last: None, size: 0, ended: false, findings: Vec::new() };
        for (position, bytes) in records {
            let outline = match record::outline(bytes) {
                Ok(outline) => outline,
                Err(error) => {
                    let finding = Finding::new(Rule::Decodable, "a record", error.to_string());
                    sorted.findings.push(finding.at_position(position));
                    sorted.size += 1;
                    continue;
                }
            };
            if !known_at.takes_at(position, outline.recorded_at) {
                sorted.ended = true;
                return sorted;
            }
            if outline.position != position {
                let (expected, found) = (position.to_string(), outline.position.to_string());
                sorted.findings.push(Finding::new(Rule::Position, expected, found).at_position(position));
            }
            if sorted.last.is_some_and(|last| outline.recorded_at < last) {
                sorted.findings.push(goes_back(position, outline.recorded_at));
            }
            sorted.first.get_or_insert((position, outline.recorded_at));
            sorted.last = Some(outline.recorded_at);
            sorted.size += 1;
            match outline.participant {
                Some(id) => sorted.parts[part_of(id, parts)].push((position, bytes)),
                None => sorted.parts.iter_mut().for_each(|part| part.push((position, bytes))),
            }
        }
        sorted
    }
}
