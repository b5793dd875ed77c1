//! Power cuts: the log is played on a disk, its whole past is cut at thousands of moments, and what each cut leaves is
//! opened and judged.
//!
//! Three kinds of moments. **Direct**: any moment of a life of several openings and closings. **After a cut**: what a cut
//! left is put on a new disk, where the log recovers and goes on; that is cut too, most of it in the recovery. **After a
//! kill**: the process dies at any moment, the disk stays as it is, nothing more synced than it was; the next process
//! recovers and goes on, and then power goes. That finds names and bytes that the second process relies on and the
//! first never synced.

mod judge;
mod story;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

pub use judge::{Kept, judge};
pub use story::{Promise, Story, Written, folder};

use crate::cut::Cutter;
use crate::disk::{Disk, Op};
use crate::mount::Mounted;
use crate::rng::Rng;

/// Why something did not work out.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Room enough for any story.
pub const ROOM: u64 = 1 << 30;

/// What a number of cuts showed.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cuts that were judged.
    pub cuts: u64,
    /// Of these, cuts after a cut.
    pub after_a_cut: u64,
    /// Of these, cuts after a kill.
    pub after_a_kill: u64,
    /// Cuts that could take something away: not everything was synced.
    pub with_pending: u64,
    /// Cuts after which the commit under way was there, whole.
    pub under_way: u64,
    /// Cuts after which pieces of it were there, and were cut.
    pub pieces: u64,
    /// Cuts after which there were records beyond the head file.
    pub beyond_head: u64,
    /// Cuts that left a log that had been closed in good order.
    pub closed: u64,
    /// Records that were found, over all cuts.
    pub records: u64,
    /// What was broken: which cut, and how.
    pub broken: Vec<String>,
}

impl Tally {
    fn add(&mut self, kept: Kept) {
        self.under_way += u64::from(kept.under_way);
        self.pieces += u64::from(kept.pieces);
        self.beyond_head += u64::from(kept.beyond_head);
        self.closed += u64::from(kept.closed);
        self.records += kept.size;
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.cuts += other.cuts;
        self.after_a_cut += other.after_a_cut;
        self.after_a_kill += other.after_a_kill;
        self.with_pending += other.with_pending;
        self.under_way += other.under_way;
        self.pieces += other.pieces;
        self.beyond_head += other.beyond_head;
        self.closed += other.closed;
        self.records += other.records;
        self.broken.extend(other.broken);
        self
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Direct,
    AfterCut,
    AfterKill,
}

/// Where images are put: memory where there is some, since every opening syncs a lot.
#[must_use]
pub fn scratch() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Cuts of one life after a cut, or after a kill.
const NESTED: u64 = 10;

/// So many cuts, each life of the log cut so often, from a seed on.
///
/// # Errors
///
/// As for [`cut_a_life`].
pub fn cut_lives(first_seed: u64, cuts: u64, of_a_life: u64) -> Result<Tally, Failed> {
    let lives = cuts.div_ceil(of_a_life);
    side_by_side(lives, |life| cut_a_life(first_seed + life, of_a_life.min(cuts - life * of_a_life)))
}

/// Kills the log at every single moment of an opening, lets it be opened again, and cuts that.
///
/// # Errors
///
/// As for [`cut_a_life`].
pub fn cut_openings(seed: u64) -> Result<Tally, Failed> {
    let mut rng = Rng::new(seed);
    let disk = Mounted::new(Disk::new(ROOM))?;
    let mut story = Story::default();
    story.go_on(&disk, 1, &mut rng)?;
    let from = disk.now();
    story.go_on(&disk, 1, &mut rng)?;
    let ops = disk.disk().ops().to_vec();
    drop(disk);
    let to = story.last_opening();
    side_by_side((to - from) as u64, |number| {
        let moment = from + number as usize;
        let (mut rng, mut tally) = (Rng::new(seed + number), Tally::default());
        let name = format!("seed {seed}, killed at {moment} of {}", ops.len());
        let left = Disk::after(&ops[..moment], ROOM);
        // The end of an opening puts the new volume in place of the old one, and the beginning of the next makes up for
        // what is missing of that: there no moment is left out.
        let first = if to - moment < 2 * DELICATE { DELICATE } else { 0 };
        again(left, story.up_to(moment), first, (Kind::AfterKill, &name), &mut rng, &mut tally)?;
        Ok(tally)
    })
}

const DELICATE: usize = 12;

/// Several pieces of work at a time, since an opening mostly waits.
fn side_by_side(pieces: u64, piece: impl Fn(u64) -> Result<Tally, Failed> + Sync) -> Result<Tally, Failed> {
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= pieces {
                return Ok(tally);
            }
            tally = tally.and(piece(number)?);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        let tallies = workers.into_iter().map(|worker| worker.join().map_err(|_| "a worker panicked")?);
        tallies.collect::<Result<Vec<_>, Failed>>().map(|all| all.into_iter().fold(Tally::default(), Tally::and))
    })
}

