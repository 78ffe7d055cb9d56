//! What is read stays true, and where it was, over a lost link.

use super::*;

fn page(from: u32, to: u32) -> String {
    let line = |id: u32| {
        format!(
            "@batch=p;time=2026-11-22T{:02}:{:02}:00.000Z;msgid={id} :bob!b@h PRIVMSG #tea :number {id}.\n",
            id / 60,
            id % 60
        )
    };
    (from..to).map(line).collect()
}

fn texts(picture: &str) -> Vec<String> {
    picture.lines().skip(1).take(9).map(|line| line.chars().skip(17).collect()).collect()
}

#[test]
fn what_was_edited_or_deleted_while_the_link_was_down_is_seen_when_it_is_back() {
    let mut desk = Desk::connected(80, 12);
    desk.history("#books", "");
    desk.history("#tea", &page(200, 300));
    for _ in 0..8 {
        desk.key(KeyCode::PageUp);
    }
    desk.history("#tea", &page(100, 200));
    let before = desk.picture();
    let first = before.lines().find_map(|line| line.split("number ").nth(1)).unwrap().split('.').next().unwrap();
    let first: u32 = first.parse().unwrap();
    let changes = desk.app.connection.link_down(desk.app.now, u32::MAX);
    desk.app.take_in(changes);
    assert_eq!(texts(&desk.picture()), texts(&before), "it stays while there is no link");
    desk.take_sent();
    desk.connect();
    // The end, which is asked for with the room, is not what is read.
    desk.history("#tea", &page(250, 350));
    desk.history("#books", "");
    assert_eq!(texts(&desk.picture()), texts(&before), "it stays when the link is back");
    let sent = desk.take_sent();
    let around = sent.split("CHATHISTORY AROUND #tea msgid=").nth(1).unwrap_or_else(|| panic!("{sent}"));
    let around: u32 = around.split(' ').next().unwrap().parse().unwrap();
    assert!((first..first + 10).contains(&around), "{around}");
    desk.history(
        "#tea",
        &(page(around - 50, around + 50)
            + &format!("@batch=p;draft/chathistory-context;msgid=e;draft/target-msgid={first};draft/edit-text=changed :bob!b@h EDIT #tea\n")
            + &format!("@batch=p;draft/chathistory-context :bob!b@h REDACT #tea {} :oops\n", first + 1)),
    );
    let after = desk.picture();
    assert!(after.contains("changed (edited)") && after.contains("deleted: oops"), "{after}");
    assert_eq!(after.matches("number").count(), before.matches("number").count() - 2, "{after}");
    assert!(after.contains(&format!("number {}.", first + 3)), "{after}");
    assert!(!desk.take_sent().contains("AROUND"), "once is enough");
    // Down to the end, which comes page by page.
    desk.press(KeyCode::End, KeyModifiers::CONTROL);
    desk.draw();
    assert!(desk.take_sent().contains("CHATHISTORY LATEST #tea * 100\n"));
    desk.history("#tea", &page(250, 350));
    desk.shows("number 349.");
}

#[test]
fn what_is_read_at_the_end_is_asked_for_anew_and_older_pages_too() {
    let mut desk = Desk::connected(80, 12);
    desk.history("#books", "");
    desk.history("#tea", &page(200, 300));
    for _ in 0..12 {
        desk.key(KeyCode::PageUp);
    }
    desk.history("#tea", &page(100, 200));
    desk.press(KeyCode::End, KeyModifiers::CONTROL);
    desk.draw();
    let changes = desk.app.connection.link_down(desk.app.now, u32::MAX);
    desk.app.take_in(changes);
    desk.connect();
    desk.history("#tea", &page(250, 350));
    desk.shows("number 349.");
    assert_eq!(desk.app.conversations.find("#tea").unwrap().entries().len(), 100);
    desk.take_sent();
    for _ in 0..12 {
        desk.key(KeyCode::PageUp);
    }
    assert!(desk.take_sent().contains("CHATHISTORY BEFORE #tea msgid=250 100\n"));
}

#[test]
fn whose_the_topmost_message_is_stands_beside_it() {
    let mut desk = Desk::talking(90, 12);
    for number in 0..20 {
        desk.hear(&format!("@time=2026-11-22T11:50:00.000Z;msgid=n{number} :carol!c@h PRIVMSG #tea :number {number}"));
    }
    let picture = desk.picture();
    let top = picture.lines().nth(1).unwrap();
    assert!(top.contains("carol number 11"), "{picture}");
    assert_eq!(picture.matches("carol").count(), 1, "{picture}");
}

#[test]
fn links_and_code_are_told_from_what_stands_around_them() {
    let mut desk = Desk::talking(90, 24);
    desk.hear("@time=2026-11-22T11:50:00.000Z;msgid=l :carol!c@h PRIVMSG #tea :see (https://tea.example/a), or `make tea` for `");
    let picture = desk.picture();
    let row =
        picture.lines().position(|line| line.contains("see (https://tea.example/a), or `make tea` for `")).unwrap();
    let buffer = desk.terminal.backend().buffer().clone();
    let at = |text: &str| {
        let line = picture.lines().nth(row).unwrap();
        let column = line[..line.find(text).unwrap()].chars().count();
        buffer[(u16::try_from(column).unwrap(), u16::try_from(row).unwrap())].style()
    };
    assert_eq!(at("(https"), at(" or"));
    assert_ne!(at("https"), at(" or"));
    assert_eq!(at("), or"), at(" or"));
    assert_eq!(at("`make"), at("tea` for"));
    assert_ne!(at("`make"), at(" or"));
}

#[test]
fn what_is_selected_stays_where_it_is_while_others_talk() {
    let mut desk = Desk::talking(90, 16);
    let say = |desk: &mut Desk, numbers: std::ops::Range<u32>| {
        for number in numbers {
            let line =
                format!("@time=2026-11-22T11:50:00.000Z;msgid=n{number} :carol!c@h PRIVMSG #tea :number {number}.");
            desk.hear(&line);
            desk.draw();
        }
    };
    say(&mut desk, 0..20);
    desk.alt(KeyCode::Up);
    desk.shows_not("further down");
    say(&mut desk, 20..60);
    desk.shows("number 19.");
    desk.shows_not("number 20.");
    desk.shows("further down there is more");
    desk.key(KeyCode::Up);
    desk.types("r");
    desk.shows("answering carol: number 18.");
    // And then the end again.
    desk.shows("number 59.");
    desk.shows_not("further down");
    desk.alt(KeyCode::Up);
    say(&mut desk, 60..90);
    desk.shows("number 59.");
    desk.key(KeyCode::Esc);
    desk.shows("number 89.");
}
