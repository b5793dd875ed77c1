//! `backup` and `restore`: a running server's log as an archive that grows with it, and a log folder from an archive.
//!
//! Segments never change, so each backup brings what came since the last one. What the archive holds must be the beginning of
//! what the server has now; then it is brought up to the server's newest checkpoint, which it keeps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger_log::{ArchiveWriter, Checkpoint, FileError, Head, NoteError, NoteVerifier, OpenError};
use ledger_proto::v1;
use ledger_rpc::client::{ClientError, ClientTls, Named, TlsArgs, connect};
use ledger_rpc::v1::audit_service_client::AuditServiceClient;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::cli::usage;
use crate::output;

/// Segments of a new archive have `2^SEGMENT_LEVEL` records, like a log's.
const SEGMENT_LEVEL: u32 = 20;
/// The longest message taken from a server, bytes.
const MAX_MESSAGE: usize = 64 << 20;

/// Arguments of `backup`.
#[derive(clap::Args)]
pub struct Backup {
    /// The server.
    #[arg(long, value_name = "URL")]
    from: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// The folder of the archive; one that is there is brought up to date.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Arguments of `restore`.
#[derive(clap::Args)]
pub struct Restore {
    /// The folder of the archive.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder of the log, which must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Share the archive's full segments instead of copying them: they take their space once, and their damage is that of
    /// both. Archive and log must lie in one file system.
    #[arg(long)]
    link: bool,
    /// A signed checkpoint that was kept elsewhere: what is restored must go on from it.
    #[arg(long, value_name = "F", requires = "key")]
    checkpoint: Option<PathBuf>,
    /// The key that signed it: its text, name+id+base64, or a file that holds it.
    #[arg(long, value_name = "VKEY", requires = "checkpoint")]
    key: Option<String>,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the server cannot be reached")]
    Connect(#[from] ClientError),
    #[error("the server's answer to {0}")]
    Server(&'static str, #[source] Box<Status>),
    #[error("the server sent {0}")]
    Odd(String),
    #[error("{}: {}", .0.display(), .1)]
    Note(PathBuf, NoteError),
    #[error(
        "the server's log does not begin with the {held} records of the archive: it has {found}; the archive stays"
    )]
    NotOurs { held: u64, found: String },
    #[error(transparent)]
    Archive(#[from] OpenError),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Runs `backup`: exit code 0, or 1 where the server's log is not the archive's.
pub async fn backup(args: Backup) -> ExitCode {
    match bring(&args.from, args.tls.files().as_ref(), &args.to).await {
        Ok((before, head)) => {
            done(format_args!("{} records added; the archive holds {}\n", head.size - before, head.size))
        }
        Err(refused) => said(&refused),
    }
}

/// Runs `restore`: exit code 0, 1 where the archive is not what the checkpoint says, 3 where it is damaged.
pub fn restore(args: &Restore) -> ExitCode {
    let kept = match (&args.checkpoint, &args.key) {
        (Some(file), Some(key)) => match checkpoint(file, key) {
            Ok(kept) => Some(kept),
            Err(refused) => return said(&refused),
        },
        _ => None,
    };
    let restore = if args.link { ledger_log::restore_linked } else { ledger_log::restore };
    match restore(&args.from, &args.data, kept) {
        Ok(head) => done(format_args!("{} records restored\n", head.size)),
        Err(error) => {
            let position = error.first_bad_position();
            let code = said(&error.into());
            if let Some(position) = position {
                output::note(format_args!("first bad position: {position}"));
                return ExitCode::from(3);
            }
            code
        }
    }
}

fn done(text: std::fmt::Arguments<'_>) -> ExitCode {
    output::data(text).map_or_else(|reason| usage(&reason), |()| ExitCode::SUCCESS)
}

fn said(refused: &Refused) -> ExitCode {
    let text = output::in_words(refused);
    match refused {
        Refused::NotOurs { .. } => {
            output::note(format_args!("ledger-server: {text}"));
            ExitCode::from(1)
        }
        _ => usage(&text),
    }
}

fn checkpoint(file: &Path, key: &str) -> Result<Head, Refused> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| FileError { action: "read", path: path.to_owned(), source })
    };
    let key = NoteVerifier::parse(key).or_else(|_| {
        let text = read(key.as_ref())?;
        NoteVerifier::parse(&text).map_err(|error| Refused::Note(key.into(), error))
    })?;
    let checkpoint = key.checkpoint(&read(file)?).map_err(|error| Refused::Note(file.to_owned(), error))?;
    Ok(checkpoint.head)
}

