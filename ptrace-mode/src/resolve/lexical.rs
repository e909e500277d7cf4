//! Paths as text: joining and tidying them where that gives what the kernel would find.
//!
//! Removing `x/..` is right only if `x` is no symbolic link. Callers use it where the kernel has
//! confirmed that (`RESOLVE_NO_SYMLINKS`), or for a path that they mark as unresolved.

/// `path`, taken from `base`, without `.`, `..`, and repeated or trailing slashes. Absolute.
pub(super) fn join(base: &[u8], path: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(base.len() + path.len() + 1);
    if !path.starts_with(b"/") {
        push(&mut joined, base);
    }
    push(&mut joined, path);
    if joined.is_empty() {
        joined.push(b'/');
    }
    joined
}

fn push(joined: &mut Vec<u8>, path: &[u8]) {
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => joined.truncate(joined.iter().rposition(|byte| *byte == b'/').unwrap_or(0)),
            name => {
                joined.push(b'/');
                joined.extend_from_slice(name);
            }
        }
    }
}

/// `directory/name`, both known to be tidy.
pub(super) fn child(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let directory = if directory == b"/" { b"" } else { directory };
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

/// The directory part (with its slash, possibly empty) and the last component; `None` if that is
/// `.` or `..`, or there is none.
pub(super) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = path.iter().rposition(|byte| *byte != b'/')? + 1;
    let start = path[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let name = &path[start..end];
    (name != b"." && name != b"..").then_some((&path[..start], name))
}

/// The path if it is one component that the directory it starts from could contain.
pub(super) fn single(path: &[u8]) -> Option<&[u8]> {
    (!path.contains(&b'/') && !matches!(path, b"" | b"." | b"..")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::{child, join, single, split};

    #[test]
    fn joined_paths_are_tidy() {
        for (base, path, joined) in [
            ("/a", "b", "/a/b"),
            ("/a", "/b", "/b"),
            ("/", "b", "/b"),
            ("", "b", "/b"),
            ("/a", "../../../b/", "/b"),
            ("/a/b", "..", "/a"),
            ("/a", "./x//./y/", "/a/x/y"),
            ("/a", "", "/a"),
            ("/", "..", "/"),
        ] {
            assert_eq!(join(base.as_bytes(), path.as_bytes()), joined.as_bytes(), "{base} + {path}");
        }
    }

    #[test]
    fn last_components() {
        let split = |path: &'static str| split(path.as_bytes()).map(|(dir, name)| [dir, name].map(str_of));
        assert_eq!(split("a"), Some(["", "a"]));
        assert_eq!(split("/a"), Some(["/", "a"]));
        assert_eq!(split("/a/b//"), Some(["/a/", "b"]));
        for none in ["", "/", "//", ".", "..", "a/.", "a/../"] {
            assert_eq!(split(none), None, "{none}");
        }
        assert_eq!(single(b"a"), Some(&b"a"[..]));
        for none in ["", ".", "..", "a/", "/a", "a/b"] {
            assert_eq!(single(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn children_of_the_root() {
        assert_eq!(child(b"/", b"x"), b"/x");
        assert_eq!(child(b"/a", b"x"), b"/a/x");
    }

    fn str_of(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }
}
