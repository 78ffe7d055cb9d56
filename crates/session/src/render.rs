//! An event as bytes: once per distinct [`Form`], never once per member.
//!
//! What a line looks like depends on the event and on the capabilities that change lines; nothing here knows who reads
//! it. Numerics that go to many at once (730, 731, 710) therefore have no nick as their first parameter but `*` or the
//! room, as Charybdis and its descendants do.

use crate::facts::ServerFacts;
use crate::form::Form;
use crate::mode_letters::{
    KEY, MEMBER_LIMIT, MODES_PER_LINE, flag_letter, list_letter, mask_to_wire, personal_letter,
    role_letter, role_prefix,
};
use crate::time_text::time_text;
use chat::event::{Event, Happening, RoomRef, RoomStep, What};
use chat::id::Timestamp;
use chat::membership::Roles;
use chat::message::{Message, MessageKind};
use chat::person::Person;
use smallvec::SmallVec;
use std::borrow::Cow;
use wire::mode::compose;
use wire::{Capability, LineWriter, MAX_BODY, ModeChange, Numeric, ParamWriter, Sign, Tags};

/// Appends what a session of this form sees of the event: whole lines, or nothing when it does not see it at all.
pub fn render(event: &Event, form: Form, facts: &ServerFacts, buffer: &mut Vec<u8>) {
    let mut page = Page {
        form,
        server: &facts.server_name,
        buffer,
    };
    match event {
        Event::Posted(message) => page.message(message),
        Event::Happened(happening) => page.happening(happening),
    }
}

/// The source of what this person does: `nick!user@host`; of the server itself, which is nobody, its name.
pub(crate) fn source_of(person: &Person, server: &str) -> String {
    if person.name.is_empty() {
        server.to_owned()
    } else if person.ident.is_empty() || person.host.is_empty() {
        person.name.to_string()
    } else {
        person.mask()
    }
}

/// Where lines of one form are written to.
struct Page<'a> {
    form: Form,
    server: &'a str,
    buffer: &'a mut Vec<u8>,
}

