//! The power cut: of what was not synced, any part may be on the disk.
//!
//! The reading is strict. A sync of a file makes its bytes and length durable and nothing else; a name is durable only
//! once its folder was synced, also that of a file that was synced itself. Only fsync and fdatasync count. Of the rest:
//!
//! - each write, on its own, is there, or not, or in some of its 512-byte sectors, or with its length only (zeroes);
//! - so is each change of a length, as a whole;
//! - of the names of a folder, either the first few changes are there (a journal), or any of them; changes that touch
//!   the same name stay in their order, and a rename is one step.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::disk::{Ino, Op, ROOT};
use crate::image::Image;
use crate::rng::Rng;

const SECTOR: u64 = 512;

#[derive(Default)]
struct File<'a> {
    durable: Vec<u8>,
    pending: Vec<&'a Op>,
}

#[derive(Default)]
struct Folder<'a> {
    durable: BTreeMap<String, Ino>,
    pending: Vec<&'a Op>,
}

/// Goes along what was done to a disk and knows at every moment what is durable.
pub struct Cutter<'a> {
    ops: &'a [Op],
    at: usize,
    files: HashMap<Ino, File<'a>>,
    folders: HashMap<Ino, Folder<'a>>,
}

/// How much of what was pending a cut leaves, in percent.
#[derive(Clone, Copy)]
struct Luck {
    kept: u64,
    torn: u64,
    /// The file or folder that fares the other way, where everything else is kept or lost as a whole: each is written
    /// to the disk at its own time.
    odd: Option<Ino>,
}

impl Luck {
    fn of(self, ino: Ino) -> Self {
        if self.odd == Some(ino) { Self { kept: 100 - self.kept, ..self } } else { self }
    }
}

impl<'a> Cutter<'a> {
    /// Before the first of these operations.
    #[must_use]
    pub fn new(ops: &'a [Op]) -> Self {
        let folders = HashMap::from([(ROOT, Folder::default())]);
        Self { ops, at: 0, files: HashMap::new(), folders }
    }

    /// Goes on until `count` operations are done; never back.
    pub fn advance_to(&mut self, count: usize) {
        while self.at < count {
            let Some(op) = self.ops.get(self.at) else { return };
            self.at += 1;
            match op {
                Op::Create { parent, ino, folder, .. } => {
                    if *folder {
                        self.folders.insert(*ino, Folder::default());
                    } else {
                        self.files.insert(*ino, File::default());
                    }
                    self.folders.entry(*parent).or_default().pending.push(op);
                }
                Op::Remove { parent, .. } | Op::Rename { parent, .. } => {
                    self.folders.entry(*parent).or_default().pending.push(op);
                }
                Op::Write { ino, .. } | Op::SetLength { ino, .. } => {
                    self.files.entry(*ino).or_default().pending.push(op);
                }
                Op::SyncFile { ino } => {
                    let File { durable, pending } = self.files.entry(*ino).or_default();
                    pending.drain(..).for_each(|op| change(durable, op));
                }
                Op::SyncFolder { ino } => {
                    let Folder { durable, pending } = self.folders.entry(*ino).or_default();
                    pending.drain(..).for_each(|op| rename(durable, op));
                }
            }
        }
    }

    /// Operations whose effect a cut may take away.
    #[must_use]
    pub fn pending(&self) -> usize {
        let files = self.files.values().map(|file| file.pending.len());
        files.chain(self.folders.values().map(|folder| folder.pending.len())).sum()
    }

    /// What a cut leaves.
    #[must_use]
    pub fn image(&self, rng: &mut Rng) -> Image {
        let luck = if rng.percent(40) {
            let odd = self.any_pending(rng);
            Luck { kept: if rng.percent(50) { 100 } else { 0 }, torn: 0, odd }
        } else {
            // Some cuts take everything, some nearly nothing, most are in between.
            let kept = [0, 10, 50, 90, 100][rng.below(5) as usize];
            Luck { kept, torn: [0, 20, 60][rng.below(3) as usize], odd: None }
        };
        let mut image = Image::default();
        self.put(ROOT, Path::new(""), luck, rng, &mut image);
        image
    }

