//! A call that nobody asks about, over and over: what watching costs those who do nothing of interest.

use std::ffi::OsString;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use nix::time::ClockId;

use super::clock::{self, Lap};
use super::files::Files;
use super::way::Way;
use crate::run;
use lapwing_measure::order;
use lapwing_measure::statistics::Spread;

/// Nanoseconds a call in one place.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) place: Place,
    /// By round.
    pub(crate) nanoseconds: Vec<f64>,
}

/// Where the calls are made.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) way: Way,
    /// By what is watched, or beside it.
    pub(crate) watched: bool,
}

impl Calls {
    /// What the place adds to the same calls of a native process in the same round.
    pub(crate) fn added(&self, native: &Self) -> Spread {
        let pairs = self.nanoseconds.iter().zip(&native.nanoseconds);
        Spread::of(&pairs.map(|(here, native)| here - native).collect::<Vec<_>>())
    }
}

/// Makes this many calls and writes to a file how long that took. getppid(2) does the least of all calls
/// that the C library does not answer itself.
pub(crate) fn make(calls: u32, into: &Path) -> anyhow::Result<()> {
    let begun = [ClockId::CLOCK_MONOTONIC, ClockId::CLOCK_PROCESS_CPUTIME_ID].map(clock::now);
    for _ in 0..calls {
        black_box(nix::unistd::getppid());
    }
    let ended = [ClockId::CLOCK_MONOTONIC, ClockId::CLOCK_PROCESS_CPUTIME_ID].map(clock::now);
    Lap { begun: begun[0], ended: ended[0], cpu: ended[1] - begun[1] }.write(into)
}

/// Makes the calls in every place, in balanced orders. The first place is native.
pub(super) fn measure(places: Vec<Place>, calls: u32, rounds: u16, files: &Files) -> anyhow::Result<Vec<Calls>> {
    let own = std::env::current_exe().context("cannot find myself")?;
    let words = [own.as_os_str(), "caller".as_ref(), "--into".as_ref(), files.lap.as_os_str(), "--calls".as_ref()];
    let caller: Vec<OsString> = words.into_iter().map(OsString::from).chain([calls.to_string().into()]).collect();
    let mut measured: Vec<_> = places.into_iter().map(|place| Calls { place, nanoseconds: Vec::new() }).collect();
    for round in 0..usize::from(rounds) {
        for index in order::order(measured.len(), round) {
            let place = &measured[index].place;
            let lap =
                if place.watched { watched(&place.way, &caller, files)? } else { beside(&place.way, &caller, files)? };
            files.remove_events()?;
            measured[index].nanoseconds.push(lap.cpu as f64 / f64::from(calls.max(1)));
        }
        let last = measured.iter().map(|calls| format!("{:.1} ns", calls.nanoseconds.last().unwrap_or(&f64::NAN)));
        eprintln!("getppid {:>2}/{rounds}: {}", round + 1, last.collect::<Vec<_>>().join(", "));
    }
    Ok(measured)
}

fn watched(way: &Way, caller: &[OsString], files: &Files) -> anyhow::Result<Lap> {
    run::timed(&mut way.command(caller, files)?).with_context(|| files.said())?;
    Lap::read(&files.lap)
}

/// While the tool watches something else, which is running for sure, since it has answered.
fn beside(way: &Way, caller: &[OsString], files: &Files) -> anyhow::Result<Lap> {
    let mut command = way.command(&["/bin/cat".into()], files)?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let (program, arguments) = caller.split_first().context("nothing to run")?;
    run::timed_with(&mut command, |child| {
        let (input, output) = child.stdin.as_mut().zip(child.stdout.as_mut()).context("no pipes")?;
        let mut answer = [0];
        input.write_all(b"?").and_then(|()| output.read_exact(&mut answer)).context("no answer")?;
        ensure!(answer == *b"?", "a wrong answer");
        run::timed(Command::new(program).args(arguments))
    })
    .with_context(|| files.said())?;
    Lap::read(&files.lap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_take_time() {
        let files = Files::new().unwrap();
        make(1000, &files.lap).unwrap();
        let lap = Lap::read(&files.lap).unwrap();
        assert!(lap.begun < lap.ended && lap.cpu > 0, "{lap:?}");
    }

    #[test]
    fn calls_are_made_beside_what_runs() {
        let files = Files::new().unwrap();
        let caller = ["/bin/sh", "-c", "printf '1 2 3' > \"$0\""].map(OsString::from).to_vec();
        let caller = [caller, vec![files.lap.clone().into_os_string()]].concat();
        assert_eq!(beside(&Way::native(), &caller, &files).unwrap().cpu, 3);
        assert_eq!(watched(&Way::native(), &caller, &files).unwrap().cpu, 3);
    }
}
