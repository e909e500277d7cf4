//! Events about processes.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::{File, Text};
use crate::ids::Pid;
use crate::names;
use crate::process::Process;
use crate::schema::group;
use crate::schema::{Embedded, Expanded, Kind, Member, Record, Short, Value, field, worded};

/// `exec`: `execve`, `execveat`.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The process after the call; before it when the call failed.
    pub process: Arc<Process>,
    /// The program that was asked for and did not start. A failed exec changes no process.
    pub refused: Option<File>,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Exec {
    fn started(&self) -> Option<&Process> {
        self.refused.is_none().then_some(&*self.process)
    }
}

impl Record for Exec {
    const MEMBERS: &'static [Member<Self>] = &[
        Member::Inline(&Expanded { get: |exec: &Exec| exec.started() }),
        group!("file", [Member::Inline(&Embedded { get: |exec: &Exec| exec.refused.as_ref() })]),
        group!(
            "syscall",
            [field("path", Kind::String, "The string that was passed", |exec: &Exec| {
                exec.path.as_ref().map_or(Value::Absent, |text| Value::Bytes(&text.bytes))
            })],
        ),
        retval!(),
    ];
}

/// `fork`: also `vfork`, `clone` and `clone3` of a process. The new process is `fork.*`.
#[derive(Clone, Debug)]
pub struct Fork {
    /// The new process.
    pub child: Arc<Process>,
}

impl Record for Fork {
    const MEMBERS: &'static [Member<Self>] =
        &[field("pid", Kind::Int, "The new process", |fork| Value::Int(fork.child.key().pid.0.into()))];
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitCause {
    /// It called exit.
    Exited,
    /// A signal ended it and memory was dumped.
    CoreDumped,
    /// A signal ended it.
    Signaled,
}

/// `exit`.
#[derive(Clone, Debug)]
pub struct Exit {
    /// How it ended.
    pub cause: ExitCause,
    /// Exit status or signal number.
    pub code: u32,
}

impl Record for Exit {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("cause", "cause_str", Kind::Symbol(&names::EXIT_CAUSES), "How it ended", |exit| {
            Value::Symbol(exit.cause as i64, &names::EXIT_CAUSES)
        }),
        field("code", Kind::Int, "Exit status, or the signal's number", |exit| Value::Uint(exit.code.into())),
    ];
}

/// `setrlimit`, `prlimit64` that sets.
#[derive(Clone, Debug)]
pub struct Setrlimit {
    /// `RLIMIT_*`.
    pub resource: i64,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
    /// The process whose limit it is.
    pub target_pid: Pid,
    /// The same, when known.
    pub target: Option<Arc<Process>>,
    /// The result.
    pub retval: i64,
}

impl Record for Setrlimit {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("resource", "resource_str", Kind::Symbol(&names::RLIMITS), "Limited resource", |event| {
            Value::Symbol(event.resource, &names::RLIMITS)
        }),
        field("rlim_cur", Kind::Int, "Soft limit", |event| Value::Uint(event.soft)),
        field("rlim_max", Kind::Int, "Hard limit", |event| Value::Uint(event.hard)),
        field("pid", Kind::Int, "Process whose limit it is", |event| Value::Int(event.target_pid.0.into())),
        group!("target", [Member::Inline(&Embedded { get: |event: &Self| event.target.as_deref() })]),
        retval!(),
    ];
}

/// `prctl`.
#[derive(Clone, Debug)]
pub struct Prctl {
    /// `PR_*` option.
    pub option: i64,
    /// New command name, for `PR_SET_NAME`.
    pub new_name: Option<Short>,
    /// It was longer than the kernel keeps.
    pub name_truncated: bool,
    /// The result.
    pub retval: i64,
}

