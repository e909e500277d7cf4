//! Calls that wait for an answer: those that a discarder or an approver may well drop (`traps::is_answered`).
//!
//! The thread is not stopped. Its strings are read, and what the call would act on is looked up, also a file that is still
//! to be opened. If nobody wants to hear of that, the call is let go, and that was all. Otherwise there are two ways.
//!
//! - The thread is asked to stop (`PTRACE_INTERRUPT`) *and* let go: it makes the call, and stops on the way back to its
//!   program, with the result. One stop instead of the two that a followed call has elsewhere. An exec that succeeds stops
//!   with its new program: any stop is the one that was asked for (kernel/signal.c, `ptrace_stop`).
//! - A call that could be interrupted by that (the opening of a FIFO, of a device) is made again instead: the thread stops
//!   before the call, so that nothing has happened yet, and goes on to an entry stop and an exit stop. On this way it asks a
//!   second time, and is let go at once.
//!
//! No program may see an error that is owed to this (EINTR where no signal came, or where its handler restarts calls). A
//! call that was interrupted before it had an answer, or by the tracer, is made again in any case: the kernel is told so
//! at the stop that the interruption leads to (`ERESTARTNOINTR`). The kernel's own restarting would depend on the handler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use lapwing_common::decode;
use lapwing_common::event::{EventType, File};
use lapwing_common::ids::Timestamp;
use lapwing_common::record::{Record, Task};
use lapwing_common::syscall::{Arch, Last, Product, Role, Slot};

use super::entry::thread_of;
use super::exit::O_NOFOLLOW;
use super::table::Asked;
use super::{Resume, Tracer};
use crate::os::request;
use crate::os::wait::Stop;
use crate::seccomp::Notification;
use crate::traps::is_answered;

// Of linux/fcntl.h; the bit of `O_TMPFILE` that is no other flag's.
const O_CREAT: u64 = 0o100;
const O_EXCL: u64 = 0o200;
const TMPFILE: u64 = 0o20_000_000;

// Of linux/stat.h.
const S_IFMT: u16 = 0o170_000;
const S_IFREG: u16 = 0o100_000;
const S_IFDIR: u16 = 0o040_000;
const S_IFLNK: u16 = 0o120_000;
const S_IFCHR: u16 = 0o020_000;

