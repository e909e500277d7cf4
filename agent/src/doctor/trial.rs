//! Tracing, tried: first a whole watch of a command, as `lapwing run` does it, then the single steps, which
//! tell what is missing where the whole fails.

use std::io::IoSliceMut;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use lapwing_common::backend::{Backend as _, Ending, FilterPlan, Progress};
use lapwing_common::process::{ArgumentLimits, Keep};
use lapwing_common::record::Sighting;
use lapwing_ptrace::os::request;
use lapwing_ptrace::{Command, OnTracerDeath, Options, Pacing, StartError, Watch};
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::Area::Ptrace;
use super::Check;
use super::host::needs_5_6;
use super::subject::{NAME, PROGRAM, Subject};

/// More than any machine needs to run a program that does nothing.
const PATIENCE: Duration = Duration::from_secs(10);

const REFUSED: &str = "if nobody traces Lapwing already, allow ptrace: a container's seccomp profile may forbid it";

/// Watches a command from its start to its end.
pub(super) fn watch() -> Check {
    let name = "watch a command";
    let begun = Instant::now();
    match try_watch(begun) {
        Ok(Watched { ended: Some(Ending::Exited(0)), execs: 1.., stops, busy }) => {
            let each = busy.checked_div(stops).unwrap_or(0) / 1000;
            let whole = begun.elapsed().as_micros();
            Check::yes(
                Ptrace,
                name,
                format!("from start to end in {}.{} ms, {stops} stops of {each} µs", whole / 1000, whole % 1000 / 100),
            )
        }
        Ok(watched) => {
            let detail = match watched.ended {
                Some(ending) => {
                    format!("the command ended with {}, {} execs seen", ending.shell_status(), watched.execs)
                }
                None => format!("it was not over after {} s", PATIENCE.as_secs()),
            };
            Check::no(Ptrace, name, detail, "the steps below may tell why; if they do not, please report this")
        }
        Err(StartError::Forbidden { errno, advice, .. }) => Check::no(Ptrace, name, errno.to_string(), advice),
        Err(error) => Check::no(Ptrace, name, error.to_string(), "the steps below may tell why"),
    }
}

struct Watched {
    ended: Option<Ending>,
    execs: usize,
    stops: u64,
    /// Nanoseconds spent at stops.
    busy: u64,
}

fn try_watch(begun: Instant) -> Result<Watched, StartError> {
    let (wake, woken) = sync_channel(1);
    let options = Options {
        plan: FilterPlan::default(),
        interest: None,
        on_tracer_death: OnTracerDeath::Kill,
        keep: Keep::default(),
        arguments: ArgumentLimits::default(),
        pacing: Pacing::default(),
        // A channel that is full wakes as well.
        wake: Arc::new(move || {
            let _ = wake.try_send(());
        }),
    };
    let command = Command { program: PROGRAM.into(), arguments: vec![NAME.into()] };
    let mut watch = Watch::spawn(&command, options)?;
    let mut execs = 0;
    let ended = loop {
        let progress =
            watch.drain(&mut |observation| execs += usize::from(matches!(observation.what, Sighting::Exec(_))));
        match progress {
            Ok(Progress::Finished(ending)) => break ending,
            Ok(Progress::Watching) => {}
            Err(_) => break None,
        }
        match woken.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break None,
        }
    };
    let counters = watch.counters();
    let counter = |name| counters.iter().find(|(found, _)| *found == name).map_or(0, |(_, count)| *count);
    Ok(Watched { ended, execs, stops: counter("stops"), busy: counter("nanoseconds") })
}

/// Tries each step of tracing on a process that waits.
pub(super) fn steps() -> Vec<Check> {
    let name = "seize a process";
    let subject = match Subject::start() {
        Ok(subject) => subject,
        Err(error) => {
            let advice = "mount /proc: Lapwing finds its own program there";
            return vec![Check::no(Ptrace, "start a process", format!("{PROGRAM}: {error}"), advice)];
        }
    };
    let pid = Pid::from_raw(subject.pid());
    let mut checks = Vec::new();
    match seize(pid) {
        Ok(()) => {
            checks.push(Check::yes(Ptrace, name, "and stop it"));
            checks.push(syscall_info(subject.pid()));
            checks.push(read_memory(pid));
            checks.push(match ptrace::detach(pid, None) {
                Ok(()) => Check::yes(Ptrace, "let go of a process", ""),
                Err(errno) => Check::no(Ptrace, "let go of a process", errno.to_string(), REFUSED),
            });
        }
        Err(errno) => checks.push(Check::no(Ptrace, name, errno.to_string(), REFUSED)),
    }
    checks.push(descriptor(subject.pid()));
    checks
}

fn seize(pid: Pid) -> nix::Result<()> {
    ptrace::seize(pid, ptrace::Options::empty())?;
    ptrace::interrupt(pid)?;
    waitpid(pid, Some(WaitPidFlag::__WALL)).map(drop)
}

fn syscall_info(pid: i32) -> Check {
    let name = "PTRACE_GET_SYSCALL_INFO";
    match request::syscall_info(pid) {
        Ok(_) => Check::yes(Ptrace, name, "tells which call a process is in"),
        Err(error) => Check::no(Ptrace, name, error.to_string(), "boot Linux 5.3 or later"),
    }
}

fn read_memory(pid: Pid) -> Check {
    let name = "process_vm_readv";
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    // The kernel's own pages for the clock, which may come first, cannot be read from outside.
    let start = maps.lines().find(|line| line.contains(" r") && !line.contains("[vvar")).and_then(|line| {
        let (start, _) = line.split_once('-')?;
        usize::from_str_radix(start, 16).ok()
    });
    let Some(base) = start else {
        return Check::unknown(Ptrace, name, format!("/proc/{pid}/maps names no readable memory"))
            .with_advice("mount /proc, and see whether `lapwing run` works");
    };
    let mut byte = [0];
    match process_vm_readv(pid, &mut [IoSliceMut::new(&mut byte)], &[RemoteIoVec { base, len: 1 }]) {
        Ok(1) => Check::yes(Ptrace, name, "reads memory in one call"),
        Ok(_) => Check::unknown(Ptrace, name, "it read nothing").with_advice("see whether `lapwing run` works"),
        Err(errno) => Check::no(
            Ptrace,
            name,
            errno.to_string(),
            "allow the call in the container's seccomp profile; boot a kernel with CONFIG_CROSS_MEMORY_ATTACH",
        ),
    }
}

fn descriptor(pid: i32) -> Check {
    let name = "pidfd_getfd";
    let taken = rustix::process::Pid::from_raw(pid)
        .ok_or(rustix::io::Errno::SRCH)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()))
        .and_then(|process| pidfd_getfd(process, 0, PidfdGetfdFlags::empty()));
    match taken {
        Ok(_) => Check::yes(Ptrace, name, "looks at a process's sockets"),
        Err(errno) => Check::no(Ptrace, name, errno.to_string(), needs_5_6(errno)),
    }
}
