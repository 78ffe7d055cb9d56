//! SASL EXTERNAL with a client's certificate, through the real TLS.

use crate::support::{Carrier, Daemon, Irc, Link, dial};

/// A certificate of nobody's, and its key.
fn certificate() -> (Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["alice".to_owned()]).expect("a certificate");
    (made.cert.der().to_vec(), made.signing_key.serialize_der())
}

#[test]
fn whoever_shows_the_certificate_of_an_account_is_let_in_without_a_password() {
    let daemon = Daemon::start("");
    let connect =
        |shown: &(Vec<u8>, Vec<u8>)| Irc::over(Carrier::lines(Link::tls_as(dial(daemon.address("ircs")), shown)));
    let (hers, anothers) = (certificate(), certificate());

    let mut alice = connect(&hers).registered("alice");
    alice.send("REGISTER * * :correct horse");
    alice.expect("REGISTER SUCCESS");
    drop(alice);

    let mut again = connect(&hers);
    again.send("CAP LS 302");
    again.expect("EXTERNAL");
    again.send("CAP REQ sasl");
    again.send("AUTHENTICATE EXTERNAL");
    again.expect("AUTHENTICATE +");
    again.send("AUTHENTICATE +");
    again.expect(" 903 ");
    again.send("CAP END");
    let again = again.registered("alice");
    drop(again);

    let mut other = connect(&anothers);
    other.send("CAP REQ sasl");
    other.send("AUTHENTICATE EXTERNAL");
    other.expect("AUTHENTICATE +");
    other.send("AUTHENTICATE +");
    other.expect(" 904 ");

    // Without one the mechanism is not even offered.
    let mut nobody = Irc::connect_tls(daemon.address("ircs"));
    nobody.send("CAP LS 302");
    assert!(!nobody.expect(" CAP ").contains("EXTERNAL"));
}
