//! JOIN (RFC 2812 section 3.2.1), and what a newcomer to a room is shown.

use super::{Awaiting, Phase, Verb, chathistory, markread, names, pins, reports, topic};
use crate::turn::Turn;
use crate::{invite_token, targets};
use chat::command::Command;
use chat::id::Timestamp;
use chat::name::ChatroomName;
use chat::query::{RoomMembers, RoomView};
use chat::snapshot::Topic;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "JOIN",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "JOIN <room>{,<room>} [<key or invite link>{,<key or invite link>}]\n\
           Enters rooms; one that does not exist is created and is yours. JOIN 0 leaves all rooms.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let rooms = line.param(0).unwrap_or_default();
    if rooms == "0" {
        turn.ask(Command::PartAll { reason: None });
        return;
    }
    if targets::list(rooms).next().is_none() {
        turn.need_more_params();
        return;
    }
    turn.await_with(Awaiting::About(rooms.into()));
    // A key belongs to the room in its own place, so empty ones count.
    let mut keys = line.param(1).unwrap_or_default().split(',');
    for name in targets::list(rooms) {
        let key = keys.next().filter(|key| !key.is_empty());
        match ChatroomName::parse(name, &turn.facts.name_rules) {
            Ok(room) => {
                // The token of an invite link stands where a key does; it goes no further than its hash.
                let link = key.and_then(invite_token::hash);
                let key = key.filter(|_| link.is_none()).map(Into::into);
                let follows = !turn.has(Capability::ChannelRename);
                turn.ask(Command::Join { room, key, link, follows });
            }
            Err(error) => turn
                .numeric(Numeric::ERR_BADCHANMASK)
                .param(targets::shown(name))
                .trailing_fmt(format_args!("This cannot be a room: {error}")),
        }
    }
}

/// What follows one's own JOIN: the topic if there is one, and who is here.
pub(crate) fn write_entered(turn: &mut Turn<'_>, view: &RoomView) {
    write_room(turn, &view.name, view.topic.as_ref(), view.read_marker, &view.members);
    pins::write_count(turn, &view.name, view.pins);
    reports::write_count(turn, Some(&view.name), view.reports);
    chathistory::ask_for_replay(turn, &view.history);
}

/// 470: kept out of one room, she is in the other; or it is the same, and called so now.
pub(crate) fn write_forwarded(turn: &mut Turn<'_>, from: &str, to: &str, is_renamed: bool) {
    let text = match is_renamed {
        true => "This room has another name now",
        false => "You may not enter this room; it sends you to another one",
    };
    turn.numeric(Numeric::ERR_LINKCHANNEL).param(from).param(to).trailing(text);
}

