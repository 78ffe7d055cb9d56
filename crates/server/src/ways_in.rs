//! How others come in: what to type or open on another machine, the join code, and the page's address as a QR code.

use crate::config::{Listener, Protocol};
use discovery::{Fingerprint, JoinCode};
use std::net::{IpAddr, SocketAddr};

/// How the server can be reached, and what it shows of itself.
#[derive(Clone, Default, Debug)]
pub struct WaysIn {
    pub listening: Vec<(Listener, SocketAddr)>,
    pub fingerprint: Option<Fingerprint>,
    /// The certificate is the server's own.
    pub self_signed: bool,
}

impl WaysIn {
    /// For a person: what to type and open on other machines, the join code, and with `picture` the page as a QR code. Empty: nobody
    /// else can come.
    pub fn lines(&self, machine: &[IpAddr], picture: bool) -> Vec<String> {
        let mut lines: Vec<String> = ways_in(&self.listening, machine).iter().map(|way| format!("  {way}")).collect();
        if lines.is_empty() {
            return lines;
        }
        lines.insert(0, "From other machines:".to_owned());
        let code = join_code(&self.listening, machine, self.fingerprint.as_ref());
        lines.extend(code.map(|code| format!("  chat_client {code}  # the join code")));
        if let Some(page) = join_page(&self.listening, machine, self.self_signed).filter(|_| picture)
            && let Some(square) = qr_code(&code.map_or_else(|| page.clone(), |code| format!("{page}#{code}")))
        {
            lines.push(String::new());
            lines.extend(square.lines().map(str::to_owned));
            lines.push(format!("  {page}"));
        }
        lines
    }
}

/// What people on other machines type or open: one line for each way in and address of this machine.
fn ways_in(listening: &[(Listener, SocketAddr)], machine: &[IpAddr]) -> Vec<String> {
    let mut ways = Vec::new();
    for (listener, address) in listening {
        let own = [address.ip()];
        let addresses = if address.ip().is_unspecified() { machine } else { &own };
        let reachable = |ip: &&IpAddr| takes(listener, address, **ip) && !ip.is_loopback();
        for ip in addresses.iter().filter(reachable) {
            let socket = SocketAddr::new(*ip, address.port());
            ways.push(match listener.protocol {
                // As chat_client understands it: another machine's 6697 is what it tries by itself.
                Protocol::Irc => {
                    let encryption = match (listener.tls, address.port()) {
                        (true, 6667) => " --tls",
                        (false, port) if port != 6667 => " --plain",
                        _ => "",
                    };
                    format!("chat_client{encryption} --guest YOURNAME@{socket} '#lobby'")
                }
                Protocol::Http => format!("{}://{socket}", listener.scheme()),
            });
        }
    }
    ways
}

/// What stands for the address and the certificate, where something speaks IRC over TLS to the network. Of a server with
/// several addresses the first.
fn join_code(
    listening: &[(Listener, SocketAddr)],
    machine: &[IpAddr],
    fingerprint: Option<&Fingerprint>,
) -> Option<JoinCode> {
    let is_secure = |listener: &Listener| listener.protocol == Protocol::Irc && listener.tls;
    let address = first_reachable(listening, machine, is_secure)?;
    Some(JoinCode::new(address, fingerprint?))
}

/// The address of the page for other machines, over TLS if there is a choice; but browsers warn of a certificate that the server
/// made itself, so that then the way without is the first (docs/decisions/0015-encryption-on-a-lan.md).
fn join_page(listening: &[(Listener, SocketAddr)], machine: &[IpAddr], self_signed: bool) -> Option<String> {
    let mut kinds = [("https", true), ("http", false)];
    if self_signed {
        kinds.reverse();
    }
    kinds.into_iter().find_map(|(scheme, tls)| {
        let is_page = |listener: &Listener| listener.protocol == Protocol::Http && listener.tls == tls;
        let address = first_reachable(listening, machine, is_page)?;
        Some(format!("{scheme}://{address}/"))
    })
}

fn first_reachable(
    listening: &[(Listener, SocketAddr)],
    machine: &[IpAddr],
    wanted: impl Fn(&Listener) -> bool,
) -> Option<SocketAddr> {
    let mut reachable = listening.iter().filter(|(listener, address)| wanted(listener) && !address.ip().is_loopback());
    reachable.find_map(|(listener, address)| {
        let ip = match address.ip() {
            ip if ip.is_unspecified() => *machine.iter().find(|own| takes(listener, address, **own))?,
            ip => ip,
        };
        Some(SocketAddr::new(ip, address.port()))
    })
}

/// Whether it is heard there under an address of this family: `[::]` alone takes connections of IPv4 too.
fn takes(listener: &Listener, address: &SocketAddr, ip: IpAddr) -> bool {
    let is_of_both = address.ip().is_unspecified() && address.is_ipv6() && !listener.v6_only;
    is_of_both || ip.is_ipv4() == address.is_ipv4()
}

