//! An event as bytes: once per distinct [`Form`], never once per member.
//!
//! What a line looks like depends on the event and on the capabilities that change lines; nothing here knows who reads
//! it. Numerics that go to many at once (730, 731, 710) therefore have no nick as their first parameter but `*` or the
//! room, as Charybdis and its descendants do.

use crate::duration;
use crate::facts::ServerFacts;
use crate::form::Form;
use crate::mode_letters::{
    FORWARD, KEY, MEMBER_LIMIT, MODES_PER_LINE, RETENTION, SLOW_MODE, flag_letter, list_letter, mask_to_wire,
    personal_letter, role_letter, role_prefix,
};
use crate::time_text::time_text;
use chat::event::{Event, Happening, RoomRef, RoomStep, What};
use chat::id::{ChatroomId, ClientId, MessageId, Timestamp};
use chat::membership::{Role, Roles};
use chat::message::{Message, MessageKind};
use chat::metadata::MetadataKey;
use chat::person::Person;
use smallvec::SmallVec;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation as _;
use wire::mode::compose;
use wire::{Capability, LineWriter, MAX_BODY, ModeChange, Numeric, ParamWriter, Sign, Tags};

/// Appends what a session of this form sees of the event: whole lines, or nothing when it does not see it at all.
pub fn render(event: &Event, form: Form, facts: &ServerFacts, buffer: &mut Vec<u8>) {
    let mut page = Page { form, server: &facts.server_name, buffer, id: None };
    match event {
        Event::Posted(message) => page.message(message),
        Event::Happened(happening) => page.happening(happening),
    }
}

/// The source of what this person does: `nick!user@host`; of the server itself, which is nobody, its name.
pub(crate) fn source_of(person: &Person, server: &str) -> String {
    if person.name.is_empty() {
        return server.to_owned();
    }
    if person.ident.is_empty() || person.host.is_empty() {
        return person.name.to_string();
    }
    // Put together by hand: this runs for every line that is rendered, and formatting takes several times as long.
    let parts = [&person.name, "!", &person.ident, "@", &person.host];
    let mut source = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.into_iter().for_each(|part| source.push_str(part));
    source
}

