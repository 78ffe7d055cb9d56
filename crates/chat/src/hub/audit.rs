//! What is noted of who did what ([`crate::audit`]). It follows what it is about in the same batch, so both are on disk or
//! neither is; what goes on while the store takes nothing (ending someone's connections) is noted when it takes something again.

use super::turn::Turn;
use super::{Hub, StorageState};
use crate::audit::{AuditAction, AuditEntry};
use crate::change::Change;
use crate::command::Origin;
use crate::event::RoomStep;
use crate::refusal::ListKind;
use compact_str::CompactString;

impl Hub {
    pub(super) fn audit(
        &mut self,
        action: AuditAction,
        room: Option<&CompactString>,
        target: &str,
        detail: &str,
        turn: &mut Turn,
    ) {
        let person = self.asker(turn).and_then(|asker| self.person(asker.slot));
        let by = match (&person, turn.origin) {
            (Some(person), _) => person.mask().into(),
            (None, Origin::Console { .. }) => CompactString::const_new("console"),
            (None, _) => CompactString::const_new("server"),
        };
        let entry = AuditEntry {
            at: turn.now,
            by,
            account: person.and_then(|person| person.account.clone()),
            action,
            room: room.cloned(),
            target: target.into(),
            detail: detail.into(),
        };
        if self.storage == StorageState::Working {
            turn.keep(Change::Audited(Box::new(entry)));
        } else {
            // What needs no disk is done all the same (KILL).
            self.state.owe_audit(entry);
        }
    }

    /// What was done while the store took nothing is noted as soon as it takes something.
    pub(super) fn audit_what_is_owed(&mut self, turn: &mut Turn) {
        for entry in self.state.take_owed_audits() {
            turn.keep(Change::Audited(Box::new(entry)));
        }
    }

    pub(super) fn audit_steps(&mut self, room: &CompactString, steps: &[RoomStep], turn: &mut Turn) {
        for step in steps {
            let (action, target, detail) = described(step);
            self.audit(action, Some(room), target, &detail, turn);
        }
    }
}

