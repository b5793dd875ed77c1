//! Files that people hand to the server's commands, with anything in them: refused in words, or read; never a panic, never memory
//! that the file has not. Requests are tried over the port, in the end-to-end tests.
//!
//! `PROPTEST_CASES=100000 cargo test -p ledger-server --lib nonsense` looks for longer.

use ledger_proto::v1::LoadLine;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::access::Clients;
use crate::reconcile;
use crate::schedule::TimeOfDay;

/// What a change puts in a text.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"",
        b"<",
        b">",
        b"</",
        b"/>",
        b"&lt;",
        b"&#x0;",
        b"&x;",
        b"<!--",
        b"<![CDATA[",
        b"\"",
        b"'",
        b",",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"{",
        b"[",
        b"[[",
        b"]",
        b"}",
        b"-",
        b".",
        b"e9",
        b"99999999999999999999999999999",
        b"9999-12-31",
        b"0000-00-00",
        b"2020-02-30",
        b"CRDT",
        b"DBIT",
        b"RTGS",
        b"=",
        b"'''",
    ];
    prop_oneof![prop::sample::select(PIECES).prop_map(<[u8]>::to_vec), prop::collection::vec(any::<u8>(), 0..8),]
}

/// A text with some pieces of it replaced, and some doubled.
fn changed(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0usize..12, piece(), any::<bool>());
    prop::collection::vec(change, 0..6).prop_map(move |changes| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, piece, double) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            if double {
                bytes.extend_from_within(at..);
            } else {
                bytes.splice(at..end, piece);
            }
        }
        bytes
    })
}

const CSV: &str = "instruction,amount,date,transaction_reference,kind\n\
    00000000000000000007,600000.00,2020-05-12,gp-1,\n00000000000000000009,50000,2020-05-10,\"gp, 2\",returned\n";

const CAMT: &str = "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt>\
    <FrToDt><FrDtTm>2020-05-01T00:00:00+07:00</FrDtTm><ToDtTm>2020-05-31T23:59:59+07:00</ToDtTm></FrToDt>\
    <Ntry><Amt Ccy=\"IDR\">600000</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2020-05-12</Dt></BookgDt>\
    <AcctSvcrRef>B-1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>00000000000000000007</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>\
    </Stmt></BkToCstmrStmt></Document>";

const CLIENTS: &str = "[[client]]\nuri = \"spiffe://prakerja/bni\"\nactor = \"partner/bni\"\nscope = \"bank\"\n";

const LINE: &str = r#"{"actor":"selection/pmo","event":{"participantId":"93ca78ea-9a41-404e-9d94-94ec6cf0a6ce","occurredAt":
    "2020-04-10T02:00:00.5Z","selected":{"wave":1,"identityDigest":"AQEB","region":"12.75"}}}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_statement_as_csv(bytes in changed(CSV)) {
        let _ = reconcile::read(&bytes);
    }

    #[test]
    fn a_statement_as_camt(bytes in changed(CAMT)) {
        let _ = reconcile::read(&bytes);
    }

    #[test]
    fn a_list_of_clients(bytes in changed(CLIENTS)) {
        if let Ok(clients) = Clients::parse(&String::from_utf8_lossy(&bytes)) {
            prop_assert!(clients.find("ledger:officer/budi").is_none(), "whoever is not listed is not known");
        }
    }

    #[test]
    fn a_line_to_load(bytes in changed(LINE)) {
        let _ = serde_json::from_slice::<LoadLine>(&bytes);
    }

    #[test]
    fn a_time_of_day(text in "[0-9+: -]{0,8}") {
        let read: Result<TimeOfDay, _> = text.parse();
        prop_assert!(read.is_err() || text.contains(':'), "{text}");
    }
}

#[test]
fn what_is_changed_is_read_before() {
    for statement in [CSV, CAMT] {
        reconcile::read(statement.as_bytes()).expect("a statement");
    }
    Clients::parse(CLIENTS).expect("clients");
    serde_json::from_str::<LoadLine>(LINE).expect("a line");
}