/// Where lines of one form are written to.
struct Page<'a> {
    form: Form,
    server: &'a str,
    buffer: &'a mut Vec<u8>,
    /// Of what is written, until a line has it.
    id: Option<MessageId>,
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
        if let Some(seams) = &message.seams {
            return self.message_of_lines(message, verb, seams);
        }
        let form = self.form;
        let source = source_of(&message.sender, self.server);
        // It was measured with the name that it was said to: who is reached by it may have a longer one since.
        let is_too_long = || message.payload.len() > wire::text_budget(&source, verb, &[message.addressed_to.as_str()]);
        if message.recipient_id.is_some() && message.kind != MessageKind::Signal && is_too_long() {
            return self.message_of_lines(message, verb, &[]);
        }
        let line = with_message_tags(timed(self.buffer, form, message.timestamp), form, message);
        let line = line.source(&source).verb(verb);
        let line = match message.audience.filter(|_| message.recipient_id.is_none()) {
            // STATUSMSG: the reader sees that it was not for everyone.
            Some(role) => line.param_fmt(format_args!("{}{}", role_prefix(role), message.addressed_to)),
            None => line.param(&message.addressed_to),
        };
        match message.kind {
            MessageKind::Signal => line.end(),
            MessageKind::Text | MessageKind::Notice => line.trailing(&message.payload),
        }
    }

    /// A message of several lines, as the sender broke them (multiline): a batch, or to those who do not know of it each
    /// line by itself, but for the blank ones.
    fn message_of_lines(&mut self, message: &Message, verb: &str, seams: &[u32]) {
        let Page { form, server, .. } = *self;
        let source = source_of(&message.sender, server);
        let target = match message.audience {
            Some(role) => Cow::Owned(format!("{}{}", role_prefix(role), message.addressed_to)),
            None => Cow::Borrowed(message.addressed_to.as_str()),
        };
        let lines = lines_of(&message.payload, seams, wire::text_budget(&source, verb, &[&target]));
        if form.has(Capability::Multiline) {
            // No number that a session gives to a batch of its own.
            let reference = format!("m{}", message.position.0);
            let opening = with_message_tags(timed(self.buffer, form, message.timestamp), form, message).source(&source);
            opening.verb("BATCH").param_fmt(format_args!("+{reference}")).param("draft/multiline").param(&target).end();
            for (text, is_continued) in lines {
                let mut line = LineWriter::new(self.buffer).raw_tag("batch", &reference);
                if is_continued {
                    line = line.tag("draft/multiline-concat", None);
                }
                line.source(&source).verb(verb).param(&target).trailing(text);
            }
            LineWriter::new(self.buffer).source(server).verb("BATCH").param_fmt(format_args!("-{reference}")).end();
            return;
        }
        for (at, (text, _)) in lines.into_iter().filter(|(text, _)| !text.is_empty()).enumerate() {
            let line = timed(self.buffer, form, message.timestamp);
            let line = if at == 0 {
                with_message_tags(line, form, message)
            } else {
                // "Servers MUST only include a message ID on the first message of a batch".
                let line = with_identity(with_sender_tags(line, form, &message.sender), form, message);
                with_clients_tags(line, form, message, REPEATED_TAGS)
            };
            line.source(&source).verb(verb).param(&target).trailing(text);
        }
    }

    fn happening(&mut self, happening: &Happening) {
        let form = self.form;
        let Happening { at, by, what, place } = happening;
        self.id = place.map(|place| place.id);
        match what {
            What::Joined { room, away, roles } => self.joined(*at, by, room, away.as_deref(), *roles),
            What::Left { room, reason } => {
                let line = self.line_in(*at, by, room, "PART").param(&room.name);
                end_with(line, reason.as_deref());
            }
            What::Kicked { room, who, reason } => {
                // RFC 2812 section 3.2.8: without a comment, the name of the one who kicks.
                let reason = reason.as_deref().unwrap_or(&by.name);
                self.line_in(*at, by, room, "KICK").param(&room.name).param(&who.name).trailing_cut(reason);
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
                self.line_in(*at, by, room, "TOPIC").param(&room.name).trailing_cut(text);
            }
            What::RoomChanged { room, steps } => self.room_changed(*at, by, room, steps),
            What::RoomRenamed { room, old, reason } => {
                let reason = reason.as_deref().unwrap_or_default();
                self.line_in(*at, by, room, "RENAME").param(old).param(&room.name).trailing_cut(reason);
            }
            What::Edited { room, id, target, kind, audience, text } => {
                self.edited(*at, by, room, (*id, *target), (*kind, *audience), text);
            }
            What::Pinned { room, target, on, message } => {
                self.pinned(*at, by, room, *target, *on, message.as_deref());
            }
            // message-redaction: "MUST not forward" it to those who do not know it.
            What::Redacted { room, target, reason, .. } if form.has(Capability::MessageRedaction) => {
                let line = self.line_in(*at, by, room, "REDACT");
                end_with(line.param(&room.name).param(uuid_text(&target.0, &mut [0; 36])), reason.as_deref());
            }
            What::Redacted { room, said: Some((who, when)), reason, .. } => {
                let text = taken_back(who, *when, reason.as_deref());
                self.line_in(*at, by, room, "NOTICE").param(&room.name).trailing_cut(&text);
            }
            What::Redacted { .. } => {}
            What::Invited { room, who, to_invited } => {
                if *to_invited || form.has(Capability::InviteNotify) {
                    let line = self.line_in(*at, by, room, "INVITE");
                    line.param(&who.name).param(&room.name).end();
                }
            }
            What::Knocked { room, text } => {
                let mask = source_of(by, self.server);
                let line = self.numeric(*at, Numeric::RPL_KNOCK, &room.name).param(&room.name).param(&mask);
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
            What::Announced { text, wallops: true } => {
                self.line(*at, by, "WALLOPS").trailing_cut(text);
            }
            What::Announced { text, wallops: false } => {
                // `$` and a server mask: everyone of these servers (RFC 2812 section 3.3.1).
                let server = self.server;
                let line = self.line(*at, by, "NOTICE");
                line.param_fmt(format_args!("$${server}")).trailing_cut(text);
            }
            What::MetadataChanged { of, key, value } => self.metadata_changed(*at, by, of, key, value.as_deref()),
            What::CameOnline => {
                let mask = source_of(by, self.server);
                self.numeric(*at, Numeric::RPL_MONONLINE, "*").trailing(&mask);
            }
            What::WentOffline => {
                self.numeric(*at, Numeric::RPL_MONOFFLINE, "*").trailing(&by.name);
            }
        }
    }

    /// metadata-3 knows numerics alone, metadata-2 has a command of its own.
    fn metadata_changed(&mut self, at: Timestamp, by: &Person, of: &str, key: &MetadataKey, value: Option<&str>) {
        if self.form.has(Capability::Metadata3) {
            match value {
                Some(value) => {
                    let line = self.numeric(at, Numeric::RPL_KEYVALUE, "*");
                    line.param(of).param(key.as_str()).param("*").trailing_cut(value);
                }
                None => {
                    let line = self.numeric(at, Numeric::RPL_KEYNOTSET, "*");
                    line.param(of).param(key.as_str()).trailing("key not set");
                }
            }
        } else if self.form.has(Capability::Metadata2) {
            let line = self.line(at, by, "METADATA").param(of).param(key.as_str()).param("*");
            end_with(line, value);
        }
    }

    fn joined(&mut self, at: Timestamp, by: &Person, room: &RoomRef, away: Option<&str>, roles: Roles) {
        let form = self.form;
        let line = self.line_in(at, by, room, "JOIN").param(&room.name);
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
        let fixed = format_args!(":{source} MODE {} \r\n", room.name).to_string().len();
        for string in compose(changes, MODES_PER_LINE, MAX_BODY.saturating_sub(fixed)) {
            let line = self.line_in(at, by, room, "MODE").param(&room.name);
            line.param(&string.letters).params(string.params).end();
        }
    }

    /// For those who do not know EDIT the author says the new text once more, with an asterisk before it: how people on IRC
    /// correct themselves, and how bridges from elsewhere show it (docs/decisions/0008-editing.md).
    fn edited(
        &mut self,
        at: Timestamp,
        by: &Person,
        room: &RoomRef,
        (id, target): (MessageId, MessageId),
        (kind, audience): (MessageKind, Option<Role>),
        text: &str,
    ) {
        let form = self.form;
        let to = match audience {
            Some(role) => Cow::Owned(format!("{}{}", role_prefix(role), room.name)),
            None => Cow::Borrowed(room.name.as_str()),
        };
        let source = source_of(by, self.server);
        if form.has(Capability::MessageEdit) {
            let line = timed(self.buffer, form, at).raw_tag("msgid", uuid_text(&id.0, &mut [0; 36]));
            with_ids(with_sender_tags(line, form, by), form, Some(by.id), Some(room.id))
                .raw_tag("draft/target-msgid", uuid_text(&target.0, &mut [0; 36]))
                .tag("draft/edit-text", Some(text))
                .source(&source)
                .verb("EDIT")
                .param(&to)
                .end();
            return;
        }
        let verb = if kind == MessageKind::Notice { "NOTICE" } else { "PRIVMSG" };
        let correction = match text.strip_prefix(ACTION) {
            Some(act) => format!("{ACTION}* {act}"),
            None => format!("* {text}"),
        };
        let budget = wire::text_budget(&source, verb, &[&to]);
        for (text, _) in lines_of(&correction, &[], budget).into_iter().filter(|(text, _)| !text.is_empty()) {
            let line = with_sender_tags(timed(self.buffer, form, at), form, by);
            let line = with_ids(line, form, Some(by.id), Some(room.id));
            line.source(&source).verb(verb).param(&to).trailing(text);
        }
    }

    /// Those who do not know PIN are told in words, by the one who did it and where it was done.
    fn pinned(
        &mut self,
        at: Timestamp,
        by: &Person,
        room: &RoomRef,
        target: MessageId,
        on: bool,
        message: Option<&Message>,
    ) {
        if self.form.has(Capability::ParlorPins) {
            let line = self.line_in(at, by, room, if on { "PIN" } else { "UNPIN" });
            return line.param(&room.name).param(uuid_text(&target.0, &mut [0; 36])).end();
        }
        let what = message.map_or_else(|| "a message".to_owned(), |message| in_words(message).replace('\n', " "));
        let done = if on { "pinned" } else { "unpinned" };
        self.line_in(at, by, room, "NOTICE").param(&room.name).trailing_cut(&format!("{done} {what}"));
    }

    /// A line that says what a person did, up to its verb.
    fn line(&mut self, at: Timestamp, by: &Person, verb: &str) -> ParamWriter<'_> {
        self.line_with(at, by, None, verb)
    }

    /// The same for what she did in a room.
    fn line_in(&mut self, at: Timestamp, by: &Person, room: &RoomRef, verb: &str) -> ParamWriter<'_> {
        self.line_with(at, by, Some(room.id), verb)
    }

    fn line_with(&mut self, at: Timestamp, by: &Person, room: Option<ChatroomId>, verb: &str) -> ParamWriter<'_> {
        let (form, source) = (self.form, source_of(by, self.server));
        // The server has no name of a person, and no id.
        let sender = (!by.name.is_empty()).then_some(by.id);
        let mut line = timed(self.buffer, form, at);
        if let Some(id) = self.id.take().filter(|_| form.has(Capability::MessageTags)) {
            line = line.raw_tag("msgid", uuid_text(&id.0, &mut [0; 36]));
        }
        with_ids(with_sender_tags(line, form, by), form, sender, room).source(&source).verb(verb)
    }

    fn numeric(&mut self, at: Timestamp, numeric: Numeric, target: &str) -> ParamWriter<'_> {
        timed(self.buffer, self.form, at).numeric(self.server, numeric, target)
    }
}

