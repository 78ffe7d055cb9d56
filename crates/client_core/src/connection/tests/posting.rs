//! What is typed is sent, acknowledged, refused, and sent again.

use super::*;

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
