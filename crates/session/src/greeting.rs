//! The welcome: 001 to 005, the counts, the message of the day. Prepared once, so that a crowd coming in at the same
//! time costs little more than copying.

use crate::facts::Configured;
use crate::mode_letters::{CHANNEL_MODES, CHANNEL_MODES_WITH_PARAMETER, USER_MODES, personal_letter};
use crate::time_text::time_text;
use crate::turn::Turn;
use crate::{isupport, verb};
use chat::query::Welcome;
use wire::isupport::{SUPPORTED_TEXT, lines};
use wire::{Capability, Numeric};

/// What is the same for everyone, as what stands behind the nick in each line.
#[derive(Debug)]
pub(crate) struct Greeting {
    before_isupport: Vec<(Numeric, String)>,
    isupport: Vec<(Numeric, String)>,
    motd: Vec<(Numeric, String)>,
}

impl Greeting {
    pub(crate) fn prepare(configured: &Configured, isupport: &[String]) -> Greeting {
        let Configured { server_name: name, version, .. } = configured;
        let started = time_text(configured.started);
        let started = String::from_utf8_lossy(&started);
        let before_isupport = vec![
            (Numeric::RPL_YOURHOST, format!(":Your host is {name}, running version {version}")),
            (Numeric::RPL_CREATED, format!(":This server was started {started}")),
            (
                Numeric::RPL_MYINFO,
                format!("{name} {version} {USER_MODES} {CHANNEL_MODES} {CHANNEL_MODES_WITH_PARAMETER}"),
            ),
        ];
        // Whoever it is for, the nick is not longer than this.
        let longest = "n".repeat(configured.name_rules.max_name);
        let isupport = lines(isupport, name, &longest)
            .map(|tokens| (Numeric::RPL_ISUPPORT, format!("{} :{SUPPORTED_TEXT}", tokens.join(" "))))
            .collect();
        Greeting { before_isupport, isupport, motd: motd(configured) }
    }
}

fn motd(configured: &Configured) -> Vec<(Numeric, String)> {
    if configured.motd.is_empty() {
        return vec![(Numeric::ERR_NOMOTD, ":There is no message of the day".to_owned())];
    }
    let mut lines = vec![(Numeric::RPL_MOTDSTART, format!(":- {} Message of the day -", configured.server_name))];
    let fixed = format!(":{} 372  :- \r\n", configured.server_name).len() + configured.name_rules.max_name;
    let budget = wire::MAX_BODY.saturating_sub(fixed).max(1);
    for line in &configured.motd {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut rest = line.as_str();
        loop {
            let piece = wire::truncate_at_char_boundary(rest, budget.max(4));
            lines.push((Numeric::RPL_MOTD, format!(":- {piece}")));
            rest = &rest[piece.len()..];
            if rest.is_empty() {
                break;
            }
        }
    }
    lines.push((Numeric::RPL_ENDOFMOTD, ":End of the message of the day".to_owned()));
    lines
}

/// The whole welcome to a session that has just arrived.
pub(crate) fn write(turn: &mut Turn<'_>, welcome: &Welcome) {
    let facts = turn.facts;
    let greeting = &facts.greeting;
    let person = &welcome.person;
    turn.numeric(Numeric::RPL_WELCOME).trailing_fmt(format_args!(
        "Welcome to the {} IRC network {}!{}@{}",
        facts.network, person.name, person.ident, person.host
    ));
    turn.prepared(&greeting.before_isupport);
    if turn.has(Capability::ExtendedIsupport) {
        isupport::write(turn);
    } else {
        turn.prepared(&greeting.isupport);
    }
    verb::lusers::write(turn, &welcome.counts);
    // metadata "Notifications": "before RPL_ENDOFMOTD or ERR_NOMOTD".
    verb::metadata::write_own(turn, &welcome.metadata);
    if let Some(status) = welcome.always_on.filter(|_| turn.has(Capability::Persistence)) {
        verb::persistence::write(turn, status);
    }
    write_motd(turn);
    if !welcome.modes.is_empty() {
        let letters: String = welcome.modes.iter().map(|mode| personal_letter(*mode)).collect();
        turn.numeric(Numeric::RPL_UMODEIS).param_fmt(format_args!("+{letters}")).end();
    }
    if welcome.away.is_some() {
        // Said by another device of the client: this one would not know.
        turn.numeric(Numeric::RPL_NOWAWAY).trailing("You have been marked as being away");
    }
}

/// 375, 372 and 376, or 422.
pub(crate) fn write_motd(turn: &mut Turn<'_>) {
    let facts = turn.facts;
    turn.prepared(&facts.greeting.motd);
}
