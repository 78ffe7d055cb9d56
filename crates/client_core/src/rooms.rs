//! The rooms that one is in or wants to be in, and who is there. Kept over lost links, without the people.

use std::collections::BTreeMap;

use compact_str::CompactString;
use wire::CaseMapping;

/// How far it is with a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// To be joined as soon as a link is ready.
    Wished,
    /// JOIN has been sent.
    Asked,
    Joined,
}

/// Someone in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: CompactString,
    /// Ranks as NAMES shows them, highest first: of `~&@%+`.
    pub ranks: CompactString,
    pub away: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub name: CompactString,
    pub id: Option<CompactString>,
    pub topic: Option<String>,
    /// The letters of the modes that are set, ranks and lists apart, where they have been asked for.
    pub modes: Option<CompactString>,
    /// The id of the last message that was read here.
    pub last_message: Option<CompactString>,
    /// What JOIN gives as the key.
    pub key: Option<String>,
    pub presence: Presence,
    members: BTreeMap<CompactString, Member>,
    /// The NAMES answer as it comes in; replaces `members` at its end.
    arriving: BTreeMap<CompactString, Member>,
    /// Order of wishing: the first stays the first to be talked in.
    order: u32,
}

impl Room {
    /// By folded name.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Whether that mode is known to be set.
    pub fn is_set(&self, mode: char) -> bool {
        self.modes.as_ref().is_some_and(|modes| modes.contains(mode))
    }
}

/// All of them, compared as the server compares names.
#[derive(Debug, Clone, Default)]
pub struct Rooms {
    case_mapping: CaseMapping,
    rooms: BTreeMap<CompactString, Room>,
    next_order: u32,
}

impl Rooms {
    pub fn case_mapping(&self) -> CaseMapping {
        self.case_mapping
    }

    /// The server says how it compares names: everything is filed anew.
    pub fn change_case_mapping(&mut self, case_mapping: CaseMapping) {
        if case_mapping == self.case_mapping {
            return;
        }
        self.case_mapping = case_mapping;
        for mut room in std::mem::take(&mut self.rooms).into_values() {
            for members in [&mut room.members, &mut room.arriving] {
                *members = std::mem::take(members)
                    .into_values()
                    .map(|member| (case_mapping.fold(&member.name), member))
                    .collect();
            }
            self.rooms.entry(case_mapping.fold(&room.name)).or_insert(room);
        }
    }

    pub fn same(&self, one: &str, other: &str) -> bool {
        self.case_mapping.eq(one, other)
    }

    pub fn find(&self, name: &str) -> Option<&Room> {
        self.rooms.get(&self.case_mapping.fold(name))
    }

    pub fn find_mut(&mut self, name: &str) -> Option<&mut Room> {
        self.rooms.get_mut(&self.case_mapping.fold(name))
    }

    /// In the order in which they were wished for.
    pub fn iter(&self) -> impl Iterator<Item = &Room> {
        let mut rooms: Vec<&Room> = self.rooms.values().collect();
        rooms.sort_by_key(|room| room.order);
        rooms.into_iter()
    }

    /// Files a wish to be in a room; what is known of it already stays, but for a new key.
    pub fn wish(&mut self, name: &str, key: Option<&str>) -> &mut Room {
        let order = self.next_order;
        self.next_order += 1;
        let room = self.rooms.entry(self.case_mapping.fold(name)).or_insert_with(|| Room {
            name: name.into(),
            id: None,
            topic: None,
            modes: None,
            last_message: None,
            key: None,
            presence: Presence::Wished,
            members: BTreeMap::new(),
            arriving: BTreeMap::new(),
            order,
        });
        if let Some(key) = key {
            room.key = Some(key.to_owned());
        }
        room
    }

    pub fn remove(&mut self, name: &str) -> Option<Room> {
        self.rooms.remove(&self.case_mapping.fold(name))
    }

