//! One connection through the bad network: each way has one thread that reads and one that writes what is due.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::conditions::{Cable, Conditions, Controls};

/// A piece is what one packet of an Ethernet would carry.
const PIECE_BYTES: usize = 1_448;
/// Pieces under way; then the sender has to wait, as for any window.
const MOST_PIECES: usize = 256;
/// The least time after which TCP sends again what was not confirmed (Linux: TCP_RTO_MIN).
const SENT_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Conditions are looked at so often while nothing happens.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// While the cable is out.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// What both ways of a connection share.
#[derive(Debug)]
struct Both {
    number: u64,
    client: TcpStream,
    server: TcpStream,
    /// How it was when it began.
    began: Conditions,
    controls: Arc<Controls>,
}

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    Through,
    /// They vanish.
    Nowhere,
    /// There is no connection any more.
    Over,
}

struct Piece {
    bytes: Vec<u8>,
    due: Instant,
}

/// Begins to carry; returns at once.
pub fn open(number: u64, client: TcpStream, to: SocketAddr, seed: u64, controls: &Arc<Controls>) -> io::Result<()> {
    let server = TcpStream::connect(to)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    // What the other end does not take must not keep an order from being carried out.
    client.set_write_timeout(Some(LOOK_AGAIN))?;
    server.set_write_timeout(Some(LOOK_AGAIN))?;
    let both = Both { number, client, server, began: controls.now(), controls: Arc::clone(controls) };
    let both = Arc::new(both);
    let seed = seed.wrapping_add(number);
    for (way, seed) in [(Way::ToServer, seed), (Way::ToClient, seed ^ 0x9E37_79B9_7F4A_7C15)] {
        let (sender, pieces) = sync_channel(MOST_PIECES);
        let (reading, writing) = (Arc::clone(&both), Arc::clone(&both));
        thread::Builder::new().name("proxy reads".to_owned()).spawn(move || reading.read(way, seed, &sender))?;
        thread::Builder::new().name("proxy writes".to_owned()).spawn(move || writing.write(way, &pieces))?;
    }
    Ok(())
}

impl Both {
    fn ends(&self, way: Way) -> (&TcpStream, &TcpStream) {
        match way {
            Way::ToServer => (&self.client, &self.server),
            Way::ToClient => (&self.server, &self.client),
        }
    }

    /// Until that end has no more to say, or the connection is over.
    fn read(&self, way: Way, seed: u64, pieces: &SyncSender<Piece>) {
        let mut from = self.ends(way).0;
        let mut chance = Chance(seed | 1);
        let mut buffer = vec![0; PIECE_BYTES];
        // When the line is free again, and nothing overtakes what went before.
        let (mut line_free, mut last_due) = (Instant::now(), Instant::now());
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            let now = self.controls.now();
            let sent = line_free.max(Instant::now());
            let takes = if now.rate == 0 { 0.0 } else { count as f64 / now.rate as f64 };
            line_free = sent + Duration::from_secs_f64(takes);
            let mut due = line_free + now.delay + now.jitter.mul_f64(chance.next());
            // Each time it is lost again TCP waits twice as long.
            let mut wait = SENT_AGAIN_AFTER;
            while chance.next() < now.loss && wait < SENT_AGAIN_AFTER * 64 {
                due += wait;
                wait *= 2;
            }
            last_due = last_due.max(due);
            if pieces.send(Piece { bytes: buffer[..count].to_vec(), due: last_due }).is_err() {
                return;
            }
        }
    }

    fn write(&self, way: Way, pieces: &Receiver<Piece>) {
        let to = self.ends(way).1;
        loop {
            let piece = match pieces.recv_timeout(LOOK_AGAIN) {
                Ok(piece) => Some(piece),
                Err(RecvTimeoutError::Timeout) => None,
                // That end has said its last: so it is told here, once the cable lets it.
                Err(RecvTimeoutError::Disconnected) => {
                    if self.passes(way, Instant::now()) == Passage::Through {
                        let _ = to.shutdown(Shutdown::Write);
                    }
                    return;
                }
            };
            let due = piece.as_ref().map_or_else(Instant::now, |piece| piece.due);
            let mut rest = piece.as_ref().map_or(&[][..], |piece| &piece.bytes);
            loop {
                match self.passes(way, due) {
                    Passage::Over => return,
                    Passage::Nowhere => {
                        if !rest.is_empty() {
                            println!("connection {}: {} bytes went nowhere", self.number, rest.len());
                        }
                        break;
                    }
                    Passage::Through if rest.is_empty() => break,
                    Passage::Through => {}
                }
                match (&mut &*to).write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // That end is gone; the one that talks to it is told so.
                    Err(_) => return self.reset(),
                }
            }
        }
    }

    /// Waits until something due then may pass, and says where to.
    fn passes(&self, way: Way, due: Instant) -> Passage {
        loop {
            let now = self.controls.now();
            if self.is_over(&now) {
                self.reset();
                return Passage::Over;
            }
            let half_open = self.is_half_open(&now);
            if half_open {
                // Again and again does no harm.
                let _ = self.server.shutdown(Shutdown::Both);
                if way == Way::ToServer {
                    return Passage::Nowhere;
                }
            }
            let left = due.saturating_duration_since(Instant::now());
            // The server's goodbye does not reach the client of a half-open connection.
            let wait = if half_open || now.cable == Cable::Out { LONGEST_WAIT } else { left };
            if wait.is_zero() {
                return Passage::Through;
            }
            self.controls.wait(wait, |then| {
                self.is_over(then) || self.is_half_open(then) != half_open || then.cable != now.cable
            });
        }
    }

    fn is_half_open(&self, now: &Conditions) -> bool {
        now.half_opens > self.began.half_opens
    }

    fn is_over(&self, now: &Conditions) -> bool {
        now.cuts > self.began.cuts || now.told > self.began.half_opens
    }

    /// Closes both ends so that each is told with a reset (SO_LINGER 0, socket(7)).
    fn reset(&self) {
        for end in [&self.client, &self.server] {
            let _ = rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO));
            // Wakes who reads; the reset goes out when the last of the threads lets go.
            let _ = end.shutdown(Shutdown::Read);
        }
    }
}

/// Chance that can be repeated (xorshift64*; Marsaglia 2003, Vigna 2016).
struct Chance(u64);

impl Chance {
    /// From 0 to 1, without 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
