//! RELAYMSG: what someone on another network said, shown in a room under her name there (proposal ircv3-specifications
//! #417, as Ergo, InspIRCd and the bridges have it).
//!
//! Her name has a stroke, which no name here has; she has an ident and a host of her own and no account: nothing that is
//! granted to the client that speaks for her, by mask or by account, is granted to her.

use super::{Awaiting, Phase, Verb, privmsg};
use crate::targets;
use crate::turn::Turn;
use chat::command::{Command, Post, Recipient};
use chat::message::MessageKind;
use chat::name::RelayedName;
use wire::{Line, MAX_BODY, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "RELAYMSG",
    parameters: 3,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "RELAYMSG <room> <name>/<network> :<text>\n\
           Says something in a room for someone on another network. For the room's operators, and for accounts and\n\
           operators of the server with the right \"relay\".",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let [room, name, text, ..] = *line.params() else { return };
    let Some(to) = targets::room(turn, room) else { return };
    if text.trim().is_empty() {
        return turn.fail("RELAYMSG", "BLANK_MSG", &[], "The message must not be blank");
    }
    let Ok(name) = RelayedName::parse(name, &turn.facts.name_rules) else {
        let text = "A relayed name is a name, a stroke and a network, of what names may have here, in at most 64 bytes";
        return turn.fail("RELAYMSG", "INVALID_NICK", &[], text);
    };
    let Ok(once) = privmsg::once_key(turn, line) else {
        let text = "A key is of 1 to 64 letters, digits, - and _; nothing was sent";
        return turn.fail("RELAYMSG", "INVALID_KEY", &["parlor/once"], text);
    };
    let before = format!(":{}!relay@relayed PRIVMSG {} :", name.text(), to.text());
    let excess = (before.len() + text.len() + "\r\n".len()).saturating_sub(MAX_BODY);
    if excess > 0 {
        return turn.numeric(Numeric::ERR_INPUTTOOLONG).trailing_fmt(format_args!(
            "Not sent: with the name before it the line is {excess} bytes too long; send it in parts"
        ));
    }
    turn.await_with(Awaiting::About(room.into()));
    turn.ask(Command::Post(Box::new(Post {
        to: Recipient::Room { name: to, at_least: None },
        kind: MessageKind::Text,
        text: text.into(),
        relayed_as: Some(name),
        seams: None,
        tags: privmsg::client_only_tags(turn, line),
        between_programs: privmsg::is_between_programs(text),
        once,
        lasting: None,
    })));
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with, with_operator};

    /// alice is the operator of #tea, bob and carol are members.
    const TEA: &str = "
        alice= batch labeled-response echo-message message-tags account-tag
        bob= draft/relaymsg
        carol=
        alice> JOIN #tea
        bob> JOIN #tea
        carol> JOIN #tea
        alice<<
        bob<<
        carol<<\n";

    #[test]
    fn an_operator_speaks_for_people_elsewhere() {
        check(&format!(
            "{TEA}
             alice> @label=1;+x=y RELAYMSG #TEA smt/discord :hi
             alice< @label=1;msgid=…;+x=y :smt/discord!relay@relayed PRIVMSG #tea :hi
             bob< @draft/relaymsg=alice :smt/discord!relay@relayed PRIVMSG #tea :hi
             carol< :smt/discord!relay@relayed PRIVMSG #tea :hi
             bob> CAP REQ :draft/chathistory batch
             bob<<
             bob> CHATHISTORY LATEST #tea * 10
             bob< :irc.example BATCH +1 chathistory #tea
             bob< @batch=1;draft/relaymsg=alice :smt/discord!relay@relayed PRIVMSG #tea :hi
             bob< :irc.example BATCH -1"
        ));
    }

    #[test]
    fn every_refusal() {
        check(&format!(
            "{TEA}
             alice> RELAYMSG #tea smt/discord
             alice< :irc.example 461 alice RELAYMSG :…
             alice> RELAYMSG #nowhere smt/discord :hi
             alice< :irc.example 403 alice #nowhere :…
             alice> RELAYMSG tea smt/discord :hi
             alice< :irc.example 403 alice tea :…
             alice> RELAYMSG #tea smt/discord :\u{2007}
             alice< :irc.example FAIL RELAYMSG BLANK_MSG :…
             alice> RELAYMSG #tea invalid!nick/discord :hi
             alice< :irc.example FAIL RELAYMSG INVALID_NICK :…
             alice> RELAYMSG #tea bob :hi
             alice< :irc.example FAIL RELAYMSG INVALID_NICK :…
             bob> RELAYMSG #tea smt/discord :hi
             bob< :irc.example FAIL RELAYMSG PRIVS_NEEDED :…
             dave=
             dave> RELAYMSG #tea smt/discord :hi
             dave< :irc.example FAIL RELAYMSG PRIVS_NEEDED :…
             alice> MODE #tea +b smt/discord!*@*
             alice<<
             bob<<
             carol<<
             alice> RELAYMSG #tea smt/discord :hi
             alice< :irc.example 404 alice #tea :…
             alice> RELAYMSG #tea other/discord :hi
             alice< …:hi
             bob< …:hi
             carol< …:hi
             alice> MODE #tea +C
             alice<<
             bob<<
             carol<<
             alice> RELAYMSG #tea other/discord :\u{1}VERSION\u{1}
             alice< :irc.example 404 alice #tea :…
             dave> NICK smt/discord
             dave< :irc.example 432 dave smt/discord :…"
        ));
    }

    #[test]
    fn a_right_of_the_server_s_holds_in_every_room() {
        check_with(
            |configured, settings| {
                with_operator(configured, settings);
                let relay = chat::refusal::Rights::NONE.with(chat::refusal::Right::Relay);
                settings.operators[0].rights = relay;
            },
            &format!(
                "{TEA}
                 bob> OPER root sesame
                 bob<<
                 bob> RELAYMSG #tea smt/discord :hi
                 alice< @msgid=… :smt/discord!relay@relayed PRIVMSG #tea :hi
                 carol< :smt/discord!relay@relayed PRIVMSG #tea :hi
                 alice> MODE #tea +m
                 alice<<
                 bob<<
                 carol<<
                 bob> RELAYMSG #tea smt/discord :still
                 alice< …:still
                 carol< …:still
                 alice> KICK #tea bob
                 alice<<
                 bob<<
                 carol<<
                 bob> RELAYMSG #tea smt/discord :hi
                 bob< :irc.example 404 bob #tea :…"
            ),
        );
    }

    #[test]
    fn a_text_that_others_could_not_be_sent_whole_is_refused() {
        let most = "x".repeat(512 - ":smt/discord!relay@relayed PRIVMSG #tea :\r\n".len());
        check(&format!(
            "{TEA}
             alice> RELAYMSG #tea smt/discord {most}
             alice< @msgid=… :smt/discord!relay@relayed PRIVMSG #tea :{most}
             bob<<
             carol<<
             alice> RELAYMSG #tea smt/discord {most}x
             alice< :irc.example 417 alice :…"
        ));
    }
}
