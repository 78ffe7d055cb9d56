//! What no input may do: panic, be taken back by half, reach someone twice, or let a stale session act.

use super::state::SESSIONS_PER_SHARD;
use super::transcript::{World, settings};
use crate::command::{Command, Departure, Origin};
use crate::effect::{Effect, Effects};
use crate::id::SessionId;
use crate::settings::{AlwaysOn, RoomCreation, Settings};
use proptest::collection::vec;
use proptest::prelude::*;

const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "alice/2", "bob/tls", "dave"];
const ROOMS: [&str; 4] = ["#tea", "#pot", "#cup", "#lobby"];
const NAMES: [&str; 7] = ["alice", "bob", "carol", "dave", "аlice", "nobody", "B*"];

/// What can be asked, with `R` for a room, `N` for a name, `M` for another.
const LINES: &[&str] = &[
    "arrives",
    "arrives",
    "arrives as N",
    "arrives account N",
    "arrives account N as M",
    "joins R",
    "joins R",
    "joins R",
    "joins R",
    "joins R key",
    "parts R bye",
    "parts all",
    "quits bye",
    "breaks",
    "renames N",
    "realname new",
    "away lunch",
    "away *",
    "asks devices",
    "arrives account N by 1",
    "arrives account N by 2",
    "knows N by 1",
    "stays on",
    "stays off",
    "stays default",
    "back",
    "modes +iwBRZ-o",
    "modes -iwBRZ",
    "opers admin",
    "deopers",
    "rehosts N host",
    "logs in N",
    "fails N",
    "logs out",
    "registers N",
    "registers M",
    "sets password N",
    "adds certificate N 3",
    "calls N M",
    "disables N",
    "enables N",
    "grants N kill",
    "hands the server to N",
    "deletes N",
    "topic R words",
    "topic R",
    "mode R +mn-t",
    "mode R +si",
    "mode R -si",
    "mode R +kl key 2",
    "mode R -kl",
    "mode R +b N",
    "mode R -b N",
    "mode R +be ~m:N *!*@cloak",
    "mode R +RMC",
    "mode R -RMC",
    "mode R +P",
    "mode R -P",
    "mode R +o N",
    "mode R -o N",
    "mode R +qv N M",
    "mode R -qah N M N",
    "kicks R N out",
    "invites N R",
    "knocks R hello",
    "gathers N,M,bob",
    "gathers alice,bob,carol",
    "joins #+N+M",
    "joins #+bob+carol",
    "invites N #+alice+bob+carol",
    "says #+alice+bob+carol hi",
    "names #+alice+bob+carol #+plans",
    "parts #+alice+bob+carol",
    "asks groups",
    "says R once:k hi",
    "says R hi",
    "says @R hi",
    "says N once:k hi",
    "says N hi",
    "notices N hi",
    "signals N",
    "signals R",
    "redacts hi",
    "redacts once:k hi for good",
    "reports hi for spam",
    "reports once:k hi for spam",
    "resolves 1",
    "dismisses 2 with a note",
    "asks reports",
    "asks reports R",
    "pins hi",
    "pins once:k hi",
    "unpins R 1",
    "unpins N hi",
    "asks pins R",
    "sets metadata * avatar words",
    "sets metadata * avatar",
    "sets metadata N status words",
    "sets metadata R status words",
    "sets metadata N soju.im/blocked 1",
    "sets metadata R soju.im/pinned 1",
    "clears metadata *",
    "clears metadata R",
    "subscribes avatar,status,soju.im/pinned",
    "unsubscribes avatar",
    "asks sync R",
    "asks metadata N",
    "reads R 3",
    "reads N 99999999999999",
    "watches N,M",
    "unwatches N",
    "unwatches all",
    "kills N bad",
    "announces hi",
    "asks who *",
    "asks who R",
    "asks whois N",
    "asks rooms",
    "asks members R",
    "asks connections",
];

/// What the server's own command line asks.
const CONSOLE: [&str; 15] = [
    "registers N",
    "disables N",
    "enables N",
    "deletes N",
    "kills N bad",
    "asks accounts",
    "sets password N",
    "keeps N in by 1",
    "keeps N in by 2",
    "signs N up by 1",
    "knows N by 1",
    "knows N by 2",
    "renews N by 1 2",
    "renews N by 2 1",
    "ends N by 1",
];

type Choice = (u8, u8, u8, u8, u8);

