//! `/proc/PID/cmdline` and `/proc/PID/environ`: the arguments and the environment of a program.

/// Strings that each end with a NUL: proc_pid_cmdline(5) and proc_pid_environ(5).
///
/// The process may write over both. What follows the last NUL counts as a string of its own then.
pub fn terminated(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = text.strip_suffix(b"\0").unwrap_or(text);
    (!text.is_empty()).then(|| whole.split(|byte| *byte == 0)).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::terminated;

    #[test]
    fn every_string_counts_even_an_empty_one() {
        for (text, expected) in [
            (&b""[..], &[][..]),
            (b"\0", &[&b""[..]]),
            (b"a\0", &[b"a"]),
            (b"a\0\0b c\0", &[b"a", b"", b"b c"]),
            (b"a\0\0", &[b"a", b""]),
            (b"a\0title", &[b"a", b"title"]),
        ] {
            assert_eq!(terminated(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}
