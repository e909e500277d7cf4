//! One process at one stage of its life: between two execs.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::credentials::Live;
use super::version::Version;
use super::{BrokenLineage, Credentials, Image, Lineage, image, mark};
use crate::accounts::Naming;
use crate::ids::{Pid, ProcessKey, Timestamp};
use crate::names;
use crate::record::Cgroup;
use crate::schema::group;
use crate::schema::{
    Detail, Embedded, Kind, Leaf, Member, Record, Reduced, Short, Value, derived, field, leaf, worded,
};

/// How an entry came into the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An event told of it.
    Event,
    /// It ran already when observation began.
    Snapshot,
    /// It was looked up in what the kernel keeps, because an event named a process that was not known.
    Kernel,
    /// It was looked up in procfs, for the same reason.
    Procfs,
    /// Nothing but its pid is known.
    Placeholder,
}

/// A process between two execs. Exec makes a new one, whose ancestor the old one is.
#[derive(Debug)]
pub struct Process {
    pub(super) key: ProcessKey,
    pub(super) ppid: Pid,
    pub(super) source: Source,
    pub(super) image: Arc<Image>,
    pub(super) cgroup: Option<Arc<Cgroup>>,
    /// Since when its container runs; the same for everybody in it.
    pub(super) container_since: Option<Arc<AtomicU64>>,
    pub(super) tty: Short,
    pub(super) credentials: Live,
    pub(super) naming: Naming,
    pub(super) comm: [AtomicU64; 2],
    pub(super) forked: Timestamp,
    /// When the program was started; advanced when the same program is started again.
    pub(super) executed: AtomicU64,
    pub(super) exited: AtomicU64,
    /// The entry results from an exec, not from a fork alone.
    pub(super) is_exec: bool,
    /// The entry before it resulted from an exec too.
    pub(super) is_exec_exec: bool,
    /// A parent is said to exist but is not known.
    pub(super) parent_missing: bool,
    /// The parent, or the entry before the exec.
    pub(super) ancestor: Option<Arc<Process>>,
    /// How many ancestors there are.
    pub(super) depth: u16,
    /// Whether the ancestors lead to where they should.
    pub(super) lineage: Result<(), BrokenLineage>,
    /// Which process it is of, and which of its programs.
    pub(super) mark: mark::Cell,
    /// The kernel was asked who the parent is, since there is none any more.
    pub(super) asked: AtomicBool,
    /// Changes with what is shown.
    pub(super) version: Version,
}

impl Process {
    /// What it is known by.
    #[must_use]
    pub fn key(&self) -> ProcessKey {
        self.key
    }

    /// Its parent's pid: that of the process that forked it, or of the one that the kernel gave it to when
    /// that ended.
    #[must_use]
    pub fn ppid(&self) -> Pid {
        self.ppid
    }

    /// How it came into the cache.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// The program it runs.
    #[must_use]
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Its credentials at this moment.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.credentials.load()
    }

    /// By which its users and groups have their names: the accounts of its root, as they were when it was forked
    /// or ran its program.
    #[must_use]
    pub fn naming(&self) -> &Naming {
        &self.naming
    }

    /// Its command name at this moment.
    #[must_use]
    pub fn comm(&self) -> Short {
        let mut bytes = [0; 16];
        for (half, cell) in bytes.chunks_exact_mut(8).zip(&self.comm) {
            half.copy_from_slice(&cell.load(Relaxed).to_ne_bytes());
        }
        Short::new(&bytes)
    }

    /// Name of its controlling terminal, empty without one.
    #[must_use]
    pub fn tty(&self) -> Short {
        self.tty
    }

    /// Where it runs.
    #[must_use]
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_deref()
    }

    /// The same, to be held.
    pub(crate) fn shared_cgroup(&self) -> Option<&Arc<Cgroup>> {
        self.cgroup.as_ref()
    }

    /// Id of its container, empty outside of one.
    #[must_use]
    pub fn container_id(&self) -> &[u8] {
        self.cgroup.as_ref().map_or(&[], |cgroup| &cgroup.container)
    }

    /// Since when its container runs: the first program that was run in it, or the oldest process that was found there.
    #[must_use]
    pub fn container_since(&self) -> Option<Timestamp> {
        self.container_since.as_ref().map(|since| Timestamp(since.load(Relaxed)))
    }

    /// When it was forked.
    #[must_use]
    pub fn forked(&self) -> Timestamp {
        self.forked
    }

    /// When its program was started.
    #[must_use]
    pub fn executed(&self) -> Timestamp {
        Timestamp(self.executed.load(Relaxed))
    }

    /// When it ended, by exit or by running another program.
    #[must_use]
    pub fn exited(&self) -> Timestamp {
        Timestamp(self.exited.load(Relaxed))
    }

    /// The entry results from an exec, not from a fork alone.
    #[must_use]
    pub fn is_exec(&self) -> bool {
        self.is_exec
    }

    /// The entry before it resulted from an exec too.
    #[must_use]
    pub fn is_exec_exec(&self) -> bool {
        self.is_exec_exec
    }

    /// A parent is said to exist but is not known.
    #[must_use]
    pub fn parent_missing(&self) -> bool {
        self.parent_missing
    }

    /// The parent, or the entry before the exec.
    #[must_use]
    pub fn ancestor(&self) -> Option<&Arc<Process>> {
        self.ancestor.as_ref()
    }

    /// The nearest ancestor that is another process.
    #[must_use]
    pub fn parent(&self) -> Option<&Process> {
        self.ancestors().find(|ancestor| ancestor.key != self.key)
    }

    /// The ancestors, nearest first.
    #[must_use]
    pub fn ancestors(&self) -> Lineage<'_> {
        Lineage::of(self)
    }

    /// The kernel's workers have no memory of their own, so no program file.
    #[must_use]
    pub fn is_kworker(&self) -> bool {
        self.image.file.path.is_empty() && (self.ppid.0 == 2 || self.key.pid.0 == 2)
    }

    pub(super) fn set_comm(&self, comm: Short) {
        let bytes = comm.to_array();
        for (half, cell) in bytes.chunks_exact(8).zip(&self.comm) {
            let mut word = [0; 8];
            word.copy_from_slice(half);
            cell.store(u64::from_ne_bytes(word), Relaxed);
        }
        self.version.renew();
    }

    pub(super) fn set_credentials(&self, credentials: &Credentials) {
        self.credentials.store(credentials);
        self.version.renew();
    }
}

