//! The real programs as processes: a server on a port of its own, and the tools.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Request, metadata::MetadataValue};

/// The programs under test, built beside the tests.
pub struct Programs {
    /// `ledger-server`.
    pub server: &'static str,
    /// `replay-tool`.
    pub replay: &'static str,
    /// `cohort-sim`.
    pub sim: &'static str,
}

/// A server that has not ended after this hangs: then a test fails instead of hanging too.
const FOR_EVER: Duration = Duration::from_secs(120);

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Server {
    /// Starts a server on a log folder and waits until it listens.
    ///
    /// # Panics
    ///
    /// It does not start.
    #[must_use]
    pub fn start(programs: &Programs, data: &Path) -> Self {
        Self::try_start(programs, data, &[]).unwrap_or_else(|(status, stderr)| panic!("{status}: {stderr}"))
    }

    /// Starts a server with further arguments.
    ///
    /// # Errors
    ///
    /// Its exit status and stderr, where it ends before it listens.
    ///
    /// # Panics
    ///
    /// The program cannot be started at all.
    pub fn try_start(programs: &Programs, data: &Path, more: &[&str]) -> Result<Self, (ExitStatus, String)> {
        let mut command = Command::new(programs.server);
        command.args(["serve", "--insecure", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        Self::try_spawn(command)
    }

    /// Starts a server by a whole command.
    ///
    /// # Errors
    ///
    /// Its exit status and stderr, where it ends before it listens.
    ///
    /// # Panics
    ///
    /// The program cannot be started at all.
    pub fn try_spawn(mut command: Command) -> Result<Self, (ExitStatus, String)> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the server's program");
        let mut log = child.stderr.take().expect("its stderr");
        // Read all the time: a full pipe would stop the server.
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            log.read_to_end(&mut bytes).expect("its stderr");
            text(&bytes)
        });
        let mut first = String::new();
        let stdout = child.stdout.take().expect("its stdout");
        BufReader::new(stdout).read_line(&mut first).expect("a line of stdout");
        match first.trim_end().strip_prefix("listening on ") {
            Some(address) => Ok(Self { url: format!("http://{address}"), child, stderr: Some(stderr) }),
            None => Err((child.wait().expect("its status"), stderr.join().expect("its stderr"))),
        }
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator does, and waits.
    ///
    /// # Panics
    ///
    /// It cannot be signalled.
    pub fn terminate(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().0
    }

    /// Waits until it has ended by itself, or by a signal; gives its status and all of its stderr.
    ///
    /// # Panics
    ///
    /// It cannot be waited for, or does not end.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let hangs = Instant::now() + FOR_EVER;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                break status;
            }
            assert!(Instant::now() < hangs, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let stderr = self.stderr.take().expect("taken once").join().expect("its stderr");
        (status, stderr)
    }

    /// Kills it and waits: nothing is finished.
    ///
    /// # Panics
    ///
    /// It cannot be signalled.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("its status");
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// It has been waited for.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")).expect("not zero");
        kill_process(pid, signal).expect("a signal to our own child");
    }

    /// A connection to it.
    ///
    /// # Panics
    ///
    /// It does not answer.
    pub async fn channel(&self) -> Channel {
        Channel::from_shared(self.url.clone()).expect("a URL").connect().await.expect("a connection")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or to be ended: either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request of an actor.
///
/// # Panics
///
/// The actor's name cannot stand in metadata.
pub fn from<T>(actor: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-ledger-actor", MetadataValue::try_from(actor).expect("plain text"));
    request
}

impl Programs {
    /// Generates a cohort's file.
    ///
    /// # Panics
    ///
    /// The generator fails.
    pub fn generate(&self, participants: u32, seed: u64, scheme: &str, scenario: &str, out: &Path) {
        let (participants, seed) = (participants.to_string(), seed.to_string());
        let output = Command::new(self.sim)
            .args(["--participants", &participants, "--seed", &seed, "--scheme", scheme, "--scenario", scenario])
            .args(["--format", "jsonl", "--out"])
            .arg(out)
            .output()
            .expect("the generator's program");
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Loads a file; gives the closing JSON document.
    ///
    /// # Panics
    ///
    /// Something was refused, or the server did not answer.
    #[must_use]
    pub fn load(&self, file: &Path, server: &Server) -> Value {
        let output = Command::new(self.server)
            .arg("load")
            .arg(file)
            .args(["--json", "--to", &server.url])
            .output()
            .expect("the loader's program");
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    }

    /// Runs the replay tool.
    ///
    /// # Panics
    ///
    /// The program cannot be started.
    #[must_use]
    pub fn replay(&self, command: &[&str], data: &Path) -> Output {
        let mut tool = Command::new(self.replay);
        tool.args(command).arg("--data").arg(data).arg("--json").output().expect("the tool's program")
    }

    /// Runs the replay tool on a clean log; gives its JSON document.
    ///
    /// # Panics
    ///
    /// It finds something.
    #[must_use]
    pub fn replayed(&self, command: &[&str], data: &Path) -> Value {
        let output = self.replay(command, data);
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    }
}

/// Output as text.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
