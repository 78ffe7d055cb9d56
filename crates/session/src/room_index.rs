//! Which sessions of one shard are in which room, and the turning of one event into many outboxes.
//!
//! What a room says during one turn of the shard is rendered once per distinct form into one growing buffer; at the end
//! of the turn each member gets one reference to it: no copy, no format, no allocation per member, and one write for all
//! that was said. Exceptions (the sender's own echo, someone who came in the middle) are cuts in a member's view of that
//! buffer. Rooms are handed out one after the other, so what two rooms said in one turn changes places; what concerns
//! people and not one room (a new name, a QUIT) keeps its place among all of it ([`RoomIndex::broadcast_across`]).
//! Changes only by the effects of the hub, in the same order as the messages, so it is never out of step.

use chat::id::RoomNumber;
use foldhash::fast::FixedState;
use smallvec::SmallVec;
use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// A stretch of a shared buffer of bytes ready to be sent. 16 bytes; cloning copies no payload.
#[derive(Clone, Debug)]
pub struct Segment {
    buffer: Rc<RefCell<Vec<u8>>>,
    start: u32,
    end: u32,
}

impl Segment {
    pub fn new(bytes: Vec<u8>) -> Segment {
        let end = bytes.len() as u32;
        Segment { buffer: Rc::new(RefCell::new(bytes)), start: 0, end }
    }
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
    pub fn bytes(&self) -> Ref<'_, [u8]> {
        Ref::map(self.buffer.borrow(), |buffer| &buffer[self.start as usize..self.end as usize])
    }
    /// Drops the first `count` bytes from view.
    pub fn advance(&mut self, count: usize) {
        self.start = (self.start as usize + count).min(self.end as usize) as u32;
    }
    /// Appends in place if nobody else holds the buffer; says whether it did.
    pub fn try_append(&mut self, bytes: &[u8]) -> bool {
        match Rc::get_mut(&mut self.buffer) {
            Some(buffer) => {
                let buffer = buffer.get_mut();
                buffer.truncate(self.end as usize);
                buffer.extend_from_slice(bytes);
                self.end = buffer.len() as u32;
                true
            }
            None => false,
        }
    }
}

/// Where segments go: the outboxes of the shard, by slot.
pub trait Outboxes {
    fn push(&mut self, slot: u32, segment: Segment);
}

/// Tells one member's view of an event apart from everyone else's.
#[derive(Debug)]
pub struct Exception<K> {
    pub slot: u32,
    /// The form under which it is a member.
    pub form: K,
    /// What this member gets in its place.
    pub instead: Option<Segment>,
}

/// `K`: what rendering depends on.
#[derive(Debug)]
pub struct RoomIndex<K> {
    rooms: HashMap<RoomNumber, Room<K>, FixedState>,
    /// Rooms in which something was said this turn.
    pending: Vec<RoomNumber>,
    /// The room among them through which something was told that concerns other rooms too. Nothing else was pending then,
    /// so it is the first of them.
    across: Option<RoomNumber>,
    has_cuts: Marks,
}

#[derive(Debug)]
struct Room<K> {
    groups: SmallVec<[Group<K>; 2]>,
    pending: bool,
}

/// The members that see the same bytes.
#[derive(Debug)]
struct Group<K> {
    form: K,
    members: Vec<u32>,
    said: Rc<RefCell<Vec<u8>>>,
    cuts: Vec<Cut>,
}

/// `slot` does not see these bytes of what was said, but `instead`.
#[derive(Debug)]
struct Cut {
    slot: u32,
    from: u32,
    to: u32,
    instead: Option<Segment>,
}

impl<K: Copy + Eq> Default for RoomIndex<K> {
    fn default() -> Self {
        RoomIndex {
            rooms: HashMap::with_hasher(FixedState::default()),
            pending: Vec::new(),
            across: None,
            has_cuts: Marks::default(),
        }
    }
}

impl<K: Copy + Eq> RoomIndex<K> {
    pub fn len(&self) -> usize {
        self.rooms.len()
    }
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// From here on `slot` sees what the room sees.
    pub fn enter(&mut self, room: RoomNumber, slot: u32, form: K) {
        let room = self.rooms.entry(room).or_insert_with(|| Room { groups: SmallVec::new(), pending: false });
        let group = match room.groups.iter().position(|group| group.form == form) {
            Some(at) => &mut room.groups[at],
            None => {
                room.groups.push(Group { form, members: Vec::new(), said: Rc::default(), cuts: Vec::new() });
                let last = room.groups.len() - 1;
                &mut room.groups[last]
            }
        };
        group.members.push(slot);
        let said = group.said.borrow().len() as u32;
        if said > 0 {
            group.cuts.push(Cut { slot, from: 0, to: said, instead: None });
            self.has_cuts.set(slot);
        }
    }

