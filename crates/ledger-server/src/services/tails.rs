//! The end of each partner's instructions, where most streams wait: what comes is looked for once, for all of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::codes::Partner;
use ledger_core::ids::Position;
use ledger_proto::v1;
use tokio::sync::Mutex;
use tonic::Status;

use super::Ledger;
use super::payout::PAGE;

/// Pages kept of each partner; a stream that is further behind looks for itself.
const KEPT: usize = 32;
/// How old a page may be: an instruction's state in it is that of when it was made.
const FRESH: Duration = Duration::from_secs(1);

/// Some instructions of a partner.
pub(super) struct Page {
    /// Those from here on.
    pub(super) from: Position,
    /// Those after these are from here on.
    pub(super) next: Position,
    /// Size of the log of which this is true.
    pub(super) size: u64,
    pub(super) made: Instant,
    pub(super) message: v1::StreamInstructionsResponse,
}

impl Page {
    /// Whether there may be more.
    pub(super) fn full(&self) -> bool {
        self.message.instructions.len() == PAGE
    }

    /// How much of the log a stream has seen with this: a page that is not full has all that there was.
    pub(super) fn reached(&self) -> u64 {
        if self.full() { self.next.0 } else { self.size }
    }
}

/// The ends, by partner.
#[derive(Default)]
pub(crate) struct Tails([Mutex<Tail>; Partner::ALL.len()]);

#[derive(Default)]
struct Tail {
    pages: VecDeque<Arc<Page>>,
    /// Where there was nothing more, and the size of the log that this was seen in.
    end: Option<(Position, u64)>,
}

impl Tails {
    /// What there is from a position on; `None` where a log of that size has nothing there. One stream looks, those that
    /// ask meanwhile wait for what it finds.
    pub(super) async fn next(
        &self,
        ledger: &Ledger,
        partner: Partner,
        from: Position,
        size: u64,
    ) -> Result<Option<Arc<Page>>, Status> {
        let mut tail = self.0[usize::from(partner.number()) - 1].lock().await;
        while tail.pages.front().is_some_and(|page| page.made.elapsed() > FRESH) {
            tail.pages.pop_front();
        }
        if let Some(page) = tail.pages.iter().find(|page| page.from == from) {
            return Ok(Some(Arc::clone(page)));
        }
        if tail.end.is_some_and(|(end, seen)| from >= end && seen >= size) {
            return Ok(None);
        }
        let page = Arc::new(ledger.page_of_instructions(partner, from).await?);
        if !page.full() {
            tail.end = Some((page.next, page.size));
        }
        if page.message.instructions.is_empty() {
            return Ok(None);
        }
        if tail.pages.len() == KEPT {
            tail.pages.pop_front();
        }
        tail.pages.push_back(Arc::clone(&page));
        Ok(Some(page))
    }
}
