//! The command line of chat_server: what may be typed, and those commands that need no running server.

use crate::config::{self, Config, ConfigError, Flags, Protocol, Sources};
use crate::password::{self, PasswordCost};
use crate::tls::TlsMaterial;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use zeroize::Zeroizing;

const AFTER_HELP: &str = "\
Examples:
  chat_server                              on this machine only, data in ./parlor-data
  chat_server --lan                        TLS and the page for everyone on the network
  chat_server --config parlor.toml         as a file says; `chat_server config` prints one to start from
  chat_server --listen ircs://0.0.0.0:6697 --data /var/lib/parlor

The first account owns the server:
  chat_server account add ada              asks for a password; works while the server runs, and before its first start

Everything that is kept lies in one folder (--data): accounts, rooms, messages, the self-signed certificate.
Settings come from flags, then the environment (PARLOR_SERVER_NAME and so on), then the file, then the defaults.

Signals: SIGHUP re-reads the configuration and the certificate; SIGTERM and SIGINT stop gracefully, a second one at once.
Exit codes: 0 done, 1 failed (one sentence says why), 2 not understood.";

/// A chat server: rooms, people, history. Join it with chat_client, a browser, or any IRC client.
#[derive(Parser, Clone, Debug)]
#[command(name = "chat_server", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub struct CommandLine {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Args, Clone, Default, Debug)]
pub struct Options {
    /// Configuration file (TOML); `chat_server config` prints one with all keys and their defaults
    #[arg(long, value_name = "FILE", env = "PARLOR_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Folder with everything that is kept [default: parlor-data in the current folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// Listen here instead of where the configuration says; may be given several times:
    /// irc://127.0.0.1:6667 (plain), ircs://0.0.0.0:6697 (TLS), http://127.0.0.1:8080 (page and WebSocket), https://…
    #[arg(long, value_name = "URL", value_delimiter = ',', global = true)]
    pub listen: Vec<String>,
    /// Open TLS and the page to the local network; plain IRC stays on this machine
    #[arg(long, global = true)]
    pub lan: bool,
    /// How much to log: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log: Option<String>,
}

#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Run the server; the same as no command
    Run,
    /// Print a configuration file with every key, its meaning and its default
    Config,
    /// Say what is wrong with a configuration file, and where; nothing is started or changed
    Check {
        /// The file; by default that of --config
        file: Option<PathBuf>,
    },
    /// Make the hash of a password, for [[operator]] in the configuration
    Password {
        #[command(flatten)]
        source: PasswordSource,
    },
    /// Create and change accounts, whether the server runs or not
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show who did what to whom: bans, kicks, ranks, accounts, invite links; the newest last
    Audit(AuditQuestion),
    /// Show how others join the server that runs: addresses, join code, QR code
    Join,
    /// Copy the database to a file, consistently, while the server runs
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
    },
    /// Print a completion script for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Subcommand, Clone, PartialEq, Eq, Debug)]
pub enum AccountCommand {
    /// Create an account; the first one owns the server
    Add {
        /// The username
        name: String,
        #[command(flatten)]
        source: PasswordSource,
    },
    /// List all accounts
    List,
    /// Show one account
    Show { name: String },
    /// Print all that is kept of an account and what it said, as JSON, for the person whose account it is
    Export { name: String },
    /// Keep someone from logging in, and end all their connections
    Disable { name: String },
    /// Undo disable
    Enable { name: String },
    /// Delete an account for good; messages stay, the name becomes free
    Delete { name: String },
    /// Change a password; all connections of the account end
    SetPassword {
        name: String,
        #[command(flatten)]
        source: PasswordSource,
    },
    /// Change what an account may do on the whole server: owner, admin or member
    SetRole {
        name: String,
        #[arg(value_enum)]
        role: AccountRole,
    },
    /// Let a client certificate log in to an account, with SASL EXTERNAL over TLS
    AddCertificate {
        name: String,
        /// Its SHA-256: what `openssl x509 -noout -fingerprint -sha256 -in FILE` prints
        fingerprint: String,
    },
    /// Undo add-certificate; `show` lists the certificates of an account
    RemoveCertificate { name: String, fingerprint: String },
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountRole {
    /// All rights, and the one account that keeps them; whoever had this becomes an admin
    Owner,
    /// No rights beyond those in rooms
    Member,
    /// All rights on the server
    Admin,
}

#[derive(Args, Clone, PartialEq, Eq, Default, Debug)]
pub struct AuditQuestion {
    /// Done by: a mask of name!ident@host or of an account, `console` or `server`
    #[arg(long, value_name = "MASK")]
    pub by: Option<String>,
    /// Done to: a mask of a name, an account, a ban
    #[arg(long, value_name = "MASK")]
    pub target: Option<String>,
    #[arg(long, value_name = "MASK")]
    pub room: Option<String>,
    /// kick, list, role, mode, rename, redact, topic, pin, invite-link, report, kill, server-ban, account, operator
    #[arg(long)]
    pub action: Option<String>,
    /// No older than so long: 30m, 12h, 7d
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// Of these the newest
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

#[derive(Args, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PasswordSource {
    /// Take the password from the first line of standard input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
}

impl CommandLine {
    /// What was typed; `--help`, `--version` and mistakes print and end the process, as clap does it.
    pub fn of_this_process() -> CommandLine {
        CommandLine::parse()
    }

