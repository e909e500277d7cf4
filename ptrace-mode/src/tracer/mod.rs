//! The tracer: one thread that reaps stops, captures, and resumes.
//!
//! A stopped tracee is waiting for us, so everything at a stop is ordered by that: capture what only
//! a stopped tracee can tell, resume it, and only then do the rest. What a record means is decided on
//! another thread. Whatever goes wrong here, the tracee is resumed: an error costs observations, never
//! the program.

mod entry;
mod exit;
mod filtering;
mod lifecycle;
mod notified;
mod program;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use lapwing_common::backend::{Ending, FilterPlan};
use lapwing_common::engine::EventSet;
use lapwing_common::event::Origin;
use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
use lapwing_common::record::{Observation, Record, Sighting, Task};
use lapwing_common::syscall::{Arch, CallSet};

use crate::options::Options;
use crate::os::request::{self, Op, RequestError};
use crate::os::signal::Signal;
use crate::os::wait::{Status, Stop, WaitError};
use crate::pace::{Happening, Pace, Sources};
use crate::queue::Outbox;
use crate::resolve::{ResolveError, Resolver};
use crate::shared::Shared;
use crate::spawn::ExecOutcome;
use crate::traps::{self, Rows};

use entry::Scratch;
use table::{Table, Tracee};

/// How a stopped tracee goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Until something of interest happens.
    Run,
    /// Until the system call it is in returns.
    ToExit,
    /// With this signal delivered.
    Deliver(Signal),
    /// It stays in its group-stop.
    Listen,
    /// It stays stopped until its parent's fork event says who it is.
    Hold,
    /// It is not traced any more.
    Leave,
}

/// Which system calls stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stops {
    /// Those that a seccomp filter picks, at entry.
    Filtered,
    /// All, at entry and at exit: there is no filter.
    Every,
}

/// Everything the tracer's thread owns.
#[derive(Debug)]
pub(crate) struct Tracer {
    stops: Stops,
    plan: FilterPlan,
    /// The types of events whose calls wait for an answer, where there is a listener.
    answered: EventSet,
    options: Options,
    rows: Rows,
    tracees: Table,
    resolver: Resolver,
    scratch: Scratch,
    pace: Pace,
    outbox: Outbox,
    shared: Arc<Shared>,
    namespace: PidNs,
    /// The command, when one was started, until it has executed its program.
    launching: Option<i32>,
    root: Option<i32>,
    /// Tells why the command could not be executed.
    outcome: Option<ExecOutcome>,
    ending: Option<Ending>,
    /// An exec of which the rest is looked up while the program already runs.
    unfinished: Option<(Task, Box<Record>)>,
    /// Resume and observe nothing: after an internal error, or when asked to stop.
    pass_through: bool,
    leaving: bool,
    now: Timestamp,
}

impl Tracer {
    pub(crate) fn new(
        options: Options,
        stops: Stops,
        outbox: Outbox,
        shared: Arc<Shared>,
    ) -> Result<Self, ResolveError> {
        Ok(Self {
            stops,
            plan: options.plan,
            answered: traps::answered(&options.plan, options.interest.as_deref()),
            rows: Rows::default(),
            tracees: Table::default(),
            resolver: Resolver::new()?,
            scratch: Scratch::default(),
            pace: Pace::new(options.pacing, outbox.reader),
            outbox,
            shared,
            namespace: own_pid_namespace(),
            launching: None,
            root: None,
            outcome: None,
            ending: None,
            unfinished: None,
            pass_through: false,
            leaving: false,
            now: Timestamp(0),
            options,
        })
    }

    /// Answers calls too that wait for the listener of a filter.
    pub(crate) fn listen(&mut self, sources: Sources) {
        self.pace.listen(sources);
    }

    /// Follows the tracees until none is left, and returns how the command ended.
    pub(crate) fn run(&mut self) -> Option<Ending> {
        loop {
            match self.pace.next() {
                Ok(Happening::Status(tid, status)) => self.on_status(tid, status),
                Ok(Happening::Call(call)) => self.on_notification(&call),
                Err(WaitError::Interrupted) => {}
                Err(WaitError::NoTracees) => break,
                Err(WaitError::Failed(errno)) => {
                    // waitpid(-1) has no other errors; going on would spin.
                    self.shared.count_error("waitpid", errno as i32);
                    break;
                }
            }
            // The request may have come while no call was there to be interrupted.
            if self.shared.stop_requested() && !self.leaving {
                self.leave();
            }
        }
        self.ending
    }

    /// Handles one wait status, and sees to it that the tracee goes on even if that fails.
    fn on_status(&mut self, tid: i32, status: Status) {
        let begun = Instant::now();
        self.now = Timestamp::now();
        let handled = catch_unwind(AssertUnwindSafe(|| self.dispatch(tid, status)));
        let resume = handled.unwrap_or_else(|_| {
            self.pass_through = true;
            self.shared.internal_errors.fetch_add(1, Relaxed);
            default_resume(status)
        });
        if let Some(resume) = resume {
            self.resume(tid, resume);
        }
        self.finish_exec();
        self.shared.stops.fetch_add(1, Relaxed);
        let spent = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.shared.nanoseconds.fetch_add(spent, Relaxed);
    }

