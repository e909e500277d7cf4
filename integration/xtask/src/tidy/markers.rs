//! Rule: no promises in the source. What is to be done is an issue, what is not there is an error a
//! user can read.

use super::{Problem, SourceFile};

/// Spelled in halves, so that this file passes its own rule.
const MARKERS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!"), concat!("unimple", "mented!")];

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let lines = file.text.lines().zip(1..);
    let found = lines.flat_map(|(line, at)| {
        MARKERS.iter().filter(move |marker| has_word(line, marker)).map(move |marker| (marker, at))
    });
    found.map(|(marker, at)| Problem::error(&file.path, at, format!("`{marker}`: do it, or file an issue"))).collect()
}

/// Whether `marker` occurs in `line` other than as a part of a longer word.
fn has_word(line: &str, marker: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(marker).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + marker.len()..]);
        !before.ends_with(in_word) && (marker.ends_with('!') || !after.starts_with(in_word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::{MARKERS, check};

    #[test]
    fn every_marker_is_found_with_its_line() {
        for marker in MARKERS {
            let found = messages(check, "a/src/x.rs", &format!("fine\n    // ({marker}(later))\n"));
            assert_eq!(found, [format!("error: a/src/x.rs:2: `{marker}`: do it, or file an issue")]);
        }
    }

    #[test]
    fn longer_words_are_not_markers() {
        for text in [concat!("MASTO", "DON"), concat!("TO", "DO_LIST"), concat!("mas", "to", "do!"), "todo = \"warn\""]
        {
            assert_eq!(messages(check, "bpf/x.c", text), [""; 0], "{text}");
        }
    }
}
