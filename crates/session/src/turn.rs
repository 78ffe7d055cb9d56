//! One line, or one answer, being worked on: what a verb writes to the client and asks of the hub.

use crate::facts::ServerFacts;
use crate::pending::{Labelled, Pending};
use crate::render::{SENDER_ID, uuid_text};
use crate::session::{Count, Moment, Output, Session, nick_of};
use crate::time_text::write_time;
use crate::verb::{Awaiting, Verb};
use crate::work::Work;
use chat::command::{Command, Origin, Request};
use chat::id::{ClientId, RequestNumber};
use chat::query::Query;
use compact_str::CompactString;
use std::io::Write as _;
use wire::{Capability, LineWriter, Numeric, ParamWriter};

/// What a verb has in its hands while it works.
pub struct Turn<'a> {
    pub session: &'a mut Session,
    pub facts: &'a ServerFacts,
    pub now: Moment,
    out: &'a mut Output,
    verb: &'static Verb,
    /// Where written lines go.
    sink: Sink,
    /// Lines of a labelled answer.
    collected: Vec<u8>,
    label: Option<CompactString>,
    /// The request that is answered, or that this line makes; 0 while there is none.
    number: RequestNumber,
    /// The place of the request's [`Pending`]; `None` for a line just received.
    pending_at: Option<usize>,
    /// The last of this turn's commands in `out.requests`.
    last_asked: Option<usize>,
    works: u16,
    barrier: bool,
    awaiting: Option<Box<Awaiting>>,
    /// The batch that lines belong to; 0: none.
    batch: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    /// To the client now.
    Direct,
    /// Behind an unanswered request.
    Held(usize),
    /// Into a labelled answer.
    Collected,
}