/// A room's key is not told.
fn described(step: &RoomStep) -> (AuditAction, &str, String) {
    let sign = |on: bool| if on { '+' } else { '-' };
    match step {
        RoomStep::Flag { on, flag } => (AuditAction::Mode, "", format!("{}{flag:?}", sign(*on))),
        RoomStep::Key { on: true, .. } => (AuditAction::Mode, "", "set a key".to_owned()),
        RoomStep::Key { on: false, .. } => (AuditAction::Mode, "", "removed the key".to_owned()),
        RoomStep::MemberLimit { limit: Some(limit) } => (AuditAction::Mode, "", format!("set a limit of {limit}")),
        RoomStep::MemberLimit { limit: None } => (AuditAction::Mode, "", "removed the limit".to_owned()),
        RoomStep::SlowMode { seconds: Some(seconds) } => (AuditAction::Mode, "", format!("slow mode {seconds} s")),
        RoomStep::SlowMode { seconds: None } => (AuditAction::Mode, "", "ended slow mode".to_owned()),
        RoomStep::Forward { to: Some(to) } => (AuditAction::Mode, "", format!("forward to {to}")),
        RoomStep::Forward { to: None } => (AuditAction::Mode, "", "ended the forward".to_owned()),
        RoomStep::Retention { .. } => (AuditAction::Mode, "", "changed how long messages are kept".to_owned()),
        RoomStep::Role { on, role, who } => (AuditAction::Role, who, format!("{}{role:?}", sign(*on))),
        RoomStep::List { on, list, mask } => {
            let list = match list {
                ListKind::Ban => "ban",
                ListKind::Exception => "exception",
                ListKind::Invitation => "invitation",
            };
            (AuditAction::List, mask, format!("{}{list}", sign(*on)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn what_is_done_while_the_store_takes_nothing_is_noted_later() {
        check_with(
            settings(),
            "
            > show audit
            > eve arrives
            eve: welcome eve
            > bob arrives
            bob: welcome bob
            > eve opers admin
            [eve*] eve has modes +o
            eve: operator: is an admin
            audit: eve!u@cloak operator eve: admin
            > storage fails
            > eve kills bob enough
            eve: killed bob
            bob: closed: Killed by eve: enough
            > storage works
            > alice arrives
            alice: welcome alice
            audit: eve!u@cloak kill bob: enough
            > carol arrives
            carol: welcome carol
            ",
        );
    }

    #[test]
    fn what_operators_say_a_room_is_about_and_keep_in_view_is_noted() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op says #tea one
            [op*] op -> #tea: one
            > show audit
            > op topic #tea leaves
            [op*] op set topic of #tea: leaves
            audit: op!u@cloak topic #tea : set
            > op topic #tea
            [op*] op set topic of #tea:
            audit: op!u@cloak topic #tea : removed
            > op mode #tea -t
            [op*] op changed #tea: -t
            audit: op!u@cloak mode #tea : -TopicLocked
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > bob topic #tea mine
            [op bob*] bob set topic of #tea: mine
            ",
        );
    }

    #[test]
    fn what_operators_do_is_noted() {
        check_with(
            settings(),
            "
            > show audit
            > console registers root
            console: account root created
            audit: console account root: created
            > root arrives account root
            root: logged in to root as nobody yet
            root: welcome root
            > bob arrives
            bob: welcome bob
            > bob registers bob
            bob: account bob created
            [bob*] bob is account bob
            bob: logged in to bob as bob
            > root joins #tea
            [root*] root (root) joined #tea ~
            root: entered #tea ~root
            > bob joins #tea
            [root bob*] bob (bob) joined #tea
            bob: entered #tea ~root bob
            > root mode #tea +ovkb bob bob secret *!*@bad
            [root* bob] root changed #tea: +o:bob +v:bob +k:secret +b:*!*@bad
            audit: root!u@cloak role #tea bob: +Operator
            audit: root!u@cloak role #tea bob: +Voice
            audit: root!u@cloak mode #tea : set a key
            audit: root!u@cloak list #tea *!*@bad: +ban
            > bob kicks #tea root out
            bob: refused: Outranked { room: \"#tea\", name: \"root\" }
            > root kicks #tea bob out
            [root* bob] root kicked bob from #tea (out)
            audit: root!u@cloak kick #tea bob: out
            > root names #tea #pot
            root: root renamed #tea to #pot: ~root
            audit: root!u@cloak rename #pot : was #tea
            > root links #pot 7 3
            root: link 07070707 into #pot
            audit: root!u@cloak invite-link #pot 07070707: created
            > root revokes #pot 07070707
            root: link 07070707 into #pot is revoked
            audit: root!u@cloak invite-link #pot 07070707: revoked
            > root disables bob
            root: account bob changed
            bob: closed: the account was disabled
            audit: root!u@cloak account bob: disabled
            > root bars c:7 stolen
            root: banned c:7, closed 0
            audit: root!u@cloak server-ban certificate 0707070707070707: set: stolen
            > root unbars c:7
            root: ban of c:7 lifted
            audit: root!u@cloak server-ban certificate 0707070707070707: lifted
            > eve arrives
            eve: welcome eve
            > eve opers admin
            [eve*] eve has modes +o
            eve: operator: is an admin
            audit: eve!u@cloak operator eve: admin
            > eve kills root enough
            eve: killed root
            root: closed: Killed by eve: enough
            audit: eve!u@cloak kill root: enough
            > console deletes bob
            console: account bob deleted
            audit: console account bob: deleted
            > eve asks audit
            eve: may read the audit
            > eve deopers
            [eve*] eve has modes -o
            > eve asks audit
            eve: refused: NotOperator
            ",
        );
    }
}
