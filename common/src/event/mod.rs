//! Events: what happened, to what, and who did it.

/// The member `retval`. Every event of a system call has one.
macro_rules! retval {
    () => {
        $crate::schema::field(
            "retval",
            $crate::schema::Kind::Int,
            "What the call returned: a negative error number on failure",
            |event| $crate::schema::Value::Int(event.retval),
        )
    };
}

/// `file.*` without further members.
macro_rules! file {
    () => {
        $crate::schema::group!(
            "file",
            [$crate::schema::Member::Inline(&$crate::schema::Embedded { get: |event: &Self| Some(&event.file) })]
        )
    };
}

/// `syscall.path`.
macro_rules! passed {
    ($name:literal, $member:ident) => {
        $crate::schema::field($name, $crate::schema::Kind::String, "The string that was passed", |event| {
            event.$member.as_ref().map_or($crate::schema::Value::Absent, |text: &$crate::event::Text| {
                $crate::schema::Value::Bytes(&text.bytes)
            })
        })
    };
}

mod attributes;
mod blind;
mod credentials;
mod file;
mod files;
mod filesystem;
mod kernel;
mod kind;
mod memory;
mod network;
mod payload;
pub mod reference;
mod syscalls;
mod task;

pub use attributes::{Chown, Removexattr, Setxattr, Utimes};
pub use blind::{BLIND_CAUSES, Blind, BlindCause};
pub use credentials::{Capset, Setgid, Setuid};
pub use file::{Attachment, File, Inode};
pub use filesystem::{Chmod, Link, Mkdir, Mount, Open, PivotRoot, Rename, Rmdir, Splice, Umount, Unlink};
pub use kernel::{Bpf, LoadModule, UnloadModule};
pub use kind::{EventType, Group};
pub use memory::{Mmap, Mprotect};
pub use network::{Accept, Address, Bind, Connect, Setsockopt, Socket};
pub(crate) use network::{SO_ATTACH_FILTER, SOL_SOCKET};
pub use payload::Payload;
pub use syscalls::Syscalls;
pub use task::{Chdir, Chroot, Exec, Exit, ExitCause, Fork, Prctl, Ptrace, Setns, Setrlimit, Signal, Unshare};

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::ids::{Tid, Timestamp};
use crate::process::Process;
use crate::schema::group;
use crate::schema::{Detail, Embedded, Kind, Listed, Member, Record, Value, derived, field};
use crate::syscall::Syscall;

/// The backend that saw an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// eBPF programs.
    Kernel,
    /// ptrace and seccomp.
    Ptrace,
}

impl Origin {
    /// The word for it in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Ptrace => "ptrace",
        }
    }
}

bitflags::bitflags! {
    /// What is not certain about an event.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Quality: u8 {
        /// A string or list was longer than what is kept.
        const TRUNCATED = 1;
        /// Something shown was read from memory that another thread could have changed meanwhile.
        const USER_READ = 2;
        /// Something could not be read, looked up, or found out.
        const UNRESOLVED = 4;
        /// The ancestors of the process do not lead to where observation begins.
        const BROKEN_LINEAGE = 8;
        /// Nothing has just happened: a process that runs already is shown to rules that are new.
        const SNAPSHOT = 16;
    }
}

/// Text that a caller passed, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The bytes, without the terminating NUL.
    pub bytes: Box<[u8]>,
    /// There was more.
    pub truncated: bool,
}

/// An event with everything that is shown of it.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was seen.
    pub timestamp: Timestamp,
    /// Which backend saw it.
    pub origin: Origin,
    /// What is not certain.
    pub quality: Quality,
    /// The thread that acted.
    pub tid: Tid,
    /// The process that acted, as it was before the event took effect (after it, for exec).
    pub process: Arc<Process>,
    /// The system call that it was, if it was one.
    pub syscall: Option<&'static Syscall>,
    /// What happened.
    pub payload: Payload,
}

impl Event {
    /// The type.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.payload.event_type()
    }
}

impl Record for Event {
    const MEMBERS: &'static [Member<Self>] = &[
        field("type", Kind::String, "Type of the event", |event| Value::Bytes(event.event_type().name().as_bytes())),
        group!(
            "event",
            [
                field("timestamp", Kind::Time, "When the event was seen", |event| Value::Time(event.timestamp)),
                field("origin", Kind::String, "Backend that saw it: kernel or ptrace", |event| {
                    Value::Bytes(event.origin.name().as_bytes())
                }),
                field("truncated", Kind::Bool, "Something was longer than what is kept", |event| {
                    Value::mark(event.quality.contains(Quality::TRUNCATED))
                }),
                field(
                    "user_read",
                    Kind::Bool,
                    "Something shown came from memory that another thread could change",
                    |event| { Value::mark(event.quality.contains(Quality::USER_READ)) }
                ),
                field("unresolved", Kind::Bool, "Something could not be read or looked up", |event| {
                    Value::mark(event.quality.contains(Quality::UNRESOLVED))
                }),
                field(
                    "broken_lineage",
                    Kind::Bool,
                    "The ancestors of the process are not all known: observations of them were lost",
                    |event| Value::mark(event.quality.contains(Quality::BROKEN_LINEAGE))
                ),
                field(
                    "snapshot",
                    Kind::Bool,
                    "It did not happen now: the process ran already when the rules were loaded",
                    |event| Value::mark(event.quality.contains(Quality::SNAPSHOT))
                ),
                derived("source", Kind::String, "snapshot for such events, else runtime", |event: &Event| {
                    let snapshot = event.quality.contains(Quality::SNAPSHOT);
                    Value::Bytes(if snapshot { b"snapshot" } else { b"runtime" })
                }),
            ],
        ),
        Member::Inline(&Embedded { get: |event: &Event| Some(&event.payload) }),
        group!(
            "process",
            [
                field("tid", Kind::Int, "Thread that acted", |event| Value::Int(event.tid.0.into())),
                Member::Recurring {
                    state: |event: &Event| event.process.state(),
                    members: const {
                        &[
                            Member::Inline(&Embedded { get: |event: &Event| Some(&*event.process) }),
                            group!(
                                "parent",
                                [Member::Inline(&Embedded { get: |event: &Event| event.process.parent() })]
                            ),
                            Member::List {
                                name: "ancestors",
                                doc: "The processes it descends from, nearest first, through exec steps",
                                of: &Listed {
                                    each: |event: &Event, each| event.process.ancestors().for_each(each),
                                    detail: Detail::Identity,
                                },
                            },
                        ]
                    },
                },
            ],
        ),
        group!(
            "container",
            [field("id", Kind::String, "Container that the process runs in", |event| {
                Value::text(event.process.container_id())
            })],
        ),
    ];
}

#[cfg(test)]
mod tests;
