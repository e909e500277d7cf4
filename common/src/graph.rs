//! Text that Graphviz reads: names of nodes, labels, comments.
//!
//! What stands in a label may come from a workload, and Graphviz gives meaning to more than quotes: `\N` and `\G`
//! are other texts, `&lt;` is an entity, a backslash before the closing quote swallows it, and what SVG cannot hold
//! makes its output no XML. So all of it is written in a way that shows what it is.

use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::json::Text;

/// Appends bytes of any kind as a quoted string, which as a label shows them.
///
/// Control characters, and those that change the order of text or break lines, are shown as `\u{…}`, ill-formed
/// UTF-8 as U+FFFD.
pub fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    inner(out, bytes);
    out.push(b'"');
}

/// As [`quoted`], without the quotes: a part of a string.
pub fn inner(out: &mut Vec<u8>, bytes: &[u8]) {
    each(bytes, |c| character(out, c));
}

/// As [`inner`], for the label of a node whose shape is `record`, where braces, bars and angle brackets make fields.
pub fn record(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut plain = Vec::new();
    each(bytes, |c| {
        plain.clear();
        character(&mut plain, c);
        for byte in &plain {
            if matches!(byte, b'{' | b'}' | b'|' | b'<' | b'>') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
    });
}

fn each(bytes: &[u8], mut character: impl FnMut(char)) {
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(&mut character);
        if !chunk.invalid().is_empty() {
            character('\u{fffd}');
        }
    }
}

fn character(out: &mut Vec<u8>, c: char) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        // Twice: a label reads `\\` as one, and a name is the same name wherever it stands.
        '\\' => out.extend_from_slice(b"\\\\"),
        '&' => out.extend_from_slice(b"&amp;"),
        c if is_shown(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        // Writing to a `Vec` cannot fail.
        c => drop(write!(Text(out), "\\\\u{{{:x}}}", u32::from(c))),
    }
}

/// Whether a character is seen as itself and XML can hold it: no control, no mark of direction, no separator of
/// lines, no byte order mark, nothing that is no character.
pub(crate) fn is_shown(c: char) -> bool {
    let hides = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !hides && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::{quoted, record};

    #[test]
    fn records() {
        for (bytes, expected) in [(&b"eth0"[..], "eth0"), (b"a|{b}<c>", r"a\|\{b\}\<c\>"), (b"\x07\\", r"\\u\{7\}\\")] {
            let mut out = Vec::new();
            record(&mut out, bytes);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn strings() {
        for (bytes, expected) in [
            (&b"bash"[..], r#""bash""#),
            (b"", r#""""#),
            (b"a\"b", r#""a\"b""#),
            (b"end\\", r#""end\\""#),
            (b"\\N&lt;", r#""\\N&amp;lt;""#),
            (b"a\nb\x1b", r#""a\\u{a}b\\u{1b}""#),
            (b"\xff", "\"\u{fffd}\""),
            ("\u{e9}\u{202e}".as_bytes(), "\"\u{e9}\\\\u{202e}\""),
        ] {
            let mut out = Vec::new();
            quoted(&mut out, bytes);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
