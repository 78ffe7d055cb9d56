//! A network that misbehaves as it is told: a proxy between clients and a server, for exercises and for tests.
//!
//! It works on the stream, not on packets (which needs no right): what a network does to packets shows in TCP as bytes that
//! come later, slower, in fits, or not at all, and in connections that are gone at one end only. That is what is made here.

mod conditions;
mod connection;

use std::io::{self, BufRead as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::fault::Fault;
use conditions::{Conditions, Controls, ORDERS, Order};

#[derive(Debug, Args)]
#[command(after_help = ORDERS)]
pub struct Proxy {
    /// Where to listen; port 0 for any free one, which is printed
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7000")]
    listen: SocketAddr,
    /// The server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6667")]
    to: SocketAddr,
    /// Each way takes so long
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay: u64,
    /// And up to so much longer, by chance
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    jitter: u64,
    /// Bytes a second each way; 0: as many as there are
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    rate: u64,
    /// Of a hundred pieces so many are lost: each then comes when TCP would have sent it again
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    loss: f64,
    /// What chance begins with, so that a run can be repeated
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl Proxy {
    /// Until the process is ended, or `quit` is said.
    pub fn run(&self) -> Result<(), Fault> {
        let listening = |error| Fault::Io(format!("listen on {}", self.listen), error);
        let conditions = Conditions {
            delay: Duration::from_millis(self.delay),
            jitter: Duration::from_millis(self.jitter),
            rate: self.rate,
            loss: share(self.loss).map_err(Fault::Usage)?,
            ..Conditions::default()
        };
        let listener = TcpListener::bind(self.listen).map_err(listening)?;
        println!("listening on {} for {}", listener.local_addr().map_err(listening)?, self.to);
        println!("now: {conditions}");
        let controls = Arc::new(Controls::new(conditions));
        let (to, seed, accepting) = (self.to, self.seed, Arc::clone(&controls));
        thread::Builder::new()
            .name("accept".to_owned())
            .spawn(move || accept(&listener, to, seed, &accepting))
            .map_err(|error| Fault::Io("start a thread".to_owned(), error))?;
        obey(&controls);
        Ok(())
    }
}

/// Of a hundred.
fn share(percent: f64) -> Result<f64, String> {
    if (0.0..=100.0).contains(&percent) {
        Ok(percent / 100.0)
    } else {
        Err(format!("{percent} is no share of a hundred; use a number from 0 to 100"))
    }
}

fn accept(listener: &TcpListener, to: SocketAddr, seed: u64, controls: &Arc<Controls>) {
    for number in 0_u64.. {
        match listener.accept() {
            Ok((client, from)) => match connection::open(number, client, to, seed, controls) {
                Ok(()) => println!("connection {number} from {from}"),
                Err(error) => eprintln!("loadgen: {from} could not be brought to {to}: {error}"),
            },
            // One that has gone before it was taken in, or no file is free: others come.
            Err(error) => eprintln!("loadgen: a connection was not accepted: {error}"),
        }
    }
}

/// Orders, a line each, until `quit`. Without any more the proxy goes on as it is.
fn obey(controls: &Controls) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        match line.trim().parse::<Order>() {
            Ok(Order::Quit) => return,
            Ok(order) => println!("now: {}", controls.carry_out(order)),
            Err(sentence) if !sentence.is_empty() => eprintln!("{sentence}"),
            Err(_) => {}
        }
        // Whoever reads may be gone; the proxy is not for them alone.
        let _ = io::stdout().flush();
    }
    loop {
        thread::park();
    }
}
