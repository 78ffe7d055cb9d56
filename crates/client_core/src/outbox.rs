//! Messages on their way: each waits here until the server has acknowledged it, through lost links too.
//!
//! A message leaves the outbox in one of three ways: accepted (its echo came, or a PING sent after it was answered
//! where a server has no echoes), refused (the server said why), or unknown (the link was lost while it was under way
//! and the server has no keys to tell a repetition by). Unknown is reported, never sent again behind the person's back.

use std::collections::VecDeque;
use std::time::Duration;

use compact_str::{CompactString, format_compact};

/// As many messages may wait at once; the next is refused with `OutboxFull` and a front end stops reading its input.
pub const MOST_WAITING: usize = 1_000;
/// As many are on the wire unacknowledged at once: enough to fill a link, few enough for servers that count lines.
pub const MOST_IN_FLIGHT: usize = 32;
/// `parlor/once`: the server tells repetitions for 24 hours. An hour less, since the two clocks need not agree.
pub const KEY_LIFETIME: Duration = Duration::from_secs(23 * 3_600);

/// Names a message for the front end, before the server has given it an id. Rises by one with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostId(pub u64);

/// What sort of thing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageKind {
    Text,
    /// CTCP ACTION: "* alice waves".
    Action,
    /// NOTICE: asks for no answer, programs use it.
    Notice,
}

/// One message of ours under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub id: PostId,
    /// A room's name or a person's.
    pub target: CompactString,
    pub payload: String,
    pub kind: MessageKind,
    /// The id of the message that it answers.
    pub reply_to: Option<CompactString>,
    /// The value of the tag `parlor/once`.
    pub key: CompactString,
    queued_at: Duration,
    /// How old it was when this program started.
    aged: Duration,
    state: State,
}

/// A message under way, as it outlives the program ([`Outbox::kept`], [`crate::Connection::restore_posts`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPost {
    pub target: String,
    pub payload: String,
    pub kind: MessageKind,
    pub reply_to: Option<String>,
    pub key: String,
    /// It has been written to some link: only its key tells whether it arrived.
    pub was_sent: bool,
    /// How long ago it was typed.
    pub age: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Never written to any link.
    Waiting,
    /// Written to the present link.
    InFlight { label: CompactString, with_key: bool, fence: Option<u64> },
    /// Written to a link that was lost; a link that knows keys may carry it again.
    Repeat,
}

/// `MOST_WAITING` messages wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxFull;

/// The messages under way, oldest first.
#[derive(Debug, Clone)]
pub struct Outbox {
    posts: VecDeque<Post>,
    next_id: u64,
    key_prefix: CompactString,
    /// Rises with each change of what would have to be kept.
    revision: u64,
}

