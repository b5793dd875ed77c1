//! The file `subtrees`: roots of the perfect subtrees of 256 leaves and more, for proofs that read few records.
//!
//! After a header of 32 bytes come 32-byte hashes in the order in which the subtrees were completed: the root of each
//! block of 256 leaves, then those of the larger subtrees that this block completed, smallest first. So the place of
//! any node follows from its level and index alone, the file only grows, and it takes about 64 bytes per 256 records.
//! A proof takes from it all but the hashes inside at most two blocks, which are computed from their records.
//!
//! The file says nothing that the records do not say. Every opening computes it again and compares.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Damage, FileError, OpenError};
use crate::merkle::{Frontier, Hash};

/// The file's name in the log folder.
pub(crate) const NAME: &str = "subtrees";
/// Level of the smallest stored subtrees: 2^8 = 256 leaves.
pub const BLOCK_LEVEL: u32 = 8;
/// What a stored node must be.
pub(crate) const EXPECTED: &str = "the root of the records it stands for";
const HEADER: [u8; 32] = *b"ledger-log subtrees of 256, v. 1";
const HASH_BYTES: u64 = 32;

/// Number of stored nodes of a log of `size` records.
#[cfg(test)]
pub(crate) fn stored_nodes(size: u64) -> u64 {
    nodes_of_blocks(size >> BLOCK_LEVEL)
}

/// Place among the stored nodes of the root of the `index`-th subtree of `2^level` leaves (level 8 and up).
pub(crate) fn place(level: u32, index: u64) -> u64 {
    let height = level - BLOCK_LEVEL;
    // The node is written `height` places after the root of the last block it covers.
    let last_block = ((index + 1) << height) - 1;
    nodes_of_blocks(last_block) + u64::from(height)
}

/// A perfect binary tree over each set bit's blocks: 2n - 1 nodes each.
fn nodes_of_blocks(blocks: u64) -> u64 {
    2 * blocks - u64::from(blocks.count_ones())
}

/// What reading the file beside the records showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Nodes that agree, from the first on.
    pub(crate) agreeing: u64,
    /// Leaves before the first node that is missing or differs, if one does.
    pub(crate) differs_at: Option<u64>,
    /// Whether the file goes on after the last node of the log.
    pub(crate) longer: bool,
}

/// Compares the stored nodes with the nodes that a pass over all records completes.
#[derive(Debug)]
pub(crate) struct Check {
    file: Option<BufReader<File>>,
    compared: Compared,
    /// Nodes from the first difference on, to be written anew.
    anew: Vec<u8>,
}

impl Check {
    /// Starts at the first node; a missing or foreign file is one without nodes.
    pub(crate) fn open(path: &Path) -> Result<Check, FileError> {
        Check::open_at(path, 0)
    }

    /// Starts behind the nodes of the first `size` records, a multiple of 256: those are taken as they are. A file that is
    /// shorter is one without nodes.
    pub(crate) fn open_at(path: &Path, size: u64) -> Result<Check, FileError> {
        let file = match File::open(path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(FileError::at("open", path)(error)),
        };
        let mut reader = file.map(|file| BufReader::with_capacity(1 << 16, file));
        let mut header = [0u8; HEADER.len()];
        let mut known = reader.as_mut().is_some_and(|file| file.read_exact(&mut header).is_ok() && header == HEADER);
        let nodes = nodes_of_blocks(size >> BLOCK_LEVEL);
        if let Some(file) = reader.as_mut().filter(|_| nodes > 0) {
            let behind = HASH_BYTES * (1 + nodes);
            known &= file.get_ref().metadata().is_ok_and(|file| file.len() >= behind);
            file.seek(SeekFrom::Start(behind)).map_err(FileError::at("read", path))?;
        }
        let agreeing = if known { nodes } else { 0 };
        let compared = Compared { longer: reader.is_some() && !known, agreeing, ..Compared::default() };
        Ok(Check { file: reader.filter(|_| known), compared, anew: Vec::new() })
    }

    /// Adds one leaf to the frontier, compares what it completes, and gives the subtree of `2^level` leaves that it
    /// completes, if it does.
    pub(crate) fn append(&mut self, frontier: &mut Frontier, leaf: Hash, level: u32) -> Option<Hash> {
        let leaves = frontier.size() + 1;
        let mut completed = None;
        frontier.append_noting(leaf, |at, hash| {
            if at >= BLOCK_LEVEL {
                self.node(leaves - (1 << at), hash);
            }
            if at == level {
                completed = Some(*hash);
            }
        });
        completed
    }

