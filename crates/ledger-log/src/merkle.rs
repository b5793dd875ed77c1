//! The Merkle tree of RFC 6962 section 2.1 over the records' bytes, SHA-256, kept as its frontier.
//!
//! A leaf is the record's bytes exactly as stored. The frontier (the roots of the perfect subtrees that make up the
//! tree, largest first) is all that appending and the root need: at most 64 hashes for any size of log.

use sha2::{Digest, Sha256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// Hash of one leaf: `SHA-256(0x00 || record)` (RFC 6962 section 2.1).
pub fn leaf_hash(record: &[u8]) -> Hash {
    // One message on the stack is hashed in one go; most records are about a hundred bytes.
    const ON_STACK: usize = 512;
    if record.len() < ON_STACK {
        let mut message = [0u8; ON_STACK];
        message[1..=record.len()].copy_from_slice(record);
        return Sha256::digest(&message[..=record.len()]).into();
    }
    let mut hasher = Sha256::new();
    hasher.update([0u8]);
    hasher.update(record);
    hasher.finalize().into()
}

/// Hash of an inner node: `SHA-256(0x01 || left || right)` (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut message = [1u8; 65];
    message[1..33].copy_from_slice(left);
    message[33..].copy_from_slice(right);
    Sha256::digest(message).into()
}

/// Root of the tree without leaves: `SHA-256()` of nothing (RFC 6962 section 2.1).
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The right edge of a tree of `size` leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of perfect subtrees, one per set bit of `size`, largest first.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds one leaf by its [`leaf_hash`].
    pub fn append(&mut self, leaf: Hash) {
        self.append_noting(leaf, |_, _| {});
    }

    /// Adds one leaf and calls `completed(level, root)` for each perfect subtree of `2^level` leaves (level 1 and up)
    /// that this leaf completes, smallest first.
    pub fn append_noting(&mut self, leaf: Hash, mut completed: impl FnMut(u32, &Hash)) {
        let mut hash = leaf;
        let mut level = 0;
        let mut rest = self.size;
        while rest & 1 == 1 {
            // One subtree is kept per set bit, so there is one to take.
            let Some(left) = self.subtrees.pop() else { break };
            hash = node_hash(&left, &hash);
            rest >>= 1;
            level += 1;
            completed(level, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// Root over all leaves so far.
    pub fn root(&self) -> Hash {
        let mut from_right = self.subtrees.iter().rev();
        let Some(mut root) = from_right.next().copied() else { return empty_root() };
        for left in from_right {
            root = node_hash(left, &root);
        }
        root
    }

    /// Adds the perfect subtree of `2^level` leaves with this root; the size must be a multiple of that.
    pub(crate) fn append_perfect(&mut self, level: u32, root: Hash) {
        self.append_perfect_noting(level, root, |_, _| {});
    }

    /// Like [`Self::append_perfect`]; calls `completed` as [`Self::append_noting`] does, for this level and up.
    pub(crate) fn append_perfect_noting(&mut self, level: u32, root: Hash, mut completed: impl FnMut(u32, &Hash)) {
        let mut hash = root;
        let mut at = level;
        let mut rest = self.size >> level;
        completed(at, &hash);
        while rest & 1 == 1 {
            let Some(left) = self.subtrees.pop() else { break };
            hash = node_hash(&left, &hash);
            rest >>= 1;
            at += 1;
            completed(at, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1 << level;
    }

    /// Root over the leaves from `first` on alone; `first` is a multiple of a power of two that is no less than their number.
    pub(crate) fn root_since(&self, first: u64) -> Hash {
        let those = (self.size - first).count_ones() as usize;
        let subtrees = self.subtrees[self.subtrees.len().saturating_sub(those)..].to_vec();
        Frontier { size: self.size - first, subtrees }.root()
    }

    /// Size (u64, big-endian), then the subtree roots, largest first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + self.subtrees.len() * 32);
        out.extend_from_slice(&self.size.to_be_bytes());
        for hash in &self.subtrees {
            out.extend_from_slice(hash);
        }
        out
    }

    /// Reads what [`Frontier::to_bytes`] wrote; `None` when the length does not fit the size.
    pub fn from_bytes(bytes: &[u8]) -> Option<Frontier> {
        let (size, hashes) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (hashes, rest) = hashes.as_chunks::<32>();
        (rest.is_empty() && hashes.len() == size.count_ones() as usize)
            .then(|| Frontier { size, subtrees: hashes.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::*;

    fn frontier<T: AsRef<[u8]>>(leaves: impl IntoIterator<Item = T>) -> Frontier {
        let mut frontier = Frontier::default();
        leaves.into_iter().for_each(|leaf| frontier.append(leaf_hash(leaf.as_ref())));
        frontier
    }

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn roots_are_those_of_the_reference_vectors() {
        // The eight leaves and roots used by the certificate-transparency reference implementations.
        let leaves: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (count, root) in roots.iter().enumerate() {
            assert_eq!(hex(&frontier(&leaves[..count]).root()), *root, "tree of {count} leaves");
        }
    }

    #[test]
    fn long_records_hash_like_short_ones() {
        for length in [0, 1, 110, 510, 511, 512, 513, 6000] {
            let record = vec![7u8; length];
            let mut message = vec![0u8];
            message.extend_from_slice(&record);
            assert_eq!(leaf_hash(&record), <Hash>::from(Sha256::digest(&message)), "record of {length} bytes");
        }
    }

    #[test]
    fn perfect_subtrees_stand_for_their_leaves() {
        let leaf = |position: u64| leaf_hash(&position.to_be_bytes());
        let mut all = Frontier::default();
        let mut of_parts = Frontier::default();
        for part in 0..21u64 {
            let mut alone = Frontier::default();
            for position in part * 8..part * 8 + 8 {
                all.append(leaf(position));
                alone.append(leaf(position));
                if all.size() < part * 8 + 8 {
                    assert_eq!(all.root_since(part * 8), alone.root(), "{position}");
                }
            }
            of_parts.append_perfect(3, alone.root());
            assert_eq!(of_parts, all);
        }
    }

    #[test]
    fn completed_subtrees_are_named_by_level() {
        let mut frontier = Frontier::default();
        let mut seen = Vec::new();
        for leaf in 0u8..8 {
            frontier.append_noting(leaf_hash(&[leaf]), |level, _| seen.push((leaf, level)));
        }
        assert_eq!(seen, [(1, 1), (3, 1), (3, 2), (5, 1), (7, 1), (7, 2), (7, 3)]);
    }

    proptest! {
        #[test]
        fn an_independent_tree_has_the_same_root(
            leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..300),
        ) {
            let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
            leaves.iter().for_each(|leaf| other.push(leaf.clone()));
            let root: Hash = (*other.root().as_bytes()).into();
            prop_assert_eq!(frontier(&leaves).root(), root);
        }

        #[test]
        fn bytes_round_trip(size in 0u32..2000) {
            let all = frontier((0..size).map(u32::to_be_bytes));
            let bytes = all.to_bytes();
            prop_assert_eq!(Frontier::from_bytes(&bytes), Some(all));
            prop_assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), None);
        }
    }
}
