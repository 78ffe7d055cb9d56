//! F12: every line sent and received, explained in words, and what is known of the link. Passwords are not among it.
//!
//! Unfolded, one of them is shown layer by layer, beside what the kernel and the server know of the connection; only then
//! are these asked.

mod drawing;
mod unfolded;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use client_core::{Timestamp, plain_words};
use compact_str::CompactString;
use discovery::steps::{Endpoint, TimedStep};
use socket_facts::Seen;

use crate::network::TlsFacts;

/// Lines that are kept.
const MOST_LINES: usize = 1_000;
/// Steps of searches that are kept.
const MOST_STEPS: usize = 500;
/// Bytes of one that are kept; the rest is only counted.
const MOST_BYTES: usize = 2_000;
/// The kernel is asked so often while somebody looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Groups of facts that a server tells, at most.
const MOST_GROUPS: usize = 8;
/// Stands for a secret.
const SECRET: &str = " •••";

#[derive(Debug, Clone)]
pub struct WireLine {
    pub at: Timestamp,
    pub sent: bool,
    pub text: String,
    /// So much of the text is what crossed the network; the rest says that something is not shown.
    pub clear: usize,
    /// Bytes that are not shown: a secret, or what is too long to be kept.
    pub hidden: usize,
    /// Other lines that were written in the same moment, and so share its record and segment; of those that were sent.
    pub beside: usize,
}

/// What a link is made of, as far as this end knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFacts {
    pub local: Option<Endpoint>,
    pub remote: Endpoint,
    /// `None`: not encrypted.
    pub tls: Option<TlsFacts>,
}

/// What the kernel said of the link, and when.
#[derive(Debug, Clone)]
pub struct Looked {
    pub at: Duration,
    pub seen: Seen,
}

/// The line that is unfolded stays the same while others come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfolded {
    /// The row that is explained.
    pub row: usize,
    /// Lines that had come by then.
    pub since: u64,
}

#[derive(Debug, Default)]
pub struct WireView {
    lines: VecDeque<WireLine>,
    /// Lines that have come, those that are not kept any more among them.
    came: u64,
    /// The beginning of a received line whose end has not come.
    partial: Vec<u8>,
    pub facts: Option<LinkFacts>,
    pub looked: Option<Looked>,
    /// What the server says of this connection, by group and name.
    told: BTreeMap<CompactString, Vec<(CompactString, String)>>,
    /// How the link came about: questions of DNS and multicast DNS, attempts, encryption.
    steps: VecDeque<(Timestamp, TimedStep)>,
}

impl WireView {
    pub fn lines(&self) -> &VecDeque<WireLine> {
        &self.lines
    }

    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &(Timestamp, TimedStep)> {
        self.steps.iter()
    }

    /// Something was asked, answered or tried for the sake of this link.
    pub fn stepped(&mut self, at: Timestamp, step: TimedStep) {
        if self.steps.len() >= MOST_STEPS {
            self.steps.pop_front();
        }
        self.steps.push_back((at, step));
    }

    /// Lines below the screen, where so many were and this is unfolded.
    pub fn below(&self, scrolled: usize, unfolded: Option<Unfolded>) -> usize {
        let since = unfolded.map_or(0, |unfolded| self.came - unfolded.since);
        (scrolled + usize::try_from(since).unwrap_or(usize::MAX / 2)).min(self.lines.len().saturating_sub(1))
    }

    /// How many lines came after the last one that carries what somebody said: of one's own the line that was sent rather than
    /// its echo. 0: nobody has said anything.
    pub fn after_last_said(&self) -> usize {
        let from_the_end =
            || self.lines.iter().rev().enumerate().filter(|(_, line)| parts(&line.text).verb == "PRIVMSG");
        let Some((last, line)) = from_the_end().next() else { return 0 };
        let sent = label(&line.text).and_then(|own| {
            from_the_end().find(|(_, line)| line.sent && label(&line.text) == Some(own)).map(|(after, _)| after)
        });
        sent.unwrap_or(last)
    }

    pub fn unfold(&self, row: usize) -> Unfolded {
        Unfolded { row, since: self.came }
    }

    pub fn link_opened(&mut self, facts: LinkFacts) {
        self.link_ended();
        self.facts = Some(facts);
    }

    pub fn link_ended(&mut self) {
        self.partial.clear();
        (self.facts, self.looked) = (None, None);
        self.told.clear();
    }

    /// When the kernel is to be asked again, with the ends of the connection; `None`: there is none.
    pub fn next_look(&self) -> Option<(Duration, SocketAddr, SocketAddr)> {
        let facts = self.facts.as_ref()?;
        let due = self.looked.as_ref().map_or(Duration::ZERO, |looked| looked.at + LOOK_AGAIN);
        Some((due, facts.local.as_ref()?.address, facts.remote.address))
    }

    pub fn server_told(&mut self, group: CompactString, facts: Vec<(CompactString, String)>) {
        if self.told.len() < MOST_GROUPS || self.told.contains_key(&group) {
            self.told.insert(group, facts);
        }
    }