    /// Like [`Check::append`] for a whole block of 256 leaves by its root.
    pub(crate) fn append_block(&mut self, frontier: &mut Frontier, root: Hash, level: u32) -> Option<Hash> {
        let leaves = frontier.size() + (1 << BLOCK_LEVEL);
        let mut completed = None;
        frontier.append_perfect_noting(BLOCK_LEVEL, root, |at, hash| {
            self.node(leaves - (1 << at), hash);
            if at == level {
                completed = Some(*hash);
            }
        });
        completed
    }

    fn node(&mut self, first_leaf: u64, hash: &Hash) {
        let mut stored = Hash::default();
        if self.compared.differs_at.is_none() {
            let same = self.file.as_mut().is_some_and(|file| file.read_exact(&mut stored).is_ok() && stored == *hash);
            if same {
                self.compared.agreeing += 1;
                return;
            }
            self.compared.differs_at = Some(first_leaf);
        }
        self.anew.extend_from_slice(hash);
    }

    /// Whether the nodes of the first `size` records are there and taken as they are.
    pub(crate) fn goes_on_from(&self, size: u64) -> bool {
        self.compared.agreeing == nodes_of_blocks(size >> BLOCK_LEVEL)
    }

    /// What differs so far.
    pub(crate) fn so_far(&self) -> Compared {
        self.compared
    }

    /// Ends the comparison after the last record.
    pub(crate) fn finish(mut self) -> (Compared, Vec<u8>) {
        if self.compared.differs_at.is_none() {
            let mut more = [0u8; 1];
            self.compared.longer |= self.file.as_mut().is_some_and(|file| !matches!(file.read(&mut more), Ok(0)));
        }
        (self.compared, self.anew)
    }
}

/// The file of a writer.
#[derive(Debug)]
pub(crate) struct SubtreesFile {
    file: File,
    path: PathBuf,
    nodes: u64,
    /// Nodes completed and not yet written.
    pending: Vec<u8>,
}

impl SubtreesFile {
    /// Opens the file and gives it the nodes that the comparison found missing. Synced when anything changed.
    pub(crate) fn open(path: &Path, compared: Compared, anew: Vec<u8>) -> Result<SubtreesFile, FileError> {
        let missing = !crate::files::exists(path)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(FileError::at("open", path))?;
        let changed = missing || !anew.is_empty() || compared.longer;
        let mut subtrees = SubtreesFile { file, path: path.to_owned(), nodes: compared.agreeing, pending: anew };
        if changed {
            let kept = HASH_BYTES * (1 + compared.agreeing);
            subtrees.file.set_len(kept).map_err(FileError::at("cut", path))?;
            subtrees.file.write_all_at(&HEADER, 0).map_err(FileError::at("write", path))?;
            subtrees.write()?;
            subtrees.sync()?;
            crate::files::sync_name(path)?;
        }
        Ok(subtrees)
    }

    /// Goes on behind the nodes of the first `size` records, which must be there. Nothing is written.
    pub(crate) fn open_at(path: &Path, size: u64) -> Result<SubtreesFile, OpenError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(FileError::at("open", path))?;
        let nodes = nodes_of_blocks(size >> BLOCK_LEVEL);
        let length = file.metadata().map_err(FileError::at("look at", path))?.len();
        let mut header = [0u8; HEADER.len()];
        if length < HASH_BYTES * (1 + nodes) || file.read_exact_at(&mut header, 0).is_err() || header != HEADER {
            let expected = format!("the roots of subtrees of {size} records");
            return Err(Damage::new(size, NAME, expected, format!("{length} bytes")).into());
        }
        Ok(SubtreesFile { file, path: path.to_owned(), nodes, pending: Vec::new() })
    }

    /// Adds one leaf to the frontier and keeps what it completes for [`SubtreesFile::write`]; gives the subtree of `2^level`
    /// leaves that it completes, if it does.
    pub(crate) fn append(&mut self, frontier: &mut Frontier, leaf: Hash, level: u32) -> Option<Hash> {
        let mut completed = None;
        frontier.append_noting(leaf, |at, hash| {
            if at >= BLOCK_LEVEL {
                self.pending.extend_from_slice(hash);
            }
            if at == level {
                completed = Some(*hash);
            }
        });
        completed
    }

    /// Writes the completed nodes. Not synced: they can be computed again.
    pub(crate) fn write(&mut self) -> Result<(), FileError> {
        if !self.pending.is_empty() {
            self.file
                .write_all_at(&self.pending, HASH_BYTES * (1 + self.nodes))
                .map_err(FileError::at("write", &self.path))?;
            self.nodes += self.pending.len() as u64 / HASH_BYTES;
            self.pending.clear();
        }
        Ok(())
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(FileError::at("sync", &self.path))
    }
}

