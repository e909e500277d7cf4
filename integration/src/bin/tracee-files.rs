//! Calls on files, one at an order: the subject of discarders and approvers.
//!
//! `tracee-files ORDERS ANSWERS` reads lines from the one and answers each on the other, with `ok` or an
//! error, once the calls have been made. The words of an order have tabs between them. Each is one system
//! call on paths (see `obey`), so that a test knows which events there are to come. It ends with its input
//! or at `end`.

#![allow(unsafe_code, reason = "fork, clone, and calls that nothing safe wraps")]

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Error, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use io_uring::types::Fd;
use io_uring::{IoUring, opcode};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

fn main() -> io::Result<()> {
    let mut paths = std::env::args_os().skip(1);
    let (orders, answers) = (paths.next().unwrap_or_default(), paths.next().unwrap_or_default());
    let orders = BufReader::new(File::open(orders)?);
    let mut answers = OpenOptions::new().write(true).open(answers)?;
    writeln!(answers, "ready")?;
    for order in orders.lines() {
        let order = order?;
        if order == "end" {
            break;
        }
        let words: Vec<&str> = order.split('\t').collect();
        match obey(&words) {
            Ok(()) => writeln!(answers, "ok")?,
            Err(error) => writeln!(answers, "{order}: {error}")?,
        }
    }
    Ok(())
}

fn obey(words: &[&str]) -> io::Result<()> {
    match *words {
        ["open", path] => File::open(path).map(drop),
        ["write", path] => OpenOptions::new().write(true).create(true).truncate(false).open(path).map(drop),
        ["chmod", path] => fs::set_permissions(path, fs::Permissions::from_mode(0o755)),
        ["chmod-removed", path] => chmod_removed(path),
        ["open-until", path, end] => open_until(path, end),
        ["mkdir", path] => fs::create_dir(path),
        ["rmdir", path] => fs::remove_dir(path),
        ["rmdirat", path] => remove_by_unlinkat(path),
        ["unlink", path] => fs::remove_file(path),
        ["rename", from, to] => fs::rename(from, to),
        ["link", from, to] => fs::hard_link(from, to),
        ["child", path] => in_child(0, path),
        ["child-with-mounts", path] => in_child(libc::CLONE_NEWNS, path),
        ["unshare"] => Ok(unshare(CloneFlags::CLONE_NEWNS)?),
        ["private"] => Ok(mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?),
        ["chroot", path] => Ok(nix::unistd::chroot(path)?),
        ["wait"] => {
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok(())
        }
        ["io_uring"] => io_uring(),
        ["io_uring_rename", from, to] => rename_by_ring(from, to),
        ["bind", from, path] => Ok(mount(Some(from), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?),
        ["tmpfs", path] => Ok(mount(Some("none"), path, Some("tmpfs"), MsFlags::empty(), None::<&str>)?),
        ["umount", path] => Ok(umount2(path, MntFlags::empty())?),
        _ => Err(Error::other("no such order")),
    }
}

/// Renames without a system call that says so.
fn rename_by_ring(from: &str, to: &str) -> io::Result<()> {
    let [from, to] = [CString::new(from)?, CString::new(to)?];
    let mut ring = IoUring::new(1)?;
    let here = Fd(libc::AT_FDCWD);
    let rename = opcode::RenameAt::new(here, from.as_ptr(), here, to.as_ptr()).build();
    // SAFETY: both names live until the operation is complete.
    unsafe { ring.submission().push(&rename) }.map_err(Error::other)?;
    ring.submit_and_wait(1)?;
    let result = ring.completion().next().map_or(0, |completion| completion.result());
    if result < 0 { Err(Error::from_raw_os_error(-result)) } else { Ok(()) }
}

/// Makes a ring, which could do any of this unseen, and does nothing with it.
fn io_uring() -> io::Result<()> {
    // `struct io_uring_params` of linux/io_uring.h: 120 bytes, of which zeros ask for nothing special.
    let mut parameters = [0_u64; 15];
    // SAFETY: the kernel fills in the structure, which is as large as it wants.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    if ring < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// Of a file that is open and has no name any more.
fn chmod_removed(path: &str) -> io::Result<()> {
    let file = File::open(path)?;
    fs::remove_file(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

/// Again and again, until there is a file of another name.
fn open_until(path: &str, end: &str) -> io::Result<()> {
    while !fs::exists(end)? {
        File::open(path)?;
    }
    Ok(())
}

/// As `rm -r` removes a directory, while the library's functions use `rmdir`.
fn remove_by_unlinkat(path: &str) -> io::Result<()> {
    let path = std::ffi::CString::new(path)?;
    // SAFETY: the path ends in NUL.
    let done = unsafe { libc::unlinkat(libc::AT_FDCWD, path.as_ptr(), libc::AT_REMOVEDIR) };
    if done == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// A child that opens a file and ends.
fn in_child(flags: i32, path: &str) -> io::Result<()> {
    // SAFETY: there is one thread here, and without a stack of its own the child has a copy of ours.
    let child = unsafe { libc::syscall(libc::SYS_clone, i64::from(flags | libc::SIGCHLD), 0, 0, 0, 0) };
    if child == 0 {
        let opened = File::open(path);
        std::process::exit(i32::from(opened.is_err()));
    }
    let child = i32::try_from(child).map_err(Error::other)?;
    if child < 0 {
        return Err(Error::last_os_error());
    }
    Ok(waitpid(Pid::from_raw(child), None).map(drop)?)
}
