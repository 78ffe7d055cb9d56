//! How quick the screen is while much is said, and how much memory a long way up takes. In a submission both are short and run
//! in a debug build; the figures of docs/terminal.md are those of
//! `PARLOR_SCROLL=100000 cargo test --release -p server --test sockets full_screen::measures -- --nocapture --test-threads 1`.

use super::*;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Messages a second while it is typed.
const NOISE: u32 = 200;
/// Texts typed.
const ROUNDS: u32 = 40;
/// From a key, and from Enter to the echo. A debug build beside other tests is no measure, but must not be hopeless.
const LONGEST_MILLISECONDS: u128 = if cfg!(debug_assertions) { 2_000 } else { 50 };
const LARGEST_MIB: u64 = 60;

fn median_and_worst(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

/// Somebody who talks all the time, until this is dropped.
struct Noise {
    stop: Arc<AtomicBool>,
    talking: Option<thread::JoinHandle<()>>,
}

impl Noise {
    fn begin(daemon: &Daemon) -> Noise {
        let mut talker = Irc::register_with(daemon.irc(), "talker", "message-tags");
        talker.join("#lobby");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let talk = move || {
            let begun = Instant::now();
            let mut said = 0;
            while !stopped.load(Ordering::Relaxed) {
                let due = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX).saturating_mul(NOISE) / 1_000;
                while said < due {
                    said += 1;
                    talker.send(&format!("PRIVMSG #lobby :so it goes on, number {said}"));
                }
                // This paces the talk.
                thread::sleep(Duration::from_millis(5));
            }
        };
        Noise { stop, talking: Some(thread::spawn(talk)) }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.talking.take().map(thread::JoinHandle::join);
    }
}

#[test]
fn what_is_typed_is_seen_at_once_while_much_is_said() {
    let (daemon, port) = on_a_fixed_port();
    // High enough that nothing is gone before it was looked at.
    let alice =
        Terminal::start(daemon.folder.path(), "alice", 100, 150, &format!("--plain --guest alice@127.0.0.1:{port}"));
    alice.sees(" online");
    let noise = Noise::begin(&daemon);
    alice.sees("number 100");
    let (mut keys, mut echoes, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    // tmux takes and shows in its own time, which counts here.
    let seen_after = |is_so: &dyn Fn(&str) -> bool, looks: &mut Vec<Duration>| {
        let begun = Instant::now();
        loop {
            let look = Instant::now();
            let picture = alice.picture();
            looks.push(look.elapsed());
            if is_so(&picture) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < DEADLINE, "{picture}");
        }
    };
    for round in 0..ROUNDS {
        let word = format!("typed{round:03}x");
        alice.types(&word);
        let in_line = |picture: &str| picture.lines().any(|line| line.contains("│> ") && line.contains(&word));
        keys.push(seen_after(&in_line, &mut looks));
        alice.keys(&["Enter"]);
        let echoed = |picture: &str| {
            picture.lines().any(|line| line.contains(&word) && !line.contains("│> ") && !line.contains('…'))
        };
        echoes.push(seen_after(&echoed, &mut looks));
    }
    drop(noise);
    let ((key, worst_key), (echo, worst_echo)) = (median_and_worst(&mut keys), median_and_worst(&mut echoes));
    let (look, _) = median_and_worst(&mut looks);
    println!(
        "at {NOISE} messages a second: a word typed is on the screen after {key:.1?} (95 of 100: {worst_key:.1?}), its echo \
         after Enter {echo:.1?} ({worst_echo:.1?}); each look through tmux takes {look:.1?} of it"
    );
    for worst in [worst_key, worst_echo] {
        assert!(worst.as_millis() <= LONGEST_MILLISECONDS, "{worst:?}");
    }
}

#[test]
fn a_long_way_up_takes_little_memory() {
    let count: usize = std::env::var("PARLOR_SCROLL").ok().and_then(|count| count.parse().ok()).unwrap_or(3_000);
    let (daemon, port) = on_a_fixed_port();
    let mut talker = Irc::register(daemon.irc(), "talker");
    talker.join("#lobby");
    for first in (0..count).step_by(500) {
        let lines: String = (first..(first + 500).min(count))
            .map(|number| {
                format!(
                    "PRIVMSG #lobby :Something of the usual length, that people say to each other all day: {number}\r\n"
                )
            })
            .collect();
        talker.stream().write_all(format!("{lines}PING {first}\r\n").as_bytes()).expect("a link");
        talker.expect(" PONG ");
    }
    let alice =
        Terminal::start(daemon.folder.path(), "alice", 100, 200, &format!("--plain --guest alice@127.0.0.1:{port}"));
    alice.sees(" online");
    alice.sees(&format!("all day: {}", count - 1));
    let begun = Instant::now();
    loop {
        alice.tmux(&["send-keys", "-N", "20", "PPage"]);
        let picture = alice.picture();
        if picture.contains("all day: 0\n") || picture.contains("the beginning") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "{picture}");
    }
    let process = std::fs::read_to_string(daemon.folder.path().join("alice/pid")).expect("the client's process");
    let mut status = String::new();
    std::fs::File::open(format!("/proc/{}/status", process.trim()))
        .and_then(|mut file| file.read_to_string(&mut status))
        .expect("the process's state");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    println!("{count} messages scrolled through in {:.1?}: the client takes {} MiB", begun.elapsed(), kib / 1_024);
    assert!(cfg!(debug_assertions) || kib <= LARGEST_MIB * 1_024, "{kib} KiB");
}
