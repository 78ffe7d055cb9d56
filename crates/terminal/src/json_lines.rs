//! Changes as JSON, one object a line, for scripts. Every object has a `type`; what is not known is `null`.

use client_core::{Change, LinkState, Message, MessageKind, Person, Place};
use serde_json::{Map, Value, json};

use crate::printable::escaped_json;

/// The line for a change.
pub fn line(change: &Change) -> String {
    text(object(change))
}

/// The line about a link that could not be opened or was lost.
pub fn link_ended(sentence: Option<&str>, retry_in_seconds: Option<f64>) -> String {
    text(json!({"type": "link", "state": "down", "sentence": sentence, "retry_in_seconds": retry_in_seconds}))
}

/// The line of a remark of this program's own.
pub fn remark(sentence: &str) -> String {
    text(json!({"type": "remark", "sentence": sentence}))
}

fn text(object: Value) -> String {
    escaped_json(object.to_string())
}

fn object(change: &Change) -> Value {
    match change {
        Change::LinkState(state) => json!({"type": "link", "state": state_name(*state)}),
        Change::Welcome { name, account } => {
            json!({"type": "welcome", "name": name.as_str(), "account": account.as_deref()})
        }
        Change::MessageAdded(message) => self::message("message", message),
        Change::Found(message) => self::message("found", message),
        // The line tool does not ask for these.
        Change::Conversation(_) => json!({"type": "conversation"}),
        Change::SearchEnded { found } => json!({"type": "search_ended", "found": found}),
        Change::PostAccepted { post } => json!({"type": "posted", "post": post.0}),
        Change::PostRefused { post, target, payload, sentence } => {
            json!({"type": "not_posted", "post": post.0, "room_name": target.as_str(), "payload": payload, "sentence": sentence})
        }
        Change::PostUnknown { post, target, payload } => {
            json!({"type": "post_unknown", "post": post.0, "room_name": target.as_str(), "payload": payload})
        }
        Change::Joined { place, who, own } => in_place("joined", place, who, json!({"own": own})),
        Change::Left { place, who, reason, own } => in_place("left", place, who, json!({"reason": reason, "own": own})),
        Change::Kicked { place, who, by, reason, own } => {
            in_place("kicked", place, by, json!({"who": who.as_str(), "reason": reason, "own": own}))
        }
        Change::Quit { who, reason, rooms, timestamp } => {
            let rooms: Vec<&str> = rooms.iter().map(|room| room.as_str()).collect();
            by("quit", who, json!({"reason": reason, "room_names": rooms, "timestamp": timestamp.to_string()}))
        }
        Change::Renamed { from, to, own, rooms, timestamp } => {
            let rooms: Vec<&str> = rooms.iter().map(|room| room.as_str()).collect();
            json!({"type": "renamed", "from": from.as_str(), "to": to.as_str(), "own": own, "room_names": rooms, "timestamp": timestamp.to_string()})
        }
        Change::TopicChanged { place, by, topic } => in_place("topic_changed", place, by, json!({"topic": topic})),
        Change::TopicIs { place, topic } => {
            json!({"type": "topic", "room_name": place.room_name.as_str(), "room_id": place.room_id.as_deref(), "topic": topic})
        }
        Change::Members { room_name, names } => {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            json!({"type": "members", "room_name": room_name.as_str(), "names": names})
        }
        Change::ModesChanged { target, by: who, modes, timestamp, .. } => by(
            "modes_changed",
            who,
            json!({"target": target.as_str(), "modes": modes, "timestamp": timestamp.to_string()}),
        ),
        Change::Away { who, message } => by("away", who, json!({"message": message})),
        Change::AccountChanged { who, account } => {
            json!({"type": "account_changed", "sender_name": who.as_str(), "account": account.as_deref()})
        }
        Change::RealnameChanged { who, realname } => by("realname_changed", who, json!({"realname": realname})),
        Change::Invited { room_name, who, by: sender, own } => {
            by("invited", sender, json!({"room_name": room_name.as_str(), "who": who.as_str(), "own": own}))
        }
        Change::Notice { from, text, timestamp } => {
            json!({"type": "notice", "sender_name": from.as_str(), "payload": text, "timestamp": timestamp.to_string()})
        }
        Change::MessageOfTheDay { text } => json!({"type": "message_of_the_day", "text": text}),
        Change::Information { sentence } => json!({"type": "information", "sentence": sentence}),
        Change::Refused { sentence } => json!({"type": "refused", "sentence": sentence}),
        Change::JoinRefused { room_name, sentence } => {
            json!({"type": "join_refused", "room_name": room_name.as_str(), "sentence": sentence})
        }
        Change::LoginRefused { sentence, .. } => json!({"type": "login_refused", "sentence": sentence}),
        Change::LinkDead { sentence } => {
            json!({"type": "link", "state": "dead", "sentence": sentence})
        }
        Change::Closed { clean } => json!({"type": "closed", "clean": clean}),
    }
}

