//! Making, naming and removing, beyond the ways to pass a path.

use crate::Scenario;
use crate::raw::{c, fails, ok, sys};
use crate::stage::act;

pub(crate) const ALL: &[Scenario] = &[
    ("mkdir/exists", |stage| {
        let path = stage.dir("sub");
        act(|| fails(sys!(libc::SYS_mkdir, &path, 0o755), libc::EEXIST));
    }),
    ("mkdir/trailing", |stage| {
        let path = stage.path("sub///");
        act(|| ok(sys!(libc::SYS_mkdir, &path, 0o1777)));
    }),
    ("rmdir/not-empty", |stage| {
        let path = stage.dir("sub");
        stage.file("sub/file");
        act(|| fails(sys!(libc::SYS_rmdir, &path), libc::ENOTEMPTY));
    }),
    ("unlink/absent", |stage| act(|| fails(sys!(libc::SYS_unlink, &stage.path("absent")), libc::ENOENT))),
    ("unlink/directory", |stage| {
        let path = stage.dir("sub");
        act(|| fails(sys!(libc::SYS_unlink, &path), libc::EISDIR));
    }),
    ("unlink/one-of-two", |stage| {
        let path = stage.file("one");
        ok(sys!(libc::SYS_link, &path, &stage.path("two")));
        act(|| ok(sys!(libc::SYS_unlink, &path)));
    }),
    ("rename/replacing", |stage| {
        let (old, new) = (stage.file("old"), stage.file("new"));
        act(|| ok(sys!(libc::SYS_rename, &old, &new)));
    }),
    ("rename/directory", |stage| {
        let (old, new) = (stage.dir("old"), stage.path("new/"));
        act(|| ok(sys!(libc::SYS_rename, &old, &new)));
    }),
    ("rename/absent", |stage| {
        act(|| fails(sys!(libc::SYS_rename, &stage.path("absent"), &stage.path("new")), libc::ENOENT));
    }),
    ("renameat/two-dirfds", |stage| {
        stage.dir("a");
        stage.dir("b");
        stage.file("a/file");
        let (a, b) = (stage.open("a", libc::O_PATH), stage.open("b", libc::O_PATH));
        act(|| ok(sys!(libc::SYS_renameat, a, c"file", b, c"moved")));
    }),
    ("renameat2/exchange", |stage| {
        let (one, two) = (stage.file("one"), stage.file_with("two", b"", 0o644));
        act(|| ok(sys!(libc::SYS_renameat2, -1, &one, -1, &two, libc::RENAME_EXCHANGE)));
    }),
    ("renameat2/exists", |stage| {
        let (one, two) = (stage.file("one"), stage.file("two"));
        act(|| fails(sys!(libc::SYS_renameat2, -1, &one, -1, &two, libc::RENAME_NOREPLACE), libc::EEXIST));
    }),
    ("linkat/empty", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDONLY);
        act(|| ok(sys!(libc::SYS_linkat, file, c"", -1, &stage.path("new"), libc::AT_EMPTY_PATH)));
    }),
    ("linkat/magic", |stage| {
        stage.file("file");
        let old = c(&format!("/proc/self/fd/{}", stage.open("file", libc::O_RDONLY)));
        act(|| ok(sys!(libc::SYS_linkat, -1, &old, -1, &stage.path("new"), libc::AT_SYMLINK_FOLLOW)));
    }),
    ("linkat/two-dirfds", |stage| {
        stage.dir("a");
        stage.dir("b");
        stage.file("a/file");
        let (a, b) = (stage.open("a", libc::O_PATH), stage.open("b", libc::O_PATH));
        act(|| ok(sys!(libc::SYS_linkat, a, c"file", b, c"linked", 0)));
    }),
    ("link/exists", |stage| {
        let (one, two) = (stage.file("one"), stage.file("two"));
        act(|| fails(sys!(libc::SYS_link, &one, &two), libc::EEXIST));
    }),
    ("symlink/absolute-text", |stage| {
        stage.dir("sub");
        let (text, link) = (stage.file("file"), stage.path("sub/link"));
        act(|| ok(sys!(libc::SYS_symlink, &text, &link)));
    }),
    ("symlink/relative-text", |stage| {
        // Relative to the link's directory, not to the working directory (B6).
        stage.dir("sub");
        stage.file("sub/file");
        stage.file("file");
        let link = stage.path("sub/link");
        act(|| ok(sys!(libc::SYS_symlink, c"file", &link)));
    }),
    ("symlink/nowhere", |stage| {
        let link = stage.path("link");
        act(|| ok(sys!(libc::SYS_symlink, c"no where", &link)));
    }),
    ("symlinkat/dirfd-elsewhere", |stage| {
        stage.dir("sub");
        stage.file("sub/file");
        let sub = stage.open("sub", libc::O_PATH);
        act(|| ok(sys!(libc::SYS_symlinkat, c"file", sub, c"link")));
    }),
];
