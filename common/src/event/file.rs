//! A file as the kernel identified it.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::accounts::Naming;
use crate::ids::Timestamp;
use crate::names;
use crate::schema::{Detail, Kind, Member, Record, Value, derived, field, leaf, worded};

/// A file that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Absolute path as seen from the process's root, symbolic links resolved. Empty if unknown.
    pub path: Box<[u8]>,
    /// What the inode says; `None` when the file does not exist or could not be looked at.
    pub inode: Option<Inode>,
    /// The path could not be established: what is shown is the string that was passed, joined to the
    /// directory it starts from.
    pub unresolved: bool,
}

/// What an inode says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inode {
    /// Its number.
    pub number: u64,
    /// The mount it was reached through (`mnt_id` of `/proc/PID/mountinfo`); 0 if unknown.
    pub mount_id: u32,
    /// Type and permission bits (`st_mode`).
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change of the contents.
    pub modified: Timestamp,
    /// Last change of the inode.
    pub changed: Timestamp,
    /// Where that mount is.
    pub attachment: Attachment,
    /// Type of the file system (`ext4`), when known.
    pub filesystem: Option<Arc<str>>,
    /// By which owner and group have their names: those of the process that the event is of.
    pub naming: Naming,
}

/// Where a mount is, for the process that the event is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attachment {
    /// Among the mounts of its namespace, or nothing is known to the contrary.
    #[default]
    Visible,
    /// In another mount namespace, or one of the kernel's own that has no place (of a memfd, a pipe, a socket).
    Elsewhere,
    /// In no namespace: it was made (`fsmount`, `open_tree`) and not put anywhere yet, or taken away while in use
    /// (`MNT_DETACH`). Files on it can be used and executed, but no path leads to them.
    Detached,
}

impl File {
    /// A file of which only the path is known.
    #[must_use]
    pub fn at(path: impl Into<Box<[u8]>>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The last component of the path.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        let start = self.path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        &self.path[start..]
    }

    /// The part of the name from its last dot on; empty without one. A leading dot is no extension.
    #[must_use]
    pub fn extension(&self) -> &[u8] {
        let name = self.name();
        match name.iter().rposition(|byte| *byte == b'.') {
            Some(dot) if dot > 0 => &name[dot..],
            _ => &[],
        }
    }

    /// Has owner and group named by these accounts.
    pub fn name_by(&mut self, naming: &Naming) {
        if let Some(inode) = &mut self.inode {
            inode.naming = naming.clone();
        }
    }

    fn attachment(&self) -> Attachment {
        self.inode.as_ref().map_or_else(Attachment::default, |inode| inode.attachment)
    }

    /// Whether its mount is among those of the process, as far as that is known.
    #[must_use]
    pub fn is_on_visible_mount(&self) -> bool {
        self.attachment() == Attachment::Visible
    }

    /// Whether its mount is in no namespace.
    #[must_use]
    pub fn is_on_detached_mount(&self) -> bool {
        self.attachment() == Attachment::Detached
    }

    fn of_inode<'a>(&'a self, read: impl FnOnce(&'a Inode) -> Value<'a>) -> Value<'a> {
        self.inode.as_ref().map_or(Value::Absent, read)
    }
}

impl Record for File {
    const MEMBERS: &'static [Member<Self>] = &[
        leaf(
            "path",
            Kind::String,
            "Absolute path, symbolic links resolved, as seen from the process's root",
            |file: &File| Value::text(&file.path),
        )
        .at(Detail::Identity)
        .member(),
        field("name", Kind::String, "Last component of the path", |file| Value::text(file.name())),
        derived("extension", Kind::String, "Extension of the name, with its dot", |file| Value::text(file.extension())),
        field("filesystem", Kind::String, "Type of the file system", |file| {
            file.of_inode(|inode| inode.filesystem.as_ref().map_or(Value::Absent, |name| Value::Bytes(name.as_bytes())))
        }),
        field("inode", Kind::Int, "Inode number", |file| file.of_inode(|inode| Value::Uint(inode.number))),
        field("mount_id", Kind::Int, "Mount through which the file was reached", |file| {
            file.of_inode(|inode| if inode.mount_id == 0 { Value::Absent } else { Value::Uint(inode.mount_id.into()) })
        }),
        derived("mount_visible", Kind::Bool, "That mount is among those of the process's mount namespace", |file| {
            Value::Bool(file.is_on_visible_mount())
        }),
        field(
            "mount_detached",
            Kind::Bool,
            "That mount is in no namespace: not put anywhere yet, or taken away while in use",
            |file| Value::mark(file.is_on_detached_mount()),
        ),
        worded("mode", "mode_str", Kind::Flags(&names::FILE_MODE), "Type and permission bits", |file| {
            file.of_inode(|inode| Value::Flags(inode.mode.into(), &names::FILE_MODE))
        }),
        derived("rights", Kind::Int, "Permission bits without the type", |file| {
            file.of_inode(|inode| Value::Uint(u64::from(inode.mode) & 0o7777))
        }),
        field("uid", Kind::Int, "Owner", |file| file.of_inode(|inode| Value::Uint(inode.uid.into()))),
        field("user", Kind::String, "Name of the owner", |file| {
            file.of_inode(|inode| Value::text(inode.naming.user(inode.uid)))
        }),
        field("gid", Kind::Int, "Group", |file| file.of_inode(|inode| Value::Uint(inode.gid.into()))),
        field("group", Kind::String, "Name of the group", |file| {
            file.of_inode(|inode| Value::text(inode.naming.group(inode.gid)))
        }),
        field("change_time", Kind::Time, "Last change of the inode", |file| {
            file.of_inode(|inode| Value::Time(inode.changed))
        }),
        field("modification_time", Kind::Time, "Last change of the contents", |file| {
            file.of_inode(|inode| Value::Time(inode.modified))
        }),
        field(
            "unresolved",
            Kind::Bool,
            "The path could not be established; it is the string that was passed",
            |file| Value::mark(file.unresolved),
        ),
    ];
}
