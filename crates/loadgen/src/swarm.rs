//! Many clients' sockets in one thread: one epoll loop, one read buffer for all, lines handed to a [`Conversation`].
//!
//! What the loop costs must stay below what the server costs, or it would measure itself: a socket is registered once
//! (edge-triggered, both directions), a wake-up is one `read` (a read that does not fill the buffer has emptied the socket), and
//! only the unfinished end of a line is ever copied.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;
use socket2::{Domain, Protocol, Socket, Type};

use crate::fault::Fault;
use crate::tls::TlsStream;

/// Bytes read at once; a line must fit. Small enough to stay in a core's second-level cache.
const READ_BUFFER: usize = 128 * 1024;
/// Events taken from the kernel at once; more wait for the next turn.
const EVENTS_PER_TURN: usize = 4096;

/// Where and how clients connect.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub tls: Option<Arc<ClientConfig>>,
    /// So many clients share a source address of 127.0.0.0/8. An address has 28,000 ports, and servers count connections by it.
    pub clients_per_address: usize,
}

/// What clients say: told of what happens on their connections, answers through [`Outgoing`].
pub trait Conversation {
    fn connected(&mut self, client: usize, outgoing: &mut Outgoing);

    /// `lines`: one or more whole lines, each with its line end.
    fn received(&mut self, client: usize, lines: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault>;

    /// Why the server may have closed this connection: its last ERROR line, if one was seen.
    fn last_error(&self, client: usize) -> String;
}

/// Bytes that clients have still to send. They leave at the next turn, all of a client's in one write.
#[derive(Debug, Default)]
pub struct Outgoing {
    unsent: Vec<Vec<u8>>,
    changed: Vec<usize>,
}

impl Outgoing {
    /// The bytes to append to.
    pub fn of(&mut self, client: usize) -> &mut Vec<u8> {
        let unsent = &mut self.unsent[client];
        if unsent.is_empty() {
            self.changed.push(client);
        }
        unsent
    }
}

#[derive(Debug)]
pub struct Swarm {
    target: Target,
    poll: Poll,
    events: Events,
    buffer: Box<[u8]>,
    connections: Vec<Connection>,
    outgoing: Outgoing,
}

#[derive(Debug)]
struct Connection {
    transport: Transport,
    connected: bool,
    /// The beginning of a line whose end has not come.
    unfinished: Vec<u8>,
}

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Swarm {
    pub fn new(target: Target) -> Result<Swarm, Fault> {
        let poll = Poll::new().map_err(|error| Fault::Io("set up epoll".to_owned(), error))?;
        Ok(Swarm {
            target,
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            connections: Vec::new(),
            outgoing: Outgoing::default(),
        })
    }

    /// Starts a connection; [`Conversation::connected`] follows in some later turn. Clients are numbered from 0.
    pub fn connect(&mut self) -> Result<usize, Fault> {
        let client = self.connections.len();
        let doing = |error| {
            let text = format!("connect client {client} to {}", self.target.address);
            Fault::Io(text, error)
        };
        let mut socket = start_connect(&self.target, client).map_err(doing)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        let registered = registry.register(&mut socket, Token(client), both);
        registered.map_err(doing)?;
        let transport = match &self.target.tls {
            None => Transport::Plain(socket),
            Some(settings) => Transport::Tls(Box::new(TlsStream::new(Arc::clone(settings), socket)?)),
        };
        self.connections.push(Connection { transport, connected: false, unfinished: Vec::new() });
        self.outgoing.unsent.push(Vec::new());
        Ok(client)
    }

    pub fn clients(&self) -> usize {
        self.connections.len()
    }

    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// One turn of the loop: sends what is unsent, waits at most `timeout` for something to come, hands it on.
    pub fn turn(&mut self, conversation: &mut impl Conversation, timeout: Duration) -> Result<(), Fault> {
        while let Some(client) = self.outgoing.changed.pop() {
            let unsent = &mut self.outgoing.unsent[client];
            send(&mut self.connections[client], client, unsent)?;
        }
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(|error| Fault::Io("wait for events".to_owned(), error))?,
        }
        for event in &self.events {
            let client = event.token().0;
            let connection = &mut self.connections[client];
            if event.is_writable() {
                if !connection.connected {
                    connection.finish_connect(client)?;
                    conversation.connected(client, &mut self.outgoing);
                }
                let unsent = &mut self.outgoing.unsent[client];
                if !unsent.is_empty() {
                    send(connection, client, unsent)?;
                }
            }
            if event.is_readable() || event.is_read_closed() {
                let closing = event.is_read_closed();
                let buffer = &mut self.buffer;
                connection.read(client, closing, buffer, conversation, &mut self.outgoing)?;
            }
        }
        Ok(())
    }
}

