//! INVITELINK: links into a room, for people who are not here yet. Our own; whoever has the token gives it to JOIN in the
//! place of the key, or to REGISTER behind the password.

use super::{Awaiting, Phase, Verb};
use crate::targets::shown;
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::work::{Work, WorkResult};
use crate::{duration, invite_token, targets};
use chat::command::{Command, NewLink};
use chat::invite_link::InviteLink;
use chat::name::ChatroomName;
use chat::query::{Answer, Query};
use wire::Line;
use zeroize::Zeroizing;

/// How long a link lasts of which nothing else is said.
const LASTS_MS: u64 = 7 * 86_400_000;
const MOST_USES: u32 = 100_000;

/// What is to become a link.
#[derive(Debug)]
pub struct Asked {
    room: ChatroomName,
    lasts_ms: Option<u64>,
    uses: Option<u32>,
    /// Shown once, when the link is there.
    token: Option<Zeroizing<String>>,
}

pub(crate) const VERB: Verb = Verb {
    name: "INVITELINK",
    parameters: 2,
    phase: Phase::Registered,
    cost: 3,
    receive,
    help: "INVITELINK CREATE <room> [<duration or never> [<uses>]]\n\
           Makes a link into a room, for 7d and any number of people if nothing else is said. Whoever has it enters with \
           JOIN <room> <link>, and makes an account with REGISTER <account> * <password> <link>. It opens what is by \
           invitation, keyed or full, and no ban. For the room's operators.\n\
           INVITELINK LIST <room>\n\
           Shows a room's links.\n\
           INVITELINK REVOKE <room> <id>\n\
           Ends one of them.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let (what, name) = (line.param(0).unwrap_or_default(), line.param(1).unwrap_or_default());
    let Some(room) = targets::room(turn, name) else {
        return;
    };
    match what.to_ascii_uppercase().as_str() {
        "CREATE" => create(turn, room, line),
        "LIST" => {
            turn.await_with(Awaiting::About(name.into()));
            turn.ask(Command::Ask(Query::InviteLinks { room }));
        }
        "REVOKE" => match line.param(2) {
            Some(id) => {
                turn.await_with(Awaiting::About(name.into()));
                turn.ask(Command::RevokeLink { room, id: shown(id).to_ascii_lowercase().into() });
            }
            None => turn.need_more_params(),
        },
        _ => turn.fail("INVITELINK", "UNKNOWN_SUBCOMMAND", &[shown(what)], "Say CREATE, LIST or REVOKE"),
    }
}

fn create(turn: &mut Turn<'_>, room: ChatroomName, line: &Line<'_>) {
    let lasts_ms = match line.param(2) {
        None => Some(LASTS_MS),
        Some("never" | "0" | "*") => None,
        Some(text) => match duration::parse(text) {
            Some(lasts) => Some(lasts),
            None => return turn.fail("INVITELINK", "INVALID_DURATION", &[shown(text)], duration::EXPECTED),
        },
    };
    let uses = match line.param(3) {
        None | Some("0" | "*") => None,
        Some(text) => match text.parse::<u32>().ok().filter(|uses| (1..=MOST_USES).contains(uses)) {
            Some(uses) => Some(uses),
            None => {
                let text = shown(text);
                return turn.fail("INVITELINK", "INVALID_USES", &[text], "Say how often it can be used: 1 to 100000");
            }
        },
    };
    turn.work(|ticket| Work::DrawToken { ticket });
    turn.await_with(Awaiting::InviteLink(Box::new(Asked { room, lasts_ms, uses, token: None })));
}

/// The chance for the token has come.
pub(crate) fn drawn(turn: &mut Turn<'_>, mut asked: Box<Asked>, result: &WorkResult) {
    let token = match result {
        WorkResult::Drawn(drawn) => invite_token::of(drawn),
        _ => return busy(turn, &asked),
    };
    let Some(hash) = invite_token::hash(&token) else { return busy(turn, &asked) };
    let link = NewLink { hash, lasts_ms: asked.lasts_ms, uses: asked.uses };
    turn.ask(Command::CreateLink { room: asked.room.clone(), link });
    asked.token = Some(token);
    turn.await_with(Awaiting::InviteLink(asked));
}

fn busy(turn: &mut Turn<'_>, asked: &Asked) {
    turn.fail("INVITELINK", "TEMPORARILY_UNAVAILABLE", &[asked.room.text()], "The server is busy, try again");
}

pub(crate) fn answer(turn: &mut Turn<'_>, asked: Box<Asked>, answer: &Answer) {
    match (answer, &asked.token) {
        (Answer::LinkCreated { room, link }, Some(token)) => {
            let text = format!("JOIN {room} {} enters the room; {}", **token, terms(turn, link));
            turn.note("INVITELINK", "CREATED", &[room, &link.hash.id(), token], &text);
        }
        (Answer::Refused(refusal), _) => {
            crate::refusal_numeric::write(turn, "INVITELINK", asked.room.text(), refusal);
        }
        (other, _) => crate::answer::dispatch(turn, None, other),
    }
    turn.put_awaiting(Box::new(Awaiting::InviteLink(asked)));
}

