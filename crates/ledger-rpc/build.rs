//! Generates clients and servers for the services of `proto/`; the messages are ledger-proto's.

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let descriptors = protox::compile(services(root)?, [root])?;
    let stubs = |side: &str| {
        let folder = Path::new(&std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?).join(side);
        std::fs::create_dir_all(&folder)?;
        let stubs = tonic_prost_build::configure()
            .extern_path(".prakerja.ledger.v1", "::ledger_proto::v1")
            .extern_path(".google", "::ledger_proto::google")
            .out_dir(folder);
        Ok::<_, Box<dyn Error>>(stubs)
    };
    stubs("clients")?.build_server(false).codec_path("crate::codec::ClientCodec").compile_fds(descriptors.clone())?;
    let mut servers = stubs("servers")?;
    for request in ["RecordEventsRequest", "RecordEventStreamRequest"] {
        servers = servers.extern_path(format!(".prakerja.ledger.v1.{request}"), format!("crate::batch::{request}"));
    }
    servers.build_client(false).codec_path("crate::codec::ServerCodec").compile_fds(descriptors)?;
    Ok(())
}

/// The files that declare services; what they import follows.
fn services(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("prakerja/ledger/v1"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("_service.proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
