//! The start of a system call: what has to be read before the kernel acts on it.
//!
//! Strings and structures are read here, once, in one call; paths that the call may change or remove
//! are resolved here. Opened files are not: the descriptor says later what was really opened.

use std::sync::atomic::Ordering::Relaxed;

use lapwing_common::backend::IoUring;
use lapwing_common::event::{BlindCause, EventType, File, Text};
use lapwing_common::ids::{Pid, Tid};
use lapwing_common::record::{Record, Sighting, Task};
use lapwing_common::syscall::{Arch, CLONE_UNTRACED, Indirection, Last, Product, Role, Slot, Syscall};
use smallvec::SmallVec;

use super::{Resume, Tracer};
use crate::os::memory::{Memory, Outcome, Request};
use crate::os::request;
use crate::resolve::{self, Name, Thread};
use crate::traps::clones_by_flags;

/// `PATH_MAX` of linux/limits.h, without the NUL.
const PATH_MAX: usize = 4095;
/// The longest name of anything else (`XATTR_NAME_MAX`); module parameters are cut there too.
const NAME_MAX: usize = 1024;
/// `struct sockaddr_storage`.
const SOCKADDR_MAX: usize = 128;
/// `MAP_ANONYMOUS` of asm-generic/mman-common.h: the descriptor of such a mapping means nothing.
const MAP_ANONYMOUS: u64 = 0x20;
/// `EPERM`.
const EPERM: i32 = 1;

// `AT_*` flags of linux/fcntl.h.
const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_SYMLINK_FOLLOW: u64 = 0x400;
const AT_EMPTY_PATH: u64 = 0x1000;
const AT_FDCWD: i32 = -100;

/// Buffers that reads go to, kept between stops.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    texts: [Vec<u8>; 3],
    data: [Vec<u8>; 2],
    pub(super) stack: Vec<u8>,
}

/// One thing to read at entry.
#[derive(Clone, Copy, Debug)]
enum Want {
    Text { arg: u8, max: usize },
    Data { arg: u8, len: usize },
}

impl Tracer {
    pub(super) fn begin_call(&mut self, task: Task, row: &'static Syscall, arch: Arch, args: [u64; 6]) -> Resume {
        if let Some(indirection) = row.indirection {
            return self.begin_indirect(task, indirection, arch, args);
        }
        if clones_by_flags(row) {
            self.note_clone(task, args[0]);
        }
        let Some(event) = row.event_for(&args) else { return Resume::Run };
        let given_up = self.is_given_up(row, event);
        if given_up && !self.is_upkeep(event) {
            return Resume::Run;
        }
        let mut record = Box::new(Record::new(row, arch, args));
        self.read_arguments(&mut record, task);
        if row.position(Role::CloneArgs).is_some() {
            self.note_clone(task, clone_flags(&record));
            if clone_flags(&record) & CLONE_UNTRACED == 0 {
                return Resume::Run;
            }
        }
        if record.row.yields.iter().any(|candidate| candidate.event == EventType::Blind) {
            return self.begin_blind(task, record);
        }
        if row.product == Product::Program && self.names_nothing(&record, task) {
            // A search along PATH. Its failures are not reported, and should a program appear there just
            // now, the exec event tells of it.
            return Resume::Run;
        }
        let mut muted = given_up || self.is_only_upkeep(event) || self.drops_any_file(&record, event, task);
        if muted && !self.is_upkeep(event) {
            return Resume::Run;
        }
        self.resolve_arguments(&mut record, task);
        muted = muted || self.drops_at_entry(&record, event, task);
        if muted && !self.is_upkeep(event) {
            return Resume::Run;
        }
        self.invalidate_before(&record, event, task);
        self.await_exit(task, record, muted)
    }

    /// Keeps in mind what kind of child there will be. If the call fails the next child is thought to be of that
    /// kind, which only makes for one more look.
    fn note_clone(&mut self, task: Task, flags: u64) {
        if let Some(tracee) = self.tracees.get_mut(task.tid.0) {
            tracee.clone_flags = flags;
        }
    }

