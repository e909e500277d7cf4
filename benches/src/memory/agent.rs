//! Memory of an agent: with nothing to do, and with many processes that it knows.
//!
//! It observes by eBPF the tree of a process of ours, which starts the others when it is told to. Each executes a
//! program with arguments of its own, and stays.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::run;
use crate::tools::Lapwing;

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(200);
/// How long it may take to become true.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the agent is left alone before it counts as idle.
const SETTLING: Duration = Duration::from_secs(3);

/// `VmRSS` of an agent, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentMemory {
    pub(crate) idle_kib: u64,
    /// How many processes it knew then.
    pub(crate) processes: u32,
    pub(crate) crowded_kib: u64,
}

/// Looks at an agent, by itself and with this many processes.
pub(crate) fn measure(lapwing: &Lapwing, processes: u32) -> anyhow::Result<AgentMemory> {
    let directory = TempDir::new().context("cannot make a temporary directory")?;
    let mut crowd = Crowd::prepare(processes)?;
    let mut agent = Command::new(&lapwing.binary);
    agent.args(["agent", "--backend", "kernel", "--scope", &format!("tree:{}", crowd.0.id()), "--socket-dir"]);
    let mut agent = Ended(agent.arg(directory.path()).spawn().context("cannot start an agent")?);
    let known = || known(&lapwing.binary, directory.path());
    until("the agent answers", &mut agent, || known().is_some())?;
    thread::sleep(SETTLING);
    let pid = agent.0.id();
    let resident = || run::kib(pid, "VmRSS").context("the agent is gone");
    let idle_kib = resident()?;
    let stdin = crowd.begin()?;
    until("the agent knows them all", &mut agent, || known() >= Some(processes))?;
    let memory = AgentMemory { idle_kib, processes, crowded_kib: resident()? };
    drop(stdin);
    Ok(memory)
}

/// Starts processes that stay until standard input ends; the hidden side of [`measure`].
pub(crate) fn be_crowd(count: u32) -> anyhow::Result<()> {
    let mut input = BufReader::new(io::stdin());
    input.read_line(&mut String::new()).context("cannot be told to begin")?;
    let mut children = Vec::new();
    for number in 0..count {
        let child = Command::new("sleep").arg(format!("1000.{number:06}")).stdin(Stdio::null()).spawn();
        children.push(child.with_context(|| format!("cannot start process {number}"))?);
    }
    let ended = input.read_to_end(&mut Vec::new()).context("cannot be told to end");
    for child in &mut children {
        // One that has ended by itself is what is wanted, too.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended.map(drop)
}

/// A process that will start many.
struct Crowd(Child);

impl Crowd {
    fn prepare(count: u32) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("cannot find myself")?);
        command.args(["crowd", "--processes", &count.to_string()]).stdin(Stdio::piped());
        Ok(Self(command.spawn().context("cannot start a crowd")?))
    }

    /// Has them started. They stay as long as what is returned.
    fn begin(&mut self) -> anyhow::Result<ChildStdin> {
        let mut stdin = self.0.stdin.take().context("the crowd has no standard input")?;
        stdin.write_all(b"begin\n").context("cannot tell the crowd to begin")?;
        Ok(stdin)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A child that is ended when it is not needed any more.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// How many processes the agent knows; `None` if it does not answer.
fn known(lapwing: &Path, directory: &Path) -> Option<u32> {
    let output = Command::new(lapwing).arg("metrics").arg("--socket-dir").arg(directory).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().find_map(|line| line.strip_prefix("lapwing_cache_size{cache=\"processes\"} ")?.parse().ok())
}

fn until(what: &str, agent: &mut Ended, mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(agent.0.try_wait()?.is_none(), "the agent has ended before {what}");
        ensure!(begun.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        thread::sleep(PERIOD);
    }
    Ok(())
}
