//! What a browser sees that runs no scripts, at `/join`, and at `/` where the page is not part of the build: what this server
//! is and how to join. Self-contained, without a script.

use crate::config::{Config, Listener, Protocol};
use std::fmt::Write;
use std::net::IpAddr;

/// The headers of every answer (OWASP ASVS 5.0 3.4.1 to 3.4.6): nothing is loaded from elsewhere, framed, sniffed, or told
/// to others.
pub const SECURITY_HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        // The policies of Trusted Types are that of Svelte, whose compiled templates are markup of ours, never anyone's text, and
        // the one that names the page's own worker.
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html parlor-worker",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];

/// Besides, over TLS: browsers come back over TLS only, for two years.
pub const STRICT_TRANSPORT: (&str, &str) = ("strict-transport-security", "max-age=63072000");

pub const STYLE: &str = "\
:root { color-scheme: light dark; color: light-dark(#27221d, #e8e6e2); background: light-dark(#f5f2ee, #141210); }
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem; }
main { padding: 1rem 2rem 1.5rem; border: 1px solid light-dark(#ddd6cd, #38332d); border-radius: 1.25rem;
  background: light-dark(#fffdfb, #1d1a17); }
h1 { margin-bottom: 0; }
a { color: light-dark(#005a56, #8be0d5); }
code { font-family: ui-monospace, monospace; font-size: 0.95em; overflow-wrap: anywhere; }
pre { padding: .75rem 1rem; border-radius: .75rem; background: light-dark(#f5f2ee, #141210); white-space: pre-wrap; }
dt { font-weight: bold; margin-top: 1rem; }
dd { margin: .35rem 0 0; }
@media (max-width: 30rem) { body { margin: 0.75rem auto; } main { padding: 0.5rem 1rem 1rem; } }
";

/// What the page says about this server.
#[derive(Clone, PartialEq, Debug)]
pub struct PageFacts {
    pub network: String,
    pub description: String,
    pub server_name: String,
    pub room: Option<String>,
    /// With the ports that were really bound.
    pub listeners: Vec<Listener>,
}

impl PageFacts {
    pub fn new(config: &Config, listeners: Vec<Listener>) -> PageFacts {
        PageFacts {
            network: config.server.network.clone(),
            description: config.server.description.clone(),
            server_name: config.server.name.clone(),
            room: config.rooms.auto_join.first().cloned(),
            listeners,
        }
    }
}

/// Whether whoever reads these languages (`Accept-Language`, in the order of browsers: the best first) is told in German.
pub fn reads_german(accepted: &str) -> bool {
    let mut tags = accepted.split(',').filter_map(|tag| tag.trim().split([';', '-']).next());
    tags.find(|tag| ["de", "en"].iter().any(|known| tag.eq_ignore_ascii_case(known)))
        .is_some_and(|tag| tag.eq_ignore_ascii_case("de"))
}

/// The page, for someone who reached this server under the name or address `host`.
pub fn render(facts: &PageFacts, host: &str, german: bool) -> String {
    let irc = |tls: bool| {
        irc_listeners(facts, host).find(|listener| listener.tls == tls).map(|listener| listener.address.port())
    };
    let (secure, plain) = (irc(true), irc(false));
    let host = escape(host);
    let room = facts.room.as_deref().map(escape).unwrap_or_default();
    let mut page = String::with_capacity(2_048);
    let (network, description) = (escape(&facts.network), escape(&facts.description));
    let say = |english: &'static str, in_german: &'static str| if german { in_german } else { english };
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{network}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<main>\n\
         <h1>{network}</h1>\n<p>{description}</p>\n<h2>{}</h2>\n",
        say("en", "de"),
        say("How to join", "So kommt man dazu")
    );
    if secure.or(plain).is_none() {
        let only = say(
            "From this address the server takes WebSocket connections only.",
            "Von dieser Adresse aus nimmt der Server nur WebSocket-Verbindungen an.",
        );
        let _ = writeln!(page, "<p>{only}</p>");
    }
    page.push_str("<dl>\n");
    if let Some(port) = secure.or(plain) {
        let flag = if secure.is_some() { "" } else { " --plain" };
        let _ = write!(
            page,
            "<dt>{}</dt>\n<dd><pre><code>chat_client{flag} {host}:{port} '{room}'</code></pre></dd>\n",
            say("With chat_client, in a terminal", "Mit chat_client, in einem Terminal")
        );
        let transport = match secure {
            Some(_) => say("with TLS", "mit TLS"),
            None => say("without TLS", "ohne TLS"),
        };
        let _ = write!(
            page,
            "<dt>{}</dt>\n<dd>Server <code>{host}</code>, {} <code>{port}</code>, {transport}; {} <code>{room}</code>{}.</dd>\n",
            say("With any IRC client", "Mit irgendeinem IRC-Programm"),
            say("port", "Port"),
            say("then join", "dann"),
            say("", " beitreten")
        );
    }
    if let Some(port) = plain {
        let _ = write!(
            page,
            "<dt>{}</dt>\n<dd><pre><code>nc {host} {port}\nNICK ada\nUSER ada 0 * :Ada\n\
             JOIN {room}\nPRIVMSG {room} :Hello!</code></pre></dd>\n",
            say("With netcat, to see how it works", "Mit netcat, um zu sehen, wie es geht")
        );
    }
    let _ = write!(
        page,
        "<dt>{}</dt>\n<dd>{} <code>/ws</code>, {} <code>text.ircv3.net</code>: {}</dd>\n</dl>\n<p>{} <code>{}</code>, {}</p>\n",
        say("From a web page", "Aus einer Webseite"),
        say("A WebSocket at", "Ein WebSocket unter"),
        say("subprotocol", "Unterprotokoll"),
        say("one IRC line a message.", "je Nachricht eine IRC-Zeile."),
        say("This is", "Das ist"),
        escape(&facts.server_name),
        say("a parlor.", "ein parlor.")
    );
    // Where the page is not part of the build this one stands in its place.
    if web::IS_BUILT {
        let _ = writeln!(page, "<p><a href=\"/\">{}</a></p>", say("In the browser", "Im Browser"));
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Where someone who reached this server under the name or address `host` can connect with IRC.
pub fn irc_listeners<'a>(facts: &'a PageFacts, host: &str) -> impl Iterator<Item = &'a Listener> {
    let local = host == "localhost" || ip_of(host).is_some_and(|address| address.is_loopback());
    let reachable = move |listener: &&Listener| local || !listener.address.ip().is_loopback();
    facts.listeners.iter().filter(|listener| listener.protocol == Protocol::Irc).filter(reachable)
}

/// The page with encryption, for someone who reached the one without under this name or address.
pub fn secure_page(facts: &PageFacts, host: &str) -> Option<String> {
    let secure = |listener: &&Listener| listener.protocol == Protocol::Http && listener.tls;
    let page = facts.listeners.iter().filter(secure).find(|listener| !listener.address.ip().is_loopback())?;
    Some(format!("https://{host}:{}/", page.address.port()))
}

fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Text as text: nothing in it can become markup, in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> PageFacts {
        let config = Config::default();
        PageFacts::new(&config, config.listeners.clone())
    }

    #[test]
    fn the_page_with_encryption_is_where_others_can_reach_it() {
        let check = |listeners: &[(&str, bool)], expected: Option<&str>| {
            let listener = |(address, tls): &(&str, bool)| {
                let address: std::net::SocketAddr = address.parse().unwrap();
                Listener::new(address.ip(), address.port(), Protocol::Http, *tls)
            };
            let facts = PageFacts::new(&Config::default(), listeners.iter().map(listener).collect());
            assert_eq!(secure_page(&facts, "192.168.1.5").as_deref(), expected, "{listeners:?}");
        };
        check(&[("0.0.0.0:8080", false)], None);
        check(&[("0.0.0.0:8080", false), ("127.0.0.1:8443", true)], None);
        check(&[("0.0.0.0:8080", false), ("0.0.0.0:9443", true)], Some("https://192.168.1.5:9443/"));
    }

    #[test]
    fn the_page_tells_how_to_join() {
        let page = render(&facts(), "localhost", false);
        for part in ["<h1>parlor</h1>", "chat_client localhost:6697 '#lobby'", "nc localhost 6667", "with TLS"] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        // From elsewhere, what listens on loopback only is not offered.
        let page = render(&facts(), "192.0.2.1", false);
        assert!(!page.contains("6667") && !page.contains("6697"), "{page}");
    }

    #[test]
    fn it_speaks_the_language_of_the_browser() {
        let check = |accepted: &str, german: bool| assert_eq!(reads_german(accepted), german, "{accepted}");
        check("de-DE,de;q=0.9,en;q=0.8", true);
        check("fr, DE;q=0.5", true);
        check("en-GB,en;q=0.9,de;q=0.8", false);
        check("den, fr", false);
        check("", false);
        let page = render(&facts(), "localhost", true);
        for part in
            ["lang=\"de\"", "So kommt man dazu", "Port <code>6697</code>, mit TLS; dann <code>#lobby</code> beitreten."]
        {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let payload = "<script>alert(\"x\")</script>'&";
        let mut facts = facts();
        facts.network = payload.to_string();
        facts.description = payload.to_string();
        facts.room = Some(format!("#{payload}"));
        let page = render(&facts, payload, false);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;"), "{page}");
    }
}
