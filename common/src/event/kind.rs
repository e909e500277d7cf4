//! Types of events.

use core::fmt;

/// What kind of thing happened.
///
/// The discriminants up to [`EventType::Setsockopt`] are upstream's numbers (reference release 2026),
/// since discarder masks and dumps use them; the rest are in upstream's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EventType {
    /// A file was opened, created or truncated.
    Open = 1,
    /// A directory was made.
    Mkdir,
    /// A name was given to a file: hard or symbolic link.
    Link,
    /// A file was moved.
    Rename,
    /// A file was removed.
    Unlink,
    /// A directory was removed.
    Rmdir,
    /// Permissions were changed.
    Chmod,
    /// Ownership was changed.
    Chown,
    /// Times were set.
    Utimes,
    /// Executable memory was mapped.
    Mmap,
    /// Memory was made executable.
    Mprotect,
    /// Data was moved through a pipe without copying.
    Splice,
    /// An extended attribute was set.
    Setxattr,
    /// An extended attribute was removed.
    Removexattr,
    /// The working directory was changed.
    Chdir,
    /// The bpf system call was used.
    Bpf,
    /// A socket connects.
    Connect = 18,
    /// A process option was changed or asked for.
    Prctl,
    /// A socket option was set.
    Setsockopt,
    /// A file system was mounted.
    Mount,
    /// A file system was unmounted.
    Umount,
    /// A process was created.
    Fork,
    /// A program was started.
    Exec,
    /// A process ended.
    Exit,
    /// User ids were changed.
    Setuid,
    /// Group ids were changed.
    Setgid,
    /// Capabilities were changed.
    Capset,
    /// Another process was traced.
    Ptrace,
    /// A kernel module was loaded.
    LoadModule,
    /// A kernel module was unloaded.
    UnloadModule,
    /// A signal was sent.
    Signal,
    /// A connection was accepted.
    Accept,
    /// A socket was bound to an address.
    Bind,
    /// Namespaces were left for new ones.
    Unshare,
    /// A resource limit was set.
    Setrlimit,
    /// A socket was made.
    Socket,
    /// The root directory was changed.
    Chroot,
    /// A namespace was entered.
    Setns,
    /// The root mount was exchanged.
    PivotRoot,
    /// A workload set up something that the backend cannot see into.
    Blind,
    /// A program made system calls that its profile does not know.
    Syscalls,
}

/// Types that belong together: one colour in output, one chapter in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Processes and what they do to themselves and one another.
    Process,
    /// Files.
    File,
    /// Memory and the kernel.
    Kernel,
    /// The network.
    Network,
    /// Lapwing's own remarks.
    Lapwing,
}

impl Group {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::File => "file",
            Self::Kernel => "memory and kernel",
            Self::Network => "network",
            Self::Lapwing => "lapwing",
        }
    }
}

impl EventType {
    /// Every type, by group.
    pub const ALL: [Self; 41] = [
        Self::Exec,
        Self::Fork,
        Self::Exit,
        Self::Setuid,
        Self::Setgid,
        Self::Capset,
        Self::Setrlimit,
        Self::Prctl,
        Self::Signal,
        Self::Ptrace,
        Self::Chdir,
        Self::Chroot,
        Self::Setns,
        Self::Unshare,
        Self::Open,
        Self::Mkdir,
        Self::Rmdir,
        Self::Unlink,
        Self::Rename,
        Self::Link,
        Self::Chmod,
        Self::Chown,
        Self::Utimes,
        Self::Setxattr,
        Self::Removexattr,
        Self::Mount,
        Self::Umount,
        Self::PivotRoot,
        Self::Splice,
        Self::Mmap,
        Self::Mprotect,
        Self::LoadModule,
        Self::UnloadModule,
        Self::Bpf,
        Self::Socket,
        Self::Bind,
        Self::Connect,
        Self::Accept,
        Self::Setsockopt,
        Self::Blind,
        Self::Syscalls,
    ];

