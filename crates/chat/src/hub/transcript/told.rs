//! What follows, one effect a line.

use super::World;
use super::asked::{FLAGS, LISTS, OWN_MODES, ROLES};
use crate::change::Change;
use crate::chatroom::RoomFlag;
use crate::command::PersonalMode;
use crate::effect::Effect;
use crate::event::{Event, RoomStep, What};
use crate::history::{Grant, Since};
use crate::id::{ClientId, MessageId, Position, RoomNumber, SessionId, Timestamp};
use crate::membership::Roles;
use crate::message::MessageKind;
use crate::metadata::MetadataKey;
use crate::personal::ConversationKey;
use crate::query::{Answer, GroupRow, MemberRow, MetadataRow};
use crate::report::ReportView;
use crate::server_ban::{BanTarget, ServerBan};
use crate::snapshot::{MetadataOwner, RoomKind};
use std::collections::BTreeSet;

impl World {
    pub(super) fn line(&mut self, shard: usize, effect: Effect) -> Option<String> {
        match effect {
            Effect::Answer { to, number, answer } => {
                let unasked = if number == 0 { " (unasked)" } else { "" };
                let line = match &answer {
                    Answer::Pins(Some(view)) => {
                        let pins = view.pins.iter();
                        let pins = pins.map(|(number, pin)| format!("{number}:{}", self.text_of(pin.message)));
                        format!("pins of {}: {}", view.history.name, list(pins))
                    }
                    answer => answer_line(answer),
                };
                Some(format!("{}{unasked}: {line}", self.session_name(to)))
            }
            Effect::Done { .. } => None,
            Effect::Enter { session, room } => {
                assert!(self.inside.insert((room, session)), "entered twice");
                None
            }
            Effect::Leave { session, room } => {
                assert!(self.inside.remove(&(room, session)), "left without being in");
                None
            }
            Effect::ToRoom { room, event, origin } => {
                let mut sessions: Vec<SessionId> = self
                    .inside
                    .iter()
                    .filter(|(number, id)| *number == room && id.shard as usize == shard)
                    .map(|(_, id)| *id)
                    .collect();
                // The one who caused it is told by its shard, in the room or not.
                if let Some(origin) = origin
                    && origin.session.shard as usize == shard
                    && !sessions.contains(&origin.session)
                {
                    sessions.push(origin.session);
                }
                Some(format!("{} {}", self.reached(sessions, &event, origin), event_line(&event)))
            }
            Effect::ToSessions { sessions, event, origin } => {
                assert!(sessions.iter().all(|id| id.shard as usize == shard));
                let unique: BTreeSet<_> = sessions.iter().collect();
                assert_eq!(unique.len(), sessions.len(), "nobody is told twice");
                Some(format!("{} {}", self.reached(sessions, &event, origin), event_line(&event)))
            }
            Effect::ToWatchers { sessions, event } => {
                Some(format!("watching {} {}", self.reached(sessions, &event, None), event_line(&event)))
            }
            Effect::Mirror { sessions, event } => {
                Some(format!("mirror {} {}", self.reached(sessions, &event, None), event_line(&event)))
            }
            Effect::ToAll { event } => Some(format!("[everyone] {}", event_line(&event))),
            Effect::Close { session, reason } => Some(format!("{}: closed: {reason}", self.session_name(session))),
        }
    }

    /// What was said under this id.
    pub(super) fn text_of(&self, id: MessageId) -> String {
        let said = self.said.iter().find(|message| message.id == id);
        said.map_or_else(|| id.to_string(), |message| message.payload.to_string())
    }

