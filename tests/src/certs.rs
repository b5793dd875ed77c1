//! Certificates made for a test: a CA, what it signs, and servers and clients that use it.

use std::path::{Path, PathBuf};
use std::process::Command;

use ledger_rpc::client::{self, ClientTls};
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::server::{Programs, Server};

/// A CA, whose files lie in a folder.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
    /// Its certificate.
    pub file: PathBuf,
}

/// Until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    /// For longer than any test.
    Long,
    /// No more, since years.
    Expired,
}

impl Ca {
    /// A new one, named as its file.
    ///
    /// # Panics
    ///
    /// It cannot be made or written.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let file = folder.join(format!("{name}.pem"));
        std::fs::write(&file, certificate.pem()).expect("a file");
        Self { issuer: Issuer::new(params, key), folder: folder.to_owned(), file }
    }

    fn sign(&self, name: &str, sans: Vec<SanType>, valid: Valid) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = sans;
        if valid == Valid::Expired {
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let files = (self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key")));
        std::fs::write(&files.0, certificate.pem()).expect("a file");
        std::fs::write(&files.1, key.serialize_pem()).expect("a file");
        files
    }

    /// A server's certificate and key, for 127.0.0.1.
    ///
    /// # Panics
    ///
    /// It cannot be made or written.
    #[must_use]
    pub fn server(&self, name: &str) -> (PathBuf, PathBuf) {
        self.sign(name, vec![SanType::IpAddress([127, 0, 0, 1].into())], Valid::Long)
    }

    /// A client with these SAN URIs, who trusts servers of the CA `of`.
    ///
    /// # Panics
    ///
    /// It cannot be made or written.
    #[must_use]
    pub fn client(&self, name: &str, uris: &[&str], valid: Valid, of: &Self) -> ClientTls {
        let uris = uris.iter().map(|uri| SanType::URI(Ia5String::try_from(*uri).expect("ASCII")));
        let mut sans: Vec<_> = uris.collect();
        // So that a certificate without a URI has names all the same.
        sans.push(SanType::DnsName(Ia5String::try_from("client.example").expect("ASCII")));
        let (cert, key) = self.sign(name, sans, valid);
        ClientTls { ca: of.file.clone(), cert, key }
    }
}

/// A connection with a certificate.
///
/// # Errors
///
/// In words, with all causes: a file cannot be used, or the handshake fails.
pub async fn connect(url: &str, tls: &ClientTls) -> Result<Channel, String> {
    client::connect(url, Some(tls)).await.map_err(|error| format!("{error:?}"))
}

/// A server with TLS, its CA, and a folder for both.
pub struct Secure {
    /// Who signs certificates.
    pub ca: Ca,
    /// The server; its URL begins with `https`.
    pub server: Server,
    folder: TempDir,
}

impl Secure {
    /// With more arguments, where there are some.
    ///
    /// # Panics
    ///
    /// It does not start.
    #[must_use]
    pub fn start(programs: &Programs, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = Ca::new(folder.path(), "ca");
        let (cert, key) = ca.server("server");
        let server = serve(programs, &folder.path().join("data"), [&cert, &key, &ca.file], more);
        Self { ca, server, folder }
    }

    /// Where the certificates lie, and the log in `data`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The files of a client whose URI says who it is.
    ///
    /// # Panics
    ///
    /// They cannot be made or written.
    #[must_use]
    pub fn client(&self, actor: &str) -> ClientTls {
        let name = actor.replace('/', "-");
        self.ca.client(&name, &[&format!("ledger:{actor}")], Valid::Long, &self.ca)
    }

    /// A connection of that client.
    ///
    /// # Panics
    ///
    /// It is not let in.
    pub async fn channel(&self, actor: &str) -> Channel {
        connect(&self.server.url, &self.client(actor)).await.expect("a connection")
    }
}

/// A server with its certificate, its key and the CA of its clients.
///
/// # Panics
///
/// It does not start.
#[must_use]
pub fn serve(programs: &Programs, data: &Path, tls: [&PathBuf; 3], more: &[&str]) -> Server {
    let mut command = Command::new(programs.server);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    for (flag, file) in ["--tls-cert", "--tls-key", "--client-ca"].iter().zip(tls) {
        command.arg(flag).arg(file);
    }
    command.args(more);
    let mut server = Server::try_spawn(command).unwrap_or_else(|(status, stderr)| panic!("{status}: {stderr}"));
    server.url = server.url.replace("http://", "https://");
    server
}
