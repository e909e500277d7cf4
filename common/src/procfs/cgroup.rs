//! `/proc/PID/cgroup`: the control group of a process.
//!
//! Forks stay in their parent's group, so few distinct ones are in use at a time: each is kept once,
//! and shared by the processes in it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::container;
use super::link::DELETED;
use crate::record::Cgroup;

/// As many groups as are remembered; past that the oldest makes room.
const REMEMBERED: usize = 64;

/// The groups seen lately, each shared by all who ask for it.
#[derive(Debug, Default)]
pub struct Cgroups {
    recent: Vec<Arc<Cgroup>>,
    oldest: usize,
}

impl Cgroups {
    /// The group that the text of `/proc/PID/cgroup` names, and the container its path names; `None` if
    /// the text names no group, as on a kernel without control groups.
    pub fn of(&mut self, text: &[u8]) -> Option<Arc<Cgroup>> {
        choose(text).map(|path| self.share(path))
    }

    /// The group with this path.
    pub fn share(&mut self, path: &[u8]) -> Arc<Cgroup> {
        if let Some(known) = self.recent.iter().find(|known| *known.path == *path) {
            return Arc::clone(known);
        }
        let new = Arc::new(Cgroup { path: path.into(), container: container::id(path).into() });
        if self.recent.len() < REMEMBERED {
            self.recent.push(Arc::clone(&new));
        } else {
            self.recent[self.oldest] = Arc::clone(&new);
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
        new
    }
}

/// The path among those of all hierarchies that says most: of a container, then of any group but the
/// root. The unified hierarchy comes first, then those that runtimes and systemd always use.
///
/// `text` is that of proc_pid_cgroup(5), with the suffix of cgroups(7) for a removed group.
#[must_use]
pub fn choose(text: &[u8]) -> Option<&[u8]> {
    let rank = |line: &[u8]| -> Option<((bool, bool, u8), usize)> {
        let mut fields = line.splitn(3, |byte| *byte == b':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let hierarchy = match controllers {
            b"" => 0,
            b"name=systemd" => 1,
            b"pids" => 2,
            b"memory" => 3,
            _ => 4,
        };
        Some(((container::id(path).is_empty(), path == b"/", hierarchy), line.len() - path.len()))
    };
    let lines = text.split(|byte| *byte == b'\n');
    let (_, path) =
        lines.filter_map(|line| rank(line).map(|(rank, path)| (rank, &line[path..]))).min_by_key(|best| best.0)?;
    Some(path.strip_suffix(DELETED).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::sync::Arc;

    use super::{Cgroups, REMEMBERED, choose};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_path_that_says_most() {
        for (text, expected) in [
            ("0::/init.scope\n".into(), "/init.scope".into()),
            ("0::/\n".into(), "/".into()),
            ("0::/a (deleted)\n".into(), "/a".into()),
            ("0::/a:b\n".into(), "/a:b".into()),
            // Hybrid: the unified hierarchy is there, but unused.
            ("9:name=systemd:/s\n8:pids:/p\n4:memory:/m\n0::/\n".into(), "/s".into()),
            ("9:name=systemd:/\n8:cpu,cpuacct:/c\n4:memory:/m\n0::/\n".into(), "/m".into()),
            (
                format!("4:memory:/docker/{ID}\n1:name=systemd:/\n0::/system.slice/containerd.service\n"),
                format!("/docker/{ID}"),
            ),
        ] as [(String, String); 7]
        {
            assert_eq!(choose(text.as_bytes()), Some(expected.as_bytes()), "{text}");
        }
        assert_eq!(choose(b""), None);
    }

    #[test]
    fn equal_groups_are_shared() {
        let mut groups = Cgroups::default();
        let first = groups.share(b"/a");
        assert!(Arc::ptr_eq(&first, &groups.share(b"/a")));
        for number in 0..REMEMBERED {
            groups.share(format!("/{number}").as_bytes());
        }
        assert!(!Arc::ptr_eq(&first, &groups.share(b"/a")));
        assert_eq!(groups.recent.len(), REMEMBERED);
        assert_eq!(groups.of(b"0::/z\n").map(|group| group.path.clone()), Some(b"/z"[..].into()));
        assert_eq!(groups.of(b""), None);
    }
}
