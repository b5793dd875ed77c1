//! Opening a log for writing: what a crash left is put in order, what damage left is refused.
//!
//! sled rewrites files while it opens them, and would cut away acknowledged records as readily as torn ones. It also
//! clears segments before the name of the snapshot by which they are superfluous is durable: a power cut in between loses
//! records that were safe (seen by experiment, after a close in good order too). So it never opens the volume itself, but
//! a copy; every record is read, and only a copy that stands up to head and root, and is durable, takes the place of
//! the volume. A damaged log is left as it was found, for others to examine.
//!
//! How the folder was left decides what it must stand up to:
//!
//! - **New**: the head file is made durable first, then the volume. A volume without a head is therefore damage.
//! - **Closed in good order** (`closed` is there): every file must be, byte for byte, as it was.
//! - **Not closed**: the process was killed, or the power went. What was never answered for may be in pieces.
//!
//! In every case all records are read, hashed and compared with the head and with every kept checkpoint before the first
//! append.
//!
//! | log against head | meaning | what is done |
//! |---|---|---|
//! | equal, root equal | nothing happened | - |
//! | longer, root equal at head's size | whole commits, durable, answered or not | kept, reported |
//! | longer, then pieces of one last commit | never answered | pieces cut, reported |
//! | shorter, or another root | acknowledged records are gone or changed | refused |
//!
//! Records beyond the head are kept because a caller may have been answered for them: the head is not synced with
//! each commit, and after a power cut may be older than the last answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::at_rest;
use crate::checkpoints::Kept;
use crate::closed::{self, LIVE};
use crate::error::{Damage, FileError, OpenError, VisitError};
use crate::files;
use crate::head::{self, Head, HeadFile};
use crate::lock::Lock;
use crate::manifest::{self, Sealed};
use crate::merkle::Frontier;
use crate::reader::Reader;
use crate::real_sync;
use crate::scan::{self, Beside, Readers, Scan, Scanned, TornTail};
use crate::snapshot;
use crate::store::{Shared, Store};
use crate::subtrees::{self, BLOCK_LEVEL, SubtreesFile, SubtreesReader};
use crate::volume::VolumeError;
use crate::volumes::Volumes;
use crate::window::{Window, one_by_one};
use crate::writer::Writer;

/// A copy of the volume that is being examined.
const RECOVERING: &str = "recovering";
/// The volume as it was before the examined copy took its place.
const REPLACED: &str = "replaced";

/// How to open a log.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait for a folder that another process holds, for instance one that is just dying.
    pub lock_wait: Duration,
    /// sled's cache, bytes. It is a wish only: see `volume`.
    pub cache_bytes: u64,
    /// A new log seals its records in segments of `2^segment_level`; a log that is there goes on as it began.
    pub segment_level: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { lock_wait: Duration::from_secs(5), cache_bytes: 32 << 20, segment_level: 20 }
    }
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Size and root after opening.
    pub head: Head,
    /// Whether the folder had been closed in good order, or is new.
    pub clean: bool,
    /// Records beyond the stored head: durable and whole, and perhaps never answered for. Kept.
    pub beyond_head: u64,
    /// Pieces of a last commit that nobody was answered for. Cut.
    pub torn: Option<TornTail>,
    /// One of the two slots of the head file was torn; the other one counted.
    pub torn_head: bool,
    /// Stored subtree roots that were missing or different after a crash and were computed anew.
    pub subtrees_rebuilt: u64,
    /// The kept checkpoints, each compared with the log; a note that a crash cut short is cut.
    pub kept: Kept,
    /// Names of what an interrupted start or stop had left in the folder. Removed, or put back in its place.
    pub leftovers: Vec<String>,
    /// So many records at the front were not read, since they were known; see [`Reader::check`].
    pub unread: u64,
}

/// The log in a folder; see [`Log::open`].
#[derive(Debug)]
pub struct Log;

impl Log {
    /// Opens the log in `dir` for writing and reading, creating both where missing.
    pub fn open(dir: impl AsRef<Path>, options: &Options) -> Result<(Writer, Reader, Recovery), OpenError> {
        Log::open_with(dir, options, |_, _| Ok(()))
    }

