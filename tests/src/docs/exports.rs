//! The tables of `docs/exports.md`, from the columns that the tool writes. What stands above them is written by hand.

use std::fmt::Write as _;

use replay_tool::export::tables::{Kind, Which};

use super::cell;
use crate::server::root;

/// Where it is, from the repository's root.
pub(super) const PATH: &str = "docs/exports.md";
/// What follows is generated.
const MARK: &str = "<!-- From here on generated from crates/replay-tool/src/export/tables/columns.rs -->\n";

/// What was written by hand, and the tables.
pub(super) fn text() -> String {
    let committed = std::fs::read_to_string(root().join(PATH)).unwrap_or_default();
    let (by_hand, _) = committed.split_once(MARK).unwrap_or((&committed, ""));
    let mut out = format!("{by_hand}{MARK}");
    for table in Which::ALL.iter().map(|which| which.table()) {
        let about = table.about.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = write!(out, "\n### {}\n\n{about}\n\n| column | holds | |\n|---|---|---|\n", table.name);
        for column in table.columns {
            let maybe = if column.optional { ", or nothing" } else { "" };
            let _ = writeln!(out, "| `{}` | {}{maybe} | {} |", column.name, holds(column.kind), cell(column.about));
        }
    }
    out
}

const fn holds(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Number => "number",
        Kind::Rupiah => "rupiah",
        Kind::Date => "date",
        Kind::Time => "instant",
        Kind::Flag => "yes or no",
    }
}
