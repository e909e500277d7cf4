//! Generated pages: written from the code they describe, committed so that they can be read
//! without building anything, and checked in CI so that they cannot lie.

mod protocol;

use std::path::{Path, PathBuf};
use std::{fs, io};

/// A page's name under `docs/`, and what writes it.
type Page = (&'static str, fn() -> String);

const PAGES: [Page; 2] =
    [("events.md", lapwing_common::event::reference::markdown), ("protocol.md", protocol::markdown)];

/// Why a page could not be written, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("docs/{page} is stale from line {line} on; run `cargo xtask docs` and commit the result")]
    Stale { page: &'static str, line: usize },
    #[error("docs/{page} is absent; run `cargo xtask docs` and commit the result")]
    Absent { page: &'static str },
}

/// Writes every page that is not already as it should be.
pub(crate) fn write(root: &Path) -> Result<(), Error> {
    for (page, generate) in PAGES {
        let (path, wanted) = (root.join("docs").join(page), generate());
        if read(&path)?.is_some_and(|present| present == wanted) {
            eprintln!("docs/{page}: fresh");
            continue;
        }
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, wanted))
            .map_err(|source| Error::Write { path: path.clone(), source })?;
        eprintln!("docs/{page}: written");
    }
    Ok(())
}

/// Fails at the first page that [`write()`] would change.
pub(crate) fn check(root: &Path) -> Result<(), Error> {
    for (page, generate) in PAGES {
        let present = read(&root.join("docs").join(page))?.ok_or(Error::Absent { page })?;
        if let Some(line) = first_difference(&present, &generate()) {
            return Err(Error::Stale { page, line });
        }
        eprintln!("docs/{page}: fresh");
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// The number of the first line in which two texts differ, their ends included.
fn first_difference(present: &str, wanted: &str) -> Option<usize> {
    if present == wanted {
        return None;
    }
    let same = present.split('\n').zip(wanted.split('\n')).take_while(|(one, other)| one == other).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\nb\n", "a\nb\nc\n"), Some(3));
        assert_eq!(first_difference("a\nb", "a\nb\n"), Some(3));
        assert_eq!(first_difference("", "a"), Some(1));
    }

    #[test]
    fn absent_then_written_then_stale() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(check(root.path()), Err(Error::Absent { page: "events.md" })));

        write(root.path()).unwrap();
        check(root.path()).unwrap();

        let page = root.path().join("docs/events.md");
        let text = fs::read_to_string(&page).unwrap();
        fs::write(&page, format!("a line of somebody's own\n{text}")).unwrap();
        assert!(matches!(check(root.path()), Err(Error::Stale { line: 1, .. })));
    }
}
