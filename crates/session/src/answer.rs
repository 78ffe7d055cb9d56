//! What the hub answers, as lines: each answer to the verb that writes it.

use crate::refusal_numeric;
use crate::turn::Turn;
use crate::verb::{
    Awaiting, accept, away, devices, group, invite, invitelink, ison, join, kline, knock, list, lusers, markread,
    members, metadata, mode, monitor, names, persistence, ping, pins, privmsg, rehash, rename, report, reports, stats,
    topic, unread, userhost, userip, who, whois, whowas,
};
use chat::query::Answer;
use chat::refusal::Refusal;
use compact_str::CompactString;
use wire::Numeric;

/// Writes the answer to the line that asked for it, as `turn` knows it (or to nothing in particular, when the hub tells
/// it unasked).
pub(crate) fn dispatch(turn: &mut Turn<'_>, awaiting: Option<&Awaiting>, answer: &Answer) {
    match answer {
        Answer::Refused(refusal) => refused(turn, awaiting, refusal),

        Answer::Entered(view) => join::write_entered(turn, view),
        Answer::Topic { room, topic } => topic::write_asked(turn, room, topic.as_ref()),
        Answer::Members(members) => {
            names::write(turn, members);
            match awaiting {
                Some(Awaiting::Names { asked, left }) => names::answered(turn, asked, *left, &members.room),
                _ => names::write_end(turn, &members.room),
            }
        }
        Answer::AbsentMembers(absent) => members::write(turn, absent),
        Answer::RoomSettings(view) => mode::write_settings(turn, view),
        Answer::RoomList { room, list, entries } => mode::write_list(turn, room, *list, entries),
        Answer::LinkRevoked { room, id } => invitelink::write_revoked(turn, room, id),
        Answer::InviteLinks { room, links } => invitelink::write_list(turn, room, links),
        Answer::Rooms(rows) => list::write(turn, rows),
        Answer::OwnInvitations(rooms) => invite::write_own(turn, rooms),
        Answer::Forwarded { from, to, is_renamed } => join::write_forwarded(turn, from, to, *is_renamed),
        Answer::RoomRenamed { renaming, is_member, read_marker } => {
            rename::write(turn, renaming, *is_member, *read_marker);
        }
        Answer::Accepted(names) => accept::write(turn, names),
        Answer::OwnModes { modes } => mode::write_own(turn, modes),
        Answer::Invited { who, room, away } => invite::write_invited(turn, who, room, away.as_deref()),
        Answer::Knocked { room } => knock::write_delivered(turn, room),
        Answer::Group(row) => group::write(turn, row),
        Answer::Groups(rows) => group::write_all(turn, rows),

        Answer::Who { target, rows } => match awaiting {
            Some(Awaiting::Who { mask, whox }) => who::write(turn, mask, whox.as_ref(), rows),
            _ => who::write(turn, target, None, rows),
        },
        Answer::Whois(profile) => whois::write(turn, profile),
        Answer::Whowas { name, rows } => whowas::write(turn, name, rows),
        Answer::Present(rows) => match (turn.verb(), awaiting) {
            ("ISON", _) => ison::write(turn, rows),
            ("USERIP", _) => userip::write(turn, rows),
            ("MODE", Some(Awaiting::About(target))) => mode::write_not_yours(turn, target, rows),
            _ => userhost::write(turn, rows),
        },
        // Nothing is answered to a NOTICE.
        Answer::RecipientAway { .. } if turn.verb() == "NOTICE" => {}
        Answer::RecipientAway { name, message } => {
            turn.numeric(Numeric::RPL_AWAY).param(name).trailing_cut(message);
        }
        Answer::Repeated { id, history } => privmsg::answer_repeated(turn, *id, history),
        Answer::Metadata { of, rows } => metadata::write_rows(turn, awaiting, of, rows),
        Answer::MetadataSet { row, was_set } => metadata::write_set(turn, row, *was_set),
        Answer::MetadataValues { of, rows } => metadata::write_values(turn, of.as_deref(), rows),
        Answer::MetadataSyncLater { of } => metadata::write_sync_later(turn, of),
        Answer::Subscribed { keys, refused } => metadata::write_subscribed(turn, keys, refused.as_ref()),
        Answer::Unsubscribed { keys } => metadata::write_keys(turn, Numeric::RPL_METADATAUNSUBOK, keys),
        Answer::Subscriptions(keys) => metadata::write_subscriptions(turn, keys),
        Answer::Reported => report::write_reported(turn, awaiting),
        Answer::ReportMade(made) => reports::write_made(turn, &made.0, &made.1),
        Answer::Reports(views) => reports::answer(turn, views),
        Answer::ReportsClosed(closed) => reports::write_closed(turn, closed),
        Answer::OpenReports { count } => reports::write_count(turn, None, *count),
        Answer::Pins(granted) => pins::answer(turn, awaiting, granted.as_deref()),
        Answer::Unread(question) => unread::count(turn, question),
        Answer::AlwaysOn(status) => persistence::write(turn, *status),
        Answer::Devices(rows) => devices::write(turn, rows),
        Answer::DeviceEnded { id } => devices::write_ended(turn, id),
        Answer::DeviceForgotten { id } => devices::write_forgotten(turn, id),
        Answer::ReadMarker { of, at } => markread::write(turn, of, *at),
        Answer::Away { now } => away::write(turn, *now),
        Answer::Watched(watched) => monitor::write_list(turn, watched),
        Answer::WatchedStatus { online, offline } => monitor::write_status(turn, online, offline),
        Answer::Counts(counts) => lusers::write(turn, counts),
        Answer::Connections(rows) => stats::write_connections(turn, stats_letter(awaiting, 'l'), rows),
        Answer::ServerBans(bans) => kline::write_list(turn, stats_letter(awaiting, 'k'), bans),
        Answer::BannedFromServer { ban, account, closed } => {
            kline::write_banned(turn, ban, account.as_deref(), *closed);
        }
        Answer::ServerBanLifted { ban, account } => kline::write_lifted(turn, ban, account.as_deref()),
        Answer::Operators(people) => stats::write_operators(turn, stats_letter(awaiting, 'o'), people),
        // The QUIT that everyone sees says it.
        Answer::Killed { .. } => {}

        // Told to those who asked for them: the verbs of login, accounts and history, and the server's own command line.
        Answer::Welcome(_)
        | Answer::Credentials(_)
        | Answer::LoggedIn { .. }
        | Answer::LoggedOut
        | Answer::DeviceLogin { .. }
        | Answer::LinkCreated { .. }
        | Answer::LinkLeads { .. }
        | Answer::AuditGranted
        | Answer::AccountCreated { .. }
        | Answer::AccountChanged { .. }
        | Answer::AccountDeleted { .. }
        | Answer::Account(_)
        | Answer::Accounts(_)
        | Answer::BecameOperator { .. }
        | Answer::HistoryGranted(_)
        | Answer::Conversations(_) => {}
    }
}

