//! The command `cohort-sim`.

fn main() -> std::process::ExitCode {
    cohort_sim::cli::main()
}
