//! Programs that tests run besides our own. One that is missing is installed, where that can be done; else its absence is a
//! sentence and not a failed test.

use std::process::Command;

/// The program, how it tells its version, its Debian package, and what it is for.
const NEEDED: &[(&str, &str, &str, &str)] = &[
    ("tmux", "-V", "tmux", "in which the screen of chat_client is tested"),
    ("dbus-run-session", "--version", "dbus-daemon", "which is the session of a test with a keyring"),
    ("gnome-keyring-daemon", "--version", "gnome-keyring", "in which chat_client keeps passwords in a test"),
    ("node", "--version", "nodejs", "on which the page is built and tested, in version 20.19 or later"),
    ("npm", "--version", "npm", "which brings what the page is built with"),
    ("chromium", "--version", "chromium", "in which the page is tested"),
    ("ip", "-V", "iproute2", "with which the tests of several hosts make their networks"),
    ("tshark", "--version", "tshark", "which the wire view and the captures are compared with"),
    ("nft", "--version", "nftables", "which makes a router of a machine in the tests of several hosts"),
    ("dnsmasq", "--version", "dnsmasq-base", "whose names the tests of several hosts look up"),
];

pub fn install() -> Result<(), String> {
    let missing: Vec<_> = NEEDED.iter().filter(|(program, version, ..)| !is_there(program, version)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|(_, _, package, _)| *package).collect();
    for arguments in [vec!["update"], [vec!["install", "--yes", "--no-install-recommends"], packages].concat()] {
        // As someone who may not install, or where there is no apt-get: said below.
        let _ = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
    }
    match missing.into_iter().find(|(program, version, ..)| !is_there(program, version)) {
        None => Ok(()),
        Some((program, _, package, purpose)) => {
            Err(format!("{program} is missing, {purpose}; install it (`apt-get install {package}`)"))
        }
    }
}

fn is_there(program: &str, version: &str) -> bool {
    Command::new(program).arg(version).output().is_ok_and(|output| output.status.success())
}
