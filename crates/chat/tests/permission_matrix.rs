//! X3: what everyone may do in every kind of room, against a table written by hand. The table lists, for each act, the
//! least rank that may do it and in which rooms it is refused to whom; the code decides in another way.

use chat::chatroom::{Flags, RoomFlag};
use chat::mask::Verdict;
use chat::membership::{Role, Roles};
use chat::permission::{Act, Actor, Authorship, RoomRules, Target, permit};
use chat::refusal::{ListKind, Refusal, Silence};
use compact_str::CompactString;

/// Who acts, lowest first. The order is the table's "at least".
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
enum Who {
    GuestOutside,
    AccountOutside,
    GuestMember,
    AccountMember,
    Voice,
    HalfOperator,
    Operator,
    Admin,
    Owner,
    /// An operator of the server, not in the room, with the right to act in rooms.
    ServerOperator,
}
use Who::*;

const EVERYONE: [Who; 10] = [
    GuestOutside,
    AccountOutside,
    GuestMember,
    AccountMember,
    Voice,
    HalfOperator,
    Operator,
    Admin,
    Owner,
    ServerOperator,
];

/// A room with one rule set, or none; or a person whom a rule concerns.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Circumstance {
    Plain,
    Moderated,
    MembersSpeak,
    Secret,
    TopicLocked,
    InviteOnly,
    NoCtcp,
    AccountsJoin,
    AccountsSpeak,
    Registered,
    HistorySinceJoin,
    Announcements,
    Unlisted,
    OpModerated,
    Auditorium,
    /// In slow mode, and she spoke a moment ago.
    Slow,
    Keyed,
    Full,
    Banned,
    Muted,
    /// Banned, in a full room by invitation, and invited.
    InvitedAnyway,
    /// By invitation only, and on the list of those who need none.
    Listed,
    /// By invitation only, keyed and full, and has an invite link.
    Linked,
    /// The same, and banned.
    LinkedAndBanned,
    /// A group, with the switches that every group has.
    Group,
}
use Circumstance::*;

const CIRCUMSTANCES: [Circumstance; 25] = [
    Plain,
    Moderated,
    MembersSpeak,
    Secret,
    TopicLocked,
    InviteOnly,
    NoCtcp,
    AccountsJoin,
    AccountsSpeak,
    Registered,
    HistorySinceJoin,
    Announcements,
    Unlisted,
    OpModerated,
    Auditorium,
    Slow,
    Keyed,
    Full,
    Banned,
    Muted,
    InvitedAnyway,
    Listed,
    Linked,
    LinkedAndBanned,
    Group,
];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Command {
    See,
    Join,
    JoinWithKey,
    Say,
    SayToPrograms,
    RelayAsOperator,
    RelayByRight,
    ReadHistory,
    ReadEarlierHistory,
    ReadEarlierTexts,
    EditOwn,
    EditOwnOld,
    EditForeign,
    RedactOwn,
    RedactOwnOld,
    RedactForeign,
    Pin,
    Report,
    HandleReports,
    /// Of messages that were said to operators alone.
    HandleReportsToOperators,
    SetTopic,
    SetModerated,
    Register,
    SetKey,
    SetLimit,
    SetSlowMode,
    SetForward,
    ReceiveForwards,
    ManageLinks,
    SetRetention,
    Rename,
    SeeMetadata,
    SetMetadata,
    SeeBans,
    SeeExceptions,
    ChangeBans,
    ChangeInvitations,
    Invite,
    Knock,
    Give(Role),
    /// From someone who holds just this role.
    Take(Role),
    LayDown(Role),
    /// Someone with this highest role; `None`: none.
    Kick(Option<Role>),
}
use Command::*;

fn commands() -> Vec<Command> {
    let mut commands = vec![
        See,
        Join,
        JoinWithKey,
        Say,
        SayToPrograms,
        RelayAsOperator,
        RelayByRight,
        ReadHistory,
        ReadEarlierHistory,
        ReadEarlierTexts,
        EditOwn,
        EditOwnOld,
        EditForeign,
        RedactOwn,
        RedactOwnOld,
        RedactForeign,
        Pin,
        Report,
        HandleReports,
        HandleReportsToOperators,
        SetTopic,
        SetModerated,
        Register,
        SetKey,
        SetLimit,
        SetSlowMode,
        SetForward,
        ReceiveForwards,
        ManageLinks,
        SetRetention,
        Rename,
        SeeMetadata,
        SetMetadata,
        SeeBans,
        SeeExceptions,
        ChangeBans,
        ChangeInvitations,
        Invite,
        Knock,
        Kick(None),
    ];
    for role in Role::ALL {
        commands.extend([Give(role), Take(role), LayDown(role), Kick(Some(role))]);
    }
    commands
}

