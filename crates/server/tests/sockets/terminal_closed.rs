//! A server that was started in a terminal ends with it, and re-reads its configuration as long as the terminal is there.

use crate::support::{DEADLINE, Daemon, EXEMPT, TEST_CONFIG};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::OpenOptions;
use std::process::Stdio;

#[test]
fn closing_the_terminal_ends_the_server_and_sighup_alone_does_not() {
    // Not inherited: a terminal is closed when nobody holds this side of it.
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&controller).expect("granted");
    unlockpt(&controller).expect("unlocked");
    let path = ptsname(&controller, Vec::new()).expect("its name").into_string().expect("UTF-8");
    let terminal = OpenOptions::new().read(true).write(true).open(path).expect("opened");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config.toml"), format!("{TEST_CONFIG}\n{EXEMPT}")).expect("written");
    let mut server = Daemon::start_reading(folder, Stdio::from(terminal));

    server.signal("HUP");
    loop {
        let line = server.output.recv_timeout(DEADLINE).expect("a line about the reload");
        if line.contains("the configuration was read again (SIGHUP)") {
            break;
        }
    }

    drop(controller);
    server.signal("HUP");
    let status = server.wait_for_exit(DEADLINE).expect("the server goes on without its terminal");
    assert_eq!(status.code(), Some(0));
}
