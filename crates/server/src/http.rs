//! The `http` listeners: the page, /healthz, /metrics, exports of accounts, and the way from HTTP to WebSocket.
//!
//! One thread with a runtime of its own serves all of them. hyper parses the HTTP; as soon as a WebSocket is agreed on, the
//! connection is taken out of it and handed over as a plain socket (with its TLS state), so that no chat traffic ever
//! passes through here. Whatever comes before that has one deadline from accept, which no byte extends.

mod assets;
mod cookie;
mod device_name;
mod export;
mod forwarding;
mod login;
mod transport;
mod upgrade;

use crate::admission::Admission;
use crate::config::{AddressRange, Config, Listener, Registration, SaslMechanism, Secret, any_contains};
use crate::current::Current;
use crate::exports::Exports;
use crate::hub_thread::HubInput;
use crate::limits::{
    ACCEPT_PAUSE, AdmissionRefusal, EXPORT_LIFE, HTTP_CONNECTION_LIFE, HTTP_CONNECTIONS, HTTP_HEADER_BYTES,
    HTTP_HEADER_LINES, PROXY_HEADER_BYTES, TLS_BUFFER_BYTES,
};
use crate::logging::RepeatedComplaint;
use crate::mailbox::Mailbox;
use crate::metrics::Metrics;
use crate::page::{self, PageFacts};
use crate::password_pool::PasswordPool;
use crate::proxy_protocol::{self, ProxyHeader};
use crate::{facts, gateway_addresses};
use bytes::Bytes;
use chat::device_login::LoginClaim;
use chat::name::NameRules;
use compact_str::CompactString;
use cookie::CookieName;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io, thread};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use transport::{Socket, Transport};

/// A socket that listens already, and what the configuration says about it.
#[derive(Debug)]
pub struct HttpListener {
    pub socket: std::net::TcpListener,
    pub settings: Listener,
}

/// What a reload may change.
#[derive(Clone, Debug)]
pub struct HttpRules {
    pub page: PageFacts,
    /// As `http.origins`.
    pub origins: Vec<String>,
    pub metrics_token: Option<Secret>,
    /// What links that people are given begin with; `None`: nothing listens for HTTP.
    pub base_url: Option<String>,
    /// As `proxy.trusted`.
    pub trusted: Vec<AddressRange>,
    /// Those of `proxy.webirc`.
    pub gateways: Vec<AddressRange>,
    pub handshake: Duration,
    /// As `flood.exempt`.
    pub exempt: Vec<AddressRange>,
    /// What the cookies of this server are told apart by from those of others on this machine.
    pub cookie: CompactString,
    pub name_rules: NameRules,
    pub auto_join: Vec<String>,
    pub registration_open: bool,
    pub email_required: bool,
    pub guests: bool,
    /// A password shown to the server logs in: PLAIN is one of `accounts.sasl_mechanisms`.
    pub password_login: bool,
    /// Keys for SCRAM are kept of new passwords.
    pub scram: bool,
    pub plaintext_login: bool,
}

impl HttpRules {
    /// `listeners`: with the ports that were really bound.
    pub fn new(config: &Config, listeners: Vec<Listener>) -> HttpRules {
        HttpRules {
            base_url: export::base_url(config, &listeners),
            page: PageFacts::new(config, listeners),
            origins: config.http.origins.clone(),
            metrics_token: config.http.metrics_token.clone(),
            trusted: config.proxy.trusted.clone(),
            gateways: gateway_addresses(config),
            handshake: config.limits.handshake(),
            exempt: config.flood.exempt.clone(),
            cookie: cookie::server_of(&config.storage.path),
            name_rules: facts::name_rules(config),
            auto_join: config.rooms.auto_join.clone(),
            registration_open: config.accounts.registration == Registration::Open,
            email_required: config.accounts.email_required,
            guests: config.accounts.guests,
            password_login: config.accounts.sasl_mechanisms.contains(&SaslMechanism::Plain),
            scram: config.accounts.sasl_mechanisms.contains(&SaslMechanism::ScramSha256),
            plaintext_login: config.accounts.plaintext_login,
        }
    }
}

