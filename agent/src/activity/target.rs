//! A file that is to be written: made before the work begins, so that what would be in its way is known in time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::{Compression, GzBuilder};

use super::ActivityError;

/// What a workload did is its owner's business, and a record is not to be changed.
const MODE: u32 = 0o400;

/// A file in the making. Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    file: File,
    /// What stands in the file system so far: the file itself, or, where one is to be replaced, another beside it.
    made: PathBuf,
    is_finished: bool,
}

impl Target {
    /// Makes the file, readable by its owner only. One that exists is replaced in the end if that was asked for.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, ActivityError> {
        let made = if force { beside(path) } else { path.into() };
        let opened = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&made);
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists if !force => ActivityError::Exists(path.into()),
            _ => ActivityError::Write { path: path.into(), error },
        })?;
        Ok(Self { path: path.into(), file, made, is_finished: false })
    }

    /// What it will be called.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of its inode, which it keeps when it takes its place.
    pub(crate) fn inode(&self) -> Option<u64> {
        self.file.metadata().ok().map(|metadata| metadata.ino())
    }

    /// Writes all of it.
    pub(crate) fn finish(mut self, bytes: &[u8], gzip: bool) -> Result<(), ActivityError> {
        let written = if gzip { self.pack(bytes) } else { self.file.write_all(bytes) };
        let moved =
            written.and_then(|()| if self.made == self.path { Ok(()) } else { fs::rename(&self.made, &self.path) });
        moved.map_err(|error| ActivityError::Write { path: self.path.clone(), error })?;
        self.is_finished = true;
        Ok(())
    }

    fn pack(&mut self, bytes: &[u8]) -> io::Result<()> {
        let name = self.path.file_stem().unwrap_or_default().as_encoded_bytes();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = GzBuilder::new().filename(name).mtime(u32::try_from(now).unwrap_or(0));
        let mut packer = header.write(&mut self.file, Compression::default());
        packer.write_all(bytes)?;
        packer.finish().map(drop)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_finished {
            // Whoever has moved it meanwhile may keep it.
            let _ = fs::remove_file(&self.made);
        }
    }
}

/// A name in the same directory, so that the file can be moved to its own at once.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
