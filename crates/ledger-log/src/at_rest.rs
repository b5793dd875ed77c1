//! A log at rest: read and verified by tools that must not change a byte of it.
//!
//! Sealed segments are read where they are. sled has no read-only mode, so the live volumes are copied to a folder for temporary files and opened there.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::closed::{self, LIVE};
use crate::error::{Damage, FileError, OpenError, VisitError};
use crate::head::{self, Head};
use crate::lock::Lock;
use crate::manifest::Sealed;
use crate::merkle::{Frontier, Hash};
use crate::reader::Reader;
use crate::recovery::{self, Options, live_is_there, open_volumes, read_head, volume_dir};
use crate::scan::{Beside, Readers, Scan, Scanned, TornTail};
use crate::store::{Shared, Store};
use crate::subtrees::{self, SubtreesFile, SubtreesReader};
use crate::volumes::Volumes;
use crate::window::{Visitor, Window, one_by_one};
use crate::{archive, files};

/// A log that nobody writes to. Other tools may read it at the same time; a server cannot start meanwhile.
#[derive(Debug)]
pub struct AtRest {
    dir: PathBuf,
    options: Options,
    /// Where the volume is copied; the system's temporary folder when `None`.
    scratch: Option<PathBuf>,
    /// Whether it is an archive: sealed segments alone.
    archive: bool,
    /// Whether the lock file says that the log was closed in good order.
    said_closed: Result<bool, Damage>,
    _lock: Option<Lock>,
}

/// What a full pass over a log at rest found.
#[derive(Debug)]
pub struct Examined {
    /// Size and root of the records that were read, up to the first bad one.
    pub head: Head,
    /// What the head file says, if it can be read.
    pub stored_head: Option<Head>,
    /// What is wrong; empty for a healthy log. The first has the lowest position.
    pub findings: Vec<Damage>,
    /// Whether the log was closed in good order. If not, a server start would still have to put it in order.
    pub clean: bool,
    /// Records beyond the stored head: durable and whole, perhaps never answered for. No damage.
    pub beyond_head: u64,
    /// Pieces of a last commit that nobody was answered for; a server start would cut them. No damage.
    pub torn: Option<TornTail>,
    /// Names of what an interrupted start or stop left in the folder; a server start would remove it. No damage.
    pub leftovers: Vec<String>,
}

impl Examined {
    /// The first position that cannot be vouched for, if anything is wrong.
    pub fn first_bad_position(&self) -> Option<u64> {
        self.findings.iter().map(|damage| damage.first_bad_position).min()
    }
}

impl AtRest {
    /// Takes the log in `dir` for reading. [`OpenError::Locked`] while a server runs on it, [`OpenError::NotALog`] when
    /// there is none.
    pub fn open(dir: impl AsRef<Path>) -> Result<AtRest, OpenError> {
        AtRest::open_with(dir, &Options::default(), None)
    }

    /// Like [`AtRest::open`], with a folder for the copy of the volume, which may need gigabytes.
    pub fn open_with(dir: impl AsRef<Path>, options: &Options, scratch: Option<PathBuf>) -> Result<AtRest, OpenError> {
        let dir = dir.as_ref().to_owned();
        let mut any = false;
        for name in [head::NAME, LIVE, closed::NAME, subtrees::NAME] {
            any |= files::exists(&dir.join(name))?;
        }
        if !any || archive::is_archive(&dir)? {
            return Err(OpenError::NotALog { dir });
        }
        let lock = Lock::shared(&dir, options.lock_wait)?;
        let said_closed = lock.as_ref().map_or(Ok(false), Lock::says_closed);
        Ok(AtRest { dir, options: options.clone(), scratch, archive: false, said_closed, _lock: lock })
    }

    /// Takes the archive in `dir` for reading. [`OpenError::NotAnArchive`] when there is none.
    pub fn archive(dir: impl AsRef<Path>) -> Result<AtRest, OpenError> {
        let dir = dir.as_ref().to_owned();
        if !archive::is_archive(&dir)? {
            return Err(OpenError::NotAnArchive { dir });
        }
        let options = Options::default();
        let lock = Lock::shared(&dir, options.lock_wait)?;
        Ok(AtRest { dir, options, scratch: None, archive: true, said_closed: Ok(false), _lock: lock })
    }