/// What HTTP needs of the rest of the server.
#[derive(Clone)]
pub struct HttpSurroundings {
    pub rules: Arc<Current<HttpRules>>,
    /// For listeners with `tls`; `None`: they turn everyone away.
    pub tls: Arc<Current<Option<Arc<rustls::ServerConfig>>>>,
    pub admission: Arc<Admission>,
    pub metrics: Arc<Metrics>,
    pub exports: Arc<Exports>,
    pub hub: Arc<Mailbox<HubInput>>,
    pub passwords: Arc<PasswordPool>,
    /// Called on the HTTP thread; must not block.
    pub on_websocket: Arc<dyn Fn(UpgradedConnection) + Send + Sync>,
    /// What is wrong, for /healthz; `None`: nothing.
    pub trouble: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl fmt::Debug for HttpSurroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSurroundings").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// A connection that speaks WebSocket from now on. The 101 answer has been sent.
#[derive(Debug)]
pub struct UpgradedConnection {
    /// Non-blocking, in no event loop.
    pub stream: std::net::TcpStream,
    /// The handshake is complete; it may hold plaintext already, and bytes to write.
    pub tls: Option<Box<rustls::ServerConnection>>,
    /// The client; its address is the one that admission has counted and that the receiver must let leave. Behind a
    /// trusted proxy that names the client in a header its port is 0.
    pub peer: SocketAddr,
    pub local: SocketAddr,
    /// The client's address as a trusted proxy's X-Forwarded-For names it.
    pub forwarded_for: Option<IpAddr>,
    /// TLS up to here, or up to a trusted proxy that is on this machine or reached by TLS itself.
    pub secure: bool,
    /// Lines go out as text messages, else as binary ones.
    pub text: bool,
    /// What the client sent right behind its request.
    pub early: Vec<u8>,
    pub accepted: std::time::Instant,
    /// Always `None` so far: `http` listeners ask browsers for no certificate.
    pub certificate_fingerprint: Option<[u8; 32]>,
    /// What the page's browser shows, which it is logged in by.
    pub login: Option<LoginClaim>,
}

/// The thread of the `http` listeners.
#[derive(Debug)]
pub struct HttpServer {
    stop: watch::Sender<bool>,
    thread: thread::JoinHandle<()>,
}

/// How long open requests may take to end when the server stops.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

impl HttpServer {
    /// Serves `listeners` until stopped.
    ///
    /// # Errors
    /// When the thread or its event loop cannot be made, or a listener cannot be watched.
    pub fn start(listeners: Vec<HttpListener>, around: HttpSurroundings) -> io::Result<HttpServer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let inside = runtime.enter();
        let listeners = listeners
            .into_iter()
            .map(|listener| {
                listener.socket.set_nonblocking(true)?;
                Ok((TcpListener::from_std(listener.socket)?, listener.settings))
            })
            .collect::<io::Result<Vec<_>>>()?;
        drop(inside);
        let (stop, stopping) = watch::channel(false);
        let thread = thread::Builder::new()
            .name("http".to_string())
            .spawn(move || runtime.block_on(serve(listeners, Arc::new(around), stopping)))?;
        Ok(HttpServer { stop, thread })
    }

    /// Accepts nothing more, and lets open requests end within a second: then [`HttpServer::has_ended`].
    pub fn begin_stop(&self) {
        // The thread may have ended already; then there is nobody to tell.
        let _ = self.stop.send(true);
    }

    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Begins to stop, and waits for the end.
    pub fn stop(self) {
        self.begin_stop();
        if self.thread.join().is_err() {
            tracing::error!("the HTTP thread ended by a panic");
        }
    }
}

async fn serve(
    listeners: Vec<(TcpListener, Listener)>,
    around: Arc<HttpSurroundings>,
    stopping: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(HTTP_CONNECTIONS));
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|(listener, settings)| {
            tokio::spawn(accept(listener, Arc::new(settings), around.clone(), room.clone(), stopping.clone()))
        })
        .collect();
    for task in accepting {
        // An accept loop ends when the server stops; a panic in one has been reported already.
        let _ = task.await;
    }
    // Every connection holds one permit: having them all means that none is left.
    let _ = timeout(LAST_REQUESTS, room.acquire_many(HTTP_CONNECTIONS as u32)).await;
}

