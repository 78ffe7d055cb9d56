//! AUTHENTICATE: what the parameter means is in `sasl.rs`.

use super::{Phase, Verb};
use crate::sasl;
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "AUTHENTICATE",
    parameters: 1,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "AUTHENTICATE <mechanism or data>\nLogs in to an account (SASL).",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    sasl::receive(turn, line.param(0).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use crate::sasl::scram::tests::client_final;
    use crate::testing::{World, check, check_with};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    /// Makes the account alice with the password sesame, and leaves it alone.
    const ACCOUNT: &str = "maker= \n maker> REGISTER alice * sesame\n maker<<\n maker> QUIT\n maker<<\n";

    #[track_caller]
    fn check_login(transcript: &str) {
        check(&format!("{ACCOUNT}{transcript}"));
    }

    fn plain(authzid: &str, authcid: &str, password: &str) -> String {
        STANDARD.encode(format!("{authzid}\0{authcid}\0{password}"))
    }

    #[test]
    fn plain_before_nick_and_user() {
        // authzid equal, and empty.
        for authzid in ["alice", "", "ALICE"] {
            let payload = plain(authzid, "alice", "sesame");
            check_login(&format!(
                "alice+
                 alice> CAP REQ sasl
                 alice<<
                 alice> AUTHENTICATE PLAIN
                 alice< AUTHENTICATE +
                 alice> AUTHENTICATE {payload}
                 alice< :irc.example 900 * *!*@* alice :You are now logged in as alice
                 alice< :irc.example 903 * :SASL authentication successful
                 alice> NICK alice
                 alice> USER alice 0 * :Alice
                 alice> CAP END
                 alice< :irc.example 001 alice :…
                 alice<<
                 alice> WHOIS alice
                 alice< :irc.example 311 alice alice …
                 alice<<",
            ));
        }
    }

    /// irc-framework answers 900 with CAP END, before 903.
    #[test]
    fn the_end_of_negotiation_between_900_and_903_is_no_abort() {
        let mut world = World::new(|_, _| {});
        let maker = world.connect("maker", "");
        for line in ["NICK maker", "USER m 0 * :m", "REGISTER alice * sesame", "QUIT"] {
            world.say(maker, line).unwrap();
        }
        let alice = world.connect("alice", "");
        let payload = plain("alice", "alice", "sesame");
        world.say_at_once(
            alice,
            &[
                "CAP REQ sasl",
                "NICK alice",
                "USER alice 0 * :Alice",
                "AUTHENTICATE PLAIN",
                &format!("AUTHENTICATE {payload}"),
                "CAP END",
                "PING x",
            ],
        );
        let verbs: Vec<String> = world
            .received(alice)
            .iter()
            .filter_map(|line| line.split(' ').find(|word| !word.starts_with([':', '@'])).map(str::to_owned))
            .filter(|verb| {
                !matches!(verb.as_str(), "002" | "003" | "004" | "005" | "251" | "252" | "254" | "255" | "265" | "266")
            })
            .collect();
        assert_eq!(verbs, ["CAP", "AUTHENTICATE", "900", "903", "001", "422", "PONG"]);
    }

    #[test]
    fn wrong_unknown_and_disabled_look_the_same() {
        let cases = [plain("", "alice", "wrong"), plain("", "nobody", "sesame"), plain("", "not a name", "sesame")];
        for payload in cases {
            check_login(&format!(
                "alice+
                 alice> AUTHENTICATE PLAIN
                 alice< AUTHENTICATE +
                 alice> AUTHENTICATE {payload}
                 alice< :irc.example 904 * :SASL authentication failed: wrong name or password",
            ));
        }
    }

    #[test]
    fn nonsense_fails() {
        let cases = [
            plain("bob", "alice", "sesame"),
            plain("", "", "sesame"),
            plain("", "alice", ""),
            plain("", "alice", "a\0b"),
            STANDARD.encode("alice"),
            STANDARD.encode(b"\0alice\0\xff"),
            "!!!".to_owned(),
            "+".to_owned(),
        ];
        for payload in cases {
            check_login(&format!(
                "alice+
                 alice> AUTHENTICATE PLAIN
                 alice< AUTHENTICATE +
                 alice> AUTHENTICATE {payload}
                 alice< :irc.example 904 * :SASL authentication failed: wrong name or password",
            ));
        }
        check(
            "alice+
             alice> AUTHENTICATE
             alice< :irc.example 461 * AUTHENTICATE :Not enough parameters
             alice> AUTHENTICATE NONSENSE
             alice< :irc.example 908 * PLAIN,SCRAM-SHA-256 :are available SASL mechanisms
             alice< :irc.example 904 * :…
             alice> AUTHENTICATE EXTERNAL
             alice< :irc.example 908 * PLAIN,SCRAM-SHA-256 :are available SASL mechanisms
             alice< :irc.example 904 * :…
             alice> AUTHENTICATE *
             alice< :irc.example 906 * :SASL authentication aborted
             alice> AUTHENTICATE plain
             alice< AUTHENTICATE +
             alice> AUTHENTICATE *
             alice< :irc.example 906 * :SASL authentication aborted",
        );
    }

    #[test]
    fn long_responses_come_in_chunks() {
        for length in [291, 300, 592, 1_000] {
            let password = "x".repeat(length);
            let mut transcript = format!("maker=\n maker> REGISTER foo * {}\n", &password[..length.min(450)]);
            transcript
                .push_str("maker<<\n maker> QUIT\n maker<<\n foo+\n foo> AUTHENTICATE PLAIN\n foo< AUTHENTICATE +\n");
            let response = plain("foo", "foo", &password);
            let mut rest = response.as_str();
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(rest.len().min(400));
                transcript.push_str(&format!("foo> AUTHENTICATE {chunk}\n"));
                rest = after;
            }
            if response.len().is_multiple_of(400) {
                transcript.push_str("foo> AUTHENTICATE +\n");
            }
            // REGISTER is one line: a longer password is made on the server's own command line.
            transcript.push_str(if length <= 450 {
                "foo< :irc.example 900 …\n foo< :irc.example 903 …"
            } else {
                "foo< :irc.example 904 …"
            });
            check(&transcript);
        }
        let chunk = "A".repeat(400);
        let mut transcript = "foo+\n foo> AUTHENTICATE PLAIN\n foo< AUTHENTICATE +\n".to_owned();
        transcript.push_str(&format!("foo> AUTHENTICATE {chunk}A\n foo< :irc.example 905 * :SASL message too long\n"));
        transcript.push_str("foo> AUTHENTICATE PLAIN\n foo< AUTHENTICATE +\n");
        transcript.push_str(&format!("foo> AUTHENTICATE {chunk}\n").repeat(11));
        transcript.push_str("foo< :irc.example 904 * :SASL authentication failed: response too long");
        check(&transcript);
    }

    #[test]
    fn registration_without_waiting_aborts() {
        check(
            "alice+
             alice> CAP REQ sasl
             alice<<
             alice> NICK alice
             alice> USER alice 0 * :Alice
             alice> AUTHENTICATE PLAIN
             alice< AUTHENTICATE +
             alice> CAP END
             alice< :irc.example 906 alice :SASL authentication aborted
             alice< :irc.example 001 alice :…
             alice<<",
        );
    }

    #[test]
    fn later_and_again() {
        let right = plain("", "alice", "sesame");
        check_login(&format!(
            "bob=
             bob> AUTHENTICATE PLAIN
             bob< AUTHENTICATE +
             bob> AUTHENTICATE {right}
             bob< :irc.example 900 bob bob!~bob@….ip alice :You are now logged in as alice
             bob< :irc.example 903 bob :SASL authentication successful
             bob> AUTHENTICATE PLAIN
             bob< AUTHENTICATE +
             bob> AUTHENTICATE {right}
             bob< :irc.example 900 bob bob!~bob@….ip alice :You are now logged in as alice
             bob< :irc.example 903 bob :SASL authentication successful",
        ));
    }

    #[test]
    fn attempts_are_limited() {
        let wrong = plain("", "alice", "wrong");
        let attempt = format!(
            "alice> AUTHENTICATE PLAIN
             alice< AUTHENTICATE +
             alice> AUTHENTICATE {wrong}
             alice< :irc.example 904 * :SASL authentication failed: wrong name or password\n"
        );
        check_login(&format!(
            "alice+ throttled
             {attempt}{attempt}{attempt}
             alice> AUTHENTICATE PLAIN
             alice< :irc.example 904 * :SASL authentication failed: too many attempts, wait a minute
             alice> NICK alice2
             alice> USER a 0 * :a
             alice<<
             +61
             {}",
            attempt.replace(" 904 * ", " 904 alice2 ")
        ));
        // The hub counts too, over all connections: three first tries from a new place, and five a minute that all such
        // places share. From where nobody has failed the right password gets in meanwhile.
        let fresh = format!("alice+ throttled address=192.0.2.9\n{attempt}");
        let (many, right) = (fresh.repeat(8), plain("", "alice", "sesame"));
        check_login(&format!(
            "{many}
             alice+ throttled address=192.0.2.9
             alice> AUTHENTICATE PLAIN
             alice< AUTHENTICATE +
             alice> AUTHENTICATE {right}
             alice< :irc.example 904 * :SASL authentication failed: too many attempts, try again in … seconds
             alice+ throttled address=192.0.2.10
             {attempt}
             alice> AUTHENTICATE PLAIN
             alice< AUTHENTICATE +
             alice> AUTHENTICATE {right}
             alice< :irc.example 900 * *!*@* alice :You are now logged in as alice
             alice< :irc.example 903 * :SASL authentication successful",
        ));
    }

    #[test]
    fn scram() {
        for (header, password, succeeds) in
            [("n,,", "sesame", true), ("y,a=alice,", "sesame", true), ("n,,", "wrong", false)]
        {
            let mut world = World::new(|_, _| {});
            let maker = world.connect("maker", "");
            for line in ["NICK maker", "USER m 0 * :m", "REGISTER alice * sesame", "QUIT"] {
                world.say(maker, line).unwrap();
            }
            let alice = world.connect("alice", "plain");
            world.say(alice, "AUTHENTICATE SCRAM-SHA-256").unwrap();
            assert_eq!(world.received(alice), ["AUTHENTICATE +"]);
            let bare = "n=alice,r=clientnonce";
            world.say(alice, &format!("AUTHENTICATE {}", STANDARD.encode(format!("{header}{bare}")))).unwrap();
            let received = world.received(alice);
            let challenge = STANDARD.decode(received[0].strip_prefix("AUTHENTICATE ").unwrap()).unwrap();
            let challenge = String::from_utf8(challenge).unwrap();
            assert!(challenge.starts_with("r=clientnonce") && challenge.ends_with(",i=16"), "{challenge}");
            let (answer, proof) = client_final(password, header, bare, &challenge);
            world.say(alice, &format!("AUTHENTICATE {}", STANDARD.encode(answer))).unwrap();
            let received = world.received(alice);
            if !succeeds {
                assert_eq!(received, [":irc.example 904 * :SASL authentication failed: wrong name or password"]);
                continue;
            }
            assert_eq!(received, [format!("AUTHENTICATE {}", STANDARD.encode(proof))]);
            world.say(alice, "AUTHENTICATE +").unwrap();
            let received = world.received(alice);
            assert!(received[0].contains(" 900 ") && received[1].contains(" 903 "), "{received:?}");
        }
    }

    #[test]
    fn scram_tells_nobody_who_exists() {
        let mut challenges = Vec::new();
        for name in ["alice", "nobody"] {
            let mut world = World::new(|_, _| {});
            let maker = world.connect("maker", "");
            for line in ["NICK maker", "USER m 0 * :m", "REGISTER alice * sesame", "QUIT"] {
                world.say(maker, line).unwrap();
            }
            let at = world.connect("x", "");
            world.say(at, "AUTHENTICATE SCRAM-SHA-256").unwrap();
            world.say(at, &format!("AUTHENTICATE {}", STANDARD.encode(format!("n,,n={name},r=abc")))).unwrap();
            let received = world.received(at);
            challenges.push(STANDARD.decode(&received[1]["AUTHENTICATE ".len()..]).unwrap().len());
            world.say(at, &format!("AUTHENTICATE {}", STANDARD.encode("c=biws,r=abc,p=AAAA"))).unwrap();
            assert_eq!(world.received(at), [":irc.example 904 * :SASL authentication failed: wrong name or password"]);
        }
        assert_eq!(challenges[0], challenges[1]);
    }

    #[test]
    fn external() {
        check(
            "alice+ certificate
             alice> NICK alice
             alice> REGISTER alice * sesame
             alice<<
             alice-
             alice+ certificate
             alice> AUTHENTICATE EXTERNAL
             alice< AUTHENTICATE +
             alice> AUTHENTICATE +
             alice< :irc.example 900 * *!*@* alice :You are now logged in as alice
             alice< :irc.example 903 * :SASL authentication successful
             alice-
             alice+ certificate
             alice> AUTHENTICATE EXTERNAL
             alice< AUTHENTICATE +
             alice> AUTHENTICATE Ym9i ## bob
             alice< :irc.example 904 * :SASL authentication failed: no account has this certificate
             bob+ certificate
             bob> AUTHENTICATE EXTERNAL
             bob< AUTHENTICATE +
             bob> AUTHENTICATE +
             bob< :irc.example 904 * :SASL authentication failed: no account has this certificate",
        );
    }

    #[test]
    fn a_password_goes_nowhere_in_the_clear() {
        let right = plain("", "alice", "sesame");
        check_with(
            |configured, _| configured.login.plaintext = true,
            &format!(
                "{ACCOUNT}
                 alice+ plain
                 alice> AUTHENTICATE PLAIN
                 alice< AUTHENTICATE +
                 alice> AUTHENTICATE {right}
                 alice< :irc.example 900 …
                 alice< :irc.example 903 …",
            ),
        );
        check(
            "alice+ plain
             alice> AUTHENTICATE PLAIN
             alice< :irc.example 908 * SCRAM-SHA-256 :are available SASL mechanisms
             alice< :irc.example 904 * :…",
        );
    }
}
