//! `open` in its many forms, beyond the ways to pass a path.

use crate::Scenario;
use crate::raw::{NULL, fails, fd, ok, sys};
use crate::stage::{act, become_nobody};

pub(crate) const ALL: &[Scenario] = &[
    ("open/absent", |stage| {
        act(|| fails(sys!(libc::SYS_open, &stage.path("absent"), libc::O_RDONLY), libc::ENOENT));
    }),
    ("open/directory", |stage| {
        let path = stage.dir("sub");
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW)));
    }),
    ("open/path", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_PATH)));
    }),
    ("open/link-itself", |stage| {
        stage.file("file");
        let path = stage.link("hop", "file");
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_PATH | libc::O_NOFOLLOW)));
    }),
    ("open/tmpfile", |stage| {
        let path = stage.path(".");
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_TMPFILE | libc::O_RDWR, 0o600)));
    }),
    ("open/dangling", |stage| {
        let path = stage.link("hop", "made");
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, 0o600)));
    }),
    ("open/device", |_| {
        act(|| ok(sys!(libc::SYS_open, c"/dev/null", libc::O_WRONLY)));
    }),
    ("open/own-status", |_| {
        act(|| ok(sys!(libc::SYS_open, c"/proc/self/status", libc::O_RDONLY)));
    }),
    ("open/magic", |stage| {
        stage.file("file");
        let open = stage.open("file", libc::O_RDONLY);
        let path = crate::raw::c(&format!("/proc/self/fd/{open}"));
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_RDONLY)));
    }),
    ("open/deleted", |stage| {
        let path = stage.file("gone");
        let open = stage.open("gone", libc::O_RDONLY);
        ok(sys!(libc::SYS_unlink, &path));
        let path = crate::raw::c(&format!("/proc/self/fd/{open}"));
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_RDONLY)));
    }),
    ("open/truncating", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_WRONLY | libc::O_TRUNC)));
    }),
    ("open/hidden", |stage| {
        // A directory that may not be searched on the way.
        stage.dir("closed");
        let path = stage.file("closed/file");
        stage.mode("closed", 0o700);
        become_nobody();
        act(|| fails(sys!(libc::SYS_open, &path, libc::O_RDONLY), libc::EACCES));
    }),
    ("open/hidden-absent", |stage| {
        // The kernel does not get to know that there is no such file.
        stage.dir("closed");
        let path = stage.path("closed/absent");
        stage.mode("closed", 0o700);
        become_nobody();
        act(|| fails(sys!(libc::SYS_open, &path, libc::O_RDONLY), libc::EACCES));
    }),
    ("openat/dirfd-deleted", |stage| {
        let path = stage.dir("gone");
        let dir = stage.open("gone", libc::O_DIRECTORY);
        ok(sys!(libc::SYS_rmdir, &path));
        act(|| {
            ok(sys!(libc::SYS_openat, dir, c".", libc::O_RDONLY));
            fails(sys!(libc::SYS_openat, dir, c"file", libc::O_CREAT | libc::O_WRONLY, 0o600), libc::ENOENT);
        });
    }),
    ("openat/moved-dirfd", |stage| {
        let old = stage.dir("old");
        stage.file("old/file");
        let dir = stage.open("old", libc::O_DIRECTORY);
        ok(sys!(libc::SYS_rename, &old, &stage.path("new")));
        act(|| ok(sys!(libc::SYS_openat, dir, c"file", libc::O_RDONLY)));
    }),
    ("openat2/beneath", |stage| {
        stage.dir("sub");
        stage.file("sub/file");
        let dir = stage.open("sub", libc::O_DIRECTORY);
        // RESOLVE_BENEATH of linux/openat2.h; leaving gives EXDEV, which is not reported.
        let how = [i64::from(libc::O_RDONLY | libc::O_CLOEXEC), 0, 8];
        act(|| {
            ok(sys!(libc::SYS_openat2, dir, c"file", &raw const how, 24));
            fails(sys!(libc::SYS_openat2, dir, c"../sub/file", &raw const how, 24), libc::EXDEV);
        });
    }),
    ("openat2/create", |stage| {
        let how = [i64::from(libc::O_CREAT | libc::O_EXCL | libc::O_RDWR), 0o640, 0];
        let path = stage.path("new");
        act(|| ok(sys!(libc::SYS_openat2, libc::AT_FDCWD, &path, &raw const how, 24)));
    }),
    ("openat2/null", |stage| {
        let path = stage.file("file");
        act(|| fails(sys!(libc::SYS_openat2, libc::AT_FDCWD, &path, NULL, 24), libc::EFAULT));
    }),
    ("creat/existing", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_creat, &path, 0o777)));
    }),
    ("ftruncate/success", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDWR);
        act(|| ok(sys!(libc::SYS_ftruncate, file, 2)));
    }),
    ("ftruncate/read-only", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDONLY);
        act(|| fails(sys!(libc::SYS_ftruncate, file, 2), libc::EINVAL));
    }),
    ("ftruncate/denied", |_| {
        // A seal is what refuses even root.
        let file = fd(sys!(libc::SYS_memfd_create, c"sealed", libc::MFD_ALLOW_SEALING));
        ok(sys!(libc::SYS_ftruncate, file, 100));
        ok(sys!(libc::SYS_fcntl, file, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK));
        act(|| fails(sys!(libc::SYS_ftruncate, file, 2), libc::EPERM));
    }),
    // A refusal cannot be had: memfd_create asks for no permission unless a sysctl forbids MFD_EXEC.
    ("memfd_create/success", |_| {
        act(|| ok(sys!(libc::SYS_memfd_create, c"lw memory", libc::MFD_CLOEXEC)));
    }),
    ("memfd_create/slash", |_| {
        act(|| ok(sys!(libc::SYS_memfd_create, c"/etc/passwd", 0)));
    }),
];
