//! The commands that are offered on the whole screen: those of every front end, and those that only a screen can carry out.

use client_core::slash_command::{self, COMMANDS, Help};

use super::app::App;

const fn help(name: &'static str, usage: &'static str, about: &'static str) -> Help {
    Help { name, usage, about }
}

/// Besides those of `client_core`.
const OF_THE_SCREEN: &[Help] = &[
    help("query", "/query NAME", "open the conversation with one person; /close closes it"),
    help("close", "/close", "close the conversation with one person; what was said is kept"),
    help("read", "/read [all]", "take everything here for read, or everything on this server"),
    help("mute", "/mute", "be told less loudly of this conversation, on all your devices"),
    help("unmute", "/unmute", "as before"),
    help("server", "/server [NAME@]HOST [ROOM]", "go to one more server; alone: which you are on"),
    help("disconnect", "/disconnect", "leave this server, and stay on the others"),
    help("reconnect", "/reconnect", "try again now to reach this server"),
];

/// Of no use to whoever does not moderate the room.
const FOR_MODERATORS: &[&str] = &["kick", "pin", "unpin"];
/// In place of those of the same names, for whoever cannot change it.
const TO_LOOK_AT: &[Help] = &[
    help("topic", "/topic", "show the room's topic; those who moderate change it"),
    help("mode", "/mode [ROOM]", "show the room's settings; those who moderate change them"),
];

impl App {
    /// What one can do here: in a room without a rank less than with one.
    pub fn commands(&self) -> Vec<&'static Help> {
        let name = self.present_name();
        let in_room = slash_command::is_room(name) && !self.is_group(name);
        let moderates = !in_room || self.moderates(name);
        let is_set = |mode: char| self.connection.rooms().find(name).is_some_and(|room| room.is_set(mode));
        let may = |name: &str| match name {
            "topic" => moderates || !is_set('t'),
            "invite" => moderates || !is_set('i'),
            "mode" => moderates,
            name => moderates || !FOR_MODERATORS.contains(&name),
        };
        let (last, others) = COMMANDS.split_at(COMMANDS.len().saturating_sub(3));
        let all = last.iter().chain(OF_THE_SCREEN).chain(others);
        let offered = |help: &'static Help| {
            if may(help.name) { Some(help) } else { TO_LOOK_AT.iter().find(|look| look.name == help.name) }
        };
        all.filter_map(offered).collect()
    }
}
