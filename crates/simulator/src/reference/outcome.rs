//! What was seen of the outcome of a command.

use super::*;

/// Whether the model has an opinion about it.
pub(super) fn is_known(command: &Command) -> bool {
    match command {
        Command::Ask(query) => matches!(
            query,
            Query::History { .. }
                | Query::EarlierTexts { .. }
                | Query::Conversations
                | Query::Unread
                | Query::InviteLinks { .. }
                | Query::AbsentMembers { .. }
                | Query::Devices
        ),
        Command::Watch { .. }
        | Command::Unwatch { .. }
        | Command::UnwatchAll
        | Command::Knock { .. }
        | Command::Announce { .. } => false,
        _ => true,
    }
}

/// Whether its session was told of it.
pub(super) fn has_happened(command: &Command, events: &[Event]) -> bool {
    let in_room = |name: &str| has_happened_in(name, events);
    match command {
        Command::Join { room, .. } | Command::Part { room, .. } => in_room(room.text()),
        Command::Kick { room, .. } => in_room(room.text()),
        Command::Post(post) => match &post.to {
            Recipient::Room { name, .. } => in_room(name.text()),
            // By whatever name she was written to.
            Recipient::Person { .. } => {
                events.iter().any(|event| matches!(event, Event::Posted(message) if message.recipient_id.is_some()))
            }
        },
        _ => false,
    }
}

pub(super) fn has_happened_in(name: &str, events: &[Event]) -> bool {
    let name = name.to_lowercase();
    events.iter().any(|event| room_of(event).is_some_and(|room| room.to_lowercase() == name))
}

pub(super) fn unsaid(command: &Command) -> Option<Unsaid> {
    let Command::Post(post) = command else { return None };
    let number = number_in(&post.text).filter(|_| post.kind != MessageKind::Signal)?;
    let to = match &post.to {
        Recipient::Room { name, .. } => name.text(),
        Recipient::Person { name } => name.text(),
    };
    Some(Unsaid { to: to.to_lowercase().to_string(), number })
}

/// The name of a refusal, with what tells it from others of its name.
pub(super) fn reason_of(refusal: &Refusal) -> String {
    if let Refusal::CannotSpeak { why, .. } = refusal {
        return format!("CannotSpeak {why:?}");
    }
    let text = format!("{refusal:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let room = || "#tea".into();
        for (refusal, reason) in [
            (Refusal::Banned { room: room() }, "Banned"),
            (Refusal::StorageFull, "StorageFull"),
            (Refusal::CannotSpeak { room: room(), why: chat::refusal::Silence::Muted }, "CannotSpeak Muted"),
        ] {
            assert_eq!(reason_of(&refusal), reason);
        }
    }
}
