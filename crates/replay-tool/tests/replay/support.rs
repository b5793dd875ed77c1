//! A hand-written life of three participants, decided by the rules and written to a log.

use std::path::Path;
use std::time::Duration;

use ledger_core::codes::{Auth, Evidence, Ground, OutcomeKind, Partner, Platform, Reason};
use ledger_core::event::*;
use ledger_core::ids::{CaseId, Digest, LinkId, ParticipantId, Position, PurchaseId, Region, RunId, Wave};
use ledger_core::scheme::Scheme;
use ledger_core::time::Timestamp;
use ledger_core::{Command, Decision, Meta, NewEvent, Rupiah, State, decide, run};
use ledger_log::{Batch, Frontier, Head, Log, NoteSigner, Options, Writer, leaf_hash, record};

pub(crate) const ANI: ParticipantId = ParticipantId([0xA1; 16]);
pub(crate) const BUDI: ParticipantId = ParticipantId([0xB2; 16]);
pub(crate) const CITRA: ParticipantId = ParticipantId([0xC3; 16]);

/// Records as a server would have written them.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) state: State,
    pub(crate) records: Vec<Record<'static>>,
}

pub(crate) fn instant(text: &str) -> Timestamp {
    let time: jiff::Timestamp = if text.len() == 10 { format!("{text}T10:00:00+07:00") } else { text.to_owned() }
        .parse()
        .expect("a date or a time");
    Timestamp::from_nanos(i64::try_from(time.as_nanosecond()).expect("in range"))
}

impl Ledger {
    /// Decides a command that happened and was recorded on a day (10:00 WIB) or at a time; gives the first position.
    pub(crate) fn send(&mut self, occurred: &str, recorded: &str, command: Command<'static>) -> u64 {
        let meta = Meta {
            occurred_at: instant(occurred),
            recorded_at: instant(recorded).max(self.state.last_recorded_at().unwrap_or_default()),
            actor: Text::Borrowed("programme/dewi"),
            auth: Auth::MutualTls,
            approved_by: Some(Text::Borrowed("programme/eko")),
            source_reference: Text::Borrowed("letter 7"),
        };
        match decide(&self.state, &meta, command) {
            Ok(Decision::Record(events)) => {
                let first = self.state.size();
                events.into_iter().for_each(|event| self.record(&meta, event));
                first
            }
            other => panic!("{occurred}: {other:?}"),
        }
    }

    pub(crate) fn record(&mut self, meta: &Meta<'static>, event: NewEvent<'_>) {
        let record = event.next_record(&self.state, meta).into_owned();
        self.state.apply(&record, &mut |_| {}).expect("decided");
        self.records.push(record);
    }

    pub(crate) fn programme(&mut self, day: &str, event: impl Into<Event<'static>>) -> u64 {
        self.send(day, day, Command::Record { participant: None, event: event.into() })
    }

    pub(crate) fn event(&mut self, day: &str, id: ParticipantId, event: impl Into<Event<'static>>) -> u64 {
        self.send(day, day, Command::Record { participant: Some(id), event: event.into() })
    }

    /// A run as of a day, planned and approved on it; gives the positions of its instructions.
    pub(crate) fn run(&mut self, day: &str, id: u8) -> Vec<u64> {
        let (run, as_of) = (RunId([id; 16]), instant(day).wib_date());
        let plan = run::plan(&self.state, as_of);
        self.send(day, day, Command::PlanRun { run, as_of });
        let approver = Meta {
            occurred_at: instant(day),
            recorded_at: instant(day),
            actor: Text::Borrowed("approver/fajar"),
            auth: Auth::MutualTls,
            approved_by: None,
            source_reference: Text::Borrowed(""),
        };
        let approved = decide(&self.state, &approver, Command::ApproveRun { run, items_digest: plan.digest });
        let Ok(Decision::Record(events)) = approved else { panic!("{day}: {approved:?}") };
        events.into_iter().for_each(|event| self.record(&approver, event));
        let mut positions = Vec::new();
        for item in &plan.items {
            let event = run::instruct(&self.state, run, item).expect("payable");
            positions.push(self.state.size());
            self.record(&approver, event);
        }
        let closed = run::close(&self.state, run, Total::default(), Vec::new()).expect("a run");
        self.record(&approver, closed);
        positions
    }

