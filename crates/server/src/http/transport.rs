//! The bytes under HTTP: a socket, plain or with TLS, that can be taken apart again.

use rustls::ServerConnection;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A socket and what was read from it already but belongs to whoever reads next.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    ahead: Vec<u8>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Socket {
        Socket { stream, ahead: Vec::new() }
    }

    pub(super) fn put_back(&mut self, bytes: Vec<u8>) {
        self.ahead = bytes;
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What hyper reads and writes.
#[derive(Debug)]
pub(super) struct Transport {
    carrier: Carrier,
    /// The last write was not taken whole: hyper holds bytes of its own.
    write_waits: bool,
}

#[derive(Debug)]
enum Carrier {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Transport {
    pub(super) fn plain(socket: Socket) -> Transport {
        Transport { carrier: Carrier::Plain(socket), write_waits: false }
    }

    pub(super) fn tls(stream: TlsStream<Socket>) -> Transport {
        Transport { carrier: Carrier::Tls(Box::new(stream)), write_waits: false }
    }

    /// The socket outside of the event loop, its TLS state, and plaintext read ahead.
    ///
    /// `None` if that cannot be: hyper drops what it could not write yet when a connection is upgraded. That needs a
    /// client that asks for so many pages before its upgrade, without reading them, that the kernel's buffer is full; no
    /// such client is owed anything.
    pub(super) fn into_parts(self) -> Option<(std::net::TcpStream, Option<Box<ServerConnection>>, Vec<u8>)> {
        if self.write_waits {
            return None;
        }
        match self.carrier {
            Carrier::Plain(socket) => Some((socket.stream.into_std().ok()?, None, socket.ahead)),
            Carrier::Tls(stream) => {
                let (socket, connection) = stream.into_inner();
                // Ciphertext put back after a PROXY header has gone into the handshake.
                socket.ahead.is_empty().then_some(())?;
                Some((socket.stream.into_std().ok()?, Some(Box::new(connection)), Vec::new()))
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Carrier::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Until this write is seen to be taken whole, hyper holds some of it.
        self.write_waits = true;
        let written = ready!(match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Carrier::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        })?;
        self.write_waits = written < bytes.len();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_flush(context),
            Carrier::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Carrier::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
