//! Who may do what in a room: the only place that says no for reasons of a role, a mode or a list. Pure.
//!
//! Ranks: a voice speaks in a moderated room and need not wait in slow mode; a half-operator removes members, names
//! voices, lets people in, sets a locked topic and slow mode, takes away and pins what others said, deals with reports, and speaks in a room of
//! announcements; an operator changes the room and names half-operators and operators; an owner names admins and owners,
//! registers the room, and gives a registered one another name. Nobody acts on someone of a higher rank; everyone may lay
//! down a role of her own. In a group nobody has a rank, and every member may bring people in, name it and pin.

use crate::chatroom::{Flags, RoomFlag};
use crate::mask::Verdict;
use crate::membership::{Role, Roles};
use crate::message::{EDIT_WINDOW_MS, REDACTION_WINDOW_MS};
use crate::refusal::{ListKind, Refusal, Silence};
use compact_str::CompactString;

/// Who acts, as far as the room is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// Her roles; `None`: not in the room.
    pub roles: Option<Roles>,
    pub is_account: bool,
    /// An operator of the server who may act in rooms as their owner ([`crate::refusal::Right::Rooms`]).
    pub acts_as_owner: bool,
    /// What the ban lists say of her.
    pub verdict: Verdict,
    /// A member has invited her.
    pub invited: bool,
    /// Has an invite link of the room that can be used.
    pub by_link: bool,
    /// On the list of those who need no invitation.
    pub listed_as_invited: bool,
    /// The room is in slow mode, and she spoke a moment ago.
    pub wait_seconds: Option<u32>,
}

/// The room's side.
#[derive(Clone, Copy, Debug)]
pub struct RoomRules<'a> {
    pub name: &'a CompactString,
    pub flags: Flags,
    pub key: Option<&'a str>,
    /// As many members as the limit allows, or more.
    pub is_full: bool,
    /// A group, where everyone may do the same, and nobody from outside anything.
    pub is_group: bool,
}

/// What she wants to do.
#[derive(Clone, Copy, Debug)]
pub enum Act<'a> {
    /// See that the room exists, its topic, its members.
    See,
    /// See who else is a member, though she is not here.
    SeeAbsent,
    Join {
        key: Option<&'a str>,
    },
    Speak {
        between_programs: bool,
    },
    /// Say something for someone elsewhere. `has_right`: [`crate::refusal::Right::Relay`].
    Relay {
        has_right: bool,
        between_programs: bool,
    },
    /// What was said in it so far, ...
    ReadHistory,
    /// ... and that before she joined too.
    ReadEarlierHistory,
    /// What messages said before they were edited.
    ReadEarlierTexts,
    /// Give what someone said another text. Also asks for leave to speak ([`Act::Speak`]).
    Edit {
        of: Authorship,
    },
    /// Take away for good what someone said.
    Redact {
        of: Authorship,
    },
    /// Tell those who moderate of something that was said.
    Report,
    /// See what is reported, and close it. `audience`: whom the message was for, if for a rank alone: who may not read a
    /// message does not judge it.
    HandleReports {
        audience: Option<Role>,
    },
    /// Keep a message in view, or no longer.
    Pin,
    SetTopic,
    SetFlag {
        flag: RoomFlag,
    },
    SetKey,
    SetMemberLimit,
    SetSlowMode,
    /// Say where those go who are kept out.
    SetForward,
    /// Have those who are kept out of another room come here.
    ReceiveForwards,
    SetRetention,
    Rename,
    /// Make, see and revoke links that let people in.
    ManageLinks,
    /// What the room says of itself.
    SeeMetadata,
    SetMetadata,
    SeeList {
        list: ListKind,
    },
    ChangeList {
        list: ListKind,
    },
    /// Give or take a role. `of`: whose, with what she holds now.
    ChangeRole {
        on: bool,
        role: Role,
        of: Target<'a>,
    },
    Kick {
        of: Target<'a>,
    },
    Invite,
    Knock,
}

