//! Requests that no client of ours would send: those of the scripted calls, with bytes of theirs changed. Each is answered as any
//! other, with a reason where it is refused; none takes the server down, or is the server's own fault.

use std::time::Duration;

use bytes::Bytes;
use ledger_tests::contract;
use ledger_tests::dynamic::{call_raw, message};
use ledger_tests::script::Script;
use prost::Message as _;
use rustix::process::Signal;
use tonic::Code;
use tonic_types::StatusExt;

use crate::limits::Noise;
use crate::server;

/// Changed forms of each request.
const FORMS: usize = 6;

fn changed(message: &[u8], noise: &mut Noise) -> Bytes {
    let mut bytes = message.to_vec();
    for _ in 0..=noise.below(3) {
        let at = noise.below(bytes.len() + 1);
        match noise.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..),
            2 => bytes.insert(at, noise.byte()),
            // A number as large as they come.
            3 => drop(bytes.splice(at..at, [0xff; 9].into_iter().chain([1]))),
            _ => bytes.get_mut(at).into_iter().for_each(|byte| *byte = noise.byte()),
        }
    }
    bytes.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_requests_are_answered_like_any_other() {
    let (_folder, server) = server();
    let channel = server.channel().await;
    let (methods, mut noise, mut sent) = (contract::methods(), Noise::new(7), 0);
    for (actor, name, requests) in Script::all().iter().flat_map(Script::sent) {
        let method = methods.iter().find(|method| method.name == name).expect("a method");
        let (path, input) = (method.path(), method.descriptor.input());
        let good: Vec<Vec<u8>> = requests.iter().map(|json| message(input.clone(), json).encode_to_vec()).collect();
        for _ in 0..FORMS {
            let messages = good.iter().map(|message| changed(message, &mut noise)).collect();
            // A stream that follows the log does not end by itself.
            let call = call_raw(&channel, &path, Some(&actor), messages);
            let Ok(Err(status)) = tokio::time::timeout(Duration::from_millis(500), call).await else { continue };
            let ours = status.get_details_error_info().is_some_and(|info| info.domain == "ledger.prakerja");
            let fault = matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable);
            assert!(ours && !fault, "{name} by {actor}: {status:?}");
            sent += 1;
        }
    }
    assert!(sent > 500, "{sent} refusals");
    drop(channel);
    server.signal(Signal::TERM);
    let (status, stderr) = server.ended();
    assert!(status.success() && !stderr.contains("panicked"), "{stderr}");
}
