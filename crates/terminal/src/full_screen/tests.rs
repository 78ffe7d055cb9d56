//! Screens as text: lines from a server through the real `client_core`, keys from a person, and what stands on a terminal
//! of a given size then. The pictures are in `snapshots`.

use client_core::{Change, Connection, LinkSecurity, LinkState, Login, Moment, Password, Settings};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::*;

mod conversation;
mod marks;
mod several_servers;
mod text;

const CAPABILITIES: &str = "message-tags server-time echo-message labeled-response batch account-tag away-notify \
     multi-prefix standard-replies draft/chathistory draft/event-playback draft/message-edit draft/message-redaction \
     draft/multiline=max-bytes=4096,max-lines=64 draft/read-marker parlor/unread parlor/identity parlor/once \
     soju.im/search";

struct Desk {
    app: App,
    terminal: Terminal<TestBackend>,
    sent: String,
    /// What the server offers besides.
    more: &'static str,
}

impl Desk {
    fn new(columns: u16, rows: u16) -> Desk {
        let settings = Settings {
            name: "alice".to_owned(),
            realname: "Alice".to_owned(),
            login: Login::Guest,
            server_password: None,
            mechanism: None,
            rooms: vec!["#tea".to_owned(), "#books".to_owned()],
            key_prefix: "k".to_owned(),
            login_patience: Duration::from_secs(30),
        };
        let look = Look::new(true, crate::preferences::Ground::Dark);
        // 2026-11-22T12:00:00Z
        let now = Moment { since_start: Duration::ZERO, wall: Timestamp(1_795_348_800_000) };
        let app = App::new(Connection::new(settings), "chat.example:6697".to_owned(), TimeZone::UTC, look, now);
        Desk { app, terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(), sent: String::new(), more: "" }
    }

    /// In #tea and #books, with everything that servers offer; what was said there is still to come.
    fn connected(columns: u16, rows: u16) -> Desk {
        let mut desk = Desk::new(columns, rows);
        desk.connect();
        desk
    }

    /// The same, and something has been said.
    fn talking(columns: u16, rows: u16) -> Desk {
        Desk::talking_with("", columns, rows)
    }

    fn talking_with(more: &'static str, columns: u16, rows: u16) -> Desk {
        let mut desk = Desk::new(columns, rows);
        desk.more = more;
        desk.connect();
        desk.history("#books", "");
        desk.history(
            "#tea",
            "@batch=p;time=2026-11-21T18:02:00.000Z;msgid=1 :bob!b@h PRIVMSG #tea :Who makes the tea tomorrow?
             @batch=p;time=2026-11-21T18:03:00.000Z;msgid=2 :bob!b@h PRIVMSG #tea :I made it twice this week.
             @batch=p;time=2026-11-22T11:30:00.000Z;msgid=3;+draft/reply=1 :carol!c@h PRIVMSG #tea :I will, alice can help https://tea.example/green
             @batch=p;draft/chathistory-context;msgid=r;+draft/reply=3;+draft/react=👍 :bob!b@h TAGMSG #tea
             @batch=p;draft/chathistory-context;msgid=r;+draft/reply=3;+draft/react=👍 :alice!a@h TAGMSG #tea
             @batch=p;time=2026-11-22T11:31:00.000Z;msgid=4 :dora!d@h PRIVMSG #tea :helo
             @batch=p;draft/chathistory-context;msgid=e;draft/target-msgid=4;draft/edit-text=hello :dora!d@h EDIT #tea
             @batch=p;time=2026-11-22T11:32:00.000Z;msgid=5 :dora!d@h PRIVMSG #tea :wrong room
             @batch=p;draft/chathistory-context :bob!b@h REDACT #tea 5 :off topic
             @batch=p;time=2026-11-22T11:33:00.000Z :eve!e@h JOIN #tea
             @batch=p;time=2026-11-22T11:34:00.000Z;msgid=6 :bob!b@h PRIVMSG #tea :\u{1}ACTION puts the kettle on\u{1}",
        );
        desk
    }

    fn connect(&mut self) {
        let changes = self.app.connection.link_up(self.app.now, LinkSecurity::Encrypted, [0; 18]);
        self.app.take_in(changes);
        self.hear(&format!(":s CAP * LS :{CAPABILITIES} {}", self.more));
        let wanted = self.sent.lines().rev().find_map(|line| line.strip_prefix("CAP REQ :")).unwrap().to_owned();
        self.hear(&format!(
            ":s CAP * ACK :{wanted}
             :s 001 alice :Welcome
             :s 005 alice CHATHISTORY=100 CASEMAPPING=ascii PREFIX=(qaohv)~&@%+ :are supported
             :alice!a@h JOIN #tea
             :s 332 alice #tea :Tea at five, every day
             :s 353 alice = #tea :alice ~bob carol +dora eve
             :s 366 alice #tea :End
             :alice!a@h JOIN #books
             :s 353 alice = #books :alice @carol
             :s 366 alice #books :End
             :bob!b@h AWAY :lunch"
        ));
    }

