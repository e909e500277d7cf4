//! Whom to watch, and what the programs have to be told for it.

mod audience;
mod group;
mod tree;

use std::path::PathBuf;

use lapwing_common::process;

use crate::abi::{Hierarchy, ScopeKind};

pub(crate) use audience::Audience;
pub use group::GroupError;
pub(crate) use group::Groups;
use tree::Tree;

/// Whom to watch. Never Lapwing itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every process of this machine; where Lapwing runs in a pid namespace of its own, every process in that.
    Host,
    /// The members of these control groups, and of all groups below them, whenever they come to be in there: by a
    /// fork, or because somebody moves them. Who is moved out is not watched any more. At least one.
    Cgroups(Vec<ControlGroup>),
    /// A process that runs, what descends from it, and everything that these start. What has lost its parent
    /// before, so that nothing tells whose it was, does not belong to it.
    Tree(i32),
    /// A process that is about to execute a command, and everything that it starts from then on. What it does
    /// until its `execve` is nobody's business.
    Command(i32),
}

/// A control group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ControlGroup {
    /// Its directory, in the hierarchy of version 2 or in one of version 1 that has a controller. All groups of a
    /// scope have to be in the same hierarchy.
    Directory(PathBuf),
    /// Its id in the hierarchy of version 2, which is the number of its directory's inode.
    Id(u64),
}

impl Scope {
    /// How the programs tell whom to watch.
    pub(crate) fn kind(&self) -> ScopeKind {
        match self {
            Self::Host => ScopeKind::Host,
            Self::Cgroups(_) => ScopeKind::Cgroups,
            Self::Tree(_) | Self::Command(_) => ScopeKind::Tree,
        }
    }

    /// The process at the top.
    pub(crate) fn root(&self) -> Option<i32> {
        match self {
            Self::Tree(pid) | Self::Command(pid) => Some(*pid),
            Self::Host | Self::Cgroups(_) => None,
        }
    }

    /// The control groups; none for a scope that goes by something else.
    pub(crate) fn groups(&self) -> Result<Groups, GroupError> {
        match self {
            Self::Cgroups(groups) => Groups::of(groups),
            _ => Ok(Groups { hierarchy: Hierarchy::Unified, ids: Vec::new() }),
        }
    }

    /// Whose ancestors are meant to be known.
    pub(crate) fn lineage(&self, key: impl FnOnce(i32) -> lapwing_common::ids::ProcessKey) -> process::Scope {
        match self {
            Self::Host => process::Scope::Host,
            Self::Cgroups(_) => process::Scope::Members,
            Self::Tree(pid) | Self::Command(pid) => process::Scope::Tree(key(*pid)),
        }
    }
}
