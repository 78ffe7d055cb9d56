//! BATCH: several lines that are one message (IRCv3 client-batch and multiline).
//!
//! A batch is the client's until it is ended: its lines are collected here, and what they say together is posted as one
//! message when the end comes. Whatever is wrong with it is said once; all that still comes of it is passed over.
//!
//! Between its lines a client may say PING, PONG and QUIT: programs send these by a clock of their own. Any other line
//! that is not of the batch ends it unsent, and is carried out itself.

use super::{Awaiting, Phase, Verb, notice, privmsg};
use crate::facts::ServerFacts;
use crate::targets;
use crate::turn::Turn;
use chat::command::{Command, Post, Recipient};
use chat::message::MessageKind;
use chat::once::OnceKey;
use compact_str::{CompactString, format_compact};
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "BATCH",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "BATCH +<reference> draft/multiline <room or name>\n\
           Begins a message of several lines: PRIVMSG or NOTICE to the same target, each with the tag batch=<reference>,\n\
           and BATCH -<reference> behind them. Blank lines count; a line with the tag draft/multiline-concat goes on\n\
           with the one before it.",
};

const TYPE: &str = "draft/multiline";
const CONCAT: &str = "draft/multiline-concat";

/// How long nothing may be heard of a batch (client-batch `TIMEOUT`).
const PATIENCE_MS: u64 = 60_000;

/// A line of a batch costs so many thousandths of a line by itself: together with the one that begins it, the usual
/// message of a few lines costs no more than two, and the longest does not come for free.
const COST_THOUSANDTHS: u32 = 250;

/// A batch that has begun and has not ended.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    reference: CompactString,
    /// What is collected; `None`: it was refused, and the rest of it is passed over.
    collected: Option<Box<Collected>>,
}

#[derive(Debug)]
struct Collected {
    label: Option<CompactString>,
    /// Of the monotonic clock.
    last_line_ms: u64,
    /// As the client wrote it.
    target: CompactString,
    to: Recipient,
    tags: Option<Box<str>>,
    once: Option<OnceKey>,
    /// PRIVMSG or NOTICE, as the first line has it.
    kind: Option<MessageKind>,
    text: String,
    seams: Vec<u32>,
    lines: usize,
    /// Some line is more than blank.
    says_something: bool,
    between_programs: bool,
}

/// What is wrong with a batch: the codes of multiline "Errors" and client-batch "Errors".
enum Problem {
    MaxBytes(CompactString),
    MaxLines(CompactString),
    InvalidTarget(CompactString),
    Invalid(&'static str),
    Timeout,
}

// ---- The lines that say BATCH

/// `BATCH +reference type target` begins one. The end of an open one comes to [`takes`].
fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let word = line.param(0).unwrap_or_default();
    let shown = targets::shown(word);
    if word.starts_with('-') {
        return turn.fail("BATCH", "MULTILINE_INVALID", &[], "No batch of this reference is open");
    }
    let Some(reference) = word.strip_prefix('+') else {
        return turn.fail("BATCH", "INVALID_REFTAG", &[shown], "A batch begins with + and ends with -");
    };
    // Whatever is wrong from here on, the lines that follow are of this batch and must not be taken for messages.
    let batch = begin(turn, line, reference);
    turn.session.put_batch(OpenBatch { reference: reference.into(), collected: batch.map(Box::new) });
}

fn begin(turn: &mut Turn<'_>, line: &Line<'_>, reference: &str) -> Option<Collected> {
    let is_reference = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let shown = if reference.is_empty() { "*" } else { targets::shown(reference) };
    if reference.is_empty() || !is_reference(reference) {
        turn.fail("BATCH", "INVALID_REFTAG", &[shown], "A reference is made of letters, digits and hyphens");
        return None;
    }
    let kind = line.param(1).unwrap_or_default();
    if kind != TYPE || !turn.has(Capability::Multiline) {
        let kind = if kind.is_empty() { "*" } else { targets::shown(kind) };
        turn.fail("BATCH", "UNKNOWN_TYPE", &[shown, kind], "Batches of this type are not taken here");
        return None;
    }
    if line.tags.contains("batch") {
        turn.fail("BATCH", "MULTILINE_INVALID", &[], "A batch within a batch is not taken");
        return None;
    }
    let target = line.param(2).filter(|target| !target.is_empty() && !target.contains(',') && !target.starts_with('$'));
    let Some(target) = target else {
        turn.fail("BATCH", "MULTILINE_INVALID", &[], "A multiline message goes to one room or one person; name it");
        return None;
    };
    let Ok(once) = privmsg::once_key(turn, line) else {
        let text = "A key is of 1 to 64 letters, digits, - and _; nothing was sent";
        turn.fail("BATCH", "INVALID_KEY", &["parlor/once"], text);
        return None;
    };
    let to = privmsg::recipient(turn, target, false)?;
    Some(Collected {
        label: turn.take_label(),
        last_line_ms: turn.now.monotonic_ms,
        target: target.into(),
        to,
        tags: privmsg::client_only_tags(turn, line),
        once,
        kind: None,
        text: String::new(),
        seams: Vec::new(),
        lines: 0,
        says_something: false,
        between_programs: false,
    })
}

