//! Bytes of a workload as text on a terminal: file names, arguments, command names.
//!
//! A file name may hold line feeds, terminal escapes and anything else but NUL and `/`. Written raw, it could
//! forge a line of output or take over the terminal. So control bytes, ill-formed UTF-8 and characters that
//! reorder or break lines become `\xNN`. Paths and arguments are quoted as a shell would read them back, so
//! that a name with spaces cannot pass for two words either, and a line can be pasted.

use std::io::Write as _;

/// Appends a word that is no path and no argument, such as a command name.
pub(crate) fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    each(bytes, |piece| match piece {
        Piece::Plain("\\") => out.extend_from_slice(b"\\\\"),
        Piece::Plain(text) => out.extend_from_slice(text.as_bytes()),
        Piece::Raw(bytes) => hexadecimal(out, bytes),
    });
}

/// Appends a path or an argument: bare where a shell takes it as it is, else in quotes.
pub(crate) fn quote(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut raw = false;
    let mut bare = !bytes.is_empty();
    each(bytes, |piece| match piece {
        Piece::Plain(text) => bare &= text.chars().all(is_bare),
        Piece::Raw(_) => raw = true,
    });
    match (raw, bare) {
        (false, true) => out.extend_from_slice(bytes),
        (false, false) => {
            out.push(b'\'');
            for byte in bytes {
                match byte {
                    b'\'' => out.extend_from_slice(br"'\''"),
                    _ => out.push(*byte),
                }
            }
            out.push(b'\'');
        }
        // ANSI-C quoting, as bash, zsh and POSIX 2024 know it.
        (true, _) => {
            out.extend_from_slice(b"$'");
            each(bytes, |piece| match piece {
                Piece::Plain("\\") => out.extend_from_slice(br"\\"),
                Piece::Plain("'") => out.extend_from_slice(br"\'"),
                Piece::Plain(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Raw(bytes) => hexadecimal(out, bytes),
            });
            out.push(b'\'');
        }
    }
}

enum Piece<'a> {
    /// One character that may be shown.
    Plain(&'a str),
    /// Bytes that may not.
    Raw(&'a [u8]),
}

fn each<'a>(bytes: &'a [u8], mut piece: impl FnMut(Piece<'a>)) {
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        for (at, character) in text.char_indices() {
            let text = &text[at..at + character.len_utf8()];
            piece(if is_harmful(character) { Piece::Raw(text.as_bytes()) } else { Piece::Plain(text) });
        }
        if !chunk.invalid().is_empty() {
            piece(Piece::Raw(chunk.invalid()));
        }
    }
}

/// Controls (C1 too: U+009B begins an escape sequence), line separators, and what changes the direction of
/// text ("Trojan Source", CVE-2021-42574).
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || "_@%+=:,./-~^".contains(character)
}

fn hexadecimal(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a `Vec` cannot fail.
        let _ = write!(out, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        escape(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    fn quoted(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        quote(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_names_stay_as_they_are() {
        for name in ["/etc/passwd", "libc.so.6", "--color=auto", "/tmp/ünïcode/文件", "a@b:c,d+e%f"] {
            assert_eq!(quoted(name.as_bytes()), name);
            assert_eq!(escaped(name.as_bytes()), name);
        }
    }

    #[test]
    fn words_for_a_shell_are_quoted() {
        assert_eq!(quoted(b""), "''");
        assert_eq!(quoted(b"a b"), "'a b'");
        assert_eq!(quoted(b"$HOME"), "'$HOME'");
        assert_eq!(quoted(b"it's"), r"'it'\''s'");
        assert_eq!(quoted(br"a\x41"), r"'a\x41'");
        assert_eq!(quoted("a → b".as_bytes()), "'a → b'");
    }

    #[test]
    fn control_bytes_do_not_reach_the_terminal() {
        assert_eq!(quoted(b"a\nb"), r"$'a\x0ab'");
        assert_eq!(quoted(b"\x1b[31m'\\"), r"$'\x1b[31m\'\\'");
        assert_eq!(quoted(b"\x7f"), r"$'\x7f'");
        assert_eq!(escaped(b"a\tb\0"), r"a\x09b\x00");
        // U+009B is an escape sequence's beginning all the same.
        assert_eq!(escaped("\u{9b}31m".as_bytes()), r"\xc2\x9b31m");
    }

    #[test]
    fn ill_formed_utf_8_is_shown_byte_by_byte() {
        assert_eq!(quoted(b"a\xff\xfeb"), r"$'a\xff\xfeb'");
        assert_eq!(escaped(b"\xe2\x82"), r"\xe2\x82");
    }

    #[test]
    fn text_cannot_be_reordered() {
        assert_eq!(quoted("a\u{202e}txt.exe".as_bytes()), r"$'a\xe2\x80\xaetxt.exe'");
        assert_eq!(escaped("\u{2066}".as_bytes()), r"\xe2\x81\xa6");
    }

    #[test]
    fn an_escape_cannot_be_forged() {
        assert_ne!(escaped(br"\x1b"), escaped(b"\x1b"));
        assert_ne!(quoted(br"\x1b"), quoted(b"\x1b"));
    }
}
