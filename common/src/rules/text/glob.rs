//! Globs: patterns of paths, in which `*` stays inside a component and `**` stands for any number of them.
//!
//! `/a/**` needs a slash after `/a`: it matches `/a/b/c` and not `/a`. `/a/**/b` matches `/a/b`. What comes
//! before `**` and what comes after it are looked for independently, and may overlap, as in the
//! reference: `/a/**/a/b` matches `/a/b`.

use alloc::vec::Vec;

use super::Pattern;

/// A compiled glob.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    text: Pattern,
    head: Vec<Pattern>,
    /// What comes after `**`.
    tail: Option<Vec<Pattern>>,
}

/// `**` stands twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadGlob;

impl Glob {
    pub(crate) fn new(text: &[u8]) -> Result<Self, BadGlob> {
        let rooted = if text.starts_with(b"*/") { [b"/", text].concat() } else { text.to_vec() };
        let mut head = Vec::new();
        let mut tail = None;
        for component in rooted.strip_prefix(b"/").unwrap_or(&rooted).split(|byte| *byte == b'/') {
            match (component, &mut tail) {
                (b"**", Some(_)) => return Err(BadGlob),
                (b"**", None) => tail = Some(Vec::new()),
                (_, Some(tail)) => tail.push(Pattern::new(component, false)),
                (_, None) => head.push(Pattern::new(component, false)),
            }
        }
        Ok(Self { text: Pattern::new(&rooted, false), head, tail })
    }

    /// The glob as it is written, but with the slash that it begins with.
    pub(crate) fn source(&self) -> Vec<u8> {
        self.text.source()
    }

    /// What every match begins with.
    pub(crate) fn prefix(&self) -> &[u8] {
        self.text.prefix()
    }

    /// What every match ends with.
    pub(crate) fn suffix(&self) -> &[u8] {
        self.text.suffix()
    }

    /// The longest text that every match has somewhere. Without the slashes around it, one of which a path may be without
    /// that has no directory.
    pub(crate) fn piece(&self) -> &[u8] {
        self.text.pieces().map(trim).max_by_key(|piece| piece.len()).unwrap_or_default()
    }

    /// The last component of every match, if it is the same for all.
    pub(crate) fn basename(&self) -> Option<&[u8]> {
        let last = self.tail.as_ref().unwrap_or(&self.head).last()?;
        last.is_plain().then(|| last.prefix())
    }

    /// A component that every match has somewhere: the longest one, and of equal ones the last.
    pub(crate) fn component(&self) -> Option<&[u8]> {
        let patterns = self.head.iter().chain(self.tail.iter().flatten());
        patterns.filter(|pattern| pattern.is_plain()).map(Pattern::prefix).max_by_key(|text| text.len())
    }

    /// Whether every path below a directory matches, however deep.
    pub(crate) fn covers_below(&self, directory: &[u8]) -> bool {
        let everything = self.tail.as_ref().is_some_and(Vec::is_empty);
        everything && components(directory).count() >= self.head.len() && self.begins(directory)
    }

    /// Whether a path below a directory may match.
    pub(crate) fn reaches_below(&self, directory: &[u8]) -> bool {
        self.begins(directory) && (self.tail.is_some() || self.head.len() > components(directory).count())
    }

    /// Whether the components that a path has match, as far as there are patterns for them.
    fn begins(&self, path: &[u8]) -> bool {
        components(path).zip(&self.head).all(|(component, pattern)| pattern.matches(component))
    }

    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        if path.is_empty() || !path.starts_with(self.text.prefix()) {
            return false;
        }
        let begins = || self.begins(path);
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let count = memchr::memchr_iter(b'/', path).count() + 1;
        match &self.tail {
            None => count == self.head.len() && begins(),
            Some(tail) if tail.is_empty() => count > self.head.len() && begins(),
            Some(tail) => {
                count >= self.head.len().max(tail.len())
                    && begins()
                    && path.rsplit(|byte| *byte == b'/').zip(tail.iter().rev()).all(|(one, other)| other.matches(one))
            }
        }
    }
}

fn trim(mut piece: &[u8]) -> &[u8] {
    while let Some(rest) = piece.strip_prefix(b"/") {
        piece = rest;
    }
    while let Some(rest) = piece.strip_suffix(b"/") {
        piece = rest;
    }
    piece
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_stay_apart() {
        for (glob, path, expected) in [
            ("/etc/*", "/etc/passwd", true),
            ("/etc/*", "/etc/a/b", false),
            ("/etc/*", "/etc", false),
            ("/etc/*", "/etc/", true),
            ("/etc/*/b", "/etc/a/b", true),
            ("/etc/pass*", "/etc/passwd-", true),
            ("*/passwd", "/passwd", false),
            ("*/passwd", "/etc/passwd", true),
            ("/a/**", "/a", false),
            ("/a/**", "/a/", true),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/ab/c", false),
            ("/a/**/b", "/a/b", true),
            ("/a/**/b", "/a/x/y/b", true),
            ("/a/**/b", "/a/x/y/c", false),
            ("/a/**/a/b", "/a/b", true),
            ("/**/*.so", "/usr/lib/x.so", true),
            ("**/x", "/a/b/x", true),
            ("/a**/b", "/axx/b", true),
            ("/a**/b", "/ax/x/b", false),
            ("/etc/*", "", false),
        ] {
            assert_eq!(Glob::new(glob.as_bytes()).unwrap().matches(path.as_bytes()), expected, "{glob} {path}");
        }
        assert_eq!(Glob::new(b"/a/**/b/**"), Err(BadGlob));
    }

    #[test]
    fn what_is_said_of_all_that_is_below_a_directory() {
        for (glob, directory, reaches, covers) in [
            ("/etc/*", "/etc", true, false),
            ("/etc/*", "/etc/conf.d", false, false),
            ("/etc/**", "/etc", true, true),
            ("/etc/**", "/etc/conf.d", true, true),
            ("/etc/**", "/var", false, false),
            ("/var/log/**", "/var", true, false),
            ("/var/*/x", "/var/lib", true, false),
            ("/var/*/x", "/var/lib/y", false, false),
            ("/**/x", "/var", true, false),
            ("/usr/**/ls", "/var", false, false),
            ("*/ls", "/usr", true, false),
            ("*/ls", "/usr/bin", false, false),
            ("/u*/**", "/usr", true, true),
            ("**", "/usr", true, true),
        ] {
            let found = Glob::new(glob.as_bytes()).unwrap();
            let both = (found.reaches_below(directory.as_bytes()), found.covers_below(directory.as_bytes()));
            assert_eq!(both, (reaches, covers), "{glob} {directory}");
        }
    }

    #[test]
    fn a_basename_is_known_when_it_is_written_out() {
        assert_eq!(Glob::new(b"/etc/*/passwd").unwrap().basename(), Some(&b"passwd"[..]));
        assert_eq!(Glob::new(b"/etc/*").unwrap().basename(), None);
        assert_eq!(Glob::new(b"/etc/**").unwrap().basename(), None);
    }
}
