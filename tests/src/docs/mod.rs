//! The documentation that is generated: written by `write-docs`, held fresh by a test.

mod api;
mod errors;
mod exports;
mod roles;

/// How the files are refreshed.
pub const REFRESH: &str = "cargo run -p ledger-tests --bin write-docs";

/// Every generated file: its path from the repository's root, and its text.
#[must_use]
pub fn files() -> [(&'static str, String); 3] {
    [("docs/api.md", api::text()), ("docs/errors.md", errors::text()), (exports::PATH, exports::text())]
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
