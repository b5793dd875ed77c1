//! A disk in memory: what is on it now, and every operation that made it so. From the operations follows what a power
//! cut at any moment leaves (see [`cut`](super::cut)).

mod trace;

use std::collections::{BTreeMap, HashMap};

pub use trace::{Ino, Op, ROOT};
pub(crate) use trace::{set_length, write};

use crate::fault::{Fault, What};
use crate::image::Image;

/// What a request meets instead of its effect, as the operating system names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such name.
    NoEntry,
    /// The name is taken.
    Exists,
    /// A folder was expected, or a file.
    WrongKind,
    /// The folder holds something.
    NotEmpty,
    /// The disk is full.
    NoSpace,
    /// The device failed.
    Device,
    /// Not done by this disk.
    Unsupported,
}

/// A file or a folder.
#[derive(Debug)]
pub(crate) enum Node {
    File(Vec<u8>),
    Folder(BTreeMap<String, Ino>),
}

/// An entry of a folder: its number, whether it is a folder itself, its name.
pub(crate) type Entry = (Ino, bool, String);

/// The disk as programs see it, and its past.
#[derive(Debug)]
pub struct Disk {
    nodes: HashMap<Ino, Node>,
    /// The last name of each, for faults that are meant for some files only.
    names: HashMap<Ino, String>,
    next: Ino,
    ops: Vec<Op>,
    used: u64,
    capacity: u64,
    fault: Option<Fault>,
}

