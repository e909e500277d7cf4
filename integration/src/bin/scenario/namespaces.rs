//! Roots and namespaces, and what paths mean after they changed.

use crate::Scenario;
use crate::raw::{c, exit, fails, fd, fork, ok, sys, wait};
use crate::stage::{Stage, act, become_nobody};

/// A small tree: `/inside`, `/way -> /inside`, `/inside/up -> ../../inside`.
fn tree(stage: &Stage) {
    stage.dir("root");
    stage.file("root/inside");
    stage.link("root/way", "/inside");
    stage.link("root/out", "../../../../inside");
}

fn open(path: &str) {
    ok(sys!(libc::SYS_open, &c(path), libc::O_RDONLY));
}

pub(crate) const ALL: &[Scenario] = &[
    ("chroot/then-open", |stage| {
        tree(stage);
        stage.file("inside");
        act(|| {
            ok(sys!(libc::SYS_chroot, &stage.path("root")));
            open("/inside");
            // Absolute links and too many dots end at the new root.
            open("/way");
            open("/out");
            open("/../../inside");
            // The working directory is still the old one, outside of the new root.
            open("inside");
            ok(sys!(libc::SYS_chdir, c"/"));
            open("inside")
        });
    }),
    ("chroot/denied-eperm", |_| {
        become_nobody();
        act(|| fails(sys!(libc::SYS_chroot, c"/"), libc::EPERM));
    }),
    ("chroot/inherited", |stage| {
        tree(stage);
        ok(sys!(libc::SYS_chroot, &stage.path("root")));
        act(|| {
            wait(fork(|| {
                open("/inside");
                0
            }))
        });
    }),
    ("chroot/of-a-sibling", |stage| {
        // With CLONE_FS the child's root is the parent's too.
        tree(stage);
        open(&stage.at("root/inside").to_string_lossy());
        act(|| {
            let child = sys!(libc::SYS_clone, libc::SIGCHLD | libc::CLONE_FS, 0, 0, 0, 0);
            if child == 0 {
                ok(sys!(libc::SYS_chroot, &stage.path("root")));
                exit(0);
            }
            wait(i32::try_from(ok(child)).unwrap_or(0));
            open("/inside")
        });
    }),
    ("unshare/success", |_| act(|| ok(sys!(libc::SYS_unshare, libc::CLONE_NEWUTS | libc::CLONE_FILES)))),
    ("unshare/denied", |_| {
        become_nobody();
        act(|| fails(sys!(libc::SYS_unshare, libc::CLONE_NEWNET), libc::EPERM));
    }),
    ("unshare/mounts", |stage| {
        let path = stage.file("file");
        act(|| {
            ok(sys!(libc::SYS_unshare, libc::CLONE_NEWNS));
            ok(sys!(libc::SYS_open, &path, libc::O_RDONLY))
        });
    }),
    ("setns/success", |_| {
        let namespace = fd(sys!(libc::SYS_open, c"/proc/self/ns/uts", libc::O_RDONLY));
        act(|| ok(sys!(libc::SYS_setns, namespace, libc::CLONE_NEWUTS)));
    }),
    ("setns/pidfd", |_| {
        let parent = fd(sys!(libc::SYS_pidfd_open, sys!(libc::SYS_getpid), 0));
        act(|| ok(sys!(libc::SYS_setns, parent, libc::CLONE_NEWUTS | libc::CLONE_NEWIPC)));
    }),
    ("setns/denied", |_| {
        let namespace = fd(sys!(libc::SYS_open, c"/proc/self/ns/net", libc::O_RDONLY));
        become_nobody();
        act(|| fails(sys!(libc::SYS_setns, namespace, 0), libc::EPERM));
    }),
    ("setns/back", |stage| {
        // Into another mount namespace and back, each with a file of its own at the same path.
        let file = stage.file("file");
        stage.dir("sub");
        let old = fd(sys!(libc::SYS_open, c"/proc/self/ns/mnt", libc::O_RDONLY));
        ok(sys!(libc::SYS_unshare, libc::CLONE_NEWNS));
        act(|| {
            ok(sys!(libc::SYS_setns, old, libc::CLONE_NEWNS));
            ok(sys!(libc::SYS_open, &file, libc::O_RDONLY))
        });
    }),
];
