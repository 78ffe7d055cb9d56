//! The command line.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use client_core::Mechanism;

use crate::address::Encryption;
use crate::exit_code::Exit;

/// Talk in the rooms of a parlor server, or of any IRC server.
#[derive(Debug, Parser)]
#[command(
    name = "chat_client",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The server, and who you are there: HOST, HOST:PORT, NAME@HOST
    ///
    /// Without a port: this machine itself is reached unencrypted on 6667, every other one over TLS, where its domain's
    /// SRV record _ircs._tcp says, else on 6697. With a port: 6667 is unencrypted, every other one is TLS. --tls and --plain say otherwise. Without NAME you are a guest
    /// under the name of your account on this machine. The join code that chat_server prints stands for HOST:PORT and
    /// the server's certificate; ircs://HOST[:PORT][/ROOM] and irc:// are understood too.
    #[arg(value_name = "[NAME@]HOST[:PORT]")]
    pub server: Option<String>,

    /// The rooms to be in, with or without #; what you type goes to the first one [default: #lobby]
    #[arg(value_name = "ROOM")]
    pub rooms: Vec<String>,

    /// Post this text to the rooms, wait until the server has it, and end
    #[arg(long, value_name = "TEXT")]
    pub send: Option<String>,

    /// Post all of standard input as one message, wait until the server has it, and end
    ///
    /// Where the server knows no messages of several lines, each line is one. Line breaks in the text of --send are
    /// treated alike.
    #[arg(long, conflicts_with = "send")]
    pub multiline: bool,

    /// Line by line instead of on the whole screen: what is said scrolls by, and the last line is yours
    ///
    /// The same as when there is no terminal. Scripts and screen readers do well with it.
    #[arg(long)]
    pub lines: bool,

    /// Ask which server and who you are, although the last one is known
    #[arg(long, conflicts_with_all = ["server"])]
    pub ask: bool,

    /// Print one JSON object a line, with everything that is known about each message
    #[arg(long)]
    pub json: bool,

    /// Come without an account
    #[arg(long, conflicts_with_all = ["register", "password_file"])]
    pub guest: bool,

    /// Make the account NAME on the server, with the password that you give
    #[arg(long)]
    pub register: bool,

    /// The e-mail address for --register, where a server asks for one
    #[arg(long, value_name = "ADDRESS", requires = "register")]
    pub email: Option<String>,

    /// Read the password from the first line of this file
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Log in with this mechanism only: plain or scram-sha-256 [default: the best that the server offers]
    #[arg(long, value_name = "MECHANISM", value_parser = mechanism)]
    pub sasl: Option<Mechanism>,

    #[command(flatten)]
    pub way: Way,
}

/// How the server is reached.
#[derive(Debug, clap::Args)]
pub struct Way {
    /// Encrypt, whatever the port
    #[arg(long, conflicts_with = "plain")]
    tls: bool,

    /// Do not encrypt: everyone on the way can read along
    #[arg(long)]
    plain: bool,

    /// How long to wait: for the connection, and then for the login and each acknowledgement
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
}

impl Way {
    pub fn encryption(&self) -> Encryption {
        match (self.tls, self.plain) {
            (true, _) => Encryption::Tls,
            (_, true) => Encryption::Plain,
            _ => Encryption::Choose,
        }
    }
}

/// What else it can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the servers of the local network, as they appear and go
    ///
    /// Exit code 2: none announced itself. Where a network blocks multicast the join code that chat_server prints is the way.
    Discover {
        /// How long to listen
        #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
        seconds: Duration,

        /// Print one JSON object a line: type (there, gone), id, name, host, port, addresses, tls, sha256, join
        #[arg(long)]
        json: bool,
    },
    /// Talks as always, and writes what really went over the connection into a file for Wireshark
    ///
    /// The file has the secrets that open the encryption of this conversation: it holds everything that is said, your
    /// password if you log in, for whoever gets it. Say --with-secrets if that is what you want, as for a lesson, and come
    /// as a guest. The packets are put together from the bytes that were written and read; no right is needed.
    Capture {
        /// Yes: the file may hold everything that this conversation says, and the keys to it
        #[arg(long)]
        with_secrets: bool,

        /// A file that is not there yet (FILE.pcapng)
        file: PathBuf,

        /// As without it: [NAME@]HOST[:PORT] ROOM …, and options
        #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Tries whether a server can be reached, without a login, and says how with --explain
    ///
    /// Nothing is kept of it: a certificate that is new is shown, and not yet trusted. Exit code 0: the server answers.
    Connect(Reaching),
}

/// What `connect` is told.
#[derive(Debug, clap::Args)]
pub struct Reaching {
    /// The server: HOST, HOST:PORT, or a join code
    #[arg(value_name = "HOST[:PORT]")]
    pub server: String,

    /// Show every step with its time: the questions of DNS and mDNS and their answers, the order of the addresses, each
    /// attempt, the encryption and the certificate, and what the server says first
    #[arg(long)]
    pub explain: bool,

    /// Print one JSON object a line: step, at_ms and what belongs to it; the last is the step "result"
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub way: Way,
}

/// The arguments, or the end: help was asked for, or something is wrong and has been said.
pub fn read() -> Result<Arguments, Exit> {
    parsed(std::env::args_os())
}

