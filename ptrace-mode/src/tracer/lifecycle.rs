//! Threads and processes come and go.

use lapwing_common::backend::Ending;
use lapwing_common::discard::Invalidation;
use lapwing_common::event::ExitCause;
use lapwing_common::ids::{Pid, Tid};
use lapwing_common::record::{Sighting, Task};
use lapwing_common::syscall::{CLONE_NEWNS, CLONE_PARENT, CLONE_VM};

use super::table::Tracee;
use super::{Resume, Tracer};
use crate::os::request;
use crate::os::signal::Signal;
use crate::os::wait::{Status, Stop};
use crate::spawn::ExecOutcome;

impl Tracer {
    /// A tracee made a thread or a process, as this stop of its says.
    pub(super) fn on_new_task(&mut self, tid: i32, stop: Stop) -> Resume {
        // That may mean either.
        let cloned = stop == Stop::Clone;
        let Ok(message) = request::event_message(tid) else { return Resume::Run };
        let (Ok(new), Some(task)) = (i32::try_from(message), self.task(tid)) else { return Resume::Run };
        let flags = self.tracees.get_mut(tid).map_or(0, |tracee| std::mem::take(&mut tracee.clone_flags));
        let is_thread = cloned && self.resolver.is_thread(task.pid, Tid(new));
        let pid = if is_thread { task.pid.0 } else { new };
        let waiting = self.tracees.release(new);
        // A child of `vfork` has its parent's memory, whatever the flags, which may not have been looked at.
        let shares = is_thread || stop == Stop::Vfork || flags & CLONE_VM != 0;
        let maker = self.tracees.get(tid).filter(|_| shares);
        let tracee = maker.map_or_else(|| Tracee::new(pid), |maker| maker.sharing(pid));
        self.tracees.insert(new, tracee);
        if !is_thread {
            // Without a filter a call may have begun before it could be looked at.
            if flags & CLONE_NEWNS != 0 || self.stops == super::Stops::Every {
                self.resolver.inherit(task.pid, Pid(new));
            } else {
                self.resolver.share_root(task.pid, Pid(new));
            }
            self.discarders_meet(Pid(new), task);
            let parent = if cloned || flags & CLONE_PARENT != 0 { self.parent_of_clone(new, task) } else { task };
            self.observe(parent, Sighting::Fork { child: Pid(new) });
        }
        if let Some(then) = waiting {
            self.resume(new, then);
        }
        Resume::Run
    }

    /// With `CLONE_PARENT` the new process is a sibling of the one that made it.
    fn parent_of_clone(&mut self, new: i32, maker: Task) -> Task {
        match self.resolver.stat(Tid(new)).map(|stat| stat.ppid) {
            Some(parent) if parent != maker.pid && self.tracees.get(parent.0).is_some() => {
                Task { pid: parent, tid: Tid(parent.0), namespace: maker.namespace, mark: None }
            }
            _ => maker,
        }
    }

    /// A stop without a signal: the first of a new thread, or the end of a group-stop.
    pub(super) fn on_trap(&mut self, tid: i32) -> Resume {
        if self.tracees.get(tid).is_none() {
            // Its parent's event is still to be reaped: without it nobody knows whose child this is.
            self.tracees.hold(tid, Resume::Run);
            return Resume::Hold;
        }
        self.note_group_stop(tid, None);
        Resume::Run
    }

    pub(super) fn on_group_stop(&mut self, tid: i32, signal: Signal) -> Resume {
        if self.tracees.get(tid).is_none() {
            self.tracees.hold(tid, Resume::Listen);
            return Resume::Hold;
        }
        self.note_group_stop(tid, Some(signal));
        Resume::Listen
    }

    /// Lapwing's main thread stops with the command, so that a shell sees the job stopped.
    fn note_group_stop(&self, tid: i32, signal: Option<Signal>) {
        if Some(tid) == self.root {
            self.shared.set_command_stopped(signal.map_or(0, |signal| signal.0));
            self.outbox.nudge();
        }
    }

    /// A thread has ended; with the leader, its process: the kernel reports the leader last.
    pub(super) fn on_end(&mut self, tid: i32, status: Status) {
        let Some(tracee) = self.tracees.remove(tid) else { return };
        if tracee.hold.is_some() {
            // Killed in a call that may have been done: what it made wrong, nobody will say.
            self.shared.filters.invalidate([Invalidation::Everything]);
        }
        if tracee.pid != tid {
            return;
        }
        let (ending, cause, code) = match status {
            Status::Killed { signal, core_dumped } => {
                let cause = if core_dumped { ExitCause::CoreDumped } else { ExitCause::Signaled };
                (Ending::Signaled(signal.0), cause, signal.0)
            }
            Status::Exited(code) => (Ending::Exited(code), ExitCause::Exited, code),
            Status::Stopped(_) | Status::Continued => return,
        };
        let task = Task { pid: Pid(tid), tid: Tid(tid), namespace: self.namespace, mark: None };
        self.resolver.forget(Pid(tid));
        self.discarders_part(Pid(tid));
        self.tracees.forget_process(tid);
        if self.launching != Some(tid) && !self.pass_through {
            self.observe(task, Sighting::Exit { cause, code: u32::try_from(code).unwrap_or(0) });
        }
        if self.root == Some(tid) {
            if self.launching.is_some() {
                self.shared.set_exec_failure(self.outcome.as_mut().and_then(ExecOutcome::failure));
            }
            self.ending = Some(ending);
            self.shared.set_ended(ending);
        }
    }

    /// Stops tracing everything. Only for tracees without a filter of ours.
    pub(super) fn leave(&mut self) {
        if self.stops == super::Stops::Filtered {
            // Detached, they would fail at their next trapped call: keep them going, unobserved.
            self.pass_through = true;
            return;
        }
        self.leaving = true;
        for tid in self.tracees.tids() {
            let asked = request::interrupt(tid);
            self.settle(asked);
        }
    }

    pub(super) fn detach_with(&mut self, tid: i32, signal: Signal) -> Resume {
        self.tracees.remove(tid);
        let left = request::detach(tid, Some(signal));
        self.settle(left);
        Resume::Hold
    }
}

impl Tracer {
    /// Takes a child that is about to execute the command.
    pub(crate) fn launch(&mut self, pid: i32, outcome: ExecOutcome) {
        self.introduce(pid);
        self.insert(pid, pid);
        self.root = Some(pid);
        self.launching = Some(pid);
        self.outcome = Some(outcome);
    }

    /// Takes a thread that has just been seized while it ran.
    pub(crate) fn take_over(&mut self, tid: i32, pid: i32) {
        if self.tracees.get(tid).is_none() {
            self.insert(tid, pid);
            let asked = request::interrupt(tid);
            self.settle(asked);
        }
    }
}
