//! Durability: a group of records in one commit, then the answers that waited for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ledger_log::{AppendError, Batch, Hash, Writer};
use tokio::sync::watch;

use crate::Failure;
use crate::metrics::Times;

/// What a commit brought.
pub(super) struct Committed<'a> {
    /// Position of its first record.
    pub(super) first: u64,
    /// Leaf hashes of its records.
    pub(super) leaf_hashes: &'a [Hash],
}

impl Committed<'_> {
    /// Leaf hash of one of its records.
    pub(super) fn leaf_hash(&self, position: u64) -> Hash {
        let index = usize::try_from(position.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        self.leaf_hashes.get(index).copied().unwrap_or_default()
    }
}

/// An answer that waits for the commit of everything decided before it.
pub(super) type Reply = Box<dyn FnOnce(&Committed<'_>) + Send>;

/// Records of one group beyond which the deciding thread waits for the disk.
const MOST_RECORDS: usize = 32 * 1024;
/// Answers of one group beyond which it waits.
const MOST_REPLIES: usize = 64 * 1024;

/// Answers of one commit from which on the next one waits for company: a commit costs as much as deciding a hundred small
/// requests, and who is one of many waits for the processor in any case.
const CROWD: usize = 8;
/// How long it waits.
const GATHER: Duration = Duration::from_millis(1);

/// How long the head file may wait for its own sync. A commit does not wait for it: the log itself is synced.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

struct Group {
    records: Batch,
    replies: Vec<Reply>,
    /// Answers that wait for the commit at work. They stay here, so that they can be let go where it hangs.
    at_work: Vec<Reply>,
    /// The durable size, as it grows; gone once it grows no more.
    durable: Option<watch::Sender<u64>>,
    /// No more will come.
    ended: bool,
    /// The writer gave up; nothing is taken any more.
    failed: bool,
    /// When the commit at work began.
    began: Option<Instant>,
}

/// The group in the making, between the deciding and the writing thread.
pub(super) struct Pending {
    group: Mutex<Group>,
    filled: Condvar,
    taken: Condvar,
    /// How long commits take.
    pub(super) times: Times,
}

impl Pending {
    /// Nothing to commit; a log of this size.
    pub(super) fn new(size: u64) -> (Self, watch::Receiver<u64>) {
        let (durable, receiver) = watch::channel(size);
        let group = Group {
            records: Batch::new(),
            replies: Vec::new(),
            at_work: Vec::new(),
            durable: Some(durable),
            ended: false,
            failed: false,
            began: None,
        };
        (
            Self { group: Mutex::new(group), filled: Condvar::new(), taken: Condvar::new(), times: Times::default() },
            receiver,
        )
    }

    fn lock(&self) -> MutexGuard<'_, Group> {
        // A panic of the other thread ends the process soon; the group itself is whole at every moment.
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records and an answer; waits while the group is full. `false` once the writer failed.
    pub(super) fn add(&self, records: &Batch, reply: Option<Reply>) -> bool {
        let mut group = self.lock();
        while group.records.len() > MOST_RECORDS || group.replies.len() > MOST_REPLIES {
            if group.failed {
                return false;
            }
            group = self.taken.wait(group).unwrap_or_else(PoisonError::into_inner);
        }
        if group.failed {
            return false;
        }
        // The writing thread waits for nothing but the first.
        let first = group.records.is_empty() && group.replies.is_empty();
        group.records.append(records);
        group.replies.extend(reply);
        drop(group);
        if first {
            self.filled.notify_one();
        }
        true
    }

    /// Records that wait for the next commit.
    pub(super) fn backlog(&self) -> usize {
        self.lock().records.len()
    }

    /// Takes nothing any more, and lets go of those who wait for a commit: their calls end as unavailable.
    pub(super) fn fail(&self) {
        let mut group = self.lock();
        group.failed = true;
        let waiting = (std::mem::take(&mut group.replies), std::mem::take(&mut group.at_work), group.durable.take());
        drop(group);
        drop(waiting);
        self.taken.notify_one();
        self.filled.notify_one();
    }

    /// So much is durable now; gives the answers that waited for it.
    fn committed(&self, size: u64) -> Vec<Reply> {
        let mut group = self.lock();
        if let Some(durable) = &group.durable {
            durable.send_if_modified(|durable| std::mem::replace(durable, size) != size);
        }
        std::mem::take(&mut group.at_work)
    }

    fn failed(&self, error: AppendError) -> Failure {
        self.fail();
        Failure::Write(error)
    }

    /// How long the commit at work has taken so far.
    pub(super) fn commit_age(&self) -> Option<Duration> {
        self.lock().began.map(|began| began.elapsed())
    }

    /// Says that no more will come.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.filled.notify_one();
    }

    /// Commits group after group until the end; then closes the log in good order.
    pub(super) fn commit_all(&self, mut writer: Writer) -> Result<(), Failure> {
        let mut records = Batch::new();
        let (mut synced, mut synced_at) = (writer.head(), Instant::now());
        loop {
            if writer.head() != synced && synced_at.elapsed() >= CHECKPOINT_EVERY {
                self.lock().began = Some(Instant::now());
                let start = Instant::now();
                synced = writer.checkpoint().map_err(|error| self.failed(error))?;
                synced_at = Instant::now();
                self.times.sync.observe((synced_at - start).as_secs_f64());
            }
            let (ended, failed) = {
                let mut group = self.lock();
                group.began = None;
                if group.records.is_empty() && group.replies.is_empty() && !group.ended && !group.failed {
                    let waited = self.filled.wait_timeout(group, CHECKPOINT_EVERY);
                    group = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                std::mem::swap(&mut group.records, &mut records);
                group.at_work = std::mem::take(&mut group.replies);
                group.began = Some(Instant::now());
                self.taken.notify_one();
                (group.ended, group.failed)
            };
            if failed {
                // The deciding thread broke: what it decided last is not known to be whole.
                return Err(Failure::Broken);
            }
            let (first, start) = (writer.head().size, Instant::now());
            let head = writer.append(first, &records).map_err(|error| self.failed(error))?;
            if head.size > first {
                self.times.commit.observe(start.elapsed().as_secs_f64());
            }
            let replies = self.committed(head.size);
            let crowd = replies.len();
            let committed = Committed { first, leaf_hashes: writer.leaf_hashes() };
            for reply in replies {
                reply(&committed);
            }
            records.clear();
            if ended {
                // The close describes all files of the log: no limit of a commit holds for it.
                self.lock().began = None;
                return writer.close().map(drop).map_err(Failure::Write);
            }
            if crowd >= CROWD {
                self.lock().began = None;
                std::thread::sleep(GATHER);
            }
        }
    }
}
