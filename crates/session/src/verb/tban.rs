//! TBAN: a ban that ends by itself (as InspIRCd has it). With a mute (`m:`) for a mask it is a timed mute.

use super::{Awaiting, Phase, Verb};
use crate::mode_letters::mask_from_wire;
use crate::turn::Turn;
use crate::{duration, targets};
use chat::command::{Command, RoomChange};
use chat::refusal::ListKind;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "TBAN",
    parameters: 3,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "TBAN <room> <duration> <mask>\n\
           Bans someone from a room for some time, such as 30m, 12h or 7d; then the server takes the ban away. A mask \
           that begins with m: mutes: m:name!*@*. MODE <room> -b <mask> ends it before.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let [name, lasts, mask, ..] = *line.params() else {
        return;
    };
    let Some(room) = targets::room(turn, name) else {
        return;
    };
    let Some(lasts_ms) = duration::parse(lasts) else {
        turn.fail("TBAN", "INVALID_DURATION", &[targets::shown(lasts)], duration::EXPECTED);
        return;
    };
    let Some(mask) = mask_from_wire(mask) else {
        turn.numeric(Numeric::ERR_INVALIDMODEPARAM)
            .param(room.text())
            .param("b")
            .param(targets::shown(mask))
            .trailing("This is no mask: write name!ident@host with * and ?, or a:account");
        return;
    };
    turn.await_with(Awaiting::About(name.into()));
    let ban = RoomChange::List { on: true, list: ListKind::Ban, mask, lasts_ms: Some(lasts_ms) };
    turn.ask(Command::ChangeRoom { room, changes: vec![ban] });
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_ban_for_some_time() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice<<
             alice> TBAN #tea 90s bob
             alice< :alice!… MODE #tea +b bob!*@*
             bob> JOIN #tea
             bob< :irc.example 474 bob #tea :…
             +90
             alice< :irc.example MODE #tea -b bob!*@*
             bob> JOIN #tea
             bob<<
             alice<<
             alice> TBAN #tea 1 m:bob
             alice< :alice!… MODE #tea +b m:bob!*@*
             bob< :alice!… MODE #tea +b m:bob!*@*
             bob> PRIVMSG #tea :hi
             bob< :irc.example 404 bob #tea :…
             eve= message-tags
             eve> MODE #tea b
             eve< @parlor/until=2023-11-14T22:15:50.000Z :irc.example 367 eve #tea m:bob!*@* alice!… 1700000090
             eve< :irc.example 368 eve #tea :…
             +60
             alice< :irc.example MODE #tea -b m:bob!*@*
             bob< :irc.example MODE #tea -b m:bob!*@*
             bob> PRIVMSG #tea :hi
             alice< :bob!… PRIVMSG #tea :hi",
        );
    }

    #[test]
    fn every_refusal() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             bob> TBAN #tea 10m alice
             bob< :irc.example 482 bob #tea :…
             bob> TBAN #none 10m alice
             bob< :irc.example 403 bob #none :…
             alice> TBAN #tea soon bob
             alice< :irc.example FAIL TBAN INVALID_DURATION soon :…
             alice> TBAN #tea 10m z:x
             alice< :irc.example 696 alice #tea b z:x :…
             alice> TBAN #tea 10m
             alice< :irc.example 461 alice TBAN :Not enough parameters
             store fails
             alice> TBAN #tea 10m bob
             alice< :irc.example FAIL TBAN STORAGE_FULL #tea :…",
        );
    }
}