    /// No link: nobody is anywhere, and every room is a wish again.
    pub fn link_lost(&mut self) {
        for room in self.rooms.values_mut() {
            room.presence = Presence::Wished;
            room.modes = None;
            room.members.clear();
            room.arriving.clear();
        }
    }

    pub fn member_joined(&mut self, room: &str, name: &str) {
        let key = self.case_mapping.fold(name);
        if let Some(room) = self.find_mut(room) {
            room.members.insert(key, Member { name: name.into(), ranks: CompactString::default(), away: false });
        }
    }

    /// Somebody is away, or is back.
    pub fn member_away(&mut self, name: &str, away: bool) {
        let key = self.case_mapping.fold(name);
        for room in self.rooms.values_mut() {
            if let Some(member) = room.members.get_mut(&key) {
                member.away = away;
            }
        }
    }

    /// `MODE <room> <letters> <parameters>`: what of it gives and takes ranks, and which modes are set then. Other letters with parameters are those that
    /// have one on nearly all servers (Modern IRC "Channel Modes"); a rank behind an unknown one is not found, and the next
    /// NAMES says it.
    pub fn modes_changed(&mut self, room: &str, modes: &[&str], rank_letters: &str, rank_symbols: &str) {
        let case_mapping = self.case_mapping;
        let Some(room) = self.find_mut(room) else { return };
        let Some((letters, parameters)) = modes.split_first() else { return };
        let (mut on, mut parameters) = (true, parameters.iter());
        for letter in letters.chars() {
            match letter {
                '+' => on = true,
                '-' => on = false,
                _ => {
                    if let Some(at) = rank_letters.chars().position(|rank| rank == letter) {
                        let Some(name) = parameters.next() else { return };
                        let symbol = rank_symbols.chars().nth(at);
                        let member = room.members.get_mut(&case_mapping.fold(name));
                        if let (Some(member), Some(symbol)) = (member, symbol) {
                            let held = |rank: char| if rank == symbol { on } else { member.ranks.contains(rank) };
                            member.ranks = rank_symbols.chars().filter(|rank| held(*rank)).collect();
                        }
                        continue;
                    }
                    if matches!(letter, 'b' | 'e' | 'I' | 'k')
                        || on && matches!(letter, 'l' | 'f' | 'H' | 'W' | 'j' | 'L')
                    {
                        parameters.next();
                    }
                    if let Some(modes) = room.modes.as_mut().filter(|_| !matches!(letter, 'b' | 'e' | 'I')) {
                        modes.retain(|held| held != letter);
                        if on {
                            modes.push(letter);
                        }
                    }
                }
            }
        }
    }

    /// `+ntk key`: all modes of a room.
    pub fn modes_are(&mut self, room: &str, letters: &str) {
        if let Some(room) = self.find_mut(room) {
            room.modes = Some(letters.chars().filter(char::is_ascii_alphanumeric).collect());
        }
    }

    /// A room has another name; whether it is one of these.
    pub fn renamed(&mut self, from: &str, to: &str) -> bool {
        let Some(mut room) = self.remove(from) else { return false };
        room.name = to.into();
        self.rooms.insert(self.case_mapping.fold(to), room);
        true
    }

    pub fn member_left(&mut self, room: &str, name: &str) {
        let key = self.case_mapping.fold(name);
        if let Some(room) = self.find_mut(room) {
            room.members.remove(&key);
        }
    }

    /// Takes someone out of all rooms; their names.
    pub fn member_quit(&mut self, name: &str) -> Vec<CompactString> {
        let key = self.case_mapping.fold(name);
        let left = |room: &mut Room| room.members.remove(&key).map(|_| room.name.clone());
        self.rooms.values_mut().filter_map(left).collect()
    }

    /// Renames someone everywhere; the rooms where that shows.
    pub fn member_renamed(&mut self, from: &str, to: &str) -> Vec<CompactString> {
        let (old, new) = (self.case_mapping.fold(from), self.case_mapping.fold(to));
        let renamed = |room: &mut Room| {
            let mut member = room.members.remove(&old)?;
            member.name = to.into();
            room.members.insert(new.clone(), member);
            Some(room.name.clone())
        };
        self.rooms.values_mut().filter_map(renamed).collect()
    }

