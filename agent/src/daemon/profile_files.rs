//! One directory with a file for each profile.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use lapwing_common::profile::Selector;
use lapwing_proto::dumps::SecurityProfile;

use crate::activity::{self, ActivityError, Document, Encoding, Target};
use crate::console::Console;

/// Profiles say what a workload does: they are their owner's business.
const MODE: u32 = 0o750;

/// The directory, and which files in it are known. Clones are of the same.
#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: PathBuf,
    /// By path, what was read or written last.
    known: Arc<Mutex<HashMap<PathBuf, Version>>>,
    /// Held while a file is written, so that there is one writer. The loop never takes it while it serves.
    writing: Arc<Mutex<()>>,
}

/// What tells a file from one that has taken its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    inode: u64,
    /// `None` of a file that is being written, to be compared with any.
    modified: Option<(i64, i64)>,
}

impl Version {
    fn is(&self, known: Option<Self>) -> bool {
        known.is_some_and(|known| known.inode == self.inode && known.modified.is_none_or(|_| known == *self))
    }
}

impl Files {
    /// Makes the directory if there is none.
    pub(super) fn open(directory: &Path) -> Result<Self, ActivityError> {
        let made = DirBuilder::new().recursive(true).mode(MODE).create(directory);
        made.map_err(|error| ActivityError::Write { path: directory.into(), error })?;
        Ok(Self { directory: directory.into(), known: Arc::default(), writing: Arc::default() })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names of the files that are of none of these, in order. None where the directory cannot be read.
    pub(super) fn others<'a>(&self, these: impl Iterator<Item = &'a Selector>) -> Vec<String> {
        let these: HashSet<_> = these.map(|selector| self.path(selector)).collect();
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let others = files.filter(|path| path.extension().is_some_and(|end| end == "profile") && !these.contains(path));
        let mut names: Vec<_> =
            others.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        names.sort_unstable();
        names
    }

    /// Where a profile is.
    pub(super) fn path(&self, selector: &Selector) -> PathBuf {
        self.directory.join(file_name(&selector.image_name) + ".profile")
    }

    /// The profile in its file; `None` without one.
    pub(super) fn load(&self, selector: &Selector) -> Result<Option<SecurityProfile>, ActivityError> {
        let path = self.path(selector);
        let Some(version) = version(&path) else { return Ok(None) };
        self.note(&path, version);
        match activity::read(&path) {
            Err(ActivityError::Read { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(read?.to_profile())),
        }
    }

    /// Whether there is a file that is not the one that was read or written last.
    pub(super) fn is_replaced(&self, selector: &Selector) -> bool {
        let path = self.path(selector);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&path).copied();
        version(&path).is_some_and(|version| !version.is(known))
    }

    /// Writes a profile, and puts it in its file's place when it is whole. Returns the file's name.
    pub(super) fn save(&self, message: &SecurityProfile) -> Result<PathBuf, ActivityError> {
        let selector = Selector::from(message.selector.clone().unwrap_or_default());
        let path = self.path(&selector);
        let _writer = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let target = Target::create(&path, true)?;
        // Before it stands there: it must not be taken for somebody else's.
        if let Some(inode) = target.inode() {
            self.note(&path, Version { inode, modified: None });
        }
        let encoding = Encoding::of(&path)?;
        activity::write(target, &Document::Profile(message.clone()), encoding)?;
        if let Some(version) = version(&path) {
            self.note(&path, version);
        }
        Ok(path)
    }

    fn note(&self, path: &Path, version: Version) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path.into(), version);
    }

    /// The same, by a thread of its own: the loop does not wait.
    pub(super) fn save_later(&self, message: SecurityProfile, console: Console) -> Option<JoinHandle<()>> {
        let files = self.clone();
        let begun = thread::Builder::new().name("lapwing-profile".into()).spawn(move || {
            if let Err(error) = files.save(&message) {
                console.warn(format_args!("a profile is not saved: {error}"));
            }
        });
        begun
            .map_err(|error| {
                console.warn(format_args!("a profile is not saved, as there is no thread for it: {error}"))
            })
            .ok()
    }
}

fn version(path: &Path) -> Option<Version> {
    let metadata = fs::metadata(path).ok()?;
    Some(Version { inode: metadata.ino(), modified: Some((metadata.mtime(), metadata.mtime_nsec())) })
}

/// The name of an image as that of a file: what may not stand in one, or mean something there, as `%` and two digits.
fn file_name(image: &str) -> String {
    let mut name = String::new();
    for (index, byte) in image.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && index > 0);
        if is_plain {
            name.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(name, "%{byte:02x}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::dumps::ProfileSelector;

    fn message(name: &str) -> SecurityProfile {
        let selector = ProfileSelector { image_name: name.into(), image_tag: "*".into() };
        SecurityProfile { selector: Some(selector), ..SecurityProfile::default() }
    }

    #[test]
    fn names_of_files_lead_nowhere_else_and_differ() {
        assert_eq!(file_name("nginx-1.25_x"), "nginx-1.25_x");
        assert_eq!(file_name("../a:b/%"), "%2e.%2fa%3ab%2f%25");
        assert_ne!(file_name("a/b"), file_name("a%2fb"));
    }

    #[test]
    fn a_profile_is_read_again_only_if_somebody_else_replaced_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(&directory.path().join("a/b")).unwrap();
        let selector = Selector::of("web");
        assert_eq!(files.load(&selector).unwrap(), None);
        let path = files.save(&message("web")).unwrap();
        fs::write(directory.path().join("a/b/notes.txt"), "").unwrap();
        files.save(&message("another")).unwrap();
        assert_eq!(files.others([&selector].into_iter()), ["another.profile"]);
        assert_eq!(files.others([].into_iter()), ["another.profile", "web.profile"]);
        assert_eq!(path, directory.path().join("a/b/web.profile"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o400);
        assert!(!files.is_replaced(&selector));
        let other = Files::open(&directory.path().join("a/b")).unwrap();
        other.save(&SecurityProfile { disabled: true, ..message("web") }).unwrap();
        assert!(files.is_replaced(&selector));
        assert!(files.load(&selector).unwrap().is_some_and(|profile| profile.disabled));
        assert!(!files.is_replaced(&selector));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "no profile").unwrap();
        assert!(files.load(&selector).is_err());
    }
}
