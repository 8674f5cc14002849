//! What Linux tells a process about itself, in /proc. Elsewhere there is nothing, and nothing is shown.

use super::all::Process;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Of the processor time in `/proc`: the same on every machine that Linux runs on today.
const TICKS_PER_SECOND: f64 = 100.0;

/// What `/proc` says. Times are in seconds, sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Snapshot {
    resident: u64,
    virtual_memory: u64,
    threads: u64,
    cpu: f64,
    /// Since the machine was started.
    started: f64,
}

impl Process {
    /// What is said of the start until the operating system tells it: a service may not see when the machine was
    /// started (`ProcSubset=pid`).
    pub(super) fn started_now(&self) {
        if let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) {
            self.start_time.set(now.as_secs_f64());
        }
    }

    /// Looks, and shows what there is to see.
    pub(super) fn refresh(&self) {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let text = |name: &str| fs::read_to_string(format!("/proc/{name}"));
        let (Ok(stat), Ok(status)) = (text("self/stat"), text("self/status")) else {
            return;
        };
        let Some(now) = Snapshot::read(&stat, &status) else {
            return;
        };
        self.resident.set(number(now.resident));
        self.virtual_memory.set(number(now.virtual_memory));
        self.threads.set(number(now.threads));
        // Two who look at the same time may both find it too small: it is right again with the next look.
        let more = now.cpu - self.cpu.get();
        if more > 0.0 {
            self.cpu.inc_by(more);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // Looking takes one.
            self.open_fds.set(number(open.count() as u64) - 1);
        }
        let most = getrlimit(Resource::Nofile).current;
        self.max_fds.set(number(most.unwrap_or(u64::MAX)));
        if let Some(booted) = text("stat").ok().as_deref().and_then(booted) {
            self.start_time.set(booted + now.started);
        }
    }
}

impl Snapshot {
    /// From the contents of `stat` and `status`.
    fn read(stat: &str, status: &str) -> Option<Snapshot> {
        // The name before may have any characters in it, brackets included.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Counted from the third, as proc(5) does.
        let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Snapshot {
            resident: line("VmRSS:")?.checked_mul(1024)?,
            virtual_memory: line("VmSize:")?.checked_mul(1024)?,
            threads: line("Threads:")?,
            cpu: seconds(ticks(14)?.checked_add(ticks(15)?)?),
            started: seconds(ticks(22)?),
        })
    }
}

/// When the machine was started, from the contents of `/proc/stat`.
fn booted(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 0 1 2 3 4 150 50 0 0 20 0 9 0 1234 99 88";
        let status = "Name:\tx\nVmSize:\t   20 kB\nVmRSS:\t   10 kB\nThreads:\t9\n";
        let expected = Snapshot {
            resident: 10_240,
            virtual_memory: 20_480,
            threads: 9,
            cpu: 2.0,
            started: 12.34,
        };
        assert_eq!(Snapshot::read(stat, status), Some(expected));
        assert_eq!(Snapshot::read(stat, "VmRSS: much"), None);
        assert_eq!(Snapshot::read("7 (x", status), None);
        assert_eq!(booted("cpu 1 2\nbtime 1700000000\n"), Some(1.7e9));
    }
}
