//! A client's place in a room.

use crate::id::{Position, Timestamp};

/// What a member may do in a room, lowest first. A member can hold several at once (`Roles`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Role {
    /// May speak in a moderated room.
    Voice = 0,
    /// May remove members and name voices.
    HalfOperator = 1,
    Operator = 2,
    /// Protected from operators.
    Admin = 3,
    Owner = 4,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Owner, Role::Admin, Role::Operator, Role::HalfOperator, Role::Voice];
}

/// The set of roles a member holds, as bits of [`Role`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Roles(pub u8);

impl Roles {
    pub const NONE: Roles = Roles(0);

    pub fn of(role: Role) -> Roles {
        Roles(1 << role as u8)
    }
    pub fn with(self, role: Role) -> Roles {
        Roles(self.0 | 1 << role as u8)
    }
    pub fn without(self, role: Role) -> Roles {
        Roles(self.0 & !(1 << role as u8))
    }
    pub fn holds(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }
    /// The highest role held.
    pub fn highest(self) -> Option<Role> {
        Role::ALL.into_iter().find(|role| self.holds(*role))
    }
    /// Holds this role or one above it.
    pub fn at_least(self, role: Role) -> bool {
        self.0 >> role as u8 != 0
    }
    /// Highest first.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.holds(*role))
    }
}

/// A client's membership of one room. For accounts it is kept on disk and survives a disconnect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Membership {
    pub roles: Roles,
    pub since: Timestamp,
    /// Of the joining in the one order. 0: it was kept before that was noted (version 2 of the database).
    pub position: Position,
}
