//! Patterns: text in which `*` stands for any run of bytes.
//!
//! The reference takes the leftmost place for each part and does not reconsider, so that its `*.so`
//! misses `a.so.so`. Here the last part is tied to the end first, and between the two ends the leftmost place
//! for each part is always as good as any other: whatever the reference matches, this matches.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    /// Before the first `*`, between two, and after the last; a single part when there is none.
    parts: Vec<Box<[u8]>>,
    fold: bool,
}

impl Pattern {
    /// `fold` takes upper and lower case of ASCII for the same.
    pub(crate) fn new(text: &[u8], fold: bool) -> Self {
        let text = if fold { text.to_ascii_lowercase() } else { text.to_vec() };
        Self { parts: text.split(|byte| *byte == b'*').map(Into::into).collect(), fold }
    }

    /// The pattern as it is written.
    pub(crate) fn source(&self) -> Vec<u8> {
        self.parts.join(&b'*')
    }

    /// What every match begins with.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.parts.first().map_or(&[], |part| part)
    }

    /// What every match ends with.
    pub(crate) fn suffix(&self) -> &[u8] {
        self.parts.last().map_or(&[], |part| part)
    }

    /// The texts between the stars.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| &**part)
    }

    /// The longest text that every match has somewhere.
    pub(crate) fn piece(&self) -> &[u8] {
        self.pieces().max_by_key(|piece| piece.len()).unwrap_or_default()
    }

    /// Whether there is no `*`.
    pub(crate) fn is_plain(&self) -> bool {
        self.parts.len() < 2
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.equal(self.prefix(), text);
        };
        if text.len() < first.len() + last.len() {
            return false;
        }
        let (head, rest) = text.split_at(first.len());
        let (mut rest, tail) = rest.split_at(rest.len() - last.len());
        if !self.equal(first, head) || !self.equal(last, tail) {
            return false;
        }
        for part in middle {
            let Some(at) = self.find(part, rest) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }

    fn equal(&self, part: &[u8], text: &[u8]) -> bool {
        if self.fold { part.eq_ignore_ascii_case(text) } else { part == text }
    }

    fn find(&self, part: &[u8], text: &[u8]) -> Option<usize> {
        if part.is_empty() {
            return Some(0);
        }
        if !self.fold {
            return memchr::memmem::find(text, part);
        }
        text.windows(part.len()).position(|window| part.eq_ignore_ascii_case(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a/b", true),
            ("", "", true),
            ("", "a", false),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*.so", "a.so.so", true),
            ("*.so*", "libc.so.6", true),
            ("/tmp/*/x*y", "/tmp/a/b/xay", true),
            ("a*b*c", "abbc", true),
            ("a*bb*c", "abc", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(Pattern::new(pattern.as_bytes(), false).matches(text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn case_is_told_apart_unless_folded() {
        assert!(!Pattern::new(b"*.Example.com", false).matches(b"www.example.com"));
        assert!(Pattern::new(b"*.Example.com", true).matches(b"www.EXAMPLE.com"));
        assert!(Pattern::new(b"*EXAMPLE*", true).matches(b"www.example.com"));
    }

    #[test]
    fn it_agrees_with_trying_everything() {
        fn all(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|skip| all(rest, &text[skip..])),
                Some((byte, rest)) => text.split_first().is_some_and(|(first, text)| first == byte && all(rest, text)),
            }
        }
        let words = |alphabet: &[u8], length: u32| {
            let mut words: Vec<Vec<u8>> = alloc::vec![Vec::new()];
            let mut last = words.clone();
            for _ in 0..length {
                last = last.iter().flat_map(|word| alphabet.iter().map(|byte| [word, &[*byte][..]].concat())).collect();
                words.extend(last.iter().cloned());
            }
            words
        };
        for pattern in words(b"ab*", 5) {
            for text in words(b"ab", 6) {
                assert_eq!(Pattern::new(&pattern, false).matches(&text), all(&pattern, &text), "{pattern:?} {text:?}");
            }
        }
    }
}