    fn told(&self, group: &str, name: &str) -> Option<&str> {
        self.told.get(group)?.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn sent(&mut self, at: Timestamp, bytes: &[u8]) {
        let lines = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let beside = lines().count().saturating_sub(1);
        for line in lines() {
            self.push(at, true, beside, line);
        }
    }

    pub fn received(&mut self, at: Timestamp, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(&rest[..end]);
            self.push(at, false, 0, &line);
            rest = &rest[end + 1..];
        }
        let room = MOST_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&rest[..rest.len().min(room)]);
    }

    fn push(&mut self, at: Timestamp, sent: bool, beside: usize, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let kept = &line[..line.len().min(MOST_BYTES)];
        let mut text = String::from_utf8_lossy(kept).into_owned();
        // Up to what is no text, or is cut in the middle of a letter.
        let mut clear = str::from_utf8(kept).map_or_else(|error| error.valid_up_to(), str::len);
        if line.len() > MOST_BYTES {
            text.push_str(&format!(" … ({} bytes)", line.len()));
        }
        if sent && let Some(shown) = without_secret(&text) {
            clear = shown.len() - SECRET.len();
            text = shown;
        }
        let hidden = line.len().saturating_sub(clear);
        self.came += 1;
        if self.lines.len() >= MOST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(WireLine { at, sent, text, clear, hidden, beside });
    }
}

struct Parts<'a> {
    source: &'a str,
    verb: &'a str,
    params: Vec<&'a str>,
}

fn parts(line: &str) -> Parts<'_> {
    let mut rest = line;
    if rest.starts_with('@') {
        rest = rest.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
    }
    let mut source = "";
    if let Some(behind) = rest.strip_prefix(':') {
        (source, rest) = behind.split_once(' ').unwrap_or((behind, ""));
    }
    let (head, trailing) = rest.split_once(" :").map_or((rest, None), |(head, text)| (head, Some(text)));
    let mut words = head.split_ascii_whitespace();
    let verb = words.next().unwrap_or_default();
    Parts { source: source.split('!').next().unwrap_or_default(), verb, params: words.chain(trailing).collect() }
}

/// By which an answer says what it answers (IRCv3 labeled-response).
fn label(line: &str) -> Option<&str> {
    let tags = line.strip_prefix('@')?.split(' ').next()?;
    tags.split(';').find_map(|tag| tag.strip_prefix("label="))
}

/// The line with dots for its secret, if it has one.
fn without_secret(line: &str) -> Option<String> {
    let Parts { verb, params, .. } = parts(line);
    let mechanisms = ["PLAIN", "SCRAM-SHA-256", "EXTERNAL", "*", "+"];
    let verb = verb.to_ascii_uppercase();
    match verb.as_str() {
        "AUTHENTICATE" if params.iter().any(|param| !mechanisms.contains(param)) => Some(format!("{verb}{SECRET}")),
        "PASS" | "OPER" | "PASSWORD" | "REGISTER" | "ACCOUNT" => Some(format!("{verb}{SECRET}")),
        // JOIN <rooms> <keys>
        "JOIN" if params.len() > 1 => Some(format!("{verb} {}{SECRET}", params[0])),
        _ => None,
    }
}

