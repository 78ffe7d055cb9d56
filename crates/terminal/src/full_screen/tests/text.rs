//! Text of all kinds.

use super::*;

#[test]
fn text_from_the_right_is_ordered_and_moves_nothing_beside_it() {
    let mut desk = Desk::talking(80, 24);
    desk.hear(
        "@time=2026-11-22T12:00:00.000Z;msgid=h1 :bob!b@h PRIVMSG #tea :שלום alice, מה שלומך (היום)?
         @time=2026-11-22T12:00:10.000Z;msgid=h2;+draft/reply=h1 :carol!c@h PRIVMSG #tea :مرحبا 42
         :bob!b@h TOPIC #tea :תה בחמש",
    );
    insta::assert_snapshot!(desk.picture());
    // Where the terminal is to do it, nothing is turned.
    desk.app.orders = false;
    desk.shows("שלום alice, מה שלומך (היום)?");
}

#[test]
fn the_window_is_called_by_where_one_is_and_what_waits() {
    let mut desk = Desk::talking(80, 24);
    assert_eq!(desk.app.title(), "#tea · chat.example:6697");
    desk.hear("@msgid=d1 :eve!e@h PRIVMSG alice :psst");
    assert_eq!(desk.app.title(), "(1) #tea · chat.example:6697");
    desk.app.go("x\u{1b}]0;evil\u{7}");
    assert_eq!(desk.app.title(), "(1) x␛]0;evil␇ · chat.example:6697");
}

#[test]
fn a_light_ground_and_sixteen_colours_are_enough() {
    for ground in [crate::preferences::Ground::Light, crate::preferences::Ground::Dark] {
        let mut desk = Desk::talking(110, 24);
        desk.app.look = Look::new(true, ground);
        desk.draw();
        let colours: Vec<Color> = desk.terminal.backend().buffer().content.iter().map(|cell| cell.fg).collect();
        assert!(colours.iter().all(|colour| !matches!(colour, Color::Rgb(..) | Color::Indexed(_))));
        assert!(colours.iter().any(|colour| *colour != Color::Reset));
        if ground == crate::preferences::Ground::Light {
            let faint = [Color::Yellow, Color::LightYellow, Color::White, Color::LightCyan, Color::LightGreen];
            assert!(!colours.iter().any(|colour| faint.contains(colour)), "cannot be read on white");
        }
    }
}

#[test]
fn lists_that_were_shown_and_hidden_follow_the_width_again() {
    let mut desk = Desk::talking(40, 24);
    desk.shows_not("#books");
    desk.key(KeyCode::F(2));
    desk.shows("#books");
    desk.key(KeyCode::F(2));
    desk.shows_not("#books");
    desk.terminal = Terminal::new(TestBackend::new(110, 24)).unwrap();
    desk.shows("#books");
    // Hidden where it would be shown: that stays so.
    desk.key(KeyCode::F(2));
    desk.terminal = Terminal::new(TestBackend::new(120, 24)).unwrap();
    desk.shows_not("#books");
}

#[test]
fn ctrl_u_deletes_what_is_before_the_cursor_and_ctrl_z_brings_it_back() {
    let mut desk = Desk::talking(80, 24);
    desk.types("first");
    desk.press(KeyCode::Enter, KeyModifiers::ALT);
    desk.types("second line");
    desk.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    assert_eq!(desk.app.view().composer.text(), "first\n");
    desk.press(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert_eq!(desk.app.view().composer.text(), "first\nsecond line");
}

#[test]
fn a_search_interrupts_what_is_written_and_it_comes_back() {
    let mut desk = Desk::talking(80, 24);
    desk.types("half a sent");
    desk.press(KeyCode::Char('f'), KeyModifiers::CONTROL);
    desk.types("tea\n");
    desk.shows("tea");
    desk.key(KeyCode::Esc);
    assert_eq!(desk.app.view().composer.text(), "half a sent");
    desk.press(KeyCode::Char('f'), KeyModifiers::CONTROL);
    assert_eq!(desk.app.view().composer.text(), "/search ");
    desk.key(KeyCode::Esc);
    assert_eq!(desk.app.view().composer.text(), "half a sent");
}
