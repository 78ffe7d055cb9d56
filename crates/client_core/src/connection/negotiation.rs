//! From an open link to the server's welcome: CAP, SASL or REGISTER, NICK and USER.
//!
//! Name and user are told after the login, so that a name which belongs to our account is ours when we ask for it.

use compact_str::{CompactString, format_compact};
use wire::{Capability, CapabilitySet, Line, LineWriter};

use super::conversing::WANTED_FOR_CONVERSATIONS;
use super::{Connection, LinkSecurity, Login, RegisterStep};
use crate::change::{Change, LinkState};
use crate::moment::Moment;
use crate::plain_words;
use crate::sasl::{Exchange, Mechanism, SaslError};

/// What we make use of, where a server offers it.
const WANTED: CapabilitySet = CapabilitySet::of(&[
    Capability::MessageTags,
    Capability::ServerTime,
    Capability::EchoMessage,
    Capability::LabeledResponse,
    Capability::Batch,
    Capability::AccountTag,
    Capability::ExtendedJoin,
    Capability::AccountNotify,
    Capability::AwayNotify,
    Capability::MultiPrefix,
    Capability::InviteNotify,
    Capability::Setname,
    Capability::StandardReplies,
    Capability::Chghost,
    Capability::CapNotify,
    Capability::Sasl,
    Capability::AccountRegistration,
    Capability::ParlorIdentity,
    Capability::ParlorOnce,
    Capability::Chathistory,
    Capability::Multiline,
    Capability::Search,
    Capability::ParlorActivity,
]);

/// Names tried for a guest before giving up.
const MOST_NAMES: u32 = 8;

impl Connection {
    pub(super) fn begin_negotiation(&mut self, changes: &mut Vec<Change>) {
        if let Some(password) = &self.settings.server_password {
            LineWriter::new(&mut self.output).verb("PASS").trailing(password.reveal());
        }
        LineWriter::new(&mut self.output).verb("CAP").param("LS").param("302").end();
        self.change_state(LinkState::Negotiating, changes);
    }

