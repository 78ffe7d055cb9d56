//! `loadgen`: many real IRC clients over real sockets that check every message, and the bare server that shows the machine's limit.

mod arrival;
mod chatter;
mod fault;
mod irc_bytes;
mod limit;
mod measure;
mod proxy;
mod scenario;
mod swarm;
mod tls;
mod traffic;
mod verifier;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::fault::Fault;
use crate::scenario::Report;
use crate::scenario::comings::Comings;
use crate::scenario::durable::Durable;
use crate::scenario::fanout::Fanout;
use crate::scenario::history::History;
use crate::scenario::idle::Idle;
use crate::scenario::joinstorm::Joinstorm;
use crate::scenario::latency::Latency;
use crate::scenario::pairs::Pairs;
use crate::scenario::search::Search;
use crate::scenario::talk::Talk;
use crate::scenario::unread::Unread;

/// Load an IRC server with many clients that check every message, and measure it
///
/// Pin server and load to different cores (taskset -c 0 SERVER, taskset -c 1 loadgen …) and give --server-pid. Exit code 0: every
/// message reached every member once, in order, unchanged. 1: not so, or the run could not be made; the reason is on standard error.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One room, one sender, many readers: cost of a delivery
    Fanout(Fanout),
    /// One room, messages by a timetable: time to the last reader
    Latency(Latency),
    /// Many rooms of two: messages a second
    Pairs(Pairs),
    /// Senders that each wait for their echo: durable messages a second
    Durable(Durable),
    /// Registered clients that do nothing: arrivals a second, memory of each
    Idle(Idle),
    /// All join one room at once, until everyone knows of everyone
    Joinstorm(Joinstorm),
    /// A history of many messages, in words as people use them
    Talk(Talk),
    /// Searches in what talk has left behind: milliseconds of each kind
    Search(Search),
    /// A room that people come to and leave a million times
    Comings(Comings),
    /// Pages of history in what talk or comings has left behind: milliseconds of each kind
    History(History),
    /// What is unread in a thousand rooms: milliseconds of the answer
    Unread(Unread),
    /// Be the bare server that parses nothing: the limit that a real one can reach on this machine
    Limit(limit::Limit),
    /// Be a network that misbehaves, between clients and a server: delay, loss, half-open, cut
    Proxy(proxy::Proxy),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(Some(report)) if arguments.json => println!("{}", report.to_json()),
        Ok(Some(report)) => print!("{}", report.to_text()),
        Ok(None) => {}
        Err(fault) => {
            eprintln!("loadgen: {fault}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run(arguments: &Arguments) -> Result<Option<Report>, Fault> {
    raise_open_file_limit()?;
    match &arguments.command {
        Command::Fanout(scenario) => scenario.run().map(Some),
        Command::Latency(scenario) => scenario.run().map(Some),
        Command::Pairs(scenario) => scenario.run().map(Some),
        Command::Durable(scenario) => scenario.run().map(Some),
        Command::Idle(scenario) => scenario.run().map(Some),
        Command::Joinstorm(scenario) => scenario.run().map(Some),
        Command::Talk(scenario) => scenario.run().map(Some),
        Command::Search(scenario) => scenario.run().map(Some),
        Command::Comings(scenario) => scenario.run().map(Some),
        Command::History(scenario) => scenario.run().map(Some),
        Command::Unread(scenario) => scenario.run().map(Some),
        Command::Limit(limit) => limit.run().map(|()| None),
        Command::Proxy(proxy) => proxy.run().map(|()| None),
    }
}

/// A socket each for thousands of clients: the soft limit goes up to the hard one.
fn raise_open_file_limit() -> Result<(), Fault> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised)
        .map_err(|errno| Fault::Io("raise the limit on open files".to_owned(), errno.into()))
}
