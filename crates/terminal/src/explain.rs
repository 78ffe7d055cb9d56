//! `chat_client connect [--explain] HOST`: whether a server can be reached, and how one gets there.
//!
//! It goes the same way as a link that is meant to last, up to the first words of the server; nothing is kept.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use discovery::steps::{Answer, Endpoint, Question, Record, RecordKind, Step, TimedStep};
use serde_json::{Value, json};

use crate::address::{Address, Target};
use crate::arguments::Reaching;
use crate::exit_code::Exit;
use crate::known_servers::KnownServers;
use crate::link_failure::{LinkFailure, other_protocol};
use crate::network::{self, Opened};
use crate::printable::{escaped_json, printable};
use crate::zone::endpoint;

/// For the first words of a server that took the connection.
const GREETING_PATIENCE: Duration = Duration::from_secs(10);
/// Of them; a server that begins with more is none.
const LONGEST_GREETING: u64 = 8 * 1024;

/// What came of it.
struct Outcome {
    exit: Exit,
    sentence: String,
}

pub fn run(reaching: &Reaching) -> Exit {
    let address = match Address::parse(&reaching.server) {
        Ok(address) => address,
        Err(sentence) => {
            eprintln!("{sentence}");
            return Exit::Usage;
        }
    };
    let target = address.target(reaching.way.encryption());
    let known_servers = Arc::new(KnownServers::open());
    if let Some(code) = address.code {
        known_servers.promise_once(&target.to_string(), code.fingerprint);
    }
    let began = Instant::now();
    let mut output = io::stdout().lock();
    let mut written = Ok(());
    let mut tell = |step: Step| {
        if written.is_ok() {
            written = write_step(&mut output, reaching, &TimedStep { at: began.elapsed(), step });
        }
    };
    let outcome = go(&target, &known_servers, reaching.way.timeout, &mut tell);
    if written.is_ok() {
        written = write_outcome(&mut output, reaching.json, began.elapsed(), &outcome);
    }
    match written {
        // Whoever reads has enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("The output cannot be written ({error}).");
            Exit::Usage
        }
        _ => outcome.exit,
    }
}

fn write_step(output: &mut impl Write, reaching: &Reaching, step: &TimedStep) -> io::Result<()> {
    match (reaching.json, reaching.explain) {
        (true, _) => writeln!(output, "{}", escaped_json(in_json(step).to_string()))?,
        (false, true) => {
            writeln!(output, "{:>9.1} ms  {}", step.at.as_secs_f64() * 1_000.0, printable(&step.step.to_string()))?;
        }
        (false, false) => {}
    }
    output.flush()
}

fn write_outcome(output: &mut impl Write, json: bool, took: Duration, outcome: &Outcome) -> io::Result<()> {
    let is_reached = matches!(outcome.exit, Exit::Fine);
    if json {
        let at = milliseconds(took);
        let line = json!({ "step": "result", "at_ms": at, "reached": is_reached, "sentence": outcome.sentence });
        writeln!(output, "{}", escaped_json(line.to_string()))?;
    } else if is_reached {
        writeln!(output, "{}", printable(&outcome.sentence))?;
    } else {
        eprintln!("{}", printable(&outcome.sentence));
    }
    output.flush()
}

fn go(target: &Target, known_servers: &Arc<KnownServers>, timeout: Duration, tell: &mut dyn FnMut(Step)) -> Outcome {
    let began = Instant::now();
    let opened = match network::open(target, known_servers, None, began + timeout, tell) {
        Ok(opened) => opened,
        Err(failure) => {
            let exit = match failure {
                LinkFailure::CertificateRefused { .. } => Exit::CertificateChanged,
                _ => Exit::NoConnection,
            };
            return Outcome { exit, sentence: failure.to_string() };
        }
    };
    let address = endpoint(opened.address);
    let encryption = if target.tls { "encrypted" } else { "not encrypted" };
    match greeting(opened, timeout.min(GREETING_PATIENCE), tell) {
        Err(why) => Outcome {
            exit: Exit::NoConnection,
            sentence: format!(
                "{address} took the connection, but says nothing of IRC ({why}); check that it is the port of a chat server."
            ),
        },
        Ok(line) => match (other_protocol(target, &line), refusal(&line)) {
            (Some(sentence), _) => Outcome { exit: Exit::NoConnection, sentence },
            (None, Some(why)) => Outcome {
                exit: Exit::NoConnection,
                sentence: format!(
                    "The server at {target} is there, and turns us away ({why}); try again later, or ask its administrator."
                ),
            },
            (None, None) => Outcome {
                exit: Exit::Fine,
                sentence: format!(
                    "{target} answers at {address}, {encryption}, after {:.0} ms.",
                    began.elapsed().as_secs_f64() * 1_000.0
                ),
            },
        },
    }
}

/// The first line. The server is asked what it can do, which every one of today answers before a login.
fn greeting(opened: Opened, patience: Duration, tell: &mut dyn FnMut(Step)) -> Result<Vec<u8>, String> {
    let Opened { mut stream, tls, .. } = opened;
    let timeouts = stream.set_read_timeout(Some(patience)).and_then(|()| stream.set_write_timeout(Some(patience)));
    timeouts.map_err(|error| error.to_string())?;
    let began = Instant::now();
    let line = match tls {
        Some((mut tls, _)) => first_line(&mut rustls::Stream::new(&mut tls, &mut stream)),
        None => first_line(&mut stream),
    };
    let line = line.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!("nothing within {} s", patience.as_secs()),
        io::ErrorKind::UnexpectedEof => "it hung up".to_owned(),
        io::ErrorKind::ConnectionReset => "it reset the connection".to_owned(),
        _ => error.to_string(),
    })?;
    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
    tell(Step::Greeted { line: text, took: began.elapsed() });
    Ok(line)
}

