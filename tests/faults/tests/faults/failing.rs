//! A disk that fails under the log: an append comes back with the reason, and never hangs.

use std::sync::mpsc;
use std::time::Duration;

use ledger_faults::disk::{Disk, Refusal};
use ledger_faults::fault::{Fault, What};
use ledger_faults::mount::{Mounted, available};
use ledger_faults::rng::Rng;
use ledger_log::{AppendError, Batch, Log, Options};

/// An append that has not come back by then hangs.
const FOREVER: Duration = Duration::from_secs(30);
/// Logs that fail at the same time: how the store's threads are scheduled decides what happens in it.
const SIDE_BY_SIDE: u64 = 8;

fn batch(rng: &mut Rng, most: u64) -> Batch {
    let mut batch = Batch::new();
    for _ in 0..1 + rng.below(most) {
        batch.push(&vec![7; 100 + rng.below(100) as usize]).expect("short");
    }
    batch
}

/// A log whose disk fails somewhere around the end of a segment of the store (512 KiB).
fn fail(seed: u64) {
    let mut rng = Rng::new(seed);
    let disk = Mounted::new(Disk::new(1 << 28)).expect("mounted");
    let (mut writer, _, _) = Log::open(disk.path().join("log"), &Options::default()).expect("a new log");
    let fill = 480_000 + rng.below(44_000);
    while disk.disk().used() < fill {
        let most = if fill - disk.disk().used() > 100_000 { 400 } else { 40 };
        writer.append(writer.head().size, &batch(&mut rng, most)).expect("appended");
    }
    disk.disk().set_fault(Some(Fault::new(What::WriteFails(Refusal::Device), "db")));
    let (sender, receiver) = mpsc::channel();
    let last = batch(&mut rng, 400);
    let appending = std::thread::spawn(move || {
        let failed = writer.append(writer.head().size, &last);
        sender.send(failed).expect("the test listens");
        writer
    });
    let failed = receiver.recv_timeout(FOREVER).unwrap_or_else(|_| panic!("seed {seed} hangs"));
    let Err(AppendError::Failed(reason)) = failed else { panic!("seed {seed}: {failed:?}") };
    assert!(reason.contains("Input/output error"), "{reason}");
    drop(appending.join().expect("it ended"));
}

#[test]
fn an_append_that_cannot_be_written_comes_back() {
    if !available() {
        return;
    }
    std::thread::scope(|scope| {
        for worker in 0..SIDE_BY_SIDE {
            scope.spawn(move || (0..25).for_each(|round| fail(worker * 1_000 + round)));
        }
    });
}