    /// Like [`Log::open`]; `visit` is shown position and bytes of every record, in order, in the same single pass in
    /// which they are checked. An error of `visit` ends the opening as [`OpenError::Record`].
    ///
    /// When opening fails, whatever `visit` built must be thrown away.
    pub fn open_with(
        dir: impl AsRef<Path>,
        options: &Options,
        mut visit: impl FnMut(u64, &[u8]) -> Result<(), VisitError>,
    ) -> Result<(Writer, Reader, Recovery), OpenError> {
        Log::begin(dir, options)?.open(None, &mut one_by_one(&mut visit))
    }

    /// Takes the log in `dir`, creating it where missing, and compares its files with what a close left. No record is read.
    pub fn begin(dir: impl AsRef<Path>, options: &Options) -> Result<Opening, OpenError> {
        let dir = dir.as_ref();
        files::create_dir(dir)?;
        real_sync::require(dir)?;
        let lock = Lock::exclusive(dir, options.lock_wait)?;
        let leftovers = leftovers(dir)?;
        finish_replacement(dir)?;
        let (head_file, stored) = open_head(dir, options)?;
        let live = dir.join(LIVE);
        let clean = match closed::compare(dir, &lock.says_closed())? {
            None => stored.head.size == 0 && !files::exists(&live)?,
            Some(None) => true,
            // Damage of the whole folder has no position of its own; reading a copy finds it.
            Some(Some(damage)) => return Err(at_rest::locate(dir, lock.says_closed(), damage, options).into()),
        };
        let sealed = Sealed::of_log(dir)?;
        live_is_there(&live, &sealed, stored.head)?;
        let (dir, options) = (dir.to_owned(), options.clone());
        Ok(Opening { dir, options, lock, leftovers, head_file, stored, clean, sealed })
    }
}

/// A log that was taken and of which no record was read yet.
#[derive(Debug)]
pub struct Opening {
    dir: PathBuf,
    options: Options,
    lock: Lock,
    leftovers: Vec<String>,
    head_file: HeadFile,
    stored: head::Stored,
    clean: bool,
    sealed: Sealed,
}

