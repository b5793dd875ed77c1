//! A disk that fails under the log: an append comes back with the reason, and never hangs.

use std::sync::mpsc;
use std::time::Duration;

use ledger_faults::disk::{Disk, Refusal};
use ledger_faults::fault::{Fault, What};
use ledger_faults::mount::{Mounted, available};
use ledger_log::{AppendError, Batch, Log, Options};

/// An append that has not come back by then hangs.
const FOREVER: Duration = Duration::from_secs(30);

#[test]
fn an_append_that_cannot_be_written_comes_back() {
    if !available() {
        return;
    }
    // Up to a megabyte in one commit: beyond half of one the store changes to its next segment in the middle of it.
    for round in 0..60u64 {
        let disk = Mounted::new(Disk::new(1 << 28)).expect("mounted");
        let (mut writer, _, _) = Log::open(disk.path().join("log"), &Options::default()).expect("a new log");
        let mut batch = Batch::new();
        for number in 0..1 + round * 370 % 8_000 {
            batch.push(&[number as u8; 120]).expect("short");
        }
        for _ in 0..round % 3 {
            writer.append(writer.head().size, &batch).expect("appended");
        }
        disk.disk().set_fault(Some(Fault::new(What::WriteFails(Refusal::Device), "db")));
        let (sender, receiver) = mpsc::channel();
        let appending = std::thread::spawn(move || {
            let failed = writer.append(writer.head().size, &batch);
            sender.send(failed).expect("the test listens");
            writer
        });
        let failed = receiver.recv_timeout(FOREVER).unwrap_or_else(|_| panic!("round {round} hangs"));
        let Err(AppendError::Failed(reason)) = failed else { panic!("round {round}: {failed:?}") };
        assert!(reason.contains("Input/output error"), "{reason}");
        drop(appending.join().expect("it ended"));
    }
}