    pub(super) fn change_line(&self, change: &Change) -> String {
        let room_name = |number: RoomNumber| {
            self.hub.state.room(number).map_or_else(|| number.0.to_string(), |room| room.name.to_string())
        };
        let account_name = |id: ClientId| {
            let slot = self.hub.state.account_of(id);
            let account = slot.and_then(|slot| self.hub.state.account(slot));
            account.map_or_else(|| "someone".to_owned(), |account| account.username.text().to_string())
        };
        let conversation_name = |conversation: &ConversationKey| match conversation {
            ConversationKey::Room(number) => room_name(*number),
            ConversationKey::With(id) => account_name(*id),
        };
        match change {
            Change::Posted(message) => format!("post {}", message.payload),
            Change::Happened(event) | Change::Edited { event, .. } => {
                event_line(&Event::Happened(event.happening.clone()))
            }
            Change::Redacted { target, .. } => format!("nothing of {}", self.text_of(*target)),
            Change::Reported { report, text } => format!("report by {}: {text}", name_in(&report.reported_by)),
            Change::ReportClosed(_) => "report closed".to_owned(),
            Change::ReportForgotten(_) => "report forgotten".to_owned(),
            Change::Pinned(record) => format!("pin of {}", self.text_of(record.pin.message)),
            Change::Unpinned { message, .. } => format!("no pin of {}", self.text_of(*message)),
            Change::Room(room) => match &room.kind {
                RoomKind::Named { name } => {
                    format!("room {name} {}", flags(room.flags.iter().copied()))
                }
                RoomKind::Group { name } => {
                    let ends = if room.retention.is_some() { ", its messages over" } else { "" };
                    format!("group {name}{ends}")
                }
                RoomKind::Direct { .. } => "direct room".to_owned(),
            },
            Change::Audited(_) => "audit".to_owned(),
            Change::RoomRemoved(_) => "no room".to_owned(),
            Change::ServerBan(ban) => format!("server ban {}", ban_text(ban, None)),
            Change::ServerBanRemoved(_) => "no server ban".to_owned(),
            Change::Account(account) => format!("account {}", account.username),
            Change::AccountRemoved(_) => "no account".to_owned(),
            Change::Presence(record) => format!("presence of {} as {}", account_name(record.account), record.name),
            Change::Device(_) => "device".to_owned(),
            Change::DeviceForgotten { account, .. } => format!("no device of {}", account_name(*account)),
            Change::PresenceRemoved(id) => format!("no presence of {}", account_name(*id)),
            Change::Member(member) => format!(
                "member {} {}{}",
                room_name(member.room),
                prefixes(member.membership.roles),
                account_name(member.account)
            ),
            Change::Metadata(record) => {
                let of = match record.owner {
                    MetadataOwner::Room(number) => room_name(number),
                    MetadataOwner::Account(id) => account_name(id),
                };
                format!("metadata {of}/{} {}", record.key.as_str(), record.value.as_deref().unwrap_or("-"))
            }
            Change::Marks(record) => {
                let of = conversation_name(&record.conversation);
                let marks = list(record.marks.iter().map(|mark| mark.word()));
                format!("marks {of} of {}: {marks}", account_name(record.account))
            }
            Change::ReadMarker(marker) => {
                let of = conversation_name(&marker.conversation);
                format!("marker {of} of {} {}", account_name(marker.account), marker.at.0)
            }
            Change::ReadMarkerRemoved { account, conversation } => {
                format!("no marker {} of {}", conversation_name(conversation), account_name(*account))
            }
            Change::MemberRemoved { room, account } => {
                format!("no member {} {}", room_name(*room), account_name(*account))
            }
        }
    }
}

pub(super) fn own_letter(mode: PersonalMode) -> char {
    OWN_MODES.into_iter().find(|(_, known)| *known == mode).unwrap().0
}

pub(super) fn flags(list: impl Iterator<Item = RoomFlag>) -> String {
    list.map(|flag| FLAGS.into_iter().find(|(_, known)| *known == flag).unwrap().0).collect()
}

pub(super) fn prefixes(roles: Roles) -> String {
    roles.iter().map(|role| ROLES.into_iter().find(|(_, _, known)| *known == role).unwrap().1).collect()
}

pub(super) fn ban_text(ban: &ServerBan, account: Option<&str>) -> String {
    match ban.target {
        BanTarget::Account(_) => account.unwrap_or("someone").to_owned(),
        BanTarget::Range(range) => range.to_string(),
        BanTarget::Door(range) => format!("d:{range}"),
        BanTarget::Certificate(certificate) => format!("c:{}", certificate[0]),
    }
}