/// What a line says, in words.
pub fn explained(line: &WireLine) -> String {
    let Parts { source, verb, params } = parts(&line.text);
    let who = if line.sent {
        "you"
    } else if source.is_empty() {
        "the server"
    } else {
        source
    };
    let param = |index: usize| params.get(index).copied().unwrap_or_default();
    if verb.len() == 3
        && let Ok(code) = verb.parse::<u16>()
    {
        let sentence = plain_words::numeric(code, &params).1;
        return if sentence.is_empty() { format!("answer number {code}") } else { sentence };
    }
    let s = if line.sent { "" } else { "s" };
    match verb.to_ascii_uppercase().as_str() {
        "PRIVMSG" => format!("{who} say{s} something to {}", param(0)),
        "NOTICE" => format!("{who} say{s} something to {} that needs no answer", param(0)),
        "TAGMSG" if line.text.contains("+typing=") => format!("{who} tell{s} {} about writing", param(0)),
        "TAGMSG" if line.text.contains("react=") => format!("{who} react{s} to a message in {}", param(0)),
        "TAGMSG" => format!("{who} send{s} {} tags without a text", param(0)),
        "EDIT" => format!("{who} give{s} a message in {} another text", param(0)),
        "REDACT" => format!("{who} take{s} a message in {} away", param(0)),
        "JOIN" => format!("{who} enter{s} {}", param(0)),
        "PART" => format!("{who} leave{s} {}", param(0)),
        "QUIT" => format!("{who} leave{s} the server"),
        "KICK" => format!("{who} put{s} {} out of {}", param(1), param(0)),
        "NICK" => format!("{who} want{s} to be called {}", param(0)),
        "USER" => "who is connecting".to_owned(),
        "PASS" => "the server's password".to_owned(),
        "TOPIC" => format!("the topic of {}", param(0)),
        "MODE" => format!("settings of {}", param(0)),
        "AWAY" => format!("{who} {} away", if params.is_empty() { "no longer" } else { "now" }),
        "PING" => "are you there?".to_owned(),
        "PONG" => "yes, still here".to_owned(),
        "CAP" if line.sent => match param(0) {
            "LS" => "what can the server do beyond plain IRC?".to_owned(),
            "REQ" => "we want to use these".to_owned(),
            "END" => "agreed: on with it".to_owned(),
            other => format!("agreeing on what is used: {other}"),
        },
        "CAP" => match param(1) {
            "LS" => "what the server can do beyond plain IRC".to_owned(),
            "ACK" => "the server agrees to use these".to_owned(),
            "NAK" => "the server does not agree to use these".to_owned(),
            other => format!("agreeing on what is used: {other}"),
        },
        "AUTHENTICATE" => "proving who one is (SASL)".to_owned(),
        "REGISTER" => "making an account".to_owned(),
        "BATCH" if param(0).contains('+') => format!("lines that belong together begin: {}", param(1)),
        "BATCH" => "lines that belong together end".to_owned(),
        "CHATHISTORY" => format!("what was said in {}: {}", param(1), param(0).to_lowercase()),
        "MARKREAD" => format!("up to when {} has been read", param(0)),
        "UNREAD" if line.sent => "what is unread?".to_owned(),
        "UNREAD" => format!("in {} {} are unread", param(0), param(1)),
        "SEARCH" => "looking for what was said".to_owned(),
        "WHO" => format!("who is in {}, and who of them is away?", param(0)),
        "FAIL" | "WARN" | "NOTE" => match params.as_slice() {
            [command, code, context @ ..] => plain_words::standard_reply(command, code, context),
            _ => "something was not done".to_owned(),
        },
        "ERROR" => "the server ends the connection".to_owned(),
        other => format!("{who}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sent: &str) -> String {
        let mut view = WireView::default();
        view.sent(Timestamp(0), format!("{sent}\r\n").as_bytes());
        view.lines()[0].text.clone()
    }

    #[test]
    fn secrets_are_not_shown() {
        for (line, expected) in [
            ("PASS :sesame", "PASS •••"),
            ("AUTHENTICATE PLAIN", "AUTHENTICATE PLAIN"),
            ("AUTHENTICATE c2VzYW1l", "AUTHENTICATE •••"),
            ("@label=1 REGISTER * * :sesame", "REGISTER •••"),
            ("OPER root sesame", "OPER •••"),
            ("JOIN #tea sesame", "JOIN #tea •••"),
            ("JOIN #tea", "JOIN #tea"),
            ("PRIVMSG #tea :PASS me the tea", "PRIVMSG #tea :PASS me the tea"),
        ] {
            assert_eq!(shown(line), expected);
        }
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let mut view = WireView::default();
        view.sent(Timestamp(0), b"@label=1 REGISTER * * :sesame\r\nPRIVMSG #tea :hi\r\nPRIVMSG #tea :h\xFFi\r\n");
        view.received(Timestamp(0), format!("{}\r\n", "é".repeat(2_000)).as_bytes());
        let counted: Vec<(usize, usize)> = view.lines().iter().map(|line| (line.clear, line.hidden)).collect();
        assert_eq!(counted, [(8, 21), (16, 0), (15, 2), (2_000, 2_000)]);
        for line in view.lines() {
            assert!(line.text.is_char_boundary(line.clear), "{line:?}");
        }
    }

    #[test]
    fn what_was_said_last_is_found_among_all_that_came_since() {
        let mut view = WireView::default();
        view.received(Timestamp(0), b":s 376 ann :End\r\n");
        assert_eq!(view.after_last_said(), 0);
        view.received(Timestamp(0), b"@time=x :bob!b@h PRIVMSG #tea :hello\r\n:s MARKREAD #tea timestamp=x\r\n");
        assert_eq!(view.after_last_said(), 1);
        view.sent(Timestamp(0), b"@label=m1 PRIVMSG #tea :hi\r\n");
        view.received(Timestamp(0), b"@label=m1;time=x :ann!a@h PRIVMSG #tea :hi\r\n:s MARKREAD #tea timestamp=x\r\n");
        assert_eq!(view.after_last_said(), 2, "one's own, as it was sent");
    }

    #[test]
    fn lines_are_put_together_and_bounded() {
        let mut view = WireView::default();
        view.received(Timestamp(0), b":bob!b@h PRIV");
        view.received(Timestamp(0), b"MSG #tea :hi\r\nPING x\r\n:s 376");
        let texts: Vec<&str> = view.lines().iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, [":bob!b@h PRIVMSG #tea :hi", "PING x"]);
        let words: Vec<String> = view.lines().iter().map(explained).collect();
        assert_eq!(words, ["bob says something to #tea", "are you there?"]);
        for _ in 0..2 * MOST_LINES {
            view.received(Timestamp(0), &[&[b'x'; 5_000][..], b"\n"].concat());
        }
        assert_eq!(view.lines().len(), MOST_LINES);
        assert!(view.lines().iter().all(|line| line.text.len() < MOST_BYTES + 40));
        view.received(Timestamp(0), &[b'x'; 100_000]);
        assert!(view.partial.len() <= MOST_BYTES);
    }
}
