//! What each argument of a system call means to Lapwing, and so what has to be captured for it.
//!
//! A backend acts on roles alone: it reads strings, structures and descriptors where the roles say
//! so, without knowing which call it is looking at.

use super::Arch;

/// Which of an event's files an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The file acted on (`*.file`).
    File,
    /// The second file of `rename`, `link`, `mount` and `pivot_root` (`*.file.destination`).
    Destination,
}

/// How the last component of a path is treated by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Last {
    /// A symbolic link there is followed. [`Role::AtFlags`] with `AT_SYMLINK_NOFOLLOW` turns it off.
    Follow,
    /// A symbolic link there is acted on itself. `AT_SYMLINK_FOLLOW` turns following on.
    Keep,
    /// The component is made by the call: its directory is resolved before the call, the file itself
    /// identified after it.
    Create,
}

/// Structures that calls take by pointer and that are captured whole at entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `struct open_how` (linux/openat2.h): flags, mode, resolve; three `u64`.
    OpenHow,
    /// `struct utimbuf`: two `long` of seconds. A `long` here is [`Arch::long_size`].
    Utimbuf,
    /// `struct timeval[2]`: access and modification time, seconds and microseconds as `long`.
    Timeval,
    /// `struct timespec[2]`: seconds and nanoseconds as `long`.
    Timespec,
    /// `struct __kernel_timespec[2]`: seconds and nanoseconds as `u64` on every interface.
    Timespec64,
    /// `struct rlimit`: two `unsigned long`.
    Rlimit,
    /// `struct rlimit64`: two `u64`.
    Rlimit64,
    /// `struct __user_cap_data_struct[2]` (linux/capability.h): effective, permitted, inheritable,
    /// low halves first; 24 bytes.
    CapData,
    /// The start of `union bpf_attr` (linux/bpf.h).
    BpfAttr,
    /// `struct sock_fprog`: a `u16` count and a pointer.
    SockFprog,
}

impl Layout {
    /// Bytes to read, on this interface.
    #[must_use]
    pub const fn size(self, arch: Arch) -> usize {
        match self {
            Self::OpenHow | Self::CapData => 24,
            Self::Utimbuf | Self::Rlimit => 2 * arch.long_size(),
            Self::SockFprog => 2 * arch.pointer_size(),
            Self::Timeval | Self::Timespec => 4 * arch.long_size(),
            Self::Timespec64 => 32,
            Self::Rlimit64 => 16,
            Self::BpfAttr => BPF_ATTR_CAPTURE,
        }
    }
}

/// How much of `union bpf_attr` is captured: up to and including `prog_load.expected_attach_type`
/// (offset 68, 4 bytes), which covers names and types of maps and programs.
pub const BPF_ATTR_CAPTURE: usize = 72;

/// The meaning of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Carries nothing that an event shows.
    Ignored,
    /// A descriptor of the file in this slot.
    Fd(Slot),
    /// The directory descriptor that the next [`Role::Path`] starts from.
    DirFd,
    /// A path, relative to the [`Role::DirFd`] before it or to the working directory.
    Path(Slot, Last),
    /// The text of a symbolic link: stored, not followed, and relative to the link's directory.
    LinkText,
    /// A path or name that the kernel does not resolve as a file (a mount source, say).
    Source,
    /// `AT_*` flags, which change how the path before them is resolved.
    AtFlags,
    /// A NUL-terminated string that names something else than a file.
    Name,
    /// Flags particular to the call.
    Flags,
    /// Permission bits of a file.
    Mode,
    /// A user id; −1 leaves it as it is.
    Uid,
    /// A group id; −1 leaves it as it is.
    Gid,
    /// The effective id of a call that sets several.
    EffectiveId,
    /// The saved id of a call that sets several; no event shows it.
    SavedId,
    /// The file system id.
    FsId,
    /// A structure of the given layout.
    Data(Layout),
    /// The length of the [`Role::Data`], [`Role::SockAddr`] or [`Role::Image`] before it.
    Length,
    /// A descriptor of a socket.
    Socket,
    /// A socket address that the caller passes.
    SockAddr,
    /// A socket address that the kernel fills in, read after the call.
    SockAddrOut,
    /// The process that is acted on; 0 may mean the caller.
    TargetPid,
    /// The thread that is acted on.
    TargetTid,
    /// The process group or pidfd that is acted on.
    TargetPidfd,
    /// A selector with names of its own: command, option, request, resource, level, family, …
    Selector,
    /// A second selector.
    SubSelector,
    /// A third selector.
    Protocol,
    /// A kernel module's image in memory.
    Image,
    /// The argument vector of a new program (read from the program itself once it runs).
    Argv,
    /// The environment of a new program (likewise).
    Envp,
    /// `struct clone_args` (linux/sched.h), whose first `u64` is the flags.
    CloneArgs,
    /// A pointer to a block of the real arguments, each as wide as a pointer.
    Indirect,
}
