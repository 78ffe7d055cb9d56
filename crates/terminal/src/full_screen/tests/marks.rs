//! Pinned, muted, reported, quoted, copied, taken for read; and only what one may do.

use super::*;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

const MARKS: &str = "parlor/pins=max=50 parlor/reports draft/metadata-2=max-subs=50";

/// alice with a rank, where the server knows all kinds of marks.
fn moderating() -> Desk {
    let mut desk = Desk::talking_with(MARKS, 90, 24);
    desk.hear(":bob!b@h MODE #tea +o alice");
    desk.take_sent();
    desk
}

#[test]
fn what_is_pinned_is_shown_counted_and_unpinned() {
    let mut desk = moderating();
    desk.hear(":s PINS #tea 1");
    desk.shows("[1 pinned: Alt-P]");
    desk.alt(KeyCode::Up);
    desk.types("kk");
    desk.shows("P pin");
    desk.types("P");
    assert_eq!(desk.take_sent(), "PIN #tea 4\n");
    desk.hear(":alice!a@h PIN #tea 4");
    desk.shows("hello (edited) (pinned)");
    desk.shows("alice pinned what dora said: hello");
    desk.shows("[2 pinned: Alt-P]");
    desk.alt(KeyCode::Char('p'));
    assert_eq!(desk.take_sent(), "PINS #tea\n");
    desk.hear(
        ":s BATCH +1 parlor/pins #tea
         @batch=1;time=2026-11-22T11:40:00.000Z :bob!b@h PIN #tea 1
         @batch=1;time=2026-11-21T18:02:00.000Z;msgid=1 :bob!b@h PRIVMSG #tea :Who makes the tea tomorrow?
         @batch=1;time=2026-11-22T11:40:00.000Z :alice!a@h PIN #tea 4
         @batch=1;time=2026-11-22T11:31:00.000Z;msgid=4 :dora!d@h PRIVMSG #tea :hello
         :s BATCH -1",
    );
    insta::assert_snapshot!(desk.picture());
    desk.key(KeyCode::Down);
    desk.types("P");
    assert_eq!(desk.take_sent(), "UNPIN #tea 4\nPINS #tea\n");
    desk.key(KeyCode::Up);
    desk.key(KeyCode::Enter);
    desk.shows("r answer");
    desk.shows("Who makes the tea tomorrow? (pinned)");
}

#[test]
fn a_message_is_reported_with_a_reason() {
    let mut desk = moderating();
    desk.alt(KeyCode::Up);
    desk.types("!");
    desk.shows("What is wrong with what bob said?");
    desk.key(KeyCode::Enter);
    assert_eq!(desk.take_sent(), "", "not without a reason");
    desk.types("off topic\n");
    assert_eq!(desk.take_sent(), "REPORT #tea 6 :off topic\n");
    desk.hear("@time=2026-11-22T12:00:00.000Z;msgid=7 :alice!a@h PRIVMSG #tea :mine");
    desk.alt(KeyCode::Up);
    desk.shows_not("! report");
    desk.types("!");
    desk.shows("What you said yourself is not reported.");
}

#[test]
fn who_is_muted_is_muted_on_all_devices_and_does_not_ring() {
    let mut desk = moderating();
    desk.alt(KeyCode::Char('m'));
    assert_eq!(desk.take_sent(), "METADATA #tea SET soju.im/muted :1\n");
    desk.hear(":s 761 alice #tea soju.im/muted private :1");
    desk.shows("[muted]");
    // Another device mutes another room.
    desk.hear(":s METADATA #books soju.im/muted private :1");
    desk.app.focus_changed(false);
    desk.hear("@msgid=b9 :carol!c@h PRIVMSG #books :alice: look");
    assert_eq!(desk.app.alert, None);
    desk.app.focus_changed(true);
    desk.types("/unmute\n");
    assert_eq!(desk.take_sent(), "METADATA #tea SET soju.im/muted :0\n");
    desk.hear(":s 761 alice #tea soju.im/muted private :0");
    desk.shows_not("[muted]");
}

