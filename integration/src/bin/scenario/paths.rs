//! One path, passed in every way, to every call that takes one.
//!
//! The same ground for all: `real` holds what is acted on, `link` leads to `real`, `real/hop` to what is
//! acted on. Everything belongs to root.

use std::ffi::CString;

use crate::raw::{self, NULL, c, exit, fails, ok, sys};
use crate::stage::{NOBODY, Stage, act, become_nobody};

/// What a call acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    File,
    Directory,
    /// A program that root may execute.
    Program,
    /// Nothing is there yet.
    New,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "sub",
            Self::Program => "program",
            Self::New => "new",
        }
    }
}

/// A call, made with a directory and a path.
struct Op {
    name: &'static str,
    /// It takes a directory descriptor.
    at: bool,
    target: Target,
    /// What nobody gets for it.
    denied: i32,
    call: fn(&Stage, i32, &CString) -> i64,
}

/// Ways to pass a path.
const VARIANTS: &[&str] = &["absolute", "relative", "here", "dirfd", "symlink", "dotdot", "hop", "denied"];

fn fits(op: &Op, variant: &str) -> bool {
    match variant {
        "dirfd" => op.at,
        // A link is no directory to rmdir.
        "hop" => op.target != Target::New && !op.name.contains("rmdir"),
        _ => true,
    }
}

pub(crate) fn names() -> impl Iterator<Item = String> {
    let of = |op: &'static Op| {
        VARIANTS.iter().filter(|variant| fits(op, variant)).map(|variant| format!("{}/{variant}", op.name))
    };
    OPS.iter().flat_map(of)
}

/// Plays the scenario of this name, if it is one of these.
pub(crate) fn play(stage: &Stage, name: &str) -> bool {
    let Some((call, variant)) = name.split_once('/') else { return false };
    let found = OPS.iter().find(|op| op.name == call).filter(|op| VARIANTS.contains(&variant) && fits(op, variant));
    let Some(op) = found else { return false };
    prepare(stage, op, variant);
    let target = op.target.name();
    if variant == "hop" {
        stage.link("real/hop", target);
        if op.name.contains("xattr") {
            ok(sys!(libc::SYS_lsetxattr, &stage.path("real/hop"), c"trusted.lw", c"1", 1, 0));
        }
    }
    let (mut dirfd, path) = match variant {
        "absolute" => (libc::AT_FDCWD, stage.path(&format!("real/{target}"))),
        "here" => (libc::AT_FDCWD, c(target)),
        "dirfd" => (stage.open("real", libc::O_DIRECTORY), c(target)),
        "symlink" => (libc::AT_FDCWD, c(&format!("link/{target}"))),
        "dotdot" => (libc::AT_FDCWD, c(&format!("real//sub/.././{target}"))),
        "hop" => (libc::AT_FDCWD, c("real/hop")),
        _ => (libc::AT_FDCWD, c(&format!("real/{target}"))),
    };
    if variant == "here" {
        std::env::set_current_dir(stage.at("real")).expect("real exists");
    }
    if variant == "absolute" {
        // Means nothing beside an absolute path.
        dirfd = -1;
    }
    if variant == "denied" {
        become_nobody();
        act(|| fails((op.call)(stage, dirfd, &path), op.denied));
    } else {
        act(|| ok((op.call)(stage, dirfd, &path)));
    }
    true
}

fn prepare(stage: &Stage, op: &Op, variant: &str) {
    stage.dir("real");
    stage.file("real/file");
    stage.dir("real/sub");
    stage.mode("real/sub", 0o700);
    stage.link("link", "real");
    stage.file("other");
    if variant == "denied" && op.name.starts_with("link") {
        // With fs.protected_hardlinks only an owner may link: here the directory shall refuse.
        ok(sys!(libc::SYS_chown, &stage.path("other"), NOBODY, NOBODY));
        ok(sys!(libc::SYS_chown, &stage.path("real/file"), NOBODY, NOBODY));
    }
    if op.name.contains("xattr") {
        ok(sys!(libc::SYS_setxattr, &stage.path("real/file"), c"trusted.lw", c"1", 1, 0));
    }
    stage.file_with("real/program", &lapwing_integration::tiny::exits(0), 0o700);
}

macro_rules! ops {
    ($($name:literal $at:literal $target:ident $denied:ident |$stage:pat_param, $dirfd:pat_param, $path:ident| $call:expr;)*) => {
        const OPS: &[Op] = &[$(Op {
            name: $name,
            at: $at,
            target: Target::$target,
            denied: libc::$denied,
            call: |$stage: &Stage, $dirfd: i32, $path: &CString| $call,
        }),*];
    };
}

