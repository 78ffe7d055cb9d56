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

/// A guest in #tea of a server that takes at most four lines and 40 bytes as one message.
const SERVER_OF_LINES: &str = "
    ! up
    > CAP LS 302
    * negotiating
    < :s CAP * LS :echo-message labeled-response batch message-tags draft/multiline=max-bytes=40,max-lines=4
    > CAP REQ :batch echo-message labeled-response message-tags draft/multiline
    < :s CAP * ACK :batch echo-message labeled-response message-tags draft/multiline
    > NICK :alice
    > USER alice 0 * :Alice
    > CAP END
    * registering
    < :s 001 alice :Welcome
    > PING :1
    > JOIN #tea
    * joined
    * welcome alice -
    < :s PONG s :1
    < :alice!a@h JOIN #tea
    * joined #tea alice own
";

#[test]
fn a_message_of_several_lines_is_one() {
    check(
        guest(),
        &after(
            SERVER_OF_LINES,
            "
        < @msgid=i;time=2023-11-14T22:13:20.000Z :bob!b@h BATCH +1 draft/multiline #tea
        < @batch=1 :bob!b@h PRIVMSG #tea :hello
        < @batch=1 :bob!b@h PRIVMSG #tea :
        < :carol!c@h PRIVMSG #tea :in between
        * message #tea carol: in between
        < @batch=1 :bob!b@h PRIVMSG #tea :how is
        < @batch=1;draft/multiline-concat :bob!b@h PRIVMSG #tea : everyone?
        < :s BATCH -1
        * message #tea bob id=i at 2023-11-14T22:13:20.000Z: hello||how is everyone?
        < :bob!b@h BATCH +2 draft/multiline alice
        < @batch=2 :bob!b@h NOTICE alice :one
        < @batch=2 :bob!b@h NOTICE alice :two
        < :s BATCH -2
        * message bob bob direct notice: one|two
        < :bob!b@h BATCH +3 draft/multiline #tea
        < :s BATCH -3
    ",
        ),
    );
}

#[test]
fn a_text_of_several_lines_is_sent_as_one() {
    check(
        guest(),
        &after(
            SERVER_OF_LINES,
            "
        ! together |one||two|
        > @label=m1 BATCH +m1 draft/multiline #tea
        > @batch=m1 PRIVMSG #tea :one
        > @batch=m1 PRIVMSG #tea :
        > @batch=m1 PRIVMSG #tea :two
        > BATCH -m1
        < @label=m1;msgid=i :alice!a@h BATCH +9 draft/multiline #tea
        < @batch=9 :alice!a@h PRIVMSG #tea :one
        < @batch=9 :alice!a@h PRIVMSG #tea :
        < @batch=9 :alice!a@h PRIVMSG #tea :two
        < :s BATCH -9
        * message #tea alice own id=i: one||two
        * accepted 1
        ! together 1|2|3|4|5
        > @label=m2 BATCH +m2 draft/multiline #tea
        > @batch=m2 PRIVMSG #tea :1
        > @batch=m2 PRIVMSG #tea :2
        > @batch=m2 PRIVMSG #tea :3
        > @batch=m2 PRIVMSG #tea :4
        > BATCH -m2
        > @label=m3 PRIVMSG #tea :5
        < @label=m2 :s FAIL BATCH MULTILINE_MAX_BYTES 40 :The message has more bytes; send it in parts
        * refused 2 #tea (1|2|3|4): The message is longer than 40 bytes; send it in parts.
    ",
        ),
    );
}

#[test]
fn where_nobody_knows_of_lines_each_is_a_message() {
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! together one||two
        > PRIVMSG #tea :one
        > PRIVMSG #tea :two
        > PING :2
        < :s PONG s :2
        * message #tea alice own: one
        * accepted 1
        * message #tea alice own: two
        * accepted 2
    ",
        ),
    );
}

