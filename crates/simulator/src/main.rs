//! Plays seeds: `cargo run --release -p simulator -- --seeds 1000`.
//!
//! Ends with one line, `N passed, M failed`. A seed that fails is played again with its transcript kept, and its last
//! lines are printed with what went wrong.

use clap::Parser;
use simulator::simulation::{self, Reached};
use simulator::transcript::Transcript;
use std::cell::{Cell, RefCell};
use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

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
    keep_panic_messages();
    let played = play_all(first..first.saturating_add(count), &arguments);
    for (place, failed) in played.failures.iter().enumerate() {
        println!("seed {} failed at step {}: {}", failed.seed, failed.step, failed.what);
        if place < SHOWN_SEEDS && !arguments.verbose {
            show(failed, arguments.steps);
        }
    }
    let all = played.reached;
    println!(
        "{} steps, {} messages, {} lines, {} restarts, {} commands taken back, {} pages of history, {} comparisons with the \
         model",
        all.steps, all.messages, all.lines, all.restarts, all.failures, all.pages, all.rests
    );
    println!("{} passed, {} failed", played.passed, played.failures.len());
    if played.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Played {
    passed: u64,
    reached: Reached,
    failures: Vec<Failed>,
}

struct Failed {
    seed: u64,
    step: usize,
    what: String,
}

/// Each seed by itself, on all processors.
fn play_all(seeds: Range<u64>, arguments: &Arguments) -> Played {
    let next = AtomicU64::new(seeds.start);
    let some = || {
        let mut played = Played::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return played;
            }
            let transcript = if arguments.verbose { Transcript::of(SHOWN, true) } else { Transcript::off() };
            match play(seed, arguments.steps, transcript) {
                Ok(reached) => {
                    played.passed += 1;
                    add(&mut played.reached, reached);
                }
                Err((step, what)) => played.failures.push(Failed { seed, step, what }),
            }
        }
    };
    let mut all = Played::default();
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(some)).collect();
        for worker in workers {
            let Ok(played) = worker.join() else { continue };
            all.passed += played.passed;
            add(&mut all.reached, played.reached);
            all.failures.extend(played.failures);
        }
    });
    all.failures.sort_by_key(|failed| failed.seed);
    all
}

/// Plays a seed that failed again, and prints its last lines.
fn show(failed: &Failed, steps: usize) {
    let transcript = Transcript::of(SHOWN, false);
    let again = play(failed.seed, steps, transcript.clone());
    if again.err().as_ref() != Some(&(failed.step, failed.what.clone())) {
        println!("played again it went another way: something is not bound to the seed");
    }
    for line in transcript.kept() {
        println!("  {line}");
    }
    println!("again: cargo run --release -p simulator -- --seed {} --steps {steps} --verbose", failed.seed);
}

/// Plays a seed; a panic is a failure like any other.
fn play(seed: u64, steps: usize, transcript: Transcript) -> Result<Reached, (usize, String)> {
    let step = Cell::new(0);
    let played = catch_unwind(AssertUnwindSafe(|| simulation::run(seed, steps, None, transcript, &step)));
    match played {
        Ok(result) => result.map_err(|violation| (violation.step, violation.what)),
        Err(_) => {
            let message = PANIC.take();
            Err((step.get(), message.unwrap_or_else(|| "a panic without a message".to_owned())))
        }
    }
}

thread_local! {
    /// What the last panic of this thread would have said.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics say nothing by themselves from here on: what they would have said is kept.
fn keep_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        PANIC.replace(Some(panic.to_string()));
    }));
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
