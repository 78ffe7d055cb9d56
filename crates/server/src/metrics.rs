//! What the server counts, and the text of /metrics (OpenMetrics, which Prometheus reads).
//!
//! Every thread counts in a block of its own with plain relaxed stores; blocks are summed when somebody asks. So counting
//! costs an addition in the owner's cache and never a locked instruction on the message path. No label has a value that a
//! client chooses, and nothing here names a person, a room or an address.

use crate::limits::AdmissionRefusal;
use chat::hub::Gauges;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A number that only one thread changes. Others may read it at any time.
#[derive(Default, Debug)]
pub struct OwnedCount(AtomicU64);

impl OwnedCount {
    /// A load and a store: with one writer nothing is lost, and no instruction locks the bus.
    pub fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that several threads change; for rare events.
#[derive(Default, Debug)]
pub struct SharedCount(AtomicU64);

impl SharedCount {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts by a word from the code (never from a client). For events off the message path: a lock that only a scrape
/// contends for.
#[derive(Default, Debug)]
pub struct CountsByWord(Mutex<BTreeMap<&'static str, u64>>);

impl CountsByWord {
    pub fn add(&self, word: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(word).or_default() += 1;
    }

    fn add_to(&self, sums: &mut BTreeMap<&'static str, u64>) {
        for (word, count) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            *sums.entry(word).or_default() += count;
        }
    }
}

/// Upper edges of the latency buckets, in microseconds: one flush of this machine's disk takes about 3,000.
const EDGES_US: [u64; 17] = [
    100, 250, 500, 1_000, 2_000, 3_000, 4_000, 5_000, 7_500, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 5_000_000,
];

/// How long something took, by one writer.
#[derive(Default, Debug)]
pub struct OwnedHistogram {
    buckets: [OwnedCount; EDGES_US.len() + 1],
    sum_us: OwnedCount,
}

impl OwnedHistogram {
    pub fn observe(&self, took: Duration) {
        self.observe_many(took, 1);
    }

    /// `times` things that all took as long, as the messages of one commit do.
    pub fn observe_many(&self, took: Duration, times: u64) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = EDGES_US.partition_point(|edge| *edge < us);
        self.buckets[bucket].add(times);
        self.sum_us.add(us.saturating_mul(times));
    }
}

/// The kinds of connections that people tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectionKind {
    Plain,
    Tls,
    WebSocket,
    WebSocketTls,
}

impl ConnectionKind {
    pub fn of(is_websocket: bool, is_encrypted: bool) -> ConnectionKind {
        match (is_websocket, is_encrypted) {
            (false, false) => ConnectionKind::Plain,
            (false, true) => ConnectionKind::Tls,
            (true, false) => ConnectionKind::WebSocket,
            (true, true) => ConnectionKind::WebSocketTls,
        }
    }

    const ALL: [ConnectionKind; 4] =
        [ConnectionKind::Plain, ConnectionKind::Tls, ConnectionKind::WebSocket, ConnectionKind::WebSocketTls];

    fn word(self) -> &'static str {
        match self {
            ConnectionKind::Plain => "plain",
            ConnectionKind::Tls => "tls",
            ConnectionKind::WebSocket => "websocket",
            ConnectionKind::WebSocketTls => "websocket_tls",
        }
    }
}

/// What one shard counts.
#[derive(Default, Debug)]
pub struct ShardMetrics {
    opened: OwnedCount,
    closed: OwnedCount,
    kinds_begun: [OwnedCount; 4],
    kinds_ended: [OwnedCount; 4],
    lines_in: OwnedCount,
    messages_out: OwnedCount,
    bytes_in: OwnedCount,
    bytes_out: OwnedCount,
    events: OwnedCount,
    slow: OwnedCount,
    bad_handshakes: OwnedCount,
    waiting_bytes: OwnedCount,
    closes: CountsByWord,
    refusals: CountsByWord,
    logins: OwnedCount,
    failed_logins: OwnedCount,
    delivery: OwnedHistogram,
}

