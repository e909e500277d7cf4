//! An agent that observes a tree of processes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lapwing_integration::agent::{Agent, Home, Talker};
use lapwing_integration::harness::{Backend, binary, read_events};
use lapwing_integration::need::{Need, require};
use lapwing_integration::run::{Watchdog, end_of, until};
use lapwing_proto::control::v1::{EventsRequest, Request, from_agent, from_client, request, response};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::dumps::{dump, json};

/// A shell that does what it is told, and ends with this value.
pub(crate) struct Shell {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _watchdog: Watchdog,
}

impl Shell {
    pub(crate) fn start() -> Self {
        Self::by(&mut Command::new("sh"))
    }

    /// What runs the shell: its own command, or another that starts one.
    pub(crate) fn by(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { _watchdog: Watchdog::over(&child), child, orders, answers }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns when it has been done.
    pub(crate) fn tell(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}; echo done").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.orders.take());
        self.child.wait().unwrap();
    }
}

/// A shell and an agent that observes it, where there is a backend for that.
fn observed() -> Option<(Home, Shell, Agent)> {
    if !Backend::Kernel.is_available() {
        return None;
    }
    // Built first, if need be: nobody waits for the shell meanwhile.
    let _ = binary();
    let (home, shell) = (Home::new(), Shell::start());
    let agent = home.start(&["--backend", "kernel", "--scope", &format!("tree:{}", shell.pid())]);
    Some((home, shell, agent))
}

/// `lapwing events` that has begun.
pub(crate) struct Follower {
    child: Child,
    file: PathBuf,
}

impl Follower {
    pub(crate) fn start(home: &Home, name: &str, options: &[&str]) -> Self {
        let streams = home.status()["clients"]["streams"].as_u64().unwrap();
        let file = home.path().join(name);
        let mut command = home.command(&["events", "--format", "json"]);
        let command = command.args(options).stdin(Stdio::null()).stdout(File::create(&file).unwrap());
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        until("the stream has begun", || home.status()["clients"]["streams"].as_u64() > Some(streams));
        Self { child, file }
    }

    /// What it has written once that are so many events, and a moment later.
    pub(crate) fn events(self, count: u64) -> Vec<Value> {
        let count = usize::try_from(count).unwrap();
        until("all have arrived", || fs::read_to_string(&self.file).unwrap().lines().count() >= count);
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).unwrap();
        end_of(self.child);
        read_events(&self.file).unwrap()
    }
}