fn line_of((line, who, room, name, other): Choice) -> String {
    let pick = |list: &[&'static str], number: u8| list[number as usize % list.len()];
    let line = line as usize % (LINES.len() + 28);
    match line.saturating_sub(LINES.len()) {
        26.. => "time 50000".to_owned(),
        20.. => "time 20".to_owned(),
        number if line >= LINES.len() => {
            let template = pick(&CONSOLE, number as u8).replace('N', pick(&NAMES, name));
            format!("console {template}")
        }
        _ => {
            let words = LINES[line]
                .split(' ')
                .map(|word| {
                    word.split(',')
                        .map(|part| match part {
                            "R" => pick(&ROOMS, room).to_owned(),
                            "@R" => format!("@{}", pick(&ROOMS, room)),
                            "N" => pick(&NAMES, name).to_owned(),
                            "M" => pick(&NAMES, other).to_owned(),
                            "#+N+M" => format!("#+{}+{}", pick(&NAMES, name), pick(&NAMES, other)),
                            "~m:N" => format!("~m:{}", pick(&NAMES, name)),
                            part => part.to_owned(),
                        })
                        .collect::<Vec<_>>()
                        .join(",")
                })
                .collect::<Vec<_>>()
                .join(" ");
            format!("{} {words}", pick(&PEOPLE, who))
        }
    }
}

fn choices(count: usize) -> impl Strategy<Value = Vec<Choice>> {
    vec(any::<Choice>(), 0..count)
}

/// A lively evening to begin with, so that most of what is asked meets something.
const PROLOGUE: [&str; 22] = [
    "console registers alice",
    "console registers bob",
    "console registers carol",
    "alice arrives account alice",
    "alice/2 arrives account alice",
    "bob/tls arrives account bob",
    "bob arrives account bob",
    "carol arrives account carol",
    "dave arrives",
    "alice joins #tea",
    "bob joins #tea",
    "carol joins #tea",
    "dave joins #tea",
    "alice joins #pot",
    "dave joins #pot",
    "carol joins #cup",
    "alice opers admin",
    "alice mode #tea +ov bob dave",
    "alice watches bob,dave",
    "dave watches bob,alice",
    "alice/2 watches dave,bob",
    "carol says dave hi",
];

fn lively_worlds() -> [World; 3] {
    let mut worlds = worlds();
    for world in &mut worlds {
        for line in PROLOGUE {
            world.run(line);
        }
    }
    worlds
}

fn worlds() -> [World; 3] {
    let lobby = || Settings { standing_rooms: vec!["#lobby".into()], ..settings() };
    [
        World::new(lobby(), 2),
        World::new(Settings { always_on: AlwaysOn::Mandatory, nick_follows_account: true, ..lobby() }, 1),
        World::new(
            Settings { nick_protection: false, room_creation: RoomCreation::Accounts, grace_ms: 0, ..lobby() },
            3,
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is asked, the derived tables stay right and each request is finished once (the world checks both); and
    /// what was taken back leaves no trace.
    #[test]
    fn what_is_taken_back_leaves_no_trace(before in choices(20), taken_back in choices(30), after in choices(10)) {
        for mut world in lively_worlds() {
            for choice in &before {
                world.run(&line_of(*choice));
            }
            world.hub.forget_all();
            let (dump, place) = (world.hub.state.dump(), world.note_place());
            for choice in &taken_back {
                world.run(&line_of(*choice));
            }
            world.hub.roll_back();
            world.return_to(place);
            world.hub.state.check();
            prop_assert_eq!(dump, world.hub.state.dump());
            for choice in &after {
                world.run(&line_of(*choice));
            }
        }
    }

    /// Only what a batch that failed had brought is taken back, not what an earlier one kept.
    #[test]
    fn what_is_committed_stays(kept in choices(20), between in choices(20), taken_back in choices(20)) {
        let [mut world, ..] = lively_worlds();
        for choice in &kept {
            world.run(&line_of(*choice));
        }
        world.hub.mark(1);
        for choice in &between {
            world.run(&line_of(*choice));
        }
        world.hub.mark(2);
        let (dump, place) = (world.hub.state.dump(), world.note_place());
        for choice in &taken_back {
            world.run(&line_of(*choice));
        }
        world.hub.mark(3);
        world.hub.forget_until(1);
        world.hub.forget_until(2);
        world.hub.roll_back();
        world.return_to(place);
        world.hub.state.check();
        prop_assert_eq!(dump, world.hub.state.dump());
    }

    /// While the store takes nothing, nothing that needs it comes out, and the state is whole all the time.
    #[test]
    fn nothing_asks_for_the_disk_while_it_fails(before in choices(60), failing in choices(40)) {
        for mut world in lively_worlds() {
            for choice in &before {
                world.run(&line_of(*choice));
            }
            world.run("show changes");
            world.run("storage fails");
            world.lines.clear();
            for choice in &failing {
                world.run(&line_of(*choice));
            }
            prop_assert!(!world.lines.iter().any(|line| line.starts_with("keep")), "{:?}", world.lines);
        }
    }

    /// What the changes say is what a new hub knows after a restart.
    #[test]
    fn the_changes_tell_the_whole_durable_state(lines in choices(80)) {
        for mut world in worlds() {
            let settings = world.hub.settings().clone();
            world.keep_changes();
            for line in PROLOGUE {
                world.run(line);
            }
            for choice in &lines {
                world.run(&line_of(*choice));
            }
            let expected = world.hub.state.durable();
            let restored = World::restore(world.kept(), settings, 1);
            restored.hub.state.check();
            prop_assert_eq!(expected, restored.hub.state.durable());
        }
    }
}

/// T1: sessions that never arrived, stale ones, ones that can't be.
#[test]
fn strangers_change_nothing() {
    let [mut world, ..] = worlds();
    for line in [
        "console registers alice",
        "alice arrives account alice",
        "bob arrives",
        "alice joins #tea",
        "bob joins #tea",
        "alice watches bob",
    ] {
        world.run(line);
    }
    let alice = world.id_of("alice");
    let strangers = [
        SessionId { generation: alice.generation.wrapping_sub(1), ..alice },
        SessionId { slot: 77, ..alice },
        SessionId { slot: SESSIONS_PER_SHARD, ..alice },
        SessionId { slot: u32::MAX, ..alice },
        SessionId { shard: u16::MAX, ..alice },
    ];
    world.hub.forget_all();
    for id in strangers {
        for line in 0..LINES.len() as u8 {
            for name in 0..NAMES.len() as u8 {
                let text = line_of((line, 0, 0, name, 1));
                let words: Vec<&str> = text.split(' ').skip(1).collect();
                // What makes a stranger someone is tried below.
                if matches!(words[0], "arrives" | "logs" | "registers") {
                    continue;
                }
                let dump = world.hub.state.dump();
                let command = world.command("alice", &words);
                let mut effects = Effects::for_shards(2);
                world.apply_into(Origin::Session { id, number: 9, last: true }, command, &mut effects);
                assert_eq!(dump, world.hub.state.dump(), "{text}");
                assert!(effects.changes.is_empty(), "{text}");
                // Whatever comes out goes to the stranger alone.
                for effect in effects.shards.iter().flatten() {
                    assert!(
                        matches!(effect, Effect::Answer { to, .. } | Effect::Done { to, .. } if *to == id),
                        "{text}: {effect:?}"
                    );
                }
            }
        }
    }
    for id in strangers {
        for text in ["x logs in alice", "x registers new", "x logs out"] {
            let words: Vec<&str> = text.split(' ').skip(1).collect();
            let command = world.command("x", &words);
            world.apply_into(Origin::Session { id, number: 1, last: false }, command, &mut Effects::for_shards(2));
            world.hub.state.check();
        }
    }
}

/// Every way in which someone's session can end or become somebody else's, by her own command or another's.
const ENDS: [&str; 14] = [
    "carol quits bye",
    "carol breaks",
    "carol logs out",
    "carol logs in alice",
    "carol disables carol",
    "carol deletes carol",
    "carol kills carol bad",
    "carol kicks #cup carol out",
    "alice kills carol bad",
    "alice kicks #tea carol out",
    "alice sets password carol",
    "console disables carol",
    "console deletes carol",
    "console kills carol bad",
];

/// The sessions of a shard that an effect names, but for those that are told that something is over.
fn named(effect: &Effect) -> Vec<SessionId> {
    match effect {
        Effect::Answer { to, .. } => vec![*to],
        Effect::Enter { session, .. } => vec![*session],
        Effect::ToSessions { sessions, .. } | Effect::ToWatchers { sessions, .. } | Effect::Mirror { sessions, .. } => {
            sessions.clone()
        }
        Effect::Done { .. }
        | Effect::Leave { .. }
        | Effect::ToRoom { .. }
        | Effect::ToAll { .. }
        | Effect::Close { .. } => Vec::new(),
    }
}

/// T2: whoever ends while more of what she asked is on its way, and while others speak of her, leaves nothing of her
/// session behind: nothing is for it any more, and nothing that it asked touches whoever has its place now.
#[test]
fn no_session_outlives_its_end() {
    let mut ended = Vec::new();
    for end in ENDS {
        let [mut world, ..] = lively_worlds();
        for line in ["carol opers admin", "carol watches bob", "carol/2 arrives account carol", "carol says bob hi"] {
            world.run(line);
        }
        let old = world.id_of("carol");
        world.run(end);
        if world.hub.state.session(old).is_some() {
            continue;
        }
        ended.push(end);
        let all_behind = |world: &mut World, when: &str| {
            let dump = world.hub.state.dump();
            for line in 0..LINES.len() as u8 {
                let text = line_of((line, 0, 0, 1, 0));
                let words: Vec<&str> = text.split(' ').skip(1).collect();
                // What would make her someone anew is not said on a closed connection.
                if matches!(words[0], "arrives" | "logs" | "registers") {
                    continue;
                }
                let command = world.command("carol", &words);
                let mut effects = Effects::for_shards(2);
                world.apply_into(Origin::Session { id: old, number: 99, last: true }, command, &mut effects);
                assert_eq!(dump, world.hub.state.dump(), "{end}, {when}{text}");
                let told: Vec<SessionId> = effects.shards.iter().flatten().flat_map(named).collect();
                assert!(told.iter().all(|id| *id == old), "{end}, {when}{text}: {effects:?}");
            }
        };
        all_behind(&mut world, "then ");
        for (who, what) in [
            ("bob", "says #tea hi"),
            ("bob", "says carol hi"),
            ("dave", "renames eve"),
            ("bob", "mode #tea +v carol"),
            ("bob", "quits"),
            ("carol/2", "breaks"),
        ] {
            let command = world.command(who, &what.split(' ').collect::<Vec<_>>());
            let origin = world.origin(who);
            let mut effects = Effects::for_shards(2);
            world.apply_into(origin, command, &mut effects);
            world.hub.state.check();
            let told: Vec<SessionId> = effects.shards.iter().flatten().flat_map(named).collect();
            assert!(!told.contains(&old), "{end}, then {who} {what}: {effects:?}");
        }
        world.renew("carol");
        let heir = world.id_of("carol");
        let arrive = Command::Arrive(Box::new(world.arrival("heir")));
        let origin = Origin::Session { id: heir, number: 1, last: true };
        world.apply_into(origin, arrive, &mut Effects::for_shards(2));
        assert!(world.hub.state.session(heir).is_some(), "{end}");
        all_behind(&mut world, "the heir, then ");
        world.hub.state.check();
    }
    // Being kicked and logging out leave her connected, and she may not change her own standing.
    let left = ["quits", "breaks", "kills", "sets password", "deletes", "disables"];
    assert!(left.iter().all(|word| ended.iter().any(|end| end.contains(word))), "{ended:?}");
}

/// The console and the server may ask anything as well; nothing of it panics.
#[test]
fn the_command_line_can_ask_anything() {
    let [mut world, ..] = worlds();
    world.run("alice arrives");
    world.run("alice joins #tea");
    for line in 0..LINES.len() as u8 {
        for name in 0..NAMES.len() as u8 {
            let text = line_of((line, 0, 0, name, 1));
            let words: Vec<&str> = text.split(' ').skip(1).collect();
            if words[0] == "arrives" {
                continue;
            }
            for origin in [Origin::Console { number: 1 }, Origin::Server] {
                let command = world.command("alice", &words);
                world.apply(origin, command);
            }
        }
    }
}

/// A place that is taken again by a newer session, though nobody told that the old one is gone.
#[test]
fn a_newer_session_takes_the_place_of_an_older_one() {
    let [mut world, ..] = worlds();
    world.run("bob arrives");
    world.run("alice arrives");
    world.run("alice joins #tea");
    world.run("bob joins #tea");
    world.lines.clear();
    world.renew("alice");
    world.run("alice arrives as other");
    world.run("bob asks members #tea");
    let lines = world.lines.join("\n");
    assert!(lines.contains("[bob] alice quit (connection replaced)"), "{lines}");
    assert!(lines.contains("alice: welcome other"), "{lines}");
    assert!(lines.contains("bob: members of #tea: bob"), "{lines}");
}

/// T3: ten thousand members of one room go in one turn: each leaving is told once to each shard that has someone left,
/// and nobody is left behind.
#[test]
fn ten_thousand_members_leave_at_once() {
    let mut world = World::new(settings(), 4);
    world.run("watcher arrives");
    world.run("watcher joins #tea");
    let mut effects = Effects::for_shards(4);
    let sessions: Vec<SessionId> = (0..10_000)
        .map(|number| SessionId { shard: (number % 4) as u16, slot: 100 + number / 4, generation: 1 })
        .collect();
    for (number, id) in sessions.iter().enumerate() {
        let arrival = world.arrival(&format!("n{number}"));
        let origin = Origin::Session { id: *id, number: 1, last: true };
        world.apply_into(origin, Command::Arrive(Box::new(arrival)), &mut effects);
        let join = world.command("x", &["joins", "#tea"]);
        world.apply_into(Origin::Session { id: *id, number: 2, last: true }, join, &mut effects);
    }
    assert_eq!(world.hub.counts().clients, 10_001);
    world.hub.state.check();
    let mut effects = Effects::for_shards(4);
    for id in &sessions {
        let departure = Departure::Broken { reason: "connection lost".into() };
        let origin = Origin::Session { id: *id, number: 3, last: true };
        world.apply_into(origin, Command::Depart(departure), &mut effects);
    }
    assert_eq!(world.hub.counts().clients, 1);
    world.hub.state.check();
    let to_watcher = effects.shards[0].iter().filter(|effect| matches!(effect, Effect::ToRoom { .. })).count();
    assert_eq!(to_watcher, 10_000);
    let in_all: usize = effects.shards.iter().map(Vec::len).sum();
    assert!(in_all <= 10_000 * 6, "{in_all} effects");
}

/// The same with two rooms that all of them are in: nobody is listed one by one for each of the others.
#[test]
fn members_of_two_great_rooms_leave_at_once() {
    let mut world = World::new(settings(), 2);
    let sessions: Vec<SessionId> =
        (0..2_000).map(|slot| SessionId { shard: (slot % 2) as u16, slot, generation: 1 }).collect();
    let mut effects = Effects::for_shards(2);
    for (number, id) in sessions.iter().enumerate() {
        let arrival = world.arrival(&format!("n{number}"));
        let origin = Origin::Session { id: *id, number: 1, last: true };
        world.apply_into(origin, Command::Arrive(Box::new(arrival)), &mut effects);
        for room in ["#tea", "#pot"] {
            let join = world.command("x", &["joins", room]);
            world.apply_into(Origin::Session { id: *id, number: 2, last: true }, join, &mut effects);
        }
    }
    let mut effects = Effects::for_shards(2);
    for id in &sessions {
        let departure = Departure::Quit { reason: None };
        let origin = Origin::Session { id: *id, number: 3, last: true };
        world.apply_into(origin, Command::Depart(departure), &mut effects);
    }
    assert_eq!(world.hub.counts().clients, 0);
    world.hub.state.check();
    let listed: usize = effects
        .shards
        .iter()
        .flatten()
        .map(|effect| match effect {
            Effect::ToSessions { sessions, .. } => sessions.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(listed, 0);
}

/// An idle registered guest costs at most 700 bytes here: herself, her person, her session, the indexes.
#[test]
fn an_idle_guest_is_small() {
    use super::state::SessionPlace;
    use crate::chatroom::Member;
    use crate::client::Client;
    use crate::person::Person;
    let counts = 2 * size_of::<usize>();
    // A table of hashes is at worst seven sixteenths full; hers are the name and its two looks. Vectors may be half
    // empty too, places of sessions are used again.
    let indexes = 3 * 9 * 16 / 7;
    let total = size_of::<Option<Client>>()
        + counts
        + size_of::<Person>()
        + size_of::<SessionPlace>()
        + size_of::<Member>()
        + indexes;
    assert!(total <= 560, "{total} bytes");
}

/// Found by the properties above: whoever gives someone else's account another name, and its bearer with it, was told of it
/// as the one who asked and as one who shares a room with her.
#[test]
fn whoever_names_someone_else_is_told_once() {
    let [_, mut world, ..] = worlds();
    for line in PROLOGUE {
        world.run(line);
    }
    for line in ["alice/2 parts all", "alice/2 joins #cup", "alice calls carol nobody"] {
        world.run(line);
    }
}
