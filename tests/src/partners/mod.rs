//! A year of one partner in which everything breaks: the server is killed in each tenth of it, the partner is killed and
//! dies by itself, the network swallows what it carries, the partner says things late, twice, wrongly and never. Afterwards
//! everything must add up. Shared by the tests and `ledger-bench partners`.
//!
//! [`network`] is the way between the processes, `staff` the ledger's own people, [`agree`] what must hold in the end.

pub mod agree;
pub mod network;
mod staff;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cohort_sim::rng::Stream;
use ledger_proto::v1;
use ledger_proto::v1::event_input::Event;

use self::network::Network;
use self::staff::Staff;
use crate::life::{Programme, at, linked, ready, uuid};
use crate::server::{Programs, Server, root, text};

/// People of a run; each has four incentives.
const PEOPLE: u64 = 16;
/// No stage takes this long.
const FOR_EVER: Duration = Duration::from_secs(180);

/// What a run met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    /// Kills of the server.
    pub kills: u64,
    /// Those of them that came while something was on its way.
    pub amid: u64,
    /// Kills of the partner.
    pub partner_kills: u64,
    /// Times the partner died as its script says.
    pub deaths: u64,
    /// Connections cut, with what they carried.
    pub cuts: u64,
    /// Instructions.
    pub instructions: usize,
    /// Those in doubt at the end that staff found in the partner's book.
    pub doubts: usize,
    /// Exceptions that staff cleared up.
    pub exceptions: usize,
}

/// A tenth of the run: what staff do on which day of 2020, and how far the partner's calendar goes.
struct Stage {
    staff: (i32, i32),
    partner: (i32, i32),
}

/// In turn a run, and the deadlines with what they put in doubt.
const STAGES: [Stage; 10] = [
    Stage { staff: (5, 10), partner: (5, 14) },
    Stage { staff: (5, 20), partner: (5, 31) },
    Stage { staff: (6, 10), partner: (6, 14) },
    Stage { staff: (6, 20), partner: (6, 30) },
    Stage { staff: (7, 10), partner: (7, 14) },
    Stage { staff: (7, 20), partner: (7, 31) },
    Stage { staff: (8, 10), partner: (8, 14) },
    Stage { staff: (8, 20), partner: (8, 31) },
    Stage { staff: (9, 10), partner: (9, 14) },
    Stage { staff: (9, 30), partner: (10, 20) },
];

/// A run at work.
struct Run<'p> {
    programs: &'p Programs,
    seed: u64,
    folder: PathBuf,
    network: Network,
    server: Option<Server>,
    met: Met,
}

/// Lives through a whole run and checks what is left.
///
/// # Panics
///
/// Something does not add up, or does not go on.
pub async fn run(programs: &Programs, seed: u64) -> Met {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = Run {
        programs,
        seed,
        folder: folder.path().to_owned(),
        network: Network::open().await,
        server: None,
        met: Met::default(),
    };
    run.start();
    let programme = Programme::begin(run.server.as_ref().expect("a server").channel().await).await;
    programme.record((1..=PEOPLE).flat_map(ready).collect()).await;
    for (number, stage) in (0..).zip(&STAGES) {
        run.stage(number, stage).await;
    }
    run.met.cuts = run.network.cuts();
    run.agree().await;
    run.network.close();
    run.met
}

