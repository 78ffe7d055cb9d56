//! /export/TOKEN: all that is kept of an account, for whoever was given the link over the account's own connection.

use super::{Payload, Visitor, payload, text};
use crate::config::{Config, Listener, Protocol};
use crate::exports::{Exports, Opened};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc::Receiver;

/// What a link begins with: what the configuration says, or where the page is found by its name or address, by TLS if it can
/// be. `None`: nowhere.
pub(super) fn base_url(config: &Config, listeners: &[Listener]) -> Option<String> {
    if let Some(url) = &config.http.url {
        return Some(url.clone());
    }
    let web = || listeners.iter().filter(|listener| listener.protocol == Protocol::Http);
    let listener = web().find(|listener| listener.tls).or_else(|| web().next())?;
    let scheme = if listener.tls { "https" } else { "http" };
    let address = listener.address;
    if address.ip().is_unspecified() {
        return Some(format!("{scheme}://{}:{}", config.server.name, address.port()));
    }
    Some(format!("{scheme}://{address}"))
}

/// What a request for an export names.
pub(super) fn token_of(request: &Request<Incoming>) -> Option<&str> {
    let path = request.uri().path().strip_prefix("/export/")?;
    (*request.method() == Method::GET && request.body().is_end_stream()).then_some(path)
}

pub(super) fn answer(
    request: &Request<Incoming>,
    token: &str,
    exports: &Exports,
    visitor: Visitor,
    exporting: &AtomicBool,
) -> Response<Payload> {
    let refuse = |status, sentence: &str| text(status, sentence).map(payload);
    if !visitor.is_private(request.headers()) {
        let sentence = "An export goes over https only, or to this machine itself: ask the server's admin for https.";
        return refuse(StatusCode::FORBIDDEN, sentence);
    }
    match exports.open(token) {
        Opened::Pieces(pieces) => {
            exporting.store(true, Ordering::Relaxed);
            let mut response = Response::new(Pieces { pieces, is_whole: false }.boxed_unsync());
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let name = HeaderValue::from_static("attachment; filename=\"parlor-account.json\"");
            headers.insert(header::CONTENT_DISPOSITION, name);
            response
        }
        Opened::Unknown => {
            let sentence = "This link was used already, is too old, or never was one: ACCOUNT EXPORT gives a new one.";
            refuse(StatusCode::NOT_FOUND, sentence)
        }
        Opened::Busy => {
            let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "Another export is under way: try again.");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            response
        }
    }
}

/// A body as it comes from the thread that writes it. One that is not whole ends as an error, so that HTTP does not end it.
struct Pieces {
    pieces: Receiver<Bytes>,
    is_whole: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_whole {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.pieces.poll_recv(context)) {
            Some(piece) if piece.is_empty() => {
                self.is_whole = true;
                None
            }
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_where_the_page_is_found() {
        let mut config = Config::default();
        let web = config.listeners.iter().find(|listener| listener.protocol == Protocol::Http).expect("one").clone();
        let at = |address: &str, tls| Listener { address: address.parse().expect("an address"), tls, ..web.clone() };
        for (listeners, expected) in [
            (vec![], None),
            (vec![at("127.0.0.1:8080", false)], Some("http://127.0.0.1:8080")),
            (vec![at("127.0.0.1:8080", false), at("[::1]:8443", true)], Some("https://[::1]:8443")),
        ] {
            assert_eq!(base_url(&config, &listeners).as_deref(), expected);
        }
        config.server.name = "chat.example".to_owned();
        assert_eq!(base_url(&config, &[at("0.0.0.0:443", true)]).as_deref(), Some("https://chat.example:443"));
        config.http.url = Some("https://chat.example".to_owned());
        assert_eq!(base_url(&config, &[]).as_deref(), Some("https://chat.example"));
    }
}
