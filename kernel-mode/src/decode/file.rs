//! Files: names that come innermost first, and what the inode says.

use std::sync::Arc;

use lapwing_common::accounts::Naming;
use lapwing_common::event::{Attachment, File, Inode};
use lapwing_common::ids::Timestamp;

use crate::abi::{FileFlags, FileHead};

/// Names of file systems, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<Arc<str>>);

impl Names {
    fn get(&mut self, bytes: &[u8]) -> Option<Arc<str>> {
        let name = std::str::from_utf8(until_nul(bytes)).ok().filter(|name| !name.is_empty())?;
        if let Some(known) = self.0.iter().find(|known| &***known == name) {
            return Some(Arc::clone(known));
        }
        let new: Arc<str> = name.into();
        self.0.push(Arc::clone(&new));
        Some(new)
    }
}

/// A file as the programs found it, still without knowing what the call made of it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) file: File,
    /// What is at the end of the path may exist: it could not be looked up.
    pub(crate) uncertain: bool,
    /// More than the last component could not be looked up.
    pub(crate) deep: bool,
}

/// The file that a part describes.
pub(crate) fn file(head: &FileHead, rest: &[u8], names: &mut Names) -> Option<Found> {
    let flags = FileFlags::from_bits_retain(head.flags);
    let (components, tail) = rest.split_at_checked(head.names.into())?;
    let tail = tail.get(..head.rest.into())?;
    let inode = flags.contains(FileFlags::INODE).then(|| Inode {
        number: head.inode,
        mount_id: head.mount,
        attachment: attachment(flags),
        mode: head.mode,
        uid: head.uid,
        gid: head.gid,
        modified: Timestamp(head.modified),
        changed: Timestamp(head.changed),
        filesystem: names.get(&head.filesystem),
        naming: Naming::default(),
    });
    let path = if flags.contains(FileFlags::NO_BASE) {
        tail.into()
    } else if flags.contains(FileFlags::INTERNAL) {
        internal(head, until_nul(components))
    } else if until_nul(&head.filesystem) == b"nsfs" && flags.contains(FileFlags::INODE) {
        // Namespaces can be mounted somewhere, and are still called by their numbers.
        internal(head, until_nul(components))
    } else {
        joined(components, tail)
    };
    let deep = trim_end(tail).contains(&b'/');
    let unresolved = flags.intersects(FileFlags::TRUNCATED | FileFlags::NO_BASE);
    Some(Found { file: File { path, inode, unresolved }, uncertain: flags.contains(FileFlags::UNCERTAIN), deep })
}

fn attachment(flags: FileFlags) -> Attachment {
    match flags {
        flags if flags.contains(FileFlags::DETACHED) => Attachment::Detached,
        flags if flags.contains(FileFlags::ELSEWHERE) => Attachment::Elsewhere,
        _ => Attachment::Visible,
    }
}

/// The path of names that each end with a NUL, innermost first, and of what follows them.
fn joined(components: &[u8], tail: &[u8]) -> Box<[u8]> {
    let components = components.strip_suffix(b"\0").unwrap_or(components);
    let tail = trim_end(tail);
    // Exactly as long as it gets, since it is kept in a box.
    let [front, rest] = [components, tail].map(|part| part.len() + usize::from(!part.is_empty()));
    let mut path = Vec::with_capacity((front + rest).max(1));
    if !components.is_empty() {
        for name in components.rsplit(|byte| *byte == 0) {
            path.push(b'/');
            path.extend_from_slice(name);
        }
    }
    if !tail.is_empty() {
        path.push(b'/');
        path.extend_from_slice(tail);
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path.into()
}

/// Trailing slashes mean nothing once the kernel has taken them.
fn trim_end(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    &path[..end]
}

/// What is on a mount of the kernel's own, in the kernel's words (`d_dname` of its file systems).
fn internal(head: &FileHead, name: &[u8]) -> Box<[u8]> {
    let numbered = |kind: &str| format!("{kind}:[{}]", head.inode).into_bytes().into();
    match until_nul(&head.filesystem) {
        b"sockfs" => numbered("socket"),
        b"pipefs" => numbered("pipe"),
        b"anon_inodefs" => [b"anon_inode:", name].concat().into(),
        b"pidfs" => (*b"anon_inode:[pidfd]").into(),
        b"tmpfs" if name.starts_with(b"memfd:") => name.into(),
        b"nsfs" => numbered(&String::from_utf8_lossy(name)),
        _ => [b"/", name].concat().into(),
    }
}

pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(flags: FileFlags, names: &[u8], rest: &[u8], filesystem: &[u8]) -> Found {
        let mut head = FileHead { flags: flags.bits(), inode: 7, ..FileHead::default() };
        head.names = u16::try_from(names.len()).unwrap();
        head.rest = u16::try_from(rest.len()).unwrap();
        head.filesystem[..filesystem.len()].copy_from_slice(filesystem);
        file(&head, &[names, rest, b"padding"].concat(), &mut Names::default()).unwrap()
    }

    #[test]
    fn names_are_turned_round() {
        let path = |names: &[u8], rest: &[u8]| found(FileFlags::ROOTED, names, rest, b"ext4").file.path;
        assert_eq!(&*path(b"c\0b\0a\0", b""), b"/a/b/c");
        assert_eq!(&*path(b"", b""), b"/");
        assert_eq!(&*path(b"a\0", b"new"), b"/a/new");
        assert_eq!(&*path(b"", b"new/"), b"/new");
    }

    #[test]
    fn what_could_not_be_looked_up() {
        let lost = found(FileFlags::UNCERTAIN, b"a\0", b"b/c", b"");
        assert!(lost.uncertain && lost.deep && lost.file.inode.is_none());
        assert!(!found(FileFlags::empty(), b"a\0", b"b", b"").uncertain);
        let nowhere = found(FileFlags::NO_BASE, b"", b"b", b"");
        assert!(nowhere.file.unresolved);
        assert_eq!(&*nowhere.file.path, b"b");
    }

    #[test]
    fn files_without_a_name_are_worded_as_by_the_kernel() {
        let path = |names: &[u8], filesystem: &[u8]| {
            found(FileFlags::INTERNAL | FileFlags::INODE, names, b"", filesystem).file.path
        };
        assert_eq!(&*path(b"TCP\0", b"sockfs"), b"socket:[7]");
        assert_eq!(&*path(b"\0", b"pipefs"), b"pipe:[7]");
        assert_eq!(&*path(b"[eventpoll]\0", b"anon_inodefs"), b"anon_inode:[eventpoll]");
        assert_eq!(&*path(b"memfd:x\0", b"tmpfs"), b"memfd:x");
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let head = FileHead { names: 9, ..FileHead::default() };
        assert!(file(&head, b"abc", &mut Names::default()).is_none());
    }
}