    /// `slot` gets what was said so far, and nothing after it.
    pub fn leave(&mut self, room: RoomNumber, slot: u32, form: K, outboxes: &mut impl Outboxes) {
        if let Some(across) = self.across.filter(|across| *across != room && self.holds(*across, slot, form)) {
            self.give_slot(across, slot, form, outboxes);
        }
        self.give_slot(room, slot, form, outboxes);
        let Some(found) = self.rooms.get_mut(&room) else { return };
        if let Some(at) = found.groups.iter().position(|group| group.form == form) {
            let group = &mut found.groups[at];
            if let Some(member) = group.members.iter().position(|member| *member == slot) {
                group.members.swap_remove(member);
            }
            group.cuts.retain(|cut| cut.slot != slot);
        }
        if !found.pending {
            found.groups.retain(|group| !group.members.is_empty());
            if found.groups.is_empty() {
                self.rooms.remove(&room);
            }
        }
    }

    /// `slot`, a member of `rooms`, is rendered in another form from here on.
    pub fn change_form(&mut self, rooms: &[RoomNumber], slot: u32, old: K, new: K, outboxes: &mut impl Outboxes) {
        for room in rooms {
            self.leave(*room, slot, old, outboxes);
            self.enter(*room, slot, new);
        }
    }

    /// Something is said in the room: `render` appends it for one form. Nothing moves before the flush.
    pub fn broadcast(
        &mut self,
        room: RoomNumber,
        mut exception: Option<Exception<K>>,
        mut render: impl FnMut(K, &mut Vec<u8>),
    ) {
        let Some(found) = self.rooms.get_mut(&room) else { return };
        for group in &mut found.groups {
            if group.members.is_empty() {
                continue;
            }
            let mut said = group.said.borrow_mut();
            let from = said.len() as u32;
            render(group.form, &mut said);
            let to = said.len() as u32;
            if let Some(except) = exception.take_if(|except| except.form == group.form) {
                group.cuts.push(Cut { slot: except.slot, from, to, instead: except.instead });
                self.has_cuts.set(except.slot);
            }
        }
        if !found.pending {
            found.pending = true;
            self.pending.push(room);
        }
    }

    /// Something is told through the room that concerns other rooms of its members as well: it comes behind everything
    /// that any room said before, and before everything that any room says from here on.
    pub fn broadcast_across(
        &mut self,
        room: RoomNumber,
        exception: Option<Exception<K>>,
        outboxes: &mut impl Outboxes,
        render: impl FnMut(K, &mut Vec<u8>),
    ) {
        // A room alone keeps its order by itself: all of a great room may go at once.
        if self.pending.iter().any(|other| *other != room) {
            self.flush(outboxes);
        }
        self.broadcast(room, exception, render);
        self.across = self.pending.first().copied();
    }

    /// How many slots are in the room.
    pub fn size(&self, room: RoomNumber) -> usize {
        self.rooms.get(&room).map_or(0, |room| room.groups.iter().map(|group| group.members.len()).sum())
    }

    /// The slots in the room.
    pub fn members(&self, room: RoomNumber) -> impl Iterator<Item = u32> {
        let groups = self.rooms.get(&room).map(|room| room.groups.as_slice()).unwrap_or_default();
        groups.iter().flat_map(|group| group.members.iter().copied())
    }

    /// Gives `slot`, in `form` a member of `rooms`, what these have said so far: something else is to be told to it now.
    pub fn flush_slot(&mut self, rooms: &[RoomNumber], slot: u32, form: K, outboxes: &mut impl Outboxes) {
        if self.pending.is_empty() {
            return;
        }
        let first = self.across.filter(|across| rooms.contains(across));
        for room in first.iter().chain(rooms.iter().filter(|room| Some(**room) != first)) {
            self.give_slot(*room, slot, form, outboxes);
        }
    }

    /// Gives `slot`, in `form` a member of the room, what this has said so far.
    fn give_slot(&mut self, room: RoomNumber, slot: u32, form: K, outboxes: &mut impl Outboxes) {
        let Some(found) = self.rooms.get_mut(&room).filter(|room| room.pending) else { return };
        let Some(group) = found.groups.iter_mut().find(|group| group.form == form) else { return };
        let said = group.said.borrow().len() as u32;
        if said == 0 && group.cuts.is_empty() {
            return;
        }
        let cut = self.has_cuts.holds(slot);
        group.give(slot, cut, outboxes);
        group.cuts.retain(|cut| cut.slot != slot);
        group.cuts.push(Cut { slot, from: 0, to: said, instead: None });
        self.has_cuts.set(slot);
    }

