//! Compiles `proto/` to messages, protobuf JSON and a descriptor set, without protoc.

use std::error::Error;
use std::path::{Path, PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_source_info(true).include_imports(true).open_files(contract(root)?)?;
    let descriptors = compiler.file_descriptor_set();
    let encoded = descriptors.encode_to_vec();
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out_dir.join("descriptors.bin"), &encoded)?;

    prost_build::Config::new()
        // The generated code refers to Timestamp and Any here, where they have protobuf JSON.
        .compile_well_known_types()
        .disable_comments([".google"])
        .bytes(["."])
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new().register_descriptors(&encoded)?.build(&[
        ".prakerja.ledger.v1",
        ".google.rpc",
        ".google.type",
        ".google.protobuf.Any",
    ])?;
    Ok(())
}

/// The contract's own files; what they import follows.
fn contract(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("prakerja/ledger/v1"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