/// The table.
fn is_allowed(command: Command, who: Who, circumstance: Circumstance) -> bool {
    let outside = who <= AccountOutside;
    let guest = matches!(who, GuestOutside | GuestMember);
    let serves = who == ServerOperator;
    if circumstance == Group {
        // Members do all that can be done there, and ranks count for nothing.
        let can_be_done = matches!(
            command,
            See | Say
                | SayToPrograms
                | RelayByRight
                | ReadHistory
                | EditOwn
                | RedactOwn
                | Pin
                | Report
                | SetTopic
                | Rename
                | SeeMetadata
                | SetMetadata
                | SeeBans
                | Invite
                | Knock
                | LayDown(_)
        );
        return can_be_done && !outside && !serves;
    }
    match command {
        See => !(outside && circumstance == Secret),
        // Joining counts for those outside; what a member may is not asked for.
        Join | JoinWithKey => {
            serves
                || match circumstance {
                    InviteOnly | Full | Banned | LinkedAndBanned => false,
                    Keyed => command == JoinWithKey,
                    AccountsJoin => !guest,
                    _ => true,
                }
        }
        RelayAsOperator => serves || who >= Operator,
        RelayByRight => {
            serves
                || match circumstance {
                    MembersSpeak | Secret => !outside,
                    Banned | InvitedAnyway | LinkedAndBanned => false,
                    _ => true,
                }
        }
        Say | SayToPrograms => match circumstance {
            MembersSpeak => !outside && !serves,
            NoCtcp => command == Say,
            Moderated | Banned | Muted | InvitedAnyway | LinkedAndBanned => who >= Voice,
            AccountsSpeak => !guest,
            Announcements => who >= HalfOperator,
            Slow => who >= Voice,
            _ => true,
        },
        // What is said goes to the moderators then, and a change of what all have read is none of that.
        EditOwn if circumstance == OpModerated => who >= Voice,
        ReadHistory | EditOwn | RedactOwn | Report => !outside,
        EditOwnOld | EditForeign => false,
        RedactOwnOld | RedactForeign | ReadEarlierTexts | Pin | HandleReports => who >= HalfOperator,
        ReadEarlierHistory => !outside && (circumstance != HistorySinceJoin || serves),
        SeeMetadata => {
            let is_closed =
                matches!(circumstance, Secret | InviteOnly | Keyed | InvitedAnyway | Listed | Linked | LinkedAndBanned);
            !(outside && is_closed)
        }
        SetMetadata | HandleReportsToOperators => who >= Operator,
        SetTopic => who >= if circumstance == TopicLocked { HalfOperator } else { GuestMember },
        Invite => {
            who >= if matches!(circumstance, InviteOnly | InvitedAnyway | Listed | Linked | LinkedAndBanned) {
                HalfOperator
            } else {
                GuestMember
            }
        }
        SetModerated | SetKey | SetLimit | SetRetention | SetForward | ReceiveForwards | ManageLinks
        | ChangeInvitations => who >= Operator,
        SetSlowMode => who >= HalfOperator,
        Register => who >= Owner,
        Rename => who >= if circumstance == Registered { Owner } else { Operator },
        SeeBans => !(outside && circumstance == Secret),
        SeeExceptions | ChangeBans => who >= HalfOperator,
        Knock => matches!(circumstance, InviteOnly | Keyed | Listed | Linked),
        Give(role) => who >= giver_of(role),
        Take(role) => who >= giver_of(role) && who >= bearer_of(role),
        LayDown(_) => !outside,
        Kick(None) => who >= HalfOperator,
        Kick(Some(role)) => who >= HalfOperator && who >= bearer_of(role),
    }
}

fn giver_of(role: Role) -> Who {
    match role {
        Role::Voice => HalfOperator,
        Role::HalfOperator | Role::Operator => Operator,
        Role::Admin | Role::Owner => Owner,
    }
}

fn bearer_of(role: Role) -> Who {
    match role {
        Role::Voice => Voice,
        Role::HalfOperator => HalfOperator,
        Role::Operator => Operator,
        Role::Admin => Admin,
        Role::Owner => Owner,
    }
}

