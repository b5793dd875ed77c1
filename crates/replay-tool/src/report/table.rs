//! Tables whose every figure is there twice: as people of the language write it, and plain, in `data-n`, so that a program
//! can compare it with another command's JSON.

use maud::{Markup, html};

use super::words::Lang;

/// What stands in a cell.
pub(super) enum Cell {
    /// Words as they are.
    Text(String),
    /// A name, and the code that stands for it in JSON.
    Named(String, String),
    /// A number of things, or rupiah.
    Number(i64),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A table: its first column names the row.
pub(super) struct Table<'t> {
    pub(super) id: &'t str,
    pub(super) caption: &'t str,
    pub(super) heads: Vec<&'t str>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// The sums, where there are any.
    pub(super) foot: Option<Vec<Cell>>,
}

impl Table<'_> {
    /// The table in a language.
    pub(super) fn markup(&self, lang: Lang) -> Markup {
        // A column whose first row has a number is one of numbers.
        let numbers: Vec<bool> = self
            .rows
            .first()
            .map_or_else(Vec::new, |row| row.iter().map(|cell| matches!(cell, Cell::Number(_))).collect());
        html! {
            table id=(self.id) class=[(self.heads.len() > 8).then_some("wide")] {
                caption { (self.caption) }
                thead {
                    tr {
                        @for (n, head) in self.heads.iter().enumerate() {
                            th scope="col" class=[numbers.get(n).copied().unwrap_or_default().then_some("number")] { (head) }
                        }
                    }
                }
                tbody { @for row in &self.rows { tr { @for cell in row { (cell.markup(lang)) } } } }
                @if let Some(foot) = &self.foot {
                    tfoot { tr { @for cell in foot { (cell.markup(lang)) } } }
                }
            }
        }
    }
}

impl Cell {
    fn markup(&self, lang: Lang) -> Markup {
        html! {
            @match self {
                Self::Text(text) => td class="long" { (text) },
                Self::Named(name, code) => th scope="row" data-key=(code) { (name) },
                Self::Number(number) => td class="number" data-n=(number) { (lang.number(*number)) },
            }
        }
    }
}