/// Whose words are acted on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authorship {
    /// Hers, said within the time in which she may change them.
    Own,
    /// Hers, said before that.
    OwnLongAgo,
    Foreign,
}

/// A member who is acted on.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub name: &'a CompactString,
    pub roles: Roles,
    pub is_oneself: bool,
}

pub fn permit(actor: &Actor, act: Act, room: &RoomRules) -> Result<(), Refusal> {
    // What a few people say among themselves is not the operators' of the server to see, as in a direct conversation.
    let actor = &Actor { acts_as_owner: actor.acts_as_owner && !room.is_group, ..*actor };
    match act {
        Act::See => see(actor, room),
        Act::Join { key } => join(actor, key, room),
        Act::Speak { between_programs } => speak(actor, between_programs, room),
        Act::Relay { has_right, between_programs } => relay(actor, has_right, between_programs, room),
        Act::ReadHistory | Act::Report | Act::SeeAbsent => member(actor, room),
        Act::ReadEarlierHistory => read_earlier_history(actor, room),
        Act::ReadEarlierTexts => at_least(Role::HalfOperator, actor, room),
        Act::HandleReports { audience } => {
            at_least(Role::HalfOperator.max(audience.unwrap_or(Role::HalfOperator)), actor, room)
        }
        Act::Edit { of } => {
            member(actor, room)?;
            edit(of)?;
            // What all have read she would change before all.
            if is_screened(actor, room) {
                return Err(Refusal::CannotSpeak { room: room.name.clone(), why: Silence::Screened });
            }
            Ok(())
        }
        Act::Redact { of } => {
            member(actor, room)?;
            match of {
                _ if at_least(Role::HalfOperator, actor, room).is_ok() => Ok(()),
                of => take_back(of),
            }
        }
        Act::SetTopic => {
            member(actor, room)?;
            if room.flags.has(RoomFlag::TopicLocked) { at_least(Role::HalfOperator, actor, room) } else { Ok(()) }
        }
        Act::SetFlag { flag: RoomFlag::Registered } => at_least(Role::Owner, actor, room),
        // A name that is kept for ever is its owner's to give.
        Act::SeeMetadata => see_metadata(actor, room),
        Act::SetMetadata | Act::Rename | Act::Pin if room.is_group => member(actor, room),
        Act::Pin => at_least(Role::HalfOperator, actor, room),
        Act::SetMetadata => at_least(Role::Operator, actor, room),
        Act::Rename => {
            let needed = if room.flags.has(RoomFlag::Registered) { Role::Owner } else { Role::Operator };
            at_least(needed, actor, room)
        }
        Act::SetFlag { .. }
        | Act::SetKey
        | Act::SetMemberLimit
        | Act::SetRetention
        | Act::SetForward
        | Act::ManageLinks => at_least(Role::Operator, actor, room),
        // Of a room that she is not in she lacks the rank: being a member is not what it takes.
        Act::ReceiveForwards => at_least(Role::Operator, actor, room).map_err(|refusal| match refusal {
            Refusal::NotMember { room } => Refusal::NeedsRole { room, role: Role::Operator },
            other => other,
        }),
        Act::SetSlowMode => at_least(Role::HalfOperator, actor, room),
        // Everyone in the room may know who is kept out of it; who is let in is its operators' business.
        Act::SeeList { list: ListKind::Ban } => see(actor, room),
        Act::SeeList { .. } => at_least(Role::HalfOperator, actor, room),
        Act::ChangeList { list: ListKind::Ban } => at_least(Role::HalfOperator, actor, room),
        Act::ChangeList { .. } => at_least(Role::Operator, actor, room),
        Act::ChangeRole { on, role, of } => change_role(actor, on, role, of, room),
        Act::Kick { of } => {
            at_least(Role::HalfOperator, actor, room)?;
            not_above(actor, of, room)
        }
        Act::Invite => {
            member(actor, room)?;
            let is_closed = room.flags.has(RoomFlag::InviteOnly) && !room.is_group;
            if is_closed { at_least(Role::HalfOperator, actor, room) } else { Ok(()) }
        }
        Act::Knock => knock(actor, room),
    }
}

