//! The threads and processes of `tracee-worker`, told what to do.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use lapwing_integration::run::{Watchdog, tasks};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tracee-worker");

/// All who make a file at each order.
const WHO: [&str; 14] = [
    "leader",
    "newthread",
    "newprocess",
    "parent-thread0",
    "parent-thread1",
    "parent-thread2",
    "child0-leader",
    "child0-thread0",
    "child0-thread1",
    "child0-thread2",
    "child1-leader",
    "child1-thread0",
    "child1-thread1",
    "child1-thread2",
];

/// A running `tracee-worker`, alone or under Lapwing.
pub(crate) struct Worker {
    /// The process that was started: the worker, or Lapwing.
    pub(crate) child: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
    pub(crate) directory: TempDir,
    _watchdog: Watchdog,
}

impl Worker {
    pub(crate) fn start(make: impl FnOnce(&[&str]) -> Command) -> Self {
        let directory = TempDir::new().unwrap();
        let mut command = make(&[PROGRAM, directory.path().to_str().unwrap()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let watchdog = Watchdog::over(&child);
        let (tell, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut worker = Self { child, tell, told, directory, _watchdog: watchdog };
        worker.expect("ready");
        worker
    }

    pub(crate) fn alone() -> Self {
        Self::start(|words| {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]);
            command
        })
    }

    fn expect(&mut self, line: &str) {
        let mut told = String::new();
        self.told.read_line(&mut told).unwrap();
        assert_eq!(told.trim_end(), line);
    }

    /// Makes everybody work, and sees that they did.
    pub(crate) fn work(&mut self, order: &str) {
        writeln!(self.tell, "{order}").unwrap();
        self.expect(&format!("done {order}"));
        let made: BTreeSet<String> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(names(order).is_subset(&made), "order {order}: {made:?}");
    }

    /// Waits for the end of the pipe that all of them write to; returns what was still said.
    pub(crate) fn silence(mut self) -> String {
        drop(self.tell);
        let mut rest = String::new();
        self.told.read_to_string(&mut rest).unwrap();
        rest
    }
}

/// The names of the files of an order.
pub(crate) fn names(order: &str) -> BTreeSet<String> {
    WHO.iter().map(|who| format!("{who}-{order}")).collect()
}

/// Those of them that were opened, by the events.
pub(crate) fn opened(events: &[Value], directory: &Path) -> BTreeSet<String> {
    let path = |event: &Value| event["open"]["file"]["path"].as_str().map(str::to_owned);
    let inside =
        |path: String| Path::new(&path).strip_prefix(directory).ok().map(|name| name.to_str().unwrap().to_owned());
    events.iter().filter_map(path).filter_map(inside).filter(|name| !name.is_empty()).collect()
}

/// The tracers of all threads of a process; 0 for none.
pub(crate) fn tracers(pid: u32) -> BTreeSet<u32> {
    let tracer = |task: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{task}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("TracerPid:")?.trim().parse().ok())
    };
    tasks(pid).into_iter().filter_map(tracer).collect()
}