#[test]
fn without_a_rank_or_a_server_that_knows_of_it_nothing_is_offered() {
    let mut desk = Desk::talking_with(MARKS, 90, 24);
    desk.alt(KeyCode::Up);
    desk.shows_not("P pin");
    desk.types("P");
    desk.shows("Only moderators of this room pin messages here.");
    desk.key(KeyCode::Esc);
    desk.types("/help\n");
    for _ in 0..3 {
        desk.shows_not("/kick");
        desk.key(KeyCode::PageDown);
    }
    desk.key(KeyCode::Esc);
    desk.types("/ki");
    desk.key(KeyCode::Tab);
    assert_eq!(desk.app.view().composer.text(), "/ki");
    let mut desk = moderating();
    desk.types("/ki");
    desk.key(KeyCode::Tab);
    assert_eq!(desk.app.view().composer.text(), "/kick ");
    // A server that knows none of it.
    let mut desk = Desk::talking(80, 24);
    desk.hear(":bob!b@h MODE #tea +o alice");
    desk.alt(KeyCode::Up);
    desk.shows_not("report");
    desk.shows_not("P pin");
    desk.key(KeyCode::Esc);
    desk.alt(KeyCode::Char('m'));
    desk.shows("Nothing can be muted just now");
}

#[test]
fn all_is_taken_for_read_by_hand() {
    let mut desk = Desk::talking(80, 24);
    desk.hear(
        "@time=2026-11-22T11:40:00.000Z;msgid=b2 :carol!c@h PRIVMSG #books :Alice, did you?
         @time=2026-11-22T11:42:00.000Z;msgid=d1 :eve!e@h PRIVMSG alice :psst",
    );
    desk.shows("#books      @1 1");
    desk.take_sent();
    desk.types("/read all\n");
    let sent = desk.take_sent();
    assert!(sent.contains("MARKREAD #books timestamp=2026-11-22T11:40:00.000Z\n"), "{sent}");
    assert!(sent.contains("MARKREAD eve timestamp=2026-11-22T11:42:00.000Z\n"), "{sent}");
    desk.shows_not("@1 1");
}

#[test]
fn a_message_is_quoted_and_its_link_opened() {
    let mut desk = Desk::talking(80, 24);
    desk.alt(KeyCode::Up);
    desk.types("kkk");
    desk.shows("o open");
    desk.types("o");
    assert_eq!(desk.app.opened.take().as_deref(), Some("https://tea.example/green"));
    desk.types(">");
    assert_eq!(desk.app.view().composer.text(), "> I will, alice can help https://tea.example/green\n");
    desk.alt(KeyCode::Up);
    desk.types("o");
    assert_eq!(desk.app.opened, None);
    desk.shows("There is no link in this message.");
}

#[test]
fn what_the_mouse_is_drawn_over_is_copied() {
    let mut desk = Desk::talking(80, 24);
    desk.draw();
    let mouse =
        |kind: MouseEventKind, column: u16, row: u16| MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let timeline = desk.app.places.timeline;
    let row_of = |desk: &Desk, text: &str| {
        timeline.y + u16::try_from(desk.app.places.texts.iter().position(|row| row.contains(text)).unwrap()).unwrap()
    };
    let (first, last) = (row_of(&desk, "Who makes"), row_of(&desk, "twice this"));
    let column = timeline.x + desk.app.places.text_column;
    desk.app.mouse(mouse(MouseEventKind::Down(MouseButton::Left), column + 4, first));
    desk.app.mouse(mouse(MouseEventKind::Drag(MouseButton::Left), column + 8, last));
    desk.draw();
    let cell = desk.terminal.backend().buffer().cell((column + 5, first)).unwrap();
    assert!(cell.modifier.contains(Modifier::REVERSED), "what is drawn over is seen");
    desk.app.mouse(mouse(MouseEventKind::Up(MouseButton::Left), column + 8, last));
    assert_eq!(desk.app.copied.take().as_deref(), Some("makes the tea tomorrow?\nI made it"));
    // A click alone selects.
    desk.app.mouse(mouse(MouseEventKind::Down(MouseButton::Left), column + 4, first));
    desk.app.mouse(mouse(MouseEventKind::Up(MouseButton::Left), column + 4, first));
    assert_eq!(desk.app.copied, None);
    desk.shows("r answer");
}

