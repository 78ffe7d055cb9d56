//! `chat_client discover`: the servers of the local network, as they appear and go.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::exit_code::Exit;
use crate::lan::{Announced, Listening, Neighbours, Seen, in_words};
use crate::zone::ip_text;

/// What helps where multicast does not get through, as on many school networks.
pub const JOIN_CODE_HELPS: &str = "If there is one, the network may block multicast: ask for the join code that chat_server \
                                   prints at its start, and type chat_client CODE.";

/// For so long; an object a line with `json`.
pub fn run(seconds: Duration, json: bool) -> Exit {
    match listen(seconds, json, &mut io::stdout().lock()) {
        Ok(true) => Exit::Fine,
        Ok(false) => {
            eprintln!("No server announced itself within {} s. {JOIN_CODE_HELPS}", seconds.as_secs());
            Exit::NoConnection
        }
        Err(sentence) => {
            eprintln!("{sentence}");
            Exit::Usage
        }
    }
}

/// Whether anyone was found.
fn listen(seconds: Duration, json: bool, output: &mut impl Write) -> Result<bool, String> {
    let listening = Listening::start()?;
    let deadline = Instant::now() + seconds;
    let mut neighbours = Neighbours::default();
    let mut any = false;
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let change = match listening.changes().recv_timeout(left) {
            Ok(change) => change,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(any),
        };
        let Some(seen) = neighbours.note(change) else { continue };
        any = true;
        let line = if json { in_json(&seen) } else { in_a_line(&seen) };
        // One more address is nothing new for whoever reads lines.
        let (Seen::There(key, _) | Seen::Gone(key, _)) = &seen;
        if shown.insert(key.clone(), line.clone()).as_ref() == Some(&line) {
            continue;
        }
        match writeln!(output, "{line}").and_then(|()| output.flush()) {
            Ok(()) => {}
            // Whoever reads has enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(true),
            Err(error) => return Err(format!("The output cannot be written ({error}).")),
        }
    }
}

fn in_a_line(seen: &Seen) -> String {
    match seen {
        Seen::There(_, found) => format!("+ {}", in_words(found)),
        Seen::Gone(_, was) => format!("- {} has gone", was.name),
    }
}

fn in_json(seen: &Seen) -> String {
    match seen {
        Seen::There(key, Announced { name, tls, host, port, addresses, fingerprint, policy }) => json!({
            "type": "there",
            "id": key,
            "name": name,
            "tls": tls,
            "host": host,
            "port": port,
            "addresses": addresses.iter().map(ip_text).collect::<Vec<_>>(),
            "sha256": fingerprint.map(|bytes| discovery::fingerprint_text(&bytes)),
            "join": policy.map(discovery::JoinPolicy::word),
        })
        .to_string(),
        Seen::Gone(key, was) => json!({ "type": "gone", "id": key, "name": was.name }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use discovery::JoinPolicy;

    #[test]
    fn lines_for_people_and_for_programs() {
        let found = Announced {
            name: "Room 12".to_owned(),
            tls: true,
            host: "pi.local".to_owned(),
            port: 6697,
            addresses: vec!["192.168.1.5:6697".parse().unwrap(), "[fd00::5]:6697".parse().unwrap()],
            fingerprint: Some([0xAB; 32]),
            policy: Some(JoinPolicy::Open),
        };
        let there = Seen::There("Room 12._ircs._tcp.local.".to_owned(), found.clone());
        let gone = Seen::Gone("Room 12._ircs._tcp.local.".to_owned(), found);
        assert_eq!(in_a_line(&there), "+ Room 12  192.168.1.5:6697, guests may come in");
        assert_eq!(in_a_line(&gone), "- Room 12 has gone");
        let object: serde_json::Value = serde_json::from_str(&in_json(&there)).unwrap();
        assert_eq!(object["addresses"][1], "fd00::5");
        assert_eq!(object["join"], "open");
        assert!(object["sha256"].as_str().unwrap().starts_with("AB:AB:"));
        let object: serde_json::Value = serde_json::from_str(&in_json(&gone)).unwrap();
        assert_eq!((object["type"].as_str(), object["name"].as_str()), (Some("gone"), Some("Room 12")));
    }
}
