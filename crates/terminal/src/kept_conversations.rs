//! The ends of conversations, on disk, so that the next start shows them before there is a link. What the server says then
//! takes their place.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use client_core::conversations::{Deleted, KeptConversation, KeptMessage, Reaction, Said};
use client_core::{MessageKind, Person, Timestamp};
use serde::{Deserialize, Serialize};

use crate::data_folder;
use crate::disk::Disk;
use crate::kept_outbox::file_name;

#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    read_up_to: Option<i64>,
    said: Vec<WrittenMessage>,
}

#[derive(Serialize, Deserialize)]
struct WrittenMessage {
    at: i64,
    id: String,
    sender: String,
    sender_id: Option<String>,
    account: Option<String>,
    text: String,
    kind: char,
    own: bool,
    reply_to: Option<String>,
    edited: bool,
    deleted: Option<(String, Option<String>)>,
    mentions: bool,
    #[serde(default)]
    pinned: bool,
    reactions: Vec<(String, Vec<String>, bool)>,
}

fn path(server: &str, name: &str) -> Option<PathBuf> {
    let folder = data_folder::path()?;
    Some(folder.join("conversations").join(format!("{}.json", file_name(&format!("{name}@{server}")))))
}

/// What cannot be read is not there: the server has it all.
pub fn read(server: &str, name: &str) -> Vec<KeptConversation> {
    let text = path(server, name).and_then(|path| fs::read_to_string(path).ok());
    text.map_or_else(Vec::new, |text| from_text(&text))
}

/// Soon: the disk is not waited for.
pub fn write(server: &str, name: &str, kept: Vec<KeptConversation>, disk: &Disk) {
    if let Some(path) = path(server, name) {
        disk.write(path, move || to_text(kept));
    }
}

fn to_text(kept: Vec<KeptConversation>) -> String {
    let message = |KeptMessage { timestamp, said }: KeptMessage| WrittenMessage {
        at: timestamp.0,
        id: said.id.to_string(),
        sender: said.sender.name.to_string(),
        sender_id: said.sender.id.as_ref().map(ToString::to_string),
        account: said.sender.account.as_ref().map(ToString::to_string),
        text: said.payload,
        kind: match said.kind {
            MessageKind::Text => 't',
            MessageKind::Action => 'a',
            MessageKind::Notice => 'n',
        },
        own: said.own,
        reply_to: said.reply_to.map(|id| id.to_string()),
        edited: said.edited,
        deleted: said.deleted.map(|deleted| (deleted.by.to_string(), deleted.reason)),
        mentions: said.mentions,
        pinned: said.pinned,
        reactions: said
            .reactions
            .into_iter()
            .map(|reaction| (reaction.text, reaction.names.iter().map(ToString::to_string).collect(), reaction.own))
            .collect(),
    };
    let conversation = |kept: KeptConversation| Written {
        name: kept.name,
        read_up_to: kept.read_up_to.map(|time| time.0),
        said: kept.said.into_iter().map(message).collect(),
    };
    let written: Vec<Written> = kept.into_iter().map(conversation).collect();
    serde_json::to_string(&written).unwrap_or_default()
}

fn from_text(text: &str) -> Vec<KeptConversation> {
    let message = |written: WrittenMessage| KeptMessage {
        timestamp: Timestamp(written.at),
        said: Said {
            id: written.id.into(),
            sender: Arc::new(Person {
                name: written.sender.into(),
                id: written.sender_id.map(Into::into),
                account: written.account.map(Into::into),
            }),
            payload: written.text,
            kind: match written.kind {
                'a' => MessageKind::Action,
                'n' => MessageKind::Notice,
                _ => MessageKind::Text,
            },
            own: written.own,
            reply_to: written.reply_to.map(Into::into),
            edited: written.edited,
            deleted: written.deleted.map(|(by, reason)| Box::new(Deleted { by: by.into(), reason })),
            mentions: written.mentions,
            pinned: written.pinned,
            reactions: written
                .reactions
                .into_iter()
                .map(|(text, names, own)| Reaction { text, names: names.into_iter().map(Into::into).collect(), own })
                .collect(),
        },
    };
    let written: Vec<Written> = serde_json::from_str(text).unwrap_or_default();
    let kept = written.into_iter().map(|written| KeptConversation {
        name: written.name,
        read_up_to: written.read_up_to.map(Timestamp),
        said: written.said.into_iter().map(message).collect(),
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_broken_is_not_there() {
        let said = Said {
            id: "7".into(),
            sender: Arc::new(Person { name: "bob".into(), id: Some("i".into()), account: None }),
            payload: "one\ntwo".to_owned(),
            kind: MessageKind::Action,
            own: false,
            reply_to: Some("3".into()),
            edited: true,
            deleted: Some(Box::new(Deleted { by: "eve".into(), reason: Some("off topic".to_owned()) })),
            mentions: true,
            pinned: true,
            reactions: vec![Reaction { text: "+1".to_owned(), names: vec!["carol".into()], own: true }],
        };
        let kept = vec![KeptConversation {
            name: "#tea".to_owned(),
            read_up_to: Some(Timestamp(5)),
            said: vec![KeptMessage { timestamp: Timestamp(9), said }],
        }];
        let text = to_text(kept.clone());
        assert_eq!(format!("{:?}", from_text(&text)), format!("{kept:?}"));
        assert!(from_text(&text[1..]).is_empty());
        assert!(from_text("").is_empty());
    }
}
