//! Real threads asked about through the real `/proc`: what a forked process does and is told is
//! compared with what the resolver says of it.

mod files;
mod lookups;
mod puppet;
mod random;
mod roots;
mod tasks;

use std::path::Path;

use lapwing_common::event::File;

use super::{Last, Name, Resolver};
use puppet::Puppet;

/// Says that a test cannot run here; a failure where everything has to.
fn skip(reason: &str) {
    assert!(std::env::var_os("LAPWING_REQUIRE_ALL").is_none(), "skipped: {reason}");
    println!("skipped: {reason}");
}

/// Both ways of resolving: with the kernel's help, and without (before Linux 5.6).
fn resolvers() -> [Resolver; 2] {
    let walker = Resolver { openat2: false, ..Resolver::new().unwrap() };
    [Resolver::new().unwrap(), walker]
}

fn named(path: &str) -> Name<'_> {
    Name { dirfd: None, path: path.as_bytes(), empty_ok: false }
}

fn below(dirfd: i32, path: &str) -> Name<'_> {
    Name { dirfd: Some(dirfd), ..named(path) }
}

fn text(file: &File) -> &str {
    std::str::from_utf8(&file.path).unwrap()
}

/// The path and the inode number.
fn seen(file: &File) -> (&str, Option<u64>) {
    (text(file), file.inode.as_ref().map(|inode| inode.number))
}

/// A temporary directory (by its resolved path), and a process that is in it.
fn stage() -> (tempfile::TempDir, String, Puppet) {
    let guard = tempfile::tempdir().unwrap();
    let path = guard.path().canonicalize().unwrap().to_str().unwrap().to_owned();
    let puppet = Puppet::new();
    assert_eq!(puppet.chdir(&path), 0);
    (guard, path, puppet)
}

fn symlink(target: &str, at: &str) {
    std::os::unix::fs::symlink(target, at).unwrap();
}

fn inode(path: impl AsRef<Path>) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).unwrap().ino()
}

/// Asserts that a lookup finds the file at `path`, with its inode.
#[track_caller]
fn found(file: &File, path: &str) {
    assert_eq!(text(file), path);
    assert!(!file.unresolved, "{path} is unresolved");
    assert_eq!(file.inode.as_ref().map(|inode| inode.number), Some(inode(path)), "{path}");
}

/// Asserts that a lookup ends at a file that does not exist.
#[track_caller]
fn missing(file: &File, path: &str) {
    assert_eq!((text(file), file.unresolved, &file.inode), (path, false, &None));
}

/// Asserts that a path could not be followed.
#[track_caller]
fn lost(file: &File, path: &str) {
    assert_eq!((text(file), file.unresolved, &file.inode), (path, true, &None));
}