/// For a terminal: dark on light whatever its colours are, since that is what cameras expect.
fn qr_code(text: &str) -> Option<String> {
    use qrcode::render::unicode::Dense1x2;
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L).ok()?;
    let rows = code.render::<Dense1x2>().dark_color(Dense1x2::Dark).light_color(Dense1x2::Light).build();
    Some(rows.lines().map(|row| format!("  \u{1b}[30;107m{row}\u{1b}[0m")).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_told_addresses_that_they_can_reach() {
        let check = |scheme: (Protocol, bool), address: &str, expected: &[&str]| {
            let address: SocketAddr = address.parse().unwrap();
            let listener = Listener::new(address.ip(), address.port(), scheme.0, scheme.1);
            let machine = ["192.168.1.5".parse().unwrap(), "fd00::5".parse().unwrap()];
            assert_eq!(ways_in(&[(listener, address)], &machine), expected, "{address}");
        };
        check((Protocol::Irc, false), "127.0.0.1:6667", &[]);
        check((Protocol::Irc, true), "0.0.0.0:6697", &["chat_client --guest YOURNAME@192.168.1.5:6697 '#lobby'"]);
        let v4 = "chat_client --guest YOURNAME@192.168.1.5:6697 '#lobby'";
        let v6 = "chat_client --guest YOURNAME@[fd00::5]:6697 '#lobby'";
        check((Protocol::Irc, true), "[::]:6697", &[v4, v6]);
        check(
            (Protocol::Irc, false),
            "10.0.0.1:7000",
            &["chat_client --plain --guest YOURNAME@10.0.0.1:7000 '#lobby'"],
        );
        check((Protocol::Http, false), "0.0.0.0:8080", &["http://192.168.1.5:8080"]);
        check((Protocol::Http, true), "127.0.0.1:8080", &[]);
        // Beside one of IPv4 on the same port it is for IPv6 alone.
        let (any, socket) = ("::".parse().unwrap(), "[::]:6697".parse().unwrap());
        let beside_ipv4 = Listener { v6_only: true, ..Listener::new(any, 6697, Protocol::Irc, true) };
        let machine = ["192.168.1.5".parse().unwrap(), "fd00::5".parse().unwrap()];
        assert_eq!(ways_in(&[(beside_ipv4, socket)], &machine), [v6]);
    }

    #[test]
    fn the_code_and_the_page_are_of_what_others_can_reach() {
        let listening = |urls: &[(Protocol, bool, &str)]| -> Vec<(Listener, SocketAddr)> {
            let listen = |(protocol, tls, address): &(Protocol, bool, &str)| {
                let address: SocketAddr = address.parse().unwrap();
                (Listener::new(address.ip(), address.port(), *protocol, *tls), address)
            };
            urls.iter().map(listen).collect()
        };
        let machine: Vec<IpAddr> = vec!["192.168.1.5".parse().unwrap(), "fd00::5".parse().unwrap()];
        let check = |urls: &[(Protocol, bool, &str)], page: Option<&str>| {
            assert_eq!(join_page(&listening(urls), &machine, false).as_deref(), page, "{urls:?}");
        };
        check(&[(Protocol::Http, false, "127.0.0.1:8080"), (Protocol::Irc, true, "0.0.0.0:6697")], None);
        check(
            &[(Protocol::Http, false, "0.0.0.0:8080"), (Protocol::Http, true, "0.0.0.0:8443")],
            Some("https://192.168.1.5:8443/"),
        );
        check(&[(Protocol::Http, true, "[::]:8443")], Some("https://192.168.1.5:8443/"));
        let both = listening(&[(Protocol::Http, true, "0.0.0.0:8443"), (Protocol::Http, false, "0.0.0.0:8080")]);
        assert_eq!(join_page(&both, &machine, true).as_deref(), Some("http://192.168.1.5:8080/"));
        assert_eq!(join_page(&both[..1], &machine, true).as_deref(), Some("https://192.168.1.5:8443/"));
        let all = listening(&[(Protocol::Irc, true, "127.0.0.1:6697"), (Protocol::Irc, true, "0.0.0.0:7000")]);
        let code = join_code(&all, &machine, Some(&[7; 32])).unwrap();
        assert_eq!(code.address, "192.168.1.5:7000".parse().unwrap());
        assert_eq!(join_code(&all[..1], &machine, Some(&[7; 32])), None);
        assert_eq!(join_code(&all, &machine, None), None);
    }

    #[test]
    fn all_that_others_need_is_told_and_nothing_where_nobody_else_can_come() {
        let ways_in = |address: &str| {
            let address: SocketAddr = address.parse().unwrap();
            let listen = |protocol, tls| (Listener::new(address.ip(), address.port(), protocol, tls), address);
            let listening = vec![listen(Protocol::Irc, true), listen(Protocol::Http, false)];
            WaysIn { listening, fingerprint: Some([7; 32]), self_signed: true }
        };
        let machine: Vec<IpAddr> = vec!["192.168.1.5".parse().unwrap()];
        let lines = ways_in("0.0.0.0:7000").lines(&machine, false);
        let begins = ["From other machines:", "  chat_client --guest", "  http://192.168.1.5:7000", "  chat_client "];
        assert_eq!(lines.len(), begins.len(), "{lines:?}");
        assert!(lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin)), "{lines:?}");
        let with_picture = ways_in("0.0.0.0:7000").lines(&machine, true);
        assert_eq!(with_picture.last().map(String::as_str), Some("  http://192.168.1.5:7000/"));
        assert!(with_picture.len() > 20, "{with_picture:?}");
        assert_eq!(ways_in("127.0.0.1:7000").lines(&machine, true), [""; 0]);
    }

    #[test]
    fn the_page_s_address_is_a_square_of_dark_and_light() {
        let code = qr_code("https://192.168.1.5:8443/").unwrap();
        let rows: Vec<usize> = code.lines().map(|row| row.chars().filter(|c| " ▀▄█".contains(*c)).count()).collect();
        assert!(rows.len() > 14 && rows.iter().all(|row| *row == rows[0]), "{code}");
    }
}
