//! Text inside of other languages.

use alloc::string::String;

use crate::graph::is_shown;

/// For XML and for Graphviz's HTML-like labels. Control characters, which XML cannot hold, and what changes the order of text become U+FFFD.
pub(super) fn markup(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ if is_shown(letter) => out.push(letter),
            _ => out.push('\u{fffd}'),
        }
    }
}

/// For a record's label of Graphviz in double quotes.
pub(super) fn record(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            // Graphviz knows entities everywhere, and other escapes than these in a label.
            '&' => out.push_str("&amp;"),
            '\\' => out.push_str("\\\\"),
            '"' | '>' | '<' | '|' | '{' | '}' => {
                out.push('\\');
                out.push(letter);
            }
            _ if is_shown(letter) => out.push(letter),
            _ => out.push('\u{fffd}'),
        }
    }
}
