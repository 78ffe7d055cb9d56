//! NOTICE: like PRIVMSG, but nothing is ever answered to it (RFC 2812 section 3.3.2).

use super::{Phase, Verb, privmsg};
use crate::turn::Turn;
use chat::message::MessageKind;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "NOTICE",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "NOTICE <room or name>{,<room or name>} :<text>\n\
           Like PRIVMSG, for programs: no program answers it, and it never leads to an error reply.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    privmsg::post(turn, line, MessageKind::Notice);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn nothing_is_ever_answered() {
        check(
            "alice= echo-message labeled-response batch
             bob=
             bob> AWAY :gone
             bob<<
             alice> NOTICE bob :psst
             alice< :alice!… NOTICE bob :psst
             bob< :alice!… NOTICE bob :psst
             alice> NOTICE
             alice> NOTICE bob
             alice> NOTICE nobody :x
             alice> NOTICE #nowhere :x
             alice> NOTICE #a* :x
             alice> @label=1 NOTICE #nowhere :x
             alice< @label=1 :irc.example ACK",
        );
    }
}
