//! Control groups by their paths: those of one workload.

use alloc::sync::Arc;
use alloc::vec::Vec;

use thiserror::Error;

use crate::rules::Glob;

/// Paths of control groups, in which `*` stands for any letters of one name, and `**`, once in a path, for any number of
/// names: `/kubepods.slice/**/cri-containerd-*.scope`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupPaths(Arc<[Glob]>);

/// `**` stands twice in a path.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("`**` stands twice")]
pub struct BadCgroupPath;

impl CgroupPaths {
    /// These paths, below the root of the hierarchy.
    ///
    /// # Errors
    ///
    /// When one has `**` twice.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, BadCgroupPath> {
        let globs: Result<Vec<Glob>, _> = paths.into_iter().map(Glob::new).collect();
        Ok(Self(globs.map_err(|_twice| BadCgroupPath)?.into()))
    }

    /// Whether one of them is that of a control group.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        self.0.iter().any(|glob| glob.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_a_name_and_two_do_not() {
        let paths = |text: &str| CgroupPaths::new([text.as_bytes()]).unwrap();
        for (pattern, path, expected) in [
            ("/system.slice/nginx.service", "/system.slice/nginx.service", true),
            ("/system.slice/nginx.service", "/system.slice/nginx.service/a", false),
            ("/system.slice/web@*.service", "/system.slice/web@1.service", true),
            ("/system.slice/web@*.service", "/system.slice/web@1/x.service", false),
            ("/kubepods.slice/**/cri-*.scope", "/kubepods.slice/a.slice/b.slice/cri-1f.scope", true),
            ("/kubepods.slice/**/cri-*.scope", "/kubepods.slice/a.slice/cri-1f.slice", false),
        ] {
            assert_eq!(paths(pattern).contains(path.as_bytes()), expected, "{pattern} {path}");
        }
        assert!(!CgroupPaths::default().contains(b"/"));
        assert_eq!(CgroupPaths::new([&b"/**/a/**"[..]]), Err(BadCgroupPath));
    }
}
