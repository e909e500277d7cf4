//! What is left out although it was seen, and what is seen although nobody wants it.
//!
//! Filters are asked as early as they can answer. By process and by flags they can before a path is
//! looked at; by file once it is identified, which for most calls is before the call, so that they need
//! not stop again when they return. An opened file is known only then.
//!
//! A call that makes discarders wrong is followed to its end in any case, even if its event is not
//! reported. It is then *muted*.

use lapwing_common::decode;
use lapwing_common::discard::{self, InodeKey};
use lapwing_common::event::{EventType, File};
use lapwing_common::ids::{Pid, Tid};
use lapwing_common::record::{Record, Task};
use lapwing_common::syscall::{Last, Product, Role, Slot, Syscall};

use super::Tracer;
use super::entry::thread_of;
use crate::filters::Answer;
use crate::resolve::Thread;
use crate::traps::is_essential;

impl Tracer {
    /// Whether the call has to be followed for the sake of discarders.
    pub(super) fn is_upkeep(&self, event: EventType) -> bool {
        self.plan.discarders && discard::invalidates(event)
    }

    /// Whether the call stopped for the sake of discarders only.
    pub(super) fn is_only_upkeep(&self, event: EventType) -> bool {
        // Other types that invalidate are observed whoever wants them: the process cache needs them.
        self.is_upkeep(event) && event.is_filtered() && !self.plan.events.contains(event)
    }

    /// Whether nobody wants to hear of such calls any more, and nothing else needs them.
    pub(super) fn is_given_up(&self, row: &Syscall, event: EventType) -> bool {
        self.shared.filters.has_given_up(event)
            && !is_essential(event)
            && event != EventType::Prctl
            && !matches!(row.product, Product::Program | Product::Credentials)
    }

    /// Whether nobody wants to hear of the call, whatever file it is about. Its strings and structures
    /// have been read.
    pub(super) fn drops_any_file(&self, record: &Record, event: EventType, task: Task) -> bool {
        let filters = &self.shared.filters;
        event.is_filtered() && filters.any() && filters.drops_any_file(task.pid, event, decode::flags(record))
    }

    /// Whether nobody wants to hear of the call, if its file can be known before it is made.
    pub(super) fn drops_at_entry(&mut self, record: &Record, event: EventType, task: Task) -> bool {
        record.row.product == Product::Nothing && self.drops(record, event, task)
    }

    /// Likewise, if its file could not be known before.
    pub(super) fn drops_at_exit(&mut self, record: &Record, event: EventType, task: Task) -> bool {
        record.row.product != Product::Nothing && self.drops(record, event, task)
    }

    pub(super) fn drops(&mut self, record: &Record, event: EventType, task: Task) -> bool {
        if !event.is_filtered() || !self.shared.filters.any() {
            return false;
        }
        let subject = decode::subject(record, event);
        let key = subject.and_then(|file| file.inode.as_ref()).map(InodeKey::leaf);
        let paths = discard::paths(record, event);
        let has_other_root = !self.resolver.shares_root(thread_of(task));
        match self.shared.filters.ask(event, paths, decode::flags(record), key, has_other_root) {
            Answer::Report => false,
            Answer::Drop => true,
            Answer::AskParents => subject
                .filter(|file| {
                    !file.unresolved && (file.inode.is_some() || creates(record) || record.row.product == Product::File)
                })
                .is_some_and(|file| self.is_below_discarded(file, event, thread_of(task))),
        }
    }

    /// Whether a directory above the file is discarded. Only those on its own mount count, as in a
    /// kernel that walks up from the file.
    fn is_below_discarded(&mut self, file: &File, event: EventType, thread: Thread) -> bool {
        let mut mount = file.inode.as_ref().map(|inode| inode.mount_id);
        for path in discard::parents(&file.path) {
            let Some((inode, at)) = self.resolver.identity(thread, path) else { return false };
            if *mount.get_or_insert(at) != at {
                return false;
            }
            if self.shared.filters.matches(InodeKey { inode, mount: at, leaf: false }, event) {
                // The path was asked for a moment ago, and another thread may have put another directory in
                // its place. Then the file is not there.
                let is_there = file.inode.as_ref().is_none_or(|inode| {
                    self.resolver.identity(thread, &file.path) == Some((inode.number, inode.mount_id))
                });
                if is_there {
                    self.shared.filters.count_discarded(event);
                }
                return is_there;
            }
        }
        false
    }

    /// Drops discarders that the call is about to make wrong.
    pub(super) fn invalidate_before(&mut self, record: &Record, event: EventType, task: Task) {
        if !self.is_upkeep(event) {
            return;
        }
        let replaced = record.files[Slot::Destination as usize].as_ref().filter(|_| event == EventType::Rename);
        let replaced = replaced.and_then(|file| self.looked_at_again(file, task));
        let replaced = replaced.as_ref().and_then(|file| file.inode.as_ref());
        if discard::renames_many(record, event, replaced)
            && let Some(tracee) = self.tracees.get_mut(task.tid.0)
        {
            tracee.hold = Some(self.shared.filters.hold());
        }
        let invalid = discard::before(record, event, replaced);
        self.shared.filters.invalidate(invalid);
    }

    /// Drops discarders that the call made wrong.
    pub(super) fn invalidate_after(&mut self, record: &Record, event: EventType, task: Task) {
        if !self.is_upkeep(event) || !record.succeeded() {
            return;
        }
        let mounted = record.files[Slot::File as usize].as_ref().filter(|_| event == EventType::Mount);
        let mounted = mounted.and_then(|file| self.looked_at_again(file, task));
        let invalid = discard::after(record, event, mounted.as_ref().and_then(|file| file.inode.as_ref()));
        self.shared.filters.invalidate(invalid);
    }

    fn looked_at_again(&mut self, file: &File, task: Task) -> Option<File> {
        let mut file = file.clone();
        self.resolver.refresh(thread_of(task), &mut file);
        file.inode.is_some().then_some(file)
    }

    /// A process began: under its pid nothing is said about it, and it may have mounts of its own.
    pub(super) fn discarders_meet(&mut self, child: Pid, parent: Task) {
        if !self.plan.discarders {
            return;
        }
        self.shared.filters.begin_pid(child);
        if !self.resolver.shares_mounts(parent.tid, Tid(child.0)) {
            // Copies of mounts have ids that others may have had.
            self.shared.filters.invalidate([discard::Invalidation::Everything]);
        }
    }

    /// Something can remove and rename files without a call that stops.
    pub(super) fn discarders_out_of_sight(&mut self) {
        if self.plan.discarders {
            self.shared.filters.lose_sight();
        }
    }

    /// A process ended.
    pub(super) fn discarders_part(&mut self, pid: Pid) {
        if self.plan.discarders {
            self.shared.filters.expire_pid(pid);
        }
    }
}

/// Whether the call makes its file. Where another call finds none, it fails.
fn creates(record: &Record) -> bool {
    record.row.args.contains(&Role::Path(Slot::File, Last::Create))
}
