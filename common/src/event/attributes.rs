//! Events about the attributes of files: owner, times, extended attributes.

use alloc::boxed::Box;

use super::{File, Text};
use crate::accounts::Naming;
use crate::ids::Timestamp;
use crate::schema::group;
use crate::schema::{Embedded, Kind, Member, Record, Value, derived, field};

/// `chown`, `lchown`, `fchown`, `fchownat`.
#[derive(Clone, Debug)]
pub struct Chown {
    /// The file as it was before.
    pub file: File,
    /// New owner; −1 leaves it.
    pub uid: i64,
    /// New group; −1 leaves it.
    pub gid: i64,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
    /// By which new owner and group have their names.
    pub naming: Naming,
}

impl Record for Chown {
    const MEMBERS: &'static [Member<Self>] = &[
        group!(
            "file",
            [
                Member::Inline(&Embedded { get: |event: &Self| Some(&event.file) }),
                group!(
                    "destination",
                    [
                        field("uid", Kind::Int, "New owner, -1 if unchanged", |event: &Self| Value::Int(event.uid)),
                        field("user", Kind::String, "Name of the new owner", |event: &Self| {
                            Value::text(event.naming.user_of(event.uid))
                        }),
                        field("gid", Kind::Int, "New group, -1 if unchanged", |event: &Self| Value::Int(event.gid)),
                        field("group", Kind::String, "Name of the new group", |event: &Self| {
                            Value::text(event.naming.group_of(event.gid))
                        }),
                    ],
                ),
            ],
        ),
        group!(
            "syscall",
            [
                passed!("path", path),
                derived("uid", Kind::Int, "The owner that was passed", |event: &Self| Value::Int(event.uid)),
                derived("gid", Kind::Int, "The group that was passed", |event: &Self| Value::Int(event.gid)),
            ],
        ),
        retval!(),
    ];
}

/// `utime`, `utimes`, `futimesat`, `utimensat`.
#[derive(Clone, Debug)]
pub struct Utimes {
    /// The file as it was before.
    pub file: File,
    /// New access time; `None` leaves it or means now.
    pub accessed: Option<Timestamp>,
    /// New modification time; `None` leaves it or means now.
    pub modified: Option<Timestamp>,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Record for Utimes {
    const MEMBERS: &'static [Member<Self>] = &[
        file!(),
        field("access_time", Kind::Time, "Access time that was set; absent for now and for unchanged", |event| {
            event.accessed.map_or(Value::Absent, Value::Time)
        }),
        field(
            "modification_time",
            Kind::Time,
            "Modification time that was set; absent for now and for unchanged",
            |event| event.modified.map_or(Value::Absent, Value::Time),
        ),
        group!("syscall", [passed!("path", path)]),
        retval!(),
    ];
}

/// `setxattr`, `lsetxattr`, `fsetxattr`, `setxattrat`.
#[derive(Clone, Debug)]
pub struct Setxattr {
    /// The file.
    pub file: File,
    /// The attribute's whole name.
    pub attribute: Box<[u8]>,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

/// `removexattr`, `lremovexattr`, `fremovexattr`, `removexattrat`.
#[derive(Clone, Debug)]
pub struct Removexattr {
    /// The file.
    pub file: File,
    /// The attribute's whole name.
    pub attribute: Box<[u8]>,
    /// The path that was passed.
    pub path: Option<Text>,
    /// The result.
    pub retval: i64,
}

macro_rules! xattr_events {
    ($($name:ident)*) => { $(
        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] = &[
                group!("file", [
                        Member::Inline(&Embedded { get: |event: &Self| Some(&event.file) }),
                        group!("destination", [
                                field("namespace", Kind::String, "Part of the attribute's name before the first dot", |event: &Self| {
                                    Value::text(namespace_of(&event.attribute))
                                }),
                                field("name", Kind::String, "Whole name of the attribute", |event: &Self| {
                                    Value::text(&event.attribute)
                                }),
                            ],
                        ),
                    ],
                ),
                group!("syscall", [passed!("path", path)]),
                retval!(),
            ];
        }
    )* };
}

xattr_events! { Setxattr Removexattr }

fn namespace_of(attribute: &[u8]) -> &[u8] {
    attribute.split(|byte| *byte == b'.').next().filter(|first| first.len() < attribute.len()).unwrap_or(&[])
}