impl<'a> Turn<'a> {
    /// For a line just received. `label`: as sent, when it is to be answered with it.
    pub(crate) fn of_line(
        session: &'a mut Session,
        facts: &'a ServerFacts,
        now: Moment,
        out: &'a mut Output,
        label: Option<&str>,
    ) -> Turn<'a> {
        let sink = match label {
            Some(_) => Sink::Collected,
            None => plain_sink(session.pending.len()),
        };
        Turn {
            session,
            facts,
            now,
            out,
            verb: &crate::verb::NONE,
            sink,
            collected: Vec::new(),
            label: label.map(CompactString::from),
            number: 0,
            pending_at: None,
            last_asked: None,
            works: 0,
            barrier: false,
            awaiting: None,
            batch: 0,
        }
    }

    /// For something that comes in answer to request `number`, or unasked.
    pub(crate) fn of_answer(
        session: &'a mut Session,
        facts: &'a ServerFacts,
        now: Moment,
        out: &'a mut Output,
        number: RequestNumber,
    ) -> Turn<'a> {
        let pending_at = session.pending.iter().position(|pending| pending.number == number && number != 0);
        let mut turn = Turn::of_line(session, facts, now, out, None);
        turn.sink = Sink::Direct;
        if let Some(at) = pending_at {
            let pending = &mut turn.session.pending[at];
            turn.number = number;
            turn.pending_at = Some(at);
            turn.verb = pending.verb;
            turn.awaiting = pending.awaiting.take();
            turn.sink = match &mut pending.labelled {
                Some(labelled) => {
                    turn.collected = std::mem::take(&mut labelled.lines);
                    Sink::Collected
                }
                None => plain_sink(at),
            };
        }
        turn
    }

    pub(crate) fn set_verb(&mut self, verb: &'static Verb) {
        self.verb = verb;
    }

    // ---- Who

    /// The name that the client goes by now; `*` before it has one.
    pub fn nick(&self) -> &str {
        self.session.nick()
    }

    /// Whether a capability is in force (with all that it requires).
    pub fn has(&self, capability: Capability) -> bool {
        self.session.has(capability)
    }

    /// The verb of the line that is worked on or answered, in upper case; `*` for none.
    pub fn verb(&self) -> &'static str {
        self.verb.name
    }

    /// For the figures of who runs the server.
    pub(crate) fn count(&mut self, count: Count) {
        self.out.counts.push(count);
    }

    // ---- To the client

    /// `:server NNN nick` with what else is put behind it.
    pub fn numeric(&mut self, numeric: Numeric) -> ParamWriter<'_> {
        // That there is no message of the day refuses nobody anything.
        if numeric.is_error() && numeric != Numeric::ERR_NOMOTD {
            self.count(Count::Refused(numeric.name()));
        }
        let facts = self.facts;
        let (buffer, nick) = self.begin_line();
        LineWriter::new(buffer).numeric(&facts.server_name, numeric, nick)
    }

    /// The same with a tag of the server's own, whose value needs no escapes.
    pub fn tagged_numeric(&mut self, numeric: Numeric, tag: &str, value: &str) -> ParamWriter<'_> {
        let facts = self.facts;
        let (buffer, nick) = self.begin_line_with(Some((tag, value)));
        LineWriter::new(buffer).numeric(&facts.server_name, numeric, nick)
    }

    /// The same about a person, told by her id to those who know people by that (parlor/identity).
    pub fn numeric_about(&mut self, numeric: Numeric, who: ClientId) -> ParamWriter<'_> {
        if self.has(Capability::ParlorIdentity) {
            self.tagged_numeric(numeric, SENDER_ID, uuid_text(&who.0, &mut [0; 36]))
        } else {
            self.numeric(numeric)
        }
    }

    /// Any other line to this client. `source`: a name or a whole mask; empty: none.
    pub fn line(&mut self, source: &str, verb: &str) -> ParamWriter<'_> {
        let (buffer, _) = self.begin_line();
        LineWriter::new(buffer).source(source).verb(verb)
    }

    /// A line that the server says.
    pub fn server_line(&mut self, verb: &str) -> ParamWriter<'_> {
        let facts = self.facts;
        let (buffer, _) = self.begin_line();
        LineWriter::new(buffer).source(&facts.server_name).verb(verb)
    }

    /// A line that the server says about a person, if there is one, as `numeric_about`.
    pub fn server_line_about(&mut self, verb: &str, who: Option<ClientId>) -> ParamWriter<'_> {
        let who = who.filter(|_| self.has(Capability::ParlorIdentity));
        let facts = self.facts;
        let mut text = [0; 36];
        let tag = who.as_ref().map(|who| (SENDER_ID, uuid_text(&who.0, &mut text)));
        let (buffer, _) = self.begin_line_with(tag);
        LineWriter::new(buffer).source(&facts.server_name).verb(verb)
    }

    /// `FAIL verb code context… :text` (standard-replies). Sent to everyone: the specification lets a server use it
    /// without negotiation, and a client that does not know it shows the line.
    pub fn fail(&mut self, verb: &str, code: &'static str, context: &[&str], text: &str) {
        self.fail_counted(code, verb, code, context, text);
    }

    /// The same with a code that depends on the verb; `counted`: without it.
    pub fn fail_counted(&mut self, counted: &'static str, verb: &str, code: &str, context: &[&str], text: &str) {
        self.count(Count::Refused(counted));
        self.server_line("FAIL").param(verb).param(code).params(context).trailing_cut(text);
    }

    pub fn warn(&mut self, verb: &str, code: &str, context: &[&str], text: &str) {
        self.server_line("WARN").param(verb).param(code).params(context).trailing_cut(text);
    }

    pub fn note(&mut self, verb: &str, code: &str, context: &[&str], text: &str) {
        self.server_line("NOTE").param(verb).param(code).params(context).trailing_cut(text);
    }

    /// A text that the server says to this client alone, on as many lines as it takes; blank ones are left out.
    pub(crate) fn notice(&mut self, text: &str) {
        let nick = self.nick().to_owned();
        // The server's name may be longer than the name of whoever said it.
        let budget = wire::text_budget(&self.facts.server_name, "NOTICE", &[&nick]).max(16);
        for mut rest in text.split('\n') {
            while !rest.is_empty() {
                let (part, more) = rest.split_at(rest.floor_char_boundary(budget));
                self.server_line("NOTICE").param(&nick).trailing(part);
                rest = more;
            }
        }
    }

    /// 461 for the verb that is worked on.
    pub fn need_more_params(&mut self) {
        let verb = self.verb.name;
        self.numeric(Numeric::ERR_NEEDMOREPARAMS).param(verb).trailing("Not enough parameters");
    }

    /// Everything that `write` writes as one batch of this type, if the client knows batches.
    pub fn batch(&mut self, kind: &str, parameters: &[&str], write: impl FnOnce(&mut Turn<'_>)) {
        if !self.has(Capability::Batch) {
            write(self);
            return;
        }
        let reference = self.session.next_batch();
        self.server_line("BATCH").param_fmt(format_args!("+{reference}")).param(kind).params(parameters).end();
        let outer = std::mem::replace(&mut self.batch, reference);
        write(self);
        self.batch = outer;
        self.server_line("BATCH").param_fmt(format_args!("-{reference}")).end();
    }

    /// Lines prepared for everyone: numerics with what stands behind the nick.
    pub(crate) fn prepared(&mut self, lines: &[(Numeric, String)]) {
        let facts = self.facts;
        for (numeric, rest) in lines {
            let (buffer, nick) = self.begin_line();
            buffer.push(b':');
            buffer.extend_from_slice(facts.server_name.as_bytes());
            buffer.push(b' ');
            buffer.extend_from_slice(&numeric.digits());
            buffer.push(b' ');
            // Names hold nothing that would have to be escaped.
            buffer.extend_from_slice(nick.as_bytes());
            buffer.push(b' ');
            buffer.extend_from_slice(rest.as_bytes());
            buffer.extend_from_slice(b"\r\n");
        }
    }

    /// Bytes of whole lines that are ready as they are, tags and all, such as an event rendered for this client.
    pub fn ready_lines(&mut self) -> &mut Vec<u8> {
        self.buffer().0
    }

    /// Whole lines that are ready but for the batch that is being written, if any, and for a `mark`, a tag without a value.
    pub(crate) fn lines_of_batch(&mut self, lines: &[u8], mark: Option<&str>) {
        let batch = self.batch;
        let buffer = self.buffer().0;
        if batch == 0 && mark.is_none() {
            return buffer.extend_from_slice(lines);
        }
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            match (batch_of(line), batch, mark) {
                // It is of a batch within.
                (Some(_), ..) => buffer.extend_from_slice(line),
                (None, batch, None) => write_with_tags(buffer, line, format_args!("batch={batch}")),
                (None, 0, Some(mark)) => write_with_tags(buffer, line, format_args!("{mark}")),
                (None, batch, Some(mark)) => write_with_tags(buffer, line, format_args!("batch={batch};{mark}")),
            }
        }
    }

    // ---- To the hub

    /// Asks the hub; the answers come to [`crate::Session::answer`] with this line's number.
    pub fn ask(&mut self, command: Command) {
        self.barrier |= self.may_lead_to_work(&command);
        let number = self.take_number();
        self.last_asked = Some(self.out.requests.len());
        let origin = Origin::Session { id: self.session.id, number, last: false };
        self.out.requests.push(Request { origin, command });
    }

    /// Whether the answer may be followed by something slow. Later lines then wait from the start: were they worked on
    /// meanwhile, their answers had to wait behind it, the echo of a message too, while what others said after it in
    /// the same room went by.
    fn may_lead_to_work(&self, command: &Command) -> bool {
        match command {
            Command::Ask(query) => matches!(
                query,
                Query::History { .. }
                    | Query::EarlierTexts { .. }
                    | Query::Pins { .. }
                    | Query::Reports { .. }
                    | Query::Conversations
                    | Query::Unread
                    | Query::Missed
                    | Query::Audit
                    | Query::Account { .. }
            ),
            // What was posted before is read again.
            Command::Post(post) => post.once.is_some(),
            // What was said before is shown.
            Command::Join { .. } => self.facts.limits.unread_replay > 0 && !self.has(Capability::Chathistory),
            _ => false,
        }
    }

    /// What the answers of this line's request will need; replaces what was said before.
    pub(crate) fn await_with(&mut self, awaiting: Awaiting) {
        self.awaiting = Some(Box::new(awaiting));
    }

    /// What the line left for its answers.
    pub(crate) fn awaiting(&self) -> Option<&Awaiting> {
        self.awaiting.as_deref()
    }

    pub(crate) fn take_awaiting(&mut self) -> Option<Box<Awaiting>> {
        self.awaiting.take()
    }

    pub(crate) fn put_awaiting(&mut self, awaiting: Box<Awaiting>) {
        self.awaiting.get_or_insert(awaiting);
    }

    /// The number of this line's request; 0 while it has asked nothing.
    pub(crate) fn number(&self) -> RequestNumber {
        self.number
    }

    /// Whether this turn has asked for something that has not come, or an earlier line has on which all else depends.
    pub(crate) fn is_waiting(&self) -> bool {
        let another_barrier = |(at, pending): (usize, &Pending)| pending.barrier && Some(at) != self.pending_at;
        self.last_asked.is_some() || self.works > 0 || self.session.pending.iter().enumerate().any(another_barrier)
    }

    /// No later line is worked on before everything that this one asks for has come.
    pub fn barrier(&mut self) {
        self.barrier = true;
    }

    /// Has something slow done outside; `make` is given its ticket.
    pub(crate) fn work(&mut self, make: impl FnOnce(u32) -> Work) {
        let ticket = self.take_number();
        self.works += 1;
        self.barrier = true;
        self.out.work.push(make(ticket));
    }

    /// Has something slow done outside that no line waits for; gives the ticket that its result comes with.
    pub(crate) fn work_aside(&mut self, make: impl FnOnce(u32) -> Work) -> u32 {
        let ticket = self.session.next_number();
        self.out.work.push(make(ticket));
        ticket
    }

    /// Something to be told to the hub that no reply waits for, such as a departure.
    pub(crate) fn tell(&mut self, command: Command) {
        let request = self.session.telling(command);
        self.out.requests.push(request);
    }

    /// Ends the connection once everything before has been answered. The session has departed by then.
    pub(crate) fn close(&mut self, why: &'static str, reason: &str) {
        self.error_line(reason);
        self.session.closing = true;
        self.count(Count::Ended(why));
    }

    /// `ERROR :reason`
    pub(crate) fn error_line(&mut self, reason: &str) {
        self.line("", "ERROR").trailing_cut(reason);
    }

    /// The label of this line, which is answered later, if nothing has been asked or written for it.
    pub(crate) fn take_label(&mut self) -> Option<CompactString> {
        let label = self.label.take()?;
        self.sink = plain_sink(self.session.pending.len());
        Some(label)
    }

    /// What is written from here on is the answer to the line with this label, or to one without. What was written before
    /// has been ended ([`Turn::end_label`]).
    pub(crate) fn answer_to(&mut self, label: Option<CompactString>) {
        self.sink = if label.is_some() { Sink::Collected } else { plain_sink(self.session.pending.len()) };
        self.label = label;
    }

    /// Takes thousandths of a line from what the connection may send.
    pub(crate) fn spend_thousandths(&mut self, thousandths: u32) {
        self.session.spend_thousandths(self.now, self.facts, thousandths);
    }

    /// What has been written so far is the whole labelled answer; what follows has no label.
    pub(crate) fn end_label(&mut self) {
        if self.number != 0 {
            return;
        }
        if let Some(label) = self.label.take() {
            let lines = std::mem::take(&mut self.collected);
            self.sink = plain_sink(self.session.pending.len());
            self.write_labelled(&label, &lines, self.sink);
        }
    }

    /// The end of the turn: what was asked is kept in mind, what is complete goes out.
    pub(crate) fn finish(mut self) {
        let asked = self.last_asked.take();
        if let Some(at) = asked
            && let Origin::Session { last, .. } = &mut self.out.requests[at].origin
        {
            *last = true;
        }
        match self.pending_at {
            Some(at) => {
                let collected = std::mem::take(&mut self.collected);
                let pending = &mut self.session.pending[at];
                pending.dones += u16::from(asked.is_some());
                pending.works += self.works;
                pending.barrier |= self.barrier;
                pending.awaiting = self.awaiting.take();
                if let Some(labelled) = &mut pending.labelled {
                    labelled.lines = collected;
                }
            }
            None if self.number != 0 => {
                let lines = std::mem::take(&mut self.collected);
                self.session.pending.push_back(Pending {
                    number: self.number,
                    dones: u16::from(asked.is_some()),
                    works: self.works,
                    barrier: self.barrier,
                    verb: self.verb,
                    awaiting: self.awaiting.take(),
                    labelled: self.label.take().map(|label| Box::new(Labelled { label, lines })),
                    held: Vec::new(),
                });
            }
            None => self.end_label(),
        }
        self.release();
    }

    /// The connection ends before the oldest labelled answer is complete, and may do so by what that answers: what there is of
    /// it is said.
    pub(crate) fn end_answer(&mut self) {
        let oldest = self.session.pending.front_mut();
        let begun = oldest.and_then(|pending| pending.labelled.take_if(|labelled| !labelled.lines.is_empty()));
        if let Some(labelled) = begun {
            self.write_labelled(&labelled.label, &labelled.lines, Sink::Direct);
        }
    }

    /// One `Done` of the hub for the request that this turn is about.
    pub(crate) fn count_done(&mut self) {
        if let Some(at) = self.pending_at {
            let dones = &mut self.session.pending[at].dones;
            *dones = dones.saturating_sub(1);
        }
    }

    /// One result of [`Work`] for the request that this turn is about. `false`: none was owed.
    pub(crate) fn count_work(&mut self) -> bool {
        let Some(at) = self.pending_at else {
            return false;
        };
        let works = &mut self.session.pending[at].works;
        let owed = *works > 0;
        *works = works.saturating_sub(1);
        owed
    }

    /// What comes next depends on nothing that is still to come for the request that this turn is about.
    pub(crate) fn lift_barrier(&mut self) {
        if let Some(at) = self.pending_at {
            self.session.pending[at].barrier = false;
        }
    }

    /// Lets out what is complete, in order.
    fn release(&mut self) {
        self.pending_at = None;
        while self.session.pending.front().is_some_and(Pending::is_complete) {
            let Some(pending) = self.session.pending.pop_front() else {
                return;
            };
            if let Some(labelled) = pending.labelled {
                self.write_labelled(&labelled.label, &labelled.lines, Sink::Direct);
            }
            self.out.bytes.extend_from_slice(&pending.held);
        }
        if self.session.pending.is_empty() {
            if self.session.pending.capacity() > 8 {
                self.session.pending.shrink_to_fit();
            }
            if self.session.closing {
                self.out.close = true;
            }
        }
    }

    /// A labelled answer: none is an ACK, one line is tagged, several are a batch (labeled-response).
    fn write_labelled(&mut self, label: &str, lines: &[u8], sink: Sink) {
        let mut each = lines.split_inclusive(|byte| *byte == b'\n');
        let (first, second) = (each.next(), each.next());
        self.sink = sink;
        let server_time = self.has(Capability::ServerTime);
        let now = self.now;
        let server = self.facts.server_name.clone();
        let reference = if second.is_some() { self.session.next_batch() } else { 0 };
        let buffer = self.buffer().0;
        let head = |buffer: &mut Vec<u8>| {
            buffer.extend_from_slice(b"@label=");
            buffer.extend_from_slice(label.as_bytes());
            if server_time {
                buffer.extend_from_slice(b";time=");
                write_time(buffer, now.wall);
            }
            buffer.push(b' ');
        };
        match (first, second) {
            (None, _) => {
                head(buffer);
                LineWriter::new(buffer).source(&server).verb("ACK").end();
            }
            (Some(line), None) => write_with_tags(buffer, line, format_args!("label={label}")),
            // multiline "Labeled response": the label stands on its opening BATCH.
            (Some(first), Some(_)) if is_one_batch(lines, b" draft/multiline ") => {
                write_with_tags(buffer, first, format_args!("label={label}"));
                buffer.extend_from_slice(&lines[first.len()..]);
            }
            (Some(_), Some(_)) => {
                let text = compact_str::format_compact!("{reference}");
                head(buffer);
                LineWriter::new(buffer)
                    .source(&server)
                    .verb("BATCH")
                    .param_fmt(format_args!("+{reference}"))
                    .param("labeled-response")
                    .end();
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    match batch_of(line) {
                        Some(_) => buffer.extend_from_slice(line),
                        None => write_with_tags(buffer, line, format_args!("batch={text}")),
                    }
                }
                if server_time {
                    buffer.extend_from_slice(b"@time=");
                    write_time(buffer, now.wall);
                    buffer.push(b' ');
                }
                LineWriter::new(buffer).source(&server).verb("BATCH").param_fmt(format_args!("-{reference}")).end();
            }
        }
    }

    fn take_number(&mut self) -> RequestNumber {
        if self.number == 0 {
            self.number = self.session.next_number();
        }
        self.number
    }

    /// The buffer that lines go to, with the tags of the next line written, and the nick.
    fn begin_line(&mut self) -> (&mut Vec<u8>, &str) {
        self.begin_line_with(None)
    }

    fn begin_line_with(&mut self, tag: Option<(&str, &str)>) -> (&mut Vec<u8>, &str) {
        let server_time = self.has(Capability::ServerTime);
        let (wall, batch) = (self.now.wall, self.batch);
        let (buffer, nick) = self.buffer();
        let mut before = '@';
        // Appending to a Vec cannot fail.
        if batch != 0 {
            let _ = write!(buffer, "{before}batch={batch}");
            before = ';';
        }
        if server_time {
            let _ = write!(buffer, "{before}time=");
            write_time(buffer, wall);
            before = ';';
        }
        if let Some((name, value)) = tag {
            let _ = write!(buffer, "{before}{name}={value}");
            before = ';';
        }
        if before == ';' {
            buffer.push(b' ');
        }
        (buffer, nick)
    }

    fn buffer(&mut self) -> (&mut Vec<u8>, &str) {
        let Session { pending, person, registration, .. } = &mut *self.session;
        let buffer = match self.sink {
            Sink::Direct => &mut self.out.bytes,
            Sink::Held(at) => &mut pending[at].held,
            Sink::Collected => &mut self.collected,
        };
        (buffer, nick_of(person.as_ref(), registration.as_deref()))
    }
}