// ---- While one is open

/// A line that comes while a batch may be open. Whether it was the batch's business, and so has been seen to.
pub(crate) fn takes(turn: &mut Turn<'_>, line: &Line<'_>) -> bool {
    time_passes(turn);
    let Some(OpenBatch { reference, collected }) = turn.session.take_batch() else { return false };
    let named = line.tags.raw_value("batch");
    let says_batch = named.is_none() && line.verb.eq_ignore_ascii_case("BATCH");
    let is_end = says_batch && line.param(0).and_then(|word| word.strip_prefix('-')) == Some(&reference);
    let Some(mut collected) = collected else {
        if !says_batch {
            turn.session.put_batch(OpenBatch { reference, collected: None });
        }
        if is_end || named.is_some() {
            // Of a batch that is not taken any more. A label on it has an answer, and that is all.
            turn.spend_thousandths(1000);
            return true;
        }
        return false;
    };
    if is_end {
        turn.spend_thousandths(COST_THOUSANDTHS);
        say(turn, reference, *collected);
        return true;
    }
    if named.is_none() && ["PING", "PONG", "QUIT"].iter().any(|verb| line.verb.eq_ignore_ascii_case(verb)) {
        turn.session.put_batch(OpenBatch { reference, collected: Some(collected) });
        return false;
    }
    let taken = match named {
        Some(named) if *named == *reference => collected.add(line, turn.facts),
        Some(_) => Err(Problem::Invalid("A line of another batch came before its end; nothing of either was said")),
        None => Err(Problem::Invalid("A line that is not of the batch came before its end; nothing of it was said")),
    };
    match taken {
        Ok(()) => {
            turn.spend_thousandths(COST_THOUSANDTHS);
            collected.last_line_ms = turn.now.monotonic_ms;
            turn.session.put_batch(OpenBatch { reference, collected: Some(collected) });
        }
        Err(problem) => {
            turn.spend_thousandths(if named.is_some() { 1000 } else { 0 });
            refuse(turn, reference, *collected, problem);
        }
    }
    named.is_some()
}

/// Sees to a batch of which nothing has been heard for too long.
pub(crate) fn time_passes(turn: &mut Turn<'_>) {
    let now = turn.now.monotonic_ms;
    give_up(turn, |collected| (now >= collected.last_line_ms + PATIENCE_MS).then_some(Problem::Timeout));
}

/// A line has come that could not be read. It may have been one of the batch: what the batch says without it is not what
/// was meant.
pub(crate) fn line_lost(turn: &mut Turn<'_>) {
    give_up(turn, |_| Some(Problem::Invalid("A line could not be read; nothing of the batch was said")));
}

fn give_up(turn: &mut Turn<'_>, problem: impl FnOnce(&Collected) -> Option<Problem>) {
    let Some(OpenBatch { reference, collected }) = turn.session.take_batch() else { return };
    let problem = collected.as_deref().and_then(problem);
    match (collected, problem) {
        (Some(collected), Some(problem)) => refuse(turn, reference, *collected, problem),
        (collected, _) => turn.session.put_batch(OpenBatch { reference, collected }),
    }
}

/// Says what is wrong, under the label of the line that began the batch; the turn goes on for the line it is about.
fn refuse(turn: &mut Turn<'_>, reference: CompactString, collected: Collected, problem: Problem) {
    let own = turn.take_label();
    turn.answer_to(collected.label);
    let (code, context, text): (_, &[&str], _) = match &problem {
        Problem::MaxBytes(limit) => ("MULTILINE_MAX_BYTES", &[limit], "The message has more bytes; send it in parts"),
        Problem::MaxLines(limit) => ("MULTILINE_MAX_LINES", &[limit], "The message has more lines; send it in parts"),
        Problem::InvalidTarget(target) => {
            ("MULTILINE_INVALID_TARGET", &[&collected.target, target], "A line is for someone else than the batch")
        }
        Problem::Invalid(text) => ("MULTILINE_INVALID", &[], text),
        Problem::Timeout => {
            ("TIMEOUT", &[targets::shown(&reference)], "The batch was not ended in time; send it again")
        }
    };
    turn.fail("BATCH", code, context, text);
    turn.end_label();
    turn.answer_to(own);
    turn.session.put_batch(OpenBatch { reference, collected: None });
}