/// Devices whose opening does not wait for anything, and which are opened all the time. A process's own terminal is one of
/// them, unlike the same terminal by its name (drivers/tty/tty_io.c, `tty_open_current_tty`: "Don't let /dev/tty block").
const QUICK_DEVICES: &[&[u8]] =
    &[b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/random", b"/dev/urandom", OWN_TERMINAL];
const OWN_TERMINAL: &[u8] = b"/dev/tty";

/// `EINTR` of errno-base.h.
const EINTR: i64 = 4;
/// `ERESTARTSYS` of linux/errno.h: made again unless a signal's handler says otherwise.
const ERESTARTSYS: i64 = 512;
/// `ERESTARTNOINTR`: made again.
const ERESTARTNOINTR: i64 = 513;
/// `ERESTART_RESTARTBLOCK`, the last of the kernel's own error numbers by which calls are made again.
const LAST_RESTART: i64 = 516;

/// What becomes of a call that waits.
#[derive(Debug)]
enum Way {
    /// Nobody wants to hear of it.
    Pass,
    /// Its result is awaited. Whether discarders have been asked already.
    Result(Box<Record>, bool),
    /// It has to be made again, followed from entry to exit.
    Again,
}

impl Tracer {
    /// A thread waits for an answer, and gets it whatever happens.
    pub(super) fn on_notification(&mut self, call: &Notification) {
        self.now = Timestamp::now();
        let way = catch_unwind(AssertUnwindSafe(|| self.weigh(call))).unwrap_or_else(|_| {
            self.pass_through = true;
            self.shared.internal_errors.fetch_add(1, Relaxed);
            Way::Pass
        });
        self.answer(call, way);
        self.shared.answered.fetch_add(1, Relaxed);
    }

    fn weigh(&mut self, call: &Notification) -> Way {
        let Some(tracee) = self.tracees.get_mut(call.tid).filter(|_| !self.pass_through) else { return Way::Pass };
        if tracee.call.is_some() {
            // The second time, on its way from entry to exit.
            tracee.answered = true;
            return Way::Pass;
        }
        tracee.answered = false;
        let careful = std::mem::take(&mut tracee.careful);
        // What another thread could change until the kernel reads it says nothing about what will be opened.
        let alone = !tracee.shares_memory();
        let Some(task) = self.task(call.tid) else { return Way::Pass };
        let Ok(number) = u32::try_from(call.number) else { return Way::Pass };
        let Some(arch) = Arch::from_audit(call.audit, number) else { return Way::Pass };
        let Some(row) = self.rows.get(arch, number) else { return Way::Pass };
        let Some(event) = row.event_for(&call.args) else { return Way::Pass };
        let mut record = Box::new(Record::new(row, arch, call.args));
        self.read_arguments(&mut record, task);
        if row.product == Product::Program {
            return self.weigh_exec(record, task, careful);
        }
        self.foresee(&mut record, task);
        let opens = row.product == Product::File;
        // A file without a name yet is not what the path leads to.
        let foreseen = !opens || alone && decode::flags(&record) & TMPFILE == 0;
        let indifferent = foreseen && self.is_indifferent(&record, event);
        let dropped = indifferent
            || self.is_given_up(row, event)
            || self.drops_any_file(&record, event, task)
            || foreseen && self.drops(&record, event, task);
        match is_quick(&record, event) {
            true if indifferent => {
                self.note_passed(&record, event);
                Way::Pass
            }
            true if dropped => Way::Pass,
            true if !careful => {
                if opens {
                    // The descriptor will tell.
                    record.files[Slot::File as usize] = None;
                }
                Way::Result(record, opens && alone)
            }
            _ => Way::Again,
        }
    }

    /// An exec stops once: with its new program, before that stop could come that it is asked for, or with its error.
    fn weigh_exec(&mut self, record: Box<Record>, task: Task, careful: bool) -> Way {
        if self.names_nothing(&record, task) {
            // As in `begin_call`.
            return Way::Pass;
        }
        // A process that serves a file system may give up a read of the program for an interrupt, when it is too late for
        // the kernel to fail the exec.
        if careful || self.resolver.may_be_served(thread_of(task)) { Way::Again } else { Way::Result(record, false) }
    }

    /// Looks up what the call would act on, files that are still to be opened included.
    fn foresee(&mut self, record: &mut Record, task: Task) {
        let path = record.row.args.iter().position(|role| matches!(role, Role::Path(Slot::File, _)));
        match path.filter(|_| record.row.product == Product::File) {
            None => self.resolve_arguments(record, task),
            Some(index) => {
                let flags = decode::flags(record);
                // What has to be new is not looked for behind a link.
                let keeps = flags & O_NOFOLLOW != 0 || flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
                let last = if keeps { Last::Keep } else { Last::Follow };
                let mut file = self.resolve_path(record, thread_of(task), index, Slot::File, last);
                // That there is no such directory is known as well as that there is no such file: the rest of the path
                // is what was passed.
                let is_known = record.text(index).is_some_and(|text| !text.truncated && !text.bytes.is_empty());
                if file.unresolved && is_known && self.resolver.leads_nowhere(thread_of(task), &file.path) {
                    file.unresolved = false;
                }
                record.set_file(Slot::File, file);
            }
        }
    }

    /// Whether nobody wants to hear of such an event about that path, whatever file is there.
    fn is_indifferent(&self, record: &Record, event: EventType) -> bool {
        let Some(interest) = &self.options.interest else { return false };
        let file = decode::subject(record, event).filter(|file| !file.unresolved && file.path.first() == Some(&b'/'));
        file.is_some_and(|file| interest.is_indifferent(event, &file.path))
    }

    /// Counts such an event, and tells of its file, which most likely is used as it is asked for.
    fn note_passed(&self, record: &Record, event: EventType) {
        self.shared.filters.count_rejected(event);
        let Some((interest, file)) = self.options.interest.as_ref().zip(decode::subject(record, event)) else { return };
        // Whoever has no terminal looks for one all the same (ENXIO): nothing is used then.
        if *file.path != *OWN_TERMINAL && file.inode.as_ref().is_some_and(|inode| inode.mode & S_IFMT != S_IFLNK) {
            interest.passed(event, file, self.now);
        }
    }

    fn answer(&mut self, call: &Notification, way: Way) {
        let again = matches!(way, Way::Again);
        if !matches!(way, Way::Pass) {
            let asked = request::interrupt(call.tid);
            self.shared.asked.fetch_add(1, Relaxed);
            if asked.is_err() {
                self.settle(asked);
            } else if let Some(tracee) = self.tracees.get_mut(call.tid) {
                tracee.asked = if again { Asked::ForEntry } else { Asked::ForResult };
                if let Way::Result(record, settled) = way {
                    (tracee.call, tracee.muted, tracee.settled) = (Some(record), false, settled);
                }
            }
        }
        let Some(listener) = self.pace.listener() else { return };
        let is_asked = self.tracees.get(call.tid).is_some_and(|tracee| tracee.asked == Asked::ForEntry);
        // An error is that the thread was killed meanwhile, which its end will tell.
        let _ = if again && is_asked { listener.restart(call) } else { listener.pass(call) };
    }

    /// To be asked first at every stop: whether a call led to it that waited for an answer, and how the thread goes on if
    /// that is special.
    pub(super) fn after_asking(&mut self, tid: i32, stop: Stop) -> Option<Resume> {
        self.pace.listener()?;
        let asked = self.tracees.get(tid)?.asked;
        if !matches!(stop, Stop::Trap | Stop::Group(_) | Stop::Signal(_)) || (stop == Stop::Trap && asked == Asked::No)
        {
            return None;
        }
        let (number, result) = request::call(tid).ok()?;
        match asked {
            Asked::No => {
                if result == -ERESTARTSYS && self.is_unanswered(tid, number) {
                    self.repeat(tid);
                }
                None
            }
            Asked::ForResult => {
                self.tracees.get_mut(tid)?.asked = Asked::No;
                if is_interrupted(result) {
                    let tracee = self.tracees.get_mut(tid)?;
                    (tracee.call, tracee.settled, tracee.careful) = (None, false, true);
                    self.repeat(tid);
                } else {
                    // It goes on as after any such stop.
                    self.on_result(tid, result);
                }
                None
            }
            Asked::ForEntry => {
                if is_interrupted(result) {
                    self.repeat(tid);
                }
                // A signal comes first: then the call asks once more, after the handler.
                (stop == Stop::Trap).then(|| {
                    self.on_trap(tid);
                    Resume::ToExit
                })
            }
        }
    }

    /// The entry of a call that is made again.
    pub(super) fn on_repeated(&mut self, tid: i32, audit: u32, number: u64, args: [u64; 6]) -> Resume {
        let Some(tracee) = self.tracees.get_mut(tid) else { return Resume::Run };
        let expected = std::mem::take(&mut tracee.asked) == Asked::ForEntry;
        let row = u32::try_from(number).ok().and_then(|number| {
            let arch = Arch::from_audit(audit, number)?;
            Some((arch, self.rows.get(arch, number).filter(|row| is_answered(row, self.answered))?))
        });
        // A signal's handler came first, and makes another call, which stops by itself if it is to.
        let Some((arch, row)) = row.filter(|_| expected) else { return Resume::Run };
        let Some(task) = self.task(tid) else { return Resume::Run };
        match self.begin_call(task, row, arch, args) {
            // Nobody wants to hear of it, but it has to be known when it is over.
            Resume::Run => self.await_exit(task, Box::new(Record::new(row, arch, args)), true),
            resume => resume,
        }
    }

    /// Whether a thread was interrupted while it waited for an answer, and not in the call itself.
    fn is_unanswered(&self, tid: i32, number: u64) -> bool {
        let Some(tracee) = self.tracees.get(tid).filter(|tracee| !tracee.answered) else { return false };
        let Ok(info) = request::syscall_info(tid) else { return false };
        let Ok(number) = u32::try_from(number & 0xffff_ffff) else { return false };
        tracee.call.is_none()
            && Arch::from_audit(info.arch, number)
                .and_then(|arch| self.rows.get(arch, number))
                .is_some_and(|row| is_answered(row, self.answered))
    }

    /// Has the kernel make the call again, whatever comes in between.
    fn repeat(&self, tid: i32) {
        self.settle(request::set_result(tid, -ERESTARTNOINTR));
    }
}

/// Whether a call came to nothing because it was interrupted.
pub(super) fn is_interrupted(result: i64) -> bool {
    result == -EINTR || (-LAST_RESTART..=-ERESTARTSYS).contains(&result)
}

/// Whether the call neither waits for anybody nor has an effect before it is done, so that an interrupt leaves it whole.
fn is_quick(record: &Record, event: EventType) -> bool {
    decode::subject(record, event).is_some_and(|file: &File| {
        !file.unresolved
            && file.inode.as_ref().is_none_or(|inode| match inode.mode & S_IFMT {
                S_IFREG | S_IFDIR | S_IFLNK => true,
                S_IFCHR => QUICK_DEVICES.contains(&&*file.path),
                _ => false,
            })
    })
}

#[cfg(test)]
mod tests {
    use lapwing_common::event::Inode;
    use lapwing_common::syscall::Syscall;

    use super::*;

    fn quick(path: &[u8], mode: Option<u16>, unresolved: bool) -> bool {
        let row = Syscall::named("openat").unwrap();
        let mut record = Record::new(row, Arch::NATIVE, [0; 6]);
        let inode = mode.map(|mode| Inode { mode, ..Inode::default() });
        record.set_file(Slot::File, File { path: path.into(), inode, unresolved });
        is_quick(&record, EventType::Open)
    }

    #[test]
    fn what_may_wait_is_not_interrupted() {
        for mode in [S_IFREG, S_IFDIR, S_IFLNK] {
            assert!(quick(b"/a", Some(mode | 0o644), false), "{mode:o}");
            assert!(!quick(b"/a", Some(mode | 0o644), true), "{mode:o}, and who knows");
        }
        // A FIFO, a socket, a block device, a terminal; and a device that does not wait.
        for mode in [0o010_000, 0o140_000, 0o060_000, S_IFCHR] {
            assert!(!quick(b"/dev/ttyS0", Some(mode), false), "{mode:o}");
        }
        assert!(quick(b"/dev/null", Some(S_IFCHR), false) && quick(b"/dev/tty", Some(S_IFCHR), false));
        assert!(quick(b"/not/there", None, false) && !quick(b"not/there", None, true));
    }

    #[test]
    fn interruptions_are_told_from_results() {
        let interrupted: Vec<_> = (-600..=3).filter(|result| is_interrupted(*result)).collect();
        assert_eq!(interrupted, [-516, -515, -514, -513, -512, -4]);
    }
}
