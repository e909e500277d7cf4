//! `/proc/PID/maps`: which files a process has mapped.

/// A mapping of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// `START-END`, as the entry in `/proc/PID/map_files` is called.
    pub range: &'a [u8],
    /// The file's inode number.
    pub inode: u64,
    /// The path as the reader sees it, with what the kernel adds to that of a file without a name. A newline in it is
    /// written as `\012`.
    pub path: &'a [u8],
}

/// The mappings of files, in the order of addresses; a file has several as a rule, side by side. Memory of the process's
/// own is left out, and so are the kernel's names in brackets: proc_pid_maps(5).
pub fn files(text: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    text.split(|byte| *byte == b'\n').filter_map(mapping)
}

fn mapping(line: &[u8]) -> Option<Mapping<'_>> {
    let mut rest = line;
    let mut word = || {
        let start = rest.iter().position(|byte| *byte != b' ')?;
        let length = rest[start..].iter().position(|byte| *byte == b' ').unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        rest = &rest[start + length..];
        Some(word)
    };
    let range = word()?;
    let (_permissions, _offset, _device) = (word()?, word()?, word()?);
    let inode = super::number(word()?)?;
    let path = rest.get(rest.iter().position(|byte| *byte != b' ')?..)?;
    (inode != 0 && path.first() == Some(&b'/')).then_some(Mapping { range, inode, path })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn only_files_are_mappings_of_files() {
        let text = b"55d0c6a00000-55d0c6a02000 r--p 00000000 fe:01 1234                       /usr/bin/cat\n\
            55d0c6a02000-55d0c6a07000 rw-s 00002000 00:01 9    /dev/zero (deleted)\n\
            7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n\
            7ffd5c8f5000-7ffd5c916000 rw-p 00000000 00:00 0                          [stack]\n\
            7ffd5c9f0000-7ffd5c9f4000 r--p 00000000 fe:01 77   /srv/a  b\n\
            cut";
        let found: Vec<_> = files(text).map(|one| (one.range, one.inode, one.path)).collect();
        assert_eq!(
            found,
            [
                (&b"55d0c6a00000-55d0c6a02000"[..], 1234, &b"/usr/bin/cat"[..]),
                (b"55d0c6a02000-55d0c6a07000", 9, b"/dev/zero (deleted)"),
                (b"7ffd5c9f0000-7ffd5c9f4000", 77, b"/srv/a  b"),
            ]
        );
    }
}