impl Collected {
    /// One more line.
    fn add(&mut self, line: &Line<'_>, facts: &ServerFacts) -> Result<(), Problem> {
        let kind = match line.verb {
            verb if verb.eq_ignore_ascii_case("PRIVMSG") => MessageKind::Text,
            verb if verb.eq_ignore_ascii_case("NOTICE") => MessageKind::Notice,
            verb if verb.eq_ignore_ascii_case("BATCH") => {
                return Err(Problem::Invalid("A batch within a batch is not taken"));
            }
            _ => return Err(Problem::Invalid("A multiline message is made of PRIVMSG or of NOTICE alone")),
        };
        if *self.kind.get_or_insert(kind) != kind {
            return Err(Problem::Invalid("A multiline message is made of PRIVMSG or of NOTICE, not of both"));
        }
        if line.tags.client_only().next().is_some() || line.tags.contains("label") {
            return Err(Problem::Invalid("Tags of a multiline message stand on the BATCH that begins it"));
        }
        let [target, text] = *line.params() else {
            return Err(Problem::Invalid("A line of a multiline message has a target and a text, which may be empty"));
        };
        if !self.is_target(target, facts) {
            return Err(Problem::InvalidTarget(targets::shown(target).into()));
        }
        let is_continued = line.tags.contains(CONCAT);
        if is_continued && text.is_empty() {
            return Err(Problem::Invalid("A blank line can't go on with the one before it"));
        }
        if self.lines >= facts.limits.multiline_lines {
            return Err(Problem::MaxLines(format_compact!("{}", facts.limits.multiline_lines)));
        }
        if self.lines > 0 && !is_continued {
            self.text.push('\n');
        } else if self.lines > 0 {
            self.seams.push(self.text.len() as u32);
        }
        if self.text.len() + text.len() > facts.limits.multiline_bytes {
            return Err(Problem::MaxBytes(format_compact!("{}", facts.limits.multiline_bytes)));
        }
        self.text.push_str(text);
        self.lines += 1;
        self.says_something |= !text.is_empty();
        // Told line by line to those who know no batches.
        self.between_programs |= privmsg::is_between_programs(text);
        Ok(())
    }

    /// "These lines MUST all have a target which matches the batch target."
    fn is_target(&self, target: &str, facts: &ServerFacts) -> bool {
        self.target == *target || privmsg::reads_as(target, &self.to, facts)
    }
}

// ---- Its end

/// The whole message goes to the hub.
fn say(turn: &mut Turn<'_>, reference: CompactString, collected: Collected) {
    if !collected.says_something {
        let problem = Problem::Invalid("A message of nothing but blank lines is not sent");
        refuse(turn, reference, collected, problem);
        // It was ended; nothing comes of it any more.
        turn.session.take_batch();
        return;
    }
    let Collected { label, target, to, tags, once, kind, text, seams, between_programs, .. } = collected;
    if label.is_some() {
        // The message is the answer to the line that began it; this one has one of its own.
        turn.end_label();
        turn.answer_to(label);
    }
    let kind = kind.unwrap_or(MessageKind::Text);
    turn.set_verb(match kind {
        MessageKind::Notice => &NOTICE,
        MessageKind::Text | MessageKind::Signal => &PRIVMSG,
    });
    let excess = |text: &str| targets::excess_when_relayed(turn, " ".len() + target.len(), text);
    if excess(LEAST_TEXT) > 0 {
        let text = "Not sent: with your name before it no text fits into a line";
        return turn.numeric(Numeric::ERR_INPUTTOOLONG).trailing(text);
    }
    // A client that knows of batches reads what was broken as one.
    let between_programs = between_programs || text.split('\n').any(privmsg::is_between_programs);
    let is_one_line = seams.is_empty() && !text.contains('\n') && excess(&text) == 0;
    turn.await_with(Awaiting::About(target));
    turn.ask(Command::Post(Box::new(Post {
        to,
        kind,
        text: text.into(),
        relayed_as: None,
        seams: (!is_one_line).then(|| seams.into()),
        tags,
        between_programs,
        once,
        lasting: None,
    })));
}

/// What must fit into a line for a text to be broken into lines at all.
const LEAST_TEXT: &str = "sixteen bytes 16";

static PRIVMSG: Verb = privmsg::VERB;
static NOTICE: Verb = notice::VERB;

// ---- A line of no batch

/// Whether a message claims to be of a batch where none is open.
pub(super) fn is_stray(turn: &Turn<'_>, line: &Line<'_>) -> bool {
    !line.tags.is_empty() && turn.has(Capability::Multiline) && line.tags.contains("batch")
}