fn decided(command: Command, who: Who, circumstance: Circumstance) -> Result<(), Refusal> {
    let name = CompactString::new("#tea");
    let them = CompactString::new("them");
    let roles = match who {
        GuestOutside | AccountOutside | ServerOperator => None,
        GuestMember | AccountMember => Some(Roles::NONE),
        Voice => Some(Roles::of(Role::Voice)),
        HalfOperator => Some(Roles::of(Role::HalfOperator)),
        Operator => Some(Roles::of(Role::Operator)),
        Admin => Some(Roles::of(Role::Admin)),
        Owner => Some(Roles::of(Role::Owner)),
    };
    let actor = Actor {
        roles,
        is_account: !matches!(who, GuestOutside | GuestMember),
        acts_as_owner: who == ServerOperator,
        verdict: match circumstance {
            Banned | InvitedAnyway | LinkedAndBanned => Verdict::Banned,
            Muted => Verdict::Muted,
            _ => Verdict::Free,
        },
        invited: circumstance == InvitedAnyway,
        by_link: matches!(circumstance, Linked | LinkedAndBanned),
        listed_as_invited: circumstance == Listed,
        wait_seconds: (circumstance == Slow).then_some(7),
    };
    let flag = match circumstance {
        Moderated => Some(RoomFlag::Moderated),
        MembersSpeak => Some(RoomFlag::MembersSpeak),
        Secret => Some(RoomFlag::Secret),
        TopicLocked => Some(RoomFlag::TopicLocked),
        InviteOnly | InvitedAnyway | Listed | Linked | LinkedAndBanned => Some(RoomFlag::InviteOnly),
        NoCtcp => Some(RoomFlag::NoCtcp),
        AccountsJoin => Some(RoomFlag::AccountsJoin),
        AccountsSpeak => Some(RoomFlag::AccountsSpeak),
        Registered => Some(RoomFlag::Registered),
        HistorySinceJoin => Some(RoomFlag::HistorySinceJoin),
        Announcements => Some(RoomFlag::Announcements),
        Unlisted => Some(RoomFlag::Unlisted),
        OpModerated => Some(RoomFlag::OpModerated),
        Auditorium => Some(RoomFlag::Auditorium),
        Plain | Slow | Keyed | Full | Banned | Muted | Group => None,
    };
    let flags = if circumstance == Group { Flags::of_a_group() } else { flag.into_iter().collect() };
    let room = RoomRules {
        name: &name,
        flags,
        key: matches!(circumstance, Keyed | Linked | LinkedAndBanned).then_some("key"),
        is_full: matches!(circumstance, Full | InvitedAnyway | Linked | LinkedAndBanned),
        is_group: circumstance == Group,
    };
    let of =
        |role: Option<Role>, is_oneself| Target { name: &them, roles: role.map_or(Roles::NONE, Roles::of), is_oneself };
    let act = match command {
        See => Act::See,
        Join => Act::Join { key: None },
        JoinWithKey => Act::Join { key: Some("key") },
        Say => Act::Speak { between_programs: false },
        SayToPrograms => Act::Speak { between_programs: true },
        RelayAsOperator => Act::Relay { has_right: false, between_programs: false },
        RelayByRight => Act::Relay { has_right: true, between_programs: false },
        ReadHistory => Act::ReadHistory,
        ReadEarlierHistory => Act::ReadEarlierHistory,
        ReadEarlierTexts => Act::ReadEarlierTexts,
        EditOwn => Act::Edit { of: Authorship::Own },
        EditOwnOld => Act::Edit { of: Authorship::OwnLongAgo },
        EditForeign => Act::Edit { of: Authorship::Foreign },
        RedactOwn => Act::Redact { of: Authorship::Own },
        RedactOwnOld => Act::Redact { of: Authorship::OwnLongAgo },
        RedactForeign => Act::Redact { of: Authorship::Foreign },
        Pin => Act::Pin,
        Report => Act::Report,
        HandleReports => Act::HandleReports { audience: Some(Role::Voice) },
        HandleReportsToOperators => Act::HandleReports { audience: Some(Role::Operator) },
        SetTopic => Act::SetTopic,
        SetModerated => Act::SetFlag { flag: RoomFlag::Moderated },
        Register => Act::SetFlag { flag: RoomFlag::Registered },
        SetKey => Act::SetKey,
        SetLimit => Act::SetMemberLimit,
        SetSlowMode => Act::SetSlowMode,
        SetForward => Act::SetForward,
        ReceiveForwards => Act::ReceiveForwards,
        ManageLinks => Act::ManageLinks,
        SetRetention => Act::SetRetention,
        Rename => Act::Rename,
        SeeMetadata => Act::SeeMetadata,
        SetMetadata => Act::SetMetadata,
        SeeBans => Act::SeeList { list: ListKind::Ban },
        SeeExceptions => Act::SeeList { list: ListKind::Exception },
        ChangeBans => Act::ChangeList { list: ListKind::Ban },
        ChangeInvitations => Act::ChangeList { list: ListKind::Invitation },
        Invite => Act::Invite,
        Knock => Act::Knock,
        Give(role) => Act::ChangeRole { on: true, role, of: of(None, false) },
        Take(role) => Act::ChangeRole { on: false, role, of: of(Some(role), false) },
        LayDown(role) => Act::ChangeRole { on: false, role, of: of(Some(role), true) },
        Kick(role) => Act::Kick { of: of(role, false) },
    };
    permit(&actor, act, &room)
}

