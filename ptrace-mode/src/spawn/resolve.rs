//! Finding a command's file, by the rules of `execvp`.
//!
//! In the parent and by asking, not in the child by trying: each failed `execve` would stop and be an
//! event that the command never caused.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::{AccessFlags, eaccess};
use thiserror::Error;

/// The search path when there is none, that of the C library (`confstr(_CS_PATH)`).
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Why a command has no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// There is none in any directory of the search path.
    #[error("command not found")]
    NotFound,
    /// There is one, but it may not be executed.
    #[error("permission denied")]
    NotExecutable,
}

impl ResolveError {
    /// What a shell would exit with.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::NotFound => 127,
            Self::NotExecutable => 126,
        }
    }
}

/// The file to execute for `name`, searched for in `path` (the value of `PATH`; `None` when unset).
///
/// A name with a slash is taken as it is, and `execve` will tell whether it is any good. Empty and
/// relative elements of the path are relative to `directory`, in which the command will be started,
/// and stay so in the result.
///
/// # Errors
///
/// See [`ResolveError`].
pub fn resolve_command(name: &OsStr, path: Option<&OsStr>, directory: &Path) -> Result<CString, ResolveError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Err(ResolveError::NotFound);
    }
    if bytes.contains(&b'/') {
        return terminated(bytes.to_vec());
    }
    let mut failure = ResolveError::NotFound;
    for element in path.map_or(DEFAULT_PATH, OsStrExt::as_bytes).split(|byte| *byte == b':') {
        let mut candidate = element.to_vec();
        if !element.is_empty() {
            candidate.push(b'/');
        }
        candidate.extend_from_slice(bytes);
        let file = directory.join(OsStr::from_bytes(&candidate));
        match file.metadata() {
            Ok(metadata) if metadata.is_file() && eaccess(&file, AccessFlags::X_OK).is_ok() => {
                return terminated(candidate);
            }
            Ok(_) => failure = ResolveError::NotExecutable,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                failure = ResolveError::NotExecutable;
            }
            Err(_) => {}
        }
    }
    Err(failure)
}

/// No file has a NUL in its name.
fn terminated(bytes: Vec<u8>) -> Result<CString, ResolveError> {
    CString::new(bytes).map_err(|_nul| ResolveError::NotFound)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{ResolveError, resolve_command};

    fn resolve(name: &str, path: Option<&str>, directory: &Path) -> Result<String, ResolveError> {
        resolve_command(OsStr::new(name), path.map(OsStr::new), directory).map(|file| file.into_string().unwrap())
    }

    #[test]
    fn searches_as_execvp_does() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for (name, mode) in [("a/tool", 0o755), ("b/tool", 0o755), ("b/data", 0o644), ("here", 0o755)] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "").unwrap();
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir_all(root.join("a/dir")).unwrap();

        assert_eq!(resolve("tool", Some("a:b"), root).unwrap(), "a/tool");
        assert_eq!(resolve("tool", Some("missing:b:a"), root).unwrap(), "b/tool");
        let absolute = format!("/nowhere:{}/b", root.display());
        assert_eq!(resolve("tool", Some(&absolute), root).unwrap(), format!("{}/b/tool", root.display()));
        // An empty element is the directory itself, and so is an empty path.
        for path in [":a", "a:", "a::b", ""] {
            assert_eq!(resolve("here", Some(path), root).unwrap(), "here", "PATH={path}");
        }
        assert_eq!(resolve("here", Some("a:b"), root), Err(ResolveError::NotFound));
        // A file that may not be executed is remembered, but a later one is taken.
        assert_eq!(resolve("data", Some("a:b"), root), Err(ResolveError::NotExecutable));
        assert_eq!(resolve("dir", Some("a:b"), root), Err(ResolveError::NotExecutable));
        fs::copy(root.join("b/tool"), root.join("a/data")).unwrap();
        assert_eq!(resolve("data", Some("b:a"), root).unwrap(), "a/data");
        // An unset path has a default; slashes and emptiness are not searched for.
        assert_eq!(resolve("sh", None, root).unwrap(), "/bin/sh");
        assert_eq!(resolve("./nothing", Some("a"), root).unwrap(), "./nothing");
        assert_eq!(resolve("", Some("a"), root), Err(ResolveError::NotFound));
        assert_eq!(resolve("a\0b", Some("a"), root), Err(ResolveError::NotFound));
    }
}