/// Those behind the file of a capture.
pub fn read_rest(rest: Vec<String>) -> Result<Arguments, Exit> {
    let arguments = parsed(std::iter::once("chat_client".to_owned()).chain(rest).map(Into::into))?;
    if arguments.command.is_some() {
        eprintln!(
            "Behind the file stands where to and as whom, as in chat_client capture --with-secrets FILE HOST ROOM."
        );
        return Err(Exit::Usage);
    }
    Ok(arguments)
}

fn parsed(arguments: impl Iterator<Item = OsString>) -> Result<Arguments, Exit> {
    let command = Arguments::command()
        .after_long_help(story())
        .after_help("More, with examples and exit codes: chat_client --help");
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Arguments::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // A closed pipe is no reason to complain about complaining.
        let _ = error.print();
        if error.use_stderr() { Exit::Usage } else { Exit::Fine }
    })
}

impl Arguments {
    /// Whether the whole screen is used: by a person, on a terminal that can move its cursor.
    pub fn is_full_screen(&self) -> bool {
        self.is_interactive() && !self.lines && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether a person sits at both ends: keys come in and a screen shows.
    pub fn is_interactive(&self) -> bool {
        !self.json
            && self.send.is_none()
            && !self.multiline
            && std::io::stdin().is_terminal()
            && std::io::stdout().is_terminal()
    }
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    [Mechanism::Plain, Mechanism::ScramSha256]
        .into_iter()
        .find(|mechanism| mechanism.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| "use plain or scram-sha-256".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("use a number from 1 to 86400".to_owned()),
    }
}

fn story() -> String {
    let mut story = String::from(
        "\
Examples:
  chat_client                                  asks where to and who you are; the next time it
                                               goes there at once (--ask asks again)
  chat_client discover                         the servers of this network
  chat_client capture --with-secrets lesson.pcapng --guest ann@localhost
                                               talks, and keeps what went over the wire for
                                               Wireshark
  chat_client connect --explain chat.example   every step from the name to the server's first
                                               words, with times; no login
  chat_client localhost                        in #lobby of the server on this machine
  chat_client alice@chat.example '#tea' books  logged in, talking in #tea, listening in #books
  chat_client --register alice@chat.example    makes the account alice
  make 2>&1 | chat_client --guest bot@chat.example builds
                                               posts what make says, line by line
  git log -1 | chat_client --multiline --guest bot@chat.example commits
                                               posts it as one message
  chat_client --send 'Backup done' bot@chat.example ops && echo they know
  chat_client --json chat.example '#tea' | jq -r 'select(.type==\"message\").payload'

On a terminal:
  The whole screen: rooms and people with what is unread, the conversation with
  answers and reactions, who is there. F1 shows the keys, /help the commands,
  Ctrl-K goes somewhere else, Alt-Up selects a message to answer, edit or react
  to, Ctrl-C twice leaves. --lines is the way without: line by line, as it is
  anyway when the input or the output is no terminal.

Line by line, in a room:
  What you type is posted. Lines that begin with / are commands: /join, /msg,
  /me, /nick, /topic, /away, /names, /quit; /help lists them all. Text that
  begins with a slash is written with two. /quit, Ctrl-D and Ctrl-C say goodbye
  and leave. So does the end of piped input, once the server has acknowledged
  every line.

When the link drops:
  It comes back by itself, after a wait that grows to a minute. What you type
  meanwhile is sent then. What was under way is sent again exactly once on
  servers that offer parlor/once to your account; otherwise you are told that it
  may be lost. What others said meanwhile is read from the server where it
  keeps history (CHATHISTORY). With --send there is no second attempt.

Passwords:
  Never an argument. Taken from --password-file, else from the environment
  variable PARLOR_PASSWORD, else asked for without showing it. On the whole
  screen one that was right is kept in the system's keyring, or else in a file
  that you alone can read, and is not asked for again. A server's own password,
  asked of everyone by some, is taken from PARLOR_SERVER_PASSWORD.

Certificates:
  One that the system knows is fine. Another one is trusted on first use; its
  fingerprint is shown and kept in known_servers in your data folder
  (~/.local/share/parlor), and a different one later is refused.

Output:
  Messages, joins, leaves and notices go to standard output, one a line with the
  local time; the state of the link and refusals go to standard error. On a
  terminal names have colours unless NO_COLOR is set. With --json every object
  has a type; a message has message_id, sender_id, sender_name, account,
  payload, timestamp, room_id, room_name, kind (text, action, notice), own and
  direct. What a server does not tell is null.

Exit codes:
",
    );
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(story, "  {}  {meaning}", exit as u8);
    }
    story
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_tells_every_exit_code() {
        for (exit, meaning) in Exit::ALL {
            assert!(story().contains(&format!("  {}  {meaning}\n", exit as u8)));
        }
    }

    #[test]
    fn arguments_are_read() {
        let arguments =
            Arguments::try_parse_from(["chat_client", "--json", "--timeout", "5", "a@h:1", "tea", "#b"]).unwrap();
        assert_eq!(
            (arguments.server.as_deref(), arguments.rooms.as_slice(), arguments.json, arguments.way.timeout),
            (Some("a@h:1"), &["tea".to_owned(), "#b".to_owned()][..], true, Duration::from_secs(5))
        );
        for wrong in [
            &["chat_client", "--tls", "--plain", "h"][..],
            &["chat_client", "--guest", "--register", "h"],
            &["chat_client", "--timeout", "0", "h"],
            &["chat_client", "--sasl", "md5", "h"],
            &["chat_client", "--password", "secret", "h"],
        ] {
            assert!(Arguments::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
