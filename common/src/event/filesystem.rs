//! Events about files: what was done, the file it was done to, and what the caller passed.
//!
//! `file` is what the kernel acted on; `syscall.*` is what the program said.

use alloc::boxed::Box;

use super::{File, Text};
use crate::names;
use crate::schema::group;
use crate::schema::{Embedded, FlagSet, Kind, Member, Record, Value, derived, field, worded};

/// `open`: also `creat`, `truncate`, `ftruncate`, `open_by_handle_at` and `memfd_create`.
#[derive(Clone, Debug)]
pub struct Open {
    /// The file.
    pub file: File,
    /// `O_*` flags.
    pub flags: u64,
    /// Names of the flags on the caller's architecture.
    pub flag_names: &'static FlagSet,
    /// Permission bits for a new file, before the umask.
    pub mode: u16,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Record for Open {
    const MEMBERS: &'static [Member<Self>] = &[
        group!(
            "file",
            [
                Member::Inline(&Embedded { get: |open: &Open| Some(&open.file) }),
                group!(
                    "destination",
                    [worded(
                        "mode",
                        "mode_str",
                        Kind::Flags(&names::MODE),
                        "Permission bits asked for",
                        |open: &Open| { Value::Flags(open.mode.into(), &names::MODE) }
                    )],
                ),
            ],
        ),
        worded("flags", "flags_str", Kind::Flags(&names::OPEN_FLAGS), "How it was opened", |open| {
            Value::Flags(open.flags, open.flag_names)
        }),
        group!(
            "syscall",
            [
                passed!("path", path),
                derived("flags", Kind::Int, "The flags that were passed", |open: &Open| Value::Uint(open.flags)),
                derived("mode", Kind::Int, "The mode that was passed", |open: &Open| Value::Uint(open.mode.into())),
            ],
        ),
        retval!(),
    ];
}

macro_rules! path_events {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            /// The file.
            pub file: File,
            /// The path that was passed.
            pub path: Option<Text>,
            /// The result.
            pub retval: i64,
        }

        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] =
                &[file!(), group!("syscall", [passed!("path", path)]), retval!()];
        }
    )* };
}

path_events! {
    /// `rmdir`, also `unlinkat` with `AT_REMOVEDIR`.
    Rmdir;
}

/// `mkdir`, `mkdirat`.
#[derive(Clone, Debug)]
pub struct Mkdir {
    /// The new directory; on failure the one that was not made.
    pub file: File,
    /// Permission bits asked for, before the umask.
    pub mode: u16,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

/// `chmod`, `fchmod`, `fchmodat`, `fchmodat2`.
#[derive(Clone, Debug)]
pub struct Chmod {
    /// The file as it was before.
    pub file: File,
    /// Permission bits asked for.
    pub mode: u16,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

macro_rules! mode_events {
    ($($name:ident)*) => { $(
        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] = &[
                group!("file", [
                        Member::Inline(&Embedded { get: |event: &Self| Some(&event.file) }),
                        group!("destination", [
                                worded("mode", "mode_str", Kind::Flags(&names::MODE), "Permission bits asked for", |event: &Self| {
                                    Value::Flags(event.mode.into(), &names::MODE)
                                }),
                                derived("rights", Kind::Int, "The same", |event: &Self| Value::Uint(event.mode.into())),
                            ],
                        ),
                    ],
                ),
                group!("syscall", [
                        passed!("path", path),
                        derived("mode", Kind::Int, "The mode that was passed", |event: &Self| Value::Uint(event.mode.into())),
                    ],
                ),
                retval!(),
            ];
        }
    )* };
}

mode_events! { Mkdir Chmod }

/// `unlink`, `unlinkat`.
#[derive(Clone, Debug)]
pub struct Unlink {
    /// The file, looked at before it was removed.
    pub file: File,
    /// `AT_*` flags.
    pub flags: u64,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Record for Unlink {
    const MEMBERS: &'static [Member<Self>] = &[
        file!(),
        worded("flags", "flags_str", Kind::Flags(&names::UNLINK_FLAGS), "Flags of unlinkat", |event| {
            Value::Flags(event.flags, &names::UNLINK_FLAGS)
        }),
        group!("syscall", [passed!("path", path)]),
        retval!(),
    ];
}

/// `rename`, `renameat`, `renameat2`.
#[derive(Clone, Debug)]
pub struct Rename {
    /// The file under its old name, looked at before.
    pub file: File,
    /// The file under its new name, looked at after.
    pub destination: File,
    /// Flags of `renameat2`.
    pub flags: u64,
    /// The old path that was passed.
    pub path: Option<Text>,
    /// The new path that was passed.
    pub destination_path: Option<Text>,
    /// The result.
    pub retval: i64,
}

/// `link`, `linkat`, `symlink`, `symlinkat`.
#[derive(Clone, Debug)]
pub struct Link {
    /// What the link points to.
    pub file: File,
    /// The link.
    pub destination: File,
    /// Whether it is a symbolic link.
    pub symbolic: bool,
    /// What was passed for the target.
    pub path: Option<Text>,
    /// What was passed for the link.
    pub destination_path: Option<Text>,
    /// The result.
    pub retval: i64,
}

