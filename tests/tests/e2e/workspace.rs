//! Imports run one way (ARCHITECTURE.md), and the core stays pure.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use ledger_tests::server::root;

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo metadata")
}

/// The workspace's own crates that each crate may import outside of its tests.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("ledger-core", &[]),
    ("ledger-proto", &[]),
    ("ledger-rpc", &["ledger-proto"]),
    ("ledger-log", &["ledger-core", "ledger-proto"]),
    ("cohort-sim", &["ledger-core", "ledger-log", "ledger-proto", "ledger-rpc"]),
    ("replay-tool", &["ledger-core", "ledger-log", "ledger-proto", "ledger-rpc"]),
    ("ledger-server", &["cohort-sim", "ledger-core", "ledger-log", "ledger-proto", "ledger-rpc"]),
    // For tests and benches.
    ("ledger-faults", &["ledger-log"]),
];

#[test]
fn imports_run_one_way() {
    let metadata = metadata();
    let own: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let allowed: BTreeMap<_, BTreeSet<_>> =
        MAY_IMPORT.iter().map(|(name, list)| (name.to_string(), list.iter().copied().collect())).collect();
    for package in metadata.workspace_packages() {
        let Some(allowed) = allowed.get(package.name.as_str()) else {
            // Only tests and benches may import everything.
            assert!(["ledger-tests", "ledger-bench"].contains(&package.name.as_str()), "{} has no rule", package.name);
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            let name = dependency.name.as_str();
            assert!(!own.contains(name) || allowed.contains(name), "{} must not import {name}", package.name);
        }
    }
}

#[test]
fn sled_and_tonic_stay_in_their_rooms() {
    let rooms: &[(&str, &[&str])] = &[
        ("sled", &["ledger-log"]),
        ("tonic", &["ledger-rpc", "ledger-server", "replay-tool", "cohort-sim", "ledger-tests", "ledger-bench"]),
    ];
    for package in metadata().workspace_packages() {
        for (name, rooms) in rooms {
            let imports = package.dependencies.iter().any(|d| d.name == *name);
            assert!(!imports || rooms.contains(&package.name.as_str()), "{} must not import {name}", package.name);
        }
    }
}

/// Every crate that the core may build with, however deep.
const CORE_TREE: &[&str] = &[
    "arrayvec",
    "autocfg",
    "block-buffer",
    "cfg-if",
    "cfg_aliases",
    "const-oid",
    "cpufeatures",
    "crc32c",
    "crypto-common",
    "digest",
    "hybrid-array",
    "jiff",
    "jiff-core",
    "libc",
    "num-traits",
    "prefetch-index",
    "proc-macro2",
    "quote",
    "rapidhash",
    "rust_decimal",
    "rustc_version",
    "rustversion",
    "semver",
    "serde",
    "serde_core",
    "serde_derive",
    "sha2",
    "syn",
    "thin-vec",
    "thiserror",
    "thiserror-impl",
    "typenum",
    "unicode-ident",
    "uuid",
];

#[test]
fn the_core_is_pure() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "ledger-core", "-e", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", ledger_tests::server::text(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).filter(|n| !n.is_empty()).collect();
    assert!(names.contains("ledger-core"));
    for name in names {
        assert!(name == "ledger-core" || CORE_TREE.contains(&name), "the core must not build with {name}");
    }
}
