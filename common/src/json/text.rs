//! Strings. Nearly all of what is shown needs no escape, so that is found out first and at once.

use alloc::vec::Vec;
use core::fmt::Write as _;

/// Appends bytes as a JSON string.
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    escaped(out, bytes);
    out.push(b'"');
}

/// Appends an array of strings, which `items` hands over one by one.
pub(super) fn strings(out: &mut Vec<u8>, items: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    out.push(b'[');
    let mut first = true;
    items(&mut |item| {
        if !core::mem::take(&mut first) {
            out.push(b',');
        }
        string(out, item);
    });
    out.push(b']');
}

/// Whether bytes stand for themselves in a JSON string: ASCII without control characters, quotes and backslashes.
/// Looks at all of them, which takes less time than to stop at the first that does not.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~'))
}

/// Appends what stands between the quotes of a JSON string.
pub(super) fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    if is_plain(bytes) {
        return out.extend_from_slice(bytes);
    }
    for chunk in bytes.utf8_chunks() {
        escaped_text(out, chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escaped_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut plain = 0;
    for (index, byte) in text.iter().enumerate() {
        let short: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 | 0x7f => b"",
            _ => continue,
        };
        out.extend_from_slice(&text[plain..index]);
        plain = index + 1;
        if short.is_empty() {
            // Writing to a `Vec` cannot fail.
            let _ = write!(Text(out), "\\u{byte:04x}");
        } else {
            out.extend_from_slice(short);
        }
    }
    out.extend_from_slice(&text[plain..]);
}

/// Formats into bytes; never fails.
pub(crate) struct Text<'a>(pub(crate) &'a mut Vec<u8>);

impl core::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
