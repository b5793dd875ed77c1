//! How clients connect: plainly on loopback, or with a certificate of their own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

/// Metadata that names the caller, `role/name`, where the port is insecure.
pub const ACTOR: &str = "x-ledger-actor";

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The files of a client with TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// The CA that signed the server's certificate.
    pub ca: PathBuf,
    /// The client's certificate, which says who calls.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Flags of a command that calls a server: the certificate to show there.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TlsArgs {
    /// The CA that signed the server's certificate, PEM; needed for https
    #[arg(long, value_name = "F", requires = "tls_cert")]
    tls_ca: Option<PathBuf>,
    /// The certificate that says who calls, PEM
    #[arg(long, value_name = "F", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key, PEM
    #[arg(long, value_name = "F", requires = "tls_ca")]
    tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// The files, where they are given.
    #[must_use]
    pub fn files(&self) -> Option<ClientTls> {
        let (ca, cert, key) = (self.tls_ca.clone()?, self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(ClientTls { ca, cert, key })
    }
}

/// Why there is no way to a server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A file cannot be read.
    #[error("{}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody could say who calls, or who answers.
    #[error("https needs --tls-ca, --tls-cert and --tls-key")]
    NoCertificate,
    /// The certificate would not be shown, and everybody on the way could read along.
    #[error("with --tls-ca, --tls-cert and --tls-key the address must begin with https://")]
    NotHttps,
    /// The URL is none, or TLS cannot be set up.
    #[error(transparent)]
    Transport(#[from] tonic::transport::Error),
}

/// A server's address, with the certificate to show there.
///
/// # Errors
///
/// The URL is none or does not fit the certificate, or a file cannot be used.
pub fn endpoint(url: &str, tls: Option<&ClientTls>) -> Result<Endpoint, ClientError> {
    let endpoint = Endpoint::from_shared(url.to_owned())?;
    let ClientTls { ca, cert, key } = match (tls, endpoint.uri().scheme_str() == Some("https")) {
        (None, false) => return Ok(endpoint),
        (None, true) => return Err(ClientError::NoCertificate),
        (Some(_), false) => return Err(ClientError::NotHttps),
        (Some(tls), true) => tls,
    };
    let read = |file: &Path| std::fs::read(file).map_err(|source| ClientError::File { file: file.to_owned(), source });
    let config = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(ca)?))
        .identity(Identity::from_pem(read(cert)?, read(key)?))
        .timeout(HANDSHAKE);
    Ok(endpoint.tls_config(config)?)
}

/// A connection to a server, with the certificate to show there.
///
/// # Errors
///
/// The URL is none or does not fit the certificate, a file cannot be used, or nobody answers there.
pub async fn connect(url: &str, tls: Option<&ClientTls>) -> Result<Channel, ClientError> {
    Ok(endpoint(url, tls)?.connect().await?)
}

/// Names the caller of every request where no certificate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named(Option<&'static str>);

impl Named {
    /// By this `role/name`, unless there is a certificate, which says it itself.
    #[must_use]
    pub const fn unless(tls: Option<&ClientTls>, actor: &'static str) -> Self {
        Self(if tls.is_some() { None } else { Some(actor) })
    }
}

impl Interceptor for Named {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Self(Some(actor)) = self {
            request.metadata_mut().insert(ACTOR, MetadataValue::from_static(actor));
        }
        Ok(request)
    }
}
