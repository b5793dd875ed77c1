//! The folder `segments/` and its list of what is sealed.
//!
//! `segments/manifest` is text: a line that names the format and the number of records of each segment, then a line a
//! segment: its name, the number of its records, its root in hex, the bytes of its file. Only the last segment of an archive
//! may have fewer records than the others. The manifest is written anew and renamed into place, so it is always
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
        for Line { count, root, bytes } in lines {
            let expected = Contents { first: sealed.end(), count, root };
            let path = sealed.folder.join(file_name(expected, level));
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

    /// Opens the segments of a log, which are all full.
    pub(crate) fn of_log(dir: &Path) -> Result<Sealed, OpenError> {
        let sealed = Sealed::open(dir)?;
        match sealed.tail() {
            Some(tail) => {
                let (first, found) = (tail.contents().first, format!("{} records", tail.contents().count));
                Err(Damage::new(first, NAME, "full segments", found).into())
            }
            None => Ok(sealed),
        }
    }

    /// Removes what the manifest does not name, and makes durable what it does: a process that was killed may have given it
    /// its name without syncing it, and volumes go by what it says.
    pub(crate) fn remove_leftovers(&self) -> Result<(), FileError> {
        files::sync_dir(&self.folder)?;
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| {
                name == "manifest" || self.segments.iter().any(|of| *name == *file_name(of.contents(), self.level))
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
        self.segments.get(usize::try_from(position >> self.level).ok()?).filter(|of| position < of.contents().end())
    }

    /// The last segment, where it is not full.
    pub(crate) fn tail(&self) -> Option<&Arc<Segment>> {
        self.segments.last().filter(|last| last.contents().count < 1 << self.level)
    }

    /// Writes the manifest; durable on return.
    pub(crate) fn write(&self) -> Result<(), FileError> {
        let mut text = format!("{TITLE}{}\n", 1u64 << self.level);
        for segment in &self.segments {
            let contents = segment.contents();
            let _ = write!(text, "{} {} ", file_name(contents, self.level), contents.count);
            for byte in contents.root {
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

fn file_name(Contents { first, count, .. }: Contents, level: u32) -> String {
    if count == 1 << level { segment::name(first) } else { segment::tail_name(first, count) }
}

/// What the manifest says of one segment.
struct Line {
    count: u64,
    root: Hash,
    bytes: u64,
}

/// The level and the lines; or what is wrong.
fn parse(bytes: &[u8]) -> Result<(u32, Vec<Line>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "no text".to_owned())?;
    let body = text.strip_suffix('\n').ok_or("a last line cut short")?;
    let mut lines = body.split('\n');
    let each = lines.next().and_then(|title| title.strip_prefix(TITLE)).and_then(|each| each.parse::<u64>().ok());
    let each = each.filter(|each| each.is_power_of_two()).ok_or("another first line")?;
    let level = each.trailing_zeros();
    let mut found: Vec<Line> = Vec::new();
    for (index, line) in lines.enumerate() {
        let entry = (|| {
            let mut words = line.split(' ');
            let name = words.next()?;
            let count = words.next()?.parse().ok()?;
            let (root, bytes) = (unhex(words.next()?)?, words.next()?.parse().ok()?);
            let contents = Contents { first: each.checked_mul(index as u64)?, count, root };
            // After a segment that is not full there is none.
            let follows = found.last().is_none_or(|last| last.count == each) && (1..=each).contains(&count);
            (follows && words.next().is_none() && name == file_name(contents, level)).then_some(Line {
                count,
                root,
                bytes,
            })
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