    fn hear(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            let bytes = format!("{line}\r\n");
            self.app.wire.received(self.app.now.wall, bytes.as_bytes());
            let changes = self.app.connection.receive(self.app.now, bytes.as_bytes());
            self.app.take_in(changes);
            self.settle();
        }
    }

    fn history(&mut self, room: &str, lines: &str) {
        self.hear(&format!(":s BATCH +p chathistory {room}"));
        self.hear(lines);
        self.hear(":s BATCH -p");
    }

    fn settle(&mut self) {
        self.app.settle();
        let output = self.app.connection.take_output();
        self.app.wire.sent(self.app.now.wall, &output);
        self.sent.push_str(&String::from_utf8(output).unwrap().replace("\r\n", "\n"));
    }

    fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.draw();
        self.app.key(KeyEvent::new(code, modifiers));
        self.settle();
    }

    fn key(&mut self, code: KeyCode) {
        self.press(code, KeyModifiers::NONE);
    }

    fn control(&mut self, letter: char) {
        self.press(KeyCode::Char(letter), KeyModifiers::CONTROL);
    }

    fn alt(&mut self, code: KeyCode) {
        self.press(code, KeyModifiers::ALT);
    }

    fn types(&mut self, text: &str) {
        for c in text.chars() {
            self.key(if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) });
        }
    }

    fn draw(&mut self) {
        self.settle();
        let app = &mut self.app;
        self.terminal.draw(|frame| app.draw(frame)).unwrap();
        self.settle();
    }

    fn picture(&mut self) -> String {
        // The backend keeps what was under the second half of a wide letter; a terminal does not.
        self.terminal.clear().unwrap();
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let mut picture = String::new();
        for row in buffer.content.chunks(usize::from(buffer.area.width)) {
            let mut line = String::new();
            let mut hidden = 0;
            for cell in row {
                if hidden > 0 {
                    hidden -= 1;
                    continue;
                }
                hidden = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
                line.push_str(cell.symbol());
            }
            picture.push_str(line.trim_end());
            picture.push('\n');
        }
        picture
    }

    #[track_caller]
    fn shows(&mut self, text: &str) {
        let picture = self.picture();
        assert!(picture.contains(text), "no {text:?} in\n{picture}");
    }

    #[track_caller]
    fn shows_not(&mut self, text: &str) {
        let picture = self.picture();
        assert!(!picture.contains(text), "{text:?} in\n{picture}");
    }

    /// What was sent since this was asked last.
    fn take_sent(&mut self) -> String {
        self.settle();
        std::mem::take(&mut self.sent)
    }
}

#[test]
fn connecting() {
    let mut desk = Desk::new(80, 12);
    desk.app.opening = true;
    insta::assert_snapshot!(desk.picture());
}

#[test]
fn a_conversation_wide() {
    insta::assert_snapshot!(Desk::talking(110, 24).picture());
}

#[test]
fn a_conversation_of_80_columns() {
    insta::assert_snapshot!(Desk::talking(80, 24).picture());
}

#[test]
fn a_conversation_of_40_columns() {
    insta::assert_snapshot!(Desk::talking(40, 24).picture());
}

#[test]
fn the_documents_show_what_is_so() {
    let terminal = include_str!("../../../../docs/terminal.md");
    let readme = include_str!("../../../../README.md");
    for (document, columns) in [(terminal, 110), (terminal, 40), (readme, 80)] {
        let picture = Desk::talking(columns, 24).picture();
        assert!(document.contains(picture.trim_end()), "of {columns} columns:\n{picture}");
    }
}

#[test]
fn every_size_can_be_drawn() {
    for columns in [1, 5, 10, 12, 29, 30, 31, 40, 63, 64, 100, 300] {
        for rows in [1, 2, 4, 5, 7, 8, 24, 80] {
            let mut desk = Desk::talking(columns, rows);
            desk.picture();
            for key in [KeyCode::F(1), KeyCode::Esc, KeyCode::F(2), KeyCode::F(3), KeyCode::PageUp] {
                desk.key(key);
                desk.picture();
            }
            desk.alt(KeyCode::Up);
            desk.key(KeyCode::Char('+'));
            desk.picture();
        }
    }
}

#[test]
fn what_is_unread_stands_in_the_list_and_behind_a_line() {
    let mut desk = Desk::talking(80, 24);
    desk.hear(
        ":s MARKREAD #books timestamp=2026-11-22T11:00:00.000Z
         @time=2026-11-22T11:00:00.000Z;msgid=b1 :carol!c@h PRIVMSG #books :read this
         @time=2026-11-22T11:40:00.000Z;msgid=b2 :carol!c@h PRIVMSG #books :Alice, did you?
         @time=2026-11-22T11:41:00.000Z;msgid=b3 :carol!c@h PRIVMSG #books :It is good.
         @time=2026-11-22T11:42:00.000Z;msgid=d1 :eve!e@h PRIVMSG alice :psst",
    );
    desk.shows("#books      @1 2");
    desk.shows("eve         @1 1");
    desk.alt(KeyCode::Char('a'));
    insta::assert_snapshot!(desk.picture());
    assert!(desk.take_sent().contains("MARKREAD #books timestamp=2026-11-22T11:41:00.000Z\n"));
    desk.shows_not("@1 2");
}

