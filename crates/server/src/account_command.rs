//! `chat_server account …`: what it does, whether a server runs or not.
//!
//! A running server is asked over its control socket. Without one, the command opens the data folder itself and takes
//! the same road as a server's commands do: hub, sequencer, log. So there is one set of rules, and success is reported
//! when it is on disk.

use crate::command_line::{AccountCommand, AccountRole, PasswordSource, read_new_password};
use crate::config::{Config, Durability, SaslMechanism};
use crate::control;
use crate::data_folder::{DataFolder, DataFolderError};
use crate::facts;
use crate::password::{self, Hashed};
use crate::store::export::{self, ExportError};
use crate::store::{self, Store};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chat::command::{AccountChange, Command, NewAccount, Origin, Request};
use chat::effect::{Effects, ServerEffect};
use chat::hub::Hub;
use chat::id::Timestamp;
use chat::name::{NameRules, Username};
use chat::query::{Answer, Query};
use chat::refusal::{Refusal, Right, Rights};
use chat::sequencer::Sequencer;
use chat::settings::Settings;
use chat::snapshot::{AccountRecord, ScramKeys};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Something to be done about accounts, as it goes over the control socket. A password comes as its hash.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AccountAction {
    AddAccount {
        name: String,
        password: KeptPassword,
    },
    ListAccounts {},
    ShowAccount {
        name: String,
    },
    DisableAccount {
        name: String,
    },
    EnableAccount {
        name: String,
    },
    DeleteAccount {
        name: String,
    },
    SetPassword {
        name: String,
        password: KeptPassword,
    },
    /// The words of [`Right`]; all others are taken away.
    SetRights {
        name: String,
        rights: Vec<String>,
    },
    SetOwner {
        name: String,
    },
    /// The SHA-256 of a client certificate, in hexadecimal digits.
    AddCertificate {
        name: String,
        fingerprint: String,
    },
    RemoveCertificate {
        name: String,
        fingerprint: String,
    },
}

/// What is kept of a password. Bytes are in base64.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct KeptPassword {
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scram: Option<KeptScram>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct KeptScram {
    iterations: u32,
    salt: String,
    stored_key: String,
    server_key: String,
}

