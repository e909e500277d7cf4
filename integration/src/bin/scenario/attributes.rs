//! Permissions, owners, times and extended attributes: by descriptor, by empty and by null path.

use crate::Scenario;
use crate::raw::{NULL, c, done, fails, ok, sys};
use crate::stage::{Stage, act, become_nobody};

const UTIME_NOW: i64 = (1 << 30) - 1;
const UTIME_OMIT: i64 = (1 << 30) - 2;

fn file(stage: &Stage) -> i32 {
    let path = stage.file("file");
    ok(sys!(libc::SYS_setxattr, &path, c"trusted.lw", c"1", 1, 0));
    stage.open("file", libc::O_RDONLY)
}

/// `struct xattr_args` of linux/xattr.h, for a value of one byte.
fn one_byte() -> [usize; 2] {
    [c"1".as_ptr().addr(), 1]
}

/// A descriptor that was opened with more rights than are left.
fn kept(stage: &Stage) -> i32 {
    let file = file(stage);
    become_nobody();
    file
}

/// A descriptor of a file that has lost its name.
fn deleted(stage: &Stage) -> i32 {
    let file = file(stage);
    ok(sys!(libc::SYS_unlink, &stage.path("file")));
    file
}

pub(crate) const ALL: &[Scenario] = &[
    ("fchmod/success", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_fchmod, fd, 0o6755)));
    }),
    ("fchmod/denied", |stage| {
        let fd = kept(stage);
        act(|| fails(sys!(libc::SYS_fchmod, fd, 0o777), libc::EPERM));
    }),
    ("fchmod/deleted", |stage| {
        let fd = deleted(stage);
        act(|| ok(sys!(libc::SYS_fchmod, fd, 0o640)));
    }),
    ("fchmod/called-deleted", |stage| {
        stage.file("x (deleted)");
        let fd = stage.open("x (deleted)", libc::O_RDONLY);
        act(|| ok(sys!(libc::SYS_fchmod, fd, 0o640)));
    }),
    ("fchmod/reused", |stage| {
        // The number of a closed descriptor is given to the next one (B14).
        let old = file(stage);
        ok(sys!(libc::SYS_close, old));
        stage.file("second");
        let new = stage.open("second", libc::O_RDONLY);
        assert_eq!(old, new);
        act(|| ok(sys!(libc::SYS_fchmod, new, 0o640)));
    }),
    ("fchmod/after-exec", |stage| {
        // A descriptor that exec closes, and another file under its number afterwards (B14).
        if stage.at("first").exists() {
            stage.file("second");
            let second = stage.open("second", libc::O_RDONLY);
            ok(sys!(libc::SYS_dup2, second, 200));
            act(|| ok(sys!(libc::SYS_fchmod, 200, 0o640)));
            return;
        }
        stage.file("first");
        let first = stage.open("first", libc::O_RDONLY);
        ok(sys!(libc::SYS_dup3, first, 200, libc::O_CLOEXEC));
        ok(sys!(libc::SYS_fchmod, 200, 0o600));
        let again = ["scenario", "fchmod/after-exec", &stage.directory().to_string_lossy()].map(c);
        let again = [again[0].as_ptr(), again[1].as_ptr(), again[2].as_ptr(), std::ptr::null()];
        ok(sys!(libc::SYS_execve, c"/proc/self/exe", &again, NULL));
    }),
    ("fchmod/not-open", |_| act(|| fails(sys!(libc::SYS_fchmod, 999, 0o640), libc::EBADF))),
    ("fchmodat2/empty", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_fchmodat2, fd, c"", 0o640, libc::AT_EMPTY_PATH)));
    }),
    ("fchown/success", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_fchown, fd, 12, 34)));
    }),
    ("fchown/denied", |stage| {
        let fd = kept(stage);
        act(|| fails(sys!(libc::SYS_fchown, fd, 65534, -1), libc::EPERM));
    }),
    ("fchownat/empty", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_fchownat, fd, c"", 12, -1, libc::AT_EMPTY_PATH)));
    }),
    ("fchownat/empty-cwd", |_| {
        act(|| ok(sys!(libc::SYS_fchownat, libc::AT_FDCWD, c"", -1, 34, libc::AT_EMPTY_PATH)));
    }),
    ("fchownat/opath", |stage| {
        stage.file("file");
        stage.link("hop", "file");
        let hop = stage.open("hop", libc::O_PATH | libc::O_NOFOLLOW);
        act(|| ok(sys!(libc::SYS_fchownat, hop, c"", 12, 34, libc::AT_EMPTY_PATH)));
    }),
    ("utime/null", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_utime, &path, NULL)));
    }),
    ("utimes/null", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_utimes, &path, NULL)));
    }),
    ("futimesat/null-path", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_futimesat, fd, NULL, &[1_i64, 1, 2, 999_999])));
    }),
    ("utimensat/null-path", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_utimensat, fd, NULL, &[1_i64, 1, 2, 999_999_999], 0)));
    }),
    ("utimensat/null-times", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_utimensat, libc::AT_FDCWD, &path, NULL, 0)));
    }),
    ("utimensat/empty", |stage| {
        let fd = file(stage);
        let times = [3_i64, 0, 4, 0];
        act(|| ok(sys!(libc::SYS_utimensat, fd, c"", &raw const times, libc::AT_EMPTY_PATH)));
    }),
    ("utimensat/now-and-omit", |stage| {
        let path = stage.file("file");
        // Their seconds mean nothing, and a second that looks like them is one (B7).
        let marks = [[5, UTIME_NOW, 6, UTIME_OMIT], [UTIME_NOW, 0, 9, UTIME_NOW], [7, UTIME_OMIT, UTIME_OMIT, 1]];
        act(|| marks.iter().for_each(|times| done(sys!(libc::SYS_utimensat, -1, &path, &raw const *times, 0))));
    }),
    ("utimensat/before-1970", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_utimensat, -1, &path, &[-1_i64, 0, 1, 0], 0)));
    }),
    ("fsetxattr/success", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_fsetxattr, fd, c"trusted.lw", c"1", 1, 0)));
    }),
    ("fsetxattr/denied", |stage| {
        let fd = kept(stage);
        act(|| fails(sys!(libc::SYS_fsetxattr, fd, c"trusted.lw", c"1", 1, 0), libc::EPERM));
    }),
    ("setxattr/security", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(libc::SYS_setxattr, &path, c"security.lw.more", c"1", 1, 0)));
    }),
    ("setxattr/no-namespace", |stage| {
        let path = stage.file("file");
        act(|| fails(sys!(libc::SYS_setxattr, &path, c"plain", c"1", 1, 0), libc::EOPNOTSUPP));
    }),
    ("setxattrat/empty", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(463, fd, c"", libc::AT_EMPTY_PATH, c"trusted.lw", &one_byte(), 16)));
    }),
    ("setxattrat/nofollow", |stage| {
        stage.file("file");
        let hop = stage.link("hop", "file");
        act(|| ok(sys!(463, -1, &hop, libc::AT_SYMLINK_NOFOLLOW, c"trusted.lw", &one_byte(), 16)));
    }),
    ("fremovexattr/success", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(libc::SYS_fremovexattr, fd, c"trusted.lw")));
    }),
    ("fremovexattr/denied", |stage| {
        let fd = kept(stage);
        act(|| fails(sys!(libc::SYS_fremovexattr, fd, c"trusted.lw"), libc::EPERM));
    }),
    ("removexattr/absent", |stage| {
        let path = stage.file("file");
        act(|| fails(sys!(libc::SYS_removexattr, &path, c"trusted.none"), libc::ENODATA));
    }),
    ("removexattrat/empty", |stage| {
        let fd = file(stage);
        act(|| ok(sys!(466, fd, c"", libc::AT_EMPTY_PATH, c"trusted.lw")));
    }),
];
