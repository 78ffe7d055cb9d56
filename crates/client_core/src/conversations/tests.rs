//! Lines from a server through a real `Connection`, and what the conversation looks like then, as text.

use super::*;
use crate::change::{Anchor, LinkState};
use crate::connection::{Connection, LinkSecurity, Login, Settings};

const CAPABILITIES: &str = "message-tags server-time echo-message labeled-response batch account-tag away-notify \
     multi-prefix standard-replies draft/chathistory draft/event-playback draft/message-edit draft/message-redaction \
     draft/multiline=max-bytes=4096,max-lines=64 draft/read-marker draft/channel-rename parlor/unread parlor/identity \
     parlor/once";

struct Seat {
    connection: Connection,
    conversations: Conversations,
    now: Duration,
}

impl Seat {
    /// alice in #tea, whose history is about to come.
    fn new() -> Seat {
        let mut connection = Connection::new(Settings {
            name: "alice".to_owned(),
            realname: "Alice".to_owned(),
            login: Login::Guest,
            server_password: None,
            mechanism: None,
            rooms: vec!["#tea".to_owned()],
            key_prefix: "k".to_owned(),
            login_patience: Duration::from_secs(30),
        });
        connection.converse();
        let mut seat = Seat { connection, conversations: Conversations::default(), now: Duration::ZERO };
        seat.up();
        seat
    }

    fn up(&mut self) {
        let changes = self.connection.link_up(self.moment(), LinkSecurity::Encrypted, [0; 18]);
        self.take_in(&changes);
        self.hear(&format!(":s CAP * LS :{CAPABILITIES}"));
        let asked = self.sent();
        let wanted = asked.lines().find_map(|line| line.strip_prefix("CAP REQ :")).unwrap_or_else(|| panic!("{asked}"));
        self.hear(&format!(":s CAP * ACK :{wanted}"));
        self.hear(":s 001 alice :Welcome");
        self.hear(":s 005 alice CHATHISTORY=2 CASEMAPPING=ascii WHOX PREFIX=(ov)@+ :are supported");
        self.sent();
        self.hear(":alice!a@h JOIN #tea");
        self.hear(":s 353 alice = #tea :alice @bob carol");
        self.hear(":s 366 alice #tea :End");
    }

    fn moment(&self) -> Moment {
        Moment { since_start: self.now, wall: Timestamp(1_000) }
    }

    fn take_in(&mut self, changes: &[Change]) {
        let mapping = self.connection.rooms().case_mapping();
        for change in changes {
            self.conversations.take_in(change, self.connection.name(), mapping, self.moment());
        }
    }

    #[track_caller]
    fn hear(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            let changes = self.connection.receive(self.moment(), format!("{line}\r\n").as_bytes());
            self.take_in(&changes);
        }
    }

    fn sent(&mut self) -> String {
        String::from_utf8(self.connection.take_output()).unwrap().replace("\r\n", "\n")
    }

    #[track_caller]
    fn shows(&self, expected: &str) {
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(self.shown("#tea"), expected);
    }

    fn shown(&self, name: &str) -> Vec<String> {
        self.conversations.find(name).map_or_else(Vec::new, |found| found.entries().iter().map(described).collect())
    }

    fn counts(&self, name: &str) -> (usize, usize) {
        self.conversations.find(name).map_or((0, 0), |found| (found.unread().number, found.mentions().number))
    }

    /// The end of #tea as the server has it.
    fn history(&mut self, lines: &str) {
        self.hear(":s BATCH +p chathistory #tea");
        self.hear(lines);
        self.hear(":s BATCH -p");
    }
}

fn described(entry: &Entry) -> String {
    match &entry.what {
        What::Said(said) => {
            let mut line = format!("{}: {}", said.sender.name, said.payload.replace('\n', "|"));
            for (mark, is_so) in [(" (own)", said.own), (" (edited)", said.edited), (" (for me)", said.mentions)] {
                line.push_str(if is_so { mark } else { "" });
            }
            if let Some(parent) = &said.reply_to {
                line.push_str(&format!(" re {parent}"));
            }
            if let Some(deleted) = &said.deleted {
                line.push_str(&format!(" deleted by {}", deleted.by));
            }
            for reaction in &said.reactions {
                line.push_str(&format!(" [{} {}]", reaction.text, reaction.names.join(",")));
            }
            line
        }
        What::Happened { sentence, .. } => format!("* {sentence}"),
        What::Failed(failed) => format!("! {}: {}", failed.payload, failed.sentence),
        What::Gap => "...".to_owned(),
    }
}

