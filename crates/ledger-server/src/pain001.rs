//! `pain001`: a run's instructions to one partner as ISO 20022 pain.001.001.09 (CustomerCreditTransferInitiation), for a bank
//! that takes files. The instruction's reference is `EndToEndId`, by which the bank's camt.053 is reconciled later.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger_core::codes::Partner;
use ledger_core::ids::Position;
use ledger_core::time::{Date, Timestamp};
use ledger_proto::v1;
use ledger_proto::v1::InstructionStatus;
use ledger_rpc::client::{ClientError, Named, TlsArgs, connect};
use ledger_rpc::v1::disbursement_service_client::DisbursementServiceClient;
use ledger_rpc::v1::payout_service_client::PayoutServiceClient;
use quick_xml::escape::escape;
use tonic::Status;

use crate::cli::usage;
use crate::{engine, output};

/// Longest account identification, and longest name (`Max34Text`, `Max140Text`).
const LONGEST_ACCOUNT: usize = 34;
const LONGEST_NAME: usize = 140;

/// Arguments of `pain001`.
#[derive(clap::Args)]
pub struct Pain001 {
    /// The run, a UUID.
    #[arg(long, value_name = "ID")]
    run: String,
    /// The partner that is to pay: bank, linkaja, ovo, gopay or dana.
    #[arg(long, value_name = "P")]
    partner: String,
    /// The server.
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// The file; one that is there is replaced. - is standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Who pays, as the bank knows it.
    #[arg(long, value_name = "NAME", default_value = "Kartu Prakerja")]
    debtor: String,
    /// The account that is debited.
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    /// BIC of the bank that keeps that account, and takes the file.
    #[arg(long, value_name = "BIC")]
    bic: String,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0} is no partner: one of {known}", known = Partner::ALL.iter().map(|p| p.code()).collect::<Vec<_>>().join(", "))]
    Partner(String),
    #[error("the server cannot be reached")]
    Connect(#[from] ClientError),
    #[error("the server's answer")]
    Server(#[from] Box<Status>),
    #[error("the run is not approved")]
    NotApproved,
    #[error("{0}")]
    Field(String),
    #[error("{}", .0.display())]
    Write(PathBuf, #[source] std::io::Error),
}

/// Runs `pain001`: exit code 0 where a file was written, 1 where nothing is left to pay, 2 where it could not.
pub async fn command(args: Pain001) -> ExitCode {
    match made(&args).await {
        Ok((_, 0)) => {
            output::note(
                "ledger-server: no instruction of this run to this partner is still to be paid; nothing is written",
            );
            ExitCode::from(1)
        }
        Ok((passed_over, count)) => {
            output::note(format_args!(
                "{count} instructions; {passed_over} more of the run were recalled, or have their outcome"
            ));
            ExitCode::SUCCESS
        }
        Err(refused) => usage(&output::in_words(&refused)),
    }
}

/// Writes the file; gives how many instructions of the run were left out, and how many stand in it.
async fn made(args: &Pain001) -> Result<(usize, usize), Refused> {
    let partner = Partner::from_code(&args.partner).ok_or_else(|| Refused::Partner(args.partner.clone()))?;
    let tls = args.tls.files();
    let (channel, named) = (connect(&args.to, tls.as_ref()).await?, Named::unless(tls.as_ref(), "officer/pain001"));
    let ask = v1::GetRunRequest { run_id: args.run.clone() };
    let run =
        DisbursementServiceClient::with_interceptor(channel.clone(), named).get_run(ask).await.map_err(Box::new)?;
    let run = run.into_inner().run.unwrap_or_default();
    let approved = run.approved_position.ok_or(Refused::NotApproved)?;
    let ask = v1::StreamInstructionsRequest {
        from_instruction: Position(approved).reference(),
        partner: partner.number().into(),
        follow: false,
    };
    let mut client = PayoutServiceClient::with_interceptor(channel, named);
    let mut stream = client.stream_instructions(ask).await.map_err(Box::new)?.into_inner();
    let run_id = run.plan.as_ref().map(|plan| plan.run_id.clone()).unwrap_or_default();
    let (mut open, mut passed_over) = (Vec::new(), 0);
    'stream: while let Some(message) = stream.message().await.map_err(Box::new)? {
        for instruction in message.instructions {
            if run.closed_position.is_some_and(|end| Position(end).reference() < instruction.instruction) {
                break 'stream;
            }
            if instruction.run_id != run_id {
                continue;
            }
            let wanted = matches!(instruction.status(), InstructionStatus::Instructed | InstructionStatus::Accepted);
            if wanted && !instruction.recalled { open.push(instruction) } else { passed_over += 1 }
        }
    }
    if open.is_empty() {
        return Ok((passed_over, 0));
    }
    let text = document(args, &run_id, engine::now(), &open).map_err(Refused::Field)?;
    write(&args.out, text)?;
    Ok((passed_over, open.len()))
}

/// The whole file or none.
fn write(to: &Path, text: String) -> Result<(), Refused> {
    let failed = |source| Refused::Write(to.to_owned(), source);
    if to == Path::new("-") {
        return output::data(text).map_err(Refused::Field);
    }
    let mut beside = to.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, to)).map_err(failed)
}