    /// A file or folder that was not synced as it is.
    fn any_pending(&self, rng: &mut Rng) -> Option<Ino> {
        let files = self.files.iter().filter(|(_, file)| !file.pending.is_empty()).map(|(ino, _)| *ino);
        let folders = self.folders.iter().filter(|(_, folder)| !folder.pending.is_empty()).map(|(ino, _)| *ino);
        let mut all: Vec<Ino> = files.chain(folders).collect();
        all.sort_unstable();
        all.get(rng.below(all.len() as u64) as usize).copied()
    }

    fn put(&self, ino: Ino, path: &Path, luck: Luck, rng: &mut Rng, image: &mut Image) {
        let Some(folder) = self.folders.get(&ino) else { return };
        for (name, ino) in surviving_names(folder, luck.of(ino), rng) {
            let path: PathBuf = path.join(name);
            match self.files.get(&ino) {
                Some(file) => drop(image.0.insert(path, Some(surviving_bytes(file, luck.of(ino), rng)))),
                None => {
                    image.0.insert(path.clone(), None);
                    self.put(ino, &path, luck, rng, image);
                }
            }
        }
    }
}

fn surviving_names(folder: &Folder<'_>, luck: Luck, rng: &mut Rng) -> BTreeMap<String, Ino> {
    let mut entries = folder.durable.clone();
    let all = folder.pending.len() as u64;
    let journal = (luck.odd.is_none() && luck.kept < 100 && rng.percent(50)).then(|| rng.below(all + 1));
    let mut lost: HashSet<&str> = HashSet::new();
    for (index, op) in folder.pending.iter().enumerate() {
        let names: &[&str] = match op {
            Op::Create { name, .. } | Op::Remove { name, .. } => &[name],
            Op::Rename { from, to, .. } => &[from, to],
            _ => &[],
        };
        let kept = match journal {
            Some(first) => (index as u64) < first,
            None => rng.percent(luck.kept) && names.iter().all(|name| !lost.contains(name)),
        };
        if kept {
            rename(&mut entries, op);
        } else {
            lost.extend(names);
        }
    }
    entries
}

fn surviving_bytes(file: &File<'_>, luck: Luck, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = file.durable.clone();
    for op in &file.pending {
        match op {
            Op::Write { offset, bytes: written, .. } if rng.percent(luck.torn) => {
                if rng.percent(20) {
                    let end = offset + written.len() as u64;
                    let length = end.max(bytes.len() as u64);
                    crate::disk::set_length(&mut bytes, length);
                } else {
                    tear(&mut bytes, *offset, written, luck, rng);
                }
            }
            _ if rng.percent(luck.kept) => change(&mut bytes, op),
            _ => {}
        }
    }
    bytes
}

/// Some of the sectors that a write touches.
fn tear(file: &mut Vec<u8>, offset: u64, written: &[u8], luck: Luck, rng: &mut Rng) {
    let end = offset + written.len() as u64;
    let mut from = offset;
    while from < end {
        let to = ((from / SECTOR + 1) * SECTOR).min(end);
        if rng.percent(luck.kept.clamp(20, 80)) {
            let (first, last) = ((from - offset) as usize, (to - offset) as usize);
            crate::disk::write(file, from, &written[first..last]);
        }
        from = to;
    }
}

fn change(file: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { offset, bytes, .. } => crate::disk::write(file, *offset, bytes),
        Op::SetLength { length, .. } => crate::disk::set_length(file, *length),
        _ => {}
    }
}

fn rename(entries: &mut BTreeMap<String, Ino>, op: &Op) {
    match op {
        Op::Create { name, ino, .. } => _ = entries.insert(name.clone(), *ino),
        Op::Remove { name, .. } => _ = entries.remove(name),
        Op::Rename { from, to, .. } => {
            if let Some(ino) = entries.remove(from) {
                entries.insert(to.clone(), ino);
            }
        }
        _ => {}
    }
}
