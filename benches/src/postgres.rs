//! `postgres`: recording beside the database that is at hand everywhere. PostgreSQL gets the same events in the same batches, and
//! keeps a balance row of each participant's account beside them, in one transaction: one prepared statement a batch,
//! durable before it answers. It is spared what the ledger does besides: no rule is checked, no repeat known, nothing hashed, and but for
//! one case nothing indexed by participant; and it answers over a socket of the machine.

use std::collections::VecDeque;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ledger_proto::v1;
use ledger_proto::v1::event_input::Event;
use prost::Message;
use rustix::process::Signal;
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::calls;
use crate::measure::{Bar, Failed, Report, interleaved, rate};
use crate::peer::{self, Peer};
use crate::{Common, lives};

const EVENTS: u64 = 300_000;
/// Batches in flight, what PostgreSQL does of what the ledger does besides, and the bar: times the events that it records.
const CASES: [(usize, As, Bar); 4] = [
    (1, As::Table, Bar::None),
    (8, As::Table, Bar::Ratio(4.0)),
    (8, As::Histories, Bar::None),
    (8, As::Log, Bar::None),
];

/// What the events are to PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// Rows.
    Table,
    /// The same, found by participant.
    Histories,
    /// The same in one order: who reads on from a position misses nothing, since no batch is given positions before the one
    /// with smaller ones is there.
    Log,
}

impl As {
    /// What is said of it.
    const fn said(self) -> &'static str {
        match self {
            Self::Table => "",
            Self::Histories => ", events indexed by participant",
            Self::Log => ", events indexed by participant and in one order",
        }
    }
}

/// The server's own port is none: it listens in a folder.
const LISTENS: &str = "listen_addresses=";
/// Durable as the ledger is, with room for a machine of this kind; the rest is as it comes.
const SETTINGS: [&str; 5] =
    ["synchronous_commit=on", "fsync=on", "full_page_writes=on", "shared_buffers=1GB", "max_wal_size=8GB"];

const TABLES: &str = "
    DROP TABLE IF EXISTS events, balances;
    CREATE TABLE events (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, participant uuid NOT NULL,
        kind smallint NOT NULL, occurred_at bigint NOT NULL, body bytea NOT NULL);
    CREATE TABLE balances (participant uuid, account smallint, amount bigint NOT NULL, PRIMARY KEY (participant, account));
    CHECKPOINT";
const RECORD: &str = "
    WITH recorded AS (INSERT INTO events (participant, kind, occurred_at, body)
        SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bytea[]))
    INSERT INTO balances SELECT participant, account, sum(amount)
            FROM unnest($5::uuid[], $6::smallint[], $7::bigint[]) AS posting (participant, account, amount)
            GROUP BY participant, account
        ON CONFLICT (participant, account) DO UPDATE SET amount = balances.amount + excluded.amount";
const HELD: &str = "
    SELECT (SELECT count(*) FROM events), count(*), sum(amount)::bigint, sum(abs(amount))::bigint FROM balances";

/// The accounts that these lives touch.
const BUDGET: i16 = 1;
const TRAINING_BALANCE: i16 = 2;
const INCENTIVES_COMMITTED: i16 = 3;
const PLATFORM_UNEARNED: i16 = 4;
const PLATFORM_EARNED: i16 = 5;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let (programs, version) = peer::postgres()?;
    let dir = common.folder()?;
    let _server = start(&programs, dir.path())?;
    let people = common.events.unwrap_or(EVENTS) / lives::EVENTS;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for (callers, events, bar) in CASES {
        let subject = || calls::ingested(common, &runtime, people, callers);
        let yardstick = || runtime.block_on(record(dir.path(), people, callers, events));
        let (subject, yardstick) = interleaved(common.pairs, subject, yardstick)?;
        let case = format!("PostgreSQL {version}{}, batches of 1,000, {callers} in flight", events.said());
        report.line(("postgres", &case, "events/s"), subject, Some(yardstick), bar)?;
    }
    Ok(())
}

