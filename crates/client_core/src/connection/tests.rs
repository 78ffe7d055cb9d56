//! Transcripts as data. Each line of one is an event, or what must come of the event before it:
//!
//! ```text
//! ! up                  an action of the front end
//! < :s 001 alice :Hi    a line from the server
//! > JOIN #tea           a line that we send
//! * joined #tea alice   a change, as `described` writes it
//! ```
//!
//! Everything that comes of an event must stand after it, lines and changes each in their order.

mod history;
mod link;
mod login;
mod posting;
mod typed;

use super::*;
use crate::change::{ConversationChange, Message};
use crate::outbox::MessageKind;
use crate::slash_command;
use proptest::prelude::*;

const WALL: Timestamp = Timestamp(1_000_000);

fn guest() -> Settings {
    Settings {
        name: "alice".to_owned(),
        realname: "Alice".to_owned(),
        login: Login::Guest,
        server_password: None,
        mechanism: None,
        rooms: vec!["#tea".to_owned()],
        key_prefix: "k".to_owned(),
        login_patience: Duration::from_secs(30),
    }
}

fn account() -> Settings {
    Settings { login: Login::Account { password: Password::new("sesame") }, ..guest() }
}

fn newcomer() -> Settings {
    Settings { login: Login::Register { password: Password::new("sesame"), email: None }, ..guest() }
}

struct Player {
    connection: Connection,
    security: LinkSecurity,
    now: Duration,
    present: Option<String>,
}

impl Player {
    fn new(settings: Settings, security: LinkSecurity) -> Player {
        Player {
            present: settings.rooms.first().cloned(),
            connection: Connection::new(settings),
            security,
            now: Duration::ZERO,
        }
    }

    fn moment(&self) -> Moment {
        Moment { since_start: self.now, wall: WALL }
    }

    fn act(&mut self, action: &str) -> Vec<Change> {
        let now = self.moment();
        let (verb, rest) = action.split_once(' ').unwrap_or((action, ""));
        match verb {
            "up" => self.connection.link_up(now, self.security, [0; 18]),
            "down" => self.connection.link_down(now, u32::MAX),
            "wait" => {
                self.now += Duration::from_secs(rest.parse().unwrap());
                let now = self.moment();
                self.connection.tick(now)
            }
            "again" => self.connection.log_in_again(now, Login::Account { password: Password::new(rest) }),
            "quit" => self.connection.quit(now, Some(rest).filter(|reason| !reason.is_empty())),
            // A bar stands for the end of a line.
            "together" => {
                let posts = self.connection.post_together(now, "#tea", &rest.replace('|', "\n"), MessageKind::Text);
                posts.map(|_| Vec::new()).unwrap()
            }
            "type" => {
                let typed = slash_command::parse(rest).unwrap();
                let present = self.present.clone();
                self.connection.carry_out(now, typed, present.as_deref())
            }
            other => panic!("no action {other}"),
        }
    }
}

fn check_on(security: LinkSecurity, settings: Settings, transcript: &str) -> Player {
    let mut player = Player::new(settings, security);
    let mut lines = transcript.lines().map(str::trim_start).filter(|line| !line.is_empty()).peekable();
    while let Some(event) = lines.next() {
        let changes = match event.split_at(2) {
            ("! ", action) => player.act(action),
            ("< ", line) => player.connection.receive(player.moment(), format!("{line}\r\n").as_bytes()),
            _ => panic!("not an event: {event}"),
        };
        let output = String::from_utf8(player.connection.take_output()).unwrap();
        let mut came: Vec<String> = output.split_terminator("\r\n").map(|line| format!("> {line}")).collect();
        came.extend(changes.iter().map(|change| format!("* {}", described(change))));
        let mut expected: Vec<String> =
            std::iter::from_fn(|| lines.next_if(|line| line.starts_with(['>', '*']))).map(str::to_owned).collect();
        // Lines and changes are two streams: how they are interleaved is not looked at.
        expected.sort_by_key(|line| line.starts_with('*'));
        assert_eq!(came, expected, "after: {event}");
    }
    player
}