impl Connection {
    fn socket(&self) -> &TcpStream {
        match &self.transport {
            Transport::Plain(socket) => socket,
            Transport::Tls(stream) => stream.socket(),
        }
    }

    fn finish_connect(&mut self, client: usize) -> Result<(), Fault> {
        let doing = |error| Fault::Io(format!("connect client {client}"), error);
        if let Some(error) = self.socket().take_error().map_err(doing)? {
            return Err(doing(error));
        }
        self.connected = true;
        if let Transport::Tls(stream) = &mut self.transport {
            match stream.flush() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => sent.map_err(doing)?,
            }
        }
        Ok(())
    }

    fn read(
        &mut self,
        client: usize,
        closing: bool,
        buffer: &mut [u8],
        conversation: &mut impl Conversation,
        outgoing: &mut Outgoing,
    ) -> Result<(), Fault> {
        loop {
            let kept = self.unfinished.len();
            if kept == buffer.len() {
                let line = format!("a line of more than {READ_BUFFER} bytes");
                return Err(Fault::Refused { client, line });
            }
            let (read, is_tls) = match &mut self.transport {
                Transport::Plain(socket) => (socket.read(&mut buffer[kept..]), false),
                Transport::Tls(stream) => (stream.read(&mut buffer[kept..]), true),
            };
            let filled = match read {
                Ok(0) => {
                    let last_error = conversation.last_error(client);
                    return Err(Fault::Closed { client, last_error });
                }
                Ok(length) => kept + length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    let last_error = conversation.last_error(client);
                    let doing = format!("read from the server as client {client} ({last_error})");
                    return Err(Fault::Io(doing, error));
                }
            };
            buffer[..kept].copy_from_slice(&self.unfinished);
            let end = memchr::memrchr(b'\n', &buffer[kept..filled]);
            let end = end.map_or(0, |at| kept + at + 1);
            self.unfinished.clear();
            self.unfinished.extend_from_slice(&buffer[end..filled]);
            if end > 0 {
                conversation.received(client, &buffer[..end], outgoing)?;
            }
            if filled < buffer.len() && !is_tls && !closing {
                return Ok(());
            }
        }
    }
}

/// Writes what the socket takes now; the rest waits for the socket's next writable event.
fn send(connection: &mut Connection, client: usize, unsent: &mut Vec<u8>) -> Result<(), Fault> {
    if !connection.connected {
        return Ok(());
    }
    let mut sent = 0;
    while sent < unsent.len() {
        let written = match &mut connection.transport {
            Transport::Plain(socket) => socket.write(&unsent[sent..]),
            Transport::Tls(stream) => stream.write(&unsent[sent..]),
        };
        match written {
            Ok(length) => sent += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => {
                let doing = format!("write to the server as client {client}");
                return Err(Fault::Io(doing, error));
            }
        }
    }
    unsent.drain(..sent);
    Ok(())
}

fn start_connect(target: &Target, client: usize) -> io::Result<TcpStream> {
    let address = target.address;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if matches!(address.ip(), IpAddr::V4(ip) if ip.is_loopback()) {
        let source = source_address(client / target.clients_per_address.max(1));
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    match socket.connect(&address.into()) {
        Err(error)
            if error.kind() != io::ErrorKind::WouldBlock
                && error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            return Err(error);
        }
        _ => {}
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// Address number `index` of 127.1.0.1, 127.1.0.2, …
fn source_address(index: usize) -> Ipv4Addr {
    let octet = |value: usize| (value % 250) as u8;
    Ipv4Addr::new(127, 1 + octet(index / 62_500), octet(index / 250), 1 + octet(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_addresses_differ() {
        let addresses: std::collections::HashSet<_> = (0..100_000).map(source_address).collect();
        assert_eq!(addresses.len(), 100_000);
        assert!(addresses.iter().all(Ipv4Addr::is_loopback));
    }
}
