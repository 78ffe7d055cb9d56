//! Scenarios against the limit server: two real processes, real sockets, small numbers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

struct Limit {
    process: Child,
    address: String,
}

impl Limit {
    fn start(mode: &str) -> Limit {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(["limit", "--listen", "127.0.0.1:0", "--mode", mode])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the limit server starts");
        let output = process.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().trim_start_matches("listening on ").to_owned();
        Limit { process, address }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // Nothing to be done about a process that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a scenario; the figures of its median round.
#[track_caller]
fn check(mode: &str, scenario: &[&str]) -> Value {
    let limit = Limit::start(mode);
    let pid = limit.process.id().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(scenario)
        .args(["--server", &limit.address, "--server-pid", &pid, "--json"])
        .output()
        .expect("loadgen starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario:?} {mode}: {errors}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["scenario"], scenario[0]);
    assert!(report["verified"].as_u64() > Some(0), "{report}");
    report["median"].clone()
}

const SHORT: [&str; 6] = ["--warm-up", "0.1", "--seconds", "0.3", "--rounds", "1"];

#[test]
fn fanout_in_both_modes() {
    for mode in ["batch", "single"] {
        for clients in ["plain", "tags", "mixed"] {
            let numbers = ["fanout", "--members", "20", "--outstanding", "8"];
            let scenario = [&numbers[..], &["--clients", clients], &SHORT].concat();
            let figures = check(mode, &scenario);
            assert!(figures["deliveries"].as_f64() > Some(20.0), "{figures}");
        }
    }
}

#[test]
fn latency_waits_for_the_last_reader() {
    let scenario = [&["latency", "--members", "20", "--rate", "50"][..], &SHORT].concat();
    let figures = check("batch", &scenario);
    assert_eq!(figures["messages"], 15.0);
    assert!(figures["p99_ms"].as_f64() >= figures["p50_ms"].as_f64(), "{figures}");
}

#[test]
fn pairs_and_senders_that_wait_for_their_echo() {
    let pairs = [&["pairs", "--rooms", "5"][..], &SHORT].concat();
    let durable = [&["durable", "--senders", "8", "--rooms", "2"][..], &SHORT].concat();
    for scenario in [pairs, durable] {
        let figures = check("batch", &scenario);
        assert!(figures["messages_per_second"].as_f64() > Some(0.0), "{figures}");
    }
}

#[test]
fn idle_clients_are_counted() {
    let figures = check("batch", &["idle", "--count", "60", "--baseline", "20"]);
    assert_eq!(figures["registrations"], 40.0);
}

#[test]
fn a_server_that_is_not_there_is_one_sentence() {
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["fanout", "--server", "127.0.0.1:1"])
        .output()
        .expect("loadgen starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.starts_with("loadgen: cannot connect client 0"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
}
