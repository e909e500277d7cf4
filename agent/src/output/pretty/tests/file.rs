//! Lines about files.

use lapwing_common::accounts::Naming;
use lapwing_common::event::{
    Chmod, Chown, Link, Mkdir, Mount, Open, PivotRoot, Removexattr, Rename, Rmdir, Setxattr, Splice, Umount, Utimes,
};
use lapwing_common::ids::Timestamp;
use lapwing_common::names;

use super::shown;
use crate::output::sample::{file, text};

#[test]
fn open() {
    let open = |flags, retval| Open {
        file: file("/etc/passwd"),
        flags,
        flag_names: &names::OPEN_FLAGS,
        mode: 0o644,
        path: text(b"passwd"),
        retval,
    };
    assert_eq!(shown(open(0, 3)), "open /etc/passwd O_RDONLY → 3");
    assert_eq!(shown(open(0o1101, 4)), "open /etc/passwd O_WRONLY|O_CREAT|O_TRUNC 0644 → 4");
    assert_eq!(shown(open(2, -13)), "open /etc/passwd O_RDWR EACCES");
    assert_eq!(shown(open(1, 0)), "open /etc/passwd O_WRONLY");
}

#[test]
fn directories_and_removal() {
    assert_eq!(shown(Mkdir { file: file("/d"), mode: 0o755, path: None, retval: 0 }), "mkdir /d 0755");
    assert_eq!(shown(Rmdir { file: file("/d"), path: None, retval: 0 }), "rmdir /d");
    assert_eq!(shown(super::unlink("/f", 0)), "unlink /f");
}

#[test]
fn two_names() {
    let rename = |flags| Rename {
        file: file("/a"),
        destination: file("/b c"),
        flags,
        path: None,
        destination_path: None,
        retval: 0,
    };
    assert_eq!(shown(rename(0)), "rename /a → '/b c'");
    assert_eq!(shown(rename(2)), "rename /a → '/b c' RENAME_EXCHANGE");
    let link = |symbolic, retval| Link {
        file: file("/target"),
        destination: file("/link"),
        symbolic,
        path: None,
        destination_path: None,
        retval,
    };
    assert_eq!(shown(link(true, 0)), "link /link → /target (symbolic)");
    assert_eq!(shown(link(false, -1)), "link /link → /target (hard) EPERM");
    let pivot =
        PivotRoot { file: file("/new"), destination: file("/new/old"), path: None, destination_path: None, retval: 0 };
    assert_eq!(shown(pivot), "pivot_root /new old root → /new/old");
}

#[test]
fn attributes() {
    assert_eq!(shown(Chmod { file: file("/f"), mode: 0o4755, path: None, retval: 0 }), "chmod /f 4755");
    assert_eq!(
        shown(Chown { file: file("/f"), uid: 0, gid: -1, path: None, retval: 0, naming: Naming::default() }),
        "chown /f uid=0 gid=-"
    );
    let utimes = |accessed, modified| Utimes { file: file("/f"), accessed, modified, path: None, retval: 0 };
    assert_eq!(shown(utimes(None, None)), "utimes /f");
    assert_eq!(
        shown(utimes(Some(Timestamp(1_000_000_000)), Some(Timestamp(86_400_500_000_000)))),
        "utimes /f accessed 1970-01-01T00:00:01Z modified 1970-01-02T00:00:00.500000000Z"
    );
    let attribute: Box<[u8]> = (*b"user.note").into();
    assert_eq!(
        shown(Setxattr { file: file("/f"), attribute: attribute.clone(), path: None, retval: 0 }),
        "setxattr /f user.note"
    );
    assert_eq!(shown(Removexattr { file: file("/f"), attribute, path: None, retval: 0 }), "removexattr /f user.note");
}

#[test]
fn mounts() {
    let mount = |source: &[u8], fs_type: &[u8], flags| Mount {
        mountpoint: file("/mnt"),
        source: source.into(),
        fs_type: fs_type.into(),
        root: Box::default(),
        flags,
        source_path: None,
        mountpoint_path: None,
        passed_type: None,
        retval: 0,
    };
    assert_eq!(shown(mount(b"/dev/sda1", b"ext4", 1)), "mount /dev/sda1 → /mnt ext4 MS_RDONLY");
    assert_eq!(shown(mount(b"", b"", 0)), "mount /mnt");
    assert_eq!(shown(Umount { mountpoint: file("/mnt"), flags: 2, path: None, retval: 0 }), "umount /mnt MNT_DETACH");
}

#[test]
fn splice() {
    assert_eq!(shown(Splice { file: file("/f"), flags: 1, retval: 10 }), "splice /f SPLICE_F_MOVE");
    assert_eq!(shown(Splice { file: file(""), flags: 0, retval: 10 }), "splice ?");
}
