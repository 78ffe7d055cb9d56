//! Commands.

use super::*;

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
        ! type /pins
        > PINS #tea
        ! type /pin bob
        > PIN #tea bob
        ! type /unpin 2
        > UNPIN #tea 2
        ! type /report bob be nice
        > REPORT #tea bob :be nice
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