const fn identity<T>(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'a> fn(&'a T) -> Value<'a>,
) -> Member<T> {
    let leaf: Leaf<T> = leaf(name, kind, doc, get);
    Member::Leaf(leaf.at(Detail::Identity))
}

macro_rules! id {
    ($name:literal, $member:ident, $doc:literal) => {
        field($name, Kind::Int, $doc, |process: &Process| Value::Uint(process.credentials().$member.into()))
    };
}

macro_rules! name {
    ($name:literal, $kind:ident, $member:ident, $doc:literal) => {
        leaf($name, Kind::String, $doc, |process: &Process| {
            Value::text(process.naming.$kind(process.credentials().$member))
        })
    };
}

impl Record for Process {
    const MEMBERS: &'static [Member<Self>] = &[
        identity("pid", Kind::Int, "Process id", |process| Value::Int(process.key.pid.0.into())),
        identity("ppid", Kind::Int, "Id of the parent", |process| Value::Int(process.ppid.0.into())),
        identity("comm", Kind::String, "Command name: at most 15 bytes, which the program may change", |process| {
            Value::Short(process.comm())
        }),
        field("argv0", Kind::String, "First argument: the name it was called by", |process| {
            Value::text(process.image.arguments.first())
        }),
        group!(
            "file",
            [
                Member::Inline(&Reduced {
                    get: |process: &Process| Some(&process.image.file),
                    full_from: Detail::Full
                }),
                leaf("hashes", Kind::Strings, image::HASHES, |process: &Process| image::texts(process.image.hashes()))
                    .at(Detail::Full)
                    .member(),
                leaf("hash_state", Kind::String, image::HASH_STATE, |process: &Process| {
                    image::state(process.image.hashes())
                })
                .at(Detail::Full)
                .member(),
            ],
        ),
        Member::Inline(&Embedded { get: |process: &Process| Some(&*process.image) }),
        id!("uid", uid, "Real user"),
        Member::Leaf(name!("user", user, uid, "Name of the real user")),
        id!("gid", gid, "Real group"),
        Member::Leaf(name!("group", group, gid, "Name of the real group")),
        id!("euid", euid, "Effective user"),
        name!("euser", user, euid, "Name of the effective user").at(Detail::Derived).member(),
        id!("egid", egid, "Effective group"),
        name!("egroup", group, egid, "Name of the effective group").at(Detail::Derived).member(),
        id!("fsuid", fsuid, "User for file access"),
        name!("fsuser", user, fsuid, "Name of the user for file access").at(Detail::Derived).member(),
        id!("fsgid", fsgid, "Group for file access"),
        name!("fsgroup", group, fsgid, "Name of the group for file access").at(Detail::Derived).member(),
        field("auid", Kind::Int, "Login user, if one logged in", |process| match process.credentials().auid {
            u32::MAX => Value::Absent,
            auid => Value::Uint(auid.into()),
        }),
        worded("cap_effective", "", Kind::Flags(&names::CAPABILITIES), "Effective capabilities", |process| {
            Value::Flags(process.credentials().cap_effective, &names::CAPABILITIES)
        }),
        worded("cap_permitted", "", Kind::Flags(&names::CAPABILITIES), "Permitted capabilities", |process| {
            Value::Flags(process.credentials().cap_permitted, &names::CAPABILITIES)
        }),
        field("tty_name", Kind::String, "Controlling terminal", |process| {
            if process.tty.as_bytes().is_empty() { Value::Absent } else { Value::Short(process.tty) }
        }),
        field("created_at", Kind::Time, "When it was forked", |process| {
            if process.forked.is_known() { Value::Time(process.forked) } else { Value::Absent }
        }),
        derived("is_exec", Kind::Bool, "It runs a program of its own, not its parent's", |process| {
            Value::Bool(process.is_exec)
        }),
        derived("is_thread", Kind::Bool, "It still runs its parent's program: the opposite of is_exec", |process| {
            Value::Bool(!process.is_exec)
        }),
        derived("is_kworker", Kind::Bool, "It is a thread of the kernel", |process| Value::Bool(process.is_kworker())),
        group!(
            "cgroup",
            [derived("id", Kind::String, "Path of the control group", |process: &Process| {
                process.cgroup.as_ref().map_or(Value::Absent, |cgroup| Value::text(&cgroup.path))
            })],
        ),
        group!(
            "container",
            [
                derived("id", Kind::String, "Container that it runs in", |process: &Process| {
                    Value::text(process.container_id())
                }),
                derived(
                    "created_at",
                    Kind::Time,
                    "When the first program was run in the container; of one that ran already, when its oldest process began",
                    |process| process.container_since().map_or(Value::Absent, Value::Time),
                ),
            ],
        ),
    ];
}
