//! Finding a note in a row of them without reading the row: sizes only grow, so the place is halved again and again.
//!
//! A note is text, an empty line, signatures; another empty line ends it. A signature begins with a dash, which the first
//! line of a note does not: so any place in the file shows where the next note begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::checkpoint::{Checkpoint, SIGNATURE_LINE};

/// Bytes read at a time; a note has a few hundred.
const READ: usize = 1 << 10;

/// One note of the row.
struct Note {
    size: u64,
    text: String,
    /// Where the next one begins.
    next: u64,
}

/// Where the first note of `size` records or more begins, or would, in a file of `end` bytes; with the size of the one before
/// it. A last note that is cut short is none. `None` where something else than notes is met.
pub(crate) fn first_from(file: &File, end: u64, size: u64) -> io::Result<Option<(u64, Option<u64>)>> {
    // Every note that begins before `low` has fewer records, every one that begins at `high` or behind has not.
    let (mut low, mut high, mut before) = (0, end, None);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(start) = next_start(file, middle.max(low), high)? else {
            // None begins in the upper half; the first of all begins at 0.
            if middle == low {
                break;
            }
            high = middle;
            continue;
        };
        match note_at(file, start, end)? {
            Some(note) if note.size < size => (low, before) = (note.next, Some(note.size)),
            Some(_) => high = start,
            // The last one, cut short; or no note at all.
            None if next_start(file, start + 1, end)?.is_none() => high = start,
            None => return Ok(None),
        }
    }
    Ok(Some((low, before)))
}

/// Of the notes of `size` records or more the newest of the smallest size, with its size.
pub(crate) fn newest_from(file: &File, end: u64, size: u64) -> io::Result<Option<(u64, String)>> {
    let other = || io::Error::other("something else than notes");
    let (mut at, _) = first_from(file, end, size)?.ok_or_else(other)?;
    let mut found: Option<Note> = None;
    while at < end {
        let note = note_at(file, at, end)?.ok_or_else(other)?;
        if found.as_ref().is_some_and(|found| found.size != note.size) {
            break;
        }
        at = note.next;
        found = Some(note);
    }
    Ok(found.map(|note| (note.size, note.text)))
}

/// Where the first note at `from` or behind it, and before `to`, begins.
fn next_start(file: &File, from: u64, to: u64) -> io::Result<Option<u64>> {
    if from == 0 {
        return Ok((to > 0).then_some(0));
    }
    // The empty line before it, and what tells it from a signature.
    let mut at = from.saturating_sub(2);
    loop {
        let bytes = read(file, at)?;
        let mut starts = bytes.windows(2).enumerate().filter(|(_, two)| *two == b"\n\n").map(|(index, _)| index + 2);
        let whole = |start: &usize| bytes.len() - start >= SIGNATURE_LINE.len() || bytes.len() < READ;
        match starts.find(|start| whole(start) && !bytes[*start..].starts_with(SIGNATURE_LINE.as_bytes())) {
            Some(start) => return Ok(Some(at + start as u64).filter(|start| *start < to)),
            None if bytes.len() < READ || at >= to => return Ok(None),
            // An empty line at the end is looked at again, with what follows it.
            None => at += (READ - 2 - SIGNATURE_LINE.len()) as u64,
        }
    }
}

/// The whole note that begins at `start`.
fn note_at(file: &File, start: u64, end: u64) -> io::Result<Option<Note>> {
    let mut bytes = Vec::new();
    loop {
        let more = read(file, start + bytes.len() as u64)?;
        bytes.extend_from_slice(&more);
        bytes.truncate(usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX));
        let mut empty = bytes.windows(2).enumerate().filter(|(_, two)| *two == b"\n\n").map(|(index, _)| index + 1);
        if let (Some(text), Some(length)) = (empty.next(), empty.next()) {
            bytes.truncate(length);
            let Ok(note) = String::from_utf8(bytes) else { return Ok(None) };
            let Some(Ok(said)) = note.get(..text).map(Checkpoint::parse) else { return Ok(None) };
            return Ok(Some(Note { size: said.head.size, next: start + length as u64 + 1, text: note }));
        }
        if more.len() < READ {
            return Ok(None);
        }
    }
}

/// Up to [`READ`] bytes; fewer only at the end of the file.
fn read(file: &File, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; READ];
    let mut filled = 0;
    while filled < READ {
        match file.read_at(&mut bytes[filled..], at + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::NoteSigner;
    use crate::head::Head;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_note_is_found_as_by_reading_all(
            notes in prop::collection::vec((0..3u64, 1..1_400usize), 0..60), cut in 0..2_000usize,
        ) {
            let (mut bytes, mut plain, mut size) = (Vec::new(), Vec::new(), 1);
            for (more, name) in notes {
                size += more;
                let signer = NoteSigner::new(&"n".repeat(name), &[7; 32]).expect("a name");
                let note = signer.checkpoint(Head { size, root: [size as u8; 32] });
                plain.push((size, bytes.len() as u64, note.clone()));
                bytes.extend_from_slice(note.as_bytes());
                bytes.push(b'\n');
            }
            let mut file = tempfile::tempfile().expect("a file");
            let end = bytes.len() as u64;
            // Behind the last whole note there may be a part of another.
            let part = format!("{}x\n5\n", "n".repeat(cut));
            bytes.extend_from_slice(&part.as_bytes()[..cut]);
            file.write_all(&bytes).expect("written");
            for asked in 0..=size + 1 {
                let at = plain.partition_point(|(size, ..)| *size < asked);
                let before = at.checked_sub(1).map(|before| plain[before].0);
                let place = plain.get(at).map_or(end, |(_, place, _)| *place);
                prop_assert_eq!(first_from(&file, bytes.len() as u64, asked).expect("readable"), Some((place, before)));
                let newest = plain.get(at).and_then(|(first, ..)| plain.iter().rfind(|(size, ..)| size == first));
                let found = newest_from(&file, end, asked).expect("readable");
                prop_assert_eq!(found, newest.map(|(size, _, note)| (*size, note.clone())));
            }
        }
    }

    #[test]
    fn what_is_no_row_of_notes_gives_none() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&b"a\n\nb\n\nc\n\nd\n\n".repeat(90)).expect("written");
        assert_eq!(first_from(&file, 1_000, 3).expect("readable"), None);
        assert!(newest_from(&file, 1_000, 3).is_err());
    }
}
