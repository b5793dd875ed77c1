//! A network that breaks: between callers and a server that may come back at another address.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A port that passes everything on to the server, a chunk at a time, and cuts a connection where it is told to.
#[derive(Clone)]
pub struct Network {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    server: Mutex<Option<SocketAddr>>,
    /// Chunks that came so far, in either direction.
    passed: AtomicU64,
    /// Chunks that are swallowed, and their connection with them.
    swallowed: Mutex<BTreeSet<u64>>,
    /// The answer to a request that is at least this long is swallowed, once; 0: none.
    request: AtomicUsize,
    cuts: AtomicU64,
    up: watch::Sender<bool>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    /// A network that leads nowhere yet.
    ///
    /// # Panics
    ///
    /// There is no free port.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let inner = Arc::new(Inner {
            server: Mutex::default(),
            passed: AtomicU64::new(0),
            swallowed: Mutex::default(),
            request: AtomicUsize::new(0),
            cuts: AtomicU64::new(0),
            up: watch::Sender::new(true),
        });
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let network = Self { url, inner };
        let serving = network.clone();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(serving.clone().join(caller));
            }
        });
        network
    }

    /// Leads to that server from now on, or nowhere.
    ///
    /// # Panics
    ///
    /// It has no address.
    pub fn lead(&self, server: Option<&str>) {
        let address = server.map(|url| url.trim_start_matches("http://").parse().expect("an address"));
        *held(&self.inner.server) = address;
    }

    /// Chunks that came so far.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.inner.passed.load(Ordering::Relaxed)
    }

    /// Connections that were cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.inner.cuts.load(Ordering::Relaxed)
    }

    /// Swallows that chunk, whichever way it goes, and cuts its connection.
    pub fn swallow(&self, chunk: u64) {
        held(&self.inner.swallowed).insert(chunk);
    }

    /// Swallows the answer to the next request of at least so many bytes, as far as one chunk shows it, and cuts its connection:
    /// the server did what was asked, and the caller does not know.
    pub fn swallow_answer_to(&self, bytes: usize) {
        self.inner.request.store(bytes, Ordering::Relaxed);
    }

    /// Ends all connections and takes no more.
    pub fn close(&self) {
        self.inner.up.send_replace(false);
    }

    async fn join(self, caller: TcpStream) {
        let address = *held(&self.inner.server);
        let Some(address) = address else { return };
        let Ok(server) = TcpStream::connect(address).await else { return };
        let (mut up, mut from_caller, mut from_server) = (self.inner.up.subscribe(), [0; 4_096], [0; 4_096]);
        let ((mut caller_in, mut caller_out), (mut server_in, mut server_out)) =
            (caller.into_split(), server.into_split());
        let mut unanswered = false;
        loop {
            let passed = tokio::select! {
                read = caller_in.read(&mut from_caller) => {
                    let least = self.inner.request.load(Ordering::Relaxed);
                    if least > 0 && read.as_ref().is_ok_and(|length| *length >= least) {
                        self.inner.request.store(0, Ordering::Relaxed);
                        unanswered = true;
                    }
                    self.pass(read, &from_caller, &mut server_out).await
                }
                // An answer, not one of the protocol's own small frames.
                read = server_in.read(&mut from_server) => match read {
                    Ok(1_000..) if unanswered => {
                        self.inner.cuts.fetch_add(1, Ordering::Relaxed);
                        false
                    }
                    read => self.pass(read, &from_server, &mut caller_out).await,
                },
                () = async { drop(up.wait_for(|up| !up).await) } => return,
            };
            if !passed {
                return;
            }
        }
    }

    /// `false` where the connection ends.
    async fn pass(&self, read: std::io::Result<usize>, bytes: &[u8], to: &mut (impl AsyncWriteExt + Unpin)) -> bool {
        let length = match read {
            Ok(0) | Err(_) => return false,
            Ok(length) => length,
        };
        let chunk = self.inner.passed.fetch_add(1, Ordering::Relaxed);
        if held(&self.inner.swallowed).remove(&chunk) {
            self.inner.cuts.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        to.write_all(&bytes[..length]).await.is_ok()
    }
}