#[test]
fn where_more_is_unread_than_fits_the_way_up_is_told() {
    let mut desk = Desk::talking(100, 12);
    desk.hear(":s MARKREAD #books timestamp=2026-11-22T11:00:00.000Z");
    let say = |desk: &mut Desk, number: u32| {
        desk.hear(&format!(
            "@time=2026-11-22T11:{:02}:00.000Z;msgid=b{number} :carol!c@h PRIVMSG #books :{number}.",
            10 + number
        ));
    };
    (0..5).for_each(|number| say(&mut desk, number));
    desk.alt(KeyCode::Char('2'));
    desk.shows_not("new above");
    (5..20).for_each(|number| say(&mut desk, number));
    desk.shows("online · new above: Alt-U");
    desk.alt(KeyCode::Char('u'));
    desk.shows("── new ──");
    desk.shows_not("new above");
}

#[test]
fn what_is_typed_is_sent_and_stands_there_until_its_echo() {
    let mut desk = Desk::talking(80, 24);
    desk.take_sent();
    desk.types("hello all\n");
    let sent = desk.take_sent();
    assert!(sent.contains("@label=m1;parlor/once=k-1 PRIVMSG #tea :hello all\n"), "{sent}");
    assert!(sent.contains(";+typing=active TAGMSG #tea\n"), "{sent}");
    assert_eq!(sent.matches("+typing").count(), 1, "{sent}");
    desk.shows("  …");
    desk.shows("alice hello all");
    desk.shows("online, sending 1");
    desk.hear("@label=m1;time=2026-11-22T12:00:00.000Z;msgid=7 :alice!a@h PRIVMSG #tea :hello all");
    desk.shows("12:00        alice hello all");
    desk.shows_not("sending");
}

#[test]
fn lines_stay_together_and_many_are_asked_about() {
    let mut desk = Desk::talking(80, 24);
    desk.types("one");
    desk.press(KeyCode::Enter, KeyModifiers::ALT);
    desk.types("two\n");
    assert!(desk.take_sent().contains("BATCH +m1 draft/multiline #tea\n"));
    desk.app.paste("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11");
    desk.key(KeyCode::Enter);
    insta::assert_snapshot!(desk.picture());
    desk.key(KeyCode::Esc);
    assert!(!desk.take_sent().contains("BATCH"));
    desk.key(KeyCode::Enter);
    desk.key(KeyCode::Enter);
    assert!(desk.take_sent().contains("BATCH +m2 draft/multiline #tea\n"));
}

#[test]
fn a_message_is_answered() {
    let mut desk = Desk::talking(80, 24);
    desk.alt(KeyCode::Up);
    desk.key(KeyCode::Up);
    desk.key(KeyCode::Up);
    desk.key(KeyCode::Up);
    insta::assert_snapshot!("selected", desk.picture());
    desk.types("r");
    desk.types("with milk");
    insta::assert_snapshot!("answering", desk.picture());
    desk.key(KeyCode::Enter);
    assert!(desk.take_sent().contains("+draft/reply=3 PRIVMSG #tea :with milk\n"));
}

#[test]
fn a_message_is_reacted_to_edited_and_deleted() {
    let mut desk = Desk::talking(80, 24);
    desk.hear("@time=2026-11-22T12:00:00.000Z;msgid=7 :alice!a@h PRIVMSG #tea :mine");
    desk.take_sent();
    desk.alt(KeyCode::Up);
    desk.types("+tad");
    insta::assert_snapshot!("reacting", desk.picture());
    desk.key(KeyCode::Enter);
    assert_eq!(desk.take_sent(), "@+draft/reply=7;+draft/react=🎉 TAGMSG #tea\n");
    desk.hear("@+draft/reply=7;+draft/react=🎉 :alice!a@h TAGMSG #tea");
    desk.shows("[🎉 1*]");
    // Once more takes it back.
    desk.alt(KeyCode::Up);
    desk.types("+tad\n");
    assert_eq!(desk.take_sent(), "@+draft/reply=7;+draft/unreact=🎉 TAGMSG #tea\n");
    desk.alt(KeyCode::Up);
    desk.types("e, all of it\n");
    assert!(desk.take_sent().ends_with("@draft/target-msgid=7;draft/edit-text=mine,\\sall\\sof\\sit EDIT #tea\n"));
    desk.alt(KeyCode::Up);
    desk.types("x");
    assert_eq!(desk.take_sent(), "");
    desk.shows("Press x once more");
    desk.types("x");
    assert_eq!(desk.take_sent(), "REDACT #tea 7\n");
    // Another's message is not one's own to change.
    desk.alt(KeyCode::Up);
    desk.types("k");
    desk.types("e");
    desk.shows("Only your own messages can be edited.");
    desk.types("x");
    desk.shows("Only your own messages can be deleted by you here.");
}

