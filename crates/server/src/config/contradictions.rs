//! What each key allows but the whole does not, and what an operator is warned of.

use super::listener::Protocol;
use super::settings::{Complaints, Origin};
use super::{Config, Registration};

/// Where keys stand which another key may contradict.
#[derive(Default)]
pub(super) struct Places {
    /// `proxy_protocol = true` of a listener.
    pub(super) proxied: Option<Origin>,
    /// `password_cost = "test"`.
    pub(super) test_passwords: Option<Origin>,
    pub(super) guests: Option<Origin>,
}

/// What each key allows but the whole does not.
pub(super) fn complain_of_contradictions(config: &Config, places: &Places, complaints: &Complaints) {
    if let (Some(place), false) = (&places.test_passwords, config.is_loopback_only()) {
        complaints.add(
            place,
            "[accounts] password_cost",
            "\"test\" protects no password, and a listener is not on loopback; write \"standard\"",
        );
    }
    if let Some(place) = places.proxied.as_ref().filter(|_| config.proxy.trusted.is_empty()) {
        complaints.add(
            place,
            "[[listener]] proxy_protocol",
            "nobody may send a PROXY header, so nobody could connect; name the proxy's address in [proxy] trusted",
        );
    }
    if let Some(place) = places.guests.as_ref().filter(|_| !config.accounts.guests)
        && config.accounts.registration == Registration::Open
        && !config.accounts.register_before_connect
        && config.accounts.sasl_mechanisms.is_empty()
    {
        complaints.add(
            place,
            "[accounts] guests",
            "without guests, register_before_connect and sasl_mechanisms nobody could come in; allow one of them",
        );
    }
}

pub(super) fn warn_of_what_has_no_effect(config: &Config, warnings: &mut Vec<String>) {
    if config.discovery.mdns && config.is_loopback_only() {
        warnings.push(
            "[discovery] mdns: nothing is announced, since every listener is on loopback; open one to the network, or start \
             with --lan"
                .to_owned(),
        );
    }
}

pub(super) fn warn_of_risks(config: &Config, warnings: &mut Vec<String>) {
    if config.accounts.plaintext_login && !config.is_loopback_only() {
        warnings.push(
            "[accounts] plaintext_login: passwords cross the network in the clear; turn it off and use a TLS listener"
                .to_string(),
        );
    }
    // What one message of several lines can become: each line has names before it, and tags.
    let longest = config.limits.multiline_bytes + config.limits.multiline_lines * 1_024;
    if longest > config.limits.sendq_bytes {
        warnings.push(format!(
            "[limits] sendq_bytes: one message of multiline_bytes and multiline_lines can have {longest} bytes, and closes \
             the connections of all who are sent it; allow more bytes, or shorter messages"
        ));
    }
    if config.http.origins.iter().any(|origin| origin == "*") {
        warnings.push("[http] origins: with \"*\" any web page can connect from its visitors' browsers".to_string());
    }
    if let Some(sts) = &config.tls.sts {
        let served = config
            .listeners
            .iter()
            .any(|listener| listener.tls && listener.protocol == Protocol::Irc && listener.address.port() == sts.port);
        if !served {
            warnings.push(format!(
                "[tls] sts: no listener of this server speaks IRC over TLS on port {}; clients would be sent there in vain",
                sts.port
            ));
        }
    }
}
