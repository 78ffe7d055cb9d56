//! Passwords that strangers try: bounded for them, and no hindrance to the owner.

use crate::support::{Carrier, Daemon, Irc, Link, TEST_CONFIG, dial_from};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::{Duration, Instant};

const BOUNDS: &str = "[flood]\nconnections_per_minute = 1000\nlines_per_second = 1000\nburst_lines = 1000\n";

fn from(source: &str, daemon: &Daemon) -> Irc {
    Irc::over(Carrier::lines(Link::Plain(dial_from(source, daemon.irc()))))
}

/// What AUTHENTICATE PLAIN with this password is answered with.
fn tries(irc: &mut Irc, name: &str, password: &str) -> String {
    irc.send("AUTHENTICATE PLAIN");
    let asked = irc.expect_any(&["AUTHENTICATE +", " 904 "]);
    if asked.contains(" 904 ") {
        return asked;
    }
    irc.send(&format!("AUTHENTICATE {}", STANDARD.encode(format!("\0{name}\0{password}"))));
    irc.expect_any(&[" 903 ", " 904 "])
}

#[test]
fn a9_strangers_who_guess_do_not_keep_the_owner_out() {
    let daemon = Daemon::start_with(&format!("{TEST_CONFIG}\n{BOUNDS}"));
    for (name, password) in [("root", "correct horse battery"), ("alice", "four words of it")] {
        let mut irc = from("127.0.9.1", &daemon);
        irc.send(&format!("NICK {name}\r\nREGISTER * * :{password}\r\nUSER a 0 * :a"));
        irc.expect("REGISTER SUCCESS");
        irc.greeted(name);
        irc.send("QUIT");
        irc.until_closed();
    }
    // Eighty guesses from twenty addresses, three a connection.
    let (mut wrong, mut held_back) = (0, 0);
    for host in 1..=20 {
        for round in 0..2 {
            let mut stranger = from(&format!("127.0.3.{host}"), &daemon);
            for guess in 0..2 {
                let answer = tries(&mut stranger, "alice", &format!("guess {host} {round} {guess}"));
                assert!(answer.contains(" 904 "), "{answer}");
                let is_held_back = answer.contains("too many attempts");
                held_back += usize::from(is_held_back);
                wrong += usize::from(!is_held_back);
            }
        }
    }
    // Three each, and what they share: five, and one more each twelve seconds.
    assert!((65..=70).contains(&wrong) && held_back >= 10, "{wrong} were tried, {held_back} held back");
    // The owner: from home, from somewhere new, and from there after a slip.
    let begun = Instant::now();
    for source in ["127.0.9.1", "127.0.5.1", "127.0.5.1"] {
        assert!(tries(&mut from(source, &daemon), "alice", "four words of it").contains(" 903 "), "{source}");
    }
    let mut clumsy = from("127.0.5.2", &daemon);
    assert!(tries(&mut clumsy, "alice", "four words of").contains(" 904 "));
    assert!(tries(&mut clumsy, "alice", "four words of it").contains(" 903 "));
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(4), "four logins took {took:?}");
    // A name that nobody has is counted alike.
    let mut stranger = from("127.0.4.1", &daemon);
    for _ in 0..3 {
        assert!(tries(&mut stranger, "nobody", "guess").contains("wrong name or password"));
    }
    assert!(tries(&mut from("127.0.4.1", &daemon), "nobody", "guess").contains("wrong name or password"));
}
