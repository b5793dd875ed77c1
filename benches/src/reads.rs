//! `history`: one person's money and history out of a large log, as staff ask for them: the real server on the real log, people
//! of random records, one question after the other.

use std::path::Path;
use std::time::Instant;

use ledger_core::ids::ParticipantId;
use ledger_log::record;
use ledger_proto::v1;
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use ledger_rpc::v1::participant_service_client::ParticipantServiceClient;

use crate::calls::connect;
use crate::child::{Listening, Program};
use crate::measure::{Bar, Failed, Report, percentile};
use crate::{Common, history, lives};

const EVENTS: u64 = 2_000_000;
/// Questions of each kind.
const ASKED: u64 = 2_000;
/// Milliseconds.
const BAR: f64 = 10.0;

pub(crate) fn run(common: &Common, report: &mut Report) -> Result<(), Failed> {
    let dir = common.folder()?;
    let data = match &common.data {
        Some(data) => data.clone(),
        None => {
            let archive = history::sealed(common, common.events.unwrap_or(EVENTS))?;
            let data = dir.path().join("data");
            restore(&archive.dir, &data)?;
            data
        }
    };
    let server = Listening::server(&data)?;
    measure(&server, "history", report)?;
    server.terminate()
}

/// A log folder out of an archive, by the server's own command; segments stand on the disk once.
pub(crate) fn restore(archive: &Path, data: &Path) -> Result<(), Failed> {
    let mut command = Program::Server.command()?;
    command.args(["restore", "--link", "--from"]).arg(archive).arg("--data").arg(data);
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("restore: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Asks a server; the lines stand under the name of `bench`.
pub(crate) fn measure(server: &Listening, bench: &str, report: &mut Report) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let channel = connect(&server.url).await?;
        let people = people(&server.url).await?;
        let mut client = ParticipantServiceClient::new(channel).max_decoding_message_size(16 << 20);
        let (mut money, mut histories, mut events) = (Vec::new(), Vec::new(), 0);
        for person in &people {
            let participant_id = person.to_string();
            let ask = v1::GetParticipantRequest { participant_id: participant_id.clone(), ..Default::default() };
            let ask = lives::from("officer/bench", ask)?;
            let sent = Instant::now();
            client.get_participant(ask).await?;
            money.push(sent.elapsed());
            let ask = v1::ListParticipantEventsRequest { participant_id, page_size: 1_000, ..Default::default() };
            let ask = lives::from("officer/bench", ask)?;
            let sent = Instant::now();
            events += client.list_participant_events(ask).await?.get_ref().events.len();
            histories.push(sent.elapsed());
        }
        eprintln!("{} people asked for, {:.1} events each", people.len(), events as f64 / people.len() as f64);
        for (call, took) in [("GetParticipant", &mut money), ("ListParticipantEvents", &mut histories)] {
            report.line((bench, &format!("{call} p50"), "ms"), percentile(took, 0.5), None, Bar::None)?;
            report.line((bench, &format!("{call} p99"), "ms"), percentile(took, 0.99), None, Bar::AtMost(BAR))?;
        }
        Ok(())
    })
}

/// Whose the records at random positions are: they lie all over the log, most of it not in memory.
async fn people(url: &str) -> Result<Vec<ParticipantId>, Failed> {
    let mut client = AuditServiceClient::new(connect(url).await?);
    let size = client.get_head(lives::from("auditor/bench", v1::GetHeadRequest {})?).await?.get_ref().size;
    let (mut people, mut random) = (Vec::new(), 20_200_411u64);
    for number in 0..ASKED {
        // A connection on which hundreds of streams were left early is closed by the library.
        if number % 100 == 0 {
            client = AuditServiceClient::new(connect(url).await?).max_decoding_message_size(16 << 20);
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ask = v1::StreamRecordsRequest { from_position: (random >> 16) % size.max(1), ..Default::default() };
        let mut stream = client.stream_records(lives::from("auditor/bench", ask)?).await?.into_inner();
        let records = stream.message().await?.ok_or("no record")?.records;
        people.extend(
            records.first().map(|bytes| record::outline(bytes)).transpose()?.and_then(|outline| outline.participant),
        );
    }
    if people.is_empty() { Err("a log without people".into()) } else { Ok(people) }
}
