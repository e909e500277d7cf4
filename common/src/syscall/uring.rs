//! Operations of an io_uring: what the kernel does for a program without a system call.
//!
//! Each is a call of the catalogue by other means, and becomes the same event; or it becomes none; or
//! nobody can see into it. A backend that sees requests goes by these rows as it goes by those of calls:
//! an operation says which call it stands for, and where the request has what the call has as arguments.
//!
//! Operations that read and write, wait, or manage the ring have no counterpart in the catalogue.

use super::Syscall;

macro_rules! places {
    ($($(#[$about:meta])* $name:ident = $number:literal,)*) => {
        /// Where a request of the kernel's has a value (`struct io_kiocb`, and what begins with one: `struct io_open`
        /// and others of io_uring/*.c).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Place { $($(#[$about])* $name = $number,)* }

        impl Place {
            /// Every one, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

places! {
    /// Nowhere: no event shows it.
    None = 0,
    /// The descriptor that it is about, or the number of a fixed file.
    File = 1,
    /// The directory descriptor of `openat`.
    OpenDirectory = 2,
    /// Its path.
    OpenPath = 3,
    /// Its flags.
    OpenFlags = 4,
    /// Its mode.
    OpenMode = 5,
    /// Where among the fixed files it goes.
    OpenSlot = 6,
    /// The directory descriptor of `unlinkat`.
    UnlinkDirectory = 7,
    /// Its path.
    UnlinkPath = 8,
    /// Its flags.
    UnlinkFlags = 9,
    /// The first directory descriptor of `renameat2`.
    RenameDirectory = 10,
    /// Its old path.
    RenamePath = 11,
    /// Its second directory descriptor.
    RenameNewDirectory = 12,
    /// Its new path.
    RenameNewPath = 13,
    /// Its flags.
    RenameFlags = 14,
    /// The directory descriptor of `mkdirat`.
    MkdirDirectory = 15,
    /// Its path.
    MkdirPath = 16,
    /// Its mode.
    MkdirMode = 17,
    /// The first directory descriptor of `linkat`.
    LinkDirectory = 18,
    /// Its old path, or the text of a symbolic link.
    LinkPath = 19,
    /// Its second directory descriptor.
    LinkNewDirectory = 20,
    /// Its new path.
    LinkNewPath = 21,
    /// Its flags.
    LinkFlags = 22,
    /// The path of `setxattr`.
    XattrPath = 23,
    /// The name of the attribute.
    XattrName = 24,
    /// The descriptor that `splice` reads from.
    SpliceSource = 25,
    /// How much it moves.
    SpliceLength = 26,
    /// Its flags.
    SpliceFlags = 27,
    /// The family of `socket`.
    SocketDomain = 28,
    /// Its type.
    SocketType = 29,
    /// Its protocol.
    SocketProtocol = 30,
    /// Where among the fixed files it goes.
    SocketSlot = 31,
    /// The address of `connect` and `bind`.
    Address = 32,
    /// How long that of `connect` is.
    ConnectLength = 33,
    /// How long that of `bind` is.
    BindLength = 34,
    /// The flags of `accept4`.
    AcceptFlags = 35,
    /// Where among the fixed files it goes.
    AcceptSlot = 36,
}

/// What an operation is to Lapwing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// No call of the catalogue.
    Nothing,
    /// The call of this name.
    Call {
        /// Its name in the catalogue.
        name: &'static str,
        /// Where each of its arguments is.
        places: &'static [Place],
        /// Where it says that the result goes to the fixed files.
        slot: Place,
    },
    /// It may be anything: a command of a driver or a socket, or an operation of a newer kernel.
    Opaque,
}

/// An operation: its name and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The kernel's name for it (`IORING_OP_*` of linux/io_uring.h), in lower case.
    pub name: &'static str,
    /// What it is.
    pub meaning: Meaning,
}

/// Every operation, by number, as of Linux 6.18. What comes behind is [`Meaning::Opaque`].
pub static OPERATIONS: [Operation; 63] = [
    nothing("nop"),
    nothing("readv"),
    nothing("writev"),
    nothing("fsync"),
    nothing("read_fixed"),
    nothing("write_fixed"),
    nothing("poll_add"),
    nothing("poll_remove"),
    nothing("sync_file_range"),
    nothing("sendmsg"),
    nothing("recvmsg"),
    nothing("timeout"),
    nothing("timeout_remove"),
    call("accept", "accept4", &[Place::File, Place::None, Place::None, Place::AcceptFlags]).to(Place::AcceptSlot),
    nothing("async_cancel"),
    nothing("link_timeout"),
    call("connect", "connect", &[Place::File, Place::Address, Place::ConnectLength]),
    nothing("fallocate"),
    call("openat", "openat", OPEN).to(Place::OpenSlot),
    nothing("close"),
    nothing("files_update"),
    nothing("statx"),
    nothing("read"),
    nothing("write"),
    nothing("fadvise"),
    nothing("madvise"),
    nothing("send"),
    nothing("recv"),
    // What `struct open_how` said is in the request like the rest.
    call("openat2", "openat", OPEN).to(Place::OpenSlot),
    nothing("epoll_ctl"),
    call(
        "splice",
        "splice",
        &[Place::SpliceSource, Place::None, Place::File, Place::None, Place::SpliceLength, Place::SpliceFlags],
    ),
    nothing("provide_buffers"),
    nothing("remove_buffers"),
    nothing("tee"),
    nothing("shutdown"),
    call(
        "renameat",
        "renameat2",
        &[
            Place::RenameDirectory,
            Place::RenamePath,
            Place::RenameNewDirectory,
            Place::RenameNewPath,
            Place::RenameFlags,
        ],
    ),
    call("unlinkat", "unlinkat", &[Place::UnlinkDirectory, Place::UnlinkPath, Place::UnlinkFlags]),
    call("mkdirat", "mkdirat", &[Place::MkdirDirectory, Place::MkdirPath, Place::MkdirMode]),
    call("symlinkat", "symlinkat", &[Place::LinkPath, Place::LinkNewDirectory, Place::LinkNewPath]),
    call(
        "linkat",
        "linkat",
        &[Place::LinkDirectory, Place::LinkPath, Place::LinkNewDirectory, Place::LinkNewPath, Place::LinkFlags],
    ),
    nothing("msg_ring"),
    call("fsetxattr", "fsetxattr", &[Place::File, Place::XattrName]),
    call("setxattr", "setxattr", &[Place::XattrPath, Place::XattrName]),
    nothing("fgetxattr"),
    nothing("getxattr"),
    call("socket", "socket", &[Place::SocketDomain, Place::SocketType, Place::SocketProtocol]).to(Place::SocketSlot),
    // A socket's options are among its commands, and those of block devices and file systems.
    Operation { name: "uring_cmd", meaning: Meaning::Opaque },
    nothing("send_zc"),
    nothing("sendmsg_zc"),
    nothing("read_multishot"),
    nothing("waitid"),
    nothing("futex_wait"),
    nothing("futex_wake"),
    nothing("futex_waitv"),
    nothing("fixed_fd_install"),
    call("ftruncate", "ftruncate", &[Place::File]),
    call("bind", "bind", &[Place::File, Place::Address, Place::BindLength]),
    nothing("listen"),
    nothing("recv_zc"),
    nothing("epoll_wait"),
    nothing("readv_fixed"),
    nothing("writev_fixed"),
    nothing("pipe"),
];

const OPEN: &[Place] = &[Place::OpenDirectory, Place::OpenPath, Place::OpenFlags, Place::OpenMode];

const fn nothing(name: &'static str) -> Operation {
    Operation { name, meaning: Meaning::Nothing }
}

const fn call(operation: &'static str, name: &'static str, places: &'static [Place]) -> Operation {
    Operation { name: operation, meaning: Meaning::Call { name, places, slot: Place::None } }
}

impl Operation {
    /// Where it says that its result goes to the fixed files.
    const fn to(self, slot: Place) -> Self {
        match self.meaning {
            Meaning::Call { name, places, .. } => Self { meaning: Meaning::Call { name, places, slot }, ..self },
            _ => self,
        }
    }

    /// The call that it stands for.
    #[must_use]
    pub fn row(&self) -> Option<&'static Syscall> {
        match self.meaning {
            Meaning::Call { name, .. } => Syscall::named(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscall::Role;

    #[test]
    fn what_a_call_shows_has_a_place() {
        for operation in &OPERATIONS {
            let Meaning::Call { name, places, .. } = operation.meaning else { continue };
            let row = operation.row().expect(name);
            assert!(places.len() <= row.args.len(), "{}", operation.name);
            for (index, role) in row.args.iter().enumerate() {
                let place = places.get(index).copied().unwrap_or(Place::None);
                let unseen = matches!(role, Role::Ignored | Role::SockAddrOut);
                assert_eq!(place == Place::None, unseen, "{}: argument {index}", operation.name);
            }
        }
    }

    #[test]
    fn places_are_numbered_one_after_the_other() {
        assert!((0..).zip(Place::ALL).all(|(number, place)| *place as u8 == number));
    }
}