fn time(second: u32) -> String {
    format!("time=2026-11-22T10:00:{second:02}.000Z")
}

#[test]
fn whoever_enters_asks_for_the_end_and_for_who_is_away() {
    let mut seat = Seat::new();
    let asked = seat.sent();
    assert!(asked.contains("@label=h1 CHATHISTORY LATEST #tea * 2\n"), "{asked}");
    assert!(asked.contains("WHO #tea %tcnf,77\n"), "{asked}");
    seat.hear(
        ":s 354 alice 77 #tea bob G@
         :s 354 alice 77 #tea carol H
         :s 315 alice #tea :End",
    );
    let room = seat.connection.rooms().find("#tea").unwrap();
    let away: Vec<&str> = room.members().filter(|member| member.away).map(|member| member.name.as_str()).collect();
    assert_eq!(away, ["bob"]);
    seat.hear(":bob!b@h AWAY");
    assert!(!seat.connection.rooms().find("#tea").unwrap().members().any(|member| member.away));
}

#[test]
fn a_page_is_read_with_all_that_became_of_its_messages() {
    let mut seat = Seat::new();
    seat.history(&format!(
        "@batch=p;{};msgid=1;account=bob :bob!b@h PRIVMSG #tea :hello Alice
         @batch=p;draft/chathistory-context;msgid=r1;+draft/reply=1;+draft/react=👍 :carol!c@h TAGMSG #tea
         @batch=p;draft/chathistory-context;msgid=r2;+reply=1;+draft/react=👍 :alice!a@h TAGMSG #tea
         @batch=p;{} :dora!d@h JOIN #tea
         @batch=p;{} :dora!d@h PART #tea :bye
         @batch=p;{};msgid=2;+draft/reply=1 :carol!c@h PRIVMSG #tea :helo
         @batch=p;draft/chathistory-context;msgid=e1;draft/target-msgid=2;draft/edit-text=hello\\sall :carol!c@h EDIT #tea
         @batch=p;{};msgid=3 :carol!c@h PRIVMSG #tea :oops
         @batch=p;draft/chathistory-context :carol!c@h REDACT #tea 3
         @batch=p;msgid=4;{} :s BATCH +m draft/multiline #tea
         @batch=m :carol!c@h PRIVMSG #tea :one
         @batch=m :carol!c@h PRIVMSG #tea :two
         @batch=p :s BATCH -m
         @batch=p;{};msgid=5 :bob!b@h PRIVMSG #tea :\u{1}ACTION waves\u{1}",
        time(1),
        time(2),
        time(3),
        time(4),
        time(5),
        time(6),
        time(7),
    ));
    seat.shows(
        "bob: hello Alice (for me) [👍 carol,alice]
         * dora joined; dora left (bye)
         carol: hello all (edited) re 1
         carol:  deleted by carol
         s: one|two
         bob: waves",
    );
    assert!(!seat.conversations.find("#tea").unwrap().begins_here());
    // It was the past: nobody came or went now.
    assert_eq!(seat.connection.rooms().find("#tea").unwrap().members().count(), 3);
}

#[test]
fn what_is_said_before_its_page_comes_stands_behind_it_once() {
    let mut seat = Seat::new();
    seat.hear(&format!("@{};msgid=2 :bob!b@h PRIVMSG #tea :two", time(2)));
    seat.hear(&format!("@{};msgid=3 :bob!b@h PRIVMSG #tea :three", time(3)));
    seat.history(&format!(
        "@batch=p;{};msgid=1 :bob!b@h PRIVMSG #tea :one
         @batch=p;{};msgid=2 :bob!b@h PRIVMSG #tea :two",
        time(1),
        time(2)
    ));
    seat.shows("bob: one\nbob: two\nbob: three");
    // A repetition is no second message.
    seat.hear(&format!("@{};msgid=3 :bob!b@h PRIVMSG #tea :three", time(3)));
    seat.shows("bob: one\nbob: two\nbob: three");
}

