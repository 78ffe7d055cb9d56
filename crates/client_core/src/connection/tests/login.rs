//! Names, passwords, accounts, and what a server says before it lets one in.

use super::*;

#[test]
fn a_guest_whose_name_is_taken_gets_another() {
    check(
        guest(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 433 * alice :Nickname is already in use
        > NICK :alice_
        < :s FAIL NICK NICKNAME_RESERVED alice_ :Reserved
        > NICK :alice2
        < :s 433 * alice2 :Nickname is already in use
        > NICK :alice3
        < :s 001 alice3 :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice3 -
        < :s 433 alice3 bob :Nickname is already in use
        * no: The name bob is taken; choose another one, or log in if it is yours.
    ",
    );
}

#[test]
fn an_account_whose_name_is_taken_is_told() {
    check(
        account(),
        &after(
            &OUR_SERVER[..OUR_SERVER.find("< :s 001").unwrap()],
            "
        < :s 433 * alice :Nickname is already in use
        > QUIT
        * no login: The name alice is taken; choose another one, or log in if it is yours.
        * closing
        < ERROR :Bye
        * closed
    ",
        ),
    );
}

#[test]
fn logins_that_cannot_be_are_refused_before_a_password_is_sent() {
    let beginning = "
        ! up
        > CAP LS 302
        * negotiating
    ";
    check(
        account(),
        &after(
            beginning,
            "
        < :s CAP * LS :server-time
        > CAP REQ :server-time
        < :s CAP * ACK :server-time
        > QUIT
        * no login: This server knows no accounts, so nobody can log in; come as a guest instead.
        * closing
    ",
        ),
    );
    check(
        account(),
        &after(
            beginning,
            "
        < :s 421 * CAP :Unknown command
        > QUIT
        * no login: This server knows no accounts, so nobody can log in; come as a guest instead.
        * closing
    ",
        ),
    );
    check_on(
        LinkSecurity::Open,
        account(),
        &after(
            beginning,
            "
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > QUIT
        * no login: The password would travel unencrypted, so it was not sent; connect again with TLS.
        * closing
    ",
        ),
    );
    check(account(), &after(beginning, "
        < :s CAP * LS :sasl=EXTERNAL
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > QUIT
        * no login: The server and this program share no way to log in (it offers EXTERNAL); come as a guest, or ask its administrator.
        * closing
    "));
    check(
        newcomer(),
        &after(
            beginning,
            "
        < :s CAP * LS :sasl
        > QUIT
        * no login: This server makes no accounts on request; ask its administrator for one, or come as a guest.
        * closing
    ",
        ),
    );
    check_on(
        LinkSecurity::Open,
        newcomer(),
        &after(
            beginning,
            "
        < :s CAP * LS :draft/account-registration=before-connect
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > QUIT
        * no login: The new password would travel unencrypted, so it was not sent; connect again with TLS.
        * closing
    ",
        ),
    );
}

#[test]
fn scram_comes_first_and_the_server_must_prove_itself() {
    let beginning = "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl=PLAIN,SCRAM-SHA-256,EXTERNAL
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE SCRAM-SHA-256
        * authenticating
        < AUTHENTICATE +
        > AUTHENTICATE biwsbj1hbGljZSxyPUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==
    ";
    check_on(LinkSecurity::Open, account(), &after(beginning, "
        < :s 900 * * alice :You are now logged in
        < :s 903 * :Success
        > QUIT
        * no login: The login stopped because the server could not prove that it knows this account; it may not be the server that it claims to be.
        * closing
    "));
    check(
        account(),
        &after(
            beginning,
            "
        < :s 904 * :SASL authentication failed
        > QUIT
        * wrong password: The name or the password is wrong; check both and try again.
        * closing
    ",
        ),
    );
    check(account(), &after(beginning, "
        < AUTHENTICATE !!!
        > AUTHENTICATE *
        > QUIT
        * no login: The login stopped because the server's answer makes no sense (it is not base64); tell the server's administrator.
        * closing
    "));
}

#[test]
fn after_a_wrong_password_another_is_tried_on_a_new_link_and_what_waits_stays() {
    let player = check(
        account(),
        "
        ! type hello
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE PLAIN
        * authenticating
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHNlc2FtZQ==
        < :s 904 * :SASL authentication failed
        > QUIT
        * wrong password: The name or the password is wrong; check both and try again.
        * closing
        ! again too-early
        < ERROR :Goodbye
        * closed
        ! again right
        * down until 0
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE PLAIN
        * authenticating
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHJpZ2h0
    ",
    );
    assert_eq!(player.connection.outbox().len(), 1);
}

#[test]
fn a_server_that_lists_its_mechanisms_late_is_followed() {
    check(
        account(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :sasl
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE SCRAM-SHA-256
        * authenticating
        < :s 908 * PLAIN,EXTERNAL :are available SASL mechanisms
        < :s 904 * :SASL authentication failed
        > AUTHENTICATE PLAIN
        < AUTHENTICATE +
        > AUTHENTICATE AGFsaWNlAHNlc2FtZQ==
        < :s 904 * :SASL authentication failed
        > QUIT
        * wrong password: The name or the password is wrong; check both and try again.
        * closing
    ",
    );
}

#[test]
fn an_account_is_made_before_or_after_the_welcome() {
    check(
        newcomer(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration=before-connect,custom-account-name sasl
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :Alice
        > REGISTER * * :sesame
        * registering
        < :s REGISTER SUCCESS alice :Done
        > CAP END
        * info: The account alice has been made, and you are logged in.
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice alice
        ! down
        * down until 1
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration=before-connect sasl=PLAIN
        > CAP REQ :sasl
    ",
    );
    check(
        newcomer(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 001 alice :Welcome
        > REGISTER * * :sesame
        < :s FAIL REGISTER ACCOUNT_EXISTS alice :Exists
        > QUIT
        * no login: The name alice belongs to an account already; log in if it is yours, or choose another one.
        * closing
    ",
    );
    check(
        newcomer(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :draft/account-registration=before-connect
        > CAP REQ :draft/account-registration
        < :s CAP * ACK :draft/account-registration
        > NICK :alice
        > USER alice 0 * :Alice
        > REGISTER * * :sesame
        * registering
        < :s FAIL REGISTER COMPLETE_CONNECTION_REQUIRED * :Not yet
        > CAP END
        < :s 001 alice :Welcome
        > REGISTER * * :sesame
        < :s REGISTER SUCCESS alice :Done
        > PING :1
        > JOIN #tea
        * info: The account alice has been made, and you are logged in.
        * joined
        * welcome alice alice
    ",
    );
}

#[test]
fn a_request_refused_as_a_whole_is_made_one_by_one() {
    check(
        guest(),
        "
        ! up
        > CAP LS 302
        * negotiating
        < :s CAP * LS :server-time away-notify
        > CAP REQ :away-notify server-time
        < :s CAP * NAK :away-notify server-time
        > CAP REQ :away-notify
        > CAP REQ :server-time
        < :s CAP * NAK :away-notify
        < :s CAP * ACK :server-time
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        * joined
        * welcome alice -
        < :s CAP alice NEW :batch unknown
        > CAP REQ :batch
        < :s CAP alice ACK :batch
        < :s CAP alice DEL :server-time
    ",
    );
}

#[test]
fn a_server_that_lets_nobody_in_says_why() {
    let beginning = "
        ! up
        > CAP LS 302
        * negotiating
    ";
    check(
        guest(),
        &after(
            beginning,
            "
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :Alice
        > CAP END
        * registering
        < :s FAIL * ACCOUNT_REQUIRED_TO_CONNECT :Log in
        > QUIT
        * no login: This server is for people with an account; log in, or register an account first.
        * closing
    ",
        ),
    );
    check(
        guest(),
        &after(
            beginning,
            "
        < ERROR :Too many connections
        * dead: The server closed the connection: Too many connections
        ! down
        * down until 1
    ",
        ),
    );
    check(
        Settings { server_password: Some(Password::new("wrong word")), ..guest() },
        "
        ! up
        > PASS :wrong word
        > CAP LS 302
        * negotiating
        < :s 464 * :Password incorrect
        > QUIT
        * no login: The server's own password is missing or wrong; ask its administrator for it.
        * closing
    ",
    );
}
