//! Examples of every command, shown by its `--help` and on its man page. A test holds them to the arguments that there are.

/// Command, what the example is for, and the arguments behind the tool's name.
#[rustfmt::skip]
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("verify", "the demo's log, at rest", "verify --data ./data/demo"),
    ("verify", "a running server's log", "verify --from http://127.0.0.1:50051 --json"),
    ("verify", "an archive against a checkpoint that was kept", "verify --archive ./archive --checkpoint july.checkpoint --key ledger.vkey"),
    ("checkpoint", "keep what the server signed", "checkpoint --from http://127.0.0.1:50051 --out july.checkpoint"),
    ("prove", "record 17 in the log of 28 records", "prove 17 --data ./data/demo --size 28 --out record-17.proof"),
    ("prove", "that the log begins with its first 1000 records", "prove --consistency 1000 --archive ./archive --out growth.proof"),
    ("check-proof", "from the files alone", "check-proof record-17.proof --checkpoint july.checkpoint --key ledger.vkey"),
    ("compare", "an archive and the server that it came from", "compare ./archive http://127.0.0.1:50051"),
    ("export-log", "take a log home, or bring an archive up to date", "export-log --data ./data/demo --to ./archive"),
    ("mirror", "keep a copy that proves its growth", "mirror --from http://127.0.0.1:50051 --to ./mirror --key ledger.vkey"),
    ("audit", "every rule and question", "audit --archive ./archive"),
    ("audit", "the answers at the end of the year", "audit --archive ./archive --as-of 2020-12-31 --json"),
    ("explain", "the records behind a finding", "explain settled-twice@7837@4a65e232-e08d-4adb-a09d-c96fc9e6a57e --archive ./archive"),
    ("sample", "25 participants with their dossiers, from every wave and region", "sample --n 25 --seed 7 --stratify wave,region --archive ./archive --json"),
    ("export", "the journal of a year, for hledger", "export --format hledger --to ledger.journal --archive ./archive --as-of 2020-12-31"),
    ("export", "every record as a line of JSON", "export --format jsonl --to - --archive ./archive"),
    ("trial-balance", "at the end of the year", "trial-balance --data ./data/demo --as-of 2020-12-31"),
    ("trial-balance", "what was known on 1 July of June", "trial-balance --archive ./archive --known-at 2020-07-01T00:00:00+07:00 --as-of 2020-06-30"),
    ("balances", "everybody, for a program", "balances --archive ./archive --json"),
    ("participant", "one life with every record", "participant 0190b2c4-6f1e-7abc-8def-0123456789ab --data ./data/demo"),
    ("timeline", "the same along the time", "timeline 0190b2c4-6f1e-7abc-8def-0123456789ab --data ./data/demo"),
    ("diff", "what July brought", "diff --archive ./archive --known-at 2020-07-01T00:00:00+07:00 --and 2020-08-01T00:00:00+07:00"),
    ("diff", "what July brought about 30 June", "diff --archive ./archive --known-at 2020-07-01T00:00:00+07:00 --and 2020-08-01T00:00:00+07:00 --as-of 2020-06-30"),
    ("report", "a page in Indonesian", "report --html laporan.html --archive ./archive"),
    ("report", "the year's end in English", "report --html report.html --archive ./archive --lang en --as-of 2020-12-31"),
    ("completions", "for bash, in this session: source <(replay-tool completions bash)", "completions bash"),
    ("completions", "for fish: into ~/.config/fish/completions/replay-tool.fish", "completions fish"),
    ("man", "then: man -l ./man/replay-tool.1", "man --to ./man"),
];

/// The examples of a command as its help shows them; `None` where it has none.
pub(crate) fn of(command: &str) -> Option<String> {
    let its: Vec<_> = EXAMPLES.iter().filter(|(name, ..)| *name == command).collect();
    let lines = its.iter().map(|(_, what, args)| format!("  # {what}\n  replay-tool {args}"));
    (!its.is_empty()).then(|| format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn every_command_has_examples_and_each_is_understood() {
        for command in cli::arguments().get_subcommands() {
            let examples = EXAMPLES.iter().filter(|(name, ..)| *name == command.get_name()).count();
            assert!(examples > 0 || command.get_name() == "help", "{} has no example", command.get_name());
        }
        for (name, _, args) in EXAMPLES {
            let words = std::iter::once("replay-tool").chain(args.split(' '));
            let understood = cli::arguments().try_get_matches_from(words);
            let found = understood.unwrap_or_else(|error| panic!("{args}: {error}"));
            assert_eq!(found.subcommand_name(), Some(*name), "{args}");
        }
    }
}