fn first_line(stream: &mut (impl Read + Write)) -> io::Result<Vec<u8>> {
    stream.write_all(b"CAP LS 302\r\n")?;
    let mut line = Vec::new();
    let read = BufReader::new(Read::by_ref(stream).take(LONGEST_GREETING)).read_until(b'\n', &mut line);
    // What came before the end, or the silence, tells more than that.
    if line.is_empty() {
        return Err(read.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()));
    }
    // A goodbye costs nothing; whether it arrives is no matter.
    let _ = stream.write_all(b"QUIT\r\n");
    Ok(line)
}

/// What an ERROR says.
fn refusal(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let rest = text.trim_end().strip_prefix("ERROR")?;
    Some(rest.trim_start().trim_start_matches(':').to_owned())
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn in_json(timed: &TimedStep) -> Value {
    let (word, mut object) = match &timed.step {
        Step::Asked { via, question } => {
            ("asked", json!({ "via": via.to_string(), "question": question_in_json(question) }))
        }
        Step::Answered { via, question, took, answer } => (
            "answered",
            json!({
                "via": via.to_string(),
                "question": question_in_json(question),
                "took_ms": milliseconds(*took),
                "answer": match answer {
                    Answer::Records(_) => "records",
                    Answer::NoSuchName => "no-such-name",
                    Answer::NoRecords => "no-records",
                    Answer::NobodyAnswered => "nobody-answered",
                    Answer::Failed(_) => "failed",
                },
                "records": match answer {
                    Answer::Records(records) => records.iter().map(record_in_json).collect(),
                    _ => Vec::new(),
                },
                "why": match answer {
                    Answer::Failed(why) => Some(why),
                    _ => None,
                },
            }),
        ),
        Step::Announced { records } => {
            ("announced", json!({ "records": records.iter().map(record_in_json).collect::<Vec<_>>() }))
        }
        Step::Gone { name } => ("gone", json!({ "name": name })),
        Step::ServiceChosen { service, machines } => {
            let machine = |srv: &discovery::srv::Srv| json!({ "target": srv.target, "port": srv.port, "priority": srv.priority, "weight": srv.weight });
            let machines: Vec<Value> = machines.iter().map(machine).collect();
            ("service-chosen", json!({ "service": service, "machines": machines }))
        }
        Step::ServiceDenied { service } => ("service-denied", json!({ "service": service })),
        Step::Ordered { addresses } => {
            ("ordered", json!({ "addresses": addresses.iter().map(Endpoint::to_string).collect::<Vec<_>>() }))
        }
        Step::Trying { address } => ("trying", json!({ "address": address.to_string() })),
        Step::NotReached { address, took, why } => {
            ("not-reached", json!({ "address": address.to_string(), "took_ms": milliseconds(*took), "why": why }))
        }
        Step::Reached { address, local, took } => (
            "reached",
            json!({
                "address": address.to_string(),
                "local": local.as_ref().map(Endpoint::to_string),
                "took_ms": milliseconds(*took),
            }),
        ),
        Step::Outrun { address } => ("outrun", json!({ "address": address.to_string() })),
        Step::Encrypted { version, suite, took } => {
            ("encrypted", json!({ "version": version, "suite": suite, "took_ms": milliseconds(*took) }))
        }
        Step::Certificate { sha256, names, belief } => {
            ("certificate", json!({ "sha256": sha256, "names": names, "belief": belief.word() }))
        }
        Step::Greeted { line, took } => ("greeted", json!({ "line": line, "took_ms": milliseconds(*took) })),
    };
    object["step"] = word.into();
    object["at_ms"] = milliseconds(timed.at).into();
    object
}

fn question_in_json(question: &Question) -> Value {
    let kinds: Vec<&str> = question.kinds.iter().copied().map(RecordKind::word).collect();
    json!({ "name": question.name, "kinds": kinds })
}

fn record_in_json(record: &Record) -> Value {
    json!({ "name": record.name, "kind": record.kind.word(), "ttl": record.ttl, "data": record.data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_objects() {
        let took = Duration::from_micros(12_345);
        let record = Record { name: "h".into(), kind: RecordKind::A, ttl: Some(9), data: "192.0.2.1".into() };
        let step = Step::Answered {
            via: discovery::steps::Via::HostsFile,
            question: Question { name: "h".into(), kinds: vec![RecordKind::A] },
            took,
            answer: Answer::Records(vec![record]),
        };
        assert_eq!(
            in_json(&TimedStep { at: took, step }),
            json!({
                "step": "answered",
                "at_ms": 12.345,
                "via": "the hosts file",
                "question": { "name": "h", "kinds": ["A"] },
                "took_ms": 12.345,
                "answer": "records",
                "records": [{ "name": "h", "kind": "A", "ttl": 9, "data": "192.0.2.1" }],
                "why": null,
            })
        );
    }

    #[test]
    fn a_server_may_turn_us_away() {
        assert_eq!(refusal(b"ERROR :Too many\r\n").as_deref(), Some("Too many"));
        assert_eq!(refusal(b":s CAP * LS :sasl\r\n"), None);
    }
}