#[test]
fn without_labels_a_ping_behind_the_message_acknowledges_it() {
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! type one
        > PRIVMSG #tea :one
        > PING :2
        ! type /me waves
        > PRIVMSG #tea :\u{1}ACTION waves\u{1}
        < :s PONG s :2
        > PING :3
        * message #tea alice own: one
        * accepted 1
        < :s PONG s :3
        * message #tea alice own action: waves
        * accepted 2
        ! type /msg nobody hi
        > PRIVMSG nobody :hi
        > PING :4
        < :s 401 alice nobody :No such nick
        * refused 3 nobody (hi): Nobody called nobody is here; check the spelling, or see who is here with /names.
        < :s PONG s :4
    ",
        ),
    );
}

#[test]
fn with_echoes_alone_the_echo_acknowledges() {
    check(
        guest(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS * :echo-message
        < :s CAP * LS :server-time unknown/thing=4
        > CAP REQ :echo-message server-time
        < :s CAP * ACK :echo-message server-time
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice -
        < :alice!a@h JOIN #tea
        * joined #tea alice own
        ! type one
        > PRIVMSG #tea :one
        > PING :2
        < @time=2026-11-22T11:13:00.000Z :alice!a@h PRIVMSG #tea :one
        * message #tea alice own at 2026-11-22T11:13:00.000Z: one
        * accepted 1
        < :s PONG s :2
        ! type /msg bob hi
        > PRIVMSG bob :hi
        > PING :3
        < :alice!a@h PRIVMSG bob :hi
        * message bob alice own direct: hi
        * accepted 2
        < :s PONG s :3
        ! type a word the server filters
        > PRIVMSG #tea :a word the server filters
        > PING :4
        < :alice!a@h PRIVMSG #tea :a *** the server filters
        * message #tea alice own: a *** the server filters
        < :s PONG s :4
        * accepted 3
    ",
    );
}

#[test]
fn the_labelled_echo_acknowledges() {
    check(account(), &after(OUR_SERVER, "
        ! type one
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :one
        < @msgid=x0 :alice!a@h PRIVMSG #tea :from my telephone
        * message #tea alice own id=x0: from my telephone
        < @label=m1;msgid=x1;time=2026-11-22T11:13:00.000Z;account=alice;parlor/sender-id=c1;parlor/room-id=r1 :alice!a@h PRIVMSG #tea :one
        * message #tea alice own id=x1 by=c1 account=alice room=r1 at 2026-11-22T11:13:00.000Z: one
        * accepted 1
        ! type two
        > @label=m2;parlor/once=k-2 PRIVMSG #tea :two
        < @label=m2 :s FAIL PRIVMSG STORAGE_FULL #tea :Disk full
        * refused 2 #tea (two): The server's disk is full, so nobody has seen the message; send it again later, and tell the administrator.
        ! type three
        > @label=m3;parlor/once=k-3 PRIVMSG #tea :three
        < @label=m3 :s 404 alice #tea :Cannot send to channel
        * refused 3 #tea (three): You may not post in #tea; join it first, or ask one of its operators to let you speak.
        ! type /msg bob hi
        > @label=m4;parlor/once=k-4 PRIVMSG bob :hi
        < @label=m4 :s BATCH +7 labeled-response
        < @batch=7 :s 301 alice bob :out for lunch
        * info: bob is away: out for lunch.
        < @batch=7;msgid=x4 :alice!a@h PRIVMSG bob :hi
        * message bob alice own direct id=x4: hi
        * accepted 4
        < :s BATCH -7
        ! type /msg carol psst
        > @label=m5;parlor/once=k-5 PRIVMSG carol :psst
        < @label=m5 :s ACK
        * message carol alice own direct account=alice: psst
        * accepted 5
        ! type late
        > @label=m6;parlor/once=k-6 PRIVMSG #tea :late
        < @label=m6 :s BATCH +8 labeled-response
        < :s BATCH -8
        * message #tea alice own account=alice room=r1: late
        * accepted 6
    "));
}

#[test]
fn after_a_drop_what_was_under_way_is_sent_again_once_with_its_key() {
    let player = check(
        account(),
        &after(
            OUR_SERVER,
            "
        ! type one
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :one
        ! wait 40
        > PING :2
        ! down
        * down until 41
        ! type two
        ! type /names
        * no: There is no link to the server just now; wait until it is back and try again.
    ",
        ),
    );
    assert_eq!(player.connection.outbox().len(), 2);
    let again = OUR_SERVER.replace(
        "< :alice!a@h JOIN #tea",
        "< :alice!a@h JOIN #tea
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :one
        > @label=m2;parlor/once=k-2 PRIVMSG #tea :two",
    );
    check(
        account(),
        &format!(
            "{OUR_SERVER}
        ! type one
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :one
        ! down
        * down until 1
        ! type two
        {again}
        < @label=m1;msgid=x1 :alice!a@h PRIVMSG #tea :one
        * message #tea alice own id=x1: one
        * accepted 1
        < @label=m2;msgid=x2 :alice!a@h PRIVMSG #tea :two
        * message #tea alice own id=x2: two
        * accepted 2
    "
        ),
    );
}

#[test]
fn without_keys_what_was_under_way_is_unknown_and_not_sent_again() {
    check(
        guest(),
        &format!(
            "{OLD_SERVER}
        ! type one
        > PRIVMSG #tea :one
        > PING :2
        ! down
        * unknown 1 #tea (one)
        * down until 1
        {OLD_SERVER}
    "
        ),
    );
    // A key is known to the server for an account alone; and one that has come back without keys cannot use it.
    let plain_again = OUR_SERVER
        .replace(" parlor/once", "")
        .replace("* welcome alice alice", "* welcome alice alice\n* unknown 1 #tea (one)");
    check(
        account(),
        &format!(
            "{OUR_SERVER}
        ! type one
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :one
        ! down
        * down until 1
        {plain_again}
    "
        ),
    );
}

#[test]
fn what_is_typed_before_the_room_is_joined_waits_for_it() {
    check(
        guest(),
        "
        ! type early
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
        ! type /msg bob hi
        > PRIVMSG bob :hi
        > PING :2
        < :alice!a@h JOIN :#tea
        > PRIVMSG #tea :early
        * joined #tea alice own
        < :s PONG s :2
        > PING :3
        * message bob alice own direct: hi
        * accepted 2
    ",
    );
}

#[test]
fn a_room_that_lets_us_not_in_refuses_what_waits_for_it() {
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! type /join #vip,#gone
        > JOIN #vip
        > JOIN #gone
        ! type /msg #vip let me in
        < :s 473 alice #vip :Cannot join channel (+i)
        * refused 1 #vip (let me in): #vip is by invitation only; ask someone inside to /invite you.
        * no entry #vip: #vip is by invitation only; ask someone inside to /invite you.
        < :s FAIL JOIN CHANNEL_RENAMED #gone #here :Renamed
        * no entry #gone: The room #gone is now called #here; join it with /join #here.
        < :s 473 alice #vip :Cannot join channel (+i)
        * no: #vip is by invitation only; ask someone inside to /invite you.
        < :bob!b@h KICK #tea alice :enough
        * kicked #tea alice by bob own: enough
    ",
        ),
    );
}

#[test]
fn a_guest_whose_name_is_taken_gets_another() {
    check(
        guest(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 433 * alice :Nickname is already in use
        > NICK :alice_
        < :s FAIL NICK NICKNAME_RESERVED alice_ :Reserved
        > NICK :alice2
        < :s 433 * alice2 :Nickname is already in use
        > NICK :alice3
        < :s 001 alice3 :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice3 -
        < :s 433 alice3 bob :Nickname is already in use
        * no: The name bob is taken; choose another one, or log in if it is yours.
    ",
    );
}

#[test]
fn an_account_whose_name_is_taken_is_told() {
    check(
        account(),
        &after(
            &OUR_SERVER[..OUR_SERVER.find("< :s 001").unwrap()],
            "
        < :s 433 * alice :Nickname is already in use
        > QUIT
        * no login: The name alice is taken; choose another one, or log in if it is yours.
        * closing
        < ERROR :Bye
        * closed
    ",
        ),
    );
}

#[test]
fn logins_that_cannot_be_are_refused_before_a_password_is_sent() {
    let beginning = "
        ! up
        > CAP LS 302
        * negotiating
    ";
    check(
        account(),
        &after(
            beginning,
            "
        < :s CAP * LS :server-time
        > CAP REQ :server-time
        < :s CAP * ACK :server-time
        > QUIT
        * no login: This server knows no accounts, so nobody can log in; come as a guest instead.
        * closing
    ",
        ),
    );
    check(
        account(),
        &after(
            beginning,
            "
        < :s 421 * CAP :Unknown command
        > QUIT
        * no login: This server knows no accounts, so nobody can log in; come as a guest instead.
        * closing
    ",
        ),
    );
    check_on(
        LinkSecurity::Open,
        account(),
        &after(
            beginning,
            "
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > QUIT
        * no login: The password would travel unencrypted, so it was not sent; connect again with TLS.
        * closing
    ",
        ),
    );
    check(account(), &after(beginning, "
        < :s CAP * LS :sasl=EXTERNAL
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > QUIT
        * no login: The server and this program share no way to log in (it offers EXTERNAL); come as a guest, or ask its administrator.
        * closing
    "));
    check(
        newcomer(),
        &after(
            beginning,
            "
        < :s CAP * LS :sasl
        > QUIT
        * no login: This server makes no accounts on request; ask its administrator for one, or come as a guest.
        * closing
    ",
        ),
    );
    check_on(
        LinkSecurity::Open,
        newcomer(),
        &after(
            beginning,
            "
        < :s CAP * LS :draft/account-registration=before-connect
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > QUIT
        * no login: The new password would travel unencrypted, so it was not sent; connect again with TLS.
        * closing
    ",
        ),
    );
}

#[test]
fn scram_comes_first_and_the_server_must_prove_itself() {
    let beginning = "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl=PLAIN,SCRAM-SHA-256,EXTERNAL
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE SCRAM-SHA-256
        * authenticating
        < AUTHENTICATE +
        > AUTHENTICATE biwsbj1hbGljZSxyPUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==
    ";
    check_on(LinkSecurity::Open, account(), &after(beginning, "
        < :s 900 * * alice :You are now logged in
        < :s 903 * :Success
        > QUIT
        * no login: The login stopped because the server could not prove that it knows this account; it may not be the server that it claims to be.
        * closing
    "));
    check(
        account(),
        &after(
            beginning,
            "
        < :s 904 * :SASL authentication failed
        > QUIT
        * wrong password: The name or the password is wrong; check both and try again.
        * closing
    ",
        ),
    );
    check(account(), &after(beginning, "
        < AUTHENTICATE !!!
        > AUTHENTICATE *
        > QUIT
        * no login: The login stopped because the server's answer makes no sense (it is not base64); tell the server's administrator.
        * closing
    "));
}

#[test]
fn after_a_wrong_password_another_is_tried_on_a_new_link_and_what_waits_stays() {
    let player = check(
        account(),
        "
        ! type hello
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE PLAIN
        * authenticating
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHNlc2FtZQ==
        < :s 904 * :SASL authentication failed
        > QUIT
        * wrong password: The name or the password is wrong; check both and try again.
        * closing
        ! again too-early
        < ERROR :Goodbye
        * closed
        ! again right
        * down until 0
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE PLAIN
        * authenticating
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHJpZ2h0
    ",
    );
    assert_eq!(player.connection.outbox().len(), 1);
}

#[test]
fn a_server_that_lists_its_mechanisms_late_is_followed() {
    check(
        account(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE SCRAM-SHA-256
        * authenticating
        < :s 908 * PLAIN,EXTERNAL :are available SASL mechanisms
        < :s 904 * :SASL authentication failed
        > AUTHENTICATE PLAIN
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHNlc2FtZQ==
        < :s 904 * :SASL authentication failed
        > QUIT
        * wrong password: The name or the password is wrong; check both and try again.
        * closing
    ",
    );
}

#[test]
fn an_account_is_made_before_or_after_the_welcome() {
    check(
        newcomer(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration=before-connect,custom-account-name sasl
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :Alice
        > REGISTER * * :sesame
        * registering
        < :s REGISTER SUCCESS alice :Done
        > CAP END
        * info: The account alice has been made, and you are logged in.
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice alice
        ! down
        * down until 1
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration=before-connect sasl=PLAIN
        > CAP REQ :sasl
    ",
    );
    check(
        newcomer(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 001 alice :Welcome
        > REGISTER * * :sesame
        < :s FAIL REGISTER ACCOUNT_EXISTS alice :Exists
        > QUIT
        * no login: The name alice belongs to an account already; log in if it is yours, or choose another one.
        * closing
    ",
    );
    check(
        newcomer(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration=before-connect
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :Alice
        > REGISTER * * :sesame
        * registering
        < :s FAIL REGISTER COMPLETE_CONNECTION_REQUIRED * :Not yet
        > CAP END
        < :s 001 alice :Welcome
        > REGISTER * * :sesame
        < :s REGISTER SUCCESS alice :Done
        > PING :1
        > JOIN #tea
        * info: The account alice has been made, and you are logged in.
        * joined
        * welcome alice alice
    ",
    );
}

#[test]
fn a_request_refused_as_a_whole_is_made_one_by_one() {
    check(
        guest(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :server-time away-notify
        > CAP REQ :away-notify server-time
        < :s CAP * NAK :away-notify server-time
        > CAP REQ :away-notify
        > CAP REQ :server-time
        < :s CAP * NAK :away-notify
        < :s CAP * ACK :server-time
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice -
        < :s CAP alice NEW :batch unknown
        > CAP REQ :batch
        < :s CAP alice ACK :batch
        < :s CAP alice DEL :server-time
    ",
    );
}

#[test]
fn a_server_that_lets_nobody_in_says_why() {
    let beginning = "
        ! up
        > CAP LS 302
        * negotiating
    ";
    check(
        guest(),
        &after(
            beginning,
            "
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s FAIL * ACCOUNT_REQUIRED_TO_CONNECT :Log in
        > QUIT
        * no login: This server is for people with an account; log in, or register an account first.
        * closing
    ",
        ),
    );
    check(
        guest(),
        &after(
            beginning,
            "
        < ERROR :Too many connections
        * dead: The server closed the connection: Too many connections
        ! down
        * down until 1
    ",
        ),
    );
    check(
        Settings { server_password: Some(Password::new("wrong word")), ..guest() },
        "
        ! up
        > PASS :wrong word
        > CAP LS 302
        * negotiating
        < :s 464 * :Password incorrect
        > QUIT
        * no login: The server's own password is missing or wrong; ask its administrator for it.
        * closing
    ",
    );
}

#[test]
fn silence_is_noticed() {
    // In the login.
    check(
        guest(),
        "
        ! up
        > CAP LS 302
        * negotiating
        ! wait 3
        > NICK :alice
        > USER alice 0 * :Alice
        ! wait 27
        * dead: The server did not finish the login within 30 seconds; try again later.
    ",
    );
    // After it: 30 s of silence, a PING, 30 s more.
    let player = check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! wait 29
        ! wait 1
        > PING :2
        ! wait 29
        < :s PONG s :2
        ! wait 29
        ! wait 1
        > PING :3
        ! wait 30
        * dead: Nothing was heard from the server for 60 seconds.
        ! down
        * down until 120
    ",
        ),
    );
    assert_eq!(player.connection.round_trip(), Some(Duration::from_secs(29)));
    assert_eq!(player.connection.next_deadline(), None);
}

#[test]
fn deadlines_are_named() {
    let mut player = check(guest(), OLD_SERVER);
    assert_eq!(player.connection.next_deadline(), Some(PING_AFTER));
    player.act("wait 30");
    assert_eq!(player.connection.next_deadline(), Some(PING_AFTER + PONG_WITHIN));
    player.act("quit");
    assert_eq!(player.connection.next_deadline(), Some(PING_AFTER + GOODBYE_DEADLINE));
}

#[test]
fn goodbyes() {
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! quit see you
        > QUIT :see you
        * closing
        < ERROR :Closing link
        * closed
    ",
        ),
    );
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! quit
        > QUIT
        * closing
        ! down
        * closed unclean
    ",
        ),
    );
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! quit
        > QUIT
        * closing
        ! wait 5
        * closed unclean
    ",
        ),
    );
    check(
        guest(),
        "
        ! quit
        * closed
    ",
    );
}

#[test]
fn commands_become_lines() {
    check(
        guest(),
        &after(
            OLD_SERVER,
            "
        ! type /topic
        > TOPIC #tea
        ! type /topic Tea at five
        > TOPIC #tea :Tea at five
        ! type /part
        > PART #tea
        ! type /part #other so long
        > PART #other :so long
        ! type /nick alicia
        > NICK :alicia
        ! type /away lunch
        > AWAY :lunch
        ! type /away
        > AWAY
        ! type /names
        > NAMES #tea
        ! type /who bob
        > WHO bob
        ! type /whois bob
        > WHOIS bob
        ! type /list
        > LIST
        ! type /invite bob
        > INVITE bob #tea
        ! type /kick bob be nice
        > KICK #tea bob :be nice
        ! type /mode +m
        > MODE #tea +m
        ! type /mode alice +i
        > MODE alice +i
        ! type /quote VERSION :x
        > VERSION :x
        ! type /join coffee key
        > JOIN #coffee key
        < :alice!a@h NICK alicia
        * renamed alice to alicia in #tea own
        < :s 332 alicia #tea :Tea at five
        * topic #tea: Tea at five
        < @parlor/activity=2026-11-22T11:32:07.045Z :s 322 alicia #pot 2 :Pots
        * info: #pot: 2 here. Pots. (last active 2026-11-22 11:32 UTC)
        < :s 322 alicia #pot 2 :Pots
        * info: #pot: 2 here. Pots.
        < :s 324 alicia #tea +ntk key
        * info: The modes of #tea are +ntk key.
        < :s 372 alicia :- Be kind
        * motd: Be kind
        < :bob!b@h INVITE alicia :#club
        * invited alicia to #club by bob own
        < :bob!b@h AWAY :lunch
        * away bob: lunch
        < :bob!b@h ACCOUNT robert
        * account bob robert
        < :bob!b@h SETNAME :Robert
        * realname bob Robert
        < :s WARN REHASH CERTS_EXPIRED :Certificates have expired
        * info: Certificates have expired.
        < :s FAIL BOX BOXES_INVALID STACK :Not clear how high
        * no: Not clear how high.
    ",
        ),
    );
}

#[test]
fn nothing_typed_becomes_two_lines() {
    let mut player = check(guest(), OLD_SERVER);
    let now = player.moment();
    player.connection.carry_out(now, Typed::Quote("PING a\r\nQUIT".to_owned()), None);
    player.connection.carry_out(now, Typed::Topic(Some("a\nQUIT".to_owned())), Some("#tea"));
    player.connection.post(now, "#tea", "one\n\n two\r\n", MessageKind::Text).unwrap();
    assert_eq!(
        String::from_utf8(player.connection.take_output()).unwrap(),
        "PING a  QUIT\r\nTOPIC #tea :a QUIT\r\nPRIVMSG #tea :one\r\nPING :2\r\nPRIVMSG #tea : two\r\n"
            .replace("PING :2\r\nPRIVMSG #tea : two", "PRIVMSG #tea : two\r\nPING :2")
    );
}

#[test]
fn long_text_becomes_several_messages_that_fit() {
    let mut player = check(guest(), OLD_SERVER);
    let text = "word ".repeat(300);
    player.connection.post(player.moment(), "#tea", &text, MessageKind::Action).unwrap();
    let output = String::from_utf8(player.connection.take_output()).unwrap();
    let lines: Vec<&str> = output.split_terminator("\r\n").filter(|line| line.starts_with("PRIVMSG")).collect();
    assert!(lines.len() > 3);
    assert!(lines.iter().all(|line| line.len() < 430 && line.ends_with('\u{1}')));
}

/// Another device may take a longer name while the text is under way.
#[test]
fn long_text_fits_with_the_longest_name_before_it() {
    let mut player = check(guest(), OLD_SERVER);
    player.connection.receive(player.moment(), b":s 005 alice NICKLEN=60 :are supported by this server\r\n");
    player.connection.post(player.moment(), "#tea", &"x".repeat(900), MessageKind::Text).unwrap();
    let output = String::from_utf8(player.connection.take_output()).unwrap();
    let lines: Vec<&str> = output.split_inclusive("\r\n").filter(|line| line.starts_with("PRIVMSG")).collect();
    let source = format!(":{}!{}@{} ", "n".repeat(60), "u".repeat(18), "h".repeat(63));
    let longest = lines.iter().map(|line| source.len() + line.len()).max();
    assert_eq!(longest, Some(wire::MAX_BODY), "{lines:?}");
}

#[test]
fn bytes_come_in_any_pieces_and_need_not_be_utf_8() {
    let mut player = check(guest(), OLD_SERVER);
    let mut changes = Vec::new();
    for byte in b":bob!b@h PRIVMSG #tea :caf\xe9 \0 \r yes\r\n:bob!b@h PRIVMSG #tea :two\n" {
        changes.extend(player.connection.receive(player.moment(), &[*byte]));
    }
    let said: Vec<String> = changes.iter().map(described).collect();
    assert_eq!(said, ["message #tea bob: caf\u{fffd}     yes", "message #tea bob: two"]);
    let long = format!(":bob!b@h PRIVMSG #tea :{}\r\n", "x".repeat(LONGEST_LINE));
    let changes = player.connection.receive(player.moment(), long.as_bytes());
    assert!(matches!(changes.as_slice(), [Change::Refused { .. }]));
}

proptest! {
    #[test]
    fn no_server_makes_it_panic(
        logged_in in any::<bool>(),
        lines in proptest::collection::vec("(:[a-z!@.]{1,8} )?(PRIVMSG|NOTICE|JOIN|PART|NICK|KICK|CAP|AUTHENTICATE|BATCH|001|005|353|366|433|473|900|903|904|908|FAIL|REGISTER|PONG|ERROR|ACK|MODE|[A-Z0-9]{3})( [#:a-z=*+,0-9-]{0,6}){0,5}( :.{0,20})?", 0..30),
        downs in proptest::collection::vec(0usize..30, 0..3),
    ) {
        let mut player = Player::new(if logged_in { account() } else { guest() }, LinkSecurity::Encrypted);
        player.act("up");
        for (index, line) in lines.iter().enumerate() {
            if downs.contains(&index) {
                player.act("down");
                player.act("up");
            }
            player.act("type hello");
            let now = player.moment();
            player.connection.receive(now, format!("{line}\r\n").as_bytes());
            player.act("wait 7");
            let output = player.connection.take_output();
            prop_assert!(output.is_empty() || output.ends_with(b"\r\n"));
        }
    }
}

/// The account alice in #tea of a server that tells what was said, three messages at once; `AGAIN`: once more.
fn teller(rest: &str) -> String {
    let server = OUR_SERVER
        .replace("parlor/identity parlor/once", "draft/chathistory parlor/identity parlor/once")
        .replace("< :s PONG s :1", "< :s 005 alice CHATHISTORY=3 :are supported by this server\n    < :s PONG s :1");
    after(&server, &rest.replace("AGAIN", server.trim()))
}

#[test]
fn what_was_said_while_the_link_was_down_is_read_in_order_and_once() {
    check(
        account(),
        &teller(
            "
        < @msgid=x1 :bob!b@h PRIVMSG #tea :one
        * message #tea bob id=x1: one
        ! type mine
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :mine
        ! down
        * down until 1
        AGAIN
        > CHATHISTORY AFTER #tea msgid=x1 3
        > @label=m1;parlor/once=k-1 PRIVMSG #tea :mine
        < @msgid=x6 :bob!b@h PRIVMSG #tea :six
        < :s BATCH +h chathistory #tea
        < @batch=h;msgid=x2 :bob!b@h PRIVMSG #tea :two
        * message #tea bob id=x2: two
        < @batch=h;msgid=x3 :alice!a@h PRIVMSG #tea :mine
        * message #tea alice own id=x3: mine
        < @batch=h;msgid=x4 :bob!b@h PRIVMSG #tea :four
        * message #tea bob id=x4: four
        < :s BATCH -h
        > CHATHISTORY AFTER #tea msgid=x4 3
        < @label=m1;msgid=x3 :alice!a@h PRIVMSG #tea :mine
        < :s BATCH +i chathistory #tea
        < @batch=i;msgid=x5 :bob!b@h PRIVMSG #tea :five
        * message #tea bob id=x5: five
        < :s BATCH -i
        * message #tea bob id=x6: six
        * accepted 1
        < @msgid=x7 :bob!b@h PRIVMSG #tea :seven
        * message #tea bob id=x7: seven
        ! down
        * down until 2
        AGAIN
        > CHATHISTORY AFTER #tea msgid=x7 3
        ",
        ),
    );
}

#[test]
fn what_is_searched_for_is_shown_apart_from_what_is_said() {
    let server = OUR_SERVER.replace("parlor/identity parlor/once", "soju.im/search parlor/identity parlor/once");
    check(
        account(),
        &after(
            &server,
            "
        ! type /search \"green tea\" in:#tea; or so
        > SEARCH text=\"green\\stea\"\\sin:#tea\\:\\sor\\sso
        < :s BATCH +s soju.im/search
        < @batch=s;msgid=x1 :bob!b@h PRIVMSG #tea :green tea
        * found #tea bob id=x1: green tea
        < @msgid=x3 :bob!b@h PRIVMSG #tea :meanwhile
        * message #tea bob id=x3: meanwhile
        < @batch=s;msgid=x2 :alice!a@h PRIVMSG bob :more green tea
        * found bob alice own direct id=x2: more green tea
        < :s BATCH -s
        * search ended: 2
        < :s BATCH +t soju.im/search
        < :s BATCH -t
        * search ended: 0
        ",
        ),
    );
    check(
        account(),
        &after(
            OUR_SERVER,
            "
        ! type /search tea
        * no: This server cannot search what was said.
        ",
        ),
    );
}

#[test]
fn history_that_does_not_come_is_told_and_holds_nothing_up() {
    let beginning = "
        < @msgid=x1 :bob!b@h PRIVMSG #tea :one
        * message #tea bob id=x1: one
        ! down
        * down until 1
        AGAIN
        > CHATHISTORY AFTER #tea msgid=x1 3
        < @msgid=x9 :bob!b@h PRIVMSG #tea :nine
    ";
    let told = |why: &str| {
        format!(
            "
        * info: Not all that was said in #tea while you were away is shown here ({why}).
        * message #tea bob id=x9: nine
        "
        )
    };
    for (happens, why) in [
        (
            "< :s FAIL CHATHISTORY INVALID_TARGET AFTER #tea :Messages could not be retrieved",
            "Messages could not be retrieved",
        ),
        ("! wait 10", "the server does not tell it in time"),
    ] {
        check(account(), &teller(&format!("{beginning}{happens}{}", told(why))));
    }
}
