//! A workbook of Office Open XML, a sheet a table. A sheet ends after 1,048,576 rows; the next one, `postings (2)`, goes on.
//! Rows go to temporary files at once.

use std::io;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::{Cell, Sink, Table, Which};

/// Rows of a sheet, its heading among them.
pub(in crate::export) const SHEET_ROWS: u32 = 1 << 20;
/// Excel keeps 15 digits of a number.
const MOST: u64 = 999_999_999_999_999;
/// 1970-01-01 as a day of Excel's calendar.
const EPOCH: i32 = 25_569;
/// Excel's calendar has a day too many before 1900-03-01.
const FIRST_DAY: i32 = 61;
/// The longest text of a cell.
const LONGEST: usize = 32_767;

pub(in crate::export) struct Xlsx {
    workbook: Workbook,
    /// In the order of [`Which::ALL`]; all sheets of a table, the last of which grows.
    tables: Vec<Vec<Growing>>,
    sheet_rows: u32,
    to: PathBuf,
    formats: Formats,
}

struct Growing {
    sheet: Worksheet,
    rows: u32,
}

struct Formats {
    heading: Format,
    rupiah: Format,
    date: Format,
}

impl Xlsx {
    /// Begins every table; `folder` takes the temporary files.
    pub(in crate::export) fn begin(to: &Path, folder: &Path, sheet_rows: u32) -> io::Result<Self> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder).map_err(in_words)?;
        workbook.use_zip_large_file(true);
        let formats = Formats {
            heading: Format::new().set_bold(),
            rupiah: Format::new().set_num_format("#,##0"),
            date: Format::new().set_num_format("yyyy-mm-dd"),
        };
        let mut xlsx = Self { workbook, tables: Vec::new(), sheet_rows, to: to.to_owned(), formats };
        for which in Which::ALL {
            let first = xlsx.sheet(which.table(), 1)?;
            xlsx.tables.push(vec![first]);
        }
        Ok(xlsx)
    }

    /// A new sheet with its heading.
    fn sheet(&mut self, table: &Table, number: usize) -> io::Result<Growing> {
        let mut begin = || {
            let mut sheet = self.workbook.new_worksheet_with_constant_memory()?;
            sheet.set_name(if number == 1 { table.name.to_owned() } else { format!("{} ({number})", table.name) })?;
            sheet.set_freeze_panes(1, 0)?;
            for (place, column) in (0u16..).zip(table.columns) {
                sheet.write_string_with_format(0, place, column.name, &self.formats.heading)?;
            }
            Ok(Growing { sheet, rows: 1 })
        };
        begin().map_err(in_words)
    }
}

impl Sink for Xlsx {
    fn row(&mut self, which: Which, cells: &[Cell<'_>]) -> io::Result<()> {
        let sheets = self.tables[which as usize].len();
        if self.tables[which as usize].last().is_some_and(|last| last.rows == self.sheet_rows) {
            let next = self.sheet(which.table(), sheets + 1)?;
            self.tables[which as usize].push(next);
        }
        let Some(Growing { sheet, rows }) = self.tables[which as usize].last_mut() else { return Ok(()) };
        for (place, cell) in (0u16..).zip(cells) {
            self.formats.write(sheet, (*rows, place), cell).map_err(|error| match error {
                Unwritten::Excel(error) => in_words(error),
                Unwritten::TooMuch(what) => {
                    let (table, column) = (which.table().name, which.table().columns[usize::from(place)].name);
                    io::Error::new(io::ErrorKind::InvalidData, format!("{table}, {column}: {what}"))
                }
            })?;
        }
        *rows += 1;
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        for growing in self.tables.into_iter().flatten() {
            self.workbook.push_worksheet(growing.sheet);
        }
        self.workbook.save(&self.to).map_err(in_words)
    }
}

/// Why a cell was not written.
enum Unwritten {
    Excel(XlsxError),
    /// Excel would show something else.
    TooMuch(String),
}

impl From<XlsxError> for Unwritten {
    fn from(error: XlsxError) -> Self {
        Self::Excel(error)
    }
}

impl Formats {
    fn write(&self, sheet: &mut Worksheet, (row, column): (u32, u16), cell: &Cell<'_>) -> Result<(), Unwritten> {
        match cell {
            Cell::Text(Some(text)) => {
                if text.chars().map(char::len_utf16).sum::<usize>() > LONGEST {
                    return Err(Unwritten::TooMuch(format!("a text longer than a cell takes, {LONGEST}: export csv")));
                }
                // Never as a formula, whatever it begins with.
                sheet.write_string(row, column, text.as_ref())?;
            }
            Cell::Number(Some(number)) => {
                sheet.write_number(row, column, exact(*number)?)?;
            }
            Cell::Rupiah(Some(amount)) => {
                sheet.write_number_with_format(row, column, exact(*amount)?, &self.rupiah)?;
            }
            Cell::Date(Some(date)) if date.days() + EPOCH >= FIRST_DAY => {
                sheet.write_number_with_format(row, column, date.days() + EPOCH, &self.date)?;
            }
            Cell::Date(Some(date)) => {
                sheet.write_string(row, column, date.to_string())?;
            }
            // Excel's instants have no time zone and end at milliseconds.
            Cell::Time(Some(time)) => {
                sheet.write_string(row, column, time.to_string())?;
            }
            Cell::Flag(Some(flag)) => {
                sheet.write_boolean(row, column, *flag)?;
            }
            Cell::Text(None)
            | Cell::Number(None)
            | Cell::Rupiah(None)
            | Cell::Date(None)
            | Cell::Time(None)
            | Cell::Flag(None) => {}
        }
        Ok(())
    }
}

/// The number, where Excel keeps it as it is.
fn exact(number: i64) -> Result<f64, Unwritten> {
    if number.unsigned_abs() > MOST {
        return Err(Unwritten::TooMuch(format!("{number} has more digits than Excel keeps, 15: export csv")));
    }
    #[expect(clippy::cast_precision_loss, reason = "15 digits fit")]
    Ok(number as f64)
}

fn in_words(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        error => io::Error::other(error),
    }
}
