//! Sentences about files.

use lapwing_common::event::{
    Chmod, Chown, Link, Mkdir, Mount, Open, PivotRoot, Removexattr, Rename, Setxattr, Splice, Umount, Unlink, Utimes,
};
use lapwing_common::ids::Timestamp;
use lapwing_common::json::rfc3339;
use lapwing_common::names;

use super::line::Line;

/// `O_CREAT`, alike on all architectures.
const CREATES: u64 = 0o100;
/// The bit of `O_TMPFILE` that is its own.
const TEMPORARY: u64 = 0o20_000_000;

pub(super) fn open(line: &mut Line<'_>, event: &Open) {
    line.file(&event.file, event.path.as_ref());
    line.flags(event.flags, event.flag_names);
    if event.flags & (CREATES | TEMPORARY) != 0 {
        line.mode(event.mode);
    }
    line.descriptor(event.retval);
}

pub(super) fn mkdir(line: &mut Line<'_>, event: &Mkdir) {
    line.file(&event.file, event.path.as_ref());
    line.mode(event.mode);
}

pub(super) fn unlink(line: &mut Line<'_>, event: &Unlink) {
    line.file(&event.file, event.path.as_ref());
    line.some_flags(event.flags, &names::UNLINK_FLAGS);
}

pub(super) fn rename(line: &mut Line<'_>, event: &Rename) {
    line.file(&event.file, event.path.as_ref());
    line.arrow();
    line.file(&event.destination, event.destination_path.as_ref());
    line.some_flags(event.flags, &names::RENAME_FLAGS);
}

/// The link comes first, as `ls -l` has it.
pub(super) fn link(line: &mut Line<'_>, event: &Link) {
    line.file(&event.destination, event.destination_path.as_ref());
    line.arrow();
    line.file(&event.file, event.path.as_ref());
    line.note(if event.symbolic { "symbolic" } else { "hard" });
}

pub(super) fn chmod(line: &mut Line<'_>, event: &Chmod) {
    line.file(&event.file, event.path.as_ref());
    line.mode(event.mode);
}

pub(super) fn chown(line: &mut Line<'_>, event: &Chown) {
    line.file(&event.file, event.path.as_ref());
    line.id("uid", event.uid, event.naming.user_of(event.uid));
    line.id("gid", event.gid, event.naming.group_of(event.gid));
}

pub(super) fn utimes(line: &mut Line<'_>, event: &Utimes) {
    line.file(&event.file, event.path.as_ref());
    for (name, time) in [("accessed", event.accessed), ("modified", event.modified)] {
        if let Some(time) = time {
            line.word(name);
            line.word(&text_of(time));
        }
    }
}

fn text_of(time: Timestamp) -> String {
    let mut text = Vec::new();
    rfc3339(&mut text, time);
    String::from_utf8_lossy(&text).replace(".000000000Z", "Z")
}

pub(super) fn setxattr(line: &mut Line<'_>, event: &Setxattr) {
    line.file(&event.file, event.path.as_ref());
    line.quoted(&event.attribute);
}

pub(super) fn removexattr(line: &mut Line<'_>, event: &Removexattr) {
    line.file(&event.file, event.path.as_ref());
    line.quoted(&event.attribute);
}

pub(super) fn mount(line: &mut Line<'_>, event: &Mount) {
    if !event.source.is_empty() {
        line.quoted(&event.source);
        line.arrow();
    }
    line.file(&event.mountpoint, event.mountpoint_path.as_ref());
    if !event.fs_type.is_empty() {
        line.escaped(&event.fs_type);
    }
    line.some_flags(event.flags, &names::MOUNT_FLAGS);
}

pub(super) fn umount(line: &mut Line<'_>, event: &Umount) {
    line.file(&event.mountpoint, event.path.as_ref());
    line.some_flags(event.flags, &names::UMOUNT_FLAGS);
}

pub(super) fn pivot_root(line: &mut Line<'_>, event: &PivotRoot) {
    line.file(&event.file, event.path.as_ref());
    line.word("old root");
    line.arrow();
    line.file(&event.destination, event.destination_path.as_ref());
}

pub(super) fn splice(line: &mut Line<'_>, event: &Splice) {
    line.file(&event.file, None);
    line.some_flags(event.flags, &names::SPLICE_FLAGS);
}
