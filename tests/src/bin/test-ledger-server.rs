//! The real `ledger-server`, built where the tests can name it.

fn main() -> std::process::ExitCode {
    ledger_server::cli::main()
}