fn by_type(status: &Value) -> BTreeMap<String, u64> {
    let events = status["events"].as_array().unwrap().iter();
    events.map(|event| (event["type"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap())).collect()
}

/// Waits until the agent has seen so many exits.
fn until_exits(home: &Home, count: u64) {
    until("all exits are seen", || by_type(&home.status()).get("exit").is_some_and(|exits| *exits >= count));
}

#[test]
fn followers_see_what_the_status_counts() {
    let Some((home, mut shell, _agent)) = observed() else { return };
    let all = Follower::start(&home, "all", &[]);
    let exits = Follower::start(&home, "exits", &["--type", "exit"]);
    let nobody = Follower::start(&home, "nobody", &["--pid", "1"]);
    for _ in 0..20 {
        shell.tell("/bin/true; /bin/cat /etc/hostname > /dev/null");
    }
    until_exits(&home, 40);
    let status = home.status();
    let sum = by_type(&status).values().sum();
    let seen = all.events(sum).iter().fold(BTreeMap::new(), |mut counts, event| {
        *counts.entry(event["type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        counts
    });
    assert_eq!(by_type(&status), seen);
    assert_eq!(seen["exec"], 40);
    assert_eq!(exits.events(40).len(), 40);
    assert_eq!(nobody.events(0).len(), 0);
    assert_eq!(status["backend"]["name"], "kernel");
    assert_eq!(status["backend"]["scope"], format!("tree:{}", shell.pid()));
    assert!(status["counters"]["observations"].as_u64() >= Some(sum));
}

#[test]
fn a_follower_that_does_not_read_holds_nobody_up_and_learns_what_it_has_missed() {
    let Some((home, mut shell, _agent)) = observed() else { return };
    let reader = Follower::start(&home, "reader", &["--type", "exit"]);
    let mut stuck = Talker::welcome(&home.socket());
    let what = Some(request::What::Events(EventsRequest::default()));
    stuck.say(from_client::Message::Request(Request { id: 1, what }));
    until("both follow", || home.status()["clients"]["streams"] == 2);
    // Some thousand events of half a KiB each, and more than a socket and a queue hold.
    shell.tell("i=0; while [ $i -lt 400 ]; do /bin/ls -d / /etc /usr > /dev/null; i=$((i+1)); done");
    until_exits(&home, 400);
    let status = home.status();
    let dropped = |status: &Value| {
        let losses = status["losses"].as_array().unwrap();
        losses.iter().find(|loss| loss["name"] == "dropped").map_or(0, |loss| loss["count"].as_u64().unwrap())
    };
    let missed = dropped(&status);
    assert!(missed > 0, "{status:#}");
    assert_eq!(reader.events(400).len(), 400, "the other one has everything");
    let all: u64 = by_type(&status).values().sum();
    let (mut lines, mut told) = (0, 0);
    // Never more, and in the end all there was: otherwise nothing more comes, which is a failure, too.
    while lines + told < all {
        match stuck.hear() {
            Some(from_agent::Message::Response(answer)) => match answer.what.unwrap() {
                response::What::Events(events) => {
                    lines += u64::try_from(events.lines.iter().filter(|byte| **byte == b'\n').count()).unwrap();
                    told = events.dropped;
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((lines + told, told), (all, missed), "what it got and what it missed are all there was");
}

/// The ring is full while they end, since the agent does not read it.
#[test]
fn processes_whose_exit_was_lost_are_looked_for() {
    let Some((home, mut shell, agent)) = observed() else { return };
    shell.tell("for i in 1 2 3 4 5 6 7 8; do sleep 120 & pids=\"$pids $!\"; done");
    until("they are seen", || by_type(&home.status()).get("fork").is_some_and(|forks| *forks >= 8));
    agent.signal(Signal::SIGSTOP);
    let ballast = "x".repeat(50_000);
    // Records of execs fill the ring, but for room for some hundreds of forks and exits.
    shell.tell(&format!("export BALLAST={ballast}; i=0; while [ $i -lt 400 ]; do /bin/true; i=$((i + 1)); done"));
    shell.tell("i=0; while [ $i -lt 500 ]; do (:); i=$((i + 1)); done; kill $pids; wait");
    agent.signal(Signal::SIGCONT);
    let counted = |name: &str| home.status()["counters"][name].as_u64().unwrap_or(0);
    until("they are removed", || counted("process_cache.lost_exits") >= 8);
    // Who is there stays.
    shell.tell("/bin/true");
    let known = json(&dump(&home, &["process-cache", "dump", "--format", "json"])[0]);
    let is_known =
        |key: &str, value: Value| known["Entries"].as_array().unwrap().iter().any(|entry| entry[key] == value);
    assert!(is_known("PID", shell.pid().into()) && !is_known("Comm", "sleep".into()), "{known}");
}

#[test]
fn an_agent_outlives_the_tree_that_it_observes() {
    let Some((home, shell, _agent)) = observed() else { return };
    drop(shell);
    until("the end is noticed", || home.status()["backend"]["ended"] != "");
    let output = home.run(&["self-test"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.starts_with("kernel: FAILED: it observes nothing any more"), "{said}");
}

#[test]
fn the_self_test_passes_in_a_control_group() {
    let Some(group) = Group::new("observing") else { return };
    let home = Home::new();
    let _agent = home.start(&["--backend", "kernel", "--scope", &format!("cgroup:{}", group.0.display())]);
    let output = home.run(&["self-test"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("kernel: passed\n"), "{said}");
    assert!(said.contains("\nptrace: passed\n"), "{said}");
    assert_eq!(said.matches("  seen ").count(), 2 * 9, "{said}");
    let status = home.status();
    assert_eq!(status["losses"].as_array().unwrap().len(), 0, "{status:#}");
}

/// A control group without members, which ends with this value.
pub(super) struct Group(pub(super) PathBuf);

impl Group {
    /// `None` where there is no hierarchy of version 2 to make one in, or no backend.
    pub(super) fn new(purpose: &str) -> Option<Self> {
        if !Backend::Kernel.is_available() || !require(&[Need::Root]) {
            return None;
        }
        let hierarchies = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].into_iter();
        let root = hierarchies.map(Path::new).find(|root| root.join("cgroup.procs").exists())?;
        let group = root.join(format!("lapwing-test-{purpose}-{}", std::process::id()));
        fs::create_dir(&group).ok()?;
        Some(Self(group))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last member may be a zombie for a moment.
        until("the group is empty", || fs::remove_dir(&self.0).is_ok());
    }
}
