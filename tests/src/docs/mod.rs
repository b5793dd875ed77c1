//! The documentation that is generated: written by `write-docs`, held fresh by a test.

mod api;
mod errors;
mod exports;
mod kit;
mod roles;

/// How the files are refreshed.
pub const REFRESH: &str = "cargo run -p ledger-tests --bin write-docs";

/// Every generated file: its path from the repository's root, and what it holds.
#[must_use]
pub fn files() -> Vec<(String, Vec<u8>)> {
    let docs = [("docs/api.md", api::text()), ("docs/errors.md", errors::text()), (exports::PATH, exports::text())];
    let docs = docs.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes()));
    docs.chain(kit::files()).collect()
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
