//! `dev-certs`: a CA, a server's certificate and one for each role, so that anyone can try the port with TLS. Not for use: the
//! CA's key lies beside what it signed.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ledger_core::time::Date;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};

use crate::access::{Role, SCHEME};
use crate::cli::usage;
use crate::engine::now;
use crate::output;

/// Arguments of `dev-certs`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DevCerts {
    /// Folder for the files; created where missing. None of them may exist.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Days before and after today on which a certificate is valid: a test machine's clock may be a little off.
const VALID: (i32, i32) = (-1, 365);

/// Writes the files, and says how they are used.
pub(crate) fn command(args: &DevCerts) -> ExitCode {
    match write(&args.dir).and_then(|()| output::data(how(&args.dir))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => usage(&reason),
    }
}

/// The actor of a role's certificate.
fn actor(role: Role) -> String {
    let name = match role {
        Role::Platform => "tokopedia",
        Role::Partner => "gopay",
        _ => "dev",
    };
    format!("{}/{name}", role.name())
}

fn write(dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let today = now().wib_date();
    let failed = |error: rcgen::Error| error.to_string();

    let mut ca = params("ledger development CA", today);
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = ca.self_signed(&key).map_err(failed)?;
    create(dir, "ca.pem", 0o644, &certificate.pem())?;
    create(dir, "ca.key", 0o600, &key.serialize_pem())?;
    let issuer = Issuer::new(ca, key);

    let signed = |name: &str, params: CertificateParams| {
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
        create(dir, &format!("{name}.pem"), 0o644, &certificate.pem())?;
        create(dir, &format!("{name}.key"), 0o600, &key.serialize_pem())
    };
    let mut server = params("ledger", today);
    let address = |text: &str| text.parse().map(SanType::IpAddress).map_err(|_| format!("{text} is no address"));
    let localhost = Ia5String::try_from("localhost").map_err(failed)?;
    server.subject_alt_names = vec![SanType::DnsName(localhost), address("127.0.0.1")?, address("::1")?];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    signed("server", server)?;

    let mut clients = String::from(
        "# Which certificate is whose: SAN URI, actor (role/name), and for platforms and partners \
        the scope,\n# where the name does not say it. Read again when it changes.\n",
    );
    for role in Role::ALL {
        let actor = actor(role);
        let uri = format!("{SCHEME}{actor}");
        let mut client = params(&actor, today);
        client.subject_alt_names = vec![SanType::URI(Ia5String::try_from(uri.as_str()).map_err(failed)?)];
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        signed(role.name(), client)?;
        let _ = write!(clients, "\n[[client]]\nuri = \"{uri}\"\nactor = \"{actor}\"\n");
    }
    create(dir, "clients.toml", 0o644, &clients)
}

/// Of that name, valid around today.
fn params(name: &str, today: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let day = |days: i32| {
        let date = ledger_proto::Date::from_unix_days(today.days() + days).unwrap_or_default();
        let part = |number: i32| u8::try_from(number).unwrap_or(1).max(1);
        date_time_ymd(date.year, part(date.month), part(date.day))
    };
    (params.not_before, params.not_after) = (day(VALID.0), day(VALID.1));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

fn create(dir: &Path, name: &str, mode: u32, text: &str) -> Result<(), String> {
    let path = dir.join(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| format!("{}: {error}", path.display()))
}

fn how(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "Serve:\n  ledger-server serve --data ./data/tls --listen 127.0.0.1:50051 --tls-cert {dir}/server.pem \\\n    \
         --tls-key {dir}/server.key --client-ca {dir}/ca.pem --clients {dir}/clients.toml\n\
         Call, as an auditor:\n  replay-tool trial-balance --from https://127.0.0.1:50051 --tls-ca {dir}/ca.pem \\\n    \
         --tls-cert {dir}/auditor.pem --tls-key {dir}/auditor.key\n"
    )
}