    /// Reads every record from position 0 on, checks it, and shows it to `visit`, up to the first that is bad.
    ///
    /// Damage is no error: it is in the findings. Errors are what kept the log from being examined, and
    /// [`OpenError::Record`] when `visit` refuses a record.
    pub fn examine(&self, mut visit: impl FnMut(u64, &[u8]) -> Result<(), VisitError>) -> Result<Examined, OpenError> {
        self.examine_all(Readers::InTurn(1), &mut one_by_one(&mut visit)).map(|(examined, _)| examined)
    }

    /// Like [`AtRest::examine`], with so many threads that read and hash what is sealed; `visit` is shown window after
    /// window, and may share its work among threads of its own.
    pub fn examine_windows(
        &self,
        threads: usize,
        mut visit: impl FnMut(Window<'_>) -> Result<(), OpenError>,
    ) -> Result<Examined, OpenError> {
        self.examine_all(Readers::InTurn(threads), &mut visit).map(|(examined, _)| examined)
    }

    /// The same for a `visit` that works alone: while it looks at one window, the next is read.
    pub fn examine_ahead(
        &self,
        threads: usize,
        mut visit: impl FnMut(Window<'_>) -> Result<(), OpenError>,
    ) -> Result<Examined, OpenError> {
        self.examine_all(Readers::Ahead(threads), &mut visit).map(|(examined, _)| examined)
    }

    /// Like [`AtRest::examine`] without a visitor, and keeps the copy open to read single records from it. `None`
    /// when the log is damaged.
    pub fn into_reader(self) -> Result<(Examined, Option<AtRestReader>), OpenError> {
        self.examine_all(Readers::InTurn(1), &mut |_| Ok(()))
    }

    fn examine_all(
        &self,
        readers: Readers,
        visit: &mut Visitor<'_>,
    ) -> Result<(Examined, Option<AtRestReader>), OpenError> {
        let mut examined = Examined {
            head: Head::empty(),
            stored_head: None,
            findings: Vec::new(),
            clean: false,
            beyond_head: 0,
            torn: None,
            leftovers: recovery::leftovers(&self.dir)?,
        };
        if self.archive {
            examined.clean = true;
            let read = self.read_archive(&mut examined, readers, visit);
            return match read {
                Err(OpenError::Damaged(damage)) => {
                    examined.findings.push(damage);
                    Ok((examined, None))
                }
                read => read.map(|reader| (examined, reader)),
            };
        }
        let outside = closed::compare(&self.dir, &self.said_closed)?;
        examined.clean = outside.is_some();
        let outside = outside.flatten();

        let path = self.dir.join(head::NAME);
        let stored = if files::exists(&path)? { read_head(&path) } else { Err(no_head().into()) };
        let mut reader = None;
        match stored {
            Err(OpenError::Damaged(damage)) => examined.findings.push(damage),
            Err(error) => return Err(error),
            Ok(stored) => {
                examined.stored_head = Some(stored.head);
                match self.read_copy(stored.head, &mut examined, readers, visit) {
                    Ok(opened) => reader = opened,
                    Err(OpenError::Damaged(damage)) => examined.findings.push(damage),
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(damage) = outside {
            examined.findings.push(Damage { first_bad_position: examined.head.size, ..damage });
        }
        examined.findings.sort_by_key(|damage| damage.first_bad_position);
        let healthy = examined.findings.is_empty();
        Ok((examined, reader.filter(|_| healthy)))
    }

    fn read_archive(
        &self,
        examined: &mut Examined,
        readers: Readers,
        visit: &mut Visitor<'_>,
    ) -> Result<Option<AtRestReader>, OpenError> {
        let sealed = Sealed::open(&self.dir)?;
        let mut frontier = Frontier::default();
        // Nothing but the segments says how long an archive is.
        let head = Head { size: sealed.end(), root: Hash::default() };
        let mut scan = Scan { head, beside: Beside::open(&self.dir)?, frontier: &mut frontier, readers, visit };
        let scanned = scan.sealed(&sealed).and_then(|()| scan.end());
        examined.head = Head { size: frontier.size(), root: frontier.root() };
        examined.findings = beside_whole(&scanned?, examined.head.size);
        if !examined.findings.is_empty() {
            return Ok(None);
        }
        let subtrees = SubtreesReader::open(&self.dir.join(subtrees::NAME))?;
        let store = Store { sealed, volumes: Volumes::default() };
        let reader = Reader::new(Shared::new(store, examined.head, subtrees));
        Ok(Some(AtRestReader { reader, _scratch: None }))
    }

    fn read_copy(
        &self,
        head: Head,
        examined: &mut Examined,
        readers: Readers,
        visit: &mut Visitor<'_>,
    ) -> Result<Option<AtRestReader>, OpenError> {
        let sealed = Sealed::of_log(&self.dir)?;
        let live = volume_dir(&self.dir)?;
        live_is_there(&live, &sealed, head)?;
        let parent = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        let scratch = tempfile::Builder::new()
            .prefix("ledger-log-")
            .tempdir_in(&parent)
            .map_err(FileError::at("create a temporary folder in", &parent))?;
        let copy = scratch.path().join(LIVE);

        let mut frontier = Frontier::default();
        let beside = Beside::open(&self.dir)?;
        let mut scan = Scan { head, beside, frontier: &mut frontier, readers, visit };
        let scanned = scan.sealed(&sealed).and_then(|()| {
            if files::exists(&live)? {
                room_for(&live, &parent)?;
                files::copy_tree(&live, &copy)?;
            }
            let volumes = open_volumes(&copy, &sealed, &self.options)?;
            let scanned = scan.live(&volumes)?;
            Ok((volumes, scanned))
        });
        examined.head = Head { size: frontier.size(), root: frontier.root() };
        let (volumes, scanned) = scanned?;
        examined.beyond_head = examined.head.size - head.size;
        match &scanned.torn {
            Some(torn) if examined.clean => examined.findings.push(torn.clone().in_a_closed_log()),
            torn => examined.torn = torn.clone(),
        }
        if examined.clean {
            examined.findings.extend(beside_whole(&scanned, examined.head.size));
        }
        // After a crash the stored nodes may be behind; the copy gets them all.
        let path = scratch.path().join(subtrees::NAME);
        files::copy_file(&self.dir.join(subtrees::NAME), &path)?;
        SubtreesFile::open(&path, scanned.subtrees, scanned.subtrees_anew)?;
        let reader = Reader::new(Shared::new(Store { sealed, volumes }, examined.head, SubtreesReader::open(&path)?));
        Ok(Some(AtRestReader { reader, _scratch: Some(scratch) }))
    }
}

/// Reads single records of a log at rest from its copy, which goes away with it.
#[derive(Debug)]
pub struct AtRestReader {
    // Before the folder: the volume is closed, then its files go.
    reader: Reader,
    _scratch: Option<TempDir>,
}

impl std::ops::Deref for AtRestReader {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

/// What is wrong beside the records of a log that nothing interrupted.
fn beside_whole(scanned: &Scanned, size: u64) -> Vec<Damage> {
    let differs =
        scanned.subtrees.differs_at.map(|at| Damage::new(at, subtrees::NAME, subtrees::EXPECTED, "another, or none"));
    differs.into_iter().chain(scanned.kept.in_a_closed_log(size)).collect()
}

fn no_head() -> Damage {
    Damage::new(0, head::NAME, "the head of the log", "no such file")
}

/// Gives damage that was found from outside the first bad position, by reading a copy. The folder must be locked.
pub(crate) fn locate(dir: &Path, said_closed: Result<bool, Damage>, damage: Damage, options: &Options) -> Damage {
    let at_rest = AtRest {
        dir: dir.to_owned(),
        options: options.clone(),
        scratch: None,
        archive: false,
        said_closed,
        _lock: None,
    };
    match at_rest.examine(|_, _| Ok(())) {
        Ok(examined) => {
            Damage { first_bad_position: examined.first_bad_position().unwrap_or(examined.head.size), ..damage }
        }
        // It could not be examined; that nothing is vouched for is still true.
        Err(_) => damage,
    }
}

/// Refuses when a copy of `from` would not fit below `to`.
pub(crate) fn room_for(from: &Path, to: &Path) -> Result<(), OpenError> {
    // sled adds while it opens: a segment or two, and its index.
    const SLACK: u64 = 16 << 20;
    let needed = files::bytes_under(from)? + SLACK;
    let free = files::free_bytes(to)?;
    if free < needed {
        return Err(OpenError::NoRoom { dir: to.to_owned(), needed, free });
    }
    Ok(())
}
