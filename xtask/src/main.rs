//! The project's chores: `cargo xtask test`, `cargo xtask fuzz`, `cargo xtask page`, `cargo xtask bench`.

mod bench;
mod fuzz;
mod page;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Runs all checks and tests, as CI does; installs what it needs, or says what to install.
    Test(test::Arguments),
    /// Runs a fuzz target for longer than the tests do; what breaks it is left in fuzz/artifacts.
    Fuzz(fuzz::Arguments),
    /// Builds the page into web/dist, for a package of the sources that builds without Node.
    Page,
    /// Measures the server beside the physical limit and prints one table.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Test(arguments) => test::test(&arguments),
        Chore::Fuzz(arguments) => fuzz::fuzz(&arguments),
        Chore::Page => page::page(&test::root()),
        Chore::Bench(arguments) => bench::bench(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}
