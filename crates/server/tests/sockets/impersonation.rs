//! T15 of the reliability plan: names that look like somebody else's, over real sockets and with the real tables of UTS 39.

use crate::support::{Daemon, Irc};

/// Names that people read as `pavlos`, one letter or more from another script or form.
const LIKE_PAVLOS: [&str; 9] = [
    "pаvlos",       // Cyrillic а
    "раvlоs",       // Cyrillic р, а, о
    "pavlοs",       // Greek omicron
    "ραvlοs",       // Greek rho, alpha, omicron
    "pavӏos",       // Cyrillic palochka
    "pavloѕ",       // Cyrillic dze
    "pаνlos",       // Cyrillic а, Greek nu
    "ｐａｖｌｏｓ", // full width, which PRECIS takes for the same name
    "PАVLOS",       // Cyrillic А, in capitals
];

/// What no name may hold at all: what is not seen, and letters made for mathematics.
const NO_NAMES: [&str; 5] = ["pav\u{200b}los", "pavlos\u{200d}", "pav\u{ad}los", "𝐩𝐚𝐯𝐥𝐨𝐬", "\u{202e}solvap"];

fn refused(irc: &mut Irc, line: &str, codes: &[&str]) {
    irc.send(line);
    let answer = irc.expect_any(&[" 433 ", " 432 ", " 476 ", " 403 ", "FAIL ", " NICK ", " JOIN ", "REGISTER SUCCESS"]);
    assert!(codes.iter().any(|code| answer.contains(code)), "{line}: {answer}");
}

#[test]
fn t15_nobody_takes_a_name_that_looks_like_another_s() {
    let daemon = Daemon::start("");
    let mut pavlos = Irc::connect(daemon.irc());
    pavlos.send("NICK pavlos\r\nREGISTER * * :correct horse battery\r\nUSER p 0 * :p");
    pavlos.expect("REGISTER SUCCESS pavlos");
    pavlos.greeted("pavlos");
    pavlos.join("#pavlos");
    let mut guest = Irc::register(daemon.irc(), "marta");
    let mut eve = Irc::register(daemon.irc(), "eve");

    // Of an account that is here, and then of one that is not.
    for _ in 0..2 {
        for name in LIKE_PAVLOS {
            refused(&mut eve, &format!("NICK {name}"), &[" 433 "]);
            refused(&mut eve, &format!("REGISTER {name} * :correct horse battery"), &["FAIL REGISTER ACCOUNT_EXISTS"]);
            // Before registration is complete as well.
            let mut early = Irc::connect(daemon.irc());
            refused(&mut early, &format!("NICK {name}\r\nUSER e 0 * :e"), &[" 433 "]);
        }
        for name in NO_NAMES {
            refused(&mut eve, &format!("NICK {name}"), &[" 432 "]);
            refused(
                &mut eve,
                &format!("REGISTER {name} * :correct horse battery"),
                &["FAIL REGISTER BAD_ACCOUNT_NAME"],
            );
        }
        if pavlos.try_send("QUIT").is_ok() {
            pavlos.until_closed();
        }
    }

    // Of a guest who is here.
    for name in ["mаrta", "mаrtа", "mαrta"] {
        refused(&mut eve, &format!("NICK {name}"), &[" 433 "]);
        refused(&mut eve, &format!("REGISTER {name} * :correct horse battery"), &["FAIL REGISTER "]);
    }
    guest.send("PING :still");
    guest.expect("PONG");

    // Of a room: of one that is there, and of the one that is always there.
    for name in LIKE_PAVLOS.iter().filter(|name| !name.starts_with('ｐ')) {
        refused(&mut eve, &format!("JOIN #{name}"), &[" 476 "]);
    }
    refused(&mut eve, "JOIN #lоbby", &[" 476 "]);
    refused(&mut eve, "JOIN #lobby\u{200b}", &[" 476 ", " 403 "]);

    // The other way round: who came first has the name, whatever script it is in.
    let mut first = Irc::register(daemon.irc(), "аnna");
    refused(&mut eve, "NICK anna", &[" 433 "]);
    first.send("JOIN #аnna");
    first.expect(" 366 ");
    refused(&mut eve, "JOIN #anna", &[" 476 "]);

    // What is merely foreign is nobody's likeness.
    for name in ["павел", "Ωmega", "名前", "zoë"] {
        refused(&mut eve, &format!("NICK {name}"), &[" NICK "]);
    }
}