#[test]
fn the_matrix_is_the_table() {
    let mut cells = 0;
    let mut wrong = Vec::new();
    for command in commands() {
        for who in EVERYONE {
            for circumstance in CIRCUMSTANCES {
                cells += 1;
                let found = decided(command, who, circumstance);
                if found.is_ok() != is_allowed(command, who, circumstance) {
                    wrong.push(format!("{command:?} by {who:?}, {circumstance:?}: {found:?}"));
                }
            }
        }
    }
    assert!(cells >= 2_000, "{cells} cells");
    assert!(wrong.is_empty(), "{} of {cells}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_reason_is_the_right_one() {
    let room = || CompactString::new("#tea");
    let check = |command, who, circumstance, expected: Refusal| {
        assert_eq!(decided(command, who, circumstance), Err(expected), "{command:?} by {who:?}, {circumstance:?}");
    };
    let silent = |why| Refusal::CannotSpeak { room: room(), why };
    let needs = |role| Refusal::NeedsRole { room: room(), role };
    check(See, GuestOutside, Secret, Refusal::NoSuchRoom { name: room() });
    check(SetTopic, GuestOutside, Secret, Refusal::NoSuchRoom { name: room() });
    check(SetTopic, GuestOutside, Plain, Refusal::NotMember { room: room() });
    check(Join, GuestOutside, AccountsJoin, Refusal::AccountsOnly { room: room() });
    check(Join, GuestOutside, Banned, Refusal::Banned { room: room() });
    check(Join, GuestOutside, InviteOnly, Refusal::InviteOnly { room: room() });
    check(Join, GuestOutside, Keyed, Refusal::WrongKey { room: room() });
    check(Join, GuestOutside, Full, Refusal::RoomFull { room: room() });
    check(Say, GuestOutside, MembersSpeak, silent(Silence::NotMember));
    check(Say, GuestMember, Moderated, silent(Silence::Moderated));
    check(Say, GuestMember, Banned, silent(Silence::Banned));
    check(Say, GuestMember, Muted, silent(Silence::Muted));
    check(Say, GuestMember, AccountsSpeak, silent(Silence::AccountsOnly));
    check(Say, Voice, Announcements, silent(Silence::Announcements));
    check(Say, AccountMember, Slow, silent(Silence::Slow { wait_seconds: 7 }));
    check(SetSlowMode, Voice, Plain, needs(Role::HalfOperator));
    check(SayToPrograms, Owner, NoCtcp, silent(Silence::NoCtcp));
    check(EditOwn, AccountMember, OpModerated, silent(Silence::Screened));
    check(ReceiveForwards, GuestOutside, Plain, needs(Role::Operator));
    check(ReceiveForwards, GuestOutside, Secret, Refusal::NoSuchRoom { name: room() });
    check(EditForeign, Owner, Plain, Refusal::NotTheAuthor);
    check(EditOwnOld, Owner, Plain, Refusal::TooLate { window_seconds: 86_400 });
    check(ReadEarlierTexts, Voice, Plain, needs(Role::HalfOperator));
    check(Report, GuestOutside, Plain, Refusal::NotMember { room: room() });
    check(HandleReports, Voice, Plain, needs(Role::HalfOperator));
    check(HandleReportsToOperators, HalfOperator, Plain, needs(Role::Operator));
    check(Pin, Voice, Plain, needs(Role::HalfOperator));
    check(RedactForeign, Voice, Plain, Refusal::NotTheAuthor);
    check(RedactOwnOld, Voice, Plain, Refusal::TooLate { window_seconds: 86_400 });
    check(RedactOwn, GuestOutside, Plain, Refusal::NotMember { room: room() });
    check(SetTopic, Voice, TopicLocked, needs(Role::HalfOperator));
    check(SetModerated, HalfOperator, Plain, needs(Role::Operator));
    check(Register, Admin, Plain, needs(Role::Owner));
    check(Give(Role::Operator), HalfOperator, Plain, needs(Role::Operator));
    check(Take(Role::Admin), Admin, Plain, needs(Role::Owner));
    let outranked = || Refusal::Outranked { room: room(), name: "them".into() };
    check(Kick(Some(Role::Admin)), Operator, Plain, outranked());
    check(Knock, GuestOutside, Plain, Refusal::RoomOpen { room: room() });
    for command in [See, Join, Say, ReadHistory, SetTopic, Rename, SetMetadata, SeeBans, Invite, Knock, Kick(None)] {
        for who in [GuestOutside, AccountOutside, ServerOperator] {
            check(command, who, Group, Refusal::NoSuchRoom { name: room() });
        }
    }
    for command in [SetModerated, SetKey, ManageLinks, ChangeBans, Kick(None), Give(Role::Operator)] {
        check(command, Owner, Group, Refusal::NobodyRanks { room: room() });
    }
    check(Knock, GuestOutside, InvitedAnyway, Refusal::Banned { room: room() });
}
