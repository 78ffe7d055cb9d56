//! Links to all that is kept of an account, each for its owner alone: asked for by the account over its connection, good
//! once and for a short time. What is behind one is written by a thread of its own, never through the hub.

use crate::current::Current;
use crate::http::HttpRules;
use crate::limits::{
    EXPORT_CHUNK_BYTES, EXPORT_CHUNKS, EXPORT_LINK_LIFE, EXPORT_LINKS, EXPORT_PAUSE, EXPORT_STALL, EXPORTS,
};
use crate::store::export::{self, ExportError};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use chat::id::{ClientId, Timestamp};
use session::WorkResult;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The links that are good now.
#[derive(Debug)]
pub struct Exports {
    database: PathBuf,
    rules: Arc<Current<HttpRules>>,
    links: Mutex<Links>,
    /// How many are being written.
    under_way: Arc<AtomicUsize>,
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
    /// In pieces; behind the last one comes an empty one, or it is not whole.
    Pieces(Receiver<Bytes>),
    /// It is none, or was used, or is too old.
    Unknown,
    /// As many as may be are being written.
    Busy,
}

impl Exports {
    pub fn new(database: PathBuf, rules: Arc<Current<HttpRules>>) -> Arc<Exports> {
        Arc::new(Exports { database, rules, links: Mutex::default(), under_way: Arc::default() })
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
        // The lock is held: nobody else counts.
        if self.under_way.load(Ordering::Acquire) >= EXPORTS {
            return Opened::Busy;
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
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
            match export::export(&database, is_meant, &mut pieces).map(|()| pieces.send(Bytes::new())) {
                Err(ExportError::Store(error)) => tracing::error!("an account could not be exported: {error}"),
                // The account is no more what it was, or whoever wanted it has gone. What was sent does not pass for whole.
                Err(ExportError::NoSuchAccount | ExportError::Output(_)) | Ok(_) => {}
            }
        });
        match begun {
            Ok(_) => Opened::Pieces(receiver),
            Err(_) => Opened::Busy,
        }
    }
}

/// The next one may be written.
struct Ended(Arc<AtomicUsize>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits for whoever takes the pieces, but not for ever; with the connection's end there is nobody.
struct Pieces {
    sender: Sender<Bytes>,
    piece: Vec<u8>,
}

impl Pieces {
    fn send(&self, mut piece: Bytes) -> io::Result<()> {
        let deadline = Instant::now() + EXPORT_STALL;
        loop {
            piece = match self.sender.try_send(piece) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(TrySendError::Full(_)) if Instant::now() >= deadline => return Err(io::ErrorKind::TimedOut.into()),
                Err(TrySendError::Full(piece)) => piece,
            };
            // Nothing tells a thread that a channel has room and lets it stop waiting; this only paces the looking.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
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
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.send(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::store::{DATABASE, Durability, Store};

    fn exports(folder: &tempfile::TempDir) -> Arc<Exports> {
        let database = folder.path().join(DATABASE);
        Store::open(&database, Durability::Relaxed).expect("made");
        let config = Config::default();
        let rules = HttpRules::new(&config, config.listeners.clone());
        Exports::new(database, Arc::new(Current::new(rules)))
    }

    fn token(offered: &WorkResult) -> String {
        let WorkResult::Offered { url, .. } = offered else { panic!("no link: {offered:?}") };
        url.rsplit('/').next().expect("a token").to_owned()
    }

    #[test]
    fn a_link_is_good_once_and_its_account_s_newest_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let exports = exports(&folder);
        let (one, other) = (ClientId(uuid::Uuid::from_u128(1)), ClientId(uuid::Uuid::from_u128(2)));
        let first = token(&exports.offer(one, Timestamp(0)));
        let second = token(&exports.offer(one, Timestamp(0)));
        let others = token(&exports.offer(other, Timestamp(0)));
        for unknown in ["", "0", &first, &second[1..]] {
            assert!(matches!(exports.open(unknown), Opened::Unknown), "{unknown}");
        }
        // There is no such account: what comes is not whole, and says so.
        let Opened::Pieces(mut pieces) = exports.open(&second) else { panic!("it is good") };
        assert_eq!(pieces.blocking_recv(), None);
        assert!(matches!(exports.open(&second), Opened::Unknown));
        assert!(matches!(exports.offer(one, Timestamp(0)), WorkResult::Busy), "so soon");
        assert!(matches!(exports.open(&others), Opened::Pieces(_)));
    }

    #[test]
    fn where_nothing_listens_for_http_there_are_no_links() {
        let rules = HttpRules::new(&Config::default(), Vec::new());
        let exports = Exports::new(PathBuf::from("nowhere"), Arc::new(Current::new(rules)));
        let offered = exports.offer(ClientId(uuid::Uuid::nil()), Timestamp(0));
        assert!(matches!(offered, WorkResult::Unavailable), "{offered:?}");
    }
}