pub(super) fn reason_text(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

pub(super) fn event_line(event: &Event) -> String {
    let happening = match event {
        Event::Posted(message) => {
            let kind = match message.kind {
                MessageKind::Text => "",
                MessageKind::Notice => "notice ",
                MessageKind::Signal => "signal ",
            };
            let audience = message.audience.map(|role| prefixes(Roles::of(role))).unwrap_or_default();
            let (sender, to) = (&message.sender.name, &message.addressed_to);
            return format!("{kind}{sender} -> {audience}{to}: {}", message.payload);
        }
        Event::Happened(happening) => happening,
    };
    let by = if happening.by.name.is_empty() { "server" } else { happening.by.name.as_str() };
    match &happening.what {
        What::Joined { room, away, roles } => {
            let account = happening.by.account.as_ref().map(|account| format!(" ({account})")).unwrap_or_default();
            let away = away.as_ref().map(|away| format!(" away: {away}")).unwrap_or_default();
            {
                let roles = prefixes(*roles);
                let space = if roles.is_empty() { "" } else { " " };
                format!("{by}{account} joined {}{space}{roles}{away}", room.name)
            }
        }
        What::Left { room, reason } => {
            format!("{by} left {}{}", room.name, reason_text(reason.as_deref()))
        }
        What::Kicked { room, who, reason } => {
            format!("{by} kicked {} from {}{}", who.name, room.name, reason_text(reason.as_deref()))
        }
        What::Quit { reason } => format!("{by} quit{}", reason_text(Some(reason))),
        What::Renamed { to } => format!("{by} is now {to}"),
        What::RealnameChanged { to } => format!("{by} has realname {to}"),
        What::HostChanged { ident, host } => format!("{by} is from {ident}@{host}"),
        What::AccountChanged { account: Some(account) } => format!("{by} is account {account}"),
        What::AccountChanged { account: None } => format!("{by} is no account"),
        What::AwayChanged { message: Some(message) } => format!("{by} is away: {message}"),
        What::AwayChanged { message: None } => format!("{by} is back"),
        What::TopicChanged { room, text } => format!("{by} set topic of {}: {text}", room.name),
        What::RoomChanged { room, steps } => {
            let steps: Vec<String> = steps.iter().map(step_line).collect();
            format!("{by} changed {}: {}", room.name, steps.join(" "))
        }
        What::RoomRenamed { room, old, reason } => {
            format!("{by} renamed {old} to {}{}", room.name, reason_text(reason.as_deref()))
        }
        What::Edited { room, text, .. } => format!("{by} edited something in {}: {text}", room.name),
        What::Pinned { room, on, message, .. } => {
            let what = message.as_ref().map_or("something", |message| &message.payload);
            format!("{by} {}pinned {what} in {}", if *on { "" } else { "un" }, room.name)
        }
        What::Redacted { room, reason, .. } => {
            format!("{by} redacted something in {}{}", room.name, reason_text(reason.as_deref()))
        }
        What::Invited { room, who, .. } => format!("{by} invited {} to {}", who.name, room.name),
        What::Knocked { room, text } => format!("{by} knocked at {}{}", room.name, reason_text(text.as_deref())),
        What::OwnModesChanged { changes } => {
            let changes: String =
                changes.iter().map(|(on, mode)| format!("{}{}", sign(*on), own_letter(*mode))).collect();
            format!("{by} has modes {changes}")
        }
        What::Announced { text, wallops } => {
            format!("{by} {}: {text}", if *wallops { "wallops" } else { "announces" })
        }
        What::MetadataChanged { of, key, value } => {
            let value = value.as_deref().map_or_else(|| " is gone".to_owned(), |value| format!("={value}"));
            format!("{by}: {of}/{}{value}", key.as_str())
        }
        What::CameOnline => format!("{by} is online"),
        What::WentOffline => format!("{by} is offline"),
    }
}

pub(super) fn report_line(view: &ReportView) -> String {
    let report = &view.report;
    let place = view
        .room
        .as_deref()
        .map_or_else(|| format!("to {}", report.said_to.as_deref().unwrap_or("nowhere")), |room| format!("in {room}"));
    format!("{} reports {} {place} ({})", name_in(&report.reported_by), name_in(&report.said_by), report.reason)
}

pub(super) fn metadata_rows(rows: &[MetadataRow]) -> String {
    list(rows.iter().map(|row| {
        let value = row.value.as_deref().map_or_else(|| "-".to_owned(), |value| format!("={value}"));
        format!("{}/{}{value}{}", row.of, row.key.as_str(), if row.is_private { "!" } else { "" })
    }))
}

pub(super) fn sign(on: bool) -> char {
    if on { '+' } else { '-' }
}

pub(super) fn step_line(step: &RoomStep) -> String {
    match step {
        RoomStep::Flag { on, flag } => format!("{}{}", sign(*on), flags([*flag].into_iter())),
        RoomStep::Key { on, key } => format!("{}k:{key}", sign(*on)),
        RoomStep::MemberLimit { limit: Some(limit) } => format!("+l:{limit}"),
        RoomStep::MemberLimit { limit: None } => "-l".to_owned(),
        RoomStep::SlowMode { seconds: Some(seconds) } => format!("+W:{seconds}"),
        RoomStep::SlowMode { seconds: None } => "-W".to_owned(),
        RoomStep::Forward { to: Some(to) } => format!("+f:{to}"),
        RoomStep::Forward { to: None } => "-f".to_owned(),
        RoomStep::Retention { seconds: Some(seconds) } => format!("+H:{seconds}"),
        RoomStep::Retention { seconds: None } => "-H".to_owned(),
        RoomStep::Role { on, role, who } => {
            let letter = ROLES.into_iter().find(|(_, _, known)| known == role).unwrap().0;
            format!("{}{letter}:{who}", sign(*on))
        }
        RoomStep::List { on, list, mask } => {
            let letter = LISTS.into_iter().find(|(_, known)| known == list).unwrap().0;
            format!("{}{letter}:{mask}", sign(*on))
        }
    }
}

pub(super) fn rows(members: &[MemberRow]) -> String {
    let members: Vec<String> =
        members.iter().map(|row| format!("{}{}", prefixes(row.roles), row.person.name)).collect();
    members.join(" ")
}

pub(super) fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    words.join(" ")
}