ops! {
    "open" false File EACCES |_, _, p| sys!(libc::SYS_open, p, libc::O_RDONLY);
    "openat" true File EACCES |_, d, p| sys!(libc::SYS_openat, d, p, libc::O_RDWR | libc::O_CLOEXEC);
    "openat2" true File EACCES |_, d, p| {
        let how = [libc::O_WRONLY | libc::O_APPEND, 0, 0].map(i64::from);
        sys!(libc::SYS_openat2, d, p, &raw const how, size_of_val(&how))
    };
    "creat" false New EACCES |_, _, p| sys!(libc::SYS_creat, p, 0o640);
    "openat_create" true New EACCES |_, d, p| sys!(libc::SYS_openat, d, p, libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY, 0o604);
    "truncate" false File EACCES |_, _, p| sys!(libc::SYS_truncate, p, 3);
    "mkdir" false New EACCES |_, _, p| sys!(libc::SYS_mkdir, p, 0o750);
    "mkdirat" true New EACCES |_, d, p| sys!(libc::SYS_mkdirat, d, p, 0o705);
    "rmdir" false Directory EACCES |_, _, p| sys!(libc::SYS_rmdir, p);
    "unlinkat_rmdir" true Directory EACCES |_, d, p| sys!(libc::SYS_unlinkat, d, p, libc::AT_REMOVEDIR);
    "unlink" false File EACCES |_, _, p| sys!(libc::SYS_unlink, p);
    "unlinkat" true File EACCES |_, d, p| sys!(libc::SYS_unlinkat, d, p, 0);
    "rename" false File EACCES |stage, _, p| sys!(libc::SYS_rename, p, &stage.path("moved"));
    "renameat" true File EACCES |stage, d, p| sys!(libc::SYS_renameat, d, p, -1, &stage.path("moved"));
    "renameat2" true File EACCES |stage, d, p| sys!(libc::SYS_renameat2, d, p, -1, &stage.path("moved"), libc::RENAME_NOREPLACE);
    "rename_to" false New EACCES |stage, _, p| sys!(libc::SYS_rename, &stage.path("other"), p);
    "renameat_to" true New EACCES |stage, d, p| sys!(libc::SYS_renameat, -1, &stage.path("other"), d, p);
    "link_to" false New EACCES |stage, _, p| sys!(libc::SYS_link, &stage.path("other"), p);
    "linkat_to" true New EACCES |stage, d, p| sys!(libc::SYS_linkat, -1, &stage.path("other"), d, p, 0);
    "link" false File EACCES |stage, _, p| sys!(libc::SYS_link, p, &stage.path("linked"));
    "linkat" true File EACCES |stage, d, p| sys!(libc::SYS_linkat, d, p, -1, &stage.path("linked"), 0);
    "linkat_follow" true File EACCES |stage, d, p| sys!(libc::SYS_linkat, d, p, -1, &stage.path("linked"), libc::AT_SYMLINK_FOLLOW);
    "symlink" false New EACCES |_, _, p| sys!(libc::SYS_symlink, c"file", p);
    "symlinkat" true New EACCES |_, d, p| sys!(libc::SYS_symlinkat, c"../other", d, p);
    "chmod" false File EPERM |_, _, p| sys!(libc::SYS_chmod, p, 0o4755);
    "fchmodat" true File EPERM |_, d, p| sys!(libc::SYS_fchmodat, d, p, 0o640);
    "fchmodat2" true File EPERM |_, d, p| sys!(libc::SYS_fchmodat2, d, p, 0o604, 0);
    "chown" false File EPERM |_, _, p| sys!(libc::SYS_chown, p, 1000, -1);
    "lchown" false File EPERM |_, _, p| sys!(libc::SYS_lchown, p, -1, NOBODY);
    "fchownat" true File EPERM |_, d, p| sys!(libc::SYS_fchownat, d, p, 1, 2, 0);
    "fchownat_nofollow" true File EPERM |_, d, p| sys!(libc::SYS_fchownat, d, p, 1, 2, libc::AT_SYMLINK_NOFOLLOW);
    "utime" false File EPERM |_, _, p| sys!(libc::SYS_utime, p, &[1_i64, 2]);
    "utimes" false File EPERM |_, _, p| sys!(libc::SYS_utimes, p, &[1_i64, 500_000, 2, 0]);
    "futimesat" true File EPERM |_, d, p| sys!(libc::SYS_futimesat, d, p, &[1_i64, 0, 2, 250_000]);
    "utimensat" true File EPERM |_, d, p| sys!(libc::SYS_utimensat, d, p, &[1_i64, 5, 2, 6], 0);
    "utimensat_nofollow" true File EPERM |_, d, p| {
        sys!(libc::SYS_utimensat, d, p, &[1_i64, 5, 2, 6], libc::AT_SYMLINK_NOFOLLOW)
    };
    "setxattr" false File EPERM |_, _, p| sys!(libc::SYS_setxattr, p, c"trusted.lw", c"22", 2, 0);
    "lsetxattr" false File EPERM |_, _, p| sys!(libc::SYS_lsetxattr, p, c"trusted.lw", c"22", 2, 0);
    "setxattrat" true File EPERM |_, d, p| {
        // struct xattr_args: the value's address, its size and flags of four bytes each.
        let args = [c"22".as_ptr().addr(), 2];
        sys!(463, d, p, 0, c"trusted.lw", &raw const args, 16)
    };
    "removexattr" false File EPERM |_, _, p| sys!(libc::SYS_removexattr, p, c"trusted.lw");
    "lremovexattr" false File EPERM |_, _, p| sys!(libc::SYS_lremovexattr, p, c"trusted.lw");
    "removexattrat" true File EPERM |_, d, p| sys!(466, d, p, libc::AT_SYMLINK_NOFOLLOW, c"trusted.lw");
    "chdir" false Directory EACCES |_, _, p| sys!(libc::SYS_chdir, p);
    "chroot" false Directory EACCES |_, _, p| sys!(libc::SYS_chroot, p);
    "execve" false Program EACCES |_, _, p| {
        in_child(|| sys!(libc::SYS_execve, p, &[c"zero".as_ptr(), std::ptr::null()], NULL))
    };
    "execveat" true Program EACCES |_, d, p| {
        in_child(|| sys!(libc::SYS_execveat, d, p, &[c"zero".as_ptr(), std::ptr::null()], NULL, 0))
    };
}

/// Executes in a child; 0 when the program ran and exited with 0, else the error of the call.
fn in_child(exec: impl FnOnce() -> i64) -> i64 {
    let child = raw::fork(|| {
        let error = exec();
        exit(i32::try_from(-error).unwrap_or(1))
    });
    -i64::from(libc::WEXITSTATUS(raw::wait(child)))
}