impl Record for Prctl {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("option", "option_str", Kind::Symbol(&names::PRCTL_OPTIONS), "What was asked for", |event| {
            Value::Symbol(event.option, &names::PRCTL_OPTIONS)
        }),
        field("new_name", Kind::String, "New command name, for PR_SET_NAME", |event| {
            event.new_name.map_or(Value::Absent, Value::Short)
        }),
        field("is_name_truncated", Kind::Bool, "The name was longer than the kernel keeps", |event| {
            Value::mark(event.name_truncated)
        }),
        retval!(),
    ];
}

/// `signal`: `kill`, `tkill`, `tgkill`, `rt_sigqueueinfo`, `pidfd_send_signal`.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Its number; 0 only asks whether the target exists.
    pub number: i64,
    /// The target as it was passed: negative for a process group, 0 for the caller's own.
    pub pid: i64,
    /// The target, when it is a known process.
    pub target: Option<Arc<Process>>,
    /// The result.
    pub retval: i64,
}

impl Record for Signal {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("type", "type_str", Kind::Symbol(&names::SIGNALS), "The signal", |event| {
            Value::Symbol(event.number, &names::SIGNALS)
        }),
        field("pid", Kind::Int, "Target; negative for a process group, 0 for the caller's own", |event| {
            Value::Int(event.pid)
        }),
        group!("target", [Member::Inline(&Embedded { get: |event: &Self| event.target.as_deref() })]),
        retval!(),
    ];
}

/// `ptrace`.
#[derive(Clone, Debug)]
pub struct Ptrace {
    /// `PTRACE_*` request.
    pub request: i64,
    /// The thread that is traced.
    pub pid: i64,
    /// Its process, when known.
    pub tracee: Option<Arc<Process>>,
    /// The result.
    pub retval: i64,
}

impl Record for Ptrace {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("request", "request_str", Kind::Symbol(&names::PTRACE_REQUESTS), "What was asked for", |event| {
            Value::Symbol(event.request, &names::PTRACE_REQUESTS)
        }),
        field("pid", Kind::Int, "Thread that is traced", |event| Value::Int(event.pid)),
        group!("tracee", [Member::Inline(&Embedded { get: |event: &Self| event.tracee.as_deref() })]),
        retval!(),
    ];
}

/// `chdir`, `fchdir`.
#[derive(Clone, Debug)]
pub struct Chdir {
    /// The directory.
    pub file: File,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

/// `chroot`.
#[derive(Clone, Debug)]
pub struct Chroot {
    /// The directory, as seen from the old root.
    pub file: File,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

macro_rules! directory_events {
    ($($name:ident)*) => { $(
        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] = &[
                group!("file", [Member::Inline(&Embedded { get: |event: &Self| Some(&event.file) })]),
                group!("syscall", [field("path", Kind::String, "The string that was passed", |event: &Self| {
                        event.path.as_ref().map_or(Value::Absent, |text| Value::Bytes(&text.bytes))
                    })],
                ),
                retval!(),
            ];
        }
    )* };
}

directory_events! { Chdir Chroot }

/// `setns`.
#[derive(Clone, Debug)]
pub struct Setns {
    /// What the descriptor names: `net:[4026531840]`, or a process.
    pub namespace: Box<[u8]>,
    /// `CLONE_NEW*` kinds that were asked for.
    pub flags: u64,
    /// The result.
    pub retval: i64,
}

impl Record for Setns {
    const MEMBERS: &'static [Member<Self>] = &[
        field("namespace", Kind::String, "What the descriptor names", |event| Value::text(&event.namespace)),
        worded("flags", "flags_str", Kind::Flags(&names::CLONE_FLAGS), "Kinds of namespace", |event| {
            Value::Flags(event.flags, &names::CLONE_FLAGS)
        }),
        retval!(),
    ];
}

/// `unshare`.
#[derive(Clone, Debug)]
pub struct Unshare {
    /// `CLONE_*` flags.
    pub flags: u64,
    /// The result.
    pub retval: i64,
}

impl Record for Unshare {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("flags", "flags_str", Kind::Flags(&names::CLONE_FLAGS), "What is no longer shared", |event| {
            Value::Flags(event.flags, &names::CLONE_FLAGS)
        }),
        retval!(),
    ];
}
