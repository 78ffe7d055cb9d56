//! What is to be done: where to, as whom, and how.

use std::io::{self, Read as _};
use std::time::Duration;

use client_core::{Login, Settings, slash_command};
use discovery::steps::StepLog;

use crate::address::{Address, Encryption, Target};
use crate::arguments::Arguments;
use crate::kept_passwords::{self, Owner};
use crate::known_servers::KnownServers;
use crate::lan::Listening;
use crate::password;
use crate::questions;
use crate::remembered_servers::{self, Remembered};

/// What is to be done: the arguments, with everything asked for and looked up.
pub struct Plan {
    pub target: Target,
    pub settings: Settings,
    pub password_from: PasswordFrom,
    pub send: Option<String>,
    pub json: bool,
    pub interactive: bool,
    pub timeout: Duration,
    /// What was heard on the network while the person chose.
    pub heard: StepLog,
}

/// Where the password of the account is from, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFrom {
    /// An option, the environment; or a guest has none.
    Given,
    /// A person typed it, and may try again.
    Person,
    /// The file of kept passwords.
    File,
    /// From the system's keyring, or else from the person: on the screen.
    ToBeFound,
}

impl Plan {
    /// Asks on the terminal where something is missing. The error is a sentence.
    pub fn new(arguments: Arguments) -> Result<Plan, String> {
        let interactive = arguments.is_interactive();
        let encryption = arguments.way.encryption();
        let (target, name, login, rooms) = match &arguments.server {
            Some(server) => {
                let address = Address::parse(server)?;
                let target = address.target(encryption);
                let login = match known_account(&arguments, &address, &target)? {
                    Some(known) => known,
                    None => choose_login(&arguments, &address)?,
                };
                let name = address.user.clone().unwrap_or_else(questions::login_name);
                keep_promise(&address, encryption)?;
                let rooms = address.room.iter().chain(&arguments.rooms).cloned().collect();
                (target, name, login, rooms)
            }
            None if interactive => {
                let mut remembered = remembered_servers::read()?;
                // On the whole screen a known way is gone at once.
                let known = arguments.is_full_screen() && !arguments.ask;
                if let Some(server) = remembered.drain(..usize::from(known).min(remembered.len())).next() {
                    let target = server.target()?;
                    let login = choose_known_login(&server)?;
                    return Plan::of(target, server.name, login, server.rooms, arguments, interactive);
                }
                // A machine without a network asks all the same.
                let network = Listening::start().ok();
                let answers = questions::ask(
                    &mut io::stdin().lock(),
                    &mut io::stdout(),
                    &remembered,
                    encryption,
                    network.as_ref(),
                    password::ask,
                    !arguments.is_full_screen(),
                )?;
                let from = match answers.login {
                    Login::Account { .. } => PasswordFrom::Person,
                    _ => PasswordFrom::Given,
                };
                let login = (answers.login, from);
                let plan = Plan::of(answers.target, answers.name, login, answers.rooms, arguments, interactive)?;
                return Ok(Plan { heard: network.map(|network| network.steps()).unwrap_or_default(), ..plan });
            }
            None => {
                return Err(
                    "No server is named; write it as chat_client HOST ROOM, and see chat_client --help.".to_owned()
                );
            }
        };
        Plan::of(target, name, login, rooms, arguments, interactive)
    }

    fn of(
        target: Target,
        name: String,
        (login, password_from): (Login, PasswordFrom),
        rooms: Vec<String>,
        arguments: Arguments,
        interactive: bool,
    ) -> Result<Plan, String> {
        let mut rooms: Vec<String> = rooms.iter().map(|room| slash_command::room_name(room)).collect();
        if rooms.is_empty() {
            rooms.push("#lobby".to_owned());
        }
        if let Some(room) = rooms.iter().find(|room| room.contains([' ', ',', '\u{7}']) || room.len() < 2) {
            return Err(format!(
                "\"{room}\" cannot be the name of a room; use no spaces or commas, and give each room as an argument of its own."
            ));
        }
        let send = if arguments.multiline { Some(text_of_input()?) } else { arguments.send };
        if send.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err("There is no text to post; write some.".to_owned());
        }
        let settings = Settings {
            realname: name.clone(),
            name,
            login,
            server_password: password::of_server()?,
            mechanism: arguments.sasl,
            rooms,
            key_prefix: key_prefix()?,
            login_patience: arguments.way.timeout,
        };
        Ok(Plan {
            target,
            settings,
            password_from,
            send,
            json: arguments.json,
            interactive,
            timeout: arguments.way.timeout,
            heard: StepLog::default(),
        })
    }

    /// The other servers that one was on the last time, when this one is known from then.
    pub fn of_the_others(&self) -> Result<Vec<Plan>, String> {
        let others = remembered_servers::read()?.into_iter().filter(|server| {
            server.open && !(server.address == self.target.to_string() && server.name == self.settings.name)
        });
        let plan = |server: Remembered| {
            Plan::to_one_more(server.target()?, server.name, server.guest, server.rooms, self.timeout)
        };
        others.map(plan).collect()
    }

    /// To a server besides others, on the screen: where a password is missing it is asked for there. What the environment
    /// says is meant for the first server alone.
    pub fn to_one_more(
        target: Target,
        name: String,
        guest: bool,
        rooms: Vec<String>,
        timeout: Duration,
    ) -> Result<Plan, String> {
        let (login, password_from) = kept_login(&target.to_string(), &name, guest)?;
        let settings = Settings {
            realname: name.clone(),
            name,
            login,
            server_password: None,
            mechanism: None,
            rooms: if rooms.is_empty() { vec!["#lobby".to_owned()] } else { rooms },
            key_prefix: key_prefix()?,
            login_patience: timeout,
        };
        Ok(Plan {
            target,
            settings,
            password_from,
            send: None,
            json: false,
            interactive: true,
            timeout,
            heard: StepLog::default(),
        })
    }
}