    pub(crate) fn outcome(&mut self, day: &str, instruction: u64, kind: OutcomeKind, reference: &'static str) -> u64 {
        let fault = kind == OutcomeKind::Rejected;
        let outcome = Outcome {
            instruction: Position(instruction),
            amount: Rupiah::new(600_000),
            transaction_reference: Text::Borrowed(reference),
            raw_code: Text::Borrowed(""),
            code_system: None,
            reason: fault.then_some(Reason::AccountClosed),
            account_fault: fault,
            evidence: Evidence::Partner,
            evidence_reason: Text::Borrowed(""),
        };
        let instruction = Text::Owned(Position(instruction).reference());
        self.send(day, day, Command::ReportOutcome { partner: Partner::Gopay, instruction, kind, outcome })
    }

    fn select(&mut self, day: &str, id: ParticipantId) {
        let event = Selected {
            wave: Wave(1),
            identity_digest: Digest([id.0[0]; 32]),
            identity_key_id: Text::Borrowed("k1"),
            family_card_digest: Digest([id.0[0] + 1; 32]),
            region: Region(1275),
        };
        self.event(day, id, event);
    }

    fn buy(&mut self, day: &str, id: ParticipantId, platform: Platform, price: i64) {
        let purchase = TrainingBought {
            purchase: PurchaseId(id.0),
            course: Text::Borrowed("barista-1"),
            platform,
            provider: Text::Borrowed("Kopi Nusantara"),
            price: Rupiah::new(price),
        };
        self.event(day, id, purchase);
    }

    fn certify_and_review(&mut self, day: &str, id: ParticipantId) {
        let purchase = PurchaseId(id.0);
        self.event(day, id, CertificateIssued { purchase, certificate_number: Text::Borrowed("C-1") });
        self.event(day, id, TrainingReviewed { purchase, rating: 5 });
    }
}

/// What happens, by day (positions in comments):
///
/// - Ani buys for 500,000, is paid her first incentive on 9 May, the second is rejected: her account is closed.
/// - Budi buys nothing and is revoked.
/// - Citra buys for 400,000 and completes on 20 May, which the platform tells only on 20 June; she links no account.
/// - The balance period closes on 16 December, the wave on 5 January.
pub(crate) fn story() -> Ledger {
    let mut l = Ledger::default();
    l.programme("2020-04-01", SchemeEnacted { scheme: Scheme::semi_bansos() }); // 0
    let scheme = Text::Borrowed("semi-bansos");
    l.programme("2020-04-02", WaveOpened { wave: Wave(1), scheme, year: 2020, quota: 10 }); // 1
    let (document_number, amount) = (Text::Borrowed("DIPA-1"), Rupiah::new(100_000_000));
    l.programme("2020-04-03", FundsAppropriated { document_number, fiscal_year: 2020, amount }); // 2
    l.select("2020-04-11", ANI); // 3
    l.select("2020-04-11", BUDI); // 4
    l.select("2020-04-12", CITRA); // 5
    let linked = PayoutAccountLinked {
        link: LinkId([1; 16]),
        partner: Partner::Gopay,
        account_token: Text::Borrowed("tok-1"),
        holder_identity_digest: Digest([ANI.0[0]; 32]),
    };
    l.event("2020-04-12", ANI, linked); // 6
    l.buy("2020-04-15", ANI, Platform::Tokopedia, 500_000); // 7
    l.buy("2020-04-16", CITRA, Platform::Bukalapak, 400_000); // 8
    l.event("2020-05-01", ANI, TrainingCompleted { purchase: PurchaseId(ANI.0) }); // 9
    l.certify_and_review("2020-05-03", ANI); // 10, 11
    let paid = l.run("2020-05-08", 1); // 12 planned, 13 approved, 14 instructed, 15 closed
    l.outcome("2020-05-09", paid[0], OutcomeKind::Settled, "T-1"); // 16
    let revoked = MembershipRevoked { case: CaseId([1; 16]), ground: Ground::NoFirstPurchase };
    l.event("2020-05-12", BUDI, revoked); // 17
    let rejected = l.run("2020-06-08", 2); // 18 planned, 19 approved, 20 instructed, 21 closed
    l.outcome("2020-06-09", rejected[0], OutcomeKind::Rejected, ""); // 22
    let completed = TrainingCompleted { purchase: PurchaseId(CITRA.0) }.into();
    l.send("2020-05-20", "2020-06-20", Command::Record { participant: Some(CITRA), event: completed }); // 23
    l.certify_and_review("2020-06-21", CITRA); // 24, 25
    l.programme("2020-12-16", BalancePeriodClosed { year: 2020 }); // 26
    l.programme("2021-01-05", WaveClosed { wave: Wave(1) }); // 27
    assert_eq!(l.records.len(), 28);
    l
}

