//! Where the server is: `[USER@]HOST[:PORT]`, and whether the link is encrypted.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use discovery::JoinCode;

/// IRC in plain text and over TLS (RFC 7194 for 6697).
pub const PLAIN_PORT: u16 = 6667;
pub const TLS_PORT: u16 = 6697;

/// What stands on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub user: Option<String>,
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: Option<u16>,
    /// It came as a join code, which promises a certificate.
    pub code: Option<JoinCode>,
    /// As `irc://` or `ircs://` before it says.
    pub encryption: Encryption,
    /// What such an address names behind the host.
    pub room: Option<String>,
}

/// A server that a link can be opened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// No port was given, so DNS may say where the server of that domain is (RFC 2782). The certificate is held to `host` all
    /// the same.
    pub by_name: bool,
}

/// What was asked for about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// By the port and the host: see [`Address::target`].
    Choose,
    Tls,
    Plain,
}

impl Address {
    /// Reads `[USER@]HOST[:PORT]`, an IPv6 address with a port in brackets; or a join code in place of host and port, bare or
    /// behind the `#` of the page's address that chat_server shows as a QR code; or an address as web pages have them,
    /// `ircs://HOST[:PORT][/#ROOM]`. The error is a sentence.
    pub fn parse(text: &str) -> Result<Address, String> {
        match text.split_once("://") {
            Some((scheme @ ("irc" | "ircs"), rest)) => {
                let (server, room) = rest.split_once('/').unwrap_or((rest, ""));
                let encryption = if scheme == "ircs" { Encryption::Tls } else { Encryption::Plain };
                Ok(Address { encryption, room: room_of(room), ..Address::parse_server(server)? })
            }
            _ => Address::parse_server(text),
        }
    }

    fn parse_server(text: &str) -> Result<Address, String> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        if let Some(user) = user
            && (user.is_empty() || user.contains(char::is_whitespace))
        {
            return Err(format!(
                "The name before the @ in \"{text}\" is missing or has a space; write it as alice@{rest}."
            ));
        }
        let page = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://"));
        let after_page = page.and_then(|page| page.split_once('#')).map(|(_, code)| code);
        if let Some(code) = after_page.or_else(|| JoinCode::is_meant(rest).then_some(rest)) {
            let code: JoinCode = code.parse().map_err(|error| format!("\"{text}\": {error}."))?;
            let (host, port) = (code.address.ip().to_string(), Some(code.address.port()));
            return Ok(Address {
                user: user.map(str::to_owned),
                host,
                port,
                code: Some(code),
                encryption: Encryption::Choose,
                room: None,
            });
        }
        if page.is_some() {
            return Err(format!(
                "\"{text}\" is for browsers; give chat_client the host without http://, or the join code that chat_server prints."
            ));
        }
        let (host, port) = split_port(rest);
        let port = match port {
            Some(port) => match port.parse::<u16>() {
                Ok(number) if number != 0 => Some(number),
                _ => {
                    return Err(format!("\"{port}\" in \"{text}\" is no port; use a number from 1 to 65535."));
                }
            },
            None => None,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(format!("\"{text}\" names no server; write it as HOST, HOST:PORT or NAME@HOST."));
        }
        Ok(Address {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
            code: None,
            encryption: Encryption::Choose,
            room: None,
        })
    }

    /// Which port, and whether encrypted. Without a port: this machine itself (`localhost`, 127.0.0.0/8, ::1) plain on
    /// 6667, everything else TLS on 6697. With one: 6667 is plain, every other is TLS. `irc://` and `ircs://` say otherwise,
    /// and `--tls` and `--plain` before them.
    pub fn target(&self, encryption: Encryption) -> Target {
        let encryption = if encryption == Encryption::Choose { self.encryption } else { encryption };
        let tls = match (encryption, self.port) {
            (Encryption::Tls, _) => true,
            // There is a certificate to hold it to.
            _ if self.code.is_some() => true,
            (Encryption::Plain, _) => false,
            (Encryption::Choose, None) => !self.is_loopback(),
            (Encryption::Choose, Some(port)) => port != PLAIN_PORT,
        };
        let port = self.port.unwrap_or(if tls { TLS_PORT } else { PLAIN_PORT });
        Target { host: self.host.clone(), port, tls, by_name: self.port.is_none() }
    }

    fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Target {
    /// `host:port`, with brackets where they are needed: the key of a server in our files. It is that of the name, wherever
    /// DNS says that the server is.
    pub fn key(host: &str, port: u16) -> String {
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{}:{port}", host.to_ascii_lowercase()) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&Target::key(&self.host, self.port))
    }
}

/// The first room of a URL's path; its `#` may be written as `%23`, or be missing.
fn room_of(path: &str) -> Option<String> {
    let room = path.split([',', '?']).next().unwrap_or_default().replace("%23", "#");
    (!room.is_empty()).then(|| if room.starts_with('#') { room } else { format!("#{room}") })
}