impl Run<'_> {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn book(&self) -> PathBuf {
        self.folder.join("gopay.book")
    }

    /// Starts the server and leads the network to it.
    fn start(&mut self) {
        let server = tokio::task::block_in_place(|| Server::start(self.programs, &self.data()));
        self.network.lead(Some(&server.url));
        self.server = Some(server);
    }

    /// kill -9 of the server; it is started again.
    fn kill_server(&mut self) {
        self.network.lead(None);
        self.server.take().expect("a server").kill();
        self.met.kills += 1;
        self.start();
    }

    fn partner(&self, (month, day): (i32, i32)) -> Child {
        self.partner_command()
            .args(["--to", &self.network.url, "--as-of", &format!("2020-{month:02}-{day:02}")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the partner's program")
    }

    fn partner_command(&self) -> Command {
        let mut command = Command::new(self.programs.sim);
        command.args(["partner", "--seed", &self.seed.to_string(), "--book"]).arg(self.book());
        command.arg("--script").arg(script());
        command
    }

    /// Staff and partner at work at the same time, the server killed once in between.
    async fn stage(&mut self, number: u64, stage: &Stage) {
        let mut dice = Stream::new(self.seed, "trouble", number);
        let start = self.network.passed();
        let kill_at = start + dice.below(40);
        let mut partner_kill_at = dice.chance(0.5).then(|| start + dice.below(60));
        for _ in 0..dice.below(4) {
            self.network.swallow(start + dice.below(80));
        }
        let staff = Staff { url: self.network.url.clone() };
        let mut acts = std::pin::pin!(act(staff, self.seed, number, stage.staff));
        let (mut acted, mut killed, began) = (false, false, Instant::now());
        loop {
            let (mut partner, before) = (self.partner(stage.partner), acted);
            let status = loop {
                assert!(began.elapsed() < FOR_EVER, "seed {}: stage {number} does not end", self.seed);
                tokio::select! {
                    () = &mut acts, if !acted => acted = true,
                    () = tokio::time::sleep(Duration::from_millis(1)) => {}
                }
                if !killed && self.network.passed() >= kill_at {
                    killed = true;
                    self.met.amid += 1;
                    self.kill_server();
                }
                if partner_kill_at.is_some_and(|at| self.network.passed() >= at) {
                    partner_kill_at = None;
                    self.met.partner_kills += 1;
                    partner.kill().expect("our own child");
                }
                if let Some(status) = partner.try_wait().expect("its status") {
                    break status;
                }
            };
            match status.code() {
                // What staff did while it was at work it may not have seen.
                Some(0) if before => break,
                Some(0) | None => {}
                // Dead as its script says: the book has counted it, also where a kill came before the end.
                Some(9) => {}
                _ => {
                    let said = partner.wait_with_output().expect("its stderr").stderr;
                    panic!("seed {}: stage {number}: the partner ended with {status}: {}", self.seed, text(&said))
                }
            }
        }
        if !killed {
            self.kill_server();
        }
    }
}

/// What staff do in a stage: a run, with somebody's membership revoked behind it; or deadlines, and other accounts.
async fn act(staff: Staff, seed: u64, number: u64, (month, day): (i32, i32)) {
    if number.is_multiple_of(2) {
        staff.run(1 + number, month, day).await;
        if let Some(person) = revoked(seed, number) {
            staff.revoke(person, at(month, day)).await;
        }
        return;
    }
    staff.deadlines(month, day).await;
    let mut dice = Stream::new(seed, "staff", number);
    let live = |person: &u64| !STAGES.iter().zip(0..).any(|(_, stage)| revoked(seed, stage) == Some(*person));
    let others: Vec<_> = (1..=PEOPLE).filter(|_| dice.chance(0.4)).filter(live).collect();
    let others: Vec<_> = others.into_iter().map(|person| (person, other_account(person, number))).collect();
    if !others.is_empty() {
        staff.relink(&others, at(month, day)).await;
    }
}

/// Whose membership is revoked behind a stage's run: another one's each time.
fn revoked(seed: u64, stage: u64) -> Option<u64> {
    let among = match stage {
        2 => 1..=5,
        4 => 6..=10,
        6 => 11..=PEOPLE,
        _ => return None,
    };
    Some(Stream::new(seed, "revoked", stage).range(among))
}

/// Another account of the same person.
fn other_account(person: u64, stage: u64) -> v1::PayoutAccountLinked {
    let Some(Event::PayoutAccountLinked(link)) = linked(person).event else { panic!("a link") };
    let number = 1_000 * (1 + stage) + person;
    v1::PayoutAccountLinked { link_id: uuid(2, number), account_token: format!("token-{number}"), ..link }
}

/// The script that partners are played by, with every fate and death that there is.
fn script() -> PathBuf {
    root().join("partner-kit/scripts/troubled.toml")
}

/// Runs many seeds, some at once; gives what each met, or why it failed.
#[must_use]
pub fn run_seeds(
    programs: &Programs,
    seeds: std::ops::RangeInclusive<u64>,
    at_once: usize,
) -> Vec<(u64, Result<Met, String>)> {
    let next = std::sync::Mutex::new(seeds);
    let found = std::sync::Mutex::new(Vec::new());
    let lock =
        |what: &std::sync::Mutex<std::ops::RangeInclusive<u64>>| what.lock().expect("no panic while held").next();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(seed) = lock(&next) {
                    let one = || {
                        let runtime =
                            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                        runtime.expect("threads").block_on(run(programs, seed))
                    };
                    let met = std::panic::catch_unwind(std::panic::AssertUnwindSafe(one)).map_err(|panic| {
                        let said = panic.downcast_ref::<String>().cloned();
                        said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
                    });
                    found.lock().expect("no panic while held").push((seed, met));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("no panic while held");
    found.sort_by_key(|(seed, _)| *seed);
    found
}

/// The same path as text.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
