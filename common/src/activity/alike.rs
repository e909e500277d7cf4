//! Which processes share a node: those that run the same program.
//!
//! Programs are told apart by path, not by credentials or environment, so that a node stands for a program at its
//! place in the tree however often it runs.

use alloc::boxed::Box;

/// A component may differ only if it is at least this long: generated names are, and ordinary ones are told apart.
const SHORTEST_VARIABLE: usize = 8;
/// How many components may differ.
const MOST_VARIABLES: usize = 3;

/// What a program is known by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'a> {
    /// The path of its file.
    pub(super) path: &'a [u8],
    /// The name it was called by.
    pub(super) argv0: &'a [u8],
    /// Its arguments after that.
    pub(super) args: &'a [Box<[u8]>],
}

impl Identity<'_> {
    /// Whether two processes share a node.
    pub(super) fn matches(&self, other: &Self, by_arguments: bool) -> bool {
        paths(self.path, other.path)
            && (!is_busybox(self.path) || self.argv0 == other.argv0)
            && (!by_arguments || self.args == other.args)
    }

    /// Whether a process and its ancestor count as one step of a lineage: a fork without a new program.
    pub(super) fn continues(&self, ancestor: &Self) -> bool {
        self.path == ancestor.path && (!is_busybox(self.path) || self.argv0 == ancestor.argv0)
    }
}

/// One file with many programs in it, which go by the name they are called by.
pub(super) fn is_busybox(path: &[u8]) -> bool {
    matches!(path, b"/bin/busybox" | b"/usr/bin/busybox")
}

/// Whether two paths differ at most in components that look generated: up to three of them, long ones, neither the
/// first nor the last of the path.
fn paths(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    let (mut ours, mut theirs) = (one.split(is_slash), other.split(is_slash));
    // Before the first slash is nothing, for a path that is absolute.
    if ours.next() != theirs.next() {
        return false;
    }
    let (mut variables, mut count, mut last_differs) = (0, 0, false);
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return !last_differs,
            (Some(ours), Some(theirs)) => {
                last_differs = ours != theirs;
                if last_differs {
                    variables += 1;
                    let is_short = ours.len().min(theirs.len()) < SHORTEST_VARIABLE;
                    if is_short || count == 0 || variables > MOST_VARIABLES {
                        return false;
                    }
                }
                count += 1;
            }
            _ => return false,
        }
    }
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_generated_components_may_differ() {
        for (one, other, expected) in [
            ("/usr/bin/sh", "/usr/bin/sh", true),
            ("/usr/bin/sh", "/usr/bin/ls", false),
            ("/tmp/build-1a2b3c/run", "/tmp/build-9f8e7d/run", true),
            ("/tmp/build-1a2b3c/run", "/tmp/build-9f8e7d/ran", false),
            ("/tmp/short/run", "/tmp/other/run", false),
            ("/tmp/build-1a2b3c/run", "/tmp/short/run", false),
            ("/deployment-1/run", "/deployment-2/run", false),
            ("/tmp/build-1a2b3c", "/tmp/build-9f8e7d", false),
            ("/a/11111111/22222222/33333333/b", "/a/44444444/55555555/66666666/b", true),
            ("/a/11111111/22222222/33333333/77777777/b", "/a/44444444/55555555/66666666/88888888/b", false),
            ("/a/b/c", "/a/b", false),
            ("", "/a", false),
        ] {
            assert_eq!(paths(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
            assert_eq!(paths(other.as_bytes(), one.as_bytes()), expected, "{other} {one}");
        }
    }

    #[test]
    fn busybox_goes_by_its_first_argument() {
        let called = |path, argv0| Identity { path, argv0, args: &[] };
        let (sh, ls) = (called(b"/bin/busybox", b"sh"), called(b"/bin/busybox", b"ls"));
        assert!(!sh.matches(&ls, false) && !sh.continues(&ls));
        assert!(sh.matches(&sh, true));
        let (one, other) = (called(b"/bin/dash", b"sh"), called(b"/bin/dash", b"dash"));
        assert!(one.matches(&other, true) && one.continues(&other));
    }

    #[test]
    fn arguments_count_if_asked_for() {
        let args: [Box<[u8]>; 1] = [b"-l"[..].into()];
        let (with, without) = (
            Identity { path: b"/bin/ls", argv0: b"ls", args: &args },
            Identity { path: b"/bin/ls", argv0: b"ls", args: &[] },
        );
        assert!(with.matches(&without, false) && !with.matches(&without, true));
    }
}
