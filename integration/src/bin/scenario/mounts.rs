//! Mounts, each in a mount namespace of its own.

use lapwing_integration::tiny;

use crate::Scenario;
use crate::raw::{NULL, exit, fails, fd, ok, sys, wait};
use crate::stage::{Stage, act, become_nobody};

/// A mount namespace from which nothing gets out, and a place to mount on.
fn private(stage: &Stage) -> std::ffi::CString {
    ok(sys!(libc::SYS_unshare, libc::CLONE_NEWNS));
    ok(sys!(libc::SYS_mount, NULL, c"/", NULL, libc::MS_REC | libc::MS_PRIVATE, NULL));
    stage.dir("place")
}

fn tmpfs(stage: &Stage) -> std::ffi::CString {
    let place = private(stage);
    ok(sys!(libc::SYS_mount, c"source", &place, c"tmpfs", 0, NULL));
    place
}

/// `open_tree` of linux/mount.h: a detached copy of a mount.
fn detached(path: &std::ffi::CStr) -> i32 {
    fd(sys!(libc::SYS_open_tree, libc::AT_FDCWD, path, OPEN_TREE_CLONE))
}

const MOVE_MOUNT_F_EMPTY_PATH: i32 = 4;
const OPEN_TREE_CLONE: i32 = 1;

