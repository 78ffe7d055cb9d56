//! What was said while one was away, and what is searched for.

use super::*;

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
