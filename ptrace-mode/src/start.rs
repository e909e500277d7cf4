//! Beginning a watch: starting a command, or seizing processes that run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use lapwing_common::engine::EventSet;
use lapwing_common::ids::{Pid, Tid};
use lapwing_common::record::{Observation, Running as Snapshot, Sighting, Task};
use lapwing_common::syscall::Arch;
use nix::errno::Errno;
use pete::ptracer::Options as PtraceOptions;
use thiserror::Error;

use crate::options::{Command, OnTracerDeath, Options};
use crate::os::notices::Notices;
use crate::os::request::{self, RequestError};
use crate::os::wait::{Status, WaitMode, wait_for};
use crate::pace::Sources;
use crate::queue::Outbox;
use crate::resolve::ResolveError;
use crate::seccomp::{self, CompileError};
use crate::shared::Shared;
use crate::spawn::{self, CommandError, Launch, SpawnError};
use crate::tracer::{Stops, Tracer};
use crate::traps::{answered, traps, traps_with_listener};

/// Why a watch did not begin.
#[derive(Debug, Error)]
pub enum StartError {
    /// The command cannot be started, whoever watches.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The kernel does not let Lapwing trace.
    #[error("the kernel forbids tracing {object}: {errno}; {advice}")]
    Forbidden {
        /// What was to be traced.
        object: String,
        /// The kernel's answer.
        errno: Errno,
        /// What to do about it.
        advice: String,
    },
    /// There is no such process.
    #[error("there is no process {pid}")]
    NoProcess {
        /// What was asked for.
        pid: i32,
    },
    /// The filter could not be compiled.
    #[error("the seccomp filter: {0}")]
    Filter(#[from] CompileError),
    /// The command's process could not be made.
    #[error("cannot start a process: {0}")]
    Spawn(SpawnError),
    /// `/proc` is not what it has to be.
    #[error("cannot look at processes: {0}; mount the /proc of Lapwing's own pid namespace")]
    Proc(#[from] ResolveError),
    /// There can be no tracer thread.
    #[error("cannot start the tracer's thread: {0}")]
    Thread(std::io::Error),
    /// The tracer's thread ended at once.
    #[error("the tracer's thread ended at once; this is a defect of Lapwing")]
    Died,
}

impl StartError {
    /// What a shell would exit with for it: 127 when there is no such command, 126 when it cannot be
    /// executed, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Command(error) => error.exit_code(),
            _ => 1,
        }
    }
}

/// A tracer whose tracees run.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) tracer: Tracer,
    pub(crate) command: Option<i32>,
}

/// A command that can be started.
#[derive(Debug)]
pub(crate) struct Spawn {
    launch: Launch,
    stops: Stops,
    /// Where wait statuses are announced, if calls are too.
    notices: Option<Notices>,
    name: String,
}

impl Spawn {
    pub(crate) fn prepare(command: &Command, options: &Options) -> Result<Self, StartError> {
        let name = command.program.to_string_lossy().into_owned();
        let launch = Launch::of(command)?;
        let stops = match options.on_tracer_death {
            OnTracerDeath::Kill => Stops::Filtered,
            OnTracerDeath::Continue => Stops::Every,
        };
        let no_new_privs = stops == Stops::Filtered && spawn::needs_no_new_privs();
        let answered = answered(&options.plan, options.interest.as_deref());
        let may_answer = stops == Stops::Filtered && answered != EventSet::NONE;
        let notices = (may_answer && seccomp::listeners_work(no_new_privs)).then(Notices::take).flatten();
        let traps = match notices {
            Some(_) => traps_with_listener(&options.plan, answered),
            None => traps(&options.plan),
        };
        let filter = match stops {
            Stops::Filtered => Some(seccomp::compile(&traps, Arch::NATIVE.reachable(), seccomp::FOREIGN)?),
            Stops::Every => None,
        };
        let launch = Launch {
            no_new_privs,
            filter,
            listening: notices.is_some(),
            options: ptrace_options(options.on_tracer_death),
            ..launch
        };
        Ok(Self { launch, stops, notices, name })
    }

