//! The ledger's server and its commands; everything is in the library.

fn main() -> std::process::ExitCode {
    ledger_server::cli::main()
}