macro_rules! two_files {
    ($name:ident, $($extra:expr),*) => {
        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] = &[
                group!("file", [
                        Member::Inline(&Embedded { get: |event: &Self| Some(&event.file) }),
                        group!("destination", [Member::Inline(&Embedded { get: |event: &Self| Some(&event.destination) })]),
                    ],
                ),
                $($extra,)*
                group!("syscall", [passed!("path", path), group!("destination", [passed!("path", destination_path)])],
                ),
                retval!(),
            ];
        }
    };
}

two_files!(
    Rename,
    worded("flags", "flags_str", Kind::Flags(&names::RENAME_FLAGS), "Flags of renameat2", |event| {
        Value::Flags(event.flags, &names::RENAME_FLAGS)
    })
);
two_files!(
    Link,
    field("symbolic", Kind::Bool, "A symbolic link was made, not a hard one", |event| Value::Bool(event.symbolic))
);

/// `pivot_root`.
#[derive(Clone, Debug)]
pub struct PivotRoot {
    /// The new root.
    pub file: File,
    /// Where the old root is put.
    pub destination: File,
    /// What was passed for the new root.
    pub path: Option<Text>,
    /// What was passed for the old root's place.
    pub destination_path: Option<Text>,
    /// The result.
    pub retval: i64,
}

two_files!(PivotRoot,);

/// `mount`, `move_mount`, `fsmount`, and `open_tree` where it clones.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where it is mounted; of what is not mounted anywhere yet, its root.
    pub mountpoint: File,
    /// What is mounted: a device, a directory, or any word.
    pub source: Box<[u8]>,
    /// Type of the file system; `bind` for a bind mount.
    pub fs_type: Box<[u8]>,
    /// What the mount shows of its file system, as a path there; empty if unknown.
    pub root: Box<[u8]>,
    /// `MS_*` flags.
    pub flags: u64,
    /// The source that was passed.
    pub source_path: Option<Text>,
    /// The mount point that was passed.
    pub mountpoint_path: Option<Text>,
    /// The type that was passed.
    pub passed_type: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Record for Mount {
    const MEMBERS: &'static [Member<Self>] = &[
        field("fs_type", Kind::String, "Type of the file system; `bind` for a bind mount", |event| {
            Value::text(&event.fs_type)
        }),
        group!(
            "mountpoint",
            [field("path", Kind::String, "Where it is mounted", |event: &Self| Value::text(&event.mountpoint.path))],
        ),
        group!("source", [field("path", Kind::String, "What is mounted", |event: &Self| Value::text(&event.source))]),
        group!(
            "root",
            [field("path", Kind::String, "What of its file system is mounted: `/` if all is", |event: &Self| {
                Value::text(&event.root)
            })],
        ),
        field(
            "detached",
            Kind::Bool,
            "The mount is not put anywhere: it was made by fsmount or open_tree, and only its descriptor leads to it",
            |event| Value::mark(event.mountpoint.is_on_detached_mount()),
        ),
        derived("visible", Kind::Bool, "The mount is among those of the process's mount namespace", |event: &Self| {
            Value::Bool(event.mountpoint.is_on_visible_mount())
        }),
        worded("flags", "flags_str", Kind::Flags(&names::MOUNT_FLAGS), "Flags of mount", |event| {
            Value::Flags(event.flags, &names::MOUNT_FLAGS)
        }),
        group!(
            "syscall",
            [
                group!("source", [passed!("path", source_path)]),
                group!("mountpoint", [passed!("path", mountpoint_path)]),
                passed!("fs_type", passed_type),
            ],
        ),
        retval!(),
    ];
}

/// `umount`, `umount2`.
#[derive(Clone, Debug)]
pub struct Umount {
    /// The mount point.
    pub mountpoint: File,
    /// `MNT_*` and `UMOUNT_*` flags.
    pub flags: u64,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Record for Umount {
    const MEMBERS: &'static [Member<Self>] = &[
        group!(
            "mountpoint",
            [field("path", Kind::String, "What is unmounted", |event: &Self| Value::text(&event.mountpoint.path))],
        ),
        worded("flags", "flags_str", Kind::Flags(&names::UMOUNT_FLAGS), "Flags of umount2", |event| {
            Value::Flags(event.flags, &names::UMOUNT_FLAGS)
        }),
        group!("syscall", [passed!("path", path)]),
        retval!(),
    ];
}

/// `splice`.
#[derive(Clone, Debug)]
pub struct Splice {
    /// The end that is not a pipe; the source when both are.
    pub file: File,
    /// `SPLICE_F_*` flags.
    pub flags: u64,
    /// The result.
    pub retval: i64,
}

impl Record for Splice {
    const MEMBERS: &'static [Member<Self>] = &[
        file!(),
        worded("flags", "flags_str", Kind::Flags(&names::SPLICE_FLAGS), "Flags of splice", |event| {
            Value::Flags(event.flags, &names::SPLICE_FLAGS)
        }),
        retval!(),
    ];
}