    /// Name, group and meaning.
    fn row(self) -> (&'static str, Group, &'static str) {
        match self {
            Self::Exec => ("exec", Group::Process, "A program was started."),
            Self::Fork => ("fork", Group::Process, "A process was created."),
            Self::Exit => ("exit", Group::Process, "A process ended."),
            Self::Setuid => ("setuid", Group::Process, "User ids were changed."),
            Self::Setgid => ("setgid", Group::Process, "Group ids were changed."),
            Self::Capset => ("capset", Group::Process, "Capabilities were changed."),
            Self::Setrlimit => ("setrlimit", Group::Process, "A resource limit was set."),
            Self::Prctl => ("prctl", Group::Process, "A process option was changed or asked for."),
            Self::Signal => ("signal", Group::Process, "A signal was sent."),
            Self::Ptrace => ("ptrace", Group::Process, "Another process was traced."),
            Self::Chdir => ("chdir", Group::Process, "The working directory was changed."),
            Self::Chroot => ("chroot", Group::Process, "The root directory was changed."),
            Self::Setns => ("setns", Group::Process, "A namespace was entered."),
            Self::Unshare => ("unshare", Group::Process, "Namespaces were left for new ones."),
            Self::Open => ("open", Group::File, "A file was opened, created or truncated."),
            Self::Mkdir => ("mkdir", Group::File, "A directory was made."),
            Self::Rmdir => ("rmdir", Group::File, "A directory was removed."),
            Self::Unlink => ("unlink", Group::File, "A file was removed."),
            Self::Rename => ("rename", Group::File, "A file was moved."),
            Self::Link => ("link", Group::File, "A name was given to a file: hard or symbolic link."),
            Self::Chmod => ("chmod", Group::File, "Permissions were changed."),
            Self::Chown => ("chown", Group::File, "Ownership was changed."),
            Self::Utimes => ("utimes", Group::File, "Times were set."),
            Self::Setxattr => ("setxattr", Group::File, "An extended attribute was set."),
            Self::Removexattr => ("removexattr", Group::File, "An extended attribute was removed."),
            Self::Mount => {
                ("mount", Group::File, "A file system was mounted, or a mount made that is not put anywhere yet.")
            }
            Self::Umount => ("umount", Group::File, "A file system was unmounted."),
            Self::PivotRoot => ("pivot_root", Group::File, "The root mount was exchanged."),
            Self::Splice => ("splice", Group::File, "Data was moved through a pipe without copying."),
            Self::Mmap => ("mmap", Group::Kernel, "Executable memory was mapped."),
            Self::Mprotect => ("mprotect", Group::Kernel, "Memory was made executable."),
            Self::LoadModule => ("load_module", Group::Kernel, "A kernel module was loaded."),
            Self::UnloadModule => ("unload_module", Group::Kernel, "A kernel module was unloaded."),
            Self::Bpf => ("bpf", Group::Kernel, "The bpf system call was used."),
            Self::Socket => ("socket", Group::Network, "A socket was made."),
            Self::Bind => ("bind", Group::Network, "A socket was bound to an address."),
            Self::Connect => ("connect", Group::Network, "A socket connects."),
            Self::Accept => ("accept", Group::Network, "A connection was accepted."),
            Self::Setsockopt => ("setsockopt", Group::Network, "A socket option was set."),
            Self::Blind => ("blind", Group::Lapwing, "A workload set up something that the backend cannot see into."),
            Self::Syscalls => (
                "syscalls",
                Group::Lapwing,
                "A program made system calls that its profile does not know; only an anomaly.",
            ),
        }
    }

    /// The name, as in rules and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|candidate| candidate.name() == name)
    }

    /// The group it belongs to.
    #[must_use]
    pub fn group(self) -> Group {
        self.row().1
    }

    /// One sentence on what it reports.
    #[must_use]
    pub fn doc(self) -> &'static str {
        self.row().2
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
