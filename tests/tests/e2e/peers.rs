//! Peers in another language, on the real server: nothing here works by our own generated code alone.

use std::process::Output;

use ledger_tests::python::script;
use ledger_tests::server::{Server, root, text};

use crate::PROGRAMS;

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_python_peer_lives_a_life_by_its_own_code_and_by_reflection_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&PROGRAMS, &folder.path().join("data"));
    let address = server.url.strip_prefix("http://").expect("a URL");
    let proto = root().join("proto");
    let person = succeeded(&script("typed.py", &[address, &proto.to_string_lossy()]));
    succeeded(&script("reflected.py", &[address, person.trim()]));
    let first = succeeded(&script("first_call.py", &[address]));
    let instruction: serde_json::Value = serde_json::from_str(first.trim()).expect("one instruction");
    assert_eq!(instruction["participantId"], person.trim());
    assert_eq!((&instruction["amountRupiah"], &instruction["partner"]), (&"600000".into(), &"PARTNER_GOPAY".into()));
}

#[test]
fn the_readme_shows_the_python_client_that_is_tested() {
    let code = std::fs::read_to_string(root().join("tests/python/first_call.py")).expect("the client");
    assert!(code.lines().count() <= 24, "a first call is short");
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let shown = readme.contains(&format!("```python\n{code}```"));
    assert!(shown, "README.md does not show tests/python/first_call.py word for word");
}