impl ShardMetrics {
    pub fn connections_opened(&self) {
        self.opened.add(1);
    }

    pub fn connections_closed(&self) {
        self.closed.add(1);
    }

    /// A connection of this kind got its session; [`ShardMetrics::kind_ended`] is its other half.
    pub fn kind_begun(&self, kind: ConnectionKind) {
        self.kinds_begun[kind as usize].add(1);
    }

    pub fn kind_ended(&self, kind: ConnectionKind) {
        self.kinds_ended[kind as usize].add(1);
    }

    pub fn lines_in(&self, lines: usize) {
        self.lines_in.add(lines as u64);
    }

    /// A message, by way of which it is said: so many readers here have it in their outboxes.
    pub fn delivered_to(&self, readers: usize) {
        self.messages_out.add(readers as u64);
    }

    pub fn bytes_in(&self, bytes: usize) {
        self.bytes_in.add(bytes as u64);
    }

    pub fn bytes_out(&self, bytes: usize) {
        self.bytes_out.add(bytes as u64);
    }

    /// Events of the hub that this shard turned into lines.
    pub fn events(&self, events: usize) {
        self.events.add(events as u64);
    }

    /// A connection was closed at its outbox limit, or because it read nothing.
    pub fn closed_slow(&self) {
        self.slow.add(1);
    }

    /// A TLS handshake came to nothing.
    pub fn refused_handshake(&self) {
        self.bad_handshakes.add(1);
    }

    /// Bytes in all outboxes of this shard, as of now.
    pub fn waiting_bytes(&self, bytes: usize) {
        self.waiting_bytes.set(bytes as u64);
    }

    /// Why a connection ends, as a word of the code; for those that others end, and for those that end by themselves.
    pub fn closed_because(&self, reason: &'static str) {
        self.closes.add(reason);
    }

    /// A command was refused, for this reason.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.add(reason);
    }

    /// From the place of so many messages in the order to the outboxes of this shard.
    pub fn delivered(&self, took: Duration, messages: u64) {
        self.delivery.observe_many(took, messages);
    }

    pub fn login(&self, succeeded: bool) {
        if succeeded { &self.logins } else { &self.failed_logins }.add(1);
    }
}

/// What the threads that accept count.
#[derive(Default, Debug)]
pub struct ListenerMetrics {
    accepted: SharedCount,
    pauses: SharedCount,
    refused: [SharedCount; AdmissionRefusal::ALL.len()],
    bad_handshakes: SharedCount,
    http_requests: SharedCount,
}

impl ListenerMetrics {
    pub fn accepted(&self) {
        self.accepted.add(1);
    }

    /// Accepting paused because no file descriptor was left.
    pub fn paused(&self) {
        self.pauses.add(1);
    }

    pub fn refused(&self, refusal: AdmissionRefusal) {
        self.refused[refusal as usize].add(1);
    }

    /// A TLS handshake came to nothing.
    pub fn handshake_failed(&self) {
        self.bad_handshakes.add(1);
    }

    pub fn http_request(&self) {
        self.http_requests.add(1);
    }
}

/// What the hub's thread counts.
#[derive(Default, Debug)]
pub struct HubMetrics {
    turns: OwnedCount,
    requests: OwnedCount,
    queue: OwnedCount,
    turn: OwnedHistogram,
    long_turns: OwnedCount,
    waiting: OwnedCount,
    clients: OwnedCount,
    sessions: OwnedCount,
    rooms: OwnedCount,
    direct_rooms: OwnedCount,
    accounts: OwnedCount,
    journal: OwnedCount,
}