/// Whether someone may give what was said another text: words in another's mouth are nobody's to put.
pub fn edit(of: Authorship) -> Result<(), Refusal> {
    match of {
        Authorship::Own => Ok(()),
        Authorship::OwnLongAgo => Err(Refusal::TooLate { window_seconds: EDIT_WINDOW_MS / 1000 }),
        Authorship::Foreign => Err(Refusal::NotTheAuthor),
    }
}

/// Whether someone may take back what was said where nobody moderates, as in a direct conversation.
pub fn take_back(of: Authorship) -> Result<(), Refusal> {
    match of {
        Authorship::Own => Ok(()),
        Authorship::OwnLongAgo => Err(Refusal::TooLate { window_seconds: REDACTION_WINDOW_MS / 1000 }),
        Authorship::Foreign => Err(Refusal::NotTheAuthor),
    }
}

fn see(actor: &Actor, room: &RoomRules) -> Result<(), Refusal> {
    if room.flags.has(RoomFlag::Secret) && actor.roles.is_none() && !actor.acts_as_owner {
        return Err(Refusal::NoSuchRoom { name: room.name.clone() });
    }
    Ok(())
}

/// Whoever is not let in without more ado learns nothing of a room that its members tell each other.
fn see_metadata(actor: &Actor, room: &RoomRules) -> Result<(), Refusal> {
    if room.flags.has(RoomFlag::InviteOnly) || room.key.is_some() {
        return member(actor, room);
    }
    see(actor, room)
}

fn join(actor: &Actor, key: Option<&str>, room: &RoomRules) -> Result<(), Refusal> {
    let name = || room.name.clone();
    // One is brought into a group.
    if room.is_group {
        return Err(Refusal::NoSuchRoom { name: name() });
    }
    if actor.acts_as_owner {
        return Ok(());
    }
    if room.flags.has(RoomFlag::AccountsJoin) && !actor.is_account {
        return Err(Refusal::AccountsOnly { room: name() });
    }
    // An invitation opens the door, whatever closed it, except that a key stays a key. A link opens what is closed to all
    // who are not asked in, a key and a full room too; but it is for anyone, so it says nothing about a ban.
    if !actor.invited {
        if actor.verdict == Verdict::Banned {
            return Err(Refusal::Banned { room: name() });
        }
        if room.flags.has(RoomFlag::InviteOnly) && !actor.listed_as_invited && !actor.by_link {
            return Err(Refusal::InviteOnly { room: name() });
        }
    }
    if room.key.is_some() && room.key != key && !actor.by_link {
        return Err(Refusal::WrongKey { room: name() });
    }
    if room.is_full && !actor.invited && !actor.by_link {
        return Err(Refusal::RoomFull { room: name() });
    }
    Ok(())
}

fn speak(actor: &Actor, between_programs: bool, room: &RoomRules) -> Result<(), Refusal> {
    // Why she may not is told to those who may know that the room is there.
    let silence = |why| {
        see(actor, room)?;
        Err(Refusal::CannotSpeak { room: room.name.clone(), why })
    };
    if actor.roles.is_none() && room.flags.has(RoomFlag::MembersSpeak) {
        return silence(Silence::NotMember);
    }
    if between_programs && room.flags.has(RoomFlag::NoCtcp) {
        return silence(Silence::NoCtcp);
    }
    let holds = |role| actor.acts_as_owner || actor.roles.is_some_and(|roles| roles.at_least(role));
    if room.flags.has(RoomFlag::Announcements) && !holds(Role::HalfOperator) {
        return silence(Silence::Announcements);
    }
    if holds(Role::Voice) {
        return Ok(());
    }
    match actor.verdict {
        Verdict::Banned => return silence(Silence::Banned),
        Verdict::Muted => return silence(Silence::Muted),
        Verdict::Free => {}
    }
    if room.flags.has(RoomFlag::Moderated) {
        return silence(Silence::Moderated);
    }
    if room.flags.has(RoomFlag::AccountsSpeak) && !actor.is_account {
        return silence(Silence::AccountsOnly);
    }
    if let Some(wait_seconds) = actor.wait_seconds {
        return silence(Silence::Slow { wait_seconds });
    }
    Ok(())
}

