//! Writes the generated files of `docs/` and `partner-kit/`.

fn main() -> std::io::Result<()> {
    for (path, bytes) in ledger_tests::docs::files() {
        let file = ledger_tests::server::root().join(&path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, bytes)?;
        println!("{path}");
    }
    Ok(())
}