/// The message. Its name is the run's: a bank that is given the same run twice sees it.
fn document(args: &Pain001, run: &str, made: Timestamp, open: &[v1::Instruction]) -> Result<String, String> {
    let name = run.replace('-', "");
    let sum: i64 = open.iter().map(|instruction| instruction.amount_rupiah).sum();
    let count = open.len();
    let day = open.first().and_then(|first| first.occurred_at).and_then(|at| at.unix_nanos()).unwrap_or_default();
    let day: Date = Timestamp::from_nanos(day).wib_date();
    let debtor = bounded("--debtor", &args.debtor, LONGEST_NAME)?;
    let account = bounded("--account", &args.account, LONGEST_ACCOUNT)?;
    let bic = bic(&args.bic)?;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\">\n<CstmrCdtTrfInitn>\n\
         <GrpHdr><MsgId>{name}</MsgId><CreDtTm>{made}</CreDtTm><NbOfTxs>{count}</NbOfTxs><CtrlSum>{sum}</CtrlSum>\
         <InitgPty><Nm>{debtor}</Nm></InitgPty></GrpHdr>\n\
         <PmtInf><PmtInfId>{name}</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>{count}</NbOfTxs><CtrlSum>{sum}</CtrlSum>\
         <ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt><Dbtr><Nm>{debtor}</Nm></Dbtr>\
         <DbtrAcct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>IDR</Ccy></DbtrAcct>\
         <DbtrAgt><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></DbtrAgt>\n"
    );
    for instruction in open {
        let reference = &instruction.instruction;
        let token = bounded(reference, &instruction.account_token, LONGEST_ACCOUNT)?;
        let person = instruction.participant_id.replace('-', "");
        let entitlement = instruction.entitlement.unwrap_or_default();
        let kind = if entitlement.kind() == v1::EntitlementKind::Survey { "survei" } else { "pelatihan" };
        let _ = writeln!(
            text,
            "<CdtTrfTxInf><PmtId><InstrId>{reference}</InstrId><EndToEndId>{reference}</EndToEndId></PmtId>\
             <Amt><InstdAmt Ccy=\"IDR\">{}</InstdAmt></Amt>\
             <Cdtr><Id><PrvtId><Othr><Id>{person}</Id></Othr></PrvtId></Id></Cdtr>\
             <CdtrAcct><Id><Othr><Id>{token}</Id><SchmeNm><Prtry>token</Prtry></SchmeNm></Othr></Id></CdtrAcct>\
             <RmtInf><Ustrd>Insentif {kind} {} Kartu Prakerja</Ustrd></RmtInf></CdtTrfTxInf>",
            instruction.amount_rupiah, entitlement.number,
        );
    }
    Ok(text + "</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n")
}

/// A text that the format bounds, for XML.
fn bounded(of: &str, text: &str, most: usize) -> Result<String, String> {
    let length = text.chars().count();
    if (1..=most).contains(&length) {
        Ok(escape(text).into_owned())
    } else {
        Err(format!("{of}: {text:?} has {length} characters; pain.001 takes 1 to {most}"))
    }
}

/// ISO 9362: four letters or digits, two letters of a country, two more, and three where it is a branch.
fn bic(text: &str) -> Result<&str, String> {
    let country =
        |(index, byte): (usize, u8)| byte.is_ascii_uppercase() || byte.is_ascii_digit() && !(4..6).contains(&index);
    let is_one = matches!(text.len(), 8 | 11) && text.bytes().enumerate().all(country);
    if is_one { Ok(text) } else { Err(format!("--bic: {text:?} is none")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_format_does_not_take_is_refused() {
        assert_eq!((bic("BNINIDJA"), bic("BNINIDJAXXX").is_ok()), (Ok("BNINIDJA"), true));
        for text in ["", "BNINIDJ", "BNIN1DJA", "bninidja", "BNINIDJAXX"] {
            assert!(bic(text).is_err(), "{text}");
        }
        assert_eq!(bounded("x", "a<b&c", 5), Ok("a&lt;b&amp;c".to_owned()));
        assert!(bounded("x", "", 5).is_err() && bounded("x", "123456", 5).is_err());
    }
}