impl Outbox {
    /// `key_prefix`: random text, so that no other run of any program has the same keys (16 to 40 characters of
    /// `A-Z a-z 0-9 - _`).
    pub fn new(key_prefix: &str) -> Outbox {
        Outbox { posts: VecDeque::new(), next_id: 1, key_prefix: key_prefix.into(), revision: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// All that is under way, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Post> {
        self.posts.iter()
    }

    pub fn push(
        &mut self,
        now: Duration,
        target: &str,
        payload: &str,
        kind: MessageKind,
    ) -> Result<PostId, OutboxFull> {
        if self.posts.len() >= MOST_WAITING {
            return Err(OutboxFull);
        }
        let id = PostId(self.next_id);
        self.next_id += 1;
        let key = format_compact!("{}-{}", self.key_prefix, id.0);
        self.posts.push_back(Post {
            id,
            target: target.into(),
            payload: payload.to_owned(),
            kind,
            reply_to: None,
            key,
            queued_at: now,
            aged: Duration::ZERO,
            state: State::Waiting,
        });
        self.revision += 1;
        Ok(id)
    }

    /// What was just pushed answers this message.
    pub(crate) fn set_reply(&mut self, id: PostId, reply_to: &str) {
        if let Some(post) = self.posts.iter_mut().find(|post| post.id == id) {
            post.reply_to = Some(reply_to.into());
            self.revision += 1;
        }
    }

    /// Changes whenever [`Outbox::kept`] does.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// All that is under way, to be put where it outlives the program before it is sent.
    pub fn kept(&self, now: Duration) -> Vec<KeptPost> {
        let kept = |post: &Post| KeptPost {
            target: post.target.to_string(),
            payload: post.payload.clone(),
            kind: post.kind,
            reply_to: post.reply_to.as_ref().map(CompactString::to_string),
            key: post.key.to_string(),
            was_sent: post.state != State::Waiting,
            age: now.saturating_sub(post.queued_at) + post.aged,
        };
        self.posts.iter().map(kept).collect()
    }

    /// What an earlier run of the program left, oldest first.
    pub(crate) fn restore(&mut self, now: Duration, kept: Vec<KeptPost>) {
        for post in kept {
            let id = PostId(self.next_id);
            self.next_id += 1;
            self.posts.push_back(Post {
                id,
                target: post.target.into(),
                payload: post.payload,
                kind: post.kind,
                reply_to: post.reply_to.map(CompactString::from),
                key: post.key.into(),
                queued_at: now,
                aged: post.age,
                state: if post.was_sent { State::Repeat } else { State::Waiting },
            });
        }
        self.revision += 1;
    }

    /// How many more may wait.
    pub fn room(&self) -> usize {
        MOST_WAITING.saturating_sub(self.posts.len())
    }

    /// Messages of several lines that are not under way on this link.
    pub(crate) fn of_lines(&self) -> Vec<PostId> {
        let waiting = |post: &&Post| !matches!(post.state, State::InFlight { .. }) && post.is_of_lines();
        self.posts.iter().filter(waiting).map(|post| post.id).collect()
    }

    /// One message becomes these, in its place; the first of them is still called as it was.
    pub(crate) fn replace(&mut self, id: PostId, payloads: Vec<String>) {
        let Some(at) = self.posts.iter().position(|post| post.id == id) else { return };
        let Some(post) = self.posts.remove(at) else { return };
        self.revision += 1;
        for (place, payload) in payloads.into_iter().enumerate() {
            let mut part = Post { payload, ..post.clone() };
            if place > 0 {
                part.id = PostId(self.next_id);
                part.reply_to = None;
                part.key = format_compact!("{}-{}", self.key_prefix, part.id.0);
                self.next_id += 1;
            }
            self.posts.insert(at + place, part);
        }
    }

    /// The oldest message that may be written now: its target is `ready` and the wire has room. The order within a
    /// target is kept; a target that is not ready holds up no other. The caller writes it with the label given here.
    pub fn send_next(&mut self, with_key: bool, ready: impl Fn(&str) -> bool) -> Option<&Post> {
        let in_flight = self.posts.iter().filter(|post| matches!(post.state, State::InFlight { .. })).count();
        if in_flight >= MOST_IN_FLIGHT {
            return None;
        }
        let post =
            self.posts.iter_mut().find(|post| !matches!(post.state, State::InFlight { .. }) && ready(&post.target))?;
        self.revision += u64::from(post.state == State::Waiting);
        post.state = State::InFlight { label: label_of(post.id), with_key, fence: None };
        Some(post)
    }

    /// Messages in flight that no fence stands behind yet; the caller sends a PING with this number after them.
    pub fn raise_fence(&mut self, fence: u64) -> bool {
        let mut raised = false;
        for post in &mut self.posts {
            if let State::InFlight { fence: slot @ None, .. } = &mut post.state {
                *slot = Some(fence);
                raised = true;
            }
        }
        raised
    }

    /// The PING of this fence was answered: what stood before it has been dealt with, and nobody refused it.
    pub fn fence_passed(&mut self, fence: u64) -> Vec<Post> {
        self.take_all(|post| matches!(&post.state, State::InFlight { fence: Some(raised), .. } if *raised <= fence))
    }

    /// The answer to this label came.
    pub fn take_labelled(&mut self, label: &str) -> Option<Post> {
        self.take_first(|post| matches!(&post.state, State::InFlight { label: own, .. } if own == label))
    }

    /// An answer about this target came on a link without labels. `same_target` compares as the server does; an echo
    /// gives its text, a refusal has none.
    pub fn take_unlabelled(
        &mut self,
        same_target: impl Fn(&str) -> bool,
        echo: Option<(&str, MessageKind)>,
    ) -> Option<Post> {
        let matches_target = |post: &Post| matches!(post.state, State::InFlight { .. }) && same_target(&post.target);
        match echo {
            Some((payload, kind)) => {
                self.take_first(|post| matches_target(post) && post.payload == payload && post.kind == kind)
            }
            None => self.take_first(matches_target),
        }
    }

    /// A room let nobody in: nothing that waits for it can be said.
    pub fn take_waiting_for(&mut self, same_target: impl Fn(&str) -> bool) -> Vec<Post> {
        self.take_all(|post| !matches!(post.state, State::InFlight { .. }) && same_target(&post.target))
    }

    /// Gives up on everything, for a front end that ends.
    pub fn take_everything(&mut self) -> Vec<Post> {
        self.revision += 1;
        self.posts.drain(..).collect()
    }

    /// The link was lost. What had been written with a key stays, to be repeated where keys are known; what had been
    /// written without one is returned: nobody can say whether it arrived. `keys_survive`: the server knows our keys on
    /// a later connection too (it does for accounts, not for guests).
    pub fn link_lost(&mut self, keys_survive: bool) -> Vec<Post> {
        let unknown =
            self.take_all(|post| matches!(post.state, State::InFlight { with_key, .. } if !(with_key && keys_survive)));
        for post in &mut self.posts {
            if matches!(post.state, State::InFlight { .. }) {
                post.state = State::Repeat;
            }
        }
        unknown
    }

    /// A new link is ready. Repetitions that cannot be told as such any more are returned: the link knows no keys, or
    /// the server has forgotten this one.
    pub fn link_ready(&mut self, now: Duration, knows_keys: bool) -> Vec<Post> {
        self.take_all(|post| {
            let age = now.saturating_sub(post.queued_at) + post.aged;
            post.state == State::Repeat && !(knows_keys && age < KEY_LIFETIME)
        })
    }

    fn take_first(&mut self, wanted: impl Fn(&Post) -> bool) -> Option<Post> {
        let index = self.posts.iter().position(wanted)?;
        self.revision += 1;
        self.posts.remove(index)
    }

    fn take_all(&mut self, wanted: impl Fn(&Post) -> bool) -> Vec<Post> {
        let (taken, kept) = self.posts.drain(..).partition(wanted);
        self.posts = kept;
        self.revision += u64::from(!taken.is_empty());
        Vec::from(taken)
    }
}

impl Post {
    pub fn is_of_lines(&self) -> bool {
        self.payload.contains('\n')
    }

