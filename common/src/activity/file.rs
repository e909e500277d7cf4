//! Opened files, by the components of their paths.
//!
//! Nodes of all processes lie in one arena, and one index finds a child by its parent and name: the nodes link only
//! upwards and sideways, so that a directory of one file takes no table of its own.

use core::hash::BuildHasher as _;

use alloc::boxed::Box;
use alloc::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use lapwing_proto::dumps::FileInfo;
use smallvec::SmallVec;

use super::arena::Arena;
use super::rules::Rules;
use super::seen::{Seen, Tag};
use super::{Generation, ProcessId, size};
use crate::accounts::Naming;
use crate::event::{File, Open};
use crate::ids::Timestamp;

/// No node.
const NONE: u32 = u32::MAX;

/// What a component hangs from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Above {
    /// It is a path's first, below the root of the process.
    Root(ProcessId),
    /// It is all of a path that does not begin at the root, such as a pipe's.
    Nothing(ProcessId),
    /// It lies in a directory.
    Directory(u32),
}

/// One component.
#[derive(Debug)]
pub(super) struct FileNode {
    pub(super) name: SmallVec<[u8; 24]>,
    above: Above,
    /// The child that was added last.
    first: u32,
    /// The sibling that was added before this one.
    next: u32,
    /// That it was opened itself, not only something in it.
    pub(super) opened: Option<Box<Opened>>,
}

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) facts: Facts,
    pub(super) retval: i64,
    pub(super) flags: u32,
    pub(super) mode: u32,
    pub(super) first_seen: Timestamp,
    pub(super) generation: Generation,
    /// Whether the node tells how it was opened; a mapping that was found tells nothing.
    pub(super) has_open: bool,
    pub(super) seen: Seen,
    pub(super) rules: Rules,
}

/// What is known of a file.
#[derive(Debug)]
pub(super) enum Facts {
    /// By an event.
    Seen {
        inode: u64,
        mount_id: u32,
        mode: u32,
        uid: u32,
        gid: u32,
        modified: Timestamp,
        changed: Timestamp,
        filesystem: Option<Arc<str>>,
        naming: Naming,
    },
    /// By a file.
    Told(Box<FileInfo>),
}

/// The files of a tree.
#[derive(Debug, Default)]
pub(super) struct Files {
    nodes: Arena<FileNode, 64>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// How far a path is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The last component that there is.
    above: Above,
    /// Bytes of the path that it covers.
    covered: usize,
    /// Components up to there.
    depth: usize,
}

impl Files {
    /// The most components that a path is split into. Readers of protobuf refuse messages that nest more than 100
    /// deep; this and the limit on processes keep well-formed dumps below that. What is deeper stays in one name.
    const DEEPEST: usize = 52;

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn get(&self, node: u32) -> Option<&FileNode> {
        self.nodes.get(node)
    }

    pub(super) fn get_mut(&mut self, node: u32) -> Option<&mut FileNode> {
        self.nodes.get_mut(node)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &FileNode)> {
        self.nodes.iter()
    }

    /// The nodes in a directory, latest first.
    pub(super) fn children(&self, node: u32) -> impl Iterator<Item = u32> {
        let first = self.nodes.get(node).map_or(NONE, |node| node.first);
        self.siblings(first)
    }

    /// A node and those added before it in the same place.
    pub(super) fn siblings(&self, first: u32) -> impl Iterator<Item = u32> {
        let next = move |at: &u32| self.nodes.get(*at).map(|node| node.next);
        core::iter::successors(Some(first), next).take_while(|at| *at != NONE)
    }

    /// How far a path is there. A path that ends in a node which is there and opened is known.
    pub(super) fn follow(&self, process: ProcessId, path: &[u8]) -> Known {
        let above = if path.first() == Some(&b'/') { Above::Root(process) } else { Above::Nothing(process) };
        let mut known = Known { above, covered: 0, depth: 0 };
        while let Some((name, end)) = self.component(path, &known) {
            let Some(child) = self.child(known.above, name) else { break };
            known = Known { above: Above::Directory(child), covered: end, depth: known.depth + 1 };
        }
        known
    }