pub(super) fn answer_line(answer: &Answer) -> String {
    match answer {
        Answer::Refused(refusal) => format!("refused: {refusal:?}"),
        Answer::Welcome(welcome) => {
            let again = if welcome.joined_others { " again" } else { "" };
            format!("welcome{again} {}", welcome.person.name)
        }
        Answer::Credentials(credentials) => {
            let account = credentials.account.as_ref().map(|account| account.username.as_str());
            format!("credentials of {}", account.unwrap_or("nobody"))
        }
        Answer::LoggedIn { account, person } => {
            let person = person.as_ref().map(|person| person.name.as_str());
            format!("logged in to {account} as {}", person.unwrap_or("nobody yet"))
        }
        Answer::LoggedOut => "logged out".to_owned(),
        Answer::AccountCreated { account, .. } => format!("account {account} created"),
        Answer::AccountChanged { account } => format!("account {account} changed"),
        Answer::AccountDeleted { account } => format!("account {account} deleted"),
        Answer::Account(account) => {
            format!("account {}{}", account.username, if account.owner { " (owner)" } else { "" })
        }
        Answer::Accounts(accounts) => format!("accounts {}", list(accounts.iter().map(|account| &account.username))),
        Answer::Entered(view) => {
            let some = |what: &str, count: usize| if count > 0 { format!(", {what} {count}") } else { String::new() };
            let (pins, reports) = (some("pins", view.pins), some("reports", view.reports));
            format!("entered {} {}{pins}{reports}", view.name, rows(&view.members.members))
        }
        Answer::Topic { room, topic: Some(topic) } => format!("topic of {room}: {} by {}", topic.text, topic.by),
        Answer::Topic { room, topic: None } => format!("no topic of {room}"),
        Answer::AbsentMembers(absent) => {
            let members = absent.members.iter().map(|member| format!("{}{}", prefixes(member.roles), member.name));
            format!("absent from {}: {} and {} more", absent.room, list(members), absent.more)
        }
        Answer::Members(members) => {
            format!("members of {}: {}", members.room, rows(&members.members))
        }
        Answer::RoomSettings(view) => {
            let key = view.key.as_deref().unwrap_or(if view.key_set { "hidden" } else { "none" });
            let slow = view.slow_seconds.map(|seconds| format!(" slow {seconds}")).unwrap_or_default();
            let forward = view.forward.as_ref().map(|to| format!(" forward {to}")).unwrap_or_default();
            format!(
                "settings of {}: {} key {key} limit {:?}{slow}{forward}",
                view.room,
                flags(view.flags.iter().copied()),
                view.member_limit
            )
        }
        Answer::RoomList { room, entries, .. } => {
            format!("list of {room}: {}", list(entries.iter().map(|entry| &entry.mask)))
        }
        Answer::LinkCreated { room, link } => format!("link {} into {room}", link.hash.id()),
        Answer::LinkRevoked { room, id } => format!("link {id} into {room} is revoked"),
        Answer::LinkLeads { room } => format!("that link leads into {room}"),
        Answer::InviteLinks { room, links } => {
            let links = links.iter().map(|link| format!("{}({})", link.hash.id(), link.uses_left.unwrap_or_default()));
            format!("links into {room}: {}", list(links))
        }
        Answer::Rooms(rows) => {
            let rows = rows.iter().map(|row| {
                let said = row.last_said.map(|at| format!(" at {}", at.0)).unwrap_or_default();
                format!("{}({}{said})", row.name, row.members)
            });
            format!("rooms {}", list(rows))
        }
        Answer::OwnInvitations(rooms) => format!("invited to {}", list(rooms)),
        Answer::Forwarded { from, to, is_renamed: false } => format!("forwarded from {from} to {to}"),
        Answer::Forwarded { from, to, is_renamed: true } => format!("{from} is called {to}"),
        Answer::RoomRenamed { renaming, is_member, .. } => {
            let outside = if *is_member { "" } else { " (outside)" };
            let same = if renaming.is_same { " (same)" } else { "" };
            format!("{}{same}{outside}: {}", event_line(&renaming.event), rows(&renaming.members.members))
        }
        Answer::Accepted(names) if names.is_empty() => "accepts nobody".to_owned(),
        Answer::Accepted(names) => format!("accepts {}", names.join(" ")),
        Answer::OwnModes { modes } => {
            format!("modes {}", modes.iter().map(|mode| own_letter(*mode)).collect::<String>())
        }
        Answer::Invited { who, room, away } => {
            format!("{who} is invited to {room}{}", reason_text(away.as_deref()))
        }
        Answer::Group(group) => format!("group {}", group_text(group)),
        Answer::Groups(groups) => format!("groups: {}", list(groups.iter().map(group_text))),
        Answer::Knocked { room } => format!("knocked at {room}"),
        Answer::Who { target, rows } => {
            let rows = rows.iter().map(|row| {
                let room = row.room.as_ref().map(|(name, roles)| format!("{}{name}", prefixes(*roles)));
                let address = row.address.map(|_| "!").unwrap_or_default();
                format!("{}({}){address}", row.person.name, room.unwrap_or_default())
            });
            format!("who {target}: {}", list(rows))
        }
        Answer::Whois(profile) => {
            let rooms = profile.rooms.iter().map(|(name, roles)| format!("{}{name}", prefixes(*roles)));
            let mut line = format!("whois {} in [{}]", profile.person.name, list(rooms));
            if let Some(title) = &profile.operator {
                line += &format!(" {title}");
            }
            if profile.address.is_some() {
                line += " with address";
            }
            format!("{line} devices {} idle {}", profile.sessions, profile.idle_seconds)
        }
        Answer::Whowas { name, rows } => {
            let rows = rows.iter().map(|row| {
                format!("{}{}", row.person.realname.replace(' ', "-"), row.address.map(|_| "!").unwrap_or_default())
            });
            format!("whowas {name}: {}", list(rows))
        }
        Answer::Present(rows) => {
            format!("present {}", list(rows.iter().map(|row| &row.person.name)))
        }
        Answer::RecipientAway { name, message } => format!("{name} is away: {message}"),
        Answer::Away { now } => format!("away {now}"),
        Answer::Watched(names) => format!("watching {}", list(names)),
        Answer::WatchedStatus { online, offline } => {
            format!("online [{}] offline [{}]", list(online.iter().map(|person| &person.name)), list(offline))
        }
        Answer::Counts(counts) => format!("{counts:?}"),
        Answer::Connections(rows) => format!("connections {}", list(rows.iter().map(|row| &row.person.name))),
        Answer::Operators(people) => format!("operators {}", list(people.iter().map(|person| &person.name))),
        Answer::AuditGranted => "may read the audit".to_owned(),
        Answer::ServerBans(bans) => {
            format!("server bans {}", list(bans.iter().map(|(ban, account)| ban_text(ban, account.as_deref()))))
        }
        Answer::BannedFromServer { ban, account, closed } => {
            format!("banned {}, closed {closed}", ban_text(ban, account.as_deref()))
        }
        Answer::ServerBanLifted { ban, account } => format!("ban of {} lifted", ban_text(ban, account.as_deref())),
        Answer::BecameOperator { title } => format!("operator: {title}"),
        Answer::Killed { who } => format!("killed {who}"),
        Answer::Repeated { history, .. } => format!("has said that in {} already", history.name),
        Answer::Metadata { of, rows } => format!("metadata of {of}: {}", metadata_rows(rows)),
        Answer::MetadataSet { row, was_set } => {
            format!("set{}: {}", if *was_set { " again" } else { "" }, metadata_rows(std::slice::from_ref(row)))
        }
        Answer::MetadataValues { of: Some(of), rows } => format!("sync of {of}: {}", metadata_rows(rows)),
        Answer::MetadataValues { of: None, rows } => format!("values: {}", metadata_rows(rows)),
        Answer::MetadataSyncLater { of } => format!("sync {of} later"),
        Answer::Subscribed { keys, refused } => {
            let refused = refused.as_ref().map(|key| format!(", not {}", key.as_str())).unwrap_or_default();
            format!("subscribed {}{refused}", list(keys.iter().map(MetadataKey::as_str)))
        }
        Answer::Unsubscribed { keys } => format!("unsubscribed {}", list(keys.iter().map(MetadataKey::as_str))),
        Answer::Subscriptions(keys) => format!("subscriptions {}", list(keys.iter().map(MetadataKey::as_str))),
        Answer::Unread(question) => {
            let read = question.conversations.iter().map(|(grant, until)| {
                format!("{}:{}", grant.name, until.map_or_else(|| "-".to_owned(), |until| until.0.to_string()))
            });
            format!("unread of {} without {}: {}", list(&question.names), question.blocked.len(), list(read))
        }
        Answer::AlwaysOn(status) => {
            let word = |on: bool| if on { "on" } else { "off" };
            format!("stays: {}, {}", status.choice.map_or("as the server has it", word), word(status.is_on))
        }
        Answer::Devices(rows) => {
            let rows = rows.iter().map(|row| {
                let state = if row.is_connected { "here" } else { "gone" };
                let this = if row.is_this { "*" } else { "" };
                format!("{}:{state}:{}{this}", row.id, row.name.as_deref().unwrap_or("-"))
            });
            format!("devices {}", list(rows))
        }
        Answer::DeviceLogin { account, is_due, .. } => {
            format!("{account} stays logged in{}", if *is_due { ", and is due" } else { "" })
        }
        Answer::DeviceEnded { id } => format!("ended {id}"),
        Answer::DeviceForgotten { id } => format!("device {id} forgotten"),
        Answer::ReadMarker { of, at: Some(at) } => format!("marker of {of}: {}", at.0),
        Answer::ReadMarker { of, at: None } => format!("marker of {of}: none"),
        Answer::Reported => "reported".to_owned(),
        Answer::ReportMade(made) => {
            let (view, message) = &**made;
            format!("{}: {}", report_line(view), message.payload)
        }
        Answer::Reports(views) => format!("reports [{}]", list(views.iter().map(report_line)).replace("] [", "; ")),
        Answer::ReportsClosed(closed) => {
            let done = if closed.resolved { "resolved" } else { "dismissed" };
            format!("{} reports {done} by {}{}", closed.numbers.len(), closed.by, reason_text(closed.note.as_deref()))
        }
        Answer::OpenReports { count } => format!("{count} open reports"),
        Answer::Pins(None) => "nothing was ever said there".to_owned(),
        Answer::Pins(Some(view)) => format!("{} pins of {}", view.pins.len(), view.history.name),
        Answer::HistoryGranted(None) => "nothing was ever said there".to_owned(),
        Answer::HistoryGranted(Some(grant)) => {
            let role = grant.role.map(|role| format!(" as {role:?}")).unwrap_or_default();
            format!("may read {}{role}{}", grant.name, since(grant))
        }
        Answer::Conversations(grants) => {
            format!("conversations {}", list(grants.iter().map(|grant| format!("{}{}", grant.name, since(grant)))))
        }
    }
}

pub(super) fn group_text(group: &GroupRow) -> String {
    format!("{}({})", group.name, list(&group.members))
}

/// Nothing, where a grant leaves nothing out.
pub(super) fn since(grant: &Grant) -> String {
    match grant.since {
        Since { position: Position(0), time: Timestamp(0) } => String::new(),
        Since { position, time: Timestamp(0) } => format!(" since command {}", position.0),
        Since { position: Position(0), time } => format!(" since {}", time.0),
        Since { position, time } => format!(" since command {} and {}", position.0, time.0),
    }
}

pub(super) fn name_in(mask: &str) -> &str {
    mask.split('!').next().unwrap_or_default()
}
