//! How fast `verify` is; run by hand in release:
//! `cargo test --release -p replay-tool --test replay -- --ignored --nocapture rate`.

use ledger_core::codes::{OutcomeKind, Partner, Platform};
use ledger_core::event::*;
use ledger_core::ids::{Digest, LinkId, ParticipantId, PurchaseId, Region, Wave};
use ledger_core::scheme::Scheme;
use ledger_core::{Command, Rupiah};

use crate::support::*;

const PARTICIPANTS: u32 = 100_000;

fn bytes<const N: usize>(kind: u8, number: u32) -> [u8; N] {
    let mut id = [kind; N];
    id[4..8].copy_from_slice(&number.to_be_bytes());
    id
}

fn year() -> Ledger {
    let mut l = Ledger::default();
    l.programme("2020-04-01", SchemeEnacted { scheme: Scheme::semi_bansos() });
    let scheme = Text::Borrowed("semi-bansos");
    l.programme("2020-04-02", WaveOpened { wave: Wave(1), scheme, year: 2020, quota: PARTICIPANTS });
    let (document_number, amount) = (Text::Borrowed("DIPA-1"), Rupiah::new(1_000_000_000_000));
    l.programme("2020-04-03", FundsAppropriated { document_number, fiscal_year: 2020, amount });
    let each = |l: &mut Ledger, day: &str, event: &dyn Fn(u32) -> Event<'static>| {
        for number in 0..PARTICIPANTS {
            let command = Command::Record { participant: Some(ParticipantId(bytes(1, number))), event: event(number) };
            l.send(day, day, command);
        }
    };
    each(&mut l, "2020-04-11", &|n| {
        let (identity_digest, family_card_digest) = (Digest(bytes(2, n)), Digest(bytes(3, n)));
        let identity_key_id = Text::Borrowed("k1");
        Selected { wave: Wave(1), identity_digest, identity_key_id, family_card_digest, region: Region(1275) }.into()
    });
    each(&mut l, "2020-04-12", &|n| {
        let (link, holder_identity_digest) = (LinkId(bytes(4, n)), Digest(bytes(2, n)));
        let account_token = Text::Borrowed("tok-0123456789abcdef");
        PayoutAccountLinked { link, partner: Partner::Gopay, account_token, holder_identity_digest }.into()
    });
    let purchase = |n| PurchaseId(bytes(5, n));
    each(&mut l, "2020-04-15", &|n| {
        let (course, provider) = (Text::Borrowed("barista-1"), Text::Borrowed("Kopi Nusantara"));
        let (purchase, price) = (purchase(n), Rupiah::new(500_000));
        TrainingBought { purchase, course, platform: Platform::Tokopedia, provider, price }.into()
    });
    each(&mut l, "2020-05-01", &|n| TrainingCompleted { purchase: purchase(n) }.into());
    each(&mut l, "2020-05-02", &|n| {
        CertificateIssued { purchase: purchase(n), certificate_number: Text::Borrowed("C-1") }.into()
    });
    each(&mut l, "2020-05-03", &|n| TrainingReviewed { purchase: purchase(n), rating: 5 }.into());
    let instructions = l.run("2020-05-08", 1);
    for kind in [OutcomeKind::Accepted, OutcomeKind::Settled] {
        instructions.iter().for_each(|i| drop(l.outcome("2020-05-09", *i, kind, "T-1")));
    }
    each(&mut l, "2020-06-09", &|_| SurveyFilled { number: 1 }.into());
    l
}

#[test]
#[ignore = "a measurement"]
fn rate() {
    let year = year();
    let records = encoded(&year.records);
    drop(year);
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = open_log(dir.path(), &[]);
    for commit in records.chunks(1_000) {
        let mut batch = ledger_log::Batch::new();
        commit.iter().for_each(|bytes| batch.push(bytes).expect("short"));
        let size = writer.head().size;
        writer.append(size, &batch).expect("appended");
    }
    writer.close().expect("closed");
    let length: usize = records.iter().map(Vec::len).sum();
    println!("{} records of {} bytes", records.len(), length / records.len());
    for _ in 0..3 {
        let said = on(dir.path(), &["verify", "--json"]);
        assert_eq!(said.code, 0, "{said:?}");
        print!("{}", said.err);
    }
    // Apart: the log's own pass, and the checks on records that are already decoded.
    let started = std::time::Instant::now();
    let log = ledger_log::AtRest::open(dir.path()).expect("free");
    log.examine(|_, _| Ok(())).expect("examined");
    println!("the log's pass alone {:.2} s", started.elapsed().as_secs_f64());
    let started = std::time::Instant::now();
    for bytes in &records {
        std::hint::black_box(ledger_log::record::decode(bytes).expect("a record"));
    }
    println!("decoding alone {:.2} s", started.elapsed().as_secs_f64());
    let started = std::time::Instant::now();
    let mut state = ledger_core::State::new();
    for bytes in &records {
        let record = ledger_log::record::decode(bytes).expect("a record");
        state.apply(&record, &mut |_| {}).expect("follows");
    }
    println!("decoding and folding {:.2} s", started.elapsed().as_secs_f64());
    let started = std::time::Instant::now();
    let mut verifier = replay_tool::checks::Verifier::new();
    for bytes in &records {
        assert!(verifier.record(&ledger_log::record::decode(bytes).expect("a record")).is_continue());
    }
    assert_eq!(verifier.finish(), (Vec::new(), 0));
    println!("decoding, folding and checks {:.2} s", started.elapsed().as_secs_f64());
}
