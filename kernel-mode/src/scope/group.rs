//! Control groups: which hierarchy they are in, and their ids there.
//!
//! The programs go by ids, and ids are those of one hierarchy. That of version 2 is every process's; a host that
//! uses version 1 has a hierarchy for each controller, or for several, beside an empty one of version 2. A
//! runtime there puts a container into all of them, so any of its directories will do. What has no controller
//! (`name=systemd`) cannot be told from a task in the kernel in a few steps, and is refused.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use lapwing_common::procfs::mountinfo;
use thiserror::Error;

use super::ControlGroup;
use crate::abi::Hierarchy;

/// Why control groups cannot be watched.
#[derive(Debug, Error)]
pub enum GroupError {
    /// None was named.
    #[error("no control group is named")]
    None,
    /// There are more than a map of the kernel has room for.
    #[error("{0} control groups are too many: 1024 can be watched")]
    TooMany(usize),
    /// It cannot be looked at.
    #[error("the control group {}: {error}", path.display())]
    Unreadable {
        /// Its directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is something else.
    #[error("{} is not the directory of a control group", .0.display())]
    NoGroup(PathBuf),
    /// Its hierarchy has no controller.
    #[error("{} is in a hierarchy that has no controller: name the directory in another one, such as pids", .0.display())]
    NoController(PathBuf),
    /// They are not all in one hierarchy.
    #[error("the control groups are in several hierarchies: name all directories in the same one")]
    SeveralHierarchies,
}

/// Control groups of one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    pub(crate) hierarchy: Hierarchy,
    pub(crate) ids: Vec<u64>,
}

/// As many as the map `scope_groups` has room for.
const MOST: usize = 1024;

/// The controllers of version 1 that have a hierarchy, by their names in mount options.
const CONTROLLERS: [(&str, Hierarchy); 8] = [
    ("pids", Hierarchy::Pids),
    ("memory", Hierarchy::Memory),
    ("cpu", Hierarchy::Cpu),
    ("cpuacct", Hierarchy::Cpuacct),
    ("cpuset", Hierarchy::Cpuset),
    ("blkio", Hierarchy::Blkio),
    ("devices", Hierarchy::Devices),
    ("freezer", Hierarchy::Freezer),
];

impl Groups {
    pub(super) fn of(groups: &[ControlGroup]) -> Result<Self, GroupError> {
        if groups.len() > MOST {
            return Err(GroupError::TooMany(groups.len()));
        }
        let mut found: Option<Self> = None;
        for group in groups {
            let (hierarchy, id) = match group {
                ControlGroup::Id(id) => (Hierarchy::Unified, *id),
                ControlGroup::Directory(path) => identify(path)?,
            };
            let groups = found.get_or_insert(Self { hierarchy, ids: Vec::new() });
            if groups.hierarchy != hierarchy {
                return Err(GroupError::SeveralHierarchies);
            }
            groups.ids.push(id);
        }
        found.ok_or(GroupError::None)
    }
}

/// The hierarchy and the id of the group with this directory.
fn identify(path: &Path) -> Result<(Hierarchy, u64), GroupError> {
    let unreadable = |error| GroupError::Unreadable { path: path.to_owned(), error };
    let directory = fs::metadata(path).map_err(unreadable)?;
    let table = fs::read("/proc/self/mountinfo").map_err(unreadable)?;
    let device = directory.dev();
    let device = (rustix::fs::major(device), rustix::fs::minor(device));
    // A control group's inode has its id for a number (kernfs, 5.5 and later, on 64-bit machines).
    let id = directory.ino();
    let no_group = || GroupError::NoGroup(path.to_owned());
    match mountinfo::filesystem(&table, 0, device) {
        Some("cgroup2") if directory.is_dir() => Ok((Hierarchy::Unified, id)),
        Some("cgroup") if directory.is_dir() => {
            let options = mountinfo::options(&table, device).ok_or_else(no_group)?;
            let hierarchy = controller(options).ok_or_else(|| GroupError::NoController(path.to_owned()))?;
            Ok((hierarchy, id))
        }
        _ => Err(no_group()),
    }
}

fn controller(options: &str) -> Option<Hierarchy> {
    options.split(',').find_map(|option| CONTROLLERS.iter().find(|(name, _)| *name == option)).map(|found| found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hierarchy_of_several_controllers_is_known_by_one() {
        assert_eq!(controller("rw,cpu,cpuacct"), Some(Hierarchy::Cpu));
        assert_eq!(controller("rw,xattr,name=systemd"), None);
        assert_eq!(controller("rw,net_cls,pids"), Some(Hierarchy::Pids));
    }

    #[test]
    fn what_is_no_group_is_refused() {
        let of = |groups: &[ControlGroup]| Groups::of(groups).unwrap_err().to_string();
        assert_eq!(of(&[]), "no control group is named");
        assert_eq!(of(&vec![ControlGroup::Id(1); 1025]), "1025 control groups are too many: 1024 can be watched");
        assert_eq!(of(&[ControlGroup::Directory("/proc".into())]), "/proc is not the directory of a control group");
        let missing = of(&[ControlGroup::Directory("/no/group".into())]);
        assert_eq!(missing, "the control group /no/group: No such file or directory (os error 2)");
    }

    #[test]
    fn ids_are_those_of_the_unified_hierarchy() {
        let groups = Groups::of(&[ControlGroup::Id(7), ControlGroup::Id(9)]).unwrap();
        assert_eq!(groups, Groups { hierarchy: Hierarchy::Unified, ids: vec![7, 9] });
    }
}