/// How long a command that needs the disk may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server that has the folder, but not yet or no longer its socket, is waited for: one starts in a second and
/// stops in five.
const BETWEEN_RUNS: Duration = Duration::from_secs(8);
/// How often to look. Nothing tells another process that a lock is free.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Does what was asked on the command line. The report for its standard output, with the end of its last line.
///
/// # Errors
/// One sentence for a person.
pub fn execute(config: &Config, command: &AccountCommand) -> Result<String, String> {
    let action = AccountAction::new(config, command)?;
    let durability = match config.storage.durability {
        Durability::Full => store::Durability::Full,
        Durability::Relaxed => store::Durability::Relaxed,
    };
    let lines = carry_out(&action, &config.storage.path, facts::settings(config), durability, BETWEEN_RUNS)?;
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

/// Writes all that is kept of an account. The inner error is that of the output.
///
/// # Errors
/// One sentence for a person.
pub fn export(config: &Config, name: &str, output: &mut impl io::Write) -> Result<io::Result<()>, String> {
    let rules = facts::name_rules(config);
    let wanted = Username::lookup(name, &rules);
    let is_meant = |found: &export::Candidate| Username::lookup(&found.username, &rules).key() == wanted.key();
    match export::export(&config.storage.path.join(store::DATABASE), is_meant, output) {
        Ok(()) => Ok(Ok(())),
        Err(ExportError::Output(error)) => Ok(Err(error)),
        Err(ExportError::NoSuchAccount) => Err(sentence(&Refusal::NoSuchAccount { name: name.into() })),
        Err(ExportError::Store(error)) => Err(error.to_string()),
    }
}

/// Does it where the data is: in the running server, or here.
fn carry_out(
    action: &AccountAction,
    folder: &Path,
    settings: Settings,
    durability: store::Durability,
    patience: Duration,
) -> Result<Vec<String>, String> {
    let begun = Instant::now();
    let database = folder.join(store::DATABASE);
    let makes_one = matches!(action, AccountAction::AddAccount { .. });
    let folder = loop {
        if let Some(lines) = control::ask(folder, action)? {
            return Ok(lines);
        }
        if !makes_one && !database.exists() {
            return Err(format!(
                "there is no {} yet; name the server's folder with --data or --config, or make the first account with \
                 chat_server account add NAME",
                database.display()
            ));
        }
        match DataFolder::open(folder) {
            Ok(folder) => break folder,
            Err(DataFolderError::InUse { .. }) if begun.elapsed() < patience => std::thread::sleep(LOOK_AGAIN),
            Err(DataFolderError::InUse { path, .. }) => {
                let path = path.display();
                return Err(format!("the server on {path} is just starting or stopping; try again in a moment"));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    action.describe(&apply_here(action.command(&settings.name_rules)?, &folder, settings, durability)?)
}

/// Opens the store, applies one command as a server would, and waits until its outcome is certain.
fn apply_here(
    command: Command,
    folder: &DataFolder,
    settings: Settings,
    durability: store::Durability,
) -> Result<Answer, String> {
    let sentence = |error: store::StoreError| error.to_string();
    let store = Store::open(&folder.database(), durability).map_err(sentence)?;
    let snapshot = store.snapshot().map_err(sentence)?;
    let (awake, woken) = channel();
    let log = store.start_log(Arc::new(move || _ = awake.send(())), None).map_err(sentence)?;
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| format!("the system gives no random bytes: {error}"))?;
    let (position, timestamp) = (snapshot.position, snapshot.timestamp);
    let hub = Hub::restore(snapshot, settings, u64::from_ne_bytes(seed), 1);
    let mut sequencer = Sequencer::new(hub, log, 1, position, timestamp);

    let mut effects = Effects::for_shards(1);
    let request = Request { origin: Origin::Console { number: 1 }, command };
    let begun = Instant::now();
    sequencer.submit(now(), [request], &mut effects);
    let mut found = None;
    loop {
        for effect in effects.server.drain(..) {
            if let ServerEffect::Console { answer, .. } = effect {
                found = Some(answer);
            }
        }
        match found {
            Some(answer) if sequencer.is_settled() => return Ok(answer),
            None if sequencer.is_settled() => {
                return Err("the server's rules gave no answer to that".to_owned());
            }
            _ => {}
        }
        if woken.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())).is_err() {
            let database = folder.database();
            return Err(format!("{} took nothing for 30 seconds; check the disk", database.display()));
        }
        sequencer.collect(now(), &mut effects);
    }
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}

impl AccountAction {
    /// Reads and hashes the password if one is needed: here, so that it never leaves this process.
    fn new(config: &Config, command: &AccountCommand) -> Result<AccountAction, String> {
        let kept = |source: &PasswordSource| -> Result<KeptPassword, String> {
            let text = read_new_password(*source)?;
            let scram = config.accounts.sasl_mechanisms.contains(&SaslMechanism::ScramSha256);
            KeptPassword::of(&text, scram, facts::password_cost(config))
        };
        Ok(match command.clone() {
            AccountCommand::Add { name, source } => {
                // A name that can't be is refused before anyone thinks of a password.
                username(&name, &facts::name_rules(config))?;
                AccountAction::AddAccount { name, password: kept(&source)? }
            }
            AccountCommand::List => AccountAction::ListAccounts {},
            AccountCommand::Show { name } => AccountAction::ShowAccount { name },
            // Read from the database as it stands, by `export`.
            AccountCommand::Export { name } => AccountAction::ShowAccount { name },
            AccountCommand::Disable { name } => AccountAction::DisableAccount { name },
            AccountCommand::Enable { name } => AccountAction::EnableAccount { name },
            AccountCommand::Delete { name } => AccountAction::DeleteAccount { name },
            AccountCommand::SetPassword { name, source } => {
                AccountAction::SetPassword { name, password: kept(&source)? }
            }
            AccountCommand::SetRole { name, role } => {
                let rights = match role {
                    AccountRole::Owner => return Ok(AccountAction::SetOwner { name }),
                    AccountRole::Member => Vec::new(),
                    AccountRole::Admin => Right::ALL.into_iter().map(|right| right.word().to_owned()).collect(),
                };
                AccountAction::SetRights { name, rights }
            }
            AccountCommand::AddCertificate { name, fingerprint } => AccountAction::AddCertificate { name, fingerprint },
            AccountCommand::RemoveCertificate { name, fingerprint } => {
                AccountAction::RemoveCertificate { name, fingerprint }
            }
        })
    }

    /// What the hub is asked.
    ///
    /// # Errors
    /// A sentence, when a name or value can't be what it should.
    pub fn command(&self, rules: &NameRules) -> Result<Command, String> {
        let change = |name: &str, change| Command::ChangeAccount { account: Username::lookup(name, rules), change };
        Ok(match self {
            AccountAction::AddAccount { name, password } => {
                let (hash, scram) = password.parts()?;
                Command::CreateAccount(Box::new(NewAccount {
                    username: username(name, rules)?,
                    password_hash: Some(hash),
                    scram,
                    email: None,
                    certificate: None,
                    address: None,
                    link: None,
                }))
            }
            AccountAction::ListAccounts {} => Command::Ask(Query::Accounts),
            AccountAction::ShowAccount { name } => Command::Ask(Query::Account { name: Username::lookup(name, rules) }),
            AccountAction::DisableAccount { name } => change(name, AccountChange::Disabled(true)),
            AccountAction::EnableAccount { name } => change(name, AccountChange::Disabled(false)),
            AccountAction::DeleteAccount { name } => Command::DeleteAccount { account: Username::lookup(name, rules) },
            AccountAction::SetPassword { name, password } => {
                let (hash, scram) = password.parts()?;
                change(name, AccountChange::Password { hash, scram })
            }
            AccountAction::SetRights { name, rights } => {
                let known =
                    |word: &String| Right::from_word(word).ok_or_else(|| format!("there is no right called {word:?}"));
                let rights = rights.iter().map(known).collect::<Result<Vec<_>, _>>()?;
                let rights = rights.into_iter().fold(Rights::NONE, |all, right| all.with(right));
                change(name, AccountChange::Rights(rights))
            }
            AccountAction::SetOwner { name } => change(name, AccountChange::Owner),
            AccountAction::AddCertificate { name, fingerprint } => {
                change(name, AccountChange::AddCertificate(read_fingerprint(fingerprint)?))
            }
            AccountAction::RemoveCertificate { name, fingerprint } => {
                change(name, AccountChange::RemoveCertificate(read_fingerprint(fingerprint)?))
            }
        })
    }

    /// The answer to it as lines for a person.
    ///
    /// # Errors
    /// A sentence, when the answer is no.
    pub fn describe(&self, answer: &Answer) -> Result<Vec<String>, String> {
        Ok(match answer {
            Answer::AccountCreated { account, is_owner: true } => {
                vec![format!("The account {account} is made. It is the first one, so it owns the server.")]
            }
            Answer::AccountCreated { account, .. } => vec![format!("The account {account} is made.")],
            Answer::AccountChanged { account } => vec![self.outcome(account)],
            Answer::AccountDeleted { account } => {
                vec![format!("The account {account} is deleted. What it said stays; its name is free.")]
            }
            Answer::Account(account) => details(account),
            Answer::Accounts(accounts) if accounts.is_empty() => {
                vec!["There are no accounts yet.".to_owned()]
            }
            Answer::Accounts(accounts) => accounts.iter().map(|account| row(account)).collect(),
            Answer::Refused(Refusal::NotYours) if matches!(self, AccountAction::AddCertificate { .. }) => {
                return Err("this certificate logs in to another account already; remove it there first".to_owned());
            }
            Answer::Refused(refusal) => return Err(sentence(refusal)),
            other => return Err(format!("the server answered something else: {other:?}")),
        })
    }

    /// What has become of the account that this changed.
    fn outcome(&self, account: &str) -> String {
        match self {
            AccountAction::DisableAccount { .. } => {
                format!("The account {account} is disabled: nobody can log in to it until chat_server account enable.")
            }
            AccountAction::EnableAccount { .. } => format!("The account {account} can log in again."),
            AccountAction::SetPassword { .. } => format!("The account {account} has the new password."),
            AccountAction::SetRights { rights, .. } if rights.is_empty() => {
                format!("The account {account} is a member, without rights on the whole server.")
            }
            AccountAction::SetRights { rights, .. } => {
                format!("The account {account} has these rights on the whole server: {}.", rights.join(", "))
            }
            AccountAction::SetOwner { .. } => {
                format!("The account {account} owns the server. Whoever owned it before is an admin.")
            }
            AccountAction::AddCertificate { .. } => {
                format!("The certificate logs in to the account {account}, with SASL EXTERNAL over TLS.")
            }
            AccountAction::RemoveCertificate { .. } => {
                format!("The certificate does not log in to the account {account} any more.")
            }
            _ => format!("The account {account} is changed."),
        }
    }
}

fn username(name: &str, rules: &NameRules) -> Result<Username, String> {
    Username::parse(name, rules).map_err(|error| format!("{name:?} can't be a username: {error}"))
}

/// As openssl prints it, `SHA256 Fingerprint=…` and colons included, or the bare digits.
fn read_fingerprint(text: &str) -> Result<[u8; 32], String> {
    let digits = text.rsplit('=').next().unwrap_or(text).trim().replace(':', "");
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let byte = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?);
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        format!(
            "{text:?} is no fingerprint: give the 64 hexadecimal digits that openssl x509 -noout -fingerprint -sha256 \
             -in FILE prints"
        )
    })
}

