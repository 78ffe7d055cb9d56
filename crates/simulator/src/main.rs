//! Plays seeds: `cargo run --release -p simulator -- --seeds 1000`.
//!
//! Ends with one line, `N passed, M failed`. A seed that fails is played again with its transcript kept, and its last
//! lines are printed with what went wrong.

use clap::Parser;
use simulator::simulation::{self, Reached};
use simulator::transcript::Transcript;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Plays people, a server whose disk fails and that dies, and a model of both, under seeds.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// This seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Steps of each seed.
    #[arg(long, default_value_t = 2500)]
    steps: usize,
    /// Prints everything that is said and done; for one seed.
    #[arg(long, requires = "seed")]
    verbose: bool,
}

/// Lines of the transcript that are shown of a seed that failed.
const SHOWN: usize = 80;
/// Seeds that are shown in full; the others by their number.
const SHOWN_SEEDS: usize = 3;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (first, count) = arguments.seed.map_or((arguments.from, arguments.seeds), |seed| (seed, 1));
    let panicked = catch_panic_messages();
    let (mut passed, mut failed) = (0, 0);
    let mut all = Reached::default();
    for seed in first..first.saturating_add(count) {
        let transcript = if arguments.verbose { Transcript::of(SHOWN, true) } else { Transcript::off() };
        match play(seed, arguments.steps, transcript.clone(), &panicked) {
            Ok(reached) => {
                passed += 1;
                add(&mut all, reached);
            }
            Err((step, what)) => {
                failed += 1;
                println!("seed {seed} failed at step {step}: {what}");
                if failed <= SHOWN_SEEDS && !arguments.verbose {
                    let transcript = Transcript::of(SHOWN, false);
                    let again = play(seed, arguments.steps, transcript.clone(), &panicked);
                    if again.err() != Some((step, what)) {
                        println!("played again it went another way: something is not bound to the seed");
                    }
                    for line in transcript.kept() {
                        println!("  {line}");
                    }
                    println!(
                        "again: cargo run --release -p simulator -- --seed {seed} --steps {} --verbose",
                        arguments.steps
                    );
                }
            }
        }
    }
    println!(
        "{} steps, {} messages, {} lines, {} restarts, {} commands taken back, {} pages of history, {} comparisons with the \
         model",
        all.steps, all.messages, all.lines, all.restarts, all.failures, all.pages, all.rests
    );
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Message = Arc<Mutex<Option<String>>>;

/// Plays a seed; a panic is a failure like any other.
fn play(seed: u64, steps: usize, transcript: Transcript, panicked: &Message) -> Result<Reached, (usize, String)> {
    let step = Cell::new(0);
    let played = catch_unwind(AssertUnwindSafe(|| simulation::run(seed, steps, None, transcript, &step)));
    match played {
        Ok(result) => result.map_err(|violation| (violation.step, violation.what)),
        Err(_) => {
            let message = panicked.lock().unwrap_or_else(PoisonError::into_inner).take();
            Err((step.get(), message.unwrap_or_else(|| "a panic without a message".to_owned())))
        }
    }
}

/// Panics say nothing by themselves from here on: what they would have said is kept.
fn catch_panic_messages() -> Message {
    let message = Message::default();
    let kept = message.clone();
    std::panic::set_hook(Box::new(move |panic| {
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.to_string());
    }));
    message
}

fn add(all: &mut Reached, reached: Reached) {
    all.steps += reached.steps;
    all.messages += reached.messages;
    all.restarts += reached.restarts;
    all.failures += reached.failures;
    all.rests += reached.rests;
    all.lines += reached.lines;
    all.pages += reached.pages;
}