impl HubMetrics {
    /// One turn of the hub with so many requests, how long it took, and how much there is after it.
    pub fn turn(&self, requests: usize, took: Duration, gauges: Gauges) {
        self.turns.add(1);
        self.turn.observe(took);
        self.requests.add(requests as u64);
        self.queue.set(requests as u64);
        self.clients.set(gauges.clients as u64);
        self.sessions.set(gauges.sessions as u64);
        self.rooms.set(gauges.rooms as u64);
        self.direct_rooms.set(gauges.direct_rooms as u64);
        self.accounts.set(gauges.accounts as u64);
        self.journal.set(gauges.journal as u64);
    }

    /// A turn kept the processor for longer than it may.
    pub fn long_turn(&self) {
        self.long_turns.add(1);
    }

    /// Requests taken so far.
    pub fn requests(&self) -> u64 {
        self.requests.value()
    }

    /// Commands that wait for the next commit, as of now.
    pub fn waiting(&self, commands: usize) {
        self.waiting.set(commands as u64);
    }
}

/// What the store's writing thread counts.
#[derive(Default, Debug)]
pub struct StoreMetrics {
    commits: OwnedCount,
    entries: OwnedCount,
    messages: OwnedCount,
    failures: OwnedCount,
    latency: OwnedHistogram,
}

impl StoreMetrics {
    /// A commit of so many entries, so many of them messages, took so long with its flush.
    pub fn committed(&self, entries: usize, messages: usize, took: Duration) {
        self.commits.add(1);
        self.entries.add(entries as u64);
        self.messages.add(messages as u64);
        self.latency.observe(took);
    }

    pub fn failed(&self) {
        self.failures.add(1);
    }
}

/// All blocks of a running server.
#[derive(Debug)]
pub struct Metrics {
    pub shards: Vec<Arc<ShardMetrics>>,
    pub listeners: Arc<ListenerMetrics>,
    pub hub: Arc<HubMetrics>,
    pub store: Arc<StoreMetrics>,
    pub search_index: crate::store::Following,
    started: Instant,
}

impl Metrics {
    pub fn new(shards: usize) -> Arc<Metrics> {
        Arc::new(Metrics {
            shards: (0..shards).map(|_| Arc::default()).collect(),
            listeners: Arc::default(),
            hub: Arc::default(),
            store: Arc::default(),
            search_index: crate::store::Following::default(),
            started: Instant::now(),
        })
    }

    /// Open connections of all shards.
    pub fn connections(&self) -> u64 {
        self.sum(|shard| &shard.opened).saturating_sub(self.sum(|shard| &shard.closed))
    }