/// `<name> text`, or `* name acts`: what someone said, told by someone else.
pub(crate) fn in_words(message: &Message) -> String {
    let name = &message.sender.name;
    match message.payload.strip_prefix(ACTION) {
        Some(act) => format!("* {name} {}", act.trim_end_matches('\u{1}')),
        None => format!("<{name}> {}", message.payload.replace('\u{1}', "")),
    }
}

/// A new line with its `time` tag, if the form has one.
pub(crate) fn timed(buffer: &mut Vec<u8>, form: Form, at: Timestamp) -> LineWriter<'_> {
    let line = LineWriter::new(buffer);
    if form.has(Capability::ServerTime) {
        line.raw_tag("time", std::str::from_utf8(&time_text(at)).unwrap_or_default())
    } else {
        line
    }
}

/// CTCP ACTION: what `/me` says.
pub(crate) const ACTION: &str = "\u{1}ACTION ";

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

/// All that the tags of a message say, but for its time.
fn with_message_tags<'b>(mut line: LineWriter<'b>, form: Form, message: &Message) -> LineWriter<'b> {
    if form.has(Capability::MessageTags) {
        line = line.raw_tag("msgid", uuid_text(&message.id.0, &mut [0; 36]));
    }
    let mut line = with_identity(with_sender_tags(line, form, &message.sender), form, message);
    if form.has(Capability::Relaymsg)
        && let Some(by) = message.relayed_by()
    {
        line = line.tag("draft/relaymsg", Some(by));
    }
    with_clients_tags(line, form, message, usize::MAX)
}