impl Opening {
    /// Reads, checks and hashes the records, and shows them to `visit`, window by window, as [`Log::open_with`] does.
    ///
    /// `known`: so many records, with this root, the visitor knows already. It is shown those behind them, once the log was
    /// found to begin with them; of what is sealed and before them nothing is read but what the roots need, see
    /// [`Reader::check`]. [`OpenError::NotKnown`] where the log begins with others: the visitor was shown nothing then.
    pub fn open(
        self,
        known: Option<Head>,
        visit: &mut impl FnMut(Window<'_>) -> Result<(), OpenError>,
    ) -> Result<(Writer, Reader, Recovery), OpenError> {
        let Opening { dir, options, mut lock, leftovers, mut head_file, stored, clean, sealed } = self;
        let (dir, options, live) = (dir.as_path(), &options, dir.join(LIVE));
        let (mut frontier, beside) = match known {
            None => (Frontier::default(), Beside::open(dir)?),
            Some(known) => {
                let frontier = unread(dir, &sealed, known)?;
                let beside = Beside::open_behind(dir, &frontier, known)?;
                (frontier, beside)
            }
        };
        let unread = frontier.size();
        let mut visit = |window: Window<'_>| visit(window.behind(known.map_or(0, |known| known.size)));
        let readers = Readers::Ahead(std::thread::available_parallelism().map_or(1, usize::from));
        let mut scan = Scan { head: stored.head, beside, frontier: &mut frontier, readers, visit: &mut visit };
        scan.sealed(&sealed)?;
        let (volumes, scanned) = open_copy(dir, &sealed, clean, options, &mut lock, scan)?;
        let store = Store { sealed, volumes };
        store.sealed.remove_leftovers()?;
        store.volumes.remove_others(&live)?;

        let subtrees_path = dir.join(subtrees::NAME);
        let Scanned { torn, subtrees, subtrees_anew, kept, .. } = scanned;
        kept.cut_short(dir)?;
        let head = Head { size: frontier.size(), root: frontier.root() };
        let recovery = Recovery {
            head,
            clean,
            beyond_head: head.size - stored.head.size,
            torn,
            torn_head: stored.torn_slot,
            subtrees_rebuilt: if clean { 0 } else { (subtrees_anew.len() / 32) as u64 },
            kept,
            leftovers,
            unread,
        };
        remove_drafts(dir)?;
        let subtrees = SubtreesFile::open(&subtrees_path, subtrees, subtrees_anew)?;
        if head != stored.head || stored.torn_slot {
            head_file.write(head)?;
            head_file.sync()?;
        }
        let shared = Shared::new(store, head, SubtreesReader::open(&subtrees_path)?);
        let reader = Reader::new(shared.clone());
        let writer = Writer::new(dir.to_owned(), options.clone(), lock, shared, frontier, head_file, subtrees)?;
        Ok((writer, reader, recovery))
    }
}

/// The frontier up to which nothing need be read of a log that begins with what is known: a boundary of blocks in what is
/// sealed. It follows from the roots of segments, which the manifest names, and for a part of one from stored subtrees.
fn unread(dir: &Path, sealed: &Sealed, known: Head) -> Result<Frontier, OpenError> {
    let end = known.size.min(sealed.end());
    let mut frontier = Frontier::default();
    for segment in sealed.segments.iter().take_while(|segment| segment.contents().end() <= end) {
        frontier.append_perfect(sealed.level, segment.contents().root);
    }
    let blocks = frontier.size() >> BLOCK_LEVEL..end >> BLOCK_LEVEL;
    if !blocks.is_empty() {
        let nodes = SubtreesReader::open(&dir.join(subtrees::NAME));
        let missing = |_| OpenError::NotKnown { size: known.size, why: scan::MISSING };
        let nodes = nodes.map_err(missing)?;
        for block in blocks {
            frontier.append_perfect(BLOCK_LEVEL, nodes.node(BLOCK_LEVEL, block).map_err(missing)?);
        }
    }
    Ok(frontier)
}

fn open_head(dir: &Path, options: &Options) -> Result<(HeadFile, head::Stored), OpenError> {
    let path = dir.join(head::NAME);
    if !files::exists(&path)? {
        if files::exists(&dir.join(LIVE))? {
            return Err(Damage::new(0, head::NAME, "the head of the log", "no such file").into());
        }
        // The size of segments is the log's from its first moment on; a block is the smallest, a billion records the largest.
        Sealed::create(dir, options.segment_level.clamp(BLOCK_LEVEL, 30))?;
        HeadFile::create(&path)?;
    }
    let stored = read_head(&path)?;
    Ok((HeadFile::open(&path, &stored)?, stored))
}

/// What the head file says; without a valid slot nothing vouches for any record.
pub(crate) fn read_head(path: &Path) -> Result<head::Stored, OpenError> {
    let stored = head::read(path)?;
    Ok(stored.ok_or_else(|| Damage::new(0, head::NAME, "a valid slot", "none"))?)
}

/// Refuses a log whose records are not there at all.
pub(crate) fn live_is_there(live: &Path, sealed: &Sealed, head: Head) -> Result<(), OpenError> {
    if head.size > sealed.end() && !files::exists(live)? {
        let expected = format!("the volume of {} records", head.size - sealed.end());
        return Err(Damage::new(sealed.end(), LIVE, expected, "no such folder").into());
    }
    Ok(())
}

pub(crate) fn open_volumes(live: &Path, sealed: &Sealed, options: &Options) -> Result<Volumes, OpenError> {
    Volumes::open(live, sealed.end(), options.cache_bytes, options.lock_wait)
        .map_err(|error| unopened(live, sealed.end(), error))
}

/// Which failures of opening are damage, from the first live record on, and which are the surroundings' fault.
pub(crate) fn unopened(dir: &Path, first: u64, error: VolumeError) -> OpenError {
    match error {
        VolumeError::File(error) => error.into(),
        VolumeError::Locked => OpenError::Locked { dir: dir.to_owned(), holder: "another process".to_owned() },
        VolumeError::Store(sled::Error::Io(error)) => OpenError::File(crate::error::FileError {
            action: "open the store in",
            path: dir.to_owned(),
            source: error,
        }),
        error @ VolumeError::Blobs(_) => Damage::new(first, LIVE, "no files in blobs", error.to_string()).into(),
        error @ (VolumeError::Store(_) | VolumeError::Panicked(_) | VolumeError::Key) => {
            Damage::new(first, LIVE, "a volume that opens", error.to_string()).into()
        }
    }
}

/// Opens a copy of the volumes and, if it stands up, puts it in their place. New ones come there in the same way: one that a
/// crash left half-made is never taken for a damaged one.
fn open_copy(
    dir: &Path,
    sealed: &Sealed,
    clean: bool,
    options: &Options,
    lock: &mut Lock,
    scan: Scan<'_>,
) -> Result<(Volumes, Scanned), OpenError> {
    let live = dir.join(LIVE);
    let copy = dir.join(RECOVERING);
    let examined = copy_volume(&live, &copy).and_then(|()| {
        let volumes = open_volumes(&copy, sealed, options)?;
        let scanned = scan.live(&volumes)?;
        match &scanned.torn {
            Some(torn) if clean => return Err(torn.clone().in_a_closed_log().into()),
            Some(torn) => volumes.cut(torn.from).map_err(|error| OpenError::Store(error.to_string()))?,
            None => {}
        }
        match scanned.kept.in_a_closed_log(scanned.size) {
            Some(damage) if clean => return Err(damage.into()),
            _ => {}
        }
        Ok((volumes, scanned))
    });
    match examined {
        Ok(examined) => {
            files::sync_tree(&copy)?;
            lock.opened(dir)?;
            closed::remove(dir)?;
            replace(dir)?;
            Ok(examined)
        }
        Err(error) => {
            // A copy left behind is removed by the next opening; the reason of this failure matters more.
            let _ = files::remove_tree(&copy);
            Err(error)
        }
    }
}

/// Not synced: a copy counts for nothing before it is in the volume's place.
fn copy_volume(live: &Path, copy: &Path) -> Result<(), OpenError> {
    if !files::exists(live)? {
        return Ok(files::create_dir(copy)?);
    }
    at_rest::room_for(live, copy.parent().unwrap_or(live))?;
    Ok(files::copy_tree(live, copy)?)
}

/// Puts the examined copy in the volume's place. At every moment one whole volume is there under a known name.
fn replace(dir: &Path) -> Result<(), OpenError> {
    let (live, copy, replaced) = (dir.join(LIVE), dir.join(RECOVERING), dir.join(REPLACED));
    if files::exists(&live)? {
        files::rename(&live, &replaced)?;
    }
    files::rename(&copy, &live)?;
    Ok(files::remove_tree(&replaced)?)
}

/// Names of what an interrupted start or stop left in the folder: the volumes as they were or would have been, and drafts.
pub(crate) fn leftovers(dir: &Path) -> Result<Vec<String>, FileError> {
    let mut found = Vec::new();
    for name in [RECOVERING, REPLACED] {
        if files::exists(&dir.join(name))? {
            found.push(name.to_owned());
        }
    }
    for folder in [dir.to_owned(), dir.join(manifest::FOLDER), dir.join(LIVE)] {
        if files::exists(&folder)? {
            let names = files::entries(&folder)?.into_iter().filter(|path| files::is_draft(path));
            found.extend(names.map(|path| path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().into_owned()));
        }
    }
    Ok(found)
}

/// Removes the drafts that lie in the folder itself.
fn remove_drafts(dir: &Path) -> Result<(), FileError> {
    [head::NAME, closed::NAME, snapshot::NAME]
        .iter()
        .try_for_each(|name| files::remove_file(&files::draft(&dir.join(name))))
}

/// Undoes or ends a replacement that a crash interrupted.
fn finish_replacement(dir: &Path) -> Result<(), OpenError> {
    let (live, replaced) = (dir.join(LIVE), dir.join(REPLACED));
    if files::exists(&replaced)? {
        match files::exists(&live)? {
            // A killed process may have given the copy its name without syncing it: the old volume stays until that is
            // durable.
            true => files::sync_dir(dir)?,
            false => files::rename(&replaced, &live)?,
        }
    }
    files::remove_tree(&replaced)?;
    Ok(files::remove_tree(&dir.join(RECOVERING))?)
}

/// The folder that holds the whole volume, also in the middle of a replacement.
pub(crate) fn volume_dir(dir: &Path) -> Result<PathBuf, OpenError> {
    let (live, replaced) = (dir.join(LIVE), dir.join(REPLACED));
    Ok(if !files::exists(&live)? && files::exists(&replaced)? { replaced } else { live })
}
