//! What is read off a run: a process's CPU time and memory, percentiles and medians.

use std::fs;
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// A thread of a process that is being measured.
#[derive(Debug, Clone)]
pub struct Thread {
    schedstat: std::path::PathBuf,
}

impl Thread {
    /// The first figure of schedstat (Documentation/scheduler/sched-stats.rst), nanoseconds; 0 where it can't be read.
    pub fn cpu_time(&self) -> Duration {
        let text = fs::read_to_string(&self.schedstat).unwrap_or_default();
        Duration::from_nanos(text.split(' ').next().and_then(|figure| figure.parse().ok()).unwrap_or_default())
    }
}

/// A process that is being measured, by its id.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    id: u32,
}

impl Process {
    pub fn new(id: u32) -> Process {
        Process { id }
    }

    pub fn own() -> Process {
        Process { id: std::process::id() }
    }

    /// CPU time of all threads, ended ones included: `utime + stime` of /proc/PID/stat (proc(5)), in steps of one clock tick (10 ms).
    pub fn cpu_time(self) -> Result<Duration, Fault> {
        let stat = self.read("stat")?;
        let ticks = cpu_ticks(&stat).ok_or_else(|| self.unreadable("stat"))?;
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    /// Resident memory in KiB: `Rss` of /proc/PID/smaps_rollup, which counts pages exactly (statm may lag by some pages per thread).
    pub fn resident_kib(self) -> Result<u64, Fault> {
        let rollup = self.read("smaps_rollup")?;
        rss_kib(&rollup).ok_or_else(|| self.unreadable("smaps_rollup"))
    }

    /// One of its threads, by its name.
    pub fn thread(self, name: &str) -> Result<Thread, Fault> {
        let tasks = format!("/proc/{}/task", self.id);
        let failed = |error| Fault::Io(format!("look for the thread \"{name}\" in {tasks}"), error);
        for task in fs::read_dir(&tasks).map_err(failed)? {
            let task = task.map_err(failed)?.path();
            // A thread may end meanwhile.
            if fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name) {
                return Ok(Thread { schedstat: task.join("schedstat") });
            }
        }
        Err(Fault::Usage(format!("process {} has no thread \"{name}\"", self.id)))
    }

    /// Waits until the process has used no CPU time for 300 ms, at most 10 s: then what it does after the fact (freeing
    /// hand-shake buffers, say) is done and its memory can be read.
    pub fn settle(self) -> Result<(), Fault> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut seen = self.cpu_time()?;
        loop {
            std::thread::sleep(Duration::from_millis(300));
            let now = self.cpu_time()?;
            if now == seen || Instant::now() >= deadline {
                return Ok(());
            }
            seen = now;
        }
    }

    fn read(self, file: &str) -> Result<String, Fault> {
        let path = format!("/proc/{}/{file}", self.id);
        fs::read_to_string(&path).map_err(|error| {
            Fault::Usage(format!(
                "cannot read {path}: {error}; give --server-pid the id of a running process that you may look into"
            ))
        })
    }

    fn unreadable(self, file: &str) -> Fault {
        Fault::Usage(format!("/proc/{}/{file} does not look as proc(5) says", self.id))
    }
}

/// utime + stime, fields 14 and 15. The command in field 2 may hold spaces and brackets, so counting starts behind the last `)`.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let behind = &stat[stat.rfind(')')? + 1..];
    let mut fields = behind.split_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

fn rss_kib(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find(|line| line.starts_with("Rss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The value that `percent` of all values do not exceed (nearest rank). `sorted` ascending; 0 where it is empty.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    match sorted.get(rank.saturating_sub(1)) {
        Some(&value) => value,
        None => 0.0,
    }
}

/// The middle value, or the mean of the two middle ones; 0 where there is none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[length / 2],
        length => (sorted[length / 2 - 1] + sorted[length / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        for (values, percent, expected) in [
            (&hundred[..], 50.0, 50.0),
            (&hundred[..], 99.0, 99.0),
            (&hundred[..], 99.1, 100.0),
            (&hundred[..], 100.0, 100.0),
            (&hundred[..], 0.0, 1.0),
            (&hundred[..1], 99.0, 1.0),
            (&[], 99.0, 0.0),
        ] {
            assert_eq!(percentile(values, percent), expected, "p{percent} of {}", values.len());
        }
    }

    #[test]
    fn the_median_needs_no_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn cpu_ticks_are_found_behind_any_command_name() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 1100 22 0 0 20";
        assert_eq!(cpu_ticks(stat), Some(1122));
    }

    #[test]
    fn the_own_process_can_be_measured() {
        let own = Process::own();
        assert!(own.resident_kib().expect("readable") > 100);
        own.cpu_time().expect("readable");
    }
}