    pub(crate) fn start(self, options: Options, outbox: Outbox, shared: Arc<Shared>) -> Result<Running, StartError> {
        let every = self.stops == Stops::Every;
        let child =
            self.launch.start(|pid| if every { stop_at_every_call(pid) } else { Ok(()) }).map_err(
                |error| match error {
                    SpawnError::PtraceForbidden { errno } => forbidden(&self.name, errno),
                    other => StartError::Spawn(other),
                },
            )?;
        let mut tracer = Tracer::new(options, self.stops, outbox, shared)?;
        if let (Some(notices), Some(handover)) = (self.notices, child.handover) {
            tracer.listen(Sources::new(notices, handover));
        }
        tracer.launch(child.pid, child.outcome);
        Ok(Running { tracer, command: Some(child.pid) })
    }
}

/// Makes a seized child, which waits for us, stop at its system calls from now on.
fn stop_at_every_call(pid: i32) -> Result<(), RequestError> {
    request::interrupt(pid)?;
    loop {
        match wait_for(pid, WaitMode::Block) {
            Ok(Some((_, Status::Stopped(_)))) => return request::syscall(pid, None),
            Err(crate::os::wait::WaitError::Interrupted) => {}
            _ => return Err(RequestError { request: "PTRACE_INTERRUPT", tid: pid, errno: Errno::ESRCH }),
        }
    }
}

/// Seizes processes with all their threads.
pub(crate) fn attach(
    pids: &[i32],
    options: Options,
    outbox: Outbox,
    shared: Arc<Shared>,
) -> Result<Running, StartError> {
    let mut tracer = Tracer::new(options, Stops::Every, outbox, Arc::clone(&shared))?;
    // An attached process belongs to others: it outlives Lapwing, whatever happens.
    let flags = ptrace_options(OnTracerDeath::Continue);
    let mut known = BTreeSet::new();
    // Parents first. Children that a process made before it was seized are listed afterwards; what it
    // makes later is traced from its beginning. As a list may miss one when another ends (proc(5)), all
    // are read until nobody new is found.
    let mut fresh = pids.to_vec();
    while !fresh.is_empty() {
        for pid in fresh {
            if !known.insert(pid) {
                continue;
            }
            match seize_threads(pid, flags) {
                Ok(tids) => tracer.adopt(pid, &tids),
                Err(error) if pids.contains(&pid) => {
                    return Err(if error.gone() {
                        StartError::NoProcess { pid }
                    } else {
                        forbidden(&format!("process {pid}"), error.errno)
                    });
                }
                // Ended meanwhile, or made by one that was seized already.
                Err(error) if error.gone() || is_ours(pid) => {}
                Err(_) => {
                    shared.untraceable.fetch_add(1, Relaxed);
                }
            }
        }
        fresh = known.iter().flat_map(|pid| children(*pid)).filter(|child| !known.contains(child)).collect();
    }
    Ok(Running { tracer, command: None })
}

/// Whether this thread traces the process.
fn is_ours(pid: i32) -> bool {
    number_in_status(&format!("/proc/{pid}/status"), "TracerPid:") == Some(nix::unistd::gettid().as_raw())
}

/// The processes that a process's threads made and that still live (Linux 3.5, CONFIG_PROC_CHILDREN).
fn children(pid: i32) -> Vec<i32> {
    let list = |tid| std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/children")).unwrap_or_default();
    let numbers =
        |list: String| list.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>();
    tids(pid).into_iter().map(list).flat_map(numbers).collect()
}