    /// Where the configuration comes from, for `Config::load`; again at each reload.
    pub fn sources(&self) -> Sources {
        let Options { config, data, listen, lan, log } = self.options.clone();
        Sources::of_this_process(config, Flags { data, listen, lan, log })
    }
}

/// Checks a configuration as a start would, without making or changing anything: the report of what it would do.
///
/// # Errors
/// All complaints, one a line.
pub fn check(sources: &Sources) -> Result<String, String> {
    let config = Config::load(sources).map_err(|error: ConfigError| error.to_string())?;
    let mut report = String::new();
    // Writing to a String cannot fail.
    let _ = match &sources.file {
        Some(file) => writeln!(report, "{}: no mistakes.", file.display()),
        None => writeln!(report, "No file, so the defaults: no mistakes."),
    };
    let variables = config::variables_of(&sources.environment);
    if !variables.is_empty() {
        let _ = writeln!(report, "The environment sets {}", variables.join(", "));
    }
    if config.tls.files.is_some() {
        let material = TlsMaterial::load(&config).map_err(|error| error.to_string())?;
        let _ = writeln!(
            report,
            "Certificate: {}, SHA-256 {}",
            material.certificate.display(),
            material.fingerprint_text()
        );
    }
    for listener in &config.listeners {
        let what = match listener.protocol {
            Protocol::Irc => "IRC",
            Protocol::Http => "page and WebSocket",
        };
        let tls = if listener.tls { ", TLS" } else { "" };
        let reach = if listener.address.ip().is_loopback() { ", this machine only" } else { "" };
        let _ = writeln!(report, "Listens on {} ({what}{tls}{reach})", listener.address);
    }
    let durability = match config.storage.durability {
        config::Durability::Full => "every message is flushed to disk before anyone sees it",
        config::Durability::Relaxed => "the last moments may be lost with the power, not with the process",
    };
    let _ = writeln!(report, "Data in {}: {durability}", config.storage.path.display());
    for warning in &config.warnings {
        let _ = writeln!(report, "Warning: {warning}");
    }
    Ok(report)
}

/// A password to make the hash of: what is piped in is meant, or it would not be.
fn read_piped_or_new(source: PasswordSource) -> Result<Zeroizing<String>, String> {
    read_new_password(PasswordSource { password_stdin: source.password_stdin || !io::stdin().is_terminal() })
}

/// A new password: from standard input, or asked for twice without showing it.
///
/// # Errors
/// A sentence, when there is none, the two differ, or there is nobody to ask.
pub fn read_new_password(source: PasswordSource) -> Result<Zeroizing<String>, String> {
    if source.password_stdin {
        return first_line(&mut io::stdin().lock());
    }
    if !io::stdin().is_terminal() {
        return Err("there is no terminal to ask for the password; pipe it in and add --password-stdin".to_string());
    }
    let ask = |prompt| {
        let answer = rpassword::prompt_password(prompt).map(|answer| Zeroizing::new(answer.to_string()));
        answer.map_err(|why| format!("the password could not be read: {why}"))
    };
    let first = ask("Password: ")?;
    let second = ask("The same again: ")?;
    if first != second {
        return Err("the two passwords differ; try again".to_string());
    }
    not_empty(first)
}

fn first_line(input: &mut impl BufRead) -> Result<Zeroizing<String>, String> {
    let mut line = Zeroizing::new(String::new());
    // A bound, so that a mistaken pipe does not fill the memory.
    let mut bounded = io::Read::take(input, 4_096);
    bounded.read_line(&mut line).map_err(|why| format!("the password could not be read from standard input: {why}"))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    not_empty(Zeroizing::new(password.strip_suffix('\r').unwrap_or(password).to_string()))
}

fn not_empty(password: Zeroizing<String>) -> Result<Zeroizing<String>, String> {
    if password.is_empty() {
        Err("the password is empty; choose at least 8 characters".to_string())
    } else {
        Ok(password)
    }
}

/// `chat_server password`: the hash to put into the configuration.
///
/// # Errors
/// As [`read_new_password`], and when the password is one that no account could have either.
pub fn password_hash(source: PasswordSource) -> Result<String, String> {
    hash_for_configuration(&read_piped_or_new(source)?)
}

fn hash_for_configuration(password: &str) -> Result<String, String> {
    password::judge(password, PasswordCost::Standard)?;
    let hashed = password::hash(password, false, PasswordCost::Standard).map_err(|why| why.to_string())?;
    Ok(hashed.hash.into())
}

/// The commented default configuration.
pub fn print_config(output: &mut impl Write) -> io::Result<()> {
    output.write_all(config::SAMPLE.as_bytes())
}

pub fn print_completions(shell: clap_complete::Shell, output: &mut impl Write) {
    clap_complete::generate(shell, &mut CommandLine::command(), "chat_server", output);
}

/// One page, with all commands in it.
pub fn print_man(output: &mut impl Write) -> io::Result<()> {
    let mut command = CommandLine::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(output)?;
    page.render_name_section(output)?;
    page.render_synopsis_section(output)?;
    page.render_description_section(output)?;
    page.render_options_section(output)?;
    writeln!(output, ".SH COMMANDS")?;
    for subcommand in command.get_subcommands() {
        print_man_of_command(subcommand, "", output)?;
    }
    writeln!(output, ".SH NOTES\n.nf\n{}\n.fi", roff(AFTER_HELP))?;
    page.render_version_section(output)
}

fn print_man_of_command(command: &clap::Command, of: &str, output: &mut impl Write) -> io::Result<()> {
    let name = format!("{of}{}", command.get_name());
    let has_commands = command.get_subcommands().next().is_some();
    if !has_commands {
        let places: Vec<String> = command.get_positionals().map(ToString::to_string).collect();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(output, ".TP\n\\fB{}\\fR {}\n{}.", roff(&name), roff(&places.join(" ")), roff(&about))?;
        let own = |option: &&clap::Arg| !option.is_global_set() && !option.is_positional() && option.get_id() != "help";
        for option in command.get_arguments().filter(own) {
            let help = option.get_help().map(ToString::to_string).unwrap_or_default();
            writeln!(output, ".br\n\\fB--{}\\fR: {}.", roff(option.get_long().unwrap_or_default()), roff(&help))?;
        }
    }
    for subcommand in command.get_subcommands() {
        print_man_of_command(subcommand, &format!("{name} "), output)?;
    }
    Ok(())
}

/// Text as the page's language wants it: no command in it, hyphens that can be copied.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let lines: Vec<String> = escaped
        .lines()
        .map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<CommandLine, String> {
        CommandLine::try_parse_from(std::iter::once("chat_server").chain(words.split_whitespace()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn commands_are_understood() {
        CommandLine::command().debug_assert();
        let from_stdin = PasswordSource { password_stdin: true };
        let check =
            |words: &str, expected: Option<Command>| assert_eq!(parse(words).unwrap().command, expected, "{words}");
        check("", None);
        check("run", Some(Command::Run));
        check("config", Some(Command::Config));
        check("check", Some(Command::Check { file: None }));
        check("check parlor.toml", Some(Command::Check { file: Some("parlor.toml".into()) }));
        check("password", Some(Command::Password { source: PasswordSource::default() }));
        check("backup copy.db", Some(Command::Backup { file: "copy.db".into() }));
        check("join --data there", Some(Command::Join));
        check("completions bash", Some(Command::Completions { shell: clap_complete::Shell::Bash }));
        check("man", Some(Command::Man));
        let account = |command| Some(Command::Account(command));
        check("account list", account(AccountCommand::List));
        check("account show ada", account(AccountCommand::Show { name: "ada".into() }));
        check("account export ada", account(AccountCommand::Export { name: "ada".into() }));
        check(
            "account add ada --password-stdin",
            account(AccountCommand::Add { name: "ada".into(), source: from_stdin }),
        );
        check(
            "account set-password ada --password-stdin --data d",
            account(AccountCommand::SetPassword { name: "ada".into(), source: from_stdin }),
        );
        check(
            "account set-role ada admin",
            account(AccountCommand::SetRole { name: "ada".into(), role: AccountRole::Admin }),
        );
        check(
            "account add-certificate ada ab:cd",
            account(AccountCommand::AddCertificate { name: "ada".into(), fingerprint: "ab:cd".into() }),
        );
        for mistake in ["frobnicate", "account", "account add", "--listen", "backup", "account add ada --password x"] {
            assert!(parse(mistake).is_err(), "{mistake}");
        }
    }

    #[test]
    fn flags_reach_the_configuration_before_and_after_a_command() {
        for words in [
            "--data d --lan --log debug --listen irc://127.0.0.1:0,http://127.0.0.1:0 run",
            "run --data d --lan --log debug --listen irc://127.0.0.1:0 --listen http://127.0.0.1:0",
        ] {
            let sources = parse(words).unwrap().sources();
            assert_eq!(sources.flags.data, Some("d".into()), "{words}");
            assert!(sources.flags.lan, "{words}");
            let config = Config::load(&Sources { environment: Vec::new(), ..sources }).unwrap();
            assert_eq!(config.listeners.iter().filter(|listener| listener.address.is_ipv4()).count(), 2, "{words}");
            assert_eq!(config.log.level, config::LogLevel::Debug, "{words}");
        }
    }

    #[test]
    fn the_help_shows_how_to_begin() {
        let help = CommandLine::command().render_help().to_string();
        for part in ["chat_server account add ada", "parlor-data", "--lan", "SIGHUP", "Exit codes"] {
            assert!(help.contains(part), "{part} is not in\n{help}");
        }
    }

    #[test]
    fn completions_and_the_manual_page_are_made() {
        let mut script = Vec::new();
        print_completions(clap_complete::Shell::Zsh, &mut script);
        assert!(String::from_utf8(script).unwrap().contains("set-password"));
        let mut page = Vec::new();
        print_man(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for part in [".TH chat_server 1", "account set\\-role", "Keep someone from logging in", "Exit codes"] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        let mut sample = Vec::new();
        print_config(&mut sample).unwrap();
        assert_eq!(sample, config::SAMPLE.as_bytes());
    }

    #[test]
    fn a_piped_password_is_its_first_line() {
        let check = |input: &str, expected: Option<&str>| {
            let password = first_line(&mut input.as_bytes()).ok();
            assert_eq!(password.as_ref().map(|password| password.as_str()), expected, "{input:?}");
        };
        check("correct horse\n", Some("correct horse"));
        check("correct horse\r\nmore\n", Some("correct horse"));
        check(" spaces stay ", Some(" spaces stay "));
        check("", None);
        check("\n", None);
    }

    #[test]
    fn a_hash_for_the_configuration_is_what_the_configuration_takes() {
        let hash = hash_for_configuration("a few words in a row").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(password::verify(Some(&hash), "a few words in a row", PasswordCost::Standard));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("parlor.toml");
        std::fs::write(&file, format!("[[operator]]\nname = \"root\"\npassword = \"{hash}\"\n")).unwrap();
        let config = Config::load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
        assert_eq!(config.operators[0].password, config::OperatorPassword::Hash(hash));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        assert!(hash_for_configuration("short").is_err());
    }

    #[test]
    fn check_reports_what_would_happen() {
        let report = check(&Sources::default()).unwrap();
        for part in ["no mistakes", "Listens on 127.0.0.1:6697 (IRC, TLS, this machine only)", "Data in parlor-data"] {
            assert!(report.contains(part), "{part} is not in\n{report}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("parlor.toml");
        std::fs::write(&file, "[tls]\ncertificate = \"parlor.toml\"\nkey = \"parlor.toml\"\n").unwrap();
        let complaint = check(&Sources { file: Some(file), ..Sources::default() }).unwrap_err();
        assert!(complaint.contains("parlor.toml: there is no certificate in it"), "{complaint}");
    }
}
