//! What a server says that means no good, put on a screen: for the fuzz target `screen`.

use std::time::Duration;

use client_core::{Connection, LinkSecurity, Login, Moment, Settings, Timestamp};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::app::App;
use super::look::Look;
use crate::preferences::Ground;
use crate::printable::is_printable;

/// Ends a piece of what the server says; the byte behind it names a key that the person presses then.
const PRESS: u8 = 0x1e;

/// In a room, with everything that a server can offer.
const BEGINNING: &str = ":s CAP * LS :message-tags server-time echo-message labeled-response batch account-tag away-notify \
    multi-prefix standard-replies draft/chathistory draft/event-playback draft/message-edit draft/message-redaction \
    draft/multiline=max-bytes=4096,max-lines=64 draft/read-marker draft/channel-rename draft/metadata-2 parlor/unread \
    parlor/pins parlor/reports parlor/identity parlor/once soju.im/search\r\n\
    :s CAP * ACK :message-tags server-time echo-message labeled-response batch account-tag away-notify multi-prefix \
    standard-replies draft/chathistory draft/event-playback draft/message-edit draft/message-redaction draft/multiline \
    draft/read-marker draft/channel-rename draft/metadata-2 parlor/unread parlor/pins parlor/identity parlor/once \
    soju.im/search\r\n\
    :s 001 alice :Welcome\r\n:s 005 alice CHATHISTORY=100 CASEMAPPING=ascii PREFIX=(qaohv)~&@%+ WHOX :are supported\r\n\
    :alice!a@h JOIN #tea\r\n:s 353 alice = #tea :@alice bob\r\n:s 366 alice #tea :End\r\n\
    @msgid=1;time=2026-11-22T11:30:00.000Z :bob!b@h PRIVMSG #tea :hello\r\n";

/// Panics where the client would, or where something stood on the screen that must not.
pub fn play(bytes: &[u8]) {
    let settings = Settings {
        name: "alice".to_owned(),
        realname: "Alice".to_owned(),
        login: Login::Guest,
        server_password: None,
        mechanism: None,
        rooms: vec!["#tea".to_owned()],
        key_prefix: "k".to_owned(),
        login_patience: Duration::from_secs(30),
    };
    let mut now = Moment { since_start: Duration::ZERO, wall: Timestamp(1_795_348_800_000) };
    let mut app = App::new(
        Connection::new(settings),
        "chat.example:6697".to_owned(),
        TimeZone::UTC,
        Look::new(true, Ground::Dark),
        now,
    );
    let changes = app.connection.link_up(now, LinkSecurity::Encrypted, [0; 18]);
    app.take_in(changes);
    hear(&mut app, BEGINNING.as_bytes());
    let Ok(mut terminal) = Terminal::new(TestBackend::new(70, 16));
    for (number, piece) in bytes.split(|byte| *byte == PRESS).enumerate() {
        now.since_start += Duration::from_secs(1);
        app.now = now;
        let said = match piece.split_first() {
            Some((key, said)) if number > 0 => {
                press(&mut app, *key);
                said
            }
            _ => piece,
        };
        hear(&mut app, said);
        let changes = app.connection.tick(now);
        app.take_in(changes);
        app.settle();
        let _ = app.connection.take_output();
        assert!(terminal.draw(|frame| app.draw(frame)).is_ok());
        for cell in &terminal.backend().buffer().content {
            assert!(cell.symbol().chars().all(is_printable), "{:?} is on the screen", cell.symbol());
        }
        assert!(app.title().chars().all(is_printable), "{:?} is the title", app.title());
    }
}

fn hear(app: &mut App, bytes: &[u8]) {
    app.wire.received(app.now.wall, bytes);
    let changes = app.connection.receive(app.now, bytes);
    app.take_in(changes);
    app.settle();
}