/// The certificate that a join code promises is what the server is held to, before anything is sent.
pub fn keep_promise(address: &Address, encryption: Encryption) -> Result<(), String> {
    match address.code {
        Some(code) => {
            let server = address.target(encryption).to_string();
            KnownServers::open().promise(&server, code.fingerprint)
        }
        None => Ok(()),
    }
}

fn key_prefix() -> Result<String, String> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// As one came the last time.
fn choose_known_login(server: &Remembered) -> Result<(Login, PasswordFrom), String> {
    match password::given(None)? {
        Some(password) if !server.guest => Ok((Login::Account { password }, PasswordFrom::Given)),
        _ => kept_login(&server.address, &server.name, server.guest),
    }
}

/// Someone who was there with an account before, on the screen, need not say their password again.
fn known_account(
    arguments: &Arguments,
    address: &Address,
    target: &Target,
) -> Result<Option<(Login, PasswordFrom)>, String> {
    let Some(name) = &address.user else { return Ok(None) };
    let given = arguments.guest || arguments.register || password::given(arguments.password_file.as_deref())?.is_some();
    if given || !arguments.is_full_screen() {
        return Ok(None);
    }
    let (address, known) = (target.to_string(), remembered_servers::read()?);
    let was_there = known.iter().any(|known| known.address == address && known.name == *name && !known.guest);
    if was_there { kept_login(&address, name, false).map(Some) } else { Ok(None) }
}

fn kept_login(address: &str, name: &str, guest: bool) -> Result<(Login, PasswordFrom), String> {
    if guest {
        return Ok((Login::Guest, PasswordFrom::Given));
    }
    let owner = Owner { address: address.to_owned(), name: name.to_owned() };
    Ok(match kept_passwords::find_in_file(&owner)? {
        Some(password) => (Login::Account { password }, PasswordFrom::File),
        None => (Login::Guest, PasswordFrom::ToBeFound),
    })
}

/// With a password one has an account; without a name or a password one is a guest.
fn choose_login(arguments: &Arguments, address: &Address) -> Result<(Login, PasswordFrom), String> {
    if arguments.guest {
        return Ok((Login::Guest, PasswordFrom::Given));
    }
    let given = password::given(arguments.password_file.as_deref())?;
    if arguments.register {
        let Some(name) = &address.user else {
            return Err("--register needs the name of the new account; write it as NAME@HOST.".to_owned());
        };
        let password = given.map_or_else(|| password::ask_new(name), Ok)?;
        return Ok((Login::Register { password, email: arguments.email.clone() }, PasswordFrom::Given));
    }
    let (password, from) = match (given, &address.user) {
        (Some(password), _) => (password, PasswordFrom::Given),
        (None, None) => return Ok((Login::Guest, PasswordFrom::Given)),
        (None, Some(name)) => {
            let question = format!("Password for {name} on {} (empty: come as a guest): ", address.host);
            (password::ask(&question)?, PasswordFrom::Person)
        }
    };
    Ok(if password.is_empty() { (Login::Guest, PasswordFrom::Given) } else { (Login::Account { password }, from) })
}

/// Bytes of standard input that can be posted as one text. No server takes more as one message.
const LONGEST_INPUT: u64 = 64 * 1024;

fn text_of_input() -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(LONGEST_INPUT + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("Standard input cannot be read ({error}); give the text another way."))?;
    if bytes.len() as u64 > LONGEST_INPUT {
        return Err(format!(
            "The text has more than {LONGEST_INPUT} bytes; post a shorter one, or leave --multiline out."
        ));
    }
    String::from_utf8(bytes).map_err(|_| "The text is not UTF-8; convert it first, as iconv does.".to_owned())
}

/// Fresh random bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("The system gives no random numbers ({error}); restart the machine."))?;
    Ok(bytes)
}