pub(crate) fn write_list(turn: &mut Turn<'_>, room: &str, links: &[InviteLink]) {
    for link in links {
        let uses = link.uses_left.map_or("*".to_owned(), |left| left.to_string());
        let expires = link.expires.map_or("*".to_owned(), |end| String::from_utf8_lossy(&time_text(end)).into_owned());
        let text = format!("made by {}; {}", link.by, terms(turn, link));
        turn.note("INVITELINK", "LINK", &[room, &link.hash.id(), &uses, &expires], &text);
    }
    turn.note("INVITELINK", "END_OF_LIST", &[room], "End of the room's invite links");
}

pub(crate) fn write_revoked(turn: &mut Turn<'_>, room: &str, id: &str) {
    turn.note("INVITELINK", "REVOKED", &[room, id], "Nobody can use this link any more");
}

fn terms(turn: &Turn<'_>, link: &InviteLink) -> String {
    let uses = match link.uses_left {
        Some(1) => "can be used once".to_owned(),
        Some(left) => format!("can be used {left} times"),
        None => "can be used any number of times".to_owned(),
    };
    match link.expires {
        Some(end) => format!("{uses}, for {}", duration::text(end.0.saturating_sub(turn.now.wall.0))),
        None => format!("{uses}, for ever"),
    }
}

#[cfg(test)]
mod tests {
    use crate::invite_token;
    use crate::testing::{check, check_with};

    #[test]
    fn a_link_is_made_used_listed_and_revoked() {
        let token = invite_token::of(&[1; 16]);
        let id = invite_token::hash(&token).unwrap().id();
        check(&format!(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             alice> MODE #tea +ik green
             alice<<
             alice> INVITELINK CREATE #tea 1d 2
             alice< :irc.example NOTE INVITELINK CREATED #tea {id} {token} :JOIN #tea {token} enters the room; can be used 2 times, for 1d
             bob> JOIN #tea {token}
             bob< :bob!… JOIN #tea
             bob< :irc.example 353 bob = #tea :@alice bob
             bob< :irc.example 366 bob #tea :…
             alice< :bob!… JOIN #tea
             alice> INVITELINK LIST #tea
             alice< :irc.example NOTE INVITELINK LINK #tea {id} 1 2023-11-15T22:13:20.000Z :made by alice!…; can be used once, for 1d
             alice< :irc.example NOTE INVITELINK END_OF_LIST #tea :…
             alice> INVITELINK REVOKE #tea {id}
             alice< :irc.example NOTE INVITELINK REVOKED #tea {id} :…
             carol> JOIN #tea {token}
             carol< :irc.example 475 carol #tea :…",
            token = *token
        ));
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
             bob> INVITELINK CREATE #tea
             bob< :irc.example 482 bob #tea :…
             bob> INVITELINK LIST #tea
             bob< :irc.example 482 bob #tea :…
             bob> INVITELINK REVOKE #tea 00
             bob< :irc.example 482 bob #tea :…
             alice> INVITELINK REVOKE #tea 00
             alice< :irc.example FAIL INVITELINK NO_SUCH_LINK #tea 00 :…
             alice> INVITELINK REVOKE #tea
             alice< :irc.example 461 alice INVITELINK :Not enough parameters
             alice> INVITELINK CREATE #tea soon
             alice< :irc.example FAIL INVITELINK INVALID_DURATION soon :…
             alice> INVITELINK CREATE #tea never many
             alice< :irc.example FAIL INVITELINK INVALID_USES many :…
             alice> INVITELINK DREAM #tea
             alice< :irc.example FAIL INVITELINK UNKNOWN_SUBCOMMAND DREAM :…
             alice> INVITELINK CREATE #none
             alice< :irc.example 403 alice #none :…
             store fails
             alice> INVITELINK CREATE #tea
             alice< :irc.example FAIL INVITELINK STORAGE_FULL #tea :…",
        );
    }

    #[test]
    fn new_people_register_with_a_link_where_registration_is_closed() {
        let token = invite_token::of(&[1; 16]);
        check_with(
            |configured, settings| {
                configured.login.registration_open = false;
                settings.registration_open = false;
            },
            &format!(
                "account alice
                 alice+
                 alice> PASS alice:sesame
                 alice> NICK alice
                 alice> USER alice 0 * :Alice
                 alice<<
                 alice> JOIN #tea
                 alice<<
                 alice> INVITELINK CREATE #tea never 1
                 alice<<
                 bob+
                 bob> NICK bob
                 bob> REGISTER * * sesame
                 bob< :irc.example FAIL REGISTER TEMPORARILY_UNAVAILABLE * :…
                 bob> REGISTER * * sesame inv-nonsense
                 bob< :irc.example FAIL REGISTER TEMPORARILY_UNAVAILABLE * :…
                 bob> REGISTER * * sesame {token}
                 bob< :irc.example REGISTER SUCCESS bob :…
                 bob< :irc.example 900 bob bob!*@* bob :…
                 bob> USER bob 0 * :Bob
                 bob<<
                 alice< :bob!… JOIN #tea
                 carol+
                 carol> NICK carol
                 carol> REGISTER * * sesame {token}
                 carol< :irc.example FAIL REGISTER TEMPORARILY_UNAVAILABLE carol :…",
                token = *token
            ),
        );
    }
}