#[test]
fn after_a_lost_link_what_is_from_before_goes_and_comes_anew_as_pages() {
    let said = |id: u32| format!("@batch=p;{};msgid={id} :bob!b@h PRIVMSG #tea :{id}\n", time(id));
    let mut seat = Seat::new();
    seat.history(&(said(1) + &said(2)));
    for (page, expected) in [
        // What became of the first meanwhile, only the server knows.
        (said(2) + &said(3), "bob: 2\nbob: 3"),
        (said(7) + &said(8), "bob: 7\nbob: 8"),
    ] {
        let changes = seat.connection.link_down(seat.moment(), 0);
        seat.take_in(&changes);
        assert!(seat.conversations.find("#tea").unwrap().is_stale());
        seat.up();
        seat.history(&page);
        seat.shows(expected);
    }
    let tea = seat.conversations.find("#tea").unwrap();
    assert_eq!(tea.page_before(), Some(Page::Before(Anchor::Message("7".into()))));
    seat.sent();
    let asked = seat.connection.ask_history(seat.moment(), "#tea", Page::Before(Anchor::Message("7".into())));
    assert!(asked);
    assert!(!seat.connection.ask_history(seat.moment(), "#tea", Page::Before(Anchor::Message("7".into()))), "once");
    assert!(seat.sent().contains("CHATHISTORY BEFORE #tea msgid=7 2\n"));
    seat.history(&(said(5) + &said(6)));
    seat.shows("bob: 5\nbob: 6\nbob: 7\nbob: 8");
    seat.connection.ask_history(seat.moment(), "#tea", Page::Before(Anchor::Message("5".into())));
    seat.history(&said(4));
    seat.shows("bob: 4\nbob: 5\nbob: 6\nbob: 7\nbob: 8");
    assert!(seat.conversations.find("#tea").unwrap().page_before().is_none(), "a short page is the beginning");
}

#[test]
fn a_page_is_full_with_what_is_not_shown_too() {
    let mut seat = Seat::new();
    seat.history(&format!(
        "@batch=p;{};msgid=1 :bob!b@h PRIVMSG #tea :1\n@batch=p;{} :alice!a@h JOIN #tea\n",
        time(1),
        time(2)
    ));
    seat.shows("bob: 1");
    assert_eq!(
        seat.conversations.find("#tea").unwrap().page_before(),
        Some(Page::Before(Anchor::Message("1".into()))),
        "there may be more before it"
    );
}

#[test]
fn a_page_out_of_the_past_is_left_by_the_end_or_by_reading_on() {
    let said = |id: u32| format!("@batch=p;{};msgid={id} :bob!b@h PRIVMSG #tea :{id}\n", time(id));
    let mut seat = Seat::new();
    seat.history(&(said(8) + &said(9)));
    seat.connection.ask_history(seat.moment(), "#tea", Page::Around(Anchor::Message("2".into())));
    seat.history(&(said(1) + &said(2)));
    seat.shows("bob: 1\nbob: 2");
    seat.hear(&format!("@{};msgid=10 :bob!b@h PRIVMSG #tea :10", time(10)));
    seat.shows("bob: 1\nbob: 2");
    let after = seat.conversations.find("#tea").unwrap().page_after().unwrap();
    assert_eq!(after, Page::After(Anchor::Message("2".into())));
    seat.connection.ask_history(seat.moment(), "#tea", after);
    seat.history(&(said(8) + &said(9)));
    assert!(!seat.conversations.find("#tea").unwrap().is_at_end());
    seat.connection.ask_history(seat.moment(), "#tea", Page::After(Anchor::Message("9".into())));
    seat.history(&said(10));
    seat.shows("bob: 1\nbob: 2\nbob: 8\nbob: 9\nbob: 10");
    assert!(seat.conversations.find("#tea").unwrap().is_at_end());
}

#[test]
fn reactions_edits_and_deletions_arrive_live() {
    let mut seat = Seat::new();
    seat.hear(&format!("@{};msgid=1 :bob!b@h PRIVMSG #tea :hi", time(1)));
    seat.hear(
        "@+draft/reply=1;+draft/react=👍 :carol!c@h TAGMSG #tea
         @+draft/reply=1;+draft/react=👍 :alice!a@h TAGMSG #tea
         @+draft/reply=1;+draft/unreact=👍 :carol!c@h TAGMSG #tea
         @+draft/reply=9;+draft/react=👍 :carol!c@h TAGMSG #tea
         @draft/target-msgid=1;draft/edit-text=hi\\sall :bob!b@h EDIT #tea",
    );
    seat.shows("bob: hi all (edited) [👍 alice]");
    seat.hear(":bob!b@h REDACT #tea 1 :typo");
    seat.shows("bob:  deleted by bob");
    seat.hear("@draft/target-msgid=1;draft/edit-text=again :bob!b@h EDIT #tea");
    seat.shows("bob:  deleted by bob");
}

