//! The auditor's command line; everything is in the library.

fn main() -> std::process::ExitCode {
    replay_tool::cli::main()
}
