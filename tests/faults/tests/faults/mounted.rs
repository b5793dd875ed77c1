//! The mounted disk does what a file system does, loses what was not synced, and fails as it is told.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ledger_faults::cut::Cutter;
use ledger_faults::disk::{Disk, Refusal};
use ledger_faults::fault::{Fault, What};
use ledger_faults::mount::{Mounted, available};
use ledger_faults::rng::Rng;

const ROOM: u64 = 1 << 20;

fn mounted() -> (Mounted, PathBuf) {
    let disk = Mounted::new(Disk::new(ROOM)).expect("mounted");
    let path = disk.path();
    (disk, path)
}

fn mounts() -> String {
    fs::read_to_string("/proc/mounts").expect("the mounts")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn it_is_a_file_system() {
    if !available() {
        return;
    }
    let (disk, top) = mounted();
    assert!(mounts().contains(&*top.to_string_lossy()));
    fs::create_dir_all(top.join("a/b")).expect("folders");
    fs::write(top.join("a/one"), b"first").expect("written");
    fs::write(top.join("a/one"), b"second, longer").expect("written over");
    fs::write(top.join("a/two"), vec![7; 300_000]).expect("written");
    assert_eq!(names(&top.join("a")), ["b", "one", "two"]);
    assert_eq!(fs::read(top.join("a/one")).expect("read"), b"second, longer");
    assert_eq!(fs::read(top.join("a/two")).expect("read"), vec![7; 300_000]);
    fs::rename(top.join("a/one"), top.join("a/two")).expect("renamed");
    assert_eq!(fs::read(top.join("a/two")).expect("read"), b"second, longer");
    fs::copy(top.join("a/two"), top.join("a/three")).expect("copied");
    let file = OpenOptions::new().read(true).write(true).open(top.join("a/three")).expect("opened");
    file.set_len(6).expect("cut");
    file.write_all_at(b"S", 0).expect("written");
    assert_eq!(fs::read(top.join("a/three")).expect("read"), b"Second");
    file.lock().expect("locked");
    let other = File::open(top.join("a/three")).expect("opened");
    assert!(other.try_lock().is_err(), "two handles, one lock");
    for number in 0..300 {
        fs::write(top.join(format!("a/b/{number}")), b"x").expect("written");
    }
    assert_eq!(names(&top.join("a/b")).len(), 300);
    assert_eq!(ledger_log::free_bytes(&top).expect("asked"), (ROOM - disk.disk().used()) / 512 * 512);
    fs::remove_dir_all(top.join("a")).expect("removed");
    assert_eq!((names(&top).len(), disk.disk().used()), (0, 0));
}

#[test]
fn only_what_was_synced_is_sure() {
    if !available() {
        return;
    }
    let (disk, top) = mounted();
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all()).expect("synced");
    let file = File::create(top.join("file")).expect("created");
    file.write_all_at(b"sure", 0).expect("written");
    file.sync_data().expect("synced");
    sync(&top);
    file.write_all_at(b"unsure", 4).expect("written");
    fs::write(top.join("nameless"), b"synced, but its folder was not").expect("written");
    sync(&top.join("nameless"));
    let ops = disk.disk().ops().to_vec();
    let mut cutter = Cutter::new(&ops);
    cutter.advance_to(ops.len());
    let mut rng = Rng::new(1);
    let (mut longer, mut named) = (0, 0);
    for _ in 0..200 {
        let left = Mounted::new(Disk::holding(&cutter.image(&mut rng), ROOM)).expect("mounted");
        let bytes = fs::read(left.path().join("file")).expect("its name is sure");
        assert_eq!(bytes[..4], *b"sure");
        longer += usize::from(bytes.len() > 4);
        if let Ok(bytes) = fs::read(left.path().join("nameless")) {
            assert_eq!(bytes, b"synced, but its folder was not");
            named += 1;
        }
    }
    assert!((1..200).contains(&longer) && (1..200).contains(&named), "{longer} {named}");
    // A kill takes nothing.
    let left = Mounted::new(Disk::after(&ops, ROOM)).expect("mounted");
    assert_eq!(fs::read(left.path().join("file")).expect("read"), b"sureunsure");
    assert_eq!(names(&left.path()), ["file", "nameless"]);
}

#[test]
fn it_fails_as_it_is_told_and_files_of_other_names_do_not() {
    if !available() {
        return;
    }
    let (disk, top) = mounted();
    let file = File::create(top.join("db")).expect("created");
    let other = File::create(top.join("other")).expect("created");
    let set = |what| disk.disk().set_fault(Some(Fault::new(what, "db")));
    set(What::WriteFails(Refusal::Device));
    assert_eq!(file.write_at(b"x", 0).expect_err("refused").raw_os_error(), Some(5));
    other.write_all_at(b"x", 0).expect("another file");
    set(What::WriteFails(Refusal::NoSpace));
    assert_eq!(file.write_at(b"x", 0).expect_err("refused").kind(), ErrorKind::StorageFull);
    set(What::ShortWrites);
    assert_eq!(file.write_at(&[1; 1000], 0).expect("some of it"), 500);
    file.write_all_at(&[2; 1000], 0).expect("all of it, in pieces");
    assert_eq!(fs::read(top.join("db")).expect("read"), [2; 1000]);
    set(What::SyncFails);
    assert_eq!(file.sync_data().expect_err("refused").raw_os_error(), Some(5));
    other.sync_data().expect("another file");
    assert_eq!(disk.disk().faults_met(), 1);
    set(What::SyncHangs);
    std::thread::scope(|scope| {
        let hanging = scope.spawn(|| file.sync_all());
        while disk.hanging() == 0 {
            std::thread::yield_now();
        }
        assert!(!hanging.is_finished());
        other.sync_data().expect("another file");
        disk.let_go();
        assert_eq!(hanging.join().expect("it ended").expect_err("refused").raw_os_error(), Some(5));
    });
    disk.disk().set_fault(None);
    file.sync_all().expect("mended");
}

#[test]
fn a_full_disk_takes_what_fits() {
    if !available() {
        return;
    }
    let (disk, top) = mounted();
    let mut file = File::create(top.join("file")).expect("created");
    file.write_all(&[1; 1000]).expect("written");
    disk.disk().set_capacity(1500);
    assert_eq!(file.write(&[2; 1000]).expect("some of it"), 500);
    assert_eq!(file.write(&[2; 1000]).expect_err("full").kind(), ErrorKind::StorageFull);
    assert_eq!(file.set_len(2000).expect_err("full").kind(), ErrorKind::StorageFull);
    file.write_all_at(&[3; 1500], 0).expect("what is there can be written over");
    assert_eq!(ledger_log::free_bytes(&top).expect("asked"), 0);
    fs::remove_file(top.join("file")).expect("removed");
    assert_eq!(disk.disk().used(), 0);
}

#[test]
fn a_panic_leaves_no_mount() {
    if !available() {
        return;
    }
    let (point, file) = std::thread::spawn(|| {
        let (disk, top) = mounted();
        let file = File::create(top.join("still-open")).expect("created");
        let told = (top, file);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _disk = disk;
            std::panic::resume_unwind(Box::new("a test fails"));
        }))
        .expect_err("it panicked");
        told
    })
    .join()
    .expect("it ended");
    assert!(!mounts().contains(&*point.to_string_lossy()));
    assert!(!point.exists());
    drop(file);
}