    /// What to do about a status; `None` when nothing is left to resume.
    fn dispatch(&mut self, tid: i32, status: Status) -> Option<Resume> {
        let stop = match status {
            Status::Exited(_) | Status::Killed { .. } => {
                self.on_end(tid, status);
                return None;
            }
            Status::Continued => return None,
            Status::Stopped(stop) => stop,
        };
        if self.leaving {
            return Some(match stop {
                Stop::Signal(signal) => self.detach_with(tid, signal),
                _ => Resume::Leave,
            });
        }
        if self.pass_through && !matches!(stop, Stop::Fork | Stop::Vfork | Stop::Clone | Stop::Trap) {
            return default_resume(status);
        }
        if let Some(resume) = self.after_asking(tid, stop) {
            return Some(resume);
        }
        Some(match stop {
            Stop::Seccomp => self.on_seccomp(tid),
            Stop::SyscallTrap => self.on_syscall_trap(tid),
            Stop::Exec => self.on_exec(tid),
            Stop::Fork | Stop::Vfork | Stop::Clone => self.on_new_task(tid, stop),
            Stop::Trap => self.on_trap(tid),
            Stop::Group(signal) => self.on_group_stop(tid, signal),
            Stop::Signal(signal) => Resume::Deliver(signal),
            Stop::VforkDone | Stop::Exit => Resume::Run,
        })
    }

    fn resume(&mut self, tid: i32, resume: Resume) {
        let every = self.stops == Stops::Every;
        let result = match resume {
            Resume::Run if every => request::syscall(tid, None),
            Resume::Run => request::cont(tid, None),
            Resume::ToExit => request::syscall(tid, None),
            Resume::Deliver(signal) if every || self.tracees.in_call(tid) => request::syscall(tid, Some(signal)),
            Resume::Deliver(signal) => request::cont(tid, Some(signal)),
            Resume::Listen => request::listen(tid),
            Resume::Hold => Ok(()),
            Resume::Leave => {
                self.tracees.remove(tid);
                request::detach(tid, None)
            }
        };
        self.settle(result);
    }

    /// A tracee may be killed at any moment; its end is reported by itself.
    fn settle(&self, result: Result<(), RequestError>) {
        if let Err(error) = result
            && !error.gone()
        {
            self.shared.count_error(error.request, error.errno as i32);
        }
    }

    fn on_seccomp(&mut self, tid: i32) -> Resume {
        match request::syscall_info(tid) {
            Ok(info) => match info.op {
                Op::Seccomp { nr, args, .. } => self.on_call(tid, info.arch, nr, args),
                _ => Resume::Run,
            },
            Err(error) => {
                self.settle(Err(error));
                Resume::Run
            }
        }
    }

    fn on_syscall_trap(&mut self, tid: i32) -> Resume {
        match request::syscall_info(tid) {
            Ok(info) => match info.op {
                Op::Entry { nr, args } if self.stops == Stops::Every => self.on_call(tid, info.arch, nr, args),
                Op::Entry { nr, args } => self.on_repeated(tid, info.arch, nr, args),
                Op::Exit { result } => self.on_result(tid, result),
                _ => Resume::Run,
            },
            Err(error) => {
                self.settle(Err(error));
                Resume::Run
            }
        }
    }

    /// A system call begins.
    fn on_call(&mut self, tid: i32, audit: u32, number: u64, args: [u64; 6]) -> Resume {
        let Ok(number) = u32::try_from(number) else { return Resume::Run };
        let Some(task) = self.task(tid) else { return Resume::Run };
        let Some(arch) = Arch::from_audit(audit, number).filter(|arch| Arch::NATIVE.reachable().contains(arch)) else {
            return self.on_foreign_abi(task);
        };
        if self.plan.syscalls {
            self.note_call(task, arch, number);
        }
        let Some(row) = self.rows.get(arch, number) else { return Resume::Run };
        if self.plan.syscalls && !traps::is_wanted(row, &self.plan, &args) {
            return Resume::Run;
        }
        self.begin_call(task, row, arch, args)
    }

    /// Tells of the first time that a process's program makes a call. At once: what is told at the end only would not be
    /// known of one that waits for something.
    fn note_call(&mut self, task: Task, arch: Arch, number: u32) {
        if self.tracees.makes_first(task.pid.0, arch, number) {
            let mut calls = CallSet::new(arch);
            calls.insert(number);
            self.observe(task, Sighting::Calls(Box::new(calls)));
        }
    }

    fn task(&self, tid: i32) -> Option<Task> {
        let tracee = self.tracees.get(tid)?;
        Some(Task { pid: Pid(tracee.pid), tid: Tid(tid), namespace: self.namespace, mark: None })
    }

    /// Keeps an observation for the engine. Before the command has executed its program, what its
    /// process does is Lapwing's own doing and nobody's event.
    fn observe(&mut self, task: Task, what: Sighting) {
        if self.launching == Some(task.pid.0)
            && !matches!(what, Sighting::Exec(_) | Sighting::Running(_) | Sighting::Exit { .. })
        {
            return;
        }
        self.outbox.push(Observation { timestamp: self.now, origin: Origin::Ptrace, task, what });
    }

    /// Keeps an observation as it is.
    pub(crate) fn keep(&mut self, observation: Observation) {
        self.outbox.push(observation);
    }

    pub(crate) fn namespace(&self) -> PidNs {
        self.namespace
    }

    fn insert(&mut self, tid: i32, pid: i32) {
        self.tracees.insert(tid, Tracee::new(pid));
    }
}

/// How a tracee goes on when nothing is to be observed.
fn default_resume(status: Status) -> Option<Resume> {
    match status {
        Status::Stopped(Stop::Group(_)) => Some(Resume::Listen),
        Status::Stopped(Stop::Signal(signal)) => Some(Resume::Deliver(signal)),
        Status::Stopped(_) => Some(Resume::Run),
        _ => None,
    }
}

fn own_pid_namespace() -> PidNs {
    use std::os::unix::fs::MetadataExt as _;
    PidNs(std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino()))
}
