//! Format 1 as it is written down: a second reader, from the text alone, and the text itself against the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ledger_core::codes::{
    Auth, CodeSystem, Component, EntitlementKind, Evidence, ExceptionCause, Ground, Held, OutcomeKind, Partner,
    Platform, Reason,
};
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_tests::contract;
use ledger_tests::python::script;
use ledger_tests::server::{Server, from, root, text};
use prost_reflect::MessageDescriptor;
use serde_json::Value;

use crate::PROGRAMS;

type Accounts = BTreeMap<String, i64>;

/// What the second reader, in Python, makes of a server's records.
fn second_reader(server: &Server) -> Value {
    let said = script("read_log.py", &[server.url.strip_prefix("http://").expect("a URL")]);
    assert!(said.status.success(), "{}{}", text(&said.stdout), text(&said.stderr));
    serde_json::from_slice(&said.stdout).expect("one JSON document")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A year of each scheme: root and size as the server says them, everybody's accounts as the tool computes them.
async fn agree(scheme: &str, seed: u64) -> BTreeSet<u32> {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("year.jsonl"), folder.path().join("data"));
    PROGRAMS.generate(150, seed, scheme, "year", &file);
    let server = Server::start(&PROGRAMS, &data);
    assert_eq!(PROGRAMS.load(&file, &server)["rejected"], 0, "{scheme}");
    let read = second_reader(&server);
    let mut auditor = AuditServiceClient::new(server.channel().await);
    let head = auditor.get_head(from("auditor/test", v1::GetHeadRequest {})).await.expect("a head").into_inner();
    assert_eq!((&read["size"], &read["root"]), (&head.size.into(), &hex(&head.root_hash).into()), "{scheme}");
    assert_eq!(server.terminate().code(), Some(0));

    let replayed = PROGRAMS.replayed(&["balances"], &data);
    let people = replayed["participants"].as_array().expect("a list");
    let everybody = read["participants"].as_object().expect("a map");
    assert_eq!((people.len(), everybody.len()), (150, 150), "{scheme}");
    for person in people {
        let id = person["participant"].as_str().expect("an id");
        let amount = |text: &Value| text.as_str().expect("text").parse().expect("a number");
        let accounts = person["accounts"].as_object().expect("a map").iter();
        let expected: Accounts = accounts.map(|(name, text)| (name.clone(), amount(text))).collect();
        let found = everybody[id].as_object().expect("a map").iter();
        let found: Accounts = found.map(|(name, amount)| (name.clone(), amount.as_i64().expect("a number"))).collect();
        assert_eq!(found, expected, "{scheme} {id}");
    }
    read["kinds"].as_object().expect("a map").keys().map(|kind| kind.parse().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_reader_finds_the_same_root_and_everybodys_accounts() {
    let mut kinds = agree("semi-bansos", 11).await;
    kinds.extend(agree("normal", 12).await);
    // Nearly all of the 34 events: in a cohort nobody unlinks an account, and no partner says what fits nothing.
    let all: BTreeSet<u32> = events().into_keys().collect();
    let unseen: Vec<_> = all.difference(&kinds).collect();
    println!("{} of {} kinds of events; not {unseen:?}", kinds.len(), all.len());
    assert!(kinds.is_subset(&all) && unseen.len() <= 4, "{unseen:?}");
}

#[test]
fn the_second_reader_is_short_and_shares_no_code() {
    let code = std::fs::read_to_string(root().join("tests/python/read_log.py")).expect("the reader");
    assert!(code.lines().count() < 150, "{} lines", code.lines().count());
    let known = ["json", "sys", "uuid", "collections", "hashlib", "itertools", "grpc"];
    for line in code.lines().filter(|line| line.starts_with("import ") || line.starts_with("from ")) {
        let module = line.split_whitespace().nth(1).expect("a module");
        assert!(known.contains(&module), "{line}");
    }
}

fn document() -> String {
    std::fs::read_to_string(root().join("docs/format.md")).expect("docs/format.md")
}

/// The cells of the rows of the table below a heading.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = text.split_once(&format!("\n{heading}\n")).expect(heading);
    let rows = section.lines().skip_while(|line| !line.starts_with("|")).take_while(|line| line.starts_with("|"));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

fn stored(name: &str) -> MessageDescriptor {
    contract::pool().get_message_by_name(&format!("prakerja.ledger.v1.{name}")).expect(name)
}

/// Number, name and message of each event.
fn events() -> BTreeMap<u32, (String, MessageDescriptor)> {
    let record = stored("StoredRecord");
    let event = record.oneofs().find(|oneof| oneof.name() == "event").expect("the event");
    let message = |field: &prost_reflect::FieldDescriptor| match field.kind() {
        prost_reflect::Kind::Message(message) => message,
        other => panic!("{other:?}"),
    };
    event.fields().map(|field| (field.number(), (field.name().to_owned(), message(&field)))).collect()
}

/// Numbers and names of a message's fields.
fn fields(message: &MessageDescriptor) -> Vec<(u32, String)> {
    let mut fields: Vec<_> = message.fields().map(|field| (field.number(), field.name().to_owned())).collect();
    fields.sort();
    fields
}

/// Numbers and names as the text lists them: "1 wave, 2 region (number)"; what stands in brackets explains.
fn listed(text: &str) -> Vec<(u32, String)> {
    let (mut plain, mut depth) = (String::new(), 0);
    for c in text.chars() {
        depth += i32::from(c == '(');
        if depth == 0 {
            plain.push(c);
        }
        depth -= i32::from(c == ')');
    }
    let parts = plain.split([',', '.', ':']).map(str::trim).filter_map(|part| part.split_once(' '));
    parts.filter_map(|(number, name)| Some((number.parse().ok()?, name.trim().to_owned()))).collect()
}

#[test]
fn the_text_names_every_field_of_every_event() {
    let text = document();
    let record: BTreeMap<u32, String> = fields(&stored("StoredRecord")).into_iter().collect();
    for row in table(&text, "## The record").iter().filter(|row| !row[0].contains('-')) {
        let number: u32 = row[0].parse().expect("a number");
        assert_eq!(row[1].trim_matches('`'), record[&number]);
    }
    let mut rows = table(&text, "## Events");
    assert_eq!(rows.len(), events().len());
    for (number, (name, message)) in events() {
        let row = rows.remove(0);
        assert_eq!((row[0].as_str(), row[1].as_str()), (number.to_string().as_str(), format!("`{name}`").as_str()));
        let said = match row[2].contains("utcome](#outcomes)") || row[2] == "an outcome" {
            true => {
                let (_, outcomes) = text.split_once("\n### Outcomes\n").expect("the outcomes");
                listed(&outcomes.trim_start().split("\n\n").next().expect("a paragraph").replace('\n', " "))
            }
            false => listed(&row[2]),
        };
        assert_eq!(said, fields(&message), "{name}");
    }
}

#[test]
fn the_text_lists_every_code_in_the_order_of_its_number() {
    let rows: BTreeMap<String, String> =
        table(&document(), "## Codes").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    macro_rules! lists {
        ($($name:literal: $code:ident,)+) => {$(
            let codes: Vec<&str> = $code::ALL.iter().map(|code| code.code()).collect();
            assert_eq!(rows[$name], codes.join(", "), $name);
            assert!((1u8..).zip($code::ALL).all(|(number, code)| code.number() == number), "{} without gaps", $name);
        )+};
    }
    lists! {
        "auth": Auth, "platform": Platform, "partner": Partner, "entitlement kind": EntitlementKind, "ground": Ground,
        "outcome kind": OutcomeKind, "reason": Reason, "code system": CodeSystem, "evidence": Evidence,
        "exception cause": ExceptionCause, "component": Component, "held reason": Held,
    }
    assert_eq!(rows.len(), 12);
}

/// Offsets and lengths that the text names, on the files of a log.
#[test]
fn the_files_lie_as_the_text_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, folder.path());
    assert_eq!(server.terminate().code(), Some(0));
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("readable");
    let head = read("head");
    assert_eq!(head.len(), 8192);
    for (slot, parity) in [(&head[..4096], 0), (&head[4096..], 1)] {
        let number = |at: usize| u64::from_be_bytes(slot[at..at + 8].try_into().expect("8 bytes"));
        assert_eq!((&slot[..8], number(8) % 2, number(16)), (&b"LLHEAD01"[..], parity, 0));
        assert_eq!(slot[24..56], ledger_log::empty_root());
        assert!(slot[60..].iter().all(|byte| *byte == 0));
    }
    assert_eq!(read("subtrees"), b"ledger-log subtrees of 256, v. 1");
    assert_eq!(read("LOCK"), format!("{:<15}\n", "closed").into_bytes());
    assert_eq!(read("closed")[..8], *b"LLCLOSE1");
    let named = names(&read("closed"));
    let there: BTreeSet<String> = files(folder.path(), folder.path());
    let undescribed = ["LOCK".to_owned(), "closed".to_owned()];
    assert_eq!(there.difference(&named).cloned().collect::<Vec<_>>(), undescribed);
}

/// The files that `closed` names, walked by the text's layout.
fn names(closed: &[u8]) -> BTreeSet<String> {
    let number = |at: usize| u32::from_le_bytes(closed[at..at + 4].try_into().expect("4 bytes")) as usize;
    let (mut names, mut at) = (BTreeSet::new(), 12);
    for _ in 0..number(8) {
        let name = at + 4..at + 4 + number(at);
        at = name.end + 8;
        let length = u64::from_le_bytes(closed[name.end..at].try_into().expect("8 bytes")) as usize;
        at += 32 * length.div_ceil(65_536);
        names.insert(String::from_utf8(closed[name].to_vec()).expect("UTF-8"));
    }
    assert_eq!(at + 4, closed.len());
    names
}

fn files(dir: &Path, root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path, root)),
            false => drop(found.insert(path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned())),
        }
    }
    found
}
