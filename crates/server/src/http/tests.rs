//! The HTTP side over real sockets: every route, the way to WebSocket, and what hostile clients get.

#![expect(clippy::disallowed_methods, reason = "tests dial the server")]

use super::*;
use crate::admission::AdmissionRules;
use crate::config::{Http, Proxy, Storage};
use crate::limits::Limits;
use crate::tls::TlsMaterial;
use crate::websocket::{self, Decoder, Message};
use std::io::{Read, Write};
use std::sync::mpsc;
use tempfile::TempDir;

/// A server with a plain, a TLS and a PROXY listener; upgraded connections come out of `upgraded`.
struct Site {
    server: HttpServer,
    plain: SocketAddr,
    secure: SocketAddr,
    proxied: SocketAddr,
    around: HttpSurroundings,
    upgraded: mpsc::Receiver<UpgradedConnection>,
    trouble: Arc<Mutex<Option<String>>>,
    _folder: TempDir,
}

const PATIENCE: Duration = Duration::from_secs(10);

fn site_with(change: impl FnOnce(&mut Config)) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.storage = Storage { path: folder.path().to_path_buf(), ..config.storage };
    change(&mut config);
    let bind = |tls, proxy_protocol| {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let http = config.listeners.iter().find(|listener| listener.protocol == crate::config::Protocol::Http).unwrap();
        HttpListener { socket, settings: Listener { address, tls, proxy_protocol, ..http.clone() } }
    };
    let listeners = vec![bind(false, false), bind(true, false), bind(false, true)];
    let addresses: Vec<SocketAddr> = listeners.iter().map(|listener| listener.settings.address).collect();
    let material = TlsMaterial::load(&config).unwrap();
    let (sender, upgraded) = mpsc::channel();
    let trouble = Arc::new(Mutex::new(None));
    let told = trouble.clone();
    let rules = AdmissionRules::new(&config.limits, 1_000, 1_000, config.flood.exempt.clone());
    let http_rules = Arc::new(Current::new(HttpRules::new(&config, config.listeners.clone())));
    let around = HttpSurroundings {
        exports: Exports::new(folder.path().join("parlor.db"), http_rules.clone()),
        rules: http_rules,
        hub: Arc::new(Mailbox::for_waiting_thread()),
        passwords: PasswordPool::start(crate::password::PasswordCost::Test).unwrap(),
        tls: Arc::new(Current::new(Some(material.http.clone()))),
        admission: Arc::new(Admission::new(rules, &[])),
        metrics: Metrics::new(1),
        on_websocket: Arc::new(move |connection| sender.send(connection).unwrap()),
        trouble: Arc::new(move || told.lock().unwrap().clone()),
    };
    let server = HttpServer::start(listeners, around.clone()).unwrap();
    let [plain, secure, proxied] = addresses[..] else { panic!("three listeners") };
    Site { server, plain, secure, proxied, around, upgraded, trouble, _folder: folder }
}

fn site() -> Site {
    site_with(|_| {})
}

impl Site {
    fn connect(&self, address: SocketAddr) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes to the plain listener and reads until the server closes.
    fn exchange(&self, bytes: &[u8]) -> String {
        self.exchange_at(self.plain, bytes)
    }

    fn exchange_at(&self, address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = self.connect(address);
        // The server may have answered and closed before it was all sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    fn get(&self, path: &str, headers: &str) -> String {
        self.exchange(
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").as_bytes(),
        )
    }

    fn next_websocket(&self) -> UpgradedConnection {
        self.upgraded.recv_timeout(PATIENCE).unwrap()
    }

    /// Waits until admission counts so many.
    fn wait_for_open(&self, expected: usize) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.around.admission.open() != expected {
            assert!(std::time::Instant::now() < deadline, "{} open, {expected} expected", self.around.admission.open());
            std::thread::yield_now();
        }
    }
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status in {answer:?}"))
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn upgrade_request(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{headers}\r\n").into_bytes()
}

/// The answer's header, byte by byte so that nothing behind it is taken.
fn read_header(stream: &mut impl Read) -> String {
    let mut header = Vec::new();
    let mut byte = [0];
    while !header.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        header.push(byte[0]);
    }
    String::from_utf8(header).unwrap()
}