    /// Whether the path of an exec leads to no file at all.
    pub(super) fn names_nothing(&mut self, record: &Record, task: Task) -> bool {
        let Some(index) = record.row.args.iter().position(|role| matches!(role, Role::Path(..))) else { return false };
        if record.text(index).is_none_or(|text| text.truncated || text.bytes.is_empty()) {
            return false;
        }
        if let Some(path) = record.text(index).filter(|text| text.bytes.starts_with(b"/"))
            && let Some(exists) = self.resolver.exists(thread_of(task), &path.bytes)
        {
            return !exists;
        }
        let file = self.resolve_path(record, thread_of(task), index, Slot::File, Last::Follow);
        file.inode.is_none() && !file.unresolved
    }

    /// `socketcall` and the old `mmap`: the real arguments are in memory.
    fn begin_indirect(&mut self, task: Task, indirection: Indirection, arch: Arch, args: [u64; 6]) -> Resume {
        let Some(redirect) = indirection.resolve(&args) else { return Resume::Run };
        let mut block = [0; 24];
        let block = &mut block[..redirect.count * 4];
        if Memory::new(task.tid.0).read_exact(redirect.address, block).is_err() {
            return Resume::Run;
        }
        let mut real = [0; 6];
        for (arg, word) in real.iter_mut().zip(block.chunks_exact(4)) {
            *arg = word.try_into().map_or(0, u32::from_le_bytes).into();
        }
        self.begin_call(task, redirect.row, arch, real)
    }

    /// A way out of sight: closed where that can be done without harm, reported always.
    fn begin_blind(&mut self, task: Task, mut record: Box<Record>) -> Resume {
        let tid = task.tid.0;
        if record.row.position(Role::CloneArgs).is_some() {
            // The flag only keeps tracers away; without it the child is the same, and seen.
            let flags = clone_flags(&record) & !CLONE_UNTRACED;
            let cleared = Memory::new(tid).write(record.args[0], &flags.to_le_bytes());
            return self.untraced_clone(task, cleared.is_ok());
        }
        if record.row.position(Role::Flags).is_some() {
            let flags = record.args[0] & !CLONE_UNTRACED;
            let cleared = request::set_argument(tid, record.arch, 0, flags);
            return self.untraced_clone(task, cleared.is_ok());
        }
        if self.plan.io_uring == IoUring::Deny && request::skip_syscall(tid, EPERM).is_ok() {
            record.result = -i64::from(EPERM);
            self.observe(task, Sighting::Call(record));
            return Resume::Run;
        }
        self.await_exit(task, record, false)
    }

    /// A child that its maker wants to hide. If the flag could not be taken away, the call is refused.
    fn untraced_clone(&mut self, task: Task, cleared: bool) -> Resume {
        if !cleared {
            let refused = request::skip_syscall(task.tid.0, EPERM);
            self.settle(refused);
        }
        self.observe(task, Sighting::Blind { cause: BlindCause::CloneUntraced, refused: true });
        Resume::Run
    }

    pub(super) fn await_exit(&mut self, task: Task, record: Box<Record>, muted: bool) -> Resume {
        if let Some(tracee) = self.tracees.get_mut(task.tid.0) {
            tracee.call = Some(record);
            tracee.muted = muted;
        }
        Resume::ToExit
    }

    /// A call by an interface without a table: it cannot be decoded, and that is said once a process.
    pub(super) fn on_foreign_abi(&mut self, task: Task) -> Resume {
        if self.tracees.first_foreign(task.pid.0) {
            self.discarders_out_of_sight();
            self.observe(task, Sighting::Blind { cause: BlindCause::ForeignAbi, refused: false });
        }
        self.shared.foreign_calls.fetch_add(1, Relaxed);
        Resume::Run
    }