/// Whether what she says in the room reaches its half-operators and above only. Nobody refuses it, nor is she told.
pub fn is_screened(actor: &Actor, room: &RoomRules) -> bool {
    let holds = |role| actor.acts_as_owner || actor.roles.is_some_and(|roles| roles.at_least(role));
    room.flags.has(RoomFlag::OpModerated) && !holds(Role::Voice)
}

/// Whatever her rank: it is promised to those who spoke, and who may change the room's rules must do so in the open.
fn read_earlier_history(actor: &Actor, room: &RoomRules) -> Result<(), Refusal> {
    member(actor, room)?;
    if room.flags.has(RoomFlag::HistorySinceJoin) && !actor.acts_as_owner {
        return Err(Refusal::NotMember { room: room.name.clone() });
    }
    Ok(())
}

/// A room's operators answer for what they bring into it; who has the right by the server's word is still kept out where
/// the room keeps out, but not silenced as one of many who speak.
fn relay(actor: &Actor, has_right: bool, between_programs: bool, room: &RoomRules) -> Result<(), Refusal> {
    let silence = |why| Err(Refusal::CannotSpeak { room: room.name.clone(), why });
    if !has_right || actor.acts_as_owner {
        at_least(Role::Operator, actor, room)?;
    } else {
        see(actor, room)?;
    }
    if between_programs && room.flags.has(RoomFlag::NoCtcp) {
        return silence(Silence::NoCtcp);
    }
    if !has_right || actor.acts_as_owner {
        return Ok(());
    }
    if actor.roles.is_none() && room.flags.has(RoomFlag::MembersSpeak) {
        return silence(Silence::NotMember);
    }
    match actor.verdict {
        Verdict::Banned => silence(Silence::Banned),
        Verdict::Free | Verdict::Muted => Ok(()),
    }
}

fn change_role(actor: &Actor, on: bool, role: Role, of: Target, room: &RoomRules) -> Result<(), Refusal> {
    member(actor, room)?;
    if !on && of.is_oneself {
        return Ok(());
    }
    let needed = match role {
        Role::Voice => Role::HalfOperator,
        Role::HalfOperator | Role::Operator => Role::Operator,
        Role::Admin | Role::Owner => Role::Owner,
    };
    at_least(needed, actor, room)?;
    not_above(actor, of, room)
}

fn knock(actor: &Actor, room: &RoomRules) -> Result<(), Refusal> {
    let name = || room.name.clone();
    see(actor, room)?;
    if !room.flags.has(RoomFlag::InviteOnly) && room.key.is_none() {
        return Err(Refusal::RoomOpen { room: name() });
    }
    if actor.verdict != Verdict::Free {
        return Err(Refusal::Banned { room: name() });
    }
    Ok(())
}

fn member(actor: &Actor, room: &RoomRules) -> Result<(), Refusal> {
    if actor.roles.is_some() || actor.acts_as_owner {
        return Ok(());
    }
    // To those outside, a secret room and none are the same.
    see(actor, room)?;
    Err(Refusal::NotMember { room: room.name.clone() })
}

fn at_least(role: Role, actor: &Actor, room: &RoomRules) -> Result<(), Refusal> {
    member(actor, room)?;
    if room.is_group {
        return Err(Refusal::NobodyRanks { room: room.name.clone() });
    }
    if actor.acts_as_owner || actor.roles.is_some_and(|roles| roles.at_least(role)) {
        return Ok(());
    }
    Err(Refusal::NeedsRole { room: room.name.clone(), role })
}

fn not_above(actor: &Actor, of: Target, room: &RoomRules) -> Result<(), Refusal> {
    let rank = actor.roles.and_then(Roles::highest);
    if actor.acts_as_owner || of.is_oneself || of.roles.highest() <= rank {
        return Ok(());
    }
    Err(Refusal::Outranked { room: room.name.clone(), name: of.name.clone() })
}