impl Page<'_> {
    fn message(&mut self, message: &Message) {
        let verb = match message.kind {
            MessageKind::Text => "PRIVMSG",
            MessageKind::Notice => "NOTICE",
            MessageKind::Signal => "TAGMSG",
        };
        // message-tags "TAGMSG": never to a client without the capability.
        if message.kind == MessageKind::Signal && !self.form.has(Capability::MessageTags) {
            return;
        }
        let form = self.form;
        let source = source_of(&message.sender, self.server);
        let mut line = timed(self.buffer, form, message.timestamp);
        if form.has(Capability::MessageTags) {
            line = line.raw_tag("msgid", uuid_text(&message.id.0, &mut [0; 36]));
        }
        line = with_sender_tags(line, form, &message.sender);
        if form.has(Capability::ParlorIdentity) {
            line = line
                .raw_tag(
                    "parlor/sender-id",
                    uuid_text(&message.sender_id.0, &mut [0; 36]),
                )
                .raw_tag(
                    "parlor/room-id",
                    uuid_text(&message.chatroom_id.0, &mut [0; 36]),
                );
        }
        if form.has(Capability::MessageTags)
            && let Some(tags) = &message.tags
        {
            for (key, value) in Tags::new(tags).iter() {
                line = line.raw_tag(key, value);
            }
        }
        let line = line.source(&source).verb(verb);
        let line = match message.audience {
            // STATUSMSG: the reader sees that it was not for everyone.
            Some(role) => line.param_fmt(format_args!(
                "{}{}",
                role_prefix(role),
                message.addressed_to
            )),
            None => line.param(&message.addressed_to),
        };
        match message.kind {
            MessageKind::Signal => line.end(),
            MessageKind::Text | MessageKind::Notice => line.trailing(&message.payload),
        }
    }

    fn happening(&mut self, happening: &Happening) {
        let form = self.form;
        let Happening { at, by, what } = happening;
        match what {
            What::Joined { room, away, roles } => {
                self.joined(*at, by, room, away.as_deref(), *roles)
            }
            What::Left { room, reason } => {
                let line = self.line(*at, by, "PART").param(&room.name);
                end_with(line, reason.as_deref());
            }
            What::Kicked { room, who, reason } => {
                // RFC 2812 section 3.2.8: without a comment, the name of the one who kicks.
                let reason = reason.as_deref().unwrap_or(&by.name);
                self.line(*at, by, "KICK")
                    .param(&room.name)
                    .param(&who.name)
                    .trailing_cut(reason);
            }
            What::Quit { reason } => self.line(*at, by, "QUIT").trailing_cut(reason),
            What::Renamed { to } => self.line(*at, by, "NICK").param(to).end(),
            What::RealnameChanged { to } if form.has(Capability::Setname) => {
                self.line(*at, by, "SETNAME").trailing_cut(to);
            }
            What::HostChanged { ident, host } if form.has(Capability::Chghost) => {
                self.line(*at, by, "CHGHOST").param(ident).param(host).end();
            }
            What::AccountChanged { account } if form.has(Capability::AccountNotify) => {
                let account = account.as_deref().unwrap_or("*");
                self.line(*at, by, "ACCOUNT").param(account).end();
            }
            What::AwayChanged { message } if form.has(Capability::AwayNotify) => {
                end_with(self.line(*at, by, "AWAY"), message.as_deref());
            }
            What::RealnameChanged { .. }
            | What::HostChanged { .. }
            | What::AccountChanged { .. }
            | What::AwayChanged { .. } => {}
            What::TopicChanged { room, text } => {
                self.line(*at, by, "TOPIC")
                    .param(&room.name)
                    .trailing_cut(text);
            }
            What::RoomChanged { room, steps } => self.room_changed(*at, by, room, steps),
            What::Invited {
                room,
                who,
                to_invited,
            } => {
                if *to_invited || form.has(Capability::InviteNotify) {
                    let line = self.line(*at, by, "INVITE");
                    line.param(&who.name).param(&room.name).end();
                }
            }
            What::Knocked { room, text } => {
                let mask = source_of(by, self.server);
                let line = self
                    .numeric(*at, Numeric::RPL_KNOCK, &room.name)
                    .param(&room.name)
                    .param(&mask);
                match text {
                    Some(text) => line.trailing_cut(&format!("has asked for an invite: {text}")),
                    None => line.trailing("has asked for an invite"),
                }
            }
            What::OwnModesChanged { changes } => {
                let changes = changes.iter().map(|&(on, mode)| ModeChange {
                    sign: sign(on),
                    letter: personal_letter(mode),
                    param: None,
                });
                for string in compose(changes, MODES_PER_LINE, MAX_BODY) {
                    let line = self.line(*at, by, "MODE").param(&by.name);
                    line.param(&string.letters).end();
                }
            }
            What::Announced {
                text,
                wallops: true,
            } => {
                self.line(*at, by, "WALLOPS").trailing_cut(text);
            }
            What::Announced {
                text,
                wallops: false,
            } => {
                // `$` and a server mask: everyone of these servers (RFC 2812 section 3.3.1).
                let server = self.server;
                let line = self.line(*at, by, "NOTICE");
                line.param_fmt(format_args!("$${server}"))
                    .trailing_cut(text);
            }
            What::CameOnline => {
                let mask = source_of(by, self.server);
                self.numeric(*at, Numeric::RPL_MONONLINE, "*")
                    .trailing(&mask);
            }
            What::WentOffline => {
                self.numeric(*at, Numeric::RPL_MONOFFLINE, "*")
                    .trailing(&by.name);
            }
        }
    }

    fn joined(
        &mut self,
        at: Timestamp,
        by: &Person,
        room: &RoomRef,
        away: Option<&str>,
        roles: Roles,
    ) {
        let form = self.form;
        let line = self.line(at, by, "JOIN").param(&room.name);
        if form.has(Capability::ExtendedJoin) {
            let account = by.account.as_deref().unwrap_or("*");
            line.param(account).trailing_cut(&by.realname);
        } else {
            line.end();
        }
        // away-notify: "a user joins and has an away message set".
        if form.has(Capability::AwayNotify)
            && let Some(message) = away
        {
            self.line(at, by, "AWAY").trailing_cut(message);
        }
        // Nothing else tells those who are here already which rank a durable member comes back with.
        if roles != Roles::NONE {
            let letters: String = roles.iter().map(role_letter).collect();
            let names = roles.iter().map(|_| by.name.as_str());
            timed(self.buffer, form, at)
                .source(self.server)
                .verb("MODE")
                .param(&room.name)
                .param_fmt(format_args!("+{letters}"))
                .params(names)
                .end();
        }
    }

    fn room_changed(&mut self, at: Timestamp, by: &Person, room: &RoomRef, steps: &[RoomStep]) {
        let parts: SmallVec<[_; 4]> = steps.iter().map(sign_letter_param).collect();
        let changes = parts.iter().map(|(on, letter, param)| ModeChange {
            sign: sign(*on),
            letter: *letter,
            param: param.as_deref(),
        });
        let source = source_of(by, self.server);
        let fixed = format_args!(":{source} MODE {} \r\n", room.name)
            .to_string()
            .len();
        for string in compose(changes, MODES_PER_LINE, MAX_BODY.saturating_sub(fixed)) {
            let line = self.line(at, by, "MODE").param(&room.name);
            line.param(&string.letters).params(string.params).end();
        }
    }

    /// A line that says what a person did, up to its verb.
    fn line(&mut self, at: Timestamp, by: &Person, verb: &str) -> ParamWriter<'_> {
        let source = source_of(by, self.server);
        with_sender_tags(timed(self.buffer, self.form, at), self.form, by)
            .source(&source)
            .verb(verb)
    }

    fn numeric(&mut self, at: Timestamp, numeric: Numeric, target: &str) -> ParamWriter<'_> {
        timed(self.buffer, self.form, at).numeric(self.server, numeric, target)
    }
}

