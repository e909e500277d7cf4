//! Opening, making, naming and removing files; mounts.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{bytes_of, u64_at};
use crate::event::{File, Inode, Link, Mkdir, Mount, Open, PivotRoot, Rename, Rmdir, Splice, Text, Umount, Unlink};
use crate::names;
use crate::record::Record;
use crate::syscall::{Layout, Product, Role, Slot};

// Of linux/mount.h.
const MS_REMOUNT: u64 = 0x20;
const MS_BIND: u64 = 0x1000;
// Of linux/stat.h.
const S_IFMT: u16 = 0o170_000;
const S_IFIFO: u16 = 0o010_000;

pub(super) fn open(record: &mut Record) -> Open {
    let (flags, mode) = open_how(record)
        .map_or_else(|| (record.flags(), record.mode()), |(flags, mode)| (flags, super::low_bits(mode)));
    let mut file = record.take_file(Slot::File);
    let named = record.take_name();
    if let Some(name) = &named
        && !record.succeeded()
    {
        file = memfd(name);
    }
    Open {
        file,
        flags,
        flag_names: names::open_flags(record.arch),
        mode,
        path: record.take_path(Slot::File).or(named),
        retval: record.result,
    }
}

/// Flags and mode that `openat2` passes in `struct open_how`.
pub(super) fn open_how(record: &Record) -> Option<(u64, u64)> {
    let is_how = |role: &Role| *role == Role::Data(Layout::OpenHow);
    let how = record.bytes(record.row.args.iter().position(is_how)?)?;
    Some((u64_at(how, 0).unwrap_or(0), u64_at(how, 8).unwrap_or(0)))
}

/// A memory file that was refused has nothing but its name.
fn memfd(name: &Text) -> File {
    let mut path = b"memfd:".to_vec();
    path.extend_from_slice(&name.bytes);
    File::at(path)
}

pub(super) fn mkdir(record: &mut Record) -> Mkdir {
    Mkdir {
        file: record.take_file(Slot::File),
        mode: record.mode(),
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}

pub(super) fn rmdir(record: &mut Record) -> Rmdir {
    Rmdir { file: record.take_file(Slot::File), path: record.take_path(Slot::File), retval: record.result }
}

pub(super) fn unlink(record: &mut Record) -> Unlink {
    Unlink {
        file: record.take_file(Slot::File),
        flags: record.flags(),
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}

pub(super) fn rename(record: &mut Record) -> Rename {
    Rename {
        file: record.take_file(Slot::File),
        destination: record.take_file(Slot::Destination),
        flags: record.flags(),
        path: record.take_path(Slot::File),
        destination_path: record.take_path(Slot::Destination),
        retval: record.result,
    }
}

pub(super) fn link(record: &mut Record) -> Link {
    let text = record.row.position(Role::LinkText).and_then(|index| record.take_text(index));
    let symbolic = record.row.position(Role::LinkText).is_some();
    let destination = record.take_file(Slot::Destination);
    let target = text.as_ref().map(|text| File::at(target_of(&destination.path, &text.bytes)));
    Link {
        file: target.unwrap_or_else(|| record.take_file(Slot::File)),
        destination,
        symbolic,
        path: if symbolic { text } else { record.take_path(Slot::File) },
        destination_path: record.take_path(Slot::Destination),
        retval: record.result,
    }
}

/// Where a symbolic link leads: its text, which is relative to the link's directory, without empty components and
/// dots, and with `..` taken at its word. The target need not be there, so nobody looks for it.
fn target_of(link: &[u8], text: &[u8]) -> Vec<u8> {
    let directory = link.iter().rposition(|byte| *byte == b'/').map_or(&[][..], |slash| &link[..slash]);
    let base = if text.starts_with(b"/") { &[] } else { directory };
    let mut path = Vec::with_capacity(base.len() + text.len() + 1);
    for component in [base, text].into_iter().flat_map(|part| part.split(|byte| *byte == b'/')) {
        match component {
            b"" | b"." => {}
            b".." => path.truncate(path.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            name => {
                path.push(b'/');
                path.extend_from_slice(name);
            }
        }
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path
}

pub(super) fn pivot_root(record: &mut Record) -> PivotRoot {
    PivotRoot {
        file: record.take_file(Slot::File),
        destination: record.take_file(Slot::Destination),
        path: record.take_path(Slot::File),
        destination_path: record.take_path(Slot::Destination),
        retval: record.result,
    }
}

pub(super) fn mount(record: &mut Record) -> Mount {
    let source_path = match record.row.position(Role::Source) {
        Some(index) => record.take_text(index),
        None => record.take_path(Slot::Destination),
    };
    let passed_type = record.take_name();
    let flags = record.flags();
    // A bind mount has no type of its own; a remount keeps the one it has (B9: both pass NULL).
    let fs_type: Box<[u8]> = match &passed_type {
        _ if flags & MS_BIND != 0 && flags & MS_REMOUNT == 0 && record.row.position(Role::Source).is_some() => {
            Box::from(&b"bind"[..])
        }
        Some(text) => text.bytes.clone(),
        None => Box::default(),
    };
    let made = record.row.product == Product::File;
    // A mount that is not put anywhere is known by the file that its descriptor is of.
    let mountpoint = if made && !record.succeeded() { File::default() } else { record.take_file(Slot::File) };
    let moved = record.files[Slot::Destination as usize].take();
    let fs_type = match if made { Some(&mountpoint) } else { moved.as_ref() } {
        Some(File { inode: Some(Inode { filesystem: Some(name), .. }), .. }) => name.as_bytes().into(),
        _ => fs_type,
    };
    let source = moved.map_or_else(|| bytes_of(source_path.clone()), |file| file.path);
    Mount {
        mountpoint,
        source,
        fs_type,
        root: record.mount_root.take().filter(|_| record.succeeded()).unwrap_or_default(),
        flags: if record.row.position(Role::Source).is_some() { flags } else { 0 },
        source_path,
        mountpoint_path: record.take_path(Slot::File),
        passed_type,
        retval: record.result,
    }
}

pub(super) fn umount(record: &mut Record) -> Umount {
    Umount {
        mountpoint: record.take_file(Slot::File),
        flags: record.flags(),
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}

pub(super) fn splice(record: &mut Record) -> Splice {
    let from = record.take_file(Slot::File);
    let to = record.files[Slot::Destination as usize].take();
    let file = match to {
        Some(to) if is_from_pipe(&from, &to) => to,
        _ => from,
    };
    Splice { file, flags: record.flags(), retval: record.result }
}

/// The file that data is moved to or from by a splice; a pipe is the other side.
pub(super) fn spliced<'a>(from: Option<&'a File>, to: Option<&'a File>) -> Option<&'a File> {
    match (from, to) {
        (Some(from), Some(to)) if is_from_pipe(from, to) => Some(to),
        _ => from,
    }
}

/// Whether the second is the file, and the first a pipe.
fn is_from_pipe(from: &File, to: &File) -> bool {
    is_pipe(from) && !is_pipe(to)
}

/// Whether a file is a pipe, with a name or without.
fn is_pipe(file: &File) -> bool {
    file.path.starts_with(b"pipe:") || file.inode.as_ref().is_some_and(|inode| inode.mode & S_IFMT == S_IFIFO)
}
