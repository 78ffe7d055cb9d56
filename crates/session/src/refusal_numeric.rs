//! Every "no" of the domain as the protocol's words: the only place where a [`Refusal`] becomes a numeric or a `FAIL`.
//!
//! The first middle parameters are what the specifications give (Modern IRC "Numerics", the IRCv3 specifications); the
//! text says in plain words what is wrong and, where there is one, the mend.

use crate::duration;
use crate::targets::shown;
use crate::time_text::time_text;
use crate::turn::Turn;
use chat::membership::Role;
use chat::metadata::DISPLAY_NAME;
use chat::refusal::{ListKind, NotRenamed, Refusal, Right, Silence};
use std::borrow::Cow;
use wire::{Capability, Numeric};

use crate::mode_letters::{FORWARD, RETENTION, flag_letter, list_letter, role_letter};

const OF_A_SERVICE: &str =
    "Other networks call a service of theirs so, and people send it their passwords: choose another name";

/// Answers the line `verb` with the refusal. `about`: what the line was about, a room or a person, where the refusal
/// itself does not say; empty when there is nothing to name.
pub(crate) fn write(turn: &mut Turn<'_>, verb: &str, about: &str, refusal: &Refusal) {
    use Numeric as N;
    use Refusal as R;
    let registering = ["REGISTER", "VERIFY", "ACCOUNT"].iter().any(|known| verb.eq_ignore_ascii_case(known));
    match refusal {
        // relaymsg has a code of its own.
        R::NeedsRole { .. } | R::NotMember { .. } if verb == "RELAYMSG" => {
            turn.fail(verb, "PRIVS_NEEDED", &[], "Only operators of a room speak in it for people elsewhere");
        }
        R::NoSuchClient { name } => {
            one(turn, N::ERR_NOSUCHNICK, name, "Nobody of this name is here");
        }
        R::NoSuchRoom { name } => one(turn, N::ERR_NOSUCHCHANNEL, name, "There is no such room"),
        R::NeverSeen { name } => {
            one(turn, N::ERR_WASNOSUCHNICK, name, "Nobody of this name has been here lately");
        }
        R::NameInUse { name } | R::NameReserved { name } | R::NameConfusable { name } if registering => turn.fail(
            verb,
            "ACCOUNT_EXISTS",
            &[shown(name)],
            "This name, or one that looks like it, belongs to someone else: choose another one",
        ),
        R::NameInvalid { name } if registering => turn.fail(
            verb,
            "BAD_ACCOUNT_NAME",
            &[shown(name)],
            "This name is too long or has characters that no account's name may have",
        ),
        R::NameOfService { name } if registering => turn.fail(verb, "BAD_ACCOUNT_NAME", &[shown(name)], OF_A_SERVICE),
        R::NameInUse { name } => {
            one(turn, N::ERR_NICKNAMEINUSE, name, "This name is in use: choose another one");
        }
        R::NameReserved { name } => one(
            turn,
            N::ERR_NICKNAMEINUSE,
            name,
            "This name belongs to an account: log in to it, or choose another one",
        ),
        R::NameConfusable { name } => {
            one(turn, N::ERR_NICKNAMEINUSE, name, "This name looks like one that is taken: choose another one")
        }
        R::NameInvalid { name } => one(
            turn,
            N::ERR_ERRONEUSNICKNAME,
            name,
            "This name is too long or has characters that no name may have: choose another one",
        ),
        R::NameOfService { name } => one(turn, N::ERR_ERRONEUSNICKNAME, name, OF_A_SERVICE),
        R::NameFixed { name } => {
            one(turn, N::ERR_NONICKCHANGE, name, "On this server your name is always that of your account")
        }

        R::NotMember { room } => one(turn, N::ERR_NOTONCHANNEL, room, "You are not in that room: JOIN it first"),
        R::TheyAreNotMember { name, room } => {
            two(turn, N::ERR_USERNOTINCHANNEL, name, room, "They are not in that room");
        }
        R::AlreadyMember { room, .. } if verb.eq_ignore_ascii_case("KNOCK") => {
            one(turn, N::ERR_KNOCKONCHAN, room, "You are in that room already");
        }
        R::AlreadyMember { name, room } => {
            two(turn, N::ERR_USERONCHANNEL, name, room, "is in that room already");
        }
        R::Banned { room } => {
            one(turn, N::ERR_BANNEDFROMCHAN, room, "Cannot join: you are banned from this room (+b)");
        }
        R::InviteOnly { room } => one(
            turn,
            N::ERR_INVITEONLYCHAN,
            room,
            "Cannot join: this room is by invitation only (+i); KNOCK asks for one",
        ),
        R::WrongKey { room } => one(
            turn,
            N::ERR_BADCHANNELKEY,
            room,
            "Cannot join: this room has a key (+k); give it behind the room's name",
        ),
        R::RoomFull { room } => {
            one(turn, N::ERR_CHANNELISFULL, room, "Cannot join: this room is full (+l)");
        }
        R::AccountsOnly { room } => one(
            turn,
            N::ERR_NEEDREGGEDNICK,
            room,
            "Cannot join: this room is for people with an account (+R); log in first",
        ),
        R::SecureOnly { room } => one(
            turn,
            N::ERR_SECUREONLYCHAN,
            room,
            "Cannot join: this room is for encrypted connections only; connect with TLS",
        ),
        R::TooManyRooms { room } => {
            one(turn, N::ERR_TOOMANYCHANNELS, room, "You are in as many rooms as one person may be: leave one first")
        }
        R::MayNotCreateRoom { room } => {
            one(turn, N::ERR_NOSUCHCHANNEL, room, "There is no such room, and this server does not let you create one")
        }
        R::RoomNameInvalid { room } => one(
            turn,
            N::ERR_BADCHANMASK,
            room,
            "This cannot be a room's name: it begins with # and has no spaces, commas or control characters",
        ),
        R::RoomNameConfusable { room } => {
            one(turn, N::ERR_BADCHANMASK, room, "This name looks like that of another room: choose another one")
        }
        R::RoomRenamed { room, to } => {
            turn.fail("JOIN", "CHANNEL_RENAMED", &[shown(room), to], "This room has another name now: JOIN it by that")
        }
        R::NotForwarded { room, to } => turn
            .numeric(N::ERR_INVALIDMODEPARAM)
            .param(shown(room))
            .param_fmt(format_args!("{FORWARD}"))
            .param(shown(to))
            .trailing("That room is this one, or sends people on to it: name another one"),
        R::NoForwardTarget { room, to } => turn
            .numeric(N::ERR_INVALIDMODEPARAM)
            .param(shown(room))
            .param_fmt(format_args!("{FORWARD}"))
            .param(shown(to))
            .trailing("There is no such room to send people on to"),
        R::NotRenamed { room, to, why } => {
            let (code, text) = not_renamed_in_words(*why);
            turn.fail(verb, code, &[shown(room), shown(to)], text);
        }
        R::RetentionTooLong { room, seconds, most_seconds } => {
            let text = format!(
                "This server keeps messages for {}: a room may keep its own shorter",
                duration::text(most_seconds.saturating_mul(1000))
            );
            turn.numeric(N::ERR_INVALIDMODEPARAM)
                .param(room)
                .param_fmt(format_args!("{RETENTION}"))
                .param(&duration::text(u64::from(*seconds) * 1000))
                .trailing(&text);
        }
        R::NeedsRole { room, role } => {
            let text = format!(
                "You must be {} of this room (+{}) or above to do that",
                role_in_words(*role),
                role_letter(*role)
            );
            one(turn, N::ERR_CHANOPRIVSNEEDED, room, &text);
        }
        R::Outranked { room, name } => {
            let text = format!("{name} has a higher rank in this room than you");
            one(turn, N::ERR_CHANOPRIVSNEEDED, room, &text);
        }
        R::CannotSpeak { room, why } => {
            one(turn, N::ERR_CANNOTSENDTOCHAN, room, &silence_in_words(*why));
        }
        R::ListFull { room, mask, letter_of } => {
            let text = format!("The list of {} is full: remove one before you add {mask}", list_in_words(*letter_of));
            let letter = list_letter(*letter_of).to_string();
            two(turn, N::ERR_BANLISTFULL, room, &letter, &text);
        }
        R::NoSuchLink { room, id } => turn.fail(
            verb,
            "NO_SUCH_LINK",
            &[shown(room), shown(id)],
            "This room has no invite link of this id: INVITELINK LIST shows all",
        ),
        R::TooManyLinks { room, limit } => turn.fail(
            verb,
            "TOO_MANY_LINKS",
            &[shown(room)],
            &format!("This room has {limit} invite links: revoke one first"),
        ),
        R::KeyAlreadySet { room } => {
            one(turn, N::ERR_KEYSET, room, "This room has a key already: remove it first (-k)");
        }
        R::RoomOpen { room } => one(turn, N::ERR_CHANOPEN, room, "This room is open: just JOIN it"),
        R::KnockedTooOften { room } => {
            one(turn, N::ERR_TOOMANYKNOCK, room, "You knocked here a moment ago: give them time");
        }
        R::GroupSize { least, most } => turn.fail(
            verb,
            "INVALID_MEMBERS",
            &[star_if_empty(about)],
            &format!("A group is {least} to {most} people, you included"),
        ),
        R::GuestInGroup { name } => {
            turn.fail(verb, "GUEST", &[shown(name)], "They are a guest: only people with an account can be in a group")
        }
        R::NotForGroups { name } => turn.fail(
            verb,
            "CANNOT_ADD",
            &[shown(name)],
            "They take part in no more groups, or in none that you bring them into",
        ),
        R::TooManyGroups { limit } => turn.fail(
            verb,
            "TOO_MANY_GROUPS",
            &[star_if_empty(about)],
            &format!("You are in {limit} groups: leave one first"),
        ),
        R::GroupsTooOften { retry_after_seconds } => turn.fail(
            verb,
            "RATE_LIMITED",
            &[star_if_empty(about), &retry_after_seconds.to_string()],
            &format!("Too many groups in a short time: try again in {retry_after_seconds} seconds"),
        ),
        R::NobodyRanks { room } => one(
            turn,
            N::ERR_CHANOPRIVSNEEDED,
            room,
            "This is a group, where nobody has a rank: every member may bring people in, name it and leave",
        ),
        R::FlagRefused { room, flag } => {
            let text = format!("You may not change mode {} of this room", flag_letter(*flag));
            one(turn, N::ERR_CHANOPRIVSNEEDED, room, &text);
        }

        R::NoSuchMessage => {
            let text = "There is no such message here, or it was deleted already";
            turn.fail(verb, "UNKNOWN_MSGID", &context(about), text);
        }
        R::OwnMessage => {
            let text = "You said this yourself: REDACT takes your own words away";
            turn.fail(verb, "CANNOT_REPORT", &context(about), text);
        }
        R::AlreadyReported => turn.fail(
            verb,
            "ALREADY_REPORTED",
            &context(about),
            "You have reported this already: it is with those who moderate, or was judged by them",
        ),
        R::ReportedTooOften { retry_after_seconds } => {
            let seconds = retry_after_seconds.to_string();
            let context: Vec<&str> = context(about).into_iter().chain([seconds.as_str()]).collect();
            turn.fail(verb, "RATE_LIMITED", &context, &format!("Too many reports: try again in {seconds} seconds"));
        }
        R::TooManyReports => {
            let text = "There are as many open reports as there may be: write to someone who moderates";
            turn.fail(verb, "TOO_MANY_REPORTS", &context(about), text);
        }
        R::NoSuchReport { number } => {
            let text = "There is no open report of this number that you may see: REPORTS lists all";
            turn.fail(verb, "NO_SUCH_REPORT", &[&number.to_string()], text);
        }
        R::AlreadyPinned => turn.fail(verb, "ALREADY_PINNED", &context(about), "This message is pinned already"),
        R::NotPinned => {
            turn.fail(verb, "NOT_PINNED", &context(about), "No such message is pinned here: PINS shows those that are");
        }
        R::TooManyPins { limit } => {
            let limit = limit.to_string();
            let context: Vec<&str> = context(about).into_iter().chain([limit.as_str()]).collect();
            let text = format!("There are {limit} pinned messages here: UNPIN one first");
            turn.fail(verb, "TOO_MANY_PINS", &context, &text);
        }
        R::CannotPin => {
            let text = "This was said to a rank alone, and a pinned message is for everyone in the room";
            turn.fail(verb, "CANNOT_PIN", &context(about), text);
        }
        R::NotTheAuthor => {
            let text = "Someone else said this: only they may do that, and in a room its moderators (+h and above)";
            turn.fail_counted("FORBIDDEN", verb, &format!("{verb}_FORBIDDEN"), &context(about), text);
        }
        R::TooLate { window_seconds } => {
            let window = window_seconds.to_string();
            let context: Vec<&str> = context(about).into_iter().chain([window.as_str()]).collect();
            let text =
                format!("This was said too long ago: you could have done it for {} hours", window_seconds / 3600);
            turn.fail_counted("WINDOW_EXPIRED", verb, &format!("{verb}_WINDOW_EXPIRED"), &context, &text);
        }

        R::RecipientWantsAccounts { name } => one(
            turn,
            N::ERR_NEEDREGGEDNICK,
            name,
            "They take messages from people with an account only (+R): log in first",
        ),
        R::RecipientWantsSecure { name } => one(
            turn,
            N::ERR_CANTSENDTOUSER,
            name,
            "They take messages over encrypted connections only (+Z): connect with TLS",
        ),
        R::RecipientWantsNoCtcp { name } => {
            one(turn, N::ERR_CANTSENDTOUSER, name, "They take no CTCP (+T)");
        }
        R::AlreadyAccepted { name } => one(turn, N::ERR_ACCEPTEXIST, name, "You accept messages from them already"),
        R::NotAccepted { name } => {
            one(turn, N::ERR_ACCEPTNOT, name, "They are not on the list of those whom you accept")
        }
        R::TooManyAccepted { limit } => turn.numeric(N::ERR_ACCEPTFULL).trailing_fmt(format_args!(
            "You accept messages from {limit} people already: remove one first (ACCEPT -name)"
        )),
        R::MonitorListFull { limit, names } => turn
            .numeric(N::ERR_MONLISTFULL)
            .param_fmt(format_args!("{limit}"))
            .param(shown(&names.join(",")))
            .trailing("Your list of watched names is full: remove some first"),

        R::NoSuchDevice { id } => {
            turn.fail(
                verb,
                "NO_SUCH_DEVICE",
                &[shown(id)],
                "None of your other devices has this id: DEVICES lists them",
            );
        }
        R::LoginEnded | R::LoginIsFresh => {
            turn.fail(verb, "LOGIN_ENDED", &[], "This device is no longer logged in: log in again");
        }
        R::NoMetadataTarget { of } => {
            turn.fail(verb, "INVALID_TARGET", &[shown(of)], "There is nobody and no room of this name");
        }
        R::MetadataNotYours { of } => turn.fail(
            verb,
            "KEY_NO_PERMISSION",
            &[shown(of), star_if_empty(about)],
            "You may not do this: people set their own, operators those of their rooms",
        ),
        R::TooMuchMetadata { of } => {
            turn.fail(verb, "LIMIT_REACHED", &[shown(of)], "There are as many keys as there may be: remove one first");
        }
        R::MetadataTooOften { of, retry_after_seconds } => {
            let seconds = retry_after_seconds.to_string();
            let text = format!("Too many changes: try again in {seconds} seconds");
            turn.fail(verb, "RATE_LIMITED", &[shown(of), star_if_empty(about), &seconds], &text);
        }
        R::MetadataValueInvalid { key } => {
            let code = if turn.has(Capability::Metadata3) { "INVALID_VALUE" } else { "VALUE_INVALID" };
            turn.fail(verb, code, &[shown(key)], "This key is 0 or 1");
        }
        R::DisplayNameInvalid { error } => {
            let code = if turn.has(Capability::Metadata3) { "INVALID_VALUE" } else { "VALUE_INVALID" };
            turn.fail(verb, code, &[DISPLAY_NAME], &error.to_string());
        }
        R::DisplayNameInUse { name } => {
            let text = format!("Somebody else is called {name}, or nearly so: choose another display name");
            turn.fail(verb, "DISPLAY_NAME_IN_USE", &[DISPLAY_NAME], &text);
        }

        R::NotOperator => {
            turn.numeric(N::ERR_NOPRIVILEGES).trailing("Only operators of this server may do that");
        }
        R::MissingRight { right } => turn.numeric(N::ERR_NOPRIVILEGES).trailing_fmt(format_args!(
            "You lack the operator right {:?} ({})",
            right.word(),
            right_in_words(*right)
        )),
        R::TooManyTargets { name } => {
            one(turn, N::ERR_TOOMANYTARGETS, name, "Too many targets at once: nothing more was sent");
        }
        R::NotYours => {
            turn.numeric(N::ERR_USERSDONTMATCH).trailing("You can change and see your own modes only");
        }

        R::ServerBanned { reason, until } => {
            let end = until.map_or(String::new(), |until| {
                let text = String::from_utf8_lossy(&time_text(until)).into_owned();
                format!(" (until {text})")
            });
            turn.numeric(N::ERR_YOUREBANNEDCREEP)
                .trailing_cut(&format!("You are banned from this server: {reason}{end}"));
        }
        R::NoSuchServerBan => {
            turn.fail(verb, "NO_SUCH_BAN", &[star_if_empty(about)], "There is no such ban: STATS k lists all")
        }
        R::CannotBan => {
            turn.fail(verb, "CANNOT_BAN", &[star_if_empty(about)], "This would ban you or the owner of the server")
        }
        R::RangeTooWide => turn.fail(
            verb,
            "RANGE_TOO_WIDE",
            &[star_if_empty(about)],
            "This range has too many addresses: at least /8 (IPv6: /16)",
        ),
        R::TooManyServerBans { limit } => turn.fail(
            verb,
            "TOO_MANY_BANS",
            &[star_if_empty(about)],
            &format!("There are {limit} bans from this server: lift one first"),
        ),

        R::AccountExists { name } => {
            turn.fail(verb, "ACCOUNT_EXISTS", &[shown(name)], "This account exists already: choose another name");
        }
        R::AccountNameInvalid { name } => turn.fail(
            verb,
            "BAD_ACCOUNT_NAME",
            &[shown(name)],
            "This name is too long or has characters that no account's name may have",
        ),
        R::AccountNameMustBeNick { name } => turn.fail(
            verb,
            "ACCOUNT_NAME_MUST_BE_NICK",
            &[shown(name)],
            "The account's name must be the name that you use now",
        ),
        R::RegistrationClosed => turn.fail(
            verb,
            "TEMPORARILY_UNAVAILABLE",
            &[star_if_empty(about)],
            "On this server only an administrator makes new accounts",
        ),
        // As with a password that is not the room's.
        R::LinkInvalid if verb == "JOIN" => one(
            turn,
            N::ERR_BADCHANNELKEY,
            about,
            "This invite link is used up, too old or not a link of this room: ask for another one",
        ),
        R::LinkInvalid => turn.fail(
            verb,
            "TEMPORARILY_UNAVAILABLE",
            &[star_if_empty(about)],
            "This invite link cannot be used (any more): ask for another one",
        ),
        R::AlreadyLoggedIn if registering => {
            turn.fail(verb, "ALREADY_AUTHENTICATED", &[star_if_empty(about)], "You are logged in to an account already")
        }
        R::AlreadyLoggedIn => {
            turn.numeric(N::ERR_SASLALREADY).trailing("You are logged in already");
        }
        R::WrongCredentials if verb.eq_ignore_ascii_case("AUTHENTICATE") => {
            turn.numeric(N::ERR_SASLFAIL).trailing("The name or the password is wrong");
        }
        R::WrongCredentials => {
            turn.numeric(N::ERR_PASSWDMISMATCH).trailing("The name or the password is wrong");
        }
        R::TooManyAttempts { retry_after_seconds } if verb.eq_ignore_ascii_case("AUTHENTICATE") => {
            turn.numeric(N::ERR_SASLFAIL)
                .trailing_fmt(format_args!("Too many attempts: try again in {retry_after_seconds} seconds"));
        }
        R::TooManyAttempts { retry_after_seconds } if registering => turn.fail(
            verb,
            "TEMPORARILY_UNAVAILABLE",
            &[star_if_empty(about)],
            &format!("Too many attempts: try again in {retry_after_seconds} seconds"),
        ),
        R::TooManyAttempts { retry_after_seconds } => {
            turn.numeric(N::ERR_PASSWDMISMATCH)
                .trailing_fmt(format_args!("Too many attempts: try again in {retry_after_seconds} seconds"));
        }
        R::TooManyAlwaysOn { limit } => turn.fail(
            verb,
            "LIMIT_REACHED",
            &[&limit.to_string()],
            "As many people as may stay here without a device do so already: ask an operator of this server",
        ),
        R::NotLoggedIn => turn.fail(verb, "ACCOUNT_REQUIRED", &[], "You must be logged in to an account to do that"),
        R::NoSuchAccount { name } => {
            turn.fail(verb, "NO_SUCH_ACCOUNT", &[shown(name)], "There is no account of this name");
        }
        R::OwnsServer { name } => turn.fail(
            verb,
            "OWNS_SERVER",
            &[shown(name)],
            "This account owns the server: hand it to another first, with chat_server account set-role NAME owner",
        ),
        R::AccountRequired => turn.fail(
            "*",
            "ACCOUNT_REQUIRED",
            &[],
            "This server is for people with an account: log in (SASL) or register one",
        ),

        R::StorageFull => storage(
            turn,
            verb,
            about,
            "STORAGE_FULL",
            "The server's disk is full: nothing was changed; try again later",
        ),
        R::StorageError => storage(
            turn,
            verb,
            about,
            "STORAGE_ERROR",
            "The server cannot write to its disk: nothing was changed; try again later",
        ),
    }
}

