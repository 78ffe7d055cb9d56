//! The tables of the file, each key with its kind, its range and its default.

use super::contradictions::Places;
use super::files::{plain_words, read_text};
use super::secret::Secret;
use super::settings::Section;
use super::values::{address_ranges, boolean, count, line, parse_span, span};
use super::{
    Accounts, Admin, AlwaysOn, Casemapping, CertificateFiles, Durability, Flood, History, Http, Log, LogLevel,
    PasswordCost, PemFile, Proxy, Registration, Retention, RoomCreation, Rooms, SaslMechanism, Server, Storage, Sts,
    Tls, WebircGateway,
};
use crate::limits::Limits;
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn read_server(mut section: Section) -> Server {
    let defaults = Server {
        name: host_name(),
        network: "parlor".to_string(),
        description: "A friendly parlor".to_string(),
        motd: Vec::new(),
        password: None,
        casemapping: Casemapping::Precis,
        lookup_hostnames: false,
        admin: Admin::default(),
    };
    let name = match section.text("name") {
        Some((name, _)) if is_server_name(&name) => name,
        Some((name, place)) => {
            section.complain(
                &place,
                "name",
                format!("{name:?} is no server name; write 1 to 63 letters, digits, dots and hyphens"),
            );
            defaults.name
        }
        None => defaults.name,
    };
    let network = line(&mut section, "network", 64).filter(|network| !network.is_empty()).unwrap_or(defaults.network);
    let description = line(&mut section, "description", 200).unwrap_or(defaults.description);
    let motd = read_motd(&mut section);
    let password = section.text("password").and_then(|(password, place)| {
        if password.is_empty() || password.contains(['\r', '\n', '\0']) {
            section.complain(
                &place,
                "password",
                "an empty password protects nothing; write one line, or leave the key out",
            );
            return None;
        }
        Some(Secret::new(password))
    });
    let casemapping = section
        .choice("casemapping", &[("precis", Casemapping::Precis), ("ascii", Casemapping::Ascii)])
        .map_or(defaults.casemapping, |(casemapping, _)| casemapping);
    let lookup_hostnames = section.boolean("lookup_hostnames").is_some_and(|(lookup, _)| lookup);
    let admin = {
        let mut section = section.table("admin");
        let admin = Admin {
            name: line(&mut section, "name", 200).unwrap_or_default(),
            location: line(&mut section, "location", 200).unwrap_or_default(),
            email: line(&mut section, "email", 200).unwrap_or_default(),
        };
        section.finish();
        admin
    };
    section.finish();
    Server { name, network, description, motd, password, casemapping, lookup_hostnames, admin }
}

pub(super) fn read_motd(section: &mut Section) -> Vec<String> {
    let text = section.text("motd");
    let file = section.text("motd_file");
    let text = match (text, file) {
        (Some(_), Some((_, place))) => {
            section.complain(&place, "motd_file", "motd is set as well; keep one of the two");
            return Vec::new();
        }
        (Some((text, _)), None) => text,
        (None, Some((path, place))) => {
            let path = place.resolve(&path);
            match read_text(&path) {
                Ok(text) => text,
                Err(why) => {
                    section.complain(
                        &place,
                        "motd_file",
                        format!("{}: {why}; name a readable text file", path.display()),
                    );
                    return Vec::new();
                }
            }
        }
        (None, None) => return Vec::new(),
    };
    text.lines().map(|line| line.replace(['\r', '\0'], "")).collect()
}

pub(super) fn read_tls(mut section: Section) -> Tls {
    let mut file = |key| {
        section.text(key).map(|(path, place)| {
            let path = place.resolve(&path);
            if let Err(why) = std::fs::File::open(&path) {
                let why = plain_words(&why);
                section.complain(&place, key, format!("{}: {why}; name a readable PEM file", path.display()));
            }
            let named_at = format!("{place}: [tls] {key}");
            (PemFile { path, named_at }, place)
        })
    };
    let files = match (file("certificate"), file("key")) {
        (Some((certificate, _)), Some((key, _))) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some((_, place)), None) => {
            section.complain(&place, "certificate", "there is no key for it; set key as well");
            None
        }
        (None, Some((_, place))) => {
            section.complain(&place, "key", "there is no certificate for it; set certificate as well");
            None
        }
    };
    let sts = {
        let mut section = section.table("sts");
        let duration = span(&mut section, "duration");
        let port = section.integer("port", 1..=65_535);
        let preload = section.boolean("preload").is_some_and(|(preload, _)| preload);
        let sts = match (duration, port) {
            (Some((duration, _)), port) => {
                let port = port.map_or(6697, |(port, _)| port as u16);
                Some(Sts { duration, port, preload })
            }
            (None, Some((_, place))) => {
                section.complain(&place, "port", "sts needs a duration as well, such as duration = \"30d\"");
                None
            }
            (None, None) => None,
        };
        section.finish();
        sts
    };
    section.finish();
    Tls { files, sts }
}

