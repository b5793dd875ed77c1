//! Two copies of a log: do they tell the same history as far as both go?

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ledger_log::{Hash, leaf_hash};

use crate::error::Error;
use crate::source::{Pass, Source};

/// Leaf hashes that go from one reading thread to the other at a time.
const HASHES: usize = 4096;
/// How many such heaps may wait.
const AHEAD: usize = 4;

/// Two copies, as far as they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The first copy.
    pub a: Pass,
    /// The second one.
    pub b: Pass,
    /// The first position at which both have a record, and not the same one.
    pub first_difference: Option<u64>,
}

/// Reads two copies side by side, in memory that does not grow with them. Only bytes are compared.
///
/// # Errors
///
/// One of them cannot be read, or is damaged where they do not differ before.
pub fn compare(a: &Source, b: &Source) -> Result<Comparison, Error> {
    let (sender, receiver) = sync_channel(AHEAD);
    let mut other = Other { hashes: Vec::new().into_iter(), more: Some(receiver) };
    let mut first_difference = None;
    let (a, b) = std::thread::scope(|scope| {
        let b = scope.spawn(move || send(b, sender));
        let a = a.bytes(&mut |position, bytes| {
            if first_difference.is_none() && other.next().is_some_and(|hash| hash != leaf_hash(bytes)) {
                first_difference = Some(position);
                // Nothing after it says any more; the other thread must not wait for us.
                other.more = None;
            }
        });
        other.more = None;
        (a, b.join())
    });
    let b = b.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let (a, b) = (a?, b?);
    if first_difference.is_none()
        && let Some(finding) = a.findings.iter().chain(&b.findings).next()
    {
        return Err(Error::Damaged(Box::new(finding.clone())));
    }
    Ok(Comparison { a, b, first_difference })
}

/// Reads a copy and sends its leaf hashes for as long as anybody wants them.
fn send(source: &Source, sender: SyncSender<Vec<Hash>>) -> Result<Pass, Error> {
    let mut sender = Some(sender);
    let mut hashes = Vec::with_capacity(HASHES);
    let pass = source.bytes(&mut |_, bytes| {
        let Some(wanted) = &sender else { return };
        hashes.push(leaf_hash(bytes));
        if hashes.len() == HASHES && wanted.send(std::mem::replace(&mut hashes, Vec::with_capacity(HASHES))).is_err() {
            sender = None;
        }
    })?;
    if let Some(wanted) = sender {
        // Whoever does not want the last ones has all that it needs.
        drop(wanted.send(hashes));
    }
    Ok(pass)
}

/// The leaf hashes of the other copy, in order.
struct Other {
    hashes: std::vec::IntoIter<Hash>,
    more: Option<Receiver<Vec<Hash>>>,
}

impl Other {
    fn next(&mut self) -> Option<Hash> {
        loop {
            if let Some(hash) = self.hashes.next() {
                return Some(hash);
            }
            match self.more.as_ref()?.recv() {
                Ok(hashes) => self.hashes = hashes.into_iter(),
                Err(_) => self.more = None,
            }
        }
    }
}
