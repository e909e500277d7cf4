//! What the objects are made of: the C files under `bpf/`. All of them count, included or not: an unused
//! file has no business there, and a list of what the compiler read would need the compiler.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Error, manifest};

/// The hash of each source, by its path from the root.
pub(super) fn hashes(root: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    walk(root, "bpf", &mut found)?;
    Ok(found)
}

fn walk(root: &Path, folder: &str, found: &mut BTreeMap<String, String>) -> Result<(), Error> {
    let at = root.join(folder);
    let unreadable = |source| Error::Read { path: at.clone(), source };
    for entry in fs::read_dir(&at).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(root, &path, found)?;
        } else if path.ends_with(".c") || path.ends_with(".h") {
            let bytes = fs::read(entry.path()).map_err(|source| Error::Read { path: entry.path(), source })?;
            found.insert(path, manifest::sha256(&bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_files_are_found_in_all_folders_and_nothing_else_is() {
        let root = tempfile::tempdir().unwrap();
        for path in ["bpf/a.bpf.c", "bpf/lib/b.h", "bpf/a.bpf.o", "bpf/README.md", "other/c.c"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let found: Vec<_> = hashes(root.path()).unwrap().into_keys().collect();
        assert_eq!(found, ["bpf/a.bpf.c", "bpf/lib/b.h"]);
    }
}
