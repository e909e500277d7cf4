//! The way from the top of a workload down to a process, and how much of it a tree knows.

use alloc::boxed::Box;
use alloc::sync::Arc;

use smallvec::SmallVec;

use super::counters::Dropped;
use super::process::{self, Facts, ProcessId, ProcessNode, identity};
use super::tree::{ActivityTree, Mark};
use super::{CgroupPaths, Generation, size};
use crate::ids::{ProcessKey, Timestamp};
use crate::process::{Process, Source};

/// The most programs one above the other. Readers of protobuf refuse messages that nest more than 100 deep; this and
/// the limit on directories keep dumps below that. Of a longer way the middle is left out.
const DEEPEST: usize = 44;

/// Which processes are the workload's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All that are observed, of a command: not the observer, whose program the command's process ran before.
    #[default]
    Command,
    /// All that are observed.
    Observed,
    /// A process and what descends from it.
    Tree(ProcessKey),
    /// A control group, by its path.
    Cgroup(Box<[u8]>),
    /// Control groups of one workload.
    Cgroups(CgroupPaths),
    /// A container, by its id.
    Container(Box<[u8]>),
    /// Containers of one image: all that are in any, and whoever inserts takes care that they are of that image.
    Containers,
}

impl Scope {
    /// Whether a process is the workload's.
    #[must_use]
    pub fn contains(&self, process: &Process) -> bool {
        match self {
            Self::Command => process.source() != Source::Snapshot || process.ancestor().is_some(),
            Self::Observed => true,
            Self::Tree(root) => process.key() == *root || process.ancestors().any(|above| above.key() == *root),
            Self::Cgroup(path) => process.cgroup().is_some_and(|group| group.path == *path),
            Self::Cgroups(paths) => process.cgroup().is_some_and(|group| paths.contains(&group.path)),
            Self::Container(id) => process.container_id() == &**id,
            Self::Containers => !process.container_id().is_empty(),
        }
    }
}

/// The programs above a process and itself, topmost first.
pub(super) type Branch<'a> = SmallVec<[&'a Process; 12]>;

/// The way down to a process.
pub(super) fn branch<'a>(process: &'a Process, scope: &Scope) -> Result<Branch<'a>, Dropped> {
    if !scope.contains(process) {
        return Err(Dropped::OutOfScope);
    }
    if process.check_lineage().is_err() && !is_whole_within(process, scope) {
        return Err(Dropped::BrokenLineage);
    }
    let mut branch = Branch::new();
    let mut current = process;
    branch.push(current);
    for above in process.ancestors() {
        if identity(above).path.is_empty() || !scope.contains(above) {
            break;
        }
        if !identity(current).continues(&identity(above)) {
            branch.push(above);
        }
        current = above;
    }
    branch.reverse();
    let is_foreign = |process: &Process| match scope {
        Scope::Container(_) | Scope::Containers | Scope::Cgroup(_) | Scope::Cgroups(_) => {
            is_runtime(process) || is_tracers(process)
        }
        Scope::Tree(_) => is_tracers(process),
        Scope::Command | Scope::Observed => false,
    };
    let foreign = branch.iter().take_while(|process| is_foreign(process)).count();
    branch.drain(..foreign);
    if branch.is_empty() {
        return Err(Dropped::InvalidRoot);
    }
    if branch.len() > DEEPEST {
        branch.drain(DEEPEST - 1..branch.len() - 1);
    }
    Ok(branch)
}

/// Whether a lineage that is broken somewhere is whole as far as the workload reaches: an ancestor is known that is
/// none of it.
fn is_whole_within(process: &Process, scope: &Scope) -> bool {
    !matches!(scope, Scope::Command | Scope::Observed) && process.ancestors().any(|above| !scope.contains(above))
}

/// What starts containers, and runs in them until their program does.
fn is_runtime(process: &Process) -> bool {
    let file = &process.image().file;
    let name = file.name();
    name.starts_with(b"runc") || name.starts_with(b"containerd-shim") || file.path.starts_with(b"memfd:runc")
}

/// What a tracer's child is until it runs the command: the tracer's thread is called so, and it is its fork.
fn is_tracers(process: &Process) -> bool {
    process.source() == Source::Snapshot && process.comm().as_bytes() == b"lapwing-tracer"
}

/// How far a tree knows a branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent {
    /// The last node that is there.
    pub(super) at: Option<ProcessId>,
    /// How many of the branch's programs it covers.
    pub(super) covered: usize,
    /// A node that belongs further down.
    pub(super) later: Option<Later>,
}

/// A node that stands for a later program of a branch. Those between were not seen when it was made, and belong above
/// it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Later {
    node: ProcessId,
    /// Which of the branch's programs it stands for.
    of: usize,
    /// By how many levels it moves down.
    sinks: usize,
}

impl ActivityTree {
    /// Follows a branch down from where it was left.
    pub(super) fn descend(&self, branch: &[&Process], from: Descent) -> Descent {
        let Descent { mut at, mut covered, .. } = from;
        let mut later = None;
        while let Some(next) = branch.get(covered) {
            let children = self.children(at);
            let Some(child) = self.find(children, next).or_else(|| self.find_below_execs(children, next)) else {
                later = self.find_later(children, branch, covered).or_else(|| self.find_beside(at, next, covered));
                break;
            };
            (at, covered) = (Some(child), covered + 1);
        }
        Descent { at, covered, later }
    }

    fn find(&self, nodes: &[ProcessId], process: &Process) -> Option<ProcessId> {
        let wanted = identity(process);
        let is_it = |node: &ProcessNode| node.identity().matches(&wanted, self.options.differentiate_args);
        nodes.iter().copied().find(|id| self.process(*id).is_some_and(is_it))
    }