impl KeptPassword {
    /// Judges and hashes it.
    fn of(text: &str, scram: bool, cost: password::PasswordCost) -> Result<KeptPassword, String> {
        password::judge(text, cost)?;
        let Hashed { hash, scram } = password::hash(text, scram, cost).map_err(|error| error.to_string())?;
        let scram = scram.map(|keys| KeptScram {
            iterations: keys.iterations,
            salt: BASE64.encode(&keys.salt),
            stored_key: BASE64.encode(keys.stored_key),
            server_key: BASE64.encode(keys.server_key),
        });
        Ok(KeptPassword { hash: hash.into(), scram })
    }

    fn parts(&self) -> Result<(Box<str>, Option<Box<ScramKeys>>), String> {
        let broken = || "the password's SCRAM keys are not in the form of this version".to_owned();
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| broken());
        let key = |text: &str| <[u8; 32]>::try_from(bytes(text)?).map_err(|_| broken());
        let scram = match &self.scram {
            None => None,
            Some(kept) => Some(Box::new(ScramKeys {
                iterations: kept.iterations,
                salt: bytes(&kept.salt)?,
                stored_key: key(&kept.stored_key)?,
                server_key: key(&kept.server_key)?,
            })),
        };
        Ok((self.hash.as_str().into(), scram))
    }
}