fn check(settings: Settings, transcript: &str) -> Player {
    check_on(LinkSecurity::Encrypted, settings, transcript)
}

fn conversation(change: &ConversationChange) -> String {
    format!("{change:?}")
}

fn described(change: &Change) -> String {
    let list = |names: &[CompactString]| names.join(",");
    let because = |reason: &Option<String>| reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    match change {
        Change::LinkState(LinkState::Down { retry_at }) => {
            format!("down until {}", retry_at.as_secs())
        }
        Change::LinkState(state) => format!("{state:?}").to_lowercase(),
        Change::Welcome { name, account } => {
            format!("welcome {name} {}", account.as_deref().unwrap_or("-"))
        }
        Change::SearchEnded { found } => format!("search ended: {found}"),
        Change::MessageAdded(message) | Change::Found(message) => {
            let Message { id, sender, payload, timestamp, room_name, room_id, kind, own, direct, reply_to } = message;
            let mut marks = String::new();
            for (mark, set) in [
                (" own", *own),
                (" direct", *direct),
                (" action", *kind == MessageKind::Action),
                (" notice", *kind == MessageKind::Notice),
            ] {
                if set {
                    marks.push_str(mark);
                }
            }
            for (name, value) in
                [("id", id), ("by", &sender.id), ("account", &sender.account), ("room", room_id), ("re", reply_to)]
            {
                if let Some(value) = value {
                    marks.push_str(&format!(" {name}={value}"));
                }
            }
            if *timestamp != WALL {
                marks.push_str(&format!(" at {timestamp}"));
            }
            let what = if matches!(change, Change::Found(_)) { "found" } else { "message" };
            format!("{what} {room_name} {}{marks}: {}", sender.name, payload.replace('\n', "|"))
        }
        Change::Conversation(change) => conversation(change),
        Change::PostAccepted { post } => format!("accepted {}", post.0),
        Change::PostRefused { post, target, payload, sentence } => {
            format!("refused {} {target} ({}): {sentence}", post.0, payload.replace('\n', "|"))
        }
        Change::PostUnknown { post, target, payload } => format!("unknown {} {target} ({payload})", post.0),
        Change::Joined { place, who, own } => format!(
            "joined {} {}{}{}",
            place.room_name,
            who.name,
            if *own { " own" } else { "" },
            who.account.as_ref().map_or_else(String::new, |account| format!(" account={account}"))
        ),
        Change::Left { place, who, reason, own } => {
            format!("left {} {}{}{}", place.room_name, who.name, if *own { " own" } else { "" }, because(reason))
        }
        Change::Kicked { place, who, by, reason, own } => format!(
            "kicked {} {who} by {}{}{}",
            place.room_name,
            by.name,
            if *own { " own" } else { "" },
            because(reason)
        ),
        Change::Quit { who, reason, rooms, .. } => format!("quit {} from {}{}", who.name, list(rooms), because(reason)),
        Change::Renamed { from, to, own, rooms, .. } => {
            format!("renamed {from} to {to} in {}{}", list(rooms), if *own { " own" } else { "" })
        }
        Change::TopicChanged { place, by, topic } => {
            format!("topic {} by {}: {topic}", place.room_name, by.name)
        }
        Change::TopicIs { place, topic } => format!("topic {}: {topic}", place.room_name),
        Change::Members { room_name, names } => format!("members {room_name}: {}", list(names)),
        Change::ModesChanged { target, by, modes, phrases, .. } => {
            format!("modes {target} by {}: {modes} ({})", by.name, phrases.join(", "))
        }
        Change::Away { who, message } => format!("away {}{}", who.name, because(message)),
        Change::AccountChanged { who, account } => {
            format!("account {who} {}", account.as_deref().unwrap_or("-"))
        }
        Change::RealnameChanged { who, realname } => format!("realname {} {realname}", who.name),
        Change::Invited { room_name, who, by, own } => {
            format!("invited {who} to {room_name} by {}{}", by.name, if *own { " own" } else { "" })
        }
        Change::Notice { from, text, .. } => format!("notice {from}: {text}"),
        Change::MessageOfTheDay { text } => format!("motd: {text}"),
        Change::Information { sentence } => format!("info: {sentence}"),
        Change::Refused { sentence } => format!("no: {sentence}"),
        Change::JoinRefused { room_name, sentence } => format!("no entry {room_name}: {sentence}"),
        Change::LoginRefused { sentence, wrong_password: true } => format!("wrong password: {sentence}"),
        Change::LoginRefused { sentence, wrong_password: false } => format!("no login: {sentence}"),
        Change::LinkDead { sentence } => format!("dead: {sentence}"),
        Change::Closed { clean } => format!("closed{}", if *clean { "" } else { " unclean" }),
    }
}