    /// Reads every string and structure of the call at once.
    pub(super) fn read_arguments(&mut self, record: &mut Record, task: Task) {
        let wants = wants(record);
        if wants.is_empty() {
            return;
        }
        let Scratch { texts, data, .. } = &mut self.scratch;
        let (mut texts, mut data) = (texts.iter_mut(), data.iter_mut());
        let mut asked: SmallVec<[(Want, Request<'_>); 4]> = SmallVec::new();
        for want in wants {
            match want {
                Want::Text { arg, max } => {
                    if let Some(buffer) = texts.next() {
                        asked.push((want, Request::c_string(record.args[usize::from(arg)], max, buffer)));
                    }
                }
                Want::Data { arg, len } => {
                    if let Some(buffer) = data.next() {
                        buffer.clear();
                        buffer.resize(len, 0);
                        asked.push((want, Request::bytes(record.args[usize::from(arg)], buffer)));
                    }
                }
            }
        }
        let (wants, mut requests): (SmallVec<[Want; 4]>, SmallVec<[Request<'_>; 4]>) = asked.into_iter().unzip();
        if let Err(error) = Memory::new(task.tid.0).read_batch(&mut requests)
            && !error.gone()
        {
            self.shared.unreadable.fetch_add(1, Relaxed);
        }
        let ends: SmallVec<[(Want, Outcome, usize); 4]> =
            wants.iter().zip(&requests).map(|(want, request)| (*want, request.outcome(), request.filled())).collect();
        drop(requests);
        let (mut texts, mut data) = (self.scratch.texts.iter(), self.scratch.data.iter());
        for (want, outcome, filled) in ends {
            match want {
                Want::Text { arg, .. } => {
                    let Some(buffer) = texts.next() else { continue };
                    if outcome == Outcome::Fault {
                        record.unreadable |= 1 << arg;
                    } else {
                        let truncated = outcome == Outcome::Truncated;
                        record.texts.push((arg, Text { bytes: buffer[..filled].into(), truncated }));
                    }
                }
                Want::Data { arg, .. } => {
                    let Some(buffer) = data.next() else { continue };
                    if filled == 0 {
                        record.unreadable |= 1 << arg;
                    } else {
                        record.data.push((arg, SmallVec::from_slice(&buffer[..filled])));
                    }
                }
            }
        }
    }

    /// Looks at the files and sockets that the call is about, as they are before it.
    pub(super) fn resolve_arguments(&mut self, record: &mut Record, task: Task) {
        let (row, args) = (record.row, record.args);
        let thread = thread_of(task);
        for (index, role) in row.args.iter().enumerate() {
            match *role {
                Role::Fd(slot) => {
                    let anonymous = row.yields[0].event == EventType::Mmap && args[3] & MAP_ANONYMOUS != 0;
                    if !anonymous {
                        let file = self.resolver.fd_file(thread, low_int(args[index]));
                        record.set_file(slot, file);
                    }
                }
                // The file that is opened or executed is known afterwards.
                Role::Path(slot, last)
                    if slot != Slot::File || !matches!(row.product, Product::File | Product::Program) =>
                {
                    let file = self.resolve_path(record, thread, index, slot, last);
                    record.set_file(slot, file);
                }
                Role::Socket => record.socket = self.resolver.socket(thread, low_int(args[index])),
                Role::TargetTid => record.target = self.process_of(low_int(args[index])),
                Role::TargetPidfd => record.target = self.resolver.pidfd_target(thread, low_int(args[index])),
                _ => {}
            }
        }
    }

    /// The process of a thread that a call names.
    fn process_of(&mut self, tid: i32) -> Option<Pid> {
        if tid <= 0 {
            return None;
        }
        match self.tracees.get(tid) {
            Some(tracee) => Some(Pid(tracee.pid)),
            None => self.resolver.tgid_of(Tid(tid)),
        }
    }

    /// What the path of an argument leads to.
    pub(super) fn resolve_path(
        &mut self,
        record: &Record,
        thread: Thread,
        index: usize,
        slot: Slot,
        last: Last,
    ) -> File {
        let path: &[u8] = record.text(index).map_or(&[], |text| &text.bytes);
        let dirfd = directory_of(record, index);
        // Only a call that takes a directory may mean it itself, and then the working directory too.
        let empty_ok = starts_from_fd(record, index) && (record.args[index] == 0 || allows_empty(record, index));
        let name = Name { dirfd, path, empty_ok };
        let flags = at_flags(record, index);
        match last {
            Last::Create => self.resolver.create(thread, name),
            Last::Follow if flags & AT_SYMLINK_NOFOLLOW == 0 => self.resolver.at(thread, name, resolve::Last::Follow),
            Last::Keep if slot == Slot::File && flags & AT_SYMLINK_FOLLOW != 0 => {
                self.resolver.at(thread, name, resolve::Last::Follow)
            }
            Last::Follow | Last::Keep => self.resolver.at(thread, name, resolve::Last::Keep),
        }
    }
}

/// The thread to ask the resolver about.
pub(super) fn thread_of(task: Task) -> Thread {
    Thread { pid: task.pid, tid: task.tid }
}

/// The descriptor that a path argument starts from; `None` for the working directory.
fn directory_of(record: &Record, path: usize) -> Option<i32> {
    if !starts_from_fd(record, path) {
        return None;
    }
    let fd = low_int(record.args[path - 1]);
    (fd != AT_FDCWD).then_some(fd)
}

/// Whether the call has a directory descriptor for a path argument.
fn starts_from_fd(record: &Record, path: usize) -> bool {
    path.checked_sub(1).is_some_and(|before| record.row.args[before] == Role::DirFd)
}

/// The `AT_*` flags that go with a path: those behind it, since `linkat` passes them once, for both.
fn at_flags(record: &Record, path: usize) -> u64 {
    let position = record.row.args.iter().skip(path).position(|role| *role == Role::AtFlags);
    position.map_or(0, |offset| record.args[path + offset] & 0xffff_ffff)
}

/// Whether the call takes an empty path for the descriptor itself. `move_mount` always may: its own
/// flags, one for each path, say so.
fn allows_empty(record: &Record, path: usize) -> bool {
    at_flags(record, path) & AT_EMPTY_PATH != 0 || record.row.yields[0].event == EventType::Mount
}

fn wants(record: &Record) -> SmallVec<[Want; 4]> {
    let mut wants = SmallVec::new();
    let reads = record.row.reads(&record.args);
    for (index, role) in record.row.args.iter().enumerate() {
        let Ok(arg) = u8::try_from(index) else { continue };
        let present = record.args[index] != 0;
        match role {
            Role::Path(..) if present => wants.push(Want::Text { arg, max: PATH_MAX }),
            Role::LinkText | Role::Source if present => wants.push(Want::Text { arg, max: PATH_MAX }),
            Role::Name if present && reads => wants.push(Want::Text { arg, max: NAME_MAX }),
            Role::Data(layout) if present && reads => {
                let len = layout.size(record.arch);
                wants.push(Want::Data { arg, len: len.min(stated_length(record, index).unwrap_or(len)) });
            }
            Role::SockAddr if present => {
                let len = stated_length(record, index).unwrap_or(0).min(SOCKADDR_MAX);
                if len > 0 {
                    wants.push(Want::Data { arg, len });
                }
            }
            Role::CloneArgs if present => wants.push(Want::Data { arg, len: 8 }),
            _ => {}
        }
    }
    wants
}

/// The length that the caller gives for the argument before it.
fn stated_length(record: &Record, index: usize) -> Option<usize> {
    let next = index + 1;
    let stated = *record.row.args.get(next)? == Role::Length;
    stated.then(|| usize::try_from(record.args[next] & 0xffff_ffff).unwrap_or(0))
}

fn clone_flags(record: &Record) -> u64 {
    record.bytes(0).and_then(|bytes| bytes.get(..8)?.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// An `int` argument.
pub(super) fn low_int(raw: u64) -> i32 {
    let [a, b, c, d, ..] = raw.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