/// A server of our own in `dir`. It refuses to run as root: then it runs as its own user.
fn start(programs: &Path, dir: &Path) -> Result<Peer, Failed> {
    let user = if rustix::process::getuid().is_root() { Some(user("postgres")?) } else { None };
    if let Some((user, group)) = user {
        std::os::unix::fs::chown(dir, Some(user), Some(group))?;
    }
    let program = |name: &str| {
        let mut command = Command::new(programs.join(name));
        command.current_dir(dir).arg("-D").arg(dir.join("data"));
        if let Some((user, group)) = user {
            command.uid(user).gid(group);
        }
        command
    };
    let mut init = program("initdb");
    init.args(["--username=postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]);
    peer::checked(&mut init, "PostgreSQL's folder cannot be made")?;
    let mut serve = program("postgres");
    serve.args(["-c", LISTENS, "-c"]).arg(format!("unix_socket_directories={}", dir.display()));
    for setting in SETTINGS {
        serve.args(["-c", setting]);
    }
    // What it says stands in its own file.
    serve.stdout(Stdio::null()).stderr(std::fs::File::create(dir.join("said"))?);
    // Fast shutdown: its own children end first.
    let mut server = Peer::start(serve, Signal::INT)?;
    let ready = programs.join("pg_isready");
    server.wait_until(|| {
        let asked = Command::new(&ready).arg("-q").arg("-h").arg(dir).status();
        asked.is_ok_and(|status| status.success())
    })?;
    Ok(server)
}

/// User and group of a name.
fn user(name: &str) -> Result<(u32, u32), Failed> {
    let users = std::fs::read_to_string("/etc/passwd")?;
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let found = users.lines().map(fields).find(|fields| fields[0] == name && fields.len() > 3);
    let found = found.ok_or_else(|| format!("no user {name}, which the server runs as where this runs as root"))?;
    Ok((found[2].parse()?, found[3].parse()?))
}

/// A batch, column by column.
#[derive(Default)]
struct Rows {
    participants: Vec<Uuid>,
    kinds: Vec<i16>,
    times: Vec<i64>,
    bodies: Vec<Vec<u8>>,
    /// Of the postings that the events bring.
    whose: Vec<Uuid>,
    accounts: Vec<i16>,
    amounts: Vec<i64>,
}

impl Rows {
    fn of(batch: Vec<v1::EventInput>) -> Result<Self, Failed> {
        let mut rows = Self::default();
        for input in batch {
            let participant = input.participant_id.parse()?;
            rows.participants.push(participant);
            rows.kinds.push(lives::kind(&input).1);
            rows.times
                .push(input.occurred_at.as_ref().and_then(ledger_proto::Timestamp::unix_nanos).unwrap_or_default());
            let postings = match &input.event {
                Some(Event::Selected(_)) => {
                    vec![(BUDGET, -3_550_000), (TRAINING_BALANCE, 1_000_000), (INCENTIVES_COMMITTED, 2_550_000)]
                }
                Some(Event::TrainingBought(_)) => {
                    vec![(TRAINING_BALANCE, -lives::PRICE), (PLATFORM_UNEARNED, lives::PRICE)]
                }
                Some(Event::TrainingCompleted(_)) => {
                    vec![(PLATFORM_UNEARNED, -lives::PRICE), (PLATFORM_EARNED, lives::PRICE)]
                }
                _ => Vec::new(),
            };
            for (account, amount) in postings {
                rows.whose.push(participant);
                rows.accounts.push(account);
                rows.amounts.push(amount);
            }
            rows.bodies.push(input.encode_to_vec());
        }
        Ok(rows)
    }
}

async fn connect(dir: &Path) -> Result<Client, Failed> {
    let mut config = tokio_postgres::Config::new();
    let (client, connection) = config.host_path(dir).user("postgres").dbname("postgres").connect(NoTls).await?;
    // It ends with its client; what goes wrong, the client is told.
    tokio::spawn(async { drop(connection.await) });
    Ok(client)
}

/// Records all lives in new tables over so many connections; events a second.
async fn record(dir: &Path, people: u64, connections: usize, events: As) -> Result<f64, Failed> {
    let first = connect(dir).await?;
    first.batch_execute(TABLES).await?;
    if events != As::Table {
        first.batch_execute("CREATE INDEX ON events (participant, position)").await?;
    }
    let rows = |chain: calls::Chain| chain.into_iter().map(Rows::of).collect::<Result<Vec<_>, _>>();
    let work = lives::chains(people).into_iter().map(rows).collect::<Result<VecDeque<_>, _>>()?;
    let work = Arc::new(Mutex::new(work));
    let mut ready = Vec::new();
    for _ in 0..connections {
        let client = connect(dir).await?;
        let statement = client.prepare(RECORD).await?;
        ready.push((client, statement));
    }
    let mut senders = JoinSet::new();
    let start = Instant::now();
    for (mut client, statement) in ready {
        let work = Arc::clone(&work);
        senders.spawn(async move {
            let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            // The batches of a chain wait for each other, as with the ledger.
            for rows in std::iter::from_fn(next).flatten() {
                let Rows { participants, kinds, times, bodies, whose, accounts, amounts } = &rows;
                let columns: [&(dyn ToSql + Sync); 7] = [participants, kinds, times, bodies, whose, accounts, amounts];
                if events != As::Log {
                    client.execute(&statement, &columns).await?;
                    continue;
                }
                let transaction = client.transaction().await?;
                transaction.execute("LOCK TABLE events IN EXCLUSIVE MODE", &[]).await?;
                transaction.execute(&statement, &columns).await?;
                transaction.commit().await?;
            }
            Ok::<(), Failed>(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    let took = start.elapsed();
    let row = first.query_one(HELD, &[]).await?;
    let (count, people) = (people * lives::EVENTS, i64::try_from(people)?);
    let held: [i64; 4] = [row.get(0), row.get(1), row.get(2), row.get(3)];
    // Everybody has five accounts, one of them empty again, and completed one training.
    if held != [i64::try_from(count)?, people * 5, 0, people * 7_100_000] {
        return Err(format!("PostgreSQL holds {held:?} of {count} events").into());
    }
    Ok(rate(count, took))
}