pub(crate) fn impatient() -> Options {
    Options { lock_wait: Duration::from_millis(200), ..Options::default() }
}

pub(crate) fn encoded(records: &[Record<'_>]) -> Vec<Vec<u8>> {
    let encode = |record: &Record<'_>| {
        let mut bytes = Vec::new();
        record::encode(record, &mut bytes);
        bytes
    };
    records.iter().map(encode).collect()
}

/// A log of these bytes, open.
pub(crate) fn open_log(dir: &Path, records: &[Vec<u8>]) -> Writer {
    let (mut writer, _, _) = Log::open(dir, &impatient()).expect("a new log");
    for commit in records.chunks(5) {
        let mut batch = Batch::new();
        commit.iter().for_each(|bytes| batch.push(bytes).expect("short"));
        let size = writer.head().size;
        writer.append(size, &batch).expect("appended");
    }
    writer
}

/// A closed log of these bytes in a fresh folder.
pub(crate) fn log_of(records: &[Vec<u8>]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    open_log(dir.path(), records).close().expect("closed");
    dir
}

/// The story's log.
pub(crate) fn story_log() -> tempfile::TempDir {
    log_of(&encoded(&story().records))
}

/// What the tool said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the tool inside of this process.
pub(crate) fn tool(args: &[&str]) -> Said {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = std::iter::once("replay-tool").chain(args.iter().copied()).map(Into::into);
    let code = replay_tool::cli::run(all, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code, out: text(out), err: text(err) }
}

/// Runs the tool on a folder.
pub(crate) fn on(dir: &Path, args: &[&str]) -> Said {
    let dir = dir.to_str().expect("UTF-8");
    let said = tool(&[args, &["--data", dir]].concat());
    if args.first() == Some(&"verify") && !args.contains(&"--threads") {
        for threads in ["1", "2", "5"] {
            let again = tool(&[args, &["--data", dir, "--threads", threads]].concat());
            assert_eq!((again.code, &again.out), (said.code, &said.out), "{threads} threads");
        }
    }
    said
}

/// The accounts of a trial balance that are not zero.
pub(crate) fn accounts(document: &serde_json::Value) -> Vec<(String, i64)> {
    let line = |line: &serde_json::Value| {
        let text = |key: &str| line[key].as_str().expect("text").to_owned();
        (text("account"), text("amount").parse().expect("a number"))
    };
    let lines = document["accounts"].as_array().expect("a list").iter().map(line);
    lines.filter(|(_, amount)| *amount != 0).collect()
}

/// The key that signs the story's checkpoints.
pub(crate) fn signer() -> NoteSigner {
    NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a name")
}

/// Size and root of these records.
pub(crate) fn head_of(records: &[Vec<u8>]) -> Head {
    let mut frontier = Frontier::default();
    records.iter().for_each(|bytes| frontier.append(leaf_hash(bytes)));
    Head { size: frontier.size(), root: frontier.root() }
}

/// A folder for what an auditor keeps.
pub(crate) struct Kept(tempfile::TempDir);

impl Kept {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A file's path, whether it is there or not.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Keeps a text; gives the path.
    pub(crate) fn text(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("written");
        self.path(name)
    }
}
