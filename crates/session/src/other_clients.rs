//! What other people's clients do on the wire, as transcripts: each test is a habit seen in a real program, named with it.

use crate::testing::{World, check};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Makes the account alice with the password sesame, and leaves it alone.
const ACCOUNT: &str = "maker= \n maker> REGISTER alice * sesame\n maker<<\n maker> QUIT\n maker<<\n";

fn plain(authzid: &str) -> String {
    STANDARD.encode(format!("{authzid}\0alice\0sesame"))
}

/// pydle takes the first line of the answer to `CAP LS 302` as the whole list.
#[test]
fn the_first_line_of_capabilities_has_the_basic_ones() {
    let mut world = World::new(|_, _| {});
    let at = world.connect("alice", "");
    world.say(at, "CAP LS 302").unwrap();
    let received = world.received(at);
    let list =
        received[0].strip_prefix(":irc.example CAP * LS ").unwrap().trim_start_matches("* ").trim_start_matches(':');
    let names: Vec<&str> = list.split(' ').filter_map(|word| word.split('=').next()).collect();
    let basic = ["sasl", "message-tags", "server-time", "batch", "labeled-response", "echo-message", "multi-prefix"];
    assert_eq!(names[..basic.len()], basic);
    // The Lounge shows the first private message twice where this one is offered and messages are delivered live as well.
    assert!(!names.iter().any(|name| name.starts_with("znc.in/")), "{names:?}");
}

/// irssi 1.4: an empty JOIN right behind CAP LS, NICK and USER only behind CAP END, a host as USER's second field.
#[test]
fn irssi_logs_in_before_it_says_its_name() {
    let payload = plain("alice");
    check(&format!(
        "{ACCOUNT}
         alice+
         alice> CAP LS 302
         alice< :irc.example CAP * LS …:sasl=…
         alice<<
         alice> JOIN :
         alice< :irc.example 451 * :…
         alice> CAP REQ :sasl multi-prefix extended-join away-notify
         alice< :irc.example CAP * ACK :sasl multi-prefix extended-join away-notify
         alice> AUTHENTICATE PLAIN
         alice< AUTHENTICATE +
         alice> AUTHENTICATE {payload}
         alice< :irc.example 900 * *!*@* alice :You are now logged in as alice
         alice< :irc.example 903 * :SASL authentication successful
         alice> CAP END
         alice> NICK alice
         alice> USER alice irc.example irc.example :Alice
         alice< :irc.example 001 alice :…
         alice<<
         alice> MODE alice +i
         alice< :alice!~alice@….ip MODE alice +i
         alice> JOIN #a,#b
         alice< :alice!~alice@….ip JOIN #a alice :Alice
         alice< :irc.example MODE #a +q alice
         alice< :irc.example 353 alice = #a :~alice
         alice< :irc.example 366 alice #a :…
         alice< :alice!~alice@….ip JOIN #b alice :Alice
         alice< :irc.example MODE #b +q alice
         alice< :irc.example 353 alice = #b :~alice
         alice< :irc.example 366 alice #b :…
         alice> MODE #a
         alice< :irc.example 324 alice #a +nt
         alice< :irc.example 329 alice #a 1700000000
         alice> WHO #a %tcuhnfdar,743
         alice< :irc.example 354 alice 743 #a ~alice ….ip alice H~ 0 alice :Alice
         alice< :irc.example 315 alice #a :…
         alice> MODE #a b
         alice< :irc.example 368 alice #a :…"
    ));
}

/// WeeChat 3.8: the answer to WHOX without a token.
#[test]
fn weechat_asks_whox_without_a_token() {
    check(
        "alice= multi-prefix
         alice> JOIN #a
         alice<<
         alice> WHO #a %cuhsnfdar
         alice< :irc.example 354 alice #a ~alice ….ip irc.example alice H@ 0 0 :alice
         alice< :irc.example 315 alice #a :…",
    );
}

/// irc-framework and The Lounge: CAP END as soon as 900 is there, verbs in small letters, the nick twice for WHOIS, a PING
/// behind 001.
#[test]
fn the_lounge_does_not_wait_for_903() {
    let mut world = World::new(|_, _| {});
    let maker = world.connect("maker", "");
    for line in ["NICK maker", "USER m 0 * :m", "REGISTER alice * sesame", "QUIT"] {
        world.say(maker, line).unwrap();
    }
    let alice = world.connect("alice", "");
    for line in ["CAP LS 302", "NICK alice", "USER alice 0 * :Alice", "CAP REQ :sasl", "AUTHENTICATE PLAIN"] {
        world.say(alice, line).unwrap();
    }
    world.received(alice);
    world.say_at_once(alice, &[&format!("AUTHENTICATE {}", plain("alice")), "CAP END"]);
    let received = world.received(alice);
    let verb = |line: &String| line.split(' ').nth(1).unwrap_or_default().to_owned();
    let verbs: Vec<String> = received.iter().map(verb).collect();
    assert_eq!(verbs[..3], ["900", "903", "001"], "{received:?}");
    world.say_at_once(alice, &["PING 1700000000123", "join #tea", "WHOIS alice alice"]);
    let received = world.received(alice);
    assert_eq!(received[0], ":irc.example PONG irc.example 1700000000123".replace(" 17", " :17"));
    let verbs: Vec<String> = received.iter().map(verb).collect();
    assert_eq!(verbs[1..6], ["JOIN", "MODE", "353", "366", "311"], "{received:?}");
    assert!(verbs.contains(&"317".to_owned()), "the idle time: {received:?}");
}