    /// Among what the nodes' own processes ran later: a process of which only the end of its execs is known.
    fn find_below_execs(&self, nodes: &[ProcessId], process: &Process) -> Option<ProcessId> {
        nodes.iter().find_map(|node| {
            let is_exec = |id: &ProcessId| self.process(*id).is_some_and(ProcessNode::is_exec_exec);
            let execs: SmallVec<[ProcessId; 8]> = self.children(Some(*node)).iter().copied().filter(is_exec).collect();
            self.find(&execs, process).or_else(|| self.find_below_execs(&execs, process))
        })
    }

    /// The nearest of the programs that the same process ran after the one that is missing.
    fn find_later(&self, nodes: &[ProcessId], branch: &[&Process], missing: usize) -> Option<Later> {
        let mut execs = branch.iter().enumerate().skip(missing + 1).take_while(|(_, process)| process.is_exec_exec());
        execs.find_map(|(of, process)| Some(Later { node: self.find(nodes, process)?, of, sinks: of - missing }))
    }

    /// The program that the process of a node ran next, where it was taken for one that the node's parent started.
    fn find_beside(&self, node: Option<ProcessId>, next: &Process, of: usize) -> Option<Later> {
        let parent = self.process(node.filter(|_| next.is_exec_exec())?)?.parent;
        let beside = self.find(self.children(parent), next).filter(|found| Some(*found) != node)?;
        Some(Later { node: beside, of, sinks: 1 })
    }

    /// Whether a subtree may move down.
    fn may_sink(&self, later: &Later) -> bool {
        let depth = core::iter::successors(Some(later.node), |id| self.process(*id)?.parent).count();
        depth + later.sinks + self.height(later.node) <= DEEPEST + 1
    }

    fn height(&self, node: ProcessId) -> usize {
        self.children(Some(node)).iter().map(|child| self.height(*child)).max().map_or(1, |below| 1 + below)
    }

    /// The node of a process, and whether it was added.
    pub(super) fn process_of(
        &mut self,
        process: &Arc<Process>,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<(ProcessId, bool), Dropped> {
        let (id, is_new) = match self.recent.get(process) {
            Some(id) => (id, false),
            None => {
                let (id, is_new) = self.add_branch(process, mark)?;
                self.recent.put(process, id);
                (id, is_new)
            }
        };
        if let Some(node) = self.processes.get_mut(id.0) {
            let before = node.seen.heap();
            node.seen.see(mark.tag, at);
            self.heap = self.heap + node.seen.heap() - before;
        }
        Ok((id, is_new))
    }

    /// The node of a process, if there is one.
    pub(super) fn locate(&mut self, process: &Arc<Process>) -> Result<Option<ProcessId>, Dropped> {
        if let Some(id) = self.recent.get(process) {
            return Ok(Some(id));
        }
        let branch = branch(process, &self.options.scope)?;
        let mut descent = self.descend(&branch, Descent { at: None, covered: 0, later: None });
        while let Some(Later { node, of, .. }) = descent.later {
            descent = self.descend(&branch, Descent { at: Some(node), covered: of + 1, later: None });
        }
        let found = descent.at.filter(|_| descent.covered == branch.len());
        if let Some(id) = found {
            self.recent.put(process, id);
        }
        Ok(found)
    }

    /// Adds what is missing of the way to a process.
    fn add_branch(&mut self, process: &Process, mark: &Mark<'_>) -> Result<(ProcessId, bool), Dropped> {
        let branch = branch(process, &self.options.scope)?;
        let mut descent = self.descend(&branch, Descent { at: None, covered: 0, later: None });
        if descent.covered < branch.len() {
            if !mark.adds_processes {
                return Err(Dropped::UnknownProcess);
            }
            let missing = &branch[descent.covered..];
            let cost = missing.iter().map(|process| process::cost(process)).sum::<usize>();
            self.make_room(cost + self.processes.growth(missing.len()) + size::doubling(&self.roots))?;
        }
        let mut is_new = false;
        while descent.covered < branch.len() {
            let later = descent.later.filter(|later| self.may_sink(later));
            let end = later.map_or(branch.len(), |later| later.of);
            for process in &branch[descent.covered..end] {
                descent.at = Some(self.add_process(descent.at, process, mark));
            }
            is_new = end == branch.len();
            descent.covered = end;
            if let Some(Later { node, of, .. }) = later {
                self.move_below(node, descent.at);
                descent = self.descend(&branch, Descent { at: Some(node), covered: of + 1, later: None });
            }
        }
        // What leads to an event was there when the event was.
        let mut above = descent.at;
        for process in branch.iter().rev() {
            let Some(id) = above else { break };
            above = self.change(id, |node| {
                node.seen.see(mark.tag, process.executed());
                node.parent
            });
        }
        descent.at.map(|id| (id, is_new)).ok_or(Dropped::InvalidRoot)
    }

    fn add_process(&mut self, parent: Option<ProcessId>, process: &Process, mark: &Mark<'_>) -> ProcessId {
        let generation = if process.source() == Source::Snapshot { Generation::Snapshot } else { mark.generation };
        self.add_node(ProcessNode::new(parent, Facts::of(process), generation))
    }

    /// Gives a node to another parent.
    fn move_below(&mut self, id: ProcessId, parent: Option<ProcessId>) {
        let before = self.processes.get_mut(id.0).and_then(|node| core::mem::replace(&mut node.parent, parent));
        match before {
            Some(before) => self.change(before, |node| node.children.retain(|child| *child != id)),
            None => self.roots.retain(|root| *root != id),
        }
        match parent {
            Some(parent) => self.change(parent, |node| node.children.push(id)),
            None => self.roots.push(id),
        }
    }
}
