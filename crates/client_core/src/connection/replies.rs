//! Numerics and standard replies: what they change, and what becomes a sentence.

use compact_str::CompactString;
use wire::{CaseMapping, IsupportToken, Line};

use super::{Connection, Login, RegisterStep, is_room, place, tag};
use crate::change::{Change, LinkState};
use crate::moment::Moment;
use crate::plain_words::{self, Tone};
use crate::rooms::Presence;

impl Connection {
    pub(super) fn numeric_arrived(&mut self, now: Moment, code: u16, line: &Line<'_>, changes: &mut Vec<Change>) {
        let params = line.params();
        match code {
            1 => self.welcome_arrived(now, params, changes),
            5 => self.isupport_arrived(line),
            331 | 332 => self.topic_reply_arrived(now, code, line, changes),
            353 => {
                // <nick> <symbol> <room> :<names>
                if let [_, _, room, names] = params {
                    let ranks = self.link.rank_symbols.clone();
                    self.rooms.names_arrive(room, names, &ranks);
                }
            }
            366 => {
                if let Some(room) = params.get(1)
                    && let Some(names) = self.rooms.names_complete(room)
                {
                    changes.push(Change::Members { room_name: (*room).into(), names });
                }
            }
            900..=908 => {
                self.sasl_numeric(now, code, params, changes);
                if code == 901 {
                    self.say(code, params, changes);
                }
            }
            // A server that knows no CAP at all.
            421 if params.get(1).is_some_and(|command| command.eq_ignore_ascii_case("CAP")) => {
                self.negotiation_unknown(now, changes)
            }
            _ if self.state == LinkState::Joined => self.reply_arrived(code, line, changes),
            _ => self.login_reply_arrived(now, code, params, changes),
        }
    }

    /// `FAIL <command> <code> [<context>...] :<description>`; WARN and NOTE likewise.
    pub(super) fn standard_reply_arrived(
        &mut self,
        now: Moment,
        verb: &str,
        line: &Line<'_>,
        changes: &mut Vec<Change>,
    ) {
        let [command, code, context @ ..] = line.params() else {
            return;
        };
        let sentence = plain_words::standard_reply(command, code, context);
        if verb != "FAIL" {
            changes.push(Change::Information { sentence });
            return;
        }
        if self.refuse_post(self.label(line).as_deref(), None, &sentence, changes) {
            return;
        }
        if *command == "CHATHISTORY" && self.page_refused(context, changes) {
            return;
        }
        match self.state {
            LinkState::Joined => match context.iter().copied().find(|param| *command == "JOIN" && self.is_asked(param))
            {
                Some(room) => self.refuse_join(room, sentence, changes),
                None => changes.push(Change::Refused { sentence }),
            },
            LinkState::Closing | LinkState::Down { .. } => {}
            _ => self.login_failed(now, command, code, sentence, changes),
        }
    }

    fn welcome_arrived(&mut self, now: Moment, params: &[&str], changes: &mut Vec<Change>) {
        if let Some(name) = params.first() {
            self.name = (*name).into();
        }
        self.link.welcome_seen = true;
        match self.state {
            // Never as a nobody when an account was asked for.
            LinkState::Negotiating | LinkState::Authenticating if !matches!(self.settings.login, Login::Guest) => {
                self.refuse_login(
                    now,
                    "The server let us in without a login; come as a guest instead, or ask its administrator."
                        .to_owned(),
                    changes,
                );
            }
            LinkState::Registering if self.link.register == RegisterStep::Needed => self.write_register(),
            // The answer to REGISTER is still to come.
            LinkState::Registering if self.link.register == RegisterStep::Sent => {}
            LinkState::Negotiating | LinkState::Authenticating | LinkState::Registering => self.welcomed(now, changes),
            LinkState::Joined | LinkState::Closing | LinkState::Down { .. } => {}
        }
    }

    fn isupport_arrived(&mut self, line: &Line<'_>) {
        for token in IsupportToken::of_line(line) {
            let value = || token.value.as_deref().unwrap_or_default();
            match token.name {
                "CASEMAPPING" if !token.negated => {
                    self.rooms.change_case_mapping(CaseMapping::from_token(value()).unwrap_or(CaseMapping::Ascii))
                }
                // PREFIX=(qaohv)~&@%+
                "PREFIX" if !token.negated => {
                    let value = value();
                    let (letters, symbols) = value.split_once(')').unwrap_or_default();
                    self.link.rank_letters = letters.trim_start_matches('(').into();
                    self.link.rank_symbols = symbols.into();
                }
                "CHATHISTORY" if !token.negated => self.link.history_page = value().parse().unwrap_or_default(),
                "NICKLEN" if !token.negated => self.link.nick_length = value().parse().ok(),
                "WHOX" => self.link.has_whox = !token.negated,
                "STATUSMSG" if !token.negated => self.link.status_symbols = CompactString::from(value()),
                _ => {}
            }
        }
    }

    fn topic_reply_arrived(&mut self, now: Moment, code: u16, line: &Line<'_>, changes: &mut Vec<Change>) {
        let (Some(name), Some(text)) = (line.param(1), line.param(2)) else {
            return;
        };
        let topic = if code == 332 { Some(text.to_owned()) } else { None };
        if let Some(room) = self.rooms.find_mut(name) {
            room.topic.clone_from(&topic);
        }
        match topic {
            Some(topic) => changes.push(Change::TopicIs { place: place(line, now, name), topic }),
            None => self.say(code, line.params(), changes),
        }
    }