#[test]
fn unread_messages_are_counted_in_step_with_the_server() {
    let mut seat = Seat::new();
    seat.hear(
        ":s BATCH +u parlor/unread
         @batch=u :s UNREAD #tea 1000+ 2
         @batch=u :s UNREAD bob 3 3
         :s BATCH -u",
    );
    assert_eq!((seat.counts("#tea"), seat.counts("bob")), ((1000, 2), (3, 3)));
    assert!(seat.conversations.find("#tea").unwrap().unread().is_more);
    seat.hear(&format!("@{};msgid=1 :bob!b@h PRIVMSG #tea :hello alice!", time(1)));
    seat.hear(&format!("@{};msgid=2 :bob!b@h PRIVMSG #tea :malice", time(2)));
    seat.hear(&format!("@{};msgid=3 :alice!a@h PRIVMSG #tea :mine", time(3)));
    assert_eq!(seat.counts("#tea"), (1002, 3));
    assert_eq!(seat.conversations.seen("#tea").map(|time| time.to_string()), Some("2026-11-22T10:00:03.000Z".into()));
    assert_eq!(seat.counts("#tea"), (0, 0));
    assert_eq!(seat.conversations.seen("#tea"), None, "no news");
    // Read on another device, but not the last one.
    seat.hear(&format!("@{};msgid=4 :bob!b@h PRIVMSG #tea :four", time(4)));
    seat.hear(&format!("@{};msgid=5 :bob!b@h PRIVMSG #tea :five", time(5)));
    assert_eq!(seat.counts("#tea"), (2, 0));
    seat.hear("MARKREAD #tea timestamp=2026-11-22T10:00:04.000Z");
    assert_eq!(seat.counts("#tea"), (1, 0));
    seat.hear("MARKREAD #tea timestamp=2026-11-22T10:00:05.000Z");
    assert_eq!(seat.counts("#tea"), (0, 0));
}

#[test]
fn what_comes_while_the_server_counts_is_counted_on_top() {
    let mut seat = Seat::new();
    let say = |n: u32, text: &str| format!("@{};msgid=m{n} :bob!b@h PRIVMSG #tea :{text}", time(n));
    seat.hear(&say(1, "before it was asked for"));
    seat.hear(&say(3, "alice: while it is counted"));
    seat.hear(&say(4, "and deleted since"));
    seat.hear(":bob!b@h REDACT #tea m4");
    seat.hear(
        ":s BATCH +u parlor/unread m2
         @batch=u :s UNREAD #tea 7 1
         :s BATCH -u",
    );
    assert_eq!(seat.counts("#tea"), (8, 2));
    // Of a server that does not say as of when, the answer is the latest.
    seat.hear(":s BATCH +u parlor/unread\n@batch=u :s UNREAD #tea 9 1\n:s BATCH -u");
    assert_eq!(seat.counts("#tea"), (9, 1));
}

#[test]
fn whoever_writes_is_seen_until_she_has_said_it_or_stops() {
    let mut seat = Seat::new();
    let writing = |seat: &Seat| {
        let tea = seat.conversations.find("#tea").unwrap();
        tea.writing(seat.now).map(str::to_owned).collect::<Vec<_>>()
    };
    seat.hear("@+typing=active :bob!b@h TAGMSG #tea\n@+typing=paused :carol!c@h TAGMSG #tea");
    assert_eq!(writing(&seat), ["bob", "carol"]);
    seat.hear("@msgid=1 :bob!b@h PRIVMSG #tea :there");
    assert_eq!(writing(&seat), ["carol"]);
    seat.now += PAUSE_LASTS;
    assert!(writing(&seat).is_empty());
    seat.hear("@+typing=active :alice!a@h TAGMSG #tea");
    assert!(writing(&seat).is_empty(), "not oneself");
}

#[test]
fn an_answer_is_sent_as_one_and_a_refusal_gives_the_text_back() {
    let mut seat = Seat::new();
    seat.history("");
    seat.sent();
    let now = seat.moment();
    seat.connection.post_reply(now, "#tea", "yes", MessageKind::Text, Some("1")).unwrap();
    assert_eq!(seat.sent(), "@label=m1;parlor/once=k-1;+draft/reply=1 PRIVMSG #tea :yes\n");
    seat.hear("@label=m1;msgid=2;+draft/reply=1 :alice!a@h PRIVMSG #tea :yes");
    seat.connection.post_reply(now, "#tea", "no\nno", MessageKind::Text, Some("1")).unwrap();
    let sent = seat.sent();
    assert!(sent.starts_with("@label=m2;parlor/once=k-2;+draft/reply=1 BATCH +m2 draft/multiline #tea\n"), "{sent}");
    seat.hear("@label=m2 :s FAIL BATCH MULTILINE_INVALID :no");
    let shown = seat.shown("#tea");
    assert_eq!(shown[0], "alice: yes (own) re 1");
    assert!(shown[1].starts_with("! no\nno: "), "{}", shown[1]);
    let id = seat.conversations.find("#tea").unwrap().entries()[1].id;
    assert_eq!(seat.conversations.take_failed("#tea", id), Some(("no\nno".to_owned(), MessageKind::Text)));
    seat.shows("alice: yes (own) re 1");
}

