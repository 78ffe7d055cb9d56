//! Silence, deadlines, goodbyes, and bytes as they come.

use super::*;

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
