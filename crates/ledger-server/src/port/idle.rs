//! A connection of which nothing is heard for too long ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Reads that end with an error when nothing was read for a time.
pub(super) struct Idle<T> {
    io: T,
    most: Duration,
    heard: Instant,
    /// Not set anew with every byte: when it is over, it is looked up when the last one came.
    alarm: Pin<Box<Sleep>>,
}

impl<T> Idle<T> {
    pub(super) fn new(io: T, most: Duration) -> Self {
        Self { io, most, heard: Instant::now(), alarm: Box::pin(tokio::time::sleep(most)) }
    }

    pub(super) const fn inner(&mut self) -> &mut T {
        &mut self.io
    }
}

impl<T: AsyncWrite> Idle<T> {
    pub(super) fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Idle<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, buf) {
            self.heard = Instant::now();
            return Poll::Ready(read);
        }
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let until = self.heard + self.most;
            if until <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_is_heard_of_lives_and_what_is_not_ends() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Idle::new(server, Duration::from_secs(3_600));
        let mut byte = [0];
        let (read, sent) = tokio::join!(server.read_exact(&mut byte), client.write_all(b"x"));
        read.and(sent.map(|()| 0)).expect("heard of");
        let (_client, server) = tokio::io::duplex(64);
        let ended = Idle::new(server, Duration::from_millis(20)).read_exact(&mut byte).await;
        assert_eq!(ended.expect_err("nothing is heard").kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_time_counts_from_the_last_byte() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Idle::new(server, Duration::from_millis(20));
        client.write_all(b"x").await.expect("a byte");
        // The first alarm is over before the byte is read: it is looked up when the byte came, and set anew.
        tokio::time::sleep(Duration::from_millis(60)).await;
        let mut byte = [0];
        server.read_exact(&mut byte).await.expect("a byte that was there counts, however late it is read");
        assert_eq!(server.read_exact(&mut byte).await.expect_err("the end").kind(), io::ErrorKind::TimedOut);
    }
}
