//! Texts by how they begin, or end: a radix tree.
//!
//! A walk along a text meets every key that the text begins with, and leaves the tree at the first byte that no key
//! has. Most texts leave it early, so that the number of keys hardly matters.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// How much of a text a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Part,
}

#[derive(Debug, Default)]
struct Node {
    /// What has to come next, without its first byte, which is in the parent.
    label: Box<[u8]>,
    /// First bytes of the children.
    firsts: Vec<u8>,
    children: Vec<u32>,
    /// Rules of keys that end here and are the whole text.
    whole: Vec<u32>,
    /// Rules of keys that end here.
    part: Vec<u32>,
}

/// Keys and the rules that they lead to.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    backwards: bool,
}

impl Trie {
    /// Keys that texts begin with, or are.
    pub(super) fn forwards() -> Self {
        Self { nodes: alloc::vec![Node::default()], backwards: false }
    }

    /// Keys that texts end with.
    pub(super) fn backwards() -> Self {
        Self { backwards: true, ..Self::forwards() }
    }

    pub(super) fn insert(&mut self, key: &[u8], extent: Extent, rule: u32) {
        let mut rest: Vec<u8> = key.into();
        if self.backwards {
            rest.reverse();
        }
        let mut rest = &*rest;
        let mut at = 0;
        while let Some((first, after)) = rest.split_first() {
            let Some(place) = memchr::memchr(*first, &self.nodes[at].firsts) else {
                at = self.add(at, *first, Node { label: after.into(), ..Node::default() });
                rest = &[];
                continue;
            };
            let child = self.nodes[at].children[place] as usize;
            let common = self.nodes[child].label.iter().zip(after).take_while(|(one, other)| one == other).count();
            if common < self.nodes[child].label.len() {
                self.split(child, common);
            }
            at = child;
            rest = &after[common..];
        }
        let node = &mut self.nodes[at];
        let rules = if extent == Extent::Whole { &mut node.whole } else { &mut node.part };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }

    /// Calls back with the rules of every key that the text has.
    pub(super) fn walk(&self, text: &[u8], found: &mut dyn FnMut(&[u32])) {
        let byte = |index: usize| if self.backwards { text[text.len() - 1 - index] } else { text[index] };
        let (mut node, mut done) = (&self.nodes[0], 0);
        loop {
            if !node.part.is_empty() {
                found(&node.part);
            }
            if done == text.len() {
                if !node.whole.is_empty() {
                    found(&node.whole);
                }
                return;
            }
            let Some(place) = memchr::memchr(byte(done), &node.firsts) else { return };
            node = &self.nodes[node.children[place] as usize];
            done += 1;
            if text.len() - done < node.label.len() {
                return;
            }
            if !node.label.iter().enumerate().all(|(index, expected)| byte(done + index) == *expected) {
                return;
            }
            done += node.label.len();
        }
    }

    fn add(&mut self, parent: usize, first: u8, node: Node) -> usize {
        let index = self.nodes.len();
        self.nodes.push(node);
        self.nodes[parent].firsts.push(first);
        self.nodes[parent].children.push(u32::try_from(index).unwrap_or(u32::MAX));
        index
    }

    /// Makes two of a node, the first of which has only `length` bytes of the label.
    fn split(&mut self, at: usize, length: usize) {
        let label = core::mem::take(&mut self.nodes[at].label);
        let lower = Node { label: label[length + 1..].into(), ..core::mem::take(&mut self.nodes[at]) };
        self.nodes[at].label = label[..length].into();
        self.add(at, label[length], lower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(trie: &Trie, text: &str) -> Vec<u32> {
        let mut all = Vec::new();
        trie.walk(text.as_bytes(), &mut |rules| all.extend_from_slice(rules));
        all.sort_unstable();
        all
    }

    #[test]
    fn every_key_of_a_text_is_met() {
        let mut trie = Trie::forwards();
        let keys = ["/etc/", "/etc/passwd", "/etc/pass", "/e", "/usr/bin/", "", "/etc/shadow"];
        for (rule, key) in (0..).zip(keys) {
            trie.insert(key.as_bytes(), Extent::Part, rule);
            trie.insert(key.as_bytes(), Extent::Whole, 10 + rule);
        }
        for text in ["/etc/passwd", "/etc/pass", "/etc/passwd-", "/etc", "/usr/bin/x", "", "/", "x", "/etc/shado"] {
            let mut expected = Vec::new();
            for (rule, key) in (0..).zip(keys) {
                expected.extend(text.starts_with(key).then_some(rule));
                expected.extend((text == key).then_some(10 + rule));
            }
            expected.sort_unstable();
            assert_eq!(found(&trie, text), expected, "{text}");
        }
    }

    #[test]
    fn ends_are_beginnings_backwards() {
        let mut trie = Trie::backwards();
        for (rule, key) in (0..).zip([".so", "o", "/x.so", ".service"]) {
            trie.insert(key.as_bytes(), Extent::Part, rule);
        }
        assert_eq!(found(&trie, "/lib/x.so"), [0, 1, 2]);
        assert_eq!(found(&trie, "so"), [1]);
        assert_eq!(found(&trie, ""), [0; 0]);
    }
}
