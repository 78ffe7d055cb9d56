//! `chat_client` without arguments, on a terminal: where to, and who are you?

use std::env;
use std::io::{self, BufRead, Write};

use client_core::{Login, Password};

use crate::address::{Address, Encryption, Target};
use crate::known_servers::KnownServers;
use crate::lan::Listening;
use crate::plan;
use crate::remembered_servers::Remembered;
use crate::server_list::{Answer, ServerList};

/// What was answered.
#[derive(Debug)]
pub struct Answers {
    pub target: Target,
    pub name: String,
    pub login: Login,
    pub rooms: Vec<String>,
}

/// Asks until there is an answer. `encryption`: what the command line said of a server that is new; `ask_password` asks
/// without showing; `network`: what is listened to while the server is asked for; `may_make_account`: whether a new name's account is to be made is asked here, and not when the login has
/// failed. The error is a sentence.
pub fn ask(
    input: &mut impl BufRead,
    output: &mut impl Write,
    remembered: &[Remembered],
    encryption: Encryption,
    network: Option<&Listening>,
    ask_password: impl Fn(&str) -> Result<Password, String>,
    may_make_account: bool,
) -> Result<Answers, String> {
    if !remembered.is_empty() {
        say(output, "Servers you have been on:\n")?;
        for (index, server) in remembered.iter().enumerate() {
            let name = if server.guest { format!("{} (guest)", server.name) } else { server.name.clone() };
            say(output, &format!("  {}  {}  as {name}  in {}\n", index + 1, server.address, server.rooms.join(" ")))?;
        }
    }
    if remembered.is_empty() {
        say(
            output,
            "Where to? Type the name or address of a server, or its join code.\nEnter takes what stands in [ ].\n",
        )?;
    }
    let question = match remembered.first() {
        Some(server) => format!("Server: a number, or HOST[:PORT] [1: {}]: ", server.address),
        None => "Server: HOST[:PORT] [localhost]: ".to_owned(),
    };
    let mut network = network.map(|listening| ServerList::new(listening, remembered.len() + 1));
    let (target, known, user, room) = loop {
        let answer = match &mut network {
            Some(network) => match network.ask(&question)? {
                Answer::Typed(text) => text,
                Answer::Gone(name) => {
                    say(output, &format!("{name} has gone from this network; choose another, or wait for it.\n"))?;
                    continue;
                }
                Answer::Found(server) => {
                    let target = server.target();
                    if let Some(announced) = server.fingerprint {
                        let known_servers = KnownServers::open();
                        known_servers.carry_over(&target.to_string(), &server.addresses, announced.into())?;
                    }
                    break (target, None, None, None);
                }
            },
            None => line(input, output, &question)?,
        };
        let number = if answer.is_empty() { Some(1) } else { answer.parse::<usize>().ok() };
        if let Some(known) = number.and_then(|number| remembered.get(number.wrapping_sub(1))) {
            break (known.target()?, Some(known), None, None);
        }
        // No machine is called so; a network's first byte alone is no address that one types either.
        if let Some(number) = number.filter(|_| !answer.is_empty()) {
            say(output, &format!("There is no server {number} in the list; give its number, or HOST[:PORT].\n"))?;
            continue;
        }
        let text = if answer.is_empty() { "localhost" } else { &answer };
        match Address::parse(text) {
            Ok(address) => {
                plan::keep_promise(&address, encryption)?;
                break (address.target(encryption), None, address.user, address.room);
            }
            Err(sentence) => say(output, &format!("{sentence}\n"))?,
        }
    };
    let suggested = known.map(|known| known.name.clone()).or(user).unwrap_or_else(login_name);
    let name = line(input, output, &format!("Your name there [{suggested}]: "))?;
    let name = if name.is_empty() { suggested } else { name };
    let password = ask_password("Password (empty: come as a guest): ")?;
    let login = if password.is_empty() {
        Login::Guest
    } else if !may_make_account || known.is_some_and(|known| !known.guest && known.name == name) {
        Login::Account { password }
    } else {
        let answer = line(input, output, &format!("Shall the account {name} be made now? [y/N]: "))?;
        if answer.to_lowercase().starts_with('y') {
            Login::Register { password, email: None }
        } else {
            Login::Account { password }
        }
    };
    let rooms = known.map(|known| known.rooms.clone()).filter(|rooms| !rooms.is_empty());
    let rooms = rooms.unwrap_or_else(|| vec![room.unwrap_or_else(|| "#lobby".to_owned())]);
    Ok(Answers { target, name, login, rooms })
}