    fn holds(&self, room: RoomNumber, slot: u32, form: K) -> bool {
        let group = self.rooms.get(&room).and_then(|room| room.groups.iter().find(|group| group.form == form));
        group.is_some_and(|group| group.members.contains(&slot))
    }

    /// The end of the turn: every member gets its view of what was said.
    pub fn flush(&mut self, outboxes: &mut impl Outboxes) {
        self.across = None;
        for number in std::mem::take(&mut self.pending) {
            let Some(room) = self.rooms.get_mut(&number) else { continue };
            room.pending = false;
            for group in &mut room.groups {
                let said = group.said.borrow().len() as u32;
                if group.cuts.is_empty() {
                    if said > 0 {
                        for slot in &group.members {
                            outboxes.push(*slot, group.piece(0, said));
                        }
                    }
                } else {
                    for slot in &group.members {
                        let cut = self.has_cuts.holds(*slot);
                        group.give(*slot, cut, outboxes);
                    }
                }
                if said > 0 {
                    group.said = Rc::default();
                }
                group.cuts.clear();
            }
            room.groups.retain(|group| !group.members.is_empty());
            if room.groups.is_empty() {
                self.rooms.remove(&number);
            }
        }
        self.has_cuts.clear();
    }
}

impl<K> Group<K> {
    fn piece(&self, start: u32, end: u32) -> Segment {
        Segment { buffer: self.said.clone(), start, end }
    }

    fn give(&self, slot: u32, cut: bool, outboxes: &mut impl Outboxes) {
        let said = self.said.borrow().len() as u32;
        let mut at = 0;
        if cut {
            for cut in self.cuts.iter().filter(|cut| cut.slot == slot) {
                if cut.from > at {
                    outboxes.push(slot, self.piece(at, cut.from));
                }
                if let Some(instead) = &cut.instead {
                    outboxes.push(slot, instead.clone());
                }
                at = at.max(cut.to);
            }
        }
        if said > at {
            outboxes.push(slot, self.piece(at, said));
        }
    }
}

/// Which slots have cuts in some room this turn.
#[derive(Debug, Default)]
struct Marks {
    by_slot: Vec<bool>,
    set: Vec<u32>,
}

impl Marks {
    fn set(&mut self, slot: u32) {
        let at = slot as usize;
        if self.by_slot.len() <= at {
            self.by_slot.resize(at + 1, false);
        }
        if !self.by_slot[at] {
            self.by_slot[at] = true;
            self.set.push(slot);
        }
    }
    fn holds(&self, slot: u32) -> bool {
        self.by_slot.get(slot as usize).copied().unwrap_or(false)
    }
    fn clear(&mut self) {
        for slot in self.set.drain(..) {
            self.by_slot[slot as usize] = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Default, Debug)]
    struct Received(BTreeMap<u32, Vec<u8>>);

    impl Outboxes for Received {
        fn push(&mut self, slot: u32, segment: Segment) {
            assert!(!segment.is_empty(), "an empty write was queued");
            self.0.entry(slot).or_default().extend_from_slice(&segment.bytes());
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Enter(u32, u32),
        Leave(u32, u32),
        Say { room: u32, by: u32, echo: bool, personal: bool, across: bool },
        Tell(u32),
        ChangeForm(u32),
        Turn,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let slot = 0..5u32;
        let room = 0..3u32;
        proptest::collection::vec(
            prop_oneof![
                (room.clone(), slot.clone()).prop_map(|(r, s)| Step::Enter(r, s)),
                (room.clone(), slot.clone()).prop_map(|(r, s)| Step::Leave(r, s)),
                (room, slot.clone(), any::<[bool; 4]>()).prop_map(|(room, by, [echo, personal, a, b])| Step::Say {
                    room,
                    by,
                    echo,
                    personal,
                    across: a && b
                }),
                slot.clone().prop_map(Step::Tell),
                slot.prop_map(Step::ChangeForm),
                Just(Step::Turn),
            ],
            1..60,
        )
    }

    /// The same steps with an outbox that is written to at once. Within one room, and against what is told to a member
    /// alone, the order must be the same; so each member's bytes are compared room by room and told by told.
    #[derive(Default)]
    struct Model {
        members: BTreeMap<u32, Vec<u32>>,
        forms: BTreeMap<u32, u8>,
        received: BTreeMap<u32, Vec<String>>,
    }

