//! What was acknowledged is there after a kill at once behind it: all that is kept besides messages and accounts.

use crate::support::{DEADLINE, Daemon, Irc, tag};
use std::time::Instant;

const CAPABILITIES: &str = "batch server-time message-tags echo-message sasl draft/chathistory draft/message-edit \
                            draft/message-redaction draft/event-playback draft/metadata-2";
const PASSWORD: &str = "four words of it";

/// A server with its owner, who is in #tea as its owner too, and bob, who is a member: accounts, each of one device.
struct House {
    daemon: Daemon,
    root: Irc,
    bob: Irc,
}

impl House {
    fn new() -> House {
        let daemon = Daemon::start("");
        for name in ["root", "bob"] {
            let mut maker = Irc::register(daemon.irc(), name);
            maker.send(&format!("REGISTER * * :{PASSWORD}"));
            maker.expect("REGISTER SUCCESS");
            maker.join("#tea");
            maker.send("QUIT");
            maker.until_closed();
        }
        House::enter(daemon)
    }

    fn enter(daemon: Daemon) -> House {
        let (root, bob) = (come(&daemon, "root"), come(&daemon, "bob"));
        House { daemon, root, bob }
    }

    /// The server is killed now and starts again; both come back.
    fn killed(self) -> House {
        House::enter(Daemon::start_in(self.daemon.kill()))
    }
}

/// Logs in, and is in the rooms of before.
fn come(daemon: &Daemon, name: &str) -> Irc {
    let mut irc = knock(daemon, name);
    irc.greeted(name);
    irc.drain();
    irc
}

/// The first lines of an account's device, without waiting for the answer.
fn knock(daemon: &Daemon, name: &str) -> Irc {
    let mut irc = Irc::connect(daemon.irc());
    irc.send(&format!(
        "CAP REQ :{CAPABILITIES}\r\nPASS :{name}:{PASSWORD}\r\nNICK {name}\r\nUSER {name} 0 * :{name}\r\nCAP END"
    ));
    irc
}

/// Everything that comes of this line.
fn ask(irc: &mut Irc, line: &str) -> Vec<String> {
    irc.send(line);
    irc.drain()
}

#[track_caller]
fn has(lines: &[String], part: &str) {
    assert!(lines.iter().any(|line| line.contains(part)), "no {part:?} in {lines:#?}");
}

#[track_caller]
fn has_not(lines: &[String], part: &str) {
    assert!(!lines.iter().any(|line| line.contains(part)), "{part:?} is in {lines:#?}");
}

#[test]
fn what_someone_has_read_and_says_of_herself_is_kept() {
    let mut house = House::new();
    for (target, time) in [("#tea", "2019-01-04T14:33:26.123Z"), ("bob", "2019-01-05T14:33:26.123Z")] {
        house.root.send(&format!("MARKREAD {target} timestamp={time}"));
        house.root.expect(&format!("MARKREAD {target} timestamp={time}"));
        house = house.killed();
        has(&ask(&mut house.root, &format!("MARKREAD {target}")), &format!("MARKREAD {target} timestamp={time}"));
        has(&ask(&mut house.bob, "MARKREAD #tea"), "MARKREAD #tea *");
    }
    house.root.send("METADATA * SET display-name :Root of all");
    house.root.expect(" 761 root root display-name * :Root of all");
    house = house.killed();
    has(&ask(&mut house.bob, "METADATA root GET display-name"), " 761 bob root display-name * :Root of all");

    house.root.send("METADATA #tea SET avatar :https://example.org/tea.png");
    house.root.expect(" 761 root #tea avatar * :https://example.org/tea.png");
    house = house.killed();
    has(&ask(&mut house.bob, "METADATA #tea LIST"), " 761 bob #tea avatar * :https://example.org/tea.png");

    // What is for her own devices alone, with what follows from it.
    house.root.send("METADATA bob SET soju.im/blocked :1");
    house.root.expect(" 761 root bob soju.im/blocked private :1");
    house = house.killed();
    has(&ask(&mut house.root, "METADATA bob LIST"), " 761 root bob soju.im/blocked private :1");
    has_not(&ask(&mut house.bob, "METADATA bob LIST"), "soju.im/blocked");
    ask(&mut house.bob, "PRIVMSG root :hello");
    has_not(&house.root.drain(), "hello");

    house.root.send("METADATA * SET display-name");
    house.root.expect(" 766 root root display-name :");
    house = house.killed();
    has_not(&ask(&mut house.bob, "METADATA root LIST"), "display-name");
}

#[test]
fn what_was_edited_and_what_became_of_messages_is_kept() {
    let mut house = House::new();
    house.bob.send("PRIVMSG #tea :helo");
    let id = tag(&house.bob.expect("PRIVMSG #tea :helo"), "msgid").expect("an id").to_owned();
    let edit = |text: &str| format!("@draft/target-msgid={id};draft/edit-text={text} EDIT #tea");
    for text in ["hello", "hello\\sall"] {
        house.bob.send(&edit(text));
        house.bob.expect(&format!("draft/edit-text={text} "));
        house = house.killed();
    }
    let page = ask(&mut house.root, "CHATHISTORY LATEST #tea * 50");
    has(&page, "PRIVMSG #tea :hello all");
    has_not(&page, ":helo");
    let earlier = ask(&mut house.root, &format!("EDITS #tea {id}"));
    has(&earlier, ":helo");
    has(&earlier, ":hello");
    has(&earlier, ": 2 earlier texts");
    house.root.send(&format!("REDACT #tea {id} :off topic"));
    house.root.expect(&format!("REDACT #tea {id}"));
    house = house.killed();
    has(&ask(&mut house.root, &format!("EDITS #tea {id}")), ": 0 earlier texts");
    house.bob.send(&edit("again"));
    house.bob.expect(&format!("FAIL EDIT UNKNOWN_MSGID #tea {id} :"));
}

