//! The kernel backend, tried: a whole watch of a command that nobody traces, as `lapwing run` does it.

use std::time::{Duration, Instant};

use lapwing_common::backend::{Backend as _, FilterPlan, Progress};
use lapwing_common::process::{ArgumentLimits, Keep};
use lapwing_common::record::Sighting;
use lapwing_kernel::features::Features;
use lapwing_kernel::{Options, Scope, Watch};
use lapwing_ptrace::Command;
use lapwing_ptrace::spawn::Launch;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::subject::{NAME, PROGRAM};
use super::{Area, Check};

/// More than any machine needs to run a program that does nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches a command from its start to its end, if the machine has what that needs.
pub(super) fn watch(features: &Features) -> Check {
    let name = "watch a command";
    if features.usable().is_err() {
        return Check::no(Area::Kernel, name, "not tried: something is missing", "the lines below tell what");
    }
    let begun = Instant::now();
    match try_watch(begun) {
        Ok(1..) => {
            let whole = begun.elapsed().as_micros();
            Check::yes(Area::Kernel, name, format!("from start to end in {}.{} ms", whole / 1000, whole % 1000 / 100))
        }
        Ok(0) => Check::no(Area::Kernel, name, "its exec was not seen", "use the ptrace backend, and report this"),
        Err(why) => {
            Check::no(Area::Kernel, name, why, "the lines below may tell why; the ptrace backend needs no eBPF")
        }
    }
}

/// How many execs were seen.
fn try_watch(begun: Instant) -> Result<usize, String> {
    let command = Command { program: PROGRAM.into(), arguments: vec![NAME.into()] };
    let held = Launch::of(&command).map_err(|error| error.to_string())?.hold().map_err(|error| error.to_string())?;
    let options = Options { plan: FilterPlan::default(), keep: Keep::default(), arguments: ArgumentLimits::default() };
    let mut watch = Watch::begin(Scope::Command(held.pid()), options).map_err(|error| error.to_string())?;
    let child = held.release().map_err(|error| error.to_string())?;
    // The program does nothing, so that it ends by itself.
    let _ = waitpid(Pid::from_raw(child.pid), None);
    let mut execs = 0;
    while begun.elapsed() < PATIENCE {
        let drained =
            watch.drain(&mut |observation| execs += usize::from(matches!(observation.what, Sighting::Exec(_))));
        match drained {
            Ok(Progress::Finished(_)) => return Ok(execs),
            Ok(Progress::Watching) => std::thread::sleep(watch.interval()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(format!("it was not over after {} s", PATIENCE.as_secs()))
}