#[test]
fn going_somewhere_by_some_letters() {
    let mut desk = Desk::talking(80, 24);
    desk.control('k');
    desk.types("boo");
    insta::assert_snapshot!(desk.picture());
    desk.key(KeyCode::Enter);
    desk.shows(" #books");
    desk.control('k');
    desk.types("carol\n");
    let sent = desk.take_sent();
    assert!(sent.contains("CHATHISTORY LATEST carol * 100\n"), "{sent}");
    desk.types("hi\n");
    assert!(desk.take_sent().contains("PRIVMSG carol :hi\n"));
    // A room that one is not in is entered.
    desk.control('k');
    desk.types("#new\n");
    assert!(desk.take_sent().contains("JOIN #new\n"));
    desk.hear(":alice!a@h JOIN #new");
    assert_eq!(desk.app.present_name(), "#new");
}

#[test]
fn the_keys_and_the_commands() {
    let mut desk = Desk::talking(80, 48);
    desk.key(KeyCode::F(1));
    insta::assert_snapshot!("keys", desk.picture());
    desk.key(KeyCode::Esc);
    desk.types("/help\n");
    insta::assert_snapshot!("help", desk.picture());
    desk.key(KeyCode::Esc);
    desk.types("/dance\n");
    desk.shows("There is no command /dance");
}

#[test]
fn what_was_said_long_ago_comes_while_scrolling() {
    let mut desk = Desk::connected(80, 12);
    let page = |from: u32| -> String {
        let line = |id: u32| {
            format!(
                "@batch=p;time=2026-11-22T{:02}:{:02}:00.000Z;msgid={id} :bob!b@h PRIVMSG #tea :number {id}.\n",
                id / 60,
                id % 60
            )
        };
        (from..from + 100).map(line).collect()
    };
    desk.history("#books", "");
    desk.history("#tea", &page(200));
    desk.shows("number 299.");
    desk.take_sent();
    for _ in 0..12 {
        desk.key(KeyCode::PageUp);
    }
    let sent = desk.take_sent();
    assert_eq!(sent.matches("CHATHISTORY BEFORE #tea msgid=200 100").count(), 1, "{sent}");
    desk.shows("further down there is more");
    let before = desk.picture();
    desk.history("#tea", &page(100));
    let read =
        |picture: &str| picture.lines().take(9).map(|line| line.chars().skip(17).collect()).collect::<Vec<String>>();
    assert_eq!(read(&desk.picture()), read(&before), "what is read does not move");
    desk.hear("@time=2026-11-22T12:00:00.000Z;msgid=999 :bob!b@h PRIVMSG #tea :just now");
    assert_eq!(read(&desk.picture()), read(&before));
    for _ in 0..40 {
        desk.key(KeyCode::PageUp);
    }
    desk.shows("number 100.");
    desk.press(KeyCode::End, KeyModifiers::CONTROL);
    desk.shows("just now");
}

/// Issue 4: within 60 MB with 100,000 messages scrolled; of those this is what they themselves take.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_messages_take_a_bounded_memory() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    let mut desk = Desk::connected(80, 12);
    desk.app.conversations.hold(Some("#tea"));
    let before = resident();
    for page in 0..1_000 {
        let items = (0..100)
            .map(|number| {
                Change::MessageAdded(client_core::Message {
                    id: Some(format!("019aad00-0000-7000-8000-{:012}", page * 100 + number).as_str().into()),
                    sender: client_core::Person {
                        name: format!("person{}", number % 20).as_str().into(),
                        id: Some("019aad00-0000-7000-8000-000000000000".into()),
                        account: None,
                    },
                    payload: "Something of the usual length, that people say to each other all day.".to_owned(),
                    timestamp: Timestamp(1_700_000_000_000 - page * 1_000),
                    room_name: "#tea".into(),
                    room_id: None,
                    kind: client_core::MessageKind::Text,
                    own: false,
                    direct: false,
                    reply_to: None,
                })
            })
            .collect();
        let page = desk.app.conversations.find("#tea").unwrap().page_before().unwrap_or(client_core::Page::Latest);
        let room_name = "#tea".into();
        let history = client_core::ConversationChange::History { room_name, page, items, is_end: false };
        desk.app.take_in(vec![Change::Conversation(history)]);
    }
    assert_eq!(desk.app.conversations.find("#tea").unwrap().entries().len(), 100_000);
    let took = resident() - before;
    assert!(took < 50_000, "{took} KiB");
}

#[test]
fn scrolling_goes_as_far_down_as_up() {
    let mut desk = Desk::talking(50, 9);
    let end = desk.picture();
    for _ in 0..3 {
        desk.draw();
        desk.app.scroll(2);
    }
    assert_ne!(desk.picture(), end);
    for _ in 0..4 {
        desk.draw();
        desk.app.scroll(-2);
    }
    assert_eq!(desk.picture(), end);
}