/// A new tmpfs that is mounted nowhere: what `fsmount` makes a mount of.
fn fresh_tmpfs() -> i32 {
    const FSCONFIG_CMD_CREATE: i32 = 6;
    let context = fd(sys!(libc::SYS_fsopen, c"tmpfs", 0));
    ok(sys!(libc::SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    context
}

/// A mount that is not put anywhere, with a program in it.
fn detached_tmpfs() -> i32 {
    let mount = fd(sys!(libc::SYS_fsmount, fresh_tmpfs(), 0, 0));
    let program = tiny::exits(0);
    let file = fd(sys!(libc::SYS_openat, mount, c"program", libc::O_WRONLY | libc::O_CREAT, 0o755));
    ok(sys!(libc::SYS_write, file, program.as_ptr(), program.len()));
    ok(sys!(libc::SYS_close, file));
    mount
}

pub(crate) const ALL: &[Scenario] = &[
    ("mount/tmpfs", |stage| {
        private(stage);
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        act(|| ok(sys!(libc::SYS_mount, c"any word", c"place", c"tmpfs", flags, c"size=64k")));
    }),
    ("mount/bind", |stage| {
        let place = private(stage);
        stage.dir("source");
        stage.link("link", "place");
        drop(place);
        act(|| ok(sys!(libc::SYS_mount, &stage.path("source"), c"link", NULL, libc::MS_BIND, NULL)));
    }),
    ("mount/remount", |stage| {
        let place = tmpfs(stage);
        act(|| ok(sys!(libc::SYS_mount, NULL, &place, NULL, libc::MS_REMOUNT | libc::MS_RDONLY, NULL)));
    }),
    ("mount/propagation", |stage| {
        let place = tmpfs(stage);
        act(|| ok(sys!(libc::SYS_mount, c"none", &place, NULL, libc::MS_SLAVE, NULL)));
    }),
    ("mount/denied", |stage| {
        let place = private(stage);
        become_nobody();
        act(|| fails(sys!(libc::SYS_mount, c"source", &place, c"tmpfs", 0, NULL), libc::EPERM));
    }),
    ("mount/then-open", |stage| {
        let place = private(stage);
        stage.dir("source");
        stage.file("source/file");
        act(|| {
            ok(sys!(libc::SYS_mount, &stage.path("source"), &place, NULL, libc::MS_BIND, NULL));
            ok(sys!(libc::SYS_open, c"place/file", libc::O_RDONLY))
        });
    }),
    ("mount/types", |stage| {
        // Mount ids are given again: what is remembered of the first may not be told of the second.
        let place = private(stage);
        let file = stage.path("place/file");
        act(|| {
            for kind in [c"tmpfs", c"ramfs"] {
                ok(sys!(libc::SYS_mount, c"none", &place, kind, 0, NULL));
                ok(sys!(libc::SYS_close, ok(sys!(libc::SYS_creat, &file, 0o600))));
                ok(sys!(libc::SYS_umount2, &place, 0));
            }
        });
    }),
    ("clone/new-mounts", |stage| {
        // A child that is born into a mount namespace of its own.
        let place = stage.dir("place");
        stage.file("place/file");
        act(|| {
            let flags = libc::CLONE_NEWNS | libc::SIGCHLD;
            let child = sys!(libc::SYS_clone, flags, NULL, NULL, NULL, NULL);
            if child == 0 {
                ok(sys!(libc::SYS_mount, NULL, c"/", NULL, libc::MS_REC | libc::MS_PRIVATE, NULL));
                ok(sys!(libc::SYS_mount, c"none", &place, c"tmpfs", 0, NULL));
                ok(sys!(libc::SYS_mkdir, &stage.path("place/sub"), 0o700));
                ok(sys!(libc::SYS_chmod, &stage.path("place/sub"), 0o750));
                exit(0);
            }
            wait(i32::try_from(ok(child)).unwrap_or(0));
            ok(sys!(libc::SYS_chmod, &stage.path("place/file"), 0o640))
        });
    }),
    ("move_mount/success", |stage| {
        let place = private(stage);
        stage.dir("source");
        let tree = detached(&stage.path("source"));
        act(|| ok(sys!(libc::SYS_move_mount, tree, c"", libc::AT_FDCWD, &place, MOVE_MOUNT_F_EMPTY_PATH)));
    }),
    ("move_mount/by-path", |stage| {
        let place = tmpfs(stage);
        let other = stage.dir("other");
        act(|| ok(sys!(libc::SYS_move_mount, libc::AT_FDCWD, &place, libc::AT_FDCWD, &other, 0)));
    }),
    ("move_mount/denied", |stage| {
        let place = tmpfs(stage);
        let other = stage.dir("other");
        become_nobody();
        act(|| fails(sys!(libc::SYS_move_mount, libc::AT_FDCWD, &place, libc::AT_FDCWD, &other, 0), libc::EPERM));
    }),
    ("move_mount/tmpfs", |stage| {
        let place = private(stage);
        let mount = detached_tmpfs();
        act(|| {
            ok(sys!(libc::SYS_move_mount, mount, c"", libc::AT_FDCWD, &place, MOVE_MOUNT_F_EMPTY_PATH));
            ok(sys!(libc::SYS_openat, mount, c"program", libc::O_RDONLY))
        });
    }),
    ("fsmount/success", |stage| {
        private(stage);
        let context = fresh_tmpfs();
        act(|| ok(sys!(libc::SYS_fsmount, context, 0, 0)));
    }),
    ("fsmount/denied", |stage| {
        private(stage);
        let context = fresh_tmpfs();
        become_nobody();
        act(|| fails(sys!(libc::SYS_fsmount, context, 0, 0), libc::EPERM));
    }),
    ("fsmount/used", |stage| {
        // Nothing on it has a path, and it can be used and executed.
        private(stage);
        let mount = detached_tmpfs();
        act(|| {
            ok(sys!(libc::SYS_openat, mount, c"program", libc::O_RDONLY));
            wait(crate::raw::fork(|| {
                i32::try_from(-sys!(libc::SYS_execveat, mount, c"program", NULL, NULL, 0)).unwrap_or(1)
            }));
        });
    }),
    ("open_tree/clone", |stage| {
        tmpfs(stage);
        stage.dir("place/sub");
        act(|| ok(sys!(libc::SYS_open_tree, libc::AT_FDCWD, c"place/sub", OPEN_TREE_CLONE)));
    }),
    ("open_tree/no-clone", |stage| {
        tmpfs(stage);
        act(|| ok(sys!(libc::SYS_open_tree, libc::AT_FDCWD, c"place", 0)));
    }),
    ("open_tree/denied", |stage| {
        tmpfs(stage);
        become_nobody();
        act(|| fails(sys!(libc::SYS_open_tree, libc::AT_FDCWD, c"place", OPEN_TREE_CLONE), libc::EPERM));
    }),
    ("open_tree_attr/clone", |stage| {
        /// The number on every interface; newer than the libc crate's names.
        const OPEN_TREE_ATTR: i64 = 467;
        tmpfs(stage);
        act(|| ok(sys!(OPEN_TREE_ATTR, libc::AT_FDCWD, c"place", OPEN_TREE_CLONE, NULL, 0)));
    }),
    ("umount2/used", |stage| {
        // Taken away while a file on it is open.
        let place = tmpfs(stage);
        stage.file("place/file");
        let directory = stage.open("place", libc::O_PATH);
        act(|| {
            ok(sys!(libc::SYS_openat, directory, c"file", libc::O_RDONLY));
            ok(sys!(libc::SYS_umount2, &place, libc::MNT_DETACH));
            ok(sys!(libc::SYS_openat, directory, c"file", libc::O_RDONLY))
        });
    }),
    ("umount2/success", |stage| {
        tmpfs(stage);
        act(|| ok(sys!(libc::SYS_umount2, c"place", libc::MNT_DETACH)));
    }),
    ("umount2/denied", |stage| {
        let place = tmpfs(stage);
        become_nobody();
        act(|| fails(sys!(libc::SYS_umount2, &place, 0), libc::EPERM));
    }),
    ("umount2/none", |stage| {
        let place = private(stage);
        act(|| fails(sys!(libc::SYS_umount2, &place, 0), libc::EINVAL));
    }),
    ("pivot_root/success", |stage| {
        let place = tmpfs(stage);
        stage.dir("place/old");
        stage.file("place/file");
        act(|| {
            ok(sys!(libc::SYS_pivot_root, &place, &stage.path("place/old")));
            ok(sys!(libc::SYS_open, c"/file", libc::O_RDONLY))
        });
    }),
    ("pivot_root/denied", |stage| {
        let place = tmpfs(stage);
        let old = stage.dir("place/old");
        become_nobody();
        act(|| fails(sys!(libc::SYS_pivot_root, &place, &old), libc::EPERM));
    }),
];
