//! The part of an event that its type decides.

use super::{
    Accept, Bind, Blind, Bpf, Capset, Chdir, Chmod, Chown, Chroot, Connect, EventType, Exec, Exit, File, Fork, Link,
    LoadModule, Mkdir, Mmap, Mount, Mprotect, Open, PivotRoot, Prctl, Ptrace, Removexattr, Rename, Rmdir, Setgid,
    Setns, Setrlimit, Setsockopt, Setuid, Setxattr, Signal, Socket, Splice, Syscalls, Umount, Unlink, UnloadModule,
    Unshare, Utimes,
};
use crate::accounts::Naming;
use crate::schema::group;
use crate::schema::{Embedded, Member, Record};

macro_rules! payloads {
    ($($variant:ident $name:literal,)*) => {
        /// What happened.
        #[derive(Clone, Debug)]
        #[allow(clippy::large_enum_variant, reason = "events are built in place and not kept")]
        pub enum Payload {
            $(#[doc = concat!("`", $name, "`")] $variant($variant),)*
        }

        impl Payload {
            /// The type that this is of.
            #[must_use]
            pub fn event_type(&self) -> EventType {
                match self { $(Self::$variant(_) => EventType::$variant,)* }
            }
        }

        impl Record for Payload {
            const MEMBERS: &'static [Member<Self>] = &[Member::Choice {
                of: Payload::position,
                members: const { &[$(
                    group!($name, [Member::Inline(&Embedded {
                        get: |payload: &Payload| match payload {
                            Payload::$variant(inner) => Some(inner),
                            _ => None,
                        },
                    })]),
                )*] },
            }];
        }

        /// In the order of the members.
        enum Position { $($variant,)* }

        impl Payload {
            fn position(&self) -> usize {
                match self { $(Self::$variant(_) => Position::$variant as usize,)* }
            }
        }

        $(impl From<$variant> for Payload {
            fn from(inner: $variant) -> Self {
                Self::$variant(inner)
            }
        })*
    };
}

impl Payload {
    /// The file that a discarder of the event would be about.
    #[must_use]
    pub fn discardable(&self) -> Option<&File> {
        match self {
            Self::Open(Open { file, .. })
            | Self::Mkdir(Mkdir { file, .. })
            | Self::Unlink(Unlink { file, .. })
            | Self::Rmdir(Rmdir { file, .. })
            | Self::Chmod(Chmod { file, .. })
            | Self::Chown(Chown { file, .. })
            | Self::Utimes(Utimes { file, .. })
            | Self::Splice(Splice { file, .. })
            | Self::Setxattr(Setxattr { file, .. })
            | Self::Removexattr(Removexattr { file, .. })
            | Self::Chdir(Chdir { file, .. }) => Some(file),
            Self::Mmap(Mmap { file, .. }) => file.as_ref(),
            _ => None,
        }
    }

    /// Has the users and groups that it tells of by number named by these accounts. Its files have theirs already.
    pub(crate) fn name_by(&mut self, by: Naming) {
        match self {
            Self::Setuid(Setuid { naming, .. })
            | Self::Setgid(Setgid { naming, .. })
            | Self::Chown(Chown { naming, .. }) => *naming = by,
            _ => {}
        }
    }
}

payloads! {
    Exec "exec", Fork "fork", Exit "exit", Setuid "setuid", Setgid "setgid", Capset "capset",
    Setrlimit "setrlimit", Prctl "prctl", Signal "signal", Ptrace "ptrace", Chdir "chdir", Chroot "chroot",
    Setns "setns", Unshare "unshare",
    Open "open", Mkdir "mkdir", Rmdir "rmdir", Unlink "unlink", Rename "rename", Link "link", Chmod "chmod",
    Chown "chown", Utimes "utimes", Setxattr "setxattr", Removexattr "removexattr", Mount "mount",
    Umount "umount", PivotRoot "pivot_root", Splice "splice",
    Mmap "mmap", Mprotect "mprotect", LoadModule "load_module", UnloadModule "unload_module", Bpf "bpf",
    Socket "socket", Bind "bind", Connect "connect", Accept "accept", Setsockopt "setsockopt",
    Blind "blind",
    Syscalls "syscalls",
}
