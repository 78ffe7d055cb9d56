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
        turn.numeric(Numeric::ERR_UNKNOWNCOMMAND)
            .param("TAGMSG")
            .trailing("Unknown command");
        return;
    }
    privmsg::post(turn, line, MessageKind::Signal);
}
