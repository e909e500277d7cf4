//! What comes out of the rings: a record, then its parts.

use lapwing_common::process::Mark;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Interface, Kind, PartKind, UnknownValue, layout};

/// `struct lw_record`: the head of everything that is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Record {
    /// Bytes of the record with its parts.
    pub size: u32,
    /// A [`Kind`]; see [`Record::kind`].
    pub kind: u8,
    /// An [`Interface`]; see [`Record::interface`].
    pub interface: u8,
    /// Index of the call's row in the catalogue.
    pub row: u16,
    /// Nanoseconds since boot, suspension included (`CLOCK_BOOTTIME`).
    pub time: u64,
    /// The process, as numbered in Lapwing's pid namespace; 0 if it is not there.
    pub pid: u32,
    /// The thread, likewise.
    pub tid: u32,
    /// Arguments that could not be read, one bit each.
    pub unreadable: u8,
    /// Parts that did not fit.
    pub omitted: u8,
    /// How many programs the process and those it descends from have run, modulo 2¹⁶.
    pub programs: u16,
    /// When the process began, in units of 2^[`BEGAN_SHIFT`](super::BEGAN_SHIFT) ns since boot; 0 if that was not
    /// looked at.
    pub began: u32,
    /// Result of a call; child of a fork; raw exit status of an exit.
    pub result: i64,
    /// Arguments of a call. Of who enters or executes, the first is when the process began, in nanoseconds since boot.
    pub args: [u64; 6],
}

layout!(Record as "lw_record", 88 {
    size at 0, kind at 4, interface at 5, row at 6, time at 8, pid at 16, tid at 20, unreadable at 24,
    omitted at 25, programs at 26, began at 28, result at 32, args at 40,
});

impl Record {
    /// What it is about.
    ///
    /// # Errors
    ///
    /// When the number stands for nothing we know.
    pub fn kind(&self) -> Result<Kind, UnknownValue> {
        self.kind.try_into()
    }

    /// Which process it is of, and which of its programs, if that was looked at.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        (self.began != 0).then_some(Mark { began: self.began, programs: self.programs })
    }

    /// By which system call table the call came.
    ///
    /// # Errors
    ///
    /// When the number stands for nothing we know.
    pub fn interface(&self) -> Result<Interface, UnknownValue> {
        self.interface.try_into()
    }
}

/// `struct lw_part`: the head of a part. Its content follows, padded to eight bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Part {
    /// A [`PartKind`]; see [`Part::kind`].
    pub kind: u16,
    /// Which argument it is about. Of a file, which of the event's: 0 for the file acted on, 1 for the second.
    pub arg: u8,
    /// [`PartFlags`](super::PartFlags): whether it is whole.
    pub flags: u8,
    /// Bytes of the content, without padding.
    pub size: u32,
}

layout!(Part as "lw_part", 8 { kind at 0, arg at 2, flags at 3, size at 4 });

impl Part {
    /// What it holds.
    ///
    /// # Errors
    ///
    /// When the number stands for nothing we know.
    pub fn kind(&self) -> Result<PartKind, UnknownValue> {
        self.kind.try_into()
    }
}

/// `struct lw_file`: a file. Its names and what is left of the path follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FileHead {
    /// Its inode's number.
    pub inode: u64,
    /// When its content changed, in nanoseconds since the epoch.
    pub modified: u64,
    /// When its inode changed, likewise.
    pub changed: u64,
    /// The mount that it was found on.
    pub mount: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its hard links.
    pub links: u32,
    /// The file system's magic number (linux/magic.h).
    pub magic: u32,
    /// Its type and permissions.
    pub mode: u16,
    /// [`FileFlags`](super::FileFlags): what is known of it.
    pub flags: u16,
    /// Bytes of the names, innermost first, each with its NUL.
    pub names: u16,
    /// Bytes of what could not be looked up, relative to the names.
    pub rest: u16,
    /// The file system's name, padded with NULs.
    pub filesystem: [u8; 20],
}

layout!(FileHead as "lw_file", 72 {
    inode at 0, modified at 8, changed at 16, mount at 24, uid at 28, gid at 32, links at 36, magic at 40,
    mode at 44, flags at 46, names at 48, rest at 50, filesystem at 52,
});

/// `struct lw_socket`: what a socket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Socket {
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`.
    pub r#type: u16,
    /// `IPPROTO_*`, for the internet families.
    pub protocol: u16,
    /// Zero.
    pub padding: u16,
}

layout!(Socket as "lw_socket", 8 { family at 0, r#type at 2, protocol at 4, padding at 6 });

/// `struct lw_credentials`: under which ids and capabilities a thread runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Credentials {
    /// Real user id.
    pub uid: u32,
    /// Real group id.
    pub gid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Effective group id.
    pub egid: u32,
    /// User id for access to files.
    pub fsuid: u32,
    /// Group id for access to files.
    pub fsgid: u32,
    /// User id of the login; all ones without one.
    pub auid: u32,
    /// Zero.
    pub padding: u32,
    /// Effective capabilities, one bit each.
    pub cap_effective: u64,
    /// Permitted capabilities, one bit each.
    pub cap_permitted: u64,
}

layout!(Credentials as "lw_credentials", 48 {
    uid at 0, gid at 4, euid at 8, egid at 12, fsuid at 16, fsgid at 20, auid at 24, padding at 28,
    cap_effective at 32, cap_permitted at 40,
});

/// `struct lw_operation`: an operation of an io_uring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Operation {
    /// The same in both of its records, and nobody else's. Later ones are larger.
    pub token: u64,
    /// [`OperationFlags`](super::OperationFlags).
    pub flags: u32,
    /// Zero.
    pub padding: u32,
}

layout!(Operation as "lw_operation", 16 { token at 0, flags at 8, padding at 12 });

/// `struct lw_program`: what a process is besides its file and arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Program {
    /// Stands for the set of control groups: equal ones are the same set.
    pub cgroups: u64,
    /// Id of its control group.
    pub cgroup_id: u64,
    /// Its parent, as numbered in Lapwing's pid namespace.
    pub ppid: u32,
    /// Zero.
    pub padding: u32,
    /// Its name, padded with NULs.
    pub comm: [u8; 16],
    /// Its terminal, padded with NULs.
    pub tty: [u8; 32],
}

layout!(Program as "lw_program", 72 {
    cgroups at 0, cgroup_id at 8, ppid at 16, padding at 20, comm at 24, tty at 40,
});

/// `struct lw_numbers`: what a process that runs is numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Numbers {
    /// In Lapwing's pid namespace.
    pub pid: u32,
    /// By the kernel itself.
    pub tgid: u32,
    /// Its parent, in Lapwing's pid namespace; 0 if it is not there.
    pub ppid: u32,
}

layout!(Numbers as "lw_numbers", 12 { pid at 0, tgid at 4, ppid at 8 });
