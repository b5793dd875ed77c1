//! Proofs against signed checkpoints, from the files alone. The verification is `ct-merkle`'s: not the code that made
//! the proof.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use ledger_log::{Head, empty_root, leaf_hash};
use sha2::Sha256;

use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::proof::{Consistency, Inclusion};

/// Checks that a record is in the log of a checkpoint. `None` where it is.
///
/// # Errors
///
/// The proof is for a log of another size.
pub fn inclusion(proof: &Inclusion, checkpoint: &Head) -> Result<Option<Finding>, Error> {
    same_size(proof.size, checkpoint)?;
    let at = |finding: Finding| Some(finding.at_position(proof.position));
    let leaf = leaf_hash(&proof.record);
    if leaf != proof.leaf_hash {
        let expected = format!("a record with leaf hash {}", hex::encode(proof.leaf_hash));
        return Ok(at(Finding::new(Rule::Inclusion, expected, hex::encode(leaf)).about("leaf-hash")));
    }
    let path = InclusionProof::<Sha256>::from_bytes(proof.path.concat());
    let proven = tree(checkpoint).verify_inclusion(&proof.record, proof.position, &path);
    Ok(proven.err().and_then(|error| at(unproven(Rule::Inclusion, checkpoint, &error.to_string()))))
}

/// Checks that the log of a checkpoint begins with the shorter one of the proof, and that this is the one of an earlier
/// checkpoint, where there is one. `None` where it is so.
///
/// # Errors
///
/// The proof is for logs of other sizes.
pub fn consistency(proof: &Consistency, checkpoint: &Head, earlier: Option<&Head>) -> Result<Option<Finding>, Error> {
    same_size(proof.new_size, checkpoint)?;
    let named = Head { size: proof.old_size, root: proof.old_root };
    if let Some(earlier) = earlier {
        same_size(proof.old_size, earlier)?;
        if earlier.root != proof.old_root {
            let expected = format!("root {} of the first {} records", hex::encode(earlier.root), earlier.size);
            let finding = Finding::new(Rule::Consistency, expected, hex::encode(proof.old_root));
            return Ok(Some(finding.about("old-root")));
        }
    }
    // Every log begins with the empty one; RFC 6962 has no proof of it, and ct-merkle refuses to check it.
    if named.size == 0 {
        let empty = named.root == empty_root() && proof.path.is_empty();
        return Ok((!empty).then(|| unproven(Rule::Consistency, checkpoint, "the log without records has one root")));
    }
    let proven = ConsistencyProof::<Sha256>::try_from_bytes(proof.path.concat())
        .and_then(|path| tree(checkpoint).verify_consistency(&tree(&named), &path));
    Ok(proven.err().map(|error| unproven(Rule::Consistency, checkpoint, &error.to_string())))
}

fn same_size(proof: u64, checkpoint: &Head) -> Result<(), Error> {
    if proof == checkpoint.size { Ok(()) } else { Err(Error::OtherSize { proof, checkpoint: checkpoint.size }) }
}

fn tree(head: &Head) -> RootHash<Sha256> {
    RootHash::new(head.root.into(), head.size)
}

fn unproven(rule: Rule, checkpoint: &Head, found: &str) -> Finding {
    let expected = format!("a path to root {} of {} records", hex::encode(checkpoint.root), checkpoint.size);
    Finding::new(rule, expected, found)
}