/// Everything that the line asked for has come.
pub(crate) fn complete(turn: &mut Turn<'_>) {
    match turn.awaiting() {
        Some(Awaiting::Permission) => rehash::write_begun(turn),
        Some(Awaiting::Ping { token }) => {
            let token = token.clone();
            ping::write(turn, &token);
        }
        _ => {}
    }
}

fn refused(turn: &mut Turn<'_>, awaiting: Option<&Awaiting>, refusal: &Refusal) {
    let verb = turn.verb();
    let about = match awaiting {
        Some(Awaiting::About(about)) => about.as_str(),
        Some(Awaiting::Who { mask, .. }) => mask.as_str(),
        Some(Awaiting::Metadata(asked)) => asked.about(),
        _ => "",
    };
    match (verb, refusal) {
        // RFC 2812 section 3.3.2: no error for a NOTICE. That the server lost it is another matter.
        ("NOTICE", Refusal::StorageFull | Refusal::StorageError) => {}
        ("NOTICE", _) => return,
        // A room that one may not see or that is not there has nobody in it.
        ("NAMES", _) => {
            if let Some(Awaiting::Names { asked, left }) = awaiting {
                let room = match refusal {
                    Refusal::NoSuchRoom { name } => name,
                    Refusal::NotMember { room } => room,
                    _ => "*",
                };
                names::answered(turn, asked, *left, room);
            }
            return;
        }
        ("MARKREAD", _) => {
            let about = about.to_owned();
            markread::write_refused(turn, &about, refusal);
            return;
        }
        ("WHO", Refusal::NoSuchRoom { .. } | Refusal::NoSuchClient { .. } | Refusal::NotMember { .. }) => {
            who::write_end(turn, about);
            return;
        }
        _ => {}
    }
    if matches!(awaiting, Some(Awaiting::Permission)) {
        turn.await_with(Awaiting::About(CompactString::default()));
    }
    refusal_numeric::write(turn, verb, about, refusal);
    match (verb, refusal) {
        // "both followed with": these end like any other answer.
        ("WHOIS", Refusal::NoSuchClient { name }) => whois::write_end(turn, name),
        ("WHOWAS", Refusal::NeverSeen { name } | Refusal::NoSuchClient { name }) => whowas::write_end(turn, name),
        ("STATS", _) => stats::write_end(turn, stats_letter(awaiting, '*')),
        _ => {}
    }
}

