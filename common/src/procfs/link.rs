//! The texts of magic links (`/proc/PID/exe`, `root`, `cwd`, `fd/FD`): a path as the reader sees it.
//!
//! The kernel words such a link from the reader's root, and adds ` (deleted)` once the name is gone.
//! The suffix alone proves nothing (a file may be called so), nor does a link count of zero (a hard
//! link may have lost the name it was opened by); who has both, or looks the name up, can tell.

/// What the kernel adds to the path of an unlinked file: proc_pid_exe(5), proc_pid_fd(5).
pub const DELETED: &[u8] = b" (deleted)";

/// The name of a memfd (`memfd:name`) out of a link without [`DELETED`]; `None` if it is not worded as
/// one (memfd_create(2)).
///
/// A memfd has no name in any directory; the slash is an accident of how the kernel words it. A file of
/// a directory can be called so too: callers ask only about inodes that are mounted nowhere.
#[must_use]
pub fn memfd(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"/").filter(|name| name.starts_with(b"memfd:"))
}

/// What remains of a path below `root`; the path itself if it is not below it.
///
/// An empty `root` stands for `/`.
#[must_use]
pub fn below<'a>(root: &[u8], path: &'a [u8]) -> &'a [u8] {
    match path.strip_prefix(root) {
        Some(b"") => b"/",
        Some(rest) if is_below(root, path) => rest,
        _ => path,
    }
}

/// Whether a path is `root` or below it. An empty `root` stands for `/`.
#[must_use]
pub fn is_below(root: &[u8], path: &[u8]) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_removed_at_component_boundaries() {
        assert_eq!(below(b"/jail", b"/jail"), b"/");
        assert_eq!(below(b"/jail", b"/jail/x"), b"/x");
        assert_eq!(below(b"/jail", b"/jailer/x"), b"/jailer/x");
        assert_eq!(below(b"", b"/x"), b"/x");
        assert!(is_below(b"", b"/x") && is_below(b"/x", b"/x") && !is_below(b"/x", b"/xy"));
    }

    #[test]
    fn memfds_have_no_directory() {
        assert_eq!(memfd(b"/memfd:a b"), Some(&b"memfd:a b"[..]));
        assert_eq!(memfd(b"/memfd:"), Some(&b"memfd:"[..]));
        assert_eq!(memfd(b"memfd:a"), None);
        assert_eq!(memfd(b"/tmp/memfd:a"), None);
    }
}