#[test]
fn edits_reactions_and_deletions_are_asked_for() {
    let mut seat = Seat::new();
    seat.sent();
    assert!(seat.connection.edit("#tea", "1", "a b"));
    assert!(seat.connection.react("#tea", "1", "👍", false));
    assert!(seat.connection.delete("#tea", "1"));
    assert!(seat.connection.say_typing("#tea", Typing::Active));
    assert_eq!(
        seat.sent(),
        "@draft/target-msgid=1;draft/edit-text=a\\sb EDIT #tea\n\
         @+draft/reply=1;+draft/unreact=👍 TAGMSG #tea\n\
         REDACT #tea 1\n\
         @label=t2;+typing=active TAGMSG #tea\n"
    );
    let changes = seat.connection.receive(seat.moment(), b"@label=t2 :s 401 alice bob :No such nick\r\n");
    assert!(changes.is_empty(), "nobody asked for it: {changes:?}");
    let changes = seat.connection.link_down(seat.moment(), 0);
    seat.take_in(&changes);
    assert!(matches!(seat.connection.state(), LinkState::Down { .. }));
    assert!(!seat.connection.edit("#tea", "1", "a"), "not without a link");
}

#[test]
fn a_page_that_does_not_come_is_given_up() {
    let mut seat = Seat::new();
    assert!(seat.connection.awaits_history("#tea"));
    seat.hear("@label=h1 :s FAIL CHATHISTORY MESSAGE_ERROR LATEST #tea :not now");
    assert!(!seat.connection.awaits_history("#tea"));
    assert!(!seat.conversations.find("#tea").unwrap().is_stale(), "it is not asked again and again");
    seat.connection.ask_history(seat.moment(), "#tea", Page::Latest);
    seat.now += Duration::from_secs(21);
    let changes = seat.connection.tick(seat.moment());
    assert!(
        changes.iter().any(|change| matches!(
            change,
            Change::Conversation(ConversationChange::HistoryRefused { page: Page::Latest, .. })
        )),
        "{changes:?}"
    );
}

#[test]
fn rooms_are_renamed_and_ranks_change() {
    let mut seat = Seat::new();
    seat.hear(&format!("@{};msgid=1 :bob!b@h PRIVMSG #tea :hi", time(1)));
    seat.hear(":bob!b@h MODE #tea +bo-o *!*@x carol bob");
    let ranks = |seat: &Seat, room: &str| {
        let room = seat.connection.rooms().find(room).unwrap();
        room.members().map(|member| format!("{}{}", member.ranks, member.name)).collect::<Vec<_>>()
    };
    assert_eq!(ranks(&seat, "#tea"), ["alice", "bob", "@carol"]);
    seat.hear(":bob!b@h RENAME #tea #coffee :better");
    assert_eq!(ranks(&seat, "#coffee"), ["alice", "bob", "@carol"]);
    assert_eq!(seat.shown("#coffee").last().map(String::as_str), Some("* #tea is now called #coffee"));
    assert!(seat.conversations.find("#tea").is_none());
}

#[test]
fn what_is_kept_is_shown_until_the_server_tells_the_end() {
    let said = |id: u32| format!("@batch=p;{};msgid={id} :bob!b@h PRIVMSG #tea :{id}\n", time(id));
    let mut seat = Seat::new();
    seat.history(&(said(1) + &said(2) + &said(3)));
    let kept = seat.conversations.kept();
    let mut later = Seat::new();
    later.conversations.restore(kept);
    later.shows("bob: 1\nbob: 2\nbob: 3");
    // The first has been taken away meanwhile: nothing of it stays.
    later.history(&(said(2) + &said(3)));
    later.shows("bob: 2\nbob: 3");
}

#[test]
fn a_name_is_found_as_a_word() {
    for text in [
        "alice",
        "hi Alice!",
        "@alice: x",
        "(alice)",
        "`code` alice `code`",
        "a lone ` alice",
        "see http://x.example alice",
    ] {
        assert!(mentions(text, "alice"), "{text}");
    }
    for text in [
        "malice",
        "alice_",
        "alices",
        "",
        "élalice",
        "for `alice` only",
        "```\nalice\n```",
        "http://x.example/@alice/1",
        "mail@alice.org",
    ] {
        assert!(!mentions(text, "alice"), "{text}");
    }
}
