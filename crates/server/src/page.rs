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
:root { color-scheme: light dark; }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
pre { padding: .75rem 1rem; border: 1px solid; border-radius: .5rem; white-space: pre-wrap; }
dt { font-weight: bold; margin-top: 1rem; }
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

/// The page, for someone who reached this server under the name or address `host`.
pub fn render(facts: &PageFacts, host: &str) -> String {
    let irc = |tls: bool| {
        irc_listeners(facts, host).find(|listener| listener.tls == tls).map(|listener| listener.address.port())
    };
    let (secure, plain) = (irc(true), irc(false));
    let host = escape(host);
    let room = facts.room.as_deref().map(escape).unwrap_or_default();
    let mut page = String::with_capacity(2_048);
    let (network, description) = (escape(&facts.network), escape(&facts.description));
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{network}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<main>\n\
         <h1>{network}</h1>\n<p>{description}</p>\n<h2>How to join</h2>\n"
    );
    match (secure, plain) {
        (None, None) => page.push_str("<p>From this address the server takes WebSocket connections only.</p>\n<dl>\n"),
        _ => page.push_str("<dl>\n"),
    }
    if let Some(port) = secure.or(plain) {
        let flag = if secure.is_some() { "" } else { " --plain" };
        let _ = write!(
            page,
            "<dt>With chat_client, in a terminal</dt>\n<dd><pre><code>chat_client{flag} {host}:{port} '{room}'</code></pre></dd>\n"
        );
        let transport = if secure.is_some() { "with TLS" } else { "without TLS" };
        let _ = write!(
            page,
            "<dt>With any IRC client</dt>\n<dd>Server <code>{host}</code>, port <code>{port}</code>, {transport}; \
             then join <code>{room}</code>.</dd>\n"
        );
    }
    if let Some(port) = plain {
        let _ = write!(
            page,
            "<dt>With netcat, to see how it works</dt>\n<dd><pre><code>nc {host} {port}\nNICK ada\nUSER ada 0 * :Ada\n\
             JOIN {room}\nPRIVMSG {room} :Hello!</code></pre></dd>\n"
        );
    }
    let _ = write!(
        page,
        "<dt>From a web page</dt>\n<dd>A WebSocket at <code>/ws</code>, subprotocol <code>text.ircv3.net</code>: \
         one IRC line a message.</dd>\n</dl>\n<p>This is <code>{}</code>, a parlor.</p>\n</main>\n</body>\n</html>\n",
        escape(&facts.server_name)
    );
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
        let page = render(&facts(), "localhost");
        for part in ["<h1>parlor</h1>", "chat_client localhost:6697 '#lobby'", "nc localhost 6667", "with TLS"] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        // From elsewhere, what listens on loopback only is not offered.
        let page = render(&facts(), "192.0.2.1");
        assert!(!page.contains("6667") && !page.contains("6697"), "{page}");
    }

    #[test]
    fn no_text_becomes_markup() {
        let payload = "<script>alert(\"x\")</script>'&";
        let mut facts = facts();
        facts.network = payload.to_string();
        facts.description = payload.to_string();
        facts.room = Some(format!("#{payload}"));
        let page = render(&facts, payload);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;"), "{page}");
    }
}