#[test]
fn the_first_unread_message_is_loaded_where_it_is_far() {
    let mut desk = Desk::connected(80, 12);
    desk.history("#books", "");
    desk.hear(":s MARKREAD #tea timestamp=2026-11-20T00:00:00.000Z");
    let line = |id: u32, day: u32| {
        format!(
            "@batch=p;time=2026-11-{day}T10:{:02}:{:02}.000Z;msgid={id} :bob!b@h PRIVMSG #tea :number {id}.\n",
            id / 60,
            id % 60
        )
    };
    desk.app.focus_changed(false);
    desk.hear(":s BATCH +u parlor/unread\n@batch=u :s UNREAD #tea 1000+ 3\n:s BATCH -u");
    desk.history("#tea", &(200..300).map(|id| line(id, 22)).collect::<String>());
    desk.alt(KeyCode::Char('2'));
    desk.alt(KeyCode::Char('1'));
    desk.take_sent();
    desk.alt(KeyCode::Char('u'));
    let sent = desk.take_sent();
    assert!(sent.contains("CHATHISTORY AROUND #tea timestamp=2026-11-20T00:00:00.000Z 100\n"), "{sent}");
    desk.history(
        "#tea",
        &((100..103).map(|id| line(id, 19)).collect::<String>()
            + &(103..120).map(|id| line(id, 21)).collect::<String>()),
    );
    desk.shows(" new ");
    desk.shows("number 103.");
    desk.shows_not("number 299.");
    desk.press(KeyCode::End, KeyModifiers::CONTROL);
    desk.draw();
    assert!(desk.take_sent().contains("CHATHISTORY LATEST #tea * 100\n"));
}

#[test]
fn what_is_searched_for_opens_in_its_place() {
    let mut desk = Desk::talking(80, 24);
    desk.take_sent();
    desk.control('f');
    desk.types("kettle\n");
    assert!(desk.take_sent().contains("SEARCH text=kettle\n"));
    desk.hear(
        ":s BATCH +f soju.im/search
         @batch=f;time=2026-01-02T10:00:00.000Z;msgid=k1 :carol!c@h PRIVMSG #books :a kettle of fish
         @batch=f;time=2026-11-22T11:34:00.000Z;msgid=6 :bob!b@h PRIVMSG #tea :\u{1}ACTION puts the kettle on\u{1}
         :s BATCH -f",
    );
    insta::assert_snapshot!(desk.picture());
    desk.key(KeyCode::Up);
    desk.key(KeyCode::Enter);
    assert_eq!(desk.app.present_name(), "#books");
    let sent = desk.take_sent();
    assert!(sent.contains("CHATHISTORY AROUND #books msgid=k1 100\n"), "{sent}");
    desk.history(
        "#books",
        "@batch=p;time=2026-01-02T09:59:00.000Z;msgid=k0 :carol!c@h PRIVMSG #books :Once there was
         @batch=p;time=2026-01-02T10:00:00.000Z;msgid=k1 :carol!c@h PRIVMSG #books :a kettle of fish",
    );
    desk.shows("Once there was");
    assert!(desk.app.view().selected.is_some());
}

#[test]
fn without_a_link_the_status_says_so_and_what_is_typed_waits() {
    let mut desk = Desk::talking(80, 24);
    let changes = desk.app.connection.link_down(desk.app.now, u32::MAX);
    desk.app.take_in(changes);
    desk.types("are you there?\n");
    insta::assert_snapshot!("offline", desk.picture());
    desk.take_sent();
    desk.connect();
    desk.shows("catching up");
    let sent = desk.take_sent();
    assert!(sent.contains("PRIVMSG #tea :are you there?\n"), "{sent}");
    desk.history(
        "#tea",
        "@batch=p;time=2026-11-22T11:34:00.000Z;msgid=6 :bob!b@h PRIVMSG #tea :\u{1}ACTION puts the kettle on\u{1}",
    );
    desk.hear("@label=m1;time=2026-11-22T12:01:00.000Z;msgid=8 :alice!a@h PRIVMSG #tea :are you there?");
    desk.history("#books", "");
    desk.shows("alice are you there?");
    assert_eq!(desk.picture().matches("are you there?").count(), 1);
    desk.shows(" online");
}

#[test]
fn what_the_server_will_not_tell_is_asked_once() {
    let mut desk = Desk::talking(80, 24);
    desk.take_sent();
    desk.types("/query ghost\n");
    let sent = desk.take_sent();
    let label = sent.split_once("@label=").unwrap().1.split_once(' ').unwrap().0.to_owned();
    desk.hear(&format!("@label={label} :s FAIL CHATHISTORY INVALID_TARGET LATEST ghost :no"));
    desk.draw();
    desk.draw();
    assert!(!desk.take_sent().contains("CHATHISTORY"));
    desk.shows("online");
}

