//! Pages of history in what `talk` or `comings` has left behind: how long each takes, one at a time.

use clap::Args;
use serde_json::json;

use super::asking::{Asking, Taken, between, names};
use super::talk::room;
use super::{Figures, Report, ServerOptions};
use crate::arrival::{Dialect, Visitor};
use crate::chatter::Chance;
use crate::fault::Fault;

#[derive(Debug, Args)]
pub struct History {
    #[command(flatten)]
    server: ServerOptions,
    /// Pages of each kind
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    pages: u64,
    /// Lines of a page
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    lines: u64,
    /// Rooms of `talk` that are read
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    rooms: u64,
    /// Read this room instead
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
}

impl History {
    pub fn run(&self) -> Result<Report, Fault> {
        let rooms: Vec<String> = match &self.room {
            Some(room) => vec![room.clone()],
            None => (0..self.rooms).map(room).collect(),
        };
        let mut crowd = self.server.empty_crowd()?;
        // The first is not shown what happened besides messages.
        let visitor = |dialect| Visitor { dialect, wants_echo: false, room: rooms.first().cloned() };
        crowd.admit(vec![visitor(Dialect::Reading), visitor(Dialect::ReadingEvents)])?;
        for client in 0..2 {
            for room in &rooms[1..] {
                crowd.swarm.outgoing().of(client).extend_from_slice(format!("JOIN {room}\r\n").as_bytes());
            }
        }
        let mut asking = Asking::of(&crowd, "history")?;
        // From the first to the last line that each of them is shown.
        let mut spans = [Vec::new(), Vec::new()];
        for room in &rooms {
            for (client, spans) in spans.iter_mut().enumerate() {
                let first = format!("CHATHISTORY AFTER {room} timestamp=2000-01-01T00:00:00.000Z 1");
                asking.ask(&mut crowd, client, &first)?;
                let first = asking.first_time.take().unwrap_or_default();
                asking.ask(&mut crowd, client, &format!("CHATHISTORY LATEST {room} * 1"))?;
                spans.push((first, asking.first_time.take().unwrap_or_default()));
            }
        }
        let kinds = [
            (names!("latest"), 0, "LATEST"),
            (names!("before"), 0, "BEFORE"),
            (names!("after"), 0, "AFTER"),
            (names!("around"), 0, "AROUND"),
            (names!("with_events_latest"), 1, "LATEST"),
            (names!("with_events_before"), 1, "BEFORE"),
        ];
        let mut chance = Chance::new(3);
        let mut figures = Figures::default();
        let mut done = 0;
        for (names, client, kind) in &kinds {
            let mut taken = Taken::default();
            for _ in 0..self.pages {
                let at = chance.below(rooms.len() as u64) as usize;
                let (room, (first, last)) = (&rooms[at], &spans[*client][at]);
                let place = match *kind {
                    "LATEST" => "*".to_owned(),
                    _ => format!("timestamp={}", between(first, last, chance.below(1_000))),
                };
                let question = format!("CHATHISTORY {kind} {room} {place} {}", self.lines);
                let took = asking.ask(&mut crowd, *client, &question)?;
                taken.note(took, &asking);
                done += 1;
            }
            taken.report(names, &mut figures);
        }
        if let Some(server) = crowd.server {
            figures.add("server_resident_kib", server.resident_kib()? as f64);
        }
        let mut settings = self.server.settings();
        settings.insert("rooms".to_owned(), json!(rooms.len()));
        settings.insert("lines_of_a_page".to_owned(), json!(self.lines));
        settings.insert("pages_of_a_kind".to_owned(), json!(self.pages));
        Ok(Report { scenario: "history", settings, rounds: vec![figures], verified: (done, "pages read") })
    }
}
