//! The sets of flags. Bits that we do not know are kept.

use bitflags::bitflags;

bitflags! {
    /// `LW_ARG_*`, of an [`Argument`](super::Argument).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ArgumentFlags: u8 {
        /// The next argument is its length.
        const LENGTH = 0x01;
        /// The argument before is the directory that it starts from.
        const DIRFD = 0x02;
        /// A symbolic link at the end is acted on itself.
        const NOFOLLOW = 0x04;
        /// The last component is made by the call.
        const CREATE = 0x08;
        /// Looked at before the call, which may change or remove it.
        const EARLY = 0x10;
        /// An empty path always may mean the directory descriptor itself.
        const EMPTY = 0x20;
        /// Likewise a null pointer.
        const NULL_OK = 0x40;
        /// Success mounts something there.
        const MOUNTED = 0x80;
    }

    /// `LW_CALL_*`, of a [`Descriptor`](super::Descriptor).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct CallFlags: u32 {
        /// Somebody wants what it becomes.
        const ENABLED = 0x01;
        /// Has arguments that are looked at before the call.
        const EARLY = 0x02;
        /// The result is a descriptor of the file in slot 0.
        const MAKES_FILE = 0x04;
        /// The result is a socket, connected if there is a peer.
        const MAKES_SOCKET = 0x08;
        /// The thread's credentials may have changed.
        const CREDENTIALS = 0x10;
        /// Success is seen where the new program begins.
        const PROGRAM = 0x20;
        /// The arguments lie in memory.
        const INDIRECT = 0x40;
        /// Success makes the file in slot 0 the working directory.
        const NEW_CWD = 0x80;
        /// Makes the file in slot 0 under the name that it is given.
        const CREATES = 0x100;
        /// Nobody wants the type: only discarders are concerned.
        const QUIET = 0x200;
        /// Likewise the first type.
        const FIRST_QUIET = 0x400;
        /// Success ends all discarders: mounts are elsewhere.
        const UPHEAVAL = 0x800;
        /// Success lets the caller change files unseen: discarders are over.
        const UNSEEN = 0x1000;
        /// An operation of an io_uring that nobody can see into: said once of a process.
        const OPAQUE = 0x2000;
        /// The file that the result is a descriptor of is the root of a new mount.
        const MAKES_MOUNT = 0x4000;
    }

    /// `LW_OPERATION_*`, of an [`Operation`](super::Operation).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OperationFlags: u32 {
        /// The completion will not be heard of if it succeeds: nobody is told.
        const QUIET = 0x01;
        /// An address was read from the caller's memory, not from the kernel's copy.
        const USER_READ = 0x02;
    }

    /// `LW_PART_*`, of a [`Part`](super::Part).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct PartFlags: u8 {
        /// There was more.
        const TRUNCATED = 0x01;
        /// Looked at after the call although that may have changed it: for want of anything better.
        const LATE = 0x02;
    }

    /// `LW_FILE_*`, of a [`FileHead`](super::FileHead).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FileFlags: u16 {
        /// The inode's fields are filled in.
        const INODE = 0x01;
        /// The names end at the process's root.
        const ROOTED = 0x02;
        /// There are more names, or longer ones.
        const TRUNCATED = 0x04;
        /// On a mount of the kernel's own: pipes, sockets, memfds.
        const INTERNAL = 0x08;
        /// `rest` could not be looked up, which does not mean that it is not there.
        const UNCERTAIN = 0x10;
        /// Not even where the path begins is known.
        const NO_BASE = 0x20;
        /// On a mount that is not among those of the process.
        const ELSEWHERE = 0x40;
        /// On a mount that is in no namespace.
        const DETACHED = 0x80;
    }
}
