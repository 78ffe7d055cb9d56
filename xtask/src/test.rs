//! `cargo xtask test`: everything a submission must pass, in the order in which mistakes are cheapest to hear of.

mod fences;
mod needed;

use crate::page;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Arguments {
    /// Leaves out what takes longest: fuzzing.
    #[arg(long)]
    quick: bool,
}

/// The fuzz targets: how many seconds each runs in CI, and how long its inputs get.
const FUZZ_TARGETS: [(&str, u32, u32); 5] =
    [("line", 30, 16_384), ("session", 30, 4_096), ("names", 10, 512), ("search", 10, 512), ("screen", 10, 4_096)];
/// Seeds of the simulator in CI.
const SIMULATOR_SEEDS: u32 = 1_000;

pub fn test(arguments: &Arguments) -> Result<(), String> {
    let root = root();
    step("fences between the crates", || fences::check(&root))?;
    needed::install()?;
    step("the page's packages", || page::install(&root))?;
    cargo("formatting", &["fmt", "--all", "--check"])?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    run("the page's types and components", page::npm(&root, &["run", "check"]))?;
    run("the page's tests", page::npm(&root, &["test"]))?;
    // The tests that start real programs find them beside the test binaries.
    cargo("programs", &["build", "--workspace", "--bins"])?;
    cargo("tests", &["test", "--workspace"])?;
    run("the page in a browser", page::npm(&root, &["run", "e2e"]))?;
    let seeds = SIMULATOR_SEEDS.to_string();
    // Beside this program, from the step "programs": `cargo run --package` would choose other features and build anew.
    let mut simulator = Command::new(beside("simulator")?);
    simulator.args(["--seeds", &seeds]);
    run("simulator", simulator)?;
    if !arguments.quick {
        fuzz(&root)?;
    }
    Ok(())
}

/// Runs each fuzz target for a while. `cargo fuzz` is installed when it is missing.
fn fuzz(root: &Path) -> Result<(), String> {
    let installed =
        Command::new("cargo").args(["fuzz", "--version"]).output().is_ok_and(|output| output.status.success());
    if !installed {
        cargo("cargo-fuzz", &["install", "--debug", "cargo-fuzz", "--version", "0.13.2", "--locked"])?;
    }
    for (target, seconds, longest) in FUZZ_TARGETS {
        let seconds = format!("-max_total_time={seconds}");
        let longest = format!("-max_len={longest}");
        // cargo-fuzz passes flags of the unstable compiler; this says that we know.
        let mut command = Command::new("cargo");
        command.current_dir(root.join("fuzz")).env("RUSTC_BOOTSTRAP", "1").args([
            "fuzz",
            "run",
            // Our crates forbid unsafe code: what the sanitizer of addresses could find costs half the runs.
            "--sanitizer",
            "none",
            target,
            "--",
            &seconds,
            &longest,
            "-verbosity=0",
            "-print_final_stats=1",
        ]);
        run(&format!("fuzz target {target}"), command)?;
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

fn step(what: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
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
