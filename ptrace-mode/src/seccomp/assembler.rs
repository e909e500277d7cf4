//! Classic BPF, written from its end to its beginning.
//!
//! The machine jumps forwards only, so every target already has its place when an instruction that
//! goes there is written. Equal instructions with equal targets are written once, which merges the
//! common tails of argument tests without any further pass. Conditional jumps reach 255
//! instructions; for farther ones a stepping stone is put in between.

use std::collections::HashMap;

use libc::{BPF_ABS, BPF_JA, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};

/// A place in the program, counted from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label(usize);

/// A comparison of the accumulator with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    Equal,
    AtLeast,
    AnyBit,
}

/// What an instruction is and where it leads, by which equal ones are found.
#[derive(PartialEq, Eq, Hash)]
enum Node {
    Answer(u32),
    Load(u32, Label),
    Branch(Comparison, u32, Label, Label),
}

#[derive(Default)]
pub(super) struct Assembler {
    reversed: Vec<sock_filter>,
    known: HashMap<Node, Label>,
    /// The latest stand-in for a target that was out of reach.
    stones: HashMap<Label, Label>,
}

/// How far a conditional jump reaches: the number of instructions it can skip.
const REACH: usize = 255;
/// An unconditional jump and a conditional one with the same target may need a stone each; so may a
/// conditional one for both of its targets. Distances are checked with room for them.
const STONES: usize = 2;

impl Assembler {
    /// Ends the filter with an answer.
    pub(super) fn answer(&mut self, value: u32) -> Label {
        self.once(Node::Answer(value), |this| this.push(code(BPF_RET | BPF_K), 0, 0, value))
    }

    /// Loads a 32-bit word of `seccomp_data` and goes on.
    pub(super) fn load(&mut self, offset: u32, next: Label) -> Label {
        self.once(Node::Load(offset, next), |this| {
            if this.skipped(next) > 0 {
                this.jump(next);
            }
            this.push(code(BPF_LD | BPF_W | BPF_ABS), 0, 0, offset)
        })
    }

    /// Compares and goes on in one of two ways. Nothing is written when both are the same.
    pub(super) fn branch(&mut self, comparison: Comparison, with: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        self.once(Node::Branch(comparison, with, yes, no), |this| {
            let (yes, no) = (this.within_reach(yes), this.within_reach(no));
            let operation = match comparison {
                Comparison::Equal => libc::BPF_JEQ,
                Comparison::AtLeast => libc::BPF_JGE,
                Comparison::AnyBit => libc::BPF_JSET,
            };
            let (yes, no) = (this.skipped(yes), this.skipped(no));
            // Both fit: `within_reach` saw to that.
            let narrow = |distance: usize| u8::try_from(distance).unwrap_or(u8::MAX);
            this.push(code(BPF_JMP | operation | BPF_K), narrow(yes), narrow(no), with)
        })
    }

    /// The program that begins at `entry`.
    pub(super) fn finish(mut self, entry: Label) -> Vec<sock_filter> {
        self.reversed.truncate(entry.0 + 1);
        self.reversed.reverse();
        self.reversed
    }

    fn once(&mut self, node: Node, write: impl FnOnce(&mut Self) -> Label) -> Label {
        if let Some(label) = self.known.get(&node) {
            return *label;
        }
        let label = write(self);
        self.known.insert(node, label);
        label
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(sock_filter { code, jt, jf, k });
        Label(self.reversed.len() - 1)
    }

    /// The instructions between one written now and the target.
    fn skipped(&self, target: Label) -> usize {
        self.reversed.len() - 1 - target.0
    }

    /// An unconditional jump, or a copy of what it would lead to when that is an answer.
    fn jump(&mut self, target: Label) -> Label {
        let there = self.reversed[target.0];
        if there.code == code(BPF_RET | BPF_K) {
            return self.push(there.code, 0, 0, there.k);
        }
        let distance = u32::try_from(self.skipped(target)).unwrap_or(u32::MAX);
        self.push(code(BPF_JMP | BPF_JA), 0, 0, distance)
    }

    /// The target or a stand-in for it that a conditional jump written soon can reach.
    fn within_reach(&mut self, target: Label) -> Label {
        for candidate in [Some(target), self.stones.get(&target).copied()].into_iter().flatten() {
            if self.skipped(candidate) + STONES <= REACH {
                return candidate;
            }
        }
        let stone = self.jump(target);
        self.stones.insert(target, stone);
        stone
    }
}

/// The operation codes are small; `libc` merely types them wider than the field they belong in.
fn code(operation: u32) -> u16 {
    u16::try_from(operation).unwrap_or(u16::MAX)
}
