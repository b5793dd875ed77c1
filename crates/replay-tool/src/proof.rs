//! Proofs as documents that an auditor keeps: JSON files that need neither the log nor the server to be checked.
//!
//! ```text
//! {"type":"inclusion","position":7,"size":28,"leaf_hash":"9f…","record":"CAcQ…","path":["ab…",…]}
//! {"type":"consistency","old_size":20,"new_size":28,"old_root":"5d…","path":["ab…",…]}
//! ```
//!
//! Hashes are lowercase hex, the record is the base64 of its bytes as stored, paths are those of RFC 6962 sections 2.1.1
//! and 2.1.2.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger_log::Hash;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;
use crate::files;

/// Sizes above this are no log's: two to the power of 62.
const MOST: u64 = 1 << 62;
/// A proof file is a few kilobytes; a record has at most a few.
const MOST_BYTES: u64 = 1 << 20;

/// A proof that a record is in a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The record's position.
    pub position: u64,
    /// Number of records of the log that it is proven for.
    pub size: u64,
    /// The record's leaf hash, as its receipt says.
    #[serde(with = "one")]
    pub leaf_hash: Hash,
    /// The record's bytes, as stored.
    #[serde(with = "bytes")]
    pub record: Vec<u8>,
    /// The audit path, from the leaf's sibling up.
    #[serde(with = "many")]
    pub path: Vec<Hash>,
}

/// A proof that a log begins with a shorter one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// Number of records of the shorter log.
    pub old_size: u64,
    /// Number of records of the longer one.
    pub new_size: u64,
    /// Root of the shorter log.
    #[serde(with = "one")]
    pub old_root: Hash,
    /// The proof's nodes.
    #[serde(with = "many")]
    pub path: Vec<Hash>,
}

/// What a proof file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Proof {
    /// A record is in a log.
    Inclusion(Inclusion),
    /// A log begins with a shorter one.
    Consistency(Consistency),
}

impl Proof {
    /// Reads a proof file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no proof.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text = files::read(file, MOST_BYTES)?;
        let unusable = |reason: String| Error::Unusable { file: file.to_owned(), reason };
        let proof: Self = serde_json::from_str(&text).map_err(|error| unusable(format!("not a proof: {error}")))?;
        let possible = match &proof {
            Self::Inclusion(proof) => proof.position < proof.size && proof.size <= MOST,
            Self::Consistency(proof) => proof.old_size <= proof.new_size && proof.new_size <= MOST,
        };
        if possible { Ok(proof) } else { Err(unusable("not a proof: its sizes cannot be".to_owned())) }
    }

    /// The file's text, one line.
    ///
    /// # Errors
    ///
    /// Never in practice: the document has only numbers and text.
    pub fn text(&self) -> Result<String, Error> {
        let text = serde_json::to_string(self).map_err(std::io::Error::from)?;
        Ok(text + "\n")
    }

    /// Number of records of the log that the proof is for.
    #[must_use]
    pub const fn size(&self) -> u64 {
        match self {
            Self::Inclusion(proof) => proof.size,
            Self::Consistency(proof) => proof.new_size,
        }
    }
}

/// A hash as lowercase hex.
mod one {
    use super::*;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(hash))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(d: D) -> Result<Hash, D::Error> {
        parsed(&String::deserialize(d)?)
    }

    pub(super) fn parsed<E: de::Error>(text: &str) -> Result<Hash, E> {
        let lowercase = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let hash = hex::decode(text).ok().filter(|_| lowercase).and_then(|bytes| bytes.try_into().ok());
        hash.ok_or_else(|| E::custom("a hash is 64 digits of lowercase hex"))
    }
}

/// Hashes as a list of lowercase hex.
mod many {
    use super::*;

    pub(super) fn serialize<S: Serializer>(hashes: &[Hash], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(hashes.iter().map(hex::encode))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(d: D) -> Result<Vec<Hash>, D::Error> {
        let hashes = Vec::<String>::deserialize(d)?;
        hashes.iter().map(|text| one::parsed(text)).collect()
    }
}

/// Bytes as base64.
mod bytes {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(d)?).map_err(|_| de::Error::custom("a record is base64"))
    }
}
