//! Many rooms of two: what a message costs that has one reader.

use clap::Args;
use serde_json::json;

use super::{DELIVERIES, Report, ServerOptions, Text, Timing};
use crate::arrival::Visitor;
use crate::fault::Fault;
use crate::traffic::{Traffic, Window};
use crate::verifier::RoomPlan;

#[derive(Debug, Args)]
pub struct Pairs {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    text: Text,
    /// Rooms, each with one sender and one reader
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    rooms: usize,
    /// Messages of each sender that the reader has not got
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    outstanding: u64,
}

impl Pairs {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let name = |room: usize| format!("#pair{room}");
        let visitors = (0..2 * self.rooms).map(|client| Visitor {
            // Both of a pair speak the same dialect.
            dialect: self.server.clients().dialect(client / 2),
            wants_echo: false,
            room: Some(name(client / 2)),
        });
        crowd.admit(visitors.collect())?;
        let members = crowd.members();
        let plans = members.chunks(2).enumerate().map(|(room, pair)| RoomPlan {
            name: name(room),
            members: pair.to_vec(),
            senders: vec![0],
        });
        let plans: Vec<RoomPlan> = plans.collect();
        let window = Window::Everyone(self.outstanding);
        let mut traffic = Traffic::new(&plans, self.text.size, window);
        let rounds = crowd.measure(&mut traffic, &self.timing)?;
        let mut settings = self.server.settings();
        settings.insert("rooms".to_owned(), json!(self.rooms));
        settings.insert("outstanding".to_owned(), json!(self.outstanding));
        settings.insert("text_bytes".to_owned(), json!(self.text.size));
        settings.insert("negotiated".to_owned(), crowd.negotiated());
        Ok(Report { scenario: "pairs", settings, rounds, verified: (traffic.deliveries(), DELIVERIES) })
    }
}