/// What a room is, up to when it has been read, and who is there.
pub(crate) fn write_room(
    turn: &mut Turn<'_>,
    name: &str,
    topic: Option<&Topic>,
    read_marker: Option<Timestamp>,
    members: &RoomMembers,
) {
    if let Some(topic) = topic {
        topic::write(turn, name, topic);
    }
    if turn.has(Capability::ReadMarker) {
        // read-marker "Command flows": "before the RPL_ENDOFNAMES reply".
        markread::write(turn, name, read_marker);
    }
    if !turn.has(Capability::NoImplicitNames) {
        names::write(turn, members);
        names::write_end(turn, name);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    /// channel-rename, "Channel redirection": whoever knows of renamings enters the room herself.
    #[test]
    fn a_former_name_leads_to_the_room() {
        check(
            "alice= draft/channel-rename
             alice> JOIN #tea
             alice<<
             alice> RENAME #tea #pot
             alice<<
             bob= draft/channel-rename
             bob> JOIN #TEA
             bob< :irc.example FAIL JOIN CHANNEL_RENAMED #TEA #pot :…
             carol=
             carol> JOIN #tea
             carol< :irc.example 470 carol #tea #pot :…
             carol< :carol!… JOIN #pot
             carol< :irc.example 353 carol = #pot :@alice carol
             carol< :irc.example 366 carol #pot :End of NAMES list
             alice< :carol!… JOIN #pot
             alice> JOIN #tea
             alice< :alice!… JOIN #tea
             alice<<",
        );
    }

    #[test]
    fn a_room_is_created_and_joined() {
        check(
            "alice=
             alice> JOIN #tea
             alice< :alice!… JOIN #tea
             alice< :irc.example MODE #tea +o alice
             alice< :irc.example 353 alice = #tea :@alice
             alice< :irc.example 366 alice #tea :End of NAMES list
             alice> TOPIC #tea :leaves
             alice< :alice!… TOPIC #tea :leaves
             bob= extended-join multi-prefix
             bob> JOIN #TEA
             alice< :bob!… JOIN #tea
             bob< :bob!… JOIN #tea * :bob
             bob< :irc.example 332 bob #tea :leaves
             bob< :irc.example 333 bob #tea alice!… 1700000000
             bob< :irc.example 353 bob = #tea :@alice bob
             bob< :irc.example 366 bob #tea :End of NAMES list
             bob> JOIN #tea ## no error, and nothing to say
             bob> PING x
             bob< :irc.example PONG irc.example :x",
        );
    }

    #[test]
    fn several_with_keys() {
        check(
            "alice=
             alice> JOIN #tea,#milk
             alice<<
             alice> MODE #tea +k green
             alice<<
             alice> MODE #milk +k white
             alice<<
             bob= no-implicit-names
             bob> JOIN #tea,inv@lid,#milk green,,white
             bob< :irc.example 476 bob inv@lid :…
             bob< :bob!… JOIN #tea
             bob< :bob!… JOIN #milk
             alice<<
             bob> JOIN 0
             bob< :bob!… PART #…
             bob< :bob!… PART #…
             alice<<
             bob> JOIN :
             bob< :irc.example 461 bob JOIN :Not enough parameters",
        );
    }

    #[test]
    fn every_reason_not_to_be_let_in() {
        check(
            "alice=
             alice> JOIN #tea
             alice<<
             bob=
             alice> MODE #tea +k green
             alice<<
             bob> JOIN #tea
             bob< :irc.example 475 bob #tea :…
             bob> JOIN #tea black
             bob< :irc.example 475 bob #tea :…
             alice> MODE #tea -k+l * 1
             alice<<
             bob> JOIN #tea
             bob< :irc.example 471 bob #tea :…
             alice> MODE #tea -l+i
             alice<<
             bob> JOIN #tea
             bob< :irc.example 473 bob #tea :…
             alice> MODE #tea -i+b bob
             alice<<
             bob> JOIN #tea
             bob< :irc.example 474 bob #tea :…
             alice> MODE #tea -b+R bob
             alice<<
             bob> JOIN #tea
             bob< :irc.example 477 bob #tea :…
             bob> JOIN #a*
             bob< :irc.example 476 bob #a* :…",
        );
        check_with(
            |_, settings| settings.rooms_per_client = 1,
            "alice=
             alice> JOIN #tea
             alice<<
             alice> JOIN #milk
             alice< :irc.example 405 alice #milk :…",
        );
        check_with(
            |_, settings| settings.room_creation = chat::settings::RoomCreation::Operators,
            "alice=
             alice> JOIN #tea
             alice< :irc.example 403 alice #tea :…",
        );
    }

    #[test]
    fn a_label_and_a_failing_store() {
        check(
            "alice= batch labeled-response
             alice> @label=1 JOIN #tea
             alice< @label=1 :irc.example BATCH +1 labeled-response
             alice< @batch=1 :alice!… JOIN #tea
             alice< @batch=1 :irc.example MODE #tea +o alice
             alice< @batch=1 :irc.example 353 alice = #tea :@alice
             alice< @batch=1 :irc.example 366 alice #tea :End of NAMES list
             alice< :irc.example BATCH -1
             alice> @label=2 JOIN #tea
             alice< @label=2 :irc.example ACK",
        );
    }
}