fn message(what: &str, message: &Message) -> Value {
    let kind = match message.kind {
        MessageKind::Text => "text",
        MessageKind::Action => "action",
        MessageKind::Notice => "notice",
    };
    json!({
        "type": what,
        "message_id": message.id.as_deref(),
        "sender_id": message.sender.id.as_deref(),
        "sender_name": message.sender.name.as_str(),
        "account": message.sender.account.as_deref(),
        "payload": message.payload,
        "timestamp": message.timestamp.to_string(),
        "room_id": message.room_id.as_deref(),
        "room_name": message.room_name.as_str(),
        "kind": kind,
        "own": message.own,
        "direct": message.direct,
    })
}

fn in_place(kind: &str, place: &Place, who: &Person, more: Value) -> Value {
    let mut object = fields(by(kind, who, more));
    object.insert("room_name".to_owned(), place.room_name.as_str().into());
    object.insert("room_id".to_owned(), place.room_id.as_deref().into());
    object.insert("timestamp".to_owned(), place.timestamp.to_string().into());
    Value::Object(object)
}

fn by(kind: &str, who: &Person, more: Value) -> Value {
    let mut object = fields(more);
    object.insert("type".to_owned(), kind.into());
    object.insert("sender_name".to_owned(), who.name.as_str().into());
    object.insert("sender_id".to_owned(), who.id.as_deref().into());
    object.insert("account".to_owned(), who.account.as_deref().into());
    Value::Object(object)
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn state_name(state: LinkState) -> &'static str {
    match state {
        LinkState::Down { .. } => "down",
        LinkState::Negotiating => "negotiating",
        LinkState::Authenticating => "authenticating",
        LinkState::Registering => "registering",
        LinkState::Joined => "joined",
        LinkState::Closing => "closing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::Timestamp;

    #[test]
    fn a_message_has_all_fields_of_the_model() {
        let message = Message {
            id: Some("m1".into()),
            sender: Person { name: "alice".into(), id: Some("c1".into()), account: None },
            payload: "hi \u{9b}".to_owned(),
            timestamp: Timestamp(1),
            room_name: "#tea".into(),
            room_id: Some("r1".into()),
            kind: MessageKind::Text,
            own: false,
            direct: false,
            reply_to: None,
        };
        assert_eq!(
            line(&Change::MessageAdded(message)),
            r##"{"account":null,"direct":false,"kind":"text","message_id":"m1","own":false,"payload":"hi \u009b","room_id":"r1","room_name":"#tea","sender_id":"c1","sender_name":"alice","timestamp":"1970-01-01T00:00:00.001Z","type":"message"}"##
        );
    }

    #[test]
    fn a_join_says_where_who_and_when() {
        let place = Place { room_name: "#tea".into(), room_id: None, timestamp: Timestamp(0) };
        let change = Change::Joined {
            place,
            who: Person { name: "bob".into(), id: None, account: Some("robert".into()) },
            own: false,
        };
        assert_eq!(
            line(&change),
            r##"{"account":"robert","own":false,"room_id":null,"room_name":"#tea","sender_id":null,"sender_name":"bob","timestamp":"1970-01-01T00:00:00.000Z","type":"joined"}"##
        );
    }
}
