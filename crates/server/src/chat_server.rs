//! The program chat_server: arguments, configuration, start, and how it ends.

use server::command_line::{self, AccountCommand, Command, CommandLine, Options};
use server::config::{Config, Listener, Protocol};
use server::machine_addresses::machine_addresses;
use server::{Ended, Server, account_command, audit_command, join_command, logging, store};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

// Effects are made on the hub's thread and dropped on the shards': an allocator made for frees from other threads
// (docs/decisions/0005-allocator.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    server::linux::keep_pages_small();
    let command_line = CommandLine::of_this_process();
    match execute(&command_line) {
        Ok(code) => code,
        Err(sentences) => {
            eprintln!("chat_server: {sentences}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command_line: &CommandLine) -> Result<ExitCode, String> {
    let mut output = io::stdout().lock();
    let written = match &command_line.command {
        None | Some(Command::Run) => {
            drop(output);
            return run(command_line);
        }
        Some(Command::Config) => command_line::print_config(&mut output),
        Some(Command::Check { file }) => {
            let mut sources = command_line.sources();
            if let Some(file) = file {
                sources.file = Some(file.clone());
            }
            let report = command_line::check(&sources)?;
            writeln!(output, "{}", report.trim_end())
        }
        Some(Command::Password { source }) => {
            let hash = command_line::password_hash(*source)?;
            writeln!(output, "{hash}")
        }
        Some(Command::Account(AccountCommand::Export { name })) => {
            let config = load(command_line)?;
            account_command::export(&config, name, &mut output)?
        }
        Some(Command::Account(command)) => {
            let config = load(command_line)?;
            let report = account_command::execute(&config, command)?;
            write!(output, "{report}")
        }
        Some(Command::Audit(question)) => {
            let config = load(command_line)?;
            let report = audit_command::execute(&config, question)?;
            write!(output, "{report}")
        }
        Some(Command::Join) => {
            let config = load(command_line)?;
            let report = join_command::execute(&config)?;
            write!(output, "{report}")
        }
        Some(Command::Backup { file }) => {
            let config = load(command_line)?;
            let report = back_up(&config.storage.path, file)?;
            writeln!(output, "{report}")
        }
        Some(Command::Completions { shell }) => {
            command_line::print_completions(*shell, &mut output);
            Ok(())
        }
        Some(Command::Man) => command_line::print_man(&mut output),
    };
    match written {
        // `chat_server config | head` has what it wants.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("the output could not be written: {error}"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn load(command_line: &CommandLine) -> Result<Config, String> {
    Config::load(&command_line.sources()).map_err(|error| error.to_string())
}

fn run(command_line: &CommandLine) -> Result<ExitCode, String> {
    let sources = command_line.sources();
    let config = Config::load(&sources).map_err(|error| error.to_string())?;
    let log_control = logging::start(config.log.level);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let server = Server::start(config.clone(), sources, log_control)?;
    // Whoever started us without a terminal may have closed the output; the server runs all the same.
    let _ = greet(&mut io::stdout().lock(), &command_line.options, &config, &server);
    match server.run() {
        Ended::Stopped => Ok(ExitCode::SUCCESS),
        Ended::Restart => Err(start_again()),
        // The store's last flush may be under way: exit without waiting for anything.
        Ended::AtOnce => std::process::exit(130),
    }
}

/// What a person sees when it has started.
fn greet(output: &mut impl Write, options: &Options, config: &Config, server: &Server) -> io::Result<()> {
    writeln!(output, "parlor {}: {}", env!("CARGO_PKG_VERSION"), config.server.network)?;
    writeln!(output, "Everything is kept in {}", shown(&config.storage.path))?;
    writeln!(output)?;
    writeln!(output, "Listening:")?;
    for (listener, address) in &server.listening {
        let url = format!("{}://{address}", listener.scheme());
        writeln!(output, "  {url:<32} {}", purpose(listener))?;
    }
    let ways_in = server.ways_in();
    for (at, line) in ways_in.lines(&machine_addresses(), io::stdout().is_terminal()).iter().enumerate() {
        let apart = if at == 0 { "\n" } else { "" };
        writeln!(output, "{apart}{line}")?;
    }
    if let Some(fingerprint) = &ways_in.fingerprint {
        writeln!(output)?;
        writeln!(output, "Certificate (SHA-256): {}", discovery::fingerprint_text(fingerprint))?;
    }
    writeln!(output)?;
    if let Some((_, address)) = server.listening.iter().find(|(listener, _)| listener.protocol == Protocol::Irc) {
        // On any other port chat_client expects TLS.
        let plain = if address.port() == 6667 { "" } else { "--plain " };
        writeln!(output, "Join from a terminal:  chat_client {plain}--guest YOURNAME@{address} '#lobby'")?;
    }
    if server.has_no_account {
        let mut command = "chat_server account add YOURNAME".to_owned();
        for (flag, path) in [("--config", &options.config), ("--data", &options.data)] {
            if let Some(path) = path {
                command += &format!(" {flag} {}", path.display());
            }
        }
        writeln!(output, "Make the first account, which owns the server:  {command}")?;
    }
    writeln!(output, "Ready. Ctrl-C stops it.")?;
    output.flush()
}

fn purpose(listener: &Listener) -> &'static str {
    match (listener.protocol, listener.tls, listener.address.ip().is_loopback()) {
        (Protocol::Irc, false, true) => "IRC, for programs on this machine",
        (Protocol::Irc, false, false) => "IRC without encryption, open to the network",
        (Protocol::Irc, true, true) => "IRC over TLS, for programs on this machine",
        (Protocol::Irc, true, false) => "IRC over TLS, open to the network",
        (Protocol::Http, _, true) => "page and WebSocket, for this machine",
        (Protocol::Http, _, false) => "page and WebSocket, open to the network",
    }
}

fn shown(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn back_up(data: &Path, file: &Path) -> Result<String, String> {
    let figures = store::backup::back_up(&data.join(store::DATABASE), file).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} holds everything up to now: {} messages, {} accounts, {} bytes",
        file.display(),
        figures.messages,
        figures.accounts,
        figures.bytes
    ))
}

/// Starts the program again in this process's place, with the same arguments. Returns only if that fails.
fn start_again() -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let mut arguments = std::env::args_os();
        let program = std::env::current_exe().ok().or_else(|| arguments.next().map(Into::into));
        match program {
            Some(program) => {
                let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).exec();
                format!("the server has stopped but could not be started again: {error}")
            }
            None => "the server has stopped but could not be started again: its own file is not known".to_owned(),
        }
    }
    #[cfg(not(unix))]
    "the server has stopped; start it again by hand (this system has no way to do so in place)".to_owned()
}
