//! Comma-separated values, a file a table, as RFC 4180: UTF-8, a heading, nothing where there is nothing.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use super::{Cell, Sink, Which, file};

pub(in crate::export) struct Csv {
    /// In the order of [`Which::ALL`].
    files: Vec<csv::Writer<BufWriter<File>>>,
}

impl Csv {
    /// Begins every table, in a new folder.
    pub(in crate::export) fn begin(folder: &Path) -> io::Result<Self> {
        fs::create_dir(folder)?;
        let begin = |which: &Which| {
            let table = which.table();
            let file = BufWriter::with_capacity(1 << 18, File::create_new(file(folder, table, "csv"))?);
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
            writer.write_record(table.columns.iter().map(|column| column.name))?;
            Ok(writer)
        };
        Ok(Self { files: Which::ALL.iter().map(begin).collect::<io::Result<_>>()? })
    }
}

impl Sink for Csv {
    fn row(&mut self, table: Which, cells: &[Cell<'_>]) -> io::Result<()> {
        let writer = &mut self.files[table as usize];
        for cell in cells {
            match cell {
                Cell::Text(Some(text)) => writer.write_field(text.as_bytes())?,
                Cell::Number(Some(number)) | Cell::Rupiah(Some(number)) => writer.write_field(number.to_string())?,
                Cell::Date(Some(date)) => writer.write_field(date.to_string())?,
                Cell::Time(Some(time)) => writer.write_field(time.to_string())?,
                Cell::Flag(Some(flag)) => writer.write_field(if *flag { "true" } else { "false" })?,
                Cell::Text(None)
                | Cell::Number(None)
                | Cell::Rupiah(None)
                | Cell::Date(None)
                | Cell::Time(None)
                | Cell::Flag(None) => writer.write_field("")?,
            }
        }
        Ok(writer.write_record(None::<&[u8]>)?)
    }

    fn end(self) -> io::Result<()> {
        self.files.into_iter().try_for_each(|mut writer| writer.flush())
    }
}
