//! The systems that the ledger is compared with, as processes of their own: where they are, how they start, how they end.
//! One that is not there and cannot be had is an error: nothing is left out in silence.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::measure::Failed;

/// A peer that does not answer after this does not start.
const STARTS: Duration = Duration::from_secs(30);
/// Exact versions, so that two runs compare the same.
const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// A peer that runs; ended when dropped.
pub(crate) struct Peer {
    child: Child,
    /// How it is told to end.
    signal: Signal,
}

impl Peer {
    /// Starts a peer.
    pub(crate) fn start(mut command: Command, signal: Signal) -> Result<Self, Failed> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
        Ok(Self { child, signal })
    }

    /// Waits until it answers as `ready` asks.
    pub(crate) fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<(), Failed> {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the peer ended before it answered: {status}").into());
            }
            if start.elapsed() > STARTS {
                return Err("the peer does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Ended already is as good.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, self.signal);
        }
        let _ = self.child.wait();
    }
}

/// An address of this machine that nobody listened at a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr, Failed> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Whether somebody listens there.
pub(crate) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

/// A program of the Python environment with the peers that come as packages. It is made on first use beside the build's
/// output, and kept for these requirements.
pub(crate) fn python(program: &str) -> Result<PathBuf, Failed> {
    let built = std::env::current_exe()?;
    let build = built.ancestors().nth(2).ok_or("no build folder")?;
    let mark: String = ledger_log::leaf_hash(REQUIREMENTS.as_bytes())[..6].iter().map(|b| format!("{b:02x}")).collect();
    let folder = build.join(format!("bench-python-{mark}"));
    if !folder.join("complete").exists() {
        let needs = "peers from PyPI need python3 with venv and pip, and a package index";
        checked(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), needs)?;
        let wanted = folder.join("requirements.txt");
        std::fs::write(&wanted, REQUIREMENTS)?;
        let mut pip = Command::new(folder.join("bin/python"));
        checked(pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"]).arg(wanted), needs)?;
        std::fs::write(folder.join("complete"), "")?;
    }
    Ok(folder.join("bin").join(program))
}

/// The version that is asked for of a Python package.
pub(crate) fn version(package: &str) -> &'static str {
    REQUIREMENTS.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("==")).unwrap_or_default()
}

/// Runs a program that must end well.
pub(crate) fn checked(command: &mut Command, needs: &str) -> Result<Output, Failed> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{needs}: {name}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{needs}: {name} ended with {}: {}", output.status, String::from_utf8_lossy(&said).trim_end()).into())
}

/// The folder of the newest PostgreSQL on this machine, and its major version.
pub(crate) fn postgres() -> Result<(PathBuf, u32), Failed> {
    let installed = Path::new("/usr/lib/postgresql");
    let versions = std::fs::read_dir(installed).into_iter().flatten().flatten();
    let number = |name: &OsStr| name.to_str().and_then(|name| name.parse::<u32>().ok());
    let newest = versions.filter_map(|entry| number(&entry.file_name())).max();
    let newest = newest.ok_or("PostgreSQL is not there: /usr/lib/postgresql is empty (Debian: postgresql-15)")?;
    Ok((installed.join(newest.to_string()).join("bin"), newest))
}
