//! `cargo xtask test`: everything a submission must pass, in the order in which mistakes are cheapest to hear of.

mod fences;
mod needed;

use crate::{fuzz, page};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Arguments {
    /// Leaves out what takes longest: fuzzing.
    #[arg(long)]
    quick: bool,
}

/// Seeds of the simulator in CI.
const SIMULATOR_SEEDS: u32 = 1_000;

pub fn test(arguments: &Arguments) -> Result<(), String> {
    let root = root();
    step("fences between the crates", || fences::check(&root))?;
    needed::install()?;
    step("the page's packages", || page::install(&root))?;
    cargo("formatting", &["fmt", "--all", "--check"])?;
    let lints = ["clippy", "--workspace", "--all-targets", "--features", "fuzz/targets", "--", "-D", "warnings"];
    cargo("lints", &lints)?;
    run("the page's types and components", page::npm(&root, &["run", "check"]))?;
    run("the page's tests", page::npm(&root, &["test"]))?;
    run("the page's size", page::npm(&root, &["run", "size"]))?;
    // The tests that start real programs find them beside the test binaries. Both at once: built alone the programs would
    // have some crates without the features that the tests ask for, and these would be built twice.
    cargo("programs and tests", &["build", "--workspace", "--bins", "--tests"])?;
    cargo("tests", &["test", "--workspace"])?;
    run("the page in a browser", page::npm(&root, &["run", "e2e"]))?;
    let seeds = SIMULATOR_SEEDS.to_string();
    // Beside this program, from the step "programs and tests": `cargo run --package` would choose other features and build anew.
    let mut simulator = Command::new(beside("simulator")?);
    simulator.args(["--seeds", &seeds]);
    run("simulator", simulator)?;
    if !arguments.quick {
        fuzz::all()?;
    }
    Ok(())
}

fn cargo(what: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("cargo");
    // A page that cannot be built is a mistake here, not a warning.
    command.args(arguments).current_dir(root()).env("PARLOR_WEB", "required");
    run(what, command)
}

/// A program of the workspace in the folder that this one was built into.
fn beside(program: &str) -> Result<PathBuf, String> {
    let here =
        std::env::current_exe().map_err(|error| format!("where this program is could not be found out: {error}"))?;
    Ok(here.with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}

fn run(what: &str, mut command: Command) -> Result<(), String> {
    step(what, || {
        let status = command.status().map_err(|error| format!("{what}: {command:?} could not be started: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("{what}: {command:?} failed ({status})")) }
    })
}

/// As [`run`], for what goes on beside something else: what it says is shown when it is over.
pub fn run_quietly(what: &str, mut command: Command) -> Result<(), String> {
    let begun = Instant::now();
    let output = command.output().map_err(|error| format!("{what}: {command:?} could not be started: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    let seconds = begun.elapsed().as_secs_f64();
    println!("== {what}\n{}== {what}: done in {seconds:.0} s", String::from_utf8_lossy(&said));
    if output.status.success() { Ok(()) } else { Err(format!("{what}: {command:?} failed ({})", output.status)) }
}

pub fn step(what: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let begun = Instant::now();
    println!("== {what}");
    work()?;
    println!("== {what}: done in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
