//! The end of a system call: its result, and what only its success makes visible.

use lapwing_common::event::EventType;
use lapwing_common::record::{Record, Sighting, Task};
use lapwing_common::syscall::{Last, Product, Role, Slot};
use smallvec::SmallVec;

use super::entry::{low_int, thread_of};
use super::notified::is_interrupted;
use super::{Resume, Tracer};
use crate::os::memory::Memory;
use crate::resolve::Thread;

/// `O_NOFOLLOW`: on ARM the bit is another one.
pub(super) const O_NOFOLLOW: u64 = if cfg!(target_arch = "aarch64") { 0o100_000 } else { 0o400_000 };

impl Tracer {
    pub(super) fn on_result(&mut self, tid: i32, result: i64) -> Resume {
        let Some(task) = self.task(tid) else { return Resume::Run };
        let Some(tracee) = self.tracees.get_mut(tid) else { return Resume::Run };
        let (muted, settled) = (tracee.muted, std::mem::take(&mut tracee.settled));
        // Until discarders have been dropped for what the call did.
        let _hold = tracee.hold.take();
        // Interrupted in the call itself, it is owed what its handlers say.
        tracee.answered &= is_interrupted(result);
        let Some(mut record) = tracee.call.take() else { return Resume::Run };
        record.result = result;
        if !record.row.reports(record.result) || (muted && !record.succeeded()) {
            return Resume::Run;
        }
        self.complete(&mut record, task);
        if let Some(event) = record.row.event_for(&record.args) {
            self.invalidate_after(&record, event, task);
            if event == EventType::Blind && record.succeeded() {
                self.discarders_out_of_sight();
            }
            if muted || !settled && self.drops_at_exit(&record, event, task) {
                return Resume::Run;
            }
        }
        let sighting =
            if record.row.product == Product::Program { Sighting::Exec(record) } else { Sighting::Call(record) };
        self.observe(task, sighting);
        Resume::Run
    }

    fn complete(&mut self, record: &mut Record, task: Task) {
        let thread = thread_of(task);
        match record.row.product {
            Product::File if record.succeeded() && record.row.position(Role::Fd(Slot::File)).is_none() => {
                let opened = self.resolver.fd_file(thread, low_int(record.result.cast_unsigned()));
                record.set_file(Slot::File, opened);
            }
            Product::File | Product::Program => self.resolve_refused(record, thread),
            Product::Credentials if record.succeeded() => record.credentials = self.resolver.credentials(task.tid),
            Product::Socket if record.succeeded() => self.look_at_peer(record, thread),
            Product::Nothing | Product::Credentials | Product::Socket => {}
        }
        self.look_at_created(record, thread);
        if record.succeeded() {
            let event = record.row.yields[0].event;
            if moves_root(event) {
                self.resolver.forget_roots();
            }
            if changes_mounts(event) {
                self.resolver.forget_mounts();
            }
            if event == EventType::Mount {
                self.look_at_mount(record, thread);
            }
        }
    }

    /// What of its file system was mounted. A table of mounts has that of those that are put somewhere; another is a new
    /// one, and shows all, or the clone of what the call names.
    fn look_at_mount(&mut self, record: &mut Record, thread: Thread) {
        let [file, source] = &record.files;
        record.mount_root = match (record.row.product, file, source) {
            (Product::File, _, Some(source)) => self.resolver.clone_root(thread, source),
            (Product::File, _, None) => Some(Box::from(&b"/"[..])),
            (_, Some(mountpoint), _) => self.resolver.mount_root(thread, &mountpoint.path),
            (_, None, _) => None,
        };
    }

    /// What was to be opened or executed, and was not.
    fn resolve_refused(&mut self, record: &mut Record, thread: Thread) {
        let found = record.row.args.iter().position(|role| matches!(role, Role::Path(Slot::File, _)));
        let Some(index) = found else { return };
        let no_follow = record
            .row
            .position(Role::Flags)
            .is_some_and(|flags| record.row.product == Product::File && record.args[flags] & O_NOFOLLOW != 0);
        let last = if no_follow { Last::Keep } else { Last::Follow };
        let file = self.resolve_path(record, thread, index, Slot::File, last);
        record.set_file(Slot::File, file);
    }

    /// Identifies what the call made.
    fn look_at_created(&mut self, record: &mut Record, thread: Thread) {
        if !record.succeeded() {
            return;
        }
        for role in record.row.args {
            if let Role::Path(slot, Last::Create) = *role
                && let Some(file) = &mut record.files[slot as usize]
            {
                self.resolver.refresh(thread, file);
            }
        }
    }

    /// The peer of an accepted connection, from the connection itself where the kernel lets us look,
    /// since the caller may not have asked for the address; else from where the kernel put it.
    fn look_at_peer(&mut self, record: &mut Record, thread: Thread) {
        let Some(index) = record.row.position(Role::SockAddrOut) else { return };
        let Ok(arg) = u8::try_from(index) else { return };
        if let Some(peer) = self.resolver.peer(thread, low_int(record.result.cast_unsigned())) {
            record.data.push((arg, peer));
            return;
        }
        let (address, length) = (record.args[index], record.args[index + 1]);
        let memory = Memory::new(thread.tid.0);
        let mut size = [0; 4];
        if address == 0 || memory.read_exact(length, &mut size).is_err() {
            return;
        }
        let mut buffer = [0; 128];
        let size = usize::try_from(u32::from_le_bytes(size)).unwrap_or(0).min(buffer.len());
        if let Ok(filled) = memory.read_some(address, &mut buffer[..size]) {
            record.data.push((arg, SmallVec::from_slice(&buffer[..filled])));
        }
    }
}

/// Whether success may change what the process's root is, and others' with it (`CLONE_FS`).
fn moves_root(event: EventType) -> bool {
    matches!(event, EventType::Chroot | EventType::Setns | EventType::Unshare | EventType::PivotRoot)
}

/// Whether success may give a mount id to another mount.
fn changes_mounts(event: EventType) -> bool {
    matches!(event, EventType::Mount | EventType::Umount | EventType::PivotRoot)
}
