//! DEVICES: where one is connected, and ending one device from another. Ours.

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::time_text::time_text;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{DeviceRow, Query};
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "DEVICES",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "DEVICES, DEVICES END <id>\n\
           Lists the devices that you are and were connected with, each with an id, how and from where it is connected, \
           since when and when it last said or read something. A device that logs in as <account>@<its name> is known by \
           that name, a browser that is logged in to the page by its kind, others by where they come from. END closes \
           another one and logs a browser out, or forgets one that is not connected. With the capability parlor/devices: a batch parlor/devices of DEVICE <id> <this|other> <here|absent|gone> \
           <transport> <address> <since> <last active> [:<name>].",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    match (line.param(0), line.param(1)) {
        (None | Some(""), _) => turn.ask(Command::Ask(Query::Devices)),
        (Some(word), _) if word.eq_ignore_ascii_case("LIST") => turn.ask(Command::Ask(Query::Devices)),
        (Some(word), Some(id)) if word.eq_ignore_ascii_case("END") && !id.is_empty() => {
            turn.await_with(Awaiting::About(targets::shown(id).into()));
            turn.ask(Command::EndDevice { id: id.into() });
        }
        (Some(word), None | Some("")) if word.eq_ignore_ascii_case("END") => turn.need_more_params(),
        (Some(word), _) => {
            turn.fail("DEVICES", "INVALID_PARAMS", &[targets::shown(word)], "DEVICES has LIST and END <id>");
        }
    }
}

pub(crate) fn write(turn: &mut Turn<'_>, rows: &[DeviceRow]) {
    if turn.has(Capability::ParlorDevices) {
        return turn.batch("parlor/devices", &[], |turn| rows.iter().for_each(|row| write_row(turn, row)));
    }
    for row in rows {
        let nick = turn.nick().to_owned();
        let text = |time| String::from_utf8_lossy(&time_text(time)).into_owned();
        let (since, active) = (text(row.signed_on), text(row.last_active));
        let name = row.name.as_deref().map_or(String::new(), |name| format!("{name}, "));
        let line = turn.server_line("NOTICE").param(&nick);
        let (id, transport, address) = (&row.id, &row.transport, row.address);
        if row.is_connected {
            let this = if row.is_this { ", this one" } else { "" };
            let absent = if row.is_absent { ", nobody at it" } else { "" };
            line.trailing_fmt(format_args!(
                "{id}: {name}{transport} from {address}, since {since}, last active {active}{this}{absent}"
            ));
        } else {
            line.trailing_fmt(format_args!(
                "{id}: {name}not connected, last seen {active}, {transport} from {address}, came {since}"
            ));
        }
    }
}

fn write_row(turn: &mut Turn<'_>, row: &DeviceRow) {
    let (since, active) = (time_text(row.signed_on), time_text(row.last_active));
    // An address that begins with a colon would be read as the last parameter.
    let zero = if row.address.to_string().starts_with(':') { "0" } else { "" };
    let state = match (row.is_connected, row.is_absent) {
        (false, _) => "gone",
        (true, true) => "absent",
        (true, false) => "here",
    };
    let line = turn
        .server_line("DEVICE")
        .param(&row.id)
        .param(if row.is_this { "this" } else { "other" })
        .param(state)
        .param(&row.transport)
        .param_fmt(format_args!("{zero}{}", row.address))
        .param(str::from_utf8(&since).unwrap_or_default())
        .param(str::from_utf8(&active).unwrap_or_default());
    match &row.name {
        Some(name) => line.trailing(name),
        None => line.end(),
    }
}

pub(crate) fn write_ended(turn: &mut Turn<'_>, id: &str) {
    turn.note("DEVICES", "ENDED", &[id], "This device is no longer connected");
}

pub(crate) fn write_forgotten(turn: &mut Turn<'_>, id: &str) {
    turn.note("DEVICES", "FORGOTTEN", &[id], "This device is no longer remembered");
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, check};

    #[test]
    fn what_is_listed_and_refused() {
        check(
            "alice=
             alice> DEVICES
             alice< :irc.example NOTICE alice :…: TLS from 192.0.2.1, since 2023-11-14T22:13:20.000Z, last active \
             2023-11-14T22:13:20.000Z, this one
             alice> DEVICES END
             alice< :irc.example 461 alice DEVICES :…
             alice> DEVICES DESTROY
             alice< :irc.example FAIL DEVICES INVALID_PARAMS DESTROY :…
             alice> DEVICES END 0123456789abcdef
             alice< :irc.example FAIL DEVICES NO_SUCH_DEVICE 0123456789abcdef :…
             bob= batch parlor/devices
             +5
             bob> PRIVMSG bob :a note
             bob<<
             bob> DEVICES LIST
             bob< :irc.example BATCH +1 parlor/devices
             bob< @batch=1 :irc.example DEVICE … this here TLS 192.0.2.1 2023-11-14T22:13:20.000Z 2023-11-14T22:13:25.000Z
             bob< :irc.example BATCH -1",
        );
    }

    #[test]
    fn devices_that_are_gone_are_listed_by_their_names_and_forgotten() {
        let mut world = World::new(|_, _| {});
        world.arrive("alice", "batch parlor/devices").unwrap();
        world.say(0, "REGISTER * * sesame77").unwrap();
        let second = world.connect("alice/2", "");
        for line in ["PASS alice@my_phone:sesame77", "NICK alice", "USER a 0 * :a"] {
            world.say(second, line).unwrap();
        }
        world.received(0);
        world.say(0, "DEVICES").unwrap();
        let listed = world.received(0);
        assert!(
            listed.iter().any(|line| line.contains(" other here TLS ") && line.ends_with(" :my_phone")),
            "{listed:?}"
        );
        world.say(second, "QUIT").unwrap();
        world.say(0, "DEVICES").unwrap();
        let listed = world.received(0);
        let gone = listed.iter().find(|line| line.contains(" other gone TLS ")).expect("it is remembered");
        assert!(gone.ends_with(" :my_phone"), "{gone}");
        let id = gone.split(' ').nth(3).expect("an id").to_owned();
        world.say(0, &format!("DEVICES END {id}")).unwrap();
        let told = world.received(0);
        assert!(told.iter().any(|line| line.contains(&format!("NOTE DEVICES FORGOTTEN {id} :"))), "{told:?}");
        world.say(0, &format!("DEVICES END {id}")).unwrap();
        let told = world.received(0);
        assert!(told.iter().any(|line| line.contains(&format!("FAIL DEVICES NO_SUCH_DEVICE {id} :"))), "{told:?}");
    }

    #[test]
    fn one_ends_another() {
        let mut world = World::new(|_, _| {});
        world.arrive("alice", "batch parlor/devices").unwrap();
        world.say(0, "REGISTER * * sesame77").unwrap();
        let second = world.connect("alice/2", "");
        for line in ["PASS alice:sesame77", "NICK alice", "USER a 0 * :a"] {
            world.say(second, line).unwrap();
        }
        world.received(0);
        world.say(0, "DEVICES").unwrap();
        let listed = world.received(0);
        let other = listed.iter().find(|line| line.contains(" other ")).expect("two devices");
        let id = other.split(' ').nth(3).expect("an id").to_owned();
        world.say(0, &format!("DEVICES END {id}")).unwrap();
        assert!(world.is_closed(second));
        let told = world.received(0);
        assert!(told.iter().any(|line| line.contains(&format!("NOTE DEVICES ENDED {id} :"))), "{told:?}");
    }
}
