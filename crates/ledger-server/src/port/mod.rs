//! The port: connections taken within limits, with or without TLS.
//!
//! A connection has [`GREETING`] for its handshake or first byte, and must then be heard of every [`IDLE`]: a client that lives
//! answers the server's pings, one that is gone or never spoke does not. Of those that have not spoken yet the oldest gives way
//! to a new one, so that thousands of them keep nobody out.

pub(crate) mod deadline;
mod idle;
mod quota;
mod tls;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::metrics::Metrics;
use idle::Idle;
pub(crate) use quota::{Entered, Quota};
pub(crate) use tls::{Certificate, Tls};
pub use tls::{TlsError, TlsFiles};

/// How long a handshake, or the first byte, may take.
const GREETING: Duration = Duration::from_secs(10);
/// How long nothing may be heard of a connection; longer than [`PING_EVERY`] and [`PING_ANSWER`] together.
const IDLE: Duration = Duration::from_secs(60);
/// How often the server asks whether a client is there.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(30);
/// How long the answer may take.
pub(crate) const PING_ANSWER: Duration = Duration::from_secs(20);
/// Connections that have not spoken yet.
const MOST_GREETING: usize = 512;
/// Connections by one certificate's URI; one more is told so at each call.
const MOST_OF_ONE: usize = 128;
/// Connections that are told so; one more is closed.
const MOST_TOLD: usize = 16;
/// Between two tries to accept where the system has no room for a connection.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Connections as they are accepted, until the stream is dropped. `accept` must be run beside it.
pub(crate) fn incoming(
    listener: TcpListener,
    tls: Option<Tls>,
    most: usize,
    metrics: Metrics,
) -> (ReceiverStream<io::Result<Connection>>, impl Future<Output = ()> + Send) {
    let (sender, connections) = mpsc::channel(16);
    let door = Doorman { tls, open: Arc::new(Semaphore::new(most)), holders: Holders::default(), metrics, sender };
    (ReceiverStream::new(connections), accept(listener, door))
}

#[derive(Clone)]
struct Doorman {
    tls: Option<Tls>,
    open: Arc<Semaphore>,
    holders: Holders,
    metrics: Metrics,
    sender: mpsc::Sender<io::Result<Connection>>,
}

async fn accept(listener: TcpListener, door: Doorman) {
    let (mut greetings, mut order) = (JoinSet::new(), VecDeque::<AbortHandle>::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.sender.closed() => return,
        };
        let tcp = match accepted {
            Ok((tcp, _)) => tcp,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(NO_ROOM).await;
                continue;
            }
        };
        while greetings.try_join_next().is_some() {}
        while order.front().is_some_and(AbortHandle::is_finished) {
            order.pop_front();
        }
        if greetings.len() >= MOST_GREETING
            && let Some(oldest) = order.pop_front()
        {
            door.metrics.turned_away("silent");
            oldest.abort();
        }
        let door = door.clone();
        order.push_back(greetings.spawn(async move {
            let metrics = door.metrics.clone();
            // One that does not get so far is gone without a word.
            if tokio::time::timeout(GREETING, door.greet(tcp)).await.is_err() {
                metrics.turned_away("silent");
            }
        }));
    }
}

impl Doorman {
    async fn greet(self, tcp: TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        let (io, certificate) = match &self.tls {
            None => {
                let mut first = [0];
                tcp.peek(&mut first).await?;
                (Io::Plain(tcp), None)
            }
            Some(tls) => {
                let acceptor = tls.borrow().acceptor.clone();
                let stream = match acceptor.accept(tcp).await {
                    Ok(stream) => stream,
                    Err(error) => {
                        tracing::info!(%error, "a handshake failed");
                        self.metrics.turned_away("handshake");
                        return Err(error);
                    }
                };
                let der = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let certificate = der.map(|der| Arc::new(Certificate::read(der)));
                (Io::Tls(Box::new(stream)), certificate)
            }
        };
        let uri = certificate.as_ref().and_then(|certificate| certificate.uri.clone());
        let (Ok(open), Some(held)) = (self.open.try_acquire_owned(), self.holders.one_more(uri.clone())) else {
            tracing::warn!(uri, "a connection was closed: there are too many");
            self.metrics.turned_away("too many");
            return Ok(());
        };
        let (peer, counted) = (Peer { certificate, one_too_many: held.one_too_many }, Counted::new(self.metrics));
        let connection = Connection { io: Idle::new(io, IDLE), peer, _open: open, _held: held, _counted: counted };
        // Nobody takes it where the server stops.
        let _ = self.sender.send(Ok(connection)).await;
        Ok(())
    }
}

/// Connections by URI.
#[derive(Clone, Debug, Default)]
struct Holders(Arc<Mutex<HashMap<String, usize>>>);

impl Holders {
    fn one_more(&self, uri: Option<String>) -> Option<Held> {
        let mut one_too_many = false;
        if let Some(uri) = &uri {
            let mut holders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = holders.entry(uri.clone()).or_default();
            if *count >= MOST_OF_ONE + MOST_TOLD {
                return None;
            }
            one_too_many = *count >= MOST_OF_ONE;
            *count += 1;
        }
        Some(Held { uri, of: self.clone(), one_too_many })
    }
}

/// One of the connections by a URI.
struct Held {
    uri: Option<String>,
    of: Holders,
    one_too_many: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(uri) = self.uri.take() else { return };
        let mut holders = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = holders.get_mut(&uri) {
            *count -= 1;
            if *count == 0 {
                holders.remove(&uri);
            }
        }
    }
}

/// A connection in the metrics.
struct Counted(Metrics);

impl Counted {
    fn new(metrics: Metrics) -> Self {
        metrics.connected();
        Self(metrics)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}

/// Who is at the other end, as far as the connection tells.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// Its certificate had as many connections as it may have.
    pub(crate) one_too_many: bool,
}

/// A connection that was let in.
pub(crate) struct Connection {
    io: Idle<Io>,
    peer: Peer,
    _open: OwnedSemaphorePermit,
    _held: Held,
    _counted: Counted,
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

macro_rules! either {
    ($self:ident, $io:ident => $work:expr) => {
        match $self.get_mut() {
            Io::Plain($io) => $work,
            Io::Tls($io) => $work,
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, io => Pin::new(io).poll_read(cx, buf))
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, io => Pin::new(io).poll_write(cx, buf))
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => Pin::new(io).poll_flush(cx))
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => Pin::new(io).poll_shutdown(cx))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => Pin::new(io).poll_write_vectored(cx, bufs))
    }
    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.io.inner()).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.inner()).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.io.inner()).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.io.inner()).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