fn row(account: &AccountRecord) -> String {
    let disabled = if account.disabled { "disabled" } else { "" };
    let seen = last_seen(account, |time| format!("last seen {}", day(time)));
    let row = format!("{:<32} {:<8} {:<8} {seen}", account.username, role(account), disabled);
    row.trim_end().to_owned()
}

fn details(account: &AccountRecord) -> Vec<String> {
    let mut rights = String::new();
    for right in Right::ALL.into_iter().filter(|right| account.rights.holds(*right)) {
        // Writing to a String can't fail.
        let _ = write!(rights, "{}{}", if rights.is_empty() { "" } else { ", " }, right.word());
    }
    let password = match (&account.password_hash, &account.scram) {
        (None, _) => "none".to_owned(),
        (Some(_), None) => "Argon2id".to_owned(),
        (Some(_), Some(keys)) => format!("Argon2id, SCRAM-SHA-256 with {} rounds", keys.iterations),
    };
    let mut lines = vec![
        ("Username", account.username.to_string()),
        ("Id", account.id.to_string()),
        ("Role", role(account).to_owned()),
        ("Rights", if rights.is_empty() { "none".to_owned() } else { rights }),
        ("Can log in", if account.disabled { "no, it is disabled" } else { "yes" }.to_owned()),
        ("Password", password),
        ("Created", moment(account.created)),
        ("Last seen", last_seen(account, moment)),
    ];
    lines.extend(account.last_address.map(|address| ("Last address", address.to_string())));
    lines.extend(account.email.as_ref().map(|email| ("Email", email.to_string())));
    lines.extend(account.certificates.iter().map(|fingerprint| {
        let hex = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        ("Certificate", hex)
    }));
    lines.into_iter().map(|(what, value)| format!("{:<14}{value}", format!("{what}:"))).collect()
}

