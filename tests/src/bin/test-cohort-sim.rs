//! The real `cohort-sim`, built where the tests can name it.

fn main() -> std::process::ExitCode {
    cohort_sim::cli::main()
}