fn stats_letter(awaiting: Option<&Awaiting>, otherwise: char) -> char {
    match awaiting {
        Some(Awaiting::Stats { letter }) => *letter,
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, with_operator};
    use crate::verb::VERBS;
    use proptest::prelude::*;

    /// Words that mean something somewhere, and words that nobody expects.
    const WORDS: &[&str] = &[
        "alice",
        "bob",
        "carol",
        "nobody",
        "#tea",
        "#milk",
        "#",
        "@#tea",
        "$*",
        "*",
        "+o",
        "-o",
        "+b",
        "+kl",
        "-k",
        "+imnstCRM",
        "b",
        "m:bob",
        "green",
        "7",
        "0",
        "",
        ":",
        "é",
        "#日本",
        "%tcuihsnfdlaor,42",
        "o",
        "irc.example",
        "bob,carol,,alice",
        "#tea,#milk,bad",
        "+",
        "-",
        "C",
        "L",
        "S",
        "u",
        ">1,C<2,!*x*",
        "a b",
        "root",
        "sesame",
        "\u{1}VERSION\u{1}",
        "INDEX",
        "*!*@*",
        "-1",
        "LS",
        "END",
        "302",
    ];

    fn line() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            6 => prop::sample::select(WORDS).prop_map(str::to_owned),
            1 => "[a-z#é:, ]{0,12}",
            1 => (300..480_usize).prop_map(|length| "x".repeat(length)),
        ];
        let verb = prop::sample::select(VERBS.iter().map(|verb| verb.name).collect::<Vec<_>>());
        let label = prop::option::of("[a-z]{1,4}");
        (verb, prop::collection::vec(word, 0..4), label).prop_map(|(verb, mut words, label)| {
            let last = words.pop();
            let label = label.map_or(String::new(), |label| format!("@label={label};+x=y "));
            let middles: String = words
                .iter()
                .filter(|word| !word.is_empty() && !word.starts_with(':') && !word.contains(' '))
                .map(|word| format!(" {word}"))
                .collect();
            let last = last.map_or(String::new(), |last| format!(" :{last}"));
            format!("{label}{verb}{middles}{last}")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        /// Whatever three people say, nobody is sent half a line, one over 512 bytes or one with a stray control byte
        /// (the world checks each), and every labelled line is answered with its label.
        #[test]
        fn conversations_stay_whole(lines in prop::collection::vec((0..3_usize, line()), 1..60)) {
            let mut world = World::new(with_operator);
            let names = ["alice", "bob", "carol"];
            let capabilities = [
                "batch labeled-response echo-message message-tags",
                "",
                "server-time account-tag away-notify extended-join setname multi-prefix userhost-in-names",
            ];
            for (name, capabilities) in names.into_iter().zip(capabilities) {
                world.arrive(name, capabilities).unwrap();
            }
            for (speaker, line) in lines {
                world.received(0);
                // Whoever has left, or waits for the next step of a login, says nothing more.
                if world.say(speaker, &line).is_ok() && speaker == 0 {
                    let label = line.strip_prefix('@').and_then(|rest| rest.split(';').next());
                    let received = world.received(0);
                    if let Some(label) = label
                        && world.session(0).is_registered()
                        && !world.is_closed(0)
                    {
                        let tag = format!("@{label}");
                        let answered = received.iter().filter(|line| {
                            line.strip_prefix(&tag).is_some_and(|rest| rest.starts_with([';', ' ']))
                        });
                        prop_assert_eq!(answered.count(), 1, "{} {:?}", line, received);
                    }
                }
            }
        }
    }
}
