//! `all`: every measure, one after the other. One that cannot be measured does not keep the others from it.

use crate::measure::{Failed, Report};
use crate::{Bench, Common};

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    eprintln!("{}", machine());
    let mut not_measured = Vec::new();
    for bench in Bench::EACH {
        let name = format!("{bench:?}").to_lowercase();
        eprintln!("== {name}");
        if let Err(error) = bench.run(common, report) {
            eprintln!("ledger-bench: {name} could not be measured: {error}");
            not_measured.push(name);
        }
    }
    if not_measured.is_empty() { Ok(()) } else { Err(format!("not measured: {}", not_measured.join(", ")).into()) }
}

/// What the figures are those of.
fn machine() -> String {
    let read = |path: &str| -> Result<String, Failed> { Ok(std::fs::read_to_string(path)?) };
    let field = |path: &str, name: &str| {
        let text = read(path).unwrap_or_default();
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':')).map(|(_, value)| value.trim());
        line.unwrap_or("unknown").to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (model, memory) = (field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"));
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = read("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cores} cores, {model}; {memory}; Linux {}; load {load}", kernel.trim())
}