    /// The node of a path that [`Self::follow`] found whole.
    pub(super) fn whole(&self, known: &Known, path: &[u8]) -> Option<u32> {
        match known.above {
            Above::Directory(node) if self.component(path, known).is_none() => Some(node),
            _ => None,
        }
    }

    /// The next component, and where it ends in the path.
    #[allow(clippy::unused_self, reason = "the limit is that of the files")]
    fn component<'a>(&self, path: &'a [u8], known: &Known) -> Option<(&'a [u8], usize)> {
        let rest = path.get(known.covered..)?;
        if matches!(known.above, Above::Nothing(_)) {
            return (!rest.is_empty()).then_some((rest, path.len()));
        }
        let Some(skipped) = rest.iter().position(|byte| *byte != b'/') else {
            // The root itself, which has no name, goes by its path.
            return (known.depth == 0 && !rest.is_empty()).then_some((b"/", path.len()));
        };
        let start = known.covered + skipped;
        let rest = &path[start..];
        let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let is_deepest = known.depth + 1 >= Self::DEEPEST;
        let length = if is_deepest { rest.len() } else { length };
        Some((&rest[..length], start + length))
    }

    pub(super) fn child(&self, above: Above, name: &[u8]) -> Option<u32> {
        let is_it = |at: &u32| self.nodes.get(*at).is_some_and(|node| node.above == above && *node.name == *name);
        self.index.find(self.hash(above, name), is_it).copied()
    }

    fn hash(&self, above: Above, name: &[u8]) -> u64 {
        self.hasher.hash_one((above, name))
    }

    /// What [`Self::complete`] would take at most.
    pub(super) fn cost(&self, known: &Known, path: &[u8]) -> usize {
        let (mut ahead, mut nodes, mut names) = (*known, 0, 0);
        while let Some((name, end)) = self.component(path, &ahead) {
            nodes += 1;
            names += if name.len() > 24 { size::block(name.len()) } else { 0 };
            // Only the depth matters from here.
            ahead = Known { above: Above::Directory(NONE), covered: end, depth: ahead.depth + 1 };
        }
        self.nodes.growth(nodes) + names + size::block(size_of::<Opened>()) + self.index_growth(nodes)
    }

    fn index_growth(&self, more: usize) -> usize {
        // The table doubles, and while it moves both are there.
        let room = self.index.capacity() - self.index.len();
        if more <= room { 0 } else { 2 * (self.index.allocation_size() + 64) }
    }

    /// Adds what is missing of a path, and hands out its last node. `head` is the first child of the process, whose
    /// list a new first component joins.
    pub(super) fn complete(&mut self, mut known: Known, path: &[u8], head: &mut u32, heap: &mut usize) -> Option<u32> {
        while let Some((name, end)) = self.component(path, &known) {
            let node = self.add(known.above, name, head, heap);
            known = Known { above: Above::Directory(node), covered: end, depth: known.depth + 1 };
        }
        match known.above {
            Above::Directory(node) => Some(node),
            Above::Root(_) | Above::Nothing(_) => None,
        }
    }

    /// Adds a component, which must not be there.
    pub(super) fn add(&mut self, above: Above, name: &[u8], head: &mut u32, heap: &mut usize) -> u32 {
        let next = match above {
            Above::Directory(directory) => self.nodes.get(directory).map_or(NONE, |node| node.first),
            Above::Root(_) | Above::Nothing(_) => *head,
        };
        let node = FileNode { name: SmallVec::from_slice(name), above, first: NONE, next, opened: None };
        *heap += size::small(&node.name);
        let at = self.nodes.insert(node);
        match above {
            Above::Directory(directory) => {
                if let Some(node) = self.nodes.get_mut(directory) {
                    node.first = at;
                }
            }
            Above::Root(_) | Above::Nothing(_) => *head = at,
        }
        let hash = self.hash(above, name);
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        let rehash = |at: &u32| nodes.get(*at).map_or(0, |node| hasher.hash_one((node.above, &*node.name)));
        self.index.insert_unique(hash, at, rehash);
        at
    }

    /// Takes away a node without children.
    pub(super) fn remove(&mut self, at: u32, head: &mut u32, heap: &mut usize) {
        let Some(node) = self.nodes.get(at) else { return };
        let (above, next) = (node.above, node.next);
        if let Ok(entry) = self.index.find_entry(self.hash(above, &node.name), |known| *known == at) {
            entry.remove();
        }
        let before = match above {
            Above::Directory(directory) => self.nodes.get_mut(directory).map(|node| &mut node.first),
            Above::Root(_) | Above::Nothing(_) => Some(head),
        };
        if let Some(first) = before {
            if *first == at {
                *first = next;
            } else {
                let first = *first;
                let previous = self.siblings(first).find(|sibling| self.next_of(*sibling) == at);
                if let Some(previous) = previous.and_then(|previous| self.nodes.get_mut(previous)) {
                    previous.next = next;
                }
            }
        }
        if let Some(node) = self.nodes.remove(at) {
            *heap -= node.heap();
        }
    }

    fn next_of(&self, at: u32) -> u32 {
        self.nodes.get(at).map_or(NONE, |node| node.next)
    }

    /// Bytes of heap that the nodes' places and the index take.
    pub(super) fn heap(&self) -> usize {
        self.nodes.heap() + size::block(self.index.allocation_size())
    }

    /// The start of an empty list.
    pub(super) const EMPTY: u32 = NONE;
}

