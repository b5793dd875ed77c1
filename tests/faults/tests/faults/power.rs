//! The power goes: what was answered is there, and nothing is taken for damage.

use std::path::Path;

use ledger_faults::cut::Cutter;
use ledger_faults::cuts::{ROOM, Story, cut_lives, cut_openings, folder, judge, scratch};
use ledger_faults::disk::Disk;
use ledger_faults::fault::{Fault, What};
use ledger_faults::mount::{Mounted, available};
use ledger_faults::rng::Rng;
use ledger_log::{Batch, Checkpoints, Log, NoteSigner, Options};

#[test]
fn what_was_answered_survives_500_cuts() {
    if !available() {
        return;
    }
    let tally = cut_lives(1, 500, 50).expect("cut");
    assert_eq!(tally.broken, Vec::<String>::new());
    assert_eq!((tally.cuts, tally.after_a_cut, tally.after_a_kill), (500, 100, 100));
    // The cuts came where something could be lost, and the commit under way was there or not.
    assert!(tally.with_pending > 400, "{tally:?}");
    assert!((5..400).contains(&tally.under_way) && tally.beyond_head > 5 && tally.closed > 5, "{tally:?}");
}

#[test]
fn a_kill_at_any_moment_of_an_opening_and_a_cut_in_the_next_lose_nothing() {
    if !available() {
        return;
    }
    let tally = cut_openings(3).expect("cut");
    assert_eq!(tally.broken, Vec::<String>::new());
    assert!(tally.after_a_kill > 200 && tally.after_a_kill == tally.cuts, "{tally:?}");
}

#[test]
fn a_drive_that_ignores_syncs_is_found_out_by_the_head() {
    if !available() {
        return;
    }
    let mut rng = Rng::new(11);
    let disk = Mounted::new(Disk::new(ROOM)).expect("mounted");
    let mut story = Story::default();
    story.go_on(&disk, 1, &mut rng).expect("a first session");
    disk.disk().set_fault(Some(Fault::new(What::SyncLies, "db")));
    story.go_on(&disk, 1, &mut rng).expect("it sees no difference");
    assert!(disk.disk().faults_met() > 0);
    let ops = disk.disk().ops().to_vec();
    let mut cutter = Cutter::new(&ops);
    cutter.advance_to(ops.len());
    let mut lost = 0;
    for number in 0..60 {
        let dir = tempfile::Builder::new().prefix("ledger-cut-").tempdir_in(scratch()).expect("a folder");
        let mut image = cutter.image(&mut rng);
        // The log was closed at the end, so the head was synced. Without the description of all files, as after a kill,
        // only it can tell what the store lost.
        let log = folder(Path::new(""));
        assert!(image.0.remove(&log.join("closed")).is_some() && image.0.remove(&log.join("LOCK")).is_some());
        image.write_to(dir.path()).expect("written");
        if let Err(broken) = judge(&folder(dir.path()), &story.promised(ops.len()), None, number % 2 == 0) {
            assert!(broken.contains("as head says") || broken.contains("a volume that opens"), "{broken}");
            lost += 1;
        }
    }
    assert!(lost > 10, "of 60 cuts {lost} lost something");
}

#[test]
fn a_close_describes_nothing_that_a_killed_process_did_not_sync() {
    if !available() {
        return;
    }
    let mut rng = Rng::new(12);
    let disk = Mounted::new(Disk::new(ROOM)).expect("mounted");
    let (mut writer, _, recovery) = Log::open(folder(&disk.path()), &Options::default()).expect("a new log");
    let mut batch = Batch::new();
    batch.push(b"one").expect("short");
    let head = writer.append(0, &batch).expect("appended");
    let mut notes = Checkpoints::open(&folder(&disk.path()), recovery.kept).expect("none yet");
    let from = disk.now();
    let signer = NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a key");
    notes.keep(head.size, &signer.checkpoint(head)).expect("kept");
    let ops = disk.disk().ops()[..].to_vec();
    let to = disk.now();
    drop((writer, notes, disk));

    assert!(to >= from + 2, "a write and its sync");
    for moment in from..=to {
        let left = Mounted::new(Disk::after(&ops[..moment], ROOM)).expect("mounted");
        let (writer, ..) = Log::open(folder(&left.path()), &Options::default()).expect("after a kill");
        writer.close().expect("closed");
        let ops = left.disk().ops().to_vec();
        drop(left);
        let mut cutter = Cutter::new(&ops);
        cutter.advance_to(ops.len());
        for _ in 0..20 {
            let dir = tempfile::Builder::new().prefix("ledger-cut-").tempdir_in(scratch()).expect("a folder");
            cutter.image(&mut rng).write_to(dir.path()).expect("written");
            let opened = Log::open(folder(dir.path()), &Options::default());
            let (_, _, recovery) = opened.unwrap_or_else(|error| panic!("killed at {moment} of {from}..{to}: {error}"));
            assert!(recovery.clean && recovery.head == head, "{recovery:?}");
        }
    }
}