    /// The value of the tag `label` (IRCv3 labeled-response) for this message.
    pub fn label(&self) -> CompactString {
        label_of(self.id)
    }
}

/// Labels need to be unique within a connection only, so the message's own number does.
fn label_of(id: PostId) -> CompactString {
    format_compact!("m{}", id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(texts: &[(&str, &str)]) -> Outbox {
        let mut outbox = Outbox::new("seed");
        for (target, text) in texts {
            outbox.push(Duration::ZERO, target, text, MessageKind::Text).unwrap();
        }
        outbox
    }

    fn send_all(outbox: &mut Outbox, with_key: bool) -> Vec<String> {
        std::iter::from_fn(|| outbox.send_next(with_key, |_| true).map(|post| post.payload.clone())).collect()
    }

    fn texts(posts: &[Post]) -> Vec<&str> {
        posts.iter().map(|post| post.payload.as_str()).collect()
    }

    #[test]
    fn every_message_has_its_own_label_and_key() {
        let mut outbox = filled(&[("#a", "one"), ("#a", "two")]);
        assert_eq!(outbox.iter().map(|post| post.key.as_str()).collect::<Vec<_>>(), ["seed-1", "seed-2"]);
        assert_eq!(send_all(&mut outbox, true), ["one", "two"]);
        assert_eq!(outbox.take_labelled("m2").map(|post| post.payload), Some("two".to_owned()));
        assert_eq!(outbox.take_labelled("m2"), None);
        assert_eq!(outbox.take_labelled("m1").map(|post| post.payload), Some("one".to_owned()));
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_room_that_is_not_ready_holds_up_no_other() {
        let mut outbox = filled(&[("#a", "one"), ("#b", "two"), ("#a", "three")]);
        assert_eq!(outbox.send_next(true, |room| room == "#b").map(|post| post.payload.as_str()), Some("two"));
        assert_eq!(outbox.send_next(true, |room| room == "#b"), None);
        assert_eq!(send_all(&mut outbox, true), ["one", "three"]);
    }

    #[test]
    fn the_wire_and_the_outbox_have_their_limits() {
        let mut outbox = Outbox::new("seed");
        for _ in 0..MOST_WAITING {
            outbox.push(Duration::ZERO, "#a", "x", MessageKind::Text).unwrap();
        }
        assert_eq!(outbox.push(Duration::ZERO, "#a", "x", MessageKind::Text), Err(OutboxFull));
        assert_eq!(send_all(&mut outbox, true).len(), MOST_IN_FLIGHT);
        outbox.take_labelled("m1").unwrap();
        assert_eq!(send_all(&mut outbox, true).len(), 1);
    }

    #[test]
    fn a_lost_link_repeats_with_keys_and_reports_without() {
        let check = |with_key: bool,
                     account: bool,
                     knows_keys_again: bool,
                     later: Duration,
                     unknown_at_loss: &[&str],
                     unknown_at_return: &[&str],
                     sent_again: &[&str]| {
            let mut outbox = filled(&[("#a", "sent"), ("#b", "typed")]);
            outbox.send_next(with_key, |room| room == "#a").unwrap();
            assert_eq!(texts(&outbox.link_lost(account)), unknown_at_loss);
            assert_eq!(texts(&outbox.link_ready(later, knows_keys_again)), unknown_at_return);
            assert_eq!(send_all(&mut outbox, knows_keys_again), sent_again);
        };
        check(true, true, true, Duration::ZERO, &[], &[], &["sent", "typed"]);
        check(true, true, false, Duration::ZERO, &[], &["sent"], &["typed"]);
        check(true, true, true, KEY_LIFETIME, &[], &["sent"], &["typed"]);
        check(true, false, true, Duration::ZERO, &["sent"], &[], &["typed"]);
        check(false, true, true, Duration::ZERO, &["sent"], &[], &["typed"]);
    }

    #[test]
    fn a_repetition_keeps_its_key() {
        let mut outbox = filled(&[("#a", "hi")]);
        let first = outbox.send_next(true, |_| true).unwrap().clone();
        outbox.link_lost(true);
        outbox.link_ready(Duration::from_secs(5), true);
        assert_eq!(outbox.send_next(true, |_| true).unwrap().key, first.key);
    }

    #[test]
    fn fences_acknowledge_what_stood_before_them() {
        let mut outbox = filled(&[("#a", "one"), ("#a", "two"), ("#b", "three")]);
        outbox.send_next(false, |_| true).unwrap();
        assert!(outbox.raise_fence(7));
        outbox.send_next(false, |_| true).unwrap();
        assert!(outbox.raise_fence(8));
        assert!(!outbox.raise_fence(9), "nothing new stands before it");
        assert_eq!(texts(&outbox.fence_passed(7)), ["one"]);
        assert_eq!(texts(&outbox.fence_passed(8)), ["two"]);
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn without_labels_an_echo_finds_its_message_by_text_and_a_refusal_by_room() {
        let mut outbox = filled(&[("#a", "one"), ("#b", "one"), ("#a", "two")]);
        send_all(&mut outbox, false);
        assert_eq!(
            outbox.take_unlabelled(|target| target == "#a", Some(("two", MessageKind::Text))).map(|post| post.id),
            Some(PostId(3))
        );
        assert_eq!(outbox.take_unlabelled(|target| target == "#a", Some(("one", MessageKind::Action))), None);
        assert_eq!(outbox.take_unlabelled(|target| target == "#b", None).map(|post| post.id), Some(PostId(2)));
        assert_eq!(outbox.take_unlabelled(|target| target == "#c", None), None);
    }

    #[test]
    fn a_room_that_lets_nobody_in_gives_back_what_waits_for_it() {
        let mut outbox = filled(&[("#a", "one"), ("#b", "two")]);
        assert_eq!(texts(&outbox.take_waiting_for(|target| target == "#a")), ["one"]);
        assert_eq!(texts(&outbox.take_everything()), ["two"]);
    }

    #[test]
    fn what_is_kept_is_restored_with_its_keys_and_its_age() {
        let mut outbox = filled(&[("#a", "sent"), ("#a", "typed")]);
        outbox.set_reply(PostId(2), "parent");
        let before = outbox.revision();
        outbox.send_next(true, |_| true).unwrap();
        assert_ne!(outbox.revision(), before);
        let kept = outbox.kept(Duration::from_secs(60));
        assert_eq!((kept[0].was_sent, kept[1].was_sent), (true, false));
        let restored = |age: Duration| {
            let kept = kept.iter().map(|post| KeptPost { age: post.age + age, ..post.clone() }).collect();
            let mut outbox = Outbox::new("other");
            outbox.restore(Duration::ZERO, kept);
            outbox
        };
        let mut again = restored(Duration::ZERO);
        assert!(again.link_ready(Duration::ZERO, true).is_empty());
        let sent: Vec<_> = std::iter::from_fn(|| again.send_next(true, |_| true).cloned()).collect();
        assert_eq!(sent.iter().map(|post| post.key.as_str()).collect::<Vec<_>>(), ["seed-1", "seed-2"]);
        assert_eq!(sent[1].reply_to.as_deref(), Some("parent"));
        assert_eq!(texts(&restored(Duration::ZERO).link_ready(Duration::ZERO, false)), ["sent"], "nobody knows");
        assert_eq!(texts(&restored(KEY_LIFETIME).link_ready(Duration::ZERO, true)), ["sent"], "the key is too old");
    }
}