    /// The text of /metrics.
    pub fn render(self: &Arc<Metrics>) -> String {
        let mut registry = Registry::with_prefix("parlor");
        registry.register_collector(Box::new(self.clone()));
        let mut text = String::with_capacity(16_384);
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            // Writing to a String fails only if a metric's own encoding does, which would be our mistake.
            Err(error) => format!("# the metrics could not be written: {error}\n# EOF\n"),
        }
    }

    fn sum(&self, count: impl Fn(&ShardMetrics) -> &OwnedCount) -> u64 {
        self.shards.iter().map(|shard| count(shard).value()).sum()
    }

    fn words(&self, counts: impl Fn(&ShardMetrics) -> &CountsByWord) -> Vec<(&'static str, u64)> {
        let mut sums = BTreeMap::new();
        for shard in &self.shards {
            counts(shard).add_to(&mut sums);
        }
        sums.into_iter().collect()
    }
}

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page { encoder };
        page.gauge("uptime_seconds", "Seconds since the start", self.started.elapsed().as_secs())?;

        page.gauge("connections", "Open connections", self.connections())?;
        let kinds: Vec<_> = ConnectionKind::ALL
            .into_iter()
            .map(|kind| {
                let begun = self.sum(|shard| &shard.kinds_begun[kind as usize]);
                let ended = self.sum(|shard| &shard.kinds_ended[kind as usize]);
                (kind.word(), begun.saturating_sub(ended))
            })
            .collect();
        page.gauges("sessions_by_kind", "Open connections that have a session, by kind", "kind", &kinds)?;
        page.counter("connections_opened", "Connections taken over by a shard", self.sum(|shard| &shard.opened))?;
        page.counter("connections_accepted", "Connections accepted by listeners", self.listeners.accepted.value())?;
        page.counter("accept_pauses", "Pauses of accepting for want of open files", self.listeners.pauses.value())?;
        let refused: Vec<_> = AdmissionRefusal::ALL
            .into_iter()
            .map(|refusal| (refusal.word(), self.listeners.refused[refusal as usize].value()))
            .collect();
        page.counters("connections_refused", "Connections turned away at once", "reason", &refused)?;
        page.counters("connections_closed", "Closed connections", "reason", &self.words(|shard| &shard.closes))?;
        page.counter(
            "connections_closed_slow",
            "Connections closed because they read too slowly",
            self.sum(|shard| &shard.slow),
        )?;
        page.counter(
            "handshakes_failed",
            "TLS handshakes that came to nothing",
            self.sum(|shard| &shard.bad_handshakes) + self.listeners.bad_handshakes.value(),
        )?;
        page.counter("http_requests", "HTTP requests, upgrades included", self.listeners.http_requests.value())?;

        page.counter("lines_received", "Lines from clients", self.sum(|shard| &shard.lines_in))?;
        page.counter(
            "messages_received",
            "Messages from clients, as they were committed",
            self.store.messages.value(),
        )?;
        page.counter(
            "messages_delivered",
            "Messages put into readers' outboxes",
            self.sum(|shard| &shard.messages_out),
        )?;
        page.counter("bytes_received", "Bytes from clients", self.sum(|shard| &shard.bytes_in))?;
        page.counter("bytes_sent", "Bytes to clients", self.sum(|shard| &shard.bytes_out))?;
        page.counter("events_rendered", "Events turned into lines", self.sum(|shard| &shard.events))?;
        page.gauge("outbox_bytes", "Bytes waiting in outboxes", self.sum(|shard| &shard.waiting_bytes))?;
        page.counters("commands_refused", "Refused commands", "reason", &self.words(|shard| &shard.refusals))?;

        let hub = &self.hub;
        page.counter("hub_turns", "Turns of the hub", hub.turns.value())?;
        page.counter("hub_requests", "Requests that the hub took", hub.requests.value())?;
        page.histogram(
            "hub_turn",
            "Duration of a turn of the hub, from its first request to the last effect handed on",
            &[&hub.turn],
        )?;
        page.counter("hub_long_turns", "Turns that took more than 0.1 s of the processor", hub.long_turns.value())?;
        page.gauge("hub_batch_requests", "Requests in the hub's last turn", hub.queue.value())?;
        page.counters(
            "logins",
            "Login attempts",
            "result",
            &[("accepted", self.sum(|shard| &shard.logins)), ("refused", self.sum(|shard| &shard.failed_logins))],
        )?;
        page.gauge("clients", "People present", hub.clients.value())?;
        page.gauge("sessions", "Sessions of all people", hub.sessions.value())?;
        page.gauge("rooms", "Rooms", hub.rooms.value())?;
        page.gauge("direct_rooms", "Direct conversations", hub.direct_rooms.value())?;
        page.gauge("accounts", "Accounts", hub.accounts.value())?;
        page.gauge("hub_journal_entries", "Changes that wait for their commit", hub.journal.value())?;

        let store = &self.store;
        page.counter("commits", "Commits of the log", store.commits.value())?;
        page.counter("committed_entries", "Entries in all commits", store.entries.value())?;
        page.counter("committed_messages", "Messages in all commits", store.messages.value())?;
        page.counter("commit_failures", "Commits that failed", store.failures.value())?;
        page.gauge("commit_queue_entries", "Commands waiting for a commit", hub.waiting.value())?;
        page.histogram("commit_latency", "Duration of a commit with its flush", &[&store.latency])?;
        let behind = self.search_index.behind();
        page.gauge("search_index_behind_messages", "Messages that the search index has not taken in yet", behind)?;
        let delivery: Vec<&OwnedHistogram> = self.shards.iter().map(|shard| &shard.delivery).collect();
        page.histogram(
            "delivery_latency",
            "From a message's place in the order to its readers' outboxes, by the clock's milliseconds",
            &delivery,
        )
    }
}

