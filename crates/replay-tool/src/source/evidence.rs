//! Checkpoints and proofs of a server, as it gives them: what they are worth is told by a check, never by where they
//! come from.

use bytes::Bytes;
use ledger_log::Hash;
use ledger_proto::v1::{GetCheckpointRequest, GetConsistencyProofRequest, GetInclusionProofRequest};

use super::Server;
use super::remote::{ask, said};
use crate::error::Error;
use crate::proof::{Consistency, Inclusion};

pub(super) fn checkpoint(url: &Server) -> Result<String, Error> {
    let action = "get a checkpoint";
    ask(url, async |mut client| {
        let answer = client.get_checkpoint(GetCheckpointRequest { size: None }).await;
        Ok(answer.map_err(|status| Error::server(url, action, said(&status)))?.into_inner().note)
    })
}

pub(super) fn inclusion(url: &Server, position: u64, size: Option<u64>) -> Result<Inclusion, Error> {
    let action = "get a proof of inclusion";
    ask(url, async |mut client| {
        let answer = client.get_inclusion_proof(GetInclusionProofRequest { position, size }).await;
        let answer = answer.map_err(|status| Error::server(url, action, said(&status)))?.into_inner();
        let odd = || Error::server(url, action, "a hash in its answer has not 32 bytes".to_owned());
        Ok(Inclusion {
            position,
            size: answer.size,
            leaf_hash: hash(&answer.leaf_hash).ok_or_else(odd)?,
            record: answer.record.to_vec(),
            path: path(&answer.path).ok_or_else(odd)?,
        })
    })
}

pub(super) fn consistency(url: &Server, old: u64, new: Option<u64>) -> Result<Consistency, Error> {
    let action = "get a proof of consistency";
    ask(url, async |mut client| {
        let request = GetConsistencyProofRequest { old_size: old, new_size: new };
        let answer = client.get_consistency_proof(request).await;
        let answer = answer.map_err(|status| Error::server(url, action, said(&status)))?.into_inner();
        let odd = || Error::server(url, action, "a hash in its answer has not 32 bytes".to_owned());
        Ok(Consistency {
            old_size: old,
            new_size: answer.new_size,
            old_root: hash(&answer.old_root_hash).ok_or_else(odd)?,
            path: path(&answer.path).ok_or_else(odd)?,
        })
    })
}

fn hash(bytes: &Bytes) -> Option<Hash> {
    bytes[..].try_into().ok()
}

fn path(hashes: &[Bytes]) -> Option<Vec<Hash>> {
    hashes.iter().map(hash).collect()
}