fn one(turn: &mut Turn<'_>, numeric: Numeric, about: &str, text: &str) {
    turn.numeric(numeric).param(shown(about)).trailing(text);
}

fn two(turn: &mut Turn<'_>, numeric: Numeric, first: &str, second: &str, text: &str) {
    turn.numeric(numeric).param(shown(first)).param(shown(second)).trailing(text);
}

fn storage(turn: &mut Turn<'_>, verb: &str, about: &str, code: &'static str, text: &str) {
    turn.fail(verb, code, &context(about), text);
}

/// What a line was about as the context of a FAIL: a target, or a target and a message's id.
fn context(about: &str) -> Vec<&str> {
    about.split(' ').filter(|word| !word.is_empty()).map(shown).collect()
}

fn star_if_empty(about: &str) -> &str {
    if about.is_empty() { "*" } else { shown(about) }
}

fn role_in_words(role: Role) -> &'static str {
    match role {
        Role::Voice => "a voiced member",
        Role::HalfOperator => "a half-operator",
        Role::Operator => "an operator",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

/// The codes are those of draft/channel-rename.
fn not_renamed_in_words(why: NotRenamed) -> (&'static str, &'static str) {
    const IN_USE: &str = "CHANNEL_NAME_IN_USE";
    const CANNOT: &str = "CANNOT_RENAME";
    match why {
        NotRenamed::Taken => (IN_USE, "There is a room of this name already: choose another one"),
        NotRenamed::LooksTaken => (IN_USE, "This name looks like that of another room: choose another one"),
        NotRenamed::Invalid => {
            (CANNOT, "This cannot be a room's name: it begins with # and has no spaces, commas or control characters")
        }
        NotRenamed::OfGroups => (CANNOT, "A group's name is #+ and one word without a +, and no room's begins so"),
        NotRenamed::MayNotCreate => (CANNOT, "This server does not let you make names for rooms"),
        NotRenamed::Standing => (CANNOT, "The server's configuration names this room (rooms.auto_join)"),
        NotRenamed::RenamedJustNow => (CANNOT, "This room was renamed three times within minutes: give them a minute"),
        NotRenamed::Unchanged => (CANNOT, "That is the room's name already"),
    }
}

fn silence_in_words(why: Silence) -> Cow<'static, str> {
    let text = match why {
        Silence::NotMember => "Not sent: only members may speak in this room (+n); JOIN it first",
        Silence::Moderated => "Not sent: this room is moderated (+m); an operator can give you voice",
        Silence::Banned => "Not sent: you are banned from this room (+b)",
        Silence::Muted => "Not sent: you are muted in this room (+b)",
        Silence::AccountsOnly => "Not sent: only people with an account may speak in this room (+M); log in first",
        Silence::NoCtcp => "Not sent: this room takes no CTCP (+C)",
        Silence::Announcements => "Not sent: only operators speak in this room, it is for announcements (+A)",
        Silence::Screened => {
            "Not changed: what you say in this room reaches its operators only (+U), and this was read by all"
        }
        Silence::Slow { wait_seconds } => {
            let seconds = if wait_seconds == 1 { "second" } else { "seconds" };
            return Cow::Owned(format!(
                "Not sent: this room is in slow mode (+W): wait {wait_seconds} {seconds} before your next message"
            ));
        }
    };
    Cow::Borrowed(text)
}

