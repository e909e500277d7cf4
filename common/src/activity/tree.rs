//! The tree: what it holds, how large it is, and whether something is in it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use lapwing_proto::dumps::MatchedRule;

use super::arena::Arena;
use super::branch::Scope;
use super::counters::{Dropped, NodeCounts};
use super::file::Files;
use super::insert::{bind_key, reduced};
use super::network::place;
use super::process::{ProcessId, ProcessNode};
use super::recent::Recent;
use super::rules::{RuleId, RuleTable};
use super::seen::{Seen, Tag, Tags};
use super::{Generation, size};
use crate::event::{Event, Payload};
use crate::process::Process;

/// What a tree is of, and how large it may get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which processes are the workload's.
    pub scope: Scope,
    /// Runs of a program with other arguments get a node of their own.
    pub differentiate_args: bool,
    /// Which system calls are kept.
    pub syscalls: Syscalls,
    /// How many of the last labels of a DNS name tell names apart; 0 for all.
    pub dns_labels: usize,
    /// Bytes of memory that the tree may take.
    pub limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            differentiate_args: false,
            syscalls: Syscalls::OfEvents,
            dns_labels: 0,
            limit: 1750 << 10,
        }
    }
}

/// Which system calls a tree keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syscalls {
    /// None.
    Ignored,
    /// Those that events tell of.
    #[default]
    OfEvents,
    /// All that are made, as [`ActivityTree::insert_calls`] is told of them. Events add none: what an io_uring did was no
    /// call, and an exec was one of the program before.
    All,
}

/// What an entry is marked with.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// The workload's version.
    pub tag: Option<Tag>,
    /// How it comes into the tree.
    pub generation: Generation,
    /// The rules that the event matched.
    pub rules: &'a [RuleId],
    /// Whether a process that is not in the tree is added to it.
    pub adds_processes: bool,
}

impl Default for Mark<'_> {
    fn default() -> Self {
        Self { tag: None, generation: Generation::Runtime, rules: &[], adds_processes: true }
    }
}

/// What an event added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Novelty {
    /// A program, at its place in the tree.
    pub process: bool,
    /// A file, port, name or the like of a program.
    pub entry: bool,
}

impl Novelty {
    /// Whether there is anything new.
    #[must_use]
    pub fn any(self) -> bool {
        self.process || self.entry
    }
}

/// How much of an event is in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// All of it.
    Known,
    /// Its program, at its place.
    NewEntry,
    /// Nothing.
    NewProgram,
}

/// What a workload did. See the module's documentation.
#[derive(Debug)]
pub struct ActivityTree {
    pub(super) options: Options,
    pub(super) processes: Arena<ProcessNode, 16>,
    pub(super) roots: Vec<ProcessId>,
    pub(super) files: Files,
    pub(super) tags: Tags,
    pub(super) rules: RuleTable,
    pub(super) recent: Recent,
    /// Bytes of heap that nodes hold beyond their places.
    pub(super) heap: usize,
    /// For paths that are rewritten.
    pub(super) scratch: Vec<u8>,
}