#[test]
fn links_and_what_is_left_of_them_are_kept() {
    let mut house = House::new();
    ask(&mut house.root, "MODE #tea +i");
    house.root.send("INVITELINK CREATE #tea 1d 2");
    let made = house.root.expect("NOTE INVITELINK CREATED #tea ");
    let mut words = made.split(' ').skip_while(|word| *word != "#tea").skip(1);
    let (id, token) = (words.next().expect("an id").to_owned(), words.next().expect("a token").to_owned());
    house = house.killed();
    let mut carol = Irc::register(house.daemon.irc(), "carol");
    carol.send(&format!("JOIN #tea {token}"));
    carol.expect(" 366 ");
    house = house.killed();
    // One use is gone for good.
    has(&ask(&mut house.root, "INVITELINK LIST #tea"), &format!("NOTE INVITELINK LINK #tea {id} 1 "));
    house.root.send(&format!("INVITELINK REVOKE #tea {id}"));
    house.root.expect(&format!("NOTE INVITELINK REVOKED #tea {id} :"));
    house = house.killed();
    has_not(&ask(&mut house.root, "INVITELINK LIST #tea"), &id);
    let mut carol = Irc::register(house.daemon.irc(), "carol");
    carol.send(&format!("JOIN #tea {token}"));
    carol.expect(" 475 carol #tea ");
}

#[test]
fn bans_of_rooms_and_when_they_end_are_kept() {
    let mut house = House::new();
    house.root.send("TBAN #tea 1h carol");
    house.root.expect("MODE #tea +b carol!*@*");
    house = house.killed();
    let mut carol = Irc::register(house.daemon.irc(), "carol");
    carol.send("JOIN #tea");
    carol.expect(" 474 carol #tea ");
    house.root.send("TBAN #tea 2s m:bob");
    house.root.expect("MODE #tea +b m:bob!*@*");
    house = house.killed();
    // It ends by itself after the kill as it would have before, and the other one stays.
    let begun = Instant::now();
    while ask(&mut house.root, "MODE #tea b").iter().any(|line| line.contains("m:bob!*@*")) {
        assert!(begun.elapsed() < DEADLINE, "the mute never ends");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    has(&ask(&mut house.root, "MODE #tea b"), "carol!*@*");
    ask(&mut house.bob, "PRIVMSG #tea :at last");
    has(&house.root.drain(), "at last");
}

#[test]
fn bans_of_the_server_and_the_audit_are_kept() {
    let mut house = House::new();
    house.root.send("KLINE 1h a:bob :spam");
    house.root.expect("NOTE KLINE BANNED a:bob :");
    let daemon = Daemon::start_in(house.daemon.kill());
    let mut root = come(&daemon, "root");
    knock(&daemon, "bob").expect(" 464 ");
    has(&ask(&mut root, "STATS k"), " 216 root K a:bob * ");
    root.send("DLINE 203.0.113.0/24 :flood");
    root.expect("NOTE DLINE BANNED 203.0.113.0/24 :");
    let daemon = Daemon::start_in(daemon.kill());
    let mut root = come(&daemon, "root");
    has(&ask(&mut root, "STATS k"), " 216 root D 203.0.113.0/24 * ");
    root.send("UNKLINE a:bob");
    root.expect("NOTE UNKLINE BAN_LIFTED a:bob :");
    house = House::enter(Daemon::start_in(daemon.kill()));
    has_not(&ask(&mut house.root, "STATS k"), "a:bob");

    // A kick of someone of whom nothing else is kept.
    let mut carol = Irc::register(house.daemon.irc(), "carol");
    carol.join("#tea");
    house.root.send("KICK #tea carol :loud");
    carol.expect("KICK #tea carol :loud");
    house = house.killed();
    let audit = ask(&mut house.root, "AUDIT");
    for entry in [
        " root * account\u{a0}bob :set: spam",
        " root * door\u{a0}203.0.113.0/24 :set: flood",
        " root * account\u{a0}bob :lifted",
        " root #tea carol :loud",
    ] {
        has(&audit, entry);
    }
}

/// What anyone was shown to happen in a room is in its history (draft/event-playback), whoever did it.
#[test]
fn what_was_seen_to_happen_is_kept() {
    let mut house = House::new();
    let steps: [(&str, &str); 5] = [
        ("JOIN #tea", ":carol!"),
        ("NICK caroline", "NICK caroline"),
        ("PART #tea :bye", "PART #tea :bye"),
        ("JOIN #tea", "JOIN #tea"),
        ("QUIT :gone", "QUIT :"),
    ];
    let mut seen = Vec::new();
    let mut name = "carol";
    for (line, part) in steps {
        // Guests: nothing else is kept of what they do.
        let mut carol = Irc::register(house.daemon.irc(), name);
        if !line.starts_with("JOIN") {
            carol.join("#tea");
            house.bob.expect("JOIN #tea");
        }
        carol.send(line);
        let told = house.bob.expect(part);
        seen.push(tag(&told, "msgid").expect("an id").to_owned());
        if line.starts_with("NICK") {
            name = "caroline";
        }
        house = house.killed();
        let page = ask(&mut house.bob, "CHATHISTORY LATEST #tea * 50");
        for id in &seen {
            has(&page, id);
        }
    }
}
