//! Writes the fixtures of the log's format anew: once, when a format is frozen. Refuses where they are.

use ledger_tests::fixtures;

/// The format that this code writes.
const FORMAT: u32 = 1;

fn main() -> std::io::Result<()> {
    let folder = fixtures::folder(FORMAT);
    std::fs::create_dir_all(folder.parent().unwrap_or(&folder))?;
    // Fails where they are: a frozen fixture is replaced by nobody's accident.
    std::fs::create_dir(&folder)?;
    fixtures::write(&folder);
    println!("{}", folder.display());
    Ok(())
}