type Client = AuditServiceClient<InterceptedService<Channel, Named>>;

fn refused(call: &'static str) -> impl Fn(Status) -> Refused {
    move |status| Refused::Server(call, Box::new(status))
}

/// Brings the archive up to date; gives its size before, and what it holds.
async fn bring(url: &str, tls: Option<&ClientTls>, to: &Path) -> Result<(u64, Head), Refused> {
    let channel = connect(url, tls).await?;
    let named = Named::unless(tls, "operator/backup");
    let mut client = AuditServiceClient::with_interceptor(channel, named).max_decoding_message_size(MAX_MESSAGE);
    let mut archive = ArchiveWriter::open(to, SEGMENT_LEVEL)?;
    let before = archive.head().size;
    let (target, note) = target(&mut client).await?;
    ours(&mut client, archive.head(), target).await?;
    while archive.head().size < target.size {
        // Up to the end of a segment, which is then kept.
        let from = archive.head().size;
        let to = target.size.min(((from >> SEGMENT_LEVEL) + 1) << SEGMENT_LEVEL);
        add(&mut client, &mut archive, to).await?;
        ours(&mut client, archive.head(), target).await?;
        archive.keep()?;
    }
    let head = archive.finish()?;
    if let Some(note) = note.map(|note| note + "\n").filter(|_| head.size > 0)
        && !ledger_log::kept_notes(to)?.ends_with(&note)
    {
        ledger_log::keep_notes(to, &note)?;
    }
    Ok((before, head))
}

/// What the archive shall hold: the newest signed checkpoint, or the head of a server that signs nothing.
async fn target(client: &mut Client) -> Result<(Head, Option<String>), Refused> {
    match client.get_checkpoint(v1::GetCheckpointRequest { size: None }).await {
        Ok(answer) => {
            let note = answer.into_inner().note;
            let text = note.split_once("\n\n").map_or(note.as_str(), |(text, _)| text);
            let checkpoint = Checkpoint::parse(text).map_err(|error| Refused::Odd(error.to_string()))?;
            Ok((checkpoint.head, Some(note)))
        }
        Err(status) if status.code() == Code::FailedPrecondition => {
            let head = client.get_head(v1::GetHeadRequest {}).await.map_err(refused("GetHead"))?.into_inner();
            let root = head.root_hash[..].try_into();
            let root = root.map_err(|_| Refused::Odd("a root that has not 32 bytes".to_owned()))?;
            Ok((Head { size: head.size, root }, None))
        }
        Err(status) => Err(refused("GetCheckpoint")(status)),
    }
}

/// Refuses a server whose log does not begin with these records.
async fn ours(client: &mut Client, held: Head, target: Head) -> Result<(), Refused> {
    if held.size == 0 {
        return Ok(());
    }
    if held.size > target.size {
        return Err(Refused::NotOurs { held: held.size, found: format!("{} records", target.size) });
    }
    let root = match held.size == target.size {
        true => target.root.to_vec(),
        false => {
            let request = v1::GetConsistencyProofRequest { old_size: held.size, new_size: Some(target.size) };
            let answer = client.get_consistency_proof(request).await.map_err(refused("GetConsistencyProof"))?;
            answer.into_inner().old_root_hash.to_vec()
        }
    };
    match root == held.root {
        true => Ok(()),
        false => Err(Refused::NotOurs { held: held.size, found: "others".to_owned() }),
    }
}

/// Adds the server's records up to `to`.
async fn add(client: &mut Client, archive: &mut ArchiveWriter, to: u64) -> Result<(), Refused> {
    let request = v1::StreamRecordsRequest { from_position: archive.head().size, follow: false };
    let mut stream = client.stream_records(request).await.map_err(refused("StreamRecords"))?.into_inner();
    let mut next = archive.head().size;
    while next < to {
        let message = stream.message().await.map_err(refused("StreamRecords"))?;
        let message = message.ok_or_else(|| Refused::Odd(format!("records up to {next}, and there should be {to}")))?;
        if message.first_position != next {
            return Err(Refused::Odd(format!("records from {} on, instead of {next}", message.first_position)));
        }
        for record in message.records.iter().take(usize::try_from(to - next).unwrap_or(usize::MAX)) {
            archive.push(record)?;
            next += 1;
        }
    }
    Ok(())
}
