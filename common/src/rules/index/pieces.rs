//! Texts by what stands anywhere in them: an automaton that finds all pieces of a text in one pass (Aho and Corasick).
//!
//! Where many patterns begin alike (`/usr/*/tool-7-*`) or with a star, their beginnings say little; a piece from their
//! middle leads to few rules.

use alloc::boxed::Box;
use alloc::vec::Vec;

use aho_corasick::AhoCorasick;
use aho_corasick::automaton::OverlappingState;

use hashbrown::HashMap;

/// Pieces and the rules that they lead to.
#[derive(Debug)]
pub(super) struct Pieces {
    automaton: AhoCorasick,
    /// By number of the piece.
    rules: Vec<Box<[u32]>>,
}

impl Pieces {
    /// `None` if they are more than an automaton can tell apart.
    pub(super) fn new(pieces: HashMap<Box<[u8]>, Vec<u32>>) -> Option<Self> {
        let (texts, rules): (Vec<_>, Vec<_>) =
            pieces.into_iter().map(|(text, rules)| (text, rules.into_boxed_slice())).unzip();
        Some(Self { automaton: AhoCorasick::new(texts).ok()?, rules })
    }

    /// Calls back with the rules of every piece that stands in the text. Allocates nothing.
    pub(super) fn find(&self, text: &[u8], found: &mut dyn FnMut(&[u32])) {
        let mut state = OverlappingState::start();
        loop {
            self.automaton.find_overlapping(text, &mut state);
            let Some(one) = state.get_match() else { return };
            found(&self.rules[one.pattern().as_usize()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_found_also_one_inside_another() {
        let pieces = ["tool-7-", "ool", "-7", "x"];
        let table = (0..).zip(pieces).map(|(rule, piece)| (piece.as_bytes().into(), alloc::vec![rule])).collect();
        let pieces = Pieces::new(table).unwrap();
        for (text, expected) in
            [("/usr/bin/tool-7-a", &[0, 1, 2][..]), ("pool", &[1]), ("", &[]), ("-7x-7", &[2, 3]), ("y", &[])]
        {
            let mut found = Vec::new();
            pieces.find(text.as_bytes(), &mut |rules| found.extend_from_slice(rules));
            found.sort_unstable();
            found.dedup();
            assert_eq!(found, expected, "{text}");
        }
    }
}
