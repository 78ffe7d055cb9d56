//! `chat_client capture`: the file holds what was said, for those who asked for it, and Wireshark reads it.

use crate::support::{Daemon, program};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn capture(daemon: &Daemon, arguments: &[&str]) -> Output {
    Command::new(program("chat_client"))
        .arg("capture")
        .args(arguments)
        .env("HOME", daemon.folder.path())
        .env("XDG_DATA_HOME", daemon.folder.path().join("client"))
        .env("XDG_CONFIG_HOME", daemon.folder.path().join("client"))
        .stdin(Stdio::null())
        .output()
        .expect("chat_client starts")
}

/// The fields of the packets that fit; `None`, with a line that says so: there is no tshark here.
fn tshark(file: &Path, port: u16, filter: &str, fields: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-d", &format!("tcp.port=={port},tls")]);
    command.args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
    command.args(["-Y", filter, "-T", "fields", "-E", "separator=|"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
        }
        Err(error) => {
            eprintln!("not looked at with tshark ({error}); install it, as `apt-get install tshark` does");
            None
        }
    }
}

#[test]
fn a_conversation_is_captured_with_the_secrets_that_open_it() {
    let daemon = Daemon::start("");
    let (server, port) = (format!("ann@{}", daemon.address("ircs")), daemon.address("ircs").port());
    let path = daemon.folder.path().join("lesson.pcapng");
    let file = path.to_str().expect("UTF-8");

    let refused = capture(&daemon, &[file, "--guest", "--tls", "--send", "hello", &server]);
    let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{sentence}");
    assert!(sentence.contains("your password if you log in") && sentence.contains("--with-secrets"), "{sentence}");
    assert!(!path.exists());

    let done = capture(&daemon, &["--with-secrets", file, "--guest", "--tls", "--send", "seen by wireshark", &server]);
    let sentence = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{sentence}");
    assert!(sentence.contains("Careful: ") && sentence.contains("Delete it when you are done"), "{sentence}");
    let again = capture(&daemon, &["--with-secrets", file, "--guest", "--tls", "--send", "hello", &server]);
    assert_eq!(again.status.code(), Some(1), "nothing is written over");

    // What is in it is read without any secret besides.
    let said = "data.data contains \"PRIVMSG #lobby :seen by wireshark\"";
    let Some(sent) = tshark(&path, port, &format!("tcp.dstport == {port} && {said}"), &["data.data"]) else { return };
    assert_eq!(sent.len(), 1, "{sent:?}");
    let line: Vec<u8> = (0..sent[0].len() / 2)
        .map(|at| u8::from_str_radix(&sent[0][2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
        .collect();
    let line = String::from_utf8(line).expect("UTF-8");
    assert!(line.starts_with("@label=") && line.ends_with(" PRIVMSG #lobby :seen by wireshark\r\n"), "{line}");
    let echoed = tshark(&path, port, &format!("tcp.srcport == {port} && {said}"), &["frame.number"]);
    assert_eq!(echoed.expect("it is here").len(), 1);
    // Nothing that tshark finds fault with.
    let faults = "tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.malformed";
    assert_eq!(tshark(&path, port, faults, &["frame.number"]).expect("it is here"), Vec::<String>::new());
}