impl Disk {
    /// An empty disk of `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let nodes = HashMap::from([(ROOT, Node::Folder(BTreeMap::new()))]);
        Self { nodes, names: HashMap::new(), next: ROOT + 1, ops: Vec::new(), used: 0, capacity, fault: None }
    }

    /// The disk after these operations, each as durable as it was: what a killed process leaves to the next one.
    #[must_use]
    pub fn after(ops: &[Op], capacity: u64) -> Self {
        let mut disk = Self::new(capacity);
        for op in ops {
            disk.apply(op.clone());
        }
        disk
    }

    /// A disk that holds an image, all of it durable.
    #[must_use]
    pub fn holding(image: &Image, capacity: u64) -> Self {
        let mut disk = Self::new(capacity);
        let mut folders = HashMap::from([(std::path::PathBuf::new(), ROOT)]);
        for (path, content) in &image.0 {
            let (Some(parent), Some(name)) = (path.parent().and_then(|parent| folders.get(parent)), path.file_name())
            else {
                continue;
            };
            let (ino, parent, name) = (disk.next, *parent, name.to_string_lossy().into_owned());
            disk.apply(Op::Create { parent, name, ino, folder: content.is_none() });
            match content {
                None => drop(folders.insert(path.clone(), ino)),
                Some(bytes) => {
                    disk.apply(Op::Write { ino, offset: 0, bytes: bytes.as_slice().into() });
                    disk.apply(Op::SyncFile { ino });
                }
            }
        }
        for ino in folders.into_values() {
            disk.apply(Op::SyncFolder { ino });
        }
        disk
    }

    /// Everything that was done to the disk, in order.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Sets what goes wrong from now on; `None`: nothing.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// Sets how many bytes the disk has in all; it may be fewer than are in use.
    pub fn set_capacity(&mut self, capacity: u64) {
        self.capacity = capacity;
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Bytes in all, and free ones.
    pub(crate) fn space(&self) -> (u64, u64) {
        (self.capacity, self.capacity.saturating_sub(self.used))
    }

    pub(crate) fn node(&self, ino: Ino) -> Result<&Node, Refusal> {
        self.nodes.get(&ino).ok_or(Refusal::NoEntry)
    }

    fn folder(&self, ino: Ino) -> Result<&BTreeMap<String, Ino>, Refusal> {
        match self.node(ino)? {
            Node::Folder(entries) => Ok(entries),
            Node::File(_) => Err(Refusal::WrongKind),
        }
    }

    fn file(&self, ino: Ino) -> Result<&[u8], Refusal> {
        match self.node(ino)? {
            Node::File(bytes) => Ok(bytes),
            Node::Folder(_) => Err(Refusal::WrongKind),
        }
    }

    pub(crate) fn look_up(&self, parent: Ino, name: &str) -> Result<Ino, Refusal> {
        self.folder(parent)?.get(name).copied().ok_or(Refusal::NoEntry)
    }

    pub(crate) fn list(&self, ino: Ino) -> Result<Vec<Entry>, Refusal> {
        let entries = self.folder(ino)?.iter();
        Ok(entries.map(|(name, &ino)| (ino, self.folder(ino).is_ok(), name.clone())).collect())
    }

    pub(crate) fn create(&mut self, parent: Ino, name: &str, folder: bool) -> Result<Ino, Refusal> {
        if self.folder(parent)?.contains_key(name) {
            return Err(Refusal::Exists);
        }
        let ino = self.next;
        self.apply(Op::Create { parent, name: name.to_owned(), ino, folder });
        Ok(ino)
    }

    pub(crate) fn remove(&mut self, parent: Ino, name: &str, folder: bool) -> Result<(), Refusal> {
        let ino = self.look_up(parent, name)?;
        match self.node(ino)? {
            Node::Folder(entries) if folder && !entries.is_empty() => return Err(Refusal::NotEmpty),
            Node::Folder(_) if folder => {}
            Node::File(_) if !folder => {}
            _ => return Err(Refusal::WrongKind),
        }
        self.apply(Op::Remove { parent, name: name.to_owned() });
        Ok(())
    }

    /// Within one folder only: the log does nothing else, and a rename between two would be durable in halves.
    pub(crate) fn rename(&mut self, parent: Ino, from: &str, new_parent: Ino, to: &str) -> Result<(), Refusal> {
        self.look_up(parent, from)?;
        if parent != new_parent {
            return Err(Refusal::Unsupported);
        }
        self.apply(Op::Rename { parent, from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    pub(crate) fn read(&self, ino: Ino, offset: u64, length: usize) -> Result<&[u8], Refusal> {
        let bytes = self.file(ino)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(&bytes[from..from.saturating_add(length).min(bytes.len())])
    }

    /// How many bytes were written: fewer than given where the disk gets full, or is told to.
    pub(crate) fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> Result<usize, Refusal> {
        let length = self.file(ino)?.len() as u64;
        let mut count = bytes.len();
        match self.meets(ino, What::is_write) {
            Some(What::WriteFails(refusal)) => return Err(refusal),
            Some(What::ShortWrites) => count = count.div_ceil(2),
            _ => {}
        }
        let (_, free) = self.space();
        let room = usize::try_from(length.max(offset) - offset + free).unwrap_or(usize::MAX);
        count = count.min(room);
        if count == 0 && !bytes.is_empty() {
            return Err(Refusal::NoSpace);
        }
        self.apply(Op::Write { ino, offset, bytes: bytes[..count].into() });
        Ok(count)
    }

    pub(crate) fn set_length(&mut self, ino: Ino, length: u64) -> Result<(), Refusal> {
        let growth = length.saturating_sub(self.file(ino)?.len() as u64);
        if growth > self.space().1 {
            return Err(Refusal::NoSpace);
        }
        self.apply(Op::SetLength { ino, length });
        Ok(())
    }

    /// `Ok(false)`: the disk does not answer.
    pub(crate) fn sync_file(&mut self, ino: Ino) -> Result<bool, Refusal> {
        self.file(ino)?;
        match self.meets(ino, What::is_sync) {
            Some(What::SyncFails) => return Err(Refusal::Device),
            Some(What::SyncHangs) => return Ok(false),
            Some(What::SyncLies) => return Ok(true),
            _ => {}
        }
        self.apply(Op::SyncFile { ino });
        Ok(true)
    }

    pub(crate) fn sync_folder(&mut self, ino: Ino) -> Result<(), Refusal> {
        self.folder(ino)?;
        self.apply(Op::SyncFolder { ino });
        Ok(())
    }

    /// The fault that a request of this kind to this file meets.
    fn meets(&mut self, ino: Ino, kind: impl Fn(&What) -> bool) -> Option<What> {
        let fault = self.fault.as_mut().filter(|fault| kind(&fault.what))?;
        if self.names.get(&ino).is_none_or(|name| *name != fault.file) {
            return None;
        }
        fault.met += 1;
        Some(fault.what)
    }

    /// How often the fault that is set was met.
    #[must_use]
    pub fn faults_met(&self) -> u64 {
        self.fault.as_ref().map_or(0, |fault| fault.met)
    }

    fn apply(&mut self, op: Op) {
        match &op {
            Op::Create { parent, name, ino, folder } => {
                let node = if *folder { Node::Folder(BTreeMap::new()) } else { Node::File(Vec::new()) };
                self.nodes.insert(*ino, node);
                self.names.insert(*ino, name.clone());
                self.next = self.next.max(ino + 1);
                self.entries(*parent, |entries| _ = entries.insert(name.clone(), *ino));
            }
            // What has no name any more stays: it may be open, and the past may be asked for.
            Op::Remove { parent, name } => {
                let removed = self.look_up(*parent, name).and_then(|ino| self.file(ino)).map_or(0, <[u8]>::len);
                self.used = self.used.saturating_sub(removed as u64);
                self.entries(*parent, |entries| _ = entries.remove(name));
            }
            Op::Rename { parent, from, to } => {
                let replaced = self.look_up(*parent, to).and_then(|ino| self.file(ino)).map_or(0, <[u8]>::len);
                self.used = self.used.saturating_sub(replaced as u64);
                if let Ok(ino) = self.look_up(*parent, from) {
                    self.names.insert(ino, to.clone());
                }
                self.entries(*parent, |entries| {
                    if let Some(ino) = entries.remove(from) {
                        entries.insert(to.clone(), ino);
                    }
                });
            }
            Op::Write { ino, offset, bytes } => self.change(*ino, |file| trace::write(file, *offset, bytes)),
            Op::SetLength { ino, length } => self.change(*ino, |file| trace::set_length(file, *length)),
            Op::SyncFile { .. } | Op::SyncFolder { .. } => {}
        }
        self.ops.push(op);
    }

    fn entries(&mut self, ino: Ino, change: impl FnOnce(&mut BTreeMap<String, Ino>)) {
        if let Some(Node::Folder(entries)) = self.nodes.get_mut(&ino) {
            change(entries);
        }
    }

    fn change(&mut self, ino: Ino, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(Node::File(bytes)) = self.nodes.get_mut(&ino) {
            let before = bytes.len() as u64;
            change(bytes);
            self.used = (self.used + bytes.len() as u64).saturating_sub(before);
        }
    }
}
