//! TAGMSG: tags without a text (message-tags "TAGMSG").

use super::{Phase, Verb, privmsg};
use crate::turn::Turn;
use chat::message::MessageKind;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "TAGMSG",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "@+<tag>[=<value>] TAGMSG <room or name>{,<room or name>}\n\
           Sends only tags, such as a reaction or that you are typing. For clients with the capability message-tags.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    // The verb comes with the capability; without it no tag could be sent.
    if !turn.has(Capability::MessageTags) {
        turn.numeric(Numeric::ERR_UNKNOWNCOMMAND).param("TAGMSG").trailing("Unknown command");
        return;
    }
    privmsg::post(turn, line, MessageKind::Signal);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_those_who_know_tags_see_it() {
        check(
            "alice= message-tags echo-message
             bob= message-tags
             carol= server-time
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             alice<<
             bob<<
             carol<<
             alice> @+typing=active TAGMSG #tea
             alice< @msgid=…;+typing=active :alice!… TAGMSG #tea
             bob< @msgid=…;+typing=active :alice!… TAGMSG #tea
             alice> TAGMSG #tea ## nothing to say
             alice> @label=1 TAGMSG #tea
             alice> TAGMSG
             alice< :irc.example 411 alice :No recipient given (TAGMSG)
             alice> @+a TAGMSG nobody
             alice< :irc.example 401 alice nobody :…
             carol> @+typing=active TAGMSG #tea
             carol< …:irc.example 421 carol TAGMSG :Unknown command",
        );
    }
}
