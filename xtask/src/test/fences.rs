//! The arrows between the crates (ARCHITECTURE.md), read from their manifests; a forbidden one fails the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each crate, and which of ours it may see.
const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("chat", &[]),
    ("session", &["chat", "wire"]),
    ("client_core", &["wire"]),
    ("discovery", &[]),
    ("layers", &[]),
    ("socket_facts", &[]),
    ("web", &[]),
    ("server", &["session", "chat", "wire", "web", "discovery", "socket_facts"]),
    ("terminal", &["client_core", "wire", "discovery", "layers", "socket_facts"]),
    ("loadgen", &["client_core", "wire"]),
    ("simulator", &["session", "chat", "wire", "client_core"]),
];

/// Crates without clock, chance, I/O or thread: their clippy.toml must ban the calls.
const PURE: &[&str] = &["wire", "chat", "session", "client_core", "discovery", "layers"];

/// Crates that a pure one must not see even from outside our own: they bring clocks, sockets, threads or chance.
const IMPURE_DEPENDENCIES: &[&str] =
    &["tokio", "mio", "socket2", "rusqlite", "getrandom", "rand", "rustix", "libc", "tracing", "rustls", "hyper"];

/// What a pure crate's clippy.toml must name at the least.
const BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::fs::",
    "std::net::Tcp",
    "std::env::var",
    "RandomState",
];

pub fn check(root: &Path) -> Result<(), String> {
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    let folders = fs::read_dir(root.join("crates")).map_err(|error| format!("crates/ could not be read: {error}"))?;
    for folder in folders.flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        seen.insert(name.clone());
        match fs::read_to_string(folder.path().join("Cargo.toml")) {
            Ok(manifest) => check_crate(&name, &folder.path(), &manifest, &mut complaints),
            Err(error) => complaints.push(format!("crates/{name}/Cargo.toml could not be read: {error}")),
        }
    }
    for (name, _) in ARROWS {
        if !seen.contains(*name) {
            complaints
                .push(format!("crates/{name} is missing; change ARROWS in xtask/src/test/fences.rs if it is gone"));
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

fn check_crate(name: &str, folder: &Path, manifest: &str, complaints: &mut Vec<String>) {
    let Some((_, allowed)) = ARROWS.iter().find(|(of, _)| *of == name) else {
        complaints.push(format!("crates/{name} has no arrows; say in xtask/src/test/fences.rs what it may see"));
        return;
    };
    let Ok(manifest) = manifest.parse::<toml::Table>() else {
        complaints.push(format!("crates/{name}/Cargo.toml is not TOML"));
        return;
    };
    let empty = toml::Table::new();
    // Tests may look further than the code does (the session's transcripts, the server's end-to-end tests).
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).unwrap_or(&empty);
    for dependency in dependencies.keys() {
        let is_ours = ARROWS.iter().any(|(of, _)| of == dependency);
        if is_ours && !allowed.contains(&dependency.as_str()) {
            complaints.push(format!("crates/{name} may not see {dependency}: the arrows are in ARCHITECTURE.md"));
        }
        if PURE.contains(&name) && IMPURE_DEPENDENCIES.contains(&dependency.as_str()) {
            complaints.push(format!("crates/{name} is pure and may not use {dependency}"));
        }
    }
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    let own_lints = manifest.get("lints").and_then(|lints| lints.get("rust"));
    let forbids_unsafe =
        own_lints.and_then(|rust| rust.get("unsafe_code")).and_then(toml::Value::as_str) == Some("forbid");
    if lints != Some(true) && !forbids_unsafe && name != "loadgen" {
        complaints.push(format!("crates/{name} does not take the workspace's lints, which forbid unsafe code"));
    }
    if PURE.contains(&name) {
        let bans = fs::read_to_string(folder.join("clippy.toml")).unwrap_or_default();
        for ban in BANS {
            if !bans.contains(ban) {
                complaints.push(format!("crates/{name}/clippy.toml does not ban {ban}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints_of(name: &str, manifest: &str) -> Vec<String> {
        let folder = crate::test::root().join("crates").join(name);
        let mut complaints = Vec::new();
        check_crate(name, &folder, manifest, &mut complaints);
        complaints
    }

    #[test]
    fn the_crates_as_they_stand_keep_to_the_arrows() {
        assert_eq!(check(&crate::test::root()), Ok(()));
    }

    #[test]
    fn a_forbidden_arrow_is_named() {
        let cases = [
            ("wire", "[dependencies]\nchat = { path = \"../chat\" }", "may not see chat"),
            ("chat", "[dependencies]\nwire.workspace = true", "may not see wire"),
            ("simulator", "[dependencies]\nserver.workspace = true", "may not see server"),
            ("session", "[dependencies]\nmio = \"1\"", "is pure and may not use mio"),
            ("server", "[dependencies]\n", "does not take the workspace's lints"),
        ];
        for (name, manifest, expected) in cases {
            let complaints = complaints_of(name, manifest);
            assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{name}: {complaints:?}");
        }
    }
}
