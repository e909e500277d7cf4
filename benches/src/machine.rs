//! The machine: what it is, and whether anyone else used it meanwhile.
//!
//! The load average at the end contains what is measured itself, so the one at the start is what tells of
//! others, together with the processor time that went to none of the measured processes. Having built Lapwing
//! just before raises it too, which a few minutes of waiting cure.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lapwing_common::ids::Timestamp;
use lapwing_common::json;
use lapwing_measure::peers;

use crate::tools;

/// The part of all processor time that others may take before nothing is concluded.
const TOLERATED: f64 = 0.10;
/// How long to wait for a lower load average, which takes a minute to forget most of the past.
const PATIENCE: Duration = Duration::from_mins(3);

/// Facts that a time is meaningless without: what each is, and what it is here.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = first_value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let mut facts = vec![
        ("date", date()),
        ("CPU", format!("{cpu}, {} cores", cores())),
        ("memory", first_value(&read("/proc/meminfo"), "MemTotal").unwrap_or_default()),
        ("kernel", format!("Linux {} {}", read("/proc/sys/kernel/osrelease").trim(), std::env::consts::ARCH)),
    ];
    for program in ["strace", "tracexec", "bpftrace", "python3"] {
        let found = peers::find(program).map(|path| {
            let version = peers::version(&path).unwrap_or_else(|| "of unknown version".to_owned());
            format!("{version}{}", if is_script(&path) { " (a script)" } else { "" })
        });
        facts.push((program, found.unwrap_or_else(|| "not found".to_owned())));
    }
    let headers = tools::first_line(Command::new("sh").args(["-c", "find /usr/include -type f | wc -l"]));
    facts.push(("files in /usr/include", headers.unwrap_or_default()));
    facts
}

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn date() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = Vec::new();
    json::rfc3339(&mut text, Timestamp(since.as_secs() * 1_000_000_000));
    String::from_utf8_lossy(&text).replace(".000000000", "")
}

fn is_script(path: &Path) -> bool {
    fs::read(path).is_ok_and(|content| content.starts_with(b"#!"))
}

/// The value of the first line `name : value`.
fn first_value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

/// Who used the machine while something was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) cores: usize,
    /// The part of all processor time that others took, the hypervisor included.
    pub(crate) others: f64,
}

impl Load {
    /// Begins when the load average is low enough, or when it does not get so in reasonable time.
    pub(crate) fn watch() -> Watching {
        let until = Instant::now() + PATIENCE;
        while load_average() > cores() as f64 && Instant::now() < until {
            eprintln!("waiting for the load average to fall from {:.2} to {}", load_average(), cores());
            thread::sleep(Duration::from_secs(10));
        }
        Watching { start: load_average(), ticks: Ticks::now() }
    }

    /// Why nothing can be concluded from times, if so.
    pub(crate) fn objection(&self) -> Option<String> {
        let Self { start, cores, others, .. } = *self;
        if start > cores as f64 {
            return Some(format!("the load average was {start:.2} on {cores} cores before anything was measured"));
        }
        (others > TOLERATED).then(|| format!("others took {:.0} % of the processor time", others * 100.0))
    }
}

/// A measurement in progress.
#[derive(Debug)]
pub(crate) struct Watching {
    start: f64,
    ticks: Ticks,
}

impl Watching {
    pub(crate) fn end(self) -> Load {
        let now = Ticks::now();
        Load { start: self.start, end: load_average(), cores: cores(), others: now.taken_by_others(self.ticks) }
    }
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

/// Processor time since the machine or this process started, in clock ticks.
#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    all: u64,
    busy: u64,
    own: u64,
}

impl Ticks {
    fn now() -> Self {
        let machine = fs::read_to_string("/proc/stat").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        Self::read(&machine, &own)
    }

    /// From `/proc/stat` and `/proc/self/stat` (proc(5)).
    fn read(machine: &str, own: &str) -> Self {
        let numbers = |text: &str| text.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect::<Vec<u64>>();
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user and nice already.
        let machine = numbers(machine.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default());
        let sum = |members: &[usize]| members.iter().filter_map(|member| machine.get(*member)).sum::<u64>();
        // After the name in parentheses: utime, stime, cutime, cstime are members 14 to 17 of which 3 is the first.
        let own = numbers(own.rsplit_once(')').map_or("", |(_, rest)| rest));
        Self {
            all: sum(&[0, 1, 2, 3, 4, 5, 6, 7]),
            busy: sum(&[0, 1, 2, 7]),
            own: own.iter().skip(14 - 3).take(4).sum(),
        }
    }

    fn taken_by_others(self, before: Self) -> f64 {
        let others = (self.busy - before.busy).saturating_sub(self.own - before.own);
        others as f64 / (self.all - before.all).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_others_is_what_is_not_ours() {
        let before =
            Ticks::read("cpu  100 0 50 800 0 0 0 0 0 0\ncpu0 1 1\n", "1 (a) b) S 1 1 1 1 1 1 1 1 1 1 10 5 20 5 0");
        assert_eq!((before.all, before.busy, before.own), (950, 150, 40));
        let after = Ticks::read("cpu  250 0 100 1500 0 0 0 50 0 0\n", "1 (a) S 1 1 1 1 1 1 1 1 1 1 20 10 160 50 0");
        // 250 of 950 ticks were busy or stolen, 200 of them ours.
        assert!((after.taken_by_others(before) - 50.0 / 950.0).abs() < 1e-9);
        assert!(Ticks::now().taken_by_others(Ticks::now()) <= 1.0);
    }

    #[test]
    fn a_busy_machine_proves_nothing() {
        let quiet = Load { start: 0.5, end: 3.0, cores: 2, others: 0.02 };
        assert_eq!(quiet.objection(), None);
        assert!(Load { start: 2.5, ..quiet }.objection().unwrap().contains("2.50 on 2 cores"));
        assert!(Load { others: 0.3, ..quiet }.objection().unwrap().contains("30 %"));
    }

    #[test]
    fn facts_are_found_here() {
        assert_eq!(first_value("a\t: 1\nab : 2 : 3\n", "ab").as_deref(), Some("2 : 3"));
        assert!(facts().iter().any(|(fact, value)| *fact == "kernel" && value.len() > "Linux ".len()));
        assert!(date().ends_with('Z'));
    }
}
