//! To those outside, a secret room and none are the same (T13 of the reliability plan): every verb is asked about both.

use crate::testing::World;
use crate::verb::VERBS;

/// Behind a verb: `§` stands for the room, in another writing than its own.
const PARAMETERS: [&str; 26] = [
    "§",
    "§ :some words",
    "§ bob",
    "§ bob :some words",
    "bob §",
    "@§ :some words",
    "§ :\u{1}VERSION\u{1}",
    "§ +b",
    "§ +I",
    "§ b",
    "§ +o bob",
    "§ +m-s",
    "§ +k key",
    "§ %tcuhnf,7",
    "§ o",
    "§,§ :some words",
    "§,#elsewhere",
    "§ #other",
    "LATEST § * 10",
    "BEFORE § timestamp=2030-01-01T00:00:00.000Z 10",
    "AROUND § timestamp=2030-01-01T00:00:00.000Z 10",
    "TARGETS timestamp=2020-01-01T00:00:00.000Z timestamp=2030-01-01T00:00:00.000Z 10",
    "+ §",
    "GET §",
    "*S*",
    "alice",
];

/// Whoever enters learns that there is something to enter, and who ends her session learns nothing more.
const BY_NATURE: [&str; 3] = ["JOIN", "QUIT", "REGISTER"];

/// All that an outsider is told, with the room's name taken out.
fn told(room_settings: &str, asked: &str) -> Vec<(String, Vec<String>)> {
    let mut world = World::new(|_, _| {});
    for line in [("alice", "JOIN #Secret"), ("alice", room_settings), ("alice", "PRIVMSG #Secret :hush")] {
        if world.named(line.0).is_err() {
            world.arrive(line.0, "message-tags").unwrap();
        }
        let at = world.named(line.0).unwrap();
        world.say(at, line.1).unwrap();
    }
    let capabilities = "message-tags batch labeled-response draft/chathistory echo-message";
    world.arrive("bob", capabilities).unwrap();
    let bob = world.named("bob").unwrap();
    let mut all = Vec::new();
    for verb in VERBS.iter().filter(|verb| !BY_NATURE.contains(&verb.name)) {
        for parameters in PARAMETERS {
            let line = format!("{} {}", verb.name, parameters.replace('§', asked));
            world.say(bob, &line).unwrap_or_else(|why| panic!("{line}: {why}"));
            let answers = world.received(bob).iter().map(|answer| answer.replace(asked, "§")).collect();
            all.push((format!("{} {parameters}", verb.name), answers));
            assert!(!world.is_closed(bob), "{line} ends the session");
        }
    }
    all
}

#[test]
fn no_verb_tells_a_secret_room_from_none() {
    for settings in ["MODE #Secret +s", "MODE #Secret +sm-n", "MODE #Secret +sikb key *!*@*", "MODE #Secret +sCRM-n"] {
        let of_the_secret = told(settings, "#sEcret");
        let of_none = told(settings, "#sEcreu");
        assert!(of_none.iter().any(|(_, answers)| answers.iter().any(|answer| answer.contains(" 403 "))));
        for (secret, none) in of_the_secret.iter().zip(&of_none) {
            assert_eq!(secret, none, "with {settings}");
        }
    }
}
