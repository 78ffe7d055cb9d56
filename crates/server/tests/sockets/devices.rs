//! Devices over real sockets: remembered by what they call themselves, through the death of the process, for their owner
//! alone.

use crate::support::{Daemon, Irc};

fn log_in(daemon: &Daemon, login: &str) -> Irc {
    let mut irc = Irc::connect(daemon.irc());
    irc.send("CAP REQ :batch parlor/devices");
    irc.expect(" ACK ");
    irc.send(&format!("PASS :{login}:four words of it\r\nNICK alice\r\nUSER a 0 * :a\r\nCAP END"));
    irc.greeted("alice");
    irc
}

/// Id, state and name of each device.
fn devices(irc: &mut Irc) -> Vec<[String; 3]> {
    irc.send("DEVICES");
    irc.expect(" BATCH +");
    let mut found = Vec::new();
    loop {
        let line = irc.expect_any(&[" DEVICE ", " BATCH -"]);
        if line.contains(" BATCH -") {
            return found;
        }
        let words: Vec<&str> = line.split(" DEVICE ").nth(1).expect("its words").split(' ').collect();
        let name = words.get(7).map_or("", |name| name.trim_start_matches(':'));
        found.push([words[0], words[2], name].map(str::to_owned));
    }
}

fn states(irc: &mut Irc) -> Vec<String> {
    devices(irc).into_iter().map(|[_, state, name]| format!("{state}:{name}")).collect()
}

#[test]
fn devices_are_remembered_through_a_kill_and_ended_from_one_another() {
    let daemon = Daemon::start("");
    let mut root = Irc::connect(daemon.irc());
    root.send("NICK root\r\nREGISTER * * :four words of it\r\nUSER r 0 * :r");
    root.greeted("root");
    let mut alice = Irc::connect(daemon.irc());
    alice.send("NICK alice\r\nREGISTER alice * :four words of it\r\nUSER a 0 * :a");
    alice.greeted("alice");
    alice.send("QUIT");
    alice.until_closed();
    let mut desk = log_in(&daemon, "alice@desk");
    let mut phone = log_in(&daemon, "alice@phone");
    assert_eq!(states(&mut desk), ["here:desk", "here:phone", "gone:"]);
    // Ended from another one, it is remembered, and the same when it is back.
    let id = devices(&mut desk)[1][0].clone();
    desk.send(&format!("DEVICES END {id}"));
    desk.expect(&format!("NOTE DEVICES ENDED {id}"));
    let last = phone.until_closed().unwrap_or_default();
    assert!(last.ends_with("(ended from another device)"), "{last:?}");
    assert_eq!(states(&mut desk), ["here:desk", "gone:phone", "gone:"]);
    let phone = log_in(&daemon, "alice@phone");
    assert_eq!(states(&mut desk), ["here:desk", "here:phone", "gone:"]);
    drop(phone);

    let daemon = Daemon::start_in(daemon.kill());
    let mut tablet = log_in(&daemon, "alice@tablet");
    let found = devices(&mut tablet);
    let mut names: Vec<String> = found.iter().map(|[_, state, name]| format!("{state}:{name}")).collect();
    names.sort();
    assert_eq!(names, ["gone:", "gone:desk", "gone:phone", "here:tablet"]);
    let phone = &found.iter().find(|[_, _, name]| name == "phone").expect("it is there")[0];
    // Nobody else has anything to do with them, whoever she is.
    let mut root = Irc::connect(daemon.irc());
    root.send("PASS :root:four words of it\r\nNICK root\r\nUSER r 0 * :r");
    root.greeted("root");
    root.send(&format!("DEVICES END {phone}"));
    root.expect("FAIL DEVICES NO_SUCH_DEVICE");
    root.send("DEVICES alice");
    root.expect("FAIL DEVICES INVALID_PARAMS");
    tablet.send(&format!("DEVICES END {phone}"));
    tablet.expect(&format!("NOTE DEVICES FORGOTTEN {phone}"));
    let daemon = Daemon::start_in(daemon.kill());
    let mut names = states(&mut log_in(&daemon, "alice@tablet"));
    names.sort();
    assert_eq!(names, ["gone:", "gone:desk", "here:tablet"]);
}
