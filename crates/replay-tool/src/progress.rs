//! How far a long pass is, on a terminal only.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::output::text;

/// Often enough to look alive.
const EVERY: Duration = Duration::from_millis(200);
/// A clock is looked at once in so many records.
const RECORDS: u64 = 1 << 12;

/// One line that is written again and again.
pub struct Progress<'e> {
    err: Option<&'e mut dyn Write>,
    started: Instant,
    said: Option<Instant>,
}

impl<'e> Progress<'e> {
    /// Says nothing where `shown` is false: the line is for a person who waits at a terminal.
    pub fn new(err: &'e mut dyn Write, shown: bool) -> Self {
        Self { err: shown.then_some(err), started: Instant::now(), said: None }
    }

    /// So many records were read.
    pub fn records(&mut self, count: u64) {
        let Some(err) = self.err.as_mut().filter(|_| count.is_multiple_of(RECORDS)) else { return };
        if self.said.is_some_and(|said| said.elapsed() < EVERY) {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        // Whoever does not read it misses nothing.
        let _ = write!(err, "\r{} records, {seconds:.0} s\x1b[K", text::count(count));
        let _ = err.flush();
        self.said = Some(Instant::now());
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if let (Some(err), Some(_)) = (&mut self.err, self.said.take()) {
            let _ = write!(err, "\r\x1b[K");
            let _ = err.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_where_it_is_shown_and_taken_away_at_the_end() {
        for shown in [false, true] {
            let mut err = Vec::new();
            let mut progress = Progress::new(&mut err, shown);
            (0..=2 * RECORDS).for_each(|count| progress.records(count));
            progress.end();
            let said = String::from_utf8(err).expect("UTF-8");
            assert_eq!(said.ends_with("\r\x1b[K"), shown, "{said:?}");
            assert_eq!(said.contains("0 records, 0 s"), shown, "{said:?}");
        }
    }
}