/// The port's text, if there is one. An IPv6 address without brackets has colons but no port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some(rest) = text.strip_prefix('[')
        && let Some((host, after)) = rest.split_once(']')
    {
        return (host, after.strip_prefix(':'));
    }
    // Its zone, behind a percent sign, is part of the address (RFC 4007 section 11).
    if text.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) {
        return (text, None);
    }
    match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let check = |text: &str, user: Option<&str>, host: &str, port: Option<u16>| {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.user.as_deref(), address.host.as_str(), address.port), (user, host, port), "{text}");
            assert_eq!((address.code, address.room, address.encryption), (None, None, Encryption::Choose), "{text}");
        };
        check("chat.example", None, "chat.example", None);
        check("alice@chat.example:7000", Some("alice"), "chat.example", Some(7000));
        check("a@b@chat.example", Some("a@b"), "chat.example", None);
        check("::1", None, "::1", None);
        check("[::1]", None, "::1", None);
        check("bob@[2001:db8::1]:6697", Some("bob"), "2001:db8::1", Some(6697));
        check("127.0.0.1:6667", None, "127.0.0.1", Some(6667));
        check("[fe80::1%eth0]:6697", None, "fe80::1%eth0", Some(6697));
        check("fe80::1%eth0", None, "fe80::1%eth0", None);
    }

    #[test]
    fn addresses_of_web_pages_are_read() {
        let check = |text: &str, user: Option<&str>, target: &str, tls: bool, room: Option<&str>| {
            let address = Address::parse(text).unwrap();
            let to = address.target(Encryption::Choose);
            assert_eq!((address.user.as_deref(), to.to_string().as_str(), to.tls), (user, target, tls), "{text}");
            assert_eq!(address.room.as_deref(), room, "{text}");
        };
        check("ircs://chat.example", None, "chat.example:6697", true, None);
        check("irc://chat.example/", None, "chat.example:6667", false, None);
        check("irc://ann@chat.example:7000/#tea", Some("ann"), "chat.example:7000", false, Some("#tea"));
        check("ircs://[fd00::5]:6667/tea,needkey?x", None, "[fd00::5]:6667", true, Some("#tea"));
        check("ircs://localhost/%23tea", None, "localhost:6697", true, Some("#tea"));
    }

    #[test]
    fn a_join_code_is_an_address_with_a_promise() {
        let code = JoinCode::new("192.168.1.5:6667".parse().unwrap(), &[7; 32]);
        let groups = code.to_string();
        for text in [
            groups.clone(),
            groups.replace('-', ""),
            groups.replace('-', " "),
            format!("https://192.168.1.5:8443/#{code}"),
        ] {
            let address = Address::parse(&format!("alice@{text}")).unwrap();
            assert_eq!((address.user.as_deref(), address.code), (Some("alice"), Some(code)), "{text}");
            let target = address.target(Encryption::Choose);
            assert_eq!((target.to_string().as_str(), target.tls), ("192.168.1.5:6667", true));
        }
        let mistyped = code.to_string().replacen(|c: char| c.is_ascii_digit(), "X", 1);
        assert!(Address::parse(&mistyped).unwrap_err().contains("join code"), "{mistyped}");
    }

    #[test]
    fn mistakes_get_a_sentence() {
        let check = |text: &str, sentence: &str| assert_eq!(Address::parse(text), Err(sentence.to_owned()));
        check("", "\"\" names no server; write it as HOST, HOST:PORT or NAME@HOST.");
        check("host:0", "\"0\" in \"host:0\" is no port; use a number from 1 to 65535.");
        check("host:irc", "\"irc\" in \"host:irc\" is no port; use a number from 1 to 65535.");
        check("@host", "The name before the @ in \"@host\" is missing or has a space; write it as alice@host.");
        check("irc://host:x", "\"x\" in \"host:x\" is no port; use a number from 1 to 65535.");
        check(
            "http://host:8080/",
            "\"http://host:8080/\" is for browsers; give chat_client the host without http://, or the join code that chat_server prints.",
        );
    }

    #[test]
    fn without_a_port_dns_may_say_where_the_server_is() {
        let by_name = |text: &str| Address::parse(text).unwrap().target(Encryption::Choose).by_name;
        assert!(by_name("chat.example") && by_name("alice@chat.example"));
        assert!(!by_name("chat.example:6697"));
    }

    #[test]
    fn the_port_and_the_host_choose_the_encryption() {
        let check = |text: &str, encryption: Encryption, expected: &str, tls: bool| {
            let target = Address::parse(text).unwrap().target(encryption);
            assert_eq!((target.to_string().as_str(), target.tls), (expected, tls), "{text} {encryption:?}");
        };
        check("Chat.Example", Encryption::Choose, "chat.example:6697", true);
        check("chat.example", Encryption::Plain, "chat.example:6667", false);
        check("chat.example:6667", Encryption::Choose, "chat.example:6667", false);
        check("chat.example:6667", Encryption::Tls, "chat.example:6667", true);
        check("chat.example:7000", Encryption::Choose, "chat.example:7000", true);
        check("localhost", Encryption::Choose, "localhost:6667", false);
        check("127.0.0.2", Encryption::Choose, "127.0.0.2:6667", false);
        check("::1", Encryption::Tls, "[::1]:6697", true);
        check("localhost:6697", Encryption::Choose, "localhost:6697", true);
        check("localhost:7000", Encryption::Plain, "localhost:7000", false);
    }
}