fn press(app: &mut App, key: u8) {
    const KEYS: &[(KeyCode, KeyModifiers)] = &[
        (KeyCode::PageUp, KeyModifiers::NONE),
        (KeyCode::PageDown, KeyModifiers::NONE),
        (KeyCode::Up, KeyModifiers::ALT),
        (KeyCode::Down, KeyModifiers::ALT),
        (KeyCode::Char('n'), KeyModifiers::CONTROL),
        (KeyCode::Char('k'), KeyModifiers::CONTROL),
        (KeyCode::Char('u'), KeyModifiers::ALT),
        (KeyCode::Char('p'), KeyModifiers::ALT),
        (KeyCode::Char('a'), KeyModifiers::ALT),
        (KeyCode::F(12), KeyModifiers::NONE),
        (KeyCode::F(1), KeyModifiers::NONE),
        (KeyCode::Esc, KeyModifiers::NONE),
        (KeyCode::Enter, KeyModifiers::NONE),
        (KeyCode::Tab, KeyModifiers::NONE),
        (KeyCode::End, KeyModifiers::CONTROL),
    ];
    match KEYS.get(usize::from(key)) {
        Some((code, modifiers)) => app.key(KeyEvent::new(*code, *modifiers)),
        None if key.is_ascii_graphic() => app.key(KeyEvent::new(KeyCode::Char(char::from(key)), KeyModifiers::NONE)),
        None => app.focus_changed(key.is_multiple_of(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What lines are made of, and what none should have.
    const PIECES: &[&str] = &[
        "\r\n",
        "\r\n",
        "\r\n",
        ":bob!b@h ",
        ":alice!a@h ",
        ":s ",
        "@batch=p;msgid=1 ",
        "@msgid=2;+draft/reply=1 ",
        "@label=h1 ",
        "@+draft/reply=1;+draft/react=x ",
        "@draft/target-msgid=1;draft/edit-text=y ",
        "@time=2026-11-22T11:00:00.000Z ",
        "PRIVMSG ",
        "NOTICE ",
        "TAGMSG ",
        "EDIT ",
        "REDACT ",
        "PIN ",
        "PINS ",
        "JOIN ",
        "PART ",
        "KICK ",
        "NICK ",
        "MODE ",
        "TOPIC ",
        "BATCH ",
        "MARKREAD ",
        "UNREAD ",
        "RENAME ",
        "METADATA ",
        "CAP ",
        "FAIL ",
        "INVITE ",
        "311 ",
        "322 ",
        "323 ",
        "332 ",
        "353 ",
        "366 ",
        "401 ",
        "433 ",
        "761 ",
        "005 ",
        "ERROR ",
        "#tea ",
        "alice ",
        "bob ",
        "+p ",
        "-p ",
        "chathistory ",
        "parlor/pins ",
        "draft/multiline ",
        "soju.im/muted ",
        "soju.im/search ",
        "1 ",
        "99999999999999999999 ",
        "+o ",
        ":",
        " :hello\r\n",
        "\u{1b}[2J",
        "\u{202e}",
        "\u{7}",
        "\u{9b}",
        "日本",
        "שלום",
        "👩\u{200d}👩",
        "```",
        "https://a ",
        "\u{1e}\u{0}",
        "\u{1e}\u{2}",
        "\u{1e}\u{4}",
        "\u{1e}\u{6}",
        "\u{1e}\u{7}",
        "\u{1e}\u{9}",
        "\u{1e}\u{b}",
        "\u{1e}\u{c}",
        "\u{1e}\u{e}",
        "\u{1e}r",
        "\u{1e}x",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("PARLOR_LONG").is_some() { 20_000 } else { 100 }))]
        #[test]
        fn whatever_is_said_it_goes_on(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..120)) {
            play(pieces.concat().as_bytes());
        }
    }

    #[test]
    fn what_is_said_and_pressed_is_played() {
        play(b"");
        play(b":bob!b@h PRIVMSG #tea :\x1b[2J\r\n\x1e\x02r\x1ehi\x1e\x0c:s ERROR :x\r\n\x1e\x09");
    }
}