fn role(account: &AccountRecord) -> &'static str {
    match (account.owner, account.rights.is_empty()) {
        (true, _) => "owner",
        (false, false) => "admin",
        (false, true) => "member",
    }
}

/// Whoever registers, or logs in, comes from an address; who is made on the command line has none until then.
fn last_seen(account: &AccountRecord, written: fn(Timestamp) -> String) -> String {
    if account.last_address.is_none() { "not used yet".to_owned() } else { written(account.last_seen) }
}

/// In UTC; an unknown time is a bare number.
fn moment(time: Timestamp) -> String {
    let known = jiff::Timestamp::from_millisecond(time.0 as i64);
    known.map_or_else(|_| time.0.to_string(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn day(time: Timestamp) -> String {
    let moment = moment(time);
    moment.split(' ').next().unwrap_or(&moment).to_owned()
}

/// Why the server says no to this, and what to do about it.
fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::AccountExists { name } => {
            format!("there is an account {name} already; choose another name")
        }
        Refusal::AccountNameInvalid { name } => {
            format!("{name:?} can't be a username; choose another name")
        }
        Refusal::NameConfusable { name } => {
            format!("{name} looks like the name of someone else; choose one that can be told apart")
        }
        Refusal::NameInUse { name } => {
            format!(
                "someone without an account is here as {name}; choose another name, or wait until that person is gone"
            )
        }
        Refusal::NoSuchAccount { name } => {
            format!("there is no account {name}; chat_server account list shows all")
        }
        Refusal::StorageFull => "the disk is full, so nothing was changed; free some space and try again".to_owned(),
        Refusal::StorageError => {
            "the disk takes nothing, so nothing was changed; see the server's log for the reason".to_owned()
        }
        Refusal::NotYours => {
            "the owner of the server keeps all rights; make someone else the owner first, with chat_server account \
             set-role NAME owner"
                .to_owned()
        }
        Refusal::OwnsServer { name } => {
            format!(
                "{name} owns the server, which can't be without an owner; hand it on first, with chat_server account \
                 set-role NAME owner"
            )
        }
        other => format!("the server refuses that: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordCost;
    use std::sync::mpsc::Sender;

    fn password(text: &str) -> KeptPassword {
        KeptPassword::of(text, true, PasswordCost::Test).expect("a password")
    }

    /// One action after the other on the same data, with what is to be found in its report, or in its refusal.
    fn check(folder: &Path, steps: &[(AccountAction, Result<&str, &str>)]) {
        for (action, expected) in steps {
            let found = carry_out(action, folder, Settings::default(), store::Durability::Full, Duration::ZERO);
            let fits = match (&found, expected) {
                (Ok(lines), Ok(part)) => lines.join("\n").contains(part),
                (Err(sentence), Err(part)) => sentence.contains(part),
                _ => false,
            };
            assert!(fits, "{action:?}: {found:?}, expected {expected:?}");
        }
    }

    fn steps() -> Vec<(AccountAction, Result<&'static str, &'static str>)> {
        use AccountAction::*;
        let name = |name: &str| name.to_owned();
        vec![
            (
                AddAccount { name: name("ada"), password: password("a long one") },
                Ok("ada is made. It is the first one, so it owns the server"),
            ),
            (ShowAccount { name: name("ada") }, Ok("not used yet")),
            (ShowAccount { name: name("ADA") }, Ok("owner")),
            (ShowAccount { name: name("ada") }, Ok("SCRAM-SHA-256 with 4096 rounds")),
            (AddAccount { name: name("Ada"), password: password("a long one") }, Err("already")),
            (AddAccount { name: name("a b"), password: password("a long one") }, Err("can't be a username")),
            (AddAccount { name: name("bob"), password: password("a long one") }, Ok("bob is made")),
            (ShowAccount { name: name("bob") }, Ok("member")),
            (SetRights { name: name("bob"), rights: vec![name("kill"), name("see-all")] }, Ok("bob has these rights")),
            (ShowAccount { name: name("bob") }, Ok("kill, see-all")),
            (SetRights { name: name("bob"), rights: vec![name("fly")] }, Err("no right called \"fly\"")),
            (SetRights { name: name("bob"), rights: vec![] }, Ok("bob is a member")),
            (DisableAccount { name: name("bob") }, Ok("bob is disabled")),
            (ListAccounts {}, Ok("disabled")),
            (EnableAccount { name: name("bob") }, Ok("bob can log in again")),
            (ShowAccount { name: name("bob") }, Ok("Can log in:   yes")),
            (SetPassword { name: name("bob"), password: password("another one") }, Ok("bob has the new password")),
            (SetRights { name: name("ada"), rights: vec![] }, Err("set-role NAME owner")),
            (SetOwner { name: name("bob") }, Ok("bob owns the server")),
            (ShowAccount { name: name("bob") }, Ok("owner")),
            (ShowAccount { name: name("ada") }, Ok("Role:         admin")),
            (SetOwner { name: name("ada") }, Ok("ada owns the server")),
            (
                AddCertificate { name: name("bob"), fingerprint: "ab:".repeat(31) + "CD" },
                Ok("logs in to the account bob"),
            ),
            (ShowAccount { name: name("bob") }, Ok("ababcd")),
            (AddCertificate { name: name("ada"), fingerprint: "ab".repeat(31) + "cd" }, Err("another account already")),
            (AddCertificate { name: name("ada"), fingerprint: "ab".repeat(31) + "c" }, Err("is no fingerprint")),
            (AddCertificate { name: name("ada"), fingerprint: "ab".repeat(32) + "zz" }, Err("is no fingerprint")),
            (
                RemoveCertificate {
                    name: name("bob"),
                    fingerprint: format!("sha256 Fingerprint={}CD", "AB:".repeat(31)),
                },
                Ok("does not log in to the account bob"),
            ),
            (AddCertificate { name: name("ada"), fingerprint: "ab".repeat(31) + "cd" }, Ok("the account ada")),
            (
                DeleteAccount { name: name("ada") },
                Err("hand it on first, with chat_server account set-role NAME owner"),
            ),
            (DisableAccount { name: name("ada") }, Err("hand it on first")),
            (DeleteAccount { name: name("bob") }, Ok("bob is deleted")),
            (DeleteAccount { name: name("bob") }, Err("no account bob")),
            (ListAccounts {}, Ok("ada")),
        ]
    }

    #[test]
    fn without_a_server_each_command_is_on_disk_when_it_is_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data");
        check(&path, &[(AccountAction::ListAccounts {}, Err("yet; name the server's folder"))]);
        assert!(!path.exists(), "a question made the folder");
        check(&path, &steps());
    }

    /// What the server does with a command, without the threads around it.
    fn serve(folder: &DataFolder) -> (control::ControlSocket, std::thread::JoinHandle<()>) {
        let (inbox, commands) = channel::<(Command, Sender<Answer>)>();
        let store = Store::open(&folder.database(), store::Durability::Full).expect("opened");
        let snapshot = store.snapshot().expect("a snapshot");
        let (awake, woken) = channel();
        let log = store.start_log(Arc::new(move || _ = awake.send(())), None).expect("a log");
        let hub = Hub::restore(snapshot, Settings::default(), 1, 1);
        let mut sequencer = Sequencer::new(hub, log, 1, Default::default(), Default::default());
        let hub = std::thread::spawn(move || {
            for (number, (command, answers)) in commands.into_iter().enumerate() {
                let origin = Origin::Console { number: number as u64 };
                let mut effects = Effects::for_shards(1);
                sequencer.submit(now(), [Request { origin, command }], &mut effects);
                while !sequencer.is_settled() {
                    woken.recv_timeout(PATIENCE).expect("the log");
                    sequencer.collect(now(), &mut effects);
                }
                for effect in effects.server {
                    if let ServerEffect::Console { answer, .. } = effect {
                        let _ = answers.send(answer);
                    }
                }
            }
        });
        let rules = Arc::new(crate::current::Current::new(NameRules::default()));
        let submit = Arc::new(move |command, answers| _ = inbox.send((command, answers)));
        let ways_in = Arc::new(crate::current::Current::new(crate::ways_in::WaysIn::default()));
        (control::ControlSocket::open(folder, rules, ways_in, submit).expect("a socket"), hub)
    }

    #[test]
    fn a_running_server_is_asked_and_does_the_same() {
        let around = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::open(around.path()).expect("taken");
        let (socket, hub) = serve(&folder);
        check(around.path(), &steps());
        drop(socket);
        hub.join().expect("the hub");
        // It still has the folder, but its socket is gone.
        check(around.path(), &[(AccountAction::ListAccounts {}, Err("starting or stopping"))]);
        drop(folder);
        check(around.path(), &[(AccountAction::ShowAccount { name: "ada".into() }, Ok("owner"))]);
    }

    #[test]
    fn a_server_that_is_just_starting_is_waited_for() {
        let around = tempfile::tempdir().expect("a folder");
        let path = around.path().to_owned();
        let folder = DataFolder::open(&path).expect("taken");
        let (report, reported) = channel();
        std::thread::spawn(move || {
            let action = AccountAction::AddAccount { name: "ada".into(), password: password("a long one") };
            let found = carry_out(&action, &path, Settings::default(), store::Durability::Full, PATIENCE);
            let _ = report.send(found);
        });
        // It is asked while the folder is taken and no socket is there, sooner or later.
        assert!(reported.recv_timeout(Duration::from_millis(50)).is_err(), "answered by nobody");
        let (socket, hub) = serve(&folder);
        let lines = reported.recv_timeout(PATIENCE).expect("a report").expect("made");
        assert!(lines.join("\n").contains("ada is made"), "{lines:?}");
        drop(socket);
        hub.join().expect("the hub");
    }

    #[test]
    fn what_goes_over_the_socket_holds_no_password() {
        let action = AccountAction::AddAccount { name: "ada".into(), password: password("a long one") };
        let line = serde_json::to_string(&action).expect("written");
        assert!(line.starts_with(r#"{"do":"add-account","name":"ada","password":{"hash":"$argon2id$"#), "{line}");
        assert!(!line.contains("a long one"));
        assert_eq!(serde_json::from_str::<AccountAction>(&line).expect("read"), action);
    }

    #[test]
    fn easily_guessed_passwords_are_refused() {
        let refused = KeptPassword::of("password", false, PasswordCost::Standard).expect_err("refused");
        assert!(refused.contains("most used"), "{refused}");
    }
}
