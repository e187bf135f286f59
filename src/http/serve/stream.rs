//! A connection's bytes, whatever carries them, with a deadline for those who do not read their answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long a written byte may wait for its reader to take some. The kernel makes room in large steps, so that one who takes a
/// byte now and then does not put it off.
const UNREAD: Duration = Duration::from_secs(10);

/// What carries a connection.
pub trait Carries: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Carries for T {}

/// See [`Carries`].
pub type Io = Box<dyn Carries>;

/// See the module.
pub(super) struct Patient {
    io: Io,
    unread: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn of(io: Io) -> Self {
        Self { io, unread: None }
    }

    /// What came of writing; an error where nothing has come of it for too long.
    fn within<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.unread = None;
            return written;
        }
        let late = self.unread.get_or_insert_with(|| Box::pin(tokio::time::sleep(UNREAD)));
        match late.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.within(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.within(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.within(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.io).poll_shutdown(context);
        self.within(ended, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up_and_who_reads_is_not() {
        let (near, far) = tokio::io::duplex(64);
        let mut patient = Patient::of(Box::new(near));
        patient.write_all(&[0; 64]).await.unwrap();
        let error = patient.write_all(&[0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(far);

        let (near, mut far) = tokio::io::duplex(64);
        let mut patient = Patient::of(Box::new(near));
        let reader = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(UNREAD / 2).await;
                tokio::io::AsyncReadExt::read_exact(&mut far, &mut [0; 64]).await.unwrap();
            }
        });
        patient.write_all(&[0; 640]).await.unwrap();
        reader.await.unwrap();
    }
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, and nothing else.
    Http1,
    /// HTTP/2, and nothing else: gRPC.
    Http2,
}
