//! Apache Parquet, a file a table. Rows are gathered to groups, so that memory is a group of each table at most.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{Cell, Column, Kind, Sink, Table, Which, file};

/// Rows of a group: some megabytes, and enough for a reader to skip by.
const GROUP: usize = 1 << 16;

pub(in crate::export) struct Parquet {
    /// In the order of [`Which::ALL`].
    files: Vec<Growing>,
}

struct Growing {
    writer: SerializedFileWriter<BufWriter<File>>,
    columns: Vec<Values>,
    rows: usize,
}

/// The values of a column that wait for their group, and whether each row has one.
struct Values {
    values: Of,
    given: Vec<i16>,
    optional: bool,
}

enum Of {
    Text(Vec<ByteArray>),
    Long(Vec<i64>),
    Days(Vec<i32>),
    Flag(Vec<bool>),
}

impl Parquet {
    /// Begins every table, in a new folder.
    pub(in crate::export) fn begin(folder: &Path) -> io::Result<Self> {
        fs::create_dir(folder)?;
        let begin = |which: &Which| Growing::begin(&file(folder, which.table(), "parquet"), which.table());
        Ok(Self { files: Which::ALL.iter().map(begin).collect::<io::Result<_>>()? })
    }
}

impl Sink for Parquet {
    fn row(&mut self, table: Which, cells: &[Cell<'_>]) -> io::Result<()> {
        let growing = &mut self.files[table as usize];
        growing.columns.iter_mut().zip(cells).for_each(|(values, cell)| values.push(cell));
        growing.rows += 1;
        if growing.rows == GROUP { growing.group() } else { Ok(()) }
    }

    fn end(self) -> io::Result<()> {
        self.files.into_iter().try_for_each(|mut growing| {
            growing.group()?;
            growing.writer.close().map(drop).map_err(in_words)
        })
    }
}

impl Growing {
    fn begin(path: &Path, table: &Table) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(&schema(table)).map_err(in_words)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = BufWriter::with_capacity(1 << 18, File::create_new(path)?);
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(in_words)?;
        Ok(Self { writer, columns: table.columns.iter().map(Values::of).collect(), rows: 0 })
    }

    /// Writes the rows that wait.
    fn group(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let mut write = || {
            let mut group = self.writer.next_row_group()?;
            for values in &mut self.columns {
                let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("a column short".into()))?;
                values.write(column.untyped())?;
                column.close()?;
            }
            group.close().map(drop)
        };
        write().map_err(in_words)
    }
}

impl Values {
    fn of(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Text => Of::Text(Vec::new()),
            Kind::Number | Kind::Rupiah | Kind::Time => Of::Long(Vec::new()),
            Kind::Date => Of::Days(Vec::new()),
            Kind::Flag => Of::Flag(Vec::new()),
        };
        Self { values, given: Vec::new(), optional: column.optional }
    }

    fn push(&mut self, cell: &Cell<'_>) {
        let given = match (&mut self.values, cell) {
            (Of::Text(values), Cell::Text(text)) => add(values, text.as_deref().map(ByteArray::from)),
            (Of::Long(values), Cell::Number(number) | Cell::Rupiah(number)) => add(values, *number),
            (Of::Long(values), Cell::Time(time)) => add(values, time.map(|time| time.nanos().div_euclid(1_000))),
            (Of::Days(values), Cell::Date(date)) => add(values, date.map(|date| date.days())),
            (Of::Flag(values), Cell::Flag(flag)) => add(values, *flag),
            (_, cell) => unreachable!("{cell:?} is none of its column's kind"),
        };
        if self.optional {
            self.given.push(given.into());
        }
    }

    fn write(&mut self, column: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let given = self.optional.then_some(&self.given[..]);
        match (&mut self.values, column) {
            (Of::Text(values), ColumnWriter::ByteArrayColumnWriter(column)) => {
                column.write_batch(values, given, None)?;
                values.clear();
            }
            (Of::Long(values), ColumnWriter::Int64ColumnWriter(column)) => {
                column.write_batch(values, given, None)?;
                values.clear();
            }
            (Of::Days(values), ColumnWriter::Int32ColumnWriter(column)) => {
                column.write_batch(values, given, None)?;
                values.clear();
            }
            (Of::Flag(values), ColumnWriter::BoolColumnWriter(column)) => {
                column.write_batch(values, given, None)?;
                values.clear();
            }
            _ => return Err(ParquetError::General("a column of another type than its values".into())),
        }
        self.given.clear();
        Ok(())
    }
}

fn add<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    let given = value.is_some();
    values.extend(value);
    given
}

/// The table's schema in Parquet's own notation.
fn schema(table: &Table) -> String {
    let mut out = format!("message {} {{\n", table.name);
    for column in table.columns {
        let (physical, logical) = match column.kind {
            Kind::Text => ("BYTE_ARRAY", " (STRING)"),
            Kind::Number | Kind::Rupiah => ("INT64", ""),
            Kind::Date => ("INT32", " (DATE)"),
            Kind::Time => ("INT64", " (TIMESTAMP(MICROS,true))"),
            Kind::Flag => ("BOOLEAN", ""),
        };
        let repetition = if column.optional { "OPTIONAL" } else { "REQUIRED" };
        let _ = writeln!(out, "  {repetition} {physical} {}{logical};", column.name);
    }
    out + "}\n"
}

fn in_words(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}
