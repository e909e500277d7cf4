//! `lapwing trace` and `lapwing agent` together.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use lapwing_integration::agent::Home;
use lapwing_integration::harness::binary;
use lapwing_integration::run::until;
use nix::sys::signal::Signal;
use serde_json::Value;

/// An agent that observes nothing by itself.
pub(crate) const QUIET: [&str; 2] = ["--backend", "none"];
/// Programs and files, one after the other, until there is a file `stop`.
const LOAD: &str = "while ! [ -e \"$1/stop\" ]; do cat /etc/passwd >/dev/null; : < /etc/hostname; done; exit 5";

/// `lapwing events` into a file.
pub(crate) struct Follower {
    child: Child,
    file: std::path::PathBuf,
}

impl Follower {
    pub(crate) fn new(home: &Home, name: &str) -> Self {
        let file = home.path().join(name);
        let mut command = home.command(&["events", "--format", "json"]);
        let child = command.stdout(File::create(&file).unwrap()).stderr(Stdio::null()).spawn().unwrap();
        let follower = Self { child, file };
        until("following", || home.status()["clients"]["streams"].as_u64().is_some_and(|streams| streams > 0));
        follower
    }

    /// The events that are there, whole lines only.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.file).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn trace(home: &Home, options: &[&str]) -> Child {
    let mut command = Command::new(binary());
    command.args(["--log-level", "debug", "trace", "--socket-dir"]).arg(home.path()).args(options);
    command.args(["--", "sh", "-c", LOAD, "sh"]).arg(home.path());
    command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn observations(home: &Home) -> u64 {
    home.status()["tracers"][0]["observations"].as_u64().unwrap_or(0)
}

/// The numbers of the line by which a tracer accounts for its observations.
fn account(stderr: &str) -> [u64; 4] {
    let line = stderr.lines().find(|line| line.contains("observations: ")).unwrap();
    let numbers = line.rsplit("observations: ").next().unwrap().split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<u64> = numbers.filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap()
}

/// Killed under load, and started anew: the command runs on, the new agent knows the processes that began before it,
/// and every observation was seen or is counted.
#[test]
fn an_agent_that_is_killed_and_started_anew_knows_every_process() {
    let home = Home::new();
    let mut agent = home.start(&QUIET);
    let tracer = trace(&home, &[]);
    for _ in 0..2 {
        until("streaming", || observations(&home) > 300);
        agent.end(Signal::SIGKILL);
        agent = home.start(&QUIET);
    }
    until("streaming", || observations(&home) > 300);
    let follower = Follower::new(&home, "events");
    let of_cat = |event: &Value| event["type"] == "exec" && event["exec"]["file"]["name"] == "cat";
    until("seen", || follower.events().iter().any(of_cat));
    let cat = follower.events().into_iter().find(of_cat).unwrap();
    let ancestors = cat["process"]["ancestors"].as_array().unwrap();
    let known = |ancestor: &Value| ancestor["comm"] == "sh" && ancestor["file"]["path"].as_str().is_some();
    assert!(ancestors.iter().any(known), "{cat}");
    assert!(cat["event"]["broken_lineage"].is_null(), "{cat}");
    std::fs::write(home.path().join("stop"), "").unwrap();
    let output = tracer.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let [made, acknowledged, lost, waiting] = account(&String::from_utf8(output.stderr).unwrap());
    assert_eq!((made, lost, waiting), (acknowledged, 0, 0));
    assert!(made > 900);
    until("gone", || home.status()["tracers"].as_array().is_none_or(Vec::is_empty));
    agent.end(Signal::SIGTERM);
}

/// The agent is away for so long that the queue overflows.
#[test]
fn what_was_lost_while_no_agent_was_there_is_counted() {
    let home = Home::new();
    let mut agent = home.start(&QUIET);
    let tracer = trace(&home, &["--queue-bytes", "1M"]);
    until("streaming", || observations(&home) > 100);
    agent.end(Signal::SIGKILL);
    std::thread::sleep(std::time::Duration::from_secs(4));
    let agent = home.start(&QUIET);
    until("told", || home.status()["tracers"][0]["lost"].as_u64().is_some_and(|lost| lost > 0));
    std::fs::write(home.path().join("stop"), "").unwrap();
    let output = tracer.wait_with_output().unwrap();
    let [made, acknowledged, lost, waiting] = account(&String::from_utf8(output.stderr).unwrap());
    assert!(lost > 0);
    assert_eq!(made, acknowledged + lost + waiting);
    drop(agent);
}
