//! Finding a file again that an event told of, and reading it.
//!
//! Nothing of a container's is trusted: the file is opened as a place first, compared with what the event said of it,
//! and read only if it is that file and a regular one. Paths are followed within the root that they belong to.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use lapwing_common::hashes::{Outcome, State};
use lapwing_common::ids::Pid;
use md5::Md5;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::identity::{By, Identity, nanoseconds};
use super::worker::Job;
use crate::config::Algorithm;

/// Read at a time.
const CHUNK: usize = 64 << 10;

/// Hashes the file of a job, if it can be found.
pub(super) fn hash(job: &Job, algorithms: &[Algorithm], buffer: &mut Vec<u8>) -> Outcome {
    let texts = find(job).and_then(|place| {
        if FileType::from_raw_mode(place.status.stx_mode.into()) != FileType::RegularFile {
            return Err(State::Unreadable);
        }
        if place.status.stx_size > job.largest {
            return Err(State::TooBig);
        }
        read(&place, job.largest, algorithms, buffer)
    });
    match texts {
        Ok(texts) => Outcome { state: State::Done, texts },
        Err(state) => Outcome::none(state),
    }
}

/// A file that was found and not yet opened for reading.
struct Place {
    handle: OwnedFd,
    status: Statx,
    by: By,
}

fn find(job: &Job) -> Result<Place, State> {
    let Job { pid, path, identity, .. } = job;
    let try_in = |root: Option<OwnedFd>, by| check(within(&root?, path)?, identity, by);
    pid.and_then(|pid| check(executable(pid)?, identity, By::Process))
        .or_else(|| try_in(root(&format!("/proc/{}/root", (*pid)?)), By::Root))
        // Its process may have ended.
        .or_else(|| try_in(root("/"), By::PathAlone))
        .ok_or(State::NotFound)
}

fn check(handle: OwnedFd, identity: &Identity, by: By) -> Option<Place> {
    let status = look(&handle)?;
    identity.is(&status, by).then_some(Place { handle, status, by })
}

fn look(place: &impl AsFd) -> Option<Statx> {
    rustix::fs::statx(place, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID).ok()
}

/// The program that a process runs, even one whose file was removed.
fn executable(pid: Pid) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, format!("/proc/{pid}/exe"), flags, Mode::empty()).ok()
}

fn root(path: &str) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()
}

fn within(root: &OwnedFd, path: &[u8]) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, std::ffi::OsStr::from_bytes(path), flags, Mode::empty(), within).ok()
}

type Texts = Box<[Box<[u8]>]>;

fn read(place: &Place, largest: u64, algorithms: &[Algorithm], buffer: &mut Vec<u8>) -> Result<Texts, State> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // Opened by its descriptor, so that it is the file that was looked at.
    let path = format!("/proc/self/fd/{}", place.handle.as_raw_fd());
    let unreadable = |_: rustix::io::Errno| State::Unreadable;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(unreadable)?);
    let mut digests = Digests::default();
    for algorithm in algorithms {
        digests.want(*algorithm);
    }
    buffer.resize(CHUNK, 0);
    let mut total = 0_u64;
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(count) => {
                total += count as u64;
                // It has grown.
                if total > largest {
                    return Err(State::TooBig);
                }
                digests.update(&buffer[..count]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(State::Unreadable),
        }
    }
    let after = look(&file).ok_or(State::Unreadable)?;
    let state = |one: &Statx| {
        let changed = (place.by != By::Process).then(|| nanoseconds(one.stx_ctime));
        (one.stx_size, nanoseconds(one.stx_mtime), changed)
    };
    if state(&place.status) != state(&after) || total != after.stx_size {
        return Err(State::Changed);
    }
    Ok(digests.texts())
}

/// Those that are asked for.
#[derive(Default)]
struct Digests {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    sha256: Option<Sha256>,
}

impl Digests {
    fn want(&mut self, algorithm: Algorithm) {
        match algorithm {
            Algorithm::Md5 => self.md5 = Some(Md5::new()),
            Algorithm::Sha1 => self.sha1 = Some(Sha1::new()),
            Algorithm::Sha256 => self.sha256 = Some(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    fn texts(self) -> Texts {
        let md5 = self.md5.map(|md5| text(Algorithm::Md5, &md5.finalize()));
        let sha1 = self.sha1.map(|sha1| text(Algorithm::Sha1, &sha1.finalize()));
        let sha256 = self.sha256.map(|sha256| text(Algorithm::Sha256, &sha256.finalize()));
        [md5, sha1, sha256].into_iter().flatten().collect()
    }
}

fn text(algorithm: Algorithm, digest: &[u8]) -> Box<[u8]> {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = Vec::with_capacity(algorithm.name().len() + 1 + 2 * digest.len());
    text.extend_from_slice(algorithm.name().as_bytes());
    text.push(b':');
    text.extend(digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]));
    text.into()
}
