//! Whether two trees of processes are the same, whatever the order among siblings.
//!
//! Every process gets a digest of its name, of all of its own events, and of its children's digests, sorted. The
//! trees are the same if their roots' digests are. If not, the way down leads to where they part.

use super::lineage::{Lineage, Node};
use super::multiset::{Digest, Sums, digest_of};

/// A tree with all that tells processes apart.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    lineage: &'a Lineage,
    paths: &'a [String],
    sums: &'a Sums,
    children: Vec<Vec<Node>>,
    digests: Vec<Digest>,
    roots: Vec<Node>,
}

/// A place where two trees part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parting {
    /// The process, by the programs on the way to it.
    pub(crate) process: String,
    pub(crate) kind: PartingKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartingKind {
    /// The process is in this stream (0 or 1) only.
    OnlyIn(usize),
    /// Its own events are not the same.
    Events,
}

impl<'a> Tree<'a> {
    pub(super) fn new(lineage: &'a Lineage, paths: &'a [String], sums: &'a Sums) -> Self {
        let count = lineage.processes.len();
        let mut children = vec![Vec::new(); count];
        let mut roots = Vec::new();
        for (node, process) in lineage.processes.iter().enumerate() {
            match process.parent {
                Some(parent) => children[parent].push(node),
                None => roots.push(node),
            }
        }
        let mut tree = Self { lineage, paths, sums, children, digests: vec![0; count], roots };
        // From the leaves up, without recursion: chains of processes can be long.
        let mut order: Vec<(usize, Node)> = (0..count).map(|node| (lineage.upwards(node).count(), node)).collect();
        order.sort_unstable_by(|left, right| right.cmp(left));
        for (_, node) in order {
            tree.digests[node] = tree.digest(node);
        }
        tree
    }

    fn digest(&self, node: Node) -> Digest {
        let mut below: Vec<Digest> = self.children[node].iter().map(|child| self.digests[*child]).collect();
        below.sort_unstable();
        digest_of(&format!("{} {} {below:?}", self.lineage.name(node), self.sums.0[node]))
    }

    /// Where it parts from another tree; nowhere if the two are the same.
    pub(super) fn partings(&self, other: &Tree<'_>) -> Vec<Parting> {
        let mut partings = Vec::new();
        let mut open = vec![(self.roots.clone(), other.roots.clone())];
        while let Some((mut left, mut right)) = open.pop() {
            // First what is wholly the same, then what at least did the same itself, then by name.
            pair(&mut left, &mut right, |a, b| self.digests[a] == other.digests[b]);
            let same = |a, b| self.is_named_as(a, other, b) && self.sums.0[a] == other.sums.0[b];
            let mut pairs = pair(&mut left, &mut right, same);
            pairs.extend(pair(&mut left, &mut right, |a, b| self.is_named_as(a, other, b)));
            for (a, b) in pairs {
                if self.sums.0[a] != other.sums.0[b] {
                    partings.push(Parting { process: self.paths[a].clone(), kind: PartingKind::Events });
                }
                open.push((self.children[a].clone(), other.children[b].clone()));
            }
            let only = |tree: &Tree<'_>, node: Node, side| Parting {
                process: tree.paths[node].clone(),
                kind: PartingKind::OnlyIn(side),
            };
            partings.extend(left.iter().map(|node| only(self, *node, 0)));
            partings.extend(right.iter().map(|node| only(other, *node, 1)));
        }
        partings
    }

    fn is_named_as(&self, own: Node, other: &Tree<'_>, theirs: Node) -> bool {
        self.lineage.name(own) == other.lineage.name(theirs)
    }
}

/// Takes from both lists what belongs together.
fn pair(left: &mut Vec<Node>, right: &mut Vec<Node>, belong: impl Fn(Node, Node) -> bool) -> Vec<(Node, Node)> {
    let mut pairs = Vec::new();
    left.retain(|a| match right.iter().position(|b| belong(*a, *b)) {
        Some(at) => {
            pairs.push((*a, right.remove(at)));
            false
        }
        None => true,
    });
    pairs
}
