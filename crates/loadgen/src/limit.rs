//! The physical limit: a server that parses nothing and only writes ready bytes.
//!
//! It understands as much IRC as the clients of this program need to come in (CAP, NICK, USER, JOIN, PING), found by the first
//! bytes of a line. From then on a sender's line is put behind a ready prefix once (once more with ready tags, for members that
//! have `server-time`) and those bytes go to every member of the room: what remains is what the kernel asks for a delivery.
//! Nothing is looked up, checked, logged or stored, so no real server can be cheaper; how near one comes is the figure.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use clap::{Args, ValueEnum};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};

use crate::fault::Fault;
use crate::irc_bytes::{lines, shown};

const LISTENER: Token = Token(usize::MAX);
const READ_BUFFER: usize = 64 * 1024;
const BACKLOG: i32 = 4096;

/// As long as a real message's tags: `time`, and `msgid` with a UUID.
const READY_TAGS: &[u8] = b"@time=2026-01-01T00:00:00.000Z;msgid=00000000-0000-7000-8000-000000000000 ";

#[derive(Debug, Args)]
pub struct Limit {
    /// Where to listen; port 0 for any free one, which is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6667")]
    listen: SocketAddr,
    /// How deliveries are written
    #[arg(long, value_enum, default_value_t = Mode::Batch)]
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// All pending bytes of a member in one write per wake-up
    Batch,
    /// One write for each member and message
    Single,
}

impl Limit {
    /// Serves until the process is ended.
    pub fn run(&self) -> Result<(), Fault> {
        let doing = |error| Fault::Io(format!("listen on {}", self.listen), error);
        let listener = listen(self.listen).map_err(doing)?;
        println!("listening on {}", listener.local_addr().map_err(doing)?);
        let server = Server { poll: Poll::new().map_err(doing)?, listener, mode: self.mode, floor: Floor::default() };
        server.serve().map_err(|error| Fault::Io("go on serving".to_owned(), error))
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

#[derive(Debug)]
struct Server {
    poll: Poll,
    listener: TcpListener,
    mode: Mode,
    floor: Floor,
}

/// Who is here and in which room.
#[derive(Debug, Default)]
struct Floor {
    connections: Vec<Option<Connection>>,
    rooms: Vec<Room>,
    room_numbers: HashMap<Vec<u8>, usize>,
    /// Rooms with bytes to write in this wake-up.
    stirred: Vec<usize>,
}

#[derive(Debug, Default)]
struct Room {
    members: Vec<usize>,
    plain: Vec<u8>,
    tagged: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    unfinished: Vec<u8>,
    /// Bytes that the socket did not take.
    unsent: Vec<u8>,
    nick: String,
    has_user: bool,
    negotiating: bool,
    welcomed: bool,
    tagged: bool,
    echo: bool,
    room: Option<usize>,
    /// `:nick!user@host `, ready.
    prefix: Vec<u8>,
    /// Has posted in this wake-up and wants no echo. In a room with several senders this would also keep the others' messages
    /// from it; no scenario has such senders without echo.
    skipped: bool,
}

impl Server {
    fn serve(mut self) -> io::Result<()> {
        let registry = self.poll.registry();
        registry.register(&mut self.listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(4096);
        let mut buffer = vec![0; READ_BUFFER];
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let number = event.token().0;
                if event.is_writable() {
                    self.floor.send(number, b"");
                }
                if event.is_readable() || event.is_read_closed() {
                    let closing = event.is_read_closed();
                    self.floor.read(number, closing, self.mode, &mut buffer);
                }
            }
            self.floor.flush();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            socket.set_nodelay(true)?;
            let number = self.floor.connections.len();
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(number), both)?;
            self.floor.connections.push(Some(Connection::new(socket)));
        }
    }
}

impl Floor {
    fn read(&mut self, number: usize, closing: bool, mode: Mode, buffer: &mut [u8]) {
        loop {
            let Some(connection) = &mut self.connections[number] else {
                return;
            };
            let kept = connection.unfinished.len();
            let read = match buffer.get_mut(kept..) {
                Some(free) if !free.is_empty() => connection.socket.read(free),
                _ => Ok(0),
            };
            let filled = match read {
                Ok(0) => return self.close(number),
                Ok(length) => kept + length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.close(number),
            };
            buffer[..kept].copy_from_slice(&connection.unfinished);
            let end = memchr::memrchr(b'\n', &buffer[..filled]).map_or(0, |at| at + 1);
            connection.unfinished.clear();
            connection.unfinished.extend_from_slice(&buffer[end..filled]);
            for line in lines(&buffer[..end]) {
                if line.starts_with(b"PRIVMSG ") {
                    self.post(number, line, mode);
                } else {
                    self.set_up(number, line);
                }
            }
            if filled < buffer.len() && !closing {
                return;
            }
        }
    }