#[test]
fn keys_are_as_one_prefers_them_and_the_sheet_says_so() {
    let mut desk = Desk::talking(80, 40);
    let preferred = toml::from_str("switcher = 'ctrl-g'\nreply = 'w'").unwrap();
    desk.app.keymap = Arc::new(Keymap::preferred(&preferred).unwrap());
    desk.control('k');
    assert!(desk.app.overlay.is_none());
    desk.control('g');
    desk.shows("Go to");
    desk.key(KeyCode::Esc);
    desk.key(KeyCode::F(1));
    desk.shows("Ctrl-G                 go to a room or person");
    desk.key(KeyCode::Esc);
    desk.alt(KeyCode::Up);
    desk.shows("w answer");
    desk.types("w");
    desk.shows("answering bob");
}

#[test]
fn the_rooms_of_the_server_are_chosen_from() {
    let mut desk = Desk::talking(80, 24);
    desk.take_sent();
    desk.types("/list\n");
    assert_eq!(desk.take_sent(), "LIST\n");
    desk.hear(
        ":s 321 alice Channel :Users Name
         :s 322 alice #tea 5 :Tea at five, every day
         :s 322 alice #garden 12 :Roses\u{1b}[2J, and what grows beside them
         :s 322 alice #empty 1 :
         :s 323 alice :End",
    );
    insta::assert_snapshot!(desk.picture());
    desk.types("rose");
    desk.shows_not("#empty");
    desk.key(KeyCode::Enter);
    assert!(desk.take_sent().contains("JOIN #garden\n"));
}

#[test]
fn what_is_told_is_told_whole() {
    let mut desk = Desk::talking(80, 24);
    desk.app.hint = Some(
        "This server is for people with an account; log in, or register an account first, and then try this once more."
            .to_owned(),
    );
    let picture = desk.picture();
    assert!(picture.contains("with an account; log in, or") && picture.contains("try this once more."), "{picture}");
    desk.key(KeyCode::Char('a'));
    desk.shows(" online");
}

#[test]
fn the_topic_and_the_settings_are_offered_to_be_changed_only_to_those_who_may() {
    let mut desk = Desk::talking(90, 24);
    assert!(desk.take_sent().contains("MODE #tea\n"), "asked for by itself");
    let usage = |desk: &Desk, name: &str| {
        let offered = desk.app.commands();
        offered.iter().find(|help| help.name == name).map_or("", |help| help.usage)
    };
    desk.hear(":s 324 alice #tea +nt");
    desk.shows_not("The modes of #tea");
    assert_eq!((usage(&desk, "topic"), usage(&desk, "mode")), ("/topic", "/mode [ROOM]"));
    assert_eq!(usage(&desk, "invite"), "/invite NAME [ROOM]");
    desk.hear(":bob!b@h MODE #tea -t+i");
    assert_eq!((usage(&desk, "topic"), usage(&desk, "invite")), ("/topic [TEXT]", ""));
    desk.hear(":bob!b@h MODE #tea +to alice");
    assert_eq!((usage(&desk, "topic"), usage(&desk, "mode")), ("/topic [TEXT]", "/mode [ROOM|NAME] [CHANGES]"));
    assert_eq!(usage(&desk, "invite"), "/invite NAME [ROOM]");
    // Asked for by hand it is told.
    desk.types("/mode #tea\n");
    desk.hear(":s 324 alice #tea +itn");
    desk.shows("The modes of #tea are +itn.");
}

#[test]
fn what_a_server_answers_by_a_notice_stands_where_it_was_asked() {
    let mut desk = Desk::talking(90, 24);
    desk.types("/group\n");
    desk.hear(":chat.example NOTICE alice :You are in no group");
    desk.shows("· You are in no group");
    desk.types("/names\n");
    desk.hear(":chat.example NOTICE alice :The server goes down at noon");
    desk.shows_not("at noon");
    // With one person one talks without a group.
    desk.types("/group carol\n");
    assert_eq!(desk.app.present_name(), "carol");
}