pub(super) fn read_storage(mut section: Section) -> Storage {
    let path = match section.text("path") {
        Some((path, place)) if path.is_empty() => {
            section.complain(&place, "path", "the path is empty; name a folder");
            PathBuf::from("parlor-data")
        }
        Some((path, place)) => {
            let path = place.resolve(&path);
            if path.is_file() {
                section.complain(
                    &place,
                    "path",
                    format!("{} is a file, and a folder is wanted; name a folder", path.display()),
                );
            }
            path
        }
        None => PathBuf::from("parlor-data"),
    };
    let durability = section
        .choice("durability", &[("full", Durability::Full), ("relaxed", Durability::Relaxed)])
        .map_or(Durability::Full, |(durability, _)| durability);
    section.finish();
    Storage { path, durability }
}

pub(super) fn read_accounts(mut section: Section) -> (Accounts, Places) {
    const MECHANISMS: [(&str, SaslMechanism); 3] = [
        ("PLAIN", SaslMechanism::Plain),
        ("SCRAM-SHA-256", SaslMechanism::ScramSha256),
        ("EXTERNAL", SaslMechanism::External),
    ];
    let registration = section
        .choice("registration", &[("open", Registration::Open), ("closed", Registration::Closed)])
        .map_or(Registration::Open, |(registration, _)| registration);
    let register_before_connect = boolean(&mut section, "register_before_connect", true);
    let email_required = boolean(&mut section, "email_required", false);
    let sasl_mechanisms = match section.texts("sasl_mechanisms") {
        Some(names) => {
            let mut mechanisms = Vec::new();
            for (name, place) in names {
                match MECHANISMS.iter().find(|(known, _)| *known == name) {
                    Some((_, mechanism)) if !mechanisms.contains(mechanism) => mechanisms.push(*mechanism),
                    Some(_) => {
                        section.complain(&place, "sasl_mechanisms", format!("{name:?} stands here twice; remove one"))
                    }
                    None => section.complain(
                        &place,
                        "sasl_mechanisms",
                        format!("{name:?} is none of \"PLAIN\", \"SCRAM-SHA-256\", \"EXTERNAL\""),
                    ),
                }
            }
            mechanisms
        }
        None => MECHANISMS.iter().map(|(_, mechanism)| *mechanism).collect(),
    };
    let password_cost =
        section.choice("password_cost", &[("standard", PasswordCost::Standard), ("test", PasswordCost::Test)]);
    let (guests, guests_place) =
        section.boolean("guests").map_or((true, None), |(guests, place)| (guests, Some(place)));
    let nick_protection = boolean(&mut section, "nick_protection", true);
    let nick_follows_account = boolean(&mut section, "nick_follows_account", false);
    let default_user_modes = match section.text("default_user_modes") {
        Some((modes, place)) => {
            let letters = modes.trim_start_matches('+').to_string();
            if let Some(letter) = letters.chars().find(|letter| !"iwBRTZ".contains(*letter)) {
                section.complain(
                    &place,
                    "default_user_modes",
                    format!("{letter:?} is no user mode that can be set at the start; choose from i w B R T Z"),
                );
            }
            letters
        }
        None => String::new(),
    };
    let always_on = section
        .choice(
            "always_on",
            &[
                ("disabled", AlwaysOn::Disabled),
                ("opt-in", AlwaysOn::OptIn),
                ("opt-out", AlwaysOn::OptOut),
                ("mandatory", AlwaysOn::Mandatory),
            ],
        )
        .map_or(AlwaysOn::OptIn, |(always_on, _)| always_on);
    let always_on_days = count(&mut section, "always_on_days", 365, 0..=36_500);
    let always_on_for = (always_on_days > 0).then(|| Duration::from_secs(u64::from(always_on_days) * 86_400));
    let login_attempts = count(&mut section, "login_attempts", 3, 1..=1_000_000);
    let login_attempts_per_account = count(&mut section, "login_attempts_per_account", 5, 1..=1_000_000);
    let login_attempts_per_address = count(&mut section, "login_attempts_per_address", 20, 1..=1_000_000);
    let plaintext_login = boolean(&mut section, "plaintext_login", false);
    let grace = Duration::from_secs(u64::from(count(&mut section, "grace_seconds", 30, 0..=86_400)));
    section.finish();
    let test_place =
        password_cost.as_ref().filter(|(cost, _)| *cost == PasswordCost::Test).map(|(_, place)| place.clone());
    let accounts = Accounts {
        registration,
        register_before_connect,
        email_required,
        sasl_mechanisms,
        password_cost: password_cost.map_or(PasswordCost::Standard, |(cost, _)| cost),
        guests,
        nick_protection,
        nick_follows_account,
        default_user_modes,
        always_on,
        always_on_for,
        login_attempts,
        login_attempts_per_account,
        login_attempts_per_address,
        plaintext_login,
        grace,
    };
    (accounts, Places { proxied: None, test_passwords: test_place, guests: guests_place })
}