    fn post(&mut self, number: usize, line: &[u8], mode: Mode) {
        let Some(connection) = &mut self.connections[number] else {
            return;
        };
        let Some(room_number) = connection.room else {
            return;
        };
        connection.skipped = !connection.echo;
        let room = &mut self.rooms[room_number];
        if room.plain.is_empty() {
            self.stirred.push(room_number);
        }
        room.plain.extend_from_slice(&connection.prefix);
        room.plain.extend_from_slice(line);
        room.tagged.extend_from_slice(READY_TAGS);
        room.tagged.extend_from_slice(&connection.prefix);
        room.tagged.extend_from_slice(line);
        if mode == Mode::Single {
            self.flush();
        }
    }

    /// Writes what the rooms have gathered.
    fn flush(&mut self) {
        while let Some(room_number) = self.stirred.pop() {
            let mut room = std::mem::take(&mut self.rooms[room_number]);
            for &member in &room.members {
                let Some(connection) = &mut self.connections[member] else {
                    continue;
                };
                if std::mem::take(&mut connection.skipped) {
                    continue;
                }
                let bytes = if connection.tagged { &room.tagged } else { &room.plain };
                connection.send(bytes);
            }
            room.plain.clear();
            room.tagged.clear();
            self.rooms[room_number] = room;
        }
    }

    fn send(&mut self, number: usize, bytes: &[u8]) {
        if let Some(connection) = &mut self.connections[number] {
            connection.send(bytes);
        }
    }

    fn set_up(&mut self, number: usize, line: &[u8]) {
        let line = shown(line);
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let Some(connection) = &mut self.connections[number] else {
            return;
        };
        let nick = connection.nick.clone();
        match command {
            "CAP" if rest.starts_with("LS") => {
                connection.negotiating = true;
                connection.say("CAP * LS :account-tag batch echo-message message-tags server-time");
            }
            "CAP" if rest.starts_with("REQ") => {
                let list = rest.trim_start_matches("REQ").trim_start_matches([' ', ':']);
                connection.tagged |= list.split(' ').any(|name| name == "server-time");
                connection.echo |= list.split(' ').any(|name| name == "echo-message");
                connection.say(&format!("CAP * ACK :{list}"));
            }
            "CAP" => {
                connection.negotiating = false;
                connection.welcome();
            }
            "NICK" => {
                connection.nick = rest.to_owned();
                connection.prefix = format!(":{rest}!~u@limit.server ").into_bytes();
                connection.welcome();
            }
            "USER" => {
                connection.has_user = true;
                connection.welcome();
            }
            "PING" => connection.say(&format!("PONG limit {rest}")),
            "JOIN" => {
                let rooms = self.rooms.len();
                let numbers = self.room_numbers.entry(rest.as_bytes().to_vec());
                let room_number = *numbers.or_insert(rooms);
                if room_number == rooms {
                    self.rooms.push(Room::default());
                }
                self.rooms[room_number].members.push(number);
                connection.room = Some(room_number);
                let join = format!(":{nick}!~u@limit.server JOIN {rest}\r\n");
                connection.send(join.as_bytes());
                connection.say(&format!("353 {nick} = {rest} :{nick}"));
                connection.say(&format!("366 {nick} {rest} :End of names"));
            }
            "QUIT" => self.close(number),
            _ => {}
        }
    }

    fn close(&mut self, number: usize) {
        let room = self.connections[number].take().and_then(|connection| connection.room);
        if let Some(room) = room {
            self.rooms[room].members.retain(|&member| member != number);
        }
    }
}

impl Connection {
    fn new(socket: TcpStream) -> Connection {
        Connection {
            socket,
            unfinished: Vec::new(),
            unsent: Vec::new(),
            nick: String::new(),
            has_user: false,
            negotiating: false,
            welcomed: false,
            tagged: false,
            echo: false,
            room: None,
            prefix: Vec::new(),
            skipped: false,
        }
    }

    fn welcome(&mut self) {
        if self.welcomed || self.negotiating || !self.has_user || self.nick.is_empty() {
            return;
        }
        self.welcomed = true;
        let nick = self.nick.clone();
        self.say(&format!("001 {nick} :Welcome"));
        self.say(&format!("422 {nick} :No message of the day"));
    }

    fn say(&mut self, text: &str) {
        self.send(format!(":limit {text}\r\n").as_bytes());
    }

    /// Writes behind what is unsent. A connection that fails is closed when its read end says so.
    fn send(&mut self, bytes: &[u8]) {
        if self.unsent.is_empty() {
            if bytes.is_empty() {
                return;
            }
            let written = self.socket.write(bytes).unwrap_or(0);
            self.unsent.extend_from_slice(&bytes[written..]);
        } else {
            self.unsent.extend_from_slice(bytes);
            let written = self.socket.write(&self.unsent).unwrap_or(0);
            self.unsent.drain(..written);
        }
    }
}
