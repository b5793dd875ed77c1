//! The folder `segments/` and its list of what is sealed.
//!
//! `segments/manifest` is text: a line that names the format and the number of records of each segment, then a line a
//! segment: its name, its root in hex, the bytes of its file. It is written anew and renamed into place, so it is always
//! whole. A segment counts from then on; a file that the manifest does not name is what a crash left, and goes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Damage, FileError, OpenError};
use crate::files;
use crate::merkle::Hash;
use crate::segment::{self, Contents, Segment};

/// The folder of the sealed segments, in the log folder.
pub(crate) const FOLDER: &str = "segments";
/// The list's name in the log folder.
pub(crate) const NAME: &str = "segments/manifest";
const TITLE: &str = "ledger-log segments, version 1, records each: ";

/// The sealed segments of a log: the first begins at 0, each follows the one before.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    folder: PathBuf,
    /// Each full segment has `2^level` records.
    pub(crate) level: u32,
    pub(crate) segments: Vec<Arc<Segment>>,
}

impl Sealed {
    /// Begins the folder of a new log; durable on return.
    pub(crate) fn create(dir: &Path, level: u32) -> Result<(), FileError> {
        let sealed = Sealed { folder: dir.join(FOLDER), level, segments: Vec::new() };
        files::create_dir(&sealed.folder)?;
        sealed.write()
    }

    /// Opens every segment that the manifest names, and checks what surrounds their blocks. Nothing is written.
    pub(crate) fn open(dir: &Path) -> Result<Sealed, OpenError> {
        let path = dir.join(NAME);
        if !files::exists(&path)? {
            return Err(damage("the list of segments", "no such file").into());
        }
        let bytes = std::fs::read(&path).map_err(FileError::at("read", &path))?;
        let (level, lines) = parse(&bytes).map_err(|found| damage("a list of segments", found))?;
        let mut sealed = Sealed { folder: dir.join(FOLDER), level, segments: Vec::new() };
        for (root, bytes) in lines {
            let expected = Contents { first: sealed.end(), count: 1 << level, root };
            let path = sealed.folder.join(segment::name(expected.first));
            if !files::exists(&path)? {
                let expected = "the segment that the manifest names";
                return Err(Damage::new(sealed.end(), segment::place(&path), expected, "no such file").into());
            }
            let segment = Segment::open(&path)?;
            if segment.contents() != expected || segment.bytes() != bytes {
                let expected = "the segment that the manifest names";
                return Err(Damage::new(sealed.end(), segment::place(&path), expected, "another one").into());
            }
            sealed.segments.push(Arc::new(segment));
        }
        Ok(sealed)
    }

    /// Removes what the manifest does not name.
    pub(crate) fn remove_leftovers(&self) -> Result<(), FileError> {
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| {
                name == "manifest" || self.segments.iter().any(|of| *name == *segment::name(of.contents().first))
            })
        };
        for path in files::entries(&self.folder)?.iter().filter(|path| !named(path)) {
            std::fs::remove_file(path).map_err(FileError::at("remove", path))?;
        }
        Ok(())
    }

    /// The folder of the segments.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Position after the last sealed record.
    pub(crate) fn end(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.contents().end())
    }

    /// The segment that holds the record at `position`.
    pub(crate) fn at(&self, position: u64) -> Option<&Arc<Segment>> {
        self.segments.get(usize::try_from(position >> self.level).ok()?)
    }

    /// Writes the manifest; durable on return.
    pub(crate) fn write(&self) -> Result<(), FileError> {
        let mut text = format!("{TITLE}{}\n", 1u64 << self.level);
        for segment in &self.segments {
            let Contents { first, root, .. } = segment.contents();
            let _ = write!(text, "{} ", segment::name(first));
            for byte in root {
                let _ = write!(text, "{byte:02x}");
            }
            let _ = writeln!(text, " {}", segment.bytes());
        }
        let path = self.folder.join("manifest");
        let draft = files::draft(&path);
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(FileError::at("write", &draft))?;
        files::rename(&draft, &path)
    }
}

fn damage(expected: &str, found: impl Into<String>) -> Damage {
    Damage::new(0, NAME, expected, found)
}

/// The level, and root and bytes of each segment; or what is wrong.
fn parse(bytes: &[u8]) -> Result<(u32, Vec<(Hash, u64)>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "no text".to_owned())?;
    let body = text.strip_suffix('\n').ok_or("a last line cut short")?;
    let mut lines = body.split('\n');
    let each = lines.next().and_then(|title| title.strip_prefix(TITLE)).and_then(|each| each.parse::<u64>().ok());
    let level = each.filter(|each| each.is_power_of_two()).ok_or("another first line")?.trailing_zeros();
    let mut found = Vec::new();
    for (index, line) in lines.enumerate() {
        let entry = (|| {
            let (name, rest) = line.split_once(' ')?;
            let (root, bytes) = rest.split_once(' ')?;
            let expected = segment::name((index as u64) << level);
            (name == expected).then_some((unhex(root)?, bytes.parse().ok()?))
        })();
        found.push(entry.ok_or_else(|| format!("line {}: {line:?}", index + 2))?);
    }
    Ok((level, found))
}

fn unhex(text: &str) -> Option<Hash> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut hash = Hash::default();
    if !rest.is_empty() || pairs.len() != hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}
