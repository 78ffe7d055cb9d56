//! How many files and sockets the process may have open, and how many connections that leaves.

use crate::limits::{FEWEST_RESERVED_OPEN_FILES, OPEN_FILES_OF_A_SHARD, RESERVED_OPEN_FILES};

/// The connection limit, and what to say about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionRoom {
    pub connections: usize,
    /// The configuration asks for more than the process may open.
    pub warning: Option<String>,
}

/// Raises the process's limit on open files as far as it may, and gives it.
///
/// # Errors
/// A sentence, if the system does not tell the limit; then [`connection_room`] goes by a cautious guess.
pub fn raise_limit() -> Result<usize, String> {
    system::raise_limit()
}

/// Connections that a server has room for at the least, or it does not start.
const FEWEST_CONNECTIONS: usize = 4;

/// What the server needs for itself.
fn reserved(open_files: usize, shards: usize) -> usize {
    let fewest = FEWEST_RESERVED_OPEN_FILES + OPEN_FILES_OF_A_SHARD * shards;
    (open_files / 2).clamp(fewest, RESERVED_OPEN_FILES.max(fewest))
}

/// Whether this limit leaves anything to serve people with.
///
/// # Errors
/// A sentence: a server that starts all the same would stand there and answer nobody.
pub fn check(open_files: usize, shards: usize) -> Result<(), String> {
    let fewest = reserved(0, shards) + FEWEST_CONNECTIONS;
    if open_files >= fewest {
        return Ok(());
    }
    Err(format!(
        "this process may open {open_files} files only, too few to serve anyone; allow it {fewest} or more (ulimit -n, or \
         LimitNOFILE= of systemd)"
    ))
}

/// How many connections fit: `configured` (0: as many as possible), bounded by what the limit on open files leaves.
pub fn connection_room(configured: usize, open_files: usize, shards: usize) -> ConnectionRoom {
    let possible = open_files.saturating_sub(reserved(open_files, shards)).max(FEWEST_CONNECTIONS);
    if configured == 0 {
        return ConnectionRoom { connections: possible, warning: None };
    }
    let warning = (configured > possible).then(|| {
        format!(
            "[limits] connections: {configured} are configured, but this process may open {open_files} files, which leaves \
             {possible}; raise the limit on open files (ulimit -Hn, or LimitNOFILE= of systemd), or lower the key"
        )
    });
    ConnectionRoom { connections: configured.min(possible), warning }
}

#[cfg(unix)]
mod system {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// More than any machine of ours serves; also where macOS, whose hard limit is often infinite, draws its own line.
    const MOST: u64 = 1_048_576;

    pub(super) fn raise_limit() -> Result<usize, String> {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.unwrap_or(MOST).min(MOST);
        let now = current.unwrap_or(MOST);
        if now >= wanted {
            return Ok(now.min(MOST) as usize);
        }
        match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
            Ok(()) => Ok(wanted as usize),
            // What we have is enough to go on.
            Err(_) => Ok(now as usize),
        }
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn raise_limit() -> Result<usize, String> {
        Err("this system does not tell how many files a process may open; set [limits] connections".to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_on_open_files_bounds_connections() {
        let check = |configured, open_files, connections, warned: bool| {
            let room = connection_room(configured, open_files, 2);
            assert_eq!(room.connections, connections, "{configured} of {open_files}");
            assert_eq!(room.warning.is_some(), warned, "{configured} of {open_files}");
        };
        check(0, 20_000, 20_000 - RESERVED_OPEN_FILES, false);
        check(1_000, 20_000, 1_000, false);
        check(50_000, 20_000, 20_000 - RESERVED_OPEN_FILES, true);
        check(0, 256, 128, false);
        // Of few, half.
        check(0, 200, 100, false);
        check(0, 96, 40, false);
        check(0, 64, 8, false);
        // A machine with many cores needs more for itself.
        assert_eq!(connection_room(0, 1_024, 64).connections, 1_024 - 48 - 4 * 64);
    }

    #[test]
    fn too_few_open_files_are_said_at_once() {
        assert_eq!(super::check(60, 2), Ok(()));
        let refusal = super::check(59, 2).unwrap_err();
        assert!(refusal.contains("59 files") && refusal.contains("60 or more"), "{refusal}");
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let raised = raise_limit().unwrap();
        assert!(raised >= 256, "{raised}");
        assert_eq!(raise_limit().unwrap(), raised);
    }
}