pub(super) fn refuse_stray(turn: &mut Turn<'_>) {
    turn.fail("BATCH", "MULTILINE_INVALID", &[], "The line is of a batch that is not open; it was not said");
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, check, check_with};
    use proptest::prelude::*;

    /// Three in #tea: alice and bob know of batches, carol of tags alone.
    const THREE: &str = "
        alice= batch draft/multiline message-tags echo-message labeled-response server-time
        bob= batch draft/multiline message-tags
        carol= message-tags
        alice> JOIN #tea
        bob> JOIN #tea
        carol> JOIN #tea
        alice<<
        bob<<
        carol<<\n";

    #[track_caller]
    fn check_three(transcript: &str) {
        check(&format!("{THREE}{transcript}"));
    }

    /// What alice says between the opening and the end of a batch to #tea, and how that is refused.
    #[track_caller]
    fn check_refused(lines: &[&str], refusal: &str) {
        let mut transcript = format!("{THREE}alice> @label=1 BATCH +b draft/multiline #tea\n");
        for line in lines {
            transcript.push_str(&format!("alice> {line}\n"));
        }
        transcript.push_str(&format!(
            "alice< @label=1;time=… :irc.example FAIL BATCH {refusal}
             alice> @batch=b PRIVMSG #tea :passed over
             alice> BATCH -b
             alice> PRIVMSG #tea :still here
             alice< …still here
             bob< …still here
             carol< …still here",
        ));
        check(&transcript);
    }

    #[test]
    fn several_lines_are_one_message() {
        check_three(
            "alice> @label=1;+x=y BATCH +123 draft/multiline #tea
             alice> @batch=123 PRIVMSG #tea hello
             alice> @batch=123 PRIVMSG #tea :
             alice> @batch=123 privmsg #TEA :how is
             alice> @batch=123;draft/multiline-concat PRIVMSG #tea : everyone?
             alice> BATCH -123
             alice< @label=1;time=2023-11-14T22:13:20.000Z;msgid=…;+x=y :alice!… BATCH +m… draft/multiline #tea
             alice< @batch=m… :alice!… PRIVMSG #tea :hello
             alice< @batch=m… :alice!… PRIVMSG #tea :
             alice< @batch=m… :alice!… PRIVMSG #tea :how is
             alice< @batch=m…;draft/multiline-concat :alice!… PRIVMSG #tea : everyone?
             alice< :irc.example BATCH -m…
             bob< @msgid=…;+x=y :alice!… BATCH +m… draft/multiline #tea
             bob< @batch=m… :alice!… PRIVMSG #tea :hello
             bob< @batch=m… :alice!… PRIVMSG #tea :
             bob< @batch=m… :alice!… PRIVMSG #tea :how is
             bob< @batch=m…;draft/multiline-concat :alice!… PRIVMSG #tea : everyone?
             bob< :irc.example BATCH -m…
             carol< @msgid=…;+x=y :alice!… PRIVMSG #tea :hello
             carol< @+x=y :alice!… PRIVMSG #tea :how is
             carol< @+x=y :alice!… PRIVMSG #tea : everyone?",
        );
    }

    #[test]
    fn one_line_is_an_ordinary_message() {
        check_three(
            "alice> @label=1 BATCH +1 draft/multiline #tea
             alice> @batch=1;draft/multiline-concat NOTICE #tea :hi
             alice> @label=2 BATCH -1
             alice< @label=2;time=… :irc.example ACK
             alice< @label=1;time=…;msgid=… :alice!… NOTICE #tea :hi
             bob< @msgid=… :alice!… NOTICE #tea :hi
             carol< @msgid=… :alice!… NOTICE #tea :hi
             alice> BATCH +2 draft/multiline #tea
             alice> @batch=2 PRIVMSG #tea :hi
             alice> @label=3 BATCH -2
             alice< @label=3;time=…;msgid=… :alice!… PRIVMSG #tea :hi
             bob< …hi
             carol< …hi",
        );
    }

    #[test]
    fn to_people_ranks_and_oneself() {
        check_three(
            "dave= batch draft/multiline
             alice> BATCH +1 draft/multiline dave
             alice> @batch=1 NOTICE dave :one
             alice> @batch=1 NOTICE DAVE :two
             alice> BATCH -1
             alice< @time=…;msgid=… :alice!… BATCH +m… draft/multiline dave
             alice< @batch=m… :alice!… NOTICE dave :one
             alice< @batch=m… :alice!… NOTICE dave :two
             alice< :irc.example BATCH -m…
             dave< :alice!… BATCH +m… draft/multiline dave
             dave< @batch=m… :alice!… NOTICE dave :one
             dave< @batch=m… :alice!… NOTICE dave :two
             dave< :irc.example BATCH -m…
             bob> BATCH +1 draft/multiline @#tea
             bob> @batch=1 PRIVMSG @#tea :one
             bob> @batch=1 PRIVMSG @#tea :two
             bob> BATCH -1
             alice< @time=…;msgid=… :bob!… BATCH +m… draft/multiline @#tea
             alice< @batch=m… :bob!… PRIVMSG @#tea :one
             alice< @batch=m… :bob!… PRIVMSG @#tea :two
             alice< :irc.example BATCH -m…
             dave> BATCH +1 draft/multiline dave
             dave> @batch=1 PRIVMSG dave :a note
             dave> @batch=1 PRIVMSG dave :to myself
             dave> BATCH -1
             dave< :dave!… BATCH +m… draft/multiline dave
             dave< @batch=m… :dave!… PRIVMSG dave :a note
             dave< @batch=m… :dave!… PRIVMSG dave :to myself
             dave< :irc.example BATCH -m…
             alice> @label=9 BATCH +1 draft/multiline nobody
             alice> @batch=1 PRIVMSG nobody :one
             alice> @batch=1 PRIVMSG nobody :two
             alice> BATCH -1
             alice< @label=9;time=… :irc.example 401 alice nobody :…
             alice> @label=10 BATCH +1 draft/multiline nobody
             alice> @batch=1 NOTICE nobody :nothing is answered
             alice> @batch=1 NOTICE nobody :to a notice
             alice> BATCH -1
             alice< @label=10;time=… :irc.example ACK",
        );
    }

    #[test]
    fn the_other_devices_of_the_sender() {
        check(
            "maker= batch draft/multiline
             maker> REGISTER maker * sesame
             maker<<
             phone+
             phone> CAP REQ :batch draft/multiline
             phone> PASS maker:sesame
             phone> NICK phone
             phone> USER phone 0 * :phone
             phone> CAP END
             phone<<
             bob=
             maker> BATCH +1 draft/multiline bob
             maker> @batch=1 PRIVMSG bob :one
             maker> @batch=1 PRIVMSG bob :two
             maker> BATCH -1
             bob< :maker!… PRIVMSG bob :one
             bob< :maker!… PRIVMSG bob :two
             phone< :maker!… BATCH +m… draft/multiline bob
             phone< @batch=m… :maker!… PRIVMSG bob :one
             phone< @batch=m… :maker!… PRIVMSG bob :two
             phone< :irc.example BATCH -m…",
        );
    }

    #[test]
    fn history_shows_it_as_it_was_said() {
        check_three(
            "alice> BATCH +1 draft/multiline #tea
             alice> @batch=1 PRIVMSG #tea :one
             alice> @batch=1 PRIVMSG #tea :
             alice> @batch=1 PRIVMSG #tea :two
             alice> @batch=1;draft/multiline-concat PRIVMSG #tea :and more
             alice> BATCH -1
             alice<<
             bob<<
             carol<<
             bob> PRIVMSG #tea :three
             bob> CAP REQ draft/chathistory
             carol> CAP REQ :draft/chathistory batch
             alice<<
             bob<<
             carol<<
             bob> CHATHISTORY LATEST #tea * 2
             bob< :irc.example BATCH +1 chathistory #tea
             bob< @batch=1;msgid=… :alice!… BATCH +m… draft/multiline #tea
             bob< @batch=m… :alice!… PRIVMSG #tea :one
             bob< @batch=m… :alice!… PRIVMSG #tea :
             bob< @batch=m… :alice!… PRIVMSG #tea :two
             bob< @batch=m…;draft/multiline-concat :alice!… PRIVMSG #tea :and more
             bob< @batch=1 :irc.example BATCH -m…
             bob< @batch=1;msgid=… :bob!… PRIVMSG #tea :three
             bob< :irc.example BATCH -1
             carol> CHATHISTORY LATEST #tea * 2
             carol< :irc.example BATCH +1 chathistory #tea
             carol< @batch=1;msgid=… :alice!… PRIVMSG #tea :one
             carol< @batch=1 :alice!… PRIVMSG #tea :two
             carol< @batch=1 :alice!… PRIVMSG #tea :and more
             carol< @batch=1;msgid=… :bob!… PRIVMSG #tea :three
             carol< :irc.example BATCH -1",
        );
    }

    #[test]
    fn a_replay_marks_its_beginning() {
        check_with(
            |configured, _| configured.limits.unread_replay = 5,
            &format!(
                "{THREE}
                 alice> BATCH +1 draft/multiline #tea
                 alice> @batch=1 PRIVMSG #tea :one
                 alice> @batch=1 PRIVMSG #tea :
                 alice> @batch=1 PRIVMSG #tea :two
                 alice> BATCH -1
                 alice<<
                 dave=
                 dave> JOIN #tea
                 dave< :dave!… JOIN #tea
                 dave< :irc.example 353 …
                 dave< :irc.example 366 …
                 dave< :alice!… PRIVMSG #tea :[2023-11-14 22:13:20] one
                 dave< :alice!… PRIVMSG #tea :two
                 alice<<
                 bob<<
                 carol<<"
            ),
        );
    }

    #[test]
    fn a_repeat_under_the_same_key_is_only_echoed() {
        let said = |label: usize| {
            format!(
                "alice> @label={label};parlor/once=k BATCH +1 draft/multiline #tea
                 alice> @batch=1 PRIVMSG #tea :one
                 alice> @batch=1 PRIVMSG #tea :two
                 alice> BATCH -1
                 alice< @label={label};time=…;msgid=… :alice!… BATCH +m… draft/multiline #tea
                 alice< @batch=m… :alice!… PRIVMSG #tea :one
                 alice< @batch=m… :alice!… PRIVMSG #tea :two
                 alice< :irc.example BATCH -m…\n"
            )
        };
        check_three(&format!(
            "alice> CAP REQ parlor/once
             alice<<
             {}
             bob<<
             carol<<
             {}
             alice> @label=5;parlor/once=not.a.key BATCH +1 draft/multiline #tea
             alice< @label=5;time=… :irc.example FAIL BATCH INVALID_KEY parlor/once :…
             alice> @batch=1 PRIVMSG #tea :one
             alice> BATCH -1",
            said(1),
            said(2)
        ));
    }

    #[test]
    fn what_may_come_in_between() {
        check_three(
            "alice> BATCH +1 draft/multiline #tea
             alice> @batch=1 PRIVMSG #tea :one
             alice> PING x
             alice< @time=… :irc.example PONG irc.example :x
             alice> @batch=1 PRIVMSG #tea :two
             alice> PONG y
             bob> PRIVMSG #tea :meanwhile
             alice< …meanwhile
             carol< …meanwhile
             alice> BATCH -1
             alice<<
             bob<<
             carol< …one
             carol< …two
             alice> BATCH +2 draft/multiline #tea
             alice> @batch=2 PRIVMSG #tea :one
             alice> QUIT
             alice< @time=… ERROR …
             alice!
             bob< @msgid=… :alice!… QUIT …
             carol< …:alice!… QUIT …",
        );
    }

    #[test]
    fn another_line_ends_it_unsent_and_is_carried_out() {
        check_three(
            "alice> @label=1 BATCH +1 draft/multiline #tea
             alice> @batch=1 PRIVMSG #tea :one
             alice> @label=2 TOPIC #tea
             alice< @label=1;time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice< @label=2;time=… :irc.example 331 alice #tea :…
             alice> @batch=1 PRIVMSG #tea :two
             alice> PRIVMSG #tea :not of the batch
             alice< …not of the batch
             bob< …not of the batch
             carol< …not of the batch
             alice> @label=3;batch=1 PRIVMSG #tea :three
             alice< @label=3;time=… :irc.example ACK
             alice> BATCH -1
             alice> BATCH +2 draft/multiline #tea
             alice> @batch=2 PRIVMSG #tea :one
             alice> BATCH +3 draft/multiline #tea
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> @batch=3 PRIVMSG #tea :of the newer one
             alice> BATCH -3
             alice< …of the newer one
             bob< …of the newer one
             carol< …of the newer one",
        );
    }

    #[test]
    fn every_refusal() {
        let one = "@batch=b PRIVMSG #tea :one";
        check_refused(&[one, "@batch=b NOTICE #tea :two"], "MULTILINE_INVALID :…");
        check_refused(&[one, "@batch=b TAGMSG #tea"], "MULTILINE_INVALID :…");
        check_refused(&[one, "@batch=b BATCH +c draft/multiline #tea"], "MULTILINE_INVALID :…");
        check_refused(&[one, "@batch=c PRIVMSG #tea :two"], "MULTILINE_INVALID :…");
        check_refused(&[one, "@batch=b;+x=y PRIVMSG #tea :two"], "MULTILINE_INVALID :…");
        let labelled = "MULTILINE_INVALID :…\n alice< @label=2;time=… :irc.example ACK";
        check_refused(&[one, "@batch=b;label=2 PRIVMSG #tea :two"], labelled);
        check_refused(&[one, "@batch=b;draft/multiline-concat PRIVMSG #tea :"], "MULTILINE_INVALID :…");
        check_refused(&[one, "@batch=b PRIVMSG #tea"], "MULTILINE_INVALID :…");
        check_refused(&[one, "@batch=b PRIVMSG #pot :two"], "MULTILINE_INVALID_TARGET #tea #pot :…");
        check_refused(&[one, "@batch=b PRIVMSG @#tea :two"], "MULTILINE_INVALID_TARGET #tea @#tea :…");
        check_refused(&[one, "@batch=b PRIVMSG alice :two"], "MULTILINE_INVALID_TARGET #tea alice :…");
    }

    #[test]
    fn what_is_no_batch() {
        check_three(
            "alice> BATCH
             alice< @time=… :irc.example 461 alice BATCH :…
             alice> BATCH x
             alice< @time=… :irc.example FAIL BATCH INVALID_REFTAG x :…
             alice> BATCH +
             alice< @time=… :irc.example FAIL BATCH INVALID_REFTAG * :…
             alice> BATCH +a_b draft/multiline #tea
             alice< @time=… :irc.example FAIL BATCH INVALID_REFTAG a_b :…
             alice> @batch=a_b PRIVMSG #tea :passed over
             alice> BATCH -a_b
             alice> BATCH +1
             alice< @time=… :irc.example FAIL BATCH UNKNOWN_TYPE 1 * :…
             alice> BATCH +1 chathistory #tea
             alice< @time=… :irc.example FAIL BATCH UNKNOWN_TYPE 1 chathistory :…
             alice> @batch=1 PRIVMSG #tea :passed over
             alice> BATCH -1
             alice> BATCH -1
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> BATCH +1 draft/multiline
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> BATCH +1 draft/multiline #tea,bob
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> BATCH +1 draft/multiline $*
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> BATCH +1 draft/multiline #a*
             alice< @time=… :irc.example 403 alice #a* :…
             alice> @batch=1 PRIVMSG #a* :passed over
             alice> BATCH -1
             alice> @batch=0 BATCH +1 draft/multiline #tea
             alice> BATCH -1
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> @batch=7 PRIVMSG #tea :of none
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> BATCH +1 draft/multiline #tea
             alice> BATCH -1
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             alice> BATCH +1 draft/multiline #tea
             alice> @batch=1 PRIVMSG #tea :
             alice> @batch=1 PRIVMSG #tea :
             alice> BATCH -1
             alice< @time=… :irc.example FAIL BATCH MULTILINE_INVALID :…
             carol> BATCH +1 draft/multiline #tea
             carol< :irc.example FAIL BATCH UNKNOWN_TYPE 1 draft/multiline :…
             carol> @batch=1 PRIVMSG #tea :passed over
             carol> BATCH -1
             carol> @batch=1 PRIVMSG #tea :a tag that is none to her
             alice< …a tag that is none to her
             bob< …a tag that is none to her",
        );
    }

    #[test]
    fn the_limits_are_those_that_are_announced() {
        let most = "x".repeat(300);
        let limits = |transcript: &str| {
            let limit = |configured: &mut crate::Configured, _: &mut chat::settings::Settings| {
                configured.limits.multiline_bytes = 903;
                configured.limits.multiline_lines = 4;
            };
            check_with(limit, &format!("{THREE}{transcript}"));
        };
        let line = |text: &str| format!("alice> @batch=1 PRIVMSG #tea :{text}\n");
        limits("alice> CAP LS 302\nalice< …\nalice< …draft/multiline=max-bytes=903,max-lines=4…\nalice<<");
        // 300 + 1 + 300 + 1 + 300 + 1 is as much as there may be.
        let full = line(&most).repeat(3);
        limits(&format!(
            "alice> BATCH +1 draft/multiline #tea\n {full} {}
             alice< @time=… :irc.example FAIL BATCH MULTILINE_MAX_BYTES 903 :…
             alice> BATCH -1",
            line("y")
        ));
        limits(&format!(
            "alice> BATCH +1 draft/multiline #tea\n {full} {}
             alice> BATCH -1\n alice<<\n bob<<\n carol<<",
            line("")
        ));
        limits(&format!(
            "alice> BATCH +1 draft/multiline #tea\n {}
             alice< @time=… :irc.example FAIL BATCH MULTILINE_MAX_LINES 4 :…
             alice> BATCH -1",
            line("x").repeat(5)
        ));
    }

    #[test]
    fn new_limits_are_announced_and_hold_at_once() {
        let mut world = World::new(|_, _| {});
        let alice = world.connect("alice", "");
        for line in ["CAP LS 302", "CAP REQ :batch draft/multiline", "NICK alice", "USER a 0 * :a", "CAP END"] {
            world.say(alice, line).unwrap();
        }
        world.say(alice, "BATCH +1 draft/multiline alice").unwrap();
        world.say(alice, "@batch=1 PRIVMSG alice :one").unwrap();
        world.received(alice);
        world.change_facts(|configured| configured.limits.multiline_lines = 1);
        assert_eq!(world.received(alice), [":irc.example CAP alice NEW :draft/multiline=max-bytes=4096,max-lines=1"]);
        world.say(alice, "@batch=1 PRIVMSG alice :two").unwrap();
        let received = world.received(alice);
        assert!(received[0].starts_with(":irc.example FAIL BATCH MULTILINE_MAX_LINES 1 :"), "{received:?}");
    }

    #[test]
    fn a_batch_that_is_not_ended_is_given_up() {
        check_three(
            "alice> @label=1 BATCH +1 draft/multiline #tea
             +59
             alice> @batch=1 PRIVMSG #tea :one
             +59
             alice> @batch=1 PRIVMSG #tea :two
             +60
             alice< @label=1;time=… :irc.example FAIL BATCH TIMEOUT 1 :…
             bob< PING …
             carol< PING …
             alice> @batch=1 PRIVMSG #tea :three
             alice> BATCH -1",
        );
    }

    #[test]
    fn a_line_that_is_lost_takes_the_batch_with_it() {
        let mut world = World::new(|_, _| {});
        world.arrive("alice", "batch draft/multiline labeled-response").unwrap();
        let alice = 0;
        world.say(alice, "@label=1 BATCH +1 draft/multiline alice").unwrap();
        world.say(alice, "@batch=1 PRIVMSG alice :one").unwrap();
        world.say_bytes(alice, Ok(b"@batch=1 PRIVMSG alice :\xff"));
        world.say(alice, "@batch=1 PRIVMSG alice :three").unwrap();
        world.say(alice, "BATCH -1").unwrap();
        let received = world.received(alice);
        assert_eq!(received.len(), 2, "{received:?}");
        assert!(received[0].starts_with("@label=1 :irc.example FAIL BATCH MULTILINE_INVALID :"), "{received:?}");
        assert!(received[1].starts_with(":irc.example FAIL PRIVMSG INVALID_UTF8 :"), "{received:?}");
    }

    #[test]
    fn questions_between_programs_stay_out_of_rooms_that_want_none() {
        for (first, second) in [
            ("@batch=1 PRIVMSG #tea :hello", "@batch=1 PRIVMSG #tea :\u{1}VERSION\u{1}"),
            ("@batch=1 PRIVMSG #tea :\u{1}VER", "@batch=1;draft/multiline-concat PRIVMSG #tea :SION\u{1}"),
        ] {
            check_three(&format!(
                "alice> MODE #tea +C
                 alice<<
                 bob<<
                 carol<<
                 bob> BATCH +1 draft/multiline #tea
                 bob> {first}
                 bob> {second}
                 bob> BATCH -1
                 bob< :irc.example 404 bob #tea :…"
            ));
        }
    }

    #[test]
    fn a_message_of_several_lines_costs_little_more_than_one() {
        check_with(
            |configured, _| configured.flood.burst_lines = 18,
            &format!(
                "{}
                 alice> BATCH +1 draft/multiline alice
                 {}
                 alice> BATCH -1
                 alice<<",
                "alice= batch draft/multiline\n +60",
                "alice> @batch=1 PRIVMSG alice :line\n".repeat(64)
            ),
        );
    }

    #[test]
    fn the_store_s_failure_is_told_under_the_label() {
        check_three(
            "store fails
             alice> @label=1 BATCH +1 draft/multiline #tea
             alice> @batch=1 PRIVMSG #tea :one
             alice> @batch=1 PRIVMSG #tea :two
             alice> BATCH -1
             alice< @label=1;time=… :irc.example FAIL PRIVMSG STORAGE_FULL #tea :…
             store works",
        );
    }

    /// A line of a batch: its words may mean something, and its text may hold anything that a line can.
    fn line() -> impl Strategy<Value = String> {
        let text = prop_oneof!["[a-z ]{0,8}", "[a-z é☕👩‍👩‍👧 ]{100,220}", Just("x".repeat(470)), Just(String::new())];
        let tags = prop::sample::select(vec![
            "@batch=1 ",
            "@batch=1 ",
            "@batch=1 ",
            "@batch=1;draft/multiline-concat ",
            "@batch=1;draft/multiline-concat ",
            "@batch=2 ",
            "",
        ]);
        let verb = prop::sample::select(vec!["PRIVMSG #tea", "PRIVMSG #tea", "PRIVMSG #tea", "NOTICE #tea", "PING"]);
        prop_oneof![
            12 => (tags, verb, text).prop_map(|(tags, verb, text)| {
                let mut line = format!("{tags}{verb} :{text}");
                line.truncate(line.floor_char_boundary(tags.len() + 510));
                line
            }),
            2 => Just("BATCH +1 draft/multiline #tea".to_owned()),
            2 => Just("BATCH -1".to_owned()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

        /// Whatever is put into batches: each line that anyone is sent is whole and within its bounds (the world checks it),
        /// no blank one goes to those who do not know batches, and all read the same text.
        #[test]
        fn everyone_reads_the_same(lines in prop::collection::vec(line(), 1..40)) {
            let mut world = World::new(|configured, _| configured.flood.burst_lines = 10_000);
            world.arrive("alice", "batch draft/multiline echo-message").unwrap();
            world.arrive("bob", "batch draft/multiline").unwrap();
            world.arrive("carol", "").unwrap();
            for at in 0..3 {
                world.say(at, "JOIN #tea").unwrap();
            }
            for at in 0..3 {
                world.received(at);
            }
            world.say(0, "BATCH +1 draft/multiline #tea").unwrap();
            for line in &lines {
                world.say(0, line).unwrap();
            }
            let texts = |received: Vec<String>| -> Vec<String> {
                let body = |line: &str| line.strip_prefix('@').map_or(line.to_owned(), |rest| {
                    rest.split_once(' ').map(|(_, body)| body.to_owned()).unwrap_or_default()
                });
                let of_alice = received.iter().map(|line| body(line)).filter(|line| {
                    line.starts_with(":alice!") && !line.contains(" BATCH ")
                });
                of_alice.filter_map(|line| line.split_once(" :").map(|(_, text)| text.to_owned())).collect()
            };
            let (own, bob, carol) = (world.received(0), world.received(1), world.received(2));
            prop_assert!(carol.iter().all(|line| !line.ends_with(" :")), "{carol:?}");
            let bob = texts(bob);
            prop_assert_eq!(&texts(own), &bob);
            let without_blank: Vec<String> = bob.into_iter().filter(|text| !text.is_empty()).collect();
            prop_assert_eq!(texts(carol), without_blank);
        }
    }
}