#[test]
fn who_may_send_no_password_is_told_where_one_may_be_sent() {
    let site = site_with(|config| {
        let address: SocketAddr = "0.0.0.0:8443".parse().unwrap();
        config.listeners.push(Listener::new(address.ip(), address.port(), crate::config::Protocol::Http, true));
    });
    let check = |headers: &str, expected: [&str; 2]| {
        let answer = site.get("/session", headers);
        for part in expected {
            assert!(answer.contains(part), "{headers}: {answer}");
        }
    };
    check("", ["\"passwordLogin\":true", "\"securePage\":null"]);
    check("X-Forwarded-For: 192.0.2.7\r\n", ["\"passwordLogin\":false", "\"securePage\":\"https://localhost:8443/\""]);
}

/// T26; in a browser: no flow of web/tests may leave a violation of the policy.
#[test]
fn every_route_answers_with_the_security_headers() {
    let site = site();
    let check = |path: &str, expected: u16, part: &str| {
        let answer = site.get(path, "");
        assert_eq!(status(&answer), expected, "{path}");
        assert!(answer.contains(part), "{path}: {answer}");
        for (name, value) in page::SECURITY_HEADERS {
            assert!(answer.contains(&format!("{name}: {value}\r\n")), "{name} of {path}");
        }
        assert!(!answer.contains(page::STRICT_TRANSPORT.0), "{path}");
    };
    let page = if web::IS_BUILT { "<script type=\"module\"" } else { "<h1>parlor</h1>" };
    check("/", 200, page);
    check("/?from=a-link", 200, page);
    check("/join", 200, "<h1>parlor</h1>");
    check("/style.css", 200, "content-type: text/css");
    check("/healthz", 200, "\r\n\r\nok\n");
    check("/metrics", 200, "# EOF\n");
    check("/ws", 426, "sec-websocket-version: 13\r\n");
    check("/favicon.ico", 404, "");
    check("/../etc/passwd", 404, "");
    *site.trouble.lock().unwrap() = Some("the disk is full".to_string());
    check("/healthz", 503, "the disk is full\n");
    site.server.stop();
}

