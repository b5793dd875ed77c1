//! The disk as a folder of this system, by FUSE: the kernel hands every request of any process to this one.
//!
//! There is no writeback cache, so a write is on the disk's list when it returns. Locks (flock) are the kernel's own.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::mount::{UnmountFlags, unmount};
use tempfile::TempDir;

use crate::disk::{Disk, Entry, Ino, Node, Refusal};

const DEVICE: &str = "/dev/fuse";
/// Nothing but the kernel changes the disk: what it knows stays true.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
const BLOCK: u32 = 512;

/// Whether a disk can be mounted here. Where not, says so, for the test to be left out; under CI that fails.
///
/// # Panics
///
/// There is no FUSE although `CI` is set.
#[must_use]
pub fn available() -> bool {
    let there = Path::new(DEVICE).exists() && rustix::process::geteuid().is_root();
    if !there {
        let why = format!("no {DEVICE}, or not root: what rests on a mounted disk");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{why} must run under CI");
        eprintln!("1 test skipped: {why} is not tested");
    }
    there
}

/// A mounted disk; unmounted when dropped, also in a panic.
pub struct Mounted {
    shared: Arc<Shared>,
    session: Option<BackgroundSession>,
    point: TempDir,
}

struct Shared {
    disk: Mutex<Disk>,
    /// Syncs that are not answered for the time being.
    hanging: Mutex<Vec<ReplyEmpty>>,
    /// Folders that are being listed, as they were when that began.
    listed: Mutex<HashMap<u64, Vec<Entry>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each request leaves the disk whole; a panic elsewhere is that test's own failure.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mounted {
    /// Mounts a disk in a folder of its own.
    ///
    /// # Errors
    ///
    /// It cannot be mounted.
    pub fn new(disk: Disk) -> io::Result<Self> {
        let point = tempfile::Builder::new().prefix("ledger-faults-").tempdir()?;
        let (hanging, listed) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { disk: Mutex::new(disk), hanging, listed });
        let mut config = fuser::Config::default();
        config.mount_options = vec![MountOption::FSName("ledger-faults".to_owned()), MountOption::NoAtime];
        let session = fuser::Session::new(Requests(Arc::clone(&shared)), point.path(), &config)?.spawn()?;
        Ok(Self { shared, session: Some(session), point })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.point.path().to_owned()
    }

    /// The disk itself, to set faults, and to see what was done. No request is served meanwhile.
    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.shared.disk)
    }

    /// How many operations were done so far.
    #[must_use]
    pub fn now(&self) -> usize {
        self.disk().ops().len()
    }

    /// Syncs that hang at this moment.
    #[must_use]
    pub fn hanging(&self) -> usize {
        lock(&self.shared.hanging).len()
    }

    /// Fails the syncs that hang, as a device does that was taken away.
    pub fn let_go(&self) {
        lock(&self.shared.hanging).drain(..).for_each(|reply| reply.error(Errno::EIO));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.let_go();
        // At once and for everybody: a process that still has a file open must not keep the mount. Where it is gone
        // already there is nothing to do.
        let _ = unmount(self.point.path(), UnmountFlags::DETACH);
        drop(self.session.take());
    }
}

struct Requests(Arc<Shared>);

fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::NoEntry => Errno::ENOENT,
        Refusal::Exists => Errno::EEXIST,
        Refusal::WrongKind => Errno::ENOTDIR,
        Refusal::NotEmpty => Errno::ENOTEMPTY,
        Refusal::NoSpace => Errno::ENOSPC,
        Refusal::Device => Errno::EIO,
        Refusal::Unsupported => Errno::EXDEV,
    }
}

fn text(name: &OsStr) -> Result<&str, Refusal> {
    name.to_str().ok_or(Refusal::Unsupported)
}

fn attributes(ino: Ino, node: &Node) -> FileAttr {
    let (kind, perm, size) = match node {
        Node::File(bytes) => (FileType::RegularFile, 0o644, bytes.len() as u64),
        Node::Folder(_) => (FileType::Directory, 0o755, 0),
    };
    FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: size.div_ceil(u64::from(BLOCK)),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

impl Requests {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.0.disk)
    }

    fn entry(disk: &Disk, ino: Ino) -> Result<FileAttr, Refusal> {
        disk.node(ino).map(|node| attributes(ino, node))
    }

    fn create_node(&self, parent: INodeNo, name: &OsStr, folder: bool) -> Result<FileAttr, Refusal> {
        let mut disk = self.disk();
        let ino = disk.create(parent.0, text(name)?, folder)?;
        Self::entry(&disk, ino)
    }

    fn remove(&self, parent: INodeNo, name: &OsStr, folder: bool, reply: ReplyEmpty) {
        match text(name).and_then(|name| self.disk().remove(parent.0, name, folder)) {
            Ok(()) => reply.ok(),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }
}

fn answer(entry: Result<FileAttr, Refusal>, reply: ReplyEntry) {
    match entry {
        Ok(attr) => reply.entry(&KNOWN_FOR, &attr, Generation(0)),
        Err(refusal) => reply.error(errno(refusal)),
    }
}

impl Filesystem for Requests {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = self.disk();
        let found = text(name).and_then(|name| disk.look_up(parent.0, name));
        answer(found.and_then(|ino| Self::entry(&disk, ino)), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match Self::entry(&self.disk(), ino.0) {
            Ok(attr) => reply.attr(&KNOWN_FOR, &attr),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let done = size.map_or(Ok(()), |size| disk.set_length(ino.0, size));
        match done.and_then(|()| Self::entry(&disk, ino.0)) {
            Ok(attr) => reply.attr(&KNOWN_FOR, &attr),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        answer(self.create_node(parent, name, true), reply);
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        match self.create_node(parent, name, false) {
            Ok(attr) => reply.created(&KNOWN_FOR, &attr, Generation(0), FileHandle(0), FopenFlags::empty()),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.remove(parent, name, false, reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.remove(parent, name, true, reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let names = text(name).and_then(|from| Ok((from, text(new_name)?)));
        match names.and_then(|(from, to)| self.disk().rename(parent.0, from, new_parent.0, to)) {
            Ok(()) => reply.ok(),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.disk().read(ino.0, offset, size as usize) {
            Ok(bytes) => reply.data(bytes),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.disk().write(ino.0, offset, data) {
            Ok(count) => reply.written(u32::try_from(count).unwrap_or(u32::MAX)),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        match self.disk().sync_file(ino.0) {
            Ok(true) => reply.ok(),
            Ok(false) => lock(&self.0.hanging).push(reply),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        match self.disk().sync_folder(ino.0) {
            Ok(()) => reply.ok(),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn opendir(&self, request: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.disk().list(ino.0) {
            // The list as it is now: it must not shift while its entries are being removed. Each request has a number
            // of its own.
            Ok(list) => {
                let handle = request.unique().0;
                lock(&self.0.listed).insert(handle, list);
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn readdir(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = lock(&self.0.listed);
        let list = listed.get(&handle.0).map(Vec::as_slice).unwrap_or_default();
        for (index, (ino, folder, name)) in list.iter().enumerate().skip(usize::try_from(offset).unwrap_or(usize::MAX))
        {
            let kind = if *folder { FileType::Directory } else { FileType::RegularFile };
            if reply.add(INodeNo(*ino), index as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        lock(&self.0.listed).remove(&handle.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (all, free) = self.disk().space();
        let blocks = |bytes: u64| bytes / u64::from(BLOCK);
        reply.statfs(blocks(all), blocks(free), blocks(free), 1 << 20, 1 << 20, BLOCK, 255, BLOCK);
    }
}