fn list_in_words(list: ListKind) -> &'static str {
    match list {
        ListKind::Ban => "bans",
        ListKind::Exception => "exceptions from bans",
        ListKind::Invitation => "standing invitations",
    }
}

fn right_in_words(right: Right) -> &'static str {
    match right {
        Right::Kill => "end other people's connections",
        Right::Rehash => "read the configuration again",
        Right::Stop => "stop or restart the server",
        Right::SeeAll => "see addresses and hidden rooms and people",
        Right::Announce => "send to everyone or to all operators",
        Right::Accounts => "make and change accounts",
        Right::Rooms => "act in rooms as their owner",
        Right::Statistics => "read the server's statistics",
        Right::Relay => "speak for people elsewhere",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Moment, Output, Peer, Session};
    use crate::{Configured, ServerFacts};
    use chat::chatroom::RoomFlag;
    use chat::id::SessionId;

    fn line(verb: &str, about: &str, refusal: &Refusal) -> String {
        let facts = ServerFacts::new(Configured { server_name: "irc.example".into(), ..Configured::default() });
        let peer = Peer {
            address: [192, 0, 2, 1].into(),
            port_local: 6697,
            secure: true,
            loopback: false,
            certificate: None,
            login: None,
            transport: "TLS",
            exempt: true,
        };
        let id = SessionId { shard: 0, slot: 0, generation: 1 };
        let now = Moment::default();
        let mut session = Session::new(id, peer, now, &facts);
        let mut out = Output::default();
        let mut turn = Turn::of_line(&mut session, &facts, now, &mut out, None);
        write(&mut turn, verb, about, refusal);
        turn.finish();
        String::from_utf8(out.bytes).unwrap()
    }

    /// `expected`: what stands between the server's name and the text.
    #[track_caller]
    fn check(verb: &str, refusal: Refusal, expected: &str) {
        let line = line(verb, "#about", &refusal);
        let rest = line.strip_prefix(":irc.example ").unwrap();
        let (fixed, text) = rest.split_once(" :").unwrap_or_else(|| panic!("no text in {line:?}"));
        assert_eq!(fixed, expected, "{refusal:?}");
        assert_eq!(text.find("\r\n"), Some(text.len() - 2), "one line: {line:?}");
        assert!(line.len() <= wire::MAX_BODY && text.len() > 12, "{line:?}");
    }

    #[test]
    fn every_refusal_has_its_numeric_and_a_sentence() {
        use Refusal as R;
        let name = || "bob".into();
        let room = || "#tea".into();
        check("WHOIS", R::NoSuchClient { name: name() }, "401 * bob");
        check("PART", R::NoSuchRoom { name: room() }, "403 * #tea");
        check("WHOWAS", R::NeverSeen { name: name() }, "406 * bob");
        check("NICK", R::NameInUse { name: name() }, "433 * bob");
        check("NICK", R::NameReserved { name: name() }, "433 * bob");
        check("NICK", R::NameConfusable { name: name() }, "433 * bob");
        check("NICK", R::NameInvalid { name: name() }, "432 * bob");
        for refusal in
            [R::NameInUse { name: name() }, R::NameReserved { name: name() }, R::NameConfusable { name: name() }]
        {
            check("REGISTER", refusal, "FAIL REGISTER ACCOUNT_EXISTS bob");
        }
        check("REGISTER", R::NameInvalid { name: name() }, "FAIL REGISTER BAD_ACCOUNT_NAME bob");
        check("NICK", R::NameOfService { name: name() }, "432 * bob");
        check("REGISTER", R::NameOfService { name: name() }, "FAIL REGISTER BAD_ACCOUNT_NAME bob");
        check("NICK", R::NameFixed { name: name() }, "447 * bob");
        check("PART", R::NotMember { room: room() }, "442 * #tea");
        check("KICK", R::TheyAreNotMember { name: name(), room: room() }, "441 * bob #tea");
        check("INVITE", R::AlreadyMember { name: name(), room: room() }, "443 * bob #tea");
        check("KNOCK", R::AlreadyMember { name: name(), room: room() }, "714 * #tea");
        check("JOIN", R::Banned { room: room() }, "474 * #tea");
        check("JOIN", R::InviteOnly { room: room() }, "473 * #tea");
        check("JOIN", R::WrongKey { room: room() }, "475 * #tea");
        check("JOIN", R::RoomFull { room: room() }, "471 * #tea");
        check("JOIN", R::AccountsOnly { room: room() }, "477 * #tea");
        check("JOIN", R::SecureOnly { room: room() }, "489 * #tea");
        check("JOIN", R::TooManyRooms { room: room() }, "405 * #tea");
        check("JOIN", R::MayNotCreateRoom { room: room() }, "403 * #tea");
        check("JOIN", R::RoomNameInvalid { room: room() }, "476 * #tea");
        check("JOIN", R::RoomNameConfusable { room: room() }, "476 * #tea");
        check("JOIN", R::RoomRenamed { room: room(), to: "#pot".into() }, "FAIL JOIN CHANNEL_RENAMED #tea #pot");
        check("MODE", R::NotForwarded { room: room(), to: "#pot".into() }, "696 * #tea f #pot");
        check("MODE", R::NoForwardTarget { room: room(), to: "#pot".into() }, "696 * #tea f #pot");
        check("MODE", R::RetentionTooLong { room: room(), seconds: 86_400, most_seconds: 3_600 }, "696 * #tea H 1d");
        for (why, code) in [
            (NotRenamed::Taken, "CHANNEL_NAME_IN_USE"),
            (NotRenamed::LooksTaken, "CHANNEL_NAME_IN_USE"),
            (NotRenamed::Invalid, "CANNOT_RENAME"),
            (NotRenamed::OfGroups, "CANNOT_RENAME"),
            (NotRenamed::MayNotCreate, "CANNOT_RENAME"),
            (NotRenamed::Standing, "CANNOT_RENAME"),
            (NotRenamed::RenamedJustNow, "CANNOT_RENAME"),
            (NotRenamed::Unchanged, "CANNOT_RENAME"),
        ] {
            let expected = format!("FAIL RENAME {code} #tea #pot");
            check("RENAME", R::NotRenamed { room: room(), to: "#pot".into(), why }, &expected);
        }
        for role in Role::ALL {
            check("TOPIC", R::NeedsRole { room: room(), role }, "482 * #tea");
        }
        check("KICK", R::Outranked { room: room(), name: name() }, "482 * #tea");
        for why in [
            Silence::NotMember,
            Silence::Moderated,
            Silence::Banned,
            Silence::Muted,
            Silence::AccountsOnly,
            Silence::NoCtcp,
            Silence::Announcements,
            Silence::Screened,
            Silence::Slow { wait_seconds: 1 },
        ] {
            check("PRIVMSG", R::CannotSpeak { room: room(), why }, "404 * #tea");
        }
        for letter_of in [ListKind::Ban, ListKind::Exception, ListKind::Invitation] {
            let expected = format!("478 * #tea {}", list_letter(letter_of));
            check("MODE", R::ListFull { room: room(), mask: name(), letter_of }, &expected);
        }
        check("MODE", R::KeyAlreadySet { room: room() }, "467 * #tea");
        check("KNOCK", R::RoomOpen { room: room() }, "713 * #tea");
        check("KNOCK", R::KnockedTooOften { room: room() }, "712 * #tea");
        check("GROUP", R::GroupSize { least: 3, most: 10 }, "FAIL GROUP INVALID_MEMBERS #about");
        check("GROUP", R::GuestInGroup { name: name() }, "FAIL GROUP GUEST bob");
        check("INVITE", R::NotForGroups { name: name() }, "FAIL INVITE CANNOT_ADD bob");
        check("GROUP", R::TooManyGroups { limit: 9 }, "FAIL GROUP TOO_MANY_GROUPS #about");
        check("GROUP", R::GroupsTooOften { retry_after_seconds: 9 }, "FAIL GROUP RATE_LIMITED #about 9");
        check("MODE", R::NobodyRanks { room: room() }, "482 * #tea");
        for flag in RoomFlag::ALL {
            check("MODE", R::FlagRefused { room: room(), flag }, "482 * #tea");
        }
        check("PRIVMSG", R::RecipientWantsAccounts { name: name() }, "477 * bob");
        check("PRIVMSG", R::RecipientWantsSecure { name: name() }, "531 * bob");
        check("PRIVMSG", R::RecipientWantsNoCtcp { name: name() }, "531 * bob");
        check("ACCEPT", R::AlreadyAccepted { name: name() }, "457 * bob");
        check("ACCEPT", R::NotAccepted { name: name() }, "458 * bob");
        check("ACCEPT", R::TooManyAccepted { limit: 2 }, "456 *");
        check("REDACT", R::NoSuchMessage, "FAIL REDACT UNKNOWN_MSGID #about");
        check("REDACT", R::NotTheAuthor, "FAIL REDACT REDACT_FORBIDDEN #about");
        check("REDACT", R::TooLate { window_seconds: 7 }, "FAIL REDACT REDACT_WINDOW_EXPIRED #about 7");
        let names = vec![name(), "carol".into()];
        check("MONITOR", R::MonitorListFull { limit: 2, names }, "734 * 2 bob,carol");
        check("*", R::ServerBanned { reason: "spam".into(), until: Some(Default::default()) }, "465 *");
        check("UNKLINE", R::NoSuchServerBan, "FAIL UNKLINE NO_SUCH_BAN #about");
        check("KLINE", R::CannotBan, "FAIL KLINE CANNOT_BAN #about");
        check("KLINE", R::RangeTooWide, "FAIL KLINE RANGE_TOO_WIDE #about");
        check("KLINE", R::TooManyServerBans { limit: 9 }, "FAIL KLINE TOO_MANY_BANS #about");
        check("KILL", R::NotOperator, "481 *");
        for right in Right::ALL {
            check("KILL", R::MissingRight { right }, "481 *");
        }
        check("PRIVMSG", R::TooManyTargets { name: name() }, "407 * bob");
        check("MODE", R::NotYours, "502 *");
        check("REGISTER", R::AccountExists { name: name() }, "FAIL REGISTER ACCOUNT_EXISTS bob");
        check("REGISTER", R::AccountNameInvalid { name: name() }, "FAIL REGISTER BAD_ACCOUNT_NAME bob");
        check("REGISTER", R::AccountNameMustBeNick { name: name() }, "FAIL REGISTER ACCOUNT_NAME_MUST_BE_NICK bob");
        check("REGISTER", R::RegistrationClosed, "FAIL REGISTER TEMPORARILY_UNAVAILABLE #about");
        check("REGISTER", R::LinkInvalid, "FAIL REGISTER TEMPORARILY_UNAVAILABLE #about");
        let link = R::NoSuchLink { room: room(), id: "0a".into() };
        check("INVITELINK", link, "FAIL INVITELINK NO_SUCH_LINK #tea 0a");
        check("INVITELINK", R::TooManyLinks { room: room(), limit: 20 }, "FAIL INVITELINK TOO_MANY_LINKS #tea");
        check("VERIFY", R::AlreadyLoggedIn, "FAIL VERIFY ALREADY_AUTHENTICATED #about");
        check("AUTHENTICATE", R::AlreadyLoggedIn, "907 *");
        check("AUTHENTICATE", R::WrongCredentials, "904 *");
        check("OPER", R::WrongCredentials, "464 *");
        let often = || R::TooManyAttempts { retry_after_seconds: 30 };
        check("AUTHENTICATE", often(), "904 *");
        check("REGISTER", often(), "FAIL REGISTER TEMPORARILY_UNAVAILABLE #about");
        check("OPER", often(), "464 *");
        check("METADATA", R::DisplayNameInUse { name: name() }, "FAIL METADATA DISPLAY_NAME_IN_USE display-name");
        check("X", R::NotLoggedIn, "FAIL X ACCOUNT_REQUIRED");
        check("PERSISTENCE", R::TooManyAlwaysOn { limit: 7 }, "FAIL PERSISTENCE LIMIT_REACHED 7");
        check("X", R::NoSuchAccount { name: name() }, "FAIL X NO_SUCH_ACCOUNT bob");
        check("USER", R::AccountRequired, "FAIL * ACCOUNT_REQUIRED");
        check("PRIVMSG", R::StorageFull, "FAIL PRIVMSG STORAGE_FULL #about");
        check("TOPIC", R::StorageError, "FAIL TOPIC STORAGE_ERROR #about");
    }

    #[test]
    fn a_storage_refusal_with_nothing_to_name_has_no_context() {
        let line = line("AWAY", "", &Refusal::StorageFull);
        assert!(line.starts_with(":irc.example FAIL AWAY STORAGE_FULL :"), "{line}");
    }
}
