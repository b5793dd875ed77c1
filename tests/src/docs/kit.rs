//! What of the contract a partner needs, copied to `partner-kit/`: the payout service's protos and what they import, the same
//! as a descriptor set, the errors that its calls answer, and the table of reason codes.

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::FileDescriptor;
use prost_reflect::prost_types::FileDescriptorSet;

use super::errors;
use crate::contract::{methods, pool};
use crate::server::root;

/// The file of the payout service.
const SERVICE: &str = "prakerja/ledger/v1/payout_service.proto";

pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    let mut needed = Vec::new();
    gather(&pool().get_file_by_name(SERVICE).expect("the payout service"), &mut needed);
    let mut files = BTreeMap::new();
    for file in &needed {
        // Those of google.protobuf come with every protobuf library.
        if !file.name().starts_with("google/protobuf/") {
            let source = root().join("proto").join(file.name());
            let text = std::fs::read(&source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
            files.insert(format!("partner-kit/proto/{}", file.name()), text);
        }
    }
    let bare = |file: &FileDescriptor| {
        let mut file = file.file_descriptor_proto().clone();
        file.source_code_info = None;
        file
    };
    let set = FileDescriptorSet { file: needed.iter().map(bare).collect() };
    files.insert("partner-kit/descriptors.binpb".to_owned(), set.encode_to_vec());
    let of_payouts: Vec<_> = methods().into_iter().filter(|m| m.name.starts_with("PayoutService.")).collect();
    files.insert("partner-kit/errors.md".to_owned(), errors::catalogue(&of_payouts, false).into_bytes());
    let codes = std::fs::read(root().join("docs/data/reason-codes.csv")).expect("the reason codes");
    files.insert("partner-kit/reason-codes.csv".to_owned(), codes);
    files.into_iter().collect()
}

/// A file behind all that it imports, each once.
fn gather(file: &FileDescriptor, into: &mut Vec<FileDescriptor>) {
    if into.iter().any(|known| known.name() == file.name()) {
        return;
    }
    file.dependencies().for_each(|import| gather(&import, into));
    into.push(file.clone());
}
