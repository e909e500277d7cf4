//! Several texts, patterns and regular expressions, any of which may match.

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::HashSet;

use super::{Glob, Pattern};

/// Up to this many texts are compared one by one.
const FEW: usize = 4;

/// What a text may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextSet {
    few: Vec<Box<[u8]>>,
    many: HashSet<Box<[u8]>>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) globs: Vec<Glob>,
    /// Numbers of regular expressions of the program.
    pub(crate) regexps: Vec<u32>,
    /// Upper and lower case of ASCII are the same.
    pub(crate) fold: bool,
}

impl TextSet {
    /// `fold` takes upper and lower case of ASCII for the same, but in regular expressions.
    pub(crate) fn new(fold: bool) -> Self {
        Self { fold, ..Self::default() }
    }

    pub(crate) fn add(&mut self, text: &[u8]) {
        let text: Box<[u8]> = if self.fold { text.to_ascii_lowercase().into() } else { text.into() };
        if !self.many.is_empty() {
            self.many.insert(text);
        } else if !self.few.contains(&text) {
            self.few.push(text);
            if self.few.len() > FEW {
                self.many.extend(self.few.drain(..));
            }
        }
    }

    /// The texts that are written out.
    pub(crate) fn exact(&self) -> impl Iterator<Item = &[u8]> {
        self.few.iter().chain(&self.many).map(|text| &**text)
    }

    /// Whether every path below a directory matches, or none; `None` if that depends on the path.
    pub(crate) fn below(&self, directory: &[u8]) -> Option<bool> {
        if self.globs.iter().any(|glob| glob.covers_below(directory)) {
            return Some(true);
        }
        let is_below = |text: &[u8]| text.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"));
        let may = |pattern: &Pattern| {
            let prefix = pattern.prefix();
            prefix.len() <= directory.len() && directory.starts_with(prefix) || is_below(prefix)
        };
        let none = !self.fold
            && self.regexps.is_empty()
            && !self.exact().any(is_below)
            && !self.patterns.iter().any(may)
            && !self.globs.iter().any(|glob| glob.reaches_below(directory));
        none.then_some(false)
    }

    /// Whether one of the texts, patterns or globs matches; `regexp` is asked about the rest.
    pub(crate) fn matches(&self, text: &[u8], mut regexp: impl FnMut(u32, &[u8]) -> bool) -> bool {
        let is_exact = if self.fold {
            self.exact().any(|exact| exact.eq_ignore_ascii_case(text))
        } else if self.many.is_empty() {
            self.few.iter().any(|exact| **exact == *text)
        } else {
            self.many.contains(text)
        };
        is_exact
            || self.patterns.iter().any(|pattern| pattern.matches(text))
            || self.globs.iter().any(|glob| glob.matches(text))
            || self.regexps.iter().any(|index| regexp(*index, text))
    }
}