/// A guest who is in #tea of a server that knows nothing new.
const OLD_SERVER: &str = "
    ! up
    > CAP LS 302
    * negotiating
    < :s 421 * CAP :Unknown command
    > NICK :alice
    > USER alice 0 * :Alice
    * registering
    < :s 001 alice :Welcome
    > PING :1
    > JOIN #tea
    * joined
    * welcome alice -
    < :s PONG s :1
    < :alice!a@h JOIN #tea
    * joined #tea alice own
    < :s 353 alice = #tea :@alice bob
    < :s 366 alice #tea :End
    * members #tea: @alice,bob
";

/// An account that is in #tea of a server like ours.
const OUR_SERVER: &str = "
    ! up
    > CAP LS 302
    * negotiating
    < :s CAP * LS :message-tags server-time echo-message labeled-response batch sasl=PLAIN parlor/identity parlor/once
    > CAP REQ :batch echo-message labeled-response message-tags sasl server-time parlor/identity parlor/once
    < :s CAP * ACK :batch echo-message labeled-response message-tags sasl server-time parlor/identity parlor/once
    > AUTHENTICATE PLAIN
    * authenticating
    < AUTHENTICATE +
    > AUTHENTICATE AGFsaWNlAHNlc2FtZQ==
    < :s 900 * * alice :You are now logged in
    < :s 903 * :SASL authentication successful
    > NICK :alice
    > USER alice 0 * :Alice
    > CAP END
    * registering
    < :s 001 alice :Welcome
    > PING :1
    > JOIN #tea
    * joined
    * welcome alice alice
    < :s PONG s :1
    < :alice!a@h JOIN #tea
    * joined #tea alice own
";

fn after(beginning: &str, rest: &str) -> String {
    format!("{beginning}{rest}")
}

#[test]
fn an_old_server_is_enough() {
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        < :bob!b@h PRIVMSG #tea :hello
        * message #tea bob: hello
        < :bob!b@h PRIVMSG alice :psst
        * message bob bob direct: psst
        < :bob!b@h PRIVMSG #tea :\u{1}ACTION waves\u{1}
        * message #tea bob action: waves
        < :bob!b@h PRIVMSG alice :\u{1}VERSION\u{1}
        < :bob!b@h NOTICE #tea :robot speaking
        * message #tea bob notice: robot speaking
        < :s.example NOTICE alice :restart at five
        * notice s.example: restart at five
        < PING :abc
        > PONG :abc
        < :carol!c@h JOIN #tea
        * joined #tea carol
        < :carol!c@h NICK caro
        * renamed carol to caro in #tea
        < :caro!c@h PART #tea :tired
        * left #tea caro: tired
        < :bob!b@h TOPIC #tea :Tea at five
        * topic #tea by bob: Tea at five
        < :bob!b@h MODE #tea +o-v alice carol
        * modes #tea by bob: +o-v alice carol (made alice an operator, took the voice from carol)
        < :bob!b@h QUIT :bye
        * quit bob from #tea: bye
    ",
        ),
    );
}