/// What this machine calls the person; made fit for a name.
pub fn login_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|variable| env::var(variable).ok()).unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(20).collect();
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    if name.is_empty() { "guest".to_owned() } else { name.to_owned() }
}

fn say(output: &mut impl Write, text: &str) -> Result<(), String> {
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(no_terminal)
}

fn line(input: &mut impl BufRead, output: &mut impl Write, question: &str) -> Result<String, String> {
    say(output, question)?;
    let mut answer = String::new();
    match input.read_line(&mut answer) {
        Ok(0) => Err("No server was named; run chat_client again, or give the server as an argument.".to_owned()),
        Ok(_) => Ok(answer.trim().to_owned()),
        Err(error) => Err(no_terminal(error)),
    }
}

fn no_terminal(error: io::Error) -> String {
    format!("The questions cannot be asked here ({error}); give the server as an argument.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Remembered> {
        let server = |address: &str, tls, guest| Remembered {
            address: address.to_owned(),
            tls,
            name: "alice".to_owned(),
            guest,
            rooms: vec!["#tea".to_owned()],
            open: false,
            by_name: false,
        };
        vec![server("chat.example:6697", true, false), server("[::1]:7000", false, true)]
    }

    /// Lines typed, and the password: what comes of it.
    fn check(remembered: &[Remembered], typed: &str, password: &str, expected: &str) {
        check_with(Encryption::Choose, remembered, typed, password, expected);
    }

    fn check_with(encryption: Encryption, remembered: &[Remembered], typed: &str, password: &str, expected: &str) {
        let mut output = Vec::new();
        let ask_password = |_: &str| Ok(Password::new(password));
        let answers = ask(&mut typed.as_bytes(), &mut output, remembered, encryption, None, ask_password, true);
        let told = match answers {
            Err(sentence) => sentence,
            Ok(Answers { target, name, login, rooms }) => {
                let login = match login {
                    Login::Guest => "guest",
                    Login::Account { .. } => "account",
                    Login::Register { .. } => "register",
                };
                format!("{target} {} {name} {login} {}", if target.tls { "tls" } else { "plain" }, rooms.join(","))
            }
        };
        assert_eq!(told, expected, "{}", String::from_utf8_lossy(&output));
    }

    #[test]
    fn answers() {
        check(&known(), "\n\n", "sesame", "chat.example:6697 tls alice account #tea");
        check(&known(), "2\nbob\n", "", "[::1]:7000 plain bob guest #tea");
        check(&known(), "1\nbob\nyes\n", "sesame", "chat.example:6697 tls bob register #tea");
        check(&known(), "9\n2\nbob\n", "", "[::1]:7000 plain bob guest #tea");
        check(&[], "1\nircs://other.example/#coffee\ncarol\n", "", "other.example:6697 tls carol guest #coffee");
        check(&[], "\ncarol\n", "", "localhost:6667 plain carol guest #lobby");
        check_with(Encryption::Plain, &[], "localhost:7000\ncarol\n", "", "localhost:7000 plain carol guest #lobby");
        check_with(Encryption::Tls, &[], "\ncarol\n", "", "localhost:6697 tls carol guest #lobby");
        check(&[], "a b\ndora@other.example\n\n\n", "sesame", "other.example:6697 tls dora account #lobby");
        check(&[], "", "", "No server was named; run chat_client again, or give the server as an argument.");
    }
}
