//! One service in every way, round by round.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::service::Service;
use super::verdict;
use super::way::{Kind, Way};
use crate::rounds::{Rounds, Turns};
use crate::run;
use lapwing_measure::statistics::Spread;

/// How long a service may take until it answers. Under a tool on a slow machine that is long.
const PATIENCE: Duration = Duration::from_secs(30);

/// One service under every way.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) service: Service,
    pub(super) cells: Vec<Cell>,
}

/// One service under one way.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    /// Requests a second, by round.
    pub(super) rates: Vec<f64>,
    /// Events of all rounds.
    pub(super) events: u64,
    /// What the tool says it lost, in any round.
    pub(super) losses: Vec<String>,
}

impl Measured {
    /// A way's rate as a part of another's in the same round.
    pub(super) fn part(&self, kind: Kind, of: Kind) -> Option<Spread> {
        let rates = |kind| self.cells.iter().find(|cell| cell.kind == kind).map(|cell| &cell.rates);
        let parts: Vec<f64> = rates(kind)?.iter().zip(rates(of)?).map(|(ours, theirs)| ours / theirs).collect();
        (!parts.is_empty()).then(|| Spread::of(&parts))
    }
}

pub(super) fn measure(service: Service, ways: &[Way], rounds: Rounds) -> anyhow::Result<Measured> {
    let cell = |way: &Way| Cell { kind: way.kind, name: way.name, rates: Vec::new(), events: 0, losses: Vec::new() };
    let mut measured = Measured { service, cells: ways.iter().map(cell).collect() };
    let bases: Vec<usize> = ways.iter().position(|way| way.kind == Kind::Native).into_iter().collect();
    let mut turns = Turns::begin(rounds, ways.len());
    while let Some(order) = turns.next(&bases, |way| verdict::is_open(&measured, ways[way].kind)) {
        for index in order {
            let cell = &mut measured.cells[index];
            let rate = once(service, &ways[index], cell)?;
            cell.rates.push(rate);
        }
        let taking = measured.cells.iter().filter(|cell| cell.rates.len() == turns.count());
        let last = taking.filter_map(|cell| Some(format!("{} {:.0}/s", cell.name, cell.rates.last()?)));
        eprintln!("{} {:>2}: {}", service.name(), turns.count(), last.collect::<Vec<_>>().join(", "));
    }
    Ok(measured)
}

/// Starts the service, loads it, ends it.
fn once(service: Service, way: &Way, cell: &mut Cell) -> anyhow::Result<f64> {
    let directory = TempDir::new().context("cannot make a temporary directory")?;
    let port = free_port()?;
    let file = |name| directory.path().join(name);
    let (events, stderr, pid) = (file("events"), file("stderr"), file("pid"));
    // The shell becomes the service, so that its pid is known, whoever its parent is.
    let mut inner: Vec<OsString> = ["/bin/sh", "-c", "echo $$ >\"$0\"; exec \"$@\""].map(OsString::from).to_vec();
    inner.push(pid.clone().into_os_string());
    inner.extend(service.prepare(directory.path(), port)?);
    let mut command = way.command(&inner, &events);
    run::isolate(&mut command, &stderr)?;
    let said = || fs::read_to_string(&stderr).unwrap_or_default();
    let (_, rate) = run::timed_with(&mut command, |child| {
        let rate = await_answer(port).and_then(|()| service.load(port));
        match read_pid(&pid) {
            Ok(service) => kill(service, Signal::SIGTERM).context("cannot end the service")?,
            Err(_) => child.kill().context("cannot end the tool")?,
        }
        rate
    })
    .with_context(said)?;
    if way.kind.is_lapwing() {
        let lines = BufReader::new(fs::File::open(&events).context("there are no events")?).split(b'\n').count();
        cell.events += lines as u64;
        let said = said();
        let lost = said.lines().filter_map(|line| line.strip_prefix("lapwing: warning: lost: "));
        cell.losses.extend(lost.map(str::to_owned));
    }
    Ok(rate)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

fn await_answer(port: u16) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("the service did not answer within {} s", PATIENCE.as_secs())
}

fn read_pid(file: &Path) -> anyhow::Result<Pid> {
    Ok(Pid::from_raw(fs::read_to_string(file)?.trim().parse()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A service with these rates under these ways.
    pub(in super::super) fn measured(rates: &[(Kind, &[f64])]) -> Measured {
        let cell = |(kind, rates): &(Kind, &[f64])| Cell {
            kind: *kind,
            name: "x",
            rates: rates.to_vec(),
            events: 0,
            losses: Vec::new(),
        };
        Measured { service: Service::Nginx, cells: rates.iter().map(cell).collect() }
    }

    #[test]
    fn parts_are_those_of_the_same_round() {
        let measured = measured(&[(Kind::Native, &[100.0, 200.0, 400.0]), (Kind::Ptrace, &[50.0, 100.0, 200.0])]);
        let part = measured.part(Kind::Ptrace, Kind::Native).unwrap();
        assert!((part.median - 0.5).abs() < 1e-9 && part.mad < 1e-9, "{part:?}");
        assert!(measured.part(Kind::Strace, Kind::Native).is_none());
    }
}