fn tids(pid: i32) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Seizes every thread. Threads made meanwhile are found by looking again until none is new.
fn seize_threads(pid: i32, options: PtraceOptions) -> Result<Vec<i32>, RequestError> {
    request::seize(pid, options)?;
    let mut seized = vec![pid];
    loop {
        let fresh: Vec<_> = tids(pid).into_iter().filter(|tid| !seized.contains(tid)).collect();
        if fresh.is_empty() {
            return Ok(seized);
        }
        for tid in fresh {
            match request::seize(tid, options) {
                Ok(()) => seized.push(tid),
                // Ended, or made by a thread that was already traced, so traced too.
                Err(error) if error.gone() || error.errno == Errno::EPERM => seized.push(tid),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Tracer {
    /// Takes over processes that run: shows them to the engine, parents first, and stops their threads
    /// for a moment, so that they go on with every system call stopping.
    fn adopt(&mut self, pid: i32, tids: &[i32]) {
        self.introduce_ancestors(pid);
        self.introduce(pid);
        for tid in tids {
            self.take_over(*tid, pid);
        }
    }

    fn introduce_ancestors(&mut self, pid: i32) {
        let mut chain = Vec::new();
        let mut at = pid;
        while let Some(parent) = parent_of(at).filter(|parent| *parent > 0 && !chain.contains(parent)) {
            chain.push(parent);
            at = parent;
        }
        for ancestor in chain.into_iter().rev() {
            self.introduce(ancestor);
        }
    }

    /// Shows a running process to the engine.
    pub(crate) fn introduce(&mut self, pid: i32) {
        let Some(snapshot) = self.snapshot(pid) else { return };
        let task = Task { pid: Pid(pid), tid: Tid(pid), namespace: self.namespace(), mark: None };
        self.keep(Observation {
            timestamp: snapshot.started,
            origin: lapwing_common::event::Origin::Ptrace,
            task,
            what: Sighting::Running(Box::new(snapshot)),
        });
    }

    fn snapshot(&mut self, pid: i32) -> Option<Snapshot> {
        let (program, ppid, started) = self.running_program(pid)?;
        Some(Snapshot { ppid, started, program })
    }
}

fn parent_of(pid: i32) -> Option<i32> {
    number_in_status(&format!("/proc/{pid}/status"), "PPid:")
}

/// A number of `/proc/PID/status` (proc_pid_status(5)).
fn number_in_status(file: &str, key: &str) -> Option<i32> {
    let status = std::fs::read_to_string(file).ok()?;
    status.lines().find_map(|line| line.strip_prefix(key))?.trim().parse().ok()
}

/// What every tracer asks for.
pub(crate) fn ptrace_options(on_death: OnTracerDeath) -> PtraceOptions {
    let mut options = PtraceOptions::PTRACE_O_TRACESYSGOOD
        | PtraceOptions::PTRACE_O_TRACEEXEC
        | PtraceOptions::PTRACE_O_TRACEFORK
        | PtraceOptions::PTRACE_O_TRACEVFORK
        | PtraceOptions::PTRACE_O_TRACECLONE
        | PtraceOptions::PTRACE_O_TRACESECCOMP;
    options.set(PtraceOptions::PTRACE_O_EXITKILL, on_death == OnTracerDeath::Kill);
    options
}

/// Says what forbids tracing, and what to do about it.
fn forbidden(object: &str, errno: Errno) -> StartError {
    let number = |key| number_in_status("/proc/self/status", key).unwrap_or(0);
    let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let tracer = number("TracerPid:");
    let advice = if tracer != 0 {
        format!("process {tracer} traces Lapwing already, and a process has one tracer: run Lapwing outside of it")
    } else if yama.trim() == "3" {
        "kernel.yama.ptrace_scope is 3, which forbids tracing until the next boot".into()
    } else if yama.trim() == "2" {
        "kernel.yama.ptrace_scope is 2: give Lapwing CAP_SYS_PTRACE".into()
    } else if yama.trim() == "1" {
        "kernel.yama.ptrace_scope is 1: start the command under `lapwing run`, or give Lapwing CAP_SYS_PTRACE".into()
    } else if number("Seccomp:") == 2 {
        "a seccomp profile is in force: allow ptrace in it, or add the capability SYS_PTRACE to the container".into()
    } else {
        "it belongs to another user or is traced already: run Lapwing as its owner, or with CAP_SYS_PTRACE".into()
    };
    StartError::Forbidden { object: object.to_owned(), errno, advice }
}