async fn accept(
    listener: TcpListener,
    settings: Arc<Listener>,
    around: Arc<HttpSurroundings>,
    room: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    let complaint = RepeatedComplaint::new();
    loop {
        let next = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = stopped(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = Connection {
                    around: around.clone(),
                    settings: settings.clone(),
                    stopping: stopping.clone(),
                    accepted: Instant::now(),
                    deadline: Instant::now() + around.rules.load().handshake,
                };
                tokio::spawn(async move {
                    connection.run(stream, peer).await;
                    drop(permit);
                });
            }
            Err(error) if is_about_that_connection(&error) => {}
            Err(error) => {
                // EMFILE, ENFILE, ENOBUFS: nothing gets better by asking again at once.
                around.metrics.listeners.paused();
                complaint.say(|left_out| {
                    tracing::warn!(
                        "no new HTTP connection can be taken: {error}; they wait (if it is the limit on open files, \
                         raise it, or lower limits.connections){left_out}"
                    );
                });
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// accept(2) passes on errors of a connection that died before it was accepted.
fn is_about_that_connection(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

static BAD_PROXY_HEADER: RepeatedComplaint = RepeatedComplaint::new();
static BAD_HANDSHAKE: RepeatedComplaint = RepeatedComplaint::new();

/// One connection, from accept to its end or its upgrade.
struct Connection {
    around: Arc<HttpSurroundings>,
    settings: Arc<Listener>,
    stopping: watch::Receiver<bool>,
    accepted: Instant,
    deadline: Instant,
}

/// A place that admission has counted; it is given back when this goes out of use, unless it was taken over.
struct Place {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(address) = self.address.take() {
            self.admission.leave(address);
        }
    }
}

/// What the service of a connection agreed to.
struct Agreement {
    upgrade: OnUpgrade,
    /// A trusted proxy's connection is not counted; its clients are, each for itself.
    place: Option<Place>,
    text: bool,
    forwarded_for: Option<IpAddr>,
    secure: bool,
    login: Option<LoginClaim>,
}

impl Connection {
    async fn run(mut self, stream: TcpStream, peer: SocketAddr) {
        let mut peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let Ok(local) = stream.local_addr() else {
            return;
        };
        // A failure costs only delay.
        let _ = stream.set_nodelay(true);
        let rules = self.around.rules.load();
        let mut from_proxy = any_contains(&rules.trusted, peer.ip());
        let mut place = Place { admission: self.around.admission.clone(), address: None };
        self.around.metrics.listeners.accepted();
        if !from_proxy && let Err(refusal) = self.enter(&mut place, peer.ip()) {
            return turn_away(&stream, &self.settings, refusal);
        }
        let mut socket = Socket::new(stream);
        if self.settings.proxy_protocol && from_proxy {
            match timeout_at(self.deadline, read_proxy_header(&mut socket)).await {
                Ok(Some(Some(source))) => {
                    peer = source;
                    from_proxy = any_contains(&rules.trusted, peer.ip());
                    if !from_proxy && let Err(refusal) = self.enter(&mut place, peer.ip()) {
                        return turn_away(&socket.stream, &self.settings, refusal);
                    }
                }
                Ok(Some(None)) => {}
                Ok(None) => {
                    BAD_PROXY_HEADER.say(|left_out| {
                        tracing::warn!(
                            "{}: no valid PROXY header came on {}, which asks for one{left_out}",
                            peer.ip(),
                            self.settings.address
                        );
                    });
                    return;
                }
                Err(_) => return,
            }
        }
        let Some(transport) = self.begin_tls(socket, peer).await else {
            return;
        };
        self.converse(transport, peer, local, from_proxy, place).await;
    }

    fn enter(&self, place: &mut Place, address: IpAddr) -> Result<(), AdmissionRefusal> {
        let admission = &self.around.admission;
        let is_gateway = any_contains(&self.around.rules.load().gateways, address);
        let entered = if is_gateway { admission.enter_for_others(address) } else { admission.enter(address) };
        match entered {
            Ok(()) => {
                place.address = Some(address);
                Ok(())
            }
            Err(refusal) => {
                self.around.metrics.listeners.refused(refusal);
                Err(refusal)
            }
        }
    }

    async fn begin_tls(&self, socket: Socket, peer: SocketAddr) -> Option<Transport> {
        if !self.settings.tls {
            return Some(Transport::plain(socket));
        }
        let config = (*self.around.tls.load()).clone()?;
        let accepting = TlsAcceptor::from(config)
            .accept_with(socket, |connection| connection.set_buffer_limit(Some(TLS_BUFFER_BYTES)));
        match timeout_at(self.deadline, accepting).await {
            Ok(Ok(stream)) => Some(Transport::tls(stream)),
            Ok(Err(error)) => {
                self.around.metrics.listeners.handshake_failed();
                BAD_HANDSHAKE.say(|left_out| tracing::debug!("{}: TLS handshake: {error}{left_out}", peer.ip()));
                None
            }
            Err(_) => {
                self.around.metrics.listeners.handshake_failed();
                None
            }
        }
    }

    async fn converse(
        &mut self,
        transport: Transport,
        peer: SocketAddr,
        local: SocketAddr,
        from_proxy: bool,
        place: Place,
    ) {
        let visitor = Visitor { peer, tls: self.settings.tls, from_proxy };
        let agreement = Arc::new(Mutex::new(None));
        let exporting = Arc::new(AtomicBool::new(false));
        let service = service_fn(|request| {
            let (around, agreement, exporting) = (self.around.clone(), agreement.clone(), exporting.clone());
            async move { Ok::<_, Infallible>(answer(request, &around, visitor, &agreement, &exporting).await) }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.deadline.saturating_duration_since(Instant::now()))
            .max_buf_size(HTTP_HEADER_BYTES)
            .max_header_size(HTTP_HEADER_BYTES)
            .max_headers(HTTP_HEADER_LINES)
            .serve_connection(TokioIo::new(transport), service)
            .with_upgrades();
        let mut serving = pin!(serving);
        let begun = Instant::now();
        let life = async {
            sleep_until(begun + HTTP_CONNECTION_LIFE).await;
            if exporting.load(Ordering::Relaxed) {
                sleep_until(begun + EXPORT_LIFE).await;
            }
        };
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            _ = life => None,
            _ = stopped(&mut self.stopping) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => shut_down(serving.as_mut()).await,
        };
        let agreed: Option<Agreement> = agreement.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(error) = ended {
            tracing::debug!("{}: HTTP: {error}", peer.ip());
            return;
        }
        let Some(agreed) = agreed else { return };
        let client = agreed.forwarded_for.unwrap_or(peer.ip());
        let mut place = agreed.place.unwrap_or(place);
        let Ok(upgraded) = agreed.upgrade.await else {
            return;
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<Transport>>() else {
            return;
        };
        let Some((stream, tls, ahead)) = parts.io.into_inner().into_parts() else {
            return;
        };
        let mut early = parts.read_buf.to_vec();
        early.extend_from_slice(&ahead);
        // Counted by the receiver from here on.
        place.address = None;
        (self.around.on_websocket)(UpgradedConnection {
            stream,
            tls,
            peer: if agreed.forwarded_for.is_some() { SocketAddr::new(client, 0) } else { peer },
            local,
            forwarded_for: agreed.forwarded_for,
            secure: agreed.secure,
            text: agreed.text,
            early,
            accepted: self.accepted.into_std(),
            certificate_fingerprint: None,
            login: agreed.login,
        });
    }
}

/// Comes when the server stops, or when nobody is left who could stop it.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // The error says that the sender is gone.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Lets the request that is being answered end, for a second at the most.
async fn shut_down<S>(
    mut serving: std::pin::Pin<&mut http1::UpgradeableConnection<TokioIo<Transport>, S>>,
) -> hyper::Result<()>
where
    S: hyper::service::HttpService<Incoming, ResBody = Payload>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    serving.as_mut().graceful_shutdown();
    timeout(LAST_REQUESTS, serving).await.unwrap_or(Ok(()))
}

/// Says why, as far as the kernel takes it at once; the connection is closed by whoever drops it.
fn turn_away(stream: &TcpStream, settings: &Listener, refusal: AdmissionRefusal) {
    if !settings.tls {
        let text = format!("{refusal}\n");
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
             retry-after: 60\r\nconnection: close\r\n\r\n{text}",
            text.len()
        );
        // Whoever is gone already is not told.
        let _ = stream.try_write(answer.as_bytes());
    }
}

/// The header's source; `Some(None)` if the proxy speaks for itself; `None` if there is no valid header.
async fn read_proxy_header(socket: &mut Socket) -> Option<Option<SocketAddr>> {
    let mut bytes = Vec::new();
    loop {
        let (source, length) = match proxy_protocol::parse(&bytes) {
            ProxyHeader::Incomplete if bytes.len() < PROXY_HEADER_BYTES => {
                if socket.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
                continue;
            }
            ProxyHeader::Relayed { source, length } => (Some(source), length),
            ProxyHeader::Local { length } => (None, length),
            ProxyHeader::Incomplete | ProxyHeader::Invalid => return None,
        };
        socket.put_back(bytes.split_off(length));
        return Some(source);
    }
}

/// Who asks, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
struct Visitor {
    peer: SocketAddr,
    tls: bool,
    /// The peer is in `proxy.trusted`, so its headers about others are believed.
    from_proxy: bool,
}

impl Visitor {
    /// TLS all the way, as far as the trusted proxies on it say.
    fn is_https(self, headers: &HeaderMap) -> bool {
        if self.from_proxy && forwarding::is_forwarded(headers) {
            return (self.tls || self.peer.ip().is_loopback()) && forwarding::is_https(headers);
        }
        self.tls
    }

    /// Nobody on the way can read along.
    fn is_private(self, headers: &HeaderMap) -> bool {
        self.is_https(headers) || (self.peer.ip().is_loopback() && !forwarding::is_forwarded(headers))
    }
}

async fn answer(
    mut request: Request<Incoming>,
    around: &HttpSurroundings,
    visitor: Visitor,
    agreement: &Mutex<Option<Agreement>>,
    exporting: &AtomicBool,
) -> Response<Payload> {
    around.metrics.listeners.http_request();
    let rules = around.rules.load();
    let is_https = visitor.is_https(request.headers());
    let mut response = match export::token_of(&request) {
        _ if !names_one_host(&request) => {
            text(StatusCode::BAD_REQUEST, "The header Host must be there once, and name a host.").map(payload)
        }
        Some(token) => export::answer(&request, token, &around.exports, visitor, exporting),
        // In a box: few connections need the room for it.
        None if login::is_concerned(&request) => Box::pin(login::answer(request, around, &rules, visitor)).await,
        None => route(&mut request, around, &rules, visitor, agreement).map(payload),
    };
    let headers = response.headers_mut();
    for (name, value) in page::SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(page::STRICT_TRANSPORT.0, HeaderValue::from_static(page::STRICT_TRANSPORT.1));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// RFC 9112 section 3.2: without it, with two of them, or with one that is no name, an answer might be for another site.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    upgrade::host_of(headers).is_some() || (request.version() < Version::HTTP_11 && !headers.contains_key(header::HOST))
}

fn route(
    request: &mut Request<Incoming>,
    around: &HttpSurroundings,
    rules: &HttpRules,
    visitor: Visitor,
    agreement: &Mutex<Option<Agreement>>,
) -> Response<Full<Bytes>> {
    if !request.body().is_end_stream() {
        let mut response = text(StatusCode::PAYLOAD_TOO_LARGE, "Nothing here takes a body.");
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are of use here.");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let asks_for_websocket = upgrade::asks_for_websocket(request.headers());
    match request.uri().path() {
        "/" | "/ws" if asks_for_websocket => begin_websocket(request, around, rules, visitor, agreement),
        "/ws" => {
            let mut response = text(StatusCode::UPGRADE_REQUIRED, "Here is a WebSocket; open it with one.");
            upgrade::name_what_is_wanted(response.headers_mut());
            response
        }
        // Where the page was not built, this is what there is.
        path @ ("/" | "/join") if path == "/join" || !web::IS_BUILT => {
            let host = upgrade::host_of(request.headers()).map(|(host, _)| host);
            let languages = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            let german = languages.is_some_and(page::reads_german);
            let page = page::render(&rules.page, host.as_deref().unwrap_or(&rules.page.server_name), german);
            let mut response = typed("text/html; charset=utf-8", page);
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
            response
        }
        "/style.css" => typed("text/css; charset=utf-8", page::STYLE),
        "/healthz" => match (around.trouble)() {
            None => text(StatusCode::OK, "ok"),
            Some(trouble) => text(StatusCode::SERVICE_UNAVAILABLE, &trouble),
        },
        "/metrics" if may_read_metrics(request, rules, visitor) => {
            typed("application/openmetrics-text; version=1.0.0; charset=utf-8", around.metrics.render())
        }
        "/metrics" => text(
            StatusCode::FORBIDDEN,
            "Metrics are for this machine, or for those with the token of [http] metrics_token.",
        ),
        path => {
            let cookie = CookieName::new(&rules.cookie, visitor.is_https(request.headers()));
            assets::answer(path, request.headers(), &cookie)
                .or_else(|| assets::nothing(request.headers(), &cookie))
                .unwrap_or_else(|| text(StatusCode::NOT_FOUND, "There is nothing here."))
        }
    }
}

/// From this machine itself, not through a proxy on it, and not by a web page whose name was made to point here (DNS
/// rebinding); or with the token.
fn may_read_metrics(request: &Request<Incoming>, rules: &HttpRules, visitor: Visitor) -> bool {
    let headers = request.headers();
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .zip(rules.metrics_token.as_ref());
    if let Some((attempt, token)) = token {
        return token.matches(attempt);
    }
    let host_is_here = match upgrade::host_of(headers) {
        Some((host, _)) => upgrade::is_loopback_name(&host),
        None => !headers.contains_key(header::HOST),
    };
    visitor.peer.ip().is_loopback() && !forwarding::is_forwarded(headers) && host_is_here
}

fn begin_websocket(
    request: &mut Request<Incoming>,
    around: &HttpSurroundings,
    rules: &HttpRules,
    visitor: Visitor,
    agreement: &Mutex<Option<Agreement>>,
) -> Response<Full<Bytes>> {
    let terms = match upgrade::negotiate(request, rules, visitor) {
        Ok(terms) => terms,
        Err(refusal) => return *refusal,
    };
    let forwarded_for =
        if visitor.from_proxy { forwarding::client_of(request.headers(), &rules.trusted) } else { None };
    let mut place = None;
    if visitor.from_proxy {
        let client = forwarded_for.unwrap_or(visitor.peer.ip());
        if let Err(refusal) = around.admission.enter(client) {
            around.metrics.listeners.refused(refusal);
            let mut response = text(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            return response;
        }
        place = Some(Place { admission: around.admission.clone(), address: Some(client) });
    }
    let secure_until_proxy = visitor.tls || visitor.peer.ip().is_loopback();
    let secure = visitor.tls || (visitor.from_proxy && secure_until_proxy && forwarding::is_https(request.headers()));
    // Whoever names no page is no browser, and pages of others are not to speak for whom this one is logged in as.
    let login = upgrade::is_our_page(request.headers(), rules, visitor)
        .then(|| {
            cookie::claim_of(request.headers(), &CookieName::new(&rules.cookie, visitor.is_https(request.headers())))
        })
        .flatten();
    let upgrade = hyper::upgrade::on(request);
    let agreed = Agreement { upgrade, place, text: terms.text, forwarded_for, secure, login };
    *agreement.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreed);
    terms.response
}

/// What an answer is made of: ready, or in pieces as they come.
type Payload = UnsyncBoxBody<Bytes, io::Error>;

fn payload(ready: Full<Bytes>) -> Payload {
    ready.map_err(|never| match never {}).boxed_unsync()
}

fn text(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
    let mut response = typed("text/plain; charset=utf-8", format!("{sentence}\n"));
    *response.status_mut() = status;
    response
}

fn typed(content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests;
