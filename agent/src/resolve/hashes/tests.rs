//! Files of the tests' own, hashed as those of this process.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use lapwing_common::event::{Attachment, Inode};
use lapwing_common::ids::Pid;
use rustix::fs::{AtFlags, CWD, Mode, StatxFlags};
use tempfile::TempDir;

use super::*;
use crate::config::Algorithm;

/// Of `abc`, by FIPS 180-4 and RFC 1321.
const ABC: [&str; 3] = [
    "md5:900150983cd24fb0d6963f7d28e17f72",
    "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
];

fn host() -> HostHashes {
    let algorithms = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256];
    HostHashes::new(&HashConfig { algorithms: algorithms.into(), largest: 100, ..HashConfig::default() })
}

fn directory() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("program");
    fs::write(&file, "abc").unwrap();
    (directory, file)
}

/// As a backend would tell of it.
fn told(path: &Path) -> File {
    let found = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID).unwrap();
    let inode = Inode {
        attachment: Attachment::Visible,
        number: found.stx_ino,
        mount_id: u32::try_from(found.stx_mnt_id).unwrap(),
        modified: Timestamp(identity::nanoseconds(found.stx_mtime)),
        changed: Timestamp(identity::nanoseconds(found.stx_ctime)),
        ..Inode::default()
    };
    File { inode: Some(inode), ..File::at(path.as_os_str().as_encoded_bytes()) }
}

/// A time at which the file has been as it is for long.
fn later(file: &File) -> Timestamp {
    Timestamp(file.inode.as_ref().unwrap().changed.0 + 10 * FRESH)
}

fn this_process() -> ProcessKey {
    let namespace = numbering().expect("/proc of this pid namespace");
    ProcessKey { pid: Pid(std::process::id().cast_signed()), namespace }
}

fn gone() -> ProcessKey {
    ProcessKey { pid: Pid(i32::MAX), ..this_process() }
}

/// However slow the machine is.
fn concluded(hashes: &Hashes) -> State {
    let until = Instant::now() + Duration::from_secs(60);
    while hashes.state() == State::Pending && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
    hashes.state()
}

#[test]
fn a_file_has_the_hashes_that_everybody_computes() {
    let (_directory, path) = directory();
    let (mut host, file) = (host(), told(&path));
    let hashes = host.hash(this_process(), &file, None, later(&file));
    assert_eq!(concluded(&hashes), State::Done);
    let texts: Vec<_> = hashes.texts().iter().map(|text| std::str::from_utf8(text).unwrap()).collect();
    assert_eq!(texts, ABC);
    // The second time it is not read.
    let again = host.hash(gone(), &file, None, later(&file));
    assert!(Arc::ptr_eq(&hashes, &again));
}

#[test]
fn the_program_of_a_process_is_found_by_the_process() {
    let mut host = host();
    let file = File { path: (*b"/nowhere").into(), ..told(Path::new("/proc/self/exe").read_link().unwrap().as_path()) };
    let hashes = host.hash(this_process(), &file, Some(u64::MAX), later(&file));
    assert_eq!(concluded(&hashes), State::Done);
}

#[test]
fn a_program_that_was_removed_is_found_while_it_runs() {
    let (directory, _) = directory();
    let path = directory.path().join("sleep");
    fs::copy("/bin/sleep", &path).unwrap();
    let file = told(&path);
    let mut child = std::process::Command::new(&path).arg("1000").spawn().unwrap();
    fs::remove_file(&path).unwrap();
    let process = ProcessKey { pid: Pid(child.id().cast_signed()), ..this_process() };
    let hashes = host().hash(process, &file, Some(u64::MAX), later(&file));
    assert_eq!(concluded(&hashes), State::Done);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn another_file_in_its_place_is_not_taken_for_it() {
    let (directory, path) = directory();
    let file = told(&path);
    fs::write(directory.path().join("other"), "xyz").unwrap();
    fs::rename(directory.path().join("other"), &path).unwrap();
    let hashes = host().hash(this_process(), &file, None, later(&file));
    assert_eq!(concluded(&hashes), State::NotFound);
}

#[test]
fn what_is_found_by_its_path_alone_has_to_be_on_the_same_mount() {
    let (_directory, path) = directory();
    let mut file = told(&path);
    assert_eq!(concluded(&host().hash(gone(), &file, None, later(&file))), State::Done);
    for mount in [0, u32::MAX] {
        file.inode.as_mut().unwrap().mount_id = mount;
        assert_eq!(concluded(&host().hash(gone(), &file, None, later(&file))), State::NotFound, "{mount}");
    }
}

#[test]
fn only_regular_files_of_a_bounded_size_are_read() {
    let (directory, path) = directory();
    fs::write(&path, [0; 101]).unwrap();
    let file = told(&path);
    let mut host = host();
    assert_eq!(concluded(&host.hash(this_process(), &file, None, later(&file))), State::TooBig);
    assert_eq!(concluded(&host.hash(this_process(), &file, Some(101), later(&file))), State::Done);
    let pipe = directory.path().join("pipe");
    rustix::fs::mkfifoat(CWD, &pipe, Mode::RUSR).unwrap();
    let pipe = told(&pipe);
    assert_eq!(concluded(&host.hash(this_process(), &pipe, None, later(&pipe))), State::Unreadable);
    // A link that has come into its place is followed, and leads to another file.
    let (link, target) = (directory.path().join("link"), directory.path().join("target"));
    fs::write(&target, "abc").unwrap();
    symlink(&target, &link).unwrap();
    let mut replaced = told(&target);
    replaced.path = link.as_os_str().as_encoded_bytes().into();
    replaced.inode.as_mut().unwrap().number += 1;
    assert_eq!(concluded(&host.hash(this_process(), &replaced, None, later(&replaced))), State::NotFound);
}

#[test]
fn files_that_are_new_too_often_are_not_read() {
    let (directory, _) = directory();
    let mut host = HostHashes::new(&HashConfig { rate: 2, ..HashConfig::default() });
    let states: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            let path = directory.path().join(name);
            fs::write(&path, name).unwrap();
            concluded(&host.hash(this_process(), &told(&path), None, Timestamp(1_000_000_000)))
        })
        .collect();
    assert_eq!(states, [State::Done, State::Done, State::RateLimited]);
}

#[test]
fn what_has_just_changed_is_not_remembered() {
    let (_directory, path) = directory();
    let (mut host, file) = (host(), told(&path));
    let at = file.inode.as_ref().unwrap().changed;
    let first = host.hash(this_process(), &file, None, at);
    let second = host.hash(this_process(), &file, None, at);
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!((concluded(&first), concluded(&second)), (State::Done, State::Done));
}

#[test]
fn programs_that_ran_already_are_neither_waited_for_nor_too_many() {
    let (directory, _) = directory();
    let mut host = HostHashes::new(&HashConfig { rate: 1, ..HashConfig::default() });
    for name in ["a", "b", "c"] {
        let path = directory.path().join(name);
        fs::write(&path, name).unwrap();
        let hashing = host.running(this_process(), &told(&path));
        assert_eq!(concluded(hashing.get().unwrap()), State::Done);
    }
    let unknown = host.running(this_process(), &File::at(*b"/x"));
    assert_eq!(unknown.get().unwrap().state(), State::NotFound);
}
