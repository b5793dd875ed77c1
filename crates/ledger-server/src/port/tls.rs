//! TLS with certificates on both sides. The files are looked at again every second: what changed holds for the next
//! connection, who is known by which certificate for the next call. What cannot be used leaves things as they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tonic::Status;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::access::{Caller, Clients};
use crate::reasons::CERTIFICATE_UNKNOWN;
use crate::status::refused;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The files that say who the server is, and who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, with those between it and its root: PEM.
    pub cert: PathBuf,
    /// Its key: PEM.
    pub key: PathBuf,
    /// The CA that signs clients' certificates: PEM.
    pub client_ca: PathBuf,
    /// Which certificate is whose; `None`: their URIs say it.
    pub clients: Option<PathBuf>,
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct TlsError {
    file: PathBuf,
    why: String,
}

/// What the files said when they were last good.
pub(crate) struct Current {
    pub(crate) acceptor: TlsAcceptor,
    clients: Clients,
}

/// TLS as it is now.
pub(crate) type Tls = watch::Receiver<Arc<Current>>;

/// Bytes of the four files, to see whether they changed.
#[derive(PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Vec<u8>,
    clients: Option<String>,
}

impl TlsFiles {
    /// Reads the files, and gives what keeps them fresh.
    pub(crate) fn load(self) -> Result<(Tls, impl Future<Output = ()> + Send), TlsError> {
        let contents = self.read()?;
        let (sender, current) = watch::channel(Arc::new(self.current(&contents)?));
        Ok((current, self.keep_fresh(contents, sender)))
    }

    async fn keep_fresh(self, mut known: Contents, sender: watch::Sender<Arc<Current>>) {
        let mut said = String::new();
        loop {
            tokio::time::sleep(EVERY).await;
            let read = self.read().and_then(|contents| {
                if contents == known { Ok(None) } else { self.current(&contents).map(|new| Some((contents, new))) }
            });
            match read {
                Ok(None) => said.clear(),
                Ok(Some((contents, new))) => {
                    known = contents;
                    said.clear();
                    sender.send_replace(Arc::new(new));
                    tracing::info!("certificates and clients were read again");
                }
                // Halfway through a change of several files they do not fit: said once, then tried again.
                Err(error) if error.to_string() != said => {
                    said = error.to_string();
                    tracing::error!(error = said, "changed certificates or clients cannot be used; the old ones hold");
                }
                Err(_) => {}
            }
        }
    }

    fn read(&self) -> Result<Contents, TlsError> {
        let read = |file: &Path| std::fs::read(file).map_err(|error| wrong(file, error.to_string()));
        let text = |file: &PathBuf| String::from_utf8(read(file)?).map_err(|error| wrong(file, error.to_string()));
        Ok(Contents {
            cert: read(&self.cert)?,
            key: read(&self.key)?,
            client_ca: read(&self.client_ca)?,
            clients: self.clients.as_ref().map(text).transpose()?,
        })
    }

    fn current(&self, contents: &Contents) -> Result<Current, TlsError> {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.client_ca, &contents.client_ca)? {
            roots.add(root).map_err(|error| wrong(&self.client_ca, error.to_string()))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let verifier = verifier.build().map_err(|error| wrong(&self.client_ca, error.to_string()))?;
        let chain = certificates(&self.cert, &contents.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| wrong(&self.key, error.to_string()))?;
        let server = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]);
        let server = server.map_err(|error| wrong(&self.cert, error.to_string()))?;
        let server = server.with_client_cert_verifier(verifier).with_single_cert(chain, key);
        let mut server = server.map_err(|error| wrong(&self.cert, error.to_string()))?;
        server.alpn_protocols = vec![b"h2".to_vec()];
        let clients = match (&self.clients, &contents.clients) {
            (Some(file), Some(text)) => Clients::parse(text).map_err(|why| wrong(file, why))?,
            _ => Clients::ByUri,
        };
        Ok(Current { acceptor: TlsAcceptor::from(Arc::new(server)), clients })
    }
}

fn wrong(file: &Path, why: String) -> TlsError {
    TlsError { file: file.to_owned(), why }
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(found) if found.is_empty() => Err(wrong(file, "has no certificate in PEM".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(wrong(file, error.to_string())),
    }
}

/// What a client's certificate says, which a CA of ours signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// Its only SAN URI; `None` where it has none, or several.
    pub(crate) uri: Option<String>,
    /// The last second of its validity, since 1970.
    not_after: i64,
}

impl Certificate {
    /// Reads it; what cannot be read names nobody.
    pub(crate) fn read(der: &[u8]) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Self { uri: None, not_after: 0 } };
        let names = certificate.subject_alternative_name().ok().flatten();
        let mut uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        });
        let uri = uris.next().filter(|_| uris.next().is_none());
        Self { uri, not_after: certificate.validity().not_after.timestamp() }
    }

    /// Who holds it. A connection outlives the handshake: validity and clients are looked at for each call.
    pub(crate) fn caller(&self, tls: &Tls) -> Result<Caller, Status> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(i64::MAX, |since| since.as_secs().cast_signed());
        let unknown = |text: String| refused(&CERTIFICATE_UNKNOWN, text);
        let uri = self.uri.as_ref().ok_or_else(|| unknown("the certificate has not one SAN URI".to_owned()))?;
        if now > self.not_after {
            return Err(unknown("the certificate has expired since this connection was made".to_owned()));
        }
        tls.borrow().clients.find(uri).ok_or_else(|| unknown(format!("no client is known by the URI {uri}")))
    }

    /// Comes when its holder is no longer that caller: the list of clients says so, or it expired.
    pub(crate) async fn no_longer(self: Arc<Self>, caller: Caller, mut tls: Tls) -> Status {
        loop {
            match self.caller(&tls) {
                Ok(now) if now == caller => {}
                Ok(_) => {
                    return refused(&CERTIFICATE_UNKNOWN, "the certificate is somebody else's since this call began");
                }
                Err(status) => return status,
            }
            let expired = UNIX_EPOCH + Duration::from_secs(self.not_after.saturating_add(1).cast_unsigned());
            let left = expired.duration_since(SystemTime::now()).unwrap_or(EVERY);
            tokio::select! {
                changed = tls.changed() => if changed.is_err() {
                    // Nobody looks at the files any more: the server stops, and ends its streams itself.
                    std::future::pending::<()>().await;
                },
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}
