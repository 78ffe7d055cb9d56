//! One room, one sender, many readers: what a delivery costs.

use clap::Args;
use serde_json::json;

use super::{DELIVERIES, Report, ServerOptions, Text, Timing};
use crate::arrival::Visitor;
use crate::fault::Fault;
use crate::traffic::{Traffic, Window};
use crate::verifier::RoomPlan;

#[derive(Debug, Args)]
pub struct Fanout {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    text: Text,
    /// Readers in the room, besides the sender
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    members: usize,
    /// Messages under way: a message is under way until the last member has it
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    outstanding: u64,
    /// The room
    #[arg(long, value_name = "NAME", default_value = "#fan")]
    room: String,
}

impl Fanout {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let visitors = (0..=self.members).map(|client| Visitor {
            dialect: self.server.clients().dialect(client),
            wants_echo: client == 0,
            room: Some(self.room.clone()),
        });
        crowd.admit(visitors.collect())?;
        let plan = RoomPlan { name: self.room.clone(), members: crowd.members(), senders: vec![0] };
        let window = Window::Everyone(self.outstanding);
        let mut traffic = Traffic::new(&[plan], self.text.size, window);
        let rounds = crowd.measure(&mut traffic, &self.timing)?;
        let mut settings = self.server.settings();
        settings.insert("members".to_owned(), json!(self.members));
        settings.insert("outstanding".to_owned(), json!(self.outstanding));
        settings.insert("text_bytes".to_owned(), json!(self.text.size));
        settings.insert("negotiated".to_owned(), crowd.negotiated());
        Ok(Report { scenario: "fanout", settings, rounds, verified: (traffic.deliveries(), DELIVERIES) })
    }
}
