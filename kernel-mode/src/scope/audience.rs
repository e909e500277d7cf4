//! Telling the programs whom to watch, before they are attached, and finding who that is, afterwards.

use std::process;

use super::tree::ROUNDS;
use super::{Scope, Tree};
use crate::bpf::{LoadError, Object, Types};
use crate::namespace::PidNamespace;
use crate::watch::StartError;

/// Who is watched.
#[derive(Debug)]
pub(crate) enum Audience {
    /// This process alone, as yet.
    One(i32),
    /// What descends from a process.
    Tree { tree: Tree, own: u32 },
    /// Whom the programs find.
    All,
}

impl Audience {
    /// Tells the programs, before they are attached.
    pub(crate) fn new(
        scope: &Scope,
        namespace: PidNamespace,
        object: &mut Object,
        types: &Types,
    ) -> Result<Self, StartError> {
        let own = process::id();
        let mut number = |pid: u32| -> Result<Option<u32>, LoadError> {
            if namespace.is_initial() {
                return Ok(Some(pid));
            }
            let running = object.processes(types)?;
            Ok(running.iter().find(|process| process.pid == pid).map(|process| process.tgid))
        };
        let Some(pid) = scope.root() else {
            let own = number(own)?.ok_or(StartError::ForeignProc)?;
            object.leave_out(own)?;
            return Ok(Self::All);
        };
        let root = u32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(StartError::NoProcess(pid))?;
        let tgid = number(root)?.ok_or(StartError::NoProcess(pid))?;
        let audience = match scope {
            Scope::Tree(_) => {
                Self::Tree { tree: Tree::of(root, tgid), own: number(own)?.ok_or(StartError::ForeignProc)? }
            }
            _ => Self::One(pid),
        };
        object.watch(tgid)?;
        Ok(audience)
    }

    /// Who runs already, once the programs are attached, so that nobody is missed: as numbered in Lapwing's pid
    /// namespace.
    pub(crate) fn gather(&mut self, object: &mut Object, types: &Types) -> Result<Vec<i32>, LoadError> {
        let numbered = |pid: u32| i32::try_from(pid).ok();
        match self {
            Self::One(pid) => Ok(vec![*pid]),
            Self::All => Ok(object.processes(types)?.iter().filter_map(|process| numbered(process.pid)).collect()),
            Self::Tree { tree, own } => {
                for _ in 0..ROUNDS {
                    let added = tree.grow(&object.processes(types)?, *own);
                    if added.is_empty() {
                        break;
                    }
                    for process in added {
                        object.watch(process.tgid)?;
                    }
                }
                // Some may have ended before they were watched.
                for gone in tree.shrink(&object.processes(types)?) {
                    object.forget(gone)?;
                }
                Ok(tree.pids().filter_map(numbered).collect())
            }
        }
    }
}