#[test]
fn a_refused_message_can_be_sent_again_or_put_away() {
    let mut desk = Desk::talking(80, 24);
    desk.types("too soon\n");
    desk.hear("@label=m1 :s 404 alice #tea :Cannot send to channel (slow mode)");
    desk.shows("not sent:");
    desk.alt(KeyCode::Up);
    desk.take_sent();
    desk.types("u");
    assert!(desk.take_sent().contains("PRIVMSG #tea :too soon\n"));
    desk.hear("@label=m2 :s 404 alice #tea :Cannot send to channel (slow mode)");
    desk.alt(KeyCode::Up);
    desk.types("x");
    desk.shows_not("too soon");
}

#[test]
fn a_wrong_password_is_asked_for_again() {
    let mut desk = Desk::new(80, 16);
    desk.app.connection = Connection::new(Settings {
        name: "alice".to_owned(),
        realname: "Alice".to_owned(),
        login: Login::Account { password: Password::new("wrong") },
        server_password: None,
        mechanism: None,
        rooms: vec!["#tea".to_owned()],
        key_prefix: "k".to_owned(),
        login_patience: Duration::from_secs(30),
    });
    let changes = desk.app.connection.link_up(desk.app.now, LinkSecurity::Encrypted, [0; 18]);
    desk.app.take_in(changes);
    desk.hear(
        ":s CAP * LS :sasl=PLAIN
         :s CAP * ACK :sasl
         AUTHENTICATE +
         :s 904 * :SASL authentication failed
         ERROR :bye",
    );
    desk.types("sesame");
    insta::assert_snapshot!(desk.picture());
    desk.shows_not("sesame");
    desk.shows_not("New here?");
    desk.key(KeyCode::Enter);
    assert_eq!(desk.app.connection.state(), LinkState::Down { retry_at: desk.app.now.since_start });
    assert!(!desk.app.done);
}

#[test]
fn whoever_is_new_makes_an_account_with_the_password_that_was_answered() {
    let ask = || {
        let mut desk = Desk::new(80, 16);
        desk.app.answered_password = Some(Password::new("sesame"));
        desk.app.ask_login("The name or the password is wrong.".to_owned());
        desk.shows("Password for alice: ••••••");
        desk.shows("New here? Ctrl-R makes the account alice with the password you gave.");
        desk
    };
    let password = |desk: &Desk| desk.app.typed_password.as_ref().map(|password| password.reveal().to_owned());
    let mut desk = ask();
    desk.press(KeyCode::Char('r'), KeyModifiers::CONTROL);
    assert_eq!(password(&desk).as_deref(), Some("sesame"));
    assert!(desk.app.overlay.is_none());
    // Who mistyped it types it anew.
    let mut desk = ask();
    desk.types("open");
    desk.shows_not("New here?");
    desk.key(KeyCode::Enter);
    assert_eq!(password(&desk).as_deref(), Some("open"));
}

#[test]
fn nothing_raw_reaches_the_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}gpj\u{200f} \u{2}bold\u{2}";
    let mut desk = Desk::talking(100, 24);
    desk.hear(&format!(
        ":ev{evil}il!e@h PRIVMSG #tea :{evil}
         :ev{evil}il!e@h JOIN #tea
         :bob!b@h TOPIC #tea :{evil}
         :bob!b@h KICK #tea dora :{evil}
         @msgid=z;+draft/reply=3 :bob!b@h PRIVMSG #tea :re
         @+draft/reply=z;+draft/react={evil} :bob!b@h TAGMSG #tea
         @+typing=active :ev{evil}il!e@h TAGMSG #tea
         :s NOTICE alice :{evil}
         :ev{evil}il!e@h PRIVMSG alice :{evil}
         :bob!b@h INVITE alice #{evil}"
    ));
    for _ in 0..6 {
        let picture = desk.picture();
        let harmful: Vec<char> =
            picture.chars().filter(|c| *c != '\n' && !crate::printable::is_printable(*c)).collect();
        assert!(harmful.is_empty(), "{harmful:?} in\n{picture}");
        desk.control('n');
    }
}

#[test]
fn without_colours_there_are_none() {
    let mut desk = Desk::talking(110, 24);
    desk.app.look = Look::new(false, crate::preferences::Ground::Dark);
    desk.draw();
    let cells = &desk.terminal.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::BOLD)));
}

#[test]
fn wide_letters_and_code_keep_their_columns() {
    let mut desk = Desk::talking(70, 24);
    desk.hear(
        "@time=2026-11-22T12:00:00.000Z;msgid=w1 :bob!b@h PRIVMSG #tea :日本語のとても長い文章はここで折り返されるはずです 👩‍👩‍👧 e\u{301}nd
         @time=2026-11-22T12:00:10.000Z;msgid=w2 :dora!d@h BATCH +m draft/multiline #tea
         @batch=m :dora!d@h PRIVMSG #tea :Look:
         @batch=m :dora!d@h PRIVMSG #tea :```
         @batch=m :dora!d@h PRIVMSG #tea :fn main() {
         @batch=m :dora!d@h PRIVMSG #tea :    tea();
         @batch=m :dora!d@h PRIVMSG #tea :```
         :s BATCH -m
         @+typing=active :bob!b@h TAGMSG #tea
         @+typing=active :carol!c@h TAGMSG #tea",
    );
    insta::assert_snapshot!(desk.picture());
}

