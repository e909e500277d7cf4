//! Forgetting: a version that is gone, and what has not happened for long.

use alloc::vec::Vec;

use super::process::ProcessId;
use super::seen::{Seen, Tag};
use super::tree::ActivityTree;
use crate::ids::Timestamp;

impl ActivityTree {
    /// Forgets a version, and all that only it did.
    pub fn evict_tag(&mut self, tag: Tag) {
        self.evict(&|seen| seen.forget(tag), &|_| false);
    }

    /// Forgets what was last seen before a time. A program that `is_alive` by its path stays, and with it what is
    /// above it.
    pub fn evict_before(&mut self, limit: Timestamp, is_alive: impl Fn(&[u8]) -> bool) {
        self.evict(&|seen| seen.forget_before(limit), &is_alive);
    }

    /// Says of everything in the tree that a version did it, which was not known when it was inserted.
    pub fn tag_all(&mut self, tag: Tag, at: Timestamp) {
        let ids: Vec<ProcessId> = self.processes.iter().map(|(id, _)| ProcessId(id)).collect();
        for id in ids {
            self.change(id, |node| {
                let seen = [&mut node.seen].into_iter();
                let seen = seen.chain(node.binds.iter_mut().map(|bind| &mut bind.seen));
                let seen = seen.chain(node.dns.iter_mut().map(|dns| &mut dns.seen));
                let seen = seen.chain(node.imds.iter_mut().map(|imds| &mut imds.seen));
                let seen = seen.chain(node.syscalls.iter_mut().map(|(_, seen)| seen));
                seen.chain(node.capabilities.iter_mut().map(|(.., seen)| seen))
                    .for_each(|seen| seen.see(Some(tag), at));
            });
        }
        let files: Vec<u32> = self.files.iter().map(|(id, _)| id).collect();
        for file in files {
            if let Some(opened) = self.files.get_mut(file).and_then(|node| node.opened.as_mut()) {
                let before = opened.heap();
                opened.seen.see(Some(tag), at);
                self.heap = self.heap + opened.heap() - before;
            }
        }
    }

    /// `forget` takes from a node's times, and tells whether none is left.
    fn evict(&mut self, forget: &dyn Fn(&mut Seen) -> bool, is_alive: &dyn Fn(&[u8]) -> bool) {
        if self.tags.is_empty() {
            // When things happened was not kept.
            return;
        }
        self.recent.clear();
        for root in self.roots.clone() {
            if self.evict_process(root, forget, is_alive) {
                self.roots.retain(|id| *id != root);
                self.take(root);
            }
        }
    }

    /// Tells whether the node is to go: it is not seen any more, and nothing is below it.
    fn evict_process(
        &mut self,
        id: ProcessId,
        forget: &dyn Fn(&mut Seen) -> bool,
        is_alive: &dyn Fn(&[u8]) -> bool,
    ) -> bool {
        let mut gone = Vec::new();
        for child in self.children(Some(id)).to_vec() {
            if self.evict_process(child, forget, is_alive) {
                gone.push(child);
            }
        }
        let first = self.process(id).map_or(super::file::Files::EMPTY, |node| node.files);
        for file in self.files.siblings(first).collect::<Vec<_>>() {
            self.evict_file(id, file, forget);
        }
        let goes = self.change(id, |node| {
            node.children.retain(|child| !gone.contains(child));
            node.binds.retain_mut(|bind| !forget(&mut bind.seen));
            node.dns.retain_mut(|dns| !forget(&mut dns.seen));
            node.imds.retain_mut(|imds| !forget(&mut imds.seen));
            node.syscalls.retain_mut(|(_, seen)| !forget(seen));
            node.capabilities.retain_mut(|(.., seen)| !forget(seen));
            let is_forgotten = forget(&mut node.seen);
            is_forgotten && node.children.is_empty() && !is_alive(node.identity().path)
        });
        for child in gone {
            self.take(child);
        }
        goes
    }

    fn evict_file(&mut self, process: ProcessId, file: u32, forget: &dyn Fn(&mut Seen) -> bool) {
        for child in self.files.children(file).collect::<Vec<_>>() {
            self.evict_file(process, child, forget);
        }
        let Some(node) = self.files.get_mut(file) else { return };
        if let Some(opened) = &mut node.opened {
            let before = opened.heap();
            if forget(&mut opened.seen) {
                node.opened = None;
                self.heap -= before;
            } else {
                self.heap = self.heap + opened.heap() - before;
            }
        }
        if node.opened.is_none() && !node.has_children() {
            self.remove_file(process, file);
        }
    }

    /// Takes a process away, with its files.
    fn take(&mut self, id: ProcessId) {
        let first = self.process(id).map_or(super::file::Files::EMPTY, |node| node.files);
        for file in self.files.siblings(first).collect::<Vec<_>>() {
            self.take_file(id, file);
        }
        if let Some(node) = self.processes.remove(id.0) {
            self.heap -= node.heap();
        }
    }

    fn take_file(&mut self, process: ProcessId, file: u32) {
        for child in self.files.children(file).collect::<Vec<_>>() {
            self.take_file(process, child);
        }
        self.remove_file(process, file);
    }

    fn remove_file(&mut self, process: ProcessId, file: u32) {
        let Self { processes, files, heap, .. } = self;
        if let Some(node) = processes.get_mut(process.0) {
            files.remove(file, &mut node.files, heap);
        }
    }
}
