//! Reports of messages, and the queue of those who moderate: in a room its half-operators and above, on the whole server
//! its operators who act in rooms. Nobody is shown a report of her own words, whatever her rank.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::id::SessionId;
use crate::message::{Message, MessageKind};
use crate::name::ChatroomName;
use crate::permission::{Act, permit};
use crate::query::Answer;
use crate::refusal::Refusal;
use crate::report::{
    CLOSED, ClosedReports, OPEN, OPEN_IN_ROOM, REPORTING_MS, REPORTS_PER_PERSON, Report, ReportNumber, ReportView,
};
use compact_str::CompactString;
use std::sync::Arc;

impl Hub {
    /// The message is one that the asker may read, as a reader of the store found it.
    pub(super) fn report(&mut self, asker: Asker, message: &Arc<Message>, reason: Box<str>, turn: &mut Turn) {
        self.state.touch(asker.slot, asker.session, turn.now);
        if let Err(refusal) = self.try_report(asker, message, reason, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_report(
        &mut self,
        asker: Asker,
        message: &Arc<Message>,
        reason: Box<str>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let found = self.state.client(asker.slot).zip(self.state.room(message.room));
        let (client, room) = found.ok_or(Refusal::NoSuchMessage)?;
        let (room_name, said_to) = match room.kind {
            ChatroomKind::Named => {
                permit(&Hub::actor(client, room), Act::Report, &Hub::rules_of(room))?;
                (Some(room.name.clone()), None)
            }
            ChatroomKind::Group => {
                permit(&Hub::actor(client, room), Act::Report, &Hub::rules_of(room))?;
                (None, Some(room.name.clone()))
            }
            ChatroomKind::Direct(one, other) if [one, other].contains(&client.id) => {
                (None, Some(message.addressed_to.clone()))
            }
            ChatroomKind::Direct(..) => return Err(Refusal::NoSuchMessage),
        };
        if message.kind == MessageKind::Signal || self.state.was_redacted(message.id) {
            return Err(Refusal::NoSuchMessage);
        }
        if message.sender_id == client.id {
            return Err(Refusal::OwnMessage);
        }
        self.check_reports(client, message, turn)?;
        let report = Report {
            number: ReportNumber(turn.position.0),
            room: message.room,
            message: message.id,
            position: message.position,
            audience: message.audience,
            said_to,
            author: message.sender_id,
            said_by: message.sender.mask().into(),
            reporter: client.id,
            reported_by: client.person.mask().into(),
            reason,
            at: turn.now,
            is_open: true,
        };
        let address = (!client.is_account()).then_some(client.ip_address);
        let closed = || self.state.reports().map(|(report, _)| report).filter(|report| !report.is_open);
        let oldest = closed().next().map(|report| report.number).filter(|_| closed().count() > CLOSED);
        if let Some(number) = oldest {
            self.state.forget_report(number);
            turn.keep(Change::ReportForgotten(number));
        }
        self.state.note_report(report.clone(), address);
        turn.keep(Change::Reported { report: Box::new(report.clone()), text: message.payload.clone() });
        let detail = format!("{}: {}", report.number.0, report.reason);
        self.audit(AuditAction::Report, room_name.as_ref(), &message.id.to_string(), &detail, turn);
        let view = Arc::new((ReportView { report, room: room_name }, message.clone()));
        for session in self.sessions_of_those_who_handle(&view.0.report) {
            turn.tell(session, Answer::ReportMade(view.clone()));
        }
        turn.answer(Answer::Reported);
        Ok(())
    }

    /// Whether this person may report this message now.
    fn check_reports(&self, client: &Client, message: &Message, turn: &Turn) -> Result<(), Refusal> {
        let address = (!client.is_account()).then_some(client.ip_address);
        let is_hers = |report: &Report, from| report.reporter == client.id || (address.is_some() && from == address);
        let hers = || self.state.reports().filter(|(report, from)| is_hers(report, *from)).map(|(report, _)| report);
        if hers().any(|report| report.message == message.id) {
            return Err(Refusal::AlreadyReported);
        }
        let since = turn.now.0.saturating_sub(REPORTING_MS);
        let mut lately = hers().filter(|report| report.at.0 > since).map(|report| report.at);
        let first = lately.next();
        if let Some(first) = first.filter(|_| lately.count() + 1 >= REPORTS_PER_PERSON) {
            let retry_after_seconds = (first.0 + REPORTING_MS - turn.now.0).div_ceil(1000);
            return Err(Refusal::ReportedTooOften { retry_after_seconds });
        }
        let open = || self.state.reports().filter(|(report, _)| report.is_open);
        if open().count() >= OPEN || open().filter(|(report, _)| report.room == message.room).count() >= OPEN_IN_ROOM {
            return Err(Refusal::TooManyReports);
        }
        Ok(())
    }

    pub(super) fn close_report(
        &mut self,
        asker: Asker,
        number: ReportNumber,
        resolved: bool,
        note: Option<Box<str>>,
        turn: &mut Turn,
    ) {
        self.state.touch(asker.slot, asker.session, turn.now);
        let report = self.state.open_report(number).cloned();
        let handler = self.state.client(asker.slot);
        let Some(report) = report.zip(handler).filter(|(report, handler)| self.handles(handler, report)) else {
            return turn.refuse(Refusal::NoSuchReport { number: number.0 });
        };
        let (report, by) = (report.0, report.1.person.clone());
        // What is said of a message holds for all who reported it.
        let same: Vec<Report> = self
            .state
            .reports()
            .map(|(report, _)| report)
            .filter(|other| other.is_open && other.message == report.message && other.room == report.room)
            .cloned()
            .collect();
        let numbers: Vec<ReportNumber> = same.iter().map(|report| report.number).collect();
        let room = self.room_of_report(&report);
        // Before it is closed: whoever handles it is told.
        let sessions = self.sessions_of_those_who_handle(&report);
        for closed in &same {
            self.state.close_report(closed.number);
            turn.keep(Change::ReportClosed(closed.number));
        }
        let done = if resolved { "resolved" } else { "dismissed" };
        for closed in &same {
            let detail = match &note {
                Some(note) => format!("{} {done}: {note}", closed.number.0),
                None => format!("{} {done}", closed.number.0),
            };
            self.audit(AuditAction::Report, room.as_ref(), &closed.message.to_string(), &detail, turn);
        }
        let closed = Arc::new(ClosedReports { numbers, by: by.name.clone(), resolved, note });
        for session in sessions {
            turn.tell(session, Answer::ReportsClosed(closed.clone()));
        }
    }

    /// The open reports that the asker may see: of one room, or all of them.
    pub(super) fn reports_answer(&self, of: Option<&ChatroomName>, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let room = match of {
            Some(name) => Some(self.room_for(asker.slot, name, Act::HandleReports { audience: None })?),
            None => None,
        };
        let client = self.state.client(asker.slot).ok_or(Refusal::NotYours)?;
        let reports = self.reports_for(client).filter(|report| room.is_none_or(|room| report.room == room));
        let views = reports.map(|report| ReportView { room: self.room_of_report(report), report: report.clone() });
        Ok(Answer::Reports(views.collect()))
    }

    fn reports_for<'s>(&'s self, client: &'s Client) -> impl Iterator<Item = &'s Report> {
        let open = self.state.reports().map(|(report, _)| report).filter(|report| report.is_open);
        open.filter(|report| self.handles(client, report))
    }

    /// How many reports of this room someone has to look at.
    pub(super) fn reports_in(&self, client: &Client, room: &Chatroom) -> usize {
        // Most who come have nothing to do with it.
        let act = Act::HandleReports { audience: None };
        if permit(&Hub::actor(client, room), act, &Hub::rules_of(room)).is_err() {
            return 0;
        }
        self.reports_for(client).filter(|report| report.room == room.number).count()
    }

    /// Whoever serves the whole server is told how much there is to do when she comes or takes her rank.
    pub(super) fn tell_of_reports(&self, slot: u32, sessions: &[SessionId], turn: &mut Turn) {
        let Some(client) = self.state.client(slot).filter(|client| Hub::acts_as_owner(client)) else { return };
        let count = self.reports_for(client).count();
        if count > 0 {
            for session in sessions {
                turn.tell(*session, Answer::OpenReports { count });
            }
        }
    }

    fn room_of_report(&self, report: &Report) -> Option<CompactString> {
        let room = self.state.room(report.room).filter(|_| report.said_to.is_none());
        room.map(|room| room.name.clone())
    }

    /// Whether a report is someone's to see and to close.
    fn handles(&self, client: &Client, report: &Report) -> bool {
        if client.id == report.author {
            return false;
        }
        if report.said_to.is_some() {
            return Hub::acts_as_owner(client);
        }
        let act = Act::HandleReports { audience: report.audience };
        let room = self.state.room(report.room);
        room.is_some_and(|room| permit(&Hub::actor(client, room), act, &Hub::rules_of(room)).is_ok())
    }

    fn sessions_of_those_who_handle(&self, report: &Report) -> Vec<SessionId> {
        let clients = self.state.clients().map(|(_, client)| client);
        clients.filter(|client| self.handles(client, report)).flat_map(|client| client.sessions.to_vec()).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    const ROOM: &str = "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            [op bob eve*] eve joined #tea
            eve: entered #tea @op bob eve
            > bob says #tea fool
            [op bob* eve] bob -> #tea: fool
            ";

    fn check_room(script: &str) {
        check_with(settings(), &format!("{ROOM}{script}"));
    }

    #[test]
    fn reports_are_with_those_who_moderate_until_they_are_closed() {
        check_room(
            "
            > show changes
            > eve reports fool for rude
            op (unasked): eve reports bob in #tea (rude): fool
            eve: reported
            keep: report by eve: fool
            > eve reports fool for rude
            eve: refused: AlreadyReported
            > bob reports fool for me
            bob: refused: OwnMessage
            > eve reports never said for rude
            eve: refused: NoSuchMessage
            > op reports fool for so it is
            op: op reports bob in #tea (so it is): fool
            op: reported
            keep: report by op: fool
            > eve asks reports
            eve: reports []
            > eve asks reports #tea
            eve: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > eve resolves 1
            eve: refused: NoSuchReport { number: 8 }
            > op asks reports #tea
            op: reports [eve reports bob in #tea (rude) op reports bob in #tea (so it is)]
            > op mode #tea +hh bob eve
            [op* bob eve] op changed #tea: +h:bob +h:eve
            > bob asks reports
            bob: reports []
            > bob dismisses 1
            bob: refused: NoSuchReport { number: 8 }
            > op mode #tea -h eve
            [op* bob eve] op changed #tea: -h:eve
            > storage fails
            > op resolves 1
            op: refused: StorageFull
            > eve reports fool for rude
            eve: refused: AlreadyReported
            > storage works
            > op resolves 1 talked to him
            op: 2 reports resolved by op (talked to him)
            keep: report closed
            keep: report closed
            > op asks reports
            op: reports []
            > op resolves 1
            op: refused: NoSuchReport { number: 18446744073709551615 }
            > eve reports fool for rude
            eve: refused: AlreadyReported
            ",
        );
    }

    #[test]
    fn whoever_may_not_read_a_message_does_not_judge_it() {
        check_room(
            "
            > op mode #tea +ohv eve bob bob
            [op* bob eve] op changed #tea: +o:eve +h:bob +v:bob
            > eve says @#tea quietly
            [op eve*] eve -> @#tea: quietly
            > op reports quietly for odd
            op: op reports eve in #tea (odd): quietly
            op: reported
            > bob asks reports
            bob: reports []
            > op quits
            [bob eve] op quit ()
            > carol arrives
            carol: welcome carol
            > carol joins #tea
            [bob eve carol*] carol joined #tea
            carol: entered #tea @eve %+bob carol
            > eve mode #tea +o carol
            [bob eve* carol] eve changed #tea: +o:carol
            > carol parts #tea
            [bob eve carol*] carol left #tea
            > carol opers admin
            [carol*] carol has modes +o
            carol: 1 open reports
            carol: operator: is an admin
            > carol joins #tea
            [bob eve carol*] carol joined #tea
            carol: entered #tea @eve %+bob carol, reports 1
            > carol asks reports
            carol: reports [op reports eve in #tea (odd)]
            ",
        );
    }

    #[test]
    fn of_direct_messages_operators_of_the_server_see_what_is_reported() {
        check_room(
            "
            > bob says eve psst
            [eve] bob -> eve: psst
            [bob*] bob -> eve: psst
            > op reports psst for curious
            op: refused: NoSuchMessage
            > dave arrives
            dave: welcome dave
            > dave opers admin
            [dave*] dave has modes +o
            dave: operator: is an admin
            > eve reports psst for rude
            dave (unasked): eve reports bob to eve (rude): psst
            eve: reported
            > op asks reports
            op: reports []
            > op dismisses 1
            op: refused: NoSuchReport { number: 12 }
            > eve quits
            [op bob] eve quit ()
            > dave asks reports
            dave: reports [eve reports bob to eve (rude)]
            > dave deopers
            [dave*] dave has modes -o
            > dave asks reports
            dave: reports []
            > dave opers admin
            [dave*] dave has modes +o
            dave: 1 open reports
            dave: operator: is an admin
            > bob opers admin
            [bob*] bob has modes +o
            bob: operator: is an admin
            > dave dismisses 1 a joke among friends
            dave: 1 reports dismissed by dave (a joke among friends)
            ",
        );
    }

    /// A group has nobody who moderates: what is reported there goes where reports of direct messages go.
    #[test]
    fn of_a_group_operators_of_the_server_see_what_is_reported() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > console registers carol
            console: account carol created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > alice joins #+bob+carol
            alice: #+bob+carol is called #+alice+bob+carol
            [alice*] alice (alice) joined #+alice+bob+carol
            alice: entered #+alice+bob+carol alice
            [alice* bob] bob (bob) joined #+alice+bob+carol
            bob (unasked): entered #+alice+bob+carol alice bob
            > alice says #+alice+bob+carol fool
            [alice* bob] alice -> #+alice+bob+carol: fool
            > dave arrives
            dave: welcome dave
            > dave opers admin
            [dave*] dave has modes +o
            dave: operator: is an admin
            > bob reports fool for rude
            dave (unasked): bob reports alice to #+alice+bob+carol (rude): fool
            bob: reported
            > bob asks reports
            bob: reports []
            > dave resolves 1
            dave: 1 reports resolved by dave
            ",
        );
    }

    /// A guest who comes again is someone else, from the same place.
    #[test]
    fn nobody_reports_as_often_as_she_likes() {
        let mut script = String::new();
        for number in 1..=5 {
            script += &format!(
                "> bob says #tea {number}\n[op bob* eve] bob -> #tea: {number}\n> eve reports {number} for rude\n\
                 op (unasked): eve reports bob in #tea (rude): {number}\neve: reported\n"
            );
        }
        script += "
            > time 60
            > eve reports fool for rude
            eve: refused: ReportedTooOften { retry_after_seconds: 540 }
            > eve quits
            [op bob] eve quit ()
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            [op bob eve*] eve joined #tea
            eve: entered #tea @op bob eve
            > eve reports fool for rude
            eve: refused: ReportedTooOften { retry_after_seconds: 540 }
            > time 540
            > eve reports 1 for rude
            eve: refused: AlreadyReported
            > eve reports fool for rude
            op (unasked): eve reports bob in #tea (rude): fool
            eve: reported
            ";
        check_room(&script);
    }
}
