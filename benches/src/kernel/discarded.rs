//! The first workload with a discarder on each of its files: what it costs when nobody wants to know of what it opens.
//!
//! Discarders are pushed through the library, since `lapwing` pushes none but those that follow from rules.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use lapwing_common::backend::{Backend as _, FilterPlan, Progress};
use lapwing_common::discard::{Filters as _, InodeKey};
use lapwing_common::event::EventType;
use lapwing_common::process::{ArgumentLimits, Keep};
use lapwing_common::record::Sighting;
use lapwing_kernel::{Options, Scope, Watch};
use lapwing_measure::statistics::Spread;
use lapwing_ptrace::spawn::Launch;
use nix::sys::wait::waitpid;

use super::clock::Lap;
use super::files::Files;
use crate::rounds::{Rounds, Turns};
use crate::run;
use crate::verdict::ENOUGH_OF_NATIVE;
use crate::workload::Workload;

/// What the workload reads.
const TREE: &str = "/usr/include";
/// How long the reader of the rings sleeps: what a poll of `lapwing run` waits at most.
const NAP: Duration = Duration::from_millis(20);

/// Times in seconds, by round.
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    pub(crate) native: Vec<f64>,
    pub(crate) discarded: Vec<f64>,
    /// How many discarders there were.
    pub(crate) files: usize,
    /// Calls that were reported all the same, in the last round.
    pub(crate) reported: u64,
}

impl Discarded {
    /// What was added to the native run of the same round.
    pub(crate) fn added(&self) -> Spread {
        let pairs = self.discarded.iter().zip(&self.native);
        Spread::of(&pairs.map(|(here, native)| here - native).collect::<Vec<_>>())
    }
}

/// Runs the workload natively and with discarders, in balanced orders.
pub(super) fn measure(rounds: Rounds, files: &Files) -> anyhow::Result<Discarded> {
    fs::write(&files.script, Workload::Files.script()).context("cannot write a script")?;
    let inner = super::overhead::inner(files)?;
    let keys = keys(Path::new(TREE))?;
    let mut all = Discarded { files: keys.len(), ..Discarded::default() };
    // What warms up.
    watched(&inner, &keys)?;
    let mut turns = Turns::begin(rounds, 2);
    let is_noisy = |all: &Discarded| super::verdict::times_native_discarded(all).error > ENOUGH_OF_NATIVE;
    while let Some(order) = turns.next(&[0], |_| is_noisy(&all)) {
        let mut times = [0.0; 2];
        for index in order {
            if index == 0 {
                let (program, arguments) = inner.split_first().context("nothing to run")?;
                run::timed(Command::new(program).args(arguments))?;
            } else {
                all.reported = watched(&inner, &keys)?;
            }
            let lap = Lap::read(&files.lap)?;
            times[index] = (lap.ended - lap.begun) as f64 / 1e9;
        }
        eprintln!("discarders {:>2}: native {:.0} ms, {:.0} ms", turns.count(), times[0] * 1e3, times[1] * 1e3);
        all.native.push(times[0]);
        all.discarded.push(times[1]);
    }
    Ok(all)
}

/// How many calls were reported.
fn watched(inner: &[OsString], keys: &[InodeKey]) -> anyhow::Result<u64> {
    let (program, arguments) = inner.split_first().context("nothing to run")?;
    let command = lapwing_ptrace::Command { program: program.clone(), arguments: arguments.to_vec() };
    let held = Launch::of(&command)?.hold()?;
    let child = held.pid();
    let plan = FilterPlan { discarders: true, ..FilterPlan::default() };
    let options = Options { plan, keep: Keep::default(), arguments: ArgumentLimits::default() };
    let mut watch = Watch::begin(Scope::Command(child), options)?;
    let filters = watch.filters();
    for key in keys {
        filters.push(*key, EventType::Open, None)?;
    }
    held.release()?;
    let mut calls = 0;
    let mut count = |observation: lapwing_common::record::Observation| {
        calls += u64::from(matches!(observation.what, Sighting::Call(_)));
    };
    while watch.drain(&mut count)? == Progress::Watching {
        std::thread::sleep(NAP);
    }
    waitpid(nix::unistd::Pid::from_raw(child), None).context("cannot wait for the workload")?;
    Ok(calls)
}

/// Each file of a tree, as the kernel identifies it.
fn keys(tree: &Path) -> anyhow::Result<Vec<InodeKey>> {
    let opened = File::open(tree).with_context(|| format!("cannot open {}", tree.display()))?;
    let device = opened.metadata()?.dev();
    let mount = mount_of(&opened)?;
    let mut keys = Vec::new();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path: PathBuf = entry?.path();
            let metadata = path.symlink_metadata()?;
            if metadata.dev() != device {
                continue;
            }
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() {
                keys.push(InodeKey { inode: metadata.ino(), mount, leaf: true });
            }
        }
    }
    Ok(keys)
}

/// The mount's id by `/proc/PID/fdinfo` (proc_pid_fdinfo(5)).
fn mount_of(file: &File) -> anyhow::Result<u32> {
    use std::os::fd::AsRawFd as _;
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
    let id = text.lines().find_map(|line| line.strip_prefix("mnt_id:")).context("no mnt_id in fdinfo")?;
    Ok(id.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_regular_files() {
        let directory = tempfile::TempDir::new().unwrap();
        fs::create_dir(directory.path().join("folder")).unwrap();
        fs::write(directory.path().join("folder/file"), "").unwrap();
        std::os::unix::fs::symlink("file", directory.path().join("folder/link")).unwrap();
        let inode = fs::metadata(directory.path().join("folder/file")).unwrap().ino();
        let keys = keys(directory.path()).unwrap();
        assert_eq!(keys.iter().map(|key| (key.inode, key.leaf)).collect::<Vec<_>>(), [(inode, true)]);
        assert!(keys[0].mount > 0);
    }
}
