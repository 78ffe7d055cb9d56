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
           Sends only tags, such as a reaction or that you are typing. Reactions (+draft/react or +draft/unreact with \
           +reply) are kept with the message. For clients with the capability message-tags.",
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

    /// alice and bob know all of it, eve has no event-playback; alice has said `hi`.
    const SAID: &str = "
        alice= message-tags echo-message batch draft/chathistory draft/event-playback draft/message-redaction
        bob= message-tags batch draft/chathistory draft/event-playback
        eve= message-tags batch draft/chathistory
        alice> JOIN #tea
        bob> JOIN #tea
        eve> JOIN #tea
        alice> PRIVMSG #tea :hi
        alice> PRIVMSG #tea :there
        alice<<
        bob<<
        eve<<
        ";

    #[test]
    fn reactions_come_back_behind_their_message() {
        check(&format!(
            "{SAID}
             bob> @+draft/reply={{hi}};+draft/react=👍 TAGMSG #tea
             eve> @+reply={{hi}};+draft/react=+1;+typing=done TAGMSG #tea
             alice> @+reply={{hi}};+react=👍 TAGMSG #tea
             alice> @+typing=active TAGMSG #tea ## passes
             alice> @+draft/react=🤷 TAGMSG #tea ## to nothing
             alice<<
             bob<<
             eve<<
             bob> CHATHISTORY LATEST #tea * 2
             bob< …BATCH +1 chathistory #tea
             bob< @batch=1;msgid={{hi}} :alice!… PRIVMSG #tea :hi
             bob< @batch=1;draft/chathistory-context;msgid=…;+draft/reply={{hi}};+draft/react=👍 :bob!… TAGMSG #tea
             bob< @batch=1;draft/chathistory-context;msgid=…;+reply={{hi}};+draft/react=+1;+typing=done :eve!… TAGMSG #tea
             bob< @batch=1;draft/chathistory-context;msgid=…;+reply={{hi}};+react=👍 :alice!… TAGMSG #tea
             bob< @batch=1;msgid={{there}} :alice!… PRIVMSG #tea :there
             bob< …BATCH -1
             eve> CHATHISTORY LATEST #tea * 2
             eve< …BATCH +1 chathistory #tea
             eve< @batch=1;msgid={{hi}} :alice!… PRIVMSG #tea :hi
             eve< @batch=1;msgid={{there}} :alice!… PRIVMSG #tea :there
             eve< …BATCH -1
             bob> @+reply={{hi}};+draft/unreact=👍 TAGMSG #tea
             eve> @+reply={{hi}};+draft/react=+1 TAGMSG #tea ## again
             alice<<
             bob<<
             eve<<
             bob> CHATHISTORY BEFORE #tea msgid={{there}} 1
             bob< …BATCH +2 chathistory #tea
             bob< @batch=2;msgid={{hi}} :alice!… PRIVMSG #tea :hi
             bob< @batch=2;draft/chathistory-context;msgid=…;+reply={{hi}};+react=👍 :alice!… TAGMSG #tea
             bob< @batch=2;draft/chathistory-context;msgid=…;+reply={{hi}};+draft/react=+1 :eve!… TAGMSG #tea
             bob< …BATCH -2"
        ));
    }

    #[test]
    fn whoever_reads_on_sees_reactions_to_what_she_has() {
        check(&format!(
            "{SAID}
             bob> @+reply={{hi}};+draft/react=+1 TAGMSG #tea
             alice> PRIVMSG #tea :later
             alice<<
             bob<<
             eve<<
             bob> CHATHISTORY AFTER #tea msgid={{there}} 1
             bob< …BATCH +1 chathistory #tea
             bob< @batch=1;msgid=…;+reply={{hi}};+draft/react=+1 :bob!… TAGMSG #tea
             bob< …BATCH -1
             eve> CHATHISTORY AFTER #tea msgid={{there}} 1
             eve< …BATCH +1 chathistory #tea
             eve< @batch=1;msgid={{later}} :alice!… PRIVMSG #tea :later
             eve< …BATCH -1"
        ));
    }

    #[test]
    fn of_a_redacted_message_only_the_redaction_is_left() {
        check(&format!(
            "{SAID}
             bob> @+reply={{hi}};+draft/react=+1 TAGMSG #tea
             alice> REDACT #tea {{hi}}
             alice<<
             bob<<
             eve<<
             alice> CAP REQ parlor/identity
             alice<<
             alice> CHATHISTORY BEFORE #tea msgid={{there}} 1
             alice< …BATCH +1 chathistory #tea
             alice< @batch=1;msgid={{hi}};… :alice!… PRIVMSG #tea :
             alice< @batch=1;draft/chathistory-context;… :alice!… REDACT #tea {{hi}}
             alice< …BATCH -1"
        ));
    }

    #[test]
    fn a_signal_is_kept_for_its_sender_who_asks() {
        check(&format!(
            "{SAID}
             alice> @+x=y;+draft/persist TAGMSG #tea
             alice< @msgid=…;+x=y;+draft/persist :alice!… TAGMSG #tea
             bob<<
             eve<<
             bob> CHATHISTORY LATEST #tea * 1
             bob< …BATCH +1 chathistory #tea
             bob< @batch=1;msgid=…;+x=y;+draft/persist :alice!… TAGMSG #tea
             bob< …BATCH -1"
        ));
    }

    #[test]
    fn what_is_no_reaction() {
        let long = "x".repeat(65);
        check(&format!(
            "{SAID}
             alice> @+reply={{hi}};+draft/react={long} TAGMSG #tea
             alice< :irc.example FAIL TAGMSG INVALID_REACTION #tea :…
             alice> @+reply={{hi}};+draft/react=a;+draft/unreact=b TAGMSG #tea
             alice< :irc.example FAIL TAGMSG INVALID_REACTION #tea :…
             store fails
             alice> @+reply={{hi}};+draft/react=a TAGMSG #tea
             alice< :irc.example FAIL TAGMSG STORAGE_FULL #tea :…
             alice> @+typing=active TAGMSG #tea
             alice< @msgid=…;+typing=active :alice!… TAGMSG #tea
             bob<<
             eve<<
             store works
             alice> @+reply=nothing-like-it;+draft/react=a TAGMSG #tea
             alice<<
             bob<<
             eve<<
             bob> CHATHISTORY LATEST #tea * 1
             bob< …BATCH +1 chathistory #tea
             bob< @batch=1;msgid={{there}} :alice!… PRIVMSG #tea :there
             bob< …BATCH -1"
        ));
    }

    #[test]
    fn reactions_to_someone_who_is_away_wait_for_her() {
        check(
            "maker= message-tags batch draft/chathistory draft/event-playback
             maker> REGISTER maker * sesame
             maker<<
             other= message-tags
             other> REGISTER other * sesame
             other<<
             maker> PRIVMSG other :hi
             other<<
             other> PRIVMSG maker :yes
             maker<<
             other> QUIT
             other<<
             +60
             maker> @+reply={yes};+draft/react=+1 TAGMSG other
             maker> @+typing=active TAGMSG other ## meets nobody
             maker< :irc.example 401 maker other :…
             maker> CHATHISTORY LATEST other * 1
             maker< …BATCH +1 chathistory other
             maker< @batch=1;msgid={yes} :other!… PRIVMSG maker :yes
             maker< @batch=1;draft/chathistory-context;msgid=…;+reply={yes};+draft/react=+1 :maker!… TAGMSG other
             maker< …BATCH -1",
        );
    }

    /// Client-only tags go where the message goes, on it, and to nobody else; none is refused (no CLIENTTAGDENY).
    #[test]
    fn each_tag_reaches_those_whom_its_message_reaches() {
        let msgid = "018bcfe5-6800-7001-8000-000000000000";
        for tags in [
            "+typing=active".to_owned(),
            "+typing=done".to_owned(),
            format!("+draft/reply={msgid}"),
            format!("+reply={msgid}"),
            format!("+reply={msgid};+draft/react=:)"),
            format!("+reply={msgid};+draft/unreact=👋"),
            "+channel-context=#tea".to_owned(),
        ] {
            check(&format!(
                "alice= message-tags
                 bob= message-tags echo-message
                 carol=
                 dave= message-tags
                 alice> JOIN #tea
                 bob> JOIN #tea
                 carol> JOIN #tea
                 alice<<
                 bob<<
                 carol<<
                 bob> @{tags} TAGMSG #tea
                 bob< @msgid=…;{tags} :bob!… TAGMSG #tea
                 alice< @msgid=…;{tags} :bob!… TAGMSG #tea
                 bob> @{tags} PRIVMSG #tea :hi
                 bob< @msgid=…;{tags} :bob!… PRIVMSG #tea :hi
                 alice< @msgid=…;{tags} :bob!… PRIVMSG #tea :hi
                 carol< :bob!… PRIVMSG #tea :hi
                 bob> @{tags} TAGMSG @#tea ## alice made it, and is its operator
                 bob< @msgid=…;{tags} :bob!… TAGMSG @#tea
                 alice< @msgid=…;{tags} :bob!… TAGMSG @#tea
                 bob> @{tags} NOTICE dave :psst
                 bob< @msgid=…;{tags} :bob!… NOTICE dave :psst
                 dave< @msgid=…;{tags} :bob!… NOTICE dave :psst
                 bob> @{tags} TAGMSG carol ## who knows no tags
                 bob< @msgid=…;{tags} :bob!… TAGMSG carol
                 dave> @{tags} TAGMSG #tea
                 dave< :irc.example 404 dave #tea :…
                 carol> @{tags} PRIVMSG #tea :without the capability
                 alice< @msgid=… :carol!… PRIVMSG #tea :without the capability
                 bob< @msgid=… :carol!… PRIVMSG #tea :without the capability"
            ));
        }
    }

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