const WORKERS: usize = 4;

/// Plays one life of the log, and cuts it `cuts` times: about three in five directly, the others after a cut and after a
/// kill. The same seed gives the same choices; threads of the store make the operations themselves differ a little.
///
/// # Errors
///
/// The log failed on a disk that did nothing wrong, or the machine did.
pub fn cut_a_life(seed: u64, cuts: u64) -> Result<Tally, Failed> {
    let mut rng = Rng::new(seed);
    let disk = Mounted::new(Disk::new(ROOM))?;
    let mut story = Story::default();
    story.go_on(&disk, 3, &mut rng)?;
    let ops = disk.disk().ops().to_vec();
    drop(disk);
    let mut tally = Tally::default();
    let nested = cuts / 5 / NESTED;
    let direct = moments(cuts - 2 * nested * NESTED, 0..ops.len() as u64, &mut rng);
    let name = format!("seed {seed}");
    cut_at(&direct, &ops, &story, (Kind::Direct, &name), &mut rng, &mut tally)?;
    for _ in 0..nested {
        let moment = rng.below(ops.len() as u64) as usize;
        let mut cutter = Cutter::new(&ops);
        cutter.advance_to(moment);
        let left = Disk::holding(&cutter.image(&mut rng), ROOM);
        let name = format!("seed {seed}, cut at {moment} of {}", ops.len());
        again(left, story.up_to(moment), 0, (Kind::AfterCut, &name), &mut rng, &mut tally)?;
        let moment = rng.below(ops.len() as u64) as usize;
        let left = Disk::after(&ops[..moment], ROOM);
        let name = format!("seed {seed}, killed at {moment} of {}", ops.len());
        again(left, story.up_to(moment), 0, (Kind::AfterKill, &name), &mut rng, &mut tally)?;
    }
    Ok(tally)
}

/// So many moments, in order.
fn moments(count: u64, range: std::ops::Range<u64>, rng: &mut Rng) -> Vec<usize> {
    let any = |_| (range.start + rng.below(range.end - range.start)) as usize;
    let mut moments: Vec<usize> = (0..count).map(any).collect();
    moments.sort_unstable();
    moments
}

/// The log on a disk that was left to it: it recovers, goes on, and is cut again, mostly while it recovers, and six times
/// after each of the `first` operations.
fn again(
    left: Disk,
    mut story: Story,
    first: usize,
    (kind, name): (Kind, &str),
    rng: &mut Rng,
    tally: &mut Tally,
) -> Result<(), Failed> {
    let before = left.ops().len();
    let disk = Mounted::new(left)?;
    if let Err(error) = story.go_on(&disk, 1, rng) {
        tally.broken.push(format!("{name}: {}", judge::chain(error.as_ref())));
        return Ok(());
    }
    let ops = disk.disk().ops().to_vec();
    drop(disk);
    let recovered = story.last_opening();
    let mut all = moments(NESTED - NESTED / 3, before as u64..recovered as u64 + 1, rng);
    all.extend((before..ops.len().min(before + first)).flat_map(|moment| [moment; 6]));
    all.sort_unstable();
    all.extend(moments(NESTED / 3, recovered as u64..ops.len() as u64, rng));
    cut_at(&all, &ops, &story, (kind, name), rng, tally)
}

fn cut_at(
    moments: &[usize],
    ops: &[Op],
    story: &Story,
    (kind, name): (Kind, &str),
    rng: &mut Rng,
    tally: &mut Tally,
) -> Result<(), Failed> {
    let mut cutter = Cutter::new(ops);
    for (index, &moment) in moments.iter().enumerate() {
        cutter.advance_to(moment);
        let image = cutter.image(rng);
        let dir = tempfile::Builder::new().prefix("ledger-cut-").tempdir_in(scratch())?;
        image.write_to(dir.path())?;
        tally.cuts += 1;
        tally.after_a_cut += u64::from(kind == Kind::AfterCut);
        tally.after_a_kill += u64::from(kind == Kind::AfterKill);
        tally.with_pending += u64::from(cutter.pending() > 0);
        let written = story.written(moment);
        match judge(&folder(dir.path()), &story.promised(moment), Some(written), index % 4 == 0) {
            Ok(kept) => tally.add(kept),
            Err(broken) => tally.broken.push(format!("{name}, cut at {moment} of {}: {broken}", ops.len())),
        }
    }
    Ok(())
}