#[test]
fn the_mouse_goes_and_selects() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut desk = Desk::talking(80, 24);
    desk.draw();
    let click = |column: u16, row: u16| MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    let timeline = desk.app.places.timeline;
    desk.app.mouse(click(timeline.x + 30, timeline.bottom() - 1));
    desk.app.mouse(MouseEvent {
        kind: MouseEventKind::Up(MouseButton::Left),
        ..click(timeline.x + 30, timeline.bottom() - 1)
    });
    desk.shows("r answer");
    desk.app.mouse(click(2, 1));
    assert_eq!(desk.app.present_name(), "#books");
}

fn link_facts() -> super::wire_view::LinkFacts {
    super::wire_view::LinkFacts {
        local: Some("192.0.2.7:50000".parse::<std::net::SocketAddr>().unwrap().into()),
        remote: "192.0.2.1:6697".parse::<std::net::SocketAddr>().unwrap().into(),
        tls: Some(crate::network::TlsFacts {
            version: "TLSv1_3".to_owned(),
            suite: "TLS13_AES_256_GCM_SHA384".to_owned(),
            key_exchange: Some("X25519MLKEM768".to_owned()),
            certificate: None,
            known_to_system: true,
        }),
    }
}

#[test]
fn the_wire_shows_how_the_link_came_about() {
    use discovery::steps::{Answer, Question, RecordKind, Step, TimedStep, Via};
    let mut desk = Desk::talking_with("", 100, 30);
    let step = Step::Answered {
        via: Via::Dns(vec!["192.0.2.53".parse().unwrap()]),
        question: Question { name: "chat.example".to_owned(), kinds: vec![RecordKind::Aaaa] },
        took: std::time::Duration::from_millis(12),
        answer: Answer::NoSuchName,
    };
    let later = client_core::Timestamp(desk.app.now.wall.0 + 1);
    desk.app.wire.stepped(later, TimedStep { at: std::time::Duration::from_millis(20), step });
    desk.key(KeyCode::F(12));
    desk.shows("+20 ms AAAA chat.example after 12 ms: there is no such name");
    // Further up are the lines from before it.
    desk.key(KeyCode::PageUp);
    desk.shows_not("there is no such name");
}

#[test]
fn a_line_of_the_wire_is_unfolded() {
    let mut desk = Desk::talking_with("parlor/connection", 100, 30);
    desk.app.wire.link_opened(link_facts());
    assert_eq!(desk.app.next_look(), None, "nothing is looked at while nobody looks");
    desk.types("hi\n");
    desk.key(KeyCode::F(12));
    assert_eq!(desk.app.next_look(), None);
    desk.sent.clear();
    desk.key(KeyCode::Enter);
    assert_eq!(desk.sent, "CONNECTION\n", "the server is asked once");
    assert!(desk.app.next_look().is_some());
    desk.key(KeyCode::Right);
    desk.key(KeyCode::Right);
    desk.hear(
        ":s BATCH +c parlor/connection
         @batch=c :s CONNECTION ADDRESS :yours=198.51.100.2 your-port=61000 transport=tls
         @batch=c :s CONNECTION TCP :state=ESTABLISHED segment=1400
         :s BATCH -c",
    );
    // What has come since does not push it away.
    insta::assert_snapshot!(desk.picture());
    for _ in 0..30 {
        desk.key(KeyCode::Right);
    }
    desk.shows("The same question, asked of everyone");
    desk.key(KeyCode::Enter);
    assert_eq!(desk.app.next_look(), None);
    desk.shows("Enter unfolds what was said last");
}

#[test]
fn the_wire_is_explained() {
    let mut desk = Desk::talking(100, 18);
    desk.app.wire.link_opened(link_facts());
    desk.types("hi\n");
    desk.key(KeyCode::F(12));
    insta::assert_snapshot!(desk.picture());
    desk.key(KeyCode::PageUp);
    desk.shows_not("PRIVMSG #tea :hi");
    desk.key(KeyCode::F(12));
    desk.shows("#tea  Tea at five");
}