pub(super) fn read_rooms(mut section: Section, limits: &Limits) -> Rooms {
    let auto_join = match section.texts("auto_join") {
        Some(names) => {
            for (name, place) in &names {
                let well_formed = name.starts_with('#')
                    && (2..=limits.channel_length).contains(&name.len())
                    && !name.contains([' ', ',', ':', '\x07', '\r', '\n', '\0']);
                if !well_formed {
                    section.complain(
                        place,
                        "auto_join",
                        format!(
                            "{name:?} is no room's name; write # and up to {} bytes without spaces and commas",
                            limits.channel_length - 1
                        ),
                    );
                }
            }
            names.into_iter().map(|(name, _)| name).collect()
        }
        None => vec!["#lobby".to_string()],
    };
    let creation = section
        .choice(
            "creation",
            &[
                ("anyone", RoomCreation::Anyone),
                ("accounts", RoomCreation::Accounts),
                ("operators", RoomCreation::Operators),
            ],
        )
        .map_or(RoomCreation::Anyone, |(creation, _)| creation);
    section.finish();
    Rooms { auto_join, creation }
}

pub(super) fn read_history(mut section: Section) -> History {
    let max_page = count(&mut section, "max_page", 100, 1..=10_000) as usize;
    let retention = match section.text("retention") {
        Some((text, _)) if text == "forever" => Retention::Forever,
        Some((text, place)) => match parse_span(&text) {
            Some(span) => Retention::For(span),
            None => {
                section.complain(
                    &place,
                    "retention",
                    format!("{text:?} is neither \"forever\" nor a time such as \"90d\""),
                );
                Retention::Forever
            }
        },
        None => Retention::Forever,
    };
    let unread_replay = count(&mut section, "unread_replay", 0, 0..=10_000) as usize;
    section.finish();
    History { max_page, retention, unread_replay }
}

pub(super) fn read_limits(mut section: Section) -> Limits {
    let limits = Limits::from_configured(|bound| {
        section.integer(bound.key, bound.least as i64..=bound.most as i64).map(|(value, _)| value as usize)
    });
    section.finish();
    limits
}

pub(super) fn read_flood(mut section: Section) -> Flood {
    let exempt = address_ranges(&mut section, "exempt");
    let lines_per_second = count(&mut section, "lines_per_second", 4, 1..=1_000_000);
    let burst_lines = count(&mut section, "burst_lines", 40, 1..=1_000_000);
    let connections_per_minute = count(&mut section, "connections_per_minute", 60, 1..=1_000_000);
    section.finish();
    Flood { exempt, lines_per_second, burst_lines, connections_per_minute }
}

pub(super) fn read_proxy(mut section: Section) -> Proxy {
    let trusted = address_ranges(&mut section, "trusted");
    let mut webirc = Vec::new();
    for mut gateway in section.tables("webirc") {
        let name = line(&mut gateway, "name", 200);
        let own = address_ranges(&mut gateway, "addresses");
        let addresses = if own.is_empty() { trusted.clone() } else { own };
        let place = gateway.origin().clone();
        if addresses.is_empty() {
            gateway.complain(&place, "addresses", "from where does it connect? write addresses = [\"192.0.2.1\"]");
        }
        match gateway.text("password") {
            Some((password, _)) if !password.is_empty() => {
                webirc.push(WebircGateway { name, addresses, password: Secret::new(password) });
            }
            Some((_, place)) => gateway.complain(&place, "password", "it is empty; a gateway needs a password"),
            None => gateway.complain(&place, "password", "it is missing; a gateway needs a password"),
        }
        gateway.finish();
    }
    section.finish();
    Proxy { trusted, webirc }
}

pub(super) fn read_http(mut section: Section) -> Http {
    let mut origins = Vec::new();
    for (origin, place) in section.texts("origins").unwrap_or_default() {
        let normal = origin.trim_end_matches('/').to_ascii_lowercase();
        let is_origin = normal
            .split_once("://")
            .is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty() && !host.contains(['/', ' ', '*']));
        if normal == "*" || is_origin {
            origins.push(normal);
        } else {
            section.complain(
                &place,
                "origins",
                format!("{origin:?} is no origin; write one like \"https://chat.example.org\", or \"*\" for any"),
            );
        }
    }
    let metrics_token = section.text("metrics_token").and_then(|(token, place)| {
        if token.len() < 16 {
            section.complain(&place, "metrics_token", "it can be guessed; write at least 16 characters");
            return None;
        }
        Some(Secret::new(token))
    });
    let url = section.text("url").and_then(|(url, place)| {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control())) {
            section.complain(&place, "url", "it does not begin with https:// or http:// and a name");
            return None;
        }
        Some(url.trim_end_matches('/').to_owned())
    });
    section.finish();
    Http { origins, metrics_token, url }
}

pub(super) fn read_log(mut section: Section) -> Log {
    let level = section
        .choice(
            "level",
            &[
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("info", LogLevel::Info),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ],
        )
        .map_or(LogLevel::Info, |(level, _)| level);
    section.finish();
    Log { level }
}

pub(super) fn is_server_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The host's name as a server name. Clients tell a server from a person by the dot in its name, so a bare host name gets
/// the suffix under which mDNS announces it (RFC 6762 section 3).
pub(super) fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = if name.contains('.') { name } else { format!("{name}.local") };
    if is_server_name(&name) { name } else { "parlor.local".to_string() }
}