    /// One line of a NAMES answer: `[ranks]name[!user@host]`, separated by spaces.
    pub fn names_arrive(&mut self, room: &str, names: &str, rank_symbols: &str) {
        let case_mapping = self.case_mapping;
        let Some(room) = self.find_mut(room) else {
            return;
        };
        for entry in names.split_ascii_whitespace() {
            let name_start = entry.find(|symbol| !rank_symbols.contains(symbol)).unwrap_or(entry.len());
            let (ranks, mask) = entry.split_at(name_start);
            let name = mask.split('!').next().unwrap_or(mask);
            if !name.is_empty() {
                room.arriving
                    .insert(case_mapping.fold(name), Member { name: name.into(), ranks: ranks.into(), away: false });
            }
        }
    }

    /// The end of a NAMES answer: the names with their ranks.
    pub fn names_complete(&mut self, room: &str) -> Option<Vec<CompactString>> {
        let room = self.find_mut(room)?;
        room.members = std::mem::take(&mut room.arriving);
        Some(
            room.members
                .values()
                .map(|member| compact_str::format_compact!("{}{}", member.ranks, member.name))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rooms: &Rooms, room: &str) -> Vec<String> {
        rooms.find(room).unwrap().members().map(|member| format!("{}{}", member.ranks, member.name)).collect()
    }

    fn tea() -> Rooms {
        let mut rooms = Rooms::default();
        rooms.wish("#Tea", None).presence = Presence::Joined;
        rooms.names_arrive("#tea", "~alice @+bob carol!c@host", "~&@%+");
        rooms.names_complete("#TEA").unwrap();
        rooms
    }

    #[test]
    fn members_come_go_and_change_their_names() {
        let mut rooms = tea();
        assert_eq!(names(&rooms, "#tea"), ["~alice", "@+bob", "carol"]);
        rooms.member_joined("#tea", "Dora");
        assert_eq!(rooms.member_renamed("CAROL", "caroline"), ["#Tea"]);
        rooms.member_left("#tea", "ALICE");
        assert_eq!(names(&rooms, "#tea"), ["@+bob", "caroline", "Dora"]);
        assert_eq!(rooms.member_quit("bob"), ["#Tea"]);
        assert!(rooms.member_quit("bob").is_empty());
        assert!(rooms.member_renamed("nobody", "somebody").is_empty());
    }

    #[test]
    fn a_second_names_answer_replaces_the_first() {
        let mut rooms = tea();
        rooms.names_arrive("#tea", "bob", "@+");
        assert_eq!(names(&rooms, "#tea").len(), 3, "not before its end");
        assert_eq!(rooms.names_complete("#tea").unwrap(), ["bob"]);
        assert_eq!(rooms.names_complete("#other"), None);
    }

    #[test]
    fn a_lost_link_leaves_wishes() {
        let mut rooms = tea();
        rooms.wish("#locked", Some("key"));
        rooms.link_lost();
        let left: Vec<_> = rooms.iter().map(|room| (room.name.as_str(), room.presence, room.key.as_deref())).collect();
        assert_eq!(left, [("#Tea", Presence::Wished, None), ("#locked", Presence::Wished, Some("key"))]);
        assert!(names(&rooms, "#tea").is_empty());
    }

    #[test]
    fn the_servers_case_mapping_holds_for_what_is_known_already() {
        let mut rooms = Rooms::default();
        rooms.wish("#ÄTHER", None);
        rooms.wish("#a[", None);
        assert!(rooms.find("#äther").is_none());
        assert!(rooms.find("#a{").is_some(), "rfc1459 until the server says otherwise");
        rooms.change_case_mapping(CaseMapping::Precis);
        assert!(rooms.find("#äther").is_some());
        assert!(rooms.find("#a{").is_none());
    }
}
