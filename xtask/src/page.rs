//! The page's own chores: its packages, its checks, and `cargo xtask page`, which leaves a built page among the sources so
//! that whoever gets them builds without Node.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

/// Beside the packages: the lock file that they were installed by. crates/web looks at it, too.
const INSTALLED: &str = "node_modules/.parlor-lock";

/// Runs npm in `web/`.
pub fn npm(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(root.join("web")).args(arguments);
    command
}

/// Installs exactly what the lock file names, unless that is there.
pub fn install(root: &Path) -> Result<(), String> {
    let web = root.join("web");
    let lock = read(&web.join("package-lock.json"))?;
    if fs::read(web.join(INSTALLED)).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let status = npm(root, &["ci", "--no-audit", "--no-fund"])
        .status()
        .map_err(|error| format!("npm could not be started: {error}"))?;
    if !status.success() {
        return Err(format!("npm ci failed in web/ ({status})"));
    }
    fs::write(web.join(INSTALLED), lock).map_err(|error| format!("web/{INSTALLED}: {error}"))
}

/// `cargo xtask page`: builds the page, and puts it into `web/dist`.
pub fn page(root: &Path) -> Result<(), String> {
    let dist = root.join("web/dist");
    // Else it might be built from what is there.
    remove(&dist).map_err(|error| format!("{}: {error}", dist.display()))?;
    let output = Command::new("cargo")
        .current_dir(root)
        .env("PARLOR_WEB", "required")
        .args(["build", "--package", "web", "--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("the page could not be built ({})", output.status));
    }
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "build-script-executed")
        .filter(|message| message["package_id"].as_str().is_some_and(|id| id.contains("crates/web")))
        .find_map(|message| Some(PathBuf::from(message["out_dir"].as_str()?).join("page")))
        .ok_or("cargo did not say where it has built the page")?;
    copy(&built, &dist).map_err(|error| format!("{} to {}: {error}", built.display(), dist.display()))?;
    println!("The page is in {}.", dist.display());
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy(&path, &place)? } else { fs::copy(&path, &place).map(drop)? }
    }
    Ok(())
}
