//! Which calls end what is said about files.

use alloc::vec::Vec;

use crate::discard::Invalidation::{self, Everything, Mount, Mounts};
use crate::discard::{after, before, invalidates, renames_many};
use crate::event::{EventType, File, Inode};
use crate::record::Record;
use crate::syscall::{Arch, Slot, Syscall};

const S_IFREG: u16 = 0o100_000;
const S_IFDIR: u16 = 0o040_000;

fn inode(number: u64, mode: u16) -> Inode {
    Inode { number, mount_id: 42, mode, ..Inode::default() }
}

fn call(name: &str, args: [u64; 6], file: Option<Inode>, destination: Option<Inode>) -> (Record, EventType) {
    let row = Syscall::named(name).unwrap();
    let mut record = Record::new(row, Arch::X86_64, args);
    for (slot, inode) in [(Slot::File, file), (Slot::Destination, destination)] {
        record.set_file(slot, File { inode, ..File::at(&b"/x"[..]) });
    }
    (record, row.event_for(&args).unwrap())
}

fn expiry(inode: u64) -> Invalidation {
    Invalidation::Inode { inode, mount: 42 }
}

fn ends(name: &str, args: [u64; 6], file: Inode) -> Vec<Invalidation> {
    let (record, event) = call(name, args, Some(file), None);
    after(&record, event, None).to_vec()
}

#[test]
fn removing_a_file_expires_it_before_and_after() {
    for (name, args) in [("unlink", [0; 6]), ("unlinkat", [0; 6])] {
        let (record, event) = call(name, args, Some(inode(7, S_IFREG)), None);
        assert_eq!(before(&record, event, None).to_vec(), [expiry(7)]);
        assert_eq!(after(&record, event, None).to_vec(), [expiry(7)]);
    }
}

#[test]
fn removing_a_directory_expires_it_or_its_mount() {
    assert_eq!(ends("rmdir", [0; 6], inode(7, S_IFDIR)), [expiry(7)]);
    assert_eq!(ends("unlinkat", [0, 0, 0x200, 0, 0, 0], inode(7, S_IFDIR)), [Mount(42), expiry(7)]);
}

#[test]
fn renaming_expires_both_files_and_the_one_replaced() {
    for name in ["rename", "renameat", "renameat2"] {
        let (record, event) = call(name, [0; 6], Some(inode(7, S_IFREG)), Some(inode(8, S_IFREG)));
        assert_eq!(before(&record, event, Some(&inode(9, S_IFREG))).to_vec(), [expiry(7), expiry(9)]);
        assert_eq!(after(&record, event, None).to_vec(), [expiry(7), expiry(8)]);
    }
}

#[test]
fn renaming_a_directory_invalidates_all_mounts() {
    let (record, event) = call("rename", [0; 6], Some(inode(7, S_IFDIR)), Some(inode(7, S_IFDIR)));
    assert!(before(&record, event, None).contains(&Mounts));
    assert!(after(&record, event, None).contains(&Mounts));
    // RENAME_EXCHANGE of a file with a directory.
    let (record, event) = call("renameat2", [0, 0, 0, 0, 2, 0], Some(inode(7, S_IFREG)), None);
    assert!(before(&record, event, Some(&inode(8, S_IFDIR))).contains(&Mounts));
}

#[test]
fn files_have_other_names_before_the_end_of_some_calls() {
    let directory = || Some(inode(7, S_IFDIR));
    for (name, args, many) in [
        ("rename", [0; 6], true),
        ("move_mount", [0; 6], true),
        ("mount", [0, 0, 0, 0x2000, 0, 0], true),
        ("pivot_root", [0; 6], true),
        ("mount", [0; 6], false),
        ("umount2", [0; 6], false),
        ("unlinkat", [0, 0, 0x200, 0, 0, 0], false),
        ("fsmount", [0; 6], false),
    ] {
        let (record, event) = call(name, args, directory(), None);
        assert_eq!(renames_many(&record, event, None), many, "{name}");
    }
    let (record, event) = call("rename", [0; 6], Some(inode(7, S_IFREG)), None);
    assert!(!renames_many(&record, event, None) && renames_many(&record, event, directory().as_ref()));
}

#[test]
fn a_hard_link_expires_its_file_and_a_symbolic_one_does_not() {
    let (record, event) = call("linkat", [0; 6], Some(inode(7, S_IFREG)), None);
    assert_eq!(before(&record, event, None).to_vec(), [expiry(7)]);
    assert_eq!(after(&record, event, None).to_vec(), [expiry(7)]);
    assert_eq!(ends("symlink", [0; 6], inode(7, S_IFREG)), []);
}

#[test]
fn mounting_and_unmounting() {
    assert_eq!(ends("umount2", [0; 6], inode(7, S_IFDIR)), [Mount(42)]);
    let (record, event) = call("mount", [0; 6], Some(inode(7, S_IFDIR)), None);
    let mounted = Inode { mount_id: 99, ..inode(1, S_IFDIR) };
    assert_eq!(after(&record, event, Some(&mounted)).to_vec(), [Mount(99)], "an id that another mount had");
    assert_eq!(ends("mount", [0, 0, 0, 0x2000, 0, 0], inode(7, S_IFDIR)), [Everything]);
    for name in ["move_mount", "pivot_root", "setns"] {
        assert_eq!(ends(name, [0; 6], inode(7, S_IFDIR)), [Everything], "{name}");
    }
    for (name, args) in [("fsmount", [0; 6]), ("open_tree", [0, 0, 1, 0, 0, 0])] {
        assert_eq!(ends(name, args, inode(7, S_IFDIR)), [Mount(42)], "an id that another mount had: {name}");
    }
    assert_eq!(ends("unshare", [0x0002_0000, 0, 0, 0, 0, 0], inode(7, S_IFDIR)), [Everything]);
    assert_eq!(ends("unshare", [0x1000_0000, 0, 0, 0, 0, 0], inode(7, S_IFDIR)), []);
}

#[test]
fn what_leaves_names_alone_ends_nothing() {
    for name in ["open", "chmod", "mkdir", "chown", "setxattr"] {
        let (record, event) = call(name, [0; 6], Some(inode(7, S_IFREG)), None);
        assert!(!invalidates(event), "{name}");
        assert!(before(&record, event, None).is_empty() && after(&record, event, None).is_empty(), "{name}");
    }
}