impl FileNode {
    /// Whether it begins a path at the root, rather than being one of another kind.
    pub(super) fn is_rooted(&self) -> bool {
        !matches!(self.above, Above::Nothing(_))
    }

    /// Whether something lies in it.
    pub(super) fn has_children(&self) -> bool {
        self.first != NONE
    }

    /// Bytes of heap that it holds.
    pub(super) fn heap(&self) -> usize {
        size::small(&self.name) + self.opened.as_ref().map_or(0, |opened| opened.heap())
    }
}

impl Opened {
    /// Of an event, which was the first.
    pub(super) fn new(event: &Open, at: Timestamp, generation: Generation) -> Self {
        Self {
            facts: Facts::of(&event.file),
            retval: event.retval,
            flags: flags_of(event),
            mode: event.mode.into(),
            first_seen: at,
            generation,
            has_open: true,
            seen: Seen::default(),
            rules: Rules::default(),
        }
    }

    /// A further event.
    pub(super) fn again(&mut self, event: &Open, at: Timestamp, tag: Option<Tag>) {
        self.flags |= flags_of(event);
        self.mode |= u32::from(event.mode);
        self.has_open = true;
        self.seen.see(tag, at);
    }

    pub(super) fn heap(&self) -> usize {
        size::block(size_of::<Self>()) + self.seen.heap() + self.rules.heap() + self.facts.heap()
    }
}

/// The flags fit: the kernel's interface has 32 bits of them.
fn flags_of(event: &Open) -> u32 {
    u32::try_from(event.flags & u64::from(u32::MAX)).unwrap_or(0)
}

impl Facts {
    pub(super) fn of(file: &File) -> Self {
        let inode = file.inode.clone().unwrap_or_default();
        Self::Seen {
            inode: inode.number,
            mount_id: inode.mount_id,
            mode: inode.mode.into(),
            uid: inode.uid,
            gid: inode.gid,
            modified: inode.modified,
            changed: inode.changed,
            filesystem: inode.filesystem,
            naming: inode.naming,
        }
    }

    fn heap(&self) -> usize {
        match self {
            // The name is shared by all files of its type.
            Self::Seen { .. } => 0,
            Self::Told(info) => size::block(size_of::<FileInfo>()) + texts(info),
        }
    }
}

pub(super) fn texts(info: &FileInfo) -> usize {
    let optional = [&info.package_release, &info.package_src_release].into_iter().flatten();
    let texts = [
        &info.user,
        &info.group,
        &info.path,
        &info.basename,
        &info.filesystem,
        &info.package_name,
        &info.package_version,
        &info.package_src_version,
    ];
    texts.into_iter().chain(optional).chain(&info.hashes).map(size::text).sum::<usize>() + size::vec(&info.hashes)
}