fn with_identity<'b>(line: LineWriter<'b>, form: Form, message: &Message) -> LineWriter<'b> {
    with_ids(line, form, Some(message.sender_id), Some(message.chatroom_id))
}

/// What the sender's client attached, if it has no more bytes than that.
fn with_clients_tags<'b>(mut line: LineWriter<'b>, form: Form, message: &Message, most: usize) -> LineWriter<'b> {
    if form.has(Capability::MessageTags)
        && let Some(tags) = message.tags.as_deref().filter(|tags| tags.len() <= most)
    {
        for (key, value) in Tags::new(tags).iter() {
            line = line.raw_tag(key, value);
        }
    }
    line
}

/// The tag of who did it, or of whom it tells.
pub(crate) const SENDER_ID: &str = "parlor/sender-id";

/// parlor/identity: who and where, by what never changes.
fn with_ids<'b>(
    mut line: LineWriter<'b>,
    form: Form,
    sender: Option<ClientId>,
    room: Option<ChatroomId>,
) -> LineWriter<'b> {
    if form.has(Capability::ParlorIdentity) {
        if let Some(sender) = sender {
            line = line.raw_tag(SENDER_ID, uuid_text(&sender.0, &mut [0; 36]));
        }
        if let Some(room) = room {
            line = line.raw_tag("parlor/room-id", uuid_text(&room.0, &mut [0; 36]));
        }
    }
    line
}

/// Bytes of tags that are said again on each line of a message that is told line by line. Longer ones stand on the first
/// alone: a sender's four thousand bytes are not to become a quarter of a million.
const REPEATED_TAGS: usize = 512;

/// The lines of a text, each at most `budget` bytes, and whether it goes on with the one before it. Broken at the seams,
/// and where that is not enough behind a space or between two characters as people see them.
fn lines_of<'t>(text: &'t str, seams: &[u32], budget: usize) -> Vec<(&'t str, bool)> {
    // Nobody has so long a name that less is left; were it so, a line too long is better than an endless one.
    let budget = budget.max(16);
    let mut lines = Vec::new();
    let mut seams = seams.iter().map(|seam| text.floor_char_boundary(*seam as usize)).peekable();
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.len();
        let (mut at, mut is_continued) = (start, false);
        while let Some(seam) = seams.next_if(|seam| *seam < end) {
            if seam > at || (seam == at && !is_continued) {
                break_to_fit(&text[at..seam], budget, is_continued, &mut lines);
                (at, is_continued) = (seam, true);
            }
        }
        break_to_fit(&text[at..end], budget, is_continued, &mut lines);
        start = end + 1;
    }
    lines
}

fn break_to_fit<'t>(mut text: &'t str, budget: usize, mut is_continued: bool, lines: &mut Vec<(&'t str, bool)>) {
    while text.len() > budget {
        let characters = text.grapheme_indices(true).map(|(at, _)| at).take_while(|at| *at <= budget).last();
        // Someone's smiley can be longer than a line.
        let whole = characters.filter(|at| *at > 0).unwrap_or_else(|| text.floor_char_boundary(budget));
        // "leave the space character at the end of the line" (multiline "Splitting long lines").
        let cut = text[..whole].rfind(' ').map(|space| space + 1).filter(|at| *at >= whole * 2 / 3).unwrap_or(whole);
        lines.push((&text[..cut], is_continued));
        text = &text[cut..];
        is_continued = true;
    }
    lines.push((text, is_continued));
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
        RoomStep::MemberLimit { limit } => {
            (limit.is_some(), MEMBER_LIMIT, limit.map(|limit| Cow::Owned(limit.to_string())))
        }
        RoomStep::SlowMode { seconds } => {
            (seconds.is_some(), SLOW_MODE, seconds.map(|seconds| Cow::Owned(seconds.to_string())))
        }
        RoomStep::Forward { to } => (to.is_some(), FORWARD, to.as_deref().map(Cow::Borrowed)),
        RoomStep::Retention { seconds } => {
            (seconds.is_some(), RETENTION, seconds.map(|seconds| Cow::Owned(duration::text(u64::from(seconds) * 1000))))
        }
        RoomStep::Role { on, role, who } => (*on, role_letter(*role), Some(Cow::Borrowed(who.as_str()))),
        RoomStep::List { on, list, mask } => (*on, list_letter(*list), Some(mask_to_wire(mask))),
    }
}

/// The usual form of a UUID (RFC 9562 section 4), in lower case.
pub(crate) fn uuid_text<'t>(id: &uuid::Uuid, text: &'t mut [u8; 36]) -> &'t str {
    id.hyphenated().encode_lower(text)
}

