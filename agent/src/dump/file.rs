//! Where dumps are written: one directory, in it files that nobody else made.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, BufWriter, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;

/// Readable by its owner, and writable by nobody: a dump is not to be changed.
const MODE: Mode = Mode::RUSR;
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
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut tries = 0;
        loop {
            let name = format!("{prefix}{}{suffix}", random());
            match rustix::fs::openat(&self.opened, &name, flags, MODE) {
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
