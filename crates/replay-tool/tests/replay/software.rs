//! What auditors know from other software: help with examples, completions, man pages, colours where a person looks.

use std::process::{Command, Stdio};

use crate::support::*;

#[test]
fn every_command_has_help_with_examples() {
    let help = tool(&["--help"]);
    let commands: Vec<_> = help
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let said = tool(&[command, "--help"]);
        let example = format!("  replay-tool {command}");
        assert!(said.code == 0 && said.out.contains("Examples:\n") && said.out.contains(&example), "{}", said.out);
    }
}

#[test]
fn shells_complete_commands_and_options() {
    for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef replay-tool"), ("fish", "complete -c replay-tool")]
    {
        let said = tool(&["completions", shell]);
        assert!(said.code == 0 && said.out.contains(mark) && said.out.contains("known-at"), "{shell}: {said:?}");
    }
    // Bash itself finds the command and its option in them.
    let script = tool(&["completions", "bash"]).out;
    let function = script.split("complete -F ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a function");
    let ask = format!(
        "source /dev/stdin
        COMP_WORDS=(replay-tool time); COMP_CWORD=1; {function} replay-tool time replay-tool; echo ${{COMPREPLY[@]}}
        COMP_WORDS=(replay-tool diff --kno); COMP_CWORD=2; {function} replay-tool --kno diff; echo ${{COMPREPLY[@]}}"
    );
    let mut bash =
        Command::new("bash").args(["-c", &ask]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash");
    std::io::Write::write_all(&mut bash.stdin.take().expect("a pipe"), script.as_bytes()).expect("read");
    let said = bash.wait_with_output().expect("ends");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "timeline\n--known-at\n");
}

#[test]
fn man_pages_are_made_for_the_tool_and_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("man");
    let path = to.to_str().expect("UTF-8");
    for _ in 0..2 {
        assert_eq!(tool(&["man", "--to", path]).code, 0);
    }
    let page = |name: &str| std::fs::read_to_string(to.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(page("replay-tool.1").contains(".TH replay-tool 1"));
    let diff = page("replay-tool-diff.1");
    for part in ["known\\-at", "what July brought", "Both are seen as of the same day"] {
        assert!(diff.contains(part), "{part} in\n{diff}");
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let said = tool(&["man", "--to", file.to_str().expect("UTF-8")]);
    assert!(said.code == 2 && said.err.contains(file.to_str().expect("UTF-8")), "{said:?}");
}

/// What the program prints on a terminal: Python makes one, as every installation has it.
fn on_a_terminal(args: &[&str], environment: &[(&str, &str)]) -> String {
    let spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let mut python = Command::new("python3");
    python
        .args(["-c", spawn, env!("CARGO_BIN_EXE_replay-tool")])
        .args(args)
        .env_remove("NO_COLOR")
        .env("TERM", "xterm");
    let said = python.envs(environment.iter().copied()).stdin(Stdio::null()).output().expect("python3");
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let log = story_log();
    let data = log.path().to_str().expect("UTF-8");
    let mut broken = story().records;
    broken.remove(7);
    let damaged = log_of(&encoded(&broken));
    let bad = damaged.path().to_str().expect("UTF-8");
    let ani = ANI.to_string();
    let rows: [(&[&str], &str); 4] = [
        (&["verify", "--data", data], "\u{1b}[32mclean"),
        (&["verify", "--data", bad], "\u{1b}[1;31m"),
        (&["timeline", &ani, "--data", data], "\u{1b}[1m"),
        (&["--help"], "\u{1b}["),
    ];
    for (args, painted) in rows {
        let shown = on_a_terminal(args, &[]);
        assert!(shown.contains(painted), "{args:?}: {shown:?}");
        for plain in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
            // What a terminal is told to do otherwise is no colour: the line of progress is taken away.
            let shown = on_a_terminal(args, &plain).replace("\u{1b}[K", "");
            assert!(!shown.contains('\u{1b}'), "{args:?} {plain:?}: {shown:?}");
        }
        let mut piped = Command::new(env!("CARGO_BIN_EXE_replay-tool"));
        let said = piped.args(args).env_remove("NO_COLOR").env("TERM", "xterm").output().expect("runs");
        assert!(!said.stdout.contains(&0x1b) && !said.stderr.contains(&0x1b), "{args:?}");
    }
    // JSON is for programs, wherever it is printed.
    assert!(!on_a_terminal(&["verify", "--json", "--data", data], &[]).replace("\u{1b}[K", "").contains('\u{1b}'));
}