/// That a message was deleted, for those who cannot be told which (message-redaction "Fallback").
fn taken_back(who: &Person, when: Timestamp, reason: Option<&str>) -> String {
    let when = time_text(when);
    let when = str::from_utf8(&when).unwrap_or_default();
    // 2026-11-22T11:32:07.045Z
    let (day, time) = (when.get(..10).unwrap_or_default(), when.get(11..19).unwrap_or_default());
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("deleted a message by {} ({day} {time} UTC){reason}", who.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Configured;
    use chat::chatroom::RoomFlag;
    use chat::command::PersonalMode;
    use chat::id::{MessageId, Position, RoomNumber};
    use chat::membership::Role;
    use chat::refusal::ListKind;
    use std::sync::Arc;
    use uuid::Uuid;
    use wire::CapabilitySet;

    /// 2026-11-22T11:32:07.045Z
    const AT: Timestamp = Timestamp(1_795_347_127_045);

    fn alice() -> Person {
        Person {
            id: ClientId(Uuid::from_u128(0xa)),
            name: "alice".into(),
            ident: "~al".into(),
            host: "cloak.example".into(),
            account: Some("Alice".into()),
            realname: "Alice Liddell".into(),
            bot: false,
        }
    }

    fn bob() -> Person {
        Person {
            id: ClientId(Uuid::from_u128(0xb)),
            name: "bob".into(),
            account: None,
            realname: String::new().into(),
            bot: true,
            ..alice()
        }
    }

    fn tea() -> RoomRef {
        RoomRef { number: RoomNumber(1), id: ChatroomId(Uuid::from_u128(0xc)), name: "#tea".into() }
    }

    fn message(kind: MessageKind) -> Message {
        Message {
            id: MessageId(Uuid::from_u128(0x1234)),
            sender_id: alice().id,
            payload: "hi all :)".into(),
            seams: None,
            timestamp: AT,
            chatroom_id: tea().id,
            position: Position(1),
            room: RoomNumber(1),
            sender: Arc::new(alice()),
            kind,
            tags: Some("+a=b\\:;+c".into()),
            addressed_to: "#tea".into(),
            audience: None,
            recipient_id: None,
            once: None,
            lasting: None,
        }
    }

    fn lines(event: &Event, capabilities: &[Capability]) -> String {
        let facts = ServerFacts::new(Configured { server_name: "parlor.test".into(), ..Configured::default() });
        let form = Form::of(CapabilitySet::of(capabilities));
        let mut buffer = Vec::new();
        render(event, form, &facts, &mut buffer);
        String::from_utf8(buffer).unwrap()
    }

    /// `expected`: the lines, without their endings.
    fn check_message(message: Message, capabilities: &[Capability], expected: &[&str]) {
        let found = lines(&Event::Posted(Arc::new(message)), capabilities);
        assert_eq!(found.split_terminator("\r\n").collect::<Vec<_>>(), expected);
    }

    fn check(by: Person, what: What, capabilities: &[Capability], expected: &[&str]) {
        let happening = Happening { at: AT, place: None, by: Arc::new(by), what };
        let found = lines(&Event::Happened(Arc::new(happening)), capabilities);
        assert_eq!(found.split_terminator("\r\n").collect::<Vec<_>>(), expected);
        assert!(found.is_empty() || found.ends_with("\r\n"));
    }

    #[test]
    fn a_message_in_each_form() {
        use Capability::*;
        let text = || message(MessageKind::Text);
        let plain = ":alice!~al@cloak.example PRIVMSG #tea :hi all :)";
        check_message(text(), &[], &[plain]);
        check_message(text(), &[AwayNotify, EchoMessage], &[plain]);
        check_message(text(), &[ServerTime], &[&format!("@time=2026-11-22T11:32:07.045Z {plain}")]);
        check_message(text(), &[AccountTag], &[&format!("@account=Alice {plain}")]);
        check_message(
            text(),
            &[MessageTags],
            &[&format!("@msgid=00000000-0000-0000-0000-000000001234;+a=b\\:;+c {plain}")],
        );
        check_message(
            text(),
            &[ParlorIdentity],
            &[&format!(
                "@parlor/sender-id=00000000-0000-0000-0000-00000000000a;\
                 parlor/room-id=00000000-0000-0000-0000-00000000000c {plain}"
            )],
        );
        check_message(
            text(),
            &[ServerTime, MessageTags, AccountTag],
            &[&format!(
                "@time=2026-11-22T11:32:07.045Z;msgid=00000000-0000-0000-0000-000000001234;account=Alice;\
                 +a=b\\:;+c {plain}"
            )],
        );
    }

    #[test]
    fn kinds_of_messages() {
        use Capability::*;
        let notice = ":alice!~al@cloak.example NOTICE #tea :hi all :)";
        check_message(message(MessageKind::Notice), &[], &[notice]);
        check_message(message(MessageKind::Signal), &[ServerTime, AccountTag], &[]);
        check_message(
            message(MessageKind::Signal),
            &[MessageTags],
            &["@msgid=00000000-0000-0000-0000-000000001234;+a=b\\:;+c :alice!~al@cloak.example TAGMSG #tea"],
        );
        let to_operators = Message { audience: Some(Role::Operator), ..message(MessageKind::Text) };
        let expected = ":alice!~al@cloak.example PRIVMSG @#tea :hi all :)";
        check_message(to_operators, &[], &[expected]);
        let by_a_bot =
            Message { sender: Arc::new(bob()), tags: None, addressed_to: "carol".into(), ..message(MessageKind::Text) };
        check_message(
            by_a_bot,
            &[MessageTags, AccountTag],
            &["@msgid=00000000-0000-0000-0000-000000001234;bot :bob!~al@cloak.example PRIVMSG carol :hi all :)"],
        );
    }

    #[test]
    fn a_message_of_lines_in_each_form() {
        use Capability::*;
        let of_lines = || Message {
            payload: "one\n\ntwo and more".into(),
            seams: Some([8].into()),
            position: Position(7),
            tags: Some("+a".into()),
            audience: Some(Role::Voice),
            ..message(MessageKind::Notice)
        };
        let by = ":alice!~al@cloak.example";
        let [first, second, third] = ["one", "two", " and more"].map(|text| format!("{by} NOTICE +#tea :{text}"));
        check_message(of_lines(), &[], &[&first, &second, &third]);
        // Without batches there are none.
        check_message(of_lines(), &[Multiline], &[&first, &second, &third]);
        check_message(
            of_lines(),
            &[MessageTags, AccountTag, ParlorIdentity],
            &[
                &format!("@msgid=00000000-0000-0000-0000-000000001234;account=Alice;{IDENTITY};+a {first}"),
                &format!("@account=Alice;{IDENTITY};+a {second}"),
                &format!("@account=Alice;{IDENTITY};+a {third}"),
            ],
        );
        check_message(
            of_lines(),
            &[MessageTags, ServerTime, Multiline, Batch],
            &[
                &format!(
                    "@time=2026-11-22T11:32:07.045Z;msgid=00000000-0000-0000-0000-000000001234;+a {by} \
                     BATCH +m7 draft/multiline +#tea"
                ),
                &format!("@batch=m7 {first}"),
                &format!("@batch=m7 {by} NOTICE +#tea :"),
                &format!("@batch=m7 {second}"),
                &format!("@batch=m7;draft/multiline-concat {third}"),
                ":parlor.test BATCH -m7",
            ],
        );
        // Long tags stand on the first line alone.
        let tags = format!("+a={}", "x".repeat(REPEATED_TAGS));
        let tagged = Message { tags: Some(tags.as_str().into()), ..of_lines() };
        let id = "msgid=00000000-0000-0000-0000-000000001234";
        check_message(tagged, &[MessageTags], &[&format!("@{id};{tags} {first}"), &second, &third]);
    }

    const IDENTITY: &str = "parlor/sender-id=00000000-0000-0000-0000-00000000000a;\
                            parlor/room-id=00000000-0000-0000-0000-00000000000c";

    #[test]
    fn lines_are_broken_where_they_were_and_where_they_must_be() {
        let check = |text: &str, seams: &[u32], expected: &[(&str, bool)]| {
            assert_eq!(lines_of(text, seams, 16), expected, "{text:?} {seams:?}");
        };
        check("a", &[], &[("a", false)]);
        check("a\nb\n\nc", &[], &[("a", false), ("b", false), ("", false), ("c", false)]);
        check("\nab", &[2], &[("", false), ("a", false), ("b", true)]);
        check("\nab", &[1], &[("", false), ("", false), ("ab", true)]);
        check("one two three four five", &[4], &[("one ", false), ("two three four ", true), ("five", true)]);
        check("0123456789abcdefg", &[], &[("0123456789abcdef", false), ("g", true)]);
        // A family is 18 bytes of one character as people see it, and an accent belongs to its letter.
        let (parents, child) = "👩‍👩‍👧".split_at(14);
        check("a👩‍👩‍👧", &[], &[("a", false), (parents, true), (child, true)]);
        check("0123456789abcde\u{65}\u{301}", &[], &[("0123456789abcde", false), ("e\u{301}", true)]);
        // What nobody wrote, but a broken disk may hold.
        check("éé\nx", &[1, 1, 0, 3, 4, 900], &[("", false), ("é", true), ("é", true), ("x", false)]);
    }

    #[test]
    fn a_newcomer_s_lines() {
        use Capability::*;
        let joined = |away: Option<&str>, roles| What::Joined { room: tea(), away: away.map(Into::into), roles };
        let join = ":alice!~al@cloak.example JOIN #tea";
        check(alice(), joined(None, Roles::NONE), &[], &[join]);
        check(
            alice(),
            joined(Some("tea time"), Roles::NONE),
            &[ExtendedJoin, AwayNotify],
            &[":alice!~al@cloak.example JOIN #tea Alice :Alice Liddell", ":alice!~al@cloak.example AWAY :tea time"],
        );
        check(bob(), joined(Some("unseen"), Roles::NONE), &[ExtendedJoin], &[":bob!~al@cloak.example JOIN #tea * :"]);
        let roles = Roles::of(Role::Owner).with(Role::Voice);
        check(alice(), joined(None, roles), &[], &[join, ":parlor.test MODE #tea +qv alice alice"]);
    }

    #[test]
    fn what_only_some_forms_see() {
        use Capability::*;
        let away = |message: Option<&str>| What::AwayChanged { message: message.map(Into::into) };
        check(alice(), away(Some("out")), &[], &[]);
        check(alice(), away(Some("out")), &[AwayNotify], &[":alice!~al@cloak.example AWAY :out"]);
        check(alice(), away(None), &[AwayNotify], &[":alice!~al@cloak.example AWAY"]);
        let account = |account: Option<&str>| What::AccountChanged { account: account.map(Into::into) };
        check(bob(), account(Some("Bobby")), &[AwayNotify], &[]);
        check(bob(), account(Some("Bobby")), &[AccountNotify], &[":bob!~al@cloak.example ACCOUNT Bobby"]);
        check(bob(), account(None), &[AccountNotify], &[":bob!~al@cloak.example ACCOUNT *"]);
        let host = || What::HostChanged { ident: "u".into(), host: "h.example".into() };
        check(alice(), host(), &[], &[]);
        check(alice(), host(), &[Chghost], &[":alice!~al@cloak.example CHGHOST u h.example"]);
        let realname = || What::RealnameChanged { to: "Miss Liddell".into() };
        check(alice(), realname(), &[], &[]);
        check(
            alice(),
            realname(),
            &[Setname, AccountTag],
            &["@account=Alice :alice!~al@cloak.example SETNAME :Miss Liddell"],
        );
        let invited = |to_invited| What::Invited { room: tea(), who: Arc::new(bob()), to_invited };
        let invite = ":alice!~al@cloak.example INVITE bob #tea";
        check(alice(), invited(true), &[], &[invite]);
        check(alice(), invited(false), &[], &[]);
        check(alice(), invited(false), &[InviteNotify], &[invite]);
    }

    #[test]
    fn the_lines_of_rooms_and_people() {
        let left = |reason: Option<&str>| What::Left { room: tea(), reason: reason.map(Into::into) };
        check(alice(), left(None), &[], &[":alice!~al@cloak.example PART #tea"]);
        check(alice(), left(Some("bye all")), &[], &[":alice!~al@cloak.example PART #tea :bye all"]);
        let kicked =
            |reason: Option<&str>| What::Kicked { room: tea(), who: Arc::new(bob()), reason: reason.map(Into::into) };
        check(alice(), kicked(Some("out")), &[], &[":alice!~al@cloak.example KICK #tea bob :out"]);
        check(alice(), kicked(None), &[], &[":alice!~al@cloak.example KICK #tea bob :alice"]);
        check(alice(), What::Quit { reason: "Quit: bye".into() }, &[], &[":alice!~al@cloak.example QUIT :Quit: bye"]);
        check(alice(), What::Renamed { to: "Alicia".into() }, &[], &[":alice!~al@cloak.example NICK Alicia"]);
        let topic = |text: &str| What::TopicChanged { room: tea(), text: text.into() };
        check(alice(), topic("green tea"), &[], &[":alice!~al@cloak.example TOPIC #tea :green tea"]);
        check(alice(), topic(""), &[], &[":alice!~al@cloak.example TOPIC #tea :"]);
        let knocked = |text: Option<&str>| What::Knocked { room: tea(), text: text.map(Into::into) };
        check(
            bob(),
            knocked(None),
            &[],
            &[":parlor.test 710 #tea #tea bob!~al@cloak.example :has asked for an invite"],
        );
        check(
            bob(),
            knocked(Some("please")),
            &[],
            &[":parlor.test 710 #tea #tea bob!~al@cloak.example :has asked for an invite: please"],
        );
        check(
            alice(),
            What::OwnModesChanged { changes: vec![(true, PersonalMode::Bot), (false, PersonalMode::Invisible)] },
            &[],
            &[":alice!~al@cloak.example MODE alice +B-i"],
        );
        let announced = |wallops| What::Announced { text: "hear, hear".into(), wallops };
        check(alice(), announced(true), &[], &[":alice!~al@cloak.example WALLOPS :hear, hear"]);
        check(alice(), announced(false), &[], &[":alice!~al@cloak.example NOTICE $$parlor.test :hear, hear"]);
        check(alice(), What::CameOnline, &[], &[":parlor.test 730 * :alice!~al@cloak.example"]);
        check(alice(), What::WentOffline, &[], &[":parlor.test 731 * :alice"]);
    }

    #[test]
    fn an_edit_is_a_correction_to_those_who_do_not_know_it() {
        use Capability::*;
        let (id, target) = (MessageId(Uuid::from_u128(0x5678)), MessageId(Uuid::from_u128(0x1234)));
        let edited =
            |kind, audience, text: &str| What::Edited { room: tea(), id, target, kind, audience, text: text.into() };
        let text = || edited(MessageKind::Text, None, "an example; new");
        check(
            alice(),
            text(),
            &[MessageTags, MessageEdit],
            &["@msgid=00000000-0000-0000-0000-000000005678;draft/target-msgid=00000000-0000-0000-0000-000000001234;\
               draft/edit-text=an\\sexample\\:\\snew :alice!~al@cloak.example EDIT #tea"],
        );
        let source = ":alice!~al@cloak.example";
        check(alice(), text(), &[], &[&format!("{source} PRIVMSG #tea :* an example; new")]);
        check(
            alice(),
            edited(MessageKind::Notice, Some(Role::Operator), "x"),
            &[MessageTags],
            &[&format!("{source} NOTICE @#tea :* x")],
        );
        let waves = edited(MessageKind::Text, None, "\u{1}ACTION waves\u{1}");
        check(alice(), waves, &[], &[&format!("{source} PRIVMSG #tea :\u{1}ACTION * waves\u{1}")]);
        let lines = edited(MessageKind::Text, None, "one\n\ntwo");
        let expected = [format!("{source} PRIVMSG #tea :* one"), format!("{source} PRIVMSG #tea :two")];
        check(alice(), lines, &[], &expected.each_ref().map(String::as_str));
    }

    #[test]
    fn others_are_told_of_a_redaction_in_words() {
        let target = MessageId(Uuid::from_u128(0x1234));
        let said = Some((Arc::new(Person { name: "bob".into(), ..alice() }), Timestamp(1_700_000_000_000)));
        let redacted =
            |said, reason: Option<&str>| What::Redacted { room: tea(), target, said, reason: reason.map(Into::into) };
        let line = ":alice!~al@cloak.example NOTICE #tea :deleted a message by bob (2023-11-14 22:13:20 UTC)";
        check(alice(), redacted(said.clone(), None), &[Capability::MessageTags], &[line]);
        // Without message-tags no message could be named: the capability has no effect.
        let spam = format!("{line}: spam");
        check(alice(), redacted(said, Some("spam")), &[Capability::MessageRedaction], &[&spam]);
        // Of a reaction they knew nothing.
        check(alice(), redacted(None, Some("spam")), &[Capability::MessageTags], &[]);
    }

    #[test]
    fn a_redaction_is_for_those_who_know_it() {
        let target = MessageId(Uuid::from_u128(0x1234));
        let redacted =
            |reason: Option<&str>| What::Redacted { room: tea(), target, said: None, reason: reason.map(Into::into) };
        let line = ":alice!~al@cloak.example REDACT #tea 00000000-0000-0000-0000-000000001234";
        let knows = [Capability::MessageTags, Capability::MessageRedaction];
        check(alice(), redacted(None), &knows, &[line]);
        check(alice(), redacted(Some("wrong room")), &knows, &[&format!("{line} :wrong room")]);
    }

    #[test]
    fn the_server_s_own_doings_have_its_name() {
        let nobody = Person { name: "".into(), ident: "".into(), host: "".into(), account: None, ..alice() };
        check(
            nobody,
            What::Announced { text: "restart at noon".into(), wallops: false },
            &[],
            &[":parlor.test NOTICE $$parlor.test :restart at noon"],
        );
    }

    #[test]
    fn modes_are_cut_into_lines_that_fit() {
        let role = |who: &str| RoomStep::Role { on: true, role: Role::Voice, who: who.into() };
        let steps = vec![
            RoomStep::Flag { on: true, flag: RoomFlag::Moderated },
            RoomStep::Key { on: true, key: "beer".into() },
            RoomStep::MemberLimit { limit: Some(7) },
            RoomStep::MemberLimit { limit: None },
            RoomStep::Retention { seconds: Some(90 * 86_400) },
            RoomStep::List { on: false, list: ListKind::Ban, mask: "~m:~a:bob".into() },
            role("bob"),
        ];
        check(
            alice(),
            What::RoomChanged { room: tea(), steps },
            &[],
            &[":alice!~al@cloak.example MODE #tea +mkl-l+H-b+v beer 7 90d m:a:bob bob"],
        );

        let steps = (0..30).map(|n| role(&format!("{}{n:02}", "n".repeat(30)))).collect();
        let happening =
            Happening { at: AT, place: None, by: Arc::new(alice()), what: What::RoomChanged { room: tea(), steps } };
        let found = lines(&Event::Happened(Arc::new(happening)), &[]);
        assert!(found.split_inclusive("\r\n").all(|line| line.len() <= MAX_BODY));
        assert_eq!(found.matches("nnnn").count() * 4, 30 * 28);
        assert!(found.split_terminator("\r\n").count() > 2);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        let reason = "é".repeat(400);
        let happening =
            Happening { at: AT, place: None, by: Arc::new(alice()), what: What::Quit { reason: reason.into() } };
        let found = lines(&Event::Happened(Arc::new(happening)), &[Capability::ServerTime]);
        let body = found.split_once(' ').unwrap().1;
        assert!((MAX_BODY - 1..=MAX_BODY).contains(&body.len()));
        assert!(body.ends_with("é\r\n"));
    }
}
