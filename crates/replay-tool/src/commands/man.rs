//! `man --to DIR` and `completions SHELL`: what a package of the tool installs beside it, made from its own arguments.

use std::io::Write;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

use crate::error::Error;

/// Writes the shell's completions.
///
/// # Errors
///
/// They could not be written.
pub fn completions(mut command: Command, shell: Shell, out: &mut dyn Write) -> Result<(), Error> {
    // The generator takes a failed write for a bug, and a closed pipe is none.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "replay-tool", &mut script);
    // clap_complete 4.6.11 takes the hyphen of our name for a space in some places of its script for bash, so that no option of a
    // command was completed.
    let script = match shell {
        Shell::Bash => String::from_utf8_lossy(&script).replace("replay__subcmd__tool", "replay__tool").into_bytes(),
        _ => script,
    };
    out.write_all(&script)?;
    Ok(out.flush()?)
}

/// Writes a man page for the tool and one for each command into a folder; those that are there are replaced.
///
/// # Errors
///
/// They could not be written.
pub fn pages(command: Command, to: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let failed = |source| Error::File { action: "write", file: to.to_owned(), source };
    std::fs::create_dir_all(to).map_err(failed)?;
    clap_mangen::generate_to(command, to).map_err(failed)?;
    writeln!(out, "{}", to.join("replay-tool.1").display())?;
    Ok(out.flush()?)
}
