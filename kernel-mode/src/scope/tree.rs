//! A tree of processes that run already: found from the top down, while it grows.

use std::collections::BTreeMap;

use crate::abi::Numbers;

/// As many times the processes are looked at. Each time finds those that a process not yet found has forked
/// meanwhile, and a tree that grows faster by processes that nobody watches is not to be had.
pub(super) const ROUNDS: usize = 16;

/// The members, by their numbers in Lapwing's pid namespace, each with the kernel's own.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    members: BTreeMap<u32, u32>,
}

impl Tree {
    pub(crate) fn of(root: u32, tgid: u32) -> Self {
        Self { members: BTreeMap::from([(root, tgid)]) }
    }

    /// Takes in whoever descends from a member, and returns them; never `own`, by the kernel's number.
    pub(crate) fn grow(&mut self, running: &[Numbers], own: u32) -> Vec<Numbers> {
        let mut added = Vec::new();
        loop {
            let before = added.len();
            for process in running.iter().filter(|process| process.tgid != own) {
                if self.members.contains_key(&process.ppid) && !self.members.contains_key(&process.pid) {
                    self.members.insert(process.pid, process.tgid);
                    added.push(*process);
                }
            }
            if added.len() == before {
                return added;
            }
        }
    }

    /// Takes out who does not run any more, and returns the kernel's numbers of those.
    pub(crate) fn shrink(&mut self, running: &[Numbers]) -> Vec<u32> {
        let mut gone = Vec::new();
        self.members.retain(|_, tgid| {
            let runs = running.iter().any(|process| process.tgid == *tgid);
            if !runs {
                gone.push(*tgid);
            }
            runs
        });
        gone
    }

    /// The members' numbers in Lapwing's pid namespace.
    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.members.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(processes: &[(u32, u32)]) -> Vec<Numbers> {
        processes.iter().map(|(pid, ppid)| Numbers { pid: *pid, tgid: 1000 + pid, ppid: *ppid }).collect()
    }

    fn pids(tree: &Tree) -> Vec<u32> {
        tree.pids().collect()
    }

    #[test]
    fn descendants_are_found_in_any_order_and_strangers_are_not() {
        let mut tree = Tree::of(10, 1010);
        let added = tree.grow(&running(&[(13, 12), (12, 11), (11, 10), (20, 1), (10, 1)]), 0);
        assert_eq!(added.iter().map(|process| process.tgid).collect::<Vec<_>>(), [1011, 1012, 1013]);
        assert_eq!(pids(&tree), [10, 11, 12, 13]);
        assert!(tree.grow(&running(&[(13, 12), (10, 1)]), 0).is_empty());
    }

    #[test]
    fn lapwing_is_not_in_the_tree_that_it_runs_in() {
        let mut tree = Tree::of(1, 1001);
        tree.grow(&running(&[(1, 0), (5, 1), (6, 5)]), 1005);
        assert_eq!(pids(&tree), [1]);
    }

    #[test]
    fn who_has_ended_meanwhile_is_taken_out() {
        let mut tree = Tree::of(10, 1010);
        tree.grow(&running(&[(11, 10), (12, 10)]), 0);
        assert_eq!(tree.shrink(&running(&[(10, 1), (12, 10)])), [1011]);
        assert_eq!(pids(&tree), [10, 12]);
    }
}
