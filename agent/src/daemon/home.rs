//! The directory that an agent serves from: its own alone, by a lock, with its sockets in it.
//!
//! The lock is the kernel's (flock(2)), so that an agent that was killed leaves none behind. The file stays when the
//! agent ends: to remove it would let two agents hold a lock each, on files of the same name.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::{geteuid, umask};
use thiserror::Error;

const LOCK: &str = "agent.lock";

/// Why an agent cannot serve from a directory.
#[derive(Debug, Error)]
pub(crate) enum HomeError {
    #[error("cannot make the directory {directory} for the sockets: {error}; name another by `--socket-dir`")]
    Make { directory: PathBuf, error: io::Error },
    #[error("cannot use {directory} for the sockets: {why}; name another by `--socket-dir`")]
    Unsafe { directory: PathBuf, why: String },
    #[error("cannot lock {file}: {error}; name another directory by `--socket-dir`")]
    Lock { file: PathBuf, error: io::Error },
    #[error("another agent{owner} serves {directory}: stop it, or name another directory by `--socket-dir`")]
    Taken { directory: PathBuf, owner: String },
    #[error("cannot serve at {socket}: {error}")]
    Bind { socket: PathBuf, error: io::Error },
    #[error("cannot serve at {socket}: there is a file of this name, which is no socket; move it away")]
    Occupied { socket: PathBuf },
}

/// A directory that is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    /// Holds the lock while it is open.
    lock: File,
    sockets: Vec<PathBuf>,
}

impl Home {
    /// Makes the directory if there is none, and locks it.
    pub(crate) fn take(directory: &Path) -> Result<Self, HomeError> {
        match DirBuilder::new().mode(0o755).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(HomeError::Make { directory: directory.into(), error });
            }
            _ => {}
        }
        check(directory)?;
        let file = directory.join(LOCK);
        let failed = |error| HomeError::Lock { file: file.clone(), error };
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&file)
            .map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut owner = String::new();
                // For the message only.
                let _ = lock.read_to_string(&mut owner);
                let owner = if owner.trim().is_empty() { owner } else { format!(" (process {})", owner.trim()) };
                return Err(HomeError::Taken { directory: directory.into(), owner });
            }
            Err(error) => return Err(failed(error.into())),
        }
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { directory: directory.into(), lock, sockets: Vec::new() })
    }

    /// Listens at a socket that only its owner may open.
    pub(crate) fn bind(&mut self, name: &str) -> Result<UnixListener, HomeError> {
        let socket = self.directory.join(name);
        let failed = |error| HomeError::Bind { socket: socket.clone(), error };
        match fs::symlink_metadata(&socket) {
            // Left by an agent that was killed: the lock is ours.
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&socket).map_err(failed)?,
            Ok(_) => return Err(HomeError::Occupied { socket }),
            Err(_) => {}
        }
        // There is no time at which it has another mode.
        let before = umask(Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(&socket);
        umask(before);
        let listener = bound.map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        self.sockets.push(socket);
        Ok(listener)
    }
}

/// Lets everybody open a socket, or its owner only.
pub(crate) fn open_to(socket: &Path, everybody: bool) -> io::Result<()> {
    fs::set_permissions(socket, fs::Permissions::from_mode(if everybody { 0o666 } else { 0o600 }))
}

/// Removes the sockets while the lock is still held.
impl Drop for Home {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // It may be gone with its directory.
            let _ = fs::remove_file(socket);
        }
        let _ = self.lock.set_len(0);
    }
}

/// Refuses a directory in which somebody else could put sockets of his own.
fn check(directory: &Path) -> Result<(), HomeError> {
    let refused = |why: String| HomeError::Unsafe { directory: directory.into(), why };
    let found = fs::metadata(directory).map_err(|error| refused(error.to_string()))?;
    let own = geteuid().as_raw();
    if !found.is_dir() {
        return Err(refused("it is no directory".to_owned()));
    }
    if found.uid() != own && found.uid() != 0 {
        return Err(refused(format!("it belongs to user {}, who could replace them", found.uid())));
    }
    if found.mode() & 0o022 != 0 {
        return Err(refused(format!("others may write to it, by its mode {:o}", found.mode() & 0o7777)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_has_one_agent_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("lapwing");
        let first = Home::take(&directory).unwrap();
        let error = Home::take(&directory).unwrap_err().to_string();
        let expected =
            format!("another agent (process {}) serves {}: stop it", std::process::id(), directory.display());
        assert!(error.starts_with(&expected), "{error}");
        drop(first);
        Home::take(&directory).unwrap();
    }

    #[test]
    fn sockets_are_private_and_vanish_with_their_agent() {
        let root = tempfile::tempdir().unwrap();
        let socket = root.path().join("x.sock");
        // One that was left behind is replaced.
        drop(UnixListener::bind(&socket).unwrap());
        let mut home = Home::take(root.path()).unwrap();
        home.bind("x.sock").unwrap();
        assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
        drop(home);
        assert!(!socket.exists());
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("x.sock"), "precious").unwrap();
        let mut home = Home::take(root.path()).unwrap();
        assert!(matches!(home.bind("x.sock"), Err(HomeError::Occupied { .. })));
        drop(home);
        assert_eq!(fs::read(root.path().join("x.sock")).unwrap(), b"precious");
    }

    #[test]
    fn a_directory_that_others_may_change_is_refused() {
        let root = tempfile::tempdir().unwrap();
        modes(root.path(), 0o777);
        let error = Home::take(root.path()).unwrap_err().to_string();
        assert!(error.contains("others may write to it, by its mode 777"), "{error}");
        modes(root.path(), 0o755);
        Home::take(root.path()).unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Home::take(&file).unwrap_err().to_string().contains("it is no directory"));
        let error = Home::take(&root.path().join("not/there")).unwrap_err().to_string();
        assert!(error.contains("cannot make the directory") && error.contains("No such file"), "{error}");
    }
}
