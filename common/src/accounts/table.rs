//! `passwd` and `group`: names by number.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// The longest name that is kept: `LOGIN_NAME_MAX` of Linux, without its NUL.
const LONGEST: usize = 255;

/// Names by number, in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Number and place of the name, by number.
    entries: Box<[(u32, u32, u8)]>,
    names: Box<[u8]>,
}

impl Table {
    /// The users of a text as passwd(5) describes it: `name:password:UID:GID:…`.
    #[must_use]
    pub fn users(text: &[u8]) -> Self {
        Self::parse(text)
    }

    /// The groups of a text as group(5) describes it: `name:password:GID:members`.
    #[must_use]
    pub fn groups(text: &[u8]) -> Self {
        Self::parse(text)
    }

    /// In both, the name comes first and the number third. Of several names for a number the first counts, as it
    /// does for getpwuid(3). A line that is none (a comment, one of NIS, a name too long) is left out.
    fn parse(text: &[u8]) -> Self {
        let mut names = Vec::new();
        let mut entries = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let mut fields = line.split(|byte| *byte == b':');
            let (Some(name), Some(number)) = (fields.next(), fields.nth(1)) else { continue };
            let number = core::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
            let length = u8::try_from(name.len()).ok().filter(|length| usize::from(*length) <= LONGEST);
            let (Some(number), Some(length), Ok(start)) = (number, length, u32::try_from(names.len())) else {
                continue;
            };
            if length == 0 || matches!(name[0], b'#' | b'+' | b'-') {
                continue;
            }
            names.extend_from_slice(name);
            entries.push((number, start, length));
        }
        entries.sort_by_key(|(number, ..)| *number);
        entries.dedup_by_key(|(number, ..)| *number);
        Self { entries: entries.into(), names: names.into() }
    }

    /// The name for a number; empty without one.
    #[must_use]
    pub fn name(&self, number: u32) -> &[u8] {
        let Ok(at) = self.entries.binary_search_by_key(&number, |(number, ..)| *number) else { return &[] };
        let (_, start, length) = self.entries[at];
        usize::try_from(start).ok().and_then(|start| self.names.get(start..start + usize::from(length))).unwrap_or(&[])
    }

    /// How many numbers have a name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::Table;

    #[test]
    fn lines_of_every_kind() {
        let long = String::from_utf8([b'n'; 256].into()).unwrap();
        let text = alloc::format!(
            "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n# gone:x:1:1\n+::2:::\nbroken\nweb:x:33\n:x:4:4::/:\n\
             no:x:-1:1::/:\nno:x:nn:1::/:\n{long}:x:5:5::/:\n\u{e9}:x:4294967294:0::/:"
        );
        let users = Table::users(text.as_bytes());
        for (number, name) in [(0, "root"), (33, "web"), (4_294_967_294, "\u{e9}"), (1, ""), (2, ""), (4, ""), (5, "")]
        {
            assert_eq!(users.name(number), name.as_bytes(), "{number}");
        }
        assert_eq!(users.len(), 3);
        assert!(Table::groups(b"").is_empty());
        assert_eq!(Table::groups(b"wheel:x:10:a,b\n").name(10), b"wheel");
    }
}