/// Limnoria: labels on everything once labeled-response is there, also before registration; a colon before a single word.
#[test]
fn limnoria_puts_labels_on_everything() {
    let payload = plain("alice");
    check(&format!(
        "{ACCOUNT}
         alice+
         alice> CAP LS :302
         alice< :irc.example CAP * LS …:sasl=…
         alice<<
         alice> CAP REQ :batch labeled-response sasl
         alice< :irc.example CAP * ACK :batch labeled-response sasl
         alice> @label=1 AUTHENTICATE PLAIN
         alice< @label=1 AUTHENTICATE +
         alice> @label=2 AUTHENTICATE {payload}
         alice< @label=2 :irc.example BATCH +… labeled-response
         alice< @batch=… :irc.example 900 * *!*@* alice :…
         alice< @batch=… :irc.example 903 * :…
         alice< :irc.example BATCH -…
         alice> NICK alice
         alice> USER alice 0 * :Alice
         alice> @label=3 CAP END
         alice< …
         alice<<
         alice> JOIN :#x
         alice< :alice!~alice@….ip JOIN #x
         alice<<
         alice> @label=4 MODE alice +B
         alice< @label=4 :alice!~alice@….ip MODE alice +B
         alice> @label=5 MODE #x
         alice< @label=5 :irc.example BATCH +… labeled-response
         alice< @batch=… :irc.example 324 alice #x +nt
         alice< @batch=… :irc.example 329 alice #x 1700000000
         alice< :irc.example BATCH -…
         alice> @label=6 MODE #x +b
         alice< @label=6 :irc.example 368 alice #x :…
         alice> WHO #x %tuhnairf,1
         alice< :irc.example 354 alice 1 ~alice 192.0.2.1 ….ip alice H~B alice :Alice
         alice< :irc.example 315 alice #x :…
         alice> @label=7 QUIT :bye
         alice< @label=7 ERROR :…
         alice!"
    ));
}

/// pydle: an empty authzid, a CAP REQ behind CAP END, a question about a person called `<unregistered>`.
#[test]
fn pydle_asks_for_more_behind_the_end() {
    let payload = plain("");
    check(&format!(
        "{ACCOUNT}
         alice+
         alice> CAP LS 302
         alice<<
         alice> NICK alice
         alice> USER alice 0 * :Alice
         alice> CAP REQ :sasl
         alice<<
         alice> AUTHENTICATE PLAIN
         alice< AUTHENTICATE +
         alice> AUTHENTICATE {payload}
         alice< :irc.example 900 alice …
         alice< :irc.example 903 alice …
         alice> CAP END
         alice<<
         alice> CAP REQ :account-notify
         alice< :irc.example CAP alice ACK :account-notify
         alice> CAP END
         alice> WHOIS <unregistered>
         alice< :irc.example 401 alice <unregistered> :…
         alice< :irc.example 318 alice <unregistered> :…
         alice> JOIN #a
         alice<<
         alice> WHO #a %tnurha,542
         alice< :irc.example 354 alice 542 ~alice ….ip alice alice :Alice
         alice< :irc.example 315 alice #a :…"
    ));
}

/// python-irc: CAP LS without a version, parameters without a colon.
#[test]
fn python_irc_writes_no_colons() {
    let payload = plain("");
    check(&format!(
        "{ACCOUNT}
         alice+
         alice> CAP LS
         alice< :irc.example CAP * LS :sasl message-tags …
         alice> CAP REQ sasl
         alice< :irc.example CAP * ACK :sasl
         alice> AUTHENTICATE PLAIN
         alice< AUTHENTICATE +
         alice> AUTHENTICATE {payload}
         alice<<
         alice> CAP END
         alice> NICK alice
         alice> USER alice 0 * Alice
         alice<<
         alice> JOIN #a
         alice<<
         alice> PART #a later
         alice< :alice!~alice@….ip PART #a :later"
    ));
}

/// WeeChat's /op does nothing for a nick that it has not seen join.
#[test]
fn a_join_is_seen_before_what_depends_on_it() {
    check(
        "alice=
         alice> JOIN #a
         alice<<
         bob=
         bob> JOIN #a
         bob<<
         bob> PRIVMSG #a :hi
         bob> NICK robert
         bob<<
         alice< :bob!~bob@….ip JOIN #a
         alice< :bob!~bob@….ip PRIVMSG #a :hi
         alice< :bob!~bob@….ip NICK …robert",
    );
}
