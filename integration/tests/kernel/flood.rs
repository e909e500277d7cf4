//! More than the rings hold, while nobody reads them: what was lost is counted, and the rest goes on.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use lapwing_integration::harness::{self, Backend, Lapwing};
use lapwing_integration::marker;
use lapwing_integration::run::{Watchdog, end_of, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Of each thread: two of them make some three times what a ring holds.
const CALLS: usize = 25_000;
const PROCESSES: usize = 50;

/// `tracee-flood` under Lapwing.
pub(crate) struct Flood {
    pub(crate) lapwing: Child,
    orders: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
    pub(crate) directory: TempDir,
}

/// What became of its calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) seen: usize,
    pub(crate) lost: usize,
    pub(crate) forks: usize,
    pub(crate) ended: bool,
}

impl Flood {
    /// Two for each ring of calls, which two CPUs share.
    fn threads() -> usize {
        2 * (Backend::Kernel.rings() - 1)
    }

    /// All that it will have made.
    pub(crate) fn opens() -> usize {
        Self::threads() * CALLS
    }

    /// Starts it, with the events in `events` of its directory, which is prepared before.
    pub(crate) fn start(prepare: impl FnOnce(&std::path::Path)) -> Self {
        let directory = TempDir::new().unwrap();
        let events = directory.path().join("events");
        prepare(&events);
        let file = directory.path().join("flooded");
        fs::write(&file, "").unwrap();
        let numbers = [Self::threads(), CALLS, PROCESSES].map(|number| number.to_string());
        let mut words = vec![env!("CARGO_BIN_EXE_tracee-flood")];
        words.extend(numbers.iter().map(String::as_str));
        words.push(file.to_str().unwrap());
        let mut lapwing = Lapwing::with(Backend::Kernel).telling_losses().command(&words, &events);
        lapwing.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut lapwing = lapwing.spawn().unwrap();
        let (orders, told) = (lapwing.stdin.take(), BufReader::new(lapwing.stdout.take().unwrap()));
        Self { lapwing, orders, told, directory }
    }

    /// Has it make all calls; returns when it has.
    pub(crate) fn rise(&mut self) {
        let watchdog = Watchdog::over(&self.lapwing);
        writeln!(self.orders.as_mut().unwrap()).unwrap();
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        assert!(!watchdog.barked());
        assert_eq!(line, "done\n");
    }

    /// Has it end.
    pub(crate) fn ebb(&mut self) {
        self.orders = None;
    }

    /// Waits for its end, and counts in what `events` gives then.
    pub(crate) fn counted(self, events: impl FnOnce(&std::path::Path) -> String) -> Counted {
        let output = end_of(self.lapwing);
        let lost = harness::losses(&output.stderr);
        let events = events(&self.directory.path().join("events"));
        let of = |words: &[&str]| events.lines().filter(|line| words.iter().all(|word| line.contains(word))).count();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(lost.get("forks execs and exits"), None, "{lost:?}");
        println!("lost: {lost:?}");
        Counted {
            seen: of(&["\"type\":\"open\"", "/flooded\""]),
            lost: usize::try_from(lost.get("open events").copied().unwrap_or(0)).unwrap(),
            forks: of(&["\"type\":\"fork\""]),
            ended: of(&["\"type\":\"prctl\"", marker::END]) > 0,
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

#[test]
fn what_the_rings_do_not_hold_is_counted_and_then_it_goes_on() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut flood = Flood::start(|_| {});
    // The command waits to be told; Lapwing has nothing to read meanwhile, and does not read.
    until("watched", || {
        fs::read_to_string(flood.directory.path().join("events")).is_ok_and(|text| text.contains("\"type\":\"exec\""))
    });
    signal(&flood.lapwing, Signal::SIGSTOP);
    flood.rise();
    signal(&flood.lapwing, Signal::SIGCONT);
    // What waits is read before there is more.
    let events = flood.directory.path().join("events");
    until("read on", || {
        let text = fs::read_to_string(&events).unwrap();
        text.lines().filter(|line| line.contains("\"type\":\"fork\"")).count() == PROCESSES
    });
    flood.ebb();
    let counted = flood.counted(|events| fs::read_to_string(events).unwrap());
    assert_eq!(counted.seen + counted.lost, Flood::opens(), "{counted:?}");
    assert!(counted.lost > 0 && counted.seen > 0, "the rings held it all: {counted:?}");
    assert!(counted.ended, "{counted:?}");
    assert_eq!(counted.forks, PROCESSES);
}