/// Read access to the stored nodes.
#[derive(Debug)]
pub(crate) struct SubtreesReader {
    file: File,
    path: PathBuf,
}

impl SubtreesReader {
    pub(crate) fn open(path: &Path) -> Result<SubtreesReader, FileError> {
        let file = File::open(path).map_err(FileError::at("open", path))?;
        Ok(SubtreesReader { file, path: path.to_owned() })
    }

    /// Root of the `index`-th subtree of `2^level` leaves (level 8 and up), all of whose leaves are durable.
    pub(crate) fn node(&self, level: u32, index: u64) -> Result<Hash, FileError> {
        let mut hash = Hash::default();
        self.file
            .read_exact_at(&mut hash, HASH_BYTES * (1 + place(level, index)))
            .map_err(FileError::at("read", &self.path))?;
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    /// All nodes of level 8 and up of a log of `size` small records, as (level, index, hash), in completion order.
    fn nodes(size: u64) -> Vec<(u32, u64, Hash)> {
        let mut frontier = Frontier::default();
        let mut out = Vec::new();
        for position in 0..size {
            frontier.append_noting(leaf_hash(&position.to_be_bytes()), |level, hash| {
                if level >= BLOCK_LEVEL {
                    out.push((level, position >> level, *hash));
                }
            });
        }
        out
    }

    fn stored(path: &Path, size: u64) -> (Compared, Vec<u8>) {
        let mut check = Check::open(path).expect("readable");
        let mut frontier = Frontier::default();
        (0..size).for_each(|position| {
            check.append(&mut frontier, leaf_hash(&position.to_be_bytes()), 20);
        });
        check.finish()
    }

    #[test]
    fn a_node_lies_where_its_level_and_index_say() {
        let all = nodes(256 * 37 + 5);
        for (at, (level, index, _)) in all.iter().enumerate() {
            assert_eq!(place(*level, *index), at as u64, "level {level}, index {index}");
        }
        assert_eq!(stored_nodes(256 * 37 + 5), all.len() as u64);
    }

    #[test]
    fn differences_are_found_and_written_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(NAME);
        let size = 256 * 9 + 1;
        let fill = |compared: Compared, anew| SubtreesFile::open(&path, compared, anew).expect("written");

        let (compared, anew) = stored(&path, size);
        assert_eq!((compared.agreeing, compared.differs_at), (0, Some(0)));
        fill(compared, anew);
        let whole = Compared { agreeing: stored_nodes(size), differs_at: None, longer: false };
        assert_eq!(stored(&path, size), (whole, vec![]));
        let reader = SubtreesReader::open(&path).expect("readable");
        for (level, index, hash) in nodes(size) {
            assert_eq!(reader.node(level, index).expect("stored"), hash);
        }

        // A log that lost its tail: the file is longer, then cut.
        let (compared, anew) = stored(&path, 256 * 4);
        assert!(compared.longer && anew.is_empty());
        fill(compared, anew);
        assert_eq!(stored(&path, 256 * 4).0.agreeing, stored_nodes(256 * 4));

        let (compared, anew) = stored(&path, size);
        assert_eq!(compared.differs_at, Some(256 * 4));
        fill(compared, anew);
        let mut bytes = std::fs::read(&path).expect("readable");
        assert_eq!(stored(&path, size).0, whole);
        for at in (0..bytes.len()).step_by(7) {
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).expect("written");
            let (compared, anew) = stored(&path, size);
            assert!(compared.differs_at.is_some(), "byte {at}");
            fill(compared, anew);
            assert_eq!(stored(&path, size).0, whole, "byte {at}");
            bytes[at] ^= 1;
        }
    }
}