#[test]
fn only_reading_is_possible() {
    let site = site();
    let check =
        |request: &str, expected: u16| assert_eq!(status(&site.exchange(request.as_bytes())), expected, "{request:?}");
    let head = site.exchange(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    for (hosts, expected) in [
        ("", 400),
        ("Host: x\r\nHost: y\r\n", 400),
        ("Host: \r\n", 400),
        ("Host: x y\r\n", 400),
        ("Host: x:1\r\n", 200),
    ] {
        for path in ["/", "/session", "/healthz", "/export/nothing"] {
            let expected = if path == "/export/nothing" && expected == 200 { 404 } else { expected };
            check(&format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"), expected);
        }
    }
    // As programs say it that are older than that header.
    check("GET /healthz HTTP/1.0\r\n\r\n", 200);
    check("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405);
    check("OPTIONS / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405);
    check("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 413);
    check("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 413);
    check("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400);
    check("NICK alice\r\nUSER alice 0 * :Alice\r\n\r\n", 400);
    check("\x16\x03\x01\x02\0\r\n\r\n", 400);
    check(&format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(64 * 1_024)), 431);
    check(&format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(100)), 431);
    site.server.stop();
}

#[test]
fn metrics_are_for_this_machine_or_the_token() {
    let token = "a token of some length";
    let site = site_with(|config| {
        config.http = Http { metrics_token: Some(Secret::new(token.to_string())), ..config.http.clone() };
        config.proxy = Proxy { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..config.proxy.clone() };
    });
    let check =
        |headers: &str, expected: u16| assert_eq!(status(&site.get("/metrics", headers)), expected, "{headers}");
    check("", 200);
    check("X-Forwarded-For: 192.0.2.1\r\n", 403);
    check("Via: 1.1 proxy\r\n", 403);
    check("Authorization: Bearer wrong\r\n", 403);
    check(&format!("Authorization: Bearer {token}\r\n"), 200);
    check(&format!("X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer {token}\r\n"), 200);
    // A page whose name was made to point here.
    let rebound = site.exchange(b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&rebound), 403);
    // From elsewhere, as the PROXY header says.
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let proxied = |source: &str| {
        site.exchange_at(site.proxied, format!("PROXY TCP4 {source} 127.0.0.1 1 2\r\n{request}").as_bytes())
    };
    assert_eq!(status(&proxied("192.0.2.1")), 403);
    assert_eq!(proxied("nonsense"), "");
    site.server.stop();
}

#[test]
fn a_websocket_leaves_http_with_everything_that_was_sent() {
    let site = site();
    let mut stream = site.connect(site.plain);
    let mut request = upgrade_request("/", "Sec-WebSocket-Protocol: binary.ircv3.net, text.ircv3.net\r\n");
    // A frame in the same packet as the request.
    request.extend([0x82, 0x84, 0, 0, 0, 0, b'N', b'I', b'C', b'K']);
    stream.write_all(&request).unwrap();
    let answer = read_header(&mut stream);
    assert_eq!(status(&answer), 101);
    for line in [
        "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "sec-websocket-protocol: binary.ircv3.net",
        "upgrade: websocket",
        "connection: Upgrade",
    ] {
        assert!(answer.contains(&format!("{line}\r\n")), "{line} is not in {answer}");
    }
    let mut upgraded = site.next_websocket();
    assert!(!upgraded.text && !upgraded.secure && upgraded.tls.is_none());
    assert_eq!(upgraded.peer, stream.local_addr().unwrap());
    assert_eq!(upgraded.local, site.plain);
    assert_eq!(upgraded.forwarded_for, None);
    let mut early = upgraded.early.clone();
    let decoded = Decoder::new(100).decode(&mut early).unwrap().message.unwrap();
    assert_eq!(decoded, Message::Binary(b"NICK".to_vec().into()));
    // What comes later is read by whoever has it now.
    assert_eq!(upgraded.stream.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let mut frame = Vec::new();
    websocket::encode_line(&mut frame, false, b"PING x\r\n");
    upgraded.stream.write_all(&frame).unwrap();
    let mut received = vec![0; frame.len()];
    stream.read_exact(&mut received).unwrap();
    assert_eq!(received, frame);
    // Counted until the receiver lets it leave.
    site.wait_for_open(1);
    site.around.admission.leave(upgraded.peer.ip());
    site.wait_for_open(0);
    site.server.stop();
}

#[test]
fn the_subprotocol_decides_text_or_binary() {
    let site = site();
    let check = |headers: &str, named: Option<&str>, text: bool| {
        let mut stream = site.connect(site.plain);
        stream.write_all(&upgrade_request("/ws", headers)).unwrap();
        let answer = read_header(&mut stream);
        assert_eq!(status(&answer), 101, "{headers}");
        let protocol = answer.lines().find_map(|line| line.strip_prefix("sec-websocket-protocol: "));
        assert_eq!(protocol, named, "{headers}");
        assert_eq!(site.next_websocket().text, text, "{headers}");
    };
    check("", None, true);
    check("Sec-WebSocket-Protocol: chat\r\n", None, true);
    check("Sec-WebSocket-Protocol: text.ircv3.net\r\n", Some("text.ircv3.net"), true);
    check("Sec-WebSocket-Protocol: text.ircv3.net, binary.ircv3.net\r\n", Some("text.ircv3.net"), true);
    check(
        "Sec-WebSocket-Protocol: binary.ircv3.net\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n",
        Some("binary.ircv3.net"),
        false,
    );
    site.server.stop();
}

#[test]
fn upgrades_that_are_none_are_refused() {
    let site = site();
    let check = |request: &str, expected: u16| {
        let request = request.replace("\r\n\r\n", "\r\nX-Last: yes\r\n\r\n");
        let mut stream = site.connect(site.plain);
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(status(&read_header(&mut stream)), expected, "{request}");
    };
    let whole = String::from_utf8(upgrade_request("/ws", "")).unwrap();
    check(&whole, 101);
    check(&whole.replace("Version: 13", "Version: 8"), 426);
    check(&whole.replace("Sec-WebSocket-Version: 13\r\n", ""), 426);
    check(&whole.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400);
    check(&whole.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400);
    check(&whole.replace("keep-alive, Upgrade", "keep-alive"), 400);
    check(&whole.replace("HTTP/1.1", "HTTP/1.0"), 400);
    check(&whole.replace("GET", "POST"), 405);
    check(&whole.replace("GET", "HEAD"), 400);
    check(&whole.replace("/ws", "/other"), 404);
    // T20: other sites' pages.
    check(&whole.replace("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"), 403);
    check(&whole.replace("\r\n\r\n", "\r\nOrigin: null\r\n\r\n"), 403);
    check(&whole.replace("\r\n\r\n", "\r\nOrigin: http://localhost\r\n\r\n"), 101);
    let rebound = whole
        .replace("Host: localhost", "Host: evil.example")
        .replace("\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n");
    check(&rebound, 403);
    site.around.rules.replace(HttpRules {
        origins: vec!["https://evil.example".to_string()],
        ..(*site.around.rules.load()).clone()
    });
    check(&whole.replace("\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"), 101);
    site.server.stop();
}

#[test]
fn a_trusted_proxy_names_the_client_and_nobody_else_does() {
    let trusting = site_with(|config| {
        config.proxy = Proxy { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..config.proxy.clone() };
        config.limits = Limits { connections_per_address: 2, ..Limits::default() };
    });
    let upgrade = |site: &Site, address, before: &str, headers: &str| {
        let mut stream = site.connect(address);
        stream.write_all(&[before.as_bytes(), &upgrade_request("/", headers)].concat()).unwrap();
        (status(&read_header(&mut stream)), stream)
    };
    let forwarded = "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n";
    let (answer, _stream) = upgrade(&trusting, trusting.plain, "", forwarded);
    assert_eq!(answer, 101);
    let upgraded = trusting.next_websocket();
    let client: IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!((upgraded.forwarded_for, upgraded.peer.ip(), upgraded.secure), (Some(client), client, true));
    trusting.wait_for_open(1);
    // The bound is the client's, not the proxy's.
    let (second, _second_stream) = upgrade(&trusting, trusting.plain, "", forwarded);
    let (third, _third_stream) = upgrade(&trusting, trusting.plain, "", forwarded);
    let (other, _other_stream) = upgrade(&trusting, trusting.plain, "", "X-Forwarded-For: 192.0.2.2\r\n");
    assert_eq!((second, third, other), (101, 503, 101));
    trusting.wait_for_open(3);
    // By PROXY header, with the request in the same packet.
    let (answer, _stream) = upgrade(&trusting, trusting.proxied, "PROXY TCP4 192.0.2.9 127.0.0.1 7000 80\r\n", "");
    assert_eq!(answer, 101);
    let peers: Vec<SocketAddr> = (0..3).map(|_| trusting.next_websocket().peer).collect();
    assert_eq!(peers[2], "192.0.2.9:7000".parse().unwrap());
    trusting.server.stop();

    let wary = site();
    let (answer, _stream) = upgrade(&wary, wary.plain, "", forwarded);
    assert_eq!(answer, 101);
    let upgraded = wary.next_websocket();
    assert_eq!((upgraded.forwarded_for, upgraded.secure), (None, false));
    assert!(upgraded.peer.ip().is_loopback());
    wary.server.stop();
}

#[test]
fn slow_handshakes_end_at_their_deadline() {
    let site = site_with(|config| config.limits = Limits { handshake_seconds: 1, ..Limits::default() });
    let began = std::time::Instant::now();
    // One byte every 200 ms, each of which must not extend the time: in an HTTP header, a TLS hello, and nothing at all.
    let dawdle = |address: SocketAddr, bytes: &'static [u8]| {
        let mut stream = site.connect(address);
        std::thread::spawn(move || {
            let mut writer = stream.try_clone().unwrap();
            let feeding = std::thread::spawn(move || {
                for byte in bytes.iter().cycle().take(100) {
                    if writer.write_all(&[*byte]).is_err() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(200));
                }
            });
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let took = began.elapsed();
            drop(stream);
            feeding.join().unwrap();
            took
        })
    };
    let slow = [
        dawdle(
            site.plain,
            b"GET / HTTP/1.1\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        dawdle(site.secure, &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0, 0, 0, 0, 0, 0, 0]),
        dawdle(site.plain, b""),
    ];
    for connection in slow {
        let took = connection.join().unwrap();
        assert!((Duration::from_millis(900)..Duration::from_millis(3_500)).contains(&took), "{took:?}");
    }
    site.wait_for_open(0);
    site.server.stop();
}

#[test]
fn too_many_from_one_address_are_told_so() {
    let site = site_with(|config| config.limits = Limits { connections_per_address: 2, ..Limits::default() });
    let first = site.connect(site.plain);
    let second = site.connect(site.plain);
    site.wait_for_open(2);
    let refused = site.get("/", "");
    assert_eq!(status(&refused), 503);
    assert!(refused.ends_with(&format!("{}\n", AdmissionRefusal::TooManyFromAddress)), "{refused}");
    drop(first);
    site.wait_for_open(1);
    assert_eq!(status(&site.get("/", "")), 200);
    drop(second);
    site.server.stop();
}

#[test]
fn stopping_lets_go_of_everyone() {
    let site = site();
    let mut idle = site.connect(site.plain);
    site.wait_for_open(1);
    let began = std::time::Instant::now();
    site.server.stop();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(idle.read(&mut [0; 10]).unwrap_or(0), 0);
    assert!(std::net::TcpStream::connect(site.plain).is_err());
}

/// tokio-tungstenite as the client, over TCP and TLS: the handshake, then lines both ways through what was handed over.
#[test]
fn an_independent_client_talks_over_tcp_and_tls() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::tungstenite::{self, Message as Theirs};

    /// Answers every line with itself, as a shard would: through TLS if there is any.
    fn echo(mut connection: UpgradedConnection) {
        connection.stream.set_nonblocking(false).unwrap();
        connection.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut decoder = Decoder::new(10_000);
        let mut kept = std::mem::take(&mut connection.early);
        let text = connection.text;
        match connection.tls.take() {
            Some(tls) => echo_over(rustls::StreamOwned::new(*tls, connection.stream), &mut decoder, &mut kept, text),
            None => echo_over(connection.stream, &mut decoder, &mut kept, text),
        }
    }

    fn echo_over(mut stream: impl Read + Write, decoder: &mut Decoder, kept: &mut Vec<u8>, text: bool) {
        loop {
            let mut answers = Vec::new();
            let mut over = false;
            loop {
                let decoded = decoder.decode(kept).unwrap();
                let consumed = decoded.consumed;
                let Some(message) = decoded.message else {
                    kept.drain(..consumed);
                    break;
                };
                match message {
                    Message::Text(line) | Message::Binary(line) => websocket::encode_line(&mut answers, text, &line),
                    Message::Ping(payload) => answers.extend(websocket::pong_frame(payload)),
                    Message::Pong(_) => {}
                    Message::Close { code, .. } => {
                        answers.extend(websocket::close_answer(code));
                        over = true;
                    }
                }
                kept.drain(..consumed);
            }
            stream.write_all(&answers).unwrap();
            if over {
                return;
            }
            let mut buffer = [0; 4_096];
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => kept.extend_from_slice(&buffer[..count]),
            }
        }
    }

    #[derive(Debug)]
    struct AnyServer(Arc<rustls::crypto::CryptoProvider>);
    impl rustls::client::danger::ServerCertVerifier for AnyServer {
        fn verify_server_cert(
            &self,
            _: &rustls_pki_types::CertificateDer<'_>,
            _: &[rustls_pki_types::CertificateDer<'_>],
            _: &rustls_pki_types::ServerName<'_>,
            _: &[u8],
            _: rustls_pki_types::UnixTime,
        ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls_pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls12_signature(
                message,
                certificate,
                signed,
                &self.0.signature_verification_algorithms,
            )
        }
        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls_pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            rustls::crypto::verify_tls13_signature(
                message,
                certificate,
                signed,
                &self.0.signature_verification_algorithms,
            )
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }

    fn converse<S: Read + Write>(stream: S, url: &str) {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("text.ircv3.net"));
        let (mut client, response) = tungstenite::client(request, stream).map_err(|error| error.to_string()).unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "text.ircv3.net");
        for line in ["PING x", "PRIVMSG #tea :héllo 🍵", &"y".repeat(8_000)] {
            client.send(Theirs::text(line)).unwrap();
            assert_eq!(client.read().unwrap(), Theirs::text(line));
        }
        client.send(Theirs::Ping(vec![1, 2].into())).unwrap();
        assert_eq!(client.read().unwrap(), Theirs::Pong(vec![1, 2].into()));
        client.close(None).unwrap();
        while client.read().is_ok() {}
    }

    let site = site();
    for secure in [false, true] {
        let address = if secure { site.secure } else { site.plain };
        let talking = std::thread::spawn(move || {
            let stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            if !secure {
                return converse(stream, "ws://localhost/");
            }
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider.clone())
                .with_safe_default_protocol_versions()
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
                .with_no_client_auth();
            let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
            let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
            converse(rustls::StreamOwned::new(connection, stream), "wss://localhost/ws");
        });
        let upgraded = site.next_websocket();
        assert_eq!((upgraded.secure, upgraded.tls.is_some(), upgraded.text), (secure, secure, true));
        echo(upgraded);
        talking.join().unwrap();
    }
    site.server.stop();
}
