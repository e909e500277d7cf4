//! Copying this program to where another container finds it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The program cannot be copied.
#[derive(Debug, Error)]
#[error("cannot install {to}: {error}")]
pub(crate) struct InstallError {
    to: PathBuf,
    error: io::Error,
}

/// Copies the program as `lapwing` into the directory. It appears there when it is whole, so that one that runs there
/// already is replaced, not changed.
pub(crate) fn install(directory: &Path) -> Result<(), InstallError> {
    let to = directory.join("lapwing");
    let beside = directory.join(format!(".lapwing-{}", std::process::id()));
    let copied = copy(&beside).and_then(|()| fs::rename(&beside, &to));
    copied.map_err(|error| {
        // It may not even have been made.
        let _ = fs::remove_file(&beside);
        InstallError { to, error }
    })
}

fn copy(to: &Path) -> io::Result<()> {
    let mut program = File::open("/proc/self/exe")?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o755).open(to)?;
    io::copy(&mut program, &mut copy)?;
    // Whatever the umask is: others are to run it.
    copy.set_permissions(fs::Permissions::from_mode(0o755))?;
    copy.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_copy_is_whole_and_others_may_run_it() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("lapwing"), "an older one").unwrap();
        install(directory.path()).unwrap();
        let copy = fs::metadata(directory.path().join("lapwing")).unwrap();
        assert_eq!((copy.mode() & 0o777, copy.len()), (0o755, fs::metadata("/proc/self/exe").unwrap().len()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let error = install(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.starts_with("cannot install /nonexistent/lapwing: No such file"), "{error}");
    }
}