/// Words that servers send, in any order, with bytes that none should.
fn hostile_line() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let verb = proptest::sample::select(vec![
        "PRIVMSG",
        "NOTICE",
        "TAGMSG",
        "EDIT",
        "REDACT",
        "JOIN",
        "PART",
        "QUIT",
        "KICK",
        "NICK",
        "MODE",
        "TOPIC",
        "BATCH",
        "MARKREAD",
        "UNREAD",
        "RENAME",
        "AWAY",
        "CAP",
        "FAIL",
        "CHATHISTORY",
        "INVITE",
        "353",
        "366",
        "354",
        "315",
        "332",
        "401",
        "404",
        "005",
        "372",
        "ERROR",
    ]);
    let word = prop_oneof![
        proptest::sample::select(vec![
            "#tea",
            "#books",
            "alice",
            "bob",
            "+p",
            "-p",
            "+m",
            "chathistory",
            "draft/multiline",
            "1",
            "3",
            "6",
            "*",
            "LATEST",
            "timestamp=2026-11-22T11:00:00.000Z",
            "+o",
            "77",
        ])
        .prop_map(str::to_owned),
        "[^ \r\n\0]{0,12}",
    ];
    let tag = proptest::sample::select(vec![
        "",
        "@batch=p ",
        "@batch=m;msgid=3 ",
        "@msgid=1;+draft/reply=6 ",
        "@+draft/reply=3;+draft/react=x ",
        "@+typing=active ",
        "@draft/target-msgid=3;draft/edit-text=y ",
        "@label=h1 ",
        "@label=m1 ",
        "@label=h2;batch=p ",
    ]);
    let source = proptest::sample::select(vec![":bob!b@h ", ":alice!a@h ", ":s ", ":\u{202e}x!y@z ", ""]);
    (tag, source, verb, proptest::collection::vec(word, 0..5), "[^\r\n\0]{0,40}").prop_map(
        |(tag, source, verb, words, text)| {
            let words: String = words.iter().map(|word| format!(" {word}")).collect();
            format!("{tag}{source}{verb}{words} :{text}")
        },
    )
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn no_server_makes_it_panic_or_shows_something_raw(lines in proptest::collection::vec(hostile_line(), 1..40), keys in proptest::collection::vec(0u8..12, 40)) {
        let mut desk = Desk::talking(90, 20);
        for (line, key) in lines.iter().zip(keys) {
            let changes = desk.app.connection.receive(desk.app.now, format!("{line}\r\n").as_bytes());
            desk.app.take_in(changes);
            match key {
                0 => desk.key(KeyCode::PageUp),
                1 => desk.alt(KeyCode::Up),
                2 => desk.control('n'),
                3 => desk.types("hi\n"),
                4 => desk.alt(KeyCode::Char('u')),
                5 => desk.key(KeyCode::Esc),
                6 => desk.key(KeyCode::PageDown),
                7 => desk.key(KeyCode::F(12)),
                8 => desk.control('k'),
                _ => desk.settle(),
            }
            let picture = desk.picture();
            let harmful = picture.contains(|c: char| c != '\n' && !crate::printable::is_printable(c));
            proptest::prop_assert!(!harmful, "{picture}");
        }
    }
}

#[test]
fn whoever_does_not_look_is_told_when_she_is_named() {
    let mut desk = Desk::talking(80, 24);
    desk.hear("@msgid=n1 :bob!b@h PRIVMSG #tea :alice: look");
    assert_eq!(desk.app.alert, None, "she looks");
    desk.app.focus_changed(false);
    desk.hear("@msgid=n2 :bob!b@h PRIVMSG #tea :malice and more");
    assert_eq!(desk.app.alert, None);
    desk.hear("@msgid=n3 :bob!b@h PRIVMSG #tea :alice: look\n");
    assert_eq!(desk.app.alert.take().as_deref(), Some("bob: alice: look"));
    desk.hear("@msgid=n4 :eve!e@h PRIVMSG alice :psst");
    assert_eq!(desk.app.alert.take().as_deref(), Some("eve: psst"));
}

#[test]
fn a_group_that_was_asked_for_is_gone_to() {
    let mut desk = Desk::talking(80, 24);
    desk.hear(":alice!a@h JOIN #+alice+dora+eve");
    assert_eq!(desk.app.present_name(), "#tea", "somebody else's idea");
    desk.types("/group bob carol\n");
    desk.hear(":alice!a@h JOIN #+alice+bob+carol");
    assert_eq!(desk.app.present_name(), "#+alice+bob+carol");
}

#[test]
fn who_is_here_and_the_topic_are_told_when_asked_for() {
    let mut desk = Desk::talking(80, 24);
    desk.shows_not("here in #tea");
    desk.types("/names\n");
    desk.hear(":s 353 alice = #tea :alice ~bob\n:s 366 alice #tea :End");
    desk.shows("here in #tea: alice, ~bob");
    desk.types("/topic\n");
    desk.hear(":s 332 alice #tea :Tea at five, every day");
    desk.shows("the topic of #tea: Tea at five, every day");
}

#[test]
fn leaving_is_asked_for_twice() {
    let mut desk = Desk::talking(80, 24);
    desk.control('c');
    desk.shows("Ctrl-C once more leaves.");
    desk.types("a");
    desk.control('c');
    assert!(!desk.take_sent().contains("QUIT"));
    desk.control('c');
    assert!(desk.take_sent().ends_with("QUIT\n"));
    desk.hear("ERROR :bye");
    assert!(desk.app.done);
}
