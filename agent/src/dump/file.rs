//! Where dumps are written: one directory, in it files that nobody else made.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, BufWriter, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;

/// Readable by its owner, and writable by nobody: a dump is not to be changed.
const MODE: Mode = Mode::RUSR;
/// A file that was not there before.
const NEW: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// As many names are tried that turn out to be taken.
const TRIES: u32 = 100;
/// Pieces of a dump are small, and many.
const BUFFER: usize = 128 * 1024;

/// Why there is no dump.
#[derive(Debug, Error)]
pub(crate) enum DumpError {
    #[error("cannot write dumps to {path}: it is a symbolic link; name the directory that it leads to")]
    Link { path: PathBuf },
    #[error("cannot write dumps to {path}: {error}")]
    Directory { path: PathBuf, error: io::Error },
    #[error("cannot create {path}: {error}")]
    Create { path: PathBuf, error: io::Error },
    #[error("cannot write {path}: {error}; what was written of it has been removed")]
    Write { path: PathBuf, error: io::Error },
    #[error("{0}")]
    Profile(String),
    #[error("a profile is of an image with a name and a tag; name it by --workload")]
    NoWorkload,
    #[error("cannot tell what is discarded: {0}")]
    Discarders(String),
    #[error("there are too many dumps being written; try again later")]
    Busy,
    #[error("the thread that writes dumps has ended; please report this")]
    Gone,
}

/// A directory for dumps, open. Its name may come to mean another directory; the dumps go to this one.
#[derive(Debug)]
pub(crate) struct DumpDir {
    opened: OwnedFd,
    path: PathBuf,
}

impl DumpDir {
    /// Opens a directory, which must not be a symbolic link: in a place like `/tmp`, anybody could have made that.
    pub(crate) fn open(path: &Path) -> Result<Self, DumpError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(opened) => Ok(Self { opened, path: path.to_owned() }),
            Err(Errno::LOOP | Errno::NOTDIR) if path.is_symlink() => Err(DumpError::Link { path: path.to_owned() }),
            Err(error) => Err(DumpError::Directory { path: path.to_owned(), error: error.into() }),
        }
    }

    /// Creates a file of a new name between these two parts, and has it written.
    pub(crate) fn write(
        &self,
        prefix: &str,
        suffix: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<PathBuf, DumpError> {
        let (name, file) = self.create(prefix, suffix)?;
        self.fill(name, file, content)
    }

    /// Creates a file of this name, which must be new, and has it written.
    pub(crate) fn write_as(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<PathBuf, DumpError> {
        let opened = rustix::fs::openat(&self.opened, name, NEW, MODE);
        let file = opened.map_err(|error| DumpError::Create { path: self.path.join(name), error: error.into() })?;
        self.fill(name.to_owned(), file.into(), content)
    }

    /// The regular files that belong to this process's user, with the times at which they were written.
    pub(crate) fn entries(&self) -> Result<Vec<(String, SystemTime)>, DumpError> {
        let failed = |error: Errno| DumpError::Directory { path: self.path.clone(), error: error.into() };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let listed = rustix::fs::openat(&self.opened, ".", flags, Mode::empty()).map_err(failed)?;
        let own = rustix::process::geteuid().as_raw();
        let mut entries = Vec::new();
        for entry in Dir::read_from(listed).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            // One that is gone by now is no entry.
            let Ok(found) = rustix::fs::statat(&self.opened, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile && found.st_uid == own {
                let since = Duration::new(
                    u64::try_from(found.st_mtime).unwrap_or(0),
                    u32::try_from(found.st_mtime_nsec).unwrap_or(0),
                );
                entries.push((name.to_owned(), SystemTime::UNIX_EPOCH + since));
            }
        }
        Ok(entries)
    }

    fn fill(
        &self,
        name: String,
        file: File,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<PathBuf, DumpError> {
        let path = self.path.join(&name);
        let mut out = BufWriter::with_capacity(BUFFER, file);
        match content(&mut out).and_then(|()| out.flush()) {
            Ok(()) => Ok(path),
            Err(error) => {
                // Nothing is left to do if that fails.
                let _ = rustix::fs::unlinkat(&self.opened, &name, AtFlags::empty());
                Err(DumpError::Write { path, error })
            }
        }
    }

    /// Removes a file that was written here.
    pub(crate) fn remove(&self, path: &Path) {
        if let Some(name) = path.file_name() {
            // As above.
            let _ = rustix::fs::unlinkat(&self.opened, name, AtFlags::empty());
        }
    }

    fn create(&self, prefix: &str, suffix: &str) -> Result<(String, File), DumpError> {
        let mut tries = 0;
        loop {
            let name = format!("{prefix}{}{suffix}", random());
            match rustix::fs::openat(&self.opened, &name, NEW, MODE) {
                Ok(file) => return Ok((name, file.into())),
                Err(Errno::EXIST) if tries < TRIES => tries += 1,
                Err(error) => return Err(DumpError::Create { path: self.path.join(name), error: error.into() }),
            }
        }
    }
}

/// Digits that differ each time. Nothing depends on whether they can be foreseen.
fn random() -> u32 {
    let bytes = RandomState::new().build_hasher().finish().to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
