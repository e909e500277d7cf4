//! The ground of a scenario, and the marks around its act.

use std::ffi::{CString, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use lapwing_integration::marker;

use crate::raw::{c, fd, ok, sys};

/// An empty directory to act in; the working directory too.
#[derive(Debug)]
pub(crate) struct Stage {
    directory: PathBuf,
}

/// The user that may not do anything.
pub(crate) const NOBODY: u32 = 65534;

impl Stage {
    pub(crate) fn new(directory: &OsStr) -> Self {
        let directory = PathBuf::from(directory);
        std::env::set_current_dir(&directory).expect("the directory exists");
        Self { directory }
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of something in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The same for a system call.
    pub(crate) fn path(&self, name: &str) -> CString {
        CString::new(self.at(name).as_os_str().as_bytes()).expect("no NUL")
    }

    /// Makes a file that belongs to root and that others may not touch.
    pub(crate) fn file(&self, name: &str) -> CString {
        self.file_with(name, b"contents", 0o600)
    }

    /// Makes a file.
    pub(crate) fn file_with(&self, name: &str, contents: &[u8], mode: u32) -> CString {
        fs::write(self.at(name), contents).expect("file");
        self.mode(name, mode);
        self.path(name)
    }

    /// Makes a directory.
    pub(crate) fn dir(&self, name: &str) -> CString {
        fs::create_dir(self.at(name)).expect("directory");
        self.mode(name, 0o755);
        self.path(name)
    }

    /// Sets permissions, past the umask.
    pub(crate) fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).expect("permissions");
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, name: &str, text: &str) -> CString {
        symlink(text, self.at(name)).expect("link");
        self.path(name)
    }

    /// Opens something in the directory.
    pub(crate) fn open(&self, name: &str, flags: i32) -> i32 {
        fd(sys!(libc::SYS_open, &self.path(name), flags | libc::O_CLOEXEC, 0o600))
    }
}

/// Acts between the marks.
pub(crate) fn act<T>(scene: impl FnOnce() -> T) {
    mark(marker::BEGIN);
    scene();
    mark(marker::END);
}

fn mark(name: &str) {
    ok(sys!(libc::SYS_prctl, libc::PR_SET_NAME, &c(name)));
}

/// Gives up every privilege for good.
pub(crate) fn become_nobody() {
    ok(sys!(libc::SYS_setgroups, 0, 0));
    ok(sys!(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY));
    ok(sys!(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY));
}