/// A new line with its `time` tag, if the form has one.
pub(crate) fn timed(buffer: &mut Vec<u8>, form: Form, at: Timestamp) -> LineWriter<'_> {
    let line = LineWriter::new(buffer);
    if form.has(Capability::ServerTime) {
        line.raw_tag(
            "time",
            std::str::from_utf8(&time_text(at)).unwrap_or_default(),
        )
    } else {
        line
    }
}

/// What the tags say of a sender: account-tag, and bot-mode ("on every message from a bot", with message-tags).
fn with_sender_tags<'b>(mut line: LineWriter<'b>, form: Form, sender: &Person) -> LineWriter<'b> {
    if form.has(Capability::AccountTag)
        && let Some(account) = &sender.account
    {
        line = line.tag("account", Some(account));
    }
    if form.has(Capability::MessageTags) && sender.bot {
        line = line.tag("bot", None);
    }
    line
}

fn end_with(line: ParamWriter<'_>, text: Option<&str>) {
    match text {
        Some(text) => line.trailing_cut(text),
        None => line.end(),
    }
}

const fn sign(on: bool) -> Sign {
    if on { Sign::Plus } else { Sign::Minus }
}

fn sign_letter_param(step: &RoomStep) -> (bool, char, Option<Cow<'_, str>>) {
    match step {
        RoomStep::Flag { on, flag } => (*on, flag_letter(*flag), None),
        RoomStep::Key { on, key } => (*on, KEY, Some(Cow::Borrowed(key.as_str()))),
        RoomStep::MemberLimit { limit } => (
            limit.is_some(),
            MEMBER_LIMIT,
            limit.map(|limit| Cow::Owned(limit.to_string())),
        ),
        RoomStep::Role { on, role, who } => {
            (*on, role_letter(*role), Some(Cow::Borrowed(who.as_str())))
        }
        RoomStep::List { on, list, mask } => (*on, list_letter(*list), Some(mask_to_wire(mask))),
    }
}

/// The usual form of a UUID (RFC 9562 section 4), in lower case.
fn uuid_text<'t>(id: &uuid::Uuid, text: &'t mut [u8; 36]) -> &'t str {
    id.hyphenated().encode_lower(text)
}
