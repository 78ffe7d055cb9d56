//! Several servers at once.

use super::*;

/// Two servers: the first is in front.
fn two_servers() -> (Desk, Desk) {
    let (mut one, mut other) = (Desk::talking(90, 20), Desk::talking(90, 20));
    "books.example:6697".clone_into(&mut other.app.server);
    other.app.place = 1;
    other.app.in_front = false;
    introduce(&mut one, &other);
    (one, other)
}

fn introduce(front: &mut Desk, other: &Desk) {
    front.app.neighbours = vec![servers::neighbour(&other.app)];
}

#[test]
fn several_servers_stand_in_one_list_and_each_tells_the_truth_about_its_link() {
    let (mut one, mut other) = two_servers();
    other.hear("@time=2026-11-22T11:41:00.000Z;msgid=b3 :carol!c@h PRIVMSG #books :alice, it is good.");
    let changes = other.app.connection.link_down(other.app.now, u32::MAX);
    other.app.take_in(changes);
    introduce(&mut one, &other);
    let picture = one.picture();
    assert!(include_str!("../../../../../docs/terminal.md").contains(picture.trim_end()), "{picture}");
    insta::assert_snapshot!(picture);
    // What is said there while it is not in front stays unread.
    other.take_sent();
    other.connect();
    other.hear("@time=2026-11-22T11:42:00.000Z;msgid=t9 :bob!b@h PRIVMSG #tea :still unread");
    assert!(!other.take_sent().contains("MARKREAD #tea"));
    introduce(&mut one, &other);
    one.alt(KeyCode::Char('a'));
    assert_eq!(one.app.wish.take(), Some(Wish::Show { server: 1, name: Some("#books".to_owned()) }));
    servers::change_front(&mut one.app, &mut other.app);
    other.app.go("#books");
    introduce(&mut other, &one);
    other.shows("chat.example");
    assert_eq!(other.app.present_name(), "#books");
    assert!(one.app.neighbours.is_empty() && !one.app.in_front);
}

#[test]
fn other_servers_are_gone_to_by_letters_keys_mouse_and_command() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let (mut one, _other) = two_servers();
    let wish = |name: Option<&str>| Some(Wish::Show { server: 1, name: name.map(str::to_owned) });
    one.control('k');
    one.types("#books");
    one.shows("#books  on books.example:6697");
    one.key(KeyCode::Down);
    one.key(KeyCode::Enter);
    assert_eq!(one.app.wish.take(), wish(Some("#books")));
    one.alt(KeyCode::Char('3'));
    assert_eq!(one.app.wish.take(), wish(Some("#tea")));
    one.control('p');
    assert_eq!(one.app.wish.take(), wish(Some("#books")));
    one.draw();
    let row = one.app.places.listed.iter().position(|listed| *listed == (1, None)).unwrap();
    one.app.mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 2,
        row: u16::try_from(row).unwrap(),
        modifiers: KeyModifiers::NONE,
    });
    assert_eq!(one.app.wish.take(), wish(None));
    one.types("/server\n");
    one.shows("you are on chat.example:6697 (online, shown),");
    one.types("/server bob@third.example tea\n");
    let rooms = vec!["#tea".to_owned()];
    assert_eq!(one.app.wish.take(), Some(Wish::Connect { address: "bob@third.example".to_owned(), rooms }));
    one.types("/disconnect\n");
    assert_eq!(one.app.wish.take(), Some(Wish::Disconnect));
}

#[test]
fn a_server_that_is_not_trusted_is_not_gone_to_by_itself() {
    let mut desk = Desk::new(80, 16);
    desk.app.barred = Some("The certificate has changed.".to_owned());
    desk.shows("offline: not trusted; /reconnect tries again");
    desk.types("/reconnect\n");
    assert_eq!(desk.app.wish.take(), Some(Wish::Reconnect));
}

#[test]
fn servers_on_one_machine_are_told_apart_by_their_ports() {
    let (mut one, mut other) = two_servers();
    one.shows("chat.example ");
    "127.0.0.1:7001".clone_into(&mut one.app.server);
    "127.0.0.1:7002".clone_into(&mut other.app.server);
    introduce(&mut one, &other);
    one.shows("127.0.0.1:7001");
    one.shows("127.0.0.1:7002");
}
