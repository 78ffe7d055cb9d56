//! Senders that wait for their echo before they post again: how fast messages become durable when none waits for another.

use clap::Args;
use serde_json::json;

use super::{DELIVERIES, Report, ServerOptions, Text, Timing};
use crate::arrival::Visitor;
use crate::fault::Fault;
use crate::traffic::{Traffic, Window};
use crate::verifier::RoomPlan;

#[derive(Debug, Args)]
pub struct Durable {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    text: Text,
    /// Senders; each is also a reader of its room
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    senders: usize,
    /// Rooms that they are spread over, at least two people and at most 256 in each
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    rooms: usize,
    /// Messages of each sender whose echo has not come
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    outstanding: u64,
}

impl Durable {
    pub fn run(&self) -> Result<Report, Fault> {
        if self.rooms == 0 || self.senders < 2 * self.rooms || self.senders > 256 * self.rooms {
            return Err(Fault::Usage(format!(
                "--senders {} --rooms {}: give 2 to 256 senders for each room",
                self.senders, self.rooms
            )));
        }
        let mut crowd = self.server.empty_crowd()?;
        let name = |room: usize| format!("#durable{room}");
        let visitors = (0..self.senders).map(|client| Visitor {
            dialect: self.server.clients().dialect(client),
            wants_echo: true,
            room: Some(name(client % self.rooms)),
        });
        crowd.admit(visitors.collect())?;
        let members = crowd.members();
        let plans = (0..self.rooms).map(|room| {
            let members = members.iter().filter(|member| member.client % self.rooms == room);
            let members: Vec<_> = members.cloned().collect();
            RoomPlan { name: name(room), senders: (0..members.len()).collect(), members }
        });
        let plans: Vec<RoomPlan> = plans.collect();
        let window = Window::Echo(self.outstanding);
        let mut traffic = Traffic::new(&plans, self.text.size, window);
        let rounds = crowd.measure(&mut traffic, &self.timing)?;
        let mut settings = self.server.settings();
        settings.insert("senders".to_owned(), json!(self.senders));
        settings.insert("rooms".to_owned(), json!(self.rooms));
        settings.insert("outstanding".to_owned(), json!(self.outstanding));
        settings.insert("text_bytes".to_owned(), json!(self.text.size));
        settings.insert("negotiated".to_owned(), crowd.negotiated());
        Ok(Report { scenario: "durable", settings, rounds, verified: (traffic.deliveries(), DELIVERIES) })
    }
}
