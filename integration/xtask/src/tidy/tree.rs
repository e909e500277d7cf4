//! The source files of the workspace. Read once into memory, so that rules are pure functions.

use std::fs;
use std::path::Path;

use super::Error;

/// Which rules' syntax applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    C,
}

impl Language {
    /// By the file's name; `None` for what is not source.
    pub(super) fn of(path: &str) -> Option<Self> {
        match Path::new(path).extension()?.to_str()? {
            "rs" => Some(Self::Rust),
            "c" | "h" => Some(Self::C),
            _ => None,
        }
    }
}

/// A source file.
#[derive(Clone, Debug)]
pub(super) struct SourceFile {
    /// From the root, with `/` between folders.
    pub(super) path: String,
    pub(super) language: Language,
    pub(super) text: String,
}

/// All source files under `root`, ordered by path, without build output and hidden folders.
pub(super) fn load(root: &Path) -> Result<Vec<SourceFile>, Error> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The text of one file under `root`.
pub(super) fn read(root: &Path, path: &str) -> Result<String, Error> {
    let path = root.join(path);
    fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
}

fn walk(root: &Path, folder: &str, files: &mut Vec<SourceFile>) -> Result<(), Error> {
    let at = root.join(folder);
    let unreadable = |source| Error::Read { path: at.clone(), source };
    for entry in fs::read_dir(&at).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || (folder.is_empty() && name == "target") {
            continue;
        }
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        // Links are not followed: they would lead out of the tree, or round in it.
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            walk(root, &path, files)?;
        } else if kind.is_file()
            && let Some(language) = Language::of(&path)
        {
            files.push(SourceFile { text: read(root, &path)?, path, language });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_and_build_output_is_not() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b/src/lib.rs", "a/x.c", "a/x.o", "target/debug/y.rs", ".git/z.rs", "b/src/target/t.rs", "README"]
        {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
        let found: Vec<_> = load(root.path()).unwrap().into_iter().map(|file| (file.path, file.language)).collect();
        assert_eq!(
            found,
            [
                ("a/x.c".to_owned(), Language::C),
                ("b/src/lib.rs".to_owned(), Language::Rust),
                ("b/src/target/t.rs".to_owned(), Language::Rust)
            ]
        );
    }
}