/// Behind the last of so many unanswered requests.
fn plain_sink(unanswered: usize) -> Sink {
    match unanswered {
        0 => Sink::Direct,
        count => Sink::Held(count - 1),
    }
}

fn write_with_tags(buffer: &mut Vec<u8>, line: &[u8], tags: std::fmt::Arguments<'_>) {
    // Writing into a vector does not fail.
    let _ = write!(buffer, "@{tags}");
    match line.strip_prefix(b"@") {
        Some(rest) => {
            buffer.push(b';');
            buffer.extend_from_slice(rest);
        }
        None => {
            buffer.push(b' ');
            buffer.extend_from_slice(line);
        }
    }
}

/// The batch that a line says it is of.
fn batch_of(line: &[u8]) -> Option<&[u8]> {
    let tags = line.strip_prefix(b"@")?.split(|byte| *byte == b' ').next()?;
    tags.split(|byte| *byte == b';').find_map(|tag| tag.strip_prefix(b"batch="))
}

/// Whether these lines are a batch of this type, and nothing else.
fn is_one_batch(lines: &[u8], kind: &[u8]) -> bool {
    let mut each = lines.split_inclusive(|byte| *byte == b'\n');
    let (Some(first), Some(last)) = (each.next(), each.next_back()) else { return false };
    let opening = after(first, b" BATCH +").and_then(|rest| Some((rest, rest.iter().position(|byte| *byte == b' ')?)));
    let Some((rest, end)) = opening else { return false };
    let reference = &rest[..end];
    rest[end..].starts_with(kind)
        && after(last, b" BATCH -").is_some_and(|rest| rest.strip_suffix(b"\r\n") == Some(reference))
        && each.all(|line| batch_of(line) == Some(reference))
}

/// What stands behind the verb, if the line has it where a line with a source has one.
fn after<'l>(line: &'l [u8], verb: &[u8]) -> Option<&'l [u8]> {
    let body = match line.strip_prefix(b"@") {
        Some(rest) => &rest[rest.iter().position(|byte| *byte == b' ')? + 1..],
        None => line,
    };
    body[body.iter().position(|byte| *byte == b' ')?..].strip_prefix(verb)
}