    fn words(bytes: &[u8]) -> Vec<String> {
        String::from_utf8_lossy(bytes).split_terminator(' ').map(str::to_owned).collect()
    }

    /// `told` and `across` words order everything; between two of them only the order within each room counts.
    fn by_room(words: &[String]) -> Vec<BTreeMap<String, Vec<String>>> {
        let mut stretches = vec![BTreeMap::<String, Vec<String>>::new()];
        for word in words {
            if word.starts_with("told") || word.starts_with("across") {
                stretches.push(BTreeMap::from([("all".to_owned(), vec![word.clone()])]));
                stretches.push(BTreeMap::new());
            } else {
                let room = word.split(':').next().unwrap_or_default().to_owned();
                if let Some(last) = stretches.last_mut() {
                    last.entry(room).or_default().push(word.clone());
                }
            }
        }
        stretches
    }

    proptest! {
        #[test]
        fn every_member_sees_what_an_index_without_sharing_would_show(steps in steps()) {
            let mut index = RoomIndex::<u8>::default();
            let mut received = Received::default();
            let mut model = Model::default();
            let rooms_of = |model: &Model, slot: u32| -> Vec<RoomNumber> {
                model.members.iter().filter(|(_, m)| m.contains(&slot)).map(|(r, _)| RoomNumber(*r)).collect()
            };
            for (n, step) in steps.iter().enumerate() {
                match step.clone() {
                    Step::Enter(room, slot) => {
                        let form = *model.forms.entry(slot).or_default();
                        let members = model.members.entry(room).or_default();
                        if !members.contains(&slot) {
                            members.push(slot);
                            index.enter(RoomNumber(room), slot, form);
                        }
                    }
                    Step::Leave(room, slot) => {
                        let form = *model.forms.entry(slot).or_default();
                        if let Some(members) = model.members.get_mut(&room)
                            && members.contains(&slot)
                        {
                            members.retain(|m| *m != slot);
                            index.leave(RoomNumber(room), slot, form, &mut received);
                        }
                    }
                    Step::Say { room, by, echo, personal, across } => {
                        let word = if across { format!("across{room}:{n}") } else { format!("{room}:{n}") };
                        let members = model.members.get(&room).cloned().unwrap_or_default();
                        let is_member = members.contains(&by);
                        for slot in members {
                            let form = model.forms.get(&slot).copied().unwrap_or_default();
                            let list = model.received.entry(slot).or_default();
                            if slot != by || echo {
                                list.push(format!("{word}:{form}"));
                            } else if personal {
                                list.push(format!("{word}:mine"));
                            }
                        }
                        let exception = (is_member && !echo).then(|| Exception {
                            slot: by,
                            form: model.forms.get(&by).copied().unwrap_or_default(),
                            instead: personal.then(|| Segment::new(format!("{word}:mine ").into_bytes())),
                        });
                        let render = |form: u8, buffer: &mut Vec<u8>| {
                            buffer.extend_from_slice(format!("{word}:{form} ").as_bytes());
                        };
                        if across {
                            index.broadcast_across(RoomNumber(room), exception, &mut received, render);
                        } else {
                            index.broadcast(RoomNumber(room), exception, render);
                        }
                    }
                    Step::Tell(slot) => {
                        let form = *model.forms.entry(slot).or_default();
                        index.flush_slot(&rooms_of(&model, slot), slot, form, &mut received);
                        received.push(slot, Segment::new(format!("told{n} ").into_bytes()));
                        model.received.entry(slot).or_default().push(format!("told{n}"));
                    }
                    Step::ChangeForm(slot) => {
                        let old = *model.forms.entry(slot).or_default();
                        model.forms.insert(slot, 1 - old);
                        index.change_form(&rooms_of(&model, slot), slot, old, 1 - old, &mut received);
                    }
                    Step::Turn => index.flush(&mut received),
                }
            }
            index.flush(&mut received);
            for slot in 0..5 {
                let got = words(received.0.get(&slot).map_or(&[], |bytes| bytes));
                let expected = model.received.get(&slot).cloned().unwrap_or_default();
                prop_assert_eq!(by_room(&got), by_room(&expected), "slot {}", slot);
            }
            for (room, members) in &model.members {
                for slot in members.clone() {
                    let form = model.forms.get(&slot).copied().unwrap_or_default();
                    index.leave(RoomNumber(*room), slot, form, &mut received);
                }
            }
            prop_assert!(index.is_empty(), "rooms without members stay behind");
        }
    }
}
