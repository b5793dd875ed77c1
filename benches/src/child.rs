//! The real programs as processes of their own. They are this program under other names, so nothing else has to be built.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::measure::Failed;
use crate::{echo, memory};

/// The programs that this one can be started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Server,
    Replay,
    Cohort,
    /// The yardstick of calls: a bare tonic server.
    Echo,
    /// Folds the records on its standard input and says what it takes.
    Fold,
}

impl Program {
    const ALL: [Self; 5] = [Self::Server, Self::Replay, Self::Cohort, Self::Echo, Self::Fold];

    const fn name(self) -> &'static str {
        match self {
            Self::Server => "ledger-server",
            Self::Replay => "replay-tool",
            Self::Cohort => "cohort-sim",
            Self::Echo => "ledger-bench-echo",
            Self::Fold => "ledger-bench-fold",
        }
    }

    /// A command that starts it.
    pub(crate) fn command(self) -> Result<Command, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg0(self.name());
        Ok(command)
    }
}

/// Runs as the program whose name this process was started under, if it is one.
pub(crate) fn as_program() -> Option<ExitCode> {
    // By its last part: tools are also named by a path (`partners`).
    let name = PathBuf::from(std::env::args_os().next()?);
    let program = Program::ALL.into_iter().find(|program| name.file_name() == Some(program.name().as_ref()))?;
    Some(match program {
        Program::Server => ledger_server::cli::main(),
        Program::Replay => replay_tool::cli::main(),
        Program::Cohort => cohort_sim::cli::main(),
        Program::Echo => echo::main(),
        Program::Fold => memory::fold(),
    })
}

/// A server that listens; killed when dropped.
pub(crate) struct Listening {
    child: Child,
    /// Kept open: a server that prints into a closed pipe would fail.
    _stdout: BufReader<ChildStdout>,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Listening {
    /// The ledger's server on a log folder.
    pub(crate) fn server(data: &Path) -> Result<Self, Failed> {
        Self::server_with(data, &[])
    }

    /// The same with further arguments.
    pub(crate) fn server_with(data: &Path, more: &[&str]) -> Result<Self, Failed> {
        let mut command = Program::Server.command()?;
        command.args(["serve", "--insecure", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        Self::start(command)
    }

    /// The bare server.
    pub(crate) fn echo() -> Result<Self, Failed> {
        Self::start(Program::Echo.command()?)
    }

    fn start(mut command: Command) -> Result<Self, Failed> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let mut first = String::new();
        stdout.read_line(&mut first)?;
        let Some(address) = first.trim_end().strip_prefix("listening on ") else {
            return Err(format!("the server ended before it listened: {}", child.wait()?).into());
        };
        Ok(Self { url: format!("http://{address}"), child, _stdout: stdout })
    }

    /// Its resident memory, bytes.
    pub(crate) fn resident(&self) -> Result<u64, Failed> {
        resident(&self.child.id().to_string())
    }

    /// Ends it as an operator does, and waits.
    pub(crate) fn terminate(mut self) -> Result<(), Failed> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).ok_or("no process")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Ended already, or to be ended: either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process, bytes; `self` is this one.
pub(crate) fn resident(process: &str) -> Result<u64, Failed> {
    memory(process, "VmRSS:")
}

/// The most resident memory that a process had so far, bytes.
pub(crate) fn peak(process: &str) -> Result<u64, Failed> {
    memory(process, "VmHWM:")
}

fn memory(process: &str, field: &str) -> Result<u64, Failed> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("a process that has ended")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Processor time, of the program and of the system for it, of all children that ended and were waited for.
pub(crate) fn processor_time_of_children() -> Result<Duration, Failed> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // Fields 16 and 17 of proc(5), in hundredths of a second; the name before them may hold spaces.
    let fields = stat.rsplit(')').next().ok_or("no stat")?.split_whitespace().skip(13).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Does something on one core, with what it starts.
pub(crate) fn on_one_core<T>(what: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
    let before = sched_getaffinity(None)?;
    let core = (0..CpuSet::MAX_CPU).rev().find(|core| before.is_set(*core)).ok_or("no core")?;
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one)?;
    let done = what();
    sched_setaffinity(None, &before)?;
    done
}
