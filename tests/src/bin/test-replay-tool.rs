//! The real `replay-tool`, built where the tests can name it.

fn main() -> std::process::ExitCode {
    replay_tool::cli::main()
}