/// The page being written, one family after another.
struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        value.encode(self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let value = ConstCounter::new(value);
        value.encode(self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauges(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (word, value) in values {
            let value = ConstGauge::new(i64::try_from(*value).unwrap_or(i64::MAX));
            value.encode(family.encode_family(&[(label, *word)])?)?;
        }
        Ok(())
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (word, value) in values {
            ConstCounter::new(*value).encode(family.encode_family(&[(label, *word)])?)?;
        }
        Ok(())
    }

    /// The sum of several writers' histograms, in seconds.
    fn histogram(&mut self, name: &str, help: &str, parts: &[&OwnedHistogram]) -> fmt::Result {
        let mut buckets = Vec::with_capacity(EDGES_US.len() + 1);
        let edges = EDGES_US.iter().map(|edge| *edge as f64 / 1e6).chain([f64::INFINITY]);
        for (at, edge) in edges.enumerate() {
            buckets.push((edge, parts.iter().map(|part| part.buckets[at].value()).sum()));
        }
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = parts.iter().map(|part| part.sum_us.value()).sum::<u64>() as f64 / 1e6;
        let unit = Unit::Seconds;
        let mut family = self.encoder.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_summed_and_rendered() {
        let metrics = Metrics::new(2);
        for (shard, lines) in metrics.shards.iter().zip([3, 4]) {
            shard.connections_opened();
            shard.connections_opened();
            shard.connections_closed();
            shard.kind_begun(ConnectionKind::Tls);
            shard.lines_in(lines);
            shard.bytes_out(100);
            shard.closed_because("quit");
            shard.refused("not_member");
            shard.delivered(Duration::from_micros(2_900), 1);
            shard.delivered_to(3);
            shard.login(false);
        }
        metrics.listeners.refused(AdmissionRefusal::TooFast);
        metrics.hub.turn(5, Duration::from_millis(2), Gauges { rooms: 7, ..Gauges::default() });
        metrics.hub.waiting(4);
        metrics.store.failed();
        metrics.store.committed(10, 8, Duration::from_millis(3));
        metrics.store.committed(1, 1, Duration::from_secs(60));
        let text = metrics.render();
        for line in [
            "parlor_connections 2",
            "parlor_sessions_by_kind{kind=\"tls\"} 2",
            "parlor_sessions_by_kind{kind=\"plain\"} 0",
            "parlor_lines_received_total 7",
            "parlor_bytes_sent_total 200",
            "parlor_connections_closed_total{reason=\"quit\"} 2",
            "parlor_connections_refused_total{reason=\"too_fast\"} 1",
            "parlor_commands_refused_total{reason=\"not_member\"} 2",
            "parlor_rooms 7",
            "parlor_hub_turn_seconds_bucket{le=\"0.002\"} 1",
            "parlor_logins_total{result=\"refused\"} 2",
            "parlor_messages_delivered_total 6",
            "parlor_messages_received_total 9",
            "parlor_commit_queue_entries 4",
            "parlor_commit_failures_total 1",
            "parlor_committed_messages_total 9",
            "parlor_commit_latency_seconds_bucket{le=\"0.002\"} 0",
            "parlor_commit_latency_seconds_bucket{le=\"0.003\"} 1",
            "parlor_commit_latency_seconds_bucket{le=\"5.0\"} 1",
            "parlor_commit_latency_seconds_bucket{le=\"+Inf\"} 2",
            "parlor_commit_latency_seconds_count 2",
            "parlor_commit_latency_seconds_sum 60.003",
            "parlor_delivery_latency_seconds_count 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
