//! The bytes of one connection: TCP, with TLS over it or not. Non-blocking; an event loop says when to try again.

use mio::net::TcpStream;
use rustls::ServerConnection;
use session::room_index::Segment;
use smallvec::SmallVec;
use std::cell::Ref;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

#[derive(Debug)]
pub struct Socket {
    pub stream: TcpStream,
    pub tls: Option<Box<ServerConnection>>,
}

/// Slices handed to the kernel in one write.
const SLICES_PER_WRITE: usize = 64;
/// Plaintext given to TLS before what it made of it is written: bounds the ciphertext that waits, in bytes.
const TLS_PLAINTEXT_AT_ONCE: usize = 64 * 1024;

type Slices<'a> = SmallVec<[Ref<'a, [u8]>; SLICES_PER_WRITE]>;

impl Socket {
    pub fn plain(stream: TcpStream) -> Socket {
        Socket { stream, tls: None }
    }

    /// Reads what the peer said, decrypted. `Ok(0)`: it will say no more.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A connection cut without close_notify ends like any other: a line is whole only with its newline.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            if take_packets(tls, &mut self.stream)? == 0 {
                return Ok(0);
            }
            // Handshake answers and key updates go out at once: the peer waits for them. What the kernel does not take now
            // is written when it says so; what the peer said is read all the same.
            match write_waiting(tls, &mut self.stream) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    /// Ciphertext that was read before TLS began.
    pub fn feed_tls(&mut self, mut ciphertext: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while !ciphertext.is_empty() {
            tls.read_tls(&mut ciphertext)?;
            tls.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Ok(())
    }

    /// A read that filled less than the buffer has taken all that was there, so a further one would only say so.
    pub fn short_read_is_last(&self) -> bool {
        self.tls.is_none()
    }

    /// Writes from the front of what waits; how much of it is gone from the outbox.
    pub fn write<'a>(&mut self, waiting: impl Iterator<Item = &'a Segment>) -> io::Result<usize> {
        let slices: Slices<'a> = waiting.take(SLICES_PER_WRITE).map(Segment::bytes).collect();
        match (&mut self.tls, slices.as_slice()) {
            (None, [one]) => self.stream.write(one),
            (None, slices) => self.stream.write_vectored(&io_slices(slices)),
            (Some(tls), slices) => write_encrypted(tls, &mut self.stream, slices),
        }
    }

    /// TLS has something to say by itself: handshake, alert, or ciphertext that the kernel did not take.
    pub fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Writes what TLS has to say.
    pub fn write_tls(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => Ok(()),
            Some(tls) => write_waiting(tls, &mut self.stream),
        }
    }

    /// Tells the peer that nothing more comes.
    pub fn finish(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            // The peer may be gone already; there is nobody left to tell.
            let _ = write_waiting(tls, &mut self.stream);
        }
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Reads ciphertext once and works on it. `Ok(0)`: the peer closed.
fn take_packets(tls: &mut ServerConnection, stream: &mut TcpStream) -> io::Result<usize> {
    let count = tls.read_tls(stream)?;
    if let Err(error) = tls.process_new_packets() {
        // The alert that says why; the connection ends whether or not it gets through.
        let _ = write_waiting(tls, stream);
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    Ok(count)
}

fn write_encrypted(tls: &mut ServerConnection, stream: &mut TcpStream, slices: &[Ref<'_, [u8]>]) -> io::Result<usize> {
    write_waiting(tls, stream)?;
    let mut taken = 0;
    for slice in slices {
        let room = TLS_PLAINTEXT_AT_ONCE - taken;
        let count = tls.writer().write(&slice[..slice.len().min(room)])?;
        taken += count;
        if count < slice.len() {
            break;
        }
    }
    // What the kernel does not take stays with TLS and goes first next time.
    match write_waiting(tls, stream) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(taken),
    }
}

fn write_waiting(tls: &mut ServerConnection, stream: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(stream)?;
    }
    Ok(())
}

fn io_slices<'a>(slices: &'a [Ref<'_, [u8]>]) -> SmallVec<[IoSlice<'a>; SLICES_PER_WRITE]> {
    slices.iter().map(|slice| IoSlice::new(slice)).collect()
}