    /// A numeric while one is in: about a message, about a room that was asked for, or about something else.
    fn reply_arrived(&mut self, code: u16, line: &Line<'_>, changes: &mut Vec<Change>) {
        let params = line.params();
        let (tone, sentence) = plain_words::numeric(code, params);
        let target = params.get(1).copied();
        if code == 324
            && let [_, room, letters, ..] = params
        {
            self.rooms.modes_are(room, letters);
            if let Some(at) = self.link.modes_asked.iter().position(|asked| self.rooms.same(asked, room)) {
                self.link.modes_asked.remove(at);
                return;
            }
        }
        if tone == Tone::Refusal {
            let label = self.label(line);
            if self.refuse_post(label.as_deref(), target.filter(|_| is_about_message(code)), &sentence, changes) {
                return;
            }
            if let Some(room) = target.filter(|room| is_about_join(code) && self.is_asked(room)) {
                self.refuse_join(room, sentence, changes);
                return;
            }
        }
        // A room of LIST, with when something was last said there.
        if let Some(at) = tag(line, "parlor/activity").filter(|_| code == 322) {
            let at = at.get(..16).unwrap_or(&at).replace('T', " ");
            let sentence = format!("{} (last active {at} UTC)", sentence.trim_end());
            return changes.push(Change::Information { sentence });
        }
        self.say(code, params, changes);
    }

    /// A numeric before one is in.
    fn login_reply_arrived(&mut self, now: Moment, code: u16, params: &[&str], changes: &mut Vec<Change>) {
        if self.state == LinkState::Closing || matches!(self.state, LinkState::Down { .. }) {
            return;
        }
        let sentence = plain_words::numeric(code, params).1;
        match code {
            433 | 436 | 437 => self.name_refused(now, sentence, changes),
            432 | 463 | 464 | 465 | 468 | 484 => self.refuse_login(now, sentence, changes),
            _ => self.say(code, params, changes),
        }
    }

    fn login_failed(&mut self, now: Moment, command: &str, code: &str, sentence: String, changes: &mut Vec<Change>) {
        match (command, code) {
            ("NICK", "NICKNAME_IN_USE" | "NICKNAME_RESERVED") => self.name_refused(now, sentence, changes),
            ("NICK" | "USER" | "REGISTER" | "AUTHENTICATE" | "PASS" | "*", _) => {
                let sentence = match (command, code) {
                    ("REGISTER", "COMPLETE_CONNECTION_REQUIRED") if !self.link.welcome_seen => {
                        // draft/account-registration: "it SHOULD make a second attempt after it receives the welcome".
                        self.link.register = RegisterStep::Needed;
                        self.end_negotiation();
                        return;
                    }
                    _ => sentence,
                };
                self.refuse_login(now, sentence, changes);
            }
            _ => changes.push(Change::Refused { sentence }),
        }
    }

    fn is_asked(&self, room: &str) -> bool {
        is_room(room) && self.rooms.find(room).is_some_and(|room| room.presence == Presence::Asked)
    }

    fn refuse_join(&mut self, room: &str, sentence: String, changes: &mut Vec<Change>) {
        let room_name = self.rooms.remove(room).map_or_else(|| room.into(), |room| room.name);
        self.refuse_waiting(room, &sentence, changes);
        changes.push(Change::JoinRefused { room_name, sentence });
    }

    /// Shows a numeric as its tone says.
    fn say(&mut self, code: u16, params: &[&str], changes: &mut Vec<Change>) {
        match code {
            // Texts of several lines keep their own shape, empty lines included.
            372 => {
                let text = params.last().copied().unwrap_or_default();
                let text = text.strip_prefix("- ").unwrap_or(text).to_owned();
                changes.push(Change::MessageOfTheDay { text });
                return;
            }
            371 | 704 | 705 => {
                let text = params.last().copied().unwrap_or_default();
                changes.push(Change::Information { sentence: text.to_owned() });
                return;
            }
            // `<nick> <room> <mode> [<parameter>...]`: all of the modes.
            324 if params.len() > 3 => {
                let modes = params[2..].join(" ");
                changes.push(Change::Information {
                    sentence: plain_words::numeric(code, &[params[0], params[1], &modes]).1,
                });
                return;
            }
            _ => {}
        }
        match plain_words::numeric(code, params) {
            (Tone::Refusal, sentence) => changes.push(Change::Refused { sentence }),
            (Tone::Information, sentence) => changes.push(Change::Information { sentence }),
            (Tone::Silent, _) => {}
        }
    }
}

/// Numerics that refuse a message and name its target.
fn is_about_message(code: u16) -> bool {
    matches!(code, 401 | 403 | 404 | 407 | 408 | 413..=415 | 477 | 486 | 488 | 492 | 494 | 531 | 716)
}

/// Numerics that refuse a JOIN and name the room.
fn is_about_join(code: u16) -> bool {
    matches!(code, 403 | 405 | 437 | 470 | 471 | 473..=477 | 479 | 485 | 489 | 520 | 926)
}
