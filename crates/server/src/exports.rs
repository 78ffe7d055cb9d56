//! Links to all that is kept of an account, each for its owner alone: asked for by the account over its connection, good
//! once and for a short time. What is behind one is written by a thread of its own, never through the hub.

use crate::current::Current;
use crate::http::HttpRules;
use crate::limits::{EXPORT_CHUNK_BYTES, EXPORT_CHUNKS, EXPORT_LINK_LIFE, EXPORT_LINKS, EXPORT_PAUSE};
use crate::store::export::{self, ExportError};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use chat::id::{ClientId, Timestamp};
use session::WorkResult;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The links that are good now.
#[derive(Debug)]
pub struct Exports {
    database: PathBuf,
    rules: Arc<Current<HttpRules>>,
    links: Mutex<Links>,
    /// One is written at a time.
    under_way: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Links {
    offered: Vec<Link>,
    /// Whose was begun to be written, and when.
    written: Vec<(ClientId, Instant)>,
}

#[derive(Debug)]
struct Link {
    token: String,
    account: ClientId,
    proofs_since: Timestamp,
    until: Instant,
}

/// What comes of opening a link.
#[derive(Debug)]
pub enum Opened {
    /// In pieces, to the end or to an error.
    Pieces(Receiver<io::Result<Bytes>>),
    /// It is none, or was used, or is too old.
    Unknown,
    /// Someone else's is being written.
    Busy,
}

impl Exports {
    pub fn new(database: PathBuf, rules: Arc<Current<HttpRules>>) -> Arc<Exports> {
        let under_way = Arc::new(AtomicBool::new(false));
        Arc::new(Exports { database, rules, links: Mutex::default(), under_way })
    }

    /// A new link for this account; an earlier one is good no more. `proofs_since`: as of the account's record: whoever
    /// gives the account another password ends this too.
    pub fn offer(&self, account: ClientId, proofs_since: Timestamp) -> WorkResult {
        let rules = self.rules.load();
        let Some(base) = rules.base_url.as_deref() else { return WorkResult::Unavailable };
        let mut bytes = [0; 16];
        let now = Instant::now();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.offered.retain(|link| link.until > now && link.account != account);
        links.written.retain(|(_, at)| now.duration_since(*at) < EXPORT_PAUSE);
        let had_it = links.written.iter().any(|(of, _)| *of == account);
        if had_it || links.offered.len() >= EXPORT_LINKS || getrandom::fill(&mut bytes).is_err() {
            return WorkResult::Busy;
        }
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let url = format!("{base}/export/{token}");
        links.offered.push(Link { token, account, proofs_since, until: now + EXPORT_LINK_LIFE });
        WorkResult::Offered { url, seconds: EXPORT_LINK_LIFE.as_secs() }
    }

    /// Begins to write what is behind a link.
    pub fn open(&self, token: &str) -> Opened {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_it = |link: &Link| verify_slices_are_equal(link.token.as_bytes(), token.as_bytes()).is_ok();
        let Some(at) = links.offered.iter().position(|link| link.until > now && is_it(link)) else {
            return Opened::Unknown;
        };
        if self.under_way.swap(true, Ordering::AcqRel) {
            return Opened::Busy;
        }
        let link = links.offered.swap_remove(at);
        links.written.push((link.account, now));
        drop(links);
        let (sender, receiver) = channel(EXPORT_CHUNKS);
        let (database, ended) = (self.database.clone(), Ended(self.under_way.clone()));
        let begun = std::thread::Builder::new().name("export".to_owned()).spawn(move || {
            let _ended = ended;
            let mut pieces = Pieces { sender, piece: Vec::new() };
            let is_meant = |account: &export::Candidate| {
                account.id == link.account && account.proofs_since == link.proofs_since && !account.disabled
            };
            let error = match export::export(&database, is_meant, &mut pieces) {
                Ok(()) => return,
                Err(ExportError::Output(error)) => error,
                Err(ExportError::NoSuchAccount) => io::Error::other("the account is no more what it was"),
                Err(ExportError::Store(error)) => {
                    tracing::error!("an account could not be exported: {error}");
                    io::Error::other("the store could not be read")
                }
            };
            // Whoever reads it is told that it is not whole, if there still is someone.
            let _ = pieces.sender.blocking_send(Err(error));
        });
        match begun {
            Ok(_) => Opened::Pieces(receiver),
            Err(_) => Opened::Busy,
        }
    }
}

/// The next one may be written.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Waits for whoever takes the pieces; with the connection's end there is nobody.
struct Pieces {
    sender: Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= EXPORT_CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