impl ActivityTree {
    /// A tree without nodes.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            processes: Arena::default(),
            roots: Vec::new(),
            files: Files::default(),
            tags: Tags::default(),
            rules: RuleTable::default(),
            recent: Recent::default(),
            heap: 0,
            scratch: Vec::new(),
        }
    }

    /// What it is of, and how large it may get.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The number of a version's name in this tree. An empty name is no version.
    pub fn tag(&mut self, name: &str) -> Option<Tag> {
        self.tags.number(name)
    }

    /// The number of a version that the tree has heard of.
    #[must_use]
    pub fn known_tag(&self, name: &str) -> Option<Tag> {
        self.tags.known(name)
    }

    /// The number of a rule in this tree, for [`Mark::rules`]. `None` past 2¹⁶ rules.
    pub fn rule(&mut self, rule: &MatchedRule) -> Option<RuleId> {
        self.rules.number(rule)
    }

    /// Bytes of memory that the tree takes.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + self.heap
            + self.processes.heap()
            + self.files.heap()
            + size::vec(&self.roots)
            + size::vec(&self.scratch)
            + self.tags.heap()
            + self.rules.heap()
            + Recent::heap()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many nodes of each kind there are.
    #[must_use]
    pub fn counts(&self) -> NodeCounts {
        let mut counts =
            NodeCounts { processes: self.processes.len(), files: self.files.len(), ..NodeCounts::default() };
        for (_, node) in self.processes.iter() {
            counts.dns += node.dns.len();
            counts.sockets += node.binds.len();
            counts.imds += node.imds.len();
            counts.syscalls += node.syscalls.len();
            counts.flows += node.devices.iter().map(|device| device.flow_nodes.len()).sum::<usize>();
            counts.capabilities += node.capabilities.len();
        }
        counts
    }

    /// Whether inserting the event would add nothing. `tag` restricts the question to what that version did; one that
    /// the tree has not heard of did nothing.
    ///
    /// # Errors
    ///
    /// Why the event could not be in the tree at all.
    pub fn contains(&mut self, event: &Event, tag: Option<Tag>) -> Result<bool, Dropped> {
        self.presence(event, tag).map(|presence| presence == Presence::Known)
    }

    /// What inserting the event would add. System calls do not count. `tag` as for [`Self::contains`].
    ///
    /// # Errors
    ///
    /// Why the event could not be in the tree at all.
    pub fn presence(&mut self, event: &Event, tag: Option<Tag>) -> Result<Presence, Dropped> {
        match &event.payload {
            Payload::Exec(exec) if exec.refused.is_some() => return Err(Dropped::Failed),
            Payload::Open(open) if open.file.path.is_empty() => return Err(Dropped::BrokenEvent),
            Payload::Bind(bind) => drop(bind_key(bind)?),
            Payload::Exec(_) | Payload::Open(_) => {}
            _ => return Err(Dropped::EventType),
        }
        let found = self.locate(&event.process)?.and_then(|id| Some((id, self.process(id)?)));
        let Some((id, node)) = found else { return Ok(Presence::NewProgram) };
        let is_tagged = |seen: &Seen| tag.is_none_or(|tag| seen.contains(tag));
        let of_entry = |known| if known { Presence::Known } else { Presence::NewEntry };
        if !is_tagged(&node.seen) {
            return Ok(Presence::NewProgram);
        }
        match &event.payload {
            Payload::Open(open) => {
                let mut scratch = core::mem::take(&mut self.scratch);
                let path = reduced(open, event.process.key().pid.0, &mut scratch);
                let opened = self.files.whole(&self.files.follow(id, path), path).and_then(|at| self.files.get(at));
                let found = opened.and_then(|file| file.opened.as_ref()).is_some_and(|opened| is_tagged(&opened.seen));
                self.scratch = scratch;
                Ok(of_entry(found))
            }
            Payload::Bind(bind) => {
                let key = bind_key(bind)?;
                let found = place(&node.binds, |known| known.key.cmp(&key)).ok();
                Ok(of_entry(found.is_some_and(|at| is_tagged(&node.binds[at].seen))))
            }
            _ => Ok(Presence::Known),
        }
    }

    /// The paths of the programs that led to a process and of its own, topmost first; those of the workload alone. Empty
    /// if they are not all known.
    #[must_use]
    pub fn lineage<'a>(&self, process: &'a Process) -> Vec<&'a [u8]> {
        let branch = super::branch::branch(process, &self.options.scope).unwrap_or_default();
        branch.into_iter().map(|process| &*process.image().file.path).collect()
    }

    /// The system calls that programs made, by their numbers for this machine's processor, some more than once. `tag` as
    /// for [`Self::contains`].
    pub fn calls(&self, tag: Option<Tag>) -> impl Iterator<Item = i32> {
        let of = move |(number, seen): &(i32, Seen)| tag.is_none_or(|tag| seen.contains(tag)).then_some(*number);
        self.processes.iter().flat_map(move |(_, node)| node.syscalls.iter().filter_map(of))
    }

    /// Whether a process is in it, at its place.
    ///
    /// # Errors
    ///
    /// Why it could not be.
    pub fn has_process(&mut self, process: &Arc<Process>) -> Result<bool, Dropped> {
        self.locate(process).map(|found| found.is_some())
    }

    /// Adds a node to its parent's children.
    pub(super) fn add_node(&mut self, node: ProcessNode) -> ProcessId {
        let parent = node.parent;
        self.heap += node.heap();
        let id = ProcessId(self.processes.insert(node));
        match parent {
            Some(parent) => self.change(parent, |node| node.children.push(id)),
            None => self.roots.push(id),
        }
        id
    }

    pub(super) fn process(&self, id: ProcessId) -> Option<&ProcessNode> {
        self.processes.get(id.0)
    }

    /// The nodes below a node; without one, those at the top.
    pub(super) fn children(&self, of: Option<ProcessId>) -> &[ProcessId] {
        match of {
            Some(id) => self.process(id).map_or(&[], |node| &node.children),
            None => &self.roots,
        }
    }

    /// Changes a node, and keeps account of its size.
    pub(super) fn change<T: Default>(&mut self, id: ProcessId, change: impl FnOnce(&mut ProcessNode) -> T) -> T {
        let Some(node) = self.processes.get_mut(id.0) else { return T::default() };
        let before = node.heap();
        let result = change(node);
        self.heap = self.heap + node.heap() - before;
        result
    }

    /// Whether the tree may grow by so much.
    pub(super) fn make_room(&self, bytes: usize) -> Result<(), Dropped> {
        if self.size() + bytes <= self.options.limit { Ok(()) } else { Err(Dropped::Full) }
    }
}