    /// `CAP <nick> <subcommand> [*] :<capabilities>`
    pub(super) fn cap_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let params = line.params();
        let subcommand = params.get(1).copied().unwrap_or_default().to_ascii_uppercase();
        let list = params.last().copied().unwrap_or_default();
        let more_follow = params.len() > 3 && params[2] == "*";
        self.link.cap_answered = true;
        match subcommand.as_str() {
            "LS" | "NEW" => {
                for entry in list.split_ascii_whitespace() {
                    let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
                    self.link.offered.insert(name.into(), value.to_owned());
                }
                if subcommand == "NEW" {
                    self.request_capabilities();
                } else if !more_follow && self.state == LinkState::Negotiating {
                    self.request_capabilities();
                    self.proceed_when_answered(now, changes);
                }
            }
            "ACK" => {
                for name in list.split_ascii_whitespace() {
                    let (name, on) = name.strip_prefix('-').map_or((name, true), |name| (name, false));
                    let Some(capability) = Capability::from_name(name) else {
                        continue;
                    };
                    self.link.requested.remove(capability);
                    if on {
                        self.link.capabilities.insert(capability);
                    } else {
                        self.link.capabilities.remove(capability);
                    }
                }
                self.proceed_when_answered(now, changes);
            }
            "NAK" => {
                let refused: CapabilitySet = list.split_ascii_whitespace().filter_map(Capability::from_name).collect();
                if refused.len() > 1 {
                    // A request is granted or refused as a whole; one by one only the culprit is missed.
                    for capability in refused.iter() {
                        self.write_request(CapabilitySet::of(&[capability]));
                    }
                } else {
                    self.link.requested = self.link.requested.difference(refused);
                    for capability in refused.iter() {
                        self.link.offered.remove(capability.name());
                    }
                }
                self.proceed_when_answered(now, changes);
            }
            "DEL" => {
                for name in list.split_ascii_whitespace() {
                    self.link.offered.remove(name);
                    if let Some(capability) = Capability::from_name(name) {
                        self.link.capabilities.remove(capability);
                    }
                }
            }
            _ => {}
        }
    }

    fn request_capabilities(&mut self) {
        let offered: CapabilitySet = self.link.offered.keys().filter_map(|name| Capability::from_name(name)).collect();
        let all = if self.conversing { WANTED.union(WANTED_FOR_CONVERSATIONS) } else { WANTED };
        let mut wanted = all.intersection(offered).difference(self.link.capabilities);
        if !matches!(self.settings.login, Login::Account { .. }) {
            wanted.remove(Capability::Sasl);
        }
        if !matches!(self.settings.login, Login::Register { .. }) {
            wanted.remove(Capability::AccountRegistration);
        }
        if !wanted.is_empty() {
            self.link.requested = self.link.requested.union(wanted);
            self.write_request(wanted);
        }
    }

    fn write_request(&mut self, capabilities: CapabilitySet) {
        let names: Vec<&str> = capabilities.iter().map(Capability::name).collect();
        LineWriter::new(&mut self.output).verb("CAP").param("REQ").trailing(&names.join(" "));
    }

    /// All requests are answered: the login comes next.
    fn proceed_when_answered(&mut self, now: Moment, changes: &mut Vec<Change>) {
        if self.state != LinkState::Negotiating || !self.link.requested.is_empty() {
            return;
        }
        match &self.settings.login {
            Login::Guest => self.register_connection(changes),
            Login::Register { .. } => self.begin_register(now, changes),
            Login::Account { .. } if !self.link.capabilities.contains(Capability::Sasl) => {
                self.refuse_login(
                    now,
                    "This server knows no accounts, so nobody can log in; come as a guest instead.".to_owned(),
                    changes,
                );
            }
            Login::Account { .. } => self.begin_sasl(now, changes),
        }
    }

    fn begin_sasl(&mut self, now: Moment, changes: &mut Vec<Change>) {
        let offered = match self.link.offered.get("sasl").filter(|list| !list.is_empty()) {
            Some(list) => Some(list.clone()),
            None => self.link.mechanisms.clone(),
        };
        let mechanism = match self.choose_mechanism(offered.as_deref()) {
            Ok(mechanism) => mechanism,
            Err(sentence) => return self.refuse_login(now, sentence, changes),
        };
        if let Login::Account { password } = &self.settings.login {
            self.link.exchange = Some(Exchange::new(mechanism, &self.settings.name, password, self.link.nonce));
            LineWriter::new(&mut self.output).verb("AUTHENTICATE").param(mechanism.name()).end();
            self.change_state(LinkState::Authenticating, changes);
        }
    }

    /// The best mechanism that both know and the link allows. Without a list SCRAM is tried first; the server answers
    /// with its list (908) when it does not know it.
    fn choose_mechanism(&self, offered: Option<&str>) -> Result<Mechanism, String> {
        let offers = |mechanism: Mechanism| {
            offered.is_none_or(|list| list.split(',').any(|name| name.eq_ignore_ascii_case(mechanism.name())))
        };
        let allowed =
            |mechanism: Mechanism| self.settings.mechanism.is_none_or(|only| only == mechanism) && offers(mechanism);
        if allowed(Mechanism::ScramSha256) {
            return Ok(Mechanism::ScramSha256);
        }
        if !allowed(Mechanism::Plain) {
            return Err(format!(
                "The server and this program share no way to log in (it offers {}); come as a guest, or ask its administrator.",
                offered.unwrap_or("none")
            ));
        }
        if self.link.security == LinkSecurity::Open {
            return Err("The password would travel unencrypted, so it was not sent; connect again with TLS.".to_owned());
        }
        Ok(Mechanism::Plain)
    }

    /// `AUTHENTICATE <piece>` from the server.
    pub(super) fn authenticate_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some(exchange) = self.link.exchange.as_mut() else {
            return;
        };
        match exchange.receive(line.param(0).unwrap_or("+")) {
            Ok(pieces) => {
                for piece in pieces {
                    LineWriter::new(&mut self.output).verb("AUTHENTICATE").param(&piece).end();
                }
            }
            Err(error) => {
                LineWriter::new(&mut self.output).verb("AUTHENTICATE").param("*").end();
                match &error {
                    SaslError::ServerRefused(_) => self.refuse_password(now, error.to_string(), changes),
                    _ => self.refuse_login(now, error.to_string(), changes),
                }
            }
        }
    }

    /// A numeric of SASL: 900 to 908.
    pub(super) fn sasl_numeric(&mut self, now: Moment, code: u16, params: &[&str], changes: &mut Vec<Change>) {
        match code {
            900 => self.account = params.get(2).copied().map(CompactString::from),
            901 => self.account = None,
            903 if self.state == LinkState::Authenticating => {
                let proven = self.link.exchange.take().map_or(Ok(()), |exchange| exchange.succeeded());
                match proven {
                    Ok(()) => {
                        // 900 names the account; a server that leaves it out means the one that was asked for.
                        self.account.get_or_insert_with(|| self.settings.name.as_str().into());
                        self.register_connection(changes);
                    }
                    Err(error) => self.refuse_login(now, error.to_string(), changes),
                }
            }
            908 => self.link.mechanisms = params.get(1).map(|list| (*list).to_owned()),
            902 | 904 | 905 | 906 | 907 if self.state == LinkState::Authenticating => {
                let tried = self.link.exchange.take().map(|exchange| exchange.mechanism());
                let other_is_offered = self.link.mechanisms.as_deref().is_some_and(|list| {
                    tried.is_some_and(|tried| !list.split(',').any(|name| name.eq_ignore_ascii_case(tried.name())))
                });
                if code == 904 && other_is_offered {
                    self.begin_sasl(now, changes);
                    return;
                }
                let sentence = plain_words::numeric(code, params).1;
                match code {
                    904 => self.refuse_password(now, sentence, changes),
                    _ => self.refuse_login(now, sentence, changes),
                }
            }
            _ => {}
        }
    }

    fn begin_register(&mut self, now: Moment, changes: &mut Vec<Change>) {
        if !self.link.capabilities.contains(Capability::AccountRegistration) {
            self.refuse_login(
                now,
                "This server makes no accounts on request; ask its administrator for one, or come as a guest."
                    .to_owned(),
                changes,
            );
            return;
        }
        if self.link.security == LinkSecurity::Open {
            self.refuse_login(
                now,
                "The new password would travel unencrypted, so it was not sent; connect again with TLS.".to_owned(),
                changes,
            );
            return;
        }
        if self.register_allows("before-connect") {
            self.introduce();
            self.change_state(LinkState::Registering, changes);
            self.write_register();
        } else {
            self.register_connection(changes);
        }
    }

    fn register_allows(&self, key: &str) -> bool {
        let value = self.link.offered.get(Capability::AccountRegistration.name());
        value.is_some_and(|value| value.split(',').any(|token| token.split('=').next() == Some(key)))
    }

    pub(super) fn write_register(&mut self) {
        if let Login::Register { password, email } = &self.settings.login {
            self.link.register = RegisterStep::Sent;
            LineWriter::new(&mut self.output)
                .verb("REGISTER")
                .param("*")
                .param(email.as_deref().unwrap_or("*"))
                .trailing(password.reveal());
        }
    }

    /// `REGISTER SUCCESS <account> <text>` and its kin.
    pub(super) fn register_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        if self.link.register != RegisterStep::Sent {
            return;
        }
        self.link.register = RegisterStep::Done;
        let account = line.param(1).unwrap_or_default();
        let login = std::mem::replace(&mut self.settings.login, Login::Guest);
        if line.param(0) == Some("SUCCESS") {
            self.account = Some(account.into());
            changes.push(Change::Information {
                sentence: format!("The account {account} has been made, and you are logged in."),
            });
            // The next link logs in to it.
            if let Login::Register { password, .. } = login {
                self.settings.login = Login::Account { password };
            }
        } else {
            let text = line.params().last().copied().unwrap_or_default();
            changes.push(Change::Information {
                sentence: format!("The account {account} has been made but has to be confirmed: {text}"),
            });
        }
        if self.link.welcome_seen {
            self.welcomed(now, changes);
        } else {
            self.register_connection(changes);
        }
    }

    /// NICK, USER, and the end of the negotiation.
    fn register_connection(&mut self, changes: &mut Vec<Change>) {
        self.introduce();
        self.end_negotiation();
        self.change_state(LinkState::Registering, changes);
    }

    pub(super) fn end_negotiation(&mut self) {
        if self.link.cap_answered {
            LineWriter::new(&mut self.output).verb("CAP").param("END").end();
        }
    }

    /// NICK and USER, once per link.
    pub(super) fn introduce(&mut self) {
        if self.link.introduced {
            return;
        }
        self.link.introduced = true;
        LineWriter::new(&mut self.output).verb("NICK").trailing(&self.name);
        let user: String = self.settings.name.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
        let user = if user.is_empty() { "user" } else { &user };
        LineWriter::new(&mut self.output)
            .verb("USER")
            .param(user)
            .param("0")
            .param("*")
            .trailing(&self.settings.realname);
    }

    /// The server knows no CAP: on without.
    pub(super) fn negotiation_unknown(&mut self, now: Moment, changes: &mut Vec<Change>) {
        if self.state != LinkState::Negotiating || self.link.cap_answered {
            return;
        }
        match self.settings.login {
            Login::Guest => self.register_connection(changes),
            _ => self.refuse_login(
                now,
                "This server knows no accounts, so nobody can log in; come as a guest instead.".to_owned(),
                changes,
            ),
        }
    }

    /// The name cannot be had. A guest tries others: `name_`, then `name2` and so on.
    pub(super) fn name_refused(&mut self, now: Moment, sentence: String, changes: &mut Vec<Change>) {
        let taken_by_another = !matches!(self.settings.login, Login::Guest);
        if taken_by_another || self.link.names_tried >= MOST_NAMES {
            self.refuse_login(now, sentence, changes);
            return;
        }
        self.link.names_tried += 1;
        let wanted = &self.settings.name;
        self.name = match self.link.names_tried {
            1 => format_compact!("{wanted}_"),
            tried => format_compact!("{wanted}{tried}"),
        };
        LineWriter::new(&mut self.output).verb("NICK").trailing(&self.name);
    }
}
