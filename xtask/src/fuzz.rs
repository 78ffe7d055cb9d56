//! `cargo xtask fuzz`: the fuzz targets, built with the workspace's own profile and run by libFuzzer.
//!
//! Not by cargo-fuzz, which builds every crate once more, instrumented: here only our own are (fuzz/instrumented.sh), what they
//! stand on is what the tests were built with, and the same targets run as fast (docs/decisions/0017-fuzzing.md).

use crate::test::{root, run_quietly, step};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

#[derive(clap::Args)]
pub struct Arguments {
    /// Which target: line, session, names, search or screen.
    target: String,
    /// For how many seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u32,
    /// What libFuzzer is told besides, such as an input to run again.
    #[arg(last = true)]
    rest: Vec<String>,
}

struct Target {
    name: &'static str,
    /// For how long it runs in CI.
    seconds: u32,
    /// Bytes of its longest input.
    longest: u32,
}

const TARGETS: [Target; 5] = [
    Target { name: "line", seconds: 30, longest: 16_384 },
    Target { name: "session", seconds: 30, longest: 4_096 },
    Target { name: "names", seconds: 10, longest: 512 },
    Target { name: "search", seconds: 10, longest: 512 },
    Target { name: "screen", seconds: 10, longest: 4_096 },
];
/// So many targets run at once: as many cores as CI has.
const AT_ONCE: usize = 2;

pub fn fuzz(arguments: &Arguments) -> Result<(), String> {
    let Some(target) = TARGETS.iter().find(|target| target.name == arguments.target) else {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        return Err(format!("there is no fuzz target {:?}; there are {}", arguments.target, names.join(", ")));
    };
    let mut command = command(&built(&[target])?[0], target, arguments.seconds)?;
    let status = command.args(&arguments.rest).status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("fuzz target {} failed ({status})", target.name)) }
}

/// Each target for its time.
pub fn all() -> Result<(), String> {
    let targets: Vec<&Target> = TARGETS.iter().collect();
    let mut programs = Vec::new();
    step("the fuzz targets", || {
        programs = built(&targets)?;
        Ok(())
    })?;
    let waiting = Mutex::new(targets.into_iter().zip(programs));
    let failures = Mutex::new(Vec::new());
    let next = || waiting.lock().ok()?.next();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((target, program)) = next() {
                    let what = format!("fuzz target {}", target.name);
                    let result = command(&program, target, target.seconds)
                        .map(|mut command| {
                            command.args(["-verbosity=0", "-print_final_stats=1"]);
                            command
                        })
                        .and_then(|command| run_quietly(&what, command));
                    if let (Err(sentence), Ok(mut failures)) = (result, failures.lock()) {
                        failures.push(sentence);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_default();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// The program of each target, in their order.
fn built(targets: &[&Target]) -> Result<Vec<PathBuf>, String> {
    let root = root();
    let mut command = Command::new("cargo");
    // The whole workspace is asked for so that what our crates stand on has the features that the tests have it with.
    command
        .args(["build", "--workspace", "--features", "fuzz/targets", "--message-format=json-render-diagnostics"])
        .current_dir(&root)
        .env("RUSTC_WORKSPACE_WRAPPER", root.join("fuzz/instrumented.sh"))
        .stderr(Stdio::inherit());
    for target in targets {
        command.args(["--test", &test_of(target)]);
    }
    let output = command.output().map_err(|error| format!("{command:?} could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("the fuzz targets: {command:?} failed ({})", output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    targets
        .iter()
        .map(|target| {
            executable(&messages, &test_of(target)).ok_or_else(|| format!("cargo built no {}", test_of(target)))
        })
        .collect()
}

fn test_of(target: &Target) -> String {
    format!("fuzz_{}", target.name)
}

/// Where cargo says that it has put a program
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>).
fn executable(messages: &str, of: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message.get("target")?.get("name")?.as_str()? == of;
        is_it.then(|| message.get("executable")?.as_str().map(PathBuf::from)).flatten()
    })
}

/// Beginning with the seeds of its corpus, to which it adds what it finds; what breaks it is left in fuzz/artifacts.
fn command(program: &Path, target: &Target, seconds: u32) -> Result<Command, String> {
    let fuzz = root().join("fuzz");
    let corpus = fuzz.join("corpus").join(target.name);
    let artifacts = fuzz.join("artifacts").join(target.name);
    for folder in [&corpus, &artifacts] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{} could not be made: {error}", folder.display()))?;
    }
    let mut command = Command::new(program);
    command.current_dir(&fuzz).arg(&corpus).args([
        format!("-artifact_prefix={}/", artifacts.display()),
        format!("-max_total_time={seconds}"),
        format!("-max_len={}", target.longest),
    ]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_one_that_cargo_names() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"wire\"},\"executable\":null}\n",
            "no message\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"fuzz_line\"},\"executable\":\"/t/fuzz_line-1\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(executable(messages, "fuzz_line"), Some(PathBuf::from("/t/fuzz_line-1")));
        assert_eq!(executable(messages, "wire"), None);
        assert_eq!(executable(messages, "fuzz_session"), None);
    }

    #[test]
    fn every_target_has_its_file_and_its_place_in_the_manifest() {
        let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for target in &TARGETS {
            assert!(root().join(format!("fuzz/fuzz_targets/{}.rs", target.name)).is_file(), "{}", target.name);
            assert!(manifest.contains(&format!("name = {:?}", test_of(target))), "{}", target.name);
        }
        let files = std::fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap().count();
        assert_eq!(files, TARGETS.len(), "a target that CI does not run");
    }
}
